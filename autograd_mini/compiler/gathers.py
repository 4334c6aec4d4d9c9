"""A gather: a lookup whose index is not known when a function is traced, and the scatter that is its derivative.

Two kinds of symbols stand for arrays of numbers. A table is made of its entries. A scatter is as long as another array,
and has at each place the sum of the numbers whose index is that place. `take` picks a number out of an array. The three
are closed under differentiation: the adjoint of an array is a list of pairs (index, number), which is scattered when it
is handed on to the entries of a table; the derivative of a scatter by one of its numbers is a take. So a lookup costs
the same however long the table is, forwards and backwards.

    table    t = (a, b, c, …)              adjoint of c:  take(scatter(t, i, g, j, h, …), 2)
    take     take(t, i)                    adjoint of t:  the pair (i, g)
    scatter  s = scatter(t, i, g, …)       adjoint of g:  take(adjoint of s, i)
"""

from __future__ import annotations

from functools import partial

from autograd_mini.compiler.concretization import place
from autograd_mini.compiler.primitives import Primitive
from autograd_mini.compiler.python import scatter
from autograd_mini.compiler.tracer import Check, Trace, TracedBool, Tracer, symbol
from autograd_mini.engine.functions import floor
from autograd_mini.engine.hooks import innermost, is_recording
from autograd_mini.engine.operators import where, wrong_index
from autograd_mini.engine.ops import Op
from autograd_mini.engine.pytree import flatten
from autograd_mini.engine.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    Number = Value | float
    Pair = tuple[Number, Number]


def taken(index: Tracer, values: Any) -> Any:
    """Return the entry, or row, of values at an index that is a symbol; see `operators.take`."""
    if isinstance(index, TracedBool):
        raise TypeError(f"index is {index!r}, expected a whole number: where(condition, a, b) takes a truth value")
    apart = [flatten(row, f"values[{at}]") for at, row in enumerate(values)]
    if not apart:
        raise IndexError(f"index is {index!r}, expected another one, since there are no values")
    layout = apart[0][1]
    for at, (_, other) in enumerate(apart):
        if other != layout:
            raise ValueError(f"values[{at}] is {other}, expected the structure of values[0], {layout}, in a trace")
    trace: Any = innermost(Trace)
    numbers = [entry for row, _ in apart for entry in row]
    key = (is_recording(), *[id(entry) if isinstance(entry, Value) else repr(entry) for entry in numbers])
    if key not in trace.known:
        trace.known[key] = tabled(numbers)
    table, size = trace.known[key], layout.size
    row = _checked(trace, index, len(apart))
    first = row * float(size) if size > 1 else row
    return layout.unflatten([picked(table, first + float(column) if column else first) for column in range(size)])


def _checked(trace: Trace, index: Tracer, count: int) -> Value:
    """Return an index counted from the first of the values; where it is out of range 0, and the call will fail."""
    key = is_recording(), id(index), count
    if key not in trace.known:
        whole: Any = floor(index) == index
        holds = whole & (index >= -float(count)) & (index < float(count))
        trace.checks.append(Check(holds, index, partial(wrong_index, count=count, place=place())))
        trace.known[key] = where(holds, where(index < 0.0, index + float(count), index), 0.0).detach()
    found: Value = trace.known[key]
    return found


def tabled(entries: Sequence[Number]) -> Value:
    """Return the symbol for an array of its entries."""
    return _array(_TABLE, tuple(entries))


def picked(array: Value, index: Number) -> Value:
    """Return the symbol for an entry of an array."""
    return symbol(_TAKE, (array, index), array)


def length(array: Value) -> int:
    """Return how many numbers an array has."""
    while array.op != "table":
        array = array.args[0]
    return len(array.args)


def looked_up(node: Value) -> tuple[Value, Number] | None:
    """Return the array and the index of a lookup; None for another node."""
    return node._k if node._pull is not None and node._pull.rule is _TAKE else None


def places(node: Value) -> list[Number]:
    """Return of an array for each operand that a derivative flows to its place; nothing for another node."""
    rule: Any = node._pull and node._pull.rule
    return rule.indices(node) if isinstance(node, TracedArray) else []


def _array(rule: Primitive, operands: tuple[Any, ...]) -> Value:
    """Return the symbol for an array."""
    node = symbol(rule, operands)
    node.__class__ = TracedArray
    return node


