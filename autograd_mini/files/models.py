"""A model file holds an architecture, numbers and metadata, is written whole or not at all, and read without trust."""

from __future__ import annotations

import json
import os
from functools import partial

from autograd_mini.errors import ModelFormatError
from autograd_mini.files import json_model, storage, tensors
from autograd_mini.files.documents import DEEPEST, plain
from autograd_mini.files.json_model import FORMAT, VERSION
from autograd_mini.files.storage import LARGEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike
    from typing import Any, Protocol

    from autograd_mini.files.json_model import Numbers

    class Format(Protocol):
        """What a module has that knows a format of model files."""

        SUFFIXES: tuple[str, ...]
        """The endings of names, in small letters."""
        HEAD: int
        """Bytes from the beginning that say how long the rest may be."""

        def require(self) -> object:
            """Raise an ImportError that says how to get it, if a package is needed that is not installed."""

        def dumps(self, description: dict[str, Any], numbers: Numbers, *, nonfinite: bool) -> bytes:
            """Return the content of a file: format, version, architecture and metadata, and the numbers."""

        def allowed(self, head: bytes, *, alone: bool) -> int:
            """Return how many bytes a file may have that begins like this."""

        def loads(self, data: bytes, *, alone: bool, nonfinite: bool) -> tuple[dict[str, Any], Numbers, dict[str, Any]]:
            """Return architecture, numbers and metadata, or a ValueError; not `alone`, it may lack activations."""


FORMATS: tuple[Format, ...] = (tensors, json_model)
"""The modules that know a format, each by the endings of its names; the last one takes every other name too."""


def format_of(path: str | PathLike[str]) -> Format:
    """Return the format that a file of this name has."""
    name = os.fsdecode(path).lower()
    return next((known for known in FORMATS if name.endswith(known.SUFFIXES)), FORMATS[-1])


def require(path: str | PathLike[str]) -> None:
    """Raise an ImportError if files of this name need a package that is not installed, and say which extra brings it.

    Args:
        path: the file; it need not exist.

    >>> require("model.json")

    """
    format_of(path).require()


def write(
    path: str | PathLike[str],
    architecture: dict[str, Any],
    numbers: Numbers,
    metadata: dict[str, Any],
    *,
    nonfinite: bool = False,
) -> None:
    """Write a model file, whole or not at all; errors are those of `MLP.save`.

    Args:
        path: the file; its ending says the format.
        architecture: sizes and activations.
        numbers: the weights and the biases of each layer.
        metadata: plain data to keep with it.
        nonfinite: whether to write numbers that are nan or infinite.

    >>> from tempfile import TemporaryDirectory
    >>> architecture = {"kind": "MLP", "nin": 1, "nouts": [1], "activations": ["linear"]}
    >>> with TemporaryDirectory() as folder:
    ...     write(f"{folder}/model.json", architecture, ([[[2.0]]], [[1.0]]), {"unit": "cm"})
    ...     read(f"{folder}/model.json")[1:]
    (([[[2.0]]], [[1.0]]), {'unit': 'cm'})

    """
    notes = {"metadata": plain(metadata, "metadata", DEEPEST - 1)}
    kind = format_of(path)
    head = {"format": FORMAT, "version": VERSION, "architecture": architecture}
    data = kind.dumps(head | notes, numbers, nonfinite=nonfinite)
    allowed = min(kind.allowed(data[: kind.HEAD], alone=True), LARGEST)
    if len(data) > allowed:
        raise ValueError(
            f"the file would have {len(data)} bytes, {len(json.dumps(notes))} of them metadata, but a file with these "
            f"parameters has at most {allowed}: note down less, or keep the numbers, from matrices(), in a file of "
            "your own"
        )
    storage.write(path, data)


def read(
    path: str | PathLike[str], *, alone: bool = True, nonfinite: bool = False
) -> tuple[dict[str, Any], Numbers, dict[str, Any]]:
    """Return the architecture, the numbers (W, b) and the metadata of a model file; errors are those of `load`.

    Args:
        path: the file.
        alone: whether it must say what the activations are; else the architecture may lack them.
        nonfinite: whether to take numbers that are nan or infinite.

    For an example see `write`.

    >>> read("model.pkl")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    FileNotFoundError: ...

    """
    require(path)
    kind = format_of(path)
    try:
        data = storage.read(path, kind.HEAD, partial(kind.allowed, alone=alone))
        return kind.loads(data, alone=alone, nonfinite=nonfinite)
    except ValueError as error:
        raise ModelFormatError(f"{os.fsdecode(path)} is no model file that can be read here: {error}") from None
