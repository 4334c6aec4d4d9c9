"""Blocks: how a compiled function runs over arguments that come in parts, from a stream or as Dask collections.

The driver traces and compiles for an example. Each part is then loaded and computed where it is, by `loaded_rows`
and `block_sums` or `block_values`, which know the program alone, and sums are added pairwise in the order of the parts.
"""

from __future__ import annotations

from functools import partial
from math import isfinite, prod
from typing import NamedTuple

from autograd_mini.compiler.backends import library_of, on_gpu
from autograd_mini.compiler.layouts import batch_columns
from autograd_mini.engine.pytree import nested
from autograd_mini.rows.columns import not_finite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from autograd_mini.compiler.program import Program
    from autograd_mini.compiler.specialization import Programs
    from autograd_mini.engine.pytree import Spec
    from autograd_mini.rows.dask_partitions import DaskPartitions
    from autograd_mini.rows.pairwise import RowPart
    from autograd_mini.rows.stream import Stream

    Batched = tuple[tuple[int, int], ...]


def mean_over(programs: Programs, parts: Stream | DaskPartitions, p: Any, threads: int) -> tuple[Program, float, Any]:
    """Return the program for arguments in parts, the mean loss over all rows, and its gradient.

    Args:
        programs: those of a function compiled for batches.
        parts: the arguments.
        p: the numbers of its parameters; None for those that they have.
        threads: how many threads share a block of a stream; a partition has one.

    Raises:
        ValueError: if there are no rows; if p has another length; and if a loss is not finite because a row is not.

    """
    program, numbers, batched = _prepared(programs, parts, differentiate=True, p=p)
    total = parts.total(partial(loaded_rows, batched), block_sums, program, numbers, _threads(parts, threads))
    if total is None or not total[0]:
        raise ValueError("the batch is empty, expected at least one sample to take the mean loss of")
    found = total[1:] / total[0]
    return program, float(found[0]), found[1:]


def values_over(programs: Programs, parts: Stream | DaskPartitions, threads: int) -> Any:
    """Return the results for arguments in parts, as Dask arrays, or of a stream as an iterator over its blocks."""
    program, numbers, batched = _prepared(programs, parts, differentiate=False)
    shapes: list[Any] = []
    nested(program.layout, shapes.append)
    load = partial(loaded_rows, batched)
    found = parts.mapped(load, block_values, shapes, program, numbers, _threads(parts, threads))
    if isinstance(found, list):
        return _arranged(program.layout, found)
    return (_arranged(program.layout, columns) for columns in found)


def _threads(parts: Stream | DaskPartitions, threads: int) -> int:
    """Return how many threads share a part: of a cluster one, since its workers have others for other partitions."""
    return threads if hasattr(parts, "read") else 1


def _arranged(spec: Spec, columns: Sequence[Any]) -> Any:
    """Return results as the pytree of a spec."""
    left = iter(columns)
    return nested(spec, lambda _: next(left))


def _prepared(
    programs: Programs, parts: Stream | DaskPartitions, *, differentiate: bool, p: Any = None
) -> tuple[Program, Any, Batched]:
    """Return the program, its numbers beside the rows', and for each batched argument its position and axis."""
    import numpy as np

    example = parts.example()
    program, _, _, uniform = programs.take(example, {}, differentiate=differentiate, decide=False)
    if p is not None and p.shape != (len(program.used),):
        raise ValueError(
            f"p is an array of shape {p.shape}, expected one number for each of the {len(program.used)} parameters"
        )
    own = [leaf._data for leaf in program.leaves] if p is None else p
    batched = tuple([(at, axis) for at, axis in programs.batched_axes(example) if axis is not None])
    return program, np.array([*uniform, *own]), batched


class LoadedRows(NamedTuple):
    """The rows of a part, as the arrays that a program takes.

    Attributes:
        arrays: the arrays.
        given: what they were made of, for messages, with the positions of these arguments.

    """

    arrays: list[Any]
    given: list[tuple[int, Any]]

    def first_wrong(self, first: int) -> str | None:
        """Return which number is nan or infinite, given the number of the first row."""
        names = tuple([f"argument {at}" for at, _ in self.given])
        return not_finite(tuple([rows for _, rows in self.given]), names, first)


def loaded_rows(batched: Batched, part: RowPart, *args: Any) -> LoadedRows:
    """Return the rows of a part as arrays.

    Args:
        batched: the positions and axes of the arguments with a row for each sample.
        part: where the rows come from.
        args: the arguments.

    Raises:
        TypeError: if an argument holds anything but numbers.
        ValueError: if the arguments have different numbers of rows.

    """
    arrays: list[Any] = []
    try:
        for at, axis in batched:
            batch_columns(args[at], axis, f"argument {at}", arrays)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{part.name}: {error}") from None
    lengths = {len(array) for array in arrays}
    if len(lengths) != 1:
        raise ValueError(f"{part.name}: the arguments have {sorted(lengths)} rows, expected equally many")
    return LoadedRows(arrays, [(at, args[at]) for at, _ in batched])


def block_sums(program: Program, numbers: Any, threads: int, part: RowPart, rows: LoadedRows) -> Any:
    """Return, for the rows of a part, their number, the sum of their losses, and its gradient.

    Args:
        program: a loss and its gradient.
        numbers: what it takes besides the rows.
        threads: how many threads share the rows.
        part: where the rows come from.
        rows: the rows.

    Raises:
        ValueError: if the part is not like the example, or a row that is not finite makes the loss so.

    """
    import numpy as np

    n = _count(program, part, rows)
    found = np.zeros(2 + len(program.used))
    if n:
        _, means = program.run(threads)(n, rows.arrays, numbers)
        if not isfinite(means[0]):
            wrong = rows.first_wrong(part.first)
            if wrong:
                raise ValueError(f"{part.name}: {wrong}, expected finite numbers: leave such rows out first")
        found[0] = n
        found[1:] = means
        found[1:] *= n
    return found


def block_values(program: Program, numbers: Any, threads: int, part: RowPart, rows: LoadedRows) -> list[Any]:
    """Return the results for the rows of a part, an array for each block of the program's layout."""
    found, _ = program.run(threads)(_count(program, part, rows), rows.arrays, numbers)
    columns = iter(found)
    made: list[Any] = []
    nested(program.layout, lambda shape: made.append(stacked(("array", shape) if shape else shape, columns)))
    return made


def _count(program: Program, part: RowPart, rows: LoadedRows) -> int:
    """Return how many rows a part has; a ValueError if they are not like those of the example."""
    widths = [array.shape[1] for array in rows.arrays]
    if widths != program.widths:
        raise ValueError(f"{part.name}: the rows have {widths} columns, expected {program.widths} as in the first part")
    return len(rows.arrays[0])


def stacked(spec: Spec, found: Iterator[Any]) -> Any:
    """Return the columns of results as the pytree of a spec, with the samples along the leading axis of every array."""

    def column(shape: tuple[int, ...] | None) -> Any:
        parts = [next(found) for _ in range(1 if shape is None else prod(shape))]
        np = library_of(parts[0] if parts else None)
        if shape is None:
            return parts[0] if on_gpu(parts[0]) else np.asarray(parts[0], dtype=np.float64)
        return np.stack(parts, axis=-1).reshape(-1, *shape) if parts else np.empty((0, *shape))

    return nested(spec, column)
