"""A guard: the question whether everything that a function read when it was traced is as it was then.

It is asked at every call, so it is a generated function of comparisons by identity. Where one fails, the numbers and
texts that are equal to those of then are taken for the same, and are what is compared with from then on. Places in
tracked objects, such as the weights of networks, are compared only when there is another version of these.
"""

from __future__ import annotations

from gc import get_referents
from math import copysign
from operator import is_
from types import MappingProxyType

from autograd_mini.compiler.dependencies import MISSING, Dependency, entries
from autograd_mini.compiler.llvm.fastcall import comparable, same_entries
from autograd_mini.engine.codegen import build
from autograd_mini.engine.versions import VERSION, TrackedList

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

SHORT = 8
"""Maximum entries of a container that are compared one by one, without a call."""

LONGEST = 4000
"""Maximum comparisons that are written out."""

MANY = 32
"""Minimum entries of lists that are worth machine code to compare them."""

_HASH: Any = object.__hash__
_LISTS = (list, TrackedList)
_NAMES: dict[str, object] = {"is_": is_, "entries": entries, "version": VERSION}

_COMPARISONS = """\
def {name}():
    try:
{lines}
    except (LookupError, ValueError, TypeError, AttributeError, RuntimeError): return False
    return {others}
"""

# The version is asked for before the comparisons, so that no change during these can be missed later.
_TRACKED = """
def tracked():
    global seen
    now = version[0]
    if not unchanged(): return False
    seen = now
    return True
"""


class Guard:
    """What was found at the places that a function reads.

    Args:
        found: the places, with what was found there.
        seen: the version of tracked objects then, see `engine.versions`.
        by_machine: whether there may be machine code for long lists, since what is guarded is machine code itself.

    Attributes:
        quick: a function that returns whether everything is the very same; None if there is nothing to compare. If
            it is not, `holds` may still find it equal.

    """

    def __init__(self, found: Sequence[Dependency], *, seen: object = None, by_machine: bool = False) -> None:
        self._found, self._seen = found, seen
        listed = sum(len(place.value) for place in found if _is_list(place))
        self._by_machine = by_machine and listed >= MANY and comparable()
        self._always = [(at, place) for at, place in enumerate(found) if not place.tracked]
        self._tracked = [(at, place) for at, place in enumerate(found) if place.tracked]
        self.quick = self._written() if found else None

    def holds(self) -> bool:
        """Return whether everything is equal to what it was; then `quick` holds from now on."""
        if self.quick is None or self.quick():
            return True
        try:
            now = [place.read() for place in self._found]
            if not all(_alike(place.value, value, place.kind) for place, value in zip(self._found, now, strict=True)):
                return False
        except Exception:  # noqa: BLE001 - of an object half way through a change
            return False
        for place, value in zip(self._found, now, strict=True):
            place.value = value
        self.quick.__globals__.update(self._scope())
        return True

    def _scope(self) -> dict[str, Any]:
        """Return what the generated functions refer to by name."""
        scope: dict[str, Any] = {"found": self._found}
        for at, place in enumerate(self._found):
            scope |= {f"h{at}": _behind(place.holder), f"k{at}": place.key, f"v{at}": place.value}
            if place.kind == "entries":
                scope |= {f"v{at}_{index}": entry for index, entry in enumerate(place.value[:SHORT])}
            elif place.kind == "array":
                scope |= dict(zip((f"t{at}", f"s{at}", f"v{at}"), place.value, strict=True))
        for name, places in (("guard", self._always), ("unchanged", self._tracked)):
            scope[f"{name}_places"] = [place for _, place in places]
            together = [place for _, place in places if self._together(place)]
            if self._by_machine:
                scope[f"{name}_lists"] = self._lists(f"{name}_lists", together)
            else:
                scope[f"{name}_hash"] = hash(tuple([part for place in together for part in (*place.value, 0)]))
        return scope

    def _lists(self, name: str, places: Sequence[Dependency]) -> Callable[[], bool]:
        """Return what compares lists; there is machine code for it from its first call on."""
        lists = [(place.holder, place.value) for place in places]

        def compare() -> bool:
            made = same_entries(lists)
            if self.quick is not None and self.quick.__globals__[name] is compare:
                self.quick.__globals__[name] = made
            return made()

        return compare

    def _written(self) -> Callable[[], bool]:
        if self._tracked:
            text = self._comparisons("guard", self._always, others="version[0] is seen or tracked()")
            text += _TRACKED + self._comparisons("unchanged", self._tracked)
        else:
            text = self._comparisons("guard", self._always)
        scope = {**_NAMES, "same": _same, "seen": self._seen, **self._scope()}
        quick: Callable[[], bool] = build("guard", text, scope)["guard"]
        return quick

    def _comparisons(self, name: str, places: Sequence[tuple[int, Dependency]], others: str = "True") -> str:
        """Write a function that returns whether places hold the very same, and others do."""
        lines = [
            f"        if {self._difference(at, place)}: return False"
            for at, place in places
            if not self._together(place)
        ]
        if len(lines) > LONGEST:
            lines = [f"        if not all([same(place) for place in {name}_places]): return False"]
        lists = [f"*h{at}, 0" for at, place in places if self._together(place)]
        if lists and self._by_machine:
            lines.append(f"        if not {name}_lists(): return False")
        elif lists:
            lines.append(f"        if hash(({', '.join(lists)},)) != {name}_hash: return False")
        return _COMPARISONS.format(name=name, lines="\n".join(lines or ["        pass"]), others=others)

    def _together(self, place: Dependency) -> bool:
        """Return whether a place is compared together with others."""
        return _is_list(place) if self._by_machine else _by_identity(place)

    @staticmethod
    def _difference(at: int, place: Dependency) -> str:
        """Write the condition that a place has changed."""
        if place.kind == "item":
            key = repr(place.key) if type(place.key) is str and place.key.isidentifier() else f"k{at}"
            return f"{key} in h{at}" if place.value is MISSING else f"h{at}[{key}] is not v{at}"
        if place.kind == "cell":
            return f"h{at}.cell_contents is not v{at}" if place.value is not MISSING else f"not same(found[{at}])"
        if place.kind == "attribute":
            return f"h{at}.{place.key} is not v{at}" if place.value is not MISSING else f"not same(found[{at}])"
        if place.kind == "array":
            size = f" or h{at}.tobytes() != v{at}" if place.value[2] else ""
            return f"h{at}.shape != s{at} or h{at}.dtype.str != t{at}{size}"
        if place.kind == "entries":
            count = len(place.value)
            if _is_list(place) and count <= SHORT:
                return " or ".join(
                    [f"len(h{at}) != {count}", *[f"h{at}[{index}] is not v{at}_{index}" for index in range(count)]]
                )
            if _is_list(place):
                return f"len(h{at}) != {count} or not all(map(is_, h{at}, v{at}))"
            return f"len(now := entries(h{at})) != {count} or not all(map(is_, now, v{at}))"
        return f"bytes(h{at}) != v{at}"


