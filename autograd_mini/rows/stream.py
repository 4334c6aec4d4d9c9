"""A stream of rows: files, a table or a function that yields batches, read block by block as often as it is needed.

    >>> data = scan(lambda: iter([{"x": [1.0, 2.0], "y": [0.0, 1.0]}, {"x": [3.0], "y": [1.0]}]))
    >>> X, y = data[["x"]], data["y"]
    >>> len(X)
    3

`X` and `y` are given where arrays could be, and each pass reads both together, with a thread that reads ahead, in the
memory of a few blocks.
"""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread

from autograd_mini.extras import extra
from autograd_mini.rows.pairwise import PairwiseSum, RowPart
from autograd_mini.rows.sources import Batches, Files, RowBlock, length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from autograd_mini.rows.sources import Source

AHEAD = 4
"""Number of blocks that wait, read, for the one before to be done with."""


class Scan:
    """Columns of a stream of rows. `scan` returns them all.

    `rows["y"]` is one column, a number a row, and `rows[["a", "b"]]` several, rows of numbers; of batches that are
    tuples of arrays, `rows[0]` is the first array. `len` counts the rows. Nothing is read before it is needed.

    Attributes:
        columns: the names of the columns chosen; None where batches are tuples of arrays, and nothing is chosen.

    """

    _is_rows = True

    def __init__(self, source: Source, chosen: Any = None) -> None:
        self._source, self._chosen = source, chosen

    @property
    def columns(self) -> list[Any] | None:
        """The columns chosen."""
        if self._chosen is None:
            return self._source.names
        return [*self._chosen] if isinstance(self._chosen, list) else [self._chosen]

    def __getitem__(self, chosen: Any) -> Scan:
        """Choose a column by its name, or several by a list of them."""
        if not isinstance(chosen, (str, int, list, tuple)):
            raise TypeError(f"a column is {chosen!r}, expected its name, or a list of names")
        wanted = [*chosen] if isinstance(chosen, (list, tuple)) else chosen
        known = self.columns
        for name in wanted if isinstance(wanted, list) else [wanted]:
            if known is not None and name not in known:
                raise KeyError(f"{self._source.name} has no column {name!r}: there are {', '.join(map(repr, known))}")
        return Scan(self._source, wanted)

    def __len__(self) -> int:
        """Count the rows; of files their headers alone are read."""
        return self._source.count()

    def __iter__(self) -> Iterator[Any]:
        """Read block after block."""
        for block in self._source.read(None if self._chosen is None else self.columns):
            yield self.of(block.rows)

    def of(self, rows: Any) -> Any:
        """Return these columns of a block."""
        chosen = self._chosen
        if chosen is None:
            return rows if not isinstance(rows, dict) else self[[*rows]].of(rows)
        if not isinstance(chosen, list):
            return rows[chosen]
        if isinstance(rows, dict):
            import numpy as np

            return np.column_stack([rows[name] for name in chosen])
        if isinstance(rows, tuple):
            raise TypeError(f"{self._source.name} has batches of arrays, expected one of them: take rows[{chosen[0]}]")
        return rows.select(chosen) if hasattr(rows, "select") else rows[chosen]

    def __repr__(self) -> str:
        """Show where the rows come from."""
        chosen = "" if self._chosen is None else f"[{self._chosen!r}]"
        return f"scan({self._source.name}){chosen}"


def scan(source: Any, *, rows: int | None = None) -> Scan:
    """Return the rows of files, of a table or of a function's batches, to be read in blocks when they are needed.

    They are given to compiled functions and to `fit` where arrays could be: `fast.backward(data[["a", "b"]],
    data["y"])`. However many there are, they take the memory of a few blocks. Sums over blocks are added pairwise, so
    that the same blocks give the same bits.

    Args:
        source: a Parquet or Arrow file, a folder of them, or a list of these; a table of PyArrow, pandas or Polars,
            or any with Arrow's C interface; or a function that returns a new iterator of batches at each call: tables,
            dicts of columns, or tuples of arrays such as (X, y).
        rows: the most rows of a block; None for as many as have 2**19 numbers.

    Raises:
        FileNotFoundError: if there is no such file, or none in the folder.
        ValueError: if a file is neither Parquet nor Arrow, or is damaged, when it is read; the message names it.
        TypeError: if source is of another kind.
        ImportError: if it takes PyArrow, and that is not installed.

    >>> data = scan(lambda: iter([([[1.0], [2.0]], [2.0, 4.0])]))
    >>> from autograd_mini import Parameter, jit
    >>> w = Parameter(1.0)
    >>> jit(lambda x, y: (w * x[0] - y) ** 2, batched=True).backward(data[0], data[1]), w.grad
    (2.5, -5.0)

    """
    if isinstance(source, (str, os.PathLike)):
        return Scan(Files([Path(source)], rows))
    if isinstance(source, (list, tuple)) and source and all(isinstance(path, (str, os.PathLike)) for path in source):
        return Scan(Files([*map(Path, source)], rows))
    if callable(source):
        return Scan(Batches(source))
    if hasattr(source, "__next__"):
        raise TypeError(
            "source is an iterator, which can be read once, expected a function that returns a new one each time; for "
            "a single pass give the iterator itself to the compiled function"
        )
    if hasattr(source, "to_batches"):  # a table or a dataset of PyArrow
        return Scan(Batches(source.to_batches, [*source.schema.names], f"a {type(source).__name__}"))
    if hasattr(source, "__arrow_c_stream__"):
        arrow = extra("pyarrow", "scan of a table")
        return scan(arrow.table(source))
    raise TypeError(
        f"source is a {type(source).__name__}, expected a file, a folder, a table, or a function that returns batches"
    )


