"""One row of the table, tried in everything that an operation has to work in: `python one_row.py NAME BACKEND…`.

The row is a function of one operand. Its derivatives at one point are compared with those of a textbook.
"""

from __future__ import annotations

import math
import sys
from importlib.util import find_spec

import stubs

import autograd_mini as ag
from autograd_mini import Value, gradient
from autograd_mini.engine.ops import TABLE
from autograd_mini.viz.expressions import expression

TRUTH = {
    "softsign": lambda x: [x / (1 + x), (1 + x) ** -2, -2 * (1 + x) ** -3, 6 * (1 + x) ** -4],
    "exp4": lambda x: [math.log(4) ** k * 4**x for k in range(4)],
}
"""The value and the first three derivatives of a function at a point above 0, by textbook."""

AT = 0.7


def close(found, truth):
    return math.isclose(found, truth, rel_tol=1e-12)


def on_floats_and_values(name, truth):
    function = getattr(ag, name)
    assert name in ag.__all__
    assert TABLE[name].doc in function.__doc__
    assert type(function(AT)) is float
    assert close(function(AT), truth[0])
    assert math.isnan(function(math.nan))
    x = Value(AT, label="x")
    y = getattr(x, name)()
    assert y.data == function(x).data == function(AT)
    y.backward()
    assert close(x.grad, truth[1])
    (slope,) = gradient(y, [x])
    assert close(slope.data, truth[1])
    assert close(gradient(slope, x).data, truth[2])
    value, tangent = ag.jvp(function, (AT,), (1.0,))
    assert close(value, truth[0])
    assert close(tangent, truth[1])


def in_taylor_series(name, truth):
    coefficients = ag.taylor(getattr(ag, name), AT, 3)
    assert all(close(c * math.factorial(k), d) for k, (c, d) in enumerate(zip(coefficients, truth, strict=True)))
    assert close(ag.derivative(getattr(ag, name), 3)(AT), truth[3])


def in_the_stub(name):
    text = stubs.stub()
    assert f"    def {name}(self) -> Value:\n" in text
    assert f"\ndef {name}(x: Scalar, /) -> Scalar:\n" in text


def in_pictures(name, truth):
    y = expression(f"{name}(x)", {"x": AT})
    x = y.args[0]
    assert ag.latex(y) == f"\\operatorname{{{name}}}(x)"
    assert "x" in ag.latex(y, x)
    backward = ag.steps(y)[-1]
    (contribution,) = backward.contributions
    assert contribution.formula
    assert contribution.formula in "".join(backward.lines())
    assert close(contribution.partial, truth[1])
    assert name in str(ag.trace(y))


def in_sympy(name, truth):
    if not find_spec("sympy"):
        return
    import sympy

    x = Value(AT, label="x")
    found = ag.sympy(getattr(ag, name)(x))
    symbol = sympy.Symbol("x", real=True)
    if TABLE[name].primitive and not hasattr(sympy, name):
        assert found == sympy.Function(name)(symbol)
    else:
        assert close(float(found.subs(symbol, AT)), truth[0])


def compiled(name, backend, truth):
    function = getattr(ag, name)
    assert close(ag.jit(function, backend=backend)(AT), truth[0])
    value, slope = ag.jit(ag.value_and_grad(function), backend=backend)(AT)
    assert close(value, truth[0])
    assert close(slope, truth[1])
    assert close(ag.jit(ag.derivative(function, 2), backend=backend)(AT), truth[2])


def compiled_in_a_batch(name, backend, truth):
    import numpy as np

    values, slopes = ag.jit(ag.value_and_grad(getattr(ag, name)), batched=True, backend=backend)(np.full(5, AT))
    assert all(close(value, truth[0]) for value in values)
    assert all(close(slope, truth[1]) for slope in slopes)


def main(name, *backends):
    truth = TRUTH[name](AT)
    on_floats_and_values(name, truth)
    in_taylor_series(name, truth)
    in_the_stub(name)
    in_pictures(name, truth)
    in_sympy(name, truth)
    for backend in backends:
        compiled(name, backend, truth)
        if find_spec("numpy"):
            compiled_in_a_batch(name, backend, truth)
    sys.stdout.write(f"{name} works\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
