"""The edges of a batch: the last block, which may be short of samples, and the end, where lanes are added up."""

from __future__ import annotations

from autograd_mini.compiler.instructions import Writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.compiler.lanes import Kernel


def filled(kernel: Kernel) -> list[str]:
    """Copy the short block's rows, with its last row in the lanes that are left."""
    lines = ["  %lastrow = sub i64 %n, 1", f"  %base = mul i64 %full, {kernel.width}"]
    for array, columns in enumerate(kernel.widths):
        for lane in range(kernel.width):
            name = f"{array}_{lane}"
            lines += [
                f"  %r{name} = add i64 %base, {lane}",
                f"  %inside{name} = icmp slt i64 %r{name}, %n",
                f"  %c{name} = select i1 %inside{name}, i64 %r{name}, i64 %lastrow",
                f"  %o{name} = mul i64 %c{name}, {columns}",
                f"  %p{name} = getelementptr double, ptr %array{array}, i64 %o{name}",
                f"  %q{name} = getelementptr double, ptr %copy{array}, i64 {lane * columns}",
                f"  call void @llvm.memcpy.p0.p0.i64(ptr %q{name}, ptr %p{name}, i64 {columns * 8}, i1 false)",
            ]
    return lines


def masked(kernel: Kernel, kind: str, width: int) -> list[str]:
    """Write the loop that sets the record of the short block to 0 in lanes without a sample."""
    counting = ", ".join(f"i64 {lane}" for lane in range(width))
    return [
        "mask:",
        f"  %rest0 = insertelement <{width} x i64> poison, i64 %rest, i32 0",
        f"  %rests = shufflevector <{width} x i64> %rest0, <{width} x i64> poison, <{width} x i32> zeroinitializer",
        f"  %counts = icmp slt <{width} x i64> <{counting}>, %rests",
        "  %short_block = sub i64 %full, %g",
        f"  %short_at = mul i64 %short_block, {len(kernel.record)}",
        f"  %short_record = getelementptr {kind}, ptr %records, i64 %short_at",
        "  br label %masking",
        "masking:",
        "  %m = phi i64 [ 0, %mask ], [ %mnext, %masking ]",
        f"  %masked_at = getelementptr {kind}, ptr %short_record, i64 %m",
        f"  %masked = load {kind}, ptr %masked_at, align {width * 8}",
        f"  %counted = select <{width} x i1> %counts, {kind} %masked, {kind} zeroinitializer",
        f"  store {kind} %counted, ptr %masked_at, align {width * 8}",
        "  %mnext = add i64 %m, 1",
        f"  %mmore = icmp slt i64 %mnext, {max(len(kernel.record), 1)}",
        "  br i1 %mmore, label %masking, label %tiles",
    ]


def totals(kernel: Kernel, kind: str, width: int) -> list[str]:
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
        "  br i1 %smore, label %sum, label %done",
        "done:",
    ]


def _neighbours(writer: Writer, this: str, other: str) -> str:
    kind, width = writer.kind, writer.width
    parts = []
    for first in (0, 1):
        lanes = ", ".join(f"i32 {lane}" for lane in range(first, 2 * width, 2))
        parts.append(writer.put(f"shufflevector {kind} {this}, {kind} {other}, <{width} x i32> <{lanes}>"))
    return writer.step("add", parts)
