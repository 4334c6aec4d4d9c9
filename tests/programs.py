"""A random program: instructions over earlier results, run on Values and on dual numbers side by side."""

from __future__ import annotations

import math
import operator
from typing import NamedTuple

import duals
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import Value

OPERATORS = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "pow": operator.pow,
    "mod": operator.mod,
    "floordiv": operator.floordiv,
    "neg": operator.neg,
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
}


class Program(NamedTuple):
    """Inputs, and instructions: the name of an operation with its operands, earlier results or constants."""

    numbers: list[float]
    instructions: list[tuple[str, tuple[int | float, ...]]]


class Run(NamedTuple):
    """A program that has run: its leaves and results as Values, and the results as dual numbers."""

    leaves: list[Value]
    results: list[Value]
    truth: list[duals.Dual]


def apply(name, operands):
    """Apply an operation to Values and numbers the way a user writes it."""
    return OPERATORS[name](*operands) if name in OPERATORS else getattr(ag, name)(*operands)


@st.composite
def programs(draw, names=tuple(duals.CALCULUS), longest=25):
    """Draw a program. Operands are mostly recent results, which makes chains; the same one twice makes diamonds."""
    numbers = draw(st.lists(st.floats(-2.5, 2.5).map(lambda x: round(x, 3)), min_size=1, max_size=4))
    instructions = []
    for count in range(len(numbers), len(numbers) + draw(st.integers(1, longest))):
        name = draw(st.sampled_from(names))
        domain = duals.CALCULUS[name].domain
        recent = st.integers(max(0, count - 3), count - 1)
        operands = [draw(recent | st.integers(0, count - 1)) for _ in domain]
        if len(operands) == 2 and draw(st.integers(0, 3)) == 0:
            side = draw(st.integers(0, 1))
            low, high = domain[side]
            operands[side] = round(draw(st.floats(low, high)), 2) or 0.25
        instructions.append((name, tuple(operands)))
    return Program(numbers, instructions)


def brought(operand, interval, run_sin, scale):
    """Bring an operand into an interval, smoothly: middle + half the width * sin(operand)."""
    low, high = interval
    middle, half = (low + high) / 2, (high - low) * 0.45
    return scale(run_sin(operand), half, middle)


def run(program, leaves=None):
    """Run a program. An operand outside the domain of its operation is brought into it; a kink turns into a sum.

    The leaves may be given: whatever stands for the program's numbers while it is traced.
    """
    leaves = leaves or [Value(number) for number in program.numbers]
    truth = duals.inputs(program.numbers)
    results = list(leaves)
    count = len(leaves)

    def dual_of(operand):
        return truth[operand] if isinstance(operand, int) else duals.constant(operand, count)

    for name, operands in program.instructions:
        values = [results[operand] if isinstance(operand, int) else operand for operand in operands]
        known = [dual_of(operand) for operand in operands]
        for position, interval in enumerate(duals.CALCULUS[name].domain):
            if not interval[0] <= known[position].value <= interval[1]:
                values[position] = brought(
                    values[position], interval, ag.sin, lambda s, half, middle: s * half + middle
                )
                known[position] = brought(
                    known[position],
                    interval,
                    lambda d: duals.apply("sin", d),
                    lambda s, half, middle: duals.combine(s.value * half + middle, [(half, s)]),
                )
        if not duals.fits(name, *known):
            name = "add" if len(known) == 2 else "sin"  # noqa: PLW2901 - the instruction is replaced
        results.append(apply(name, values))
        truth.append(duals.apply(name, *known))
    return Run(leaves, results, truth)
