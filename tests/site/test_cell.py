"""A cell runs as a notebook's does; tried on this interpreter, where nothing but the page is missing."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

import autograd_mini as ag
from autograd_mini.site.cell import Cell, representation
from autograd_mini.site.playground import examples


@pytest.fixture(autouse=True)
def _no_other_ipython(monkeypatch):
    for name in ("IPython", "IPython.display"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.fixture
def run():
    """Return a function that runs a cell and returns whether it went through, and what reached the page."""

    def of(source):
        posted = []
        return Cell(lambda *message: posted.append(message)).run(source), posted

    return of


def test_the_last_expression_is_shown_and_a_statement_is_not(run):
    assert run("x = 2\nx + 1") == (True, [("show", "text/plain", "3", "")])
    assert run("x = 2") == (True, [])
    assert run("None") == (True, [])
    assert run("") == (True, [])


def test_prints_go_out_as_they_happen_to_their_stream(run):
    _, posted = run("import sys\nprint('a', end='')\nprint('b', end='', file=sys.stderr)")
    assert posted == [("text", "stdout", "a"), ("text", "stderr", "b")]


def test_cells_share_no_names():
    posted = []
    cell = Cell(lambda *message: posted.append(message))
    assert cell.run("kept = 1")
    assert not cell.run("kept")
    assert "NameError: name 'kept' is not defined" in posted[-1][1]


def test_an_error_is_told_from_the_line_of_the_cell(run):
    well, [(kind, text)] = run("def f():\n    return 1 / 0\n\nf()")
    assert (well, kind) == (False, "error")
    assert text.startswith('Traceback (most recent call last):\n  File "<cell>", line 4, in <module>\n    f()\n')
    assert text.endswith("ZeroDivisionError: division by zero\n")
    assert "cell.py" not in text


def test_a_mistake_of_syntax_is_told_as_python_tells_it(run):
    well, [(_, text)] = run("x = (1,\ny = 2")
    assert not well
    assert text.startswith('  File "<cell>", line 1\n')
    assert "SyntaxError" in text


@pytest.mark.parametrize("source", ["raise SystemExit(3)", "raise KeyboardInterrupt", "exit()"])
def test_a_cell_that_ends_python_ends_itself(run, source):
    well, posted = run(source)
    assert not well
    assert [kind for kind, *_ in posted] == ["error"]


def test_display_shows_at_once_and_under_a_name_replaces(run):
    _, posted = run("display(1, 2)\ndisplay(3, display_id='here')\nclear_output(wait=True)")
    shown = [("show", "text/plain", "1", ""), ("show", "text/plain", "2", ""), ("show", "text/plain", "3", "here")]
    assert posted == [*shown, ("clear", True)]


def test_the_cell_of_a_notebook_that_imports_display_runs(run):
    source = "from IPython.display import HTML, SVG, clear_output, display\ndisplay(HTML('<b>x</b>'))\nSVG('<svg/>')"
    assert run(source) == (True, [("show", "text/html", "<b>x</b>", ""), ("show", "image/svg+xml", "<svg/>", "")])


@pytest.mark.parametrize("source", ["x = 1", "1 / 0"])
@pytest.mark.parametrize("loaded", [[], ["IPython", "IPython.display"]], ids=["without IPython", "with IPython"])
def test_what_else_runs_in_the_process_finds_ipython_as_it_was(run, monkeypatch, loaded, source):
    for name in [name for name in sys.modules if name.split(".")[0] == "IPython"]:
        monkeypatch.delitem(sys.modules, name)
    before = {name: ModuleType(name) for name in loaded}
    for name, module in before.items():
        monkeypatch.setitem(sys.modules, name, module)
    run(source)
    assert {name: module for name, module in sys.modules.items() if name.split(".")[0] == "IPython"} == before


def test_a_value_is_shown_by_its_richest_representation():
    y = ag.Value(2.0, label="x") ** 2
    y.backward()
    assert representation(y) == ("text/plain", repr(y))
    assert representation(ag.step(y))[0] == "text/html"
    assert representation(ag.draw(y))[0] == "text/html"
    assert representation(ag.latex(y))[0] == "text/latex"


@pytest.mark.parametrize("example", examples(), ids=lambda example: example["name"])
def test_every_example_runs_and_shows_something(run, example):
    well, posted = run(example["code"])
    assert well, posted
    assert any(kind in {"show", "text"} for kind, *_ in posted)
    assert all(len(line) <= 72 for line in example["code"].splitlines())
