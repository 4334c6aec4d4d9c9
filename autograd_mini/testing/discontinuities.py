"""A discontinuity: a jump of f, or the staircase that rounding inside f makes of it, as in (1 + x) - 1.

The slope of a staircase is wrong everywhere, and its steps compensate the error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from autograd_mini.testing.segment import compare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from autograd_mini.testing.problem import Line

PIECES = 16
"""Pieces of the residual that a mismatch is classified by."""


@dataclass(frozen=True, slots=True)
class Classification:
    """What explains a mismatch.

    ``kind`` is "wrong" (proved, on [a, b]), "noise" (R is a cloud of size ``size``),
    "approximation" (an error of ``size`` that f may as well have), "jump" (f jumps at ``a``),
    "clear" (nothing remains on closer inspection), "staircase" (f itself is quantised) or "broken" (not finite).
    """

    kind: str
    a: float
    b: float
    size: float = 0.0


def jittered_grid(line: Line, a: float, b: float, pieces: int, rng: Random) -> list[float]:
    """Return ``pieces + 1`` ascending positions from a to b, the inner ones off the regular grid by up to 30 %."""
    step = (b - a) / pieces
    inner = (line.snap(a + step * (i + rng.uniform(-0.3, 0.3))) for i in range(1, pieces))
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


def staircase(line: Line, a: float, b: float, rng: Random) -> Classification | None:
    """Return the classification that f is quantised around [a, b] and its steps compensate the slope error, or None."""
    fa, fb = line.value(a), line.value(b)
    probe = compare(line, a, b)
    if probe.state == "broken":
        return None
    error = (fb - fa) - probe.integral
    if fa == fb and len({line.value(t) for t in jittered_grid(line, a, b, PIECES, rng)}) == 1:
        return constant_staircase(line, a, b, error)
    for factor in (1, 3, 9, 27, 81, 243, 729, 2187, 6561):
        middle, reach = a + (b - a) / 2, factor * (b - a) / 2
        found = compensating_jump(line, middle - reach, middle + reach, error, error / (b - a))
        if found is not None:
            return Classification("staircase", a, b, max(abs(error), found))
    return None


def compensating_jump(line: Line, low: float, high: float, error: float, usual: float) -> float | None:
    """Return the size of a jump of f in [low, high] of a quarter of ``error`` or more against the usual slope error.

    One jump proves nothing: atan(1/x) has one. There must be two.
    """
    positions = [line.snap(low + (high - low) * (i + 0.37) / PIECES) for i in range(PIECES)]
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


def constant_staircase(line: Line, a: float, b: float, error: float) -> Classification | None:
    """For an f that is constant on [a, b]: find whether it first changes by a step, as (1 + x) - 1 does."""
    fa = line.value(a)
    for t in outward(a, b):
        ft = line.value(line.snap(t))
        if math.isfinite(ft) and ft != fa:
            low, high = (b, t) if t > b else (t, a)
            jump = first_change(line, low, high, rising=t > b)
            return Classification("staircase", a, b, jump) if jump > abs(error) / 2 else None
    return None


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


def first_change(line: Line, low: float, high: float, *, rising: bool) -> float:
    """Return by how much f changes at the first place where it changes at all, going out from a constant part."""
    near, far = (low, high) if rising else (high, low)
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
