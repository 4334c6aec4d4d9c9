"""Lookups by an index that is data: time a sample against the length of the table, and a replayed loss.

    OMP_NUM_THREADS=1 python tests/bench/lookups.py

The table is of the gradient of a squared error of one looked-up weight, over 20,000 samples, beside NumPy by hand.
After it comes a loss over 100 samples written as a loop: the code itself, and `replay` of what it computed.
"""

from __future__ import annotations

import time

from command import begin

if __name__ == "__main__":
    begin(__doc__, "numpy")

from figures import note
from processor import described

import numpy as np  # isort: skip

import autograd_mini as ag
from autograd_mini.compiler import BACKENDS

SAMPLES = 20_000


def seconds(call, repetitions=7):
    """Return the least time of a few calls."""
    found = []
    for _ in range(repetitions):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return min(found)


def lookups():
    rng = np.random.default_rng(0)
    names = [name for name, row in BACKENDS.items() if row.available and name != "python"]
    print(f"{'entries':>8} {'NumPy by hand':>14} " + " ".join(f"{name:>8}" for name in names) + "   (ns a sample)")
    for size in (10, 100, 1000):
        places, x = rng.integers(0, size, SAMPLES), rng.normal(size=SAMPLES)
        weights = [ag.Parameter(number) for number in rng.normal(size=size)]
        p = np.array([weight.data for weight in weights])

        def by_hand(p=p, places=places, x=x, size=size):
            error = p[places] * x - 1.0
            slope = np.bincount(places, 2.0 * error * x, size)
            return (error * error).mean(), slope / SAMPLES

        figures = []
        for name in names:
            f = ag.jit(lambda i, x, w=weights: (ag.take(w, i) * x - 1.0) ** 2, batched=True, backend=name)
            f.prepare(places, x)
            assert np.allclose(f.value_and_grad(p, places, x)[1], by_hand()[1])
            figures.append(seconds(lambda f=f, places=places, x=x: f.value_and_grad(p, places, x)))  # noqa: B023 - now
        columns = " ".join(f"{figure / SAMPLES * 1e9:8.1f}" for figure in figures)
        taken = seconds(by_hand)
        print(f"{size:8} {taken / SAMPLES * 1e9:14.1f} {columns}")
        found = {f"here, {name}": figure for name, figure in zip(names, figures, strict=True)}
        found = {who: figure / SAMPLES * 1e9 for who, figure in {**found, "NumPy by hand": taken}.items()}
        note("A table looked up by an index that is data", f"{size:,} entries", "ns a sample", found)


def replays():
    rng = np.random.default_rng(0)
    model = ag.MLP(2, [16, 16, 1], seed=0)
    X, y = rng.normal(size=(100, 2)).tolist(), rng.choice([-1.0, 1.0], 100).tolist()

    def compute():
        return sum((1.0 - target * model(row)).relu() for row, target in zip(X, y, strict=True)) * 0.01

    def eager():
        compute().backward()

    loss = compute()
    start = time.perf_counter()
    again = ag.replay(loss)
    again.backward()
    first = time.perf_counter() - start
    print(f"\na loss over 100 samples: {again.stats['loops']}")
    print(f"the code: {seconds(eager, 3) * 1e3:.0f} ms")
    step = seconds(again.backward, 20)
    print(f"replayed on {again.stats['backend']}: first {first:.2f} s, then {step * 1e3:.2f} ms")


if __name__ == "__main__":
    print(described())
    lookups()
    replays()
