"""Plots of training."""

from autograd_mini import MLP, Value, datasets, descend, fit, plot

X, y = datasets.circles(20)
model = MLP(2, [3, 1], seed=0)
history = fit(model, X, y, loss="binary_cross_entropy", epochs=2)
ax = plot.loss_curve(history)
ax.set_title("loss")
plot.decision_boundary(model, X, y, resolution=5)


def bowl(x: Value) -> Value:
    return (x - 1.0) ** 2


path = descend(bowl, 3.0)
points: list[tuple[float, ...]] = path.points
print(points[-1], path.stopped)
