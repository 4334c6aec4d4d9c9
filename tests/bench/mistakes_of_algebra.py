"""Programs whose derivative lacks a term, or takes one argument for another."""

from __future__ import annotations

import math

import numpy as np
from mistakes import program

RNG = np.random.default_rng(15)
X = RNG.normal(size=(6, 3))
Y = RNG.normal(size=6)
W = np.array([0.5, -0.7, 0.9])


@program("missing term")
def weight_decay(mistaken):
    """Return logistic regression whose gradient forgets the decay."""

    def df(w):
        g = X.T @ (1 / (1 + np.exp(-X @ w)))
        return g if mistaken else g + 0.2 * w

    return lambda w: np.logaddexp(0, X @ w).sum() + 0.1 * w @ w, df, W


@program("missing term")
def product_rule(mistaken):
    """Return x times its exponential, with half of the product rule."""
    return lambda x: x * math.exp(x), lambda x: x * math.exp(x) + (0 if mistaken else math.exp(x)), 0.7


@program("missing term")
def quotient_rule(mistaken):
    """Return a quotient, differentiated as if the denominator were constant."""

    def df(x):
        d = 1 + x * x
        return math.cos(x) / d - (0 if mistaken else 2 * x * math.sin(x) / d**2)

    return lambda x: math.sin(x) / (1 + x * x), df, 0.6


@program("missing term")
def lasso(mistaken):
    """Return an elastic net whose gradient has no sign term."""
    return (
        lambda w: 0.5 * np.sum((X @ w - Y) ** 2) + 0.4 * np.abs(w).sum(),
        lambda w: X.T @ (X @ w - Y) + (0 if mistaken else 0.4 * np.sign(w)),
        W,
    )


@program("missing term")
def log_determinant_of_a_density(mistaken):
    """Return a normal log density by its deviation without the normaliser's part."""

    def df(m, s):
        z = (0.8 - m) / s
        return z / s, z * z / s - (0 if mistaken else 1 / s)

    return lambda m, s: -0.5 * ((0.8 - m) / s) ** 2 - math.log(s), df, (0.3, 1.4)


@program("missing term")
def a_variable_used_twice(mistaken):
    """Return a residual block whose gradient lacks the way around."""

    def df(x):
        return 0.5 * (1 - np.tanh(0.5 * x) ** 2) + (0 if mistaken else 1)

    return lambda x: np.sum(x + np.tanh(0.5 * x)), df, np.array([0.3, -1.2, 0.8])


@program("missing term")
def momentum_of_a_pendulum(mistaken):
    """Return the energy of a pendulum on a cart, without the coupling."""

    def f(a, v, w):
        return 0.5 * v * v + 0.5 * w * w + v * w * math.cos(a) - 2 * math.cos(a)

    def df(a, v, w):
        by_a = (0 if mistaken else -v * w * math.sin(a)) + 2 * math.sin(a)
        return by_a, v + w * math.cos(a), w + v * math.cos(a)

    return f, df, (0.5, 1.2, 0.8)


@program("missing term")
def accumulated_by_assignment(mistaken):
    """Return a sum over shared indices whose gradient is assigned where it should be added."""
    at = np.array([0, 1, 0, 2])

    def df(t):
        g = np.zeros(3)
        if mistaken:
            g[at] = 2 * t[at]
        else:
            np.add.at(g, at, 2 * t[at])
        return g

    return lambda t: np.sum(t[at] ** 2), df, W


@program("missing term")
def batch_norm_mean(mistaken):
    """Return a centred sum of cubes whose gradient takes the mean for a constant."""

    def df(x):
        c = 3 * (x - x.mean()) ** 2
        return c if mistaken else c - c.mean()

    return lambda x: np.sum((x - x.mean()) ** 3), df, Y


@program("missing term", needs="torch")
def softmax_jacobian(mistaken):
    """Return a softmax in PyTorch whose Jacobian is its diagonal alone."""
    import torch

    def df(z):
        p = torch.softmax(z, 0)
        return torch.diag(p) if mistaken else torch.diag(p) - torch.outer(p, p)

    return lambda z: torch.softmax(z, 0), df, torch.tensor(W)


@program("missing term", needs="jax")
def barrier(mistaken):
    """Return an objective with a logarithmic barrier in JAX that the gradient leaves out."""
    import jax.numpy as jnp

    return (
        lambda x: jnp.sum(jnp.exp(x)) - 0.1 * jnp.sum(jnp.log(2 - x)),
        lambda x: jnp.exp(x) + (0 if mistaken else 0.1 / (2 - x)),
        jnp.array([0.5, 1.1]),
    )


@program("missing term")
def intercept_of_a_line(mistaken):
    """Return a Poisson likelihood whose derivative by the intercept lacks the counts."""
    counts = np.array([1, 0, 2, 1, 3, 0.0])

    def df(a, b):
        m = np.exp(a + b * Y)
        return m.sum() - (0 if mistaken else counts.sum()), (m - counts) @ Y

    return lambda a, b: np.sum(np.exp(a + b * Y) - counts * (a + b * Y)), df, (0.2, 0.4)


