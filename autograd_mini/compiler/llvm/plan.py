"""The kernel over a batch: what is computed for one block of samples, one sample a lane.

What is the same for every sample is computed once, ahead of the loop over blocks, and kept in memory, from where it is
broadcast to all lanes as it is used. Layers become loops, see `chains`. The loop around the block is written by
`frame`, the sums over samples by `sums`.
"""

from __future__ import annotations

from autograd_mini.compiler.llvm import driver
from autograd_mini.compiler.llvm.assembler import Writer
from autograd_mini.compiler.llvm.block import Block
from autograd_mini.compiler.llvm.dot_products import LONG, chains_of, groups_of
from autograd_mini.compiler.llvm.loads import NARROW
from autograd_mini.compiler.llvm.outer_products import grids_of, runs_of
from autograd_mini.compiler.llvm.scratch import Record
from autograd_mini.compiler.tape import TRUTHS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.compiler.llvm.dot_products import Chain
    from autograd_mini.compiler.llvm.outer_products import Product
    from autograd_mini.compiler.tape import Tape


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
        slot: where in it each step lies that is the same for every sample and is no constant.
        room: how many numbers `sums` has to have room for.
        groups: the layers that become loops.
        long: the chains that are added up in parts, by their last steps.
        fusing: products that are computed where they are added.
        grids: the sums that become loops.
        products: the other sums of products of two factors that vary: the number of the sum, and the factors.
        record: what of a block lies in memory.
        wide: where in it the columns of an array begin.

    """

    def __init__(self, tape: Tape, widths: Sequence[int], kept: int, width: int) -> None:
        self.tape, self.widths, self.kept, self.width = tape, list(widths), kept, width
        self.batched = sum(widths)
        self.summed = len(tape.results) - kept
        self.room = -(-max(self.summed, 1) // width) * width
        self.declarations: set[str] = set()
        self.slot: dict[int, int] = {}
        self.slots = tape.inputs - self.batched
        self.uses = tape.uses()
        self.varies = tape.varying(self.batched)
        self.fusing: set[int] = set()
        preamble = self._preamble()
        self._find_layers()
        self._place()
        self._find_sums()
        self.text = driver.module(self, preamble, Block(self).lines)

    def _preamble(self) -> list[str]:
        """Write what is computed once, and give each such step a slot in `uniform`."""
        writer = Writer(1, "u", self.declarations)
        steps, names = self.tape.steps, dict[int, str]()
        needed = {at for at in self.tape.results if not self.varies[at]}
        for at, step in enumerate(steps):
            if self.varies[at] and step[0] != "input":
                needed.update(operand for operand in step[1:] if not self.varies[operand])

        def operand(at: int) -> str:
            if at not in names:
                if steps[at][0] == "constant":
                    names[at] = writer.constant(steps[at][1])
                else:  # an input, loaded where it is first used
                    pointer = writer.put(f"getelementptr double, ptr %uniform, i64 {self.slot[at]}")
                    names[at] = writer.put(f"load double, ptr {pointer}")
            return names[at]

        for at, step in enumerate(steps):
            if self.varies[at] or step[0] == "constant":
                continue
            if step[0] == "input":
                self.slot[at] = step[1] - self.batched
                continue
            writer.counted()
            names[at] = number = writer.step(step[0], [operand(x) for x in step[1:]])
            if at in needed:
                self.slot[at] = self.slots
                self.slots += 1
                pointer = writer.put(f"getelementptr double, ptr %uniform, i64 {self.slot[at]}")
                if step[0] in TRUTHS:
                    number = writer.put(f"uitofp i1 {number} to double")
                writer.lines.append(f"  store double {number}, ptr {pointer}")
        return writer.lines

    def _find_layers(self) -> None:
        chains = chains_of(self.tape, self.uses, self.varies, self.slot)
        self.groups = groups_of(self.tape, chains, self.slot)
        together = {chain.end for group in self.groups for chain in group.chains}
        self.long: dict[int, Chain] = {
            chain.end: chain for chain in chains if chain.end not in together and len(chain.weights) >= LONG
        }
        self.inside = {at for chain in chains if chain.end in together or chain.end in self.long for at in chain.inside}
        steps = self.tape.steps
        for at, step in enumerate(steps):
            if step[0] == "add" and self.varies[at] and at not in self.inside:
                for x in step[1:]:
                    if steps[x][0] == "mul" and self.uses[x] == 1 and self.varies[x] and not self._both_vary(x):
                        self.fusing.add(x)
                        break

    def _both_vary(self, product: int) -> bool:
        return all(self.varies[factor] for factor in self.tape.steps[product][1:])

    def _find_sums(self) -> None:
        results = self.tape.results[self.kept :]
        candidates = [self._product(at, result) for at, result in enumerate(results)]
        self.grids, others = grids_of([product for product in candidates if product is not None], self.record)
        self.products = [product[:3] for product in others if product[3] is None]
        for _, *factors in self.products:
            for factor in factors:
                self.record.place(factor)
        alone = {product[0] for product in others if product[3] is not None}  # computed, then summed
        single: list[tuple[int, int]] = []
        for at, (result, product) in enumerate(zip(results, candidates, strict=True)):
            if product is not None and at not in alone:
                self.fusing.add(result)
                if product[3] is not None:
                    self.fusing.add(self.tape.steps[result][2])
            elif self.varies[result]:
                single.append((at, result))
        self.grids += runs_of(single, self.record)

    def _product(self, at: int, result: int) -> Product | None:
        """Return a sum of products of two factors that vary, or of those under a condition."""
        steps, guard = self.tape.steps, None
        if steps[result][0] == "select" and self.uses[result] == 1 and self.varies[steps[result][1]]:
            condition, product, zero = steps[result][1:]
            if steps[zero][0] == "constant" and steps[zero][1] == 0.0:
                guard, result = condition, product
        step = steps[result]
        if step[0] == "mul" and self.uses[result] == 1 and self._both_vary(result):
            return at, step[1], step[2], guard
        return None

    def _place(self) -> None:
        """Give the columns of wide arrays and the inputs of layers their places in memory."""
        self.record, self.wide = Record(), dict[int, int]()
        inputs = {step[1]: at for at, step in enumerate(self.tape.steps) if step[0] == "input"}
        first = 0
        for array, columns in enumerate(self.widths):
            if columns > NARROW:
                # An input that nothing uses has a place all the same.
                steps = [inputs.get(column, -1 - column) for column in range(first, first + columns)]
                self.wide[array] = self.record.region(steps)[0]
            first += columns
        for group in self.groups:
            self.record.region(group.inputs)
