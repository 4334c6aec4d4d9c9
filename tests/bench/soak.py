"""A soak is hours of use in minutes: random tasks in a row, each checked, in one process that must not grow.

    python tests/bench/soak.py --minutes 15               # another run every time
    python tests/bench/soak.py --again resume:4711        # one task again, as it was

Each task has a seed of its own, and everything random in it comes from there, so that a failure can be run again. At
the end stand how often each task ran, what failed, and how memory, open files and threads have changed since the first
fifth of the time, in which modules are imported and caches filled. Memory rises by a step when LLVM compiles a program
larger than any before it; the same tasks again do not raise it.
"""

import gc
import os
import random
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from command import check, parser  # noqa: E402 - after the path to it

PACKAGES = ("numpy", "hypothesis")
if __name__ == "__main__":
    check(__doc__, *PACKAGES)

from soak_tasks import TASKS  # noqa: E402 - after the path to it

MEGABYTE = 2**20


def resident():
    """Return the bytes of memory that the process has."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def footprint():
    """Return what must not grow: bytes of memory, open files, threads, objects that the collector tracks."""
    gc.collect()
    return resident(), len(os.listdir("/proc/self/fd")), threading.active_count(), len(gc.get_objects())  # noqa: PTH208


def perform(name, seed, folder):
    """Run a task and return None, or the traceback of what went wrong."""
    try:
        TASKS[name](random.Random(f"{name}:{seed}"), folder)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - whatever it is, it is a finding
        return traceback.format_exc()
    left = [*folder.iterdir()]
    for file in left:
        file.unlink()
    parts = [file.name for file in left if file.name.endswith(".part")]
    return f"temporary files are left: {parts}" if parts else None


def soak(minutes, names, seed, folder):
    """Run tasks until the time is over, and return the exit status."""
    start = time.monotonic()
    end, warm, report = start + 60 * minutes, start + 12 * minutes, start + 60
    runs, failed, seconds = Counter(), Counter(), Counter()
    before, first = None, {}
    rng = random.Random(seed)
    print(f"seed {seed}, {minutes:g} minutes, tasks: {', '.join(names)}", flush=True)
    while (now := time.monotonic()) < end:
        if before is None and now >= warm:
            before = footprint()
        if now >= report:
            report += 60
            print(
                f"{(now - start) / 60:5.1f} min  {sum(runs.values())} tasks, {sum(failed.values())} failed, "
                f"{resident() / MEGABYTE:.0f} MB",
                flush=True,
            )
        name, number = rng.choice(names), rng.randrange(10**9)
        began = time.perf_counter()
        trouble = perform(name, number, folder)
        seconds[name] += time.perf_counter() - began
        runs[name] += 1
        if trouble:
            failed[name] += 1
            first.setdefault(name, number)
            if failed[name] <= 3:
                print(f"FAILED, again with: python tests/bench/soak.py --again {name}:{number}\n{trouble}", flush=True)
    after = footprint()
    print(f"\n{'task':12}{'runs':>8}{'failed':>8}{'ms each':>9}")
    for name in names:
        each = 1000 * seconds[name] / max(1, runs[name])
        again = f"   {name}:{first[name]}" if name in first else ""
        print(f"{name:12}{runs[name]:8}{failed[name]:8}{each:9.1f}{again}")
    print(f"{'all':12}{sum(runs.values()):8}{sum(failed.values()):8}\n")
    for what, was, now, unit in zip(
        ("memory, MB", "open files", "threads", "objects"), before, after, (MEGABYTE, 1, 1, 1), strict=True
    ):
        print(f"{what:12}{was / unit:10.1f} after warming up{now / unit:10.1f} at the end{(now - was) / unit:+10.1f}")
    return 1 if failed else 0


def main():
    """Read the command line and soak."""
    command = parser(__doc__, *PACKAGES)
    command.add_argument("--minutes", type=float, default=15.0, help="how long to go on (%(default)s)")
    command.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of the tasks (another one every time)"
    )
    command.add_argument("--only", nargs="+", choices=TASKS, default=[*TASKS], help="tasks to choose from")
    command.add_argument("--again", metavar="TASK:SEED", help="run one task again")
    arguments = command.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if arguments.again:
            task, _, number = arguments.again.partition(":")
            trouble = perform(task, int(number), Path(name))
            print(trouble or "no failure")
            return 1 if trouble else 0
        return soak(arguments.minutes, arguments.only, arguments.seed, Path(name))


if __name__ == "__main__":
    sys.exit(main())
