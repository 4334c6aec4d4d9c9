"""Passes: each makes a tape smaller without changing what it computes, nan, infinities and -0.0 included.

Only a power that becomes products may round differently. A rule looks at one step and returns the number of a step to
use in its place, or None. `rewritten` applies a rule to every step in order; `Tape.pruned` leaves out what no result
needs. `legalised` is no pass: what LLVM wants of a tape.
"""

from __future__ import annotations

import operator
from collections import Counter

from autograd_mini.compiler.tape import GATHERS, LEAVES, Builder, Tape
from autograd_mini.engine import rules
from autograd_mini.engine.ops import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Rule = Callable[[Builder, str, tuple[int, ...]], int | None]
    Rules = dict[str, Callable[..., int | None]]

DEEPEST = 8
"""Maximum depth to which choices are moved."""


def rewritten(tape: Tape, rule: Rule) -> Tape:
    """Return the tape with a rule applied to every step; steps that become equal become one."""
    builder = Builder(tape.inputs)
    steps, known = builder.steps, builder.places
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
                made = (name, *operands)  # what follows is `builder.placed(made, made)`
                found = known.get(made)
                if found is None:
                    found = known[made] = len(steps)
                    steps.append(made)
            places.append(found)
    return builder.finished([places[at] for at in tape.results])


# --- constants ---

_LOGIC: dict[str, Callable[..., Any]] = {
    **{name: getattr(operator, name) for name in ("lt", "le", "gt", "ge", "eq", "ne")},
    "not": operator.not_,
}
"""The conditions on numbers, and `not`; a choice and the other conditions need only one operand to be known."""

_CHOOSING = frozenset({"select", "and", "or"})


def fold(builder: Builder, name: str, operands: tuple[int, ...]) -> int | None:
    """Compute what has only constants as operands, and take the branch of a condition that is known."""
    steps = builder.steps
    if name in GATHERS:
        return None
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


def _has_known(tape: Tape) -> bool:
    """Return whether there is anything to fold, which is found out sooner than done."""
    known = {at for at, step in enumerate(tape.steps) if step[0] == "constant"}
    for step in tape.steps:
        name = step[0]
        if name in LEAVES:
            continue
        if step[1] in known and (name in _CHOOSING or known.issuperset(step[1:])):
            return True
        if name in {"and", "or"} and step[2] in known:
            return True
    return False


# --- identities ---


def simplify(builder: Builder, name: str, operands: tuple[int, ...]) -> int | None:
    """Use the identities that hold for every float: x + -0.0 = x, 1 x = x, -1 x = -x, x**2 = x x, and of signs."""
    rule = _SIMPLER.get(name)
    return None if rule is None else rule(builder, *operands)


def _constant(b: Builder, at: int) -> str | None:
    step = b.steps[at]
    return str(step[1]) if step[0] == "constant" else None


def _negated(b: Builder, at: int) -> int | None:
    """Return x if the step is -x."""
    step = b.steps[at]
    return step[1] if step[0] == "neg" else None


SPECIAL = frozenset({"constant", "neg"})
"""What one operand of a sum or product has to be, if there is to be an identity for it."""


def _add(b: Builder, x: int, y: int) -> int | None:
    if b.steps[x][0] not in SPECIAL and b.steps[y][0] not in SPECIAL:
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
    if b.steps[x][0] not in SPECIAL and b.steps[y][0] not in SPECIAL:
        return None
    for this, other in ((x, y), (y, x)):
        known, positive = _constant(b, this), _negated(b, other)
        if known == "1.0":
            return other
        if known == "-1.0":
            return b.step("neg", other) if positive is None else positive
        if positive is not None and b.steps[this][0] == "neg":
            return b.step("mul", b.steps[this][1], positive)
    return None


def _truediv(b: Builder, x: int, y: int) -> int | None:
    known = _constant(b, y)
    return x if known == "1.0" else b.step("neg", x) if known == "-1.0" else None


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
    return b.step("select", b.steps[condition][1], y, x) if b.steps[condition][0] == "not" else None


