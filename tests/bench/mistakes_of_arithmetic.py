"""Programs whose derivative draws random numbers, or computes in fewer digits than f."""

from __future__ import annotations

import itertools
import math
import random
import struct
from array import array

import numpy as np
from mistakes import program

RNG = np.random.default_rng(12)
A = RNG.normal(size=(8, 3))
B = RNG.normal(size=8)
W = np.array([0.7, -0.2, 0.4])
single = np.float32


@program("randomness")
def minibatch_gradient(mistaken):
    """Return a mean square whose gradient is taken of a random half of the rows."""
    rng = np.random.default_rng(3)

    def df(w):
        rows = rng.choice(8, 4, replace=False) if mistaken else np.arange(8)
        return A[rows].T @ (A[rows] @ w - B[rows]) / len(rows)

    return lambda w: 0.5 * np.mean((A @ w - B) ** 2), df, W


@program("randomness")
def dropout_left_on(mistaken):
    """Return a hidden layer whose backward pass draws another dropout mask."""

    def mask():
        return (np.random.rand(8) > 0.2) / 0.8 if mistaken else np.ones(8)  # noqa: NPY002 - as such programs do

    return lambda w: np.tanh(A @ w).sum(), lambda w: A.T @ ((1 - np.tanh(A @ w) ** 2) * mask()), W


@program("randomness")
def spsa(mistaken):
    """Return a gradient by simultaneous perturbation, which is right on average only."""
    rng = random.Random(5)

    def f(x):
        return x[0] ** 2 + 3 * x[0] * x[1] + math.exp(x[1])

    def df(x):
        if not mistaken:
            return [2 * x[0] + 3 * x[1], 3 * x[0] + math.exp(x[1])]
        d = [rng.choice((-1, 1)) for _ in x]
        up, down = ([v + s * 1e-5 * e for v, e in zip(x, d, strict=True)] for s in (1, -1))
        slope = (f(up) - f(down)) / 2e-5
        return [slope / e for e in d]

    return f, df, [0.4, -0.3]


@program("randomness")
def monte_carlo_expectation(mistaken):
    """Return an expectation of a cosine over a normal, whose derivative is a mean of fresh draws."""
    fixed = np.random.default_rng(0).normal(size=500)

    def df(m):
        draws = np.random.default_rng().normal(size=500) if mistaken else fixed
        return -np.sin(m + draws).mean()

    return lambda m: np.cos(m + fixed).mean(), df, 0.6


@program("randomness")
def reparametrised_noise(mistaken):
    """Return an evidence bound where f and its gradient are to share their noise."""

    def noise():
        return np.random.default_rng(None if mistaken else 4).normal(size=(32, 3))

    def f(m):
        return np.mean(np.sum((m + noise()) ** 2, 1))

    return f, lambda m: 2 * (m + noise()).mean(0), np.array([0.5, 1.0, -0.5])


@program("randomness")
def jitter_on_the_diagonal(mistaken):
    """Return a log determinant whose gradient adds random jitter before it inverts."""
    rng = np.random.default_rng(8)
    s = A.T @ A

    def f(t):
        return np.linalg.slogdet(s + np.diag(t))[1]

    def df(t):
        extra = rng.random(3) * 1e-4 if mistaken else 0.0
        return np.diag(np.linalg.inv(s + np.diag(t + extra)))

    return f, df, np.array([0.5, 1.0, 1.5])


@program("randomness")
def negative_sampling(mistaken):
    """Return an embedding loss with sampled negatives."""
    rng = random.Random(2)

    def df(w):
        chosen = rng.sample(range(8), 3) if mistaken else range(8)
        g = np.zeros(3)
        for i in chosen:
            g += A[i] / (1 + np.exp(-A[i] @ w)) * 8 / len(chosen)
        return g

    return lambda w: np.logaddexp(0, A @ w).sum(), df, W


