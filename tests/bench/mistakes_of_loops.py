"""Programs of many fields whose derivative runs over one thing too many or too few, or one place beside its own."""

from __future__ import annotations

import itertools
import math

import numpy as np
from mistakes import program

RNG = np.random.default_rng(22)
FIELD = RNG.normal(size=9)
PICTURE = RNG.normal(size=(5, 6))
WORDS = RNG.normal(size=(5, 3))
RETURNS = RNG.normal(size=12)
LOOP = "off by one in a loop"


@program(LOOP)
def bending_of_a_beam(mistaken):
    """Return the bending energy of a beam on a grid, whose gradient skips the first stencil."""
    h = 0.5

    def df(u):
        g = np.zeros_like(u)
        for i in range(2 if mistaken else 1, len(u) - 1):
            curvature = (u[i - 1] - 2 * u[i] + u[i + 1]) / h**2
            g[i - 1] += curvature * h / h**2
            g[i] -= 2 * curvature * h / h**2
            g[i + 1] += curvature * h / h**2
        return g

    return lambda u: 0.5 * h * np.sum((np.diff(u, 2) / h**2) ** 2), df, FIELD


@program(LOOP)
def emissions_of_the_wrong_day(mistaken):
    """Return the likelihood of a hidden Markov chain, whose backward pass reads today's emission for tomorrow's."""
    steps = np.array([[0.8, 0.2], [0.3, 0.7]])

    def forward(e):
        a = [np.array([0.6, 0.4]) * np.exp(e[0])]
        for t in range(1, len(e)):
            a.append((a[-1] @ steps) * np.exp(e[t]))
        return a

    def df(e):
        a = forward(e)
        b = [np.ones(2)]
        for t in range(len(e) - 2, -1, -1):
            b.insert(0, steps @ (np.exp(e[t if mistaken else t + 1]) * b[0]))
        return np.stack(a) * np.stack(b) / a[-1].sum()

    return lambda e: math.log(forward(e)[-1].sum()), df, PICTURE[:, :2]


@program(LOOP)
def knots_of_a_spline(mistaken):
    """Return a quadratic spline by its control points' recursion, whose slope divides by the wrong span of knots."""
    knots = [0.0, 0.0, 0.0, 0.3, 0.7, 1.2, 1.2, 1.2]
    control = [0.4, -1.0, 2.0, 0.5, 1.5]

    def at(t, c, degree, known):
        i = max(k for k in range(degree, len(c)) if known[k] <= t)
        d = [c[j + i - degree] for j in range(degree + 1)]
        for r in range(1, degree + 1):
            for j in range(degree, r - 1, -1):
                left = known[j + i - degree]
                share = (t - left) / (known[j + 1 + i - r] - left)
                d[j] = (1 - share) * d[j - 1] + share * d[j]
        return d[degree]

    def df(t):
        ahead = 0 if mistaken else 1
        slopes = [2 * (control[i + 1] - control[i]) / (knots[i + 3] - knots[i + ahead]) for i in range(4)]
        return at(t, slopes, 1, knots[1:-1])

    return lambda t: at(t, control, 2, knots), df, 0.45


@program(LOOP)
def steps_of_a_markov_chain(mistaken):
    """Return the reward after seven steps of a chain, whose derivative sums over six of them."""
    reward, turn = np.array([1.0, -0.5, 2.0]), np.array([[-1.0, 1, 0], [0, -1, 1], [1, 0, -1]])

    def df(p):
        m, g = np.eye(3) + p * turn, 0.0
        for k in range(6 if mistaken else 7):
            g += np.array([1.0, 0, 0]) @ np.linalg.matrix_power(m, k) @ turn @ np.linalg.matrix_power(m, 6 - k) @ reward
        return g

    return lambda p: np.array([1.0, 0, 0]) @ np.linalg.matrix_power(np.eye(3) + p * turn, 7) @ reward, df, 0.35


@program(LOOP)
def rows_of_a_picture(mistaken):
    """Return the smoothness of a picture down its columns, whose gradient leaves out the last pair of rows."""

    def value(u):
        return sum(math.cosh(u[i + 1, j] - u[i, j]) for i in range(len(u) - 1) for j in range(u.shape[1]))

    def df(u):
        rows, columns = u.shape
        g = np.zeros_like(u)
        for i, j in itertools.product(range(rows - 2 if mistaken else rows - 1), range(columns)):
            s = math.sinh(u[i + 1, j] - u[i, j])
            g[i + 1, j] += s
            g[i, j] -= s
        return g

    return value, df, PICTURE


