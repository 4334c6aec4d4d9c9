"""A finite difference: what the change of f alone tells along a line: its slope, its jumps, and its staircases.

A staircase is what rounding inside f makes of it, as in (1 + x) - 1: its slope is wrong everywhere, and its steps
compensate the error. Slopes are extrapolated, with a bound on their error.

Source: Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Advances in Engineering Software 4 (1982).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from autograd_mini.testing.segment import compare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from autograd_mini.testing.line import Line

_SHRINK = 2.0
"""Factor between successive steps."""
AT_ONCE = 5
"""Steps of an extrapolation that are taken together, where f takes batches."""
PIECES = 16
"""Pieces of a line that are looked at together."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A derivative measured from values of f alone, with a bound on its error."""

    value: float
    error: float

    @property
    def reliable(self) -> bool:
        """Whether the error is small beside the value."""
        return math.isfinite(self.value) and self.error <= 1e-2 * abs(self.value) + 1e-300


def measure(line: Line, x: float, reach: float, side: int = 0, steps: int = 12, enough: float = 0.0) -> Measured:
    """Return the derivative of f at ``x`` by extrapolated differences: central, or from one side (-1 or 1).

    At most ``steps`` steps go from ``reach`` down by factors of two, until the relative error is small ``enough``; the
    extrapolation with the smallest internal disagreement wins.
    """
    best = Measured(math.nan, math.inf)
    table: list[list[float]] = []
    order = 2 if side == 0 else 1
    fx = line.value(x) if side else 0.0
    rounding = line.roundoff(x)
    for step in range(steps):
        if not step % AT_ONCE:
            later = [reach / _SHRINK**k for k in range(min(AT_ONCE, steps - step))]
            line.ahead([line.snap(x + s * r) for r in later for s in (-1, 1) if s != -side])
        high, low = line.snap(x + reach) if side >= 0 else x, line.snap(x - reach) if side <= 0 else x
        if not high > low:
            break
        top, bottom = (line.value(high) if side >= 0 else fx), (line.value(low) if side <= 0 else fx)
        row = [(top - bottom) / (high - low)]
        reach /= _SHRINK
        if not math.isfinite(row[0]):
            table.clear()
            continue
        factor = 1.0
        floor = (rounding + 2 * line.roundoff(high) + 2 * line.roundoff(low)) / (high - low)
        for k, above in enumerate(table[-1] if table else []):
            factor *= _SHRINK**order if k else _SHRINK ** (2 if side == 0 else 1)
            row.append(row[k] + (row[k] - above) / (factor - 1))
            error = max(abs(row[-1] - row[k]), abs(row[-1] - above)) + floor
            if error < best.error:
                best = Measured(row[-1], error)
        if best.error <= enough * abs(best.value):
            break
        if len(table) > 3 and abs(row[-1] - table[-1][-1]) > 4 * best.error:
            break
        table.append(row)
    return best


def jittered_grid(line: Line, a: float, b: float, pieces: int = PIECES) -> list[float]:
    """Return ``pieces + 1`` ascending positions from a to b, the inner ones off the regular grid by up to 30 %."""
    step = (b - a) / pieces
    inner = (line.snap(a + step * (i + line.problem.rng.uniform(-0.3, 0.3))) for i in range(1, pieces))
    return sorted({a, b, *(t for t in inner if a < t < b)})


def find_jump(line: Line, a: float, b: float, size: float, share: float = 0.5) -> float | None:
    """Return where f jumps by at least a ``share`` of ``size`` between a and b, found by bisection, or None."""
    fa, fb = line.value(a), line.value(b)
    drift = ((fb - fa) - size) / (b - a)
    finest = (b - a) * 2.0**-60
    while b - a > max(4 * line.ulp(max(abs(a), abs(b))), finest):
        middle = a + (b - a) / 2
        if not a < middle < b:
            break
        fm = line.value(middle)
        if not math.isfinite(fm):
            return None
        left, right = fm - fa - drift * (middle - a), fb - fm - drift * (b - middle)
        if abs(left) >= abs(right):
            b, fb, most = middle, fm, left
        else:
            a, fa, most = middle, fm, right
        # At a jump the change stays as it is; it goes away where f is steep, and grows without bound at a pole.
        if not share * abs(size) <= abs(most) <= 4 * abs(size):
            return None
    return a


def staircase(line: Line, a: float, b: float) -> float:
    """Return the size of the steps of f around [a, b], if it is quantised and they make up for the error; or 0."""
    fa, fb = line.value(a), line.value(b)
    probe = compare(line, a, b)
    if probe.state == "broken":
        return 0.0
    error = (fb - fa) - probe.integral
    if fa == fb and len({*line.values(jittered_grid(line, a, b))}) == 1:
        jump = next_change(line, a, b)
        return jump if jump > abs(error) / 2 else 0.0
    for factor in (1, 3, 9, 27, 81, 243, 729, 2187, 6561):
        middle, reach = a + (b - a) / 2, factor * (b - a) / 2
        found = compensating_jump(line, middle - reach, middle + reach, error, error / (b - a))
        if found is not None:
            return max(abs(error), found)
    return 0.0


def compensating_jump(line: Line, low: float, high: float, error: float, usual: float) -> float | None:
    """Return the size of a jump of f in [low, high] of a quarter of ``error`` or more against the usual slope error.

    One jump proves nothing: atan(1/x) has one. There must be two.
    """
    positions = [line.snap(low + (high - low) * (i + 0.37) / PIECES) for i in range(PIECES)]
    line.ahead(positions, positions)
    known = [(t, v, s) for t in positions if math.isfinite(v := line.value(t)) and math.isfinite(s := line.slope(t))]
    if len(known) < 4:
        return None
    steps = [((v2 - v) - (t2 - t) * (s / 2 + s2 / 2), t, t2) for (t, v, s), (t2, v2, s2) in pairwise(known) if t2 > t]
    most = 3 * abs(usual) * (high - low)
    against = sorted(
        (abs(step), t, t2, step) for step, t, t2 in steps if step * usual < 0 and abs(error) / 4 < abs(step) <= most
    )
    jumps = [size for size, t, t2, step in against[-3:] if find_jump(line, t, t2, step) is not None]
    return jumps[0] if len(jumps) > 1 else None


def next_change(line: Line, a: float, b: float) -> float:
    """Return the size of the next change of an f that is constant on [a, b]: a step, as of (1 + x) - 1; or 0."""
    fa = line.value(a)
    for t in outward(a, b):
        ft = line.value(line.snap(t))
        if math.isfinite(ft) and ft != fa:
            return first_change(line, b if t > b else a, t)
    return 0.0


def outward(a: float, b: float) -> Iterator[float]:
    """Yield positions ever farther from [a, b] on either side, and ever nearer to zero.

    What f rounds away depends on the size of its argument, so it may be constant on both sides of a zone around zero:
    the steps must not pass over that.
    """
    reach, inner = b - a, min(a, b, key=abs)
    for _ in range(200):
        reach *= 2 if reach < 4 * max(abs(a), abs(b)) else 8
        if not math.isfinite(reach):
            return
        yield b + reach
        yield a - reach
        if a * b > 0:
            inner /= 2
            yield inner


def first_change(line: Line, near: float, far: float) -> float:
    """Return by how much f changes at the first place where it changes at all, between a constant part and ``far``."""
    still = line.value(near)
    for _ in range(200):
        middle = near + (far - near) / 2
        if middle in (near, far):
            break
        value = line.value(middle)
        if value == still or not math.isfinite(value):
            near = middle
        else:
            far = middle
    return abs(line.value(far) - still)
