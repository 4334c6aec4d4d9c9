"""A training run: what `fit` was given, and everything that decides what its next step does."""

from __future__ import annotations

from math import inf, isfinite
from warnings import warn

from autograd_mini.errors import DiagnosisWarning, DivergedError
from autograd_mini.optim import LRScheduler
from autograd_mini.train.data import shuffled
from autograd_mini.train.history import History
from autograd_mini.train.strategy import begin_epoch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeAlias

    from autograd_mini.train.compiled_steps import CompiledSteps
    from autograd_mini.train.eager_steps import EagerSteps
    from autograd_mini.train.objective import Model, Objective, Sample

    Steps: TypeAlias = "EagerSteps | CompiledSteps"


DIVERGING = 100.0
"""Ratio of the last epoch's loss to that of the untrained model above which training counts as diverging."""

BEGINNING = 32
"""Minimum rows whose mean loss stands for that of the untrained model; of fewer than twice as many, half."""


class Training:
    """The state of a training run between two steps. `fit` makes it, and hands it to the callbacks.

    Beside what `fit` was given, it holds all that the steps to come depend on: the shuffling of an epoch depends on the
    seed and the epoch's number alone. `checkpoints` writes it to a file.

    Attributes:
        model: what is trained.
        params: its parameters, and after them those that the optimiser moves besides, such as the loss's; a tuple.
        moved: those of them that the optimiser moves.
        optimizer: what moves them.
        schedule: what sets the learning rate of each epoch, or None.
        objective: the loss and the metrics.
        samples: the rows to train on with their targets.
        held_out: those to validate on.
        batch_size: the rows of a batch.
        clip_norm: the most that the norm of all gradients may be before a step, or None.
        shuffle: whether the rows come in another order in each epoch.
        seed: what shuffles them.
        history: the figures of the epochs so far.
        epoch: how many epochs are done.
        batch: how many batches of the next epoch are done already; 0 but after an interrupt.
        sums: over these batches, the sum of the loss and of each metric.
        interrupted: whether to stop after the step that is under way.
        watched: whether there are callbacks, which may change anything between two epochs.
        steps: the strategy that takes the steps.
        must_compile: whether that has to be a compiled one.

    >>> from autograd_mini import MLP, fit
    >>> X, y = [[0.0], [1.0]], [1.0, 3.0]
    >>> history = fit(MLP(1, [1]), X, y, loss="mse", epochs=5, callbacks=[lambda training: training.epoch == 2])
    >>> len(history.loss)
    2

    """

    steps: Steps

    def __init__(
        self,
        model: Model,
        params: Sequence[Any],
        optimizer: Any,
        schedule: Any,
        *,
        objective: Objective,
        samples: Sequence[Sample],
        held_out: Sequence[Sample],
        batch_size: int,
        clip_norm: float | None,
        shuffle: bool,
        seed: int,
    ) -> None:
        self.model = model
        groups = getattr(optimizer, "param_groups", [])
        self.moved = tuple(parameter for group in groups for parameter in group["params"]) or tuple(params)
        known = {*map(id, params)}
        self.params = (*params, *[parameter for parameter in self.moved if id(parameter) not in known])
        self.optimizer, self.schedule = optimizer, schedule
        self.objective, self.samples, self.held_out = objective, samples, held_out
        self.batch_size, self.clip_norm = batch_size, clip_norm
        self.shuffle, self.seed = shuffle, seed
        self.history = History()
        self.epoch = 0
        self.batch = 0
        self.sums: list[float] = []
        self.interrupted = self.watched = self.must_compile = False
        self._beginning: float | None = None  # the mean loss over the first rows

    @property
    def batches(self) -> int:
        """The number of batches of an epoch."""
        return -(-len(self.samples) // self.batch_size)

    @property
    def order(self) -> Sequence[int]:
        """The order in which the rows come in this epoch."""
        count = len(self.samples)
        return shuffled(count, self.seed, self.epoch) if self.shuffle else range(count)

    def run_epoch(self, done: Callable[[int, int], None]) -> dict[str, float] | None:
        """Take a step for every batch that is not done yet, and return the means over the epoch; None if interrupted.

        Args:
            done: called after steps with the epoch, from 1, and the number of batches done.

        Raises:
            DivergedError: if the loss or a parameter is no longer finite.

        """
        begin_epoch(self, self.order)
        while self.batch < self.batches and not self.interrupted:
            taken, self.sums = self.steps.take(self.batch, self.sums)
            self.batch += taken
            self._note_beginning()
            done(self.epoch + 1, self.batch)
        if self.batch < self.batches:
            return None
        means = {name: total / len(self.samples) for name, total in zip(self.objective.names, self.sums, strict=True)}
        self._finite(means, "the mean loss")
        self.steps.check(means)
        return means

    def validate(self) -> dict[str, float]:
        """Return the means over the samples kept out of training, after the steps of an epoch."""
        measured = self._finite(self.steps.validate(), "the validation loss")
        return {f"validation_{name}": figure for name, figure in measured.items()}

    def end_epoch(self, row: Mapping[str, float]) -> None:
        """Write the figures of the epoch down, with its learning rate, and go on to the next."""
        lr = getattr(self.optimizer, "lr", None)
        self.history.append(row if lr is None else {**row, "lr": lr})
        self.epoch += 1
        self.batch, self.sums = 0, []
        if self.schedule is not None:
            if type(self.schedule).__module__ != LRScheduler.__module__:
                self.steps.settle()  # one of the user's own may look at anything, and change it
            self.schedule.step()

    def _note_beginning(self) -> None:
        """Note the mean loss of the first rows, once these are enough to tell."""
        count = len(self.samples)
        rows = min(self.batch * self.batch_size, count)
        if self._beginning is None and rows >= min(BEGINNING, count / 2):
            self._beginning = self.history.loss[0] if self.history.epochs else self.sums[0] / rows

    def warn_if_diverging(self) -> None:
        """Warn if the loss has grown far beyond that of the untrained model, and that of a model that predicts 0.

        A loss that has come down again from where it was after the first epoch is not diverging.
        """
        losses = self.history.loss
        if self._beginning is None or not losses or losses[-1] <= DIVERGING * abs(self._beginning):
            return
        scale = abs(self.objective.of_nothing(self.model, self.samples))
        scale = max(abs(self._beginning), scale if 0.0 < scale < inf else 1.0)
        if losses[-1] <= DIVERGING * scale or losses[-1] < 0.1 * losses[0]:
            return
        warn(
            DiagnosisWarning(
                f"training diverges: the loss was {self._beginning:.3g} at the beginning and {losses[-1]:.3g} in epoch "
                f"{self.epoch}. Try {self._remedy()}, clip_norm=1.0, or inputs and targets of size 1 "
                "(datasets.standardise), from new parameters"
            ),
            stacklevel=3,
        )

    def _remedy(self) -> str:
        """Return the advice to lower the learning rate, with a number where the present one is known."""
        lr = getattr(self.optimizer, "lr", None)
        return f"a lower lr, such as {lr / 10:.2g} in place of {lr:.2g}" if lr else "a lower lr"

    def _finite(self, means: dict[str, float], what: str) -> dict[str, float]:
        """Return the means, if the loss is finite."""
        if not isfinite(means["loss"]):
            raise self.diverged(f"{what} became {means['loss']}", in_batch=False)
        return means

    def diverged(self, what: str, *, in_batch: bool = True) -> DivergedError:
        """Return the error for a loss that is not finite, with the model as it was when the loss was last finite.

        Args:
            what: what is not finite, in words.
            in_batch: whether that was found in a batch, to be named, or after the epoch.

        """
        where = f"{what} in epoch {self.epoch + 1}" + (f", batch {self.batch + 1}" if in_batch else "")
        if not self.steps.restore():
            return DivergedError(
                f"{where}, before any step: the model gives no finite loss for this data as it is; standardise the "
                "inputs (datasets.standardise), or start from smaller parameters",
                self.history,
            )
        return DivergedError(
            f"{where}: try {self._remedy()}, or clip_norm=1.0. The model has the parameters from before the last step, "
            "the last for which the loss was finite",
            self.history,
        )
