"""A problem: a function and its claimed derivative as callables on tuples of floats, counted and cached.

Every other module of the checker calls the user's code through a `Problem`, most often along a `Line`. What raises, or
is not a finite real number, is nan there, and the exception is kept as a `Fault`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Point = tuple[float, ...]

NAN = math.nan


class BudgetSpentError(Exception):
    """The number of calls that a check may make is used up."""


BEYOND_FLOATS = "its numbers leave the range of floats"
"""Why a check gives up that divides by 0 or overflows on numbers of f and df."""


class ShapeError(Exception):
    """What the user's function returned has the wrong shape; the message says which and what was expected."""


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
class Calls:
    """How many times the user's function and gradient were called."""

    f: int = 0
    g: int = 0

    def __str__(self) -> str:
        """Describe the counts as in ``86 f-calls, 640 gradient calls``."""
        return f"{self.f} f-calls, {self.g} gradient calls"


@dataclass
class Problem:
    """A function of ``len(names)`` numbers to ``outputs`` numbers, with its claimed Jacobian.

    ``function`` maps a point to a list of ``outputs`` floats, ``jacobian`` to ``outputs`` rows of partials.
    ``eps`` is the unit roundoff of the arithmetic the function computes in. A gradient that raises ``most_faults``
    times before it has worked once is not called again.
    """

    function: Callable[[Point], Sequence[float]]
    jacobian: Callable[[Point], Sequence[Sequence[float]]]
    names: tuple[str, ...]
    outputs: int = 1
    eps: float = 2.0**-52
    budget_f: int = 4000
    budget_g: int = 12000
    most_faults: int | None = None
    output_names: tuple[str, ...] = ("f",)
    grid: Callable[[float], float] | None = None
    known_outputs: bool = False
    constants: set[float] = field(default_factory=set)
    calls: Calls = field(default_factory=Calls)
    faults_f: list[Fault] = field(default_factory=list)
    faults_g: list[Fault] = field(default_factory=list)
    _values: dict[Point, Sequence[float]] = field(default_factory=dict)
    _rows: dict[Point, Sequence[Sequence[float]]] = field(default_factory=dict)

    def value(self, point: Point, output: int = 0) -> float:
        """Return output number ``output`` at ``point``; nan where the function raised or is not a real number."""
        known = self._values.get(point)
        if known is None:
            if self.calls.f >= self.budget_f:
                raise BudgetSpentError
            self.calls.f += 1
            try:
                known = self.function(point)
            except (BudgetSpentError, ShapeError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever the user's code raises marks the edge of its domain
                self.faults_f.append(Fault(point, error))
                known = [NAN] * self.outputs
            self._values[point] = known
        return known[output]

    def partials(self, point: Point, output: int = 0) -> Sequence[float]:
        """Return the claimed partial derivatives of one output at ``point``; nan where the gradient raised."""
        known = self._rows.get(point)
        if known is None:
            if self.calls.g >= self.budget_g or self.calls.g == len(self.faults_g) == self.most_faults:
                raise BudgetSpentError
            self.calls.g += 1
            try:
                known = self.jacobian(point)
            except (BudgetSpentError, ShapeError):
                raise
            except Exception as error:  # noqa: BLE001 - as above
                self.faults_g.append(Fault(point, error))
                known = [[NAN] * len(self.names)] * self.outputs
            self._rows[point] = known
        return known[output]

    def set_outputs(self, count: int) -> None:
        """Settle, at the first value that f returns, how many outputs it has."""
        self.outputs, self.known_outputs = count, True
        self.output_names = ("f",) if count == 1 else tuple(f"f[{i}]" for i in range(count))
        self._values = {point: [NAN] * count for point in self._values}

    def not_finite(self, wanted: Point | None) -> Point | None:
        """Return ``wanted`` if an output is no finite number there, or, without it, a point if none is anywhere."""
        if wanted is not None:
            return None if all(map(math.isfinite, self._values.get(wanted, ()))) else wanted
        if any(math.isfinite(v) for row in self._values.values() for v in row):
            return None
        return next(iter(self._values), None)

    def known_values(self) -> list[Sequence[float]]:
        """Return every value of f seen so far."""
        return list(self._values.values())

    def gradient_never_worked(self) -> bool:
        """Return whether no call of the gradient gave a finite number."""
        return not any(math.isfinite(p) for rows in self._rows.values() for row in rows for p in row)

    def allow(self, more_f: int, more_g: int) -> None:
        """Set the budget to what is spent so far plus the given numbers of calls."""
        self.budget_f, self.budget_g = self.calls.f + more_f, self.calls.g + more_g


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
        self.low, self.high = low, high
        self.problem, self.base, self.axis, self.output = problem, base, axis, output
        self.direction = tuple(direction)

    def point(self, t: float) -> Point:
        """Return the point of the line at parameter ``t``."""
        if self.axis is not None:
            return (*self.base[: self.axis], t, *self.base[self.axis + 1 :])
        return tuple(x + t * d for x, d in zip(self.base, self.direction, strict=True))

    def snap(self, t: float) -> float:
        """Return the nearest parameter that the arithmetic under test can represent."""
        grid = self.problem.grid
        return t if grid is None or self.axis is None else grid(t)

    def value(self, t: float) -> float:
        """Return f at parameter ``t``; nan where it is not a finite number."""
        value = self.problem.value(self.point(t), self.output)
        return value if math.isfinite(value) else math.nan

    def slope(self, t: float) -> float:
        """Return the claimed derivative along the line at ``t``; nan where it is not a finite number."""
        partials = self.problem.partials(self.point(t), self.output)
        if self.axis is not None:
            slope = partials[self.axis]
        else:
            slope = (
                total(p * d for p, d in zip(partials, self.direction, strict=True) if d)
                if self._finite(partials)
                else math.nan
            )
        return slope if math.isfinite(slope) else math.nan

    def _finite(self, partials: Sequence[float]) -> bool:
        return all(math.isfinite(p) for p, d in zip(partials, self.direction, strict=True) if d)

    def roundoff(self, t: float) -> float:
        """Return a bound on the rounding of the result of f at ``t``."""
        return self.problem.eps * 4.0 * abs(self.problem.value(self.point(t), self.output)) + 1e-322

    def sensitivity(self, t: float) -> float:
        """Return the sum of |x_i| |df/dx_i|: how much f answers to a relative change of its arguments."""
        point = self.point(t)
        partials = self.problem.partials(point, self.output)
        total = sum(abs(x * p) for x, p in zip(point, partials, strict=True))
        return total if math.isfinite(total) else 0.0

    def strength(self, t: float) -> float:
        """Return the size of the slope at ``t`` if no two partials cancelled; 0 where the gradient is not finite."""
        partials = self.problem.partials(self.point(t), self.output)
        if self.axis is not None:
            strength = abs(partials[self.axis])
        else:
            strength = sum(abs(p * d) for p, d in zip(partials, self.direction, strict=True) if d)
        return strength if math.isfinite(strength) else 0.0

    def ulp(self, t: float) -> float:
        """Return the spacing of distinguishable parameters at ``t``."""
        if self.axis is not None:
            return max(math.ulp(t), self.problem.eps * abs(t))
        return max(
            (self.problem.eps * abs(x) / abs(d) for x, d in zip(self.point(t), self.direction, strict=True) if d),
            default=math.ulp(t),
        )
