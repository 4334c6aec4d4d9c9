"""A search: the lines along which a derivative is checked, at a point, over a box or at all scales, and its decision.

Mistakes are frequent beside constants, so the constants in the source of f and df are checked as points of their own.

With many inputs a line moves all of them at once, in a direction balanced so that every partial weighs about the same:
a check costs no more than one with three inputs. Inputs whose partials weigh a thousand times less than others get
directions of their own, so that the large ones do not hide them.
"""

from __future__ import annotations

import inspect
import math
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from opcode import opmap
from types import CellType
from typing import TYPE_CHECKING, Any

from autograd_mini.testing.curl import beside
from autograd_mini.testing.domain import TILES, LineScan, announce_tiles, tiles
from autograd_mini.testing.line import Interval, Line, first_reach
from autograd_mini.testing.point import Outcome, PointCheck, announce_first
from autograd_mini.testing.problem import BudgetSpentError, Projection, why_stopped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from autograd_mini.testing.problem import Output, Point, Problem

FEW_INPUTS = 4
"""Most inputs for which every axis is checked by itself."""
DIRECTIONS = 3
"""Random directions for each group of more inputs."""
_MOST_LOOKED_AT = 200
"""Most things that a function uses which are looked at for their length."""
_APART = 1e3
"""Ratio of weights above which inputs are in different groups."""
_BESIDE_A_CONSTANT = (400, 1200)
"""Calls of f and df at a point beside a constant of the source."""
MOST_CROSSED, CORNERS = 5, 8
"""Most inputs of a box of which all diagonals are checked, and most of these by the lines that are laid across it."""
MARGIN, TILES_ACROSS, TILES_OF_SEVERAL = 0.004, 4, 12
"""Share of an interval that a diagonal leaves out at its ends, tiles of a diagonal, and of an axis among several."""
_SEARCHED = 8
"""Points of a search over scales."""
_SPECIAL = 6
"""Most points beside constants of the source."""
FAULTS = 16
"""Exceptions of df, without a result among them, after which it is not called again."""
_SMALL_INTEGER = opmap.get("LOAD_SMALL_INT", -1)
"""The instruction that carries a small integer, which is no constant of the code then: from Python 3.14 on."""

_MOST_OBJECTS = 200
"""Most objects of the source that are looked through for constants."""


@dataclass
class Decision:
    """The outcomes of a check before anything is explained."""

    outcomes: list[Outcome] = field(default_factory=list)
    failure: Outcome | None = None
    point: Point = ()
    note: str = ""
    spent: bool = False

    @property
    def verdict(self) -> str:
        """One word for all outcomes together."""
        if self.failure is not None:
            return "wrong"
        fine = self.outcomes and all(o.verdict == "correct" for o in self.outcomes)
        return "correct" if fine and not self.spent else "unresolved"

    def fails(self, outcome: Outcome, point: Point) -> bool:
        """Record an outcome; return whether it is wrong, at a point."""
        self.outcomes.append(outcome)
        if outcome.verdict != "wrong":
            self.note = self.note or outcome.note
            return False
        self.failure, self.point = outcome, point
        return True


def check_at(problem: Problem, point: Point) -> Decision:
    """Check every partial derivative of every output at one point."""
    decision = Decision()
    problem.value(point)
    lines = [line for output in outputs_of(problem, point) for line in lines_through(problem, point, output)]
    announce_first(lines)
    for line in lines:
        if decision.fails(PointCheck(line).run(), point):
            return decision
    moved = beside(problem, point) if 1 < len(point) <= FEW_INPUTS and problem.outputs <= FEW_INPUTS else None
    for line in [] if moved is None else [x for k in range(problem.outputs) for x in axes_through(problem, moved, k)]:
        outcome = PointCheck(line).run()
        if outcome.verdict == "wrong" and decision.fails(outcome, line.base):
            return decision
    return decision


