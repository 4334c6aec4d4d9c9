"""How fast and how light the engine is, beside its peers, in one run: `python tests/bench/engine.py`.

Every comparison alternates blocks of steps of the two sides and prints the median of the ratios. A step is one forward
pass, one backward pass, and freeing the graph. The garbage collector stays on, as it does for a user; it is run between
the blocks, so that neither side pays for the other's garbage.
"""

from __future__ import annotations

import copy
import gc
import importlib
import pickle
import random
import statistics
import subprocess
import sys
import threading
import time
import tracemalloc
import types
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from command import begin

if __name__ == "__main__":
    begin(__doc__, "micrograd")

import micrograd.engine
import micrograd.nn
from figures import note
from peers import TupleValue
from processor import described
from transformer import make_step

from autograd_mini import Parameter, Value

ROUNDS = 7
BLOCK = 4


def micrograd_nn(scalar, parameter):
    """Micrograd's own network module, on another class of scalars."""
    text = Path(micrograd.nn.__file__).read_text().replace("from micrograd.engine import Value", "")
    module = types.ModuleType("network")
    module.Value = parameter
    exec(compile(text, micrograd.nn.__file__, "exec"), module.__dict__)  # noqa: S102 - the installed package's text
    return module.MLP, scalar


def demo(network, scalar):
    """One full-batch step of micrograd's demo: MLP 2-16-16-1, 100 samples, hinge loss and weight decay."""
    random.seed(1337)
    model = network(2, [16, 16, 1])
    rng = random.Random(0)
    points = [[rng.gauss(0, 1), rng.gauss(0, 1)] for _ in range(100)]
    targets = [rng.choice((-1, 1)) for _ in points]

    def step():
        inputs = [list(map(scalar, point)) for point in points]
        scores = list(map(model, inputs))
        losses = [(1 + -target * score).relu() for target, score in zip(targets, scores, strict=True)]
        loss = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())
        for p in model.parameters():
            p.grad = 0
        loss.backward()
        return loss.data

    return step


def chain(scalar, *, plain):
    """Return a chain of 20,000 operations, multiply and add in turn; the coefficients plain numbers or Values."""

    def step():
        x = scalar(1.0)
        a, b = (1.0001, 1e-4) if plain else (scalar(1.0001), scalar(1e-4))
        for _ in range(10_000):
            x = x * a + b
        x.backward()
        return x.data

    return step


def seconds(step, times=1):
    gc.collect()
    start = time.perf_counter()
    for _ in range(times):
        step()
    return (time.perf_counter() - start) / times


def compare(title, ours, theirs, name):
    if abs(ours() - theirs()) > 1e-9 * abs(theirs()):
        raise ArithmeticError(f"{title}: the two sides disagree")
    pairs = [(seconds(ours, BLOCK), seconds(theirs, BLOCK)) for _ in range(ROUNDS)]
    ratio = statistics.median(b / a for a, b in pairs)
    mine, other = (statistics.median(side) * 1e3 for side in zip(*pairs, strict=True))
    print(f"{title:44} {mine:8.1f} ms   {name} {other:8.1f} ms   {ratio:5.1f}x faster")
    note("Forward, backward, and freeing the graph", title, "ms", {"here": mine, name: other})


def deep():
    """A chain of a million nodes."""

    def timed(title, step):
        start = time.perf_counter()
        result = step()
        print(f"  {title:42} {time.perf_counter() - start:8.2f} s")
        return result

    print("a chain of a million nodes")

    def build():
        x = root = Value(1.0)
        for _ in range(500_000):
            x = x * 0.999999 + 1e-6
        return root, x

    leaf, top = timed("build", build)
    timed("backward", top.backward)
    timed("repr", partial(repr, top))
    kept = [top, timed("deepcopy", partial(copy.deepcopy, top))]
    data = timed("pickle", partial(pickle.dumps, top))
    kept.append(timed("unpickle", partial(pickle.loads, data)))
    del top
    timed("delete three of them", kept.clear)
    return leaf.grad


def bytes_a_node():
    """Bytes of memory a node takes, its number and its gradient included."""
    gc.collect()
    tracemalloc.start()
    x = Value(1.0)
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(50_000):
        x = x * 1.0001 + 1e-4
    x.backward()
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    print(f"{'memory':44} {used / 100_000:8.0f} bytes a node, gradient included")


def import_time():
    """How much longer a process takes for importing the package."""

    def run(code):
        return seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True))

    run("import autograd_mini")
    pairs = [(run("import autograd_mini"), run("pass")) for _ in range(25)]
    extra = statistics.median(a for a, _ in pairs) - statistics.median(b for _, b in pairs)
    print(f"{'import autograd_mini':44} {extra * 1e3:8.1f} ms more than `python -c pass`")


def main():
    print(described())
    sys.setrecursionlimit(200_000)  # the peers recurse
    theirs, scalar = micrograd_nn(micrograd.engine.Value, micrograd.engine.Value)
    ours, mine = micrograd_nn(Value, Parameter)
    compare("micrograd's demo, a step (MLP 2-16-16-1)", demo(ours, mine), demo(theirs, scalar), "micrograd")
    package = importlib.import_module("autograd_mini")
    if hasattr(package, "MLP"):
        compare("the same with our MLP", demo(package.MLP, Value), demo(theirs, scalar), "micrograd")
    for plain, title in ((True, "plain numbers"), (False, "Values")):
        compare(
            f"chain of multiply-adds, coefficients {title}",
            chain(Value, plain=plain),
            chain(micrograd.engine.Value, plain=plain),
            "micrograd",
        )
    compare("transformer step", make_step(Value), make_step(TupleValue), "tuple slots")
    bytes_a_node()
    import_time()


if __name__ == "__main__":
    threading.stack_size(512 * 1024 * 1024)  # for the peers' recursion
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
    deep()
