"""The front end: it runs a function on symbols, or reads a recorded graph, and makes the program of what was done.

A short trace becomes a tape by way of the graph, which is differentiated as a graph. A long one becomes columns of
numbers, in which loops are looked for and which are differentiated as they are.
"""

from __future__ import annotations

import gc
from contextlib import suppress
from dataclasses import dataclass
from functools import partial, wraps
from time import perf_counter

from autograd_mini.compiler.backends import BACKENDS, LONGEST, installed
from autograd_mini.compiler.instructions import LEAF, Instructions, Requirement, Unsuited
from autograd_mini.compiler.lowering import Below
from autograd_mini.compiler.passes import optimised
from autograd_mini.compiler.path_index import Conditions
from autograd_mini.compiler.program import Checks, Program
from autograd_mini.compiler.recurrences import rolled_up
from autograd_mini.compiler.reverse import differentiable, lowered, lowered_checks
from autograd_mini.compiler.rolled import RolledProgram
from autograd_mini.compiler.tracer import Trace
from autograd_mini.engine.forking import in_child
from autograd_mini.engine.graph import gradient
from autograd_mini.engine.pytree import flatten_into, unflatten
from autograd_mini.engine.value import Value
from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")

    from autograd_mini.compiler.layouts import Layouts
    from autograd_mini.compiler.rerolling import Rolled
    from autograd_mini.compiler.states import State
    from autograd_mini.compiler.tape import Tape
    from autograd_mini.engine.pytree import Spec

OUTSIDE = 300
"""Maximum operations outside of loops that LLVM compiles; there it takes more time than it saves."""

LONG = 1000
"""Minimum operations of a program that becomes columns of numbers, in which loops are looked for."""


_uncollected: list[bool] = []
"""An entry for each call that turned the cyclic collector off."""


