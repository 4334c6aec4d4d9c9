"""A progress bar shows how far training is: one line on standard error, written over and over."""

from __future__ import annotations

import sys
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

_PAUSE = 0.1  # seconds between two states of the line, so that showing costs nothing


class Progress:
    """A line with the epoch, the share of all batches done, the time it took and will take, and the last figures."""

    rate = 0.0  # rows a second, to be shown; 0 for not

    def __init__(self, epochs: int, batches: int, *, shown: bool) -> None:
        self.shown = shown
        self._epochs, self._batches = epochs, batches
        self._figures, self._width, self._due = "", 0, 0.0
        self._start, self._before = monotonic(), -1  # a run that is resumed has done some already

    def batch(self, epoch: int, done: float) -> None:
        """Take note that `done` batches of an epoch, counted from 1, are done."""
        if self._before < 0:
            self._before = (epoch - 1) * self._batches
        if self.shown and monotonic() >= self._due:
            self._write(epoch, done)
            self._due = monotonic() + _PAUSE

    def epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        """Take note of the figures of an epoch that is done."""
        self._figures = f"  {figures(row)}"
        if self.shown and epoch == self._epochs:
            self._write(epoch, self._batches)

    def close(self) -> None:
        """Leave the last state on the screen and go on below it."""
        if self._width:
            sys.stderr.write("\n")

    def _write(self, epoch: int, done: float) -> None:
        finished, total = (epoch - 1) * self._batches + done, self._epochs * self._batches
        passed = monotonic() - self._start
        left = passed * (total - finished) / max(finished - self._before, 1e-9)
        times = " < ".join(f"{int(time // 60)}:{int(time % 60):02}" for time in (passed, left))
        speed = f"  {self.rate:.3g} rows/s" if self.rate else ""
        line = f"epoch {epoch}/{self._epochs} {finished / total:4.0%}  {times}{self._figures}{speed}"
        sys.stderr.write("\r" + line.ljust(self._width))
        sys.stderr.flush()
        self._width = len(line)


def progress_bar(wanted: bool | Literal["auto"], epochs: int, batches: int) -> Progress:  # noqa: FBT001 - what `fit` got
    """Return the bar that fits where the program runs: "auto" shows it in a terminal or a notebook alone."""
    if not (wanted is True or wanted is False or wanted == "auto"):
        raise ValueError(f'progress is {wanted!r}, expected True, False or "auto"')
    error = sys.stderr  # None in a program without a console
    here = error is not None and (wanted is True or _in_notebook() or error.isatty())
    return Progress(epochs, batches, shown=bool(epochs and wanted and here))


def figures(row: Mapping[str, float]) -> str:
    """Return the figures of an epoch in one line, the learning rate left out.

    >>> figures({"loss": 0.25, "accuracy": 0.96875, "lr": 0.1})
    'loss 0.25  accuracy 0.9688'
    """
    return "  ".join(f"{name} {figure:.4g}" for name, figure in row.items() if name != "lr")


def _in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"
