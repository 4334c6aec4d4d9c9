"""A dual number: a value with its slopes, carried forward together; reverse mode must agree with it.

The calculus is written here a second time, from textbooks, so that a slip in the table is not repeated. Beside each
slope stands its size, the sum of the absolute contributions it was added up from, which says how exact it can be.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

Interval = tuple[float, float]
R = (-3.0, 3.0)
POSITIVE = (0.2, 4.0)
UNIT = (-0.9, 0.9)


class Dual(NamedTuple):
    """A number, its derivative with respect to each input, and the size of what each derivative is a sum of."""

    value: float
    slopes: tuple[float, ...]
    sizes: tuple[float, ...]


class Calculus(NamedTuple):
    """An operation on floats, its partial derivatives, and where it is smooth and tame."""

    value: Callable[..., float]
    partials: Callable[..., tuple[float, ...]]
    domain: tuple[Interval, ...]


def inputs(numbers):
    """Return the inputs of a program: each has slope 1 with respect to itself and 0 to the others."""
    rows = [tuple(float(i == j) for j in range(len(numbers))) for i in range(len(numbers))]
    return [Dual(number, row, row) for number, row in zip(numbers, rows, strict=True)]


def constant(number, count):
    """Return a number that depends on none of the `count` inputs."""
    return Dual(number, (0.0,) * count, (0.0,) * count)


def combine(value, weighted):
    """Return the dual number with this value whose slopes are a weighted sum of those of operands."""
    weighted = list(weighted)
    slopes = zip(*([weight * slope for slope in operand.slopes] for weight, operand in weighted), strict=True)
    sizes = zip(*([abs(weight) * size for size in operand.sizes] for weight, operand in weighted), strict=True)
    return Dual(value, tuple(map(sum, slopes)), tuple(map(sum, sizes)))


def apply(name, *operands):
    """Apply an operation by the chain rule."""
    rule = CALCULUS[name]
    numbers = [operand.value for operand in operands]
    return combine(rule.value(*numbers), zip(rule.partials(*numbers), operands, strict=True))


def fits(name, *operands):
    """Return whether operands lie inside the domain of an operation, away from every kink and step."""
    numbers = [operand.value for operand in operands]
    domain = CALCULUS[name].domain
    if not all(low <= number <= high for number, (low, high) in zip(numbers, domain, strict=True)):
        return False
    if name in KINKS and abs(KINKS[name](*numbers)) < 1e-3:
        return False
    if name in STEPS:
        position = STEPS[name](*numbers)
        return abs(position - round(position)) > 1e-3
    return True


def bell(x):
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def normal(x):
    return (1 + math.erf(x / math.sqrt(2))) / 2


def logistic(x):
    return math.tanh(x / 2) / 2 + 0.5


CALCULUS: dict[str, Calculus] = {
    "add": Calculus(lambda x, y: x + y, lambda *_: (1.0, 1.0), (R, R)),
    "sub": Calculus(lambda x, y: x - y, lambda *_: (1.0, -1.0), (R, R)),
    "mul": Calculus(lambda x, y: x * y, lambda x, y: (y, x), (R, R)),
    "truediv": Calculus(lambda x, y: x / y, lambda x, y: (1 / y, -x / y**2), (R, POSITIVE)),
    "pow": Calculus(lambda x, y: x**y, lambda x, y: (y * x ** (y - 1), x**y * math.log(x)), (POSITIVE, UNIT)),
    "mod": Calculus(
        lambda x, y: x - y * math.floor(x / y), lambda x, y: (1.0, -float(math.floor(x / y))), (R, POSITIVE)
    ),
    "floordiv": Calculus(lambda x, y: float(math.floor(x / y)), lambda *_: (0.0, 0.0), (R, POSITIVE)),
    "neg": Calculus(lambda x: -x, lambda _: (-1.0,), (R,)),
    "abs": Calculus(abs, lambda x: (math.copysign(1.0, x),), (R,)),
    "exp": Calculus(math.exp, lambda x: (math.exp(x),), ((-3.0, 1.5),)),
    "exp2": Calculus(lambda x: 2.0**x, lambda x: (2.0**x * math.log(2),), ((-3.0, 1.5),)),
    "expm1": Calculus(lambda x: math.exp(x) - 1, lambda x: (math.exp(x),), ((-3.0, 1.5),)),
    "log": Calculus(math.log, lambda x: (1 / x,), (POSITIVE,)),
    "log1p": Calculus(lambda x: math.log(1 + x), lambda x: (1 / (1 + x),), ((-0.8, 3.0),)),
    "log2": Calculus(lambda x: math.log(x) / math.log(2), lambda x: (1 / (x * math.log(2)),), (POSITIVE,)),
    "log10": Calculus(lambda x: math.log(x) / math.log(10), lambda x: (1 / (x * math.log(10)),), (POSITIVE,)),
    "sqrt": Calculus(lambda x: x**0.5, lambda x: (0.5 * x**-0.5,), (POSITIVE,)),
    "cbrt": Calculus(lambda x: x ** (1 / 3), lambda x: (x ** (-2 / 3) / 3,), (POSITIVE,)),
    "sin": Calculus(math.sin, lambda x: (math.cos(x),), (R,)),
    "cos": Calculus(math.cos, lambda x: (-math.sin(x),), (R,)),
    "tan": Calculus(math.tan, lambda x: (1 / math.cos(x) ** 2,), ((-1.0, 1.0),)),
    "degrees": Calculus(lambda x: x * 180 / math.pi, lambda _: (180 / math.pi,), (R,)),
    "radians": Calculus(lambda x: x * math.pi / 180, lambda _: (math.pi / 180,), (R,)),
    "sinpi": Calculus(lambda x: math.sin(math.pi * x), lambda x: (math.pi * math.cos(math.pi * x),), (R,)),
    "cospi": Calculus(lambda x: math.cos(math.pi * x), lambda x: (-math.pi * math.sin(math.pi * x),), (R,)),
    "sinc": Calculus(
        lambda x: math.sin(math.pi * x) / (math.pi * x),
        lambda x: (math.cos(math.pi * x) / x - math.sin(math.pi * x) / (math.pi * x * x),),
        ((0.5, 3.0),),
    ),
    "asin": Calculus(math.asin, lambda x: (1 / math.sqrt(1 - x * x),), (UNIT,)),
    "acos": Calculus(math.acos, lambda x: (-1 / math.sqrt(1 - x * x),), (UNIT,)),
    "atan": Calculus(math.atan, lambda x: (1 / (1 + x * x),), (R,)),
    "atan2": Calculus(
        lambda x, y: math.atan(x / y), lambda x, y: (y / (x * x + y * y), -x / (x * x + y * y)), (R, POSITIVE)
    ),
    "sinh": Calculus(lambda x: (math.exp(x) - math.exp(-x)) / 2, lambda x: (math.cosh(x),), ((-1.5, 1.5),)),
    "cosh": Calculus(lambda x: (math.exp(x) + math.exp(-x)) / 2, lambda x: (math.sinh(x),), ((-1.5, 1.5),)),
    "tanh": Calculus(math.tanh, lambda x: (1 - math.tanh(x) ** 2,), (R,)),
    "asinh": Calculus(lambda x: math.log(x + math.sqrt(x * x + 1)), lambda x: (1 / math.sqrt(x * x + 1),), (R,)),
    "acosh": Calculus(
        lambda x: math.log(x + math.sqrt(x * x - 1)), lambda x: (1 / math.sqrt(x * x - 1),), ((1.2, 4.0),)
    ),
    "atanh": Calculus(lambda x: math.log((1 + x) / (1 - x)) / 2, lambda x: (1 / (1 - x * x),), (UNIT,)),
    "hypot": Calculus(
        lambda x, y: math.sqrt(x * x + y * y),
        lambda x, y: (x / math.sqrt(x * x + y * y), y / math.sqrt(x * x + y * y)),
        (R, POSITIVE),
    ),
    "gaussian": Calculus(
        lambda x, y: math.exp(-y * x * x),
        lambda x, y: (-2 * y * x * math.exp(-y * x * x), -x * x * math.exp(-y * x * x)),
        ((-1.5, 1.5), (0.3, 2.0)),
    ),
    "erf": Calculus(math.erf, lambda x: (2 / math.sqrt(math.pi) * math.exp(-x * x),), (R,)),
    "erfc": Calculus(lambda x: 1 - math.erf(x), lambda x: (-2 / math.sqrt(math.pi) * math.exp(-x * x),), (R,)),
    "ndtr": Calculus(normal, lambda x: (bell(x),), (R,)),
    "sigmoid": Calculus(logistic, lambda x: (logistic(x) * (1 - logistic(x)),), (R,)),
    "softplus": Calculus(lambda x: math.log(1 + math.exp(x)), lambda x: (logistic(x),), (R,)),
    "relu": Calculus(lambda x: max(x, 0.0), lambda x: (float(x > 0),), (R,)),
    "leaky_relu": Calculus(
        lambda x, y: max(x, 0.0) + y * min(x, 0.0), lambda x, y: (1.0 if x > 0 else y, min(x, 0.0)), (R, UNIT)
    ),
    "elu": Calculus(
        lambda x, y: x if x > 0 else y * (math.exp(x) - 1),
        lambda x, y: (1.0, 0.0) if x > 0 else (y * math.exp(x), math.exp(x) - 1),
        (R, POSITIVE),
    ),
    "gelu": Calculus(lambda x: x * normal(x), lambda x: (normal(x) + x * bell(x),), (R,)),
    "silu": Calculus(lambda x: x * logistic(x), lambda x: (logistic(x) + x * logistic(x) * (1 - logistic(x)),), (R,)),
    "maximum": Calculus(max, lambda x, y: (float(x > y), float(y > x)), (R, R)),
    "minimum": Calculus(min, lambda x, y: (float(x < y), float(y < x)), (R, R)),
    "clamp_min": Calculus(max, lambda x, y: (float(x > y), float(y > x)), (R, R)),
    "clamp_max": Calculus(min, lambda x, y: (float(x < y), float(y < x)), (R, R)),
    "sign": Calculus(lambda x: math.copysign(1.0, x), lambda _: (0.0,), (R,)),
    "heaviside": Calculus(lambda x: float(x > 0), lambda _: (0.0,), (R,)),
    "floor": Calculus(lambda x: float(math.floor(x)), lambda _: (0.0,), (R,)),
    "ceil": Calculus(lambda x: float(math.ceil(x)), lambda _: (0.0,), (R,)),
    "round": Calculus(lambda x: float(round(x)), lambda _: (0.0,), (R,)),
}

KINKS = {
    **dict.fromkeys(("abs", "relu", "sign", "heaviside"), lambda x: x),
    **dict.fromkeys(("leaky_relu", "elu"), lambda x, _: x),
    **dict.fromkeys(("maximum", "minimum", "clamp_min", "clamp_max"), lambda x, y: x - y),
}
"""What is 0 where an operation has no derivative."""

STEPS = {
    **dict.fromkeys(("mod", "floordiv"), lambda x, y: x / y),
    **dict.fromkeys(("floor", "ceil"), lambda x: x),
    "round": lambda x: x + 0.5,
}
"""What is whole where an operation jumps."""
