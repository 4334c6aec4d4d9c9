"""The edges of a batch: the last block, which may be short of samples, and the end, where sums become means."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.compiler.llvm.plan import Kernel


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


def means(width: int, summed: int) -> list[str]:
    """Write the division of the sums, as many at a time as there are lanes."""
    kind = f"<{width} x double>"
    return [
        f"  %divisor0 = insertelement {kind} poison, double %divisor, i32 0",
        f"  %divisors = shufflevector {kind} %divisor0, {kind} poison, <{width} x i32> zeroinitializer",
        "  br label %sum",
        "sum:",
        "  %s = phi i64 [ 0, %total ], [ %snext, %sum ]",
        "  %sumplace = getelementptr double, ptr %sums, i64 %s",
        f"  %sumof = load {kind}, ptr %sumplace, align 8",
        f"  %mean = fdiv {kind} %sumof, %divisors",
        f"  store {kind} %mean, ptr %sumplace, align 8",
        f"  %snext = add i64 %s, {width}",
        f"  %smore = icmp slt i64 %snext, {summed}",
        "  br i1 %smore, label %sum, label %done",
        "done:",
    ]