def uncollected(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function without the cyclic collector while it runs.

    That would look through a graph that grows again and again, which takes longer than to make it, and find no cycle.
    """

    @wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        if not gc.isenabled():
            return function(*args, **kwargs)
        try:
            _uncollected.append(True)
            gc.disable()
            return function(*args, **kwargs)
        finally:
            gc.enable()
            del _uncollected[:1]

    return inside


def _collected() -> None:
    """Turn on what another thread, which a fork has left behind, turned off."""
    if _uncollected:
        _uncollected.clear()
        gc.enable()


in_child(_collected)


@dataclass(frozen=True)
class FrontEnd:
    """What makes programs.

    Attributes:
        backend: what runs them; see `jit`.
        background: whether better machine code is made while they run.
        folder: where machine code is kept; "" for nowhere.

    """

    backend: str
    background: bool
    folder: str

    @uncollected
    def program(
        self,
        f: Callable[..., Any],
        state: State,
        layouts: Layouts,
        sample: Callable[[], Sequence[float]] | None,
        *,
        differentiate: bool,
    ) -> Program:
        """Trace the function; what it closes over, and was not known, is appended to the state's parameters."""
        start = perf_counter()
        parameters = state.parameters
        taken, named, widths, first, there = layouts
        if widths is None and (table := _recorded(f)) is not None:
            with suppress(Unsuited):
                loops = _loops(table, differentiate=differentiate)
                return self._of_table(state, table, loops, 0, None, start, differentiate=differentiate)

        def numbers_of(trace: Trace) -> dict[Value, float]:
            """Return the numbers that decide conditions."""
            return dict(zip([*trace.inputs, *parameters], sample(), strict=False))  # type: ignore[misc]  # it is there

        with Trace(None if sample is None else numbers_of) as trace:
            symbols = iter(trace.input, None)
            given_args = {}
            for at in (*first, *[at for at in range(len(taken)) if at not in first]):
                given_args[at] = taken[at][1] if taken[at][0] else unflatten(taken[at][1], symbols)
            args = [given_args[at] for at in range(len(taken))]
            numbers: list[Any] = []
            result = f(*args, **{name: unflatten(layout, symbols) for name, layout in named.items()})
            layout = flatten_into(result, "the result of the traced function", numbers)
            if differentiate and layout is not None:
                raise TypeError(f"the result is a {type(result).__name__}, expected one number to differentiate")
            given, result = len(numbers), None
            if any(isinstance(y, Value) and y.symbolic and y not in trace for y in numbers):
                raise TracingError("the traced function returned a symbol of an earlier trace: compute it anew")
            if widths is None and len(trace.nodes) >= LONG and installed("numpy"):
                with suppress(Unsuited):
                    return self._of_columns(state, trace, numbers, layout, start, differentiate=differentiate)
            asked = [*trace.broken(), *trace.decisions]
            below = Below(trace, [*numbers, *asked])
            state.close_over(below.outside)
            used = list(range(len(parameters)))
            if differentiate:
                y = numbers[0]
                numbers += gradient(y, parameters) if isinstance(y, Value) else [0.0] * len(parameters)
                below = Below(trace, [*numbers, *asked])
            else:
                needed = set(below.outside)
                used = [at for at in used if parameters[at] in needed]
            leaves = [parameters[at] for at in used]
            below.outputs = below.outputs[: len(below.outputs) - len(trace.decisions)]
            tape = below.lowered(leaves)
            checks = Checks.of(trace, leaves) if trace.checks else None
            conditions = Conditions.of(trace, leaves) if trace.decisions else None
        middle = perf_counter()
        tape, counts = optimised(tape)
        seconds = {"trace": middle - start, "passes": perf_counter() - middle}
        stats = {"operations": counts, "seconds": seconds}
        program = Program(tape, layout, used, stats, "cuda" if there else self.backend, widths)
        program.leaves, program.checks, program.conditions = leaves, checks, conditions
        program.kept = 0 if differentiate else given
        program.state, program.background, program.folder = state, self.background, self.folder
        return program

    def _of_columns(
        self,
        state: State,
        trace: Trace,
        numbers: list[Any],
        layout: Spec,
        start: float,
        *,
        differentiate: bool,
    ) -> Program:
        """Return the program of a long trace, of whose symbols it lets go as soon as columns have taken their place.

        Raises:
            Unsuited: if columns do not suit it.

        """
        required = [Requirement("ne", holds, 0.0, True, figure, error) for holds, figure, error in trace.checks]  # noqa: FBT003
        table = Instructions(trace.nodes, numbers, trace.inputs, trace.constants, required)
        loops = _loops(table, differentiate=differentiate)
        if trace.decisions:
            state.close_over(Below(trace, [*trace.decisions]).outside)
        else:
            numbers.clear()
            required.clear()
            trace.forget()
        trace.leave()  # the parts have traces of their own
        try:
            made = self._of_table(state, table, loops, len(trace.inputs), layout, start, differentiate=differentiate)
        finally:
            trace.enter()
        if trace.decisions:
            made.conditions = Conditions.of(trace, made.leaves)
        return made

    def _of_table(
        self,
        state: State,
        table: Instructions,
        loops: Rolled | None,
        inputs: int,
        layout: Spec,
        start: float,
        *,
        differentiate: bool,
    ) -> Program:
        """Return the program of instructions, the first of whose leaves are the arguments, made of loops if any."""
        import numpy as np

        middle = perf_counter()
        leaves = np.frombuffer(table.used, bool) & (np.frombuffer(table.codes, np.int32) == LEAF)
        used = np.frombuffer(table.operands[0], np.int32)[leaves].tolist()
        state.close_over(sorted([table.leaves[at] for at in used if at >= inputs], key=lambda leaf: leaf._tick))
        parameters = state.parameters
        places = {leaf: inputs + at for at, leaf in enumerate(parameters)}
        of_leaves = [places.get(leaf, at if at < inputs else 0) for at, leaf in enumerate(table.leaves)]
        table.leaves.clear()
        total = inputs + len(parameters)
        wanted = range(inputs, total) if differentiate else None
        if loops is None:
            made: Any = lowered(table, of_leaves, total, wanted)
            counts = {"traced": len(made)}
            if len(made) <= LONGEST:
                made, counts = optimised(made)  # LLVM wants it as short as can be
        else:
            made = RolledProgram(loops, of_leaves, total, wanted, self._part)
            counts = {"traced": loops.size}
        seconds = {"trace": middle - start, "passes": perf_counter() - middle}
        stats = {"operations": counts, **({} if loops is None else {"loops": str(loops)}), "seconds": seconds}
        program = Program(made, layout, [*range(len(parameters))], stats, self.backend, None)
        program.leaves, program.state = [*parameters], state
        if table.checks:
            errors = [error for *_, error in table.checks]
            program.checks = Checks(partial(lowered_checks, table, of_leaves, total), errors)
        program.background, program.folder = self.background, self.folder
        return program

    def _part(self, tape: Tape, widths: list[int] | None, kept: int) -> Program:
        """Return a program that is a part of another one."""
        long = self.backend == "auto" and widths is None and len(tape) > OUTSIDE and BACKENDS["vm"].available
        made = Program(tape, None, [], {"seconds": {}}, "vm" if long else self.backend, widths)
        made.kept, made.folder = kept, self.folder
        return made


def _recorded(f: Any) -> Instructions | None:
    """Return the instructions of a recorded graph, see `recording`; None for a function."""
    read = getattr(f, "instructions", None)
    return read() if read is not None and installed("numpy") else None


def _loops(table: Instructions, *, differentiate: bool) -> Rolled | None:
    """Return instructions as loops; None if there are none, or they would not pay.

    Raises:
        Unsuited: if they have to be differentiated as a graph.

    """
    loops = rolled_up(table)
    if loops is not None and loops.suits(differentiate=differentiate):
        return loops
    if differentiate and not differentiable(table):
        raise Unsuited
    return None
