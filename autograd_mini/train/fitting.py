"""`fit` trains a model: it checks what it is given, then runs epoch after epoch until one of the reasons to stop."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from contextlib import contextmanager
from random import SystemRandom
from threading import current_thread, main_thread
from time import perf_counter

from autograd_mini.engine.checks import random_numbers
from autograd_mini.engine.hooks import is_recording
from autograd_mini.optim.hyperparameters import nonnegative, positive, positive_whole, whole
from autograd_mini.optim.parameters import parameters
from autograd_mini.train.checkpoints import Checkpoints
from autograd_mini.train.objective import Objective
from autograd_mini.train.progress import progress_bar
from autograd_mini.train.resolve import chosen_optimizer, chosen_schedule
from autograd_mini.train.run import Training
from autograd_mini.train.strategy import choose_strategy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from os import PathLike
    from typing import Any, Literal

    from autograd_mini.engine.checks import Function
    from autograd_mini.optim import LRScheduler, Optimizer
    from autograd_mini.train.history import History
    from autograd_mini.train.objective import Metric, Model, Sample
    from autograd_mini.train.resolve import Loss
    from autograd_mini.train.strategy import Compile


def fit(  # noqa: PLR0913, PLR0915 - the choices there are in training
    model: Model,
    X: Any,
    y: Any,
    *,
    loss: str | Loss,
    optimizer: str | Optimizer | Function = "sgd",
    lr: float | None = None,
    epochs: int = 100,
    batch_size: int | None = 32,
    validation: tuple[Any, Any] | None = None,
    seed: int | None = 0,
    shuffle: bool = True,
    tol: float | None = None,
    patience: int = 10,
    schedule: LRScheduler | Callable[[Any], Any] | None = None,
    callbacks: Iterable[Callable[[Training], object]] = (),
    metrics: Mapping[str, Metric] | None = None,
    clip_norm: float | None = None,
    progress: bool | Literal["auto"] = "auto",
    compile: Compile = "auto",  # noqa: A002 - what it is called in PyTorch and Keras
    checkpoint: str | PathLike[str] | None = None,
    every: int = 1,
    resume: str | PathLike[str] | bool | None = None,
    **options: Any,
) -> History:
    """Train a model on the rows of X and their targets y, and return the history of its loss and metrics.

    Each epoch goes through all rows once, in batches; for each batch the optimiser takes a step along the gradient of
    the mean loss. The same seed gives the same history and parameters, to the bit.

    Ctrl-C ends training after the step under way: the history so far is returned (`stopped` is "interrupted"), the
    checkpoint has that very step, and a second Ctrl-C raises KeyboardInterrupt.

    Args:
        model: a function of a row, a list of floats, with a method `parameters()`, such as an MLP.
        X: the inputs, rows of numbers: lists, tuples, an array, a data frame, a generator of rows.
        y: the targets, one a row: numbers; rows of numbers for a model of several outputs; class indices for
            cross_entropy; 0 and 1 for binary_cross_entropy; -1 and 1 for hinge.
        loss: a name of `nn.losses.LOSSES`, or a function (prediction, target) -> Value, called for one row at a time.
        optimizer: a name of `optim.OPTIMIZERS`, such as "sgd" or "adam"; a class, or a function, of the parameters; or
            a ready optimiser.
        lr: the learning rate; None for the `rate` of a named optimiser (0.1 for sgd, 0.01 for adam and adamw), or that
            of the class or the ready optimiser.
        epochs: how often to go through the data at most.
        batch_size: rows a step; the last batch of an epoch may be smaller. None for all rows in one.
        validation: a pair (X, y) to measure after each epoch, on which nothing is trained.
        seed: what shuffles the rows, a whole number; None for another order every time.
        shuffle: whether to shuffle them anew for each epoch.
        tol: stop as converged when `patience` epochs together improve the best loss, of validation if there is one,
            by no more than this; None to do all epochs.
        patience: see `tol`.
        schedule: a schedule of a ready optimiser, or a function of the optimiser that makes one, such as
            `lambda optimizer: CosineAnnealingLR(optimizer, T_max=100)`. It makes a step after each epoch.
        callbacks: functions called after each epoch with the `Training`: model, optimizer, schedule, history, epoch.
            One that returns something true ends the training.
        metrics: functions (prediction, target) -> number by name, given plain floats, averaged over rows; None for the
            accuracy where the loss tells classes apart.
        clip_norm: the most that the norm of the gradients of all that the optimiser moves may be before a step.
        progress: whether to show a bar; "auto" for only in a terminal or a notebook.
        compile: whether to compile the model and its loss and to run the optimiser on arrays: "auto" for where they
            can be compiled, and rows times parameters are at least 5,000; True, or the name of a backend of
            `jit`, to raise where they cannot; False for one graph a sample. Results differ in rounding alone, and
            `history.backend` says what was done. A compiled model and its loss are called for some samples only, to
            see that they still compute the same.
        checkpoint: a file to write the state of training to, for `resume`; it is always whole.
        every: how many epochs lie between two checkpoints. There is one more when training ends.
        resume: a checkpoint to go on from, with the same arguments and as many `epochs` in all: the result is that of
            a run that was never interrupted, to the bit. True for `checkpoint` if it exists, else from the beginning.
            For another rate, or other data, resume with the same to the epoch it has reached, and then fit anew.
        options: further settings of the optimiser: momentum=0.9, weight_decay=1e-4, betas=(0.9, 0.99).

    Raises:
        DivergedError: if the loss becomes nan or infinite; the model then has the last parameters for which it was not.
        ValueError: for data or a setting that does not fit, naming argument, row and column; and for a checkpoint of
            another run.
        TypeError: for an argument of the wrong kind, and for a loss that cannot be computed of one row.
        TracingError: if compile is neither "auto" nor False and the model or the loss cannot be compiled.
        ModelFormatError: if the file to resume from is no checkpoint.
        OSError: if a checkpoint cannot be written or read.
        RuntimeError: inside of no_grad().

    Warns:
        DiagnosisWarning: if the loss has grown far beyond what it was at the beginning, but is finite still.

    >>> from autograd_mini import MLP
    >>> X, y = [[-1.0], [0.0], [1.0], [2.0]], [-1.0, 1.0, 3.0, 5.0]
    >>> history = fit(MLP(1, [1], seed=0), X, y, loss="mse", lr=0.1, epochs=200, batch_size=None)
    >>> history.loss[-1] < 1e-6
    True

    """
    epochs, patience = whole("epochs", epochs), positive_whole("patience", patience)
    tol = None if tol is None else nonnegative("tol", tol)
    clip_norm = None if clip_norm is None else positive("clip_norm", clip_norm)
    callbacks = _functions(callbacks)
    if not is_recording():
        raise RuntimeError("fit was called inside no_grad(), where there are no gradients: call it outside")
    random_numbers(seed)  # refuses what is no seed
    objective = Objective(loss, metrics)
    samples = objective.samples(model, X, y)
    held_out = _validation(objective, model, validation)
    size = len(samples) if batch_size is None else positive_whole("batch_size", batch_size)
    if not callable(getattr(model, "parameters", None)):
        raise TypeError(f"model is {model!r}, but expected one with parameters(), such as an MLP")
    params = parameters(model.parameters())
    given = optimizer, schedule
    arguments = fit.__code__.co_varnames[: fit.__code__.co_argcount + fit.__code__.co_kwonlyargcount]
    optimizer = chosen_optimizer(optimizer, params, lr, options, arguments)
    training = Training(
        model,
        params,
        optimizer,
        chosen_schedule(schedule, optimizer),
        objective=objective,
        samples=samples,
        held_out=held_out,
        batch_size=size,
        clip_norm=clip_norm,
        shuffle=bool(shuffle),
        seed=SystemRandom().getrandbits(64) if seed is None else int(seed),
    )
    training.watched = bool(callbacks)
    saved = Checkpoints(training, checkpoint, every, resume, given)
    saved.resume(seed)
    training.steps = choose_strategy(training, compile)

    bar = progress_bar(progress, epochs, training.batches)
    start = perf_counter() - training.history.seconds

    def converged() -> bool:
        return tol is not None and _converged(training.history.monitored, tol, patience)

    def epoch() -> str | None:
        """Run an epoch and return the reason to stop after it, if there is one."""
        row = training.run_epoch(bar.batch)
        training.history.seconds = perf_counter() - start
        if row is None:
            return "interrupted"
        if held_out:
            row |= training.validate()
        training.end_epoch(row)
        bar.epoch(training.epoch, row)
        if callbacks or saved.due:
            training.steps.settle()
        if sum(bool(callback(training)) for callback in callbacks):  # each is called
            return "callback"
        saved.epoch_done()
        return "converged" if converged() else "interrupted" if training.interrupted else None

    stopped = "converged" if converged() else None
    with _interrupts(training):
        try:
            while stopped is None and training.epoch < epochs:
                stopped = epoch()
        finally:
            training.steps.settle()
            training.history.seconds = perf_counter() - start
            bar.close()
        training.history.stopped = stopped or "epochs"
        saved.write()
    training.warn_if_diverging()
    return training.history


def _validation(objective: Objective, model: Model, validation: Any) -> list[Sample]:
    """Return the samples of the pair (X, y) to validate on, none for None."""
    if validation is None:
        return []
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise TypeError(f"validation is of type {type(validation).__name__}, but expected a pair (X, y)")
    X, y = validation
    return objective.samples(model, X, y, of=" of validation")


def _functions(callbacks: Iterable[Callable[[Training], object]]) -> list[Callable[[Training], object]]:
    """Return the callbacks in a list, each of them callable."""
    if callable(callbacks):
        raise TypeError("callbacks is one function, but expected a list of them: write callbacks=[function]")
    if not isinstance(callbacks, Iterable):
        raise TypeError(f"callbacks is {callbacks!r}, but expected a list of functions of the Training")
    found = list(callbacks)
    for index, callback in enumerate(found):
        if not callable(callback):
            raise TypeError(f"callbacks[{index}] is {callback!r}, but expected a function of the Training")
    return found


def _converged(losses: list[float], tol: float, patience: int) -> bool:
    """Return whether the last `patience` epochs improve the lowest loss before them by no more than `tol`."""
    return len(losses) > patience and min(losses[:-patience]) - min(losses[-patience:]) <= tol


@contextmanager
def _interrupts(training: Training) -> Iterator[None]:
    """Let the first interrupt end training after the step under way, and a second one raise KeyboardInterrupt.

    An interrupt is Ctrl-C in a terminal, or the stop button of a notebook.

    In another thread than the main one, which gets no signals, and where another handler is installed already,
    nothing changes.
    """
    if current_thread() is not main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def stop(number: int, frame: object) -> None:
        if training.interrupted:
            signal.default_int_handler(number, frame)  # type: ignore[arg-type]  # the frame it is given
        training.interrupted = True

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is stop:  # a callback may have set another
            signal.signal(signal.SIGINT, signal.default_int_handler)
