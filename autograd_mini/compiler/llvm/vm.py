"""The backend for long programs: their bytecode, run by an interpreter that is compiled once per process.

LLVM takes about a tenth of a millisecond for an operation of straight-line code, so a program of 60,000 takes it
seconds. The bytecode takes half a microsecond to write, and one or two nanoseconds to run. The interpreter is generated
from the table of operations, for a number of lanes. In C it would read

    void run(int32 *order, vector *numbers, vector *result)
    {
        for (;; order += 4, result++)
            switch (order[0]) {
                case ADD: *result = numbers[order[1]] + numbers[order[2]]; break;
                ...
                default: return;
            }
    }

where a vector holds the same number of several samples, or of one.
"""

from __future__ import annotations

import ctypes
from array import array
from functools import cache

from autograd_mini.compiler.array_tape import NAMES, ArrayTape
from autograd_mini.compiler.backends import installed, shared
from autograd_mini.compiler.llvm.assembler import Assembler, function, module, pointer
from autograd_mini.compiler.llvm.target import Code, lanes
from autograd_mini.compiler.passes import ADDED, WRITTEN_OUT, legalised
from autograd_mini.compiler.tape import ARRAYS, BASIC, CONDITIONS, GATHERS, TRUTHS
from autograd_mini.engine.ops import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.tape import Tape

OPERATIONS = (
    *sorted((BASIC - WRITTEN_OUT) | ADDED | TRUTHS | {"round", "select"}),
    "multiply_add",
    "copy",
    "take",
    "collect",
)
"""The operations of the interpreter, in the order of their numbers.

`take` copies an entry of an array, given where it begins and the index; `collect` adds a number to such an entry, and
its own result is that number.
"""

HALT = len(OPERATIONS)
_NUMBERS = {name: number for number, name in enumerate(OPERATIONS)}

LONG = 5_000
"""Minimum steps of a tape whose bytecode is written by NumPy."""

FEWEST = 4
"""Minimum blocks per extra thread."""


# --- bytecode ---


class Bytecode:
    """A tape as an array of numbers, four to an order, for the interpreter.

    An order is the number of its operation and the places of up to three operands. Where its result goes is not said:
    each order has the place after that of the order before it. The places lie in one array: the inputs of the program,
    its constants, the results of the orders. The last orders copy the results of the program, so that they lie side by
    side.

    Attributes:
        orders: the numbers; places are in bytes, and hold as many numbers as there are lanes.
        constants: what lies after the inputs.
        inputs: how many inputs there are.
        first: the place of the first order's result, counted in places.
        results: the place of the first result of the program, likewise.
        room: how many places there are.

    >>> from autograd_mini.compiler.tape import Builder
    >>> b = Builder(2)
    >>> made = Bytecode(b.finished([b.add(b.mul(b.input(0), b.input(1)), 1.0)]), 1)
    >>> [OPERATIONS[number] for number in made.orders[:-4:4]], list(made.orders[1:4])
    (['multiply_add', 'copy'], [0, 8, 16])

    """

    def __init__(self, tape: Tape, lanes: int) -> None:
        size = 8 * lanes
        tape = legalised(tape)
        if len(tape) > LONG and tape.kinds().isdisjoint(GATHERS) and installed("numpy"):
            self._write_at_once(ArrayTape.of(tape).pruned(), size)
        else:
            self._write(tape, size)

    def _write(self, tape: Tape, size: int) -> None:
        """Write the orders one by one."""
        fused, steps = _fused(tape), tape.steps
        within = set(fused.values())
        self.inputs, self.constants = tape.inputs, array("d")
        zero = tape.inputs * size  # with which the sums of a scatter begin
        if any(step[0] == "scatter" for step in steps):
            self.constants.append(0.0)
        places: list[int] = []
        for step in steps:
            if step[0] == "constant":
                places.append((tape.inputs + len(self.constants)) * size)
                self.constants.append(step[1])
            else:
                places.append(step[1] * size if step[0] == "input" else -1)
        self.first = tape.inputs + len(self.constants)
        self.orders = array("i")
        put, following = self.orders.extend, self.first * size
        for at, step in enumerate(steps):
            if places[at] >= 0 or at in within:
                continue
            if step[0] == "take" and steps[step[2]][0] == "constant":
                places[at] = places[step[1]] + int(steps[step[2]][1]) * size
                continue
            if step[0] in ARRAYS:
                entries = [places[x] for x in step[1:]] if step[0] == "table" else [zero] * tape.length(at)
                if step[0] == "table" and entries == [*range(entries[0], entries[0] + len(entries) * size, size)]:
                    places[at] = entries[0]  # they lie so already
                    continue
                places[at] = following
                for place in entries:
                    put((_NUMBERS["copy"], place, 0, 0))
                following += len(entries) * size
                if step[0] == "scatter":
                    for index, number in zip(step[2::2], step[3::2], strict=True):
                        put((_NUMBERS["collect"], places[at], places[index], places[number]))
                        following += size
                continue
            if at in fused:
                product = fused[at]
                other = step[2] if step[1] == product else step[1]
                put((_NUMBERS["multiply_add"], *[places[x] for x in steps[product][1:]], places[other]))
            else:
                put((_NUMBERS[step[0]], *[places[x] for x in step[1:]], 0, 0)[:4])
            places[at] = following
            following += size
        self.results = following // size
        for at in tape.results:
            put((_NUMBERS["copy"], places[at], 0, 0))
        put((HALT, 0, 0, 0))
        self.room = self.results + len(tape.results)

    def _write_at_once(self, tape: ArrayTape, size: int) -> None:
        """Write the orders of a long tape all at once."""
        import numpy as np

        first, operands = tape.first, tape.operands
        self.inputs, self.constants = tape.inputs, array("d", tape.constants)
        self.first = tape.inputs + len(self.constants)
        codes = np.array([_NUMBERS.get(name, HALT) for name in NAMES], np.int32)[tape.codes]
        uses = np.bincount(operands.ravel(), minlength=first + len(codes))
        uses += np.bincount(tape.results, minlength=len(uses))
        products = np.concatenate([np.zeros(first, bool), codes == _NUMBERS["mul"]]) & (uses == 1)
        sums = np.flatnonzero(codes == _NUMBERS["add"])
        left, right = operands[:2, sums]
        of_right, of_left = products[right], products[left]
        product, other = np.where(of_right, right, left), np.where(of_right, left, right)
        fuses = of_right | of_left
        sums, product, other = sums[fuses], product[fuses] - first, other[fuses]
        operands, codes[sums] = operands.copy(), _NUMBERS["multiply_add"]
        operands[:, sums] = np.stack([*operands[:2, product], other])
        needed = np.ones(len(codes), bool)
        needed[product] = False
        del uses, products, left, right, of_left, of_right
        count = int(np.count_nonzero(needed))
        self.results = self.first + count
        self.room = self.results + len(tape.results)
        if self.room * size >= 1 << 31:
            raise OverflowError(f"the program has {self.room} numbers, expected fewer: compile parts of it")
        constants = tape.inputs + np.arange(len(self.constants), dtype=np.int32)
        following = self.first - 1 + np.cumsum(needed, dtype=np.int32)
        places = np.concatenate([np.array(tape.given, np.int32), constants, following]) * np.int32(size)
        orders = np.zeros((count + len(tape.results) + 1, 4), np.int32)
        orders[:count, 0] = codes[needed]
        for slot, column in enumerate(operands, start=1):
            orders[:count, slot] = places[column[needed]]
        orders[count:-1, 0] = _NUMBERS["copy"]
        orders[count:-1, 1] = places[tape.results]
        orders[-1, 0] = HALT
        del operands, codes, places, following
        self.orders = array("i")
        self.orders.frombytes(orders.data.cast("B"))


