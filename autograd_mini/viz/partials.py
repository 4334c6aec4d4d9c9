"""A flow: the share of a node's gradient that goes to one of its operands, with the local derivative that makes it.

The numbers come from the same rules that `backward` runs, applied to copies of the operands, so that a picture
shows what the engine computes and changes nothing.
"""

from __future__ import annotations

from types import SimpleNamespace

from autograd_mini.engine.value import Value
from autograd_mini.viz.formulas import local_derivative

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Flow:
    """What goes from a node to one operand in the backward pass.

    Attributes:
        node: the result.
        operand: the operand that receives.
        position: where the operand stands in `node.args`.
        partial: the local derivative, a number.
        share: the node's gradient times the local derivative; None where the node has no gradient.

    """

    __slots__ = ("node", "operand", "partial", "position", "share")

    def __init__(self, node: Value, operand: Value, position: int, partial: float, share: float | None) -> None:
        self.node, self.operand, self.position = node, operand, position
        self.partial, self.share = partial, share

    def formula(self, names: dict[Value, str]) -> str:
        """Return the local derivative in symbols: "w1", "1 − v3²"; "" if the node's rule has no formula."""
        op = self.node._pull.rule.op  # type: ignore[union-attr]  # a leaf has no flows
        if op.name == "where":
            return "1"
        if call_of(self.node) is not None:
            return ""
        known: dict[str, str] = {"z": names[self.node]}
        numbers: dict[str, float] = {"z": self.node.data}
        for letter, operand in zip(op.operands, self.node.args, strict=True):
            numbers[letter] = operand.data if isinstance(operand, Value) else operand
            if isinstance(operand, Value):
                known[letter] = names[operand]
        return local_derivative(op, op.operands[self.position], known, numbers)


def flows(node: Value, gradient: float | None) -> list[Flow]:
    """Return the flows from a node to its operands, in order; an operand that is used twice has two.

    An operand that a `where` did not take has none, and neither has a plain number.

    >>> x = Value(3.0)
    >>> [flow.share for flow in flows(x * x, 1.0)]
    [3.0, 3.0]

    """
    if node._pull is None:
        return []
    call = call_of(node)
    if call is not None:
        return _flows_of_call(node, call, gradient)
    positions = _positions(node)
    partials = _pulled(node, 1.0)
    shares: list[Any] = [None] * len(partials) if gradient is None else _pulled(node, gradient)
    slots = (node._x, node._y)
    return [
        Flow(node, slots[slot], position, partials[slot], shares[slot])
        for slot, position in enumerate(positions)
        if position is not None
    ]


def call_of(node: Value) -> Any:
    """Return the call behind a node that a function with a derivative of its own returned; None for other nodes.

    See `transforms.calls`: such a node stands on a hidden one, which holds the call.
    """
    held = getattr(getattr(node, "_x", None), "_k", None)
    return held if hasattr(held, "pull") else None


def _flows_of_call(node: Value, call: Any, gradient: float | None) -> list[Flow]:
    partials = call.pull({node._k: 1.0}, on_values=False)
    shares = [None] * len(partials) if gradient is None else call.pull({node._k: gradient}, on_values=False)
    return [
        Flow(node, operand, position, float(partials[position]), shares[position])
        for position, operand in enumerate(node.args)
        if isinstance(operand, Value)
    ]


def _positions(node: Value) -> list[int | None]:
    """Return for each slot of a node where its operand stands in `node.args`; None if it was a plain number."""
    if node.op == "where":
        taken = 1 if node.args[0] else 2
        return [taken if isinstance(node.args[taken], Value) else None]
    return [position for position, operand in enumerate(node.args) if isinstance(operand, Value)]


def _pulled(node: Value, gradient: float) -> list[float]:
    """Run the node's rule on copies of it and its operands; return what each operand received."""
    first = SimpleNamespace(_data=node._x._data, _adjoint=-0.0)
    second = SimpleNamespace(_data=node._y._data, _adjoint=-0.0)
    held = getattr(node, "_k", None)
    copy: Any = SimpleNamespace(_x=first, _y=second, _data=node._data, _k=held, _tick=float("inf"))  # never stale
    node._pull(copy, gradient)  # type: ignore[misc]  # asked only of nodes that have a rule
    return [first._adjoint, second._adjoint]
