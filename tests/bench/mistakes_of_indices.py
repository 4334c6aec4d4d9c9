"""Programs whose derivative has a loop one step short, an index that counts from elsewhere, or a neighbour's entry."""

from __future__ import annotations

import itertools
import math

import numpy as np
from mistakes import program

RNG = np.random.default_rng(15)
A = RNG.normal(size=(5, 5))
V = RNG.normal(size=5)
X = RNG.normal(size=7)
LIST = [*map(float, X)]
LONG = RNG.normal(size=10)
GRID = RNG.normal(size=(3, 5))
KERNEL = np.array([0.2, 0.5, -0.7])
COEFFICIENTS = [0.5, -1.2, 0.3, 0.8]
LOOP = "off by one in a loop"


def cubes(x):
    """Return a sum of cubes."""
    return sum(v**3 for v in x)


def polynomial(x):
    """Return a polynomial of degree 3."""
    return sum(c * x**k for k, c in enumerate(COEFFICIENTS))


def roughness(x):
    """Return the sum of the squared differences."""
    return ((x[1:] - x[:-1]) ** 2).sum()


@program(LOOP)
def differences_but_the_last(mistaken):
    """Return a roughness whose gradient adds up all differences but the last."""

    def df(x):
        g = np.zeros_like(x)
        for i in range(len(x) - 1 - mistaken):
            g[i] -= 2 * (x[i + 1] - x[i])
            g[i + 1] += 2 * (x[i + 1] - x[i])
        return g

    return roughness, df, X


@program(LOOP)
def weights_from_zero(mistaken):
    """Return a sum of sines with weights that count from one, and in the gradient from zero."""

    def df(x):
        return [i * math.cos(v) for i, v in enumerate(x, 0 if mistaken else 1)]

    return lambda x: sum(i * math.sin(v) for i, v in enumerate(x, 1)), df, LIST


@program(LOOP)
def all_but_the_last(mistaken):
    """Return a sum of cubes whose gradient's loop ends one early."""

    def df(x):
        g = [0.0] * len(x)
        for i in range(len(x) - mistaken):
            g[i] = 3 * x[i] ** 2
        return g

    return cubes, df, LIST


@program(LOOP)
def all_but_the_first(mistaken):
    """Return a sum of cubes whose gradient's loop begins one late."""

    def df(x):
        g = [0.0] * len(x)
        for i in range(int(mistaken), len(x)):
            g[i] = 3 * x[i] ** 2
        return g

    return cubes, df, LIST


@program(LOOP)
def entry_before(mistaken):
    """Return a sum of cubes whose gradient reads the entry before."""
    return cubes, lambda x: [3 * x[i - mistaken] ** 2 for i in range(len(x))], LIST


@program(LOOP)
def entry_behind_up_to_the_end(mistaken):
    """Return a sum of cubes whose gradient reads the next entry, as far as there is one."""
    return cubes, lambda x: [3 * x[min(i + mistaken, len(x) - 1)] ** 2 for i in range(len(x))], LIST


@program(LOOP)
def power_of_a_constant(mistaken):
    """Return a squared polynomial by its coefficients, whose powers count from one in the gradient."""

    def value(c):
        return sum(a * 0.7**k for k, a in enumerate(c))

    def df(c):
        return np.array([2 * value(c) * 0.7 ** (k + mistaken) for k in range(len(c))])

    return lambda c: value(c) ** 2, df, V


@program(LOOP)
def degree_left_out(mistaken):
    """Return a polynomial whose derivative leaves out the highest power."""
    return polynomial, lambda x: sum(k * COEFFICIENTS[k] * x ** (k - 1) for k in range(1, 4 - mistaken)), 0.9


@program(LOOP)
def power_not_lowered(mistaken):
    """Return a polynomial whose derivative keeps the powers."""
    return polynomial, lambda x: sum(k * COEFFICIENTS[k] * x ** (k - (not mistaken)) for k in range(1, 4)), 0.9


@program(LOOP)
def power_lowered_before(mistaken):
    """Return a polynomial whose derivative multiplies by the lowered power."""
    return polynomial, lambda x: sum((k - mistaken) * COEFFICIENTS[k] * x ** (k - 1) for k in range(1, 4)), 0.9


@program(LOOP)
def suffix_sums_from_the_next(mistaken):
    """Return a weighted cumulative sum whose adjoint begins one later."""
    weights = np.arange(1.0, 8.0)

    def df(x):
        rest = np.cumsum(weights[::-1])[::-1]
        return np.cos(x) * (np.append(rest[1:], 0.0) if mistaken else rest)

    return lambda x: float(np.cumsum(np.sin(x)) @ weights), df, X


def filtered(x):
    """Return the sum of a squashed convolution."""
    return float(np.sum(np.tanh(np.convolve(x, KERNEL, "valid"))))


