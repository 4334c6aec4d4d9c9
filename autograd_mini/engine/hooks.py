"""A hook: what observes the engine, or replaces what it makes, while a block is on.

`no_grad`, `origin`, `anomaly`, the mutants of the checker and the tracer of compiled functions are hooks. A hook takes
part in the events whose methods it overrides, in the thread or asyncio task that entered it. While no hook takes part
in an event anywhere, the event costs the engine the test of an empty list.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import wraps
from operator import attrgetter
from types import coroutine

from autograd_mini.engine.forking import awaited_lock, holding, in_child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from typing import Any, Self, TypeVar, overload

    Function = TypeVar("Function", bound=Callable[..., Any])

    from autograd_mini.engine.value import Value

_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200  # inspect.CO_GENERATOR and so on, without inspect


class Hook:
    """The base of hooks: every event leaves things as they are.

    Attributes:
        rank: where the hook stands among others, the lowest first: what looks at a new node comes before what
            forgets its operands.
        everywhere: whether the hook is called in all threads while one is inside of its block.
        forgets: whether results become leaves, and nothing else happens to them.

    """

    rank = 1
    everywhere = False
    forgets = False

    def result(self, node: Value) -> Value:
        """Take a new result; return it, or the node that stands in its place."""
        return node

    def leaf(self, leaf: Value, event: str) -> None:
        """Take note of a leaf that was "made" or "assigned"."""

    def read(self, value: Value, what: str) -> None:
        """Take note that the number of a Value is asked for, by an expression such as ".data"."""

    def compare(self, name: str, x: Value, y: Value | float) -> Any:  # noqa: ARG002 - a hook may look at them
        """Return the condition that a comparison becomes; None for the truth value of the numbers."""
        return None

    def compared(self, name: str, x: Value, y: Value | float, *, held: bool) -> None:
        """Take note that numbers were compared, and of the answer."""

    def detach(self, value: Value) -> Value | None:  # noqa: ARG002 - as above
        """Return what `value.detach()` is; None for a leaf with the number."""
        return None

    def sweep(self, nodes: Iterable[Value]) -> bool:  # noqa: ARG002 - as above
        """Run a backward pass over nodes, newest first, and return True; or leave it to others and return False."""
        return False

    def tangents(self, nodes: Iterable[Value], known: dict[Value, Any]) -> None:
        """Take note of the tangents that a forward-mode pass on floats gave the nodes, oldest first."""

    def enter(self) -> None:
        """Turn the hook on in this thread or task; a hook may be on several times."""
        _list(self)
        _set([*_here.get(), [self]])

    def leave(self) -> None:
        """Turn it off again, once."""
        entries = _here.get()
        for entered in reversed(entries):
            if entered and entered[0] is self:
                entered.clear()
                break
        _set(entries)
        _unlist(self)


on_result: list[Hook] = []
on_leaf: list[Hook] = []
on_read: list[Hook] = []
on_compare: list[Hook] = []
on_pass: list[Hook] = []
"""The hooks that are on in any thread, by event."""

_EVENTS = {"result": on_result, "leaf": on_leaf, "read": on_read, "compared": on_compare, "sweep": on_pass}

_lock = awaited_lock()

_rank = attrgetter("rank")

_here: ContextVar[tuple[list[Hook], ...]] = ContextVar("autograd_mini_hooks", default=())
"""Each time that a hook was entered: a list of the hook, empty once it was left, wherever the context was handed on."""

_forgetting: ContextVar[Sequence[Hook]] = ContextVar("autograd_mini_forgetting", default=())

entered = _here.get
"""Return the entries of this thread or task, by rank: lists of a hook each, empty where it was left."""

forgetting = _forgetting.get
"""Return the first of the hooks of this thread or task if it forgets: then nothing else happens to results here."""

everywhere: list[Hook] = []
"""The hooks that are on in all threads."""


def here() -> tuple[Hook, ...]:
    """Return the hooks that are on in this thread or task, by rank, those entered first before others of their rank."""
    return tuple([hook for entered in _here.get() for hook in entered])


def _set(entries: Iterable[list[Hook]]) -> None:
    kept = sorted([entered for entered in entries if entered], key=lambda entered: entered[0].rank)
    _here.set(tuple(kept))
    _forgetting.set(kept[0] if kept and kept[0][0].forgets else ())


@holding(_lock)
def _list(hook: Hook) -> None:
    """Add a hook to those of the events that it takes part in."""
    for event, hooks in _EVENTS.items():
        if getattr(type(hook), event) is not getattr(Hook, event):
            hooks.append(hook)
    if hook.everywhere:
        everywhere.append(hook)


@holding(_lock)
def _unlist(hook: Hook) -> None:
    for hooks in (*_EVENTS.values(), everywhere):
        if at := [at for at, other in enumerate(hooks) if other is hook]:
            del hooks[at[-1]]


def current() -> tuple[Hook, ...]:
    """Return the hooks to call in this thread or task, by rank: those of `here`, and those on in all threads."""
    found = here()
    if not everywhere:
        return found
    elsewhere = [hook for hook in everywhere if hook not in found]  # asked once: other threads enter and leave hooks
    return tuple(sorted((*found, *elsewhere), key=_rank)) if elsewhere else found


def innermost(kind: type[Hook]) -> Hook | None:
    """Return the hook of a kind that was entered last in this thread or task; None if none is on."""
    for hook in reversed(here()):
        if isinstance(hook, kind):
            return hook
    return None


def show_leaf(leaf: Value, event: str) -> None:
    """Show a leaf that was "made" or "assigned" to the hooks."""
    for hook in current():
        hook.leaf(leaf, event)


def asked(value: Value, what: str) -> None:
    """Tell the hooks that the number of a Value is asked for as a plain float."""
    for hook in current():
        hook.read(value, what)


def is_recording() -> bool:
    """Return whether operations of this thread, or task, remember their operands.

    >>> with no_grad():
    ...     is_recording()
    False

    """
    return innermost(no_grad) is None


def is_tracing() -> bool:
    """Return whether this thread is tracing a function: whether it is told when a number is asked for."""
    return bool(on_read) and any(type(hook).read is not Hook.read for hook in here())


class Recorded:
    """A block that records even inside `no_grad`, which silences results alone; `were_on` is whether it was on."""

    were_on = False
    _before: tuple[list[Hook], ...]

    def __enter__(self) -> Self:
        self._before = _here.get()
        kept = [entered for entered in self._before if not isinstance(next(iter(entered), None), no_grad)]
        self.were_on = len(kept) < len(self._before)
        _set(kept)
        return self

    def __exit__(self, *error: object) -> None:
        _set(self._before)


def _alone() -> None:
    """Forget the hooks of threads that a fork has left behind."""
    for event, hooks in _EVENTS.items():
        hooks[:] = [hook for hook in here() if getattr(type(hook), event) is not getattr(Hook, event)]
    everywhere[:] = [hook for hook in here() if hook.everywhere]


in_child(_alone)


class Block(Hook):
    """A hook that is on in a `with` statement, or in a function that it decorates.

    There it is on around every call, and around every step of a generator or coroutine. `no_grad`, `origin` and
    `anomaly` are blocks. One may be entered again inside itself, so that it keeps no state of its own.
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
            raise TypeError(f"{cls.__name__}() is given {shown}, expected nothing, or a function to decorate")
        return object.__new__(cls)

    def __enter__(self) -> None:
        self.enter()

    def __exit__(self, *error: object) -> None:
        self.leave()

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
                return await _awaited(self, function(*args, **kwargs).__await__())

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


_awaited = coroutine(_stepped)


class no_grad(Block):  # noqa: N801 - PyTorch's name for it
    """A block, or a function, whose results remember nothing: leaves, that cost no memory and have no gradient.

    Blocks may be nested. Each holds for the thread, or the asyncio task, that entered it.

        >>> from autograd_mini import Value
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
        stopped = node.symbolic and node.op == "stop"  # what detaching makes of a symbol, a node that is to stay
        return node if stopped else node.detach()
