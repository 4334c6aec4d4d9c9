"""The compiler on what is no network: a minimiser's function, a regression, an equation of motion, long programs.

    OMP_NUM_THREADS=1 python tests/bench/compiler_programs.py

It also measures what it costs to notice changes in what a function reads, and how long the first result takes, for each
backend, in a process that has just begun. Peers that are not installed are left out.
"""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
import time
import timeit
from pathlib import Path

from command import begin

if __name__ == "__main__":
    begin(__doc__, "numpy")

from compiler import SMALL, hinge, network, peers, raced  # which sets the number of threads before NumPy is imported
from figures import note
from processor import described
from transformer import make_loss

import numpy as np  # isort: skip

import autograd_mini as ag
from autograd_mini import Parameter
from autograd_mini.transforms import grad, value_and_grad

BACKENDS = ["python", "numpy"] + ["llvm", "vm"] * (importlib.util.find_spec("llvmlite") is not None)


def rosenbrock(x):
    return sum(100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2 for i in range(len(x) - 1))


def minimise():
    x = np.linspace(-1.0, 1.0, 10)
    fast = ag.jit(value_and_grad(rosenbrock))
    fast(x)

    def by_jax():
        import jax

        jax.config.update("jax_enable_x64", True)
        both = jax.jit(jax.value_and_grad(rosenbrock))
        return lambda: jax.block_until_ready(both(x))

    def by_torch():
        import torch

        def both():
            p = torch.from_numpy(x).requires_grad_()
            loss = rosenbrock(p)
            loss.backward()
            return loss.item(), p.grad

        return both

    calls = {
        "compiled": many(fast, x),
        **{name: many(call) for name, call in peers({"JAX": by_jax, "PyTorch": by_torch}).items()},
    }
    taken = raced(calls)
    print(f"Rosenbrock in 10 dimensions, value and gradient, µs a call: {shown(taken, 1e6 / ROUNDS)}")


ROUNDS = 50


def many(call, *args):
    def rounds():
        for _ in range(ROUNDS):
            call(*args)

    return rounds


def shown(taken, scale):
    mine = taken["compiled"]
    return ", ".join(f"{name} {seconds * scale:.2f} ({seconds / mine:.1f}x)" for name, seconds in taken.items())


def regression(n=10_000, inputs=30):
    w, b = [Parameter(0.01 * i) for i in range(inputs)], Parameter(0.0)
    fast = ag.jit(lambda x, y: ag.softplus(-y * sum((u * v for u, v in zip(w, x, strict=True)), b)), batched=True)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n, inputs)), np.sign(rng.normal(size=n))
    fast.prepare(X, y)
    p = np.array([parameter.data for parameter in fast.parameters])

    def by_numpy():
        m = -y * (X @ p[:-1] + p[-1])
        s = -y / (1.0 + np.exp(-m)) / n
        return np.logaddexp(0.0, m).mean(), np.append(s @ X, s.sum())

    def by_jax():
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)
        both = jax.jit(jax.value_and_grad(lambda p, X, y: jnp.mean(jax.nn.softplus(-y * (X @ p[:-1] + p[-1])))))
        given = [jnp.asarray(array) for array in (p, X, y)]
        return lambda: jax.block_until_ready(both(*given))

    def by_torch():
        import torch

        rows, t = torch.from_numpy(X), torch.from_numpy(y)

        def both():
            q = torch.from_numpy(p).requires_grad_()
            loss = torch.nn.functional.softplus(-t * (rows @ q[:-1] + q[-1])).mean()
            loss.backward()
            return loss.item(), q.grad

        return both

    wrong = np.abs(fast.value_and_grad(p, X, y)[1] - by_numpy()[1]).max()
    calls = {"compiled": lambda: fast.value_and_grad(p, X, y), "NumPy by hand": by_numpy}
    taken = raced(calls | peers({"JAX": by_jax, "PyTorch": by_torch}))
    print(
        f"logistic regression, {inputs} inputs, {n} samples, ns a sample: {shown(taken, 1e9 / n)}; "
        f"NumPy differs by {wrong:.0e}"
    )