def check_over(problem: Problem, bases: int, drawn: Sequence[Point]) -> Decision:
    """Check every partial derivative of every output over the box, and at points drawn from it."""
    decision = Decision()
    try:
        start = random_point(problem, 0)
        if never_works(problem, start):
            return decision
        outputs = [*outputs_of(problem, start)]
        scans = [scan for output in outputs for scan in lines_across(problem, output, bases)]
        announce_tiles(scans)
        for i, (line, borders) in enumerate(scans):
            outcome = LineScan(line).run(borders, 1 / (len(scans) - i))
            if decision.fails(outcome, _place(line, outcome)):
                return decision
        for point in special_points(problem):
            with problem.at_most(*_BESIDE_A_CONSTANT):
                here = check_at(problem, point)
                decision.failure, decision.point = here.failure, here.point
            if decision.failure is not None:
                return decision
        for point in drawn:
            if decision.failure is None:
                here = check_at(problem, point)
                decision.failure, decision.point = here.failure, here.point
    except BudgetSpentError as error:
        decision.spent, decision.note = True, why_stopped(error)
    if decision.failure is None and not decision.spent:  # what diagonals may refute, with the calls that are left
        with suppress(BudgetSpentError):
            _refute(problem, decision, outputs, bases)
    return decision


def _place(line: Line, outcome: Outcome) -> Point:
    """Return where a line is wrong, or its base."""
    wrong = outcome.classification
    return line.point((wrong.a + wrong.b) / 2) if wrong else line.base


def _refute(problem: Problem, decision: Decision, outputs: Sequence[Output], bases: int) -> None:
    """Look for mistakes along the diagonals of the box."""
    lines = [line for output in outputs for line in diagonals(problem, output, bases)] if len(problem.box) > 1 else []
    scans = [(line, tiles(Interval(0.0, 1.0), problem.rng, TILES_ACROSS)) for line in lines]
    announce_tiles(scans)
    for line, borders in scans:
        outcome = LineScan(line).run(borders)
        if outcome.verdict == "wrong" and decision.fails(outcome, _place(line, outcome)):
            return


def check_anywhere(problem: Problem) -> Decision:
    """Check at points of all the usual scales, wherever f is a finite number."""
    decision, found, rng = Decision(), 0, problem.rng
    count = len(problem.names)
    try:
        beside = [(c,) * count for c in sorted(problem.constants | {0.0}, key=abs)[:4]]
        for attempt in range(60):
            chosen = attempt < len(beside)
            if chosen:
                point: Point = beside[attempt]
            else:
                signs = (1.0,) if attempt % 3 == 0 else (-1.0, 1.0)
                point = tuple(rng.choice(signs) * 10 ** rng.uniform(-2, 1 + attempt % 2) for _ in range(count))
            point = tuple(map(problem.grid, point))
            if not math.isfinite(problem.value(point)):
                continue
            if problem.df.never_worked and len(problem.df.faults) < FAULTS and problem.df(point) is None:
                continue
            if problem.df.never_worked:
                break
            here = check_at(problem, point)
            if here.failure is not None:
                # Nobody asked for this very point: a gradient may well have no value there.
                if here.failure.note and not math.isfinite(here.failure.claimed):
                    continue
                return here
            fine = all(o.verdict == "correct" for o in here.outcomes)
            if fine:
                decision.outcomes += here.outcomes
            if fine or not chosen:
                decision.note = decision.note or here.note
                found += not chosen
            if found >= _SEARCHED:
                break
    except BudgetSpentError as error:
        decision.note = why_stopped(error)
    return decision


def random_point(problem: Problem, output: Output) -> Point:
    """Return a point of the box where f is finite, if a few attempts find one."""
    point: Point = ()
    for _ in range(10):
        point = tuple(problem.grid(interval.at(problem.rng.random())) for interval in problem.box)
        if math.isfinite(problem.value(point, output)):
            break
    return point


def never_works(problem: Problem, start: Point) -> bool:
    """Return whether the derivative raises at every one of some points of the box where f is a finite number."""
    for attempt in range(FAULTS):
        point = random_point(problem, 0) if attempt else start
        if problem.df(point) is not None or not math.isfinite(problem.value(point)):
            return False
    return True


def special_points(problem: Problem) -> list[Point]:
    """Return points of the box beside which mistakes are frequent: zero, and constants of the source."""
    return [
        tuple(constant if constant in interval else interval.at(problem.rng.random()) for interval in problem.box)
        for constant in sorted({0.0, *problem.constants}, key=lambda c: (c != 0.0, abs(c)))
        if any(constant in interval for interval in problem.box)
    ][:_SPECIAL]


