"""A tape: a program without branches, one operation after another, each computed once from earlier ones.

Step number n is a tuple: ("input", i), ("constant", number), or the name of an operation and the numbers of the steps
that are its operands. The operations are those of the table that a machine has (`BASIC`), comparisons, `and`, `or` and
`not` of these, and `select`, which takes its second operand where the first holds and its third where not. The steps of
`GATHERS` make arrays, and take numbers out of them; an index is in range.

>>> builder = Builder(inputs=2)
>>> x, y = builder.input(0), builder.input(1)
>>> print(builder.finished([builder.add(builder.mul(x, y), 1.0)]))
def program(x0, x1):
    v1 = x0 * x1
    v2 = v1 + 1.0
    return v2,
"""

from __future__ import annotations

from functools import cache, partial
from itertools import count
from math import copysign

from autograd_mini.engine.codegen import build, over_algebra
from autograd_mini.engine.formula import OPERATORS, RELATIONS, parse, scaled, written
from autograd_mini.engine.ops import ARITHMETIC, TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from autograd_mini.engine.ops import Op

    Step = tuple[Any, ...]
    Operand = int | float

CONDITIONS = {name: symbol for symbol, name in RELATIONS.items()} | {"and": "and", "or": "or"}
"""Steps whose result is a truth value, besides `not`, with their symbols."""

TRUTHS = frozenset({*CONDITIONS, "not"})
"""Steps whose result is a truth value."""

ARRAYS = frozenset({"table", "scatter"})
"""Steps whose result is an array of numbers; their operands are as many as they need, see `gathers`."""

GATHERS = ARRAYS | {"take"}
"""Steps that have to do with arrays."""

BASIC = ARITHMETIC | {"neg"} | {name for name, row in TABLE.items() if row.primitive}
"""The rows that a backend knows; any other is written out by its formula."""

LEAVES = frozenset({"input", "constant"})
"""Steps that are no operations."""

_INFIX = frozenset(OPERATORS.values())


