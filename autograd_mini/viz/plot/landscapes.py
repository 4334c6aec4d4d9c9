"""Plots of a function that is descended: its surface, and its contours with the paths on it."""

from __future__ import annotations

from autograd_mini.engine.hooks import no_grad
from autograd_mini.viz.plot.axes import INK, ON_MAP, ON_PAPER, ORANGE, axes, pyplot, tidy
from autograd_mini.viz.plot.maps import around, at, contours, ended, line_of, names_of, plane, scale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from matplotlib.axes import Axes  # type: ignore[import-not-found, unused-ignore]

    from autograd_mini.engine.checks import Function
    from autograd_mini.viz.gradient_descent import Descent, Path
    from autograd_mini.viz.plot.maps import Bounds

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

    >>> solid, flat = surface(lambda x, y: x * x + y * y, resolution=5)
    >>> flat.get_title(loc="left")
    'The same from above'
    >>> pyplot().close()

    """
    import numpy as np  # matplotlib brings it

    points = [tuple(float(c) for c in point) for point in (() if path is None else path)]
    if any(len(point) != 2 for point in points):
        raise ValueError(f"path holds points of two coordinates; got {points[0]}")
    (left, right), (low, high) = bounds or around(points)
    *names, label = names_of(f, 2)
    if ax is None:
        figure = pyplot().figure(figsize=(8.5, 3.9), layout="constrained")
        figure.get_layout_engine().set(wspace=0.06)
        ax = (figure.add_subplot(1, 2, 1, projection="3d"), figure.add_subplot(1, 2, 2))
    if len(ax) != 2 or not hasattr(ax[0], "plot_surface"):
        raise ValueError("ax is two axes, the first made with projection='3d'")
    solid: Any = ax[0]  # matplotlib declares the axes of three dimensions without types
    flat = ax[1]
    across, up = np.linspace(left, right, resolution), np.linspace(low, high, resolution)
    with no_grad():
        heights = np.array([[at(f, x, y) for x in across] for y in up])
    grid = np.meshgrid(across, up)
    # In a file of lines the faces are dots, a tenth of the bytes; edges of their own colours hide the seams.
    look = {"cmap": "cividis", "norm": scale(heights), "linewidth": 0.4, "rasterized": True}
    faces = solid.plot_surface(*grid, heights, rcount=resolution, ccount=resolution, **look)
    faces.set_edgecolor("face")
    contours(flat, across, up, heights, label)
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
    """Plot a function of two arguments as contours, with the paths of any number of descents.

    A square is where a path starts, a star where it ends; what lies outside of the bounds is not shown.

    Args:
        f: the function, of two Values or numbers.
        paths: each a `Descent`, or points.
        bounds: ((from, to), (from, to)) for the two arguments; by default around the paths, or (-3, 3) for both.
        labels: what each path is called; none by default.
        colors: the colours of the paths; they start again when they are used up.
        ax: the matplotlib axes to draw on; new ones by default.
        resolution: how many points are tried along each axis.

    Returns:
        The axes.

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
            raise ValueError(f"a path holds points of two coordinates, at least one; got {points[:1]}")
    if labels and len(labels) != len(walks):
        raise ValueError(f"labels holds one name for each of the {len(walks)} paths; got {len(labels)}")
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