def read_ahead(blocks: Iterator[Any]) -> Iterator[Any]:
    """Yield what an iterator yields, while a thread is some items ahead; it ends when nobody asks for more.

    All that the iterator does is done by that thread: reading, decoding and loading.
    """
    waiting: SimpleQueue[tuple[bool, Any]] = SimpleQueue()
    places: SimpleQueue[None] = SimpleQueue()  # one for each block that may be read now
    stop = Event()
    for _ in range(AHEAD):
        places.put(None)

    def read() -> None:
        try:
            for block in blocks:
                waiting.put((True, block))
                places.get()
                if stop.is_set():
                    break
            waiting.put((False, None))
        except BaseException as error:  # noqa: BLE001 - raised where the block is asked for
            waiting.put((False, error))
        finally:
            if close := getattr(blocks, "close", None):
                close()

    thread = Thread(target=read, name="autograd_mini rows", daemon=True)
    thread.start()
    try:
        while True:
            try:
                more, found = waiting.get(timeout=1.0)
            except Empty:  # on Windows, where Ctrl-C does not end a wait
                continue
            places.put(None)
            if more:
                yield found
            elif found is None:
                return
            else:
                raise found
    finally:
        stop.set()
        places.put(None)
        thread.join(timeout=1.0)


class Stream:
    """The arguments of a call that come block by block: columns of one `scan`, or an iterator of batches.

    Args:
        args: `Scan` of one source, beside what is the same for all rows; or an iterator alone, whose items are tables,
            or tuples of the arguments.

    """

    def __init__(self, args: Sequence[Any]) -> None:
        self._args = args
        self._open: Iterator[RowBlock] | None = None  # what was read by `example`, and the rest
        iterators = [given for given in args if not isinstance(given, Scan) and hasattr(type(given), "__next__")]
        chosen = [given for given in args if isinstance(given, Scan)]
        sources = {id(given._source) for given in chosen}
        if iterators and len(args) > 1:
            raise TypeError(
                "an argument is an iterator beside others, expected one iterator alone, whose items are tuples of all "
                "arguments, or `scan` of a function that returns one"
            )
        if len(sources) > 1:
            raise ValueError("the arguments are rows of several scans, expected columns of one: data['x'], data['y']")
        self._iterator = iterators[0] if iterators else None
        self._source = chosen[0]._source if chosen else None
        columns = [given.columns for given in chosen]
        known = all(names is not None for names in columns)
        self._columns = list(dict.fromkeys(name for names in columns for name in names or ())) if known else None

    @property
    def units(self) -> int:
        """How many parts can be read in any order; 0 if there is one order alone."""
        return 0 if self._source is None else self._source.units

    def _of(self, rows: Any) -> tuple[Any, ...]:
        """Return the arguments for a block."""
        if self._iterator is not None:
            return rows if isinstance(rows, tuple) else (rows,)
        return tuple([given.of(rows) if isinstance(given, Scan) else given for given in self._args])

    def _blocks(self, order: Sequence[int] | None = None) -> Iterator[RowBlock]:
        """Read block after block."""
        if self._open is not None:
            found, self._open = self._open, None
            return found
        if self._source is not None:
            return self._source.read(self._columns, order)
        assert self._iterator is not None  # noqa: S101 - or there would be a source
        return (RowBlock(f"batch {at}", 0, rows) for at, rows in enumerate(self._iterator))

    def read(self, load: Callable[..., Any], order: Sequence[int] | None = None) -> Iterator[tuple[RowPart, Any]]:
        """Yield part after part, with what a function of the part and of the arguments makes of them as they are read.

        Args:
            load: the function, which is called in the thread that reads ahead.
            order: the order of the `units`; None for that of the source.

        """

        def loaded() -> Iterator[tuple[RowPart, Any]]:
            for number, block in enumerate(self._blocks(order)):
                part = RowPart(block.place, block.first, number)
                yield part, load(part, *self._of(block.rows))

        return read_ahead(loaded())

    def example(self) -> tuple[Any, ...]:
        """Return the arguments of the first block that has rows; without one, of an empty block.

        The next pass goes on from there.

        Raises:
            ValueError: if there is none.

        """
        before: list[RowBlock] = []
        blocks = self._blocks()
        for block in blocks:
            before.append(block)
            if length(block.rows):
                break
        if not before:
            raise ValueError("the stream has no rows, expected at least one: an iterator is used up after one pass")
        self._open = chain(before, blocks)
        return self._of(before[-1].rows)

    def total(
        self,
        load: Callable[..., Any],
        function: Callable[..., Any],
        *shared: Any,
        done: Callable[[int], object] | None = None,
    ) -> Any:
        """Return the sum of what a function gives for each block, added pairwise; see `DaskPartitions.total`."""
        sums = PairwiseSum()
        for part, rows in self.read(load):
            sums.add(part.number, function(*shared, part, rows))
            if done is not None:
                done(part.number + 1)
        return sums.result()

    def mapped(
        self,
        load: Callable[..., Any],
        function: Callable[..., Any],
        shapes: Sequence[Any],  # noqa: ARG002 - Dask needs them
        *shared: Any,
    ) -> Iterator[Any]:
        """Yield what a function gives for each block, in order."""
        for part, rows in self.read(load):
            yield function(*shared, part, rows)
