"""Programs whose derivative needs what the last call of f left behind."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
from mistakes import logistic, program

RNG = np.random.default_rng(11)
A = RNG.normal(size=(7, 3))
B = RNG.normal(size=7)
LABELS = (B > 0) * 1.0
W = np.array([0.3, -0.8, 0.5])


@program("last call")
def layer_keeps_its_input(mistaken):
    """Return a dense layer with tanh whose backward pass reads what forward left."""

    class Layer:
        out = None

        def forward(self, w):
            self.out = np.tanh(A @ w)
            return 0.5 * np.sum((self.out - B) ** 2)

        def backward(self, w):
            if not mistaken:
                self.forward(w)
            if self.out is None:
                self.forward(w)
            return A.T @ ((self.out - B) * (1 - self.out**2))

    layer = Layer()
    return layer.forward, layer.backward, W


@program("last call")
def global_residual(mistaken):
    """Return a sum of squares whose residual is a global of the module."""
    state = {"r": A @ W - B}

    def fun(w):
        state["r"] = A @ w - B
        return state["r"] @ state["r"]

    return fun, lambda w: 2 * A.T @ (state["r"] if mistaken else A @ w - B), W


@program("last call")
def stack_of_activations(mistaken):
    """Return a chain of three squashings that pushes each activation and pops the last."""
    pushed = [(0.1, 0.1, 0.1)]

    def f(x):
        h1 = math.tanh(x)
        h2 = math.tanh(2 * h1)
        pushed.append((h1, h2, math.tanh(3 * h2)))
        return pushed[-1][2]

    def df(x):
        if not mistaken:
            f(x)
        h1, h2, h3 = pushed[-1]
        return 6 * (1 - h1**2) * (1 - h2**2) * (1 - h3**2)

    return f, df, 0.4


@program("last call")
def nonlocal_shift(mistaken):
    """Return a log-sum-exp whose gradient uses the sum that the value computed."""
    total = 1.0

    def lse(x):
        nonlocal total
        m = max(x)
        total = m + math.log(sum(math.exp(v - m) for v in x))
        return total

    def softmax(x):
        s = total if mistaken else lse(x)
        return [math.exp(v - s) for v in x]

    return lse, softmax, [0.4, 1.5, -0.7]


@program("last call")
def solver_keeps_the_factor(mistaken):
    """Return a compliance of a truss whose displacements the last solve left behind."""
    store = {}
    stiffness = [np.outer(a, a) for a in A[:3]]

    def solve(s):
        store["u"] = np.linalg.solve(sum(v * k for v, k in zip(s, stiffness, strict=True)) + np.eye(3), np.ones(3))
        return store["u"]

    def df(s):
        if not mistaken or "u" not in store:
            solve(s)
        u = store["u"]
        return np.array([-(u @ k @ u) for k in stiffness])

    return lambda s: np.ones(3) @ solve(s), df, np.array([1.0, 0.6, 2.0])


@program("last call")
def mask_of_the_last_dropout_free_pass(mistaken):
    """Return a network with a rectifier whose mask is an attribute."""
    v = np.array([0.8, -1.1, 0.4, 0.9, -0.2, 0.7, 1.0])

    class Net:
        mask = np.ones(7)

        def __call__(self, w):
            self.mask = (A @ w > 0) * 1.0
            return v @ (self.mask * (A @ w))

        def grad(self, w):
            mask = self.mask if mistaken else (A @ w > 0) * 1.0
            return A.T @ (v * mask)

    net = Net()
    return net, net.grad, np.linalg.solve(A[:3], np.array([0.02, -0.01, 0.5]))


@program("last call")
def hessian_product_of_the_last_point(mistaken):
    """Return a quartic whose derivative by y is held from the last value."""
    kept = SimpleNamespace(product=0.0)

    def f(x, y):
        kept.product = x * y
        return kept.product**2 + x

    def df(x, y):
        p = kept.product if mistaken else x * y
        return 2 * p * y + 1, 2 * p * x

    return f, df, (0.7, -1.2)


@program("last call")
def in_place_buffer(mistaken):
    """Return a sum of powers that f writes into one work array."""
    work = np.ones(4)

    def f(x):
        np.power(x, 3, out=work)
        return work.sum()

    def df(x):
        if not mistaken:
            np.power(x, 3, out=work)
        return 3 * work / x

    return f, df, np.array([0.5, 1.5, 2.0, 0.9])


@program("last call")
def adaptive_scale(mistaken):
    """Return a loss that normalises by the largest entry f saw."""
    seen = {"scale": 1.0}

    def f(x):
        seen["scale"] = float(np.sqrt(x @ x + 1))
        return seen["scale"]

    return f, lambda x: x / (seen["scale"] if mistaken else np.sqrt(x @ x + 1)), np.array([0.6, -0.4, 1.1])


@program("last call", needs="torch")
def saved_tensors_of_a_class(mistaken):
    """Return a focal loss in PyTorch that keeps its probabilities on self."""
    import torch

    y = torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)

    class Focal:
        p = torch.full((3,), 0.5, dtype=torch.float64)

        def loss(self, z):
            self.p = torch.sigmoid(z)
            return -(y * torch.log(self.p) + (1 - y) * torch.log(1 - self.p)).sum()

        def grad(self, z):
            return (self.p if mistaken else torch.sigmoid(z)) - y

    focal = Focal()
    return focal.loss, focal.grad, torch.tensor([0.4, -0.9, 1.3], dtype=torch.float64)


@program("last call")
def value_and_gradient_split(mistaken):
    """Return an objective that computes both at once and hands the gradient out in a second call, as for fmin."""

    class Objective:
        g = np.zeros(3)

        def both(self, w):
            p = logistic(A @ w)
            self.g = A.T @ (p - LABELS)
            return np.logaddexp(0, A @ w).sum() - LABELS @ (A @ w)

        def jac(self, w):
            if not mistaken:
                self.both(w)
            return self.g

    objective = Objective()
    objective.both(W)
    return objective.both, objective.jac, W


@program("last call")
def trajectory_of_the_simulation(mistaken):
    """Return the end of an Euler integration whose sensitivities run along the trajectory that f left."""
    path = []

    def f(k):
        path[:] = [1.0]
        for _ in range(8):
            path.append(path[-1] - 0.1 * k * path[-1] ** 2)
        return path[-1]

    def df(k):
        if not mistaken or not path:
            f(k)
        s = 0.0
        for u in path[:-1]:
            s = s * (1 - 0.2 * k * u) - 0.1 * u**2
        return s

    return f, df, 1.3
