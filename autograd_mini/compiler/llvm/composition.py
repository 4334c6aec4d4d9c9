"""A composition: machine code that runs the kernels of a program's loops and, on their sums, its outer program.

In C it would read, for one loop, with all arrays known when it is compiled:

    void program(double *inputs, double *results)
    {
        for (i) uniform[i] = inputs[source[i]];
        for (i) given[target[i]] = inputs[origin[i]];
        kernel(lanes, given, uniform, columns, means);
        memcpy(numbers, inputs); numbers[last] = lanes * means[0];
        outer(numbers, results);
        for (j) results[place[j]] += results[last] * lanes * means[1 + j];
        for (j) results[goal[j]] += results[last] * columns[entry[j]];
    }

A loop with several outputs that have derivatives has a kernel for these, which is called last and takes their factors.
What is computed before the loops counts as further inputs; their adjoints stand behind the results, for a program that
returns what these add to the results.
"""

from __future__ import annotations

import ctypes
from array import array
from typing import NamedTuple

from autograd_mini.compiler.llvm.assembler import Assembler, function, module, pointer
from autograd_mini.compiler.llvm.backend import MachineBatch, call_kernel
from autograd_mini.compiler.llvm.background import resume
from autograd_mini.compiler.llvm.target import Code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autograd_mini.compiler.llvm.machine_turns import MachineTurns


class KernelCall(NamedTuple):
    """A loop of the program.

    Attributes:
        kernel: its kernel, which returns the means of outputs, and of the derivatives of a single one.
        back: the kernel of the derivatives of several; None for none.
        lanes: how many lanes it has.
        unit: what the kernel's sums are to be multiplied by.
        totals: how many outputs there are.
        leading: the one whose derivatives the kernel returns.
        given: its only array, with the numbers that do not change.
        filled: the places in it, counted through, and the inputs of the program that belong there.
        uniforms: the inputs that are alike for all lanes.
        by_uniform: the results of the program that the derivatives by these are added to.
        kept: how many columns of derivatives, one number a lane, the kernel returns.
        by_column: the places in these columns, one after another, and the results that they are added to.

    """

    kernel: MachineBatch | MachineTurns
    back: MachineBatch | MachineTurns | None
    lanes: int
    unit: float
    totals: int
    leading: int
    given: Any
    filled: tuple[Sequence[int], Sequence[int]]
    uniforms: Sequence[int]
    by_uniform: Sequence[int]
    kept: int
    by_column: tuple[Sequence[int], Sequence[int]]

    def in_lanes(self) -> list[MachineBatch]:
        """Return its kernels over lanes; those over turns are none."""
        return [kernel for kernel in (self.kernel, self.back) if isinstance(kernel, MachineBatch)]


