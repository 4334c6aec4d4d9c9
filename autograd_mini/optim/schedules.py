"""A schedule gives an optimiser's learning rate as a function of the epoch number.

PyTorch computes each rate from the one before; here every rate comes from its closed form in the epoch number, so
rounding does not add up. The two agree to rounding, with one exception: here a schedule owns the learning rate, and a
change made from outside, by hand or by a second schedule, lasts until this schedule's next step.
"""

from __future__ import annotations

from collections import deque
from math import cos, pi
from operator import setitem

from autograd_mini.engine import ieee
from autograd_mini.optim import hyperparameters
from autograd_mini.optim.hyperparameters import checked, nonnegative, positive, positive_whole
from autograd_mini.optim.optimizer import Optimizer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar

    from autograd_mini.optim.hyperparameters import Checks


class LRScheduler:
    """What all schedules share: the optimiser, its first learning rate (`base_lrs`) and the epoch (`last_epoch`).

    The rate for epoch 0 is set at once; call `step()` at the end of every epoch, after the optimiser's last step.

    Args:
        optimizer: what has the learning rate.
        settings: those of the schedule, for the checks of its class.

    >>> from types import SimpleNamespace
    >>> from autograd_mini.optim import SGD
    >>> class Halving(LRScheduler):
    ...     _checks = {}
    ...     def lr_at(self, epoch):
    ...         return self.base_lrs[0] / 2**epoch
    >>> schedule = Halving(SGD([SimpleNamespace(data=0.0, grad=0.0)], lr=0.8))
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.4]

    """

    _checks: ClassVar[Checks]

    def __init__(self, optimizer: Optimizer, **settings: object) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"optimizer is of type {type(optimizer).__name__}, expected an Optimizer such as SGD")
        vars(self).update(checked(self._checks, settings))
        self.optimizer = optimizer
        self.base_lrs = [optimizer.lr]
        self.last_epoch = 0
        optimizer.lr = self.lr_at(0)

    def lr_at(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        raise NotImplementedError

    def step(self) -> None:
        """Go on to the next epoch: its number and its learning rate change together, interrupted or not."""
        epoch = self.last_epoch + 1
        group = self.optimizer.param_groups[0]
        # One call into C, as for parameters: no signal is handled between the two writes.
        deque(map(setitem, (vars(self), group), ("last_epoch", "lr"), (epoch, self.lr_at(epoch))), maxlen=0)

    def get_last_lr(self) -> list[float]:
        """Return the learning rate this schedule set last, in a list of one, as PyTorch has it."""
        return [self.lr_at(self.last_epoch)]

    def state_dict(self) -> dict[str, Any]:
        """Return all that `load_state_dict` needs, as plain data for JSON, the optimiser's present rate included."""
        return {
            "schedule": type(self).__name__,
            **{name: getattr(self, name) for name in self._checks},
            "base_lrs": list(self.base_lrs),
            "last_epoch": self.last_epoch,
            "lr": self.optimizer.lr,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take up a saved schedule; it sets the optimiser's rate, so the order of loading the two does not matter.

        Args:
            state_dict: what `state_dict()` of the same kind of schedule returned, settings included.

        Raises:
            ValueError: for anything else; the schedule is left as it was.

        """
        kind = type(self).__name__
        if not isinstance(state_dict, dict) or state_dict.get("schedule") != kind:
            found = state_dict.get("schedule") if isinstance(state_dict, dict) else type(state_dict).__name__
            raise ValueError(f"state_dict is one of {found!r}, expected one of {kind}")
        try:
            settings = checked({**self._checks, "last_epoch": hyperparameters.whole, "lr": nonnegative}, state_dict)
            (base,) = state_dict.get("base_lrs", ())
            settings["base_lrs"] = [nonnegative("base_lrs[0]", base)]
        except (TypeError, ValueError) as error:
            raise ValueError(f"state_dict is no state of {kind}: {error}") from error
        lr = settings.pop("lr")
        group = self.optimizer.param_groups[0]
        deque(map(dict.update, (vars(self), group), (settings, {"lr": lr})), maxlen=0)  # one call, as in step

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._checks)
        return f"{type(self).__name__}({settings}, last_epoch={self.last_epoch})"


class StepLR(LRScheduler):
    """The rate times `gamma` every `step_size` epochs: lr0 * gamma ** (epoch // step_size).

    Args:
        optimizer: what has the learning rate.
        step_size: epochs between two steps of the rate, at least 1.
        gamma: the factor, greater than 0.

    >>> from types import SimpleNamespace
    >>> from autograd_mini.optim import SGD
    >>> schedule = StepLR(SGD([SimpleNamespace(data=0.0, grad=0.0)], lr=0.8), step_size=2, gamma=0.5)
    >>> [schedule.lr_at(epoch) for epoch in range(5)]
    [0.8, 0.8, 0.4, 0.4, 0.2]

    """

    step_size: int
    gamma: float
    _checks = {"step_size": positive_whole, "gamma": positive}  # noqa: RUF012 - ClassVar in the base class

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        super().__init__(optimizer, step_size=step_size, gamma=gamma)

    def lr_at(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return self.base_lrs[0] * ieee.pow(self.gamma, epoch // self.step_size)


class ExponentialLR(LRScheduler):
    """The rate times `gamma` every epoch: lr0 * gamma ** epoch.

    Args:
        optimizer: what has the learning rate.
        gamma: the factor, greater than 0; a rate that grows (gamma > 1) is allowed.

    >>> from types import SimpleNamespace
    >>> from autograd_mini.optim import SGD
    >>> schedule = ExponentialLR(SGD([SimpleNamespace(data=0.0, grad=0.0)], lr=0.8), gamma=0.5)
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.4]

    """

    gamma: float
    _checks = {"gamma": positive}  # noqa: RUF012 - ClassVar in the base class

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        super().__init__(optimizer, gamma=gamma)

    def lr_at(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return self.base_lrs[0] * ieee.pow(self.gamma, epoch)


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the rate down to `eta_min` in `T_max` epochs, and up again as long as training goes on.

    eta_min + (lr0 - eta_min) (1 + cos(pi epoch / T_max)) / 2, without restarts. Source: Loshchilov, Hutter, "SGDR:
    Stochastic Gradient Descent with Warm Restarts", ICLR 2017, equation 5.

    Args:
        optimizer: what has the learning rate.
        T_max: epochs to the lowest rate, at least 1.
        eta_min: that rate, at least 0.

    >>> from types import SimpleNamespace
    >>> from autograd_mini.optim import SGD
    >>> schedule = CosineAnnealingLR(SGD([SimpleNamespace(data=0.0, grad=0.0)], lr=0.8), T_max=10)
    >>> [round(schedule.lr_at(epoch), 6) for epoch in (0, 5, 10, 15)]
    [0.8, 0.4, 0.0, 0.4]

    """

    T_max: int
    eta_min: float
    _checks = {"T_max": positive_whole, "eta_min": nonnegative}  # noqa: RUF012 - ClassVar in the base class

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:  # noqa: N803 - PyTorch's name
        super().__init__(optimizer, T_max=T_max, eta_min=eta_min)

    def lr_at(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        high = 0.5 * (1.0 + cos(pi * epoch / self.T_max))
        return self.base_lrs[0] * high + self.eta_min * (1.0 - high)  # exactly lr0 and eta_min at the two ends


class LinearLR(LRScheduler):
    """The rate times a factor that goes in a line from `start_factor` to `end_factor` in `total_iters` epochs.

    Args:
        optimizer: what has the learning rate.
        start_factor: the factor of epoch 0, greater than 0, at most 1.
        end_factor: the factor from then on, from 0 to 1.
        total_iters: epochs between the two, at least 1.

    >>> from types import SimpleNamespace
    >>> from autograd_mini.optim import SGD
    >>> schedule = LinearLR(SGD([SimpleNamespace(data=0.0, grad=0.0)], lr=0.8), start_factor=0.25, total_iters=3)
    >>> [round(schedule.lr_at(epoch), 6) for epoch in range(5)]
    [0.2, 0.4, 0.6, 0.8, 0.8]

    """

    start_factor: float
    end_factor: float
    total_iters: int
    _checks = {  # noqa: RUF012 - ClassVar in the base class
        "start_factor": hyperparameters.positive_share,
        "end_factor": hyperparameters.share,
        "total_iters": positive_whole,
    }

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
    ) -> None:
        super().__init__(optimizer, start_factor=start_factor, end_factor=end_factor, total_iters=total_iters)

    def lr_at(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        done = min(epoch, self.total_iters) / self.total_iters
        return self.base_lrs[0] * (self.start_factor * (1.0 - done) + self.end_factor * done)
