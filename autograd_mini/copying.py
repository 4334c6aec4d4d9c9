"""Copying and pickling a graph node by node, oldest first, so that no depth of graph exhausts the stack.

A node reduces to its operation, its operands and its numbers. `copy` and `pickle` would follow the operands down,
recursing once a node. So a node hands them its ancestors first, as a list in order of creation: each of these finds its
own operands copied already, in the memo that `copy` and `pickle` keep, and what is shared stays shared, between several
results, a model and its loss, or anything else that is copied together.
"""

from __future__ import annotations

from operator import attrgetter
from threading import local
from weakref import ref

from autograd_mini.graph import operands, order
from autograd_mini.value import ABSENT, Computed, Value, clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from weakref import ReferenceType

    from autograd_mini.rules import Rule

_tick = attrgetter("_tick")


class _Groups(local):
    """The ancestor lists that copies under way in this thread have handed out."""

    def __init__(self) -> None:
        self.alive: list[ReferenceType[Ancestors]] = []


_groups = _Groups()


class Ancestors:
    """The nodes below a result, which `copy` and `pickle` treat as a list of items to go through one by one.

    The memo of the copy that is under way keeps it alive, so a node is `prepared` exactly as long as the memo knows it.
    """

    __slots__ = ("__weakref__", "nodes")

    def __init__(self, root: Value) -> None:
        self.nodes = dict.fromkeys(order(root))
        del self.nodes[root]
        _groups.alive = [group for group in _groups.alive if group() is not None]
        _groups.alive.append(ref(self))

    def __reduce_ex__(self, _: object) -> tuple[object, ...]:
        """Reduce to a list, item by item."""
        return list, (), None, iter(self.nodes)


def _prepared(node: Value) -> bool:
    return any((group := found()) is not None and node in group.nodes for found in _groups.alive)


def _stale_leaves(root: Value) -> list[Value]:
    """Return the leaves that were assigned after a node below the root used them: the copies shall be stale too."""
    found = {operand: None for node in order(root) for operand in operands(node) if operand._tick > node._tick}
    return sorted(found, key=_tick)


def reduce(self: Value, _: object) -> tuple[object, ...]:
    """Take a Value apart for `copy` and `pickle`: this is `Value.__reduce_ex__`."""
    label = self.label or None
    grad = getattr(self, "_grad", None)
    if self._pull is None:
        return _leaf, (type(self), self._data, grad, label), _extras(self)
    second = self._y if self._y is not ABSENT else None
    parts = (self._pull.rule, self._x, second, getattr(self, "_k", None), self._data, grad, label)
    if _prepared(self):
        return _computed, (None, *parts)
    return _computed, (Ancestors(self), *parts), _stale_leaves(self) or None


def _extras(leaf: Value) -> object:
    """Return what a leaf carries beyond a Value's own slots, for a subclass: None if there is nothing."""
    state = object.__getstate__(leaf)
    attributes, slots = state if isinstance(state, tuple) else (state, {})
    slots = {name: value for name, value in slots.items() if name not in Value.__slots__}
    return (attributes, slots) if attributes or slots else None


def _leaf(kind: type[Value], data: float, grad: float | None, label: str | None) -> Value:
    leaf = object.__new__(kind)
    leaf._data, leaf._grad = data, grad
    leaf._adjoint = leaf._pull = None
    leaf._tick = next(clock)
    if label:
        leaf._label = label
    return leaf


def _computed(
    _: object, rule: Rule, x: Value, y: Value | None, k: object, data: float, grad: float | None, label: str | None
) -> Value:
    node: Value = Computed()
    node._pull = rule.pullback
    node._x, node._y, node._k = x, ABSENT if y is None else y, k
    node._data, node._adjoint = data, None
    node._tick = next(clock)
    if grad is not None:
        node._grad = grad
    if label:
        node._label = label
    return node


def restore(self: Value, state: Any) -> None:
    """Give a copy the attributes of its own, or make copied leaves as stale as they were: `Value.__setstate__`."""
    if self._pull is not None:
        for leaf in state:
            leaf._tick = next(clock)
        return
    attributes, slots = state
    for name, value in {**(attributes or {}), **slots}.items():
        setattr(self, name, value)


def shallow(self: Value) -> Value:
    """Return a Value with the same number, gradient, label and operands: `Value.__copy__`."""
    twin = type(self).__new__(type(self))
    for name in Value.__slots__:
        if hasattr(self, name):
            setattr(twin, name, getattr(self, name))
    if self._pull is None and (state := _extras(self)) is not None:
        restore(twin, state)
    return twin


Value.__reduce_ex__ = reduce  # type: ignore[assignment,method-assign]
Value.__setstate__ = restore  # type: ignore[attr-defined]
Value.__copy__ = shallow  # type: ignore[attr-defined]
