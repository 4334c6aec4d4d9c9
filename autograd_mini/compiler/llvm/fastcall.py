"""The fast call: built-in functions of CPython's fast calling convention, whose code is machine code made here.

A compiled gradient takes arrays through the buffer protocol, runs the kernel, and returns (mean loss, gradient), all in
a few hundred nanoseconds. Whatever it does not know, other types, strides or shapes, or arguments by name, it hands on,
untouched, to the Python function that takes anything. `same_entries` compares lists.
"""

from __future__ import annotations

import ctypes
import sys
from array import array
from functools import cache

from autograd_mini.compiler.backends import BACKENDS
from autograd_mini.compiler.llvm.assembler import Assembler, calls_back, function, module, pointer
from autograd_mini.compiler.llvm.target import Code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from autograd_mini.compiler.branching import Paths
    from autograd_mini.compiler.program import Program

FAST_CALL_WITH_KEYWORDS = 0x0080 | 0x0002
"""METH_FASTCALL | METH_KEYWORDS."""

CONTIGUOUS_WITH_FORMAT = 0x0004 | 0x0008
"""PyBUF_FORMAT | PyBUF_ND: the shape and the format, and no strides, so that only contiguous arrays pass."""

_VIEW, _DIMENSIONS, _FORMAT, _SHAPE = 80, 36, 40, 48
"""The size of a Py_buffer in bytes, and where in it `ndim`, `format` and `shape` lie; `buf` is the first."""

SIZE_OF_LIST, SIZE_AT, ENTRIES_AT = 40, 16, 24
"""The size of a list object in bytes, and where in it its length and the address of its entries lie."""


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


def _builtin(code: Code, name: str, *needs: Any) -> Callable[..., Any]:
    """Return the built-in function that is the machine code's `entry`; it keeps alive what it needs."""
    method = _Method(name.encode(), code.address("entry"), FAST_CALL_WITH_KEYWORDS, None)
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.POINTER(_Method), ctypes.py_object, ctypes.c_void_p)(
        ("PyCFunction_NewEx", ctypes.pythonapi)
    )
    made: Callable[..., Any] = make(ctypes.byref(method), (method, code, *needs), None)
    return made


class Entry(Assembler):
    """Writes a built-in function."""

    def __init__(self) -> None:
        super().__init__(1, "e", set())

    def python(self, name: str, *given: str, kind: str = "ptr") -> str:
        """Write the call of a function of the interpreter and return its result."""
        address = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0
        call = f"call {kind} {pointer(address)}({', '.join(given)})"
        if kind != "void":
            return self.put(call)
        self.write(call)
        return ""

    def code(self, head: Iterable[str] = (), level: int = 1) -> Code:
        """Return the machine code of the function `entry`, and of what stands before it."""
        lines = function("ptr @entry(ptr %self, ptr %args, i64 %nargs, ptr %names)", self.lines)
        return Code(module([*head, *lines], self.declarations), level)


