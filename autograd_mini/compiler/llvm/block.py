"""The block: the instructions for one block of samples, from its rows to the vectors of its record."""

from __future__ import annotations

from math import ceil

from autograd_mini.compiler.llvm.assembler import Writer
from autograd_mini.compiler.llvm.loads import NARROW, shuffled, transposed
from autograd_mini.compiler.llvm.target import vectors
from autograd_mini.compiler.tape import TRUTHS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.compiler.llvm.dot_products import Chain, Group
    from autograd_mini.compiler.llvm.plan import Kernel
    from autograd_mini.compiler.tape import Step

PARTS = 4
"""A long chain is added up in so many parts."""

FEWEST = 4
"""Chains that a loop computes at least, even if the registers do not hold their sums."""


class Block:
    """Writes the block of a kernel.

    Attributes:
        lines: the instructions.

    """

    def __init__(self, kernel: Kernel) -> None:
        self.kernel, self.steps = kernel, kernel.tape.steps
        self.writer = Writer(kernel.width, "v", kernel.declarations)
        self.lines = self.writer.lines
        self._names: dict[int, str] = {}
        self._label, self._layers = "entry", 0
        self._waiting = {chain.end: group for group in kernel.groups for chain in group.chains}
        self._most = max(FEWEST, vectors(kernel.width) // 2)  # sums fill half of the registers
        columns = self._columns()
        for at, step in enumerate(self.steps):
            if kernel.varies[at]:
                self._write(at, step, columns)
        for group in [*dict.fromkeys(self._waiting.values())]:
            self._layer(group)
        for column, at in enumerate(kernel.tape.results[: kernel.kept]):
            pointer = self.writer.put(f"getelementptr double, ptr %column{column}, i64 %row")
            self.lines.append(f"  store {self.writer.kind} {self._operand(at)}, ptr {pointer}, align 8")

    def _write(self, at: int, step: Step, columns: dict[int, str]) -> None:
        """Write a step of the tape."""
        kernel = self.kernel
        if step[0] == "input":
            if step[1] in columns:
                self._known(at, columns[step[1]])
            else:  # it lies in memory; other loops may want it elsewhere too
                self._stored(at, self._operand(at), first=1)
            return
        for x in step[1:]:
            if x in self._waiting:
                self._layer(self._waiting[x])
        if at in kernel.inside or at in kernel.fusing:
            if at in kernel.long:
                self._known(at, self._long(kernel.long[at]))
            return
        self._turn(self.writer.counted())
        found = self._fused(step) or self.writer.step(step[0], [self._operand(x) for x in step[1:]])
        self._known(at, found)

    def _turn(self, label: str | None) -> None:
        """Go on at a label, if there is one, and load what lies in memory from then on; no register keeps it."""
        if label is not None:
            self._label = label
            for at in [at for at in self._names if at in self.kernel.record.places]:
                del self._names[at]

    def _known(self, at: int, name: str) -> None:
        """Note the result of a step, and put it where loops expect it."""
        self._names[at] = name
        self._stored(at, name)

    def _stored(self, at: int, name: str, first: int = 0) -> None:
        if at in self.kernel.record.places and self.steps[at][0] in TRUTHS:
            name = self.writer.step("select", [name, self.writer.constant(1.0), self.writer.constant(0.0)])
        for place in self.kernel.record.places.get(at, [])[first:]:
            pointer = self.writer.put(f"getelementptr {self.writer.kind}, ptr %record, i64 {place}")
            self.lines.append(f"  store {self.writer.kind} {name}, ptr {pointer}, align {self.kernel.width * 8}")

    def _operand(self, at: int) -> str:
        writer, step = self.writer, self.steps[at]
        if step[0] == "constant":
            return writer.constant(step[1])
        if at in self._names:
            return self._names[at]
        if self.kernel.varies[at]:
            place = self.kernel.record.places[at][0]
            pointer = writer.put(f"getelementptr {writer.kind}, ptr %record, i64 {place}")
            found = writer.put(f"load {writer.kind}, ptr {pointer}, align {writer.width * 8}")
            return writer.step("ne", [found, writer.constant(0.0)]) if step[0] in TRUTHS else found
        pointer = writer.put(f"getelementptr double, ptr %uniform, i64 {self.kernel.slot[at]}")
        number = writer.splat(writer.put(f"load double, ptr {pointer}"))
        if step[0] in TRUTHS:
            return writer.put(f"fcmp une {writer.kind} {number}, {writer.constant(0.0)}")
        return number

    def _columns(self) -> dict[int, str]:
        """Write the loads of the block's rows; return the vectors of those columns that do not lie in memory."""
        made: dict[int, str] = {}
        first = 0
        for array, columns in enumerate(self.kernel.widths):
            if columns <= NARROW:
                made.update(enumerate(shuffled(self.writer, array, columns), start=first))
            else:
                self._label = transposed(self.writer, array, columns, self.kernel.wide[array], self._label)
            first += columns
        return made

    def _fused(self, step: Step) -> str | None:
        """Write an addition that takes in a product; None if this is none."""
        if step[0] == "add":
            for x, other in ((step[1], step[2]), (step[2], step[1])):
                if x in self.kernel.fusing:
                    first, second = [self._operand(factor) for factor in self.steps[x][1:]]
                    return self.writer.fused(first, second, self._operand(other))
        return None

    def _long(self, chain: Chain) -> str:
        """Write a chain whose terms are added up in several parts, and these in pairs."""
        writer, none = self.writer, self.writer.constant(-0.0)
        parts = [none if chain.start is None else self._operand(chain.start), *[none] * (PARTS - 1)]
        for at, (weight, x) in enumerate(zip(chain.weights, chain.inputs, strict=True)):
            part = at % PARTS
            parts[part] = writer.fused(self._operand(weight), self._operand(x), parts[part])
        while len(parts) > 1:
            parts = [writer.step("add", pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
        self._turn(self.writer.part())
        return parts[0]

    def _layer(self, group: Group) -> None:
        """Write the loops of a group, each over all inputs for as many chains as there are registers."""
        for chain in group.chains:
            del self._waiting[chain.end]
        tiles = ceil(len(group.chains) / self._most)
        size = ceil(len(group.chains) / tiles)
        for start in range(0, len(group.chains), size):
            self._tile(group, slice(start, start + size))

    def _tile(self, group: Group, rows: slice) -> None:
        """Write the loop over all inputs for some of the chains."""
        writer, kind, chains = self.writer, self.writer.kind, group.chains[rows]
        place, step = self.kernel.record.region(group.inputs)
        starts = [writer.constant(-0.0) if chain.start is None else self._operand(chain.start) for chain in chains]
        before = self._label
        self._layers += 1
        label = f"layer{self._layers}"
        self.lines += [f"  br label %{label}", f"{label}:"]
        head = len(self.lines)
        offset = writer.put(f"mul i64 %{label}_c, {group.stride}")
        weights = writer.put(f"getelementptr double, ptr %uniform, i64 {offset}")
        index = writer.put(f"add i64 {writer.put(f'mul i64 %{label}_c, {step}')}, {place}")
        pointer = writer.put(f"getelementptr {kind}, ptr %record, i64 {index}")
        x = writer.put(f"load {kind}, ptr {pointer}, align {writer.width * 8}")
        sums = [f"%{label}_sum{row}" for row in range(len(chains))]
        grown = []
        for total, at in zip(sums, group.first[rows], strict=True):
            weight = writer.put(f"getelementptr double, ptr {weights}, i64 {at}")
            grown.append(writer.fused(writer.splat(writer.put(f"load double, ptr {weight}")), x, total))
        self.lines[head:head] = [
            f"  %{label}_c = phi i64 [ 0, %{before} ], [ %{label}_next, %{label} ]",
            *[
                f"  {total} = phi {kind} [ {start}, %{before} ], [ {new}, %{label} ]"
                for total, start, new in zip(sums, starts, grown, strict=True)
            ],
        ]
        self.lines += [
            f"  %{label}_next = add i64 %{label}_c, 1",
            f"  %{label}_more = icmp slt i64 %{label}_next, {len(group.inputs)}",
            f"  br i1 %{label}_more, label %{label}, label %{label}_done",
            f"{label}_done:",
        ]
        self._turn(f"{label}_done")
        for chain, new in zip(chains, grown, strict=True):
            self._known(chain.end, new)
