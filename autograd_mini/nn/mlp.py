"""A multi-layer perceptron (MLP): layers one after another, each on the outputs of the one before; kept in a file."""

from __future__ import annotations

from itertools import pairwise

from autograd_mini.engine.checks import whole_number
from autograd_mini.engine.versions import TrackedList
from autograd_mini.errors import ModelFormatError, shortened
from autograd_mini.nn.initialisers import randomness
from autograd_mini.nn.layers import Layer, Neuron, activation_of, known, label
from autograd_mini.nn.module import Module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from os import PathLike
    from typing import Any

    from autograd_mini.nn.initialisers import Initialiser, Randomness
    from autograd_mini.nn.layers import Activation
    from autograd_mini.nn.module import Inputs


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
        if not hasattr(nouts, "__iter__"):
            raise TypeError(f"nouts is {nouts!r}, expected the widths of the layers: write [{nouts!r}]")
        widths = [whole_number("nin", nin, 1), *(whole_number("every width in nouts", nout, 1) for nout in nouts)]
        if len(widths) == 1:
            raise ValueError("nouts is empty, expected a width for each layer, and at least one: MLP(nin, [1])")
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

        For `x`, and what is raised, see `Neuron`.
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
        from autograd_mini import files  # json and re are slow to import

        metadata = self.metadata if metadata is None else metadata
        if not isinstance(metadata, dict):
            raise TypeError(f"metadata is {metadata!r} of type {type(metadata).__name__}, expected a dict")
        files.require(path)
        files.write(path, self._architecture(), self.matrices(), metadata, nonfinite=nonfinite)

    def export(
        self, path: str | PathLike[str], *, name: str = "", dtype: str = "float", notes: Sequence[str] = ()
    ) -> None:
        """Write the model for another program: the outputs, and in C the gradients too.

        Args:
            path: where. A name that ends in ".h" is a header for C99 and C++ that needs nothing but the C library. One
                in ".onnx" is an ONNX model from x, of shape (batch, inputs), to y, of shape (batch, outputs), for any
                batch; it needs pip install 'autograd_mini[onnx]'.
            name: what the function, or the graph, is called; the file's own name if that is one in C.
            dtype: "float" or "double".
            notes: lines of text for the readers of the file.

        Raises:
            ValueError: if the name ends otherwise, C does not take it, the dtype is another, or the model is not made
                of what a file can name.
            ImportError: if the package onnx is needed and not installed.
            OSError: if the file cannot be written.

        """
        from autograd_mini.compiler.export.perceptron import written
        from autograd_mini.files import storage

        storage.write(path, written(path, self._architecture(), self.matrices(), name=name, dtype=dtype, notes=notes))

    def _architecture(self) -> dict[str, Any]:
        """Return the sizes and the activations as a file has them."""
        nin, *nouts = _sizes(self)
        activations = []
        for index, layer in enumerate(self.layers):
            used = list(dict.fromkeys(neuron.activation for neuron in layer.neurons))
            if len(used) > 1 or not isinstance(used[0], str):
                raise ValueError(
                    f"the neurons of layers[{index}] have the activation {', '.join(map(str, used))}, but a file holds "
                    "one name a layer: define the function by autograd_mini.operation and give its name, or " + _WAY_OUT
                )
            activations.append(used[0])
        return {"kind": "MLP", "nin": nin, "nouts": nouts, "activations": activations}

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(repr, self.layers))}]"


