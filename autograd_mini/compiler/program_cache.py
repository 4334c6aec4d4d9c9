"""The programs of one function: traced at the first call for each layout of its arguments, and kept by it.

What the function reads besides its arguments, such as globals, is compared at every call. When it has changed, the
function is traced anew; the programs of before are kept for when it changes back.
"""

from __future__ import annotations

from math import copysign, prod

from autograd_mini.compiler.dependencies import Dependencies
from autograd_mini.compiler.guards import Guard
from autograd_mini.compiler.program import Program, traced
from autograd_mini.engine.forking import own_lock
from autograd_mini.engine.pytree import flatten_into
from autograd_mini.errors import TracingError
from autograd_mini.extras import extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.engine.pytree import Spec
    from autograd_mini.engine.value import Value

KEPT = 64
"""Maximum programs kept for each function in each state, the latest used."""

STATES = 8
"""Maximum states for which programs are kept, the latest."""


class State:
    """What was traced while everything that the function reads was the same.

    Attributes:
        parameters: the Values that the function closes over, so far as it was traced.
        kept: the programs.
        guard: whether everything still is the same; None before the first trace, and where the function is not.
        dependencies: what the guard compares.
        before: the parameters of the state before, which come first and in this order if they are parameters again.

    """

    def __init__(self, before: Sequence[Value] = ()) -> None:
        self.parameters: list[Value] = []
        self.before = before
        self.kept: dict[Any, Program] = {}
        self.guard: Guard | None = None
        self.dependencies: Dependencies | None = None
        self.roots: dict[int, tuple[str, Any]] = {}
        self.by_machine = False  # whether one of the programs is machine code

    @property
    def quick(self) -> Callable[[], bool] | None:
        """The quick form of the guard, if there is anything to compare."""
        return None if self.guard is None else self.guard.quick

    def holds(self) -> bool:
        """Return whether everything is as it was."""
        return self.guard is None or self.guard.holds()

    def watch(self, roots: Sequence[tuple[str, Any]]) -> None:
        """Compare from now on with what functions and objects read now, besides those that are watched already."""
        self.roots |= {id(root): (name, root) for name, root in roots}
        self.dependencies = Dependencies(self.roots.values())
        self.guard = Guard(self.dependencies.found, by_machine=self.by_machine)

    def __getstate__(self) -> dict[str, Any]:
        """Travel without what is compared, which stays behind with the function."""
        return {"parameters": self.parameters, "kept": self.kept, "before": ()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the programs."""
        vars(self).update(state, guard=None, dependencies=None, roots={}, by_machine=False)


class Programs:
    """The programs of one function.

    Args:
        f: the function.
        batched: whether its arguments are arrays with one sample for each entry of an axis.
        in_axes: that axis, or one for each argument; None for an argument that is the same for every sample.
        static: the positions of arguments that f is traced for each value of.
        backend: the name of a backend, or "auto".

    Attributes:
        latest: the program that was asked for last.
        traces: how often f was traced.

    """

    def __init__(
        self,
        f: Callable[..., Any],
        *,
        batched: bool,
        in_axes: int | Sequence[int | None] | None,
        static: Sequence[int],
        backend: str,
    ) -> None:
        self._f: Callable[..., Any] | None = f
        self.batched, self.in_axes = batched, in_axes
        self._static, self._backend = static, backend
        self.latest: Program | None = None
        self.traces = 0
        self._states = [State()]  # the latest first
        self._lock = own_lock(self)

    @property
    def state(self) -> State:
        """The state in which the latest program was asked for."""
        return self._states[0]

    @property
    def parameters(self) -> list[Value]:
        """The Values that f closes over, so far as it was traced."""
        return self.state.parameters

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

    def take(self, args: tuple[Any, ...], kwargs: dict[str, Any], *, differentiate: bool) -> tuple[Any, ...]:
        """Return the program for arguments, and what of them it is to run on.

        That is, of a batch, how many samples there are, their arrays, and the inputs alike for all of them; else the
        list of inputs.

        Raises:
            TracingError: if the function cannot be compiled as it is.
            TypeError: if an argument is of no kind that can be taken, or, to differentiate, the result is no number.
            ValueError: if the arrays of a batch do not fit each other.

        """
        axes: Sequence[int | None] = [None] * len(args)
        if self.batched:
            if kwargs:
                raise TypeError(f"{', '.join(kwargs)} is given by name, expected the arguments of a batch by position")
            axes = self.in_axes if isinstance(self.in_axes, (list, tuple)) else [self.in_axes] * len(args)
            if len(axes) != len(args):
                raise ValueError(
                    f"in_axes is {self.in_axes!r}, expected one entry for each of the {len(args)} arguments"
                )
        arrays: list[Any] = []
        inputs: list[float] = []
        taken: list[tuple[bool, Any]] = []
        first: list[int] = []
        for at, (given, axis) in enumerate(zip(args, axes, strict=True)):
            if at in self._static:
                taken.append((True, given))
            elif axis is None:
                taken.append((False, flatten_into(given, f"argument {at}", inputs)))
            else:
                taken.append((False, _columns(given, axis, f"argument {at}", arrays)))
                first.append(at)
        named = {name: flatten_into(given, f"argument {name!r}", inputs) for name, given in kwargs.items()}
        if not self.batched:
            return self._program(taken, named, None, differentiate=differentiate), inputs
        lengths = sorted({len(array) for array in arrays})
        if len(lengths) != 1:
            counts = f"arrays of {lengths} rows" if lengths else "alike for all samples"
            raise ValueError(f"the batched arguments are {counts}, expected arrays of equally many rows, one a sample")
        widths = [array.shape[1] for array in arrays]
        program = self._program(taken, {}, widths, differentiate=differentiate, first=first)
        return program, lengths[0], arrays, inputs

    def _program(
        self,
        taken: list[tuple[bool, Any]],
        named: dict[str, Any],
        widths: list[int] | None,
        *,
        differentiate: bool,
        first: Sequence[int] = (),
    ) -> Program:
        """Return the program for layouts, traced if there is none yet."""
        layouts = (tuple(taken), tuple(named.items()), tuple(_kind(given) for static, given in taken if static))
        state = self._current()
        try:
            program = state.kept.get((layouts, _wanted(state, differentiate)))
        except TypeError as error:
            raise TypeError(
                f"a static argument is not to be kept programs by, expected a hashable one: {error}"
            ) from None
        if program is None or len(state.kept) == KEPT:
            with self._lock:
                state = self._current()  # another thread may have traced it meanwhile
                # Taking it out puts it behind those used before it.
                program = state.kept.pop((layouts, _wanted(state, differentiate)), None)
                if program is None:
                    program = traced(
                        self.function,
                        taken,
                        named,
                        state.parameters,
                        before=state.before,
                        differentiate=differentiate,
                        backend=self._backend,
                        widths=widths,
                        first=first,
                    )
                    program.state = state
                    self.traces += 1
                    given = [(f"argument {at}", part) for at, (static, part) in enumerate(taken) if static]
                    state.by_machine = state.by_machine or program.backend in {"llvm", "vm"}
                    state.watch([(_name(self.function), self.function), *given])
                state.kept[layouts, _wanted(state, differentiate)] = program
                while len(state.kept) > KEPT:
                    del state.kept[next(iter(state.kept))]
                self._states = [state, *[other for other in self._states if other is not state]][:STATES]
        self.latest = program
        return program

    def _current(self) -> State:
        """Return the state that everything is in now: the latest, one of before, or a new one."""
        states = self._states
        if self._f is None or states[0].holds():
            return states[0]
        with self._lock:
            for state in self._states:
                if state.holds():
                    self._states = [state, *[other for other in self._states if other is not state]]
                    return state
        return State(states[0].parameters)


def _wanted(state: State, differentiate: bool) -> int | None:  # noqa: FBT001 - named as everywhere here
    """Return how many parameters a gradient has to be by; None if there is none to compute."""
    return len(state.parameters) if differentiate else None


def _name(f: Any) -> str:
    return getattr(f, "__name__", type(f).__name__)


def _kind(given: Any) -> Any:
    """Return what tells apart static arguments that are equal: 1, 1.0 and True, or 0.0 and -0.0."""
    if isinstance(given, tuple):
        return tuple(map(_kind, given))
    return (float, copysign(1.0, given)) if type(given) is float else type(given)


def _columns(given: Any, axis: int, name: str, arrays: list[Any]) -> Spec:
    """Append the arrays in an argument to a list, one row a sample, and return the spec of one sample.

    Raises:
        TypeError: if something in it is no array of real numbers.
        ValueError: if an array has no such axis.

    """
    if isinstance(given, dict):
        parts = tuple([_columns(item, axis, f"{name}[{key!r}]", arrays) for key, item in given.items()])
        return "dict", tuple(given), parts
    np = extra("numpy", "a function compiled for whole batches")

    try:
        array = np.asarray(given)
    except ValueError as error:
        raise ValueError(f"{name} has rows that differ, expected an array with a sample in each: {error}") from None
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise TypeError(f"{name} is a {type(given).__name__} of dtype {array.dtype}, expected an array of real numbers")
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(
            f"{name} is an array of shape {array.shape}, expected the samples along axis {axis}: for an argument that "
            "is the same for every sample say so with in_axes=None"
        )
    if axis:
        array = np.moveaxis(array, axis, 0)
    shape = array.shape[1:]
    arrays.append(np.ascontiguousarray(array.reshape(len(array), prod(shape)), dtype=np.float64))
    return ("array", shape) if shape else None
