"""Places: what a user writes for ``at`` and ``domain``, as numbers and intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from autograd_mini.testing.adapters import leaves, names_of, parameters
from autograd_mini.testing.domain import Interval
from autograd_mini.testing.problem import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from autograd_mini.testing.problem import Point


def point_numbers(f: Callable[..., Any], at: Any) -> tuple[Point, Any]:
    """Return the numbers of a point and the example that says how to pass them to ``f``."""
    if isinstance(at, dict):
        order = [p.name for p in parameters(f) if p.name in at]
        if len(order) != len(at):
            raise ValueError(f"at names {', '.join(map(str, at))}, expected names among the parameters of f")
        at = tuple(at[name] for name in order)
    try:
        numbers = tuple(leaves(at, "at"))
    except ShapeError:
        raise TypeError(
            f"at is {at!r}, expected a number, a tuple of numbers, a dict by name, a list or an array"
        ) from None
    if not numbers or not all(map(math.isfinite, numbers)):
        raise ValueError(f"at is {at!r}, expected one or more finite numbers")
    return numbers, at if not isinstance(at, (int, float)) else numbers


def intervals(f: Callable[..., Any], domain: Any, seed: int) -> tuple[list[Interval], list[Point]]:
    """Return one interval an input, and the points that strategies among the entries have drawn."""
    if isinstance(domain, dict):
        names = names_of(f, len(domain), one_argument=False)
        if set(names) != set(domain):
            raise ValueError(f"domain names {', '.join(map(str, domain))}, expected {', '.join(names)}")
        entries = [domain[name] for name in names]
    elif isinstance(domain, Interval) or (
        isinstance(domain, tuple) and all(isinstance(v, (int, float)) for v in domain)
    ):
        entries = [domain]
    elif isinstance(domain, (list, tuple)):
        entries = list(domain)
    else:
        raise TypeError(f"domain is {domain!r}, expected a dict by name, or a list with one entry an input")
    ranges, drawn = [], []
    for entry in entries:
        interval, draws = _interval(entry, seed)
        ranges.append(interval)
        drawn.append(draws)
    count = max(map(len, drawn), default=0)
    points = [
        tuple(d[i % len(d)] if d else r.at(0.5) for r, d in zip(ranges, drawn, strict=True)) for i in range(count)
    ]
    return ranges, points


def _interval(entry: Any, seed: int) -> tuple[Interval, list[float]]:
    if isinstance(entry, Interval):
        return entry, []
    if hasattr(entry, "example") and hasattr(entry, "map"):
        draws = sorted(set(_draws(entry, seed)))
        if len(draws) < 2:
            raise ValueError(f"domain entry {entry!r} draws fewer than two different finite numbers")
        return Interval(draws[0], draws[-1]), draws[:: max(1, len(draws) // 8)]
    try:
        low, high = entry
        return Interval(float(low), float(high)), []
    except (TypeError, ValueError) as error:
        if "domain is" in str(error):
            raise
        raise TypeError(f"domain entry is {entry!r}, expected (low, high), logspan(low, high) or a strategy") from None


def _draws(strategy: Any, seed: int) -> list[float]:
    import hypothesis

    found: list[float] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        database=None, max_examples=60, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    @hypothesis.given(strategy)
    def collect(drawn: Any) -> None:
        found.extend(number for number in leaves(drawn, "the strategy") if math.isfinite(number))

    collect()
    return found
