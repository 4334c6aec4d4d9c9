"""The frame of a kernel: the loop over groups of blocks of samples, and the means at its end.

In C it would read

    void kernel(i64 first, i64 end, i64 n, double divisor,
                double **arrays, double *uniform, double **columns, double *sums)

for blocks `first` to `end` of the batch. The last block of a batch may be short: its rows are copied beside its last
row, so the block need not know, and what is summed is set to 0 in the lanes that hold no sample.

It is four functions, since LLVM takes longer for one in which everything stands inside of loops: `once`, `block`, the
loops themselves, and `kernel`, which gets them the memory that they work in.
"""

from __future__ import annotations

from autograd_mini.compiler.llvm.assembler import BEGIN, END
from autograd_mini.compiler.llvm.reductions import Sums
from autograd_mini.compiler.llvm.tail import filled, masked, means

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.compiler.llvm.plan import Kernel

GROUP = 8
"""So many blocks of samples are computed before their products are summed; their records stay in a near cache."""

STACK = 1 << 16
"""So many bytes are taken from the stack, which may be small in a thread; more are allocated."""

_GIVEN = "i64 %first, i64 %end, i64 %n, double %divisor, ptr %arrays, ptr %uniform, ptr %columns, ptr %sums"

_TAKEN = ", ".join(f"ptr noalias %{name}" for name in ("rows", "uniform", "record", "columns")) + ", i64 %row"


def module(kernel: Kernel, preamble: list[str], block: list[str]) -> str:
    """Write the kernel around the text of its parts."""
    places = range(len(kernel.widths)), range(kernel.kept)
    lines = [
        "define internal void @once(ptr noalias %uniform) {",
        BEGIN.format("uniform"),
        *preamble,
        END,
        "  ret void",
        "}",
        f"define internal void @block({_TAKEN}) alignstack(64) {{",
        "entry:",
        BEGIN.format("uniform"),
        *[line for array in places[0] for line in _element(f"rows{array}", "rows", array)],
        *[line for column in places[1] for line in _element(f"column{column}", "columns", column)],
        *block,
        END,
        "  ret void",
        "}",
        *_loops(kernel),
        *_kernel(kernel),
    ]
    return "\n".join([*lines, *sorted(kernel.declarations)]) + "\n"


def _element(name: str, pointers: str, at: int) -> list[str]:
    """Write the load of one of several pointers."""
    return [
        f"  %{name}_place = getelementptr ptr, ptr %{pointers}, i64 {at}",
        f"  %{name} = load ptr, ptr %{name}_place",
    ]


def _kernel(kernel: Kernel) -> list[str]:
    """Write the function that gets memory."""
    vectors = GROUP * len(kernel.record) + sum(kernel.widths)
    size = max(vectors, 1) * kernel.width * 8
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
    kernel.declarations |= {"declare ptr @malloc(i64)", "declare void @free(ptr)", "declare void @llvm.trap()"}
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


def _loops(kernel: Kernel) -> list[str]:
    """Write the loop over groups of blocks."""
    width, kind, record = kernel.width, f"<{kernel.width} x double>", len(kernel.record)
    sums = Sums(kernel, "tiles")
    kernel.declarations |= {
        "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)",
        "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)",
    }
    given = _GIVEN.replace("ptr %", "ptr noalias %")
    lines = [
        f"define internal void @loops({given}, ptr noalias %records) alignstack(64) {{",
        "entry:",
        f"  %copies = getelementptr {kind}, ptr %records, i64 {GROUP * record}",
        f"  %rows = alloca [{max(len(kernel.widths), 1)} x ptr], align 8",
        f"  call void @llvm.memset.p0.i64(ptr align 8 %sums, i8 0, i64 {kernel.room * 8}, i1 false)",
        f"  %full = sdiv i64 %n, {width}",
        f"  %rest = srem i64 %n, {width}",
    ]
    for array in range(len(kernel.widths)):
        lines += [
            *_element(f"array{array}", "arrays", array),
            f"  %copy{array} = getelementptr {kind}, ptr %copies, i64 {sum(kernel.widths[:array])}",
            f"  %rows{array}_place = getelementptr ptr, ptr %rows, i64 {array}",
        ]
    lines += ["  call void @once(ptr %uniform)", "  %short = icmp sgt i64 %rest, 0"]
    lines += ["  br i1 %short, label %fill, label %begin", "fill:", *filled(kernel)]
    lines += [
        "  br label %begin",
        "begin:",
        "  %any = icmp slt i64 %first, %end",
        "  br i1 %any, label %group, label %total",
        "group:",
        "  %g = phi i64 [ %first, %begin ], [ %gnext, %grouped ]",
        "  %left = sub i64 %end, %g",
        f"  %many = icmp sgt i64 %left, {GROUP}",
        f"  %count = select i1 %many, i64 {GROUP}, i64 %left",
        "  %gnext = add i64 %g, %count",
        "  br label %blocks",
        "blocks:",
        "  %u = phi i64 [ 0, %group ], [ %next, %blocks ]",
        "  %i = add i64 %g, %u",
        "  %partial = icmp eq i64 %i, %full",
        f"  %row = mul i64 %i, {width}",
    ]
    for array, columns in enumerate(kernel.widths):
        lines += [
            f"  %offset{array} = mul i64 %row, {columns}",
            f"  %straight{array} = getelementptr double, ptr %array{array}, i64 %offset{array}",
            f"  %rows{array} = select i1 %partial, ptr %copy{array}, ptr %straight{array}",
            f"  store ptr %rows{array}, ptr %rows{array}_place",
        ]
    return [
        *lines,
        f"  %record_at = mul i64 %u, {record}",
        f"  %record = getelementptr {kind}, ptr %records, i64 %record_at",
        "  call void @block(ptr %rows, ptr %uniform, ptr %record, ptr %columns, i64 %row)",
        "  %next = add i64 %u, 1",
        "  %more = icmp slt i64 %next, %count",
        "  br i1 %more, label %blocks, label %check",
        "check:",
        "  %over = icmp sgt i64 %gnext, %full",
        "  br i1 %over, label %mask, label %tiles",
        *masked(kernel, kind, width),
        "tiles:",
        *sums.lines,
        "  br label %grouped",
        "grouped:",
        "  %again = icmp slt i64 %gnext, %end",
        "  br i1 %again, label %group, label %total",
        "total:",
        *(means(width, kernel.summed) if kernel.summed else []),
        "  ret void",
        "}",
    ]
