"""A verdict: what a check found, as a report with its message, and the settings and the log of a run of checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autograd_mini.testing.problem import located

if TYPE_CHECKING:
    from autograd_mini.testing.problem import Point


@dataclass(frozen=True, slots=True)
class Calls:
    """How many times the user's function and gradient were called."""

    f: int = 0
    g: int = 0

    def __str__(self) -> str:
        """Describe the counts as in ``86 f-calls, 640 gradient calls``."""
        return f"{self.f} f-calls, {self.g} gradient calls"


@dataclass(slots=True)
class Counterexample:
    """A point at which the partial derivative of ``output`` by ``wrt`` is wrong.

    ``slopes`` are those of f on either side where it has a kink: any number between them is a right derivative.
    """

    point: Point
    names: tuple[str, ...]
    axis: int
    output: str
    claimed: float
    measured: float
    error: float
    interval: tuple[float, float]
    region: str = ""
    others: dict[str, str] = field(default_factory=dict)
    slopes: tuple[float, float] | None = None

    @property
    def wrt(self) -> str:
        """The name of the input whose partial derivative is wrong."""
        return self.names[self.axis]

    def place(self) -> str:
        """Return the point as ``x=0.91, y=1.73``."""
        return located(self.names, self.point, self.axis)


@dataclass(slots=True)
class Report:
    """The result of `check_grad`.

    Attributes:
        verdict: "correct", "wrong" or "unresolved".
        resolution: the smallest relative error of the derivative that every comparison could have seen.
        coverage: the share (0 to 1) of what was asked for that was verified at this resolution.
        witness: where a wrong derivative is wrong, what was claimed there, and what was measured; None where no
            single partial derivative is to blame.
        cause: the likely cause of a wrong verdict, in a sentence.
        cause_kind: the same in a word or two: "sign", "factor", "shape", "raised", ...
        calls: the calls of f and of the derivative.
        seed: the seed of the check.
        note: why a derivative is unresolved, or what is unusual about one that is right.
        title: the first line of the message of a wrong verdict without a witness.
        wrong: which of more than four partial derivatives are wrong: "row 37 of W", "all of b", or their names.

    >>> import math
    >>> from autograd_mini.testing import check_grad
    >>> report = check_grad(math.exp, math.exp, at=1.0)
    >>> report.ok, report.verdict
    (True, 'correct')

    """

    verdict: str
    resolution: float = float("inf")
    coverage: float = 0.0
    witness: Counterexample | None = None
    cause: str = ""
    cause_kind: str = ""
    calls: Calls = field(default_factory=Calls)
    seed: int = 0
    note: str = ""
    title: str = ""
    wrong: str = ""

    @property
    def ok(self) -> bool:
        """Whether the derivative was proved right as far as floats can tell."""
        return self.verdict == "correct"

    def __bool__(self) -> bool:
        """Return `ok`, so that ``assert check_grad(f, df)`` means what it says."""
        return self.ok

    def __str__(self) -> str:
        """Return the message: the verdict, where the derivative is wrong, and the likely cause."""
        end = f"  {self.calls}, seed {self.seed}"
        if self.verdict == "correct":
            note = f"  {self.note}\n" if self.note else ""
            return f"the derivative is correct to {self.resolution:.1g}, coverage {self.coverage:.0%}\n{note}{end}"
        if self.verdict == "unresolved":
            return f"the derivative could not be decided: {self.note or 'no comparison was fine enough'}\n{end}"
        if self.witness is None:
            cause = self.cause or self.note
            return "\n".join([self.title or "the derivative is wrong", *([f"  {cause}"] if cause else []), end])
        return "\n".join([*self._witness_lines(self.witness), end])

    def _witness_lines(self, witness: Counterexample) -> list[str]:
        label = f"d{witness.output}/d{witness.wrt}"
        region = f"   ({witness.region})" if witness.region else ""
        lines = [
            self.title or f"{label} is wrong",
            f"  at   {witness.place()}{region}",
            *([f"       claimed   {label} = {witness.claimed!r}"] if self.cause_kind != "raised" else []),
            f"       measured  {label} = {_measured(witness)}",
        ]
        if witness.others:
            lines.append("  other partials: " + ", ".join(f"d/d{n} {v}" for n, v in witness.others.items()))
        if self.wrong and self.wrong != witness.wrt:
            lines.append(f"  wrong: {self.wrong}")
        if self.cause:
            lines.append(f"  likely cause: {self.cause}")
        return lines


def _measured(witness: Counterexample) -> str:
    if witness.slopes is not None:
        low, high = (_rounded(slope, 1e-6 * abs(slope)) for slope in witness.slopes)
        return f"any of [{low}, {high}]"
    return f"{_rounded(witness.measured, witness.error)} ± {witness.error:.0e}"


def _rounded(value: float, error: float) -> str:
    """Return a measured number with no more digits than it is known to."""
    for digits in range(1, 17):
        text = f"{value:.{digits}g}"
        if abs(float(text) - value) <= error:
            return text if digits > 15 else f"{float(text):.15g}"  # 1e+01 is 10
    return repr(value)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One derivative that an assertion checked."""

    test: str
    function: str
    verdict: str
    resolution: float
    calls: str

    def __str__(self) -> str:
        """Describe the entry on one line of a summary."""
        fine = f" to {self.resolution:.0e}" if self.verdict == "correct" else ""
        return f"{self.verdict}{fine}: {self.function} in {self.test or 'a script'} ({self.calls})"


@dataclass
class CheckSettings:
    """Defaults of every check, which the options of the pytest plugin change, and what assertions checked so far."""

    seed: int = 0
    budget: str = "normal"
    strict: bool = False
    test: str = ""
    log: list[LogEntry] = field(default_factory=list)


settings = CheckSettings()
"""Settings of the whole run."""
