"""The house: imports point one way, the package loads the standard library alone, every public name is explained."""

from __future__ import annotations

import ast
import graphlib
import inspect
import os
import re
import subprocess
import sys
import types
from collections import Counter
from pathlib import Path

import pytest

import autograd_mini

PACKAGE = Path(autograd_mini.__file__).parent
NAME = "autograd_mini"

MAY_IMPORT = {
    "errors": set(),
    "extras": set(),
    "engine": {"errors", "extras"},
    "transforms": {"engine", "errors", "extras"},
    "notation": {"engine", "errors", "extras"},
    "rows": {"engine", "errors", "extras"},
    "datasets": {"rows", "engine", "errors", "extras"},
    "optim": {"engine", "errors", "extras"},
    "testing": {"transforms", "engine", "errors", "extras"},
    "compiler": {"rows", "transforms", "engine", "errors", "extras"},
    "files": {"errors", "extras"},
    "nn": {"files", "optim", "compiler", "transforms", "engine", "errors", "extras"},
    "train": {"files", "datasets", "nn", "optim", "compiler", "rows", "transforms", "engine", "errors", "extras"},
    "diagnosis": {"train", "datasets", "nn", "optim", "transforms", "engine", "errors", "extras"},
    "viz": {"diagnosis", "testing", "notation", "train", "nn", "transforms", "engine", "errors", "extras"},
    "site": {"notation", "engine", "errors", "extras"},
    "cli": {
        *("site", "viz", "testing", "train", "files", "nn", "compiler", "rows", "optim", "datasets"),
        *("engine", "errors", "extras"),
    },
    "__main__": {"cli"},
}
"""What each unit, a module or folder at the top of the package, may import besides itself; the lowest stand first."""


def modules():
    """Return every module of the package by dotted name, as (path, syntax tree)."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if "plugin" in parts:
            continue  # modules of their own, installed beside the package
        found[name] = (path, ast.parse(path.read_text(encoding="utf-8")))
    return found


MODULES = modules()


def is_for_type_checkers(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def statements(tree, *, lazy):
    """Yield the import statements that run: at import time, and inside functions where `lazy`."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif is_for_type_checkers(node):
            waiting += node.orelse
        elif lazy or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def imported(name, *, lazy):
    """Return the full names that a module imports; of `from a import b` a.b where that is a module, else a."""
    path, tree = MODULES[name]
    found = set()
    for node in statements(tree, lazy=lazy):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
            continue
        base = node.module or ""
        if node.level:
            package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
            package = package[: len(package) - node.level + 1]
            base = ".".join([*package, base] if base else package)
        for alias in node.names:
            whole = f"{base}.{alias.name}"
            found.add(whole if whole in MODULES else base)
    return found


ASKED_FOR_WHEN_CALLED = {
    (f"{NAME}.engine.operators", f"{NAME}.engine.arrays"),
    (f"{NAME}.compiler.tracer", f"{NAME}.compiler.gathers"),
    (f"{NAME}.compiler.tracer", f"{NAME}.compiler.path_conditions"),
}
"""Methods that ask for a module when they are called: those of Value that NumPy calls, for the one that imports NumPy,
and those of symbols that make more symbols."""


