"""Dask partitions: arguments that lie in a cluster, computed where they lie, with sums in the order of the partitions.

A step sends the parameters to each thread of a worker that has partitions, in one task for all partitions there; what
returns is the sums. Partitions that are not in memory, because the collection was not persisted, are a task each, and
are computed anew in every step. Lost workers are Dask's to replace: the sums are added pairwise by the number of the
partition, so that nothing depends on who computed what, and when.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from math import nan
from time import monotonic
from weakref import WeakKeyDictionary

from autograd_mini.extras import extra
from autograd_mini.rows.pairwise import PairwiseSum, Part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    Parts = list[list[Any]]  # for each partition, for each argument a Future, a Delayed, or the thing itself

FRESH = 5.0
"""Seconds for which the places of partitions are taken for known; wrong places cost time, not correctness."""
GATHERED = 64
"""Number of partial sums that are added up in one place."""


_GONE = frozenset({"error", "lost", "cancelled"})


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
        chunks = next((given.chunks[0] for given in args if _is_array(given)), None)
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

    def __len__(self) -> int:
        """Return how many partitions there are."""
        return len(self._parts)

    def example(self) -> tuple[Any, ...]:
        """Return arguments like these without rows, by what Dask knows of the collections."""
        import numpy as np

        return tuple(
            [
                np.empty((0, *given.shape[1:]), given.dtype)
                if _is_array(given)
                else given._meta
                if _is_collection(given)
                else given
                for given in self._args
            ]
        )

    def total(
        self, function: Callable[..., Any], program: Any, *shared: Any, done: Callable[[int], object] | None = None
    ) -> Any:
        """Return the sum of what a function gives for each partition, added pairwise.

        Args:
            function: a function of the program, what is shared, the `Part` and the arguments.
            program: what is sent to each worker once.
            shared: what is sent with every call.
            done: called from time to time with the number of partitions that are done.

        Raises:
            ValueError: if a partition cannot be computed; the message names it.
            RuntimeError: if workers died of it again and again.

        """
        call = function, program, shared
        client = _client()
        if client is None:
            return PairwiseSum().merge([_sum(*call, at, *args) for at, args in self._in_process()]).result()
        program = _sent(client, program)
        groups = self._groups(client)
        if self._in_memory():
            ats = [tuple(group) for group in groups]
            given = [[part for at in group for part in self._parts[at]] for group in groups]
            futures = client.map(_sums, ats, given, call=(function, shared), program=program, pure=False)
        else:
            delayed = extra("dask", "").delayed(_sums, pure=False)
            tasks = [delayed((at,), self._parts[at], (function, shared), program) for [at] in groups]
            futures = client.compute(tasks)
        try:
            if done is not None:
                _wait(futures, [len(group) for group in groups], done)
            last = futures
            while len(last) > GATHERED:
                last = [client.submit(_merged, last[at : at + GATHERED]) for at in range(0, len(last), GATHERED)]
            sums = client.gather(last)
        except Exception as error:
            raise self._named(error, groups, futures) from error
        return PairwiseSum().merge(sums).result()

    def converted(self, function: Callable[..., Any], *shared: Any) -> DaskPartitions:
        """Return partitions of one argument, what a function gives for each of these, which stay where they are made.

        Raises what `total` raises.
        """
        client = _client()
        if client is None:
            made = [function(*shared, Part(f"partition {at}", 0, at), *args) for at, args in self._in_process()]
            return self._made([[one] for one in made])
        delayed = extra("dask", "").delayed(_call, pure=False)
        futures = client.compute([delayed(function, shared, at, args) for at, args in enumerate(self._parts)])
        found = self._made([[future] for future in futures])
        try:
            extra("distributed", "").wait(futures)
            client.gather([future for future in futures if future.status == "error"])
        except Exception as error:
            raise self._named(error, [[at] for at in range(len(futures))], futures) from error
        return found

    def gathered(self, function: Callable[..., Any], *shared: Any) -> list[Any]:
        """Return what a function gives for each partition; for little things."""
        client = _client()
        if client is None:
            return [function(*shared, Part(f"partition {at}", 0, at), *args) for at, args in self._in_process()]
        delayed = extra("dask", "").delayed(_call, pure=False)
        futures = client.compute([delayed(function, shared, at, args) for at, args in enumerate(self._parts)])
        try:
            found: list[Any] = client.gather(futures)
        except Exception as error:
            raise self._named(error, [[at] for at in range(len(futures))], futures) from error
        return found

    def mapped(self, function: Callable[..., Any], shapes: Sequence[Any], program: Any, *shared: Any) -> list[Any]:
        """Return Dask arrays of what a function gives for the partitions, one array for each of the shapes.

        A shape is that of what belongs to one row; None for a number.
        """
        from uuid import uuid4

        da, delayed = extra("dask.array", "results as Dask arrays"), extra("dask", "").delayed
        program = delayed(program, name=f"autograd_mini-{uuid4().hex}", traverse=False)
        lengths = self._lengths or [nan] * len(self._parts)
        call = delayed(_values, nout=len(shapes), pure=False)
        made = [call(function, program, shared, at, args) for at, args in enumerate(self._parts)]
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

    def _in_process(self) -> Iterator[tuple[int, Sequence[Any]]]:
        """Compute partition after partition, by the scheduler of this process."""
        compute = extra("dask", "").compute
        for at, args in enumerate(self._parts):
            try:
                found = compute(*args) if any(map(_is_collection, args)) else args
            except Exception as error:
                raise _lost(at, error) from error
            yield at, found

    def _in_memory(self) -> bool:
        """Return whether every partition lies in the memory of a worker, or on its way there."""
        return not any(_is_collection(part) for args in self._parts for part in args)

    def _groups(self, client: Any) -> list[list[int]]:
        """Return the partitions in groups, one a task: those of a thread of a worker, where that is known."""
        if not self._in_memory():
            return [[at] for at in range(len(self._parts))]
        held = [next(part for part in args if _is_future(part)) for args in self._parts]
        threads, places = _known_places(client, held)
        by_worker: dict[str, list[int]] = {}
        for at, future in enumerate(held):
            by_worker.setdefault(next(iter(places.get(future.key) or ("",))), []).append(at)
        groups = []
        for worker, parts in by_worker.items():
            count = min(threads.get(worker, 1), len(parts)) if worker else len(parts)  # unknown: one by one
            bounds = [len(parts) * at // count for at in range(count + 1)]
            groups += [parts[a:b] for a, b in pairwise(bounds)]
        return groups

    def _named(self, error: Exception, groups: Sequence[Sequence[int]], futures: Sequence[Any]) -> Exception:
        """Return an error that names the partition."""
        if str(error).startswith("partition "):  # which `function` has named
            return type(error)(*error.args) if type(error).__init__ is Exception.__init__ else error
        group = next((group for group, future in zip(groups, futures, strict=True) if future.status == "error"), None)
        for at in group or ():
            if any(_is_future(part) and part.status in _GONE for part in self._parts[at]):
                return _lost(at, error)
        if type(error).__name__ == "KilledWorker":
            where = f"partition {group[0]}" if group and len(group) == 1 else f"one of partitions {list(group or ())}"
            return RuntimeError(
                f"{where} has ended worker after worker, for want of memory most likely: make partitions smaller "
                "(rechunk, repartition), or give workers more memory"
            )
        return _lost(group[0], error) if group and len(group) == 1 else error


def _is_collection(given: Any) -> bool:
    return hasattr(type(given), "__dask_graph__")


def _is_future(given: Any) -> bool:
    return hasattr(type(given), "status") and hasattr(type(given), "retry")


def _is_array(given: Any) -> bool:
    return hasattr(type(given), "__dask_graph__") and hasattr(given, "chunks") and hasattr(given, "rechunk")


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
    if not hasattr(given, "npartitions") or not hasattr(given, "_meta"):
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
    found = given.to_delayed()
    return [*found.ravel()] if hasattr(found, "ravel") else [*found]


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
    if client.id not in known or known[client.id].status in _GONE:
        known[client.id] = client.submit(_itself, program, pure=False)
    return known[client.id]


_PLACES: WeakKeyDictionary[Any, dict[Any, Any]] = WeakKeyDictionary()


def _known_places(client: Any, futures: Sequence[Any]) -> tuple[dict[str, int], dict[Any, Any]]:
    """Return the threads of each worker, and the workers that have each future, as they were a moment ago."""
    known = _PLACES.setdefault(client, {})
    name = futures[0].key, futures[-1].key, len(futures)
    found = known.get(name)
    if found is None or monotonic() > found[0]:
        known.clear()
        extra("distributed", "").wait(futures)
        found = known[name] = monotonic() + FRESH, (client.nthreads(), client.who_has(futures))
    places: tuple[dict[str, int], dict[Any, Any]] = found[1]
    return places


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


def _lost(at: int, error: Exception) -> ValueError:
    """Return the error for a partition that Dask could not compute."""
    return ValueError(
        f"partition {at} cannot be computed: {type(error).__name__}: {' '.join(str(error).split())[:500]}"
    )


# --- what runs on the workers ---


def _itself(given: Any) -> Any:
    return given


def _call(function: Callable[..., Any], shared: Sequence[Any], at: int, args: Sequence[Any]) -> Any:
    return function(*shared, Part(f"partition {at}", 0, at), *args)


def _values(function: Callable[..., Any], program: Any, shared: Sequence[Any], at: int, args: Sequence[Any]) -> Any:
    return function(program, *shared, Part(f"partition {at}", 0, at), *args)


def _sum(function: Callable[..., Any], program: Any, shared: Sequence[Any], at: int, *args: Any) -> dict[Any, Any]:
    """Return what a function gives for one partition, as the nodes of a sum."""
    return {(0, at): function(program, *shared, Part(f"partition {at}", 0, at), *args)}


def _sums(ats: Sequence[int], args: Sequence[Any], call: tuple[Any, Any], program: Any) -> dict[Any, Any]:
    """Return the sum over some partitions so far as it goes; their arguments stand one after the other."""
    function, shared = call
    width = len(args) // len(ats)
    found = [
        _sum(function, program, shared, at, *args[place * width : (place + 1) * width]) for place, at in enumerate(ats)
    ]
    return PairwiseSum().merge(found).nodes


def _merged(sums: Sequence[dict[Any, Any]]) -> dict[Any, Any]:
    return PairwiseSum().merge(sums).nodes
