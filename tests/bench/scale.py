"""Rows beyond one processor and beyond memory: a local cluster of processes, and a file that is streamed.

    OMP_NUM_THREADS=1 python tests/bench/scale.py --rows 10000000
    python tests/bench/scale.py --stream 100000000

Without `--stream`: loss and gradient of a network 2-16-16-1 with hinge loss, on Dask arrays in 16 partitions, by one
and by two processes of one thread each: nanoseconds a row, and how many times faster two are; beside NumPy by hand on
the same partitions and, where PyTorch is installed, two of its processes that add up their gradients through gloo.
Then what a step of 16 partitions costs beyond its arithmetic, and whether all results have the same bits.

With `--stream`: an Arrow file of as many rows of 3 columns is written to a temporary folder (24 bytes a row), read by
itself, computed on in memory, and streamed through a compiled loss; rows a second, and the memory that it takes.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import subprocess  # noqa: E402 - the variables above are read when NumPy is imported
import sys  # noqa: E402 - as above
import time  # noqa: E402 - as above
import warnings  # noqa: E402 - as above
from importlib.util import find_spec  # noqa: E402 - as above
from pathlib import Path  # noqa: E402 - as above
from tempfile import TemporaryDirectory  # noqa: E402 - as above

from command import check, parser  # noqa: E402 - as above

if __name__ == "__main__":
    check(__doc__, "dask", "distributed", "numpy", "pyarrow")

import numpy as np  # noqa: E402 - as above
from compiler import hinge_by_numpy  # noqa: E402 - as above
from processor import described  # noqa: E402 - as above

import autograd_mini as ag  # noqa: E402 - as above
from autograd_mini import MLP  # noqa: E402 - as above

PARTITIONS, RUNS = 16, 5


def network():
    """Return the compiled loss of the network, and the numbers of its parameters."""
    model = MLP(2, [16, 16, 1], seed=0)
    fast = ag.jit(lambda x, t: ag.nn.hinge(model(x), t), batched=True)
    fast.prepare(np.zeros((1, 2)), np.ones(1))
    return fast, np.array([leaf.data for leaf in fast.parameters])


def rows_of(seed, count):
    """Return rows and targets."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(count, 2))
    return X, np.where(X[:, 0] * X[:, 1] > 0.0, 1.0, -1.0)


def fastest(call, runs=RUNS):
    """Return the seconds of the fastest of some calls, after one to warm up, and what it returned."""
    found, times = call(), []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times), found


def on_a_cluster(count):
    """Print what one and two workers take."""
    import dask.array as da
    from dask import delayed
    from distributed import Client, LocalCluster, wait

    fast, p = network()
    each = count // PARTITIONS
    parts = [rows_of(seed, each) for seed in range(PARTITIONS)]
    expected = fast.value_and_grad(p, iter(parts))
    alone, _ = fastest(lambda: [fast.value_and_grad(p, *part) for part in parts])
    line("this process alone, without Dask", alone, count)

    settings = {"threads_per_worker": 1, "processes": True, "dashboard_address": None, "silence_logs": 50}
    took, bits = {}, []
    for workers in (1, 2):
        with LocalCluster(n_workers=workers, **settings) as cluster, Client(cluster) as client:
            pieces = [delayed(rows_of, nout=2)(seed, each) for seed in range(PARTITIONS)]
            X = da.concatenate([da.from_delayed(piece[0], (each, 2), dtype=float) for piece in pieces]).persist()
            y = da.concatenate([da.from_delayed(piece[1], (each,), dtype=float) for piece in pieces]).persist()
            wait([X, y])
            took[workers], found = fastest(lambda X=X, y=y: fast.value_and_grad(p, X, y))
            bits.append(found[0] == expected[0] and np.array_equal(found[1], expected[1]))
            line(f"{workers} worker{'s' * (workers > 1)}", took[workers], count)
            if workers == 2:
                by_hand, _ = fastest(lambda X=X, y=y, client=client: numpy_on_dask(client, p, X, y), 2)
                line("NumPy by hand on Dask, 2 workers", by_hand, count)
                if find_spec("torch"):
                    line("PyTorch, 2 processes through gloo", gloo(count), count)
                overhead(fast, p, da)
    print(f"two workers are {took[1] / took[2]:.2f} times as fast as one")
    print(f"the bits of one process on the same partitions: {'yes' if all(bits) else 'NO'}")


def line(name, seconds, rows):
    """Print a figure."""
    print(f"{name:36} {seconds / rows * 1e9:8.1f} ns a row {seconds * 1e3:10.1f} ms")


def overhead(fast, p, da):
    """Print what a step costs where there is nothing to compute."""
    X, y = rows_of(0, PARTITIONS)
    small = da.from_array(X, chunks=(1, 2)).persist(), da.from_array(y, chunks=1).persist()
    for _ in range(5):
        fast.value_and_grad(p, *small)
    times, processor = [], time.process_time()
    for _ in range(50):
        start = time.perf_counter()
        fast.value_and_grad(p, *small)
        times.append(time.perf_counter() - start)
    processor = (time.process_time() - processor) / len(times)
    times.sort()
    print(
        f"a step of {PARTITIONS} partitions of one row: {times[0] * 1e3:.1f} ms at best, {times[25] * 1e3:.1f} ms in "
        f"the middle; processor time of client and scheduler {processor * 1e3:.1f} ms"
    )


