"""A context: a loss with its graph, a model with its parameters, and the gradient between them, which nothing shows."""

from __future__ import annotations

from math import isfinite

from autograd_mini.diagnosis.units import layers
from autograd_mini.engine.graph import adjoints, operands, order
from autograd_mini.engine.hooks import Recorded
from autograd_mini.engine.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from autograd_mini.diagnosis.named_parameters import NamedParameters
    from autograd_mini.diagnosis.units import UnitLayer

ROWS = 256
"""Maximum rows that are run, taken at even distances of more."""


class Context:
    """What the checks look at.

    Attributes:
        named: the parameters by name.
        loss: the loss.
        own: whether the loss was computed here, so that nobody means to call backward on it.
        nodes: the graph of the loss, oldest first.
        uses: the nodes that have a parameter among their operands, each with that parameter.
        stale: those of the uses that are older than the last assignment of the parameter.
        gradients: for each parameter that the loss depends on the derivative of the loss; empty where something is
            stale.
        layers: the hidden layers.
        given: whether these were seen on rows that were given for it, not in the loss.

    """

    def __init__(self, named: NamedParameters, loss: Value, rows: list[Value] | None, *, own: bool) -> None:
        self.named, self.loss, self.own = named, loss, own
        graph = {node: operands(node) for node in order(loss)}
        self.nodes = list(graph)
        known = set(named.parameters)
        self.uses = [(node, operand) for node, found in graph.items() for operand in found if operand in known]
        self.stale = [(node, operand) for node, operand in self.uses if operand._tick > node._tick]
        reached = known.intersection(self.nodes)
        self.used = [parameter for parameter in named.parameters if parameter in reached]
        self.gradients: dict[Value, float] = {}
        if not any(operand._tick > node._tick for node, found in graph.items() for operand in found):
            self.gradients = dict(zip(self.used, adjoints(loss, self.used), strict=True))
        self.given = rows is not None
        if rows is not None:
            graph = {node: operands(node) for node in order(*rows)}
        self.layers: list[UnitLayer] = layers(graph, [loss] if rows is None else rows, named.parameters)

    @property
    def finite(self) -> bool:
        """Whether loss, parameters and gradients are finite."""
        numbers = [self.loss._data, *(p._data for p in self.named.parameters), *self.gradients.values()]
        return all(map(isfinite, numbers))

    @property
    def examined(self) -> str:
        """What was looked at, in words."""
        parts = [
            f"loss {self.loss._data:.4g}",
            counted(len(self.named.parameters), "parameter"),
            counted(len(self.nodes), "node"),
        ]
        if self.layers:
            units = counted(sum(len(layer.units) for layer in self.layers), "hidden unit")
            parts.append(f"{units} on {counted(max(layer.samples for layer in self.layers), 'sample')}")
        return ", ".join(parts)


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: "1 node", "2,000 nodes"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def outputs(model: Any, X: Any) -> list[Value]:
    """Return what a model computes of rows, as Values.

    Raises:
        TypeError: if the model cannot be called.

    """
    from autograd_mini.datasets.preprocessing import table

    if not callable(model):
        raise TypeError(f"X is for a model that can be called on a row; got a {type(model).__name__}: leave X out")
    with Recorded():
        return [value for row in _some(table("X", X)) for value in _values(model(row))]


def mean_loss(loss: Any, model: Any, X: Any, y: Any) -> Value | float:
    """Return the mean of a loss, given as `fit` takes it, over rows and their targets."""
    from autograd_mini.train.objective import Objective

    if X is None or y is None:
        raise TypeError(
            f"loss is {loss!r}, which needs rows to compute it of: doctor(loss, model, X, y); or pass the Value itself"
        )
    objective = Objective(loss, {})
    with Recorded():
        samples = _some(objective.samples(model, X, y))
        total: Value | float = sum(objective.loss_of(model(row), target) for row, target in samples) * (
            1.0 / len(samples)
        )
    return total


def _some(rows: list[Any]) -> list[Any]:
    return [rows[at * len(rows) // ROWS] for at in range(ROWS)] if len(rows) > ROWS else rows


def _values(result: Any) -> Iterator[Value]:
    if isinstance(result, Value):
        yield result
    elif hasattr(result, "__iter__"):
        for part in result:
            yield from _values(part)
