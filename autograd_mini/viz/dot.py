"""The sources of a diagram: DOT to read and render, DOT to lay it out, and Mermaid."""

from __future__ import annotations

from types import MappingProxyType

from autograd_mini.viz.diagram import INK, LINE, NEGATIVE, NEGATIVE_FILL, NEUTRAL_FILL, POSITIVE, POSITIVE_FILL
from autograd_mini.viz.text import clean, shortened, width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from autograd_mini.viz.diagram import Card, Diagram, Wire

FONT = "Helvetica,Arial,sans-serif"
DOT_SPACING = 'ordering="in" bgcolor="transparent" nodesep="0.25" ranksep="0.45"'
_DEFAULTS = (
    f'node [shape="box" fontname="{FONT}" fontsize="12" margin="0.12,0.07"]',
    f'edge [color="{LINE}" arrowsize="0.7"]',
)
ROW, HEAD, MARGIN, BAR = 19.0, 23.0, 10.0, 5.0
"""Heights of a card's row and head, its margin, and the height of its bar, in points."""

SLOT = 16.0
"""Height of the line of one part of a gradient, in points."""

NUMBER, ROOM, CHIP = 10, 104.0, 80.0
"""Maximum characters of most numbers; the widths, in points, that a row of a card and a wire keep for such a one, so
that a picture does not depend on its numbers."""

TAG = 16
"""Maximum characters of a name on the tag of a cut wire."""


def card_size(card: Card) -> tuple[float, float]:
    """Return the width and height of a card in points."""
    head = width(shortened(card.name), 13.5)
    if card.badge:
        head += 14.0 + badge_width(card)
    head += 24.0 * (card.kind in {"input", "parameter"})  # the tick of the checker
    rows = max((width(f"{word}   {text}", 12.5) for word, text in card.rows if len(text) > NUMBER), default=0.0)
    parts = max((width(word, 11.0) + 72.0 for word, _ in card.slots), default=0.0)
    smallest = max(ROOM, parts) if card.rows else 40.0
    bar = BAR if card.rows else 0.0
    return max(smallest, head, rows) + 2.0 * MARGIN, HEAD + ROW * len(card.rows) + SLOT * len(card.slots) + bar + 7.0


def badge_width(card: Card) -> float:
    """Return the width of a card's badge in points."""
    return max(20.0, width(card.badge, 12.0) + 12.0)


def dot_lines(diagram: Diagram) -> list[str]:
    """Return the statements of the graph in DOT, one a line, with labels, tooltips and colours."""
    lines = [f'rankdir="{diagram.rankdir}" {DOT_SPACING}', *_DEFAULTS]
    lines += [f"{card.key} [{_attributes(_card_attributes(card))}]" for card in diagram.cards]
    lines += [f"{wire.tail} -> {wire.head} [{_attributes(_wire_attributes(wire))}]" for wire in diagram.wires]
    return lines


def _card_attributes(card: Card) -> dict[str, str]:
    style = ["filled", {"operation": "rounded", "constant": "dashed", "parameter": "bold"}.get(card.kind, "")]
    fill = card.fill
    if card.alarm:
        style[0], fill = "striped", ":".join(["white", fill] * 4)
    attributes = {
        "label": _label(card),
        "id": card.key,
        "style": ",".join(filter(None, style)),
        "fillcolor": fill,
        "color": card.ink if card.tone else LINE,
        "fontcolor": card.ink,
        "tooltip": escaped(card.tip),
    }
    if card.kind == "parameter":
        attributes["penwidth"] = "2.5"
    if card.kind == "group":
        attributes["peripheries"] = "2"
    return attributes


def _wire_attributes(wire: Wire) -> dict[str, str]:
    attributes = {"id": wire.key, "tooltip": escaped(wire.tip)}
    if not wire.flowing:
        attributes["style"] = "dashed"
    if wire.marks:
        attributes["label"] = "\\n".join(map(escaped, wire.marks))
    if wire.weight is not None:
        attributes["color"] = POSITIVE if wire.weight > 0.0 else NEGATIVE if wire.weight < 0.0 else LINE
        attributes["style"] = "dashed" if wire.weight < 0.0 else "solid"
    return attributes


