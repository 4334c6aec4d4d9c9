"""Loop kernels: the programs of a loop, for the outputs of its lanes or turns, and for their derivatives.

A kernel takes an array with a row for each lane and the numbers that all lanes use, as programs of batches do. Where
one output alone has derivatives, and it leaves the loop as one number, the same program returns them: what they are to
be multiplied by is known only later, but it is one factor for all. Else they are a second program, which takes the
factors of all outputs.
"""

from __future__ import annotations

from itertools import count
from typing import NamedTuple

from autograd_mini.compiler.gathers import tabled
from autograd_mini.compiler.instructions import CONSTANT
from autograd_mini.compiler.lowering import Below
from autograd_mini.compiler.passes import optimised
from autograd_mini.compiler.tape import Tape
from autograd_mini.compiler.tracer import Trace, condition
from autograd_mini.compiler.turns import Shape, Turns
from autograd_mini.engine.graph import gradient
from autograd_mini.engine.ops import ARITHMETIC
from autograd_mini.engine.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.instructions import Instructions
    from autograd_mini.compiler.recurrences import Recurrence
    from autograd_mini.compiler.rerolling import ParallelLoop

    Make = Callable[[Tape, list[int] | None, int], Any]
    """A function (tape, widths, kept) -> program, see `program.Program`."""


class LoopInputs(NamedTuple):
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

    @classmethod
    def of(
        cls,
        table: Instructions,
        loop: ParallelLoop,
        source: Callable[[int], int],
        wanted: set[int],
        reached: Sequence[int],
    ) -> LoopInputs:
        """Return what a loop takes, given the source of each row, those to differentiate by, and where that leads."""
        import numpy as np

        constants = np.zeros((loop.lanes, len(loop.columns)))
        filled, columns = [], []
        for at, rows in enumerate(loop.columns):
            if table.codes[rows[0]] == CONSTANT:
                constants[:, at] = [table.numbers[row] for row in rows.tolist()]
            else:
                filled.append(at)
                columns.append([source(row) for row in rows.tolist()])
        sources = np.array(columns, np.intp).T.reshape(loop.lanes, len(filled))
        uniforms = [source(row) for row in loop.uniforms]
        moving = [
            at
            for at, line in enumerate(columns)
            if not wanted.isdisjoint(line) and any(reached[row] for row in loop.columns[filled[at]].tolist())
        ]
        along = [at for at, row in enumerate(loop.uniforms) if uniforms[at] in wanted and reached[row]]
        return cls(
            constants,
            filled,
            sources,
            np.array(uniforms, np.intp),
            (sources[:, moving], [filled[at] for at in moving]),
            (np.array([uniforms[at] for at in along], np.intp), along),
        )

    def array(self, sources: Any) -> Any:
        """Return the array for the numbers of the sources."""
        if not self.filled:
            return self.constants
        made = self.constants.copy()
        made[:, self.filled] = sources[self.sources]
        return made


class LoopKernel(NamedTuple):
    """The programs of a loop.

    Attributes:
        lanes: how many lanes there are.
        unit: what the totals that it returns are to be multiplied by, since those of lanes are means.
        inputs: what it takes.
        totals: how many of its outputs leave it as one number.
        singles: how many do not; these are the columns that `forward` returns.
        forward: the program of its outputs, followed by the derivatives of a total where that is the only output that
            has any.
        backward: the program of the derivatives, which takes their factors; None where `forward` has them, or there
            are none.
        leading: the total whose derivatives `forward` has; None for none.

    """

    lanes: int
    unit: float
    inputs: LoopInputs
    totals: int
    singles: int
    forward: Any
    backward: Any
    leading: int | None


class LoopOutputs(NamedTuple):
    """The columns of a loop's members that are used outside.

    Attributes:
        totals: those that are only added up over all lanes.
        finals: of a recurrence those of which only those of the last turns are used, each with how many turns back.
        singles: the others.

    """

    totals: list[int]
    finals: list[tuple[int, int]]
    singles: list[int]


