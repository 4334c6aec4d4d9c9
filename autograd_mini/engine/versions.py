"""A version: an object that stands for the state of all tracked objects; each of their changes puts another in place.

Whoever keeps what it found in tracked objects compares the version alone, and looks again only when it is another.
Tracked are the classes that `tracked` decorates, though not their subclasses, and lists of the class `TrackedList`.
They announce assignments and deletions by Python's syntax and by their own methods, not what is written into an
object's `__dict__`, or through `object.__setattr__` and `list.append`.
"""

from __future__ import annotations

from functools import wraps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Kind = TypeVar("Kind", bound=type)

VERSION = [object()]
"""The version now, its only entry: a new object is stored in one step, which a count is not."""

_CLASSES: set[type] = set()


class TrackedList(list):  # type: ignore[type-arg]  # of anything
    """A list whose changes make another version. A slice or a copy is a plain list, a deep copy is tracked too."""

    __slots__ = ()

    def __copy__(self) -> list[Any]:
        """Return a plain list, as `copy()` does."""
        return [*self]


def _announcing(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def changing(self: TrackedList, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        finally:  # extend() may fail half way
            VERSION[0] = object()

    return changing


for _name in (
    *("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse"),
    *("__init__", "__setitem__", "__delitem__", "__iadd__", "__imul__"),
):
    setattr(TrackedList, _name, _announcing(getattr(list, _name)))


def tracked(kind: Kind) -> Kind:
    """Let every assignment and deletion of an attribute of a class's instances make another version."""
    base: Any = kind

    def assign(self: Any, name: str, value: Any) -> None:
        super(base, self).__setattr__(name, value)
        VERSION[0] = object()

    def delete(self: Any, name: str) -> None:
        super(base, self).__delattr__(name)
        VERSION[0] = object()

    setattr(kind, "__setattr__", assign)  # noqa: B010 - a type checker would take any attribute for assignable
    setattr(kind, "__delattr__", delete)  # noqa: B010
    _CLASSES.add(kind)
    return kind


def is_tracked(thing: object) -> bool:
    """Return whether all changes of an object make another version."""
    return type(thing) is TrackedList or type(thing) in _CLASSES
