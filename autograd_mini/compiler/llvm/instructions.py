"""Instructions: what a step of a tape is in LLVM's language, on single numbers or on a vector of lanes."""

from __future__ import annotations

import ctypes
from functools import cache

from autograd_mini.compiler.llvm.assembler import Assembler, mask, pointer
from autograd_mini.compiler.llvm.target import vector_function
from autograd_mini.engine import ieee
from autograd_mini.engine.ops import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

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

C_LIBRARY = frozenset(
    (
        *("acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "copysign", "cos", "cosh"),
        *("erf", "erfc", "exp", "exp2", "expm1", "fabs", "fdim", "floor", "fma", "fmax", "fmin", "fmod", "hypot"),
        *("lgamma", "log", "log10", "log1p", "log2", "logb", "nearbyint", "nextafter", "pow", "remainder", "rint"),
        *("sin", "sinh", "sqrt", "tan", "tanh", "tgamma", "trunc"),
    )
)
"""The functions of double that the C standard has in math.h, except `round`, whose halves are not Python's."""


class Instructions(Assembler):
    """An assembler that knows the operations of tapes."""

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
        """Write x y + z, rounded once where the processor does it in one step."""
        return self.call(f"llvm.fmuladd.{'f64' if self.width == 1 else f'v{self.width}f64'}", (x, y, z))

    def call(self, function: str, operands: Sequence[str], kind: str = "") -> str:
        """Write the call of a function of numbers, or of another type than this writer's."""
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
            return self.call(symbol, operands)
        kind, parts = f"<{lanes} x double>", []
        for first in range(0, self.width, lanes):
            chosen = mask(range(first, first + lanes))
            taken = [self.put(f"shufflevector {self.kind} {x}, {self.kind} poison, {chosen}") for x in operands]
            parts.append(self.call(symbol, taken, kind))
        while len(parts) > 1:
            kind, joined = f"<{lanes} x double>", mask(range(2 * lanes))
            parts = [
                self.put(f"shufflevector {kind} {x}, {kind} {y}, {joined}")
                for x, y in zip(parts[::2], parts[1::2], strict=True)
            ]
            lanes *= 2
        return parts[0]

    def _one(self, name: str, operands: Sequence[str]) -> str:
        arguments = ", ".join(f"double {x}" for x in operands)
        if calls_back(name):
            return self.put(f"call double {pointer(_callback(name)[1])}({arguments})")
        self.declarations.add(f"declare double @{name}({', '.join(['double'] * len(operands))})")
        return self.put(f"call double @{name}({arguments})")


def calls_back(name: str) -> bool:
    """Return whether an operation is done by a call of Python, since the C library does not have it."""
    return name in TABLE and TABLE[name].primitive and name not in _INTRINSICS and name not in C_LIBRARY


@cache
def _callback(name: str) -> tuple[Any, int]:
    """Return a primitive's function on floats as a function of C, and its address."""
    made = ctypes.CFUNCTYPE(ctypes.c_double, *[ctypes.c_double] * len(TABLE[name].operands))(getattr(ieee, name))
    return made, ctypes.cast(made, ctypes.c_void_p).value or 0
