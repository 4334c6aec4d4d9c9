"""The page of a descent: a surface that turns, a linked map with an arrow for each step, and starts to click."""

from __future__ import annotations

from math import isfinite

from autograd_mini.engine.hooks import no_grad
from autograd_mini.viz.javascript import LivePage, Rows, asset, plain, program
from autograd_mini.viz.long_sums import Shown
from autograd_mini.viz.replay import NotReplayableError, replay
from autograd_mini.viz.svg import number, opening
from autograd_mini.viz.text import figure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.engine.value import Value
    from autograd_mini.viz.gradient_descent import Descent, Point

GRID = 33
"""Places along each axis where the function is computed for the page, if the page cannot compute it."""

ARROWS = 400
"""Maximum steps that are shown."""


def descent_page(
    descent: Descent, value: Callable[[Point], float], graph: tuple[Value, list[Value]] | None
) -> LivePage:
    """Return the page of a descent in one or two dimensions.

    Args:
        descent: the path.
        value: the function at a point.
        graph: its result as a Value and the variables, at the start; None where it returns no Value.

    """
    points = [point for point in descent.points if all(map(isfinite, point))][: ARROWS + 1]
    axes = [*zip(*points, strict=True)]
    bounds = [_around(axis, 0.3 if len(axes) == 2 else 0.8) for axis in axes]
    rows = Rows()
    made = None if graph is None else _program(graph, value, bounds, rows)
    data: dict[str, Any] = {
        "style": asset("page.css") + asset("descent.css"),
        "program": made,
        "root": 0 if made is None else len(made) - 1,
        "bounds": bounds,
        "lr": plain(descent.lr),
        "points": [[*map(_short, point)] for point in points],
        "values": [*map(_short, descent.values[: len(points)])],
        "stopped": descent.stopped,
        "steps": descent.steps,
        "tol": plain(descent.tol),
    }
    if made is None:
        data["heights"] = [_short(_quietly(value, point)) for point in _grid(bounds, GRID)]
    lines = [
        f"step {at}: ({', '.join(map(figure, point))}), value {figure(height)}"
        for at, (point, height) in enumerate(zip(points, descent.values, strict=False))
    ]
    scripts = ("arithmetic", "dom", "contour", "descent")
    return LivePage(repr(descent), curve(descent.values), lines, scripts, data, rows)


def curve(heights: list[float], about: str = "The value at every step.") -> str:
    """Return a still picture of numbers in a row, as one line."""
    finite = [height for height in heights if isfinite(height)] or [0.0]
    low, high = min(finite), max(finite)
    along, down = 560.0 / max(1, len(heights) - 1), 160.0 / ((high - low) or 1.0)
    points = [(20.0 + along * at, 20.0 + down * (high - y)) for at, y in enumerate(heights) if isfinite(y)]
    corners = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    line = f'<polyline points="{corners}" fill="none" stroke="#3f93c9" stroke-width="2.5"/>'
    return f"{opening(600.0, 200.0, about)}{line}</svg>"


def _around(coordinates: Sequence[float], share: float) -> list[float]:
    """Return bounds around coordinates with a share of their range free on either side."""
    low, high = min(coordinates), max(coordinates)
    free = max(share * (high - low), 0.5)
    return [low - free, high + free]


def _short(x: float) -> float | str:
    return plain(float(f"{x:.9g}"))


def _grid(bounds: list[list[float]], count: int) -> list[Point]:
    """Return the places of a grid, the last axis being the slowest."""
    axes = [[low + (high - low) * at / (count - 1) for at in range(count)] for low, high in bounds]
    return [(x,) for x in axes[0]] if len(axes) == 1 else [(x, y) for y in axes[1] for x in axes[0]]


def _quietly(value: Callable[[Point], float], point: Point) -> float:
    with no_grad():
        try:
            return value(point)
        except (ArithmeticError, ValueError):
            return float("nan")


def _program(
    graph: tuple[Value, list[Value]], value: Callable[[Point], float], bounds: list[list[float]], rows: Rows
) -> list[Any] | None:
    """Return the program of a function, its variables first; None where it does other things at other places."""
    result, variables = graph
    shown = Shown([result], keep=variables)
    shown.nodes = [*variables, *(node for node in shown.nodes if node not in set(variables))]
    try:
        for point in _grid(bounds, 6):
            again, true = replay(result, dict(zip(variables, point, strict=True))), _quietly(value, point)
            if abs(float(again) - true) > 1e-9 * (1.0 + abs(true)):  # type: ignore[arg-type]  # floats gave a float
                return None
        return program(shown, rows)
    except NotReplayableError:
        return None
