"""Kernels on a GPU beside their peers: loss and gradient of a network, float64, the data on the GPU, all in one run.

    python tests/bench/gpu.py [--sizes 10000 1000000 100000000] [--float32]

The network is that of `compiler.py`: 2 inputs, two layers of 16 and one output, with hinge loss. Peers that are not
installed, or that run out of memory, are left out: CuPy by hand, JAX, PyTorch, and PyTorch compiled. A call ends with
the loss on the processor, so that the GPU is waited for. The part of the GPU's peak is the operations of the program,
an addition and a product apart, beside what a kernel of nothing but multiply-adds reaches here.
"""

from __future__ import annotations

from functools import partial

from command import check, parser

if __name__ == "__main__":
    check(__doc__, "numpy", "cupy")

import compiler
import numpy as np
from processor import described

import autograd_mini as ag

PEAK = """
extern "C" __global__ void peak({number} *out)
{{
    {number} a[8];
    for (int k = 0; k < 8; ++k) {{
        a[k] = threadIdx.x + k;
    }}
    for (int i = 0; i < 4096; ++i) {{
#pragma unroll
        for (int k = 0; k < 8; ++k) {{
            a[k] = a[k] * ({number})0.999 + ({number})0.001;
        }}
    }}
    out[blockIdx.x * blockDim.x + threadIdx.x] = a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7];
}}
"""
"""A kernel of 8 chains of 4,096 multiply-adds a thread."""


def peak(cupy, kind):
    """Return the operations per second that the GPU reaches with multiply-adds alone."""
    code = PEAK.format(number="double" if kind is np.float64 else "float")
    kernel = cupy.RawKernel(code, "peak")
    out = cupy.empty(256 * 8192, dtype=kind)

    def call():
        kernel((8192,), (256,), (out,))
        cupy.cuda.runtime.deviceSynchronize()

    return out.size * 8 * 4096 * 2 / compiler.raced({"peak": call})["peak"]


def by_cupy(cupy, p, X, y):
    """Return loss and gradient by hand, as arrays of the whole batch."""
    (w1, b1), (w2, b2), (w3, b3) = compiler.matrices(p, compiler.SMALL)
    h1 = cupy.maximum(X @ w1.T + b1, 0.0)
    h2 = cupy.maximum(h1 @ w2.T + b2, 0.0)
    margin = 1.0 - y * (h2 @ w3[0] + b3[0])
    on = margin > 0.0
    e = cupy.where(on, -y, 0.0).astype(X.dtype)
    d2 = cupy.outer(e, w3[0]) * (h2 > 0.0)
    d1 = (d2 @ w2) * (h1 > 0.0)
    parts = ((d1.T @ X, d1.sum(0)), (d2.T @ h1, d2.sum(0)), ((e @ h2)[None], e.sum(keepdims=True)))
    slopes = cupy.concatenate([cupy.concatenate([g, b[:, None]], axis=1).ravel() for g, b in parts])
    return float(cupy.where(on, margin, 0.0).mean()), slopes / len(X)


def torch_peers():
    """Return PyTorch's functions of loss and gradient, by name, and what makes its arrays."""
    import torch

    if not torch.cuda.is_available():
        raise ImportError("PyTorch finds no GPU")

    def forward(p, X, y):
        *hidden, (w, b) = compiler.matrices(p, compiler.SMALL)
        for weights, bias in hidden:
            X = torch.relu(X @ weights.T + bias)
        return torch.relu(1.0 - y * (X @ w[0] + b[0])).mean()

    def both(loss, p, X, y):
        p = p.detach().requires_grad_()
        value = loss(p, X, y)
        value.backward()
        return value.item(), p.grad

    made = partial(torch.as_tensor, device="cuda")
    return {"PyTorch": partial(both, forward), "PyTorch compiled": partial(both, torch.compile(forward))}, made


def peers(cupy):
    """Return functions of loss and gradient, by name, each with what makes its arrays of NumPy's."""
    found = {"CuPy by hand": (partial(by_cupy, cupy), cupy.asarray)}
    try:
        both, made = compiler.by_jax(compiler.SMALL)

        def waited(p, X, y):
            value, slopes = both(p, X, y)
            return float(value), slopes

        found["JAX"] = waited, made
    except ImportError as error:
        print(f"left out: JAX ({error})")
    try:
        functions, made = torch_peers()
        found |= {name: (function, made) for name, function in functions.items()}
    except ImportError as error:
        print(f"left out: PyTorch ({error})")
    return found


def main():
    """Print the table."""
    command = parser(__doc__, "numpy", "cupy")
    command.add_argument("--sizes", type=int, nargs="+", default=[10_000, 1_000_000, 100_000_000])
    command.add_argument("--float32", action="store_true", help="numbers of 32 bits in place of 64")
    options = command.parse_args()
    import cupy

    kind = np.float32 if options.float32 else np.float64
    try:
        name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise SystemExit(f"no GPU to measure: {error}") from None
    highest = peak(cupy, kind)
    print(f"{name}; {described()}; CuPy {cupy.__version__}; {kind.__name__}; peak {highest / 1e12:.2f} Tflop/s")
    layers = compiler.network(compiler.SMALL)
    fast = ag.jit(lambda x, y: compiler.hinge(layers, x, y), batched=True)
    others = peers(cupy)
    print(
        f"{'samples':>10}  {'here':>9} {'of peak':>8}  " + "  ".join(f"{name:>17}" for name in others) + "  (ns, ratio)"
    )
    for n in options.sizes:
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(n, 2)).astype(kind), np.sign(rng.normal(size=n)).astype(kind)
        here = cupy.asarray(X), cupy.asarray(y)
        fast.prepare(*here)
        p = np.array([parameter.data for parameter in fast.parameters])
        expected = fast.value_and_grad(p, *here)
        taken = compiler.raced({"here": lambda p=p, here=here: fast.value_and_grad(p, *here)})["here"]
        flops = fast.stats["operations"]["prune"] * n / taken
        cells = []
        for name, (both, made) in others.items():
            try:
                call = partial(both, *[made(array) for array in (p.astype(kind), X, y)])
                found, _ = call()
                if abs(found - expected[0]) > (1e-9 if kind is np.float64 else 1e-4):
                    print(f"  {name} differs by {abs(found - expected[0]):.1e}")
                seconds = compiler.raced({name: call})[name]
                cells.append(f"{seconds / n * 1e9:>9.3f} {seconds / taken:>6.2f}x")
            except (MemoryError, RuntimeError) as error:  # how each of them says that memory is full
                cells.append(type(error).__name__)
        print(f"{n:>10}  {taken / n * 1e9:>9.3f} {flops / highest:>8.0%}  " + "  ".join(f"{one:>17}" for one in cells))


if __name__ == "__main__":
    main()
