"""The tasks of a soak: each does with random networks or programs what users do, and checks what comes of it."""

import copy
import json
import math
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET

import duals
import numpy as np
import programs
from damage import damaged_bytes, damaged_json

import autograd_mini as ag
from autograd_mini import MLP, ModelFormatError, Value, fit, load
from autograd_mini.compiler import jit
from autograd_mini.optim import SGD, Adam, AdamW, CosineAnnealingLR, ExponentialLR, LinearLR, StepLR
from autograd_mini.testing import check_grad
from autograd_mini.transforms import hessian, hvp, jvp, value_and_grad

try:
    import llvmlite  # noqa: F401 - whether it is there
except ImportError:
    BACKENDS = ("python", "numpy")
else:
    BACKENDS = ("python", "numpy", "llvm")

ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid", "gelu", "silu", "softplus", "elu", "leaky_relu", "sin")


def check(fact, *said):
    """Raise an error unless something is so."""
    if not fact:
        raise AssertionError(" ".join(map(repr, said)))


def bits(model):
    """Return every parameter to the bit."""
    return [struct.pack("<d", p.data) for p in model.parameters()]


def network(rng, nin=None, nout=None):
    """Return a random network."""
    nouts = [rng.randint(1, 5) for _ in range(rng.randint(0, 2))] + [nout or rng.randint(1, 3)]
    activations = rng.choice(ACTIVATIONS), rng.choice(ACTIVATIONS) if nout is None else None
    return MLP(nin or rng.randint(1, 4), nouts, *activations, seed=rng.randrange(10**6))


def program(rng, longest=20):
    """Return a random program, like those that Hypothesis draws from `programs`."""
    numbers = [round(rng.uniform(-2.5, 2.5), 3) for _ in range(rng.randint(1, 4))]
    instructions = []
    for count in range(len(numbers), len(numbers) + rng.randint(1, longest)):
        name = rng.choice([*duals.CALCULUS])
        domain = duals.CALCULUS[name].domain
        operands = [rng.randrange(max(0, count - 3) if rng.random() < 0.6 else 0, count) for _ in domain]
        if len(operands) == 2 and rng.random() < 0.25:
            side = rng.randrange(2)
            operands[side] = round(rng.uniform(*domain[side]), 2) or 0.25
        instructions.append((name, tuple(operands)))
    return programs.Program(numbers, instructions)


def function_of(made):
    """Return a program as a function of its numbers."""
    return lambda *xs: programs.run(made, list(xs)).results[-1]


def close(found, expected, size, tolerance=1e-9):
    """Whether numbers agree, but for the rounding of sums of contributions of this size."""
    return abs(found - expected) <= tolerance * (1.0 + size)


def derivatives(rng, _folder):
    """Reverse mode, forward mode and the checker agree with dual numbers."""
    made = program(rng)
    leaves, results, truth = programs.run(made)
    results[-1].backward()
    for leaf, slope, size in zip(leaves, truth[-1].slopes, truth[-1].sizes, strict=True):
        check(close(leaf.grad, slope, size), "backward", leaf.grad, slope)
    direction = [rng.uniform(-1, 1) for _ in leaves]
    _, slope = jvp(function_of(made), tuple(made.numbers), tuple(direction))
    there = sum(d * s for d, s in zip(direction, truth[-1].slopes, strict=True))
    check(close(slope, there, sum(truth[-1].sizes)), "jvp", slope, there)


def curvature(rng, _folder):
    """Hessians are symmetric, and times a vector what hvp says."""
    made = program(rng, longest=8)

    def f(xs):
        return function_of(made)(*xs)

    point = np.array(made.numbers)
    full = np.array(hessian(f)(point))
    size = float(np.abs(full).max())
    check(np.allclose(full, full.T, rtol=1e-8, atol=1e-8 * (1 + size)), "symmetry", full)
    vector = np.array([rng.uniform(-1, 1) for _ in point])
    check(np.allclose(full @ vector, hvp(f)(point, vector), rtol=1e-7, atol=1e-8 * (1 + size)), "hvp")


def checker(rng, _folder):
    """The checker of derivatives believes a right derivative, and no wrong one."""
    width = rng.randint(1, 3)
    matrix = np.array([[rng.uniform(-1, 1) for _ in range(width)] for _ in range(3)])

    def f(x):
        return float(np.log1p(np.exp(matrix @ x)).sum())

    def df(x):
        return matrix.T @ (1 / (1 + np.exp(-(matrix @ x))))

    at, seed = np.array([rng.uniform(-2, 2) for _ in range(width)]), rng.randrange(10**6)
    check(bool(check_grad(f, df, at=at, seed=seed)), "a right derivative", at)
    wrong = rng.choice([0.0, -1.0, 0.5, 1.001, 2.0])
    check(not check_grad(f, lambda x: wrong * df(x), at=at, seed=seed), "a wrong derivative", at, wrong)


