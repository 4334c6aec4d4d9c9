"""The primitives on floats, by the rules of IEEE 754: a result is a float, inf or nan, never an exception.

Python raises where the standard has a value: `1 / 0.0`, `math.log(0.0)`, `math.exp(1000.0)`. Here they are inf, -inf
and inf, as in NumPy, PyTorch and compiled code, so that a function gives the same answer however it is run. Each name
is that of a row of the table in `ops.py`.
"""

from __future__ import annotations

import math
from math import inf, nan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _extending(extended: Callable[..., float], function: Callable[..., float]) -> Callable[..., float]:
    """Note which function another one extends: right where it returns, and raising where it is not."""
    extended.__name__ = function.__name__
    extended.__wrapped__ = function  # type: ignore[attr-defined]  # as `functools.wraps` does
    return extended


def quick(name: str) -> Callable[..., float]:
    """Return a primitive straight from the math module if possible: where that raises, ask the one of this module."""
    careful: Callable[..., float] = globals()[name]
    return getattr(careful, "__wrapped__", careful)


def _never(x: float) -> float:
    """Stand for an overflow that the function does not have."""
    return nan * x


def _infinite(x: float) -> float:
    """Overflow to the sign of x."""
    return math.copysign(inf, x)


def _total(
    function: Callable[[float], float], overflow: Callable[[float], float] = _never, pole: float = nan
) -> Callable[[float], float]:
    """Extend a function of the math module: -inf at its pole, nan outside its domain, `overflow(x)` if too large."""

    def extended(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return overflow(x)
        except ValueError:
            return -inf if x == pole else nan

    return _extending(extended, function)


exp, expm1, cosh = (_total(f, lambda _: inf) for f in (math.exp, math.expm1, math.cosh))
sinh = _total(math.sinh, _infinite)
log, log2, log10 = (_total(f, pole=0.0) for f in (math.log, math.log2, math.log10))
log1p = _total(math.log1p, pole=-1.0)
sqrt, sin, cos, tan, asin, acos, acosh = (
    _total(f) for f in (math.sqrt, math.sin, math.cos, math.tan, math.asin, math.acos, math.acosh)
)
atan, atan2, tanh, asinh = math.atan, math.atan2, math.tanh, math.asinh
hypot, erf, erfc = math.hypot, math.erf, math.erfc


def atanh(x: float) -> float:
    """The inverse of tanh; ±inf at ±1, nan beyond."""
    try:
        return math.atanh(x)
    except ValueError:
        return _infinite(x) if math.fabs(x) == 1.0 else nan


atanh = _extending(atanh, math.atanh)


def cbrt(x: float) -> float:
    """The real cube root, by one Newton step from the library's, which some C libraries leave 4 ulp off."""
    z = math.cbrt(x)
    if z - z != 0.0 or z == 0.0:
        return z
    return z - (z - x / (z * z)) / 3.0


def ndtr(x: float) -> float:
    """The distribution function of the standard normal, ½ erfc(-x/√2).

    erfc multiplies the relative error of its argument t by 2t², so the rounding error of t is taken out to first order:
    with t = -x/√2 rounded and d = -x/√2 - t, erfc(t + d) = erfc(t) - 2d exp(-t²)/√π.
    """
    t = -x * 0.7071067811865476
    if not -39.0 < x < 0.0:  # above 0 the result has too little of erfc(t) to notice
        return 0.5 * erfc(t)
    # The products of short factors are exact: h has few digits, and 1/√2 is cut into 24 digits and the rest.
    h = math.floor(x * 1024.0) / 1024.0
    low = x - h
    d = (-h * 0.7071067690849304 - t - low * 0.7071067690849304) - x * 1.210161710447897e-08
    return 0.5 * erfc(t) - d * math.exp(-t * t) * 0.5641895835477563


def truediv(x: float, y: float) -> float:
    """The quotient; x/0 is ±inf, 0/0 is nan."""
    try:
        return x / y
    except ZeroDivisionError:
        return nan if x == 0.0 or math.isnan(x) else math.copysign(inf, x) * math.copysign(1.0, y)


def pow(x: float, y: float) -> float:  # noqa: A001 - the row's name
    """The power; nan for a negative base and a fractional exponent, ±inf at a pole or an overflow."""
    try:
        return math.pow(x, y)
    except OverflowError:
        return -inf if x < 0.0 and y % 2.0 == 1.0 else inf
    except ValueError:
        if x != 0.0:
            return nan
        return math.copysign(inf, x) if y % 2.0 == 1.0 else inf


pow = _extending(pow, math.pow)  # noqa: A001 - as above


def mod(x: float, y: float) -> float:
    """The remainder with the sign of y; nan for y = 0."""
    return x % y if y else nan


def floordiv(x: float, y: float) -> float:
    """The quotient rounded down; for y = 0 as `truediv`."""
    return x // y if y else truediv(x, y)


def _whole(rounded: Callable[[float], int]) -> Callable[[float], float]:
    """Extend a rounding to int: nan and infinities pass, and a zero keeps the sign of x."""

    def extended(x: float) -> float:
        return math.copysign(float(rounded(x)), x) if x - x == 0.0 else x

    return extended


floor = _whole(math.floor)
ceil = _whole(math.ceil)


def round(x: float, y: float = 0.0) -> float:  # noqa: A001 - the row's name
    """Round x to y decimals, halves to even."""
    return x.__round__(int(y)) if x - x == 0.0 else x


abs = math.fabs  # noqa: A001 - the row's name