class Tape:
    """A program: its steps, the numbers of those that are its results, and how many inputs it has, used or not."""

    __slots__ = ("inputs", "results", "steps")

    def __init__(self, steps: list[Step], results: Iterable[int], inputs: int) -> None:
        self.steps, self.results, self.inputs = steps, list(results), inputs

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as plain tuples."""
        return Tape, (self.steps, self.results, self.inputs)

    def __len__(self) -> int:
        """Return how many operations there are."""
        names = [step[0] for step in self.steps]
        return len(names) - names.count("input") - names.count("constant")

    def kinds(self) -> set[str]:
        """Return the names of the steps that occur."""
        return {step[0] for step in self.steps}

    def operations(self) -> list[tuple[int, Step]]:
        """Return the steps that are operations, with their numbers."""
        return [(at, step) for at, step in enumerate(self.steps) if step[0] not in LEAVES]

    def __str__(self) -> str:
        """Return the program as readable Python, one line an operation."""
        names = self.names()
        lines = [
            f"    {names[at]} = {expression(step, [names[x] for x in step[1:]])}" for at, step in self.operations()
        ]
        inputs = ", ".join(f"x{i}" for i in range(self.inputs))
        results = "".join(f"{names[at]}, " for at in self.results).strip()
        return "\n".join([f"def program({inputs}):", *lines, f"    return {results or '()'}"])

    def uses(self) -> list[int]:
        """Return for each step how often it is an operand or a result."""
        counts = [0] * len(self.steps)
        for step in self.steps:
            if step[0] not in LEAVES:
                for operand in step[1:]:
                    counts[operand] += 1
        for at in self.results:
            counts[at] += 1
        return counts

    def length(self, at: int) -> int:
        """Return how many numbers an array has."""
        while self.steps[at][0] == "scatter":
            at = self.steps[at][1]
        return len(self.steps[at]) - 1

    def pruned(self) -> Tape:
        """Return the tape without the steps that no result needs."""
        needed = [False] * len(self.steps)
        for at in self.results:
            needed[at] = True
        for at, step in reversed(self.operations()):
            if needed[at]:
                for operand in step[1:]:
                    needed[operand] = True
        places: dict[int, int] = {}
        steps: list[Step] = []
        for at, step in enumerate(self.steps):
            if needed[at]:
                places[at] = len(steps)
                steps.append(step if step[0] in LEAVES else (step[0], *[places[operand] for operand in step[1:]]))
        return Tape(steps, [places[at] for at in self.results], self.inputs)

    def varying(self, batched: int) -> list[bool]:
        """Return for each step whether it depends on one of the first inputs, those of a batch."""
        varies: list[bool] = []
        for step in self.steps:
            if step[0] == "input":
                varies.append(step[1] < batched)
            elif len(step) == 3:
                varies.append(varies[step[1]] or varies[step[2]])
            else:
                varies.append(step[0] != "constant" and any(varies[at] for at in step[1:]))
        return varies

    def names(self) -> list[str]:
        """Return what each step is called: x0 for an input, a number for a constant, else v0, v1, and so on."""
        numbers = count(1)
        return [
            f"x{step[1]}" if step[0] == "input" else repr(step[1]) if step[0] == "constant" else f"v{next(numbers)}"
            for step in self.steps
        ]


def expression(step: Step, operands: Sequence[str]) -> str:
    """Write a step as Python, given the names of its operands."""
    name = step[0]
    if name in _INFIX:
        return written(name, [f"({operand})" if operand[0] == "-" else operand for operand in operands])
    if name in CONDITIONS:
        return f"{operands[0]} {CONDITIONS[name]} {operands[1]}"
    if name == "table":
        return f"({', '.join(operands)},)"
    if name == "take":
        return f"{operands[0]}[int({operands[1]})]"
    if name == "select":
        return f"{operands[1]} if {operands[0]} else {operands[2]}"
    return f"not {operands[0]}" if name == "not" else written(name, operands)


class Builder:
    """Makes a tape step by step. A step that is there already is not made again.

    For each operation of machines there is a method that takes operands, step numbers (int) or constants (float), and
    returns the number of the step; for each row of the table there is one with an underscore at its end. So a builder
    is an algebra that formulas are evaluated over: see `codegen.over_algebra`.
    """

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.steps: list[Step] = []
        self.places: dict[Step, int] = {}

    def input(self, at: int) -> int:
        """Return the step of an input."""
        return self.placed(("input", at), ("input", at))

    def constant(self, number: float) -> int:
        """Return the step of a constant, a float or a bool."""
        # 0.0 == -0.0 == False and nan != nan, so the key says what the number is.
        key = ("constant", type(number), str(number), copysign(1.0, number))
        return self.placed(("constant", number), key)

    def step(self, name: str, *operands: Operand) -> int:
        """Return the step that applies an operation."""
        made = (name, *[at if type(at) is int else self.constant(at) for at in operands])
        return self.placed(made, made)

    def placed(self, step: Step, key: Step) -> int:
        """Return the number of a step, which is put at the end if there is none with this key."""
        at = self.places.get(key)
        if at is None:
            at = self.places[key] = len(self.steps)
            self.steps.append(step)
        return at

    def number(self, at: int) -> int:
        """Return a step as a number: a truth value becomes 1.0 or 0.0."""
        step = self.steps[at]
        if step[0] == "constant":
            return self.constant(float(step[1]))
        return self.step("select", at, 1.0, 0.0) if step[0] in TRUTHS else at

    def truth(self, at: int) -> int:
        """Return a step as a truth value."""
        step = self.steps[at]
        if step[0] == "constant":
            return self.constant(bool(step[1]))
        return at if step[0] in TRUTHS else self.step("ne", at, 0.0)

    def apply(self, name: str, *operands: Operand) -> int:
        """Return the step that a row of the table ends in, written out if machines do not have it."""
        return self.step(name, *operands) if name in BASIC else _value(TABLE[name])(self, *operands)

    def __getattr__(self, name: str) -> Callable[..., int]:
        """Return the method for an operation."""
        renamed = {"where": "select", "all_of": "and", "any_of": "or"}.get(name, name)
        row = name.removesuffix("_")
        if renamed == "select" or renamed in TRUTHS or renamed in BASIC:
            made = partial(self.step, renamed)
        elif row != name and row in TABLE:
            made = partial(self.apply, row)
        else:
            raise AttributeError(name)
        setattr(self, name, made)
        return made

    def finished(self, results: Iterable[int]) -> Tape:
        """Return the tape."""
        return Tape(self.steps, results, self.inputs)


@cache
def _value(op: Op) -> Callable[..., int]:
    """Return a row's value as a function of an algebra and the operands."""
    formula = over_algebra(parse(op.value, op.operands, own=op))
    text = f"def value(a, {', '.join(op.operands)}):\n    return {formula}\n"
    made: Callable[..., int] = build(f"value of {op.name}", text, {})["value"]
    return made


@cache
def shares_over(op: Op) -> tuple[Callable[..., Any], ...]:
    """Return for each operand the function (algebra, *operands, result, g) -> g times the partial by it."""
    made: list[Callable[..., Any]] = []
    for wanted, partial_by in zip(op.operands, op.partials, strict=True):
        formula = over_algebra(scaled(parse(partial_by, (*op.operands, "z"), own=op), "g"))
        text = f"def share(a, {', '.join(op.operands)}, z, g):\n    return {formula}\n"
        made.append(build(f"{op.name} times d{wanted}", text, {})["share"])
    return tuple(made)
