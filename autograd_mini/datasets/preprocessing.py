"""Preprocessing brings data to the form that training takes: tables of floats, standardised, and split in two parts."""

from __future__ import annotations

import math

from autograd_mini.engine.checks import random_numbers, real_number, unframed
from autograd_mini.rows.columns import table_columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence
    from typing import Any, SupportsFloat, TypeAlias, TypeVar

    Row = TypeVar("Row")
    Target = TypeVar("Target")
    Table: TypeAlias = Iterable[Iterable[SupportsFloat]]


def members(name: str, data: Any, expected: str) -> list[Any]:
    """List what a list, tuple, generator, array, tensor, table or series holds, arrays as Python's own numbers.

    >>> members("y", (label for label in "ab"), "targets")
    ['a', 'b']

    Raises a TypeError that names the argument for text, a dict, a set, and what cannot be walked through.
    """
    array = unframed(data)
    if array is data and (found := table_columns(data, name)) is not None:  # as in PyArrow
        return [*map(list, zip(*[column.to_pylist() for column in found[1]], strict=True))]
    if hasattr(type(array), "__array__") and not hasattr(array, "tolist"):
        array = array.__array__()
    plain = array.tolist() if hasattr(array, "tolist") else array
    if not isinstance(plain, (str, bytes, dict, set, frozenset)):  # text has no rows, a set has no order
        try:
            return list(plain)
        except TypeError:
            pass
    raise TypeError(f"{name} is {data!r}, expected {expected}")


def table(name: str, data: Any, width: int | None = None) -> list[list[float]]:
    """Return data as rows of finite floats, all of one width of at least 1, that of the training set where it is given.

    Raises, naming row (from 0) and column (its name in a data frame, else from 0), ValueError where there is no row, a
    row is empty or longer or shorter than the first, or a number is nan or infinite; TypeError for what is no number.

    >>> table("X", [(1, 2.5), [3, 4]])
    [[1.0, 2.5], [3.0, 4.0]]
    >>> table("X", [[1, 2], [3, float("nan")]])
    Traceback (most recent call last):
    ValueError: row 1, column 1 of X is nan, expected a finite number
    """
    names = [*getattr(data, "columns", ())] if hasattr(data, "to_numpy") else (table_columns(data, name) or [[]])[0]
    rows: list[list[float]] = []
    for index, row in enumerate(members(name, data, "a table, that is rows of numbers: [[5.1, 3.5], [4.9, 3.0]]")):
        place = f"row {index} of {name}"
        cells = members(place, row, "a row of numbers, such as [5.1, 3.5]: for a single input write [[x] for x in X]")
        if not cells:
            raise ValueError(f"{place} is empty, expected at least one number")
        if width is not None and len(cells) != width:
            others = "row 0 has" if rows else "the training set has"
            raise ValueError(f"{place} has {len(cells)} numbers, but {others} {width}")
        width = len(cells)
        rows.append(numbers(cells, f"row {index}, column {{}} of {name}", names))
    if not rows:
        raise ValueError(f"{name} is empty, expected at least one row")
    return rows


def numbers(cells: Sequence[Any], name: str, columns: Sequence[object] = ()) -> list[float]:
    """Return cells as finite floats; `name` says what a cell is, with {} for its column."""
    if {*map(type, cells)} <= {float, int}:
        try:
            floats = [*map(float, cells)]
        except OverflowError:
            floats = [math.nan]  # the search below names the cell
        if all(map(math.isfinite, floats)):
            return floats
    return [
        real_number(name.format(repr(columns[index]) if index < len(columns) else index), cell)
        for index, cell in enumerate(cells)
    ]


def same_length(X: Sequence[object], y: Sequence[object], X_name: str, y_name: str) -> None:
    """Raise a ValueError unless there is a target for every row."""
    if len(X) != len(y):
        raise ValueError(f"{X_name} has {len(X)} rows, but {y_name} has {len(y)} targets: give one target for each row")


