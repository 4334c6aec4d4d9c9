"""A loss: how far a prediction is from its target, for one sample, as a scalar to differentiate.

A prediction is a scalar or a list of scalars, and so is its target. Of a list the losses take the mean over its entries
(`rss` their sum, and the logits of `cross_entropy` are one prediction). Among Values the loss is a Value; among plain
numbers it is a float.

A logit is what a network says before it is squashed to a probability: p = sigmoid(logit), or p = softmax(logits). The
losses take logits because the logarithm of a probability that has been rounded to 0 or 1 is lost.
"""

from __future__ import annotations

from functools import reduce
from math import isfinite
from operator import add

from autograd_mini.engine.checks import number
from autograd_mini.engine.choice import where
from autograd_mini.engine.functions import exp, log1p, log_softmax, relu, softmax, softplus
from autograd_mini.engine.value import Value
from autograd_mini.nn import unknown as in_choices
from autograd_mini.nn.sample import sample
from autograd_mini.nn.unknown import unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    Scalar = Value | float
    Scalars = Iterable[Scalar] | Scalar


def mse(prediction: Scalars, target: Scalars) -> Any:
    """Return the mean of the squared errors (prediction - target)².

    >>> mse([1.0, 2.0], [1.0, 4.0])
    2.0

    """
    return _mean([error * error for error in _errors(prediction, target)])


def mae(prediction: Scalars, target: Scalars) -> Any:
    """Return the mean of the absolute errors; where an error is 0, so is its derivative.

    >>> mae([1.0, 2.0], [1.0, 4.0])
    1.0

    """
    return _mean([abs(error) for error in _errors(prediction, target)])


def rss(prediction: Scalars, target: Scalars) -> Any:
    """Return the residual sum of squares: the sum of (prediction - target)².

    >>> rss([1.0, 2.0], [1.0, 4.0])
    4.0

    """
    return reduce(add, [error * error for error in _errors(prediction, target)])


def huber(prediction: Scalars, target: Scalars, delta: float = 1.0) -> Any:
    """Return the mean of error² / 2 for errors up to delta, and of delta (abs(error) - delta / 2) for greater ones.

    Source: P. J. Huber, Robust estimation of a location parameter, Ann. Math. Statist. 35 (1964) 73.

    Args:
        prediction: a scalar or a list.
        target: likewise.
        delta: the error from which on the loss grows linearly, greater than 0.

    Raises:
        ValueError: if delta is not finite and greater than 0.

    >>> huber([0.5, 3.0], [0.0, 0.0])
    1.3125

    """
    delta = number(delta, "delta")
    if not (delta > 0.0 and isfinite(delta)):
        raise ValueError(f"delta is finite and greater than 0; got {delta!r}")
    errors = [(error, abs(error)) for error in _errors(prediction, target)]
    return _mean([where(size <= delta, 0.5 * error * error, delta * (size - 0.5 * delta)) for error, size in errors])


def hinge(prediction: Scalars, target: Scalars) -> Any:
    """Return the mean of max(0, 1 - target * prediction), for targets 1 and -1; at its kink the derivative is 0.

    Source: C. Cortes, V. Vapnik, Support-vector networks, Machine Learning 20 (1995) 273.

    Raises:
        ValueError: if a target is neither 1 nor -1.

    >>> hinge([0.5, -2.0], [1, -1])
    0.25

    """
    pairs = _pairs(prediction, target)
    if unknown(t for _, t in pairs):
        return _mean([in_choices.hinge(p, t) for p, t in pairs])
    for _, t in pairs:
        if t not in (1.0, -1.0):
            raise ValueError(f"the targets of hinge are 1 and -1; got {t!r}: for classes 0 and 1 pass 2 * target - 1")
    return _mean([relu(1.0 - t * p) for p, t in pairs])


