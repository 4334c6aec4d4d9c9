"""The arguments and results of a batch: arrays whose first axis is that of the samples, in dicts; see `pytree`."""

from __future__ import annotations

from math import prod

from autograd_mini.engine.pytree import nested
from autograd_mini.extras import extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from autograd_mini.engine.pytree import Spec


def columns(given: Any, axis: int, name: str, arrays: list[Any]) -> Spec:
    """Append the arrays in an argument to a list, one row a sample, and return the spec of one sample.

    Raises:
        TypeError: if something in it is no array of real numbers.
        ValueError: if an array has no such axis.

    """
    if isinstance(given, dict):
        parts = tuple([columns(item, axis, f"{name}[{key!r}]", arrays) for key, item in given.items()])
        return "dict", tuple(given), parts
    np = extra("numpy", "a function compiled for whole batches")

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


def stacked(spec: Spec, found: Iterator[Any]) -> Any:
    """Return the columns of results as the pytree of a spec, with the samples along the leading axis of every array."""
    import numpy as np

    def column(shape: tuple[int, ...] | None) -> Any:
        if shape is None:
            return np.asarray(next(found), dtype=np.float64)
        parts = [next(found) for _ in range(prod(shape))]
        return np.stack(parts, axis=-1).reshape(-1, *shape) if parts else np.empty((0, *shape))

    return nested(spec, column)
