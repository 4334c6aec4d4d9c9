"""A missing term: what a claim lacks, as a multiple of simple features of the inputs, of f and of the claims.

>>> from autograd_mini.testing import check_grad
>>> import math
>>> check_grad(lambda x: x * math.exp(x), lambda x: x * math.exp(x), at=0.7).cause
'the claim is missing the term exp(x)'
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations, combinations_with_replacement
from typing import TYPE_CHECKING

from autograd_mini.engine.functions import function
from autograd_mini.engine.ops import TABLE
from autograd_mini.testing.search import FEW_INPUTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from autograd_mini.testing.counterexample import LocalSample

_CONSTANTS = 8
"""Most constants of the source that missing terms are made of."""
_NAMED_INPUTS = 16
"""Most inputs that a missing term may depend on besides the one in question."""
_VARIATION = 1e-3
"""Relative variation below which a feature of the samples is as good as constant."""
_MOST_TIMES = 12
"""Largest factor of one of two terms."""
_NAMED_FACTORS = {
    "pi": math.pi,
    "ln 2": math.log(2),
    "ln 10": math.log(10),
    "sqrt(2)": math.sqrt(2),
    "e": math.e,
    "180/pi": 180 / math.pi,
    "sqrt(pi)": math.sqrt(math.pi),
    "2/sqrt(pi)": 2 / math.sqrt(math.pi),
}
_FEATURES: dict[str, Callable[[float], float]] = {
    "{}": lambda x: x,
    "{}**2": lambda x: x * x,
    "{}**3": lambda x: x**3,
    "1/{}": lambda x: 1 / x,
    "1/{}**2": lambda x: 1 / x**2,
    "1/sqrt({})": lambda x: 1 / math.sqrt(x),
    "1/(1+{})": lambda x: 1 / (1 + x),
    "1/(1+{}**2)": lambda x: 1 / (1 + x * x),
    "exp(-{})": lambda x: math.exp(-x),
    "exp(-{}**2)": lambda x: math.exp(-x * x),
    "1/cos({})**2": lambda x: math.cos(x) ** -2,
    "1/cosh({})**2": lambda x: math.cosh(x) ** -2,
    "sigmoid({})*(1-sigmoid({}))": lambda x: 0.25 / math.cosh(x / 2) ** 2,
} | {
    f"{name}({{}})": function(TABLE[name])
    for name in ("sqrt", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan", "sigmoid", "abs")
}
"""Terms that a derivative may lack, as functions of one input."""


def missing_term(samples: Sequence[LocalSample], names: Sequence[str], axis: int, constants: Iterable[float]) -> str:
    """Return the term that the claims for one input lack at every sample, or nothing.

    Args:
        samples: points with claims and what is measured.
        names: the names of the inputs.
        axis: which input.
        constants: the numbers in the source.

    """
    few = len(names) <= FEW_INPUTS
    near = [i for i in range(len(names)) if i == axis or len(names) <= _NAMED_INPUTS]
    plain = {"1": [1.0] * len(samples)} | {
        text.replace("{}", names[i]): _column(feature, [s.point[i] for s in samples])
        for i in near
        for text, feature in _FEATURES.items()
    }
    shifted: dict[str, list[float]] = {}
    for i in near:
        shifted |= _of_constants(names[i], [s.point[i] for s in samples], sorted(constants)[:_CONSTANTS])
    results = {"f": [s.value for s in samples]}
    results |= {f"df/d{names[i]}" if i != axis else "the claim": [s.claims[i] for s in samples] for i in near}
    if len(names) > 1:
        results["the mean of the claims"] = [math.fsum(s.claims) / len(names) for s in samples]
    usable = {k: v for k, v in (plain | shifted | results).items() if all(map(math.isfinite, v)) and any(v)}
    simple = {k: v for k, v in usable.items() if k in plain or k == "f"}
    for features, length in ((usable, 1), (usable, 2), (simple, 3)):
        for text, column in _products(features, length) if length == 1 or few else ():
            if (found := multiple(samples, column)) is not None:
                return term(found, text)
    inputs = {names[i]: [s.point[i] for s in samples] for i in near}
    return _two_terms(samples, {k: v for k, v in usable.items() if k in (plain if few else inputs)})


def missing_difference(samples: Sequence[LocalSample], names: Sequence[str], axis: int, other: int) -> str:
    """Return the multiple of a difference of one feature of two inputs that the claims lack, or nothing."""
    for text, feature in _FEATURES.items():
        own, others = (_column(feature, [s.point[i] for s in samples]) for i in (axis, other))
        ratio = multiple(samples, [u - v for u, v in zip(own, others, strict=True)])
        if ratio is not None and max(own) - min(own) > _VARIATION * max(map(abs, own)):
            return term(ratio, f"({text.format(names[axis])} - {text.format(names[other])})")
    return ""


def _two_terms(samples: Sequence[LocalSample], features: dict[str, list[float]]) -> str:
    """Return the sum of two features with simple factors that the claims lack, or nothing."""
    gaps = [s.gap for s in samples]
    for (left, u), (right, v) in combinations(features.items(), 2):
        determinant = u[0] * v[1] - u[1] * v[0]
        if abs(determinant) <= 1e-9 * (abs(u[0] * v[1]) + abs(u[1] * v[0])):
            continue
        a = (gaps[0] * v[1] - gaps[1] * v[0]) / determinant
        b = (u[0] * gaps[1] - u[1] * gaps[0]) / determinant
        if not (a and b and factor_name(a) and factor_name(b)) or max(abs(a), abs(b)) > _MOST_TIMES:
            continue
        triples = zip(u, v, samples, strict=True)
        if all(abs(a * x + b * y - s.gap) <= 1e-6 * (abs(a * x) + abs(b * y)) + 4 * s.error for x, y, s in triples):
            return f"{term(a, left)} + {term(b, right)}".replace("+ -", "- ")
    return ""


def _of_constants(name: str, inputs: list[float], constants: Sequence[float]) -> dict[str, list[float]]:
    """Return features of an input with constants in them."""
    found = {}
    for constant in constants:
        for text in ("sin({})", "cos({})", "exp({})", "exp(-{})"):
            found[text.format(f"{constant:g}*{name}")] = _column(_FEATURES[text], [constant * x for x in inputs])
        for text in ("{}", "{}**2", "1/{}", "1/{}**2"):
            found[text.format(f"({name}-{constant:g})")] = _column(_FEATURES[text], [x - constant for x in inputs])
    return found


def _column(feature: Callable[[float], float], inputs: Sequence[float]) -> list[float]:
    """Return a feature of each input; nan where it has no value."""
    found = []
    for x in inputs:
        try:
            found.append(float(feature(x)))
        except (ValueError, ArithmeticError):
            found.append(math.nan)
    return found


def _products(features: dict[str, list[float]], length: int) -> Iterator[tuple[str, list[float]]]:
    """Yield the products of as many features, with their text."""
    names = [name for name in features if length == 1 or name != "1"]
    for chosen in combinations_with_replacement(names, length):
        yield "*".join(chosen), [math.prod(row) for row in zip(*(features[name] for name in chosen), strict=True)]


def multiple(samples: Sequence[LocalSample], column: Sequence[float], gaps: Sequence[float] = ()) -> float | None:
    """Return what a column has to be multiplied by to be some gaps: by default those of claim and measurement."""
    if not column[0] or not math.isfinite(column[0]):
        return None
    gaps = gaps or [s.gap for s in samples]
    ratio = gaps[0] / column[0]
    triples = [*zip(samples, column, gaps, strict=True)]
    agree = all(abs(ratio * c - gap) <= 1e-6 * abs(gap) + 4 * s.error for s, c, gap in triples)
    return ratio if agree and any(abs(gap) > 100 * s.error for s, _, gap in triples) else None


def factor_name(ratio: float) -> str:
    """Return a factor as a fraction or by its name, or nothing.

    >>> factor_name(2 / 3), factor_name(2 * math.pi), factor_name(0.1234567)
    ('2/3', '2*pi', '')
    """
    if not ratio:
        return "0"
    if not math.isfinite(ratio):  # of features beyond the largest number
        return ""
    guess = Fraction(ratio).limit_denominator(12)
    if guess and abs(float(guess) / ratio - 1) < 1e-6 and abs(guess.numerator) <= 1000:
        return str(guess)
    for name, value in _NAMED_FACTORS.items():
        for scale in (1, 2, 0.5, -1):
            for sense, number in ((name, value), (f"1/({name})", 1 / value)):
                if abs(scale * number / ratio - 1) < 1e-6:
                    return sense if scale == 1 else f"{scale:g}*{sense}"
    return ""


def term(ratio: float, text: str) -> str:
    """Return a multiple of a term as text.

    >>> term(-1.0, "x"), term(0.5, "x"), term(0.4, "1")
    ('-x', '1/2*x', '2/5')
    """
    if text == "1":
        return factor_name(ratio) or f"{ratio:.6g}"
    if abs(abs(ratio) - 1) < 1e-6:
        return text if ratio > 0 else f"-{text}"
    return f"{factor_name(ratio) or f'{ratio:.6g}'}*{text}"
