"""The pages of the site: the README, the course, the operations, the reference, benchmarks, and which tool when.

Markdown is markdown-it's work, highlighting Pygments', mathematics latex2mathml's, and the reference pdoc's.
"""

from __future__ import annotations

import ast
import base64
import html
import json
import re
import sys
import warnings
import zlib
from importlib import import_module
from importlib.metadata import metadata
from itertools import pairwise
from math import isfinite
from pathlib import Path

from autograd_mini.engine.formula import evaluate, parse
from autograd_mini.engine.ops import TABLE
from autograd_mini.engine.value import Value
from autograd_mini.extras import extra
from autograd_mini.notation.tex import Tex, apply, constant, symbol
from autograd_mini.site import benchmarks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from autograd_mini.engine.ops import Op

ASSETS = Path(__file__).parent / "assets"
PACKAGE = Path(__file__).parents[1]
_INSIDE = PACKAGE / "notebooks"
COURSE = _INSIDE if _INSIDE.is_dir() else PACKAGE.parent / "notebooks"
"""The folder of the course: in a wheel within the package, in a checkout beside it."""

PUBLIC = ("", ".nn", ".optim", ".train", ".testing", ".datasets", ".files", ".viz.plot", ".errors")
"""The modules that the reference describes."""

NOT_IN_THE_BROWSER = ("numpy", "matplotlib", "scipy", "sympy", "micrograd", "hypothesis", "ag.plot", "jit(", "compile=")
"""What a program may not mention to be offered to the playground."""

LINKS = {
    "index.html": "autograd_mini",
    "playground.html": "Playground",
    "course/index.html": "Course",
    "operations.html": "Operations",
    "reference/index.html": "Reference",
    "benchmarks.html": "Benchmarks",
    "tools.html": "Which tool when",
}


def build(folder: Path) -> None:
    """Write the pages into a folder; raises as `site.build` says."""
    _page(folder, "index.html", "autograd_mini", _markdown(_readme()))
    _page(folder, "tools.html", "Which tool when", _markdown((ASSETS / "tools.md").read_text(encoding="utf-8")))
    _page(folder, "operations.html", "Operations", _operations())
    _page(folder, "benchmarks.html", "Benchmarks", benchmarks.body())
    for picture in (COURSE / "pictures").iterdir():
        (folder / "notebooks" / "pictures").mkdir(parents=True, exist_ok=True)
        (folder / "notebooks" / "pictures" / picture.name).write_bytes(picture.read_bytes())
    lessons = sorted(COURSE.glob("*.ipynb"), key=lambda path: int(path.stem.partition("_")[0]))
    titles = [lesson.stem.replace("_", " ").replace(" ", ". ", 1) for lesson in lessons]
    entries = "".join(
        f'<li><a href="{lesson.stem}.html">{title.partition(". ")[2].capitalize()}</a></li>'
        for lesson, title in zip(lessons, titles, strict=True)
    )
    _page(folder, "course/index.html", "Course", f"<h1>The course</h1><ol>{entries}</ol>")
    for lesson, title in zip(lessons, titles, strict=True):
        _page(folder, f"course/{lesson.stem}.html", title, _lesson(lesson))
    _reference(folder / "reference")


def _page(folder: Path, name: str, title: str, body: str) -> None:
    """Write a page around its body."""
    root = "../" * name.count("/")
    links = "".join(
        f'<a href="{root}{target}"{" aria-current=page" if target == name else ""}>{text}</a>'
        for target, text in LINKS.items()
    )
    text = (ASSETS / "page.html").read_text(encoding="utf-8")
    for field, value in {"title": html.escape(title), "root": root, "links": links, "body": body}.items():
        text = text.replace(f"{{{field}}}", value)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def _readme() -> str:
    """Return the README: the checkout's, or what an installed package says of itself."""
    path = PACKAGE.parent / "README.md"
    return path.read_text(encoding="utf-8") if path.is_file() else str(metadata("autograd_mini").json["description"])


# --- Markdown ---


def _markdown(text: str, *, tags: bool = False) -> str:
    """Return Markdown as HTML, with anchors at headings; links to files of the repository become plain text.

    Args:
        text: the Markdown.
        tags: whether tags in it are tags, as in the course, and not shown as they are written.

    """
    parser = extra("markdown_it", "the site").MarkdownIt("commonmark", {"highlight": _highlighted, "html": tags})
    parser.enable("table")
    tokens = parser.parse(text)
    for token, following in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _anchor(following.content))
        if following.type == "inline":
            following.children = [*_linked(following.children)]
    written = str(parser.renderer.render(tokens, parser.options, {}))
    return written.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")


def _linked(tokens: list[Any]) -> Iterator[Any]:
    """Yield the tokens of a line without the links that lead to files of the repository."""
    dropped = False
    for token in tokens:
        if token.type == "link_open":
            target = str(token.attrs["href"])
            dropped = not target.startswith(("#", "http:", "https:", *LINKS))
            if dropped:
                continue
        if token.type == "link_close" and dropped:
            dropped = False
            continue
        yield token


