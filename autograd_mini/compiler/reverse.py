"""Reverse mode on a tape: a program of columns becomes a tape, and its gradient more of the same tape.

The partial derivatives are the formulas of the table, evaluated over the builder of the tape, so that no graph of nodes
is made of them; constants are folded and identities used while steps are placed. Where a branch is chosen the adjoint
has to hang on its condition: such programs are differentiated as graphs, see `path_conditions`.
"""

from __future__ import annotations

from functools import cache

from autograd_mini.compiler.instructions import CONSTANT, LEAF, Instructions
from autograd_mini.compiler.passes import SPECIAL, fold, hoist, simplify
from autograd_mini.compiler.tape import BASIC, TRUTHS, Builder
from autograd_mini.engine.codegen import build, over_algebra
from autograd_mini.engine.formula import parse, scaled
from autograd_mini.engine.ops import CHOICE, TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.tape import Operand, Tape
    from autograd_mini.engine.ops import Op


def differentiable(table: Instructions) -> bool:
    """Return whether no row chooses between operands."""
    return table.code_of(CHOICE) is None


def lowered(table: Instructions, places: Sequence[int], inputs: int, wanted: Sequence[int] | None) -> Tape:
    """Return a program as a tape, with its gradient.

    Args:
        table: the program; to be differentiated it has one result.
        places: for each leaf which input it is.
        inputs: how many inputs there are.
        wanted: the inputs to differentiate by; None for no derivative.

    """
    builder = _Folding(inputs)
    steps = _forward(table, places, builder)
    results = [builder.number(steps[row]) for row in table.results]
    if wanted is not None:
        adjoints = _backward(table, steps, builder, {*wanted}, places)
        results += [adjoints.get(at, builder.constant(0.0)) for at in wanted]
    return builder.finished(results)


class _Folding(Builder):
    """Makes a tape; a step that is known, or is another one, is not made."""

    def step(self, name: str, *operands: Operand) -> int:
        """Return the step that applies an operation."""
        known = tuple([at if type(at) is int else self.constant(at) for at in operands])
        found = fold(self, name, known)
        if found is None:
            found = simplify(self, name, known)
        if found is None and name == "select":
            found = hoist(self, name, known)
        return self.placed((name, *known), (name, *known)) if found is None else found

    def added(self, x: int, y: int) -> int:
        """Return the step of a sum."""
        if self.steps[x][0] in SPECIAL or self.steps[y][0] in SPECIAL:
            return self.step("add", x, y)
        made = ("add", x, y)
        return self.placed(made, made)

    def multiplied(self, x: int, y: int) -> int:
        """Return the step of a product."""
        if self.steps[x][0] in SPECIAL or self.steps[y][0] in SPECIAL:
            return self.step("mul", x, y)
        made = ("mul", x, y)
        return self.placed(made, made)


def _forward(table: Instructions, places: Sequence[int], builder: _Folding) -> list[int]:
    """Return the step of each row that is used; -1 for the others."""
    first, second, third = table.operands
    kinds = {"add": builder.added, "mul": builder.multiplied}
    names = [rule if rule is None or isinstance(rule, str) else rule.op.name for rule in table.rules]
    done = [kinds.get(name or "") for name in names]
    steps: list[int] = []
    put = steps.append
    for at, (code, used, x, y) in enumerate(zip(table.codes, table.used(), first, second, strict=True)):
        if not used:
            put(-1)
        elif code > CONSTANT:
            quick = done[code]
            if quick is None:
                put(_step(builder, names[code], [steps[row] for row in (x, y, third[at]) if row]))
            else:
                put(quick(steps[x], steps[y]))
        else:
            put(builder.input(places[x]) if code == LEAF else builder.constant(table.numbers[at]))
    return steps


def _step(builder: Builder, name: Any, operands: list[int]) -> int:
    """Return the step that a row ends in."""
    if name == "where":
        condition, this, otherwise = operands
        return builder.step("select", builder.truth(condition), builder.number(this), builder.number(otherwise))
    if name == "stop":
        return operands[0]
    if name in TRUTHS:
        turned = builder.truth if name in {"and", "or", "not"} else builder.number
        return builder.step(name, *map(turned, operands))
    numbers = [builder.number(at) if builder.steps[at][0] in TRUTHS else at for at in operands]
    return builder.step(name, *numbers) if name in BASIC else builder.apply(name, *numbers)


def _backward(
    table: Instructions, steps: list[int], builder: _Folding, wanted: set[int], places: Sequence[int]
) -> dict[int, int]:
    """Return the adjoints of the wanted inputs."""
    first, second, _ = table.operands
    codes, leading = table.codes, _leading(table, wanted, places)
    partials = [None if rule is None or isinstance(rule, str) else _partials(rule.op) for rule in table.rules]
    add, mul = [table.code_of(TABLE[name]) for name in ("add", "mul")]
    made = builder.steps
    put = made.append
    adjoints: dict[int, int] = {table.results[0]: builder.constant(1.0)}
    take, known = adjoints.pop, adjoints.get
    found: dict[int, int] = {}

    def times(x: int, y: int) -> int:
        """Return the step of a product; no other one is sought that is the same."""
        if made[x][0] in SPECIAL or made[y][0] in SPECIAL:
            return builder.step("mul", x, y)
        put(("mul", x, y))
        return len(made) - 1

    def give(row: int, share: Any) -> None:
        """Add a share to the adjoint of a row."""
        step, before = share if type(share) is int else builder.constant(share), known(row)
        if before is None:
            adjoints[row] = step
        elif made[before][0] in SPECIAL or made[step][0] in SPECIAL:
            adjoints[row] = builder.step("add", before, step)
        else:
            adjoints[row] = len(made)
            put(("add", before, step))

    for at in range(len(table) - 1, 0, -1):
        g = take(at, None) if leading[at] else None
        if g is None:
            continue
        code, x, y = codes[at], first[at], second[at]
        if code == LEAF:
            found[places[x]] = builder.added(found[places[x]], g) if places[x] in found else g
            continue
        if code in (add, mul):
            for row, other in ((x, y), (y, x)):
                if leading[row]:
                    give(row, g if code == add else times(g, steps[other]))
            continue
        operands = [builder.number(steps[row]) for row in (x, y) if row]
        shares = [
            (row, share(builder, *operands, steps[at], g))
            for share, row in zip(partials[code] or (), (x, y), strict=False)
            if leading[row]
        ]
        for row, share in shares:
            give(row, share)
    return found


def _leading(table: Instructions, wanted: set[int], places: Sequence[int]) -> bytearray:
    """Return for each row whether its adjoint matters: whether a derivative flows from it to a wanted input."""
    first, second, _ = table.operands
    found = bytearray(len(table))
    flows = [rule is not None and not isinstance(rule, str) for rule in table.rules]
    for at, code in enumerate(table.codes):
        if flows[code]:
            found[at] = found[first[at]] | found[second[at]]
        elif code == LEAF and places[first[at]] in wanted:
            found[at] = 1
    return found


@cache
def _partials(op: Op) -> tuple[Callable[..., Any], ...]:
    """Return for each operand the function (builder, operands, result, g) -> the step of g times the partial."""
    made: list[Callable[..., Any]] = []
    for wanted, partial in zip(op.operands, op.partials, strict=True):
        formula = over_algebra(scaled(parse(partial, (*op.operands, "z"), own=op), "g"))
        text = f"def share(a, {', '.join(op.operands)}, z, g):\n    return {formula}\n"
        made.append(build(f"{op.name} times d{wanted} on a tape", text, {})["share"])
    return tuple(made)
