"""Copying and pickling a graph node by node, oldest first, so that no depth of graph exhausts the stack.

`deepcopy` and `pickle` would follow the operands of a node down, recursing once a node. Here a copy goes through the
nodes in order of creation, each of which finds its operands in the memo. `pickle` is handed a node's ancestors first,
as a list to go through one by one, and its memo does the same. What is shared stays shared, between several results, a
model and its loss, or anything else that is copied together. A gradient that would be stale is stale in the copy.
"""

from __future__ import annotations

from copy import deepcopy
from operator import attrgetter
from threading import local
from weakref import ref

from autograd_mini.graph import _below, operands
from autograd_mini.value import ABSENT, Computed, Value, clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from weakref import ReferenceType

    from autograd_mini.rules import Rule

_tick = attrgetter("_tick")


def _parts(node: Value) -> list[Value]:
    """Return what a node refers to: its operands, and the hidden nodes of a call (see `calls.py`)."""
    if node._pull is None:
        return []
    return [*operands(node), node._x] if node._y is ABSENT else [*operands(node), node._x, node._y]


class _Groups(local):
    """The ancestor lists that picklers under way in this thread have been given."""

    def __init__(self) -> None:
        self.alive: list[ReferenceType[Ancestors]] = []


_groups = _Groups()


class Ancestors:
    """The nodes below a result, which `pickle` treats as a list of items to go through one by one.

    The memo of the pickler keeps it alive, so a node is `prepared` exactly as long as the memo knows it.
    """

    __slots__ = ("__weakref__", "nodes")

    def __init__(self, root: Value) -> None:
        self.nodes = dict.fromkeys(_below([root], _parts))
        del self.nodes[root]
        _groups.alive = [group for group in _groups.alive if group() is not None]
        _groups.alive.append(ref(self))

    def __reduce_ex__(self, _: object) -> tuple[object, ...]:
        """Reduce to a list, item by item."""
        return list, (), None, iter(self.nodes)


def _prepared(node: Value) -> bool:
    for found in _groups.alive:
        group = found()
        if group is not None and node in group.nodes:
            return True
    return False


def _stale_leaves(root: Value) -> list[Value]:
    """Return the leaves that were assigned after a node below the root used them: the copies shall be stale too."""
    found = {operand: None for node in _below([root], _parts) for operand in _parts(node) if operand._tick > node._tick}
    return sorted(found, key=_tick)


def reduce(self: Value, _: object) -> tuple[object, ...]:
    """Take a Value apart for `pickle`: this is `Value.__reduce_ex__`."""
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
    """Give a leaf attributes of its own, or make unpickled leaves as stale as they were: `Value.__setstate__`."""
    if self._pull is not None:
        for leaf in state:
            leaf._tick = next(clock)
        return
    attributes, slots = state
    for name, value in {**(attributes or {}), **slots}.items():
        setattr(self, name, value)


def shallow(self: Value) -> Value:
    """Return a Value with the same number, gradient, label and operands: `Value.__copy__`."""
    twin = _twin(self)
    if self._pull is None and (state := _extras(self)) is not None:
        restore(twin, state)
    return twin


def deep(self: Value, memo: dict[int, Any]) -> Value:
    """Return a copy of the Value and of all it was computed from: `Value.__deepcopy__`."""
    for node in _below([self], _parts):
        if id(node) in memo:
            continue
        memo[id(node)] = twin = _twin(node)
        if node._pull is not None:
            twin._x, twin._y = memo[id(node._x)], memo.get(id(node._y), ABSENT)
            if type(k := getattr(node, "_k", None)) is not float:
                twin._k = deepcopy(k, memo)
        elif (state := _extras(node)) is not None:
            restore(twin, deepcopy(state, memo))
    memo.setdefault(id(memo), []).append(self)  # where `deepcopy` keeps alive what the memo knows by its id
    copied: Value = memo[id(self)]
    return copied


def _twin(node: Value) -> Value:
    """Return a Value with the same slots; the same tick keeps the order, and stale operands stale."""
    twin = object.__new__(type(node))
    for name in Value.__slots__:
        if hasattr(node, name):
            setattr(twin, name, getattr(node, name))
    return twin


Value.__reduce_ex__ = reduce  # type: ignore[assignment,method-assign]
Value.__setstate__ = restore  # type: ignore[attr-defined]
Value.__copy__ = shallow  # type: ignore[attr-defined]
Value.__deepcopy__ = deep  # type: ignore[attr-defined]
