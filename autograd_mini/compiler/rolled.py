"""A rolled program: the loops of a program as kernels over lanes, the rest as a program of single numbers.

The outer program takes what the loops return as further inputs. Its derivative by these is what the loops' own
derivatives are multiplied by (the chain rule). What is computed before the loops, and taken by them, is a program of
its own. An output of a loop that is only added up over the lanes leaves the kernel as its sum.

Adjoints of 0 are passed on through turns that a `where` after them has not chosen, to which eager code does not go
back. That makes a difference where a slope is infinite, and the product nan. So where a gradient is nan and there was
such a choice, it is computed once more by the program without loops.

    before:   leaves -> given              what the loops take and leaves are not
    loop:     columns, leaves, given -> outputs
    outer:    leaves, outputs -> results
"""

from __future__ import annotations

from functools import cache
from math import isnan

from autograd_mini.compiler.instructions import CONSTANT, LEAF
from autograd_mini.compiler.loop_kernels import (
    LoopInputs,
    LoopOutputs,
    LoopWriter,
    TurnsWriter,
    entered,
    slopes_of,
    traced,
)
from autograd_mini.engine.ops import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.loop_kernels import LoopKernel, Make
    from autograd_mini.compiler.rerolling import ParallelLoop, Rolled
    from autograd_mini.compiler.tape import Tape
    from autograd_mini.compiler.tracer import Trace
    from autograd_mini.engine.value import Value


