"""Rows on files: damaged ones are refused, and a training run that was stored goes on as if nothing had happened."""

from __future__ import annotations

import json
import math
import random
import sys
import time
import tracemalloc
from importlib import import_module
from pathlib import Path

from reliable.rows import Figure, Row, folder, inside

sys.path.insert(0, str(Path(__file__).parents[2]))
from damage import damaged_bytes, damaged_document

files = Row("files", "10,000 damaged model files: errors; slowest, most memory", "ModelFormatError; 100 ms, 10 MB")
resumed = Row("resumed", "100 + 100 steps of training against 200", "bitwise")

ATTACKS = [
    b"",
    b"\0" * 100_000,
    b"[" * 1_000_000,
    b'{"a":' * 200_000,
    b"9" * 1_000_000,
    b'{"format": "autograd_mini model", "version": 1, "architecture": {"kind": "MLP", "nouts": [1000000000]}}',
    b"cos\nsystem\n(S'echo broken into'\ntR.",
    b'{"format": "autograd_mini model", "version": 1e999}',
    b'{"format": "autograd_mini model", "version": 1, "version": 1}',
    json.dumps({"format": "autograd_mini model", "metadata": "\ud800"}).encode(),
    b"\xff\xfe" + "{}".encode("utf-16-le"),
    b"\x80\x04\x95" + b"\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04echo\x94\x85\x94R\x94.",
]


@files.on("here", "PyTorch")
def _(library, quick):
    if library.name == "here":
        ag = import_module("autograd_mini")
        load, good, model = ag.load, "ModelFormatError", ag.MLP(2, [3, 1], activation="tanh", seed=0)
        save = model.save
    else:
        torch = import_module("torch")
        load, good, model = torch.load, "", torch.nn.Linear(2, 3)

        def save(path):
            torch.save(model.state_dict(), path)

    errors, slowest, loaded = set(), 0.0, 0
    rng = random.Random(0)
    with folder() as where:
        path = inside(where)
        save(path)
        original = path.read_bytes()
        mutants = [damaged_bytes(original, rng) for _ in range(200 if quick else 10_000)]
        if library.name == "here":  # one half in the text, one in what it says
            document = json.loads(original)
            mutants[::2] = [json.dumps(damaged_document(document, rng)).encode() for _ in mutants[::2]]

        def tried(data):
            nonlocal slowest, loaded
            path.write_bytes(data)
            start = time.process_time()
            try:
                load(path)
            except Exception as error:  # noqa: BLE001 - the figure counts the kinds
                errors.add(type(error).__name__)
            else:
                loaded += 1
            slowest = max(slowest, time.process_time() - start)

        for data in [*ATTACKS, *mutants]:
            tried(data)
        tracemalloc.start()
        for data in [*ATTACKS, *mutants[:100]]:
            tried(data)
        most = tracemalloc.get_traced_memory()[1] / 1e6
    kinds = good if errors == {good} else f"{len(errors)} kinds"
    right = errors == {good} and loaded and most < 10.0
    return Figure(f"{kinds}; {slowest * 1e3:.0f} ms, {most:.1f} MB", right)


@resumed.on("here")
def _(library, quick):
    ag = import_module(library.module)
    X, y = ag.datasets.moons(40, seed=0)
    same = []
    for optimizer in ("adam",) if quick else ("sgd", "adam", "adamw"):
        for compiled in (False, True):
            with folder() as where:

                def run(epochs, optimizer=optimizer, compiled=compiled, **settings):
                    model = ag.MLP(2, [4, 1], seed=0)
                    ag.fit(
                        model,
                        X,
                        y,
                        loss="binary_cross_entropy",
                        optimizer=optimizer,
                        epochs=epochs,
                        batch_size=2,
                        compile=compiled,
                        **settings,
                    )
                    return [p.data.hex() for p in model.parameters()]

                path = inside(where)
                run(5, checkpoint=path)  # 20 steps an epoch
                same.append(run(10) == run(10, resume=path))
    return Figure("bitwise" if all(same) else f"{sum(same)} of {len(same)} bitwise", all(same))


@resumed.on("PyTorch")
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    torch = import_module("torch")

    def begin():
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
        return model, torch.optim.Adam(model.parameters())

    def go(model, optimizer, steps):
        for _ in range(steps):
            x = torch.randn(2, 2)
            optimizer.zero_grad()
            (model(x) - x.sum(1, keepdim=True)).square().mean().backward()
            optimizer.step()

    def numbers(model):
        return [p.tolist() for p in model.parameters()]

    whole = begin()
    go(*whole, 200)
    said = []
    for everything in (True, False):
        first = begin()
        go(*first, 100)
        kept = first[0].state_dict(), first[1].state_dict(), torch.get_rng_state()
        second = begin()
        second[0].load_state_dict(kept[0])
        if everything:
            second[1].load_state_dict(kept[1])
            torch.set_rng_state(kept[2])
        go(*second, 100)
        said.append(numbers(second[0]) == numbers(whole[0]) and not math.isnan(numbers(whole[0])[0][0][0]))
    return Figure("bitwise with optimiser and RNG" if said == [True, False] else str(said), said[0])
