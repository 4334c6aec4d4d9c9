"""The entry: how a compiled gradient is called from Python in a few hundred nanoseconds.

The machine code itself is a built-in function of CPython's fast calling convention. It takes arrays through the buffer
protocol, runs the kernel, and returns (mean loss, gradient). Whatever it does not know, other types, strides or shapes,
or arguments by name, it hands on, untouched, to the Python function that takes anything.
"""

from __future__ import annotations

import ctypes
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

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


def pointer(address: int) -> str:
    """Write an address."""
    return f"inttoptr (i64 {address} to ptr)"


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


COPY = "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)\n"
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
