"""The backend on LLVM: a tape as machine code, for one set of numbers or over the lanes of a batch.

For a batch it is a kernel. In C it would read

    void kernel(i64 first, i64 end, i64 n, double divisor,
                double **arrays, double *uniform, double **columns, double *sums)

for blocks of samples `first` to `end` of the batch. The last block of a batch may be short: its rows are copied beside
its last row, so the block need not know, and what is summed is set to 0 in the lanes that hold no sample.

It is four functions, since LLVM takes longer for one in which everything stands inside of loops: `once`, `block`, the
loops themselves, and `kernel`, which gets them the memory that they work in.
"""

from __future__ import annotations

import ctypes
from functools import partial

from autograd_mini.compiler.backends import shared
from autograd_mini.compiler.llvm.assembler import Assembler, function, hexadecimal, module, pointer
from autograd_mini.compiler.llvm.background import FEWEST as FEWEST_IN_BACKGROUND
from autograd_mini.compiler.llvm.background import MachineCode, resume
from autograd_mini.compiler.llvm.block import BlockWriter, write_array, write_uniform
from autograd_mini.compiler.llvm.orders import Orders, suits
from autograd_mini.compiler.llvm.plan import KernelPlan
from autograd_mini.compiler.llvm.reductions import ReductionWriter
from autograd_mini.compiler.llvm.target import lanes, vectors
from autograd_mini.compiler.passes import legalised
from autograd_mini.compiler.tape import ARRAYS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.llvm.machine_turns import MachineTurns
    from autograd_mini.compiler.tape import Tape

_POINTER, _INDEX = ctypes.c_void_p, ctypes.c_int64

SHORT = 2_000
"""Maximum operations of a program that LLVM optimises; a longer one would take it long, and gain a fifth."""

FEWEST = 256
"""Minimum blocks per extra thread."""

MOST = 2_000
"""Maximum blocks that an interpreter computes in one call; for more, straight-line code is worth its compilation."""

GROUP = 8
"""Blocks of samples computed before their products are summed; their vectors stay in a near cache."""

STACK = 1 << 16
"""Maximum bytes taken from the stack, which may be small in a thread; more are allocated."""


class MachineProgram:
    """The program as a function of the list of its inputs, one number each.

    Args:
        tape: the program.
        background: whether the best code is made in the background.
        folder: the folder of a cache of machine code; "" for none.

    Attributes:
        code: the machine code of the function (inputs, results).
        results: how many results there are.

    """

    def __init__(self, tape: Tape, *, background: bool = False, folder: str = "") -> None:
        tape = legalised(tape)
        background = background and len(tape) >= FEWEST_IN_BACKGROUND
        level = 1 if len(tape) <= SHORT else 0
        text, types = partial(scalar_text, tape), (_POINTER, _POINTER)
        self.code = MachineCode(text, "program", types, level, background=background, folder=folder)
        self.results = len(tape.results)
        self._inputs, self._results = ctypes.c_double * tape.inputs, ctypes.c_double * self.results

    @property
    def address(self) -> int:
        """Where the function begins by now."""
        return self.code.address

    @property
    def text(self) -> str:
        """The module in LLVM's language."""
        return self.code.text

    def __call__(self, inputs: Sequence[float]) -> list[float]:
        """Return the results."""
        results, code = self._results(), self.code
        code.call(self._inputs(*inputs), results)
        if not code.settled:
            resume()
        return list(results)


def scalar_text(tape: Tape) -> str:
    """Write a program of single numbers: void program(double *inputs, double *results)."""
    writer = Assembler(1, "v", set())
    names: list[str] = []
    memory = 0
    for at, step in enumerate(tape.steps):
        writer.counted()
        if step[0] == "constant":
            names.append(writer.constant(step[1]))
        elif step[0] in ARRAYS:
            names.append(writer.element("double", "%memory", memory))
            write_array(writer, step, tape.length(at), names[at], names.__getitem__)
            memory += tape.length(at)
        elif step[0] == "take":
            names.append(writer.gathered(names[step[1]], names[step[2]], varies=False))
        elif step[0] == "input":
            names.append(writer.load(writer.element("double", "%inputs", step[1])))
        else:
            names.append(writer.step(step[0], [names[at] for at in step[1:]]))
    for at, result in enumerate(tape.results):
        writer.counted()
        writer.store(names[result], writer.element("double", "%results", at))
    given = "ptr noalias %inputs, ptr noalias %results"
    if not memory:
        return module(function(f"void @program({given})", writer.lines, "results"), writer.declarations)
    call = "call void @within(ptr %inputs, ptr %results, ptr %memory)"
    lines = [
        *function(f"internal void @within({given}, ptr noalias %memory)", writer.lines, "results"),
        *function(f"void @program({given})", _with_memory(8 * memory, call, writer.declarations)),
    ]
    return module(lines, writer.declarations)


