"""Plots of training."""

# matplotlib leaves the type of its settings open:
# pyright: reportUnknownMemberType=false

import numpy as np

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
saddle = descend(lambda x, y: x**2 - y**2, (1.0, 0.0))
points: list[tuple[float, ...]] = path.points
map_of = plot.contour(lambda x, y: x**2 + y**2, saddle, np.array([[1.0, 1.0], [0.5, 0.5]]), resolution=5)
map_of.set_title("map")
print(points[-1], path.stopped)