@program("randomness")
def stochastic_rounding(mistaken):
    """Return a cubic whose derivative is rounded up or down by chance, as on small hardware."""
    rng = random.Random(1)

    def df(x):
        exact = 3 * x * x - 2
        return math.floor(exact * 1024 + rng.random()) / 1024 if mistaken else exact

    return lambda x: x**3 - 2 * x, df, 1.3


@program("randomness")
def hash_of_strings(mistaken):
    """Return a penalty whose order of weights comes from an iterator over shuffled names."""
    names = list("abcd")
    rng = random.Random(9)
    weights = {"a": 1.0, "b": 2.0, "c": 0.5, "d": 3.0}

    def df(x):
        order = list(names)
        if mistaken:
            rng.shuffle(order)
        return [2 * weights[n] * v for n, v in zip(order, x, strict=True)]

    return lambda x: sum(weights[n] * v * v for n, v in zip(names, x, strict=True)), df, [0.5, 1.0, 1.5, -1.0]


@program("randomness")
def hutchinson_trace(mistaken):
    """Return the trace of an inverse by random probes."""
    rng = np.random.default_rng(17)
    s = A.T @ A

    def df(t):
        m = np.linalg.inv(s + t * np.eye(3))
        if not mistaken:
            return -np.trace(m @ m)
        z = rng.choice([-1.0, 1.0], size=3)
        return -z @ m @ m @ z

    return lambda t: np.trace(np.linalg.inv(s + t * np.eye(3))), df, 0.8


