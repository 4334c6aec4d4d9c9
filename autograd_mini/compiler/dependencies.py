"""Dependencies: what a function reads beside its arguments, found in its code and in the objects that the code reaches.

The code says which globals, closure cells and attribute names it reads. From the objects in these globals and cells
everything is reached that these attribute names, and entries of containers, lead to, methods and their code included.
So a dependency too many may be found, where two objects have attributes of one name, and few are missed: attributes
whose names are computed are covered by taking all of them, but not what `globals()`, the operating system or a
generator of random numbers would answer.
"""

from __future__ import annotations

import builtins
import re
import sys
from collections import Counter, deque
from functools import partial
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)

from autograd_mini.compiler.names_read import NETWORKS, is_library, is_library_class, names_read
from autograd_mini.engine.value import Value
from autograd_mini.engine.versions import VERSION, is_tracked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

ATOMS = (float, int, str, bytes, complex, range, type(None), type(...), type(NotImplemented))
"""Types without parts that could change."""

LONGEST_ARRAY = 2**17
"""Maximum entries of an array that are compared; of a longer one only dtype and shape are."""

MOST = 50_000
"""Maximum entries of containers, over all of them."""

MOST_OBJECTS = 10_000
"""Maximum objects that are looked at, Values aside."""

NOT_CALLED = {
    *("__init__", "__new__", "__post_init__", "__init_subclass__", "__class_getitem__"),
    *("__repr__", "__str__", "__format__", "__getstate__", "__setstate__"),
    *("__reduce__", "__reduce_ex__", "__copy__", "__deepcopy__", "__del__"),
    *("__setattr__", "__delattr__", "__dir__", "__sizeof__", "__replace__"),
}
"""Special methods that computing with an object does not call."""

_VARIABLE = re.compile(r"\w+")

MISSING: Any = type("Missing", (), {"__repr__": lambda _: "missing", "__slots__": ()})()
"""What stands for an entry that is not there."""


class Dependency:
    """One place that is read, and what was found there.

    Attributes:
        kind: "item" of a mapping, "cell", "attribute", "entries" of a container, "array" or "buffer".
        holder: the mapping, cell, object, container or array; `key` is that of the item or the attribute.
        value: what was found.
        name: the expression that leads there.
        tracked: whether a change there makes another version; see `engine.versions`.

    """

    __slots__ = ("holder", "key", "kind", "name", "tracked", "value")

    def __init__(self, kind: str, holder: Any, key: Any, name: str, *, tracked: bool) -> None:
        self.kind, self.holder, self.key, self.name, self.tracked = kind, holder, key, name, tracked
        self.value = self.read()

    def read(self) -> Any:
        """Return what is there now."""
        return _READERS[self.kind](self.holder, self.key)


def contents(cell: CellType) -> Any:
    """Return what a closure's cell holds."""
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


def entries(container: Any) -> tuple[Any, ...]:
    """Return the entries of a container; of a dict its keys, then its values."""
    if isinstance(container, dict):
        return (*container, *container.values())
    return tuple(container.ravel().tolist()) if hasattr(container, "ravel") else tuple(container)


def _array_contents(array: Any, _: object) -> tuple[str, tuple[int, ...], bytes]:
    return array.dtype.str, array.shape, array.tobytes() if array.size <= LONGEST_ARRAY else b""


_READERS: dict[str, Callable[[Any, Any], Any]] = {
    "item": lambda mapping, key: mapping.get(key, MISSING),
    "cell": lambda cell, _: contents(cell),
    "attribute": lambda thing, key: getattr(thing, key, MISSING),
    "entries": lambda container, _: entries(container),
    "array": _array_contents,
    "buffer": lambda buffer, _: bytes(buffer),
}


