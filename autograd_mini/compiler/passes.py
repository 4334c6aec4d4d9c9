"""Passes: each makes a tape smaller without changing what it computes, nan, infinities and -0.0 included.

A rule looks at one step and returns the number of a step to use in its place, or None. `rewritten` applies a rule to
every step in order; `pruned` leaves out what no result needs.
"""

from __future__ import annotations

import operator

from autograd_mini import rules
from autograd_mini.compiler.tape import Builder, Tape
from autograd_mini.ops import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Rewriting = Callable[[Builder, str, tuple[int, ...]], int | None]

_LOGIC: dict[str, Callable[..., Any]] = {
    **{name: getattr(operator, name) for name in ("lt", "le", "gt", "ge", "eq", "ne")},
    "and": lambda x, y: x and y,
    "or": lambda x, y: x or y,
    "not": lambda x: not x,
    "select": lambda condition, x, y: x if condition else y,
}


_CHOOSING = frozenset({"select", "and", "or"})


def rewritten(tape: Tape, rule: Rewriting) -> Tape:
    """Return the tape with a rule applied to every step; steps that become equal become one."""
    builder = Builder(tape.inputs)
    placed = builder.placed
    places: list[int] = []
    for step in tape.steps:
        name = step[0]
        if name == "input":
            places.append(builder.input(step[1]))
        elif name == "constant":
            places.append(builder.constant(step[1]))
        else:
            # Most steps have two operands, and this loop is what compiling a long program waits for.
            operands = (places[step[1]], places[step[2]]) if len(step) == 3 else tuple([places[at] for at in step[1:]])
            found = rule(builder, name, operands)
            if found is None:
                made = (name, *operands)
                found = placed(made, made)
            places.append(found)
    return builder.finished([places[at] for at in tape.results])


def fold(builder: Builder, name: str, operands: tuple[int, ...]) -> int | None:
    """Compute what has only constants as operands, and take the branch of a condition that is known."""
    steps = builder.steps
    if name in _CHOOSING:
        if name == "select" and steps[operands[0]][0] == "constant":
            return operands[1] if steps[operands[0]][1] else operands[2]
        if name != "select":
            for this, other in (operands, operands[::-1]):
                if steps[this][0] == "constant":
                    return other if steps[this][1] == (name == "and") else this
    for at in operands:
        if steps[at][0] != "constant":
            return None
    known = _LOGIC.get(name) or rules.compiled(TABLE[name]).floats
    return builder.constant(known(*[steps[at][1] for at in operands]))


def simplify(builder: Builder, name: str, operands: tuple[int, ...]) -> int | None:
    """Use the identities that hold for every float: x + -0.0 = x, 1 x = x, -1 x = -x, x**2 = x x, and of signs."""
    rule = _SIMPLER.get(name)
    return None if rule is None else rule(builder, *operands)


def _constant(builder: Builder, at: int) -> str | None:
    step = builder.steps[at]
    return str(step[1]) if step[0] == "constant" else None


def _negated(builder: Builder, at: int) -> int | None:
    """Return x if the step is -x."""
    step = builder.steps[at]
    return step[1] if step[0] == "neg" else None


_SPECIAL = frozenset({"constant", "neg"})
"""What one operand of an arithmetic operation has to be, if there is to be an identity for it."""


def _add(b: Builder, x: int, y: int) -> int | None:
    if b.steps[x][0] not in _SPECIAL and b.steps[y][0] not in _SPECIAL:
        return None
    for this, other in ((x, y), (y, x)):
        if _constant(b, this) == "-0.0":
            return other
        if (positive := _negated(b, this)) is not None:
            return b.step("sub", other, positive)
    return None


def _sub(b: Builder, x: int, y: int) -> int | None:
    if _constant(b, y) == "0.0":
        return x
    return b.step("add", x, positive) if (positive := _negated(b, y)) is not None else None


def _mul(b: Builder, x: int, y: int) -> int | None:
    if b.steps[x][0] not in _SPECIAL and b.steps[y][0] not in _SPECIAL:
        return None
    for this, other in ((x, y), (y, x)):
        known = _constant(b, this)
        if known == "1.0":
            return other
        if known == "-1.0":
            positive = _negated(b, other)
            return b.step("neg", other) if positive is None else positive
        if (positive := _negated(b, this)) is not None and _negated(b, other) is not None:
            return b.step("mul", positive, b.steps[other][1])
    return None


def _truediv(b: Builder, x: int, y: int) -> int | None:
    known = _constant(b, y)
    if known == "1.0":
        return x
    return b.step("neg", x) if known == "-1.0" else None


def _neg(b: Builder, x: int) -> int | None:
    return _negated(b, x)


def _pow(b: Builder, x: int, y: int) -> int | None:
    match _constant(b, y):
        case "0.0" | "-0.0":
            return b.constant(1.0)
        case "1.0":
            return x
        case "2.0":
            return b.step("mul", x, x)
        case "3.0":
            return b.step("mul", b.step("mul", x, x), x)
        case "-1.0":
            return b.step("truediv", 1.0, x)
    return None


def _not(b: Builder, x: int) -> int | None:
    return b.steps[x][1] if b.steps[x][0] == "not" else None


def _select(b: Builder, condition: int, x: int, y: int) -> int | None:
    if x == y:
        return x
    if b.steps[condition][0] == "not":
        return b.step("select", b.steps[condition][1], y, x)
    return None