def unit(name):
    """Return the part of the house that a module belongs to: "value", "nn", "" for the front door."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


@pytest.mark.parametrize("lazy", [False, True], ids=["at import", "at any time"])
def test_imports_point_one_way(lazy):
    arrows = {
        name: {
            other
            for other in imported(name, lazy=lazy)
            if other in MODULES and other != NAME and (name, other) not in ASKED_FOR_WHEN_CALLED
        }
        - {name}
        for name in MODULES
    }
    list(graphlib.TopologicalSorter(arrows).static_order())  # raises CycleError, which shows the cycle


def test_the_parts_of_the_house_do_not_import_each_other_in_a_circle():
    arrows = {}
    for name in MODULES:
        if unit(name):
            others = {
                unit(other)
                for other in imported(name, lazy=True)
                if other in MODULES and (name, other) not in ASKED_FOR_WHEN_CALLED
            }
            arrows.setdefault(unit(name), set()).update(others - {unit(name), ""})
    list(graphlib.TopologicalSorter(arrows).static_order())


def test_no_module_imports_the_front_door():
    doors = {"__main__", "cli"}
    behind = [name for name in MODULES if name != NAME and unit(name) not in doors]
    assert [name for name in behind if NAME in imported(name, lazy=True)] == []


def trespasses(arrows):
    """Return the imports that the table does not allow, as (unit, other); a unit that it lacks may import nothing."""
    return {(here, there) for here, there in arrows if here != there and there not in MAY_IMPORT.get(here, set())}


def test_every_unit_is_in_the_table_and_the_table_has_no_other():
    assert {unit(name) for name in MODULES} - {""} == set(MAY_IMPORT)


def test_the_table_allows_no_import_upwards():
    order = list(MAY_IMPORT)
    assert all(order.index(other) < order.index(here) for here, others in MAY_IMPORT.items() for other in others)


def test_no_unit_imports_what_stands_on_it():
    arrows = {
        (unit(name), unit(other))
        for name in MODULES
        if unit(name)
        for other in imported(name, lazy=True)
        if other in MODULES and unit(other) and (name, other) not in ASKED_FOR_WHEN_CALLED
    }
    assert trespasses(arrows) == set()


@pytest.mark.parametrize("arrow", [("compiler", "train"), ("engine", "nn"), ("attic", "engine"), ("nn", "attic")])
def test_an_import_upwards_or_of_an_unknown_unit_is_found(arrow):
    assert trespasses({("nn", "engine"), arrow}) == {arrow}


def test_the_table_of_operations_imports_the_standard_library_alone():
    assert {other.split(".")[0] for other in imported(f"{NAME}.engine.ops", lazy=True)} <= set(sys.stdlib_module_names)


def test_nothing_but_the_main_module_imports_the_command_line():
    users = [name for name in MODULES if any(unit(other) == "cli" for other in imported(name, lazy=True))]
    assert {unit(name) for name in users} <= {"__main__", "cli"}


LISTING = "import sys{}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"


def loaded(statement):
    """Return the top-level modules that a fresh interpreter has after a statement."""
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    command = [sys.executable, "-c", LISTING.format(statement)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_the_standard_library_alone():
    new = loaded(f", {NAME}") - loaded("")
    assert NAME in new
    assert new - {NAME} <= set(sys.stdlib_module_names)


def test_computing_and_copying_load_the_standard_library_alone():
    program = (
        f"; from {NAME} import Value; import copy; x = Value(2.0); y = x.exp() * x; y.backward(); copy.deepcopy(y)"
    )
    assert loaded(program) - loaded("") - {NAME} <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("slow", ["dataclasses", "typing", "inspect", "csv", "json", "tempfile", "ast", "numpy"])
def test_importing_the_package_leaves_slow_modules_alone(slow):
    assert slow not in loaded(f", {NAME}") - loaded("")


@pytest.mark.parametrize("name", MODULES)
def test_every_module_opens_with_a_sentence(name):
    opening = ast.get_docstring(MODULES[name][1])
    assert opening
    assert opening.splitlines()[0].endswith("."), opening.splitlines()[0]


def test_no_file_and_no_class_has_the_name_of_another():
    files = [path.stem for path, _ in MODULES.values() if path.stem not in {"__init__", "__main__"}]
    classes = [node.name for _, tree in MODULES.values() for node in tree.body if isinstance(node, ast.ClassDef)]
    assert [name for names in (files, classes) for name, count in Counter(names).items() if count > 1] == []


@pytest.mark.parametrize("name", MODULES)
def test_messages_about_arguments_have_one_form(name):
    """The form is that of `engine/checks`: "n is 2.5, expected a whole number"."""
    _, tree = MODULES[name]
    raised = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    others = ("but expected", "; got ", "must be", ", got ")
    assert [message for message in raised if any(words in message for words in others)] == []


LLVM = re.compile(r"getelementptr|= phi |= alloca|insertelement|inttoptr|label %|define (internal )?(void|i64|ptr) @")


def llvm_text(tree, pattern):
    """Return whether a module has text in LLVM's language, docstrings aside."""
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return any(pattern.search(node.value) for node in texts)


def test_the_text_of_machine_code_is_written_in_one_folder_and_its_loops_in_one_module():
    writers = {name for name, (_, tree) in MODULES.items() if llvm_text(tree, LLVM)}
    assert f"{NAME}.compiler.llvm.assembler" in writers
    assert {name for name in writers if not name.startswith(f"{NAME}.compiler.llvm.")} == set()
    loops = {name for name, (_, tree) in MODULES.items() if llvm_text(tree, re.compile("= phi "))}
    assert loops == {f"{NAME}.compiler.llvm.assembler"}


def public_names():
    for name in sorted({*dir(autograd_mini), *autograd_mini.__all__}):
        if not name.startswith("_") and name != "annotations":
            try:
                thing = getattr(autograd_mini, name)
            except ImportError:  # a part of the house that is not built, or needs an extra that is not here
                continue
            if name in autograd_mini.__all__ or not isinstance(thing, types.ModuleType):  # one that a test has imported
                yield name, thing


PUBLIC = dict(public_names())


@pytest.mark.parametrize(
    "name", [n for n, thing in PUBLIC.items() if callable(thing) or isinstance(thing, types.ModuleType)]
)
def test_every_public_name_has_a_docstring(name):
    thing = PUBLIC[name]
    text = thing.__doc__
    assert text, name
    if inspect.isclass(thing):
        for attribute, member in vars(thing).items():
            if not attribute.startswith("_") and (callable(member) or isinstance(member, property)):
                assert member.__doc__, f"{name}.{attribute}"


def test_every_name_that_is_promised_exists():
    assert set(autograd_mini.__all__) <= set(dir(autograd_mini))
    for name in ("Value", "Parameter", "gradient", "no_grad", "StaleValueError", "operation", "exp", "where", "clip"):
        assert name in autograd_mini.__all__
    with pytest.raises(AttributeError, match="grdient"):
        autograd_mini.grdient  # noqa: B018 - a slip of the pen


def test_the_folder_holds_what_belongs_there_and_no_test_leaves_a_file_in_it():
    root = Path(__file__).parents[2]
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(words, cwd=root, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git, or no repository")
    names = {line.partition("/")[0] for line in listed.splitlines()}
    allowed = {"pyproject.toml", "README.md", "autograd_mini", "tests", "notebooks", "LICENSE"}
    assert {name for name in names if not name.startswith(".")} == allowed
