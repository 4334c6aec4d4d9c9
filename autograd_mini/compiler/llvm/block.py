"""The block: the instructions for one block of samples, from its rows to the vectors in its scratch memory."""

from __future__ import annotations

from autograd_mini.compiler.llvm.plan import NARROW
from autograd_mini.compiler.tape import ARRAYS, TRUTHS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from autograd_mini.compiler.llvm.assembler import Assembler
    from autograd_mini.compiler.llvm.dot_products import DotProduct, MatVec
    from autograd_mini.compiler.llvm.plan import KernelPlan
    from autograd_mini.compiler.tape import Step

PARTS = 4
"""Partial sums of a long dot product."""


def write_array(writer: Assembler, step: Step, length: int, place: str, operand: Callable[[int], str]) -> None:
    """Write what fills an array at a place: a table with its entries, or a scatter with sums."""
    varies = writer.width > 1
    if step[0] == "table":
        for at, entry in enumerate(step[1:]):
            writer.counted()
            writer.store(operand(entry), writer.element(writer.kind, place, at), align=8)
        return
    writer.clear(place, 8 * length * writer.width)
    for index, number in zip(step[2::2], step[3::2], strict=True):
        writer.counted()
        writer.collect(place, operand(index), operand(number), varies=varies)


def write_uniform(plan: KernelPlan, writer: Assembler) -> None:
    """Write what is computed once, into its slots in `uniform`."""
    steps, names = plan.tape.steps, dict[int, str]()

    def operand(at: int) -> str:
        if at not in names:
            if steps[at][0] == "constant":
                names[at] = writer.constant(steps[at][1])
            else:  # an input, loaded where it is first used
                names[at] = writer.load(writer.element("double", "%uniform", plan.slot[at]))
        return names[at]

    for at in plan.once:
        writer.counted()
        if steps[at][0] in ARRAYS:
            names[at] = writer.element("double", "%uniform", plan.slot[at])
            if at not in plan.lying:
                write_array(writer, steps[at], plan.tape.length(at), names[at], operand)
            continue
        if steps[at][0] == "take":
            names[at] = number = writer.gathered(operand(steps[at][1]), operand(steps[at][2]), varies=False)
        else:
            names[at] = number = writer.step(steps[at][0], [operand(x) for x in steps[at][1:]])
        if at in plan.slot:
            pointer = writer.element("double", "%uniform", plan.slot[at])
            if steps[at][0] in TRUTHS:
                number = writer.put(f"uitofp i1 {number} to double")
            writer.store(number, pointer)


