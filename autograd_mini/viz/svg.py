"""The SVG of a diagram, without script, link or image.

As it stands, colours are attributes and the background is left out, so a picture reads on white and on dark and
survives the sanitisers of notebooks and README pages; a style sheet has other colours for dark pages, where it is kept.
What moves has classes instead, which a style sheet explains.
"""

from __future__ import annotations

import re
from math import hypot
from types import MappingProxyType

from autograd_mini.viz.diagram import (
    INK,
    LINE,
    NEGATIVE,
    NEGATIVE_FILL,
    NEUTRAL_FILL,
    POSITIVE,
    POSITIVE_FILL,
    QUIET,
)
from autograd_mini.viz.dot import BAR, HEAD, MARGIN, ROW, SLOT, TAG, badge_width, marks_size
from autograd_mini.viz.text import NOT_COMPUTED, shortened, xml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from autograd_mini.viz.diagram import Card, Diagram, Wire
    from autograd_mini.viz.layout import Box, Layout, Point

    State = tuple[str, int, float, str]
    """What a moving card shows of its gradient: the text, the tone, the strength, and the classes of this state."""

EDGE = 6.0
"""Free space around the picture, in points."""

FAMILY = "Helvetica, Arial, 'Liberation Sans', sans-serif"
CONFIRMED = "confirmed by the derivative checker"
"""Meaning of the tick on a leaf."""

_HATCH = (
    '<pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="7" height="7" fill="#ffffff"/><rect width="2" height="7" fill="#d9d9d9"/></pattern>'
)
_ARROWHEAD = (
    '<marker id="head" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto" markerUnits="userSpaceOnUse">'
    f'<path d="M0,0.6L8,4L0,7.4z" fill="{LINE}"/></marker>'
    '<marker id="tail" markerWidth="9" markerHeight="8" refX="0" refY="4" orient="auto" markerUnits="userSpaceOnUse">'
    f'<path d="M8,0.6L0,4L8,7.4z" fill="{LINE}"/></marker>'
)
_MARKED = {"added": "#00734f", "changed": "#8a56c2", "removed": "#a84900"}

LOOKS = {
    "k": f'fill="{QUIET}" font-size="11.5"',
    "v": f'fill="{INK}" text-anchor="end"',
    "g": f'fill="{INK}" text-anchor="end" font-weight="bold"',
    "t": f'fill="{INK}" font-weight="bold" font-size="13.5"',
    "c": f'fill="{INK}" text-anchor="middle"',
    "s": 'fill="#ffffff" font-size="12" text-anchor="middle"',
    "o": f'fill="{INK}"',
    "f": f'fill="{NEUTRAL_FILL}" stroke="{LINE}" stroke-width="1.2"',
    "d": f'fill="none" stroke="{LINE}" stroke-width="1.2" stroke-dasharray="4 3"',
    "b": f'fill="{INK}"',
    "w": f'fill="none" stroke="{LINE}" stroke-width="1.4" marker-end="url(#head)"',
    "m": 'fill="none" stroke="#00734f" stroke-width="2.4"',
    "u": f'fill="#ffffff" stroke="{LINE}" stroke-width="0.8"',
    "e": f'fill="{QUIET}" font-size="11"',
    "j": f'fill="{INK}" font-size="11.5" text-anchor="end"',
    "q": 'fill="#ffffff" stroke="#b0b0b0" stroke-width="0.8"',
    "i": f'fill="{INK}" font-size="12" text-anchor="middle"',
    **{
        f"l{sign}": f'fill="{ink}" font-size="12" text-anchor="middle" font-weight="bold"'
        for sign, ink in (("", INK), ("p", POSITIVE), ("n", NEGATIVE))
    },
    "r": f'fill="{LINE}" fill-opacity="0.07" stroke="{LINE}" stroke-opacity="0.55" stroke-dasharray="2 4"',
    "y": f'fill="{LINE}" font-size="12" font-weight="bold"',
}
"""Attributes of each class of parts: words (k), values, gradients, names (t), constants, symbols and the oval behind
them, frames, dashed frames, bars, wires, marks of the checker, the parts of a gradient with their words (e)
and numbers (j), the ground (q), factor (i) and product (l) on a wire, frames of several cards and their titles (y)."""

_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')


