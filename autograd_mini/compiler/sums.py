"""The sums of a kernel: the loops that add the stored factors of a group of blocks, a tile of sums at a time."""

from __future__ import annotations

from autograd_mini.compiler.instructions import Writer
from autograd_mini.compiler.tiles import SIZE, tiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.compiler.lanes import Kernel


def added_up(kernel: Kernel) -> list[str]:
    """Write the loops that add the factors of the stored blocks to the sums, a tile at a time."""
    parts = [(rows, columns, dict(sums)) for rows, columns, sums in tiles(kernel.products)]
    for start in range(0, len(kernel.others), SIZE):
        chunk = kernel.others[start : start + SIZE]
        alone: dict[tuple[int, int], list[int]] = {}
        for at, result in chunk:
            alone.setdefault((result, -1), []).append(at)
        parts.append((list(dict.fromkeys(result for _, result in chunk)), [-1], alone))
    lines: list[str] = []
    place = {at: index for index, at in enumerate(kernel.factors)}
    for number, (rows, columns, sums) in enumerate(parts):
        writer = Writer(kernel.width, f"t{number}_", kernel.declarations)
        kind, align = writer.kind, kernel.width * 8
        before, after = ("tiles" if number == 0 else f"tile{number - 1}done"), f"tile{number}done"
        pointers, totals, phis, grown = {}, {}, {}, {}
        for pair, ats in sums.items():
            pointers[pair] = [writer.put(f"getelementptr {kind}, ptr %sums_by_lane, i64 {at}") for at in ats]
            totals[pair] = writer.put(f"load {kind}, ptr {pointers[pair][0]}, align {align}")
        writer.lines += [f"  br label %tile{number}", f"tile{number}:"]
        head = len(writer.lines)
        names = [f"%t{number}_phi{index}" for index in range(len(sums))]
        phis = dict(zip(sums, names, strict=True))
        first = writer.put(f"mul i64 %t{number}_u, {len(kernel.factors)}")
        found: dict[int, str] = {}
        for factor in dict.fromkeys([*rows, *columns]):
            if factor >= 0:
                offset = writer.put(f"add i64 {first}, {place[factor]}")
                pointer = writer.put(f"getelementptr {kind}, ptr %stored, i64 {offset}")
                found[factor] = writer.put(f"load {kind}, ptr {pointer}, align {align}")
        for (row, column), phi in phis.items():
            if column < 0:
                grown[row, column] = writer.step("add", [phi, found[row]])
            else:
                grown[row, column] = writer.fused(found[row], found[column], phi)
        heads = [f"  %t{number}_u = phi i64 [ 0, %{before} ], [ %t{number}_next, %tile{number} ]"]
        heads += [
            f"  {phi} = phi {kind} [ {totals[pair]}, %{before} ], [ {grown[pair]}, %tile{number} ]"
            for pair, phi in phis.items()
        ]
        writer.lines[head:head] = heads
        writer.lines += [
            f"  %t{number}_next = add i64 %t{number}_u, 1",
            f"  %t{number}_more = icmp slt i64 %t{number}_next, %count",
            f"  br i1 %t{number}_more, label %tile{number}, label %{after}",
            f"{after}:",
        ]
        for pair, places in pointers.items():
            writer.lines += [f"  store {kind} {grown[pair]}, ptr {pointer}, align {align}" for pointer in places]
        lines += writer.lines
    return lines
