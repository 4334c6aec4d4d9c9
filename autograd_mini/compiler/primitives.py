"""Primitives: what makes a symbol and is no row of the table: a comparison, a choice, a constant, an array.

They have rules like rows, and what they make of numbers besides, since a trace decides conditions by those of a call.
"""

from __future__ import annotations

import operator
from typing import Any

from autograd_mini.compiler.concretization import refusing
from autograd_mini.engine.formula import RELATIONS
from autograd_mini.engine.ops import CHOICE, Op
from autograd_mini.engine.rules import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from autograd_mini.engine.value import Value

_ON_NUMBERS: dict[str, Callable[..., Any]] = {
    **{name: getattr(operator, name) for name in RELATIONS.values()},
    "and": lambda this, other: this and other,
    "or": lambda this, other: this or other,
    "not": operator.not_,
    "stop": lambda x: x,
    CHOICE.name: lambda holds, x, y: x if holds else y,
}

_CHOICE_PARTIALS: tuple[Callable[..., Any], ...] = (
    lambda node, g: node._k[0].chosen(g, 0.0),
    lambda node, g: node._k[0].chosen(0.0, g),
)


class Primitive(Rule):
    """How a symbol came about that is no row of the table."""

    def __init__(self, op: Op, active: str = "") -> None:
        super().__init__(op, active)
        self.pullback = refusing("backward()")
        self.pullback.rule = self  # as every pullback has its rule

    def args(self, node: Value) -> tuple[Any, ...]:
        """Return the operands."""
        operands: tuple[Any, ...] = node._k
        return operands

    def times_partials(self) -> tuple[Callable[..., Any], ...]:
        """Return the two functions of a choice; no derivative flows through the others."""
        return _CHOICE_PARTIALS if self.active else ()

    def number(self, operands: list[Any]) -> Any:
        """Return the number, or the truth value, that it makes of those of its operands."""
        return _ON_NUMBERS[self.op.name](*operands)


CONDITIONS = {
    name: Primitive(Op(name, f"{name}(x, y)", (), symbol=symbol))
    for symbol, name in (*RELATIONS.items(), ("&", "and"), ("|", "or"), ("~", "not"))
}
"""The primitives of truth values: comparisons, and what joins them."""

STOP = Primitive(Op("stop", "x", (), doc="A constant, as far as derivatives go."))
"""The primitive of constants."""

CHOSEN = Primitive(CHOICE, "xy")
"""The primitive of `where`."""
