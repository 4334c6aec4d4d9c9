"""A diagram: the cards and wires of a picture, before anything is drawn. Every kind of output starts from one."""

from __future__ import annotations

import re
from math import fsum, isfinite, nan, sqrt
from os import sep

from autograd_mini.engine.locations import place_of
from autograd_mini.engine.value import Parameter, Value
from autograd_mini.viz.text import NOT_COMPUTED, figure, gradient_text, named, names, symbol, value_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autograd_mini.viz.long_sums import Shown

POSITIVE, NEGATIVE = "#0072b2", "#a84900"
POSITIVE_FILL, NEGATIVE_FILL, NEUTRAL_FILL = "#e3f1fa", "#fdeee2", "#f4f4f4"
INK, QUIET, LINE = "#1a1a1a", "#595959", "#767676"

_WEIGHT = re.compile(r"(?:.*\.)?w(?:(?:\[1\])?\[\d+\])?\[(\d+)\]")
"""The label of a weight of the first layer, of a layer alone, or of a neuron alone."""

DIRECTIONS = ("LR", "RL", "TB", "BT")
"""Ways that the arrows of a picture run."""


ROOMY = 150
"""Maximum cards of a picture whose wires all have a place for what is written on them."""

SLOTS = 5
"""Maximum parts of a gradient that have a line each on a card."""


def check_choice(name: str, given: str, choices: Sequence[str]) -> None:
    """Raise a ValueError that names the argument unless it is one of the choices."""
    if given not in choices:
        raise ValueError(f"{name} is {given!r}, expected one of {', '.join(choices)}")


class Card:
    """A box of the picture.

    Attributes:
        key: its id in the output: "n1", "n2", … in order.
        kind: "input", "parameter", "constant", "operation" or "group".
        name: its name.
        badge: the sign of its operation; "" for a leaf.
        rows: pairs of a word and its text: ("value", "−1.5").
        grad: the gradient, by which the card is coloured; None where none was computed.
        alarm: whether a number on it is nan or infinite.
        strength: how large the gradient is among those of the picture, from 0 to 1.
        op: the operation; "sum" of a long sum, "" of what is no operation.
        value: the number; nan for a group.
        before: the gradient that earlier backward passes left there, if there is such a one.
        slots: the parts that its gradient is the sum of: who sends each, and its text; none where there is one part.
        tip: what a tooltip says.
        ticked: whether it carries the mark of the derivative checker.
        mark: "added", "changed" or "removed" in a comparison, else "".

    """

    def __init__(self, key: str, kind: str, name: str, badge: str = "") -> None:
        self.key, self.kind, self.name, self.badge = key, kind, name, badge
        self.rows: list[tuple[str, str]] = []
        self.grad: float | None = None
        self.before: float | None = None
        self.slots: list[tuple[str, str]] = []
        self.op, self.value = "", nan
        self.alarm = False
        self.strength = 0.0
        self.tip = name
        self.mark = ""
        self.ticked = False

    @property
    def tone(self) -> int:
        """1 for a positive gradient, -1 for a negative one, 0 for zero, nan or none."""
        return 0 if self.grad is None else (self.grad > 0) - (self.grad < 0)

    @property
    def fill(self) -> str:
        """The colour behind the text."""
        return (NEUTRAL_FILL, POSITIVE_FILL, NEGATIVE_FILL)[self.tone]

    @property
    def ink(self) -> str:
        """The colour of the gradient's text."""
        return (INK, POSITIVE, NEGATIVE)[self.tone]


class Wire:
    """An arrow from an operand to a result.

    Attributes:
        key: its id in the output: "e1", "e2", … in order.
        tail: the operand's card.
        head: the result's card.
        flowing: whether a gradient goes back along it.
        tip: what a tooltip says.
        at: the position of the operand among those of the result.
        formula: the local derivative in symbols; "" if there is none.
        partial: the local derivative; None where no gradient goes back, or several are summed.
        roomy: whether the layout keeps a place free for marks, be there any or not.
        share: the gradient that goes back along it; None where it is not computed.
        receivers: how many values share it between them; a sum over several is no gradient of any.
        marks: what is written on it, a line each: the local derivative, "× −3", and what goes back, "+1.5".
        weight: the weight it stands for in the picture of a network; else None.
        mark: "added" or "removed" in a comparison, else "".

    """

    def __init__(self, key: str, tail: str, head: str, tip: str, *, flowing: bool = True) -> None:
        self.key, self.tail, self.head, self.tip, self.flowing = key, tail, head, tip, flowing
        self.mark = ""
        self.marks: list[str] = []
        self.at, self.formula = 0, ""
        self.partial: float | None = None
        self.roomy = False
        self.share: float | None = None
        self.receivers = 1
        self.weight: float | None = None


