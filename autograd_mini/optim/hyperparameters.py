"""A hyperparameter is a number or flag that a user sets by name (lr, gamma, nesterov), checked where it comes in.

Every check takes the setting's name and value and returns the value as a plain Python number, or raises an error that
names both: TypeError for what is no number, ValueError for a number out of range.
"""

from __future__ import annotations

from functools import partial

from autograd_mini.engine.checks import real_number, whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Checks = Mapping[str, Callable[[str, object], Any]]


finite = real_number
"""The check for any finite number."""


def _number_in(expected: str, accepts: Callable[[float], bool]) -> Callable[[str, object], float]:
    """Return the check for a finite number in a range."""

    def check(name: str, value: object) -> float:
        number = finite(name, value)
        if not accepts(number):
            raise ValueError(f"{name} is {value!r}, expected {expected}")
        return number

    return check


nonnegative = _number_in("a number of at least 0", lambda number: number >= 0.0)
"""The check for a finite number of at least zero."""
positive = _number_in("a number greater than 0", lambda number: number > 0.0)
"""The check for a finite number greater than zero."""
share = _number_in("a number from 0 to 1", lambda number: 0.0 <= number <= 1.0)
"""The check for a number from 0 to 1, both included."""
positive_share = _number_in("a number greater than 0 and at most 1", lambda number: 0.0 < number <= 1.0)
"""The check for a number from 0 to 1, zero excluded."""
_decay_rate = _number_in("a number of at least 0 and less than 1", lambda number: 0.0 <= number < 1.0)
whole, positive_whole = partial(whole_number, least=0), partial(whole_number, least=1)
"""The checks for a whole number of at least zero, and of at least one; a float that is one counts."""


def decay_rates(name: str, value: object) -> tuple[float, float]:
    """Take a pair of numbers from 0 to 1, 1 excluded: how much of each moving average a step keeps."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name} is {value!r}, expected a pair of numbers such as (0.9, 0.999)")
    first, second = (_decay_rate(f"{name}[{index}]", number) for index, number in enumerate(value))
    return first, second


def flag(name: str, value: object) -> bool:
    """Take True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}, expected True or False")
    return value


def checked(checks: Checks, given: Mapping[str, object]) -> dict[str, Any]:
    """Take from `given` the settings that `checks` names, each checked; ValueError for one that is missing."""
    try:
        return {name: check(name, given[name]) for name, check in checks.items()}
    except KeyError as missing:
        raise ValueError(f"the setting {missing} is missing") from None
