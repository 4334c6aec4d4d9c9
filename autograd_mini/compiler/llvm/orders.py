"""Orders: what a kernel computes for a block of samples, and what it sums, as numbers that an interpreter reads.

LLVM takes ten microseconds for an instruction even where it does not try, and an order takes Python one. So the kernel
that runs until there is better code is an interpreter, of the operations that its plan has, compiled anew for each. It
rounds where straight-line code does, and adds in the same order, so that results are the same to the last bit.

In C it would read

    void block(int64 *orders, double *uniform, vector *record)
    {
        for (; orders < end; orders += 6) {
            vector x = record[orders[2]], y = record[orders[3]], z = record[orders[4]], *result = &record[orders[1]];
            switch (orders[0]) {
                case FUSED: *result = fma(x, y, z); break;
                case UNIFORM: *result = splat(uniform[orders[5]]); break;
                ...
            }
        }
    }
"""

from __future__ import annotations

from array import array

from autograd_mini.compiler.llvm.assembler import hexadecimal
from autograd_mini.compiler.llvm.block import PARTS
from autograd_mini.compiler.tape import GATHERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.compiler.llvm.assembler import Assembler
    from autograd_mini.compiler.llvm.dot_products import DotProduct
    from autograd_mini.compiler.llvm.plan import KernelPlan
    from autograd_mini.compiler.tape import Step

WORDS = 6
"""Numbers of an order: operation, place of the result, places of three operands, and a place elsewhere."""


def suits(plan: KernelPlan) -> bool:
    """Return whether there are orders for all that a plan has: arrays are for straight-line code alone."""
    return plan.tape.kinds().isdisjoint(GATHERS)


