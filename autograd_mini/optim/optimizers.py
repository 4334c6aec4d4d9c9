"""The optimisers: stochastic gradient descent (SGD) and Adam in its two forms, each a formula on columns of numbers."""

from __future__ import annotations

from math import inf, sqrt

from autograd_mini.optim.optimizer import Optimizer
from autograd_mini.optim.settings import decay_rates, finite, flag, nonnegative

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from autograd_mini.optim.optimizer import Columns
    from autograd_mini.optim.parameters import Trainable


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum (Polyak's or Nesterov's) and weight decay, as torch.optim.SGD.

    In: parameters; `lr`, the learning rate; `momentum`, the share of the last step kept; `dampening`, the share of a
    new gradient left out of the momentum; `weight_decay`, the factor of an L2 penalty; `maximize`, to climb. Raises
    ValueError for numbers out of range and for `nesterov` without momentum or with dampening.

    Source: Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep learning",
    ICML 2013, in PyTorch's variant: b = momentum b + (1 - dampening) g, from b = g at first; x = x - lr b.

    >>> from types import SimpleNamespace
    >>> w = SimpleNamespace(data=1.0, grad=0.5)
    >>> optimizer = SGD([w], lr=0.1, momentum=0.9)
    >>> optimizer.step()
    >>> w.data
    0.95
    >>> optimizer.state_dict()["state"]
    {'momentum_buffer': [0.5]}
    """

    _checks = {  # noqa: RUF012 - ClassVar in the base class
        "lr": nonnegative,
        "momentum": nonnegative,
        "dampening": finite,
        "weight_decay": nonnegative,
        "nesterov": flag,
        "maximize": flag,
    }
    _start = {"momentum_buffer": None}  # noqa: RUF012 - same

    def __init__(
        self,
        params: Iterable[Trainable],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
        *,
        maximize: bool = False,
    ) -> None:
        """See the class."""
        settings = {"lr": lr, "momentum": momentum, "dampening": dampening}
        super().__init__(params, {**settings, "weight_decay": weight_decay, "nesterov": nesterov, "maximize": maximize})

    def _settings(self, given: Mapping[str, object]) -> dict[str, Any]:
        settings = super()._settings(given)
        if settings["nesterov"] and (settings["momentum"] == 0 or settings["dampening"] != 0):
            raise ValueError(
                "nesterov=True requires momentum > 0 and dampening=0, got "
                f"momentum={settings['momentum']}, dampening={settings['dampening']}"
            )
        return settings

    def _update(
        self, settings: dict[str, Any], data: list[float], grads: list[float], columns: Columns
    ) -> tuple[list[float], Columns]:
        lr, momentum, decay = settings["lr"], settings["momentum"], settings["weight_decay"]
        changed: Columns = {}
        if decay:
            grads = [g + decay * x for x, g in zip(data, grads, strict=True)]
        if momentum:
            take = 1 - settings["dampening"]
            old = columns["momentum_buffer"]
            buffer = [g if b is None else momentum * b + take * g for b, g in zip(old, grads, strict=True)]
            changed["momentum_buffer"] = buffer
            nesterov = settings["nesterov"]
            grads = [g + momentum * b for b, g in zip(buffer, grads, strict=True)] if nesterov else buffer
        return [x - lr * g for x, g in zip(data, grads, strict=True)], changed


class Adam(Optimizer):
    """Adam: steps scaled by running averages of the gradient and of its square, as torch.optim.Adam.

    In: parameters; `lr`, the learning rate; `betas`, the shares of the two averages that a step keeps; `eps`, added to
    the denominator; `weight_decay`, the factor of an L2 penalty; `amsgrad`, to divide by the largest average of squares
    so far; `maximize`, to climb. Raises ValueError for numbers out of range.

    Source: Kingma, Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1; Reddi, Kale, Kumar, "On
    the Convergence of Adam and Beyond", ICLR 2018 (amsgrad, in PyTorch's variant without bias correction of the
    maximum).

    >>> from types import SimpleNamespace
    >>> w = SimpleNamespace(data=1.0, grad=0.5)
    >>> optimizer = Adam([w], lr=0.1)
    >>> optimizer.step()
    >>> round(w.data, 6)
    0.9
    """

    _checks = {  # noqa: RUF012 - ClassVar in the base class
        "lr": nonnegative,
        "betas": decay_rates,
        "eps": nonnegative,
        "weight_decay": nonnegative,
        "amsgrad": flag,
        "maximize": flag,
    }
    _start = {"step": 0, "exp_avg": 0.0, "exp_avg_sq": 0.0, "max_exp_avg_sq": 0.0}  # noqa: RUF012 - same
    _optional = frozenset({"max_exp_avg_sq"})
    _decoupled = False  # weight decay: of the parameter itself (True) or through the gradient

    def __init__(
        self,
        params: Iterable[Trainable],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
        *,
        maximize: bool = False,
    ) -> None:
        """See the class."""
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**settings, "amsgrad": amsgrad, "maximize": maximize})

    def _column(self, name: str, column: object, size: int) -> list[Any]:
        found = super()._column(name, column, size)
        for index, value in enumerate(found):
            if name != "exp_avg" and value < 0:
                raise ValueError(f"{name}[{index}] is {value!r}, which is negative")
            if name == "step" and not (isinstance(value, int) and value < 2**53):
                raise ValueError(f"step[{index}] is {value!r}, which counts no steps")
        return found

    def _update(
        self, settings: dict[str, Any], data: list[float], grads: list[float], columns: Columns
    ) -> tuple[list[float], Columns]:
        lr, eps, decay = settings["lr"], settings["eps"], settings["weight_decay"]
        beta1, beta2 = settings["betas"]
        if decay and self._decoupled:
            data = [x * (1 - lr * decay) for x in data]
        elif decay:
            grads = [g + decay * x for x, g in zip(data, grads, strict=True)]
        steps = [count + 1 for count in columns["step"]]
        mean = [beta1 * m + (1 - beta1) * g for m, g in zip(columns["exp_avg"], grads, strict=True)]
        square = [beta2 * v + (1 - beta2) * g * g for v, g in zip(columns["exp_avg_sq"], grads, strict=True)]
        changed = {"step": steps, "exp_avg": mean, "exp_avg_sq": square}
        if settings["amsgrad"]:
            square = [*map(max, square, columns["max_exp_avg_sq"])]  # max keeps its first argument where that is nan
            changed["max_exp_avg_sq"] = square
        # Almost always all parameters have taken equally many steps, so the bias corrections are computed once a count.
        correction = {count: (lr / (1 - beta1**count), sqrt(1 - beta2**count)) for count in set(steps)}
        new = [
            x - rate * (m / d if (d := sqrt(v) / root + eps) else m * inf)  # IEEE's m / 0, which Python refuses
            for x, m, v, (rate, root) in zip(data, mean, square, map(correction.__getitem__, steps), strict=True)
        ]
        return new, changed


class AdamW(Adam):
    """Adam with decoupled weight decay, which shrinks the parameters themselves by 1 - lr * weight_decay.

    In and raised: as for Adam. Source: Loshchilov, Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.

    >>> from types import SimpleNamespace
    >>> w = SimpleNamespace(data=1.0, grad=0.0)
    >>> AdamW([w], lr=0.5, weight_decay=0.5).step()
    >>> w.data
    0.75
    """

    _decoupled = True

    def __init__(
        self,
        params: Iterable[Trainable],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
        *,
        maximize: bool = False,
    ) -> None:
        """See Adam; weight decay is on from the start."""
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "adam": Adam, "adamw": AdamW}
