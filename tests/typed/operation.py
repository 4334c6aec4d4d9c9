"""An operation of one's own."""

import autograd_mini as ag

cube = ag.operation("typed_cube", "x * x * x", "3 * x * x", domain=((-2.0, 2.0),))
blend = ag.operation("typed_blend", "x * x + y", "2 * x", "1.0")
x = ag.Value(2.0)
y: ag.Value = cube(x) + blend(x, 1.0) + blend(2.0, x)
number: float = cube(2.0) + blend(1.0, 2.0)
y.backward()
assert x.grad == 12.0 + 4.0 + 1.0
print(cube.__name__, number)
