"""Models with a gradient by hand, as an engineer writes them, and the mistakes made in each: one word for each kind.

Nothing here knows the checker. A model is a function of a kind of mistake, "" for none, that returns the function, its
gradient, and a point; `MODELS` says which mistakes make sense in it.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

X = np.array(
    [[0.5, -1.2, 0.3], [1.7, 0.4, -0.8], [-0.6, 0.9, 1.1], [0.2, -0.3, 0.7], [1.1, 1.4, -0.2], [-1.3, 0.1, 0.6]]
)
Y = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0])
COUNTS = np.array([0.0, 3.0, 1.0, 2.0, 5.0, 1.0])


def sigmoid(z: Any) -> Any:
    """Return the logistic function."""
    return 1 / (1 + np.exp(-z))


def logistic_regression(flaw: str) -> Any:
    """Return a classifier with weight decay that keeps its margins between the loss and the gradient."""

    class Model:
        def __init__(self) -> None:
            self.decay, self.margins, self.cache = 0.1, None, {}
            self.rng = np.random.default_rng(7)

        def loss(self, w: Any) -> float:
            self.margins = X @ w
            return float(np.mean(np.log1p(np.exp(self.margins)) - Y * self.margins) + 0.5 * self.decay * w @ w)

        def gradient(self, w: Any) -> Any:
            key = "margins" if flaw == "stale" else w.tobytes()
            if key not in self.cache:
                self.cache[key] = X @ w
            margins = self.margins if flaw == "state" and self.margins is not None else self.cache[key]
            rows = X[self.rng.choice(6, 4)] if flaw == "random" else X
            slopes = sigmoid(margins) - Y
            if flaw == "random":
                slopes = sigmoid(rows @ w) - Y[: len(rows)]
            if flaw == "precision":
                slopes, rows = slopes.astype(np.float32), rows.astype(np.float32)
            found = rows.T @ slopes / (1 if flaw == "mean" else len(rows))
            decay = {"missing term": 0.0, "factor": self.decay}.get(flaw, self.decay) * w
            found = -(found + decay) if flaw == "sign" else found + decay
            found = 2 * found if flaw == "factor" else found
            return np.roll(found, -1) if flaw == "shift" else found

    model = Model()
    return model.loss, model.gradient, np.array([0.4, -0.7, 0.9])


def ridge(flaw: str) -> Any:
    """Return least squares as closures that an optimiser is given, with a memo of the residuals."""
    memo: dict[str, Any] = {}
    strength, n = 0.3, len(X)

    def residuals(w: Any) -> Any:
        if flaw == "stale" and "residuals" in memo:
            return memo["residuals"]
        memo["residuals"] = X @ w - COUNTS
        return memo["residuals"]

    def fun(w: Any) -> float:
        memo["of f"] = r = X @ w - COUNTS
        return float(r @ r / n + strength * np.sum(w**2))

    def jac(w: Any) -> Any:
        r = memo.get("of f", X @ w - COUNTS) if flaw == "state" else residuals(w)
        if flaw == "random":
            r = r * (np.random.default_rng().random(n) > 0.5) * 2
        data = 2 * X.T @ r / (1 if flaw == "mean" else n)
        penalty = 2 * strength * w
        if flaw == "missing term":
            penalty = 0 * w
        elif flaw == "sign":
            data, penalty = -data, -penalty
        elif flaw == "factor":
            data, penalty = data / 2, penalty / 2
        g = data + penalty
        if flaw == "shift":
            g = np.array([g[i - 1] for i in range(len(g))])
        return g.astype(np.float32) if flaw == "precision" else g

    return fun, jac, np.array([0.8, -0.4, 1.3])


def softmax_regression(flaw: str) -> Any:
    """Return a multinomial classifier of a square matrix of weights."""
    labels = np.array([0, 2, 1, 1, 0, 2])
    last: dict[str, Any] = {}

    def shares(w: Any) -> Any:
        z = X @ w
        z = z - z.max(axis=1, keepdims=True)
        return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)

    def loss(w: Any) -> float:
        last["shares"] = p = shares(w)
        return float(-np.log(p[np.arange(6), labels]).mean() + 0.05 * np.sum(w * w))

    def gradient(w: Any) -> Any:
        p = last["shares"] if flaw == "state" and last else shares(w)
        if flaw == "stale":
            p = last.setdefault("kept", p)
        delta = p.copy()
        if flaw == "precision":
            delta = delta.astype(np.float32)
        delta[np.arange(6), labels] -= 1
        g = X.T @ delta / (1 if flaw == "mean" else 6)
        g = g + (0 if flaw == "missing term" else 0.1 * w)
        if flaw == "random":
            g = g + np.random.default_rng().normal(scale=1e-3, size=g.shape)
        if flaw == "transposed":
            g = g.T
        if flaw == "shift":
            g = g.ravel()[np.arange(-1, 8)].reshape(3, 3)
        return {"sign": -1, "factor": 0.5}.get(flaw, 1) * g

    return loss, gradient, np.array([[0.3, -0.2, 0.9], [1.1, 0.4, -0.7], [-0.5, 0.8, 0.6]])


def network(flaw: str) -> Any:
    """Return a network of two layers with its parameters in a dict, backpropagated by hand."""
    tape: dict[str, Any] = {}

    def forward(p: dict[str, Any]) -> Any:
        hidden = np.tanh(X @ p["W1"] + p["b1"])
        return hidden, hidden @ p["w2"]

    def loss(p: dict[str, Any]) -> float:
        hidden, out = forward(p)
        tape.update(hidden=hidden, out=out)
        return float(np.mean((out - Y) ** 2))

    def gradient(p: dict[str, Any]) -> dict[str, Any]:
        hidden, out = forward(p)
        if flaw == "state" and tape:
            hidden, out = tape["hidden"], tape["out"]
        if flaw == "stale":
            hidden, out = tape.setdefault("first", (hidden, out))
        if flaw == "random":
            keep = np.random.default_rng().random(hidden.shape) > 0.2
            hidden = hidden * keep / 0.8
        if flaw == "precision":
            hidden, out = hidden.astype(np.float32), out.astype(np.float32)
        by_out = 2 * (out - Y) / (1 if flaw == "mean" else len(Y))
        by_hidden = np.outer(by_out, p["w2"]) * (1 - hidden**2)
        g = {"W1": X.T @ by_hidden, "b1": by_hidden.sum(axis=0), "w2": hidden.T @ by_out}
        if flaw == "transposed":
            g["W1"] = by_hidden.T @ X
        if flaw == "shift":
            g["w2"] = np.concatenate([g["w2"][1:], g["w2"][:1]])
        scale = {"sign": -1.0, "factor": 0.5}.get(flaw, 1.0)
        return {name: scale * part for name, part in g.items()}

    at = {"W1": np.array([[0.3, -0.6, 0.2], [0.9, 0.5, -0.4], [-0.7, 0.1, 0.8]]), "b1": np.array([0.1, -0.3, 0.2]),
          "w2": np.array([0.7, -0.9, 0.5])}  # fmt: skip
    return loss, gradient, (at,)


def poisson(flaw: str) -> Any:
    """Return the log-likelihood of counts, as a statistician writes it, with exposures."""
    exposure = np.array([1.0, 2.0, 0.5, 1.5, 1.0, 3.0])

    class Poisson:
        calls = 0
        mu = None

        def loglike(self, beta: Any) -> float:
            self.mu = exposure * np.exp(X @ beta)
            return float(np.sum(COUNTS * np.log(self.mu) - self.mu) / len(COUNTS))

        @functools.cached_property
        def start(self) -> Any:
            return exposure * np.exp(X @ self.beta)

        def score(self, beta: Any) -> Any:
            self.beta = beta
            mu = exposure * np.exp(X @ beta)
            if flaw == "stale":
                mu = self.start
            if flaw == "state" and self.mu is not None:
                mu = self.mu
            if flaw == "missing term":
                mu = 0 * mu
            if flaw == "random":
                mu = np.random.default_rng().poisson(1000 * mu) / 1000
            if flaw == "precision":
                mu = np.float32(mu)
            residual = {"sign": mu - COUNTS}.get(flaw, COUNTS - mu)
            score = residual @ X / (1 if flaw == "mean" else len(COUNTS)) * (2 if flaw == "factor" else 1)
            return score[[1, 2, 0]] if flaw == "shift" else score

    model = Poisson()
    return model.loglike, model.score, np.array([0.2, -0.3, 0.5])


def factorisation(flaw: str) -> Any:
    """Return the error of a product of two matrices, by both."""
    target = np.sin(np.arange(9.0)).reshape(3, 3)
    seen: list[Any] = []

    def loss(u: Any, v: Any) -> float:
        seen.append(u @ v - target)
        return float(np.sum((u @ v - target) ** 2) + 0.2 * np.sum(u**2))

    def gradient(u: Any, v: Any) -> Any:
        error = u @ v - target
        if flaw == "state" and seen:
            error = seen[-1]
        if flaw == "stale":
            seen[:] = seen[:1] or [error]
            error = seen[0]
        if flaw == "precision":
            error = error.astype("f4")
        if flaw == "random":
            error = error + np.random.default_rng().standard_normal(error.shape) * 0.01
        by_u, by_v = 2 * error @ v.T + 0.4 * u, 2 * u.T @ error
        if flaw == "transposed":
            by_v = error.T @ u * 2
        elif flaw == "missing term":
            by_u = 2 * error @ v.T
        elif flaw == "shift":
            by_u = np.roll(by_u, 1)
        scale = {"sign": -1, "factor": 0.5}.get(flaw, 1)
        return scale * by_u, scale * by_v

    u = np.array([[0.4, -0.3, 0.8], [0.9, 0.2, -0.5], [0.1, 0.7, 0.6]])
    return loss, gradient, (u, u[::-1] * 1.3 + 0.1)


def rosenbrock(flaw: str) -> Any:
    """Return the test function of optimisers, with the loops that one writes first."""
    kept: dict[str, Any] = {}

    def f(x: Any) -> float:
        kept["x"] = list(x)
        return sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(len(x) - 1))

    def df(x: Any) -> Any:
        if flaw == "state" and kept:
            x = kept["x"]
        if flaw == "stale":
            x = kept.setdefault("start", x)
        g = [0.0] * len(x)
        for i in range(len(x) - 1):
            inner = x[i + 1] - x[i] ** 2
            g[i] += -400 * x[i] * inner
            if flaw != "missing term":
                g[i] += -2 * (1 - x[i])
            g[i + 1] += 200 * inner
        if flaw == "shift":
            g = g[1:] + g[:1]
        if flaw == "sign":
            g = [-v for v in g]
        if flaw == "factor":
            g = [v / 2 for v in g]
        if flaw == "precision":
            g = [float(np.float32(v)) for v in g]
        if flaw == "random":
            g = [v * (1 + 1e-4 * np.random.default_rng().standard_normal()) for v in g]
        return g

    return f, df, [0.4, -0.6, 1.2, 0.9]


def pendulum(flaw: str) -> Any:
    """Return where a damped pendulum is after some steps, by its start and its damping, with an adjoint by hand."""
    steps, h = 12, 0.1
    path: list[Any] = []

    def run(angle: float, speed: float, damping: float) -> Any:
        states = [(angle, speed)]
        for _ in range(steps):
            angle, speed = angle + h * speed, speed - h * (math.sin(angle) + damping * speed)
            states.append((angle, speed))
        return states

    def final(angle: float, speed: float, damping: float) -> float:
        path[:] = run(angle, speed, damping)
        return path[-1][0]

    def adjoint(angle: float, speed: float, damping: float) -> Any:
        states = path if flaw == "state" and path else run(angle, speed, damping)
        if flaw == "stale":
            states = _first(adjoint, states)
        by_angle, by_speed, by_damping = 1.0, 0.0, 0.0
        for a, s in reversed(states[:-1]):
            by_damping -= h * s * by_speed
            by_angle, by_speed = (
                by_angle - h * math.cos(a) * by_speed, h * by_angle + (1 - h * damping) * by_speed
            )  # fmt: skip
        if flaw == "precision":
            by_angle, by_speed, by_damping = (float(np.float32(v)) for v in (by_angle, by_speed, by_damping))
        if flaw == "random":
            by_speed *= 1 + 0.01 * np.random.default_rng().random()
        found = (by_angle, by_speed, by_damping)
        scale = {"sign": -1.0, "factor": 2.0}.get(flaw, 1.0)
        return tuple(scale * v for v in found)

    return final, adjoint, (0.7, 0.4, 0.3)


def _first(owner: Any, value: Any) -> Any:
    owner.__dict__.setdefault("first", value)
    return owner.first


def springs(flaw: str) -> Any:
    """Return the energy of a chain of masses, and the forces with a sign."""
    rest = 0.5
    neighbours: dict[str, Any] = {}

    def energy(x: Any) -> float:
        neighbours["gaps"] = gaps = np.diff(x)
        return float(np.sum((gaps - rest) ** 2) / 2 + np.sum(gaps**4) / 4 + 0.1 * np.sum(np.cos(x)))

    def gradient(x: Any) -> Any:
        gaps = neighbours["gaps"] if flaw == "state" and neighbours else np.diff(x)
        if flaw == "stale":
            gaps = neighbours.setdefault("first", gaps)
        tension = gaps - rest + gaps**3
        g = np.zeros_like(x)
        g[:-1] -= tension
        g[1:] += tension
        if flaw != "missing term":
            g -= 0.1 * np.sin(x)
        if flaw == "sign":
            g = -g
        if flaw == "factor":
            g *= 2
        if flaw == "shift":
            g = np.append(g[-1], g[:-1])
        if flaw == "precision":
            g = g.astype(np.single)
        if flaw == "random":
            g += np.random.default_rng().uniform(-1, 1, len(g)) * 1e-3
        return g

    return energy, gradient, np.array([0.1, 0.9, 1.3, 2.4, 2.8])


def series(flaw: str) -> Any:
    """Return the likelihood of an autoregression: the mean, the persistence and the log of the scale."""
    data = np.array([0.3, 0.9, 0.4, -0.2, 0.5, 1.3, 0.8, 0.1])
    store: dict[str, Any] = {}

    def parts(theta: Any) -> Any:
        mean, rho, _ = theta
        return data[1:] - mean - rho * (data[:-1] - mean)

    def negative(theta: Any) -> float:
        store["e"] = e = parts(theta)
        return float(np.mean(e**2 / 2 * np.exp(-2 * theta[2]) + theta[2]) + 0.05 * theta[1] ** 2)

    def gradient(theta: Any) -> Any:
        mean, rho, scale = theta
        e = store["e"] if flaw == "state" and store else parts(theta)
        if flaw == "stale":
            e = store.setdefault("once", e)
        weight = np.exp(-2 * scale)
        n = 1 if flaw == "mean" else len(e)
        by_scale = (len(e) - np.sum(e**2) * weight) / n
        g = np.array([
            -np.sum(e) * (1 - rho) * weight / n,
            -np.sum(e * (data[:-1] - mean)) * weight / n + (0 if flaw == "missing term" else 0.1 * rho),
            by_scale,
        ])  # fmt: skip
        if flaw == "mean":
            g[1] = -np.sum(e * (data[:-1] - mean)) * weight + 0.1 * rho * 7
        if flaw == "precision":
            g = np.float32(g)
        if flaw == "random":
            g = g + np.random.default_rng().normal(size=3) * 1e-5
        g = {"sign": -1, "factor": 2}.get(flaw, 1) * g
        return np.roll(g, 1) if flaw == "shift" else g

    return negative, gradient, np.array([0.4, 0.3, -0.2])


def options(flaw: str) -> Any:
    """Return the price of a call option, and its delta, vega and rho in plain Python."""
    market: dict[str, float] = {}

    def density(z: float) -> float:
        return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    def share(z: float) -> float:
        return (1 + math.erf(z / math.sqrt(2))) / 2

    def price(spot: float, volatility: float, rate: float) -> float:
        market["d"] = d = (math.log(spot) + rate) / volatility + volatility / 2
        return spot * share(d) - math.exp(-rate) * share(d - volatility)

    def greeks(spot: float, volatility: float, rate: float) -> Any:
        d = (math.log(spot) + rate) / volatility + volatility / 2
        if flaw == "state":
            d = market.get("d", d)
        if flaw == "stale":
            d = market.setdefault("first", d)
        delta, vega, rho = share(d), spot * density(d), math.exp(-rate) * share(d - volatility)
        if flaw == "random":
            delta += 1e-6 * np.random.default_rng().standard_normal()
        if flaw == "precision":
            delta, vega, rho = (float(np.float32(v)) for v in (delta, vega, rho))
        if flaw == "sign":
            rho = -rho
        if flaw == "factor":
            vega *= 2
        return delta, vega, rho

    return price, greeks, (1.1, 0.4, 0.2)


def pytorch(flaw: str) -> Any:
    """Return an autograd function of PyTorch: log cosh, averaged, with weights."""
    import torch

    weights = torch.tensor([0.5, 1.0, 2.0, 1.5], dtype=torch.float64)
    held: dict[str, Any] = {}

    class LogCosh(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            held["x"] = x.detach()
            return (weights * torch.log(torch.cosh(x))).mean() + 0.1 * (x * x).sum()

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            if flaw == "stale":
                x = held.setdefault("first", x)
            slope = torch.tanh(x) * weights / (1 if flaw == "mean" else len(x))
            slope = slope + (0 if flaw == "missing term" else 0.2 * x * (4 if flaw == "mean" else 1))
            if flaw == "precision":
                slope = slope.float().double()
            if flaw == "random":
                slope = slope * (1 + 0.01 * torch.rand_like(slope))
            if flaw == "shift":
                slope = torch.roll(slope, 1)
            return g * slope * {"sign": -1.0, "factor": 2.0}.get(flaw, 1.0)

    def by_hand(x: Any) -> Any:
        leaf = x.clone().requires_grad_()
        LogCosh.apply(leaf).backward()
        return leaf.grad

    return LogCosh.apply, by_hand, torch.tensor([0.4, -0.9, 1.3, 0.6], dtype=torch.float64)


def jax_rule(flaw: str) -> Any:
    """Return a rule of JAX for a mean of softplus, in double precision."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy

    @jax.custom_vjp
    def loss(x: Any) -> Any:
        return jnp.mean(jnp.logaddexp(x, 0)) + 0.1 * jnp.sum(x**2)

    def backward(x: Any, g: Any) -> Any:
        slope = jax.nn.sigmoid(x) / (1 if flaw == "mean" else x.size)
        slope = slope + (0 if flaw == "missing term" else 0.2 * x * (x.size if flaw == "mean" else 1))
        if flaw == "precision":
            slope = slope.astype("float32").astype("float64")
        if flaw == "shift":
            slope = jnp.roll(slope, 1)
        if flaw == "transposed":
            slope = slope.T
        return (g * slope * {"sign": -1.0, "factor": 0.5}.get(flaw, 1.0),)

    loss.defvjp(lambda x: (loss(x), x), backward)
    return loss, jax.grad(loss), jnp.array([[0.4, -0.9, 0.2], [1.3, 0.6, -0.3], [0.8, -1.1, 0.5]])


