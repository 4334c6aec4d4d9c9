"""A test of a hand-written derivative, as pytest runs it."""

import math

import numpy as np
from numpy.typing import NDArray

from autograd_mini.testing import Report, assert_grad, assert_hess, check_grad, check_modes, logspan, mutants

Array = NDArray[np.float64]


def loss(w: Array) -> float:
    return float((w**2).sum())


def gradient(w: Array) -> Array:
    return 2 * w


def both(w: Array) -> tuple[float, Array]:
    return loss(w), gradient(w)


def minus_sine(x: float) -> float:
    return -math.sin(x)


def inverse(x: float) -> float:
    return 1 / x


def test_the_gradient_is_right() -> None:
    assert_grad(loss, gradient, at=np.array([0.2, -0.4]))
    assert_grad(both, True, at=np.array([0.2, -0.4]))
    assert_grad(lambda x: x**3, lambda x: 3 * x**2, at=2.0)
    assert_hess(math.sin, math.cos, minus_sine, at=1.0)


report: Report = check_grad(math.log, inverse, domain=logspan(0.1, 10.0))
ok: bool = report.ok
living: list[str] = [mutant.operand for mutant in mutants(test_the_gradient_is_right, of=gradient) if mutant.lives]
modes: bool = check_modes(inverse, at=2.0).ok
test_the_gradient_is_right()
