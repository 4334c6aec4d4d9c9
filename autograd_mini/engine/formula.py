"""A formula: the text of a value or a partial derivative, read into a tree and evaluated over any algebra.

The tree is a number (float), the name of an operand (str), or an application (tuple): the name of a row, a relation,
"and", "or" or "where", and what it is applied to.

    >>> parse("where(x > 0, x ** 2, -1)", ("x",))
    ('where', ('>', 'x', 0.0), ('pow', 'x', 2.0), -1.0)

An `Algebra` says what numbers, rows and choices are: floats and Values, truncated power series, SymPy expressions, the
text of generated Python. `evaluate` is the one interpreter of formulas; nothing else walks their trees but `scaled`,
which multiplies one by a factor. Nothing that is not a number, an operand, an arithmetic operator, a comparison inside
`where`, or a call of an operation of the table survives `parse`, so text written from a tree can be compiled safely.
"""

from __future__ import annotations

import ast
import operator
import re
from difflib import get_close_matches

from autograd_mini.engine.ops import TABLE, Op
from autograd_mini.errors import FormulaError, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from typing import Any, Protocol, TypeVar

    Tree = float | str | tuple[Any, ...]
    T = TypeVar("T")

    class Algebra(Protocol[T]):
        """What formulas are evaluated over: elements of the type T, and conditions of a type of its own."""

        def constant(self, number: float) -> T:
            """Return the element for a number."""

        def apply(self, name: str, operands: list[T]) -> T:
            """Apply a row of the table."""

        def compare(self, relation: str, x: T, y: T) -> Any:
            """Return a condition; `relation` is a key of `RELATIONS`."""

        def join(self, junction: str, conditions: list[Any]) -> Any:
            """Return whether all ("and") or any ("or") of the conditions hold."""

        def where(self, condition: Any, this: Callable[[], T], otherwise: Callable[[], T]) -> T:
            """Return this where the condition holds; an algebra that can decide computes only the branch it takes."""


class Decided:
    """What algebras have in common whose elements are numbers, or have one: their conditions are truth values."""

    def figure(self, x: Any) -> Any:
        """Return the number that decides for an element."""
        return x

    def compare(self, relation: str, x: Any, y: Any) -> bool:
        """Compare the numbers."""
        return bool(getattr(operator, RELATIONS[relation])(self.figure(x), self.figure(y)))

    def join(self, junction: str, conditions: list[bool]) -> bool:
        """Return whether all or any of the conditions hold."""
        return all(conditions) if junction == "and" else any(conditions)

    def where(self, condition: bool, this: Callable[[], T], otherwise: Callable[[], T]) -> T:  # noqa: FBT001
        """Return the branch that is taken, the only one computed."""
        return this() if condition else otherwise()


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

RELATIONS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}
"""The comparisons, and what the `operator` module and tapes call them."""

_RELATIONS = dict(zip((ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq), RELATIONS, strict=True))

ALIASES = {"ln": "log", "min": "minimum", "max": "maximum", "power": "pow", "sgn": "sign"}
"""What other languages call an operation of the table."""

MATHEMATICS = {
    r"\d[A-Za-z_(]|\)[\w(]": "a product is written with *, as in 2 * x",
    "[\u00b2\u00b3]": "a power is written with **, as in x ** 2",
    r"\|": "an absolute value is written abs(x)",
    "\u221a": "a square root is written sqrt(x)",
    r"[\u00d7\u00b7\u22c5]": "a product is written with *, as in 2 * x",
    "\u2212": "a difference is written with the hyphen, as in x - 1",
}
"""How mathematics is written by hand, by a pattern, and how a formula says it."""

DEEPEST = 150
"""Maximum nesting of a formula, a sum of n terms being n deep; Python reads brackets up to 200 deep."""


def evaluate(tree: Tree, algebra: Algebra[T], names: Mapping[str, T]) -> T:
    """Return what a formula is in an algebra, given the element that each operand stands for."""
    if isinstance(tree, float):
        return algebra.constant(tree)
    if isinstance(tree, str):
        return names[tree]
    name, *parts = tree
    if name != "where":
        return algebra.apply(name, [evaluate(part, algebra, names) for part in parts])
    condition, this, otherwise = parts
    return algebra.where(
        _condition(condition, algebra, names),
        lambda: evaluate(this, algebra, names),
        lambda: evaluate(otherwise, algebra, names),
    )


def _condition(tree: tuple[Any, ...], algebra: Algebra[T], names: Mapping[str, T]) -> Any:
    name, *parts = tree
    if name in RELATIONS:
        return algebra.compare(name, *(evaluate(part, algebra, names) for part in parts))
    return algebra.join(name, [_condition(part, algebra, names) for part in parts])


def scaled(tree: Tree, factor: str) -> Tree:
    """Return factor * formula, without multiplying by ±1, and inside the branches of a `where`."""
    match tree:
        case 1.0:
            return factor
        case -1.0:
            return ("neg", factor)
        case ("neg", operand):
            return ("neg", scaled(operand, factor))
        case ("where", condition, this, otherwise):
            return ("where", condition, scaled(this, factor), scaled(otherwise, factor))
        case ("truediv", 1.0, divisor):
            return ("truediv", factor, divisor)
    return ("mul", factor, tree)