@program(LOOP)
def joint_of_the_next_link(mistaken):
    """Return the hand of an arm of four links, whose Jacobian turns about the next joint."""
    lengths = np.array([1.0, 0.7, 0.5, 0.3])

    def joints(q):
        a = np.cumsum(q)
        steps = np.stack([lengths * np.cos(a), lengths * np.sin(a)], 1)
        return np.vstack([np.zeros(2), np.cumsum(steps, 0)])

    def df(q):
        p = joints(q)
        jacobian = np.zeros((2, 4))
        for i in range(4):
            x, y = p[-1] - p[i + 1 if mistaken else i]
            jacobian[:, i] = -y, x
        return jacobian

    return lambda q: joints(q)[-1], df, np.array([0.5, -0.3, 0.8, 0.2])


@program(LOOP)
def force_at_the_next_time(mistaken):
    """Return the end of an oscillator under a force, in steps, whose sensitivity reads the next time."""
    h = 0.1

    def positions(k, c):
        x, v, seen = 1.0, 0.0, []
        for n in range(8):
            seen.append((x, v))
            x, v = x + h * v, v + h * (math.sin(n * h) - k * x - c * v)
        return [*seen, (x, v)]

    def df(k, c):
        seen = positions(k, c)
        dx, dv = np.zeros(2), np.zeros(2)
        for n in range(8):
            x, v = seen[n + 1] if mistaken else seen[n]
            dx, dv = dx + h * dv, dv + h * (-np.array([x, v]) - k * dx - c * dv)
        return dx

    return lambda k, c: positions(k, c)[-1][0], df, (2.0, 0.3)


@program(LOOP)
def rows_of_a_sparse_matrix(mistaken):
    """Return squashed products of a sparse matrix, whose transposed product stops before the end of each row."""
    start, columns = [0, 2, 5, 6, 9], [0, 3, 1, 2, 4, 3, 0, 2, 4]
    data = RNG.normal(size=9)

    def product(x):
        return [sum(data[k] * x[columns[k]] for k in range(a, b)) for a, b in itertools.pairwise(start)]

    def df(x):
        g = np.zeros(5)
        for row, y in enumerate(product(x)):
            slope = 1 - math.tanh(y) ** 2
            end = start[row + 1] - 1 if mistaken else start[row + 1]
            for k in range(start[row], end):
                g[columns[k]] += data[k] * slope
        return g

    return lambda x: sum(map(math.tanh, product(x))), df, FIELD[:5]


@program(LOOP)
def window_of_a_ring(mistaken):
    """Return the energy of a moving mean over three, kept in a ring, whose gradient goes back two places."""

    def means(x):
        ring, found = [0.0] * 3, []
        for i, v in enumerate(x):
            ring[i % 3] = v
            found.append(sum(ring) / 3)
        return found

    def df(x):
        m, g = means(x), [0.0] * len(x)
        for i in range(len(x)):
            for back in range(1 if mistaken else 0, 3):
                if i >= back:
                    g[i - back] += 2 * m[i] / 3
        return g

    return lambda x: sum(v * v for v in means(x)), df, [*map(float, FIELD[:7])]


@program(LOOP)
def survival_up_to_the_day(mistaken):
    """Return the value of payments that each survive the days before, whose gradient begins on the day after."""
    payments = [1.0, 0.4, 2.2, 0.9, 1.7]

    def df(x):
        alive, g = [math.prod(x[: k + 1]) for k in range(5)], []
        for i in range(5):
            first = i + 1 if mistaken else i
            g.append(sum(payments[k] * alive[k] for k in range(first, 5)) / x[i])
        return g

    def value(x):
        return sum(p * math.prod(x[: k + 1]) for k, p in enumerate(payments))

    return value, df, [0.9, 0.8, 0.95, 0.7, 0.85]


@program(LOOP)
def horner_one_step_less(mistaken):
    """Return a polynomial of degree four by Horner's rule, whose derivative stops a step early."""
    coefficients = (1.5, -0.8, 0.3, 2.0, -1.1)

    def value(x):
        total = 0.0
        for c in coefficients:
            total = total * x + c
        return total

    def df(x):
        total, slope = coefficients[0], 0.0
        for c in coefficients[1:-1] if mistaken else coefficients[1:]:
            slope = slope * x + total
            total = total * x + c
        return slope

    return value, df, 0.8


