"""Instructions: what a step of a tape is in LLVM's language, on single numbers or on a vector of lanes."""

from __future__ import annotations

import ctypes
import struct

from autograd_mini.compiler.machine import vector_function
from autograd_mini.engine import ieee

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_ARITHMETIC = {"add": "fadd", "sub": "fsub", "mul": "fmul", "truediv": "fdiv", "fmod": "frem"}
_COMPARED = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "ne": "une"}
_INTRINSICS = {
    "abs": "fabs",
    "sqrt": "sqrt",
    "floor": "floor",
    "ceil": "ceil",
    "roundeven": "roundeven",
    "copysign": "copysign",
}
_LIBRARY = {"cbrt_rough": "cbrt"}
"""What the C library calls a function where it is not the operation's name."""

_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double, ctypes.c_double)
_round = _CALLBACK(ieee.round)


PART = 48
"""So many steps stand between two branches that are always taken, and that LLVM takes for real ones. Within a part it
compares every access to memory with every other, and keeps what it has loaded for its next use; of long programs that
is what takes it most time, and registers."""

BEGIN, END = "  %always = icmp ne ptr %{}, null", "  br label %never\nnever:"
"""How a function in parts begins, given the name of one of its arguments, and what comes before it returns."""


class Writer:
    """Writes instructions, one after another.

    Args:
        width: how many lanes a value has; 1 for single numbers.
        prefix: what the names of values begin with, so that two writers can share a function.

    Attributes:
        lines: the text so far.
        kind: the type of a number, "double" or "<8 x double>".

    """

    def __init__(self, width: int, prefix: str, declarations: set[str]) -> None:
        self.width = width
        self.kind = "double" if width == 1 else f"<{width} x double>"
        self.truth = "i1" if width == 1 else f"<{width} x i1>"
        self.lines: list[str] = []
        self.declarations = declarations
        self._prefix = prefix
        self._count = self._since = self._parts = 0

    def counted(self) -> str | None:
        """Count a step; begin another part if this one has enough of them, and return its label."""
        self._since += 1
        return self.part() if self._since >= PART else None

    def part(self) -> str:
        """Begin another part and return its label."""
        self._since = 0
        self._parts += 1
        label = f"{self._prefix}part{self._parts}"
        self.lines += [f"  br i1 %always, label %{label}, label %never", f"{label}:"]
        return label

    def put(self, text: str) -> str:
        """Write an instruction and return the name of its result."""
        self._count += 1
        name = f"%{self._prefix}{self._count}"
        self.lines.append(f"  {name} = {text}")
        return name

    def constant(self, number: float) -> str:
        """Return a constant."""
        one = ("true" if number else "false") if isinstance(number, bool) else hexadecimal(number)
        kind = "i1" if isinstance(number, bool) else "double"
        return one if self.width == 1 else f"<{', '.join([f'{kind} {one}'] * self.width)}>"

    def splat(self, scalar: str) -> str:
        """Return a number in every lane."""
        if self.width == 1:
            return scalar
        first = self.put(f"insertelement {self.kind} poison, double {scalar}, i32 0")
        return self.put(f"shufflevector {self.kind} {first}, {self.kind} poison, <{self.width} x i32> zeroinitializer")

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
            return self.call(f"llvm.{_INTRINSICS[name]}.{'f64' if self.width == 1 else f'v{self.width}f64'}", operands)
        return self._library(_LIBRARY.get(name, name), operands)

    def fused(self, x: str, y: str, z: str) -> str:
        """Write x y + z, rounded once."""
        return self.call(f"llvm.fma.{'f64' if self.width == 1 else f'v{self.width}f64'}", (x, y, z))

    def call(self, function: str, operands: Sequence[str]) -> str:
        """Write the call of a function of numbers."""
        self.declarations.add(f"declare {self.kind} @{function}({', '.join([self.kind] * len(operands))})")
        return self.put(f"call {self.kind} @{function}({', '.join(f'{self.kind} {x}' for x in operands)})")

    def _library(self, name: str, operands: Sequence[str]) -> str:
        """Write the call of a function of the C library, for all lanes at once if it can."""
        if self.width == 1:
            return self._one(name, operands)
        if symbol := vector_function(name, len(operands), self.width):
            return self.call(symbol, operands)
        result = "poison"
        for lane in range(self.width):
            parts = [self.put(f"extractelement {self.kind} {x}, i32 {lane}") for x in operands]
            found = self._one(name, parts)
            result = self.put(f"insertelement {self.kind} {result}, double {found}, i32 {lane}")
        return result

    def _one(self, name: str, operands: Sequence[str]) -> str:
        arguments = ", ".join(f"double {x}" for x in operands)
        if name == "round":  # to a number of decimals: Python's own, called back
            address = ctypes.cast(_round, ctypes.c_void_p).value
            return self.put(f"call double inttoptr (i64 {address} to ptr)({arguments})")
        self.declarations.add(f"declare double @{name}({', '.join(['double'] * len(operands))})")
        return self.put(f"call double @{name}({arguments})")


def hexadecimal(number: float) -> str:
    """Write a number as LLVM does, by its bits."""
    return f"0x{struct.unpack('>Q', struct.pack('>d', number))[0]:016X}"
