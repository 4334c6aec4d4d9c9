"""A live drawing: the SVG of a graph whose gradients are still to change, with a class for every moving part.

The stepper moves it with a script, the animation with keyframes. As it stands it shows the end of the backward pass.
"""

from __future__ import annotations

from math import isfinite, sqrt

from autograd_mini.viz.diagram import Diagram, full
from autograd_mini.viz.events import steps
from autograd_mini.viz.renderers import layout
from autograd_mini.viz.source import BAR, HEAD, MARGIN, ROW, badge_width, card_size, layout_source
from autograd_mini.viz.svg import arrowhead, number, opening, path
from autograd_mini.viz.text import NOT_COMPUTED, figure, gradient_text, shortened, width, xml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.engine.value import Value
    from autograd_mini.viz.diagram import Card, Wire
    from autograd_mini.viz.events import Event
    from autograd_mini.viz.renderers import Point

    State = tuple[str, int, float, str]
    """What a card shows of its gradient: the text, the tone, the strength, and the classes of this state."""

LARGEST = 1000
"""The values up to which a graph is stepped through."""

STYLE = (
    "text{fill:#1a1a1a}.k{fill:#595959;font-size:11.5px}.v,.g{text-anchor:end}.g,.t{font-weight:700}.t{font-size:13.5px}"
    ".f{fill:#f4f4f4;stroke:#767676;stroke-width:1.2}.parameter .f{stroke-width:2.6}.d{fill:none;stroke:#767676;"
    "stroke-width:1.2;stroke-dasharray:4 3}.constant .t{text-anchor:middle;font-weight:400;font-size:12.5px}"
    ".constant .f{stroke:none}.o{fill:#1a1a1a}.s{fill:#fff;font-size:12px;text-anchor:middle}"
    ".w{fill:none;stroke:#767676;stroke-width:1.4}.a{fill:#767676}.x .w{stroke-dasharray:4 3}"
    ".p .f{fill:#e3f1fa;stroke:#0072b2}.p .g,.p .b{fill:#0072b2}"
    ".n .f{fill:#fdeee2;stroke:#a84900}.n .g,.n .b{fill:#a84900}"
    ".m{fill:none;stroke:#00734f;stroke-width:2.4}"
)
"""What the classes look like: p and n for a positive and a negative gradient, x for a wire without flow."""

CONFIRMED = "confirmed by the derivative checker"
"""What the tick on a leaf means."""


NO_STATE = (NOT_COMPUTED, 0, 0.0, "")


class Live:
    """A live drawing and the events that move it.

    Attributes:
        diagram: its cards and wires.
        events: the steps.
        gradients: what each event writes: for each card written its key, the text, the tone (-1, 0, 1) and strength.
        wires: the wire of each operand: {(key of the result, position in its args): key of the wire}.

    """

    __slots__ = ("_ranksep", "diagram", "events", "gradients", "wires")

    def __init__(self, y: Value, rankdir: str, *, forward: bool, confirmed: frozenset[Value] = frozenset()) -> None:
        self.events = steps(y, forward=forward)
        self.diagram = full([y], rankdir)
        self.wires = _wires_by_operand(self.diagram)
        largest = max(map(abs, filter(isfinite, _all_gradients(self.events))), default=0.0)
        self.gradients = [_written(event, self.diagram, largest) for event in self.events]
        widest = _longest(self.gradients)
        for card in self.diagram.cards:
            if card.rows:
                card.rows = [card.rows[0], ("grad", widest.get(card.key, NOT_COMPUTED))]
        shares = [figure(part.share, sign=True) for event in self.events for part in event.contributions]
        self._ranksep = (28.0 + max((width(share, 12.0) for share in shares), default=0.0)) / 72.0
        ticked = {self.diagram.keys[node] for node in confirmed}
        for card in self.diagram.cards:
            card.ticked = card.key in ticked

    def still(self) -> str:
        """Return the SVG of the end of the backward pass."""
        final = {
            key: [(text, tone, strength, "")] for written in self.gradients for key, text, tone, strength in written
        }
        return _svg(self.diagram, final, {}, STYLE, self._ranksep)

    def moving(self, states: dict[str, list[State]], lit: dict[str, str], style: str) -> str:
        """Return the SVG with several states of cards, each in a class of its own, and classes for wires."""
        return _svg(self.diagram, states, lit, STYLE + style, self._ranksep)


def _all_gradients(events: list[Event]) -> list[float]:
    return [event.grad for event in events] + [part.after for event in events for part in event.contributions]


def _written(event: Event, diagram: Diagram, largest: float) -> list[tuple[str, str, int, float]]:
    """Return what an event writes on cards: (key, text, tone, strength)."""
    found: list[tuple[Value, float]] = []
    if event.phase == "seed":
        found = [(event.node, event.grad)]
    elif event.phase == "backward":
        found = [(part.operand, part.after) for part in event.contributions if part.operand in diagram.keys]
    written = {}
    for node, grad in found:
        strength = sqrt(abs(grad) / largest) if largest > 0.0 and isfinite(grad) else 0.0
        tone = (grad > 0) - (grad < 0)
        written[node] = (diagram.keys[node], gradient_text(grad), tone, round(strength, 3))
    return list(written.values())


