"""A live page: a picture that computes on its own, offline, with the rows of the table in JavaScript.

A formula becomes an expression of JavaScript by one more algebra of `formula.evaluate`, with the primitives of
`web/arithmetic.js`, so that a page and the engine follow the same rows.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from hashlib import blake2s
from itertools import product
from math import isfinite
from pathlib import Path

from autograd_mini.engine.formula import EXACT, OPERATORS, evaluate, names_in, parse, scaled
from autograd_mini.engine.ops import CHOICE as CHOICE_ROW
from autograd_mini.engine.ops import TABLE
from autograd_mini.engine.value import Value
from autograd_mini.viz.partials import WRITTEN, NotReplayableError, call_of, derivative_tree, term
from autograd_mini.viz.text import named, names, xml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike
    from typing import Any

    from autograd_mini.engine.formula import Tree
    from autograd_mini.engine.ops import Op
    from autograd_mini.viz.diagram import Diagram
    from autograd_mini.viz.long_sums import Shown
    from autograd_mini.viz.partials import Term

    _Element = tuple[str, list[tuple[str, Term]]]

SUM, CHOICE = "Σ", "?"
"""What a program calls a sum of any number of terms, and the choice between two operands."""


class Rows:
    """The algebra of expressions in JavaScript, which notes the rows that they call.

    >>> Rows().write(parse(TABLE["relu"].value, ("x",)))
    '(x <= 0.0 ? 0.0 : x)'

    """

    def __init__(self) -> None:
        self.keys: dict[Op, str] = {}
        self.formulas: dict[str, str] = {}
        self._uses: dict[str, Op] = {}

    def key(self, op: Op) -> str:
        """Return what a row is called, and note it; two definitions of one name have two keys."""
        return self.keys.setdefault(op, op.name + "'" * sum(known.name == op.name for known in self.keys))

    def text(self) -> str:
        """Return the object of all rows noted, and of those that they call: the value, then a function a partial."""
        written: dict[Op, str] = {}
        while missing := [op for op in self.keys if op not in written]:
            for op in missing:
                self._uses = op.uses | {op.name: op}
                trees = [parse(formula, (*op.operands, "z"), own=op) for formula in (op.value, *op.partials)]
                value, *partials = [trees[0], *(scaled(tree, "g") for tree in trees[1:])]
                functions = [f"({', '.join(op.operands)}) => {self.write(value)}"]
                functions += [f"(x, y, z, g) => {self.write(tree)}" for tree in partials]
                written[op] = f"{json.dumps(self.keys[op])}: [{', '.join(functions)}]"
        return "{" + ", ".join(written.values()) + "}"

    def write(self, tree: Tree) -> str:
        """Return a formula as an expression."""
        return evaluate(tree, self, {name: name for name in names_in(tree)})

    def constant(self, number: float) -> str:
        """Return a number."""
        return repr(number).replace("inf", "Infinity")

    def apply(self, name: str, operands: list[str]) -> str:
        """Write an operator, a primitive, or the call of another row."""
        op = self._uses.get(name) or TABLE[name]
        if name == "neg":
            return f"(-{operands[0]})"
        if name in INFIX:
            return f"({operands[0]} {op.symbol} {operands[1]})"
        if op.primitive or name in {"pow", "mod", "floordiv"}:
            return f"ieee.{name}({', '.join(operands)})"
        return f"rows[{json.dumps(self.key(op))}][0]({', '.join(operands)})"

    def compare(self, relation: str, x: str, y: str) -> str:
        """Write a comparison."""
        return f"{x} {relation}{'=' * (relation in {'==', '!='})} {y}"

    def join(self, junction: str, conditions: list[str]) -> str:
        """Write a conjunction or a disjunction."""
        return f"({(' && ' if junction == 'and' else ' || ').join(conditions)})"

    def where(self, condition: str, this: Callable[[], str], otherwise: Callable[[], str]) -> str:
        """Write a choice."""
        return f"({condition} ? {this()} : {otherwise()})"


INFIX = (EXACT | {"truediv"}) & {*OPERATORS.values()}
"""The rows that are operators of JavaScript, with the same results."""


def program(shown: Shown, rows: Rows) -> list[Any]:
    """Return what is shown of a graph as a program of `web/arithmetic.js`, one entry a node.

    A leaf is its number, a result a list: the key of its row, then for each operand the index of its node, or a list
    of its number alone. A `where` has its condition first, which may be a truth value.
    """
    index = {node: at for at, node in enumerate(shown.nodes)}

    def operand(part: Value | float) -> Any:
        if isinstance(part, Value):
            return index[part]
        return part if isinstance(part, bool) else [plain(part)]

    made: list[Any] = []
    for node in shown.nodes:
        if not node.op:
            made.append(plain(node.data))
            continue
        if call_of(node) is not None:
            raise NotReplayableError(
                f"the graph holds {node.op}(…), which is no operation of the table, so it cannot be computed again"
            )
        operands = shown.terms.get(node) or node.args
        op = node._pull.rule.op  # type: ignore[union-attr]  # it has operands
        row = SUM if node in shown.terms else CHOICE if op is CHOICE_ROW else rows.key(op)
        made.append([row, *map(operand, operands)])
    return made


def live_numbers(diagram: Diagram, shown: Shown, rows: Rows) -> dict[str, Any]:
    """Return what a stage computes its numbers from: the program, and the card of each of its nodes.

    The formulas of local derivatives that are other ones for other numbers are noted in the rows, by wire. Nothing is
    returned where the graph cannot be computed again.
    """
    try:
        made = program(shown, rows)
    except NotReplayableError:
        return {}
    called = names(shown.nodes)
    nodes = {key: node for node, key in diagram.keys.items()}
    for wire in diagram.wires:
        node = nodes[wire.head]
        if wire.partial is not None and wire.formula and node not in shown.terms and node.op != CHOICE_ROW.name:
            text = _changing_formula(node, wire.at, called, rows)
            if text:
                rows.formulas[wire.key] = text
    return {"program": made, "order": [diagram.keys[node] for node in shown.nodes]}


def _changing_formula(node: Value, position: int, called: dict[Value, str], rows: Rows) -> str:
    """Return a function in JavaScript that writes a local derivative; nothing where it is always the same text."""
    op = node._pull.rule.op  # type: ignore[union-attr]  # it has operands
    known = {"z": called[node]} | {
        letter: called[part] for letter, part in zip(op.operands, node.args, strict=True) if isinstance(part, Value)
    }
    algebra = _Alternatives(rows)
    held: dict[str, Any] = {
        letter: part for letter, part in zip(op.operands, node.args, strict=True) if letter not in known
    }
    elements: dict[str, _Element] = {letter: (letter, [("", term(named(name)))]) for letter, name in known.items()}
    elements |= {letter: algebra.constant(float(number)) for letter, number in held.items()}
    _, cases = evaluate(derivative_tree(op, op.operands[position]), algebra, elements)
    if len({case.text for _, case in cases}) < 2:
        return ""
    written = "".join(f"{condition} ? {script_data(case.text)} : " for condition, case in cases[:-1])
    return f"(x, y, z) => {written}{script_data(cases[-1][1].text)}"


class _Alternatives:
    """The algebra of formulas with the cases they distinguish: an expression, and for each condition what is written.

    A condition among plain numbers is decided at once, one that asks operands by the page.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def constant(self, number: float) -> _Element:
        return self.rows.constant(number), [("", WRITTEN.constant(number))]

    def apply(self, name: str, operands: list[_Element]) -> _Element:
        combined = [
            (" && ".join(filter(None, [condition for condition, _ in chosen])), [case for _, case in chosen])
            for chosen in product(*(cases for _, cases in operands))
        ]
        cases = [(condition, WRITTEN.apply(name, parts)) for condition, parts in combined]
        return self.rows.apply(name, [expression for expression, _ in operands]), cases

    def compare(self, relation: str, x: _Element, y: _Element) -> bool | str:
        terms = [cases[0][1] for _, cases in (x, y)]
        if all(part.constant for part in terms):
            return WRITTEN.compare(relation, *terms)
        return self.rows.compare(relation, x[0], y[0])

    def join(self, junction: str, conditions: list[bool | str]) -> bool | str:
        decides = junction == "or"  # a condition that is known decides, or says nothing
        if decides in [known for known in conditions if isinstance(known, bool)]:
            return decides
        asked = [condition for condition in conditions if isinstance(condition, str)]
        return self.rows.join(junction, asked) if asked else not decides

    def where(
        self,
        condition: bool | str,  # noqa: FBT001 - as of every algebra
        this: Callable[[], _Element],
        otherwise: Callable[[], _Element],
    ) -> _Element:
        if isinstance(condition, bool):
            return this() if condition else otherwise()
        yes, no = this(), otherwise()
        cases = [(f"{condition}{f' && {more}' * bool(more)}", case) for more, case in yes[1]]
        cases += [(f"!({condition}){f' && {more}' * bool(more)}", case) for more, case in no[1]]
        return self.rows.where(condition, lambda: yes[0], lambda: no[0]), cases


