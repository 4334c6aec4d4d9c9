"""The time that a picture of a graph takes, by shape and size, and how large the picture is.

    python tests/bench/layout.py --sizes 100 300 1000 5000

Every figure is of one run, in seconds of the processor, Graphviz included: the diagram made from the graph, with long
sums as one card, and laid out. `draw` refuses more than 1,000 values one by one; what is larger is laid out here by
what `draw` is made of.
"""

from __future__ import annotations

import os

from command import parser
from figures import note
from layout_graphs import SHAPES

from autograd_mini.engine.graph import order
from autograd_mini.viz.diagram import full
from autograd_mini.viz.layout import arranged
from autograd_mini.viz.long_sums import Shown


def seconds() -> float:
    """Return the time of the processor that this process and its children took."""
    return sum(os.times()[:4])


def measured(shape: str, size: int, level: str) -> str:
    """Lay out one graph and return the figures as a line."""
    result = SHAPES[shape](size)
    start = seconds()
    diagram = full([result], "LR", Shown([result], level))
    made = seconds()
    places = arranged(diagram)
    taken = seconds() - made
    across, down = places.size
    note("A picture of a graph, by its shape", f"{size:,} values", "s", {shape: made - start + taken})
    counts = f"{len(order(result)):7} {len(diagram.cards):7} {len(diagram.wires):7} {len(places.tags):6}"
    return f"{shape:12} {counts} {made - start:9.2f} {taken:9.2f}   {across:.0f} × {down:.0f}"


def main() -> None:
    """Read the command line and print a table."""
    command = parser(__doc__, "pygraphviz")
    command.add_argument("--sizes", type=int, nargs="+", default=[60, 300, 1000, 5000], help="values, about")
    command.add_argument(
        "--shapes", nargs="+", default=list(SHAPES), choices=list(SHAPES), help="all of them by default"
    )
    command.add_argument("--level", default="auto", choices=["auto", "full"], help="full: every partial sum is a card")
    arguments = command.parse_args()
    print(f"{'shape':12} {'values':>7} {'cards':>7} {'wires':>7} {'cut':>6} {'diagram s':>9} {'layout s':>9}   points")
    for size in arguments.sizes:
        for shape in arguments.shapes:
            print(measured(shape, size, arguments.level), flush=True)


if __name__ == "__main__":
    main()
