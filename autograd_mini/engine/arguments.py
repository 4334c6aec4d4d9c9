"""The arguments that the functions of this package share, each checked in one place: a seed, a count, a real number."""

from __future__ import annotations

import math
import operator
from random import Random

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import SupportsFloat, SupportsIndex


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
    if seed is not None:
        seed = whole_number("seed", seed)
        if seed < 0:
            raise ValueError(
                f"seed is {seed}, but expected 0 or a greater whole number, or None for new numbers each time"
            )
    return Random(seed).random


def whole_number(name: str, value: SupportsIndex) -> int:
    """Return `value` as an int, or raise a TypeError that names the argument.

    >>> whole_number("n", 2.5)
    Traceback (most recent call last):
    TypeError: n is 2.5, but expected a whole number (an int)
    """
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}, but expected a whole number (an int)") from None


def real_number(name: str, value: SupportsFloat) -> float:
    """Return `value` as a finite float, or raise a TypeError or ValueError that names the argument.

    Text is refused even where `float` would read it: a column of text is nearly always a mistake.

    >>> real_number("noise", 1)
    1.0
    >>> real_number("row 3, column 1 of X", float("nan"))
    Traceback (most recent call last):
    ValueError: row 3, column 1 of X is nan, but expected a finite number
    """
    # An array with axes is refused by name because NumPy would turn [[5.0]] into 5.0.
    if isinstance(value, (str, bytes, bytearray)) or getattr(value, "ndim", 0) != 0:
        raise TypeError(f"{name} is {value!r}, but expected a number")
    try:
        number = float(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}, but expected a number") from None
    except OverflowError:
        raise ValueError(f"{name} is greater than any float, but expected a finite number") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} is {number}, but expected a finite number")
    return number


def takes_one(f: Callable[..., object]) -> bool:
    """Return whether a function takes exactly one argument by position, such as a list.

    >>> takes_one(lambda x: x), takes_one(lambda x, y: x), takes_one(lambda *x: x), takes_one(math.hypot)
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
        raise TypeError(f"{name} is a function; got {f!r} of type {type(f).__name__}")
