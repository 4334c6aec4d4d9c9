"""Random programs: straight-line code with shared intermediate results, its derivative, and one-operation bugs in it.

The derivative is propagated forward beside the value, with a running bound on the rounding error of both, so that it
is known whether a bug shows above float resolution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

UNARY = {
    "sin": (math.sin, math.cos),
    "cos": (math.cos, lambda v: -math.sin(v)),
    "tanh": (math.tanh, lambda v: 1 - math.tanh(v) ** 2),
    "exp": (lambda v: math.exp(v) if v < 50 else math.nan, math.exp),
    "log1p": (lambda v: math.log(1 + v * v), lambda v: 2 * v / (1 + v * v)),
    "sqrt1p": (lambda v: math.sqrt(1 + v * v), lambda v: v / math.sqrt(1 + v * v)),
    "relu": (lambda v: max(v, 0.0), lambda v: float(v > 0)),
    "abs": (abs, lambda v: math.copysign(1.0, v)),
    "atan": (math.atan, lambda v: 1 / (1 + v * v)),
    "square": (lambda v: v * v, lambda v: 2 * v),
}
BINARY = ("add", "sub", "mul", "div")
BUGS = {"sign": -1.0, "double": 2.0, "1e-3": 1.001, "1e-5": 1.00001, "zero": 0.0, "half": 0.5}


@dataclass(frozen=True)
class Program:
    """Steps on registers; the first ``inputs`` registers are the arguments, the last register is the result."""

    inputs: int
    steps: tuple[tuple[str, int, int], ...]
    point: tuple[float, ...]

    def run(self, point: tuple[float, ...], bug: tuple[int, float] | None = None) -> tuple[float, list[float], float]:
        """Return the value, the partials (with one operation's derivative scaled by a bug), and a rounding bound."""
        count, eps = self.inputs, 2.0**-53
        values, errors = list(point), [eps * abs(x) for x in point]
        rows = [[float(i == j) for j in range(count)] for i in range(count)]
        for number, (name, i, j) in enumerate(self.steps):
            u, v = values[i], values[j]
            if name in UNARY:
                forward, backward = UNARY[name]
                value, left, right = forward(u), backward(u), 0.0
            elif name == "add":
                value, left, right = u + v, 1.0, 1.0
            elif name == "sub":
                value, left, right = u - v, 1.0, -1.0
            elif name == "mul":
                value, left, right = u * v, v, u
            else:
                value, left, right = u / v, 1 / v, -u / v / v
            errors.append(abs(left) * errors[i] + abs(right) * errors[j] + 2 * eps * abs(value))
            if bug is not None and bug[0] == number:
                left *= bug[1]
            values.append(value)
            rows.append([left * a + right * b for a, b in zip(rows[i], rows[j], strict=True)])
        return values[-1], rows[-1], errors[-1]


def program(seed: int) -> Program:
    """Return the random program of a seed, of one to three inputs and three to twelve operations."""
    rng = Random(f"program {seed}")
    while True:
        inputs = rng.randint(1, 3)
        steps = []
        for k in range(rng.randint(3, 12)):
            register = lambda: rng.randrange(max(0, inputs + k - 5), inputs + k)  # noqa: B023, E731
            name = rng.choice((*UNARY, *BINARY, *BINARY))
            steps.append((name, register() if k else rng.randrange(inputs), register() if k else rng.randrange(inputs)))
        point = tuple(rng.choice((-1, 1)) * 10 ** rng.uniform(-1.5, 1.2) for _ in range(inputs))
        made = Program(inputs, tuple(steps), point)
        try:
            value, partials, _ = made.run(point)
        except (ArithmeticError, ValueError):
            continue
        if math.isfinite(value) and abs(value) < 1e100 and all(math.isfinite(p) for p in partials) and any(partials):
            return made


def shows(made: Program, bug: tuple[int, float]) -> bool:
    """Return whether a bug changes a partial by a hundred times what the rounding of the program can hide."""
    _, right, error = made.run(made.point)
    try:
        _, wrong, _ = made.run(made.point, bug)
    except (ArithmeticError, ValueError):
        return False
    return any(
        abs(r - w) * abs(x) / 4 > 100 * error and abs(r - w) > 2e-6 * abs(r)
        for x, r, w in zip(made.point, right, wrong, strict=True)
    )
