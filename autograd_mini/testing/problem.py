"""A problem: a function and its claimed derivative as callables on tuples of floats, counted and remembered.

Every other module of the checker calls the user's code through a `Problem`, most often along a `Line`. What raises, or
is not a finite real number, is nan there, and the exception is kept as a `Fault`.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from autograd_mini.testing.adapters import Claims

    Point = tuple[float, ...]

NAN = math.nan

T = TypeVar("T")


class BudgetSpentError(Exception):
    """The number of calls that a check may make is used up."""


class ShapeError(Exception):
    """What the user's function returned has the wrong shape; the message says which and what was expected."""


STOPPED: dict[type[Exception], str] = {
    BudgetSpentError: "the budget of calls is spent",
    ArithmeticError: "its numbers leave the range of floats",
}
"""Why a check stops without a verdict: it divides by 0 or overflows on numbers of f and df, or may not call them."""


def why_stopped(error: Exception) -> str:
    """Return why a check stopped, by the error that ended it."""
    return next(reason for kind, reason in STOPPED.items() if isinstance(error, kind))


def total(terms: Iterable[float]) -> float:
    """Return an exact sum rounded once, or, beyond the range of floats, what adding one by one gives.

    >>> total([1e308, 1e308, -1e308])
    inf
    """
    terms = list(terms)
    try:
        return math.fsum(terms)
    except (OverflowError, ValueError):  # of infinities of both signs
        return sum(terms)


def located(names: Sequence[str], point: Point, axis: int = -1) -> str:
    """Return a point as ``x=0.91, y=1.73``; of more than eight numbers the first three and that of ``axis``.

    >>> located(("x", "y"), (0.91, 1.73))
    'x=0.91, y=1.73'
    """
    shown = [f"{n}={v!r}" for n, v in zip(names, point, strict=True)]
    return ", ".join(shown if len(shown) <= 8 else [*shown[:3], "...", shown[axis]])


@dataclass(frozen=True, slots=True)
class Interval:
    """The range of one input: from ``low`` to ``high``, by magnitude rather than by difference where ``log``."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        """Refuse a range that is empty, not finite, or logarithmic across zero."""
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"domain is ({self.low!r}, {self.high!r}), expected finite low < high")
        if self.log and self.low * math.copysign(1.0, self.high) <= 0:
            raise ValueError(
                f"logspan is ({self.low!r}, {self.high!r}), expected two numbers of the same sign, not zero"
            )

    def at(self, share: float) -> float:
        """Return the number a ``share`` (0 to 1) of the way through."""
        if self.log:
            sign = math.copysign(1.0, self.low)
            low, high = math.log(abs(self.low)), math.log(abs(self.high))
            found = sign * math.exp(low + (high - low) * share)
        else:
            found = self.low + (self.high - self.low) * share
        return min(max(found, self.low), self.high)

    def __contains__(self, x: float) -> bool:
        """Return whether ``x`` lies inside or on an end."""
        return self.low <= x <= self.high


def logspan(low: float, high: float) -> Interval:
    """Return the range from ``low`` to ``high`` (same sign, not zero) covered evenly by order of magnitude.

    Args:
        low: the lower end.
        high: the upper end.

    >>> logspan(1e-6, 1e6).at(0.5)
    1.0

    """
    return Interval(float(low), float(high), log=True)


@dataclass(frozen=True, slots=True)
class Fault:
    """One call of the user's code that raised, at the point ``where``."""

    where: Point
    error: Exception

    def __str__(self) -> str:
        """Describe the fault as ``ValueError: math domain error``."""
        return f"{type(self.error).__name__}: {self.error}"


