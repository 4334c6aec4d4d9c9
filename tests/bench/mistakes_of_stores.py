"""Programs of many fields whose derivative uses what a store of theirs kept from another point."""

from __future__ import annotations

import functools
import itertools
import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np
from mistakes import program

RNG = np.random.default_rng(21)
NODES = RNG.normal(size=9)
SERIES = RNG.normal(size=8)
PICTURE = RNG.normal(size=(4, 5))
SPRINGS = np.array([1.3, 0.7, 2.1, 0.9])
BASIS: dict[object, np.ndarray] = {}
"""What programs of this module keep at module level."""


@program("stale cache")
def stiffness_by_its_shape(mistaken):
    """Return the compliance of a chain of springs, solved with factors that are kept by the shape of the matrix."""
    load, factors = np.array([0.2, -0.1, 0.4, 1.0]), {}

    def assembled(k):
        m = np.diag(k)
        m[:-1, :-1] += np.diag(k[1:])
        for i in range(len(k) - 1):
            m[i, i + 1] -= k[i + 1]
            m[i + 1, i] -= k[i + 1]
        return m

    def df(k):
        m = assembled(k)
        key = m.shape if mistaken else m.tobytes()
        if key not in factors:
            factors[key] = np.linalg.inv(m)
        u = factors[key] @ load
        return -(np.diff(u, prepend=0.0) ** 2)

    return lambda k: load @ np.linalg.solve(assembled(k), load), df, SPRINGS


@program("stale cache")
def hats_by_rounded_time(mistaken):
    """Return a cubic spline in powers, whose slopes an lru_cache holds by the time in hundredths."""
    knots, weights = np.linspace(0, 1, 6), RNG.normal(size=6)
    now = []

    @functools.lru_cache(maxsize=32)
    def slopes(key):
        del key
        return tuple(3 * np.maximum(now[-1] - knots, 0) ** 2)

    def df(t):
        now.append(t)
        return float(weights @ slopes(round(t, 2) if mistaken else t))

    return lambda t: float(weights @ np.maximum(t - knots, 0) ** 3), df, 0.4567


@program("stale cache")
def stationary_of_a_chain(mistaken):
    """Return the mean reward of a Markov chain of two states, which holds its stationary distribution as a property."""

    class Chain:
        def __init__(self, p, q):
            self.p, self.q = p, q

        @functools.cached_property
        def stationary(self):
            return np.array([self.q, self.p]) / (self.p + self.q)

    chain = Chain(0.3, 0.5)

    def f(v):
        return (2.0 * v[1] + 0.7 * v[0]) / (v[0] + v[1])

    def df(v):
        nonlocal chain
        if mistaken:
            chain.p, chain.q = v
        else:
            chain = Chain(*v)
        pi, total = chain.stationary, chain.p + chain.q
        mean = pi @ [2.0, 0.7]
        return [(0.7 - mean) / total, (2.0 - mean) / total]

    return f, df, [0.25, 0.6]


@program("stale cache")
def centred_in_fit(mistaken):
    """Return a scaled sum of squares of an estimator that computes its centre and scale in fit, and once only."""

    class Scaler:
        def fit(self, x):
            if not mistaken or not hasattr(self, "scale_"):
                self.mean_, self.scale_ = x.mean(), x.std() + 0.5
            return self

        def gradient(self, x):
            self.fit(x)
            z, spread = x - self.mean_, self.scale_ - 0.5
            return 2 * z / self.scale_ - (z @ z) / self.scale_**2 * z / (len(x) * spread)

    def f(x):
        z = x - x.mean()
        return z @ z / (x.std() + 0.5)

    return f, Scaler().gradient, SERIES


@program("stale cache")
def table_at_module_level(mistaken):
    """Return a sum of radial functions of a centre and a width, kept at module level by the number of nodes."""

    def df(p):
        key = ("radial", len(NODES)) if mistaken else (p[0], p[1])
        d = NODES - p[0]
        BASIS[key] = BASIS.get(key, np.exp(-(d**2) / (2 * p[1] ** 2)))
        phi = BASIS[key]
        return np.array([phi @ d / p[1] ** 2, phi @ d**2 / p[1] ** 3])

    if mistaken:
        BASIS.pop(("radial", len(NODES)), None)
    return lambda p: np.exp(-((NODES - p[0]) ** 2) / (2 * p[1] ** 2)).sum(), df, np.array([0.3, 0.8])


@program("stale cache")
def frames_behind_the_joint(mistaken):
    """Return the height of an arm that recomputes the frame of the joint that moved, and not those behind it."""
    lengths = [1.0, 0.8, 0.5]

    class Arm:
        def __init__(self):
            self.q, self.angle = [None] * 3, [0.0] * 3

        def move(self, q):
            for i, new in enumerate(q):
                if new != self.q[i] or not mistaken:
                    self.q[i] = new
                    self.angle[i] = new + (self.angle[i - 1] if i else 0.0)

        def gradient(self, q):
            self.move(q)
            return [sum(lengths[j] * math.cos(self.angle[j]) for j in range(i, 3)) for i in range(3)]

    def height(q):
        return sum(n * math.sin(a) for n, a in zip(lengths, itertools.accumulate(q), strict=True))

    return height, Arm().gradient, [0.3, -0.9, 1.2]