class _Room:
    """The memory of a part: what its kernel takes and returns, and the indices by which that is copied."""

    def __init__(self, part: KernelCall) -> None:
        import numpy as np

        def indices(numbers: Sequence[int]) -> Any:
            return np.array(numbers, np.int64)

        self.uniform, self.means = np.empty(max(part.kernel.slots, 1)), np.empty(part.kernel.room)
        self.given = np.array(part.given)
        self.columns = np.empty((part.kept, part.lanes + part.kernel.width))
        self.uniforms, self.by_uniform = indices(part.uniforms), indices(part.by_uniform)
        self.filled, self.origins = map(indices, part.filled)
        back = part.back or part.kernel
        self.back_uniform, self.back_means = np.empty(max(back.slots, 1)), np.empty(back.room)
        line = part.lanes + part.kernel.width
        self.entries = indices([at // part.lanes * line + at % part.lanes for at in part.by_column[0]])
        self.by_column = indices(part.by_column[1])


class Composition:
    """The program as a function of the list of its inputs.

    Args:
        parts: the loops.
        outer: the program of the inputs and of all totals, as `backend.MachineProgram` or `vm.InterpretedProgram`; it
            returns the results, and, where a loop has derivatives, for each total what these are multiplied by.
        inputs: how many inputs there are.
        results: how many results.
        given: how many numbers are computed before the loops.
        before: the program of these; None for none.
        after: the program of the inputs and of their adjoints; None for no derivative.

    Attributes:
        address: where the function (inputs, results) begins; two threads must not be in it at once.

    """

    def __init__(
        self,
        parts: Sequence[KernelCall],
        outer: Any,
        inputs: int,
        results: int,
        given: int = 0,
        before: Any = None,
        after: Any = None,
    ) -> None:
        import numpy as np

        totals = sum([part.totals for part in parts])
        self._rooms = [_Room(part) for part in parts]
        self._numbers, self._found = np.empty(inputs + totals), np.empty(results + totals)
        self._sources, self._slopes = np.empty(inputs + given), np.zeros(results + given)
        self._more = np.empty(results)
        self._inputs, self._results, self._given = inputs, results, given
        self._kept = parts, outer, before, after  # what machine code refers to by address
        for part in parts:
            for kernel in part.in_lanes():
                kernel.expect(part.lanes)
        self._code = Code(self._text(), level=1)
        self.address = self._code.address("program")
        # With the lock of the interpreter held, so that the memory is that of one call.
        self._call = ctypes.PYFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(self.address)

    @property
    def settled(self) -> bool:
        """Whether no better code of a kernel is to come."""
        return all(kernel.code.settled for part in self._kept[0] for kernel in part.in_lanes())

    def __call__(self, inputs: Sequence[float]) -> list[float]:
        """Return the results."""
        given, results = array("d", inputs), array("d", bytes(8 * self._results))
        self._call(given.buffer_info()[0], results.buffer_info()[0])
        if not self.settled:
            resume()
        return results.tolist()

    def _text(self) -> str:
        parts, outer, before, after = self._kept
        writer = Assembler(1, "p", set())
        numbers, found, first = _at(self._numbers), _at(self._found), self._inputs
        sources, slopes = _at(self._sources), _at(self._slopes)
        writer.copy(numbers, "%inputs", 8 * self._inputs)
        writer.copy(sources, "%inputs", 8 * self._inputs)
        adjoints = writer.element("double", slopes, self._results)
        given = writer.element("double", sources, self._inputs)
        if before is not None:
            writer.write(f"call void {pointer(before.address)}(ptr {numbers}, ptr {given})")
        for number, part in enumerate(parts):
            self._run(writer, number, part, first)
            first += part.totals
        writer.write(f"call void {pointer(outer.address)}(ptr {numbers}, ptr {found})")
        writer.copy(slopes, found, 8 * self._results)
        if self._given:
            writer.clear(adjoints, 8 * self._given)
        first = self._results
        for number, part in enumerate(parts):
            self._add(writer, number, part, first)
            first += part.totals
        if after is not None:
            writer.copy(given, adjoints, 8 * self._given)
            writer.write(f"call void {pointer(after.address)}(ptr {sources}, ptr {_at(self._more)})")
            with writer.counting("after", after.results) as (_, at):
                more = writer.load(writer.element("double", _at(self._more), at))
                place = writer.element("double", slopes, writer.put(f"add i64 {at}, 1"))
                writer.store(writer.put(f"fadd double {writer.load(place)}, {more}"), place)
        writer.copy("%results", slopes, 8 * self._results)
        return module(function("void @program(ptr %inputs, ptr %results)", writer.lines), writer.declarations)

    def _run(self, writer: Assembler, number: int, part: KernelCall, first: int) -> None:
        """Write the call of a kernel, and the copies of its totals among the numbers, from `first` on."""
        put, element, room = writer.put, writer.element, self._rooms[number]
        numbers, sources = _at(self._numbers), _at(self._sources)
        _each(writer, f"uniform{number}", room.uniforms, None, sources, _at(room.uniform), len(part.uniforms))
        _each(writer, f"fill{number}", room.origins, room.filled, sources, _at(room.given), len(room.filled))
        self._call_kernel(writer, part, room, part.kernel, (room.uniform, room.means))
        unit = writer.constant(part.unit)
        with writer.counting(f"total{number}", part.totals) as (_, at):
            total = put(f"fmul double {writer.load(element('double', _at(room.means), at))}, {unit}")
            writer.store(total, element("double", numbers, put(f"add i64 {at}, {first}")))

    def _call_kernel(
        self, writer: Assembler, part: KernelCall, room: _Room, kernel: Any, given: tuple[Any, Any]
    ) -> None:
        """Write the call of a kernel, given its uniforms and where it puts sums."""
        put, element = writer.put, writer.element
        arrays, columns = put("alloca ptr, align 8"), put(f"alloca [{max(part.kept, 1)} x ptr], align 8")
        writer.store(_at(room.given), arrays, "ptr")
        for column, line in enumerate(room.columns):
            writer.store(_at(line), element("ptr", columns, column), "ptr")
        uniform, means = given
        call_kernel(writer, kernel, str(part.lanes), (arrays, _at(uniform), _at(means)), columns)

    def _add(self, writer: Assembler, number: int, part: KernelCall, first: int) -> None:
        """Write the addition of derivatives to the results, times the number that was found at `first`."""
        put, element, room = writer.put, writer.element, self._rooms[number]
        if not part.by_uniform and not part.by_column[0]:
            return
        means, start = room.means, part.totals
        if part.back is None:
            factor = writer.load(element("double", _at(self._found), first + part.leading))
        else:
            factor, means, start = writer.constant(1.0), room.back_means, 0
            count = len(part.uniforms)
            if count:
                writer.copy(_at(room.back_uniform), _at(room.uniform), 8 * count)
            factors = element("double", _at(self._found), first)
            writer.copy(element("double", _at(room.back_uniform), count), factors, 8 * part.totals)
            self._call_kernel(writer, part, room, part.back, (room.back_uniform, means))
        scale = put(f"fmul double {factor}, {writer.constant(part.unit)}")
        if part.by_uniform:
            with writer.counting(f"add{number}", len(part.by_uniform)) as (_, at):
                mean = writer.load(element("double", _at(means), put(f"add i64 {at}, {start}")))
                _grow(writer, _at(self._slopes), room.by_uniform, at, put(f"fmul double {scale}, {mean}"))
        if part.by_column[0]:
            with writer.counting(f"spread{number}", len(room.entries)) as (_, at):
                entry = writer.load(element("i64", _at(room.entries), at), "i64")
                slope = writer.load(element("double", _at(room.columns), entry))
                _grow(writer, _at(self._slopes), room.by_column, at, put(f"fmul double {factor}, {slope}"))


def _each(writer: Assembler, name: str, sources: Any, targets: Any, of: str, to: str, count: int) -> None:
    """Write a loop of copies: to[targets[i]] = of[sources[i]], or to[i] where there are no targets."""
    if not count:
        return
    with writer.counting(name, count) as (_, at):
        source = writer.load(writer.element("i64", _at(sources), at), "i64")
        target = at if targets is None else writer.load(writer.element("i64", _at(targets), at), "i64")
        writer.store(writer.load(writer.element("double", of, source)), writer.element("double", to, target))


def _grow(writer: Assembler, slopes: str, places: Any, at: str, more: str) -> None:
    """Write the addition of a number to a result, or to an adjoint."""
    place = writer.element("double", slopes, writer.load(writer.element("i64", _at(places), at), "i64"))
    writer.store(writer.put(f"fadd double {writer.load(place)}, {more}"), place)


def _at(held: Any) -> str:
    return pointer(held.ctypes.data)
