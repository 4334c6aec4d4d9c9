"""Rows on processes and threads: the same bits in each, nothing lost between them, and forks at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reliable.rows import ALL, TAPES, Figure, Row

seeds = Row("hashes", "same seed, 20 processes with random hashes: different results", "1")
threads = Row("threads", "8 threads: independent graphs; a shared leaf", "no wrong result")
forks = Row("fork", "fork while a thread runs backward: children that hang", "0 of 20")


def training(library):
    """Return the weights of a network 2-8-8-1 after 3 steps of gradient descent on 20 points, as text."""
    import random

    rng = random.Random(1337)
    sizes = [(2, 8), (8, 8), (8, 1)]
    weights = [rng.uniform(-1, 1) for nin, nout in sizes for _ in range((nin + 1) * nout)]
    points = [(rng.uniform(-1, 1), rng.uniform(-1, 1)) for _ in range(20)]

    def network(leaves, point):
        given, at = list(point), 0
        for nin, nout in sizes:
            neurons = [leaves[at + (nin + 1) * i : at + (nin + 1) * (i + 1)] for i in range(nout)]
            given = [sum((w * x for w, x in zip(neuron, given, strict=False)), neuron[-1]) for neuron in neurons]
            given = [h + h * h * 0.1 for h in given] if nout > 1 else given
            at += (nin + 1) * nout
        return given[0]

    def loss(leaves):
        errors = [(network(leaves, point) + (-1.0 if point[0] * point[1] > 0 else 1.0)) ** 2 for point in points]
        return sum(errors) * (1 / 20) + sum(w * w for w in leaves) * 1e-4

    for _ in range(3):
        slopes = library.differentiated(loss, weights)[1]
        weights = [w - 0.1 * slope for w, slope in zip(weights, slopes, strict=True)]
    return " ".join(map(float.hex, weights))


def everything_here():
    """Return the parameters after `fit`, the compiled tape and the picture's source, as text."""
    import autograd_mini as ag

    X, y = ag.datasets.moons(40, seed=0)
    model = ag.MLP(2, [4, 1], seed=0)
    ag.fit(model, X, y, loss="binary_cross_entropy", optimizer="adam", epochs=3, seed=0)
    weights = [ag.Parameter(0.1 * at, label=f"w{at}") for at in range(5)]

    def loss(x):
        return sum((w * x).tanh() * ag.exp(w) for w in weights) / 3

    compiled = ag.jit(loss, backend="python")
    compiled.backward(0.5)
    told = " ".join(p.data.hex() for p in model.parameters())
    return f"{told}\n{compiled.source}\n{ag.draw(loss(ag.Value(0.5, label='x'))).source}"


@seeds.on(*ALL)
def _(library, quick):
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent.parent)!r})\n"
        "from reliable.libraries import LIBRARIES\n"
        "from reliable.processes import everything_here, training\n"
        f"print(training(LIBRARIES[{library.name!r}]))\n"
    )
    if library.name == "here":
        code += "print(everything_here())\n"

    def one(_):
        environment = {**os.environ, "PYTHONHASHSEED": "random"}
        return subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True).stdout

    with ThreadPoolExecutor(2) as pool:
        found = set(pool.map(one, range(4 if quick else 20)))
    return Figure(str(len(found)), len(found) == 1)


def together(work, count=8):
    """Call work(i) in so many threads at once, with switches as often as possible, and return the results."""
    start = threading.Barrier(count)

    def one(i):
        start.wait()
        return work(i)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(one, range(count)))
    finally:
        sys.setswitchinterval(interval)


def descent(library, start, times):
    """Return the gradients of a few small graphs."""

    def program(leaves):
        x, y = leaves
        z = x
        for _ in range(10):
            z = z * y + x
        return z

    return [library.differentiated(program, [start + at, 2.0])[1] for at in range(times)]


@threads.on(*ALL)
def _(library, quick):
    times = 30 if quick else 200
    alone = [descent(library, float(i), times) for i in range(8)]
    try:
        independent = "ok" if together(lambda i: descent(library, float(i), times)) == alone else "wrong"
    except Exception as error:  # noqa: BLE001 - the figure says which
        independent = f"raises {type(error).__name__}"
    if library.name == "HIPS":
        return Figure(independent, independent == "ok")
    shared = library.leaf(3.0)

    def work(i):
        own = library.leaf(float(i))
        for _ in range(times):
            library.backward(shared * own + shared * shared)

    try:
        together(work)
        wanted = sum(times * (i + 6.0) for i in range(8))
        leaf = "ok" if library.slope(shared) == wanted else f"{library.slope(shared):g} for {wanted:g}"
    except Exception as error:  # noqa: BLE001 - the figure says which
        leaf = f"raises {type(error).__name__}"
    if library.name == "here":
        leaf += compiled_in_threads(times)
    said = f"{independent}; {leaf}"
    return Figure(said, said in {"ok; ok", "ok; ok; compiled ok"})


def compiled_in_threads(times):
    import autograd_mini as ag

    w = ag.Parameter(0.5)
    shared = ag.jit(lambda x: (w * x) ** 2)

    def work(i):
        own = ag.Parameter(float(i))
        mine = ag.jit(lambda x: own * x * x)
        losses = {shared.backward(2.0) for _ in range(times)}
        return losses == {1.0} and mine.backward(3.0) == 9.0 * i and own.grad == 9.0

    return "; compiled ok" if all(together(work)) and w.grad == 8 * times * 4.0 else "; compiled wrong"


@forks.on(*TAPES)
def _(library, quick):
    x = y = library.leaf(1.0)
    for _ in range(500 if library.name == "micrograd" else 5000 if quick else 50_000):
        y = y * 0.999 + x
    going = True

    def busy():
        while going:
            if library.name in ("MyGrad", "PyTorch"):  # whose graphs are gone afterwards
                library.differentiated(lambda leaves: leaves[0] * 2.0 + leaves[0], [1.0])
            else:
                library.backward(y)

    thread = threading.Thread(target=busy)
    thread.start()
    times, hung = 4 if quick else 20, 0
    for _ in range(times):
        time.sleep(0.005)
        child = os.fork()
        if child == 0:
            signal.alarm(5)
            found = library.differentiated(lambda leaves: leaves[0] * leaves[0], [3.0])[1]
            os._exit(0 if found == [6.0] else 1)
        hung += os.waitpid(child, 0)[1] != 0
    going = False
    thread.join()
    return Figure(f"{hung} of {times}", hung == 0)
