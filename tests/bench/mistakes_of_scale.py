"""Programs whose derivative has another sign, or a factor too much or too little."""

from __future__ import annotations

import cmath
import math

import numpy as np
from mistakes import logistic, program

RNG = np.random.default_rng(14)
X = RNG.normal(size=(9, 3))
Y = RNG.normal(size=9)
LABELS = (Y > 0) * 1.0
W = np.array([0.6, -0.3, 0.8])


@program("sign")
def score_of_a_likelihood(mistaken):
    """Return a negative log likelihood with the score of the likelihood."""
    score = lambda w: X.T @ (LABELS - logistic(X @ w))  # noqa: E731 - a formula
    return (
        lambda w: np.sum(np.logaddexp(0, X @ w) - LABELS * (X @ w)),
        lambda w: score(w) if mistaken else -score(w),
        W,
    )


@program("sign")
def residual_the_other_way(mistaken):
    """Return least squares with the residual subtracted the other way round."""
    return lambda w: np.sum((Y - X @ w) ** 2) / 2, lambda w: X.T @ ((Y - X @ w) if mistaken else (X @ w - Y)), W


@program("sign")
def force_for_gradient(mistaken):
    """Return Lennard-Jones with the force in place of the gradient."""
    return lambda r: 4 * (r**-12 - r**-6), lambda r: (1 if mistaken else -1) * (48 * r**-13 - 24 * r**-7), 1.3


@program("sign")
def cosine(mistaken):
    """Return a product with a cosine, whose slope has no minus."""
    return math.cos, lambda x: math.sin(x) if mistaken else -math.sin(x), 0.9


@program("sign")
def one_of_two_partials(mistaken):
    """Return a quotient whose partial by the denominator lacks its minus."""
    return lambda x, y: x / y, lambda x, y: (1 / y, x / y**2 * (1 if mistaken else -1)), (1.5, 0.7)


@program("sign")
def entropy(mistaken):
    """Return an entropy with the gradient of p log p."""
    return (
        lambda p: -sum(v * math.log(v) for v in p),
        lambda p: [(math.log(v) + 1) * (1 if mistaken else -1) for v in p],
        [0.2, 0.5, 0.3],
    )


@program("sign")
def hinge(mistaken):
    """Return a squared hinge with the margin's sign forgotten."""
    signs = 2 * LABELS - 1

    def df(w):
        slack = np.maximum(0, 1 - signs * (X @ w))
        return (1 if mistaken else -1) * X.T @ (2 * slack * signs)

    return lambda w: np.sum(np.maximum(0, 1 - signs * (X @ w)) ** 2), df, W


@program("sign")
def second_of_a_jacobian(mistaken):
    """Return a rotation of a point whose second row has the wrong sign."""

    def df(x):
        s = -1 if mistaken else 1
        return np.array([[2 * x[0], -2 * x[1]], [s * 2 * x[1], s * 2 * x[0]]])

    return lambda x: np.array([x[0] ** 2 - x[1] ** 2, 2 * x[0] * x[1]]), df, np.array([0.8, 1.1])


@program("sign", needs="torch")
def ascent_in_torch(mistaken):
    """Return a reward in PyTorch with the gradient for a descent."""
    import torch

    return (
        lambda z: torch.log_softmax(z, 0)[1],
        lambda z: (1 if mistaken else -1) * (torch.softmax(z, 0) - torch.eye(3, dtype=z.dtype)[1]),
        torch.tensor(W),
    )


@program("sign", needs="jax")
def gradient_reversal(mistaken):
    """Return an identity in JAX that reverses what comes back."""
    import jax
    import jax.numpy as jnp

    @jax.custom_vjp
    def layer(x):
        return jnp.sinh(x)

    layer.defvjp(lambda x: (jnp.sinh(x), x), lambda x, g: ((-g if mistaken else g) * jnp.cosh(x),))
    return layer, None, jnp.array([0.5, -0.9])


@program("sign")
def inverse_temperature(mistaken):
    """Return a free energy by the inverse temperature."""
    e = np.array([0.1, 0.9, 1.7])

    def df(b):
        p = np.exp(-b * e)
        return (p @ e / p.sum()) * (-1 if mistaken else 1)

    return lambda b: -np.log(np.exp(-b * e).sum()), df, 0.8


