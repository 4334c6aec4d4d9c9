"""The settings of the checker for a whole run: what the pytest plugin's options change, and what was checked."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Entry:
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
class Settings:
    """Defaults for every check: the seed, the budget of calls, and whether an unresolved check fails."""

    seed: int = 0
    budget: str = "normal"
    strict: bool = False
    test: str = ""
    log: list[Entry] = field(default_factory=list)


settings = Settings()
