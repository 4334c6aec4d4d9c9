"""Rows on what comes from outside or goes there: hostile labels, damaged files, and a training run resumed."""

from __future__ import annotations

import contextlib
import json
import math
import random
import sys
import time
import tracemalloc
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree as ET

from reliable.rows import Figure, Row, folder, inside

labels = Row("labels", "hostile labels drawn as themselves, and nothing else", "all, no script, link or image")
files = Row("files", "10,000 damaged model files: errors; slowest, most memory", "ModelFormatError; 100 ms, 10 MB")
resumed = Row("resumed", "100 + 100 steps of training against 200", "bitwise")


def hostile():
    """Return the labels that the tests use."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    return import_module("hostile").LABELS.values()


def rendered(source):
    """Return the elements of the picture of a DOT source, as (name, element)."""
    pygraphviz = import_module("pygraphviz")
    svg = pygraphviz.AGraph(string=source).draw(format="svg", prog="dot")
    return [(element.tag.rpartition("}")[2], element) for element in ET.fromstring(svg).iter()]  # noqa: S314 - ours


SAFE = {"svg", "title", "g", "rect", "text", "path", "polygon", "polyline", "ellipse", "defs", "pattern", "style"}


def as_itself(label, elements, nodes):
    """Return whether a picture shows a label as text and has so many nodes and nothing alive."""
    if {name for name, _ in elements} - SAFE:
        return False
    if any(key.lower().startswith("on") or "href" in key for _, element in elements for key in element.attrib):
        return False
    if nodes and sum(element.get("class") == "node" for _, element in elements) != nodes:
        return False
    text = "\n".join(element.text or "" for name, element in elements if name == "text").replace("\xa0", " ")
    return label in text


def drawn(source_of, nodes):
    """Count the labels that are drawn as themselves."""
    right = 0
    for label in hostile():
        with contextlib.suppress(Exception):
            right += as_itself(label, rendered(source_of(label)), nodes)
    return Figure(f"{right} of {len(hostile())}", right == len(hostile()))


@labels.on("here")
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    from autograd_mini.viz.text import clean

    right = 0
    for label in hostile():
        a = library.scalar(2.0, label=label)
        picture = library.scalar(1.0) + a * a
        svg = import_module("autograd_mini").draw(picture).svg()
        elements = [(element.tag.rpartition("}")[2], element) for element in ET.fromstring(svg).iter()]  # noqa: S314
        text = clean(label)
        right += as_itself(text if len(text) <= 40 else text[:39], elements, 0)
    return Figure(f"{right} of {len(hostile())}", right == len(hostile()))


@labels.on("micrograd")
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    def source_of(label):  # in the manner of its notebook, with the labels of its lecture
        graphviz = import_module("graphviz")
        a = library.leaf(2.0)
        dot = graphviz.Digraph(format="svg", graph_attr={"rankdir": "LR"})
        dot.node(name=str(id(a)), label=f"{{ {label} | data {a.data:.4f} | grad {a.grad:.4f} }}", shape="record")
        return dot.source

    return drawn(source_of, 1)


@labels.on("MyGrad")
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    def source_of(label):
        mygrad = import_module("mygrad.computational_graph")
        a = import_module("mygrad").tensor([2.0, 3.0])
        return mygrad.build_graph(a * a, names={label: a}, render=True).source

    return drawn(source_of, 0)


@labels.on("PyTorch")
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    if find_spec("torchviz") is None:
        return Figure("torchviz is not installed", False)

    def source_of(label):
        a = library.leaf(2.0)
        return import_module("torchviz").make_dot(a * a, params={label: a}).source

    return drawn(source_of, 0)


def damaged(rng, data):
    """Return some bytes changed, left out, doubled or replaced."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        start, size = rng.randrange(len(data)), rng.choice((1, 1, 2, 8, 40))
        match rng.randrange(4):
            case 0:
                data[start] ^= 1 << rng.randrange(8)
            case 1 if len(data) > 2 * size:
                del data[start : start + size]
            case 2:
                data[start:start] = data[start : start + size]
            case _:
                data[start : start + size] = rng.randbytes(size)
    return bytes(data)


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
        mutants = [damaged(rng, original) for _ in range(200 if quick else 10_000)]

        def tried(data):
            nonlocal slowest, loaded
            path.write_bytes(data)
            start = time.perf_counter()
            try:
                load(path)
            except Exception as error:  # noqa: BLE001 - the figure counts the kinds
                errors.add(type(error).__name__)
            else:
                loaded += 1
            slowest = max(slowest, time.perf_counter() - start)

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
    ag = import_module("autograd_mini")
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
