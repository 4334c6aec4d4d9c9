"""The arithmetic of Value: every row of the table becomes a method, compiled when it is first called.

Importing this module attaches the methods. What the compiled code needs besides formulas stands here too: how an
operand of any type is taken, what becomes of one that is neither a Value nor a number, `where` and `take`, which choose
between operands, and the two methods that NumPy's functions look for, which load `arrays.py` when called.

Where the number of its index is known, `take` picks what a list would, and no node is made: the derivative goes to what
was picked. In a compiled function the index is a symbol, and it becomes a gather; see `compiler/gathers.py`.
"""

from __future__ import annotations

import operator
import sys
from math import nan

from autograd_mini.engine import rules
from autograd_mini.engine.backward import stale
from autograd_mini.engine.checks import number, whole_number
from autograd_mini.engine.hooks import current, everywhere, forgetting, is_tracing, on_compare, on_read, on_result
from autograd_mini.engine.ops import ARITHMETIC, CHOICE, TABLE, Op
from autograd_mini.engine.rules import Rule
from autograd_mini.engine.value import ABSENT, Computed, Leaf, Parameter, Symbolic, Value, clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeVar, overload

    Entry = TypeVar("Entry")


def operand(other: object) -> Value | float:
    """Return an operand as a float or a Value; NotImplemented for what is neither."""
    if isinstance(other, Value):
        return other
    if getattr(other, "ndim", 0):  # an array does its own arithmetic, element by element
        return NotImplemented  # type: ignore[no-any-return]  # as operators do
    try:
        return number(other, "operand")  # type: ignore[arg-type]  # that is what is found out here
    except TypeError:
        if hasattr(other, "dtype"):  # NumPy would make a number of a date, given the chance
            raise
        return NotImplemented  # type: ignore[no-any-return]


def mixed(row: Op, x: Any, y: Any, other: Value | float) -> Value:
    """Finish an operation whose second operand is of no kind the compiled method knows, but a subclass or no number."""
    if isinstance(other, Symbolic):  # its number is not known, and it has no methods of its own
        return result((row.compiled or rules.compiled(row)).pullbacks["xy"].rule, nan, x, y)
    if other is NotImplemented:
        if row.name in ARITHMETIC:
            return NotImplemented  # type: ignore[no-any-return]
        wrong = x if isinstance(y, Value) else y
        raise TypeError(
            f"an operand of {row.name}() is {wrong!r} of type {type(wrong).__name__}, expected a Value or a number"
        )
    # A subclass that has its own reflected method is asked first, as Python asks that of a left operand.
    reflected = f"__r{row.method}__"
    if other is y and row.method in ARITHMETIC and getattr(type(y), reflected) is not getattr(Value, reflected):
        return NotImplemented  # type: ignore[no-any-return]
    compiled = rules.compiled(row)
    return result(compiled.pullbacks["xy"].rule, compiled.floats(x._data, y._data), x, y)


def hidden(rule: Rule, data: float, x: Value, y: Value = ABSENT, k: object = None) -> Value:
    """Make a result that hooks do not see; see `result`."""
    node: Value = Computed()
    node._data, node._pull = data, rule.pullback
    node._x, node._y, node._k = x, y, k
    node._tick, node._adjoint = next(clock), None
    return node


def result(rule: Rule, data: float, x: Value, y: Value = ABSENT, k: object = None) -> Value:
    """Make a result, as generated methods do themselves while no hook is on anywhere.

    `data` is its number, x and y the operands that a derivative flows to, and k what else the rule needs to know.
    """
    node = hidden(rule, data, x, y, k)
    hooks = (*on_result,)
    if len(hooks) == 1 and hooks[0].everywhere:  # a trace, which is to cost little more than the operations
        return hooks[0].result(node)
    for hook in current() if hooks else ():
        node = hook.result(node)
    return node


rules.NAMESPACE |= {
    "Value": Value,
    "Computed": Computed,
    "Leaf": Leaf,
    "Parameter": Parameter,
    "ABSENT": ABSENT,
    "clock": clock,
    "mixed": mixed,
    "operand": operand,
    "result": result,
    "on_result": on_result,
    "everywhere": everywhere,
    "forgetting": forgetting,
}


def _comparison(name: str) -> Callable[[Value, object], bool]:
    compare = getattr(operator, name)

    def method(self: Value, other: object) -> bool:
        try:
            number = other if isinstance(other, Value) else operand(other)
        except OverflowError:
            number = other  # type: ignore[assignment]  # an integer beyond the floats, which Python compares exactly
        except TypeError:  # what is no number is not equal to one
            return NotImplemented  # type: ignore[no-any-return]
        if number is NotImplemented:
            return NotImplemented  # type: ignore[no-any-return]
        for hook in current() if on_read else ():
            if (condition := hook.compare(name, self, number)) is not None:
                return condition  # type: ignore[no-any-return]  # a truth value that is not known yet
        held = bool(compare(self._data, number._data if isinstance(number, Value) else number))
        for hook in current() if on_compare else ():
            hook.compared(name, self, number, held=held)
        return held

    method.__name__ = f"__{name}__"
    method.__doc__ = "Compare the numbers."
    return method


