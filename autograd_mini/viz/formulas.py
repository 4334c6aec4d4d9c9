"""A formula for readers: a partial derivative of the table in the names and numbers of one node, as mathematics has it.

The table's formulas are exact for every number, so they distinguish cases. A reader looks at one node, where only one
case applies: the others are left out, and what is a number by then is worked out.
"""

from __future__ import annotations

import operator
import re

from autograd_mini.engine.formula import RELATIONS, evaluate, parse
from autograd_mini.engine.functions import ON_VALUES
from autograd_mini.engine.ops import TABLE
from autograd_mini.viz.text import figure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from autograd_mini.engine.ops import Op

TEXTBOOK = {"tanh": "1 - z ** 2", "sigmoid": "z * (1 - z)"}
"""Derivatives that every textbook writes in another way than the table, which avoids its cancellation."""

_SUPERSCRIPTS = str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SIMPLE = re.compile(r"[^\W\d]\w*(\[\w+\]|\.\w+)*")
_ADD, _MUL, _NEG, _POW, _ATOM = range(1, 6)


def local_derivative(row: Op, wanted: str, names: dict[str, str], numbers: dict[str, float]) -> str:
    """Write the partial derivative of an operation at one node.

    Args:
        row: the operation.
        wanted: the operand to differentiate by: "x" or "y".
        names: what to call x, y and the result z; an operand that is a plain number has no name.
        numbers: their values.

    >>> local_derivative(TABLE["pow"], "x", {"x": "a", "z": "v1"}, {"x": 3.0, "y": 2.0, "z": 9.0})
    '2·a'

    """
    if row.name == "where":
        return "1"
    text = TEXTBOOK.get(row.name) or row.partials[row.operands.index(wanted)]
    written = _Written()
    terms = {
        name: _Term(named(names[name]), _ATOM, number) if name in names else written.constant(number)
        for name, number in numbers.items()
    }
    return evaluate(parse(text, (*row.operands, "z"), own=row), written, terms).text


class _Term:
    """A part of a formula as a reader sees it.

    Args:
        text: what is written.
        binds: how tightly the text holds together: what is looser than its place asks for gets brackets.
        number: its value at this node.
        constant: whether it consists of numbers alone.

    """

    __slots__ = ("binds", "constant", "number", "text")

    def __init__(self, text: str, binds: int, number: float, *, constant: bool = False) -> None:
        self.text, self.binds, self.number, self.constant = text, binds, number, constant

    def at(self, least: int) -> str:
        """Return the text, in brackets if it is looser than `least`."""
        return self.text if self.binds >= least else f"({self.text})"

    def is_one(self) -> bool:
        """Return whether it is the constant 1."""
        return self.constant and self.number == 1.0


class _Written:
    """The algebra of terms: the branch that applies is taken, numbers are worked out, factors of 1 left out."""

    def constant(self, number: float) -> _Term:
        text = figure(number)
        return _Term(text, _NEG if text.startswith("−") else _ATOM, number, constant=True)

    def apply(self, name: str, operands: list[_Term]) -> _Term:
        number = getattr(ON_VALUES, name)(*(operand.number for operand in operands))
        write = _INFIX.get(name)
        if write is None:
            shown = TABLE[name].symbol if name in TABLE else name
            return _Term(f"{shown}({', '.join(operand.text for operand in operands)})", _ATOM, number)
        if all(operand.constant for operand in operands):
            return self.constant(number)
        if name == "mul" and operands[0].is_one():
            return operands[1]
        if name in {"mul", "pow", "truediv"} and operands[1].is_one():
            return operands[0]
        return _Term(*write(*operands), number)

    def compare(self, relation: str, x: _Term, y: _Term) -> bool:
        return bool(getattr(operator, RELATIONS[relation])(x.number, y.number))

    def join(self, junction: str, conditions: list[bool]) -> bool:
        return all(conditions) if junction == "and" else any(conditions)

    def where(self, condition: bool, this: Callable[[], _Term], otherwise: Callable[[], _Term]) -> _Term:  # noqa: FBT001
        return this() if condition else otherwise()


def _power(x: _Term, y: _Term) -> tuple[str, int]:
    if y.constant and y.number.is_integer():
        return x.at(_ATOM) + figure(y.number).translate(_SUPERSCRIPTS), _POW
    return f"{x.at(_ATOM)}^{y.at(_ATOM)}", _POW


def _quotient(symbol: str) -> Callable[[_Term, _Term], tuple[str, int]]:
    return lambda x, y: (f"{x.at(_MUL)} {symbol} {y.at(_POW)}", _MUL)


_INFIX: dict[str, Callable[..., tuple[str, int]]] = {
    "neg": lambda x: (f"−{x.at(_MUL)}", _NEG),
    "add": lambda x, y: (f"{x.at(_ADD)} + {y.at(_MUL)}", _ADD),
    "sub": lambda x, y: (f"{x.at(_ADD)} − {y.at(_MUL)}", _ADD),
    "mul": lambda x, y: (f"{x.at(_MUL)}·{y.at(_POW)}", _MUL),
    "pow": _power,
    **{name: _quotient(TABLE[name].symbol) for name in ("truediv", "mod", "floordiv")},
}


def named(label: str) -> str:
    """Return a label as it stands in a formula: in brackets if it is more than a name.

    >>> named("w1"), named("a + b")
    ('w1', '[a + b]')

    """
    return label if _SIMPLE.fullmatch(label) else f"[{label}]"