def load(path: str | PathLike[str], *, into: MLP | None = None, nonfinite: bool = False) -> MLP:
    """Return the model that `MLP.save` wrote to a file: the same bits in every parameter, and its `metadata`.

    Args:
        path: the file.
        into: a model of the same shape to take the parameters, and nothing else, in place of a new one. It is what a
            ".safetensors" file from elsewhere needs, which says nothing of activations; its tensors are named
            "layers.0.weight", "layers.0.bias", "layers.1.weight" and so on, with any text before the numbers and any
            gaps between them, as PyTorch names the `Linear` modules of a `Sequential`.
        nonfinite: whether to take parameters that are nan or infinite.

    Raises:
        ModelFormatError: if it is no such file, or one from a newer version.
        ValueError: if the file is in order, but `into` has another shape or other activations.
        ImportError: if the file is one of ".safetensors", and the package safetensors is not installed.
        OSError: if it cannot be read.

    >>> from tempfile import TemporaryDirectory
    >>> from autograd_mini.nn import MLP
    >>> with TemporaryDirectory() as folder:
    ...     MLP(2, [1], seed=0).save(f"{folder}/model.json", metadata={"task": "xor"})
    ...     load(f"{folder}/model.json").metadata
    {'task': 'xor'}

    """
    from os import fsdecode

    from autograd_mini import files  # json and re are slow to import
    from autograd_mini.optim.parameters import set_data

    architecture, (weights, biases), metadata = files.read(path, alone=into is None, nonfinite=nonfinite)
    nin, nouts, activations = architecture["nin"], architecture["nouts"], architecture.get("activations", ())
    model = into
    if model is None:
        for name in activations:
            if not known(name):
                raise ModelFormatError(
                    f"{fsdecode(path)} is no model file that can be read here: the activation {name[:50]!r} is "
                    "unknown; define it first, by autograd_mini.operation"
                )
        model = MLP(nin, nouts, init="zeros")
        model.metadata = metadata
        for layer, activation in zip(model.layers, activations, strict=True):
            for neuron in layer.neurons:
                neuron.activation = activation
    elif why := _unfit(model, [nin, *nouts], activations):
        raise ValueError(f"{fsdecode(path)} does not fit the model: {why}")
    parameters, numbers = [], []
    for layer, rows, column in zip(model.layers, weights, biases, strict=True):
        for neuron, row, bias in zip(layer.neurons, rows, column, strict=True):
            parameters += [*neuron.w, neuron.b]
            numbers += [*row, bias]
    set_data(parameters, numbers)
    return model


_WAY_OUT = "keep the numbers, from matrices(), in a file of your own"


def _sizes(model: MLP) -> list[int]:
    """Return how many inputs there are and how many neurons each layer has; a ValueError for what is no plain MLP."""
    _only(MLP, [model])
    _only(Layer, model.layers)
    for layer in model.layers:
        _only(Neuron, layer.neurons)
    sizes = [len(model.layers[0].neurons[0].w), *(len(layer.neurons) for layer in model.layers)]
    for index, (layer, fan_in) in enumerate(zip(model.layers, sizes, strict=False)):
        found = [len(neuron.w) for neuron in layer.neurons]
        if any(size != fan_in for size in found):
            raise ValueError(f"layers[{index}] has neurons of {found} weights where {fan_in} are needed: {_WAY_OUT}")
    return sizes


def _only(kind: type, parts: Sequence[object]) -> None:
    for part in parts:
        if type(part) is not kind:
            raise ValueError(
                f"a file holds an MLP of Layers of Neurons, but one {kind.__name__} is a {type(part).__name__}: "
                + _WAY_OUT
            )
    if not parts:
        raise ValueError(f"a file holds at least one {kind.__name__} in every part, but here there is none")


def _unfit(model: MLP, there: list[int], activations: Sequence[str]) -> str | None:
    """Return why numbers of these sizes and activations are none for a model; None if they are."""
    here = _sizes(model)
    if here != there:
        found, wanted = (shortened("-".join(map(str, sizes))) for sizes in (there, here))
        return f"it has layers of {found} units, but the model of {wanted}"
    for index, (layer, name) in enumerate(zip(model.layers, activations, strict=False)):
        for neuron in layer.neurons:
            if neuron.activation != name:
                return (
                    f"layers[{index}] has the activation {name[:50]!r}, but that of the model is "
                    f"{neuron.activation!r}: assign it first, or load a new model"
                )
    return None
