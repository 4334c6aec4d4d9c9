"""Eager steps: every sample's graph is built and walked back, one after the other."""

from __future__ import annotations

from math import isfinite
from operator import add, attrgetter

from autograd_mini.optim import clip_grad_norm_
from autograd_mini.optim.parameters import set_data, set_gradients

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.train.run import Training

_data = attrgetter("data")


class EagerSteps:
    """The steps of training, on Values.

    Attributes:
        backend: the name that the history gives to this way.
        why: why it was chosen.

    """

    backend = "eager"

    def __init__(self, training: Training, why: str) -> None:
        self.why = why
        self._training, self._size = training, training.batch_size
        self._order: Sequence[int] = ()
        self._depends = False
        self._before: list[float] | None = None  # the parameters before the last step

    def begin(self, order: Sequence[int]) -> None:
        """Start an epoch, in which the samples come in this order."""
        self._order = [*map(int, order)]
        self._depends = False

    def take(self, batch: int, sums: list[float]) -> tuple[int, list[float]]:
        """Take a step along the gradient of the mean loss of a batch of the order, or several.

        Args:
            batch: which one, from 0.
            sums: over the batches before it the sums of the loss and of each metric; empty at first.

        Returns:
            how many steps were taken, and the sums after them.

        Raises:
            DivergedError: if the loss or a parameter is no longer finite.

        """
        training = self._training
        objective = training.objective
        rows = self._order[batch * self._size : (batch + 1) * self._size]
        training.optimizer.zero_grad()
        set_gradients(training.params, [0.0] * len(training.params))  # of those too that the optimiser leaves alone
        figures: list[list[float]] = []
        for row in rows:
            loss, measured = objective.sample(training.model, *training.samples[row])
            if not isfinite(measured[0]):
                raise training.diverged(f"the loss of row {row} became {measured[0]}")
            # The backward pass of one sample at a time takes the memory of one sample's graph, and less time than
            # that of the whole batch, whose graph leaves the processor's cache.
            if loss is not None:
                loss.backward(1.0 / len(rows))
                self._depends = True
            figures.append(measured)
        if training.clip_norm is not None:
            clip_grad_norm_(training.moved, training.clip_norm)
        before = [*map(_data, training.params)]
        training.optimizer.step()
        self._before = before
        if not all(map(isfinite, map(_data, training.params))):
            raise training.diverged("a parameter became nan or infinite")
        found: list[float] = [*map(sum, zip(*figures, strict=True))]
        return 1, [*map(add, sums, found)] if sums else found

    def settle(self) -> None:
        """Leave model and optimiser as they are after the last step, for others to see."""

    def check(self, means: dict[str, float]) -> None:
        """Raise a TypeError if no loss of the epoch depended on anything."""
        if not self._depends and means["loss"]:
            raise TypeError(
                "every loss was a plain number, so nothing was learnt: the model or the loss lets go of the Values, "
                "as .data and float() do"
            )

    def restore(self) -> bool:
        """Put the parameters back as they were before the last step; return whether there was one."""
        if self._before is None:
            return False
        set_data(self._training.params, self._before)
        return True

    def validate(self) -> dict[str, float]:
        """Return the means over the samples kept out of training."""
        return self._training.objective.measure(self._training.model, self._training.held_out)
