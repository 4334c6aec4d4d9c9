"""Trying: samples as arrays, and those among them on which a compiled loss is compared with the eager one."""

from __future__ import annotations

from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autograd_mini.train.measuring import Sample

TRIED = 8
"""So many samples, and twice as many targets, are computed both ways before a kernel is trusted."""


def arrays(samples: Sequence[Sample]) -> tuple[Any, Any]:
    """Return the rows and the targets of samples as arrays of floats.

    Raises:
        TracingError: if the targets are neither numbers nor rows of equally many.

    """
    import numpy as np

    targets = [target for _, target in samples]
    try:
        made = np.array(targets, dtype=float)
    except (TypeError, ValueError, OverflowError):
        made = np.empty((0, 0))
    if not made.size or not all(map(is_plain, targets)):  # NumPy takes None and "1" for numbers too
        raise TracingError("the targets are neither numbers nor rows of equally many")
    return np.array([row for row, _ in samples]), made


def is_plain(target: Any) -> bool:
    """Return whether a thing is a number, or lists and tuples of numbers."""
    return all(map(is_plain, target)) if isinstance(target, (list, tuple)) else isinstance(target, (float, int))


def tried_of(samples: Sequence[Sample]) -> list[Sample]:
    """Return samples from everywhere, and for targets from everywhere the first sample of each.

    A loss may look a target up, as a weight of its class; where rows are sorted, the first have one class.
    """
    import numpy as np

    _, targets = arrays(samples)
    _, firsts = np.unique(targets.reshape(len(targets), -1), axis=0, return_index=True)
    rows = {*_spread(range(len(samples)), TRIED), *_spread(firsts.tolist(), 2 * TRIED)}
    return [samples[row] for row in sorted(rows)]


def _spread(rows: Sequence[int], count: int) -> list[int]:
    """Return so many of the rows, evenly, the first and the last included, or all."""
    if len(rows) <= count:
        return [*rows]
    return [rows[at * (len(rows) - 1) // (count - 1)] for at in range(count)]
