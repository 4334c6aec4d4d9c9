"""A localisation: which of many partial derivatives are wrong, by bisection of a direction along which they are.

The claim at a point is known for all inputs at once, so one half of them is compared with f alone: with the slope of f
along the part of the direction that belongs to it. The other half is what remains. Of many outputs f gives all slopes
along a direction in the same calls.
"""

from __future__ import annotations

import math
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from autograd_mini.testing.finite_differences import Measured, measure
from autograd_mini.testing.line import Line, first_reach
from autograd_mini.testing.point import Outcome, PointCheck
from autograd_mini.testing.problem import BudgetSpentError, Projection
from autograd_mini.testing.residuals import Classification
from autograd_mini.testing.search import directions_through

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autograd_mini.testing.claims import Claims
    from autograd_mini.testing.problem import Output, Point, Problem

CLEARLY = 20.0
"""Ratio of error to measurement error above which a claim counts as wrong."""
STEPS = 5
"""Differences that a slope along a part of a direction is extrapolated from."""
ENOUGH, ROUGHLY = 1e-9, 1e-5
"""Relative error of a slope that needs no further differences, and where calls of f are scarce."""
NEAR = 2.0**-20
"""Share of a direction within which f is smooth but for rounding."""
MOST_TESTS = 256
"""Most parts of a direction that are compared."""
MOST_ONE_BY_ONE = 2000
"""Outputs above which those that are wrong are found by halving."""
FAINT = 1e-6
"""Share of the slope along the whole direction below which a gap is held against the scatter of f."""
_CANDIDATES = 8
"""Most inputs that are found wrong by the slope of f alone and checked by themselves."""
_SHARE = 3
"""Share of the calls that are left that one of these takes at most, as 1 over it."""
LISTED = 8
"""Most names in a list."""


class Bisection:
    """The search for the wrong inputs of one output at a point, or of one projection of the outputs.

    Args:
        problem: f and its claimed derivative.
        point: where the claim is wrong.
        direction: how far each input is moved.
        output: which output.

    Attributes:
        wrong: the inputs found, in order.
        complete: whether they are all.

    """

    def __init__(self, problem: Problem, point: Point, direction: Sequence[float], output: Output) -> None:
        self.problem, self.point, self.direction, self.output = problem, point, direction, output
        self.wrong: list[int] = []
        self.tests, self.complete = 0, True
        self.strength = 0.0  # of the slope along the whole direction

    def run(self) -> None:
        """Find the wrong inputs."""
        inputs = [i for i, d in enumerate(self.direction) if d]
        try:
            self._search(inputs, self.gap(inputs))
        except (BudgetSpentError, ArithmeticError):
            self.complete = False

    def gap(self, inputs: Sequence[int]) -> Measured:
        """Return what the claim lacks along the part of the direction that belongs to some inputs."""
        self.tests += 1
        direction = [0.0] * len(self.direction)
        for i in inputs:
            direction[i] = self.direction[i]
        line = Line(self.problem, self.point, direction=direction, output=self.output)
        found = measure(line, 0.0, 0.25, steps=STEPS, enough=ROUGHLY if self.problem.scarce else ENOUGH)
        claimed = line.slope(0.0)
        strength = line.strength(0.0)
        self.strength = max(self.strength, strength)
        rounding = 16 * self.problem.eps * strength
        return Measured(found.value - claimed, found.error + rounding if math.isfinite(found.value) else math.inf)

    @cached_property
    def scatter(self) -> float:
        """How far values of f lie off a smooth curve: where its terms cancel, its size says nothing of that."""
        line = Line(self.problem, self.point, direction=self.direction, output=self.output)
        differences = line.values([k * NEAR for k in range(-4, 5)])
        for _ in range(4):
            differences = [right - left for left, right in pairwise(differences)]
        return max(map(abs, differences))

    def _search(self, inputs: Sequence[int], gap: Measured) -> None:
        if is_clear(gap) and abs(gap.value) < FAINT * self.strength:
            gap = Measured(gap.value, gap.error + self.scatter)
        if not is_clear(gap):
            return
        if len(inputs) == 1:
            self.wrong.append(inputs[0])
            return
        if self.tests >= MOST_TESTS:
            self.complete = False
            return
        half = len(inputs) // 2
        left = self.gap(inputs[:half])
        right = Measured(gap.value - left.value, gap.error + left.error)
        confirm = is_clear(right) and len(inputs) == 2 and not self.problem.scarce
        if confirm or (right.error > 1e-3 * abs(right.value) and not is_clear(left)):
            right = self.gap(inputs[half:])
        self._search(inputs[:half], left)
        self._search(inputs[half:], right)


