"""An objective is what training measures: the mean over samples of a loss, and of metrics such as the accuracy."""

from __future__ import annotations

from math import nan

from autograd_mini.datasets.preprocessing import same_length, table
from autograd_mini.engine.hooks import no_grad
from autograd_mini.engine.locations import PACKAGE, Place
from autograd_mini.engine.operators import where
from autograd_mini.engine.pytree import tree_map
from autograd_mini.engine.value import Value
from autograd_mini.errors import shown
from autograd_mini.nn.losses import LOSSES, leading
from autograd_mini.train.data import ArraySamples, finite_array, outputs_of, targets, targets_array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, Protocol

    from autograd_mini.train.data import Sample, Target

    Loss = Callable[[Any, Any], Any]
    Metric = Callable[[Any, Target], float]

    class Model(Protocol):
        """What can be trained: a function of a row of numbers that lists its parameters."""

        def __call__(self, row: Any, /) -> Any:
            """Return the prediction for a row: a Value, or a list of Values."""

        def parameters(self) -> Iterable[Any]:
            """Return what training changes."""


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


class Objective:
    """What is measured: a loss and metrics, each a function of a prediction and its target.

    Attributes:
        name: the name of the loss; None for a function of the user's own.
        loss: the loss, which is given Values and returns one.
        names: "loss" and the names of the metrics.
        metrics: the metrics by name, which are given plain floats and return a number.

    """

    def __init__(self, loss: str | Loss, metrics: Mapping[str, Metric] | None = None) -> None:
        function = LOSSES.get(loss) if isinstance(loss, str) else loss
        if not callable(function):
            raise (ValueError if isinstance(loss, str) else TypeError)(
                f"loss is {loss!r}, expected one of {', '.join(map(repr, LOSSES))}, or a function (prediction, target) "
                "-> scalar"
            )
        self.loss = function
        self.name = next((name for name, known in LOSSES.items() if known is function), None)
        if metrics is None:
            metrics = {"accuracy": ACCURACY[self.name]} if self.name in ACCURACY else {}
        for name, metric in metrics.items():
            if not callable(metric):
                raise TypeError(f"metrics[{name!r}] is {metric!r}, expected a function (prediction, target) -> number")
            if name in {"loss", "lr", "epoch"} or name.startswith("validation_"):
                raise ValueError(f"metrics has the name {name!r}, which the history uses itself: choose another")
        self.metrics = dict(metrics)
        self.names = ["loss", *self.metrics]

    def samples(self, model: Model, X: Any, y: Any, of: str = "") -> Sequence[Sample]:
        """Return the rows of X with their targets, checked, the model tried on the first; `of` is for messages."""
        array = finite_array(X)
        rows = table(f"X{of}", X) if array is None or array.ndim != 2 or not array.size else array
        first = rows[0] if isinstance(rows, list) else rows[0].tolist()
        outputs = outputs_of(model, first, of)
        if not isinstance(rows, list):
            found = targets_array(y, self.name, outputs)
            if found is not None and len(found) == len(rows):
                return ArraySamples(rows, found, self.name)
            rows = rows.tolist()
        wanted = targets(f"y{of}", y, self.name, outputs)
        same_length(rows, wanted, f"X{of}", f"y{of}")
        return list(zip(rows, wanted, strict=True))

    def of_nothing(self, model: Model, samples: Sequence[Sample]) -> float:
        """Return the mean loss of predicting 0 everywhere; nan where the loss is not defined there."""
        with no_grad():
            prediction = tree_map(lambda _: 0.0, model(samples[0][0]))
            try:
                losses = [self.loss(prediction, target) for _, target in samples]
                return sum(_figure("loss", loss) for loss in losses) / len(losses)
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):  # not made for plain numbers
                return nan

    def loss_of(self, prediction: Any, target: Target) -> Any:
        """Return the loss of a prediction; where one of the user's own fails, a TypeError says how it is called."""
        try:
            return self.loss(prediction, target)
        except (AttributeError, IndexError, TypeError) as error:
            if self.name is not None:
                raise
            raise TypeError(
                f"the loss failed{_raised_in(error)}: {error}. It is called for one row at a time, with the prediction "
                f"and the target of that row, here loss({shown(prediction)}, {shown(target)}), and the mean over a "
                "batch is taken of what it returns. If it is written for a batch, write it for one row: in place of "
                "sum((p - t)**2 for p, t in zip(predictions, targets)) / len(targets), "
                "lambda prediction, target: (prediction - target) ** 2"
            ) from error

    def sample(self, model: Model, row: list[float], target: Target) -> tuple[Value | None, list[float]]:
        """Return the loss of a sample, None if nothing depends on it, and the figures: that loss and the metrics."""
        prediction = model(row)
        loss = self.loss_of(prediction, target)
        if isinstance(loss, Value):
            figures = [loss.data]
        elif isinstance(loss, (float, int)):  # max(0, ...) may be a plain 0
            figures, loss = [float(loss)], None
        else:
            kind = type(loss).__name__
            raise TypeError(
                f"loss returned {loss!r} of type {kind}, expected one Value: (prediction, target) -> scalar"
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

    What is raised is as for `fit`.

    Args:
        model: a function of a row, with a method `parameters()`.
        X: the inputs, rows of numbers.
        y: the targets, one a row.
        loss: a name of `nn.losses.LOSSES`, or a function (prediction, target) -> Value.
        metrics: functions (prediction, target) -> number by name; None for the accuracy where the loss tells classes
            apart.

    >>> from autograd_mini import MLP
    >>> X, y = [[0.0, 1.0], [1.0, 0.0]], [1, 0]
    >>> sorted(evaluate(MLP(2, [1], seed=0), X, y, loss="binary_cross_entropy"))
    ['accuracy', 'loss']

    """
    objective = Objective(loss, metrics)
    return objective.measure(model, objective.samples(model, X, y))


def _raised_in(error: Exception) -> str:
    """Return ", in train.py, line 12: …," for the innermost line of an error that is not the package's own."""
    found, traceback = "", error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not code.co_filename.startswith(PACKAGE):
            found = f", in {Place(code, traceback.tb_lasti)},"
        traceback = traceback.tb_next
    return found


def _plain(prediction: Any) -> Any:
    return tree_map(lambda output: output.data if isinstance(output, Value) else output, prediction)


def _figure(name: str, found: Any) -> float:
    """Return what a metric gave as a float; the metric may be a loss of this package, which returns a Value."""
    if isinstance(found, Value):
        return found.data
    if not hasattr(found, "__float__"):
        raise TypeError(
            f"metrics[{name!r}] returned {found!r} of type {type(found).__name__}, expected a number: "
            "(prediction, target) -> number"
        )
    return float(found)
