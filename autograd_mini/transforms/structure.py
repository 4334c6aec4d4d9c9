"""The structure of an argument: how nested lists, tuples, dicts and arrays of numbers become a flat list, and back.

A structure is made of blocks, numbers and NumPy arrays, that lists, tuples (named ones too) and dicts hold:

    >>> numbers, structure = flatten({"w": [1.0, 2.0], "b": 3})
    >>> numbers
    [1.0, 2.0, 3.0]
    >>> structure.build([10.0, 20.0, 30.0])
    {'w': [10.0, 20.0], 'b': 30.0}
"""

from __future__ import annotations

import sys
from copy import copy
from math import prod

from autograd_mini.engine.checks import number
from autograd_mini.engine.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    Number = Value | float
    Shape = tuple[int, ...]


class Structure:
    """How the numbers of a nested argument are arranged.

    Attributes:
        blocks: for each block, in order, the shape of an array, or None for a number that stands alone.
        paths: where each block stands, for example "['w'][0]".
        size: how many numbers there are.

    """

    __slots__ = ("_nest", "blocks", "paths", "size")

    def __init__(self, blocks: dict[str, Shape | None], nest: Callable[[Iterator[Any]], Any]) -> None:
        self.paths = list(blocks)
        self.blocks = list(blocks.values())
        self.size = sum(1 if shape is None else prod(shape) for shape in self.blocks)
        self._nest = nest

    def __str__(self) -> str:
        """Say what it holds: "a number", "[0]: a number, [1]: an array of shape (3,)"."""
        kinds = ["a number" if shape is None else f"an array of shape {shape}" for shape in self.blocks]
        parts = [f"{path}: {kind}" if path else kind for path, kind in zip(self.paths[:6], kinds, strict=False)]
        return ", ".join([*parts, "…"] if len(kinds) > 6 else parts) or "nothing"

    def build(self, numbers: Sequence[Any]) -> Any:
        """Return numbers in this structure; arrays are of float64, or of objects if a Value is among the numbers."""
        made: list[Any] = []
        start = 0
        for shape in self.blocks:
            end = start + (1 if shape is None else prod(shape))
            made.append(numbers[start] if shape is None else array(numbers[start:end], shape))
            start = end
        return self._nest(iter(made))

    def product(self, inner: Structure, rows: Sequence[Sequence[Any]]) -> Any:
        """Return a matrix, one row a number of this structure, as this structure of inner structures.

        A block of shape `a` here and one of shape `b` there make an array of shape `a + b`.
        """
        made: list[Any] = []
        top = 0
        for outer_shape in self.blocks:
            bottom = top + (1 if outer_shape is None else prod(outer_shape))
            blocks: list[Any] = []
            left = 0
            for shape in inner.blocks:
                right = left + (1 if shape is None else prod(shape))
                entries = [entry for row in rows[top:bottom] for entry in row[left:right]]
                if outer_shape is None and shape is None:
                    blocks.append(entries[0])
                else:
                    blocks.append(array(entries, (outer_shape or ()) + (shape or ())))
                left = right
            made.append(inner._nest(iter(blocks)))
            top = bottom
        return self._nest(iter(made))


def flatten(given: Any, name: str = "the argument") -> tuple[list[Number], Structure]:
    """Take a nested argument apart.

    Args:
        given: numbers, Values and arrays of them, in lists, tuples and dicts nested to any depth.
        name: what to call it in an error.

    Returns:
        its numbers in order, floats and Values, and its structure.

    Raises:
        TypeError: if something in it is no number; the message says where it stands.

    """
    numbers: list[Number] = []
    blocks: dict[str, Shape | None] = {}
    nest = _take_apart(given, name, "", numbers, blocks)
    return numbers, Structure(blocks, nest)


def together(parts: Sequence[Structure]) -> Structure:
    """Return the structure of a tuple of arguments."""
    blocks = {
        f"[{at}]{path}": shape
        for at, part in enumerate(parts)
        for path, shape in zip(part.paths, part.blocks, strict=True)
    }
    return Structure(blocks, lambda made: tuple([part._nest(made) for part in parts]))


