"""Forward mode over a graph: tangents pushed from operands to results, oldest node first.

The tangent of a node is how fast it changes when its variables move in a given direction. The rules that propagate
adjoints propagate tangents: see `rules.Rule.push`.
"""

from __future__ import annotations

from contextlib import nullcontext

from autograd_mini.engine.backward import one_pass, stale
from autograd_mini.engine.graph import _below, _differentiable
from autograd_mini.engine.hooks import current, on_pass

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
    with nullcontext() if on_values else one_pass:
        for node in nodes:
            node._pull.rule.push(node, known, on_values=on_values)  # type: ignore[union-attr]  # those were computed
    for hook in current() if on_pass and not on_values else ():
        hook.tangents(nodes, known)
    return known
