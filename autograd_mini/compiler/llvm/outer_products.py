"""Outer products: sums over samples whose factors and places follow a rule, so that a loop can run over them.

A gradient by the weights of a layer is a sum over samples of g[k] x[j] for each k and j. One by its biases is the sum
of g[k]: an outer product without right factors.
"""

from __future__ import annotations

from itertools import pairwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.compiler.llvm.scratch import Scratch

    Product = tuple[int, int, int, int | None]

FEWEST = 16
"""Minimum sums per loop."""


class OuterProduct:
    """Sums of the products of some left factors with some right ones, or of the left factors alone.

    Attributes:
        rows: where the left factors lie, as (the first place, the distance).
        columns: where the right factors lie; None if there are none.
        guards: where truth values lie, 1.0 or 0.0, one for each left factor: its products are added where it is 1.0;
            None if all are.
        high: how many left factors there are.
        wide: how many right factors there are; 1 if there are none.
        first: the number of the first sum.
        down: how far on the sum of the next left factor is.
        across: how far on the sum of the next right factor is.

    """

    def __init__(
        self,
        rows: tuple[int, int],
        columns: tuple[int, int] | None,
        size: tuple[int, int],
        sums: tuple[int, int, int],
        guards: tuple[int, int] | None = None,
    ) -> None:
        self.rows, self.columns, self.guards = rows, columns, guards
        self.high, self.wide = size
        self.first, self.down, self.across = sums


def outer_products_of(products: Sequence[Product], scratch: Scratch) -> tuple[list[OuterProduct], list[Product]]:
    """Return the outer products among sums of products, and the sums that are in none; give factors their places.

    Args:
        products: for each the number of the sum, its two factors, and the condition under which it is added; None if
            there is none.
        scratch: where the factors lie.

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
            size, first = (len(heads), len(rights)), sums[heads[0]][rights[0]]
            rows, columns = scratch.region([left for left, _ in heads]), scratch.region(rights)
            guards = [guard for _, guard in heads if guard is not None]
            placed = scratch.region(guards) if guards else None
            found.append(OuterProduct(rows, columns, size, (first, down, across), placed))
    return found, others


def runs_of(summands: Sequence[tuple[int, int]], scratch: Scratch) -> list[OuterProduct]:
    """Return sums of single vectors as outer products without right factors; give them their places.

    Args:
        summands: for each the number of the sum, and the vector; in the order of the numbers.
        scratch: where the vectors lie.

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
        found.append(OuterProduct((place, following - place), None, (len(run), 1), (first, second - first, 0)))
    return found


def _step(numbers: Sequence[int]) -> int | None:
    """Return how far numbers lie apart, if it is equally far; 0 for a single one."""
    steps = {after - before for before, after in pairwise(numbers)}
    return None if len(steps) > 1 else steps.pop() if steps else 0
