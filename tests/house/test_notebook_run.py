"""A run of the notebooks compares the text that their cells give with the text they show, and spares the pictures."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

for needed in ("nbval", "nbclient", "ipykernel"):
    pytest.importorskip(needed)

import nbformat  # noqa: E402 - nbval brings it

from notebooks import run, wording  # noqa: E402 - as above

ROOT = Path(__file__).parents[2]
OPTIONS = [
    word for word in (ROOT / "tests" / "notebooks.txt").read_text(encoding="utf-8").split() if word != "notebooks"
]

SVG = """\
from IPython.display import SVG
SVG('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><path d="M0 0h8"/></svg>')"""


def cell(source, shown, kind="text/plain", **metadata):
    """Return a code cell that was run and shows something."""
    data = {kind: shown} | ({} if kind == "text/plain" else {"text/plain": "<IPython.core.display.SVG object>"})
    output = {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": data}
    whole = {"cell_type": "code", "id": "a", "metadata": metadata, "execution_count": 1}
    return whole | {"source": source, "outputs": [output]}


def test_text_that_changes_fails_and_a_picture_that_changes_or_an_output_that_is_ignored_does_not(tmp_path):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [
        cell("6 * 7", "42"),
        cell("6 * 7", "41"),
        cell("6 * 7", "41", tags=["nbval-ignore-output"]),
        cell(SVG, '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">\n</svg>\n', "image/svg+xml"),
        cell("6 * 7", '<svg xmlns="http://www.w3.org/2000/svg"></svg>', "image/svg+xml"),
        cell("print('<b>')", "<b>"),
    ]
    for at, one in enumerate(cells):
        one["id"] = f"c{at}"
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path = tmp_path / "changed.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", *OPTIONS, "-p", "no:cacheprovider", "-rA", "-q", str(path)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    failed = {*re.findall(r"^FAILED .*::Cell ([0-9]+)", done.stdout, re.MULTILINE)}
    assert failed == {"1", "4", "5"}, done.stdout


def test_a_run_that_is_written_joins_what_was_printed_and_keeps_what_only_the_clock_would_change(tmp_path):
    clock = {"tags": ["nbval-ignore-output"]}
    cells = [
        cell("print('a')\nimport sys, time\nsys.stdout.flush(); time.sleep(0.3)\nprint('b')", "stale"),
        cell("import time\ntime.perf_counter()", "0.25", **clock),
        cell("'no number now'", "0.25", **clock),
    ]
    for at, one in enumerate(cells):
        one["id"] = f"c{at}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path / "1_timed.ipynb"
    path.write_text(
        json.dumps({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})
    )
    run(path)
    first = path.read_bytes()
    book = nbformat.reads(first.decode(), as_version=4)
    printed, timed, changed = (one.outputs for one in book.cells)
    assert [(output.output_type, output.text) for output in printed] == [("stream", "a\nb\n")]
    assert [output.data["text/plain"] for output in timed] == ["0.25"]
    assert [output.data["text/plain"] for output in changed] == ["'no number now'"]
    assert [one.execution_count for one in book.cells] == [1, 2, 3]
    assert {key for one in book.cells for key in one.metadata} == {"tags"}
    run(path)
    assert path.read_bytes() == first
    run(path, clocks=True)
    assert wording(nbformat.read(path, as_version=4).cells[1].outputs) == wording(timed)
    assert path.read_bytes() != first
