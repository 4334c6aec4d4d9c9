"""The kernel over a batch: what is computed for one block of samples, one sample a lane.

What is the same for every sample is computed once, ahead of the loop over blocks, and kept in memory, from where it is
broadcast to all lanes as it is used. The loop around the block is written by `frame`, the sums over samples by `sums`.
"""

from __future__ import annotations

from autograd_mini.compiler import frame
from autograd_mini.compiler.instructions import Writer
from autograd_mini.compiler.machine import fused
from autograd_mini.compiler.tape import TRUTHS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autograd_mini.compiler.tape import Step, Tape

NARROW = 4
"""Rows of at most so many columns are loaded as they lie and shuffled; wider ones are gathered column by column."""


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
        self.varies = tape.varying(self.batched)
        self.fusing = self._products_to_fuse()
        self.products, self.others = self._summands()
        factors = [factor for _, *pair in self.products for factor in pair] + [result for _, result in self.others]
        self.factors = list(dict.fromkeys(factors))
        preamble = self._preamble()
        body = self._body()
        self.text = frame.module(self, preamble, body)

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
                    if step[0] in TRUTHS:
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
            if step[0] in TRUTHS:
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
            pointer = writer.put(f"getelementptr double, ptr %column{column}, i64 %row")
            writer.lines.append(f"  store {writer.kind} {operand(at)}, ptr {pointer}, align 8")
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
                given = f"<{width} x ptr> {pointers}, i32 8, <{width} x i1> {ones}, {kind} poison"
                made.append(writer.put(f"call {kind} @{gather}({given})"))
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