class Standardiser:
    """The mean and the scale of each column of a training set, which turn its x, or a later one, to (x - mean) / scale.

    `Standardiser.fit(X)` measures them. Kept elsewhere, as in a file, `Standardiser(means, scales)` brings them back.

    A table is a list, a tuple, an array or a data frame of rows of numbers. Every method that takes one raises, naming
    row and column from 0, a ValueError where there are no rows or columns, where a row has more or fewer numbers than
    the others or than there are means, and for nan and inf; and a TypeError for what is no number.

    Args:
        means: the mean of each column.
        scales: the scale of each column, greater than 0.

    >>> standardiser = Standardiser.fit([[1, 10], [3, 10]])
    >>> standardiser
    Standardiser(means=(2.0, 10.0), scales=(1.0, 1.0))
    >>> standardiser.transform([[4, 11]])
    [[2.0, 1.0]]
    >>> standardiser.inverse([[2, 1]])
    [[4.0, 11.0]]

    """

    __slots__ = ("means", "scales")

    means: tuple[float, ...]
    scales: tuple[float, ...]

    def __init__(self, means: Iterable[SupportsFloat], scales: Iterable[SupportsFloat]) -> None:
        self.means = tuple(numbers(members("means", means, "a number for each column"), "means[{}]"))
        self.scales = tuple(numbers(members("scales", scales, "a number for each column"), "scales[{}]"))
        if len(self.means) != len(self.scales):
            raise ValueError(
                f"means has {len(self.means)} numbers, but scales has {len(self.scales)}: give one of each a column"
            )
        for column, scale in enumerate(self.scales):
            if scale <= 0:
                raise ValueError(f"scales[{column}] is {scale}, expected a number greater than 0")

    @classmethod
    def fit(cls, X: Table) -> Standardiser:
        """Return the Standardiser with the mean and the standard deviation of each column of X.

        The deviation is that of a population: the root of the mean, over all n rows, of the squared distance from the
        mean. A column whose numbers are all the same has deviation 0 and gets scale 1, so that it becomes all 0. Both
        figures are accurate however far the numbers are from 0, as years or coordinates on a map may be.

        Args:
            X: the training set.

        >>> Standardiser.fit([[1e9 + 1], [1e9 + 2], [1e9 + 3], [1e9 + 4]]).scales
        (1.118033988749895,)

        """
        rows = table("X", X)
        means_and_scales = [_mean_and_scale(index, column) for index, column in enumerate(zip(*rows, strict=True))]
        return cls(*zip(*means_and_scales, strict=True))

    def transform(self, X: Table) -> list[list[float]]:
        """Return the rows of X with (x - mean) / scale for each number x."""
        rows = table("X", X, len(self.means))
        return [[(x - m) / s for x, m, s in zip(row, self.means, self.scales, strict=True)] for row in rows]

    def inverse(self, X: Table) -> list[list[float]]:
        """Return the rows of X, which are standardised, in the original units: x * scale + mean for each number x."""
        rows = table("X", X, len(self.means))
        return [[x * s + m for x, m, s in zip(row, self.means, self.scales, strict=True)] for row in rows]

    def __repr__(self) -> str:
        return f"Standardiser(means={self.means}, scales={self.scales})"


def standardise(X_train: Table, *others: Table) -> tuple[list[list[float]], ...]:
    """Return a standardised copy of each table, all with the means and standard deviations of the first alone.

    The first is the training set; the others, such as a test set, have its columns. What `Standardiser` says of
    tables, constant columns and errors holds here; use it itself to keep the means and scales.

    Args:
        X_train: the training set.
        others: further tables of its columns.

    >>> standardise([[1, 10], [3, 10]], [[4, 11]])
    ([[-1.0, 0.0], [1.0, 0.0]], [[2.0, 1.0]])

    """
    train = table("X_train", X_train)  # read once, because it may be an iterator
    standardiser = Standardiser.fit(train)
    columns = len(standardiser.means)
    tables = [train, *(table(f"others[{index}]", other, columns) for index, other in enumerate(others))]
    return tuple(map(standardiser.transform, tables))


def _mean_and_scale(index: int, column: tuple[float, ...]) -> tuple[float, float]:
    """Return the mean of a column and its standard deviation, or 1 for the scale where that is 0."""
    if min(column) == max(column):
        return column[0], 1.0  # a computed mean may be a rounding away from the numbers, and so a deviation from 0
    count = len(column)
    if math.isinf(2.0 * count * max(map(abs, column))):
        raise ValueError(
            f"column {index} of the training set holds numbers near the greatest float: give it in another unit"
        )
    # Two passes of exactly rounded sums; the second takes out what rounding left in the mean. `math.dist` squares
    # without overflow or underflow; what is less than the least float all the same is 0.
    mean = math.fsum(column) / count
    deviations = [x - mean for x in column]
    rest = math.fsum(deviations) / count
    return mean, math.dist(deviations, [rest] * count) / math.sqrt(count) or 1.0


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
    expected = "a list, a tuple or an array of rows"
    rows, targets = members("X", X, expected), members("y", y, expected)
    same_length(rows, targets, "X", "y")
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
