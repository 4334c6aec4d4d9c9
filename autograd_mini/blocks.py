"""A block that decorates functions too: a `with` statement around every call, generator step or coroutine step."""

from __future__ import annotations

from functools import wraps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any, Self, TypeVar, overload

    Function = TypeVar("Function", bound=Callable[..., Any])

_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200  # inspect.CO_GENERATOR and so on, without inspect


class Block:
    """The base of `no_grad`, `origin` and `anomaly`; a subclass says what happens on entering and leaving.

    One block may be entered again inside itself, so that it keeps no state of its own.
    """

    if TYPE_CHECKING:

        @overload
        def __new__(cls, function: Function, /) -> Function: ...  # type: ignore[misc]  # `@no_grad` alone
        @overload
        def __new__(cls, *args: Any, **settings: Any) -> Self: ...

    def __new__(cls, *args: Any, **settings: Any) -> Any:
        """Return a block, or, of a function alone, the function in a block: `@no_grad` without parentheses."""
        if len(args) == 1 and hasattr(args[0], "__code__") and not settings:
            return cls()(args[0])
        if (args or settings) and cls.__init__ is object.__init__:
            shown = ", ".join([*map(repr, args), *(f"{name}={value!r}" for name, value in settings.items())])
            raise TypeError(f"{cls.__name__}() takes no settings, or a function to decorate; got {shown}")
        return object.__new__(cls)

    def __enter__(self) -> None:
        """Begin."""
        raise NotImplementedError

    def __exit__(self, *error: object) -> None:
        """End."""
        raise NotImplementedError

    def __call__(self, function: Function) -> Function:
        """Return the function with every call, and every step of a generator or coroutine, inside this block."""
        kind = getattr(getattr(function, "__code__", None), "co_flags", 0)
        if kind & _ASYNC_GENERATOR:
            name = type(self).__name__
            raise TypeError(
                f"{name}() cannot decorate the asynchronous generator {function.__name__}: write `with {name}():` "
                "inside it, around what is meant"
            )
        if kind & _COROUTINE:

            @wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                return await _Awaited(self, function(*args, **kwargs).__await__())

            return awaited  # type: ignore[return-value]  # which has the function's signature

        @wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self:
                result = function(*args, **kwargs)
            return _stepped(self, result) if kind & _GENERATOR else result

        return inside  # type: ignore[return-value]  # which has the function's signature


def _stepped(block: Block, inner: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Run a generator with each of its steps inside the block, and not what happens between them."""
    step, given = inner.send, None
    try:
        while True:
            with block:
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
    """What a decorated coroutine waits for: its own steps, each inside the block."""

    def __init__(self, block: Block, steps: Generator[Any, Any, Any]) -> None:
        self.block, self.steps = block, steps

    def __await__(self) -> Generator[Any, Any, Any]:
        return _stepped(self.block, self.steps)
