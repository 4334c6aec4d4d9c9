"""A context: a loss with its graph, a model with its parameters, and the gradient between them, which nothing shows.

A finding is one mistake that can be seen in it, with its reason and its remedy. A hidden unit is an activation whose
result is multiplied by weights further on, with all its results in the graph. Nothing is asked of the classes that the
model is written in: the weights of a unit are the parameters that its operand was computed from since the activations
before, and results with the same weights belong to the same unit: one for each sample, or each time step. Units as far
from the inputs make a layer.
"""

from __future__ import annotations

from math import isfinite

from autograd_mini.engine.graph import adjoints, operands, order
from autograd_mini.engine.ops import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from autograd_mini.diagnosis.named_parameters import NamedParameters
    from autograd_mini.engine.locations import Place
    from autograd_mini.engine.value import Value

    Graph = dict[Value, list[Value]]
    Weights = frozenset[Value]

_WIDTH = 100  # characters a line


class Finding:
    """One mistake.

    Attributes:
        kind: a word for it, such as "zero_grad" or "dead"; `doctor` lists them.
        message: what was found, a sentence.
        reason: why that matters.
        remedy: what to change.
        place: the line of code that it belongs to; None if that is not known.
        names: the names of the parameters concerned.

    >>> print(Finding("dead", "2 of 8 neurons are dead.", "Their gradient is 0.", "Lower the learning rate."))
    dead: 2 of 8 neurons are dead.
      why    Their gradient is 0.
      change Lower the learning rate.

    """

    __slots__ = ("kind", "message", "names", "place", "reason", "remedy")

    def __init__(
        self,
        kind: str,
        message: str,
        reason: str,
        remedy: str,
        *,
        place: Place | None = None,
        names: Iterable[str] = (),
    ) -> None:
        self.kind, self.message, self.reason, self.remedy = kind, message, reason, remedy
        self.place, self.names = place, tuple(names)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a heading and its text: why, what to change, and where, if that is known."""
        known = [] if self.place is None else [("where", str(self.place))]
        return [("why", self.reason), ("change", self.remedy), *known]

    def __str__(self) -> str:
        from textwrap import fill

        lines = [fill(f"{self.kind}: {self.message}", _WIDTH, subsequent_indent="  ", break_long_words=False)]
        for heading, text in self.facts:
            lines.append(
                fill(text, _WIDTH, initial_indent=f"  {heading:7}", subsequent_indent=" " * 9, break_long_words=False)
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<{self.kind}: {self.message}>"


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


ACTIVATIONS = frozenset({name for name, row in TABLE.items() if row.activation} | {"maximum", "clamp_min"})
"""The operations that make a unit: the activations, and those with which a rectifier is written out."""

VISITS_PER_NODE = 30
"""Traversal budget: mean visits per node. Graphs that need more, such as long sums that keep growing, have no units to
tell apart."""


class Unit:
    """One unit: its activation, the parameters that feed it, how many activations deep it lies, and its results."""

    __slots__ = ("depth", "nodes", "op", "weights")

    def __init__(self, op: str, weights: Weights, depth: int) -> None:
        self.op, self.weights, self.depth = op, weights, depth
        self.nodes: list[Value] = []

    @property
    def results(self) -> list[float]:
        """Its results as numbers."""
        return [node._data for node in self.nodes]

    @property
    def inputs(self) -> list[float]:
        """What the activation was applied to, each time."""
        return [node._x._data for node in self.nodes]


class UnitLayer:
    """The units of one activation at one depth."""

    __slots__ = ("depth", "op", "units")

    def __init__(self, depth: int, op: str) -> None:
        self.depth, self.op = depth, op
        self.units: list[Unit] = []

    @property
    def samples(self) -> int:
        """How many results the unit with the fewest has."""
        return min(len(unit.nodes) for unit in self.units)

    @property
    def weights(self) -> list[Value]:
        """The parameters of all units."""
        return list(dict.fromkeys(weight for unit in self.units for weight in sorted(unit.weights, key=_tick)))


def _tick(node: Value) -> int:
    return node._tick


def layers(graph: Graph, roots: Iterable[Value], parameters: Iterable[Value]) -> list[UnitLayer]:
    """Return the hidden layers of a graph, nodes with their operands, oldest first; those next to the inputs lead."""
    known = set(parameters)
    allowed = VISITS_PER_NODE * len(graph)
    hidden: set[Value] = set()
    depths: dict[Value, int] = {}
    units: dict[tuple[str, Weights], Unit] = {}
    belongs: dict[Value, Unit] = {}
    for node, found in graph.items():
        if not found or node.op not in ACTIVATIONS:
            continue
        weights, before, multiplied, steps = _fed_by(found, graph, known)
        allowed -= steps
        if allowed < 0:
            return []
        hidden |= multiplied
        depths[node] = depth = 1 + max((depths[other] for other in before), default=0)
        if weights:
            unit = units.setdefault((node.op, weights), Unit(node.op, weights, depth))
            unit.depth = min(unit.depth, depth)
            unit.nodes.append(node)
            belongs[node] = unit
    hidden |= _fed_by(roots, graph, known)[2]
    chosen = dict.fromkeys(belongs[node] for node in depths if node in hidden and node in belongs)
    made: dict[tuple[int, str], UnitLayer] = {}
    for unit in chosen:
        made.setdefault((unit.depth, unit.op), UnitLayer(unit.depth, unit.op)).units.append(unit)
    return [made[key] for key in sorted(made)]


def _fed_by(starts: Iterable[Value], graph: Graph, known: set[Value]) -> tuple[Weights, set[Value], set[Value], int]:
    """Return what nodes come from, up to activations: parameters, these, those of them multiplied, and the steps."""
    weights: set[Value] = set()
    before: set[Value] = set()
    multiplied: set[Value] = set()
    waiting = [(start, False) for start in starts]
    seen = set(waiting)
    for node, times in waiting:  # it grows
        if node in known:
            weights.add(node)
        if not (found := graph[node]):
            continue
        if node.op in ACTIVATIONS:
            before.add(node)
            if times:
                multiplied.add(node)
            continue
        times = times or (node.op == "mul" and not known.isdisjoint(found))  # noqa: PLW2901 - from here on down
        for operand in found:
            if (operand, times) not in seen:
                seen.add((operand, times))
                waiting.append((operand, times))
    return frozenset(weights), before, multiplied, len(waiting)
