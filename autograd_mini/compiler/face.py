"""The face of the compiler: `jit`, and what it takes."""

from __future__ import annotations

from autograd_mini.compiler.compiled import Compiled
from autograd_mini.compiler.program import BACKENDS
from autograd_mini.engine.arguments import check_function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, overload

    Axes = int | Sequence[int | None] | None


if TYPE_CHECKING:

    @overload
    def jit(
        f: Callable[..., Any],
        *,
        batched: bool = ...,
        in_axes: Axes = ...,
        static: int | Sequence[int] = ...,
        backend: str = ...,
        threads: int = ...,
    ) -> Compiled: ...
    @overload
    def jit(
        f: None = ...,
        *,
        batched: bool = ...,
        in_axes: Axes = ...,
        static: int | Sequence[int] = ...,
        backend: str = ...,
        threads: int = ...,
    ) -> Callable[[Callable[..., Any]], Compiled]: ...


def jit(
    f: Callable[..., Any] | None = None,
    *,
    batched: bool = False,
    in_axes: Axes = 0,
    static: int | Sequence[int] = (),
    backend: str = "auto",
    threads: int = 1,
) -> Compiled | Callable[[Callable[..., Any]], Compiled]:
    """Compile a function of numbers, as it is written: it is run once on symbols, and what it computed is compiled.

        >>> from autograd_mini import Parameter, tanh
        >>> w = Parameter(0.5)
        >>> fast = jit(lambda x, y: (tanh(w * x) - y) ** 2, backend="python")
        >>> fast(0.0, 3.0)
        9.0
        >>> fast.backward(0.0, 3.0), w.grad
        (9.0, 0.0)
        >>> fast(1.0, 3.0)
        6.44084...
        >>> print(fast.source)
        def program(x0, x1, x2):
            v1 = x2 * x0
            v2 = tanh(v1)
            v3 = v2 - x1
            v4 = v3 * v3
            return v4,

    Values that f closes over are read afresh at every call. Arguments and results are numbers, arrays, and lists,
    tuples and dicts of them; for each layout of the arguments f is traced once. What else f does or looks up, such as
    printing, drawing random numbers or asking which layers a model has, it does then, and not at later calls.

    In a batch sums are rounded once where eager code rounds twice (x * w + b in one step, where the processor can), and
    functions such as exp are those of the vector library, right to 4 units of the last place.

    Args:
        f: a function of numbers in which no branch depends on a number: see `where`, `maximum`, `clip`. Without it
            this is a decorator, `@jit(batched=True)`.
        batched: whether every argument is an array with one sample for each entry of its leading axis.
        in_axes: of a batch, the axis of the samples, or one for each argument; None for an argument that is the same
            for every sample.
        static: the position, or positions, of arguments that are no numbers to compute with, such as sizes: f is
            traced for each of their values.
        backend: "python", "numpy", "llvm" or, for programs that take LLVM too long, "vm", an interpreter that needs no
            time to compile; "auto" takes one of the last two where llvmlite is installed, and `stats` says why.
        threads: how many threads share a batch. Sums depend on it in their rounding.

    Returns:
        the compiled function. It also has `backward`, `value_and_grad`, `prepare`, `parameters`, `source`, `stats`
        and `llvm`.

    Raises:
        TypeError: if f cannot be called.
        ValueError: if there is no such backend, or threads is below 1.
        TracingError: when called, if f asks a traced Value for its number; the message says where, and what to write.

    """
    if f is not None:
        check_function("f", f)
    if backend not in BACKENDS:
        raise ValueError(f"backend is one of {', '.join(BACKENDS)}; got {backend!r}")
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ValueError(f"threads is a whole number from 1 on; got {threads!r}")
    fixed = tuple(static) if isinstance(static, (list, tuple)) else (static,)
    if any(isinstance(at, bool) or not isinstance(at, int) or at < 0 for at in fixed):
        raise ValueError(f"static is the position of an argument, counted from 0, or several; got {static!r}")

    def compiled(f: Callable[..., Any]) -> Compiled:
        return Compiled(f, batched=batched, in_axes=in_axes, static=fixed, backend=backend, threads=threads)

    return compiled if f is None else compiled(f)