def _gt(b: Builder, x: int, y: int) -> int | None:
    """Compare where(x <= 0, 0, x), if it is there, in the place of x, which need not be kept then."""
    if _constant(b, y) != "0.0" or (condition := b.places.get(("le", x, y))) is None:
        return None
    positive = b.places.get(("select", condition, y, x))
    return None if positive is None else b.step("gt", positive, y)


_SIMPLER: Rules = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "truediv": _truediv,
    "neg": _negated,
    "pow": _pow,
    "not": _not,
    "select": _select,
    "gt": _gt,
}


# --- choices ---


def hoist(builder: Builder, name: str, operands: tuple[int, ...], depth: int = 0) -> int | None:
    """Move a choice between two results of one operation to its operands, so that the operation is done once.

    The two branches of tanh's derivative, functions of exp(2x) and of exp(-2x), become one.
    """
    if name != "select" or depth >= DEEPEST:
        return None
    b, (condition, x, y) = builder, operands
    this, other = b.steps[x], b.steps[y]
    for whole, part in ((x, y), (y, x)):  # where(c, g, g * a) is g * where(c, 1, a)
        step = b.steps[part]
        if step[0] == "mul" and whole in step[1:]:
            one, factor = b.constant(1.0), step[2] if step[1] == whole else step[1]
            return b.step("mul", whole, b.step("select", condition, *((one, factor) if whole == x else (factor, one))))
    if this[0] != other[0] or this[0] in LEAVES or this[0] == "select" or this[0] in GATHERS:
        return None
    pairs = list(zip(this[1:], other[1:], strict=True))
    if this[0] in {"add", "mul"} and len({*this[1:], *other[1:]}) == 3 and this[1] != other[1] and this[2] != other[2]:
        pairs = [(this[1], other[2]), (this[2], other[1])]  # the shared operand stands on different sides
    if sum(a != c for a, c in pairs) > 1 and this[0] in {"add", "sub", "mul", "and", "or"} and depth == 0:
        return None  # two choices for one cheap operation do not pay

    def chosen(a: int, c: int) -> int:
        found = hoist(b, "select", (condition, a, c), depth + 1)
        return b.step("select", condition, a, c) if found is None else found

    return b.step(this[0], *[a if a == c else chosen(a, c) for a, c in pairs])


def split(tape: Tape) -> Tape:
    """Choose between factors and 0 where that takes fewer choices than between products and 0.

    The gradient by a matrix of weights has a product for each weight, of few factors. If all hang on one condition it
    is asked once for each factor, and the sums of the products over samples are done as for any other matrix.
    """
    steps = tape.steps
    zero = next((at for at, step in enumerate(steps) if step[0] == "constant" and str(step[1]) == "0.0"), None)
    guarded = {
        at: step[1]
        for at, step in enumerate(steps)
        if step[0] == "select" and step[3] == zero and steps[step[2]][0] == "mul"
    }
    factors: dict[int, set[int]] = {}
    for at, condition in guarded.items():
        factors.setdefault(condition, set()).update(steps[steps[at][2]][1:])
    fewer = {condition for condition, count in Counter(guarded.values()).items() if len(factors[condition]) < count}
    if not fewer:
        return tape
    numbers = iter([at for at, _ in tape.operations()])

    def rule(b: Builder, _: str, operands: tuple[int, ...]) -> int | None:
        if guarded.get(next(numbers)) not in fewer:
            return None
        condition, product, _zero = operands
        return b.step("mul", *[b.step("select", condition, x, 0.0) for x in b.steps[product][1:]])

    return rewritten(tape, rule)


PASSES: dict[str, Callable[[Tape], Tape]] = {
    "fold": lambda tape: rewritten(tape, fold) if _has_known(tape) else tape,
    "simplify": lambda tape: rewritten(tape, simplify),
    "hoist": lambda tape: rewritten(tape, hoist) if any(step[0] == "select" for step in tape.steps) else tape,
    "split": split,
    "prune": Tape.pruned,
}
"""The passes in their order, by name."""


