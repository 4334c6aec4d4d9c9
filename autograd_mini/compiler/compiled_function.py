"""A compiled function: what `jit` returns. It is called as the function was, and has its gradient."""

from __future__ import annotations

from functools import partial

from autograd_mini.compiler.blocks import all_slopes, mean_over, prepare_over, stacked, values_over
from autograd_mini.compiler.export import Exportable
from autograd_mini.compiler.llvm import fastcall
from autograd_mini.engine.backward import accumulate
from autograd_mini.engine.hooks import is_tracing, on_read
from autograd_mini.engine.pytree import holds_values
from autograd_mini.extras import extra
from autograd_mini.rows import in_parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from autograd_mini.compiler.branching import Paths
    from autograd_mini.compiler.program import Program
    from autograd_mini.compiler.specialization import Programs
    from autograd_mini.engine.value import Value


class Compiled(Exportable):
    """What `jit` returns.

    Args:
        programs: the function, and its programs so far.
        threads: the threads that a batch is divided among.

    Attributes:
        parameters: the Values that the function closes over, so far as it was traced: see `prepare`.

    >>> from autograd_mini import jit, Parameter
    >>> w = Parameter(3.0)
    >>> loss = jit(lambda x: (w * x - 1.0) ** 2)
    >>> loss.backward(2.0), w.grad
    (25.0, 20.0)
    >>> loss.value_and_grad([1.0], 2.0)
    (1.0, array([4.]))

    """

    def __init__(self, programs: Programs, threads: int) -> None:
        self._programs, self._batched, self._threads = programs, programs.batched, threads
        self._entry: tuple[Callable[..., Any], Callable[[], bool] | None] | None = None  # machine code, and its guard
        self._known: tuple[Any, int] | None = None  # the guard and number of parameters of a hidden `value_and_grad`
        for name in ("__name__", "__qualname__", "__doc__", "__module__"):
            if hasattr(programs.function, name):
                setattr(self, name, getattr(programs.function, name))

    # --- calling ---

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the function returns; of a batch, with the samples along the leading axis of every array.

        With Values among the arguments, and inside of another traced function, the function itself is called, so that
        transforms and compilation nest.
        """
        if self._entry is not None and not kwargs and not on_read:
            entry, unchanged = self._entry
            if unchanged is None or unchanged():
                return entry(*args)
        return self._called(*args, **kwargs)

    def _called(self, *args: Any, **kwargs: Any) -> Any:
        if is_tracing() or holds_values([args, kwargs]):
            return self._plain(args, kwargs)
        if self._batched:
            if (parts := in_parts(args)) is not None:
                return values_over(self._programs, parts, self._threads)
            program, n, arrays, uniform = self._prepared(args, kwargs, differentiate=False)
            found, _ = program.run(self._threads)(n, arrays, uniform + self._numbers(program))
            return stacked(program.layout, iter(found))
        program, inputs = self._prepared(args, kwargs, differentiate=False)
        entry = None if kwargs else fastcall.of_gradient(program, args, self._called)
        if entry is not None:
            self._entry = entry, _unchanged(program)
        return program.called(inputs + self._numbers(program))

    def backward(self, *args: Any, **kwargs: Any) -> float:
        """Compute the loss and add its gradient to the `grad` of every Value that the function closes over.

        Args:
            args: the arguments of the function.
            kwargs: its keyword arguments.

        Returns:
            the loss; of a batch the mean loss, and the gradient is that of the mean.

        Raises:
            TypeError: if the function does not return one number.
            ValueError: if the batch has no samples.

        """
        program, loss, slopes = self._differentiated(None, args, kwargs)
        accumulate(program.leaves, [float(slope) for slope in slopes])
        return loss

    def value_and_grad(self, p: Any, *args: Any, **kwargs: Any) -> tuple[float, Any]:
        """Return the loss and its gradient, both flat: what an optimiser runs on.

        Args:
            p: the numbers to use for `parameters`, an array of float64 in their order.
            args: the arguments of the function.
            kwargs: its keyword arguments.

        Returns:
            the loss, of a batch the mean loss, and the gradient as an array in the same order.

        Raises:
            TypeError: if the function does not return one number.
            ValueError: if p has another length than `parameters`, or the batch has no samples.

        """
        np = extra("numpy", "value_and_grad of a compiled function")
        program, loss, slopes = self._differentiated(np.asarray(p, dtype=np.float64), args, kwargs)
        if self._threads == 1 or not self._batched:
            slow = partial(Compiled.value_and_grad, self)
            if self._batched:
                entry = fastcall.of_mean(program, args, self._programs.in_axes, slow)
            else:
                entry = None if kwargs else fastcall.of_parameters(program, args, slow)
            if entry is not None:  # it hides this method, and calls it for other arguments
                unchanged, self._known = _unchanged(program), _known(program)

                def guarded(*args: Any, **kwargs: Any) -> Any:
                    return entry(*args, **kwargs) if unchanged() else slow(*args, **kwargs)  # type: ignore[misc]  # below

                vars(self)["value_and_grad"] = entry if unchanged is None else guarded
        return loss, np.asarray(slopes)

    def prepare(self, *args: Any, **kwargs: Any) -> None:
        """Trace and compile the loss and its gradient for arguments like these, so that `parameters` is known.

        Args:
            args: arguments of the function; where it branches all their rows are read, and the paths of all are found.
            kwargs: keyword arguments.

        """
        if self._batched and (parts := in_parts(args)) is not None:
            prepare_over(self._programs, parts, self._threads)
            return
        program, *given = self._prepared(args, kwargs, differentiate=True)
        given[-1] = given[-1] + self._numbers(program)
        program.prepare(self._threads if self._batched else 1, *given)

    # --- what it is ---

    @property
    def parameters(self) -> list[Value]:
        """The Values that the function closes over, in the order of their creation, so far as it was traced."""
        return list(self._programs.state.parameters)

    @property
    def source(self) -> str:
        """The program of the latest call as readable Python, one line an operation."""
        return self._latest().source

    @property
    def stats(self) -> dict[str, Any]:
        """What is known of the latest call's program, and of what the function reads besides its arguments.

        "operations" after each pass; "seconds" that each stage took; "backend", and "why" that one; "traces", how often
        the function was traced in all; "watched", what is compared at each call, and at how many places; "unwatched",
        what the function reads that cannot be compared, and why. Of a function that branches also "paths": for each
        the conditions, as pairs of the line that asks and the answer, the operations, the samples so far, the share.
        """
        program = self._latest()
        seen = None if program.state is None else program.state.dependencies
        return {
            **program.stats,
            "backend": program.backend,
            "why": program.why,
            "traces": self._programs.traces,
            "watched": {} if seen is None else seen.counts(),
            "unwatched": [] if seen is None else [*seen.unwatched],
        }

    @property
    def llvm(self) -> str:
        """The program of the latest call in LLVM's language; "" for another backend."""
        latest = self._latest()
        return "" if latest.backend == "cuda" else latest.text

    @property
    def cuda(self) -> str:
        """The program of the latest call in CUDA C, for numbers of 64 bits; "" for another backend."""
        latest = self._latest()
        return latest.text if latest.backend == "cuda" else ""

    def __repr__(self) -> str:
        """Show the function."""
        return f"<compiled {getattr(self, '__qualname__', None) or self._programs.function!r}>"

    def __copy__(self) -> Compiled:
        """Return the compiled function itself, as for a function; a deep copy has tapes and parameters of its own."""
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Travel as tapes, without the function and its machine code."""
        kept = {name: value for name, value in vars(self).items() if name != "value_and_grad"}
        return {**kept, "_entry": None, "_known": None}

    # --- how it is done ---

    def _plain(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._batched:
            raise TypeError(
                "an argument of a function compiled with batched=True is, or holds, a Value, expected arrays of plain "
                "numbers, outside of any other traced function: differentiate with backward or value_and_grad, or use "
                "jit(grad(f), batched=True)"
            )
        return self._programs.function(*args, **kwargs)

    def _latest(self) -> Program | Paths:
        if self._programs.latest is None:
            raise RuntimeError("the function has not been traced yet: call it, or prepare(...), first")
        return self._programs.latest

    def _numbers(self, program: Program | Paths) -> list[float]:
        return [leaf._data for leaf in program.leaves]

    def _differentiated(
        self, p: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Program | Paths, float, Any]:
        """Return the program, and what it gives for numbers of the parameters, or for those that they have."""
        if self._batched and (parts := in_parts(args)) is not None:
            return mean_over(self._programs, parts, p, self._threads)
        program, *rest = self._prepared(args, kwargs, differentiate=True)
        if p is not None and p.shape != (len(program.used),):
            raise ValueError(
                f"p is an array of shape {p.shape}, expected one number for each of the {len(program.used)} parameters"
            )
        if not self._batched:
            numbers = self._numbers(program) if p is None else p.tolist()
            found = program.run()(rest[0] + numbers)
            return program, found[0], all_slopes(p, found[1:])
        n, arrays, uniform = rest
        if not n:
            raise ValueError("the batch is empty, expected at least one sample to take the mean loss of")
        numbers = self._numbers(program) if p is None else p
        if uniform:
            numbers = [*uniform, *numbers]
        _, means = program.run(self._threads)(n, arrays, numbers)
        return program, float(means[0]), all_slopes(p, means[1:])

    def _prepared(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], *, differentiate: bool, decide: bool = True
    ) -> Any:
        """Return the program for arguments, and what it is to run on; see `Programs`."""
        found = self._programs.take(args, kwargs, differentiate=differentiate, decide=decide)
        if self._known is not None and self._known != _known(found[0]):
            self._known = None
            vars(self).pop("value_and_grad", None)  # an entry takes as many parameters as there were
        return found


def _unchanged(program: Program | Paths) -> Callable[[], bool] | None:
    """Return the quick question whether everything that a program's function reads is the same; None if nothing is."""
    return None if program.state is None else program.state.quick


def _known(program: Program | Paths) -> tuple[Any, int]:
    """Return what an entry of a program depends on: a guard, and how many parameters there are."""
    return program.state and program.state.guard, len(program.leaves)
