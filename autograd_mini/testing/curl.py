"""The curl of a claim: how much its partial derivatives contradict each other; a gradient has none.

By each input the claim may be right along the line through a point, and wrong as soon as another input moves too: a
part that is kept from the first point is one of these. The claims on the lines through the point, which are known by
then, tell without a further call: d(df/dx)/dy is d(df/dy)/dx.

>>> from autograd_mini.testing import check_grad
>>> report = check_grad(lambda x, y: x**2 * y, lambda x, y: (2 * x, x**2), at=(0.7, 1.0))
>>> report.verdict, report.witness.wrt
('wrong', 'x')
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

from autograd_mini.testing.line import first_reach

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autograd_mini.testing.problem import Point, Problem

_MOST_NODES = 8
"""Most points of a line that a slope of the claims is interpolated between."""
_NEAREST = 1e-2
"""Share of the reach of a line below which points are too near to the middle for a difference."""
_ROUNDING, _LEAST = 2.0**12, 1e-290
"""Rounding errors that a claim may have, and a slope that is none."""
_CLEAR = 1e-2
"""Curl that is looked into, relative to the derivatives that it is the difference of."""


def beside(problem: Problem, point: Point) -> Point | None:
    """Return a point beside one, moved along every input, if the claims have a curl there; None if none is seen.

    Args:
        problem: f and its claimed derivative, which was called on lines along each input through the point.
        point: where these lines meet.

    """
    axes = range(len(point))
    here = problem.df.known.get(point)
    if here is None or not problem.outputs:
        return None
    nodes = [_nodes(problem, point, axis) for axis in axes]
    for output in range(problem.outputs):
        for i, j in combinations(axes, 2):
            (u, u_error), (v, v_error) = (
                _slope(here[output][a], [(t, rows[output][a]) for t, rows in nodes[b]], _ROUNDING * problem.eps)
                for a, b in ((i, j), (j, i))
            )
            if abs(u - v) > _CLEAR * max(abs(u), abs(v)) + 10 * (u_error + v_error):
                return tuple(problem.grid(x + (0.5 - axis % 2) * first_reach(x)) for axis, x in enumerate(point))
    return None


def _nodes(problem: Problem, point: Point, axis: int) -> list[tuple[float, Sequence[Sequence[float]]]]:
    """Return the claims on the line along an input through a point, the nearest first, with the distances."""
    least, reach = _NEAREST * first_reach(point[axis]), first_reach(point[axis])
    before, after = point[:axis], point[axis + 1 :]
    known: Mapping[Point, Sequence[Sequence[float]] | None] = problem.df.known  # type: ignore[assignment]
    found = [
        (at[axis] - point[axis], rows)
        for at, rows in known.items()
        if rows is not None and at[:axis] == before and at[axis + 1 :] == after
    ]
    return sorted((n for n in found if least < abs(n[0]) <= reach), key=lambda n: abs(n[0]))[:_MOST_NODES]


def _slope(here: float, nodes: Sequence[tuple[float, float]], rounding: float) -> tuple[float, float]:
    """Return the slope at 0 of what interpolates a number there and others at some distances, and its error.

    The numbers are known to a relative rounding.

    By divided differences: https://en.wikipedia.org/wiki/Newton_polynomial

    >>> slope, error = _slope(1.0, [(0.1, 1.21), (-0.2, 0.64), (0.3, 1.69), (-0.4, 0.36)], 1e-14)
    >>> round(slope, 9), error < 1e-9
    (2.0, True)
    """
    if len(nodes) < 3:
        return 0.0, math.inf
    distances, column = [0.0, *(t for t, _ in nodes)], [here, *(float(v) for _, v in nodes)]
    weight, terms = 1.0, list[float]()
    for order in range(1, len(distances)):
        column = [(column[k + 1] - column[k]) / (distances[k + order] - distances[k]) for k in range(len(column) - 1)]
        terms.append(column[0] * weight)
        weight *= -distances[order]
    size = max(abs(here), *(abs(v) for _, v in nodes))
    slope, error = sum(terms), sum(map(abs, terms[-2:])) + rounding * size / abs(nodes[0][0]) + _LEAST
    return (slope, error) if math.isfinite(error) else (0.0, math.inf)
