"""The text of the functions that a row of the table becomes, and its compilation.

`print(source(TABLE["mul"]))` shows all of it for one row. On floats a formula is written twice where that matters:
quick, as Python and the math module compute it, and careful, by IEEE 754, for where the quick one raises.
"""

from __future__ import annotations

import ast
import linecache
from functools import lru_cache
from textwrap import indent

from autograd_mini.engine.formula import EXACT, OPERATORS, RELATIONS, evaluate, names_in, parse, rows_in, scaled
from autograd_mini.engine.ops import TABLE, Op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.engine.formula import Tree

_UNARY = """\
def forward(self):
    node = Computed()
    x = self._data
{value}
    if on_result:
        if forgetting() and not everywhere:
{leaf}
        return result({name}_x.rule, node._data, self)
    node._pull = {name}_x
    node._x = self
    node._y = ABSENT
{record}
"""

# Python asks the class of the operand `left` first: self is that operand; a caller knows the other one by its own name.
_BINARY = """\
def {part}(self, {right}{default}):
    other = {right}
    kind = type(other)
    if kind is Computed or kind is Leaf or kind is Parameter or kind is Value:
        node = Computed()
        {left} = self._data
        {right} = other._data
{value}
        if on_result:
            if forgetting() and not everywhere:
{leaf}
            return result({name}_xy.rule, node._data, {first}, {second})
        node._pull = {name}_xy
        node._x = {first}
        node._y = {second}
    elif type(k := {taken}) is float:
        node = Computed()
        {left} = self._data
        {right} = k
{value}
        if on_result:
            if forgetting() and not everywhere:
{leaf}
            return result({name}_{left}.rule, node._data, self, ABSENT, k)
        node._pull = {name}_{left}
        node._x = self
        node._y = ABSENT
        node._k = k
    elif k is None:
        return result({name}_xy.rule, nan, {first}, {second})
    else:
        return mixed(row, {first}, {second}, k)
{record}
"""

_TAKEN = "other if kind is float else float(other) if kind is int else None if kind in symbols else operand(other)"

_RECORD = """\
    node._tick = next(clock)
    node._adjoint = None
    return node
"""

# Where the operands are not even noted, as in `no_grad`: cheaper than to record.
_LEAF = """\
node.__class__ = Value
node._grad = node._adjoint = node._pull = None
node._tick = next(clock)
return node
"""

_CAREFULLY = """\
try:
{quick}
except (ArithmeticError, ValueError):
{careful}
"""


def variants(op: Op) -> tuple[str, ...]:
    """Return which of a row's operands may be Values: the others are plain numbers."""
    return ("x",) if len(op.operands) == 1 else ("xy", "x", "y")


def source(op: Op) -> str:
    """Return the Python source of a row as people read it, without needless parentheses."""
    return ast.unparse(ast.parse(text_of(op)))


def text_of(op: Op) -> str:
    """Write the Python source of a row: its function on floats, its pullbacks, its methods."""
    parts = []
    if not op.primitive:
        value = _assigned(["z"], [_parsed(op, op.value)])
        parts.append(f"def on_floats({', '.join(op.operands)}):\n{indent(value, '    ')}    return z\n")
    parts += [f"def {op.name}_{v}(node, g):\n{indent(pullback_body(op, v), '    ')}" for v in variants(op)]
    value = _assigned(["node._data"], [_parsed(op, op.value)])
    if len(op.operands) == 1:
        parts.append(
            _UNARY.format(name=op.name, value=indent(value, " " * 4), record=_RECORD, leaf=indent(_LEAF, " " * 12))
        )
    else:
        parts += [_method(op, "x", indent(value, " " * 8)), _method(op, "y", indent(value, " " * 8))]
    return "\n".join(parts)


def _method(op: Op, left: str, value: str) -> str:
    right = "y" if left == "x" else "x"
    first, second = ("self", "other") if left == "x" else ("other", "self")
    return _BINARY.format(
        part="forward" if left == "x" else "reflected",
        name=op.name,
        default=f"={op.default!r}" if op.default is not None and left == "x" else "",
        left=left,
        right=right,
        first=first,
        second=second,
        value=value,
        taken=_TAKEN,
        record=_RECORD,
        leaf=indent(_LEAF, " " * 16),
    )


def pullback_body(op: Op, variant: str) -> str:
    """Write the lines that add g times each partial derivative to the adjoint of its operand."""
    needed: set[str] = set().union(*(names_in(_partial(op, wanted)) for wanted in variant))
    text = _fetch(op, variant, "._data", needed)
    if "z" in needed:
        text += "z = node._data\n"
    terms = [scaled(_partial(op, wanted), "g") for wanted in variant]
    adjoints = [f"{local}._adjoint" for local, _ in zip("pq", variant, strict=False)]
    if all(_QUICK.write(term) == _CAREFUL.write(term) for term in terms):
        return text + "".join(f"{a} += {_QUICK.write(term)}\n" for a, term in zip(adjoints, terms, strict=True))
    names = [f"d{wanted}" for wanted in variant]  # all of them before any is added
    text += _assigned(names, terms)
    return text + "".join(f"{a} += {d}\n" for a, d in zip(adjoints, names, strict=True))


def partial_on_values(op: Op, variant: str, wanted: str, names: dict[str, object]) -> Callable[..., Any]:
    """Return the function (node, g) -> g times the partial derivative with respect to `wanted`, of Values."""
    contribution = _ON_VALUES.write(scaled(_partial(op, wanted), "g"))
    body = _fetch(op, variant, "", set(op.operands)) + f"z = node\nreturn {contribution}\n"
    name = f"{op.name}_{variant}_times_d{wanted}"
    function: Callable[..., Any] = build(name, f"def {name}(node, g):\n{indent(body, '    ')}", names)[name]
    return function


