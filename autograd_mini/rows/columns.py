"""The columns of a table, of pandas, Polars, PyArrow or whatever speaks Arrow's C interface, as arrays of float64.

A column of float64 that lies in one piece, without missing values, is not copied.
"""

from __future__ import annotations

from math import prod

from autograd_mini.extras import extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

APART = 64
"""Maximum columns that stay arrays of their own; of more, one array with a row for each row is made."""


def table_columns(given: Any, name: str) -> tuple[list[str], list[Any]] | None:
    """Return the names of the columns of a table, and the columns; None for what is no table.

    Args:
        given: the table.
        name: what messages call it.

    Raises:
        ImportError: if only PyArrow could read it, and that is not installed.

    """
    kind = type(given)
    if hasattr(kind, "iloc") and hasattr(given, "columns"):  # as in pandas
        return [*map(str, given.columns)], [given.iloc[:, at] for at in range(len(given.columns))]
    if hasattr(kind, "get_columns"):  # as in Polars
        return [*given.columns], given.get_columns()
    if hasattr(kind, "column_names") and hasattr(kind, "columns"):  # as in PyArrow
        return [*given.column_names], given.columns
    if not hasattr(kind, "__arrow_c_stream__") or hasattr(kind, "__array__"):
        return None
    arrow = extra("pyarrow", f"reading {name}, a {kind.__name__},")
    table = arrow.table(given)
    return [*table.column_names], table.columns


def table_arrays(given: Any, name: str) -> list[Any] | None:
    """Return a table as arrays of two axes, one for each of its columns, or one of all; None for what is no table.

    Raises:
        TypeError: if a column holds anything but real numbers.

    >>> import numpy as np
    >>> table_arrays(np.zeros((2, 3)), "X") is None
    True

    """
    found = table_columns(given, name)
    if found is None:
        return None
    import numpy as np

    names, columns = found
    arrays = [
        floats(column, f"column {label!r} of {name}").reshape(-1, 1)
        for label, column in zip(names, columns, strict=True)
    ]
    return arrays if 0 < len(arrays) <= APART else [np.hstack(arrays) if arrays else np.empty((len(given), 0))]


def floats(column: Any, name: str) -> Any:
    """Return a column as a contiguous array of float64, itself where it is one.

    Raises:
        TypeError: if it holds anything but real numbers.

    """
    import numpy as np

    array = np.asarray(column)
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        kind = getattr(column, "type", None) or getattr(column, "dtype", array.dtype)
        raise TypeError(f"{name} is of type {kind}, expected real numbers: convert it, or leave it out")
    return np.ascontiguousarray(array, dtype=np.float64)


def not_finite(args: tuple[Any, ...], names: tuple[str, ...], first: int = 0) -> str | None:
    """Return which number of some arguments is nan or infinite, the first one, as "row 3, column 'a' of X is nan".

    Args:
        args: tables or arrays, with their rows along the leading axis.
        names: what messages call them.
        first: the number of the first row.

    """
    import numpy as np

    for given, name in zip(args, names, strict=True):
        found = table_columns(given, name)
        if found is None:
            array = np.asarray(given, dtype=np.float64)
            flat = array.reshape(len(array), prod(array.shape[1:]))
            labels: list[object] = [*range(flat.shape[1])] if array.ndim > 1 else []
            columns = [*flat.T]
        else:
            labels, columns = [*found[0]], [floats(column, name) for column in found[1]]
        wrong = [(int(np.argmin(np.isfinite(c))), at) for at, c in enumerate(columns) if not np.isfinite(c).all()]
        if wrong:
            row, at = min(wrong)
            column = f", column {labels[at]!r}" if labels else ""
            return f"row {first + row}{column} of {name} is {columns[at][row]}"
    return None
