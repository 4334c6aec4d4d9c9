"""A cell: Python code that runs as a notebook would run it, in the interpreter that the playground's page has started.

What the cell prints goes out as it is printed. The value of its last expression is shown, and whatever it hands to
`display`: by the richest of the representations that Jupyter asks a value for.
"""

from __future__ import annotations

import ast
import linecache
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    Post = Callable[..., object]

NAME = "<cell>"
"""The name of the cell's code in tracebacks."""

REPRESENTATIONS = {"text/html": "_repr_html_", "image/svg+xml": "_repr_svg_", "text/latex": "_repr_latex_"}
"""The methods that Jupyter asks a value for, the richest first."""


class Cell:
    r"""An interpreter's side of a cell.

    Args:
        post: takes what goes to the page: "text" with the stream's name and a text, "show" with a type, a text and the
            name of the place that it replaces, "clear" with whether to wait for what comes next, "error" with a text.

    >>> posted = []
    >>> cell = Cell(lambda *message: posted.append(message))
    >>> cell.run("a = 6\nprint(a)\na * 7")
    True
    >>> posted
    [('text', 'stdout', '6'), ('text', 'stdout', '\n'), ('show', 'text/plain', '42', '')]

    """

    def __init__(self, post: Post) -> None:
        self._post = post
        self._names: dict[str, Any] = {}

    def run(self, source: str) -> bool:
        """Run the cell from the start, in a namespace of its own, and return whether it went through."""
        self._names = {"__name__": "__main__", "display": self.display, "clear_output": self.clear_output}
        display = sys.modules.get("IPython.display")
        sys.modules["IPython.display"] = self._display_module()
        linecache.cache[NAME] = (len(source), None, source.splitlines(keepends=True), NAME)
        try:
            with redirect_stdout(_Stream(self._post, "stdout")), redirect_stderr(_Stream(self._post, "stderr")):
                self._execute(ast.parse(source, NAME))
        except BaseException as error:  # noqa: BLE001 - what ends a cell is shown, SystemExit too
            self._post("error", _report(error))
            return False
        finally:
            if display is None:
                sys.modules.pop("IPython.display", None)
            else:
                sys.modules["IPython.display"] = display
        return True

    def _execute(self, tree: ast.Module) -> None:
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, NAME, "exec"), self._names)  # noqa: S102 - the reader's own code, in the reader's browser
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), NAME, "eval"), self._names)  # noqa: S307 - as above
            if value is not None:
                self.display(value)

    def display(self, *values: Any, display_id: str = "") -> None:
        """Show values, as `IPython.display.display` does.

        Args:
            *values: what to show, one below the other.
            display_id: the name of a place: what is shown under the name of one that stands replaces it.

        """
        for value in values:
            self._post("show", *representation(value), display_id)

    def clear_output(self, wait: bool = False) -> None:  # noqa: FBT001, FBT002 - as IPython has it
        """Remove what was shown, as `IPython.display.clear_output` does.

        Args:
            wait: until something else is shown, so that nothing flickers.

        """
        self._post("clear", wait)

    def _display_module(self) -> ModuleType:
        """Return what `from IPython.display import …` finds, so that a notebook's cells run unchanged."""
        module = ModuleType("IPython.display")
        vars(module).update(display=self.display, clear_output=self.clear_output)
        forms = {"HTML": "text/html", "SVG": "image/svg+xml", "Math": "text/latex", "Latex": "text/latex"}
        for name, form in forms.items():
            setattr(module, name, lambda data, form=form: _Typed(form, data))
        return module


class _Typed:
    """A text with its type, as IPython's HTML, SVG and Math are."""

    def __init__(self, form: str, data: str) -> None:
        self._bundle = {form: data}

    def _repr_mimebundle_(self) -> dict[str, str]:
        return self._bundle


class _Stream:
    """A stream of text whose other end is the page."""

    encoding = "utf-8"

    def __init__(self, post: Post, name: str) -> None:
        self._post, self._name = post, name

    def write(self, text: str) -> int:
        if text:
            self._post("text", self._name, text)
        return len(text)

    def flush(self) -> None:
        """Do nothing: each write is on its way."""

    def isatty(self) -> bool:
        return False


def representation(value: Any) -> tuple[str, str]:
    """Return the type and the text of the richest representation of a value, `repr` if it has no other.

    >>> representation([1.5])
    ('text/plain', '[1.5]')

    """
    if (method := getattr(value, "_repr_mimebundle_", None)) is not None:
        bundle = method()
        bundle = bundle[0] if isinstance(bundle, tuple) else bundle
        for form in REPRESENTATIONS:
            if form in bundle:
                return form, bundle[form]
    for form, name in REPRESENTATIONS.items():
        if (method := getattr(value, name, None)) is not None and (text := method()) is not None:
            return form, text
    return "text/plain", repr(value)


def _report(error: BaseException) -> str:
    """Return the traceback of an error, from the line of the cell inwards."""
    trace: TracebackType | None = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != NAME:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))
