"""A tape: a program without branches, one operation after another, each computed once from earlier ones.

Step number n is a tuple: ("input", i), ("constant", number), or the name of an operation and the numbers of the steps
that are its operands. The operations are those of the table that a machine has (`BASIC`), comparisons, `and`, `or` and
`not` of these, and `select`, which takes its second operand where the first holds and its third where not.

>>> steps = [("input", 0), ("input", 1), ("mul", 0, 1), ("constant", 1.0), ("add", 2, 3)]
>>> print(Tape(steps, results=[4], inputs=2))
def program(x0, x1):
    v1 = x0 * x1
    v2 = v1 + 1.0
    return v2,
"""

from __future__ import annotations

from autograd_mini.engine.ops import ARITHMETIC, TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Step = tuple[Any, ...]

CONDITIONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!=", "and": "and", "or": "or"}
"""Steps whose result is a truth value, besides `not`, with their symbols."""

TRUTHS = frozenset({*CONDITIONS, "not"})
"""Steps whose result is a truth value."""

BASIC = ARITHMETIC | {"neg"} | {name for name, row in TABLE.items() if row.primitive}
"""The rows that a backend knows; any other is written out by its formula."""


class Tape:
    """A program: its steps, and which of them are the results.

    Attributes:
        steps: see the module.
        results: the numbers of the steps that are returned, in order.
        inputs: how many inputs it has, used or not.

    """

    __slots__ = ("inputs", "results", "steps")

    def __init__(self, steps: list[Step], results: Sequence[int], inputs: int) -> None:
        self.steps = steps
        self.results = list(results)
        self.inputs = inputs

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle as plain tuples."""
        return Tape, (self.steps, self.results, self.inputs)

    def __len__(self) -> int:
        """Return how many operations there are, inputs and constants left out."""
        names = [step[0] for step in self.steps]
        return len(names) - names.count("input") - names.count("constant")

    def __str__(self) -> str:
        """Return the program as readable Python, one line an operation."""
        names = self.names()
        lines = [f"def program({', '.join(f'x{i}' for i in range(self.inputs))}):"]
        for at, step in enumerate(self.steps):
            if step[0] not in {"input", "constant"}:
                lines.append(f"    {names[at]} = {expression(step, names)}")
        lines.append(f"    return {''.join(f'{names[at]}, ' for at in self.results).strip() or '()'}")
        return "\n".join(lines)

    def uses(self) -> list[int]:
        """Return for each step how often it is an operand or a result."""
        counts = [0] * len(self.steps)
        for step in self.steps:
            if step[0] not in {"input", "constant"}:
                for operand in step[1:]:
                    counts[operand] += 1
        for at in self.results:
            counts[at] += 1
        return counts

    def pruned(self) -> Tape:
        """Return the tape without the steps that no result needs."""
        needed = [False] * len(self.steps)
        for at in self.results:
            needed[at] = True
        for at in range(len(self.steps) - 1, -1, -1):
            step = self.steps[at]
            if needed[at] and step[0] not in {"input", "constant"}:
                for operand in step[1:]:
                    needed[operand] = True
        places: dict[int, int] = {}
        steps: list[Step] = []
        for at, step in enumerate(self.steps):
            if needed[at]:
                places[at] = len(steps)
                kept = step[0] in {"input", "constant"}
                steps.append(step if kept else (step[0], *[places[operand] for operand in step[1:]]))
        return Tape(steps, [places[at] for at in self.results], self.inputs)

    def varying(self, batched: int) -> list[bool]:
        """Return for each step whether it depends on one of so many first inputs."""
        varies: list[bool] = []
        for step in self.steps:
            if step[0] == "input":
                varies.append(step[1] < batched)
            else:
                varies.append(step[0] != "constant" and any(varies[at] for at in step[1:]))
        return varies

    def names(self) -> list[str]:
        """Return what each step is called: x0 for an input, a number for a constant, else v0, v1, and so on."""
        named: list[str] = []
        count = 0
        for step in self.steps:
            if step[0] == "input":
                named.append(f"x{step[1]}")
            elif step[0] == "constant":
                named.append(literal(step[1]))
            else:
                count += 1
                named.append(f"v{count}")
        return named


def literal(constant: float) -> str:
    """Write a constant as Python."""
    if isinstance(constant, bool) or constant - constant == 0.0:
        return repr(constant)
    return "nan" if constant != constant else "inf" if constant > 0.0 else "-inf"  # noqa: PLR0124 - only nan differs


def expression(step: Step, names: Sequence[str]) -> str:
    """Write a step as Python."""
    name, operands = step[0], [names[at] for at in step[1:]]
    if name in {"add", "sub", "mul", "truediv", "pow", "mod", "floordiv"}:
        return f"{_bracketed(operands[0])} {TABLE[name].symbol} {_bracketed(operands[1])}"
    if name in CONDITIONS:
        return f"{operands[0]} {CONDITIONS[name]} {operands[1]}"
    if name == "select":
        return f"{operands[1]} if {operands[0]} else {operands[2]}"
    if name in {"neg", "not"}:
        return f"-{operands[0]}" if name == "neg" else f"not {operands[0]}"
    return f"{name}({', '.join(operands)})"


def _bracketed(operand: str) -> str:
    return f"({operand})" if operand.startswith("-") else operand