def penalties(flaw: str) -> Any:
    """Return a robust loss with three pieces and a penalty with two, of residuals."""
    delta = 0.8

    def loss(r: Any) -> float:
        inner = np.where(np.abs(r) <= delta, r**2 / 2, delta * (np.abs(r) - delta / 2))
        return float(np.mean(inner) + 0.1 * np.sum(np.where(r > 0, r**2, 0)))

    def gradient(r: Any) -> Any:
        edge = delta * np.sign(r)
        g = np.where(np.abs(r) <= delta, r, edge) / len(r)
        if flaw == "branch":
            g = np.where(r <= delta, r, edge) / len(r)  # of r, where |r| is meant
        return g + 0.2 * np.where(r > 0, r, 0)

    return loss, gradient, np.array([0.3, -1.7, 1.4, -0.2, 2.2])


def elu(flaw: str) -> Any:
    """Return an activation with a straight and a bent side."""

    def f(x: float) -> float:
        return x if x > 0 else 1.5 * math.expm1(x)

    def df(x: float) -> float:
        if flaw == "branch":
            return 1.0 if x > 0 else math.exp(x)
        return 1.0 if x > 0 else 1.5 * math.exp(x)

    return f, df, -0.7


def tax(flaw: str) -> Any:
    """Return a progressive tax and its marginal rate."""

    def due(income: float) -> float:
        if income < 1:
            return 0.1 * income
        if income < 4:
            return 0.1 + 0.2 * (income - 1) ** 1.5
        return 0.1 + 0.2 * 3**1.5 + 0.45 * (income - 4)

    def marginal(income: float) -> float:
        if income < 1:
            return 0.1
        if income < (5 if flaw == "branch" else 4):
            return 0.3 * math.sqrt(income - 1)
        return 0.45

    return due, marginal, 4.4


