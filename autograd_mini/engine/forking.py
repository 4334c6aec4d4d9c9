"""A fork: a copy of the process in which only the thread that asked for it goes on.

A lock that another thread holds at that moment would stay locked in the child for good. So a fork waits for the locks
made here, which also means that what they guard, such as the gradients of a backward pass, is whole in the child; locks
of single objects are made anew there, and threads that are gone are forgotten.
"""

from __future__ import annotations

import os
from functools import wraps
from threading import RLock
from weakref import WeakSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")

_locks: list[Any] = []
"""In the order in which a thread may take one while it holds another: that of the imports."""

_taken: list[Any] = []
"""Those that the fork under way holds."""

_owners: WeakSet[Any] = WeakSet()
_recoveries: list[Callable[[], object]] = []


def awaited_lock(lock: Any = None) -> Any:
    """Return a lock, new or given, for which every fork waits; its holder may take later ones, and no earlier."""
    lock = RLock() if lock is None else lock
    _locks.append(lock)
    return lock


def holding(lock: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator: the function runs while the lock is held, which is free afterwards whatever interrupts it.

    A `with` statement alone does not see to that: from Python 3.12 on, Ctrl-C may arrive when the lock is taken and the
    block has not begun.
    """

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def held(*args: P.args, **kwargs: P.kwargs) -> R:
            outer = lock._is_owned()
            try:
                with lock:
                    return function(*args, **kwargs)
            finally:
                while not outer and lock._is_owned():
                    lock.release()

        return held

    return decorated


def holding_own(method: Callable[P, R]) -> Callable[P, R]:
    """Return a method that runs while the `_lock` of its object is held, in the way of `holding`."""

    @wraps(method)
    def held(*args: P.args, **kwargs: P.kwargs) -> R:
        owner: Any = args[0]
        return holding(owner._lock)(method)(*args, **kwargs)

    return held


def own_lock(owner: object) -> Any:
    """Return a lock for the attribute `_lock` of an object, which has another one in every child."""
    _owners.add(owner)
    return RLock()


def in_child(recover: Callable[[], object]) -> None:
    """Call a function in every child, before anything else runs there."""
    _recoveries.append(recover)


def _before() -> None:
    for lock in tuple(_locks):
        lock.__enter__()
        _taken.append(lock)


def _after_in_parent() -> None:
    while _taken:
        _taken.pop().__exit__(None, None, None)


def _after_in_child() -> None:
    for owner in list(_owners):
        owner._lock = RLock()
    for recover in _recoveries:
        recover()
    _after_in_parent()


if hasattr(os, "register_at_fork"):  # where processes can fork
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
