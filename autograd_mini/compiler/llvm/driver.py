"""The driver of a kernel: the loop over groups of blocks of samples, and the means at its end.

In C it would read

    void kernel(i64 first, i64 end, i64 n, double divisor,
                double **arrays, double *uniform, double **columns, double *sums)

for blocks `first` to `end` of the batch. The last block of a batch may be short: its rows are copied beside its last
row, so the block need not know, and what is summed is set to 0 in the lanes that hold no sample.

It is four functions, since LLVM takes longer for one in which everything stands inside of loops: `once`, `block`, the
loops themselves, and `kernel`, which gets them the memory that they work in.
"""

from __future__ import annotations

from autograd_mini.compiler.llvm.assembler import BEGIN, END, MEMCPY
from autograd_mini.compiler.llvm.block import BlockWriter, uniform_lines
from autograd_mini.compiler.llvm.instructions import Instructions
from autograd_mini.compiler.llvm.reductions import ReductionWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.compiler.llvm.plan import KernelPlan

GROUP = 8
"""Blocks of samples computed before their products are summed; their vectors stay in a near cache."""

STACK = 1 << 16
"""Maximum bytes taken from the stack, which may be small in a thread; more are allocated."""

_GIVEN = "i64 %first, i64 %end, i64 %n, double %divisor, ptr %arrays, ptr %uniform, ptr %columns, ptr %sums"

_TAKEN = ", ".join(f"ptr noalias %{name}" for name in ("rows", "uniform", "record", "columns")) + ", i64 %row"


def kernel_text(plan: KernelPlan) -> str:
    """Return the module of a kernel in LLVM's language."""
    declarations: set[str] = set()
    lines = [
        "define internal void @once(ptr noalias %uniform) {",
        BEGIN.format("uniform"),
        *uniform_lines(plan, declarations),
        END,
        "  ret void",
        "}",
        f"define internal void @block({_TAKEN}) alignstack(64) {{",
        "entry:",
        BEGIN.format("uniform"),
        *[line for array in range(len(plan.widths)) for line in _element(f"rows{array}", "rows", array)],
        *[line for column in range(plan.kept) for line in _element(f"column{column}", "columns", column)],
        *BlockWriter(plan, declarations).lines,
        END,
        "  ret void",
        "}",
        *_loops(plan, declarations),
        *_kernel(plan, declarations),
    ]
    return "\n".join([*lines, *sorted(declarations)]) + "\n"


def _element(name: str, pointers: str, at: int) -> list[str]:
    """Write the load of one of several pointers."""
    return [
        f"  %{name}_place = getelementptr ptr, ptr %{pointers}, i64 {at}",
        f"  %{name} = load ptr, ptr %{name}_place",
    ]


def _kernel(plan: KernelPlan, declarations: set[str]) -> list[str]:
    """Write the function that gets memory."""
    vectors = GROUP * len(plan.scratch) + sum(plan.widths)
    size = max(vectors, 1) * plan.width * 8
    given = _GIVEN.replace("ptr %", "ptr noalias %")
    lines = [f"define void @kernel({given}) {{", "entry:"]
    if size <= STACK:
        return [
            *lines,
            f"  %memory = alloca [{size} x i8], align 64",
            f"  call void @loops({_GIVEN}, ptr %memory)",
            "  ret void",
            "}",
        ]
    declarations |= {"declare ptr @malloc(i64)", "declare void @free(ptr)", "declare void @llvm.trap()"}
    return [
        *lines,
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
        f"  call void @loops({_GIVEN}, ptr %memory)",
        "  call void @free(ptr %taken)",
        "  ret void",
        "}",
    ]