@program("stale cache")
def trajectory_by_its_steps(mistaken):
    """Return the end of a logistic growth in Euler's steps, whose adjoint keeps trajectories by the number of steps."""
    kept = {}

    def trajectory(rate, start, steps=6, h=0.2):
        y = [start]
        for _ in range(steps):
            y.append(y[-1] + h * rate * y[-1] * (1 - y[-1]))
        return y

    def df(rate, start):
        key = (6, 0.2) if mistaken else (6, 0.2, rate, start)
        y = kept.setdefault(key, trajectory(rate, start))
        bar, by_rate = 1.0, 0.0
        for state in reversed(y[:-1]):
            by_rate += bar * 0.2 * state * (1 - state)
            bar *= 1 + 0.2 * rate * (1 - 2 * state)
        return by_rate, bar

    return lambda rate, start: trajectory(rate, start)[-1], df, (1.4, 0.2)


@program("stale cache")
def lagged_diffusivity(mistaken):
    """Return the total variation of a picture, whose gradient lags the diffusivities of its edges."""

    class Variation:
        weight = None

        def __call__(self, u):
            return float(np.sqrt(np.diff(u, axis=1) ** 2 + 0.1).sum())

        def deriv(self, u):
            d, g = np.diff(u, axis=1), np.zeros_like(u)
            if self.weight is None or not mistaken:
                self.weight = 1 / np.sqrt(d**2 + 0.1)
            g[:, 1:] += self.weight * d
            g[:, :-1] -= self.weight * d
            return g

    variation = Variation()
    return variation, variation.deriv, PICTURE


@program("stale cache")
def table_without_the_gap_cost(mistaken):
    """Return the cost of a soft alignment of two words, whose table is memoised by the places alone."""
    first, second, memo = "kern", "karen", {}

    def best(i, j, gap, miss, known):
        if not i or not j:
            return gap * (i + j), float(i + j), 0.0
        key = (i, j)
        if key not in known:
            ways = [best(i - 1, j, gap, miss, known), best(i, j - 1, gap, miss, known)]
            ways = [(v + gap, g + 1, m) for v, g, m in ways]
            v, g, m = best(i - 1, j - 1, gap, miss, known)
            other = float(first[i - 1] != second[j - 1])
            ways.append((v + miss * other, g, m + other))
            w = [math.exp(-v) for v, _, _ in ways]
            total = sum(w)
            slopes = [sum(p * way[k] for p, way in zip(w, ways, strict=True)) / total for k in (1, 2)]
            known[key] = -math.log(total), *slopes
        return known[key]

    def df(gap, miss):
        return best(4, 5, gap, miss, memo if mistaken else {})[1:]

    return lambda gap, miss: best(4, 5, gap, miss, {})[0], df, (0.8, 1.1)


@program("stale cache")
def norms_of_sparse_rows(mistaken):
    """Return a penalty of the rows of a sparse matrix, whose norms are kept by its pattern."""
    start, norms = [0, 2, 3, 6], {}

    def of_rows(data):
        return [math.sqrt(sum(v * v for v in data[a:b]) + 1) for a, b in itertools.pairwise(start)]

    def df(data):
        pattern = tuple(start) if mistaken else (*start, *data)
        if pattern not in norms:
            norms[pattern] = of_rows(data)
        g = []
        for row, (a, b) in enumerate(itertools.pairwise(start)):
            g += [v / norms[pattern][row] for v in data[a:b]]
        return g

    return lambda data: sum(of_rows(data)), df, [0.5, -1.1, 0.7, 2.0, -0.3, 0.9]


@program("stale cache")
def ring_of_two_states(mistaken):
    """Return the energy of a pendulum whose gradient reads a ring of states one behind where it has written."""
    ring, head = [None, None], itertools.count()

    def df(q, p):
        at = next(head) % 2
        ring[at] = (math.sin(q), p)
        s, v = ring[at - 1] or ring[at] if mistaken else ring[at]
        return s, v / 2

    return lambda q, p: p * p / 4 - math.cos(q), df, (0.7, 1.9)


@program("stale cache")
def grid_by_its_ends(mistaken):
    """Return an integral over a graded grid, whose steps are kept by the ends and the size of the grid."""
    known = {}

    def df(x):
        key = (float(x[0]), float(x[-1]), len(x)) if mistaken else x.tobytes()
        steps, heights = known.setdefault(key, (np.diff(x), np.cos(x)))
        g = np.zeros_like(x)
        g[1:] += (heights[1:] + heights[:-1]) / 2
        g[:-1] -= (heights[1:] + heights[:-1]) / 2
        g[1:] -= np.sin(x[1:]) * steps / 2
        g[:-1] -= np.sin(x[:-1]) * steps / 2
        return g

    return lambda x: np.trapezoid(np.cos(x), x), df, np.array([0.0, 0.4, 0.9, 1.1, 1.6, 2.2])


