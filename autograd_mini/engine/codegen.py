"""The text of the functions that a row of the table becomes, and its compilation.

`print(source(TABLE["mul"]))` shows all of it for one row. On floats a formula is written twice where that matters:
quick, as Python and the math module compute it, and careful, by IEEE 754, for where the quick one raises.
"""

from __future__ import annotations

import ast
import linecache
from textwrap import indent

from autograd_mini.engine.formula import names_in, parse, times, write
from autograd_mini.engine.ops import TABLE, Op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_UNARY = """\
def forward(p):
    node = Computed()
    x = p._data
{value}
    node._pull = {name}_x
    node._x = p
    node._y = ABSENT
{record}
"""

# Python asks the class of the operand `left` first: p is that operand, q the other one.
_BINARY = """\
def {part}(p, q{default}):
    kind = type(q)
    if kind is Computed or kind is Value or kind is Parameter:
        node = Computed()
        {left} = p._data
        {right} = q._data
{value}
        node._pull = {name}_xy
        node._x = {first}
        node._y = {second}
    elif type(k := q if kind is float else float(q) if kind is int else operand(q)) is float:
        node = Computed()
        {left} = p._data
        {right} = k
{value}
        node._pull = {name}_{left}
        node._x = p
        node._y = ABSENT
        node._k = k
    else:
        return mixed(row, {first}, {second}, k)
{record}
"""

_RECORD = """\
    node._tick = next(clock)
    node._adjoint = None
    return watch(node) if watchers else node
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
    """Return the Python source of a row: its function on floats, its pullbacks, its methods."""
    parts = []
    if not op.primitive:
        value = _assign("z", _parsed(op, op.value))
        parts.append(f"def on_floats({', '.join(op.operands)}):\n{indent(value, '    ')}    return z\n")
    parts += [f"def {op.name}_{v}(node, g):\n{indent(pullback_body(op, v), '    ')}" for v in variants(op)]
    value = _assign("node._data", _parsed(op, op.value))
    if len(op.operands) == 1:
        parts.append(_UNARY.format(name=op.name, value=indent(value, " " * 4), record=_RECORD))
    else:
        parts += [_method(op, "x", indent(value, " " * 8)), _method(op, "y", indent(value, " " * 8))]
    return ast.unparse(ast.parse("\n".join(parts)))  # tidied: no needless parentheses


def _method(op: Op, left: str, value: str) -> str:
    first, second = ("p", "q") if left == "x" else ("q", "p")
    return _BINARY.format(
        part="forward" if left == "x" else "reflected",
        name=op.name,
        default=f"={op.default!r}" if op.default is not None and left == "x" else "",
        left=left,
        right="y" if left == "x" else "x",
        first=first,
        second=second,
        value=value,
        record=_RECORD,
    )


def pullback_body(op: Op, variant: str) -> str:
    """Write the lines that add g times each partial derivative to the adjoint of its operand."""
    needed: set[str] = set().union(*(names_in(_partial(op, wanted)) for wanted in variant))
    text = _fetch(op, variant, "._data", needed)
    if "z" in needed:
        text += "z = node._data\n"
    quick = [times("g", _partial(op, wanted), _quick) for wanted in variant]
    careful = [times("g", _partial(op, wanted), _careful) for wanted in variant]
    adjoints = [f"{local}._adjoint" for local, _ in zip("pq", variant, strict=False)]
    if quick == careful:
        return text + "".join(f"{a} += {share}\n" for a, share in zip(adjoints, quick, strict=True))
    shares = [f"d{wanted}" for wanted in variant]  # all of them before any is added
    assigned = [
        "".join(f"    {d} = {share}\n" for d, share in zip(shares, side, strict=True)) for side in (quick, careful)
    ]
    text += _CAREFULLY.format(quick=assigned[0], careful=assigned[1])
    return text + "".join(f"{a} += {d}\n" for a, d in zip(adjoints, shares, strict=True))


def partial_on_values(op: Op, variant: str, wanted: str, names: dict[str, object]) -> Callable[..., Any]:
    """Return the function (node, g) -> g times the partial derivative with respect to `wanted`, of Values."""
    body = (
        _fetch(op, variant, "", set(op.operands)) + f"z = node\nreturn {times('g', _partial(op, wanted), _on_values)}\n"
    )
    name = f"{op.name}_{variant}_times_d{wanted}"
    function: Callable[..., Any] = build(name, f"def {name}(node, g):\n{indent(body, '    ')}", names)[name]
    return function


def used_on_floats(op: Op) -> set[str]:
    """Return the rows, other than primitives and itself, that the formulas of a row call."""
    trees = [_parsed(op, text) for text in (op.value, *op.partials)]
    calls = [node.func for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    called = {function.id for function in calls if isinstance(function, ast.Name)} - {op.name, "where"}
    return {name for name in called if not TABLE[name].primitive}


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


def _assign(target: str, tree: ast.expr) -> str:
    quick, careful = write(tree, _quick), write(tree, _careful)
    if quick == careful:
        return f"{target} = {quick}\n"
    return _CAREFULLY.format(quick=f"    {target} = {quick}", careful=f"    {target} = {careful}")


def _parsed(op: Op, text: str) -> ast.expr:
    return parse(text, (*op.operands, "z"), own=op)


def _partial(op: Op, wanted: str) -> ast.expr:
    return _parsed(op, op.partials[op.operands.index(wanted)])


def _quick(name: str, args: list[str]) -> str:
    """Write an operation as Python or the math module computes it."""
    if name in {"truediv", "mod", "floordiv"}:
        return f"({args[0]} {TABLE[name].symbol} {args[1]})"
    return f"{name}({', '.join(args)})"


def _careful(name: str, args: list[str]) -> str:
    """Write an operation by IEEE 754."""
    own = name in {"truediv", "pow", "mod", "floordiv"} or (name in TABLE and TABLE[name].primitive and name != "abs")
    return f"{'ieee.' if own else ''}{name}({', '.join(args)})"


def _on_values(name: str, args: list[str]) -> str:
    """Write an operation as a function of Values and floats."""
    return f"on_values.{name}({', '.join(args)})"
