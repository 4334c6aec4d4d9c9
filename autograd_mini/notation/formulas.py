r"""Graphs as formulas: a result as LaTeX for people, and as a SymPy expression for computer algebra.

>>> from autograd_mini import tanh
>>> x, w, b = Value(2.0, label="x"), Value(-3.0, label="w"), Value(1.0, label="b")
>>> print(latex(tanh(w * x + b)))
\tanh(w x + b)
>>> print(latex(w * x**3, wrt=x))
3 w x^{2}
"""

from __future__ import annotations

from autograd_mini.engine.graph import _below, gradient
from autograd_mini.engine.value import Value
from autograd_mini.notation.typeset import Tex, apply, constant, symbol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def latex(y: Value, wrt: Value | None = None, *, names: Mapping[Value, str] | None = None, limit: int = 200) -> str:
    """Return a result, or its derivative, as a formula in LaTeX.

    A leaf stands there by its label, or by its number if it has none. Of a `where` there is the branch that was
    taken. What is used more than once and is longer than two operations is written once, as a line of its own, by
    its label or as u1, u2, and so on; so the length is at most proportional to the graph's.

    Args:
        y: the result.
        wrt: a Value to differentiate by.
        names: symbols for Values, in place of their labels.
        limit: how many operations are still read as a formula.

    Raises:
        TypeError: if y is no Value.
        ValueError: if there are more operations, or if two leaves have the same label.

    """
    nodes, leaf_names = _read(y, wrt, names, limit)
    uses: dict[Value, int] = {}
    for node in nodes:
        for operand in _operands(node):
            uses[operand] = uses.get(operand, 0) + 1
    taken = {*leaf_names.values()}
    written: dict[Value, Tex] = {leaf: symbol(name) for leaf, name in leaf_names.items()}
    lines: list[str] = []
    for node in nodes:
        if node in written:
            continue
        if not node.op:
            shown = constant(node.data)
            shown.number = None  # it is a number by chance, not a constant to simplify by
            written[node] = shown
            continue
        made = _written(node, written)
        if uses.get(node, 0) > 1 and made.size > 2:
            name = node.label if node.label and node.label not in taken else f"u{len(lines) + 1}"
            taken.add(name)
            lines.append(f"{symbol(name)} &= {made}")
            made = symbol(name)
        written[node] = made
    result = written[nodes[-1]]
    if not lines:
        return str(result)
    free = nodes[-1].label or next(name for name in ("y", "f", "result") if name not in taken)
    lines.append(f"{symbol(free)} &= {result}")
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def sympy(y: Value, wrt: Value | None = None, *, names: Mapping[Value, str] | None = None, limit: int = 5000) -> Any:
    """Return a result, or its derivative, as an expression of SymPy.

    Leaves with a label become real symbols, leaves without one numbers, and of a `where` there is the branch that
    was taken.

    Args:
        y: the result.
        wrt: a Value to differentiate by.
        names: symbols for Values, in place of their labels.
        limit: how many operations to take.

    Raises:
        TypeError: if y is no Value.
        ValueError: if there are more operations, or if two leaves have the same label.
        ModuleNotFoundError: if there is no SymPy.

    """
    try:
        from autograd_mini.notation.symbolic import exact, expression, variable
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "sympy(y) needs SymPy, which is not installed: install the extra with pip install 'autograd_mini[sympy]'"
        ) from error
    nodes, leaf_names = _read(y, wrt, names, limit)
    made: dict[Value, Any] = {leaf: variable(name) for leaf, name in leaf_names.items()}
    for node in nodes:
        if node in made:
            continue
        args = [made[arg] if isinstance(arg, Value) else exact(arg) for arg in _args(node)]
        made[node] = exact(node.data) if not node.op else args[0] if node.op == "where" else expression(node.op, args)
    return made[nodes[-1]]


def _args(node: Value) -> tuple[Value | float, ...]:
    """Return the operands that the formula shows: of a `where`, the one that was taken."""
    if node.op != "where":
        return node.args
    condition, this, otherwise = node.args
    return (this if condition else otherwise,)


def _operands(node: Value) -> list[Value]:
    return [arg for arg in _args(node) if isinstance(arg, Value)]


def _written(node: Value, written: Mapping[Value, Tex]) -> Tex:
    """Return a computed node as an operation on what its operands look like."""
    args = [written[arg] if isinstance(arg, Value) else constant(arg) for arg in _args(node)]
    return args[0] if node.op == "where" else apply(node.op, args)


def _read(
    y: Value, wrt: Value | None, names: Mapping[Value, str] | None, limit: int
) -> tuple[list[Value], dict[Value, str]]:
    """Return the nodes of the formula, oldest first, the result last, and the names of its leaves."""
    if not isinstance(y, Value):
        raise TypeError(f"y is a Value; got {y!r} of type {type(y).__name__}")
    root = y if wrt is None else gradient(y, wrt)
    nodes = _below([root], _operands)
    shown = sum(1 for node in nodes if node.op)
    if shown > limit:
        raise ValueError(
            f"the formula has {shown} operations, more than limit={limit}: draw the graph, take a part of it, "
            f"or give a "
            "larger limit"
        )
    named = {node: (names or {}).get(node, "" if node.op else node.label) for node in nodes}
    leaf_names = {node: name for node, name in named.items() if name}
    owners: dict[str, Value] = {}
    for node, name in leaf_names.items():
        other = owners.setdefault(name, node)
        if other is not node:
            raise ValueError(
                f"two Values are called {name!r}, {other!r} and {node!r}, so the formula could not be read: give them "
                "different labels, or names={value: name}"
            )
    return nodes, leaf_names
