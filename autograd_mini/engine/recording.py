"""Recording: whether operations remember their operands. `no_grad` pauses it, for one thread or asyncio task."""

from __future__ import annotations

from autograd_mini.engine.hooks import Block, Without, innermost
from autograd_mini.engine.value import Value


class no_grad(Block):  # noqa: N801 - PyTorch's name for it
    """A block, or a function, whose results remember nothing: leaves, that cost no memory and have no gradient.

    Blocks may be nested. Each holds for the thread, or the asyncio task, that entered it.

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

    rank = 2
    forgets = True

    def result(self, node: Value) -> Value:
        """Make a leaf of a new node."""
        if node.symbolic:  # detaching makes a node itself, which is to stay
            return node if node.op == "stop" else node.detach()
        return Value(node.data)


def is_recording() -> bool:
    """Return whether operations of this thread, or task, remember their operands.

    >>> with no_grad():
    ...     is_recording()
    False

    """
    return innermost(no_grad) is None


class Recorded(Without):
    """A block that records even inside `no_grad`: that silences a transform's results, not its own work."""

    kind = no_grad
