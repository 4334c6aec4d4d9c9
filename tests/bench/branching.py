"""Functions that branch: time a sample beside `where` and eager code, and 10,000 random ones against eager code.

    python tests/bench/branching.py [--programs 10000] [--first 0] [--backends python,numpy,vm] [--each]

The programs are those of tests/branches.py, each at 20 points, special ones among them, one by one and in a batch, by
one or two threads, with their gradients. They run on the backends in turn, or with `--each` on all of them; machine
code, which takes time to make, is tried on every 25th besides.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

from command import check, parser

if __name__ == "__main__":
    check(__doc__, "numpy")

from processor import described

import numpy as np  # isort: skip

sys.path.insert(0, str(Path(__file__).parent.parent))
import branches
from lookups import seconds

import autograd_mini as ag
from autograd_mini.compiler import BACKENDS

SAMPLES = 100_000
POINTS = 20
OF_MACHINE_CODE = 25


# --- time ---


def signed(x):
    if x > 0:
        return ag.exp(-x) * x
    return ag.sin(x) * x


def chosen(x):
    return ag.where(x > 0, ag.exp(-x) * x, ag.sin(x) * x)


def root(a):
    x = a
    while abs(x * x - a) > 1e-12:
        x = (x + a / x) / 2
    return x


def times():
    rng = np.random.default_rng(0)
    names = [name for name, row in BACKENDS.items() if row.available and name not in {"python", "vm"}]
    print(f"{'value and gradient, ns a sample':40} " + " ".join(f"{name:>8}" for name in names) + "    eager   paths")
    X, positive = rng.normal(size=SAMPLES), rng.uniform(0.5, 9.0, size=SAMPLES)
    cases = (
        ("if x > 0", signed, X),
        ("if x > 0, all samples alike", signed, abs(X)),
        ("where(x > 0, ...)", chosen, X),
        ("while not converged", root, positive),
    )
    for title, f, given in cases:
        figures = []
        for name in names:
            fast = ag.jit(ag.value_and_grad(f), batched=True, backend=name)
            fast(given)
            fast(given)
            figures.append(seconds(lambda fast=fast, given=given: fast(given)))
        leaves = [ag.Value(x) for x in given[:1000]]
        eager = seconds(lambda f=f, leaves=leaves: [f(leaf).backward() for leaf in leaves], 3) / 1000
        columns = " ".join(f"{figure / SAMPLES * 1e9:8.1f}" for figure in figures)
        print(f"{title:40} {columns} {eager * 1e9:8.0f} {len(fast.stats.get('paths', [1])):7}")


# --- agreement ---


def wrong(seed, name):
    """Return where a random function on a backend is not what eager code makes of it."""
    f, parameters, text = branches.function(seed)
    points = branches.points(seed, POINTS)
    expected = [branches.eager(f, parameters, point) for point in points]
    found = []
    one, loss = ag.jit(ag.value_and_grad(f, (0, 1)), backend=name), ag.jit(f, backend=name)
    for point, truth in zip(points, expected, strict=True):
        value, slopes = one(*point)
        for parameter in parameters:
            parameter.grad = None
        mine = [loss.backward(*point), *slopes, *[parameter.grad for parameter in parameters]]
        if not branches.close([value, *mine], [truth[0], *truth]):
            found.append((seed, name, "one by one", point, mine, truth, text))
    many = ag.jit(ag.value_and_grad(f, (0, 1)), batched=True, backend=name, threads=1 + seed % 2)
    for _ in range(2):
        values, slopes = many(*np.array(points).T)
        rows = np.stack([values, *slopes], axis=-1).tolist()
        found += [
            (seed, name, "in a batch", point, row, truth, text)
            for point, row, truth in zip(points, rows, expected, strict=True)
            if not branches.close(row, truth[:3])
        ]
    return found, len(many.stats.get("paths", [1]))


def agreement(count, first, names, *, each):
    start, paths, most, bad, runs = time.process_time(), 0, 0, 0, Counter()
    for seed in range(first, first + count):
        taken = list(names) if each else [names[seed % len(names)]]
        if seed % OF_MACHINE_CODE == 0 and BACKENDS["llvm"].available and "llvm" not in taken:
            taken.append("llvm")
        for name in taken:
            found, here = wrong(seed, name)
            most = max(most, here)
            for case in found[:1]:
                print(*case, sep="\n", flush=True)
            bad += len(found)
            runs[name] += 1
        paths += here
    spent = time.process_time() - start
    split = ", ".join(f"{ran:,} on {name}" for name, ran in sorted(runs.items()))
    print(f"{count:,} programs, {paths / count:.1f} paths each, {most} at most; {split}: {bad} disagree; {spent:.0f} s")


if __name__ == "__main__":
    command = parser(__doc__, "numpy")
    command.add_argument("--programs", type=int, default=10_000, help="how many random programs")
    command.add_argument("--first", type=int, default=0, help="the seed of the first one")
    command.add_argument("--backends", default="python,numpy,vm", help="the backends that they run on")
    command.add_argument("--each", action="store_true", help="run every program on each of them")
    options = command.parse_args()
    print(described())
    times()
    asked = options.backends.split(",")
    agreement(options.programs, options.first, [name for name in asked if BACKENDS[name].available], each=options.each)