def constants_in(*functions: object) -> set[float]:
    """Return the numbers that stand in the code of functions, in those nested in them, and in what they close over."""
    found: set[float] = set()
    waiting = [f for f in functions if f is not None]
    seen = 0
    while waiting and seen < _MOST_OBJECTS:
        seen += 1
        thing = waiting.pop()
        if isinstance(thing, (int, float)) and not isinstance(thing, bool):
            if math.isfinite(thing) and abs(thing) < 1e300:
                found.add(float(thing))
        elif inspect.iscode(thing):
            waiting += thing.co_consts
            pairs = zip(thing.co_code[::2], thing.co_code[1::2], strict=True)
            found |= {float(number) for instruction, number in pairs if instruction == _SMALL_INTEGER}
        elif inspect.isfunction(thing):
            waiting.append(thing.__code__)
            for cell in thing.__closure__ or ():
                with suppress(ValueError):  # an empty cell
                    waiting.append(cell.cell_contents)
    return found


def outputs_of(problem: Problem, point: Point) -> Iterator[Output]:
    """Yield what is checked of the outputs: each of a few, or random sums of many, of similar weight."""
    if problem.outputs <= FEW_INPUTS:
        yield from range(problem.outputs or 1)
        return
    rows, reaches = problem.df(point), [first_reach(float(x)) for x in point]
    if rows is None:
        weights = [1.0] * problem.outputs
    elif hasattr(rows, "dtype"):
        weights = abs(rows * sys.modules["numpy"].array(reaches)).sum(axis=1).tolist()
    else:
        weights = [sum(abs(p) * r for p, r in zip(row, reaches, strict=True)) for row in rows]
    for group in _groups(weights):
        for _ in range(DIRECTIONS):
            chosen = [0.0] * problem.outputs
            for i in group:
                usable = weights[i] if math.isfinite(weights[i]) else 0.0
                chosen[i] = problem.rng.choice((-1.0, 1.0)) * problem.rng.uniform(0.6, 1.0) / (usable or 1.0)
            yield Projection(tuple(chosen))


def arrays_in(f: object, args: Sequence[Any]) -> tuple[set[int], list[Any]]:
    """Return the arrays among some arguments and of those that ``f`` and its helpers use, after all lengths."""
    sizes, arrays = set[int](), list[Any]()
    waiting, seen = [*args, f], set[int]()
    while waiting and len(seen) < _MOST_LOOKED_AT:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, (list, tuple)):
            sizes.add(len(thing))
        elif isinstance(getattr(thing, "shape", None), tuple):
            arrays.append(thing)
            sizes.update(n for n in (*thing.shape, math.prod(thing.shape)) if isinstance(n, int))
        elif inspect.ismethod(thing):
            waiting += [thing.__func__, *getattr(thing.__self__, "__dict__", {}).values()]
        elif inspect.isfunction(thing):
            cells = [cell.cell_contents for cell in thing.__closure__ or () if cell != CellType()]
            names = thing.__globals__
            waiting += [*cells, *(names[name] for name in thing.__code__.co_names if name in names)]
    return sizes, arrays


def axes_through(problem: Problem, point: Point, output: Output) -> list[Line]:
    """Return the lines along the axes through a point."""
    return [Line(problem, point, axis=axis, output=output) for axis in range(len(point))]


def lines_across(problem: Problem, output: Output, bases: int) -> Iterator[tuple[Line, list[float]]]:
    """Yield lines across the box, with the borders of their tiles: along the axes, or between random points of it."""
    box, rng = problem.box, problem.rng
    for _ in range(1 if len(box) == 1 else bases if len(box) == 2 else max(1, bases - 1)):
        base = random_point(problem, output)
        if len(box) <= FEW_INPUTS:
            for line, interval in zip(axes_through(problem, base, output), box, strict=True):
                yield line, tiles(interval, rng, TILES if len(box) == 1 else TILES_OF_SEVERAL)
        else:
            direction = [v - u for u, v in zip(base, random_point(problem, output), strict=True)]
            line = Line(problem, base, direction=direction, output=output, low=0.0, high=1.0)
            yield line, tiles(Interval(0.0, 1.0), rng, TILES_OF_SEVERAL)