class Diagram:
    """Cards and wires, and which way they run.

    Attributes:
        cards: the boxes, operands before results.
        wires: the arrows; those into one card in the order of its operands.
        rankdir: one of DIRECTIONS.
        about: one sentence for those who cannot see it.
        inner: what gives the diagram of what is in a group, by its key; None if nothing can be unfolded.
        frames: what is framed as a unit, such as a neuron: a title and the keys of the cards in it, outer ones first.
        keys: for every node the key of the card it is on.
        drawn: its SVG, where that does not follow from cards and wires; else "".

    """

    def __init__(self, rankdir: str = "LR", about: str = "") -> None:
        check_choice("rankdir", rankdir, DIRECTIONS)
        self.cards: list[Card] = []
        self.wires: list[Wire] = []
        self.keys: dict[Value, str] = {}
        self.inner: Callable[[str], Diagram] | None = None
        self.frames: list[tuple[str, list[str]]] = []
        self.rankdir, self.about = rankdir, about
        self.drawn = ""

    def card(self, kind: str, name: str, badge: str = "") -> Card:
        """Add a card and return it."""
        made = Card(f"n{len(self.cards) + 1}", kind, name, badge)
        self.cards.append(made)
        return made

    def wire(self, tail: str, head: str, tip: str, *, flowing: bool = True) -> Wire:
        """Add a wire and return it."""
        made = Wire(f"e{len(self.wires) + 1}", tail, head, tip, flowing=flowing)
        self.wires.append(made)
        return made

    def measure(self) -> None:
        """Give every card its strength: the root of its gradient's share of the largest."""
        sizes = [abs(card.grad) for card in self.cards if card.grad is not None and isfinite(card.grad)]
        largest = max(sizes, default=0.0)
        for card in self.cards:
            if card.grad is not None and isfinite(card.grad) and largest > 0.0:
                card.strength = sqrt(abs(card.grad) / largest)


def full(roots: Sequence[Value], rankdir: str, shown: Shown, *, partials: bool | str = False) -> Diagram:
    """Return the diagram with one card for every node shown and every plain number that an operation used.

    With `partials` the wires carry their local derivatives and what goes back along them, as symbols if "symbols".
    """
    called = names(shown.nodes)
    diagram = Diagram(rankdir)
    inputs: dict[tuple[str, float], str] = {}
    for node in shown.nodes:
        constants = [
            None if isinstance(operand, Value) else _number_card(diagram, operand, _input_name(node), inputs)
            for operand in shown.args(node)
        ]
        card = diagram.card(kind_of(node), called[node], badge_of(node, shown))
        diagram.keys[node] = card.key
        describe(card, node)
        card.op = "sum" if node in shown.terms else node.op
        wire_operands(diagram, node, constants, called, shown, partials=partials, root=called[roots[0]])
    _slots(diagram, shown, roots)
    for wire in diagram.wires:
        wire.roomy = wire.flowing and len(diagram.cards) <= ROOMY
    diagram.measure()
    diagram.about = about(shown.nodes, roots, called, shown.count)
    return diagram


def _slots(diagram: Diagram, shown: Shown, roots: Sequence[Value]) -> None:
    """Write on each card the parts of its gradient in the order in which they arrive, if there are several."""
    into: dict[str, list[Wire]] = {}
    for wire in diagram.wires:
        if wire.flowing:
            into.setdefault(wire.head, []).append(wire)
    arriving: dict[str, list[Wire]] = {}
    for card in reversed(diagram.cards):
        for wire in into.get(card.key, ()):
            arriving.setdefault(wire.tail, []).append(wire)
    cards = {card.key: card for card in diagram.cards}
    for node in shown.nodes:
        card, wires = cards[diagram.keys[node]], arriving.get(diagram.keys[node], [])
        if not node.op and node.has_grad and node not in roots:
            known = [wire.share for wire in wires if wire.share is not None]
            rest = node.grad - fsum(known) if all(map(isfinite, known)) else 0.0
            if abs(rest) > 1e-9 * max(map(abs, [node.grad, *known])):
                card.before = rest
        parts = [] if card.before is None else [("before", gradient_text(card.before))]
        if len(wires) > 1:
            for wire in wires:
                wire.marks = [
                    f"part of {mark}" if at and mark.startswith("∂") else mark for at, mark in enumerate(wire.marks)
                ]
        parts += [(f"from {cards[wire.head].name}", gradient_text(wire.share)) for wire in wires]
        if len(parts) > 1:
            card.slots = parts if len(parts) <= SLOTS else [(f"{len(parts)} parts", "")]


def badge_of(node: Value, shown: Shown) -> str:
    """Return the sign of a node's operation; of a long sum also how many terms it has."""
    return f"Σ {len(shown.terms[node])} terms" if node in shown.terms else symbol(node)


