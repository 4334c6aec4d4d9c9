"""A model file: a JSON document with the architecture of a network and the numbers of its parameters.

    {
    "format": "autograd_mini model",
    "version": 1,
    "architecture": {"kind": "MLP", "nin": 2, "nouts": [3, 1], "activations": ["relu", "linear"]},
    "parameters": {"W": [[[0.5, -1.25], [0.1, 0.0], [1.0, 2.0]], [[0.25, -0.5, 1.5]]], "b": [[0.0, 0.5, 0.0], [-1.0]]},
    "metadata": {}
    }

- `architecture`: `nouts` and `activations` have one entry a layer. An activation is an operation of the table, or
  "linear".
- `parameters`: W has for each layer one row a neuron with one number an input, b for each layer one number a neuron. A
  number is the shortest decimal that gives the same float back. Parameters that are not finite are the texts "nan",
  "inf" and "-inf", written and read only on request.
- `metadata`: whatever its writer wants to note, such as a JSON object holds. It may be left out.
- Other members are for later versions, for example the state of an optimiser; a reader leaves out what it does not
  know. A version that readers of version 1 would misunderstand has a higher number, and they refuse it.

A file is read without trust. Nothing in it is run. Its bytes, its depth, its names and its shapes are checked before a
network is built, and memory and time stay in proportion to the size that its architecture justifies: a file of more
than `SMALL` bytes begins with format, version and architecture, in this order, so that the reader knows from the head
how long the rest may be.
"""

from __future__ import annotations

import json
import os
import re

from autograd_mini.errors import ModelFormatError
from autograd_mini.files import storage
from autograd_mini.files.documents import DEEPEST, parse, plain, shown
from autograd_mini.files.schema import (
    FORMAT,
    VERSION,
    check_architecture,
    check_header,
    checked_parameters,
    member,
    written,
)
from autograd_mini.nn.activations import known
from autograd_mini.nn.layers import Layer, Neuron
from autograd_mini.nn.mlp import MLP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike
    from typing import Any

SMALL = 256 * 1024
"""Bytes that any model file may have, and that one may have beside its parameters."""
PER_PARAMETER = 128
"""Bytes more for each parameter: a number takes at most 26; indentation and the state of an optimiser want room too."""
LARGEST = 64 * 1024 * 1024
"""Bytes that no model file may exceed."""
HEAD = 64 * 1024
"""Bytes from the beginning within which the architecture of a larger file stands."""

_HEAD = re.compile(
    rb'\s*\{\s*"format"\s*:\s*"autograd_mini model"\s*,\s*"version"\s*:\s*([0-9]+)\s*,'
    rb'\s*"architecture"\s*:\s*(\{[^{}]*\})'
)


def save(
    model: MLP, path: str | PathLike[str], metadata: dict[str, Any] | None = None, *, nonfinite: bool = False
) -> None:
    """Write a model file, whole or not at all: what `MLP.save` does, which says more."""
    metadata = model.metadata if metadata is None else metadata
    if not isinstance(metadata, dict):
        raise TypeError(f"metadata is a dict; got {metadata!r} of type {type(metadata).__name__}")
    architecture = _architecture(model)
    weights, biases = model.matrices()
    document = {
        "format": FORMAT,
        "version": VERSION,
        "architecture": architecture,
        "parameters": {"W": written(weights, "W", nonfinite=nonfinite), "b": written(biases, "b", nonfinite=nonfinite)},
        "metadata": plain(metadata, "metadata", DEEPEST - 1),
    }
    members = [f"{json.dumps(name)}: {json.dumps(held, allow_nan=False)}" for name, held in document.items()]
    data = ("{\n" + ",\n".join(members) + "\n}\n").encode()
    if len(data) > (allowed := _allowed(data[:HEAD])):
        raise ValueError(
            f"the file would have {len(data)} bytes, {len(members[-1])} of them metadata, but a file with these "
            f"parameters has at most {allowed}: note down less, or {_WAY_OUT}"
        )
    storage.write(path, data)


