"""The settings of the checker for a whole run: what the pytest plugin's options change, and what was checked."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Settings:
    """Defaults for every check: the seed, the budget of calls, and whether an unresolved check fails."""

    seed: int = 0
    budget: str = "normal"
    strict: bool = False
    log: list[tuple[str, str, float, str]] = field(default_factory=list)


settings = Settings()
