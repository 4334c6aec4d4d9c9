"""The arithmetic of Value: every row of the table becomes a method, compiled when it is first called.

Importing this module attaches the methods. What the compiled code needs besides formulas stands here too: how an
operand of any type is taken, and what becomes of one that is neither a Value nor a number.
"""

from __future__ import annotations

import operator

from autograd_mini.engine import rules
from autograd_mini.engine.checks import number
from autograd_mini.engine.ops import ARITHMETIC, TABLE, Op
from autograd_mini.engine.value import ABSENT, Computed, Parameter, Value, clock, traces, watchers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


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
    if other is NotImplemented:
        if row.name in ARITHMETIC:
            return NotImplemented  # type: ignore[no-any-return]
        wrong = x if isinstance(y, Value) else y
        raise TypeError(f"{row.name}() takes Values and numbers; got {wrong!r} of type {type(wrong).__name__}")
    return record(row, "xy", x, y)


def record(row: Op, variant: str, x: Value, y: Value) -> Value:
    """Apply a row to two Values of any kind."""
    compiled = rules.compiled(row)
    node = Computed()
    node._data = compiled.floats(x._data, y._data)
    node._pull = compiled.pullbacks[variant]
    node._x, node._y = x, y
    node._tick, node._adjoint = next(clock), None
    return watch(node)


def watch(node: Value) -> Value:
    """Show a new node to the watchers."""
    for watcher in tuple(watchers):  # which another thread may change meanwhile
        node = watcher(node)
    return node


rules.NAMESPACE |= {
    "Value": Value,
    "Computed": Computed,
    "Parameter": Parameter,
    "ABSENT": ABSENT,
    "clock": clock,
    "mixed": mixed,
    "operand": operand,
    "watch": watch,
    "watchers": watchers,
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
        if traces and (condition := traces[0].compared(name, self, number)) is not None:
            return condition  # type: ignore[no-any-return]  # a truth value that is not known yet
        return bool(compare(self._data, number._data if isinstance(number, Value) else number))

    method.__name__ = f"__{name}__"
    method.__doc__ = "Compare the numbers."
    return method


def attach(row: Op) -> None:
    """Make a row a method of Value: the one Python's operator calls, and one of its own name."""

    def install(name: str, part: str) -> None:
        def first_call(*operands: Any) -> Value:
            function = getattr(rules.compiled(row), part)
            if Value.__dict__.get(name) is first_call:
                setattr(Value, name, function)
            result: Value = function(*operands)
            return result

        first_call.__name__ = name
        first_call.__doc__ = row.doc
        setattr(Value, name, first_call)

    if row.method:
        install(f"__{row.method}__", "forward")
    if row.method in ARITHMETIC:
        install(f"__r{row.method}__", "reflected")
    else:
        install(row.name, "forward")


NUMPY_NAMES = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "rint": "round",
}
"""What np.arcsin and its fellows call on each element of an array of Values."""

for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Value, f"__{_name}__", _comparison(_name))
for _row in TABLE.values():
    attach(_row)
for _name, _row_name in NUMPY_NAMES.items():
    setattr(Value, _name, getattr(Value, _row_name))
