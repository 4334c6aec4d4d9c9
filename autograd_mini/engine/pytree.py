"""A pytree: numbers and NumPy arrays in lists, tuples (named ones too) and dicts, nested to any depth.

    >>> numbers, treedef = flatten({"w": [1.0, 2.0], "b": 3})
    >>> numbers
    [1.0, 2.0, 3.0]
    >>> treedef.unflatten([10.0, 20.0, 30.0])
    {'w': [10.0, 20.0], 'b': 30.0}

A spec is the same without the numbers, as plain tuples: None for a number, ("array", shape), ("list", specs),
("tuple", specs), ("dict", keys, specs), ("named", class, specs) for a class of tuples, and ("like", model, keys or
None, specs) for other classes of dicts and lists. It can be compared, hashed and pickled.
"""

from __future__ import annotations

import sys
from copy import copy
from itertools import islice
from math import prod

from autograd_mini.engine.checks import number
from autograd_mini.engine.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    Number = Value | float
    Shape = tuple[int, ...]
    Spec = tuple[Any, ...] | None


class TreeDef:
    """How the numbers of a pytree are arranged; `spec` says it in plain tuples."""

    __slots__ = ("spec",)

    def __init__(self, spec: Spec) -> None:
        self.spec = spec

    @property
    def blocks(self) -> list[Shape | None]:
        """For each block, in order, the shape of an array, or None for a number that stands alone."""
        return [shape for _, shape in _blocks(self.spec, "")]

    @property
    def paths(self) -> list[str]:
        """Where each block stands, for example "['w'][0]"."""
        return [path for path, _ in _blocks(self.spec, "")]

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return _size(self.spec)

    def __eq__(self, other: object) -> bool:
        return self.spec == other.spec if isinstance(other, TreeDef) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.spec)

    def __reduce__(self) -> tuple[Any, ...]:
        return TreeDef, (self.spec,)

    def __str__(self) -> str:
        """Say what it holds: "a number", "[0]: a number, [1]: an array of shape (3,)"."""
        parts = []
        for path, shape in _blocks(self.spec, ""):
            kind = "a number" if shape is None else f"an array of shape {shape}"
            parts.append(f"{path}: {kind}" if path else kind)
        return ", ".join([*parts[:6], "…"] if len(parts) > 6 else parts) or "nothing"

    def unflatten(self, numbers: Sequence[Any]) -> Any:
        """Return numbers so arranged; arrays are of float64, or of objects if a Value is among their numbers."""
        return unflatten(self.spec, iter(numbers))

    def product(self, inner: TreeDef, rows: Sequence[Sequence[Any]]) -> Any:
        """Return a matrix, a row for each number here, as this pytree of inner ones; shapes are joined, `a + b`."""
        made: list[Any] = []
        inner_shapes = inner.blocks
        top = 0
        for outer_shape in self.blocks:
            bottom = top + (1 if outer_shape is None else prod(outer_shape))
            blocks: list[Any] = []
            left = 0
            for shape in inner_shapes:
                right = left + (1 if shape is None else prod(shape))
                entries = [entry for row in rows[top:bottom] for entry in row[left:right]]
                if outer_shape is None and shape is None:
                    blocks.append(entries[0])
                else:
                    blocks.append(array(entries, (outer_shape or ()) + (shape or ())))
                left = right
            made.append(_refilled(inner.spec, blocks))
            top = bottom
        return _refilled(self.spec, made)

    def same_blocks(self, other: TreeDef) -> bool:
        """Return whether the blocks are the same at the same places, whatever the classes of their containers."""
        return [*_blocks(self.spec, "")] == [*_blocks(other.spec, "")]


def flatten(tree: Any, name: str = "the argument") -> tuple[list[Number], TreeDef]:
    """Return the numbers of a pytree in order, and how they are arranged; a TypeError says where in `name` is none."""
    numbers: list[Number] = []
    return numbers, TreeDef(flatten_into(tree, name, numbers))


def flatten_into(tree: Any, name: str, numbers: list[Any]) -> Spec:
    """Append the numbers of a pytree to a list and return its spec; see `flatten`."""
    try:
        return _spec(tree, numbers)
    except (TypeError, OverflowError):
        _refuse(tree, name)
        raise


def unflatten(spec: Spec, numbers: Iterator[Any]) -> Any:
    """Return the pytree of a spec, with as many numbers as it needs."""
    if spec is None:
        return next(numbers)
    if spec[0] == "array":
        return array(list(islice(numbers, prod(spec[1]))), spec[1])
    return _filled(spec, [next(numbers) if part is None else unflatten(part, numbers) for part in spec[-1]])


def nested(spec: Spec, block: Callable[[Shape | None], Any]) -> Any:
    """Return the pytree of a spec, with block(shape) for each of its arrays, and block(None) for each number."""
    if spec is None or spec[0] == "array":
        return block(spec and spec[1])
    return _filled(spec, [nested(part, block) for part in spec[-1]])


def together(parts: Sequence[TreeDef]) -> TreeDef:
    """Return the arrangement of a tuple of arguments."""
    return TreeDef(("tuple", tuple([part.spec for part in parts])))


def matching(treedef: TreeDef, tree: Any, name: str, model: str) -> list[Number]:
    """Return the numbers of an argument; a ValueError if its structure is not that of the model."""
    numbers, found = flatten(tree, name)
    if not found.same_blocks(treedef):
        raise ValueError(f"{name} has the structure {found}, expected that of {model}: {treedef}")
    return numbers


