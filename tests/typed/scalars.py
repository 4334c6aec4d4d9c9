"""Arithmetic of Values and numbers, as anyone writes it."""

import autograd_mini as ag
from autograd_mini import Value, gradient, no_grad, order

values = [Value(float(n), label=f"v{n}") for n in range(1, 4)]
x, y, z = values
total: Value = sum(values, Value(0.0))
mean: Value = ag.mean(values)
result: Value = -x + 2 * y - z / 3 + 2**x + x**2 + y**0.5 + x % 2.0 + abs(z) + 1 / x
largest: Value = max(values)
choice: Value = ag.where(x > y, x, 0.0) + ag.maximum(0.0, y) + ag.clip(x, 0.0, 1.0) + ag.clip(z, x, None)
shares: list[Value] = ag.softmax(values)
logits: list[float] = ag.log_softmax([0.0, 1.0])
plain: float = ag.exp(1.0) + ag.maximum(1.0, 2.0) + ag.leaky_relu(-1.0) + ag.atan2(1.0, 2) + ag.where(1, 2.0, 3.0)
methods: Value = x.exp() + x.leaky_relu(0.1) + x.atan2(2.0) + x.maximum(y) + x.clamp_min(0)
(total + mean + result + largest + choice + shares[0] + methods).backward()
slope: Value = gradient(result, x)
slopes: list[Value] = gradient(result, values)
grads: list[float] = [value.grad for value in values]
nodes: list[Value] = order(result)
text = f"{x.data:.3f} {x} {x.label} {x.op} {x.args} {plain} {logits} {slope} {slopes} {grads} {len(nodes)}"
bigger: bool = x < y
x.data = 4.0
x.grad = 0.0


@no_grad()
def predict(x: Value) -> Value:
    return x * 2


with no_grad():
    frozen: Value = predict(x)
print(text, bigger, frozen)