def swung(k, sin, u=1.0, steps=200):
    """Return the angle of a pendulum after so many Euler steps."""
    v, h = 0.0, 0.01
    for _ in range(steps):
        u, v = u + h * v, v - h * (k[0] * sin(u) + k[1] * v)
    return u


def pendulum():
    k = np.array([1.0, 0.1])

    def by_jax():
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)

        def end(k):
            step = lambda s, _: ((s[0] + 0.01 * s[1], s[1] - 0.01 * (k[0] * jnp.sin(s[0]) + k[1] * s[1])), None)  # noqa: E731
            return jax.lax.scan(step, (1.0, 0.0), None, length=200)[0][0]

        slope = jax.jit(jax.grad(end))
        return lambda: jax.block_until_ready(slope(k))

    def by_torch():
        import torch

        def slope():
            p = torch.from_numpy(k).requires_grad_()
            swung(p, torch.sin, torch.tensor(1.0)).backward()
            return p.grad

        return slope

    slope = grad(lambda k: swung(k, ag.sin))
    compiled = {"compiled": ag.jit(slope), **{backend: ag.jit(slope, backend=backend) for backend in BACKENDS}}
    calls = {name: lambda fast=fast: fast(k) for name, fast in compiled.items()} | {"eager": lambda: slope(k)}
    taken = raced(calls | peers({"JAX": by_jax, "PyTorch": by_torch}))
    print(f"pendulum, 200 Euler steps, gradient by 2 constants, µs a call: {shown(taken, 1e6)}")


def tangled(x, operations, seed=0):
    """Return a loss of so many operations that follow no pattern."""
    rng = random.Random(seed)
    values = [*x]
    while operations > 0:
        a, b = rng.choice(values[-20:]), rng.choice(values)
        kind = rng.randrange(4)
        values.append([a * b, a + b, ag.tanh(a), a - 0.5 * b][kind])
        operations -= 2 if kind == 3 else 1
    return sum(values[-8:])


FIRST = """
import sys, time
sys.path.insert(0, {folder!r})
import numpy as np
import autograd_mini as ag
from autograd_mini.transforms import value_and_grad
from compiler_programs import tangled
if {backend!r} in ("llvm", "vm"):
    import llvmlite.binding
x, p = np.linspace(-1.0, 1.0, 8), [ag.Parameter(0.1 * i) for i in range(8)]
value_and_grad(lambda x: tangled(x, 1000))(x)  # so that the operations of the table are there
if {batched}:
    fast = ag.jit(lambda x: tangled([w * v for w, v in zip(p, x)], 1000), batched=True, backend={backend!r})
    start = time.perf_counter()
    fast.prepare(np.stack([x] * 100))
    fast.value_and_grad(np.linspace(0.0, 1.0, 8), np.stack([x] * 100))
else:
    fast = ag.jit(value_and_grad(lambda x: tangled(x, 1000)), backend={backend!r})
    start = time.perf_counter()
    fast(x)
print(time.perf_counter() - start, sum(fast.stats["seconds"].values()), fast.stats["operations"]["prune"])
"""


def guards():
    """What it costs to ask at every call whether what the function reads has changed."""
    a, b, c, d, e = 1.0, 2.0, 3.0, 4.0, 5.0
    model = ag.MLP(2, [16, 16, 1], seed=0)
    X, y = np.random.default_rng(0).normal(size=(100, 2)), np.ones(100)
    x = np.ones(3)

    def numbers(x):
        return a * x[0] + b * x[1] + c * x[2] * d + e

    def loss(row, target):
        return (model([*row]) - target) ** 2

    nothing, five = ag.jit(value_and_grad(ag.tanh)), ag.jit(value_and_grad(numbers))
    nothing(1.0)
    five(x)
    layers = network(SMALL)
    of_model, of_lists = ag.jit(loss, batched=True), ag.jit(lambda x, y: hinge(layers, x, y), batched=True)
    for fast in (of_model, of_lists):
        fast.prepare(X, y)
        p = np.array([parameter.data for parameter in fast.parameters])
        fast.value_and_grad(p, X, y)
    for name, fast, call in (
        ("nothing", nothing, None),
        ("5 numbers", five, lambda: five(x)),
        ("an MLP of 337 parameters", of_model, lambda: of_model.value_and_grad(p, X, y)),
        ("337 parameters in plain lists", of_lists, lambda: of_lists.value_and_grad(p, X, y)),
    ):
        unchanged = fast._programs.latest.state.quick
        asked = least(unchanged) if unchanged else 0.0
        whole = f" of a call of {least(call):.0f} ns" if call else ""
        print(f"guard of {name}: {sum(fast.stats['watched'].values())} places, {asked:.0f} ns{whole}")


