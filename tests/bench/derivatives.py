"""Gradient and Hessian of the Rosenbrock function of 10 variables, beside peers: `python tests/bench/derivatives.py`.

Every comparison alternates blocks of calls of the two sides and prints the median of the ratios; above 1, this package
is faster. A peer that is not installed is left out. The function is the same text for all, a sum over elements, as one
writes it for scalars, and for the array libraries also the way that suits them, with slices.
"""

from __future__ import annotations

import importlib
import statistics
import time

from command import begin

if __name__ == "__main__":
    begin(__doc__, "numpy")

import numpy as np
from processor import described

from autograd_mini.transforms import hessian, hvp, value_and_grad

ROUNDS = 9
X = np.linspace(-1.2, 1.3, 10)


def by_elements(x):
    return sum(100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2 for i in range(9))


def by_slices(x):
    return (100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1.0 - x[:-1]) ** 2.0).sum()


def imported(name):
    """Return a module, or None if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def peers():
    """Yield the name of each contender, its gradient and its Hessian, as functions without arguments."""
    autograd = imported("autograd")
    if autograd is not None:
        for style, f in (("elements", by_elements), ("slices", by_slices)):
            gradient, second = autograd.value_and_grad(f), autograd.hessian(f)
            yield f"HIPS autograd, {style}", lambda g=gradient: g(X), lambda h=second: h(X)
    jax = imported("jax")
    if jax is not None:
        jax.config.update("jax_enable_x64", True)
        x = jax.numpy.asarray(X)
        for style, f in (("elements", by_elements), ("slices", by_slices)):
            gradient, second = jax.value_and_grad(f), jax.hessian(f)
            yield (
                f"JAX, not jitted, {style}",
                lambda g=gradient: jax.block_until_ready(g(x)),
                lambda h=second: jax.block_until_ready(h(x)),
            )
        gradient, second = jax.jit(jax.value_and_grad(by_slices)), jax.jit(jax.hessian(by_slices))
        yield "JAX, jitted", lambda: jax.block_until_ready(gradient(x)), lambda: jax.block_until_ready(second(x))


def block(function, seconds=0.02):
    """Return the time of one call, the fastest part of a block of calls."""
    best = float("inf")
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def compare(name, theirs, ours):
    """Print how much longer they take."""
    theirs(), ours()
    pairs = [(block(theirs), block(ours)) for _ in range(ROUNDS)]
    ratio = statistics.median(a / b for a, b in pairs)
    own = statistics.median(b for _, b in pairs)
    print(f"  {name:30} {ratio:8.2f} x   ({own * 1e6:.0f} µs here)")


def main():
    """Print the ratios."""
    print(described())
    gradient, second, product = value_and_grad(by_elements), hessian(by_elements), hvp(by_elements)
    contenders = list(peers())
    for title, ours, at in (("value and gradient", lambda: gradient(X), 1), ("Hessian", lambda: second(X), 2)):
        print(title)
        for contender in contenders:
            compare(contender[0], contender[at], ours)
    gradient(X), second(X), product(X, X)
    plain = block(lambda: by_elements(X.tolist()))
    print(
        f"in calls of the function on floats: value and gradient {block(lambda: gradient(X)) / plain:.1f}, "
        f"Hessian {block(lambda: second(X)) / plain:.1f}, times a vector {block(lambda: product(X, X)) / plain:.1f}"
    )


if __name__ == "__main__":
    main()
