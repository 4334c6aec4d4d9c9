"""A report: what a check found, how finely it looked, and the message for whoever has to fix the derivative."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autograd_mini.testing.problem import Calls

if TYPE_CHECKING:
    from autograd_mini.testing.counterexample import Witness


@dataclass(slots=True)
class Report:
    """The result of `check_grad`.

    ``verdict`` is "correct", "wrong" or "unresolved". ``resolution`` is the smallest relative error of the derivative
    that every comparison could have seen, ``coverage`` the share (0 to 1) of what was asked that was verified at it.
    """

    verdict: str
    resolution: float = float("inf")
    coverage: float = 0.0
    witness: Witness | None = None
    cause: str = ""
    cause_kind: str = ""
    calls: Calls = field(default_factory=Calls)
    seed: int = 0
    note: str = ""
    title: str = ""

    @property
    def ok(self) -> bool:
        """Whether the derivative was proved right as far as floats can tell."""
        return self.verdict == "correct"

    def __bool__(self) -> bool:
        """Return `ok`, so that ``assert check_grad(f, df)`` means what it says."""
        return self.ok

    def __str__(self) -> str:
        """Return the message: the finding, a witness, and the likely cause."""
        end = f"  {self.calls}, seed {self.seed}"
        if self.verdict == "correct":
            return f"the derivative is correct to {self.resolution:.1g}, coverage {self.coverage:.0%}\n{end}"
        if self.verdict == "unresolved":
            return f"the derivative could not be decided: {self.note or 'no comparison was fine enough'}\n{end}"
        if self.witness is None:
            return f"{self.title or 'the derivative is wrong'}\n  likely cause: {self.cause or self.note}\n{end}"
        return "\n".join([*self._witness_lines(self.witness), end])

    def _witness_lines(self, witness: Witness) -> list[str]:
        label = f"d{witness.output}/d{witness.wrt}"
        region = f"   ({witness.region})" if witness.region else ""
        lines = [
            f"{label} is wrong",
            f"  at   {witness.place()}{region}",
            f"       claimed   {label} = {witness.claimed!r}",
            f"       measured  {label} = {_shown(witness.measured, witness.error)} ± {witness.error:.0e}",
        ]
        if witness.others:
            lines.append("  other partials: " + ", ".join(f"d/d{n} {v}" for n, v in witness.others.items()))
        if self.cause:
            lines.append(f"  likely cause: {self.cause}")
        return lines


def _shown(value: float, error: float) -> str:
    """Return a measured number with no more digits than it is known to."""
    for digits in range(1, 17):
        text = f"{value:.{digits}g}"
        if abs(float(text) - value) <= error:
            return text
    return repr(value)
