"""Testing derivatives: a check without a tolerance, for any function and any gradient written by hand.

>>> from autograd_mini.testing import check_grad
>>> report = check_grad(lambda x, y: x * y, lambda x, y: (y, x), at=(1.2, -0.7))
>>> report.ok, report.coverage
(True, 1.0)
"""

from autograd_mini.testing.gradcheck import (
    GradientError,
    UnresolvedGradientWarning,
    assert_grad,
    assert_hess,
    check_grad,
    check_hess,
)
from autograd_mini.testing.gradtest import gradtest
from autograd_mini.testing.line import logspan
from autograd_mini.testing.linear import assert_adjoint, check_adjoint, check_hvp, check_jvp, check_modes, check_vjp
from autograd_mini.testing.mutation import Mutant, mutants
from autograd_mini.testing.report import Report

__all__ = [
    "GradientError",
    "Mutant",
    "Report",
    "UnresolvedGradientWarning",
    "assert_adjoint",
    "assert_grad",
    "assert_hess",
    "check_adjoint",
    "check_grad",
    "check_hess",
    "check_hvp",
    "check_jvp",
    "check_modes",
    "check_vjp",
    "gradtest",
    "logspan",
    "mutants",
]
