"""The backend for long programs: their bytecode, run by an interpreter that is compiled once per process.

LLVM takes about a tenth of a millisecond for an operation of straight-line code, so a program of 60,000 takes it
seconds. The bytecode takes half a microsecond to write, and one or two nanoseconds to run.
"""

from __future__ import annotations

from array import array

from autograd_mini.compiler.bytecode import Bytecode
from autograd_mini.compiler.llvm.interpreter import caller, interpreter
from autograd_mini.compiler.llvm.target import Code, lanes
from autograd_mini.compiler.threads import shared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autograd_mini.compiler.tape import Tape


class InterpretedProgram:
    """The program as a function of the list of its inputs, one number each."""

    def __init__(self, tape: Tape) -> None:
        self.bytecode = made = Bytecode(tape, 1)
        self.interpreter = interpreter(1)
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
        self.interpreter.run(self._orders, start, start + 8 * made.first)
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
            made = self.bytecode
            self._static = self._numbers()
            start = self._static.buffer_info()[0]
            self._entered = Code(caller(self.interpreter, self._orders, start, made), level=1)
        return self._entered.address("program")


def scalar(tape: Tape) -> InterpretedProgram:
    """Return the program as a function of the list of its inputs."""
    return InterpretedProgram(tape)


FEWEST = 4
"""Minimum blocks per extra thread."""


class InterpretedBatch:
    """The program as a function of a whole batch; see `python.batch`."""

    def __init__(self, tape: Tape, widths: Sequence[int], kept: int, threads: int) -> None:
        self.width = lanes()
        self.bytecode = Bytecode(tape, self.width)
        self.interpreter = interpreter(self.width)
        self.widths, self.kept, self.threads = widths, kept, threads
        varies = tape.varying(sum(widths))
        self.same = [at for at, result in enumerate(tape.results[kept:], start=kept) if not varies[result]]
        self._idle: list[Any] = []

    def __call__(self, n: int, arrays: Sequence[Any], uniform: Any) -> tuple[list[Any], Any]:
        """Return the columns and the means."""
        import numpy as np

        made, width, kept = self.bytecode, self.width, self.kept
        batched, orders = sum(self.widths), made.orders.buffer_info()[0]
        columns = np.empty((kept, n))
        results = np.zeros(made.room - made.results - kept)

        def run(first: int, end: int) -> Any:
            numbers = self._numbers()
            numbers[batched : made.inputs] = np.asarray(uniform, dtype=np.float64)[:, None]
            place = numbers.ctypes.data
            sums = np.zeros((len(results), width))
            for start in range(first * width, min(end * width, n), width):
                count = min(width, n - start)
                at = 0
                for given, columns_given in zip(arrays, self.widths, strict=True):
                    numbers[at : at + columns_given, :count] = given[start : start + count].T
                    at += columns_given
                self.interpreter.run(orders, place, place + 8 * width * made.first)
                columns[:, start : start + count] = numbers[made.results : made.results + kept, :count]
                sums[:, :count] += numbers[made.results + kept :, :count]
            found = numbers[made.results :, 0].copy()
            self._idle.append(numbers)
            return sums.sum(axis=1), found

        parts = shared(run, -(-n // width), self.threads, FEWEST)
        sums = sum(part[0] for part in parts) / max(n, 1)
        if n:
            sums[[at - kept for at in self.same]] = parts[0][1][self.same]
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


def batch(tape: Tape, widths: Sequence[int], kept: int, threads: int = 1) -> InterpretedBatch:
    """Return the program as a function of a whole batch; see `python.batch`."""
    return InterpretedBatch(tape, widths, kept, threads)
