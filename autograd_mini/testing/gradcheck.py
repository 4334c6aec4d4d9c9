"""A gradient check: `check_grad` decides whether a derivative is right, and `assert_grad` makes it a test."""

from __future__ import annotations

import inspect
import math
import warnings
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING, Any

from autograd_mini.engine.checks import check_function, real_number
from autograd_mini.testing.adapters import adapt
from autograd_mini.testing.arguments import Arguments, engine_derivative
from autograd_mini.testing.domain import example_within, intervals, intervals_of
from autograd_mini.testing.explanation import explain, remark
from autograd_mini.testing.libraries import compare_batched, leaves
from autograd_mini.testing.problem import BudgetSpentError, ShapeError, located, why_stopped
from autograd_mini.testing.report import Calls, LogEntry, Report, settings
from autograd_mini.testing.search import FAULTS, Decision, arrays_in, check_anywhere, check_at, check_over, constants_in
from autograd_mini.testing.signatures import arity, by_position, methods_of, taken_together

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from autograd_mini.engine.checks import Function
    from autograd_mini.testing.arguments import Wrt
    from autograd_mini.testing.problem import Point, Problem


BUDGETS = {"quick": (600, 2000, 1), "normal": (4000, 12000, 2), "thorough": (40000, 120000, 8)}
"""Most calls of f and of df, and lines laid across a domain of several inputs, by the name of a budget."""

