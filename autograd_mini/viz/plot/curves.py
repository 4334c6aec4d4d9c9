"""Curves of training: the loss by epoch, and descents with learning rates too small, right and too large."""

from __future__ import annotations

from math import isfinite

from autograd_mini.engine.hooks import no_grad
from autograd_mini.viz.gradient_descent import descend
from autograd_mini.viz.plot.axes import BLUE, GREEN, ORANGE, axes, plain_logarithmic, pyplot, tidy
from autograd_mini.viz.plot.maps import around, at, ended, line_of, names_of, plane

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from matplotlib.axes import Axes  # type: ignore[import-not-found, unused-ignore]

    from autograd_mini.engine.checks import Function
    from autograd_mini.viz.gradient_descent import Descent, Point
    from autograd_mini.viz.plot.maps import Bounds


def loss_curve(history: Any, ax: Axes | None = None) -> Axes:
    """Plot the loss of every epoch, with a logarithmic axis where all losses are above 0.

    Args:
        history: what `fit` returned, or a list of losses.
        ax: the matplotlib axes to draw on; new ones by default.

    Returns:
        The axes.

    Raises:
        ValueError: if there is no loss.
        ImportError: if matplotlib is missing.

    >>> loss_curve([3.0, 2.0, 1.0]).get_title(loc="left")
    'Loss: 3 → 1'
    >>> pyplot().close()

    """
    losses = [float(loss) for loss in getattr(history, "loss", history)]
    validation = [float(loss) for loss in getattr(history, "validation_loss", None) or ()]
    if not losses:
        raise ValueError("history holds at least one loss; got none: train for an epoch first")
    ax = axes(ax)
    epochs = range(1, len(losses) + 1)
    dots: dict[str, Any] = {"marker": "o", "markersize": 4} if len(losses) < 25 else {}
    ax.plot(epochs, losses, color=BLUE, linewidth=2, label="training", **dots)
    if validation:
        ax.plot(
            range(1, len(validation) + 1), validation, color=ORANGE, linewidth=2, linestyle="--", label="validation"
        )
    best = getattr(history, "best_epoch", None)
    if best and validation:
        star: dict[str, Any] = {"marker": "*", "markersize": 13, "color": GREEN, "linestyle": ""}
        ax.plot([best], [validation[best - 1]], label=f"best: epoch {best}", **star)
    if all(loss > 0 for loss in losses + validation if isfinite(loss)):
        plain_logarithmic(ax)
    tidy(ax, f"Loss: {losses[0]:.3g} → {losses[-1]:.3g}", "epoch", "loss")
    ax.grid(axis="y", which="major", alpha=0.3)
    locator: Any = ax.xaxis.get_major_locator()  # which takes whole numbers, as its base class does not
    locator.set_params(integer=True)
    if validation:
        ax.legend(frameon=False)
    return ax


def learning_rates(
    f: Function,
    x0: float | Sequence[float],
    rates: Sequence[float],
    steps: int = 20,
    ax: Sequence[Axes] | None = None,
    resolution: int = 60,
) -> Sequence[Axes]:
    r"""Plot what descents with several learning rates do from the same start: too small, right, too large.

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

    >>> slow, right = learning_rates(lambda x: x * x, 1.0, [0.01, 0.5])
    >>> right.get_title(loc="left")
    'lr = 0.5\nconverged after 1 steps'
    >>> pyplot().close()

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
