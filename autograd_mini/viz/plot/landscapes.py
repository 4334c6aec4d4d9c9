"""Plots of a function that is descended: its surface, its contours with the paths on it, and several learning rates."""

from __future__ import annotations

from math import isfinite, log

from autograd_mini.engine.hooks import no_grad
from autograd_mini.engine.value import Value
from autograd_mini.viz.gradient_descent import descend
from autograd_mini.viz.plot.axes import BLUE, INK, ON_MAP, ON_PAPER, ORANGE, as_dots, axes, evenly, pyplot, tidy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from matplotlib.axes import Axes  # type: ignore[import-not-found, unused-ignore]

    from autograd_mini.engine.checks import Function
    from autograd_mini.viz.gradient_descent import Descent, Path, Point

    Bounds = tuple[tuple[float, float], tuple[float, float]]

PATHS = (ORANGE, "#ffffff", "#56c8f5", "#f39ad0")
"""Colours that differ from cividis and from each other."""


def surface(
    f: Function,
    path: Descent | Path | None = None,
    bounds: Bounds | None = None,
    ax: Sequence[Axes] | None = None,
    resolution: int = 60,
    title: str = "Cost surface",
) -> Sequence[Axes]:
    """Plot a function of two arguments as a surface and, beside it, as contours; return the two axes.

    The path of descent is drawn on both: in three dimensions alone the surface hides it.

    Args:
        f: the function, of two Values or numbers.
        path: a `Descent`, or points; none by default.
        bounds: ((from, to), (from, to)) for the two arguments; by default around the path, or (-3, 3) for both.
        ax: two matplotlib axes, the first with projection="3d"; new ones by default.
        resolution: how many points are tried along each axis.
        title: the title.

    Raises:
        ValueError: if `ax` is not two axes, or the path's points are not pairs.
        ImportError: if matplotlib is missing.

    >>> solid, flat = surface(lambda x, y: x * x + y * y, resolution=5)
    >>> flat.get_title(loc="left")
    'The same from above'
    >>> pyplot().close()

    """
    import numpy as np  # matplotlib brings it

    points = [tuple(float(c) for c in point) for point in (() if path is None else path)]
    if any(len(point) != 2 for point in points):
        raise ValueError(f"path starts at {points[0]}, expected points of two coordinates")
    (left, right), (low, high) = bounds or around(points)
    *names, label = names_of(f, 2)
    if ax is None:
        figure = pyplot().figure(figsize=(8.5, 3.9), layout="constrained")
        figure.get_layout_engine().set(wspace=0.06)
        ax = (figure.add_subplot(1, 2, 1, projection="3d"), figure.add_subplot(1, 2, 2))
    if len(ax) != 2 or not hasattr(ax[0], "plot_surface"):
        raise ValueError(f"ax is {ax!r}, expected two axes, the first made with projection='3d'")
    solid: Any = ax[0]  # matplotlib declares the axes of three dimensions without types
    flat = ax[1]
    *sides, heights = plane(flat, f, ((left, right), (low, high)), resolution, label)
    # In a file of lines the faces are dots, a tenth of the bytes; edges of their own colours hide the seams.
    look = {"cmap": "cividis", "norm": scale(heights), "linewidth": 0.4, "rasterized": True}
    faces = solid.plot_surface(*np.meshgrid(*sides), np.array(heights), rcount=resolution, ccount=resolution, **look)
    faces.set_edgecolor("face")
    inside = [p for p in points if left <= p[0] <= right and low <= p[1] <= high]
    if inside:
        xs, ys = zip(*inside, strict=True)
        solid.plot(xs, ys, [at(f, x, y) for x, y in inside], zorder=10, **line_of(len(points)))
        flat.plot(xs, ys, **line_of(len(points)))
        flat.plot(xs[0], ys[0], "s", color="white", markeredgecolor=INK, markersize=8, label="start")
        flat.plot(xs[-1], ys[-1], "*", color="white", markeredgecolor=INK, markersize=14, label="end")
        flat.legend(loc="best", **ON_PAPER)
    if isinstance(getattr(path, "stopped", None), str):
        title = f"{title}: {ended(path)}"  # type: ignore[arg-type]  # just asked
    solid.set_title(title, fontsize=11.5, loc="left")
    solid.set_xlabel(names[0])
    solid.set_ylabel(names[1])
    solid.set_zlabel(label)
    for place in (solid, flat):
        place.locator_params(nbins=6)
    solid.view_init(elev=32, azim=-58)
    tidy(flat, "The same from above", *names)
    return ax


