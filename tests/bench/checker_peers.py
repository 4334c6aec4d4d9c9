"""Peers: the derivative checkers people use, each called with its defaults, where it can be imported."""

from __future__ import annotations

import importlib
import importlib.util
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from checker_corpus import Case

_SCIPY_TOLERANCE = 1e-6


def _counted(function: Any, counts: list[int], index: int) -> Any:
    def counting(*arguments: Any) -> Any:
        counts[index] += 1
        return function(*arguments)

    return counting


def _torch(case: Case, gradient: Any, point: tuple[float, ...]) -> tuple[str, int, int]:
    torch = importlib.import_module("torch")
    counts = [0, 0]
    f, g = _counted(case.function(), counts, 0), _counted(gradient, counts, 1)

    class Operation(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return torch.tensor(float(f(*x.tolist())), dtype=torch.float64)

        @staticmethod
        def backward(ctx: Any, adjoint: Any) -> Any:
            (x,) = ctx.saved_tensors
            return torch.tensor([float(p) for p in g(*x.tolist())], dtype=torch.float64) * adjoint

    x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
    try:
        fine = torch.autograd.gradcheck(Operation.apply, (x,), raise_exception=False)
    except Exception:  # noqa: BLE001 - a peer that raises has not called the derivative right
        fine = False
    return ("correct" if fine else "wrong"), *counts  # type: ignore[return-value]


def _jax(case: Case, gradient: Any, point: tuple[float, ...]) -> tuple[str, int, int]:
    jax = importlib.import_module("jax")
    numpy = importlib.import_module("numpy")
    util = importlib.import_module("jax.test_util")
    jax.config.update("jax_enable_x64", True)
    counts = [0, 0]
    f, g = _counted(case.function(), counts, 0), _counted(gradient, counts, 1)
    scalar, row = jax.ShapeDtypeStruct((), "float64"), jax.ShapeDtypeStruct((len(point),), "float64")

    @jax.custom_vjp
    def operation(x: Any) -> Any:
        return jax.pure_callback(lambda v: numpy.float64(f(*map(float, v))), scalar, x)

    def backward(x: Any, adjoint: Any) -> Any:
        return (jax.pure_callback(lambda v: numpy.array([float(p) for p in g(*map(float, v))]), row, x) * adjoint,)

    operation.defvjp(lambda x: (operation(x), x), backward)
    try:
        util.check_grads(operation, (numpy.array(point),), order=1, modes=["rev"])
    except Exception:  # noqa: BLE001 - a peer that raises has not called the derivative right
        return "wrong", *counts  # type: ignore[return-value]
    return "correct", *counts  # type: ignore[return-value]


def _scipy(case: Case, gradient: Any, point: tuple[float, ...]) -> tuple[str, int, int]:
    optimize = importlib.import_module("scipy.optimize")
    numpy = importlib.import_module("numpy")
    counts = [0, 0]
    f, g = _counted(case.function(), counts, 0), _counted(gradient, counts, 1)
    try:
        error = optimize.check_grad(
            lambda v: f(*map(float, v)), lambda v: numpy.array([float(p) for p in g(*map(float, v))]), point
        )
    except Exception:  # noqa: BLE001 - a peer that raises has not called the derivative right
        error = math.inf
    return ("correct" if error <= _SCIPY_TOLERANCE else "wrong"), *counts  # type: ignore[return-value]


def _numdifftools(case: Case, gradient: Any, point: tuple[float, ...]) -> tuple[str, int, int]:
    numdifftools = importlib.import_module("numdifftools")
    numpy = importlib.import_module("numpy")
    counts = [0, 0]
    f, g = _counted(case.function(), counts, 0), _counted(gradient, counts, 1)
    try:
        measured = numdifftools.Gradient(lambda v: f(*map(float, v)))(list(point))
        fine = bool(numpy.allclose(measured, [float(p) for p in g(*point)], rtol=1e-5, atol=1e-8))
    except Exception:  # noqa: BLE001 - a peer that raises has not called the derivative right
        fine = False
    return ("correct" if fine else "wrong"), *counts  # type: ignore[return-value]


def peers() -> dict[str, Callable[..., tuple[str, int, int]]]:
    """Return the peers whose packages can be imported; scipy at 1e-6, numdifftools at NumPy's allclose."""
    found = {"torch gradcheck": ("torch", _torch), "jax check_grads": ("jax", _jax)}
    found |= {"scipy check_grad": ("scipy", _scipy), "numdifftools": ("numdifftools", _numdifftools)}
    return {name: check for name, (package, check) in found.items() if importlib.util.find_spec(package)}