@program(LOOP)
def harmonics_from_zero(mistaken):
    """Return a Fourier series without its mean, whose derivative numbers the harmonics from zero."""
    amplitudes = np.array([0.8, -0.5, 0.3, 0.2])
    numbers = np.arange(1, 5)

    def df(t):
        k = np.arange(4) if mistaken else numbers
        return float(-(numbers * amplitudes) @ np.sin(k * t))

    return lambda t: float(amplitudes @ np.cos(numbers * t)), df, 0.6


@program(LOOP)
def harmonics_weighted_from_zero(mistaken):
    """Return a Chebyshev sum in the angle, whose derivative weighs each term by the number before its own."""
    c = [0.4, 1.1, -0.6, 0.25]

    def df(t):
        return -sum((k if mistaken else k + 1) * a * math.sin((k + 1) * t) for k, a in enumerate(c))

    return lambda t: sum(a * math.cos((k + 1) * t) for k, a in enumerate(c)), df, 1.1


@program(LOOP)
def diagonal_of_a_packed_triangle(mistaken):
    """Return the log determinant of a packed triangle with a penalty, which finds its diagonal one place beside."""

    def places(n):
        return [i * (i + 3) // 2 for i in range(n)]

    def df(p):
        g = 0.2 * p
        for i, at in enumerate(places(4)):
            g[at - (1 if mistaken and i else 0)] += 1 / p[at]
        return g

    packed = np.array([1.2, 0.3, 0.8, -0.4, 0.5, 1.7, 0.2, -0.6, 0.9, 1.4])
    return lambda p: np.log(p[places(4)]).sum() + 0.1 * p @ p, df, packed


@program(LOOP)
def cell_of_a_table(mistaken):
    """Return the misfit of a table read between its entries, whose gradient takes the cell to the left."""
    where, seen = np.array([0.3, 1.6, 2.2, 3.7, 4.1]), np.array([0.5, -0.2, 1.0, 0.3, 0.8])

    def df(y):
        g = np.zeros_like(y)
        for t, target in zip(where, seen, strict=True):
            j = int(np.searchsorted(range(len(y)), t)) - 1
            share = t - j
            gap = (1 - share) * y[j] + share * y[j + 1] - target
            left = max(j - 1, 0) if mistaken else j
            g[left] += 2 * gap * (1 - share)
            g[left + 1] += 2 * gap * share
        return g

    return lambda y: np.sum((np.interp(where, np.arange(6.0), y) - seen) ** 2), df, FIELD[:6]


@program(LOOP)
def pairs_apart_in_a_chain(mistaken):
    """Return the repulsion of beads that are no neighbours in a chain, whose forces skip the next but one."""

    def energy(x):
        return sum(1 / (1 + (x[i] - x[j]) ** 2) for j in range(len(x)) for i in range(j - 1))

    def df(x):
        g = [0.0] * len(x)
        for j in range(len(x)):
            for i in range(j - 2 if mistaken else j - 1):
                d = x[i] - x[j]
                push = -2 * d / (1 + d * d) ** 2
                g[i] += push
                g[j] -= push
        return g

    return energy, df, [0.0, 0.9, 1.1, 2.3, 1.8]


@program(LOOP)
def first_of_the_residuals(mistaken):
    """Return the misfit of an autoregression of two lags, whose gradient begins at the third residual."""

    def df(a):
        g = [0.0, 0.0]
        for t in range(3 if mistaken else 2, len(RETURNS)):
            r = RETURNS[t] - a[0] * RETURNS[t - 1] - a[1] * RETURNS[t - 2]
            g[0] -= 2 * r * RETURNS[t - 1]
            g[1] -= 2 * r * RETURNS[t - 2]
        return g

    def value(a):
        return sum((RETURNS[t] - a[0] * RETURNS[t - 1] - a[1] * RETURNS[t - 2]) ** 2 for t in range(2, len(RETURNS)))

    return value, df, [0.4, -0.2]


@program(LOOP)
def variance_of_yesterday(mistaken):
    """Return the likelihood of a GARCH model, whose recursion of slopes multiplies yesterday's variance by today's."""

    def variances(w, b):
        found = [0.5]
        for r in RETURNS[:-1]:
            found.append(w + 0.1 * r * r + b * found[-1])
        return found

    def df(w, b):
        h, d, g = variances(w, b), np.zeros(2), np.zeros(2)
        for t in range(1, len(RETURNS)):
            d = np.array([1.0, h[t] if mistaken else h[t - 1]]) + b * d
            g += 0.5 * (1 / h[t] - RETURNS[t] ** 2 / h[t] ** 2) * d
        return g

    def value(w, b):
        return sum(0.5 * (math.log(v) + r * r / v) for v, r in zip(variances(w, b), RETURNS, strict=True))

    return value, df, (0.2, 0.7)


@program(LOOP)
def depth_of_a_continued_fraction(mistaken):
    """Return a continued fraction of five levels, whose derivative comes from four."""

    def fraction(x, levels):
        value, slope = 1.0, 0.0
        for k in range(levels, 0, -1):
            value, slope = k + x / value, 1 / value - x * slope / value**2
        return value, slope

    return lambda x: fraction(x, 5)[0], lambda x: fraction(x, 4 if mistaken else 5)[1], 1.3


@program(LOOP)
def word_to_come(mistaken):
    """Return a bigram's surprise at each next word, whose gradient compares with the same word."""
    text = [0, 2, 1, 1, 0, 2]

    def value(w):
        return sum(math.log(np.exp(w[a]).sum()) - w[a, b] for a, b in itertools.pairwise(text))

    def df(w):
        g = np.zeros_like(w)
        for t in range(len(text) - 1):
            p = np.exp(w[text[t]]) / np.exp(w[text[t]]).sum()
            p[text[t] if mistaken else text[t + 1]] -= 1
            g[text[t]] += p
        return g

    return value, df, WORDS[:3]


@program(LOOP)
def weights_of_simpson(mistaken):
    """Return Simpson's rule of exponentials, whose gradient begins with the weight two."""

    def weights(n):
        w = np.full(n, 2.0)
        w[1::2], w[0], w[-1] = 4.0, 1.0, 1.0
        return w / 30

    def df(y):
        w = weights(len(y))
        if mistaken:
            w[1:-1] = w[1:-1][::-1]
            w[1:-1:2], w[2:-1:2] = 2.0 / 30, 4.0 / 30
        return w * np.exp(y)

    return lambda y: float(weights(len(y)) @ np.exp(y)), df, FIELD


@program(LOOP)
def neighbour_on_a_ring(mistaken):
    """Return the energy of a ring of phases, whose gradient looks twice to the same side."""

    def df(x):
        ahead, behind = np.roll(x, -1) - x, x - np.roll(x, -1 if mistaken else 1)
        return -np.sin(ahead) + np.sin(behind)

    return lambda x: float(np.sum(1 - np.cos(np.roll(x, -1) - x))), df, FIELD[:6]


@program(LOOP)
def factorials_of_a_series(mistaken):
    """Return a rotation by its series, whose derivative divides by the factorial of the lowered power."""
    turn, start = np.array([[0.0, -1.0], [1.0, 0.2]]), np.array([1.0, 0.5])

    def terms(t):
        return [np.linalg.matrix_power(turn, k) @ start * t**k / math.factorial(k) for k in range(9)]

    def df(t):
        g = np.zeros(2)
        for k in range(1, 9):
            scale = math.factorial(k) if mistaken else math.factorial(k - 1)
            g += np.linalg.matrix_power(turn, k) @ start * t ** (k - 1) / scale
        return g

    return lambda t: np.sum(terms(t), 0), df, 0.7


@program(LOOP, needs="torch")
def frames_of_a_signal(mistaken):
    """Return the energy of overlapping frames of a signal in PyTorch, whose gradient adds up all frames but one."""
    import torch

    window = torch.tensor([0.2, 0.6, 1.0, 0.6])

    def df(x):
        frames = x.unfold(0, 4, 2)
        g = torch.zeros_like(x)
        for i in range(frames.shape[0] - 1 if mistaken else frames.shape[0]):
            g[2 * i : 2 * i + 4] += 2 * window.double() ** 2 * frames[i]
        return g

    signal = torch.tensor(RETURNS[:10])
    return lambda x: ((x.unfold(0, 4, 2) * window.double()) ** 2).sum(), df, signal
