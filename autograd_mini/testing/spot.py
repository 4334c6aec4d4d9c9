"""The spot: the claim at one exact point, which no integral can see, as at a kink, at zero or at an edge.

Any subgradient is right there: the claim must lie between the gradients next to it, or else between the one-sided
slopes of f.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from autograd_mini.testing.finite_differences import Measured, measure

if TYPE_CHECKING:
    from collections.abc import Container

    from autograd_mini.testing.line import Line

_TRUST = 1e-2


def diverges(line: Line, x: float, reach: float, sides: Container[int]) -> bool:
    """Return whether the claim grows without bound towards ``x`` from a side, as that of sqrt does at zero."""
    for side in (-1, 1):
        slopes = [abs(line.slope(line.snap(x + side * reach / 64**k))) for k in (1, 2, 3, 4)]
        if side in sides and all(v > 1.2 * u for u, v in pairwise(slopes)):
            return True
    return False


def lies_between_neighbours(line: Line, x: float, claimed: float, reach: float) -> bool:
    """Return whether the claim is in the hull of the gradients beside it, at some distance down to the last digits."""
    step = reach / 64
    while step > 4 * line.ulp(x):
        sides = [[line.slope(line.snap(x + k * step)) for k in pair] for pair in ((-1, -0.5), (0.5, 1))]
        sides = [pair for pair in sides if all(map(math.isfinite, pair))]
        if sides:
            low, high = min(map(min, sides)), max(map(max, sides))
            slack = sum(abs(u - v) for u, v in sides) + 64 * line.problem.eps * max(abs(low), abs(high))
            if low - slack <= claimed <= high + slack:
                return True
        step /= 64
    return False


def judge_spot(  # the whole situation of a point
    line: Line, x: float, reach: float, inside: list[int], verified: Container[int], noise: float
) -> tuple[str, str]:
    """Return the verdict on the claim at exactly ``x``, and a note where it is not "correct".

    ``inside`` are the sides (-1, 1) on which f is finite, ``verified`` those on which g is known to be right.
    """
    claimed = line.slope(x)
    if math.isfinite(claimed) and lies_between_neighbours(line, x, claimed, reach):
        return "correct", ""
    if not math.isfinite(claimed) and diverges(line, x, reach, verified):
        return "correct", ""
    height = max((abs(line.value(x)), *(abs(line.value(line.snap(x + s * reach / 4))) for s in inside)))
    slopes = [measure(line, x, reach / 4, side) for side in inside]
    if not slopes or not all(_trusted(m, claimed, height / reach) for m in slopes):
        return "unresolved", "the claim at the point itself is none of its neighbours', and f gives no slope there"
    low, high = min(m.value - 5 * m.error for m in slopes), max(m.value + 5 * m.error for m in slopes)
    slack = 1e-6 * max(abs(low), abs(high)) + noise / reach
    if low - slack <= claimed <= high + slack:
        return "correct", ""
    kinked = len(slopes) == 2 and abs(slopes[0].value - slopes[1].value) > 10 * sum(m.error for m in slopes) + slack
    if not math.isfinite(claimed) and kinked:
        return "unresolved", "the claim is not a number where f has a kink"
    if math.isfinite(claimed) and (noise or not any(side in verified for side in (-1, 1))):
        return "unresolved", "f is too noisy to judge the point itself"
    return "wrong", "only at the point itself"


def _trusted(measured: Measured, claimed: float, usual: float) -> bool:
    """Return whether a measured slope is exact beside itself, beside the claim, or beside what is usual for f."""
    beside = abs(claimed) if math.isfinite(claimed) else 0.0
    return measured.error <= max(_TRUST * max(abs(measured.value), beside), 1e-7 * usual)
