"""The optimisers: stochastic gradient descent (SGD) and Adam in its two forms, each a formula for one parameter."""

from __future__ import annotations

from functools import cache

from autograd_mini.optim.hyperparameters import decay_rates, finite, flag, nonnegative
from autograd_mini.optim.optimizer import Optimizer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from autograd_mini.optim.optimizer import Formula, StepAlgebra
    from autograd_mini.optim.parameters import Trainable

__all__ = ["SGD", "Adam", "AdamW"]

_AVERAGES = ("step", "exp_avg", "exp_avg_sq")


class SGD(Optimizer, name="sgd", rate=0.1):
    """Stochastic gradient descent, with momentum (Polyak's or Nesterov's) and weight decay, as torch.optim.SGD.

    Args:
        params: the parameters, each with `data` and `grad`.
        lr: the learning rate.
        momentum: the fraction of the last step kept.
        dampening: the fraction of a new gradient left out of the momentum.
        weight_decay: the factor of an L2 penalty.
        nesterov: whether the step looks ahead along the momentum.
        maximize: whether to climb.

    Raises:
        ValueError: for numbers out of range, and for `nesterov` without momentum or with dampening.

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
        settings = {"lr": lr, "momentum": momentum, "dampening": dampening}
        super().__init__(params, {**settings, "weight_decay": weight_decay, "nesterov": nesterov, "maximize": maximize})

    def _settings(self, given: Mapping[str, object]) -> dict[str, Any]:
        settings = super()._settings(given)
        if settings["nesterov"] and (settings["momentum"] == 0 or settings["dampening"] != 0):
            raise ValueError(
                f"momentum is {settings['momentum']} and dampening {settings['dampening']}, expected momentum > 0 and "
                "dampening=0 with nesterov=True"
            )
        return settings

    def _names(self, settings: dict[str, Any]) -> tuple[str, ...]:
        return ("momentum_buffer",) if settings["momentum"] else ()

    def _formula(self, settings: dict[str, Any], algebra: StepAlgebra) -> Formula:  # noqa: ARG002 - + and * will do
        lr, momentum, decay = settings["lr"], settings["momentum"], settings["weight_decay"]
        take, nesterov = 1 - settings["dampening"], settings["nesterov"]

        def plain(x: Any, g: Any) -> tuple[Any, ...]:
            return (x - lr * (g + decay * x if decay else g),)

        def heavy(x: Any, g: Any, buffer: Any) -> tuple[Any, ...]:
            if decay:
                g = g + decay * x
            buffer = g if buffer is None else momentum * buffer + take * g
            return x - lr * (g + momentum * buffer if nesterov else buffer), buffer

        return heavy if momentum else plain


class Adam(Optimizer, name="adam", rate=0.01):
    """Adam: steps scaled by running averages of the gradient and of its square, as torch.optim.Adam.

    Args:
        params: the parameters, each with `data` and `grad`.
        lr: the learning rate.
        betas: the fractions of the two averages that a step keeps.
        eps: what is added to the denominator.
        weight_decay: the factor of an L2 penalty.
        amsgrad: whether to divide by the largest average of squares so far.
        maximize: whether to climb.

    Raises:
        ValueError: for numbers out of range.

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

    def _names(self, settings: dict[str, Any]) -> tuple[str, ...]:
        return (*_AVERAGES, "max_exp_avg_sq") if settings["amsgrad"] else _AVERAGES

    def _formula(self, settings: dict[str, Any], algebra: StepAlgebra) -> Formula:
        lr, eps, decay = settings["lr"], settings["eps"], settings["weight_decay"]
        beta1, beta2 = settings["betas"]
        root, quotient, larger = algebra.root, algebra.quotient, algebra.larger

        # Almost always all parameters have taken equally many steps, so the bias corrections are computed once a count.
        @cache
        def correction(count: int) -> tuple[float, float]:
            return lr / (1 - beta1**count), root(1 - beta2**count)

        def move(x: Any, g: Any, count: int, mean: Any, square: Any, largest: Any = None) -> tuple[Any, ...]:
            if decay and self._decoupled:
                x = x * (1 - lr * decay)
            elif decay:
                g = g + decay * x
            rate, unbiased = correction(count + 1)
            mean = beta1 * mean + (1 - beta1) * g
            square = beta2 * square + (1 - beta2) * g * g
            if largest is None:
                return x - rate * quotient(mean, root(square) / unbiased + eps), count + 1, mean, square
            largest = larger(square, largest)
            return x - rate * quotient(mean, root(largest) / unbiased + eps), count + 1, mean, square, largest

        return move


class AdamW(Adam, name="adamw", rate=0.01):
    """Adam with decoupled weight decay, which shrinks the parameters themselves by 1 - lr * weight_decay.

    Args:
        params: the parameters, each with `data` and `grad`.
        lr: the learning rate.
        betas: the fractions of the two averages that a step keeps.
        eps: what is added to the denominator.
        weight_decay: what the parameters shrink by, over the learning rate.
        amsgrad: whether to divide by the largest average of squares so far.
        maximize: whether to climb.

    Raises:
        ValueError: for numbers out of range.

    Source: Loshchilov, Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.

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
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)
