"""The SVG of a diagram: cards and wires at the places that Graphviz found, drawn without script, link or image.

Colours are attributes and the background is left out, so the picture reads on white and on dark paper and survives the
sanitisers of notebooks and README pages.
"""

from __future__ import annotations

from math import hypot

from autograd_mini.viz.diagram import INK, LINE, NEGATIVE, POSITIVE, QUIET
from autograd_mini.viz.dot import BAR, HEAD, MARGIN, ROW, TAG, badge_width, marks_size
from autograd_mini.viz.text import shortened, xml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.viz.diagram import Card, Diagram, Wire
    from autograd_mini.viz.layout import Layout, Point

EDGE = 6.0
"""Free space around the picture, in points."""

FAMILY = "Helvetica, Arial, 'Liberation Sans', sans-serif"
_HATCH = (
    '<pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="7" height="7" fill="#ffffff"/><rect width="2" height="7" fill="#d9d9d9"/></pattern>'
)
_MARKED = {"added": "#00734f", "changed": "#8a56c2", "removed": "#a84900"}


def svg(diagram: Diagram, layout: Layout) -> str:
    """Return a diagram as a complete SVG document."""
    w, h = layout.size[0] + 2.0 * EDGE, layout.size[1] + 2.0 * EDGE
    parts = [opening(w, h, diagram.about), f"<title>{xml(diagram.about)}</title>"]
    if any(card.alarm for card in diagram.cards):
        parts.append(f"<defs>{_HATCH}</defs>")
    parts += [wire_svg(wire, layout.curves[wire.key]) for wire in diagram.wires]
    parts += [tag_svg(text, layout.boxes[key]) for key, text in layout.tags.items()]
    parts += [_marks(wire, layout.marks[wire.key]) for wire in diagram.wires if wire.marks]
    parts += [card_svg(card, layout.boxes[card.key]) for card in diagram.cards]
    return "\n".join([*parts, "</svg>", ""])


def opening(w: float, h: float, about: str) -> str:
    """Return the opening tag of a picture whose drawing starts at 0, 0 and is surrounded by free space."""
    size = f'width="{number(w)}" height="{number(h)}" viewBox="{number(-EDGE)} {number(-EDGE)} {number(w)} {number(h)}"'
    named = f'role="img" aria-label="{xml(about)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {named} font-family="{xml(FAMILY)}" font-size="12.5">'


def number(x: float) -> str:
    """Return a coordinate with one decimal at most."""
    return f"{x + 0.0:.1f}".removesuffix(".0") if abs(x) >= 0.05 else "0"


def path(points: list[Point]) -> str:
    """Return the data of a path along Bézier points: the start, three a piece, and a straight bit if one is left."""
    pairs = [f"{number(x)},{number(y)}" for x, y in points]
    curved = len(pairs) - (len(pairs) - 1) % 3
    text = f"M{pairs[0]}" + ("C" + " ".join(pairs[1:curved]) if curved > 1 else "")
    return text + "".join(f"L{pair}" for pair in pairs[curved:])


def arrowhead(points: list[Point]) -> str:
    """Return the corners of the arrowhead at the end of a curve."""
    (x0, y0), (x1, y1) = points[-2], points[-1]
    length = hypot(x1 - x0, y1 - y0) or 1.0
    dx, dy = (x1 - x0) / length, (y1 - y0) / length
    back, side = 8.0, 3.4
    base = (x1 - back * dx, y1 - back * dy)
    corners = [(x1, y1), (base[0] - side * dy, base[1] + side * dx), (base[0] + side * dy, base[1] - side * dx)]
    return " ".join(f"{number(x)},{number(y)}" for x, y in corners)


def wire_svg(wire: Wire, points: list[Point]) -> str:
    """Return a wire: the line, its head, and a wide invisible line to point at."""
    dashes = "" if wire.flowing else ' stroke-dasharray="4 3"'
    colour = _MARKED.get(wire.mark, LINE)
    data = path(points)
    return (
        f'<g id="{wire.key}"><title>{xml(wire.tip)}</title>'
        f'<path d="{data}" fill="none" stroke="{colour}" stroke-width="1.4"{dashes}/>'
        f'<polygon points="{arrowhead(points)}" fill="{colour}"/>'
        f'<path d="{data}" fill="none" stroke="{colour}" stroke-opacity="0" stroke-width="12"/></g>'
    )


def tag_svg(text: str, box: tuple[float, float, float, float]) -> str:
    """Return the tag of a wire that is cut: the name of its other end."""
    left, top, w, h = box
    frame = f'x="{number(left)}" y="{number(top)}" width="{number(w)}" height="{number(h)}" rx="8.5"'
    ground = f'<rect {frame} fill="#ffffff" stroke="{LINE}" stroke-width="0.8"/>'
    middle = f'x="{number(left + w / 2.0)}" y="{number(top + h / 2.0 + 4.0)}" text-anchor="middle" font-size="11.5"'
    words = f'<text {middle} style="fill:{QUIET}">{xml(shortened(text, TAG))}</text>'
    return f"<g><title>{xml(text)}</title>{ground}{words}</g>"


