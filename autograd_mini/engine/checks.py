"""An argument, checked where it comes in: a number, a count, a seed, a function.

Every message has one form, here and in the rest of the package: what is wrong, the value that was given, what is
expected, and the way out, "{name} is {value!r}, expected a number: convert it to a float first". A TypeError is for
what is no number, a ValueError for a number out of range.
"""

from __future__ import annotations

import operator
from math import inf, isfinite, prod

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol, SupportsFloat, SupportsIndex

    class AnyCallable(Protocol):
        """Whatever can be called, of any number of arguments."""

        @property
        def __call__(self) -> Callable[..., Any]:
            """What is called."""

    Function = (
        Callable[[Any], Any]
        | Callable[[Any, Any], Any]
        | Callable[[Any, Any, Any], Any]
        | Callable[[Any, Any, Any, Any], Any]
        | AnyCallable
    )
    """Any function. The first four give the arguments of a lambda a type, which `Callable[..., Any]` does not."""


def number(given: SupportsFloat, name: str) -> float:
    """Return a number as a float, or raise a TypeError or OverflowError with the name of the argument it was given for.

    int, bool, Fraction, Decimal, NumPy scalars and arrays of one element are numbers. Text, complex numbers, None,
    larger arrays, and whatever carries a derivative of its own are not.

    >>> from fractions import Fraction
    >>> number(Fraction(1, 4), "data")
    0.25

    """
    if type(given) is float:
        return given
    if hasattr(given, "backward") and getattr(given, "requires_grad", True):  # a Value, or a tensor that records
        raise TypeError(
            f"{name} is a {type(given).__name__}, whose derivative would be lost, expected a plain number: compute "
            "with it directly, or pass its number (x.data for a Value, x.item() for a tensor)"
        )
    shape = getattr(given, "shape", ())
    if isinstance(shape, tuple) and prod(shape) != 1:
        raise TypeError(
            f"{name} is a {type(given).__name__} of shape {shape}, expected one number: take its elements one by one"
        )
    reason: object = "convert it to a float first"
    if isinstance(given, (list, tuple)):
        reason = "take its elements one by one, as in [exp(v) for v in x], or make it an array, np.array(x)"
    kind = getattr(getattr(given, "dtype", None), "kind", "O")  # NumPy's code; a masked constant has a float's
    if hasattr(given, "__float__") and kind in "biufO" and type(given).__name__ != "MaskedConstant":
        try:
            return float(given.item() if shape else given)  # type: ignore[attr-defined]  # what has a shape has item()
        except OverflowError:
            raise OverflowError(
                f"{name} is a {type(given).__name__} beyond the largest float, expected at most 1.8e308"
            ) from None
        except (TypeError, ValueError) as error:
            reason = error
    shown = "" if shape else f"{given!r} "
    raise TypeError(f"{name} is {shown}of type {type(given).__name__}, expected a real number: {reason}")


def random_numbers(seed: SupportsIndex | None) -> Callable[[], float]:
    """Return a function that gives the next random number in [0, 1), the same sequence for the same `seed`.

    Everything random in this package is arithmetic on these numbers. Of the methods of `random.Random`, the
    standard library promises only for `random()` that a seed gives the same sequence in every Python version;
    `gauss`, `shuffle` and `sample` may change.

    `seed` is a whole number, 0 or greater (`random.Random` takes -1 for 1, so that two seeds would be one), or None
    for a sequence that is new at every call.

    Source: https://docs.python.org/3/library/random.html#notes-on-reproducibility

    >>> random_numbers(0)()
    0.8444218515250481
    """
    from random import Random

    if seed is not None:
        seed = whole_number("seed", seed)
        if seed < 0:
            raise ValueError(f"seed is {seed}, expected a whole number from 0 on, or None for new numbers each time")
    return Random(seed).random


def whole_number(name: str, value: object, least: float = -inf) -> int:
    """Return a whole number as an int; a float such as 2.0 or 1e3 is one, and a truth value is none.

    >>> whole_number("n", 1e3, least=1)
    1000
    >>> whole_number("n", 2.5)
    Traceback (most recent call last):
    TypeError: n is 2.5, expected a whole number

    """
    expected = "a whole number" if least == -inf else f"a whole number from {least} on"
    whole = _whole(value)
    if whole is None:
        raise TypeError(f"{name} is {value!r}, expected {expected}")
    if whole < least:
        raise ValueError(f"{name} is {value!r}, expected {expected}")
    return whole


def real_number(name: str, value: Any) -> float:
    """Return `value` as a finite float, or raise a TypeError or ValueError that names the argument.

    Text is refused even where `float` would read it: a column of text is nearly always a mistake.

    >>> real_number("noise", 1)
    1.0
    >>> real_number("row 3, column 1 of X", float("nan"))
    Traceback (most recent call last):
    ValueError: row 3, column 1 of X is nan, expected a finite number
    """
    # An array with axes is refused by name because NumPy would turn [[5.0]] into 5.0.
    if isinstance(value, (str, bytes, bytearray)) or getattr(value, "ndim", 0) != 0:
        raise TypeError(f"{name} is {value!r}, expected a number")
    try:
        number = float(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}, expected a number") from None
    except OverflowError:
        raise ValueError(f"{name} is greater than any float, expected a finite number") from None
    if not isfinite(number):
        raise ValueError(f"{name} is {number}, expected a finite number")
    return number


def unframed(values: Any) -> Any:
    """Return the array in a data frame or series, whose own items are the names of its columns; else the values."""
    return values.to_numpy() if callable(getattr(values, "to_numpy", None)) else values


def takes_one(f: Callable[..., object]) -> bool:
    """Return whether a function takes exactly one argument by position, such as a list.

    >>> takes_one(lambda x: x), takes_one(lambda x, y: x), takes_one(lambda *x: x), takes_one(print)
    (True, False, False, False)

    """
    from inspect import Parameter, signature

    try:
        known = signature(f).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = [p for p in known if p.kind in {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD}]
    return len(positional) == 1 and all(p.kind is not Parameter.VAR_POSITIONAL for p in known)


def check_function(name: str, f: object) -> None:
    """Raise a TypeError that names the argument unless it can be called."""
    if not callable(f):
        raise TypeError(f"{name} is {f!r} of type {type(f).__name__}, expected a function")


def _whole(value: Any) -> int | None:
    """Return a value as an int if it is a whole number."""
    if type(value).__name__ in {"bool", "bool_"}:  # Python's and NumPy's
        return None
    try:
        return operator.index(value)
    except TypeError:
        pass
    try:
        number = real_number("", value)
    except (TypeError, ValueError):
        return None
    return int(number) if number.is_integer() else None