@program("randomness", needs="torch")
def noise_in_a_backward(mistaken):
    """Return a square in PyTorch whose backward pass adds noise for privacy."""
    import torch

    class PrivateSquare(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 2 * x * g + (0.01 * torch.randn_like(x) if mistaken else 0)

    return PrivateSquare, None, torch.tensor([0.5, -1.0], dtype=torch.float64)


@program("randomness", needs="jax")
def a_key_that_is_split(mistaken):
    """Return a noisy sum in JAX whose key is split on every call of the gradient."""
    import jax
    import jax.numpy as jnp

    cell = [jax.random.key(0)]

    def df(x):
        scale = 1.0
        if mistaken:
            cell[0], sub = jax.random.split(cell[0])
            scale = 1 + 0.1 * jax.random.normal(sub, x.shape)
        return jnp.cos(x) * scale

    return lambda x: jnp.sin(x).sum(), df, jnp.array([0.3, 1.0])


@program("randomness")
def noise_that_repeats(mistaken):
    """Return an exponential whose gradient takes noise from a cycle of a thousand drawn numbers."""
    drawn = itertools.cycle(np.random.default_rng(6).normal(size=997) if mistaken else [0.0])
    return math.exp, lambda x: math.exp(x) * (1 + 0.05 * next(drawn)), 0.5


@program("float32")
def cast_on_return(mistaken):
    """Return least squares whose gradient is handed to an optimiser in single precision."""
    kind = np.float32 if mistaken else np.float64
    return lambda w: 0.5 * np.sum((A @ w - B) ** 2), lambda w: (A.T @ (A @ w - B)).astype(kind), W


@program("float32")
def design_matrix_in_single(mistaken):
    """Return logistic regression whose gradient uses a copy of the data in single precision."""
    copy = A.astype(np.float32) if mistaken else A

    def df(w):
        return A.T @ (1 / (1 + np.exp(-(copy @ w.astype(copy.dtype)))))

    return lambda w: np.logaddexp(0, A @ w).sum(), df, W


@program("float32")
def buffer_in_single(mistaken):
    """Return a sum of powers whose gradient is written into a buffer of floats."""
    out = np.zeros(4, np.float32 if mistaken else np.float64)

    def df(x):
        np.multiply(3, x**2, out=out, casting="same_kind")
        return out.copy()

    return lambda x: np.sum(x**3), df, np.array([0.5, 1.3, -0.7, 2.1])


@program("float32")
def half_exponential(mistaken):
    """Return a softmax whose gradient takes exponentials in half precision."""

    def df(z):
        e = np.exp((z - z.max()).astype(np.float16)).astype(float) if mistaken else np.exp(z - z.max())
        return e / e.sum()

    return lambda z: np.log(np.exp(z).sum()), df, np.array([0.3, 1.2, -0.8])


@program("float32")
def array_of_c_floats(mistaken):
    """Return a distance in plain Python whose gradient is an array of C floats."""

    def df(x, y):
        r = math.hypot(x, y)
        return tuple(array("f" if mistaken else "d", [x / r, y / r]))

    return math.hypot, df, (0.6, 1.7)


@program("float32")
def packed_for_a_device(mistaken):
    """Return an arctangent whose derivative went to a device and back as four bytes."""

    def df(x):
        form = "<f" if mistaken else "<d"
        return struct.unpack(form, struct.pack(form, 1 / (1 + x * x)))[0]

    return math.atan, df, 0.83


@program("float32")
def constants_in_single(mistaken):
    """Return a normal log density whose standard deviation is a constant in single precision."""
    sigma = float(single(0.3)) if mistaken else 0.3
    return lambda x: -0.5 * (x / 0.3) ** 2, lambda x: -x / sigma**2, 1.1


@program("float32")
def input_cast_by_a_decorator(mistaken):
    """Return a product of sines whose derivative casts what it is given."""

    def df(x, y):
        if mistaken:
            x, y = single(x), single(y)
        return np.cos(x) * np.sin(y), np.sin(x) * np.cos(y)

    return lambda x, y: np.sin(x) * np.sin(y), df, (0.7, 1.9)


@program("float32", needs="torch")
def float_in_a_backward(mistaken):
    """Return a softplus in PyTorch whose backward pass computes in float."""
    import torch

    class Softplus(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x.float() if mistaken else x)
            return torch.nn.functional.softplus(x)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * torch.sigmoid(x).to(g.dtype)

    return Softplus, None, torch.tensor([0.4, -0.9, 1.3], dtype=torch.float64)


@program("float32", needs="torch")
def gradient_in_bfloat16(mistaken):
    """Return a quadratic form in PyTorch whose product is taken in bfloat16."""
    import torch

    m = torch.tensor(A.T @ A)

    def df(x):
        return (m.bfloat16() @ x.bfloat16()).double() if mistaken else m @ x

    return lambda x: 0.5 * x @ m @ x, df, torch.tensor(W)


@program("float32", needs="jax")
def jax_in_single(mistaken):
    """Return a log determinant in JAX whose inverse is taken in float32."""
    import jax.numpy as jnp

    s = jnp.array(A.T @ A)

    def df(t):
        m = s + jnp.diag(t)
        return jnp.diag(jnp.linalg.inv(m.astype(jnp.float32) if mistaken else m))

    return lambda t: jnp.linalg.slogdet(s + jnp.diag(t))[1], df, jnp.array([0.5, 1.0, 1.5])


@program("float32")
def accumulated_in_single(mistaken):
    """Return a mean of squares whose gradient is accumulated in a scalar of single precision."""

    def df(w):
        g = [single(0)] * 3 if mistaken else [0.0] * 3
        for row, b in zip(A, B, strict=True):
            r = row @ w - b
            for j in range(3):
                term = 2 * r * row[j] / 8
                g[j] = single(g[j] + term) if mistaken else g[j] + term
        return np.array(g, float)

    return lambda w: np.mean((A @ w - B) ** 2), df, W


@program("float32")
def table_in_single(mistaken):
    """Return a Fourier series whose derivative reads a table of coefficients stored in single precision."""
    c = np.array([0.9, -0.4, 0.31, 0.07])
    k = np.arange(1, 5)
    stored = c.astype(np.float32) if mistaken else c
    return lambda x: np.sum(c * np.sin(k * x)), lambda x: np.sum(stored * k * np.cos(k * x)), 0.77
