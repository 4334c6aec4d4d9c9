"""A rolled program: the loops of a program as kernels over lanes, the rest as a program of single numbers.

The outer program takes what the loops return as further inputs. Its derivative by these is what the loops' own
derivatives are multiplied by (the chain rule). What is computed before the loops, and taken by them, is a program of
its own. An output of a loop that is only added up over the lanes leaves the kernel as its sum.

    before:   leaves -> given              what the loops take and leaves are not
    loop:     columns, leaves, given -> outputs
    outer:    leaves, outputs -> results
"""

from __future__ import annotations

from typing import NamedTuple

from autograd_mini.compiler.gathers import tabled
from autograd_mini.compiler.instructions import CONSTANT, LEAF
from autograd_mini.compiler.lowering import Below
from autograd_mini.compiler.passes import optimised
from autograd_mini.compiler.tracer import Trace, condition
from autograd_mini.engine.graph import gradient
from autograd_mini.engine.ops import TABLE
from autograd_mini.engine.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.rerolling import ParallelLoop, Rolled
    from autograd_mini.compiler.tape import Tape

    Make = Callable[[Tape, list[int] | None, int], Any]
    """A function (tape, widths, kept) -> program, see `program.Program`."""


class _Inputs(NamedTuple):
    """What a loop takes, by places among the sources: the inputs of the whole program, then what is given.

    Attributes:
        constants: one line a lane, with the numbers of the columns that are constants.
        filled: the columns that are not.
        sources: their sources, one line a lane.
        uniforms: the sources that are alike for all lanes.
        by_column: the sources of the columns that there is to differentiate by, one line a lane; of which columns.
        by_uniform: the sources of the uniforms that there is to differentiate by; and which uniforms.

    """

    constants: Any
    filled: list[int]
    sources: Any
    uniforms: Any
    by_column: tuple[Any, list[int]]
    by_uniform: tuple[Any, list[int]]

    def columns(self, sources: Any) -> Any:
        """Return the columns for the numbers of the sources."""
        if not self.filled:
            return self.constants
        made = self.constants.copy()
        made[:, self.filled] = sources[self.sources]
        return made


