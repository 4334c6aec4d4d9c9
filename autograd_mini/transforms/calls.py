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

from functools import partial

from autograd_mini.engine.operators import hidden, result
from autograd_mini.engine.ops import Op
from autograd_mini.engine.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from autograd_mini.engine.value import Value


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


class _CallPart(Rule):
    """A rule of one of the nodes that a call is made of."""

    __slots__ = ("_times_partials",)

    def __init__(self, op: Op, active: str) -> None:
        super().__init__(op, active)
        pullback: Any = partial(_propagate, self)
        pullback.rule = self
        self.pullback = pullback
        self._times_partials = tuple(
            [lambda node, g, at=at: self.contributions(node, g, on_values=True)[at] for at in range(len(active))]
        )

    def times_partials(self) -> tuple[Any, ...]:
        """Return for each operand the function (node, g) -> its contribution."""
        return self._times_partials

    def __reduce__(self) -> str:
        """Refuse to be pickled: the derivative is a function, which need not have a name."""
        raise TypeError(
            "a graph with a custom or recomputed derivative cannot be pickled, since that is a function, not a row of "
            "the table: pickle the numbers, or the parameters that they were computed from"
        )

    def args(self, node: Value) -> tuple[Value, ...]:
        """Return the operands, hidden nodes among them."""
        return self.operands(node)

    def contributions(self, node: Value, g: Any, *, on_values: bool) -> list[Any]:
        """Return what each operand receives of the node's adjoint."""
        raise NotImplementedError


def _propagate(rule: _CallPart, node: Value, g: Any) -> None:
    found = rule.contributions(node, g, on_values=False)
    node._x._adjoint += found[0]
    if len(found) > 1:
        node._y._adjoint += found[1]


class _Joint(_CallPart):
    """Two operands, or joints, or one; `_k` has the positions of the operands, None for a joint."""

    def contributions(self, node: Value, g: Any, *, on_values: bool) -> list[Any]:  # noqa: ARG002 - see `_CallPart`
        return [g if at is None else g.parts.get(at, 0.0) for at in node._k]

    def push(self, node: Value, tangents: dict[Value, Any], *, on_values: bool) -> None:  # noqa: ARG002 - see `_CallPart`
        total = Vector({})
        for operand, at in zip(self.operands(node), node._k, strict=True):
            if operand in tangents:
                total += tangents[operand] if at is None else Vector({at: tangents[operand]})
        tangents[node] = total


class _CallRule(_CallPart):
    """The call; `_k` is a `Linear`."""

    def contributions(self, node: Value, g: Any, *, on_values: bool) -> list[Any]:
        return [Vector(dict(enumerate(node._k.pull(g.parts, on_values=on_values))))]

    def push(self, node: Value, tangents: dict[Value, Any], *, on_values: bool) -> None:
        tangents[node] = Vector(node._k.push(tangents[node._x].parts, on_values=on_values))


class Result(_CallPart):
    """One of the numbers that a call returned; `_k` says which."""

    def args(self, node: Value) -> tuple[Value, ...]:
        """Return the operands of the call."""
        return tuple(node._x._k.operands)

    def call(self, node: Value) -> Linear:
        """Return the call."""
        held: Linear = node._x._k
        return held

    def contributions(self, node: Value, g: Any, *, on_values: bool) -> list[Any]:  # noqa: ARG002 - see `_CallPart`
        """Return what the call receives."""
        return [Vector({node._k: g})]

    def push(self, node: Value, tangents: dict[Value, Any], *, on_values: bool) -> None:  # noqa: ARG002 - see `_CallPart`
        """Take the tangent of this result out of those of the call."""
        parts = tangents[node._x].parts
        if node._k in parts:
            tangents[node] = parts[node._k]


_JOINT_OP = Op("joint", "x + y", ("1.0", "1.0"), doc="Collects the operands of a call.")
_PAIR, _SINGLE = _Joint(_JOINT_OP, "xy"), _Joint(_JOINT_OP, "x")
_CALL = _CallRule(Op("call", "x", ("1.0",), doc="Knows how to differentiate a call."), "x")


def record(rule: Result, call: Linear, results: dict[int, float]) -> dict[int, Value]:
    """Return a node for each of the numbers that a call returned, by position."""
    level: list[tuple[Value, int | None]] = [(operand, at) for at, operand in enumerate(call.operands)]
    if len(level) == 1:
        level = [(hidden(_SINGLE, 0.0, level[0][0], k=(0,)), None)]
    while len(level) > 1:
        pairs = [
            (hidden(_PAIR, 0.0, a[0], b[0], (a[1], b[1])), None) for a, b in zip(level[::2], level[1::2], strict=False)
        ]
        level = pairs + level[len(level) - len(level) % 2 :]
    top = hidden(_CALL, 0.0, level[0][0], k=call)
    return {at: result(rule, data, top, k=at) for at, data in results.items()}
