"""A bundle is the partitions that one thread of a Dask worker has in memory, which a step computes in one task."""

from __future__ import annotations

from itertools import pairwise
from math import inf
from time import monotonic
from weakref import WeakKeyDictionary

from autograd_mini.extras import extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Groups = list[list[int]]  # of each bundle the numbers of its partitions
    Parts = list[list[Any]]  # for each partition, for each argument a Future, a Delayed, or the thing itself

FRESH = 5.0
"""Seconds for which the workers are taken to be the same; to be wrong costs time, not correctness."""
GONE = frozenset({"error", "lost", "cancelled"})
"""States of a future that has no result and will have none."""


def bundled(client: Any, parts: Parts) -> tuple[Groups, list[Any]]:
    """Return partitions in groups, and a future of each group's arguments, which is where most of them are.

    There is a group for each thread of a worker that has partitions; a group for each partition where the data take
    much of the workers' memory, for Dask to spill what is not needed now.

    Args:
        client: the client of the cluster.
        parts: the partitions, each in the memory of a worker.

    """
    held = [[part for part in args if is_future(part)] for args in parts]
    every = [future for futures in held for future in futures]
    first, keys = every[0], [future.key for future in every]
    known = _BUNDLES.get(first)
    if known is not None and known.keys == keys and known.client is client and known.holds():
        return known.groups, known.futures
    extra("distributed", "").wait(every)
    threads, places, sizes = client.nthreads(), client.who_has(every), client.nbytes(keys, summary=False)
    groups = grouped([[place for one in futures for place in places.get(one.key, ())] for futures in held], threads)
    limits = [worker["memory_limit"] or inf for worker in client.scheduler_info(n_workers=-1)["workers"].values()]
    if sum(sizes.values()) > sum(limits) / 4:
        groups = [[at] for at in range(len(parts))]
    args = [[part for at in group for part in parts[at]] for group in groups]
    futures = client.map(bundle, [tuple(group) for group in groups], args, pure=False)
    _BUNDLES[first] = _Bundles(client, keys, threads, groups, futures)
    return groups, futures


def bundle(ats: Sequence[int], args: Sequence[Any]) -> list[tuple[int, list[Any]]]:
    """Return the numbers of partitions with their arguments, which are given one after the other."""
    width = len(args) // len(ats)
    return [(at, [*args[place * width : (place + 1) * width]]) for place, at in enumerate(ats)]


def is_future(given: Any) -> bool:
    """Return whether a thing is one of Dask's futures."""
    return hasattr(type(given), "status") and hasattr(type(given), "retry")


class _Bundles:
    """Futures of the arguments of groups of partitions, for as long as the workers are the same."""

    def __init__(
        self, client: Any, keys: list[Any], threads: dict[str, int], groups: Groups, futures: list[Any]
    ) -> None:
        self.client, self.keys, self._threads, self.groups, self.futures = client, keys, threads, groups, futures
        self._until = monotonic() + FRESH

    def holds(self) -> bool:
        """Return whether the workers were the same a moment ago, and nothing was lost for good."""
        if any(future.status in GONE for future in self.futures):
            return False
        if monotonic() > self._until:
            self._until = monotonic() + FRESH
            return bool(self.client.nthreads() == self._threads)
        return True


_BUNDLES: WeakKeyDictionary[Any, _Bundles] = WeakKeyDictionary()
"""The bundles of collections, by the future of their first partition, with which they go."""


def grouped(places: Sequence[Sequence[str]], threads: dict[str, int]) -> Groups:
    """Return the numbers of partitions in a group for each thread of the workers that have most of each.

    Groups have equally many but for one, or a step would take as long as the largest: the few that lie elsewhere are
    moved, once.

    >>> grouped([["a"], ["a"], ["a"], ["a"], ["b"]], {"a": 1, "b": 1})
    [[0, 1, 2], [3, 4]]

    """
    by_worker: dict[str, list[int]] = {}
    for at, workers in enumerate(places):
        by_worker.setdefault(max(sorted(workers), key=workers.count, default=""), []).append(at)
    alone = [[at] for at in by_worker.pop("", [])]  # unknown: one by one
    groups = []
    for worker, parts in sorted(by_worker.items()):
        count = min(threads.get(worker, 1), len(parts))
        bounds = [len(parts) * at // count for at in range(count + 1)]
        groups += [parts[a:b] for a, b in pairwise(bounds)]
    while groups and len(max(groups, key=len)) - len(least := min(groups, key=len)) > 1:
        least.append(max(groups, key=len).pop())
    return [*alone, *map(sorted, groups)]
