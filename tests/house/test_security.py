"""What the package never does: run what a file or a text says, reach a network, or touch files it was not asked for."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import autograd_mini
from autograd_mini import operation

PACKAGE = Path(autograd_mini.__file__).parent

# --- the source ---

RUN = {"eval", "exec", "__import__"}
CALLED = {"compile", "open", "input", "breakpoint"}
MODULES = {
    *("pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "copyreg", "code", "codeop", "runpy", "imp"),
    *("socket", "ssl", "urllib", "http", "ftplib", "smtplib", "xmlrpc", "socketserver", "asyncio", "requests"),
    *("subprocess", "multiprocessing", "pty", "webbrowser", "ctypes", "importlib", "tempfile", "shutil", "pkgutil"),
}
METHODS = {
    *("system", "popen", "fork", "forkpty", "execv", "execve", "execvp", "spawnv", "spawnl", "posix_spawn"),
    *("open", "write_text", "write_bytes", "read_text", "read_bytes", "unlink", "rename", "mkdir", "rmdir"),
    *("removedirs", "rmtree", "copyfile", "copytree", "move", "symlink_to", "chmod", "savefig", "rename"),
    *("fromfile", "loadtxt", "genfromtxt", "memmap", "tofile"),
}

CODE = {
    "engine.codegen": {
        "exec",
        "compile",
    },  # the package's own table, and the formulas of `operation`, which `parse` checks
    "testing.corrections": {"compile"},  # the derivative under test, from the file it is of, with one index moved
    "site.cell": {"exec", "eval", "compile"},  # the reader's own code, in the reader's browser
}
PROCESSES = {
    "viz.renderers": {"subprocess", "shutil"},  # Graphviz's `dot`, without a shell, the picture on standard input
    "site.playground": {"subprocess"},  # npm, without a shell
    "cli.course": {"subprocess"},  # JupyterLab, which the command is asked to open
}
MACHINE_CODE = {
    f"compiler.llvm.{name}": {"ctypes"}
    for name in (
        "assembler",
        "backend",
        "background",
        "composition",
        "descend",
        "fastcall",
        "machine_turns",
        "target",
        "vm",
    )
}
IMPORTS = {
    **{name: {"importlib"} for name in ("__init__", "viz.__init__", "compiler.backends")},  # its own modules, when used
    **{name: {"importlib"} for name in ("extras", "compiler.backends")},  # optional packages, by names that stand there
    "datasets.examples": {"importlib"},  # importlib.resources, for its own table
    "site.pages": {"importlib"},  # importlib.metadata, for the README of an installed package
    "site.playground": {"importlib"},  # whether npm came as a wheel
    "cli.course": {"importlib"},  # whether JupyterLab is installed
    "cli.check": {"importlib"},  # the module that the command line names, to check a function in it
    "testing.plugin.autograd_mini_pytest": {"pkgutil"},  # the functions that --grad-mutants-of names
}
FILES = {
    "files.storage": {"open", "unlink", "replace", "chmod"},  # the path asked for, through a temporary file beside it
    "compiler.llvm.cache": {"open", "mkdir", "unlink", "replace"},  # the folder asked for, if it is the user's own
    "viz.javascript": {"mkdir", "write_text"},  # the path to save to
    "viz.report_page": {"mkdir", "write_text", "savefig"},
    "viz.picture": {"mkdir", "unlink", "write_bytes"},  # as those before
    "site.build": {"mkdir", "shutil", "copyfile"},  # the folder that the command line names, as the next
    "site.pages": {"mkdir", "write_text", "write_bytes"},
    "site.playground": {"mkdir", "write_text", "shutil", "copyfile", "tempfile"},
    "cli.__init__": {"open"},  # os.devnull, where a reader of the output has gone away
    "rows.sources": {"open"},  # the files of rows that are asked for
    "cli.tables": {"read_bytes"},  # the tables that the command line names
    "cli.course": {"mkdir", "open", "read_bytes"},  # the folder that the command line names, as in the next
    "cli.commands": {"mkdir", "open", "unlink", "shutil"},  # a checkpoint of its own; the width of the terminal
}
NEITHER = {"viz.layout": {"move"}}
"""Names of METHODS that are others here: a piece of a layout is moved."""
OWN = {
    "site.benchmarks": {"read_text"},  # the figures, a file of the package
    "site.pages": {"read_text", "read_bytes"},
    "site.playground": {"read_text"},
    "datasets.examples": {"read_text"},
    "viz.javascript": {"read_text"},
}
"""Files of the package itself. What is missing in these tables may stand nowhere."""


def dangers(tree):
    """Yield every name in a module that runs code, starts a process, reaches a network, or touches a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from {alias.name.partition(".")[0] for alias in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from {node.module.partition(".")[0]} & MODULES
        elif isinstance(node, ast.Name) and node.id in RUN:
            yield node.id
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLED:
            yield node.func.id
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr
            if name in METHODS or (name == "replace" and len(node.args) == 1):  # a text is replaced by a second
                yield name


def found():
    """Return for each module of the package what of this it has."""
    every = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if names := set(dangers(ast.parse(path.read_text(encoding="utf-8")))):
            every[name] = names
    return every


def test_code_runs_processes_start_and_files_open_in_the_known_places_alone():
    permitted = {}
    for table in (CODE, PROCESSES, MACHINE_CODE, IMPORTS, FILES, NEITHER, OWN):
        for module, names in table.items():
            permitted[module] = permitted.get(module, set()) | names
    assert found() == permitted


@pytest.mark.parametrize("name", ["x):\n    import os\ndef f(y", "a b", "x.y", "__import__('os')", "lambda"])
def test_the_name_of_an_operation_is_a_name(name):
    with pytest.raises(ValueError, match="name"):
        operation(name, "x", "1")


# --- a whole run, watched by the interpreter ---

WATCHED = """
import os, sys
events = []
WATCHED = ("open", "os.", "shutil.", "tempfile.", "socket.", "ssl.", "urllib.", "http.", "ftplib.", "smtplib.", "pty.",
    "subprocess.", "webbrowser.", "compile", "pickle.", "import")

def watch(event, given):
    if event.startswith(WATCHED):
        events.append((event, [os.fspath(one) if hasattr(one, "__fspath__") else str(one) for one in given]))

sys.addaudithook(watch)
"""

EVERYTHING = """
import autograd_mini as ag
from autograd_mini.cli import main

marked = "INTRUDER; __import__('os').system('true')"
X, y = ag.datasets.moons(30, seed=0)
model = ag.MLP(2, [3, 1], activation="tanh", seed=0)
settings = {"loss": "binary_cross_entropy", "optimizer": "adam"}
ag.fit(model, X, y, epochs=2, checkpoint="run.json", **settings)
ag.fit(model, X, y, epochs=3, resume="run.json", **settings)
model.save("model.json", metadata={"note": marked})
ag.load("model.json")
model.export("model.h")
x = ag.Value(0.5, label=marked)
z = (x * x + ag.erf(x)).tanh()
z.backward()
ag.draw(z).save("graph.dot")
ag.draw(z).save("graph.svg")
ag.step(z).save("step.html")
ag.trace(z)
ag.jit(lambda v: v * x).backward(2.0)
main(["train", "table.csv", "--target", "c", "--out", "cli.json", "--epochs", "2"])
main(["predict", "cli.json", "table.csv", "--out", "predicted.csv"])
"""

ATTACKED = """
import json
import autograd_mini as ag
from autograd_mini.errors import ModelFormatError

marked = "INTRUDER; __import__('os').system('true')"
ag.MLP(2, [3, 1], seed=0).save("good.json")
ag.load("good.json")
good = json.load(open("good.json"))

def everywhere(holder):
    for key in holder if isinstance(holder, dict) else range(len(holder)):
        inner = holder[key]
        for odd in (marked, [marked], {"__class__": marked}, {"$type": "os.system"}):
            holder[key] = odd
            yield
        holder[key] = inner
        if isinstance(inner, (dict, list)):
            yield from everywhere(inner)

for _ in everywhere(good):
    with open("attack.json", "w") as file:
        json.dump(good, file)
    before = len(events)
    try:
        ag.load("attack.json")
    except ModelFormatError:
        pass
    assert {event for event, _ in events[before:]} == {"open"}, events[before:]
with open("attack.json", "wb") as file:
    file.write(b"cos\\nsystem\\n(S'true'\\ntR.")
before = len(events)
try:
    ag.load("attack.json")
except ModelFormatError:
    pass
assert {event for event, _ in events[before:]} == {"open"}
"""


FORMULAS = """
import ast
from autograd_mini import operation
from autograd_mini.errors import FormulaError
from autograd_mini.viz.expressions import expression

operation("square_of_one", "x * x", "2 * x")
expression("tanh(w)", {"w": 1.0})
ast.unparse(ast.parse("x"))  # Python 3.14 imports this when it is first used
for text in (
    "__import__('os').system('true')", "eval('1')", "x.__class__.__bases__", "(lambda: x)()", "[x for x in (1,)]",
    "open('file')", "x if print() else x", "f'{x}'", "(x := 1)", "x\\n__import__('os')", "x)\\nimport os\\n(x",
    "x[0]", "{x: 1}", "'a' * 9**9", "x" + "*x" * 100_000, "(" * 1000 + "x" + ")" * 1000,
):
    for read in (lambda: operation("intruder", text, "1"), lambda: expression(text, {"x": 1.0})):
        before = len(events)
        try:
            read()
        except FormulaError:
            pass
        else:
            raise AssertionError(text)
        assert all(event == "compile" and given[1] == "<unknown>" for event, given in events[before:]), text  # to parse
"""


def watched(code, folder):
    """Run some code in a folder, and return what the interpreter reported meanwhile, as (event, arguments as text)."""
    home, temporary = folder / "home", folder / "temporary"
    home.mkdir()
    temporary.mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if name.startswith(("LD_", "LANG", "LC_"))},
        "PYTHONPATH": str(PACKAGE.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "PATH": "",  # so that the renderer is the library
    }
    command = [sys.executable, "-c", f"{WATCHED}{code}\nimport json\nprint('EVENTS' + json.dumps(events))"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [tuple(event) for event in json.loads(done.stdout.partition("EVENTS")[2])]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the folder, and what happens while a model is trained, saved, drawn, compiled, and used by command."""
    pytest.importorskip("pygraphviz")
    folder = tmp_path_factory.mktemp("work")
    rows = [f"{a},{b},INTRUDER_{int(a > b)}" for a in range(5) for b in range(4)]
    (folder / "table.csv").write_text("\n".join(["a,b,c", *rows]), encoding="utf-8")
    return folder, watched(EVERYTHING, folder)


def test_no_network_is_reached_and_no_process_started(run):
    _, events = run
    harmless = {"open", "compile", "import", "os.mkdir", "os.remove", "os.rename", "os.chmod", "os.listdir"}
    harmless |= {"os.scandir", "os.putenv", "os.unsetenv", "tempfile.mkstemp", "os.add_dll_directory"}
    assert {event for event, _ in events} <= harmless


def test_nothing_that_a_file_or_a_label_says_is_compiled_or_imported(run):
    _, events = run
    ran = [given for event, given in events if event in {"compile", "import"}]
    assert len(ran) > 100
    assert not [given for given in ran if "INTRUDER" in given[0]]


def test_files_are_written_where_asked_for_and_nowhere_else(run):
    folder, events = run
    written = set()
    for event, given in events:
        opened = event == "open" and not given[0].isdecimal()  # a number is a file that is open
        writes = opened and int(given[2]) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes or event in {"os.mkdir", "os.remove", "os.rename", "os.chmod"}:
            written.add(given[0])
    outside = {path for path in written if not (folder / path).resolve().is_relative_to(folder)} - {os.devnull}
    assert not outside
    asked = {
        "run.json",
        "model.json",
        "model.h",
        "graph.dot",
        "graph.svg",
        "step.html",
        "cli.json",
        "predicted.csv",
        "table.csv",
    }
    assert {path.name for path in folder.iterdir()} == asked | {"home", "temporary"}
    assert not [*(folder / "home").iterdir(), *(folder / "temporary").iterdir()]


def test_files_are_read_where_asked_for_or_where_python_is_installed(run):
    folder, events = run
    installed = [folder, PACKAGE, *map(Path, {sys.prefix, sys.base_prefix, *sys.path} - {""})]
    system = [Path(place) for place in ("/dev", "/proc", "/sys", "/etc", "/usr", "/lib", "/lib64")]
    for event, given in events:
        if event == "open" and not given[0].isdecimal():
            path = (folder / given[0]).resolve()
            assert any(path.is_relative_to(place.resolve()) for place in [*installed, *system]), path


def test_a_formula_that_is_more_than_arithmetic_is_read_and_refused_and_does_nothing_else(tmp_path):
    assert watched(FORMULAS, tmp_path)


def test_loading_a_file_opens_it_and_does_nothing_else(tmp_path):
    assert watched(ATTACKED, tmp_path)