def _fused(tape: Tape) -> dict[int, int]:
    """Return for each sum that takes in a product of no other use the step of that product."""
    steps, uses = tape.steps, tape.uses()
    fused = {}
    for at, step in enumerate(steps):
        if step[0] == "add":
            for operand in (step[2], step[1]):
                if steps[operand][0] == "mul" and uses[operand] == 1:
                    fused[at] = operand
                    break
    return fused


# --- the interpreter ---


@cache
def _interpreter(lanes: int) -> tuple[Callable[..., None], Code]:
    """Return the function (orders, numbers, first result), all of them addresses, and what keeps it."""
    declarations: set[str] = set()
    code = Code(module(text(lanes, declarations), declarations), level=1)
    return ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3)(code.address("run")), code


def text(lanes: int, declarations: set[str]) -> list[str]:
    """Write the loop over the orders."""
    writer = Assembler(lanes, "o", declarations)
    loop = writer.loop("loop")
    order, result = loop.carry("ptr", "%orders"), loop.carry("ptr", "%first")
    operation = writer.load(order, "i32")
    labels = " ".join(f"i32 {number}, label %{name}" for number, name in enumerate(OPERATIONS))
    writer.write(f"switch i32 {operation}, label %done [ {labels} ]")
    for name in OPERATIONS:
        writer.begin(name)
        operands = []
        for at in range(_arity(name)):
            offset = writer.put(f"zext i32 {writer.load(writer.element('i32', order, at + 1), 'i32')} to i64")
            place = writer.element("i8", "%numbers", offset)
            array = at == 0 and name in {"take", "collect"}
            operands.append(place if array else writer.load(place, align=8))
        writer.store(_performed(writer, name, operands), result, align=8)
        writer.write("br label %next")
    writer.begin("next")
    loop.follow(order, writer.element("i32", order, 4))
    loop.follow(result, writer.element("double", result, lanes))
    loop.end()
    writer.begin("done")
    return function("void @run(ptr noalias %orders, ptr %numbers, ptr %first)", writer.lines)


def _arity(name: str) -> int:
    if name in {"select", "multiply_add", "collect"}:
        return 3
    if name in CONDITIONS or name in {"fmod", "copysign", "take"}:
        return 2
    return len(TABLE[name].operands) if name in TABLE else 1


