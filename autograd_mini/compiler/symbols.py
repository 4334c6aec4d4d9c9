"""Symbols: nodes whose number is not known, because the function that computes with them is being traced."""

from __future__ import annotations

from autograd_mini.compiler import formulas
from autograd_mini.compiler.refusals import place, refusal
from autograd_mini.engine.operators import watch
from autograd_mini.engine.ops import CHOICE, Op
from autograd_mini.engine.rules import Rule
from autograd_mini.engine.value import ABSENT, Computed, Value, clock
from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Kind:
    """How a symbol that is no row of the table came about: a comparison, a choice, a constant; see `rules.Rule`."""

    partials = ()

    def __init__(self, op: Op, variant: str = "") -> None:
        self.op, self.variant, self.rule = op, variant, self

    @staticmethod
    def args(node: Value) -> tuple[Any, ...]:
        """Return the operands."""
        operands: tuple[Any, ...] = node._k
        return operands


COMPARISONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
_CONDITIONS = {
    name: Kind(Op(name, f"{name}(x, y)", (), symbol=symbol))
    for name, symbol in (*COMPARISONS.items(), ("and", "&"), ("or", "|"), ("not", "~"))
}
_STOP = Kind(Op("stop", "x", (), doc="A constant, as far as derivatives go."))
_CHOSEN = Kind(CHOICE, "xy")


class Traced(Computed):
    """A symbol: a node whose number is not known yet."""

    __slots__ = ()
    symbolic = True

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

    def partials(self) -> tuple[Callable[..., Any], ...]:
        """Return for each operand that a derivative flows to a function (node, g) -> g times the partial."""
        rule: Any = self._pull.rule  # type: ignore[union-attr]  # only computed nodes are asked
        if rule is _CHOSEN:
            return _CHOICE_PARTIALS
        return formulas.partials(rule.op, rule.variant) if isinstance(rule, Rule) else tuple(rule.partials)

    def adjoints_below(self, wanted: Any, nodes: Any, leading: Any, seed: Any, operands_of: Any) -> dict[Value, Any]:
        """Return the adjoints of the nodes below, each computed under the condition that it is reached."""
        from autograd_mini.compiler.reach import adjoints

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
        made = symbol(_CONDITIONS["not"], (self,))
        made.__class__ = Condition
        return made  # type: ignore[return-value]  # its class was just set


_CHOICE_PARTIALS: tuple[Callable[..., Any], ...] = (
    lambda node, g: node._k[0].chosen(g, 0.0),
    lambda node, g: node._k[0].chosen(0.0, g),
)


def _joined(name: str, this: Condition, other: object) -> Any:
    if not isinstance(other, (Condition, bool)):
        return NotImplemented
    made = symbol(_CONDITIONS[name], (this, other))
    made.__class__ = Condition
    return made


def stopped(x: Value) -> Value:
    """Return the same number as a constant."""
    return symbol(_STOP, (x,))


def comparison(name: str, x: Value | float, y: Value | float) -> Condition:
    """Return the condition that x and y compare so."""
    made = symbol(_CONDITIONS[name], (x, y))
    made.__class__ = Condition
    return made  # type: ignore[return-value]  # its class was just set


def symbol(kind: Kind, operands: tuple[Any, ...], x: Value | float = ABSENT, y: Value | float = ABSENT) -> Value:
    """Return a new symbol."""
    node: Value = Computed()
    node._pull, node._k = kind, operands  # type: ignore[assignment]  # a Kind stands for its own pullback
    node._x = x if isinstance(x, Value) else Value(x)
    node._y = y if isinstance(y, Value) else Value(y)
    node._tick, node._adjoint = next(clock), None
    node = watch(node)
    if not node.symbolic:
        raise TracingError(f"a symbol was used after its trace{place()}: return it from the traced function")
    return node
