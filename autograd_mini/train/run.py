"""A training run is everything that decides what its next step does, and epoch after epoch of such steps."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf, isfinite
from threading import current_thread, main_thread
from time import perf_counter
from warnings import warn

from autograd_mini.errors import DiagnosisWarning, DivergedError, TracingError
from autograd_mini.optim import LRScheduler
from autograd_mini.train.data import shuffled
from autograd_mini.train.history import History
from autograd_mini.train.steps import eager_instead

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from autograd_mini.train.checkpoints import Checkpoints
    from autograd_mini.train.data import Sample
    from autograd_mini.train.objective import Model, Objective
    from autograd_mini.train.parts import RowsInParts
    from autograd_mini.train.progress import Progress
    from autograd_mini.train.steps import Steps


DIVERGING = 100.0
"""Ratio of the last epoch's loss to that of the untrained model above which training counts as diverging."""

BEGINNING = 32
"""Minimum rows whose mean loss stands for that of the untrained model; of fewer than twice as many, half."""


@dataclass(eq=False, kw_only=True, repr=False)  # the samples would fill a screen
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
        parts: the rows to train on where they come in parts, from a stream or a cluster; `samples` are some of them.
        held_out_parts: the rows to validate on where they come in parts.
        bar: what shows the progress.
        epochs: how many epochs there are at most.
        batch_size: the rows of a batch.
        clip_norm: the most that the norm of all gradients may be before a step, or None.
        shuffle: whether the rows come in another order in each epoch.
        seed: what shuffles them.
        tol: the improvement of the loss in `patience` epochs up to which training counts as converged, or None.
        patience: see `tol`.
        callbacks: what is called after each epoch, and may change anything.
        history: the figures of the epochs so far.
        epoch: how many epochs are done.
        batch: how many batches of the next epoch are done already; 0 but after an interrupt.
        sums: over these batches, the sum of the loss and of each metric.
        interrupted: whether to stop after the step that is under way.
        steps: what takes the steps.
        must_compile: whether these have to be compiled ones.

    >>> from autograd_mini import MLP, fit
    >>> X, y = [[0.0], [1.0]], [1.0, 3.0]
    >>> history = fit(MLP(1, [1]), X, y, loss="mse", epochs=5, callbacks=[lambda training: training.epoch == 2])
    >>> len(history.loss)
    2

    """

    model: Model
    params: Sequence[Any]
    optimizer: Any
    schedule: Any
    objective: Objective
    samples: Sequence[Sample]
    held_out: Sequence[Sample]
    epochs: int
    batch_size: int
    clip_norm: float | None
    shuffle: bool
    seed: int
    tol: float | None
    patience: int
    callbacks: Sequence[Callable[[Training], object]]
    history: History = field(default_factory=History)
    epoch: int = 0
    batch: int = 0
    sums: list[float] = field(default_factory=list)
    interrupted: bool = False
    must_compile: bool = False
    parts: RowsInParts | None = None
    held_out_parts: RowsInParts | None = None
    bar: Progress | None = None
    steps: Steps = field(init=False)
    _beginning: float | None = field(default=None, init=False)  # the mean loss over the first rows

    def __post_init__(self) -> None:
        groups = getattr(self.optimizer, "param_groups", [])
        self.moved = tuple(parameter for group in groups for parameter in group["params"]) or tuple(self.params)
        known = {*map(id, self.params)}
        self.params = (*self.params, *[parameter for parameter in self.moved if id(parameter) not in known])

    @property
    def batches(self) -> int:
        """The number of batches of an epoch."""
        return -(-self.rows // self.batch_size)

    @property
    def rows(self) -> int:
        """The number of rows to train on."""
        return len(self.samples) if self.parts is None else self.parts.rows

    def run(self, checkpoints: Checkpoints, bar: Progress) -> History:
        """Run epoch after epoch until one of the reasons to stop, and return the history; for errors see `fit`.

        Args:
            checkpoints: what is written down between epochs.
            bar: what shows the progress.

        """
        self.bar = bar
        start = perf_counter() - self.history.seconds
        stopped = "converged" if self._converged() else None
        with self._interrupts():
            try:
                while stopped is None and self.epoch < self.epochs:
                    stopped = self._epoch(checkpoints, bar, start)
            finally:
                self.steps.settle()
                self.history.seconds = perf_counter() - start
                bar.close()
            self.history.stopped = stopped or "epochs"
            checkpoints.write()
        self._warn_if_diverging()
        return self.history

    def _epoch(self, checkpoints: Checkpoints, bar: Progress, start: float) -> str | None:
        """Run an epoch and return the reason to stop after it, if there is one."""
        row = self._means(bar)
        self.history.seconds = perf_counter() - start
        if row is None:
            return "interrupted"
        if self.held_out:
            measured = self._finite(self.steps.validate(), "the validation loss")
            row |= {f"validation_{name}": figure for name, figure in measured.items()}
        lr = getattr(self.optimizer, "lr", None)
        self.history.append(row if lr is None else {**row, "lr": lr})
        self.epoch += 1
        self.batch, self.sums = 0, []
        if self.schedule is not None:
            if type(self.schedule).__module__ != LRScheduler.__module__:
                self.steps.settle()  # one of the user's own may look at anything, and change it
            self.schedule.step()
        bar.epoch(self.epoch, row)
        if self.callbacks or checkpoints.due:
            self.steps.settle()
        if sum(bool(callback(self)) for callback in self.callbacks):  # each is called
            return "callback"
        if checkpoints.due:
            checkpoints.write()
        return "converged" if self._converged() else "interrupted" if self.interrupted else None

    def _means(self, bar: Progress) -> dict[str, float] | None:
        """Take a step for every batch that is left, and return the means over the epoch; None if interrupted."""
        count, batches = self.rows, self.batches
        in_memory = self.parts is None  # else the steps shuffle
        order = shuffled(count, self.seed, self.epoch) if self.shuffle and in_memory else range(count)
        start, before = perf_counter(), self.batch
        try:
            self.steps.begin(order)
        except TracingError as error:  # compiled steps turned out to be wrong
            self.steps = eager_instead(self, error)
            self.steps.begin(order)
        self.history.backend, self.history.why = self.steps.backend, self.steps.why
        while self.batch < batches and not self.interrupted:
            try:
                taken, self.sums = self.steps.take(self.batch, self.sums)
            except TracingError as error:  # on a path that is new the loss has other parameters, or there are too many
                self.steps.settle()
                self.steps = eager_instead(self, error)
                self.steps.begin(order)
                continue
            self.batch += taken
            rows = min(self.batch * self.batch_size, count)
            if self._beginning is None and rows >= min(BEGINNING, count / 2):
                self._beginning = self.history.loss[0] if self.history.epochs else self.sums[0] / rows
            if not in_memory:
                bar.rate = (rows - before * self.batch_size) / max(perf_counter() - start, 1e-9)
            bar.batch(self.epoch + 1, self.batch)
        if self.batch < batches:
            return None
        means = {name: total / count for name, total in zip(self.objective.names, self.sums, strict=True)}
        self._finite(means, "the mean loss")
        self.steps.check(means)
        return means

    def _converged(self) -> bool:
        """Return whether the last `patience` epochs improve the lowest loss before them by no more than `tol`."""
        losses, last = self.history.monitored, -self.patience
        return (
            self.tol is not None and len(losses) > self.patience and min(losses[:last]) - min(losses[last:]) <= self.tol
        )

    @contextmanager
    def _interrupts(self) -> Iterator[None]:
        """Let the first interrupt end training after the step under way, and a second one raise KeyboardInterrupt.

        In other threads, which get no signals, and where another handler is installed already, nothing changes.
        """
        if current_thread() is not main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            yield
            return

        def stop(number: int, frame: object) -> None:
            if self.interrupted:
                signal.default_int_handler(number, frame)  # type: ignore[arg-type]  # the frame it is given
            self.interrupted = True

        signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            if signal.getsignal(signal.SIGINT) is stop:  # a callback may have set another
                signal.signal(signal.SIGINT, signal.default_int_handler)

    def _warn_if_diverging(self) -> None:
        """Warn if the loss is far beyond that of the untrained model and of predicting 0, and comes down no more."""
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
            stacklevel=4,  # where `fit` was called
        )

    def _remedy(self) -> str:
        """Return the advice to lower the learning rate, with a number where the present one is known."""
        lr = getattr(self.optimizer, "lr", None)
        return f"a lower lr, such as {lr / 10:.2g} in place of {lr:.2g}" if lr else "a lower lr"

    def _finite(self, means: dict[str, float], what: str) -> dict[str, float]:
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
