"""The backend on LLVM: a tape as machine code, for one set of numbers or over the lanes of a batch."""

from __future__ import annotations

import ctypes
from functools import cache

from autograd_mini.compiler import entry
from autograd_mini.compiler.expansion import expanded
from autograd_mini.compiler.instructions import Writer
from autograd_mini.compiler.lanes import Kernel
from autograd_mini.compiler.machine import Code, lanes
from autograd_mini.forking import in_child

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import ThreadPoolExecutor
    from typing import Any

    from autograd_mini.compiler.tape import Tape

_POINTER, _INDEX = ctypes.c_void_p, ctypes.c_int64


class Scalar:
    """The program as a function of the list of its inputs, one number each.

    Attributes:
        text: the module in LLVM's language.

    """

    def __init__(self, tape: Tape) -> None:
        tape = expanded(tape)
        declarations: set[str] = set()
        self.text = scalar_text(tape, declarations)
        self.code = Code(self.text, level=1)
        self._call = ctypes.CFUNCTYPE(None, _POINTER, _POINTER)(self.code.address("program"))
        self._inputs, self._results = ctypes.c_double * tape.inputs, ctypes.c_double * len(tape.results)

    def __call__(self, inputs: Sequence[float]) -> list[float]:
        """Return the results."""
        results = self._results()
        self._call(self._inputs(*inputs), results)
        return list(results)


def scalar_text(tape: Tape, declarations: set[str]) -> str:
    """Write a program of single numbers: void program(double *inputs, double *results)."""
    writer = Writer(1, "v", declarations)
    names: list[str] = []
    for step in tape.steps:
        if step[0] == "constant":
            names.append(writer.constant(step[1]))
        elif step[0] == "input":
            place = writer.put(f"getelementptr double, ptr %inputs, i64 {step[1]}")
            names.append(writer.put(f"load double, ptr {place}"))
        else:
            names.append(writer.step(step[0], [names[at] for at in step[1:]]))
    for at, result in enumerate(tape.results):
        place = writer.put(f"getelementptr double, ptr %results, i64 {at}")
        writer.lines.append(f"  store double {names[result]}, ptr {place}")
    head = "define void @program(ptr noalias %inputs, ptr noalias %results) {"
    return "\n".join([head, *writer.lines, "  ret void", "}", *sorted(declarations)]) + "\n"


def scalar(tape: Tape) -> Scalar:
    """Return the program as a function of the list of its inputs."""
    return Scalar(tape)


FEWEST = 256
"""So many blocks are worth another thread."""


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Return the threads that share batches; starting them takes longer than a small batch."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(threads, thread_name_prefix="autograd_mini")


in_child(_pool.cache_clear)


class Batch:
    """The program as a function of a whole batch; see `python.batch`.

    Attributes:
        text: the module in LLVM's language.

    """

    def __init__(self, tape: Tape, widths: Sequence[int], kept: int, threads: int) -> None:
        tape = expanded(tape)
        self.width = lanes()
        kernel = Kernel(tape, widths, kept, self.width)
        self.text = kernel.text
        self.code = Code(kernel.text)
        self.kept, self.threads = kept, threads
        self.room = kernel.room
        self.summed, self.slots, self.given = kernel.summed, kernel.slots, tape.inputs - kernel.batched
        self.same: list[tuple[int, int | None, float]] = []  # of results alike for all samples: where, and what
        for at, result in enumerate(tape.results[kept:]):
            if not kernel.varies[result]:
                step = tape.steps[result]
                self.same.append((at, kernel.slot.get(result), step[1] if step[0] == "constant" else 0.0))
        self._call = ctypes.CFUNCTYPE(
            None, _INDEX, _INDEX, _INDEX, ctypes.c_double, _POINTER, _POINTER, _POINTER, _POINTER
        )(self.code.address("kernel"))
        self._arrays, self._columns = _POINTER * max(len(widths), 1), _POINTER * max(kept, 1)

    def __call__(self, n: int, arrays: Sequence[Any], uniform: Any) -> tuple[list[Any], Any]:
        """Return the columns and the means."""
        import numpy as np

        columns = [np.empty(n + self.width) for _ in range(self.kept)]
        places = self._arrays(*[array.ctypes.data for array in arrays])
        stored = self._columns(*[column.ctypes.data for column in columns])
        blocks = -(-n // self.width)

        def run(first: int, end: int, divisor: float) -> tuple[Any, Any]:
            buffer = np.empty(max(self.slots, 1))
            buffer[: self.given] = uniform
            sums = np.empty(self.room)
            self._call(first, end, n, divisor, places, buffer.ctypes.data, stored, sums.ctypes.data)
            return sums, buffer

        if self.threads > 1 and blocks >= FEWEST * self.threads:
            edges = [blocks * part // self.threads for part in range(self.threads + 1)]
            parts = list(_pool(self.threads).map(run, edges, edges[1:], [1.0] * self.threads))
            sums, buffer = sum(part[0] for part in parts) / n, parts[0][1]
        else:
            sums, buffer = run(0, blocks, float(n))
        for at, slot, constant in self.same:
            sums[at] = constant if slot is None else buffer[slot]
        return [column[:n] for column in columns], sums[: self.summed]


def entry_of_batch(made: Batch, shapes: Sequence[tuple[int | None, ...]], slow: Callable[..., Any]) -> Any:
    """Return a built-in function (p, *arrays) -> (mean loss, gradient); see `entry`."""
    text = entry.batch_entry(
        shapes, made.slots, (made.summed, made.room), made.same, made.width, made.code.address("kernel"), slow
    )
    code = Code(text, level=1)
    return entry.function(code.address("entry"), "value_and_grad", (code, made, slow))


def entry_of_scalar(made: Scalar, size: int, slow: Callable[..., Any]) -> Any:
    """Return a built-in function (x) -> (value, gradient); see `entry`."""
    code = Code(entry.scalar_entry(size, made.code.address("program"), slow), level=1)
    return entry.function(code.address("entry"), "compiled", (code, made, slow))


def batch(tape: Tape, widths: Sequence[int], kept: int, threads: int = 1) -> Batch:
    """Return the program as a function of a whole batch; see `python.batch`."""
    return Batch(tape, widths, kept, threads)


def available() -> bool:
    """Return whether llvmlite is installed."""
    from importlib.util import find_spec

    return find_spec("llvmlite") is not None