class BlockWriter:
    """Writes what is computed for a block, and the stores of what is returned for each sample."""

    def __init__(self, plan: KernelPlan, writer: Assembler) -> None:
        self.plan, self.steps, self.writer = plan, plan.tape.steps, writer
        self._names: dict[int, str] = {}
        self._loops = 0
        self._waiting = {product.end: matvec for matvec in plan.matvecs for product in matvec.products}
        columns = self._columns()
        for at, step in enumerate(self.steps):
            if plan.varies[at]:
                self._write(at, step, columns)
        for matvec in [*dict.fromkeys(self._waiting.values())]:
            self._multiply(matvec)
        for column, at in enumerate(plan.tape.results[: plan.kept]):
            pointer = writer.element("double", f"%column{column}", "%row")
            writer.store(self._operand(at), pointer, align=8)

    def _write(self, at: int, step: Step, columns: dict[int, str]) -> None:
        """Write a step of the tape."""
        plan = self.plan
        if step[0] == "input":
            if step[1] in columns:
                self._known(at, columns[step[1]])
            else:  # it lies in memory; other loops may want it elsewhere too
                self._stored(at, self._operand(at), first=1)
            return
        for x in step[1:]:
            if x in self._waiting:
                self._multiply(self._waiting[x])
        if at in plan.inside or at in plan.fusing:
            if at in plan.long:
                self._known(at, self._in_parts(plan.long[at]))
            return
        if self.writer.counted():
            self._forget()
        if step[0] in ARRAYS:
            place = self.writer.element(self.writer.kind, "%record", plan.arrays[at])
            write_array(self.writer, step, plan.tape.length(at), place, self._operand)
            self._forget()
            return
        if step[0] == "take":
            found = self._taken(*step[1:])
        elif (fused := plan.fused(step)) is not None:
            found = self.writer.fused(*map(self._operand, fused))
        else:
            found = self.writer.step(step[0], [self._operand(x) for x in step[1:]])
        self._known(at, found)

    def _taken(self, array: int, index: int) -> str:
        """Write the load of an entry of an array."""
        plan, writer = self.plan, self.writer
        if plan.varies[array]:
            place = writer.element(writer.kind, "%record", plan.arrays[array])
        else:
            place = writer.element("double", "%uniform", plan.slot[array])
        return writer.gathered(place, self._operand(index), varies=plan.varies[array])

    def _forget(self) -> None:
        """Load what lies in memory from here on; no register keeps it."""
        for at in [at for at in self._names if at in self.plan.scratch.places]:
            del self._names[at]

    def _known(self, at: int, name: str) -> None:
        """Note the result of a step, and put it where loops expect it."""
        self._names[at] = name
        self._stored(at, name)

    def _stored(self, at: int, name: str, first: int = 0) -> None:
        places = self.plan.scratch.places.get(at, [])
        if places and self.steps[at][0] in TRUTHS:
            name = self.writer.number_of(name)
        for place in places[first:]:
            pointer = self.writer.element(self.writer.kind, "%record", place)
            self.writer.store(name, pointer, align=self.plan.width * 8)

    def _operand(self, at: int) -> str:
        writer, step = self.writer, self.steps[at]
        if step[0] == "constant":
            return writer.constant(step[1])
        if at in self._names:
            return self._names[at]
        if self.plan.varies[at]:
            place = writer.element(writer.kind, "%record", self.plan.scratch.places[at][0])
            number = writer.load(place, align=writer.width * 8)
        else:
            place = writer.element("double", "%uniform", self.plan.slot[at])
            number = writer.splat(writer.load(place, "double"))
        return writer.truth_of(number) if step[0] in TRUTHS else number

    def _columns(self) -> dict[int, str]:
        """Write the loads of the block's rows; return the vectors of those columns that do not lie in memory."""
        made: dict[int, str] = {}
        first = 0
        for array, columns in enumerate(self.plan.widths):
            if columns > NARROW:
                _transposed(self.writer, array, columns, self.plan.wide[array])
            elif columns:  # rows as they lie, from which a vector is picked for each column
                width = self.writer.width
                kind = f"<{width * columns} x double>"
                rows = self.writer.load(f"%rows{array}", kind, align=8)
                for at in range(columns):
                    lanes = [lane * columns + at for lane in range(width)]
                    made[first + at] = self.writer.shuffled(rows, "poison", lanes, kind)
            first += columns
        return made

    def _start(self, product: DotProduct) -> str:
        return self.writer.constant(-0.0) if product.start is None else self._operand(product.start)

    def _in_parts(self, product: DotProduct) -> str:
        """Write a dot product whose terms are added up in several parts, and these in pairs."""
        writer = self.writer
        parts = [self._start(product), *[writer.constant(-0.0)] * (PARTS - 1)]
        for at, (weight, x) in enumerate(zip(product.weights, product.inputs, strict=True)):
            part = at % PARTS
            parts[part] = writer.fused(self._operand(weight), self._operand(x), parts[part])
        while len(parts) > 1:
            parts = [writer.step("add", pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
        writer.part()
        self._forget()
        return parts[0]

    def _multiply(self, matvec: MatVec) -> None:
        """Write the loops of a product of a matrix and a vector, each over all inputs for some of the rows."""
        for product in matvec.products:
            del self._waiting[product.end]
        for part in matvec.parts:
            self._loop(matvec, part)

    def _loop(self, matvec: MatVec, part: range) -> None:
        writer, kind = self.writer, self.writer.kind
        products = [matvec.products[row] for row in part]
        starts = [self._start(product) for product in products]
        self._loops += 1
        with writer.counting(f"matvec{self._loops}", len(matvec.inputs)) as (loop, index):
            sums = [loop.carry(kind, start) for start in starts]
            weights = writer.element("double", "%uniform", writer.put(f"mul i64 {index}, {matvec.stride}"))
            place = writer.put(f"add i64 {writer.put(f'mul i64 {index}, {matvec.step}')}, {matvec.place}")
            x = writer.load(writer.element(kind, "%record", place), align=writer.width * 8)
            grown = []
            for total, row in zip(sums, part, strict=True):
                weight = writer.load(writer.element("double", weights, matvec.first[row]), "double")
                grown.append(writer.fused(writer.splat(weight), x, total))
                loop.follow(total, grown[-1])
        self._forget()
        for product, new in zip(products, grown, strict=True):
            self._known(product.end, new)


def _transposed(writer: Assembler, array: int, columns: int, place: int) -> None:
    """Write a loop that transposes wide rows, as many columns at a time as there are lanes, and what is left over.

    The first column belongs at `place` in the scratch memory of the block.
    """
    width = writer.width
    whole = columns // width * width
    if whole:
        with writer.counting(f"wide{array}", whole, step=width) as (_, column):
            rows = writer.element("double", f"%rows{array}", column)
            _square(writer, rows, columns, writer.put(f"add i64 {column}, {place}"), width)
    if whole < columns:
        rows = writer.element("double", f"%rows{array}", whole)
        _square(writer, rows, columns, str(place + whole), columns - whole)


def _square(writer: Assembler, rows: str, columns: int, place: str, count: int) -> None:
    """Write the loads of some columns of each row, and the stores of the vectors of the columns."""
    width, kind = writer.width, writer.kind
    lines = []
    for lane in range(width):
        row = writer.element("double", rows, lane * columns)
        if count == width:
            lines.append(writer.load(row, align=8))
        else:
            function, chosen = f"llvm.masked.load.v{width}f64.p0", f"<{width} x i1>"
            writer.declarations.add(f"declare {kind} @{function}(ptr, i32, {chosen}, {kind})")
            inside = ", ".join(f"i1 {'true' if at < count else 'false'}" for at in range(width))
            lines.append(writer.put(f"call {kind} @{function}(ptr {row}, i32 8, {chosen} <{inside}>, {kind} poison)"))
    size = 1
    while size < width:  # exchange ever larger blocks beside the diagonal
        for at in range(width):
            if not at & size:
                first, second = lines[at], lines[at + size]
                kept = [j if not j & size else width + j - size for j in range(width)]
                moved = [j + size if not j & size else width + j for j in range(width)]
                lines[at], lines[at + size] = [writer.shuffled(first, second, picked) for picked in (kept, moved)]
        size *= 2
    for at in range(count):
        index = writer.put(f"add i64 {place}, {at}")
        writer.store(lines[at], writer.element(kind, "%record", index), align=width * 8)
