"""A problem: a function and its claimed derivative as callables on tuples of floats, counted and remembered.

Every other module of the checker calls the user's code through a `Problem`, most often along a `Line`. What raises, or
is not a finite real number, is nan there, and the exception is kept as a `Fault`.
"""

from __future__ import annotations

import math
import sys
from array import array
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from autograd_mini.testing.adapters import Claims

    Point = tuple[float, ...]
    Key = Point | bytes

NAN = math.nan

MANY = 64
"""Inputs above which points are arrays, where NumPy is loaded."""
MOST_REMEMBERED = 32_000_000
"""Most numbers of results of the derivative that are remembered."""

T = TypeVar("T")


def key_of(point: Sequence[float]) -> Key:
    """Return what a point is remembered by: a short digest of many numbers."""
    if len(point) <= MANY:
        return tuple(point)
    return blake2b(array("d", point).tobytes() if isinstance(point, tuple) else point.tobytes()).digest()  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Projection:
    """A weighted sum of the outputs, checked as if it were one of them."""

    weights: tuple[float, ...]

    def of(self, values: Sequence[float]) -> float:
        """Return the weighted sum of one number an output."""
        return total(w * v for w, v in zip(self.weights, values, strict=True))

    def of_rows(self, rows: Sequence[Sequence[float]]) -> Sequence[float]:
        """Return the weighted sum of one row an output."""
        if hasattr(rows, "dtype"):
            product: Sequence[float] = sys.modules["numpy"].array(self.weights) @ rows
            return product
        return [total(w * v for w, v in zip(self.weights, column, strict=True)) for column in zip(*rows, strict=True)]


Output = int | Projection
"""An output by its number, or a weighted sum of all."""


class BudgetSpentError(Exception):
    """The number of calls that a check may make is used up."""


class TimeSpentError(BudgetSpentError):
    """The seconds that a check may take are used up."""


class ShapeError(Exception):
    """What the user's function returned has the wrong shape; the message says which and what was expected."""


