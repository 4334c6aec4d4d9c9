"""A layer: neurons side by side, each with weights, a bias and an activation, all on the same inputs."""

from __future__ import annotations

from operator import mul

from autograd_mini.engine.arguments import whole_number
from autograd_mini.engine.checks import number
from autograd_mini.engine.value import Parameter
from autograd_mini.nn.activations import activate, activation_of, title
from autograd_mini.nn.initialisers import initialiser, randomness
from autograd_mini.nn.module import Module
from autograd_mini.nn.sample import sample

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from autograd_mini.nn.activations import Activation
    from autograd_mini.nn.initialisers import Initialiser, Randomness
    from autograd_mini.nn.sample import Inputs


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
        nin = width("nin", nin)
        if not isinstance(nonlin, bool):
            raise TypeError(
                f"nonlin is True or False; got {nonlin!r}: an activation is given by name, activation={nonlin!r}"
            )
        self.activation = activation if nonlin else None
        draw, rng = initialiser(init), randomness(seed)
        self.w = [Parameter(number(draw(rng, nin, fan_out), "what init returned")) for _ in range(nin)]
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

    def __call__(self, x: Inputs) -> Any:
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
            raise ValueError(f"{self!r} takes {len(w)} inputs; got {len(x)}")
        return activate(self._activation, sum(map(mul, w, x), self.b))

    def __repr__(self) -> str:
        """Show the activation and the number of inputs, as micrograd does."""
        return f"{title(self._activation)}Neuron({len(self.w)})"


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
        nout, rng = width("nout", nout), randomness(seed)
        self.neurons = [
            Neuron(nin, nonlin, activation=activation, init=init, seed=rng, fan_out=nout) for _ in range(nout)
        ]
        for j, neuron in enumerate(self.neurons, start=1):
            label(neuron, f"[{j}]")

    def __call__(self, x: Inputs) -> Any:
        """Return the list of outputs; of a layer with one neuron the output itself. For `x` see `Neuron`."""
        x = sample(x)
        outputs = [neuron(x) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self) -> str:
        """Show the neurons, as micrograd does."""
        return f"Layer of [{', '.join(map(repr, self.neurons))}]"


def label(neuron: Neuron, place: str) -> None:
    """Label a neuron's parameters with its place in the network, such as "[2][1]": "w[2][1][3]" and "b[2][1]"."""
    for k, weight in enumerate(neuron.w, start=1):
        weight.label = f"w{place}[{k}]"
    neuron.b.label = f"b{place}"


def width(argument: str, value: int) -> int:
    """Return a number of inputs or of neurons, or raise an error that names the argument."""
    if isinstance(value, bool):
        raise TypeError(f"{argument} is {value!r}, but expected a whole number (an int)")
    value = whole_number(argument, value)
    if value < 1:
        raise ValueError(f"{argument} is {value}, but expected at least 1")
    return value
