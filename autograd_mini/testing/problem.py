"""A problem: a function and its claimed derivative as callables on tuples of floats, counted and remembered.

Every other module of the checker calls the user's code through a `Problem`. What raises, or is not a finite real
number, is nan there, and the exception is kept as a `Fault`.
"""

from __future__ import annotations

import math
import sys
from array import array
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from autograd_mini.testing.claims import Claims
    from autograd_mini.testing.line import Interval

    Point = tuple[float, ...]
    Key = Point | int

NAN = math.nan

MANY = 64
"""Inputs above which points are arrays, where NumPy is loaded."""
MOST_REMEMBERED = 32_000_000
"""Most numbers of results of the derivative that are remembered."""
MOST_TOGETHER = 4_000_000
"""Most numbers of points, or of their results, in a batch."""

T = TypeVar("T")


def key_of(point: Sequence[float]) -> Key:
    """Return what a point is remembered by: the hash of the bytes of many numbers."""
    if len(point) <= MANY:
        return tuple(point)
    return hash((array("d", point) if isinstance(point, tuple) else point).tobytes())  # type: ignore[attr-defined]


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
class Fault:
    """One call of the user's code that raised, at the point ``where``."""

    where: Point
    error: Exception

    def __str__(self) -> str:
        """Describe the fault as ``ValueError: math domain error``."""
        return f"{type(self.error).__name__}: {self.error}"


@dataclass(slots=True)
class Callee(Generic[T]):
    """One of the user's functions as the checker calls it: once a point, at no more than ``budget`` points.

    One that raises ``most_faults`` times before it has worked once is not called again. One that takes batches has
    ``together``, which gets up to ``most_together`` points at once: those that `ahead` announces. The checker then asks
    for each of them as it does without batches, so every decision is the same.

    Attributes:
        points: how many points were asked for.
        calls: how many calls were made.
        known: what was returned for the points asked for; None where the function raised.
        ready: what batches returned for points that nobody has asked for yet.

    """

    function: Callable[[Point], T]
    budget: int
    most_faults: int | None = None
    together: Callable[[Sequence[Point]], Sequence[T]] | None = None
    most_together: int = 1
    points: int = 0
    calls: int = 0
    faults: list[Fault] = field(default_factory=list)
    known: dict[Key, T | None] = field(default_factory=dict)
    most_known: int | None = None
    ready: dict[Key, T] = field(default_factory=dict)
    first: Point | None = None
    seconds: float = 0.0
    deadline: float = math.inf

    def __call__(self, point: Point) -> T | None:
        """Return the result at ``point``; None where the function raised."""
        key = key_of(point) if len(point) > MANY else point
        try:
            return self.known[key]
        except KeyError:
            if not self.left or (self.never_worked and len(self.faults) == self.most_faults):
                raise BudgetSpentError from None
        self.points += 1
        self.first = point if self.first is None else self.first
        result = self.ready.pop(key) if key in self.ready else self._called(point)
        if self.most_known is not None and len(self.known) >= self.most_known:
            del self.known[next(iter(self.known))]
        self.known[key] = result
        return result

    def _called(self, point: Point) -> T | None:
        """Return the result of a call; None, and a fault recorded, if it raises."""
        start = self._started()
        try:
            return self.function(point)
        except ShapeError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the user's code raises marks the edge of its domain
            self.faults.append(Fault(tuple(map(float, point)), error))
            return None
        finally:
            self.seconds += perf_counter() - start

    def _started(self) -> float:
        """Count a call, and return the time; raise if there is none left."""
        start = perf_counter()
        if start > self.deadline:
            raise TimeSpentError
        self.calls += 1
        return start

    def ahead(self, points: Iterable[Point]) -> None:
        """Evaluate at points that are going to be asked for, as batches; where one raises, single calls will tell."""
        if self.together is None:
            return
        new = {key: at for at in points if (key := key_of(at)) not in self.known and key not in self.ready}
        waiting = [*new.items()]
        while len(waiting) > 1:
            part, waiting = waiting[: self.most_together], waiting[self.most_together :]
            if self.most_known is not None and len(self.ready) > self.most_known:
                self.ready.clear()
            start = self._started()
            try:
                self.ready |= zip((key for key, _ in part), self.together([at for _, at in part]), strict=True)
            except ShapeError:
                raise
            except Exception:  # noqa: BLE001 - whatever the user's code raises, at any of these points
                return
            finally:
                self.seconds += perf_counter() - start

    def again(self, point: Point) -> T | None:
        """Return the result of a further call at ``point``, which is not remembered; None where the function raised."""
        if not self.left:
            raise BudgetSpentError
        self._started()
        self.points += 1
        try:
            return self.function(point)
        except ShapeError:
            raise
        except Exception:  # noqa: BLE001 - whatever the user's code raises
            return None

    @property
    def left(self) -> int:
        """How many more points may be asked for."""
        return max(0, self.budget - self.points)

    @property
    def never_worked(self) -> bool:
        """Whether the function raised at every point so far."""
        return self.points == len(self.faults)

    @property
    def price(self) -> float:
        """The mean seconds that a point took."""
        return self.seconds / max(1, self.points)


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
        arrays: the arrays that f is given or uses.
        scarce: whether f is so slow that an explanation has to do with a few calls.
        claims: what makes rows of partial derivatives of what the user's derivative returns.
        derivative: the user's derivative; None where it is an engine's.
        claimed_by: returns the rows of another derivative in its place at a point.

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
        self.arrays: Sequence[Any] = ()
        self.scarce = False
        self.claims: Claims | None = None
        self.derivative: Callable[..., Any] | None = None
        self.claimed_by: Callable[[Callable[..., Any], Point], Sequence[Sequence[float]]] = lambda _, at: jacobian(at)

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
        self.f.budget, self.df.budget = self.f.points + more_f, self.df.points + more_df

    @contextmanager
    def at_most(self, more_f: int, more_df: int) -> Iterator[None]:
        """Spend no more than the given numbers of calls, of those that are left, in a block."""
        left = self.f.budget, self.df.budget
        self.f.budget, self.df.budget = min(self.f.points + more_f, left[0]), min(self.df.points + more_df, left[1])
        try:
            yield
        finally:
            self.f.budget, self.df.budget = left


def row_of(rows: Any, output: int) -> Sequence[float]:
    """Return one row of a Jacobian, which may be a sparse matrix."""
    row: Sequence[float] = rows[[output]].toarray()[0] if hasattr(rows, "toarray") else rows[output]
    return row
