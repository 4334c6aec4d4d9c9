"""Outer products: sums over samples whose factors and places follow a rule, so that a loop can run over them.

A gradient by the weights of a layer is a sum over samples of g[k] x[j] for each k and j. One by its biases is the sum
of g[k]: an outer product without right factors. There are few factors and many products. So the kernel stores the
factors of several blocks of samples first; then, tile by tile, it adds up their products in registers, and touches the
sums in memory once for all these blocks.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Product = tuple[int, int, int, int | None]
    Tile = tuple[list[int], list[int], dict[tuple[int, int], list[int]]]

FEWEST = 16
"""Minimum sums per loop."""


class Scratch:
    """Where the vectors of one block of samples lie: those that loops run over, and that are summed over samples.

    Attributes:
        places: for each step that lies in memory, where.

    >>> scratch = Scratch()
    >>> scratch.region([7, 5, 9]), scratch.region([5, 7]), scratch.region([5, 9, 7])
    ((0, 1), (1, -1), (3, 1))
    >>> scratch.places, len(scratch)
    ({7: [0, 5], 5: [1, 3], 9: [2, 4]}, 6)

    """

    def __init__(self) -> None:
        self.places: dict[int, list[int]] = {}
        self._size = 0

    def __len__(self) -> int:
        """Return how many vectors there are."""
        return self._size

    def region(self, steps: Sequence[int]) -> tuple[int, int]:
        """Return where steps lie equally far apart, as (the first place, the distance); put them there if need be."""
        if len(steps) == 1:
            return self.place(steps[0]), 1
        for first in self.places.get(steps[0], ()):
            for second in self.places.get(steps[1], ()):
                stride = second - first
                if all(first + at * stride in self.places.get(step, ()) for at, step in enumerate(steps)):
                    return first, stride
        first = self._size
        for step in steps:
            self._put(step)
        return first, 1

    def reserved(self, count: int) -> int:
        """Return where as many vectors lie side by side that are no steps."""
        self._size += count
        return self._size - count

    def place(self, step: int) -> int:
        """Return where a step lies; put it there if need be."""
        if step not in self.places:
            self._put(step)
        return self.places[step][0]

    def _put(self, step: int) -> None:
        self.places.setdefault(step, []).append(self._size)
        self._size += 1


class OuterProduct(NamedTuple):
    """Sums of the products of some left factors with some right ones, or of the left factors alone.

    Attributes:
        rows: where the left factors lie, as (the first place, the distance).
        columns: where the right factors lie; None if there are none.
        high: how many left factors there are.
        wide: how many right factors there are; 1 if there are none.
        first: the number of the first sum.
        down: how far on the sum of the next left factor is.
        across: how far on the sum of the next right factor is.
        guards: where truth values lie, 1.0 or 0.0, one for each left factor: its products are added where it is 1.0;
            None if all are.

    """

    rows: tuple[int, int]
    columns: tuple[int, int] | None
    high: int
    wide: int
    first: int
    down: int
    across: int
    guards: tuple[int, int] | None = None


def outer_products_of(products: Sequence[Product], scratch: Scratch) -> tuple[list[OuterProduct], list[Product]]:
    """Return the outer products among sums of products, and the sums that are in none; give factors their places.

    A product is the number of the sum, its two factors, and the condition under which it is added; None for none.
    """
    sums: dict[tuple[int, int | None], dict[int, int]] = {}
    others: list[Product] = []
    for at, left, right, guard in products:
        row = sums.setdefault((left, guard), {})
        if right in row:
            others.append((at, left, right, guard))
        else:
            row[right] = at
    alike: dict[tuple[tuple[int, ...], tuple[int, ...], bool], list[tuple[int, int | None]]] = {}
    for head, row in sums.items():
        places = list(row.values())
        key = tuple(row), tuple([at - places[0] for at in places]), head[1] is None
        alike.setdefault(key, []).append(head)
    found = []
    for (rights, offsets, _), heads in alike.items():
        across, down = _step(offsets), _step([sums[head][rights[0]] for head in heads])
        if across is None or down is None or len(rights) * len(heads) < FEWEST:
            others += [(at, left, right, guard) for left, guard in heads for right, at in sums[left, guard].items()]
        else:
            rows, columns = scratch.region([left for left, _ in heads]), scratch.region(rights)
            guards = [guard for _, guard in heads if guard is not None]
            placed, first = scratch.region(guards) if guards else None, sums[heads[0]][rights[0]]
            found.append(OuterProduct(rows, columns, len(heads), len(rights), first, down, across, placed))
    return found, others


def runs_of(summands: Sequence[tuple[int, int]], scratch: Scratch) -> list[OuterProduct]:
    """Return sums of single vectors as outer products without right factors; give them their places.

    A summand is the number of the sum, in whose order they are, and the vector.
    """
    runs: list[list[tuple[int, int]]] = []
    for at, step in summands:
        place = scratch.place(step)
        run = runs[-1] if runs else []
        if (
            len(run) > 1 and (at - run[-1][0], place - run[-1][1]) == (run[1][0] - run[0][0], run[1][1] - run[0][1])
        ) or (len(run) == 1 and abs(place - run[0][1]) == 1):
            run.append((at, place))
        else:
            runs.append([(at, place)])
    found = []
    for run in runs:
        (first, place), (second, following) = run[0], run[1] if len(run) > 1 else run[0]
        found.append(OuterProduct((place, following - place), None, len(run), 1, first, second - first, 0))
    return found


def _step(numbers: Sequence[int]) -> int | None:
    """Return how far numbers lie apart, if it is equally far; 0 for a single one."""
    steps = {after - before for before, after in pairwise(numbers)}
    return None if len(steps) > 1 else steps.pop() if steps else 0


# --- tiles ---


def shape(width: int, vectors: int) -> tuple[int, int]:
    """Return how wide a tile is at most, and how many sums it has at most, given lanes and registers.

    A row of sums fills a vector, and sums fill half of the registers: factors and, where a multiply-add is two
    instructions, products need some too.
    """
    side = max(width, 4)
    return side, max(side, vectors // 2)


def tiles(products: Sequence[tuple[int, int, int]], side: int = 4, size: int = 12) -> list[Tile]:
    """Return the products in tiles, each made of all products of a few left factors with a few right ones.

    A product is the number of the sum that it belongs to, and its two factors. A tile is its left factors, its right
    factors, and the sums of each pair of them; it has `size` products at most, and several rows of `side` at most.

    >>> tiles([(0, 7, 8), (1, 7, 9), (2, 5, 8), (3, 5, 9)])
    [([7, 5], [8, 9], {(7, 8): [0], (7, 9): [1], (5, 8): [2], (5, 9): [3]})]

    """
    sums: dict[int, dict[int, list[int]]] = {}
    for at, left, right in products:
        sums.setdefault(left, {}).setdefault(right, []).append(at)
    made: list[Tile] = []
    while sums:
        first, partners = next(iter(sums.items()))
        columns = list(partners)[: side if len(sums) > 1 else size]
        rows = [row for row, theirs in sums.items() if all(column in theirs for column in columns)]
        rows = rows[: max(1, size // len(columns))]
        if len(rows) == 1:
            columns = list(partners)[:size]
            rows = [first]
        made.append((rows, columns, {(row, column): sums[row].pop(column) for row in rows for column in columns}))
        for row in rows:
            if not sums[row]:
                del sums[row]
    return made


def cut(count: int, size: int) -> list[tuple[int, int, int]]:
    """Return the parts of a side, each (first, end, size of a tile): that of tiles of full size, and the rest.

    >>> cut(10, 4)
    [(0, 8, 4), (8, 10, 2)]

    """
    whole = count - count % size
    return ([(0, whole, size)] if whole else []) + ([(whole, count, count - whole)] if whole < count else [])
