"""Clipping bounds gradients, all together by their norm or each by its value, before an optimiser uses them."""

from __future__ import annotations

from math import fsum, hypot, inf, isfinite, isinf, isnan, nan

from autograd_mini.optim.hyperparameters import nonnegative, power
from autograd_mini.optim.parameters import numbers, parameters, set_gradients

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from autograd_mini.optim.parameters import Trainable


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
        raise ValueError("norm_type must be greater than 0 (2.0 is Euclid's norm, inf the largest magnitude), got 0")
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
    return largest * power(fsum((abs(x) / largest) ** order for x in column), 1.0 / order)
