"""Programs as people write them: time to the first gradient, and a step after it, against the size of the program.

    OMP_NUM_THREADS=1 python tests/bench/programs.py [--most 10_000_000] [--patience 20] [--plot programs.svg]

Six kinds of program, written with single numbers: micrograd's demo loss (a network of 2 inputs, 16, 16 and 1, with
hinge loss), a recurrent network over sequences of 20 numbers, Newton's method until it converges, a table looked up by
data, the recurrent network over one long sequence, and one in which nothing repeats. Each is a loop that eager code
differentiates, `replay` and `jit`, with their loops found or, on each backend, without; all but the last two are
functions of a sample too, which `jit` runs over a batch on each backend. Peers, where they are installed: CasADi and
JAX on the same scalar code, PyTorch and NumPy on arrays, the derivatives of NumPy's by hand.

Each engine has a process of its own, of 8 GB at most, in which it compiles something small first; then it is given ever
larger programs, until the next one would take it longer than the patience. Times are those of the processor.
Operations are counted in the loss; its gradient makes them about three times as many.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from command import check, parser  # noqa: E402 - NumPy reads the variables when it is imported

if __name__ == "__main__":
    check(__doc__, "numpy")

from figures import note  # noqa: E402 - as above
from processor import described  # noqa: E402 - as above

import numpy as np  # noqa: E402 - as above  # isort: skip

import autograd_mini as ag  # noqa: E402 - as above
from autograd_mini import Parameter  # noqa: E402 - as above
from autograd_mini.compiler import BACKENDS, rerolling  # noqa: E402 - as above

MEMORY = 8 << 30
"""Maximum bytes of an engine's process."""

SMALLEST = 100
"""Operations of the smallest programs."""

WIDTHS = (2, 16, 16, 1)
"""The widths of the demo's network."""

ENTRIES = 50
"""Entries of the table, and numbers that the program in which nothing repeats computes with."""


class Numbers:
    """The functions of numbers that programs are written with."""

    def __init__(self, tanh, relu, sin, take):
        self.tanh, self.relu, self.sin, self.take = tanh, relu, sin, take


VALUES = Numbers(ag.tanh, ag.relu, ag.sin, ag.take)


# --- kinds of program: the loss of one sample ---


def demo(a, p, x, target):
    at, inputs = 0, x
    for nin, nout in pairwise(WIDTHS):
        outputs = []
        for _ in range(nout):
            neuron = sum((w * i for w, i in zip(p[at : at + nin], inputs, strict=True)), p[at + nin])
            outputs.append(a.relu(neuron) if nout > 1 else neuron)
            at += nin + 1
        inputs = outputs
    return a.relu(1.0 - target * inputs[0])


def recurrent(a, p, x, target):
    h = [0.0, 0.0, 0.0]
    for number in x:
        h = [a.tanh(p[i] * number + p[3 + i] * h[i] + p[6 + i] * h[i - 1] + p[9 + i]) for i in range(3)]
    return (h[0] + h[1] + h[2] - target) ** 2


def newton(a, p, x, target):  # noqa: ARG001 - each kind takes them
    square = p[0] + p[1] * x[0]
    root = square
    while abs(root * root - square) > 1e-9:
        root = (root + square / root) * 0.5
    return (root - target) ** 2


def lookup(a, p, x, target):
    return (a.take(p, x[0]) * x[1] - target) ** 2


def one_sequence(a, p, X, y):
    """Return the error of the recurrent network at each number of one sequence."""
    total, h = 0.0, [0.0, 0.0, 0.0]
    for number, target in zip(X, y, strict=True):
        h = [a.tanh(p[i] * number + p[3 + i] * h[i] + p[6 + i] * h[i - 1] + p[9 + i]) for i in range(3)]
        total = total + (h[0] - target) ** 2
    return total / len(X)