class Orders:
    """The orders of a plan. A place is that of a vector in the memory of a block.

    Attributes:
        room: how many vectors that memory has; the first of them are the plan's scratch memory.
        columns: the place of the first column of each array.
        kept: the place of each result that is returned for each sample.

    """

    def __init__(self, plan: KernelPlan) -> None:
        self.plan, self._steps = plan, plan.tape.steps
        self.room = len(plan.scratch)
        self._orders, self._sums, self._constants = array("q"), array("q"), list[str]()
        self._operations: dict[str, tuple[int, int]] = {}  # the number of each, and how many operands it takes
        self._places: dict[int, int] = {}
        self._known: dict[str, int] = {}  # the places of constants
        self._rows = {
            product.end: (f"matvec{at}", product, first)
            for at, matvec in enumerate(plan.matvecs)
            for product, first in zip(matvec.products, matvec.first, strict=True)
        }
        self.columns = [plan.wide[at] if at in plan.wide else self._free(width) for at, width in enumerate(plan.widths)]
        columns = [first + at for first, width in zip(self.columns, plan.widths, strict=True) for at in range(width)]
        within = (plan.inside | plan.fusing).difference(self._rows, plan.long)
        for at, step in enumerate(self._steps):
            if plan.varies[at] and at not in within:
                self._do(at, step, columns)
        self.kept = [self._place(at) for at in plan.tape.results[: plan.kept]]
        one = self._constant(1.0)
        for at, result in enumerate(plan.tape.results[plan.kept :]):
            if plan.varies[result]:
                summand = plan.product(at, result) if result in plan.fusing else None
                factors = (result, None, None) if summand is None else summand[1:]
                self._sums.extend((at, *[one if x is None else plan.scratch.places[x][0] for x in factors]))

    # --- the numbers ---

    def _do(self, at: int, step: Step, columns: Sequence[int]) -> None:
        """Order a step of the tape."""
        plan, places = self.plan, self.plan.scratch.places.get(at, [])
        if step[0] == "input":
            self._places[at] = first = columns[step[1]]
            places = [first, *[place for place in places if place != first]]
        elif at in self._rows:
            name, product, first = self._rows[at]
            self._put(at, places, name, self._start(product), number=first)
        elif at in plan.long:
            self._in_parts(plan.long[at], places)
        else:
            fused = plan.fused(step)
            name, operands = (step[0], step[1:]) if fused is None else ("fused", fused)
            self._put(at, places, name, *[self._place(x) for x in operands])
        for place in places[1:]:
            self._order("copy", place, self._places[at])

    def _in_parts(self, product: DotProduct, places: Sequence[int]) -> None:
        """Order a dot product whose terms are added up in several parts, and these in pairs."""
        parts = [self._start(product), *[self._constant(-0.0)] * (PARTS - 1)]
        for at, (weight, x) in enumerate(zip(product.weights, product.inputs, strict=True)):
            parts[at % PARTS] = self._order("fused", -1, self._place(weight), self._place(x), parts[at % PARTS])
        while len(parts) > 2:
            parts = [self._order("add", -1, *pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
        self._put(product.end, places, "add", *parts)

    def _start(self, product: DotProduct) -> int:
        return self._constant(-0.0) if product.start is None else self._place(product.start)

    def _place(self, at: int) -> int:
        """Return where a step lies; one that does not vary is put there, in every lane."""
        if at not in self._places:
            step = self._steps[at]
            if step[0] == "constant":
                return self._constant(float(step[1]))
            self._put(at, (), "uniform", number=self.plan.slot[at])
        return self._places[at]

    def _constant(self, number: float) -> int:
        written = hexadecimal(number)
        if written not in self._known:
            self._known[written] = self._order("constant", -1, number=len(self._constants))
            self._constants.append(written)
        return self._known[written]

    def _put(self, at: int, places: Sequence[int], name: str, *operands: int, number: int = 0) -> None:
        self._places[at] = self._order(name, places[0] if places else -1, *operands, number=number)

    def _order(self, name: str, place: int, *operands: int, number: int = 0) -> int:
        """Append an order and return where its result lies: at a place, or where there is room."""
        operation, _ = self._operations.setdefault(name, (len(self._operations), len(operands)))
        place = self._free() if place < 0 else place
        self._orders.extend((operation, place, *operands, *[0] * (3 - len(operands)), number))
        return place

    def _free(self, count: int = 1) -> int:
        self.room += count
        return self.room - count

    # --- the interpreter ---

    def globals(self) -> list[str]:
        """Return the numbers as constants of a module."""
        return [
            _table("orders", "i64", self._orders),
            _table("summands", "i64", self._sums),
            _table("constants", "double", self._constants),
        ]

    def write_block(self, writer: Assembler) -> None:
        """Write the loop over the orders, after those that load the block's rows, and before the stores of columns."""
        put, element, width, kind = writer.put, writer.element, writer.width, writer.kind
        for at, (place, columns) in enumerate(zip(self.columns, self.plan.widths, strict=True)):
            if columns:
                first = element(kind, "%record", place)
                with (
                    writer.counting(f"load{at}", columns) as (_, column),
                    writer.counting(f"lane{at}", width) as (_, n),
                ):
                    source = put(f"add i64 {put(f'mul i64 {n}, {columns}')}, {column}")
                    number = writer.load(element("double", f"%rows{at}", source), "double")
                    writer.store(number, element("double", element(kind, first, column), n), "double")
        with writer.counting("order", len(self._orders) // WORDS) as (_, turn):
            order = element(f"[{WORDS} x i64]", "@orders", turn)
            operation, to, *places, number = [writer.load(element("i64", order, n), "i64") for n in range(WORDS)]
            operands = [writer.load(element(kind, "%record", x), align=width * 8) for x in places]
            labels = " ".join(f"i64 {n}, label %do_{name}" for name, (n, _) in self._operations.items())
            writer.write(f"switch i64 {operation}, label %do_constant [ {labels} ]")
            results = []
            for name, (_, count) in self._operations.items():
                writer.begin(f"do_{name}")
                results.append(f"[ {self._performed(writer, name, operands[:count], number)}, %{writer.label} ]")
                writer.write("br label %next")
            writer.begin("next")
            found = put(f"phi {kind} {', '.join(results)}")
            writer.store(found, element(kind, "%record", to), align=width * 8)
        for at, place in enumerate(self.kept):
            found = writer.load(element(kind, "%record", place), align=width * 8)
            writer.store(found, element("double", f"%column{at}", "%row"), align=8)

    def _performed(self, writer: Assembler, name: str, operands: list[str], number: str) -> str:
        """Write an operation; truth values lie in memory as 1.0 and 0.0."""
        if name == "copy":
            return operands[0]
        if name in {"constant", "uniform"}:
            pointer = writer.element("double", "@constants" if name == "constant" else "%uniform", number)
            return writer.splat(writer.load(pointer, "double"))
        if name == "fused":
            return writer.fused(*operands)
        if not name.startswith("matvec"):
            return writer.on_numbers(name, operands)
        matvec = self.plan.matvecs[int(name.removeprefix("matvec"))]
        with writer.counting(name, len(matvec.inputs)) as (loop, index):
            total = loop.carry(writer.kind, operands[0])
            place = writer.put(f"add i64 {writer.put(f'mul i64 {index}, {matvec.step}')}, {matvec.place}")
            x = writer.load(writer.element(writer.kind, "%record", place), align=writer.width * 8)
            slot = writer.put(f"add i64 {writer.put(f'mul i64 {index}, {matvec.stride}')}, {number}")
            weight = writer.load(writer.element("double", "%uniform", slot), "double")
            grown = writer.fused(writer.splat(weight), x, total)
            loop.follow(total, grown)
        return grown

    def write_sums(self, writer: Assembler) -> None:
        """Write the loop over the sums, each over the blocks of a group, and then over the lanes."""
        put, element, width, kind = writer.put, writer.element, writer.width, writer.kind
        if not self._sums:
            return
        with writer.counting("sum", len(self._sums) // 4) as (_, at):
            entry = element("[4 x i64]", "@summands", at)
            number, *places = [writer.load(element("i64", entry, n), "i64") for n in range(4)]
            with writer.counting("product", "%count") as (loop, block):
                total = loop.carry(kind, "zeroinitializer")
                record = element(kind, "%records", put(f"mul i64 {block}, {self.room}"))
                left, right, guard = [writer.load(element(kind, record, x), align=width * 8) for x in places]
                added = writer.fused(left, right, total)  # by 1.0 where there is one factor
                grown = writer.step("select", [writer.truth_of(guard), added, total])
                loop.follow(total, grown)
            step = 1
            while step < width:
                grown = writer.step("add", [grown, writer.shuffled(grown, "poison", [n ^ step for n in range(width)])])
                step *= 2
            sums = element("double", "%sums", number)
            lane = put(f"extractelement {kind} {grown}, i32 0")
            writer.store(put(f"fadd double {writer.load(sums, 'double')}, {lane}"), sums, "double")


def _table(name: str, kind: str, numbers: Sequence[object]) -> str:
    return f"@{name} = internal constant [{len(numbers)} x {kind}] [{', '.join([f'{kind} {x}' for x in numbers])}]"
