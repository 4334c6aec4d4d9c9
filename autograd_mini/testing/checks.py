"""Checks: `check_grad` and `check_hess` decide whether a derivative is right, and explain where it is not."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from autograd_mini.testing.callables import adapt, arity, constants_in
from autograd_mini.testing.causes import likely_cause
from autograd_mini.testing.directions import FEW_INPUTS, axes_through, lines_through
from autograd_mini.testing.domain import Interval, random_point, scan, scan_lines, special_points
from autograd_mini.testing.places import intervals, point_numbers
from autograd_mini.testing.point import Outcome, PointCheck
from autograd_mini.testing.problem import BudgetSpentError, Problem, ShapeError
from autograd_mini.testing.regions import region_of
from autograd_mini.testing.report import Report
from autograd_mini.testing.settings import settings
from autograd_mini.testing.witness import find_witness

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autograd_mini.testing.problem import Point

# Calls of f and of the gradient that one check may make, and lines laid across a domain of several inputs.
BUDGETS = {"quick": (600, 2000, 1), "normal": (4000, 12000, 2), "thorough": (40000, 120000, 8)}
_EXPLANATION = (3000, 500)
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


def decide_over(
    problem: Problem, domain: Sequence[Interval], constants: set[float], rng: Random, bases: int
) -> Decision:
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
        for point in special_points(domain, {0.0, *constants}, rng):
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


def decide_anywhere(problem: Problem, constants: set[float], rng: Random) -> Decision:
    """Check at points of all the usual scales, wherever f is a finite number."""
    decision, found = Decision(), 0
    count = len(problem.names)
    try:
        beside = [tuple(c for _ in range(count)) for c in sorted(constants | {0.0}, key=abs)[:4]]
        for attempt in range(60):
            if attempt < len(beside):
                point: Point = beside[attempt]
            else:
                sign = (lambda: 1.0) if attempt % 3 == 0 else (lambda: rng.choice((-1.0, 1.0)))
                point = tuple(sign() * 10 ** rng.uniform(-2, 1 + attempt % 2) for _ in range(count))
            if problem.grid:
                point = tuple(map(problem.grid, point))
            if not math.isfinite(problem.value(point)):
                continue
            here = decide_at(problem, point, rng)
            if here.culprit is not None:
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


def explain(problem: Problem, culprit: Outcome, rng: Random, report: Report, box: Sequence[Interval] | None) -> None:
    """Add to a report of a wrong derivative where it is wrong, what f says there, and why it may be."""
    line, finding = culprit.line, culprit.finding
    if line is None or finding is None or line.axis is None:
        names = ", ".join(problem.names[:3])
        report.title = f"the gradient by ({names}{', ...' if len(problem.names) > 3 else ''}) is wrong"
        return
    problem.allow(*_EXPLANATION)
    try:
        witness = find_witness(problem, line, finding)
        report.witness = witness
        report.cause_kind, report.cause = likely_cause(problem, witness, line.output, rng)
        if len(problem.names) <= FEW_INPUTS:
            for axis, name in enumerate(problem.names):
                if axis != line.axis:
                    other = localise_axis(problem, witness.point, line.output, axis, rng)
                    witness.others[name] = {"correct": "ok", "wrong": "wrong"}.get(other, "undecided")
        witness.region = region_of(problem, witness, line.output, box)
    except (BudgetSpentError, ShapeError):
        report.note = "the explanation ran out of calls"


def localise_axis(problem: Problem, point: Point, output: int, axis: int, rng: Random) -> str:
    """Return the verdict on one partial derivative at a point."""
    line, x, reach = axes_through(problem, point, output)[axis]
    return PointCheck(line, x, reach, rng).run().verdict


def check_grad(  # noqa: PLR0913 - every one of them is a question a user may want to ask
    f: Callable[..., Any],
    df: Callable[..., Any] | None = None,
    *,
    at: Any = None,  # noqa: ANN401 - a number, a tuple, a dict by name, a list, or an array
    domain: Any = None,  # noqa: ANN401 - a dict by name, or a list with one entry an input
    seed: int | None = None,
    budget: str | None = None,
    explained: bool = True,
) -> Report:
    """Compare the derivative ``df`` with the function ``f``, and report.

    ``f`` takes numbers, or one list or array, and returns a number or several; ``df`` takes the same and returns the
    partial derivatives (for several outputs, a row for each). ``at`` is the point to check: a number, a tuple of
    numbers, a dict by name, a list or an array. ``domain`` gives each input an interval ``(low, high)``, a `logspan`
    or a Hypothesis strategy. With neither, points of many scales are searched. ``budget`` is "quick", "normal" or
    "thorough". Never raises for what ``f`` and ``df`` do; `TypeError` and `ValueError` are for wrong arguments.

    >>> import math
    >>> check_grad(math.sin, math.cos, at=1.0).verdict
    'correct'
    >>> check_grad(math.sin, lambda x: -math.cos(x), at=1.0).cause
    'the sign is wrong'
    """
    seed = settings.seed if seed is None else seed
    budget = settings.budget if budget is None else budget
    if budget not in BUDGETS:
        raise ValueError(f"budget is {budget!r}, expected one of {', '.join(BUDGETS)}")
    if at is not None and domain is not None:
        raise ValueError("at and domain are both given, expected one: a point, or a range")
    rng = Random(f"{seed}")  # noqa: S311 - places of samples, not secrets
    box = points = None
    example: Any = at
    if domain is not None:
        box, points = intervals(f, domain, seed)
        numbers: tuple[float, ...] = tuple(i.at(0.5) for i in box)
        example = numbers if arity(f) != 1 or len(numbers) == 1 else list(numbers)
    elif at is not None:
        numbers, example = point_numbers(f, at)
    else:
        count = arity(f) or arity(df) or 1
        numbers = (1.0,) * count
        example = numbers
    problem = adapt(f, df, example, numbers)
    budget_f, budget_g, bases = BUDGETS[budget]
    problem.budget_f, problem.budget_g = budget_f, budget_g
    report = Report("unresolved", calls=problem.calls, seed=seed)
    try:
        constants = constants_in(f, df) if at is None else set()
        if box is not None:
            decision = decide_over(problem, box, constants, rng, bases)
            for point in points or ():
                if decision.culprit is None:
                    decision.culprit = decide_at(problem, point, rng, box).culprit
        elif at is not None:
            decision = decide_at(problem, numbers, rng)
        else:
            decision = decide_anywhere(problem, constants, rng)
    except ShapeError as error:
        return _misshapen(report, str(error))
    _conclude(problem, decision, report)
    if decision.culprit is not None and explained:
        explain(problem, decision.culprit, rng, report, box)
    return report


def _misshapen(report: Report, message: str) -> Report:
    report.verdict, report.cause, report.cause_kind = "wrong", message, "shape"
    report.title = message
    return report


def _conclude(problem: Problem, decision: Decision, report: Report) -> None:
    outcomes = decision.outcomes
    report.verdict = decision.verdict
    report.note = decision.note
    verified = [o for o in outcomes if o.verdict == "correct"]
    report.resolution = max((o.resolution for o in verified), default=math.inf)
    report.coverage = sum(o.coverage for o in verified) / len(outcomes) if outcomes else 0.0
    if report.verdict == "wrong":
        return
    if problem.faults_f and not any(math.isfinite(v) for row in problem.known_values() for v in row):
        report.note = f"f raised {problem.faults_f[0]} at {problem.faults_f[0].where}"
    elif problem.faults_g and problem.gradient_never_worked():
        report.verdict = "wrong"
        report.cause_kind = "raised"
        report.cause = f"df raised {problem.faults_g[0]} at {problem.faults_g[0].where}"
        report.title = "the gradient cannot be evaluated"


def check_hess(f: Callable[..., Any], df: Callable[..., Any], ddf: Callable[..., Any], **options: Any) -> Report:  # noqa: ANN401
    """Compare second derivatives ``ddf`` (rows of the Hessian) with the gradient ``df``; ``f`` says what is an input.

    >>> check_hess(lambda x: x**3, lambda x: 3 * x**2, lambda x: 6 * x, at=2.0).verdict
    'correct'
    """
    del f
    return check_grad(df, ddf, **options)
