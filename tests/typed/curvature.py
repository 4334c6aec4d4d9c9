"""Second derivatives with NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import autograd_mini as ag

x: NDArray[np.float64] = np.array([1.0, 2.0])


def rosenbrock(x: Any) -> Any:
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


slope: NDArray[np.float64] = ag.grad(rosenbrock)(x)
value, same = ag.value_and_grad(rosenbrock)(x)
curvature: NDArray[np.float64] = ag.hessian(rosenbrock)(x)
product: NDArray[np.float64] = ag.hvp(rosenbrock)(x, np.array([1.0, 0.0]))
jacobian: NDArray[np.float64] = ag.jacobian(rosenbrock)(x)
height: float = value
print(np.linalg.eigvalsh(curvature), slope, same, product, jacobian, height)
out, pull = ag.vjp(rosenbrock, x)
print(out, pull(1.0), ag.jvp(rosenbrock, (x,), (x,)))
