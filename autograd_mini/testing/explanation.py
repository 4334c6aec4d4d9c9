"""An explanation: where a derivative is wrong, at numbers of few digits, what f says there, and the likely cause."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from autograd_mini.testing.causes import SAMPLES, TO_SINGLE, Cause
from autograd_mini.testing.counterexample import SINGLE_PRECISION, Partial
from autograd_mini.testing.point import PointCheck
from autograd_mini.testing.problem import BudgetSpentError, ShapeError, why_stopped
from autograd_mini.testing.search import FEW_INPUTS, axes_through

if TYPE_CHECKING:
    from autograd_mini.testing.point import Outcome
    from autograd_mini.testing.problem import Problem
    from autograd_mini.testing.report import Report

_CALLS = (3000, 500)
"""Most further calls of f and of df."""
_SECONDS, _FEWEST = 4.0, 20
"""Seconds that the calls of each may take, and how many may be made however long they take."""


def explain(problem: Problem, failure: Outcome, report: Report) -> None:
    """Add to a report of a wrong derivative where it is wrong, what f says there, and why it may be."""
    line, classification = failure.line, failure.classification
    if line is None or classification is None or line.axis is None or not isinstance(line.output, int):
        names = ", ".join(problem.names[:3])
        report.title = f"the gradient by ({names}{', ...' if len(problem.names) > 3 else ''}) is wrong"
        return
    prices = problem.f.price, problem.df.price
    limits = (min(most, int(_SECONDS / max(price, 1e-9))) for most, price in zip(_CALLS, prices, strict=True))
    problem.allow(*(max(_FEWEST, limit) for limit in limits))
    try:
        partial = Partial(problem, line.axis, line.output)
        report.witness = found = partial.counterexample(line, classification)
        report.cause_kind, report.cause = Cause(partial, found).likely()
        if report.cause_kind == "raised":
            report.title, report.cause = report.cause, ""  # the first line, instead of "df/dx is wrong"
        few = len(found.point) <= FEW_INPUTS
        for axis, other in enumerate(axes_through(problem, found.point, line.output) if few else ()):
            if axis != line.axis:
                verdict = PointCheck(other).run().verdict
                found.others[problem.names[axis]] = {"correct": "ok", "wrong": "wrong"}.get(verdict, "undecided")
        found.region = partial.region(found)
    except (BudgetSpentError, ShapeError):
        report.note = "the explanation ran out of calls"
    except ArithmeticError as error:
        report.note = why_stopped(error)


def remark(problem: Problem, verdict: str) -> tuple[str, str]:
    """Return the kind of a flaw that leaves a derivative correct or undecided at a point, and a sentence about it."""
    if verdict == "correct":
        known = [rows for rows in islice(problem.df.known.values(), 4) if rows is not None]
        numbers = {float(p) for rows in known for row in islice(rows, 4) for p in islice(row, 4)}
        long = [n for n in numbers if float(f"{n:.9g}") != n]
        if problem.eps < SINGLE_PRECISION and len(long) >= SAMPLES // 2 and all(TO_SINGLE(n) == n for n in numbers):
            return "precision", "df computes in single precision: about 7 digits of the derivative are right"
    elif problem.at is not None:
        with suppress(BudgetSpentError, ShapeError):
            problem.allow(2, 2)
            for name, callee in (("f", problem.f), ("df", problem.df)):
                first, second = (callee.again(problem.at) for _ in range(2))
                if repr(first) != repr(second):
                    return "random", f"{name} draws random numbers: two calls at one point differ"
    return "", ""
