"""Turns: the loop of a recurrence as a program, forwards and, with what each turn was given, backwards.

A turn is a program of its columns, of what the turn before it hands on, and of what is alike for all turns. What is
handed on is kept for each turn, and so are the results of functions that take long. The reverse loop has a program
too, which computes the rest of a turn once more and returns its derivatives; the adjoints of what is handed on go from
turn to turn, those of what is alike add up.

    for t in 0, 1, …:    carried[t + 1], outputs = step(columns[t], carried[t], uniforms)
    for t in …, 1, 0:    slopes[t], adjoints, more = back(
                             columns[t], carried[t], adjoints, factors, uniforms, carried[t + 1])
                         sums += more
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


class Shape(NamedTuple):
    """How much a turn takes and returns.

    Attributes:
        turns: how many turns there are.
        columns: how many columns it takes.
        uniforms: how many numbers that are alike for all turns.
        singles: how many outputs are returned of each turn.
        totals: how many outputs are added up.
        finals: which of the numbers that are carried are returned after the last turn.
        starts: what is carried into the first turn: ("number", a float) or ("uniform", a place in these).
        moving: how many columns there is to differentiate by.
        along: which uniforms there is to differentiate by.

    """

    turns: int
    columns: int
    uniforms: int
    singles: int
    totals: int
    finals: list[int]
    starts: list[tuple[str, Any]]
    moving: int
    along: list[int]

    @property
    def back_to(self) -> list[tuple[int, int]]:
        """The numbers that are carried which begin as a uniform to differentiate by, each with its place in `along`."""
        places = {uniform: at for at, uniform in enumerate(self.along)}
        return [
            (at, places[start]) for at, (kind, start) in enumerate(self.starts) if kind == "uniform" and start in places
        ]


class Turns:
    """A loop of turns as a program of an array with a row for each turn, see `python.batch`; its sums are no means.

    Args:
        shape: how much a turn takes and returns.
        step: the program of a turn.
        back: the program of a turn's derivatives; None to return outputs alone.
        leading: the total or final number whose derivatives follow the outputs; None where derivatives are returned
            alone, for factors that follow the columns and the uniforms.

    """

    def __init__(self, shape: Shape, step: Any, back: Any, leading: int | None) -> None:
        self.shape, self.step, self.back, self.leading = shape, step, back, leading
        self.backend, self.why = step.backend, step.why

    @property
    def programs(self) -> list[Any]:
        """The programs of a turn."""
        return [self.step] if self.back is None else [self.step, self.back]

    def run(self) -> Callable[..., Any]:
        """Return the program as a function (turns, arrays, uniforms) -> (columns, sums)."""
        if {program.backend for program in self.programs} <= {"llvm", "vm"}:
            from autograd_mini.compiler.llvm.fastcall import possible
            from autograd_mini.compiler.llvm.machine_turns import MachineTurns, suitable

            if possible() and suitable(self):
                return MachineTurns(self)
        return _interpreted(self)


def _interpreted(turns: Turns) -> Callable[..., Any]:
    """Return the loop as one of Python."""
    shape, leading = turns.shape, turns.leading
    step: Callable[..., list[float]] = turns.step.run()
    back: Any = None if turns.back is None else turns.back.run()
    carried, uniforms, columns = len(shape.starts), shape.uniforms, shape.columns
    outputs = shape.singles, shape.totals

    def forwards(rows: Sequence[list[float]], same: list[float]) -> tuple[Any, Any, Any]:
        """Return what was carried into each turn, and the outputs."""
        trace = [[number if kind == "number" else same[number] for kind, number in shape.starts]]
        found: list[list[float]] = [[] for _ in range(shape.singles)]
        sums = [0.0] * shape.totals
        for row in rows:
            made = step([*row[:columns], *trace[-1], *same])
            trace.append(made[:carried])
            for at, number in enumerate(made[carried:]):
                if at < outputs[0]:
                    found[at].append(number)
                else:
                    sums[at - outputs[0]] += number
        return trace, found, [*sums, *[trace[-1][at] for at in shape.finals]]

    def backwards(
        rows: Sequence[list[float]], trace: Sequence[list[float]], same: list[float], factors: Sequence[float]
    ) -> tuple[Any, Any]:
        """Return the derivatives by columns, and by uniforms."""
        adjoints, sums = [0.0] * carried, [0.0] * len(shape.along)
        for at, factor in zip(shape.finals, factors[shape.totals :], strict=True):
            adjoints[at] += factor
        found: list[list[float]] = [[] for _ in range(shape.moving)]
        end = shape.moving + carried
        outer = *same, *factors[: shape.totals]
        for row, (after, before) in zip(reversed(rows), pairwise(reversed(trace)), strict=True):
            made = back([*row[:columns], *before, *adjoints, *row[columns:], *outer, *after])
            for column, number in zip(found, made, strict=False):
                column.append(number)
            adjoints = made[shape.moving : end]
            sums = [total + number for total, number in zip(sums, made[end:], strict=True)]
        for at, place in shape.back_to:
            sums[place] += adjoints[at]
        return [column[::-1] for column in found], sums

    def run(_: int, arrays: Sequence[Any], uniform: Any) -> tuple[Any, Any]:
        rows, given = arrays[0].tolist(), [float(number) for number in uniform]
        trace, columns, sums = forwards(rows, given[:uniforms])
        if back is None:
            return columns, sums
        if leading is None:
            return backwards(rows, trace, given[:uniforms], given[uniforms:])
        factors = [0.0] * len(sums)
        factors[leading] = 1.0
        slopes, more = backwards(rows, trace, given[:uniforms], factors)
        return slopes, [*sums, *more]

    return run
