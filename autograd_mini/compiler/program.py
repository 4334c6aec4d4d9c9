"""A program: one traced function, for one layout of its arguments, as a tape that a backend runs.

It is made by `traced` and can be pickled; machine code is made again where it is unpickled, at the first run.
"""

from __future__ import annotations

from time import perf_counter

from autograd_mini.compiler.backends import BACKENDS, picked
from autograd_mini.compiler.lowering import Below
from autograd_mini.compiler.passes import optimised
from autograd_mini.compiler.tracer import Trace
from autograd_mini.engine.forking import own_lock
from autograd_mini.engine.graph import gradient
from autograd_mini.engine.pytree import flatten_into, unflatten
from autograd_mini.engine.value import Value
from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.program_cache import State
    from autograd_mini.compiler.tape import Tape
    from autograd_mini.engine.pytree import Spec


class Program:
    """A traced function.

    Attributes:
        tape: what it computes, after all passes.
        layout: how its results are nested; None for a loss and its gradient.
        used: which of the function's parameters its inputs are, after those of the arguments.
        leaves: these parameters.
        state: what the function read when it was traced, see `program_cache`; None where the function is not.
        stats: what was counted and timed while it was made.
        backend: which backend runs it, a name; known from the first run on.

    """

    def __init__(
        self, tape: Tape, layout: Spec, used: list[int], stats: dict[str, Any], wanted: str, widths: list[int] | None
    ) -> None:
        self.tape, self.layout, self.used, self.stats = tape, layout, used, stats
        self.wanted, self.widths = wanted, widths
        self.leaves: list[Value] = []
        self.state: State | None = None
        self.kept = 0  # of a batch: how many results are returned for each sample
        self.backend, self.why = picked(wanted, tape, batched=widths is not None)
        self.text = ""
        self.entry: Callable[..., Any] | None = None  # machine code that is called directly, see `entries`
        self._lock = own_lock(self)
        self._runs: dict[int, Callable[..., Any]] = {}

    def run(self, threads: int = 1) -> Callable[..., Any]:
        """Return what runs it, compiled if this is the first time."""
        found = self._runs.get(threads)
        if found is None:
            with self._lock:
                found = self._runs[threads] = self._runs.get(threads) or self._compiled(threads)
        return found

    def _compiled(self, threads: int) -> Callable[..., Any]:
        start = perf_counter()
        module = BACKENDS[self.backend].load()
        made: Callable[..., Any] = (
            module.scalar(self.tape)
            if self.widths is None
            else module.batch(self.tape, self.widths, self.kept, threads)
        )
        self.text = getattr(made, "text", "")
        self.stats["seconds"]["compile"] = perf_counter() - start
        return made

    def __getstate__(self) -> dict[str, Any]:
        """Leave machine code out."""
        return {name: value for name, value in vars(self).items() if name not in {"_lock", "_runs", "entry", "state"}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Choose a backend of this machine."""
        vars(self).update(state, _lock=own_lock(self), _runs={}, entry=None, state=None)
        self.backend, self.why = picked(self.wanted, self.tape, batched=self.widths is not None)


def traced(
    f: Callable[..., Any],
    args: Sequence[tuple[bool, Any]],
    kwargs: dict[str, Any],
    parameters: list[Value],
    *,
    before: Sequence[Value],
    differentiate: bool,
    backend: str,
    widths: list[int] | None,
    first: Sequence[int] = (),
) -> Program:
    """Trace a function.

    Args:
        f: the function.
        args: for each positional argument whether it is static, and then itself, else its layout.
        kwargs: the layouts of keyword arguments.
        parameters: the leaves that f is known to close over. What it closes over besides is appended.
        before: the leaves that it closed over in an earlier trace, whose order is kept: the leaves' ticks change with
            every assignment.
        differentiate: whether the results shall be the loss, and its gradient with respect to all of these.
        backend: the name of a backend, or "auto".
        widths: of a batch, how many columns each array has.
        first: the positions of the arguments whose numbers come first among the inputs.

    Raises:
        TracingError: if f cannot be compiled as it is.
        TypeError: if f returns something that is no number, or for a gradient anything but one number.

    """
    start = perf_counter()
    with Trace() as trace:
        symbols = iter(trace.input, None)
        made = {}
        for at in (*first, *[at for at in range(len(args)) if at not in first]):
            made[at] = args[at][1] if args[at][0] else unflatten(args[at][1], symbols)
        taken = [made[at] for at in range(len(args))]
        named = {name: unflatten(layout, symbols) for name, layout in kwargs.items()}
        numbers: list[Any] = []
        result = f(*taken, **named)
        layout = flatten_into(result, "the result of the traced function", numbers)
        if differentiate and layout is not None:
            raise TypeError(f"the result is a {type(result).__name__}, expected one number to differentiate")
        if any(isinstance(y, Value) and y.symbolic and y not in trace for y in numbers):
            raise TracingError("the traced function returned a symbol of an earlier trace: compute it anew")
        below = Below(trace, numbers)
        known, places = set(parameters), {leaf: at for at, leaf in enumerate(before)}
        found = [leaf for leaf in below.outside if leaf not in known]
        parameters += sorted(found, key=lambda leaf: places.get(leaf, len(places)))
        used = list(range(len(parameters)))
        if differentiate:
            y = numbers[0]
            numbers += gradient(y, parameters) if isinstance(y, Value) else [0.0] * len(parameters)
            below = Below(trace, numbers)
        else:
            needed = set(below.outside)
            used = [at for at in used if parameters[at] in needed]
        tape = below.lowered([parameters[at] for at in used])
    middle = perf_counter()
    tape, counts = optimised(tape)
    seconds = {"trace": middle - start, "passes": perf_counter() - middle}
    program = Program(tape, layout, used, {"operations": counts, "seconds": seconds}, backend, widths)
    program.leaves = [parameters[at] for at in used]
    program.kept = 0 if differentiate else len(tape.results)
    return program