def optimised(tape: Tape) -> tuple[Tape, dict[str, int]]:
    """Return the tape after all passes, and the number of operations before and after each."""
    counts = {"traced": len(tape)}
    for name, apply in PASSES.items():
        tape = apply(tape)
        counts[name] = len(tape)
    return tape, counts


# --- operations that neither LLVM nor the C library has, written out in ones that they have ---


def legalised(tape: Tape) -> Tape:
    """Return the tape with these operations written out, by the arithmetic of `ieee.py`, and CPython's remainder.

    The operations that this adds to a tape's are `ADDED`; `cbrt_rough` is the C library's cube root.
    """
    if tape.kinds().isdisjoint(_LEGAL):
        return tape
    return rewritten(tape, lambda b, name, operands: _LEGAL[name](b, *operands) if name in _LEGAL else None).pruned()


def _cbrt(b: Builder, x: int) -> int:
    z = b.step("cbrt_rough", x)
    step = b.truediv(b.sub(z, b.truediv(x, b.mul(z, z))), 3.0)
    done = b.any_of(b.ne(b.sub(z, z), 0.0), b.eq(z, 0.0))
    return b.where(done, z, b.sub(z, step))


def _ndtr(b: Builder, x: int) -> int:
    t = b.mul(b.neg(x), 0.7071067811865476)
    h = b.truediv(b.floor(b.mul(x, 1024.0)), 1024.0)
    low = b.sub(x, h)
    d = b.sub(b.mul(b.neg(h), 0.7071067690849304), t)
    d = b.sub(b.sub(d, b.mul(low, 0.7071067690849304)), b.mul(x, 1.210161710447897e-08))
    half = b.mul(0.5, b.erfc(t))
    bell = b.exp(b.mul(b.neg(t), t))
    correction = b.mul(b.mul(d, bell), 0.5641895835477563)
    return b.where(b.all_of(b.lt(-39.0, x), b.lt(x, 0.0)), b.sub(half, correction), half)


def _remainder(b: Builder, x: int, y: int) -> tuple[int, int]:
    """Return fmod(x, y), and whether it has to move by y to have the sign of y."""
    rest = b.step("fmod", x, y)
    below, negative = b.lt(rest, 0.0), b.lt(y, 0.0)
    differs = b.any_of(b.all_of(negative, b.step("not", below)), b.all_of(b.step("not", negative), below))
    return rest, b.all_of(b.ne(rest, 0.0), differs)


def _mod(b: Builder, x: int, y: int) -> int:
    rest, moves = _remainder(b, x, y)
    signed = b.where(b.eq(rest, 0.0), b.step("copysign", 0.0, y), rest)
    return b.where(b.eq(y, 0.0), float("nan"), b.where(moves, b.add(rest, y), signed))


def _floordiv(b: Builder, x: int, y: int) -> int:
    rest, moves = _remainder(b, x, y)
    quotient = b.truediv(b.sub(x, rest), y)
    quotient = b.where(moves, b.sub(quotient, 1.0), quotient)
    whole = b.floor(quotient)
    whole = b.where(b.gt(b.sub(quotient, whole), 0.5), b.add(whole, 1.0), whole)
    exact = b.truediv(x, y)
    whole = b.where(b.eq(quotient, 0.0), b.step("copysign", 0.0, exact), whole)
    return b.where(b.eq(y, 0.0), exact, whole)


def _round(b: Builder, x: int, y: int) -> int | None:
    step = b.steps[y]
    return b.step("roundeven", x) if step[0] == "constant" and abs(step[1]) < 1.0 else None


_LEGAL: Rules = {"cbrt": _cbrt, "ndtr": _ndtr, "mod": _mod, "floordiv": _floordiv, "round": _round}

WRITTEN_OUT = frozenset(_LEGAL) - {"round"}
"""Operations that are written out wherever they stand; `round` is where the number of decimals is known to be 0."""

ADDED = frozenset({"fmod", "copysign", "cbrt_rough", "roundeven"})
"""Operations that tapes have besides after `legalised`."""
