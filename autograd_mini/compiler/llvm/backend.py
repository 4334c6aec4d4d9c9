"""The backend on LLVM: a tape as machine code, for one set of numbers or over the lanes of a batch."""

from __future__ import annotations

import ctypes

from autograd_mini.compiler.legalize import expanded
from autograd_mini.compiler.llvm.assembler import BEGIN, END
from autograd_mini.compiler.llvm.driver import kernel_text
from autograd_mini.compiler.llvm.instructions import Instructions
from autograd_mini.compiler.llvm.plan import KernelPlan
from autograd_mini.compiler.llvm.target import Code, lanes, vectors
from autograd_mini.compiler.threads import shared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autograd_mini.compiler.tape import Tape

_POINTER, _INDEX = ctypes.c_void_p, ctypes.c_int64


SHORT = 2_000
"""Maximum operations of a program that LLVM optimises; a longer one would take it long, and gain a fifth."""


class MachineProgram:
    """The program as a function of the list of its inputs, one number each.

    Attributes:
        text: the module in LLVM's language.
        address: where the function (inputs, results) begins.

    """

    def __init__(self, tape: Tape) -> None:
        tape = expanded(tape)
        declarations: set[str] = set()
        self.text = scalar_text(tape, declarations)
        self._code = Code(self.text, level=1 if len(tape) <= SHORT else 0)
        self.address = self._code.address("program")
        self._call = ctypes.CFUNCTYPE(None, _POINTER, _POINTER)(self.address)
        self._inputs, self._results = ctypes.c_double * tape.inputs, ctypes.c_double * len(tape.results)

    def __call__(self, inputs: Sequence[float]) -> list[float]:
        """Return the results."""
        results = self._results()
        self._call(self._inputs(*inputs), results)
        return list(results)


def scalar_text(tape: Tape, declarations: set[str]) -> str:
    """Write a program of single numbers: void program(double *inputs, double *results)."""
    writer = Instructions(1, "v", declarations)
    names: list[str] = []
    for step in tape.steps:
        writer.counted()
        if step[0] == "constant":
            names.append(writer.constant(step[1]))
        elif step[0] == "input":
            place = writer.put(f"getelementptr double, ptr %inputs, i64 {step[1]}")
            names.append(writer.put(f"load double, ptr {place}"))
        else:
            names.append(writer.step(step[0], [names[at] for at in step[1:]]))
    for at, result in enumerate(tape.results):
        writer.counted()
        place = writer.put(f"getelementptr double, ptr %results, i64 {at}")
        writer.lines.append(f"  store double {names[result]}, ptr {place}")
    head = ["define void @program(ptr noalias %inputs, ptr noalias %results) {", BEGIN.format("results")]
    return "\n".join([*head, *writer.lines, END, "  ret void", "}", *sorted(declarations)]) + "\n"


def scalar(tape: Tape) -> MachineProgram:
    """Return the program as a function of the list of its inputs."""
    return MachineProgram(tape)


FEWEST = 256
"""Minimum blocks per extra thread."""


class MachineBatch:
    """The program as a function of a whole batch; see `python.batch`.

    Attributes:
        plan: how it is computed.
        text: the module in LLVM's language.
        address: where the kernel begins.

    """

    def __init__(self, tape: Tape, widths: Sequence[int], kept: int, threads: int) -> None:
        tape = expanded(tape)
        self.width = lanes()
        self.plan = plan = KernelPlan(tape, widths, kept, self.width, vectors(self.width))
        self.text = kernel_text(plan)
        self._code = Code(self.text)
        self.address = self._code.address("kernel")
        self.kept, self.threads = kept, threads
        self.room = plan.room
        self.summed, self.slots, self.given = plan.summed, plan.slots, tape.inputs - plan.batched
        self.same: list[tuple[int, int | None, float]] = []  # of results alike for all samples: where, and what
        for at, result in enumerate(tape.results[kept:]):
            if not plan.varies[result]:
                step = tape.steps[result]
                self.same.append((at, plan.slot.get(result), step[1] if step[0] == "constant" else 0.0))
        self._call = ctypes.CFUNCTYPE(
            None, _INDEX, _INDEX, _INDEX, ctypes.c_double, _POINTER, _POINTER, _POINTER, _POINTER
        )(self.address)
        self._arrays, self._columns = _POINTER * max(len(widths), 1), _POINTER * max(kept, 1)

    def __call__(self, n: int, arrays: Sequence[Any], uniform: Any) -> tuple[list[Any], Any]:
        """Return the columns and the means."""
        import numpy as np

        columns = [np.empty(n + self.width) for _ in range(self.kept)]
        places = self._arrays(*[array.ctypes.data for array in arrays])
        stored = self._columns(*[column.ctypes.data for column in columns])

        def run(first: int, end: int) -> tuple[Any, Any]:
            buffer = np.empty(max(self.slots, 1))
            buffer[: self.given] = uniform
            sums = np.empty(self.room)
            self._call(first, end, n, float(n), places, buffer.ctypes.data, stored, sums.ctypes.data)
            return sums, buffer

        parts = shared(run, -(-n // self.width), self.threads, FEWEST)
        sums, buffer = parts[0]
        if len(parts) > 1:
            sums = sum(part[0] for part in parts)
        for at, slot, constant in self.same:
            sums[at] = constant if slot is None else buffer[slot]
        return [column[:n] for column in columns], sums[: self.summed]


def batch(tape: Tape, widths: Sequence[int], kept: int, threads: int = 1) -> MachineBatch:
    """Return the program as a function of a whole batch; see `python.batch`."""
    return MachineBatch(tape, widths, kept, threads)