def diagonals(problem: Problem, output: Output, bases: int) -> Iterator[Line]:
    """Yield lines between opposite corners of the box: all of them in up to five inputs, or some.

    A part of a box that is cut off by a plane contains a corner, and so does a corner itself; a slab is crossed.
    """
    box, rng, count = problem.box, problem.rng, len(problem.box)
    most = CORNERS * bases if count <= MOST_CROSSED else bases
    turns = range(2 ** (count - 1)) if count <= MOST_CROSSED else [rng.getrandbits(count - 1) for _ in range(bases)]
    for turn in [*turns][:most]:
        ends = [(1 - MARGIN, MARGIN) if turn >> i & 1 else (MARGIN, 1 - MARGIN) for i in range(count)]
        base, far = (tuple(r.at(end[k]) for r, end in zip(box, ends, strict=True)) for k in (0, 1))
        direction = [v - u for u, v in zip(base, far, strict=True)]
        yield Line(problem, base, direction=direction, output=output, low=0.0, high=1.0)


def lines_through(problem: Problem, point: Point, output: Output) -> Iterator[Line]:
    """Yield the lines through a point along which it is checked: the axes, or balanced directions."""
    if len(point) <= FEW_INPUTS:
        yield from axes_through(problem, point, output)
        return
    reaches = [first_reach(x) for x in point]
    partials = problem.partials(point, output)
    weights = [float(abs(p) * r) for p, r in zip(partials, reaches, strict=True)]
    for group in _groups(weights):
        floor = min((weights[i] for i in group if weights[i] and math.isfinite(weights[i])), default=0.0)
        sizes = []
        for i in group:
            weight = weights[i]
            share = max(floor, 1e-3 * weight) / weight if weight and floor and math.isfinite(weight) else 1.0
            sizes.append(reaches[i] * min(1.0, share))
        for number in range(DIRECTIONS if isinstance(output, int) else 1):
            direction, random = [0.0] * len(point), problem.rng.random
            still = _still(problem, number)
            for i, size in zip(group, sizes, strict=True):
                turn = 2.0 * random() - 1.0
                direction[i] = math.copysign(0.6 + 0.4 * abs(turn), turn) * size
            if any(d and i not in still for i, d in enumerate(direction)):
                direction = [0.0 if i in still else d for i, d in enumerate(direction)]
            yield Line(problem, point, direction=direction, output=output)


def _still(problem: Problem, number: int) -> set[int]:
    """Return the inputs that stay in one of the directions: what a cache of df may go by, while others move.

    In the first all move; in the others, every second argument stays, or the ends of the only one.
    """
    parts = problem.claims.arguments.leaves if problem.claims is not None else ()
    count = len(problem.names)
    if len(parts) < 2:
        return {0, count - 1} if number == DIRECTIONS - 1 else set()
    still, start = set[int](), 0
    for k, part in enumerate(parts):
        if number and (k + number) % 2:
            still |= {*range(start, start + part.size)}
        start += part.size
    return still


def directions_through(problem: Problem, point: Point, output: Output) -> list[Sequence[float]]:
    """Return directions that together move every input, those of similar weight at once."""
    if len(point) <= FEW_INPUTS:
        return [[first_reach(x) * (i == axis) for i, x in enumerate(point)] for axis in range(len(point))]
    return [line.direction for line in lines_through(problem, point, output)][::DIRECTIONS]


def _groups(weights: Sequence[float]) -> list[list[int]]:
    """Return the indices of inputs in groups of similar weights, those without one in the first."""
    silent = [i for i, w in enumerate(weights) if not w or not math.isfinite(w)]
    groups: list[list[int]] = []
    for i in sorted({*range(len(weights))}.difference(silent), key=weights.__getitem__):
        if groups and weights[i] <= _APART * weights[groups[-1][0]]:
            groups[-1].append(i)
        else:
            groups.append([i])
    if silent:
        groups[:1] = [[*silent, *(groups[0] if groups else [])]]
    return groups