def clipped(flaw: str) -> Any:
    """Return a squared error of clipped predictions."""

    def loss(w: Any) -> float:
        return float(np.sum((np.clip(X @ w, -1, 1) - Y) ** 2))

    def gradient(w: Any) -> Any:
        z = X @ w
        inside = np.ones_like(z) if flaw == "branch" else (abs(z) < 1)
        return 2 * X.T @ ((np.clip(z, -1, 1) - Y) * inside)

    return loss, gradient, np.array([0.9, -0.8, 0.5])


def contact(flaw: str) -> Any:
    """Return the energy of a ball that falls on a floor which gives way."""

    def energy(height: float, stiffness: float) -> float:
        depth = max(0.0, -height)
        return 9.81 * height + stiffness * depth**2.5

    def gradient(height: float, stiffness: float) -> Any:
        depth = max(0.0, -height)
        if flaw == "branch" and height < -0.3:
            return 9.81, depth**2.5
        return 9.81 - 2.5 * stiffness * depth**1.5, depth**2.5

    return energy, gradient, (-0.5, 40.0)


def smoothstep(flaw: str) -> Any:
    """Return a step that is a polynomial between 0 and 1."""

    def f(x: float) -> float:
        t = min(max(x, 0.0), 1.0)
        return t * t * (3 - 2 * t)

    def df(x: float) -> float:
        if flaw == "branch":
            return 6 * x * (1 - x) if x < 1 else 0.0
        return 6 * x * (1 - x) if 0 < x < 1 else 0.0

    return f, df, -0.4


