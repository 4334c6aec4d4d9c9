"""The backend on NVIDIA's GPUs: CuPy compiles the kernels of a program, and starts them on arrays that lie there."""

from __future__ import annotations

from threading import Lock

from autograd_mini.compiler.backends import on_gpu
from autograd_mini.compiler.cuda.kernel import Kernel, planned
from autograd_mini.compiler.python import scalar
from autograd_mini.extras import extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.tape import Tape

__all__ = ["batch", "scalar"]

BLOCKS = 1024
"""Maximum blocks of a grid: some for each of the GPU's multiprocessors."""

_CHECKED: list[Any] = []
"""CuPy, once it is known to work."""

OPTIONS, EXACT = ("--std=c++14",), ("--fmad=false",)
"""What NVRTC is told, and what more for programs that are to round as eager code does."""

OLDEST = 50
"""Least compute capability of a GPU, times ten: NVRTC 12 compiles for none before it."""


def batch(
    tape: Tape, widths: Sequence[int], kept: int, threads: int = 1, *, exact: bool = False
) -> Callable[..., tuple[list[Any], Any]]:
    """Return the program as a function of a whole batch; see `python.batch`.

    Columns are arrays where the batch lies, of the GPU or of NumPy. If it is `exact`, numbers have 64 bits, and each
    product and sum is rounded by itself, as in eager code.
    """
    del threads
    plan = planned(tape, sum(widths), kept)
    return _Run({size: Kernel(plan, [*widths], kept, size) for size in ((8,) if exact else (8, 4))}, kept, exact=exact)


class _Run:
    """Kernels that run on the GPU, each compiled when a batch first comes.

    Args:
        kernels: those for numbers of 64 and of 32 bits, by their bytes.
        kept: how many results each sample has.
        exact: whether no product is joined with a sum.

    Attributes:
        text: what is compiled for numbers of 64 bits.

    """

    def __init__(self, kernels: dict[int, Kernel], kept: int, *, exact: bool) -> None:
        self._kernels, self._kept = kernels, kept
        self._options = OPTIONS + EXACT * exact
        self.text = kernels[8].text
        self._same = scalar(kernels[8].plan.same)
        self._modules: dict[int, Any] = {}
        self._lock = Lock()  # constant memory is one call's
        self._stream: Any = None

    def __call__(self, n: int, arrays: Sequence[Any], uniform: Sequence[float]) -> tuple[list[Any], Any]:
        """Return the columns and the means of a batch."""
        import numpy as np

        library = cupy("a function compiled for a GPU")
        there = any(map(on_gpu, arrays))
        size = 4 if there and 4 in self._kernels and all(array.dtype.itemsize == 4 for array in arrays) else 8
        kind = np.float64 if size == 8 else np.float32
        kernel = self._kernels[size]
        blocks, threads = max(1, min(BLOCKS, -(-n // kernel.threads))), (kernel.threads,)
        same = [float(number) for number in uniform]
        same += self._same([0.0] * sum(kernel.widths) + same)
        numbers = np.asarray(same, dtype=kind)
        try:
            given = [library.asarray(array, dtype=kind) for array in arrays]
            columns, totals = library.empty((self._kept, n), dtype=kind), library.empty(kernel.sums)
            partial = library.empty((kernel.sums, blocks))
        except library.cuda.memory.OutOfMemoryError as error:
            raise MemoryError(
                f"the batch has {n} samples, expected as many as a GPU's memory holds: {error}"
            ) from error
        with self._lock:
            module = self._module(library, size)
            if kernel.in_constant:
                self._after_others(library)
                library.ndarray(numbers.shape, kind, module.get_global("uniform")).set(numbers)
            else:
                given.append(library.asarray(numbers))
            module.get_function("program")((blocks,), threads, (np.int64(n), *given, columns, partial))
        if kernel.sums:
            module.get_function("total")((kernel.sums,), threads, (partial, np.int64(blocks), totals))
        means = totals.get() / max(n, 1)
        plan = kernel.plan
        if plan.rounds:
            means = np.bincount(plan.sums, means, plan.means)
            for at, place in plan.added:
                means[place] += same[at - sum(kernel.widths)]
        return [*(columns if there else columns.get())], means

    def _module(self, library: Any, size: int) -> Any:
        """Return what CuPy compiles."""
        if size not in self._modules:
            self._modules[size] = library.RawModule(code=self._kernels[size].text, options=self._options)
        return self._modules[size]

    def _after_others(self, library: Any) -> None:
        """Let what another stream computes with the constant memory end."""
        stream = library.cuda.get_current_stream()
        if self._stream is not None and self._stream != stream:
            self._stream.synchronize()
        self._stream = stream


def cupy(purpose: str) -> Any:
    """Return CuPy, if it can compute here.

    Args:
        purpose: what needs it, the beginning of the message.

    Raises:
        ImportError: if CuPy is not installed.
        RuntimeError: if there is no driver, no GPU, or none that runs these kernels.

    """
    found = extra("cupy", purpose, 'choose another backend than "cuda"')
    if found in _CHECKED:
        return found
    try:
        capability = found.cuda.Device().compute_capability
    except found.cuda.runtime.CUDARuntimeError as error:
        raise RuntimeError(
            f'backend is "cuda", expected another one where no NVIDIA GPU can be used: {error}'
        ) from error
    if int(capability) < OLDEST:
        raise RuntimeError(
            f'backend is "cuda", expected another one on a GPU of compute capability {int(capability) / 10}: '
            f"NVRTC needs {OLDEST / 10} or more"
        )
    _CHECKED.append(found)
    return found
