"""The choice of steps: compiled where model and loss allow it and it pays, else eager."""

from __future__ import annotations

from autograd_mini.engine.value import leaf_watchers
from autograd_mini.errors import TracingError
from autograd_mini.train.compiled import CompiledSteps
from autograd_mini.train.eager import EagerSteps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from autograd_mini.train.measuring import Objective, Sample
    from autograd_mini.train.training import Steps, Training

    Compile = bool | Literal["auto", "python", "numpy", "llvm", "vm"]

WORDS = ("auto", "python", "numpy", "llvm", "vm")
WORTH = 5_000
"""Compiling takes some tenths of a second, and pays where rows times parameters are at least so many."""


class StepsOfTraining:
    """Finds the steps for a run, and others when those turn out to be wrong.

    Args:
        compile: True or the name of a backend to compile or raise, False for eager steps, "auto" to decide.
        training: the run.
        objective: its loss and metrics.
        samples: what to train on.
        held_out: what to validate on.
        size: the rows of a batch.
        clip_norm: the most that the norm of all gradients may be before a step, or None.

    Raises:
        ValueError: if `compile` is none of these.
        TracingError: if model or loss cannot be compiled, but must.

    """

    def __init__(
        self,
        compile: Compile,  # noqa: A002 - the argument of fit
        training: Training,
        objective: Objective,
        samples: Sequence[Sample],
        held_out: Sequence[Sample],
        size: int,
        clip_norm: float | None,
    ) -> None:
        if not isinstance(compile, str) and compile in (True, False):
            compile = bool(compile)  # noqa: A001 - 0, 1, and NumPy's are truth values too
        elif compile not in WORDS:
            raise ValueError(
                f"compile is {compile!r}, but expected True, False, or one of {', '.join(map(repr, WORDS))}"
            )
        size = min(size, len(samples))  # as machine code counts, numbers have 64 bits
        self._given = training, objective, samples, held_out, size, clip_norm
        self._must = compile is not False and compile != "auto"
        self._steps: Steps
        work = len(samples) * len(training.params)
        if compile is False:
            self._eager("compile=False")
        elif not self._must and leaf_watchers:
            self._eager("a block of anomaly() or origin() is on, which look at every operation")
        elif not self._must and work < WORTH:
            self._eager(f"{len(samples)} rows and {len(training.params)} parameters are soon done without compiling")
        else:
            backend = compile if isinstance(compile, str) else "auto"
            try:
                self._steps = CompiledSteps(*self._given, backend)
            except (TracingError, ImportError) as error:
                self._otherwise(error)

    def begun(self, order: Sequence[int]) -> Steps:
        """Return the steps, ready for an epoch in which the samples come in this order."""
        try:
            self._steps.begin(order)
        except TracingError as error:
            self._otherwise(error)
            self._steps.begin(order)
        history = self._given[0].history
        history.backend, history.why = self._steps.backend, self._steps.why
        return self._steps

    def settle(self) -> None:
        """Write the parameters and the state of the optimiser to where others see them."""
        self._steps.settle()

    def _eager(self, why: str) -> None:
        self._steps = EagerSteps(*self._given, why)

    def _otherwise(self, error: Exception) -> None:
        if self._must:
            raise error
        self._eager(str(error))
