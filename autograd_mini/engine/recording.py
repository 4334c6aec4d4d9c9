"""Recording: whether operations remember their operands. `no_grad` pauses it, for one thread."""

from __future__ import annotations

from threading import local

from autograd_mini.blocks import Block
from autograd_mini.engine.forking import awaited_lock, in_child
from autograd_mini.engine.value import ABSENT, Value, leaf_watchers, traces, watchers


class _Pauses(local):
    """How many `no_grad` blocks this thread is in."""

    depth = 0


_pauses = _Pauses()
_lock = awaited_lock()
_blocks = 0  # in all threads together; while it is 0, new nodes are not looked at


def _forget(node: Value) -> Value:
    """Make a leaf of a new node, in a thread that is paused."""
    if not _pauses.depth:
        return node
    if node.symbolic:  # detaching makes a node itself, which is to stay
        return node if node.op == "stop" else node.detach()
    if leaf_watchers or traces:
        return Value(node.data)
    node.__class__ = Value
    node._pull = node._grad = None
    node._x = node._y = ABSENT
    node._k = None
    return node


def _alone() -> None:
    """Forget the blocks of threads that a fork has left behind."""
    global _blocks  # noqa: PLW0603 - counts over all threads
    _blocks = _pauses.depth
    if _forget in watchers and not _blocks:
        watchers.remove(_forget)


in_child(_alone)


class no_grad(Block):  # noqa: N801 - PyTorch's name for it
    """A block, or a function, whose results remember nothing: leaves, that cost no memory and have no gradient.

    Blocks may be nested, and each thread has its own.

        >>> x = Value(3.0)
        >>> with no_grad():
        ...     y = x * x
        >>> y.args
        ()
        >>> @no_grad()
        ... def square(x):
        ...     return x * x
        >>> square(x).args
        ()

    """

    def __enter__(self) -> None:
        """Pause recording."""
        global _blocks  # noqa: PLW0603 - counts over all threads
        with _lock:
            _pauses.depth += 1
            _blocks += 1
            if _blocks == 1:
                watchers.append(_forget)

    def __exit__(self, *error: object) -> None:
        """Resume recording as it was before the block."""
        global _blocks  # noqa: PLW0603 - counts over all threads
        with _lock:
            _pauses.depth -= 1
            _blocks -= 1
            if _blocks == 0:
                watchers.remove(_forget)


def is_recording() -> bool:
    """Return whether operations of this thread remember their operands."""
    return _pauses.depth == 0
