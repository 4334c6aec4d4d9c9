"""A table is what a CSV file holds: a header and rows of text cells, some columns of which are numbers."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

from autograd_mini.cli.failure import UserError, suggestion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TextIO

# Python's float() takes more, such as 1_000 and Arabic digits, that in a file is likelier a mistake.
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DELIMITERS = ",;\t"
LARGEST = 1e100
"""Numbers stay below this, so that means and squares of them are floats."""


class Table:
    """The header and the rows of a CSV file.

    Attributes:
        name: what messages call it, the path.
        header: the names of the columns.
        rows: the cells of each row, as text.
        lines: the line in the file at which each row ends, from 1.
        delimiter: what separates the cells.

    """

    def __init__(
        self,
        name: str,
        header: Sequence[str],
        rows: Iterable[Sequence[str]],
        lines: Iterable[int] = (),
        delimiter: str = ",",
    ) -> None:
        self.name = name
        self.header = list(header)
        self.rows = [list(row) for row in rows]
        self.lines = list(lines) or [*range(2, len(self.rows) + 2)]
        self.delimiter = delimiter

    def position(self, column: str) -> int:
        """Return the position of a column, or raise a UserError that suggests others."""
        if column not in self.header:
            raise UserError(f"{self.name} has no column {column!r}; {suggestion(column, self.header)}")
        return self.header.index(column)

    def column(self, column: str) -> list[str]:
        """Return the cells of a column without the spaces around them; an empty one is a UserError."""
        position = self.position(column)
        cells = [row[position].strip() for row in self.rows]
        for row, cell in enumerate(cells):
            if not cell:
                raise UserError(f"{self._place(row, column)} is empty: fill it in, or remove the row")
        return cells

    def numbers(self, column: str) -> list[float]:
        """Return the cells of a column as floats, or raise a UserError that names the first that is none."""
        numbers = []
        for row, cell in enumerate(self.column(column)):
            number = self.number(cell)
            if number is None:
                expected = f"a number below {LARGEST:g}" if _NUMBER.fullmatch(cell) else "a number"
                place = self._place(row, column)
                raise UserError(f"{place} is {cell!r}, but expected {expected}: correct it, or remove the row")
            numbers.append(number)
        return numbers

    def number(self, cell: str) -> float | None:
        """Return a cell as a float, or None; with semicolons between cells, a decimal comma is one."""
        if self.delimiter == ";":
            cell = cell.replace(",", ".", 1)
        number = float(cell) if _NUMBER.fullmatch(cell) else LARGEST
        return number if abs(number) < LARGEST else None

    def is_numeric(self, column: str) -> bool:
        """Return whether a column is meant to be numbers: most of the cells that are not empty are."""
        position = self.position(column)
        cells = [cell for row in self.rows if (cell := row[position].strip())]
        return 2 * sum(self.number(cell) is not None for cell in cells) > len(cells)

    def write(self, file: TextIO, more: Mapping[str, Sequence[str]] | None = None) -> None:
        """Write the table as CSV, with more columns behind its own."""
        more = more or {}
        writer = csv.writer(file, delimiter=self.delimiter, lineterminator="\n")
        writer.writerow([*self.header, *more])
        writer.writerows([*row, *cells] for row, *cells in zip(self.rows, *more.values(), strict=True))

    def _place(self, row: int, column: str) -> str:
        return f"{self.name}, row {row + 1} (line {self.lines[row]}), column {column!r}"


def read_table(path: str) -> Table:
    """Return the table in a CSV file: UTF-8, a header first, cells between commas, semicolons or tabs.

    The delimiter is the one of the three that stands most often in the header. Blank lines are left out. Raises a
    UserError for what cannot be read, an empty file, a header without names or with one twice, and a row that is
    longer or shorter than the header.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            delimiter = _delimiter(file.readline())
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            found = [(reader.line_num, row) for row in reader if row]
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UserError(f"cannot read {path}: it is not UTF-8 text; save it as CSV in UTF-8") from None
    except csv.Error as error:
        raise UserError(f"cannot read {path}: line {reader.line_num}: {error}") from None
    if not found:
        raise UserError(f"{path} is empty, but expected a header and rows")
    (_, header), *rows = found
    header = [name.strip() for name in header]
    for position, name in enumerate(header, 1):
        if not name:
            raise UserError(f"column {position} of {path} has no name in the header: give it one, or remove the column")
    name, times = Counter(header).most_common(1)[0]
    if times > 1:
        raise UserError(f"{path} has {times} columns named {name!r}: rename them")
    if not rows:
        raise UserError(f"{path} has a header, but no rows")
    for number, (line, row) in enumerate(rows, 1):
        if len(row) != len(header):
            raise UserError(
                f"{path}, row {number} (line {line}) has {len(row)} cells, but the header has {len(header)}"
            )
    return Table(path, header, [row for _, row in rows], [line for line, _ in rows], delimiter)


def _delimiter(header: str) -> str:
    """Return the delimiter that stands most often outside quotes; a comma where there is none."""
    counts = Counter(re.sub(r'"[^"]*"', "", header))
    return max(_DELIMITERS, key=counts.__getitem__)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells as lines of columns, the first column to the left, the others to the right.

    >>> print(aligned([["", "rows"], ["train", "112"]]))
           rows
    train   112
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
    return "\n".join(lines)