STOPPED: dict[type[Exception], str] = {
    TimeSpentError: "the budget of seconds is spent",
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
    known: dict[Key, T | None] = field(default_factory=dict)
    most_known: int | None = None
    first: Point | None = None
    seconds: float = 0.0
    deadline: float = math.inf

    def __call__(self, point: Point) -> T | None:
        """Return the result at ``point``; None where the function raised."""
        key = key_of(point) if len(point) > MANY else point
        try:
            return self.known[key]
        except KeyError:
            if self.calls >= self.budget or self.calls == len(self.faults) == self.most_faults:
                raise BudgetSpentError from None
        start = perf_counter()
        if start > self.deadline:
            raise TimeSpentError
        self.calls += 1
        self.first = point if self.first is None else self.first
        try:
            result: T | None = self.function(point)
        except ShapeError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises marks the edge of its domain
            self.faults.append(Fault(tuple(map(float, point)), error))
            result = None
        self.seconds += perf_counter() - start
        if self.most_known is not None and len(self.known) >= self.most_known:
            del self.known[next(iter(self.known))]
        self.known[key] = result
        return result

    def again(self, point: Point) -> T | None:
        """Return the result of a further call at ``point``, which is not remembered; None where the function raised."""
        if self.calls >= self.budget:
            raise BudgetSpentError
        if perf_counter() > self.deadline:
            raise TimeSpentError
        self.calls += 1
        try:
            return self.function(point)
        except ShapeError:
            raise
        except Exception:  # noqa: BLE001 - whatever the user's code raises
            return None

    @property
    def price(self) -> float:
        """The mean seconds of a call."""
        return self.seconds / max(1, self.calls)


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
        sizes: the lengths of the arrays that f is given or uses.
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
        self.sizes: set[int] = set()
        self.claims: Claims | None = None

    @property
    def vectors(self) -> bool:
        """Whether points are NumPy's arrays."""
        return len(self.names) > MANY and "numpy" in sys.modules

    def value(self, point: Point, output: Output = 0) -> float:
        """Return one output at ``point``; nan where the function raised or is not a real number."""
        values = self.f(point)
        if values is None:
            return NAN
        return values[output] if isinstance(output, int) else output.of(values)

    def size(self, point: Point, output: Output = 0) -> float:
        """Return the size of one output, or of what a sum of them consists of."""
        values = self.f(point)
        if values is None or isinstance(output, int):
            return NAN if values is None else abs(values[output])  # type: ignore[index]
        return sum(abs(w * v) for w, v in zip(output.weights, values, strict=True))

    def partials(self, point: Point, output: Output = 0) -> Sequence[float]:
        """Return the claimed partial derivatives of one output at ``point``; nan where the gradient raised."""
        rows = self.df(point)
        if rows is None:
            return [NAN] * len(self.names)
        if not isinstance(output, int):
            return output.of_rows(rows)
        return row_of(rows, output)

    def output_name(self, output: Output) -> str:
        """Return ``f``, or ``f[1]`` where there are several outputs."""
        return f"f[{output}]" if self.outputs > 1 and isinstance(output, int) else "f"

    def not_finite(self) -> Point | None:
        """Return the point to check if f is no finite number there; without it, some point if f is none anywhere."""
        if self.at is not None:
            values = self.f.known.get(key_of(self.at), ())
            return None if values is not None and all(map(math.isfinite, values)) else self.at
        return None if any(map(math.isfinite, self.known_values())) else self.f.first

    def known_values(self, output: Output | None = None) -> list[float]:
        """Return every value of one output seen so far, or of all."""
        rows = [row for row in self.f.known.values() if row is not None]
        if isinstance(output, Projection):
            return [output.of(row) for row in rows]
        return [v for row in rows for v in (row if output is None else [row[output]])]

    def gradient_never_worked(self) -> bool:
        """Return whether no call of the gradient gave a finite number."""
        return not any(
            math.isfinite(p)
            for rows in self.df.known.values()
            for i in range(0 if rows is None else self.outputs)
            for p in row_of(rows, i)
        )

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


def row_of(rows: Any, output: int) -> Sequence[float]:
    """Return one row of a Jacobian, which may be a sparse matrix."""
    row: Sequence[float] = rows[[output]].toarray()[0] if hasattr(rows, "toarray") else rows[output]
    return row


def first_reach(x: float) -> float:
    """Return how far from a number differences are taken first: a quarter of it, or a quarter at zero."""
    return abs(x) / 4 or 0.25


class Line:
    """The points ``base + t * direction``, or, for an axis, ``base`` with one coordinate replaced by ``t``.

    On an axis the parameter is the coordinate itself, so no abscissa is ever rounded.
    """

    __slots__ = ("_slopes", "axis", "base", "direction", "high", "low", "output", "problem")

    def __init__(
        self,
        problem: Problem,
        base: Point,
        *,
        axis: int | None = None,
        direction: Sequence[float] = (),
        output: Output = 0,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> None:
        """Lay a line through ``base`` along coordinate ``axis`` or ``direction``, of interest in [low, high]."""
        self.problem, self.base, self.axis, self.output = problem, base, axis, output
        self.direction: Sequence[float] = tuple(direction)
        if problem.vectors:
            numpy = sys.modules["numpy"]
            self.base, self.direction = numpy.array(base), numpy.array(direction)
        self._slopes: dict[float, float] = {}
        inside = problem.box[axis] if problem.box and axis is not None else None
        self.low, self.high = (inside.low, inside.high) if inside else (low, high)

    @property
    def start(self) -> float:
        """The parameter of ``base``."""
        return 0.0 if self.axis is None else float(self.base[self.axis])

    @property
    def reach(self) -> float:
        """The half length of the first segment around it: a direction is as long as it is to be looked along."""
        return 1.0 if self.axis is None else first_reach(self.start)

    def point(self, t: float) -> Point:
        """Return the point of the line at parameter ``t``."""
        if self.problem.vectors:
            moved: Any = self.base + t * self.direction if self.axis is None else self.base.copy()  # type: ignore[operator, attr-defined]
            if self.axis is not None:
                moved[self.axis] = t
            return moved  # type: ignore[no-any-return]
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
        known = self._slopes.get(t)
        if known is None:
            slope = total(self._terms(t))
            known = self._slopes[t] = slope if math.isfinite(slope) else NAN
        return known

    def strength(self, t: float) -> float:
        """Return the size of the slope at ``t`` if no two partials cancelled; 0 where the gradient is not finite."""
        strength = sum(map(abs, self._terms(t)))
        return strength if math.isfinite(strength) else 0.0

    def _terms(self, t: float) -> list[float]:
        """Return what each partial derivative contributes to the slope at ``t``."""
        partials = self.problem.partials(self.point(t), self.output)
        if self.axis is not None:
            return [float(partials[self.axis])]
        if self.problem.vectors:
            products: list[float] = (self.direction * sys.modules["numpy"].asarray(partials)).tolist()
            return products
        return [p * d for p, d in zip(partials, self.direction, strict=True) if d]

    def roundoff(self, t: float) -> float:
        """Return a bound on the rounding of the result of f at ``t``."""
        return self.problem.eps * 4.0 * self.problem.size(self.point(t), self.output) + 1e-322

    def rounding(self, results: Iterable[float], arguments: Iterable[float]) -> float:
        """Bound what rounding adds to differences of f: of its results, and of its arguments, at given parameters."""
        sensitivity = max(map(self._sensitivity, arguments))
        return 2 * max(map(self.roundoff, results)) + 4 * self.problem.eps * sensitivity

    def _sensitivity(self, t: float) -> float:
        """Return the sum of |x_i| |df/dx_i|: how much f answers to a relative change of its arguments."""
        point = self.point(t)
        partials = self.problem.partials(point, self.output)
        if self.problem.vectors:
            numpy = sys.modules["numpy"]
            sensitivity = float(numpy.abs(numpy.asarray(point) * partials).sum())
        else:
            sensitivity = sum(abs(x * p) for x, p in zip(point, partials, strict=True))
        return sensitivity if math.isfinite(sensitivity) else 0.0

    def ulp(self, t: float) -> float:
        """Return the spacing of distinguishable parameters at ``t``."""
        eps = self.problem.eps
        if self.axis is not None:
            return max(math.ulp(t), eps * abs(t))
        if self.problem.vectors:
            moved = self.direction != 0  # type: ignore[comparison-overlap]
            sizes: Any = abs(self.point(t)[moved] / self.direction[moved])
            return float(eps * sizes.max()) if sizes.size else math.ulp(t)
        pairs = zip(self.point(t), self.direction, strict=True)
        return max((eps * abs(x) / abs(d) for x, d in pairs if d), default=math.ulp(t))
