"""Blocks: how a compiled function runs over arguments that come in parts, from a stream or as Dask collections.

The driver traces and compiles for an example. Each part is then loaded and computed where it is, by `loaded_rows`
and `block_sums` or `block_values`, which know the program alone, and sums are added pairwise in the order of the parts.

Of a function that branches, the paths that the rows of a stream take are found on the way. To a cluster those are sent
that are known; a partition with rows of others returns some of these, and once the driver has traced their paths it is
computed again.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from math import isfinite, prod
from typing import NamedTuple

from autograd_mini.compiler.backends import library_of, on_gpu
from autograd_mini.compiler.branching import Paths
from autograd_mini.compiler.known_paths import KnownPaths, inputs_of, together
from autograd_mini.compiler.layouts import batch_columns
from autograd_mini.engine.pytree import nested
from autograd_mini.errors import TracingError
from autograd_mini.rows.columns import not_finite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from autograd_mini.compiler.program import Program
    from autograd_mini.compiler.specialization import Programs
    from autograd_mini.engine.pytree import Spec
    from autograd_mini.rows.dask_partitions import DaskPartitions
    from autograd_mini.rows.pairwise import RowPart
    from autograd_mini.rows.stream import Stream

    Batched = tuple[tuple[int, int], ...]


def mean_over(
    programs: Programs, parts: Stream | DaskPartitions, p: Any, threads: int
) -> tuple[Program | Paths, float, Any]:
    """Return the program for arguments in parts, the mean loss over all rows, and its gradient.

    Args:
        programs: those of a function compiled for batches.
        parts: the arguments.
        p: the numbers of its parameters; None for those that they have.
        threads: how many threads share a block of a stream; a partition has one.

    Raises:
        ValueError: if there are no rows; if p has another length; and if a loss is not finite because a row is not.

    """
    program, numbers, load = _prepared(programs, parts, differentiate=True, p=p)
    total = total_over(parts, load, block_sums, program, numbers, _threads(parts, threads))
    if total is None or not total[0]:
        raise ValueError("the batch is empty, expected at least one sample to take the mean loss of")
    found = total[1:] / total[0]
    return program, float(found[0]), all_slopes(p, found[1:])


def values_over(programs: Programs, parts: Stream | DaskPartitions, threads: int) -> Any:
    """Return the results for arguments in parts, as Dask arrays, or of a stream as an iterator over its blocks.

    Dask arrays are computed later; the paths that their rows take are found now.
    """
    program, numbers, load = _prepared(programs, parts, differentiate=False)
    sent: Program | KnownPaths = program
    if isinstance(program, Paths) and not hasattr(parts, "read"):
        total_over(parts, load, block_paths, program, numbers)
        numbers, sent = program.completed(numbers), program.known
    shapes: list[Any] = []
    nested(program.layout, shapes.append)
    found = parts.mapped(load, block_values, shapes, sent, numbers, _threads(parts, threads))
    if isinstance(found, list):
        return _arranged(program.layout, found)
    return (_arranged(program.layout, columns) for columns in found)


def prepare_over(programs: Programs, parts: Stream | DaskPartitions, threads: int) -> None:
    """Trace and compile a loss and its gradient for arguments in parts; all rows are read if it branches."""
    program, numbers, load = _prepared(programs, parts, differentiate=True)
    if isinstance(program, Paths):
        total_over(parts, load, block_paths, program, numbers)
        for path in program.paths:
            path.program.prepare(_threads(parts, threads))
    else:
        program.prepare(_threads(parts, threads))


def total_over(
    parts: Stream | DaskPartitions,
    load: Callable[..., Any],
    function: Callable[..., BlockSums],
    program: Program | Paths,
    numbers: Any,
    *shared: Any,
    done: Callable[[int], object] | None = None,
) -> Any:
    """Return the figures of the sums that a function gives for each part, added pairwise; None if there are no parts.

    Args:
        parts: the parts.
        load: a function of the `RowPart` and the arguments, see `DaskPartitions.total`.
        function: a function of the program, its numbers, what is shared, the `RowPart`, and what was loaded.
        program: the program.
        numbers: what it takes besides the rows.
        shared: what else the function is given.
        done: called from time to time with the number of parts that are done.

    """
    if hasattr(parts, "read") or not isinstance(program, Paths):
        found = parts.total(load, function, program, numbers, *shared, done=done)
        return None if found is None else found.figures
    while True:
        found = parts.total(load, function, program.known, program.completed(numbers), *shared, done=done)
        if found is None:
            return None
        if not found.unknown:
            if len(found.figures):  # else nothing was computed
                program.count(found.counts.tolist())
            return found.figures
        with parts.naming():
            program.find(found.unknown, found.counts.tolist())


def all_slopes(p: Any, slopes: Any) -> Any:
    """Return a gradient, unless a path was found that has other parameters than those whose numbers were given."""
    if p is not None and len(slopes) != len(p):
        raise TracingError(
            f"p is an array of {len(p)} numbers, expected {len(slopes)}: the function took a path that it had not "
            "taken before, on which it closes over more Values; see `parameters`, and call `prepare` for all samples"
        )
    return slopes


def _threads(parts: Stream | DaskPartitions, threads: int) -> int:
    """Return how many threads share a part: of a cluster one, since its workers have others for other partitions."""
    return threads if hasattr(parts, "read") else 1


def _arranged(spec: Spec, columns: Sequence[Any]) -> Any:
    """Return results as the pytree of a spec."""
    left = iter(columns)
    return nested(spec, lambda _: next(left))


def _prepared(
    programs: Programs, parts: Stream | DaskPartitions, *, differentiate: bool, p: Any = None
) -> tuple[Program | Paths, Any, Callable[..., LoadedRows]]:
    """Return the program, its numbers beside the rows', and what loads a part."""
    import numpy as np

    example = parts.example()
    batched = tuple([(at, axis) for at, axis in programs.batched_axes(example) if axis is not None])
    load = partial(loaded_rows, batched)
    first = None if hasattr(parts, "read") else partial(parts.first, partial(_first_row, load))
    program, _, _, uniform = programs.take(example, {}, differentiate=differentiate, first=first)
    if p is not None and p.shape != (len(program.used),):
        raise ValueError(
            f"p is an array of shape {p.shape}, expected one number for each of the {len(program.used)} parameters"
        )
    own = [leaf._data for leaf in program.leaves] if p is None else p
    return program, np.array([*uniform, *own]), load


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


