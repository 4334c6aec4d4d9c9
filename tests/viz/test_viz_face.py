"""The face of the pictures: every name is what it says, however the modules behind it were imported."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import autograd_mini as ag
from autograd_mini import viz


def test_every_name_is_a_function_or_the_plots():
    for name in viz.__all__:
        found = getattr(viz, name)
        assert callable(found) or name == "plot", name


def test_importing_the_modules_first_changes_no_name():
    code = """
import importlib, pkgutil
import autograd_mini as ag
import autograd_mini as ag
from autograd_mini import viz
for module in pkgutil.iter_modules(viz.__path__):
    if module.name not in {"plot", "live"}:
        importlib.import_module(f"autograd_mini.viz.{module.name}")
print([name for name in viz.__all__ if name != "plot" and not callable(getattr(viz, name))])
print(viz.plot is ag.plot)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "True"]


def test_the_table_of_names_is_what_type_checkers_are_told_of():
    tree = ast.parse(Path(viz.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    told = {alias.name: node.module.removeprefix("autograd_mini.viz.") for node in block.body for alias in node.names}
    assert told == {**viz.HOMES, "plot": "autograd_mini.viz"}
    assert [*viz.HOMES] == viz.__all__ == sorted(viz.__all__)


def test_the_front_door_has_every_picture():
    assert set(viz.__all__) <= set(ag.__all__)
    assert [name for name in viz.__all__ if getattr(ag, name) is not getattr(viz, name)] == []


def test_the_picture_of_a_graph_loads_neither_training_nor_the_compiler():
    code = """
import sys
import autograd_mini as ag
y = ag.Value(2.0) * 3.0
y.backward()
ag.draw(y), ag.step(y).events
print([name for name in sys.modules if name.startswith(("autograd_mini.train", "autograd_mini.compiler"))])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
