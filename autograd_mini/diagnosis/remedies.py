"""A remedy: what helps when an operation gives nan or infinity, as a result or as a derivative."""

from __future__ import annotations

from math import isinf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_LOGARITHM = (
    "A logarithm needs an operand above 0. Where it is of a probability, start from the logits: cross_entropy, "
    "binary_cross_entropy, log_softmax and softplus never form the probability that is rounded to 0."
)
_POWER = (
    "exp overflows above 709.78. sigmoid, softplus, softmax, logsumexp and the losses on logits never form "
    "that number; if the operand should be small, training diverges: try a tenth of the learning rate."
)
_INTERVAL = "It is defined between -1 and 1, and rounding may lead just outside: clip(x, -1, 1) brings it back."
_GROWTH = (
    "Numbers above 1.8e308 overflow. If they grow from step to step, training diverges: try a tenth of the learning "
    "rate, clip_norm=1.0 in fit (optim.clip_grad_norm_), inputs of size 1 (datasets.standardise), smaller weights."
)

_OF_RESULT = {
    **dict.fromkeys(("log", "log2", "log10"), _LOGARITHM),
    "log1p": "log1p(x) needs x above -1.",
    **dict.fromkeys(("exp", "expm1", "sinh", "cosh"), _POWER),
    **dict.fromkeys(("truediv", "mod", "floordiv"), "Keep the divisor away from 0: x / (y + 1e-12) where y is at least "
                    "0, or x / where(y == 0, 1, y), which chooses before it divides."),
    "sqrt": "A square root needs an operand of at least 0, and rounding may lead just below: sqrt(maximum(x, 0)).",
    "pow": "A negative number has no real power with a fractional exponent, and 0 none with a negative one; large "
           "powers overflow.",
    **dict.fromkeys(("asin", "acos", "atanh"), _INTERVAL),
    "acosh": "acosh(x) needs x of at least 1, and rounding may lead just below: acosh(maximum(x, 1)).",
}  # fmt: skip

_ROOT = (
    "A root is infinitely steep at 0. Add something small, sqrt(x + 1e-12), or use hypot(x, y) for the length of a "
    "vector and abs(x) for sqrt(x**2), which have a derivative there. where(x > 0, sqrt(x), 0) is safe too."
)
_EDGE = "It is infinitely steep at the ends of its interval: clip(x, -1 + 1e-12, 1 - 1e-12) stays inside."

_OF_DERIVATIVE = {
    **dict.fromkeys(("sqrt", "cbrt"), _ROOT),
    "pow": _ROOT + " An exponent that is a Value needs a base above 0, since d(x**y)/dy = x**y log(x).",
    **dict.fromkeys(("log", "log2", "log10", "log1p"), _LOGARITHM),
    **dict.fromkeys(("asin", "acos", "atanh"), _EDGE),
    "acosh": "It is infinitely steep at 1: acosh(maximum(x, 1 + 1e-12)).",
    "truediv": "The derivative of x / y has y**2 below the line: keep y away from 0, for example by y + 1e-12.",
}


def for_result(operation: str, operands: Sequence[float]) -> str:
    """Return what helps where a result is nan or infinite; of operands that were so before, where they cancel."""
    if any(map(isinf, operands)):
        return (
            "An infinite operand was brought in, and here it meets another number that leaves nothing defined, such as "
            "inf - inf or 0 * inf: choose with where() instead of multiplying or adding masks."
        )
    return _OF_RESULT.get(operation, _GROWTH)


def for_derivative(operation: str) -> str:
    """Return what helps where a derivative, or what it is multiplied to, is nan or infinite."""
    return _OF_DERIVATIVE.get(operation, _GROWTH)
