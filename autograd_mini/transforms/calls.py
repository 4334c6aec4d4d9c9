"""Calls: nodes for a function whose derivative is not in the table, of any number of operands and results.

A call is one node for each number that it returned. Between it and the operands lie nodes that are not shown: a node
has two places for operands, so a balanced tree of `joint` nodes collects them, and a `call` node above the tree knows
how to differentiate. Adjoints and tangents of these are not numbers but vectors, one number for each result or
operand; the passes only add them up, so they need not know.

    result  result      (shown; an adjoint is a number)
         call           (an adjoint has one number for each result)
         joint          (an adjoint has one number for each operand)
      joint   joint
      a   b   c   d     (the operands)
"""

from __future__ import annotations

from autograd_mini.engine.graph import _differentiable
from autograd_mini.engine.operators import watch
from autograd_mini.engine.ops import Op
from autograd_mini.engine.value import ABSENT, Computed, Value, clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Vector:
    """An adjoint or tangent of several numbers, by position; what is not there is zero."""

    __slots__ = ("parts",)

    def __init__(self, parts: dict[int, Any]) -> None:
        self.parts = parts

    def __add__(self, other: Vector | float) -> Vector:
        """Add position by position; the number -0.0 that passes begin with adds nothing."""
        if not isinstance(other, Vector):
            return self
        parts = dict(self.parts)
        for at, part in other.parts.items():
            parts[at] = parts[at] + part if at in parts else part
        return Vector(parts)

    __radd__ = __add__


class Linear:
    """A call of a function whose derivative is not in the table; what a `call` node holds.

    Args:
        name: what the function is called.
        operands: the Values that its result depends on.

    """

    __slots__ = ("name", "operands")

    def __init__(self, name: str, operands: list[Value]) -> None:
        self.name = name
        self.operands = operands

    def pull(self, cotangents: dict[int, Any], *, on_values: bool) -> list[Any]:
        """Return for each operand the sum over the results of cotangent times partial derivative."""
        raise NotImplementedError

    def push(self, tangents: dict[int, Any], *, on_values: bool) -> dict[int, Any]:
        """Return the tangents of the results for those of the operands."""
        raise NotImplementedError


class _Rule:
    """What the passes need to know of a kind of node; see `rules.Rule`."""

    def __init__(self, op: Op, variant: str) -> None:
        self.op, self.variant = op, variant
        pullback: Any = lambda node, g: _hand_on(self, node, g)  # noqa: E731 - to be given its rule
        pullback.rule = self
        self.pullback = pullback
        self.partials = tuple(
            [lambda node, g, at=at: self.shares(node, g, on_values=True)[at] for at in range(len(variant))]
        )

    def __deepcopy__(self, _: object) -> _Rule:
        """Return the rule itself: it never changes."""
        return self

    def __reduce__(self) -> str:
        """Refuse to be pickled: the derivative is a function, which need not have a name."""
        raise TypeError(
            "a graph with a custom or recomputed derivative cannot be pickled, since that is a function, not a row of "
            "the table: pickle the numbers, or the parameters that they were computed from"
        )

    def args(self, node: Value) -> tuple[Value, ...]:
        """Return the operands, hidden nodes among them."""
        return _differentiable(node)

    def shares(self, node: Value, g: Any, *, on_values: bool) -> list[Any]:
        """Return what each operand receives of the node's adjoint."""
        raise NotImplementedError

    def push(self, node: Value, tangents: dict[Value, Any], *, on_values: bool) -> None:
        """Put the node's tangent beside those of its operands."""
        raise NotImplementedError


def _hand_on(rule: _Rule, node: Value, g: Any) -> None:
    shares = rule.shares(node, g, on_values=False)
    node._x._adjoint += shares[0]
    if len(shares) > 1:
        node._y._adjoint += shares[1]


class _Joint(_Rule):
    """Two operands, or joints, or one; `_k` has the positions of the operands, None for a joint."""

    def shares(self, node: Value, g: Any, *, on_values: bool) -> list[Any]:  # noqa: ARG002 - see `_Rule`
        return [g if at is None else g.parts.get(at, 0.0) for at in node._k]

    def push(self, node: Value, tangents: dict[Value, Any], *, on_values: bool) -> None:  # noqa: ARG002 - see `_Rule`
        total = Vector({})
        for operand, at in zip(_differentiable(node), node._k, strict=True):
            if operand in tangents:
                total += tangents[operand] if at is None else Vector({at: tangents[operand]})
        tangents[node] = total


class _CallRule(_Rule):
    """The call; `_k` is a `Linear`."""

    def shares(self, node: Value, g: Any, *, on_values: bool) -> list[Any]:
        return [Vector(dict(enumerate(node._k.pull(g.parts, on_values=on_values))))]

    def push(self, node: Value, tangents: dict[Value, Any], *, on_values: bool) -> None:
        tangents[node] = Vector(node._k.push(tangents[node._x].parts, on_values=on_values))


class Result(_Rule):
    """One of the numbers that a call returned; `_k` says which."""

    def args(self, node: Value) -> tuple[Value, ...]:
        """Return the operands of the call."""
        return tuple(node._x._k.operands)

    def shares(self, node: Value, g: Any, *, on_values: bool) -> list[Any]:  # noqa: ARG002 - see `_Rule`
        """Return what the call receives."""
        return [Vector({node._k: g})]

    def push(self, node: Value, tangents: dict[Value, Any], *, on_values: bool) -> None:  # noqa: ARG002 - see `_Rule`
        """Take the tangent of this result out of those of the call."""
        parts = tangents[node._x].parts
        if node._k in parts:
            tangents[node] = parts[node._k]


_JOINT_OP = Op("joint", "x + y", ("1.0", "1.0"), doc="Collects the operands of a call.")
_PAIR, _SINGLE = _Joint(_JOINT_OP, "xy"), _Joint(_JOINT_OP, "x")
_CALL = _CallRule(Op("call", "x", ("1.0",), doc="Knows how to differentiate a call."), "x")


def _node(rule: _Rule, data: float, x: Value, y: Value, k: object) -> Value:
    node: Value = Computed()
    node._data, node._pull = data, rule.pullback
    node._x, node._y, node._k = x, y, k
    node._tick, node._adjoint = next(clock), None
    return node


def record(rule: Result, call: Linear, results: dict[int, float]) -> dict[int, Value]:
    """Return a node for each of the numbers that a call returned, by position."""
    level: list[tuple[Value, int | None]] = [(operand, at) for at, operand in enumerate(call.operands)]
    if len(level) == 1:
        level = [(_node(_SINGLE, 0.0, level[0][0], ABSENT, (0,)), None)]
    while len(level) > 1:
        pairs = [
            (_node(_PAIR, 0.0, a[0], b[0], (a[1], b[1])), None) for a, b in zip(level[::2], level[1::2], strict=False)
        ]
        level = pairs + level[len(level) - len(level) % 2 :]
    top = _node(_CALL, 0.0, level[0][0], ABSENT, call)
    return {at: watch(_node(rule, result, top, ABSENT, at)) for at, result in results.items()}
