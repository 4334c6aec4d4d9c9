"""A formula: the text of a value or a partial derivative, checked against a whitelist and written out as Python.

Nothing that is not a number, an operand, an arithmetic operator, a comparison inside `where`, or a call of an operation
of the table survives `parse`, so what `write` produces can be compiled safely.
"""

from __future__ import annotations

import ast

from autograd_mini.engine.ops import TABLE, Op
from autograd_mini.errors import FormulaError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "truediv",
    ast.Pow: "pow",
    ast.Mod: "mod",
    ast.FloorDiv: "floordiv",
}
"""The row behind each arithmetic operator."""

EXACT = frozenset({"add", "sub", "mul", "neg", "abs"})
"""Rows that Python computes on floats by IEEE 754 on its own, without ever raising."""

COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


DEEPEST = 150
"""How deeply a formula may be nested, a sum of n terms being n deep; Python reads brackets up to 200 deep."""


def parse(text: str, names: Collection[str], *, own: Op | None = None) -> ast.expr:
    """Read a formula and check it; an operand that a call leaves out is put in.

    Args:
        text: the formula, in Python's notation.
        names: the operands (and the result "z") that it may name.
        own: an operation that the formula may call though it is not in the table yet.

    Raises:
        FormulaError: if it does not parse, is nested too deeply, or uses anything besides numbers, `names` and
            operations.

    """
    if not isinstance(text, str):
        raise FormulaError(f"a formula is a text such as 'x * y'; got {text!r} of type {type(text).__name__}")
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise FormulaError(f"the formula {_shown(text)!r} does not parse: {reason}") from None
    if _is_deep(tree):
        raise FormulaError(
            f"the formula {_shown(text)!r} is nested more than {DEEPEST} deep: define parts of it as operations"
        )
    _Checker(text, names, own).expression(tree)
    return tree


def _is_deep(tree: ast.AST) -> bool:
    """Return whether a tree is too deep for what walks it."""
    level = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return bool(level)


def _shown(text: str) -> str:
    """Return a text, or the beginning of a long one."""
    return text if len(text) <= 200 else f"{text[:150]}…"


def names_in(tree: ast.expr) -> set[str]:
    """Return the operands (and "z") that a parsed formula uses."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}


class _Checker:
    """Walks a syntax tree and refuses what is not a formula."""

    def __init__(self, text: str, names: Collection[str], own: Op | None) -> None:
        self.text, self.names, self.own = text, names, own

    def refuse(self, what: str) -> FormulaError:
        known = ", ".join(self.names)
        return FormulaError(
            f"the formula {_shown(self.text)!r} {what}; it may use numbers, {known}, + - * / ** % //, "
            "where(condition, a, b) and the operations that `autograd-mini ops` lists"
        )

    def expression(self, node: ast.expr) -> None:
        match node:
            case ast.Constant(value=bool()) | ast.Constant(value=complex()):
                raise self.refuse(f"contains {node.value!r}, which is no real number")
            case ast.Constant(value=int() | float() as number):
                if isinstance(number, int) and abs(number) > 2**1023:
                    raise self.refuse("contains an integer too large for a float")
            case ast.Name(id=name):
                if name not in self.names:
                    raise self.refuse(f"names {_shown(name)!r}, which is unknown here")
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
                self.expression(operand)
            case ast.BinOp(op=operator, left=left, right=right) if type(operator) in OPERATORS:
                self.expression(left)
                self.expression(right)
            case ast.Call(func=ast.Name(id="where"), args=[condition, this, otherwise], keywords=[]):
                self.condition(condition)
                self.expression(this)
                self.expression(otherwise)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                self.call(name, args)
            case _:
                raise self.refuse(f"contains {_shown(ast.unparse(node))!r}")

    def call(self, name: str, args: list[ast.expr]) -> None:
        op = self.own if self.own is not None and name == self.own.name else TABLE.get(name)
        if op is None:
            raise self.refuse(f"calls {_shown(name)!r}, which is unknown here")
        needed = len(op.operands) - (op.default is not None)
        if not needed <= len(args) <= len(op.operands):
            raise self.refuse(f"calls {name} with {len(args)} operands where it takes {len(op.operands)}")
        for arg in args:
            self.expression(arg)
        if len(args) < len(op.operands):
            args.append(ast.Constant(op.default))

    def condition(self, node: ast.expr) -> None:
        match node:
            case ast.Compare(left=left, ops=ops, comparators=comparators) if all(type(o) in COMPARISONS for o in ops):
                for side in (left, *comparators):
                    self.expression(side)
            case ast.BoolOp(values=values):
                for value in values:
                    self.condition(value)
            case _:
                raise self.refuse(f"has {_shown(ast.unparse(node))!r} as a condition, which is no comparison")


def write(tree: ast.expr, call: Callable[[str, list[str]], str]) -> str:
    """Write a parsed formula as a Python expression.

    Args:
        tree: what `parse` returned.
        call: turns the name of a row and its written operands into text. Only operators of `EXACT` rows are
            written as they stand; every other operator and every function goes through `call`.

    """

    def recur(node: ast.expr) -> str:
        match node:
            case ast.Constant(value=number):
                return repr(float(number)).replace("inf", "1e999")  # type: ignore[arg-type]  # int or float by `parse`
            case ast.Name(id=name):
                return name
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"(-{recur(operand)})"
            case ast.UnaryOp(operand=operand):
                return recur(operand)
            case ast.BinOp(op=operator, left=left, right=right):
                row = OPERATORS[type(operator)]
                a, b = recur(left), recur(right)
                return f"({a} {TABLE[row].symbol} {b})" if row in EXACT else call(row, [a, b])
            case ast.Call(func=ast.Name(id="where"), args=[test, this, otherwise]):
                return f"({recur(this)} if {condition(test)} else {recur(otherwise)})"
            case ast.Call(func=ast.Name(id=name), args=args):
                return call(name, [recur(arg) for arg in args])
        raise AssertionError(node)  # unreachable after `parse`

    def condition(node: ast.expr) -> str:
        match node:
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                sides = [f" {COMPARISONS[type(o)]} {recur(c)}" for o, c in zip(ops, comparators, strict=True)]
                return recur(left) + "".join(sides)
            case ast.BoolOp(op=operator, values=values):
                joint = " and " if isinstance(operator, ast.And) else " or "
                return "(" + joint.join(condition(value) for value in values) + ")"
        raise AssertionError(node)  # unreachable after `parse`

    return recur(tree)


def times(factor: str, tree: ast.expr, call: Callable[[str, list[str]], str]) -> str:
    """Write factor * formula, leaving out a factor of ±1 and reaching into the branches of a `where`."""
    match tree:
        case ast.Constant(value=1.0):
            return factor
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"(-{times(factor, operand, call)})"
        case ast.Call(func=ast.Name(id="where"), args=[test, this, otherwise]):
            condition = write(ast.Call(ast.Name("where"), [test, ast.Constant(1.0), ast.Constant(0.0)], []), call)
            chosen = condition.removeprefix("(1.0 if ").removesuffix(" else 0.0)")
            return f"({times(factor, this, call)} if {chosen} else {times(factor, otherwise, call)})"
        case ast.BinOp(op=ast.Div(), left=ast.Constant(value=1.0), right=right):
            return call("truediv", [factor, write(right, call)])
    return f"({factor} * {write(tree, call)})"
