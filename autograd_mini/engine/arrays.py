"""NumPy's functions on Values: what `np.arctan2(2.0, x)`, `np.maximum(a, x)` or `a * x` give, for an array a.

NumPy hands such a call to `Value.__array_ufunc__`, and so here, where the operation of the table is applied to each
element: the result is a Value, or an array of dtype object. What has no row goes to NumPy's own loop over objects.
This module is imported when NumPy calls for it.
"""

from __future__ import annotations

import operator

import numpy as np

from autograd_mini.engine.functions import ON_VALUES, boxed, clip, logsumexp, objects
from autograd_mini.engine.operators import NUMPY_NAMES, operand, where
from autograd_mini.engine.ops import ARITHMETIC, TABLE
from autograd_mini.engine.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
    "power": operator.pow,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "equal": operator.eq,
    "not_equal": operator.ne,
}
"""What NumPy calls Python's operators."""

_LN_2 = 0.6931471805599453


def _known(predicate: Callable[[float], Any]) -> Callable[[Any], Any]:
    """Return a question about a number, which has no derivative."""
    return lambda x: predicate(x.data if isinstance(x, Value) else x)


_OTHERS: dict[str, Callable[..., Any]] = {
    "fabs": abs,
    "clip": clip,
    "divmod": divmod,
    "float_power": ON_VALUES.pow,
    "logaddexp": lambda x, y: logsumexp([x, y]),
    "logaddexp2": lambda x, y: logsumexp([x * _LN_2, y * _LN_2]) * (1.0 / _LN_2),
    "fmod": lambda x, y: ON_VALUES.sign(x) * (abs(x) % abs(y)),
    "fmax": lambda x, y: where(x != x, y, where(y != y, x, ON_VALUES.maximum(x, y))),  # noqa: PLR0124 - is it nan?
    "fmin": lambda x, y: where(x != x, y, where(y != y, x, ON_VALUES.minimum(x, y))),  # noqa: PLR0124
    "heaviside": lambda x, y: where(x > 0.0, 1.0, where(x < 0.0, 0.0, where(x == 0.0, y, x))),
    "copysign": lambda x, y: where(_known(np.signbit)(y), -abs(x), abs(x)),
    "trunc": lambda x: where(x < 0.0, ON_VALUES.ceil(x), ON_VALUES.floor(x)),
    "isnan": _known(np.isnan),
    "isinf": _known(np.isinf),
    "isfinite": _known(np.isfinite),
    "signbit": _known(np.signbit),
}
"""What NumPy has and the table has not, by what the table has."""

_TRUTHS = frozenset({"isnan", "isinf", "isfinite", "signbit"})


def _operation(name: str) -> Callable[..., Any] | None:
    """Return a function of NumPy's as a function of Values and numbers."""
    row = NUMPY_NAMES.get(name, name)
    if name in _OTHERS:
        return _OTHERS[name]
    return (
        getattr(ON_VALUES, row) if row in TABLE and TABLE[row].builtin and TABLE[row].method not in ARITHMETIC else None
    )


def applied(made: Any, method: str, *given: Any, **kwargs: Any) -> Any:
    """Apply a universal function of NumPy's to Values: this is `Value.__array_ufunc__`."""
    name = made.__name__
    inputs = [each[()] if isinstance(each, ValueArray) and each.ndim == 0 else each for each in given]
    if method == "__call__" and not kwargs and name in _OPERATORS and not any(map(_is_array, inputs)):
        equality = name in {"equal", "not_equal"}
        try:
            operands = [given if isinstance(given, Value) else operand(given) for given in inputs]
        except TypeError:
            if not equality:
                raise
            operands = [NotImplemented]
        if not any(given is NotImplemented for given in operands):
            return _OPERATORS[name](*operands)
        if equality:  # what is no number is not equal to one
            return name == "not_equal"
    for out in kwargs.get("out", ()):
        if out is not None and out.dtype not in (object, bool):
            raise TypeError(
                f"np.{name} of a Value into an array of {out.dtype} would lose its derivative without a word: make the "
                "array with dtype=object, or compute a new one, a = a + x, instead of a += x"
            )
    plain = [_plain(given) for given in inputs]
    outs = tuple(map(_plain, kwargs.get("out", ())))
    settings = {**kwargs, "out": outs} if outs else kwargs
    operation = _operation(name) if method == "__call__" else None
    if operation is None:
        result = getattr(made, method)(*plain, **settings)
    else:
        result = np.frompyfunc(operation, made.nin, made.nout)(*map(objects, plain), **settings)
        if name in _TRUTHS and not outs:
            result = np.asarray(result).astype(bool)
    return kwargs["out"][0] if len(outs) == 1 and result is not None else _wrapped(result)


class ValueArray(np.ndarray):
    """An array of Values, as a transform hands it to a function: NumPy's, but that np.arctan2(a, x) knows the table."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return applied(ufunc, method, *inputs, **kwargs)

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))


def whole(made: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Apply another function of NumPy's to Values: this is `Value.__array_function__`."""
    if made.__name__ == "sinc":
        return ON_VALUES.sinc(*args, **kwargs)
    if made.__name__ == "clip" and not kwargs:
        return _wrapped(np.frompyfunc(clip, len(args), 1)(*[objects(_plain(given)) for given in args]))
    return made._implementation(*args, **kwargs)


def _is_array(given: Any) -> bool:
    return not isinstance(given, Value) and np.ndim(given) > 0


def _plain(given: Any) -> Any:
    return given.view(np.ndarray) if isinstance(given, ValueArray) else boxed(given)


def _wrapped(result: Any) -> Any:
    if isinstance(result, tuple):
        return tuple(map(_wrapped, result))
    if not isinstance(result, np.ndarray):
        return result
    return result[()] if result.ndim == 0 else result.view(ValueArray) if result.dtype == object else result
