"""The graph below a Value: its nodes in order, its gradient as a graph of Values again, and tangents pushed through it.

`gradient` builds the backward pass out of Values instead of running it, so what it returns can be differentiated again,
drawn, or compiled. A second derivative is the same call once more:

    >>> x = Value(2.0)
    >>> y = x**3
    >>> (slope,) = gradient(y, [x])
    >>> slope.data
    12.0
    >>> gradient(slope, x).data
    12.0
"""

from __future__ import annotations

from collections.abc import Iterable

from autograd_mini.engine.backward import backward, one_pass, refuse_stale, subgraph
from autograd_mini.engine.checks import number
from autograd_mini.engine.forking import holding
from autograd_mini.engine.hooks import current, on_pass
from autograd_mini.engine.locations import made_at
from autograd_mini.engine.value import ABSENT, Symbolic, Value
from autograd_mini.errors import AnomalyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, overload


def operands(node: Value) -> list[Value]:
    """Return the operands of a node that are Values, in order; one that is used twice stands twice.

    >>> x = Value(3.0, label="x")
    >>> operands(x * x)
    [Value(data=3.0, label='x'), Value(data=3.0, label='x')]

    """
    return [operand for operand in node.args if isinstance(operand, Value)]


def order(*roots: Value) -> list[Value]:
    """Return every node that the roots were computed from, and the roots, oldest first: operands before results.

    The order is that of creation, so it is the same in every run. A leaf that was assigned after its use comes first.

    Args:
        roots: the results.

    >>> x = Value(3.0)
    >>> [node.op for node in order((x * x).exp())]
    ['', 'mul', 'exp']

    """
    return subgraph(roots, operands)


def check_value(name: str, given: object) -> None:
    """Raise a TypeError that names the argument unless it is a Value."""
    if not isinstance(given, Value):
        raise TypeError(f"{name} is {given!r} of type {type(given).__name__}, expected a Value")


def unchanged(nodes: list[Value]) -> list[Value]:
    """Return nodes in order; a StaleValueError if what one was computed from was assigned since."""
    refuse_stale(nodes, operands)
    return nodes


def active_operands(node: Value) -> tuple[Value, ...]:
    """Return the operands that a derivative flows to, one for each of the rule's partials."""
    if node._pull is None:
        return ()
    return node._pull.rule.operands(node)


if TYPE_CHECKING:

    @overload
    def gradient(y: Value, wrt: Value, seed: Value | float = ...) -> Value: ...
    @overload
    def gradient(y: Value, wrt: Iterable[Value], seed: Value | float = ...) -> list[Value]: ...


def gradient(y: Value, wrt: Value | Iterable[Value], seed: Value | float = 1.0) -> Value | list[Value]:
    """Return the derivative of y with respect to Values, as Values.

    No `grad` is read or written. Only what lies between y and `wrt` is differentiated; where y does not depend on one
    of them, its derivative is Value(0.0).

    Args:
        y: the result to differentiate.
        wrt: a Value, leaf or not, or several.
        seed: what the derivative is multiplied by, the gradient of y itself.

    Returns:
        A Value for a Value, a list in the same order for several.

    Raises:
        TypeError: if y or one of `wrt` is no Value.
        StaleValueError: if a leaf was assigned after y's graph used it.

    >>> x, y = Value(2.0), Value(3.0)
    >>> [slope.data for slope in gradient(x * y, [x, y])]
    [3.0, 2.0]

    """
    check_value("y", y)
    single = isinstance(wrt, Value)
    if not isinstance(wrt, Iterable | Value):
        raise TypeError(f"wrt is {wrt!r} of type {type(wrt).__name__}, expected a Value or several of them")
    wanted: list[Value] = [wrt] if isinstance(wrt, Value) else list(wrt)
    for position, target in enumerate(wanted):
        check_value(f"wrt[{position}]", target)

    adjoints = adjoints_of(wanted, y, seed if isinstance(seed, Value) else number(seed, "seed"), active_operands)
    found = [adjoints.get(target, 0.0) for target in wanted]
    result = [g if isinstance(g, Value) else Value(g) for g in found]
    return result[0] if single else result


def adjoints(root: Value, wanted: Sequence[Value], seed: float = 1.0) -> list[float]:
    """Return seed * d root / d node for each wanted node, the others among them held fixed; no `grad` changes."""
    return backward(root, seed, ABSENT, wanted)


def adjoints_of(
    wanted: Iterable[Value], y: Value, seed: Value | float, operands_of: Callable[[Value], Sequence[Value]]
) -> dict[Value, Value | float]:
    """Return the adjoints of the nodes between y and the wanted ones, following the given operands of each node."""
    nodes = subgraph([y], operands_of)
    targets = set(wanted)
    leading = set(targets)  # the nodes that `wanted` leads to: only their adjoints matter
    refuse_stale(nodes, operands_of)
    for node in nodes:
        if not leading.isdisjoint(operands_of(node)):
            leading.add(node)
    if isinstance(y, Symbolic):
        below: dict[Value, Value | float] = y.adjoints_below(targets, nodes, leading, seed, operands_of)
        return below
    adjoints: dict[Value, Value | float] = {y: seed}
    for node in reversed(nodes):
        if node not in leading or node not in adjoints or not (reached := operands_of(node)):
            continue
        try:
            for operand, times_partial in zip(reached, node._pull.rule.times_partials(), strict=True):  # type: ignore[union-attr]
                if operand in leading:
                    contribution = times_partial(node, adjoints[node])
                    adjoints[operand] = adjoints[operand] + contribution if operand in adjoints else contribution
        except AnomalyError as error:
            error.add_note(f"It belongs to the derivative of {node.op}(…){made_at(node).rstrip(',')}.")
            raise
    return adjoints


def depending(outputs: Iterable[Value], variables: Iterable[Value]) -> list[Value]:
    """Return the nodes between variables and outputs, oldest first, without these; a StaleValueError as above."""
    held = set(variables)
    nodes = subgraph(outputs, lambda node: () if node in held else active_operands(node))
    nodes = [node for node in nodes if node not in held]
    refuse_stale(nodes, active_operands)
    moving = set(held)
    found: list[Value] = []
    for node in nodes:
        if not moving.isdisjoint(active_operands(node)):
            moving.add(node)
            found.append(node)
    return found


def push(nodes: Sequence[Value], tangents: Mapping[Value, Any], *, on_values: bool) -> dict[Value, Any]:
    """Return the tangents of the variables, those that are given, and of the nodes, as Values or as floats."""
    known = dict(tangents)
    (_push if on_values else _push_alone)(nodes, known, on_values=on_values)
    for hook in current() if on_pass and not on_values else ():
        hook.tangents(nodes, known)
    return known


def _push(nodes: Sequence[Value], known: dict[Value, Any], *, on_values: bool) -> None:
    for node in nodes:
        node._pull.rule.push(node, known, on_values=on_values)  # type: ignore[union-attr]  # those were computed


_push_alone = holding(one_pass)(_push)
