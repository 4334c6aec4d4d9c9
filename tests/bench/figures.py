"""Figures that a benchmark notes beside what it prints, for `all.py` and the site's page of benchmarks."""

from __future__ import annotations

import json
import os
from pathlib import Path

FILE = "AUTOGRAD_MINI_FIGURES"
"""The environment variable that names the file to which figures are added; without it none are kept."""


def note(title, row, unit, taken):
    """Note what several took for one thing.

    Args:
        title: the table that it belongs to.
        row: what was done.
        unit: of the numbers.
        taken: the numbers, by who took them; None where somebody was not there.

    """
    if path := os.environ.get(FILE):
        taken = {name: number for name, number in taken.items() if number is not None}
        line = json.dumps({"title": title, "row": row, "unit": unit, "taken": taken})
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
