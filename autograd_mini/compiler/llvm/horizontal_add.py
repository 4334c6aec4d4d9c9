"""Across lanes: the sums over the lanes of vectors, and their addition to what lies in memory."""

from __future__ import annotations

from autograd_mini.compiler.llvm.assembler import mask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.compiler.llvm.assembler import Writer


def across_lanes(writer: Writer, vectors: Sequence[str]) -> str:
    """Write the sums over the lanes of as many vectors as there are lanes; return the vector of them."""
    found, step, width = list(vectors), 1, writer.width
    while len(found) > 1:  # each lane of two vectors meets the lane at this distance; that leaves one
        picked = [[lane + width * (lane // step % 2) for lane in range(width)]]
        picked.append([at ^ step for at in picked[0]])
        found = [
            writer.step(
                "add",
                [writer.put(f"shufflevector {writer.kind} {a}, {writer.kind} {b}, {mask(lanes)}") for lanes in picked],
            )
            for a, b in zip(found[::2], found[1::2], strict=True)
        ]
        step *= 2
    return found[0]


def added(writer: Writer, found: str, sums: Sequence[Sequence[int]], base: str) -> None:
    """Write the addition of the lanes of a vector to sums in memory, of those that are neighbours at once.

    Args:
        writer: where to write.
        found: the vector.
        sums: for each lane the numbers of the sums that it belongs to.
        base: from where on the sums lie.

    """
    for run in _runs([(lane, at) for lane, ats in enumerate(sums) for at in ats]):
        lane, at = run[0]
        pointer = writer.put(f"getelementptr double, ptr {base}, i64 {at}")
        kind = f"<{len(run)} x double>"
        lanes = mask(range(lane, lane + len(run)))
        part = writer.put(f"shufflevector {writer.kind} {found}, {writer.kind} poison, {lanes}")
        before = writer.put(f"load {kind}, ptr {pointer}, align 8")
        writer.lines.append(f"  store {kind} {writer.put(f'fadd {kind} {before}, {part}')}, ptr {pointer}, align 8")


def _runs(places: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Return lanes and the places of their sums in runs of those that follow each other in both."""
    runs: list[list[tuple[int, int]]] = []
    for lane, at in places:
        if runs and runs[-1][-1] == (lane - 1, at - 1):
            runs[-1].append((lane, at))
        else:
            runs.append([(lane, at)])
    return runs
