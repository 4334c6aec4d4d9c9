"""Programs as people write them: time to the first gradient, and a step after it, against the size of the program.

    OMP_NUM_THREADS=1 python tests/bench/programs.py [--most 1_000_000]

Four kinds of program, written as loops over single numbers: micrograd's demo loss (a network of 2 inputs, 16, 16 and
1, with hinge loss, over samples), a recurrent network over sequences of 20 numbers, the same over one long sequence,
and one in which nothing repeats.
Each is differentiated by eager code, by `replay` and `jit`, and by `jit` without loops; and by peers that are
installed: CasADi and JAX on the same scalar code, the latter up to 10,000 operations; PyTorch and NumPy on arrays, the
derivatives of NumPy's by hand. Milliseconds are those of the processor, after each engine has compiled something small.
"""

from __future__ import annotations

import importlib.util
import math
import os
import random
import sys
import time
import tracemalloc
from itertools import pairwise

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from command import check, parser  # noqa: E402 - NumPy reads the variables when it is imported

if __name__ == "__main__":
    check(__doc__, "numpy")
    COMMAND = parser(__doc__, "numpy")
    COMMAND.add_argument("--most", type=int, default=1_000_000, help="operations of the longest programs")
    MOST = COMMAND.parse_args().most

import numpy as np  # noqa: E402 - as above
from processor import described  # noqa: E402 - as above

import autograd_mini as ag  # noqa: E402 - as above
from autograd_mini import Parameter  # noqa: E402 - as above
from autograd_mini.compiler import rerolling  # noqa: E402 - as above
from autograd_mini.engine.graph import order  # noqa: E402 - as above

SCALAR_JAX = 10_000
"""Maximum operations of a program that JAX is given number by number; it takes minutes for more."""

WIDTHS = (2, 16, 16, 1)
"""The widths of the network's layers."""


class Numbers:
    """The functions of numbers that a kind of program is written with."""

    def __init__(self, tanh, relu, sin):
        self.tanh, self.relu, self.sin = tanh, relu, sin


VALUES = Numbers(ag.tanh, ag.relu, ag.sin)


def demo(a, p, X, y):
    """Return micrograd's demo loss: hinge loss and regularisation."""
    total = 0.0
    for x, target in zip(X, y, strict=True):
        at, inputs = 0, x
        for nin, nout in pairwise(WIDTHS):
            outputs = []
            for _ in range(nout):
                neuron = sum((w * i for w, i in zip(p[at : at + nin], inputs, strict=True)), p[at + nin])
                outputs.append(a.relu(neuron) if nout > 1 else neuron)
                at += nin + 1
            inputs = outputs
        total = total + a.relu(1.0 - target * inputs[0])
    return total * (1.0 / len(X)) + 1e-4 * sum((w * w for w in p), 0.0)


def demo_data(count):
    size = sum((nin + 1) * nout for nin, nout in pairwise(WIDTHS))
    random.seed(1)
    X = [[random.uniform(-1.0, 1.0) for _ in range(2)] for _ in range(count)]
    return [random.uniform(-1.0, 1.0) for _ in range(size)], X, [random.choice([-1.0, 1.0]) for _ in range(count)]


def recurrent(a, p, X, y):
    """Return the error of a recurrent network of three units over sequences."""
    total = 0.0
    for x, target in zip(X, y, strict=True):
        h = [0.0, 0.0, 0.0]
        for number in x:
            h = [a.tanh(p[i] * number + p[3 + i] * h[i] + p[6 + i] * h[i - 1] + p[9 + i]) for i in range(3)]
        total = total + (h[0] + h[1] + h[2] - target) ** 2
    return total / len(X)


def recurrent_data(count):
    random.seed(2)
    X = [[random.uniform(-1.0, 1.0) for _ in range(20)] for _ in range(count)]
    return [random.uniform(-0.7, 0.7) for _ in range(12)], X, [random.uniform(-1.0, 1.0) for _ in range(count)]


