"""Shuffling brings the rows into an order that depends on a seed and an epoch alone, with NumPy or without."""

from __future__ import annotations

import sys

from autograd_mini.engine.arguments import random_numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

GOLDEN, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
MASK = 2**64 - 1


def shuffled(count: int, seed: int, epoch: int) -> Sequence[int]:
    """Return the numbers below `count` in random order: a list, or an array where NumPy is loaded anyway.

    Each number gets a key of 64 bits, and keys are sorted. No two are equal, because the function from number to key
    has an inverse; so every way of sorting gives the same order.

    Source: the generator SplitMix64 of Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA
    2014, whose n-th output can be computed without those before it.

    >>> [*map(int, shuffled(5, seed=0, epoch=0))]
    [2, 3, 0, 4, 1]

    """
    start = int(random_numbers((seed << 32) + epoch)() * 2.0**53) << 11
    if "numpy" not in sys.modules:
        return sorted(range(count), key=[_key((start + (at + 1) * GOLDEN) & MASK) for at in range(count)].__getitem__)
    import numpy as np  # which waits where another thread is just loading it

    keys = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN) + np.uint64(start)
    for shift, factor in ((30, FIRST), (27, SECOND)):
        keys = (keys ^ (keys >> np.uint64(shift))) * np.uint64(factor)
    order: Any = np.argsort(keys ^ (keys >> np.uint64(31)))
    found: Sequence[int] = order
    return found


def _key(z: int) -> int:
    """Return the output of SplitMix64 in a state."""
    z = ((z ^ (z >> 30)) * FIRST) & MASK
    z = ((z ^ (z >> 27)) * SECOND) & MASK
    return z ^ (z >> 31)