def plain(number: float, digits: int = 17) -> float | str:
    """Return a number as JSON has it, and what is not finite as JavaScript reads it from a text.

    >>> plain(1.5), plain(1 / 3, 4), plain(float("-inf")), plain(float("nan"))
    (1.5, 0.3333, '-Infinity', 'NaN')

    """
    if not isfinite(number):
        return str(number).replace("inf", "Infinity").replace("nan", "NaN")
    return number if digits == 17 else float(f"{number:.{digits}g}")


LOADER = """(async () => {
const bytes = Uint8Array.from(atob("PACKED"), (letter) => letter.charCodeAt(0));
const script = document.createElement("script");
const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
script.textContent = await new Response(unpacked).text();
document.head.append(script);
script.remove();
})();"""
"""The script of a page: it unpacks the scripts and data, which are text that repeats itself, and has them run."""


class LivePage:
    """A piece of HTML that shows a still picture and, where scripts run, a live one in its place.

    Notebooks show it, and `save("page.html")` writes a page; neither asks for anything else.

    Attributes:
        about: one sentence for those who cannot see it.
        lines: what it says, as text.
        summary: what stands above that text.
        note: a sentence below the picture, if there is something to say.

    """

    summary, note = "As text", ""

    def __init__(
        self, about: str, still: str, lines: list[str], scripts: Sequence[str], data: dict[str, Any], rows: Rows
    ) -> None:
        self.about, self.lines = about, lines
        self._still, self._scripts, self._data, self._rows = still, scripts, data, rows

    def still(self) -> str:
        """Return the SVG of the still picture."""
        return self._still

    def data(self) -> dict[str, Any]:
        """Return what the scripts are given."""
        return self._data

    def html(self) -> str:
        """Return it as a piece of HTML."""
        picture = b64encode(self.still().encode()).decode()
        data, script = script_data(self.data()), bundle(*self._scripts, rows=self._rows)
        key = blake2s((picture + data + script).encode(), digest_size=8).hexdigest()
        running = (
            f'(function (key, data) {{\n"use strict";\n{script}\n'
            'for (const root of document.querySelectorAll(`[data-autograd-mini="${key}"]`)) upgrade(root, data);\n'
            f'}})("{key}", {data});'
        )
        packed = b64encode(zlib.compress(running.encode(), 9)).decode()
        items = "\n".join(f"<li>{xml(line)}</li>" for line in self.lines)
        text = (
            f"<details><summary>{self.summary}</summary>\n"
            f'<ol style="white-space: pre-line">\n{items}\n</ol></details>\n'
        )
        note = f"<p>{xml(self.note)}</p>\n" if self.note else ""
        return (
            f'<div data-autograd-mini="{key}">\n<div data-place=""><img alt="{xml(self.about)}" '
            f'style="max-width: 100%" src="data:image/svg+xml;base64,{picture}"></div>\n'
            f"{note}{text * bool(self.lines)}<script>{LOADER.replace('PACKED', packed)}</script>\n</div>"
        )

    def save(self, path: str | PathLike[str]) -> str:
        """Write a page that works offline to a path that ends in .html, and return the path."""
        return write(path, (".html", ".htm"), lambda: page(self.about, self.html()))

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        return f"<{self.about}>"


