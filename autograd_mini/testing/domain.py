"""The check over a domain: lines across it, tiled, tiles split where the derivative is not resolved.

Bugs live beside constants, so the numbers that stand in the source of f and g are checked as points of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from autograd_mini.testing.discontinuities import Finding
from autograd_mini.testing.finite_differences import measure
from autograd_mini.testing.line import Line
from autograd_mini.testing.point import POOREST, TARGET, Outcome
from autograd_mini.testing.problem import BudgetSpentError
from autograd_mini.testing.residuals import Prosecution
from autograd_mini.testing.segment import examine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from random import Random

    from autograd_mini.testing.problem import Point, Problem

TILES = 16
DEEPEST_SPLIT = 24
SPLITS = 60
_ENDS_AND_MIDDLE = slice(1, None, 2)


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

    >>> logspan(1e-6, 1e6).at(0.5)
    1.0
    """
    return Interval(float(low), float(high), log=True)


def edges(interval: Interval, tiles: int, rng: Random) -> list[float]:
    """Return the borders of the tiles of an interval: at random jitter, denser by magnitude where it spans decades."""
    shares = [0.0, *((i + rng.uniform(-0.2, 0.2)) / tiles for i in range(1, tiles)), 1.0]
    wide = not interval.log and interval.low * interval.high > 0
    if wide:
        small, large = sorted((abs(interval.low), abs(interval.high)))
        if large > 1e3 * small:
            interval = Interval(interval.low, interval.high, log=True)
    places = [interval.at(s) for s in shares]
    if interval.low < 0 < interval.high:
        places.append(0.0)
    return sorted(set(places))


@dataclass(slots=True)
class LineScan:
    """What was found along one line: how much of it is verified, and how finely."""

    line: Line
    rng: Random
    verified: float = 0.0
    total: float = 0.0
    resolution: float = 0.0
    noise: float = 0.0
    finding: Finding | None = None
    splits: int = 0
    cut: float = 0.0

    def run(self, borders: Sequence[float]) -> None:
        """Examine every tile, splitting those that are not resolved."""
        jobs = [(a, b, 0, 1.0) for a, b in pairwise(borders)]
        self.total = float(len(jobs))
        jobs.reverse()
        while jobs and self.finding is None:
            a, b, depth, weight = jobs.pop()
            self.cut = a + (b - a) / 2
            state = self.tile(a, b)
            if state == "verified":
                self.verified += weight
            elif state == "split" and depth < DEEPEST_SPLIT and self.splits < SPLITS:
                ulp = self.line.ulp(max(abs(a), abs(b)))
                gap = 4 * ulp if self.cut != a + (b - a) / 2 else 0.0
                self.splits += 1
                for low, high in ((self.cut + gap, b), (a, self.cut - gap)):
                    if high - low > 64 * ulp:
                        jobs.append((low, high, depth + 1, weight * (high - low) / (b - a)))

    def tile(self, a: float, b: float) -> str:
        """Examine one tile; return "verified", "split", or "done" where there is nothing more to do."""
        segment = examine(self.line, a, b, _ENDS_AND_MIDDLE)
        if segment.state == "broken":
            if any(map(math.isfinite, segment.slopes)):
                return "split"
            self.finding = self.missing_slope(a, b)
            return "done"
        fine = segment.quadrature <= 1e-2 * max(segment.mass, abs(segment.excess))
        if segment.state == "mismatch" and abs(segment.excess) > self.noise and fine:
            finding = Prosecution(self.line, self.rng).of(segment.a, segment.b, segment.excess)
            if finding.kind == "wrong":
                self.finding = finding
                return "done"
            if finding.kind == "jump" and a < finding.a < b:
                self.cut = finding.a
            if finding.kind not in ("noise", "staircase"):
                return "split"
            self.noise = max(self.noise, finding.size)
        noise = self.noise if segment.state == "mismatch" else 0.0
        if segment.quadrature > TARGET * segment.mass + segment.rounding + noise:
            return "split"
        if segment.mass > 4 * segment.rounding or noise:
            resolution = (segment.tolerance + noise) / segment.mass if segment.mass else math.inf
            if resolution > POOREST:
                return "done"
            self.resolution = max(self.resolution, resolution)
        return "verified"

    def missing_slope(self, a: float, b: float) -> Finding | None:
        """Convict a gradient that is a number nowhere on a tile in the middle of which f has a slope."""
        middle = self.line.snap(a + (b - a) / 2)
        found = measure(self.line, middle, (b - a) / 4)
        return (
            Finding("wrong", middle, middle) if found.reliable and not found.error > 1e-6 * abs(found.value) else None
        )


def scan_lines(
    problem: Problem, domain: Sequence[Interval], output: int, rng: Random, bases: int
) -> Iterator[tuple[Line, list[float]]]:
    """Yield lines across a box with the borders of their tiles: along the axes, or between random corners of it."""
    for _ in range(bases if len(domain) > 1 else 1):
        base = random_point(problem, domain, output, rng)
        if len(domain) <= 4:
            for axis, interval in enumerate(domain):
                yield Line(problem, base, axis=axis, output=output), edges(interval, TILES, rng)
            continue
        other = random_point(problem, domain, output, rng)
        direction = [v - u for u, v in zip(base, other, strict=True)]
        yield Line(problem, base, direction=direction, output=output), edges(Interval(0.0, 1.0), TILES, rng)


def random_point(problem: Problem, domain: Sequence[Interval], output: int, rng: Random) -> Point:
    """Return a point of the domain where f is finite, if a few attempts find one."""
    point: Point = ()
    for _ in range(10):
        point = tuple(interval.at(rng.random()) for interval in domain)
        if problem.grid:
            point = tuple(map(problem.grid, point))
        if math.isfinite(problem.value(point, output)):
            break
    return point


def scan(line: Line, borders: Sequence[float], rng: Random) -> Outcome:
    """Check one line over its tiles; ``note`` holds why, where it stays unresolved."""
    result = LineScan(line, rng)
    note = ""
    try:
        result.run(borders)
    except BudgetSpentError:
        note = "the budget of calls is spent"
    if result.finding is not None:
        return Outcome("wrong", result.resolution, result.finding, line)
    share = result.verified / result.total if result.total else 0.0
    outcome = Outcome("correct" if share > 0.5 and not note else "unresolved", result.resolution, None, line, note)
    outcome.coverage = share
    return outcome


def special_points(domain: Sequence[Interval], constants: Iterable[float], rng: Random, most: int = 6) -> list[Point]:
    """Return points of the domain beside which bugs live: zero, and the constants in the source of f and g."""
    order = sorted(set(constants), key=lambda c: (c != 0.0, abs(c)))
    return [
        tuple(constant if constant in interval else interval.at(rng.random()) for interval in domain)
        for constant in order
        if any(constant in interval for interval in domain)
    ][:most]
