"""Rows on memory: bytes a node, garbage that only the collector finds, and growth from step to step."""

from __future__ import annotations

import gc
import os

from reliable.graphs import chained
from reliable.rows import ALL, Figure, Row

memory = Row("bytes", "bytes a node, of resident memory", "<= 250")
garbage = Row("garbage", "cyclic garbage of a step, objects a node", "0")
growth = Row("steps", "200 training steps, the collector off", "+ <= 1 MB")


def resident():
    """Return how many bytes of memory the process occupies."""
    with open("/proc/self/statm", encoding="ascii") as status:  # noqa: PTH123 - read often
        return int(status.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@memory.on(*ALL)
def _(library, quick):
    pieces = 500 if quick else 4000

    def build(count):
        return [library.built(lambda leaves: chained(leaves[0], 100), [1.0]) for _ in range(count)]

    held = build(50)
    library.slopes(held[0])
    gc.collect()
    before = resident()
    held += build(pieces)
    gc.collect()
    used = [resident() - before]
    for graph in held[1:]:
        library.slopes(graph)
    used.append(resident() - before)  # with the gradients, unless the graph is gone by now
    each = max(used) / (pieces * 100)
    return Figure(f"{each:.0f}", each <= 250)


def neuron(leaves):
    """A small loss that every library has the operations for, of 40 nodes or so."""
    total = leaves[0] * 0.5
    for at in range(1, len(leaves)):
        total = total + leaves[at] * leaves[at - 1] * 0.1
    return (total - 1.0) ** 2 + total / 3.0


NODES = 5 + 3 * 11 + 1


@garbage.on(*ALL)
def _(library, quick):
    numbers, steps = [0.1 * at for at in range(12)], 20 if quick else 200

    def step():
        library.differentiated(neuron, numbers)

    step()
    gc.collect()
    gc.disable()
    for _ in range(steps):
        step()
    found = gc.collect() / steps / NODES
    return Figure(f"{found:.1f}" if found else "0", found == 0)


@growth.on(*ALL)
def _(library, quick):
    numbers = [0.1 * at for at in range(12)]

    def step():
        slopes = library.differentiated(neuron, numbers)[1]
        numbers[:] = [number - 0.01 * slope for number, slope in zip(numbers, slopes, strict=True)]

    gc.collect()
    gc.disable()
    for _ in range(50):
        step()
    before = resident()
    for _ in range(50 if quick else 200):
        for _ in range(1 if quick else 20):
            step()
    grown = (resident() - before) / 1e6
    return Figure(f"+ {grown:.1f} MB", grown <= 1.0)
