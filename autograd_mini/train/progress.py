"""A progress bar shows how far training is, in a terminal or a notebook: tqdm's, or one line of text without tqdm."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal

_PAUSE = 0.1  # seconds between two states of the line of text, so that showing costs nothing


class Progress:
    """A bar that shows nothing, and what all bars share.

    Attributes:
        rate: rows a second, to be shown; 0 for not.

    """

    rate = 0.0

    def __init__(self, epochs: int, batches: int) -> None:
        """Expect that many epochs of that many batches."""
        self.epochs, self.batches = epochs, batches

    def batch(self, epoch: int, done: float) -> None:
        """Take note that `done` batches of an epoch, counted from 1, are done."""

    @property
    def speed(self) -> str:
        """The rate in words, if there is one."""
        return f"  {self.rate:.3g} rows/s" if self.rate else ""

    def epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        """Take note of the figures of an epoch that is done."""

    def close(self) -> None:
        """Leave the last state on the screen and go on below it."""


class TextLine(Progress):
    """One line on standard error, written over and over."""

    def __init__(self, epochs: int, batches: int) -> None:
        """Start with an empty line."""
        super().__init__(epochs, batches)
        self._figures, self._width, self._due = "", 0, 0.0

    def batch(self, epoch: int, done: float) -> None:
        """Show the epoch, the share of all batches done, and the figures of the epoch before."""
        if monotonic() >= self._due:
            self._write(epoch, done)
            self._due = monotonic() + _PAUSE

    def epoch(self, epoch: int, row: Mapping[str, float]) -> None:
        """Show the figures from now on."""
        self._figures = f"  {figures(row)}"
        if epoch == self.epochs:
            self._write(epoch, self.batches)

    def close(self) -> None:
        """End the line."""
        if self._width:
            sys.stderr.write("\n")

    def _write(self, epoch: int, done: float) -> None:
        share = ((epoch - 1) * self.batches + done) / (self.epochs * self.batches)
        line = f"epoch {epoch}/{self.epochs} {share:4.0%}{self._figures}{self.speed}"
        sys.stderr.write("\r" + line.ljust(self._width))
        sys.stderr.flush()
        self._width = len(line)


class TqdmBar(Progress):
    """A bar of the package tqdm, on standard error or as a widget of a notebook."""

    def __init__(self, epochs: int, batches: int, bar: Any) -> None:
        """Drive the bar, which counts the batches of all epochs."""
        super().__init__(epochs, batches)
        self._bar, self._done, self._figures = bar, 0.0, ""

    def batch(self, epoch: int, done: float) -> None:
        """Move the bar."""
        self._bar.set_description_str(f"epoch {epoch}/{self.epochs}", refresh=False)
        if self.rate:
            self._bar.set_postfix_str(f"{self._figures}{self.speed}".strip(), refresh=False)
        whole = (epoch - 1) * self.batches + done
        self._bar.update(whole - self._done)
        self._done = whole

    def epoch(self, epoch: int, row: Mapping[str, float]) -> None:  # noqa: ARG002 - `batch` has shown it
        """Show the figures behind the bar."""
        self._figures = figures(row)
        self._bar.set_postfix_str(f"{self._figures}{self.speed}", refresh=False)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.refresh()
        self._bar.close()


def progress_bar(wanted: bool | Literal["auto"], epochs: int, batches: int) -> Progress:  # noqa: FBT001 - what `fit` got
    """Return the bar that fits where the program runs.

    Args:
        wanted: True, False, or "auto": only where standard error is a terminal, or in a notebook.
        epochs: how many epochs there will be.
        batches: how many batches each has.

    Raises:
        ValueError: for another `wanted`.

    """
    if not (wanted is True or wanted is False or wanted == "auto"):
        raise ValueError(f'progress is {wanted!r}, expected True, False or "auto"')
    notebook = _in_notebook()
    error = sys.stderr  # None in a program without a console
    if not epochs or wanted is False or error is None or (wanted == "auto" and not (notebook or error.isatty())):
        return Progress(epochs, batches)
    bar = _tqdm(
        notebook=notebook,
        desc=f"epoch 1/{epochs}",
        total=epochs * batches,
        bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}",
        dynamic_ncols=True,
    )
    return TextLine(epochs, batches) if bar is None else TqdmBar(epochs, batches, bar)


def figures(row: Mapping[str, float]) -> str:
    """Return the figures of an epoch in one line, the learning rate left out.

    >>> figures({"loss": 0.25, "accuracy": 0.96875, "lr": 0.1})
    'loss 0.25  accuracy 0.9688'
    """
    return "  ".join(f"{name} {figure:.4g}" for name, figure in row.items() if name != "lr")


def _in_notebook() -> bool:
    """Return whether this runs in the kernel of a Jupyter notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


def _tqdm(*, notebook: bool, **settings: Any) -> Any:
    """Return a bar of tqdm, or None without tqdm.

    `tqdm.auto` would choose too, but it warns in a notebook without ipywidgets, where the text bar does as well.
    """
    try:
        if notebook:
            with suppress(ImportError):
                import_module("ipywidgets")
                return import_module("tqdm.notebook").tqdm(**settings)
        return import_module("tqdm").tqdm(**settings)
    except ImportError:
        return None
