"""Programs whose derivative remembers what another point left in a cache."""

from __future__ import annotations

import functools
import math
from types import SimpleNamespace

import numpy as np
from mistakes import logistic, program

RNG = np.random.default_rng(11)
A = RNG.normal(size=(7, 3))
B = RNG.normal(size=7)
LABELS = (B > 0) * 1.0
W = np.array([0.3, -0.8, 0.5])


@program("stale cache")
def factorised_once(mistaken):
    """Return the log determinant of a kernel matrix, whose factor a Gaussian process keeps."""
    d2 = (A[:, None, 0] - A[None, :, 0]) ** 2

    class Process:
        inverse = None

        def kernel(self, t):
            return t[1] ** 2 * np.exp(-d2 / t[0] ** 2) + 0.1 * np.eye(7)

        def value(self, t):
            return np.linalg.slogdet(self.kernel(t))[1]

        def gradient(self, t):
            if self.inverse is None or not mistaken:
                self.inverse = np.linalg.inv(self.kernel(t))
            k = t[1] ** 2 * np.exp(-d2 / t[0] ** 2)
            return np.array([np.sum(self.inverse * k * 2 * d2 / t[0] ** 3), np.sum(self.inverse * k * 2 / t[1])])

    process = Process()
    return process.value, process.gradient, np.array([0.9, 1.3])


@program("stale cache")
def memo_by_rounded_parameters(mistaken):
    """Return logistic regression whose probabilities are memoised by the rounded weights."""
    memo = {}

    def probabilities(w):
        key = tuple(np.round(w, 1)) if mistaken else tuple(w)
        if key not in memo:
            memo[key] = logistic(A @ w)
        return memo[key]

    def loss(w):
        return -np.mean(LABELS * np.log(logistic(A @ w)) + (1 - LABELS) * np.log(1 - logistic(A @ w)))

    return loss, lambda w: A.T @ (probabilities(w) - LABELS) / 7, W


@program("stale cache")
def lru_cache_by_length(mistaken):
    """Return a sum of exponentials whose weights an lru_cache holds by the number of entries."""
    now = SimpleNamespace(x=None)

    @functools.cache
    def weights(key):
        del key
        return np.exp(-now.x / 2)

    def f(x):
        return float(np.exp(-np.asarray(x) / 2).sum())

    def df(x):
        now.x = np.asarray(x)
        return -0.5 * weights(len(x) if mistaken else now.x.tobytes())

    return f, df, [0.2, 1.1, -0.4, 2.0]


@program("stale cache")
def cached_property_of_a_mutable(mistaken):
    """Return Rosenbrock's function by an object whose residuals are a cached property."""

    class Problem:
        def __init__(self):
            self.x = self.y = 0.0

        def at(self, x, y):
            self.x, self.y = x, y
            if not mistaken:
                self.__dict__.pop("residual", None)
            return self

        @functools.cached_property
        def residual(self):
            return self.y - self.x**2

    shared = Problem()

    def df(x, y):
        r = shared.at(x, y).residual
        return -2 * (1 - x) - 400 * x * r, 200 * r

    return lambda x, y: (1 - x) ** 2 + 100 * (y - x * x) ** 2, df, (-0.7, 1.4)


@program("stale cache")
def computed_unless_far(mistaken):
    """Return a softmax cross-entropy whose normaliser is refreshed when the logits moved by more than a half."""
    last = {"z": None, "p": None}

    def f(z):
        return np.log(np.exp(z).sum()) - z[1]

    def df(z):
        limit = 0.5 if mistaken else 0.0
        if last["z"] is None or np.abs(z - last["z"]).max() > limit:
            e = np.exp(z)
            last["z"], last["p"] = z.copy(), e / e.sum()
        return last["p"] - np.array([0.0, 1.0, 0.0, 0.0])

    return f, df, np.array([0.5, -0.2, 1.0, 0.1])


@program("stale cache")
def key_without_one_argument(mistaken):
    """Return a damped oscillation memoised by the time alone, not by the damping."""
    memo = {}

    def envelope(t, c):
        key = t if mistaken else (t, c)
        return memo.setdefault(key, math.exp(-c * t))

    def df(t, c):
        e = envelope(t, c)
        return e * (-c * math.cos(3 * t) - 3 * math.sin(3 * t)), -t * e * math.cos(3 * t)

    return lambda t, c: math.exp(-c * t) * math.cos(3 * t), df, (0.8, 0.35)


@program("stale cache")
def buffer_of_the_first_jacobian(mistaken):
    """Return the Jacobian of a robot arm that writes its sines into a buffer while the buffer is empty."""
    buffer = np.zeros(3)

    def f(q):
        a = np.cumsum(q)
        return np.array([np.cos(a).sum(), np.sin(a).sum()])

    def df(q):
        a = np.cumsum(q)
        if not mistaken or not buffer.any():
            buffer[:] = np.sin(a)
        s, c = buffer, np.cos(a)
        return np.array([-np.cumsum(s[::-1])[::-1], np.cumsum(c[::-1])[::-1]])

    return f, df, np.array([0.4, 0.7, -0.3])


