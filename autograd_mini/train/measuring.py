"""Measuring a model is taking the mean of its loss, and of metrics such as the accuracy, over samples."""

from __future__ import annotations

from autograd_mini.engine.recording import no_grad
from autograd_mini.engine.value import Value
from autograd_mini.train.choices import chosen_loss
from autograd_mini.train.data import same_length, table
from autograd_mini.train.targets import ACCURACY, targets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, Protocol

    from autograd_mini.train.choices import Loss
    from autograd_mini.train.targets import Target

    Metric = Callable[[Any, Target], float]
    Sample = tuple[list[float], Target]

    class Model(Protocol):
        """What can be trained: a function of a row of numbers that lists its parameters."""

        def __call__(self, row: Any, /) -> Any:
            """Return the prediction for a row: a Value, or a list of Values."""

        def parameters(self) -> Iterable[Any]:
            """Return what training changes."""


class Objective:
    """What is measured: a loss and metrics, each a function of a prediction and its target.

    Attributes:
        name: the name of the loss; None for a function of the user's own.
        loss: the loss, which is given Values and returns one.
        names: "loss" and the names of the metrics.
        metrics: the metrics by name, which are given plain floats and return a number.

    """

    def __init__(self, loss: str | Loss, metrics: Mapping[str, Metric] | None = None) -> None:
        """Find the loss by its name, and without metrics the accuracy, if the loss tells classes apart."""
        self.name, self.loss = chosen_loss(loss)
        if metrics is None:
            metrics = {"accuracy": ACCURACY[self.name]} if self.name in ACCURACY else {}
        for name, metric in metrics.items():
            if not callable(metric):
                raise TypeError(
                    f"metrics[{name!r}] is {metric!r}, but expected a function (prediction, target) -> number"
                )
            if name in {"loss", "lr", "epoch"} or name.startswith("validation_"):
                raise ValueError(f"metrics has the name {name!r}, which the history uses itself: choose another")
        self.metrics = dict(metrics)
        self.names = ["loss", *self.metrics]

    def samples(self, model: Model, X: Any, y: Any, of: str = "") -> list[Sample]:
        """Return the rows of X with their targets, checked; the model is tried on the first row.

        What messages call X and y ends in `of`, such as " of validation".
        """
        rows = table(f"X{of}", X)
        with no_grad():
            try:
                prediction = model(rows[0])
            except ValueError as error:
                raise ValueError(f"the model refused row 0 of X{of}, of {len(rows[0])} numbers: {error}") from error
        outputs = len(prediction) if isinstance(prediction, (list, tuple)) else None
        wanted = targets(f"y{of}", y, self.name, outputs)
        same_length(rows, wanted, f"X{of}", f"y{of}")
        return list(zip(rows, wanted, strict=True))

    def sample(self, model: Model, row: list[float], target: Target) -> tuple[Value | None, list[float]]:
        """Return the loss of a sample, None if nothing depends on it, and the figures: that loss and the metrics."""
        prediction = model(row)
        loss = self.loss(prediction, target)
        if isinstance(loss, Value):
            figures = [loss.data]
        elif isinstance(loss, (float, int)):  # max(0, ...) may be a plain 0
            figures, loss = [float(loss)], None
        else:
            kind = type(loss).__name__
            raise TypeError(
                f"loss returned {loss!r} of type {kind}, but expected one Value: (prediction, target) -> scalar"
            )
        if self.metrics:
            figures += self.measured(_plain(prediction), target)
        return loss, figures

    def columns(self, *, validated: bool) -> list[str]:
        """Return the names of the figures of an epoch, of validation too where there is one."""
        return [*self.names, *[f"validation_{name}" for name in self.names if validated]]

    def measured(self, prediction: Any, target: Target) -> list[float]:
        """Return the metrics of a prediction of plain floats."""
        return [_figure(name, metric(prediction, target)) for name, metric in self.metrics.items()]

    def means(self, figures: Sequence[Sequence[float]]) -> dict[str, float]:
        """Return the mean over samples of each of their figures, by name."""
        columns = zip(self.names, zip(*figures, strict=True), strict=True)
        return {name: sum(column) / len(figures) for name, column in columns}

    def measure(self, model: Model, samples: Sequence[Sample]) -> dict[str, float]:
        """Return the means over samples, with recording paused."""
        with no_grad():
            return self.means([self.sample(model, row, target)[1] for row, target in samples])


def evaluate(
    model: Model,
    X: Any,
    y: Any,
    *,
    loss: str | Loss,
    metrics: Mapping[str, Metric] | None = None,
) -> dict[str, float]:
    """Return the mean loss and the metrics of a model over the rows of X and their targets y.

    All arguments, and what is raised, are as for `fit`.

    >>> from autograd_mini import MLP
    >>> X, y = [[0.0, 1.0], [1.0, 0.0]], [1, 0]
    >>> sorted(evaluate(MLP(2, [1], seed=0), X, y, loss="binary_cross_entropy"))
    ['accuracy', 'loss']
    """
    objective = Objective(loss, metrics)
    return objective.measure(model, objective.samples(model, X, y))


def _plain(prediction: Any) -> Any:
    """Return a prediction as plain floats."""
    if isinstance(prediction, dict):
        return {name: _plain(output) for name, output in prediction.items()}
    if isinstance(prediction, (list, tuple)):
        return [_plain(output) for output in prediction]
    return prediction.data if isinstance(prediction, Value) else prediction


def listed(prediction: Any) -> Any:
    """Return a prediction as metrics get it, with its Values as they are: lists in place of tuples."""
    if isinstance(prediction, dict):
        return {name: listed(output) for name, output in prediction.items()}
    return [*map(listed, prediction)] if isinstance(prediction, (list, tuple)) else prediction


def _figure(name: str, found: Any) -> float:
    """Return what a metric gave as a float; the metric may be a loss of this package, which returns a Value."""
    if isinstance(found, Value):
        return found.data
    if not hasattr(found, "__float__"):
        raise TypeError(
            f"metrics[{name!r}] returned {found!r} of type {type(found).__name__}, but expected a number: "
            "(prediction, target) -> number"
        )
    return float(found)