def _longest(gradients: list[list[tuple[str, str, int, float]]]) -> dict[str, str]:
    longest: dict[str, str] = {}
    for written in gradients:
        for key, text, *_ in written:
            if width(text) > width(longest.get(key, "")):
                longest[key] = text
    return longest


def _wires_by_operand(diagram: Diagram) -> dict[tuple[str, int], str]:
    """Return the wire of each operand of each card: {(key of the result, position in args): key of the wire}."""
    into: dict[str, list[str]] = {}
    for wire in diagram.wires:
        into.setdefault(wire.head, []).append(wire.key)
    found: dict[tuple[str, int], str] = {}
    for node, key in diagram.keys.items():
        hidden = sum(isinstance(operand, bool) for operand in node.args)
        found |= {(key, index + hidden): wire for index, wire in enumerate(into.get(key, ()))}
    return found


def _svg(
    diagram: Diagram,
    states: dict[str, list[State]],
    lit: dict[str, str],
    style: str,
    ranksep: float,
) -> str:
    places = layout(layout_source(diagram, ranksep))
    parts = [opening(places.size[0] + 12.0, places.size[1] + 12.0, diagram.about), f"<style>{style}</style>"]
    parts += [_wire(wire, places.curves[wire.key], lit.get(wire.key, "")) for wire in diagram.wires]
    for card in diagram.cards:
        left, top, _, _ = places.boxes[card.key]
        parts.append(_card(card, left, top, states.get(card.key, [NO_STATE])))
    return "".join([*parts, "</svg>"])


def _wire(wire: Wire, points: list[Point], lit: str) -> str:
    classes = " ".join(filter(None, ["" if wire.flowing else "x", lit]))
    opened = f'<g id="{wire.key}" class="{classes}">' if classes else f'<g id="{wire.key}">'
    return f'{opened}<path class="w" d="{path(points)}"/><polygon class="a" points="{arrowhead(points)}"/></g>'


def _card(card: Card, left: float, top: float, states: list[State]) -> str:
    """Return a card; one with several states has its frame and gradient once for each."""
    w, h = card_size(card)
    tone = ("", "p", "n")[states[0][1]] if len(states) == 1 else ""
    classes = " ".join(filter(None, [card.kind, tone]))
    parts = [f'<g id="{card.key}" class="{classes}" transform="translate({number(left)} {number(top)})">']
    rounded = ' rx="9"' if card.kind == "operation" else ""
    frame = f'<rect class="f" width="{number(w)}" height="{number(h)}"{rounded}/>'
    parts += [_in_state(state, frame, alone=len(states) == 1) for state in states]
    name = xml(shortened(card.name))
    if card.kind == "constant":
        inner = f'x="2.5" y="2.5" width="{number(w - 5)}" height="{number(h - 5)}"'
        middle = f'x="{number(w / 2)}" y="{number(h / 2 + 4.5)}"'
        return "".join([*parts, f'<rect class="d" {inner}/><text class="t" {middle}>{name}</text></g>'])
    right, base = number(w - MARGIN), HEAD - 5.0
    parts.append(f'<text class="t" x="{number(MARGIN)}" y="{number(base)}">{name}</text>')
    if card.badge:
        wide = badge_width(card)
        x = w - MARGIN - wide
        parts.append(
            f'<rect class="o" x="{number(x)}" y="5" width="{number(wide)}" height="17" rx="8.5"/>'
            f'<text class="s" x="{number(x + wide / 2)}" y="{number(base - 0.3)}">{xml(card.badge)}</text>'
        )
    if card.ticked:
        tick = f"M{number(w - MARGIN - 13)},{number(base - 5)}l4,4.5l8,-9.5"
        parts.append(f'<path class="m" d="{tick}"><title>{CONFIRMED}</title></path>')
    upper, lower = number(HEAD + 14.0), number(HEAD + ROW + 14.0)
    words = f'<text class="k" x="{number(MARGIN)}" y='
    parts.append(f'{words}"{upper}">value</text><text class="v" x="{right}" y="{upper}">{xml(card.rows[0][1])}</text>')
    parts.append(f'{words}"{lower}">grad</text>')
    for state in states:
        text = f'<text class="g" x="{right}" y="{lower}">{xml(state[0])}</text>'
        place = f'x="{number(MARGIN)}" y="{number(h - BAR - 3)}" width="{number((w - 2.0 * MARGIN) * state[2])}"'
        parts.append(_in_state(state, f'{text}<rect class="b" {place} height="3.5" rx="1.7"/>', alone=len(states) == 1))
    return "".join([*parts, "</g>"])


def _in_state(state: State, content: str, *, alone: bool) -> str:
    if alone:
        return content
    classes = " ".join(filter(None, [("", "p", "n")[state[1]], state[3]]))
    return f'<g class="{classes}">{content}</g>'
