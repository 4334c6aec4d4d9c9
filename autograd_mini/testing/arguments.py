"""An argument: what a function takes, by an example of it: which of its numbers vary, and what stays as it is.

The checker knows points, tuples of floats. `Arguments` makes of a point what a function takes, and names its numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial, wraps
from itertools import product
from typing import TYPE_CHECKING, Any

from autograd_mini.engine.pytree import flatten
from autograd_mini.engine.value import Value
from autograd_mini.extras import extra
from autograd_mini.testing.libraries import (
    PRECISIONS,
    dtype_of,
    is_container,
    is_inexact,
    is_integer,
    is_number,
    kind_of,
    labels_of,
    leaves,
    library_of,
)
from autograd_mini.testing.problem import MANY
from autograd_mini.testing.signatures import arity, names_of, parameters, takes, works

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from autograd_mini.testing.libraries import Library
    from autograd_mini.testing.problem import Point

    Wrt = str | int | Iterable[str | int] | None


@dataclass(slots=True)
class Input:
    """A number, a list of numbers, or an array, that a function is differentiated by.

    Attributes:
        name: the parameter's own, with the way to the leaf in lists and dicts.
        shape: the shape of an array or a list; () for a number.
        build: makes it of its numbers, in a shape.
        entries: how many numbers there are, a complex one counted once.
        complex: whether each of them is two for the checker.
        library: the kind of array.
        dtype: the type of its numbers, as a word.
        labels: what the rows of a Series, or the rows and columns of a DataFrame, are called.

    """

    name: str
    shape: tuple[int, ...]
    build: Callable[[Sequence[Any], tuple[int, ...]], Any]
    entries: int
    complex: bool = False
    library: Library | None = None
    dtype: str = ""
    labels: tuple[Any, ...] = ()

    @property
    def size(self) -> int:
        """How many numbers the checker has for it."""
        return self.entries * (1 + self.complex)

    def of(self, numbers: Sequence[Any]) -> Any:
        """Return what the leaf is with other numbers."""
        if self.complex:
            numbers = [complex(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]
        elif hasattr(numbers, "tolist") and not self.library:
            numbers = numbers.tolist()
        return self.build(numbers, self.shape)

    def together(self, table: Any) -> Any:
        """Return as one array, with an axis more in front, what the leaf is with the numbers in each row of a table."""
        numbers = table[:, ::2] + 1j * table[:, 1::2] if self.complex else table
        shape = (len(table), *self.shape)
        return self.build(numbers, shape) if self.library else numbers.reshape(shape)

    def names(self) -> Iterator[str]:
        """Yield the name of each number."""
        for index in product(*self.labels) if self.labels else product(*map(range, self.shape)):
            name = f"{self.name}[{','.join(map(repr, index))}]" if index else self.name
            yield from (f"{name}.real", f"{name}.imag") if self.complex else (name,)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a function is not differentiated by, and is handed as it is."""

    thing: Any


def _chosen(wrt: Any, heads: Sequence[str], known: Sequence[str]) -> set[str]:
    """Return the names that ``wrt`` says, by name or, of arguments, by position."""
    given = [*wrt] if isinstance(wrt, Iterable) and not isinstance(wrt, str) else [wrt]
    positions = {w: heads[w] for w in given if type(w) is int and -len(heads) <= w < len(heads)}
    chosen = {w if w in known else positions.get(w, w) for w in given}
    if not chosen <= {*known}:
        raise ValueError(f"wrt is {wrt!r}, expected names among {', '.join(map(str, known))}")
    return chosen


