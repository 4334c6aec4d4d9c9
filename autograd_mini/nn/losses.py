"""A loss: how far a prediction is from its target, for one sample, as a scalar to differentiate.

A prediction is a scalar or a list of scalars, and so is its target. Of a list the losses take the mean over its entries
(`rss` their sum, and the logits of `cross_entropy` are one prediction). Among Values the loss is a Value; among plain
numbers it is a float.

A logit is what a network says before it is squashed to a probability: p = sigmoid(logit), or p = softmax(logits). The
losses take logits because the logarithm of a probability that has been rounded to 0 or 1 is lost.

While a function is compiled, neither targets nor logits are known: a formula then chooses by `where` in place of a
branch, and is nan for a target that is not allowed, since nothing can be raised.
"""

from __future__ import annotations

from functools import reduce, wraps
from math import isfinite, nan
from operator import add

from autograd_mini.engine.checks import number
from autograd_mini.engine.functions import exp, log1p, relu, softplus
from autograd_mini.engine.operators import where
from autograd_mini.engine.value import Value
from autograd_mini.nn.module import sample

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Protocol, overload

    Scalar = Value | float
    Scalars = Iterable[Scalar] | Scalar
    Numbers = Sequence[float] | float
    Loss = Value | Any
    """A Value; of an iterator or an array of plain numbers a float, which checkers take as well."""

    class OverEntries(Protocol):
        """A loss of a prediction and a target that are scalars, or lists of equally many."""

        @overload
        def __call__(self, prediction: Numbers, target: Numbers) -> float: ...
        @overload
        def __call__(self, prediction: Scalars, target: Scalars) -> Loss: ...


TARGETS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "hinge": ("-1 or 1: of classes 0 and 1 make 2 * target - 1", lambda t: (t == 1.0) | (t == -1.0)),
    "binary_cross_entropy": (
        "0 or 1, or a probability between them: of classes -1 and 1 make (target + 1) / 2",
        lambda t: (t >= 0.0) & (t <= 1.0),
    ),
}
"""For the losses that do not take every number for a target: what they expect, and whether a target is that."""


def _over_entries(total: Callable[[Sequence[Any]], Any]) -> Callable[[Callable[[Any, Any], Any]], OverEntries]:
    """Return a decorator that makes a loss of the formula for one entry: its total over the entries, as a mean."""

    def made(formula: Callable[[Any, Any], Any]) -> OverEntries:
        @wraps(formula)
        def loss(prediction: Scalars, target: Scalars) -> Any:
            return total([formula(p, t) for p, t in _pairs(prediction, target)])

        return loss

    return made


def _pairs(prediction: Scalars, target: Scalars) -> list[tuple[Any, Any]]:
    """Return each entry of a prediction with its target; a ValueError if one has none."""
    predictions, targets = sample(prediction, "prediction"), sample(target, "target")
    if len(predictions) != len(targets):
        raise ValueError(f"prediction has {len(predictions)} entries and target {len(targets)}, but each needs its own")
    if not predictions:
        raise ValueError("prediction is empty, so there is nothing to measure")
    return [*zip(predictions, targets, strict=True)]


def _sum(terms: Sequence[Any]) -> Any:
    return reduce(add, terms)


def _mean(terms: Sequence[Any]) -> Any:
    return terms[0] if len(terms) == 1 else reduce(add, terms) / len(terms)


@_over_entries(_mean)
def mse(prediction: Any, target: Any) -> Any:
    """Return the mean of the squared errors (prediction - target)².

    Args:
        prediction: a scalar or a list.
        target: likewise.

    >>> mse([1.0, 2.0], [1.0, 4.0])
    2.0

    """
    error = prediction - target
    return error * error


@_over_entries(_mean)
def mae(prediction: Any, target: Any) -> Any:
    """Return the mean of the absolute errors; where an error is 0, so is its derivative.

    Args:
        prediction: a scalar or a list.
        target: likewise.

    >>> mae([1.0, 2.0], [1.0, 4.0])
    1.0

    """
    return abs(prediction - target)


@_over_entries(_sum)
def rss(prediction: Any, target: Any) -> Any:
    """Return the residual sum of squares: the sum of (prediction - target)².

    Args:
        prediction: a scalar or a list.
        target: likewise.

    >>> rss([1.0, 2.0], [1.0, 4.0])
    4.0

    """
    error = prediction - target
    return error * error