class _Kernel(NamedTuple):
    """The programs of a loop.

    Attributes:
        lanes: how many lanes there are.
        inputs: what it takes.
        totals: how many of its outputs are added up.
        singles: how many are not; these are the columns that `forward` returns.
        forward: the program of its outputs, followed by the derivatives of a total where that is the only output that
            has any.
        backward: the program of the derivatives, which takes their factors; None where `forward` has them, or there
            are none.
        leading: the total whose derivatives `forward` has; None for none.

    """

    lanes: int
    inputs: _Inputs
    totals: int
    singles: int
    forward: Any
    backward: Any
    leading: int | None


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
        self._given = self._taken(rolled)
        self._before = self._after = None
        if self._given:
            self._before = make(self._traced(self._write_before), None, 0)
            if wanted is not None:
                self._after = make(self._traced(self._write_after), None, 0)
        self._kernels = [self._kernel(number, loop, rolled, make) for number, loop in enumerate(rolled.loops)]
        self._outer = make(self._traced(lambda trace: self._write_outer(trace, rolled)), None, 0)
        self.backend, self.why = self._kernels[0].forward.backend, self._kernels[0].forward.why

    # --- the programs ---

    def _traced(self, write: Callable[[Trace], Sequence[Value | float]]) -> Tape:
        """Return the tape of what a function returns that is called in a trace."""
        with Trace() as trace:
            numbers = write(trace)
            tape = Below(trace, numbers).lowered([])
        return optimised(tape)[0]

    def _taken(self, rolled: Rolled) -> list[int]:
        """Return the rows that loops take and are computed."""
        taken = {row for loop in rolled.loops for row in loop.uniforms}
        taken.update(row for loop in rolled.loops for rows in loop.columns for row in set(rows.tolist()))
        return sorted([row for row in taken if self._codes[row] > CONSTANT])

    def _leaves(self, trace: Trace) -> tuple[dict[int, Any], list[Value]]:
        """Return symbols for the leaves by row, and all inputs of the program."""
        symbols = [trace.input() for _ in range(self._inputs)]
        first = self._table.operands[0]
        return {at: symbols[self._places[first[at]]] for at, code in enumerate(self._codes) if code == LEAF}, symbols

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
        truths = self._table.truths
        parts = [
            factor * known[row]
            for factor, row in zip(factors, self._given, strict=True)
            if self._codes[row] not in truths
        ]
        return _slopes(parts, [symbols[at] for at in self._wanted or ()])

    def _write_outer(self, trace: Trace, rolled: Rolled) -> Sequence[Any]:
        """Do what is outside of the loops; where lanes' outputs are added up there, add their sum instead."""
        table = self._table
        known, symbols = self._leaves(trace)
        roots: dict[int, list[tuple[Value, float]]] = {}
        received: list[Value] = []
        for number, loop in enumerate(rolled.loops):
            for column in loop.outputs:
                if (total := rolled.totals.get((number, column))) is not None:
                    received.append(trace.input())
                    roots.setdefault(total.root, []).append((received[-1], total.sign))
        for number, loop in enumerate(rolled.loops):
            for column in loop.outputs:
                if (number, column) not in rolled.totals:
                    for row in loop.members[:, column].tolist():
                        received.append(trace.input())
                        known[row] = self._entered(row, received[-1])
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
        slopes = _slopes(results[:1], [*[symbols[at] for at in self._wanted], *received])
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

    def _entered(self, row: int, symbol: Value) -> Value:
        """Return the symbol of an input as what a row is, a number or a truth value."""
        return condition("ne", symbol, 0.0) if self._codes[row] in self._table.truths else symbol

    def _kernel(self, number: int, loop: ParallelLoop, rolled: Rolled, make: Make) -> _Kernel:
        """Return the programs of a loop."""
        totals = [column for column in loop.outputs if (number, column) in rolled.totals]
        singles = [column for column in loop.outputs if (number, column) not in rolled.totals]
        inputs, truths = self._loop_inputs(loop), self._table.truths
        flowing = [column for column in (*singles, *totals) if self._codes[loop.members[0, column]] not in truths]
        widths, moves = [len(loop.columns)], bool(flowing and (inputs.by_column[1] or inputs.by_uniform[1]))
        leading = None
        if self._wanted is not None and moves and len(flowing) == 1 and flowing[0] in totals:
            leading = totals.index(flowing[0])

        def write(trace: Trace, factors: int = 0) -> tuple[list[Any], list[Value], list[Value]]:
            """Return the rows of a lane, and the symbols of its columns and uniforms, the factors among them."""
            columns = [trace.input() for _ in range(len(loop.columns) + factors * len(singles))]
            uniforms = [trace.input() for _ in range(len(loop.uniforms) + factors * len(totals))]
            of_column = [self._entered(int(rows[0]), s) for rows, s in zip(loop.columns, columns, strict=False)]
            of_uniform = [self._entered(row, s) for row, s in zip(loop.uniforms, uniforms, strict=False)]
            found: list[Any] = []
            known: dict[str, Any] = {"row": found, "column": of_column, "uniform": of_uniform}

            def taken(operands: Sequence[tuple[str, Any]]) -> list[Any]:
                return [at if kind == "number" else known[kind][at] for kind, at in operands]

            known["table"] = [tabled(taken(entries)) for entries in loop.tables]
            for row, operands in zip(loop.members[0].tolist(), loop.operands, strict=True):
                found.append(self._table.performed(self._codes[row], taken(operands)))
            return found, columns, uniforms

        def slopes(parts: list[Any], columns: list[Value], uniforms: list[Value]) -> tuple[list[Any], list[Any]]:
            """Return the derivatives by columns, and by uniforms."""
            by_column, by_uniform = inputs.by_column[1], inputs.by_uniform[1]
            found = _slopes(parts, [*[columns[at] for at in by_column], *[uniforms[at] for at in by_uniform]])
            return found[: len(by_column)], found[len(by_column) :]

        def forward(trace: Trace) -> list[Any]:
            found, columns, uniforms = write(trace)
            if leading is None:
                return [found[at] for at in (*singles, *totals)]
            by_column, by_uniform = slopes([found[totals[leading]]], columns, uniforms)
            return [*by_column, *[found[at] for at in totals], *by_uniform]

        def backward(trace: Trace) -> list[Any]:
            found, columns, uniforms = write(trace, factors=1)
            factors = [*columns[len(loop.columns) :], *uniforms[len(loop.uniforms) :]]
            parts = zip(factors, (*singles, *totals), strict=True)
            weighed = [g * found[at] for g, at in parts if at in flowing]
            by_column, by_uniform = slopes(weighed, columns, uniforms)
            return [*by_column, *by_uniform]

        kept = len(inputs.by_column[1])
        return _Kernel(
            loop.lanes,
            inputs,
            len(totals),
            len(singles),
            make(self._traced(forward), widths, len(singles) if leading is None else kept),
            make(self._traced(backward), [widths[0] + len(singles)], kept)
            if self._wanted is not None and moves and leading is None
            else None,
            leading,
        )

    def _loop_inputs(self, loop: ParallelLoop) -> _Inputs:
        """Return what a loop takes, by places among the sources."""
        import numpy as np

        first, truths = self._table.operands[0], self._table.truths
        among = {row: self._inputs + at for at, row in enumerate(self._given)}

        def source(row: int) -> int:
            return self._places[first[row]] if self._codes[row] == LEAF else among[row]

        constants = np.zeros((loop.lanes, len(loop.columns)))
        filled, columns = [], []
        for at, rows in enumerate(loop.columns):
            if self._codes[rows[0]] == CONSTANT:
                constants[:, at] = [self._table.numbers[row] for row in rows.tolist()]
            else:
                filled.append(at)
                columns.append([source(row) for row in rows.tolist()])
        sources = np.array(columns, np.intp).T.reshape(loop.lanes, len(filled))
        uniforms = [source(row) for row in loop.uniforms]
        wanted = {*(self._wanted or ()), *range(self._inputs, self._inputs + len(self._given))}
        moving = [
            at
            for at, line in enumerate(columns)
            if not wanted.isdisjoint(line) and self._codes[loop.columns[filled[at]][0]] not in truths
        ]
        along = [
            at for at, row in enumerate(loop.uniforms) if uniforms[at] in wanted and self._codes[row] not in truths
        ]
        return _Inputs(
            constants,
            filled,
            sources,
            np.array(uniforms, np.intp),
            (sources[:, moving], [filled[at] for at in moving]),
            (np.array([uniforms[at] for at in along], np.intp), along),
        )

    def unrolled(self) -> Tape:
        """Return the whole program, without loops."""

        def write(trace: Trace) -> Sequence[Any]:
            table = self._table
            known, symbols = self._leaves(trace)
            used = table.used()
            table.perform([at for at, code in enumerate(self._codes) if code > CONSTANT and used[at]], known)
            results = [known[row] if row in known else table.numbers[row] for row in table.results]
            if self._wanted is None:
                return results
            return [results[0], *_slopes(results[:1], [symbols[at] for at in self._wanted]), *results[1:]]

        return self._traced(write)

    # --- running them ---

    def compiled(self) -> Callable[[Sequence[float]], list[float]]:
        """Return the program as a function of the list of its inputs."""
        import numpy as np

        outer = self._outer.run()
        before = None if self._before is None else self._before.run()
        after = None if self._after is None else self._after.run()
        kernels = [
            (kernel, kernel.forward.run(), None if kernel.backward is None else kernel.backward.run())
            for kernel in self._kernels
        ]
        composed = self._composed([forward for _, forward, _ in kernels], outer)
        if composed is not None:
            return composed
        inputs, wanted = self._inputs, None if self._wanted is None else np.array(self._wanted, np.intp)
        totals = sum(kernel.totals for kernel in self._kernels)

        def run(given: Sequence[float]) -> list[float]:
            numbers = [*given]
            sources = np.array(numbers if before is None else [*numbers, *before(numbers)])
            found, sums, singles, taken = [], [], [], []
            for kernel, forward, _ in kernels:
                arrays, uniforms = kernel.inputs.columns(sources), sources[kernel.inputs.uniforms]
                columns, means = forward(kernel.lanes, [arrays], uniforms)
                sums += [mean * kernel.lanes for mean in means[: kernel.totals]]
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
                adjoints[kernel.inputs.by_uniform[0]] += np.multiply(means, lanes * scale)
                for line, column in zip(kernel.inputs.by_column[0].T, columns, strict=True):
                    np.add.at(adjoints, line, np.multiply(column, scale))
            last = 1 + len(wanted)
            slopes = adjoints[wanted] + results[1:last]
            if after is not None:
                slopes += after([*numbers, *adjoints[inputs:].tolist()])
            return [results[0], *slopes.tolist(), *results[last:end]]

        return run

    def _composed(self, forward: Sequence[Any], outer: Any) -> Callable[[Sequence[float]], list[float]] | None:
        """Return the program as one piece of machine code; None if it is no call of kernels and another program."""
        apart = any(kernel.singles or kernel.backward for kernel in self._kernels)
        if self._before is not None or apart or self._outer.backend not in {"llvm", "vm"}:
            return None
        if any(kernel.forward.backend != "llvm" for kernel in self._kernels):
            return None
        from autograd_mini.compiler.llvm.assembler import calls_back
        from autograd_mini.compiler.llvm.composition import Composition, KernelCall
        from autograd_mini.compiler.llvm.fastcall import possible

        programs = [self._outer, *[kernel.forward for kernel in self._kernels]]
        if not possible() or any(calls_back(step[0]) for program in programs for step in program.tape.steps):
            return None  # Python may run another thread meanwhile
        wanted = {source: 1 + at for at, source in enumerate(self._wanted or ())}
        parts = []
        for kernel, run in zip(self._kernels, forward, strict=True):
            taken = kernel.inputs
            lanes, width = taken.constants.shape
            entries = [(lane * width + at) for lane in range(lanes) for at in taken.filled]
            leads = kernel.leading is not None
            of_column = taken.by_column[0].T.ravel().tolist() if leads else []
            spread = [(at, wanted[source]) for at, source in enumerate(of_column) if source in wanted]
            parts.append(
                KernelCall(
                    kernel=run,
                    lanes=lanes,
                    totals=kernel.totals,
                    given=taken.constants,
                    filled=(entries, taken.sources.ravel().tolist()),
                    uniforms=taken.uniforms.tolist(),
                    leading=kernel.leading or 0,
                    by_uniform=[wanted[at] for at in taken.by_uniform[0].tolist()] if leads else [],
                    kept=len(taken.by_column[1]) if leads else 0,
                    by_column=([at for at, _ in spread], [goal for _, goal in spread]),
                )
            )
        return Composition(parts, outer, self._inputs, len(self._table.results) + len(wanted))


def _slopes(parts: Sequence[Any], wanted: list[Value]) -> list[Any]:
    """Return the derivatives of a sum by symbols."""
    moving = [part for part in parts if isinstance(part, Value)]
    if not moving:
        return [0.0] * len(wanted)
    total = moving[0]
    for part in moving[1:]:
        total = total + part
    return gradient(total, wanted)
