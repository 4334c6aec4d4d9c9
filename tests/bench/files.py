"""What model files cost: `python tests/bench/files.py` refuses every bad file of the tests, and kills a hundred savers.

For each kind of file it prints the slowest refusal and the one that took most memory (as tracemalloc counts, in a run
of its own), then the time of saving and loading good ones, then what a hundred kills -9 have left behind.
"""

import random
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "files")]

from command import begin  # noqa: E402 - after the path to it

if __name__ == "__main__":
    begin(__doc__, "pytest", "hypothesis", "numpy", "safetensors")

import soak_tasks  # noqa: E402 - after the path to it
import test_files  # noqa: E402 - after the path to it
import test_files_tensors  # noqa: E402 - after the path to it
from processor import described  # noqa: E402 - after the path to it

from autograd_mini import MLP, ModelFormatError, load  # noqa: E402 - after the path to it


def refused(path):
    """Load a bad file."""
    try:
        load(path)
    except ModelFormatError:
        return
    raise AssertionError(path)


def cost(path):
    """Return milliseconds of processor time, the least of five, and megabytes of refusing a file."""
    times = []
    for _ in range(5):
        start = time.process_time()  # what others do on this machine does not count
        refused(path)
        times.append(time.process_time() - start)
    tracemalloc.start()
    refused(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return 1000 * min(times), peak / 1e6


def main():
    """Print the figures."""
    print(described())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, bad, ending in [
            ("JSON", test_files.BAD, "json"),
            ("safetensors", test_files_tensors.BAD, "safetensors"),
        ]:
            costs = {}
            path = folder / f"bad.{ending}"
            for case, (data, _) in bad.items():
                path.write_bytes(data if isinstance(data, bytes) else data.encode())
                costs[case] = cost(path)
            slowest = max(costs, key=lambda case: costs[case][0])
            largest = max(costs, key=lambda case: costs[case][1])
            print(f"{len(bad)} bad files of {title}: at most {costs[slowest][0]:.1f} ms ({slowest}), ", end="")
            print(f"{costs[largest][1]:.1f} MB ({largest})")
        for sizes in ((2, [16, 16, 1]), (100, [150, 3]), (700, [700])):
            model = MLP(*sizes, seed=0)
            for ending in ("json", "safetensors"):
                path = folder / f"good.{ending}"
                start = time.perf_counter()
                model.save(path)
                middle = time.perf_counter()
                load(path)
                end = time.perf_counter()
                print(
                    f"{len(model.parameters()):7} parameters, {ending:11}: {path.stat().st_size:9} bytes, "
                    f"saved in {1000 * (middle - start):6.1f} ms, loaded in {1000 * (end - middle):6.1f} ms"
                )
                path.unlink()
        unreadable, rng = 0, random.Random(0)
        for _ in range(100):
            try:
                soak_tasks.kill(rng, folder)
            except (AssertionError, ModelFormatError, OSError):
                unreadable += 1
        print(f"100 kills -9 while saving: {unreadable} unreadable files")


if __name__ == "__main__":
    main()
