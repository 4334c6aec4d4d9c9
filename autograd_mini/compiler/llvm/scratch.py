"""The scratch memory of a block of samples: the vectors that loops run over, and that are summed over samples."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Scratch:
    """Where the vectors of one block of samples lie.

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

    def place(self, step: int) -> int:
        """Return where a step lies; put it there if need be."""
        if step not in self.places:
            self._put(step)
        return self.places[step][0]

    def _put(self, step: int) -> None:
        self.places.setdefault(step, []).append(self._size)
        self._size += 1
