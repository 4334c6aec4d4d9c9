"""What the package promises, measured beside its peers: the table of reliability, in one command.

    python tests/bench/reliability.py [--quick] [--only ROW …] [--libraries here PyTorch …]

Each figure comes from a process of its own with a limit on time and memory, so that a peer that hangs or crashes fails
its cell and nothing else. Seconds are those of the processor. Libraries that are not installed are left out: micrograd,
HIPS autograd (`autograd`), MyGrad, PyTorch, and torchviz, which draws for it. It needs Linux, and the package with its
extra `all`.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import traceback
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from command import parser
from processor import described
from reliable import files, graphs, interrupts, kinds, memory, oddities, pictures, processes
from reliable.libraries import LIBRARIES
from reliable.rows import ROWS

PARTS = (files, graphs, interrupts, kinds, memory, oddities, pictures, processes)
"""The modules whose rows fill the table when they are imported."""

ORDER = (
    *("deep", "delete", "copies", "shown", "bytes", "garbage", "steps", "stale", "twice", "ctrl-c", "optimiser"),
    *("hashes", "types", "truth", "nan", "symbols", "labels", "files", "kill", "resumed", "threads", "fork"),
)
"""The rows, as the table has them."""

TIME, MEMORY = 300, 16 * 10**9
"""The seconds and the bytes of address space that a cell may take."""


def cell(row, library, *, quick):
    """Return the figure of a cell, computed in this process."""
    try:
        return ROWS[row].cells[library](LIBRARIES[library], quick)
    finally:
        gc.enable()


def computed(row, library, *, quick):
    """Return the text of a cell, computed in a process of its own."""
    if library not in ROWS[row].cells:
        return "-"
    command = [sys.executable, __file__, "--cell", row, library, *(["--quick"] if quick else [])]

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=limit,  # noqa: PLW1509 - this process has one thread
        start_new_session=True,
    ) as process:
        try:
            out, errors = process.communicate(timeout=TIME)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.communicate()
            return f"fails: not done in {TIME} s"
    lines = out.splitlines()
    if lines and lines[-1].startswith("{"):
        return json.loads(lines[-1])["text"]
    if process.returncode < 0:
        return f"fails: crashed, signal {-process.returncode}"
    last = (errors.strip().splitlines() or ["no figure"])[-1]
    return f"fails: {last[:60]}"


def version(library):
    """Return the column's heading."""
    name = LIBRARIES[library].module
    return f"{library} {metadata.version(name)}"


def main(arguments=None):
    """Print the table, row by row as it is computed."""
    command = parser(__doc__)
    command.add_argument("--quick", action="store_true", help="smaller numbers of nodes, steps and files")
    command.add_argument("--only", nargs="+", choices=ORDER, default=ORDER, metavar="ROW", help=", ".join(ORDER))
    command.add_argument("--libraries", nargs="+", choices=LIBRARIES, default=list(LIBRARIES), help="the columns")
    command.add_argument("--cell", nargs=2, help=argparse.SUPPRESS)
    command.add_argument("--lines", action="store_true", help=argparse.SUPPRESS)
    chosen = command.parse_args(arguments)
    if chosen.cell:
        figure = cell(*chosen.cell, quick=chosen.quick)
        print(json.dumps({"text": figure.text, "right": figure.right}))
        return
    if chosen.lines:  # for the tests: ours alone, one process for all rows
        for row in chosen.only:
            try:
                figure = cell(row, "here", quick=True)
                said = {"row": row, "text": figure.text, "right": figure.right}
            except BaseException:  # noqa: BLE001 - shown by the test
                said = {"row": row, "text": traceback.format_exc(), "right": False}
            print(json.dumps(said), flush=True)
        return
    libraries = [name for name in chosen.libraries if find_spec(LIBRARIES[name].module)]
    print(described(), end="\n\n")
    print(f"| {' | '.join(['', *map(version, libraries), 'to reach'])} |")
    print("|---" * (len(libraries) + 2) + "|")
    for name in ORDER:
        if name in chosen.only:
            cells = [computed(name, library, quick=chosen.quick) for library in libraries]
            print(f"| {' | '.join([ROWS[name].title, *cells, ROWS[name].goal])} |", flush=True)


if __name__ == "__main__":
    main()
