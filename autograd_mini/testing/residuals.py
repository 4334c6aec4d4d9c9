"""A residual: the curve R(t) = f(t) - f(a) - (integral of g from a to t), which says what a mismatch is due to.

A mismatch alone proves nothing: f may be noisy beyond its last digit, jump, or rise between two samples of g. The
residual tells these apart. An error of the derivative makes R a smooth curve far above its noise, at every scale; noise
makes R a cloud; a jump puts all of R into one spot; and rounding inside f makes a staircase, whose slopes are wrong
everywhere but do not add up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median
from typing import TYPE_CHECKING

from autograd_mini.testing.finite_differences import find_jump, jittered_grid, staircase
from autograd_mini.testing.problem import total
from autograd_mini.testing.segment import Integral, coefficients, compare, integral_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.testing.line import Line

FRESH_PIECES = 23
"""Pieces of the second sample that has to confirm an error."""
SMALL_JUMP = 0.125
"""Smallest share of a step of the residual that a jump of f has to explain."""
SIGNAL_TO_NOISE = 12.0
"""Ratio of range to noise above which a residual is an error."""
STEP_SHARE = 0.6
"""Share of the range of a residual above which one piece of it is a step."""
DEEPEST = 9
"""Most nested refinements of a step."""
ACCURACY, TAIL_ACCURACY = 4e-10, 1e-12
"""Errors of f that numerical libraries accept: relative to f, and in a tail relative to the range of f around it. The
second is also the smallest relative error of a derivative that counts as a mistake."""
WIDE = 2.0
"""How far from an interval the range of f is looked for, in units of the size of the numbers there."""
FEW_STEPS = 8
"""Most quanta that rounding moves a quantised f by, and most times that it moves f more than between neighbours."""
PLAIN_PIECES, PLAINLY, APPROXIMATE, RESOLVED = 9, 1e-5, 1e-7, 100.0
"""Pieces of a segment that show whether a residual is smooth; and its size against what f moves by, against f, and
against its tolerance, from which on a few calls are enough."""
NEIGHBOURS = 2.0**24
"""Distance of neighbours, in spacings of parameters."""


@dataclass(frozen=True, slots=True)
class Classification:
    """What explains a mismatch.

    ``kind`` is "wrong" (proved, on [a, b]), "noise" (R is a cloud of size ``size``), "approximation" (an error of
    ``size`` that f may as well have), "jump" (f jumps at ``a``), "clear" (nothing remains on closer inspection),
    "staircase" (f itself is quantised) or "broken" (not finite).
    """

    kind: str
    a: float
    b: float
    size: float = 0.0


def roughness(positions: Sequence[float], curve: Sequence[float]) -> float:
    """Return the noise of a curve: how far points lie off the cubic through their four neighbours, as a deviation.

    The cubic takes the jitter of the positions into account, and the median keeps a single step from counting as noise.

    >>> roughness([0, 1, 2.5, 3, 4, 5.5], [0, 1, 2.5, 3, 4, 5.5]) < 1e-14
    True
    """
    offs = []
    for i in range(2, len(positions) - 2):
        around = (i - 2, i - 1, i + 1, i + 2)
        weights = [
            math.prod((positions[i] - positions[m]) / (positions[j] - positions[m]) for m in around if m != j)
            for j in around
        ]
        off = curve[i] - total(w * curve[j] for w, j in zip(weights, around, strict=True))
        offs.append(abs(off) / math.sqrt(1 + sum(w * w for w in weights)))
    return median(offs) / 0.6745


def quantum_of(values: Sequence[float]) -> float:
    """Return the quantum of values that are all multiples of one apart, go up and down, and repeat; or 0.

    Such an f is what rounding leaves of terms that cancel, as of sin(x)**2 + cos(x)**2 - 1.

    >>> quantum_of([0.0, 0.25, 0.0, -0.25, 0.5, 0.25, 0.0, 0.25])
    0.25
    """
    levels = sorted(set(values))
    if len(levels) < 2 or 2 * len(levels) > len(values):
        return 0.0
    quantum = min(v - u for u, v in pairwise(levels))
    steps = [v - u for u, v in pairwise(values) if v != u]
    turns = sum(u * v < 0 for u, v in pairwise(steps))
    counts = [(v - levels[0]) / quantum for v in levels]
    even = counts[-1] < 64 * len(levels) and all(abs(round(count) - count) < 1e-6 for count in counts)
    return quantum if even and turns > 1 else 0.0


def plainly_wrong(line: Line, a: float, b: float) -> tuple[float, float] | None:
    """Return where on [a, b] the claim is wrong by far, at few calls of f, of which a smooth residual tells; or None.

    What f does between neighbours, ever nearer ones, has to say the same: it is no jump then, and no staircase.
    """
    segment = compare(line, a, b)
    positions = jittered_grid(line, a, b, PLAIN_PIECES)
    if segment.state == "broken" or len(positions) <= PLAIN_PIECES:
        return None
    values, half, series = line.values(positions), (b - a) / 2, coefficients(segment.slopes)
    curve = [
        v - values[0] - half * integral_to((t - a) / half - 1, series) for t, v in zip(positions, values, strict=True)
    ]
    if not all(map(math.isfinite, curve)):
        return None
    spread = max(curve) - min(curve)
    extent = max(values) - min(values)
    few = len(set(values)) <= PLAIN_PIECES // 2
    # What is small beside f may be an approximation of f, unless it is not small beside what f moves by.
    bar = PLAINLY * (segment.l1_norm + extent)
    bar = max(bar / 10, min(bar, APPROXIMATE * segment.scale))
    if few or spread < max(bar, RESOLVED * segment.tolerance):
        return None
    if roughness(positions, curve) > 1e-2 * spread or any(is_a_step(curve, i) for i in range(PLAIN_PIECES)):
        return None
    slopes = [(v - u) / (t - s) for (s, u), (t, v) in pairwise(zip(positions, curve, strict=True))]
    largest = max(range(PLAIN_PIECES), key=lambda i: abs(slopes[i]))
    usual, carrying = abs(slopes[largest]), 0
    for piece, share in ((1, 1e-3), (PLAIN_PIECES // 2, 1e-5), (PLAIN_PIECES - 2, 1e-6), (largest, 1e-7)):
        t = line.snap(positions[piece] + 0.4 * (positions[piece + 1] - positions[piece]))
        low, high = line.snap(t - share * (b - a)), line.snap(t + share * (b - a))
        near = [slopes[i] for i in (piece - 1, piece, piece + 1) if 0 <= i < PLAIN_PIECES]
        slack = 0.2 * usual
        if not high - low > 64 * line.ulp(t) or 4 * line.roundoff(t) > slack * (high - low):
            return None
        error = (line.value(high) - line.value(low)) / (high - low) - line.slope(t)
        if not min(near) - slack <= error <= max(near) + slack:
            return None
        carrying += abs(error) > slack
    return longest_wrong_run(positions, curve, segment.tolerance) if carrying > 1 else None


def residue(line: Line, a: float, b: float, mismatch: float) -> float:
    """Return by how much f moves on [a, b] if it moves as much between neighbours, and the mismatch is no larger; or 0.

    That is what rounding leaves of terms that cancel: f is constant, and its derivative 0, but for rounding.
    """
    width = min(NEIGHBOURS * line.ulp(max(abs(a), abs(b))), 1e-4 * (b - a))
    far = line.values((a, line.snap(a + (b - a) / 2), b))
    known: list[float] = []
    ranges: list[float] = []
    for share in (0.3, 0.62, 0.87):
        t = a + share * (b - a)
        near = line.values([line.snap(t + k * width) for k in (0.0, 0.13, 0.41, 1.0)])
        known += near
        if not all(map(math.isfinite, known + far)):
            return 0.0
        ranges.append(max(near) - min(near))
        most = max(max(known + far) - min(known + far), mismatch)
        if len(ranges) > 1 and max(ranges) * FEW_STEPS**2 < most:
            return 0.0
    noise = max(ranges)
    return most if most <= FEW_STEPS * min(noise, FEW_STEPS * median(ranges)) else 0.0


def is_a_step(curve: Sequence[float], i: int) -> bool:
    """Return whether a curve changes mostly between points i and i + 1, and little on either side."""
    step = abs(curve[i + 1] - curve[i])
    left, right = curve[: i + 1], curve[i + 1 :]
    rest = max(left) - min(left) + max(right) - min(right)
    return step > STEP_SHARE * (step + rest)


def classify(line: Line, a: float, b: float, mismatch: float, depth: int = 0) -> Classification:
    """Return what explains a mismatch on [a, b]."""
    if depth > DEEPEST or b - a < 64 * line.ulp(b):
        return Classification("clear", a, b)
    if not depth and (run := plainly_wrong(line, a, b)):
        return Classification("wrong", *run, abs(mismatch))
    integral = Integral(line, a, b, goal=abs(mismatch) / 40)
    if integral.broken:
        return Classification("broken", a, b)
    positions = jittered_grid(line, a, b)
    curve = integral.residuals(positions)
    if not all(map(math.isfinite, curve)):
        return Classification("broken", a, b)
    explained = integral.rounding(positions)
    spread = max(curve) - min(curve)
    if spread <= FEW_STEPS * quantum_of(line.values(positions)):
        return Classification("noise", a, b, spread)
    if spread <= explained + integral.error:
        return Classification("clear", a, b, explained)
    steps = [v - u for u, v in pairwise(curve)]
    worst = max(range(len(steps)), key=lambda i: abs(steps[i]))
    if is_a_step(curve, worst):
        return classify_step(line, positions, positions[worst], positions[worst + 1], steps[worst], depth)
    noise = max(roughness(positions, curve), explained / 4)
    if spread > SIGNAL_TO_NOISE * max(noise, integral.error / 4):
        return classify_smooth(line, positions, curve, explained, depth)
    return classify_scatter(line, integral, positions, max(noise, spread / 4))


def classify_step(line: Line, around: Sequence[float], a: float, b: float, size: float, depth: int) -> Classification:
    """Classify a residual that arises on [a, b] alone: as a jump, or by a wider interval sampled afresh."""
    jump = find_jump(line, a, b, size)
    if jump is not None:
        return Classification("jump", jump, jump, abs(size))
    margin = (b - a) / 4
    return classify(line, max(around[0], a - margin), min(around[-1], b + margin), size, depth + 1)


def classify_smooth(
    line: Line, positions: Sequence[float], curve: Sequence[float], explained: float, depth: int
) -> Classification:
    """Report the pieces that carry the residual as wrong, unless f is quantised; confirm on fresh samples."""
    a, b = longest_wrong_run(positions, curve, explained)
    if sum(a <= t <= b for t in positions) <= 3:
        i = positions.index(a)
        step = max((v - u for u, v in zip(curve[i:], curve[i + 1 : i + 3], strict=False)), key=abs)
        return classify_step(line, positions, a, b, step, depth)
    if steps := staircase(line, a, b):
        return Classification("staircase", a, b, steps)
    run = slice(positions.index(a), positions.index(b) + 1)
    if is_made_of_jumps(line, positions[run], curve[run]):
        return Classification("jump", a, b, max(curve) - min(curve))
    size = max(curve[run]) - min(curve[run])
    if is_approximate(line, a, b, size):
        return Classification("approximation", a, b, size)
    extent = max(curve) - min(curve)
    if residue(line, a, b, size):
        return Classification("noise", a, b, extent)
    if is_reproduced(line, a, b):
        return Classification("wrong", a, b, size)
    if (a, b) != (positions[0], positions[-1]) and is_reproduced(line, positions[0], positions[-1]):
        return Classification("wrong", positions[0], positions[-1], extent)
    return Classification("noise", a, b, extent)


def is_approximate(line: Line, a: float, b: float, size: float) -> bool:
    """Return whether an error of some size on [a, b] may as well be one of f, as accurate as libraries have it.

    That is relative to what f moves by on it, if no mistake is as small; or to f, or to the range of f around it where
    that is smaller, as that of 1e6 + sin(x); in a tail, as of a distribution, it is relative to the range. Around it, f
    and its derivative then have to agree.
    """
    eps = line.problem.eps
    segment = compare(line, a, b, slice(3, None))
    if size <= max(16 * eps, TAIL_ACCURACY) * segment.l1_norm:
        return True
    low, high = surroundings(line, a, b)
    around = [v for v in line.values(jittered_grid(line, low, high)) if math.isfinite(v)]
    extent = max(around) - min(around)
    if size <= FEW_STEPS * quantum_of(around) or (not extent and size <= ACCURACY * smallest_change(line, a)):
        return True
    if not size <= max(max(ACCURACY, 16 * eps) * min(segment.scale, extent), TAIL_ACCURACY * extent):
        return False
    accuracy = max(ACCURACY, 16 * eps) * extent
    wide = Integral(line, low, high, goal=accuracy)
    residuals = wide.residuals([low, a, b, high]) if not wide.broken else [math.inf]
    return max(map(abs, residuals)) <= 4 * accuracy + wide.error


def smallest_change(line: Line, t: float) -> float:
    """Return the smallest change of f from its value at ``t`` among all known values; 0 if there is none."""
    here = line.value(t)
    values = line.problem.known_values(line.output)
    return min((abs(v - here) for v in values if math.isfinite(v) and v != here), default=0.0)


def surroundings(line: Line, a: float, b: float) -> tuple[float, float]:
    """Return an interval around [a, b] on which f is finite, at most three times as far from zero."""
    reach = max(16 * (b - a), WIDE * max(abs(a), abs(b)) if line.axis is not None else 4 * WIDE)
    ends = []
    for start, side in ((a, -1), (b, 1)):
        end = start
        for k in range(1, 9):
            outer = line.snap(min(max(start + side * k * reach / 8, line.low), line.high))
            if not math.isfinite(line.value(outer)):
                break
            end = outer
        ends.append(end)
    return ends[0], ends[1]


def is_made_of_jumps(line: Line, positions: Sequence[float], curve: Sequence[float]) -> bool:
    """Return whether two of the three largest steps of a residual are jumps of f, as those of floor are."""
    width = (positions[-1] - positions[0]) * 1e-4
    middle = positions[len(positions) // 2]
    window = jittered_grid(line, middle, line.snap(middle + width))
    near = line.values(window)
    fuzz = roughness(window, near) if len(window) > 4 and all(map(math.isfinite, near)) else 0.0
    steps = [(v - u, i) for i, (u, v) in enumerate(pairwise(curve))]
    largest = sorted(steps, key=lambda step: -abs(step[0]))[:3]
    jumps = sum(
        find_jump(line, positions[i], positions[i + 1], step, SMALL_JUMP) is not None
        for step, i in largest
        if abs(step) * SMALL_JUMP > 6 * fuzz
    )
    return jumps >= 2 or is_right_nearby(line, positions, curve)


def is_right_nearby(line: Line, positions: Sequence[float], curve: Sequence[float]) -> bool:
    """Return whether g is right on short stretches between the positions of a residual, its error thus in jumps."""
    a, width = positions[0], positions[-1] - positions[0]
    usual = (max(curve) - min(curve)) / width
    found = []
    for share in (0.13, 0.31, 0.47, 0.68, 0.89):
        start = line.snap(a + share * width)
        stretch = compare(line, start, line.snap(start + 1e-6 * width), slice(3, None))
        length = stretch.b - stretch.a
        if stretch.state != "broken" and stretch.tolerance < usual * length / 50:
            found.append(abs(stretch.mismatch) / length)
    return len(found) >= 3 and median(found) < usual / 50


def longest_wrong_run(positions: Sequence[float], curve: Sequence[float], explained: float) -> tuple[float, float]:
    """Return the longest run of neighbouring pieces whose slope error is not small against the largest."""
    steps = [abs(v - u) for u, v in pairwise(curve)]
    slopes = [s / (v - u) if s > explained else 0.0 for s, (u, v) in zip(steps, pairwise(positions), strict=True)]
    bar = max(slopes) / 20
    runs = [[*run] for wrong, run in groupby(range(len(slopes)), lambda i: slopes[i] > bar) if wrong]
    longest = max(runs, key=len, default=[*range(len(slopes))])
    return positions[longest[0]], positions[longest[-1] + 1]


def is_reproduced(line: Line, a: float, b: float) -> bool:
    """Return whether fresh pieces of [a, b] show the error too."""
    positions = jittered_grid(line, a, b, FRESH_PIECES)
    integral = Integral(line, a, b, goal=abs(compare(line, a, b).mismatch) / 30, pieces=2)
    if integral.broken or len(positions) < 8:
        return False
    curve = integral.residuals(positions)
    if not all(map(math.isfinite, curve)) or any(is_a_step(curve, i) for i in range(len(curve) - 1)):
        return False
    noise = max(roughness(positions, curve), integral.rounding(positions) / 4, integral.error / 4)
    return max(curve) - min(curve) > SIGNAL_TO_NOISE * noise


def classify_scatter(line: Line, integral: Integral, positions: Sequence[float], noise: float) -> Classification:
    """Tell noise from an error that oscillates too fast for sixteen pieces, in smaller windows."""
    a, b = integral.a, integral.b
    width = b - a
    for _ in range(3):
        width /= 24
        if width < 256 * line.ulp(max(abs(a), abs(b))):
            break
        start = line.snap(a + line.problem.rng.uniform(0.05, 0.9) * (b - a - width))
        window = jittered_grid(line, start, line.snap(start + width))
        curve = integral.residuals(window)
        if not all(map(math.isfinite, curve)):
            return Classification("broken", a, b)
        explained = integral.rounding(window)
        spread = max(curve) - min(curve)
        if spread <= 2 * explained + integral.error_between(window[0], window[-1]):
            break
        local = max(roughness(window, curve), explained / 4)
        steps = [abs(v - u) for u, v in pairwise(curve)]
        if spread > SIGNAL_TO_NOISE * local and max(steps) < STEP_SHARE * spread:
            classification = classify_smooth(line, window, curve, explained, 0)
            if classification.kind == "wrong":
                return classification
            break
    return Classification("noise", positions[0], positions[-1], noise)