def style_sheet() -> str:
    """Return the style sheet of pictures that move: p and n for the gradient's sign, x for a wire without flow."""
    rules = []
    for name, look in LOOKS.items():
        declared = [f"{key}:{value}{'px' * (key == 'font-size')}" for key, value in _ATTRIBUTE.findall(look)]
        rules.append(f".{name}{{{';'.join(declared)}}}")
    rules += [".parameter .f{stroke-width:2.6}", ".constant .f{stroke:none}", ".x .w{stroke-dasharray:4 3}"]
    for tone, fill, ink in (("p", POSITIVE_FILL, POSITIVE), ("n", NEGATIVE_FILL, NEGATIVE)):
        rules += [f".{tone} .f{{fill:{fill};stroke:{ink}}}", f".{tone} .g,.{tone} .b{{fill:{ink}}}"]
    for mark, colour in _MARKED.items():
        rules.append(f".{mark} .f,.{mark} .w{{stroke:{colour};stroke-width:2.6}}")
    rules.append(".alarm .f{fill:url(#hatch)}")
    return "".join(rules)


def svg(
    diagram: Diagram,
    layout: Layout,
    states: Mapping[str, list[State]] | None = None,
    lit: Mapping[str, str] = MappingProxyType({}),
    style: str = "",
) -> str:
    """Return a diagram as a complete SVG document, still, or moving if there are states.

    Each card shows its states in turn, an element each; `lit` has the classes of wires, `style` more rules.
    """
    look = _attributes if states is None else _class
    w, h = layout.size[0] + 2.0 * EDGE, layout.size[1] + 2.0 * EDGE
    parts = [still_opening(w, h, diagram.about) if states is None else opening(w, h, diagram.about)]
    if states is not None:
        parts.append(f"<defs>{_ARROWHEAD}</defs><style>{style_sheet()}{style}</style>")
    parts += [f"<defs>{_HATCH}</defs>"] * any(card.alarm for card in diagram.cards)
    for number_of, ((title, _), box) in enumerate(zip(diagram.frames, layout.frames, strict=False)):
        words = _text(box[0] + 9.0, box[1] + 15.0, title, look("y"))
        parts.append(f'<g id="g{number_of}"><rect {_frame(*box)} rx="10" {look("r")}/>{words}</g>')
    for wire in diagram.wires:
        parts.append(wire_svg(wire, layout.curves[wire.key], None if states is None else lit.get(wire.key, "")))
    parts += [tag_svg(text, layout.boxes[key]) for key, text in layout.tags.items()]
    parts += [_marks(wire, layout.marks[wire.key], lit.get(f"m{wire.key}")) for wire in diagram.wires if wire.marks]
    for card in diagram.cards:
        shown = () if states is None else states.get(card.key, [(NOT_COMPUTED, 0, 0.0, "")])
        parts.append(card_svg(card, layout.boxes[card.key], shown, lit))
    return ("\n" if states is None else "").join([*parts, "</svg>", ""])


PAINTED = ("fill", "stroke")
DARK = {
    POSITIVE_FILL: "#14303f",
    NEGATIVE_FILL: "#3d2817",
    NEUTRAL_FILL: "#262d33",
    "#ffffff": "#1b2126",
    POSITIVE: "#6cc3f5",
    NEGATIVE: "#f7a35c",
    INK: "#eceff1",
    QUIET: "#a9b3ba",
    "#d9d9d9": "#3a444c",
}
"""Colours of a still picture, and what they are where the reader's system asks for dark pages."""


def on_dark_pages(rules: str) -> str:
    """Return what a style sheet's rules say on dark pages, and the colours of what is hatched."""
    changed = {f'[fill="{light}"]': f"fill:{DARK[light]}" for light in ("#ffffff", "#d9d9d9")}
    for selector, declared in re.findall(r"([^{}]+)\{([^{}]*)\}", rules):
        inks = [f"{at}:{DARK[ink]}" for at, ink in re.findall(r"(fill|stroke):(#\w{6})", declared) if ink in DARK]
        changed |= {selector: ";".join(inks)} if inks else {}
    return f"@media(prefers-color-scheme:dark){{{''.join(f'{name}{{{look}}}' for name, look in changed.items())}}}"


