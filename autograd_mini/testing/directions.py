"""Directions: how a check at a point with many inputs costs no more than one with three.

Every direction moves all inputs at once, balanced so that every partial weighs about the same. Inputs whose partials
matter a thousand times less than others get directions of their own, lest the large ones hide them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from autograd_mini.testing.line import Line
from autograd_mini.testing.point import first_reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from autograd_mini.testing.problem import Point, Problem

FEW_INPUTS = 4
DIRECTIONS = 3
_APART = 1e3


def lines_through(
    problem: Problem, point: Point, output: int, rng: Random, width: Sequence[float] | None = None
) -> Iterator[tuple[Line, float, float]]:
    """Yield lines with the parameter of ``point`` on each and a first reach: the axes, or balanced directions."""
    reaches = [first_reach(x) for x in point]
    if width is not None:
        reaches = [min(r, w) for r, w in zip(reaches, width, strict=True)]
    if len(point) <= FEW_INPUTS:
        for axis, x in enumerate(point):
            yield Line(problem, point, axis=axis, output=output), x, reaches[axis]
        return
    partials = problem.partials(point, output)
    for group in _groups(partials, reaches):
        for _ in range(DIRECTIONS):
            direction = [0.0] * len(point)
            floor = min(
                (abs(partials[i]) * reaches[i] for i in group if partials[i] and math.isfinite(partials[i])),
                default=0.0,
            )
            for i in group:
                weight = abs(partials[i]) * reaches[i]
                share = max(floor, 1e-3 * weight) / weight if weight and floor and math.isfinite(weight) else 1.0
                direction[i] = rng.choice((-1.0, 1.0)) * rng.uniform(0.6, 1.0) * reaches[i] * min(1.0, share)
            yield Line(problem, point, direction=direction, output=output), 0.0, 1.0


def _groups(partials: Sequence[float], reaches: Sequence[float]) -> list[list[int]]:
    weights = [abs(p) * r for p, r in zip(partials, reaches, strict=True)]
    silent = [i for i, w in enumerate(weights) if not w or not math.isfinite(w)]
    order = sorted((i for i in range(len(weights)) if i not in silent), key=lambda i: weights[i])
    groups: list[list[int]] = []
    for i in order:
        if groups and weights[i] <= _APART * weights[groups[-1][0]]:
            groups[-1].append(i)
        else:
            groups.append([i])
    if silent:
        groups = [[*silent, *groups[0]], *groups[1:]] if groups else [silent]
    return groups


def axes_through(problem: Problem, point: Point, output: int) -> list[tuple[Line, float, float]]:
    """Return the axes through a point, to localise by coordinate what a direction found."""
    return [(Line(problem, point, axis=i, output=output), x, first_reach(x)) for i, x in enumerate(point)]
