"""The part of a graph that a formula shows: its nodes, its operands, and the names of its leaves."""

from __future__ import annotations

from autograd_mini.engine.graph import _below, gradient
from autograd_mini.engine.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def operands_shown(node: Value) -> tuple[Value | float, ...]:
    """Return the operands that the formula shows: of a `where`, the one that was taken."""
    if node.op != "where":
        return node.args
    condition, this, otherwise = node.args
    return (this if condition else otherwise,)


def value_operands(node: Value) -> list[Value]:
    """Return those of them that are Values."""
    return [arg for arg in operands_shown(node) if isinstance(arg, Value)]


def nodes_and_names(
    y: Value, wrt: Value | None, names: Mapping[Value, str] | None, limit: int
) -> tuple[list[Value], dict[Value, str]]:
    """Return the nodes of the formula, oldest first, the result last, and the names of its leaves."""
    if not isinstance(y, Value):
        raise TypeError(f"y is a Value; got {y!r} of type {type(y).__name__}")
    root = y if wrt is None else gradient(y, wrt)
    nodes = _below([root], value_operands)
    shown = sum(1 for node in nodes if node.op)
    if shown > limit:
        raise ValueError(
            f"the formula has at most limit={limit} operations; got {shown}: draw the graph, take a part of it, or "
            "give a larger limit"
        )
    named = {node: (names or {}).get(node, "" if node.op else node.label) for node in nodes}
    leaf_names = {node: name for node, name in named.items() if name}
    owners: dict[str, Value] = {}
    for node, name in leaf_names.items():
        other = owners.setdefault(name, node)
        if other is not node:
            raise ValueError(
                f"a formula has one Value of each name; got {other!r} and {node!r}, both called {name!r}: give them "
                "different labels, or names={value: name}"
            )
    return nodes, leaf_names
