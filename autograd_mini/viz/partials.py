"""Local derivatives: their numbers, their formulas for readers, and what each contributes to an operand's gradient.

The numbers come from the same rules that `backward` runs, applied to copies of the operands, so that a picture
shows what the engine computes and changes nothing. The formulas are those of the table in the names and numbers of one
node: of the cases that they distinguish the one that applies, with what is a number worked out. `replay` computes a
graph again, with other numbers.
"""

from __future__ import annotations

from types import SimpleNamespace

from autograd_mini.engine.formula import Decided, evaluate, parse
from autograd_mini.engine.functions import ON_VALUES
from autograd_mini.engine.graph import order
from autograd_mini.engine.ops import TABLE
from autograd_mini.engine.value import Value
from autograd_mini.viz.text import figure, named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from autograd_mini.engine.formula import Tree
    from autograd_mini.engine.ops import Op


class Flow:
    """What goes from a node to one operand in the backward pass.

    Attributes:
        node: the result.
        operand: the operand that receives.
        position: where the operand stands in `node.args`.
        partial: the local derivative, a number.
        share: the node's gradient times the local derivative; None where the node has no gradient.

    """

    def __init__(self, node: Value, operand: Value, position: int, partial: float, share: float | None) -> None:
        self.node, self.operand, self.position = node, operand, position
        self.partial, self.share = partial, share

    def formula(self, names: dict[Value, str]) -> str:
        """Return the local derivative in symbols: "w1", "1 − v3²"; "" if the node's rule has no formula."""
        op = self.node._pull.rule.op  # type: ignore[union-attr]  # a leaf has no flows
        if call_of(self.node) is not None:
            return ""
        if op.name in {"where", "add"}:  # of a long sum too, whose operands have no letters
            return "1"
        known: dict[str, str] = {"z": names[self.node]}
        numbers: dict[str, float] = {"z": self.node.data}
        for letter, operand in zip(op.operands, self.node.args, strict=True):
            numbers[letter] = operand.data if isinstance(operand, Value) else operand
            if isinstance(operand, Value):
                known[letter] = names[operand]
        return local_derivative(op, op.operands[self.position], known, numbers)


def flows(node: Value, gradient: float | None) -> list[Flow]:
    """Return the flows from a node to its operands, in order; an operand that is used twice has two.

    An operand that a `where` did not take has none, and neither has a plain number.

    >>> x = Value(3.0)
    >>> [flow.share for flow in flows(x * x, 1.0)]
    [3.0, 3.0]

    """
    if node._pull is None:
        return []
    partials = _pulled(node, 1.0)
    shares = {} if gradient is None else _pulled(node, gradient)
    return [Flow(node, node.args[at], at, partial, shares.get(at)) for at, partial in partials.items()]


def call_of(node: Value) -> Any:
    """Return the call behind a node that a function with a derivative of its own returned; None for other nodes.

    See `transforms.custom`: such a node stands on a hidden one, which holds the call.
    """
    return None if node._pull is None else node._pull.rule.call(node)


def _pulled(node: Value, gradient: float) -> dict[int, float]:
    """Return what each operand receives, by its position, as the node's rule has it for copies of the node."""
    positions = [position for position, operand in enumerate(node.args) if isinstance(operand, Value)]
    if (call := call_of(node)) is not None:
        received = call.pull({node._k: gradient}, on_values=False)
        return {position: float(received[position]) for position in positions}
    if node.op == "where":
        positions = [position for position in positions if position == (1 if node.args[0] else 2)]
    first = SimpleNamespace(_data=node._x._data, _adjoint=-0.0)
    second = SimpleNamespace(_data=node._y._data, _adjoint=-0.0)
    held = getattr(node, "_k", None)
    copy: Any = SimpleNamespace(_x=first, _y=second, _data=node._data, _k=held, _tick=float("inf"))  # never stale
    node._pull(copy, gradient)  # type: ignore[misc]  # asked only of nodes that have a rule
    return dict(zip(positions, (first._adjoint, second._adjoint), strict=False))


TEXTBOOK = {"tanh": "1 - z ** 2", "sigmoid": "z * (1 - z)"}
"""Textbook forms of derivatives that the table writes in another way, to avoid cancellation."""

_SUPERSCRIPTS = str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_ADD, _MUL, _NEG, _POW, _ATOM = range(1, 6)


def local_derivative(row: Op, wanted: str, names: dict[str, str], numbers: dict[str, float]) -> str:
    """Write the partial derivative of an operation at one node; an operand that is a plain number has no name.

    >>> local_derivative(TABLE["pow"], "x", {"x": "a", "z": "v1"}, {"x": 3.0, "y": 2.0, "z": 9.0})
    '2·a'

    """
    if row.name == "where":
        return "1"
    terms = {
        name: term(named(names[name]), number) if name in names else WRITTEN.constant(number)
        for name, number in numbers.items()
    }
    return evaluate(derivative_tree(row, wanted), WRITTEN, terms).text