@program("swapped arguments")
def two_partials(mistaken):
    """Return a product of powers whose partials come in the other order."""

    def df(x, y):
        found = (2 * x * y**3, 3 * x * x * y * y)
        return found[::-1] if mistaken else found

    return lambda x, y: x * x * y**3, df, (0.8, 1.3)


@program("swapped arguments")
def arctangent(mistaken):
    """Return atan2, whose arguments are y and x."""

    def df(y, x):
        r = x * x + y * y
        return (-y / r, x / r) if mistaken else (x / r, -y / r)

    return math.atan2, df, (0.9, 0.5)


@program("swapped arguments")
def three_in_alphabetical_order(mistaken):
    """Return a gas law whose partials were sorted by name."""

    def df(n, t, v):
        by_n, by_t, by_v = t / v + 2 * n, n / v, -n * t / v**2
        return (by_n, by_v, by_t) if mistaken else (by_n, by_t, by_v)

    return lambda n, t, v: n * t / v + n * n, df, (1.2, 0.7, 2.0)


@program("swapped arguments")
def derivative_called_with_them_swapped(mistaken):
    """Return a divergence whose derivative is called with p for q."""

    def inner(p, q):
        return math.log(p / q) + 1, -p / q

    def df(p, q):
        return inner(q, p) if mistaken else inner(p, q)

    return lambda p, q: p * math.log(p / q), df, (0.4, 0.9)


@program("swapped arguments")
def weights_and_biases(mistaken):
    """Return a scalar affine squashing that returns bias before weight."""

    def df(w, b):
        s = 1 - math.tanh(1.7 * w + b) ** 2
        return (s, 1.7 * s) if mistaken else (1.7 * s, s)

    return lambda w, b: math.tanh(1.7 * w + b), df, (0.3, -0.2)


@program("swapped arguments")
def two_arrays_of_one_shape(mistaken):
    """Return a weighted distance of two vectors whose gradients are exchanged."""
    k = np.array([1.0, 2.0, 0.5])

    def df(a, b):
        found = (k * b + 2 * a, k * a)
        return found[::-1] if mistaken else found

    return lambda a, b: k @ (a * b) + a @ a, df, (W, np.array([1.1, 0.4, -0.6]))


@program("swapped arguments")
def dict_of_parameters(mistaken):
    """Return a gamma log density by a dict of shape and rate."""

    def df(p):
        a, b = p["shape"], p["rate"]
        by_a, by_b = math.log(b) + 2 * math.log(1.3), a / b - 1.3
        return {"shape": by_b, "rate": by_a} if mistaken else {"shape": by_a, "rate": by_b}

    def f(p):
        return p["shape"] * math.log(p["rate"]) + 2 * p["shape"] * math.log(1.3) - p["rate"] * 1.3

    return f, df, {"shape": 2.5, "rate": 1.6}


@program("swapped arguments")
def latitude_and_longitude(mistaken):
    """Return a haversine's numerator by latitude and longitude, handed over the wrong way round."""

    def f(c):
        lat, lon = c
        return math.sin(lat / 2) ** 2 + math.cos(lat) * math.sin(lon / 2) ** 2

    def df(c):
        lat, lon = c[::-1] if mistaken else c
        return [
            math.sin(lat) / 2 - math.sin(lat) * math.sin(lon / 2) ** 2,
            math.cos(lat) * math.sin(lon) / 2,
        ]

    return f, df, [0.7, 1.9]


@program("swapped arguments", needs="torch")
def gates_in_torch(mistaken):
    """Return a gated unit in PyTorch whose backward pass returns the gate's gradient first."""
    import torch

    class Gated(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, gate):
            ctx.save_for_backward(x, gate)
            return x * torch.sigmoid(gate)

        @staticmethod
        def backward(ctx, g):
            x, gate = ctx.saved_tensors
            s = torch.sigmoid(gate)
            found = (g * s, g * x * s * (1 - s))
            return found[::-1] if mistaken else found

    return Gated, None, (torch.tensor(W), torch.tensor(W[::-1].copy()))


@program("swapped arguments", needs="jax")
def rows_and_columns_in_jax(mistaken):
    """Return a norm of a pair in JAX with its partials exchanged."""
    import jax.numpy as jnp

    def df(u, v):
        found = (v * jnp.exp(u * v), u * jnp.exp(u * v))
        return found[::-1] if mistaken else found

    return lambda u, v: jnp.exp(u * v), df, (0.4, 1.1)


@program("swapped arguments")
def mean_and_deviation(mistaken):
    """Return a normal log likelihood that returns the deviation's score first."""

    def df(m, s):
        z = (Y - m) / s
        found = (z.sum() / s, (z @ z - 6) / s)
        return found[::-1] if mistaken else found

    return lambda m, s: -0.5 * np.sum(((Y - m) / s) ** 2) - 6 * math.log(s), df, (0.2, 1.3)


@program("swapped arguments")
def prey_and_predator(mistaken):
    """Return a conserved quantity of prey and predator."""

    def df(x, y):
        found = (1 - 0.5 / x, 1.5 - 0.9 / y)
        return found[::-1] if mistaken else found

    return lambda x, y: x - 0.5 * math.log(x) + 1.5 * y - 0.9 * math.log(y), df, (1.2, 0.4)
