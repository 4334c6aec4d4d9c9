"""Descend: many steps of an optimiser in one call of machine code, each a call of two kernels.

In C it would read, with all pointers known when it is compiled:

    int64_t descend(int64_t batch, int64_t end)
    {
        for (; batch < end; batch++) {
            count = min(size, rows - batch * size)
            gradient of the loss over the rows from batch * size on -> sums
            if (!isfinite(sums[0])) return batch
            totals += count * (loss and metrics in sums)
            before = x
            update(x, gradient, state)
            if (!isfinite(x)) return -batch - 1
        }
        return end
    }
"""

from __future__ import annotations

import ctypes
from typing import NamedTuple

from autograd_mini.compiler.llvm.assembler import Assembler, function, module, pointer
from autograd_mini.compiler.llvm.backend import call_kernel
from autograd_mini.compiler.llvm.target import Code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autograd_mini.compiler.llvm.backend import MachineBatch


class Memory(NamedTuple):
    """The arrays of float64 that the machine code works in; it refers to them by address.

    Attributes:
        parameters: how many there are.
        x: the parameters.
        before: the parameters before the last step.
        gradient: the last gradient.
        totals: over the rows so far, the sum of the loss and of each metric.
        settings: the learning rate, then the numbers of the optimiser's state that count steps.
        counters: how many of these there are.
        state: the columns of the optimiser's state, x first: what the update takes besides the gradient, and returns.
        data: the arrays of the samples, in order.
        uniform: room for what is the same for all samples.
        sums: room for what the gradient's kernel returns.

    """

    parameters: int
    x: Any
    before: Any
    gradient: Any
    totals: Any
    settings: Any
    counters: int
    state: Sequence[Any]
    data: Sequence[Any]
    uniform: Any
    sums: Any


class Descend:
    """The machine code: a function (batch, end) -> the batch that it came to, see the module.

    `gradient` is the kernel from the parameters to the mean loss, its gradient and the means of metrics, `update` that
    of the optimiser, `size` the rows of a batch.
    """

    def __init__(self, memory: Memory, gradient: MachineBatch, update: MachineBatch, size: int) -> None:
        self._code = Code(_text(memory, gradient, update, size))
        self._kept = memory, gradient, update  # what machine code refers to by address
        self._call = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(self._code.address("descend"))

    def __call__(self, batch: int, end: int) -> int:
        """Take the steps of batches."""
        reached: int = self._call(batch, end)
        return reached


def _at(array: Any, index: int = 0) -> str:
    return pointer(array.ctypes.data + 8 * index)


def _text(memory: Memory, gradient: MachineBatch, update: MachineBatch, size: int) -> str:
    """Return the module in LLVM's language."""
    writer = Assembler(1, "d", set())
    put, element = writer.put, writer.element
    count, rows = memory.parameters, len(memory.data[0])
    given = [memory.gradient, *memory.state]
    for name, held in (("data", memory.data), ("arrays", given), ("columns", memory.state)):
        put(f"alloca [{len(held)} x ptr], align 16", name)
    for name, arrays in (("arrays", given), ("columns", memory.state)):
        for index, array in enumerate(arrays):
            writer.store(_at(array), element("ptr", f"%{name}", index), "ptr")
    loop = writer.loop("batch")
    batch = loop.carry("i64", "%from")
    writer.branch(put(f"icmp sge i64 {batch}, %end"), "all", "step")
    writer.begin("all")
    writer.write(f"ret i64 {batch}")
    writer.begin("step")
    first = put(f"mul i64 {batch}, {size}")
    left = put(f"sub i64 {rows}, {first}")
    whole = put(f"icmp sgt i64 {left}, {size}")
    n = put(f"select i1 {whole}, i64 {size}, i64 {left}")
    for index, array in enumerate(memory.data):
        row = element("double", _at(array), put(f"mul i64 {first}, {array[0].size}"))
        writer.store(row, element("ptr", "%data", index), "ptr")
    writer.copy(_at(memory.uniform), _at(memory.x), 8 * count)
    divisor = call_kernel(writer, gradient, n, ("%data", _at(memory.uniform), _at(memory.sums)))
    loss = writer.load(_at(memory.sums))
    writer.branch(put(f"fcmp oeq double {put(f'fsub double {loss}, {loss}')}, 0.0"), "move", "all")
    writer.begin("move")
    for total, index in enumerate([0, *range(count + 1, count + len(memory.totals))]):
        _grow(writer, _at(memory.totals, total), put(f"fmul double {writer.load(_at(memory.sums, index))}, {divisor}"))
    writer.copy(_at(memory.before), _at(memory.x), 8 * count)
    writer.copy(_at(memory.gradient), _at(memory.sums, 1), 8 * count)
    writer.write(
        f"call void {pointer(update.code.address)}(i64 0, i64 {-(-count // update.width)}, i64 {count}, double 1.0, "
        f"ptr %arrays, ptr {_at(memory.settings)}, ptr %columns, ptr {_at(memory.sums)})"
    )
    for index in range(1, 1 + memory.counters):
        _grow(writer, _at(memory.settings, index), "1.0")
    writer.branch(_finite(writer, memory), "fine", "broken")
    writer.begin("broken")
    writer.write(f"ret i64 {put(f'sub i64 -1, {batch}')}")
    writer.begin("fine")
    loop.follow(batch, put(f"add i64 {batch}, 1"))
    loop.end()
    return module(function("i64 @descend(i64 %from, i64 %end)", writer.lines), writer.declarations)


def _finite(writer: Assembler, memory: Memory) -> str:
    """Write a loop over the parameters, and return the truth value that all of them are finite."""
    put = writer.put
    with writer.counting("look", memory.parameters) as (loop, at):
        total = loop.carry("double", "0.0")
        number = writer.load(writer.element("double", _at(memory.x), at))
        zero = put(f"fsub double {number}, {number}")  # nan for what is not finite
        added = put(f"fadd reassoc double {total}, {zero}")
        loop.follow(total, added)
    return put(f"fcmp oeq double {added}, 0.0")


def _grow(writer: Assembler, place: str, more: str) -> None:
    """Write the addition of a number to one in memory."""
    writer.store(writer.put(f"fadd double {writer.load(place)}, {more}"), place)