def kind_of(node: Value) -> str:
    """Return what kind of card a node has."""
    if node._pull is not None:
        return "operation"
    return "parameter" if isinstance(node, Parameter) else "input"


def describe(card: Card, node: Value) -> None:
    """Write a node's numbers on its card."""
    card.grad = node.grad if node.has_grad else None
    card.value = node.data
    card.rows = [("value", value_text(node.data)), ("grad", gradient_text(card.grad))]
    card.alarm = not isfinite(node.data) or not isfinite(card.grad or 0.0)
    known = f"gradient {figure(card.grad, sign=True, digits=12)}" if card.grad is not None else "gradient not computed"
    made = f" = {node.op}" if node.op else f" ({card.kind})"
    card.tip = f"{card.name}{made}: value {figure(node.data, digits=12)}, {known}"
    if (place := place_of(node)) is not None:  # its file without the folder, which pictures do not disclose
        card.tip += f"\n{place.file.replace(sep, '/').rpartition('/')[2]}, line {place.line}: {place.text}"


def constant_card(diagram: Diagram, number: float, name: str = "") -> Card:
    """Add the card of a plain number, or of an input that is one and has a name."""
    card = diagram.card("input" if name else "constant", name or figure(number))
    card.value, card.alarm, exact = float(number), not isfinite(number), figure(number, digits=12)
    card.tip = f"{name} = {exact}, a plain number, which has no gradient" if name else f"constant {exact}"
    card.rows = [("value", value_text(number)), ("grad", NOT_COMPUTED)] if name else []
    return card


def _input_name(node: Value) -> str:
    """Return what a plain number beside a weight of the first layer is called: x_k; nothing elsewhere.

    >>> x = 0.5
    >>> _input_name(Parameter(2.0, label="w[1][3][2]") * x), _input_name(Parameter(2.0, label="w[2][3][2]") * x)
    ('x_2', '')

    """
    found = next((_WEIGHT.fullmatch(o.label) for o in node.args if isinstance(o, Parameter)), None)
    return f"x_{found[1]}" if found and node.op == "mul" else ""


def _number_card(diagram: Diagram, number: float, name: str, inputs: dict[tuple[str, float], str]) -> str:
    """Return the key of the card of a plain number: one for each input of a network, and one for each other use."""
    if not name:
        return constant_card(diagram, number).key
    if (name, number) not in inputs:
        inputs[name, number] = constant_card(diagram, number, name).key
    return inputs[name, number]


def wire_operands(
    diagram: Diagram,
    node: Value,
    constants: Sequence[str | None],
    called: dict[Value, str],
    shown: Shown,
    *,
    partials: bool | str = False,
    root: str = "",
) -> None:
    """Draw a wire from each operand of a node to it, dashed where no gradient goes back."""
    received = {flow.position: flow for flow in shown.flows(node, node.grad if node.has_grad else None)}
    hidden = shown.hidden(node)
    for index, (operand, constant) in enumerate(zip(shown.args(node), constants, strict=True)):
        flow = received.get(index + hidden)
        tail = constant if constant is not None else diagram.keys[operand]  # type: ignore[index]  # a Value without constant
        if flow is None:
            kept = "no gradient flows here: a condition, or the operand not taken"
            tip = "a constant: no gradient" if constant else kept
            diagram.wire(tail, diagram.keys[node], tip, flowing=False).at = index + hidden
            continue
        over = f"∂{named(called[node])}/∂{named(called[flow.operand])}"
        formula = flow.formula(called)
        number = figure(flow.partial)
        equal = f" = {number}" if number != formula else ""
        tip = f"{over} = {formula}{equal}" if formula else f"{over}{equal}"
        if flow.share is not None:
            tip += f"\ncontributes {figure(flow.share, sign=True)}"
        wire = diagram.wire(tail, diagram.keys[node], tip)
        wire.at, wire.formula, wire.partial, wire.share = flow.position, formula, flow.partial, flow.share
        if partials == "symbols":
            wire.marks = [over, f"∂{named(root)}/∂{named(called[flow.operand])}"]
        elif partials:
            wire.marks = [f"× {number}"] + ([] if flow.share is None else [figure(flow.share, sign=True)])


def about(nodes: Sequence[Value], roots: Sequence[Value], called: dict[Value, str], count: int | None = None) -> str:
    """Return one sentence that says what the picture shows; `count` is the size of the graph, if that is another."""
    leaves = sum(node._pull is None for node in nodes)
    results = ", ".join(f"{called[root]} = {figure(root.data)}" for root in roots[:3])
    state = "with gradients" if all(root.has_grad for root in roots) else "gradients not computed"
    left_out = (count or len(nodes)) - len(nodes)
    folded = f" and {left_out} partial sums that are not shown" if left_out else ""
    return f"Computation graph of {results}: {len(nodes)} values, {leaves} of them leaves{folded}, {state}."
