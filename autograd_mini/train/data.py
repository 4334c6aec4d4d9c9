"""Training data is rows of numbers and a target for each: read once from whatever holds them, checked, as floats."""

from __future__ import annotations

from math import isfinite

from autograd_mini.engine.arguments import real_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_PLAIN = {float, int}


def members(name: str, data: Any, expected: str) -> list[Any]:
    """List what a list, tuple, generator, array, tensor, data frame or series holds, arrays as Python's own numbers.

    >>> members("y", (label for label in "ab"), "targets")
    ['a', 'b']

    Raises a TypeError that names the argument for text, a dict, a set, and what cannot be walked through.
    """
    frame = getattr(data, "to_numpy", None)
    array = frame() if callable(frame) else data
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
    ValueError: row 1, column 1 of X is nan, but expected a finite number
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