def _first_row(load: Callable[..., LoadedRows], part: RowPart, *args: Any) -> list[Any] | None:
    """Return the first row of a part, as arrays; None if it has none."""
    arrays = load(part, *args).arrays
    return [array[:1] for array in arrays] if len(arrays[0]) else None


class BlockSums:
    """Sums over the rows of some parts.

    Args:
        figures: these sums; of a loss the number of rows, the sum of their losses, and its gradient.
        counts: how many rows take each of the paths, where these are counted here.
        unknown: inputs of rows whose paths are not known here, each with the name of its part; no sum is right if
            there are any.

    """

    def __init__(self, figures: Any, counts: Any = (), unknown: Sequence[tuple[str, list[float]]] = ()) -> None:
        import numpy as np

        self.figures, self.unknown = figures, [*unknown]
        self.counts: Any = np.asarray(counts, dtype=np.int64)

    def __add__(self, other: BlockSums) -> BlockSums:
        """Add the sums over the rows of other parts, for which more parameters may be known."""
        return BlockSums(
            _added(self.figures, other.figures), _added(self.counts, other.counts), self.unknown + other.unknown
        )


def _added(these: Any, others: Any) -> Any:
    """Return the sum of two arrays; what one of them lacks is 0."""
    if len(these) == len(others):
        return these + others
    import numpy as np

    found = np.zeros(max(len(these), len(others)), dtype=these.dtype)
    found[: len(these)] += these
    found[: len(others)] += others
    return found


