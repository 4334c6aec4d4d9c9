"""Training data is a target for each row of numbers: checked for the loss, as floats or arrays, and shuffled."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import chain, pairwise

from autograd_mini.datasets.preprocessing import members, numbers, same_length
from autograd_mini.engine.checks import random_numbers, real_number
from autograd_mini.engine.hooks import no_grad
from autograd_mini.errors import TracingError
from autograd_mini.nn.losses import TARGETS
from autograd_mini.rows.columns import floats, table_arrays, table_columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Target = Any  # a float, an int (a class index), or a list of floats; for a loss of the user's own, what they gave
    Sample = tuple[list[float], Target]

GOLDEN, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
MASK = 2**64 - 1
"""The constants of SplitMix64."""
LOADED = 2**19
"""Numbers of a block that is trained on: 4 MB, or one batch if that is larger."""


def targets(name: str, y: Any, loss: str | None, outputs: int | None) -> list[Target]:
    """Return y as the targets of a loss, one a row, for a model of several outputs, or of one number (None).

    For several outputs and a loss of numbers a target is a row of as many. A column, that is rows of one number, counts
    as numbers. Targets of the user's own loss, without a name, are left as they are. Errors name the row.

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
    if loss == "cross_entropy" and (outputs is None or outputs < 2):
        raise ValueError(
            "the model predicts one number, expected by cross_entropy one output a class, at least 2: use "
            "binary_cross_entropy for two classes, or a model with more outputs"
        )
    _, expected, accepts = expected_by(loss, outputs)

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


def expected_by(loss: str, outputs: int | None) -> tuple[tuple[int, ...], str, Callable[[Any], Any]]:
    """Return the shape of a target that a loss expects, and which numbers: in words, and as a function of them."""
    if loss == "cross_entropy":
        last = (outputs or 0) - 1
        return (
            (),
            f"the index of a class: a whole number from 0 to {last}",
            lambda target: (target >= 0) & (target <= last) & (target % 1 == 0),
        )
    any_number = "a number", lambda target: target == target  # noqa: PLR0124 - all are finite
    return () if outputs is None else (outputs,), *TARGETS.get(loss, any_number)


def outputs_of(model: Callable[[Any], Any], row: list[float], of: str) -> int | None:
    """Return the length of the prediction for the first row, for which a model is tried; None for a single number."""
    with no_grad():
        try:
            prediction = model(row)
        except ValueError as error:
            raise ValueError(f"the model refused row 0 of X{of}, of {len(row)} numbers: {error}") from error
    return len(prediction) if isinstance(prediction, (list, tuple)) else None


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


class ArraySamples(Sequence):  # type: ignore[type-arg]  # of samples
    """Samples that lie in arrays, made of a row and its target for a loss when they are asked for.

    >>> import numpy as np
    >>> samples = ArraySamples(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.0, 2.0]), "cross_entropy")
    >>> samples[1], len(samples)
    (([3.0, 4.0], 2), 2)

    """

    def __init__(self, X: Any, y: Any, loss: str | None) -> None:
        self.X, self.y, self._made = X, y, int if loss == "cross_entropy" else lambda goal: goal

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, row: Any) -> Any:
        return self.X[row].tolist(), self._made(self.y[row].tolist())


def finite_array(given: Any) -> Any:
    """Return a table or an array as an array of finite float64, itself where it is one; None for anything else."""
    if (not hasattr(type(given), "__array__") and table_columns(given, "X") is None) or hasattr(given, "mask"):
        return None
    import numpy as np

    try:
        found = as_array(given, "X")
    except (TypeError, ValueError, RuntimeError):  # as for a tensor that PyTorch records; what is wrong is said later
        return None
    return found if np.isfinite(found).all() else None


def as_array(given: Any, name: str) -> Any:
    """Return a table or an array as an array of float64, itself where it is one."""
    import numpy as np

    table = table_arrays(given, name)
    return floats(given, name) if table is None else table[0] if len(table) == 1 else np.hstack(table)


def targets_array(y: Any, loss: str | None, outputs: int | None) -> Any:
    """Return targets that lie in an array, and are as a loss expects, as an array; None for all others."""
    found = finite_array(y)
    if found is None:
        return None
    if loss is None:
        import numpy as np

        given = np.asarray(y)
        return given if given.dtype.kind in "fiu" else None
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    shape, _, accepts = expected_by(loss, outputs)
    return found if found.shape[1:] == shape and accepts(found).all() else None


def in_blocks(X: Any, y: Any) -> tuple[Any, Any]:
    """Return memory-mapped arrays, and iterators of batches, as columns of a scan; all else as it is.

    Arrays are read block by block when they are needed. An iterator, which can be read once, is kept in memory. Its
    items are rows, or with None for y pairs of rows and targets.
    """
    if hasattr(X, "__next__"):
        first = next(X, None)
        pairs = y is None and isinstance(first, tuple) and len(first) == 2
        if first is None or not _is_batch(first[0] if pairs else first):
            return (X if first is None else chain([first], X)), y
        batches = [first, *X] if pairs else _with_targets([first, *X], y)
        return _columns(lambda: iter(batches))
    mapped = [hasattr(type(given), "flush") and hasattr(given, "filename") for given in (X, y)]
    if not any(mapped) or not all(hasattr(given, "shape") for given in (X, y)):
        return X, y
    same_length(X, y, "X", "y")
    rows = max(1024, LOADED // max(X[:1].size, 1))
    return _columns(lambda: ((X[at : at + rows], y[at : at + rows]) for at in range(0, len(X), rows)))


def _columns(batches: Any) -> tuple[Any, Any]:
    from autograd_mini.rows import scan

    data = scan(batches)
    return data[0], data[1]


def _is_batch(item: Any) -> bool:
    if isinstance(item, (list, tuple)):
        return bool(item) and _is_row(item[0])
    return table_columns(item, "a batch of X") is not None or getattr(item, "ndim", 0) == 2


def _with_targets(batches: list[Any], y: Any) -> list[tuple[Any, Any]]:
    """Return each batch with its targets, which come in batches too, or all at once."""
    if hasattr(y, "__next__"):
        goals = [*y]
    else:
        every, ends = members("y", y, "a list or an array of targets"), [0]
        for batch in batches:
            ends.append(ends[-1] + len(batch))
        if ends[-1] != len(every):
            raise ValueError(f"X has {ends[-1]} rows, but y has {len(every)} targets: give one target for each row")
        goals = [every[start:end] for start, end in pairwise(ends)]
    if len(goals) != len(batches):
        raise ValueError(f"X has {len(batches)} batches and y {len(goals)}, expected the targets of each batch")
    return [*zip(batches, goals, strict=True)]


def arrays(samples: Sequence[Sample]) -> tuple[Any, Any]:
    """Return rows and targets as arrays of floats; a TracingError for targets that are neither numbers nor rows."""
    if isinstance(samples, ArraySamples):
        return samples.X, floats(samples.y, "y")
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
    z = ((z ^ (z >> 30)) * FIRST) & MASK
    z = ((z ^ (z >> 27)) * SECOND) & MASK
    return z ^ (z >> 31)
