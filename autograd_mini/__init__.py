"""A scalar reverse-mode automatic differentiation engine with a tiny neural-network layer.

    >>> from autograd_mini import Value
    >>> a, b = Value(-1.5, label="a"), Value(1.5, label="b")
    >>> c = (a * b + b**3).tanh() / (1 + a.exp())
    >>> c.backward()
    >>> a.grad
    0.30242937919369417

The engine is imported at once. Networks, training, data sets and pictures are imported when they are first named, so
that `import autograd_mini` stays light.
"""

from __future__ import annotations

from autograd_mini import viz  # its names alone; what draws is imported when it is used
from autograd_mini.engine import copying as copying  # teaches Value to be copied and pickled
from autograd_mini.engine import functions
from autograd_mini.engine.functions import *  # noqa: F403 - the operations: `functions.__all__` lists them
from autograd_mini.engine.functions import operation
from autograd_mini.engine.graph import gradient, order
from autograd_mini.engine.hooks import is_recording, no_grad
from autograd_mini.engine.locations import user_instruction
from autograd_mini.engine.operators import take, where
from autograd_mini.engine.value import Parameter, Value
from autograd_mini.errors import FormulaError, StaleValueError, TracingError

TYPE_CHECKING: bool = False
if TYPE_CHECKING:
    from autograd_mini import compiler, datasets, diagnosis, nn, optim, testing, train, transforms
    from autograd_mini.compiler import jit, replay
    from autograd_mini.diagnosis import anomaly, doctor, origin, place_of
    from autograd_mini.engine.methods import *  # noqa: F403 - the operations, as type checkers and editors see them
    from autograd_mini.errors import AnomalyError, DiagnosisWarning, DivergedError, ModelFormatError
    from autograd_mini.nn import MLP, Layer, Module, Neuron, load
    from autograd_mini.notation import latex, sympy
    from autograd_mini.rows import scan
    from autograd_mini.train import History, evaluate, fit
    from autograd_mini.transforms import *  # noqa: F403 - as above
    from autograd_mini.viz import *  # noqa: F403 - as above

__version__ = "0.1.0"

_HOMES = {
    name: home
    for home, names in {
        "compiler": ("compiler", "jit", "replay"),
        "datasets": ("datasets",),
        "diagnosis": ("anomaly", "diagnosis", "doctor", "origin", "place_of"),
        "errors": ("AnomalyError", "DiagnosisWarning", "DivergedError", "ModelFormatError"),
        "nn": ("MLP", "Layer", "Module", "Neuron", "load", "nn"),
        "notation": ("latex", "sympy"),
        "optim": ("optim",),
        "testing": ("testing",),
        "rows": ("scan",),
        "train": ("History", "evaluate", "fit", "train"),
        "transforms": (
            *("custom_gradient", "derivative", "grad", "hessian", "hvp", "jacobian", "jvp", "remat"),
            *("stop_gradient", "taylor", "transforms", "value_and_grad", "vjp"),
        ),
        "viz": viz.__all__,
    }.items()
    for name in names
}
"""The module that each name imported on first use comes from; viz has such a table too."""

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
    "take",
    "viz",
    "where",
]
__all__ += functions.__all__
if TYPE_CHECKING:
    __all__ += [
        "MLP",
        "AnomalyError",
        "DiagnosisWarning",
        "DivergedError",
        "History",
        "Layer",
        "ModelFormatError",
        "Module",
        "Neuron",
        "anomaly",
        "compiler",
        "datasets",
        "diagnosis",
        "doctor",
        "evaluate",
        "fit",
        "jit",
        "latex",
        "load",
        "nn",
        "optim",
        "origin",
        "place_of",
        "replay",
        "scan",
        "sympy",
        "testing",
        "train",
        "transforms",
    ]
    __all__ += transforms.__all__
    __all__ += viz.__all__
else:  # a slip of the pen would be a name to them
    __all__ += _HOMES

    def __getattr__(name: str) -> object:
        """Import a name on first use."""
        if name not in _HOMES:
            hint = _hint(name)
            if hint and user_instruction() == "IMPORT_FROM":  # Python would drop the hint of an AttributeError
                raise ImportError(f"cannot import name {name!r} from 'autograd_mini'{hint}", name=__name__)
            raise AttributeError(f"module 'autograd_mini' has no attribute {name!r}{hint}", name=name)
        from importlib import import_module

        home = import_module(f"autograd_mini.{_HOMES[name]}")
        found: object = home if name == _HOMES[name].rpartition(".")[2] else getattr(home, name)
        globals()[name] = found
        return found


_ELSEWHERE = {
    "Variable": "a number that is differentiated is autograd_mini.Value",
    "Scalar": "a number that is differentiated is autograd_mini.Value",
    "Tensor": "a number that is differentiated is autograd_mini.Value, several are a list or an array of them",
    "tensor": "a number that is differentiated is autograd_mini.Value, several are a list or an array of them",
    "Function": "an operation of one's own is autograd_mini.operation or autograd_mini.custom_gradient",
    "ScalarFunction": "an operation of one's own is autograd_mini.operation or autograd_mini.custom_gradient",
    "elementwise_grad": "for arrays it is autograd_mini.grad(lambda x: np.sum(f(x)))",
    "using_config": "without a graph is autograd_mini.no_grad",
}
"""What the names of other engines are here."""


def _hint(name: str) -> str:
    """Return the end of a sentence that says where a name is, or which are near; nothing for one of Python's own."""
    if name.startswith("_"):
        return ""
    from difflib import get_close_matches
    from importlib import import_module

    from autograd_mini.engine.operators import NUMPY_NAMES

    if name in NUMPY_NAMES:
        return f": it is autograd_mini.{NUMPY_NAMES[name]}"
    if name in _ELSEWHERE:
        return f": {_ELSEWHERE[name]}"
    known = {given.lower(): given for given in __all__}
    for place in dict.fromkeys((*_HOMES.values(), "viz.plot")):
        public = getattr(import_module(f"autograd_mini.{place}"), "__all__", ())
        names = [given for given in public if given not in __all__]
        if name in names:
            return f": it is autograd_mini.{place}.{name}"
        known = {given.lower(): f"{place}.{given}" for given in names} | known
    near = get_close_matches(name.lower(), known, n=3)
    return f": {' or '.join(repr(known[given]) for given in near)} is near" if near else ""


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