class Dependencies:
    """Everything that functions and objects, given by name, read; see the module.

    Attributes:
        found: the places.
        version: that of tracked objects before they were looked at.
        unwatched: what could not be compared, and why.

    """

    def __init__(self, roots: Iterable[tuple[str, Any]]) -> None:
        self.version = VERSION[0]
        self.found: list[Dependency] = []
        self.unwatched: list[str] = []
        self._names: dict[str, None] = {}  # of attributes that are read
        self._asked: set[str] = set()  # of attributes that code asks for and does without
        self._all = self._matches = self._full = False
        self._seen: dict[int, Any] = {}
        self._places: set[tuple[int, Any]] = set()
        self._codes: set[tuple[int, int]] = set()
        self._open: list[tuple[str, Any]] = [*roots]
        self._objects: list[tuple[str, Any, Any, set[str]]] = []  # a name, an object, its dict, names looked up
        self._classes: dict[type, set[str]] = {}
        self._libraries: set[type] = set()  # classes of libraries alone
        self._bare: set[type] = set()  # of these the ones whose objects have nothing to look up
        self._known = (0, False, 0)  # how many names and objects there were when attributes were last looked up
        self._room = MOST
        while self._open or self._more():
            while self._open:
                name, thing = self._open.pop()
                self._visit(name, thing)

    def counts(self) -> dict[str, int]:
        """Return at how many places below each variable something is read, by the variable's name."""
        return dict(Counter([match[0] for place in self.found if (match := _VARIABLE.match(place.name))]))

    # --- what is reached ---

    def _visit(self, name: str, thing: Any) -> None:  # noqa: C901, PLR0912 - one branch a kind of object
        kind = type(thing)
        if kind in ATOMS or id(thing) in self._seen:
            return
        if len(self._seen) >= MOST_OBJECTS and not isinstance(thing, Value):
            if not self._full:
                self.unwatched.append(f"{_short(name)} and beyond: more than {MOST_OBJECTS} objects are reached")
            self._full = True
            return
        self._seen[id(thing)] = thing  # kept, so that no other object gets its id meanwhile
        if kind in self._bare:
            return
        name = _short(name)
        if isinstance(thing, Value):
            if not thing.symbolic:
                self._object(name, thing)
        elif kind is FunctionType:
            self._function(name, thing)
        elif kind is MethodType:
            self._open += [(f"{name}.__self__", thing.__self__), (name, thing.__func__)]
        elif kind is BuiltinFunctionType:
            if not isinstance(thing.__self__, (ModuleType, type)):
                self._open.append((f"{name}.__self__", thing.__self__))
        elif isinstance(thing, partial):
            self._open += [(name, thing.func), (f"{name}.args", thing.args), (f"{name}.keywords", thing.keywords)]
            self._object(name, thing)
        elif isinstance(thing, ModuleType):
            if not is_library(getattr(thing, "__file__", None), thing.__name__):
                self._objects.append((name, thing, vars(thing), set()))
        elif isinstance(thing, type):
            self._class(thing, called=True)
        elif isinstance(thing, (property, classmethod, staticmethod)):
            self._open.append((name, thing.fget if isinstance(thing, property) else thing.__func__))
        elif isinstance(thing, (list, tuple, dict, set, frozenset, deque)):
            self._container(name, thing)
        elif (numpy := sys.modules.get("numpy")) is not None and isinstance(thing, numpy.ndarray):
            self._array(name, thing)
        elif isinstance(thing, bytearray) or (kind.__module__ == "array" and kind.__name__ == "array"):
            self._note("buffer", thing, None, name)
        else:
            self._other(name, thing)

    def _other(self, name: str, thing: Any) -> None:
        """Visit an object of a class of its own."""
        kind = type(thing)
        if kind.__module__ == "autograd_mini.compiler.compiled_function":  # which is called as it was written
            self._open.append((name, thing._programs._f))
            return
        if kind.__module__ == "operator" and hasattr(thing, "__reduce__"):  # attrgetter("k") names what it reads
            self._read({part for given in thing.__reduce__()[1] if isinstance(given, str) for part in given.split(".")})
        for part in ("__wrapped__", "func"):  # of lru_cache and of cached_property
            held = getattr(thing, part, None) if kind.__module__ == "functools" else None
            if held is not None:
                self._open.append((name, held))
        if is_library_class(kind) and (hasattr(kind, "__array__") or hasattr(kind, "__setitem__")):
            self.unwatched.append(f"{name}: a {kind.__module__}.{kind.__qualname__}, whose entries are not compared")
        self._object(name, thing)

    def _object(self, name: str, thing: Any) -> None:
        """Visit the class of an object, and let its attributes be looked up."""
        kind = type(thing)
        try:
            held = object.__getattribute__(thing, "__dict__")
        except AttributeError:
            held = None
        held = held if isinstance(held, dict) else None
        self._class(kind, called=False)
        library = kind in self._libraries or is_library_class(kind)
        if held is not None or not library:
            self._objects.append((name, thing, held, set()))
        elif isinstance(thing, Value):
            self._bare.add(kind)
        if not library and not isinstance(thing, (Value, BaseException)):
            self._note("attribute", thing, "__class__", f"{name}.__class__")

    def _container(self, name: str, thing: Any) -> None:
        size = len(thing) * (2 if isinstance(thing, dict) else 1)
        if size > self._room:
            self.unwatched.append(f"{name}: {len(thing)} entries, which are too many to compare")
            return
        self._room -= size
        if not isinstance(thing, (tuple, frozenset)):
            self._note("entries", thing, None, name)
        pairs: Iterable[tuple[Any, Any]] = [*(thing.items() if isinstance(thing, dict) else enumerate(thing))]
        if isinstance(thing, dict):
            self._open += [(f"{name}'s key", key) for key in thing if type(key) not in ATOMS]
        self._open += [(f"{name}[{at!r}]", held) for at, held in pairs if type(held) not in ATOMS]
        if type(thing) not in {list, tuple, dict, set, frozenset, deque}:
            self._object(name, thing)

    def _array(self, name: str, thing: Any) -> None:
        if thing.dtype.kind == "O":
            if thing.size > self._room:
                self.unwatched.append(f"{name}: {thing.size} entries, which are too many to compare")
                return
            self._room -= thing.size
            self._note("entries", thing, None, name)
            self._open += [(f"{name}.flat[{at}]", held) for at, held in enumerate(thing.ravel().tolist())]
            return
        if thing.size > LONGEST_ARRAY:
            self.unwatched.append(f"{name}: an array of {thing.size} numbers, which are too many to compare")
        self._note("array", thing, None, name)

    # --- code ---

    def _function(self, name: str, f: FunctionType) -> None:
        file = f.__code__.co_filename  # of a generated function the module says more
        library = is_library_class(f) if file == "<string>" else is_library(file, "")
        for part in ("__defaults__", "__kwdefaults__"):
            if (given := getattr(f, part)) is not None:
                if not library:
                    self._note("attribute", f, part, f"{name}.{part}")
                self._open.append((f"{name}.{part}", given))
        for variable, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
            if not library:
                self._note("cell", cell, None, variable)
            self._open.append((variable, contents(cell)))
        if not library:
            self._note("attribute", f, "__code__", f"{name}.__code__")
            self._code(f.__code__, f.__globals__)
        elif file.startswith(NETWORKS):
            self._read(name for kind, name in names_read(f.__code__) if kind in {"attribute", "asked"})
        if f.__dict__:
            self._objects.append((name, f, f.__dict__, set()))
            if "__wrapped__" in f.__dict__:
                self._open.append((name, f.__dict__["__wrapped__"]))

    def _code(self, code: CodeType, scope: dict[str, Any]) -> None:
        if (id(code), id(scope)) in self._codes:
            return
        self._codes.add((id(code), id(scope)))
        package = scope.get("__package__") or ""
        for kind, name in names_read(code):
            if (
                kind == "global"
            ):  # a built-in is taken to keep its meaning: asking for each would cost as much as a call
                if name in scope or not hasattr(builtins, name):
                    self._note("item", scope, name, name)
                    self._open.append((name, scope.get(name)))
            elif kind == "module":
                for module in {f"{package}.{name}".strip("."), name} & sys.modules.keys():
                    self._note("item", sys.modules, module, f"sys.modules[{module!r}]")
                    self._open.append((module, sys.modules[module]))
            elif kind == "lookup":
                self.unwatched.append(f"{name}() in {code.co_qualname}, which may look anything up")
            else:
                self._all, self._matches = self._all or kind == "all", self._matches or kind == "match"
                self._read([name] if name else ())
                if kind == "asked":
                    self._asked.add(name)

    def _read(self, names: Iterable[str]) -> None:
        self._names.update(dict.fromkeys(names))

    # --- attributes ---

    def _more(self) -> bool:
        """Look up, in all objects and classes, the attributes that have come to be read; return whether there were."""
        for kind in [*self._classes]:
            wanted = self._names.keys() - self._classes[kind]
            self._classes[kind] |= wanted
            for attribute in sorted(wanted):
                self._of_class(kind, attribute)
        # Without new names only new objects have anything to look up: a long chain takes a round for each of its links.
        known, self._known = self._known, (len(self._names), self._all, len(self._objects))
        start = known[2] if known[:2] == self._known[:2] else 0
        for name, thing, held, looked_up in self._objects[start:]:
            wanted = self._names.keys() - looked_up
            if not held and type(thing) not in self._classes:  # such as a Value: it is but asked for what it lacks
                wanted &= self._asked
            if self._all and held is not None and not (isinstance(thing, ModuleType) or is_library_class(type(thing))):
                wanted |= held.keys() - looked_up
            looked_up.update(wanted)
            for attribute in sorted([name for name in wanted if isinstance(name, str)]):
                self._attribute(name, thing, held, attribute)
        return bool(self._open)

    def _attribute(self, name: str, thing: Any, held: dict[str, Any] | None, attribute: str) -> None:
        place = f"{name}.{attribute}"
        classes = () if isinstance(thing, (ModuleType, FunctionType)) else type(thing).__mro__
        in_class: Any = next((vars(c)[attribute] for c in classes if attribute in vars(c)), MISSING)
        if isinstance(in_class, MemberDescriptorType):
            if not isinstance(thing, Value) and not is_library_class(type(thing)):
                self._note("attribute", thing, attribute, place)
                self._open.append((place, getattr(thing, attribute, None)))
        elif held is None or isinstance(in_class, property):
            return
        elif attribute in held:
            if not isinstance(held[attribute], Value) or not held[attribute].symbolic:
                self._note("item", held, attribute, place, of=thing)
                self._open.append((place, held[attribute]))
        elif (in_class is not MISSING and type(thing) in self._classes) or attribute in self._asked:
            self._note("item", held, attribute, place, of=thing)

    def _class(self, kind: type, *, called: bool) -> None:
        """Visit the special methods of a class; of one that is called itself also those that make an object."""
        if kind in self._libraries or (kind in self._classes and not called):
            return
        own = [base for base in kind.__mro__ if not is_library_class(base)]
        if not own:
            self._libraries.add(kind)
            return
        self._classes.setdefault(kind, set())
        if self._matches:
            self._read(getattr(kind, "__match_args__", ()))
        making = {"__init__", "__new__", "__post_init__"}
        self._read(making if called else ())
        for base in own:
            for name, held in vars(base).items():
                code = isinstance(held, (FunctionType, classmethod, staticmethod, property))
                if code and name.startswith("__") and name.endswith("__") and name not in NOT_CALLED:
                    self._of_class(kind, name)

    def _of_class(self, kind: type, attribute: str) -> None:
        """Note what a class has under a name, and that classes before it, in the order of resolution, have not."""
        bases = [base for base in kind.__mro__ if not is_library_class(base)]
        last = next((at for at, base in enumerate(bases) if attribute in vars(base)), -1)
        for base in bases[: last + 1]:
            place = f"{base.__qualname__}.{attribute}"
            self._note("item", vars(base), attribute, place, base)
            if base is bases[last]:
                self._open.append((place, vars(base)[attribute]))

    def _note(self, kind: str, holder: Any, key: Any, name: str, owner: Any = None, *, of: Any = None) -> None:
        """Note a place: of the class `owner`, if it is given, or in the `__dict__` of the object `of`."""
        place = (id(holder if owner is None else owner), kind if key is None else key)
        if place not in self._places:
            self._places.add(place)
            self.found.append(Dependency(kind, holder, key, name, tracked=is_tracked(holder if of is None else of)))


def _short(name: str) -> str:
    return name if len(name) <= 120 else f"{name[:60]}…{name[-59:]}"
