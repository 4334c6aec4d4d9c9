"""The fast call: how a compiled gradient is called from Python in a few hundred nanoseconds.

The machine code itself is a built-in function of CPython's fast calling convention. It takes arrays through the buffer
protocol, runs the kernel, and returns (mean loss, gradient). Whatever it does not know, other types, strides or shapes,
or arguments by name, it hands on, untouched, to the Python function that takes anything.
"""

from __future__ import annotations

import ctypes
import sys

from autograd_mini.compiler.llvm.assembler import MEMCPY, hexadecimal, pointer
from autograd_mini.compiler.llvm.instructions import calls_back
from autograd_mini.compiler.llvm.target import Code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.program import Program

FAST_CALL_WITH_KEYWORDS = 0x0080 | 0x0002
"""METH_FASTCALL | METH_KEYWORDS."""

CONTIGUOUS_WITH_FORMAT = 0x0004 | 0x0008
"""PyBUF_FORMAT | PyBUF_ND: the shape and the format, and no strides, so that only contiguous arrays pass."""

_VIEW = 80
"""The size of a Py_buffer, in bytes; `buf`, `ndim`, `format` and `shape` lie at 0, 36, 40 and 48."""


class _Method(ctypes.Structure):
    """A PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


def possible() -> bool:
    """Return whether this interpreter has the convention, the structures and the lock that the entry relies on."""
    locked: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
    cpython = sys.implementation.name == "cpython" and sys.version_info >= (3, 11)
    return cpython and ctypes.sizeof(ctypes.c_void_p) == 8 and locked()


def api(name: str) -> str:
    """Return a function of the interpreter, as LLVM names an address."""
    return pointer(ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0)


def function(address: int, name: str, needs: Any) -> Callable[..., Any]:
    """Return the built-in function at an address, which keeps alive what it needs."""
    method = _Method(name.encode(), address, FAST_CALL_WITH_KEYWORDS, None)
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.POINTER(_Method), ctypes.py_object, ctypes.c_void_p)(
        ("PyCFunction_NewEx", ctypes.pythonapi)
    )
    made: Callable[..., Any] = make(ctypes.byref(method), (method, needs), None)
    return made


class Views:
    """Writes the part that every entry begins with: a view of each argument, checked.

    Args:
        shapes: for each argument its shape; None for a length that all arguments share.
        slow: the Python function that takes over if an argument is anything else.

    """

    def __init__(self, shapes: Sequence[tuple[int | None, ...]], slow: Callable[..., Any]) -> None:
        self.shapes = shapes
        self.slow = pointer(id(slow))

    def head(self) -> list[str]:
        """Write the checks. Afterwards %buffer0 and so on are the arrays, and %n is the shared length."""
        count, look = len(self.shapes), api("PyObject_GetBuffer")
        lines = [
            "define ptr @entry(ptr %self, ptr %args, i64 %nargs, ptr %names) {",
            "entry:",
            *[f"  %view{at} = alloca [{_VIEW} x i8], align 16" for at in range(count)],
            "  br label %counted",
            "counted:",
            f"  %counts = icmp eq i64 %nargs, {count}",
            "  %unnamed = icmp eq ptr %names, null",
            "  %right = and i1 %counts, %unnamed",
            "  br i1 %right, label %take0, label %slow",
        ]
        shared = ""
        for at, shape in enumerate(self.shapes):
            failed = f"free{at - 1}" if at else "slow"
            lines += [
                f"take{at}:",
                f"  %place{at} = getelementptr ptr, ptr %args, i64 {at}",
                f"  %arg{at} = load ptr, ptr %place{at}",
                f"  %status{at} = call i32 {look}(ptr %arg{at}, ptr %view{at}, i32 {CONTIGUOUS_WITH_FORMAT})",
                f"  %taken{at} = icmp eq i32 %status{at}, 0",
                f"  br i1 %taken{at}, label %kind{at}, label %clear{at}",
                f"clear{at}:",
                f"  call void {api('PyErr_Clear')}()",
                f"  br label %{failed}",
                f"kind{at}:",
                f"  %ndimplace{at} = getelementptr i8, ptr %view{at}, i64 36",
                f"  %ndim{at} = load i32, ptr %ndimplace{at}",
                f"  %formatplace{at} = getelementptr i8, ptr %view{at}, i64 40",
                f"  %format{at} = load ptr, ptr %formatplace{at}",
                f"  %unknown{at} = icmp eq ptr %format{at}, null",
                f"  br i1 %unknown{at}, label %free{at}, label %letter{at}",
                f"letter{at}:",
                f"  %letters{at} = load i16, ptr %format{at}, align 1",
                f"  %double{at} = icmp eq i16 %letters{at}, 100",  # "d" and the end of the text
                f"  %dims{at} = icmp eq i32 %ndim{at}, {len(shape)}",
                f"  %fits{at} = and i1 %double{at}, %dims{at}",
                f"  br i1 %fits{at}, label %shape{at}, label %free{at}",
                f"shape{at}:",
                f"  %shapeplace{at} = getelementptr i8, ptr %view{at}, i64 48",
                f"  %lengths{at} = load ptr, ptr %shapeplace{at}",
            ]
            for axis, wanted in enumerate(shape):
                name = f"{at}_{axis}"
                lines += [
                    f"  %lengthplace{name} = getelementptr i64, ptr %lengths{at}, i64 {axis}",
                    f"  %length{name} = load i64, ptr %lengthplace{name}",
                ]
                if wanted is None and not shared:
                    shared = f"%length{name}"
                    lines.append(f"  %alike{name} = icmp sgt i64 {shared}, 0")
                else:
                    target = shared if wanted is None else wanted
                    lines.append(f"  %alike{name} = icmp eq i64 %length{name}, {target}")
                lines += [f"  br i1 %alike{name}, label %next{name}, label %free{at}", f"next{name}:"]
            following = f"take{at + 1}" if at + 1 < count else "run"
            lines += [f"  %buffer{at} = load ptr, ptr %view{at}", f"  br label %{following}"]
        return lines

    def tail(self, result: str) -> list[str]:
        """Write the release of the views and the way out."""
        release = api("PyBuffer_Release")
        lines = [f"  call void {release}(ptr %view{at})" for at in range(len(self.shapes))]
        lines += [f"  ret ptr {result}", "failed:"]  # for want of memory; the error is set
        lines += [f"  call void {release}(ptr %view{at})" for at in range(len(self.shapes))]
        lines.append("  ret ptr null")
        for at in reversed(range(len(self.shapes))):
            lines += [
                f"free{at}:",
                f"  call void {release}(ptr %view{at})",
                f"  br label %{f'free{at - 1}' if at else 'slow'}",
            ]
        return [
            *lines,
            "slow:",
            f"  %handed = call ptr {api('PyObject_Vectorcall')}(ptr {self.slow}, ptr %args, i64 %nargs, ptr %names)",
            "  ret ptr %handed",
            "}",
        ]


def new_array(size: int) -> list[str]:
    """Write the making of an array of float64; afterwards %array is it, and %numbers what it holds."""
    import numpy as np

    empty, length = np.empty, size
    _KEPT.extend((empty, length))
    return [
        f"  store ptr {pointer(id(length))}, ptr %call",
        f"  %array = call ptr {api('PyObject_Vectorcall')}(ptr {pointer(id(empty))}, ptr %call, i64 1, ptr null)",
        "  %no_array = icmp eq ptr %array, null",
        "  br i1 %no_array, label %failed, label %allocated",
        "allocated:",
        "  %arrayview = alloca [80 x i8], align 16",
        f"  %viewed = call i32 {api('PyObject_GetBuffer')}(ptr %array, ptr %arrayview, i32 {CONTIGUOUS_WITH_FORMAT})",
        "  %numbers = load ptr, ptr %arrayview",
    ]


_KEPT: list[Any] = []
"""What machine code refers to by its address."""


def pair(number: str) -> list[str]:
    """Write the making of (number, %array); afterwards %pair is it."""
    return [
        f"  call void {api('PyBuffer_Release')}(ptr %arrayview)",
        f"  %float = call ptr {api('PyFloat_FromDouble')}(double {number})",
        f"  %pair = call ptr {api('PyTuple_New')}(i64 2)",
        "  %no_float = icmp eq ptr %float, null",
        "  %no_pair = icmp eq ptr %pair, null",
        "  %neither = or i1 %no_float, %no_pair",
        "  br i1 %neither, label %failed, label %paired",
        "paired:",
        f"  %set0 = call i32 {api('PyTuple_SetItem')}(ptr %pair, i64 0, ptr %float)",
        f"  %set1 = call i32 {api('PyTuple_SetItem')}(ptr %pair, i64 1, ptr %array)",
    ]


def of_gradient(program: Program, args: tuple[Any, ...], slow: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return an entry for a program that takes one array and returns (value, gradient of its shape), else None."""
    if program.backend not in {"llvm", "vm"} or program.used or not possible():
        return None
    if len(args) != 1 or not _plain(args[0]) or args[0].ndim != 1:
        return None
    size = len(args[0])
    if not size or program.layout != ("tuple", (None, ("array", (size,)))):
        return None
    if any(calls_back(step[0]) for step in program.tape.steps):  # Python may run another thread meanwhile
        return None
    if program.entry is None:
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
    return "\n".join([*lines, *views.tail("%pair"), MEMCPY, ""])


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
    return "\n".join([*lines, *views.tail("%pair"), MEMCPY, ""])
