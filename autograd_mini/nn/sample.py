"""A sample: the inputs of one example, a flat list of Values and floats."""

from __future__ import annotations

from autograd_mini.engine.checks import number
from autograd_mini.engine.value import Computed, Parameter, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Inputs = Iterable[Value | float] | Value | float

_READY = frozenset({float, Value, Computed, Parameter})


class Sample(list["Value | float"]):
    """A list that has been checked, so that all the neurons of a layer take it as it is."""

    __slots__ = ()


def sample(x: Any, name: str = "x") -> Sample:
    """Return inputs as a checked list: Values stay, and plain numbers become floats, not Values.

    Args:
        x: a list, tuple, generator or array of Values and numbers, or a single one.
        name: what to call it in an error.

    Raises:
        TypeError: if there is something in it that is no number.
        ValueError: if it has more than one dimension.

    >>> sample((1, 2.5))
    [1.0, 2.5]

    """
    if type(x) is Sample:
        return x
    if isinstance(x, (str, bytes, bytearray, dict, set, frozenset)):
        raise TypeError(f"{name} is a list of numbers; got {x!r} of type {type(x).__name__}")
    if getattr(x, "ndim", 1) > 1:
        raise ValueError(f"{name} is one sample; got an array of shape {getattr(x, 'shape', '?')}: {_ONE_BY_ONE}")
    try:
        entries = iter(x)
    except TypeError:
        entries = iter((x,))
    return Sample(
        entry if type(entry) in _READY else _checked(entry, f"{name}[{index}]") for index, entry in enumerate(entries)
    )


_ONE_BY_ONE = "pass one sample at a time, as in [model(row) for row in X]"


def _checked(entry: object, name: str) -> Value | float:
    if isinstance(entry, Value):
        return entry
    if isinstance(entry, (list, tuple)):
        raise TypeError(f"{name} is a {type(entry).__name__}, but expected a number: {_ONE_BY_ONE}")
    return number(entry, name)  # type: ignore[arg-type]  # `number` checks it
