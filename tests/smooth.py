"""Random smooth functions: the same recipe evaluated on Values, floats, or mpmath's numbers."""

from __future__ import annotations

import mpmath as mp
from hypothesis import strategies as st

import autograd_mini as ag

VALUES = {
    "sin": ag.sin,
    "cos": ag.cos,
    "tanh": ag.tanh,
    "sigmoid": ag.sigmoid,
    "atan": ag.atan,
    "erf": ag.erf,
    "softplus": ag.softplus,
    "gelu": ag.gelu,
    "asinh": ag.asinh,
    "bounded exp": lambda x: ag.exp(ag.sin(x)),
    "root": lambda x: ag.sqrt(1 + x * x),
}
MPMATH = {
    "sin": mp.sin,
    "cos": mp.cos,
    "tanh": mp.tanh,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "atan": mp.atan,
    "erf": mp.erf,
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "gelu": lambda x: x * mp.ncdf(x),
    "asinh": mp.asinh,
    "bounded exp": lambda x: mp.exp(mp.sin(x)),
    "root": lambda x: mp.sqrt(1 + x * x),
}
BINARY = ("+", "-", "*", "/")


@st.composite
def recipes(draw, inputs=1, longest=8):
    """Draw a recipe: steps over earlier results, each a function of one of them, or arithmetic of two."""
    steps = []
    for count in range(inputs, inputs + draw(st.integers(1, longest))):
        earlier = st.integers(0, count - 1)
        if draw(st.booleans()):
            steps.append((draw(st.sampled_from(sorted(VALUES))), draw(earlier), None))
        else:
            steps.append((draw(st.sampled_from(BINARY)), draw(earlier), draw(earlier)))
    return steps


def results(steps, inputs, functions=None):
    """Return all results of a recipe, the inputs first."""
    functions = functions or VALUES
    known = list(inputs)
    for name, at, other in steps:
        x = known[at]
        if name in functions:
            known.append(functions[name](x))
            continue
        y = known[other]
        known.append({"+": x + y, "-": x - y, "*": x * y}[name] if name != "/" else x / (2 + y * y))
    return known


def last(steps, inputs, functions=None):
    """Return the last result of a recipe."""
    return results(steps, inputs, functions)[-1]
