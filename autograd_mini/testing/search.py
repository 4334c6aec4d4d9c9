"""A search: the lines along which a derivative is checked, at a point, over a box or at all scales, and its decision.

Mistakes are frequent beside constants, so the constants in the source of f and df are checked as points of their own.

With many inputs a line moves all of them at once, in a direction balanced so that every partial weighs about the same:
a check costs no more than one with three inputs. Inputs whose partials weigh a thousand times less than others get
directions of their own, so that the large ones do not hide them.
"""

from __future__ import annotations

import inspect
import math
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autograd_mini.testing.domain import LineScan, random_point, scan_lines
from autograd_mini.testing.point import Outcome, PointCheck, first_reach
from autograd_mini.testing.problem import STOPPED, BudgetSpentError, Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from random import Random

    from autograd_mini.testing.domain import Interval
    from autograd_mini.testing.problem import Point, Problem

FEW_INPUTS = 4
"""Most inputs for which every axis is checked by itself."""
DIRECTIONS = 3
"""Random directions for each group of more inputs."""
_APART = 1e3
"""Ratio of weights above which inputs are in different groups."""
_BESIDE_A_CONSTANT = (400, 1200)
"""Calls of f and df at a point beside a constant of the source."""
_SEARCHED = 8
"""Points of a search over scales."""
_MOST_OBJECTS = 200
"""Most objects of the source that are looked through for constants."""


@dataclass
class Decision:
    """The outcomes of a check before anything is explained."""

    outcomes: list[Outcome] = field(default_factory=list)
    failure: Outcome | None = None
    note: str = ""
    spent: bool = False

    @property
    def verdict(self) -> str:
        """One word for all outcomes together."""
        if self.failure is not None:
            return "wrong"
        fine = self.outcomes and all(o.verdict == "correct" for o in self.outcomes)
        return "correct" if fine and not self.spent else "unresolved"

    def fails(self, outcome: Outcome, point: Point, rng: Random) -> bool:
        """Record an outcome; return whether it is wrong, which then is localised by coordinate at a point."""
        self.outcomes.append(outcome)
        if outcome.verdict != "wrong":
            self.note = self.note or outcome.note
            return False
        line = outcome.line
        if line is not None and line.axis is None:
            axes = axes_through(line.problem, point, line.output)
            found = (PointCheck(axis, x, reach, rng).run() for axis, x, reach in axes)
            outcome = next((one for one in found if one.verdict == "wrong"), outcome)
        self.failure = outcome
        return True


def check_at(problem: Problem, point: Point, rng: Random, box: Sequence[Interval] | None = None) -> Decision:
    """Check every partial derivative of every output at one point."""
    decision = Decision()
    problem.value(point)
    for output in range(problem.outputs or 1):
        for line, x, reach in lines_through(problem, point, output, rng, box):
            if decision.fails(PointCheck(line, x, reach, rng).run(), point, rng):
                return decision
    return decision


def check_over(
    problem: Problem, domain: Sequence[Interval], rng: Random, bases: int, drawn: Sequence[Point]
) -> Decision:
    """Check every partial derivative of every output over a box, and at points drawn from it."""
    decision = Decision()
    bases = bases if len(domain) <= 2 else max(1, bases - 1)
    try:
        random_point(problem, domain, 0, rng)
        for output in range(problem.outputs or 1):
            for line, borders in scan_lines(problem, domain, output, rng, bases):
                outcome = LineScan(line, rng).run(borders)
                wrong = outcome.classification
                if decision.fails(outcome, line.point((wrong.a + wrong.b) / 2) if wrong else line.base, rng):
                    return decision
        for point in special_points(domain, {0.0, *problem.constants}, rng):
            with problem.at_most(*_BESIDE_A_CONSTANT):
                decision.failure = check_at(problem, point, rng, domain).failure
            if decision.failure is not None:
                return decision
        for point in drawn:
            if decision.failure is None:
                decision.failure = check_at(problem, point, rng, domain).failure
    except BudgetSpentError:
        decision.spent, decision.note = True, STOPPED[BudgetSpentError]
    return decision


def check_anywhere(problem: Problem, rng: Random) -> Decision:
    """Check at points of all the usual scales, wherever f is a finite number."""
    decision, found = Decision(), 0
    count = len(problem.names)
    try:
        beside = [(c,) * count for c in sorted(problem.constants | {0.0}, key=abs)[:4]]
        for attempt in range(60):
            chosen = attempt < len(beside)
            if chosen:
                point: Point = beside[attempt]
            else:
                signs = (1.0,) if attempt % 3 == 0 else (-1.0, 1.0)
                point = tuple(rng.choice(signs) * 10 ** rng.uniform(-2, 1 + attempt % 2) for _ in range(count))
            point = tuple(map(problem.grid, point))
            if not math.isfinite(problem.value(point)):
                continue
            here = check_at(problem, point, rng)
            if here.failure is not None:
                # Nobody asked for this very point: a gradient may well have no value there.
                if here.failure.note and not math.isfinite(here.failure.claimed):
                    continue
                return here
            fine = all(o.verdict == "correct" for o in here.outcomes)
            if fine:
                decision.outcomes += here.outcomes
            if fine or not chosen:
                decision.note = decision.note or here.note
                found += not chosen
            if found >= _SEARCHED:
                break
    except BudgetSpentError:
        decision.note = STOPPED[BudgetSpentError]
    return decision


def special_points(domain: Sequence[Interval], constants: Iterable[float], rng: Random, most: int = 6) -> list[Point]:
    """Return points of the domain beside which mistakes are frequent: zero, and constants of the source."""
    order = sorted(set(constants), key=lambda c: (c != 0.0, abs(c)))
    return [
        tuple(constant if constant in interval else interval.at(rng.random()) for interval in domain)
        for constant in order
        if any(constant in interval for interval in domain)
    ][:most]


def constants_in(*functions: object) -> set[float]:
    """Return the numbers that stand in the code of functions, in those nested in them, and in what they close over."""
    found: set[float] = set()
    waiting = [f for f in functions if f is not None]
    seen = 0
    while waiting and seen < _MOST_OBJECTS:
        seen += 1
        thing = waiting.pop()
        if isinstance(thing, (int, float)) and not isinstance(thing, bool):
            if math.isfinite(thing) and abs(thing) < 1e300:
                found.add(float(thing))
        elif inspect.iscode(thing):
            waiting += thing.co_consts
        elif inspect.isfunction(thing):
            waiting.append(thing.__code__)
            for cell in thing.__closure__ or ():
                with suppress(ValueError):  # an empty cell
                    waiting.append(cell.cell_contents)
    return found


def lines_through(
    problem: Problem, point: Point, output: int, rng: Random, box: Sequence[Interval] | None = None
) -> Iterator[tuple[Line, float, float]]:
    """Yield lines with the parameter of ``point`` on each and a first reach: the axes, or balanced directions."""
    reaches = [first_reach(x) for x in point]
    if len(point) <= FEW_INPUTS:
        for axis, x in enumerate(point):
            low, high = (box[axis].low, box[axis].high) if box else (-math.inf, math.inf)
            yield Line(problem, point, axis=axis, output=output, low=low, high=high), x, reaches[axis]
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