def one_sequence(a, p, X, y):
    """Return the error of the recurrent network at each number of one sequence."""
    total, h = 0.0, [0.0, 0.0, 0.0]
    for number, target in zip(X, y, strict=True):
        h = [a.tanh(p[i] * number + p[3 + i] * h[i] + p[6 + i] * h[i - 1] + p[9 + i]) for i in range(3)]
        total = total + (h[0] - target) ** 2
    return total / len(X)


def sequence_data(count):
    random.seed(4)
    X = [random.uniform(-1.0, 1.0) for _ in range(count)]
    return [random.uniform(-0.7, 0.7) for _ in range(12)], X, [random.uniform(-1.0, 1.0) for _ in range(count)]


def irregular(a, p, X, y):  # noqa: ARG001 - each kind takes them
    """Return a number computed from 50 parameters by operations chosen at random, in which nothing repeats."""
    known = list(p)
    for kind, first, second in X:
        u, v = known[first], known[second]
        known.append(a.sin(u) if kind == 0 else u * v if kind == 1 else u - v if kind == 2 else a.tanh(u + v))
        if len(known) > 100:
            del known[:50]
    return sum(known[1:], known[0]) + 0.001 * sum(p[1:], p[0])


def irregular_data(count):
    random.seed(3)
    X = [(random.randrange(4), random.randrange(50), random.randrange(50)) for _ in range(count)]
    return [random.uniform(-0.7, 0.7) for _ in range(50)], X, []


KINDS = {
    "micrograd's demo": (demo, demo_data, 645),
    "recurrent network": (recurrent, recurrent_data, 480),
    "one long sequence": (one_sequence, sequence_data, 27),
    "nothing repeats": (irregular, irregular_data, 1.2),
}
"""For each kind the program, its numbers, and how many operations a sample has."""


# --- engines: each returns a function of nothing that computes the gradient ---


def eager(f, p, X, y):
    leaves = [Parameter(number) for number in p]

    def run():
        for leaf in leaves:
            leaf.grad = None
        f(VALUES, leaves, X, y).backward()
        return [leaf.grad for leaf in leaves]

    return run


def compiled(make, backend="auto"):
    def engine(f, p, X, y):
        leaves = [Parameter(number) for number in p]
        fast = make(lambda: f(VALUES, leaves, X, y), backend)
        numbers = np.array([leaf.data for leaf in fast_leaves(fast, leaves)])
        return lambda: fast.value_and_grad(numbers)[1]

    return engine


def fast_leaves(fast, leaves):
    """Return the leaves in the order of a compiled function's parameters."""
    if hasattr(fast, "prepare"):
        fast.prepare()
    return fast.parameters or leaves


def without_loops(f, p, X, y):
    most, rerolling.FEWEST = rerolling.FEWEST, sys.maxsize
    try:
        run = compiled(lambda g, backend: ag.replay(g(), backend=backend))(f, p, X, y)
        run()
    finally:
        rerolling.FEWEST = most
    return run


def casadi(f, p, X, y):
    import casadi as ca

    x = ca.SX.sym("p", len(p))
    a = Numbers(ca.tanh, lambda number: ca.fmax(number, 0.0), ca.sin)
    loss = f(a, [x[at] for at in range(len(p))], X, y)
    gradient = ca.Function("gradient", [x], [loss, ca.gradient(loss, x)])
    return lambda: gradient(p)[1]


def jax(f, p, X, y):
    import jax as j

    j.config.update("jax_enable_x64", True)
    a = Numbers(j.numpy.tanh, lambda number: j.numpy.maximum(number, 0.0), j.numpy.sin)
    fast = j.jit(j.value_and_grad(lambda numbers: f(a, list(numbers), X, y)))
    given = j.numpy.array(p)
    return lambda: j.block_until_ready(fast(given))[1]


def torch(f, p, X, y):
    import torch as t

    if f is not demo:
        return None
    t.set_num_threads(1)
    weights, data, target = t.tensor(p, dtype=t.float64), t.tensor(X, dtype=t.float64), t.tensor(y, dtype=t.float64)

    def run():
        given = weights.clone().requires_grad_()
        at, h = 0, data
        for nin, nout in pairwise(WIDTHS):
            rows = given[at : at + (nin + 1) * nout].reshape(nout, nin + 1)
            h = h @ rows[:, :nin].T + rows[:, nin]
            h, at = h.relu() if nout > 1 else h, at + (nin + 1) * nout
        loss = (1.0 - target * h[:, 0]).relu().mean() + 1e-4 * (given * given).sum()
        loss.backward()
        return given.grad.tolist()

    return run


