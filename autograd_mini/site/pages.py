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
from pathlib import Path

from autograd_mini.extras import extra
from autograd_mini.site import benchmarks, operations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

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
    _page(folder, "operations.html", "Operations", operations.body())
    _page(folder, "benchmarks.html", "Benchmarks", benchmarks.body())
    for picture in (COURSE / "pictures").iterdir():
        (folder / "notebooks" / "pictures").mkdir(parents=True, exist_ok=True)
        (folder / "notebooks" / "pictures" / picture.name).write_bytes(picture.read_bytes())
    lessons = sorted(COURSE.glob("*.ipynb"), key=lambda path: int(path.stem.partition("_")[0]))
    cells = {lesson.stem: json.loads(lesson.read_text(encoding="utf-8"))["cells"] for lesson in lessons}
    titles = {name: _title(first) for name, [first, *_] in cells.items()}
    entries = "".join(
        f'<li><a href="{name}.html">{titles[name].partition(". ")[2]}</a>{_aim(first)}</li>'
        for name, [first, *_] in cells.items()
    )
    _page(folder, "course/index.html", "Course", _COURSE.format(entries=entries))
    for name, before, after in zip(cells, ("", *titles), (*[*titles][1:], ""), strict=False):
        way = "".join(
            f'<a href="{page}.html">{titles[page]}</a>' if page else "<span></span>" for page in (before, after)
        )
        body = _lesson(cells[name]) + f'<nav class="way" aria-label="Pages of the course">{way}</nav>'
        _page(folder, f"course/{name}.html", titles[name], body)
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
            if target.endswith(".ipynb"):
                target = target.replace("notebooks/", "course/").replace(".ipynb", ".html")
                token.attrSet("href", target)
                yield token
                continue
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


# --- the course ---


_COURSE = """\
<h1>The course</h1>
<p>Ten pages lead from a derivative to a language model: pictures first, questions before answers. Each is a notebook
that <code>autograd-mini course</code> opens; many of its cells open in the playground, where they can be changed.</p>
<ol>{entries}</ol>
"""


def _title(cell: dict[str, Any]) -> str:
    """Return the heading of a page of the course."""
    return html.escape("".join(cell["source"]).partition("\n")[0].lstrip("# "), quote=False)


def _aim(cell: dict[str, Any]) -> str:
    """Return what a page of the course leads to: its first paragraph, as HTML."""
    return _markdown("".join(cell["source"]).split("\n\n")[1], tags=True)


def _lesson(cells: list[dict[str, Any]]) -> str:
    """Return a notebook as HTML: its cells, what they showed, and links that open them in the playground."""
    body: list[str] = []
    before: list[str] = []
    for cell in cells:
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
        return f'<div class="mathematics">{operations.mathematics(data["text/latex"].strip().strip("$"))}</div>'
    return f"<pre>{html.escape(data.get('text/plain', ''))}</pre>"


def _packed(code: str) -> str:
    """Return code as a link of the playground carries it: deflated, in the letters that a link may hold."""
    press = zlib.compressobj(9, wbits=-15)
    return base64.urlsafe_b64encode(press.compress(code.encode()) + press.flush()).decode().rstrip("=")


def _described(markdown: str) -> str:
    """Return a docstring as HTML, where "<x, y>" is no tag, and "Arguments" no heading that its page has twice."""
    helpers = extra("pdoc", "the site").render_helpers
    written = helpers.markdown2.markdown(
        markdown,
        safe_mode="escape",
        extras=helpers.markdown_extensions,
        link_patterns=helpers.markdown_link_patterns,
    )
    return re.sub(r"<h6[^>]*>(.*?)</h6>", r'<p class="part">\1</p>', written)


def _reference(folder: Path) -> None:
    """Let pdoc write the reference of the public modules.

    It runs what stands there for type checkers alone, overloads without a body; what names meant before is put back.
    """
    pdoc = extra("pdoc", "the site")
    for public in map(import_module, (f"autograd_mini{name}" for name in PUBLIC)):
        for name in getattr(public, "__all__", ()):
            getattr(public, name)  # loads the module where it lives
    meant = {name: dict(vars(module)) for name, module in sys.modules.items() if name.startswith("autograd_mini")}
    pdoc.render.configure(
        docformat="google",
        footer_text="autograd_mini",
        search=True,
        show_source=False,
        template_directory=ASSETS / "reference",
    )
    pdoc.render.env.filters["described"] = _described
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of annotations that only type checkers can resolve
        pdoc.pdoc(*(f"autograd_mini{name}" for name in PUBLIC), output_directory=folder)
    for name, names in meant.items():
        vars(sys.modules[name]).update(names)