def block_sums(program: Program | KnownPaths, numbers: Any, threads: int, part: RowPart, rows: LoadedRows) -> BlockSums:
    """Return, for the rows of a part, their number, the sum of their losses, and its gradient.

    Args:
        program: a loss and its gradient.
        numbers: what it takes besides the rows.
        threads: how many threads share the rows.
        part: where the rows come from.
        rows: the rows.

    Raises:
        ValueError: if the part is not like the example, or a row that is not finite makes the loss so.
        TracingError: if a row takes a path that cannot be compiled, or is one too many.

    """
    import numpy as np

    n = _count(program, part, rows)
    if not n:
        return BlockSums(np.zeros(2 + len(program.used)))
    counts: Sequence[int] = ()
    if isinstance(program, KnownPaths) and not isinstance(program, Paths):
        taken, counts, unknown = _taken(program, numbers, threads, part, rows)
        if unknown:
            return BlockSums(np.zeros(0), counts, unknown)
        _, means = program.computed(threads, rows.arrays, numbers, taken, counts)
    else:
        _, means = _ran(program, numbers, threads, part, rows)
    if not isfinite(means[0]):
        wrong = rows.first_wrong(part.first)
        if wrong:
            raise ValueError(f"{part.name}: {wrong}, expected finite numbers: leave such rows out first")
    found = np.empty(1 + len(means))
    found[0] = n
    found[1:] = means
    found[1:] *= n
    return BlockSums(found, counts)


def block_paths(program: KnownPaths, numbers: Any, part: RowPart, rows: LoadedRows) -> BlockSums:
    """Return which paths the rows of a part take."""
    import numpy as np

    if not _count(program, part, rows):
        return BlockSums(np.zeros(0))
    if not isinstance(program, Paths):
        return BlockSums(np.zeros(0), *_taken(program, numbers, 1, part, rows)[1:])
    with _naming(part):
        program.assigned(1, len(rows.arrays[0]), rows.arrays, program.completed(numbers))
    return BlockSums(np.zeros(0))


def _taken(
    program: KnownPaths, numbers: Any, threads: int, part: RowPart, rows: LoadedRows
) -> tuple[Any, list[int], list[tuple[str, list[float]]]]:
    """Return the path of each row, how many rows take each, and some of those whose path is not known."""
    _, arrays = together(rows.arrays)
    taken = program.assigned(threads, len(arrays[0]), arrays, numbers)
    missing = (taken == -1).nonzero()[0].tolist()
    return taken, program.counted(taken), [(part.name, inputs_of(arrays, at, numbers)) for at in missing]


def _ran(program: Any, numbers: Any, threads: int, part: RowPart, rows: LoadedRows) -> tuple[Any, Any]:
    """Return the columns and the means for a part."""
    with _naming(part):
        found: tuple[Any, Any] = program.run(threads)(len(rows.arrays[0]), rows.arrays, numbers)
    return found


@contextmanager
def _naming(part: RowPart) -> Iterator[None]:
    """Name the part whose rows take a path that is an error."""
    try:
        yield
    except TracingError as error:
        raise TracingError(f"{part.name}: {error}") from error


def block_values(
    program: Program | KnownPaths, numbers: Any, threads: int, part: RowPart, rows: LoadedRows
) -> list[Any]:
    """Return the results for the rows of a part, an array for each block of the program's layout."""
    _count(program, part, rows)
    found, _ = _ran(program, numbers, threads, part, rows)
    columns = iter(found)
    made: list[Any] = []
    nested(program.layout, lambda shape: made.append(stacked(("array", shape) if shape else shape, columns)))
    return made


def _count(program: Program | KnownPaths, part: RowPart, rows: LoadedRows) -> int:
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