def least(call, rounds=300, calls=200):
    """Return the nanoseconds of a call, the least of many rounds."""
    return min(timeit.repeat(call, number=calls, repeat=rounds)) / calls * 1e9


def first_results():
    folder = str(Path(__file__).parent)
    print("first call to first result, loss of 1000 operations with gradient, after an eager one, least of 5:")
    for batched in (False, True):
        for backend in BACKENDS:
            code = FIRST.format(folder=folder, backend=backend, batched=batched)
            runs = [
                subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split()
                for _ in range(5)
            ]
            seconds, inside, operations = min(runs, key=lambda run: float(run[0]))
            print(f"  {'batch' if batched else 'one':>5} {backend:>6}: {float(seconds) * 1000:6.1f} ms, of which "
                  f"tracing, passes and compiling {float(inside) * 1000:6.1f} ms; {operations} operations")  # fmt: skip


def long_program(size=85):
    """A network of two layers, not batched: 60,000 operations with the gradient by its 14,620 weights."""

    def f(p):
        at, h = 0, x
        for _ in range(2):
            rows = [p[at + j * (size + 1) : at + (j + 1) * (size + 1)] for j in range(size)]
            h = [ag.tanh(sum((w * v for w, v in zip(row, h, strict=False)), row[-1])) for row in rows]
            at += size * (size + 1)
        return sum(v * v for v in h)

    x = np.linspace(-1.0, 1.0, size).tolist()
    p = np.random.default_rng(0).normal(size=2 * size * (size + 1)) * 0.1
    fast = ag.jit(value_and_grad(f))
    start = time.perf_counter()
    fast(p)
    first = time.perf_counter() - start
    taken = raced({"compiled": lambda: fast(p), "eager": lambda: value_and_grad(f)(p)})
    print(f"{fast.stats['operations']['prune']} operations: first result {first:.2f} s, then µs a call: "
          f"{shown(taken, 1e6)}; {fast.stats}")  # fmt: skip


def transformer():
    """A step of a transformer of 4,192 parameters, in which nothing repeats, on the interpreter of bytecode."""
    loss, weights = make_loss(Parameter)

    def eager():
        for weight in weights:
            weight.grad = None
        found = loss()
        found.backward()
        return found.data, {weight: weight.grad for weight in weights}

    start = time.process_time()
    again = ag.replay(loss)
    p = np.array([weight.data for weight in again.parameters])
    value, slopes = again.value_and_grad(p)
    first = time.process_time() - start
    expected, wanted = eager()
    off = max(abs(slope - wanted[weight]) for slope, weight in zip(slopes, again.parameters, strict=True))
    taken = raced({"compiled": lambda: again.value_and_grad(p), "eager": eager}, clock=time.process_time)
    note("A transformer of 4,192 parameters", "a step", "ms", {f"here, {k}": v * 1e3 for k, v in taken.items()})
    print(f"transformer of {len(weights)} parameters, {again.stats['operations']['traced']} operations on "
          f"{again.stats['backend']}: first gradient {first:.2f} s, loss {value!r} (eager {expected!r}), gradients "
          f"{off:.0e} apart at most; µs a step: {shown(taken, 1e6)}")  # fmt: skip


if __name__ == "__main__":
    print(described(compiled=True))
    minimise()
    guards()
    regression()
    pendulum()
    long_program()
    transformer()
    first_results()
