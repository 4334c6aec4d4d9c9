"""Training data is rows of numbers and a target for each: read once, checked, as floats or arrays, and shuffled."""

from __future__ import annotations

import sys
from math import isfinite

from autograd_mini.engine.checks import random_numbers, real_number, unframed
from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autograd_mini.train.objective import Sample

_PLAIN = {float, int}

GOLDEN, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
MASK = 2**64 - 1
"""The constants of SplitMix64."""


def members(name: str, data: Any, expected: str) -> list[Any]:
    """List what a list, tuple, generator, array, tensor, data frame or series holds, arrays as Python's own numbers.

    >>> members("y", (label for label in "ab"), "targets")
    ['a', 'b']

    Raises a TypeError that names the argument for text, a dict, a set, and what cannot be walked through.
    """
    array = unframed(data)
    plain = array.tolist() if hasattr(array, "tolist") else array
    if not isinstance(plain, (str, bytes, dict, set, frozenset)):  # text has no rows, a set has no order
        try:
            return list(plain)
        except TypeError:
            pass
    raise TypeError(f"{name} is {data!r}, but expected {expected}")


def table(name: str, data: Any) -> list[list[float]]:
    """Return data as rows of finite floats, all of one width of at least 1.

    Raises, naming row (from 0) and column (its name in a data frame, else from 0), ValueError where there is no row, a
    row is empty or longer or shorter than the first, or a number is nan or infinite; TypeError for what is no number.

    >>> table("X", [(1, 2.5), [3, 4]])
    [[1.0, 2.5], [3.0, 4.0]]
    >>> table("X", [[1, 2], [3, float("nan")]])
    Traceback (most recent call last):
    ValueError: row 1, column 1 of X is nan, expected a finite number
    """
    names = [*getattr(data, "columns", ())] if hasattr(data, "to_numpy") else []
    rows: list[list[float]] = []
    for index, row in enumerate(
        members(name, data, "a table, that is rows of numbers such as [[5.1, 3.5], [4.9, 3.0]]")
    ):
        cells = members(f"row {index} of {name}", row, "a row of numbers: for a single input write [[x] for x in X]")
        if rows and len(cells) != len(rows[0]):
            raise ValueError(f"row {index} of {name} has {len(cells)} numbers, but row 0 has {len(rows[0])}")
        rows.append(numbers(cells, f"row {index}, column {{}} of {name}", names))
    if not rows:
        raise ValueError(f"{name} is empty, but expected at least one row")
    if not rows[0]:
        raise ValueError(f"row 0 of {name} is empty, but expected at least one number")
    return rows


def numbers(cells: Sequence[Any], name: str, columns: Sequence[object] = ()) -> list[float]:
    """Return cells as finite floats; `name` says what a cell is, with {} for its column."""
    if set(map(type, cells)) <= _PLAIN:
        try:
            floats = [*map(float, cells)]
        except OverflowError:
            floats = [float("nan")]  # the search below names the cell
        if all(map(isfinite, floats)):
            return floats
    return [
        real_number(name.format(repr(columns[index]) if index < len(columns) else index), cell)
        for index, cell in enumerate(cells)
    ]


def same_length(X: Sequence[object], y: Sequence[object], X_name: str, y_name: str) -> None:
    """Raise a ValueError unless there is a target for every row."""
    if len(X) != len(y):
        raise ValueError(f"{X_name} has {len(X)} rows, but {y_name} has {len(y)} targets: give one target for each row")


def arrays(samples: Sequence[Sample]) -> tuple[Any, Any]:
    """Return the rows and the targets of samples as arrays of floats.

    Raises:
        TracingError: if the targets are neither numbers nor rows of equally many.

    """
    import numpy as np

    targets = [target for _, target in samples]
    try:
        made = np.array(targets, dtype=float)
    except (TypeError, ValueError, OverflowError):
        made = np.empty((0, 0))
    if not made.size or not all(map(is_plain, targets)):  # NumPy takes None and "1" for numbers too
        raise TracingError("the targets are neither numbers nor rows of equally many")
    return np.array([row for row, _ in samples]), made


def is_plain(target: Any) -> bool:
    """Return whether a thing is a number, or lists and tuples of numbers."""
    return all(map(is_plain, target)) if isinstance(target, (list, tuple)) else isinstance(target, (float, int))


def shuffled(count: int, seed: int, epoch: int) -> Sequence[int]:
    """Return the numbers below `count` in random order: a list, or an array where NumPy is loaded anyway.

    Each number gets a key of 64 bits, and keys are sorted. No two are equal, because the function from number to key
    has an inverse; so every way of sorting gives the same order.

    Source: the generator SplitMix64 of Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA
    2014, whose n-th output can be computed without those before it.

    >>> [*map(int, shuffled(5, seed=0, epoch=0))]
    [2, 3, 0, 4, 1]

    """
    start = int(random_numbers((seed << 32) + epoch)() * 2.0**53) << 11
    if sys.modules.get("numpy") is None:
        return sorted(range(count), key=[_key((start + (at + 1) * GOLDEN) & MASK) for at in range(count)].__getitem__)
    import numpy as np  # which waits where another thread is just loading it

    keys = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN) + np.uint64(start)
    for shift, factor in ((30, FIRST), (27, SECOND)):
        keys = (keys ^ (keys >> np.uint64(shift))) * np.uint64(factor)
    order: Any = np.argsort(keys ^ (keys >> np.uint64(31)))
    found: Sequence[int] = order
    return found


def _key(z: int) -> int:
    """Return the output of SplitMix64 in a state."""
    z = ((z ^ (z >> 30)) * FIRST) & MASK
    z = ((z ^ (z >> 27)) * SECOND) & MASK
    return z ^ (z >> 31)
