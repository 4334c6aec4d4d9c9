"""A model file is written from a network, whole or not at all, and read back without trust."""

from __future__ import annotations

import json
import os
from functools import partial

from autograd_mini.errors import ModelFormatError
from autograd_mini.files import json_model, storage, tensors
from autograd_mini.files.architecture import WAY_OUT, architecture_of, built, check_fit, fill
from autograd_mini.files.documents import DEEPEST, plain
from autograd_mini.files.schema import FORMAT, VERSION
from autograd_mini.files.storage import LARGEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike
    from typing import Any, Protocol

    from autograd_mini.files.architecture import Numbers
    from autograd_mini.nn.mlp import MLP

    class Format(Protocol):
        """What a module has that knows a format of model files."""

        SUFFIXES: tuple[str, ...]
        """The endings of names, in small letters."""
        HEAD: int
        """Bytes from the beginning that say how long the rest may be."""

        def require(self) -> None:
            """Raise an ImportError that says how to get it, if a package is needed that is not installed."""

        def dumps(self, description: dict[str, Any], numbers: Numbers, *, nonfinite: bool) -> bytes:
            """Return the content of a file: format, version, architecture and metadata, and the numbers."""

        def allowed(self, head: bytes, *, alone: bool) -> int:
            """Return how many bytes a file may have that begins like this."""

        def loads(self, data: bytes, *, alone: bool, nonfinite: bool) -> tuple[dict[str, Any], Numbers, dict[str, Any]]:
            """Return architecture, numbers and metadata; a ValueError says what is not as it must be.

            Unless the file is `alone`, there is a model that has the activations, and the architecture may lack them.
            """


FORMATS: tuple[Format, ...] = (tensors, json_model)
"""The modules that know a format, each by the endings of its names; the last one takes every other name too."""


def format_of(path: str | PathLike[str]) -> Format:
    """Return the format that a file of this name has."""
    name = os.fsdecode(path).lower()
    return next((known for known in FORMATS if name.endswith(known.SUFFIXES)), FORMATS[-1])


def save(
    model: MLP, path: str | PathLike[str], metadata: dict[str, Any] | None = None, *, nonfinite: bool = False
) -> None:
    """Write a model file, whole or not at all: what `MLP.save` does, which says more.

    Args:
        model: the model.
        path: the file; its ending says the format.
        metadata: plain data to keep with it; None for the model's own.
        nonfinite: whether to write parameters that are nan or infinite.

    >>> from tempfile import TemporaryDirectory
    >>> from autograd_mini.nn import MLP
    >>> with TemporaryDirectory() as folder:
    ...     save(MLP(2, [1], seed=0), f"{folder}/model.json")

    """
    metadata = model.metadata if metadata is None else metadata
    if not isinstance(metadata, dict):
        raise TypeError(f"metadata is a dict; got {metadata!r} of type {type(metadata).__name__}")
    require(path)
    head: dict[str, Any] = {"format": FORMAT, "version": VERSION, "architecture": architecture_of(model)}
    notes = {"metadata": plain(metadata, "metadata", DEEPEST - 1)}
    kind = format_of(path)
    data = kind.dumps(head | notes, model.matrices(), nonfinite=nonfinite)
    allowed = kind.allowed(data[: kind.HEAD], alone=True)
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

    >>> from tempfile import TemporaryDirectory
    >>> from autograd_mini.nn import MLP
    >>> with TemporaryDirectory() as folder:
    ...     MLP(2, [1], seed=0).save(f"{folder}/model.json", metadata={"task": "xor"})
    ...     load(f"{folder}/model.json").metadata
    {'task': 'xor'}

    """
    require(path)
    name = os.fsdecode(path)
    try:
        kind, alone = format_of(path), into is None
        data = storage.read(path, kind.HEAD, partial(kind.allowed, alone=alone))
        contents = kind.loads(data, alone=alone, nonfinite=nonfinite)
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

    Args:
        path: the file; it need not exist.

    >>> require("model.json")

    """
    format_of(path).require()
