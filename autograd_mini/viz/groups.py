"""A group: the values of one neuron, or of one layer, as one card. What goes back along its wires is an exact sum.

What belongs to a neuron is read from the labels of its parameters, "w[l][j][k]" and "b[l][j]": the products with its
weights, the sums of those with its bias, and the activation applied to that sum.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from math import fsum, hypot, isfinite

from autograd_mini.engine.graph import order
from autograd_mini.engine.locations import place_of
from autograd_mini.engine.ops import TABLE
from autograd_mini.engine.value import Parameter, Value
from autograd_mini.viz.diagram import Diagram, about, describe, full, kind_of
from autograd_mini.viz.long_sums import Shown
from autograd_mini.viz.partials import flows
from autograd_mini.viz.text import NOT_COMPUTED, figure, gradient_text, names, symbol, value_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.viz.diagram import Card
    from autograd_mini.viz.partials import Flow

    Position = tuple[int, int]
    """A neuron: its layer and its number there, both from 1."""

SINGLE = 12
"""Maximum inputs, or values after the last layer, that have a card each."""

UNFOLDED, SMALL = 60, 2000
"""Maximum cards, and values in them, of a diagram whose groups unfold."""

ACTIVATING = frozenset(name for name, row in TABLE.items() if row.activation)
_LABEL = re.compile(r"(?:.*\.)?([wb])((?:\[\d+\])*)")


def neuron_of(label: str) -> Position | None:
    """Return the neuron that a parameter's label names: of a network, a layer alone, or a neuron alone.

    >>> neuron_of("w[2][3][1]"), neuron_of("b[2][3]"), neuron_of("b[3]"), neuron_of("b"), neuron_of("bias")
    ((2, 3), (2, 3), (1, 3), (1, 1), None)

    """
    found = _LABEL.fullmatch(label)
    if found is None:
        return None
    indices = [int(index) for index in re.findall(r"\d+", found[2])]
    if found[1] == "w":
        if not indices:
            return None
        indices.pop()
    return (*[1] * (2 - len(indices)), *indices) if len(indices) <= 2 else None  # type: ignore[return-value]  # two of them


def neurons_of(nodes: Sequence[Value]) -> dict[Value, Position]:
    """Return the neuron that each node belongs to; nodes that belong to none are left out."""
    found: dict[Value, Position] = {}
    waiting: dict[Value, Position] = {}  # parameters, products and sums, that are not activated yet
    for node in nodes:
        if not node.op:
            place = neuron_of(node.label) if isinstance(node, Parameter) else None
            if place:
                found[node] = waiting[node] = place
            continue
        operands = [operand for operand in node.args if isinstance(operand, Value)]
        inside = [waiting.get(operand) for operand in operands]
        if node.op == "mul":
            weights = [neuron_of(o.label) for o in operands if isinstance(o, Parameter) and o in waiting]
            if weights and weights[0]:
                found[node] = waiting[node] = weights[0]
        elif node.op == "add" and inside[0] is not None and all(place == inside[0] for place in inside):
            found[node] = waiting[node] = inside[0]
        elif node.op in ACTIVATING and inside[0] is not None and not isinstance(operands[0], Parameter):
            found[node] = inside[0]
    return found


def frame(diagram: Diagram, nodes: Sequence[Value]) -> None:
    """Have the cards of each neuron framed, where there are several, else those of each call of a function.

    Calls are known where `origin` was on; those of one line are framed together.
    """
    neurons: dict[Position, list[str]] = {}
    for node, position in neurons_of(nodes).items():
        if node in diagram.keys:  # a partial sum may be left out
            neurons.setdefault(position, []).append(diagram.keys[node])
    if len(neurons) > 1:
        diagram.frames = [(f"layer {layer}, neuron {j}", keys) for (layer, j), keys in sorted(neurons.items())]
        return
    calls: dict[str, list[str]] = {}
    for node, key in diagram.keys.items():
        place = place_of(node)
        if place is not None and place.callers and place.function.isidentifier():
            calls.setdefault(f"{place.function}(…), line {place.callers[0].line}", []).append(key)
    diagram.frames = [(title, keys) for title, keys in calls.items() if len(keys) > 1]


def collapsed(roots: Sequence[Value], rankdir: str, level: str) -> Diagram | None:
    """Return the diagram with a card for each neuron or layer; None if no parameter is labelled as a neuron's."""
    nodes = order(*roots)
    neurons = neurons_of(nodes)
    if not neurons:
        return None
    members = _members(nodes, neurons, level)
    called = names(nodes)
    diagram = Diagram(rankdir, about(nodes, roots, called))
    for title, group in members.items():
        for node in group:
            diagram.keys[node] = f"n{len(diagram.cards) + 1}"
        _card(diagram, title, group, roots, called)
    _wires(diagram, nodes)
    diagram.measure()
    if len(diagram.cards) <= UNFOLDED and len(nodes) <= SMALL:
        diagram.inner = partial(_inside, Shown(roots), diagram, rankdir)
    return diagram


