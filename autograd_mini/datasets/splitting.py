"""A split sets some rows of a data set aside, to test a model on what it was not trained on."""

from __future__ import annotations

from collections.abc import Mapping

from autograd_mini.engine.checks import random_numbers, real_number, unframed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable
    from typing import Any, TypeVar

    Row = TypeVar("Row")
    Target = TypeVar("Target")


def split(
    X: Iterable[Row],
    y: Iterable[Target],
    test_fraction: float = 0.25,
    seed: int | None = 0,
    *,
    stratify: bool = True,
) -> tuple[list[Row], list[Row], list[Target], list[Target]]:
    """Return `X_train, X_test, y_train, y_test`: the rows of X and y in a random order, cut in two.

    The parts are lists. The same seed cuts rows of the same number and targets alike in every process and Python
    version.

    Args:
        X: the rows: a list, a tuple, an array or a data frame.
        y: the target of each row.
        test_fraction: the fraction of the rows, rounded, that the test part has.
        seed: a whole number from 0 on; None for another cut at every call.
        stratify: whether each class (each different value in y) gives the test part its own share, `test_fraction` of
            its rows rounded up or down, so that a class is rare or frequent alike in both. A class of one row falls on
            either side. Where nearly every value differs, as in a regression, that changes nothing: leave it on.

    Raises:
        ValueError: for a fraction outside (0, 1), X and y of different lengths, or too few rows for two parts.
        TypeError: where a target is a list or another value that cannot be a class, unless `stratify=False`.

    >>> X_train, X_test, y_train, y_test = split([[1], [2], [3], [4], [5], [6], [7], [8]], [0, 0, 0, 0, 1, 1, 1, 1])
    >>> X_test, y_test
    ([[5], [2]], [1, 0])
    >>> len(X_train), sorted(y_train)
    (6, [0, 0, 0, 1, 1, 1])

    """
    rows, targets = _as_list("X", X), _as_list("y", y)
    if len(rows) != len(targets):
        raise ValueError(f"X has {len(rows)} rows, but y has {len(targets)}: give one target for each row")
    count, fraction = len(rows), real_number("test_fraction", test_fraction)
    if not 0 < fraction < 1:
        raise ValueError(f"test_fraction is {test_fraction}, expected a part of 1, such as 0.25 for a quarter")
    tests = round(count * fraction)
    if not 0 < tests < count:
        raise ValueError(
            f"test_fraction {test_fraction} of {count} rows is {tests} for the test part and {count - tests} for "
            f"training, but each needs at least one: give more rows or another fraction"
        )
    random = random_numbers(seed)
    # Rows sorted by a random number each are in a random order; `Random.shuffle` may differ between Python versions.
    shuffled = sorted(range(count), key=lambda _row: random())
    grouped = _grouped([targets[row] for row in shuffled], shuffled) if stratify else shuffled
    # Walking the rows class by class, each row adds tests/count to the number of test rows that are due; where that
    # passes a whole number, the row is taken. So any stretch of rows, and any class, gives its share, rounded.
    start = int(random() * count)
    chosen = {
        row
        for position, row in enumerate(grouped)
        if (start + (position + 1) * tests) // count > (start + position * tests) // count
    }
    train, test = [row for row in shuffled if row not in chosen], [row for row in shuffled if row in chosen]
    return [rows[r] for r in train], [rows[r] for r in test], [targets[r] for r in train], [targets[r] for r in test]


def _as_list(name: str, values: Iterable[Row]) -> list[Row]:
    """Return the values in a list; those of an array, or of a table of pandas, as Python's own numbers."""
    if isinstance(values, Mapping):
        raise TypeError(f"{name} is a dict of {len(values)} entries, expected rows: a list, a tuple or an array")
    plain: Any = unframed(values)
    try:
        return plain.tolist() if hasattr(plain, "tolist") else list(plain)
    except TypeError:
        raise TypeError(f"{name} is {values!r}, expected a list, a tuple or an array of rows") from None


def _grouped(targets: list[Target], rows: list[int]) -> list[int]:
    """Return the rows class by class, in the order in which a class and a row first come."""
    groups: dict[Hashable, list[int]] = {}
    for target, row in zip(targets, rows, strict=True):
        try:
            groups.setdefault(target, []).append(row)
        except TypeError:
            raise TypeError(
                f"row {row} of y is {target!r}, which cannot be a class: give y as class indices or names, or pass "
                f"stratify=False"
            ) from None
    return [row for group in groups.values() for row in group]
