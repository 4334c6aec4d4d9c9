"""A line: the points along an axis or a direction, with f and its claimed derivative as functions of one number.

An `Interval` is the range of one input, and of an axis within a box.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograd_mini.testing.problem import NAN, total

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from autograd_mini.testing.problem import Output, Point, Problem


@dataclass(frozen=True, slots=True)
class Interval:
    """The range of one input: from ``low`` to ``high``, by magnitude rather than by difference where ``log``."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        """Refuse a range that is empty, not finite, or logarithmic across zero."""
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"domain is ({self.low!r}, {self.high!r}), expected finite low < high")
        if self.log and self.low * math.copysign(1.0, self.high) <= 0:
            raise ValueError(
                f"logspan is ({self.low!r}, {self.high!r}), expected two numbers of the same sign, not zero"
            )

    def at(self, share: float) -> float:
        """Return the number a ``share`` (0 to 1) of the way through."""
        if self.log:
            sign = math.copysign(1.0, self.low)
            low, high = math.log(abs(self.low)), math.log(abs(self.high))
            found = sign * math.exp(low + (high - low) * share)
        else:
            found = self.low + (self.high - self.low) * share
        return min(max(found, self.low), self.high)

    def __contains__(self, x: float) -> bool:
        """Return whether ``x`` lies inside or on an end."""
        return self.low <= x <= self.high


def logspan(low: float, high: float) -> Interval:
    """Return the range from ``low`` to ``high`` (same sign, not zero) covered evenly by order of magnitude.

    Args:
        low: the lower end.
        high: the upper end.

    >>> logspan(1e-6, 1e6).at(0.5)
    1.0

    """
    return Interval(float(low), float(high), log=True)


def first_reach(x: float) -> float:
    """Return how far from a number differences are taken first: a quarter of it, or a quarter at zero."""
    return abs(x) / 4 or 0.25


class Line:
    """The points ``base + t * direction``, or, for an axis, ``base`` with one coordinate replaced by ``t``.

    On an axis the parameter is the coordinate itself, so no abscissa is ever rounded.
    """

    __slots__ = ("_slopes", "axis", "base", "direction", "high", "low", "output", "problem")

    def __init__(
        self,
        problem: Problem,
        base: Point,
        *,
        axis: int | None = None,
        direction: Sequence[float] = (),
        output: Output = 0,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> None:
        """Lay a line through ``base`` along coordinate ``axis`` or ``direction``, of interest in [low, high]."""
        self.problem, self.base, self.axis, self.output = problem, base, axis, output
        self.direction: Sequence[float] = tuple(direction)
        if problem.vectors:
            numpy = sys.modules["numpy"]
            self.base, self.direction = numpy.array(base), numpy.array(direction)
        self._slopes: dict[float, float] = {}
        inside = problem.box[axis] if problem.box and axis is not None else None
        self.low, self.high = (inside.low, inside.high) if inside else (low, high)

    @property
    def start(self) -> float:
        """The parameter of ``base``."""
        return 0.0 if self.axis is None else float(self.base[self.axis])

    @property
    def reach(self) -> float:
        """The half length of the first segment around it: a direction is as long as it is to be looked along."""
        return 1.0 if self.axis is None else first_reach(self.start)

    def point(self, t: float) -> Point:
        """Return the point of the line at parameter ``t``."""
        if self.problem.vectors:
            moved: Any = self.base + t * self.direction if self.axis is None else self.base.copy()  # type: ignore[operator, attr-defined]
            if self.axis is not None:
                moved[self.axis] = t
            return moved  # type: ignore[no-any-return]
        if self.axis is not None:
            return (*self.base[: self.axis], t, *self.base[self.axis + 1 :])
        return tuple(x + t * d for x, d in zip(self.base, self.direction, strict=True))

    def snap(self, t: float) -> float:
        """Return the nearest parameter that the arithmetic under test can represent."""
        return t if self.axis is None else self.problem.grid(t)

    def value(self, t: float) -> float:
        """Return f at parameter ``t``; nan where it is not a finite number."""
        value = self.problem.value(self.point(t), self.output)
        return value if math.isfinite(value) else NAN

    def ahead(self, values: Iterable[float], slopes: Iterable[float] = ()) -> None:
        """Announce parameters at which f, and its derivative, are going to be asked for."""
        self.problem.f.ahead(map(self.point, values))
        self.problem.df.ahead(map(self.point, slopes))

    def values(self, parameters: Sequence[float]) -> list[float]:
        """Return f at several parameters; nan where it is not a finite number."""
        self.ahead(parameters)
        return [self.value(t) for t in parameters]

    def slopes(self, parameters: Sequence[float]) -> list[float]:
        """Return the claimed derivatives along the line at several parameters; nan where one is not a finite number."""
        self.ahead((), parameters)
        return [self.slope(t) for t in parameters]

    def slope(self, t: float) -> float:
        """Return the claimed derivative along the line at ``t``; nan where it is not a finite number."""
        known = self._slopes.get(t)
        if known is None:
            terms = self._terms(t)
            # An array has extended precision to be summed in, on most machines; an exact sum takes ten times as long.
            slope = float(terms.sum(dtype="longdouble")) if hasattr(terms, "sum") else total(terms)
            known = self._slopes[t] = slope if math.isfinite(slope) else NAN
        return known

    def strength(self, t: float) -> float:
        """Return the size of the slope at ``t`` if no two partials cancelled; 0 where the gradient is not finite."""
        terms = self._terms(t)
        strength = float(abs(terms).sum()) if hasattr(terms, "sum") else sum(map(abs, terms))
        return strength if math.isfinite(strength) else 0.0

    def _terms(self, t: float) -> Any:
        """Return what each partial derivative contributes to the slope at ``t``."""
        partials = self.problem.partials(self.point(t), self.output)
        if self.axis is not None:
            return [float(partials[self.axis])]
        if self.problem.vectors:
            return self.direction * sys.modules["numpy"].asarray(partials)
        return [p * d for p, d in zip(partials, self.direction, strict=True) if d]

    def roundoff(self, t: float) -> float:
        """Return a bound on the rounding of the result of f at ``t``."""
        return self.problem.eps * 4.0 * self.problem.size(self.point(t), self.output) + 1e-322

    def rounding(self, results: Iterable[float], arguments: Iterable[float]) -> float:
        """Bound what rounding adds to differences of f: of its results, and of its arguments, at given parameters."""
        sensitivity = max(map(self._sensitivity, arguments))
        return 2 * max(map(self.roundoff, results)) + 4 * self.problem.eps * sensitivity

    def _sensitivity(self, t: float) -> float:
        """Return the sum of |x_i| |df/dx_i|: how much f answers to a relative change of its arguments."""
        point = self.point(t)
        partials = self.problem.partials(point, self.output)
        if self.problem.vectors:
            numpy = sys.modules["numpy"]
            sensitivity = float(numpy.abs(numpy.asarray(point) * partials).sum())
        else:
            sensitivity = sum(abs(x * p) for x, p in zip(point, partials, strict=True))
        return sensitivity if math.isfinite(sensitivity) else 0.0

    def ulp(self, t: float) -> float:
        """Return the spacing of distinguishable parameters at ``t``."""
        eps = self.problem.eps
        if self.axis is not None:
            return max(math.ulp(t), eps * abs(t))
        if self.problem.vectors:
            moved = self.direction != 0  # type: ignore[comparison-overlap]
            sizes: Any = abs(self.point(t)[moved] / self.direction[moved])
            return float(eps * sizes.max()) if sizes.size else math.ulp(t)
        pairs = zip(self.point(t), self.direction, strict=True)
        return max((eps * abs(x) / abs(d) for x, d in pairs if d), default=math.ulp(t))