def contour(
    f: Function,
    *paths: Descent | Path,
    bounds: Bounds | None = None,
    labels: Sequence[str] = (),
    colors: Sequence[str] = PATHS,
    ax: Axes | None = None,
    resolution: int = 60,
) -> Axes:
    """Plot a function of two arguments as contours, with the paths of descents, and return the axes.

    A square is where a path starts, a star where it ends; what lies outside of the bounds is not shown.

    Args:
        f: the function, of two Values or numbers.
        paths: each a `Descent`, or points.
        bounds: ((from, to), (from, to)) for the two arguments; by default around the paths, or (-3, 3) for both.
        labels: what each path is called; none by default.
        colors: the colours of the paths; they start again when they are used up.
        ax: the matplotlib axes to draw on; new ones by default.
        resolution: how many points are tried along each axis.

    Raises:
        ValueError: if the points of a path are not pairs, or there are labels, but not one for each path.
        ImportError: if matplotlib is missing.

    >>> contour(lambda x, y: x * x + y * y, [(1.0, 1.0), (0.5, 0.5)], resolution=5).get_xlabel()
    'x'
    >>> pyplot().close()

    """
    walks = [[tuple(float(c) for c in point) for point in path] for path in paths]
    for points in walks:
        if not points or any(len(point) != 2 for point in points):
            raise ValueError(f"a path starts with {points[:1]}, expected at least one point, of two coordinates")
    if labels and len(labels) != len(walks):
        raise ValueError(f"labels holds {len(labels)} names, expected {len(walks)}, one for each path")
    ax = axes(ax, (6.4, 4.6))
    bounds = bounds or around([point for points in walks for point in points])
    *names, label = names_of(f, 2)
    plane(ax, f, bounds, resolution, label)
    for index, points in enumerate(walks):
        xs, ys = zip(*points, strict=True)
        style = {**line_of(len(points)), "color": colors[index % len(colors)]}
        ax.plot(xs, ys, label=labels[index] if labels else None, **style)
        ax.plot(xs[0], ys[0], "s", color=style["color"], markeredgecolor=INK, markersize=7, zorder=4)
        ax.plot(xs[-1], ys[-1], "*", color=style["color"], markeredgecolor=INK, markersize=13, zorder=5)
    if labels:
        ax.legend(loc="best", **ON_MAP)
    tidy(ax, "", *names)
    return ax


def learning_rates(
    f: Function,
    x0: float | Sequence[float],
    rates: Sequence[float],
    steps: int = 20,
    ax: Sequence[Axes] | None = None,
    resolution: int = 60,
) -> Sequence[Axes]:
    r"""Plot what descents with several learning rates do from the same start, and return the axes.

    Args:
        f: a function of one or two Values.
        x0: where to start: a number, or two.
        rates: the learning rates, one plot each.
        steps: the most steps of each.
        ax: as many matplotlib axes; new ones by default.
        resolution: how many points of the function are tried along each axis.

    Raises:
        ValueError: if there is no rate, not one of `ax` for each, or x0 has more than two coordinates.
        ImportError: if matplotlib is missing.

    >>> slow, right = learning_rates(lambda x: x * x, 1.0, [0.01, 0.5])
    >>> right.get_title(loc="left")
    'lr = 0.5\nconverged after 1 steps'
    >>> pyplot().close()

    """
    paths = [descend(f, x0, rate, steps) for rate in rates]
    dimensions = len(paths[0].points[0]) if paths else 0
    if dimensions not in {1, 2}:
        raise ValueError(f"rates is {rates!r} and x0 {x0!r}, expected one learning rate or more and one or two numbers")
    if ax is None:
        size = (2.85 * len(paths), 3.1)
        ax = pyplot().subplots(1, len(paths), figsize=size, layout="constrained", squeeze=False)[1][0]
    if len(ax) != len(paths):
        raise ValueError(f"ax holds {len(ax)} axes, expected {len(paths)}, one for each learning rate")
    names = names_of(f, dimensions)
    bounds = around([point for path in paths for point in _telling(path)])
    for place, path in zip(ax, paths, strict=True):
        if dimensions == 1:
            _line(place, f, path, bounds[0], resolution * 3)
        else:
            plane(place, f, bounds, resolution)
            inside = [point for point in path if all(map(isfinite, point))]
            place.plot(*zip(*inside, strict=True), **line_of(len(path)))
        tidy(place, f"lr = {path.lr:g}\n{ended(path)}", *names[:2])
    return ax


def _line(ax: Axes, f: Function, path: Descent, bounds: tuple[float, float], resolution: int) -> None:
    xs = evenly(*bounds, resolution)
    with no_grad():
        heights = [at(f, x) for x in xs]
    ax.plot(xs, heights, color=BLUE, linewidth=2)
    inside = [(p[0], v) for p, v in zip(path.points, path.values, strict=True) if isfinite(p[0]) and isfinite(v)]
    ax.plot(*zip(*inside, strict=True), **line_of(len(path)))
    finite = [height for height in heights if isfinite(height)]
    free = 0.08 * ((max(finite) - min(finite)) or 1.0)
    ax.set_xlim(*bounds)
    ax.set_ylim(min(finite) - free, max(finite) + free)


def _telling(path: Descent) -> list[Point]:
    """Return the points that set the scale: all of them, or of a descent that diverges the first few."""
    if path.stopped != "diverged":
        return path.points
    return [point for point in path.points[:5] if all(isfinite(c) and abs(c) < 1e6 for c in point)]


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
    as_dots(filled)
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


def plane(
    ax: Axes, f: Function, bounds: Bounds, resolution: int, label: str = ""
) -> tuple[list[float], list[float], list[list[float]]]:
    """Draw the contours of a function in a part of the plane, no more, and return its sides and its heights."""
    xs, ys = (evenly(*side, resolution) for side in bounds)
    with no_grad():
        heights = [[at(f, x, y) for x in xs] for y in ys]
    contours(ax, xs, ys, heights, label)
    ax.set_xlim(*bounds[0])
    ax.set_ylim(*bounds[1])
    return xs, ys, heights


def line_of(points: int) -> dict[str, Any]:
    """Return how a path looks: with a dot a step as long as the dots can be told apart."""
    dots = (
        {"marker": "o", "markersize": 4.5, "markeredgecolor": "white", "markeredgewidth": 0.7} if points <= 60 else {}
    )
    return {"color": ORANGE, "linewidth": 1.8, **dots}


def ended(path: Descent) -> str:
    """Return why a descent stopped, for a title."""
    return ENDED[path.stopped].format(len(path))
