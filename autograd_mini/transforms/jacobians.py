"""Jacobians and Hessians: all derivatives of several results, in the structure of the result and the argument.

Which entries of a sparse Hessian there are is read off the graph, and few forward passes find them all: rows and
columns are the vertices of a graph whose edges are the entries, and a star colouring gives the columns colours such
that one product of the Hessian with a vector for each colour holds every entry by itself (Gebremedhin, Manne and
Pothen, What color is your Jacobian?, SIAM Review 47, 2005, section 4).
"""

from __future__ import annotations

from autograd_mini.engine.graph import depending
from autograd_mini.engine.value import Value
from autograd_mini.extras import extra
from autograd_mini.transforms.gradients import differentiated, transform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Literal, Protocol, overload

    from autograd_mini.engine.checks import Function
    from autograd_mini.transforms.gradients import Argnums
    from autograd_mini.transforms.tracing import Run

    class Hessian(Protocol):
        """A function of the arguments of f that returns its second derivatives."""

        @overload
        def __call__(self, x: Value, /, *args: Any, **kwargs: Any) -> Value: ...
        @overload
        def __call__(self, x: float, /, *args: Any, **kwargs: Any) -> float: ...
        @overload
        def __call__(self, x: list[Value], /, *args: Any, **kwargs: Any) -> list[list[Value]]: ...
        @overload
        def __call__(self, x: list[float], /, *args: Any, **kwargs: Any) -> list[list[float]]: ...
        @overload
        def __call__(self, x: Any, /, *args: Any, **kwargs: Any) -> Any: ...
        def __call__(self, x: Any, /, *args: Any, **kwargs: Any) -> Any:
            """Return the second derivatives."""


FORWARD_COST = 2.0
"""What a forward pass for one input costs, in reverse passes for one output; measured on random programs."""


@transform
def jacobian(f: Function, argnums: Argnums = 0) -> Callable[..., Any]:
    """Return the function that computes all the partial derivatives of a function of several results.

    Reverse mode has one pass for each result, forward mode one for each input; the cheaper is taken.

    Args:
        f: a function that returns a number or a structure of numbers.
        argnums: the position of the argument to differentiate by, or a tuple of positions.

    Returns:
        a function of the same arguments. It returns the structure of the result with the structure of the argument in
        the place of each number; a result of shape `a` and an argument of shape `b` give an array of shape `a + b`.

    Raises:
        TypeError: when called, if an argument or the result has something in it that is no number.

    >>> jacobian(lambda p: [p[0] * p[1], p[0] + p[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]

    """

    def matrix(run: Run) -> Any:
        outputs, treedef = run.outputs()
        if run.treedef.size * FORWARD_COST < len(outputs):
            rows = [[*row] for row in zip(*run.forward(outputs, *({x: 1.0} for x in run.variables)), strict=True)]
        else:
            rows = [run.reverse(y) for y in outputs]
        return treedef.product(run.treedef, [run.finished(row) for row in rows])

    return differentiated(f, argnums, matrix)


if TYPE_CHECKING:

    @overload
    def hessian(f: Function, argnums: Literal[0] = ..., *, sparse: Literal[False] = ...) -> Hessian: ...
    @overload
    def hessian(f: Function, argnums: Argnums = ..., *, sparse: bool = ...) -> Callable[..., Any]: ...


