"""The backend on NVIDIA's GPUs: CuPy compiles the kernels of a program, and starts them on arrays that lie there."""

from __future__ import annotations

from functools import cache
from threading import Lock

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

OLDEST = 50
"""Least compute capability of a GPU, times ten: NVRTC 12 compiles for none before it."""


def batch(tape: Tape, widths: Sequence[int], kept: int, threads: int = 1) -> Callable[..., tuple[list[Any], Any]]:
    """Return the program as a function of a whole batch; see `python.batch`.

    Columns are arrays where the batch lies, of the GPU or of NumPy.
    """
    del threads
    plan = planned(tape, sum(widths), kept)
    return _Run({size: Kernel(plan, [*widths], kept, size) for size in (8, 4)}, kept)


class _Run:
    """Kernels that run on the GPU, each compiled when a batch first comes.

    Args:
        kernels: those for numbers of 64 and of 32 bits, by their bytes.
        kept: how many results each sample has.

    Attributes:
        text: what is compiled for numbers of 64 bits.

    """

    def __init__(self, kernels: dict[int, Kernel], kept: int) -> None:
        self._kernels, self._kept = kernels, kept
        self.text = kernels[8].text
        self._same = scalar(kernels[8].plan.same)
        self._modules: dict[int, Any] = {}
        self._lock = Lock()  # constant memory is one call's
        self._stream: Any = None

    def __call__(self, n: int, arrays: Sequence[Any], uniform: Sequence[float]) -> tuple[list[Any], Any]:
        """Return the columns and the means of a batch."""
        import numpy as np

        cupy = arrays_on_gpu()
        there = any(map(on_gpu, arrays))
        size = 4 if there and all(array.dtype.itemsize == 4 for array in arrays) else 8
        kind = np.float64 if size == 8 else np.float32
        kernel = self._kernels[size]
        blocks, threads = max(1, min(BLOCKS, -(-n // kernel.threads))), (kernel.threads,)
        same = [float(number) for number in uniform]
        same += self._same([0.0] * sum(kernel.widths) + same)
        numbers = np.asarray(same, dtype=kind)
        try:
            given = [cupy.asarray(array, dtype=kind) for array in arrays]
            columns, totals = cupy.empty((self._kept, n), dtype=kind), cupy.empty(kernel.sums)
            partial = cupy.empty((kernel.sums, blocks))
        except cupy.cuda.memory.OutOfMemoryError as error:
            raise MemoryError(
                f"the batch has {n} samples, expected as many as a GPU's memory holds: {error}"
            ) from error
        with self._lock:
            module = self._module(cupy, size)
            if kernel.in_constant:
                self._after_others(cupy)
                cupy.ndarray(numbers.shape, kind, module.get_global("uniform")).set(numbers)
            else:
                given.append(cupy.asarray(numbers))
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

    def _module(self, cupy: Any, size: int) -> Any:
        """Return what CuPy compiles."""
        if size not in self._modules:
            self._modules[size] = cupy.RawModule(code=self._kernels[size].text, options=("--std=c++14",))
        return self._modules[size]

    def _after_others(self, cupy: Any) -> None:
        """Let what another stream computes with the constant memory end."""
        stream = cupy.cuda.get_current_stream()
        if self._stream is not None and self._stream != stream:
            self._stream.synchronize()
        self._stream = stream


def on_gpu(array: Any) -> bool:
    """Return whether an array lies on a GPU: CuPy's, Numba's and PyTorch's say so alike."""
    return hasattr(array, "__cuda_array_interface__")


@cache
def arrays_on_gpu() -> Any:
    """Return CuPy, the library of arrays on a GPU, if it can compute here.

    Raises:
        ImportError: if CuPy is not installed.
        RuntimeError: if there is no driver, no GPU, or none that runs these kernels.

    """
    cupy = extra("cupy", "a function compiled for a GPU", 'choose another backend than "cuda"')
    try:
        capability = cupy.cuda.Device().compute_capability
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise RuntimeError(
            f'backend is "cuda", expected another one where no NVIDIA GPU can be used: {error}'
        ) from error
    if int(capability) < OLDEST:
        raise RuntimeError(
            f'backend is "cuda", expected another one on a GPU of compute capability {int(capability) / 10}: '
            f"NVRTC needs {OLDEST / 10} or more"
        )
    return cupy
