"""Given to an optimiser of SciPy's, which has no types."""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from typing import Any

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped, unused-ignore]  # pyright: ignore[reportMissingTypeStubs]

import autograd_mini as ag


def bowl(x: Any) -> Any:
    return (x[0] - 1.0) ** 2 + (x[1] + 2.0) ** 2


found: Any = minimize(ag.value_and_grad(bowl), np.zeros(2), jac=True)
assert np.allclose(found.x, [1.0, -2.0], atol=1e-4)
