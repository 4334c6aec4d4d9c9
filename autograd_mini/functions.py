"""The operations as functions of Values and plain numbers: `exp(x)`, `maximum(x, y)`, `where(condition, x, y)`.

With a Value among the operands the result is a Value; with plain numbers alone it is a float, by the same formula.
"""

from __future__ import annotations

from autograd_mini import rules
from autograd_mini.errors import FormulaError
from autograd_mini.numbers import number
from autograd_mini.ops import CHOICE, TABLE, Op
from autograd_mini.value import ABSENT, ARITHMETIC, Computed, Value, clock, watch, watchers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Protocol, overload

    from autograd_mini.rules import Pullback

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
        if name == "where":
            return where
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
step: Unary = function(TABLE["step"])
floor: Unary = function(TABLE["floor"])
ceil: Unary = function(TABLE["ceil"])


class _Choice:
    """The rule of `where`: the node keeps the operand it took in `_x`, and all three in `_k`."""

    op = CHOICE
    variant = "x"
    partials = (lambda _, g: g,)
    pullback: Pullback

    @staticmethod
    def args(node: Value) -> tuple[Value | float, ...]:
        """Return condition, this, otherwise."""
        chosen: tuple[Value | float, ...] = node._k
        return chosen


def _where_pullback(node: Value, g: float) -> None:
    node._x._adjoint += g  # type: ignore[operator]  # the backward pass has cleared it


_where_pullback.rule = _Choice  # type: ignore[attr-defined]
_Choice.pullback = _where_pullback  # type: ignore[assignment]  # the line above gave it its rule


def where(condition: Value | float, x: Value | float, y: Value | float) -> Value | float:
    """Return x where the condition holds, else y.

    The derivative goes to the one that was taken. The other receives nothing at all, so a derivative of it that is
    infinite or nan does no harm:

        >>> x = Value(0.0)
        >>> where(x > 0, x**0.5, 0.0).backward()
        >>> x.grad
        0.0

    Args:
        condition: a truth value; a number or Value counts as true when it is not 0.
        x: the result where it holds.
        y: the result where it does not.

    """
    taken = x if condition else y
    if not isinstance(x, Value) and not isinstance(y, Value):
        return number(taken, "x of where(condition, x, y)" if condition else "y of where(condition, x, y)")
    other = y if condition else x
    if not isinstance(other, Value):
        number(other, "an operand of where(condition, x, y)")
    node = Computed()
    node._x = taken if isinstance(taken, Value) else Value(taken)
    node._data = node._x._data
    node._pull = _where_pullback
    node._y = ABSENT
    node._k = (condition if isinstance(condition, Value) else bool(condition), x, y)
    node._tick, node._adjoint = next(clock), None
    return watch(node) if watchers else node


def clip(x: Value | float, low: Value | float | None = None, high: Value | float | None = None) -> Value | float:
    """Return x, but at least `low` and at most `high`; at an edge the derivative goes to x.

    Raises:
        ValueError: if `low` is above `high`.

    >>> clip(Value(7.0), 0, 5).data
    5.0

    """
    if low is not None and high is not None and low > high:
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


def _largest(values: list[Value | float]) -> float:
    """Return the largest number, a constant shift that changes neither value nor derivative; 0 if it is not finite."""
    largest = max(value.data if isinstance(value, Value) else value for value in values)
    return largest if largest - largest == 0.0 else 0.0


def operation(
    name: str,
    value: str,
    *partials: str,
    domain: tuple[tuple[float, float], ...] = (),
    symbol: str = "",
    doc: str = "",
) -> Any:
    """Add an operation to the table and return it as a function of Values and numbers.

        >>> cube = operation("cube", "x * x * x", "3 * x * x")
        >>> x = Value(2.0)
        >>> cube(x).backward()
        >>> x.grad
        12.0

    Defining an operation again replaces it, for graphs made from then on.

    Args:
        name: its name, for formulas, pictures and messages.
        value: the formula of the result, in the operands x and y.
        partials: one formula an operand, in x, y and the result z; see `ops.py` for what a formula may use.
        domain: for each operand an interval on which the operation is smooth, for tests.
        symbol: how pictures show it; the name if not given.
        doc: one sentence for readers.

    Raises:
        FormulaError: if a formula does not parse or names something unknown, or the number of partials is wrong.
        ValueError: if the name is taken by a built-in operation or is no identifier.

    """
    from autograd_mini.formula import names_in, parse

    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"name is an identifier such as 'cube'; got {name!r}")
    if name in {"where", "x", "y", "z"} or (name in TABLE and TABLE[name].builtin):
        raise ValueError(f"name {name!r} is taken by the package; choose another")
    if not 1 <= len(partials) <= 2:
        raise FormulaError(f"{name} has {len(partials)} partials; an operation has one for each operand: x, or x and y")
    row = Op(name, value, partials, domain=domain, symbol=symbol, doc=doc, builtin=False)
    used = names_in(parse(value, ("x", "y")))
    if used != set(row.operands):
        raise FormulaError(
            f"the formula {value!r} of {name} uses the operands {sorted(used)}, but {len(partials)} partial(s) were "
            f"given, for {list(row.operands)}: give one partial for each operand, in order"
        )
    for partial in partials:
        parse(partial, (*row.operands, "z"), own=row)
    if len(row.domain) != len(row.operands):
        raise ValueError(f"domain has one (low, high) an operand; got {domain!r} for {list(row.operands)}")
    TABLE[name] = row
    made = function(row)
    setattr(ON_VALUES, name, made)
    return made


__all__ = ["clip", "log_softmax", "logsumexp", "mean", "operation", "softmax", "where"]
__all__ += sorted(name for name, row in TABLE.items() if row.method not in ARITHMETIC and name in globals())