def inlined(about: str, svg: str) -> str:
    """Return the HTML of a still picture that has the colours of the page around it, where scripts run."""
    return LivePage(about, svg, [], ("ground", "picture"), {}, Rows()).html()


def bundle(*names: str, rows: Rows | None = None) -> str:
    """Return scripts of the folder `web`, each after those that it imports from, as one text for a function body.

    Comments, imports and "export" are left out. The rows that the page computes with follow the script "arithmetic".
    """
    parts = []
    for name in names:
        lines = map(str.strip, asset(f"{name}.js").splitlines())
        kept = [line.removeprefix("export ") for line in lines if line and not line.startswith(("//", "import "))]
        parts += kept
        if rows is not None and name == "arithmetic":
            formulas = ", ".join(f"{json.dumps(wire)}: {text}" for wire, text in rows.formulas.items())
            parts.append(f"const rows = ((ieee) => {{ const rows = {rows.text()}; return rows; }})(ieee);")
            parts.append(f"const formulas = ((rows, ieee) => ({{{formulas}}}))(rows, ieee);")
    return "\n".join(parts)


def asset(name: str) -> str:
    """Return the text of a file of the folder `web`."""
    return (Path(__file__).parent / "web" / name).read_text(encoding="utf-8").strip()


def script_data(data: Any) -> str:
    """Return data as it may stand in a script: nothing in it ends the script or starts a comment."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark }}
  body {{ margin: 1.5rem; font: 15px/1.5 system-ui, Helvetica, Arial, sans-serif }}
  figure {{ margin: 0; overflow-x: auto }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def page(title: str, body: str) -> str:
    """Return a page with a title, plain text, and a body, HTML."""
    return _PAGE.format(title=xml(title), body=body)


def write(path: str | PathLike[str], endings: tuple[str, ...], text: Callable[[], str]) -> str:
    """Write a text to a path that has one of the endings, in folders made if missing, and return the path."""
    target = Path(path)
    if target.suffix.lower() not in endings:
        raise ValueError(f"path is {str(path)!r}, expected one that ends in {endings[0]}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text(), encoding="utf-8")
    return str(target)
