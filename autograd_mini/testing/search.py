"""A decision: the outcomes of all lines that a check looks along, at a point, over a box, or at all scales."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autograd_mini.testing.directions import axes_through, lines_through
from autograd_mini.testing.domain import Interval, random_point, scan, scan_lines, special_points
from autograd_mini.testing.point import Outcome, PointCheck
from autograd_mini.testing.problem import BudgetSpentError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from autograd_mini.testing.problem import Point

# The calls that one point beside a constant of the source may cost, and the points of a search over scales.
_BESIDE_A_CONSTANT = (400, 1200)
_SEARCHED = 8


@dataclass
class Decision:
    """The outcomes of a check before anything is explained."""

    outcomes: list[Outcome] = field(default_factory=list)
    culprit: Outcome | None = None
    note: str = ""
    spent: bool = False

    @property
    def verdict(self) -> str:
        """One word for all outcomes together."""
        if self.culprit is not None:
            return "wrong"
        fine = self.outcomes and all(o.verdict == "correct" for o in self.outcomes)
        return "correct" if fine and not self.spent else "unresolved"

    def add(self, outcome: Outcome) -> bool:
        """Record an outcome; return whether the check is decided by it."""
        self.outcomes.append(outcome)
        if outcome.verdict == "wrong":
            self.culprit = outcome
        elif outcome.note and not self.note:
            self.note = outcome.note
        return outcome.verdict == "wrong"


def decide_at(problem: Problem, point: Point, rng: Random, box: Sequence[Interval] | None = None) -> Decision:
    """Check every partial derivative of every output at one point."""
    decision = Decision()
    problem.value(point)
    for output in range(problem.outputs):
        for line, x, reach in lines_through(problem, point, output, rng):
            low, high = (
                (box[line.axis].low, box[line.axis].high) if box and line.axis is not None else (-math.inf, math.inf)
            )
            try:
                outcome = PointCheck(line, x, reach, rng, low, high).run()
            except BudgetSpentError:
                outcome = Outcome("unresolved", line=line, note="the budget of calls is spent")
            if decision.add(outcome):
                if line.axis is None:
                    decision.culprit = localise(problem, point, output, rng) or outcome
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


def decide_over(problem: Problem, domain: Sequence[Interval], rng: Random, bases: int) -> Decision:
    """Check every partial derivative of every output over a box."""
    decision = Decision()
    try:
        random_point(problem, domain, 0, rng)
        for output in range(problem.outputs):
            for line, borders in scan_lines(
                problem, domain, output, rng, bases if len(domain) <= 2 else max(1, bases - 1)
            ):
                if decision.add(scan(line, borders, rng)):
                    if line.axis is None and decision.culprit is not None and decision.culprit.finding is not None:
                        at = line.point((decision.culprit.finding.a + decision.culprit.finding.b) / 2)
                        decision.culprit = localise(problem, at, output, rng) or decision.culprit
                    return decision
        most_f, most_g = problem.budget_f, problem.budget_g
        for point in special_points(domain, {0.0, *problem.constants}, rng):
            problem.allow(*_BESIDE_A_CONSTANT)
            problem.budget_f, problem.budget_g = min(problem.budget_f, most_f), min(problem.budget_g, most_g)
            beside = decide_at(problem, point, rng, domain)
            problem.budget_f, problem.budget_g = most_f, most_g
            if beside.culprit is not None:
                decision.culprit = beside.culprit
                return decision
    except BudgetSpentError:
        decision.spent, decision.note = True, "the budget of calls is spent"
    return decision


def decide_anywhere(problem: Problem, rng: Random) -> Decision:
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
            here = decide_at(problem, point, rng)
            if here.culprit is not None:
                # Nobody asked for this very point: a gradient may well have no value there.
                if here.culprit.note and not math.isfinite(here.culprit.claimed):
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
