"""An optimiser of one's own, a schedule, clipping."""

from collections.abc import Callable, Iterable
from typing import Any

from autograd_mini import MLP, Value, fit
from autograd_mini.optim import SGD, CosineAnnealingLR, Optimizer, clip_grad_norm_
from autograd_mini.optim.hyperparameters import nonnegative, share
from autograd_mini.optim.optimizer import StepAlgebra


class Signs:
    def __init__(self, params: Iterable[Value], lr: float = 0.01) -> None:
        self.params, self.lr = list(params), lr

    def step(self) -> None:
        for parameter in self.params:
            parameter.data -= self.lr * (1.0 if parameter.grad > 0 else -1.0)

    def zero_grad(self) -> None:
        for parameter in self.params:
            parameter.grad = 0.0


class Lion(Optimizer):
    _checks = {"lr": nonnegative, "beta": share}
    _start = {"average": 0.0}

    def __init__(self, params: Iterable[Value], lr: float = 0.01, *, beta: float = 0.9) -> None:
        super().__init__(params, {"lr": lr, "beta": beta})

    def _names(self, settings: dict[str, Any]) -> tuple[str, ...]:
        return ("average",)

    def _formula(self, settings: dict[str, Any], algebra: StepAlgebra) -> Callable[..., tuple[Any, ...]]:
        lr, beta = settings["lr"], settings["beta"]

        def moved(x: float, g: float, average: float) -> tuple[float, float]:
            average = beta * average + (1 - beta) * g
            return x - lr * average / algebra.larger(abs(average), 1e-12), average

        return moved


class Clipped(SGD):
    def step(self) -> None:
        clip_grad_norm_(self.param_groups[0]["params"], 1.0)
        super().step()


def schedule(optimizer: Optimizer) -> CosineAnnealingLR:
    return CosineAnnealingLR(optimizer, T_max=10)


model = MLP(1, [1], seed=0)
fit(model, [[0.0], [1.0]], [0.0, 1.0], loss="mse", optimizer=Signs, epochs=2)
for kind in (Lion, Clipped):
    fit(model, [[0.0], [1.0]], [0.0, 1.0], loss="mse", optimizer=kind, lr=0.02, epochs=2)
fit(
    model,
    [[0.0], [1.0]],
    [0.0, 1.0],
    loss="mse",
    optimizer=lambda params: Lion(params, lr=0.1),
    schedule=lambda optimizer: CosineAnnealingLR(optimizer, T_max=2),
    metrics={"error": lambda prediction, target: abs(prediction - target)},
    callbacks=[lambda training: training.history.loss[-1] < 1e-9],
    epochs=2,
)
ready = Lion(model.parameters(), lr=0.1, beta=0.5)
fit(model, [[0.0], [1.0]], [0.0, 1.0], loss="mse", optimizer=ready, epochs=2)
saved: dict[str, Any] = ready.state_dict()
fit(model, [[0.0], [1.0]], [0.0, 1.0], loss="mse", optimizer="adam", schedule=schedule, epochs=2, betas=(0.8, 0.9))
optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
norm: float = clip_grad_norm_(model.parameters(), 1.0)
optimizer.step()
rate: float = optimizer.lr
print(norm, rate)
