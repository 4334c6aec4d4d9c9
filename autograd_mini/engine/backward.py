"""The backward pass: a walk through a graph, newest node first, that gives every node its gradient.

Each node carries the tick of one global clock at which it was made, so an operand is always older than its result, and
sorting by tick is a topological order. The same number finds stale operands: assigning `data` gives a leaf a new tick,
younger than the nodes that used it.

While it runs, the pass adds up adjoints in the slot `_adjoint`; `grad` is written in one go at the end. So an
exception, or Ctrl-C, leaves every gradient as it was. One pass runs at a time, whatever the thread.
"""

from __future__ import annotations

from collections import deque
from itertools import repeat
from operator import attrgetter

from autograd_mini.engine import rules
from autograd_mini.engine.forking import awaited_lock, holding
from autograd_mini.engine.hooks import current, on_pass
from autograd_mini.errors import StaleValueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from autograd_mini.engine.value import Value

one_pass = awaited_lock()
"""Held by whoever uses the slots `_adjoint`, or writes gradients: one pass runs at a time, whatever the thread."""

_running = False
_quick_sweep: Callable[[Iterable[Value]], None] | None = None  # compiled by the first pass

_tick = attrgetter("_tick")
_adjoint = attrgetter("_adjoint")


@holding(one_pass)
def backward(root: Value, seed: float, absent: Value, wanted: Sequence[Value] | None = None) -> list[float]:
    """Add seed * d root / d leaf to the gradient of every leaf below `root`, and set those of the nodes between.

    Args:
        root: the result to differentiate.
        seed: the gradient of the root itself.
        absent: the node that stands where an operation has no second operand.
        wanted: nodes, leaves or not, whose adjoints are returned instead, the others among them held fixed; no `grad`
            changes then, and what lies below them is not visited.

    Returns:
        The adjoints of `wanted`.

    Raises:
        StaleValueError: if a leaf was assigned after a node used it.

    """
    global _running  # noqa: PLW0603 - one pass runs at a time
    outer = _running  # where a custom derivative, called by the pass that runs, starts another
    if outer or (wanted is not None and any(node._pull is not None for node in wanted)):
        nodes, reached = _between(root, wanted or ())
        leaves = [node for node in reached if node._pull is None and node is not absent]
        kept = [node._adjoint for node in reached] if outer else []
        for node in reached:
            node._adjoint = -0.0  # -0.0 + g is g for every g, signed zeros included
    else:  # no cut is needed, and the walk is fast
        if wanted is not None:
            for node in wanted:
                node._adjoint = -0.0
        nodes, leaves = _reach(root, absent)
        _refuse_stale(nodes, leaves)
    root._adjoint = seed
    try:
        _running = True
        _sweep(nodes)
        if wanted is not None:
            return [0.0 + node._adjoint for node in wanted]  # type: ignore[operator]  # just computed
        _commit(nodes, leaves)
    finally:
        _running = outer
        if outer:
            deque(map(setattr, reached, repeat("_adjoint"), kept), maxlen=0)
    return []


def _sweep(nodes: list[Value]) -> None:
    """Walk nodes newest first and propagate each adjoint to the operands."""
    global _quick_sweep  # noqa: PLW0603 - compiled by the first pass
    if on_pass and any(hook.sweep(nodes) for hook in current()):
        return
    if _quick_sweep is None:
        _quick_sweep = rules.sweep()
    _quick_sweep(nodes)


def _between(root: Value, wanted: Sequence[Value]) -> tuple[list[Value], list[Value]]:
    """Return the computed nodes from the root down to the wanted ones, newest first, and everything they touch."""
    held = set(wanted)
    found = subgraph([root], lambda node: () if node._pull is None or node in held else (node._x, node._y))
    nodes = [node for node in reversed(found) if node._pull is not None and node not in held]
    _refuse_stale(nodes, found)
    return nodes, [*held.union(found)]


