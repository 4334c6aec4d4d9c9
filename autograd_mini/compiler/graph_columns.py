"""The columns of a graph: the operation of each of its nodes and the rows of the operands, read from all nodes at once.

Nodes are known by their ticks, of which no two are equal, so that no dictionary of nodes is needed. `Instructions` are
made of this.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import compress
from operator import attrgetter

from autograd_mini.engine.backward import computed_below
from autograd_mini.engine.ops import CHOICE
from autograd_mini.engine.rules import RowRule
from autograd_mini.engine.value import ABSENT, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

UNARY, BOTH, LEFT, RIGHT, ANY, MANY = range(6)
"""Where a node keeps its operands: x; x and y; x and a number; a number and x; as its rule says; so, and many."""

_tick, _pull, _number = attrgetter("_tick"), attrgetter("_pull"), attrgetter("_k")


class GraphColumns:
    """The nodes that operations made, as columns, which follow the rows of leaves and numbers.

    Args:
        nodes: all nodes there may be; leaves among them are passed over.
        way: the function from a rule to the code of its rows, and where its nodes keep their operands.
        row: the function from a leaf or a number to its row.
        rows: the function that returns how many rows of leaves and numbers there are, 0 for none included.

    Attributes:
        codes: the code of each row.
        operands: three columns, with the rows of the operands; 0 stands for none.
        entries: the rows of the operands of those that have many, by row.

    """

    def __init__(
        self,
        nodes: Iterable[Value],
        way: Callable[[Any], tuple[int, int]],
        row: Callable[[Value | float], int],
        rows: Callable[[], int],
    ) -> None:
        import numpy as np

        self._row = row
        self._nodes = [*nodes]
        numbered = _Numbered()
        which = np.fromiter(map(numbered.__getitem__, map(_pull, self._nodes)), np.int32, len(self._nodes))
        if None in numbered:  # leaves
            computed = which != numbered[None]
            self._nodes, which = [*compress(self._nodes, computed.tolist())], which[computed]
        count = len(self._nodes)
        self._ticks = np.fromiter(map(_tick, self._nodes), np.int64, count)
        if (self._ticks[1:] < self._ticks[:-1]).any():
            order = np.argsort(self._ticks)
            self._nodes, self._ticks, which = [self._nodes[at] for at in order], self._ticks[order], which[order]
        ways = [(0, UNARY) if pull is None else way(pull.rule) for pull in numbered]
        codes, kinds = np.array(ways, np.int32).reshape(-1, 2).T[:, which]
        # While this runs an operand is the place of its node, or minus the row of a leaf or number, or the place after
        # all nodes, which stands for none. A node that is but another name for its operand has the place of that.
        self._places = np.arange(count + 1, dtype=np.int32)
        operands = np.full((3, count), count, np.int32)
        apart: dict[int, list[int]] = {}
        for at in np.flatnonzero(kinds >= ANY).tolist():
            found = self._by_rule(at)
            if kinds[at] == MANY:
                apart[at] = found
            else:
                operands[: len(found), at] = found
        for slot, name, mask in (
            (0, "_x", kinds <= LEFT),
            (1, "_y", kinds == BOTH),
            (1, "_x", kinds == RIGHT),
        ):
            operands[slot, mask] = self._slot(name, mask)
        for slot, kind in ((1, LEFT), (0, RIGHT)):
            operands[slot, kinds == kind] = self._numbers(kinds == kind)
        kept = self._places[:count] == np.arange(count)
        first = rows()
        final = np.append(first - 1 + np.cumsum(kept, dtype=np.int32), np.int32(0))
        self._places = np.where(self._places < 0, -self._places, final[np.maximum(self._places, 0)])
        operands = operands[:, kept]
        self.codes = codes[kept]
        self.operands = np.where(operands < 0, -operands, self._places[np.maximum(operands, 0)])
        self.entries = {
            int(self._places[at]): [-place if place < 0 else int(self._places[place]) for place in held]
            for at, held in apart.items()
        }
        del self._nodes

    def row(self, value: Value | float) -> int:
        """Return the row of a node, a leaf or a number."""
        at = self._at(value)
        return self._row(value) if at is None else int(self._places[at])

    def _at(self, value: Value | float) -> int | None:
        """Return the place of a node; None if it is none of these."""
        if not isinstance(value, Value) or value._pull is None:
            return None
        at = bisect_left(self._ticks, value._tick)
        return at if at < len(self._ticks) and self._ticks[at] == value._tick else None

    def _by_rule(self, at: int) -> list[int]:
        """Return the operands of a node as its rule says, as places."""
        node = self._nodes[at]
        rule: Any = node._pull.rule  # type: ignore[union-attr]  # it was computed
        args = rule.args(node)
        if rule.op is CHOICE and not isinstance(args[0], Value):
            self._places[at] = self._place(args[1] if args[0] else args[2])  # an eager graph has but what was taken
            return []
        return [self._place(arg) for arg in args]

    def _place(self, value: Value | float) -> int:
        at = self._at(value)
        return -self._row(value) if at is None else int(self._places[at])

    def _slot(self, name: str, mask: Any) -> Any:
        """Return the places of the operands that nodes have in a slot."""
        import numpy as np

        nodes = self._nodes if mask.all() else compress(self._nodes, mask.tolist())
        ticks = np.fromiter(map(attrgetter(f"{name}._tick"), nodes), np.int64, np.count_nonzero(mask))
        if not len(ticks):
            return ticks
        first, last = self._ticks[[0, -1]].tolist()
        dense = last - first < len(self._ticks)  # one tick after the other
        places = np.clip(ticks - first if dense else np.searchsorted(self._ticks, ticks), 0, len(self._ticks) - 1)
        outside = np.flatnonzero(self._ticks[places] != ticks)
        _, firsts, inverse = np.unique(ticks[outside], return_index=True, return_inverse=True)
        users = np.flatnonzero(mask)[outside[firsts]].tolist()
        found = self._places[places]
        found[outside] = np.array([-self._row(getattr(self._nodes[at], name)) for at in users], np.int32)[inverse]
        return found

    def _numbers(self, mask: Any) -> Any:
        """Return the places of the numbers that nodes have for an operand; -0.0 is not 0.0, and nan is nan."""
        import numpy as np

        held = np.fromiter(map(_number, compress(self._nodes, mask.tolist())), np.float64)
        bits, inverse = np.unique(held.view(np.int64), return_inverse=True)
        rows = [-self._row(number) for number in bits.view(np.float64).tolist()]
        return np.array(rows, np.int32)[inverse]


class _Numbered(dict["Any", int]):
    """The numbers of things, in the order in which they are asked for first."""

    def __missing__(self, thing: Any) -> int:
        """Return the number of one that has none yet."""
        at = self[thing] = len(self)
        return at


def below(*results: Value) -> list[Value]:
    """Return the nodes that results of eager code were computed from, and the results, oldest first."""
    if len(results) == 1:
        nodes = computed_below(results[0], ABSENT)
        if nodes is not None and all(isinstance(pull.rule, RowRule) for pull in set(map(_pull, nodes))):
            return nodes[::-1]
    found = {*results}
    waiting = [*found]
    while waiting:
        node = waiting.pop()
        rule: Any = node._pull and node._pull.rule
        if rule is None:
            continue
        operands = (node._x, node._y) if isinstance(rule, RowRule) else rule.args(node)
        for operand in operands:
            if operand is not ABSENT and isinstance(operand, Value) and operand not in found:
                found.add(operand)
                waiting.append(operand)
    return sorted(found, key=_tick)