def still_opening(w: float, h: float, about: str, rules: str = "") -> str:
    """Return the beginning of a still picture: its tag, its sentence, and its colours on dark pages.

    Its rules, and those for what is inside of ".ag-still", are for itself alone, also in a page among others.
    """
    dark = "".join(f'.ag-still [{at}="{light}"]{{{at}:{dark}}}' for light, dark in DARK.items() for at in PAINTED)
    opened = opening(w, h, about).replace("<svg ", '<svg class="ag-still" ', 1)
    style = f"<style>@media(prefers-color-scheme:dark){{{dark}}}{rules}</style>"
    return f"{opened}\n<title>{xml(about)}</title>\n{style}"


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


def wire_svg(wire: Wire, points: list[Point], lit: str | None = None) -> str:
    """Return a wire: the line and its head; in a still picture also a wide invisible line to point at.

    `lit` has the classes of a wire that moves, and is None in a still picture.
    """
    data = path(points)
    if lit is not None:
        classes = " ".join(filter(None, ["" if wire.flowing else "x", wire.mark, lit]))
        group = f'<g id="{wire.key}" class="{classes}">' if classes else f'<g id="{wire.key}">'
        return f'{group}<path class="w" d="{data}"/></g>'
    dashes = "" if wire.flowing else ' stroke-dasharray="4 3"'
    colour = _MARKED.get(wire.mark, LINE)
    return (
        f'<g id="{wire.key}"><title>{xml(wire.tip)}</title>'
        f'<path d="{data}" fill="none" stroke="{colour}" stroke-width="1.4"{dashes}/>'
        f'<polygon points="{arrowhead(points)}" fill="{colour}"/>'
        f'<path d="{data}" fill="none" stroke="{colour}" stroke-opacity="0" stroke-width="12"/></g>'
    )


def tag_svg(text: str, box: Box) -> str:
    """Return the tag of a wire that is cut: the name of its other end."""
    left, top, w, h = box
    ground = f'<rect {_frame(*box)} rx="8.5" fill="#ffffff" stroke="{LINE}" stroke-width="0.8"/>'
    middle = f'x="{number(left + w / 2.0)}" y="{number(top + h / 2.0 + 4.0)}" text-anchor="middle" font-size="11.5"'
    words = f'<text {middle} fill="{QUIET}">{xml(shortened(text, TAG))}</text>'
    return f"<g><title>{xml(text)}</title>{ground}{words}</g>"


def _marks(wire: Wire, middle: Point, lit: str | None = None) -> str:
    """Return what is written on a wire, on light ground of its own: a factor, and what goes back, in its colour."""
    w, h = marks_size(wire)
    left, top = middle[0] - w / 2.0, middle[1] - h / 2.0
    look = _attributes if lit is None else _class
    opened = f"<g><title>{xml(wire.tip)}</title>" if lit is None else f'<g id="m{wire.key}" class="chip {lit}">'
    parts = [f'{opened}<rect {_frame(left, top, w, h)} rx="5" {look("q")}/>']
    for row, mark in enumerate(wire.marks):
        kind = {"+": "lp", "−": "ln", "×": "i", "∂": "l" if row else "i"}.get(mark[0], "l")
        parts.append(_text(middle[0], top + 15.0 * row + 14.0, mark, look(kind)))
    return "".join([*parts, "</g>"])


