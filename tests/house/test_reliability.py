"""What the package promises, kept: every row of the table of `tests/bench/reliability.py`, with smaller numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("memory and forks are measured on Linux", allow_module_level=True)
pytest.importorskip("pygraphviz")

BENCH = Path(__file__).parents[1] / "bench" / "reliability.py"
sys.path.insert(0, str(BENCH.parent))
from reliability import ORDER  # noqa: E402 - it needs Linux
from reliable.libraries import LIBRARIES  # noqa: E402 - as above
from reliable.rows import ROWS  # noqa: E402 - as above


@pytest.fixture(scope="module")
def figures():
    """Return what came out for each row, all from one process."""
    done = subprocess.run([sys.executable, str(BENCH), "--lines"], check=True, capture_output=True, text=True)
    return {figure["row"]: figure for figure in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("row", ORDER)
def test_what_a_row_promises_is_kept(figures, row):
    figure = figures[row]
    print(f"{ROWS[row].title}: {figure['text']}")  # noqa: T201 - shown by pytest -rP
    assert figure["right"], f"{figure['text']}, but expected {ROWS[row].goal}"


def test_every_row_stands_in_the_table_once_and_has_a_cell_of_ours():
    assert sorted(ORDER) == sorted(ROWS)
    assert all("here" in row.cells and set(row.cells) <= set(LIBRARIES) for row in ROWS.values())
