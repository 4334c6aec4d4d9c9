"""Reductions: the loops that add the factors of a group of blocks to the sums over samples, a tile of sums at a time.

The sums of a tile are in registers, a vector for each, while a loop runs over the blocks. After it the lanes of each
are added up, so that memory holds one number a sum. Around it, loops run over the tiles of an outer product.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.compiler.llvm.assembler import Assembler
    from autograd_mini.compiler.llvm.outer_products import OuterProduct
    from autograd_mini.compiler.llvm.plan import KernelPlan, Scattered

    Cut = tuple[int, int, int]


class ReductionWriter:
    """Writes the loops over a group of %count blocks, whose scratch memory lies from %records on, that add to %sums."""

    def __init__(self, plan: KernelPlan, writer: Assembler) -> None:
        self.plan, self.writer = plan, writer
        self._number = 0
        for outer, down, across in plan.outer_products:
            for top in down:
                for left in across:
                    self._part(outer, top, left)
        for rows, columns, sums in plan.tiles:
            pairs = [sums.get((row, column), []) for row in rows for column in columns]
            self._tile([*map(plan.scratch.place, rows)], [*map(plan.scratch.place, columns)], pairs, [])
        for at, scattered in enumerate(plan.scattered):
            self._scatter(f"scatter{at}", scattered)

    def _scatter(self, name: str, scattered: Scattered) -> None:
        """Write the loops over the samples, one after the other, since indices may repeat among them."""
        writer, width = self.writer, self.plan.width
        put, element, load = writer.put, writer.element, writer.load
        sums = element("double", "%sums", scattered.first)
        with (
            writer.counting(f"{name}_block", "%count") as (_, block),
            writer.counting(f"{name}_lane", width) as (_, lane),
        ):
            record = element(writer.kind, "%records", put(f"mul i64 {block}, {len(self.plan.scratch)}"))
            for index, number in scattered.pairs:
                found, more = [
                    load(element("double", element(writer.kind, record, at), lane), "double") for at in (index, number)
                ]
                place = element("double", sums, put(f"fptosi double {found} to i64"))
                writer.store(put(f"fadd double {load(place, 'double')}, {more}"), place, "double")

    def _part(self, outer: OuterProduct, down: Cut, across: Cut) -> None:
        """Write the loops over tiles of one size, from row to row and from column to column."""
        writer, name = self.writer, f"outer{self._number}"
        row, row_step = outer.rows
        column, column_step = outer.columns or (0, 0)
        guard, guard_step = outer.guards or (0, 0)
        height, width = down[2], across[2]

        def base(pointer: str, *parts: tuple[str, int], kind: str = writer.kind) -> str:
            for variable, step in parts:
                pointer = writer.element(kind, pointer, writer.put(f"mul i64 {variable}, {step}"))
            return pointer

        with (
            writer.counting(f"{name}_row", down[1], start=down[0], step=height) as (_, r),
            writer.counting(f"{name}_column", across[1], start=across[0], step=width) as (_, c),
        ):
            self._tile(
                [row + at * row_step for at in range(height)],
                [column + at * column_step for at in range(width)] if outer.columns else [],
                [[outer.first + i * outer.down + j * outer.across] for i in range(height) for j in range(width)],
                [guard + at * guard_step for at in range(height)] if outer.guards else [],
                (
                    base("%records", (r, row_step)),
                    base("%records", (c, column_step)),
                    base("%sums", (r, outer.down), (c, outer.across), kind="double"),
                    base("%records", (r, guard_step)),
                ),
            )

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
            lefts: where in the scratch memory of a block the left factors lie.
            rights: where the right factors lie; none if the left ones are summed themselves.
            sums: for each left factor and for each right one the numbers of their sums.
            guards: for each left factor where its truth value lies; none if all products are added.
            bases: what these four are counted from.

        """
        writer, kind = self.writer, self.writer.kind
        used = [at for at, places in enumerate(sums) if places]
        name = f"tile{self._number}"
        self._number += 1
        with writer.counting(name, "%count") as (loop, block):
            totals = {at: loop.carry(kind, "zeroinitializer") for at in used}
            offset = writer.put(f"mul i64 {block}, {len(self.plan.scratch)}")

            def factor(base: str, at: int) -> str:
                place = writer.element(kind, writer.element(kind, base, offset), at)
                return writer.load(place, align=self.plan.width * 8)

            holds = [writer.truth_of(factor(bases[3], at)) for at in guards]
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
                    total = totals[at]
                    grown[at] = writer.fused(other, far, total) if other else writer.step("add", [total, far])
                    if holds:
                        grown[at] = writer.step("select", [holds[i], grown[at], total])
                    loop.follow(total, grown[at])
        for first in range(0, len(used), self.plan.width):
            part = used[first : first + self.plan.width]
            vectors = [grown[at] for at in part] + ["zeroinitializer"] * (self.plan.width - len(part))
            _add(writer, _horizontal_add(writer, vectors), [sums[at] for at in part], bases[2])


def _horizontal_add(writer: Assembler, vectors: Sequence[str]) -> str:
    """Write the sums over the lanes of as many vectors as there are lanes; return the vector of them."""
    found, step, width = list(vectors), 1, writer.width
    while len(found) > 1:  # each lane of two vectors meets the lane at this distance; that leaves one
        picked = [[lane + width * (lane // step % 2) for lane in range(width)]]
        picked.append([at ^ step for at in picked[0]])
        found = [
            writer.step("add", [writer.shuffled(a, b, lanes) for lanes in picked])
            for a, b in zip(found[::2], found[1::2], strict=True)
        ]
        step *= 2
    return found[0]


def _add(writer: Assembler, found: str, sums: Sequence[Sequence[int]], base: str) -> None:
    """Write the addition of the lanes of a vector to sums in memory, of those that are neighbours at once.

    `sums` has for each lane the numbers of the sums that it belongs to; `base` is from where on they lie.
    """
    runs: list[list[tuple[int, int]]] = []
    for place in [(lane, at) for lane, ats in enumerate(sums) for at in ats]:
        if runs and runs[-1][-1] == (place[0] - 1, place[1] - 1):
            runs[-1].append(place)
        else:
            runs.append([place])
    for run in runs:
        lane, at = run[0]
        pointer = writer.element("double", base, at)
        kind = f"<{len(run)} x double>"
        part = writer.shuffled(found, "poison", range(lane, lane + len(run)))
        before = writer.load(pointer, kind, align=8)
        writer.store(writer.put(f"fadd {kind} {before}, {part}"), pointer, kind, align=8)
