"""The compiler beside its peers: loss and gradient of two networks, float64, one core, all in one run.

    OMP_NUM_THREADS=1 python tests/bench/compiler.py

The first network has 2 inputs, two layers of 16 and one output, with hinge loss; the second has 64 inputs, a layer of
32 and 10 outputs, with tanh and cross-entropy, as for handwritten digits. Peers that are not installed are left out:
JAX, PyTorch, micrograd, and C where there is no gcc. C is compiled for what the compiler is told of;
AUTOGRAD_MINI_CPU, set to avx2+fma for one, restricts these two, and not the others. Of 100,000 samples and more,
seconds are those of the processor: a call is long enough to be interrupted. What is no network is in
`compiler_programs.py`.
"""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import subprocess
import tempfile
import time
from itertools import pairwise
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

from command import begin  # noqa: E402 - as below

if __name__ == "__main__":
    begin(__doc__, "numpy")

import numpy as np  # noqa: E402 - the variables above are read when it is imported
from figures import note  # noqa: E402 - as above
from processor import described  # noqa: E402 - as above

import autograd_mini as ag  # noqa: E402 - as above
from autograd_mini import Parameter, relu  # noqa: E402 - as above
from autograd_mini.compiler.llvm.target import VARIABLE, target  # noqa: E402 - as above
from autograd_mini.nn.losses import cross_entropy  # noqa: E402 - as above

SMALL, DIGITS = (2, 16, 16, 1), (64, 32, 10)


def network(widths, seed=0):
    """Return a model of neurons, written out: for each neuron its weights and then its bias."""
    rng = random.Random(seed)
    return [
        [([Parameter(rng.uniform(-1, 1) / nin**0.5) for _ in range(nin)], Parameter(0.0)) for _ in range(nout)]
        for nin, nout in pairwise(widths)
    ]


def forward(layers, x, squash):
    for depth, layer in enumerate(layers):
        x = [sum((w * v for w, v in zip(ws, x, strict=True)), b) for ws, b in layer]
        if depth < len(layers) - 1:
            x = [squash(v) for v in x]
    return x


def hinge(layers, x, y):
    return relu(1.0 - y * forward(layers, x, relu)[0])


def classify(layers, x, y):
    return cross_entropy(forward(layers, x, ag.tanh), y)


def matrices(p, widths):
    """Return a flat array of parameters as matrices and biases."""
    at, found = 0, []
    for nin, nout in pairwise(widths):
        block = p[at : at + nout * (nin + 1)].reshape(nout, nin + 1)
        found.append((block[:, :nin], block[:, nin]))
        at += nout * (nin + 1)
    return found


def flat(slopes):
    """Return gradients by matrices and biases as one array."""
    return np.concatenate([np.concatenate([g, b[:, None]], axis=1).ravel() for g, b in slopes])


def hinge_by_numpy(p, X, y, chunk=2048):
    """Return loss and gradient by hand, in chunks that stay in the cache."""
    (w1, b1), (w2, b2), (w3, b3) = matrices(p, SMALL)
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
    return total / n, flat([(g1, g1b), (g2, g2b), (g3[None], np.array([g3b]))])


def classify_by_numpy(p, X, y, chunk=1024):
    """Return loss and gradient by hand, in chunks that stay in the cache."""
    (w1, b1), (w2, b2) = matrices(p, DIGITS)
    total, sums = 0.0, [0.0] * 4
    for at in range(0, len(X), chunk):
        x, rows = X[at : at + chunk], np.arange(len(X[at : at + chunk]))
        t = y[at : at + chunk].astype(int)
        h = x @ w1.T
        h += b1
        np.tanh(h, out=h)
        z = h @ w2.T
        z += b2
        z -= z.max(1, keepdims=True)
        chosen = z[rows, t]
        np.exp(z, out=z)
        spread = z.sum(1)
        total += (np.log(spread) - chosen).sum()
        z /= spread[:, None]
        z[rows, t] -= 1.0
        d = z @ w2
        h2 = h * h
        np.subtract(1.0, h2, out=h2)
        d *= h2
        parts = (d.T @ x, d.sum(0), z.T @ h, z.sum(0))
        sums = [s + part for s, part in zip(sums, parts, strict=True)]
    g1, g1b, g2, g2b = [s / len(X) for s in sums]
    return total / len(X), flat([(g1, g1b), (g2, g2b)])


def by_jax(widths):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def loss(p, X, y):
        *hidden, (w, b) = matrices(p, widths)
        for weights, bias in hidden:
            X = (jax.nn.relu if widths is SMALL else jnp.tanh)(X @ weights.T + bias)
        if widths is SMALL:
            return jnp.mean(jax.nn.relu(1.0 - y * (X @ w[0] + b[0])))
        z = jax.nn.log_softmax(X @ w.T + b)
        return -jnp.mean(jnp.take_along_axis(z, y.astype(int)[:, None], axis=1))

    both = jax.jit(jax.value_and_grad(loss))
    return lambda p, X, y: jax.block_until_ready(both(p, X, y)), jnp.asarray


