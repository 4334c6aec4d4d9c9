"""Repeatability: whether f and df return at one point the same numbers whenever they are asked for them.

What draws random numbers does not, nor does a derivative that reads what the last call of f, or an earlier call of its
own, has left behind.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from autograd_mini.testing.line import first_reach
from autograd_mini.testing.problem import key_of, row_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.testing.counterexample import LocalSample, Partial
    from autograd_mini.testing.problem import Point, Problem

_REPEATS = 12
"""Calls at one point, of which chance changes more than one and what is refreshed now and then one at most."""
_ROUNDING = 1e3
"""Differences that are rounding, in units of the last place of the largest number."""
_MOST_OUTPUTS = 8
"""Most rows of a Jacobian that are compared."""
_MOST_MOVED = 4
"""Most inputs that are moved alone."""
_KEPT = "the claim is right at the first point it was asked for and not beside it: a part of it is kept from there"


def unsteady(problem: Problem, point: Point, others: Sequence[Point]) -> tuple[str, str]:
    """Return how the results at a point differ from call to call: "random", "state" or "stale", and a sentence.

    Args:
        problem: the functions.
        point: where both are called again and again.
        others: other points, which are called in between.

    Returns:
        The kind and the sentence; empty where every call returns the same, or no finite numbers.

    """
    values = [[*map(float, problem.f.again(point) or ())] for _ in range(2)]
    if _differ(problem, *values):
        return "random", "f draws random numbers: two calls at one point differ"
    rows = [_numbers(problem, problem.df.again(point)) for _ in range(3)]
    if not all(rows) or not all(map(math.isfinite, rows[0])):
        return "", ""
    found = _remembered(problem, point, others, rows)
    if found[0]:
        late = [_numbers(problem, problem.df.again(point)) for _ in range(_REPEATS)]
        changes = [_differ(problem, u, v) for u, v in pairwise(late)]
        if sum(changes) > 1 and any(changes[_REPEATS // 2 :]) and not _settles(late):
            return "random", "df draws random numbers: two calls at one point differ"
    return found


def _settles(results: list[list[float]]) -> bool:
    """Return whether results that differ get nearer and nearer to each other, as a running mean does."""
    sizes = [max(abs(x - y) for x, y in zip(u, v, strict=True)) for u, v in pairwise(results)]
    return all(u > v for u, v in pairwise(sizes))


def _remembered(problem: Problem, point: Point, others: Sequence[Point], rows: list[list[float]]) -> tuple[str, str]:
    """Return how the claims at a point, of which three are given, depend on other calls."""
    changed = _differ(problem, rows[1], rows[2])
    for other in others:
        problem.f.again(other)
        if not changed and _differ(problem, rows[2], _numbers(problem, problem.df.again(point))):
            return "state", "df depends on the last call of f, and is right only just after f at the same point"
        problem.df.again(other)
        behind = _differ(problem, rows[2], _numbers(problem, problem.df.again(point)))
        if not changed and (behind or _differ(problem, rows[0], rows[1])):
            return "stale", "df depends on its last call: it returns what belongs to an earlier point"
    if changed or _differ(problem, rows[2], _numbers(problem, problem.df.known.get(key_of(point)))):
        return "stale", "df depends on its earlier calls: it returns what belongs to one of their points"
    return "", ""


def _numbers(problem: Problem, result: Any) -> list[float]:
    """Return the partial derivatives of the first outputs in one list, which is empty if there are none."""
    if result is None:
        return []
    return [float(x) for output in range(min(problem.outputs, _MOST_OUTPUTS)) for x in row_of(result, output)]


def _differ(problem: Problem, u: list[float], v: list[float]) -> bool:
    """Return whether two results differ by more than the order of additions may change."""
    most = max(map(abs, u), default=0.0)
    return bool(u and v) and not all(abs(x - y) <= _ROUNDING * problem.eps * most for x, y in zip(u, v, strict=True))


def kept_whole(partial: Partial, samples: Sequence[LocalSample]) -> tuple[str, str] | None:
    """Recognise a claim that is the same everywhere, and right at the first point that it was asked for."""
    problem, first = partial.problem, partial.problem.df.first
    claim = samples[0].claim
    if first is None or any(s.claim != claim for s in samples):
        return None
    found = partial.measured(first, first_reach(float(first[partial.axis])) / 4)
    right = found.reliable and abs(found.value - claim) <= 1e-6 * abs(claim) + 4 * found.error
    changes = len({s.measured for s in samples}) > 1 and not problem.box
    return ("stale", "the claim is kept from the first point it was asked for") if right and changes else None


def kept_in_part(partial: Partial, *, elsewhere: bool) -> tuple[str, str] | None:
    """Recognise a claim that is right at the first point that it was asked for and nowhere near it.

    Args:
        partial: the partial derivative.
        elsewhere: whether that is asked of points that share the first one's input in question, too: there, a missing
            term that is 0 for this input is 0 still.

    """
    problem, axis = partial.problem, partial.axis
    first = tuple(map(float, problem.df.first or ()))
    if (
        not first
        or not (first[axis] if len(first) == 1 or not elsewhere else any(first))
        or not _is_right(partial, first)
    ):
        return None
    alone = [(*first[:axis], first[axis] * (1 + step), *first[axis + 1 :]) for step in (1e-2, -2e-2)]
    others = [
        (*(x * (1 + s) for x in first[:axis]), first[axis], *(x * (1 + s) for x in first[axis + 1 :]))
        for s in (1e-2, -2e-2)
        if elsewhere  # what is 0 stays 0, and with it a missing term that is 0 there
    ]
    groups = [[point for point in group if point != first] for group in (alone, others)]
    wrong = [all(partial.is_refuted(p, first_reach(p[axis]) / 4) for p in group) for group in groups if group]
    special = any(x.is_integer() for x in first)  # where a factor may be 1, and a term 0
    return ("stale", _KEPT) if wrong and (wrong[-1] if elsewhere and not special else all(wrong)) else None


def kept_by_key(partial: Partial, samples: Sequence[LocalSample]) -> tuple[str, str] | None:
    """Recognise a claim that is right at new points, and wrong where only one input is new: no part of a cache's key.

    A claim that is wrong in a region of its own is right beside it wherever it was asked for before.
    """
    _problem, names = partial.problem, partial.problem.names
    fresh = [s for s in samples if abs(s.gap) <= 1e-9 * abs(s.measured) + 4 * s.error]
    if len(names) == 1 or len(fresh) < len(samples):
        return None
    for i in range(min(len(names), _MOST_MOVED)):
        moved = [(*s.point[:i], s.point[i] + first_reach(s.point[i]) / 25, *s.point[i + 1 :]) for s in samples[:2]]
        reach = first_reach(samples[0].point[partial.axis]) / 4
        if all(partial.is_refuted(point, reach) for point in moved):
            return "stale", f"df is right at new points, and not where only {names[i]} is new: a cache leaves it out"
    return None


def _is_right(partial: Partial, point: Point) -> bool:
    """Return whether the claim at a point is what is measured there, and that is measured finely."""
    found = partial.measured(point, first_reach(point[partial.axis]) / 4)
    close = abs(found.value - partial.claimed(point)) <= 1e-8 * abs(found.value) + 4 * found.error
    return found.error <= 1e-6 * abs(found.value) and close
