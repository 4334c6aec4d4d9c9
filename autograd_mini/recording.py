"""Recording: whether operations remember their operands. `no_grad` pauses it, for one thread."""

from __future__ import annotations

from functools import wraps
from threading import Lock, local

from autograd_mini.value import Value, watchers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any


class _Pauses(local):
    """How many `no_grad` blocks this thread is in."""

    depth = 0


_pauses = _Pauses()
_lock = Lock()
_blocks = 0  # in all threads together; while it is 0, new nodes are not looked at


def _forget(node: Value) -> Value:
    """Replace a new node by a leaf with its number, in a thread that is paused."""
    return Value(node.data) if _pauses.depth else node


class no_grad:  # noqa: N801 - PyTorch's name for it
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

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with recording paused in every call, and in every step of a generator or coroutine."""
        kind = getattr(getattr(function, "__code__", None), "co_flags", 0)
        if kind & _ASYNC_GENERATOR:
            raise TypeError(
                f"no_grad() cannot pause recording in the asynchronous generator {function.__name__}: write "
                "`with no_grad():` inside it, around what shall not be recorded"
            )
        if kind & _COROUTINE:

            @wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                return await _Awaited(function(*args, **kwargs).__await__())

            return awaited

        @wraps(function)
        def paused(*args: Any, **kwargs: Any) -> Any:
            with no_grad():
                result = function(*args, **kwargs)
            return _stepped(result) if kind & _GENERATOR else result

        return paused


_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200  # inspect.CO_GENERATOR and so on, without inspect


def _stepped(inner: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Run a generator with recording paused in each of its steps, and not between them."""
    step, given = inner.send, None
    try:
        while True:
            with no_grad():
                item = step(given)
            try:
                step, given = inner.send, (yield item)
            except GeneratorExit:
                inner.close()
                raise
            except BaseException as error:  # noqa: BLE001 - thrown in from outside, for the generator to handle
                step, given = inner.throw, error
    except StopIteration as end:
        return end.value


class _Awaited:
    """What a paused coroutine waits for: its own steps, each with recording paused."""

    def __init__(self, steps: Generator[Any, Any, Any]) -> None:
        self.steps = steps

    def __await__(self) -> Generator[Any, Any, Any]:
        return _stepped(self.steps)


def is_recording() -> bool:
    """Return whether operations of this thread remember their operands."""
    return _pauses.depth == 0
