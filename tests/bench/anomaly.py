"""What `anomaly` and `origin` cost, off and on: `python tests/bench/anomaly.py`.

Off means that nothing of them is on, which is what everybody pays. It is compared with a copy of the package from which
the slot for a node's line, and the questions whether somebody looks at leaves, have been cut out. Each side has a
process of its own, which does steps of micrograd's demo (MLP 2-16-16-1, 100 samples, 65,000 nodes) when it is asked to;
the sides take turns, and the median of the ratios of their processor times is printed, with the quartiles, and the same
for a copy of which nothing was cut, which shows what the measurement itself is worth. Processes are begun anew several
times, because where one happens to lie in memory makes a difference of some percent.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from command import begin
from processor import described

import autograd_mini

PROCESSES = 8
ROUNDS = 12
BLOCK = 3

CUTS = (
    ('"_origin", ', ""),
    ('        if on_leaf:\n            show_leaf(self, "made")\n', ""),
    ('        if on_leaf:\n            show_leaf(self, "assigned")\n', ""),
    ('    if on_leaf:\n        show_leaf(leaf, "made")\n', ""),
)

WORKER = """
import gc, sys, time
sys.path[:0] = sys.argv[1:]
from contextlib import nullcontext
import autograd_mini as ag
from engine import demo
blocks = {"off": nullcontext, "origin": lambda: ag.origin(), "anomaly": lambda: ag.anomaly()}
step = demo(ag.MLP, ag.Value)
for line in sys.stdin:
    kind, times = line.split()
    gc.collect()
    with blocks[kind]():
        start = time.process_time()
        for _ in range(int(times)):
            step()
        print(time.process_time() - start, flush=True)
"""


class Side:
    """A process that does steps with one copy of the package."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", WORKER, str(folder), str(Path(__file__).parent)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.seconds("off")

    def seconds(self, kind: str, times: int = BLOCK) -> float:
        """Return the seconds of some steps inside a kind of block."""
        self.process.stdin.write(f"{kind} {times}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline()) / times


def copied(folder: Path, cuts: tuple[tuple[str, str], ...]) -> Path:
    """Copy the package, cut pieces out of `value.py`, and return where the copy lies."""
    shutil.copytree(Path(autograd_mini.__file__).parent, folder / "autograd_mini")
    value = folder / "autograd_mini" / "engine" / "value.py"
    text = value.read_text()
    for piece, instead in cuts:
        if piece not in text:
            raise LookupError(f"value.py no longer holds {piece!r}, which was to be cut out")
        text = text.replace(piece, instead)
    value.write_text(text)
    return folder


def ratios(ours: tuple[Side, str], theirs: tuple[Side, str], rounds: int) -> list[float]:
    """Return by which factor one side takes longer than the other, turn by turn."""
    found = []
    for turn in range(rounds):
        pair = (ours, theirs) if turn % 2 else (theirs, ours)
        taken = {side: side[0].seconds(side[1]) for side in pair}
        found.append(taken[ours] / taken[theirs])
    return found


def report(title: str, found: list[float]) -> None:
    """Print the median of ratios and their quartiles."""
    low, middle, high = (100 * (ratio - 1) for ratio in statistics.quantiles(found, n=4))
    print(f"{title:50} {middle:+7.1f} %   (quartiles {low:+.1f} and {high:+.1f})")


def main() -> None:
    """Print the costs."""
    print(described())
    nothing, off, origin, anomaly = [], [], [], []
    with tempfile.TemporaryDirectory() as name:
        folders = [copied(Path(name) / f"{at}", cuts) for at, cuts in enumerate(((), CUTS, ()))]
        for _ in range(PROCESSES):
            here, without, same = sides = [Side(folder) for folder in folders]
            nothing += ratios((same, "off"), (here, "off"), ROUNDS)
            off += ratios((here, "off"), (without, "off"), ROUNDS)
            origin += ratios((here, "origin"), (here, "off"), 1)
            anomaly += ratios((here, "anomaly"), (here, "off"), 1)
            for side in sides:
                side.process.communicate()
    report("a copy beside another one, nothing cut", nothing)
    report("off, beside a copy that cannot be switched on", off)
    report("inside origin(), beside off", origin)
    report("inside anomaly(), beside off", anomaly)


if __name__ == "__main__":
    begin(__doc__)
    main()