def over_algebra(tree: Tree) -> str:
    """Write a formula as calls of the methods of an algebra `a`, which is fast where the same formula is used often.

    >>> over_algebra(parse(TABLE["relu"].value, ("x",)))
    'a.where(a.le(x, 0.0), 0.0, x)'
    >>> over_algebra(parse("x * y", ("x", "y")))
    'a.mul_(x, y)'

    """
    return _Calls().write(tree)


def used_on_floats(op: Op) -> set[str]:
    """Return the rows, other than primitives and itself, that the formulas of a row call."""
    called: set[str] = set().union(*(rows_in(_parsed(op, text)) for text in (op.value, *op.partials)))
    return {name for name in called - _INFIX - {op.name} if not TABLE[name].primitive}


def on_floats(name: str) -> str:
    """Return what generated code calls a row's function on floats: other than all else there, whatever the name is."""
    return name if name in _INFIX or (name in TABLE and TABLE[name].primitive) else f"{name}_"


def build(title: str, text: str, names: dict[str, object]) -> dict[str, Any]:
    """Run generated source among the given names; file its text, so that debuggers and tracebacks show it."""
    filename = f"<autograd_mini {title}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    scope = dict(names)
    exec(compile(text, filename, "exec"), scope)  # noqa: S102 - generated from formulas that `parse` has checked
    return scope


def _fetch(op: Op, variant: str, data: str, needed: set[str]) -> str:
    """Write the lines that fetch the operands: nodes into p and q, and x and y as floats or, without `data`, Values."""
    nodes = dict(zip(variant, (("p", "_x"), ("q", "_y")), strict=False))
    text = ""
    for name in op.operands:
        if name in nodes:
            local, slot = nodes[name]
            text += f"{local} = node.{slot}\n" + (f"{name} = {local}{data}\n" if name in needed else "")
        elif name in needed:
            text += f"{name} = node._k\n"
    return text


def _assigned(targets: Sequence[str], trees: Sequence[Tree]) -> str:
    """Write the lines that assign formulas, those of IEEE 754 beside them where the quick ones may raise."""
    quick, careful = (
        [f"{target} = {algebra.write(tree)}\n" for target, tree in zip(targets, trees, strict=True)]
        for algebra in (_QUICK, _CAREFUL)
    )
    if quick == careful:
        return "".join(quick)
    return _CAREFULLY.format(quick=indent("".join(quick), "    "), careful=indent("".join(careful), "    "))


@lru_cache(64)
def _parsed(op: Op, text: str) -> Tree:
    return parse(text, (*op.operands, "z"), own=op)


def _partial(op: Op, wanted: str) -> Tree:
    return _parsed(op, op.partials[op.operands.index(wanted)])


_INFIX = {*OPERATORS.values(), "neg"}


class _Text:
    """The algebra of Python expressions on floats, as Python and the math module compute them."""

    def write(self, tree: Tree) -> str:
        """Return a formula as a Python expression."""
        return evaluate(tree, self, {name: name for name in names_in(tree)})

    def constant(self, number: float) -> str:
        return repr(number).replace("inf", "1e999")

    def apply(self, name: str, operands: list[str]) -> str:
        if name == "neg":
            return f"(-{operands[0]})"
        if name in EXACT and name in _INFIX:
            return f"({operands[0]} {TABLE[name].symbol} {operands[1]})"
        return self.call(name, operands)

    def call(self, name: str, operands: list[str]) -> str:
        """Write an operation that may raise, or whose result may not be IEEE's."""
        if name in {"truediv", "mod", "floordiv"}:
            return f"({operands[0]} {TABLE[name].symbol} {operands[1]})"
        return f"{on_floats(name)}({', '.join(operands)})"

    def compare(self, relation: str, x: str, y: str) -> str:
        return f"{x} {relation} {y}"

    def join(self, junction: str, conditions: list[str]) -> str:
        return f"({f' {junction} '.join(conditions)})"

    def where(self, condition: str, this: Callable[[], str], otherwise: Callable[[], str]) -> str:
        return f"({this()} if {condition} else {otherwise()})"


class _Careful(_Text):
    """The same by IEEE 754, for where the quick text raises."""

    def call(self, name: str, operands: list[str]) -> str:
        own = name in _INFIX or (name in TABLE and TABLE[name].primitive and name not in EXACT)
        return f"{f'ieee.{name}' if own else on_floats(name)}({', '.join(operands)})"


class _ValueText(_Text):
    """The same as functions of Values and floats."""

    def call(self, name: str, operands: list[str]) -> str:
        return f"on_values.{name}({', '.join(operands)})"


class _Calls(_Text):
    """The same as calls of an algebra's methods, rows with an underscore behind; both branches are computed."""

    def apply(self, name: str, operands: list[str]) -> str:
        return f"a.{name}_({', '.join(operands)})"

    def compare(self, relation: str, x: str, y: str) -> str:
        return f"a.{RELATIONS[relation]}({x}, {y})"

    def join(self, junction: str, conditions: list[str]) -> str:
        first, *rest = conditions
        name = "all_of" if junction == "and" else "any_of"
        return f"a.{name}({first}, {self.join(junction, rest)})" if rest else first

    def where(self, condition: str, this: Callable[[], str], otherwise: Callable[[], str]) -> str:
        return f"a.where({condition}, {this()}, {otherwise()})"


_QUICK, _CAREFUL, _ON_VALUES = _Text(), _Careful(), _ValueText()
