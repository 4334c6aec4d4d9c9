"""The assembler: writes LLVM's language for one function, its values, labels, branches and loops.

Every block and every phi instruction is written here. What comes before a loop, its body and what comes after are one
run of instructions for the caller: the assembler knows the label that it is at.
"""

from __future__ import annotations

import ctypes
import struct
from contextlib import contextmanager
from functools import cache

from autograd_mini.compiler.llvm.target import vector_function
from autograd_mini.compiler.tape import TRUTHS
from autograd_mini.engine import ieee
from autograd_mini.engine.ops import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

PART = 48
"""Basic-block size limit, in steps; an opaque always-taken branch bounds quadratic alias analysis.

Within a block LLVM compares every access to memory with every other, and keeps what it has loaded for its next use; in
long programs that is what takes it most time, and registers.
"""

_ARITHMETIC = {"add": "fadd", "sub": "fsub", "mul": "fmul", "truediv": "fdiv", "fmod": "frem"}
_COMPARED = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "ne": "une"}
_INTRINSICS = {"abs": "fabs"} | {name: name for name in ("sqrt", "floor", "ceil", "roundeven", "copysign")}

C_LIBRARY = frozenset(
    (
        *("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "copysign", "cos", "cosh"),
        *("erf", "erfc", "exp", "exp2", "expm1", "fabs", "fdim", "floor", "fma", "fmax", "fmin", "fmod", "hypot"),
        *("lgamma", "log", "log10", "log1p", "log2", "logb", "nearbyint", "nextafter", "pow", "remainder", "rint"),
        *("sin", "sinh", "sqrt", "tan", "tanh", "tgamma", "trunc"),
    )
)
"""The functions of double that the C standard has in math.h, except `round`, whose halves are not Python's."""


class Loop:
    """A loop that is being written; its body is what is written before it ends.

    Args:
        assembler: where to write.
        name: its label, unique in the function.
        jump: whether what is before goes on to it; else its end is a branch that leads here.

    """

    def __init__(self, assembler: Assembler, name: str, *, jump: bool) -> None:
        self.assembler, self.name = assembler, name
        self._before = assembler.label
        if jump:
            assembler.jump(name)
        else:
            assembler.begin(name)
        self._head = len(assembler.lines)
        self._carried: list[tuple[str, str, str]] = []  # name, type, and first value
        self._following: dict[str, str] = {}

    def carry(self, kind: str, start: str | int) -> str:
        """Return the name of a value that passes from turn to turn, from a first one on; see `follow`."""
        name = f"%{self.name}_{len(self._carried)}"
        self._carried.append((name, kind, str(start)))
        return name

    def follow(self, carried: str, value: str) -> None:
        """Set what a value that is carried will be in the next turn."""
        self._following[carried] = value

    def end(self, condition: str = "", after: str = "") -> None:
        """Go back to the beginning: always, or where a condition holds; then `after` is the label of what follows."""
        assembler = self.assembler
        assembler.lines[self._head : self._head] = [
            f"  {name} = phi {kind} [ {start}, %{self._before} ], [ {self._following[name]}, %{assembler.label} ]"
            for name, kind, start in self._carried
        ]
        if condition:
            after = after or f"{self.name}_done"
            assembler.branch(condition, self.name, after)
            assembler.begin(after)
        else:
            assembler.write(f"br label %{self.name}")


class Assembler:
    """Writes the instructions of a function, one after another.

    Args:
        width: how many lanes a value has; 1 for single numbers.
        prefix: what the names of values begin with, so that two assemblers can share a function.
        declarations: where to note the functions that are called.

    Attributes:
        lines: the text so far.
        kind: the type of a number, "double" or "<8 x double>".
        truth: the type of a truth value.
        label: the label of the instructions that are being written.

    """

    def __init__(self, width: int, prefix: str, declarations: set[str]) -> None:
        self.width = width
        self.kind = "double" if width == 1 else f"<{width} x double>"
        self.truth = "i1" if width == 1 else f"<{width} x i1>"
        self.lines: list[str] = []
        self.declarations = declarations
        self.label = "entry"
        self._prefix = prefix
        self._count = self._since = self._parts = 0

    # --- labels, branches and loops ---

    def begin(self, label: str) -> None:
        """Begin a block."""
        self.lines.append(f"{label}:")
        self.label = label

    def jump(self, label: str) -> None:
        """Begin a block, to which the one before goes on."""
        self.write(f"br label %{label}")
        self.begin(label)

    def branch(self, condition: str, this: str, otherwise: str) -> None:
        """End a block: go on at one of two labels."""
        self.write(f"br i1 {condition}, label %{this}, label %{otherwise}")

    def loop(self, name: str, *, jump: bool = True) -> Loop:
        """Begin a loop, which goes on until `Loop.end`."""
        return Loop(self, name, jump=jump)

    @contextmanager
    def counting(
        self, name: str, end: str | int, *, start: str | int = 0, step: int = 1, after: str = ""
    ) -> Iterator[tuple[Loop, str]]:
        """Write a loop, at least one turn, whose body is written inside of a `with` block.

        Args:
            name: its label.
            end: the number at which it ends.
            start: the first number.
            step: how far it counts in each turn.
            after: the label of what comes after it.

        Yields:
            the loop, and the name of the number.

        """
        loop = self.loop(name)
        index = loop.carry("i64", start)
        yield loop, index
        following = self.put(f"add i64 {index}, {step}")
        loop.follow(index, following)
        loop.end(self.put(f"icmp slt i64 {following}, {end}"), after)

    def counted(self) -> bool:
        """Count a step; begin another part if this one has enough of them, and return whether it did."""
        self._since += 1
        if self._since < PART:
            return False
        self.part()
        return True

    def part(self) -> None:
        """Begin another part."""
        self._since = 0
        self.require("%always", "never")

    def require(self, condition: str, otherwise: str) -> None:
        """End a block: go on where a condition holds, else at a label."""
        self._parts += 1
        label = f"{self._prefix}part{self._parts}"
        self.branch(condition, label, otherwise)
        self.begin(label)

    # --- values ---

    def write(self, text: str) -> None:
        """Write an instruction without a result."""
        self.lines.append(f"  {text}")

    def put(self, text: str, name: str = "") -> str:
        """Write an instruction and return the name of its result."""
        if not name:
            self._count += 1
            name = f"{self._prefix}{self._count}"
        self.lines.append(f"  %{name} = {text}")
        return f"%{name}"

    def element(self, kind: str, pointer: str, at: str | int, name: str = "") -> str:
        """Write the address of an element of an array."""
        return self.put(f"getelementptr {kind}, ptr {pointer}, i64 {at}", name)

    def load(self, pointer: str, kind: str = "", align: int = 0) -> str:
        """Write the load of a number, or of a value of another type."""
        return self.put(f"load {kind or self.kind}, ptr {pointer}{f', align {align}' if align else ''}")

    def store(self, value: str, pointer: str, kind: str = "", align: int = 0) -> None:
        """Write the store of a number, or of a value of another type."""
        self.write(f"store {kind or self.kind} {value}, ptr {pointer}{f', align {align}' if align else ''}")

    def copy(self, to: str, of: str, size: int) -> None:
        """Write a copy of memory."""
        self.declarations.add("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        self.write(f"call void @llvm.memcpy.p0.p0.i64(ptr {to}, ptr {of}, i64 {size}, i1 false)")

    # --- arrays ---

    def gathered(self, array: str, index: str, *, varies: bool) -> str:
        """Write the load of an array's entry at an index, in each lane its own; see `_entries`."""
        places = self._entries(array, index, varies=varies)
        return self.load(places, align=8) if self.width == 1 else self._masked("gather", places)

    def collect(self, array: str, index: str, number: str, *, varies: bool) -> None:
        """Write the addition of a number to an array's entry at an index, in each lane its own; see `_entries`."""
        places = self._entries(array, index, varies=varies)
        if self.width == 1:
            self.store(self.step("add", [self.load(places, align=8), number]), places, align=8)
        else:
            self._masked("scatter", places, self.step("add", [self._masked("gather", places), number]))

    def _entries(self, array: str, index: str, *, varies: bool) -> str:
        """Write the addresses of entries: an array that varies has a vector for each, any other one a number."""
        if self.width == 1:
            return self.element("double", array, self.put(f"fptosi double {index} to i64"))
        whole, half = f"<{self.width} x i64>", f"<{self.width} x i32>"
        short = self.put(f"fptosi {self.kind} {index} to {half}")  # which older processors do for a vector at once
        at = self.put(f"sext {half} {short} to {whole}")
        if varies:
            lanes, size = (", ".join(f"i64 {n}" for n in row) for row in (range(self.width), [self.width] * self.width))
            at = self.put(f"add {whole} {self.put(f'mul {whole} {at}, <{size}>')}, <{lanes}>")
        return self.put(f"getelementptr double, ptr {array}, {whole} {at}")

    def _masked(self, name: str, places: str, vector: str = "") -> str:
        """Write a load or store of one number for each lane, at addresses of its own."""
        pointers, chosen = f"<{self.width} x ptr>", f"<{self.width} x i1>"
        called = f"llvm.masked.{name}.v{self.width}f64.v{self.width}p0"
        every = f"{chosen} <{', '.join(['i1 true'] * self.width)}>"
        if vector:
            self.declarations.add(f"declare void @{called}({self.kind}, {pointers}, i32, {chosen})")
            self.write(f"call void @{called}({self.kind} {vector}, {pointers} {places}, i32 8, {every})")
            return ""
        self.declarations.add(f"declare {self.kind} @{called}({pointers}, i32, {chosen}, {self.kind})")
        return self.put(f"call {self.kind} @{called}({pointers} {places}, i32 8, {every}, {self.kind} poison)")

    def clear(self, place: str, size: int) -> None:
        """Write the setting of memory to 0."""
        self.declarations.add("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        self.write(f"call void @llvm.memset.p0.i64(ptr align 8 {place}, i8 0, i64 {size}, i1 false)")

    def constant(self, number: float) -> str:
        """Return a constant."""
        one = ("true" if number else "false") if isinstance(number, bool) else hexadecimal(number)
        if self.width == 1:
            return one
        kind = "i1" if isinstance(number, bool) else "double"
        return "zeroinitializer" if one == _ZERO else f"<{', '.join([f'{kind} {one}'] * self.width)}>"

    def splat(self, scalar: str) -> str:
        """Return a number in every lane."""
        if self.width == 1:
            return scalar
        first = self.put(f"insertelement {self.kind} poison, double {scalar}, i32 0")
        return self.put(f"shufflevector {self.kind} {first}, {self.kind} poison, <{self.width} x i32> zeroinitializer")

    def shuffled(self, x: str, y: str, lanes: Sequence[int], kind: str = "") -> str:
        """Write the vector of some lanes of two others, counted on from the first to the second."""
        kind, mask = kind or self.kind, ", ".join(f"i32 {lane}" for lane in lanes)
        return self.put(f"shufflevector {kind} {x}, {kind} {y}, <{len(lanes)} x i32> <{mask}>")

    # --- steps of a tape ---

    def step(self, name: str, operands: Sequence[str]) -> str:
        """Write a step of a tape and return its result."""
        kind, truth = self.kind, self.truth
        if name in _ARITHMETIC:
            return self.put(f"{_ARITHMETIC[name]} {kind} {operands[0]}, {operands[1]}")
        if name in _COMPARED:
            return self.put(f"fcmp {_COMPARED[name]} {kind} {operands[0]}, {operands[1]}")
        if name == "select":
            return self.put(f"select {truth} {operands[0]}, {kind} {operands[1]}, {kind} {operands[2]}")
        if name in {"and", "or"}:
            return self.put(f"{name} {truth} {operands[0]}, {operands[1]}")
        if name == "not":
            return self.put(f"xor {truth} {operands[0]}, {self.constant(True)}")  # noqa: FBT003 - a constant of LLVM
        if name == "neg":
            return self.put(f"fneg {kind} {operands[0]}")
        if name in _INTRINSICS:
            return self.intrinsic(_INTRINSICS[name], operands)
        return self._library("cbrt" if name == "cbrt_rough" else name, operands)

    def on_numbers(self, name: str, operands: list[str]) -> str:
        """Write a step of a tape whose truth values, of operands and result, are numbers; see `number_of`."""
        truths = len(operands) if name in {"and", "or", "not"} else 1 if name == "select" else 0
        found = self.step(name, [*map(self.truth_of, operands[:truths]), *operands[truths:]])
        return self.number_of(found) if name in TRUTHS else found

    def truth_of(self, number: str) -> str:
        """Write the truth value that lies in memory as a number."""
        return self.step("ne", [number, self.constant(0.0)])

    def number_of(self, truth: str) -> str:
        """Write the number for a truth value, 1.0 or 0.0."""
        return self.step("select", [truth, self.constant(1.0), self.constant(0.0)])

    def fused(self, x: str, y: str, z: str) -> str:
        """Write x y + z, rounded once where the processor does it in one step."""
        return self.intrinsic("fmuladd", (x, y, z))

    def intrinsic(self, name: str, operands: Sequence[str]) -> str:
        """Write the call of a function of numbers that is LLVM's own."""
        return self._call(f"llvm.{name}.{'f64' if self.width == 1 else f'v{self.width}f64'}", operands)

    def _call(self, function: str, operands: Sequence[str], kind: str = "") -> str:
        """Write the call of a function of numbers, or of another type."""
        kind = kind or self.kind
        self.declarations.add(f"declare {kind} @{function}({', '.join([kind] * len(operands))})")
        return self.put(f"call {kind} @{function}({', '.join(f'{kind} {x}' for x in operands)})")

    def _library(self, name: str, operands: Sequence[str]) -> str:
        """Write the call of a function of the C library, for all lanes at once if it can."""
        if self.width == 1:
            return self._one(name, operands)
        if not calls_back(name) and (vector := vector_function(name, len(operands), self.width)):
            return self._by_parts(*vector, operands)
        result = "poison"
        for lane in range(self.width):
            parts = [self.put(f"extractelement {self.kind} {x}, i32 {lane}") for x in operands]
            found = self._one(name, parts)
            result = self.put(f"insertelement {self.kind} {result}, double {found}, i32 {lane}")
        return result

    def _by_parts(self, symbol: str, lanes: int, operands: Sequence[str]) -> str:
        """Write the calls of a function of fewer lanes, and join their results."""
        if lanes == self.width:
            return self._call(symbol, operands)
        kind, parts = f"<{lanes} x double>", []
        for first in range(0, self.width, lanes):
            taken = [self.shuffled(x, "poison", range(first, first + lanes)) for x in operands]
            parts.append(self._call(symbol, taken, kind))
        while len(parts) > 1:
            pairs = zip(parts[::2], parts[1::2], strict=True)
            parts = [self.shuffled(x, y, range(2 * lanes), f"<{lanes} x double>") for x, y in pairs]
            lanes *= 2
        return parts[0]

    def _one(self, name: str, operands: Sequence[str]) -> str:
        if not calls_back(name):
            return self._call(name, operands, "double")
        return self.put(f"call double {pointer(_callback(name)[1])}({', '.join(f'double {x}' for x in operands)})")


def calls_back(name: str) -> bool:
    """Return whether an operation is done by a call of Python, since the C library does not have it."""
    return name in TABLE and TABLE[name].primitive and name not in _INTRINSICS and name not in C_LIBRARY


@cache
def _callback(name: str) -> tuple[Any, int]:
    """Return a primitive's function on floats as a function of C, and its address."""
    made = ctypes.CFUNCTYPE(ctypes.c_double, *[ctypes.c_double] * len(TABLE[name].operands))(getattr(ieee, name))
    return made, ctypes.cast(made, ctypes.c_void_p).value or 0


def function(head: str, lines: Iterable[str], over: str = "") -> list[str]:
    """Return the text of a function; for one in parts `over` is the name of an argument, a pointer that is not null."""
    begin, end = ([f"  %always = icmp ne ptr %{over}, null"], ["  br label %never", "never:"]) if over else ([], [])
    return [f"define {head} {{", "entry:", *begin, *lines, *end, *["  ret void"] * ("void @" in head), "}"]


def module(lines: Iterable[str], declarations: Iterable[str] = ()) -> str:
    """Return the text of functions and declarations."""
    return "\n".join([*lines, *sorted(declarations), ""])


def hexadecimal(number: float) -> str:
    """Write a number as LLVM does, by its bits."""
    return f"0x{struct.unpack('>Q', struct.pack('>d', number))[0]:016X}"


_ZERO = hexadecimal(0.0)


def pointer(address: int) -> str:
    """Write an address."""
    return f"inttoptr (i64 {address} to ptr)"
