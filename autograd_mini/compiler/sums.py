"""The sums of a kernel: the loops that add the factors of a group of blocks to the sums, a tile of sums at a time.

The sums of a tile are in registers while a loop runs over the blocks. Around it, loops run over the tiles of a grid.
"""

from __future__ import annotations

from autograd_mini.compiler.instructions import Writer
from autograd_mini.compiler.tiles import SIZE, tiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.compiler.grids import Grid
    from autograd_mini.compiler.lanes import Kernel

SIDE = 4


class Sums:
    """Writes the loops over a group of %count blocks, whose records lie from %records on.

    Attributes:
        lines: the instructions.
        label: the label of the last of them.

    """

    def __init__(self, kernel: Kernel, before: str) -> None:
        self.kernel, self.label = kernel, before
        self.lines: list[str] = []
        self._number = 0
        for grid in kernel.grids:
            self._grid(grid)
        for rows, columns, sums in tiles(kernel.products):
            pairs = [sums.get((row, column), []) for row in rows for column in columns]
            self._tile(self._places(rows), self._places(columns), pairs, [])

    def _places(self, factors: Sequence[int]) -> list[int]:
        return [self.kernel.record.place(factor) for factor in factors]

    def _grid(self, grid: Grid) -> None:
        """Write the loops over the tiles of a grid: those of full size, and those at its edges."""
        wide = min(grid.wide, SIDE if grid.high > 1 else SIZE)
        for top in _cut(grid.high, min(grid.high, SIZE // wide)):
            for left in _cut(grid.wide, wide):
                self._part(grid, top, left)

    def _part(self, grid: Grid, down: tuple[int, int, int], across: tuple[int, int, int]) -> None:
        """Write the loops over tiles of one size, from row to row and from column to column; see `_cut`."""
        name = f"grid{self._number}"
        row, row_step = grid.rows
        column, column_step = grid.columns or (0, 0)
        guard, guard_step = grid.guards or (0, 0)
        height, width = down[2], across[2]
        self._open(f"{name}_r", down)
        self._open(f"{name}_c", across)
        writer = Writer(self.kernel.width, f"{name}_", self.kernel.declarations)
        writer.lines = self.lines

        def base(pointer: str, *parts: tuple[str, int]) -> str:
            for variable, step in parts:
                index = writer.put(f"mul i64 {variable}, {step}")
                pointer = writer.put(f"getelementptr {writer.kind}, ptr {pointer}, i64 {index}")
            return pointer

        r, c = f"%{name}_r", f"%{name}_c"
        self._tile(
            [row + at * row_step for at in range(height)],
            [column + at * column_step for at in range(width)] if grid.columns else [],
            [[grid.first + i * grid.down + j * grid.across] for i in range(height) for j in range(width)],
            [guard + at * guard_step for at in range(height)] if grid.guards else [],
            (
                base("%records", (r, row_step)),
                base("%records", (c, column_step)),
                base("%sums_by_lane", (r, grid.down), (c, grid.across)),
                base("%records", (r, guard_step)),
            ),
        )
        self._close(f"{name}_c", across)
        self._close(f"{name}_r", down)

    def _open(self, name: str, bounds: tuple[int, int, int]) -> None:
        first, _, _ = bounds
        self.lines += [f"  br label %{name}_head", f"{name}_head:"]
        self.lines += [f"  %{name} = phi i64 [ {first}, %{self.label} ], [ %{name}_next, %{name}_last ]"]
        self.label = f"{name}_head"

    def _close(self, name: str, bounds: tuple[int, int, int]) -> None:
        _, end, step = bounds
        self.lines += [
            f"  br label %{name}_last",
            f"{name}_last:",
            f"  %{name}_next = add i64 %{name}, {step}",
            f"  %{name}_more = icmp slt i64 %{name}_next, {end}",
            f"  br i1 %{name}_more, label %{name}_head, label %{name}_done",
            f"{name}_done:",
        ]
        self.label = f"{name}_done"

    def _tile(
        self,
        lefts: Sequence[int],
        rights: Sequence[int],
        sums: Sequence[Sequence[int]],
        guards: Sequence[int],
        bases: tuple[str, str, str, str] = ("%records", "%records", "%sums_by_lane", "%records"),
    ) -> None:
        """Write the loop over the blocks for one tile.

        Args:
            lefts: where in a record the left factors lie.
            rights: where the right factors lie; none if the left ones are summed themselves.
            sums: for each left factor and for each right one the numbers of their sums.
            guards: for each left factor where its truth value lies; none if all products are added.
            bases: what these four are counted from.

        """
        name = f"t{self._number}"
        self._number += 1
        writer = Writer(self.kernel.width, f"{name}_", self.kernel.declarations)
        writer.lines = self.lines
        kind, align = writer.kind, self.kernel.width * 8

        def place(base: str, at: int) -> str:
            return writer.put(f"getelementptr {kind}, ptr {base}, i64 {at}")

        pairs = [(i, j) for i in range(len(lefts)) for j in range(max(len(rights), 1))]
        pointers = [[place(bases[2], at) for at in ats] for ats in sums]
        used = [at for at, places in enumerate(pointers) if places]
        totals = {at: writer.put(f"load {kind}, ptr {pointers[at][0]}, align {align}") for at in used}
        self.lines += [f"  br label %{name}", f"{name}:"]
        head = len(self.lines)
        offset = writer.put(f"mul i64 %{name}_u, {len(self.kernel.record)}")

        def factors(base: str, places: Sequence[int]) -> list[str]:
            record = writer.put(f"getelementptr {kind}, ptr {base}, i64 {offset}")
            return [writer.put(f"load {kind}, ptr {place(record, at)}, align {align}") for at in places]

        left, right = factors(bases[0], lefts), factors(bases[1], rights)
        holds = [writer.step("ne", [truth, writer.constant(0.0)]) for truth in factors(bases[3], guards)]
        grown = {}
        for at in used:
            i, j = pairs[at]
            total = f"%{name}_sum{at}"
            grown[at] = writer.fused(left[i], right[j], total) if right else writer.step("add", [total, left[i]])
            if holds:
                grown[at] = writer.step("select", [holds[i], grown[at], total])
        self.lines[head:head] = [
            f"  %{name}_u = phi i64 [ 0, %{self.label} ], [ %{name}_next, %{name} ]",
            *[
                f"  %{name}_sum{at} = phi {kind} [ {totals[at]}, %{self.label} ], [ {grown[at]}, %{name} ]"
                for at in used
            ],
        ]
        self.lines += [
            f"  %{name}_next = add i64 %{name}_u, 1",
            f"  %{name}_more = icmp slt i64 %{name}_next, %count",
            f"  br i1 %{name}_more, label %{name}, label %{name}done",
            f"{name}done:",
        ]
        for at in used:
            self.lines += [f"  store {kind} {grown[at]}, ptr {pointer}, align {align}" for pointer in pointers[at]]
        self.label = f"{name}done"


def _cut(count: int, size: int) -> list[tuple[int, int, int]]:
    """Return the parts of a side, each (first, end, size of a tile): that of tiles of full size, and the rest."""
    whole = count - count % size
    return ([(0, whole, size)] if whole else []) + ([(whole, count, count - whole)] if whole < count else [])
