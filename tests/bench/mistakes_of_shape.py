"""Programs whose derivative has its entries in the wrong places: transposed, or off by one."""

from __future__ import annotations

import math

import numpy as np
from mistakes import program

RNG = np.random.default_rng(13)
S = RNG.normal(size=(3, 3))
T = RNG.normal(size=(3, 3))
X = RNG.normal(size=(5, 3))
X4 = RNG.normal(size=(4, 4))
V = np.array([0.4, -0.9, 1.2])


@program("transposed")
def linear_map(mistaken):
    """Return a matrix times a vector, whose Jacobian is the matrix."""
    return lambda x: S @ x, lambda x: (S.T if mistaken else S) + 0 * x.sum(), V


@program("transposed")
def squashed_map(mistaken):
    """Return the Jacobian of a recurrent cell."""

    def df(h):
        d = 1 - np.tanh(S @ h) ** 2
        return S.T * d if mistaken else S * d[:, None]

    return lambda h: np.tanh(S @ h), df, V


@program("transposed")
def outer_product_of_a_layer(mistaken):
    """Return the gradient of a layer by its square weights, an outer product."""

    def df(w):
        delta = np.cos(w @ V)
        return np.outer(V, delta) if mistaken else np.outer(delta, V)

    return lambda w: np.sin(w @ V).sum(), df, T


@program("transposed")
def fortran_order(mistaken):
    """Return a matrix regression over flat weights that are unravelled column by column."""

    def f(w):
        return 0.5 * np.sum((X @ w.reshape(3, 2) - X[:, :2]) ** 2)

    def df(w):
        g = X.T @ (X @ w.reshape(3, 2) - X[:, :2])
        return g.ravel(order="F" if mistaken else "C")

    return f, df, np.array([0.1, 0.4, -0.3, 0.8, 0.5, -0.6])


@program("transposed")
def einsum_letters(mistaken):
    """Return a bilinear form whose gradient by the matrix has the letters of an einsum exchanged."""
    y = np.array([1.5, 0.2, -0.7])
    return (
        lambda m: np.exp(np.einsum("i,ij,j", V, m, y) / 3),
        lambda m: np.exp(V @ m @ y / 3) / 3 * np.einsum("i,j->ji" if mistaken else "i,j->ij", V, y),
        S,
    )


@program("transposed")
def trace_of_a_product(mistaken):
    """Return tr(AX), whose gradient is Aᵀ and not A."""
    return lambda m: np.trace(S @ m), lambda m: (S if mistaken else S.T) + 0 * m, T


@program("transposed")
def log_determinant(mistaken):
    """Return log |det X|, whose gradient is the transposed inverse."""

    def df(m):
        i = np.linalg.inv(m)
        return i if mistaken else i.T

    return lambda m: np.linalg.slogdet(m)[1], df, S + 3 * np.eye(3)


@program("transposed")
def list_of_rows(mistaken):
    """Return polar coordinates in plain Python, whose Jacobian lists columns for rows."""

    def df(r, t):
        rows = [[math.cos(t), -r * math.sin(t)], [math.sin(t), r * math.cos(t)]]
        return [list(column) for column in zip(*rows, strict=True)] if mistaken else rows

    return lambda r, t: (r * math.cos(t), r * math.sin(t)), df, (1.4, 0.6)


@program("transposed")
def jacobian_of_lorenz(mistaken):
    """Return the Lorenz system with the Jacobian by columns, as Fortran's solvers want it."""

    def f(u):
        x, y, z = u
        return np.array([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])

    def df(u):
        x, y, z = u
        j = np.array([[-10, 10, 0], [28 - z, -1, -x], [y, x, -8 / 3]])
        return j.T if mistaken else j

    return f, df, np.array([1.0, 2.0, 20.0])


@program("transposed")
def attention_scores(mistaken):
    """Return attention's gradient by the queries, where keys and queries have as many rows as columns."""
    k = X4[:, ::-1]

    def f(q):
        return np.sum(np.log(np.sum(np.exp(q @ k.T), 1)))

    def df(q):
        e = np.exp(q @ k.T)
        p = e / e.sum(1, keepdims=True)
        return (k.T @ p.T) if mistaken else p @ k

    return f, df, X4 / 2