_SIMPLER: dict[str, Callable[..., int | None]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "truediv": _truediv,
    "neg": _neg,
    "pow": _pow,
    "not": _not,
    "select": _select,
}

DEEPEST = 8


def hoist(builder: Builder, name: str, operands: tuple[int, ...]) -> int | None:
    """Move a choice between two results of one operation to its operands, so that the operation is done once.

    The two branches of tanh's derivative, functions of exp(2x) and of exp(-2x), become one.
    """
    if name != "select":
        return None
    condition, x, y = operands
    return _hoisted(builder, condition, x, y, depth=0)


def _hoisted(b: Builder, condition: int, x: int, y: int, depth: int) -> int | None:
    this, other = b.steps[x], b.steps[y]
    if depth < DEEPEST:
        for whole, part in ((x, y), (y, x)):  # where(c, g, g * a) is g * where(c, 1, a)
            step = b.steps[part]
            if step[0] == "mul" and whole in step[1:]:
                factor = step[2] if step[1] == whole else step[1]
                one = b.constant(1.0)
                return b.step(
                    "mul", whole, b.step("select", condition, *((one, factor) if whole == x else (factor, one)))
                )
    if this[0] != other[0] or this[0] in {"input", "constant", "select"} or len(this) == 1 or depth >= DEEPEST:
        return None
    pairs = list(zip(this[1:], other[1:], strict=True))
    if this[0] in {"add", "mul"} and len({*this[1:], *other[1:]}) == 3 and this[1] != other[1] and this[2] != other[2]:
        pairs = [(this[1], other[2]), (this[2], other[1])]  # the shared operand stands on different sides
    if sum(a != c for a, c in pairs) > 1 and this[0] in {"add", "sub", "mul", "and", "or"} and depth == 0:
        return None  # two choices for one cheap operation do not pay
    chosen = [a if a == c else _chosen(b, condition, a, c, depth + 1) for a, c in pairs]
    return b.step(this[0], *chosen)


def _chosen(b: Builder, condition: int, x: int, y: int, depth: int) -> int:
    found = _hoisted(b, condition, x, y, depth)
    return b.step("select", condition, x, y) if found is None else found


def split(tape: Tape) -> Tape:
    """Choose between factors and 0 where that takes fewer choices than between products and 0.

    The gradient by a matrix of weights has a product for each weight, of few factors. If all hang on one condition it
    is asked once for each factor, and the sums of the products over samples are done as for any other matrix.
    """
    steps = tape.steps
    zero = next((at for at, step in enumerate(steps) if step[0] == "constant" and str(step[1]) == "0.0"), None)
    guarded = {
        at: (step[1], *steps[step[2]][1:])
        for at, step in enumerate(steps)
        if step[0] == "select" and step[3] == zero and steps[step[2]][0] == "mul"
    }
    factors: dict[int, set[int]] = {}
    products: dict[int, int] = {}
    for condition, x, y in guarded.values():
        factors.setdefault(condition, set()).update((x, y))
        products[condition] = products.get(condition, 0) + 1
    fewer = {condition for condition, count in products.items() if len(factors[condition]) < count}
    if not fewer:
        return tape
    builder = Builder(tape.inputs)
    places: list[int] = []
    for at, step in enumerate(steps):
        if step[0] == "input":
            places.append(builder.input(step[1]))
        elif step[0] == "constant":
            places.append(builder.constant(step[1]))
        elif at in guarded and step[1] in fewer:
            condition, *pair = [places[operand] for operand in guarded[at]]
            places.append(builder.step("mul", *[builder.step("select", condition, x, 0.0) for x in pair]))
        else:
            places.append(builder.step(step[0], *[places[operand] for operand in step[1:]]))
    return builder.finished([places[at] for at in tape.results])


def pruned(tape: Tape) -> Tape:
    """Return the tape without the steps that no result needs."""
    needed = [False] * len(tape.steps)
    for at in tape.results:
        needed[at] = True
    for at in range(len(tape.steps) - 1, -1, -1):
        step = tape.steps[at]
        if needed[at] and step[0] not in {"input", "constant"}:
            for operand in step[1:]:
                needed[operand] = True
    places: dict[int, int] = {}
    steps: list[Any] = []
    for at, step in enumerate(tape.steps):
        if needed[at]:
            places[at] = len(steps)
            kept = step[0] in {"input", "constant"}
            steps.append(step if kept else (step[0], *[places[operand] for operand in step[1:]]))
    return Tape(steps, [places[at] for at in tape.results], tape.inputs)


PASSES: dict[str, Callable[[Tape], Tape]] = {
    "fold": lambda tape: rewritten(tape, fold),
    "simplify": lambda tape: rewritten(tape, simplify),
    "hoist": lambda tape: rewritten(tape, hoist) if any(step[0] == "select" for step in tape.steps) else tape,
    "split": split,
    "prune": pruned,
}
"""The passes in their order, by name."""


def optimised(tape: Tape) -> tuple[Tape, dict[str, int]]:
    """Return the tape after all passes, and the number of operations before and after each."""
    counts = {"traced": len(tape)}
    for name, apply in PASSES.items():
        tape = apply(tape)
        counts[name] = len(tape)
    return tape, counts
