"""The calculus a second time: every operation and its partial derivatives in mpmath, written without the table.

Where a derivative has a root of its own (gelu, silu), its scale is the sum of the sizes of its terms.
"""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 - NamedTuple reads its annotations
from typing import NamedTuple

import mpmath as mp

mp.mp.dps = 60


class Truth(NamedTuple):
    """An operation in high precision: its value, its partials, and the scale to measure a partial's error by."""

    value: Callable[..., mp.mpf]
    partials: tuple[Callable[..., mp.mpf], ...]
    scale: Callable[..., mp.mpf] | None = None


def _one(*_):
    return mp.mpf(1)


def _zero(*_):
    return mp.mpf(0)


def density(x):
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def normal(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def logistic(x):
    return 1 / (1 + mp.exp(-x))


def real_cube_root(x):
    return mp.sign(x) * mp.cbrt(abs(x))


ORACLE: dict[str, Truth] = {
    "add": Truth(lambda x, y: x + y, (_one, _one)),
    "sub": Truth(lambda x, y: x - y, (_one, lambda *_: mp.mpf(-1))),
    "mul": Truth(lambda x, y: x * y, (lambda _, y: y, lambda x, _: x)),
    "truediv": Truth(lambda x, y: x / y, (lambda _, y: 1 / y, lambda x, y: -x / y**2)),
    "pow": Truth(lambda x, y: x**y, (lambda x, y: y * x ** (y - 1), lambda x, y: x**y * mp.log(x))),
    "mod": Truth(lambda x, y: x - y * mp.floor(x / y), (_one, lambda x, y: -mp.floor(x / y))),
    "floordiv": Truth(lambda x, y: mp.floor(x / y), (_zero, _zero)),
    "neg": Truth(lambda x: -x, (lambda _: mp.mpf(-1),)),
    "abs": Truth(abs, (mp.sign,)),
    "exp": Truth(mp.exp, (mp.exp,)),
    "exp2": Truth(lambda x: mp.mpf(2) ** x, (lambda x: mp.mpf(2) ** x * mp.log(2),)),
    "expm1": Truth(mp.expm1, (mp.exp,)),
    "log": Truth(mp.log, (lambda x: 1 / x,)),
    "log1p": Truth(lambda x: mp.log(1 + x), (lambda x: 1 / (1 + x),)),
    "log2": Truth(lambda x: mp.log(x, 2), (lambda x: 1 / (x * mp.log(2)),)),
    "log10": Truth(mp.log10, (lambda x: 1 / (x * mp.log(10)),)),
    "sqrt": Truth(mp.sqrt, (lambda x: 1 / (2 * mp.sqrt(x)),)),
    "cbrt": Truth(real_cube_root, (lambda x: 1 / (3 * mp.cbrt(x * x)),)),
    "sin": Truth(mp.sin, (mp.cos,)),
    "cos": Truth(mp.cos, (lambda x: -mp.sin(x),)),
    "tan": Truth(mp.tan, (lambda x: 1 / mp.cos(x) ** 2,)),
    "degrees": Truth(lambda x: x * 180 / mp.pi, (lambda _: 180 / mp.pi,)),
    "radians": Truth(lambda x: x * mp.pi / 180, (lambda _: mp.pi / 180,)),
    "sinpi": Truth(mp.sinpi, (lambda x: mp.pi * mp.cospi(x),)),
    "cospi": Truth(mp.cospi, (lambda x: -mp.pi * mp.sinpi(x),)),
    "sinc": Truth(
        mp.sincpi,
        (lambda x: (mp.cospi(x) - mp.sincpi(x)) / x if x else mp.mpf(0),),
        lambda x: (
            abs(mp.cospi(x) - mp.sincpi(x)) / abs(x) if abs(x) < 1 else (abs(mp.cospi(x)) + abs(mp.sincpi(x))) / abs(x)
        ),
    ),
    "asin": Truth(mp.asin, (lambda x: 1 / mp.sqrt(1 - x * x),)),
    "acos": Truth(mp.acos, (lambda x: -1 / mp.sqrt(1 - x * x),)),
    "atan": Truth(mp.atan, (lambda x: 1 / (1 + x * x),)),
    "atan2": Truth(mp.atan2, (lambda x, y: y / (x * x + y * y), lambda x, y: -x / (x * x + y * y))),
    "sinh": Truth(mp.sinh, (mp.cosh,)),
    "cosh": Truth(mp.cosh, (mp.sinh,)),
    "tanh": Truth(mp.tanh, (lambda x: 1 / mp.cosh(x) ** 2,)),
    "asinh": Truth(mp.asinh, (lambda x: 1 / mp.sqrt(x * x + 1),)),
    "acosh": Truth(mp.acosh, (lambda x: 1 / mp.sqrt(x * x - 1),)),
    "atanh": Truth(mp.atanh, (lambda x: 1 / (1 - x * x),)),
    "hypot": Truth(mp.hypot, (lambda x, y: x / mp.hypot(x, y), lambda x, y: y / mp.hypot(x, y))),
    "gaussian": Truth(
        lambda x, y: mp.exp(-y * x * x),
        (lambda x, y: -2 * x * y * mp.exp(-y * x * x), lambda x, y: -x * x * mp.exp(-y * x * x)),
    ),
    "erf": Truth(mp.erf, (lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x),)),
    "erfc": Truth(mp.erfc, (lambda x: -2 / mp.sqrt(mp.pi) * mp.exp(-x * x),)),
    "ndtr": Truth(normal, (density,)),
    "sigmoid": Truth(logistic, (lambda x: logistic(x) * logistic(-x),)),
    "softplus": Truth(lambda x: mp.log1p(mp.exp(x)), (logistic,)),
    "relu": Truth(lambda x: max(x, mp.mpf(0)), (lambda x: mp.mpf(x > 0),)),
    "leaky_relu": Truth(
        lambda x, y: x if x > 0 else y * x,
        (lambda x, y: mp.mpf(1) if x > 0 else y, lambda x, _: mp.mpf(0) if x > 0 else x),
    ),
    "elu": Truth(
        lambda x, y: x if x > 0 else y * mp.expm1(x),
        (lambda x, y: mp.mpf(1) if x > 0 else y * mp.exp(x), lambda x, _: mp.mpf(0) if x > 0 else mp.expm1(x)),
    ),
    "gelu": Truth(
        lambda x: x * normal(x),
        (lambda x: normal(x) + x * density(x),),
        lambda x: normal(x) + abs(x * density(x)),
    ),
    "silu": Truth(
        lambda x: x * logistic(x),
        (lambda x: logistic(x) * (1 + x * logistic(-x)),),
        lambda x: logistic(x) * (1 + abs(x * logistic(-x))),
    ),
    "maximum": Truth(max, (lambda x, y: mp.mpf(x > y), lambda x, y: mp.mpf(y > x))),
    "minimum": Truth(min, (lambda x, y: mp.mpf(x < y), lambda x, y: mp.mpf(y < x))),
    "clamp_min": Truth(max, (lambda x, y: mp.mpf(x >= y), lambda x, y: mp.mpf(x < y))),
    "clamp_max": Truth(min, (lambda x, y: mp.mpf(x <= y), lambda x, y: mp.mpf(x > y))),
    "sign": Truth(mp.sign, (_zero,)),
    "heaviside": Truth(lambda x: mp.mpf(x > 0), (_zero,)),
    "floor": Truth(mp.floor, (_zero,)),
    "ceil": Truth(mp.ceil, (_zero,)),
    "round": Truth(lambda x, _: mp.nint(x), (_zero, _zero)),
}
"""Every built-in row of the table by name."""
