"""Specialization: the programs of one function, traced at the first call for each layout of its arguments, and kept.

What the function reads besides its arguments, such as globals, is compared at every call. When it has changed, the
function is traced anew; the programs of before are kept for when it changes back.
"""

from __future__ import annotations

from functools import partial
from math import nan

from autograd_mini.compiler.branching import Paths
from autograd_mini.compiler.frontend import FrontEnd
from autograd_mini.compiler.layouts import Layouts, arranged
from autograd_mini.compiler.states import State
from autograd_mini.engine.forking import holding_own, own_lock
from autograd_mini.engine.versions import VERSION
from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.program import Program

ABSENT = object()
"""Default of an argument that has none."""

KEPT = 64
"""Maximum programs kept for each function in each state, the latest used."""

TRIES = 3
"""Maximum states that are tried for one call, while other threads change what the function reads."""

STATES = 8
"""Maximum states for which programs are kept, the latest."""


def positional(f: Callable[..., Any]) -> dict[str, Any]:
    """Return the arguments that a function takes by position, each with its default or ABSENT."""
    from inspect import Parameter, signature

    try:
        known = signature(f).parameters.values()
    except ValueError:  # a built-in function may not tell
        return {}
    kinds = {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD}
    return {p.name: ABSENT if p.default is p.empty else p.default for p in known if p.kind in kinds}


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
        static: Sequence[int | str],
        backend: str,
        paths: int = 0,
        background: bool = False,
        folder: str = "",
    ) -> None:
        self._f: Callable[..., Any] | None = f
        self.batched, self.in_axes = batched, in_axes
        self._names = positional(f) if static else {}
        self._static = [self._position(at) for at in static]
        self._backend, self._paths = backend, paths
        self._front_end = FrontEnd(backend, background, folder)
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
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        differentiate: bool,
        decide: bool = True,
        first: Callable[[], list[Any] | None] | None = None,
    ) -> tuple[Any, ...]:
        """Return the program for arguments, and what of them it is to run on.

        That is, of a batch, how many samples there are, their arrays, and the inputs alike for all of them; else the
        list of inputs. Unless `decide`, the arguments are examples, by whose numbers no condition is decided. Where a
        batch is an example without rows, `first` returns arrays of one row that decide, or None if there are no rows.

        Raises:
            TracingError: if the function cannot be compiled as it is.
            TypeError: if an argument is of no kind that can be taken, or, to differentiate, the result is no number.
            ValueError: if the arrays of a batch do not fit each other.

        """
        if kwargs and self._static:
            args, kwargs = self._by_position(args, kwargs)
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
            found = (first() if first is not None else None) or arrays
            rows = [array[0].tolist() if len(array) else [nan] * array.shape[1] for array in found]
            return [*[number for row in rows for number in row], *inputs]

        program = self._program(layouts, sample if decide else None, differentiate=differentiate)
        return program, n, arrays, inputs

    def _position(self, static: int | str) -> int:
        """Return the position of an argument that is static.

        Raises:
            ValueError: if no argument has its name.

        """
        if isinstance(static, str) and static not in self._names:
            raise ValueError(f"static is {static!r}, expected a position, or a name among {', '.join(self._names)}")
        return [*self._names].index(static) if isinstance(static, str) else static

    def _by_position(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments of a call with all that may be static by position, left-out ones by their defaults."""
        names, rest = [*self._names], {**kwargs}
        last = max((at for at in self._static if at < len(names) and names[at] in rest), default=-1)
        for name in names[len(args) : last + 1]:
            if name not in rest and self._names[name] is ABSENT:
                break  # f says which argument is missing
            args = (*args, rest.pop(name, self._names[name]))
        return args, rest

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
        if not state.holds():
            raise TracingError(
                f"what {self._name} reads has changed while it computes, expected it to stay the same for a call, and "
                "until all results for a stream are there"
            )
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
            program = self._front_end.program(self.function, state, layouts, sample, differentiate=differentiate)
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