def irregular(a, p, X, y):  # noqa: ARG001 - as above
    """Return a number computed from parameters by operations chosen at random, in which nothing repeats."""
    known = list(p)
    for kind, first, second in X:
        u, v = known[first], known[second]
        known.append(a.sin(u) if kind == 0 else u * v if kind == 1 else u - v if kind == 2 else a.tanh(u + v))
        if len(known) > 2 * ENTRIES:
            del known[:ENTRIES]
    return sum(known[1:], known[0]) + 0.001 * sum(p[1:], p[0])


def _rows(count, columns, low=-1.0):
    return [[random.uniform(low, 1.0) for _ in range(columns)] for _ in range(count)]


def demo_data(count):
    size = sum((nin + 1) * nout for nin, nout in pairwise(WIDTHS))
    return _rows(1, size)[0], _rows(count, 2), [random.choice([-1.0, 1.0]) for _ in range(count)]


def recurrent_data(count):
    return [0.7 * number for number in _rows(1, 12)[0]], _rows(count, 20), _rows(1, count)[0]


def newton_data(count):
    return [1.0, 1.0], _rows(count, 1, low=0.1), _rows(1, count, low=1.0)[0]


def lookup_data(count):
    X = [[random.randrange(ENTRIES), number] for (number,) in _rows(count, 1)]
    return _rows(1, ENTRIES)[0], X, _rows(1, count)[0]


def sequence_data(count):
    return [0.7 * number for number in _rows(1, 12)[0]], _rows(1, count)[0], _rows(1, count)[0]


def irregular_data(count):
    X = [(random.randrange(4), random.randrange(ENTRIES), random.randrange(ENTRIES)) for _ in range(count)]
    return [0.7 * number for number in _rows(1, ENTRIES)[0]], X, []


KINDS = {
    "micrograd's demo": (demo, demo_data, 645),
    "recurrent network": (recurrent, recurrent_data, 483),
    "Newton's method": (newton, newton_data, 20),
    "lookups": (lookup, lookup_data, 4),
    "one sequence": (one_sequence, sequence_data, 27),
    "nothing repeats": (irregular, irregular_data, 1.2),
}
"""For each kind the program, its numbers, and how many operations a sample has, or a turn."""

WHOLE = {one_sequence, irregular}
"""Programs that are no loops over samples."""


def data_for(kind, operations):
    """Return the numbers of a program of about so many operations."""
    _, data_of, size = KINDS[kind]
    random.seed(1)
    return data_of(max(1, round(operations / size)))


def whole(f):
    """Return the loss over all samples, as a loop, with micrograd's regularisation."""
    if f in WHOLE:
        return f

    def loss(a, p, X, y):
        total = 0.0
        for x, target in zip(X, y, strict=True):
            total = total + f(a, p, x, target)
        return total * (1.0 / len(X)) + 1e-4 * sum((w * w for w in p), 0.0)

    return loss


# --- engines: each returns a function of nothing that computes the gradient; None where it cannot run a kind ---


def eager(f, p, X, y):
    leaves, loss = [Parameter(number) for number in p], whole(f)

    def run():
        for leaf in leaves:
            leaf.grad = None
        loss(VALUES, leaves, X, y).backward()
        return [leaf.grad for leaf in leaves]

    return run


def compiled(make):
    def engine(f, p, X, y):
        leaves, loss = [Parameter(number) for number in p], whole(f)
        fast = make(lambda: loss(VALUES, leaves, X, y))
        if hasattr(fast, "prepare"):
            fast.prepare()
        return _gradient(fast, leaves)

    return engine


def _gradient(fast, leaves, *batch):
    """Return the call of a compiled gradient, which is 0 by leaves that the program does not use."""
    places = {leaf: at for at, leaf in enumerate(leaves)}
    order = [places[leaf] for leaf in fast.parameters]
    numbers = np.array([leaves[at].data for at in order])
    if order == [*range(len(leaves))]:
        return lambda: fast.value_and_grad(numbers, *batch)[1]

    def run():
        slopes = np.zeros(len(leaves))
        slopes[order] = fast.value_and_grad(numbers, *batch)[1]
        return slopes

    return run


