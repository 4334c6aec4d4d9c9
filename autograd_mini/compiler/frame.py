"""The frame of a kernel: the loop over groups of blocks of samples, and the sums over lanes at its end.

In C it would read

    void kernel(i64 first, i64 end, i64 n, double divisor,
                double **arrays, double *uniform, double **columns, double *sums)

for blocks `first` to `end` of the batch. The last block of a batch may be short: its rows are copied beside its last
row, so the body need not know, and what is summed is set to 0 in the lanes that hold no sample.
"""

from __future__ import annotations

from autograd_mini.compiler.instructions import Writer
from autograd_mini.compiler.sums import added_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.compiler.lanes import Kernel

GROUP = 8
"""So many blocks of samples are computed before their products are summed; their factors stay in the first cache."""


def module(kernel: Kernel, preamble: list[str], body: list[str]) -> str:
    """Write the kernel around the text of its parts."""
    width, kind = kernel.width, f"<{kernel.width} x double>"
    size = kernel.room
    added = added_up(kernel)
    after = next((line[:-1] for line in reversed(added) if line.endswith(":")), "tiles")
    pointers = ", ".join(f"ptr noalias %{name}" for name in ("arrays", "uniform", "columns", "sums"))
    lines = [
        f"define void @kernel(i64 %first, i64 %end, i64 %n, double %divisor, {pointers}) {{",
        "entry:",
        f"  %sums_by_lane = alloca [{size} x {kind}], align 64",
        f"  %stored = alloca [{max(GROUP * len(kernel.factors), 1)} x {kind}], align 64",
        f"  call void @llvm.memset.p0.i64(ptr align 64 %sums_by_lane, i8 0, i64 {size * width * 8}, i1 false)",
        f"  %full = sdiv i64 %n, {width}",
        f"  %rest = srem i64 %n, {width}",
    ]
    kernel.declarations.add("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    for array, columns in enumerate(kernel.widths):
        lines += [
            f"  %place{array} = getelementptr ptr, ptr %arrays, i64 {array}",
            f"  %array{array} = load ptr, ptr %place{array}",
            f"  %scratch{array} = alloca [{width * columns} x double], align 64",
        ]
    for column in range(kernel.kept):
        lines += [
            f"  %columnplace{column} = getelementptr ptr, ptr %columns, i64 {column}",
            f"  %column{column} = load ptr, ptr %columnplace{column}",
        ]
    lines += preamble
    lines += ["  %short = icmp sgt i64 %rest, 0", "  br i1 %short, label %fill, label %begin", "fill:"]
    # Copy the short block's rows, with its last row in the lanes that are left.
    lines += ["  %lastrow = sub i64 %n, 1", f"  %base = mul i64 %full, {width}"]
    for array, columns in enumerate(kernel.widths):
        for lane in range(width):
            name = f"{array}_{lane}"
            lines += [
                f"  %r{name} = add i64 %base, {lane}",
                f"  %inside{name} = icmp slt i64 %r{name}, %n",
                f"  %c{name} = select i1 %inside{name}, i64 %r{name}, i64 %lastrow",
                f"  %o{name} = mul i64 %c{name}, {columns}",
                f"  %p{name} = getelementptr double, ptr %array{array}, i64 %o{name}",
                f"  %q{name} = getelementptr double, ptr %scratch{array}, i64 {lane * columns}",
                f"  call void @llvm.memcpy.p0.p0.i64(ptr %q{name}, ptr %p{name}, i64 {columns * 8}, i1 false)",
            ]
        kernel.declarations.add("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
    lines += [
        "  br label %begin",
        "begin:",
        "  %any = icmp slt i64 %first, %end",
        "  br i1 %any, label %group, label %total",
        "group:",
        f"  %g = phi i64 [ %first, %begin ], [ %gnext, %{after} ]",
        "  %left = sub i64 %end, %g",
        f"  %many = icmp sgt i64 %left, {GROUP}",
        f"  %count = select i1 %many, i64 {GROUP}, i64 %left",
        "  %gnext = add i64 %g, %count",
        "  br label %block",
        "block:",
        f"  %u = phi i64 [ 0, %group ], [ %next, %{f'part{kernel.parts}' if kernel.parts else 'block'} ]",
        "  %i = add i64 %g, %u",
        "  %partial = icmp eq i64 %i, %full",
        f"  %row = mul i64 %i, {width}",
        f"  %stored_at = mul i64 %u, {len(kernel.factors)}",
        f"  %factors = getelementptr {kind}, ptr %stored, i64 %stored_at",
    ]
    for array, columns in enumerate(kernel.widths):
        lines += [
            f"  %offset{array} = mul i64 %row, {columns}",
            f"  %straight{array} = getelementptr double, ptr %array{array}, i64 %offset{array}",
            f"  %rows{array} = select i1 %partial, ptr %scratch{array}, ptr %straight{array}",
        ]
    lines += body
    lines += [
        "  %next = add i64 %u, 1",
        "  %more = icmp slt i64 %next, %count",
        "  br i1 %more, label %block, label %check",
        "check:",
        "  %over = icmp sgt i64 %gnext, %full",
        "  br i1 %over, label %mask, label %tiles",
        *_mask(kernel, kind, width),
        "tiles:",
        *added,
        "  %again = icmp slt i64 %gnext, %end",
        "  br i1 %again, label %group, label %total",
        "total:",
    ]
    if kernel.summed:
        lines += _totals(kernel, kind, width)
    lines += ["  br label %done", "done:", "  ret void", "}"]
    return "\n".join([*lines, *sorted(kernel.declarations)]) + "\n"


def _mask(kernel: Kernel, kind: str, width: int) -> list[str]:
    """Write the loop that sets the factors of the short block to 0 in lanes without a sample."""
    counting = ", ".join(f"i64 {lane}" for lane in range(width))
    return [
        "mask:",
        f"  %rest0 = insertelement <{width} x i64> poison, i64 %rest, i32 0",
        f"  %rests = shufflevector <{width} x i64> %rest0, <{width} x i64> poison, <{width} x i32> zeroinitializer",
        f"  %counts = icmp slt <{width} x i64> <{counting}>, %rests",
        "  %short_block = sub i64 %full, %g",
        f"  %short_at = mul i64 %short_block, {len(kernel.factors)}",
        f"  %short_factors = getelementptr {kind}, ptr %stored, i64 %short_at",
        "  br label %masking",
        "masking:",
        "  %m = phi i64 [ 0, %mask ], [ %mnext, %masking ]",
        f"  %factor_at = getelementptr {kind}, ptr %short_factors, i64 %m",
        f"  %factor = load {kind}, ptr %factor_at, align {width * 8}",
        f"  %counted = select <{width} x i1> %counts, {kind} %factor, {kind} zeroinitializer",
        f"  store {kind} %counted, ptr %factor_at, align {width * 8}",
        "  %mnext = add i64 %m, 1",
        f"  %mmore = icmp slt i64 %mnext, {max(len(kernel.factors), 1)}",
        "  br i1 %mmore, label %masking, label %tiles",
    ]


def _totals(kernel: Kernel, kind: str, width: int) -> list[str]:
    """Write the sums over lanes, as many at a time as there are lanes, and their division."""
    writer = Writer(width, "s", kernel.declarations)
    sums = []
    for at in range(width):
        index = writer.put(f"add i64 %s, {at}")
        place = writer.put(f"getelementptr {kind}, ptr %sums_by_lane, i64 {index}")
        sums.append(writer.put(f"load {kind}, ptr {place}, align {width * 8}"))
    while len(sums) > 1:  # add neighbouring lanes of two vectors, which leaves one
        sums = [_neighbours(writer, a, b) for a, b in zip(sums[::2], sums[1::2], strict=True)]
    mean = writer.step("truediv", [sums[0], "%divisors"])
    return [
        f"  %divisor0 = insertelement {kind} poison, double %divisor, i32 0",
        f"  %divisors = shufflevector {kind} %divisor0, {kind} poison, <{width} x i32> zeroinitializer",
        "  br label %sum",
        "sum:",
        "  %s = phi i64 [ 0, %total ], [ %snext, %sum ]",
        *writer.lines,
        "  %sumplace = getelementptr double, ptr %sums, i64 %s",
        f"  store {kind} {mean}, ptr %sumplace, align 8",
        f"  %snext = add i64 %s, {width}",
        f"  %smore = icmp slt i64 %snext, {kernel.summed}",
        "  br i1 %smore, label %sum, label %done0",
        "done0:",
    ]


def _neighbours(writer: Writer, this: str, other: str) -> str:
    kind, width = writer.kind, writer.width
    parts = []
    for first in (0, 1):
        lanes = ", ".join(f"i32 {lane}" for lane in range(first, 2 * width, 2))
        parts.append(writer.put(f"shufflevector {kind} {this}, {kind} {other}, <{width} x i32> <{lanes}>"))
    return writer.step("add", parts)
