"""A choice is an argument of `fit` given by name, as a class or ready-made: the loss, the optimiser, the schedule."""

from __future__ import annotations

from autograd_mini.nn.losses import LOSSES
from autograd_mini.optim import OPTIMIZERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    Loss = Callable[[Any, Any], Any]

ELSEWHERE = {
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


def chosen_loss(loss: str | Loss) -> tuple[str | None, Loss]:
    """Return the name and the function of a loss given as either; the name of a function not of the package is None.

    Raises a TypeError for what is neither, a ValueError for an unknown name.
    """
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise ValueError(
                f"loss is {loss!r}, but expected {_one_of(LOSSES)}, or a function (prediction, target) -> scalar"
            )
        return loss, LOSSES[loss]
    if not callable(loss):
        raise TypeError(
            f"loss is {loss!r}, but expected a name such as 'mse', or a function (prediction, target) -> scalar"
        )
    return next((name for name, known in LOSSES.items() if known is loss), None), loss


def chosen_optimizer(
    optimizer: Any, params: Sequence[Any], lr: float | None, options: Mapping[str, Any], arguments: Sequence[str]
) -> Any:
    """Return an optimiser of the parameters.

    Args:
        optimizer: a name of `optim.OPTIMIZERS`; a class, or a function, of the parameters; or a ready optimiser.
        params: the parameters of the model.
        lr: the learning rate; None for the `rate` of a named one, or a class's own.
        options: further settings, such as momentum; for a ready optimiser there are none, nor a rate.
        arguments: the names of the arguments of `fit`, for which a setting may have been mistyped.

    Raises:
        TypeError: for a setting it does not have, and for what is no optimiser.
        ValueError: for an unknown name, a number out of range, and a ready optimiser of other parameters.

    """
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZERS:
            raise ValueError(
                f"optimizer is {optimizer!r}, but expected {_one_of(OPTIMIZERS)}, a class, or an optimiser"
            )
        optimizer = OPTIMIZERS[optimizer]
        lr = optimizer.rate if lr is None else lr
    settings = dict(options) if lr is None else {"lr": lr, **options}
    if isinstance(optimizer, type) or not hasattr(optimizer, "step"):
        if not callable(optimizer):
            raise TypeError(f"optimizer is {optimizer!r}, but expected {_one_of(OPTIMIZERS)}, a class, or an optimiser")
        return _made(optimizer, params, settings, arguments)
    for name in options:
        if meant := _meant(name, arguments):
            raise TypeError(f"fit has no argument {name!r}: did you mean {meant}?")
    if settings:
        given = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        raise TypeError(
            f"optimizer is a ready {type(optimizer).__name__} with settings of its own, but got {given} too"
        )
    groups = getattr(optimizer, "param_groups", [])
    moved = {id(parameter) for group in groups for parameter in group["params"]}
    if groups and not any(id(parameter) in moved for parameter in params):
        raise ValueError("optimizer moves none of the model's parameters: make it from this model's parameters()")
    return optimizer


def _made(
    make: Callable[..., Any], params: Sequence[Any], settings: Mapping[str, Any], arguments: Sequence[str]
) -> Any:
    """Make the optimiser; of settings, name the one it does not have, and what may be meant."""
    from inspect import signature

    try:
        known = signature(make).parameters
    except ValueError:  # a callable written in C
        return make(params, **settings)
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        for name in settings:
            if name not in known:
                made, others = getattr(make, "__name__", "the optimiser"), [*known][1:]
                if meant := _meant(name, arguments):
                    raise TypeError(f"fit has no argument {name!r}: did you mean {meant}?")
                if meant := _meant(name, others):
                    raise TypeError(f"{made} has no setting {name!r}: did you mean {meant}?")
                raise TypeError(
                    f"{name!r} is neither an argument of fit ({', '.join(arguments)}) nor a setting of {made} "
                    f"({', '.join(others)})"
                )
    return make(params, **settings)


def _meant(name: str, names: Sequence[str]) -> str | None:
    """Return the one of some names that is closest to a mistyped one, or that is it in another library's words."""
    from difflib import get_close_matches

    if ELSEWHERE.get(name) in names:
        return ELSEWHERE[name]
    return next(iter(get_close_matches(name, names, n=1, cutoff=0.7)), None)


def chosen_schedule(schedule: Any, optimizer: Any) -> Any:
    """Return a schedule of the optimiser: a ready one, or what a function makes of the optimiser; None for None.

    Raises a TypeError for what is neither, a ValueError for a schedule of another optimiser.
    """
    if schedule is not None and (isinstance(schedule, type) or not hasattr(schedule, "step")):
        if not callable(schedule):
            raise TypeError(
                f"schedule is {schedule!r}, but expected a schedule, or a function that makes one of the optimiser, "
                "such as lambda optimizer: StepLR(optimizer, 30)"
            )
        schedule = schedule(optimizer)
        if not hasattr(schedule, "step"):
            raise TypeError(f"schedule returned {schedule!r}, but expected a schedule, with a method step()")
    if getattr(schedule, "optimizer", optimizer) is not optimizer:
        raise ValueError(
            "schedule moves the rate of another optimiser: pass that optimiser too, or a function that makes the "
            "schedule, such as lambda optimizer: StepLR(optimizer, 30)"
        )
    return schedule


def _one_of(names: Mapping[str, object]) -> str:
    return "one of " + ", ".join(map(repr, names))
