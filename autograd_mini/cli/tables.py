"""A table is what a CSV file holds: named columns and rows of text cells, some columns of which are numbers."""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from difflib import get_close_matches
from io import StringIO
from itertools import islice
from pathlib import Path

from autograd_mini.rows.sources import Files, is_columnar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from typing import Any, TextIO

# Python's float() takes more, such as 1_000 and Arabic digits, that in a file is likelier a mistake.
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_UNNAMED = re.compile(r"Unnamed: [0-9]+")  # what pandas calls a column without a name, and then writes
_DELIMITERS = ",;\t"
_SAMPLE = 100
"""Records from which the delimiter and the header are guessed."""
LARGEST = 1e100
"""Numbers stay below this, so that means and squares of them are floats."""
MISSING = frozenset({"", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "-nan", "-NaN", "NULL", "null", "None"})
"""Cells that say that there is none, as pandas, R, databases and the UCI repository write them."""
HEADERS = {"auto": None, "yes": True, "no": False}
"""What `--header` says of the first row: None to find out whether it holds names."""
HELD = 20_000_000
"""Maximum cells of a Parquet or Arrow file that are held in memory, as text: about a gigabyte."""
FOREIGN = {
    b"PK\x03\x04": "it is a ZIP file, as Excel's workbooks are: save the sheet as CSV",
    b"\x1f\x8b": "it is compressed: unpack it first",
    b"\xff\xfe": "it is UTF-16 text: save it as CSV in UTF-8",
    b"\xfe\xff": "it is UTF-16 text: save it as CSV in UTF-8",
}
"""How files begin that are often taken for CSV files, and what to do."""


class UserError(Exception):
    """Ends the command with its message on standard error and exit status 2."""


def suggestion(wrong: str, names: Sequence[str]) -> str:
    """Return a hint at the names that `wrong` was probably meant to be, or at all of them.

    >>> suggestion("Spezies", ["petal_width", "species"])
    "did you mean 'species'?"
    >>> suggestion("weight", ["petal_width", "species"])
    "there are 'petal_width', 'species'"
    """
    by_lower = {name.strip().lower(): name for name in reversed(names)}
    close = [by_lower[lower] for lower in get_close_matches(wrong.strip().lower(), by_lower, n=3, cutoff=0.6)]
    if close:
        return f"did you mean {' or '.join(map(repr, close))}?"
    shown = ", ".join(map(repr, names[:10]))
    return f"there are {shown}{', ...' * (len(names) > 10)}"