def subgraph(roots: Iterable[Value], operands_of: Callable[[Value], Sequence[Value]]) -> list[Value]:
    """Return the roots and what the given operands lead to, oldest first; leaves assigned since come before all."""
    seen = dict.fromkeys(roots)
    waiting, late = list(seen), set()
    while waiting:
        node = waiting.pop()
        for operand in operands_of(node):
            if operand not in seen:
                seen[operand] = None
                waiting.append(operand)
            if operand._tick > node._tick:
                late.add(operand)
    nodes = sorted(seen, key=_tick)
    return [node for node in nodes if node in late] + [node for node in nodes if node not in late] if late else nodes


def _reach(root: Value, absent: Value) -> tuple[list[Value], list[Value]]:
    """Return the nodes below the root, newest first, and the leaves; clear their adjoints.

    A node whose adjoint is the very object `zero`, of this pass alone, has been seen; -0.0 + g is g for every g. The
    newer operand is followed first, which meets nodes nearly in the order of their ticks: the sort is cheap.
    """
    zero = float("-0.0")
    absent._adjoint = zero
    root._adjoint = zero
    if root._pull is None:
        return [], [root]
    nodes: list[Value] = []
    leaves: list[Value] = []
    later: list[Value] = []
    append, postpone = nodes.append, later.append
    node = root
    while True:
        append(node)
        x, y = node._x, node._y
        if y._adjoint is not zero:
            y._adjoint = zero
            if y._pull is None:
                leaves.append(y)
            else:
                if x._adjoint is not zero:
                    x._adjoint = zero
                    if x._pull is None:
                        leaves.append(x)
                    else:
                        postpone(x)
                node = y
                continue
        if x._adjoint is not zero:
            x._adjoint = zero
            if x._pull is None:
                leaves.append(x)
            else:
                node = x
                continue
        if not later:
            break
        node = later.pop()
    nodes.sort(key=_tick, reverse=True)
    return nodes, leaves


@holding(one_pass)
def computed_below(root: Value, absent: Value) -> list[Value] | None:
    """Return the computed nodes from a root on, newest first; None while a pass runs, whose adjoints are in use."""
    return None if _running else _reach(root, absent)[0]


def _refuse_stale(nodes: list[Value], leaves: list[Value]) -> None:
    """Raise if a leaf is younger than a node that used it."""
    if not nodes or max(map(_tick, leaves), default=0) < nodes[-1]._tick:
        return
    refuse_stale(nodes, lambda node: (node._x, node._y))


def refuse_stale(nodes: Iterable[Value], operands_of: Callable[[Value], Sequence[Value]]) -> None:
    """Raise if one of the given operands of a node was assigned after the node used it."""
    for node in nodes:
        for operand in operands_of(node):
            if operand._tick > node._tick:
                raise stale(operand, node)


def stale(operand: Value, node: Value) -> StaleValueError:
    """Return the error that names a stale operand and the node that used it."""
    from autograd_mini.engine.locations import assigned_at, made_at

    assigned = f" in {place}" if (place := assigned_at(operand)) else ""
    return StaleValueError(
        f"{_name(operand)} was assigned{assigned} after {_name(node)} = {node.op}(…){made_at(node)} used it, so the "
        "gradient of that result would mix old and new values; compute the result again after the assignment, then "
        "call backward()"
    )


def _name(node: Value) -> str:
    return f"{node!r}" if not node.label else f"{node.label!r} ({node!r})"


def _commit(nodes: list[Value], leaves: list[Value]) -> None:
    """Write the gradients: all of them, even if an interrupt arrives on the way."""
    sums = [(leaf._grad or 0.0) + leaf._adjoint for leaf in leaves]  # type: ignore[operator]  # the sweep set it
    try:
        _assign(leaves, sums)
        for node in nodes:
            node._grad = node._adjoint
    except BaseException:
        _assign(leaves, sums)
        _assign(nodes, map(_adjoint, nodes))
        raise


@holding(one_pass)
def accumulate(leaves: Sequence[Value], contributions: Iterable[float]) -> None:
    """Add a number to the gradient of each leaf, all or none."""
    _assign(leaves, [(leaf._grad or 0.0) + part for leaf, part in zip(leaves, contributions, strict=True)])


def _assign(nodes: Iterable[Value], gradients: Iterable[float]) -> None:
    """Set `grad` of each node in one call of the interpreter, which nothing interrupts."""
    deque(map(setattr, nodes, repeat("_grad"), gradients), maxlen=0)
