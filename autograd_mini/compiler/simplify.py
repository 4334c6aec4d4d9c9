"""Identities that hold for every float, as rules for `passes.rewritten`; x**3 and x**-1 may round differently."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from autograd_mini.compiler.builder import Builder


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


def _gt(b: Builder, x: int, y: int) -> int | None:
    """Compare where(x <= 0, 0, x), if it is there, in the place of x, which need not be kept then."""
    if _constant(b, y) != "0.0" or (condition := b.places.get(("le", x, y))) is None:
        return None
    positive = b.places.get(("select", condition, y, x))
    return None if positive is None else b.step("gt", positive, y)


_SIMPLER: dict[str, Callable[..., int | None]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "truediv": _truediv,
    "neg": _neg,
    "pow": _pow,
    "not": _not,
    "select": _select,
    "gt": _gt,
}