class Table:
    """The named columns and the rows of a CSV file.

    Attributes:
        name: what messages call it, the path.
        header: the names of the columns; of one without a name its position, as "column_3".
        rows: the cells of each row, as text.
        lines: the line in the file at which each row ends, from 1.
        delimiter: what separates the cells.
        titles: the names of the columns as the file has them, or is written with.
        unnamed: the columns whose names in the header are empty.
        headless: whether the file has no header.
        notes: what was decided when it was read, for the user to know.

    """

    def __init__(
        self,
        name: str,
        header: Sequence[str],
        rows: Iterable[Sequence[str]],
        lines: Iterable[int] = (),
        delimiter: str = ",",
        *,
        headless: bool = False,
    ) -> None:
        self.name = name
        self.titles = [*header]
        self.header, self.unnamed = [], set[str]()
        for position, title in enumerate(header, 1):
            column = title
            if not title:
                column = f"column_{position}"
                while column in header:
                    column += "_"
            if not title or _UNNAMED.fullmatch(title):
                self.unnamed.add(column)
            self.header.append(column)
        self.rows = [list(row) for row in rows]
        self.lines = list(lines) or [*range(2 - headless, len(self.rows) + 2 - headless)]
        self.delimiter, self.headless = delimiter, headless
        self.notes: list[str] = []

    def position(self, column: str) -> int:
        """Return the position of a column, or raise a UserError that suggests others."""
        if column not in self.header:
            why = "it has no header (--header yes takes its first row for one), and " if self.headless else ""
            raise UserError(f"{self.name} has no column {column!r}; {why}{suggestion(column, self.header)}")
        return self.header.index(column)

    def cells(self, column: str) -> list[str]:
        """Return the cells of a column without the spaces around them; those that are missing are empty."""
        position = self.position(column)
        return ["" if (cell := row[position].strip()) in MISSING else cell for row in self.rows]

    def numbers(self, column: str) -> list[float | None]:
        """Return the cells of a column as floats, None where one is missing; a UserError names what is no number."""
        cells = self.cells(column)
        numbers = [self.number(cell) for cell in cells]
        wrong = [row for row, cell in enumerate(cells) if cell and numbers[row] is None]
        if wrong:
            cell = cells[wrong[0]]
            numeric = _NUMBER.fullmatch(cell.replace(",", ".", 1) if self.delimiter == ";" else cell)
            expected = f"a number below {LARGEST:g}" if numeric else "a number"
            more = f" (and so are {len(wrong) - 1} more of its cells)" if wrong[1:] else ""
            raise UserError(
                f"{self._place(wrong[0], column)} is {cell!r}, expected {expected}{more}: correct it, remove the "
                f"row, or leave the column out with --ignore"
            )
        return numbers

    def number(self, cell: str) -> float | None:
        """Return a cell as a float, or None; with semicolons between cells, a decimal comma is one."""
        return _number(cell, self.delimiter)

    def is_numeric(self, column: str) -> bool:
        """Return whether a column is meant to be numbers: most of the cells that are not missing are."""
        return _mostly_numbers(self.cells(column), self.delimiter)

    def is_index(self, column: str) -> bool:
        """Return whether a column without a name numbers the rows: whole numbers, and no two alike."""
        if column not in self.unnamed:
            return False
        cells = self.cells(column)
        return len({*cells}) == len(cells) and all(cell.isascii() and cell.isdigit() for cell in cells)

    def counts(self, column: str) -> bool:
        """Return whether a column counts the rows, from 0 or from 1."""
        cells, size = self.cells(column), len(self.rows)
        return cells in ([*map(str, range(size))], [*map(str, range(1, size + 1))])

    def gaps(self, columns: Iterable[str]) -> dict[str, list[int]]:
        """Return the rows in which a cell is missing, for each of some columns where there are any."""
        found = {column: [row for row, cell in enumerate(self.cells(column)) if not cell] for column in columns}
        return {column: rows for column, rows in found.items() if rows}

    def lacking(self, gaps: Mapping[str, Sequence[int]]) -> str:
        """Return a clause that counts missing cells, and names the first: "t.csv lacks 3 cells in 2 of 9 rows: …"."""
        cells, rows = sum(map(len, gaps.values())), {row for lacking in gaps.values() for row in lacking}
        first = min(rows)
        column = next(column for column, lacking in gaps.items() if first in lacking)
        counts = [f"{column!r} {len(lacking)}" for column, lacking in gaps.items()]
        shown = ", ".join(counts[:10]) + f" and {len(counts) - 10} columns more" * (len(counts) > 10)
        return (
            f"{self.name} lacks {cells} cell{'s' * (cells > 1)} in {len(rows)} of {len(self.rows)} "
            f"row{'s' * (len(self.rows) > 1)} ({shown}; the first in row {first + 1} (line {self.lines[first]}), "
            f"column {column!r})"
        )

    def without(self, gaps: Mapping[str, Sequence[int]]) -> Table:
        """Return the table without the rows in which cells are missing; a UserError where no row is left."""
        dropped = {row for rows in gaps.values() for row in rows}
        kept = [row for row in range(len(self.rows)) if row not in dropped]
        if not kept:
            raise UserError(f"{self.lacking(gaps)}, so that no row would be left")
        rows, lines = [self.rows[row] for row in kept], [self.lines[row] for row in kept]
        return Table(self.name, self.titles, rows, lines, self.delimiter, headless=self.headless)

    def write(self, file: TextIO, more: Mapping[str, Sequence[str]] | None = None) -> None:
        """Write the table as CSV, with more columns behind its own."""
        more = more or {}
        writer = csv.writer(file, delimiter=self.delimiter, lineterminator="\n")
        writer.writerow([*self.titles, *more])
        writer.writerows([*row, *cells] for row, *cells in zip(self.rows, *more.values(), strict=True))

    def _place(self, row: int, column: str) -> str:
        return f"{self.name}, row {row + 1} (line {self.lines[row]}), column {column!r}"


def read_table(path: str, *, header: bool | None = None, known: Collection[str] = ()) -> Table:
    """Return the table in a CSV file, in Parquet or Arrow files or a folder of them, or for "-" in standard input.

    CSV is UTF-8, with cells between commas, semicolons or tabs. Blank lines are left out. Whether the first row is a
    `header` is found out if that is None; one with all the `known` names is. A UserError for what cannot be read, a
    header with a name twice, and rows of unlike length.
    """
    name = "standard input" if path == "-" else path
    if path != "-" and is_columnar(Path(path)):
        return _columnar_table(path)
    text = _decoded(name, _bytes(path))
    delimiter = _delimiter(text)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        found = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise UserError(f"cannot read {name}: line {reader.line_num}: {error}") from None
    if found and len(found[0][1]) > 1:  # then a line of spaces is blank too
        found = [(line, row) for line, row in found if len(row) > 1 or row[0].strip()]
    if not found:
        raise UserError(f"{name} is empty, expected a header and rows")
    titles, notes = [cell.strip() for cell in found[0][1]], []
    guessed = header is None
    if guessed and known and {*known} <= {*titles}:
        header = True
    if header is None:
        header = _is_header(titles, [row for _, row in found[1 : 1 + _SAMPLE]], delimiter)
        if not header and not known and _count_up(titles, delimiter):  # as names that nobody chose do
            header = True
            notes.append(
                f"the first row of {name} counts up, {_listed(titles)}, so it is taken for the header: --header no "
                "takes it for data"
            )
    if header:
        del found[0]
        repeated, times = Counter(title for title in titles if title).most_common(1)[0] if any(titles) else ("", 0)
        if times > 1:
            raise UserError(f"{name} has {times} columns named {repeated!r}: rename them")
        if not found:
            raise UserError(f"{name} has a header, but no rows")
    else:
        titles = [f"column_{position}" for position, _ in enumerate(titles, 1)]
        if guessed:
            notes.append(
                f"{name} has no header, so its columns are called {_listed(titles)}: --header yes takes the first row "
                "for one"
            )
    for number, (line, row) in enumerate(found, 1):
        if len(row) != len(titles):
            first = "header" if header else "first row"
            raise UserError(
                f"{name}, row {number} (line {line}) has {len(row)} cells, but the {first} has {len(titles)}"
            )
    table = Table(name, titles, [row for _, row in found], [line for line, _ in found], delimiter, headless=not header)
    table.notes += notes
    return table


