"""A guard: the question whether everything that a function read when it was traced is as it was then.

It is asked at every call, so it is a generated function of comparisons by identity. Where one fails, the numbers and
texts that are equal to those of then are taken for the same, and are what is compared with from then on.
"""

from __future__ import annotations

from math import copysign
from operator import is_

from autograd_mini.compiler.dependencies import MISSING, Dependency, entries
from autograd_mini.engine.codegen import build

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

SHORT = 8
"""Maximum entries of a container that are compared one by one, without a call."""

LONGEST = 4000
"""Maximum comparisons that are written out."""

_HASH: Any = object.__hash__
_NAMES: dict[str, object] = {"is_": is_, "MISSING": MISSING, "entries": entries}


class Guard:
    """What was found at the places that a function reads.

    Args:
        found: the places, with what was found there.

    Attributes:
        quick: a function that returns whether everything is the very same; None if there is nothing to compare. If
            it is not, `holds` may still find it equal.

    """

    def __init__(self, found: Sequence[Dependency]) -> None:
        self._found = found
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
        """Return what the generated function refers to by name."""
        scope: dict[str, Any] = {}
        hashed: list[object] = []
        for at, place in enumerate(self._found):
            scope |= {f"h{at}": place.holder, f"k{at}": place.key, f"v{at}": place.value}
            if place.kind == "entries":
                scope |= {f"v{at}_{index}": entry for index, entry in enumerate(place.value[:SHORT])}
                if _by_identity(place):
                    hashed += (*place.value, 0)
            elif place.kind == "array":
                scope |= dict(zip((f"t{at}", f"s{at}", f"v{at}"), place.value, strict=True))
        return {**scope, "hashed": hash(tuple(hashed)), "found": self._found}

    def _written(self) -> Callable[[], bool]:
        lines = [
            f"        if {self._difference(at, place)}: return False"
            for at, place in enumerate(self._found)
            if not _by_identity(place)
        ]
        if len(lines) > LONGEST:
            lines = ["        if not all([same(place) for place in found]): return False"]
        lists = [f"*h{at}, 0" for at, place in enumerate(self._found) if _by_identity(place)]
        if lists:
            lines.append(f"        if hash(({', '.join(lists)},)) != hashed: return False")
        text = "\n".join(
            [
                "def guard():",
                "    try:",
                *lines,
                "    except (LookupError, ValueError, TypeError, AttributeError, RuntimeError): return False",
                "    return True",
                "",
            ]
        )
        quick: Callable[[], bool] = build("guard", text, {**_NAMES, "same": _same, **self._scope()})["guard"]
        return quick

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
            if type(place.holder) is list and count <= SHORT:
                return " or ".join(
                    [f"len(h{at}) != {count}", *[f"h{at}[{index}] is not v{at}_{index}" for index in range(count)]]
                )
            if type(place.holder) is list:
                return f"len(h{at}) != {count} or not all(map(is_, h{at}, v{at}))"
            return f"len(now := entries(h{at})) != {count} or not all(map(is_, now, v{at}))"
        return f"bytes(h{at}) != v{at}"


def _by_identity(place: Dependency) -> bool:
    """Return whether a container is a list of objects that hash by identity, such as Values.

    The hash of a tuple of them tells apart any two that differ in one entry, and others but once in 2**64 times; it
    takes a third of the time of comparing one by one.
    """
    return (
        place.kind == "entries"
        and type(place.holder) is list
        and len(place.value) > 1
        and all(_HASH is type(entry).__hash__ for entry in place.value)
    )


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
