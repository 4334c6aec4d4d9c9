"""A diagram: the cards and wires of a picture, before anything is drawn. Every kind of output starts from one."""

from __future__ import annotations

from math import isfinite, sqrt
from os import sep

from autograd_mini.engine.graph import order
from autograd_mini.engine.locations import place_of
from autograd_mini.engine.value import Parameter, Value
from autograd_mini.viz.formulas import named
from autograd_mini.viz.partials import flows
from autograd_mini.viz.text import figure, gradient_text, names, symbol, value_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

POSITIVE, NEGATIVE = "#0072b2", "#a84900"
POSITIVE_FILL, NEGATIVE_FILL, NEUTRAL_FILL = "#e3f1fa", "#fdeee2", "#f4f4f4"
INK, QUIET, LINE = "#1a1a1a", "#595959", "#767676"


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
        tip: what a tooltip says.
        ticked: whether it carries the mark of the derivative checker.
        mark: "added", "changed" or "removed" in a comparison, else "".

    """

    __slots__ = ("alarm", "badge", "grad", "key", "kind", "mark", "name", "rows", "strength", "ticked", "tip")

    def __init__(self, key: str, kind: str, name: str, badge: str = "") -> None:
        self.key, self.kind, self.name, self.badge = key, kind, name, badge
        self.rows: list[tuple[str, str]] = []
        self.grad: float | None = None
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
        share: the gradient that goes back along it, where several are summed; else None.
        marks: what is written on it, a line each: the local derivative, "× −3", and what goes back, "+1.5".
        weight: the weight it stands for in the picture of a network; else None.
        mark: "added" or "removed" in a comparison, else "".

    """

    __slots__ = ("flowing", "head", "key", "mark", "marks", "share", "tail", "tip", "weight")

    def __init__(self, key: str, tail: str, head: str, tip: str, *, flowing: bool = True) -> None:
        self.key, self.tail, self.head, self.tip, self.flowing = key, tail, head, tip, flowing
        self.mark = ""
        self.marks: list[str] = []
        self.share: float | None = None
        self.weight: float | None = None


class Diagram:
    """Cards and wires, and which way they run.

    Attributes:
        cards: the boxes, operands before results.
        wires: the arrows; those into one card in the order of its operands.
        rankdir: "LR", "RL", "TB" or "BT".
        about: one sentence for those who cannot see it.
        keys: for every node the key of the card it is on.
        drawn: its SVG, where that does not follow from cards and wires; else "".

    """

    __slots__ = ("about", "cards", "drawn", "keys", "rankdir", "wires")

    def __init__(self, rankdir: str = "LR", about: str = "") -> None:
        self.cards: list[Card] = []
        self.wires: list[Wire] = []
        self.keys: dict[Value, str] = {}
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


def full(roots: Sequence[Value], rankdir: str, *, partials: bool = False) -> Diagram:
    """Return the diagram with one card for every node and every plain number that an operation used.

    Args:
        roots: the results.
        rankdir: which way the arrows run.
        partials: whether the wires carry their local derivatives and what goes back along them.

    """
    nodes = order(*roots)
    called = names(nodes)
    diagram = Diagram(rankdir)
    for node in nodes:
        constants = [
            _constant(diagram, operand) if not isinstance(operand, Value) else None for operand in shown_args(node)
        ]
        card = diagram.card(kind_of(node), called[node], symbol(node))
        diagram.keys[node] = card.key
        describe(card, node)
        wire_operands(diagram, node, constants, called, partials=partials)
    diagram.measure()
    diagram.about = about(nodes, roots, called)
    return diagram


def kind_of(node: Value) -> str:
    """Return what kind of card a node has."""
    if node._pull is not None:
        return "operation"
    return "parameter" if isinstance(node, Parameter) else "input"


def describe(card: Card, node: Value) -> None:
    """Write a node's numbers on its card."""
    card.grad = node.grad if node.has_grad else None
    card.rows = [("value", value_text(node.data)), ("grad", gradient_text(card.grad))]
    card.alarm = not isfinite(node.data) or not isfinite(card.grad or 0.0)
    known = f"gradient {figure(card.grad, sign=True, digits=12)}" if card.grad is not None else "gradient not computed"
    made = f" = {node.op}" if node.op else f" ({card.kind})"
    card.tip = f"{card.name}{made}: value {figure(node.data, digits=12)}, {known}"
    if (place := place_of(node)) is not None:  # its file without the folder, which is nobody else's business
        card.tip += f"\n{place.file.replace(sep, '/').rpartition('/')[2]}, line {place.line}: {place.text}"


def shown_args(node: Value) -> tuple[Value | float, ...]:
    """Return the operands that a picture shows: all but the condition of a `where` that is a plain truth value."""
    return tuple(operand for operand in node.args if not isinstance(operand, bool))


def _constant(diagram: Diagram, number: float) -> str:
    card = diagram.card("constant", figure(number))
    card.tip = f"constant {figure(number, digits=12)}"
    card.alarm = not isfinite(number)
    return card.key


def wire_operands(
    diagram: Diagram,
    node: Value,
    constants: Sequence[str | None],
    called: dict[Value, str],
    *,
    partials: bool = False,
) -> None:
    """Draw a wire from each operand of a node to it, dashed where no gradient goes back."""
    received = {flow.position: flow for flow in flows(node, node.grad if node.has_grad else None)}
    hidden = len(node.args) - len(constants)
    for index, (operand, constant) in enumerate(zip(shown_args(node), constants, strict=True)):
        flow = received.get(index + hidden)
        tail = constant if constant is not None else diagram.keys[operand]  # type: ignore[index]  # a Value without constant
        if flow is None:
            tip = (
                "a constant: no gradient"
                if constant
                else "no gradient flows here: a condition, or the operand not taken"
            )
            diagram.wire(tail, diagram.keys[node], tip, flowing=False)
            continue
        over = f"∂{named(called[node])}/∂{named(called[flow.operand])}"
        formula = flow.formula(called)
        number = figure(flow.partial)
        equal = f" = {number}" if number != formula else ""
        tip = f"{over} = {formula}{equal}" if formula else f"{over}{equal}"
        if flow.share is not None:
            tip += f"\ncontributes {figure(flow.share, sign=True)}"
        wire = diagram.wire(tail, diagram.keys[node], tip)
        if partials:
            wire.marks = [f"× {number}"] + ([] if flow.share is None else [figure(flow.share, sign=True)])


def about(nodes: Sequence[Value], roots: Sequence[Value], called: dict[Value, str]) -> str:
    """Return one sentence that says what the picture shows."""
    leaves = sum(node._pull is None for node in nodes)
    results = ", ".join(f"{called[root]} = {figure(root.data)}" for root in roots[:3])
    state = "with gradients" if all(root.has_grad for root in roots) else "gradients not computed"
    return f"Computation graph of {results}: {len(nodes)} values, {leaves} of them leaves, {state}."