def load(path: str | PathLike[str], *, nonfinite: bool = False) -> MLP:
    """Return the model that `MLP.save` wrote to a file: the same bits in every parameter, and its `metadata`.

    Args:
        path: the file.
        nonfinite: whether to take parameters that are nan or infinite.

    Raises:
        ModelFormatError: if it is no such file, or one from a newer version.
        OSError: if it cannot be read.

    """
    try:
        return _model(parse(storage.read(path, HEAD, _allowed)), nonfinite=nonfinite)
    except ValueError as error:
        raise ModelFormatError(f"{os.fsdecode(path)} is no model file that can be read here: {error}") from None


def _model(document: Any, *, nonfinite: bool) -> MLP:
    """Check all that a document says, then build the model."""
    check_header(document)
    architecture = member(document, "architecture", dict)
    check_architecture(architecture)
    weights, biases = checked_parameters(member(document, "parameters", dict), architecture, nonfinite=nonfinite)
    metadata = member(document, "metadata", dict) if "metadata" in document else {}
    for name in architecture["activations"]:
        if not known(name):
            raise ValueError(f"the activation {shown(name)} is unknown; define it first, by autograd_mini.operation")
    model = MLP(architecture["nin"], architecture["nouts"], init="zeros")
    for layer, activation, rows, numbers in zip(
        model.layers, architecture["activations"], weights, biases, strict=True
    ):
        for neuron, row, bias in zip(layer.neurons, rows, numbers, strict=True):
            neuron.activation = activation
            neuron.b.data = bias
            for weight, number in zip(neuron.w, row, strict=True):
                weight.data = number
    model.metadata = metadata
    return model


def _allowed(head: bytes) -> int:
    """Return how many bytes a file may have that begins like this."""
    if len(head) < HEAD:
        return SMALL
    start = _HEAD.match(head)
    if start is None:
        return SMALL
    check_header(parse(b'{"format": "autograd_mini model", "version": %b}' % start[1]))
    architecture = parse(start[2])
    check_architecture(architecture)
    fan_ins = [architecture["nin"], *architecture["nouts"]]
    count = sum((fan_in + 1) * nout for fan_in, nout in zip(fan_ins, architecture["nouts"], strict=False))
    allowed: int = min(LARGEST, SMALL + PER_PARAMETER * count)
    return allowed


_WAY_OUT = "keep the numbers, from matrices(), in a file of your own"


def _architecture(model: MLP) -> dict[str, Any]:
    """Describe a model for a file, or raise an error that says why a file cannot hold it."""
    _only(MLP, [model])
    _only(Layer, model.layers)
    for layer in model.layers:
        _only(Neuron, layer.neurons)
    sizes = [[len(neuron.w) for neuron in layer.neurons] for layer in model.layers]
    fan_ins = [sizes[0][0], *map(len, sizes[:-1])]
    activations = []
    for index, (layer, fan_in) in enumerate(zip(model.layers, fan_ins, strict=True)):
        if any(size != fan_in for size in sizes[index]):
            raise ValueError(
                f"layers[{index}] has neurons of {sizes[index]} weights where {fan_in} are needed: {_WAY_OUT}"
            )
        used = list(dict.fromkeys(neuron.activation for neuron in layer.neurons))
        if len(used) > 1 or not isinstance(used[0], str):
            raise ValueError(
                f"the neurons of layers[{index}] have the activation {', '.join(map(str, used))}, but a file holds one "
                "name a layer: define the function by autograd_mini.operation and give its name, or " + _WAY_OUT
            )
        activations.append(used[0])
    return {"kind": "MLP", "nin": fan_ins[0], "nouts": [*map(len, sizes)], "activations": activations}


def _only(kind: type, parts: Sequence[object]) -> None:
    for part in parts:
        if type(part) is not kind:
            raise ValueError(
                f"a file holds an MLP of Layers of Neurons, but one {kind.__name__} is a {type(part).__name__}: "
                + _WAY_OUT
            )
    if not parts:
        raise ValueError(f"a file holds at least one {kind.__name__} in every part, but here there is none")