def _loops(plan: KernelPlan, declarations: set[str]) -> list[str]:
    """Write the loop over groups of blocks."""
    writer = Instructions(plan.width, "s", declarations)
    width, kind, record = plan.width, writer.kind, len(plan.scratch)
    declarations |= {"declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)", MEMCPY}
    put, element = writer.put, writer.element
    element(kind, "%records", GROUP * record, "copies")
    put(f"alloca [{max(len(plan.widths), 1)} x ptr], align 8", "rows")
    writer.write(f"call void @llvm.memset.p0.i64(ptr align 8 %sums, i8 0, i64 {plan.room * 8}, i1 false)")
    put(f"sdiv i64 %n, {width}", "full")
    put(f"srem i64 %n, {width}", "rest")
    for array in range(len(plan.widths)):
        writer.lines += _element(f"array{array}", "arrays", array)
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
        _call_block(plan, writer, g, block)
    writer.branch(put(f"icmp sgt i64 {following}, %full"), "short", "reduce")
    writer.begin("short")
    _mask(plan, writer, g)
    ReductionWriter(plan, writer)
    group.end(put(f"icmp slt i64 {following}, %end"), after="total")
    if plan.summed:
        _divide(plan, writer)
    given = _GIVEN.replace("ptr %", "ptr noalias %")
    return [
        f"define internal void @loops({given}, ptr noalias %records) alignstack(64) {{",
        "entry:",
        *writer.lines,
        "  ret void",
        "}",
    ]


def _call_block(plan: KernelPlan, writer: Instructions, group: str, block: str) -> None:
    """Write the call for one block of a group, on its rows or, if it is short, on their copy."""
    put, element = writer.put, writer.element
    at = put(f"add i64 {group}, {block}")
    partial = put(f"icmp eq i64 {at}, %full")
    row = put(f"mul i64 {at}, {plan.width}")
    for array, columns in enumerate(plan.widths):
        straight = element("double", f"%array{array}", put(f"mul i64 {row}, {columns}"))
        rows = put(f"select i1 {partial}, ptr %copy{array}, ptr {straight}")
        writer.write(f"store ptr {rows}, ptr %rows{array}_place")
    record = element(writer.kind, "%records", put(f"mul i64 {block}, {len(plan.scratch)}"))
    writer.write(f"call void @block(ptr %rows, ptr %uniform, ptr {record}, ptr %columns, i64 {row})")


def _fill(plan: KernelPlan, writer: Instructions) -> None:
    """Copy the short block's rows, with its last row in the lanes that are left."""
    put, element = writer.put, writer.element
    last, base = put("sub i64 %n, 1"), put(f"mul i64 %full, {plan.width}")
    for array, columns in enumerate(plan.widths):
        for lane in range(plan.width):
            row = put(f"add i64 {base}, {lane}")
            inside = put(f"icmp slt i64 {row}, %n")
            taken = put(f"select i1 {inside}, i64 {row}, i64 {last}")
            source = element("double", f"%array{array}", put(f"mul i64 {taken}, {columns}"))
            copy = element("double", f"%copy{array}", lane * columns)
            writer.write(f"call void @llvm.memcpy.p0.p0.i64(ptr {copy}, ptr {source}, i64 {columns * 8}, i1 false)")


def _mask(plan: KernelPlan, writer: Instructions, group: str) -> None:
    """Write the loop that sets the vectors of the short block to 0 in lanes without a sample."""
    put, kind, width = writer.put, writer.kind, plan.width
    rest = put(f"insertelement <{width} x i64> poison, i64 %rest, i32 0")
    rests = put(f"shufflevector <{width} x i64> {rest}, <{width} x i64> poison, <{width} x i32> zeroinitializer")
    counting = ", ".join(f"i64 {lane}" for lane in range(width))
    counts = put(f"icmp slt <{width} x i64> <{counting}>, {rests}")
    block = put(f"sub i64 %full, {group}")
    record = writer.element(kind, "%records", put(f"mul i64 {block}, {len(plan.scratch)}"))
    with writer.counting("masking", max(len(plan.scratch), 1), after="reduce") as (_, at):
        place = writer.element(kind, record, at)
        found = put(f"load {kind}, ptr {place}, align {width * 8}")
        counted = put(f"select {writer.truth} {counts}, {kind} {found}, {kind} zeroinitializer")
        writer.write(f"store {kind} {counted}, ptr {place}, align {width * 8}")


def _divide(plan: KernelPlan, writer: Instructions) -> None:
    """Write the division of the sums, as many at a time as there are lanes."""
    put, kind = writer.put, writer.kind
    divisors = writer.splat("%divisor")
    with writer.counting("means", plan.summed, step=plan.width) as (_, at):
        place = writer.element("double", "%sums", at)
        mean = put(f"fdiv {kind} {put(f'load {kind}, ptr {place}, align 8')}, {divisors}")
        writer.write(f"store {kind} {mean}, ptr {place}, align 8")