def derivative_tree(row: Op, wanted: str) -> Tree:
    """Return the formula of a partial derivative as readers know it."""
    text = TEXTBOOK.get(row.name) or row.partials[row.operands.index(wanted)]
    return parse(text, (*row.operands, "z"), own=row)


class Term:
    """A part of a formula as a reader sees it.

    Args:
        text: what is written.
        binds: how tightly the text holds together: what is looser than its place asks for gets brackets.
        number: its value at this node.
        constant: whether it consists of numbers alone.

    """

    def __init__(self, text: str, binds: int, number: float, *, constant: bool = False) -> None:
        self.text, self.binds, self.number, self.constant = text, binds, number, constant

    def at(self, least: int) -> str:
        """Return the text, in brackets if it is looser than `least`."""
        return self.text if self.binds >= least else f"({self.text})"

    def is_one(self) -> bool:
        """Return whether it is the constant 1."""
        return self.constant and self.number == 1.0


def term(name: str, number: float = 1.0) -> Term:
    """Return the term of a name."""
    return Term(name, _ATOM, number)


class Written(Decided):
    """The algebra of terms: the branch that applies is taken, numbers are worked out, factors of 1 left out."""

    def figure(self, x: Term) -> float:
        """Return the number of a term."""
        return x.number

    def constant(self, number: float) -> Term:
        """Return the term of a number."""
        text = figure(number)
        return Term(text, _NEG if text.startswith("−") else _ATOM, number, constant=True)

    def apply(self, name: str, operands: list[Term]) -> Term:
        """Write an operation with brackets where they are needed."""
        number = getattr(ON_VALUES, name)(*(operand.number for operand in operands))
        write = _INFIX.get(name)
        if write is None:
            shown = TABLE[name].symbol if name in TABLE else name
            return Term(f"{shown}({', '.join(operand.text for operand in operands)})", _ATOM, number)
        if all(operand.constant for operand in operands):
            return self.constant(number)
        if name == "mul" and operands[0].is_one():
            return operands[1]
        if name in {"mul", "pow", "truediv"} and operands[1].is_one():
            return operands[0]
        return Term(*write(*operands), number)


def _power(x: Term, y: Term) -> tuple[str, int]:
    if y.constant and y.number.is_integer():
        return x.at(_ATOM) + figure(y.number).translate(_SUPERSCRIPTS), _POW
    return f"{x.at(_ATOM)}^{y.at(_ATOM)}", _POW


def _quotient(symbol: str, binds: int) -> Callable[[Term, Term], tuple[str, int]]:
    return lambda x, y: (f"{x.at(_MUL)} {symbol} {y.at(_POW)}", binds)


_INFIX: dict[str, Callable[..., tuple[str, int]]] = {
    "neg": lambda x: (f"−{x.at(_MUL)}", _NEG),
    "add": lambda x, y: (f"{x.at(_ADD)} + {y.at(_MUL)}", _ADD),
    "sub": lambda x, y: (f"{x.at(_ADD)} − {y.at(_MUL)}", _ADD),
    "mul": lambda x, y: (f"{x.at(_MUL)}·{y.at(_POW)}", _MUL),
    "pow": _power,
    "truediv": _quotient("/", _MUL),
    **{name: _quotient(TABLE[name].symbol, _ADD) for name in ("mod", "floordiv")},  # −(x // y) is not −x // y
}

WRITTEN = Written()
"""The algebra that writes formulas for readers."""


class NotReplayableError(ValueError):
    """A graph holds an operation that is known only by its result."""


def replay(y: Value, replaced: Mapping[Value, Value | float]) -> Value | float:
    """Return y computed again, with floats, or Values to differentiate by, in the place of some nodes.

    All other leaves keep their numbers, as constants. A `where` whose condition was a truth value, not a Value, takes
    the operand it took before.

    >>> x = Value(3.0)
    >>> replay(x * x, {x: 5.0})
    25.0

    """
    found: dict[Value, Any] = dict(replaced)
    for node in order(y):
        if node in found:
            continue
        if not node.op:
            found[node] = node.data
            continue
        args = [found[operand] if isinstance(operand, Value) else operand for operand in node.args]
        if node.op == "where":
            found[node] = args[1] if args[0] else args[2]
            continue
        if call_of(node) is not None or node.op not in TABLE:
            raise NotReplayableError(
                f"the graph holds {node.op}(…), which is no operation of the table, so it cannot be computed again"
            )
        function = getattr(ON_VALUES, node.op)
        found[node] = function(*args)
    result: Value | float = found[y]
    return result
