"""Dask partitions: arguments that lie in a cluster, computed where they lie, with sums in the order of the partitions.

A step sends the parameters to each thread of a worker that has partitions, in one task for all partitions there; what
returns is the sums. Partitions that are not in memory, because the collection was not persisted, are a task each, and
are computed anew in every step. Lost workers are Dask's to replace: the sums are added pairwise by the number of the
partition, so that nothing depends on who computed what, and when.
"""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from math import nan
from weakref import WeakKeyDictionary

from autograd_mini.errors import TracingError
from autograd_mini.extras import extra
from autograd_mini.rows.dask_bundles import GONE, bundle, bundled, is_future
from autograd_mini.rows.pairwise import PairwiseSum, RowPart

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from autograd_mini.rows.dask_bundles import Parts

GATHERED = 64
"""Number of partial sums that are added up in one place."""


class DaskPartitions:
    """The arguments of a call, Dask arrays and DataFrames among them.

    Args:
        args: Dask collections with as many partitions each, beside what is the same for all rows.

    Raises:
        ValueError: if the collections have different partitions.
        TypeError: for a Dask collection that is no array or DataFrame.

    """

    def __init__(self, args: Sequence[Any]) -> None:
        extra("dask", "a computation on Dask collections")
        chunks = next((given.chunks[0] for given in args if _is_array(given) and given.ndim), None)
        self._args = [_in_rows(given, chunks) for given in args]
        self._lengths = chunks
        columns = {at: _partitions(given) for at, given in enumerate(self._args) if _is_collection(given)}
        counts = {len(column) for column in columns.values()}
        if len(counts) != 1:
            raise ValueError(
                f"the arguments have {' and '.join(map(str, sorted(counts)))} partitions, expected equally many, of "
                "the same rows: repartition one like the other"
            )
        self._parts: Parts = [
            [columns[at][part] if at in columns else given for at, given in enumerate(self._args)]
            for part in range(counts.pop())
        ]

    @classmethod
    def _made(cls, parts: Parts) -> DaskPartitions:
        made = cls.__new__(cls)
        made._args, made._lengths, made._parts = [], None, parts
        return made

    def example(self) -> tuple[Any, ...]:
        """Return arguments like these without rows, by what Dask knows of the collections."""
        import numpy as np

        return tuple(
            [
                np.empty_like(given._meta, given.dtype, shape=(0, *given.shape[1:]))  # on a GPU if they are
                if _is_array(given)
                else given._meta
                if _is_collection(given)
                else given
                for given in self._args
            ]
        )

    def total(
        self,
        load: Callable[..., Any],
        function: Callable[..., Any],
        program: Any,
        *shared: Any,
        done: Callable[[int], object] | None = None,
    ) -> Any:
        """Return the sum of what a function gives for each partition, added pairwise.

        Args:
            load: a function of the `RowPart` and the arguments.
            function: a function of the program, what is shared, the `RowPart`, and what was loaded.
            program: what is sent to each worker once.
            shared: what is sent with every call.
            done: called from time to time with the number of partitions that are done.

        Raises:
            ValueError: if a partition cannot be computed; the message names it.
            RuntimeError: if workers died of it again and again.

        """
        call = load, function, shared
        client = _client()
        if client is None:
            with self.naming():
                found = self._in_process(range(len(self._parts)))
                return PairwiseSum().merge([_sums([one], call, program) for one in found]).result()
        program = _sent(client, program)
        if self._in_memory():
            groups, bundles = bundled(client, self._parts)
            futures = client.map(_sums, bundles, call=call, program=program, pure=False)
        else:
            delayed = extra("dask", "").delayed
            groups = [[at] for at in range(len(self._parts))]
            bundles = [delayed(bundle, pure=False)((at,), args) for at, args in enumerate(self._parts)]
            sums = delayed(_sums, pure=False)
            futures = client.compute([sums(one, call, program) for one in bundles])
        with self.naming(groups, futures):
            if done is not None:
                _wait(futures, [len(group) for group in groups], done)
            last = futures
            while len(last) > GATHERED:
                last = [client.submit(_merged, last[at : at + GATHERED]) for at in range(0, len(last), GATHERED)]
            sums = client.gather(last)
        return PairwiseSum().merge(sums).result()

    def converted(self, load: Callable[..., Any]) -> DaskPartitions:
        """Return partitions of one argument, what `load` makes of each of these, which stay where they are made.

        Raises what `total` raises.
        """
        return self._made([[one] for one in self._loaded(load, range(len(self._parts)), gather=False)])

    def gathered(self, load: Callable[..., Any]) -> list[Any]:
        """Return what `load` makes of each partition; for little things. Raises what `total` raises."""
        return self._loaded(load, range(len(self._parts)), gather=True)

    def first(self, load: Callable[..., Any]) -> Any:
        """Return what `load` makes of the first partition of which it makes anything but None; None if there is none.

        Raises what `total` raises.
        """
        for at in range(len(self._parts)):
            [found] = self._loaded(load, [at], gather=True)
            if found is not None:
                return found
        return None

    def _loaded(self, load: Callable[..., Any], wanted: Sequence[int], *, gather: bool) -> list[Any]:
        """Return what `load` makes of some partitions, or futures of it where it is left in a cluster."""
        client = _client()
        if client is None:
            with self.naming():
                return [_load(load, at, args) for at, args in self._in_process(wanted)]
        delayed = extra("dask", "").delayed(_load, pure=False)
        futures: list[Any] = client.compute([delayed(load, at, self._parts[at]) for at in wanted])
        with self.naming([[at] for at in wanted], futures):
            extra("distributed", "").wait(futures)
            found: list[Any] = client.gather([future for future in futures if gather or future.status == "error"])
        return found if gather else futures

    def mapped(
        self, load: Callable[..., Any], function: Callable[..., Any], shapes: Sequence[Any], program: Any, *shared: Any
    ) -> list[Any]:
        """Return Dask arrays of what a function gives for the partitions, one array for each of the shapes.

        A shape is that of what belongs to one row; None for a number.
        """
        from uuid import uuid4

        da, delayed = extra("dask.array", "results as Dask arrays"), extra("dask", "").delayed
        program = delayed(program, name=f"autograd_mini-{uuid4().hex}", traverse=False)
        lengths = self._lengths or [nan] * len(self._parts)
        call = delayed(_values, nout=len(shapes), pure=False)
        made = [call(load, function, program, shared, at, args) for at, args in enumerate(self._parts)]
        return [
            da.concatenate(
                [
                    da.from_delayed(found[column], (n, *(shape or ())), dtype=float)
                    for found, n in zip(made, lengths, strict=True)
                ],
                allow_unknown_chunksizes=True,
            )
            for column, shape in enumerate(shapes)
        ]

    def _in_process(self, wanted: Sequence[int]) -> Iterator[tuple[int, Sequence[Any]]]:
        """Compute some partitions, one after the other, by the scheduler of this process."""
        compute = extra("dask", "").compute
        for at in wanted:
            args = self._parts[at]
            try:
                found = compute(*args) if any(map(_is_collection, args)) else args
            except Exception as error:
                raise _lost(at, args, error) from error
            yield at, found

    def _in_memory(self) -> bool:
        """Return whether every partition lies in the memory of a worker, or on its way there."""
        return not any(_is_collection(part) for args in self._parts for part in args)

    @contextmanager
    def naming(self, groups: Sequence[Sequence[int]] = (), futures: Sequence[Any] = ()) -> Iterator[None]:
        """Raise errors that name the partition and its file, of futures of groups of partitions."""
        try:
            yield
        except Exception as error:
            if named := _PARTITION.match(str(error)):  # the function has named it
                file = _file(self._parts[int(named[1])])
                if file and type(error) in {TypeError, ValueError, TracingError}:
                    raise type(error)(f"{named[0]}{file}{str(error)[named.end() :]}") from error
                raise
            group = next((group for group, future in zip(groups, futures, strict=True) if future.status == "error"), ())
            lost = [at for at in group if any(is_future(part) and part.status in GONE for part in self._parts[at])]
            if not lost and type(error).__name__ == "KilledWorker":
                failed = [
                    at
                    for group, future in zip(groups, futures, strict=True)
                    if future.status == "error"
                    for at in group
                ]
                where = f"partition {failed[0]}" if len(failed) == 1 else f"one of the partitions {failed}"
                raise RuntimeError(
                    f"{where} was computed when worker after worker ended, for want of memory most likely: make "
                    "partitions smaller (rechunk, repartition), or give workers more memory"
                ) from error
            if not lost and len(group) != 1:
                raise
            at = (lost or group)[0]
            raise _lost(at, self._parts[at], error) from error


