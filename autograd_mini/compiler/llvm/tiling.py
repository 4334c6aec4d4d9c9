"""Tiles: how sums over samples are kept in registers.

A gradient by weights is a sum over samples of products g[k] * h[j]: few factors, many products. The kernel stores the
factors of several blocks of samples first; then, tile by tile, it adds up their products in registers, and touches the
sums in memory once for all these blocks.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Tile = tuple[list[int], list[int], dict[tuple[int, int], list[int]]]


def shape(width: int, vectors: int) -> tuple[int, int]:
    """Return how wide a tile is at most, and how many sums it has at most.

    A row of sums fills a vector, and sums fill half of the registers: factors and, where a multiply-add is two
    instructions, products need some too.

    Args:
        width: how many lanes a vector has.
        vectors: how many vectors the registers hold.

    """
    side = max(width, 4)
    return side, max(side, vectors // 2)


def tiles(products: Sequence[tuple[int, int, int]], side: int = 4, size: int = 12) -> list[Tile]:
    """Return the products in tiles, each made of all products of a few left factors with a few right ones.

    Args:
        products: for each the number of the sum that it belongs to, and its two factors.
        side: how wide a tile of several rows is at most.
        size: how many products it has at most.

    Returns:
        for each tile the left factors, the right factors, and the sums of each pair of them.

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
