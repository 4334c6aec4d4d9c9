"""The operations as functions of Values and plain numbers: `exp(x)`, `maximum(x, y)`, `where(condition, x, y)`.

With a Value among the operands the result is a Value; with plain numbers alone it is a float, by the same formula.
NumPy's arrays are taken element by element: arrays of numbers give arrays of float64, arrays of Values those of Values.
"""

from __future__ import annotations

import sys
from functools import reduce
from keyword import iskeyword
from types import SimpleNamespace

from autograd_mini.engine import rules
from autograd_mini.engine.checks import number
from autograd_mini.engine.hooks import on_read
from autograd_mini.engine.operators import where
from autograd_mini.engine.ops import ARITHMETIC, TABLE, Op
from autograd_mini.engine.value import Value
from autograd_mini.errors import FormulaError

TYPE_CHECKING: bool = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Protocol, overload

    from autograd_mini.engine import methods
    from autograd_mini.engine.methods import *  # noqa: F403 - the functions of the rows, `ROWS`
    from autograd_mini.engine.methods import Scalar, clamp_max, clamp_min, exp, log, maximum  # noqa: TC004 - made below
    from autograd_mini.engine.ops import Interval

    class Unary(Protocol):
        """A function of one operand."""

        __name__: str

        def __call__(self, x: Scalar, /) -> Scalar:
            """Return a Value for a Value, and a float for a number."""

    class Binary(Protocol):
        """A function of two operands."""

        __name__: str

        @overload
        def __call__(self, x: Value, y: Value | float, /) -> Value: ...
        @overload
        def __call__(self, x: float, y: Value, /) -> Value: ...
        @overload
        def __call__(self, x: float, y: float, /) -> float: ...
        def __call__(self, x: Value | float, y: Value | float, /) -> Value | float:
            """Return a Value where an operand is one, and a float for numbers."""


def function(row: Op) -> Any:
    """Return a row of the table as a function of Values and plain numbers."""

    def unary(x: Any, /) -> Any:
        if isinstance(x, Value):
            return rules.compiled(row).forward(x)
        if getattr(x, "ndim", 0) and _is_array(x):
            return _each(unary, row.name, x)
        return rules.compiled(row).floats(number(x, f"x of {row.name}(x)"))

    def binary(x: Any, y: Any, /) -> Any:
        if (getattr(x, "ndim", 0) or getattr(y, "ndim", 0)) and (_is_array(x) or _is_array(y)):
            return _each(binary, row.name, x, y)
        compiled = rules.compiled(row)
        if isinstance(x, Value):
            result = compiled.forward(x, y)
        elif isinstance(y, Value):
            result = compiled.reflected(y, x)  # type: ignore[misc]  # a row of two operands has it
        else:
            return compiled.floats(number(x, f"x of {row.name}(x, y)"), number(y, f"y of {row.name}(x, y)"))
        if result is NotImplemented:
            raise TypeError(f"the operands of {row.name}(x, y) are {x!r} and {y!r}, expected Values and numbers")
        return result

    made: Any = unary if len(row.operands) == 1 else binary
    made.__defaults__ = None if row.default is None else (row.default,)
    made.__name__ = made.__qualname__ = row.name
    made.__annotations__ = {}  # `help` shows the operands; their types are in the stub
    made.__doc__ = f"{row.doc}\n\n    Value: {row.value}. Partial derivatives: {'; '.join(row.partials)}."
    return made


def _is_array(given: object) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(given, numpy.ndarray) and given.ndim > 0


def _each(operation: Callable[..., Any], name: str, *operands: Any) -> Any:
    """Apply an operation to each element of arrays, broadcast; the result is of float64, or for Values of objects."""
    np: Any = sys.modules["numpy"]
    values, kind = False, np.ndarray
    for given in operands:
        if isinstance(given, Value):
            values = True
            continue
        dtype = np.asarray(given).dtype
        if dtype.kind not in "biufO":
            raise TypeError(f"x of {name}(x) is an array of {dtype}, expected real numbers")
        values = values or dtype.hasobject
        kind = type(given) if isinstance(given, np.ndarray) and kind is np.ndarray else kind
    elements = [boxed(given) if isinstance(given, Value) else objects(given).view(np.ndarray) for given in operands]
    result = np.frompyfunc(operation, len(operands), 1)(*elements)
    return result.view(kind) if values else np.asarray(result, dtype=np.float64)


def boxed(given: Any) -> Any:
    """Return a Value in an array without dimensions, which NumPy takes for an object, and all else as it is."""
    if not isinstance(given, Value):
        return given
    box: Any = sys.modules["numpy"].empty((), dtype=object)
    box[()] = given
    return box


def objects(given: Any) -> Any:
    """Return an array, or number, as an array of dtype object with floats of Python's as elements."""
    array: Any = sys.modules["numpy"].asanyarray(given)
    return array if array.dtype == object else array.astype(float).astype(object)


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

if TYPE_CHECKING:

    @overload
    def operation(
        name: str, value: str, dx: str, /, *, domain: tuple[Interval, ...] = ..., symbol: str = ..., doc: str = ...
    ) -> Unary: ...
    @overload
    def operation(
        name: str,
        value: str,
        dx: str,
        dy: str,
        /,
        *,
        domain: tuple[Interval, ...] = ...,
        symbol: str = ...,
        doc: str = ...,
    ) -> Binary: ...


