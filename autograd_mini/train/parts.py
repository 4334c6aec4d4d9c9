"""Training rows that come in parts: columns of a `scan`, memory-mapped arrays, and Dask arrays and DataFrames.

They are read once before training, to be counted and checked, and then once an epoch.

- Of a stream, blocks are read in the order of the files, or with `shuffle` in a random order of their row groups and
  record batches, and half a million numbers at a time are shuffled; a batch is rows that follow each other then. Where
  a long file is sorted by its target, shuffle it once. All rows in one batch are summed block by block.
- In a cluster a batch has rows of every partition, an equal share of each, and the partitions are kept in the memory of
  the workers, which spill to disk what does not fit. A step sums over the partitions in their order, so that the number
  of workers, and those that are lost on the way, change no bit.
"""

from __future__ import annotations

from functools import partial
from math import isfinite
from typing import NamedTuple

from autograd_mini.compiler.blocks import block_sums, loaded_rows
from autograd_mini.errors import TracingError
from autograd_mini.rows import in_parts
from autograd_mini.rows.columns import not_finite
from autograd_mini.rows.pairwise import RowPart
from autograd_mini.train.compiled_steps import CompiledSteps
from autograd_mini.train.data import LOADED, ArraySamples, as_array, expected_by, outputs_of, permuted, shuffled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from autograd_mini.rows.dask_partitions import DaskPartitions
    from autograd_mini.rows.stream import Stream
    from autograd_mini.train.data import Sample
    from autograd_mini.train.objective import Model, Objective
    from autograd_mini.train.run import Training

KEPT = 256
"""Number of rows of the first part on which model and loss are tried, and as many other targets."""


class RowsInParts:
    """Inputs and targets in parts, checked: how many parts and rows there are, and some of the rows as samples."""

    def __init__(self, parts: Stream | DaskPartitions, count: int, rows: int, samples: list[Sample]) -> None:
        self.parts, self.count, self.rows, self.samples = parts, count, rows, samples

    def streamed(self, batch_size: int) -> bool:
        """Return whether batches are blocks of a stream, one after the other."""
        return hasattr(self.parts, "read") and batch_size < self.rows


def rows_in_parts(objective: Objective, model: Model, X: Any, y: Any, of: str = "") -> RowsInParts | None:
    """Return inputs and targets that come in parts, read once, and checked; None for those in memory.

    Errors name file or partition, row and column; `of` is what they add to the names of X and y.
    """
    if hasattr(X, "__next__") or hasattr(y, "__next__"):
        return None  # a generator of rows, which is read into memory
    parts = in_parts((X, y))
    if parts is None:
        return None
    names = f"X{of}", f"y{of}"
    if not hasattr(parts, "read"):
        example = _pair(RowPart("", 0, 0), *parts.example())[0]
        outputs = outputs_of(model, [0.0] * example.shape[1], of)
        parts = parts.converted(partial(_checked, objective.name, outputs, names))
        found = parts.gathered(partial(_summary, objective.name))
    else:
        found, seen, outputs, tried = [], set[float](), None, False
        for part, given in parts.read(lambda _, *given: given):
            if not tried and len(rows := _pair(part, *given)[0]):
                outputs, tried = outputs_of(model, rows[0].tolist(), of), True
            pair = _checked(objective.name, outputs, names, part, *given)
            count, samples = _summary(objective.name, part, pair, seen)
            found.append((count, samples))
    total = sum(count for count, _ in found)
    if not total:
        raise ValueError(f"{names[0]} is empty, expected at least one row")
    chosen: list[Sample] = [sample for _, samples in found for sample in samples]
    return RowsInParts(parts, len(found), total, chosen[: 4 * KEPT])


def _pair(part: RowPart, X: Any, y: Any) -> tuple[Any, Any]:
    try:
        rows, goals = as_array(X, "X"), as_array(y, "y")
    except TypeError as error:
        raise TypeError(f"{part.name}: {error}") from None
    if rows.ndim != 2 or goals.ndim not in {1, 2}:
        raise ValueError(
            f"{part.name}: X has the shape {rows.shape} and y {goals.shape}, expected a row of numbers and a target "
            "for each sample: for a single column write data[['x']], or X.reshape(-1, 1)"
        )
    if len(rows) != len(goals):
        raise ValueError(f"{part.name}: X has {len(rows)} rows and y {len(goals)}, expected a target for every row")
    return rows, goals[:, 0] if goals.ndim == 2 and goals.shape[1] == 1 else goals