class MachineBatch:
    """The program as a function of a whole batch; see `python.batch`.

    Args:
        tape: the program.
        widths: how many columns each array has.
        kept: how many of the results are returned for each sample.
        threads: how many threads share a batch.
        exact: whether each product and sum is rounded by itself, as in eager code.
        background: whether the best code is made in the background.
        folder: the folder of a cache of machine code; "" for none.

    Attributes:
        plan: how it is computed.
        code: the machine code of the kernel.
        same: of the results alike for all samples the number, the slot if it has one, and else the constant.

    """

    def __init__(
        self,
        tape: Tape,
        widths: Sequence[int],
        kept: int,
        threads: int = 1,
        *,
        exact: bool = False,
        background: bool = False,
        folder: str = "",
    ) -> None:
        tape = legalised(tape)
        self.width = lanes()
        self.plan = plan = KernelPlan(tape, widths, kept, self.width, vectors(self.width), exact=exact)
        types = (_INDEX, _INDEX, _INDEX, ctypes.c_double, _POINTER, _POINTER, _POINTER, _POINTER)
        background = background and len(tape) >= FEWEST_IN_BACKGROUND
        text, quick = partial(kernel_text, plan), partial(interpreter_text, plan) if suits(plan) else None
        self.code = MachineCode(text, "kernel", types, 2, background=background, folder=folder, quick=quick)
        self.kept, self.threads = kept, threads
        self.room = plan.room
        self.summed, self.slots, self.given = plan.summed, plan.slots, tape.inputs - plan.batched
        self.same: list[tuple[int, int | None, float]] = []
        for at, result in enumerate(tape.results[kept:]):
            if not plan.varies[result]:
                step = tape.steps[result]
                self.same.append((at, plan.slot.get(result), step[1] if step[0] == "constant" else 0.0))
        self._arrays, self._columns = _POINTER * max(len(widths), 1), _POINTER * max(kept, 1)

    @property
    def text(self) -> str:
        """The module in LLVM's language."""
        return self.code.text

    def expect(self, n: int) -> int:
        """Return how many blocks so many samples have; where they are many, let straight-line code take over."""
        blocks = -(-n // self.width)
        if blocks > MOST:
            self.code.hasten()
        return blocks

    def __call__(self, n: int, arrays: Sequence[Any], uniform: Any) -> tuple[list[Any], Any]:
        """Return the columns and the means."""
        import numpy as np

        columns = [np.empty(n + self.width) for _ in range(self.kept)]
        places = self._arrays(*[array.ctypes.data for array in arrays])
        stored = self._columns(*[column.ctypes.data for column in columns])
        blocks = self.expect(n)

        def run(first: int, end: int) -> tuple[Any, Any]:
            buffer = np.empty(max(self.slots, 1))
            buffer[: self.given] = uniform
            sums = np.empty(self.room)
            self.code.call(first, end, n, float(n), places, buffer.ctypes.data, stored, sums.ctypes.data)
            return sums, buffer

        parts = shared(run, blocks, self.threads, FEWEST)
        if not self.code.settled:
            resume()
        sums, buffer = parts[0]
        if len(parts) > 1:
            sums = sum(part[0] for part in parts)
        for at, slot, constant in self.same:
            sums[at] = constant if slot is None else buffer[slot]
        return [column[:n] for column in columns], sums[: self.summed]


scalar, batch = MachineProgram, MachineBatch


# --- the kernel ---

_GIVEN = "i64 %first, i64 %end, i64 %n, double %divisor, ptr %arrays, ptr %uniform, ptr %columns, ptr %sums"
_TAKEN = _GIVEN.replace("ptr %", "ptr noalias %")
_OF_BLOCK = ", ".join(f"ptr noalias %{name}" for name in ("rows", "uniform", "record", "columns")) + ", i64 %row"


def kernel_text(plan: KernelPlan, orders: Orders | None = None) -> str:
    """Return the module of a kernel in LLVM's language; with orders that of an interpreter, which computes the same."""
    declarations: set[str] = set()
    once, block = Assembler(1, "u", declarations), Assembler(plan.width, "v", declarations)
    write_uniform(plan, once)
    for name, pointers, count in (("rows", "rows", len(plan.widths)), ("column", "columns", plan.kept)):
        for at in range(count):
            _fetch(block, f"{name}{at}", pointers, at)
    loops = Assembler(plan.width, "s", declarations)
    if orders is None:
        BlockWriter(plan, block)
        _loops(plan, loops, len(plan.scratch), partial(ReductionWriter, plan))
    else:
        orders.write_block(block)
        _loops(plan, loops, orders.room, orders.write_sums)
    size = max(GROUP * (len(plan.scratch) if orders is None else orders.room) + sum(plan.widths), 1) * plan.width * 8
    call = f"call void @loops({_GIVEN}, ptr %memory)"
    lines = [
        *([] if orders is None else orders.globals()),
        *function("internal void @once(ptr noalias %uniform)", once.lines, "uniform"),
        *function(f"internal void @block({_OF_BLOCK}) alignstack(64)", block.lines, "uniform"),
        *function(f"internal void @loops({_TAKEN}, ptr noalias %records) alignstack(64)", loops.lines),
        *function(f"void @kernel({_TAKEN})", _with_memory(size, call, declarations)),
    ]
    return module(lines, declarations)


def interpreter_text(plan: KernelPlan) -> str:
    """Return the module of a kernel that computes the same, and takes less time to compile, and more to run."""
    return kernel_text(plan, Orders(plan))


def _fetch(writer: Assembler, name: str, pointers: str, at: int) -> None:
    """Write the load of one of several pointers."""
    writer.put(f"load ptr, ptr {writer.element('ptr', f'%{pointers}', at, f'{name}_place')}", name)


def _with_memory(size: int, call: str, declarations: set[str]) -> list[str]:
    """Write a call whose %memory is a buffer of `size` bytes."""
    if size <= STACK:
        return [f"  %memory = alloca [{size} x i8], align 64", f"  {call}"]
    declarations |= {"declare ptr @malloc(i64)", "declare void @free(ptr)", "declare void @llvm.trap()"}
    return [
        f"  %taken = call ptr @malloc(i64 {size + 64})",
        "  %none = icmp eq ptr %taken, null",
        "  br i1 %none, label %stop, label %go",
        "stop:",
        "  call void @llvm.trap()",
        "  unreachable",
        "go:",
        "  %above = getelementptr i8, ptr %taken, i64 63",
        "  %number = ptrtoint ptr %above to i64",
        "  %rounded = and i64 %number, -64",
        "  %memory = inttoptr i64 %rounded to ptr",
        f"  {call}",
        "  call void @free(ptr %taken)",
    ]


def _loops(plan: KernelPlan, writer: Assembler, record: int, sums: Callable[[Assembler], object]) -> None:
    """Write the loop over groups of blocks, whose memory has as many vectors as `record`, and which `sums` adds up."""
    width, kind = plan.width, writer.kind
    put, element = writer.put, writer.element
    element(kind, "%records", GROUP * record, "copies")
    put(f"alloca [{max(len(plan.widths), 1)} x ptr], align 8", "rows")
    writer.clear("%sums", plan.room * 8)
    put(f"sdiv i64 %n, {width}", "full")
    put(f"srem i64 %n, {width}", "rest")
    for array in range(len(plan.widths)):
        _fetch(writer, f"array{array}", "arrays", array)
        element(kind, "%copies", sum(plan.widths[:array]), f"copy{array}")
        element("ptr", "%rows", array, f"rows{array}_place")
    writer.write("call void @once(ptr %uniform)")
    writer.branch(put("icmp sgt i64 %rest, 0"), "fill", "start")
    writer.begin("fill")
    _fill(plan, writer)
    writer.jump("start")
    writer.branch(put("icmp slt i64 %first, %end"), "group", "total")
    group = writer.loop("group", jump=False)
    g = group.carry("i64", "%first")
    left = put(f"sub i64 %end, {g}")
    many = put(f"icmp sgt i64 {left}, {GROUP}")
    put(f"select i1 {many}, i64 {GROUP}, i64 {left}", "count")
    following = put(f"add i64 {g}, %count")
    group.follow(g, following)
    with writer.counting("blocks", "%count") as (_, block):
        _call_block(plan, writer, g, block, record)
    writer.branch(put(f"icmp sgt i64 {following}, %full"), "short", "reduce")
    writer.begin("short")
    _mask(plan, writer, g, record)
    sums(writer)
    group.end(put(f"icmp slt i64 {following}, %end"), after="total")
    if plan.summed:  # the sums are divided, as many at a time as there are lanes
        divisors = writer.splat("%divisor")
        with writer.counting("means", plan.summed, step=width) as (_, at):
            place = element("double", "%sums", at)
            writer.store(put(f"fdiv {kind} {writer.load(place, align=8)}, {divisors}"), place, align=8)


def _call_block(plan: KernelPlan, writer: Assembler, group: str, block: str, size: int) -> None:
    """Write the call for one block of a group, on its rows or, if it is short, on their copy."""
    put, element = writer.put, writer.element
    at = put(f"add i64 {group}, {block}")
    partial = put(f"icmp eq i64 {at}, %full")
    row = put(f"mul i64 {at}, {plan.width}")
    for array, columns in enumerate(plan.widths):
        straight = element("double", f"%array{array}", put(f"mul i64 {row}, {columns}"))
        rows = put(f"select i1 {partial}, ptr %copy{array}, ptr {straight}")
        writer.store(rows, f"%rows{array}_place", "ptr")
    record = element(writer.kind, "%records", put(f"mul i64 {block}, {size}"))
    writer.write(f"call void @block(ptr %rows, ptr %uniform, ptr {record}, ptr %columns, i64 {row})")


def _fill(plan: KernelPlan, writer: Assembler) -> None:
    """Copy the short block's rows, with its last row in the lanes that are left."""
    put, element = writer.put, writer.element
    last, base = put("sub i64 %n, 1"), put(f"mul i64 %full, {plan.width}")
    with writer.counting("filling", plan.width) as (_, lane):
        row = put(f"add i64 {base}, {lane}")
        inside = put(f"icmp slt i64 {row}, %n")
        taken = put(f"select i1 {inside}, i64 {row}, i64 {last}")
        for array, columns in enumerate(plan.widths):
            source = element("double", f"%array{array}", put(f"mul i64 {taken}, {columns}"))
            target = element("double", f"%copy{array}", put(f"mul i64 {lane}, {columns}"))
            writer.copy(target, source, columns * 8)


def _mask(plan: KernelPlan, writer: Assembler, group: str, size: int) -> None:
    """Write the loop that sets the vectors of the short block to 0 in lanes without a sample."""
    put, kind, width = writer.put, writer.kind, plan.width
    rest = put(f"insertelement <{width} x i64> poison, i64 %rest, i32 0")
    rests = put(f"shufflevector <{width} x i64> {rest}, <{width} x i64> poison, <{width} x i32> zeroinitializer")
    counting = ", ".join(f"i64 {lane}" for lane in range(width))
    counts = put(f"icmp slt <{width} x i64> <{counting}>, {rests}")
    block = put(f"sub i64 %full, {group}")
    record = writer.element(kind, "%records", put(f"mul i64 {block}, {size}"))
    with writer.counting("masking", max(len(plan.scratch), 1), after="reduce") as (_, at):
        place = writer.element(kind, record, at)
        found = writer.load(place, align=width * 8)
        counted = put(f"select {writer.truth} {counts}, {kind} {found}, {kind} zeroinitializer")
        writer.store(counted, place, align=width * 8)


def call_kernel(
    writer: Assembler, kernel: MachineBatch | MachineTurns, n: str, places: tuple[str, str, str], columns: str = "null"
) -> str:
    """Write the call of a kernel for n samples, and return n as a number.

    The places are those of its arrays, of what is the same for all samples, and of its sums; what of these is alike for
    all samples is put there too. `columns` is where the pointers to its columns lie, if it has any.
    """
    arrays, uniform, sums = places
    blocks = writer.put(f"sdiv i64 {writer.put(f'add i64 {n}, {kernel.width - 1}')}, {kernel.width}")
    divisor = writer.put(f"sitofp i64 {n} to double")
    code: Any = kernel.code
    begins = pointer(code.address) if code.settled else writer.load(pointer(code.place), "ptr")
    writer.write(
        f"call void {begins}(i64 0, i64 {blocks}, i64 {n}, double {divisor}, ptr {arrays}, "
        f"ptr {uniform}, ptr {columns}, ptr {sums})"
    )
    for at, slot, constant in kernel.same:
        alike = hexadecimal(constant) if slot is None else writer.load(writer.element("double", uniform, slot))
        writer.store(alike, writer.element("double", sums, at))
    return divisor
