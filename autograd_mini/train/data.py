"""Training data is a target for each row of numbers: checked for the loss, as floats or arrays, and shuffled."""

from __future__ import annotations

import sys
from math import isfinite

from autograd_mini.datasets.preprocessing import members, numbers
from autograd_mini.engine.checks import random_numbers, real_number
from autograd_mini.errors import TracingError
from autograd_mini.nn.losses import TARGETS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Target = Any  # a float, an int (a class index), or a list of floats; for a loss of the user's own, what they gave
    Sample = tuple[list[float], Target]

GOLDEN, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
MASK = 2**64 - 1
"""The constants of SplitMix64."""


def targets(name: str, y: Any, loss: str | None, outputs: int | None) -> list[Target]:
    """Return y as the targets of a loss for a model with that many outputs; one target a row.

    Args:
        name: what messages call y.
        y: the targets; for several outputs and a loss of numbers, a row of as many for each sample. A column, that is
            rows of one number, counts as numbers.
        loss: the name of the loss; None for a function of the user's own, whose targets are left as they are.
        outputs: the length of a prediction; None where the model predicts one number.

    Raises:
        TypeError: for what is no number.
        ValueError: naming the row, for a number that is nan, infinite, or not what the loss expects.

    >>> targets("y", [[0.0], [2.0]], "cross_entropy", outputs=3)
    [0, 2]
    >>> targets("y", [0, 3], "cross_entropy", outputs=3)
    Traceback (most recent call last):
    ValueError: row 1 of y is 3, expected by cross_entropy the index of a class: a whole number from 0 to 2

    """
    given = members(name, y, "a list or an array of targets")
    if loss is None:
        return [_as_given(f"row {row} of {name}", target) for row, target in enumerate(given)]
    if given and all(_is_row(target) and len(target) == 1 for target in given):
        given = [target[0] for target in given]
    expected, accepts = TARGETS.get(loss, ("a number", isfinite))
    if loss == "cross_entropy":
        if outputs is None or outputs < 2:
            raise ValueError(
                "the model predicts one number, expected by cross_entropy one output a class, at least 2: use "
                "binary_cross_entropy for two classes, or a model with more outputs"
            )
        expected, accepts = f"the index of a class: a whole number from 0 to {outputs - 1}", range(outputs).__contains__

    def checked(place: str, target: Any) -> float:
        wrong = f"{place} is {target!r}, expected by {loss} {expected}"
        try:
            found = real_number(place, target)
        except TypeError:
            raise TypeError(wrong) from None
        if not accepts(found):
            raise ValueError(wrong)
        return found

    found: list[Target] = []
    for row, target in enumerate(given):
        place = f"row {row} of {name}"
        if outputs is None or loss == "cross_entropy":
            found.append(checked(place, target) if outputs is None else int(checked(place, target)))
            continue
        cells = list(target) if _is_row(target) else [target]
        if len(cells) != outputs:
            raise ValueError(f"{place} is {target!r}, expected a number for each of the {outputs} outputs of the model")
        found.append([checked(f"{place}, column {column}", cell) for column, cell in enumerate(cells)])
    return found


def _is_row(target: Any) -> bool:
    return isinstance(target, (list, tuple)) or getattr(target, "ndim", 0) == 1


def _as_given(name: str, target: Any) -> Target:
    """Return a target for a loss of the user's own: arrays and their numbers as Python's, nothing nan or infinite."""
    target = target.tolist() if hasattr(target, "tolist") else target
    if isinstance(target, float):
        return real_number(name, target)
    if _is_row(target) and all(isinstance(cell, (float, int)) for cell in target):
        numbers(target, f"{name}, column {{}}")
    return target


def arrays(samples: Sequence[Sample]) -> tuple[Any, Any]:
    """Return rows and targets as arrays of floats; a TracingError for targets that are neither numbers nor rows."""
    import numpy as np

    targets = [target for _, target in samples]
    try:
        made = np.array(targets, dtype=float)
    except (TypeError, ValueError, OverflowError):
        made = np.empty((0, 0))
    if not made.size or not all(map(is_plain, targets)):  # NumPy takes None and "1" for numbers too
        raise TracingError("the targets are neither numbers nor rows of equally many")
    return np.array([row for row, _ in samples]), made


def evenly(rows: Sequence[Any], most: int) -> Sequence[Any]:
    """Return at most that many of the rows, at even distances, the first among them."""
    return rows if len(rows) <= most else [rows[at * len(rows) // most] for at in range(most)]


def is_plain(target: Any) -> bool:
    """Return whether a thing is a number, or lists and tuples of numbers."""
    return all(map(is_plain, target)) if isinstance(target, (list, tuple)) else isinstance(target, (float, int))


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
    if sys.modules.get("numpy") is None:
        return sorted(range(count), key=[_key((start + (at + 1) * GOLDEN) & MASK) for at in range(count)].__getitem__)
    import numpy as np  # which waits where another thread is just loading it

    keys = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN) + np.uint64(start)
    for shift, factor in ((30, FIRST), (27, SECOND)):
        keys = (keys ^ (keys >> np.uint64(shift))) * np.uint64(factor)
    order: Any = np.argsort(keys ^ (keys >> np.uint64(31)))
    found: Sequence[int] = order
    return found


def permuted(numbers: Any, count: int, seed: int) -> Any:
    """Return where a random permutation of the numbers below `count` takes some of them.

    Each round has an inverse on the numbers of as many bits; what falls beyond the count goes round again until it does
    not, which has an inverse too. So a share of a permutation costs no more than its own length.

    Source: Black, Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002, for going round; the rounds are those
    of SplitMix64 on fewer bits.

    >>> import numpy as np
    >>> sorted(permuted(np.arange(5), 5, seed=1).tolist())
    [0, 1, 2, 3, 4]

    """
    import numpy as np

    bits = max((count - 1).bit_length(), 1)
    mask, half = np.uint64((1 << bits) - 1), np.uint64(max(bits // 2, 1))
    start = (seed * GOLDEN + FIRST) & MASK
    rounds = [(np.uint64(start >> shift | 1), np.uint64(start >> (shift + 7))) for shift in (0, 11, 23, 37)]
    found = np.array(numbers, dtype=np.uint64)
    left = np.arange(len(found))
    while len(left):
        x = found[left]
        for factor, offset in rounds:
            x = ((x ^ (x >> half)) * factor + offset) & mask
            x = ((x ^ (x >> half)) * np.uint64(SECOND)) & mask
        found[left] = x
        left = left[x >= count]
    return found.astype(np.int64)


def _key(z: int) -> int:
    """Return the output of SplitMix64 in a state."""
    z = ((z ^ (z >> 30)) * FIRST) & MASK
    z = ((z ^ (z >> 27)) * SECOND) & MASK
    return z ^ (z >> 31)
