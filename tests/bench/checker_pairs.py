"""Pairs of functions that a check must survive: chains of parts that overflow, raise, or return what is no number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PARTS: list[Callable[[Any], Any]] = [
    *(getattr(math, name) for name in ("sin", "tan", "exp", "log", "sqrt", "cosh", "gamma", "atanh", "floor", "erf")),
    lambda x: x**3,
    lambda x: x**0.5,
    lambda x: 1 / x,
    lambda x: 1e300 * x,
    lambda x: 1e-300 * x,
    lambda _x: math.nan,
    lambda _x: math.inf,
    lambda x: complex(x, x),
    lambda x: [x, [x]],
    lambda _x: {}["x"],
    lambda _x: None,
    lambda x: x > 0,
    lambda _x: 3.0,
    lambda x: x,
]
"""What the functions are made of."""
EXTREMES = (0.0, -0.0, 1e-300, 5e-324, 1e300, -1e300, 1.7976931348623157e308, 710.0, 1e16)
"""Points at which floats end."""
EXTREME_BOXES = ((-710, 710), (-1e308, 1e-310), (0, 1e-300), (-1, 9), (1, 1e300))
"""Intervals at which floats end."""


def chained(parts: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """Return the function that applies the parts one after the other."""

    def function(x: Any) -> Any:
        for part in parts:
            x = part(x)
        return x

    return function
