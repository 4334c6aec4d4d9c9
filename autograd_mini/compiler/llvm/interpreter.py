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
from autograd_mini.compiler.llvm.assembler import MEMCPY, pointer
from autograd_mini.compiler.llvm.instructions import Instructions
from autograd_mini.compiler.llvm.target import Code
from autograd_mini.compiler.tape import TRUTHS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from autograd_mini.compiler.bytecode import Bytecode


class Interpreter:
    """The interpreter for a number of lanes.

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
    """Return the interpreter for a number of lanes, made at the first call."""
    return Interpreter(lanes)


def caller(interpreter: Interpreter, orders: int, numbers: int, made: Bytecode) -> str:
    """Return the module of a function (inputs, results) that runs a program of single numbers.

    Args:
        interpreter: what runs it.
        orders: the address of its orders.
        numbers: the address of its places.
        made: the program.

    """
    copy = "  call void @llvm.memcpy.p0.p0.i64"
    results, count = numbers + 8 * made.results, made.room - made.results
    given = ", ".join(f"ptr {pointer(address)}" for address in (orders, numbers, numbers + 8 * made.first))
    lines = [
        "define void @program(ptr %inputs, ptr %results) {",
        f"{copy}(ptr {pointer(numbers)}, ptr %inputs, i64 {8 * made.inputs}, i1 false)",
        f"  call void {pointer(interpreter.address)}({given})",
        f"{copy}(ptr %results, ptr {pointer(results)}, i64 {8 * count}, i1 false)",
        "  ret void",
        "}",
        MEMCPY,
    ]
    return "\n".join(lines) + "\n"


def text(lanes: int, declarations: set[str]) -> list[str]:
    """Write the loop over the orders."""
    writer = Instructions(lanes, "o", declarations)
    loop = writer.loop("loop")
    order, result = loop.carry("ptr", "%orders"), loop.carry("ptr", "%first")
    operation = writer.put(f"load i32, ptr {order}")
    labels = " ".join(f"i32 {number}, label %{name}" for number, name in enumerate(OPERATIONS))
    writer.write(f"switch i32 {operation}, label %done [ {labels} ]")
    for name in OPERATIONS:
        writer.begin(name)
        found = _performed(writer, name, [_operand(writer, order, at) for at in range(arity(name))])
        writer.write(f"store {writer.kind} {found}, ptr {result}, align 8")
        writer.write("br label %next")
    writer.begin("next")
    loop.follow(order, writer.element("i32", order, 4))
    loop.follow(result, writer.element("double", result, lanes))
    loop.end()
    writer.begin("done")
    return [
        "define void @run(ptr noalias %orders, ptr %numbers, ptr %first) {",
        "entry:",
        *writer.lines,
        "  ret void",
        "}",
    ]


def _operand(writer: Instructions, order: str, at: int) -> str:
    place = writer.put(f"getelementptr i32, ptr {order}, i64 {at + 1}")
    offset = writer.put(f"zext i32 {writer.put(f'load i32, ptr {place}')} to i64")
    return writer.put(f"load {writer.kind}, ptr {writer.put(f'getelementptr i8, ptr %numbers, i64 {offset}')}, align 8")


def _performed(writer: Instructions, name: str, operands: list[str]) -> str:
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
