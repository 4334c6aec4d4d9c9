"""A cause: one of the usual mistakes, if it turns the measured derivative into the wrong claim at several points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations_with_replacement, islice
from typing import TYPE_CHECKING

from autograd_mini.engine.functions import function
from autograd_mini.engine.ops import TABLE
from autograd_mini.testing.counterexample import SINGLE_PRECISION, Partial
from autograd_mini.testing.libraries import PRECISIONS
from autograd_mini.testing.line import first_reach
from autograd_mini.testing.localisation import blocks
from autograd_mini.testing.search import FEW_INPUTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from autograd_mini.testing.problem import Point
    from autograd_mini.testing.report import Counterexample

SINGLE_DIGITS = 1e-5
"""Relative error up to which a claim counts as computed with fewer digits, rather than by a wrong formula."""
_SINGLE_ROUNDING = 1.5 * 2.0**-24
"""Largest relative error of a claim with a constant or two in single precision."""
SAMPLES = 6
"""Points near the counterexample at which claims are compared."""
_CONSTANTS = 8
"""Most constants of the source that missing terms are made of."""
_MANY_TERMS = 5
"""Terms above which a mean may be over one less than an array has, as of differences."""
_KEPT = "the claim is right at the first point it was asked for and not beside it: a part of it is kept from there"
_NAMED_INPUTS = 16
"""Most inputs that a missing term may depend on besides the one in question."""
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
_POWERS = {"{}": 1, "1/{}": -1, "{}**2": 2, "1/{}**2": -2, "sqrt({})": 0.5, "1/sqrt({})": -0.5}
TO_SINGLE = PRECISIONS["float32"][1]
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


@dataclass(frozen=True, slots=True)
class LocalSample:
    """One point near the counterexample: all claims there, the measured partial, and how finely it is measured."""

    point: Point
    claims: Sequence[float]
    claim: float
    measured: float
    error: float
    value: float

    @property
    def relative_error(self) -> float:
        """How finely the partial is measured, relative to itself."""
        return self.error / abs(self.measured) if self.measured else math.inf

    @property
    def gap(self) -> float:
        """What the claim lacks."""
        return self.measured - self.claim

    def close(self, u: float, v: float) -> bool:
        """Return whether two numbers agree as far as the measurement tells."""
        return abs(u - v) <= 1e-6 * max(abs(u), abs(v)) + 4 * self.error


class Cause:
    """The search for the usual mistake behind a wrong partial derivative."""

    def __init__(self, partial: Partial, example: Counterexample) -> None:
        """Prepare to explain ``example``."""
        self.partial, self.example = partial, example
        self.samples: list[LocalSample] = []

    def likely(self) -> tuple[str, str]:
        """Return the kind of mistake and a sentence about it; empty where nothing simple fits.

        Kinds: "raised", "not finite", "point", "sign", "factor", "swap", "copy", "exponent", "zero", "missing term",
        "random", "state", "stale", "precision", "transposed", "shift", "mean", "triangle", "shape", "branch".
        """
        if (seen := self._not_a_number()) is not None:
            return seen
        a, b = self.example.interval
        scarce = self.partial.problem.scarce
        self.samples = list(islice(self._sampled(), SAMPLES // (1 + scarce))) if a < b else []
        seen = self._unsteady() or self._out_of_place()
        if seen is not None:
            return seen
        if len(self.samples) < 3:
            return "", ""
        if all(s.claim == 0 for s in self.samples):
            return self._zero()
        steady = self._ratio()
        if steady is not None and abs(steady + 1) < 1e-6:
            return "sign", "the sign is wrong"
        found = self._imprecise(steady)
        for probe in (self._stale, self._moved, self._other_partial):
            found = found or probe()
        found = found or self._formula(steady)
        return found if found[0] else self._kept_or_constant()

    def _not_a_number(self) -> tuple[str, str] | None:
        """Recognise a claim that is no finite number."""
        example = self.example
        if math.isfinite(example.claimed):
            return None
        faults = self.partial.problem.df.faults
        fault = next((fault for fault in faults if fault.where == example.point), None)
        if fault is not None:
            return "raised", f"df raised {fault}"
        return "not finite", f"the claim is {example.claimed} where f has a finite slope"

    def _out_of_place(self) -> tuple[str, str] | None:
        """Recognise a claim for one point alone, and one number for each of f's where f takes entries together."""
        claims = self.partial.problem.claims
        if claims is not None and claims.elementwise and self.partial.axis != self.partial.output:
            return (
                "shape",
                "df has one number for each of f, as for a function that takes entries one by one: f does not",
            )
        if self.example.interval[0] == self.example.interval[1]:
            return "point", "only this one point is wrong: a special case in the gradient"
        return None

    def _zero(self) -> tuple[str, str]:
        """Describe a claim that is 0 everywhere: half of a Hessian, or else what it lacks."""
        if self._is_mirrored():
            lower = self.partial.output > self.partial.axis
            return "triangle", f"the {'lower' if lower else 'upper'} half is missing, and the other is right"
        found = self._missing_term()
        return "zero", "the claim is zero" + (f", and misses {found}" if found else "")

    def _formula(self, steady: float | None) -> tuple[str, str]:
        """Recognise a mistake in the formula: a factor, which may be a mean's, a power, or a missing term."""
        name = self.example.wrt
        if steady is not None:
            for size in self._sizes():
                if any(abs(steady / ratio - 1) < 1e-6 for ratio in (size, 1 / size)):
                    what, factor = ("missing", f"1/{size}") if steady < 1 else ("taken twice", str(size))
                    return "mean", f"the claim must be multiplied by {factor}: a mean over {size} is {what}"
            factor = _factor_name(steady) or f"{steady:.7g}"
            return "factor", f"the claim must be multiplied by {repr(steady) if factor == '1' else factor}"
        if (found := self._mean_beside()) is not None:
            return found
        if self._is_kept(elsewhere=True):
            return "stale", _KEPT
        for text, power in _POWERS.items():
            if (ratio := self._ratio(power)) is not None:
                term = _term(ratio, text.format(name))
                return "exponent", f"the power of {name} is off: the claim must be multiplied by {term}"
        missing = self._missing_term()
        return ("missing term", f"the claim is missing the term {missing}") if missing else ("", "")

    def _sizes(self) -> list[int]:
        """Return the numbers of terms that a mean may have: those in arrays, and, of many, one less."""
        sizes = {size for size in self.partial.problem.sizes if size > 1}
        return sorted(sizes | {size - 1 for size in sizes if size > _MANY_TERMS})

    def _mean_beside(self) -> tuple[str, str] | None:
        """Recognise a mean that is missing in one part of a claim, beside a penalty in proportion to the input."""
        inputs = [s.point[self.partial.axis] for s in self.samples]
        for size in self._sizes():
            rest = [s.measured - s.claim / size for s in self.samples]
            if self._multiple(inputs, rest) is not None:
                return "mean", f"a part of the claim must be multiplied by 1/{size}: a mean over {size} is missing"
        return None

    def _kept_or_constant(self) -> tuple[str, str]:
        """Recognise a claim of which a part is the same everywhere, from the first call on or always."""
        if self._is_kept(elsewhere=False):
            return "stale", _KEPT
        if len({s.claim for s in self.samples}) == 1 and len({s.measured for s in self.samples}) > 1:
            return "missing term", "the claim is the same everywhere: what depends on the inputs is missing"
        return "", ""

    def _is_kept(self, *, elsewhere: bool) -> bool:
        """Return whether the claim is right at the first point that it was asked for and nowhere near it.

        Args:
            elsewhere: whether that is asked of points that share the first one's input in question, too: there, a
                missing term that is 0 for this input is 0 still.

        """
        problem, axis = self.partial.problem, self.partial.axis
        if problem.df.first is None or not all(problem.df.first):
            return False
        first = tuple(map(float, problem.df.first))
        if not self._is_right(first):
            return False
        moved = [(*first[:axis], first[axis] * (1 + step), *first[axis + 1 :]) for step in (1e-2, -2e-2)]
        if elsewhere:
            step = (1.01 if i != axis else 1.0 for i in range(len(first)))
            moved.append(tuple(x * s for x, s in zip(first, step, strict=True)))
        return all(self.partial.is_refuted(point, first_reach(point[axis]) / 4) for point in moved)

    def _is_right(self, point: Point) -> bool:
        """Return whether the claim at a point is what is measured there, and that is measured finely."""
        found = self.partial.measured(point, first_reach(point[self.partial.axis]) / 4)
        close = abs(found.value - self.partial.claimed(point)) <= 1e-8 * abs(found.value) + 4 * found.error
        return found.error <= 1e-6 * abs(found.value) and close

    def _sampled(self) -> Iterator[LocalSample]:
        """Yield random points near the counterexample at which the derivative can be measured."""
        partial, example = self.partial, self.example
        problem, axis = partial.problem, partial.axis
        a, b = example.interval
        for _ in range(2 * SAMPLES):
            spread = 0.5 * (len(example.point) <= 6)
            point = [x + problem.rng.uniform(-spread, spread) * first_reach(x) for x in example.point]
            point[axis] = a + problem.rng.uniform(0.15, 0.85) * (b - a)
            at = tuple(map(problem.grid, point))
            reach = min(at[axis] - a, b - at[axis], first_reach(at[axis]))
            claims = problem.partials(at, partial.output)
            measured = partial.measured(at, reach)
            if measured.reliable and all(map(math.isfinite, claims)):
                value = problem.value(at, partial.output)
                yield LocalSample(at, claims, claims[axis], measured.value, measured.error, value)

    def _is_mirrored(self) -> bool:
        """Return whether the claim across the diagonal of a Hessian is right for this one."""
        problem, axis, output = self.partial.problem, self.partial.axis, self.partial.output
        if problem.outputs != len(problem.names) or axis == output:
            return False
        return all(s.close(float(problem.partials(s.point, axis)[output]), s.measured) for s in self.samples)

    def _ratio(self, power: float = 0) -> float | None:
        """Return the constant c if what is measured is c times a power of the input times the claim at every sample."""
        numbers = [s.point[self.partial.axis] for s in self.samples]
        if power and any(x < 0 if power % 1 else not x for x in numbers):
            return None
        claims = [s.claim * x**power for s, x in zip(self.samples, numbers, strict=True)]
        pairs = list(zip(self.samples, claims, strict=True))
        best, claim = min(pairs, key=lambda pair: pair[0].relative_error)
        if not claim or sum(map(bool, claims)) < 3:
            return None
        ratio = best.measured / claim
        return ratio if all(s.close(c * ratio, s.measured) for s, c in pairs) else None

    def _unsteady(self) -> tuple[str, str] | None:
        """Recognise results that differ from call to call at one point: by chance, or by what was called before."""
        problem, point, output = self.partial.problem, self.example.point, self.partial.output
        other = self.samples[0].point if self.samples else None
        values = [problem.f.again(point) for _ in range(2)]
        if values[0] is not None and [*values[0]] != [*(values[1] or ())]:
            return "random", "f draws random numbers: two calls at one point differ"
        claims = [problem.df.again(point) for _ in range(3)]
        rows = [[*map(float, claim[output])] for claim in claims if claim is not None]
        if len(rows) < 3 or not all(map(math.isfinite, rows[0])):
            return None
        if rows[1] != rows[2]:
            return "random", "df draws random numbers: two calls at one point differ"
        if other is None:
            return None
        problem.f.again(other)
        moved = problem.df.again(point)
        if moved is not None and [*map(float, moved[output])] != rows[2]:
            return "state", "df depends on the last call of f, and is right only just after f at the same point"
        problem.df.again(other)
        late = problem.df.again(point)
        if rows[0] != rows[1] or (late is not None and [*map(float, late[output])] != rows[2]):
            return "stale", "df depends on its last call: it returns what belongs to an earlier point"
        return None

    def _stale(self) -> tuple[str, str] | None:
        """Recognise a claim that is the same everywhere, and right at the first point that it was asked for."""
        problem, first = self.partial.problem, self.partial.problem.df.first
        claim = self.samples[0].claim
        if first is None or any(s.claim != claim for s in self.samples):
            return None
        found = self.partial.measured(first, first_reach(float(first[self.partial.axis])) / 4)
        right = found.reliable and abs(found.value - claim) <= 1e-6 * abs(claim) + 4 * found.error
        changes = len({s.measured for s in self.samples}) > 1 and not problem.box
        return ("stale", "the claim is kept from the first point it was asked for") if right and changes else None

    def _imprecise(self, steady: float | None) -> tuple[str, str] | None:
        """Recognise claims that agree with f in their first digits alone, in no ratio but one of a rounded constant."""
        gaps = [abs(s.gap) / abs(s.measured) for s in self.samples if s.measured]
        if not gaps or max(gaps) > SINGLE_DIGITS or self.partial.problem.eps > SINGLE_PRECISION:
            return None
        if steady is not None and abs(steady - 1) > _SINGLE_ROUNDING:
            return None
        digits = max(1, math.floor(-math.log10(max(gaps))))
        if all(TO_SINGLE(s.claim) == s.claim for s in self.samples):
            where = "in single precision"
        elif all(abs(s.measured - (steady or 0.0) * s.claim) <= abs(s.gap) / 8 + 4 * s.error for s in self.samples):
            where = "with a constant in single precision"
        else:
            where = "with fewer digits than f"
        return "precision", f"the claim agrees to {digits} digits: it is computed {where}"

    def _moved(self) -> tuple[str, str] | None:
        """Recognise the claims for an array in another order: transposed, or shifted by one."""
        axis, claims = self.partial.axis, self.partial.problem.claims
        for start, size, name, shape in blocks(claims):
            if not start <= axis < start + size:
                continue
            index = axis - start
            if len(shape) == 2 and shape[0] == shape[1]:
                row, column = divmod(index, shape[1])
                if row != column and self._stands_at(start + column * shape[1] + row):
                    return "transposed", f"the claims for {name} are transposed"
            for step in (1, -1):
                at = index + step
                if size > 2 and self._stands_at(start + at % size) and self._is_shifted(start, size, at % size, step):
                    return (
                        "shift",
                        f"the claims for {name} are off by one: that for {name}[{index}] stands at {at % size}",
                    )
        return None

    def _stands_at(self, axis: int) -> bool:
        """Return whether the claim for another input is right for this one."""
        return all(s.close(s.claims[axis], s.measured) and not s.close(s.claims[axis], s.claim) for s in self.samples)

    def _is_shifted(self, start: int, size: int, at: int, step: int) -> bool:
        """Return whether the claim for the neighbour stands in the place after, too."""
        other = Partial(self.partial.problem, start + at, self.partial.output)
        following = start + (at + step) % size
        for s in self.samples[:2]:
            found = other.measured(s.point, first_reach(s.point[start + at]) / 2)
            if not found.reliable or abs(found.value - s.claims[following]) > 1e-6 * abs(found.value) + 4 * found.error:
                return False
        return True

    def _other_partial(self) -> tuple[str, str] | None:
        """Recognise a claim that belongs to another input."""
        name, samples, partial = self.example.wrt, self.samples, self.partial
        for axis, label in enumerate(self.example.names):
            if axis == partial.axis or not all(s.close(s.claims[axis], s.measured) for s in samples):
                continue
            if all(s.close(s.claims[axis], s.claim) for s in samples):
                continue
            other = Partial(partial.problem, axis, partial.output)
            back = [(s, other.measured(s.point, first_reach(s.point[axis]) / 2)) for s in samples[:3]]
            back = [(s, found) for s, found in back if found.reliable]
            if back and all(s.close(s.claim, found.value) for s, found in back):
                return "swap", f"the partial derivatives by {name} and {label} are swapped"
            return "copy", f"the claim for {label} is the derivative by {name}"
        return None

    def _missing_term(self) -> str:
        """Return the term of a dictionary of simple features that the difference is a multiple of, or nothing."""
        names, samples = self.example.names, self.samples
        constants = sorted(self.partial.problem.constants)[:_CONSTANTS]
        columns: dict[str, list[float]] = {"1": [1.0] * len(samples)}
        near = [i for i in range(len(names)) if i == self.partial.axis or len(names) <= _NAMED_INPUTS]
        for i in near:
            name, inputs = names[i], [s.point[i] for s in samples]
            for text, feature in _FEATURES.items():
                columns[text.replace("{}", name)] = _column(feature, inputs)
            for constant in constants:
                for text in ("sin({})", "cos({})", "exp({})", "exp(-{})"):
                    inner = f"{constant:g}*{name}"
                    columns[text.format(inner)] = _column(_FEATURES[text], [constant * x for x in inputs])
                for text in ("{}", "{}**2", "1/{}", "1/{}**2"):
                    inner = f"({name}-{constant:g})"
                    columns[text.format(inner)] = _column(_FEATURES[text], [x - constant for x in inputs])
        columns["f"] = [s.value for s in samples]
        for i in near:
            columns[f"df/d{names[i]}" if i != self.partial.axis else "the claim"] = [s.claims[i] for s in samples]
        usable = {k: v for k, v in columns.items() if all(map(math.isfinite, v)) and any(v)}
        for text, column in usable.items():
            if (found := self._multiple(column)) is not None:
                return _term(found, text)
        pairs = combinations_with_replacement(usable.items(), 2) if len(names) <= FEW_INPUTS else ()
        for (left, u), (right, v) in pairs:
            if (found := self._multiple([p * q for p, q in zip(u, v, strict=True)])) is not None:
                return _term(found, f"{left}*{right}")
        return ""

    def _multiple(self, column: Sequence[float], gaps: Sequence[float] = ()) -> float | None:
        """Return what a column has to be multiplied by to be some gaps: by default those of claim and measurement."""
        if not column[0] or not math.isfinite(column[0]):
            return None
        gaps = gaps or [s.gap for s in self.samples]
        ratio = gaps[0] / column[0]
        triples = [*zip(self.samples, column, gaps, strict=True)]
        agree = all(abs(ratio * c - gap) <= 1e-6 * abs(gap) + 4 * s.error for s, c, gap in triples)
        return ratio if agree and any(abs(gap) > 100 * s.error for s, _, gap in triples) else None


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


def _term(ratio: float, text: str) -> str:
    if abs(abs(ratio) - 1) < 1e-6:
        return text if ratio > 0 else f"-{text}"
    return f"{_factor_name(ratio) or f'{ratio:.6g}'}*{text}"


def _column(feature: Callable[[float], float], inputs: Sequence[float]) -> list[float]:
    """Return a feature of each input; nan where it has no value."""
    found = []
    for x in inputs:
        try:
            found.append(float(feature(x)))
        except (ValueError, ArithmeticError):
            found.append(math.nan)
    return found
