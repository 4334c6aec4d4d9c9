"""Regions: where, besides its witness, a derivative is wrong, in words such as ``wrong wherever x < -1.0``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from autograd_mini.testing.counterexample import measured_at, short_numbers
from autograd_mini.testing.point import first_reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.testing.counterexample import Witness
    from autograd_mini.testing.domain import Interval
    from autograd_mini.testing.problem import Problem

_LOOKS, _HALVINGS, _SINGLE = 12, 10, 1e-10


def is_wrong(problem: Problem, witness: Witness, output: int, t: float) -> bool | None:
    """Return whether the claim is wrong with the witness's input moved to ``t``; None if f cannot tell."""
    point = (*witness.point[: witness.axis], t, *witness.point[witness.axis + 1 :])
    if not math.isfinite(problem.value(point, output)):
        return None
    share = 64 if problem.eps < _SINGLE else 4
    found = measured_at(problem, point, witness.axis, output, first_reach(t) / share)
    if not found.reliable and found.error > 1e-3:
        return None
    claimed = problem.partials(point, output)[witness.axis]
    relative = 1e-3 * abs(witness.claimed - witness.measured) / max(abs(witness.measured), 1e-300)
    return not abs(claimed - found.value) <= 20 * found.error + min(relative, 1e-3) * abs(found.value)


def region_of(problem: Problem, witness: Witness, output: int, box: Sequence[Interval] | None) -> str:
    """Say where along its own input the claim of a witness is wrong, if that is a proper part of what was looked at."""
    x = witness.point[witness.axis]
    name = witness.wrt
    if witness.interval[0] == witness.interval[1]:
        return f"only at {name} = {x!r}"
    low, high = (box[witness.axis].low, box[witness.axis].high) if box else (x - 3 * abs(x) - 1, x + 3 * abs(x) + 1)
    places = [low + (high - low) * (i + 0.5) / _LOOKS for i in range(_LOOKS)]
    marks = [(t, is_wrong(problem, witness, output, t)) for t in places]
    known = [(t, mark) for t, mark in marks if mark is not None]
    right = [t for t, mark in known if not mark]
    if not right or not known:
        return "wrong everywhere it was looked at" if len(known) > 3 else ""
    below, above = max((t for t in right if t < x), default=None), min((t for t in right if t > x), default=None)
    if any(mark and ((below is not None and t < below) or (above is not None and t > above)) for t, mark in known):
        return ""
    start = None if below is None else _border(problem, witness, output, below, x)
    end = None if above is None else _border(problem, witness, output, above, x)
    if start is not None and end is not None:
        return f"wrong wherever {start!r} < {name} < {end!r}"
    return f"wrong wherever {name} < {end!r}" if end is not None else f"wrong wherever {name} > {start!r}"


def _border(problem: Problem, witness: Witness, output: int, right: float, wrong: float) -> float:
    """Return a short number between a place where the claim is right and one where it is wrong."""
    for _ in range(_HALVINGS):
        middle = (right + wrong) / 2
        if is_wrong(problem, witness, output, middle):
            wrong = middle
        else:
            right = middle
    return next(short_numbers(min(right, wrong), max(right, wrong)))
