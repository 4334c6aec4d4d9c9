"""The command `autograd-mini course`: it copies the notebooks, spares what the reader changed, and opens JupyterLab."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from autograd_mini.cli import course as course_module
from autograd_mini.cli import main

ROOT = Path(__file__).parents[2]


def names_in(folder):
    """Return the files of a course as paths in its folder."""
    paths = (path.relative_to(folder) for path in Path(folder).rglob("*") if path.is_file())
    return {path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)}


COURSE = names_in(ROOT / "notebooks")
EDITED = "1_what_a_derivative_says.ipynb"


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Return a function that runs the command in a folder of its own and returns its status, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / ".jupyter"))

    def run(*words):
        status = main(["course", *words])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def installed(monkeypatch):
    """Return a function that says whether JupyterLab is installed."""

    def say(installed):
        monkeypatch.setattr(course_module, "find_spec", lambda _name: object() if installed else None)

    return say


@pytest.fixture
def terminal(monkeypatch):
    """Let the command run in a terminal, and return the processes that it starts: (command, folder) each."""
    started = []

    class Process:
        def __init__(self, command, cwd):
            started.append((command, cwd))
            self.waits = iter([KeyboardInterrupt, 7])

        def __enter__(self):
            return self

        def __exit__(self, *_error):
            pass

        def wait(self):
            status = next(self.waits)
            if status is KeyboardInterrupt:
                raise KeyboardInterrupt
            return status

    monkeypatch.setattr(subprocess, "Popen", Process)
    monkeypatch.setattr(course_module, "_in_a_terminal", lambda: True)
    return started


def test_jupyter_trusts_the_copies_so_that_pictures_show_before_a_cell_is_run(run, tmp_path, installed):
    nbformat = pytest.importorskip("nbformat")
    sign = pytest.importorskip("nbformat.sign")
    installed(True)
    run("--no-open", "--out", "copy")
    copies = [nbformat.read(path, as_version=4) for path in sorted((tmp_path / "copy").glob("*.ipynb"))]
    assert len(copies) == 10
    notary = sign.NotebookNotary()
    with closing(notary.store):
        assert all(notary.check_signature(copy) for copy in copies)
        copies[0].cells[0].source += "!"
        assert not notary.check_signature(copies[0])


def test_the_course_is_copied_whole(run, tmp_path):
    status, out, err = run("--no-open")
    assert (status, err) == (0, "")
    assert names_in(tmp_path / "autograd_mini_course") == COURSE
    for name in COURSE:
        assert (tmp_path / "autograd_mini_course" / name).read_bytes() == (ROOT / "notebooks" / name).read_bytes()
    assert "Kept" not in out


def test_what_the_reader_changed_is_kept_and_named_and_what_is_missing_comes_back(run, tmp_path):
    run("--out", "mine", "--no-open")
    edited, deleted = tmp_path / "mine" / EDITED, tmp_path / "mine" / max(COURSE)
    edited.write_text("my own notes")
    deleted.unlink()
    status, out, _ = run("--out", "mine", "--no-open")
    assert status == 0
    assert edited.read_text() == "my own notes"
    assert deleted.exists()
    assert next(line for line in out.splitlines() if line.startswith("Kept")).endswith(f": {EDITED}")


def test_a_link_that_leads_nowhere_is_not_written_through(run, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / EDITED).symlink_to(tmp_path / "elsewhere")
    run("--out", "mine", "--no-open")
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(run, tmp_path):
    (tmp_path / "mine").write_text("")
    status, out, err = run("--out", "mine", "--no-open")
    assert (status, out) == (2, "")
    assert err == "autograd-mini: error: cannot write to mine: it is a file, not a folder\n"


def test_a_package_without_its_course_says_where_it_looked(run, tmp_path, monkeypatch):
    monkeypatch.setattr(course_module, "PACKAGE", tmp_path / "site" / "autograd_mini")
    status, _, err = run("--no-open")
    assert status == 2
    assert "missing: looked in" in err


def test_jupyterlab_opens_at_the_first_notebook_and_ctrl_c_is_for_it(run, installed, terminal):
    installed(True)
    status, _, _ = run("--out", "mine")
    [(command, folder)] = terminal
    assert status == 7
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert command[3:] == [EDITED]
    assert folder == Path("mine")


def test_jupyterlab_stays_closed_where_it_was_asked_to(run, installed, terminal):
    installed(True)
    assert "jupyter lab mine" in run("--out", "mine", "--no-open")[1]
    assert terminal == []


def test_jupyterlab_stays_closed_where_nobody_looks(run, installed, terminal, monkeypatch):
    monkeypatch.setattr(course_module, "_in_a_terminal", lambda: False)
    installed(True)
    assert "jupyter lab mine" in run("--out", "mine")[1]
    assert terminal == []


def test_without_jupyterlab_the_command_says_where_the_notebooks_are_and_what_to_install(run, installed, terminal):
    installed(False)
    status, out, _ = run("--out", "mine")
    assert status == 0
    assert out.startswith("mine: ")
    assert "pip install 'autograd_mini[notebook]'" in out
    assert terminal == []


def test_the_wheel_brings_the_course(tmp_path):
    pytest.importorskip("hatchling")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(tmp_path / "site")
    command = [sys.executable, "-m", "autograd_mini", "course", "--no-open", "--out", "copy"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert names_in(tmp_path / "copy") == COURSE == names_in(tmp_path / "site" / "autograd_mini" / "notebooks")
