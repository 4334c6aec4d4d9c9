"""A module of one's own, its parameters, and its compiled form."""

from autograd_mini import Module, Parameter, Value, exp, fit


class Bump(Module):
    def __init__(self) -> None:
        self.centre = Parameter(0.3, label="centre")
        self.width = Parameter(1.0, label="width")

    def __call__(self, x: list[float]) -> Value:
        return exp(-(((x[0] - self.centre) / self.width) ** 2))


class Pair(Module):
    def __init__(self) -> None:
        self.parts = [Bump(), Bump()]

    def forward(self, x: list[float]) -> Value:
        return self.parts[0](x) + self.parts[1](x)

    def parameters(self) -> list[Value]:
        return [parameter for part in self.parts for parameter in part.parameters()]


model = Pair()
names: list[str] = list(model.named_parameters())
history = fit(model, [[0.0], [1.0], [2.0]], [1.0, 0.5, 0.1], loss="mse", epochs=3)
first: float = history.loss[0]
same: list[float] = history["loss"]
row: dict[str, float] = history[-1]
print(first, same, row, names)