def localised(failure: Outcome, point: Point) -> tuple[Outcome, str]:
    """Return the outcome for one wrong partial derivative of many along a line, and in words which are wrong."""
    line = failure.line
    if line is None or (line.axis is not None and isinstance(line.output, int)):
        return failure, ""
    problem, output, prefix = line.problem, line.output, ""
    direction = line.direction
    if line.axis is not None:
        direction = [first_reach(x) * (axis == line.axis) for axis, x in enumerate(point)]
    if not isinstance(output, int):
        rows, all_found = wrong_outputs(problem, point, direction)
        if not rows:
            return failure, ""
        prefix = f"rows {', '.join(map(str, rows[:LISTED]))}" if len(rows) > 1 else f"row {rows[0]}"
        if len(rows) > LISTED and len(rows) < problem.outputs:
            prefix += f" and {len(rows) - LISTED} more" if all_found else " and others"
        output = rows[0]
    wrong, complete = wrong_inputs(problem, point, direction, output)
    if not wrong:
        return failure, prefix
    inputs = summary(problem.claims, problem.names, wrong, complete=complete)
    words = f"{prefix}; of row {output}: {inputs}" if prefix else inputs
    for axis in wrong[:_CANDIDATES]:
        along = Line(problem, point, axis=axis, output=output)
        if problem.scarce:  # it was compared with the slope of f up to there
            x, reach = along.start, along.reach / 4
            return Outcome("wrong", line=along, classification=Classification("wrong", x - reach, x + reach)), words
        with problem.at_most(problem.f.left // _SHARE, problem.df.left // _SHARE):
            outcome = PointCheck(along).run()
        if outcome.verdict == "wrong":
            return outcome, words
    return failure, words


def wrong_inputs(problem: Problem, point: Point, direction: Sequence[float], output: Output) -> tuple[list[int], bool]:
    """Return the inputs by which the claim is wrong at a point, in order, and whether they are all."""
    wrong, complete = [], True
    for group in directions_through(problem, point, output):
        search = Bisection(problem, point, group, output)
        search.run()
        wrong += search.wrong
        complete = complete and search.complete
    if not wrong and not problem.scarce:
        single = first_wrong(problem, point, direction, output)
        return ([] if single is None else [single]), False
    return sorted(wrong), complete


def is_clear(gap: Measured) -> bool:
    """Return whether a difference is far above what it is known to; nan counts as one."""
    return not abs(gap.value) <= CLEARLY * gap.error if math.isfinite(gap.error) else False


def wrong_outputs(problem: Problem, point: Point, direction: Sequence[float]) -> tuple[list[int], bool]:
    """Return the outputs that are clearly wrong along a direction, and whether they are all."""

    def is_wrong(output: Output) -> bool:
        line = Line(problem, point, direction=direction, output=output)
        slope = measure(line, 0.0, 0.25, steps=STEPS, enough=ENOUGH)
        error = slope.error + 16 * problem.eps * line.strength(0.0)
        return is_clear(Measured(slope.value - line.slope(0.0), error))

    if problem.outputs <= MOST_ONE_BY_ONE:
        return [output for output in range(problem.outputs) if is_wrong(output)], True
    found: list[int] = []
    waiting, tests = [range(problem.outputs)], 0
    while waiting and tests < MOST_TESTS:
        part, tests = waiting.pop(), tests + 1
        weights = [0.0] * problem.outputs
        weights[part.start : part.stop] = [problem.rng.uniform(0.6, 1.0) for _ in part]
        if is_wrong(Projection(tuple(weights)) if len(part) > 1 else part.start):
            middle = len(part) // 2
            waiting += [part[middle:], part[:middle]] if len(part) > 1 else []
            found += part if len(part) == 1 else []
    return found, not waiting


def first_wrong(problem: Problem, point: Point, direction: Sequence[float], output: Output) -> int | None:
    """Return an input that is wrong by halving with whole checks, for errors that slopes of f do not show."""
    inputs = [i for i, d in enumerate(direction) if d]
    while len(inputs) > 1:
        half = len(inputs) // 2
        for part in (inputs[:half], inputs[half:]):
            kept = {*part}
            narrow = [d if i in kept else 0.0 for i, d in enumerate(direction)]
            if PointCheck(Line(problem, point, direction=narrow, output=output)).run().verdict == "wrong":
                inputs = part
                break
        else:
            return None
    return inputs[0] if inputs else None


def summary(claims: Claims | None, names: Sequence[str], wrong: Sequence[int], *, complete: bool) -> str:
    """Return in words which partial derivatives are wrong: "all of b", "row 37 of W", or their names.

    >>> summary(None, ["x", "y", "z"], [0, 2], complete=True)
    'x, z'
    """
    found, left = [], {*wrong}
    for start, size, leaf_name, shape in blocks(claims) if complete else ():
        block = range(start, start + size)
        if size > 1 and left.issuperset(block):
            found.append(f"all of {leaf_name}")
            left.difference_update(block)
        elif len(shape) == 2:
            for axis, word in enumerate(("row", "column")):
                for index in range(shape[axis]):
                    line = block[index * shape[1] : (index + 1) * shape[1]] if not axis else block[index :: shape[1]]
                    if len(line) > 1 and left.issuperset(line):
                        found.append(f"{word} {index} of {leaf_name}")
                        left.difference_update(line)
    found += [names[i] for i in wrong if i in left]
    shown = ", ".join(found[:LISTED])
    more = len(found) - LISTED
    if more > 0:
        shown += f" and {more} more"
    return shown if complete else f"{shown}, and others"


def blocks(claims: Claims | None) -> Iterator[tuple[int, int, str, tuple[int, ...]]]:
    """Yield for each array or list of the arguments its first number, their count, its name and its shape."""
    start = 0
    for leaf in claims.arguments.leaves if claims is not None else ():
        size = leaf.size
        yield start, size, leaf.name, leaf.shape if not leaf.complex else ()
        start += size
