"""An optimiser of one's own, a schedule, clipping."""

from collections.abc import Iterable

from autograd_mini import MLP, Value, fit
from autograd_mini.optim import SGD, CosineAnnealingLR, Optimizer, clip_grad_norm_


class Signs:
    def __init__(self, params: Iterable[Value], lr: float = 0.01) -> None:
        self.params, self.lr = list(params), lr

    def step(self) -> None:
        for parameter in self.params:
            parameter.data -= self.lr * (1.0 if parameter.grad > 0 else -1.0)

    def zero_grad(self) -> None:
        for parameter in self.params:
            parameter.grad = 0.0


def schedule(optimizer: Optimizer) -> CosineAnnealingLR:
    return CosineAnnealingLR(optimizer, T_max=10)


model = MLP(1, [1], seed=0)
fit(model, [[0.0], [1.0]], [0.0, 1.0], loss="mse", optimizer=Signs, epochs=2)
fit(model, [[0.0], [1.0]], [0.0, 1.0], loss="mse", optimizer="adam", schedule=schedule, epochs=2, betas=(0.8, 0.9))
optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
norm: float = clip_grad_norm_(model.parameters(), 1.0)
optimizer.step()
rate: float = optimizer.lr
print(norm, rate)
