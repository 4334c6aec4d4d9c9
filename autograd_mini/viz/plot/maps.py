"""A map: a function of two arguments from above, as colours and lines of equal height, and how a path on it looks."""

from __future__ import annotations

from math import isfinite, log

from autograd_mini.engine.hooks import no_grad
from autograd_mini.engine.value import Value
from autograd_mini.viz.plot.axes import ORANGE, pyplot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from matplotlib.axes import Axes  # type: ignore[import-not-found, unused-ignore]

    from autograd_mini.engine.checks import Function
    from autograd_mini.viz.gradient_descent import Descent, Point

    Bounds = tuple[tuple[float, float], tuple[float, float]]

ENDED = {
    "converged": "converged after {} steps",
    "diverged": "diverged in {} steps",
    "steps": "{} steps, not there yet",
}
"""Titles by the reason why a descent stopped."""


def contours(ax: Axes, xs: Any, ys: Any, heights: Any, label: str = "") -> None:
    """Draw contours as on a map; with a label, a bar of heights too."""
    norm = scale(heights)
    levels = [norm.vmin + (norm.vmax - norm.vmin) * (index / 24) ** (1.0 / norm.gamma) for index in range(25)]
    filled = ax.contourf(xs, ys, heights, levels=levels, norm=norm, cmap="cividis", extend="both")
    filled.set_rasterized(True)  # in a file of lines, a tenth of the bytes
    lines: dict[str, Any] = {"colors": "white", "linewidths": 0.5, "linestyles": "solid", "alpha": 0.5}
    ax.contour(xs, ys, heights, levels=levels[2::2], **lines)
    if label:
        bar = ax.figure.colorbar(filled, ax=ax, label=label, spacing="proportional", extendfrac=0)
        bar.ax.yaxis.set_major_locator(pyplot().MaxNLocator(7))


def scale(heights: Any) -> Any:
    """Return the map from heights to colours: a power of the height above the lowest, that of half the places mid-way.

    In a bowl most of the height is at the rim, and the power is about ½: the ground, where descents end, has colours
    and contours of its own.
    """
    from matplotlib.colors import PowerNorm  # type: ignore[import-not-found, unused-ignore]

    finite = sorted(float(height) for row in heights for height in row if isfinite(height)) or [0.0]
    low, high, middle = finite[0], finite[-1], finite[len(finite) // 2]
    if not low < middle < high:
        return PowerNorm(1.0, low, high if high > low else low + 1.0)
    return PowerNorm(min(1.0, max(0.3, log(0.5) / log((middle - low) / (high - low)))), low, high)


def names_of(f: Any, count: int) -> list[str]:
    """Return how the axes are called: the arguments of a function written in Python, and its name."""
    code = getattr(f, "__code__", None)
    names = [*code.co_varnames[: code.co_argcount]] if code else []
    name = getattr(f, "__name__", "f")
    return [*(names if len(names) == count else ("x", "y")[:count]), name if name.isidentifier() else "f"]


def at(f: Any, *coordinates: float) -> float:
    """Return a function at a point, as a float; functions of Values take Values."""
    result = f(*(Value(float(coordinate)) for coordinate in coordinates))
    return float(result.data if isinstance(result, Value) else result)


def around(points: Sequence[Point]) -> Bounds:
    """Return bounds with free space around points."""
    if not points:
        return (-3.0, 3.0), (-3.0, 3.0)
    bounds = []
    for axis in range(len(points[0])):
        numbers = [point[axis] for point in points if isfinite(point[axis])]
        low, high = min(numbers), max(numbers)
        free = 0.25 * (high - low) or 1.0
        bounds.append((low - free, high + free))
    return bounds[0], bounds[-1]


def plane(ax: Axes, f: Function, bounds: Bounds, resolution: int, label: str = "") -> None:
    """Draw the contours of a function in a part of the plane, and no more than that part."""
    (left, right), (low, high) = bounds
    xs = [left + (right - left) * index / (resolution - 1) for index in range(resolution)]
    ys = [low + (high - low) * index / (resolution - 1) for index in range(resolution)]
    with no_grad():
        heights = [[at(f, x, y) for x in xs] for y in ys]
    contours(ax, xs, ys, heights, label)
    ax.set_xlim(left, right)
    ax.set_ylim(low, high)


def line_of(points: int) -> dict[str, Any]:
    """Return how a path looks: with a dot a step as long as the dots can be told apart."""
    dots = (
        {"marker": "o", "markersize": 4.5, "markeredgecolor": "white", "markeredgewidth": 0.7} if points <= 60 else {}
    )
    return {"color": ORANGE, "linewidth": 1.8, **dots}


def ended(path: Descent) -> str:
    """Return why a descent stopped, for a title."""
    return ENDED[path.stopped].format(len(path))
