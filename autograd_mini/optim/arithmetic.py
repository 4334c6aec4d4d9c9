"""What an optimiser's formula needs beside + and *: for one number, or for a whole array of them at once."""

from __future__ import annotations

from math import inf, sqrt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Arithmetic:
    """Functions by IEEE 754: the square root, the quotient, and the larger of two, which is nan if either is."""

    def __init__(
        self, root: Callable[[Any], Any], quotient: Callable[[Any, Any], Any], larger: Callable[[Any, Any], Any]
    ) -> None:
        self.root, self.quotient, self.larger = root, quotient, larger


def _quotient(x: float, y: float) -> float:
    """Return x / y, infinite or nan where y is 0, by which Python refuses to divide."""
    return x / y if y else x * inf


FLOATS = Arithmetic(sqrt, _quotient, max)  # max keeps its first argument where that is nan


def arrays() -> Arithmetic:
    """Return the functions on NumPy's arrays."""
    import numpy as np

    return Arithmetic(np.sqrt, np.divide, np.maximum)
