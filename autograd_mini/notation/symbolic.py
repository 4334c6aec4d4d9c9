"""Symbols: the operations of the table as expressions of SymPy, which this module imports.

A function that SymPy has under the same name is that. Activations are written as their textbook formulas. Everything
else, a user's own operation too, is the formula in its row.
"""

from __future__ import annotations

import ast
import operator
from importlib import import_module
from math import isfinite

from autograd_mini.engine.formula import COMPARISONS, OPERATORS, parse
from autograd_mini.engine.ops import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

sympy: Any = import_module("sympy")  # it has no type hints of its own


def variable(name: str) -> Any:
    """Return a real symbol."""
    return sympy.Symbol(name, real=True)


def exact(number: float) -> Any:
    """Return a number: a whole one as an integer, another as the float it is."""
    if isfinite(number) and abs(number) < 2.0**53 and number == int(number):
        return sympy.Integer(int(number))
    return sympy.Float(number)


def expression(name: str, operands: Sequence[Any]) -> Any:
    """Return an operation of the table on expressions."""
    if name in _WRITTEN:
        return _WRITTEN[name](*operands)
    row = TABLE.get(name)
    if row is None:
        return sympy.Function(name)(*operands)
    if row.primitive:
        return getattr(sympy, name)(*operands)
    return _evaluate(parse(row.value, row.operands), dict(zip(row.operands, operands, strict=False)))


def _evaluate(tree: ast.expr, names: Mapping[str, Any]) -> Any:
    match tree:
        case ast.Constant(value=constant):
            return exact(float(constant))  # type: ignore[arg-type]  # int or float by `parse`
        case ast.Name(id=name):
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand, names)
        case ast.UnaryOp(operand=operand):
            return _evaluate(operand, names)
        case ast.BinOp(op=symbol, left=left, right=right):
            return expression(OPERATORS[type(symbol)], [_evaluate(left, names), _evaluate(right, names)])
        case ast.Call(func=ast.Name(id="where"), args=[test, this, otherwise]):
            return sympy.Piecewise(
                (_evaluate(this, names), _condition(test, names)), (_evaluate(otherwise, names), True)
            )
        case ast.Call(func=ast.Name(id=name), args=args):
            return expression(name, [_evaluate(arg, names) for arg in args])
    raise AssertionError(tree)  # unreachable after `parse`


def _condition(tree: ast.expr, names: Mapping[str, Any]) -> Any:
    match tree:
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            sides = [_evaluate(side, names) for side in (left, *comparators)]
            return sympy.And(
                *(_COMPARE[COMPARISONS[type(o)]](a, b) for o, a, b in zip(ops, sides, sides[1:], strict=False))
            )
        case ast.BoolOp(op=joint, values=values):
            return (sympy.And if isinstance(joint, ast.And) else sympy.Or)(*(_condition(v, names) for v in values))
    raise AssertionError(tree)  # unreachable after `parse`


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": sympy.Eq,
    "!=": sympy.Ne,
}

_WRITTEN: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "pow": operator.pow,
    "neg": operator.neg,
    "abs": sympy.Abs,
    "mod": operator.mod,
    "floordiv": lambda x, y: sympy.floor(x / y),
    "expm1": lambda x: sympy.exp(x) - 1,
    "log1p": lambda x: sympy.log(1 + x),
    "log2": lambda x: sympy.log(x, 2),
    "log10": lambda x: sympy.log(x, 10),
    "cbrt": lambda x: sympy.sign(x) * sympy.Abs(x) ** sympy.Rational(1, 3),
    "hypot": lambda x, y: sympy.sqrt(x**2 + y**2),
    "gaussian": lambda x, y: sympy.exp(-y * x**2),
    "ndtr": lambda x: (1 + sympy.erf(x / sympy.sqrt(2))) / 2,
    "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)),
    "softplus": lambda x: sympy.log(1 + sympy.exp(x)),
    "relu": lambda x: sympy.Max(0, x),
    "gelu": lambda x: x * (1 + sympy.erf(x / sympy.sqrt(2))) / 2,
    "silu": lambda x: x / (1 + sympy.exp(-x)),
    "maximum": sympy.Max,
    "minimum": sympy.Min,
    "clamp_min": sympy.Max,
    "clamp_max": sympy.Min,
    "sign": sympy.sign,
    "heaviside": lambda x: sympy.Heaviside(x, 0),
    "ceil": sympy.ceiling,
    "round": lambda x, _=0: sympy.Function("round")(x),
}
