"""Confirmed leaves: those whose derivative the derivative checker found correct, by the values of the graph alone."""

from __future__ import annotations

from math import isfinite

from autograd_mini.engine.graph import gradient
from autograd_mini.engine.value import Value
from autograd_mini.viz.replay import NotReplayableError, replay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

QUICK = 600
"""Nodes times leaves, up to which checking every leaf is not noticed."""


def confirmed_leaves(y: Value, nodes: Sequence[Value], check: bool | None) -> frozenset[Value]:  # noqa: FBT001 - as in `step`
    """Return the leaves below y whose derivative is confirmed; none where there is no checker.

    Args:
        y: the result.
        nodes: the graph below it.
        check: True to check, False not to, None to check where that is quick.

    Raises:
        ImportError: if `check` is True and there is no checker.

    """
    leaves = [node for node in nodes if not node.op]
    if check is False or (check is None and len(nodes) * len(leaves) > QUICK):
        return frozenset()
    try:
        from autograd_mini.testing import check_grad  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        if check:
            raise
        return frozenset()
    return frozenset(leaf for leaf in leaves if _confirmed(y, leaf, check_grad))


def _confirmed(y: Value, leaf: Value, check_grad: Callable[..., Any]) -> bool:
    def value(x: float) -> float:
        return float(replay(y, {leaf: x}))  # type: ignore[arg-type, unused-ignore]  # of floats comes a float

    def derivative(x: float) -> float:
        moved = Value(x)
        result = replay(y, {leaf: moved})
        return gradient(result, moved).data if isinstance(result, Value) else 0.0

    if not (isfinite(leaf.data) and isfinite(y.data)):
        return False
    try:
        report = check_grad(value, derivative, at=leaf.data, budget="quick", explained=False)
    except NotReplayableError:
        return False
    return bool(report.verdict == "correct")
