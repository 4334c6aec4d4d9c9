"""An origin is the line of code that made a Value; `origin` is a block in which every new Value keeps its own."""

from __future__ import annotations

from contextvars import ContextVar

from autograd_mini.blocks import Block
from autograd_mini.engine.forking import awaited_lock, in_child
from autograd_mini.engine.locations import trail, without_numpy
from autograd_mini.engine.value import leaf_watchers, watchers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Protocol

    from autograd_mini.engine.value import Value

    class Examiner(Protocol):
        """Who looks at numbers while a block of `anomaly` is on."""

        def look(self, node: Value, /) -> None:
            """Raise if the number of a new node is nan or infinite."""

        def sweep(self, nodes: Iterable[Value], /) -> None:
            """Run a backward pass, and raise where a gradient becomes nan or infinite."""

        def tangents(self, nodes: Iterable[Value], known: dict[Value, Any], /) -> None:
            """Raise if one of the tangents of a forward-mode pass is nan or infinite."""


class _State:
    """What is on: that lines are kept, who examines the numbers; by which kind of block; and what was on around it."""

    __slots__ = ("before", "examiner", "kind")

    def __init__(self, kind: type[Block], examiner: Examiner | None, before: _State | None) -> None:
        self.kind, self.examiner, self.before = kind, examiner, before


_state: ContextVar[_State | None] = ContextVar("autograd_mini_origin", default=None)
_lock = awaited_lock()
_blocks = 0  # in all threads and tasks together; while it is 0, new nodes are not looked at


def examiner() -> Examiner | None:
    """Return who examines the numbers of this thread, or task; None for nobody."""
    state = _state.get()
    return None if state is None else state.examiner


def _look(node: Value) -> Value:
    state = _state.get()
    if state is not None:
        node._origin = trail()
        if state.examiner is not None:
            state.examiner.look(node)
    return node


def _look_at_leaf(leaf: Value, event: str) -> None:
    if _state.get() is not None:
        leaf._origin = {**getattr(leaf, "_origin", {}), event: trail()}


def entered(kind: type[Block] = Block) -> int:
    """Return how many blocks of a kind this thread, or task, is in."""
    state, count = _state.get(), 0
    while state is not None:
        count += issubclass(state.kind, kind)
        state = state.before
    return count


def _alone() -> None:
    """Forget the blocks of threads that a fork has left behind."""
    global _blocks  # noqa: PLW0603 - counts over all threads
    _blocks = entered()
    if _look in watchers and not _blocks:
        _remove()


in_child(_alone)


def _remove() -> None:
    watchers.remove(_look)
    leaf_watchers.remove(_look_at_leaf)


class origin(Block):  # noqa: N801 - it reads as a keyword, as no_grad does
    """A block, or a function, in which every Value keeps the line of code that made it.

    Whatever has to do with such a Value can name that line: `place_of`, a `StaleValueError`, `doctor`, and the hover
    text of pictures. Of a leaf the last assignment of `data` is kept too. An operation takes some microseconds
    longer inside, and nothing outside. A copy keeps the line, a pickle does not.

    Blocks may be nested. Each holds for the thread, or the asyncio task, that entered it, as a context variable does;
    a thread started inside begins without, unless it runs in a copy of the context
    (`contextvars.copy_context().run`).

    >>> from autograd_mini import Value
    >>> from autograd_mini.diagnosis import place_of
    >>> with origin():
    ...     x = Value(2.0)
    ...     y = x * x
    >>> place_of(y)
    <place <doctest autograd_mini.diagnosis.origins.origin[2]>, line 3: "y = x * x">
    >>> x.data = 3.0
    >>> y.backward()
    Traceback (most recent call last):
    ...
    autograd_mini.errors.StaleValueError: Value(data=3.0) was assigned after Value(data=4.0) = mul(…), made in
    <doctest autograd_mini.diagnosis.origins.origin[2]>, line 3: "y = x * x", used it, so the gradient ...

    """

    def __enter__(self) -> None:
        """Begin to keep lines."""
        global _blocks  # noqa: PLW0603 - counts over all threads
        before = _state.get()
        without_numpy()
        with _lock:
            _blocks += 1
            if _blocks == 1:
                watchers.insert(0, _look)  # before `no_grad` makes a leaf of a node
                leaf_watchers.append(_look_at_leaf)
        _state.set(_State(type(self), self._examiner(examiner()), before))

    def __exit__(self, *error: object) -> None:
        """Go on as before."""
        global _blocks  # noqa: PLW0603 - counts over all threads
        state = _state.get()
        _state.set(state and state.before)
        with _lock:
            _blocks -= 1
            if _blocks == 0:
                _remove()

    def _examiner(self, around: Examiner | None) -> Examiner | None:
        """Return who is to examine the numbers inside, given who does around."""
        return around
