"""The interpreter: one small function of machine code that runs any program from its bytecode.

It is generated from the table of operations, once per process and number of lanes. In C it would read

    void run(int32 *order, vector *numbers, vector *result)
    {
        for (;; order += 4, result++)
            switch (order[0]) {
                case ADD: *result = numbers[order[1]] + numbers[order[2]]; break;
                ...
                default: return;
            }
    }

where a vector holds the same number of several samples, or of one.
"""

from __future__ import annotations

import ctypes
from functools import cache

from autograd_mini.compiler.bytecode import OPERATIONS, arity
from autograd_mini.compiler.llvm.assembler import Writer
from autograd_mini.compiler.llvm.target import Code
from autograd_mini.compiler.tape import TRUTHS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Interpreter:
    """The interpreter for so many lanes.

    Attributes:
        run: the function (orders, numbers, first result), all of them addresses.
        address: where it begins.

    """

    def __init__(self, lanes: int) -> None:
        declarations: set[str] = set()
        lines = text(lanes, declarations)
        self._code = Code("\n".join([*lines, *sorted(declarations)]) + "\n", level=1)
        self.address = self._code.address("run")
        self.run: Callable[..., None] = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3)(self.address)


@cache
def interpreter(lanes: int) -> Interpreter:
    """Return the interpreter for so many lanes, made at the first call."""
    return Interpreter(lanes)


def text(lanes: int, declarations: set[str]) -> list[str]:
    """Write the loop over the orders."""
    labels = " ".join(f"i32 {number}, label %{name}" for number, name in enumerate(OPERATIONS))
    lines = [
        "define void @run(ptr noalias %orders, ptr %numbers, ptr %first) {",
        "entry:",
        "  br label %loop",
        "loop:",
        "  %order = phi ptr [ %orders, %entry ], [ %next_order, %next ]",
        "  %result = phi ptr [ %first, %entry ], [ %next_result, %next ]",
        "  %operation = load i32, ptr %order",
        f"  switch i32 %operation, label %done [ {labels} ]",
    ]
    for number, name in enumerate(OPERATIONS):
        writer = Writer(lanes, f"o{number}_", declarations)
        found = _performed(writer, name, [_operand(writer, at) for at in range(arity(name))])
        lines += [f"{name}:", *writer.lines, f"  store {writer.kind} {found}, ptr %result, align 8", "  br label %next"]
    return [
        *lines,
        "next:",
        "  %next_order = getelementptr i32, ptr %order, i64 4",
        f"  %next_result = getelementptr double, ptr %result, i64 {lanes}",
        "  br label %loop",
        "done:",
        "  ret void",
        "}",
    ]


def _operand(writer: Writer, at: int) -> str:
    place = writer.put(f"getelementptr i32, ptr %order, i64 {at + 1}")
    offset = writer.put(f"zext i32 {writer.put(f'load i32, ptr {place}')} to i64")
    return writer.put(f"load {writer.kind}, ptr {writer.put(f'getelementptr i8, ptr %numbers, i64 {offset}')}, align 8")


def _performed(writer: Writer, name: str, operands: list[str]) -> str:
    """Write an operation; truth values lie in memory as 1.0 and 0.0."""
    if name == "copy":
        return operands[0]
    if name == "multiply_add":  # rounded twice, as the two operations are
        return writer.step("add", [writer.step("mul", operands[:2]), operands[2]])
    zero, one = writer.constant(0.0), writer.constant(1.0)
    truths = len(operands) if name in {"and", "or", "not"} else 1 if name == "select" else 0
    for at in range(truths):
        operands[at] = writer.put(f"fcmp une {writer.kind} {operands[at]}, {zero}")
    found = writer.step(name, operands)
    if name in TRUTHS:
        return writer.put(f"select {writer.truth} {found}, {writer.kind} {one}, {writer.kind} {zero}")
    return found
