"""The backend for long programs: their bytecode, run by an interpreter that is compiled once per process.

LLVM takes about a tenth of a millisecond for an operation of straight-line code, so a program of 60,000 takes it
seconds. The bytecode takes a tenth of a microsecond to write, and one or two nanoseconds to run. The interpreter is
generated from the table of operations, for a number of lanes. In C it would read

    void run(int32 *order, vector *numbers, vector *result)
    {
        for (;; order += 4, result++)
            switch (order[0]) {
                case ADD: *result = numbers[order[1]] + numbers[order[2]]; break;
                ...
                default: return;
            }
    }

where a vector holds the same number of several samples, or of one. Orders whose numbers lie side by side
are one order, a row, in which single numbers are done in vectors: see `bytecode`.
"""

from __future__ import annotations

import ctypes
from array import array
from functools import cache

from autograd_mini.compiler.backends import shared
from autograd_mini.compiler.llvm.assembler import Assembler, function, module, pointer
from autograd_mini.compiler.llvm.bytecode import OPERATIONS, ROWS, Bytecode
from autograd_mini.compiler.llvm.target import Code, lanes
from autograd_mini.compiler.tape import CONDITIONS
from autograd_mini.engine.ops import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.tape import Tape

FEWEST = 4
"""Minimum blocks per extra thread."""


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
    following: list[str] = []  # the order after this one, by the label from which it is gone on to
    after: list[str] = []  # the place of its result, likewise
    for name in OPERATIONS:
        writer.begin(name)
        size, count = "4", "1"
        if name == "dot":
            size = _dot(writer, order, result)
        elif name in ROWS:
            size, count = "8", _row(writer, name, order, result)
        else:
            operands = []
            for at in range(_arity(name)):
                place = _place(writer, order, at + 1)
                array = at == 0 and name in {"take", "collect"}
                operands.append(place if array else writer.load(place, align=8))
            writer.store(_performed(writer, name, operands), result, align=8)
        following.append(f"[ {writer.element('i32', order, size)}, %{writer.label} ]")
        after.append(f"[ {writer.element(writer.kind, result, count)}, %{writer.label} ]")
        writer.write("br label %next")
    writer.begin("next")
    loop.follow(order, writer.put(f"phi ptr {', '.join(following)}"))
    loop.follow(result, writer.put(f"phi ptr {', '.join(after)}"))
    loop.end()
    writer.begin("done")
    return function("void @run(ptr noalias %orders, ptr %numbers, ptr %first)", writer.lines)


def _entry(writer: Assembler, order: str, at: int | str) -> str:
    """Write the reading of a number of an order."""
    return writer.put(f"zext i32 {writer.load(writer.element('i32', order, at), 'i32')} to i64")


def _place(writer: Assembler, order: str, at: int | str) -> str:
    """Write the address of an operand."""
    return writer.element("i8", "%numbers", _entry(writer, order, at))


def _dot(writer: Assembler, order: str, result: str) -> str:
    """Write a sum of products; return how many numbers its orders have."""
    count, start = _entry(writer, order, 1), writer.load(_place(writer, order, 2), align=8)
    with writer.counting("product", count) as (turn, at):
        total = turn.carry(writer.kind, start)
        factors = writer.element("i32", order, writer.put(f"add i64 {writer.put(f'mul i64 {at}, 2')}, 4"))
        x, y = [writer.load(_place(writer, factors, slot), align=8) for slot in range(2)]
        made = writer.step("add", [writer.step("mul", [x, y]), total])
        turn.follow(total, made)
    pairs = writer.put(f"lshr i64 {writer.put(f'add i64 {count}, 3')}, 1")
    writer.store(made, result, align=8)
    return writer.put(f"mul i64 {pairs}, 4")


def _row(writer: Assembler, name: str, order: str, result: str) -> str:
    """Write a row of operations; return how many it has.

    Single numbers are done as many at a time as there are lanes in a vector. So the last may go beyond the row, where
    nothing has been computed yet.
    """
    count, single = _entry(writer, order, 4), writer.width == 1
    whole = Assembler(lanes(), name, writer.declarations) if single else writer
    of, strides = ROWS[name]
    places = [_place(writer, order, at + 1) for at in range(_arity(of))]
    same = ["" if stride else writer.load(place, align=8) for place, stride in zip(places, strides, strict=False)]
    if single:
        whole.lines, whole.label = writer.lines, writer.label
        same = [number and whole.splat(number) for number in same]
    with whole.counting(f"row_{name}", count, step=whole.width if single else 1) as (_, at):
        operands = [
            number or whole.load(writer.element(writer.kind, place, at), align=8)
            for number, place in zip(same, places, strict=True)
        ]
        whole.store(_performed(whole, of, operands), writer.element(writer.kind, result, at), align=8)
    writer.label = whole.label
    return count


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
    return writer.on_numbers(name, operands)


# --- programs ---


class InterpretedProgram:
    """The program as a function of the list of its inputs, one number each."""

    def __init__(self, tape: Tape) -> None:
        self.bytecode = made = Bytecode(tape, 1)
        self.results = len(tape.results)
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
        results = numbers[made.results : made.room].tolist()
        self._idle.append(numbers)
        return results

    def _numbers(self) -> array[float]:
        made = self.bytecode
        numbers = array("d", bytes(8 * (made.room + lanes())))  # what is beyond is for rows, see `_row`
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
