"""A setting is a number or flag that a user gives by name (lr, gamma, nesterov), checked where it comes in.

Every check takes the setting's name and value and returns the value as a plain Python number, or raises an error that
names both: TypeError for what is no number, ValueError for a number out of range.
"""

from __future__ import annotations

from math import inf

from autograd_mini.engine.arguments import real_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Checks = Mapping[str, Callable[[str, object], Any]]


def finite(name: str, value: object) -> float:
    """Take any finite number.

    >>> finite("gamma", 1)
    1.0
    >>> finite("gamma", "fast")
    Traceback (most recent call last):
    ...
    TypeError: gamma is 'fast', but expected a number
    """
    return real_number(name, value)  # type: ignore[arg-type]  # which is what is checked


def nonnegative(name: str, value: object) -> float:
    """Take a finite number of at least zero."""
    number = finite(name, value)
    if number < 0.0:
        raise ValueError(f"{name} must be at least 0, got {value!r}")
    return number


def positive(name: str, value: object) -> float:
    """Take a finite number greater than zero."""
    number = finite(name, value)
    if number <= 0.0:
        raise ValueError(f"{name} must be greater than 0, got {value!r}")
    return number


def share(name: str, value: object) -> float:
    """Take a number from 0 to 1, both included."""
    number = finite(name, value)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"{name} must be from 0 to 1, got {value!r}")
    return number


def positive_share(name: str, value: object) -> float:
    """Take a number from 0 to 1, zero excluded."""
    return share(name, positive(name, value))


def decay_rates(name: str, value: object) -> tuple[float, float]:
    """Take a pair of numbers from 0 to 1, 1 excluded: how much of each moving average a step keeps."""
    pair = tuple(value) if isinstance(value, tuple | list) else ()
    if len(pair) != 2:
        raise TypeError(f"{name} must be a pair of numbers such as (0.9, 0.999), got {value!r}")
    first, second = (finite(f"{name}[{index}]", number) for index, number in enumerate(pair))
    for index, number in enumerate((first, second)):
        if not 0.0 <= number < 1.0:
            raise ValueError(f"{name}[{index}] must be at least 0 and less than 1, got {number!r}")
    return first, second


def whole(name: str, value: object, least: int = 0) -> int:
    """Take an integer of at least `least`; a float that is one counts."""
    number = finite(name, value)
    if not number.is_integer():
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {value!r}")
    return int(number)


def positive_whole(name: str, value: object) -> int:
    """Take an integer of at least one."""
    return whole(name, value, 1)


def flag(name: str, value: object) -> bool:
    """Take True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return value


def checked(checks: Checks, given: Mapping[str, object]) -> dict[str, Any]:
    """Take from `given` the settings that `checks` names, each checked; ValueError for one that is missing."""
    try:
        return {name: check(name, given[name]) for name, check in checks.items()}
    except KeyError as missing:
        raise ValueError(f"the setting {missing} is missing") from None


def power(base: float, exponent: float) -> float:
    """Raise a base >= 0 to a power, with inf in place of Python's OverflowError.

    >>> power(10.0, 400)
    inf
    """
    try:
        return float(base**exponent)
    except OverflowError:
        return inf