class TracedArray(Tracer):
    """An array of numbers that are not known yet; it appears as an operand of these symbols alone."""

    __slots__ = ()

    def times_partials(self) -> tuple[Callable[..., Any], ...]:
        """Return for each operand that a derivative flows to a function (node, pairs) -> its share."""
        return tuple([partial(_share, at=at) for at in places(self)])


def _share(node: Value, pairs: Pairs, at: Number) -> Value:
    return picked(pairs.scattered(node), at)


class Pairs:
    """The adjoint of an array: indices, each with what the entry there receives. Sums are kept as a tree."""

    __slots__ = ("_made", "_parts")

    def __init__(self, parts: Sequence[Pairs | Pair]) -> None:
        self._parts = parts
        self._made: Value | None = None

    def __add__(self, other: Pairs) -> Pairs:
        """Join two lists."""
        return Pairs((self, other))

    def all(self) -> Iterable[Pair]:
        """Return the pairs in order."""
        found: list[Pair] = []
        waiting: list[Any] = [self]
        while waiting:
            part = waiting.pop()
            if isinstance(part, Pairs):
                waiting += reversed(part._parts)
            else:
                found.append(part)
        return found

    def under(self, condition: Any) -> Pairs:
        """Return the pairs with 0 where a condition does not hold."""
        return Pairs([(index, where(condition, part, 0.0)) for index, part in self.all()])

    def scattered(self, array: Value) -> Value:
        """Return the array, as long as another, of what each of the entries receives."""
        if self._made is None:
            self._made = _scattered(array, self.all())
        return self._made


def _scattered(array: Value, pairs: Iterable[Pair]) -> Value:
    return _array(_SCATTER, (array, *[number for pair in pairs for number in pair]))


class _ArrayRule(Primitive):
    """A rule whose operands are more than two, or arrays."""

    def indices(self, node: Value) -> list[Number]:
        """Return the places in the array that the operands belong to."""
        return [at for at, _ in self.pairs(node)]

    def pairs(self, node: Value) -> list[tuple[Number, Value]]:
        """Return the operands that a derivative flows to, each with its place in the array."""
        raise NotImplementedError

    def operands(self, node: Value) -> tuple[Value, ...]:
        """Return these operands."""
        return tuple([operand for _, operand in self.pairs(node)])


class _Table(_ArrayRule):
    def number(self, operands: list[Any]) -> Any:
        return operands

    def pairs(self, node: Value) -> list[tuple[Number, Value]]:
        return [(float(at), entry) for at, entry in enumerate(node._k) if isinstance(entry, Value)]

    def push(self, node: Value, tangents: dict[Value, Any], *, on_values: bool) -> None:  # noqa: ARG002 - of symbols
        """Put a table of tangents beside those of the entries."""
        moving = [tangents.get(entry, 0.0) if isinstance(entry, Value) else 0.0 for entry in node._k]
        if any(entry in tangents for _, entry in self.pairs(node)):
            tangents[node] = tabled(moving)


class _Scatter(_ArrayRule):
    def number(self, operands: list[Any]) -> Any:
        return scatter(*operands)

    def pairs(self, node: Value) -> list[tuple[Number, Value]]:
        return [pair for pair in zip(node._k[1::2], node._k[2::2], strict=True) if isinstance(pair[1], Value)]

    def push(self, node: Value, tangents: dict[Value, Any], *, on_values: bool) -> None:  # noqa: ARG002 - of symbols
        """Scatter the tangents of the numbers."""
        moving = [(at, tangents[number]) for at, number in self.pairs(node) if number in tangents]
        if moving:
            tangents[node] = _scattered(node._k[0], moving)


class _Take(Primitive):
    def number(self, operands: list[Any]) -> Any:
        return operands[0][int(operands[1])]

    def operands(self, node: Value) -> tuple[Value, ...]:
        """Return the array."""
        return (node._k[0],)

    def times_partials(self) -> tuple[Callable[..., Any], ...]:
        """Return the function (node, g) -> the pair that the array receives."""
        return (lambda node, g: Pairs([(node._k[1], g)]),)

    def push(self, node: Value, tangents: dict[Value, Any], *, on_values: bool) -> None:  # noqa: ARG002 - of symbols
        """Pick out of the tangent of the array."""
        if node._k[0] in tangents:
            tangents[node] = picked(tangents[node._k[0]], node._k[1])


_TABLE = _Table(Op("table", "(x, …)", (), doc="An array made of its entries."))
_SCATTER = _Scatter(Op("scatter", "scatter(t, i, x, …)", (), doc="Sums of numbers by their indices."))
_TAKE = _Take(Op("take", "t[i]", (), doc="An entry of an array."), "x")
