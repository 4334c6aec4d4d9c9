"""Run the notebooks of the course and write what they show: `python tests/notebooks.py`, all or those that are named.

What is written is the same wherever and whenever it is made, as far as a run allows: no times of execution, no metadata
of the kernel, printed text in one piece. Cells tagged `nbval-ignore-output` show the clock, or what differs between
processors: they keep what they show unless their text differs in more than its numbers, or `--clocks` is given.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbformat import NotebookNode

FOLDER = Path(__file__).parents[1] / "notebooks"

TAG = "nbval-ignore-output"
"""The tag of a cell whose output differs from run to run."""

QUIET = ["--log-level=ERROR"]
"""How a kernel is started: without its advice on how it might be reached."""

NUMBER = re.compile(r"[-+ ]*[\d.,]+(?:e[+-]?\d+)?")
"""A number in a printed text, with its sign and the blanks that align it."""


def joined(outputs: Iterable[NotebookNode]) -> list[NotebookNode]:
    """Return outputs with the pieces of one stream joined: where it was cut, the clock decided."""
    whole: list[NotebookNode] = []
    for output in outputs:
        before = whole[-1] if whole else None
        if before is not None and output.output_type == "stream" and output.name == before.get("name"):
            before.text += output.text
        else:
            whole.append(output)
    return whole


def wording(outputs: Iterable[NotebookNode]) -> list[str]:
    """Return the text of outputs without its numbers, and the kinds of pictures without the pictures."""
    return [
        NUMBER.sub("#", "".join(output.get("text", "") or output.data.get("text/plain", "")))
        for output in joined(outputs)
        if output.output_type != "error"
    ]


def run(path: Path, *, clocks: bool = False) -> None:
    """Run a notebook from top to bottom and write it back.

    Args:
        path: the notebook.
        clocks: whether cells that show the clock get new output in any case.

    """
    book = nbformat.read(path, as_version=4)
    kept = {cell.id: cell.outputs for cell in book.cells if TAG in cell.metadata.get("tags", [])}
    client = NotebookClient(book, timeout=300, kernel_name="python3", record_timing=False, extra_arguments=QUIET)
    with TemporaryDirectory() as elsewhere:  # where what libraries leave behind goes with it
        client.execute(cwd=elsewhere)
    for cell in book.cells:
        if cell.cell_type != "code":
            continue
        cell.outputs = joined(cell.outputs)
        if not clocks and cell.id in kept and wording(kept[cell.id]) == wording(cell.outputs):
            for output in kept[cell.id]:
                if output.output_type == "execute_result":
                    output.execution_count = cell.execution_count
            cell.outputs = kept[cell.id]
    book.metadata.language_info = nbformat.NotebookNode(name="python")
    nbformat.write(book, path)


def page_number(path: Path) -> int:
    """Return the number that a notebook's name begins with."""
    return int(path.stem.partition("_")[0])


def named(path: Path, page: str) -> bool:
    """Return whether a notebook is the page of a number, or begins with a name."""
    return page_number(path) == int(page) if page.isdecimal() else path.stem.startswith(page)


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", nargs="*", help="numbers or names of notebooks; all if left out")
    parser.add_argument("--clocks", action="store_true", help="show the clock anew, too")
    asked = parser.parse_args()
    paths = sorted(FOLDER.glob("*.ipynb"), key=page_number)
    if missing := [page for page in asked.pages if not any(named(path, page) for path in paths)]:
        sys.exit(f"pages are {missing!r}, expected how names in {FOLDER.name}/ begin, such as 3")
    for path in paths:
        if not asked.pages or any(named(path, page) for page in asked.pages):
            run(path, clocks=asked.clocks)
            print(f"{path.name}  {path.stat().st_size / 1000:.0f} kB", flush=True)  # noqa: T201 - how far it is


if __name__ == "__main__":
    main()
