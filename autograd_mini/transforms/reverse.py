"""Reverse mode on floats: the derivative of one result with respect to chosen nodes, and of nothing else.

`backward` gives every leaf its gradient. Here no `grad` changes: the adjoints of the wanted nodes are read off and the
rest is forgotten, so what a function closes over receives nothing.
"""

from __future__ import annotations

from operator import attrgetter

from autograd_mini.engine import backward as engine
from autograd_mini.engine import rules
from autograd_mini.engine.backward import stale
from autograd_mini.engine.value import ABSENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.engine.value import Value

_tick = attrgetter("_tick")


def adjoints(root: Value, wanted: Sequence[Value], seed: float = 1.0) -> list[float]:
    """Return seed * d root / d node for each wanted node, the others among them held fixed.

    Args:
        root: the result.
        wanted: nodes, leaves or not. What lies below them is not visited.
        seed: the adjoint of the root.

    Raises:
        StaleValueError: if a leaf was assigned after a node used it.

    """
    with engine._lock:
        if engine._sweep is None:
            engine._sweep = rules.sweep()
        outer = engine._running
        if not outer and all(node._pull is None for node in wanted):
            return _to_leaves(root, wanted, seed)
        zero = float("-0.0")  # -0.0 + g is g for every g, signed zeros included
        nodes, reached = _between(root, wanted)
        kept = [node._adjoint for node in reached] if outer else []
        try:
            engine._running = True
            for node in reached:
                node._adjoint = zero
            root._adjoint = seed
            engine._sweep(nodes)
            return [0.0 + node._adjoint for node in wanted]  # type: ignore[operator]  # just computed
        finally:
            engine._running = outer
            for node, adjoint in zip(reached, kept, strict=False):
                node._adjoint = adjoint


def _to_leaves(root: Value, wanted: Sequence[Value], seed: float) -> list[float]:
    """Return the adjoints of leaves, which need no cut: the engine's own walk is the fastest."""
    for node in wanted:
        node._adjoint = -0.0
    nodes, leaves = engine._reach(root, ABSENT)
    engine._refuse_stale(nodes, leaves)
    root._adjoint = seed
    try:
        engine._running = True
        engine._sweep(nodes)  # type: ignore[misc]  # `adjoints` has compiled it
    finally:
        engine._running = False
    return [0.0 + node._adjoint for node in wanted]  # type: ignore[operator]  # just computed


def _between(root: Value, wanted: Sequence[Value]) -> tuple[list[Value], list[Value]]:
    """Return the computed nodes from the root down to the wanted ones, newest first, and everything they touch."""
    seen = dict.fromkeys(wanted)
    if root in seen:
        return [], [*seen]
    seen[root] = None
    nodes: list[Value] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node._pull is None:
            continue
        nodes.append(node)
        tick = node._tick
        for operand in (node._x, node._y):
            if operand._tick > tick:
                raise stale(operand, node)
            if operand not in seen:
                seen[operand] = None
                waiting.append(operand)
    nodes.sort(key=_tick, reverse=True)
    return nodes, [*seen]
