"""Programs whose derivative has a sum where f has a mean, or a mean of a part alone."""

from __future__ import annotations

import math
import statistics

import numpy as np
from mistakes import logistic, program

RNG = np.random.default_rng(14)
X = RNG.normal(size=(9, 3))
Y = RNG.normal(size=9)
LABELS = (Y > 0) * 1.0
W = np.array([0.6, -0.3, 0.8])


@program("missing mean")
def mean_squared_error(mistaken):
    """Return a mean squared error whose gradient is of the sum."""
    return lambda w: np.mean((X @ w - Y) ** 2), lambda w: 2 * X.T @ (X @ w - Y) / (1 if mistaken else len(Y)), W


@program("missing mean")
def binary_cross_entropy(mistaken):
    """Return a cross-entropy by np.average, whose gradient uses np.sum."""

    def df(w):
        terms = X * (logistic(X @ w) - LABELS)[:, None]
        return np.sum(terms, 0) if mistaken else np.mean(terms, 0)

    return lambda w: np.average(np.logaddexp(0, X @ w) - LABELS * (X @ w)), df, W


@program("missing mean")
def statistics_mean(mistaken):
    """Return a mean in plain Python with the statistics module."""
    data = [0.3, 1.4, -0.8, 2.2]

    def df(m, s):
        by_m = [2 * (m - d) * s for d in data]
        by_s = [(d - m) ** 2 for d in data]
        pick = math.fsum if mistaken else statistics.fmean
        return pick(by_m), pick(by_s)

    return lambda m, s: statistics.fmean(s * (d - m) ** 2 for d in data), df, (0.5, 1.2)


@program("missing mean")
def softmax_over_a_batch(mistaken):
    """Return a mean cross-entropy over a batch, by the logits."""
    k = np.array([0, 2, 1, 1, 0])

    def f(z):
        return np.mean(np.log(np.exp(z).sum(1)) - z[np.arange(5), k])

    def df(z):
        p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        p[np.arange(5), k] -= 1
        return p if mistaken else p / 5

    return f, df, X[:5]


@program("missing mean")
def loop_over_samples(mistaken):
    """Return a Huber loss in a loop that forgets to divide at its end."""

    def df(w):
        g = np.zeros(3)
        for x, y in zip(X, Y, strict=True):
            r = x @ w - y
            g += x * (r if abs(r) < 1 else np.sign(r))
        if not mistaken:
            g /= len(Y)
        return g

    def f(w):
        r = np.abs(X @ w - Y)
        return np.where(r < 1, r * r / 2, r - 0.5).mean()

    return f, df, W


@program("missing mean")
def penalised_mean(mistaken):
    """Return ridge regression whose data term is a mean, which the gradient forgets in that term only."""

    def df(w):
        return X.T @ (X @ w - Y) / (1 if mistaken else 9) + 0.3 * w

    return lambda w: 0.5 * np.mean((X @ w - Y) ** 2) + 0.15 * w @ w, df, W


@program("missing mean")
def mean_over_all_entries(mistaken):
    """Return a reconstruction error of an autoencoder, a mean over entries, divided by the rows only."""

    def f(m):
        return np.mean((X @ m - X) ** 2)

    def df(m):
        return 2 * X.T @ (X @ m - X) / (len(X) if mistaken else X.size)

    return f, df, np.array([[0.5, 0.1, 0.0], [0.2, 0.8, -0.3], [0.0, 0.4, 0.6]])


@program("missing mean")
def variance(mistaken):
    """Return a variance whose gradient is not divided."""
    return np.var, lambda x: 2 * (x - x.mean()) / (1 if mistaken else x.size), Y[:6]


@program("missing mean")
def norm_of_the_mean(mistaken):
    """Return a contrastive margin of a mean embedding."""

    def df(e):
        m = e.mean(0)
        g = np.tile(m / np.sqrt(m @ m + 1), (len(e), 1))
        return g if mistaken else g / len(e)

    return lambda e: np.sqrt(e.mean(0) @ e.mean(0) + 1), df, X[:4]


@program("missing mean")
def poisson_deviance(mistaken):
    """Return a mean Poisson deviance with a class."""

    class Deviance:
        def __init__(self):
            self.counts = np.array([0, 2, 1, 4, 0, 1, 3, 2, 1.0])
            self.n = self.counts.size

        def loss(self, b):
            return (np.exp(X @ b) - self.counts * (X @ b)).sum() / self.n

        def gradient(self, b):
            g = X.T @ (np.exp(X @ b) - self.counts)
            return g if mistaken else g / self.n

    d = Deviance()
    return d.loss, d.gradient, W / 2


@program("missing mean", needs="torch")
def reduction_in_torch(mistaken):
    """Return PyTorch's mean squared error against a gradient with the reduction 'sum'."""
    import torch

    x, y = torch.tensor(X), torch.tensor(Y)
    loss = torch.nn.functional.mse_loss

    def df(w):
        w = w.detach().requires_grad_()
        return torch.autograd.grad(loss(x @ w, y, reduction="sum" if mistaken else "mean"), w)[0]

    return lambda w: loss(x @ w, y), df, torch.tensor(W)


@program("missing mean", needs="jax")
def mean_in_jax(mistaken):
    """Return a mean of squares in JAX whose custom rule forgets the mean."""
    import jax
    import jax.numpy as jnp

    @jax.custom_vjp
    def energy(x):
        return jnp.mean(x**2)

    energy.defvjp(lambda x: (energy(x), x), lambda x, g: (g * 2 * x / (1 if mistaken else x.size),))
    return energy, None, jnp.array([0.5, 1.5, -0.3, 0.9])


@program("missing mean")
def kernel_mean(mistaken):
    """Return a mean over all pairs whose gradient is divided by the points, not by the pairs."""

    def f(x):
        return np.mean(np.exp(-((x[:, None] - x[None]) ** 2)))

    def df(x):
        d = x[:, None] - x[None]
        return (-4 * d * np.exp(-(d**2))).sum(1) / (x.size if mistaken else x.size**2)

    return f, df, Y[:5]


@program("missing mean")
def mean_of_the_penalty_too(mistaken):
    """Return a penalised mean whose gradient divides the penalty by the number of data, too."""

    def df(w):
        g = 2 * X.T @ (X @ w - Y)
        return (g + 0.2 * w) / len(Y) if mistaken else g / len(Y) + 0.2 * w

    return lambda w: np.mean((X @ w - Y) ** 2) + 0.1 * w @ w, df, W


@program("missing mean")
def standardised_entries(mistaken):
    """Return sines of standardised numbers, whose gradient has sums for the means."""

    def df(x):
        s, u = x.std(), (x - x.mean()) / x.std()
        n, g = 1 if mistaken else len(x), np.cos(u)
        return (g - g.sum() / n - u * (g * u).sum() / n) / s

    return lambda x: float(np.sum(np.sin((x - x.mean()) / x.std()))), df, Y
