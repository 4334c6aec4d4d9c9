"""What a check costs: many inputs, Jacobians, calls of 0.2 s, and functions that take batches.

Run ``python tests/bench/checker_speed.py [--inputs N ...] [--outputs N ...]`` from the repository root. Times are of
the processor. A call of 0.2 s is one on the checker's clock: nothing sleeps.
"""

from __future__ import annotations

import math
import sys
import time
import warnings
from functools import wraps
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from command import check, parser  # noqa: E402 - after the path to it

if __name__ == "__main__":
    check(__doc__, "numpy")

import numpy as np  # noqa: E402 - after the check that it is here

from autograd_mini.testing import check_grad, gradcheck, problem  # noqa: E402 - after the path to it

SLOW = 0.2
"""Seconds of a slow call."""
MISTAKES = {
    "sign": (math.sin, lambda x: -math.cos(x), 1.0),
    "factor 1.00001": (math.tanh, lambda x: 1.00001 / math.cosh(x) ** 2, 0.5),
    "missing term": (lambda x: math.exp(x) + x * x, math.exp, 0.7),
    "power": (math.log, lambda x: 1 / x**2, 2.5),
    "swapped": (lambda x, y: math.sin(x) * y * y, lambda x, y: (2 * math.sin(x) * y, math.cos(x) * y * y), (0.7, 1.2)),
    "one of 8": (
        lambda v: sum(math.sin(x) for x in v),
        lambda v: [math.cos(x) * (1 + (i == 5)) for i, x in enumerate(v)],
        [0.3, 0.5, -1.2, 0.8, 2.2, 1.1, 0.4, -0.6],
    ),
}


def show(name, f, df, **options):
    """Print what a check takes and says."""
    start = time.process_time()
    report = check_grad(f, df, **options)
    took = time.process_time() - start
    said = " ".join(filter(None, (report.wrong, report.cause)))
    print(f"{name:36} {report.verdict:10} {took:7.2f} s {report.calls.f:5} f {report.calls.g:5} df  {said}", flush=True)
    return report


def inputs(size):
    """Check a sum of sines of many inputs, right and with one wrong component."""
    rng = np.random.default_rng(0)
    c, x = rng.normal(size=size), rng.normal(size=size)
    f, df, factors = (lambda x: float(np.sin(x) @ c)), (lambda x: np.cos(x) * c), np.ones(size)
    factors[size // 3] = 1.01
    show(f"{size} inputs", f, df, at=x)
    show(f"{size} inputs, one wrong", f, lambda x: factors * df(x), at=x)


def jacobian(size):
    """Check the square Jacobian of a layer, right and with one wrong entry."""
    rng = np.random.default_rng(1)
    a, x = rng.normal(size=(size, size)) / math.sqrt(size), rng.normal(size=size)
    f = lambda x: np.tanh(a @ x)  # noqa: E731
    df = lambda x: (1 - f(x) ** 2)[:, None] * a  # noqa: E731

    def wrong(x):
        rows = df(x)
        rows[size // 3, size // 2] *= 1.1
        return rows

    show(f"Jacobian of {size} x {size}", f, df, at=x)
    show(f"Jacobian of {size} x {size}, one wrong", f, wrong, at=x)


def slow():
    """Check derivatives of which f and df take 0.2 s a call."""
    now = 0.0

    def timed(function):
        @wraps(function)
        def later(*args):
            nonlocal now
            now += SLOW
            return function(*args)

        return later

    clocks = problem.perf_counter, gradcheck.perf_counter
    problem.perf_counter = gradcheck.perf_counter = lambda: now
    try:
        for name, (f, df, at) in MISTAKES.items():
            said = check_grad(timed(f), timed(df), at=at, explained=False).calls
            report = check_grad(timed(f), timed(df), at=at)
            more = f"{report.calls.f - said.f:3} f {report.calls.g - said.g:3} df"
            print(f"{SLOW} s a call, {name:17} verdict {said.f:3} f {said.g:3} df, explanation {more}: {report.cause}")
    finally:
        problem.perf_counter, gradcheck.perf_counter = clocks


def batches():
    """Check functions that take batches, one by one and together."""
    x = np.linspace(0.3, 1.2, 50)
    f, df = (lambda x: np.sin(x).sum(-1)), lambda x: np.cos(x) * (1 + (np.arange(50) == 17))
    pair = (lambda x, y: np.sin(x) * y), (lambda x, y: (np.cos(x) * y, np.sin(x)))
    for batched in (False, True):
        words = "in batches" if batched else "one by one"
        show(f"50 inputs, {words}", f, np.cos, at=x, batched=batched)
        show(f"50 inputs, one wrong, {words}", f, df, at=x, batched=batched)
        show(f"over a domain, {words}", *pair, domain={"x": (0, 1), "y": (1, 2)}, batched=batched)


def main():
    """Print all of it."""
    warnings.simplefilter("ignore")
    command = parser(__doc__, "numpy")
    command.add_argument("--inputs", type=int, nargs="*", default=[1_000, 100_000], help="numbers of inputs")
    command.add_argument("--outputs", type=int, nargs="*", default=[100, 1_000], help="sizes of square Jacobians")
    arguments = command.parse_args()
    for size in arguments.inputs:
        inputs(size)
    for size in arguments.outputs:
        jacobian(size)
    slow()
    batches()
    failing = lambda x: x / 0  # noqa: E731
    show("df always raises", math.sin, failing, at=1.0)
    show("df always raises, over a domain", math.sin, failing, domain=[(-3, 3)])


if __name__ == "__main__":
    main()