def hinge(flaw: str) -> Any:
    """Return a squared hinge loss of several margins."""
    signs = 2 * Y - 1

    def loss(w: Any) -> float:
        return float(np.mean(np.maximum(0, 1 - signs * (X @ w)) ** 2))

    def gradient(w: Any) -> Any:
        slack = 1 - signs * (X @ w)
        active = slack > (-10 if flaw == "branch" else 0)
        return -2 * X.T @ (signs * slack * active) / len(Y)

    return loss, gradient, np.array([1.4, -1.8, 2.9])


def phases(flaw: str) -> Any:
    """Return the heat that it takes to warm ice to a temperature, in units of water."""

    def heat(t: float) -> float:
        return 0.5 * t if t < 0 else 80.0 * (1 - math.exp(-t)) + t

    def capacity(t: float) -> float:
        if flaw == "branch":
            return 0.5 if t < 2 else 80.0 * math.exp(-t) + 1
        return 0.5 if t < 0 else 80.0 * math.exp(-t) + 1

    return heat, capacity, 0.8


def shrinkage(flaw: str) -> Any:
    """Return a smooth threshold, element by element."""

    def loss(x: Any) -> float:
        return float(np.sum(np.where(abs(x) > 1, abs(x) - 0.5, x**2 / 2) * np.array([1.0, 2.0, 0.5, 1.5])))

    def gradient(x: Any) -> Any:
        side = np.where(x > 1, 1.0, np.where(x < -1, -1.0, x))
        if flaw == "branch":
            side = np.where(x > 1, 1.0, np.where(x < -1, 1.0, x))
        return side * np.array([1.0, 2.0, 0.5, 1.5])

    return loss, gradient, np.array([0.4, -1.9, 1.6, -0.3])


COMMON = ("stale", "state", "random", "precision", "sign", "factor")

MODELS: dict[Any, tuple[str, ...]] = {
    logistic_regression: (*COMMON, "missing term", "mean", "shift"),
    ridge: (*COMMON, "missing term", "shift"),
    softmax_regression: (*COMMON, "missing term", "transposed", "shift"),
    network: (*COMMON, "mean", "transposed", "shift"),
    poisson: (*COMMON, "missing term", "mean", "shift"),
    factorisation: (*COMMON, "missing term", "transposed", "shift"),
    rosenbrock: (*COMMON, "missing term", "shift"),
    pendulum: COMMON,
    springs: (*COMMON, "missing term", "shift"),
    series: (*COMMON, "missing term", "mean", "shift"),
    options: COMMON,
    pytorch: ("stale", "random", "precision", "sign", "factor", "missing term", "mean", "shift"),
    jax_rule: ("precision", "sign", "factor", "missing term", "mean", "transposed", "shift"),
    **dict.fromkeys((penalties, elu, tax, clipped, contact, smoothstep, hinge, phases, shrinkage), ("branch",)),
}
"""The mistakes that are made in each model."""
