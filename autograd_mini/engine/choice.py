"""The choice between two operands: `where`, which is no row of the table because it multiplies by no derivative.

The operand that is taken receives the adjoint. The other receives nothing at all, not 0 times what may be infinite.
"""

from __future__ import annotations

from autograd_mini.engine.backward import stale
from autograd_mini.engine.checks import number
from autograd_mini.engine.operators import watch
from autograd_mini.engine.ops import CHOICE
from autograd_mini.engine.value import ABSENT, Computed, Value, clock, watchers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.engine.rules import Pullback


class _Choice:
    """The rule of `where`: the node keeps the operand it took in `_x`, and all three in `_k`."""

    op = CHOICE
    variant = "x"
    partials = (lambda node, g: g if _fresh(node) else None,)
    pullback: Pullback

    @staticmethod
    def args(node: Value) -> tuple[Value | float, ...]:
        """Return condition, this, otherwise."""
        chosen: tuple[Value | float, ...] = node._k
        return chosen


def _fresh(node: Value) -> bool:
    """Return True, or raise if the condition was assigned since it was asked."""
    condition = node._k[0]
    if isinstance(condition, Value) and condition._tick > node._tick:
        raise stale(condition, node)
    return True


def _where_pullback(node: Value, g: float) -> None:
    _fresh(node)
    node._x._adjoint += g  # type: ignore[operator]  # the backward pass has cleared it


_where_pullback.rule = _Choice  # type: ignore[attr-defined]
_Choice.pullback = _where_pullback  # type: ignore[assignment]  # the line above gave it its rule


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
    if isinstance(condition, Value) and condition.symbolic:
        return condition.chosen(x, y)
    taken = x if condition else y
    if not isinstance(x, Value) and not isinstance(y, Value):
        return number(taken, "x of where(condition, x, y)" if condition else "y of where(condition, x, y)")
    other = y if condition else x
    if not isinstance(other, Value):
        number(other, "an operand of where(condition, x, y)")
    node = Computed()
    node._x = taken if isinstance(taken, Value) else Value(taken)
    node._data = node._x._data
    node._pull = _where_pullback
    node._y = ABSENT
    node._k = (condition if isinstance(condition, Value) else bool(condition), x, y)
    node._tick, node._adjoint = next(clock), None
    return watch(node) if watchers else node
