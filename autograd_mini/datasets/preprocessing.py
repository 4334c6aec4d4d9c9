"""Standardising brings each column of a data set to mean 0 and standard deviation 1, so that none outweighs another."""

from __future__ import annotations

import math

from autograd_mini.engine.checks import real_number, unframed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import SupportsFloat, TypeAlias, TypeVar

    Member = TypeVar("Member")
    Table: TypeAlias = Iterable[Iterable[SupportsFloat]]


_ROW = "a row of numbers, such as [5.1, 3.5]"


class Standardiser:
    """The mean and the scale of each column of a training set, which turn its x, or a later one, to (x - mean) / scale.

    `Standardiser.fit(X)` measures them. Kept elsewhere, as in a file, `Standardiser(means, scales)` brings them back:
    a sequence of numbers each, one a column, the scales above 0, else a ValueError. Both become tuples of floats.

    A table is a list, a tuple, an array or a data frame of rows of numbers. Every method that takes one raises, naming
    row and column from 0, a ValueError where there are no rows or columns, where a row has more or fewer numbers than
    the others or than there are means, and for nan and inf; and a TypeError for what is no number.

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
        """Keep the means and scales, one of each a column, as tuples of floats."""
        means = _members("means", means, "a number for each column")
        scales = _members("scales", scales, "a number for each column")
        self.means = tuple(real_number(f"means[{column}]", mean) for column, mean in enumerate(means))
        self.scales = tuple(real_number(f"scales[{column}]", scale) for column, scale in enumerate(scales))
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

        >>> Standardiser.fit([[1e9 + 1], [1e9 + 2], [1e9 + 3], [1e9 + 4]]).scales
        (1.118033988749895,)
        """
        rows = _table("X", X)
        means_and_scales = [_mean_and_scale(index, column) for index, column in enumerate(zip(*rows, strict=True))]
        return cls(*zip(*means_and_scales, strict=True))

    def transform(self, X: Table) -> list[list[float]]:
        """Return the rows of X with (x - mean) / scale for each number x."""
        rows = _table("X", X, len(self.means))
        return [[(x - m) / s for x, m, s in zip(row, self.means, self.scales, strict=True)] for row in rows]

    def inverse(self, X: Table) -> list[list[float]]:
        """Return the rows of X, which are standardised, in the original units: x * scale + mean for each number x."""
        rows = _table("X", X, len(self.means))
        return [[x * s + m for x, m, s in zip(row, self.means, self.scales, strict=True)] for row in rows]

    def __repr__(self) -> str:
        """Return the call that makes this Standardiser again."""
        return f"Standardiser(means={self.means}, scales={self.scales})"


def standardise(X_train: Table, *others: Table) -> tuple[list[list[float]], ...]:
    """Return a standardised copy of each table, all with the means and standard deviations of the first alone.

    The first is the training set; the others, such as a test set, have its columns. What `Standardiser` says of
    tables, constant columns and errors holds here; use it itself to keep the means and scales.

    >>> standardise([[1, 10], [3, 10]], [[4, 11]])
    ([[-1.0, 0.0], [1.0, 0.0]], [[2.0, 1.0]])
    """
    train = _table("X_train", X_train)  # read once, because it may be an iterator
    standardiser = Standardiser.fit(train)
    columns = len(standardiser.means)
    tables = [train, *(_table(f"others[{index}]", other, columns) for index, other in enumerate(others))]
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


def _table(name: str, table: Table, columns: int | None = None) -> list[list[float]]:
    """Return the table as rows of `columns` floats each, or of as many as the first row has, or raise."""
    rows: list[list[float]] = []
    for index, row in enumerate(_members(name, unframed(table), "a table, that is rows of numbers")):
        members = _members(f"row {index} of {name}", row, _ROW)
        numbers = [real_number(f"row {index}, column {column} of {name}", x) for column, x in enumerate(members)]
        if not numbers:
            raise ValueError(f"row {index} of {name} is empty, expected at least one number")
        if columns is not None and len(numbers) != columns:
            others = "row 0 has" if rows else "the training set has"
            raise ValueError(f"row {index} of {name} has {len(numbers)} numbers, but {others} {columns}")
        columns = len(numbers)
        rows.append(numbers)
    if not rows:
        raise ValueError(f"{name} is empty, expected at least one row")
    return rows


def _members(name: str, values: Iterable[Member], expected: str) -> Iterable[Member]:
    """Return the values if they can be walked through and are not text, or raise."""
    try:
        if not isinstance(values, (str, bytes)):
            return iter(values)
    except TypeError:
        pass
    raise TypeError(f"{name} is {values!r}, expected {expected}")
