"""The sums of a kernel: the loops that add the factors of a group of blocks to the sums, a tile of sums at a time.

The sums of a tile are in registers, a vector for each, while a loop runs over the blocks. After it the lanes of each
are added up, so that memory holds one number a sum. Around it, loops run over the tiles of a grid.
"""

from __future__ import annotations

from autograd_mini.compiler.llvm.assembler import Writer
from autograd_mini.compiler.llvm.horizontal_add import across_lanes, added
from autograd_mini.compiler.llvm.target import vectors
from autograd_mini.compiler.llvm.tiling import shape, tiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.compiler.llvm.outer_products import Grid
    from autograd_mini.compiler.llvm.plan import Kernel


class Sums:
    """Writes the loops over a group of %count blocks, whose records lie from %records on, that add to %sums.

    Attributes:
        lines: the instructions.
        label: the label of the last of them.

    """

    def __init__(self, kernel: Kernel, before: str) -> None:
        self.kernel, self.label = kernel, before
        self.lines: list[str] = []
        self._number = 0
        self._side, self._size = shape(kernel.width, vectors(kernel.width))
        for grid in kernel.grids:
            self._grid(grid)
        for rows, columns, sums in tiles(kernel.products, self._side, self._size):
            pairs = [sums.get((row, column), []) for row in rows for column in columns]
            self._tile(self._places(rows), self._places(columns), pairs, [])

    def _places(self, factors: Sequence[int]) -> list[int]:
        return [self.kernel.record.place(factor) for factor in factors]

    def _grid(self, grid: Grid) -> None:
        """Write the loops over the tiles of a grid: those of full size, and those at its edges."""
        wide = min(grid.wide, self._side if grid.high > 1 else self._size)
        for top in _cut(grid.high, min(grid.high, self._size // wide)):
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

        def base(pointer: str, *parts: tuple[str, int], kind: str = writer.kind) -> str:
            for variable, step in parts:
                index = writer.put(f"mul i64 {variable}, {step}")
                pointer = writer.put(f"getelementptr {kind}, ptr {pointer}, i64 {index}")
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
                base("%sums", (r, grid.down), (c, grid.across), kind="double"),
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
        bases: tuple[str, str, str, str] = ("%records", "%records", "%sums", "%records"),
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

        used = [at for at, places in enumerate(sums) if places]
        self.lines += [f"  br label %{name}", f"{name}:"]
        head = len(self.lines)
        offset = writer.put(f"mul i64 %{name}_u, {len(self.kernel.record)}")

        def factor(base: str, at: int) -> str:
            record = writer.put(f"getelementptr {kind}, ptr {base}, i64 {offset}")
            return writer.put(f"load {kind}, ptr {place(record, at)}, align {align}")

        holds = [writer.step("ne", [factor(bases[3], at), writer.constant(0.0)]) for at in guards]
        grown: dict[int, str] = {}
        wide = max(len(rights), 1)
        # The factors of the shorter side keep their registers, those of the longer one share theirs.
        by_rows = len(lefts) > len(rights)
        near = [factor(bases[by_rows], at) for at in (rights if by_rows else lefts)]
        for outer, place_of in enumerate(lefts if by_rows else rights):
            far = factor(bases[not by_rows], place_of)
            for inner, other in enumerate(near or [None]):
                i, j = (outer, inner) if by_rows else (inner, outer)
                at = i * wide + j
                if not sums[at]:
                    continue
                total = f"%{name}_sum{at}"
                grown[at] = writer.fused(other, far, total) if other else writer.step("add", [total, far])
                if holds:
                    grown[at] = writer.step("select", [holds[i], grown[at], total])
        self.lines[head:head] = [
            f"  %{name}_u = phi i64 [ 0, %{self.label} ], [ %{name}_next, %{name} ]",
            *[
                f"  %{name}_sum{at} = phi {kind} [ zeroinitializer, %{self.label} ], [ {grown[at]}, %{name} ]"
                for at in used
            ],
        ]
        self.lines += [
            f"  %{name}_next = add i64 %{name}_u, 1",
            f"  %{name}_more = icmp slt i64 %{name}_next, %count",
            f"  br i1 %{name}_more, label %{name}, label %{name}done",
            f"{name}done:",
        ]
        self.label = f"{name}done"
        for first in range(0, len(used), self.kernel.width):
            part = used[first : first + self.kernel.width]
            vectors = [grown[at] for at in part] + ["zeroinitializer"] * (self.kernel.width - len(part))
            added(writer, across_lanes(writer, vectors), [sums[at] for at in part], bases[2])


def _cut(count: int, size: int) -> list[tuple[int, int, int]]:
    """Return the parts of a side, each (first, end, size of a tile): that of tiles of full size, and the rest."""
    whole = count - count % size
    return ([(0, whole, size)] if whole else []) + ([(whole, count, count - whole)] if whole < count else [])
