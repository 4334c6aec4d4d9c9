"""A witness: one short point at which a derivative is wrong, the claim there, and what f itself says."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autograd_mini.testing.finite_differences import Measured, measure
from autograd_mini.testing.line import Line
from autograd_mini.testing.point import first_reach
from autograd_mini.testing.segment import examine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autograd_mini.testing.discontinuities import Finding
    from autograd_mini.testing.problem import Point, Problem

_CLEARLY = 20.0


@dataclass(slots=True)
class Witness:
    """A point at which the partial derivative of ``output`` by ``wrt`` is wrong."""

    point: Point
    names: tuple[str, ...]
    axis: int
    output: str
    claimed: float
    measured: float
    error: float
    interval: tuple[float, float]
    region: str = ""
    others: dict[str, str] = field(default_factory=dict)

    @property
    def wrt(self) -> str:
        """The name of the input whose partial derivative is wrong."""
        return self.names[self.axis]

    def place(self) -> str:
        """Return the point as ``x=0.91, y=1.73``."""
        shown = [f"{n}={v!r}" for n, v in zip(self.names, self.point, strict=True)]
        return ", ".join(shown if len(shown) <= 8 else [*shown[:3], "...", shown[self.axis]])


def measured_at(problem: Problem, point: Point, axis: int, output: int, reach: float) -> Measured:
    """Return the partial derivative at ``point`` from values of f."""
    return measure(Line(problem, point, axis=axis, output=output), point[axis], reach)


def short_numbers(low: float, high: float) -> Iterator[float]:
    """Yield numbers inside (low, high), those with the fewest digits first.

    >>> next(short_numbers(0.87, 0.94))
    0.9
    """
    middle = low + (high - low) / 2
    if low < 0 < high:
        yield 0.0
    for digits in range(1, 17):
        for number in (middle, low + 0.7 * (high - low), low + 0.3 * (high - low)):
            short = float(f"{number:.{digits - 1}e}")
            if low < short < high:
                yield short
    yield middle


def find_witness(problem: Problem, line: Line, finding: Finding) -> Witness:
    """Return a witness for an error proved on an axis, at numbers as short as still show it."""
    axis, output = line.axis or 0, line.output
    a, b = finding.a, finding.b
    if a == b:
        return _at_a_point(problem, line, a)
    width = b - a
    for tries, t in enumerate(short_numbers(a + width / 16, b - width / 16)):
        reach = min(t - a, b - t, first_reach(t))
        point = line.point(t)
        found = measured_at(problem, point, axis, output, reach)
        if _differs(line.slope(t), found):
            point = _shorten(problem, point, axis, output, reach)
            found = measured_at(problem, point, axis, output, reach)
            return _witness(problem, point, axis, output, found, (a, b))
        if tries > 12:
            break
    segment = examine(line, a, b)
    middle = a + width / 2
    average = segment.excess / width if math.isfinite(segment.excess) else math.nan
    found = Measured(line.slope(middle) + average, segment.tolerance / width)
    return _witness(problem, line.point(middle), axis, output, found, (a, b))


def _at_a_point(problem: Problem, line: Line, x: float) -> Witness:
    reach = first_reach(x) / 4
    sides = [m for s in (0, 1, -1) if (m := measure(line, x, reach, s)).reliable] or [measure(line, x, reach)]
    return _witness(problem, line.point(x), line.axis or 0, line.output, sides[0], (x, x))


def _witness(
    problem: Problem, point: Point, axis: int, output: int, found: Measured, interval: tuple[float, float]
) -> Witness:
    claimed = problem.partials(point, output)[axis]
    name = problem.output_names[output]
    return Witness(point, problem.names, axis, name, claimed, found.value, found.error, interval)


def _differs(claimed: float, found: Measured) -> bool:
    return math.isfinite(found.error) and (
        not math.isfinite(claimed) or abs(claimed - found.value) > _CLEARLY * found.error
    )


def _shorten(problem: Problem, point: Point, axis: int, output: int, reach: float) -> Point:
    """Round the other coordinates as far as the claim stays wrong."""
    for i, x in enumerate(point):
        if i == axis or len(point) > 6:
            continue
        for digits in (1, 2, 3):
            short = float(f"{x:.{digits - 1}e}")
            candidate = (*point[:i], short, *point[i + 1 :])
            if short == x:
                break
            if _differs(
                problem.partials(candidate, output)[axis], measured_at(problem, candidate, axis, output, reach)
            ):
                point = candidate
                break
    return point
