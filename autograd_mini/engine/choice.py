"""The choice between two operands: `where`, which is no row of the table because it multiplies by no derivative.

The operand that is taken receives the adjoint. The other receives nothing at all, not 0 times what may be infinite.
"""

from __future__ import annotations

from autograd_mini.engine.backward import stale
from autograd_mini.engine.checks import number
from autograd_mini.engine.operators import result
from autograd_mini.engine.ops import CHOICE
from autograd_mini.engine.rules import Rule
from autograd_mini.engine.value import Symbolic, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, overload


class _Choice(Rule):
    """The rule of `where`: the node keeps the operand it took in `_x`, and all three in `_k`."""

    def times_partials(self) -> tuple[Callable[..., Any], ...]:
        """Return one function, which passes the adjoint on to the operand that was taken."""
        return (lambda node, g: g if _fresh(node) else None,)

    def args(self, node: Value) -> tuple[Value | float, ...]:
        """Return condition, this, otherwise."""
        chosen: tuple[Value | float, ...] = node._k
        return chosen

    def __reduce__(self) -> str:
        """Pickle as a name."""
        return "_CHOICE"


def _fresh(node: Value) -> bool:
    """Return True, or raise if the condition was assigned since it was asked."""
    condition = node._k[0]
    if isinstance(condition, Value) and condition._tick > node._tick:
        raise stale(condition, node)
    return True


def _where_pullback(node: Value, g: float) -> None:
    _fresh(node)
    node._x._adjoint += g  # type: ignore[operator]  # the backward pass has cleared it


_CHOICE = _Choice(CHOICE, "x")
_where_pullback.rule = _CHOICE  # type: ignore[attr-defined]
_CHOICE.pullback = _where_pullback  # type: ignore[assignment]  # the line above gave it its rule


if TYPE_CHECKING:

    @overload
    def where(condition: Value | float, x: Value, y: Value | float) -> Value: ...
    @overload
    def where(condition: Value | float, x: float, y: Value) -> Value: ...
    @overload
    def where(condition: Value | float, x: float, y: float) -> float: ...


def where(condition: Value | float, x: Value | float, y: Value | float) -> Value | float:
    """Return x where the condition holds, else y.

    The derivative goes to the one that was taken. The other receives nothing at all, so a derivative of it that is
    infinite or nan does no harm:

        >>> x = Value(0.0)
        >>> where(x > 0, x**0.5, 0.0).backward()
        >>> x.grad
        0.0

    Args:
        condition: a truth value; a number or Value counts as true when it is not 0.
        x: the result where it holds.
        y: the result where it does not.

    """
    if isinstance(condition, Symbolic):
        chosen: Value = condition.chosen(x, y)
        return chosen
    taken, other = (x, y) if condition else (y, x)
    if not isinstance(taken, Value) and not isinstance(other, Value):
        return number(taken, "x of where(condition, x, y)" if condition else "y of where(condition, x, y)")
    if not isinstance(other, Value):
        number(other, "an operand of where(condition, x, y)")
    operand = taken if isinstance(taken, Value) else Value(taken)
    asked = condition if isinstance(condition, Value) else bool(condition)
    return result(_CHOICE, operand._data, operand, k=(asked, x, y))