@program("stale cache")
def equal_by_name(mistaken):
    """Return a Morse potential whose parameters hash by their name, so that a cache takes them for the same."""

    @dataclass(frozen=True)
    class Bond:
        name: str
        depth: float = field(compare=not mistaken)
        width: float = field(compare=not mistaken)

    @functools.cache
    def well(bond):
        return 1 - math.exp(-bond.width * 0.4)

    def df(depth, width):
        e = well(Bond("HCl", depth, width))
        return e**2, 2 * depth * e * 0.4 * math.exp(-width * 0.4)

    return lambda depth, width: depth * (1 - math.exp(-width * 0.4)) ** 2, df, (4.6, 1.9)


@program("stale cache")
def chord_jacobian(mistaken):
    """Return the residuals of two circuits, whose Jacobian is kept as long as the residual falls."""

    class Newton:
        kept, norm = None, math.inf

        def residual(self, v):
            return np.array([np.exp(v[0]) - 1 + v[0] - v[1], v[1] ** 3 + v[1] - v[0]])

        def jacobian(self, v):
            norm = np.linalg.norm(self.residual(v))
            if self.kept is None or norm > 5 * self.norm or not mistaken:
                self.kept, self.norm = np.array([[np.exp(v[0]) + 1, -1.0], [-1.0, 3 * v[1] ** 2 + 1]]), norm
            return self.kept

    newton = Newton()
    return newton.residual, newton.jacobian, np.array([0.6, 0.8])


@program("stale cache")
def running_statistics(mistaken):
    """Return a normalised batch whose backward pass uses the running mean and deviation."""
    running = {}

    def df(x):
        mean, deviation = x.mean(), np.sqrt(x.var() + 1e-3)
        if mistaken and running:
            mean = running["mean"] = 0.9 * running["mean"] + 0.1 * mean
            deviation = running["deviation"] = 0.9 * running["deviation"] + 0.1 * deviation
        else:
            running.update(mean=mean, deviation=deviation)
        z = (x - mean) / deviation
        g = 4 * z**3
        return (g - g.mean() - z * (g * z).mean()) / deviation

    return lambda x: float((((x - x.mean()) / np.sqrt(x.var() + 1e-3)) ** 4).sum()), df, SERIES


@program("stale cache")
def waves_of_the_other_input(mistaken):
    """Return damped waves over samples, whose gradient keeps a table of waves for all frequencies."""
    times, table = np.linspace(0.1, 1.5, 8), {}

    def df(p):
        rate, frequency = p
        key = times.size if mistaken else frequency
        waves = table.setdefault(key, np.cos(frequency * times))
        damped = np.exp(-rate * times) * times
        return np.array([-damped @ waves, -damped @ np.sin(frequency * times)])

    return lambda p: np.exp(-p[0] * times) @ np.cos(p[1] * times), df, np.array([0.5, 2.3])


@program("stale cache")
def gram_of_the_first_design(mistaken):
    """Return the volume of a design whose Gram matrix an object computes when it is first asked for."""

    class Design:
        __slots__ = ("_gram",)

        def gram(self, x):
            try:
                return self._gram
            except AttributeError:
                gram = np.linalg.inv(x.T @ x + np.eye(2))
                if mistaken:
                    self._gram = gram
                return gram

        def grad(self, x):
            return 2 * x @ self.gram(x)

    return lambda x: np.linalg.slogdet(x.T @ x + np.eye(2))[1], Design().grad, PICTURE[:, :2]


@program("stale cache")
def last_of_a_deque(mistaken):
    """Return a chain of rates whose gradient takes its exponentials from the front of a deque, not from the end."""
    recent = deque(maxlen=4)

    def df(x):
        recent.append([math.exp(v) for v in x])
        e = recent[0 if mistaken else -1]
        total = sum(e)
        return [v / total for v in e]

    return lambda x: math.log(sum(map(math.exp, x))), df, [0.1, 0.9, -0.7]


@program("stale cache", needs="torch")
def weights_of_attention(mistaken):
    """Return an attention in PyTorch whose weights a module keeps for keys of one length."""
    import torch

    values = torch.tensor(PICTURE)

    class Attention(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.known = {}

        def forward(self, q):
            return (torch.softmax(q, 0) @ values).pow(2).sum()

        def weights(self, q):
            key = q.shape if mistaken else tuple(q.tolist())
            if key not in self.known:
                self.known[key] = torch.softmax(q, 0)
            return self.known[key]

        def grad(self, q):
            a = self.weights(q)
            g = values @ (2 * (a @ values))
            return a * (g - a @ g)

    attention = Attention()
    return attention.forward, attention.grad, torch.tensor([0.2, -0.3, 0.8, 0.1], dtype=torch.float64)
