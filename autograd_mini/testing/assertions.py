"""Assertions: a derivative checked in one line of a test, with a message that says where and why it is wrong."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from autograd_mini.testing.checks import check_grad, check_hess
from autograd_mini.testing.settings import Entry, settings

if TYPE_CHECKING:
    from autograd_mini.engine.arguments import Function
    from autograd_mini.testing.report import Report


class GradientError(AssertionError):
    """A derivative is wrong; ``report`` holds all that was found."""

    def __init__(self, report: Report) -> None:
        """Say what the report says."""
        super().__init__(str(report))
        self.report = report


class UnresolvedGradientWarning(UserWarning):
    """A derivative could be called neither right nor wrong."""


def assert_grad(f: Function, df: Function | None = None, **options: Any) -> Report:
    """Raise `GradientError` if ``df`` is not the derivative of ``f``; the options are those of `check_grad`.

    Returns the report. Where nothing can be decided an `UnresolvedGradientWarning` is given, or, under
    ``--grad-strict``, the error is raised.

    >>> import math
    >>> assert_grad(math.exp, math.exp, at=2.0).verdict
    'correct'
    """
    __tracebackhide__ = True
    return _judge(check_grad(f, df, **options), f)


def assert_hess(f: Function, df: Function | None = None, ddf: Function | None = None, **options: Any) -> Report:
    """Raise `GradientError` if ``ddf`` is not the second derivative of ``f``, of which ``df`` is the first.

    For several inputs ``ddf`` returns the rows of the Hessian. ``df`` itself is checked first. What is left out is the
    engine's: see `check_hess`.

    >>> assert_hess(lambda x: x**3, lambda x: 3 * x**2, lambda x: 6 * x, at=2.0).verdict
    'correct'
    """
    __tracebackhide__ = True
    assert_grad(f, df, **options)
    return _judge(check_hess(f, df, ddf, **options), df or f)


def _judge(report: Report, f: object) -> Report:
    __tracebackhide__ = True
    name = getattr(f, "__name__", repr(f))
    settings.log.append(Entry(settings.test, name, report.verdict, report.resolution, str(report.calls)))
    if report.verdict == "wrong" or (report.verdict == "unresolved" and settings.strict):
        raise GradientError(report)
    if report.verdict == "unresolved":
        warnings.warn(f"{name}: {report}", UnresolvedGradientWarning, stacklevel=3)
    return report
