"""Gauss-Kronrod quadrature: the integral of a function from fifteen samples, with an estimate of its error.

The fifteen samples also fix a polynomial of degree 14, so the same samples give the integral up to *any* inner
abscissa. That is what makes a whole residual curve cost calls of f alone.

Source of nodes and weights: Piessens et al., QUADPACK (1983), rule ``qk15``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

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
def _interpolation() -> tuple[list[list[float]], list[list[float]]]:
    """Return the matrices from samples to Legendre coefficients: all fifteen nodes, and the seven of Gauss."""
    full = _inverse([legendre(x, 14) for x in NODES])
    gauss_values = [legendre(x, 6) for x in NODES[1::2]]
    gauss = [[(k + 0.5) * w * p[k] for w, p in zip(GAUSS, gauss_values, strict=True)] for k in range(7)]
    return full, gauss


@lru_cache(maxsize=1)
def checkpoint_weights() -> tuple[list[list[float]], list[list[float]]]:
    """Return, for each of `CHECKPOINTS`, weights of the integral from -1 up to it: fifteen nodes, and seven."""
    full, gauss = _interpolation()
    fine, coarse = [], []
    for x in CHECKPOINTS:
        up_to = antiderivatives(x, 14)
        fine.append([sum(up_to[k] * full[k][j] for k in range(15)) for j in range(15)])
        coarse.append([sum(up_to[k] * gauss[k][j] for k in range(7)) for j in range(7)])
    return fine, coarse


def coefficients(samples: Sequence[float]) -> list[float]:
    """Return the fifteen Legendre coefficients of the polynomial through samples at `NODES`."""
    full, _ = _interpolation()
    return [sum(w * s for w, s in zip(row, samples, strict=True)) for row in full]


def integral_to(x: float, series: Sequence[float]) -> float:
    """Return the integral from -1 to ``x`` of a Legendre series.

    >>> integral_to(1.0, [3.0, 5.0])
    6.0
    """
    return sum(c * v for c, v in zip(series, antiderivatives(x, len(series) - 1), strict=True))