def operation(
    name: str, value: str, *partials: str, domain: tuple[Interval, ...] = (), symbol: str = "", doc: str = ""
) -> Any:
    """Add an operation to the table and return it as a function of Values and numbers.

        >>> from autograd_mini import Value
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
    from autograd_mini.engine.codegen import used_on_floats
    from autograd_mini.engine.formula import names_in, parse

    if not isinstance(name, str) or not name.isidentifier() or iskeyword(name):
        raise ValueError(f"name is {name!r}, expected an identifier such as 'cube'")
    if name in {"where", "x", "y", "z"} or (name in TABLE and TABLE[name].builtin):
        raise ValueError(f"name {name!r} is taken by the package: choose another")
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
        raise ValueError(
            f"domain is {domain!r}, expected one (low, high) for each of the operands {list(row.operands)}"
        )
    made = function(row)
    row.uses = {used: TABLE[used] for used in used_on_floats(row) if not TABLE[used].builtin}
    row.names = {"on_values": _Definition(**{name: made} | {used: function(TABLE[used]) for used in row.uses})}
    TABLE[name] = row
    setattr(ON_VALUES, name, made)
    return made


class _Definition(SimpleNamespace):
    """The operations by name, as they were when a new one was defined: it keeps them if one is defined again."""

    def __getattr__(self, name: str) -> Any:
        return getattr(ON_VALUES, name)


ROWS = tuple(name for name, row in TABLE.items() if row.method not in ARITHMETIC | {"neg", "abs", "round"})
"""The rows that are functions of this module: all but those that Python's operators, abs() and round() call."""

if not TYPE_CHECKING:
    globals().update((name, function(TABLE[name])) for name in ROWS)


if TYPE_CHECKING:

    @overload
    def clip(x: Scalar, low: float | None = ..., high: float | None = ...) -> Scalar: ...
    @overload
    def clip(x: Value, low: Value | float | None = ..., high: Value | float | None = ...) -> Value: ...
    @overload
    def clip(x: Value | float, low: Value | float | None = ..., high: Value | float | None = ...) -> Value | float: ...


def clip(x: Value | float, low: Value | float | None = None, high: Value | float | None = None) -> Value | float:
    """Return x, but at least `low` and at most `high`; at an edge the derivative goes to x.

    Args:
        x: a number or a Value.
        low: the lower bound; None for none.
        high: the upper bound; None for none.

    Raises:
        ValueError: if `low` is above `high`.

    >>> clip(Value(7.0), 0, 5).data
    5.0

    """
    known = not any(isinstance(bound, Value) and bound.symbolic for bound in (low, high))
    if low is not None and high is not None and known and low > high:
        raise ValueError(f"low={low!r} is above high={high!r}, expected bounds in order")
    if low is not None:
        x = clamp_min(x, low)
    if high is not None:
        x = clamp_max(x, high)
    return x


def mean(values: Iterable[Scalar]) -> Scalar:
    """Return the arithmetic mean.

    Args:
        values: numbers and Values.

    Raises:
        ValueError: if there are no values.

    >>> mean([Value(1.0), 2.0]).data
    1.5

    """
    values = _some(values, "mean")
    total: Any = sum(values)
    average: Scalar = total * (1.0 / len(values))
    return average


def logsumexp(logits: Iterable[Scalar]) -> Scalar:
    """Return log(sum(exp(logit))), without overflow: the largest logit is taken out first, as a constant.

    Args:
        logits: numbers and Values, at least one.

    >>> logsumexp([1000.0, 1000.0])
    1000.6931471805599

    """
    logits = _some(logits, "logsumexp")
    shift: Any = _largest(logits)
    total: Scalar = log(sum(exp(logit - shift) for logit in logits)) + shift
    return total


def log_softmax(logits: Iterable[Scalar]) -> list[Scalar]:
    """Return the logarithms of `softmax`, accurate where a probability is close to 0.

    Args:
        logits: numbers and Values, at least one.

    >>> log_softmax([0.0, 800.0])
    [-800.0, 0.0]

    """
    logits = _some(logits, "log_softmax")
    total: Any = logsumexp(logits)
    return [logit - total for logit in logits]


def softmax(logits: Iterable[Scalar]) -> list[Scalar]:
    """Return exp(logit) / sum(exp(logit)) for each logit: probabilities that sum to 1.

    Args:
        logits: numbers and Values, at least one.

    >>> softmax([0.0, 0.0])
    [0.5, 0.5]

    """
    logits = _some(logits, "softmax")
    shift: Any = _largest(logits)
    powers = [exp(logit - shift) for logit in logits]
    total: Any = sum(powers)
    return [power / total for power in powers]


def _some(values: Iterable[Scalar], name: str) -> list[Scalar]:
    values = list(values)
    if not values:
        raise ValueError(f"{name} is given no values, expected at least one")
    return values


def _largest(values: Sequence[Value | float]) -> Value | float:
    """Return the largest number, a constant shift that changes neither value nor derivative; 0 if it is not finite."""
    if any(isinstance(value, Value) and (value.symbolic or on_read) for value in values):
        unknown = reduce(maximum, values).detach()  # type: ignore[union-attr]  # with a Value among them
        return where(unknown - unknown == 0.0, unknown, 0.0)
    largest = max(value.data if isinstance(value, Value) else value for value in values)
    return largest if largest - largest == 0.0 else 0.0


__all__ = ["clip", "log_softmax", "logsumexp", "mean", "softmax"]
if TYPE_CHECKING:
    __all__ += methods.__all__
else:
    __all__ += sorted(ROWS)
