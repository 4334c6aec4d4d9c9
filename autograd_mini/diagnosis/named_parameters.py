"""Named parameters: those of a model by the expression that leads to each, and the mistakes in how they are kept."""

from __future__ import annotations

from collections import Counter

from autograd_mini.engine.graph import check_value, order
from autograd_mini.engine.value import Parameter, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

_SHOWN = 4  # maximum names in a summary


class NamedParameters:
    """The parameters of a model, or those in lists and dicts, and the mistakes that can be seen in how they are kept.

    Attributes:
        parameters: the parameters, each once, in order.
        repeated: the lists in which one and the same object stands several times, as pairs (name, object).
        computed: parameters that are results of an operation, as pairs (name, Value).
        constants: the names of plain Values among the attributes of a model, which are no parameters.

    """

    def __init__(self, model: Any) -> None:
        listed = _listed(model)
        self._names: dict[Value, str] = {}
        self._lists: dict[Value, tuple[str, str]] = {}  # of a parameter in a list of lists: the row, and the outer list
        self.repeated: list[tuple[str, Any]] = []
        self.computed: list[tuple[str, Value]] = []
        self.constants: list[str] = []
        known = set(listed)
        for name, value, row in _walk(model, "", known, self.repeated, set()):
            if value in known:
                self._names.setdefault(value, name)
                if row is not None:
                    self._lists.setdefault(value, row)
            elif value._pull is None:
                self.constants.append(name)
            elif _replaced(value, known):
                self.computed.append((name, value))
        for index, value in enumerate(listed):
            if value.label and not hasattr(model, "parameters"):
                self._names[value] = value.label
            name = self._names.setdefault(value, value.label or f"parameters()[{index}]")
            if value._pull is not None:
                self.computed.append((name, value))
        self.parameters = [value for value in dict.fromkeys(listed) if value._pull is None]

    def name(self, value: Value) -> str:
        """Return the name of a parameter: the expression that leads to it, such as "layers[0].neurons[1].w[2]"."""
        return self._names[value]

    def row(self, value: Value) -> tuple[str, str] | None:
        """Return of a parameter in a list of lists the names of its row and of the outer list."""
        return self._lists.get(value)

    def summary(self, values: Iterable[Value]) -> str:
        """Name some parameters: by what holds them and no others, where that is shorter."""
        chosen = list(values)
        shared = self._holders_of_others(chosen)
        groups = Counter(
            next((part for part in _holders(name) if part not in shared), name) for name in map(self.name, chosen)
        )
        texts = [name if count == 1 else f"{name} ({count} parameters)" for name, count in groups.items()]
        return ", ".join(texts[:_SHOWN]) + (f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else "")

    def together(self, values: Iterable[Value]) -> str:
        """Return the expression that leads to some parameters and no others, such as "layers[0]"; "" if none does."""
        chosen = list(values)
        shared = self._holders_of_others(chosen)
        common = ""
        for parts in zip(*(_holders(self.name(value)) for value in chosen), strict=False):
            if len(set(parts)) > 1 or (common and common not in shared):
                break
            common = parts[0]
        return "" if common in shared else common

    def _holders_of_others(self, chosen: Sequence[Value]) -> set[str]:
        left = set(chosen)
        return {part for value, name in self._names.items() if value not in left for part in _holders(name)}


def _listed(model: Any) -> list[Value]:
    """Return the parameters as the model itself lists them."""
    found = getattr(model, "parameters", None)
    if found is None:
        found = list(_values(model))
    listed = list(found() if callable(found) else found)
    for index, value in enumerate(listed):
        check_value(f"parameter {index} of the model", value)
    return listed


def _values(place: Any) -> Iterator[Value]:
    """Yield the Values in nested lists, and the parameters of models among them."""
    if isinstance(place, Value):
        yield place
    elif hasattr(place, "parameters"):
        yield from _listed(place)
    elif isinstance(place, (str, bytes)) or not hasattr(place, "__iter__"):
        raise TypeError(
            f"model is {place!r} of type {type(place).__name__}, expected an object with parameters(), or its "
            "parameters in a list"
        )
    else:
        for member in place.values() if isinstance(place, dict) else place:
            yield from _values(member)


def _walk(
    place: Any, name: str, known: set[Value], repeated: list[tuple[str, Any]], seen: set[int]
) -> Iterator[tuple[str, Value, tuple[str, str] | None]]:
    """Yield every Value in attributes, lists and dicts, with its name and its row; note what is repeated."""
    if isinstance(place, Value):
        yield name, place, None
        return
    model = hasattr(place, "parameters") and hasattr(place, "__dict__")
    if id(place) in seen or not (model or isinstance(place, (list, tuple, dict))):
        return
    seen.add(id(place))
    if model:
        for attribute, member in vars(place).items():
            yield from _walk(member, f"{name}.{attribute}" if name else attribute, known, repeated, seen)
        return
    members = list(place.items() if isinstance(place, dict) else enumerate(place))
    counts = Counter(id(member) for _, member in members)
    if repeat := [member for _, member in members if counts[id(member)] > 1 and _holds(member, known)]:
        repeated.append((name or "the list", repeat[0]))
    for key, member in members:
        inner = f"{name or 'model'}[{key!r}]"
        for found, value, row in _walk(member, inner, known, repeated, seen):
            yield found, value, row or ((inner, name) if isinstance(member, (list, tuple)) else None)


def _holds(member: Any, known: set[Value]) -> bool:
    try:
        return not known.isdisjoint(_values(member))
    except TypeError:
        return False


def _replaced(value: Value, known: set[Value]) -> bool:
    """Return whether a result is an updated parameter: w - lr * w.grad of a Parameter that the model has lost."""
    if value.op not in {"add", "sub"}:
        return False
    leaves = [node for node in order(value) if node._pull is None]
    return known.isdisjoint(leaves) and any(isinstance(leaf, Parameter) for leaf in leaves)


def _holders(name: str) -> Iterator[str]:
    """Yield the beginnings of an expression that are expressions, the shortest first: "a", "a[0]", "a[0].w"."""
    for at, letter in enumerate(name):
        if at and letter in ".[":
            yield name[:at]
    yield name
