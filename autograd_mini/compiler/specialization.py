"""Specialization: the programs of one function, traced at the first call for each layout of its arguments, and kept.

What the function reads besides its arguments, such as globals, is compared at every call. When it has changed, the
function is traced anew; the programs of before are kept for when it changes back.
"""

from __future__ import annotations

from functools import partial
from math import nan
from time import perf_counter

from autograd_mini.compiler.backends import BACKENDS, LONGEST, installed
from autograd_mini.compiler.branching import Paths
from autograd_mini.compiler.dependencies import Dependencies
from autograd_mini.compiler.guards import Guard
from autograd_mini.compiler.instructions import LEAF, Instructions, Requirement, Unsuited
from autograd_mini.compiler.layouts import Layouts, arranged
from autograd_mini.compiler.lowering import Below
from autograd_mini.compiler.passes import optimised
from autograd_mini.compiler.path_index import Conditions
from autograd_mini.compiler.program import Checks, Program
from autograd_mini.compiler.recurrences import rolled_up
from autograd_mini.compiler.reverse import differentiable, lowered, lowered_checks
from autograd_mini.compiler.rolled import RolledProgram
from autograd_mini.compiler.tracer import Trace
from autograd_mini.engine.forking import holding_own, own_lock
from autograd_mini.engine.graph import gradient
from autograd_mini.engine.pytree import flatten_into, unflatten
from autograd_mini.engine.value import Value
from autograd_mini.engine.versions import VERSION
from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.tape import Tape
    from autograd_mini.engine.pytree import Spec

KEPT = 64
"""Maximum programs kept for each function in each state, the latest used."""

OUTSIDE = 300
"""Maximum operations outside of loops that LLVM compiles; there it takes more time than it saves."""

LONG = 1000
"""Minimum operations of a program that becomes columns of numbers, in which loops are looked for."""

TRIES = 3
"""Maximum states that are tried for one call, while other threads change what the function reads."""

STATES = 8
"""Maximum states for which programs are kept, the latest."""


class State:
    """What was traced while everything that the function reads was the same.

    Attributes:
        parameters: the Values that the function closes over, so far as it was traced.
        before: the parameters of the state before, which come first and in this order if they are parameters again:
            the leaves' ticks change with every assignment.
        kept: the programs.
        guard: whether everything still is the same; None before the first trace, and where the function is not.
        dependencies: what the guard compares.
        over: whether everything will never be the same again, for all that is known.

    """

    def __init__(self, before: Sequence[Value] = ()) -> None:
        self.parameters: list[Value] = []
        self.before = before
        self.kept: dict[Any, Program | Paths] = {}
        self.guard: Guard | None = None
        self.dependencies: Dependencies | None = None
        self.roots: dict[int, tuple[str, Any]] = {}
        self.by_machine = False  # whether one of the programs is machine code
        self.over = False

    @property
    def quick(self) -> Callable[[], bool] | None:
        """The quick form of the guard, if there is anything to compare."""
        if self.over:
            return lambda: False
        return None if self.guard is None else self.guard.quick

    def holds(self) -> bool:
        """Return whether everything is as it was."""
        return not self.over and (self.guard is None or self.guard.holds())

    def watch(self, roots: Sequence[tuple[str, Any]]) -> None:
        """Compare from now on with what functions and objects read now, besides those that are watched already."""
        self.roots |= {id(root): (name, root) for name, root in roots}
        self.dependencies = Dependencies(self.roots.values())
        found, seen = self.dependencies.found, self.dependencies.version
        self.guard = Guard(found, seen=seen, by_machine=self.by_machine)

    def found(self, layouts: Any, *, differentiate: bool) -> Program | Paths | None:
        """Return the program that is kept for layouts, unless there are more parameters since."""
        program = self.kept.get((layouts, differentiate))
        return program if program is None or not differentiate or program.covers(len(self.parameters)) else None

    def close_over(self, leaves: Sequence[Value]) -> None:
        """Append those of the leaves that are no parameters yet."""
        known, places = set(self.parameters), {leaf: at for at, leaf in enumerate(self.before)}
        found = [leaf for leaf in leaves if leaf not in known]
        self.parameters += sorted(found, key=lambda leaf: places.get(leaf, len(places)))

    def __getstate__(self) -> dict[str, Any]:
        """Travel without what is compared, which stays behind with the function."""
        return {**vars(State()), "parameters": self.parameters, "kept": self.kept}