class LoopWriter:
    """Writes the programs of a loop over lanes."""

    def __init__(
        self,
        table: Instructions,
        loop: ParallelLoop,
        inputs: LoopInputs,
        outputs: LoopOutputs,
        reached: Sequence[int],
    ) -> None:
        self.table, self.loop, self.inputs, self.outputs = table, loop, inputs, outputs
        self.numbers = {at for at, row in enumerate(loop.members[0].tolist()) if reached[row]}
        ends = [*outputs.totals, *[column for column, _ in outputs.finals]]
        flowing = [column for column in (*outputs.singles, *ends) if column in self.numbers]
        self.moves = bool(flowing and (inputs.by_column[1] or inputs.by_uniform[1]))
        alone = self.moves and len(flowing) == 1 and not outputs.singles
        self.leading = ends.index(flowing[0]) if alone else None

    def kernel(self, make: Make, *, differentiate: bool) -> LoopKernel:
        """Return the programs."""
        together = self.leading if differentiate else None
        width, singles, kept = len(self.loop.columns), len(self.outputs.singles), len(self.inputs.by_column[1])

        def forward(trace: Trace) -> list[Any]:
            found, columns, uniforms = self.body(trace)
            if together is None:
                return [found[at] for at in (*self.outputs.singles, *self.outputs.totals)]
            slopes = self.slopes([found[self.outputs.totals[together]]], columns, uniforms)
            return [*slopes[:kept], *[found[at] for at in self.outputs.totals], *slopes[kept:]]

        def backward(trace: Trace) -> list[Any]:
            found, columns, uniforms = self.body(trace, singles, len(self.outputs.totals))
            factors = [*columns[width:], *uniforms[len(self.loop.uniforms) :]]
            return self.slopes(self.weighed(found, factors), columns, uniforms)

        apart = differentiate and self.moves and together is None
        return LoopKernel(
            self.loop.lanes,
            float(self.loop.lanes),
            self.inputs,
            len(self.outputs.totals),
            singles,
            make(traced(forward), [width], singles if together is None else kept),
            make(traced(backward), [width + singles], kept) if apart else None,
            together,
        )

    def body(self, trace: Trace, singles: int = 0, totals: int = 0) -> tuple[list[Any], list[Value], list[Value]]:
        """Return the rows of a lane, and the symbols of its columns and uniforms, with as many factors after them."""
        columns = [trace.input() for _ in range(len(self.loop.columns) + singles)]
        uniforms = [trace.input() for _ in range(len(self.loop.uniforms) + totals)]
        return self.rows(columns, uniforms, []), columns, uniforms

    def rows(self, columns: list[Value], uniforms: list[Value], carried: list[Value]) -> list[Any]:
        """Return the rows of a lane."""
        loop, codes = self.loop, self.table.codes
        found: list[Any] = []
        known: dict[str, Any] = {
            "row": found,
            "column": [entered(self.table, int(rows[0]), s) for rows, s in zip(loop.columns, columns, strict=False)],
            "uniform": [entered(self.table, row, s) for row, s in zip(loop.uniforms, uniforms, strict=False)],
            "carried": carried,
        }

        def taken(operands: Sequence[tuple[str, Any]]) -> list[Any]:
            return [at if kind == "number" else known[kind][at] for kind, at in operands]

        known["table"] = [tabled(taken(entries)) for entries in loop.tables]
        for row, operands in zip(loop.members[0].tolist(), loop.operands, strict=True):
            found.append(self.table.performed(codes[row], taken(operands)))
        return found

    def weighed(self, found: list[Any], factors: Sequence[Value]) -> list[Any]:
        """Return the outputs that have derivatives, times their factors."""
        parts = zip(factors, (*self.outputs.singles, *self.outputs.totals), strict=True)
        return [g * found[at] for g, at in parts if at in self.numbers]

    def slopes(
        self, parts: list[Any], columns: list[Value], uniforms: list[Value], carried: Sequence[Value] = ()
    ) -> list[Any]:
        """Return the derivatives of a sum by columns, by what is carried, and by uniforms."""
        by_column, by_uniform = self.inputs.by_column[1], self.inputs.by_uniform[1]
        return slopes_of(parts, [*[columns[at] for at in by_column], *carried, *[uniforms[at] for at in by_uniform]])


