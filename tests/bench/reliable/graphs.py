"""Rows on graphs: depth, deletion, copies, staleness, and what a second backward adds."""

from __future__ import annotations

import copy
import gc
import pickle
import time

from reliable.rows import ALL, TAPES, Figure, Row, outcome

deep = Row("deep", "chain of 10^6 nodes: build, backward", "< 2 s")
delete = Row("delete", "delete it", "< 1 s, 0 cyclic")
copies = Row("copies", "deepcopy; pickle and unpickle; same gradients", "works")
shown = Row("shown", "repr of it; what drawing it answers", "< 1 ms; a refusal that names the remedy")
stale = Row("stale", "leaf changed between forward and backward, x * 3 * x", "raises, names both nodes")
twice = Row("twice", "backward twice, x * x * x; two roots over a shared part", "54; 32")


def chained(x, nodes):
    for _ in range(nodes // 2):
        x = x * 0.999999 + 1e-6
    return x


def length(*, quick):
    return 50_000 if quick else 1_000_000


def seconds(work):
    """Return how long a call keeps the processor busy, whatever else runs beside."""
    start = time.process_time()
    work()
    return time.process_time() - start


def longest(library):
    """Return the length of the longest chain that a recursive backward manages, found by halving."""
    good, bad = 2, 100_000
    while bad - good > 1:
        middle = (good + bad) // 2
        x = y = library.leaf(1.0)
        for _ in range(middle):
            y = y + x
        try:
            library.backward(y)
        except RecursionError:
            bad = middle
        else:
            good = middle
    return good


@deep.on(*ALL)
def _(library, quick):
    nodes, found = length(quick=quick), []

    def work():
        found[:] = library.differentiated(lambda leaves: chained(leaves[0], nodes), [1.0])

    try:
        spent = seconds(work)
    except RecursionError:
        return Figure(f"fails > {longest(library)}", False)
    right = abs(found[1][0] / 0.999999 ** (nodes // 2) - 1.0) < 1e-6
    return Figure(f"{spent:.1f} s" if right else "wrong", right)


@delete.on(*ALL)
def _(library, quick):
    nodes = length(quick=quick)
    held = [library.built(lambda leaves: chained(leaves[0], nodes), [1.0])]
    gc.collect()
    gc.disable()
    start = time.process_time()
    held.clear()
    freed = time.process_time()
    cyclic = gc.collect()
    spent = (time.process_time() if cyclic > nodes // 2 else freed) - start  # the collector is part of it, or not
    return Figure(f"{spent:.1f} s, {cyclic} cyclic", cyclic < 100)


def small_copies(library):
    """Say what a copy of a graph of two nodes does."""
    said = []
    for way in (copy.deepcopy, lambda held: pickle.loads(pickle.dumps(held))):  # noqa: S301 - our own
        x = library.leaf(3.0)

        def try_it(x=x, way=way):
            other_x, other_y = way((x, x * x))
            library.backward(other_y)
            if library.slope(other_x) == 6.0 and library.slope(x) == 0.0:
                return "right"
            return "silently wrong"

        said.append(outcome(try_it))
    return f"small: copy {said[0]}, pickle {said[1]}"


@copies.on(*TAPES)
def _(library, quick):
    nodes = length(quick=quick) // 10 if quick else length(quick=quick)
    x = library.leaf(1.0)
    y = chained(x, nodes)
    try:
        start = time.process_time()
        copied = copy.deepcopy((x, y))
        middle = time.process_time()
        pickled = pickle.loads(pickle.dumps((x, y)))  # noqa: S301 - our own
        end = time.process_time()
        slopes = []
        for leaf, result in ((x, y), copied, pickled):
            library.backward(result)
            slopes.append(library.slope(leaf))
        if len(set(slopes)) == 1 and slopes[0] > 0.0:
            return Figure(f"work, {middle - start:.0f} s and {end - middle:.0f} s", True)
        error = "other gradients"
    except Exception as failure:  # noqa: BLE001 - the figure says which
        error = type(failure).__name__
    return Figure(f"{error}; {small_copies(library)}", False)


@copies.on("HIPS")
def _(library, quick):  # noqa: ARG001 - one chain is as good as another
    pullback = library.built(lambda leaves: leaves[0] * leaves[0], [3.0])[0]
    copied = "is no copy" if copy.deepcopy(pullback) is pullback else "works"
    pickled = outcome(lambda: pickle.dumps(pullback) and "works")
    return Figure(f"copy {copied}, pickle {pickled}", (copied, pickled) == ("works", "works"))


@shown.on(*TAPES)
def _(library, quick):
    x = library.leaf(1.0)
    y = chained(x, length(quick=quick))
    spent = min(seconds(lambda: repr(y)) for _ in range(3))
    if library.name != "here":
        return Figure(f"{spent * 1e3:.2g} ms", spent < 1.0)
    import autograd_mini

    try:
        autograd_mini.draw(y)
    except ValueError as error:
        answer = str(error)
    else:
        return Figure("drawn", False)
    remedy = "draw(y.args[0])" in answer and "level=" in answer
    return Figure(f"{spent * 1e3:.2g} ms; refused, with the remedy" if remedy else answer, remedy)


@stale.on(*TAPES)
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    def silent(change):
        x = library.leaf(2.0)
        y = x * 3.0 * x
        change(x)
        library.backward(y)
        return f"silent {library.slope(x):g} for 12"

    said = outcome(lambda: silent(lambda x: library.assign(x, 10.0)))
    if library.name == "PyTorch":
        import torch

        with torch.no_grad():
            openly = outcome(lambda: silent(lambda x: x.fill_(10.0)))
        return Figure(f"{openly}; .data {said}", False)
    if library.name == "here":
        try:
            x = library.scalar(2.0, label="speed")
            y = x * 3.0 * x
            y.label = "energy"
            x.data = 10.0
            y.backward()
        except RuntimeError as error:
            named = "'speed'" in str(error) and "'energy'" in str(error)
            return Figure(f"{said}, names both" if named else said, named and said == "raises StaleValueError")
    return Figure(said, "raises" in said)


@stale.on("HIPS")
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    import numpy as np

    x = np.array(2.0)
    pullback, y = library.recorded(lambda leaf: leaf * 3.0 * leaf, x)
    x[...] = 10.0
    slope = float(pullback(np.ones_like(y)))
    return Figure("12" if slope == 12.0 else f"array: silent {slope:g} for 12", slope == 12.0)


@twice.on(*TAPES)
def _(library, quick):  # noqa: ARG001 - nothing to shorten
    def cubed():
        x = library.leaf(3.0)
        y = x * x * x
        library.backward(y)
        library.backward(y)
        return f"{library.slope(x):g}"

    def shared():
        x = library.leaf(2.0)
        c = x * x
        a, b = c * 3.0, c * 5.0
        library.backward(a)
        library.backward(b)
        return f"{library.slope(x):g}"

    said = outcome(cubed), outcome(shared)
    return Figure("; ".join(said), said == ("54", "32"))
