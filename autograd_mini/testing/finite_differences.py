"""A finite difference: the slope of f at one point from values of f alone, extrapolated, with a bound on its error.

Source: Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Advances in Engineering Software 4 (1982).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autograd_mini.testing.problem import Line

_SHRINK = 2.0
"""Factor between successive steps."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A derivative measured from values of f alone, with a bound on its error."""

    value: float
    error: float

    @property
    def reliable(self) -> bool:
        """Whether the error is small beside the value."""
        return math.isfinite(self.value) and self.error <= 1e-2 * abs(self.value) + 1e-300


def measure(line: Line, x: float, reach: float, side: int = 0) -> Measured:
    """Return the derivative of f at ``x`` by extrapolated differences: central, or from one side (-1 or 1).

    Steps go from ``reach`` down by factors of two; the extrapolation with the smallest internal disagreement wins.
    """
    best = Measured(math.nan, math.inf)
    table: list[list[float]] = []
    order = 2 if side == 0 else 1
    fx = line.value(x) if side else 0.0
    rounding = line.roundoff(x)
    for _ in range(12):
        high, low = line.snap(x + reach) if side >= 0 else x, line.snap(x - reach) if side <= 0 else x
        if not high > low:
            break
        top, bottom = (line.value(high) if side >= 0 else fx), (line.value(low) if side <= 0 else fx)
        row = [(top - bottom) / (high - low)]
        reach /= _SHRINK
        if not math.isfinite(row[0]):
            table.clear()
            continue
        factor = 1.0
        floor = (rounding + 2 * line.roundoff(high) + 2 * line.roundoff(low)) / (high - low)
        for k, above in enumerate(table[-1] if table else []):
            factor *= _SHRINK**order if k else _SHRINK ** (2 if side == 0 else 1)
            row.append(row[k] + (row[k] - above) / (factor - 1))
            error = max(abs(row[-1] - row[k]), abs(row[-1] - above)) + floor
            if error < best.error:
                best = Measured(row[-1], error)
        if len(table) > 3 and abs(row[-1] - table[-1][-1]) > 4 * best.error:
            break
        table.append(row)
    return best