def without_loops(backend):
    def engine(f, p, X, y):
        rerolling.FEWEST = sys.maxsize  # the process runs nothing else
        return compiled(lambda g: ag.replay(g(), backend=backend))(f, p, X, y)

    return engine


def batch(backend):
    def engine(f, p, X, y):
        if f in WHOLE:
            return None
        leaves = [Parameter(number) for number in p]
        fast = ag.jit(
            lambda x, t: f(VALUES, leaves, [*x], t) + 1e-4 * sum((w * w for w in leaves), 0.0),
            batched=True,
            backend=backend,
        )
        rows, targets = np.array(X, dtype=float), np.array(y)
        fast.prepare(rows, targets)
        return _gradient(fast, leaves, rows, targets)

    return engine


def casadi(f, p, X, y):
    import casadi as ca

    if f is newton:  # a condition on its numbers raises
        return None
    x = ca.SX.sym("p", len(p))
    a = Numbers(ca.tanh, lambda number: ca.fmax(number, 0.0), ca.sin, lambda values, at: values[at])
    loss = whole(f)(a, [x[at] for at in range(len(p))], X, y)
    gradient = ca.Function("gradient", [x], [loss, ca.gradient(loss, x)])
    return lambda: gradient(p)[1]


def jax(f, p, X, y):
    import jax as j

    if f is newton:
        return None
    j.config.update("jax_enable_x64", True)
    a = Numbers(j.numpy.tanh, lambda number: j.numpy.maximum(number, 0.0), j.numpy.sin, lambda values, at: values[at])
    fast = j.jit(j.value_and_grad(lambda numbers: whole(f)(a, list(numbers), X, y)))
    given = j.numpy.array(p)
    return lambda: j.block_until_ready(fast(given))[1]


def torch(f, p, X, y):
    import torch as t

    t.set_num_threads(1)
    weights, data, target = (t.tensor(numbers, dtype=t.float64) for numbers in (p, X, y))
    losses = {demo: _demo_in_torch, recurrent: _recurrent_in_torch, lookup: _lookup_in_torch}
    if f not in losses:
        return None

    def run():
        given = weights.clone().requires_grad_()
        loss = losses[f](given, data, target).mean() + 1e-4 * (given * given).sum()
        loss.backward()
        return given.grad.numpy()

    return run


def _demo_in_torch(given, data, target):
    at, h = 0, data
    for nin, nout in pairwise(WIDTHS):
        rows = given[at : at + (nin + 1) * nout].reshape(nout, nin + 1)
        h = h @ rows[:, :nin].T + rows[:, nin]
        h, at = h.relu() if nout > 1 else h, at + (nin + 1) * nout
    return (1.0 - target * h[:, 0]).relu()


def _recurrent_in_torch(given, data, target):
    h = data.new_zeros(len(data), 3)
    for column in data.T:
        h = (given[:3] * column[:, None] + given[3:6] * h + given[6:9] * h.roll(1, 1) + given[9:]).tanh()
    return (h.sum(1) - target) ** 2


def _lookup_in_torch(given, data, target):
    return (given[data[:, 0].long()] * data[:, 1] - target) ** 2


def numpy(f, p, X, y):
    weights, data, target = np.array(p), np.array(X), np.array(y)
    slopes = {demo: _demo_by_hand, recurrent: _recurrent_by_hand, lookup: _lookup_by_hand}
    if f not in slopes:
        return None
    return lambda: slopes[f](weights, data, target) + 2e-4 * weights