def _anchor(heading: str) -> str:
    """Return the anchor of a heading, as repositories show it.

    >>> _anchor("Coming from micrograd, PyTorch or JAX")
    'coming-from-micrograd-pytorch-or-jax'

    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _highlighted(code: str, language: str = "python", _attributes: str = "") -> str:
    """Return code as HTML with a class for each kind of word; a session of the interpreter keeps its prompts."""
    lexers, formatters = extra("pygments.lexers", "the site"), extra("pygments.formatters", "the site")
    name = "pycon" if code.startswith(">>>") else "python" if language in {"python", "pycon"} else "text"
    lexer = lexers.get_lexer_by_name(name)
    return str(extra("pygments", "the site").highlight(code, lexer, formatters.HtmlFormatter(nowrap=True)))


def _mathematics(tex: str) -> str:
    """Return LaTeX as MathML, which browsers show without a script."""
    written = str(extra("latex2mathml.converter", "the site").convert(tex))
    return written.replace(
        ' fence="true" form="prefix" stretchy="false"', ' fence="true" form="prefix" stretchy="true"'
    )


# --- the course ---


def _lesson(path: Path) -> str:
    """Return a notebook as HTML: its cells, what they showed, and links that open them in the playground."""
    body: list[str] = []
    before: list[str] = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            body.append(_markdown(source, tags=True))
            continue
        shown = "".join(map(_output, cell["outputs"]))
        before.append(source)
        program = _program(before)
        link = ""
        if shown and program and not any(word in program for word in NOT_IN_THE_BROWSER):
            link = f'<a class="try" href="../playground.html#code={_packed(program)}">Open in the playground</a>'
        code = f"<pre><code>{_highlighted(source)}</code></pre>"
        body.append(f'<div class="cell">{code}{link}<div class="shown">{shown}</div></div>')
    return "\n".join(body)


def _program(cells: list[str]) -> str:
    r"""Return the last of some cells with what it needs of those before, as one program.

    >>> print(_program(["import os", "from math import pi\nr = 2\nh = 3", "print(h)", "pi * r**2"]))
    from math import pi
    r = 2
    <BLANKLINE>
    pi * r**2

    """
    try:
        *before, last = [ast.parse(cell) for cell in cells]
    except SyntaxError:  # what only a notebook understands
        return ""
    statements = [(cell, statement) for cell, tree in zip(cells, before, strict=False) for statement in tree.body]
    modules = {name for _, statement in statements if isinstance(statement, _IMPORTS) for name in _bound(statement)}
    wanted = _used(last)
    kept = []
    for cell, statement in reversed(statements):
        source = ast.get_source_segment(cell, statement) or ""
        drawn = any(word in source for word in NOT_IN_THE_BROWSER)
        changes = isinstance(statement, ast.Expr) and not drawn and wanted & (_used(statement) - modules)
        if changes or wanted & _bound(statement):
            kept.append(source)
            wanted |= _used(statement)
    return "\n".join([*reversed(kept), "", cells[-1]]) if kept else cells[-1]


_IMPORTS = (ast.Import, ast.ImportFrom)


def _used(tree: ast.AST) -> set[str]:
    """Return the names that a program mentions."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement gives something to."""
    if isinstance(statement, _IMPORTS):
        return {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _output(output: dict[str, Any]) -> str:
    """Return what a cell showed as HTML, in the richest form that is stored."""
    if output["output_type"] == "stream":
        return f"<pre>{html.escape(''.join(output['text']))}</pre>"
    data = {form: "".join(text) for form, text in output.get("data", {}).items()}
    if "text/html" in data:
        return data["text/html"]
    described = f'alt="{html.escape(data.get("text/plain", ""))}"'
    if "image/svg+xml" in data:
        source = base64.b64encode(data["image/svg+xml"].encode()).decode()
        return f'<img {described} src="data:image/svg+xml;base64,{source}">'
    if "image/png" in data:
        return f'<img {described} src="data:image/png;base64,{data["image/png"].strip()}">'
    if "text/latex" in data:
        return _mathematics(data["text/latex"].strip().strip("$"))
    return f"<pre>{html.escape(data.get('text/plain', ''))}</pre>"


def _packed(code: str) -> str:
    """Return code as a link of the playground carries it: deflated, in the letters that a link may hold."""
    press = zlib.compressobj(9, wbits=-15)
    return base64.urlsafe_b64encode(press.compress(code.encode()) + press.flush()).decode().rstrip("=")


# --- the operations ---


def _operations() -> str:
    """Return the table of operations: each with its formula, its partial derivatives, and their curves."""
    sections = "".join(_operation(row) for row in TABLE.values() if row.builtin)
    return (
        "<h1>Operations</h1><p>Each is one row of the table that the engine, the compiler and the pictures are made "
        "from: the value <i>z</i> and its derivative by each operand. An operation of one operand has its curve beside "
        "it, over the interval that the tests draw from; the dashed one is its derivative.</p>" + sections
    )


def _operation(row: Op) -> str:
    """Return a row of the table as a section of a page."""
    formulas = [f"z = {_typeset(row, row.value)}"]
    for operand, partial in zip(row.operands, row.partials, strict=True):
        formulas.append(f"{_PARTIAL % operand} = {_typeset(row, partial)}")
    lines = "".join(f'<p class="wide">{_mathematics(formula)}</p>' for formula in formulas)
    curve = _curve(row) if len(row.operands) == 1 else ""
    return (
        f'<section class="operation" id="{row.name}"><h2><code>{row.name}</code></h2>'
        f"<div><p>{html.escape(row.doc)}</p>{lines}</div>{curve}</section>"
    )


_PARTIAL = r"\frac{\partial z}{\partial %s}"


def _typeset(row: Op, formula: str) -> Tex:
    """Return a formula of the table in LaTeX."""
    names = (*row.operands, "z")
    return evaluate(parse(formula, names, own=row), _Typesetting(), {name: symbol(name) for name in names})


class _Typesetting:
    r"""The algebra of formulas in LaTeX, where a `where` stands as its cases.

    >>> print(evaluate(parse("where(x > 0.0, x, 0.0)", ("x",)), _Typesetting(), {"x": symbol("x")}))
    \begin{cases} x & x > 0 \\ 0 & \text{else} \end{cases}

    """

    def constant(self, number: float) -> Tex:
        return constant(number)

    def apply(self, name: str, operands: list[Tex]) -> Tex:
        return apply(name, operands)

    def compare(self, relation: str, x: Tex, y: Tex) -> str:
        return f"{x} {_RELATIONS.get(relation, relation)} {y}"

    def join(self, junction: str, conditions: list[str]) -> str:
        return f" \\text{{ {junction} }} ".join(conditions)

    def where(self, condition: str, this: Callable[[], Tex], otherwise: Callable[[], Tex]) -> Tex:
        rest = str(otherwise())
        if rest.startswith(_CASES):  # one brace for a chain of conditions
            rest = rest.removeprefix(_CASES).removesuffix(_END)
        else:
            rest += r" & \text{else}"
        return Tex(rf"{_CASES}{this()} & {condition} \\ {rest}{_END}")


_CASES, _END = r"\begin{cases} ", r" \end{cases}"
_RELATIONS = {"<=": r"\le", ">=": r"\ge", "==": "=", "!=": r"\ne"}


def _curve(row: Op) -> str:
    """Return the curves of an operation of one operand and of its derivative, as an SVG."""
    [(low, high)] = row.domain
    values, slopes = [], []
    for step in range(81):
        x = Value(low + (high - low) * step / 80)
        z = getattr(x, row.method or row.name)()
        z.backward()
        values.append(z.data)
        slopes.append(x.grad)
    shown = [number for number in (*values, *slopes) if isfinite(number)]
    bottom, top = max(min(shown), -6.0), min(max(shown), 6.0)
    scale = 92.0 / ((top - bottom) or 1.0)

    def line(numbers: list[float], name: str) -> str:
        points = " ".join(
            f"{2.0 * step:.0f},{96.0 - scale * (min(max(number, bottom), top) - bottom):.1f}"
            for step, number in enumerate(numbers)
            if isfinite(number)
        )
        return f'<polyline class="{name}" points="{points}"/>'

    zero = 96.0 + scale * bottom
    axis = f'<line class="axis" x1="0" x2="160" y1="{zero:.1f}" y2="{zero:.1f}"/>' if bottom <= 0.0 <= top else ""
    label = f"{row.name} and its derivative from {low:g} to {high:g}"
    curves = f"{axis}{line(values, 'f')}{line(slopes, 'df')}"
    return f'<svg class="curve" viewBox="0 0 160 100" role="img" aria-label="{label}">{curves}</svg>'


def _reference(folder: Path) -> None:
    """Let pdoc write the reference of the public modules.

    It runs what stands there for type checkers alone, overloads without a body; what names meant before is put back.
    """
    pdoc = extra("pdoc", "the site")
    for public in map(import_module, (f"autograd_mini{name}" for name in PUBLIC)):
        for name in getattr(public, "__all__", ()):
            getattr(public, name)  # loads the module where it lives
    meant = {name: dict(vars(module)) for name, module in sys.modules.items() if name.startswith("autograd_mini")}
    pdoc.render.configure(docformat="google", footer_text="autograd_mini", search=True, show_source=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of annotations that only type checkers can resolve
        pdoc.pdoc(*(f"autograd_mini{name}" for name in PUBLIC), output_directory=folder)
    for name, names in meant.items():
        vars(sys.modules[name]).update(names)
