"""The progress bar: where it shows, what it shows, and that nothing goes wrong where it cannot."""

import io
import sys
from types import SimpleNamespace

import pytest

from autograd_mini.train.progress import Progress, progress_bar


class Terminal(io.StringIO):
    """What says that it is a terminal, and keeps what is written to it."""

    def isatty(self):
        """Say so."""
        return True


class ZMQInteractiveShell:
    """The name by which a notebook is recognised."""


@pytest.fixture
def errors_to(monkeypatch):
    """Return a function that replaces standard error; pytest itself replaces it between a fixture and its test."""

    def replace(stream):
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    return replace


@pytest.fixture
def notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=ZMQInteractiveShell))


def shown(bar, epochs=2, batches=3):
    for epoch in range(1, epochs + 1):
        for done in range(1, batches + 1):
            bar.batch(epoch, done)
        bar.epoch(epoch, {"loss": 1 / epoch, "lr": 0.1})
    bar.close()
    return sys.stderr.getvalue()


@pytest.mark.parametrize("wanted", ["auto", False])
def test_nothing_is_shown_where_there_is_no_terminal(errors_to, wanted):
    errors_to(io.StringIO())
    assert shown(progress_bar(wanted, 2, 3)) == ""


def test_false_shows_nothing_in_a_terminal_either(errors_to):
    errors_to(Terminal())
    assert shown(progress_bar(False, 2, 3)) == ""


def test_nothing_is_shown_for_no_epochs(errors_to):
    errors_to(Terminal())
    assert shown(progress_bar(True, 0, 3), epochs=0) == ""


def test_a_program_without_a_console_gets_no_bar(errors_to):
    errors_to(None)
    assert not progress_bar(True, 2, 3).shown


def test_a_terminal_gets_one_line_of_text(errors_to):
    errors_to(Terminal())
    text = shown(progress_bar("auto", 2, 3))
    assert text.startswith("\repoch 1/2  17%  0:00 < 0:0")
    assert text.endswith("\repoch 2/2 100%  0:00 < 0:00  loss 0.5\n")
    assert text.count("\n") == 1


def test_the_time_that_is_left_is_told_from_what_this_run_has_done(errors_to, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr("autograd_mini.train.progress.monotonic", lambda: clock[0])
    screen = errors_to(Terminal())
    bar = progress_bar(True, 10, 2)
    clock[0] += 70.0
    bar.batch(6, 1)  # five epochs were done by the run before
    assert screen.getvalue() == "\repoch 6/10  55%  1:10 < 10:30"


def test_a_shorter_line_covers_the_longer_one_before(errors_to):
    screen = errors_to(Terminal())
    bar = Progress(2, 1, shown=True)
    bar.epoch(2, {"loss": 0.123456})
    bar.epoch(2, {"loss": 1})
    longer, shorter = screen.getvalue().split("\r")[1:]
    assert len(longer) == len(shorter)


def test_true_shows_the_line_where_there_is_no_terminal(errors_to):
    errors_to(io.StringIO())
    assert "loss 0.5" in shown(progress_bar(True, 2, 3))


@pytest.mark.usefixtures("notebook")
def test_a_notebook_gets_the_line(errors_to):
    errors_to(io.StringIO())
    assert "epoch 2/2 100%" in shown(progress_bar("auto", 2, 3))


def test_another_wish_is_refused():
    with pytest.raises(ValueError, match="progress is 1,"):
        progress_bar(1, 2, 3)
