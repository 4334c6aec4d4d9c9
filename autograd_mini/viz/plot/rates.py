"""Plots of what learning rates do: too small, right, too large."""

from __future__ import annotations

from math import isfinite

from autograd_mini.engine.recording import no_grad
from autograd_mini.viz.descent import descend
from autograd_mini.viz.plot.axes import BLUE, pyplot, tidy
from autograd_mini.viz.plot.maps import around, at, ended, line_of, names_of, plane

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from autograd_mini.viz.descent import Descent, Function, Point
    from autograd_mini.viz.plot.axes import Axes
    from autograd_mini.viz.plot.maps import Bounds


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
        size = (2.85 * len(paths), 3.1)
        ax = pyplot().subplots(1, len(paths), figsize=size, layout="constrained", squeeze=False)[1][0]
    if len(ax) != len(paths):
        raise ValueError(f"ax holds one axes for each of the {len(paths)} learning rates; got {len(ax)}")
    names = names_of(f, dimensions)
    bounds = around([point for path in paths for point in _telling(path)])
    for place, path in zip(ax, paths, strict=True):
        if dimensions == 1:
            _line(place, f, path, bounds[0], resolution * 3)
        else:
            _contours(place, f, path, bounds, resolution)
        tidy(place, f"lr = {path.lr:g}\n{ended(path)}", *names[:2])
    return ax


def _line(ax: Axes, f: Function, path: Descent, bounds: tuple[float, float], resolution: int) -> None:
    low, high = bounds
    xs = [low + (high - low) * index / (resolution - 1) for index in range(resolution)]
    with no_grad():
        heights = [at(f, x) for x in xs]
    ax.plot(xs, heights, color=BLUE, linewidth=2)
    inside = [(p[0], v) for p, v in zip(path.points, path.values, strict=True) if isfinite(p[0]) and isfinite(v)]
    ax.plot(*zip(*inside, strict=True), **line_of(len(path)))
    finite = [height for height in heights if isfinite(height)]
    free = 0.08 * ((max(finite) - min(finite)) or 1.0)
    ax.set_xlim(low, high)
    ax.set_ylim(min(finite) - free, max(finite) + free)


def _contours(ax: Axes, f: Function, path: Descent, bounds: Bounds, resolution: int) -> None:
    plane(ax, f, bounds, resolution)
    inside = [point for point in path if all(map(isfinite, point))]
    ax.plot(*zip(*inside, strict=True), **line_of(len(path)))


def _telling(path: Descent) -> list[Point]:
    """Return the points that set the scale: all of them, or of a descent that diverges the first few."""
    if path.stopped != "diverged":
        return path.points
    return [point for point in path.points[:5] if all(isfinite(c) and abs(c) < 1e6 for c in point)]