def written(name: str, operands: Sequence[str], sign: str = "") -> str:
    """Return an operation with its operands as Python has it; `sign` stands in place of its symbol or name.

    >>> written("truediv", ["a", "b"]), written("neg", ["a"]), written("log", ["a"]), written("mul", ["a", "b"], "×")
    ('a / b', '-a', 'log(a)', 'a × b')

    """
    if name in OPERATORS.values():
        return f"{operands[0]} {sign or TABLE[name].symbol} {operands[1]}"
    return f"{sign or '-'}{operands[0]}" if name == "neg" else f"{sign or name}({', '.join(operands)})"


def names_in(tree: Tree) -> set[str]:
    """Return the operands (and "z") that a formula uses."""
    return {part for part in _walk(tree) if isinstance(part, str)}


def rows_in(tree: Tree) -> set[str]:
    """Return the rows that a formula applies."""
    return {part[0] for part in _walk(tree) if isinstance(part, tuple)} - RELATIONS.keys() - {"and", "or", "where"}


def _walk(tree: Tree) -> Iterator[Tree]:
    yield tree
    if isinstance(tree, tuple):
        for part in tree[1:]:
            yield from _walk(part)


def parse(text: str, names: Collection[str], *, own: Op | None = None) -> Tree:
    """Read a formula in Python's notation and check it; an operand that a call leaves out is put in.

    It may name `names`, and call operations, `own` among them, which is not in the table yet; else a FormulaError.
    """
    if not isinstance(text, str):
        raise FormulaError(f"a formula is {text!r} of type {type(text).__name__}, expected a text such as 'x * y'")
    try:
        syntax = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        hints = [hint for pattern, hint in MATHEMATICS.items() if re.search(pattern, text)]
        raise FormulaError(
            f"the formula {shortened(text, 200)!r} does not parse: {'; '.join([reason, *hints])}"
        ) from None
    if _is_deep(syntax):
        raise FormulaError(
            f"the formula {shortened(text, 200)!r} is nested more than {DEEPEST} deep: define parts of it as operations"
        )
    return _Reader(text, names, own).expression(syntax)


def _is_deep(syntax: ast.AST) -> bool:
    """Return whether a syntax tree is too deep for what walks it."""
    level = [syntax]
    for _ in range(DEEPEST):
        if not level:
            return False
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return bool(level)


class _Reader:
    """Turns Python's syntax tree into a formula's, and refuses what is none."""

    def __init__(self, text: str, names: Collection[str], own: Op | None) -> None:
        self.text, self.names, self.own = text, names, own

    def refuse(self, what: str) -> FormulaError:
        known = ", ".join(["numbers", *self.names, "+ - * / ** % //"])
        return FormulaError(
            f"the formula {shortened(self.text, 200)!r} {what}; it may use {known}, "
            "where(condition, a, b) and the operations that `autograd-mini ops` lists"
        )

    def expression(self, node: ast.expr) -> Tree:
        match node:
            case ast.Constant(value=bool()) | ast.Constant(value=complex()):
                raise self.refuse(f"contains {node.value!r}, which is no real number")
            case ast.Constant(value=int() | float() as number):
                if isinstance(number, int) and abs(number) > 2**1023:
                    raise self.refuse("contains an integer too large for a float")
                return float(number)
            case ast.Name(id=name):
                if name not in self.names:
                    raise self.refuse(f"names {shortened(name)!r}, which is unknown here")
                return name
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.expression(operand)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                tree = self.expression(operand)
                return -tree if isinstance(tree, float) else ("neg", tree)
            case ast.BinOp(op=sign, left=left, right=right) if type(sign) in OPERATORS:
                return (OPERATORS[type(sign)], self.expression(left), self.expression(right))
            case ast.Call(func=ast.Name(id="where"), args=[condition, this, otherwise], keywords=[]):
                return ("where", self.condition(condition), self.expression(this), self.expression(otherwise))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self.call(name, args)
            case ast.BinOp(op=ast.BitXor(), left=left, right=right):
                power = shortened(f"{ast.unparse(left)} ** {ast.unparse(right)}")
                raise self.refuse(f"contains {shortened(ast.unparse(node))!r}: a power is written {power!r}")
        raise self.refuse(f"contains {shortened(ast.unparse(node))!r}")

    def call(self, name: str, args: list[ast.expr]) -> Tree:
        op = self.own if self.own is not None and name == self.own.name else TABLE.get(name)
        if op is None:
            close = [ALIASES[name]] if name in ALIASES else get_close_matches(name, TABLE, n=1, cutoff=0.75)
            meant = f" (did you mean {close[0]!r}?)" if close else ""
            raise self.refuse(f"calls {shortened(name)!r}, which is unknown here{meant}")
        needed = len(op.operands) - (op.default is not None)
        if not needed <= len(args) <= len(op.operands):
            raise self.refuse(f"calls {name} with {len(args)} operands where it takes {len(op.operands)}")
        left_out = [] if op.default is None or len(args) == len(op.operands) else [op.default]
        return (name, *map(self.expression, args), *left_out)

    def condition(self, node: ast.expr) -> tuple[Any, ...]:
        match node:
            case ast.Compare(left=left, ops=ops, comparators=comparators) if all(type(o) in _RELATIONS for o in ops):
                sides = [self.expression(side) for side in (left, *comparators)]
                pairs = [(_RELATIONS[type(o)], x, y) for o, x, y in zip(ops, sides, sides[1:], strict=False)]
                return pairs[0] if len(pairs) == 1 else ("and", *pairs)
            case ast.BoolOp(op=junction, values=values):
                return ("and" if isinstance(junction, ast.And) else "or", *map(self.condition, values))
        raise self.refuse(f"has {shortened(ast.unparse(node))!r} as a condition, which is no comparison")