@program("transposed", needs="torch")
def backward_of_a_linear_function(mistaken):
    """Return a linear layer in PyTorch whose backward pass multiplies from the wrong side."""
    import torch

    w = torch.tensor(S)

    class Linear(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):  # noqa: ARG004 - the signature is PyTorch's
            return x @ w

        @staticmethod
        def backward(ctx, g):  # noqa: ARG004 - the signature is PyTorch's
            return g @ w if mistaken else g @ w.T

    return Linear, None, torch.tensor(V)


@program("transposed", needs="jax")
def rule_of_a_jax_function(mistaken):
    """Return a rotation in JAX whose rule rotates the cotangent the same way."""
    import jax
    import jax.numpy as jnp

    r = jnp.array([[0.8, -0.6], [0.6, 0.8]])

    @jax.custom_vjp
    def rotate(x):
        return r @ x

    rotate.defvjp(lambda x: (r @ x, None), lambda _, g: ((r @ g if mistaken else r.T @ g),))
    return rotate, None, jnp.array([0.5, 1.5])


@program("transposed")
def hessian_like_map(mistaken):
    """Return a map with a nearly symmetric Jacobian."""
    m = S + S.T
    m[0, 2] += 0.25
    return lambda x: m @ x**2 / 2, lambda x: (m.T if mistaken else m) * x, V


@program("off by one in a loop")
def polynomial_exponent(mistaken):
    """Return a polynomial whose derivative pairs each coefficient with the next power."""
    c = [0.5, -1.0, 2.0, 0.3, 0.7]

    def df(x):
        start = 0 if mistaken else 1
        return sum(k * a * x ** (k - 1) for k, a in enumerate(c[1:], start))

    return lambda x: sum(a * x**k for k, a in enumerate(c)), df, 1.3


@program("off by one")
def chain_of_differences(mistaken):
    """Return a total variation, smoothed, whose gradient is shifted by one sample."""

    def slopes(x):
        d = np.diff(x)
        return d / np.sqrt(d * d + 0.01)

    def df(x):
        g = np.zeros_like(x)
        g[1:] += slopes(x)
        g[:-1] -= slopes(x)
        return np.roll(g, 1) if mistaken else g

    return lambda x: np.sqrt(np.diff(x) ** 2 + 0.01).sum(), df, np.array([0.1, 0.7, 0.4, 1.2, 0.9])


@program("off by one in a loop")
def range_without_the_last(mistaken):
    """Return a sum of squares in a loop that leaves the last sample out."""

    def df(w):
        return sum((2 * (X[i] @ w - i) * X[i] for i in range(len(X) - mistaken)), np.zeros(3))

    return lambda w: sum((X[i] @ w - i) ** 2 for i in range(len(X))), df, V


@program("off by one in a loop")
def neighbour_in_a_lattice(mistaken):
    """Return a lattice energy whose force looks at the wrong neighbour."""

    def f(u):
        return 0.5 * np.sum((u - np.roll(u, 1)) ** 2) + np.sum(u**4)

    def df(u):
        left = np.roll(u, 2 if mistaken else 1)
        return 2 * u - left - np.roll(u, -1) + 4 * u**3

    return f, df, np.array([0.3, -0.5, 0.8, 1.1, 0.2])


@program("off by one")
def bias_first_or_last(mistaken):
    """Return a linear model whose flat gradient has the bias first while the weights have it last."""

    def f(p):
        return 0.5 * np.sum((X @ p[:3] + p[3] - 1) ** 2)

    def df(p):
        r = X @ p[:3] + p[3] - 1
        g, b = X.T @ r, r.sum()
        return np.r_[b, g] if mistaken else np.r_[g, b]

    return f, df, np.array([0.2, 0.5, -0.4, 0.3])


