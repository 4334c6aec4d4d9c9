"""A domain: an interval for each input, and the check of lines across it, in tiles that are split until resolved."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from autograd_mini.testing.arguments import Arguments, as_values
from autograd_mini.testing.finite_differences import measure
from autograd_mini.testing.libraries import leaves
from autograd_mini.testing.line import Interval, Line
from autograd_mini.testing.point import COARSE, GOOD, POOREST, TARGET, Outcome
from autograd_mini.testing.problem import BudgetSpentError, why_stopped
from autograd_mini.testing.residuals import Classification, classify
from autograd_mini.testing.segment import announce, compare
from autograd_mini.testing.signatures import arity, names_of, takes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random

    from autograd_mini.testing.problem import Callee, Point

TILES = 16
"""Tiles of a line before any is split."""
DEEPEST_SPLIT, SPLITS, REFINEMENTS = 24, 60, 8
"""Most nested splits of the tiles of a line, most splits, and most of those of tiles that are good without."""
_ENDS_AND_MIDDLE = slice(1, None, 2)
"""Checkpoints of a segment at which f is compared on a tile."""


def tiles(interval: Interval, rng: Random, count: int = TILES) -> list[float]:
    """Return the borders of the tiles of an interval: at random jitter, denser by magnitude where it spans decades."""
    shares = [0.0, *((i + rng.uniform(-0.2, 0.2)) / count for i in range(1, count)), 1.0]
    small, large = sorted((abs(interval.low), abs(interval.high)))
    wide = interval.low * interval.high > 0 and large > 1e3 * small
    positions = map((replace(interval, log=True) if wide else interval).at, shares)
    return sorted({*positions, *([0.0] if 0.0 in interval else [])})


def intervals(f: Callable[..., Any], domain: Any, seed: int) -> tuple[list[Interval], list[Point]]:
    """Return one interval an input, and the points that strategies among the entries have drawn."""
    if isinstance(domain, dict):
        names = names_of(f, len(domain))
        if set(names) != set(domain):
            raise ValueError(f"domain names {', '.join(map(str, domain))}, expected {', '.join(names)}")
        domain = [domain[name] for name in names]
    elif isinstance(domain, Interval) or (
        isinstance(domain, tuple) and all(isinstance(v, (int, float)) for v in domain)
    ):
        domain = [domain]
    elif not isinstance(domain, (list, tuple)):
        raise TypeError(f"domain is {domain!r}, expected a dict by name, or a list with one entry an input")
    ranges, drawn = zip(*(_interval(entry, seed) for entry in domain), strict=True) if domain else ((), ())
    points = [
        tuple(d[i % len(d)] if d else r.at(0.5) for r, d in zip(ranges, drawn, strict=True))
        for i in range(max(map(len, drawn), default=0))
    ]
    return list(ranges), points


def intervals_of(arguments: Arguments, domain: Any, seed: int) -> tuple[list[Interval], list[Point]]:
    """Return one interval for each number of an example, of a domain in its shape, or with one for a part of it."""
    leaves_, names = arguments.leaves, [leaf.name.partition("[")[0] for leaf in arguments.leaves]
    if isinstance(domain, dict):
        if not {*domain} >= {*names}:
            raise ValueError(f"domain names {', '.join(map(str, domain))}, expected {', '.join(dict.fromkeys(names))}")
        entries = [domain[name] for name in names]
    elif _is_entry(domain):
        entries = [domain] * len(leaves_)
    else:
        entries = [domain] if len(leaves_) == 1 else [*domain]
        if len(entries) != len(leaves_):
            raise ValueError(
                f"domain has {len(entries)} entries, expected {len(leaves_)}: one for each of {', '.join(names)}"
            )
    spread: list[Any] = []
    for leaf, entry in zip(leaves_, entries, strict=True):
        count = leaf.entries * (1 + leaf.complex)
        inner = [entry] * count if _is_entry(entry) else [*_entries(entry)]
        if len(inner) == 1:
            inner *= count
        if len(inner) != count:
            raise ValueError(f"domain has {len(inner)} intervals for {leaf.name}, expected {count}, or one for all")
        spread += inner
    ranges = {id(entry): _interval(entry, seed)[0] for entry in spread}
    return [ranges[id(entry)] for entry in spread], []


def _is_entry(part: Any) -> bool:
    """Return whether a part of a domain is one interval, or what stands for one."""
    if isinstance(part, (list, tuple)):
        return len(part) == 2 and all(isinstance(v, (int, float)) for v in part)
    return not isinstance(part, dict)


def _entries(part: Any) -> Iterator[Any]:
    """Yield the intervals of a nested domain."""
    if _is_entry(part):
        yield part
    else:
        for inner in part.values() if isinstance(part, dict) else part:
            yield from _entries(inner)


def example_within(f: Callable[..., Any], middle: Point, *, batched: bool = False) -> Any:
    """Return the middle of a box as ``f`` takes it: as numbers apart, or else as one list, or else as an array."""
    apart = len(middle) == 1 or takes(f, len(middle))
    attempts: list[tuple[Any, tuple[Any, ...]]] = [((*middle,), (*middle,))] if apart else []
    if arity(f) <= 1:
        if not batched:
            attempts.append(([*middle], ([*middle],)))
        if "numpy" in sys.modules:
            array = sys.modules["numpy"].array(middle)
            attempts.append((array, (array,)))
    for example, args in attempts:
        forms = [Arguments(f, example).together([middle])] if batched else [args, as_values(args)]
        for form in forms:
            try:
                f(*form)
            except (TypeError, AttributeError, IndexError):
                continue
            except Exception:  # noqa: BLE001, S110 - of the numbers, not of what they stand in
                pass
            return example
    return attempts[0][0]


def _interval(entry: Any, seed: int) -> tuple[Interval, list[float]]:
    """Return the range of an entry of a domain, and numbers that it has drawn if it is a strategy."""
    if isinstance(entry, Interval):
        return entry, []
    if hasattr(entry, "example") and hasattr(entry, "map"):
        draws = sorted(set(_draws(entry, seed)))
        if len(draws) < 2:
            raise ValueError(f"domain entry is {entry!r}, expected a strategy of more than one finite number")
        return Interval(draws[0], draws[-1]), draws[:: max(1, len(draws) // 8)]
    try:
        low, high = map(float, entry)
    except (TypeError, ValueError):
        raise TypeError(f"domain entry is {entry!r}, expected (low, high), logspan(low, high) or a strategy") from None
    return Interval(low, high), []


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


def announce_tiles(scans: Sequence[tuple[Line, Sequence[float]]]) -> None:
    """Evaluate together what scans of lines between the borders of tiles begin with, where f or df take batches."""
    announce([(line, a, b) for line, borders in scans for a, b in pairwise(borders)], _ENDS_AND_MIDDLE)


@dataclass(slots=True)
class Tile:
    """A stretch of a line over which f and g are compared: its size in first ones, and what is known of it."""

    a: float
    b: float
    depth: int = 0
    weight: float = 1.0
    resolution: float = math.inf
    state: str = "split"
    error: float = 1.0
    cut: float | None = None

    def halves(self, ulp: float) -> list[Tile]:
        """Return the parts on both sides of the cut, or of the middle, that are wide enough."""
        middle, gap = (self.a + (self.b - self.a) / 2, 0.0) if self.cut is None else (self.cut, 4 * ulp)
        return [
            Tile(a, b, self.depth + 1, self.weight * (b - a) / (self.b - self.a), self.resolution)
            for a, b in ((self.a, middle - gap), (middle + gap, self.b))
            if b - a > 64 * ulp
        ]


class LineScan:
    """The check of one line over its tiles: how much of it is verified, and how finely."""

    def __init__(self, line: Line) -> None:
        """Prepare to scan ``line``."""
        self.line = line
        self.resolution = self.noise = self.accuracy = 0.0
        self.classification: Classification | None = None

    def run(self, borders: Sequence[float], share: float = 1.0) -> Outcome:
        """Compare over the tiles between borders; split none when a share of the calls that are left is spent."""
        note, verified, problem = "", 0.0, self.line.problem
        try:
            for size in self.cover(borders, [(c, c.points + share * c.left) for c in (problem.f, problem.df)]):
                verified += size
        except (BudgetSpentError, ArithmeticError) as error:
            note = why_stopped(error)
        if self.classification is not None:
            return Outcome("wrong", self.resolution, self.classification, self.line)
        coverage = verified / (len(borders) - 1)
        verdict = "correct" if coverage > 0.5 and not note else "unresolved"
        return Outcome(verdict, self.resolution, None, self.line, note, coverage)

    def cover(self, borders: Sequence[float], most: Sequence[tuple[Callee[Any], float]]) -> Iterator[float]:
        """Yield the size of each tile that is verified, in units of the first ones; split the least resolved first.

        Where there are more kinks than splits, each gets some: their tiles are verified coarsely, rather than a few
        finely and the others not at all.
        """
        new, waiting = [Tile(a, b) for a, b in pairwise(borders)], list[Tile]()
        left = {"split": SPLITS, "good": REFINEMENTS, "done": 0}
        while new or waiting:
            for tile in new:
                tile.state, tile.error, resolution = self.compare(tile)
                tile.resolution = min(tile.resolution, resolution)
                if self.classification is not None:
                    return
            waiting = sorted(waiting + new, key=lambda tile: tile.error * tile.weight)
            tile, new = waiting.pop(), []
            if any(callee.points > points for callee, points in most):
                left = dict.fromkeys(left, 0)
            if left[tile.state] and tile.depth < DEEPEST_SPLIT:
                left[tile.state] -= 1
                new = tile.halves(self.line.ulp(max(abs(tile.a), abs(tile.b))))
            elif tile.resolution <= POOREST:
                self.resolution = max(self.resolution, tile.resolution)
                yield tile.weight

    def compare(self, tile: Tile) -> tuple[str, float, float]:
        """Compare over a tile; return "split", "good" (to split if that is cheap) or "done", its error and resolution.

        The resolution is infinite where nothing is verified, and 0 where f does not show any.
        """
        segment = compare(self.line, tile.a, tile.b, _ENDS_AND_MIDDLE)
        if segment.state == "broken":
            if any(map(math.isfinite, segment.slopes)):
                return "split", 1.0, math.inf
            self.classification = self.missing_slope(tile.a, tile.b)
            return "done", 0.0, math.inf
        fine = segment.quadrature <= 1e-2 * max(segment.l1_norm, abs(segment.mismatch))
        noise = max(self.noise, self.accuracy * segment.scale)
        if segment.state == "mismatch" and abs(segment.mismatch) > noise and fine:
            classification = classify(self.line, segment.a, segment.b, segment.mismatch)
            if classification.kind == "wrong":
                self.classification = classification
                return "done", 0.0, math.inf
            if classification.kind == "jump" and tile.a < classification.a < tile.b:
                tile.cut = classification.a
            if classification.kind == "approximation":
                self.accuracy = max(self.accuracy, 2 * classification.size / segment.scale)
            elif classification.kind in ("noise", "staircase"):
                self.noise = max(self.noise, classification.size)
            else:
                return "split", 1.0, math.inf
            noise = max(self.noise, self.accuracy * segment.scale)
        if segment.state != "mismatch":
            noise = 0.0
        unseen, resolution, l1_norm = segment.rounding + noise, 0.0, segment.l1_norm
        if l1_norm > 4 * segment.rounding or noise:
            resolution = (segment.tolerance + noise) / l1_norm if l1_norm else math.inf
        bars = {"split": GOOD, "good": TARGET}
        state = next((name for name, bar in bars.items() if segment.quadrature > bar * l1_norm + unseen), "done")
        if state == "good" and segment.smooth:
            state = "done"
        if segment.quadrature > COARSE * l1_norm + unseen:
            resolution = math.inf
        return state, min(1.0, segment.quadrature / (l1_norm or math.inf)), resolution

    def missing_slope(self, a: float, b: float) -> Classification | None:
        """Report a gradient that is a number nowhere on a tile in the middle of which f has a slope."""
        middle = self.line.snap(a + (b - a) / 2)
        found = measure(self.line, middle, (b - a) / 4)
        usual = abs(self.line.value(middle)) / (b - a)
        small = found.error <= 1e-6 * max(abs(found.value), usual) + 1e-300
        return Classification("wrong", middle, middle) if small else None
