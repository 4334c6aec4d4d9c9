"""Plots of a function that is descended: the surface beside its contours, and what learning rates do."""

from __future__ import annotations

from math import isfinite

from autograd_mini.recording import no_grad
from autograd_mini.value import Value
from autograd_mini.viz.descent import descend
from autograd_mini.viz.plot.axes import BLUE, INK, ON_PAPER, ORANGE, pyplot, tidy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from autograd_mini.viz.descent import Descent, Function, Point
    from autograd_mini.viz.plot.axes import Axes

    Bounds = tuple[tuple[float, float], tuple[float, float]]

ENDED = {
    "converged": "converged after {} steps",
    "diverged": "diverged in {} steps",
    "steps": "{} steps, not there yet",
}
"""How titles say why a descent stopped."""


def surface(
    f: Function,
    path: Descent | Iterable[Point] | None = None,
    bounds: Bounds | None = None,
    ax: Sequence[Axes] | None = None,
    resolution: int = 60,
    title: str = "Cost surface",
) -> Sequence[Axes]:
    """Plot a function of two arguments as a surface in three dimensions and, beside it, as contours.

    The path of descent is drawn on both: in three dimensions alone the surface hides it.

    Args:
        f: the function, of two Values or numbers.
        path: a `Descent`, or points; none by default.
        bounds: ((from, to), (from, to)) for the two arguments; by default around the path, or (-3, 3) for both.
        ax: two matplotlib axes, the first with projection="3d"; new ones by default.
        resolution: how many points are tried along each axis.
        title: the title.

    Returns:
        The two axes.

    Raises:
        ValueError: if `ax` is not two axes, or the path's points are not pairs.
        ImportError: if matplotlib is missing.

    """
    import numpy as np  # matplotlib brings it

    points = [tuple(float(c) for c in point) for point in path or ()]
    if any(len(point) != 2 for point in points):
        raise ValueError(f"path holds points of two coordinates; got {points[0]}")
    (left, right), (low, high) = bounds or _around(points)
    if ax is None:
        figure = pyplot().figure(figsize=(10.0, 4.4), layout="constrained")
        ax = (figure.add_subplot(1, 2, 1, projection="3d"), figure.add_subplot(1, 2, 2))
    if len(ax) != 2 or not hasattr(ax[0], "plot_surface"):
        raise ValueError("ax is two axes, the first made with projection='3d'")
    solid, flat = ax
    across, up = np.linspace(left, right, resolution), np.linspace(low, high, resolution)
    with no_grad():
        heights = np.array([[_at(f, x, y) for x in across] for y in up])
    grid = np.meshgrid(across, up)
    # As dots, not as thousands of polygons, where a file of lines is written.
    solid.plot_surface(*grid, heights, cmap="cividis", alpha=0.85, linewidth=0, antialiased=True, rasterized=True)
    filled = flat.contourf(across, up, heights, levels=24, cmap="cividis")
    flat.contour(across, up, heights, levels=12, colors="white", linewidths=0.5, alpha=0.5)
    flat.figure.colorbar(filled, ax=flat, label="f")
    inside = [p for p in points if left <= p[0] <= right and low <= p[1] <= high]
    if inside:
        xs, ys = zip(*inside, strict=True)
        solid.plot(xs, ys, [_at(f, x, y) for x, y in inside], zorder=10, **_line_of(len(points)))
        flat.plot(xs, ys, **_line_of(len(points)))
        flat.plot(xs[0], ys[0], "s", color="white", markeredgecolor=INK, markersize=8, label="start")
        flat.plot(xs[-1], ys[-1], "*", color="white", markeredgecolor=INK, markersize=14, label="end")
        flat.legend(loc="best", **ON_PAPER)
    if isinstance(getattr(path, "stopped", None), str):
        title = f"{title}: {_ended(path)}"  # type: ignore[arg-type]  # just asked
    solid.set_title(title, fontsize=11.5, loc="left")
    solid.set_xlabel("x")
    solid.set_ylabel("y")
    solid.set_zlabel("f")
    for place in (solid, flat):
        place.locator_params(nbins=6)
    solid.view_init(elev=32, azim=-58)
    tidy(flat, "The same from above", "x", "y")
    return ax


