"""A cause: one of the usual mistakes, if it turns the measured derivative into the wrong claim at several points."""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING

from autograd_mini.testing.corrections import correction
from autograd_mini.testing.counterexample import SAMPLES, SINGLE_PRECISION, Partial
from autograd_mini.testing.indexing import Indexing
from autograd_mini.testing.libraries import PRECISIONS
from autograd_mini.testing.line import first_reach
from autograd_mini.testing.misplacement import Misplacement
from autograd_mini.testing.missing_terms import factor_name, missing_term, multiple, term
from autograd_mini.testing.repeatability import kept_by_key, kept_in_part, kept_whole, unsteady

if TYPE_CHECKING:
    from autograd_mini.testing.counterexample import LocalSample
    from autograd_mini.testing.report import Counterexample

SINGLE_DIGITS = 1e-5
"""Relative error up to which a claim counts as computed with fewer digits, rather than by a wrong formula."""
_HALF_DIGITS = 2e-2
"""Relative error up to which a claim that moves in steps counts as computed in half precision."""
_SINGLE_ROUNDING = 1.5 * 2.0**-24
"""Largest relative error of a claim with a constant or two in single precision."""
_MANY_TERMS = 5
"""Terms above which a mean may be over one less than an array has, as of differences."""
_POWERS = {"{}": 1, "1/{}": -1, "{}**2": 2, "1/{}**2": -2, "sqrt({})": 0.5, "1/sqrt({})": -0.5}
_TINY_MOVES = (1 + 2.0**-44, 1 - 2.0**-43, 1 + 2.0**-42)
"""Changes of the inputs that no number below double precision notices."""
_WIDE_MOVES = (1.1, 0.9)
"""Changes of the inputs that half of the digits notice."""
TO_SINGLE = PRECISIONS["float32"][1]


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
        problem = self.partial.problem
        self.samples = [*islice(self.partial.samples(self.example), SAMPLES // (1 + problem.scarce))] if a < b else []
        seen = unsteady(problem, self.example.point, [s.point for s in self.samples[:1]])
        if seen[0] or (seen := self._out_of_place() or ("", ""))[0] or len(self.samples) < 3:
            return seen
        return self._steady() or ("", "")

    def _steady(self) -> tuple[str, str] | None:
        """Return the mistake in a claim that is the same for every call: first what is seen in the claims alone."""
        misplacement = Misplacement(self.partial, self.samples)
        indexing = Indexing(self.partial, self.samples, misplacement)
        if (found := misplacement.whole()) is not None:
            return found
        if all(s.claim == 0 for s in self.samples):
            return misplacement.in_part() or indexing.counted() or self._zero(indexing)
        steady = self._ratio()
        if steady is not None and abs(steady + 1) < 1e-6:
            return "sign", "the sign is wrong"
        return (
            kept_by_key(self.partial, self.samples)
            or self._imprecise(steady)
            or kept_whole(self.partial, self.samples)
            or self._other_partial()
            or (indexing.counted() if steady is not None else None)
            or indexing.short_divisor(steady)
            or correction(self.partial, self.samples, misplacement)
            or (self._factor(steady) if steady is not None and self._named(steady) else None)
            or (self._mean_beside() if steady is None else None)
            or kept_in_part(self.partial, elsewhere=True)
            or misplacement.in_part()
            or ((indexing.ends() or self._factor(steady)) if steady is not None else None)
            or self._power()
            or misplacement.exchanged()
            or indexing.transposed_inside()
            or self._missing_term(indexing)
            or indexing.neighbours()
            or indexing.left_out()
            or kept_in_part(self.partial, elsewhere=False)
            or self._stepwise()
            or self._constant()
            or indexing.ends()
        )

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

    def _zero(self, indexing: Indexing) -> tuple[str, str]:
        """Describe a claim that is 0 everywhere: half of a Hessian, or else what it lacks."""
        if self._is_mirrored():
            lower = self.partial.output > self.partial.axis
            return "triangle", f"the {'lower' if lower else 'upper'} half is missing, and the other is right"
        if (short := indexing.ends()) is not None:
            return short
        found = self._lacking()
        return "zero", "the claim is zero" + (f", and misses {found}" if found else "")

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

    def _named(self, steady: float) -> bool:
        """Return whether a factor is simple, or a mean's."""
        return bool(factor_name(steady)) or self._mean_of(steady) is not None

    def _mean_of(self, steady: float) -> int | None:
        """Return the number of terms of the mean that a factor belongs to."""
        sizes = (n for n in self._sizes() if any(abs(steady / ratio - 1) < 1e-6 for ratio in (n, 1 / n)))
        return next(sizes, None)

    def _factor(self, steady: float) -> tuple[str, str]:
        """Describe a factor, which may be a mean's."""
        if (size := self._mean_of(steady)) is not None:
            what, factor = ("missing", f"1/{size}") if steady < 1 else ("taken twice", str(size))
            return "mean", f"the claim must be multiplied by {factor}: a mean over {size} is {what}"
        factor = factor_name(steady) or f"{steady:.7g}"
        return "factor", f"the claim must be multiplied by {repr(steady) if factor == '1' else factor}"

    def _sizes(self) -> list[int]:
        """Return the numbers of terms that a mean may have: those in arrays, and, of many, one less."""
        sizes = {size for size in self.partial.problem.sizes if size > 1}
        return sorted(sizes | {size - 1 for size in sizes if size > _MANY_TERMS})

    def _mean_beside(self) -> tuple[str, str] | None:
        """Recognise a mean that is missing in one part of a claim, beside a penalty in proportion to the input."""
        inputs = [s.point[self.partial.axis] for s in self.samples]
        for size in self._sizes():
            rest = [s.measured - s.claim / size for s in self.samples]
            if multiple(self.samples, inputs, rest) is not None:
                return "mean", f"a part of the claim must be multiplied by 1/{size}: a mean over {size} is missing"
            lacking = multiple(self.samples, inputs)
            if lacking and not factor_name(lacking) and factor_name(lacking / (1 - 1 / size)):
                return (
                    "mean",
                    f"a part of the claim must be multiplied by {size}: a mean over {size} is of the rest alone",
                )
        return None

    def _power(self) -> tuple[str, str] | None:
        """Recognise a power of the input too much or too few."""
        name = self.example.wrt
        for text, power in _POWERS.items():
            if (ratio := self._ratio(power)) is not None:
                factor = term(ratio, text.format(name))
                return "exponent", f"the power of {name} is off: the claim must be multiplied by {factor}"
        return None

    def _lacking(self) -> str:
        """Return the term that the claim lacks, or nothing."""
        return missing_term(self.samples, self.example.names, self.partial.axis, self.partial.problem.constants)

    def _missing_term(self, indexing: Indexing) -> tuple[str, str] | None:
        missing = self._lacking()
        if missing.lstrip("-").replace(".", "", 1).isdigit() and "." in missing and (short := indexing.ends()):
            return short  # for an unnamed number may be anything of the inputs that did not move
        return ("missing term", f"the claim is missing the term {missing}") if missing else None

    def _constant(self) -> tuple[str, str] | None:
        """Recognise a claim that is the same everywhere."""
        if len({s.claim for s in self.samples}) == 1 and len({s.measured for s in self.samples}) > 1:
            return "missing term", "the claim is the same everywhere: what depends on the inputs is missing"
        return None

    def _imprecise(self, steady: float | None) -> tuple[str, str] | None:
        """Recognise claims that agree with f in their first digits alone, in no ratio but one of a rounded constant."""
        gaps = [abs(s.gap) / abs(s.measured) for s in self.samples if s.measured]
        if not gaps or max(gaps) > SINGLE_DIGITS or self.partial.problem.eps > SINGLE_PRECISION:
            return None
        if steady is not None and abs(steady - 1) > _SINGLE_ROUNDING:
            return None
        if all(TO_SINGLE(s.claim) == s.claim for s in self.samples):
            where = "in single precision"
        elif all(abs(s.measured - (steady or 0.0) * s.claim) <= abs(s.gap) / 8 + 4 * s.error for s in self.samples):
            where = "with a constant in single precision"
        else:
            where = "with fewer digits than f"
        return "precision", f"the claim agrees to {_digits(gaps)} digits: it is computed {where}"

    def _stepwise(self) -> tuple[str, str] | None:
        """Recognise claims close to what is measured that do not answer to the last digits of the inputs."""
        gaps = [abs(s.gap) / abs(s.measured) for s in self.samples if s.measured]
        if not gaps or max(gaps) > _HALF_DIGITS:
            return None
        for s in self.samples[:3]:
            if any(self._claimed_at(s, factor) != s.claim for factor in _TINY_MOVES):
                return None
            if all(self._claimed_at(s, factor) == s.claim for factor in _WIDE_MOVES):
                return None
        return (
            "precision",
            (
                f"the claim agrees to {_digits(gaps)} digits, and moves in steps: it is computed in half precision or "
                "of rounded inputs"
            ),
        )

    def _claimed_at(self, sample: LocalSample, factor: float) -> float:
        """Return the claim where all inputs are multiplied by a factor."""
        return self.partial.claimed(tuple(x * factor for x in sample.point))

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


def _digits(gaps: list[float]) -> int:
    """Return to how many digits numbers agree, by their relative differences."""
    return max(1, math.floor(-math.log10(max(gaps))))