if TYPE_CHECKING:

    @overload
    def huber(prediction: Numbers, target: Numbers, delta: float = ...) -> float: ...
    @overload
    def huber(prediction: Scalars, target: Scalars, delta: float = ...) -> Loss: ...


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
        raise ValueError(f"delta is {delta!r}, expected a finite number greater than 0")
    errors = [(p - t, abs(p - t)) for p, t in _pairs(prediction, target)]
    return _mean([where(size <= delta, 0.5 * error * error, delta * (size - 0.5 * delta)) for error, size in errors])


@_over_entries(_mean)
def hinge(prediction: Any, target: Any) -> Any:
    """Return the mean of max(0, 1 - target * prediction), for targets 1 and -1; at its kink the derivative is 0.

    Source: C. Cortes, V. Vapnik, Support-vector networks, Machine Learning 20 (1995) 273.

    Args:
        prediction: a score or a list of scores.
        target: 1 or -1 for each.

    Raises:
        ValueError: if a target is neither 1 nor -1.

    >>> hinge([0.5, -2.0], [1, -1])
    0.25

    """
    return relu(1.0 - _allowed("hinge", target) * prediction)


@_over_entries(_mean)
def binary_cross_entropy(prediction: Any, target: Any) -> Any:
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
    # The term of weight 0 is left out, where softplus may be infinite; a target that is a Value needs both.
    goal = _allowed("binary_cross_entropy", target)

    def both() -> Any:
        return goal * softplus(-prediction) + (1.0 - goal) * softplus(prediction)

    if isinstance(goal, Value) and not goal.symbolic:
        return both()
    return _pick(
        goal == 1.0,
        lambda: softplus(-prediction),
        lambda: _pick(goal == 0.0, lambda: softplus(prediction), both),
    )


if TYPE_CHECKING:

    @overload
    def cross_entropy(prediction: Sequence[float], target: int) -> float: ...
    @overload
    def cross_entropy(prediction: Iterable[Scalar], target: int) -> Loss: ...


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
            f"prediction has {len(logits)} entries, expected a list of logits, one a class: for two classes and one "
            "logit there is binary_cross_entropy"
        )
    right: Any = target
    if not (isinstance(right, Value) and right.symbolic):
        index = number(target, "target")
        if index not in range(len(logits)):
            raise ValueError(f"target is {target!r}, expected the index of a class, from 0 to {len(logits) - 1}")
        right = int(index)
    largest, winner = leading(logits)
    chosen: Any = nan
    others: list[Any] = []
    for at, logit in enumerate(logits):
        chosen = _either(right == at, logit, chosen)
        if (leads := winner == at) is not True:
            others.append(_either(leads, 0.0, exp(logit - largest)))
    spread = log1p(reduce(add, others))
    return _pick(winner == right, lambda: spread, lambda: (largest - chosen) + spread)


def leading(logits: Sequence[Any]) -> tuple[Any, Any]:
    """Return the largest logit and its index, the first of equal ones.

    >>> leading([0.5, 2.0, 2.0])
    (2.0, 1)

    """
    largest, winner = logits[0], 0
    for at, logit in enumerate(logits[1:], start=1):
        larger = logit > largest
        largest, winner = _either(larger, logit, largest), _either(larger, at, winner)
    return largest, winner


def _either(condition: Any, this: Any, otherwise: Any) -> Any:
    """Return one of two operands as it is; a choice between both where the condition is not known yet."""
    if isinstance(condition, Value) and condition.symbolic:
        return where(condition, this, otherwise)
    return this if condition else otherwise


def _pick(condition: Any, this: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
    """Return what one of two functions gives, and call it alone; a choice where the condition is not known."""
    if isinstance(condition, Value) and condition.symbolic:
        return where(condition, this(), otherwise())
    return this() if condition else otherwise()


def _allowed(name: str, target: Any) -> Any:
    """Return a target that a loss allows; else raise a ValueError, or return nan where it is not known.

    The target becomes nan, not the loss, so that the derivative of the loss needs no choice between two branches.
    """
    expected, accepts = TARGETS[name]
    allowed = accepts(target)
    if isinstance(allowed, Value) and allowed.symbolic:
        return where(allowed, target, nan)
    if not allowed:
        raise ValueError(f"target is {target!r}, expected by {name} {expected}")
    return target


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
