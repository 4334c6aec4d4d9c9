"""Sharing: the blocks of a batch, run by several threads at a time."""

from __future__ import annotations

from functools import cache

from autograd_mini.engine.forking import in_child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor
    from typing import Any


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Return the threads that share batches; starting them takes longer than a small batch."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(threads, thread_name_prefix="autograd_mini")


in_child(_pool.cache_clear)


def shared(run: Callable[[int, int], Any], blocks: int, threads: int, fewest: int) -> list[Any]:
    """Return what a function (first block, block after the last) returns, for each of the parts that are shared out.

    Args:
        run: the function.
        blocks: how many blocks there are.
        threads: how many threads.
        fewest: so many blocks are worth another thread.

    """
    if threads == 1 or blocks < fewest * threads:
        return [run(0, blocks)]
    edges = [blocks * part // threads for part in range(threads + 1)]
    return list(_pool(threads).map(run, edges, edges[1:]))
