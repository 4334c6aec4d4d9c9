"""Mistakes that were found in public libraries, in formulas of our own that repeat them: each is found in one line."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

from autograd_mini.testing import check_grad

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

from wild import Mistake, Wild, gathered, mutated


def frank(t, theta=2.5):
    return math.log(-math.expm1(-theta)) - math.log(-math.expm1(-theta * t))


def frank_slope(t, theta=2.5):
    return theta * math.exp(-theta * t) / -math.expm1(-theta * t)


def gumbel_slope(t, theta=2.5):
    return -theta * (-math.log(t)) ** (theta - 1) / t


def gumbel_curvature(t, theta=2.5):
    log = math.log(t)
    return theta * (-1) ** (1 + theta) * ((1 - theta) * log ** (theta - 1) + log**theta) / (t * t * log)


def poles_slope(x):
    return 6 * sum((2 * i - 5) ** 2 / (x - i * i) ** 4 for i in range(1, 21))


def poles_curvature(x):
    return 24 * sum((2 * i - 5) ** 2 / (x - i * i) ** 5 for i in range(1, 21))


def exponential_slope(x, n=5):
    return math.exp(-n * x) * (-n * (x - 1) + 1) + n * x ** (n - 1)


def exponential_curvature(x, n=5):
    return math.exp(-n * x) * (-n * (-n * (x - 1) + 1) - n * x) + n * (n - 1) * x ** (n - 2)


def quartic_slope(x, n=4):
    return 1 + (1 - n) ** 4 + 4 * n * (1 - n * x) ** 3


def quartic_curvature(x, n=4):
    return -12 * n * (1 - n * x) ** 2


def ramp(x, end=1e-4):
    return -0.859 if x < 0 else math.e - 1.859 if x > end else math.exp(x / end) - 1.859


def ramp_slope(x, end=1e-4):
    return math.exp(x / end) / end if 0 <= x <= end else math.e - 1.859


def hard_sigmoid(x):
    return min(max(x + 3.0, 0.0), 6.0) / 6.0


def celu(x, alpha=1.7):
    return x if x > 0 else alpha * math.expm1(x / alpha)


def celu_slope(x, alpha=1.7000000476837158, inverse=0.5882353186607361):
    return 1.0 if x > 0 else alpha * inverse * math.exp(x * inverse)


def kolmogorov(x):
    return 2 * sum((-1) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 30))


def kolmogorov_slope(x, terms=3):
    return -8 * sum((-1) ** (k - 1) * k * k * x * math.exp(-2 * k * k * x * x) for k in range(1, terms + 1))


def kolmogorov_branches(x):
    return kolmogorov_slope(x, 3 if x > 0.82 else 29)


def spence_slope(x):
    return math.log(x) / (1 - x) if x < 1 or x > 1.5 else math.nan


def zero_inflated_score(c, m):
    """The score of four outcomes 0 and two outcomes 2, by the inflation's and the mean's constants."""
    w, mu = 1 / (1 + math.exp(-c)), math.exp(m)
    zero = w + (1 - w) * math.exp(-mu)
    by_c = 4 * w * (1 - w) * (1 - math.exp(-mu)) / zero - 2 * w
    return by_c, -4 * (1 - w) * mu * math.exp(-mu) / zero + 2 * (2 - mu)


def zero_inflated_rows(c, m):
    """The Hessian, its mixed entries overwritten by zeros."""
    w, mu = 1 / (1 + math.exp(-c)), math.exp(m)
    zero, slope = w + (1 - w) * math.exp(-mu), w * (1 - w)
    rest = 1 - math.exp(-mu)
    by_c = 4 * rest * slope * ((1 - 2 * w) * zero - slope * rest) / zero**2 - 2 * slope
    part = (1 - w) * mu * math.exp(-mu)
    by_m = -4 * part * ((1 - mu) * zero + part) / zero**2 - 2 * mu
    return (by_c, 0.0), (0.0, by_m)


def profile_score(b):
    """The score of least squares through (1, 2), (2, 3), (3, 7), with its scale profiled out."""
    errors = [y - b * x for x, y in ((1, 2), (2, 3), (3, 7))]
    return 3 * sum(e * x for e, x in zip(errors, (1, 2, 3), strict=True)) / sum(e * e for e in errors)


def profile_curvature(b):
    errors = [y - b * x for x, y in ((1, 2), (2, 3), (3, 7))]
    total, slope = sum(e * e for e in errors), -2 * sum(e * x for e, x in zip(errors, (1, 2, 3), strict=True))
    return -3 / 2 * (14 / total - slope**2 / total**2)


def truncation(m, a=0.3, p=2):
    """The share of a generalized Poisson distribution that a truncation at 0 leaves, as its logarithm."""
    mu = math.exp(m)
    return -math.log(-math.expm1(-mu / (1 + a * mu ** (p - 1))))


def truncation_slope(m, a=0.3, p=1):
    """The derivative of `truncation`, with another default."""
    mu = math.exp(m)
    spread = 1 + a * mu ** (p - 1)
    slope = mu / spread - mu * (spread - 1) * (p - 1) / spread**2
    return -slope / math.expm1(mu / spread)


def weighted(p, weights=(1.0, 3.0, 0.5)):
    return sum(w * r * r for w, r in zip(weights, restricted(p), strict=True))


def restricted(p):
    return p[0] - p[1], p[1] - p[2], p[0] + p[2]


def weighted_slope(p, weights=(1.0, 3.0, 0.5)):
    a, b, c = (2 * r for r in restricted(p))
    return [w * g for w, g in zip(weights, (a + c, b - a, c - b), strict=True)]


def student_divergence(y, degrees=2):
    """The divergence of t-SNE of three points on a line."""
    kernel = [(1 + d * d / degrees) ** (-(degrees + 1) / 2) for d in (y[0] - y[1], y[0] - y[2], y[1] - y[2])]
    shares = [k / (2 * sum(kernel)) for k in kernel]
    return 2 * sum(p * math.log(p / q) for p, q in zip((0.3, 0.15, 0.05), shares, strict=True))


def student_slope(y, degrees=2):
    pairs = ((0, 1), (0, 2), (1, 2))
    kernel = [(1 + (y[i] - y[j]) ** 2 / degrees) ** (-(degrees + 1) / 2) for i, j in pairs]
    slope = [0.0, 0.0, 0.0]
    for p, k, (i, j) in zip((0.3, 0.15, 0.05), kernel, pairs, strict=True):
        force = 2 * (degrees + 1) / degrees * (p - k / (2 * sum(kernel))) * k * (y[i] - y[j])
        slope[i] += force
        slope[j] -= force
    return slope


MISTAKES = {
    "statsmodels 0.15.0, TransfFrank.deriv: the sign": (frank, frank_slope, {"at": 0.4}),
    "statsmodels 0.15.0, TransfGumbel.deriv2: nan": (gumbel_slope, gumbel_curvature, {"at": 0.4}),
    "statsmodels 0.15.0, ZeroInflatedPoisson.hessian: zeros": (
        zero_inflated_score,
        zero_inflated_rows,
        {"at": (-0.4, 0.2)},
    ),
    "statsmodels 0.15.0, OLS.hessian: a factor in one term": (profile_score, profile_curvature, {"at": 0.7}),
    "statsmodels 0.15.0, TruncatedLFGeneralizedPoisson.score: a default": (truncation, truncation_slope, {"at": 0.4}),
    "statsmodels 0.15.0, ConstraintsPenalty.deriv: weights": (weighted, weighted_slope, {"at": [0.9, -0.4, 2.3]}),
    "scikit-learn 1.9.1, _kl_divergence: the exponent": (student_divergence, student_slope, {"at": [0.0, 0.7, 1.9]}),
    "SciPy 1.17.1, aps02_fpp: the sign": (poles_slope, poles_curvature, {"at": 5.0}),
    "SciPy 1.17.1, aps09_fpp: a factor": (quartic_slope, quartic_curvature, {"at": 0.5}),
    "SciPy 1.17.1, aps10_fpp: a factor too many": (exponential_slope, exponential_curvature, {"domain": (0.0, 1.0)}),
    "SciPy 1.17.1, aps15_fp: not 0 where f is constant": (ramp, ramp_slope, {"domain": (-1e-3, 5e-4)}),
    "SciPy 1.17.1, kolmogp: a series cut early": (kolmogorov, kolmogorov_slope, {"at": 0.83}),
    "SciPy 1.17.1, kolmogp: right on most of a box": (kolmogorov, kolmogorov_branches, {"domain": (0.3, 3.0)}),
    "JAX 0.10.2, spence: nan": (lambda x: -(x - 1), spence_slope, {"at": 1.2}),
    "PyTorch 2.13.0, celu: constants in single precision": (celu, celu_slope, {"domain": (-6.0, 6.0)}),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_of_a_public_library_is_found_in_one_line(name):
    f, df, where = MISTAKES[name]
    assert check_grad(f, df, **where).verdict == "wrong"


REPAIRED = {
    "frank": (frank, lambda t: -frank_slope(t), {"at": 0.4}),
    "truncation": (truncation, lambda m: truncation_slope(m, p=2), {"at": 0.4}),
    "poles": (poles_slope, lambda x: -poles_curvature(x), {"at": 5.0}),
    "quartic": (quartic_slope, lambda x: 4 * quartic_curvature(x), {"at": 0.5}),
    "celu": (celu, lambda x: celu_slope(x, 1.7, 1 / 1.7), {"domain": (-6.0, 6.0)}),
    "kolmogorov": (kolmogorov, lambda x: kolmogorov_slope(x, 30), {"domain": (0.6, 2.0)}),
    "hard sigmoid": (hard_sigmoid, lambda x: 1 / 6 if abs(x) < 3 else 0.0, {"domain": (-6.0, 6.0)}),
    "one degree of freedom": (
        lambda y: student_divergence(y, 1),
        lambda y: student_slope(y, 1),
        {"at": [0.0, 0.7, 1.9]},
    ),
}


@pytest.mark.parametrize("name", REPAIRED)
def test_the_same_formula_without_the_mistake_is_right(name):
    f, df, where = REPAIRED[name]
    assert check_grad(f, df, **where).verdict == "correct"


def test_every_numerical_mutant_of_a_right_derivative_is_found():
    np = pytest.importorskip("numpy")
    matrix = np.array([[1.0, 2.0, 0.5], [-0.3, 1.5, 0.7], [0.2, -0.9, 1.1]])
    place = np.array([0.4, -1.2, 0.8])
    made = dict(mutated(lambda x: np.tanh(matrix @ x), lambda x: matrix / np.cosh(matrix @ x)[:, None] ** 2, place))
    assert {"the sign", "twice", "transposed", "shifted by one", "one number is 1 % off"} <= set(made)
    for kind, wrong in made.items():
        assert check_grad(lambda x: np.tanh(matrix @ x), wrong, at=place).verdict == "wrong", kind


def test_a_mutant_that_rounding_hides_is_none():
    pytest.importorskip("numpy")
    assert dict(mutated(lambda _x: 1.0, lambda _x: 0.0, 1.0)) == {}


def test_a_mistake_that_a_newer_version_mended_is_seen():
    mistake = Mistake("1.0", "the sign", 1.0, lambda: 2.0)
    assert mistake.mended((lambda x: x * x, lambda x: 2 * x))
    assert not mistake.mended((lambda x: x * x, lambda x: -2 * x))


def test_what_a_version_of_a_library_lacks_cannot_be_built_and_the_rest_can():
    def lacking():
        raise AttributeError("gone")
        yield

    def there():
        yield Wild("library", "f", "df", lambda: (math.sin, math.cos), ((0.0, 1.0),))

    first, second = gathered("library", (lacking, there))
    with pytest.raises(AttributeError, match="gone"):
        first.build()
    assert second.build() == (math.sin, math.cos)
    assert all(0 <= x <= 1 for (x,) in second.places())
