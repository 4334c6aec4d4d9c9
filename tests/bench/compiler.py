"""The compiler beside its peers: loss and gradient of an MLP 2-16-16-1 with hinge loss, float64, one core, in one run.

    OMP_NUM_THREADS=1 python tests/bench/compiler.py

Peers that are not installed are left out: JAX, PyTorch, micrograd, and C where there is no gcc.
"""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import numpy as np  # noqa: E402 - the variables above are read when it is imported

import autograd_mini as ag  # noqa: E402 - as above
from autograd_mini import Parameter, relu  # noqa: E402 - as above
from autograd_mini.transforms import grad, value_and_grad  # noqa: E402 - as above

WIDTHS = (2, 16, 16, 1)
SIZES = (100, 10_000, 1_000_000)


def network(seed=0):
    """Return a model of neurons, written out: for each neuron its weights and then its bias."""
    rng = random.Random(seed)
    return [
        [([Parameter(rng.uniform(-1, 1)) for _ in range(nin)], Parameter(0.0)) for _ in range(nout)]
        for nin, nout in pairwise(WIDTHS)
    ]


def forward(layers, x):
    for depth, layer in enumerate(layers):
        x = [sum((w * v for w, v in zip(ws, x, strict=True)), b) for ws, b in layer]
        if depth < len(layers) - 1:
            x = [relu(v) for v in x]
    return x[0]


def matrices(p):
    """Return a flat array of parameters as matrices and biases."""
    at, found = 0, []
    for nin, nout in pairwise(WIDTHS):
        block = p[at : at + nout * (nin + 1)].reshape(nout, nin + 1)
        found.append((block[:, :nin], block[:, nin]))
        at += nout * (nin + 1)
    return found


def by_numpy(p, X, y, chunk=2048):
    """Return loss and gradient by hand, in chunks that stay in the cache."""
    (w1, b1), (w2, b2), (w3, b3) = matrices(p)
    total, sums = 0.0, [0.0] * 6
    for at in range(0, len(X), chunk):
        x, t = X[at : at + chunk], y[at : at + chunk]
        a1 = x @ w1.T
        a1 += b1
        h1 = np.maximum(a1, 0.0, out=a1)
        a2 = h1 @ w2.T
        a2 += b2
        h2 = np.maximum(a2, 0.0, out=a2)
        m = 1.0 - t * (h2 @ w3[0] + b3[0])
        on = m > 0.0
        total += m[on].sum()
        e = np.where(on, -t, 0.0)
        d2 = np.outer(e, w3[0])
        d2 *= h2 > 0.0
        d1 = d2 @ w2
        d1 *= h1 > 0.0
        parts = (d1.T @ x, d1.sum(0), d2.T @ h1, d2.sum(0), e @ h2, e.sum())
        sums = [s + part for s, part in zip(sums, parts, strict=True)]
    n = len(X)
    g1, g1b, g2, g2b, g3, g3b = [s / n for s in sums]
    first = np.concatenate([g1, g1b[:, None]], axis=1).ravel()
    second = np.concatenate([g2, g2b[:, None]], axis=1).ravel()
    return total / n, np.concatenate([first, second, g3, [g3b]])


def by_jax():
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def loss(p, X, y):
        (w1, b1), (w2, b2), (w3, b3) = matrices(p)
        h = jax.nn.relu(jax.nn.relu(X @ w1.T + b1) @ w2.T + b2)
        return jnp.mean(jax.nn.relu(1.0 - y * (h @ w3[0] + b3[0])))

    both = jax.jit(jax.value_and_grad(loss))
    return lambda p, X, y: jax.block_until_ready(both(p, X, y)), jnp.asarray


def by_torch():
    import torch

    torch.set_num_threads(1)

    def both(p, X, y):
        p = p.detach().requires_grad_()
        (w1, b1), (w2, b2), (w3, b3) = matrices(p)
        h = torch.relu(torch.relu(X @ w1.T + b1) @ w2.T + b2)
        loss = torch.relu(1.0 - y * (h @ w3[0] + b3[0])).mean()
        loss.backward()
        return loss.item(), p.grad

    return both, torch.from_numpy


def by_c():
    folder = Path(tempfile.mkdtemp())
    library = folder / "tuned.so"
    flags = ["-O3", "-march=native", "-mprefer-vector-width=512", "-shared", "-fPIC", "-funroll-loops", "-w"]
    subprocess.run([shutil.which("gcc"), *flags, "-o", library, Path(__file__).parent / "tuned.c"], check=True)
    call = ctypes.CDLL(str(library)).loss_and_gradient
    call.argtypes, call.restype = [ctypes.c_long] + [ctypes.c_void_p] * 4, None

    def both(p, X, y):
        out = np.empty(len(p) + 1)
        call(len(X), X.ctypes.data, y.ctypes.data, p.ctypes.data, out.ctypes.data)
        return out[0], out[1:]

    return both, lambda array: array


def by_micrograd():
    from micrograd.engine import Value

    def both(p, X, y):
        p = [Value(float(x)) for x in p]
        at = iter(p)
        layers = [[([next(at) for _ in range(nin)], next(at)) for _ in range(nout)]
                  for nin, nout in pairwise(WIDTHS)]  # fmt: skip
        total = 0.0
        for x, t in zip(X, y, strict=True):
            h = list(x)
            for depth, layer in enumerate(layers):
                h = [sum((w * v for w, v in zip(ws, h, strict=True)), b) for ws, b in layer]
                h = [v.relu() for v in h] if depth < 2 else h
            total = total + (1 + h[0] * -t).relu()
        mean = total * (1.0 / len(X))
        mean.backward()
        return mean.data, np.array([x.grad for x in p])

    return both, lambda array: array


