"""A segment: a stretch of a line over which the change of f is compared with the integral of its claimed derivative.

If g is the derivative of f, then f(b) - f(a) equals the integral of g from a to b. There is no step size to choose;
kinks do not matter, and noise is divided by the length. What separates the two sides for a right derivative is the
rounding of f, which is known, and the error of the quadrature, which is estimated from g alone.

The quadrature is Gauss-Kronrod's of fifteen samples. They also fix a polynomial of degree 14, so the same samples give
the integral up to *any* inner abscissa: a whole residual curve costs calls of f alone.

Source of nodes and weights: Piessens et al., QUADPACK (1983), rule ``qk15``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from operator import mul
from typing import TYPE_CHECKING

from autograd_mini.testing.libraries import PRECISIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from autograd_mini.testing.line import Line

QUADRATURE_SAFETY = 10.0
"""Factor on the estimated error of a quadrature."""
FALLING = 0.25
"""Factor by which each two coefficients of a smooth function are smaller than the two before them, at most."""
TO_SINGLE = PRECISIONS["float32"][1]
MOST_PANELS = 40
"""Most times that an integral is split."""
_POSITIVE_NODES = (
    0.991455371120812639206854697526329,
    0.949107912342758524526189684047851,
    0.864864423359769072789712788640926,
    0.741531185599394439863864773280788,
    0.586087235467691130294144691693013,
    0.405845151377397166906606412076961,
    0.207784955007898467600689403773245,
)
_POSITIVE_WEIGHTS = (
    0.022935322010529224963732008058970,
    0.063092092629978553290700663189204,
    0.104790010322250183839876322541518,
    0.140653259715525918745189590510238,
    0.169004726639267902826583426598550,
    0.190350578064785409913256402421014,
    0.204432940075298892414161999234649,
)
_GAUSS_HALF = (
    0.129484966168869693270611432679082,
    0.279705391489276667901467771423780,
    0.381830050505118944950369775488975,
)

NODES = (*(-x for x in _POSITIVE_NODES), 0.0, *reversed(_POSITIVE_NODES))
WEIGHTS = (*_POSITIVE_WEIGHTS, 0.209482141084727828012999174891714, *reversed(_POSITIVE_WEIGHTS))
GAUSS = (*_GAUSS_HALF, 0.417959183673469387755102040816327, *reversed(_GAUSS_HALF))

# Where, besides the two ends, a segment compares f with the integral: an error that is odd about the middle
# integrates to nothing over the whole, and is seen here.
CHECKPOINTS: tuple[float, ...] = (-0.5, 0.0, 0.5, 1.0)


def legendre(x: float, degree: int) -> list[float]:
    """Return the Legendre polynomials P_0 ... P_degree at ``x``.

    >>> legendre(0.5, 2)
    [1.0, 0.5, -0.125]
    """
    values = [1.0, x]
    for k in range(1, degree):
        values.append(((2 * k + 1) * x * values[k] - k * values[k - 1]) / (k + 1))
    return values[: degree + 1]


def antiderivatives(x: float, degree: int) -> list[float]:
    """Return the integrals of P_0 ... P_degree from -1 to ``x``."""
    values = legendre(x, degree + 1)
    return [x + 1.0, *((values[k + 1] - values[k - 1]) / (2 * k + 1) for k in range(1, degree + 1))]


def _inverse(matrix: list[list[float]]) -> list[list[float]]:
    size = len(matrix)
    rows = [[*row, *(float(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda i: abs(rows[i][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        head = rows[column][column]
        rows[column] = [v / head for v in rows[column]]
        for i in range(size):
            if i != column:
                factor = rows[i][column]
                rows[i] = [v - factor * w for v, w in zip(rows[i], rows[column], strict=True)]
    return [row[size:] for row in rows]


@lru_cache(maxsize=1)
def _interpolation() -> list[list[float]]:
    """Return the matrix from samples at `NODES` to Legendre coefficients."""
    return _inverse([legendre(x, 14) for x in NODES])


@lru_cache(maxsize=1)
def checkpoint_weights() -> tuple[list[list[float]], list[list[float]]]:
    """Return, for each of `CHECKPOINTS`, weights of the integral from -1 up to it: fifteen nodes, and seven."""
    whole = _interpolation()
    known = [legendre(x, 6) for x in NODES[1::2]]
    gauss = [[(k + 0.5) * w * p[k] for w, p in zip(GAUSS, known, strict=True)] for k in range(7)]
    return tuple(  # type: ignore[return-value]
        [[dot(antiderivatives(x, len(rows) - 1), column) for column in zip(*rows, strict=True)] for x in CHECKPOINTS]
        for rows in (whole, gauss)
    )


def coefficients(samples: Sequence[float]) -> list[float]:
    """Return the fifteen Legendre coefficients of the polynomial through samples at `NODES`."""
    return [dot(row, samples) for row in _interpolation()]


def integral_to(x: float, series: Sequence[float]) -> float:
    """Return the integral from -1 to ``x`` of a Legendre series.

    >>> integral_to(1.0, [3.0, 5.0])
    6.0
    """
    return dot(series, antiderivatives(x, len(series) - 1))


def dot(weights: Iterable[float], samples: Iterable[float]) -> float:
    """Return the weighted sum of samples."""
    weighted: Iterable[float] = map(mul, weights, samples)
    return sum(weighted)


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
    def smooth(self) -> bool:
        """Whether the last Legendre coefficients of g fall: the quadrature then errs by far less than is estimated.

        So does what is rounded to single precision, of which shorter segments show no more.
        """
        if all(TO_SINGLE(s) == s for s in self.slopes):
            return True
        last = [abs(c) for c in coefficients(self.slopes)[-4:]]
        return max(last[2:]) < FALLING * max(last[:2])

    @property
    def integral(self) -> float:
        """The integral of g from a to b."""
        return (self.b - self.a) / 2 * dot(WEIGHTS, self.slopes)


def nodes(line: Line, a: float, b: float) -> list[float]:
    """Return where g is asked for on [a, b]."""
    half, middle = (b - a) / 2, a + (b - a) / 2
    return [line.snap(middle + half * x) for x in NODES]


def checkpoints(line: Line, a: float, b: float, checks: slice = slice(None)) -> list[float]:
    """Return where f is asked for on [a, b]: at its ends, and at those of the inner `CHECKPOINTS` that are picked."""
    half, middle = (b - a) / 2, a + (b - a) / 2
    return [a, *(line.snap(middle + half * x) for x in CHECKPOINTS[checks][:-1]), b]


def announce(stretches: Sequence[tuple[Line, float, float]], checks: slice = slice(None)) -> None:
    """Evaluate together what comparisons over stretches of lines are going to ask for, where f or df take batches."""
    for line, *_ in stretches[:1]:
        problem = line.problem
        problem.df.ahead(line.point(t) for line, a, b in stretches for t in nodes(line, a, b))
        problem.f.ahead(line.point(t) for line, a, b in stretches for t in checkpoints(line, a, b, checks))


def compare(line: Line, a: float, b: float, checks: slice = slice(None)) -> Segment:
    """Compare f with the integral of g over [a, b] at its ends and inner points: 15 calls of g, 5 or fewer of f.

    ``checks`` picks from the four `CHECKPOINTS`, of which the last is the end ``b``.
    """
    half, middle = (b - a) / 2, a + (b - a) / 2
    slopes = line.slopes(nodes(line, a, b))
    if not all(map(math.isfinite, slopes)):
        return Segment(a, b, "broken", slopes)
    positions = checkpoints(line, a, b, checks)
    values = line.values(positions)
    l1_norm = half * dot(WEIGHTS, map(abs, slopes))
    if not (all(map(math.isfinite, values)) and math.isfinite(l1_norm)):
        return Segment(a, b, "broken", slopes)
    fine, coarse = (weights[checks] for weights in checkpoint_weights())
    integrals = [half * dot(row, slopes) for row in fine]
    roughs = [half * dot(row, slopes[1::2]) for row in coarse]
    quadrature = QUADRATURE_SAFETY * max(abs(i - r) for i, r in zip(integrals, roughs, strict=True))
    abscissas = sum(abs(s - t) for s, t in zip(slopes[1:], slopes, strict=False)) * line.ulp(max(positions, key=abs))
    rounding = line.rounding(positions, (line.snap(middle + half * x) for x in NODES[::7]))
    rounding += abscissas + 16 * 2.0**-52 * l1_norm
    mismatch = max((v - values[0] - i for v, i in zip(values[1:], integrals, strict=True)), key=abs)
    state = "match" if abs(mismatch) <= quadrature + rounding else "mismatch"
    return Segment(a, b, state, slopes, mismatch, quadrature, rounding, l1_norm, max(map(abs, values)))


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
    """The integral of g from ``a`` on, as some pieces that split until their errors add up to less than ``goal``."""

    line: Line
    a: float
    b: float
    goal: float
    pieces: int = 1
    panels: list[Panel] = field(default_factory=list)
    broken: bool = False

    def __post_init__(self) -> None:
        """Sample g, halving the piece with the largest error."""
        borders = [self.a + (self.b - self.a) * k / self.pieces for k in range(self.pieces)]
        self.panels = [self._panel(a, b) for a, b in pairwise([*borders, self.b])]
        for _ in range(MOST_PANELS):
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

    @property
    def l1_norm(self) -> float:
        """The integral of abs(g)."""
        return sum(panel.l1_norm for panel in self.panels)

    def _panel(self, a: float, b: float) -> Panel:
        half, slopes = (b - a) / 2, self.line.slopes(nodes(self.line, a, b))
        if not all(map(math.isfinite, slopes)):
            self.broken = True
            return Panel(a, b, [0.0] * 15, math.inf, 0.0)
        error = QUADRATURE_SAFETY * half * abs(dot(WEIGHTS, slopes) - dot(GAUSS, slopes[1::2]))
        return Panel(a, b, coefficients(slopes), error, half * dot(WEIGHTS, map(abs, slopes)))

    def residuals(self, positions: Sequence[float]) -> list[float]:
        """Return f minus the integral of g at ascending ``positions``, less its value at the first of them."""
        known, found, index = 0.0, [], 0
        for t, value in zip(positions, self.line.values(positions), strict=True):
            while t > self.panels[index].b and index + 1 < len(self.panels):
                known += self.panels[index].up_to(self.panels[index].b)
                index += 1
            found.append(value - (known + self.panels[index].up_to(t)))
        return [r - found[0] for r in found]

    def rounding(self, positions: Sequence[float]) -> float:
        """Return the part of the residuals at positions that rounding explains."""
        ends = map(self.line.snap, (positions[0], positions[-1]))
        return self.line.rounding(positions, ends) + 32 * 2.0**-52 * self.l1_norm

    def error_between(self, a: float, b: float) -> float:
        """Return the estimated error of the integral over the pieces that meet [a, b]."""
        return sum(panel.error for panel in self.panels if panel.b > a and panel.a < b)
