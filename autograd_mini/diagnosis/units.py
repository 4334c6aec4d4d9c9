"""A hidden unit: an activation whose result is multiplied by weights further on, with all its results in a graph.

Nothing is asked of the classes that the model is written in. The weights of a unit are the parameters that its operand
was computed from since the activations before, and results with the same weights belong to the same unit: one for each
sample, or each time step. Units as far from the inputs make a layer.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from autograd_mini.engine.value import Value

    Graph = dict[Value, list[Value]]
    Weights = frozenset[Value]

ACTIVATIONS = frozenset(
    {"relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "sigmoid", "tanh", "sin", "maximum", "clamp_min"}
)

_STEPS_A_NODE = 30
"""So often may each node be visited, on average. Graphs in which more is needed, such as long sums that keep growing,
have no units that could be told apart."""


class Unit:
    """One unit, with its results.

    Attributes:
        op: the name of the activation.
        weights: the parameters that feed it.
        depth: how many activations lie between it and the inputs, itself counted.
        nodes: its results.

    """

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


class Layer:
    """Units of one activation at one depth.

    Attributes:
        units: the units.
        depth: see `Unit`.
        op: the name of the activation.

    """

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


def layers(graph: Graph, roots: Iterable[Value], parameters: Iterable[Value]) -> list[Layer]:
    """Return the hidden layers of a graph, those next to the inputs first.

    Args:
        graph: the nodes, oldest first, with their operands.
        roots: its results.
        parameters: the parameters of the model.

    """
    known = set(parameters)
    allowed = _STEPS_A_NODE * len(graph)
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
    made: dict[tuple[int, str], Layer] = {}
    for unit in chosen:
        made.setdefault((unit.depth, unit.op), Layer(unit.depth, unit.op)).units.append(unit)
    return [made[key] for key in sorted(made)]


def _fed_by(starts: Iterable[Value], graph: Graph, known: set[Value]) -> tuple[Weights, set[Value], set[Value], int]:
    """Return what some nodes were computed from, up to the activations before.

    Returns:
        the parameters, the activations, those of the activations that were multiplied by a parameter on the way, and
        the number of steps that took.

    """
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
