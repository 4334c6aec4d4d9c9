"""A prosecution: what follows a mismatch, to tell a wrong derivative from noise, jumps and steep places of f.

A mismatch alone proves nothing: f may be noisy beyond its last digit, jump, or rise between two samples of g. The
residual R(t) = f(t) - f(a) - (integral of g from a to t) tells them apart. An error of the derivative makes R a smooth
curve far above its noise, at every scale; noise makes R a cloud; a jump puts all of R into one spot; and rounding
inside f makes a staircase, whose slopes are wrong everywhere but do not add up.
"""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from autograd_mini.testing.discontinuities import PIECES, Finding, jittered, jump_in, staircase
from autograd_mini.testing.segment import Integral, examine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from autograd_mini.testing.line import Line

FRESH_PIECES, _SHARE = 23, 0.125
CONVICTING_RATIO = 12.0
CONCENTRATION = 0.6
DEEPEST = 9


def roughness(places: Sequence[float], curve: Sequence[float]) -> float:
    """Return the noise of a curve: how far points lie off the cubic through their four neighbours, as a deviation.

    The cubic takes the jitter of the places into account, and the median keeps a single step from counting as noise.

    >>> roughness([0, 1, 2.5, 3, 4, 5.5], [0, 1, 2.5, 3, 4, 5.5]) < 1e-14
    True
    """
    offs = []
    for i in range(2, len(places) - 2):
        around = (i - 2, i - 1, i + 1, i + 2)
        weights = [
            math.prod((places[i] - places[m]) / (places[j] - places[m]) for m in around if m != j) for j in around
        ]
        off = curve[i] - math.fsum(w * curve[j] for w, j in zip(weights, around, strict=True))
        offs.append(abs(off) / math.sqrt(1 + sum(w * w for w in weights)))
    return median(offs) / 0.6745


def is_a_step(curve: Sequence[float], i: int) -> bool:
    """Return whether a curve changes mostly between points i and i + 1, and stays changed on either side."""
    step = abs(curve[i + 1] - curve[i])
    left, right = curve[: i + 1], curve[i + 1 :]
    rest = max(left) - min(left) + max(right) - min(right)
    return step > CONCENTRATION * (step + rest)