def _checked(
    loss: str | None, outputs: int | None, names: tuple[str, ...], part: RowPart, X: Any, y: Any
) -> tuple[Any, Any]:
    """Return rows and targets of a part as arrays; a ValueError names the first number that is wrong."""
    rows, goals = _pair(part, X, y)
    if wrong := not_finite((rows, goals), names, part.first):
        wrong = not_finite((X, y), names, part.first) or wrong  # with the names of the columns
        raise ValueError(f"{part.name}: {wrong}, expected a finite number: leave such rows out first")
    if loss is None:
        return rows, goals
    wanted, expected, accepts = expected_by(loss, outputs)
    if goals.shape[1:] != wanted:
        raise ValueError(
            f"{part.name}: {names[1]} has {goals.shape[1:] or 'one number'} a row, expected {wanted or 'one number'}, "
            "as the model predicts"
        )
    fine = accepts(goals)
    if not fine.all():
        at = int(fine.reshape(len(rows), -1).all(axis=1).argmin())
        row = f"{part.name}: row {part.first + at} of {names[1]}"
        raise ValueError(f"{row} is {goals[at].tolist()!r}, expected by {loss} {expected}")
    return rows, goals


def _summary(
    loss: str | None, part: RowPart, pair: tuple[Any, Any], seen: set[float] | None = None
) -> tuple[int, list[Sample]]:
    """Return how many rows a part has, and some of them: of the first part many, and the first of each new target."""
    import numpy as np

    rows, goals = pair
    at = {*np.linspace(0, len(rows) - 1, KEPT).astype(int).tolist()} if len(rows) and part.number == 0 else set()
    if goals.ndim == 1 and len(seen or ()) <= KEPT and len(np.unique(goals[: 4 * KEPT])) <= KEPT:  # they may be classes
        at |= {*np.unique(goals, return_index=True)[1][:KEPT].tolist()}
        if seen is not None:
            at = {row for row in at if part.number == 0 or float(goals[row]) not in seen}
            seen.update(goals[sorted(at)].tolist())
    made: Any = int if loss == "cross_entropy" else lambda goal: goal
    return len(rows), [(rows[row].tolist(), made(goals[row].tolist())) for row in sorted(at)]


# --- batches in a cluster ---