def holds_values(given: Any) -> bool:
    """Return whether there is a Value in nested lists, tuples, dicts and arrays."""
    if isinstance(given, dict):
        return any(map(holds_values, given.values()))
    if isinstance(given, (list, tuple)):
        return any(map(holds_values, given))
    if isinstance(given, Value):
        return True
    numpy = sys.modules.get("numpy")
    return (
        numpy is not None and isinstance(given, numpy.ndarray) and given.dtype == object and holds_values([*given.flat])
    )


def array(numbers: Sequence[Any], shape: Shape) -> Any:
    """Return a NumPy array of float64, or of objects if there is a Value among the numbers."""
    import numpy as np

    if any(isinstance(entry, Value) for entry in numbers):
        # Unlike an assignment, this asks no Value whether it is an array.
        return np.fromiter(numbers, dtype=object, count=len(numbers)).reshape(shape)
    return np.array(numbers, dtype=np.float64).reshape(shape)


def matching(structure: Structure, given: Any, name: str, model: str) -> list[Number]:
    """Return the numbers of an argument that has to have the same structure as another.

    Raises:
        TypeError: if something in it is no number.
        ValueError: if the structures differ.

    """
    numbers, found = flatten(given, name)
    if (found.paths, found.blocks) != (structure.paths, structure.blocks):
        raise ValueError(f"{name} has the structure of {model}, {structure}; got {found}")
    return numbers


def _take_apart(
    given: Any, name: str, path: str, numbers: list[Number], blocks: dict[str, Shape | None]
) -> Callable[[Iterator[Any]], Any]:
    """Append the numbers and blocks of `given`; return the function that takes as many blocks and nests them again."""
    if isinstance(given, (float, int, Value)):
        numbers.append(given if isinstance(given, Value) else number(given, name + path))
        blocks[path] = None
        return next
    if isinstance(given, dict):
        parts = {key: _take_apart(item, name, f"{path}[{key!r}]", numbers, blocks) for key, item in given.items()}
        return lambda made: _refilled(given, parts, made)
    if isinstance(given, (list, tuple)):
        items = [_take_apart(item, name, f"{path}[{at}]", numbers, blocks) for at, item in enumerate(given)]
        if isinstance(given, list):
            return lambda made: _like_list(given, [item(made) for item in items])
        make: Callable[[Iterable[Any]], Any] = getattr(given, "_make", type(given))
        return lambda made: make([item(made) for item in items])
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(given, numpy.ndarray):
        numbers.extend(_elements(given, name + path))
        blocks[path] = given.shape
        return next
    try:
        numbers.append(number(given, name + path))
    except TypeError as error:
        raise TypeError(
            f"{name}{path} is of type {type(given).__name__}, where numbers, arrays, and lists, tuples and "
            f"dicts of them are "
            f"taken: {error}"
        ) from None
    blocks[path] = None
    return next


def _elements(given: Any, name: str) -> list[Number]:
    flat: list[Any] = given.ravel().tolist()
    if given.dtype.kind == "f" and given.dtype.itemsize <= 8:
        return flat
    return [entry if isinstance(entry, Value) else number(entry, f"{name}.flat[{at}]") for at, entry in enumerate(flat)]


def _like_list(model: list[Any], items: list[Any]) -> list[Any]:
    if type(model) is list:
        return items
    twin = copy(model)
    twin[:] = items
    return twin


def _refilled(model: dict[Any, Any], parts: dict[Any, Callable[[Iterator[Any]], Any]], made: Iterator[Any]) -> Any:
    filled = {key: part(made) for key, part in parts.items()}
    if type(model) is dict:
        return filled
    twin = copy(model)  # keeps the kind of dict, and what it holds besides, as the default of a defaultdict
    twin.update(filled)
    return twin
