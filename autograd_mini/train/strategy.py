"""A strategy takes the steps of training: compiled where model and loss allow it and it pays, else eager."""

from __future__ import annotations

from autograd_mini.compiler.backends import CHOICES
from autograd_mini.engine.hooks import on_leaf
from autograd_mini.errors import TracingError
from autograd_mini.train.compiled_steps import CompiledSteps
from autograd_mini.train.eager_steps import EagerSteps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.train.run import Steps, Training

    Compile = bool | str

WORTH = 5_000
"""Minimum of rows times parameters for compiling, which takes some tenths of a second, to pay."""


def choose_strategy(training: Training, compile: Compile) -> Steps:  # noqa: A002 - the argument of fit
    """Return what takes the steps of a run.

    Args:
        training: the run.
        compile: True or the name of a backend to compile or raise, False for eager steps, "auto" to decide.

    Raises:
        ValueError: if `compile` is none of these.
        TracingError: if model or loss cannot be compiled, but must.

    """
    if not isinstance(compile, str) and compile in (True, False):
        compile = bool(compile)  # noqa: A001 - 0, 1, and NumPy's are truth values too
    elif compile not in CHOICES:
        raise ValueError(f"compile is {compile!r}, but expected True, False, or one of {', '.join(map(repr, CHOICES))}")
    training.must_compile = compile is not False and compile != "auto"
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
        return _eager_instead(training, error)


def begin_epoch(training: Training, order: Sequence[int]) -> None:
    """Bring the samples into an order; where compiled steps turn out to be wrong, go on with eager ones."""
    try:
        training.steps.begin(order)
    except TracingError as error:
        training.steps = _eager_instead(training, error)
        training.steps.begin(order)
    training.history.backend, training.history.why = training.steps.backend, training.steps.why


def _eager_instead(training: Training, error: Exception) -> EagerSteps:
    if training.must_compile:
        raise error
    return EagerSteps(training, str(error))
