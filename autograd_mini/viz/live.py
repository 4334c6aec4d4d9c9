"""A live drawing: the SVG of a graph whose gradients are still to change, with a class for every moving part.

The stepper moves it with a script, the animation with keyframes. As it stands it shows the end of the backward pass.
"""

from __future__ import annotations

from math import isfinite, sqrt

from autograd_mini.viz.diagram import Diagram, full
from autograd_mini.viz.events import events_of
from autograd_mini.viz.layout import arranged
from autograd_mini.viz.svg import svg
from autograd_mini.viz.text import NOT_COMPUTED, figure, gradient_text, width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.engine.value import Value
    from autograd_mini.viz.events import Event
    from autograd_mini.viz.long_sums import Shown
    from autograd_mini.viz.svg import State


LARGEST = 1000
"""Maximum values of a graph that is stepped through."""


class Live:
    """A live drawing and the events that move it.

    Attributes:
        diagram: its cards and wires.
        events: the steps.
        gradients: what each event writes: for each card written its key, the text, the tone (-1, 0, 1) and strength.
        wires: the wire of each operand: {(key of the result, position in its args): key of the wire}.

    """

    __slots__ = ("_ranksep", "diagram", "events", "gradients", "wires")

    def __init__(
        self, y: Value, rankdir: str, shown: Shown, *, forward: bool, confirmed: frozenset[Value] = frozenset()
    ) -> None:
        self.events = events_of(y, shown, forward=forward)
        self.diagram = full([y], rankdir, shown)
        self.wires = _wires_by_operand(self.diagram, shown)
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
        last = {key: [(text, tone, size, "")] for written in self.gradients for key, text, tone, size in written}
        return self.moving(last)

    def moving(self, states: dict[str, list[State]], lit: dict[str, str] | None = None, style: str = "") -> str:
        """Return the SVG with several states of cards, each in a class of its own, and classes for wires."""
        return svg(self.diagram, arranged(self.diagram, self._ranksep), states, lit or {}, style)


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


def _wires_by_operand(diagram: Diagram, shown: Shown) -> dict[tuple[str, int], str]:
    """Return the wire of each operand of each card: {(key of the result, position in args): key of the wire}."""
    into: dict[str, list[str]] = {}
    for wire in diagram.wires:
        into.setdefault(wire.head, []).append(wire.key)
    found: dict[tuple[str, int], str] = {}
    for node, key in diagram.keys.items():
        hidden = shown.hidden(node)
        found |= {(key, index + hidden): wire for index, wire in enumerate(into.get(key, ()))}
    return found