@program("off by one in a loop")
def time_step_of_a_recurrence(mistaken):
    """Return an exponential smoothing whose gradient reads the state of the next step."""
    y = [0.5, 1.0, -0.3, 0.8, 0.2]

    def states(a):
        s = [0.0]
        for v in y:
            s.append(a * v + (1 - a) * s[-1])
        return s

    def df(a):
        s, d = states(a), 0.0
        for t, v in enumerate(y):
            d = v - s[t + 1 if mistaken else t] + (1 - a) * d
        return d

    return lambda a: states(a)[-1], df, 0.3


@program("off by one")
def labels_from_one(mistaken):
    """Return a cross-entropy whose labels count from one in the gradient."""
    labels = np.array([0, 2, 1, 0])

    def f(z):
        return np.sum(np.log(np.exp(z).sum(1)) - z[np.arange(4), labels])

    def df(z):
        p = np.exp(z)
        p /= p.sum(1, keepdims=True)
        p[np.arange(4), (labels + mistaken) % 3] -= 1
        return p

    return f, df, X[:4]


@program("off by one")
def one_based_indices(mistaken):
    """Return an interpolation in a table, whose gradient indexes as its Fortran original did."""
    where = [2, 0, 3]

    def df(table):
        g = [0.0] * 5
        for i in where:
            g[i + mistaken] += math.cos(table[i])
        return g

    return lambda table: sum(math.sin(table[i]) for i in where), df, [0.3, 0.5, 0.9, 1.4, 0.2]


@program("off by one in a loop")
def gamma_against_digamma(mistaken):
    """Return a product of a rising factorial, whose logarithmic derivative runs one factor short."""

    def df(x):
        p = math.prod(x + k for k in range(5))
        return p * sum(1 / (x + k) for k in range(1 if mistaken else 0, 5))

    return lambda x: math.prod(x + k for k in range(5)), df, 0.8


@program("off by one")
def shifted_window(mistaken):
    """Return a moving average, squared, whose adjoint uses a window that begins one later."""
    k = np.array([0.2, 0.5, 0.3])

    def f(x):
        return 0.5 * np.sum(np.convolve(x, k, "valid") ** 2)

    def df(x):
        g = np.convolve(np.convolve(x, k, "valid"), k[::-1], "full")
        return np.r_[0, g[:-1]] if mistaken else g

    return f, df, np.array([0.4, 1.0, -0.6, 0.3, 0.9, -1.2])


@program("off by one", needs="torch")
def scatter_by_index(mistaken):
    """Return an embedding lookup in PyTorch whose gradient is added to the row after."""
    import torch

    rows = torch.tensor([0, 2, 2])

    def df(e):
        g = torch.zeros_like(e)
        return g.index_add(0, rows + mistaken, torch.cos(e[rows]))

    return lambda e: torch.sin(e[rows]).sum(), df, torch.tensor(X4[:, :2])


@program("off by one", needs="jax")
def cumulative_sum(mistaken):
    """Return a Jacobian of cumulative sums in JAX with the triangle one below the diagonal."""
    import jax.numpy as jnp

    return (
        jnp.cumsum,
        lambda x: jnp.tril(jnp.ones((x.size, x.size)), -1 if mistaken else 0),
        jnp.array([0.3, 0.9, -0.4]),
    )


@program("off by one in a loop")
def cumulative_product(mistaken):
    """Return a survival curve whose gradient multiplies one factor too many."""

    def df(h):
        return np.array([-np.prod(1 - np.delete(h, i)[mistaken and i > 0 :]) for i in range(len(h))])

    return lambda h: np.prod(1 - h), df, np.array([0.1, 0.3, 0.2, 0.15])


@program("off by one")
def columns_of_a_jacobian(mistaken):
    """Return a system whose Jacobian is filled column by column, from one on."""

    def df(x):
        j = np.zeros((4, 4))
        for i in range(4):
            j[i, (i + 1 + mistaken) % 4] = 2 * x[(i + 1) % 4]
        return j

    return lambda x: np.roll(x, -1) ** 2, df, np.array([0.5, 1.0, -0.7, 0.3])
