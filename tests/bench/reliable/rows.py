"""A row: what is tried, the figure to reach, and a function for each library that tries it."""

from __future__ import annotations

import tempfile
from pathlib import Path


class Figure:
    """What came out: a short text, and whether it is what a user may rely on."""

    def __init__(self, text, right):
        self.text, self.right = text, bool(right)


class Row:
    """One row of the table.

    Args:
        name: what `--only` calls it.
        title: what is tried.
        goal: the figure to reach.

    Attributes:
        cells: for each library the function that tries it, given the library and whether to be quick.

    """

    def __init__(self, name, title, goal):
        self.name, self.title, self.goal = name, title, goal
        self.cells = {}
        ROWS[name] = self

    def on(self, *names):
        """Decorate the function for these libraries."""

        def keep(function):
            self.cells.update(dict.fromkeys(names, function))
            return function

        return keep


ROWS = {}
TAPES = ("here", "micrograd", "MyGrad", "PyTorch")
"""The libraries whose numbers can be taken in hand."""

ALL = (*TAPES, "HIPS")


def outcome(try_it):
    """Return what a call returns, or the name of the error that it raises."""
    try:
        return try_it()
    except Exception as error:  # noqa: BLE001 - every error is an outcome here
        return f"raises {type(error).__name__}"


def folder():
    """Return a folder that is removed after use, as a context manager of its path."""
    return tempfile.TemporaryDirectory(prefix="reliability-")


def inside(folder_name, name="model"):
    """Return a path in that folder."""
    return Path(folder_name) / name
