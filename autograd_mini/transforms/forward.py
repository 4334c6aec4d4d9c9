"""Forward mode over a graph: tangents pushed from operands to results, oldest node first.

The tangent of a node is how fast it changes when its variables move in a given direction. One rule serves both modes: a
pullback that turns an adjoint g into g times the partial turns a tangent of the operand into the operand's share of the
tangent of the result.
"""

from __future__ import annotations

from autograd_mini.engine import backward as engine
from autograd_mini.engine.backward import stale
from autograd_mini.engine.graph import _below, _differentiable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from autograd_mini.engine.value import Value


def depending(outputs: Iterable[Value], variables: Iterable[Value]) -> list[Value]:
    """Return the nodes that lie between variables and outputs, oldest first, without the variables.

    Raises:
        StaleValueError: if an operand was assigned after a node used it.

    """
    held = set(variables)
    found: list[Value] = []
    moving = set(held)
    for node in _below(outputs, lambda node: () if node in held else _differentiable(node)):
        if node in held:
            continue
        for operand in _differentiable(node):
            if operand._tick > node._tick:
                raise stale(operand, node)
            if operand in moving and node not in moving:
                moving.add(node)
                found.append(node)
    return found


def push(nodes: Sequence[Value], tangents: Mapping[Value, Any], *, on_values: bool) -> dict[Value, Any]:
    """Return the tangents of the nodes.

    Args:
        nodes: what `depending` returned.
        tangents: those of the variables; one that is missing is zero.
        on_values: whether to compute them as Values, to be differentiated again, or as floats.

    Returns:
        the tangents of the variables and of the nodes that move with them.

    """
    known = dict(tangents)
    if on_values:
        for node in nodes:
            _push_values(node, known)
        return known
    with engine._lock:
        for node in nodes:
            _push_floats(node, known)
    for watcher in engine.tangent_watchers:
        watcher(nodes, known)
    return known


def _push_values(node: Value, tangents: dict[Value, Any]) -> None:
    rule: Any = node._pull.rule  # type: ignore[union-attr]  # a node between variables and outputs was computed
    if hasattr(rule, "push"):
        rule.push(node, tangents, on_values=True)
        return
    total = None
    for operand, times_partial in zip(
        _differentiable(node), node.partials() if node.symbolic else rule.partials, strict=True
    ):
        if operand in tangents:
            share = times_partial(node, tangents[operand])
            total = share if total is None else total + share
    if total is not None:
        tangents[node] = total


def _push_floats(node: Value, tangents: dict[Value, Any]) -> None:
    pull: Any = node._pull
    rule = pull.rule
    if hasattr(rule, "push"):
        rule.push(node, tangents, on_values=False)
        return
    p, q = node._x, node._y
    kept = p._adjoint, q._adjoint  # they may belong to a backward pass that called us
    total = None
    if p in tangents:
        p._adjoint = q._adjoint = -0.0
        pull(node, tangents[p])
        total = p._adjoint
    if len(rule.variant) == 2 and q is not p and q in tangents:
        p._adjoint = q._adjoint = -0.0
        pull(node, tangents[q])
        total = q._adjoint if total is None else total + q._adjoint
    p._adjoint, q._adjoint = kept
    if total is not None:
        tangents[node] = total