@program(LOOP)
def kernel_one_short(mistaken):
    """Return a convolution whose adjoint leaves out the last weight."""

    def df(x):
        slopes, g = 1 - np.tanh(np.convolve(x, KERNEL, "valid")) ** 2, np.zeros_like(x)
        for i, slope in enumerate(slopes):
            for k in range(3 - mistaken):
                g[i + 2 - k] += slope * KERNEL[k]
        return g

    return filtered, df, LONG


@program(LOOP)
def kernel_one_further(mistaken):
    """Return a convolution whose adjoint writes one further."""

    def df(x):
        slopes, g = 1 - np.tanh(np.convolve(x, KERNEL, "valid")) ** 2, np.zeros_like(x)
        for i, slope in enumerate(slopes):
            for k in range(3):
                g[(i + 2 + mistaken - k) % len(x)] += slope * KERNEL[k]
        return g

    return filtered, df, LONG


@program(LOOP)
def variance_of_a_sample(mistaken):
    """Return the variance of a sample, whose gradient divides by n."""
    return lambda x: float(np.var(x, ddof=1)), lambda x: 2 * (x - x.mean()) / (len(x) - (not mistaken)), X


@program(LOOP)
def trapezoids_of_the_left_end(mistaken):
    """Return a trapezoidal rule whose gradient takes the left end twice."""

    def df(x):
        g = [0.0] * len(x)
        for i in range(len(x) - 1):
            g[i] += 0.05 * math.exp(x[i])
            g[i + 1] += 0.05 * math.exp(x[i + (not mistaken)])
        return g

    return lambda x: sum(0.05 * (math.exp(u) + math.exp(v)) for u, v in itertools.pairwise(x)), df, LIST


@program(LOOP)
def recurrence_cut_by_one(mistaken):
    """Return a recurrent state whose backward pass stops one step early."""

    def states(w):
        found = [0.1]
        for t in range(5):
            found.append(math.tanh(w[0] * found[-1] + w[1] * t))
        return found

    def df(w):
        h, g, d = states(w), [0.0, 0.0], 1.0
        for t in reversed(range(int(mistaken), 5)):
            d *= 1 - h[t + 1] ** 2
            g[0] += d * h[t]
            g[1] += d * t
            d *= w[0]
        return g

    return lambda w: states(w)[-1], df, [0.8, 0.3]


@program(LOOP)
def label_of_the_next_class(mistaken):
    """Return a cross-entropy whose gradient subtracts one from the next class."""

    def df(x):
        p = np.exp(x) / np.exp(x).sum()
        p[2 + mistaken] -= 1
        return p

    return lambda x: float(np.log(np.exp(x).sum()) - x[2]), df, V


@program(LOOP)
def columns_but_the_last(mistaken):
    """Return products of neighbouring columns, whose gradient leaves out the last pair."""

    def df(w):
        g = np.zeros_like(w)
        for j in range(w.shape[1] - 1 - mistaken):
            g[:, j] += np.sin(w[:, j + 1])
            g[:, j + 1] += w[:, j] * np.cos(w[:, j + 1])
        return g

    return lambda w: float(np.sum(w[:, :-1] * np.sin(w[:, 1:]))), df, GRID


@program(LOOP, needs="torch")
def both_ends_in_torch(mistaken):
    """Return a roughness whose gradient is that of the inner entries alone."""
    import torch

    def df(x):
        d, g = 2 * (x[1:] - x[:-1]), torch.zeros_like(x)
        g[1:-1] = d[:-1] - d[1:]
        if not mistaken:
            g[0], g[-1] = -d[0], d[-1]
        return g

    return roughness, df, torch.tensor(X)


@program(LOOP)
def inner_sites_alone(mistaken):
    """Return a chain of spins whose gradient leaves out the ends."""

    def df(x):
        n, g = len(x), [0.0] * len(x)
        for i in range(int(mistaken), n - mistaken):
            g[i] += x[i + 1] * math.cos(x[i] * x[i + 1]) if i < n - 1 else 0.0
            g[i] += x[i - 1] * math.cos(x[i - 1] * x[i]) if i else 0.0
        return g

    return lambda x: sum(math.sin(u * v) for u, v in itertools.pairwise(x)), df, LIST


@program("transposed")
def sines_of_a_map(mistaken):
    """Return a sum of sines of a linear map, whose gradient multiplies by the map again."""
    return lambda x: float(np.sum(np.sin(A @ x))), lambda x: (A if mistaken else A.T) @ np.cos(A @ x), V


@program("transposed")
def form_taken_for_symmetric(mistaken):
    """Return a quadratic form whose gradient takes the matrix for symmetric."""
    return lambda x: float(x @ A @ x), lambda x: 2 * A @ x if mistaken else (A + A.T) @ x, V


@program("transposed", needs="torch")
def layer_in_torch(mistaken):
    """Return a layer whose weights' gradient multiplies by the inputs as they are."""
    import torch

    inputs = torch.tensor(A)

    def df(w):
        return (inputs if mistaken else inputs.T) @ (1 - (inputs @ w).tanh() ** 2)

    return lambda w: (inputs @ w).tanh().sum(), df, torch.tensor(A[::-1].copy())
