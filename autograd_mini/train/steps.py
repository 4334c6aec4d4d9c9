"""The steps of training: compiled where model and loss allow it and it pays, else eager.

Eagerly every sample's graph is built and walked back, one after the other.
"""

from __future__ import annotations

from math import isfinite
from operator import add, attrgetter

from autograd_mini.compiler.backends import CHOICES
from autograd_mini.engine.hooks import on_leaf
from autograd_mini.errors import TracingError
from autograd_mini.optim import clip_grad_norm_
from autograd_mini.optim.parameters import set_data, set_gradients
from autograd_mini.train.compiled_steps import CompiledSteps
from autograd_mini.train.parts import StreamedSteps, SummedSteps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from autograd_mini.compiler.backends import Choice
    from autograd_mini.train.run import Training

    Compile = bool | Choice
    Steps: TypeAlias = "EagerSteps | CompiledSteps"

WORTH = 5_000
"""Minimum of rows times parameters for compiling, which takes some tenths of a second, to pay."""

_data = attrgetter("data")


def chosen_steps(training: Training, compile: Compile) -> Steps:  # noqa: A002 - the argument of fit
    """Return what takes the steps of a run: compiled or not, as `compile` of `fit` says, which may raise."""
    if not isinstance(compile, str) and compile in (True, False):
        compile = bool(compile)  # noqa: A001 - 0, 1, and NumPy's are truth values too
    elif compile not in CHOICES:
        raise ValueError(f"compile is {compile!r}, expected True, False, or one of {', '.join(map(repr, CHOICES))}")
    training.must_compile = compile is not False and compile != "auto"
    if training.parts is not None:
        if compile is False:
            raise ValueError(
                "compile is False, expected True or a backend for rows in parts, which need compiled steps"
            )
        training.must_compile = True  # there is no list of samples to go through
        kind = StreamedSteps if training.parts.streamed(training.batch_size) else SummedSteps
        return kind(training, compile if isinstance(compile, str) else "auto")
    rows, parameters = len(training.samples), len(training.params)
    if compile is False:
        return EagerSteps(training, "compile=False")
    if not training.must_compile and on_leaf:
        return EagerSteps(training, "a block of anomaly() or origin() is on, which look at every operation")
    if not training.must_compile and rows * parameters < WORTH:
        return EagerSteps(training, f"{rows} rows and {parameters} parameters are soon done without compiling")
    try:
        return CompiledSteps(training, compile if isinstance(compile, str) else "auto")
    except (TracingError, ImportError) as error:
        return eager_instead(training, error)


def eager_instead(training: Training, error: Exception) -> EagerSteps:
    """Return eager steps where compiled ones are wrong or impossible, or raise the error if they must be compiled."""
    if training.must_compile:
        raise error
    return EagerSteps(training, str(error))


class EagerSteps:
    """The steps of training, on Values; `backend` is what the history calls this way, `why` why it was chosen."""

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
        """Take a step along the gradient of the mean loss of a batch of the order; return how many, and new sums.

        `sums` are over the batches before it those of the loss and of each metric; empty at first.
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
