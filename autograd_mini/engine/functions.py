"""The operations as functions of Values and plain numbers: `exp(x)`, `maximum(x, y)`, `where(condition, x, y)`.

With a Value among the operands the result is a Value; with plain numbers alone it is a float, by the same formula.
"""

from __future__ import annotations

from functools import reduce

from autograd_mini.engine import rules
from autograd_mini.engine.checks import number
from autograd_mini.engine.choice import where
from autograd_mini.engine.ops import ARITHMETIC, TABLE, Op
from autograd_mini.engine.value import Value, traces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Protocol, overload

    class Unary(Protocol):
        """A function of one Value or number."""

        @overload
        def __call__(self, x: Value, /) -> Value: ...
        @overload
        def __call__(self, x: float, /) -> float: ...

    class Binary(Protocol):
        """A function of two Values or numbers."""

        @overload
        def __call__(self, x: Value, y: Value | float = ..., /) -> Value: ...
        @overload
        def __call__(self, x: float, y: Value, /) -> Value: ...
        @overload
        def __call__(self, x: float, y: float = ..., /) -> float: ...


def function(row: Op) -> Any:
    """Return a row of the table as a function of Values and plain numbers."""

    def unary(x: Value | float, /) -> Value | float:
        if isinstance(x, Value):
            return rules.compiled(row).forward(x)
        return rules.compiled(row).floats(number(x, f"x of {row.name}(x)"))

    def binary(x: Value | float, y: Value | float | None = row.default, /) -> Value | float:
        if y is None:
            raise TypeError(f"{row.name}(x, y) takes two operands; y is missing")
        compiled = rules.compiled(row)
        if isinstance(x, Value):
            result = compiled.forward(x, y)
        elif isinstance(y, Value) and compiled.reflected is not None:
            result = compiled.reflected(y, x)
        else:
            return compiled.floats(number(x, f"x of {row.name}(x, y)"), number(y, f"y of {row.name}(x, y)"))
        if result is NotImplemented:
            raise TypeError(f"{row.name}(x, y) takes Values and numbers; got {x!r} and {y!r}")
        return result

    made: Callable[..., Value | float] = unary if len(row.operands) == 1 else binary
    made.__name__ = made.__qualname__ = row.name
    made.__doc__ = f"{row.doc}\n\n    Value: {row.value}. Partial derivatives: {'; '.join(row.partials)}."
    return made


class _OnValues:
    """Every row as a function, by name; this is what formulas call when they are evaluated on Values."""

    def __getattr__(self, name: str) -> Any:
        if name not in TABLE:
            raise AttributeError(name)
        made = function(TABLE[name])
        setattr(self, name, made)
        return made


ON_VALUES = _OnValues()
rules.NAMESPACE["on_values"] = ON_VALUES

exp: Unary = function(TABLE["exp"])
expm1: Unary = function(TABLE["expm1"])
log: Unary = function(TABLE["log"])
log1p: Unary = function(TABLE["log1p"])
log2: Unary = function(TABLE["log2"])
log10: Unary = function(TABLE["log10"])
sqrt: Unary = function(TABLE["sqrt"])
cbrt: Unary = function(TABLE["cbrt"])
sin: Unary = function(TABLE["sin"])
cos: Unary = function(TABLE["cos"])
tan: Unary = function(TABLE["tan"])
asin: Unary = function(TABLE["asin"])
acos: Unary = function(TABLE["acos"])
atan: Unary = function(TABLE["atan"])
atan2: Binary = function(TABLE["atan2"])
sinh: Unary = function(TABLE["sinh"])
cosh: Unary = function(TABLE["cosh"])
tanh: Unary = function(TABLE["tanh"])
asinh: Unary = function(TABLE["asinh"])
acosh: Unary = function(TABLE["acosh"])
atanh: Unary = function(TABLE["atanh"])
hypot: Binary = function(TABLE["hypot"])
gaussian: Binary = function(TABLE["gaussian"])
erf: Unary = function(TABLE["erf"])
erfc: Unary = function(TABLE["erfc"])
ndtr: Unary = function(TABLE["ndtr"])
sigmoid: Unary = function(TABLE["sigmoid"])
softplus: Unary = function(TABLE["softplus"])
relu: Unary = function(TABLE["relu"])
leaky_relu: Binary = function(TABLE["leaky_relu"])
elu: Binary = function(TABLE["elu"])
gelu: Unary = function(TABLE["gelu"])
silu: Unary = function(TABLE["silu"])
maximum: Binary = function(TABLE["maximum"])
minimum: Binary = function(TABLE["minimum"])
clamp_min: Binary = function(TABLE["clamp_min"])
clamp_max: Binary = function(TABLE["clamp_max"])
sign: Unary = function(TABLE["sign"])
heaviside: Unary = function(TABLE["heaviside"])
floor: Unary = function(TABLE["floor"])
ceil: Unary = function(TABLE["ceil"])


