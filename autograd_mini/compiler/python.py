"""The backend without dependencies: a tape as a straight-line Python function over the math module.

The function exists twice, as in the eager engine: quick, as Python and math compute it, and careful, by IEEE 754, for
when the quick one raises. Nothing has happened by then, so the careful one starts again.
"""

from __future__ import annotations

from functools import cache

from autograd_mini.compiler.tape import GATHERS, TRUTHS, expression
from autograd_mini.engine import ieee
from autograd_mini.engine.codegen import build
from autograd_mini.engine.formula import EXACT
from autograd_mini.engine.rules import QUICK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.tape import Tape

_SAME = EXACT | TRUTHS | GATHERS | {"select"}


def scalar(tape: Tape) -> Callable[[Sequence[float]], list[float]]:
    """Return the program as a function of the list of its inputs."""
    names = {**QUICK, "ieee": ieee, "scatter": scatter, "inf": float("inf"), "nan": float("nan")}

    def quick_text(at: int, operands: list[str]) -> str:
        step = tape.steps[at]
        return f"pow({', '.join(operands)})" if step[0] == "pow" else expression(step, operands)

    def careful_text(at: int, operands: list[str]) -> str:
        step = tape.steps[at]
        return expression(step, operands) if step[0] in _SAME else f"ieee.{step[0]}({', '.join(operands)})"

    quick = build("compiled function", source(tape, quick_text), names)["program"]

    @cache  # most programs never need it
    def careful() -> Callable[..., Any]:
        made: Callable[..., Any] = build("compiled function, careful", source(tape, careful_text), names)["program"]
        return made

    def run(inputs: Sequence[float]) -> list[float]:
        try:
            return quick(inputs)  # type: ignore[no-any-return]  # generated to do so
        except (ArithmeticError, ValueError):
            return careful()(inputs)  # type: ignore[no-any-return]  # as above

    return run


def batch(
    tape: Tape, widths: Sequence[int], kept: int, threads: int = 1
) -> Callable[..., tuple[list[Any], list[float]]]:
    """Return the program as a function of a whole batch.

    Args:
        tape: the program. Its first inputs are the columns of the batch, the others the same for every sample.
        widths: how many columns each array of the batch has.
        kept: how many of the results are returned for each sample; of the others the mean is returned.
        threads: not used here.

    Returns:
        a function (n, arrays, uniform) -> (columns, means). Arrays have n rows; uniform are the other inputs.

    """
    del widths, threads
    run = scalar(tape)

    def run_batch(n: int, arrays: Sequence[Any], uniform: Sequence[float]) -> tuple[list[Any], list[float]]:
        same = [float(number) for number in uniform]
        columns: list[Any] = [[] for _ in range(kept)]
        sums = [0.0] * (len(tape.results) - kept)
        for row in zip(*[array.tolist() for array in arrays], strict=True) if arrays else [()] * n:
            found = run([number for part in row for number in part] + same)
            for column, number in zip(columns, found, strict=False):
                column.append(number)
            for at, number in enumerate(found[kept:]):
                sums[at] += number
        return columns, [total / n for total in sums] if sums else []

    return run_batch


def scatter(like: Sequence[float], *pairs: float) -> list[float]:
    """Return as many sums as another array has numbers, of numbers by the indices before them."""
    sums = [0.0] * len(like)
    for index, number in zip(pairs[::2], pairs[1::2], strict=True):
        sums[int(index)] += number
    return sums


def source(tape: Tape, write: Callable[[int, list[str]], str]) -> str:
    """Return the program as a Python function of the list of its inputs, each step as `write` has it."""
    names = tape.names()
    lines = [f"    {names[at]} = {write(at, [names[x] for x in step[1:]])}" for at, step in tape.operations()]
    taken = [f"    {', '.join(f'x{i}' for i in range(tape.inputs))}, = x"] if tape.inputs else []
    results = ", ".join(names[at] for at in tape.results)
    return "\n".join(["def program(x):", *taken, *lines, f"    return [{results}]\n"])