@dataclass(slots=True)
class Callee(Generic[T]):
    """One of the user's functions as the checker calls it: once a point, at most ``budget`` times.

    One that raises ``most_faults`` times before it has worked once is not called again.
    """

    function: Callable[[Point], T]
    budget: int
    most_faults: int | None = None
    calls: int = 0
    faults: list[Fault] = field(default_factory=list)
    known: dict[Point, T | None] = field(default_factory=dict)

    def __call__(self, point: Point) -> T | None:
        """Return the result at ``point``; None where the function raised."""
        try:
            return self.known[point]
        except KeyError:
            if self.calls >= self.budget or self.calls == len(self.faults) == self.most_faults:
                raise BudgetSpentError from None
        self.calls += 1
        try:
            result: T | None = self.function(point)
        except ShapeError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises marks the edge of its domain
            self.faults.append(Fault(point, error))
            result = None
        self.known[point] = result
        return result


class Problem:
    """A function of ``len(names)`` numbers to ``outputs`` numbers, with its claimed Jacobian, and where to check it.

    Args:
        function: maps a point to a list of ``outputs`` floats.
        jacobian: maps a point to ``outputs`` rows of partial derivatives.
        names: the names of the inputs.
        budget: most calls of the function, and of the Jacobian.

    Attributes:
        at: the point to check; None for others.
        box: an interval for each input, to check over; empty for other checks.
        rng: what chooses lines, points and positions.
        outputs: how many outputs there are; 0 until f has returned for the first time.
        eps: the unit roundoff of the arithmetic that the function computes in.
        grid: what rounds a number to that arithmetic.
        constants: the numbers in the source of both functions.
        claims: what makes rows of partial derivatives of what the user's derivative returns.

    """

    def __init__(
        self,
        function: Callable[[Point], Sequence[float]],
        jacobian: Callable[[Point], Sequence[Sequence[float]]],
        names: tuple[str, ...],
        *,
        budget: tuple[int, int] = (4000, 12000),
    ) -> None:
        self.f, self.df = Callee(function, budget[0]), Callee(jacobian, budget[1])
        self.names = names
        self.at: Point | None = None
        self.box: Sequence[Interval] = ()
        self.rng = Random(0)
        self.outputs = 0
        self.eps = 2.0**-52
        self.grid: Callable[[float], float] = float
        self.constants: set[float] = set()
        self.claims: Claims | None = None

    def value(self, point: Point, output: int = 0) -> float:
        """Return output number ``output`` at ``point``; nan where the function raised or is not a real number."""
        values = self.f(point)
        return NAN if values is None else values[output]

    def partials(self, point: Point, output: int = 0) -> Sequence[float]:
        """Return the claimed partial derivatives of one output at ``point``; nan where the gradient raised."""
        rows = self.df(point)
        return [NAN] * len(self.names) if rows is None else rows[output]

    def output_name(self, output: int) -> str:
        """Return ``f``, or ``f[1]`` where there are several outputs."""
        return f"f[{output}]" if self.outputs > 1 else "f"

    def not_finite(self) -> Point | None:
        """Return the point to check if f is no finite number there; without it, some point if f is none anywhere."""
        if self.at is not None:
            values = self.f.known.get(self.at, ())
            return None if values is not None and all(map(math.isfinite, values)) else self.at
        return None if any(map(math.isfinite, self.known_values())) else next(iter(self.f.known), None)

    def known_values(self, output: int | None = None) -> list[float]:
        """Return every value of one output seen so far, or of all."""
        rows = [row for row in self.f.known.values() if row is not None]
        return [v for row in rows for v in (row if output is None else [row[output]])]

    def gradient_never_worked(self) -> bool:
        """Return whether no call of the gradient gave a finite number."""
        return not any(math.isfinite(p) for rows in self.df.known.values() for row in rows or () for p in row)

    def allow(self, more_f: int, more_df: int) -> None:
        """Set the budgets to what is spent so far plus the given numbers of calls."""
        self.f.budget, self.df.budget = self.f.calls + more_f, self.df.calls + more_df

    @contextmanager
    def at_most(self, more_f: int, more_df: int) -> Iterator[None]:
        """Spend no more than the given numbers of calls, of those that are left, in a block."""
        left = self.f.budget, self.df.budget
        self.f.budget, self.df.budget = min(self.f.calls + more_f, left[0]), min(self.df.calls + more_df, left[1])
        try:
            yield
        finally:
            self.f.budget, self.df.budget = left