class Batch(NamedTuple):
    """A batch of the rows of an epoch: which of how many, and what shuffles the rows; None for the order they have."""

    number: int
    batches: int
    seed: int | None

    def of(self, part: int, rows: int) -> Any:
        """Return the rows of a part that belong to the batch: all of them in some batch, and none in two."""
        import numpy as np

        start, end = (rows * at // self.batches for at in (self.number, self.number + 1))
        if self.batches == 1:
            return slice(None)
        if self.seed is None:
            return slice(start, end)
        return permuted(np.arange(start, end), rows, self.seed + part)


def load_pair(part: RowPart, *given: Any) -> tuple[Any, Any]:
    """Return the rows and the targets of a part, which may have been loaded before, as arrays of float64."""
    return given[0] if len(given) == 1 else _pair(part, *given)


def batch_sums(program: Any, numbers: Any, batch: Batch, part: RowPart, pair: tuple[Any, Any]) -> Any:
    """Return the number of rows of a batch in a part, and the sums of loss and gradient over them."""
    rows = batch.of(part.number, len(pair[0]))
    loaded = loaded_rows(((0, 0), (1, 0)), part, *[array[rows] for array in pair])
    return block_sums(program, numbers, 1, part, loaded)


class PartSteps(CompiledSteps):
    """Steps on rows that come in parts; those to validate on may be in memory all the same."""

    def _summed(self, parts: RowsInParts, batch: Batch) -> tuple[float, float, Any, list[float]]:
        """Return of a batch the number of rows, the mean loss, its gradient, and the means of the metrics."""
        training, source = self._training, parts.parts
        bar = training.bar
        rows = 0.0

        def done(finished: int) -> None:
            if bar is not None:
                bar.batch(training.epoch + 1, batch.number + finished / parts.count)

        def call(p: Any, *_: Any) -> tuple[float, Any]:
            nonlocal rows
            shown = done if bar is not None and bar.shown and batch.batches <= 10 else None
            figures = source.total(load_pair, batch_sums, self._kernel.program, p.copy(), batch, done=shown)
            rows = float(figures[0])
            return (float(figures[1] / rows), figures[2:] / rows) if rows else (0.0, figures[2:])

        loss, gradient, metrics = self._kernel.step(self._x, call=call)
        return rows, loss, gradient, metrics

    def validate(self) -> dict[str, float]:
        """Return the means over the samples kept out of training."""
        if (parts := self._training.held_out_parts) is None:
            return super().validate()
        _, loss, _, metrics = self._summed(parts, Batch(0, 1, None))
        return dict(zip(self._objective.names, [loss, *metrics], strict=True))


class SummedSteps(PartSteps):
    """Steps whose batches are sums over parts; the methods are those of `CompiledSteps`."""

    def __init__(self, training: Training, backend: str) -> None:
        super().__init__(training, backend)
        if self._kernel.outside:
            raise TracingError("a metric cannot be compiled, expected one that can for rows in parts: see metrics")

    def _start(self, order: Sequence[int]) -> None:
        self._order = order

    def _may_descend(self) -> bool:
        return False

    def _step(self, batch: int, sums: list[float]) -> tuple[int, list[float]]:
        training = self._training
        seed = training.seed * 1_000_003 + training.epoch * 7919 if training.shuffle else None
        parts: Any = training.parts
        rows, loss, gradient, metrics = self._summed(parts, Batch(batch, training.batches, seed))
        if not isfinite(loss):
            raise training.diverged(f"the mean loss became {loss}")
        return self._move(gradient, [figure * rows for figure in (loss, *metrics)], sums)


# --- batches of a stream ---


class StreamedSteps(PartSteps):
    """Steps whose batches come one after the other from a stream; the methods are those of `CompiledSteps`."""

    def __init__(self, training: Training, backend: str) -> None:
        super().__init__(training, backend)
        self._size = training.batch_size
        width = self._X.shape[1] + self._y[:1].size
        self._rows = max(1, LOADED // (width * self._size)) * self._size
        self._blocks: Iterator[tuple[Any, Any, list[tuple[int, RowPart]]]] = iter(())
        self._loaded = (0, 0)  # the first batch of the block that is loaded, and the first of the next
        self._places: list[tuple[int, RowPart]] = []
        self._by_length: dict[int, Any] = {}  # the compiled descent and its arrays, by the rows of a block

    def _start(self, order: Sequence[int]) -> None:
        training = self._training
        self._order, self._loaded = order, (0, 0)
        self._samples = training.samples
        parts: Any = training.parts
        units = parts.parts.units
        shuffle = training.shuffle and units > 1
        chosen = [*map(int, shuffled(units, training.seed, training.epoch))] if shuffle else None
        self._blocks = self._regrouped(parts.parts.read(_pair, chosen))

    def take(self, batch: int, sums: list[float]) -> tuple[int, list[float]]:
        """Take a step, or several of the same block."""
        while batch >= self._loaded[1]:
            self._load()
        return super().take(batch - self._loaded[0], sums)

    def _load(self) -> None:
        self._gather()
        if len(self._now_X):
            self._by_length[len(self._now_X)] = self._now_X, self._now_y, self._descent
        X, y, self._places = next(self._blocks)
        empty = X.copy(), y.copy(), None
        self._now_X, self._now_y, self._descent = self._by_length.get(len(X), empty)
        training, first = self._training, self._loaded[1]
        self._order = range(len(X))
        if training.shuffle:
            self._order = shuffled(len(X), training.seed * 1_000_003 + first, training.epoch)
        X.take(self._order, axis=0, out=self._now_X)
        y.take(self._order, axis=0, out=self._now_y)
        self._samples = ArraySamples(X, y, self._objective.name)
        self._loaded = first, first + -(-len(X) // self._size)

    def _regrouped(self, read: Iterator[Any]) -> Iterator[tuple[Any, Any, list[tuple[int, RowPart]]]]:
        """Yield blocks of whole batches, with the number of the first row of each part in them."""
        import numpy as np

        rows = self._rows
        X = np.empty((rows, *self._X.shape[1:]))
        y = np.empty((rows, *self._y.shape[1:]))
        filled, places = 0, list[tuple[int, RowPart]]()
        for part, pair in read:
            at = 0
            while at < len(pair[0]):
                count = min(rows - filled, len(pair[0]) - at)
                X[filled : filled + count], y[filled : filled + count] = (array[at : at + count] for array in pair)
                places.append((filled, part._replace(first=part.first + at)))
                filled, at = filled + count, at + count
                if filled == rows:
                    yield X, y, places
                    filled, places = 0, []
        if filled:
            yield X[:filled], y[:filled], places

    def _named(self, row: int) -> str:
        start, part = max((place for place in self._places if place[0] <= row), default=(0, RowPart("the data", 0, 0)))
        return f"row {part.first + row - start} of {part.name}"