def numpy_on_dask(client, p, X, y):
    """Return the loss and the gradient as somebody would write them: NumPy in a task a partition, then the mean."""
    from dask import delayed

    found = [
        delayed(hinge_by_numpy)(p, *pair) for pair in zip(X.to_delayed().ravel(), y.to_delayed().ravel(), strict=True)
    ]
    results = client.gather(client.compute(found))
    return np.mean([loss for loss, _ in results]), np.mean([slopes for _, slopes in results], axis=0)


GLOO = """
import sys, time, torch, torch.distributed as dist
rank, count, store = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
model = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.ReLU(), torch.nn.Linear(16, 16), torch.nn.ReLU(),
                            torch.nn.Linear(16, 1)).double()
X = torch.randn(count // 2, 2, dtype=torch.float64)
y = torch.sign(X[:, 0] * X[:, 1])
times = []
for _ in range(4):
    dist.barrier()
    start = time.perf_counter()
    model.zero_grad()
    for x, t in zip(X.split(10_000), y.split(10_000)):
        (torch.relu(1 - t * model(x)[:, 0]).sum() / len(X)).backward()
    for parameter in model.parameters():
        dist.all_reduce(parameter.grad)
    times.append(time.perf_counter() - start)
print(min(times))
"""


def gloo(count):
    """Return the seconds that two processes of PyTorch take."""
    with TemporaryDirectory() as folder:
        words = [[sys.executable, "-c", GLOO, str(rank), str(count), f"{folder}/store"] for rank in (0, 1)]
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in words]
        return max(float(process.communicate()[0]) for process in both)


# --- a stream ---

MEASURED = """
import resource, sys, time
import autograd_mini as ag, numpy as np, pyarrow, pyarrow.parquet
w, b = ag.Parameter(0.5), ag.Parameter(0.1)
fast = ag.jit(lambda row: (ag.tanh(w * row[0] + b) - row[1] * row[2]) ** 2, batched=True)
data = ag.scan(sys.argv[1])
rows, p = len(data), np.array([0.5, 0.1])
block = pyarrow.table({name: np.random.rand(2**17) for name in "abc"})
fast.prepare(block)

def took(call, clock=time.perf_counter):
    start = clock()
    call()
    return clock() - start

def read():
    with open(sys.argv[1], "rb", buffering=0) as file:
        buffer = bytearray(2**22)
        while file.readinto(buffer):
            pass

def alone(clock):
    return min(took(lambda: fast.value_and_grad(p, block), clock) for _ in range(100)) / len(block) * rows

kernel, busy = alone(time.perf_counter), alone(time.thread_time)
passes = []
for _ in range(5):
    disk, thread, processor = took(read), time.thread_time(), time.process_time()
    whole = took(lambda: fast.value_and_grad(p, data))
    passes.append((disk, whole, time.thread_time() - thread, time.process_time() - processor))
disk, whole, thread, processor = map(min, zip(*passes))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print("the least of 5 passes over the file, of 100 over a block of it:")
print(f"reading the file alone        {rows / disk / 1e6:8.1f} million rows a second ({disk:.2f} s)")
print(f"the kernel alone, in memory   {rows / kernel / 1e6:8.1f} million rows a second ({kernel:.2f} s)")
print(f"streamed                      {rows / whole / 1e6:8.1f} million rows a second ({whole:.2f} s; {processor:.2f} s"
      " of the processor)")
print(f"share of the slower of the two {max(disk, kernel) / whole:7.2f}; at most {peak:.0f} MB in memory, libraries "
      "included")
print(f"in processor time, which other programs change less: the thread that computes {thread:.2f} s, the one that "
      f"reads {processor - thread:.2f}; the kernel's share of the first {busy / thread:.2f}")
"""


def streamed(count):
    """Write a file, and print what a pass over it takes."""
    import pyarrow as pa

    schema = pa.schema([(name, pa.float64()) for name in "abc"])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.arrow"
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as file:
            for first in range(0, count, 2**17):
                rng = np.random.default_rng(first)
                columns = [rng.normal(size=min(2**17, count - first)) for _ in schema]
                file.write_batch(pa.record_batch(columns, schema=schema))
        print(f"{count} rows of 3 columns, {path.stat().st_size / 1e9:.2f} GB")
        subprocess.run([sys.executable, "-c", MEASURED, str(path)], check=True)


def main():
    """Measure what the command line asks for."""
    command = parser(__doc__, "dask", "distributed", "numpy", "pyarrow")
    command.add_argument("--rows", type=int, default=1_000_000, help="rows in the cluster (%(default)s)")
    command.add_argument("--stream", type=int, metavar="ROWS", help="rows of a file to stream instead")
    arguments = command.parse_args()
    print(described(compiled=True))
    warnings.simplefilter("ignore")
    if arguments.stream:
        streamed(arguments.stream)
    else:
        on_a_cluster(arguments.rows)


if __name__ == "__main__":
    main()
