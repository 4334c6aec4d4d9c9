"""A parameter is any object with a number `data`, which training changes, and a number `grad`, which says how.

Clipping bounds gradients, all together by their norm or each by its value, before an optimiser uses them.

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
from math import fsum, hypot, inf, isfinite, isinf, isnan, nan

from autograd_mini.engine import ieee
from autograd_mini.optim.hyperparameters import nonnegative

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

    TypeError for what is no ordered iterable of objects with `data` and `grad`, ValueError for one that stands there
    twice and for one that was computed (its attribute `op`, where it has one, names an operation).

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
            f"params is one {type(params).__name__}, expected a list of parameters such as model.parameters()"
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
                raise TypeError(
                    f"the .{name} of parameter {index} is {value!r} of type {kind}, expected a number"
                ) from None
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


def clip_grad_norm_(
    params: Iterable[Trainable],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
) -> float:
    """Scale all gradients by min(1, max_norm / (norm + 1e-6)), so that their norm is at most `max_norm`.

    As in PyTorch, an infinite norm turns gradients into 0 (infinite ones into nan), a nan norm turns all into nan.

    Args:
        params: the parameters; those whose `grad` is None are left alone.
        max_norm: the bound, at least 0; inf only measures.
        norm_type: the order of the norm, greater than 0; inf takes the largest magnitude.
        error_if_nonfinite: whether a norm that is not finite is an error.

    Returns:
        The norm before clipping; it does not overflow on the way, where PyTorch's does.

    Raises:
        RuntimeError: for a norm that is not finite, where `error_if_nonfinite`.

    Source: Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", ICML 2013; formula
    and the 1e-6 as in torch.nn.utils.clip_grad_norm_.

    >>> from types import SimpleNamespace
    >>> w, b = SimpleNamespace(data=0.0, grad=3.0), SimpleNamespace(data=0.0, grad=-4.0)
    >>> clip_grad_norm_([w, b], max_norm=1.0)
    5.0
    >>> round(w.grad, 5), round(b.grad, 5)
    (0.6, -0.8)

    """
    bound = _bound("max_norm", max_norm)
    order = _bound("norm_type", norm_type)
    if order == 0.0:
        raise ValueError("norm_type is 0, expected a number greater than 0: 2.0 for Euclid's norm, inf for the largest")
    given = [p for p in parameters(params) if p.grad is not None]
    grads = numbers(given, "grad")
    norm = _norm(grads, order)
    if error_if_nonfinite and not isfinite(norm):
        wrong = next((g for g in grads if not isfinite(g)), norm)
        raise RuntimeError(
            f"the gradients' norm is {norm} (one gradient is {wrong}), so it cannot be clipped: lower lr, find where "
            "it first becomes non-finite, or pass error_if_nonfinite=False"
        )
    scale = bound / (norm + 1e-6)
    if bound < inf and not scale >= 1.0:  # nan scales too
        set_gradients(given, [scale * g for g in grads])
    return norm


def clip_grad_value_(params: Iterable[Trainable], clip_value: float) -> None:
    """Bring every gradient into [-clip_value, clip_value].

    A nan stays nan.

    Args:
        params: the parameters; those whose `grad` is None are left alone.
        clip_value: the bound, at least 0.

    >>> from types import SimpleNamespace
    >>> w, b = SimpleNamespace(data=0.0, grad=3.0), SimpleNamespace(data=0.0, grad=-0.5)
    >>> clip_grad_value_([w, b], 1.0)
    >>> w.grad, b.grad
    (1.0, -0.5)

    """
    bound = _bound("clip_value", clip_value)
    given = [p for p in parameters(params) if p.grad is not None]
    # min and max return their first argument when a comparison with nan fails, so the gradient goes first.
    set_gradients(given, [min(max(g, -bound), bound) for g in numbers(given, "grad")])


def bounded(gradient: Any, max_norm: float) -> Any:
    """Return an array of gradients, scaled as `clip_grad_norm_` scales them."""
    import numpy as np

    largest = float(np.abs(gradient).max())
    norm = largest
    if 0.0 < largest < inf:
        part = gradient / largest
        norm = largest * float(part.dot(part)) ** 0.5
    scale = max_norm / (norm + 1e-6)
    return gradient if scale >= 1.0 or max_norm == inf else scale * gradient


def _bound(name: str, value: float) -> float:
    """Take a number of at least zero, infinity included ("inf" too, as in PyTorch)."""
    return inf if value in (inf, "inf") else nonnegative(name, value)


def _norm(column: Sequence[float], order: float) -> float:
    """Measure (sum |x|^p)^(1/p), p = order > 0, relative to the largest |x| so that nothing overflows on the way."""
    if any(map(isnan, column)):
        return nan
    largest = max(map(abs, column), default=0.0)
    if largest == 0.0 or isinf(largest) or isinf(order):
        return largest
    if order == 2.0:
        return hypot(*column)
    return largest * ieee.pow(fsum((abs(x) / largest) ** order for x in column), 1.0 / order)
