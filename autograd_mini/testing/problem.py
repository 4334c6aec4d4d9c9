"""A problem: a function and its claimed derivative as pure callables on tuples of floats, counted and remembered.

Every other module of the checker speaks to the user's code through a `Problem`, which never raises on behalf of
that code: what raises, or is no finite real number, comes back as nan together with a remembered `Fault`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Point = tuple[float, ...]

NAN = math.nan


class BudgetSpentError(Exception):
    """The number of calls that a check may make is used up."""


class ShapeError(Exception):
    """What the user's function returned has the wrong shape; the message says which and what was expected."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One call of the user's code that raised."""

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
    ``eps`` is the unit roundoff of the arithmetic the function computes in.
    """

    function: Callable[[Point], Sequence[float]]
    jacobian: Callable[[Point], Sequence[Sequence[float]]]
    names: tuple[str, ...]
    outputs: int = 1
    eps: float = 2.0**-52
    budget_f: int = 4000
    budget_g: int = 12000
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
            if self.calls.g >= self.budget_g:
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

    def known_values(self) -> list[Sequence[float]]:
        """Return every value of f seen so far."""
        return list(self._values.values())

    def gradient_never_worked(self) -> bool:
        """Return whether no call of the gradient gave a finite number."""
        return not any(math.isfinite(p) for rows in self._rows.values() for row in rows for p in row)

    def allow(self, more_f: int, more_g: int) -> None:
        """Set the budget to what is spent so far plus the given numbers of calls."""
        self.budget_f, self.budget_g = self.calls.f + more_f, self.calls.g + more_g
