"""The backends: what can run a tape, by name, and which one is taken where none is asked for.

A backend is a module with two functions. `scalar(tape)` returns the program as a function of the list of its inputs,
and `batch(tape, widths, kept, threads)` as a function of a whole batch, see `python.batch`. To add one, write the
module and put its row into `BACKENDS`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from autograd_mini.engine.forking import in_child
from autograd_mini.extras import extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor
    from types import ModuleType
    from typing import Any, Literal

    from autograd_mini.compiler.tape import Tape

    Choice = Literal["auto", "llvm", "vm", "numpy", "python", "cuda"]
    """The names that users can give, for type checkers, which find a row of `BACKENDS` that is missing here."""

LONGEST = 20_000
"""Maximum operations of a program that LLVM compiles by itself; it would take long for more."""


class Backend(NamedTuple):
    """A row of the registry.

    Attributes:
        name: what users call it.
        module: the module, by its dotted name inside of this folder.
        package: the optional package that it needs; "" for none.
        for_batches: whether it is picked for batches alone.
        longest: the most operations of a program that it is picked for; None for any number.
        on_gpu: whether it is picked for arrays on a GPU, and for them alone.

    """

    name: Choice
    module: str
    package: str = ""
    for_batches: bool = False
    longest: int | None = None
    on_gpu: bool = False

    def load(self) -> ModuleType:
        """Return the module."""
        return import_module(f"{__package__}.{self.module}")

    @property
    def available(self) -> bool:
        """Whether the package that it needs is installed, and a GPU there if it is for one."""
        return not self.package or (installed(self.package) and (not self.on_gpu or _has_gpu()))

    def unfit(self, tape: Tape, *, batched: bool) -> str:
        """Return why it is not picked for a program; "" if it is."""
        if self.on_gpu:
            return f"{self.name} is for arrays on a GPU"
        if not self.available:
            return f"{self.package} is not installed"
        if self.for_batches and not batched:
            return f"{self.name} is slow for a single set of numbers"
        if self.longest is not None and len(tape) > self.longest:
            return f"{self.name} takes long for more than {self.longest} operations; there are {len(tape)}"
        return ""


BACKENDS: dict[str, Backend] = {
    row.name: row
    for row in (
        Backend("llvm", "llvm.backend", package="llvmlite", longest=LONGEST),
        Backend("vm", "llvm.vm", package="llvmlite"),
        Backend("numpy", "numpy", package="numpy", for_batches=True),
        Backend("python", "python"),
        Backend("cuda", "cuda.launch", package="cupy", on_gpu=True),
    )
}
"""The backends by name; "auto" picks the first one that fits."""

CHOICES = ("auto", *BACKENDS)
"""The names that users can give."""


def on_device(backend: str, device: str | None) -> str:
    """Return the backend for a device by the name that PyTorch and JAX give it.

    >>> on_device("auto", "cuda"), on_device("numpy", "cpu"), on_device("vm", None)
    ('cuda', 'numpy', 'vm')

    """
    if device not in {None, "cpu", "cuda"}:
        raise ValueError(
            f"device is {device!r}, expected 'cpu' or 'cuda', the GPU that CuPy computes on: choose another one by "
            "cupy.cuda.Device(1).use()"
        )
    if device is not None and backend != "auto" and (backend == "cuda") != (device == "cuda"):
        raise ValueError(f"device is {device!r} and backend {backend!r}, expected one of the two")
    return "cuda" if device == "cuda" else backend


def installed(package: str) -> bool:
    """Return whether an optional package is there."""
    return find_spec(package) is not None


def on_gpu(array: Any) -> bool:
    """Return whether an array lies on a GPU: CuPy's, Numba's and PyTorch's say so alike."""
    return hasattr(array, "__cuda_array_interface__")


def library_of(array: Any) -> Any:
    """Return the library for an array: CuPy for one on a GPU, else NumPy."""
    purpose = "a function compiled for whole batches"
    return BACKENDS["cuda"].load().cupy(purpose) if on_gpu(array) else extra("numpy", purpose)


def _has_gpu() -> bool:
    try:
        BACKENDS["cuda"].load().cupy("a GPU")
    except RuntimeError:
        return False
    return True


def picked(wanted: str, tape: Tape, *, batched: bool) -> tuple[str, str]:
    """Return the name of the backend for a tape, and why that one; `wanted` is a name of `CHOICES`."""
    if wanted != "auto":
        return wanted, "asked for, or the batch lies on a GPU" if BACKENDS[wanted].on_gpu else "asked for"
    unfit = {name: row.unfit(tape, batched=batched) for name, row in BACKENDS.items()}
    name = next(name for name, reason in unfit.items() if not reason)  # plain Python fits every program
    return name, next(iter(filter(None, unfit.values())), f"{BACKENDS[name].package} is installed")


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Return the threads that share batches; starting them takes longer than a small batch."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(threads, thread_name_prefix="autograd_mini")


in_child(_pool.cache_clear)


def shared(run: Callable[[int, int], Any], blocks: int, threads: int, fewest: int) -> list[Any]:
    """Return what a function (first block, block after the last) returns, for each part of the blocks of a batch.

    There are as many parts as threads, unless that leaves fewer than `fewest` blocks to each.
    """
    if threads == 1 or blocks < fewest * threads:
        return [run(0, blocks)]
    edges = [blocks * part // threads for part in range(threads + 1)]
    return list(_pool(threads).map(run, edges, edges[1:]))