def attach(row: Op) -> None:
    """Make a row a method of Value: the one Python's operator calls, and one of its own name."""

    def install(name: str, part: str) -> None:
        def compiled() -> Callable[..., Value]:
            function: Callable[..., Value] = getattr(rules.compiled(row), part)
            if Value.__dict__.get(name) is first_call:
                setattr(Value, name, function)
            return function

        def unary(self: Value) -> Value:
            return compiled()(self)

        def binary(self: Value, y: Value | float) -> Value:
            return compiled()(self, y)

        first_call: Any = unary if len(row.operands) == 1 else binary
        first_call.__defaults__ = None if row.default is None else (row.default,)
        first_call.__name__, first_call.__qualname__ = name, f"Value.{name}"
        first_call.__doc__ = row.doc
        setattr(Value, name, first_call)

    if row.method:
        install(f"__{row.method}__", "forward")
    if row.method in ARITHMETIC:
        install(f"__r{row.method}__", "reflected")
    else:
        install(row.name, "forward")


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


if TYPE_CHECKING:

    @overload
    def take(values: Sequence[Entry], index: Value | float) -> Entry: ...
    @overload
    def take(values: Any, index: Any) -> Any: ...


def take(values: Any, index: Any) -> Any:
    """Return `values[index]` for an index that is data: a number, a Value, or an argument of a compiled function.

        >>> table = [Value(1.0), Value(4.0), Value(9.0)]
        >>> picked = take(table, 2.0)
        >>> picked.backward()
        >>> picked.data, [entry.grad for entry in table]
        (9.0, [0.0, 0.0, 1.0])

    The derivative goes to what was picked; where indices repeat it adds up. By the index it is 0, so interpolation in a
    table has the slope between its entries:

        >>> from autograd_mini import floor, jit
        >>> heights = [0.0, 10.0, 40.0]
        >>> def height(x):
        ...     at = floor(x)
        ...     return take(heights, at) + (x - at) * (take(heights, at + 1.0) - take(heights, at))
        >>> x = Value(1.5)
        >>> height(x).backward()
        >>> x.grad, jit(height, backend="python")(1.5)
        (30.0, 25.0)

    Args:
        values: a list, tuple or array of numbers and Values, or of rows of them, such as the vectors of an embedding:
            then a row is picked. In a compiled function all rows have to have one structure.
        index: a whole number, -1 for the last entry and so on, as a list has it; or a list, tuple or array of them, for
            which the entries come in a list or array.

    Returns:
        the entry: a Value, a float, or the row; of several indices a list, or for an array of them an array.

    Raises:
        IndexError: if there is no such entry. A compiled function raises it, too, before it returns or changes
            anything, for a batch if a single sample has such an index.
        TypeError: if the index is no whole number, or values is nothing to pick from.

    """
    if isinstance(values, (str, bytes, dict)) or not hasattr(values, "__getitem__") or not hasattr(values, "__len__"):
        raise TypeError(f"values is {values!r} of type {type(values).__name__}, expected a list, tuple or array")
    if isinstance(index, (list, tuple)):
        return [take(values, at) for at in index]
    if hasattr(index, "ndim") and index.ndim:
        return _array(take(values, index.tolist()))
    if isinstance(index, Value):
        if on_read and is_tracing() and not index.symbolic:
            index = index + 0.0  # a parameter: its number is read at every call
        if isinstance(index, Symbolic):
            return index.taken_from(values)
        index = index.data
    try:
        at = whole_number("index", index)
    except TypeError:
        raise wrong_index(index, len(values)) from None
    if not -len(values) <= at < len(values):
        raise wrong_index(index, len(values))
    found = values[at]
    row = isinstance(found, (list, tuple, dict, Value)) or (hasattr(found, "ndim") and found.ndim)
    return found if row else number(found, f"values[{at}]")


def wrong_index(index: object, count: int, place: str = "") -> Exception:
    """Return the error for an index of `count` values that is out of range or no whole number, and the place."""
    if isinstance(index, float) and index.is_integer():
        index = int(index)
    kind = IndexError if type(index) is int else TypeError
    known = f"a whole number from {-count} to {count - 1}" if count else "another one, since there are no values"
    return kind(f"index is {index!r}{place}, expected {known}: take(values, index) picks from {count} values")


def _array(found: list[Any]) -> Any:
    """Return entries, or rows of one shape, as an array, of floats if they are."""
    np = sys.modules["numpy"]
    array = np.array(found, dtype=object)
    return array if any(isinstance(entry, Value) for entry in array.flat) else array.astype(float)


NUMPY_NAMES = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "rad2deg": "degrees",
    "deg2rad": "radians",
    "rint": "round",
}
"""The rows behind the methods that NumPy's functions, such as np.arcsin, call on each element of an object array."""


def _of_arrays(name: str) -> Callable[..., Any]:
    """Return a method that NumPy's functions look for: what it does stands in `arrays.py`."""

    def method(_: Value, *args: Any, **kwargs: Any) -> Any:
        from autograd_mini.engine import arrays

        return getattr(arrays, name)(*args, **kwargs)

    return method


for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Value, f"__{_name}__", _comparison(_name))
for _row in TABLE.values():
    attach(_row)
for _name, _row_name in NUMPY_NAMES.items():
    setattr(Value, _name, getattr(Value, _row_name))
Value.__array_ufunc__ = _of_arrays("applied")  # type: ignore[attr-defined]
Value.__array_function__ = _of_arrays("whole")  # type: ignore[attr-defined]