class Programs:
    """The programs of one function; `jit` says what its settings are.

    Attributes:
        latest: the program that was asked for last.
        traces: how often the function was traced.

    """

    def __init__(
        self,
        f: Callable[..., Any],
        *,
        batched: bool,
        in_axes: int | Sequence[int | None] | None,
        static: Sequence[int],
        backend: str,
        paths: int = 0,
        background: bool = False,
        folder: str = "",
    ) -> None:
        self._f: Callable[..., Any] | None = f
        self.batched, self.in_axes = batched, in_axes
        self._static, self._backend, self._paths, self._background = static, backend, paths, background
        self._folder = folder
        self.latest: Program | Paths | None = None
        self.traces = 0
        self._states = [State()]  # the latest first
        self._lock = own_lock(self)

    @property
    def state(self) -> State:
        """The state in which the latest program was asked for."""
        return self._states[0]

    @property
    def function(self) -> Callable[..., Any]:
        """The function itself.

        Raises:
            TracingError: if it stayed behind when this was pickled.

        """
        if self._f is None:
            raise TracingError(
                "the compiled function came out of a pickle, or a deep copy, with the tapes it had, expected arguments "
                "like those of one of them: call it with such arguments before it is pickled or copied"
            )
        return self._f

    def __getstate__(self) -> dict[str, Any]:
        """Travel as tapes, without the function itself."""
        return {**vars(self), "_f": None, "_lock": None, "latest": None, "_states": self._states[:1]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Run the tapes that came along."""
        vars(self).update(state, _lock=own_lock(self))

    def take(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], *, differentiate: bool, decide: bool = True
    ) -> tuple[Any, ...]:
        """Return the program for arguments, and what of them it is to run on.

        That is, of a batch, how many samples there are, their arrays, and the inputs alike for all of them; else the
        list of inputs. Unless `decide`, the arguments are examples, by whose numbers no condition is decided.

        Raises:
            TracingError: if the function cannot be compiled as it is.
            TypeError: if an argument is of no kind that can be taken, or, to differentiate, the result is no number.
            ValueError: if the arrays of a batch do not fit each other.

        """
        if self.batched and kwargs:
            raise TypeError(f"{', '.join(kwargs)} is given by name, expected the arguments of a batch by position")
        axes = self.axes(args) if self.batched else None
        layouts, inputs, arrays = arranged(args, kwargs, axes, self._static)
        decide = decide and self._paths > 0
        if axes is None:
            return self._program(layouts, (lambda: inputs) if decide else None, differentiate=differentiate), inputs
        n = len(arrays[0])
        if layouts.on_gpu and self._backend not in {"auto", "cuda"}:
            raise TypeError(
                f"the batch lies on a GPU, expected NumPy's arrays for the backend {self._backend!r}: leave the "
                "backend out, or copy the batch"
            )

        def sample() -> list[float]:
            """Return the inputs of the first sample."""
            rows = [array[0].tolist() if n else [nan] * array.shape[1] for array in arrays]
            return [*[number for row in rows for number in row], *inputs]

        decide = decide and self._backend != "cuda" and not layouts.on_gpu  # whose samples all take one path
        program = self._program(layouts, sample if decide else None, differentiate=differentiate)
        return program, n, arrays, inputs

    def axes(self, args: Sequence[Any]) -> Sequence[int | None]:
        """Return the axis of the samples in each of the arguments of a batch."""
        given: Any = self.in_axes
        axes: Sequence[int | None] = given if isinstance(given, (list, tuple)) else [given] * len(args)
        if len(axes) != len(args):
            raise ValueError(f"in_axes is {given!r}, expected one entry for each of the {len(args)} arguments")
        return axes

    def batched_axes(self, args: Sequence[Any]) -> list[tuple[int, int | None]]:
        """Return the positions and axes of those arguments that are not static."""
        return [(at, axis) for at, axis in enumerate(self.axes(args)) if at not in self._static]

    def _program(
        self, layouts: Layouts, sample: Callable[[], Sequence[float]] | None, *, differentiate: bool
    ) -> Program | Paths:
        """Return the program for layouts, traced if there is none yet, with the numbers of a sample."""
        key, state = layouts.key(), self._current()
        try:
            program = state.found(key, differentiate=differentiate)
        except TypeError as error:
            raise TypeError(
                f"a static argument is nothing to keep programs by, expected a hashable one: {error}"
            ) from None
        if program is None or len(state.kept) == KEPT:
            program = self._kept(layouts, sample, differentiate=differentiate)
        self.latest = program
        return program

    @holding_own
    def _kept(
        self, layouts: Layouts, sample: Callable[[], Sequence[float]] | None, *, differentiate: bool
    ) -> Program | Paths:
        """Return the program for layouts, which is the latest of its state from now on."""
        key = layouts.key()
        for _ in range(TRIES):
            state = self._current()  # another thread may have traced it meanwhile
            found = state.found(key, differentiate=differentiate)
            state.kept.pop((key, differentiate), None)  # this puts it behind those used before it
            program = found or self._new(state, layouts, sample, differentiate=differentiate)
            state.kept[key, differentiate] = program
            while len(state.kept) > KEPT:
                del state.kept[next(iter(state.kept))]
            self._latest(state)
            if not state.over:
                break
        return program

    def _new(
        self,
        state: State,
        layouts: Layouts,
        sample: Callable[[], Sequence[float]] | None,
        *,
        differentiate: bool,
    ) -> Program | Paths:
        """Return the program of a trace, or of its path if it depends on conditions."""
        program = self._traced(state, layouts, sample, differentiate=differentiate)
        if program.conditions is None:
            return program
        inputs = program.tape.inputs - len(program.used)
        another = partial(self.another, state, layouts, differentiate=differentiate)
        return Paths(
            self._name,
            program,
            inputs,
            state.parameters,
            differentiate=differentiate,
            most=self._paths,
            trace=another,
        )

    @property
    def _name(self) -> str:
        return getattr(f := self.function, "__name__", type(f).__name__)

    @holding_own
    def another(self, state: State, layouts: Layouts, inputs: Sequence[float], *, differentiate: bool) -> Program:
        """Return the program of the path that inputs take, those of parameters included; see `Paths`."""
        return self._traced(state, layouts, lambda: inputs, differentiate=differentiate)

    def _traced(
        self,
        state: State,
        layouts: Layouts,
        sample: Callable[[], Sequence[float]] | None,
        *,
        differentiate: bool,
    ) -> Program:
        """Trace the function, and watch from now on what it reads.

        If another thread changed some of it meanwhile, the state is over. Where that cannot be told, since nothing was
        watched before, the function is traced once more.
        """
        roots = [(self._name, self.function)]
        roots += [(f"argument {at}", part) for at, (static, part) in enumerate(layouts.taken) if static]
        before, known, version = state.guard, len(state.parameters), VERSION[0]

        def traced() -> Program:
            program = self._of_trace(state, layouts, sample, differentiate=differentiate)
            state.by_machine = state.by_machine or program.backend in {"llvm", "vm"}
            state.watch(roots)
            return program

        program = traced()
        if VERSION[0] is not version and before is None:
            before = state.guard
            del state.parameters[known:]
            program = traced()
        state.over = VERSION[0] is not version and before is not None and not before.holds()
        self.traces += 1
        return program

    def _of_trace(
        self,
        state: State,
        layouts: Layouts,
        sample: Callable[[], Sequence[float]] | None,
        *,
        differentiate: bool,
    ) -> Program:
        """Trace the function; what it closes over, and was not known, is appended to the state's parameters."""
        start = perf_counter()
        f, parameters = self.function, state.parameters
        taken, named, widths, first, there = layouts
        if widths is None and (table := _recorded(f)) is not None:
            made = self._of_table(state, table, 0, None, start, differentiate=differentiate)
            if made is not None:
                return made

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
            given = len(numbers)
            if any(isinstance(y, Value) and y.symbolic and y not in trace for y in numbers):
                raise TracingError("the traced function returned a symbol of an earlier trace: compute it anew")
            asked = [*trace.broken(), *trace.decisions]
            if widths is None:
                made = self._of_columns(state, trace, numbers, layout, start, differentiate=differentiate)
                if made is not None:
                    return made
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
        program = Program(tape, layout, used, stats, "cuda" if there else self._backend, widths)
        program.leaves, program.checks, program.conditions = leaves, checks, conditions
        program.kept = 0 if differentiate else given
        program.state, program.background, program.folder = state, self._background, self._folder
        return program

    def _of_columns(
        self,
        state: State,
        trace: Trace,
        numbers: Sequence[Any],
        layout: Spec,
        start: float,
        *,
        differentiate: bool,
    ) -> Program | None:
        """Return the program of a long trace; None if it is short, or columns do not suit it."""
        table = _table(trace, numbers)
        if table is None:
            return None
        if trace.decisions:
            state.close_over(Below(trace, [*trace.decisions]).outside)
        made = self._of_table(state, table, len(trace.inputs), layout, start, differentiate=differentiate)
        if made is not None and trace.decisions:
            made.conditions = Conditions.of(trace, made.leaves)
        return made

    def _of_table(
        self,
        state: State,
        table: Instructions,
        inputs: int,
        layout: Spec,
        start: float,
        *,
        differentiate: bool,
    ) -> Program | None:
        """Return the program of instructions, the first of whose leaves are the arguments.

        It is made of loops if there are any; None if it has to be differentiated as a graph.
        """
        loops = rolled_up(table)
        if loops is not None and not loops.suits(differentiate=differentiate):
            loops = None
        if loops is None and differentiate and not differentiable(table):
            return None
        middle = perf_counter()
        needed, first = table.used(), table.operands[0]
        used = [first[at] for at, code in enumerate(table.codes) if code == LEAF and needed[at]]
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
            made = RolledProgram(loops, of_leaves, total, wanted, self._made)
            counts = {"traced": loops.size}
        seconds = {"trace": middle - start, "passes": perf_counter() - middle}
        stats = {"operations": counts, **({} if loops is None else {"loops": str(loops)}), "seconds": seconds}
        program = Program(made, layout, [*range(len(parameters))], stats, self._backend, None)
        program.leaves, program.state = [*parameters], state
        if table.checks:
            errors = [error for *_, error in table.checks]
            program.checks = Checks(partial(lowered_checks, table, of_leaves, total), errors)
        program.background, program.folder = self._background and loops is None, self._folder
        return program

    def _made(self, tape: Tape, widths: list[int] | None, kept: int) -> Program:
        """Return a program that is a part of another one."""
        long = self._backend == "auto" and widths is None and len(tape) > OUTSIDE and BACKENDS["vm"].available
        made = Program(tape, None, [], {"seconds": {}}, "vm" if long else self._backend, widths)
        made.kept, made.folder = kept, self._folder
        return made

    def _current(self) -> State:
        """Return the state that everything is in now: the latest, one of before, or a new one."""
        latest = self._states[0]
        if self._f is None or latest.holds():
            return latest
        return self._before() or State(latest.parameters)

    @holding_own
    def _before(self) -> State | None:
        """Return the state of before that everything is in again, now the latest; None if there is none."""
        for state in self._states:
            if state.holds():
                self._latest(state)
                return state
        return None

    def _latest(self, state: State) -> None:
        """Put a state before all others."""
        self._states = [state, *[other for other in self._states if other is not state]][:STATES]


def _recorded(f: Any) -> Instructions | None:
    """Return the instructions of a recorded graph, see `recording`; None for a function."""
    read = getattr(f, "instructions", None)
    return read() if read is not None and installed("numpy") else None


def _table(trace: Trace, outputs: Sequence[Value | float]) -> Instructions | None:
    """Return the instructions of a long trace; None if it is short, or has what columns do not hold."""
    if len(trace.nodes) < LONG or not installed("numpy"):
        return None
    required = [Requirement("ne", holds, 0.0, True, figure, error) for holds, figure, error in trace.checks]  # noqa: FBT003
    try:
        return Instructions(trace.nodes, outputs, trace.inputs, trace.constants, required)
    except Unsuited:
        return None