def leaves(tree: Any) -> Iterator[Any]:
    """Yield what lists, tuples, dicts, and arrays of objects hold, whatever it is.

    >>> list(leaves([1, {"a": ("text", None)}]))
    [1, 'text', None]

    """
    if isinstance(tree, dict):
        tree = tree.values()
    elif not isinstance(tree, (list, tuple)):
        numpy = sys.modules.get("numpy")
        if numpy is None or not isinstance(tree, numpy.ndarray) or tree.dtype != object:
            yield tree
            return
        tree = tree.ravel().tolist()
    for item in tree:
        yield from leaves(item)


def tree_map(f: Callable[[Any], Any], tree: Any) -> Any:
    """Return a pytree of anything with f applied to each leaf; tuples become lists.

    >>> tree_map(abs, {"a": (-1, 2)})
    {'a': [1, 2]}

    """
    if isinstance(tree, dict):
        return {key: tree_map(f, item) for key, item in tree.items()}
    return [tree_map(f, item) for item in tree] if isinstance(tree, (list, tuple)) else f(tree)


def holds_values(tree: Any) -> bool:
    """Return whether there is a Value in nested lists, tuples, dicts and arrays."""
    return any(isinstance(leaf, Value) for leaf in leaves(tree))


def array(numbers: Sequence[Any], shape: Shape) -> Any:
    """Return a NumPy array of float64, or of objects if there is a Value among the numbers."""
    import numpy as np

    if any(isinstance(entry, Value) for entry in numbers):
        from autograd_mini.engine.arrays import ValueArray

        # Unlike an assignment, this asks no Value whether it is an array.
        return np.fromiter(numbers, dtype=object, count=len(numbers)).reshape(shape).view(ValueArray)
    return np.array(numbers, dtype=np.float64).reshape(shape)


class _Model:
    """An empty container of a class of its own, with what it has besides items, as the default of a defaultdict."""

    __slots__ = ("container",)

    def __init__(self, container: Any) -> None:
        self.container = copy(container)
        self.container.clear()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Model) and type(self.container) is type(other.container)

    def __hash__(self) -> int:
        return hash(type(self.container))

    def __reduce__(self) -> tuple[Any, ...]:
        return _Model, (self.container,)


def _spec(tree: Any, numbers: list[Number]) -> Spec:
    """Append the numbers of a pytree to a list and return its spec; what is no number raises a TypeError."""
    kind = type(tree)
    if kind is float or isinstance(tree, Value):
        numbers.append(tree)
        return None
    if isinstance(tree, (list, tuple)):
        items = tuple([_spec(item, numbers) for item in tree])
        if kind is list or kind is tuple:
            return kind.__name__, items
        return ("named", kind, items) if isinstance(tree, tuple) else ("like", _Model(tree), None, items)
    if isinstance(tree, dict):
        items = tuple([_spec(item, numbers) for item in tree.values()])
        return ("dict", tuple(tree), items) if kind is dict else ("like", _Model(tree), tuple(tree), items)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(tree, numpy.ndarray):
        entries = numpy.ravel(tree).tolist()
        if kind is numpy.ndarray and tree.dtype.kind == "f" and tree.dtype.itemsize <= 8:
            numbers += entries
        else:
            numbers += [entry if isinstance(entry, Value) else number(entry, "an entry") for entry in entries]
        return "array", tree.shape
    numbers.append(number(tree, "a leaf"))
    return None


def _refuse(tree: Any, path: str) -> None:
    """Raise the error of the first leaf that is no number, if there is one."""
    if isinstance(tree, (float, Value)):
        return
    if isinstance(tree, dict):
        for key, item in tree.items():
            _refuse(item, f"{path}[{key!r}]")
    elif isinstance(tree, (list, tuple)):
        for at, item in enumerate(tree):
            _refuse(item, f"{path}[{at}]")
    elif getattr(tree, "ndim", 0) and type(tree).__module__.partition(".")[0] == "numpy":
        for at, entry in enumerate(tree.ravel().tolist()):
            if not isinstance(entry, Value):
                number(entry, f"{path}.flat[{at}]")
    else:
        try:
            number(tree, path)
        except TypeError as error:
            raise TypeError(
                f"{path} is of type {type(tree).__name__}, expected numbers, arrays, or lists, tuples and dicts of "
                f"them: {error}"
            ) from None


def _refilled(spec: Spec, blocks: Sequence[Any]) -> Any:
    rest = iter(blocks)
    return nested(spec, lambda _: next(rest))


def _filled(spec: tuple[Any, ...], items: list[Any]) -> Any:
    """Return a container of the kind of a spec that holds these items."""
    kind = spec[0]
    if kind == "list":
        return items
    if kind == "tuple":
        return tuple(items)
    if kind == "dict":
        return dict(zip(spec[1], items, strict=True))
    if kind == "named":
        return getattr(spec[1], "_make", spec[1])(items)
    _, model, keys, _ = spec
    twin = copy(model.container)
    if keys is None:
        twin[:] = items
    else:
        twin.update(zip(keys, items, strict=True))
    return twin


def _size(spec: Spec) -> int:
    if spec is None:
        return 1
    return prod(spec[1]) if spec[0] == "array" else sum(map(_size, spec[-1]))


def _blocks(spec: Spec, path: str) -> Iterator[tuple[str, Shape | None]]:
    """Yield where each block stands, with the shape of an array, or None for a number."""
    if spec is None or spec[0] == "array":
        yield path, spec and spec[1]
        return
    keys = spec[-2] if spec[0] in {"dict", "like"} else None
    for key, part in zip(range(len(spec[-1])) if keys is None else keys, spec[-1], strict=True):
        yield from _blocks(part, f"{path}[{key!r}]")
