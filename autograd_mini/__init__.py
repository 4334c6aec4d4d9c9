"""A scalar reverse-mode automatic differentiation engine with a tiny neural-network layer.

    >>> from autograd_mini import Value
    >>> a, b = Value(-4.0, label="a"), Value(2.0, label="b")
    >>> c = (a * b + b**3).tanh() / (1 + a.exp())
    >>> c.backward()
    >>> a.grad
    1.964027580075817

The engine is imported at once. Networks, training, data sets and pictures are imported when they are first named, so
that `import autograd_mini` stays light.
"""

from __future__ import annotations

from autograd_mini.engine import copying as copying  # teaches Value to be copied and pickled
from autograd_mini.engine import functions
from autograd_mini.engine.choice import where
from autograd_mini.engine.functions import *  # noqa: F403 - the operations: `functions.__all__` lists them
from autograd_mini.engine.graph import gradient, order
from autograd_mini.engine.operation import operation
from autograd_mini.engine.recording import is_recording, no_grad
from autograd_mini.engine.value import Parameter, Value
from autograd_mini.errors import FormulaError, StaleValueError, TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini import compiler, datasets, diagnosis, nn, optim, testing, train, transforms, viz
    from autograd_mini.compiler import jit
    from autograd_mini.diagnosis import anomaly, doctor, origin, place_of
    from autograd_mini.errors import AnomalyError, DiagnosisWarning, DivergedError, ModelFormatError
    from autograd_mini.files import load
    from autograd_mini.nn import MLP, Layer, Module, Neuron
    from autograd_mini.notation import latex, sympy
    from autograd_mini.train import History, evaluate, fit
    from autograd_mini.transforms import (
        checkpoint,
        custom_gradient,
        derivative,
        grad,
        hessian,
        hvp,
        jacobian,
        jvp,
        stop_gradient,
        taylor,
        value_and_grad,
        vjp,
    )
    from autograd_mini.viz import animate, descend, diff, draw, explain, explore, plot, step, steps, trace

__version__ = "0.1.0"

_HOMES = {
    "datasets": "datasets",
    "diagnosis": "diagnosis",
    "compiler": "compiler",
    "jit": "compiler",
    "nn": "nn",
    "optim": "optim",
    "train": "train",
    "viz": "viz",
    "testing": "testing",
    "transforms": "transforms",
    "plot": "viz.plot",
    "Module": "nn",
    "Neuron": "nn",
    "Layer": "nn",
    "MLP": "nn",
    "fit": "train",
    "evaluate": "train",
    "History": "train",
    "load": "files",
    "ModelFormatError": "errors",
    "checkpoint": "transforms",
    "custom_gradient": "transforms",
    "derivative": "transforms",
    "grad": "transforms",
    "hessian": "transforms",
    "hvp": "transforms",
    "jacobian": "transforms",
    "jvp": "transforms",
    "stop_gradient": "transforms",
    "taylor": "transforms",
    "value_and_grad": "transforms",
    "vjp": "transforms",
    "latex": "reading",
    "sympy": "reading",
    "draw": "viz",
    "diff": "viz",
    "steps": "viz",
    "trace": "viz",
    "explain": "viz",
    "step": "viz",
    "animate": "viz",
    "descend": "viz",
    "explore": "viz",
    "DivergedError": "errors",
    "anomaly": "diagnosis",
    "doctor": "diagnosis",
    "origin": "diagnosis",
    "place_of": "diagnosis",
    "AnomalyError": "errors",
    "DiagnosisWarning": "errors",
}
"""The module that each name imported on first use comes from."""

__all__ = [
    "FormulaError",
    "Parameter",
    "StaleValueError",
    "TracingError",
    "Value",
    "gradient",
    "is_recording",
    "no_grad",
    "operation",
    "order",
    "where",
]
__all__ += functions.__all__
__all__ += [name for name, home in _HOMES.items() if name != home.rpartition(".")[2]]


def __getattr__(name: str) -> object:
    """Import a name on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'autograd_mini' has no attribute {name!r}")
    from importlib import import_module

    home = import_module(f"autograd_mini.{_HOMES[name]}")
    found: object = home if name == _HOMES[name].rpartition(".")[2] else getattr(home, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List what there is, imported or not."""
    return sorted({*globals(), *__all__})
