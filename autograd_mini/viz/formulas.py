"""A formula for readers: a partial derivative of the table in the names and numbers of one node, as mathematics has it.

The table's formulas are exact for every number, so they distinguish cases. A reader looks at one node, where only one
case applies: the others are left out, and what is a number by then is worked out.
"""

from __future__ import annotations

import ast
import operator as op
import re

from autograd_mini.engine.choice import where
from autograd_mini.engine.formula import COMPARISONS, OPERATORS, parse
from autograd_mini.engine.functions import ON_VALUES
from autograd_mini.engine.ops import TABLE
from autograd_mini.viz.text import figure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

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
    tree = parse(text, (*row.operands, "z"), own=row)
    return _write(_simplified(tree, names, numbers), names)[0]


def evaluate(tree: ast.expr, known: Mapping[str, Any]) -> Any:
    """Return the value of a parsed formula by the operations of the table, a float, or a Value if one is known in it.

    >>> evaluate(parse("where(x > 0, x ** 2, 0)", ("x",)), {"x": 3.0})
    9.0

    """
    match tree:
        case ast.Constant(value=number):
            return float(number)  # type: ignore[arg-type]  # int or float by `parse`
        case ast.Name(id=name):
            return known[name]
        case ast.UnaryOp(op=sign, operand=operand):
            return -evaluate(operand, known) if isinstance(sign, ast.USub) else evaluate(operand, known)
        case ast.BinOp(op=operator, left=left, right=right):
            return getattr(ON_VALUES, OPERATORS[type(operator)])(evaluate(left, known), evaluate(right, known))
        case ast.Call(func=ast.Name(id="where"), args=[test, this, otherwise]):
            return where(_holds(test, known), evaluate(this, known), evaluate(otherwise, known))
        case ast.Call(func=ast.Name(id=name), args=args):
            return getattr(ON_VALUES, name)(*(evaluate(arg, known) for arg in args))
    raise TypeError(f"{ast.dump(tree)} is no part of a formula that `parse` lets pass")


def _holds(test: ast.expr, known: Mapping[str, Any]) -> bool:
    match test:
        case ast.BoolOp(op=operator, values=values):
            return (all if isinstance(operator, ast.And) else any)(_holds(value, known) for value in values)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            sides = [evaluate(side, known) for side in (left, *comparators)]
            return all(_COMPARE[COMPARISONS[type(o)]](a, b) for o, a, b in zip(ops, sides, sides[1:], strict=False))
    raise TypeError(f"{ast.dump(test)} is no condition that `parse` lets pass")


_COMPARE = {"<": op.lt, "<=": op.le, ">": op.gt, ">=": op.ge, "==": op.eq, "!=": op.ne}


def _simplified(tree: ast.expr, names: dict[str, str], numbers: dict[str, float]) -> ast.expr:
    """Take the branch of every `where`, and work out what consists of numbers alone."""

    def recur(node: ast.expr) -> ast.expr:
        match node:
            case ast.Name(id=name) if name not in names:
                return ast.Constant(numbers[name])
            case ast.UnaryOp(op=sign, operand=operand):
                return _folded(ast.UnaryOp(sign, recur(operand)))
            case ast.Call(func=ast.Name(id="where"), args=[test, this, otherwise]):
                return recur(this if _holds(test, numbers) else otherwise)
            case ast.Call(func=name, args=args):
                return ast.Call(name, [recur(arg) for arg in args], [])
            case ast.BinOp(op=operator, left=left, right=right):
                return _shorter(_folded(ast.BinOp(recur(left), operator, recur(right))))
        return node

    return recur(tree)


def _folded(node: ast.expr) -> ast.expr:
    operands = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
    constant = operands and all(isinstance(part, ast.Constant) for part in operands)
    return ast.Constant(evaluate(node, {})) if constant else node


def _shorter(node: ast.expr) -> ast.expr:
    """Leave out a factor of 1 and a power of 1."""
    match node:
        case ast.BinOp(op=ast.Mult(), left=ast.Constant(value=1.0), right=rest):
            return rest
        case ast.BinOp(op=ast.Mult() | ast.Pow() | ast.Div(), left=rest, right=ast.Constant(value=1.0)):
            return rest
    return node


def _write(node: ast.expr, names: dict[str, str]) -> tuple[str, int]:
    """Return the text and how tightly it binds."""

    def tight(part: ast.expr, least: int) -> str:
        text, binds = _write(part, names)
        return text if binds >= least else f"({text})"

    match node:
        case ast.Constant(value=number):
            text = figure(float(number))  # type: ignore[arg-type]  # int or float by `parse`
            return text, _NEG if text.startswith("−") else _ATOM
        case ast.Name(id=name):
            return named(names[name]), _ATOM
        case ast.UnaryOp(op=sign, operand=operand):
            return (f"−{tight(operand, _MUL)}" if isinstance(sign, ast.USub) else tight(operand, _NEG)), _NEG
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return f"{tight(left, _ADD)} + {tight(right, _MUL)}", _ADD
        case ast.BinOp(op=ast.Sub(), left=left, right=right):
            return f"{tight(left, _ADD)} − {tight(right, _MUL)}", _ADD
        case ast.BinOp(op=ast.Mult(), left=left, right=right):
            return f"{tight(left, _MUL)}·{tight(right, _POW)}", _MUL
        case ast.BinOp(op=ast.Pow(), left=left, right=ast.Constant(value=number)) if float(number).is_integer():  # type: ignore[arg-type]
            return tight(left, _ATOM) + figure(float(number)).translate(_SUPERSCRIPTS), _POW  # type: ignore[arg-type]
        case ast.BinOp(op=ast.Pow(), left=left, right=right):
            return f"{tight(left, _ATOM)}^{tight(right, _ATOM)}", _POW
        case ast.BinOp(op=operator, left=left, right=right):
            symbol = TABLE[OPERATORS[type(operator)]].symbol
            return f"{tight(left, _MUL)} {symbol} {tight(right, _POW)}", _MUL
        case ast.Call(func=ast.Name(id=name), args=args):
            shown = TABLE[name].symbol if name in TABLE else name
            return f"{shown}({', '.join(_write(arg, names)[0] for arg in args)})", _ATOM
    raise TypeError(f"{ast.dump(node)} is no part of a formula that `parse` lets pass")


def named(label: str) -> str:
    """Return a label as it stands in a formula: in brackets if it is more than a name.

    >>> named("w1"), named("a + b")
    ('w1', '[a + b]')

    """
    return label if _SIMPLE.fullmatch(label) else f"[{label}]"