def timed(call, seconds=0.5, most=2000):
    """Return the median of the seconds that a call takes."""
    call()
    found, start = [], time.perf_counter()
    while len(found) < 3 or (time.perf_counter() - start < seconds and len(found) < most):
        before = time.perf_counter()
        call()
        found.append(time.perf_counter() - before)
    return statistics.median(found)


def peers():
    found = {"NumPy by hand": (by_numpy, lambda array: array)}
    for name, make in (("tuned C", by_c), ("JAX", by_jax), ("PyTorch", by_torch), ("micrograd", by_micrograd)):
        try:
            found[name] = make()
        except (ImportError, TypeError, OSError, subprocess.CalledProcessError) as error:
            print(f"left out: {name} ({error})")
    return found


def table():
    layers = network()
    fast = ag.jit(lambda x, y: relu(1.0 - y * forward(layers, x)), batched=True)
    rng = np.random.default_rng(0)
    others = peers()
    print(
        f"{'samples':>9}  {'compiled':>10}  " + "  ".join(f"{name:>22}" for name in others) + "   (ns a sample, ratio)"
    )
    for n in SIZES:
        X, y = rng.normal(size=(n, 2)), np.sign(rng.normal(size=n))
        if n == SIZES[0]:
            start = time.perf_counter()
            fast.prepare(X, y)
            print(f"first call to first result: {time.perf_counter() - start:.2f} s; {fast.stats}")
        p = np.array([parameter.data for parameter in fast.parameters])
        expected = fast.value_and_grad(p, X, y)
        mine = timed(lambda p=p, X=X, y=y: fast.value_and_grad(p, X, y))
        cells = []
        for name, (both, convert) in others.items():
            few = n if name != "micrograd" else min(n, 100)
            given = [convert(array) for array in (p, X[:few], y[:few])]
            if few == n:
                loss, slope = both(*given)
                wrong = abs(float(loss) - expected[0]) + np.abs(np.asarray(slope) - expected[1]).max()
                if wrong > 1e-9:
                    print(f"  {name} differs by {wrong:.1e}")
            taken = timed(lambda both=both, given=given: both(*given)) / few * n
            cells.append(f"{taken / n * 1e9:>14.0f} {taken / mine:>6.2f}x")
        print(f"{n:>9}  {mine / n * 1e9:>10.1f}  " + "  ".join(f"{cell:>22}" for cell in cells))
        if n == SIZES[-1]:
            two = ag.jit(lambda x, y: relu(1.0 - y * forward(layers, x)), batched=True, threads=2)
            both = timed(lambda two=two, p=p, X=X, y=y: two.value_and_grad(p, X, y))
            print(f"two threads at {n}: {mine / both:.2f}x")


def rosenbrock():
    f = ag.jit(value_and_grad(lambda x: sum(100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2 for i in range(9))))
    x = np.linspace(-1.0, 1.0, 10)
    f(x)
    rounds = 20_000

    def many():
        for _ in range(rounds):
            f(x)

    print(f"Rosenbrock in 10 dimensions, value and gradient: {timed(many) / rounds * 1e6:.2f} µs a call")


def ode():
    def end(k):
        u, v, h = 1.0, 0.0, 0.01
        for _ in range(200):
            u, v = u + h * v, v - h * (k[0] * ag.sin(u) + k[1] * v)
        return u

    for backend in ("python", "llvm"):
        start = time.perf_counter()
        fast = ag.jit(grad(end), backend=backend)
        fast(np.array([1.0, 0.1]))
        first = time.perf_counter() - start
        taken = timed(lambda fast=fast: fast(np.array([1.0, 0.1])))
        eager = timed(lambda: grad(end)(np.array([1.0, 0.1])))
        print(f"ODE, 200 steps, gradient by 2 constants, {backend}: first {first:.3f} s, then {taken * 1e6:.1f} µs, "
              f"eager {eager * 1e6:.0f} µs; {fast.stats['operations']}")  # fmt: skip


def logistic(n=10_000, inputs=30):
    w, b = [Parameter(0.01 * i) for i in range(inputs)], Parameter(0.0)
    fast = ag.jit(lambda x, y: ag.softplus(-y * sum((u * v for u, v in zip(w, x, strict=True)), b)), batched=True)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, inputs)), np.sign(rng.normal(size=n))
    fast.prepare(X, y)
    p = np.array([parameter.data for parameter in fast.parameters])

    def by_hand():
        m = -y * (X @ p[:-1] + p[-1])
        s = -y / (1.0 + np.exp(-m)) / n
        return np.logaddexp(0.0, m).mean(), np.append(s @ X, s.sum())

    mine, hand = timed(lambda: fast.value_and_grad(p, X, y)), timed(by_hand)
    wrong = np.abs(fast.value_and_grad(p, X, y)[1] - by_hand()[1]).max()
    print(f"logistic regression, {inputs} inputs, {n} samples: {mine / n * 1e9:.1f} ns each, NumPy {hand / mine:.1f}x "
          f"(differs by {wrong:.0e})")  # fmt: skip


if __name__ == "__main__":
    print(sys.version.split()[0], np.__version__)
    rosenbrock()
    logistic()
    ode()
    table()