def _demo_by_hand(weights, data, target):
    at, h, layers = 0, data, []
    for nin, nout in pairwise(WIDTHS):
        rows = weights[at : at + (nin + 1) * nout].reshape(nout, nin + 1)
        layers.append((h, rows, at))
        h = h @ rows[:, :nin].T + rows[:, nin]
        h, at = np.maximum(h, 0.0) if nout > 1 else h, at + (nin + 1) * nout
    g = np.where(1.0 - target * h[:, 0] > 0.0, -target / len(target), 0.0)[:, None]
    slopes = np.zeros_like(weights)
    for h, rows, at in reversed(layers):
        made = np.concatenate([g.T @ h, g.sum(axis=0)[:, None]], axis=1)
        slopes[at : at + rows.size] = made.ravel()
        g = (g @ rows[:, :-1]) * (h > 0.0)
    return slopes


def _recurrent_by_hand(w, data, target):
    states = [np.zeros((len(data), 3))]
    for column in data.T:
        h = states[-1]
        states.append(np.tanh(w[:3] * column[:, None] + w[3:6] * h + w[6:9] * np.roll(h, 1, axis=1) + w[9:]))
    g = np.repeat((2.0 * (states[-1].sum(axis=1) - target) / len(data))[:, None], 3, axis=1)
    slopes = np.zeros_like(w)
    for column, before, after in zip(data.T[::-1], states[-2::-1], states[:0:-1], strict=True):
        g = g * (1.0 - after * after)
        for at, factor in ((0, column[:, None]), (3, before), (6, np.roll(before, 1, axis=1)), (9, 1.0)):
            slopes[at : at + 3] += (g * factor).sum(axis=0)
        g = g * w[3:6] + np.roll(g * w[6:9], -1, axis=1)
    return slopes


def _lookup_by_hand(weights, data, target):
    places = data[:, 0].astype(np.intp)
    error = 2.0 * (weights[places] * data[:, 1] - target) * data[:, 1] / len(data)
    return np.bincount(places, error, len(weights))


_AVAILABLE = [name for name, row in BACKENDS.items() if row.available and not row.on_gpu]
PEERS = {
    label: engine
    for label, (package, engine) in {
        "NumPy by hand": ("numpy", numpy),
        "PyTorch": ("torch", torch),
        "CasADi": ("casadi", casadi),
        "JAX": ("jax", jax),
    }.items()
    if importlib.util.find_spec(package)
}
ENGINES = {
    "eager": eager,
    "replay": compiled(lambda g: ag.replay(g())),
    "jit": compiled(ag.jit),
    **{f"no loops, {name}": without_loops(name) for name in _AVAILABLE if name != "numpy"},
    **{f"batch, {name}": batch(name) for name in _AVAILABLE},
    **PEERS,
}
"""The engines by name."""


# --- measuring ---


def timed(engine, f, data):
    """Return milliseconds to the first gradient, and of a step, and the gradient; None if the engine has none."""
    start = time.process_time()
    run = engine(f, *data)
    if run is None:
        return None
    slopes = np.asarray(run(), dtype=float).ravel()
    first, steps = time.process_time() - start, 0
    start = time.process_time()
    while steps < 3 or (time.process_time() - start < 0.1 and steps < 1000):
        run()
        steps += 1
    return 1e3 * first, 1e3 * (time.process_time() - start) / steps, slopes


def measure(kind, name, most, patience):
    """Print, as lines of JSON, what an engine takes for programs of a kind: operations, two times, and the gradient."""
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    f, engine, operations = KINDS[kind][0], ENGINES[name], SMALLEST
    engine(f, *data_for(kind, 1))
    while operations <= most:
        start = time.process_time()
        found = timed(engine, f, data_for(kind, operations))
        spent = time.process_time() - start
        if found is None:
            return
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps([operations, *found[:2], peak / operations, found[2].tolist()]), flush=True)
        operations *= 10
        if 10 * spent > patience:
            return


