"""A compiled function: traced at the first call for each layout of its arguments, and run by a backend from then on."""

from __future__ import annotations

from functools import partial

from autograd_mini import backward as engine
from autograd_mini.compiler import entries
from autograd_mini.compiler.arguments import columns, flat, nested, stacked
from autograd_mini.compiler.program import Program, traced
from autograd_mini.compiler.trace import is_tracing
from autograd_mini.errors import TracingError
from autograd_mini.forking import own_lock
from autograd_mini.transforms.structure import holds_values
from autograd_mini.value import traces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.value import Value

KEPT = 64
"""So many programs are kept for each function, the latest used."""


class Compiled:
    """What `jit` returns.

    Attributes:
        parameters: the Values that the function closes over, so far as it was traced: see `prepare`.

    """

    def __init__(
        self,
        f: Callable[..., Any] | None,
        *,
        batched: bool,
        in_axes: int | Sequence[int | None] | None,
        static: tuple[int, ...],
        backend: str,
        threads: int,
    ) -> None:
        self._f, self._batched, self._in_axes, self._static = f, batched, in_axes, static
        self._backend, self._threads = backend, threads
        self._parameters: list[Value] = []
        self._programs: dict[Any, Program] = {}
        self._last: Program | None = None
        self._entry: Callable[..., Any] | None = None  # machine code that is called directly
        self._lock = own_lock(self)
        for name in ("__name__", "__qualname__", "__doc__", "__module__"):
            if hasattr(f, name):
                setattr(self, name, getattr(f, name))

    # --- calling ---

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the function returns; of a batch, with the samples along the leading axis of every array.

        With Values among the arguments, and inside of another traced function, the function itself is called, so that
        transforms and compilation nest.
        """
        if self._entry is not None and not kwargs and not traces:
            return self._entry(*args)
        return self._called(*args, **kwargs)

    def _called(self, *args: Any, **kwargs: Any) -> Any:
        if is_tracing() or holds_values([args, kwargs]):
            return self._plain(args, kwargs)
        if self._batched:
            program, n, arrays, uniform = self._batch(args, kwargs, differentiate=False)
            found, _ = program.run(self._threads)(n, arrays, uniform + self._numbers(program))
            return stacked(program.layout, iter(found))
        program, inputs = self._single(args, kwargs, differentiate=False)
        if self._entry is None:
            self._entry = entries.of_gradient(program, args, self._called)
        return nested(program.layout, iter(program.run()(inputs + self._numbers(program))))

    def backward(self, *args: Any, **kwargs: Any) -> float:
        """Compute the loss and add its gradient to the `grad` of every Value that the function closes over.

        Returns:
            the loss; of a batch the mean loss, and the gradient is that of the mean.

        Raises:
            TypeError: if the function does not return one number.
            ValueError: if the batch has no samples.

        """
        loss, slopes = self._differentiated(None, args, kwargs)
        slopes = [float(slope) for slope in slopes]
        with engine._lock:
            leaves = self._parameters[: len(slopes)]
            engine._assign(leaves, [(leaf._grad or 0.0) + slope for leaf, slope in zip(leaves, slopes, strict=True)])
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
        import numpy as np

        loss, slopes = self._differentiated(np.asarray(p, dtype=np.float64), args, kwargs)
        if self._batched and self._threads == 1 and self._last is not None:
            entry = entries.of_mean(self._last, args, self._in_axes, partial(Compiled.value_and_grad, self))
            if entry is not None:
                vars(self)["value_and_grad"] = entry  # hides this method, and calls it for other arguments
        return loss, np.asarray(slopes)

    def prepare(self, *args: Any, **kwargs: Any) -> None:
        """Trace and compile the loss and its gradient for arguments like these, so that `parameters` is known."""
        self._prepared(args, kwargs, differentiate=True)[0].run(self._threads if self._batched else 1)

    # --- what it is ---

    @property
    def parameters(self) -> list[Value]:
        """The Values that the function closes over, in the order of their creation, so far as it was traced."""
        return list(self._parameters)

    @property
    def source(self) -> str:
        """The program of the latest call as readable Python, one line an operation."""
        return str(self._latest().tape)

    @property
    def stats(self) -> dict[str, Any]:
        """The operations after each pass, the seconds that each stage took, and the backend, of the latest call."""
        program = self._latest()
        return {**program.stats, "backend": program.backend, "why": program.why}

    @property
    def llvm(self) -> str:
        """The program of the latest call in LLVM's language; "" for another backend."""
        return self._latest().text

    def __repr__(self) -> str:
        """Show the function."""
        return f"<compiled {getattr(self, '__qualname__', self._f)}>"

    def __getstate__(self) -> dict[str, Any]:
        """Travel as tapes, without the function itself."""
        return {**vars(self), "_f": None, "_lock": None, "_last": None, "_entry": None, "value_and_grad": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Run the tapes that came along."""
        vars(self).update(state, _lock=own_lock(self))
        del self.value_and_grad  # the method shows again

    # --- how it is done ---

    def _plain(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._batched:
            raise TypeError(
                "a function compiled with batched=True takes arrays of plain numbers, and cannot be called inside of "
                "another traced function: differentiate with backward or value_and_grad, or use "
                "jit(grad(f), batched=True)"
            )
        return self._function()(*args, **kwargs)

    def _function(self) -> Callable[..., Any]:
        if self._f is None:
            raise TracingError(
                "this compiled function came out of a pickle with the tapes it had: it has none for such arguments; "
                "call it with them before it is pickled"
            )
        return self._f

    def _latest(self) -> Program:
        if self._last is None:
            raise RuntimeError("the function has not been traced yet: call it, or prepare(...), first")
        return self._last

    def _numbers(self, program: Program) -> list[float]:
        parameters = self._parameters
        return [parameters[at]._data for at in program.used]

    def _differentiated(self, p: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[float, Any]:
        program, *rest = self._prepared(args, kwargs, differentiate=True)
        if p is not None and p.shape != (len(program.used),):
            raise ValueError(
                f"p has one number for each of the {len(program.used)} parameters, in their order; got an array of "
                f"shape {p.shape}"
            )
        if not self._batched:
            numbers = self._numbers(program) if p is None else p.tolist()
            found = program.run()(rest[0] + numbers)
            return found[0], found[1:]
        n, arrays, uniform = rest
        if not n:
            raise ValueError("the mean loss of a batch needs at least one sample; got none")
        numbers = self._numbers(program) if p is None else p
        if uniform:
            numbers = [*uniform, *numbers]
        _, means = program.run(self._threads)(n, arrays, numbers)
        return float(means[0]), means[1:]

    def _prepared(self, args: tuple[Any, ...], kwargs: dict[str, Any], *, differentiate: bool) -> Any:
        take = self._batch if self._batched else self._single
        return take(args, kwargs, differentiate=differentiate)

    def _single(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], *, differentiate: bool
    ) -> tuple[Program, list[float]]:
        """Return the program for arguments, and its inputs."""
        inputs: list[float] = []
        taken = [
            (True, given) if at in self._static else (False, flat(given, f"argument {at}", inputs))
            for at, given in enumerate(args)
        ]
        named = {name: flat(given, f"argument {name!r}", inputs) for name, given in kwargs.items()}
        return self._program(taken, named, None, differentiate=differentiate), inputs

    def _batch(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], *, differentiate: bool
    ) -> tuple[Program, int, list[Any], list[float]]:
        """Return the program for a batch, how many samples there are, their arrays, and the inputs alike for all."""
        if kwargs:
            raise TypeError(f"a function of a batch takes its arguments by position; got {', '.join(kwargs)} by name")
        axes = self._in_axes if isinstance(self._in_axes, (list, tuple)) else [self._in_axes] * len(args)
        if len(axes) != len(args):
            raise ValueError(f"in_axes has one entry for each of the {len(args)} arguments; got {self._in_axes!r}")
        arrays: list[Any] = []
        uniform: list[float] = []
        taken: list[tuple[bool, Any]] = []
        first: list[int] = []
        for at, (given, axis) in enumerate(zip(args, axes, strict=True)):
            if at in self._static:
                taken.append((True, given))
            elif axis is None:
                taken.append((False, flat(given, f"argument {at}", uniform)))
            else:
                taken.append((False, columns(given, axis, f"argument {at}", arrays)))
                first.append(at)
        lengths = {len(array) for array in arrays}
        if len(lengths) != 1:
            what = f"they have {sorted(lengths)}" if lengths else "there is none"
            raise ValueError(f"the batched arguments have one row a sample, equally many; {what}")
        widths = [array.shape[1] for array in arrays]
        program = self._program(taken, {}, widths, differentiate=differentiate, first=first)
        return program, lengths.pop(), arrays, uniform

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
        known = len(self._parameters) if differentiate else None
        try:
            key = (tuple(taken), tuple(named.items()), known, tuple(type(given) for static, given in taken if static))
            program = self._programs.get(key)
        except TypeError as error:
            raise TypeError(f"static arguments are hashable, so that programs can be kept by them: {error}") from None
        if program is None:
            with self._lock:
                program = traced(
                    self._function(),
                    taken,
                    named,
                    self._parameters,
                    differentiate=differentiate,
                    backend=self._backend,
                    widths=widths,
                    first=first,
                )
                if differentiate:
                    key = (*key[:2], len(self._parameters), key[3])
                self._programs[key] = program
                while len(self._programs) > KEPT:
                    del self._programs[next(iter(self._programs))]
        self._last = program
        return program
