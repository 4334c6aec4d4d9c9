"""A stage: a graph on a page with a camera, and the steps of its passes to walk through, one piece of HTML."""

from __future__ import annotations

from copy import copy
from os import sep

from autograd_mini.engine.locations import place_of
from autograd_mini.viz.javascript import LivePage, Rows, asset, live_numbers
from autograd_mini.viz.layout import arranged
from autograd_mini.viz.svg import CONFIRMED, number, path, svg
from autograd_mini.viz.text import figure, gradient_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autograd_mini.viz.diagram import Card, Diagram, Wire
    from autograd_mini.viz.events import Event
    from autograd_mini.viz.layout import Layout
    from autograd_mini.viz.long_sums import Shown

SCRIPTS = (
    *("arithmetic", "ground", "text", "mathematics", "camera", "cards", "motion", "lines"),
    *("quiz", "numbers", "paths", "stage"),
)
"""Scripts of the page, each after those that it imports from."""

TURNED = {"LR": "TB", "RL": "BT", "TB": "TB", "BT": "BT"}
"""Which way arrows run on a narrow screen."""

TURNABLE = 150
"""Maximum cards of a stage that is laid out for narrow screens too."""


class Stage(LivePage):
    """A graph on a page; it shows itself in notebooks, and `save("step.html")` writes a page.

    Attributes:
        diagram: the cards and wires.
        events: the steps; none of a picture that stands still.
        start: the step it opens at.
        live: what the page computes its numbers from; nothing where it cannot.

    """

    def __init__(
        self,
        diagram: Diagram,
        events: Sequence[Event] = (),
        *,
        breaks: Sequence[int] = (),
        quiz: bool = False,
        unlocked: bool = False,
        notes: Sequence[tuple[list[str], str]] = (),
        shown: Shown | None = None,
    ) -> None:
        """Set cards and wires on a stage; where there are events, the end of the passes is written on them.

        Playing stops at the steps `breaks`, and opens at the first. Each of `notes` has the keys of the cards to point
        at, and what to say. From `shown` the page computes its numbers; without it they stand still.
        """
        lines = ["\n".join(event.lines()) for event in events]
        rows = Rows()
        super().__init__(diagram.about, "", lines, SCRIPTS, {}, rows)
        self.live = {} if shown is None else live_numbers(diagram, shown, rows)
        self.diagram, self.events = diagram, list(events)
        self.summary = f"All {len(lines)} steps as text"
        self.note = f"A green tick: {CONFIRMED}." * any(card.ticked for card in diagram.cards)
        self.breaks, self.quiz, self.unlocked, self.notes = list(breaks), quiz, unlocked, list(notes)
        self.start = self.breaks[0] if self.breaks else 0
        self.wires: dict[tuple[str, int], Wire] = {(wire.head, wire.at): wire for wire in diagram.wires}
        if self.events:
            self._write_end()
        self._layout: Layout | None = None

    def _write_end(self) -> None:
        """Write on cards and wires what is there after the last step."""
        diagram = self.diagram
        cards = {card.key: card for card in diagram.cards}
        arrived: dict[str, list[str]] = {}
        for card in diagram.cards:
            card.grad = card.before
        for event in self.events:
            if event.phase == "seed":
                cards[diagram.keys[event.node]].grad = event.grad
            for part in event.contributions:
                wire = self.wires[diagram.keys[event.node], part.position]
                wire.partial, wire.share = part.partial, part.share
                wire.marks = [f"× {figure(part.partial)}", figure(part.share, sign=True)] if wire.roomy else []
                cards[wire.tail].grad = part.after
                arrived.setdefault(wire.tail, []).append(gradient_text(part.share))
        for card in diagram.cards:
            if card.rows:
                card.rows = [*card.rows[:-1], ("grad", gradient_text(card.grad))]
            parts = [gradient_text(card.before)] * (card.before is not None) + arrived.get(card.key, [])
            if len(card.slots) == len(parts):
                card.slots = [(word, text) for (word, _), text in zip(card.slots, parts, strict=True)]
        diagram.measure()

    @property
    def layout(self) -> Layout:
        """Where everything is, worked out once."""
        if self._layout is None:
            self._layout = arranged(self.diagram)
        return self._layout

    def still(self) -> str:
        """Return the SVG of the end."""
        return _drawn(self.diagram, self.layout, "", "m")

    def data(self) -> dict[str, Any]:
        """Return what the scripts are given."""
        diagram = self.diagram
        layouts = {"wide": _placed(diagram, self.layout)}
        if TURNED[diagram.rankdir] != diagram.rankdir and len(diagram.cards) <= TURNABLE and not self.layout.tags:
            turned = copy(diagram)
            turned.rankdir = TURNED[diagram.rankdir]
            layouts["tall"] = _placed(turned, arranged(turned))
        code, lines = self._code()
        steps = [self._step(event) for event in self.events]
        return {
            "about": diagram.about,
            "cards": [
                self._card(card) | ({"code": lines[card.key]} if card.key in lines else {}) for card in diagram.cards
            ],
            "wires": [_wire(wire) for wire in diagram.wires],
            "groups": [
                {"id": f"g{at}", "name": title, "cards": keys} for at, (title, keys) in enumerate(diagram.frames)
            ],
            "steps": steps,
            "inner": {card.key: _inside(diagram.inner(card.key)) for card in diagram.cards if card.kind == "group"}
            if diagram.inner is not None
            else {},
            "layouts": layouts,
            "code": code,
            "root": next((step["card"] for step in steps if step["phase"] == "seed"), ""),
            "notes": self.notes,
            "start": self.start,
            "breaks": self.breaks,
            "quiz": self.quiz,
            "unlocked": self.unlocked,
            "style": asset("stage.css") + asset("side.css"),
            **self.live,
        }

    def _card(self, card: Card) -> dict[str, Any]:
        wires = sorted((wire for wire in self.diagram.wires if wire.head == card.key), key=lambda wire: wire.at)
        found: dict[str, Any] = {"id": card.key, "kind": card.kind, "name": card.name, "tip": card.tip}
        if card.kind != "group":
            found |= {"op": card.op, "value": card.value}
        if wires:
            found["args"] = [wire.tail for wire in wires]
        if card.before is not None:
            found["before"] = card.before
        return found

    def _step(self, event: Event) -> dict[str, Any]:
        key = self.diagram.keys[event.node]
        if event.phase == "forward":
            return {"phase": "forward", "card": key, "text": event.expression}
        parts = [
            [self.wires[key, part.position].key, part.partial, part.share, part.before, part.after]
            for part in event.contributions
        ]
        return {"phase": event.phase, "card": key, "grad": event.grad, "parts": parts}

    def _code(self) -> tuple[list[dict[str, Any]], dict[str, int]]:
        """Return the lines of code that made the values, in their order, and for each card the index of its line."""
        places = {key: place for node, key in self.diagram.keys.items() if (place := place_of(node)) is not None}
        known = {(place.file, place.line): place.text for place in places.values()}
        order = sorted(known)
        code = [
            {"file": file.replace(sep, "/").rpartition("/")[2], "line": line, "text": known[file, line]}
            for file, line in order
        ]
        return code, {key: order.index((place.file, place.line)) for key, place in places.items()}

    def __repr__(self) -> str:
        return f"<stage of {len(self.events)} steps: {self.diagram.about}>"


