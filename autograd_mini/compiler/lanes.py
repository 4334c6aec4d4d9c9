"""The kernel over a batch: one sample a lane, a loop over blocks of samples, sums kept lane by lane.

In C it would read

    void kernel(i64 first, i64 end, i64 n, double divisor, double **arrays, double *uniform, double **columns, double *sums)

for blocks `first` to `end` of the batch. What is the same for every sample is computed once, ahead of the loop, into
`uniform`. The last block of a batch may be short: its rows are copied beside its last row, so the body need not know, and
what is summed is set to 0 in the lanes that hold no sample.
"""

from __future__ import annotations

from autograd_mini.compiler.instructions import Writer
from autograd_mini.compiler.machine import fused
from autograd_mini.compiler.tiles import SIZE, tiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autograd_mini.compiler.tape import Step, Tape

NARROW = 4
"""Rows of at most so many columns are loaded as they lie and shuffled; wider ones are gathered column by column."""


GROUP = 8
"""So many blocks of samples are computed before their products are summed; their factors stay in the first cache."""


PART = 48
"""So many steps make one block of instructions. Between blocks LLVM forgets that it has loaded a weight, and loads it
where it is multiplied; within one it would keep hundreds of weights for their next use, and spill them."""


class Kernel:
    """The text of a kernel.

    Args:
        tape: the program; its first inputs are the columns of the batch.
        widths: how many columns each array has.
        kept: how many of the results are stored for each sample; the others are summed.
        width: how many lanes.

    Attributes:
        text: the module in LLVM's language.
        slots: how many numbers `uniform` has room for.
        room: how many numbers `sums` has to have room for.

    """

    def __init__(self, tape: Tape, widths: Sequence[int], kept: int, width: int) -> None:
        self.tape, self.widths, self.kept, self.width = tape, list(widths), kept, width
        self.batched = sum(widths)
        self.summed = len(tape.results) - kept
        self.room = -(-max(self.summed, 1) // width) * width
        self.declarations: set[str] = set()
        self.slot: dict[int, int] = {}  # of each uniform step that is no constant
        self.slots = tape.inputs - self.batched
        self.uses = [0] * len(tape.steps)
        for step in tape.steps:
            if step[0] not in {"input", "constant"}:
                for operand in step[1:]:
                    self.uses[operand] += 1
        for at in tape.results:
            self.uses[at] += 1
        self.varies = self._varying()
        self.fusing = self._products_to_fuse()
        self.products, self.others = self._summands()
        factors = [factor for _, *pair in self.products for factor in pair] + [result for _, result in self.others]
        self.factors = list(dict.fromkeys(factors))
        preamble = self._preamble()
        body = self._body()
        self.text = self._module(preamble, body)

    def _varying(self) -> list[bool]:
        varies: list[bool] = []
        for step in self.tape.steps:
            if step[0] == "input":
                varies.append(step[1] < self.batched)
            else:
                varies.append(step[0] != "constant" and any(varies[at] for at in step[1:]))
        return varies

    def _preamble(self) -> list[str]:
        """Write what is computed once, and give each such step a slot in `uniform`."""
        writer = Writer(1, "u", self.declarations)
        names: dict[int, str] = {}
        needed = {at for at in self.tape.results if not self.varies[at]}
        for at, step in enumerate(self.tape.steps):
            if self.varies[at] and step[0] != "input":
                needed.update(operand for operand in step[1:] if not self.varies[operand])
        for at, step in enumerate(self.tape.steps):
            if self.varies[at]:
                continue
            if step[0] == "constant":
                names[at] = writer.constant(step[1])
            elif step[0] == "input":
                self.slot[at] = step[1] - self.batched
                pointer = writer.put(f"getelementptr double, ptr %uniform, i64 {self.slot[at]}")
                names[at] = writer.put(f"load double, ptr {pointer}")
            else:
                names[at] = writer.step(step[0], [names[operand] for operand in step[1:]])
                if at in needed:
                    self.slot[at] = self.slots
                    self.slots += 1
                    pointer = writer.put(f"getelementptr double, ptr %uniform, i64 {self.slot[at]}")
                    number = names[at]
                    if step[0] in _TRUTHS:
                        number = writer.put(f"uitofp i1 {number} to double")
                    writer.lines.append(f"  store double {number}, ptr {pointer}")
        return writer.lines

    def _body(self) -> list[str]:
        """Write one block of samples."""
        writer = Writer(self.width, "v", self.declarations)
        names: dict[int, str] = {}
        columns = self._columns(writer)

        def operand(at: int) -> str:
            step = self.tape.steps[at]
            if step[0] == "constant":
                return writer.constant(step[1])
            if at in names:
                return names[at]
            pointer = writer.put(f"getelementptr double, ptr %uniform, i64 {self.slot[at]}")
            number = writer.splat(writer.put(f"load double, ptr {pointer}"))
            if step[0] in _TRUTHS:
                return writer.put(f"fcmp une {writer.kind} {number}, {writer.constant(0.0)}")
            return number

        since = self.parts = 0
        place = {at: index for index, at in enumerate(self.factors)}
        for at, step in enumerate(self.tape.steps):
            if not self.varies[at]:
                continue
            since += 1
            if since == PART:
                since = 0
                self.parts += 1
                writer.lines += [f"  br label %part{self.parts}", f"part{self.parts}:"]
            if step[0] == "input":
                names[at] = columns[step[1]]
            elif at not in self.fusing:
                names[at] = self._fused(writer, step, operand) or writer.step(step[0], [operand(x) for x in step[1:]])
            if at in place:
                pointer = writer.put(f"getelementptr {writer.kind}, ptr %factors, i64 {place[at]}")
                writer.lines.append(f"  store {writer.kind} {names[at]}, ptr {pointer}, align {self.width * 8}")
        for column, at in enumerate(self.tape.results[: self.kept]):
            place = writer.put(f"getelementptr double, ptr %column{column}, i64 %row")
            writer.lines.append(f"  store {writer.kind} {operand(at)}, ptr {place}, align 8")
        return writer.lines

    def _columns(self, writer: Writer) -> list[str]:
        """Write the loads of the block's rows, and return a vector for each column."""
        width, kind, made = self.width, writer.kind, []
        for array, columns in enumerate(self.widths):
            if columns <= NARROW:
                wide = f"<{width * columns} x double>"
                rows = writer.put(f"load {wide}, ptr %rows{array}, align 8")
                for column in range(columns):
                    lanes = ", ".join(f"i32 {lane * columns + column}" for lane in range(width))
                    made.append(writer.put(f"shufflevector {wide} {rows}, {wide} poison, <{width} x i32> <{lanes}>"))
                continue
            gather = f"llvm.masked.gather.v{width}f64.v{width}p0"
            ones = f"<{', '.join(['i1 true'] * width)}>"
            self.declarations.add(f"declare {kind} @{gather}(<{width} x ptr>, i32, <{width} x i1>, {kind})")
            for column in range(columns):
                places = ", ".join(f"i64 {lane * columns + column}" for lane in range(width))
                pointers = writer.put(f"getelementptr double, ptr %rows{array}, <{width} x i64> <{places}>")
                made.append(
                    writer.put(
                        f"call {kind} @{gather}(<{width} x ptr> {pointers}, i32 8, <{width} x i1> {ones}, {kind} poison)"
                    )
                )
        return made

    def _products_to_fuse(self) -> set[int]:
        """Return the products that are computed where they are added: of one use, and with a uniform factor."""
        found: set[int] = set()
        steps = self.tape.steps
        for at, step in enumerate(steps):
            if step[0] == "add" and self.varies[at] and fused():
                for x in step[1:]:
                    if steps[x][0] == "mul" and self.uses[x] == 1 and self.varies[x] and not self._both_vary(x):
                        found.add(x)
                        break
        return found

    def _both_vary(self, product: int) -> bool:
        return all(self.varies[factor] for factor in self.tape.steps[product][1:])

    def _fused(self, writer: Writer, step: Step, operand: Callable[[int], str]) -> str | None:
        """Write an addition that takes in a product; None if this is none."""
        if step[0] == "add":
            for x, other in ((step[1], step[2]), (step[2], step[1])):
                if x in self.fusing:
                    first, second = [operand(factor) for factor in self.tape.steps[x][1:]]
                    return writer.fused(first, second, operand(other))
        return None

    def _summands(self) -> tuple[list[tuple[int, int, int]], list[tuple[int, int]]]:
        """Return the sums of products of two factors that vary, and the other sums."""
        products: list[tuple[int, int, int]] = []
        others: list[tuple[int, int]] = []
        for at, result in enumerate(self.tape.results[self.kept :]):
            step = self.tape.steps[result]
            if step[0] == "mul" and self.uses[result] == 1 and self._both_vary(result) and fused():
                products.append((at, step[1], step[2]))
                self.fusing.add(result)
            elif self.varies[result]:
                others.append((at, result))
        return products, others

    def _add_up(self) -> list[str]:
        """Write the loops that add the factors of the stored blocks to the sums, a tile at a time."""
        parts = [(rows, columns, dict(sums)) for rows, columns, sums in tiles(self.products)]
        for start in range(0, len(self.others), SIZE):
            chunk = self.others[start : start + SIZE]
            alone: dict[tuple[int, int], list[int]] = {}
            for at, result in chunk:
                alone.setdefault((result, -1), []).append(at)
            parts.append((list(dict.fromkeys(result for _, result in chunk)), [-1], alone))
        lines: list[str] = []
        place = {at: index for index, at in enumerate(self.factors)}
        for number, (rows, columns, sums) in enumerate(parts):
            writer = Writer(self.width, f"t{number}_", self.declarations)
            kind, align = writer.kind, self.width * 8
            before, after = ("tiles" if number == 0 else f"tile{number - 1}done"), f"tile{number}done"
            pointers, totals, phis, grown = {}, {}, {}, {}
            for pair, ats in sums.items():
                pointers[pair] = [writer.put(f"getelementptr {kind}, ptr %sums_by_lane, i64 {at}") for at in ats]
                totals[pair] = writer.put(f"load {kind}, ptr {pointers[pair][0]}, align {align}")
            writer.lines += [f"  br label %tile{number}", f"tile{number}:"]
            head = len(writer.lines)
            names = [f"%t{number}_phi{index}" for index in range(len(sums))]
            phis = dict(zip(sums, names, strict=True))
            start = writer.put(f"mul i64 %t{number}_u, {len(self.factors)}")
            found: dict[int, str] = {}
            for factor in dict.fromkeys([*rows, *columns]):
                if factor >= 0:
                    offset = writer.put(f"add i64 {start}, {place[factor]}")
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

    def _module(self, preamble: list[str], body: list[str]) -> str:
        width, kind = self.width, f"<{self.width} x double>"
        size = self.room
        added = self._add_up()
        after = next((line[:-1] for line in reversed(added) if line.endswith(":")), "tiles")
        lines = [
            "define void @kernel(i64 %first, i64 %end, i64 %n, double %divisor, ptr noalias %arrays, "
            "ptr noalias %uniform, ptr noalias %columns, ptr noalias %sums) {",
            "entry:",
            f"  %sums_by_lane = alloca [{size} x {kind}], align 64",
            f"  %stored = alloca [{max(GROUP * len(self.factors), 1)} x {kind}], align 64",
            f"  call void @llvm.memset.p0.i64(ptr align 64 %sums_by_lane, i8 0, i64 {size * width * 8}, i1 false)",
            f"  %full = sdiv i64 %n, {width}",
            f"  %rest = srem i64 %n, {width}",
        ]
        self.declarations.add("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        for array, columns in enumerate(self.widths):
            lines += [
                f"  %place{array} = getelementptr ptr, ptr %arrays, i64 {array}",
                f"  %array{array} = load ptr, ptr %place{array}",
                f"  %scratch{array} = alloca [{width * columns} x double], align 64",
            ]
        for column in range(self.kept):
            lines += [
                f"  %columnplace{column} = getelementptr ptr, ptr %columns, i64 {column}",
                f"  %column{column} = load ptr, ptr %columnplace{column}",
            ]
        lines += preamble
        lines += ["  %short = icmp sgt i64 %rest, 0", "  br i1 %short, label %fill, label %begin", "fill:"]
        # Copy the short block's rows, with its last row in the lanes that are left.
        lines += ["  %lastrow = sub i64 %n, 1", f"  %base = mul i64 %full, {width}"]
        for array, columns in enumerate(self.widths):
            for lane in range(width):
                name = f"{array}_{lane}"
                lines += [
                    f"  %r{name} = add i64 %base, {lane}",
                    f"  %inside{name} = icmp slt i64 %r{name}, %n",
                    f"  %c{name} = select i1 %inside{name}, i64 %r{name}, i64 %lastrow",
                    f"  %o{name} = mul i64 %c{name}, {columns}",
                    f"  %p{name} = getelementptr double, ptr %array{array}, i64 %o{name}",
                    f"  %q{name} = getelementptr double, ptr %scratch{array}, i64 {lane * columns}",
                    f"  call void @llvm.memcpy.p0.p0.i64(ptr %q{name}, ptr %p{name}, i64 {columns * 8}, i1 false)",
                ]
            self.declarations.add("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        lines += [
            "  br label %begin",
            "begin:",
            "  %any = icmp slt i64 %first, %end",
            "  br i1 %any, label %group, label %total",
            "group:",
            f"  %g = phi i64 [ %first, %begin ], [ %gnext, %{after} ]",
            "  %left = sub i64 %end, %g",
            f"  %many = icmp sgt i64 %left, {GROUP}",
            f"  %count = select i1 %many, i64 {GROUP}, i64 %left",
            "  %gnext = add i64 %g, %count",
            "  br label %block",
            "block:",
            f"  %u = phi i64 [ 0, %group ], [ %next, %{f'part{self.parts}' if self.parts else 'block'} ]",
            "  %i = add i64 %g, %u",
            "  %partial = icmp eq i64 %i, %full",
            f"  %row = mul i64 %i, {width}",
            f"  %stored_at = mul i64 %u, {len(self.factors)}",
            f"  %factors = getelementptr {kind}, ptr %stored, i64 %stored_at",
        ]
        for array, columns in enumerate(self.widths):
            lines += [
                f"  %offset{array} = mul i64 %row, {columns}",
                f"  %straight{array} = getelementptr double, ptr %array{array}, i64 %offset{array}",
                f"  %rows{array} = select i1 %partial, ptr %scratch{array}, ptr %straight{array}",
            ]
        lines += body
        lines += [
            "  %next = add i64 %u, 1",
            "  %more = icmp slt i64 %next, %count",
            "  br i1 %more, label %block, label %check",
            "check:",
            "  %over = icmp sgt i64 %gnext, %full",
            "  br i1 %over, label %mask, label %tiles",
            *self._mask(kind, width),
            "tiles:",
            *added,
            "  %again = icmp slt i64 %gnext, %end",
            "  br i1 %again, label %group, label %total",
            "total:",
        ]
        if self.summed:
            lines += self._totals(kind, width)
        lines += ["  br label %done", "done:", "  ret void", "}"]
        return "\n".join([*lines, *sorted(self.declarations)]) + "\n"

    def _mask(self, kind: str, width: int) -> list[str]:
        """Write the loop that sets the factors of the short block to 0 in lanes without a sample."""
        counting = ", ".join(f"i64 {lane}" for lane in range(width))
        return [
            "mask:",
            f"  %rest0 = insertelement <{width} x i64> poison, i64 %rest, i32 0",
            f"  %rests = shufflevector <{width} x i64> %rest0, <{width} x i64> poison, <{width} x i32> zeroinitializer",
            f"  %counts = icmp slt <{width} x i64> <{counting}>, %rests",
            "  %short_block = sub i64 %full, %g",
            f"  %short_at = mul i64 %short_block, {len(self.factors)}",
            f"  %short_factors = getelementptr {kind}, ptr %stored, i64 %short_at",
            "  br label %masking",
            "masking:",
            "  %m = phi i64 [ 0, %mask ], [ %mnext, %masking ]",
            f"  %factor_at = getelementptr {kind}, ptr %short_factors, i64 %m",
            f"  %factor = load {kind}, ptr %factor_at, align {width * 8}",
            f"  %counted = select <{width} x i1> %counts, {kind} %factor, {kind} zeroinitializer",
            f"  store {kind} %counted, ptr %factor_at, align {width * 8}",
            "  %mnext = add i64 %m, 1",
            f"  %mmore = icmp slt i64 %mnext, {max(len(self.factors), 1)}",
            "  br i1 %mmore, label %masking, label %tiles",
        ]

    def _totals(self, kind: str, width: int) -> list[str]:
        """Write the sums over lanes, as many at a time as there are lanes, and their division."""
        writer = Writer(width, "s", self.declarations)
        sums = []
        for at in range(width):
            index = writer.put(f"add i64 %s, {at}")
            place = writer.put(f"getelementptr {kind}, ptr %sums_by_lane, i64 {index}")
            sums.append(writer.put(f"load {kind}, ptr {place}, align {width * 8}"))
        while len(sums) > 1:  # add neighbouring lanes of two vectors, which leaves one
            sums = [self._neighbours(writer, a, b) for a, b in zip(sums[::2], sums[1::2], strict=True)]
        mean = writer.step("truediv", [sums[0], "%divisors"])
        return [
            f"  %divisor0 = insertelement {kind} poison, double %divisor, i32 0",
            f"  %divisors = shufflevector {kind} %divisor0, {kind} poison, <{width} x i32> zeroinitializer",
            "  br label %sum",
            "sum:",
            "  %s = phi i64 [ 0, %total ], [ %snext, %sum ]",
            *writer.lines,
            "  %sumplace = getelementptr double, ptr %sums, i64 %s",
            f"  store {kind} {mean}, ptr %sumplace, align 8",
            f"  %snext = add i64 %s, {width}",
            f"  %smore = icmp slt i64 %snext, {self.summed}",
            "  br i1 %smore, label %sum, label %done0",
            "done0:",
        ]

    def _neighbours(self, writer: Writer, this: str, other: str) -> str:
        kind, width = writer.kind, self.width
        parts = []
        for first in (0, 1):
            lanes = ", ".join(f"i32 {lane}" for lane in range(first, 2 * width, 2))
            parts.append(writer.put(f"shufflevector {kind} {this}, {kind} {other}, <{width} x i32> <{lanes}>"))
        return writer.step("add", parts)


_TRUTHS = frozenset({"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"})
