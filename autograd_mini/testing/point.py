"""A check at a point: segments on both sides, as long as the function allows, then the point itself.

No integral sees the claim at the exact point, as at a kink, at zero or at an edge. Any subgradient is right there: the
claim has to lie between the gradients next to it, or else between the one-sided slopes of f.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from autograd_mini.testing.finite_differences import Measured, measure
from autograd_mini.testing.problem import NAN, BudgetSpentError, why_stopped
from autograd_mini.testing.residuals import FEW_STEPS, NEIGHBOURS, Classification, classify, residue
from autograd_mini.testing.segment import Integral, Segment, announce, compare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.testing.line import Line

TARGET, GOOD, COARSE, POOREST = 1e-8, 1e-6, 1e-3, 0.05
"""Resolutions: aimed at over tiles, of a segment and of a long integral, and the worst that counts as verified."""
REPRESENTATIVE = 0.05
"""Smallest mean of abs(g) on a segment, relative to the claim at the point, of a segment that represents the point."""
SHRINK, GROW = 16.0, 4.0
"""Factors between the lengths of segments that are tried."""
SCALES, GROWTHS, NOISY_SCALES = 12, 12, 4
"""Most shorter segments, most longer ones, and most of those on which f is noise."""
ROUNDED_ZERO = 3
"""Changes of sign among the slopes of a segment from which on they are rounding errors of 0."""
FAR = 0.25
"""Distance that f is looked at to, at least, if it does not move before."""
ALWAYS_NOISY, NOISE_RANGE = 3, 6.0
"""Noisy segments on which a noise is that of all, and the range of a noise relative to its smallest size on them."""
TENDING = 0.97
"""Factor by which the distance of gradients to their limit shrinks, at least, on a way 64 times as short."""
_TRUST = 1e-2
"""Relative error up to which a measured slope is trusted at the point itself."""


@dataclass(slots=True)
class Outcome:
    """What was found on one line at one parameter: "correct", "wrong" or "unresolved", and how finely."""

    verdict: str
    resolution: float = math.inf
    classification: Classification | None = None
    line: Line | None = None
    note: str = ""
    coverage: float = 1.0
    claimed: float = 0.0


def within(line: Line, a: float, b: float) -> tuple[float, float]:
    """Return the part of a stretch that is of interest on a line, at numbers of its arithmetic."""
    return line.snap(max(a, line.low)), line.snap(min(b, line.high))


def announce_first(lines: Sequence[Line]) -> None:
    """Evaluate together what the checks of some lines begin with, where f or df take batches."""
    announce([(line, *within(line, line.start - line.reach, line.start + line.reach)) for line in lines])


class PointCheck:
    """The check of one line at the point it was laid through, on segments around its parameter ``x``."""

    def __init__(self, line: Line) -> None:
        """Prepare to check ``line``."""
        self.line, self.x, self.reach, self.claimed = line, line.start, line.reach, NAN
        self.best: dict[int, float] = {}
        self.reaches: dict[int, float] = {}
        self.classification: Classification | None = None
        self.noise = 0.0
        self.noises: list[float] = []
        self.coarse: list[float] = []
        self.rounding_limited = self.central = self.constant = False
        self.tentative: dict[int, float] = {}
        self.empty: set[int] = set()

    def run(self) -> Outcome:
        """Verify both sides, on shorter segments where g is not resolved, on longer ones where rounding hides it."""
        try:
            self.claimed = self.line.slope(self.x)
            if not math.isfinite(self.line.value(self.x)):
                return Outcome("unresolved", line=self.line, note="f is not a finite number there")
            self.verify_sides()
            return self.conclude()
        except (BudgetSpentError, ArithmeticError) as error:
            return Outcome("unresolved", self.worst(), None, self.line, why_stopped(error))

    def verify_sides(self) -> None:
        """Verify each side of the point at the longest reach that works."""
        line, x, reach = self.line, self.x, self.reach
        noise, noisy_scales = 0.0, 0
        for scale in range(SCALES):
            noise, noisy_scales = max(noise, self.noise), noisy_scales + (self.noise > 0)
            if reach < 32 * line.ulp(x) or noisy_scales > NOISY_SCALES:
                break
            # What looks like noise on a long segment may be a steep place, far off: look again on a shorter one.
            self.noise = 0.0
            if len(self.reaches) < 2 and self.verify(x - reach, x + reach, (-1, 1), reach):
                break
            for side in (-1, 1):
                if side in self.reaches or self.verify(x, x + side * reach, (side,), reach):
                    continue
                if scale and self.classification is None:
                    self.verify(x + side * reach / 2, x + side * reach, (side,), reach, offset=True)
            if self.classification or len(self.reaches) == 2 or self.rounding_limited:
                break
            reach /= SHRINK
        self.noise = max(noise, self.noise)
        self.reaches = {**self.tentative, **self.reaches}
        for side in (-1, 1) if self.classification is None and not self.constant else ():
            if not self.noise and (side not in self.reaches or side in self.empty):
                self.integrate(side, self.reach)
            for far in (*self.coarse, 4 * self.reach, 16 * self.reach, max(64 * self.reach, FAR)):
                if side in self.reaches or self.classification is not None or not self.is_still(side):
                    break
                self.integrate(side, far)

    def verify(self, near: float, far: float, sides: tuple[int, ...], reach: float, *, offset: bool = False) -> bool:
        """Compare over a stretch for the given sides; return whether they are decided, as right or as wrong."""
        a, b = within(self.line, *sorted((near, far)))
        if not b - a > 16 * self.line.ulp(b):
            return False
        segment = compare(self.line, a, b)
        state = self.assess(segment)
        if state == "wrong":
            return True
        if state != "fine" and len(sides) == 2 and reach == self.reach and self.stays_constant(segment):
            self.constant = True
            return True
        if state == "fine":
            self.central = len(sides) == 2
            for side in sides:
                self.accept(side, segment, reach)
            return True
        if state == "shrink" and segment.quadrature > segment.rounding and reach not in self.coarse:
            self.coarse.append(reach)
        if state == "rounded" and not offset:
            resolution = self.local_resolution(segment)
            grown = self.grow(sides, reach, resolution)
            if self.classification:
                return True
            found = min(resolution, grown)
            fine = found <= POOREST and not self.noise
            for side in sides:
                self.best[side] = min(self.best.get(side, math.inf), found)
                if fine:
                    self.reaches[side] = reach
                elif found <= POOREST:
                    self.tentative.setdefault(side, reach)
            self.central = self.central or (len(sides) == 2 and found <= POOREST)
            self.rounding_limited = len(self.best) == 2 and not self.noise
            return fine
        return False

    def stays_constant(self, segment: Segment) -> bool:
        """Return whether f is constant but for rounding, also farther away, and the claim is no larger than that."""
        line, x, reach = self.line, self.x, max(64 * self.reach, FAR)
        zero = not (any(segment.slopes) or self.claimed) or self.is_rounded(segment)
        if segment.state == "broken" or not (zero or self.noise):
            return False
        moved = max(abs(segment.mismatch), segment.l1_norm, abs(self.claimed) * self.reach)
        a, b = line.snap(max(x - reach, line.low)), line.snap(min(x + reach, line.high))
        size = residue(line, a, b, moved) if math.isfinite(moved) and math.isfinite(b - a) else 0.0
        if size and zero:
            self.reaches, self.central = dict.fromkeys((-1, 1), reach), True
            self.best = dict.fromkeys((-1, 1), size / max(1.0, segment.scale))
        self.noise = max(self.noise, size)
        return size > 0

    def is_rounded(self, segment: Segment) -> bool:
        """Return whether the claim is 0 but for rounding: of both signs, and as different between neighbours."""
        low, high = min(segment.slopes), max(segment.slopes)
        width = NEIGHBOURS * self.line.ulp(segment.b)
        for share in (0.3, 0.62) if low <= 0 <= high else ():
            t = segment.a + share * (segment.b - segment.a)
            near = self.line.slopes([self.line.snap(t + k * width) for k in (0.0, 0.13, 0.41, 1.0)])
            if high - low <= FEW_STEPS * (max(near) - min(near)):
                return True
        return False

    def accept(self, side: int, segment: Segment, reach: float) -> None:
        """Record that one side is verified."""
        self.reaches[side] = reach
        if not segment.l1_norm and reach < self.reach:
            self.empty.add(side)  # all that was not resolved on longer segments has vanished, right or wrong
        self.best[side] = min(self.best.get(side, math.inf), self.local_resolution(segment))

    def is_still(self, side: int) -> bool:
        """Return whether f does not move beyond its rounding on a side, as far as it was compared."""
        return self.best.get(side, 0.0) > POOREST

    def integrate(self, side: int, reach: float) -> None:
        """Compare over a whole reach, with as many samples of g as it takes.

        A power such as x**16 looks the same at every scale around zero: shorter segments are not resolved any better.
        """
        line, x = self.line, self.x
        a, b = sorted((x, line.snap(min(max(x + side * reach, line.low), line.high))))
        if not 64 * line.ulp(b) < b - a < math.inf:
            return
        segment = compare(line, a, b)
        if segment.state == "broken" or not segment.l1_norm or not self.represents(segment):
            return
        integral = Integral(line, a, b, goal=max(GOOD * segment.l1_norm / 2, segment.rounding))
        residuals = integral.residuals([a + (b - a) * k / 4 for k in range(4)] + [b])
        if integral.broken or not all(map(math.isfinite, residuals)):
            return
        mismatch, tolerance = max(residuals, key=abs), integral.error + segment.rounding + self.noise
        if abs(mismatch) > tolerance:
            classification = classify(line, a, b, mismatch)
            if classification.kind == "wrong":
                self.classification = classification
            tolerance += classification.size if classification.kind == "approximation" else math.inf
        if tolerance <= (POOREST if self.is_still(side) else COARSE) * integral.l1_norm:
            self.reaches[side], self.best[side] = b - a, tolerance / integral.l1_norm
            self.empty.discard(side)

    def local_resolution(self, segment: Segment) -> float:
        """Return the resolution of a segment relative to the claim at x, where that is smaller than on average."""
        length = segment.b - segment.a
        local = self.line.strength(self.x) * length
        tolerance = segment.tolerance + self.noise
        if segment.l1_norm and segment.state == "match" and self.is_invisible(segment):
            # What f does not show nearby is judged where f moves, if longer segments reach that. Slopes that change
            # sign often are what rounding leaves of 0.
            if sum(u * v <= 0 for u, v in pairwise(segment.slopes)) >= ROUNDED_ZERO:
                return tolerance / segment.scale if segment.scale else 0.0
            return tolerance / segment.l1_norm if segment.l1_norm > 4 * segment.rounding else math.inf
        l1_norm = segment.l1_norm or segment.scale
        reference = min(l1_norm, local) if local > 1e-12 * l1_norm else l1_norm
        return tolerance / reference if reference else 0.0

    def represents(self, segment: Segment) -> bool:
        """Return whether g is about as large on a segment as at x: a steep part at x may not be passed over."""
        line, x, length = self.line, self.x, segment.b - segment.a
        if not math.isfinite(self.claimed) or segment.l1_norm >= REPRESENTATIVE * abs(self.claimed) * length:
            return True
        sides = [k for k, beyond in ((-16, segment.a >= x), (16, segment.b <= x)) if not beyond]
        beside = line.slopes([line.snap(x + k * line.ulp(x)) for k in sides])
        largest = max((abs(s) for s in beside if math.isfinite(s)), default=0.0)
        return segment.l1_norm >= REPRESENTATIVE * min(abs(self.claimed), largest) * length

    def is_invisible(self, segment: Segment) -> bool:
        """Return whether the claim is too small to change f beyond its rounding, over the segment as well as at x."""
        usual = max(self.line.strength(self.x), segment.l1_norm / (segment.b - segment.a)) * self.reach
        return usual <= 4 * segment.rounding

    def assess(self, segment: Segment) -> str:
        """Return "fine", "wrong", "rounded" (rounding limits, grow), or "shrink"."""
        if segment.state == "broken":
            return "shrink"
        coarse = segment.quadrature > 1e-3 * max(segment.l1_norm, abs(segment.mismatch))
        if segment.state == "mismatch" and abs(segment.mismatch) > self.noise and not coarse:
            classification = classify(self.line, segment.a, segment.b, segment.mismatch)
            if classification.kind == "wrong" and not self.is_noise(classification.size):
                self.classification = classification
                return "wrong"
            if classification.kind == "staircase":
                self.noise = max(self.noise, classification.size)
                return "rounded"
            if classification.kind in ("jump", "broken"):
                return "shrink"
            if classification.kind == "clear" and segment.quadrature < 0.1 * abs(segment.mismatch):
                return "shrink"
            if classification.kind in ("noise", "approximation", "wrong"):
                self.noise = max(self.noise, classification.size)
                self.noises.append(classification.size)
        if not self.represents(segment):
            return "shrink"
        resolution, rounded = self.local_resolution(segment), segment.rounding + self.noise >= segment.quadrature
        if resolution <= GOOD:
            return "fine"
        return "rounded" if rounded else "shrink"

    def is_noise(self, size: float) -> bool:
        """Return whether an error is no larger than the noise that f has on segments of other lengths, and small."""
        small = size <= 1e-2 * abs(self.line.value(self.x))
        return small and len(self.noises) >= ALWAYS_NOISY and size <= NOISE_RANGE * min(self.noises)

    def grow(self, sides: tuple[int, ...], reach: float, resolution: float) -> float:
        """Return the best resolution that longer segments reach; stop at one that proves a mismatch."""
        x, best = self.x, resolution
        factor = max(GROW, (FAR / reach) ** (1 / GROWTHS))  # far from a small number, too
        for _ in range(GROWTHS):
            reach *= factor
            a, b = x - reach if -1 in sides else x, x + reach if 1 in sides else x
            a, b = max(a, self.line.low), min(b, self.line.high)
            if not (math.isfinite(a) and math.isfinite(b)):
                break
            segment = compare(self.line, self.line.snap(a), self.line.snap(b))
            state = self.assess(segment)
            found = self.local_resolution(segment)
            if state in {"wrong", "shrink"} or found > 0.7 * best:
                break
            best = found
            if best <= GOOD:
                break
        return best

    def conclude(self) -> Outcome:
        """Return the outcome of what was recorded, after a check of the point itself."""
        line = self.line
        if self.classification:
            return Outcome("wrong", self.worst(), self.classification, line)
        # A side on which f does not move shows nothing about g: where it does, on the other one, that has to do.
        still = [s for s in (-1, 1) if self.reaches and self.is_still(s)]
        open_sides = [s for s in (-1, 1) if s not in self.reaches and s not in still and self.is_inside(s)]
        if not math.isfinite(self.claimed) or not self.central:
            reach = min(self.reaches.values(), default=self.reach)
            verdict, note = self.check_exactly_there(reach, [s for s in (-1, 1) if self.is_inside(s)])
            if verdict == "wrong":
                self.classification = Classification("wrong", self.x, self.x)
            if verdict != "correct":
                return Outcome(verdict, self.worst(), self.classification, line, note, claimed=self.claimed)
        if self.constant and not self.reaches:
            note = f"f is constant but for rounding here, of {self.noise:.1g}"
            return Outcome("unresolved", math.inf, None, line, note)
        if open_sides or not self.reaches:
            steps = f"f is noise or steps of {self.noise:.1g} here"
            note = steps if self.noise else "f and g could not be compared at any scale"
            return Outcome("unresolved", self.worst(), None, line, note)
        return Outcome("correct", self.worst(), None, line)

    def worst(self) -> float:
        """Return the resolution of the less well resolved side."""
        return max([self.best[s] for s in self.reaches if s in self.best] or self.best.values(), default=math.inf)

    def is_inside(self, side: int) -> bool:
        """Return whether f is finite next to x on the given side."""
        line, x = self.line, self.x
        if (side < 0 and x <= self.line.low) or (side > 0 and x >= self.line.high):
            return False
        step = max(16 * line.ulp(x), self.reach * 1e-6)
        return any(math.isfinite(line.value(line.snap(x + side * step * k))) for k in (1, 1000))

    def check_exactly_there(self, reach: float, inside: list[int]) -> tuple[str, str]:
        """Return the verdict on the claim at exactly x, and a note where it is not "correct".

        ``inside`` are the sides (-1, 1) on which f is finite.
        """
        line, x, claimed = self.line, self.x, self.claimed
        if (math.isfinite(claimed) and self.lies_between_neighbours(reach)) or self.is_a_limit(reach):
            return "correct", ""
        height = max((abs(line.value(x)), *(abs(line.value(line.snap(x + s * reach / 4))) for s in inside)))
        slopes = [measure(line, x, reach / 4, side) for side in inside]
        if not slopes or not all(_trusted(m, claimed, height / reach) for m in slopes):
            return "unresolved", "the claim at the point itself is none of its neighbours', and f gives no slope there"
        low, high = min(m.value - 5 * m.error for m in slopes), max(m.value + 5 * m.error for m in slopes)
        slack = 1e-6 * max(abs(low), abs(high)) + self.noise / reach
        if low - slack <= claimed <= high + slack:
            return "correct", ""
        kinked = len(slopes) == 2 and abs(slopes[0].value - slopes[1].value) > 10 * sum(m.error for m in slopes) + slack
        if not math.isfinite(claimed) and kinked:
            return "unresolved", "the claim is not a number where f has a kink"
        if math.isfinite(claimed) and (self.noise or not self.reaches):
            return "unresolved", "f is too noisy to judge the point itself"
        return "wrong", "only at the point itself"

    def is_a_limit(self, reach: float) -> bool:
        """Return whether gradients on a side that is right tend to the claim: slowly as x**0.1, or as 1/sqrt to inf."""
        finite = math.isfinite(self.claimed)
        for side in self.reaches:
            slopes = self.line.slopes([self.line.snap(self.x + side * reach / 64**k) for k in range(1, 6)])
            gaps = [abs(s - self.claimed) if finite else 1 / (abs(s) or 1e-300) for s in slopes]
            if all(v < TENDING * u for u, v in pairwise(gaps)):
                return True
        return False

    def lies_between_neighbours(self, reach: float) -> bool:
        """Return whether the claim is in the hull of the gradients beside it, down to the last digits."""
        line, x, step = self.line, self.x, reach / 64
        while step > 4 * line.ulp(x):
            around = line.slopes([line.snap(x + k * step) for k in (-1, -0.5, 0.5, 1)])
            sides = [pair for pair in (around[:2], around[2:]) if all(map(math.isfinite, pair))]
            if sides:
                low, high = min(map(min, sides)), max(map(max, sides))
                slack = sum(abs(u - v) for u, v in sides) + 64 * line.problem.eps * max(abs(low), abs(high))
                if low - slack <= self.claimed <= high + slack:
                    return True
            step /= 64
        return False


def _trusted(measured: Measured, claimed: float, usual: float) -> bool:
    """Return whether a measured slope is exact beside itself, beside the claim, or beside what is usual for f."""
    beside = abs(claimed) if math.isfinite(claimed) else 0.0
    return measured.error <= max(_TRUST * max(abs(measured.value), beside), 1e-7 * usual) + 1e-300