def compiling(rng, _folder):
    """Compiled programs and gradients agree with eager ones, alone and in batches."""
    made, backend = program(rng, longest=10), rng.choice(BACKENDS)
    leaves, results, truth = programs.run(made)
    results[-1].backward()
    batched = rng.random() < 0.5
    fast = jit(value_and_grad(function_of(made), tuple(range(len(leaves)))), batched=batched, backend=backend)
    value, slopes = fast(*([x] * 3 if batched else x for x in made.numbers))
    value, slopes = (value[1], [slope[1] for slope in slopes]) if batched else (value, slopes)
    check(close(value, results[-1].data, abs(value)), backend, value, results[-1].data)
    for slope, leaf, size in zip(slopes, leaves, truth[-1].sizes, strict=True):
        check(close(slope, leaf.grad, size), backend, slope, leaf.grad)


def copies(rng, _folder):
    """Copies and pickles have the numbers and the gradients of the original, and are graphs of their own."""
    made = program(rng)
    leaves, results, _ = programs.run(made)
    twin_leaves, twin = rng.choice([copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])((leaves, results[-1]))  # noqa: S301
    twin.backward()
    check(all(leaf.grad == 0.0 for leaf in leaves), "the original was changed")
    results[-1].backward()
    check([leaf.grad for leaf in leaves] == [leaf.grad for leaf in twin_leaves], "gradients")
    check(results[-1].data == twin.data, "numbers")


def files(rng, folder):
    """A model comes back to the bit; a damaged file is refused in one way, or read."""
    model = network(rng)
    for parameter in model.parameters():
        parameter.data = struct.unpack("<d", struct.pack("<Q", rng.getrandbits(64)))[0]
        if not math.isfinite(parameter.data):
            parameter.data = 0.0
    model.metadata = {"note": chr(rng.randrange(0xD800)), "loss": rng.random()}
    path = folder / rng.choice(["m.json", "m.safetensors"])
    model.save(path)
    check(bits(load(path)) == bits(model), "parameters")
    check(load(path).metadata == model.metadata, "metadata")
    data = path.read_bytes()
    for _ in range(20):
        whole = path.suffix == ".safetensors" or rng.random() < 0.5
        path.write_bytes(damaged_bytes(data, rng) if whole else damaged_json(json.loads(data), rng))
        try:
            load(path)
        except ModelFormatError as error:
            check(len(str(error)) < 1000, "a long message")


def settings(rng):
    """Return a random way to train, and the data for it."""
    rows, nin = rng.randint(4, 30), rng.randint(1, 3)
    loss = rng.choice(["mse", "mae", "huber", "binary_cross_entropy", "hinge", "cross_entropy"])
    goals = {"binary_cross_entropy": [0, 1], "hinge": [-1, 1], "cross_entropy": [0, 1, 2]}.get(loss)
    data = [[rng.uniform(-1, 1) for _ in range(nin)] for _ in range(rows)]
    targets = [rng.choice(goals) if goals else rng.uniform(-1, 1) for _ in data]
    optimizer = rng.choice(["sgd", "adam", "adamw"])
    way = {
        "loss": loss,
        "optimizer": optimizer,
        "lr": rng.choice([0.001, 0.01, 0.1]) / (10 if optimizer == "sgd" else 1),
        "batch_size": rng.choice([None, 1, 4, 7]),
        "seed": rng.randrange(10**6),
        "compile": rng.choice([False, *BACKENDS[1:], "auto"]),
        "schedule": rng.choice(
            [None, lambda o: StepLR(o, 2), lambda o: ExponentialLR(o, 0.9), lambda o: CosineAnnealingLR(o, T_max=5)]
        ),
        "clip_norm": rng.choice([None, 1.0]),
        "progress": False,
    }
    if optimizer == "sgd" and rng.random() < 0.5:
        way["momentum"] = 0.9
    size = {"nin": nin, "nout": 3 if loss == "cross_entropy" else 1}
    return way, size, rng.randrange(10**6), data, targets


def trained(way, size, start, data, targets, **more):
    """Train a network from the same start, and return its bits and its history."""
    import random

    model = network(random.Random(start), **size)
    history = fit(model, data, targets, **way, **more)
    return bits(model), history.loss, history.stopped


def training(rng, _folder):
    """The same training twice is the same to the bit, and its losses are finite."""
    task = settings(rng)
    once = trained(*task, epochs=4)
    check(all(map(math.isfinite, once[1])), "loss", once[1])
    check(trained(*task, epochs=4) == once, "another result")


def resume(rng, folder):
    """A run that was stopped at any epoch goes on to the very bits of one that was not."""
    task, path, last = settings(rng), folder / "run.json", rng.randint(1, 6)
    whole = trained(*task, epochs=last)
    trained(*task, epochs=rng.randint(0, last), checkpoint=path, every=rng.randint(1, 3))
    check(trained(*task, epochs=last, checkpoint=path, resume=True) == whole, "another result")


