"""The assembler: writes LLVM's language for one function, its values, labels, branches and loops.

Every block and every phi instruction is written here. What comes before a loop, its body and what comes after are one
run of instructions for the caller: the assembler knows the label that it is at.
"""

from __future__ import annotations

import struct
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PART = 48
"""Basic-block size limit, in steps; an opaque always-taken branch bounds quadratic alias analysis.

Within a block LLVM compares every access to memory with every other, and keeps what it has loaded for its next use; in
long programs that is what takes it most time, and registers.
"""

BEGIN, END = "  %always = icmp ne ptr %{}, null", "  br label %never\nnever:"
"""How a function in parts begins, given the name of one of its arguments, and what comes before it returns."""

MEMCPY = "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)"
"""The declaration of the copy of memory."""


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

    def carry(self, kind: str, start: str | int, name: str = "") -> str:
        """Return the name of a value that passes from turn to turn; `follow` says what it is in the next one.

        Args:
            kind: its type.
            start: what it is in the first turn.
            name: what to call it.

        """
        name = f"%{name or f'{self.name}_{len(self._carried)}'}"
        self._carried.append((name, kind, str(start)))
        return name

    def follow(self, carried: str, value: str) -> None:
        """Set what a value that is carried will be in the next turn."""
        self._following[carried] = value

    def end(self, condition: str = "", after: str = "") -> None:
        """Go back to the beginning.

        Args:
            condition: where it is to go back; "" for always. What is written next comes after the loop.
            after: the label of that.

        """
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
            assembler.lines.append(f"  br label %{self.name}")


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
        self.lines.append(f"  br label %{label}")
        self.begin(label)

    def branch(self, condition: str, this: str, otherwise: str) -> None:
        """End a block: go on at one of two labels."""
        self.lines.append(f"  br i1 {condition}, label %{this}, label %{otherwise}")

    def loop(self, name: str, *, jump: bool = True) -> Loop:
        """Begin a loop, which goes on until `Loop.end`."""
        return Loop(self, name, jump=jump)

    @contextmanager
    def counting(
        self, name: str, end: str | int, *, start: str | int = 0, step: int = 1, after: str = ""
    ) -> Iterator[tuple[Loop, str]]:
        """Write a loop whose body is written inside of a `with` block, at least one turn.

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

    def counted(self) -> str | None:
        """Count a step; begin another part if this one has enough of them, and return its label."""
        self._since += 1
        return self.part() if self._since >= PART else None

    def part(self) -> str:
        """Begin another part and return its label."""
        self._since = 0
        self._parts += 1
        label = f"{self._prefix}part{self._parts}"
        self.branch("%always", label, "never")
        self.begin(label)
        return label

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


def mask(lanes: Sequence[int]) -> str:
    """Write which lanes of two vectors, counted on from the first to the second, a vector is made of."""
    return f"<{len(lanes)} x i32> <{', '.join(f'i32 {lane}' for lane in lanes)}>"


def hexadecimal(number: float) -> str:
    """Write a number as LLVM does, by its bits."""
    return f"0x{struct.unpack('>Q', struct.pack('>d', number))[0]:016X}"


def pointer(address: int) -> str:
    """Write an address."""
    return f"inttoptr (i64 {address} to ptr)"
