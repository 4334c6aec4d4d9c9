"""Programs with a derivative by hand, each as it should be and with one mistake, gathered by the kind of the mistake.

Nothing here knows the checker. A program is a function of whether it is mistaken that returns f, its derivative (None
where f carries its own) and a point. Of those in PyTorch and JAX, the ones whose library is missing are left out.
"""

from __future__ import annotations

from collections import defaultdict
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Program = Callable[[bool], tuple[Any, Any, Any]]

PROGRAMS: dict[str, list[Program]] = defaultdict(list)
"""The programs by kind of mistake."""
MODULES = (
    "mistakes_of_caches",
    "mistakes_of_last_calls",
    "mistakes_of_arithmetic",
    "mistakes_of_shape",
    "mistakes_of_means",
    "mistakes_of_scale",
    "mistakes_of_indices",
    "mistakes_of_algebra",
    "mistakes_of_stores",
    "mistakes_of_loops",
)
"""The modules that hold them."""


NAMES = {
    "stale cache": {"stale"},
    "last call": {"state"},
    "randomness": {"random"},
    "float32": {"precision"},
    "transposed": {"transposed"},
    "off by one": {"shift"},
    "off by one in a loop": {"shift", "missing term", "exponent"},
    "missing mean": {"mean"},
    "sign": {"sign"},
    "factor": {"factor"},
    "missing term": {"missing term", "factor"},
    "swapped arguments": {"swap"},
}
"""What a checker may name each kind: a term, a factor or a power, too, where that is what mends the derivative."""

UNNAMED = {"mask_of_the_first_point"}
"""The programs whose mistake is not named: it is right wherever the signs are those of its point."""


def logistic(z: Any) -> Any:
    """Return the logistic function of an array."""
    return 1 / (1 + np.exp(-z))


def program(kind: str, *, needs: str = "numpy") -> Callable[[Program], Program]:
    """Return what enters a program under a kind of mistake, if the library that it needs is there."""

    def enter(made: Program) -> Program:
        if find_spec(needs):
            PROGRAMS[kind].append(made)
        return made

    return enter


def gathered() -> dict[str, list[Program]]:
    """Return all programs by kind."""
    if find_spec("jax"):
        import_module("jax").config.update("jax_enable_x64", True)
    for module in MODULES:
        import_module(module)
    return PROGRAMS
