"""A parameter is any object with a number `data`, which training changes, and a number `grad`, which says how.

Writes to many parameters are made by one call into C (`deque(map(setattr, ...), maxlen=0)`): CPython delivers signals,
Ctrl-C among them, between the bytecodes of Python code only, so an interrupt falls before all of the writes or after.
That holds as long as no single write runs Python code. A class whose `data` is a property with a setter in Python
keeps it by a static method

    _assign(params, numbers)

which writes slots in place of calling the setter, and draws the numbers, an iterator, in the very call that writes.
"""

from __future__ import annotations

from collections import deque
from itertools import chain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, Protocol

    class Trainable(Protocol):
        """What an optimiser needs of a parameter."""

        grad: Any  # float, int or None; a mutable union would refuse classes that declare plain float

        @property
        def data(self) -> float:
            """The number: an attribute, or a property with a setter."""

        @data.setter
        def data(self, data: float, /) -> None: ...


def parameters(params: Iterable[Trainable]) -> tuple[Trainable, ...]:
    """List the parameters of any iterable, in its order, each once.

    In: an iterable of objects with `data` and `grad`; a generator is read once. Out: a tuple of them.
    Raises TypeError for what is no ordered iterable of parameters, ValueError for one that stands there twice and for
    one that was computed (its attribute `op`, where it has one, names an operation).

    >>> from types import SimpleNamespace
    >>> w = SimpleNamespace(data=1.0, grad=0.0)
    >>> len(parameters(p for p in [w]))
    1
    >>> parameters([w] * 3)
    Traceback (most recent call last):
    ...
    ValueError: params[0], params[1], params[2] are one and the same SimpleNamespace, which a step would update ...
    """
    if isinstance(params, set | frozenset):
        raise TypeError("params is a set, which has no order of its own to save states by: pass a list")
    try:
        each = iter(params)
    except TypeError:
        raise TypeError(
            f"params must be a list of parameters such as model.parameters(), got one {type(params).__name__}"
        ) from None
    found = tuple(each)
    positions: dict[int, list[int]] = {}
    for index, parameter in enumerate(found):
        if not (hasattr(parameter, "data") and hasattr(parameter, "grad")):
            raise TypeError(
                f"params[{index}] is of type {type(parameter).__name__}, which has no .data and .grad: "
                "pass Values, as model.parameters() lists them"
            )
        operation = getattr(parameter, "op", "")
        if operation and isinstance(operation, str):
            raise ValueError(
                f"params[{index}] is the result of {operation}, {parameter!r}: an optimiser moves leaves, so pass "
                "those it was computed from, or detach() it before it is used"
            )
        positions.setdefault(id(parameter), []).append(index)
    for indices in positions.values():
        if len(indices) > 1:
            named = ", ".join(f"params[{index}]" for index in indices[:4]) + ", ..." * (len(indices) > 4)
            raise ValueError(
                f"{named} are one and the same {type(found[indices[0]]).__name__}, which a step would update "
                "more than once: list it once, or write [Value(0.0) for _ in range(3)] in place of [Value(0.0)] * 3"
            )
    return found


def numbers(params: Sequence[Trainable], name: str) -> list[float]:
    """Read `data` or `grad` of every parameter as a float; TypeError names the first that is no number."""
    found = [getattr(parameter, name) for parameter in params]
    try:
        return [*map(float, found)]
    except (TypeError, ValueError):
        for index, value in enumerate(found):
            try:
                float(value)
            except (TypeError, ValueError):
                kind = type(value).__name__
                raise TypeError(f"the .{name} of parameter {index} must be a number, got {kind}: {value!r}") from None
        raise


def set_gradients(params: Sequence[Trainable], grads: Sequence[float]) -> None:
    """Set `grad` of every parameter: all or none."""
    _write(params, ["grad"] * len(params), grads)


def set_data(params: Sequence[Trainable], data: Sequence[float]) -> None:
    """Set `data` of every parameter: all or none."""
    _write(params, ["data"] * len(params), data)


def commit(params: Sequence[Trainable], data: Sequence[float], owner: object, state: object) -> None:
    """Set `data` of every parameter and `owner._state`: all or none."""
    hooks = {getattr(kind, "_assign", None) for kind in set(map(type, params))}
    hook = hooks.pop() if len(hooks) == 1 else None
    if hook is None:
        _write([*params, owner], ["data"] * len(params) + ["_state"], [*data, state])
        return
    # The class's call writes the state too: the filter, which yields nothing because setattr returns None, runs when
    # that call asks for the first number.
    hook(params, chain(filter(None, map(setattr, [owner], ["_state"], [state])), data))


def _write(objects: Sequence[object], names: Sequence[str], values: Sequence[object]) -> None:
    """Set one attribute of each object; undo what was set when a setter raises or, being Python code, is interrupted.

    Only a second interrupt, in a setter that the undoing calls, could leave a mixture.
    """
    before = [*map(getattr, objects, names)]
    try:
        deque(map(setattr, objects, names, values), maxlen=0)
    except BaseException:
        deque(map(setattr, objects, names, before), maxlen=0)
        raise
