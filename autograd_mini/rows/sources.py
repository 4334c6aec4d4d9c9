"""A source of rows is what can be read from the beginning again and again: Parquet and Arrow files, or batches."""

from __future__ import annotations

from contextlib import contextmanager
from typing import NamedTuple

from autograd_mini.extras import extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Any

BLOCK = 2**19
"""Maximum numbers in a block that is read from a file: 4 MB."""
PARQUET, ARROW = b"PAR1", b"ARROW1"
"""How files of the two formats begin."""
SUFFIXES = frozenset({".parquet", ".pq", ".arrow", ".feather", ".ipc"})
"""Endings of the files that are read in a folder."""


class RowBlock(NamedTuple):
    """Some rows.

    Attributes:
        place: the file or batch that they come from, for messages.
        first: the number there of their first row.
        rows: a table, a dict of columns, or a tuple of arrays.

    """

    place: str
    first: int
    rows: Any


class Source:
    """What can be read from the beginning as often as one likes.

    Attributes:
        name: what messages call it.
        names: its columns; None if they are not known, or have no names.

    """

    name: str
    names: list[Any] | None = None
    _count: int | None = None

    def read(self, columns: list[Any] | None, order: Sequence[int] | None = None) -> Iterator[RowBlock]:
        """Read block after block, of some columns; with an order of `units`, in that order."""
        raise NotImplementedError

    @property
    def units(self) -> int:
        """How many parts there are that can be read in any order; 0 if there is one order alone."""
        return 0

    def count(self) -> int:
        """Return how many rows there are."""
        if self._count is None:
            self._count = sum(length(block.rows) for block in self.read(None))
        return self._count


class Batches(Source):
    """The batches that a function's iterators yield."""

    def __init__(self, make: Callable[[], Iterator[Any]], names: list[Any] | None = None, name: str = "") -> None:
        self._make, self.names = make, names
        self.name = name or getattr(make, "__qualname__", type(make).__name__)

    def read(self, columns: list[Any] | None, order: Sequence[int] | None = None) -> Iterator[RowBlock]:  # noqa: ARG002 - see Source
        """Read batch after batch."""
        made: Any = self._make()
        if not hasattr(made, "__iter__"):
            raise TypeError(f"source returned {made!r}, expected an iterable of batches")
        for at, rows in enumerate(made):
            yield RowBlock(f"batch {at} of {self.name}", 0, rows)


class Files(Source):
    """Parquet and Arrow files, each file of a folder by its name.

    Args:
        paths: files and folders.
        rows: the most rows of a block; None for as many as have 2**19 numbers.
        numeric: whether columns of anything but numbers are refused when they are read.

    """

    def __init__(self, paths: Sequence[Path], rows: int | None = None, *, numeric: bool = True) -> None:
        self._numeric = numeric
        self._arrow = extra("pyarrow", "reading files of rows")
        self.name = ", ".join(map(str, paths[:3])) + ", …" * (len(paths) > 3)
        self._paths = [file for path in paths for file in _files(path)]
        self._rows = rows
        self._units: list[tuple[Path, int]] | None = None
        self._known: dict[Path, list[str]] = {}
        with _opened(self._arrow, self._paths[0]) as file:
            self.names = [*file.schema.names]

    @property
    def units(self) -> int:
        """How many row groups and record batches there are."""
        return len(self._parts())

    def count(self) -> int:
        """Read the number of rows in the files' headers."""
        if self._count is None:
            self._parts()
        assert self._count is not None  # noqa: S101 - it was counted
        return self._count

    def _parts(self) -> list[tuple[Path, int]]:
        if self._units is None:
            found, self._count = [], 0
            for path in self._paths:
                with _opened(self._arrow, path) as file:
                    found += [(path, at) for at in range(file.parts)]
                    self._count += file.count()
            self._units = found
        return self._units

    def read(self, columns: list[Any] | None, order: Sequence[int] | None = None) -> Iterator[RowBlock]:
        """Read file after file."""
        wanted = self.names if columns is None else columns
        rows = self._rows or max(1024, BLOCK // max(len(wanted or ()), 1))
        if order is None:
            for path in self._paths:
                yield from self._read(path, None, wanted, rows)
            return
        parts = self._parts()
        for unit in order:
            yield from self._read(*parts[unit], wanted, rows)

    def _read(self, path: Path, part: int | None, columns: list[Any] | None, rows: int) -> Iterator[RowBlock]:
        with _opened(self._arrow, path) as file:
            for name in columns or ():
                if name not in file.schema.names:
                    raise ValueError(f"{path} has no column {name!r}, expected those of {self._paths[0]}")
                kind = file.schema.field(name).type
                if self._numeric and not any(
                    getattr(self._arrow.types, f"is_{known}")(kind) for known in ("integer", "floating", "boolean")
                ):
                    raise TypeError(f"{path} has the column {name!r} of type {kind}, expected numbers")
            place = str(path) if part is None else f"{path}, part {part}"
            first = 0
            batches = file.batches(part, columns, rows)
            while True:
                try:
                    batch = next(batches, None)
                except (self._arrow.ArrowException, OSError) as error:
                    raise _damaged(path, error, first) from error
                if batch is None:
                    return
                yield RowBlock(place, first, batch)
                first += batch.num_rows


def is_columnar(path: Path) -> bool:
    """Return whether a path is that of a Parquet or Arrow file, or of a folder that has some."""
    if path.is_dir():
        return any(file.suffix.lower() in SUFFIXES for file in path.rglob("*"))
    return path.is_file() and _start(path).startswith((PARQUET, ARROW))


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)


