"""The face of the compiler: `jit`, which returns a compiled function."""

from __future__ import annotations

from autograd_mini.compiler.backends import CHOICES, on_device
from autograd_mini.compiler.compiled_function import Compiled
from autograd_mini.compiler.specialization import Programs
from autograd_mini.engine.checks import check_function, whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike
    from typing import Any, overload

    from autograd_mini.engine.checks import Function

    Axes = int | Sequence[int | None] | None

if TYPE_CHECKING:

    @overload
    def jit(
        f: Function,
        *,
        batched: bool = ...,
        in_axes: Axes = ...,
        static: int | Sequence[int] = ...,
        backend: str = ...,
        device: str | None = ...,
        threads: int = ...,
        paths: int = ...,
        background: bool = ...,
        cache: str | PathLike[str] | bool | None = ...,
    ) -> Compiled: ...
    @overload
    def jit(
        f: None = ...,
        *,
        batched: bool = ...,
        in_axes: Axes = ...,
        static: int | Sequence[int] = ...,
        backend: str = ...,
        device: str | None = ...,
        threads: int = ...,
        paths: int = ...,
        background: bool = ...,
        cache: str | PathLike[str] | bool | None = ...,
    ) -> Callable[[Callable[..., Any]], Compiled]: ...


def jit(
    f: Function | None = None,
    *,
    batched: bool = False,
    in_axes: Axes = 0,
    static: int | Sequence[int] = (),
    backend: str = "auto",
    device: str | None = None,
    threads: int = 1,
    paths: int = 64,
    background: bool = True,
    cache: str | PathLike[str] | bool | None = None,
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
    tuples and dicts of them; for each layout of the arguments f is traced once.

    What else f reads is compared at every call, and f is traced anew when it has changed: globals, closures, defaults,
    attributes, entries of lists, dicts and arrays, and the code of functions, of f itself and of all that it calls
    except the standard library, installed packages and built-in functions. `stats` says what is "watched", how often f
    was traced ("traces"), and what is "unwatched": containers of more than 50,000 entries and arrays of more than
    131,072, whose entries are not compared, and whatever lies beyond the first 10,000 objects. Programs are kept for 8
    states of all this. What f changes or prints it does when it is traced, and not at later calls. A compiled function
    that was pickled or deep-copied keeps its programs as they are.

    Not noticed are changes in

    - random numbers, the time, files, and names looked up with `globals()` or in a module by a computed name;
    - the value of a ContextVar, and what a weak reference leads to;
    - an object whose `__dict__` as a whole was replaced, and an object of a library's class beyond its `__dict__`, such
      as a Fraction's slots or a generator's state;
    - anything but networks that another thread changes while f is being traced;
    - a `Neuron`, a `Layer` or a list that `MLP`, `Layer` and `Neuron` made, if they are written to behind their back:
      through `vars(neuron)`, `object.__setattr__(neuron, ...)` or `list.append(neuron.w, ...)`. They announce all other
      changes, so that a call compares no weights; lists of your own are compared at every call.

        >>> k = 3.0
        >>> def scaled(x):
        ...     return k * x
        >>> fast = jit(scaled, backend="python")
        >>> fast(2.0)
        6.0
        >>> k = 5.0
        >>> fast(2.0), fast.stats["traces"], fast.stats["watched"]
        (10.0, 2, {'scaled': 1, 'k': 1})

    A condition on numbers is decided as Python decides it, by the numbers of the call, or of each sample of a batch.
    For each path that calls take through the function a program is traced, compiled and kept; the samples of a batch
    are sorted by their paths, and the gradient is that of each sample's own path. `stats` lists the "paths" with their
    conditions and shares. What the function does besides computing happens once for each path, when it is traced.
    Conditions are judged as eager code rounds them, but for the vector library's functions, see below.

        >>> @jit(batched=True, backend="numpy")
        ... def root(a):
        ...     x = a
        ...     while abs(x * x - a) > 1e-12:
        ...         x = (x + a / x) / 2
        ...     return x
        >>> root([4.0, 9.0, 2.0, 4.1])
        array([2.        , 3.        , 1.41421356, 2.02484567])
        >>> [path["share"] for path in root.stats["paths"]]
        [0.75, 0.25]

    In a batch sums are rounded once where eager code rounds twice (x * w + b in one step, where the processor can), and
    functions such as exp are those of the vector library, right to 4 units of the last place.

    Args:
        f: a function of numbers. Without it this is a decorator, `@jit(batched=True)`.
        batched: whether every argument is an array with one sample for each entry of its leading axis.
        in_axes: of a batch, the axis of the samples, or one for each argument; None for an argument that is the same
            for every sample.
        static: the position, or positions, of arguments that are no numbers to compute with, such as sizes: f is
            traced for each of their values.
        backend: "auto", or a name of `compiler.BACKENDS`: "python", "numpy", "llvm" or, for programs that take LLVM
            too long, "vm", an interpreter that needs no time to compile. "auto" takes the first one in that table that
            fits, one of the last two where llvmlite is installed, and `stats` says why. "cuda" runs batches on an
            NVIDIA GPU, and is taken for arrays that lie there, such as CuPy's and PyTorch's: results stay there too,
            and arrays of 32 bits are computed with in 32 bits. All samples of such a batch take one path.
        device: "cuda" for `backend="cuda"`, as in PyTorch; "cpu" leaves the choice to `backend`.
        threads: how many threads share a batch. Sums depend on it in their rounding.
        paths: the maximum number of paths for one layout of the arguments; 0 to refuse conditions on numbers, for which
            `where`, `maximum` and `clip` choose without branching.
        background: whether an interpreter, or code for which LLVM does not try, runs at first where LLVM takes long,
            and a thread makes better code meanwhile. Results are the same, to the bit. `prepare` waits for the better.
        cache: a folder in which LLVM's machine code is kept for other processes, or True for the user's usual one.
            Nobody else may be able to write to it; what is damaged, or was made for another processor or by other
            versions, is ignored.

    Returns:
        the compiled function. It also has `backward`, `value_and_grad`, `prepare`, `parameters`, `source`, `stats`,
        `llvm` and `cuda`.

    Raises:
        TypeError: if f cannot be called, or threads, static or paths is no whole number.
        ValueError: if there is no such backend or device, threads is below 1, static or paths below 0, or the cache is
            no folder of the user's own.
        TracingError: when called, if f asks a traced Value for its number, or there are too many paths; the message
            says where, and what to write.

    """
    if f is not None:
        check_function("f", f)
    if backend not in CHOICES:
        raise ValueError(f"backend is {backend!r}, expected one of {', '.join(CHOICES)}")
    backend = on_device(backend, device)
    threads, paths = whole_number("threads", threads, least=1), whole_number("paths", paths, least=0)
    folder = ""
    if cache:
        from autograd_mini.compiler.llvm import cache as machine_code

        folder = machine_code.folder(cache)
    positions = static if isinstance(static, (list, tuple)) else (static,)
    fixed = [whole_number("a position in static", at, least=0) for at in positions]

    def compiled(f: Callable[..., Any]) -> Compiled:
        programs = Programs(
            f,
            batched=batched,
            in_axes=in_axes,
            static=fixed,
            backend=backend,
            paths=paths,
            background=background,
            folder=folder,
        )
        return Compiled(programs, threads)

    return compiled if f is None else compiled(f)
