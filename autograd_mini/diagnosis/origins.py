"""An origin is the line of code that made a Value; `origin` is a block in which every new Value keeps its own."""

from __future__ import annotations

from autograd_mini.blocks import Block
from autograd_mini.engine.hooks import Hook, innermost
from autograd_mini.engine.locations import trail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.engine.value import Value


class origin(Block, Hook):  # noqa: N801 - it reads as a keyword, as no_grad does
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
        self.enter()

    def __exit__(self, *error: object) -> None:
        """Go on as before."""
        self.leave()

    def result(self, node: Value) -> Value:
        """Keep the line that made a node."""
        if self is innermost(origin):
            node._origin = trail()
        return node

    def leaf(self, leaf: Value, event: str) -> None:
        """Keep the line that made or assigned a leaf."""
        if self is innermost(origin):
            leaf._origin = {**getattr(leaf, "_origin", {}), event: trail()}