def card_svg(card: Card, box: Box, states: Sequence[State] = (), lit: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return a card: its frame, name, badge, rows, and a bar as long as its gradient is large.

    With states, what it shows of its gradient in turn, its parts have classes in place of attributes; `lit` has those
    of the numbers in its slots, by its key, a dot and their index.
    """
    left, top, w, h = box
    base, right, middle = top + HEAD - 5.0, left + w - MARGIN, left + w / 2.0
    look = _class if states else _attributes
    parts = [_opened(card, states)]
    rounded = {"operation": ' rx="9"', "group": ' rx="4"'}.get(card.kind, "")
    if states:
        parts += [_in_state(state, f'<rect {_frame(*box)} class="f"{rounded}/>', states) for state in states]
    else:
        parts.append(_still_frame(card, box, rounded))
    if card.kind == "constant":
        inner = _frame(left + 2.5, top + 2.5, w - 5.0, h - 5.0)  # where it shows on white and on dark alike
        parts.append(f"<rect {inner} {look('d')}/>")
        parts.append(_text(middle, top + h / 2.0 + 4.5, shortened(card.name), look("c")))
        return "".join([*parts, "</g>"])
    parts.append(_text(left + MARGIN, base, shortened(card.name), look("t")))
    if card.badge:
        wide = badge_width(card)
        parts.append(f'<rect {_frame(right - wide, top + 5.0, wide, 17.0)} rx="8.5" {look("o")}/>')
        parts.append(_text(right - wide / 2.0, base - 0.3, card.badge, look("s")))
    if card.ticked:
        tick = f"M{number(right - 13)},{number(base - 5)}l4,4.5l8,-9.5"
        parts.append(f'<path {look("m")} d="{tick}"><title>{CONFIRMED}</title></path>')
    y = top + HEAD + 14.0 - ROW
    for word, text in card.rows:
        if word == "grad":
            for row, part in enumerate(card.slots):
                parts.append(_slot(left, right, y + SLOT * (row + 1), part, look, lit.get(f"{card.key}.{row}", "")))
            y += SLOT * len(card.slots)
        y += ROW
        parts.append(_text(left + MARGIN, y, word, look("k")))
        if word != "grad":
            parts.append(_text(right, y, text, look("v")))
            continue
        for state in states or [(text, card.tone, card.strength, "")]:
            content = _text(right, y, state[0], look("g", fill=card.ink))
            if states or state[2] > 0.0:
                long = (w - 2.0 * MARGIN) * state[2]
                bar = _frame(left + MARGIN, top + h - BAR - 3.0, long if states else max(1.5, long), 3.5)
                content += f'<rect {bar} rx="1.7" {look("b", fill=card.ink)}/>'
            parts.append(_in_state(state, content, states))
    return "".join([*parts, "</g>"])


def _slot(left: float, right: float, y: float, part: tuple[str, str], look: Callable[..., str], lit: str) -> str:
    """Return the line of one part of a gradient: who sends it, and what arrives in its place on light ground."""
    ground = (
        f'<rect {_frame(left + MARGIN - 4.0, y - 9.0, right - left - MARGIN + 8.0, SLOT - 2.0)} rx="4" {look("u")}/>'
    )
    word = _text(left + MARGIN, y + 2.0, shortened(part[0], TAG + 5), look("e"))
    number = _text(right, y + 2.0, part[1], look("j"))
    return f"<g>{ground}{word}{f'<g class={chr(34)}{lit}{chr(34)}>{number}</g>' if lit else number}</g>"


def _opened(card: Card, states: Sequence[State]) -> str:
    if not states:
        return f'<g id="{card.key}"><title>{xml(card.tip)}</title>'
    tone = ("", "p", "n")[states[0][1]] if len(states) == 1 else ""
    classes = " ".join(filter(None, [card.kind, tone, card.mark, "alarm" * card.alarm]))
    return f'<g id="{card.key}" class="{classes}">'


def _in_state(state: State, content: str, states: Sequence[State]) -> str:
    """Return what belongs to one of several states with its classes."""
    if len(states) < 2:
        return content
    return f'<g class="{" ".join(filter(None, [("", "p", "n")[state[1]], state[3]]))}">{content}</g>'


def _still_frame(card: Card, box: Box, rounded: str) -> str:
    """Return the frame of a card in a still picture; that of a group has another behind it."""
    left, top, w, h = box
    fill = "url(#hatch)" if card.alarm else card.fill
    if card.kind == "constant":
        return f'<rect {_frame(*box)} fill="{fill}"/>'
    behind = ""
    if card.kind == "group":
        behind = f'<rect {_frame(left + 4.0, top - 4.0, w, h)} rx="4" fill="{card.fill}" stroke="{LINE}"/>'
    stroke = _MARKED.get(card.mark) or (LINE, POSITIVE, NEGATIVE)[card.tone]
    thick = 2.6 if card.kind == "parameter" or card.mark else 1.2
    return f'{behind}<rect {_frame(*box)} fill="{fill}" stroke="{stroke}" stroke-width="{thick}"{rounded}/>'


def _class(name: str, **_: str) -> str:
    return f'class="{name}"'


def _attributes(name: str, **own: str) -> str:
    found = dict(_ATTRIBUTE.findall(LOOKS[name])) | own
    return " ".join(f'{key}="{value}"' for key, value in found.items())


def _frame(left: float, top: float, w: float, h: float) -> str:
    return f'x="{number(left)}" y="{number(top)}" width="{number(w)}" height="{number(h)}"'


def _text(x: float, y: float, text: str, look: str) -> str:
    return f'<text x="{number(x)}" y="{number(y)}" {look}>{xml(text)}</text>'
