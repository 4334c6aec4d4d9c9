"""A compiled loss over whole arrays."""

import numpy as np

from autograd_mini import Parameter, Value, jit, softplus

w, b = Parameter(0.5), Parameter(0.0)


@jit(batched=True)
def loss(x: Value, y: Value) -> Value:
    return softplus(-y * (w * x + b))


x, y = np.array([1.0, 2.0, -1.0]), np.array([1.0, 1.0, -1.0])
mean: float = loss.backward(x, y)
closed_over: list[Value] = loss.parameters
value, slope = loss.value_and_grad([w.data, b.data], x, y)
source: str = loss.source
print(mean, closed_over, value, slope, len(source))


def scaled(u: Value) -> Value:
    return u * w


fast = jit(scaled, backend="python")
squared = jit(lambda u, v: (u * w - v) ** 2, backend="python")
print(fast(2.0), squared(1.0, 2.0))
