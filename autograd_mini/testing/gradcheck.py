"""A gradient check: `check_grad` and `check_hess` decide whether a derivative is right, `assert_grad` fails a test."""

from __future__ import annotations

import math
import warnings
from random import Random
from typing import TYPE_CHECKING, Any

from autograd_mini.testing.adapters import adapt, arity, engine_derivative, point_numbers, takes
from autograd_mini.testing.causes import likely_cause
from autograd_mini.testing.domain import intervals
from autograd_mini.testing.explanation import find_counterexample, region_of
from autograd_mini.testing.point import PointCheck
from autograd_mini.testing.problem import BEYOND_FLOATS, BudgetSpentError, Problem, ShapeError, located
from autograd_mini.testing.report import LogEntry, Report, settings
from autograd_mini.testing.search import (
    FEW_INPUTS,
    Decision,
    axes_through,
    check_anywhere,
    check_at,
    check_over,
    constants_in,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.engine.checks import Function
    from autograd_mini.testing.domain import Interval
    from autograd_mini.testing.point import Outcome
    from autograd_mini.testing.problem import Fault, Point

BUDGETS = {"quick": (600, 2000, 1), "normal": (4000, 12000, 2), "thorough": (40000, 120000, 8)}
"""Most calls of f and of df, and lines laid across a domain of several inputs, by the name of a budget."""

LOOSEST = 0.01
"""Worst relative accuracy that a check can be asked to accept."""

FAULTS = 16
"""Exceptions of df around a point, without a result among them, after which it is not called again."""

_EXPLANATION = (3000, 500)
"""Most further calls of f and of df for the explanation of a wrong derivative."""


class GradientError(AssertionError):
    """A derivative is wrong; ``report`` holds all that was found."""

    def __init__(self, report: Report) -> None:
        """Say what the report says."""
        super().__init__(str(report))
        self.report = report


class UnresolvedGradientWarning(UserWarning):
    """A derivative could be called neither right nor wrong."""


def check_grad(
    f: Function,
    df: Function | None = None,
    *,
    at: Any = None,
    domain: Any = None,
    to: float | None = None,
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
    points of many scales are searched. ``to`` is the relative accuracy that ``f`` and ``df`` are computed to, such as
    1e-5 for a solver, a quadrature or a simulation; by default that of their arithmetic. ``budget`` is "quick",
    "normal" or "thorough": the calls that a decision may take; to explain a wrong derivative, up to 3,000 calls of
    ``f`` and 500 of ``df`` come on top, unless ``explained`` is False.

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
    if to is not None and not 0 < to <= LOOSEST:
        raise ValueError(f"to is {to!r}, expected a relative accuracy above 0, at most {LOOSEST}")
    rng = Random(f"{seed}")
    box = points = None
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
    if at is not None:
        problem.most_faults = FAULTS
    if to is not None:
        problem.eps = max(problem.eps, to / 4)
    report = Report("unresolved", calls=problem.calls, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a check looks far afield, where f and df may overflow
        try:
            problem.constants = constants_in(f, df)
            if box is not None:
                decision = check_over(problem, box, rng, bases)
                for point in points or ():
                    if decision.failure is None:
                        decision.failure = check_at(problem, point, rng, box).failure
            elif at is not None:
                decision = check_at(problem, numbers, rng)
            else:
                decision = check_anywhere(problem, rng)
        except ShapeError as error:
            report.verdict, report.title, report.cause_kind = "wrong", str(error), "shape"
            return report
        _conclude(problem, decision, report, None if at is None else numbers)
        if decision.failure is not None and explained:
            explain(problem, decision.failure, rng, report, box)
    return report


def _conclude(problem: Problem, decision: Decision, report: Report, wanted: Point | None) -> None:
    """Fill a report with a decision; what could not be evaluated at all, or not where it was asked for, is wrong."""
    outcomes = decision.outcomes
    report.verdict, report.note = decision.verdict, decision.note
    verified = [o for o in outcomes if o.verdict == "correct"]
    report.resolution = max((o.resolution for o in verified), default=math.inf)
    report.coverage = sum(o.coverage for o in verified) / len(outcomes) if outcomes else 0.0
    fault = next((fault for fault in problem.faults_f if fault.where == wanted), None)
    if fault is None and not any(math.isfinite(v) for row in problem.known_values() for v in row):
        fault = next(iter(problem.faults_f), None)
    if fault is not None:
        _fail(problem, report, "function", "f", fault)
    elif (place := problem.not_finite(wanted)) is not None:
        report.verdict, report.cause_kind, report.title = "wrong", "not finite", "the function cannot be evaluated"
        report.cause = f"f is not a finite real number at {located(problem.names, place)}"
    elif problem.faults_g and problem.gradient_never_worked():
        _fail(problem, report, "derivative", "df", problem.faults_g[0])
        decision.failure = None


def _fail(problem: Problem, report: Report, what: str, name: str, fault: Fault) -> None:
    report.verdict, report.cause_kind = "wrong", "raised"
    report.title = f"the {what} cannot be evaluated"
    report.cause = f"{name} raised {fault} at {located(problem.names, fault.where)}"


def explain(problem: Problem, failure: Outcome, rng: Random, report: Report, box: Sequence[Interval] | None) -> None:
    """Add to a report of a wrong derivative where it is wrong, what f says there, and why it may be."""
    line, classification = failure.line, failure.classification
    if line is None or classification is None or line.axis is None:
        names = ", ".join(problem.names[:3])
        report.title = f"the gradient by ({names}{', ...' if len(problem.names) > 3 else ''}) is wrong"
        return
    problem.allow(*_EXPLANATION)
    try:
        found = find_counterexample(problem, line, classification)
        report.witness = found
        report.cause_kind, report.cause = likely_cause(problem, found, line.output, rng)
        if report.cause_kind == "raised":
            report.title, report.cause = report.cause, ""  # the first line, instead of "df/dx is wrong"
        if len(problem.names) <= FEW_INPUTS:
            for axis, name in enumerate(problem.names):
                if axis != line.axis:
                    other = localise_axis(problem, found.point, line.output, axis, rng)
                    found.others[name] = {"correct": "ok", "wrong": "wrong"}.get(other, "undecided")
        found.region = region_of(problem, found, line.output, box)
    except (BudgetSpentError, ShapeError):
        report.note = "the explanation ran out of calls"
    except ArithmeticError:
        report.note = BEYOND_FLOATS


def localise_axis(problem: Problem, point: Point, output: int, axis: int, rng: Random) -> str:
    """Return the verdict on one partial derivative at a point."""
    line, x, reach = axes_through(problem, point, output)[axis]
    return PointCheck(line, x, reach, rng).run().verdict


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


def assert_grad(f: Function, df: Function | None = None, **options: Any) -> Report:
    """Raise `GradientError` if ``df`` is not the derivative of ``f``; the options are those of `check_grad`.

    Returns the report. Where nothing can be decided an `UnresolvedGradientWarning` is given, or, under
    ``--grad-strict``, the error is raised.

    >>> import math
    >>> assert_grad(math.exp, math.exp, at=2.0).verdict
    'correct'
    """
    __tracebackhide__ = True
    return _concluded(check_grad(f, df, **options), f)


def assert_hess(f: Function, df: Function | None = None, ddf: Function | None = None, **options: Any) -> Report:
    """Raise `GradientError` if ``ddf`` is not the second derivative of ``f``, of which ``df`` is the first.

    For several inputs ``ddf`` returns the rows of the Hessian. ``df`` itself is checked first. What is left out is the
    engine's: see `check_hess`.

    >>> assert_hess(lambda x: x**3, lambda x: 3 * x**2, lambda x: 6 * x, at=2.0).verdict
    'correct'
    """
    __tracebackhide__ = True
    assert_grad(f, df, **options)
    return _concluded(check_hess(f, df, ddf, **options), df or f)


def _concluded(report: Report, f: object) -> Report:
    __tracebackhide__ = True
    name = getattr(f, "__name__", repr(f))
    settings.log.append(LogEntry(settings.test, name, report.verdict, report.resolution, str(report.calls)))
    if report.verdict == "wrong" or (report.verdict == "unresolved" and settings.strict):
        raise GradientError(report)
    if report.verdict == "unresolved":
        warnings.warn(f"{name}: {report}", UnresolvedGradientWarning, stacklevel=3)
    return report
