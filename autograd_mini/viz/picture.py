"""A picture: a graphviz.Digraph that draws itself as cards, shows itself in notebooks, and saves in many formats."""

from __future__ import annotations

from pathlib import Path

import graphviz  # type: ignore[import-untyped, import-not-found, unused-ignore]

from autograd_mini.viz.dot import dot_lines, mermaid
from autograd_mini.viz.javascript import inlined, page
from autograd_mini.viz.layout import arranged, in_one_piece
from autograd_mini.viz.renderers import render, xdot_source
from autograd_mini.viz.stage import Stage
from autograd_mini.viz.svg import svg

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from autograd_mini.viz.diagram import Diagram

ENDINGS = (".svg", ".png", ".pdf", ".dot", ".gv", ".html", ".mmd")


class Picture(graphviz.Digraph):  # type: ignore[misc]  # graphviz is not typed
    """The picture of a graph.

    It is a graphviz.Digraph: `source` is its DOT, and statements may be added to it. As long as none are, SVG is drawn
    from the cards themselves; else Graphviz renders the source.
    """

    def __init__(self, diagram: Diagram) -> None:
        super().__init__(body=[f"\t{line}\n" for line in dot_lines(diagram)])
        self.diagram = diagram
        self._drawn: str | None = None
        self._untouched = self.source

    def svg(self) -> str:
        """Return the picture as an SVG document."""
        if self.source != self._untouched:
            return self._rendered("svg").decode()
        if self._drawn is None:
            drawn = self.diagram.drawn
            self._drawn = drawn or svg(self.diagram, arranged(self.diagram))
        return self._drawn

    def _rendered(self, form: str) -> bytes:
        """Return the picture as PNG or PDF; with statements added, what Graphviz makes of the source."""
        if self.source == self._untouched:
            return render(xdot_source(self.svg()), form, "nop2")
        if not self.diagram.drawn and not in_one_piece(self.diagram):
            raise ValueError(
                f"statements were added to a picture of {len(self.diagram.cards)} cards, which Graphviz would lay out "
                "for minutes: draw a part of it, such as draw(y.args[0]), or save it as .dot"
            )
        return render(self.source, form)

    def mermaid(self) -> str:
        """Return the picture as a Mermaid flowchart."""
        return mermaid(self.diagram)

    def html(self) -> str:
        """Return a page of its own with the picture on a stage, to zoom and to move, that needs nothing else."""
        if self.diagram.drawn or self.source != self._untouched:
            return page(self.diagram.about, f"<figure>\n{self.svg()}</figure>")
        return page(self.diagram.about, Stage(self.diagram).html())

    def save(self, filename: Any = None, directory: Any = None, *, skip_existing: bool | None = False) -> str:
        """Write the picture, in the format of the file's ending, and return the path.

        Args:
            filename: a path that ends in .svg, .png, .pdf, .dot (or .gv), .html or .mmd (Mermaid). Without it the DOT
                source goes where graphviz puts it.
            directory: where `filename` stands, as for graphviz.
            skip_existing: whether to leave a file that exists.

        Raises:
            ValueError: for another ending.
            MissingRendererError: if nothing installed can write the format.

        """
        if filename is None:
            return str(super().save(filename, directory, skip_existing=skip_existing))
        path = Path(directory or "", filename)
        ending = path.suffix.lower()
        if ending not in ENDINGS:
            raise ValueError(f"filename is {str(filename)!r}, expected one that ends in {', '.join(ENDINGS)}")
        if skip_existing and path.exists():
            return str(path)
        if ending in {".png", ".pdf"}:
            content = self._rendered(ending[1:])
        else:
            made = {".svg": self.svg, ".html": self.html, ".mmd": self.mermaid}.get(ending, lambda: self.source)
            content = made().encode()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return str(path)

    def pipe(self, format: str | None = None, *args: Any, encoding: str | None = None, **settings: Any) -> Any:  # noqa: A002 - graphviz's name
        """Return the picture rendered, as bytes, or text if an encoding is given; see graphviz.Digraph.pipe."""
        wanted = format or self.format
        if args or settings or wanted not in {"svg", "png", "pdf"}:
            return super().pipe(wanted, *args, encoding=encoding, **settings)
        content = self.svg().encode() if wanted == "svg" else self._rendered(wanted)
        return content.decode(encoding) if encoding else content

    def render(self, filename: Any = None, directory: Any = None, *args: Any, **settings: Any) -> str:
        """Write the DOT source and the picture beside it, and return the picture's path, as graphviz does."""
        wanted = settings.get("format") or self.format
        if args or settings.keys() - {"format", "cleanup"} or wanted not in {"svg", "png", "pdf"}:
            return str(graphviz.Source(self.source, self.filename).render(filename, directory, *args, **settings))
        source = Path(graphviz.Source(self.source, self.filename).save(filename, directory))
        picture = source.with_name(f"{source.name}.{wanted}")
        picture.write_bytes(self.pipe(wanted))
        if settings.get("cleanup"):
            source.unlink()
        return str(picture)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, Any]:
        """Show the picture in a notebook, in the colours of its theme, and its sentence where pictures do not go."""
        about, svg = self.diagram.about, self.svg()
        shown: dict[str, Any] = {"text/html": inlined(about, svg), "image/svg+xml": svg, "text/plain": about}
        return {
            kind: data
            for kind, data in shown.items()
            if (not include or kind in include) and kind not in (exclude or ())
        }