class _Part(Shown):
    """The nodes of one group, and as leaves those of other groups that they use."""

    def __init__(self, whole: Shown, inside: list[Value]) -> None:
        self.terms, self.count, self.inside = whole.terms, len(inside), set(inside)
        used = [o for node in inside for o in whole.args(node) if isinstance(o, Value) and o not in self.inside]
        self.nodes = [*dict.fromkeys(used), *inside]

    def args(self, node: Value) -> tuple[Value | float, ...]:
        return super().args(node) if node in self.inside else ()

    def flows(self, node: Value, gradient: float | None) -> list[Flow]:
        return super().flows(node, gradient) if node in self.inside else []


def _inside(whole: Shown, diagram: Diagram, rankdir: str, key: str) -> Diagram:
    inside = [node for node in whole.nodes if diagram.keys[node] == key]
    part = _Part(whole, inside)
    return full([inside[-1], *(node for node in part.nodes if node not in part.inside)], rankdir, part)


def _members(nodes: Sequence[Value], neurons: dict[Value, Position], level: str) -> dict[object, list[Value]]:
    """Return the nodes of every card by its title; a node alone is its own title."""
    outside = [node for node in nodes if node not in neurons]
    feeding = {o for node in neurons for o in node.args if isinstance(o, Value) and o not in neurons and not o.op}
    inputs = [node for node in outside if node in feeding]
    rest = [node for node in outside if node not in feeding]
    members: dict[object, list[Value]] = {}
    single = level == "neuron"

    def add(title: str, values: list[Value]) -> None:
        alone = single and len(values) <= SINGLE
        members.update({node: [node] for node in values} if alone else {title: values} if values else {})

    add("inputs", inputs)
    for node in sorted(neurons, key=lambda node: neurons[node]):  # stable: by neuron, then by age
        layer, j = neurons[node]
        members.setdefault(f"layer {layer} neuron {j}" if single else f"layer {layer}", []).append(node)
    add("result", rest)
    return members


def _card(
    diagram: Diagram, title: object, group: list[Value], roots: Sequence[Value], called: dict[Value, str]
) -> Card:
    if isinstance(title, Value):
        card = diagram.card(kind_of(title), called[title], symbol(title))
        describe(card, title)
        return card
    inside = set(group)
    signs = list(dict.fromkeys(symbol(node) for node in group if node.op in ACTIVATING))
    card = diagram.card("group", str(title), " ".join(signs[:2]))
    parameters = [node for node in group if isinstance(node, Parameter)]
    results = [root for root in roots if root in inside]
    inner = {operand for node in group for operand in node.args if isinstance(operand, Value)}
    outputs = results or [node for node in group if node.op and node not in inner]
    known = all(node.has_grad for node in group)
    if len(outputs) == 1:
        card.rows = [("value", value_text(outputs[0].data))]
        card.grad = outputs[0].grad if known else None
        card.rows.append(("grad", gradient_text(card.grad)))
    else:
        card.rows = [("values", str(len(group) - len(parameters)))]
    if parameters:
        card.rows.append(("parameters", str(len(parameters))))
        norm = hypot(*(p.grad for p in parameters)) if known else None
        card.rows.append(("‖grad‖", NOT_COMPUTED if norm is None else figure(norm)))
    card.alarm = not all(isfinite(node.data) and isfinite(node.grad) for node in group)
    card.tip = f"{title}: {len(group)} values, {len(parameters)} of them parameters"
    return card


def _wires(diagram: Diagram, nodes: Sequence[Value]) -> None:
    """Draw one wire between two cards for all between their values, with the sum of what goes back along it."""
    keys = diagram.keys
    forth: Counter[tuple[str, str]] = Counter()
    back: dict[tuple[str, str], list[Flow]] = {}
    for node in nodes:
        forth.update((keys[operand], keys[node]) for operand in node.args if isinstance(operand, Value))
        for flow in flows(node, node.grad if node.has_grad else None):
            back.setdefault((keys[flow.operand], keys[node]), []).append(flow)
    for (tail, head), count in forth.items():
        if tail == head:
            continue
        received = back.get((tail, head), [])
        shares = [flow.share for flow in received if flow.share is not None]
        tip = f"{count} values go this way" if count > 1 else "one value goes this way"
        wire = diagram.wire(tail, head, tip, flowing=bool(received))
        if shares:
            wire.share = fsum(shares) if all(map(isfinite, shares)) else sum(shares)
            wire.receivers = len({flow.operand for flow in received})
            wire.tip += f"\ncontributes {figure(wire.share, sign=True)}" + (" in sum" if len(shares) > 1 else "")
            wire.tip += f", to {wire.receivers} values together" if wire.receivers > 1 else ""
