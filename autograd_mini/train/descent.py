"""A descent is many steps in one call of machine code: loss and gradient of a batch, the optimiser's update, the next.

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
from operator import truediv

from autograd_mini.engine.functions import maximum, sqrt
from autograd_mini.optim.arithmetic import Arithmetic
from autograd_mini.optim.flat import COUNTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from autograd_mini.optim.flat import Flat

SYMBOLS = Arithmetic(sqrt, truediv, maximum)
ROOM = 64
"""So many numbers more than parameters a buffer has, because machine code writes whole vectors."""


class Descent:
    """The steps of one optimiser on one kernel.

    Args:
        gradient: the kernel on LLVM: from the parameters to the mean loss, its gradient, and the means of metrics.
        metrics: how many of these there are.
        flat: the optimiser; no column of its state is missing.
        data: the arrays of the samples of an epoch, in order, which stay where they are.
        size: the rows of a batch.

    Attributes:
        settings: those of the optimiser that it was compiled for; of the learning rate it takes any.
        x: the parameters.
        totals: over the rows so far, the sum of the loss and of each metric.
        before: the parameters before the last step.
        last: the last gradient.

    """

    def __init__(self, gradient: Any, metrics: int, flat: Flat, data: list[Any], size: int) -> None:
        import numpy as np

        from autograd_mini.compiler import jit
        from autograd_mini.compiler.machine import Code

        self.rows, self.size = len(data[0]), size
        self.settings, self._names = flat.settings, flat._names
        self._count = len(flat.now[0])
        self._columns = [column for column in ("x", *self._names) if column not in COUNTS]
        numbers = ("lr", *(name for name in self._names if name in COUNTS))  # alike for all parameters

        def update(gradient: Any, *given: Any) -> tuple[Any, ...]:
            state = dict(zip((*self._columns, *numbers), given, strict=True))
            formula = flat._optimizer._formula({**self.settings, "lr": state["lr"]}, SYMBOLS)
            downhill = -gradient if self.settings["maximize"] else gradient
            x, *rest = formula(state["x"], downhill, *[state[name] for name in self._names])
            return (x, *[new for name, new in zip(self._names, rest, strict=True) if name not in COUNTS])

        width = len(self._columns)
        traced = jit(update, batched=True, in_axes=[0] * (width + 1) + [None] * len(numbers), backend="llvm")
        example = [np.zeros(1)] * (width + 1) + [1.0] * len(numbers)
        program = traced._batch(tuple(example), {}, differentiate=False)[0]
        made: Any = program.run(1)

        self.buffers = {name: np.zeros(self._count + ROOM) for name in (*self._columns, "gradient", "before")}
        self.x, self.before, self.last = (self.buffers[name][: self._count] for name in ("x", "before", "gradient"))
        self.totals = np.zeros(1 + metrics)
        self._settings = np.zeros(made.slots + len(numbers) + ROOM)
        self._numbers = numbers
        uniform, sums = np.zeros(gradient.slots + ROOM), np.zeros(gradient.room + ROOM)
        text = _text(
            self,
            gradient=gradient,
            update=made,
            data=data,
            arrays=[self.buffers["gradient"], *[self.buffers[name] for name in self._columns]],
            columns=[self.buffers[name] for name in self._columns],
            uniform=uniform,
            sums=sums,
        )
        self._code = Code(text)
        self._kept = gradient, made, data, uniform, sums  # what machine code refers to by address
        self._call = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(self._code.address("descend"))

    def load(self, now: tuple[Any, ...], lr: float) -> None:
        """Start from parameters and columns of the optimiser's state, with a learning rate."""
        start = dict(zip(("x", *self._names), now, strict=True))
        for name in self._columns:
            self.buffers[name][: self._count] = start[name]
        self._settings[: len(self._numbers)] = [lr, *[float(start[name]) for name in self._numbers[1:]]]

    def run(self, batch: int, end: int) -> tuple[int, str]:
        """Take the steps of batches; return the number of the first one not taken, and what is not finite if any."""
        reached = self._call(batch, end)
        return (reached, "" if reached == end else "loss") if reached >= 0 else (-reached - 1, "parameter")

    @property
    def now(self) -> tuple[Any, ...]:
        """Copies of the parameters and the columns of the optimiser's state."""
        counts = dict(zip(self._numbers, self._settings, strict=False))
        return tuple(
            int(counts[name]) if name in COUNTS else self.buffers[name][: self._count].copy()
            for name in ("x", *self._names)
        )