class Arguments:
    """The arguments of a call, by an example: how a point is passed to a function, and what its numbers are called.

    Real and complex numbers vary. Labels, masks, strings and other objects stay as they are, and so do integers beside
    real numbers, unless the derivative has a number for each of them too.

    Args:
        f: the function.
        at: the example: a number, list or array, a tuple of several arguments, or a dict of them by name; or, for a
            function of one dict, that. Lists, tuples and dicts may be nested.
        wrt: the names or positions of the arguments, or the names of the entries of the one dict, that vary; None for
                all that can.
        integers: whether integers beside real numbers vary, too.

    Attributes:
        numbers: the numbers of the example that vary.
        names: a name for each: the parameter's own, with an index in a list or an array, as in ``W[0,1]``.
        leaves: the numbers, lists and arrays that they stand in.
        example: the arguments as given.
        library: what differentiates the function by such arguments; None if that is the engine.
        eps: the unit roundoff of the coarsest numbers among them.
        grid: what rounds a number to these.

    Raises:
        TypeError: if there is no number in the example.
        ValueError: if a number is not finite, or a dict or ``wrt`` names what is no parameter.

    """

    def __init__(self, f: Callable[..., Any], at: Any, wrt: Wrt = None, *, integers: bool = False) -> None:
        self.example, heads = self._taken_apart(f, at)
        known = heads if len(heads) != 1 or not isinstance(self.example[0], dict) else [*heads, *self.example[0]]
        chosen = None if wrt is None else _chosen(wrt, heads, known)
        self._integers = integers or not any(map(is_inexact, _things(self.example)))
        self.mixed = not self._integers and any(isinstance(t, int) for t in _things(self.example))
        self.leaves: list[Input] = []
        self._numbers: list[float] = []
        inner = chosen is not None and known is not heads and not chosen & {*heads}
        self._tree = tuple(
            {k: self._template(v, f"{head}[{k!r}]", named=k in chosen) for k, v in part.items()}
            if inner and chosen is not None
            else self._template(part, head, named=None if chosen is None else head in chosen)
            for head, part in zip(heads, self.example, strict=True)
        )
        self.numbers = tuple(self._numbers)
        if not self.numbers:
            expected = "a number, a tuple of numbers, a dict by name, a list or an array"
            raise TypeError(f"at is {at!r}, which has no number that varies, expected {expected}")
        if not all(map(math.isfinite, self.numbers)):
            raise ValueError(f"at is {at!r}, expected one or more finite numbers")
        self.names = tuple(name for leaf in self.leaves for name in leaf.names())
        self.complex = any(leaf.complex for leaf in self.leaves)
        self._apart = (
            len(self.numbers) <= MANY
            and all(part is leaf for part, leaf in zip(self._tree, self.leaves, strict=False))
            and all(
                isinstance(part, Input) and not part.shape and not part.library and not part.complex
                for part in self._tree
            )
        )
        libraries = [leaf.library for leaf in self.leaves if leaf.library]
        self.library = next((library for library in libraries if library.derivative), None)
        self.conjugate = any(library.conjugate for library in libraries)
        kinds = {leaf.dtype for leaf in self.leaves}
        self.eps, self.grid = next((PRECISIONS[kind] for kind in PRECISIONS if kind in kinds), (2.0**-52, float))

    @staticmethod
    def _taken_apart(f: Callable[..., Any], at: Any) -> tuple[tuple[Any, ...], list[str]]:
        """Return the arguments of a call, and their names."""
        if isinstance(at, dict):
            named = [p.name for p in parameters(f)]
            if {*at} <= {*named}:
                given = [name for name in named if name in at]
                return tuple(at[name] for name in given), given
            if arity(f) != 1 or not works(f, at):
                raise ValueError(f"at names {', '.join(map(str, at))}, expected names among the parameters of f")
            return (at,), names_of(f, 1)
        if isinstance(at, tuple) and (takes(f, len(at)) or any(map(is_container, at))):
            example = at
        elif isinstance(at, list) and arity(f) != 1:
            example = tuple(at)
        else:
            example = ([*at] if isinstance(at, tuple) else at,)
        return example, names_of(f, len(example))

    def _template(self, part: Any, name: str, *, named: bool | None) -> Any:
        """Return a part of the example with its numbers as leaves, which are recorded, and the rest as `Kept`."""
        if named is False:
            return Kept(part)
        whole = self._integers or bool(named)
        if isinstance(part, list) and part and all(type(item) is float for item in part):
            return self._leaf(Input(name, (len(part),), _list, len(part)), part)
        if isinstance(part, dict):
            return {k: self._template(v, f"{name}[{k!r}]", named=named) for k, v in part.items()}
        if isinstance(part, (list, tuple)):
            return _like(part, [self._template(v, f"{name}[{i}]", named=named) for i, v in enumerate(part)])
        library = library_of(part)
        if library is not None:
            if hasattr(part, "filled") and part.mask.any():
                raise TypeError(
                    f"{name} has masked entries, expected numbers: leave them out, or fill them, filled(0.0)"
                )
            kind = kind_of(part)
            if not kind or (kind == "integer" and not whole):
                return Kept(part)
            shape = tuple(part.shape)
            build = partial(library.array, part)
            leaf = Input(
                name, shape, build, math.prod(shape), kind == "complex", library, dtype_of(part), labels_of(part)
            )
            return self._leaf(leaf, leaves(part, "at", 1))
        if isinstance(part, complex):
            return self._leaf(Input(name, (), _first, 1, complex=True), [part.real, part.imag])
        if not is_number(part) or (not whole and is_integer(part)):
            return Kept(part)
        return self._leaf(Input(name, (), _first, 1), leaves(part, "at"))

    def _leaf(self, leaf: Input, numbers: list[float]) -> Input:
        self.leaves.append(leaf)
        self._numbers += numbers
        return leaf

    def of(self, point: Point) -> tuple[Any, ...]:
        """Return arguments like the example with the numbers of a point."""
        return point if self._apart else self._with(point, lambda part: part)

    def together(self, points: Sequence[Point]) -> tuple[Any, ...]:
        """Return arguments of a batch: each number, list or array as an array with the points along its first axis."""
        table, start = extra("numpy", "A batch of points").array(points, dtype=float), 0

        def fill(leaf: Input) -> Any:
            nonlocal start
            start += leaf.size
            return leaf.together(table[:, start - leaf.size : start])

        filled: tuple[Any, ...] = _filled(self._tree, fill)
        return filled

    def values(self, point: Point) -> tuple[Any, ...]:
        """Return arguments like the example with a fresh Value for every number of a point."""
        return self._with(point, lambda part: as_values((part,))[0])

    def _with(self, point: Point, finish: Callable[[Any], Any]) -> tuple[Any, ...]:
        start = 0

        def fill(leaf: Input) -> Any:
            nonlocal start
            start += leaf.size
            return finish(leaf.of(point[start - leaf.size : start]))

        filled: tuple[Any, ...] = _filled(self._tree, fill)
        return filled

    def with_leaves(self, parts: Sequence[Any]) -> tuple[Any, ...]:
        """Return arguments like the example with other leaves."""
        following = iter(parts)
        filled: tuple[Any, ...] = _filled(self._tree, lambda _: next(following))
        return filled

    def leaves_of(self, args: Sequence[Any]) -> list[Any]:
        """Return the leaves among arguments like the example."""
        return [*_picked(self._tree, args)]

    def of_leaves(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``f`` as a function of the leaves alone."""
        return lambda *parts: f(*self.with_leaves(parts))

    def alone(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Return an ``f`` that takes batches of arrays as a function of one point."""
        return wraps(f)(lambda *args: f(*self.with_leaves([part[None] for part in self.leaves_of(args)]))[0])

    def differentiate(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Return the derivative of ``f`` by the leaves, by the library that their arrays are of, or by the engine."""
        differentiate = self.library.derivative if self.library else None
        if differentiate is None and not any(isinstance(part, Kept) for part in _things(self._tree)):
            return engine_derivative(f)
        of_leaves, count = self.of_leaves(f), len(self.leaves)
        derivative = differentiate(of_leaves, count) if differentiate else engine_derivative(of_leaves)
        return wraps(f)(lambda *args: derivative(*self.leaves_of(args)))


def _first(numbers: Sequence[Any], _: tuple[int, ...]) -> Any:
    return numbers[0]


def _list(numbers: Sequence[Any], _: tuple[int, ...]) -> list[Any]:
    return [*numbers]


def _like(container: Any, items: list[Any]) -> Any:
    """Return a list or a tuple of the class of another."""
    return type(container)(*items) if hasattr(container, "_fields") else type(container)(items)


def _filled(tree: Any, fill: Callable[[Input], Any]) -> Any:
    """Return a template with something else for each leaf."""
    if isinstance(tree, Input):
        return fill(tree)
    if isinstance(tree, Kept):
        return tree.thing
    if isinstance(tree, dict):
        return {k: _filled(v, fill) for k, v in tree.items()}
    return _like(tree, [_filled(v, fill) for v in tree])


def _picked(tree: Any, part: Any) -> Iterator[Any]:
    """Yield what stands at the leaves of a template."""
    if isinstance(tree, Input):
        yield part
    elif isinstance(tree, dict):
        for key, inner in tree.items():
            yield from _picked(inner, part[key])
    elif isinstance(tree, (list, tuple)):
        for inner, item in zip(tree, part, strict=True):
            yield from _picked(inner, item)


def _things(tree: Any) -> Iterator[Any]:
    """Yield all that stands in nested lists, tuples and dicts."""
    if isinstance(tree, (list, tuple, dict)):
        for item in tree.values() if isinstance(tree, dict) else tree:
            yield from _things(item)
    else:
        yield tree


def engine_derivative(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return the derivative of ``f`` by the engine, by all numbers that are passed to it, apart or in a list or array.

    No ``grad`` changes, not that of a Parameter that ``f`` uses either. Applied twice, it gives second derivatives.

    >>> engine_derivative(lambda x, y: x * y)(2.0, 3.0)
    (3.0, 2.0)
    """

    @wraps(f)
    def derivative(*args: Any) -> Any:
        from autograd_mini.transforms import jacobian

        return jacobian(f, 0 if len(args) == 1 else tuple(range(len(args))))(*args)

    return derivative


def as_values(args: Sequence[Any]) -> tuple[Any, ...]:
    """Return arguments with a fresh Value for every number in them.

    >>> as_values((1.0, [2.0]))
    (Value(data=1.0), [Value(data=2.0)])
    """
    numbers, treedef = flatten(tuple(args), "at")
    built: tuple[Any, ...] = treedef.unflatten([Value(n) if not isinstance(n, Value) else n for n in numbers])
    return built
