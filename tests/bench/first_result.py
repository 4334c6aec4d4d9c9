"""The first result: how long a new process takes from `jit` to the first gradient, in processor time and on the clock.

    python tests/bench/first_result.py

The network of the README, 2-16-16-1, over 1,000 samples. LLVM tries hard before the first call returns, or in the
background after it, or its code comes from the cache on disk. Packages are loaded before; each figure is the least of
several processes, and the last column is how long the call after the takeover takes.
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

X = np.random.default_rng(0).normal(size=(1000, 2))
y = np.where(X[:, 0] > 0, 1.0, -1.0)
model = MLP(2, [16, 16, 1], seed=0)

def loss(x, t):
    return ag.relu(1 - model([*x]) * t)

spent, clock = time.process_time(), time.perf_counter()
fast = ag.jit(loss, batched=True, {settings})
found = fast.backward(X, y)
spent, clock = time.process_time() - spent, time.perf_counter() - clock
background.wait()
calls = []
for _ in range(20):
    start = time.perf_counter()
    fast.backward(X, y)
    calls.append(time.perf_counter() - start)
print(spent, clock, fast.stats["seconds"]["trace"], fast.stats["seconds"]["compile"], min(calls), repr(found))
"""


def least(settings, bytecode):
    """Return the least of each figure of several processes, in milliseconds, and what they computed.

    Python's bytecode is kept in a folder, as it is where the package was installed.
    """
    rows, results = [], set()
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    kept["PYTHONPYCACHEPREFIX"] = bytecode
    for _ in range(PROCESSES):
        text = PROGRAM.replace("{settings}", settings)
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True, env=kept)
        said = done.stdout.split()
        rows.append([float(figure) * 1e3 for figure in said[:-1]])
        results.add(said[-1])
    return [min(column) for column in zip(*rows, strict=True)], results


if __name__ == "__main__":
    print(described())
    print(f"{'LLVM tries':20} {'processor':>10} {'clock':>8} {'trace':>8} {'compile':>8} {'a call':>8}   (ms)")
    every = set()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as bytecode:
        for way, settings in WAYS.items():
            figures, results = least(settings.format(folder=folder), bytecode)
            every |= results
            print(f"{way:20} {figures[0]:10.1f} " + " ".join(f"{figure:8.2f}" for figure in figures[1:]))
    print("the same bits" if len(every) == 1 else f"different results: {every}")
