"""What `py.typed` promises: type checkers and editors see every public name, with its true type and its docstring.

Checked with pyright in strict mode and mypy with --strict, each in one run over everything: twenty programs in
`tests/typed`, which are run too, the README's code and the notebooks' cells.
"""

from __future__ import annotations

import ast
import doctest
import inspect
import json
import os
import re
import runpy
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest
from stubs import COMMAND, STUB, stub

import autograd_mini as ag
from autograd_mini.engine.ops import TABLE
from autograd_mini.viz.renderers import MissingRendererError

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted((ROOT / "tests" / "typed").glob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*_*.ipynb"))

WRONG = """\
import autograd_mini as ag
ag.nothing
ag.exp("1.0")
ag.Value(1.0) + "2.0"
ag.MLP(2, 1)
ag.nn.mse([1.0], [2.0]).backward()
ag.plot.loss_curve([1.0]).set_tilte("loss")
ag.grad(3.0)
ag.grad(lambda x: x * x)(2.0).backward()
"""
"""A program that is wrong in every line but the first."""

UNANNOTATED = {
    # Pages leave functions unannotated, on purpose: what follows from such a parameter is unknown to a checker.
    "reportMissingParameterType",
    "reportUnknownParameterType",
    "reportUnknownArgumentType",
    "reportUnknownVariableType",
    "reportUnknownMemberType",
    "reportUnknownLambdaType",
    # A page shows what an expression gives, and not every name that it imports is used in the section at hand.
    "reportUnusedExpression",
    "reportUnusedImport",
    # Peers that come without types, or are not installed here.
    "reportMissingTypeStubs",
    "reportMissingImports",
}
"""Rules of pyright's strict mode that are off for the README and the notebooks; for the programs all are on."""

CELL_BY_CELL = {
    "reportConstantRedefinition",  # X and W are matrices, and a later cell has others
    "reportRedeclaration",  # a later cell defines another f
    "reportPossiblyUnboundVariable",  # a loop over a range runs
}
"""Rules that are off for the notebooks beside those, since a later cell starts afresh."""

CODES = {
    "no-untyped-def",  # the like of mypy: functions without annotations
    "no-untyped-call",  # and calls of them
    "var-annotated",  # an empty list that such a function fills
    "has-type",  # a name without annotation whose lambda calls it
    "no-redef",  # a later cell defines another f
}
"""Codes of mypy's strict mode that are passed over in the README and the notebooks; in the programs none is."""

SOMETHING = '''\
"""sum, of one term at least: of none it is the plain 0, so that its type in the standard library is `Value | int`."""

from collections.abc import Iterable
from typing import Any, TypeVar

Term = TypeVar("Term")


def sum(terms: Iterable[Term], /, start: Any = 0) -> Term:
    return start
'''
"""A module for the pages, whose sums have terms: else each result of `sum` that a page differentiates is reported."""


def page(text, *more):
    """Return the code of a page as a program, with the comment that turns rules off, and the sum of something."""
    off = ", ".join(f"{rule}=false" for rule in sorted(UNANNOTATED.union(more)))
    return f"# pyright: {off}\nfrom something import sum\n{text}"


def sections():
    """Return the code of each section of the README as a program, with the imports of those before it."""
    text, imports, found = (ROOT / "README.md").read_text(encoding="utf-8"), [], []
    for section in re.split(r"^## ", text, flags=re.MULTILINE):
        sources = [example.source for example in doctest.DocTestParser().get_examples(section)]
        if sources:
            own = "".join(sources)
            found.append("".join([*[line for line in imports if f"def {line.split()[-1]}(" not in own], own]))
            imports += [source for source in sources if source.startswith(("import ", "from "))]
    return found


def cells(path):
    """Return the code cells of a notebook as a program, with the name that IPython adds to Python's own."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    code = [re.sub(r"^(\s*)[%!].*$", r"\1pass", cell, flags=re.MULTILINE) for cell in code]
    return "\n".join(["from IPython.display import display", *code, ""])


def wrong_on_purpose(text):
    """Return the numbers of the lines inside of `try` blocks that expect a TypeError: these show what is refused."""
    blocks = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Try)]
    expecting = [block for block in blocks if any(ast.unparse(h.type) == "TypeError" for h in block.handlers if h.type)]
    return {line for block in expecting for node in block.body for line in range(node.lineno, node.end_lineno + 1)}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a folder with all programs, beside a folder in which the package is installed."""
    folder = tmp_path_factory.mktemp("typed")
    (folder / "site").mkdir()
    (folder / "site" / "autograd_mini").symlink_to(ROOT / "autograd_mini", target_is_directory=True)
    texts = {path.stem: path.read_text(encoding="utf-8") for path in PROGRAMS}
    texts |= {f"readme_{number}": page(text) for number, text in enumerate(sections())}
    texts |= {f"notebook_{path.stem}": page(cells(path), *CELL_BY_CELL) for path in NOTEBOOKS}
    texts["wrong"] = WRONG
    texts["exported"] = f"# pyright: reportUnusedImport=false\nfrom autograd_mini import {', '.join(ag.__all__)}\n"
    code = folder / "code"
    code.mkdir()
    for name, text in texts.items():
        (code / f"{name}.py").write_text(text, encoding="utf-8")
    (folder / "site" / "something.py").write_text(SOMETHING, encoding="utf-8")
    # Of peers without types nothing is guessed from their code.
    settings = {"typeCheckingMode": "strict", "useLibraryCodeForTypes": False, "extraPaths": ["../site"]}
    (code / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def output(command, project):
    """Return what a type checker writes; skip where it is not there."""
    environment = {**os.environ, "PYTHONPATH": str(project / "site"), "NO_COLOR": "1"}
    done = subprocess.run(
        command, cwd=project / "code", env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    return done.stdout, done.stderr


def by_pyright(project):
    """Return the findings of pyright, as (file, line, rule, message); skip where it does not run."""
    pytest.importorskip("pyright")
    words = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", "."]
    text, errors = output(words, project)
    try:
        found = json.loads(text[text.index("{") :])
    except ValueError:
        pytest.skip(f"pyright does not run here: {(errors or text)[-300:]}")
    assert found["summary"]["filesAnalyzed"] == len([*(project / "code").glob("*.py")])
    for finding in found["generalDiagnostics"]:
        line = finding["range"]["start"]["line"] + 1
        yield Path(finding["file"]).name, line, finding.get("rule", ""), finding["message"]


def by_mypy(project):
    """Return the findings of mypy, as (file, line, code, message)."""
    pytest.importorskip("mypy")
    cache = ["--cache-dir", str(project / "cache"), "--sqlite-cache"]
    loose = ["--allow-redefinition", "--ignore-missing-imports", "--follow-imports=silent"]
    files = sorted(path.name for path in (project / "code").glob("*.py"))
    text, errors = output([sys.executable, "-m", "mypy", "--strict", "--no-pretty", *cache, *loose, *files], project)
    assert "Found" in text or "Success" in text, errors or text
    for line in text.splitlines():
        if match := re.match(r"(\w+\.py):(\d+): error: (.*?)(?:  \[([\w-]+)\])?$", line):
            name, number, message, code = match.groups()
            yield name, int(number), code, message


@pytest.fixture(scope="module", params=[by_pyright, by_mypy], ids=lambda checker: checker.__name__.removeprefix("by_"))
def findings(request, project):
    """Return what a type checker finds in one run over everything, by file, as (line, rule, message)."""
    found = {}
    for name, line, rule, message in request.param(project):
        found.setdefault(name, []).append((line, rule, message))
    return found


def test_every_public_name_is_exported_to_type_checkers(findings):
    assert findings.get("exported.py", []) == []


def test_mistakes_are_found_in_every_line_that_has_one(findings):
    wrong = {line: code for line, code in enumerate(WRONG.splitlines(), start=1) if line > 1}
    if find_spec("matplotlib") is None:  # then nothing is known of a plot
        wrong = {line: code for line, code in wrong.items() if "plot" not in code}
    found = {line for line, *_ in findings["wrong.py"]}
    assert wrong.keys() <= found
    assert 1 not in found


def skip_without_its_packages(path):
    """Skip where a package is missing that a program needs: of that, checkers know no types either."""
    text = path.read_text(encoding="utf-8")
    for module in ("numpy", "scipy", "hypothesis", "sympy", "matplotlib"):
        if module in text:
            pytest.importorskip(module)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_typical_program_passes_the_type_checkers(path, findings):
    skip_without_its_packages(path)
    assert findings.get(path.name, []) == []


@pytest.mark.parametrize("number", range(len(sections())))
def test_the_code_of_the_readme_passes_the_type_checkers(number, findings):
    assert [found for found in findings.get(f"readme_{number}.py", []) if found[1] not in CODES] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_cells_of_a_notebook_pass_the_type_checkers(path, findings):
    if find_spec("numpy") and int(version("numpy").partition(".")[0]) < 2:
        pytest.skip("NumPy before 2, and matplotlib of its time, give other types to what is right")
    meant = wrong_on_purpose(page(cells(path)))
    found = findings.get(f"notebook_{path.stem}.py", [])
    assert [(line, rule, message) for line, rule, message in found if rule not in CODES and line not in meant] == []


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_typical_program_runs(path, tmp_path, monkeypatch):
    skip_without_its_packages(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    try:
        runpy.run_path(str(path))
    except MissingRendererError as missing:
        pytest.skip(str(missing))
    for name in [name for name in TABLE if name.startswith("typed_")]:
        del TABLE[name]


def test_the_stub_is_what_the_table_says():
    assert STUB.read_text(encoding="utf-8") == stub(), f"the table has changed: run `{COMMAND}`"


def test_type_checkers_are_told_of_the_names_that_there_are():
    tree = ast.parse((ROOT / "autograd_mini" / "__init__.py").read_text(encoding="utf-8"))
    lists = [node.value for node in ast.walk(tree) if isinstance(node, ast.Assign | ast.AugAssign)]
    literal = {name for names in lists if isinstance(names, ast.List) for name in ast.literal_eval(names)}
    stars = {*ag.transforms.__all__, *ag.viz.__all__}
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    imported = {alias.name for node in block.body for alias in node.names} - {"*"}
    assert set(ag.__all__) == {*literal, *ag.engine.functions.__all__, *stars}
    assert len(ag.__all__) == len(set(ag.__all__))
    assert imported == set(ag._HOMES) - stars, "what is imported on first use, and what type checkers are told of"
    assert [name for name in ag.__all__ if not hasattr(ag, name)] == []


@pytest.mark.parametrize("name", ["tanh", "exp", "leaky_relu", "atan2"])
def test_help_names_the_operands_before_and_after_the_first_call(name):
    arity = len(TABLE[name].operands)
    for _ in range(2):
        assert list(inspect.signature(getattr(ag, name)).parameters) == ["x", "y"][:arity]
        assert list(inspect.signature(getattr(ag.Value, name)).parameters) == ["self", "y"][:arity]
        getattr(ag.Value(0.5), name)(*[2.0] * (arity - 1))
    assert getattr(ag.Value, name).__doc__ == TABLE[name].doc


HOVERS = {
    "x.tanh": ("def tanh(", "The hyperbolic tangent."),
    "ag.exp": ("def exp(", "e to the power x."),
    "ag.fit": ("def fit(", "Train a model on the rows of X"),
    "ag.MLP": ("class MLP", "A multi-layer perceptron"),
}


@pytest.mark.parametrize("expression", HOVERS)
def test_jedi_shows_signature_and_docstring(expression):
    jedi = pytest.importorskip("jedi")
    text = f"import autograd_mini as ag\nx = ag.Value(1.0)\n{expression}"
    script = jedi.Script(text, project=jedi.Project(str(ROOT)))
    shown = script.help(3, len(expression))
    documented = "\n".join(name.docstring() for name in shown)
    signature, doc = HOVERS[expression]
    assert doc in documented
    assert signature.removeprefix("def ").removeprefix("class ") in documented
    owner, _, name = expression.partition(".")
    assert name in {found.name for found in jedi.Script(f"{text[: -len(name)]}").complete(3, len(owner) + 1)}


def test_the_language_server_shows_signature_and_docstring(project):
    pytest.importorskip("pyright")
    text = "import autograd_mini as ag\nx = ag.Value(1.0)\n" + "".join(f"{expression}\n" for expression in HOVERS)
    file = project / "code" / "hovers.py"
    file.write_text(text, encoding="utf-8")
    document = {"uri": file.as_uri(), "languageId": "python", "version": 1, "text": text}
    messages = [
        {"id": 0, "method": "initialize", "params": {"processId": None, "rootUri": None, "capabilities": {}}},
        {"method": "initialized", "params": {}},
        {"method": "textDocument/didOpen", "params": {"textDocument": document}},
    ]
    for line, expression in enumerate(HOVERS, start=2):
        where = {"textDocument": {"uri": file.as_uri()}, "position": {"line": line, "character": len(expression) - 1}}
        messages.append({"id": line, "method": "textDocument/hover", "params": where})
    environment = {**os.environ, "PYTHONPATH": str(project / "site")}
    words = [sys.executable, "-m", "pyright.langserver", "--stdio"]
    with subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=file.parent,
    ) as server:
        shown = _answers(server, messages, wanted={*range(2, 2 + len(HOVERS))})
        server.kill()
    for line, (signature, doc) in enumerate(HOVERS.values(), start=2):
        assert signature.split()[1] in shown[line]
        assert doc in shown[line]


def _answers(server, messages, wanted):
    """Send messages to a language server; return the text of each hover that is wanted."""
    shown = {}
    for message in messages:
        _send(server, message)
        while "id" in message and message["id"] not in shown:
            length = 0
            while line := server.stdout.readline().strip():
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if not length:
                pytest.skip("the language server of pyright does not run here")
            answer = json.loads(server.stdout.read(length))
            if "method" in answer and "id" in answer:  # a question of the server's
                _send(server, {"id": answer["id"], "result": [{}] if "configuration" in answer["method"] else None})
            elif answer.get("id") == message["id"]:
                shown[answer["id"]] = json.dumps(answer.get("result"))
    return {number: shown[number] for number in wanted}


def _send(server, message):
    text = json.dumps({"jsonrpc": "2.0", **message}).encode()
    server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
    server.stdin.flush()