def binary_cross_entropy(prediction: Scalars, target: Scalars) -> Any:
    """Return the mean of -t log(p) - (1 - t) log(1 - p), where p = sigmoid(prediction).

    It is computed as t softplus(-prediction) + (1 - t) softplus(prediction), whose value and derivative are accurate
    however sure the prediction is.

    Args:
        prediction: a logit or a list of logits.
        target: 0 or 1, or a probability between them, for each.

    Raises:
        ValueError: if a target is not between 0 and 1.

    >>> binary_cross_entropy(-1000.0, 1)
    1000.0
    >>> binary_cross_entropy(50.0, 1)
    1.9287498479639178e-22

    """
    pairs = _pairs(prediction, target)
    if unknown(t for _, t in pairs):
        return _mean([in_choices.binary(logit, t) for logit, t in pairs])
    for _, t in pairs:
        if not 0.0 <= t <= 1.0:
            raise ValueError(
                f"the targets of binary_cross_entropy are 0, 1, or probabilities between; got {t!r}: for classes -1 "
                "and 1 pass (target + 1) / 2"
            )
    return _mean([_binary(logit, t) for logit, t in pairs])


def _binary(logit: Scalar, t: Scalar) -> Any:
    """Leave out the term of weight 0, where softplus may be infinite."""
    if not isinstance(t, Value):
        if t == 1.0:
            return softplus(-logit)
        if t == 0.0:
            return softplus(logit)
    return t * softplus(-logit) + (1.0 - t) * softplus(logit)


def cross_entropy(prediction: Iterable[Scalar], target: int) -> Any:
    """Return -log(softmax(prediction)[target]).

    With m the largest logit it is computed as (m - prediction[target]) + log1p(sum of exp(logit - m) over the others),
    whose value and derivative are accurate however sure the prediction is.

    Args:
        prediction: the logits, one a class, at least two.
        target: the index of the right class, from 0.

    Raises:
        ValueError: if the target is no whole number, or no class has that index, or there are fewer than two logits.

    >>> cross_entropy([0.0, 1000.0], 0)
    1000.0
    >>> cross_entropy([50.0, 0.0], 0)
    1.9287498479639178e-22

    """
    logits = sample(prediction, "prediction")
    if len(logits) < 2:
        raise ValueError(
            f"the prediction of cross_entropy is a list of logits, one a class; got {len(logits)}: for two classes and "
            "one logit there is binary_cross_entropy"
        )
    if unknown([target, *logits]):
        return in_choices.cross_entropy(logits, target)
    index = number(target, "target")
    if index not in range(len(logits)):
        raise ValueError(
            f"the target of cross_entropy is the index of a class, a whole number from 0 to {len(logits) - 1}; got "
            f"{target!r}"
        )
    chosen = logits[int(index)]
    largest = logits.pop(max(range(len(logits)), key=logits.__getitem__))
    spread = log1p(reduce(add, [exp(logit - largest) for logit in logits]))
    return spread if largest is chosen else (largest - chosen) + spread


def _errors(prediction: Scalars, target: Scalars) -> list[Any]:
    return [p - t for p, t in _pairs(prediction, target)]


def _pairs(prediction: Scalars, target: Scalars) -> list[tuple[Any, Any]]:
    """Return each entry of a prediction with its target.

    Raises:
        ValueError: if one has more entries than the other, or there are none.
        TypeError: if one is no number.

    """
    predictions, targets = sample(prediction, "prediction"), sample(target, "target")
    if len(predictions) != len(targets):
        raise ValueError(f"prediction has {len(predictions)} entries and target {len(targets)}, but each needs its own")
    if not predictions:
        raise ValueError("prediction is empty, so there is nothing to measure")
    return [*zip(predictions, targets, strict=True)]


def _mean(terms: Sequence[Any]) -> Any:
    return terms[0] if len(terms) == 1 else reduce(add, terms) / len(terms)


LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "mse": mse,
    "mae": mae,
    "rss": rss,
    "huber": huber,
    "hinge": hinge,
    "binary_cross_entropy": binary_cross_entropy,
    "cross_entropy": cross_entropy,
}
"""The losses by name."""

__all__ = ["LOSSES", "log_softmax", "softmax"]
__all__ += list(LOSSES)