class Prosecution:
    """The prosecution of one mismatch on one line."""

    def __init__(self, line: Line, rng: Random) -> None:
        """Prepare to examine ``line``, with ``rng`` to jitter the places."""
        self.line, self.rng = line, rng

    def of(self, a: float, b: float, excess: float, depth: int = 0) -> Finding:
        """Say what explains a mismatch of size ``excess`` on [a, b]."""
        line = self.line
        if depth > DEEPEST or b - a < 64 * line.ulp(b):
            return Finding("clear", a, b)
        integral = Integral(line, a, b, goal=abs(excess) / 40)
        if integral.broken:
            return Finding("broken", a, b)
        places = jittered(line, a, b, PIECES, self.rng)
        curve = integral.residuals(places)
        if not all(map(math.isfinite, curve)):
            return Finding("broken", a, b)
        explained = self.explained(integral, places)
        spread = max(curve) - min(curve)
        if spread <= explained + integral.error:
            return Finding("clear", a, b, explained)
        steps = [v - u for u, v in pairwise(curve)]
        worst = max(range(len(steps)), key=lambda i: abs(steps[i]))
        if is_a_step(curve, worst):
            return self.concentrated(integral, places[worst], places[worst + 1], steps[worst], depth)
        noise = max(roughness(places, curve), explained / 4)
        if spread > CONVICTING_RATIO * max(noise, integral.error / 4):
            return self.trial(places, curve, explained, depth)
        return self.cloud(integral, places, max(noise, spread / 4))

    def explained(self, integral: Integral, places: Sequence[float]) -> float:
        """Return the part of a residual that rounding explains."""
        line = self.line
        results = 2 * max(map(line.roundoff, places))
        arguments = 4 * line.problem.eps * max(line.sensitivity(line.snap(t)) for t in (places[0], places[-1]))
        mass = sum(panel.mass for panel in integral.panels)
        return results + arguments + 32 * 2.0**-52 * mass

    def concentrated(self, integral: Integral, a: float, b: float, size: float, depth: int) -> Finding:
        """Follow a residual that arises in one piece: to a jump, or to a narrower interval sampled afresh."""
        jump = jump_in(self.line, a, b, size)
        if jump is not None:
            return Finding("jump", jump, jump, abs(size))
        margin = (b - a) / 4
        a, b = max(integral.a, a - margin), min(integral.b, b + margin)
        return self.of(a, b, size, depth + 1)

    def trial(self, places: Sequence[float], curve: Sequence[float], explained: float, depth: int) -> Finding:
        """Convict the run of pieces that carry the residual, if f is no staircase and fresh pieces confirm."""
        a, b = self.run_of_bad_pieces(places, curve, explained)
        if sum(a <= t <= b for t in places) <= 3:
            i = places.index(a)
            step = max((v - u for u, v in zip(curve[i:], curve[i + 1 : i + 3], strict=False)), key=abs)
            jump = jump_in(self.line, a, b, step)
            if jump is not None:
                return Finding("jump", jump, jump, abs(step))
            margin = (b - a) / 4
            return self.of(max(places[0], a - margin), min(places[-1], b + margin), step, depth + 1)
        verdict = staircase(self.line, a, b, self.rng)
        if verdict is not None:
            return verdict
        run = slice(places.index(a), places.index(b) + 1)
        if self.is_made_of_jumps(places[run], curve[run]):
            return Finding("jump", a, b, max(curve) - min(curve))
        if self.confirmed(a, b):
            return Finding("wrong", a, b)
        if (a, b) != (places[0], places[-1]) and self.confirmed(places[0], places[-1]):
            return Finding("wrong", places[0], places[-1])
        return Finding("noise", a, b, max(curve) - min(curve))

    def is_made_of_jumps(self, places: Sequence[float], curve: Sequence[float]) -> bool:
        """Return whether two of the three largest steps of a residual are jumps of f, as those of floor are."""
        line, width = self.line, (places[-1] - places[0]) * 1e-4
        middle = places[len(places) // 2]
        window = jittered(line, middle, line.snap(middle + width), PIECES, self.rng)
        near = [line.value(t) for t in window]
        fuzz = roughness(window, near) if len(window) > 4 and all(map(math.isfinite, near)) else 0.0
        steps = [(v - u, i) for i, (u, v) in enumerate(pairwise(curve))]
        largest = sorted(steps, key=lambda step: -abs(step[0]))[:3]
        jumps = [
            jump_in(line, places[i], places[i + 1], step, _SHARE)
            for step, i in largest
            if abs(step) * _SHARE > 6 * fuzz
        ]
        return len([jump for jump in jumps if jump is not None]) >= 2 or self.is_right_nearby(places, curve)

    def is_right_nearby(self, places: Sequence[float], curve: Sequence[float]) -> bool:
        """Return whether g is right on short stretches between the places of a residual, its error thus in jumps."""
        a, width = places[0], places[-1] - places[0]
        usual = (max(curve) - min(curve)) / width
        found = []
        for share in (0.13, 0.31, 0.47, 0.68, 0.89):
            start = self.line.snap(a + share * width)
            stretch = examine(self.line, start, self.line.snap(start + 1e-6 * width), slice(3, None))
            length = stretch.b - stretch.a
            if stretch.state != "broken" and stretch.tolerance < usual * length / 50:
                found.append(abs(stretch.excess) / length)
        return len(found) >= 3 and median(found) < usual / 50

    def run_of_bad_pieces(
        self, places: Sequence[float], curve: Sequence[float], explained: float
    ) -> tuple[float, float]:
        """Return the longest run of neighbouring pieces whose slope error is not small against the largest."""
        slopes = [
            abs(curve[i + 1] - curve[i]) / (places[i + 1] - places[i])
            if abs(curve[i + 1] - curve[i]) > explained
            else 0.0
            for i in range(len(places) - 1)
        ]
        bar, best, start = max(slopes) / 20, (0, len(slopes)), None
        runs = []
        for i, slope in enumerate([*slopes, -1.0]):
            if slope > bar:
                start = i if start is None else start
            elif start is not None:
                runs.append((start, i))
                start = None
        if runs:
            best = max(runs, key=lambda run: run[1] - run[0])
        return places[best[0]], places[best[1]]

    def confirmed(self, a: float, b: float) -> bool:
        """Repeat the comparison on [a, b] with fresh pieces, every one sampled anew."""
        line = self.line
        places = jittered(line, a, b, FRESH_PIECES, self.rng)
        middle = places[len(places) // 2]
        first = examine(line, a, b)
        integral = Integral(line, a, middle, goal=abs(first.excess) / 60)
        rest = Integral(line, middle, b, goal=abs(first.excess) / 60)
        if integral.broken or rest.broken or len(places) < 8:
            return False
        left = integral.residuals([t for t in places if t <= middle])
        right = rest.residuals([t for t in places if t >= middle])
        curve = [*left, *(left[-1] + r for r in right[1:])]
        error = integral.error + rest.error
        if not all(map(math.isfinite, curve)) or any(is_a_step(curve, i) for i in range(len(curve) - 1)):
            return False
        noise = max(roughness(places, curve), self.explained(integral, places) / 4, error / 4)
        return max(curve) - min(curve) > CONVICTING_RATIO * noise

    def cloud(self, integral: Integral, places: Sequence[float], noise: float) -> Finding:
        """Tell noise from an error that oscillates too fast for sixteen pieces, by looking through smaller windows."""
        a, b = integral.a, integral.b
        line, width = self.line, b - a
        for _ in range(3):
            width /= 24
            if width < 256 * line.ulp(max(abs(a), abs(b))):
                break
            start = line.snap(a + self.rng.uniform(0.05, 0.9) * (b - a - width))
            window = jittered(line, start, line.snap(start + width), PIECES, self.rng)
            curve = integral.residuals(window)
            if not all(map(math.isfinite, curve)):
                return Finding("broken", a, b)
            explained = self.explained(integral, window)
            spread = max(curve) - min(curve)
            if spread <= 2 * explained + integral.error_between(window[0], window[-1]):
                break
            local = max(roughness(window, curve), explained / 4)
            steps = [abs(v - u) for u, v in pairwise(curve)]
            if spread > CONVICTING_RATIO * local and max(steps) < CONCENTRATION * spread:
                finding = self.trial(window, curve, explained, 0)
                if finding.kind == "wrong":
                    return finding
                break
        return Finding("noise", places[0], places[-1], noise)
