"""Columns: how the rows of a block of samples become vectors, one for each column, one sample a lane."""

from __future__ import annotations

from autograd_mini.compiler.llvm.assembler import mask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.compiler.llvm.assembler import Writer

NARROW = 4
"""Rows of at most so many columns are loaded as they lie, and shuffled; wider ones are transposed into memory."""


def shuffled(writer: Writer, array: int, columns: int) -> list[str]:
    """Write the load of narrow rows, and return a vector for each column."""
    if not columns:
        return []
    width = writer.width
    wide = f"<{width * columns} x double>"
    rows = writer.put(f"load {wide}, ptr %rows{array}, align 8")
    return [
        writer.put(
            f"shufflevector {wide} {rows}, {wide} poison, {mask([lane * columns + at for lane in range(width)])}"
        )
        for at in range(columns)
    ]


def transposed(writer: Writer, array: int, columns: int, place: int, before: str) -> str:
    """Write a loop that transposes wide rows, as many columns at a time as there are lanes, and what is left over.

    Args:
        writer: where to write.
        array: the number of the array, whose rows begin at %rows0 and so on.
        columns: how many columns it has.
        place: where in the record of the block the first column belongs.
        before: the label of the instructions before.

    Returns:
        the label of the instructions behind.

    """
    width, name = writer.width, f"wide{array}"
    whole = columns // width * width
    if whole:
        writer.lines += [
            f"  br label %{name}",
            f"{name}:",
            f"  %{name}_c = phi i64 [ 0, %{before} ], [ %{name}_next, %{name} ]",
            f"  %{name}_rows = getelementptr double, ptr %rows{array}, i64 %{name}_c",
            f"  %{name}_place = add i64 %{name}_c, {place}",
        ]
        _square(writer, f"%{name}_rows", columns, f"%{name}_place", width)
        writer.lines += [
            f"  %{name}_next = add i64 %{name}_c, {width}",
            f"  %{name}_more = icmp slt i64 %{name}_next, {whole}",
            f"  br i1 %{name}_more, label %{name}, label %{name}_done",
            f"{name}_done:",
        ]
        before = f"{name}_done"
    if whole < columns:
        rows = writer.put(f"getelementptr double, ptr %rows{array}, i64 {whole}")
        _square(writer, rows, columns, str(place + whole), columns - whole)
    return before


def _square(writer: Writer, rows: str, columns: int, place: str, count: int) -> None:
    """Write the loads of so many columns of each row, and the stores of the vectors of the columns."""
    width, kind = writer.width, writer.kind
    lines = []
    for lane in range(width):
        row = writer.put(f"getelementptr double, ptr {rows}, i64 {lane * columns}")
        if count == width:
            lines.append(writer.put(f"load {kind}, ptr {row}, align 8"))
        else:
            function, chosen = f"llvm.masked.load.v{width}f64.p0", f"<{width} x i1>"
            writer.declarations.add(f"declare {kind} @{function}(ptr, i32, {chosen}, {kind})")
            inside = ", ".join(f"i1 {'true' if at < count else 'false'}" for at in range(width))
            lines.append(writer.put(f"call {kind} @{function}(ptr {row}, i32 8, {chosen} <{inside}>, {kind} poison)"))
    size = 1
    while size < width:  # exchange ever larger blocks beside the diagonal
        for at in range(width):
            if not at & size:
                first, second = lines[at], lines[at + size]
                kept = [j if not j & size else width + j - size for j in range(width)]
                moved = [j + size if not j & size else width + j for j in range(width)]
                for where, picked in ((at, kept), (at + size, moved)):
                    lines[where] = writer.put(f"shufflevector {kind} {first}, {kind} {second}, {mask(picked)}")
        size *= 2
    for at in range(count):
        index = writer.put(f"add i64 {place}, {at}")
        pointer = writer.put(f"getelementptr {kind}, ptr %record, i64 {index}")
        writer.lines.append(f"  store {kind} {lines[at]}, ptr {pointer}, align {width * 8}")