def _drawn(diagram: Diagram, layout: Layout, *lit: str) -> str:
    """Return the SVG of a diagram whose parts the scripts move; `lit` stands before keys of wires to light."""
    states = {card.key: [(gradient_text(card.grad), card.tone, round(card.strength, 3), "")] for card in diagram.cards}
    return svg(diagram, layout, states, {f"{mark}{wire.key}": "" for wire in diagram.wires for mark in lit})


def _inside(diagram: Diagram) -> dict[str, Any]:
    layout = arranged(diagram)
    return {"svg": _drawn(diagram, layout, ""), "size": layout.size}


def _wire(wire: Wire) -> dict[str, Any]:
    found: dict[str, Any] = {"id": wire.key, "from": wire.tail, "to": wire.head, "tip": wire.tip}
    if wire.at:
        found["at"] = wire.at
    if wire.partial is not None:
        found |= {"formula": wire.formula, "partial": wire.partial}
    return found


def _placed(diagram: Diagram, layout: Layout) -> dict[str, Any]:
    """Return a layout as the scripts take it."""
    return {
        "size": [round(side, 1) for side in layout.size],
        "boxes": {card.key: _rounded(layout.boxes[card.key]) for card in diagram.cards},
        "curves": {wire.key: path(layout.curves[wire.key]) for wire in diagram.wires},
        "chips": {key: _rounded(point) for key, point in layout.marks.items()},
        "frames": {f"g{at}": _rounded(box) for at, box in enumerate(layout.frames)},
    }


def _rounded(numbers: Sequence[float]) -> list[float]:
    return [float(number(x)) for x in numbers]
