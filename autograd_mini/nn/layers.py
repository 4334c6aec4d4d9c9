"""A layer: neurons side by side, each with weights, a bias and an activation, all on the same inputs.

An activation is a function of one number, given by name or as a callable. The names are those of the table of
operations: every operation of one operand, and every one that has a default for the second, a user's own included.
"linear" is none at all.
"""

from __future__ import annotations

from operator import mul

from autograd_mini.engine import functions
from autograd_mini.engine.checks import number, whole_number
from autograd_mini.engine.ops import TABLE
from autograd_mini.engine.value import Parameter
from autograd_mini.engine.versions import TrackedList, tracked
from autograd_mini.nn.initialisers import initialiser, randomness
from autograd_mini.nn.module import Module, sample

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from autograd_mini.engine.value import Value
    from autograd_mini.nn.initialisers import Initialiser, Randomness
    from autograd_mini.nn.module import Inputs

    Activation = str | Callable[[Any], Any]

ACTIVATIONS = ("linear", *[name for name, row in TABLE.items() if row.activation])
"""The names that are in use as activations; `known` takes others too."""

_TITLES = {"relu": "ReLU", "leaky_relu": "LeakyReLU", "elu": "ELU", "gelu": "GELU", "silu": "SiLU"}


def known(name: str) -> bool:
    """Return whether a name can stand for an activation."""
    row = TABLE.get(name)
    return name == "linear" or (row is not None and (len(row.operands) == 1 or row.default is not None))


def activation_of(activation: Activation | None, argument: str = "activation") -> Activation:
    """Return an activation as its name where it has one, else as the callable that it is; None is "linear".

    >>> activation_of(functions.tanh)
    'tanh'

    """
    if activation is None:
        return "linear"
    if isinstance(activation, str):
        if not known(activation):
            raise ValueError(
                f"{argument} is {activation!r}, expected one of {', '.join(ACTIVATIONS)}, or any other operation of "
                "one operand (autograd_mini.operation adds your own), or a function of a Value"
            )
        return activation
    if not callable(activation):
        raise TypeError(f"{argument} is {activation!r}, expected a name such as 'relu' or a function of a Value")
    name = getattr(activation, "__name__", "")
    homes = (functions, functions.ON_VALUES) if known(name) else ()
    return name if any(getattr(home, name, None) is activation for home in homes) else activation


def activate(activation: Activation, x: Any) -> Any:
    """Apply an activation that `activation_of` returned."""
    if activation == "linear":
        return x
    return getattr(functions.ON_VALUES, activation)(x) if isinstance(activation, str) else activation(x)


def title(activation: Activation) -> str:
    """Return how a neuron with this activation is called: "LeakyReLU", "Linear", "Tanh", or the function's own name."""
    if isinstance(activation, str):
        return _TITLES.get(activation) or "".join(word.capitalize() for word in activation.split("_"))
    return str(getattr(activation, "__name__", type(activation).__name__))