LOOSEST = 0.01
"""Worst relative accuracy that a check can be asked to accept."""


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
    df: Function | Literal[True] | None = None,
    *,
    at: Any = None,
    domain: Any = None,
    wrt: Wrt = None,
    to: float | None = None,
    seed: int | None = None,
    budget: str | None = None,
    seconds: float | None = None,
    explained: bool = True,
    batched: bool | Literal["f", "df"] = False,
) -> Report:
    """Compare the derivative ``df`` with the function ``f``, and report.

    Never raises for what ``f`` and ``df`` do. Where ``f`` cannot be evaluated at all, or not at ``at``, the verdict is
    "wrong", for there is nothing that could be right.

    Args:
        f: a function of numbers, or of one list or array, that returns a number or several. One that fails on floats is
            given Values. Also an object that knows its derivative, by methods such as ``loss`` and ``gradient``,
            ``loglike`` and ``score`` or ``deriv`` (see `signatures.METHODS`), or PyTorch's ``autograd.Function``.
        df: a function of the same that returns the partial derivatives (for several outputs, a row for each; of arrays
            that f takes entry by entry, one of its result's shape). True if ``f`` returns its value and its gradient.
            None for an ``f`` on Values, or on PyTorch or JAX arrays, whose own engine's derivative is checked.
        at: the point to check: a number, a list or an array, or, for several arguments, a tuple or a dict by name of
            these, nested or not; for a function of one dict, that. Labels, masks, strings and other objects stay as
            they are, and so do integers beside real numbers, unless ``df`` has a number for these too. The gradient by
            a complex x + iy is df/dx + i df/dy, in JAX df/dx - i df/dy; a complex ``f`` is taken for holomorphic.
        domain: for each input an interval ``(low, high)``, a `logspan` or a Hypothesis strategy. With a point, which
            then says what f takes, also one interval for all of it, or for each argument. With neither a point nor a
            domain, points of many scales are searched.
        wrt: the names or positions of the arguments that vary, or the names of the entries of the one dict; by default
            all that can.
        to: the relative accuracy that ``f`` and ``df`` are computed to, such as 1e-5 for a solver, a quadrature or a
            simulation; by default that of their arithmetic.
        seed: what draws the points; by default that of the test session.
        budget: "quick", "normal" or "thorough": the calls that a decision may take.
        seconds: how long it may take, explanation included; what is not decided by then is unresolved.
        explained: whether a wrong derivative is explained: by up to 3,000 calls of ``f`` and 500 of ``df`` after the
            wrong ones of many inputs are found, and by about 60 altogether where a call is slow. If ``df`` is a Python
            function that stores nothing, copies of it with one index of its source moved by one are called, too.
        batched: whether ``f`` and ``df`` take several points at once, along the first axis of each array that varies
            (a number becomes an array), and return arrays with that axis too; "f" or "df" if only one of them does. The
            points that all inputs are compared at are then computed in a few calls, and the verdict is the same.

    Returns:
        What was found.

    Raises:
        TypeError: for an argument of the wrong kind.
        ValueError: for a setting out of range.

    >>> import math
    >>> check_grad(math.sin, math.cos, at=1.0).verdict
    'correct'
    >>> check_grad(math.sin, lambda x: -math.cos(x), at=1.0).cause
    'the sign is wrong'
    >>> check_grad(lambda x, y: (x * y).tanh(), at=(0.3, 0.7)).verdict
    'correct'

    """
    backward = df is None and isinstance(f, type)  # of PyTorch's Function, which may get batches
    f, df = _functions(f, df, at if isinstance(at, dict) else domain)
    seed = settings.seed if seed is None else seed
    budget = settings.budget if budget is None else budget
    if budget not in BUDGETS:
        raise ValueError(f"budget is {budget!r}, expected one of {', '.join(BUDGETS)}")
    if seconds is not None and not real_number("seconds", seconds) > 0:
        raise ValueError(f"seconds is {seconds!r}, expected a number above 0")
    if to is not None and not 0 < (to if isinstance(to, float) else real_number("to", to)) <= LOOSEST:
        raise ValueError(f"to is {to!r}, expected a relative accuracy above 0, at most {LOOSEST}")
    if batched not in (False, True, "f", "df"):
        raise ValueError(f"batched is {batched!r}, expected True, False, 'f' or 'df'")
    batches = ["f", "df"] if batched is True else [batched] if batched else []
    problem, drawn = _problem(f, df, at, domain, wrt, seed, batches)
    problem.f.budget, problem.df.budget, bases = BUDGETS[budget]
    problem.df.most_faults = None if problem.at is None else FAULTS
    if seconds is not None:
        problem.f.deadline = problem.df.deadline = perf_counter() + seconds
    problem.eps = max(problem.eps, (to or 0.0) / 4)
    report = Report("unresolved", seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a check looks far afield, where f and df may overflow
        try:
            decision = _decide(problem, bases, drawn)
            _conclude(problem, decision, report)
            if decision.failure is not None and explained:
                explain(problem, decision.failure, decision.point, report)
            elif report.verdict != "wrong":
                remark(problem, report, explained=explained)
            arguments = problem.claims.arguments if problem.claims is not None else None
            if backward and report.ok and arguments is not None and arguments.library is not None:
                of_leaves = arguments.of_leaves(f)
                report.note = compare_batched(of_leaves, arguments.leaves_of(arguments.example)) or report.note
        except ShapeError as error:
            report.verdict, report.title, report.cause_kind = "wrong", str(error), "shape"
    report.calls = Calls(problem.f.calls, problem.df.calls)
    if problem.claims is not None and not report.note:
        report.note = problem.claims.remark
    return report


def _problem(
    f: Function, df: Function | None, at: Any, domain: Any, wrt: Any, seed: int, batches: Sequence[str]
) -> tuple[Problem, Sequence[Point]]:
    """Return the problem of a function and a derivative, and points to check it at besides, drawn by strategies."""
    box, drawn = intervals(f, domain, seed) if domain is not None and at is None else ([], [])
    if box:
        middle = tuple(interval.at(0.5) for interval in box)
        example = example_within(f, middle, batched="f" in batches) if df is not None else middle
    else:
        example = (1.0,) * (arity(f) or arity(df) or 1) if at is None else at
    arguments = Arguments(f, example, wrt) if batches else _arguments(f, df, example, wrt)
    if domain is not None and at is not None:
        box, drawn = intervals_of(arguments, domain, seed)
    problem = adapt(f, df, arguments, batches)
    problem.at, problem.box, problem.rng = None if box or at is None else arguments.numbers, box, Random(f"{seed}")
    problem.constants = constants_in(f, df)
    problem.sizes, problem.arrays = arrays_in(inspect.unwrap(f), arguments.example)
    return problem, drawn


def _decide(problem: Problem, bases: int, drawn: Sequence[Point]) -> Decision:
    """Return the decision of a check at a point, over a box and at drawn points of it, or at points of many scales."""
    try:
        if problem.at is not None:
            return check_at(problem, problem.at)
        return check_over(problem, bases, drawn) if problem.box else check_anywhere(problem)
    except BudgetSpentError as error:
        return Decision(note=why_stopped(error), spent=True)


def _functions(f: Any, df: Any, given: Any) -> tuple[Function, Function | None]:
    """Return a function and its derivative: of an object with both as methods, or of what returns both, by position."""
    if isinstance(f, type) and hasattr(f, "apply"):  # PyTorch's Function
        f = f.apply
    if df is True:
        check_function("f", f)
        f, df = taken_together(f)
    elif df is None and (found := methods_of(f)):
        f, df = found[:2]
    return by_position((f, df), given if isinstance(given, dict) else None)  # type: ignore[return-value]


def _arguments(f: Function, df: Function | None, at: Any, wrt: Wrt) -> Arguments:
    """Return the arguments by an example; integers beside real numbers vary if df has a number for each of them too."""
    arguments = Arguments(f, at, wrt)
    if wrt is not None or df is None or not arguments.mixed:
        return arguments
    whole = Arguments(f, at, integers=True)
    try:
        outputs, partials = len(leaves(f(*whole.example), "f")), len(leaves(df(*whole.example), "df"))
    except Exception:  # noqa: BLE001 - what they raise is for the check to report
        return arguments
    return whole if partials == outputs * len(whole.numbers) else arguments


def _conclude(problem: Problem, decision: Decision, report: Report) -> None:
    """Fill a report with a decision; what could not be evaluated at all, or not where it was asked for, is wrong."""
    outcomes = decision.outcomes
    report.verdict, report.note = decision.verdict, decision.note
    verified = [o for o in outcomes if o.verdict == "correct"]
    report.resolution = max((o.resolution for o in verified), default=math.inf)
    report.coverage = sum(o.coverage for o in verified) / len(outcomes) if outcomes else 0.0
    missing, what = problem.not_finite(), "function"
    faults = problem.f.faults if missing is not None else []
    fault = next((fault for fault in faults if problem.at in (None, fault.where)), None)
    if fault is not None:
        kind, cause, place = "raised", f"f raised {fault}", fault.where
    elif missing is not None:
        kind, cause, place = "not finite", "f is not a finite real number", missing
    elif problem.df.faults and problem.gradient_never_worked():
        fault, what, decision.failure = problem.df.faults[0], "derivative", None
        kind, cause, place = "raised", f"df raised {fault}", fault.where
    else:
        return
    report.verdict, report.title = "wrong", f"the {what} cannot be evaluated"
    report.cause_kind, report.cause = kind, f"{cause} at {located(problem.names, place)}"


def check_hess(f: Function, df: Function | None = None, ddf: Function | None = None, **options: Any) -> Report:
    """Compare second derivatives ``ddf`` (rows of the Hessian) with the gradient ``df``.

    Args:
        f: a function of numbers, or of one list or array; or an object that knows its derivatives: see `check_grad`.
        df: its gradient; None for the engine's.
        ddf: the rows of its Hessian; None for the engine's derivative of ``df``, which is compared with ``f`` first.
        options: those of `check_grad`.

    Returns:
        What was found.

    >>> check_hess(lambda x: x**3, lambda x: 3 * x**2, lambda x: 6 * x, at=2.0).verdict
    'correct'
    >>> check_hess(lambda x, y: x.sin() * y, at=(0.3, 0.7)).verdict
    'correct'

    """
    if df is not None and ddf is None:
        report = check_grad(f, df, **options)
        if report.verdict == "wrong":
            report.cause = ", or ".join(filter(None, (report.cause, "df is the Hessian, expected as ddf")))
            return report
    df, ddf = _second(f, df, ddf)
    if df is None and options.get("batched"):
        raise ValueError("batched is given without df, expected the gradient too, of which ddf is the derivative")
    return check_grad(df or _gradient(f, options), ddf, **options)


def _second(f: Any, df: Function | None, ddf: Function | None) -> tuple[Function | None, Function | None]:
    """Return a gradient and a Hessian, those that are missing by an object's methods."""
    if df is None and ddf is None:
        df, ddf = (*methods_of(f)[1:3], None, None)[:2]
    return df, ddf


def _gradient(f: Function, options: dict[str, Any]) -> Function:
    """Return the derivative of ``f`` by the library of what it is given, or by the engine."""
    at = options.get("at")
    f, _ = _functions(f, f, at)
    return engine_derivative(f) if at is None else Arguments(f, at, options.get("wrt")).differentiate(f)


def assert_grad(f: Function, df: Function | Literal[True] | None = None, **options: Any) -> Report:
    """Raise `GradientError` if ``df`` is not the derivative of ``f``.

    Where nothing can be decided an `UnresolvedGradientWarning` is given, or, under ``--grad-strict``, the error is
    raised.

    Args:
        f: a function of numbers, or of one list or array.
        df: its derivative; None for the engine's.
        options: those of `check_grad`.

    Returns:
        What was found.

    Raises:
        GradientError: if the derivative is wrong.

    >>> import math
    >>> assert_grad(math.exp, math.exp, at=2.0).verdict
    'correct'

    """
    __tracebackhide__ = True
    return _concluded(check_grad(f, df, **options), f)


def assert_hess(f: Function, df: Function | None = None, ddf: Function | None = None, **options: Any) -> Report:
    """Raise `GradientError` if ``ddf`` is not the second derivative of ``f``, of which ``df`` is the first.

    ``df`` itself is checked first.

    Args:
        f: a function of numbers, or of one list or array.
        df: its gradient; None for the engine's.
        ddf: the rows of its Hessian; None for the engine's derivative of ``df``.
        options: those of `check_grad`.

    Returns:
        What was found.

    Raises:
        GradientError: if one of the derivatives is wrong.

    >>> assert_hess(lambda x: x**3, lambda x: 3 * x**2, lambda x: 6 * x, at=2.0).verdict
    'correct'

    """
    __tracebackhide__ = True
    df, ddf = _second(f, df, ddf)
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