@transform
def hessian(f: Function, argnums: Argnums = 0, *, sparse: bool = False) -> Callable[..., Any]:
    """Return the function that computes the second derivatives of f.

    Args:
        f: a function that returns one number.
        argnums: the position of the argument to differentiate by, or a tuple of positions.
        sparse: whether to return a scipy.sparse.csr_array with a row and a column for each number of the argument.
            Which entries are not zero is read off the graph, and a colouring makes a few passes do for all rows.

    Returns:
        a function of the same arguments. It returns the structure of the argument with that structure in the place of
        each number; for an array of shape (n,), an array of shape (n, n).

    Raises:
        TypeError: when called, if f returns no number, an argument has something in it that is none, or a sparse
            Hessian is asked of Values.
        ModuleNotFoundError: when called, if a sparse Hessian is asked for and there is no scipy.

    >>> hessian(lambda p: p[0] ** 2 * p[1])([3.0, 5.0])
    [[10.0, 6.0], [6.0, 0.0]]

    """

    def matrix(run: Run) -> Any:
        slopes = run.slopes("hessian")
        if sparse and run.on_values:
            raise TypeError(
                "an argument of hessian(f, sparse=True) holds Values, expected plain numbers, as it returns: leave "
                "sparse=True out"
            )
        if sparse:
            return _sparse_hessian(run, slopes)
        return run.treedef.product(run.treedef, [run.finished(run.reverse(slope)) for slope in slopes])

    return differentiated(f, argnums, matrix)


def _sparse_hessian(run: Run, slopes: Sequence[Value | float]) -> Any:
    """Return the Hessian as a scipy.sparse.csr_array, of the gradient as a graph."""
    csr_array = extra("scipy.sparse", "hessian(f, sparse=True)", "use hessian(f) for an ordinary array").csr_array
    rows = pattern(slopes, run.variables)
    colours = star_colouring(rows)
    coloured: list[dict[Value, float]] = [{} for _ in range(max(colours, default=-1) + 1)]
    for variable, colour in zip(run.variables, colours, strict=True):
        coloured[colour][variable] = 1.0
    products = run.forward(slopes, *coloured)

    entries: list[float] = []
    at: list[tuple[int, int]] = []
    for i, row in enumerate(rows):
        shades = [colours[j] for j in row]
        for j in sorted(row):
            # Alone with its colour in row i, the entry is there. If not, i is alone with its colour in row j.
            here, column = (i, colours[j]) if shades.count(colours[j]) == 1 else (j, colours[i])
            entries.append(products[column][here])
            at.append((i, j))
    size = len(rows)
    return csr_array((entries, ([i for i, _ in at], [j for _, j in at])), shape=(size, size), dtype=float)


def pattern(slopes: Sequence[Value | float], variables: Sequence[Value]) -> list[set[int]]:
    """Return for each row the columns that may not be zero: on which variables the slope depends, and back."""
    depends: dict[Value, frozenset[int]] = {variable: frozenset([at]) for at, variable in enumerate(variables)}
    for node in depending([slope for slope in slopes if isinstance(slope, Value)], variables):
        first = depends.get(node._x)
        second = depends.get(node._y)
        both = [operand for operand in (first, second) if operand]
        if len(both) == 2:  # keep the set that an operand has, if it will do: many nodes share one
            a, b = both
            depends[node] = a if b <= a else b if a <= b else a | b
        else:
            depends[node] = both[0]
    rows: list[set[int]] = [set() for _ in variables]
    for i, slope in enumerate(slopes):
        for j in depends.get(slope, ()) if isinstance(slope, Value) else ():
            rows[i].add(j)
            rows[j].add(i)
    return rows


def star_colouring(rows: Sequence[set[int]]) -> list[int]:
    """Return a colour for each vertex: neighbours differ, and every path on four vertices has three colours.

    The vertices with most neighbours come first, so that a row that is full takes one colour of its own.
    """
    colours = [-1] * len(rows)
    for v in sorted(range(len(rows)), key=lambda i: (-len(rows[i]), i)):
        forbidden: set[int] = set()
        for w in rows[v] - {v}:
            forbidden.add(colours[w])
            for x in rows[w] - {w, v}:
                if colours[x] < 0:
                    continue
                # v - w - x with w uncoloured yet, or one more step to a vertex with w's colour
                if colours[w] < 0 or any(colours[y] == colours[w] for y in rows[x] - {x, w}):
                    forbidden.add(colours[x])
        colours[v] = next(colour for colour in range(len(rows) + 1) if colour not in forbidden)
    return colours
