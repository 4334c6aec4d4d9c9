"""Arguments: how nested numbers become the flat inputs of a program, and its flat results nested results.

A layout says how numbers are nested: None for a number, ("array", shape), ("list", layouts), ("tuple", layouts),
("dict", keys, layouts), ("named", class, layouts). It can be compared, hashed and pickled, so a program is kept by it.
"""

from __future__ import annotations

import sys
from math import prod

from autograd_mini.engine.checks import number
from autograd_mini.engine.value import Value
from autograd_mini.transforms import structure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Layout = tuple[Any, ...] | None


def flat(given: Any, name: str, numbers: list[Any]) -> Layout:
    """Append the numbers in a nested argument or result to a list, and return its layout.

    Values are appended as they are.

    Raises:
        TypeError: if something in it is no number; the message says where it stands.

    """
    if type(given) is float or isinstance(given, Value):
        numbers.append(given)
        return None
    if isinstance(given, dict):
        return "dict", tuple(given), tuple([flat(item, f"{name}[{key!r}]", numbers) for key, item in given.items()])
    if isinstance(given, (list, tuple)):
        items = tuple([flat(item, f"{name}[{at}]", numbers) for at, item in enumerate(given)])
        if isinstance(given, list):
            return "list", items
        return ("named", type(given), items) if hasattr(given, "_make") else ("tuple", items)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(given, numpy.ndarray):
        if given.dtype.kind == "f":
            numbers.extend(given.astype(numpy.float64, copy=False).ravel().tolist())
        else:
            for at, entry in enumerate(given.ravel().tolist()):
                numbers.append(entry if isinstance(entry, Value) else number(entry, f"{name}.flat[{at}]"))
        return "array", given.shape
    numbers.append(number(given, name))
    return None


def nested(layout: Layout, numbers: Iterator[Any]) -> Any:
    """Return numbers in a layout, taking as many as it needs."""
    if layout is None:
        return next(numbers)
    kind, items = layout[0], layout[-1]
    if kind == "array":
        return structure.array([next(numbers) for _ in range(prod(items))], items)
    if kind == "dict":
        return {key: nested(item, numbers) for key, item in zip(layout[1], items, strict=True)}
    made = [nested(item, numbers) for item in items]
    return made if kind == "list" else tuple(made) if kind == "tuple" else layout[1]._make(made)


def columns(given: Any, axis: int, name: str, arrays: list[Any]) -> Layout:
    """Append the arrays in an argument to a list, one row a sample, and return the layout of one sample.

    Raises:
        TypeError: if something in it is no array of real numbers.
        ValueError: if an array has no such axis.

    """
    if isinstance(given, dict):
        parts = tuple([columns(item, axis, f"{name}[{key!r}]", arrays) for key, item in given.items()])
        return "dict", tuple(given), parts
    import numpy as np

    try:
        array = np.asarray(given)
    except ValueError as error:
        raise ValueError(f"{name} is an array with the samples along axis {axis}; its rows differ: {error}") from None
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise TypeError(f"{name} is an array of real numbers; got a {type(given).__name__} of dtype {array.dtype}")
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(
            f"{name} has the samples along axis {axis}; got an array of shape {array.shape}: for an argument that is "
            "the same for every sample say so with in_axes=None"
        )
    if axis:
        array = np.moveaxis(array, axis, 0)
    shape = array.shape[1:]
    arrays.append(np.ascontiguousarray(array.reshape(len(array), prod(shape)), dtype=np.float64))
    return ("array", shape) if shape else None


def stacked(layout: Layout, found: Iterator[Any]) -> Any:
    """Return the columns of results in a layout, with the samples along the leading axis of every array."""
    import numpy as np

    if layout is None:
        return np.asarray(next(found), dtype=np.float64)
    kind, items = layout[0], layout[-1]
    if kind == "array":
        parts = [next(found) for _ in range(prod(items))]
        return np.stack(parts, axis=-1).reshape(-1, *items) if parts else np.empty((0, *items))
    if kind == "dict":
        return {key: stacked(item, found) for key, item in zip(layout[1], items, strict=True)}
    made = [stacked(item, found) for item in items]
    return made if kind == "list" else tuple(made) if kind == "tuple" else layout[1]._make(made)
