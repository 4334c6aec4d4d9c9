"""An explanation: where a derivative is wrong, at numbers of few digits, what f says there, and the likely cause."""

from __future__ import annotations

import math
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, cast

from autograd_mini.testing.causes import SINGLE_DIGITS, TO_SINGLE, Cause
from autograd_mini.testing.counterexample import SAMPLES, SINGLE_PRECISION, Partial
from autograd_mini.testing.line import first_reach
from autograd_mini.testing.localisation import localised
from autograd_mini.testing.point import PointCheck
from autograd_mini.testing.problem import BudgetSpentError, ShapeError, TimeSpentError, located, why_stopped
from autograd_mini.testing.repeatability import unsteady
from autograd_mini.testing.search import FEW_INPUTS, axes_through

if TYPE_CHECKING:
    from autograd_mini.testing.line import Line
    from autograd_mini.testing.point import Outcome
    from autograd_mini.testing.problem import Point, Problem
    from autograd_mini.testing.report import Report
    from autograd_mini.testing.residuals import Classification

_CALLS, _SCARCE = (3000, 500), 150
"""Most further calls of f and of df, and calls of f below which it has to be sparing."""
_SECONDS, _FEWEST, _EACH_HALVING = 4.0, 60, 8
"""Seconds that the calls of each may take; how many may be made however long they take, and more of many inputs."""
_FINE = 1e-8
"""Resolution below which a right derivative has more digits than single precision."""
_REPEATS = 4
"""Points that tell single precision."""
_COARSE, _LABORIOUS = 1e-7, 200
"""Resolution, and calls of f, from which a right derivative is unusual."""
_REPEATED = 4, 26
"""Calls of f and of df at one point that tell whether they return the same."""
_CHEAP, MOST_MEASURED = 0.01, 3
"""Seconds of a call of f up to which the digits of a right derivative are counted, and of how many partials."""
CLEARLY_IMPRECISE = 50.0
"""Ratio of a claim's error to the measurement's above which it is computed with fewer digits than f."""
_ROUNDING_OF_SINGLE = 1e-9
"""Relative error that numbers of single precision leave, at least."""
_OF_FORMULAS = {"", "sign", "factor", "exponent", "zero", "missing term", "copy", "mean"}
"""Causes that may be those of one branch."""


def explain(problem: Problem, failure: Outcome, point: Point, report: Report) -> None:
    """Add to a report of a wrong derivative where it is wrong, what f says there, and why it may be."""
    prices = problem.f.price, problem.df.price
    limits = [min(most, int(_SECONDS / max(price, 1e-9))) for most, price in zip(_CALLS, prices, strict=True)]
    problem.scarce = limits[0] < _SCARCE
    if problem.scarce:
        halvings = len(problem.names).bit_length() * (len(problem.names) > FEW_INPUTS)
        problem.allow(*(max(_FEWEST + _EACH_HALVING * halvings, limit) for limit in limits))
    try:
        failure, report.wrong = localised(failure, point)
        if not problem.scarce:
            problem.allow(*limits)
            if failure.line is not None and failure.line.axis is None and failure.classification is not None:
                a, b = failure.classification.a, failure.classification.b  # it may be right at the point itself
                failure, report.wrong = localised(failure, failure.line.point(a + (b - a) / 2))
                problem.allow(*limits)
        line, classification = failure.line, failure.classification
        if line is not None and classification is not None and line.axis is not None and isinstance(line.output, int):
            _explain_partial(Partial(problem, line.axis, line.output), failure, report)
    except (BudgetSpentError, ShapeError) as error:
        late = isinstance(error, TimeSpentError)
        report.note = why_stopped(error) if late else "" if report.cause else "the explanation ran out of calls"
    except ArithmeticError as error:
        report.note = why_stopped(error)
    if report.witness is None:
        names = ", ".join(problem.names[:3])
        report.title = f"the gradient by ({names}{', ...' if len(problem.names) > 3 else ''}) is wrong"


def _explain_partial(partial: Partial, failure: Outcome, report: Report) -> None:
    """Add a counterexample of one partial derivative, its cause, and where else it is wrong."""
    line, problem = cast("Line", failure.line), partial.problem
    report.witness = found = partial.counterexample(line, cast("Classification", failure.classification))
    report.cause_kind, report.cause = Cause(partial, found).likely()
    if report.cause_kind == "raised":
        report.title, report.cause = report.cause, ""  # the first line, instead of "df/dx is wrong"
    if problem.scarce:
        return
    found.region, right_elsewhere = partial.region(found)
    if report.cause_kind in _OF_FORMULAS:
        _name_branch(partial, report, right_elsewhere=right_elsewhere)
    few = len(found.point) <= FEW_INPUTS
    for axis, other in enumerate(axes_through(problem, found.point, partial.output) if few else ()):
        if axis != line.axis:
            verdict = PointCheck(other).run().verdict
            found.others[problem.names[axis]] = {"correct": "ok", "wrong": "wrong"}.get(verdict, "undecided")


def _name_branch(partial: Partial, report: Report, *, right_elsewhere: bool) -> None:
    """Say that a mistake is in one branch alone, if the claim is right in another."""
    if right_elsewhere and report.witness is not None and report.witness.region:
        inner = f": {report.cause}" if report.cause else ""
        report.cause_kind, report.cause = "branch", f"one branch alone is wrong{inner}"
    elif not report.cause_kind and report.witness is not None:
        point = partial.is_right_elsewhere(report.witness)
        if point is not None:
            place = located(partial.problem.names, point, partial.axis)
            report.cause_kind, report.cause = "branch", f"one branch alone is wrong: the claim is right at {place}"


