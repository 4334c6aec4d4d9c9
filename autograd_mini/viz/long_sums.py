"""A long sum: a chain of additions that a picture shows as one operation with many operands, where nothing is lost.

A partial sum is left out if it has no label, is used once, by an addition, and its gradient is that of the whole sum:
then everything on its card also stands elsewhere, but for the running total.
"""

from __future__ import annotations

from bisect import bisect_right
from math import inf, isfinite, isnan

from autograd_mini.engine.graph import order
from autograd_mini.engine.ops import TABLE
from autograd_mini.engine.value import Value
from autograd_mini.viz.partials import Flow, call_of, flows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Operand = Value | float

LEAST = 6
"""Minimum terms of a sum that is shown as one operation."""

LEVELS = ("auto", "full")


class Shown:
    """The nodes of a graph that a picture shows, at the level "full" partial sums too, and their operands there.

    Attributes:
        nodes: the nodes, operands before results.
        terms: the operands of each long sum.
        count: the number of nodes of the graph, partial sums included.

    """

    def __init__(self, roots: Iterable[Value], level: str = "auto", keep: Iterable[Value] = ()) -> None:
        roots = list(roots)
        self.nodes = order(*roots)
        self.count = len(self.nodes)
        self.terms: dict[Value, tuple[Operand, ...]] = {}
        if level == "auto":
            self.terms, partial = long_sums(self.nodes, {*roots, *keep})
            self.nodes = [node for node in self.nodes if node not in partial]

    @property
    def size(self) -> int:
        """The number of nodes shown and of plain numbers in long sums."""
        return len(self.nodes) + sum(not isinstance(term, Value) for terms in self.terms.values() for term in terms)

    def args(self, node: Value) -> tuple[Operand, ...]:
        """Return the operands that a picture shows: all but the condition of a `where` that is a plain truth value."""
        found = self.terms.get(node)
        return found if found is not None else tuple(o for o in node.args if not isinstance(o, bool))

    def hidden(self, node: Value) -> int:
        """Return how many operands of a node, all of them in front, a picture does not show."""
        return 0 if node in self.terms else len(node.args) - len(self.args(node))

    def flows(self, node: Value, gradient: float | None) -> list[Flow]:
        """Return the flows from a node to its operands; see `partials.flows`."""
        if node not in self.terms:
            return flows(node, gradient)
        terms = enumerate(self.terms[node])
        return [Flow(node, o, position, 1.0, gradient) for position, o in terms if isinstance(o, Value)]


def long_sums(nodes: Sequence[Value], keep: set[Value]) -> tuple[dict[Value, tuple[Operand, ...]], set[Value]]:
    """Return the terms of every long sum among nodes, as they are written, and the partial sums left out for them.

    >>> sums, partial = long_sums(order(sum(Value(float(i)) for i in range(6))), set())
    >>> [len(terms) for terms in sums.values()], len(partial)  # sum() starts with 0
    ([7], 5)

    """
    users: dict[Value, list[Value]] = {}
    for node in nodes:
        for operand in node.args:
            if isinstance(operand, Value):
                users.setdefault(operand, []).append(node)
    found: dict[Value, tuple[Operand, ...]] = {}
    partial: set[Value] = set()
    seen: set[Value] = set()
    for node in reversed(nodes):
        if node in seen or not _adds(node):
            continue
        members = _members(node, users, keep)
        seen |= members
        later = _next_users(members, users)
        tops = [node]
        while tops:
            top = tops.pop()
            terms, inner, others = _terms(top, members, later)
            tops += others
            if len(terms) >= LEAST:
                found[top] = tuple(terms)
                partial |= inner
    return found, partial


def _members(top: Value, users: dict[Value, list[Value]], keep: set[Value]) -> set[Value]:
    """Return an addition and those below it that belong to the same sum."""
    members = {top}
    waiting = [top]
    while waiting:
        for operand in waiting.pop().args:
            if isinstance(operand, Value) and operand not in keep and _passes_on(operand, users, top):
                members.add(operand)
                waiting.append(operand)
    return members


def _next_users(members: set[Value], users: dict[Value, list[Value]]) -> dict[Value, float]:
    """Return for each addition when, after it, something outside the sum first used an operand of it."""
    later: dict[Value, float] = dict.fromkeys(members, inf)
    ticks: dict[Value, list[int]] = {}
    for member in members:
        for operand in member.args:
            if not isinstance(operand, Value) or len(users[operand]) == 1:
                continue
            if operand not in ticks:
                ticks[operand] = sorted(user._tick for user in users[operand] if user not in members)
            at = bisect_right(ticks[operand], member._tick)
            if at < len(ticks[operand]):
                later[member] = min(later[member], ticks[operand][at])
    return later


def _terms(top: Value, members: set[Value], later: dict[Value, float]) -> tuple[list[Operand], set[Value], list[Value]]:
    """Return the terms of a sum, its partial sums, and the additions below it that have to be sums of their own.

    An operand that something outside used between a partial sum and the whole one would receive its contributions in
    another order than in `backward`, and rounding would differ.
    """
    terms: list[Operand] = []
    inner: set[Value] = set()
    others: list[Value] = []
    waiting: list[Operand] = [*reversed(top.args)]
    while waiting:
        operand = waiting.pop()
        if not isinstance(operand, Value) or operand not in members:
            terms.append(operand)
        elif later[operand] < top._tick:
            terms.append(operand)
            others.append(operand)
        else:
            inner.add(operand)
            waiting += reversed(operand.args)
    return terms, inner, others


def _adds(node: Value) -> bool:
    return node._pull is not None and node._pull.rule.op is TABLE["add"] and call_of(node) is None


def _passes_on(node: Value, users: dict[Value, list[Value]], top: Value) -> bool:
    """Tell whether a card of its own would say nothing that the whole sum's does not."""
    same = node.has_grad == top.has_grad and (node.grad == top.grad or (isnan(node.grad) and isnan(top.grad)))
    return _adds(node) and not node.label and len(users[node]) == 1 and isfinite(node.data) and same