def _text(
    steps: Descent,
    *,
    gradient: Any,
    update: Any,
    data: list[Any],
    arrays: list[Any],
    columns: list[Any],
    uniform: Any,
    sums: Any,
) -> str:
    """Return the text of the function in LLVM's language."""
    from autograd_mini.compiler.entry import pointer
    from autograd_mini.compiler.instructions import hexadecimal

    def at(array: Any, index: int = 0) -> str:
        return pointer(array.ctypes.data + 8 * index)

    count, metrics = steps._count, len(steps.totals) - 1
    copy = "  call void @llvm.memcpy.p0.p0.i64(ptr {}, ptr {}, i64 {}, i1 false)".format
    x = steps.buffers["x"]
    kernel = "i64 {}, i64 {}, i64 {}, double {}, ptr {}, ptr {}, ptr {}, ptr {}".format
    lines = [
        "define i64 @descend(i64 %from, i64 %end) {",
        "entry:",
        f"  %data = alloca [{len(data)} x ptr], align 16",
        f"  %arrays = alloca [{len(arrays)} x ptr], align 16",
        f"  %columns = alloca [{len(columns)} x ptr], align 16",
    ]
    for name, held in (("arrays", arrays), ("columns", columns)):
        for index, array in enumerate(held):
            lines += [
                f"  %{name}{index} = getelementptr ptr, ptr %{name}, i64 {index}",
                f"  store ptr {at(array)}, ptr %{name}{index}",
            ]
    lines += [
        "  br label %batch",
        "batch:",
        "  %b = phi i64 [ %from, %entry ], [ %after, %fine ]",
        "  %over = icmp sge i64 %b, %end",
        "  br i1 %over, label %all, label %step",
        "all:",
        "  ret i64 %b",
        "step:",
        f"  %first = mul i64 %b, {steps.size}",
        f"  %left = sub i64 {steps.rows}, %first",
        f"  %whole = icmp sgt i64 %left, {steps.size}",
        f"  %n = select i1 %whole, i64 {steps.size}, i64 %left",
    ]
    for index, array in enumerate(data):
        lines += [
            f"  %offset{index} = mul i64 %first, {array[0].size}",
            f"  %row{index} = getelementptr double, ptr {at(array)}, i64 %offset{index}",
            f"  %data{index} = getelementptr ptr, ptr %data, i64 {index}",
            f"  store ptr %row{index}, ptr %data{index}",
        ]
    lines += [
        copy(at(uniform), at(x), 8 * count),
        f"  %up = add i64 %n, {gradient.width - 1}",
        f"  %blocks = sdiv i64 %up, {gradient.width}",
        "  %rows = sitofp i64 %n to double",
        f"  call void {pointer(gradient.address)}("
        + kernel(0, "%blocks", "%n", "%rows", "%data", at(uniform), "null", at(sums))
        + ")",
    ]
    for index, slot, constant in gradient.same:
        value = hexadecimal(constant)
        if slot is not None:
            lines.append(f"  %same{index} = load double, ptr {at(uniform, slot)}")
            value = f"%same{index}"
        lines.append(f"  store double {value}, ptr {at(sums, index)}")
    lines += [
        f"  %loss = load double, ptr {at(sums)}",
        "  %difference = fsub double %loss, %loss",
        "  %finite = fcmp oeq double %difference, 0.0",
        "  br i1 %finite, label %move, label %lost",
        "lost:",
        "  ret i64 %b",
        "move:",
    ]
    for total, index in enumerate([0, *range(count + 1, count + 1 + metrics)]):
        lines += [
            f"  %mean{total} = load double, ptr {at(sums, index)}",
            f"  %more{total} = fmul double %mean{total}, %rows",
            f"  %old{total} = load double, ptr {at(steps.totals, total)}",
            f"  %new{total} = fadd double %old{total}, %more{total}",
            f"  store double %new{total}, ptr {at(steps.totals, total)}",
        ]
    lines += [copy(at(steps.buffers["before"]), at(x), 8 * count)]
    lines += [copy(at(steps.buffers["gradient"]), at(sums, 1), 8 * count)]
    blocks = -(-count // update.width)
    lines += [
        f"  call void {pointer(update.address)}("
        + kernel(0, blocks, count, "1.0", "%arrays", at(steps._settings), "%columns", at(sums))
        + ")",
    ]
    for index in range(1, len(steps._numbers)):
        lines += [
            f"  %count{index} = load double, ptr {at(steps._settings, index)}",
            f"  %counted{index} = fadd double %count{index}, 1.0",
            f"  store double %counted{index}, ptr {at(steps._settings, index)}",
        ]
    return "\n".join(
        [
            *lines,
            "  br label %look",
            "look:",
            "  %i = phi i64 [ 0, %move ], [ %next, %look ]",
            "  %sum = phi double [ 0.0, %move ], [ %added, %look ]",
            f"  %place = getelementptr double, ptr {at(x)}, i64 %i",
            "  %number = load double, ptr %place",
            "  %zero = fsub double %number, %number",
            "  %added = fadd reassoc double %sum, %zero",
            "  %next = add i64 %i, 1",
            f"  %on = icmp slt i64 %next, {count}",
            "  br i1 %on, label %look, label %looked",
            "looked:",
            "  %sound = fcmp oeq double %added, 0.0",
            "  br i1 %sound, label %fine, label %broken",
            "broken:",
            "  %negative = sub i64 -1, %b",
            "  ret i64 %negative",
            "fine:",
            "  %after = add i64 %b, 1",
            "  br label %batch",
            "}",
            "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)",
            "",
        ]
    )
