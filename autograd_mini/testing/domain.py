"""A domain: an interval for each input, and the check of lines across it, in tiles that are split until resolved.

Mistakes are frequent beside constants, so the constants in the source of f and df are checked as points of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from autograd_mini.testing.adapters import leaves, names_of
from autograd_mini.testing.discontinuities import Classification
from autograd_mini.testing.finite_differences import measure
from autograd_mini.testing.point import POOREST, TARGET, Outcome
from autograd_mini.testing.problem import BEYOND_FLOATS, BudgetSpentError, Line
from autograd_mini.testing.residuals import ResidualClassifier
from autograd_mini.testing.segment import compare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from random import Random

    from autograd_mini.testing.problem import Point, Problem

TILES = 16
"""Tiles of a line before any is split."""
DEEPEST_SPLIT, SPLITS = 24, 60
"""Most nested and most splits of the tiles of a line."""
_ENDS_AND_MIDDLE = slice(1, None, 2)
"""Checkpoints of a segment at which f is compared on a tile."""


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


def intervals(f: Callable[..., Any], domain: Any, seed: int) -> tuple[list[Interval], list[Point]]:
    """Return one interval an input, and the points that strategies among the entries have drawn."""
    if isinstance(domain, dict):
        names = names_of(f, len(domain), one_argument=False)
        if set(names) != set(domain):
            raise ValueError(f"domain names {', '.join(map(str, domain))}, expected {', '.join(names)}")
        entries = [domain[name] for name in names]
    elif isinstance(domain, Interval) or (
        isinstance(domain, tuple) and all(isinstance(v, (int, float)) for v in domain)
    ):
        entries = [domain]
    elif isinstance(domain, (list, tuple)):
        entries = list(domain)
    else:
        raise TypeError(f"domain is {domain!r}, expected a dict by name, or a list with one entry an input")
    ranges, drawn = [], []
    for entry in entries:
        interval, draws = _interval(entry, seed)
        ranges.append(interval)
        drawn.append(draws)
    count = max(map(len, drawn), default=0)
    points = [
        tuple(d[i % len(d)] if d else r.at(0.5) for r, d in zip(ranges, drawn, strict=True)) for i in range(count)
    ]
    return ranges, points


def _interval(entry: Any, seed: int) -> tuple[Interval, list[float]]:
    if isinstance(entry, Interval):
        return entry, []
    if hasattr(entry, "example") and hasattr(entry, "map"):
        draws = sorted(set(_draws(entry, seed)))
        if len(draws) < 2:
            raise ValueError(f"domain entry {entry!r} draws fewer than two different finite numbers")
        return Interval(draws[0], draws[-1]), draws[:: max(1, len(draws) // 8)]
    try:
        low, high = entry
        return Interval(float(low), float(high)), []
    except (TypeError, ValueError) as error:
        if "domain is" in str(error):
            raise
        raise TypeError(f"domain entry is {entry!r}, expected (low, high), logspan(low, high) or a strategy") from None


def _draws(strategy: Any, seed: int) -> list[float]:
    import hypothesis

    found: list[float] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        database=None, max_examples=60, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    @hypothesis.given(strategy)
    def collect(drawn: Any) -> None:
        found.extend(number for number in leaves(drawn, "the strategy") if math.isfinite(number))

    collect()
    return found


def edges(interval: Interval, tiles: int, rng: Random) -> list[float]:
    """Return the borders of the tiles of an interval: at random jitter, denser by magnitude where it spans decades."""
    shares = [0.0, *((i + rng.uniform(-0.2, 0.2)) / tiles for i in range(1, tiles)), 1.0]
    wide = not interval.log and interval.low * interval.high > 0
    if wide:
        small, large = sorted((abs(interval.low), abs(interval.high)))
        if large > 1e3 * small:
            interval = Interval(interval.low, interval.high, log=True)
    positions = [interval.at(s) for s in shares]
    if interval.low < 0 < interval.high:
        positions.append(0.0)
    return sorted(set(positions))


@dataclass(slots=True)
class LineScan:
    """What was found along one line: how much of it is verified, and how finely."""

    line: Line
    rng: Random
    verified: float = 0.0
    total: float = 0.0
    resolution: float = 0.0
    noise: float = 0.0
    accuracy: float = 0.0
    classification: Classification | None = None
    splits: int = 0
    cut: float = 0.0

    def run(self, borders: Sequence[float]) -> None:
        """Compare over every tile, splitting those that are not resolved."""
        jobs = [(a, b, 0, 1.0) for a, b in pairwise(borders)]
        self.total = float(len(jobs))
        jobs.reverse()
        while jobs and self.classification is None:
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
        """Compare over one tile; return "verified", "split", or "done" where there is nothing more to do."""
        segment = compare(self.line, a, b, _ENDS_AND_MIDDLE)
        if segment.state == "broken":
            if any(map(math.isfinite, segment.slopes)):
                return "split"
            self.classification = self.missing_slope(a, b)
            return "done"
        fine = segment.quadrature <= 1e-2 * max(segment.l1_norm, abs(segment.mismatch))
        noise = max(self.noise, self.accuracy * segment.scale)
        if segment.state == "mismatch" and abs(segment.mismatch) > noise and fine:
            classification = ResidualClassifier(self.line, self.rng).classify(segment.a, segment.b, segment.mismatch)
            if classification.kind == "wrong":
                self.classification = classification
                return "done"
            if classification.kind == "jump" and a < classification.a < b:
                self.cut = classification.a
            if classification.kind == "approximation":
                self.accuracy = max(self.accuracy, 2 * classification.size / segment.scale)
            elif classification.kind in ("noise", "staircase"):
                self.noise = max(self.noise, classification.size)
            else:
                return "split"
            noise = max(self.noise, self.accuracy * segment.scale)
        if segment.state != "mismatch":
            noise = 0.0
        if segment.quadrature > TARGET * segment.l1_norm + segment.rounding + noise:
            return "split"
        if segment.l1_norm > 4 * segment.rounding or noise:
            resolution = (segment.tolerance + noise) / segment.l1_norm if segment.l1_norm else math.inf
            if resolution > POOREST:
                return "done"
            self.resolution = max(self.resolution, resolution)
        return "verified"

    def missing_slope(self, a: float, b: float) -> Classification | None:
        """Report a gradient that is a number nowhere on a tile in the middle of which f has a slope."""
        middle = self.line.snap(a + (b - a) / 2)
        found = measure(self.line, middle, (b - a) / 4)
        usual = abs(self.line.value(middle)) / (b - a)
        small = found.error <= 1e-6 * max(abs(found.value), usual) + 1e-300
        return Classification("wrong", middle, middle) if small else None


def scan_lines(
    problem: Problem, domain: Sequence[Interval], output: int, rng: Random, bases: int
) -> Iterator[tuple[Line, list[float]]]:
    """Yield lines across a box with the borders of their tiles: along the axes, or between random corners of it."""
    for _ in range(bases if len(domain) > 1 else 1):
        base = random_point(problem, domain, output, rng)
        if len(domain) <= 4:
            for axis, interval in enumerate(domain):
                line = Line(problem, base, axis=axis, output=output, low=interval.low, high=interval.high)
                yield line, edges(interval, TILES, rng)
            continue
        other = random_point(problem, domain, output, rng)
        direction = [v - u for u, v in zip(base, other, strict=True)]
        line = Line(problem, base, direction=direction, output=output, low=0.0, high=1.0)
        yield line, edges(Interval(0.0, 1.0), TILES, rng)


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
    except ArithmeticError:
        note = BEYOND_FLOATS
    if result.classification is not None:
        return Outcome("wrong", result.resolution, result.classification, line)
    share = result.verified / result.total if result.total else 0.0
    outcome = Outcome("correct" if share > 0.5 and not note else "unresolved", result.resolution, None, line, note)
    outcome.coverage = share
    return outcome


def special_points(domain: Sequence[Interval], constants: Iterable[float], rng: Random, most: int = 6) -> list[Point]:
    """Return points of the domain beside which mistakes are frequent: zero, and constants of the source."""
    order = sorted(set(constants), key=lambda c: (c != 0.0, abs(c)))
    return [
        tuple(constant if constant in interval else interval.at(rng.random()) for interval in domain)
        for constant in order
        if any(constant in interval for interval in domain)
    ][:most]