def layout_source(
    diagram: Diagram,
    *,
    cards: Sequence[Card] | None = None,
    wires: Sequence[Wire] | None = None,
    cuts: Mapping[str, str] = MappingProxyType({}),
    tags: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return a DOT source that has the sizes of the cards and no text, so that every Graphviz lays it out alike.

    `cuts` has the wires that are cut, by key, with the end they stay at, "tail" or "head": the other is a tag. Then
    wires from results to results run as straight as they can, so that the tags stand beside a chain.
    """
    wires = diagram.wires if wires is None else wires
    ranksep = 0.26 if any(wire.marks or wire.roomy for wire in diagram.wires) else 0.5
    port, beyond = {"LR": ("w", "e"), "RL": ("e", "w"), "TB": ("n", "s"), "BT": ("s", "n")}[diagram.rankdir]
    lines = ["digraph {", f'rankdir="{diagram.rankdir}" ordering="in" nodesep="0.28" ranksep="{ranksep}"']
    lines.append('node [shape="box" label="" fixedsize="true"] edge [arrowsize="0.8"]')
    if cuts:
        lines.append('nslimit="2" nslimit1="2"')
    sizes = {card.key: card_size(card) for card in (diagram.cards if cards is None else cards)}
    sizes |= {
        wire.key: (width(shortened(tags[wire.key], TAG), 11.5) + 12.0, 17.0) for wire in wires if wire.key in cuts
    }
    lines += [f'{key} [width="{w / 72.0:.4f}" height="{h / 72.0:.4f}"]' for key, (w, h) in sizes.items()]
    rooms = {wire.key: room_size(wire) for wire in wires if wire.marks or wire.roomy}
    lines += [f'm{key} [width="{w / 72.0:.4f}" height="{h / 72.0:.4f}"]' for key, (w, h) in rooms.items()]
    inner = {wire.head for wire in wires} if cuts else set()
    for wire in wires:
        end = cuts.get(wire.key)
        tail, head = wire.key if end == "head" else wire.tail, wire.key if end == "tail" else wire.head
        straight = ' weight="5"' if tail in inner and end is None else ""
        if wire.key in rooms:
            lines.append(f'{tail} -> m{wire.key}:{port} [id="m{wire.key}" dir="none"]')
            lines.append(f'm{wire.key}:{beyond} -> {head} [id="{wire.key}" weight="3"]')
        else:
            lines.append(f'{tail} -> {head} [id="{wire.key}"{straight}]')
    for number, (_, keys) in enumerate([] if cuts else diagram.frames):
        inside = [f"m{wire.key}" for wire in wires if wire.key in rooms and {wire.tail, wire.head} <= set(keys)]
        lines.append(f'subgraph cluster_{number} {{ margin="12" label=" " {"; ".join([*keys, *inside])} }}')
    return "\n".join([*lines, "}"])


def marks_size(wire: Wire) -> tuple[float, float]:
    """Return the width and height, in points, of what is written on a wire."""
    w, h = max(width(mark, 12.0) for mark in wire.marks) + 12.0, 15.0 * len(wire.marks) + 5.0
    usual = max(map(len, wire.marks)) <= NUMBER + 2
    return min(w, CHIP) if usual else w, h


def room_size(wire: Wire) -> tuple[float, float]:
    """Return the width and height, in points, of the place that is kept free for what is written on a wire."""
    w, h = marks_size(wire) if wire.marks else (0.0, 0.0)
    return (max(w, CHIP), max(h, 35.0)) if wire.roomy else (w + 4.0, h + 4.0)


def escaped(text: str) -> str:
    """Return a text as it stands inside the quotes of a DOT string: entities, escapes and quotes mean themselves."""
    lines = [clean(line) for line in text.split("\n")]
    safe = [line.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') for line in lines]
    return "\\n".join(safe)


def _label(card: Card) -> str:
    head = "  ".join(filter(None, [shortened(card.name), card.badge and f"[{card.badge}]"]))
    return "\\n".join([escaped(head), *(escaped(f"{word} {text}") for word, text in card.rows)])


def _attributes(attributes: dict[str, str]) -> str:
    return " ".join(f'{name}="{text}"' for name, text in attributes.items())


_TONES = {"positive": 1, "negative": -1, "zero": 0}
_STYLES = {
    "positive": f"fill:{POSITIVE_FILL},stroke:{POSITIVE},color:{INK}",
    "negative": f"fill:{NEGATIVE_FILL},stroke:{NEGATIVE},color:{INK}",
    "zero": f"fill:{NEUTRAL_FILL},stroke:{LINE},color:{INK}",
    "parameter": "stroke-width:3px",
    "constant": "stroke-dasharray:4 3",
}


def mermaid(diagram: Diagram) -> str:
    """Return the diagram as a Mermaid flowchart, which GitHub and GitLab show."""
    lines = [f"flowchart {diagram.rankdir}"]
    for card in diagram.cards:
        opening, closing = ("(", ")") if card.kind == "operation" else ("[", "]")
        head = " ".join(filter(None, [shortened(card.name), card.badge]))
        text = "<br/>".join(_mermaid(line) for line in [head, *(f"{word} {text}" for word, text in card.rows)])
        lines.append(f'    {card.key}{opening}"{text}"{closing}')
    for wire in diagram.wires:
        written = f'|"{"<br/>".join(map(_mermaid, wire.marks))}"|' if wire.marks else ""
        solid = wire.flowing and (wire.weight or 0.0) >= 0.0
        lines.append(f"    {wire.tail} {'-->' if solid else '-.->'}{written} {wire.head}")
    tones = {name: [card for card in diagram.cards if card.tone == tone] for name, tone in _TONES.items()}
    kinds = {kind: [card for card in diagram.cards if card.kind == kind] for kind in ("parameter", "constant")}
    for name, cards in (tones | kinds).items():
        if cards:
            lines.append(f"    classDef {name} {_STYLES[name]}")
            lines.append(f"    class {','.join(card.key for card in cards)} {name}")
    return "\n".join(lines) + "\n"


def _mermaid(text: str) -> str:
    """Return a text in Mermaid's own entities: every character that could mean anything, as its number."""
    return "".join(c if c.isalnum() or c in " .,+=_−–" else f"#{ord(c)};" for c in clean(text))
