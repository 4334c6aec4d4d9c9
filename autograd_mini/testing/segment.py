"""A segment: a stretch of a line over which the change of f is compared with the integral of its claimed derivative.

If g is the derivative of f, then f(b) - f(a) equals the integral of g from a to b. There is no step size to choose;
kinks do not matter, and noise is divided by the length. What separates the two sides for a right derivative is the
rounding of f, which is known, and the error of the quadrature, which is estimated from g alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autograd_mini.testing.quadrature import (
    CHECKPOINTS,
    GAUSS,
    NODES,
    WEIGHTS,
    checkpoint_weights,
    coefficients,
    integral_to,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.testing.problem import Line

QUADRATURE_SAFETY = 10.0
"""Factor on the estimated error of a quadrature."""


@dataclass(slots=True)
class Segment:
    """What a comparison over [a, b] found.

    ``state`` is "broken" (f or g is not finite somewhere), "match" or "mismatch". ``quadrature`` and ``rounding`` are
    the two parts of the tolerance, ``l1_norm`` is the integral of abs(g).
    """

    a: float
    b: float
    state: str
    slopes: Sequence[float] = ()
    mismatch: float = 0.0
    quadrature: float = 0.0
    rounding: float = 0.0
    l1_norm: float = 0.0
    scale: float = 0.0

    @property
    def tolerance(self) -> float:
        """The largest mismatch that rounding and quadrature explain."""
        return self.quadrature + self.rounding

    @property
    def integral(self) -> float:
        """The integral of g from a to b."""
        return (self.b - self.a) / 2 * sum(w * s for w, s in zip(WEIGHTS, self.slopes, strict=True))

    @property
    def resolution(self) -> float:
        """The smallest relative error of the derivative that this comparison could see."""
        reference = self.l1_norm or self.scale
        return self.tolerance / reference if reference else 0.0


def compare(line: Line, a: float, b: float, checks: slice = slice(None)) -> Segment:
    """Compare f with the integral of g over [a, b] at its ends and inner points: 15 calls of g, 5 or fewer of f.

    ``checks`` picks from the four `CHECKPOINTS`, of which the last is the end ``b``.
    """
    half, middle = (b - a) / 2, a + (b - a) / 2
    slopes = [line.slope(line.snap(middle + half * x)) for x in NODES]
    if not all(map(math.isfinite, slopes)):
        return Segment(a, b, "broken", slopes)
    positions = [a, *(line.snap(middle + half * x) for x in CHECKPOINTS[checks][:-1]), b]
    values = [line.value(t) for t in positions]
    l1_norm = half * sum(w * abs(s) for w, s in zip(WEIGHTS, slopes, strict=True))
    if not (all(map(math.isfinite, values)) and math.isfinite(l1_norm)):
        return Segment(a, b, "broken", slopes)
    fine, coarse = (weights[checks] for weights in checkpoint_weights())
    inner = slopes[1::2]
    integrals = [half * sum(w * s for w, s in zip(row, slopes, strict=True)) for row in fine]
    roughs = [half * sum(w * s for w, s in zip(row, inner, strict=True)) for row in coarse]
    quadrature = QUADRATURE_SAFETY * max(abs(i - r) for i, r in zip(integrals, roughs, strict=True))
    rounding = _rounding(line, positions, slopes, l1_norm)
    mismatch = max(
        (value - values[0] - integral for value, integral in zip(values[1:], integrals, strict=True)), key=abs
    )
    scale = max(map(abs, values))
    state = "mismatch" if not abs(mismatch) <= quadrature + rounding else "match"
    return Segment(a, b, state, slopes, mismatch, quadrature, rounding, l1_norm, scale)


def _rounding(line: Line, positions: Sequence[float], slopes: Sequence[float], l1_norm: float) -> float:
    """Bound what rounding contributes: of the results of f, of its arguments, of the abscissas, of the sum itself."""
    eps = line.problem.eps
    half, middle = (positions[-1] - positions[0]) / 2, (positions[-1] + positions[0]) / 2
    results = 2 * max(map(line.roundoff, positions))
    arguments = 4 * eps * max(line.sensitivity(line.snap(middle + half * x)) for x in NODES[::7])
    variation = sum(abs(s - t) for s, t in zip(slopes[1:], slopes, strict=False))
    return results + arguments + variation * line.ulp(max(positions, key=abs)) + 16 * 2.0**-52 * l1_norm


@dataclass(slots=True)
class Panel:
    """One piece of an `Integral`: a polynomial that stands for g on [a, b]."""

    a: float
    b: float
    series: Sequence[float]
    error: float
    l1_norm: float

    def up_to(self, t: float) -> float:
        """Return the integral from ``a`` to ``t``."""
        half = (self.b - self.a) / 2
        return half * integral_to(max(-1.0, min(1.0, (t - self.a) / half - 1.0)), self.series)


@dataclass(slots=True)
class Integral:
    """The integral of g from ``a`` on, as pieces that split until their errors add up to less than ``goal``."""

    line: Line
    a: float
    b: float
    goal: float
    limit: int = 40
    panels: list[Panel] = field(default_factory=list)
    broken: bool = False

    def __post_init__(self) -> None:
        """Sample g, halving the piece with the largest error, at most ``limit`` times."""
        self.panels = [self._panel(self.a, self.b)]
        for _ in range(self.limit):
            if self.broken or self.error <= self.goal:
                break
            worst = max(self.panels, key=lambda panel: panel.error)
            middle = worst.a + (worst.b - worst.a) / 2
            if worst.b - worst.a < 32 * self.line.ulp(middle):
                break
            self.panels.remove(worst)
            self.panels += [self._panel(worst.a, middle), self._panel(middle, worst.b)]
        self.panels.sort(key=lambda panel: panel.a)

    @property
    def error(self) -> float:
        """The estimated error of the whole integral."""
        return sum(panel.error for panel in self.panels)

    def _panel(self, a: float, b: float) -> Panel:
        half, middle = (b - a) / 2, a + (b - a) / 2
        slopes = [self.line.slope(self.line.snap(middle + half * x)) for x in NODES]
        if not all(map(math.isfinite, slopes)):
            self.broken = True
            return Panel(a, b, [0.0] * 15, math.inf, 0.0)
        whole = half * sum(w * s for w, s in zip(WEIGHTS, slopes, strict=True))
        rough = half * sum(w * s for w, s in zip(GAUSS, slopes[1::2], strict=True))
        l1_norm = half * sum(w * abs(s) for w, s in zip(WEIGHTS, slopes, strict=True))
        return Panel(a, b, coefficients(slopes), QUADRATURE_SAFETY * abs(whole - rough), l1_norm)

    def residuals(self, positions: Sequence[float]) -> list[float]:
        """Return f minus the integral of g at ascending ``positions``, less its value at the first of them."""
        known, found, index = 0.0, [], 0
        for t in positions:
            while t > self.panels[index].b and index + 1 < len(self.panels):
                known += self.panels[index].up_to(self.panels[index].b)
                index += 1
            found.append(self.line.value(t) - (known + self.panels[index].up_to(t)))
        return [r - found[0] for r in found]

    def error_between(self, a: float, b: float) -> float:
        """Return the estimated error of the integral over the pieces that meet [a, b]."""
        return sum(panel.error for panel in self.panels if panel.b > a and panel.a < b)
