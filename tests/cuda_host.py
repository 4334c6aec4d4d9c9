"""A stand-in for CuPy and its GPU: kernels are compiled for the processor, each thread of a block a thread of it."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

HOST = r"""
#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <thread>
#include <vector>
struct Index { int x; };
static thread_local Index threadIdx, blockIdx, gridDim;
static pthread_barrier_t barrier;
#define __global__
#define __device__
#define __constant__
#define __forceinline__ inline
#define __shared__ static
#define __syncthreads() pthread_barrier_wait(&barrier)
template <class Body> static void launched(int blocks, int threads, Body body)
{
    pthread_barrier_init(&barrier, nullptr, threads);
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t) {
        all.emplace_back([=] {
            threadIdx.x = t;
            gridDim.x = blocks;
            for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
                body();
                __syncthreads();
            }
        });
    }
    for (auto &one : all) {
        one.join();
    }
    pthread_barrier_destroy(&barrier);
}
"""
"""What CUDA C has and C++ has not; blocks are done one after the other."""

_KERNEL = re.compile(r'^extern "C" __global__ void (\w+)\(([^)]*)\)', re.MULTILINE)


class Array(np.ndarray):
    """An array that says that it lies on a GPU, and that NumPy must not read."""

    __cuda_array_interface__ = property(lambda self: self.__array_interface__)

    def __array_function__(self, function, types, args, kwargs):
        """Call CuPy's function of that name, which takes no array of NumPy."""
        if np.ndarray in types:
            raise TypeError(f"Unsupported type <class 'numpy.ndarray'>: {function.__name__}")
        found = super().__array_function__(function, types, args, kwargs)
        return found.view(Array) if isinstance(found, np.ndarray) else found

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **settings):
        """Compute with arrays that lie on the GPU too, or numbers."""
        given = [*inputs, *(out or ())]
        if any(isinstance(one, np.ndarray) and not isinstance(one, Array) for one in given):
            raise TypeError(f"Unsupported type <class 'numpy.ndarray'>: {ufunc.__name__}")
        if out is not None:
            settings["out"] = tuple([one.view(np.ndarray) for one in out])
        found = getattr(ufunc, method)(*[unwrapped(one) for one in inputs], **settings)
        return found.view(Array) if isinstance(found, np.ndarray) else found

    def __getitem__(self, places):
        """Return entries, by indices that lie on the GPU too."""
        assert type(places) is not np.ndarray
        return super().__getitem__(unwrapped(places))

    def __setitem__(self, places, numbers):
        """Write entries."""
        assert type(places) is not np.ndarray
        assert type(numbers) is not np.ndarray
        super().__setitem__(unwrapped(places), unwrapped(numbers))

    def get(self):
        """Return a copy on the processor."""
        return np.array(unwrapped(self))

    def set(self, numbers):
        """Copy numbers from the processor."""
        self.view(np.ndarray)[...] = numbers


def unwrapped(given):
    """Return an array as NumPy's."""
    return given.view(np.ndarray) if isinstance(given, Array) else given


class Module:
    """A text that was compiled."""

    def __init__(self, folder, code, options):
        assert options in {("--std=c++14",), ("--std=c++14", "--fmad=false")}
        self.path = folder / f"kernels{len([*folder.iterdir()])}.so"
        lines = [HOST, code]
        for name, given in _KERNEL.findall(code):
            kinds = [" ".join(one.split()).rpartition("*" if "*" in one else " ") for one in given.split(",")]
            kinds = [f"{kind}{star}".strip() for kind, star, _ in kinds]
            arguments = ", ".join(f"*({kind} *)given[{at}]" for at, kind in enumerate(kinds))
            head = f'extern "C" void call_{name}(int blocks, int threads, void **given)'
            lines.append(f"{head} {{ launched(blocks, threads, [=] {{ {name}({arguments}); }}); }}")
        source = self.path.with_suffix(".cpp")
        source.write_text("\n".join(lines), encoding="utf-8")
        words = ["g++", "-std=c++14", "-O0", "-w", "-shared", "-fPIC", "-pthread"]
        done = subprocess.run(
            [*words, str(source), "-o", str(self.path)], capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr[:3000]
        self.library = ctypes.CDLL(str(self.path))

    def get_function(self, name):
        """Return a function that starts a kernel."""

        def start(grid, block, given):
            assert all(isinstance(one, (Array, np.int64)) for one in given)
            held = [
                ctypes.c_longlong(int(one)) if isinstance(one, np.int64) else ctypes.c_void_p(one.ctypes.data)
                for one in given
            ]
            pointers = (ctypes.c_void_p * len(held))(*[ctypes.addressof(one) for one in held])
            getattr(self.library, f"call_{name}")(grid[0], block[0], pointers)

        return start

    def get_global(self, name):
        """Return where a variable lies."""
        return ctypes.addressof(ctypes.c_char.in_dll(self.library, name))


def cupy(folder, *, capability="90"):
    """Return the stand-in, which keeps what it compiles in a folder."""
    if not shutil.which("g++"):
        pytest.skip("there is no C++ compiler")

    def asarray(given, dtype=None):
        return np.asarray(unwrapped(given), dtype=dtype).view(Array)

    def ndarray(shape, dtype, address):
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        return np.frombuffer((ctypes.c_char * size).from_address(address), dtype).reshape(shape).view(Array)

    memory = SimpleNamespace(OutOfMemoryError=type("OutOfMemoryError", (MemoryError,), {}))
    runtime = SimpleNamespace(CUDARuntimeError=type("CUDARuntimeError", (RuntimeError,), {}), getDeviceCount=lambda: 1)
    return SimpleNamespace(
        __spec__=SimpleNamespace(),
        asarray=asarray,
        ndarray=ndarray,
        empty=lambda shape, dtype=np.float64: np.full(shape, np.nan, dtype).view(Array),
        moveaxis=lambda given, *axes: np.moveaxis(unwrapped(given), *axes).view(Array),
        ascontiguousarray=lambda given, dtype: np.ascontiguousarray(unwrapped(given), dtype).view(Array),
        stack=lambda parts, axis: np.stack([unwrapped(part) for part in parts], axis).view(Array),
        flatnonzero=lambda given: np.flatnonzero(unwrapped(given)).view(Array),
        bincount=lambda given, minlength: np.bincount(unwrapped(given), minlength=minlength).view(Array),
        int64=np.int64,
        RawModule=partial(Module, folder),
        cuda=SimpleNamespace(
            Device=lambda: SimpleNamespace(compute_capability=capability),
            get_current_stream=lambda: SimpleNamespace(synchronize=lambda: None),
            memory=memory,
            runtime=runtime,
        ),
    )
