"""The check at a point: both sides of it verified on segments as long as the function allows, then the point itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autograd_mini.testing.discontinuities import Finding
from autograd_mini.testing.problem import BudgetSpentError
from autograd_mini.testing.residuals import Prosecution
from autograd_mini.testing.segment import Integral, Segment, examine
from autograd_mini.testing.spot import judge_spot

if TYPE_CHECKING:
    from random import Random

    from autograd_mini.testing.line import Line

TARGET, COARSE, POOREST = 1e-6, 1e-3, 0.05
REPRESENTATIVE = 0.05
SHRINK, GROW = 16.0, 4.0
SCALES, GROWTHS, NOISY_SCALES = 12, 12, 4


@dataclass(slots=True)
class Outcome:
    """What was found on one line at one parameter: "correct", "wrong" or "unresolved", and how finely."""

    verdict: str
    resolution: float = math.inf
    finding: Finding | None = None
    line: Line | None = None
    note: str = ""
    coverage: float = 1.0
    claimed: float = 0.0


def first_reach(x: float) -> float:
    """Return the half length of the first segment around ``x``: a quarter of it, or a quarter at zero."""
    return abs(x) / 4 or 0.25


class PointCheck:
    """The check of one line at one parameter ``x``."""

    def __init__(
        self, line: Line, x: float, reach: float, rng: Random, low: float = -math.inf, high: float = math.inf
    ) -> None:
        """Prepare to check ``line`` at ``x`` on segments of half length ``reach``, within [low, high]."""
        self.line, self.x, self.reach, self.rng, self.low, self.high = line, x, reach, rng, low, high
        self.claimed = line.slope(x)
        self.best: dict[int, float] = {}
        self.ends: dict[int, float] = {}
        self.finding: Finding | None = None
        self.noise = 0.0
        self.drowned = self.central = False
        self.tentative: dict[int, float] = {}
        self.empty: set[int] = set()

    def run(self) -> Outcome:
        """Verify both sides, shrinking where g is not resolved and growing where rounding hides it."""
        line, x = self.line, self.x
        if not math.isfinite(line.value(x)):
            return Outcome("unresolved", line=line, note="f is not a finite number there")
        try:
            self.look_around()
            return self.conclude()
        except BudgetSpentError:
            return Outcome("unresolved", self.worst(), None, line, "the budget of calls is spent")

    def look_around(self) -> None:
        """Verify each side of the point at the longest reach that works."""
        line, x, reach = self.line, self.x, self.reach
        noise, noisy_scales = 0.0, 0
        for scale in range(SCALES):
            noise, noisy_scales = max(noise, self.noise), noisy_scales + (self.noise > 0)
            if reach < 32 * line.ulp(x) or noisy_scales > NOISY_SCALES:
                break
            # What looks like noise on a long segment may be a steep place, far off: look again on a shorter one.
            self.noise = 0.0
            if len(self.ends) < 2 and self.attempt(x - reach, x + reach, (-1, 1), reach):
                break
            for side in (-1, 1):
                if side not in self.ends:
                    near, far = (x, x + side * reach)
                    if (
                        not self.attempt(min(near, far), max(near, far), (side,), reach)
                        and scale
                        and self.finding is None
                    ):
                        near = x + side * reach / 2
                        self.attempt(min(near, far), max(near, far), (side,), reach, offset=True)
            if self.finding or len(self.ends) == 2 or self.drowned:
                break
            reach /= SHRINK
        self.noise = max(noise, self.noise)
        for side, tried in self.tentative.items():
            self.ends.setdefault(side, tried)
        if self.finding is None and not self.noise:
            for side in (-1, 1):
                if side not in self.ends or side in self.empty:
                    self.integrate(side)

    def attempt(self, a: float, b: float, sides: tuple[int, ...], reach: float, *, offset: bool = False) -> bool:
        """Examine [a, b] for the given sides; return whether they are settled, by acceptance or by conviction."""
        a, b = self.line.snap(max(a, self.low)), self.line.snap(min(b, self.high))
        if not b - a > 16 * self.line.ulp(b):
            return False
        segment = examine(self.line, a, b)
        state = self.judge(segment)
        if state == "wrong":
            return True
        if state == "fine":
            self.central = len(sides) == 2
            for side in sides:
                self.settle(side, segment, reach)
            return True
        if state == "rounded" and not offset:
            resolution = self.local_resolution(segment)
            grown = self.grow(sides, reach, resolution)
            if self.finding:
                return True
            found = min(resolution, grown)
            fine = found <= POOREST and not self.noise
            for side in sides:
                self.best[side] = min(self.best.get(side, math.inf), found)
                if fine:
                    self.ends[side] = reach
                elif found <= POOREST:
                    self.tentative.setdefault(side, reach)
            self.central = self.central or (len(sides) == 2 and found <= POOREST)
            self.drowned = len(self.best) == 2 and not self.noise
            return fine
        return False

    def settle(self, side: int, segment: Segment, reach: float) -> None:
        """Record that one side is verified."""
        self.ends[side] = reach
        if not segment.mass and reach < self.reach:
            self.empty.add(side)  # all that was not resolved on longer segments has vanished, right or wrong
        self.best[side] = min(self.best.get(side, math.inf), self.local_resolution(segment))

    def integrate(self, side: int) -> None:
        """Compare over the whole first reach, with as many samples of g as it takes.

        A power such as x**16 looks the same at every scale around zero: shorter segments are not resolved any better.
        """
        line, x = self.line, self.x
        near, far = x, line.snap(min(max(x + side * self.reach, self.low), self.high))
        a, b = min(near, far), max(near, far)
        if not b - a > 64 * line.ulp(b):
            return
        segment = examine(line, a, b)
        if segment.state == "broken" or not segment.mass or not self.represents(segment):
            return
        integral = Integral(line, a, b, goal=TARGET * segment.mass / 2)
        residuals = integral.residuals([a + (b - a) * k / 4 for k in range(4)] + [b])
        mass = sum(panel.mass for panel in integral.panels)
        if integral.broken or not all(map(math.isfinite, residuals)):
            return
        excess, tolerance = max(residuals, key=abs), integral.error + segment.rounding
        if abs(excess) > tolerance:
            finding = Prosecution(line, self.rng).of(a, b, excess)
            self.finding = finding if finding.kind == "wrong" else self.finding
        elif tolerance <= COARSE * mass:
            self.ends[side], self.best[side] = abs(far - near), tolerance / mass
            self.empty.discard(side)

    def local_resolution(self, segment: Segment) -> float:
        """Return the resolution of a segment relative to the claim at x, where that is smaller than on average."""
        length = segment.b - segment.a
        local = self.line.strength(self.x) * length
        tolerance = segment.tolerance + self.noise
        if segment.state == "match" and self.is_invisible(segment):
            return tolerance / segment.scale if segment.scale else 0.0
        mass = segment.mass or segment.scale
        reference = min(mass, local) if local > 1e-12 * mass else mass
        return tolerance / reference if reference else 0.0

    def represents(self, segment: Segment) -> bool:
        """Return whether g is about as large on a segment as at x: else a steep place at x passes unseen."""
        line, x, length = self.line, self.x, segment.b - segment.a
        if not math.isfinite(self.claimed) or segment.mass >= REPRESENTATIVE * abs(self.claimed) * length:
            return True
        sides = [k for k, beyond in ((-16, segment.a >= x), (16, segment.b <= x)) if not beyond]
        beside = [line.slope(line.snap(x + k * line.ulp(x))) for k in sides]
        largest = max((abs(s) for s in beside if math.isfinite(s)), default=0.0)
        return segment.mass >= REPRESENTATIVE * min(abs(self.claimed), largest) * length

    def is_invisible(self, segment: Segment) -> bool:
        """Return whether the claim is too small for f to feel it, over the segment as well as at x."""
        usual = max(self.line.strength(self.x), segment.mass / (segment.b - segment.a)) * self.reach
        return usual <= 4 * segment.rounding

    def judge(self, segment: Segment) -> str:
        """Return "fine", "wrong", "rounded" (rounding limits, grow), or "shrink"."""
        if segment.state == "broken":
            return "shrink"
        coarse = segment.quadrature > 1e-3 * max(segment.mass, abs(segment.excess))
        if segment.state == "mismatch" and abs(segment.excess) > self.noise and not coarse:
            finding = Prosecution(self.line, self.rng).of(segment.a, segment.b, segment.excess)
            if finding.kind == "wrong":
                self.finding = finding
                return "wrong"
            if finding.kind == "staircase":
                self.noise = max(self.noise, finding.size)
                return "rounded"
            if finding.kind in ("jump", "broken"):
                return "shrink"
            if finding.kind == "clear" and segment.quadrature < 0.1 * abs(segment.excess):
                return "shrink"
            self.noise = max(self.noise, finding.size if finding.kind == "noise" else 0.0)
        if not self.represents(segment):
            return "shrink"
        if self.local_resolution(segment) <= TARGET:
            return "fine"
        return "rounded" if segment.rounding + self.noise >= segment.quadrature else "shrink"

    def grow(self, sides: tuple[int, ...], reach: float, resolution: float) -> float:
        """Return the best resolution that longer segments reach; convict if one proves a mismatch."""
        x, best = self.x, resolution
        for _ in range(GROWTHS):
            reach *= GROW
            a, b = x - reach if -1 in sides else x, x + reach if 1 in sides else x
            a, b = max(a, self.low), min(b, self.high)
            if not (math.isfinite(a) and math.isfinite(b)):
                break
            segment = examine(self.line, self.line.snap(a), self.line.snap(b))
            state = self.judge(segment)
            if state in {"wrong", "shrink"}:
                break
            found = self.local_resolution(segment)
            if found > 0.7 * best:
                break
            best = found
            if best <= TARGET:
                break
        return best

    def conclude(self) -> Outcome:
        """Turn what was recorded into an outcome, after a look at the point itself."""
        line = self.line
        if self.finding:
            return Outcome("wrong", self.worst(), self.finding, line)
        open_sides = [s for s in (-1, 1) if s not in self.ends and self.is_inside(s)]
        if not math.isfinite(self.claimed) or not self.central:
            reach = min(self.ends.values(), default=self.reach)
            inside = [s for s in (-1, 1) if self.is_inside(s)]
            verdict, note = judge_spot(line, self.x, reach, inside, self.ends, self.noise)
            if verdict == "wrong":
                self.finding = Finding("wrong", self.x, self.x)
            if verdict != "correct":
                return Outcome(verdict, self.worst(), self.finding, line, note, claimed=self.claimed)
        if open_sides or not self.ends:
            return Outcome("unresolved", self.worst(), None, line, self.why())
        return Outcome("correct", self.worst(), None, line)

    def why(self) -> str:
        """Say in words what keeps the point unresolved."""
        if self.noise:
            return f"f is noise or steps of {self.noise:.1g} here"
        return "f and g could not be compared at any scale"

    def worst(self) -> float:
        """Return the resolution of the less well resolved side."""
        return max(self.best.values(), default=math.inf)

    def is_inside(self, side: int) -> bool:
        """Return whether f is finite next to x on the given side."""
        line, x = self.line, self.x
        if (side < 0 and x <= self.low) or (side > 0 and x >= self.high):
            return False
        step = max(16 * line.ulp(x), self.reach * 1e-6)
        return any(math.isfinite(line.value(line.snap(x + side * step * k))) for k in (1, 1000))
