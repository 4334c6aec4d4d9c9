"""A program: one traced function, for one layout of its arguments, as a tape that a backend runs.

It can be pickled; machine code is made again where it is unpickled, at the first run.
"""

from __future__ import annotations

from functools import partial
from time import perf_counter

from autograd_mini.compiler.backends import BACKENDS, picked
from autograd_mini.compiler.lowering import Below
from autograd_mini.compiler.tape import Tape
from autograd_mini.engine.forking import holding_own, own_lock
from autograd_mini.engine.pytree import unflatten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from autograd_mini.compiler.rolled import RolledProgram
    from autograd_mini.compiler.states import State
    from autograd_mini.compiler.tracer import Trace
    from autograd_mini.engine.pytree import Spec
    from autograd_mini.engine.value import Value


class Program:
    """One traced function, for one layout of its arguments, as a tape that a backend runs.

    Attributes:
        rolled: its loops, where it is made of these.
        layout: how its results are nested; None for a loss and its gradient.
        used: which of the function's parameters its inputs are, after those of the arguments.
        leaves: these parameters.
        widths: of a batch, how many columns each array has.
        kept: of a batch, how many results are returned for each sample.
        checks: what has to hold at each call; None for nothing. The last result is 0.0 if it does.
        conditions: what it depends on, if it is a path of several; else None.
        background: whether its best machine code is made in the background.
        folder: the folder of a cache of machine code; "" for none.
        state: what the function read when it was traced; None where the function is not.
        stats: what was counted and timed while it was made.
        backend: which backend runs it, a name; `why` that one.
        entry: machine code that is called directly, see `fastcall`.

    """

    def __init__(
        self,
        tape: Tape | RolledProgram,
        layout: Spec,
        used: list[int],
        stats: dict[str, Any],
        wanted: str,
        widths: list[int] | None,
    ) -> None:
        self.rolled = None if isinstance(tape, Tape) else tape
        self._tape = tape if isinstance(tape, Tape) else None
        self.layout, self.used, self.stats = layout, used, stats
        self.wanted, self.widths = wanted, widths
        self.leaves: list[Value] = []
        self.state: State | None = None
        self.kept = 0
        self.checks: Checks | None = None
        self.conditions: Any = None
        self.background, self.folder = False, ""
        self.backend, self.why = self._picked()
        self._machine: Any = None
        self.entry: Callable[..., Any] | None = None
        self._lock = own_lock(self)
        self._runs: dict[int, Callable[..., Any]] = {}

    @property
    def tape(self) -> Tape:
        """What it computes, after all passes, without loops."""
        if self._tape is None and self.rolled is not None:
            self._tape = self.rolled.unrolled()
        return self._tape  # type: ignore[return-value]  # it is one or the other

    def _picked(self) -> tuple[str, str]:
        """Return the backend, and why that one."""
        if self.rolled is not None:
            return self.rolled.backend, self.rolled.why
        return picked(self.wanted, self.tape, batched=self.widths is not None)

    @property
    def programs(self) -> list[Program]:
        """What it is made of: itself."""
        return [self]

    @property
    def size(self) -> int:
        """How many operations it has: with loops those of the traced program, else what the passes left."""
        return len(self.tape) if self.rolled is None else int(self.stats["operations"]["traced"])

    @property
    def text(self) -> str:
        """Its machine code in LLVM's language, or in CUDA C, from the first run on; "" for another backend."""
        return getattr(self._machine, "text", "")

    @property
    def source(self) -> str:
        """The program as readable Python."""
        return str(self.tape)

    def covers(self, parameters: int) -> bool:
        """Return whether its gradient covers all of the function's parameters, given their number."""
        return len(self.used) == parameters

    def prepare(self, threads: int, *_: Any) -> None:
        """Compile it, as well as can be."""
        self.background = False
        self.run(threads)

    def called(self, inputs: list[float]) -> Any:
        """Return what the function returns for one set of inputs."""
        return unflatten(self.layout, iter(self.run()(inputs)))

    def run(self, threads: int = 1) -> Callable[..., Any]:
        """Return what runs it, compiled if this is the first time."""
        return self._runs.get(threads) or self._compiled(threads)

    @holding_own
    def _compiled(self, threads: int) -> Callable[..., Any]:
        if threads in self._runs:  # another thread has compiled it meanwhile
            return self._runs[threads]
        start = perf_counter()
        if self.rolled is not None:
            made: Callable[..., Any] = self.rolled.compiled(background=self.background)
        else:
            module = BACKENDS[self.backend].load()
            machine = self.backend == "llvm"
            settings: Any = {"background": self.background, "folder": self.folder} if machine else {}
            made = (
                module.scalar(self.tape, **settings)
                if self.widths is None
                else module.batch(self.tape, self.widths, self.kept, threads, **settings)
            )
        self._machine = made
        self.stats["seconds"]["compile"] = perf_counter() - start
        if self.checks is not None:
            made = self.checks.scalar(made) if self.widths is None else self.checks.batch(made)
        self._runs[threads] = made
        return made

    def __getstate__(self) -> dict[str, Any]:
        """Leave machine code out."""
        return {
            name: value
            for name, value in vars(self).items()
            if name not in {"_lock", "_runs", "_machine", "entry", "state"}
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Choose a backend of this machine."""
        vars(self).update(state, _lock=own_lock(self), _runs={}, _machine=None, entry=None, state=None)
        self.backend, self.why = self._picked()


class Checks:
    """What has to hold of the numbers of each call, which is found out before results are returned.

    Args:
        tape: the function that returns the program which tells of each whether it holds, and its figure.
        errors: of each the function from its figure to the exception.

    """

    def __init__(self, tape: Callable[[], Tape], errors: Sequence[Callable[[float], Exception]]) -> None:
        self._tape, self._errors = tape, errors

    @classmethod
    def of(cls, trace: Trace, leaves: Sequence[Value]) -> Checks:
        """Return the checks of a trace, given the parameters whose inputs follow those of the trace."""
        found = [part for check in trace.checks for part in (check.holds, check.figure)]
        tape = Below(trace, found).lowered(leaves).pruned()
        return cls(partial(Tape, tape.steps, tape.results, tape.inputs), [check.error for check in trace.checks])

    def scalar(self, run: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of the list of inputs that raises where a check fails."""

        def checked(inputs: Sequence[float]) -> Any:
            *results, broken = run(inputs)
            if broken != 0.0:
                self._fail([inputs])
            return results

        return checked

    def batch(self, run: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of a batch that raises where a check fails for one of the samples."""

        def checked(n: int, arrays: Sequence[Any], uniform: Sequence[float]) -> Any:
            columns, means = run(n, arrays, uniform)
            if n and means[-1] != 0.0:
                rows = zip(*[array.tolist() for array in arrays], strict=True)
                same = [float(number) for number in uniform]
                self._fail([number for part in row for number in part] + same for row in rows)
            return columns, means[:-1]

        return checked

    def _fail(self, rows: Iterable[Sequence[float]]) -> None:
        """Raise the error of the first check that fails, of the first of these rows of inputs for which one does."""
        run = BACKENDS["python"].load().scalar(self._tape())
        for row in rows:
            found = run(row)
            for holds, figure, error in zip(found[::2], found[1::2], self._errors, strict=True):
                if not holds:
                    raise error(figure)