def _behind(holder: Any) -> Any:
    """Return the dict behind the `__dict__` of a class, which is quicker to ask; anything else as it is."""
    if type(holder) is not MappingProxyType:
        return holder
    found = [held for held in get_referents(holder) if type(held) is dict]
    return found[0] if len(found) == 1 else holder  # none where the interpreter keeps it otherwise


def _is_list(place: Dependency) -> bool:
    return place.kind == "entries" and type(place.holder) in _LISTS


def _by_identity(place: Dependency) -> bool:
    """Return whether a container is a list of objects that hash by identity, such as Values.

    The hash of a tuple of them tells apart any two that differ in one entry, and others but once in 2**64 times; it
    takes a third of the time of comparing one by one.
    """
    return _is_list(place) and len(place.value) > 1 and all(_HASH is type(entry).__hash__ for entry in place.value)


def _same(place: Dependency) -> bool:
    """Return whether a place holds the very same as then."""
    now = place.read()
    if place.kind == "entries":
        return len(now) == len(place.value) and all(map(is_, now, place.value))
    return now is place.value if place.kind in {"item", "cell", "attribute"} else bool(now == place.value)


def _alike(then: Any, now: Any, kind: str = "") -> bool:
    """Return whether two things are the same, or equal numbers, texts or tuples of them, of one type."""
    if then is now:
        return True
    if type(then) is not type(now):
        return False
    if isinstance(then, float):
        return then == now and copysign(1.0, then) == copysign(1.0, now) if then == then else now != now  # noqa: PLR0124 - nan
    if isinstance(then, complex):
        return _alike(then.real, now.real) and _alike(then.imag, now.imag)
    if type(then) in {int, bool, str, bytes, range}:
        return bool(then == now)
    if type(then) is tuple:
        return len(then) == len(now) and all(map(_alike, then, now))
    if type(then).__module__ == "numpy" and not hasattr(then, "__setitem__"):
        return bool(then.tobytes() == now.tobytes())
    return kind in {"array", "buffer"} and bool(then == now)