class TurnsWriter(LoopWriter):
    """Writes the programs of a loop whose turns take what the turn before made."""

    loop: Recurrence

    def kernel(self, make: Make, *, differentiate: bool) -> LoopKernel:
        """Return the programs."""
        loop, outputs, inputs = self.loop, self.outputs, self.inputs
        together = self.leading if differentiate else None
        apart = differentiate and self.moves and together is None
        finals = [loop.carried_at(column, lag) for column, lag in outputs.finals]
        for at in self._slow() if together is not None or apart else ():
            loop.carried_at(at)
        step = make(traced(self._step), None, 0)
        back = make(self._remembering(), None, 0) if together is not None or apart else None
        shape = Shape(
            loop.lanes,
            len(loop.columns),
            len(loop.uniforms),
            len(outputs.singles),
            len(outputs.totals),
            finals,
            loop.starts,
            len(inputs.by_column[1]),
            inputs.by_uniform[1],
        )
        return LoopKernel(
            loop.lanes,
            1.0,
            inputs,
            len(outputs.totals) + len(outputs.finals),
            len(outputs.singles),
            Turns(shape, step, None if apart else back, together),
            Turns(shape, step, back, None) if apart else None,
            together,
        )

    def _slow(self) -> list[int]:
        """Return the columns of functions, which the reverse loop is not to compute once more."""
        names = [getattr(getattr(self.table.rules[code], "op", None), "name", "add") for code in self._codes()]
        return [at for at, name in enumerate(names) if name not in ARITHMETIC]

    def _codes(self) -> list[int]:
        """Return the operations of a turn."""
        return [self.table.codes[row] for row in self.loop.members[0].tolist()]

    def _remembering(self) -> Tape:
        """Return the tape of `_back`, which takes what the turn handed on as further inputs, last."""
        tape, handed = lowered(self._back), self.loop.handed
        for at, (kind, _), step in zip(count(tape.inputs), handed, tape.results[-len(handed) :], strict=False):
            if kind == "row":
                tape.steps[step] = ("input", at)
        return optimised(Tape(tape.steps, tape.results[: -len(handed)], tape.inputs + len(handed)).pruned())[0]

    def _step(self, trace: Trace) -> list[Any]:
        """Return what a turn hands on, and its outputs."""
        columns, carried, uniforms = self._inputs(trace, len(self.loop.columns), len(self.loop.starts))
        found = self.rows(columns, uniforms, carried)
        return [*self._handed(found, carried), *[found[at] for at in (*self.outputs.singles, *self.outputs.totals)]]

    def _back(self, trace: Trace) -> list[Any]:
        """Return the derivatives of what a turn hands on, and of outputs, times the factors of all; and the former."""
        loop, outputs, handed = self.loop, self.outputs, len(self.loop.starts)
        columns, carried, uniforms = self._inputs(trace, len(loop.columns), handed, handed + len(outputs.singles))
        factors, carried = carried[handed:], carried[:handed]
        factors += [trace.input() for _ in outputs.totals]
        found = self.rows(columns, uniforms, carried)
        on = self._handed(found, carried)
        flows = [column in self.numbers for column in loop.columns_handed()]
        parts = [g * part for g, part, flow in zip(factors, on, flows, strict=False) if flow]
        parts += self.weighed(found, factors[handed:])
        return [*self.slopes(parts, columns, uniforms, carried), *on]

    def _inputs(self, trace: Trace, columns: int, carried: int, factors: int = 0) -> tuple[list[Value], ...]:
        """Return the symbols of the columns, of what is carried with factors after it, and of the uniforms."""
        counts = columns, carried + factors, len(self.loop.uniforms)
        return tuple([[trace.input() for _ in range(count)] for count in counts])

    def _handed(self, found: list[Any], carried: list[Value]) -> list[Any]:
        """Return what is handed on to the next turn."""
        return [(found if kind == "row" else carried)[at] for kind, at in self.loop.handed]


def entered(table: Instructions, row: int, symbol: Value) -> Value:
    """Return the symbol of an input as what a row is, a number or a truth value."""
    return condition("ne", symbol, 0.0) if table.codes[row] in table.truths else symbol


def traced(write: Callable[[Trace], Sequence[Value | float]]) -> Tape:
    """Return the tape of what a function returns that is called in a trace, after all passes."""
    return optimised(lowered(write))[0]


def lowered(write: Callable[[Trace], Sequence[Value | float]]) -> Tape:
    """Return the tape of what a function returns that is called in a trace."""
    with Trace() as trace:
        return Below(trace, write(trace)).lowered([])


def slopes_of(parts: Sequence[Any], wanted: list[Value]) -> list[Any]:
    """Return the derivatives of a sum by symbols."""
    moving = [part for part in parts if isinstance(part, Value)]
    if not moving:
        return [0.0] * len(wanted)
    total = moving[0]
    for part in moving[1:]:
        total = total + part
    return gradient(total, wanted)
