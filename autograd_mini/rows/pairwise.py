"""A pairwise sum adds up the parts of a sum in one fixed order, (0 + 1) + (2 + 3) and so on, however they arrive.

So the result has the same bits whoever computed the parts, and in whatever order. Its rounding error grows with the
logarithm of the number of parts.

Source: Higham, "The accuracy of floating point summation", SIAM J. Sci. Comput. 14, 1993.
"""

from __future__ import annotations

from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    Node = tuple[int, int]  # level and position: what stands there is the sum of parts [at << level, at + 1 << level)


class RowPart(NamedTuple):
    """A part of all rows: what messages call it, the number there of its first row, and its own number."""

    name: str
    first: int
    number: int


class PairwiseSum:
    """The sum of numbers or arrays, each with the number of its part.

    Attributes:
        nodes: the sums of parts that wait for the others, by level and position.

    >>> total = PairwiseSum()
    >>> for part, number in [(2, 1e-16), (0, 1.0), (3, 1e-16), (1, -1.0)]:
    ...     total.add(part, number)
    >>> total.result()
    2e-16

    """

    def __init__(self) -> None:
        self.nodes: dict[Node, Any] = {}

    def add(self, part: int, number: Any, level: int = 0) -> None:
        """Add the sum of 2**level parts, from number part * 2**level on."""
        while (level, part ^ 1) in self.nodes:
            number = self.nodes.pop((level, part ^ 1)) + number
            level, part = level + 1, part >> 1
        self.nodes[level, part] = number

    def merge(self, others: Iterable[dict[Node, Any]]) -> PairwiseSum:
        """Add what other sums have so far, and return this one."""
        for nodes in others:
            for (level, at), number in nodes.items():
                self.add(at, number, level)
        return self

    def result(self) -> Any:
        """Return the sum of all parts, which are numbered from 0 without gaps; None if there is none."""
        total = None
        for node in sorted(self.nodes):  # the lowest is the last: what is left over of all pairs
            total = self.nodes[node] if total is None else self.nodes[node] + total
        return total
