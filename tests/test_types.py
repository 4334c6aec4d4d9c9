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
from pathlib import Path

import pytest
from stubs import COMMAND, STUB, stub

import autograd_mini as ag
from autograd_mini.engine.ops import TABLE

ROOT = Path(__file__).parent.parent
PROGRAMS = sorted((ROOT / "tests" / "typed").glob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[1-9]_*.ipynb"))

OFF = {
    # The code is not annotated, on purpose: what follows from an unannotated parameter is unknown to a checker.
    "reportMissingParameterType",
    "reportUnknownParameterType",
    "reportUnknownArgumentType",
    "reportUnknownVariableType",
    "reportUnknownMemberType",
    "reportUnknownLambdaType",
    # A page shows what an expression gives, and not every name of it is used.
    "reportUnusedExpression",
    "reportUnusedImport",
    "reportUnusedVariable",
    # Packages that come without types.
    "reportMissingTypeStubs",
    "reportMissingModuleSource",
    "reportMissingImports",
}
"""Rules of pyright's strict mode that are off for the README and the notebooks; for the programs all are on."""

UNTYPED = {"no-untyped-def", "no-untyped-call", "import-untyped", "type-arg"}
"""The like of mypy."""

SUM_OF_NOTHING = re.compile(
    r'attribute "backward" for class "(int|float)"|"(int|float)" of .* has no attribute "backward"'
)
"""sum(values) is the plain 0 where there are none, so that its type is `Value | int`: the standard library's choice."""

OF_ITSELF = "has-type"
"""What mypy says of a name without annotation whose lambda calls it."""

OF_EXPORTS = re.compile(r"autograd_mini.*(not exported|explicitly export)|of module|unknown import symbol|not callable")
"""What a checker says of a name that it cannot see."""


def loose(text):
    """Return a program that is not annotated, with the comment that turns those rules off."""
    return f"# pyright: {', '.join(f'{rule}=false' for rule in sorted(OFF))}\n{text}"


def sections():
    """Return the code of each section of the README as a program, with the imports of those before it."""
    page, imports, found = (ROOT / "README.md").read_text(encoding="utf-8"), [], []
    for text in re.split(r"^## ", page, flags=re.MULTILINE):
        sources = [example.source for example in doctest.DocTestParser().get_examples(text)]
        if sources:
            own = "".join(sources)
            found.append("".join([*[line for line in imports if f"def {line.split()[-1]}(" not in own], own]))
            imports += [source for source in sources if source.startswith(("import ", "from "))]
    return found


def cells(path):
    """Return the code cells of a notebook as a program."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return "\n".join(re.sub(r"^(\s*)[%!].*$", r"\1pass", cell, flags=re.MULTILINE) for cell in code) + "\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a folder with all programs, beside a folder in which the package is installed."""
    folder = tmp_path_factory.mktemp("typed")
    (folder / "site").mkdir()
    (folder / "site" / "autograd_mini").symlink_to(ROOT / "autograd_mini", target_is_directory=True)
    code = folder / "code"
    code.mkdir()
    for path in PROGRAMS:
        (code / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    for number, text in enumerate(sections()):
        (code / f"readme_{number}.py").write_text(loose(text), encoding="utf-8")
    for path in NOTEBOOKS:
        (code / f"notebook_{path.stem}.py").write_text(loose(cells(path)), encoding="utf-8")
    names = ", ".join(ag.__all__)
    (code / "exported.py").write_text(
        f"# pyright: reportUnusedImport=false\nfrom autograd_mini import {names}\n", encoding="utf-8"
    )
    (code / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}', encoding="utf-8")
    return folder


def output(command, project):
    """Return what a type checker writes; skip where it is not there."""
    environment = {**os.environ, "PYTHONPATH": str(project / "site"), "NO_COLOR": "1"}
    done = subprocess.run(
        command, cwd=project / "code", env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def pyright(project):
    """Return the findings of pyright by file, as (line, rule, message)."""
    pytest.importorskip("pyright")
    words = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", "."]
    text, errors = output(words, project)
    try:
        found = json.loads(text[text.index("{") :])
    except ValueError:
        pytest.skip(f"pyright does not run here: {(errors or text)[-300:]}")
    assert found["summary"]["filesAnalyzed"] >= len(PROGRAMS) + len(NOTEBOOKS) + len(sections()) + 1
    grouped = {}
    for finding in found["generalDiagnostics"]:
        place = finding["range"]["start"]["line"] + 1, finding.get("rule", ""), finding["message"]
        grouped.setdefault(Path(finding["file"]).name, []).append(place)
    return grouped


@pytest.fixture(scope="module")
def mypy(project):
    """Return the findings of mypy by file, as (line, code, message)."""
    pytest.importorskip("mypy")
    files = sorted(path.name for path in (project / "code").glob("*.py"))
    words = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--cache-dir",
        str(project / "cache"),
        "--allow-redefinition",
    ]  # as a page does
    text, errors = output([*words, "--no-pretty", "--ignore-missing-imports", *files], project)
    assert "Found" in text or "Success" in text, errors or text
    grouped = {}
    for line in text.splitlines():
        if match := re.match(r"(\w+\.py):(\d+): error: (.*?)(?:  \[([\w-]+)\])?$", line):
            name, number, message, code = match.groups()
            grouped.setdefault(name, []).append((int(number), code, message))
    return grouped


def test_every_public_name_is_exported_to_type_checkers(pyright, mypy):
    assert pyright.get("exported.py", []) == []
    assert mypy.get("exported.py", []) == []


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_typical_program_passes_the_type_checkers(path, pyright, mypy):
    assert pyright.get(path.name, []) == []
    assert mypy.get(path.name, []) == []


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_typical_program_runs(path, tmp_path, monkeypatch):
    text = path.read_text(encoding="utf-8")
    for module in ("numpy", "scipy", "hypothesis", "sympy", "matplotlib", "graphviz"):
        if module in text or (module == "matplotlib" and "plot" in text):
            pytest.importorskip(module)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    runpy.run_path(str(path))
    for name in [name for name in TABLE if name.startswith("typed_")]:
        del TABLE[name]


@pytest.mark.parametrize("number", range(len(sections())))
def test_the_code_of_the_readme_passes_the_type_checkers(number, pyright, mypy):
    name = f"readme_{number}.py"
    assert [finding for finding in pyright.get(name, []) if not SUM_OF_NOTHING.search(finding[2])] == []
    found = [finding for finding in mypy.get(name, []) if finding[1] not in {*UNTYPED, OF_ITSELF}]
    assert [finding for finding in found if not SUM_OF_NOTHING.search(finding[2])] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_type_checkers_see_every_name_that_a_notebook_uses(path, pyright, mypy):
    # Cells define names anew with other types, as one does; what is asked of them is that nothing of ours is hidden.
    name = f"notebook_{path.stem}.py"
    found = [message for _, _, message in [*pyright.get(name, []), *mypy.get(name, [])]]
    assert [message for message in found if "autograd_mini" in message and OF_EXPORTS.search(message)] == []


def test_the_stub_is_what_the_table_says():
    assert STUB.read_text(encoding="utf-8") == stub(), f"the table has changed: run `{COMMAND}`"


def test_type_checkers_are_told_of_the_names_that_there_are():
    tree = ast.parse((ROOT / "autograd_mini" / "__init__.py").read_text(encoding="utf-8"))
    literal = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    imported = {alias.name for node in block.body for alias in node.names} - {"*"}
    assert set(ag.__all__) == {*literal, *ag.engine.functions.__all__, *ag.viz.__all__}
    assert len(ag.__all__) == len(set(ag.__all__))
    assert imported == set(ag._HOMES) - set(ag.viz.__all__), (
        "what is imported on first use, and what type checkers are told of"
    )
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
