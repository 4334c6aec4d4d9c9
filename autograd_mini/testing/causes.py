"""A likely cause: the usual mistake that turns the measured derivative into the wrong claim, in a sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

from autograd_mini.testing.explanation import Counterexample, measured_at
from autograd_mini.testing.point import first_reach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random

    from autograd_mini.testing.problem import Point, Problem

_SAMPLES = 6
"""Points near the counterexample at which claims are compared."""
_CONSTANTS = 8
"""Most constants of the source that missing terms are made of."""
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
    "sqrt({})": math.sqrt,
    "1/sqrt({})": lambda x: 1 / math.sqrt(x),
    "exp({})": math.exp,
    "exp(-{})": lambda x: math.exp(-x),
    "exp(-{}**2)": lambda x: math.exp(-x * x),
    "log({})": math.log,
    "sin({})": math.sin,
    "cos({})": math.cos,
    "tan({})": math.tan,
    "1/cos({})**2": lambda x: math.cos(x) ** -2,
    "sinh({})": math.sinh,
    "cosh({})": math.cosh,
    "tanh({})": math.tanh,
    "1/cosh({})**2": lambda x: math.cosh(x) ** -2,
    "atan({})": math.atan,
    "1/(1+{}**2)": lambda x: 1 / (1 + x * x),
    "1/(1+{})": lambda x: 1 / (1 + x),
    "sigmoid({})": lambda x: 1 / (1 + math.exp(-x)),
    "abs({})": abs,
    "sigmoid({})*(1-sigmoid({}))": lambda x: 0.25 / math.cosh(x / 2) ** 2,
}


@dataclass(frozen=True, slots=True)
class LocalSample:
    """One point near the counterexample: all claims there, the measured partial, and how finely it is measured."""

    point: Point
    claims: Sequence[float]
    measured: float
    error: float
    value: float

    def close(self, u: float, v: float) -> bool:
        """Return whether two numbers agree as far as the measurement tells."""
        return abs(u - v) <= 1e-6 * max(abs(u), abs(v)) + 4 * self.error


def likely_cause(problem: Problem, example: Counterexample, output: int, rng: Random) -> tuple[str, str]:
    """Return the kind of mistake and a sentence about it; empty where nothing simple fits.

    Kinds: "raised", "not finite", "point", "sign", "factor", "swap", "copy", "exponent", "zero", "missing term".
    """
    axis, name = example.axis, example.names[example.axis]
    if not math.isfinite(example.claimed):
        fault = next((fault for fault in problem.faults_g if fault.where == example.point), None)
        if fault is not None:
            return "raised", f"df raised {fault}"
        return "not finite", f"the claim is {example.claimed} where f has a finite slope"
    if example.interval[0] == example.interval[1]:
        return "point", "only this one point is wrong: a special case in the gradient"
    samples = list(_samples(problem, example, output, rng))
    if len(samples) < 3:
        return "", ""
    if all(s.claims[axis] == 0 for s in samples):
        found = _missing(samples, example, problem.constants)
        return "zero", "the claim is zero" + (f", and misses {found}" if found else "")
    ratios = [s.measured / s.claims[axis] for s in samples if s.claims[axis]]
    steady = _steady(samples, ratios, axis)
    if steady is not None and abs(steady + 1) < 1e-6:
        return "sign", "the sign is wrong"
    other = _other_partial(problem, example, output, samples)
    if other is not None:
        return other
    if steady is not None:
        factor = _factor_name(steady) or f"{steady:.7g}"
        return "factor", f"the claim must be multiplied by {repr(steady) if factor == '1' else factor}"
    power = _power(samples, axis)
    if power is not None:
        return "exponent", f"the power of {name} is off: the claim must be multiplied by {power.format(name)}"
    missing = _missing(samples, example, problem.constants)
    return ("missing term", f"the claim is missing the term {missing}") if missing else ("", "")


def _samples(problem: Problem, example: Counterexample, output: int, rng: Random) -> Iterator[LocalSample]:
    a, b = example.interval
    axis, found = example.axis, 0
    for _ in range(2 * _SAMPLES):
        point = [x + rng.uniform(-0.5, 0.5) * first_reach(x) * (len(example.point) <= 6) for x in example.point]
        share = rng.uniform(0.15, 0.85)
        point[axis] = a + share * (b - a)
        if problem.grid:
            point = [problem.grid(x) for x in point]
        at = tuple(point)
        reach = min(at[axis] - a, b - at[axis], first_reach(at[axis]))
        claims = problem.partials(at, output)
        measured = measured_at(problem, at, axis, output, reach)
        if measured.reliable and all(map(math.isfinite, claims)):
            yield LocalSample(at, claims, measured.value, measured.error, problem.value(at, output))
            found += 1
            if found == _SAMPLES:
                return


def _steady(samples: Sequence[LocalSample], ratios: Sequence[float], axis: int) -> float | None:
    """Return the ratio of measured to claimed if it is the same at every sample."""
    if len(ratios) < 3:
        return None
    best = min(samples, key=lambda s: s.error / abs(s.measured) if s.measured else math.inf)
    if not best.claims[axis]:
        return None
    ratio = best.measured / best.claims[axis]
    return ratio if all(s.close(s.claims[axis] * ratio, s.measured) for s in samples) else None


def _factor_name(ratio: float) -> str:
    if not ratio:
        return "0"
    guess = Fraction(ratio).limit_denominator(12)
    if guess and abs(float(guess) / ratio - 1) < 1e-6 and abs(guess.numerator) <= 1000:
        return str(guess)
    for name, value in _NAMED_FACTORS.items():
        for scale in (1, 2, 0.5, -1):
            for sense, number in ((name, value), (f"1/({name})", 1 / value)):
                if abs(scale * number / ratio - 1) < 1e-6:
                    return sense if scale == 1 else f"{scale:g}*{sense}"
    return ""


def _other_partial(
    problem: Problem, example: Counterexample, output: int, samples: Sequence[LocalSample]
) -> tuple[str, str] | None:
    """Recognise a claim that belongs to another input."""
    axis = example.axis
    name = example.names[axis]
    for other, label in enumerate(example.names):
        if other == axis or not all(s.close(s.claims[other], s.measured) for s in samples):
            continue
        if all(s.close(s.claims[other], s.claims[axis]) for s in samples):
            continue
        back = [
            s.close(s.claims[axis], m.value)
            for s in samples[:3]
            if (m := measured_at(problem, s.point, other, output, first_reach(s.point[other]) / 2)).reliable
        ]
        if back and all(back):
            return "swap", f"the partial derivatives by {name} and {label} are swapped"
        return "copy", f"the claim for {label} is the derivative by {name}"
    return None


def _power(samples: Sequence[LocalSample], axis: int) -> str | None:
    """Recognise a ratio of measured to claimed that is a constant times a small power of the input."""
    for power, text in (
        (1, "{}"),
        (-1, "1/{}"),
        (2, "{}**2"),
        (-2, "1/{}**2"),
        (0.5, "sqrt({})"),
        (-0.5, "1/sqrt({})"),
    ):
        scaled = []
        for s in samples:
            x = s.point[axis]
            if not x or not s.claims[axis] or (x < 0 and power % 1):
                break
            scaled.append(s.measured / s.claims[axis] / x**power)
        else:
            ratio = scaled[0]
            if all(s.close(s.claims[axis] * ratio * s.point[axis] ** power, s.measured) for s in samples):
                factor = _factor_name(ratio) or f"{ratio:.6g}"
                return text if factor == "1" else f"{factor} * {text}"
    return None


def _evaluate(feature: Callable[[float], float], x: float) -> float:
    try:
        return float(feature(x))
    except (ValueError, ArithmeticError):
        return math.nan


def _missing(samples: Sequence[LocalSample], example: Counterexample, constants: set[float]) -> str:
    """Return the term of a dictionary of simple features that the difference is a multiple of, or nothing."""
    gaps = [s.measured - s.claims[example.axis] for s in samples]
    columns: dict[str, list[float]] = {"1": [1.0] * len(samples)}
    for i, name in enumerate(example.names):
        for text, feature in _FEATURES.items():
            columns[text.replace("{}", name)] = [_evaluate(feature, s.point[i]) for s in samples]
        for constant in sorted(constants)[:_CONSTANTS]:
            for text in ("sin({})", "cos({})", "exp({})", "exp(-{})"):
                inner = text.format(f"{constant:g}*{name}")
                columns[inner] = [_evaluate(_FEATURES[text], constant * s.point[i]) for s in samples]
            for text in ("{}", "{}**2", "1/{}", "1/{}**2"):
                inner = text.format(f"({name}-{constant:g})")
                columns[inner] = [_evaluate(_FEATURES[text], s.point[i] - constant) for s in samples]
    columns["f"] = [s.value for s in samples]
    for i, name in enumerate(example.names):
        columns[f"df/d{name}" if i != example.axis else "the claim"] = [s.claims[i] for s in samples]
    usable = {k: v for k, v in columns.items() if all(map(math.isfinite, v)) and any(v)}
    for text, column in usable.items():
        if (found := _multiple(samples, gaps, column)) is not None:
            return _term(found, text)
    if len(example.names) > 4:
        return ""
    for (left, u), (right, v) in combinations_with_replacement(usable.items(), 2):
        if (found := _multiple(samples, gaps, [p * q for p, q in zip(u, v, strict=True)])) is not None:
            return _term(found, f"{left}*{right}")
    return ""


def _multiple(samples: Sequence[LocalSample], gaps: Sequence[float], column: Sequence[float]) -> float | None:
    if not column[0] or not math.isfinite(column[0]):
        return None
    ratio = gaps[0] / column[0]
    agree = all(
        abs(ratio * c - g) <= 1e-6 * abs(g) + 4 * s.error for c, g, s in zip(column, gaps, samples, strict=True)
    )
    return ratio if agree and any(abs(g) > 100 * s.error for g, s in zip(gaps, samples, strict=True)) else None


def _term(ratio: float, text: str) -> str:
    if abs(ratio - 1) < 1e-6:
        return text
    if abs(ratio + 1) < 1e-6:
        return f"-{text}"
    return f"{_factor_name(ratio) or f'{ratio:.6g}'}*{text}"