def remark(problem: Problem, report: Report, *, explained: bool) -> None:
    """Add to a report of a derivative that is not wrong what is unusual about it.

    Results at the point that differ from call to call are looked for where it is undecided, or was hard to find right:
    what belongs to another point makes it wrong.
    """
    flaw = "", ""
    usual = report.verdict == "correct" and report.resolution < _COARSE and problem.f.points < _LABORIOUS
    if problem.at is not None and not usual:
        point = tuple(map(float, problem.at))
        with suppress(BudgetSpentError, ShapeError):
            problem.allow(*_REPEATED)
            moves = [[first_reach(x) * (2, -2)[(i + side) % 2] for i, x in enumerate(point)] for side in (0, 1)]
            flaw = unsteady(problem, point, [tuple(map(sum, zip(point, move, strict=True))) for move in moves])
    if flaw[0] in {"state", "stale"}:
        report.verdict, report.cause = "wrong", flaw[1]
    elif explained and not flaw[0]:
        flaw = _imprecision(problem, report)
    report.cause_kind, report.note = flaw[0], flaw[1] or report.note


def _is_fine(report: Report) -> bool:
    """Return whether a derivative is right to more digits than single precision has."""
    return report.verdict == "correct" and report.resolution < _FINE


def _imprecision(problem: Problem, report: Report) -> tuple[str, str]:
    """Return "precision" and a sentence if f or df computes with fewer digits than it seems to."""
    fine, double = _is_fine(report), problem.eps < SINGLE_PRECISION
    if report.verdict == "correct" and double and _claims_single(problem):
        return "precision", "df computes in single precision: about 7 digits of the derivative are right"
    if double and not fine and _is_single(problem):
        return (
            "precision",
            "f computes in single precision: about 7 digits of its values are right, and fewer of slopes",
        )
    if problem.at is not None and not fine and report.verdict == "correct" and double and problem.f.price < _CHEAP:
        with suppress(BudgetSpentError, ShapeError):
            problem.allow(32 * MOST_MEASURED, 2 * MOST_MEASURED)
            return _precision_at(problem, problem.at)
    return "", ""


def _claims_single(problem: Problem) -> bool:
    """Return whether df returns numbers of single precision, as far as was seen."""
    known = [rows for rows in islice(problem.df.known.values(), 4) if rows is not None]
    numbers = {float(p) for rows in known for row in islice(rows, 4) for p in islice(row, 4)}
    long = [n for n in numbers if float(f"{n:.9g}") != n]
    return len(long) >= SAMPLES // 2 and all(TO_SINGLE(n) == n for n in numbers)


def _is_single(problem: Problem) -> bool:
    """Return whether f returns numbers of single precision, or rounds its arguments to these, as far as was seen."""
    rows = islice(problem.f.known.items(), 2 * SAMPLES)
    known = {p: v for p, v in rows if v is not None and isinstance(p, tuple) and math.isfinite(v[0])}
    long = {p: v for p, v in known.items() if float(f"{v[0]:.9g}") != v[0]}
    seen = {v[0] for v in long.values()}
    if len(seen) >= SAMPLES // 2 and all(TO_SINGLE(v) == v for v in seen):
        return _stays_single(problem, next(iter(long)))
    rounded = {tuple(map(TO_SINGLE, p)): tuple(v) for p, v in long.items() if tuple(map(TO_SINGLE, p)) != p}
    tried = dict(islice(rounded.items(), _REPEATS))
    if len({*tried.values()}) < _REPEATS - 1:
        return False
    with suppress(BudgetSpentError, ShapeError):
        problem.allow(_REPEATS, 0)
        return all(tuple(problem.f.again(p) or ()) == v for p, v in tried.items())
    return False


def _stays_single(problem: Problem, point: Point) -> bool:
    """Return whether f returns numbers of single precision beside a point too, where sums of short numbers are long."""
    with suppress(BudgetSpentError, ShapeError):
        problem.allow(_REPEATS, 0)
        moved = [tuple(x * (1 + problem.rng.uniform(1e-3, 1e-2)) for x in point) for _ in range(_REPEATS)]
        return all(TO_SINGLE(v) == v for p in moved for v in islice(problem.f.again(p) or (), 4))
    return False


def _precision_at(problem: Problem, point: Point) -> tuple[str, str]:
    """Return how many digits of a claim are right, if it has fewer than f shows."""
    gaps = []
    for axis in range(min(len(point), MOST_MEASURED)):
        partial = Partial(problem, axis, 0)
        found, claim = partial.measured(point, first_reach(float(point[axis])) / 4), partial.claimed(point)
        gap = abs(found.value - claim)
        if not (math.isfinite(found.error) and claim):
            continue
        if gap > CLEARLY_IMPRECISE * max(found.error, 2.0**-52 * abs(claim)):
            gaps.append(gap / abs(claim))
    if gaps and _ROUNDING_OF_SINGLE < max(gaps) < SINGLE_DIGITS:
        digits = math.floor(-math.log10(max(gaps)))
        return "precision", f"df agrees with f to {digits} digits: a part of it is computed in single precision"
    return "", ""