def _files(path: Path) -> list[Path]:
    """Return a path, or the files in it."""
    if path.is_dir():
        found = sorted(
            file
            for file in path.rglob("*")
            if file.suffix.lower() in SUFFIXES and not file.name.startswith((".", "_")) and file.is_file()
        )
        if not found:
            raise FileNotFoundError(f"{path} has no file that ends in {', '.join(sorted(SUFFIXES))}")
        return found
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    return [path]


class _Parquet:
    """An open Parquet file, whose parts are its row groups."""

    def __init__(self, path: Path) -> None:
        self._file = extra("pyarrow.parquet", "reading Parquet files").ParquetFile(path)
        self.schema, self.parts, self.close = self._file.schema_arrow, self._file.num_row_groups, self._file.close

    def count(self) -> int:
        """Return how many rows there are."""
        return int(self._file.metadata.num_rows)

    def batches(self, part: int | None, columns: list[Any] | None, rows: int) -> Iterator[Any]:
        """Read all of it, or one part."""
        groups = None if part is None else [part]
        return iter(self._file.iter_batches(rows, row_groups=groups, columns=columns))


class _Arrow:
    """An open Arrow file, whose parts are its record batches."""

    def __init__(self, path: Path, arrow: Any) -> None:
        self._ipc, self._source = arrow.ipc, arrow.OSFile(str(path))
        self.close = self._source.close
        self._file = self._ipc.open_file(self._source)
        self.schema, self.parts = self._file.schema, self._file.num_record_batches

    def count(self) -> int:
        """Return how many rows there are."""
        return int(self._file.count_rows())

    def batches(self, part: int | None, columns: list[Any] | None, rows: int) -> Iterator[Any]:
        """Read all of it, or one part."""
        file = self._file
        if columns is not None:
            names = self.schema.names
            options = self._ipc.IpcReadOptions(included_fields=[names.index(name) for name in columns])
            file = self._ipc.open_file(self._source, options=options)
        for at in range(file.num_record_batches) if part is None else [part]:
            batch = file.get_batch(at)
            for first in range(0, batch.num_rows, rows):
                yield batch.slice(first, rows)


@contextmanager
def _opened(arrow: Any, path: Path) -> Iterator[Any]:
    """Open a file of either format; a ValueError says that it is neither, or damaged."""
    start = _start(path)
    if not start.startswith((PARQUET, ARROW)):
        raise ValueError(f"{path} begins with {start!r}, expected a Parquet or an Arrow file")
    try:
        opened: Any = _Parquet(path) if start.startswith(PARQUET) else _Arrow(path, arrow)
    except (arrow.ArrowException, OSError) as error:
        raise _damaged(path, error) from error
    try:
        yield opened
    finally:
        opened.close()


def _damaged(path: Path, error: Exception, row: int = 0) -> ValueError:
    """Return the error for a file that cannot be read from some row on."""
    where = f"{path} cannot be read" + (f" from row {row} on" if row else "")
    return ValueError(f"{where}, so it is damaged or cut short: {' '.join(str(error).split())}")


def length(rows: Any) -> int:
    """Return how many rows a block has."""
    first = rows[0] if isinstance(rows, tuple) else next(iter(rows.values())) if isinstance(rows, dict) else rows
    if not hasattr(first, "__len__"):
        raise TypeError(f"a batch of the stream is {rows!r}, expected a table, or a tuple or dict of arrays")
    return len(first)
