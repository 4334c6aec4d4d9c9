"""Training beside its peers: an epoch of 10,000 samples in batches of 100, MLP 2-16-16-1 with hinge loss, on one core.

    OMP_NUM_THREADS=1 python tests/bench/training.py

For each optimiser: what an epoch of `fit` takes, which share of it the compiled loss and gradient are, and how much
longer the same epoch takes eagerly, by hand in NumPy, and in PyTorch (where that is installed). Loss and gradient of
the loops by hand are those of `compiler.py`.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import time  # noqa: E402 - the variables above are read when NumPy is imported

from command import begin  # noqa: E402 - as above

if __name__ == "__main__":
    begin(__doc__, "numpy")

import numpy as np  # noqa: E402 - as above
from compiler import hinge_by_numpy  # noqa: E402 - as above
from figures import note  # noqa: E402 - as above
from processor import described  # noqa: E402 - as above

import autograd_mini as ag  # noqa: E402 - as above
from autograd_mini import MLP, fit  # noqa: E402 - as above

N, SIZE, RUNS = 10_000, 100, 5
OPTIMIZERS = {
    "sgd": {"optimizer": "sgd", "lr": 0.01},
    "momentum": {"optimizer": "sgd", "lr": 0.01, "momentum": 0.9},
    "adam": {"optimizer": "adam", "lr": 0.001},
}


def per_epoch(X, y, **arguments):
    """Return the seconds of an epoch of fit: what a run of six times the epochs takes longer, fastest of each."""
    epochs = arguments.pop("epochs")
    fastest = []
    for count in (epochs, 6 * epochs):
        times = []
        for _ in range(RUNS if epochs > 1 else 1):
            model = MLP(2, [16, 16, 1], seed=0)
            start = time.perf_counter()
            fit(model, X, y, loss="hinge", epochs=count, batch_size=SIZE, metrics={}, **arguments)
            times.append(time.perf_counter() - start)
        fastest.append(min(times))
    return (fastest[1] - fastest[0]) / (5 * epochs)


def kernel(X, y):
    """Return the seconds that loss and gradient of the batches of an epoch take by themselves."""
    model = MLP(2, [16, 16, 1], seed=0)
    fast = ag.jit(lambda x, t: ag.nn.hinge(model(x), t), batched=True)
    fast.prepare(X[:1], y[:1])
    p = np.array([leaf.data for leaf in fast.parameters])
    batches = [(X[at : at + SIZE], y[at : at + SIZE]) for at in range(0, N, SIZE)]
    fast.value_and_grad(p, *batches[0])
    best = float("inf")
    for _ in range(50):
        call = fast.value_and_grad
        start = time.perf_counter()
        for batch in batches:
            call(p, *batch)
        best = min(best, time.perf_counter() - start)
    return best


def numpy_epoch(X, y, optimizer, lr, momentum=0.0):
    """Return the seconds of an epoch written by hand in NumPy."""
    rng = np.random.default_rng(0)
    p = rng.uniform(-1, 1, 337)
    state = [np.zeros_like(p), np.zeros_like(p)]
    best, step = float("inf"), 0
    for _ in range(RUNS):
        start = time.perf_counter()
        order = rng.permutation(N)
        inputs, targets = X[order], y[order]
        for at in range(0, N, SIZE):
            _, g = hinge_by_numpy(p, inputs[at : at + SIZE], targets[at : at + SIZE])
            step += 1
            if optimizer == "adam":
                state[0] = 0.9 * state[0] + 0.1 * g
                state[1] = 0.999 * state[1] + 0.001 * g * g
                p = p - lr / (1 - 0.9**step) * state[0] / (np.sqrt(state[1]) / (1 - 0.999**step) ** 0.5 + 1e-8)
            else:
                state[0] = momentum * state[0] + g
                p = p - lr * state[0]
        best = min(best, time.perf_counter() - start)
    return best


def torch_epoch(X, y, optimizer, **settings):
    """Return the seconds of an epoch in PyTorch, None where it is not installed."""
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    model = torch.nn.Sequential(
        torch.nn.Linear(2, 16), torch.nn.ReLU(), torch.nn.Linear(16, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1)
    )
    moves = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[optimizer](model.parameters(), **settings)
    tensors = torch.from_numpy(X), torch.from_numpy(y)
    best = float("inf")
    for _ in range(RUNS):
        start = time.perf_counter()
        order = torch.randperm(N)
        inputs, targets = tensors[0][order], tensors[1][order]
        for at in range(0, N, SIZE):
            moves.zero_grad()
            torch.relu(1 - targets[at : at + SIZE] * model(inputs[at : at + SIZE])[:, 0]).mean().backward()
            moves.step()
        best = min(best, time.perf_counter() - start)
    return best


def main():
    print(described(compiled=True))
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 2))
    y = np.where(X[:, 0] * X[:, 1] > 0, 1.0, -1.0)
    alone = kernel(X, y)
    rows = [("optimiser", "ms an epoch", "loss and gradient", "eager", "NumPy", "PyTorch")]
    for name, chosen in OPTIMIZERS.items():
        here = per_epoch(X, y, epochs=100, **chosen)
        eager = per_epoch(X[:1000], y[:1000], epochs=1, compile=False, **chosen) * 10
        peers = [eager, numpy_epoch(X, y, **chosen), torch_epoch(X, y, **chosen)]
        found = dict(zip(("here", "eager", "NumPy by hand", "PyTorch"), [here, *peers], strict=True))
        note("fit, 10,000 samples", name, "ms an epoch", {k: None if v is None else v * 1e3 for k, v in found.items()})
        ratios = ["-" if peer is None else f"{peer / here:,.0f}x" for peer in peers]
        rows.append((name, f"{here * 1e3:.2f}", f"{alone / here:.0%}", *ratios))
    for row in rows:
        print("".join(cell.rjust(19) for cell in row))


if __name__ == "__main__":
    main()