@program("stale cache")
def key_by_str(mistaken):
    """Return a sum of sines memoised by the printed array, which shows one digit."""
    a = np.linspace(-1, 1, 12)
    memo = {}

    def df(x):
        key = np.array2string(x, precision=1 if mistaken else 17)
        if key not in memo:
            memo[key] = np.cos(a * x)
        return a * memo[key]

    return lambda x: np.sin(a * x).sum(), df, np.linspace(0.5, 2, 12)


@program("stale cache")
def refreshed_every_tenth_call(mistaken):
    """Return a nonlinear fit whose Jacobian is refreshed on every tenth call."""
    t = np.linspace(0, 2, 7)
    held = {"count": 0, "J": None}

    def residuals(p):
        return p[0] * np.exp(-p[1] * t) - B

    def jacobian(p):
        if held["count"] % (10 if mistaken else 1) == 0:
            e = np.exp(-p[1] * t)
            held["J"] = np.stack([e, -p[0] * t * e], 1)
        held["count"] += 1
        return held["J"]

    return lambda p: 0.5 * residuals(p) @ residuals(p), lambda p: jacobian(p).T @ residuals(p), np.array([1.2, 0.6])


@program("stale cache")
def generator_of_weights(mistaken):
    """Return a chi-square by iterative reweighting whose weights a generator computes when it is first advanced."""

    def stream(r):
        w = 1 / (1 + r**2)
        while True:
            yield w

    kept = []

    def df(b):
        r = A @ b - B
        if not kept or not mistaken:
            kept[:] = [stream(r)]
        return A.T @ (next(kept[0]) * r)

    return lambda b: 0.5 * np.log1p((A @ b - B) ** 2).sum(), df, W


@program("stale cache", needs="torch")
def distances_of_a_module(mistaken):
    """Return the repulsion of points in PyTorch whose distances are kept until somebody clears them."""
    import torch

    class Repulsion:
        distances = None

        def energy(self, x):
            return (1 / (1 + torch.pdist(x) ** 2)).sum()

        def forces(self, x):
            if self.distances is None or not mistaken:
                self.distances = ((x[:, None] - x[None]) ** 2).sum(-1)
            k = -2 / (1 + self.distances) ** 2
            return 2 * (k[..., None] * (x[:, None] - x[None])).sum(1) / 2

    r = Repulsion()
    return r.energy, r.forces, torch.tensor([[0.0, 0.1], [1.0, 0.3], [-0.5, 0.8]], dtype=torch.float64)


@program("stale cache", needs="jax")
def constants_closed_over(mistaken):
    """Return an entropy in JAX whose gradient closes over the probabilities of the first point."""
    import jax.numpy as jnp

    cell = []

    def f(z):
        p = jnp.exp(z) / jnp.exp(z).sum()
        return -(p * jnp.log(p)).sum()

    def df(z):
        p = jnp.exp(z) / jnp.exp(z).sum()
        if not cell or not mistaken:
            cell[:] = [jnp.log(p)]
        g = -(cell[0] + 1)
        return p * (g - (p * g).sum())

    return f, df, jnp.array([0.2, -0.5, 0.9])


@program("stale cache")
def cache_shared_by_two_models(mistaken):
    """Return the sum of two Poisson models whose means are cached at class level under the model's name."""

    class Poisson:
        means = {}  # noqa: RUF012 - the mistake is that it is shared

        def __init__(self, counts):
            self.counts = counts

        def gradient(self, b):
            key = "mean" if mistaken else (id(self), b.tobytes())
            if key not in Poisson.means:
                Poisson.means[key] = np.exp(A @ b)
            return A.T @ (Poisson.means[key] - self.counts)

        def value(self, b):
            return float((np.exp(A @ b) - self.counts * (A @ b)).sum())

    one, two = Poisson(np.arange(7.0)), Poisson(np.ones(7))
    return lambda b: one.value(b) + two.value(b), lambda b: one.gradient(b) + two.gradient(b), W


@program("stale cache")
def factor_of_the_other_input(mistaken):
    """Return a damped wave whose gradient keeps the cosine of the first point."""
    kept = {}

    def df(p):
        kept["cos"] = kept.get("cos", math.cos(p[1])) if mistaken else math.cos(p[1])
        return [-2 * p[0] * math.exp(-(p[0] ** 2)) * kept["cos"], -math.exp(-(p[0] ** 2)) * math.sin(p[1])]

    return lambda p: math.exp(-(p[0] ** 2)) * math.cos(p[1]), df, [0.4, 0.7]


@program("stale cache")
def mask_of_the_first_point(mistaken):
    """Return squares of what is positive, whose gradient keeps the mask of the first point."""
    kept = []

    def df(x):
        kept.append(x > 0)
        return 2 * x * kept[0 if mistaken else -1]

    return lambda x: float(np.sum(np.maximum(x, 0) ** 2)), df, B
