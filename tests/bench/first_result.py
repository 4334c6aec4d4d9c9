"""The first result: how long a new process takes from `jit` to the first gradient, in processor time and on the clock.

    python tests/bench/first_result.py

The network of the README, 2-16-16-1, over 1,000 samples as a batch; and micrograd's demo, whose loss is a loop over
100 samples. LLVM tries hard before the first call returns, or in the background after it, or its code comes from the
cache on disk. Packages are loaded before; each figure is the least of several processes, and the last column is how
long the call after the takeover takes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from command import begin

if __name__ == "__main__":
    begin(__doc__, "numpy", "llvmlite")

from processor import described

PROCESSES = 5

WAYS = {
    "at once": "background=False",
    "in the background": "",
    "from the cache": "cache={folder!r}",
}

PROGRAM = """
import time
import numpy as np, llvmlite.binding
import autograd_mini as ag
from autograd_mini import MLP
from autograd_mini.compiler.llvm import background

X = np.random.default_rng(0).normal(size=({rows}, 2))
y = np.where(X[:, 0] > 0, 1.0, -1.0)
model = MLP(2, [16, 16, 1], seed=0)

def loss(x, t):
    return ag.relu(1 - model([*x]) * t)

def whole():
    total = sum(loss(x, t) for x, t in zip(X.tolist(), y.tolist())) / len(X)
    return total + 1e-4 * sum(p * p for p in model.parameters())

spent, clock = time.process_time(), time.perf_counter()
fast, data = {call}
found = fast.backward(*data)
spent, clock = time.process_time() - spent, time.perf_counter() - clock
background.wait()
calls = []
for _ in range(20):
    start = time.perf_counter()
    fast.backward(*data)
    calls.append(time.perf_counter() - start)
print(spent, clock, fast.stats["seconds"]["trace"], fast.stats["seconds"]["compile"], min(calls), repr(found))
"""


KINDS = {
    "a batch": ("ag.jit(loss, batched=True, {settings}), (X, y)", 1000),
    "a loop": ("ag.jit(whole, {settings}), ()", 100),
}
"""How the programs are compiled, and of how many samples."""


def least(call, rows, bytecode):
    """Return the least of each figure of several processes, in milliseconds, and what they computed.

    Python's bytecode is kept in a folder, as it is where the package was installed.
    """
    figures, results = [], set()
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    kept["PYTHONPYCACHEPREFIX"] = bytecode
    for _ in range(PROCESSES):
        text = PROGRAM.replace("{call}", call).replace("{rows}", str(rows))
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True, env=kept)
        said = done.stdout.split()
        figures.append([float(figure) * 1e3 for figure in said[:-1]])
        results.add(said[-1])
    return [min(column) for column in zip(*figures, strict=True)], results


if __name__ == "__main__":
    print(described())
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as bytecode:
        for kind, (call, rows) in KINDS.items():
            print(
                f"\n{kind + ', LLVM tries':24} {'processor':>10} {'clock':>8} {'trace':>8} {'compile':>8}"
                f" {'a call':>8}   (ms)"
            )
            every = set()
            for way, settings in WAYS.items():
                figures, results = least(call.format(settings=settings.format(folder=folder)), rows, bytecode)
                every |= results
                print(f"{way:24} {figures[0]:10.1f} " + " ".join(f"{figure:8.2f}" for figure in figures[1:]))
            print("the same bits" if len(every) == 1 else f"different results: {every}")