def by_torch(widths):
    import torch

    torch.set_num_threads(1)

    def both(p, X, y):
        p = p.detach().requires_grad_()
        *hidden, (w, b) = matrices(p, widths)
        for weights, bias in hidden:
            X = (torch.relu if widths is SMALL else torch.tanh)(X @ weights.T + bias)
        if widths is SMALL:
            loss = torch.relu(1.0 - y * (X @ w[0] + b[0])).mean()
        else:
            loss = torch.nn.functional.cross_entropy(X @ w.T + b, y.long())
        loss.backward()
        return loss.item(), p.grad

    return both, torch.from_numpy


FLAGS = {"avx2+fma": ["-mavx2", "-mfma"], "avx2": ["-mavx2"], "avx": ["-mavx"], "sse2": [], "none": []}
"""What tells a C compiler for x86-64 of the feature sets; of any other, what the processor has."""


def by_c():
    folder = Path(tempfile.mkdtemp())
    library = folder / "tuned.so"
    native = ["-march=native", *["-mprefer-vector-width=512"] * (target().features.lanes == 8)]
    told = [*FLAGS.get(target().features.name, native), "-mtune=native"] if os.environ.get(VARIABLE) else native
    flags = ["-O3", "-funroll-loops", "-shared", "-fPIC", "-w"]
    subprocess.run([shutil.which("gcc"), *told, *flags, "-o", library, Path(__file__).parent / "tuned.c"], check=True)
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
                  for nin, nout in pairwise(SMALL)]  # fmt: skip
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


def peers(makers):
    found = {}
    for name, make in makers.items():
        try:
            found[name] = make()
        except (ImportError, TypeError, OSError, subprocess.CalledProcessError) as error:
            print(f"left out: {name} ({error})")
    return found


def raced(calls, seconds=0.4, rounds=3, clock=time.perf_counter):
    """Return for each of several calls the least of the seconds that it takes, each getting several turns."""
    least = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            call()
            start = time.perf_counter()
            while True:
                before = clock()
                call()
                least[name] = min(least[name], clock() - before)
                if time.perf_counter() - start > seconds:
                    break
    return least


def table(title, widths, loss, sizes, makers):
    layers = network(widths)
    fast = ag.jit(lambda x, y: loss(layers, x, y), batched=True)
    rng = np.random.default_rng(0)
    others = peers(makers)
    start = time.perf_counter()
    for n in sizes:
        X = rng.normal(size=(n, widths[0]))
        y = np.sign(rng.normal(size=n)) if widths is SMALL else rng.integers(0, 10, size=n).astype(float)
        fast.prepare(X, y)
        p = np.array([parameter.data for parameter in fast.parameters])
        expected = fast.value_and_grad(p, X, y)
        if n == sizes[0]:
            print(f"\n{title}: {len(p)} parameters; first result {time.perf_counter() - start:.2f} s; {fast.stats}")
            print(f"{'samples':>9}  {'compiled':>9}  " + "  ".join(f"{name:>17}" for name in others) + "  (ns, ratio)")
        calls = {"compiled": lambda p=p, X=X, y=y: fast.value_and_grad(p, X, y)}
        parts = {}
        for name, (both, convert) in others.items():
            parts[name] = few = n if name != "micrograd" else min(n, 100)
            given = [convert(array) for array in (p, X[:few], y[:few])]
            if few == n:
                found, slope = both(*given)
                wrong = abs(float(found) - expected[0]) + np.abs(np.asarray(slope) - expected[1]).max()
                if wrong > 1e-9:
                    print(f"  {name} differs by {wrong:.1e}")
            calls[name] = lambda both=both, given=given: both(*given)
        taken = raced(calls, clock=time.perf_counter if n < 100_000 else time.process_time)
        mine = taken["compiled"] / n
        figures = {"here": mine} | {name: taken[name] / few for name, few in parts.items()}
        note(f"{title}: loss and gradient", f"{n:,} samples", "ns a sample", {k: v * 1e9 for k, v in figures.items()})
        cells = [f"{taken[name] / few * 1e9:>9.0f} {taken[name] / few / mine:>6.2f}x" for name, few in parts.items()]
        print(f"{n:>9}  {mine * 1e9:>9.1f}  " + "  ".join(f"{cell:>17}" for cell in cells))
        if n == 1_000_000:
            two = ag.jit(lambda x, y: loss(layers, x, y), batched=True, threads=2)
            both = raced({"one": calls["compiled"], "two": lambda two=two, p=p, X=X, y=y: two.value_and_grad(p, X, y)})
            print(f"two threads at {n}: {both['one'] / both['two']:.2f}x")


if __name__ == "__main__":
    print(f"{described(compiled=True)}, NumPy {np.__version__}")
    table("MLP 2-16-16-1, hinge", SMALL, hinge, (100, 10_000, 1_000_000), {
        "NumPy by hand": lambda: (hinge_by_numpy, lambda array: array), "tuned C": by_c, "JAX": lambda: by_jax(SMALL),
        "PyTorch": lambda: by_torch(SMALL), "micrograd": by_micrograd,
    })  # fmt: skip
    table("MLP 64-32-10, tanh, cross-entropy", DIGITS, classify, (100, 1_797, 100_000), {
        "NumPy by hand": lambda: (classify_by_numpy, lambda array: array), "JAX": lambda: by_jax(DIGITS),
        "PyTorch": lambda: by_torch(DIGITS),
    })  # fmt: skip