@tracked
class Neuron(Module):
    """A neuron: activation(b + w[0] x[0] + w[1] x[1] + …).

    Args:
        nin: the number of inputs, one weight each.
        nonlin: False for no activation, as micrograd has it.
        activation: a name such as "relu" or "tanh" (see `ACTIVATIONS`), or a function of a Value; None for none.
        init: how the weights start: a name of `INITIALISERS` or a function; None for the uniform distribution on
            (-1, 1). The bias starts at 0.
        seed: a whole number for the same weights every time; None to draw them from the module `random`.
        fan_out: how many neurons the layer has, which some initialisers ask.

    Attributes:
        w: the weights, Parameters labelled "w[1]", "w[2]", … (`Layer` and `MLP` put their own indices first).
        b: the bias, labelled "b".
        activation: its name where it has one, else the function; "linear" for none. It may be assigned.

    Raises:
        ValueError: if `nin` is below 1, or a name unknown.

    >>> Neuron(3, activation="tanh", seed=0)
    TanhNeuron(3)
    >>> Neuron(2, nonlin=False, init="zeros")([1.0, 2.0]).data
    0.0

    """

    _activation: Activation = "relu"  # for a subclass with a constructor of its own

    def __init__(
        self,
        nin: int,
        nonlin: bool = True,  # noqa: FBT001, FBT002 - micrograd's signature
        *,
        activation: Activation | None = "relu",
        init: str | Initialiser | None = None,
        seed: int | Randomness | None = None,
        fan_out: int = 1,
    ) -> None:
        nin = whole_number("nin", nin, 1)
        if not isinstance(nonlin, bool):
            raise TypeError(
                f"nonlin is {nonlin!r}, expected True or False: an activation is given by name, activation={nonlin!r}"
            )
        self.activation = activation if nonlin else None
        draw, rng = initialiser(init), randomness(seed)
        self.w: list[Parameter] = TrackedList(
            [Parameter(number(draw(rng, nin, fan_out), "what init returned")) for _ in range(nin)]
        )
        self.b = Parameter(0.0)
        label(self, "")

    @property
    def activation(self) -> Activation:
        """The name of the activation, or the function if it has none; "linear" for none."""
        return self._activation

    @activation.setter
    def activation(self, activation: Activation | None) -> None:
        self._activation = activation_of(activation)

    @property
    def nonlin(self) -> bool:
        """Whether there is an activation; True brings "relu" back where there was none, as micrograd has it."""
        return self._activation != "linear"

    @nonlin.setter
    def nonlin(self, nonlin: bool) -> None:
        if nonlin != self.nonlin:
            self.activation = "relu" if nonlin else None

    def __call__(self, x: Inputs) -> Value:
        """Return the output, a scalar.

        Args:
            x: `nin` numbers or Values, in a list, tuple, generator or array of one dimension; a single one may stand
                alone.

        Raises:
            ValueError: if there are more or fewer than `nin`.
            TypeError: if one of them is no number.

        """
        x = sample(x)
        w = self.w
        if len(x) != len(w):
            raise ValueError(f"x has {len(x)} numbers, expected the {len(w)} inputs of {self!r}")
        total: Value = sum(map(mul, w, x), self.b)
        output: Value = activate(self._activation, total)
        return output

    def __repr__(self) -> str:
        return f"{title(self._activation)}Neuron({len(self.w)})"


@tracked
class Layer(Module):
    """A layer: `nout` neurons on the same `nin` inputs.

    Args:
        nin: the number of inputs.
        nout: the number of neurons, one output each.
        nonlin: see `Neuron`, as for all that follow.
        activation: the activation of every neuron.
        init: how the weights start.
        seed: a whole number for the same weights every time.

    Attributes:
        neurons: the neurons. Their parameters are labelled "w[j][k]", to neuron j from input k, and "b[j]".

    Raises:
        ValueError: if `nin` or `nout` is below 1, or a name unknown.

    >>> Layer(2, 3)
    Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)]

    """

    def __init__(
        self,
        nin: int,
        nout: int,
        *,
        nonlin: bool = True,
        activation: Activation | None = "relu",
        init: str | Initialiser | None = None,
        seed: int | Randomness | None = None,
    ) -> None:
        nout, rng = whole_number("nout", nout, 1), randomness(seed)
        self.neurons: list[Neuron] = TrackedList(
            [Neuron(nin, nonlin, activation=activation, init=init, seed=rng, fan_out=nout) for _ in range(nout)]
        )
        for j, neuron in enumerate(self.neurons, start=1):
            label(neuron, f"[{j}]")

    def __call__(self, x: Inputs) -> Any:
        """Return the list of outputs; of a layer with one neuron the output itself. For `x` see `Neuron`."""
        x = sample(x)
        outputs = [neuron(x) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(repr, self.neurons))}]"


def label(neuron: Neuron, place: str) -> None:
    """Label a neuron's parameters with its place in the network, such as "[2][1]": "w[2][1][3]" and "b[2][1]"."""
    for k, weight in enumerate(neuron.w, start=1):
        weight.label = f"w{place}[{k}]"
    neuron.b.label = f"b{place}"