class RolledProgram:
    """A program of the list of its inputs, like those of backends.

    Args:
        rolled: the loops, and what is outside.
        places: for each leaf of the table which input of the program it is.
        inputs: how many inputs there are.
        wanted: the inputs to differentiate the result by; None for no derivative.
        make: the function that makes a program of a tape.

    """

    def __init__(
        self, rolled: Rolled, places: Sequence[int], inputs: int, wanted: Sequence[int] | None, make: Make
    ) -> None:
        self._table, self._places, self._inputs, self._wanted = rolled.table, places, inputs, wanted
        self._codes = rolled.table.codes
        self.text = str(rolled)
        self._reached = rolled.reached
        self._given = self._taken(rolled)
        self._before = self._after = None
        if self._given:
            self._before = make(traced(self._write_before), None, 0)
            if wanted is not None:
                self._after = make(traced(self._write_after), None, 0)
        self._kernels = [self._kernel(number, loop, rolled, make) for number, loop in enumerate(rolled.loops)]
        self._outer = make(traced(lambda trace: self._write_outer(trace, rolled)), None, 0)
        self._straight = make if wanted is not None and rolled.chooses else None
        self.backend, self.why = self._kernels[0].forward.backend, self._kernels[0].forward.why
        del self._reached

    # --- the programs ---

    def _taken(self, rolled: Rolled) -> list[int]:
        """Return the rows that loops take and are computed."""
        taken = {row for loop in rolled.loops for row in loop.uniforms}
        taken.update(row for loop in rolled.loops for rows in loop.columns for row in set(rows.tolist()))
        return sorted([row for row in taken if self._codes[row] > CONSTANT])

    def _leaves(self, trace: Trace) -> tuple[dict[int, Any], list[Value]]:
        """Return symbols for the leaves by row, and all inputs of the program."""
        import numpy as np

        symbols = [trace.input() for _ in range(self._inputs)]
        first, leaves = self._table.operands[0], np.flatnonzero(np.frombuffer(self._codes, np.int32) == LEAF)
        return {at: symbols[self._places[first[at]]] for at in leaves.tolist()}, symbols

    def _needed(self, rows: Sequence[int]) -> list[int]:
        """Return the rows that some rows are computed from, and these, in order."""
        needed, waiting = set(rows), [*rows]
        while waiting:
            at = waiting.pop()
            for row in (*[operands[at] for operands in self._table.operands], *self._table.entries.get(at, ())):
                if row not in needed and self._codes[row] > CONSTANT:
                    needed.add(row)
                    waiting.append(row)
        return sorted(needed)

    def _write_before(self, trace: Trace) -> Sequence[Any]:
        known, _ = self._leaves(trace)
        self._table.perform(self._needed(self._given), known)
        return [known[row] for row in self._given]

    def _write_after(self, trace: Trace) -> Sequence[Any]:
        known, symbols = self._leaves(trace)
        factors = [trace.input() for _ in self._given]
        self._table.perform(self._needed(self._given), known)
        parts = [factor * known[row] for factor, row in zip(factors, self._given, strict=True) if self._reached[row]]
        return slopes_of(parts, [symbols[at] for at in self._wanted or ()])

    def _write_outer(self, trace: Trace, rolled: Rolled) -> Sequence[Any]:
        """Do what is outside of the loops; where lanes' outputs are added up there, add their sum instead."""
        table = self._table
        known, symbols = self._leaves(trace)
        roots: dict[int, list[tuple[Value, float]]] = {}
        received: list[Value] = []
        outputs = [_outputs(number, loop, rolled) for number, loop in enumerate(rolled.loops)]
        for number, (loop, found) in enumerate(zip(rolled.loops, outputs, strict=True)):
            for column in found.totals:
                total = rolled.totals[number, column]
                received.append(trace.input())
                roots.setdefault(total.root, []).append((received[-1], total.sign))
            for column, lag in found.finals:
                received.append(trace.input())
                known[int(loop.members[-1 - lag, column])] = received[-1]
        for loop, found in zip(rolled.loops, outputs, strict=True):
            for column in found.singles:
                for row in loop.members[:, column].tolist():
                    received.append(trace.input())
                    known[row] = entered(table, row, received[-1])
        lost = set(rolled.summed)
        for at in rolled.outer:
            kept = self._kept(at, known, lost)
            for received_total, sign in roots.get(at, ()):
                signed = received_total if sign > 0.0 else -received_total
                kept = signed if kept is None else kept + signed
            if kept is None:
                lost.add(at)
            else:
                known[at] = kept
        results = [known[row] if row in known else table.numbers[row] for row in table.results]
        if self._wanted is None:
            return results
        slopes = slopes_of(results[:1], [*[symbols[at] for at in self._wanted], *received])
        asked = len(self._wanted)
        return [results[0], *slopes[:asked], *results[1:], *slopes[asked:]]

    def _kept(self, at: int, known: dict[int, Any], lost: set[int]) -> Any:
        """Return what an operation makes of operands of which some are lost in a sum; None if all are."""
        table = self._table
        operands = [operands[at] for operands in table.operands if operands[at]]
        if lost.isdisjoint(operands):
            table.perform([at], known)
            return known[at]
        for place, row in enumerate(operands):
            if row not in lost:
                kept = known[row] if row in known else table.numbers[row]
                return -kept if place and self._codes[at] == table.code_of(TABLE["sub"]) else kept
        return None

    def _kernel(self, number: int, loop: ParallelLoop, rolled: Rolled, make: Make) -> LoopKernel:
        """Return the programs of a loop."""
        first, given = self._table.operands[0], {row: self._inputs + at for at, row in enumerate(self._given)}

        def source(row: int) -> int:
            return self._places[first[row]] if self._codes[row] == LEAF else given[row]

        wanted = {*(self._wanted or ()), *range(self._inputs, self._inputs + len(self._given))}
        inputs = LoopInputs.of(self._table, loop, source, wanted, self._reached)
        writer = TurnsWriter if loop.in_turn else LoopWriter
        made = writer(self._table, loop, inputs, _outputs(number, loop, rolled), self._reached)
        return made.kernel(make, differentiate=self._wanted is not None)

    def unrolled(self) -> Tape:
        """Return the whole program, without loops."""

        def write(trace: Trace) -> Sequence[Any]:
            table = self._table
            known, symbols = self._leaves(trace)
            used = table.used
            table.perform([at for at, code in enumerate(self._codes) if code > CONSTANT and used[at]], known)
            results = [known[row] if row in known else table.numbers[row] for row in table.results]
            if self._wanted is None:
                return results
            return [results[0], *slopes_of(results[:1], [symbols[at] for at in self._wanted]), *results[1:]]

        return traced(write)

    # --- running them ---

    def compiled(self, *, background: bool) -> Callable[[Sequence[float]], list[float]]:
        """Return the program as a function of the list of its inputs; see `Program` for `background`."""
        for kernel in self._kernels:
            for part in filter(None, (kernel.forward, kernel.backward)):
                part.background = background
        run = self._looping()
        make, wanted = self._straight, len(self._wanted or ())
        if make is None:
            return run

        @cache  # most programs never need it
        def straight() -> Callable[[Sequence[float]], list[float]]:
            made: Callable[[Sequence[float]], list[float]] = make(self.unrolled(), None, 0).run()
            return made

        def checked(given: Sequence[float]) -> list[float]:
            """Return the results; where a slope is nan an adjoint of 0 may have met one that is infinite."""
            results = run(given)
            return straight()(given) if any(map(isnan, results[1 : 1 + wanted])) else results

        return checked

    def _looping(self) -> Callable[[Sequence[float]], list[float]]:
        """Return the program as a function of loops, in which an adjoint of 0 is passed on like any other."""
        import numpy as np

        outer = self._outer.run()
        before = None if self._before is None else self._before.run()
        after = None if self._after is None else self._after.run()
        kernels = [
            (kernel, kernel.forward.run(), None if kernel.backward is None else kernel.backward.run())
            for kernel in self._kernels
        ]
        composed = self._composed([(forward, backward) for _, forward, backward in kernels], outer, before, after)
        if composed is not None:
            return composed
        inputs, wanted = self._inputs, None if self._wanted is None else np.array(self._wanted, np.intp)
        totals = sum(kernel.totals for kernel in self._kernels)

        def run(given: Sequence[float]) -> list[float]:
            numbers = [*given]
            sources = np.array(numbers if before is None else [*numbers, *before(numbers)])
            found, sums, singles, taken = [], [], [], []
            for kernel, forward, _ in kernels:
                arrays, uniforms = kernel.inputs.array(sources), sources[kernel.inputs.uniforms]
                columns, means = forward(kernel.lanes, [arrays], uniforms)
                sums += [mean * kernel.unit for mean in means[: kernel.totals]]
                if kernel.leading is None:
                    for column in columns:
                        singles += column.tolist() if hasattr(column, "tolist") else column
                taken.append((arrays, uniforms))
                found.append((columns, means))
            results: list[float] = outer([*numbers, *map(float, sums), *singles])
            if wanted is None:
                return results
            adjoints = np.zeros(len(sources))
            end = len(self._table.results) + len(wanted)
            of_totals, of_singles = results[end : end + totals], results[end + totals :]
            for at, (kernel, _, backward) in enumerate(kernels):
                lanes, (arrays, uniforms) = kernel.lanes, taken[at]
                columns, means = found[at]
                factors, of_totals = of_totals[: kernel.totals], of_totals[kernel.totals :]
                scale = 1.0
                if kernel.leading is not None:
                    scale, means = factors[kernel.leading], means[kernel.totals :]
                else:
                    size = lanes * kernel.singles
                    seeds = np.array(of_singles[:size]).reshape(kernel.singles, lanes).T
                    of_singles = of_singles[size:]
                    if backward is None:
                        continue
                    seeded = np.ascontiguousarray(np.concatenate([arrays, seeds], axis=1))
                    columns, means = backward(lanes, [seeded], np.concatenate([uniforms, factors]))
                adjoints[kernel.inputs.by_uniform[0]] += np.multiply(means, kernel.unit * scale)
                for line, column in zip(kernel.inputs.by_column[0].T, columns, strict=True):
                    np.add.at(adjoints, line, np.multiply(column, scale))
            last = 1 + len(wanted)
            slopes = adjoints[wanted] + results[1:last]
            if after is not None:
                slopes += after([*numbers, *adjoints[inputs:].tolist()])
            return [results[0], *slopes.tolist(), *results[last:end]]

        return run

    def _composed(
        self, runs: Sequence[tuple[Any, Any]], outer: Any, before: Any, after: Any
    ) -> Callable[[Sequence[float]], list[float]] | None:
        """Return the program as one piece of machine code; None if it is no call of kernels and other programs."""
        around = [self._outer, *filter(None, (self._before, self._after))]
        apart = any(kernel.singles for kernel in self._kernels)
        if apart or any(program.backend not in {"llvm", "vm"} for program in around):
            return None
        if any(run is not None and not hasattr(run, "code") for pair in runs for run in pair):
            return None
        from autograd_mini.compiler.llvm.assembler import calls_back
        from autograd_mini.compiler.llvm.composition import Composition, KernelCall
        from autograd_mini.compiler.llvm.fastcall import possible

        made = [part for kernel in self._kernels for part in (kernel.forward, kernel.backward) if part is not None]
        programs = [*around, *[program for part in made for program in part.programs]]
        if not possible() or any(calls_back(step[0]) for program in programs for step in program.tape.steps):
            return None  # Python may run another thread meanwhile
        results = len(self._table.results) + len(self._wanted or ())
        goals = {source: 1 + at for at, source in enumerate(self._wanted or ())}
        goals |= {self._inputs + at: results + at for at in range(len(self._given))}
        parts = []
        for kernel, (forward, backward) in zip(self._kernels, runs, strict=True):
            taken = kernel.inputs
            lanes, width = taken.constants.shape
            entries = [(lane * width + at) for lane in range(lanes) for at in taken.filled]
            leads = kernel.leading is not None or backward is not None
            of_column = taken.by_column[0].T.ravel().tolist() if leads else []
            spread = [(at, goals[source]) for at, source in enumerate(of_column) if source in goals]
            parts.append(
                KernelCall(
                    kernel=forward,
                    back=backward,
                    lanes=lanes,
                    unit=kernel.unit,
                    totals=kernel.totals,
                    given=taken.constants,
                    filled=(entries, taken.sources.ravel().tolist()),
                    uniforms=taken.uniforms.tolist(),
                    leading=kernel.leading or 0,
                    by_uniform=[goals[at] for at in taken.by_uniform[0].tolist()] if leads else [],
                    kept=len(taken.by_column[1]) if leads else 0,
                    by_column=([at for at, _ in spread], [goal for _, goal in spread]),
                )
            )
        return Composition(parts, outer, self._inputs, results, len(self._given), before, after)


def _outputs(number: int, loop: ParallelLoop, rolled: Rolled) -> LoopOutputs:
    """Return the outputs of a loop by how they leave it."""
    totals = [column for column in loop.outputs if (number, column) in rolled.totals]
    left = [column for column in loop.outputs if column not in totals]
    finals = [(column, lag) for column in left for lag in range(loop.finals.get(column, 0))]
    return LoopOutputs(totals, finals, [column for column in left if column not in loop.finals])