def clip(x: Value | float, low: Value | float | None = None, high: Value | float | None = None) -> Value | float:
    """Return x, but at least `low` and at most `high`; at an edge the derivative goes to x.

    Raises:
        ValueError: if `low` is above `high`.

    >>> clip(Value(7.0), 0, 5).data
    5.0

    """
    known = not any(isinstance(bound, Value) and bound.symbolic for bound in (low, high))
    if low is not None and high is not None and known and low > high:
        raise ValueError(f"low is at most high; got low={low!r} and high={high!r}")
    if low is not None:
        x = clamp_min(x, low)
    if high is not None:
        x = clamp_max(x, high)
    return x


def mean(values: Iterable[Value | float]) -> Value | float:
    """Return the arithmetic mean.

    Raises:
        ValueError: if there are no values.

    >>> mean([Value(1.0), 2.0]).data
    1.5

    """
    values = _some(values, "mean")
    return sum(values) * (1.0 / len(values))


def logsumexp(logits: Iterable[Value | float]) -> Value | float:
    """Return log(sum(exp(logit))), without overflow: the largest logit is taken out first, as a constant.

    >>> logsumexp([1000.0, 1000.0])
    1000.6931471805599

    """
    logits = _some(logits, "logsumexp")
    shift = _largest(logits)
    return log(sum(exp(logit - shift) for logit in logits)) + shift


def log_softmax(logits: Iterable[Value | float]) -> list[Value | float]:
    """Return the logarithms of `softmax`, accurate where a probability is close to 0.

    >>> log_softmax([0.0, 800.0])
    [-800.0, 0.0]

    """
    logits = _some(logits, "log_softmax")
    total = logsumexp(logits)
    return [logit - total for logit in logits]


def softmax(logits: Iterable[Value | float]) -> list[Value | float]:
    """Return exp(logit) / sum(exp(logit)) for each logit: probabilities that sum to 1.

    >>> softmax([0.0, 0.0])
    [0.5, 0.5]

    """
    logits = _some(logits, "softmax")
    shift = _largest(logits)
    powers = [exp(logit - shift) for logit in logits]
    total = sum(powers)
    return [power / total for power in powers]


def _some(values: Iterable[Value | float], name: str) -> list[Value | float]:
    values = list(values)
    if not values:
        raise ValueError(f"{name} takes at least one value; got none")
    return values


def _largest(values: list[Value | float]) -> Value | float:
    """Return the largest number, a constant shift that changes neither value nor derivative; 0 if it is not finite."""
    if any(isinstance(value, Value) and (value.symbolic or traces) for value in values):
        unknown = reduce(maximum, values).detach()  # type: ignore[union-attr]  # with a Value among them
        return where(unknown - unknown == 0.0, unknown, 0.0)
    largest = max(value.data if isinstance(value, Value) else value for value in values)
    return largest if largest - largest == 0.0 else 0.0


__all__ = ["clip", "log_softmax", "logsumexp", "mean", "softmax"]
__all__ += sorted(name for name, row in TABLE.items() if row.method not in ARITHMETIC and name in globals())
