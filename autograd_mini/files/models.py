"""A model file is written from a network, whole or not at all, and read back without trust."""

from __future__ import annotations

import json
import os
import re
from functools import partial

from autograd_mini.errors import ModelFormatError
from autograd_mini.files import storage, tensors
from autograd_mini.files.documents import DEEPEST, parse, plain
from autograd_mini.files.networks import WAY_OUT, architecture_of, built, check_fit, checked, fill, parameter_count
from autograd_mini.files.schema import FORMAT, VERSION, check_architecture, check_header, written
from autograd_mini.files.storage import LARGEST, SMALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike
    from typing import Any

    from autograd_mini.nn.mlp import MLP

PER_PARAMETER = 64
"""Bytes more for each parameter: a number takes at most 26, and indentation wants room too."""
ENDINGS = (".json", ".safetensors")
"""How the names of model files end; one that ends otherwise is read, and written by `save`, as JSON."""
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
    require(path)
    head: dict[str, Any] = {"format": FORMAT, "version": VERSION, "architecture": architecture_of(model)}
    notes = {"metadata": plain(metadata, "metadata", DEEPEST - 1)}
    weights, biases = model.matrices()
    named = {"W": written(weights, "W", nonfinite=nonfinite), "b": written(biases, "b", nonfinite=nonfinite)}
    if _holds_tensors(path):
        data, allowed = (
            tensors.dumps(head | notes, weights, biases),
            SMALL + 8 + 8 * parameter_count(head["architecture"]),
        )
    else:
        document = head | {"parameters": named} | notes
        members = [f"{json.dumps(name)}: {json.dumps(held, allow_nan=False)}" for name, held in document.items()]
        data = ("{\n" + ",\n".join(members) + "\n}\n").encode()
        allowed = _allowed(data[:HEAD])
    if len(data) > min(allowed, LARGEST):
        raise ValueError(
            f"the file would have {len(data)} bytes, {len(json.dumps(notes))} of them metadata, but a file with these "
            f"parameters has at most {min(allowed, LARGEST)}: note down less, or {WAY_OUT}"
        )
    storage.write(path, data)


def load(path: str | PathLike[str], *, into: MLP | None = None, nonfinite: bool = False) -> MLP:
    """Return the model that `MLP.save` wrote to a file: the same bits in every parameter, and its `metadata`.

    Args:
        path: the file.
        into: a model of the same shape to take the parameters, and nothing else, in place of a new one. It is what a
            ".safetensors" file from elsewhere needs, which says nothing of activations; its tensors are named
            "layers.0.weight", "layers.0.bias", "layers.1.weight" and so on, with any text before the numbers and any
            gaps between them, as PyTorch names the `Linear` modules of a `Sequential`.
        nonfinite: whether to take parameters that are nan or infinite.

    Returns:
        A new model, or `into`.

    Raises:
        ModelFormatError: if it is no such file, or one from a newer version.
        ValueError: if the file is in order, but `into` has another shape or other activations.
        ImportError: if the file is one of ".safetensors", and the package safetensors is not installed.
        OSError: if it cannot be read.

    """
    require(path)
    name = os.fsdecode(path)
    try:
        if _holds_tensors(path):
            data = storage.read(path, SMALL + 8, partial(tensors.allowed, alone=into is None))
            contents = tensors.loads(data, alone=into is None, nonfinite=nonfinite)
        else:
            contents = checked(_parsed(storage.read(path, HEAD, _allowed)), nonfinite=nonfinite)
        if into is None:
            return built(*contents)
    except ValueError as error:
        raise ModelFormatError(f"{name} is no model file that can be read here: {error}") from None
    architecture, numbers, _ = contents
    try:
        check_fit(into, architecture)
    except ValueError as error:
        raise ValueError(f"{name} does not fit the model: {error}") from None
    fill(into, numbers)
    return into


def require(path: str | PathLike[str]) -> None:
    """Raise an ImportError if files of this name need a package that is not installed, and say which extra brings it.

    >>> require("model.json")
    """
    if _holds_tensors(path):
        tensors.library()


def _holds_tensors(path: str | PathLike[str]) -> bool:
    return os.fsdecode(path).lower().endswith(ENDINGS[1])


def _parsed(data: bytes) -> Any:
    """Return the document of a JSON file that is no larger than it may be."""
    if len(data) > SMALL:  # an empty list takes 3 bytes here, and 64 in memory
        entries = data.count(b",") + data.count(b"[") + data.count(b"{")
        most = SMALL + 2 * (_accounted(data[:HEAD]) - SMALL) // PER_PARAMETER
        if entries > most:
            raise ValueError(f"it has {entries} entries, more than the {most} that its head accounts for")
    return parse(data)


def _allowed(head: bytes) -> int:
    """Return how many bytes a JSON file may have that begins like this."""
    return min(LARGEST, _accounted(head))


def _accounted(head: bytes) -> int:
    """Return how many bytes the parameters take at most of a JSON file that begins like this."""
    if len(head) < HEAD:
        return SMALL
    start = _HEAD.match(head)
    if start is None:
        return SMALL
    check_header(parse(b'{"format": "autograd_mini model", "version": %b}' % start[1]))
    architecture = parse(start[2])
    check_architecture(architecture)
    return SMALL + PER_PARAMETER * parameter_count(architecture)
