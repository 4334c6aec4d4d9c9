"""Rows from elsewhere: tables of other libraries, files and streams larger than memory, and Dask collections.

Nothing here reads or sends by itself: Arrow reads files, and Dask moves data and work.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autograd_mini.rows.dask_partitions import DaskPartitions
    from autograd_mini.rows.stream import Scan as Scan
    from autograd_mini.rows.stream import Stream
    from autograd_mini.rows.stream import scan as scan


def in_parts(args: Sequence[Any]) -> Stream | DaskPartitions | None:
    """Return arguments that come in parts, from a stream or as Dask collections; None for what is in memory."""
    for given in args:
        kind = type(given)
        if kind.__module__ == "numpy" or kind is list:
            continue
        if hasattr(kind, "__dask_graph__"):
            from autograd_mini.rows.dask_partitions import DaskPartitions

            return DaskPartitions(args)
        if hasattr(kind, "__next__") or hasattr(kind, "_is_rows"):
            from autograd_mini.rows.stream import Stream

            return Stream(args)
    return None


def __getattr__(name: str) -> object:
    """Import `Scan` or `scan` on first use."""
    if name in {"Scan", "scan"}:
        from autograd_mini.rows import stream

        return getattr(stream, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
