"""The entries of programs: which ones can be called with arrays directly, and by what machine code; see `entry`."""

from __future__ import annotations

import sys

from autograd_mini.compiler.llvm.assembler import hexadecimal
from autograd_mini.compiler.llvm.fastcall import COPY, Views, api, function, new_array, pair, pointer, possible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.program import Program


def of_gradient(program: Program, args: tuple[Any, ...], slow: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return an entry for a program that takes one array and returns (value, gradient of its shape), else None."""
    if program.backend not in {"llvm", "vm"} or program.used or not possible():
        return None
    if len(args) != 1 or not _plain(args[0]) or args[0].ndim != 1:
        return None
    size = len(args[0])
    if not size or program.layout != ("tuple", (None, ("array", (size,)))):
        return None
    from autograd_mini.compiler.llvm.instructions import calls_back

    if any(calls_back(step[0]) for step in program.tape.steps):  # Python may run another thread meanwhile
        return None
    if program.entry is None:
        from autograd_mini.compiler.llvm.target import Code

        made: Any = program.run()
        code = Code(_scalar_entry(size, made.address, slow), level=1)
        program.entry = function(code.address("entry"), "compiled", (code, made, slow))
    return program.entry


def of_mean(
    program: Program, args: tuple[Any, ...], in_axes: object, slow: Callable[..., Any]
) -> Callable[..., Any] | None:
    """Return an entry for (p, *arrays) -> (mean loss, gradient) of a batch, else None."""
    if program.backend != "llvm" or not program.used or not possible():
        return None
    if in_axes != 0 or not args or not all(map(_plain, args)):
        return None
    if program.entry is None:
        from autograd_mini.compiler.llvm.target import Code

        made: Any = program.run()
        shapes = [(len(program.used),), *[(None, *array.shape[1:]) for array in args]]
        sizes = (made.summed, made.room)
        code = Code(_batch_entry(shapes, made.slots, sizes, made.same, made.width, made.address, slow), level=1)
        program.entry = function(code.address("entry"), "value_and_grad", (code, made, slow))
    return program.entry


def _plain(given: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(given) is numpy.ndarray and given.dtype == float and given.ndim > 0


def _batch_entry(
    shapes: Sequence[tuple[int | None, ...]],
    slots: int,
    sizes: tuple[int, int],
    same: Sequence[tuple[int, int | None, float]],
    width: int,
    kernel: int,
    slow: Callable[..., Any],
) -> str:
    """Return the text of an entry (p, *arrays) -> (mean loss, gradient).

    Args:
        shapes: those of p and of the arrays; None for the number of samples.
        slots: how many numbers `uniform` has room for.
        sizes: how many sums the kernel returns, of which the first is the loss, and the room that it wants for them.
        same: of the sums that are alike for every sample where they are, their slots, and else the constant.
        width: how many lanes the kernel has.
        kernel: its address.
        slow: what takes other arguments.

    """
    summed, room = sizes
    views = Views(shapes, slow)
    head = views.head()
    head[2:2] = [
        f"  %uniform = alloca [{max(slots, 1)} x double], align 64",
        f"  %sums = alloca [{room} x double], align 64",
        f"  %arrays = alloca [{len(shapes)} x ptr], align 16",
        "  %call = alloca [2 x ptr], align 16",
    ]
    n = next(f"%length{at}_{shape.index(None)}" for at, shape in enumerate(shapes) if None in shape)
    given = shapes[0][0]
    lines = [*head, "run:"]
    for at in range(1, len(shapes)):
        lines += [
            f"  %slot{at} = getelementptr ptr, ptr %arrays, i64 {at - 1}",
            f"  store ptr %buffer{at}, ptr %slot{at}",
        ]
    arguments = f"i64 0, i64 %blocks, i64 {n}, double %divisor, ptr %arrays, ptr %uniform, ptr null, ptr %sums"
    lines += [
        f"  call void @llvm.memcpy.p0.p0.i64(ptr %uniform, ptr %buffer0, i64 {8 * (given or 0)}, i1 false)",
        f"  %up = add i64 {n}, {width - 1}",
        f"  %blocks = sdiv i64 %up, {width}",
        f"  %divisor = sitofp i64 {n} to double",
        f"  %state = call ptr {api('PyEval_SaveThread')}()",
        f"  call void {pointer(kernel)}({arguments})",
        f"  call void {api('PyEval_RestoreThread')}(ptr %state)",
    ]
    for at, slot, constant in same:
        lines.append(f"  %sum{at} = getelementptr double, ptr %sums, i64 {at}")
        if slot is None:
            lines.append(f"  store double {hexadecimal(constant)}, ptr %sum{at}")
        else:
            lines += [
                f"  %from{at} = getelementptr double, ptr %uniform, i64 {slot}",
                f"  %alike{at} = load double, ptr %from{at}",
                f"  store double %alike{at}, ptr %sum{at}",
            ]
    lines += [
        *new_array(summed - 1),
        "  %slopes = getelementptr double, ptr %sums, i64 1",
        f"  call void @llvm.memcpy.p0.p0.i64(ptr %numbers, ptr %slopes, i64 {8 * (summed - 1)}, i1 false)",
        "  %loss = load double, ptr %sums",
        *pair("%loss"),
    ]
    return "\n".join([*lines, *views.tail("%pair"), COPY])


def _scalar_entry(size: int, program: int, slow: Callable[..., Any]) -> str:
    """Return the text of an entry (x) -> (value, gradient) of a program of one array, of as many numbers as results.

    Args:
        size: how long the array is.
        program: its address.
        slow: what takes other arguments.

    """
    views = Views([(size,)], slow)
    head = views.head()
    head[2:2] = ["  %call = alloca [2 x ptr], align 16"]
    lines = [
        f"@results = internal global [{size + 1} x double] zeroinitializer, align 64",  # one call is in here at a time
        *head,
        "run:",
        f"  call void {pointer(program)}(ptr %buffer0, ptr @results)",
        *new_array(size),
        "  %slopes = getelementptr double, ptr @results, i64 1",
        f"  call void @llvm.memcpy.p0.p0.i64(ptr %numbers, ptr %slopes, i64 {8 * size}, i1 false)",
        "  %value = load double, ptr @results",
        *pair("%value"),
    ]
    return "\n".join([*lines, *views.tail("%pair"), COPY])
