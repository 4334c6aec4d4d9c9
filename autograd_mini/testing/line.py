"""A line: a function of several numbers restricted to one real parameter, with the slope its gradient claims."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.testing.problem import Point, Problem


class Line:
    """The points ``base + t * direction``, or, for an axis, ``base`` with one coordinate replaced by ``t``.

    On an axis the parameter is the coordinate itself, so no abscissa is ever rounded.
    """

    __slots__ = ("axis", "base", "direction", "output", "problem")

    def __init__(
        self,
        problem: Problem,
        base: Point,
        *,
        axis: int | None = None,
        direction: Sequence[float] = (),
        output: int = 0,
    ) -> None:
        """Lay a line through ``base`` along coordinate ``axis``, or along ``direction``."""
        self.problem, self.base, self.axis, self.output = problem, base, axis, output
        self.direction = tuple(direction)

    def point(self, t: float) -> Point:
        """Return the point of the line at parameter ``t``."""
        if self.axis is not None:
            return (*self.base[: self.axis], t, *self.base[self.axis + 1 :])
        return tuple(x + t * d for x, d in zip(self.base, self.direction, strict=True))

    def snap(self, t: float) -> float:
        """Return the nearest parameter that the arithmetic under test can represent."""
        grid = self.problem.grid
        return t if grid is None or self.axis is None else grid(t)

    def value(self, t: float) -> float:
        """Return f at parameter ``t``; nan where it is not a finite number."""
        value = self.problem.value(self.point(t), self.output)
        return value if math.isfinite(value) else math.nan

    def slope(self, t: float) -> float:
        """Return the claimed derivative along the line at ``t``; nan where it is not a finite number."""
        partials = self.problem.partials(self.point(t), self.output)
        if self.axis is not None:
            slope = partials[self.axis]
        else:
            slope = (
                math.fsum(p * d for p, d in zip(partials, self.direction, strict=True) if d)
                if self._finite(partials)
                else math.nan
            )
        return slope if math.isfinite(slope) else math.nan

    def _finite(self, partials: Sequence[float]) -> bool:
        return all(math.isfinite(p) for p, d in zip(partials, self.direction, strict=True) if d)

    def roundoff(self, t: float) -> float:
        """Return a bound on the rounding of the result of f at ``t``."""
        return self.problem.eps * 4.0 * abs(self.problem.value(self.point(t), self.output)) + 1e-322

    def sensitivity(self, t: float) -> float:
        """Return the sum of |x_i| |df/dx_i|: how much f answers to a relative change of its arguments."""
        point = self.point(t)
        partials = self.problem.partials(point, self.output)
        total = sum(abs(x * p) for x, p in zip(point, partials, strict=True))
        return total if math.isfinite(total) else 0.0

    def strength(self, t: float) -> float:
        """Return the size of the slope at ``t`` if no two partials cancelled; 0 where the gradient is not finite."""
        partials = self.problem.partials(self.point(t), self.output)
        if self.axis is not None:
            strength = abs(partials[self.axis])
        else:
            strength = sum(abs(p * d) for p, d in zip(partials, self.direction, strict=True) if d)
        return strength if math.isfinite(strength) else 0.0

    def ulp(self, t: float) -> float:
        """Return the spacing of distinguishable parameters at ``t``."""
        if self.axis is not None:
            return max(math.ulp(t), self.problem.eps * abs(t))
        return max(
            (self.problem.eps * abs(x) / abs(d) for x, d in zip(self.point(t), self.direction, strict=True) if d),
            default=math.ulp(t),
        )