class GradientEntry(Entry):
    """Writes a function of arrays that returns a number and an array.

    Args:
        shapes: for each argument its shape; None for a length that arguments share.
        slow: the Python function that takes over if an argument is anything else.
        rooms: the types of what else lies on the stack.

    Attributes:
        rooms: where that lies.
        buffers: where the numbers of each argument lie.
        length: the shared length.

    """

    def __init__(self, shapes: Sequence[tuple[int | None, ...]], slow: Callable[..., Any], *rooms: str) -> None:
        super().__init__()
        put, load, element = self.put, self.load, self.element
        self._slow, self.buffers, self.length = slow, list[str](), ""
        self.rooms = [put(f"alloca {kind}, align 64") for kind in rooms]
        self._argument = put("alloca [2 x ptr], align 16")
        self._made, *self._views = [put(f"alloca [{_VIEW} x i8], align 16") for _ in range(1 + len(shapes))]
        self.require(put(f"icmp eq i64 %nargs, {len(shapes)}"), "slow")
        self.require(put("icmp eq ptr %names, null"), "slow")
        for at, (shape, view) in enumerate(zip(shapes, self._views, strict=True)):
            status = self._look(load(element("ptr", "%args", at), "ptr"), view)
            self.require(put(f"icmp eq i32 {status}, 0"), f"clear{at}")
            dimensions = load(element("i8", view, _DIMENSIONS), "i32")
            self.require(put(f"icmp eq i32 {dimensions}, {len(shape)}"), f"free{at}")
            letters = load(element("i8", view, _FORMAT), "ptr")
            self.require(put(f"icmp ne ptr {letters}, null"), f"free{at}")
            double = f"icmp eq i16 {load(letters, 'i16', align=1)}, 100"  # "d" and the end of the text
            self.require(put(double), f"free{at}")
            lengths = load(element("i8", view, _SHAPE), "ptr")
            for axis, wanted in enumerate(shape):
                found = load(element("i64", lengths, axis), "i64")
                first = wanted is None and not self.length
                self.length = found if first else self.length
                right = "sgt i64 {}, 0" if first else f"eq i64 {{}}, {self.length if wanted is None else wanted}"
                self.require(put(f"icmp {right.format(found)}"), f"free{at}")
            self.buffers.append(load(view, "ptr"))

    def built(self, name: str, numbers: str, size: int, made: Any, head: Sequence[str] = ()) -> Callable[..., Any]:
        """Write the return of the first of some numbers, and of those after it as an array; return the function."""
        import numpy as np

        empty, length = np.empty, size
        self.store(pointer(id(length)), self._argument, "ptr")
        given = (f"ptr {pointer(id(empty))}", f"ptr {self._argument}", "i64 1", "ptr null")
        slopes = self.python("PyObject_Vectorcall", *given)
        self.require(self.put(f"icmp ne ptr {slopes}, null"), "failed")
        self._look(slopes, self._made)
        self.copy(self.load(self._made, "ptr"), self.element("double", numbers, 1), 8 * size)
        self._release([self._made])
        number = self.python("PyFloat_FromDouble", f"double {self.load(numbers)}")
        self.require(self.put(f"icmp ne ptr {number}, null"), "failed")
        pair = self.python("PyTuple_New", "i64 2")
        self.require(self.put(f"icmp ne ptr {pair}, null"), "failed")
        for at, part in enumerate((number, slopes)):
            self.python("PyTuple_SetItem", f"ptr {pair}", f"i64 {at}", f"ptr {part}", kind="i32")
        for label, result in (("done", pair), ("failed", "null")):  # for want of memory; the error is set
            if label == "failed":
                self.begin(label)
            self._release(self._views)
            self.write(f"ret ptr {result}")
        for at, view in reversed([*enumerate(self._views)]):
            before = f"free{at - 1}" if at else "slow"
            self.begin(f"clear{at}")
            self.python("PyErr_Clear", kind="void")
            self.write(f"br label %{before}")
            self.begin(f"free{at}")
            self._release([view])
            self.write(f"br label %{before}")
        self.begin("slow")
        given = (f"ptr {pointer(id(self._slow))}", "ptr %args", "i64 %nargs", "ptr %names")
        self.write(f"ret ptr {self.python('PyObject_Vectorcall', *given)}")
        return _builtin(self.code(head), name, self._slow, empty, length, made)

    def _look(self, thing: str, view: str) -> str:
        given = (f"ptr {thing}", f"ptr {view}", f"i32 {CONTIGUOUS_WITH_FORMAT}")
        return self.python("PyObject_GetBuffer", *given, kind="i32")

    def _release(self, views: Sequence[str]) -> None:
        for view in views:
            self.python("PyBuffer_Release", f"ptr {view}", kind="void")


