"""Sparse Hessians: which entries there are is read off the graph, and few forward passes find them all.

Rows and columns of a Hessian are the vertices of a graph whose edges are its entries. A star colouring gives the
columns colours such that one product of the Hessian with a vector for each colour holds every entry by itself
(Gebremedhin, Manne and Pothen, What color is your Jacobian?, SIAM Review 47, 2005, section 4).
"""

from __future__ import annotations

from importlib import import_module

from autograd_mini.engine.value import Value
from autograd_mini.transforms.forward import depending, push

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def sparse_hessian(slopes: Sequence[Value | float], variables: Sequence[Value]) -> Any:
    """Return the Hessian as a scipy.sparse.csr_array.

    Args:
        slopes: the gradient as a graph.
        variables: what it is the gradient with respect to.

    Raises:
        ModuleNotFoundError: if there is no scipy.

    """
    try:
        csr_array = import_module("scipy.sparse").csr_array
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "hessian(f, sparse=True) returns a scipy.sparse.csr_array, and there is no scipy here: install the "
            "extra with "
            "pip install 'autograd_mini[sparse]', or use hessian(f) for an ordinary array"
        ) from error
    computed = [slope for slope in slopes if isinstance(slope, Value)]
    nodes = depending(computed, variables)
    rows = pattern(slopes, nodes, variables)
    colours = star_colouring(rows)
    products: list[dict[Value, Any]] = []
    for colour in range(max(colours, default=-1) + 1):
        seeds = {variable: 1.0 for variable, own in zip(variables, colours, strict=True) if own == colour}
        products.append(push(nodes, seeds, on_values=False))

    entries: list[float] = []
    at: list[tuple[int, int]] = []
    for i, row in enumerate(rows):
        shades = [colours[j] for j in row]
        for j in sorted(row):
            # Alone with its colour in row i, the entry is there. If not, i is alone with its colour in row j.
            here, column = (i, colours[j]) if shades.count(colours[j]) == 1 else (j, colours[i])
            slope = slopes[here]
            entries.append(products[column].get(slope, 0.0) if isinstance(slope, Value) else 0.0)
            at.append((i, j))
    size = len(variables)
    return csr_array((entries, ([i for i, _ in at], [j for _, j in at])), shape=(size, size), dtype=float)


def pattern(slopes: Sequence[Value | float], nodes: Sequence[Value], variables: Sequence[Value]) -> list[set[int]]:
    """Return for each row the columns that may not be zero: on which variables the slope depends, and back.

    Args:
        slopes: the gradient as a graph.
        nodes: its nodes that depend on the variables, oldest first.
        variables: what it is the gradient with respect to.

    """
    depends: dict[Value, frozenset[int]] = {variable: frozenset([at]) for at, variable in enumerate(variables)}
    for node in nodes:
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