def first_reach(x: float) -> float:
    """Return how far from a number differences are taken first: a quarter of it, or a quarter at zero."""
    return abs(x) / 4 or 0.25


class Line:
    """The points ``base + t * direction``, or, for an axis, ``base`` with one coordinate replaced by ``t``.

    On an axis the parameter is the coordinate itself, so no abscissa is ever rounded.
    """

    __slots__ = ("axis", "base", "direction", "high", "low", "output", "problem")

    def __init__(
        self,
        problem: Problem,
        base: Point,
        *,
        axis: int | None = None,
        direction: Sequence[float] = (),
        output: int = 0,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> None:
        """Lay a line through ``base`` along coordinate ``axis`` or ``direction``, of interest in [low, high]."""
        self.problem, self.base, self.axis, self.output = problem, base, axis, output
        self.direction = tuple(direction)
        inside = problem.box[axis] if problem.box and axis is not None else None
        self.low, self.high = (inside.low, inside.high) if inside else (low, high)

    @property
    def start(self) -> float:
        """The parameter of ``base``."""
        return 0.0 if self.axis is None else self.base[self.axis]

    @property
    def reach(self) -> float:
        """The half length of the first segment around it: a direction is as long as it is to be looked along."""
        return 1.0 if self.axis is None else first_reach(self.start)

    def point(self, t: float) -> Point:
        """Return the point of the line at parameter ``t``."""
        if self.axis is not None:
            return (*self.base[: self.axis], t, *self.base[self.axis + 1 :])
        return tuple(x + t * d for x, d in zip(self.base, self.direction, strict=True))

    def snap(self, t: float) -> float:
        """Return the nearest parameter that the arithmetic under test can represent."""
        return t if self.axis is None else self.problem.grid(t)

    def value(self, t: float) -> float:
        """Return f at parameter ``t``; nan where it is not a finite number."""
        value = self.problem.value(self.point(t), self.output)
        return value if math.isfinite(value) else NAN

    def slope(self, t: float) -> float:
        """Return the claimed derivative along the line at ``t``; nan where it is not a finite number."""
        slope = total(self._terms(t))
        return slope if math.isfinite(slope) else NAN

    def strength(self, t: float) -> float:
        """Return the size of the slope at ``t`` if no two partials cancelled; 0 where the gradient is not finite."""
        strength = sum(map(abs, self._terms(t)))
        return strength if math.isfinite(strength) else 0.0

    def _terms(self, t: float) -> list[float]:
        """Return what each partial derivative contributes to the slope at ``t``."""
        partials = self.problem.partials(self.point(t), self.output)
        if self.axis is not None:
            return [partials[self.axis]]
        return [p * d for p, d in zip(partials, self.direction, strict=True) if d]

    def roundoff(self, t: float) -> float:
        """Return a bound on the rounding of the result of f at ``t``."""
        return self.problem.eps * 4.0 * abs(self.problem.value(self.point(t), self.output)) + 1e-322

    def rounding(self, results: Iterable[float], arguments: Iterable[float]) -> float:
        """Bound what rounding adds to differences of f: of its results, and of its arguments, at given parameters."""
        sensitivity = max(map(self._sensitivity, arguments))
        return 2 * max(map(self.roundoff, results)) + 4 * self.problem.eps * sensitivity

    def _sensitivity(self, t: float) -> float:
        """Return the sum of |x_i| |df/dx_i|: how much f answers to a relative change of its arguments."""
        point = self.point(t)
        partials = self.problem.partials(point, self.output)
        sensitivity = sum(abs(x * p) for x, p in zip(point, partials, strict=True))
        return sensitivity if math.isfinite(sensitivity) else 0.0

    def ulp(self, t: float) -> float:
        """Return the spacing of distinguishable parameters at ``t``."""
        eps = self.problem.eps
        if self.axis is not None:
            return max(math.ulp(t), eps * abs(t))
        pairs = zip(self.point(t), self.direction, strict=True)
        return max((eps * abs(x) / abs(d) for x, d in pairs if d), default=math.ulp(t))
