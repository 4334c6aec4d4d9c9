"""Derivatives of functions of numbers, Values, lists and dicts."""

import autograd_mini as ag
from autograd_mini import Value


def cube(x: Value) -> Value:
    return x**3


def line(p: dict[str, Value], x: float) -> Value:
    return p["slope"] * x + p["intercept"]


def product(x: Value, y: Value) -> Value:
    return x * y


first: float = ag.grad(cube)(2.0)
second: float = ag.grad(ag.grad(cube))(2.0)
as_value: Value = ag.grad(cube)(Value(2.0))
both: tuple[float, float] = ag.value_and_grad(cube)(2.0)
third: float = ag.derivative(cube, order=3)(2.0)
series: list[float] = ag.taylor(ag.exp, 0.0, 4)
partials: dict[str, float] = ag.grad(line)({"slope": 1.0, "intercept": 2.0}, 3.0)
curvature: float = ag.hessian(cube)(2.0)
several = ag.grad(product, argnums=(0, 1))(2.0, 3.0)
of_a_lambda: float = ag.grad(lambda x: x**3)(2.0)
of_two: tuple[float, float] = ag.value_and_grad(lambda x, y: x * y)(2.0, 3.0)
nested: float = ag.grad(lambda x: x * ag.grad(lambda y: x + y)(x))(5.0)
with_default: float = ag.derivative(lambda x, power=3: x**power, order=2)(2.0)
coefficients: list[float] = ag.taylor(lambda x: x.exp(), 0.0, 3)
rows = ag.jacobian(lambda p: [p[0] * p[1], p[0] + p[1]])([2.0, 3.0])
out, moved = ag.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
back = ag.vjp(lambda x, y, z: x * y + z, 2.0, 3.0, 4.0)[1]
print(of_a_lambda, of_two, nested, with_default, coefficients, rows, out, moved, back(1.0))
print(first, second, as_value, both, third, series, partials, curvature, several[0])