def learning_rates(
    f: Function,
    x0: float | Sequence[float],
    rates: Sequence[float],
    steps: int = 20,
    ax: Sequence[Axes] | None = None,
    resolution: int = 60,
) -> Sequence[Axes]:
    """Plot what descents with several learning rates do from the same start: too small, right, too large.

    Args:
        f: a function of one or two Values.
        x0: where to start: a number, or two.
        rates: the learning rates, one plot each.
        steps: the most steps of each.
        ax: as many matplotlib axes; new ones by default.
        resolution: how many points of the function are tried along each axis.

    Returns:
        The axes.

    Raises:
        ValueError: if there is no rate, not one of `ax` for each, or x0 has more than two coordinates.
        ImportError: if matplotlib is missing.

    """
    paths = [descend(f, x0, rate, steps) for rate in rates]
    dimensions = len(paths[0].points[0]) if paths else 0
    if dimensions not in {1, 2}:
        raise ValueError(f"rates holds at least one learning rate and x0 one or two numbers; got {rates!r} and {x0!r}")
    if ax is None:
        size = (3.9 * len(paths), 3.6)
        ax = pyplot().subplots(1, len(paths), figsize=size, layout="constrained", squeeze=False)[1][0]
    if len(ax) != len(paths):
        raise ValueError(f"ax holds one axes for each of the {len(paths)} learning rates; got {len(ax)}")
    bounds = _around([point for path in paths for point in _telling(path)])
    for place, path in zip(ax, paths, strict=True):
        if dimensions == 1:
            _line(place, f, path, bounds[0], resolution * 3)
        else:
            _contours(place, f, path, bounds, resolution)
        tidy(place, f"lr = {path.lr:g}: {_ended(path)}", "x", "f" if dimensions == 1 else "y")
    return ax


def _ended(path: Descent) -> str:
    return ENDED[path.stopped].format(len(path))


def _line_of(points: int) -> dict[str, object]:
    """Return how a path looks: with a dot a step as long as the dots can be told apart."""
    dots = (
        {"marker": "o", "markersize": 4.5, "markeredgecolor": "white", "markeredgewidth": 0.7} if points <= 60 else {}
    )
    return {"color": ORANGE, "linewidth": 1.8, **dots}


def _line(ax: Axes, f: Function, path: Descent, bounds: tuple[float, float], resolution: int) -> None:
    low, high = bounds
    xs = [low + (high - low) * index / (resolution - 1) for index in range(resolution)]
    with no_grad():
        heights = [_at(f, x) for x in xs]
    ax.plot(xs, heights, color=BLUE, linewidth=2)
    inside = [(p[0], v) for p, v in zip(path.points, path.values, strict=True) if isfinite(p[0]) and isfinite(v)]
    ax.plot(*zip(*inside, strict=True), **_line_of(len(path)))
    finite = [height for height in heights if isfinite(height)]
    free = 0.08 * ((max(finite) - min(finite)) or 1.0)
    ax.set_xlim(low, high)
    ax.set_ylim(min(finite) - free, max(finite) + free)


def _contours(ax: Axes, f: Function, path: Descent, bounds: Bounds, resolution: int) -> None:
    (left, right), (low, high) = bounds
    xs = [left + (right - left) * index / (resolution - 1) for index in range(resolution)]
    ys = [low + (high - low) * index / (resolution - 1) for index in range(resolution)]
    with no_grad():
        heights = [[_at(f, x, y) for x in xs] for y in ys]
    ax.contourf(xs, ys, heights, levels=20, cmap="cividis")
    inside = [point for point in path if all(map(isfinite, point))]
    ax.plot(*zip(*inside, strict=True), **_line_of(len(path)))
    ax.set_xlim(left, right)
    ax.set_ylim(low, high)


def _at(f: Any, *coordinates: float) -> float:
    """Return a function at a point, as a float; functions of Values take Values."""
    result = f(*(Value(float(coordinate)) for coordinate in coordinates))
    return float(result.data if isinstance(result, Value) else result)


def _telling(path: Descent) -> list[Point]:
    """Return the points that set the scale: all of them, or of a descent that diverges the first few."""
    if path.stopped != "diverged":
        return path.points
    return [point for point in path.points[:5] if all(isfinite(c) and abs(c) < 1e6 for c in point)]


def _around(points: Sequence[Point]) -> Bounds:
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