def states(rng, _folder):
    """An optimiser and its schedule go on from their state, through JSON, to the bit."""
    kind = rng.choice([SGD, Adam, AdamW])
    options = {"momentum": 0.9} if kind is SGD and rng.random() < 0.5 else {}
    plan = rng.choice(
        [lambda o: StepLR(o, 3), lambda o: LinearLR(o, total_iters=4), lambda o: CosineAnnealingLR(o, T_max=6)]
    )
    slopes = [[rng.gauss(0, 10 ** rng.uniform(-3, 3)) for _ in range(3)] for _ in range(8)]

    def run(parameters, optimizer, schedule, part):
        for row in part:
            for parameter, slope in zip(parameters, row, strict=True):
                parameter.grad = slope
            optimizer.step()
            schedule.step()
        return [parameter.data for parameter in parameters]

    def made(numbers):
        parameters = [ag.Parameter(number) for number in numbers]
        optimizer = kind(parameters, lr=0.01, **options)
        return parameters, optimizer, plan(optimizer)

    start, pause = [1.0, -2.0, 0.5], rng.randint(0, 8)
    whole = run(*made(start), slopes)
    first = made(start)
    there = run(*first, slopes[:pause])
    saved = json.loads(json.dumps([first[1].state_dict(), first[2].state_dict()]))
    second = made(there)
    second[1].load_state_dict(saved[0])
    second[2].load_state_dict(saved[1])
    check(run(*second, slopes[pause:]) == whole, "another result", kind, pause)


def drawing(rng, folder):
    """Every picture of a program and of a network is well formed."""
    made = program(rng, longest=8)
    leaves, results, _ = programs.run(made)
    for leaf in leaves:
        leaf.label = "".join(chr(rng.choice([rng.randrange(32, 127), rng.randrange(0xD7FF)])) for _ in range(5))
    results[-1].backward()
    picture = ag.draw(results[-1] if rng.random() < 0.7 else network(rng))
    ending = rng.choice(["svg", "dot", "mmd", "html"])
    picture.save(str(folder / f"picture.{ending}"))
    if ending == "svg":
        ET.parse(folder / "picture.svg")  # noqa: S314 - our own
    page = ag.step(results[-1])
    page.save(str(folder / "step.html"))
    ET.fromstring(str(ag.animate(results[-1])._repr_svg_()))  # noqa: S314 - our own
    check(str(ag.trace(results[-1])), "trace")
    check(ag.latex(results[-1]), "latex")


class AlarmError(Exception):
    """Something interrupts what is under way, as Ctrl-C does."""


def interrupts(rng, _folder):
    """An interrupt at any moment of a backward pass leaves all of the gradients or none; then all goes on."""
    leaves = [Value(rng.uniform(-1, 1)) for _ in range(50)]
    result = sum((leaf.tanh() * other).sin() for leaf in leaves for other in leaves)
    result.backward()
    whole = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.grad = 0.0

    def ring(*_):
        raise AlarmError

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-5, 2e-3))
        result.backward()
        while True:
            time.sleep(0.001)
    except AlarmError:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    found = [leaf.grad for leaf in leaves]
    check(found in (whole, [0.0] * 50), "some of the gradients")
    result.backward()
    check([leaf.grad for leaf in leaves] == [a + b for a, b in zip(whole, found, strict=True)], "afterwards")


def threads(rng, _folder):
    """Programs in several threads, eager and compiled, give what they give alone."""
    made = [program(rng, longest=8) for _ in range(4)]

    def work(one):
        fast = jit(value_and_grad(function_of(one), 0), backend="numpy")
        leaves, results, _ = programs.run(one)
        results[-1].backward()
        return [results[-1].data, *(leaf.grad for leaf in leaves)], fast(*one.numbers)

    alone, together = [repr(work(one)) for one in made], [""] * len(made)

    def put(index):
        together[index] = repr(work(made[index]))

    crew = [threading.Thread(target=put, args=(index,)) for index in range(len(made))]
    for member in crew:
        member.start()
    for member in crew:
        member.join()
    check(alone == together, alone, together)


SAVER = (
    "from autograd_mini import MLP\nimport sys\nm = MLP(9, [40, 1], seed=0)\nprint(flush=True)\n"
    "while True: m.save(sys.argv[1])"
)


def kill(rng, folder):
    """A process that is killed while it saves leaves a file that can be read."""
    path, model = folder / rng.choice(["m.json", "m.safetensors"]), MLP(9, [40, 1], seed=0)
    model.save(path)
    process = subprocess.Popen([sys.executable, "-c", SAVER, str(path)], stdout=subprocess.PIPE)
    process.stdout.readline()
    time.sleep(rng.uniform(0, 0.05))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    check(bits(load(path)) == bits(model), "another model")
    for part in folder.glob(".autograd_mini-*.part"):
        part.unlink()


TASKS = {
    "derivatives": derivatives,
    "curvature": curvature,
    "checker": checker,
    "compile": compiling,
    "copies": copies,
    "files": files,
    "train": training,
    "resume": resume,
    "states": states,
    "draw": drawing,
    "threads": threads,
}
if os.name == "posix":
    TASKS |= {"interrupts": interrupts, "kill": kill}
"""Every task: a function of its random numbers and an empty folder."""