def numpy(f, p, X, y):
    if f is not demo:
        return None
    weights, data, target = np.array(p), np.array(X), np.array(y)

    def run():
        at, h, layers = 0, data, []
        for nin, nout in pairwise(WIDTHS):
            rows = weights[at : at + (nin + 1) * nout].reshape(nout, nin + 1)
            layers.append((h, rows, at, nout > 1))
            h = h @ rows[:, :nin].T + rows[:, nin]
            h, at = np.maximum(h, 0.0) if nout > 1 else h, at + (nin + 1) * nout
        g = np.where(1.0 - target * h[:, 0] > 0.0, -target / len(target), 0.0)[:, None]
        slopes = 2e-4 * weights
        for h, rows, at, _ in reversed(layers):
            made = np.concatenate([g.T @ h, g.sum(axis=0)[:, None]], axis=1)
            slopes[at : at + rows.size] += made.ravel()
            g = (g @ rows[:, :-1]) * (h > 0.0)
        return slopes

    return run


ENGINES = {
    "eager": eager,
    "replay": compiled(lambda g, backend: ag.replay(g(), backend=backend)),
    "jit": compiled(lambda g, backend: ag.jit(g, backend=backend)),
    "without loops": without_loops,
    "NumPy by hand": numpy,
    **{
        name: engine
        for name, engine in {"torch": torch, "casadi": casadi, "jax": jax}.items()
        if importlib.util.find_spec(name)
    },
}
"""The engines by name."""


def timed(engine, f, data):
    """Return milliseconds to the first gradient, and of a step, and the gradient; None if the engine has none."""
    start = time.process_time()
    run = engine(f, *data)
    if run is None:
        return None
    slopes = np.asarray(run()).ravel()
    first, steps = time.process_time() - start, 0
    start = time.process_time()
    while steps < 3 or (time.process_time() - start < 0.2 and steps < 1000):
        run()
        steps += 1
    return 1e3 * first, 1e3 * (time.process_time() - start) / steps, slopes


def memory():
    """Print how many bytes an operation takes while the demo loss over 300 samples is replayed."""
    p, X, y = demo_data(300)
    leaves = [Parameter(number) for number in p]
    loss = demo(VALUES, leaves, X, y)
    count = len(order(loss))
    for name, fewest in (("rolled up", rerolling.FEWEST), ("without loops", sys.maxsize)):
        before, rerolling.FEWEST = rerolling.FEWEST, fewest
        tracemalloc.start()
        ag.replay(loss)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        rerolling.FEWEST = before
        print(f"memory while compiling {count:,} operations, {name}: {peak / count:.0f} bytes each")


def main():
    print(described(compiled=True))
    for engine in ENGINES.values():
        timed(engine, demo, demo_data(2))
    for name, (f, data_of, size) in KINDS.items():
        print(f"\n{name}: ms to the first gradient / ms a step, and times the steps of `replay`")
        operations = 1_000
        while operations <= MOST:
            data = data_of(max(1, round(operations / size)))
            expected, rows = None, {}
            for label, engine in ENGINES.items():
                if label == "jax" and operations > SCALAR_JAX:
                    continue
                found = timed(engine, f, data)
                if found is None:
                    continue
                rows[label] = found[:2]
                expected = found[2] if expected is None else expected
                if label in {"replay", "jit"}:  # parameters come in the order of their creation, as the numbers do
                    assert np.allclose(found[2], expected, rtol=1e-6, atol=1e-9), label
            unit = rows["replay"][1]
            print(f"{operations:>9,}", end="")
            for label, (first, step) in rows.items():
                print(f"  {label} {first:.3g} / {step:.3g} ({step / unit:.3g})", end="")
            print(flush=True)
            operations *= 10
    assert math.isfinite(unit)
    memory()


if __name__ == "__main__":
    main()
