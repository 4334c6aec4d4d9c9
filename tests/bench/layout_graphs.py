"""Graphs of the shapes that people draw, of any size: for the benchmark of layout, and for the tests."""

from __future__ import annotations

from random import Random

from autograd_mini import MLP, Value, tanh


def chain(count: int) -> Value:
    """A chain of r = r * x + 0.1, with a leaf that every second operation uses."""
    r, x = Value(0.5, label="r"), Value(0.9, label="x")
    for _ in range(count // 2):
        r = r * x + 0.1
    return r


def recurrent(count: int) -> Value:
    """A recurrent network of one unit, five operations and an input a step."""
    w, u, b = (Value(data, label=label) for data, label in ((0.5, "w"), (0.3, "u"), (0.1, "b")))
    h = Value(0.0, label="h0")
    for index in range(count // 6):
        h = tanh(w * h + u * Value(0.1 * index, label=f"x{index}") + b)
    return h


def network(count: int) -> Value:
    """The output of an MLP of three layers."""
    width = max(1, int((count / 4) ** 0.5))
    model = MLP(width, [width, width, 1], activation="tanh", seed=0)
    return model([Value(0.1 * index, label=f"x{index}") for index in range(width)])


def random(count: int) -> Value:
    """Operations on any two earlier values, multiplied with each other where nothing else uses them."""
    return _random(count, back=count)


def recent(count: int) -> Value:
    """Operations on one of the last six values and the last one."""
    return _random(count, back=6)


def _random(count: int, back: int) -> Value:
    chosen = Random(0)
    nodes = [Value(chosen.random(), label=f"x{index}") for index in range(max(2, min(back, count // 10)))]
    unused = dict.fromkeys(nodes)
    while len(nodes) + len(unused) <= count:
        x, y = chosen.choice(nodes[-back:]), nodes[-1] if back < count else chosen.choice(nodes)
        nodes.append(chosen.choice([x * y, x + y, x - y]))
        unused.pop(x, None)
        unused.pop(y, None)
        unused[nodes[-1]] = None
    result, *rest = unused
    for node in rest:
        result = result * node
    return result


def batch(count: int) -> Value:
    """The squared error of a neuron, summed over a batch."""
    w, b = Value(0.5, label="w"), Value(0.1, label="b")
    return sum(  # type: ignore[return-value]  # of one Value at least
        (tanh(w * Value(0.1 * index, label=f"x{index}") + b) - 1.0) ** 2 for index in range(max(1, count // 7))
    )


def total(count: int) -> Value:
    """The sum of leaves."""
    return sum(Value(0.1 * index, label=f"x{index}") for index in range(max(1, count // 2)))  # type: ignore[return-value]


def product(count: int) -> Value:
    """The sum of products of two leaves."""
    leaves = [(Value(0.1 * i, label=f"x{i}"), Value(0.2 * i, label=f"w{i}")) for i in range(max(1, count // 4))]
    return sum(x * w for x, w in leaves)  # type: ignore[return-value]  # of one Value at least


SHAPES = {
    "chain": chain,
    "recurrent": recurrent,
    "network": network,
    "random": random,
    "recent": recent,
    "batch": batch,
    "sum": total,
    "dot product": product,
}
