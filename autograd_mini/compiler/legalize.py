"""Legalization: operations that neither LLVM nor the C library has, written out in ones that they have.

Each is the same arithmetic as in `ieee.py`, or as CPython's for the remainder, with choices in the place of branches.
The operations that this adds to a tape's are `fmod`, `copysign`, and `cbrt_rough`, the C library's cube root.
"""

from __future__ import annotations

from autograd_mini.compiler.passes import rewritten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from autograd_mini.compiler.builder import Builder
    from autograd_mini.compiler.tape import Tape


def expanded(tape: Tape) -> Tape:
    """Return the tape with these operations written out."""
    if not any(step[0] in _EXPANSIONS for step in tape.steps):
        return tape
    return rewritten(tape, _rule).pruned()


def _rule(builder: Builder, name: str, operands: tuple[int, ...]) -> int | None:
    return _EXPANSIONS[name](builder, *operands) if name in _EXPANSIONS else None


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


_EXPANSIONS: dict[str, Callable[..., int | None]] = {
    "cbrt": _cbrt,
    "ndtr": _ndtr,
    "mod": _mod,
    "floordiv": _floordiv,
    "round": _round,
}

WRITTEN_OUT = frozenset(_EXPANSIONS) - {"round"}
"""Operations that are written out wherever they stand; `round` is where the number of decimals is known to be 0."""

ADDED = frozenset({"fmod", "copysign", "cbrt_rough", "roundeven"})
"""Operations that tapes have besides after `expanded`."""
