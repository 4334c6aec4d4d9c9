"""`fit` trains a model: it checks what it is given, chooses optimiser and schedule, and runs the training."""

from __future__ import annotations

from collections.abc import Iterable
from random import SystemRandom

from autograd_mini.engine.checks import check_function, random_numbers
from autograd_mini.engine.hooks import is_recording
from autograd_mini.optim import OPTIMIZERS
from autograd_mini.optim.hyperparameters import nonnegative, positive, positive_whole, whole
from autograd_mini.optim.parameters import parameters
from autograd_mini.train.checkpoints import Checkpoints
from autograd_mini.train.data import in_blocks
from autograd_mini.train.objective import Objective
from autograd_mini.train.parts import rows_in_parts
from autograd_mini.train.progress import progress_bar
from autograd_mini.train.run import Training
from autograd_mini.train.steps import chosen_steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike
    from typing import Any, Literal

    from autograd_mini.engine.checks import Function
    from autograd_mini.optim import LRScheduler, Optimizer
    from autograd_mini.train.data import Sample
    from autograd_mini.train.history import History
    from autograd_mini.train.objective import Loss, Metric, Model
    from autograd_mini.train.parts import RowsInParts
    from autograd_mini.train.steps import Compile


def fit(  # noqa: PLR0913 - the choices there are in training
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
        X: the inputs, rows of numbers: lists, tuples, an array, a table of pandas, Polars, PyArrow or any with Arrow's
            C interface, an iterator of rows, or of batches, which are kept in memory. Columns of a `scan`,
            memory-mapped arrays and Dask collections, y with them, stay where they are: see `train.parts`.
        y: the targets, one a row: numbers; rows of numbers for a model of several outputs; class indices for
            cross_entropy; 0 and 1 for binary_cross_entropy; -1 and 1 for hinge. None if X yields pairs, of a batch and
            its targets.
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
    if not is_recording():
        raise RuntimeError("fit was called inside no_grad(), where there are no gradients: call it outside")
    if not callable(getattr(model, "parameters", None)):
        raise TypeError(f"model is {model!r}, expected one with parameters(), such as an MLP")
    random_numbers(seed)  # refuses what is no seed
    objective = Objective(loss, metrics)
    samples, parts = _samples(objective, model, X, y)
    held_out, held_out_parts = _held_out(objective, model, validation)
    params = parameters(model.parameters())
    given = optimizer, schedule
    optimizer = _chosen_optimizer(optimizer, params, lr, options)
    training = Training(
        model=model,
        params=params,
        optimizer=optimizer,
        schedule=_chosen_schedule(schedule, optimizer),
        objective=objective,
        samples=samples,
        held_out=held_out,
        parts=parts,
        held_out_parts=held_out_parts,
        epochs=whole("epochs", epochs),
        batch_size=(len(samples) if parts is None else parts.rows)
        if batch_size is None
        else positive_whole("batch_size", batch_size),
        clip_norm=None if clip_norm is None else positive("clip_norm", clip_norm),
        shuffle=bool(shuffle),
        seed=SystemRandom().getrandbits(64) if seed is None else int(seed),
        tol=None if tol is None else nonnegative("tol", tol),
        patience=positive_whole("patience", patience),
        callbacks=_functions(callbacks),
    )
    checkpoints = Checkpoints(training, checkpoint, every, resume, given)
    checkpoints.resume(seed)
    training.steps = chosen_steps(training, compile)
    return training.run(checkpoints, progress_bar(progress, training.epochs, training.batches))


_CODE = fit.__code__
ARGUMENTS = _CODE.co_varnames[: _CODE.co_argcount + _CODE.co_kwonlyargcount]
"""The names of the arguments of `fit`, for which a setting may have been mistyped."""
ELSEWHERE = {
    "device": "compile",
    "learning_rate": "lr",
    "max_iter": "epochs",
    "max_norm": "clip_norm",
    "n_iter": "epochs",
    "optimiser": "optimizer",
    "random_state": "seed",
    "validation_data": "validation",
    "verbose": "progress",
}
"""Arguments of `fit` by the names that other libraries give them."""


def _samples(
    objective: Objective, model: Model, X: Any, y: Any, of: str = ""
) -> tuple[Sequence[Sample], RowsInParts | None]:
    """Return samples, and where they come in parts these too."""
    X, y = in_blocks(X, y)
    parts = rows_in_parts(objective, model, X, y, of)
    return (objective.samples(model, X, y, of) if parts is None else parts.samples), parts


def _held_out(objective: Objective, model: Model, validation: Any) -> tuple[Sequence[Sample], RowsInParts | None]:
    """Return the samples of the pair (X, y) to validate on, none for None."""
    if validation is None:
        return [], None
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise TypeError(f"validation is of type {type(validation).__name__}, expected a pair (X, y)")
    X, y = validation
    return _samples(objective, model, X, y, " of validation")


def _functions(callbacks: Iterable[Callable[[Training], object]]) -> list[Callable[[Training], object]]:
    if callable(callbacks):
        raise TypeError("callbacks is one function, expected a list of them: write callbacks=[function]")
    if not isinstance(callbacks, Iterable):
        raise TypeError(f"callbacks is {callbacks!r}, expected a list of functions of the Training")
    found = list(callbacks)
    for index, callback in enumerate(found):
        check_function(f"callbacks[{index}]", callback)
    return found


def _chosen_optimizer(optimizer: Any, params: Sequence[Any], lr: float | None, options: Mapping[str, Any]) -> Any:
    """Return an optimiser of the parameters, or raise for one that does not fit; `fit` says what may be given."""
    found = OPTIMIZERS.get(optimizer) if isinstance(optimizer, str) else optimizer
    if found is None or not (callable(found) or hasattr(found, "step")):
        raise (ValueError if isinstance(optimizer, str) else TypeError)(
            f"optimizer is {optimizer!r}, expected one of {', '.join(map(repr, OPTIMIZERS))}, a class, or an optimiser"
        )
    if isinstance(optimizer, str) and lr is None:
        lr = found.rate
    settings = dict(options) if lr is None else {"lr": lr, **options}
    if isinstance(found, type) or not hasattr(found, "step"):
        _check_settings(settings, getattr(found, "__name__", "the optimiser"), _settings_of(found))
        return found(params, **settings)
    _check_settings(options, "", [])
    if settings:
        raise TypeError(
            f"optimizer is a ready {type(optimizer).__name__}, expected no settings beside its own: leave out "
            + ", ".join(f"{name}={value!r}" for name, value in settings.items())
        )
    groups = getattr(optimizer, "param_groups", [])
    moved = {id(parameter) for group in groups for parameter in group["params"]}
    if groups and not any(id(parameter) in moved for parameter in params):
        raise ValueError("optimizer moves none of the model's parameters: make it from this model's parameters()")
    return optimizer


def _settings_of(make: Callable[..., Any]) -> list[str] | None:
    """Return the names of what a class or a function takes beside the parameters; None if it may take any."""
    from inspect import signature

    try:
        known = signature(make).parameters
    except ValueError:  # a callable written in C
        return None
    return None if any(one.kind is one.VAR_KEYWORD for one in known.values()) else [*known][1:]


def _check_settings(settings: Mapping[str, Any], made: str, known: Sequence[str] | None) -> None:
    """Raise a TypeError for the first setting that what is made does not know, and say what may be meant."""
    for name in settings:
        if known is None or name in known:
            continue
        if name in ARGUMENTS:
            raise TypeError(f"{made} has no setting {name!r}: leave it out, and set it where the optimiser is made")
        if meant := _meant(name, ARGUMENTS):
            raise TypeError(f"fit has no argument {name!r}: did you mean {meant}?")
        if meant := _meant(name, known):
            raise TypeError(f"{made} has no setting {name!r}: did you mean {meant}?")
        if made:
            raise TypeError(
                f"{name!r} is neither an argument of fit ({', '.join(ARGUMENTS)}) nor a setting of {made} "
                f"({', '.join(known)})"
            )


def _meant(name: str, names: Sequence[str]) -> str | None:
    """Return the one of some names that is closest to a mistyped one, or that is it in another library's words."""
    from difflib import get_close_matches

    if ELSEWHERE.get(name) in names:
        return ELSEWHERE[name]
    return next(iter(get_close_matches(name, names, n=1, cutoff=0.7)), None)


def _chosen_schedule(schedule: Any, optimizer: Any) -> Any:
    """Return a schedule of the optimiser: a ready one, or what a function makes of the optimiser; None for None."""
    way_out = "lambda optimizer: StepLR(optimizer, 30)"
    if schedule is not None and (isinstance(schedule, type) or not hasattr(schedule, "step")):
        if not callable(schedule):
            raise TypeError(f"schedule is {schedule!r}, expected a schedule, or a function that makes one: {way_out}")
        schedule = schedule(optimizer)
        if not hasattr(schedule, "step"):
            raise TypeError(f"schedule returned {schedule!r}, expected a schedule, with a method step()")
    if getattr(schedule, "optimizer", optimizer) is not optimizer:
        raise ValueError(
            "schedule moves the rate of another optimiser: pass that optimiser too, or a function that makes the "
            f"schedule, such as {way_out}"
        )
    return schedule