def measured(kind, name, most, patience):
    """Return the rows of a process of its own, and what ended it before its time; "" for nothing."""
    command = [sys.executable, __file__, "--one", kind, name, "--most", str(most), "--patience", str(patience)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    if not done.returncode:
        return rows, ""
    memory = done.returncode < 0 or "MemoryError" in done.stderr or "bad_alloc" in done.stderr
    return rows, "memory" if memory else done.stderr.strip().splitlines()[-1]


def main(most, patience, picture):
    print(described(compiled=True))
    sizes = [SMALLEST * 10**at for at in range(9) if SMALLEST * 10**at <= most]
    found = {}
    for kind in KINDS:
        print(f"\n{kind}: ms to the first gradient / ms a step")
        print(f"{'operations':20} " + " ".join(f"{size:>16,}" for size in sizes), flush=True)
        expected = {}
        for name in ENGINES:
            rows, ended = measured(kind, name, most, patience)
            cells = []
            for operations, first, step, each, slopes in rows:
                found[kind, name, operations] = first, step, each
                truth = expected.setdefault(operations, slopes)
                right = np.allclose(slopes, truth, rtol=1e-6, atol=1e-9)
                cells.append(f"{first:.3g} / {step:.3g}" if right else "wrong")
            cells += [ended] * bool(ended and len(cells) < len(sizes))
            if cells:
                print(f"{name:20} " + " ".join(f"{cell:>16}" for cell in cells), flush=True)
    for at, what in enumerate(("first gradient", "a step")):
        for kind in KINDS:
            for size in sizes[1::2]:
                taken = {
                    name if name in PEERS else f"here, {name}": found[kind, name, size][at]
                    for name in ENGINES
                    if (kind, name, size) in found
                }
                note(f"Programs as people write them: {what}", f"{kind}, {size:,} operations", "ms", taken)
    largest = {(kind, name): size for kind, name, size in found}
    print("\nat the largest size, µs to the first gradient and bytes of the process, an operation of the loss:")
    for (kind, name), size in largest.items():
        if name in {"eager", "replay", "jit", "no loops, vm"} and size >= 1_000_000:
            first, _, each = found[kind, name, size]
            print(f"{kind}, {name}, {size:,} operations: {1e3 * first / size:.1f} µs, {each:.0f} bytes")
    if picture:
        plot(found, picture)


def plot(found, picture):
    """Draw times against sizes, for each kind the first gradient and a step, and write the picture as SVG or PNG."""
    from autograd_mini.viz.plot.axes import pyplot, tidy

    figure, rows = pyplot().subplots(
        2, len(KINDS), figsize=(4 * len(KINDS), 8), sharex=True, sharey="row", layout="constrained"
    )
    for at, (row, what) in enumerate(zip(rows, ("to the first gradient", "a step"), strict=True)):
        for ax, kind in zip(row, KINDS, strict=True):
            for number, name in enumerate(ENGINES):
                points = sorted((key[2], found[key][at]) for key in found if key[:2] == (kind, name))
                line = "--s" if name in PEERS else "-o"
                ax.plot(*zip(*points, strict=True) if points else ((), ()), line, color=f"C{number % 10}", label=name)
            ax.set_xscale("log")
            ax.set_yscale("log")
            tidy(ax, kind, "operations" if at else "", "" if ax is not row[0] else f"ms {what}")
    figure.legend(*rows[0][0].get_legend_handles_labels(), loc="outside lower center", ncol=7, frameon=False)
    figure.savefig(picture)


if __name__ == "__main__":
    command = parser(__doc__, "numpy")
    command.add_argument("--most", type=int, default=10_000_000, help="operations of the longest programs")
    command.add_argument("--patience", type=float, default=20.0, help="seconds that an engine may take for a program")
    command.add_argument("--plot", default="", help="a file for a picture, .svg or .png")
    command.add_argument("--one", nargs=2, default=(), metavar=("KIND", "ENGINE"), help="measure in this process")
    options = command.parse_args()
    if options.one:
        measure(*options.one, options.most, options.patience)
    else:
        main(options.most, options.patience, options.plot and str(Path(options.plot)))