def _marks(wire: Wire, middle: Point) -> str:
    """Return what is written on a wire, on light ground of its own: a factor, and what goes back, in its colour."""
    w, h = marks_size(wire)
    left, top = middle[0] - w / 2.0, middle[1] - h / 2.0
    ground = f'<rect x="{number(left)}" y="{number(top)}" width="{number(w)}" height="{number(h)}" rx="5" '
    parts = [f'<g><title>{xml(wire.tip)}</title>{ground}fill="#ffffff" stroke="#b0b0b0" stroke-width="0.8"/>']
    for row, mark in enumerate(wire.marks):
        colour = {"+": POSITIVE, "−": NEGATIVE}.get(mark[0], INK)
        weight = "" if mark.startswith("×") else ' font-weight="bold"'
        y = top + 15.0 * row + 14.0
        parts.append(_text(middle[0], y, mark, colour, f'font-size="12" text-anchor="middle"{weight}'))
    return "".join([*parts, "</g>"])


def card_svg(card: Card, box: tuple[float, float, float, float]) -> str:
    """Return a card: its frame, name, badge, rows, and a bar as long as its gradient is large."""
    left, top, w, h = box
    frame = {"operation": ' rx="9"', "group": ' rx="4"'}.get(card.kind, "")
    stroke = _MARKED.get(card.mark) or ((LINE, POSITIVE, NEGATIVE)[card.tone])
    thick = 2.6 if card.kind == "parameter" or card.mark else 1.2
    fill = "url(#hatch)" if card.alarm else card.fill
    box_text = f'x="{number(left)}" y="{number(top)}" width="{number(w)}" height="{number(h)}"'
    parts = [f'<g id="{card.key}"><title>{xml(card.tip)}</title>']
    if card.kind == "group":
        parts.append(
            f'<rect x="{number(left + 4)}" y="{number(top - 4)}" width="{number(w)}" height="{number(h)}" rx="4" '
            f'fill="{card.fill}" stroke="{LINE}"/>'
        )
    base = top + HEAD - 5.0
    if card.kind == "constant":
        parts.append(f'<rect {box_text} fill="{fill}"/>' + _dashed(box))
        parts.append(_text(left + w / 2.0, top + h / 2.0 + 4.5, shortened(card.name), INK, 'text-anchor="middle"'))
        return "".join([*parts, "</g>"])
    parts.append(f'<rect {box_text} fill="{fill}" stroke="{stroke}" stroke-width="{thick}"{frame}/>')
    parts.append(_text(left + MARGIN, base, shortened(card.name), INK, 'font-weight="bold" font-size="13.5"'))
    right = left + w - MARGIN
    if card.badge:
        wide = badge_width(card)
        parts.append(
            f'<rect x="{number(right - wide)}" y="{number(top + 5)}" width="{number(wide)}" height="17" rx="8.5" '
            f'fill="{INK}"/>'
            + _text(right - wide / 2.0, base - 0.3, card.badge, "#ffffff", 'font-size="12" text-anchor="middle"')
        )
    for row, (word, text) in enumerate(card.rows):
        y = top + HEAD + ROW * row + 14.0
        colour = card.ink if word == "grad" else INK
        weight = ' font-weight="bold"' if word == "grad" else ""
        parts.append(_text(left + MARGIN, y, word, QUIET, 'font-size="11.5"'))
        parts.append(_text(right, y, text, colour, f'text-anchor="end"{weight}'))
    if card.strength > 0.0 and card.rows:
        parts.append(
            f'<rect x="{number(left + MARGIN)}" y="{number(top + h - BAR - 3)}" '
            f'width="{number(max(1.5, (w - 2.0 * MARGIN) * card.strength))}" height="3.5" rx="1.7" fill="{card.ink}"/>'
        )
    return "".join([*parts, "</g>"])


def _dashed(box: tuple[float, float, float, float]) -> str:
    """Return a dashed frame inside a box, where it shows on white and on dark alike."""
    left, top, w, h = box
    return (
        f'<rect x="{number(left + 2.5)}" y="{number(top + 2.5)}" width="{number(w - 5)}" height="{number(h - 5)}" '
        f'fill="none" stroke="{LINE}" stroke-width="1.2" stroke-dasharray="4 3"/>'
    )


def _text(x: float, y: float, text: str, colour: str, more: str) -> str:
    return f'<text x="{number(x)}" y="{number(y)}" fill="{colour}" {more}>{xml(text)}</text>'