@program("sign")
def phase(mistaken):
    """Return the squared modulus of a sum of two waves."""
    return (
        lambda t: abs(1 + 0.5 * cmath.exp(1j * t)) ** 2,
        lambda t: math.sin(t) if mistaken else -math.sin(t),
        0.7,
    )


@program("factor")
def square_without_its_half(mistaken):
    """Return a half of a square whose gradient has a two."""
    return lambda w: 0.5 * np.sum((X @ w - Y) ** 2), lambda w: (2 if mistaken else 1) * X.T @ (X @ w - Y), W


@program("factor")
def quadratic_form(mistaken):
    """Return a quadratic form whose gradient has no two."""
    s = X.T @ X
    return lambda w: w @ s @ w, lambda w: (1 if mistaken else 2) * s @ w, W


@program("factor")
def degrees(mistaken):
    """Return a sine of degrees whose derivative forgets the conversion."""
    return (
        lambda x: math.sin(math.radians(x)),
        lambda x: math.cos(math.radians(x)) * (1 if mistaken else math.pi / 180),
        40.0,
    )


@program("factor")
def logarithm_of_base_two(mistaken):
    """Return a logarithm of base two with the derivative of the natural one."""
    return math.log2, lambda x: 1 / x / (1 if mistaken else math.log(2)), 3.0


@program("factor")
def inner_derivative(mistaken):
    """Return a squashing with a gain that the chain rule forgot."""
    return lambda x: np.tanh(3 * x), lambda x: (1 - np.tanh(3 * x) ** 2) * (1 if mistaken else 3), 0.2


@program("factor")
def variance_for_deviation(mistaken):
    """Return a normal log density that divides by the deviation where the variance belongs."""
    return lambda x: -0.5 * (x / 0.4) ** 2, lambda x: -x / (0.4 if mistaken else 0.16), 0.9


@program("factor")
def error_function(mistaken):
    """Return an error function without two over the root of pi."""
    return math.erf, lambda x: math.exp(-x * x) * (1 if mistaken else 2 / math.sqrt(math.pi)), 0.6


@program("factor")
def pairs_counted_twice(mistaken):
    """Return a pair energy over i < j whose gradient runs over all pairs and halves nothing."""

    def f(x):
        i, j = np.triu_indices(len(x), 1)
        return np.sum(np.cos(x[i] - x[j]))

    return f, lambda x: -np.sin(x[:, None] - x[None]).sum(1) * (2 if mistaken else 1), Y[:5]


@program("factor")
def tempered(mistaken):
    """Return a softmax with a temperature that its gradient leaves out."""

    def df(z):
        e = np.exp(z / 0.5)
        return e / e.sum() * (1 if mistaken else 2)

    return lambda z: np.log(np.exp(z / 0.5).sum()), df, W


@program("factor", needs="torch")
def scale_in_torch(mistaken):
    """Return scaled attention in PyTorch whose backward pass has no scale."""
    import torch

    class Scaled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.sin(x / 4)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * torch.cos(x / 4) / (1 if mistaken else 4)

    return Scaled, None, torch.tensor(W)


@program("factor", needs="jax")
def step_size_squared(mistaken):
    """Return a discrete gradient energy in JAX, divided by the step once and not twice."""
    import jax.numpy as jnp

    h = 0.1

    def df(u):
        d = jnp.diff(u) / h ** (1 if mistaken else 2)
        return jnp.concatenate([-d[:1], d[:-1] - d[1:], d[-1:]])

    return lambda u: jnp.sum((jnp.diff(u) / h) ** 2) / 2, df, jnp.array([0.1, 0.4, 0.2, 0.9])


@program("factor")
def percent(mistaken):
    """Return a bond price by a yield in percent."""

    def df(r):
        return sum(-k * 5 * (1 + r / 100) ** (-k - 1) for k in range(1, 6)) / (1 if mistaken else 100)

    return lambda r: sum(5 * (1 + r / 100) ** -k for k in range(1, 6)), df, 4.0
