"""A composition: machine code that runs the kernels of a program's loops and, on their sums, its outer program.

In C it would read, for one loop, with all arrays known when it is compiled:

    void program(double *inputs, double *results)
    {
        for (i) uniform[i] = inputs[source[i]];
        kernel(lanes, columns, uniform, means);
        memcpy(numbers, inputs); numbers[last] = lanes * means[0];
        outer(numbers, results);
        for (j) results[place[j]] += results[last] * lanes * means[1 + j];
    }
"""

from __future__ import annotations

import ctypes
from array import array
from typing import NamedTuple

from autograd_mini.compiler.llvm.assembler import Assembler, function, module, pointer
from autograd_mini.compiler.llvm.backend import call_kernel
from autograd_mini.compiler.llvm.target import Code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autograd_mini.compiler.llvm.backend import MachineBatch


class KernelCall(NamedTuple):
    """A loop of the program.

    Attributes:
        kernel: its kernel, which returns the means of outputs, and of the derivatives of a single one.
        lanes: how many lanes it has.
        totals: how many outputs there are.
        columns: its only array, which does not change.
        sources: the inputs of the program that it takes, in order.
        places: the results of the program that its derivatives are added to, in order.

    """

    kernel: MachineBatch
    lanes: int
    totals: int
    columns: Any
    sources: Sequence[int]
    places: Sequence[int]


class Composition:
    """The program as a function of the list of its inputs.

    Args:
        parts: the loops.
        outer: the program of the inputs and of all totals, as `backend.MachineProgram` or `vm.InterpretedProgram`; it
            returns the results, and, where a loop has derivatives, for each total what these are multiplied by.
        inputs: how many inputs there are.
        results: how many results.

    Attributes:
        address: where the function (inputs, results) begins; two threads must not be in it at once.

    """

    def __init__(self, parts: Sequence[KernelCall], outer: Any, inputs: int, results: int) -> None:
        import numpy as np

        totals = sum([part.totals for part in parts])
        self._rooms = [(np.empty(max(part.kernel.slots, 1)), np.empty(part.kernel.room)) for part in parts]
        self._numbers, self._found = np.empty(inputs + totals), np.empty(results + totals)
        self._indices = [(np.array(part.sources, np.int64), np.array(part.places, np.int64)) for part in parts]
        self._inputs, self._results = inputs, results
        self._kept = parts, outer  # what machine code refers to by address
        self._code = Code(self._text(parts, outer.address), level=1)
        self.address = self._code.address("program")
        # With the lock of the interpreter held, so that the memory is that of one call.
        self._call = ctypes.PYFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(self.address)

    def __call__(self, inputs: Sequence[float]) -> list[float]:
        """Return the results."""
        given, results = array("d", inputs), array("d", bytes(8 * self._results))
        self._call(given.buffer_info()[0], results.buffer_info()[0])
        return results.tolist()

    def _text(self, parts: Sequence[KernelCall], outer: int) -> str:
        writer = Assembler(1, "p", set())
        numbers, found, first = _at(self._numbers), _at(self._found), self._inputs
        writer.copy(numbers, "%inputs", 8 * self._inputs)
        for number, part in enumerate(parts):
            self._run(writer, number, part, first)
            first += part.totals
        writer.write(f"call void {pointer(outer)}(ptr {numbers}, ptr {found})")
        writer.copy("%results", found, 8 * self._results)
        first = self._results
        for number, part in enumerate(parts):
            self._add(writer, number, part, first)
            first += part.totals
        return module(function("void @program(ptr %inputs, ptr %results)", writer.lines), writer.declarations)

    def _run(self, writer: Assembler, number: int, part: KernelCall, first: int) -> None:
        """Write the call of a kernel, and the copies of its totals among the numbers, from `first` on."""
        put, element, numbers = writer.put, writer.element, _at(self._numbers)
        (uniform, means), (sources, _) = self._rooms[number], self._indices[number]
        columns = put("alloca ptr, align 8")
        writer.store(_at(part.columns), columns, "ptr")
        if len(sources):
            with writer.counting(f"take{number}", len(sources)) as (_, at):
                source = writer.load(element("i64", _at(sources), at), "i64")
                writer.store(writer.load(element("double", numbers, source)), element("double", _at(uniform), at))
        divisor = call_kernel(writer, part.kernel, str(part.lanes), (columns, _at(uniform), _at(means)))
        with writer.counting(f"total{number}", part.totals) as (_, at):
            total = put(f"fmul double {writer.load(element('double', _at(means), at))}, {divisor}")
            writer.store(total, element("double", numbers, put(f"add i64 {at}, {first}")))

    def _add(self, writer: Assembler, number: int, part: KernelCall, first: int) -> None:
        """Write the addition of derivatives to the results, times the number that was found at `first`."""
        put, element = writer.put, writer.element
        means, places = self._rooms[number][1], self._indices[number][1]
        if not len(places):
            return
        factor = writer.load(element("double", _at(self._found), first))
        scale = put(f"fmul double {factor}, {writer.constant(float(part.lanes))}")
        with writer.counting(f"add{number}", len(places)) as (_, at):
            place = element("double", "%results", writer.load(element("i64", _at(places), at), "i64"))
            mean = writer.load(element("double", _at(means), put(f"add i64 {at}, 1")))
            writer.store(put(f"fadd double {writer.load(place)}, {put(f'fmul double {scale}, {mean}')}"), place)


def _at(held: Any) -> str:
    return pointer(held.ctypes.data)
