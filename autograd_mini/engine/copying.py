"""Copying, pickling and destroying a graph node by node, so that no depth of graph exhausts the stack.

`deepcopy` and `pickle` would follow the operands of a node down, recursing once a node. Here a copy goes through the
nodes in order of creation, each of which finds its operands in the memo. `pickle` is handed a node's ancestors first,
as a list to go through one by one, and its memo does the same. What is shared stays shared, between several results, a
model and its loss, or anything else that is copied together. A gradient that would be stale is stale in the copy.
"""

from __future__ import annotations

import sys
from collections import deque
from copy import deepcopy
from itertools import chain
from threading import local
from weakref import ref

from autograd_mini.engine.backward import subgraph
from autograd_mini.engine.graph import operands
from autograd_mini.engine.hooks import asked, on_leaf, on_read, show_leaf
from autograd_mini.engine.value import ABSENT, Computed, Leaf, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from autograd_mini.engine.rules import Rule

EARLIER = 2**62
"""What is taken off the ticks of unpickled nodes: they keep their order, and are older than all that is made here."""


def _parts(node: Value) -> list[Value]:
    """Return what a node refers to: its operands, and the hidden nodes of a call (see `transforms/custom.py`)."""
    if node._pull is None:
        return []
    return [*operands(node), node._x] if node._y is ABSENT else [*operands(node), node._x, node._y]


def _sorted(nodes: Iterable[Value]) -> list[Value]:
    """Return nodes so that operands stand before results: a leaf may be younger, if it was assigned since."""
    return sorted(nodes, key=lambda node: node._pull is not None)


_groups = local()
"""In `open` the ancestor lists that picklers under way in this thread are going through."""


class Ancestors:
    """The nodes below a result, which `pickle` goes through like the items of a list, operands before results."""

    __slots__ = ("__weakref__", "done", "nodes")

    def __init__(self, root: Value) -> None:
        self.nodes = dict.fromkeys(_sorted(subgraph([root], _parts)))
        del self.nodes[root]
        self.done: set[Value] = set()

    def __reduce_ex__(self, _: object) -> tuple[object, ...]:
        """Reduce to a list, item by item, and a mark at its end."""
        _groups.open = [found for found in getattr(_groups, "open", ()) if found() is not None] + [ref(self)]
        return list, (), None, chain(self.nodes, [_End(self)])


class _End:
    """Closes a list of ancestors when it is pickled itself."""

    __slots__ = ("group",)

    def __init__(self, group: Ancestors) -> None:
        self.group = group

    def __reduce__(self) -> tuple[object, ...]:
        _groups.open = [found for found in _groups.open if found() is not self.group]
        return bool, ()


def _prepared(node: Value) -> bool:
    """Note that a node is being pickled; return whether its operands have been in the same list."""
    prepared = False
    for found in getattr(_groups, "open", ()):
        group = found()
        if group is not None and node in group.nodes:
            prepared = prepared or group.done.issuperset(_parts(node))
            group.done.add(node)
    return prepared


def reduce(self: Value, _: object) -> tuple[object, ...]:
    """Take a Value apart for `pickle`: this is `Value.__reduce_ex__`."""
    if on_read:
        asked(self, "copying")
    common = (self._data, getattr(self, "_grad", None), self.label or None, self._tick)
    prepared = _prepared(self)
    if self._pull is None:
        return _leaf, (Value if type(self) is Leaf else type(self), *common), _extras(self)
    second = self._y if self._y is not ABSENT else None
    ancestors = None if prepared else Ancestors(self)
    return _computed, (ancestors, self._pull.rule, self._x, second, getattr(self, "_k", None), *common)


def _extras(leaf: Value) -> object:
    """Return what a leaf carries beyond a Value's own slots, for a subclass: None if there is nothing."""
    state = object.__getstate__(leaf)
    attributes, slots = state if isinstance(state, tuple) else (state, {})
    slots = {name: value for name, value in slots.items() if name not in Value.__slots__}
    return (attributes, slots) if attributes or slots else None


def _leaf(kind: type[Value], *common: Any) -> Value:
    leaf = object.__new__(Leaf if kind is Value else kind)
    leaf._pull = None
    return _filled(leaf, *common)


def _computed(_: object, rule: Rule, x: Value, y: Value | None, k: object, *common: Any) -> Value:
    node = Computed()
    node._pull = rule.pullback
    node._x, node._y, node._k = x, ABSENT if y is None else y, k
    return _filled(node, *common)


def _filled(value: Value, data: float, grad: float | None, label: str | None, tick: int) -> Value:
    value._data, value._grad, value._adjoint = data, grad, None
    value._tick = tick - EARLIER
    if label:
        value._label = label
    return value


def restore(self: Value, state: Any) -> None:
    """Give a leaf the attributes of its own: this is `Value.__setstate__`."""
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
    for node in _sorted(subgraph([self], lambda node: [] if id(node) in memo else _parts(node))):
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
    if on_read:
        asked(node, "copying")
    twin = object.__new__(type(node))
    for name in Value.__slots__:
        if hasattr(node, name):
            setattr(twin, name, getattr(node, name))
    if on_leaf:
        show_leaf(twin, "made")
    return twin


Value.__reduce_ex__ = reduce  # type: ignore[assignment,method-assign]
Value.__setstate__ = restore  # type: ignore[attr-defined]
Value.__copy__ = shallow  # type: ignore[attr-defined]
Value.__deepcopy__ = deep  # type: ignore[attr-defined]


_released: deque[object] = deque()
"""Operands of destroyed nodes that are still to be let go; not empty while a destructor is at it."""


def release_operands(node: Computed) -> None:
    """Let the operands of a node go one after the other: this is `Computed.__del__` where destructors must not nest.

    CPython keeps the destructors of a long chain from overflowing its stack. In WebAssembly it cannot, since it does
    not know how much of the browser's stack is left.

    """
    outermost = not _released
    _released.append(None)
    for slot in ("_x", "_y", "_k"):
        if (operand := getattr(node, slot, None)) is not None:
            _released.append(operand)
            setattr(node, slot, None)
    if outermost:
        del operand
        while len(_released) > 1:
            _released.pop()
        _released.clear()


if sys.platform == "emscripten":
    Computed.__del__ = release_operands  # type: ignore[attr-defined]
