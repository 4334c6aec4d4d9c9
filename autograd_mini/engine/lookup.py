"""A lookup: one of several numbers, or rows of numbers, picked by an index that is data.

Where the number of the index is known, a lookup picks what a list would, and no node is made: the derivative goes to
what was picked. In a compiled function the index is a symbol, and the lookup becomes a gather; see `compiler/gathers`.
"""

from __future__ import annotations

import sys

from autograd_mini.engine.checks import number, whole_number
from autograd_mini.engine.hooks import is_tracing, on_read
from autograd_mini.engine.value import Symbolic, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeVar, overload

    Entry = TypeVar("Entry")

if TYPE_CHECKING:

    @overload
    def take(values: Sequence[Entry], index: Value | float) -> Entry: ...
    @overload
    def take(values: Any, index: Any) -> Any: ...


def take(values: Any, index: Any) -> Any:
    """Return `values[index]` for an index that is data: a number, a Value, or an argument of a compiled function.

        >>> table = [Value(1.0), Value(4.0), Value(9.0)]
        >>> picked = take(table, 2.0)
        >>> picked.backward()
        >>> picked.data, [entry.grad for entry in table]
        (9.0, [0.0, 0.0, 1.0])

    The derivative goes to what was picked; where indices repeat it adds up. By the index it is 0, so interpolation in a
    table has the slope between its entries:

        >>> from autograd_mini import floor, jit
        >>> heights = [0.0, 10.0, 40.0]
        >>> def height(x):
        ...     at = floor(x)
        ...     return take(heights, at) + (x - at) * (take(heights, at + 1.0) - take(heights, at))
        >>> x = Value(1.5)
        >>> height(x).backward()
        >>> x.grad, jit(height, backend="python")(1.5)
        (30.0, 25.0)

    Args:
        values: a list, tuple or array of numbers and Values, or of rows of them, such as the vectors of an embedding:
            then a row is picked. In a compiled function all rows have to have one structure.
        index: a whole number, -1 for the last entry and so on, as a list has it; or a list, tuple or array of them, for
            which the entries come in a list or array.

    Returns:
        the entry: a Value, a float, or the row; of several indices a list, or for an array of them an array.

    Raises:
        IndexError: if there is no such entry. A compiled function raises it, too, before it returns or changes
            anything, for a batch if a single sample has such an index.
        TypeError: if the index is no whole number, or values is nothing to pick from.

    """
    if isinstance(values, (str, bytes, dict)) or not hasattr(values, "__getitem__") or not hasattr(values, "__len__"):
        raise TypeError(f"values is {values!r} of type {type(values).__name__}, expected a list, tuple or array")
    if isinstance(index, (list, tuple)):
        return [take(values, at) for at in index]
    if hasattr(index, "ndim") and index.ndim:
        return _array(take(values, index.tolist()))
    if isinstance(index, Value):
        if on_read and is_tracing() and not index.symbolic:
            index = index + 0.0  # a parameter: its number is read at every call
        if isinstance(index, Symbolic):
            return index.taken_from(values)
        index = index.data
    try:
        at = whole_number("index", index)
    except TypeError:
        raise wrong_index(index, len(values)) from None
    if not -len(values) <= at < len(values):
        raise wrong_index(index, len(values))
    found = values[at]
    row = isinstance(found, (list, tuple, dict, Value)) or (hasattr(found, "ndim") and found.ndim)
    return found if row else number(found, f"values[{at}]")


def wrong_index(index: object, count: int, place: str = "") -> Exception:
    """Return the error for an index of `count` values that is out of range or no whole number, and the place."""
    if isinstance(index, float) and index.is_integer():
        index = int(index)
    kind = IndexError if type(index) is int else TypeError
    known = f"a whole number from {-count} to {count - 1}" if count else "another one, since there are no values"
    return kind(f"index is {index!r}{place}, expected {known}: take(values, index) picks from {count} values")


def _array(found: list[Any]) -> Any:
    """Return entries, or rows of one shape, as an array, of floats if they are."""
    np = sys.modules["numpy"]
    array = np.array(found, dtype=object)
    return array if any(isinstance(entry, Value) for entry in array.flat) else array.astype(float)
