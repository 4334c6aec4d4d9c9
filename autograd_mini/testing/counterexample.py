"""A partial derivative, as claimed and as measured: the numbers of few digits at which it is wrong, and where else.

>>> next(short_numbers(0.87, 0.94))
0.9
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from autograd_mini.testing.finite_differences import Measured, measure
from autograd_mini.testing.line import Line, first_reach
from autograd_mini.testing.report import Counterexample
from autograd_mini.testing.segment import compare

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autograd_mini.testing.problem import Point, Problem
    from autograd_mini.testing.residuals import Classification

_CLEARLY = 20.0
"""Ratio of error to measurement error above which a claim counts as wrong."""
_ENOUGH, _ROUGHLY = 1e-9, 1e-5
"""Relative error of a measured derivative that needs no further differences, and where calls of f are scarce."""
_TRIES, _FEW_TRIES = 14, 2
"""Short numbers at which an error is looked for, and where calls of f are scarce."""
_SAMPLES_OF_REGION, _HALVINGS = 12, 10
"""Points that a region is sampled at, and bisections of each of its ends."""
SINGLE_PRECISION = 1e-10
"""Unit roundoff above which f computes in single precision."""
SAMPLES = 6
"""Points near a counterexample at which claims are compared."""
_MOST_SHORTENED = 6
"""Most inputs of which all are rounded to few digits."""


@dataclass(frozen=True, slots=True)
class LocalSample:
    """One point near the counterexample: all claims there, the measured partial, and how finely it is measured."""

    point: Point
    claims: Sequence[float]
    claim: float
    measured: float
    error: float
    value: float

    @property
    def relative_error(self) -> float:
        """How finely the partial is measured, relative to itself."""
        return self.error / abs(self.measured) if self.measured else math.inf

    @property
    def gap(self) -> float:
        """What the claim lacks."""
        return self.measured - self.claim

    def close(self, u: float, v: float) -> bool:
        """Return whether two numbers agree as far as the measurement tells."""
        return abs(u - v) <= 1e-6 * max(abs(u), abs(v)) + 4 * self.error


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


class Partial:
    """A partial derivative, as claimed and as measured from values of f, at any point."""

    def __init__(self, problem: Problem, axis: int, output: int) -> None:
        """Take the derivative of one output by one input."""
        self.problem, self.axis, self.output = problem, axis, output

    def line(self, point: Point) -> Line:
        """Return the line through a point along the input."""
        return Line(self.problem, point, axis=self.axis, output=self.output)

    def claimed(self, point: Point) -> float:
        """Return the claim at a point."""
        return float(self.problem.partials(point, self.output)[self.axis])

    def measured(self, point: Point, reach: float) -> Measured:
        """Return what values of f up to a distance say."""
        return measure(self.line(point), point[self.axis], reach, enough=_ROUGHLY if self.problem.scarce else _ENOUGH)

    def is_refuted(self, point: Point, reach: float) -> bool:
        """Return whether the claim differs clearly from what is measured."""
        found = self.measured(point, reach)
        return math.isfinite(found.error) and not abs(self.claimed(point) - found.value) <= _CLEARLY * found.error

    def sides(self, point: Point, reach: float) -> tuple[float, float] | None:
        """Return the slopes of f on either side of a point, the lower first; None where they do not differ."""
        line, x = self.line(point), point[self.axis]
        steps = 3 if self.problem.scarce else 5
        below, above = (measure(line, x, reach / 4, side, steps, _ENOUGH) for side in (-1, 1))
        low, high = sorted((below.value, above.value))
        return (low, high) if high - low > 10 * (above.error + below.error) else None

    def lies_between(self, point: Point, sides: tuple[float, float] | None) -> bool:
        """Return whether the claim lies between the slopes on either side."""
        low, high = sides or (math.nan, math.nan)
        slack = 1e-2 * (high - low)
        return low - slack <= self.claimed(point) <= high + slack

    def counterexample(self, line: Line, classification: Classification) -> Counterexample:
        """Return a counterexample for an error proved on a line, at numbers with as few digits as show it."""
        a, b = classification.a, classification.b
        if a == b:
            return self._at_a_point(line, a)
        width = b - a
        tries = _FEW_TRIES if self.problem.scarce else _TRIES
        for t in islice(short_numbers(a + width / 16, b - width / 16), tries):
            reach = min(t - a, b - t, first_reach(t))
            point = line.point(t)
            if self.is_refuted(point, reach) and not self.lies_between(point, sides := self.sides(point, reach)):
                point = self._shortened(point, reach)
                example = self._example(point, self.measured(point, reach), (a, b))
                example.slopes = sides
                return example
        segment, middle = compare(line, a, b), a + width / 2
        found = Measured(line.slope(middle) + segment.mismatch / width, segment.tolerance / width)
        return self._example(line.point(middle), found, (a, b))

    def samples(self, example: Counterexample) -> Iterator[LocalSample]:
        """Yield random points near a counterexample at which the derivative can be measured."""
        problem, axis = self.problem, self.axis
        a, b = example.interval
        for _ in range(2 * SAMPLES):
            spread = 0.5 * (len(example.point) <= _MOST_SHORTENED)
            point = [x + problem.rng.uniform(-spread, spread) * first_reach(x) for x in example.point]
            point[axis] = a + problem.rng.uniform(0.15, 0.85) * (b - a)
            at = tuple(map(problem.grid, point))
            reach = min(at[axis] - a, b - at[axis], first_reach(at[axis]))
            claims = problem.partials(at, self.output)
            measured = self.measured(at, reach)
            if measured.reliable and all(map(math.isfinite, claims)):
                value = problem.value(at, self.output)
                yield LocalSample(at, claims, claims[axis], measured.value, measured.error, value)

    def _at_a_point(self, line: Line, x: float) -> Counterexample:
        central, above, below = (measure(line, x, first_reach(x) / 4, side) for side in (0, 1, -1))
        best = next((m for m in (central, above, below) if m.reliable), central)
        found = self._example(line.point(x), best, (x, x))
        if abs(above.value - below.value) > 10 * (above.error + below.error):
            found.slopes = min(below.value, above.value), max(below.value, above.value)
        return found

    def _example(self, point: Point, found: Measured, interval: tuple[float, float]) -> Counterexample:
        names, output = self.problem.names, self.problem.output_name(self.output)
        return Counterexample(
            (*map(float, point),), names, self.axis, output, self.claimed(point), found.value, found.error, interval
        )

    def _shortened(self, point: Point, reach: float) -> Point:
        """Round the other coordinates as far as the claim stays wrong."""
        if len(point) > _MOST_SHORTENED or self.problem.scarce:
            return point
        for i, x in enumerate(point):
            if i == self.axis:
                continue
            for digits in (1, 2, 3):
                short = float(f"{x:.{digits - 1}e}")
                candidate = (*point[:i], short, *point[i + 1 :])
                if short == x:
                    break
                if self.is_refuted(candidate, reach):
                    point = candidate
                    break
        return point

    def is_right_elsewhere(self, example: Counterexample) -> Point | None:
        """Return a point further away, of another scale or sign, where the claim is right and f has a slope."""
        box = self.problem.box
        for scale in (0.1, 0.01, -0.1, 10.0, -1.0):
            point = tuple(self.problem.grid(scale * x) for x in example.point)
            if box and not all(x in interval for x, interval in zip(point, box, strict=True)):
                continue
            if self.is_right(point):
                return point
        return None

    def is_right(self, point: Point) -> bool:
        """Return whether the claim is right at a point, and f has a slope there that shows it."""
        found, claim = self.measured(point, first_reach(point[self.axis]) / 4), self.claimed(point)
        seen = claim != 0 and found.error <= 1e-9 * abs(found.value)
        return seen and abs(found.value - claim) <= 1e-9 * abs(claim) + 4 * found.error

    def is_wrong(self, example: Counterexample, t: float) -> bool | None:
        """Return whether the claim is wrong with the input in question moved to ``t``; None if f cannot tell."""
        point = self.line(example.point).point(t)
        if not math.isfinite(self.problem.value(point, self.output)):
            return None
        share = 64 if self.problem.eps < SINGLE_PRECISION else 4
        found = self.measured(point, first_reach(t) / share)
        if not found.reliable and found.error > 1e-3:
            return None
        relative = 1e-3 * abs(example.claimed - example.measured) / max(abs(example.measured), 1e-300)
        tolerance = 20 * found.error + min(relative, 1e-3) * abs(found.value)
        return not abs(self.claimed(point) - found.value) <= tolerance

    def region(self, example: Counterexample) -> tuple[str, bool]:
        """Describe where along its own input a claim is wrong, if that is a proper part of what was looked at.

        Returns:
            the description, and whether the claim is right elsewhere, and not only where f is flat.

        """
        x, name = example.point[self.axis], example.wrt
        if example.interval[0] == example.interval[1]:
            return f"only at {name} = {x!r}", False
        line, around = self.line(example.point), 3 * abs(x) + 1
        low, high = (line.low, line.high) if self.problem.box else (x - around, x + around)
        positions = [low + (high - low) * (i + 0.5) / _SAMPLES_OF_REGION for i in range(_SAMPLES_OF_REGION)]
        known = [(t, mark) for t in positions if (mark := self.is_wrong(example, t)) is not None]
        right = [t for t, mark in known if not mark]
        if not right:
            return ("wrong everywhere it was looked at" if len(known) > 3 else ""), False
        sloped = any(self.is_right(line.point(t)) for t in right)
        below, above = max((t for t in right if t < x), default=None), min((t for t in right if t > x), default=None)
        if any(mark and ((below is not None and t < below) or (above is not None and t > above)) for t, mark in known):
            return "", sloped
        start = None if below is None else self._border(example, below, x)
        end = None if above is None else self._border(example, above, x)
        if start is not None and end is not None:
            return f"wrong wherever {start!r} < {name} < {end!r}", sloped
        if end is not None:
            return f"wrong wherever {name} < {end!r}", sloped
        return f"wrong wherever {name} > {start!r}", sloped

    def _border(self, example: Counterexample, right: float, wrong: float) -> float:
        """Return a short number between a place where the claim is right and one where it is wrong."""
        for _ in range(_HALVINGS):
            middle = (right + wrong) / 2
            if self.is_wrong(example, middle):
                wrong = middle
            else:
                right = middle
        return next(short_numbers(min(right, wrong), max(right, wrong)))
