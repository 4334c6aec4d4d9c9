"""The schema of a model file: what its members must be. `files` describes it; a ValueError says what is wrong."""

from __future__ import annotations

from math import inf, isfinite, nan

from autograd_mini.files.documents import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMAT = "autograd_mini model"
VERSION = 1

_NAMES = {"nan": nan, "inf": inf, "-inf": -inf}
"""How parameters are written that are not finite."""


def member(holder: dict[str, Any], name: str, kind: type) -> Any:
    """Return a member of an object, if it is there and of the right type (a truth value is no int)."""
    if name not in holder:
        raise ValueError(f"{name} is missing")
    if type(holder[name]) is not kind:
        raise ValueError(f"{name} is {shown(holder[name])}, but expected {_KINDS[kind]}")
    return holder[name]


_KINDS = {dict: "an object", list: "a list", int: "a whole number", str: "a text"}


def check_header(document: object) -> None:
    """Check format and version."""
    if not isinstance(document, dict) or "format" not in document:
        raise ValueError(f'it does not hold {{"format": "{FORMAT}", …}}')
    if document["format"] != FORMAT:
        raise ValueError(f"its format is {shown(document['format'])}, but expected {FORMAT!r}")
    version = member(document, "version", int)
    if version > VERSION:
        raise ValueError(f"it is of version {shown(version)}, and this one reads up to {VERSION}: update autograd_mini")
    if version < 1:
        raise ValueError(f"version is {shown(version)}, but versions count from 1")


def check_architecture(given: dict[str, Any]) -> None:
    """Check kind, nin, nouts and activations, but not whether an activation is known."""
    if member(given, "kind", str) != "MLP":
        raise ValueError(f"kind is {shown(given['kind'])}, but expected 'MLP'")
    nin, nouts = member(given, "nin", int), member(given, "nouts", list)
    activations = member(given, "activations", list)
    if unknown := given.keys() - {"kind", "nin", "nouts", "activations"}:
        raise ValueError(f"architecture has a member {shown(min(unknown))}, which is unknown")
    if not nouts or not all(type(size) is int and size > 0 for size in (nin, *nouts)):
        raise ValueError(f"nin is {shown(nin)} and nouts {shown(nouts)}, but expected whole numbers from 1")
    if len(activations) != len(nouts) or not all(type(name) is str for name in activations):
        raise ValueError(f"activations is {shown(activations)}, but expected {len(nouts)} names, one a layer")


def checked_parameters(
    given: dict[str, Any], architecture: dict[str, Any], *, nonfinite: bool
) -> tuple[list[Any], list[Any]]:
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
            _numbers(row, fan_ins[layer], f"W[{layer}][{index}]", nonfinite=nonfinite) for index, row in enumerate(rows)
        ]
        biases[layer] = _numbers(biases[layer], nout, f"b[{layer}]", nonfinite=nonfinite)
    return weights, biases


def _entries(given: object, count: int, place: str) -> list[Any]:
    if not isinstance(given, list):
        raise ValueError(f"{place} is {shown(given)}, but expected a list")  # noqa: TRY004 - it is the file that is wrong
    if len(given) != count:
        raise ValueError(f"{place} has {len(given)} entries where the architecture has {shown(count)}")
    return given


def _numbers(given: object, count: int, place: str, *, nonfinite: bool) -> list[float]:
    return [
        float(entry) if type(entry) in (float, int) else _named(entry, f"{place}[{index}]", nonfinite=nonfinite)
        for index, entry in enumerate(_entries(given, count, place))
    ]


def checked_numbers(given: list[Any], place: str) -> list[float]:
    """Return a list of numbers, of any length, those that `written` gave a name to included."""
    return _numbers(given, len(given), place, nonfinite=True)


def _named(entry: object, place: str, *, nonfinite: bool) -> float:
    """Return the number that a name stands for."""
    if type(entry) is not str or entry not in _NAMES:
        raise ValueError(f"{place} is {shown(entry)}, but expected a number")
    if not nonfinite:
        raise ValueError(f"{place} is {entry}: pass nonfinite=True if that is as it should be")
    return _NAMES[entry]


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
