"""A multi-layer perceptron: layers in a row, each on the outputs of the one before."""

from __future__ import annotations

from itertools import pairwise

from autograd_mini.engine.versions import TrackedList
from autograd_mini.nn.activations import activation_of
from autograd_mini.nn.initialisers import randomness
from autograd_mini.nn.layers import Layer, label, width
from autograd_mini.nn.module import Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike
    from typing import Any

    from autograd_mini.nn.activations import Activation
    from autograd_mini.nn.initialisers import Initialiser, Randomness
    from autograd_mini.nn.sample import Inputs


class MLP(Module):
    """A multi-layer perceptron with `nin` inputs and a layer for each number of `nouts`.

    Args:
        nin: the number of inputs.
        nouts: the number of neurons of each layer; the last is the number of outputs.
        activation: the activation of every layer but the last: a name of `ACTIVATIONS` or a function of a Value.
        output: the activation of the last layer; none by default.
        init: how the weights start: a name of `INITIALISERS` or a function; the uniform distribution on (-1, 1) by
            default. Biases start at 0.
        seed: a whole number for the same weights in every process; None to draw them from the module `random`, in
            micrograd's order, so that after `random.seed(1337)` they are micrograd's.

    Attributes:
        layers: the layers. Their parameters are labelled as textbooks do, all indices from 1: "w[l][j][k]" is the
            weight of layer l to neuron j from neuron k of the layer before, "b[l][j]" the bias.
        metadata: what the file that the model was loaded from says about it; a dict for your own notes.

    Raises:
        ValueError: if a size is below 1, there is no layer, or a name is unknown.

    >>> model = MLP(2, [2, 1], activation="tanh", seed=0)
    >>> model
    MLP of [Layer of [TanhNeuron(2), TanhNeuron(2)], Layer of [LinearNeuron(2)]]
    >>> model([1.0, -2.0])
    Value(data=-0.13427866827159807)
    >>> [p.label for p in model.parameters()]
    ['w[1][1][1]', 'w[1][1][2]', 'b[1][1]',
     'w[1][2][1]', 'w[1][2][2]', 'b[1][2]',
     'w[2][1][1]', 'w[2][1][2]', 'b[2][1]']

    """

    def __init__(
        self,
        nin: int,
        nouts: Iterable[int],
        activation: Activation | None = "relu",
        output: Activation | None = None,
        init: str | Initialiser | None = None,
        seed: int | Randomness | None = None,
    ) -> None:
        try:
            widths = [width("nin", nin), *(width("every width in nouts", nout) for nout in nouts)]
        except TypeError:
            if hasattr(nouts, "__iter__"):
                raise
            raise TypeError(f"nouts lists the widths of the layers; got {nouts!r}: write [{nouts!r}]") from None
        if len(widths) == 1:
            raise ValueError("nouts is empty, but a network has at least one layer: MLP(nin, [1])")
        activation, output = activation_of(activation), activation_of(output, "output")
        rng, last = randomness(seed), len(widths) - 2
        self.layers: list[Layer] = TrackedList(
            [
                Layer(fan_in, nout, activation=output if index == last else activation, init=init, seed=rng)
                for index, (fan_in, nout) in enumerate(pairwise(widths))
            ]
        )
        self.metadata: dict[str, Any] = {}
        for index, layer in enumerate(self.layers, start=1):
            for j, neuron in enumerate(layer.neurons, start=1):
                label(neuron, f"[{index}][{j}]")

    def __call__(self, x: Inputs) -> Any:
        """Return the outputs for one sample: a list of Values, or the Value itself if there is one output.

        Args:
            x: `nin` numbers or Values, in a list, tuple, generator or array of one dimension; a single one may stand
                alone.

        Raises:
            ValueError: if there are more or fewer than `nin`.
            TypeError: if one of them is no number.

        """
        y: Any = x
        for layer in self.layers:
            y = layer(y)
        return y

    def matrices(self) -> tuple[list[list[list[float]]], list[list[float]]]:
        """Return the numbers of all weights and biases as lists W, b, one entry a layer.

        W[i] has one row a neuron and one column an input, b[i] one number a neuron; a layer computes
        activation(W[i] x + b[i]). Python counts from 0, so W[0][0][1] is the number of the weight "w[1][1][2]".

        >>> W, b = MLP(2, [1], seed=0).matrices()
        >>> W, b
        ([[[0.6888437030500962, 0.515908805880605]]], [[0.0]])

        """
        weights = [[[w.data for w in neuron.w] for neuron in layer.neurons] for layer in self.layers]
        return weights, [[neuron.b.data for neuron in layer.neurons] for layer in self.layers]

    def save(
        self, path: str | PathLike[str], metadata: dict[str, Any] | None = None, *, nonfinite: bool = False
    ) -> None:
        """Write the model to a file, for `load`; see `files` for the format.

        The file is written whole or not at all: if anything goes wrong, one that was there before stays as it was.

        Args:
            path: where. A file there is replaced. If the name ends in ".safetensors", the format is that one, for
                exchange with PyTorch; it needs pip install 'autograd_mini[safetensors]'. Otherwise it is JSON.
            metadata: what to note down with it: a dict of text, numbers, lists and dicts, such as JSON holds. By
                default the model's own `metadata`.
            nonfinite: whether to write parameters that are nan or infinite.

        Raises:
            ValueError: if a parameter is nan or infinite, or the model is not made of what a file can name.
            TypeError: if there is something in `metadata` that JSON does not hold.
            ImportError: if the package safetensors is needed and not installed.
            OSError: if the file cannot be written.

        """
        from autograd_mini.files import save  # `files` builds on this module; json and re are slow to import

        save(self, path, metadata, nonfinite=nonfinite)

    def __repr__(self) -> str:
        """Show the layers, as micrograd does."""
        return f"MLP of [{', '.join(map(repr, self.layers))}]"