def _columnar_table(path: str) -> Table:
    try:
        files = Files([Path(path)], numeric=False)
        names, count = [*map(str, files.names or ())], files.count()
        if not count:
            raise UserError(f"{path} has no rows")
        if count * len(names) > HELD:
            raise UserError(
                f"{path} has {count} rows of {len(names)} columns, more than this command holds in memory: in Python, "
                "autograd_mini.fit trains on the columns of autograd_mini.scan, which are read block by block"
            )
        blocks = [block.rows.to_pydict() for block in files.read(None)]
    except (ImportError, OSError, TypeError, ValueError) as error:
        raise UserError(str(error)) from None
    columns = [[_cell(value) for block in blocks for value in block[name]] for name in names]
    return Table(path, names, zip(*columns, strict=True), range(1, count + 1))


def _cell(value: Any) -> str:
    """Return what a CSV file would hold."""
    if value is None or value != value:  # noqa: PLR0124 - is it nan?
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)


def _bytes(path: str) -> bytes:
    if path == "-":
        if sys.stdin is None or sys.stdin.closed:
            raise UserError("cannot read standard input: it is closed")
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None


def _decoded(name: str, data: bytes) -> str:
    """Return bytes as text, without a byte order mark, or raise a UserError that says what they are."""
    for start, remedy in FOREIGN.items():
        if data.startswith(start):
            raise UserError(f"cannot read {name}: {remedy}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"cannot read {name}: line {line} is not UTF-8 text; save it as CSV in UTF-8") from None


def _delimiter(text: str) -> str:
    """Return the delimiter that gives records of one length and most numbers, else that of most of the first line."""
    found = {}
    for delimiter in reversed(_DELIMITERS):
        try:
            records = [*islice(filter(None, csv.reader(StringIO(text, newline=""), delimiter=delimiter)), _SAMPLE)]
        except csv.Error:
            continue
        if len({len(record) for record in records}) == 1 and len(records[0]) > 1:
            cells = [cell.strip() for record in records for cell in record]
            found[delimiter] = sum(_number(cell, delimiter) is not None for cell in cells) / len(cells)
    if found:
        return max(found, key=found.__getitem__)
    first = next(filter(str.strip, text.splitlines()), "")
    counts = Counter(re.sub(r'"[^"]*"', "", first))
    return max(_DELIMITERS, key=counts.__getitem__)


def _is_header(first: Sequence[str], below: Sequence[Sequence[str]], delimiter: str) -> bool:
    """Return whether the first row names the columns: where it has numbers, it has text above numbers too."""
    numbers = False
    for position, cell in enumerate(first):
        cells = [row[position].strip() for row in below if position < len(row)]
        if below and not _mostly_numbers([cell for cell in cells if cell not in MISSING], delimiter):
            continue
        if _number(cell, delimiter) is not None:
            numbers = True
        elif cell not in MISSING:
            return True
    return not numbers


def _count_up(first: Sequence[str], delimiter: str) -> bool:
    """Return whether the numbers in a row are names after all: 0, 1, 2 and so on, or years."""
    numbers = [number for cell in first if (number := _number(cell, delimiter)) is not None]
    if numbers != [numbers[0] + step for step in range(len(numbers))]:
        return False
    return (numbers[0] == 0 and len(numbers) > 2) or (1900 <= numbers[0] <= 2100 and len(numbers) > 1)


def _number(cell: str, delimiter: str) -> float | None:
    if delimiter == ";":
        cell = cell.replace(",", ".", 1)
    number = float(cell) if _NUMBER.fullmatch(cell) else LARGEST
    return number if abs(number) < LARGEST else None


def _mostly_numbers(cells: Iterable[str], delimiter: str) -> bool:
    """Return whether more than half of the cells that are not empty are numbers."""
    held = [_number(cell, delimiter) is not None for cell in cells if cell]
    return 2 * sum(held) > len(held)


def _listed(names: Sequence[str]) -> str:
    """Return names in a few words: the first three and the last."""
    return ", ".join(names if len(names) < 6 else [*names[:3], "...", names[-1]])
