"""A network as a document, and back: its architecture by name, its parameters as lists of numbers."""

from __future__ import annotations

from itertools import chain

from autograd_mini.files.documents import shown
from autograd_mini.files.schema import check_architecture, check_header, checked_parameters, member
from autograd_mini.nn.activations import known
from autograd_mini.nn.layers import Layer, Neuron
from autograd_mini.nn.mlp import MLP
from autograd_mini.optim.parameters import set_data

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Numbers = tuple[list[list[list[float]]], list[list[float]]]

WAY_OUT = "keep the numbers, from matrices(), in a file of your own"


def architecture_of(model: MLP) -> dict[str, Any]:
    """Describe a network for a file, or raise a ValueError that says why a file cannot hold it."""
    fan_ins, nouts = shape_of(model)
    activations = []
    for index, layer in enumerate(model.layers):
        used = list(dict.fromkeys(neuron.activation for neuron in layer.neurons))
        if len(used) > 1 or not isinstance(used[0], str):
            raise ValueError(
                f"the neurons of layers[{index}] have the activation {', '.join(map(str, used))}, but a file holds one "
                "name a layer: define the function by autograd_mini.operation and give its name, or " + WAY_OUT
            )
        activations.append(used[0])
    return {"kind": "MLP", "nin": fan_ins[0], "nouts": nouts, "activations": activations}


def shape_of(model: MLP) -> tuple[list[int], list[int]]:
    """Return how many inputs and how many neurons each layer has, or raise a ValueError for what is no plain MLP."""
    _only(MLP, [model])
    _only(Layer, model.layers)
    for layer in model.layers:
        _only(Neuron, layer.neurons)
    sizes = [[len(neuron.w) for neuron in layer.neurons] for layer in model.layers]
    fan_ins = [sizes[0][0], *map(len, sizes[:-1])]
    for index, fan_in in enumerate(fan_ins):
        if any(size != fan_in for size in sizes[index]):
            raise ValueError(
                f"layers[{index}] has neurons of {sizes[index]} weights where {fan_in} are needed: {WAY_OUT}"
            )
    return fan_ins, [*map(len, sizes)]


def _only(kind: type, parts: Sequence[object]) -> None:
    for part in parts:
        if type(part) is not kind:
            raise ValueError(
                f"a file holds an MLP of Layers of Neurons, but one {kind.__name__} is a {type(part).__name__}: "
                + WAY_OUT
            )
    if not parts:
        raise ValueError(f"a file holds at least one {kind.__name__} in every part, but here there is none")


def parameter_count(architecture: dict[str, Any]) -> int:
    """Return how many parameters a network of a checked architecture has."""
    fan_ins = [architecture["nin"], *architecture["nouts"]]
    return sum((fan_in + 1) * nout for fan_in, nout in zip(fan_ins, architecture["nouts"], strict=False))


def checked(document: Any, *, nonfinite: bool) -> tuple[dict[str, Any], Numbers, dict[str, Any]]:
    """Return the architecture, the numbers and the metadata of a document, if all that it says is as it must be."""
    check_header(document)
    architecture = member(document, "architecture", dict)
    check_architecture(architecture)
    numbers = checked_parameters(member(document, "parameters", dict), architecture, nonfinite=nonfinite)
    return architecture, numbers, member(document, "metadata", dict) if "metadata" in document else {}


def built(architecture: dict[str, Any], numbers: Numbers, metadata: dict[str, Any]) -> MLP:
    """Return the network of a checked document."""
    for name in architecture["activations"]:
        if not known(name):
            raise ValueError(f"the activation {shown(name)} is unknown; define it first, by autograd_mini.operation")
    model = MLP(architecture["nin"], architecture["nouts"], init="zeros")
    for layer, activation in zip(model.layers, architecture["activations"], strict=True):
        for neuron in layer.neurons:
            neuron.activation = activation
    model.metadata = metadata
    fill(model, numbers)
    return model


def fill(model: MLP, numbers: Numbers) -> None:
    """Give every parameter of a network its number, all of them or, if it is interrupted, none."""
    rows = chain.from_iterable(
        zip(layer.neurons, weights, biases, strict=True)
        for layer, weights, biases in zip(model.layers, *numbers, strict=True)
    )
    pairs = [pair for neuron, row, bias in rows for pair in (*zip(neuron.w, row, strict=True), (neuron.b, bias))]
    set_data([parameter for parameter, _ in pairs], [number for _, number in pairs])


def check_fit(model: MLP, architecture: dict[str, Any]) -> None:
    """Raise a ValueError unless numbers of this architecture are numbers for this network."""
    fan_ins, nouts = shape_of(model)
    here, there = (fan_ins[0], *nouts), (architecture["nin"], *architecture["nouts"])
    if here != there:
        raise ValueError(f"it has layers of {_dashed(there)} units, but the model of {_dashed(here)}")
    for index, (layer, name) in enumerate(zip(model.layers, architecture.get("activations", ()), strict=False)):
        for neuron in layer.neurons:
            if neuron.activation != name:
                raise ValueError(
                    f"layers[{index}] has the activation {shown(name)}, but that of the model is "
                    f"{shown(neuron.activation)}: assign it first, or load a new model"
                )


def _dashed(sizes: Sequence[int]) -> str:
    """Return sizes as textbooks write those of a network: 2-16-16-1."""
    text = "-".join(map(str, sizes))
    return text if len(text) <= 60 else f"{text[:50]}…"