def _performed(writer: Assembler, name: str, operands: list[str]) -> str:
    """Write an operation; truth values lie in memory as 1.0 and 0.0."""
    if name == "copy":
        return operands[0]
    if name == "take":
        return writer.gathered(*operands, varies=True)
    if name == "collect":
        writer.collect(*operands, varies=True)
        return operands[2]
    if name == "multiply_add":  # rounded twice, as the two operations are
        return writer.step("add", [writer.step("mul", operands[:2]), operands[2]])
    truths = len(operands) if name in {"and", "or", "not"} else 1 if name == "select" else 0
    found = writer.step(name, [*map(writer.truth_of, operands[:truths]), *operands[truths:]])
    return writer.number_of(found) if name in TRUTHS else found


# --- programs ---


class InterpretedProgram:
    """The program as a function of the list of its inputs, one number each."""

    def __init__(self, tape: Tape) -> None:
        self.bytecode = made = Bytecode(tape, 1)
        self._run = _interpreter(1)[0]
        self._orders = made.orders.buffer_info()[0]
        self._idle: list[array[float]] = []  # numbers of calls that are over; a call takes one for itself
        self._entered: Code | None = None

    def __call__(self, inputs: Sequence[float]) -> list[float]:
        """Return the results."""
        made = self.bytecode
        try:
            numbers = self._idle.pop()
        except IndexError:
            numbers = self._numbers()
        numbers[: made.inputs] = array("d", inputs)
        start = numbers.buffer_info()[0]
        self._run(self._orders, start, start + 8 * made.first)
        results = numbers[made.results :].tolist()
        self._idle.append(numbers)
        return results

    def _numbers(self) -> array[float]:
        made = self.bytecode
        numbers = array("d", bytes(8 * made.room))
        numbers[made.inputs : made.first] = made.constants
        return numbers

    @property
    def address(self) -> int:
        """Where a function (inputs, results) begins that runs the program; two threads must not be in it at once."""
        if self._entered is None:
            made, writer = self.bytecode, Assembler(1, "c", set())
            self._static = self._numbers()
            start = self._static.buffer_info()[0]
            given = ", ".join(f"ptr {pointer(at)}" for at in (self._orders, start, start + 8 * made.first))
            writer.copy(pointer(start), "%inputs", 8 * made.inputs)
            writer.write(f"call void {pointer(_interpreter(1)[1].address('run'))}({given})")
            writer.copy("%results", pointer(start + 8 * made.results), 8 * (made.room - made.results))
            lines = function("void @program(ptr %inputs, ptr %results)", writer.lines)
            self._entered = Code(module(lines, writer.declarations), level=1)
        return self._entered.address("program")


class InterpretedBatch:
    """The program as a function of a whole batch; see `python.batch`."""

    def __init__(self, tape: Tape, widths: Sequence[int], kept: int, threads: int = 1) -> None:
        self.width = lanes()
        self.bytecode = Bytecode(tape, self.width)
        self._run = _interpreter(self.width)[0]
        self.widths, self.kept, self.threads = widths, kept, threads
        varies = tape.varying(sum(widths))
        self.same = [at for at, result in enumerate(tape.results[kept:]) if not varies[result]]
        self._idle: list[Any] = []

    def __call__(self, n: int, arrays: Sequence[Any], uniform: Any) -> tuple[list[Any], Any]:
        """Return the columns and the means."""
        import numpy as np

        made, width, kept = self.bytecode, self.width, self.kept
        batched, orders = sum(self.widths), made.orders.buffer_info()[0]
        columns = np.empty((kept, n))

        @np.errstate(all="ignore")  # in whatever thread it runs
        def run(first: int, end: int) -> Any:
            numbers = self._numbers()
            numbers[batched : made.inputs] = np.asarray(uniform, dtype=np.float64)[:, None]
            place = numbers.ctypes.data
            sums = np.zeros((made.room - made.results - kept, width))
            for start in range(first * width, min(end * width, n), width):
                count = min(width, n - start)
                at = 0
                for given, columns_given in zip(arrays, self.widths, strict=True):
                    numbers[at : at + columns_given, :count] = given[start : start + count].T
                    at += columns_given
                self._run(orders, place, place + 8 * width * made.first)
                columns[:, start : start + count] = numbers[made.results : made.results + kept, :count]
                sums[:, :count] += numbers[made.results + kept :, :count]
            found = numbers[made.results + kept :, 0].copy()
            self._idle.append(numbers)
            return sums.sum(axis=1), found

        parts = shared(run, -(-n // width), self.threads, FEWEST)
        sums = sum(part[0] for part in parts) / max(n, 1)
        if n:
            sums[self.same] = parts[0][1][self.same]
        return list(columns), sums

    def _numbers(self) -> Any:
        import numpy as np

        try:
            return self._idle.pop()
        except IndexError:
            made = self.bytecode
            numbers = np.zeros((made.room, self.width))
            numbers[made.inputs : made.first] = np.frombuffer(made.constants)[:, None] if made.constants else 0.0
            return numbers


scalar, batch = InterpretedProgram, InterpretedBatch
