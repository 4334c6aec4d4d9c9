"""The formulas of the table as functions over an algebra: something that has a method for every operation.

A formula is evaluated on symbols to differentiate a traced graph, and on a tape's builder to write a row out in
operations that machines have. Both are the same generated text, with calls in the place of operators:

    >>> from autograd_mini.engine.ops import TABLE
    >>> print(source(TABLE["relu"], TABLE["relu"].value))
    a.where(a.le(x, 0.0), 0.0, x)
"""

from __future__ import annotations

import ast

from autograd_mini.engine.codegen import build
from autograd_mini.engine.formula import OPERATORS, parse
from autograd_mini.engine.functions import ON_VALUES
from autograd_mini.engine.ops import TABLE, Op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from autograd_mini.engine.value import Value

_COMPARED = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne"}
_values: dict[Op, Callable[..., Any]] = {}
_partials: dict[tuple[Op, str], tuple[Callable[..., Any], ...]] = {}


def value(op: Op) -> Callable[..., Any]:
    """Return a row's value as a function of an algebra and the operands."""
    if op not in _values:
        name = f"value of {op.name}"
        text = f"def value(a, {', '.join(op.operands)}):\n    return {source(op, op.value)}\n"
        _values[op] = build(name, text, {})["value"]
    return _values[op]


def partials(op: Op, variant: str) -> tuple[Callable[..., Any], ...]:
    """Return for each operand of a variant the function (node, g) -> g times the partial, on symbols."""
    if (op, variant) not in _partials:
        made: list[Callable[..., Any]] = []
        for wanted in variant:
            operand = op.operands.index(wanted)
            tree = parse(op.partials[operand], (*op.operands, "z"), own=op)
            operands = ", ".join((*op.operands, "_")[:2])
            text = (
                f"def share(node, g):\n    {operands} = (*rule_args(node), None)[:2]\n    z = node\n"
                f"    return {_times('g', tree)}\n"
            )
            names = {"a": SYMBOLS, "rule_args": _args}
            made.append(build(f"{op.name}_{variant}_times_d{wanted} on symbols", text, names)["share"])
        _partials[op, variant] = tuple(made)
    return _partials[op, variant]


def _args(node: Value) -> tuple[Any, ...]:
    return node._pull.rule.args(node)  # type: ignore[union-attr]  # only computed nodes are asked


def source(op: Op, text: str) -> str:
    """Write a formula of a row as calls of an algebra's methods."""
    return _written(parse(text, (*op.operands, "z"), own=op))


def _times(factor: str, tree: ast.expr) -> str:
    """Write factor * formula, in the same steps as `formula.times`, so that traced and eager results are alike."""
    match tree:
        case ast.Constant(value=1.0):
            return factor
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"a.neg({_times(factor, operand)})"
        case ast.Call(func=ast.Name(id="where"), args=[test, this, otherwise]):
            return f"a.where({_condition(test)}, {_times(factor, this)}, {_times(factor, otherwise)})"
        case ast.BinOp(op=ast.Div(), left=ast.Constant(value=1.0), right=right):
            return f"a.truediv({factor}, {_written(right)})"
    return f"a.mul({factor}, {_written(tree)})"


def _written(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=number):
            return repr(float(number)).replace("inf", "1e999")  # type: ignore[arg-type]  # a number by `parse`
        case ast.Name(id=name):
            return name
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=number)):
            return repr(-float(number)).replace("inf", "1e999")  # type: ignore[arg-type]  # a number by `parse`
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"a.neg({_written(operand)})"
        case ast.UnaryOp(operand=operand):
            return _written(operand)
        case ast.BinOp(op=operator, left=left, right=right):
            return f"a.{OPERATORS[type(operator)]}({_written(left)}, {_written(right)})"
        case ast.Call(func=ast.Name(id="where"), args=[test, this, otherwise]):
            return f"a.where({_condition(test)}, {_written(this)}, {_written(otherwise)})"
        case ast.Call(func=ast.Name(id=name), args=args):
            given = [_written(arg) for arg in args]
            if len(given) < len(TABLE[name].operands):
                given.append(repr(TABLE[name].default))
            return f"a.{name}({', '.join(given)})"
    raise AssertionError(node)  # unreachable after `parse`


def _condition(node: ast.expr) -> str:
    match node:
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            sides = [_written(side) for side in (left, *comparators)]
            parts = [f"a.{_COMPARED[type(op)]}({sides[at]}, {sides[at + 1]})" for at, op in enumerate(ops)]
            return _folded("all_of", parts)
        case ast.BoolOp(op=operator, values=values):
            return _folded(
                "all_of" if isinstance(operator, ast.And) else "any_of", [_condition(value) for value in values]
            )
    raise AssertionError(node)  # unreachable after `parse`


def _folded(name: str, parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"a.{name}({parts[0]}, {_folded(name, parts[1:])})"


class _Symbols:
    """The algebra of symbols and numbers: operations are those of Values, and a comparison may be of numbers alone."""

    def __getattr__(self, name: str) -> Any:
        from autograd_mini.engine.choice import where

        if name == "where":
            made: Any = where
        elif name in _COMPARED.values():
            made = _compare(name)
        else:
            made = getattr(ON_VALUES, name)
        setattr(self, name, made)
        return made

    @staticmethod
    def all_of(this: Any, other: Any) -> Any:
        """Return whether both hold."""
        return this & other

    @staticmethod
    def any_of(this: Any, other: Any) -> Any:
        """Return whether one of them holds."""
        return this | other


def _compare(name: str) -> Callable[[Any, Any], Any]:
    import operator

    compare: Callable[[Any, Any], Any] = getattr(operator, name)
    return compare


SYMBOLS = _Symbols()