_PARTITION = re.compile(r"partition (\d+)(?=: )")


def _is_collection(given: Any) -> bool:
    return hasattr(type(given), "__dask_graph__")


def _is_array(given: Any) -> bool:
    return hasattr(type(given), "__dask_graph__") and hasattr(type(given), "chunks") and hasattr(type(given), "rechunk")


def _in_rows(given: Any, chunks: Sequence[Any] | None) -> Any:
    """Return a Dask array with whole rows in each chunk, and the rows of the first array; all else as it is."""
    if not hasattr(type(given), "__dask_graph__"):
        return given
    if _is_array(given):
        if given.ndim == 0:
            raise TypeError("an argument is a Dask array of no axis, expected rows along the leading one")
        wanted = (chunks, *[(size,) for size in given.shape[1:]])
        known = not any(size != size for size in (*given.chunks[0], *(chunks or ())))  # noqa: PLR0124 - is it nan?
        if known and given.shape[0] != sum(chunks or ()):
            raise ValueError(
                f"the arguments are Dask arrays of {sum(chunks or ())} and {given.shape[0]} rows, expected equally many"
            )
        return given if given.chunks == wanted or not known else given.rechunk(wanted)
    if not hasattr(type(given), "npartitions") or not hasattr(type(given), "_meta"):
        raise TypeError(f"an argument is a {type(given).__name__} of Dask, expected an array or a DataFrame")
    return given


