"""A target is what a model should predict for one row: a number, several, or a class, as the loss reads it."""

from __future__ import annotations

from math import isfinite

from autograd_mini.engine.arguments import real_number
from autograd_mini.engine.choice import where
from autograd_mini.nn.unknown import leading
from autograd_mini.train.data import members, numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Target = Any  # a float, an int (a class index), or a list of floats; for a loss of the user's own, what they gave


def targets(name: str, y: Any, loss: str | None, outputs: int | None) -> list[Target]:
    """Return y as the targets of a loss for a model with that many outputs; one target a row.

    Args:
        name: what messages call y.
        y: the targets; for several outputs and a loss of numbers, a row of as many for each sample. A column, that is
            rows of one number, counts as numbers.
        loss: the name of the loss; None for a function of the user's own, whose targets are left as they are.
        outputs: the length of a prediction; None where the model predicts one number.

    Raises:
        TypeError: for what is no number.
        ValueError: naming the row, for a number that is nan, infinite, or not what the loss expects.

    >>> targets("y", [[0.0], [2.0]], "cross_entropy", outputs=3)
    [0, 2]
    >>> targets("y", [0, 3], "cross_entropy", outputs=3)
    Traceback (most recent call last):
    ValueError: row 1 of y is 3, but cross_entropy expects the index of a class: a whole number from 0 to 2

    """
    given = members(name, y, "a list or an array of targets")
    if loss is None:
        return [_as_given(f"row {row} of {name}", target) for row, target in enumerate(given)]
    if given and all(_is_row(target) and len(target) == 1 for target in given):
        given = [target[0] for target in given]
    if loss == "cross_entropy":
        if outputs is None or outputs < 2:
            raise ValueError(
                "cross_entropy needs a model with one output a class, at least 2, but the model predicts one number: "
                "use binary_cross_entropy for two classes, or a model with more outputs"
            )
        expected, classes = f"the index of a class: a whole number from 0 to {outputs - 1}", range(outputs)
        return [
            int(_number(f"row {row} of {name}", target, loss, expected, lambda t: t in classes))
            for row, target in enumerate(given)
        ]
    expected, accepts = _EXPECTED.get(loss, ("a number", isfinite))
    if outputs is None:
        return [_number(f"row {row} of {name}", target, loss, expected, accepts) for row, target in enumerate(given)]
    return [_row(f"row {row} of {name}", t, loss, expected, accepts, outputs) for row, t in enumerate(given)]


def _accuracy(border: float) -> Callable[[Any, Target], Any]:
    """Return the share of outputs, one or several, that are on the side of 0 where their target is of the border."""

    def accuracy(prediction: Any, target: Target) -> Any:
        if isinstance(prediction, list):
            return sum(map(accuracy, prediction, target)) / len(prediction)
        right, wrong = where(target > border, 1.0, 0.0), where(target > border, 0.0, 1.0)
        return where(prediction > 0.0, right, wrong)

    return accuracy


def _argmax_accuracy(logits: list[Any], target: Any) -> Any:
    """Return 1 if the largest logit is that of the target; of equal ones the first counts."""
    _, winner = leading(logits)
    return where(target == winner, 1.0, 0.0)


ACCURACY: dict[str, Callable[[Any, Target], Any]] = {
    "cross_entropy": _argmax_accuracy,
    "binary_cross_entropy": _accuracy(0.5),
    "hinge": _accuracy(0.0),
}
"""For the losses that tell classes apart, what their predictions are worth as answers, from 0 to 1."""

_EXPECTED: dict[str, tuple[str, Callable[[float], bool]]] = {
    "binary_cross_entropy": ("0 or 1, or a probability between them", lambda t: 0.0 <= t <= 1.0),
    "hinge": ("-1 or 1 (of classes 0 and 1 make 2 * y - 1)", lambda t: t in {-1.0, 1.0}),
}


def _number(name: str, target: Any, loss: str, expected: str, accepts: Callable[[float], bool]) -> float:
    """Return a target as a float the loss accepts, or raise an error that says what it expects."""
    try:
        number = real_number(name, target)
    except TypeError:
        raise TypeError(f"{name} is {target!r}, but {loss} expects {expected}") from None
    if not accepts(number):
        raise ValueError(f"{name} is {target!r}, but {loss} expects {expected}")
    return number


def _row(
    name: str, target: Any, loss: str, expected: str, accepts: Callable[[float], bool], outputs: int
) -> list[float]:
    """Return the targets of several outputs as floats."""
    cells = list(target) if _is_row(target) else [target]
    if len(cells) != outputs:
        raise ValueError(
            f"{name} is {target!r}, but the model has {outputs} outputs, so {loss} expects {outputs} numbers"
        )
    return [_number(f"{name}, column {column}", cell, loss, expected, accepts) for column, cell in enumerate(cells)]


def _is_row(target: Any) -> bool:
    return isinstance(target, (list, tuple)) or getattr(target, "ndim", 0) == 1


def _as_given(name: str, target: Any) -> Target:
    """Return a target for a loss of the user's own: arrays and their numbers as Python's, nothing nan or infinite."""
    target = target.tolist() if hasattr(target, "tolist") else target
    if isinstance(target, float):
        return real_number(name, target)
    if _is_row(target) and all(isinstance(cell, (float, int)) for cell in target):
        numbers(target, f"{name}, column {{}}")
    return target
