"""An activation: the function of one number that a neuron applies to its weighted sum, by name or as a callable.

The names are those of the table of operations: every operation of one operand, and every one that has a default for the
second, a user's own included. "linear" is none at all.
"""

from __future__ import annotations

from autograd_mini.engine import functions
from autograd_mini.engine.ops import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Activation = str | Callable[[Any], Any]

ACTIVATIONS = ("linear", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "sigmoid", "tanh", "sin")
"""The names that are in use as activations; `known` takes others too."""

_TITLES = {"relu": "ReLU", "leaky_relu": "LeakyReLU", "elu": "ELU", "gelu": "GELU", "silu": "SiLU"}


def known(name: str) -> bool:
    """Return whether a name can stand for an activation."""
    row = TABLE.get(name)
    return name == "linear" or (row is not None and (len(row.operands) == 1 or row.default is not None))


def activation_of(activation: Activation | None, argument: str = "activation") -> Activation:
    """Return an activation as its name where it has one, else as the callable that it is; None is "linear".

    Raises:
        ValueError: if the name is unknown.
        TypeError: if it is neither a name nor callable.

    >>> activation_of(functions.tanh)
    'tanh'

    """
    if activation is None:
        return "linear"
    if isinstance(activation, str):
        if not known(activation):
            raise ValueError(
                f"{argument} {activation!r} is unknown; it is one of {', '.join(ACTIVATIONS)}, or any other operation "
                "of one operand (autograd_mini.operation adds your own), or a function of a Value"
            )
        return activation
    if not callable(activation):
        raise TypeError(f"{argument} is a name such as 'relu' or a function of a Value; got {activation!r}")
    name = getattr(activation, "__name__", "")
    homes = (functions, functions.ON_VALUES) if known(name) else ()
    return name if any(getattr(home, name, None) is activation for home in homes) else activation


def activate(activation: Activation, x: Any) -> Any:
    """Apply an activation that `activation_of` returned."""
    if activation == "linear":
        return x
    return getattr(functions.ON_VALUES, activation)(x) if isinstance(activation, str) else activation(x)


def title(activation: Activation) -> str:
    """Return how a neuron with this activation is called: "ReLU", "Linear", "Tanh", or the function's own name.

    >>> title("leaky_relu")
    'LeakyReLU'

    """
    if isinstance(activation, str):
        return _TITLES.get(activation) or "".join(word.capitalize() for word in activation.split("_"))
    return str(getattr(activation, "__name__", type(activation).__name__))
