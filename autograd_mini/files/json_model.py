"""A JSON model file: a document whose head says how many bytes its parameters may take."""

from __future__ import annotations

import json
import re

from autograd_mini.files.architecture import checked, parameter_count
from autograd_mini.files.documents import parse
from autograd_mini.files.schema import check_architecture, check_header, written
from autograd_mini.files.storage import LARGEST, SMALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from autograd_mini.files.architecture import Numbers

SUFFIXES: tuple[str, ...] = (".json",)
PER_PARAMETER = 64
"""Bytes more for each parameter: a number takes at most 26, and indentation wants room too."""
HEAD = 64 * 1024
"""Bytes from the beginning within which the architecture of a larger file stands."""

_HEAD = re.compile(
    rb'\s*\{\s*"format"\s*:\s*"autograd_mini model"\s*,\s*"version"\s*:\s*([0-9]+)\s*,'
    rb'\s*"architecture"\s*:\s*(\{[^{}]*\})'
)


def require() -> None:
    """Do nothing: JSON needs no package."""


def dumps(description: dict[str, Any], numbers: Numbers, *, nonfinite: bool) -> bytes:
    """Return the content of a file with a network's description, its metadata last, and its numbers before these."""
    weights, biases = numbers
    named = {"W": written(weights, "W", nonfinite=nonfinite), "b": written(biases, "b", nonfinite=nonfinite)}
    notes = {"metadata": description["metadata"]}
    document = {name: held for name, held in description.items() if name not in notes} | {"parameters": named} | notes
    members = [f"{json.dumps(name)}: {json.dumps(held, allow_nan=False)}" for name, held in document.items()]
    return ("{\n" + ",\n".join(members) + "\n}\n").encode()


def allowed(head: bytes, *, alone: bool) -> int:  # noqa: ARG001 - it always says what the activations are
    """Return how many bytes a file may have that begins like this."""
    return min(LARGEST, _accounted(head))


def loads(
    data: bytes,
    *,
    alone: bool,  # noqa: ARG001 - same
    nonfinite: bool,
) -> tuple[dict[str, Any], Numbers, dict[str, Any]]:
    """Return the architecture, the numbers (W, b) and the metadata of a file that is no larger than it may be."""
    if len(data) > SMALL:  # an empty list takes 3 bytes here, and 64 in memory
        entries = data.count(b",") + data.count(b"[") + data.count(b"{")
        most = SMALL + 2 * (_accounted(data[:HEAD]) - SMALL) // PER_PARAMETER
        if entries > most:
            raise ValueError(f"it has {entries} entries, more than the {most} that its head accounts for")
    return checked(parse(data), nonfinite=nonfinite)


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
