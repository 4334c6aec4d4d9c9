"""A counterexample: a point of few digits at which a derivative is wrong, with the claim and the measured value."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autograd_mini.testing.finite_differences import Measured, measure
from autograd_mini.testing.point import first_reach
from autograd_mini.testing.problem import Line, located
from autograd_mini.testing.segment import compare

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autograd_mini.testing.discontinuities import Classification
    from autograd_mini.testing.domain import Interval
    from autograd_mini.testing.problem import Point, Problem

_CLEARLY = 20.0
"""Ratio of error to measurement error above which a claim counts as wrong."""
_SAMPLES_OF_REGION, _HALVINGS = 12, 10
"""Points that a region is sampled at, and bisections of each of its ends."""
_SINGLE_PRECISION = 1e-10
"""Unit roundoff above which f computes in single precision."""


@dataclass(slots=True)
class Counterexample:
    """A point at which the partial derivative of ``output`` by ``wrt`` is wrong.

    ``slopes`` are those of f on either side where it has a kink: any number between them is a right derivative.
    """

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
    slopes: tuple[float, float] | None = None

    @property
    def wrt(self) -> str:
        """The name of the input whose partial derivative is wrong."""
        return self.names[self.axis]

    def place(self) -> str:
        """Return the point as ``x=0.91, y=1.73``."""
        return located(self.names, self.point, self.axis)


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


def find_counterexample(problem: Problem, line: Line, classification: Classification) -> Counterexample:
    """Return a counterexample for an error proved on an axis, at numbers with as few digits as show it."""
    axis, output = line.axis or 0, line.output
    a, b = classification.a, classification.b
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
            return _counterexample(problem, point, axis, output, found, (a, b))
        if tries > 12:
            break
    segment = compare(line, a, b)
    middle = a + width / 2
    average = segment.mismatch / width if math.isfinite(segment.mismatch) else math.nan
    found = Measured(line.slope(middle) + average, segment.tolerance / width)
    return _counterexample(problem, line.point(middle), axis, output, found, (a, b))


def _at_a_point(problem: Problem, line: Line, x: float) -> Counterexample:
    reach = first_reach(x) / 4
    central, above, below = (measure(line, x, reach, side) for side in (0, 1, -1))
    best = next((m for m in (central, above, below) if m.reliable), central)
    found = _counterexample(problem, line.point(x), line.axis or 0, line.output, best, (x, x))
    if abs(above.value - below.value) > 10 * (above.error + below.error):
        found.slopes = min(below.value, above.value), max(below.value, above.value)
    return found


def _counterexample(
    problem: Problem, point: Point, axis: int, output: int, found: Measured, interval: tuple[float, float]
) -> Counterexample:
    claimed = problem.partials(point, output)[axis]
    name = problem.output_names[output]
    return Counterexample(point, problem.names, axis, name, claimed, found.value, found.error, interval)


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


def is_wrong(problem: Problem, example: Counterexample, output: int, t: float) -> bool | None:
    """Return whether the claim is wrong with the input in question moved to ``t``; None if f cannot tell."""
    point = (*example.point[: example.axis], t, *example.point[example.axis + 1 :])
    if not math.isfinite(problem.value(point, output)):
        return None
    share = 64 if problem.eps < _SINGLE_PRECISION else 4
    found = measured_at(problem, point, example.axis, output, first_reach(t) / share)
    if not found.reliable and found.error > 1e-3:
        return None
    claimed = problem.partials(point, output)[example.axis]
    relative = 1e-3 * abs(example.claimed - example.measured) / max(abs(example.measured), 1e-300)
    return not abs(claimed - found.value) <= 20 * found.error + min(relative, 1e-3) * abs(found.value)


def region_of(problem: Problem, example: Counterexample, output: int, box: Sequence[Interval] | None) -> str:
    """Describe where along its own input a claim is wrong, if that is a proper part of what was looked at."""
    x = example.point[example.axis]
    name = example.wrt
    if example.interval[0] == example.interval[1]:
        return f"only at {name} = {x!r}"
    low, high = (box[example.axis].low, box[example.axis].high) if box else (x - 3 * abs(x) - 1, x + 3 * abs(x) + 1)
    positions = [low + (high - low) * (i + 0.5) / _SAMPLES_OF_REGION for i in range(_SAMPLES_OF_REGION)]
    marks = [(t, is_wrong(problem, example, output, t)) for t in positions]
    known = [(t, mark) for t, mark in marks if mark is not None]
    right = [t for t, mark in known if not mark]
    if not right or not known:
        return "wrong everywhere it was looked at" if len(known) > 3 else ""
    below, above = max((t for t in right if t < x), default=None), min((t for t in right if t > x), default=None)
    if any(mark and ((below is not None and t < below) or (above is not None and t > above)) for t, mark in known):
        return ""
    start = None if below is None else _border(problem, example, output, below, x)
    end = None if above is None else _border(problem, example, output, above, x)
    if start is not None and end is not None:
        return f"wrong wherever {start!r} < {name} < {end!r}"
    return f"wrong wherever {name} < {end!r}" if end is not None else f"wrong wherever {name} > {start!r}"


def _border(problem: Problem, example: Counterexample, output: int, right: float, wrong: float) -> float:
    """Return a short number between a place where the claim is right and one where it is wrong."""
    for _ in range(_HALVINGS):
        middle = (right + wrong) / 2
        if is_wrong(problem, example, output, middle):
            wrong = middle
        else:
            right = middle
    return next(short_numbers(min(right, wrong), max(right, wrong)))
