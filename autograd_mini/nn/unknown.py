"""Losses while a function is compiled, when neither targets nor logits are known: choices in the place of branches.

They are the same formulas as in `losses`. Where a target is not allowed the loss is nan, since nothing can be raised.
"""

from __future__ import annotations

from functools import reduce
from operator import add

from autograd_mini.engine.choice import where
from autograd_mini.engine.functions import exp, log1p, relu, softplus
from autograd_mini.engine.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

NAN = float("nan")


def unknown(numbers: Iterable[Any]) -> bool:
    """Return whether one of them stands for a number that is not known yet."""
    return any(isinstance(x, Value) and x.symbolic for x in numbers)


def hinge(p: Any, t: Any) -> Any:
    """Return relu(1 - t p) for a target of 1 or -1."""
    return where((t == 1.0) | (t == -1.0), relu(1.0 - t * p), NAN)


def binary(logit: Any, t: Any) -> Any:
    """Return t softplus(-logit) + (1 - t) softplus(logit), without the term of weight 0."""
    between = t * softplus(-logit) + (1.0 - t) * softplus(logit)
    found = where(t == 1.0, softplus(-logit), where(t == 0.0, softplus(logit), between))
    return where((t >= 0.0) & (t <= 1.0), found, NAN)


def leading(logits: list[Any]) -> tuple[Any, Any]:
    """Return the largest logit and its index, the first of equal ones; of plain numbers too."""
    largest: Any = logits[0]
    winner: Any = 0.0
    for index, logit in enumerate(logits[1:], start=1):
        larger = logit > largest
        largest, winner = where(larger, logit, largest), where(larger, float(index), winner)
    return largest, winner


def cross_entropy(logits: list[Any], target: Any) -> Any:
    """Return -log(softmax(logits)[target]); see `losses.cross_entropy`."""
    largest, winner = leading(logits)
    others = [where(winner == float(index), 0.0, exp(logit - largest)) for index, logit in enumerate(logits)]
    spread = log1p(reduce(add, others))
    chosen: Any = NAN
    for index, logit in enumerate(logits):
        chosen = where(target == float(index), logit, chosen)
    return where(winner == target, spread, (largest - chosen) + spread)
