"""A search: the lines along which a derivative is checked, at a point, over a box or at all scales, and its decision.

With many inputs a line moves all of them at once, in a direction balanced so that every partial weighs about the same:
a check costs no more than one with three inputs. Inputs whose partials weigh a thousand times less than others get
directions of their own, so that the large ones do not hide them.
"""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autograd_mini.testing.domain import Interval, random_point, scan, scan_lines, special_points
from autograd_mini.testing.point import Outcome, PointCheck, first_reach
from autograd_mini.testing.problem import BudgetSpentError, Line, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

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

    def add(self, outcome: Outcome) -> bool:
        """Record an outcome; return whether the check is decided by it."""
        self.outcomes.append(outcome)
        if outcome.verdict == "wrong":
            self.failure = outcome
        elif outcome.note and not self.note:
            self.note = outcome.note
        return outcome.verdict == "wrong"


def check_at(problem: Problem, point: Point, rng: Random, box: Sequence[Interval] | None = None) -> Decision:
    """Check every partial derivative of every output at one point."""
    decision = Decision()
    problem.value(point)
    for output in range(problem.outputs):
        for line, x, reach in lines_through(problem, point, output, rng, box):
            try:
                outcome = PointCheck(line, x, reach, rng).run()
            except BudgetSpentError:
                outcome = Outcome("unresolved", line=line, note="the budget of calls is spent")
            if decision.add(outcome):
                if line.axis is None:
                    decision.failure = localise(problem, point, output, rng) or outcome
                return decision
    return decision


def localise(problem: Problem, point: Point, output: int, rng: Random) -> Outcome | None:
    """Find the coordinate that a wrong direction is due to."""
    for line, x, reach in axes_through(problem, point, output):
        try:
            outcome = PointCheck(line, x, reach, rng).run()
        except BudgetSpentError:
            return None
        if outcome.verdict == "wrong":
            return outcome
    return None


def check_over(problem: Problem, domain: Sequence[Interval], rng: Random, bases: int) -> Decision:
    """Check every partial derivative of every output over a box."""
    decision = Decision()
    try:
        random_point(problem, domain, 0, rng)
        for output in range(problem.outputs):
            for line, borders in scan_lines(
                problem, domain, output, rng, bases if len(domain) <= 2 else max(1, bases - 1)
            ):
                if decision.add(scan(line, borders, rng)):
                    if (
                        line.axis is None
                        and decision.failure is not None
                        and decision.failure.classification is not None
                    ):
                        at = line.point((decision.failure.classification.a + decision.failure.classification.b) / 2)
                        decision.failure = localise(problem, at, output, rng) or decision.failure
                    return decision
        most_f, most_g = problem.budget_f, problem.budget_g
        for point in special_points(domain, {0.0, *problem.constants}, rng):
            problem.allow(*_BESIDE_A_CONSTANT)
            problem.budget_f, problem.budget_g = min(problem.budget_f, most_f), min(problem.budget_g, most_g)
            beside = check_at(problem, point, rng, domain)
            problem.budget_f, problem.budget_g = most_f, most_g
            if beside.failure is not None:
                decision.failure = beside.failure
                return decision
    except BudgetSpentError:
        decision.spent, decision.note = True, "the budget of calls is spent"
    return decision


def check_anywhere(problem: Problem, rng: Random) -> Decision:
    """Check at points of all the usual scales, wherever f is a finite number."""
    decision, found = Decision(), 0
    count = len(problem.names)
    try:
        beside = [tuple(c for _ in range(count)) for c in sorted(problem.constants | {0.0}, key=abs)[:4]]
        for attempt in range(60):
            if attempt < len(beside):
                point: Point = beside[attempt]
            else:
                signs = (1.0,) if attempt % 3 == 0 else (-1.0, 1.0)
                point = tuple(rng.choice(signs) * 10 ** rng.uniform(-2, 1 + attempt % 2) for _ in range(count))
            if problem.grid:
                point = tuple(map(problem.grid, point))
            if not math.isfinite(problem.value(point)):
                continue
            here = check_at(problem, point, rng)
            if here.failure is not None:
                # Nobody asked for this very point: a gradient may well have no value there.
                if here.failure.note and not math.isfinite(here.failure.claimed):
                    continue
                return here
            fine = [o for o in here.outcomes if o.verdict == "correct"]
            if attempt >= len(beside) or len(fine) == len(here.outcomes):
                decision.outcomes += here.outcomes if len(fine) == len(here.outcomes) else []
                decision.note = decision.note or here.note
                found += attempt >= len(beside)
            if found >= _SEARCHED:
                break
    except BudgetSpentError:
        decision.note = "the budget of calls is spent"
    return decision


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
            waiting += [
                thing.__code__,
                *(c.cell_contents for c in thing.__closure__ or () if _is_number_or_function(c)),
            ]
    return found


def _is_number_or_function(cell: Any) -> bool:
    try:
        return isinstance(cell.cell_contents, (int, float)) or inspect.isfunction(cell.cell_contents)
    except ValueError:  # an empty cell
        return False


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
