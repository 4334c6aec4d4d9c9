"""Checks: `check_grad` and `check_hess` decide whether a derivative is right, and explain where it is not."""

from __future__ import annotations

import math
import warnings
from random import Random
from typing import TYPE_CHECKING, Any

from autograd_mini.testing.callables import adapt, arity, constants_in, takes
from autograd_mini.testing.causes import likely_cause
from autograd_mini.testing.decisions import Decision, decide_anywhere, decide_at, decide_over
from autograd_mini.testing.directions import FEW_INPUTS, axes_through
from autograd_mini.testing.engine import engine_derivative
from autograd_mini.testing.places import intervals, point_numbers
from autograd_mini.testing.point import PointCheck
from autograd_mini.testing.problem import BudgetSpentError, Problem, ShapeError
from autograd_mini.testing.regions import region_of
from autograd_mini.testing.report import Report
from autograd_mini.testing.settings import settings
from autograd_mini.testing.witness import find_witness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.engine.arguments import Function
    from autograd_mini.testing.domain import Interval
    from autograd_mini.testing.point import Outcome
    from autograd_mini.testing.problem import Point

# Calls of f and of the gradient that one check may make, and lines laid across a domain of several inputs.
BUDGETS = {"quick": (600, 2000, 1), "normal": (4000, 12000, 2), "thorough": (40000, 120000, 8)}
_EXPLANATION = (3000, 500)


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


def check_grad(
    f: Function,
    df: Function | None = None,
    *,
    at: Any = None,
    domain: Any = None,
    seed: int | None = None,
    budget: str | None = None,
    explained: bool = True,
) -> Report:
    """Compare the derivative ``df`` with the function ``f``, and report.

    ``f`` takes numbers, or one list or array, and returns a number or several; ``df`` takes the same and returns the
    partial derivatives (for several outputs, a row for each). Without ``df``, ``f`` is a function on Values, or on
    PyTorch or JAX arrays, and its own engine's derivative is checked. A function that fails on floats is given Values.

    ``at`` is the point to check: a number, a list or an array, or, for several arguments, a tuple or a dict by name of
    these. ``domain`` gives each input an interval ``(low, high)``, a `logspan` or a Hypothesis strategy. With neither,
    points of many scales are searched. ``budget`` is "quick", "normal" or "thorough": the calls that a decision may
    take; to explain a wrong derivative, up to 3,000 calls of ``f`` and 500 of ``df`` come on top, unless ``explained``
    is False.

    Never raises for what ``f`` and ``df`` do. Where ``f`` cannot be evaluated at all, or not at ``at``, the verdict is
    "wrong", for there is nothing that could be right. `TypeError` and `ValueError` are for wrong arguments.

    >>> import math
    >>> check_grad(math.sin, math.cos, at=1.0).verdict
    'correct'
    >>> check_grad(math.sin, lambda x: -math.cos(x), at=1.0).cause
    'the sign is wrong'
    >>> check_grad(lambda x, y: (x * y).tanh(), at=(0.3, 0.7)).verdict
    'correct'
    """
    seed = settings.seed if seed is None else seed
    budget = settings.budget if budget is None else budget
    if budget not in BUDGETS:
        raise ValueError(f"budget is {budget!r}, expected one of {', '.join(BUDGETS)}")
    if at is not None and domain is not None:
        raise ValueError("at and domain are both given, expected one: a point, or a range")
    rng = Random(f"{seed}")
    box = points = None
    example: Any = at
    if domain is not None:
        box, points = intervals(f, domain, seed)
        numbers: tuple[float, ...] = tuple(i.at(0.5) for i in box)
        example = numbers if takes(f, len(numbers)) else list(numbers)
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a check looks far afield, where f and df may overflow
        try:
            problem.constants = constants_in(f, df)
            if box is not None:
                decision = decide_over(problem, box, rng, bases)
                for point in points or ():
                    if decision.culprit is None:
                        decision.culprit = decide_at(problem, point, rng, box).culprit
            elif at is not None:
                decision = decide_at(problem, numbers, rng)
            else:
                decision = decide_anywhere(problem, rng)
        except ShapeError as error:
            return _misshapen(report, str(error))
        _conclude(problem, decision, report, None if at is None else numbers)
        if decision.culprit is not None and explained:
            explain(problem, decision.culprit, rng, report, box)
    return report


def _misshapen(report: Report, message: str) -> Report:
    report.verdict, report.cause, report.cause_kind = "wrong", message, "shape"
    report.title = message
    return report


def _conclude(problem: Problem, decision: Decision, report: Report, wanted: tuple[float, ...] | None) -> None:
    outcomes = decision.outcomes
    report.verdict = decision.verdict
    report.note = decision.note
    verified = [o for o in outcomes if o.verdict == "correct"]
    report.resolution = max((o.resolution for o in verified), default=math.inf)
    report.coverage = sum(o.coverage for o in verified) / len(outcomes) if outcomes else 0.0
    if report.verdict == "wrong":
        return
    fault = next((fault for fault in problem.faults_f if fault.where == wanted), None)
    if fault is None and not any(math.isfinite(v) for row in problem.known_values() for v in row):
        fault = next(iter(problem.faults_f), None)
    if fault is not None:
        report.verdict, report.cause_kind = "wrong", "raised"
        report.cause = f"f raised {fault} at {fault.where}"
        report.title = "the function cannot be evaluated"
    elif problem.faults_g and problem.gradient_never_worked():
        report.verdict = "wrong"
        report.cause_kind = "raised"
        report.cause = f"df raised {problem.faults_g[0]} at {problem.faults_g[0].where}"
        report.title = "the gradient cannot be evaluated"


def check_hess(f: Function, df: Function | None = None, ddf: Function | None = None, **options: Any) -> Report:
    """Compare second derivatives ``ddf`` (rows of the Hessian) with the gradient ``df``.

    Without ``df`` that is the engine's gradient of ``f``, a function on Values; without ``ddf`` the engine's derivative
    of ``df``. The options are those of `check_grad`.

    >>> check_hess(lambda x: x**3, lambda x: 3 * x**2, lambda x: 6 * x, at=2.0).verdict
    'correct'
    >>> check_hess(lambda x, y: x.sin() * y, at=(0.3, 0.7)).verdict
    'correct'
    """
    return check_grad(df or engine_derivative(f), ddf, **options)
