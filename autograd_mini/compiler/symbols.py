"""Symbols: nodes whose number is not known, because the function that computes with them is being traced."""

from __future__ import annotations

from math import nan

from autograd_mini.compiler import row_functions
from autograd_mini.compiler.concretization import place, refusal
from autograd_mini.engine.formula import RELATIONS
from autograd_mini.engine.operators import result
from autograd_mini.engine.ops import CHOICE, Op
from autograd_mini.engine.rules import RowRule, Rule
from autograd_mini.engine.value import ABSENT, Symbolic, Value
from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Primitive(Rule):
    """How a symbol that is no row of the table came about: a comparison, a choice, a constant."""

    def __init__(self, op: Op, active: str = "") -> None:
        super().__init__(op, active)

        def pullback(_node: Value, _g: float) -> None:
            raise refusal("backward()")

        pullback.rule = self  # type: ignore[attr-defined]  # as every pullback has its rule
        self.pullback = pullback  # type: ignore[assignment]  # the line above gave it its rule

    def args(self, node: Value) -> tuple[Any, ...]:
        """Return the operands."""
        operands: tuple[Any, ...] = node._k
        return operands

    def times_partials(self) -> tuple[Callable[..., Any], ...]:
        """Return the two functions of a choice; no derivative flows through the others."""
        return _CHOICE_PARTIALS if self.active else ()


_CONDITIONS = {
    name: Primitive(Op(name, f"{name}(x, y)", (), symbol=symbol))
    for symbol, name in (*RELATIONS.items(), ("&", "and"), ("|", "or"), ("~", "not"))
}
_STOP = Primitive(Op("stop", "x", (), doc="A constant, as far as derivatives go."))
_CHOSEN = Primitive(CHOICE, "xy")


class Traced(Symbolic):
    """A symbol: a node whose number is not known yet."""

    __slots__ = ()

    @property
    def data(self) -> float:
        """Refuse."""
        raise refusal(".data")

    @data.setter
    def data(self, _: float) -> None:
        raise refusal("assigning .data")

    @property
    def grad(self) -> float:
        """Refuse."""
        raise refusal(".grad")

    @grad.setter
    def grad(self, _: float | None) -> None:
        raise refusal("assigning .grad")

    @property
    def has_grad(self) -> bool:
        """Refuse."""
        raise refusal(".grad")

    def __copy__(self) -> Value:
        raise refusal("copying")

    def __deepcopy__(self, _: object) -> Value:
        raise refusal("copying")

    def __reduce_ex__(self, _: object) -> Any:
        raise refusal("copying")

    def __getattr__(self, name: str) -> Any:
        """Refuse what a symbol has no more once its trace is over."""
        if name == "_data":
            raise TracingError(
                f"a symbol was used after its trace{place()}: the traced function kept it, for example in a list; "
                "return it from the function"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        """Show what computed it."""
        return f"<traced {self.op or 'input'}>"

    def __bool__(self) -> bool:
        raise refusal("bool()")

    def __float__(self, *_: object) -> float:
        raise refusal("float()")

    __complex__ = __float__

    def __int__(self, *_: object) -> int:
        raise refusal("int()")

    __index__ = __trunc__ = __int__

    def backward(self, gradient: float = 1.0) -> None:
        """Refuse."""
        del gradient
        raise refusal("backward()")

    def detach(self) -> Value:
        """Return the same number as a constant."""
        return stopped(self)

    def chosen(self, x: Value | float, y: Value | float) -> Value:
        """Return x where this is not 0, else y."""
        return comparison("ne", self, 0.0).chosen(x, y)

    def times_partials(self) -> tuple[Callable[..., Any], ...]:
        """Return for each operand that a derivative flows to a function (node, g) -> g times the partial."""
        rule: Any = self._pull.rule  # type: ignore[union-attr]  # only computed nodes are asked
        return row_functions.partials(rule.op, rule.active) if isinstance(rule, RowRule) else rule.times_partials()

    def adjoints_below(self, wanted: Any, nodes: Any, leading: Any, seed: Any, operands_of: Any) -> dict[Value, Any]:
        """Return the adjoints of the nodes below, each computed under the condition that it is reached."""
        from autograd_mini.compiler.path_conditions import adjoints

        return adjoints(self, wanted, nodes, leading, seed, operands_of)


class Condition(Traced):
    """A truth value that is not known yet: what comparing a symbol returns."""

    __slots__ = ()

    def chosen(self, x: Value | float, y: Value | float) -> Value:
        """Return x where this holds, else y."""
        return symbol(_CHOSEN, (self, x, y), x, y)

    def __and__(self, other: object) -> Any:
        return _joined("and", self, other)

    def __or__(self, other: object) -> Any:
        return _joined("or", self, other)

    __rand__, __ror__ = __and__, __or__

    def __invert__(self) -> Condition:
        return _condition("not", self)


_CHOICE_PARTIALS: tuple[Callable[..., Any], ...] = (
    lambda node, g: node._k[0].chosen(g, 0.0),
    lambda node, g: node._k[0].chosen(0.0, g),
)


def _joined(name: str, this: Condition, other: object) -> Any:
    if not isinstance(other, (Condition, bool)):
        return NotImplemented
    return _condition(name, this, other)


def _condition(name: str, *operands: Any) -> Condition:
    node = symbol(_CONDITIONS[name], operands)
    node.__class__ = Condition
    return node  # type: ignore[return-value]  # its class was just set


def stopped(x: Value) -> Value:
    """Return the same number as a constant."""
    return symbol(_STOP, (x,))


def comparison(name: str, x: Value | float, y: Value | float) -> Condition:
    """Return the condition that x and y compare so."""
    return _condition(name, x, y)


def symbol(kind: Primitive, operands: tuple[Any, ...], x: Value | float = ABSENT, y: Value | float = ABSENT) -> Value:
    """Return a new symbol."""
    first, second = (operand if isinstance(operand, Value) else Value(operand) for operand in (x, y))
    node = result(kind, nan, first, second, operands)
    if not node.symbolic:
        raise TracingError(f"a symbol was used after its trace{place()}: return it from the traced function")
    return node
