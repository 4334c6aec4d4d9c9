"""A JSON model file: the members that it must have, and how many bytes its head allows its parameters to take.

`files` describes the members; a ValueError says what is wrong with one.
"""

from __future__ import annotations

import json
import re
from math import inf, isfinite, nan

from autograd_mini.errors import shown
from autograd_mini.files.documents import parse
from autograd_mini.files.storage import LARGEST, SMALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Numbers = tuple[list[list[list[float]]], list[list[float]]]

FORMAT = "autograd_mini model"
VERSION = 1
SUFFIXES: tuple[str, ...] = (".json",)
PER_PARAMETER = 64
"""Bytes more for each parameter: a number takes at most 26, and indentation wants room too."""
HEAD = 64 * 1024
"""Bytes from the beginning within which the architecture of a larger file stands."""

_HEAD = re.compile(
    rb'\s*\{\s*"format"\s*:\s*"autograd_mini model"\s*,\s*"version"\s*:\s*([0-9]+)\s*,'
    rb'\s*"architecture"\s*:\s*(\{[^{}]*\})'
)
_NONFINITE = {"nan": nan, "inf": inf, "-inf": -inf}
"""How parameters are written that are not finite."""
_KINDS = {dict: "an object", list: "a list", int: "a whole number", str: "a text"}


def require() -> None:
    """Do nothing: JSON needs no package."""


def dumps(description: dict[str, Any], numbers: Numbers, *, nonfinite: bool) -> bytes:
    """Return the content of a file with a network's description, its metadata last, and its numbers before these."""
    named = {name: written(held, name, nonfinite=nonfinite) for name, held in zip("Wb", numbers, strict=True)}
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
    document = parse(data)
    architecture, metadata = described(document)
    return architecture, _parameters(member(document, "parameters", dict), architecture, nonfinite=nonfinite), metadata


def _accounted(head: bytes) -> int:
    """Return how many bytes the parameters take at most of a JSON file that begins like this."""
    start = _HEAD.match(head) if len(head) >= HEAD else None
    if start is None:
        return SMALL
    architecture, _ = described({"format": FORMAT, "version": parse(start[1]), "architecture": parse(start[2])})
    nouts = architecture["nouts"]
    count: int = sum((fan_in + 1) * nout for fan_in, nout in zip([architecture["nin"], *nouts], nouts, strict=False))
    return SMALL + PER_PARAMETER * count


def described(document: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the checked architecture and the metadata of a document; whether an activation is known is not asked."""
    check_header(document, FORMAT, VERSION)
    given = member(document, "architecture", dict)
    if member(given, "kind", str) != "MLP":
        raise ValueError(f"kind is {shown(given['kind'])}, expected 'MLP'")
    nin, nouts = member(given, "nin", int), member(given, "nouts", list)
    activations = member(given, "activations", list)
    if unknown := given.keys() - {"kind", "nin", "nouts", "activations"}:
        raise ValueError(f"architecture has a member {shown(min(unknown))}, which is unknown")
    if not nouts or not all(type(size) is int and size > 0 for size in (nin, *nouts)):
        raise ValueError(f"nin is {shown(nin)} and nouts {shown(nouts)}, expected whole numbers from 1")
    if len(activations) != len(nouts) or not all(type(name) is str for name in activations):
        raise ValueError(f"activations is {shown(activations)}, expected {len(nouts)} names, one a layer")
    return given, member(document, "metadata", dict) if "metadata" in document else {}


def check_header(document: object, kind: str, newest: int) -> None:
    """Check that a document is of this format, and of a version up to the newest that is known."""
    if not isinstance(document, dict) or "format" not in document:
        raise ValueError(f'it does not hold {{"format": "{kind}", …}}')
    if document["format"] != kind:
        raise ValueError(f"its format is {shown(document['format'])}, expected {kind!r}")
    version = member(document, "version", int)
    if version > newest:
        raise ValueError(f"it is of version {shown(version)}, and this one reads up to {newest}: update autograd_mini")
    if version < 1:
        raise ValueError(f"version is {shown(version)}, expected a number from 1 on")


def member(holder: dict[str, Any], name: str, kind: type) -> Any:
    """Return a member of an object, if it is there and of the right type (a truth value is no int)."""
    if name not in holder:
        raise ValueError(f"{name} is missing")
    if type(holder[name]) is not kind:
        raise ValueError(f"{name} is {shown(holder[name])}, expected {_KINDS[kind]}")
    return holder[name]


def _parameters(given: dict[str, Any], architecture: dict[str, Any], *, nonfinite: bool) -> Numbers:
    """Return W and b, all floats, if they have the shapes of the architecture."""
    if unknown := given.keys() - {"W", "b"}:
        raise ValueError(f"parameters has a member {shown(min(unknown))}, which is unknown")
    nouts = architecture["nouts"]
    fan_ins = [architecture["nin"], *nouts]
    weights = _entries(member(given, "W", list), len(nouts), "W")
    biases = _entries(member(given, "b", list), len(nouts), "b")
    for layer, nout in enumerate(nouts):
        rows = _entries(weights[layer], nout, f"W[{layer}]")
        weights[layer] = [
            checked_numbers(row, f"W[{layer}][{index}]", fan_ins[layer], nonfinite=nonfinite)
            for index, row in enumerate(rows)
        ]
        biases[layer] = checked_numbers(biases[layer], f"b[{layer}]", nout, nonfinite=nonfinite)
    return weights, biases


def _entries(given: object, count: int | None, place: str) -> list[Any]:
    if not isinstance(given, list):
        raise ValueError(f"{place} is {shown(given)}, expected a list")  # noqa: TRY004 - it is the file that is wrong
    if count not in {None, len(given)}:
        raise ValueError(f"{place} has {len(given)} entries where the architecture has {shown(count)}")
    return given


def checked_numbers(given: object, place: str, count: int | None = None, *, nonfinite: bool) -> list[float]:
    """Return a list of numbers, of any length unless there is a count, with those that `written` gave a name to."""
    found = []
    for index, entry in enumerate(_entries(given, count, place)):
        if type(entry) not in (float, int):
            if type(entry) is not str or entry not in _NONFINITE:
                raise ValueError(f"{place}[{index}] is {shown(entry)}, expected a number")
            if not nonfinite:
                raise ValueError(f"{place}[{index}] is {entry}: pass nonfinite=True if that is as it should be")
        found.append(float(entry))
    return found


def written(numbers: Any, place: str, *, nonfinite: bool) -> Any:
    """Return nested lists of floats with names in place of those that are not finite."""
    if isinstance(numbers, list):
        return [written(entry, f"{place}[{index}]", nonfinite=nonfinite) for index, entry in enumerate(numbers)]
    if isfinite(numbers):
        return numbers
    if not nonfinite:
        raise ValueError(
            f"{place} is {numbers}, so the model is of no use: train it with a lower lr, or pass nonfinite=True to "
            "save it all the same"
        )
    return repr(numbers)