def _partitions(given: Any) -> list[Any]:
    """Return the partitions of a collection, as Futures where it is persisted in a cluster."""
    distributed = sys.modules.get("distributed")
    if distributed is not None:
        known = {future.key: future for future in distributed.futures_of(given)}
        keys = [key[0] if isinstance(key, list) else key for key in given.__dask_keys__()]
        while any(isinstance(key, list) for key in keys):
            keys = [key[0] if isinstance(key, list) else key for key in keys]
        if known and all(key in known for key in keys):
            return [known[key] for key in keys]
    if _is_array(given):
        return [*given.to_delayed().ravel()]
    # A full optimisation reads two small files as one where few columns are wanted, so that X and y would come apart.
    simple = given.simplify() if hasattr(type(given), "simplify") else given
    return [*simple.to_delayed(optimize_graph=False)]


def _client() -> Any:
    """Return the client of a cluster that Dask computes with now; None without one."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    dask = extra("dask", "")
    if dask.config.get("scheduler", None) not in (None, "dask.distributed", "distributed"):
        return None
    try:
        return distributed.default_client()
    except ValueError:
        return None


_SENT: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()


def _sent(client: Any, program: Any) -> Any:
    """Return a program as a future, which each worker fetches once; made anew from the task if its worker is lost."""
    known = _SENT.setdefault(program, {})
    if client.id not in known or known[client.id].status in GONE:
        known[client.id] = client.submit(_itself, program, pure=False)
    return known[client.id]


def _wait(futures: Sequence[Any], sizes: Sequence[int], done: Callable[[int], object]) -> None:
    """Wait for futures, and say from time to time how many partitions are done."""
    distributed = extra("distributed", "")
    left = [*futures]
    while left:
        try:
            distributed.wait(left, timeout=0.5, return_when="FIRST_COMPLETED")
        except TimeoutError:
            continue
        left = [future for future in left if not future.done()]
        done(sum(size for future, size in zip(futures, sizes, strict=True) if future.done()))


def _lost(at: int, args: Sequence[Any], error: Exception) -> ValueError:
    """Return the error for a partition that Dask could not compute."""
    words = " ".join(str(error).split())[:500]
    return ValueError(f"partition {at}{_file(args)} cannot be computed: {type(error).__name__}: {words}")


def _file(args: Sequence[Any]) -> str:
    """Return the file that a partition is read from, for messages; "" if it is not known."""
    return next((f" ({found})" for part in args if (found := _file_of(part))), "")


def _file_of(part: Any) -> str:
    """Return the file that a partition is read from, if its graph says so, as that of `read_parquet` does."""
    graph = dict(part.__dask_graph__()) if _is_collection(part) else {}
    waiting = [part.key] if graph else []
    for key in waiting:  # which grows meanwhile
        task = graph.get(key)
        for arg in getattr(task, "args", ()):
            if isinstance(arg, dict) and "piece" in arg:
                return str(arg["piece"][0])
        waiting += getattr(task, "dependencies", ())
    return ""


# --- what runs on the workers ---


def _itself(given: Any) -> Any:
    return given


def _load(load: Callable[..., Any], at: int, args: Sequence[Any]) -> Any:
    return load(RowPart(f"partition {at}", 0, at), *args)


def _values(
    load: Callable[..., Any], function: Callable[..., Any], program: Any, shared: Sequence[Any], at: int, args: Any
) -> Any:
    return function(program, *shared, RowPart(f"partition {at}", 0, at), _load(load, at, args))


def _sums(bundle: Sequence[tuple[int, Sequence[Any]]], call: tuple[Any, ...], program: Any) -> dict[Any, Any]:
    """Return the sum of what a function gives for the partitions of a bundle, so far as it goes."""
    load, function, shared = call
    found = PairwiseSum()
    for at, args in bundle:
        found.add(at, _values(load, function, program, shared, at, args))
    return found.nodes


def _merged(sums: Sequence[dict[Any, Any]]) -> dict[Any, Any]:
    return PairwiseSum().merge(sums).nodes
