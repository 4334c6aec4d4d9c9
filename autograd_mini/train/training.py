"""A training run: the model, and everything that decides what its next epoch does."""

from __future__ import annotations

from math import isfinite
from operator import attrgetter

from autograd_mini.arguments import random_numbers
from autograd_mini.errors import DivergedError
from autograd_mini.optim import clip_grad_norm_
from autograd_mini.train.history import History

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from autograd_mini.train.measuring import Model, Objective, Sample

_data = attrgetter("data")


class Training:
    """The state of a training run between two epochs. `fit` makes it, and hands it to the callbacks.

    What it holds is all that the epochs to come depend on, beside the data and the arguments of `fit`: the shuffling
    of an epoch depends on the seed and the epoch's number alone.

    Attributes:
        model: what is trained.
        optimizer: what moves its parameters.
        schedule: what sets the learning rate of each epoch, or None.
        history: the figures of the epochs so far.
        epoch: how many epochs are done.
        seed: what shuffles the data.

    """

    def __init__(self, model: Model, params: Sequence[Any], optimizer: Any, schedule: Any, seed: int) -> None:
        self.model = model
        self.optimizer = optimizer
        self.schedule = schedule
        self.history = History()
        self.epoch = 0
        self.seed = seed
        self._params = params
        self._safe: list[float] | None = None  # the parameters before the last step, under which the loss was finite

    def order(self, count: int) -> list[int]:
        """Return the numbers below `count` in the random order of the next epoch."""
        random = random_numbers((self.seed << 32) + self.epoch)
        # Rows sorted by a random number each; `Random.shuffle` may differ between Python versions.
        return sorted(range(count), key=lambda _row: random())

    def run_epoch(
        self,
        objective: Objective,
        samples: Sequence[Sample],
        batches: Sequence[Sequence[int]],
        clip_norm: float | None,
        done: Callable[[int, int], None],
    ) -> dict[str, float]:
        """Take a step for every batch, a list of positions in `samples`, and return the means over the epoch.

        Args:
            objective: the loss and the metrics.
            samples: rows with their targets.
            batches: which samples to take for each step.
            clip_norm: the most that the norm of all gradients may be, or None.
            done: called after every batch with the epoch, from 1, and the number of batches done.

        Raises:
            DivergedError: if the loss or a parameter is no longer finite.

        """
        figures: list[list[float]] = []
        depends = False
        for number, batch in enumerate(batches, 1):
            self.optimizer.zero_grad()
            for row in batch:
                loss, measured = objective.sample(self.model, *samples[row])
                if not isfinite(measured[0]):
                    raise self.diverged(f"the loss of row {row} became {measured[0]}", number)
                # The backward pass of one sample at a time takes the memory of one sample's graph, and less time than
                # that of the whole batch, whose graph leaves the processor's cache.
                if loss is not None:
                    loss.backward(1.0 / len(batch))
                    depends = True
                figures.append(measured)
            if clip_norm is not None:
                clip_grad_norm_(self._params, clip_norm)
            self._step(number)
            done(self.epoch + 1, number)
        means = self._finite(objective.means(figures), "the mean loss")
        if not depends and means["loss"]:
            raise TypeError(
                "every loss was a plain number, so nothing was learnt: the model or the loss lets go of the Values, "
                "as .data and float() do"
            )
        return means

    def validate(self, objective: Objective, samples: Sequence[Sample]) -> dict[str, float]:
        """Return the means over samples kept out of training, after the steps of an epoch; nothing for no samples."""
        if not samples:
            return {}
        measured = self._finite(objective.measure(self.model, samples), "the validation loss")
        return {f"validation_{name}": figure for name, figure in measured.items()}

    def end_epoch(self, row: Mapping[str, float]) -> None:
        """Write the figures of the epoch down, with its learning rate, and go on to the next."""
        lr = getattr(self.optimizer, "lr", None)
        self.history.append(row if lr is None else {**row, "lr": lr})
        self.epoch += 1
        if self.schedule is not None:
            self.schedule.step()

    def _finite(self, means: dict[str, float], what: str) -> dict[str, float]:
        """Return the means, if the loss is finite."""
        if not isfinite(means["loss"]):
            raise self.diverged(f"{what} became {means['loss']}")
        return means

    def _step(self, batch: int) -> None:
        """Move the parameters, and take note of what they were."""
        before = [*map(_data, self._params)]
        self.optimizer.step()
        self._safe = before
        if not all(map(isfinite, map(_data, self._params))):
            raise self.diverged("a parameter became nan or infinite", batch)

    def diverged(self, what: str, batch: int | None = None) -> DivergedError:
        """Return the error for a loss that is not finite, with the model as it was when the loss was last finite."""
        where = f"{what} in epoch {self.epoch + 1}" + (f", batch {batch}" if batch else "")
        if self._safe is None:
            return DivergedError(
                f"{where}, before any step: the model gives no finite loss for this data as it is; standardise the "
                "inputs (datasets.standardise), or start from smaller parameters",
                self.history,
            )
        for parameter, number in zip(self._params, self._safe, strict=True):
            parameter.data = number
        lr = getattr(self.optimizer, "lr", None)
        remedy = f"a lower lr, such as {lr / 10:.2g} in place of {lr:.2g}" if lr else "a lower lr"
        return DivergedError(
            f"{where}: try {remedy}, or clip_norm=1.0. The model has the parameters from before the last step, the "
            "last for which the loss was finite",
            self.history,
        )
