"""A loss of one's own, and the package's."""

from autograd_mini import MLP, Value, fit, nn


def pinball(prediction: Value, target: float) -> Value:
    error = target - prediction
    return nn.mse(error, 0.0) + (0.9 * error).maximum(-0.1 * error)


history = fit(MLP(1, [1], seed=0), [[0.0], [1.0]], [0.0, 1.0], loss=pinball, lr=0.1, epochs=3)
doubled = fit(MLP(1, [1], seed=0), [[0.0], [1.0]], [0.0, 1.0], loss=lambda p, t: 2 * (p - t) ** 2, lr=0.1, epochs=3)
known: Value = nn.huber(Value(2.0), 1.0, delta=0.5)
plain: float = nn.mse([1.0, 2.0], [1.0, 4.0]) + nn.cross_entropy([0.0, 1.0], 1) + nn.hinge(0.5, 1)
mixed: Value = nn.mae([Value(1.0), Value(2.0)], [1.0, 4.0])
known.backward()
print(history.loss, doubled.best_epoch, plain, mixed)