def of_gradient(program: Program | Paths, args: tuple[Any, ...], slow: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return an entry for a program that takes one array and returns (value, gradient of its shape), else None."""
    if program.used or len(args) != 1 or not _plain(args[0]) or args[0].ndim != 1:
        return None
    size = len(args[0])
    return _of_point(program, size, slow) if program.layout == ("tuple", (None, ("array", (size,)))) else None


def of_parameters(
    program: Program | Paths, args: tuple[Any, ...], slow: Callable[..., Any]
) -> Callable[..., Any] | None:
    """Return an entry for (p) -> (loss, gradient) of a function without arguments, else None."""
    return None if args else _of_point(program, len(program.used), slow)


def _of_point(program: Program | Paths, size: int, slow: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return an entry for a program of `size` inputs that returns a number and the derivatives by these."""
    if program.backend not in {"llvm", "vm"} or program.checks or not size or not possible():
        return None
    if program.entry is None:
        made: Any = program.run()
        code = getattr(made, "code", made)  # the interpreter has an address too
        if not getattr(code, "settled", True) or not hasattr(code, "address"):
            return None
        if program.rolled is None and any(map(calls_back, program.tape.kinds())):
            return None  # Python may run another thread meanwhile
        results = f"@results = internal global [{size + 1} x double] zeroinitializer, align 64"  # of one call at a time
        entry = GradientEntry([(size,)], slow)
        entry.write(f"call void {pointer(code.address)}(ptr {entry.buffers[0]}, ptr @results)")
        program.entry = entry.built("compiled", "@results", size, made, [results])
    return program.entry


def of_mean(
    program: Program | Paths, args: tuple[Any, ...], in_axes: object, slow: Callable[..., Any]
) -> Callable[..., Any] | None:
    """Return an entry for (p, *arrays) -> (mean loss, gradient) of a batch, else None."""
    from autograd_mini.compiler.llvm.backend import call_kernel

    if program.backend != "llvm" or not program.used or program.checks or not possible():
        return None
    if in_axes != 0 or not args or not all(map(_plain, args)):
        return None
    if program.entry is None:
        made: Any = program.run()
        if not made.code.settled:
            return None
        count = len(program.used)
        shapes = [(count,), *[(None, *array.shape[1:]) for array in args]]
        rooms = (f"[{len(args)} x ptr]", f"[{max(made.slots, 1)} x double]", f"[{made.room} x double]")
        entry = GradientEntry(shapes, slow, *rooms)
        arrays, uniform, sums = entry.rooms
        for at, buffer in enumerate(entry.buffers[1:]):
            entry.store(buffer, entry.element("ptr", arrays, at), "ptr")
        entry.copy(uniform, entry.buffers[0], 8 * count)
        state = entry.python("PyEval_SaveThread")
        call_kernel(entry, made, entry.length, (arrays, uniform, sums))
        entry.python("PyEval_RestoreThread", f"ptr {state}", kind="void")
        program.entry = entry.built("value_and_grad", sums, made.summed - 1, made)
    return program.entry


def _plain(given: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(given) is numpy.ndarray and given.dtype == float and given.ndim > 0


# --- comparing lists ---


def comparable() -> bool:
    """Return whether this interpreter's lists are as the machine code takes them, and there is LLVM to make it."""
    return possible() and list.__basicsize__ == SIZE_OF_LIST and BACKENDS["llvm"].available


def same_entries(lists: Sequence[tuple[list[Any], Sequence[Any]]]) -> Callable[[], bool]:
    """Return a built-in function that says whether lists hold the very entries given for each.

    It compares the pointers in each list with those of then; Python takes a call to compare two entries by identity.
    """
    if not lists:
        return lambda: True
    table = array("Q", [len(lists)])
    for held, entries in lists:
        table.extend((id(held), len(entries)))
    for _, entries in lists:
        table.extend(map(id, entries))
    # It needs the lists too, so that no other object gets their addresses.
    return _builtin(_comparison(), "same_entries", table.tobytes(), lists)


@cache
def _comparison() -> Code:
    """Return the code, whose table has the number of lists, for each its address and length, and all entries."""
    write = Entry()
    put, load, element = write.put, write.load, write.element
    write.declarations.add("declare i32 @memcmp(ptr, ptr, i64)")
    content = write.python("PyTuple_GetItem", "ptr %self", "i64 2")  # behind its definition and its code
    table = write.python("PyBytes_AsString", f"ptr {content}")
    lists = load(table, "i64")
    rows = element("i64", table, 1)
    entries = element("i64", rows, put(f"mul i64 {lists}, 2"))
    with write.counting("list", lists) as (loop, at):
        expected, before = loop.carry("ptr", entries), loop.carry("i1", "true")
        row = element("i64", rows, put(f"mul i64 {at}, 2"))
        address, count = load(row, "ptr"), load(element("i64", row, 1), "i64")
        size = load(element("i8", address, SIZE_AT), "i64")
        held = load(element("i8", address, ENTRIES_AT), "ptr")
        long = put(f"icmp eq i64 {size}, {count}")
        within = put(f"select i1 {long}, i64 {put(f'mul i64 {count}, 8')}, i64 0")
        difference = put(f"call i32 @memcmp(ptr {held}, ptr {expected}, i64 {within})")
        alike = put(f"and i1 {long}, {put(f'icmp eq i32 {difference}, 0')}")
        same = put(f"and i1 {before}, {alike}")
        loop.follow(before, same)
        loop.follow(expected, element("i64", expected, count))
    yes, no = (pointer(id(answer)) for answer in (True, False))
    answer = put(f"select i1 {same}, ptr {yes}, ptr {no}")
    write.python("Py_IncRef", f"ptr {answer}", kind="void")
    write.write(f"ret ptr {answer}")
    return write.code(level=2)
