"""Plots of a decision boundary: what a classifier of two inputs decides where."""

from __future__ import annotations

from contextlib import suppress
from math import exp

from autograd_mini.engine.hooks import no_grad
from autograd_mini.engine.value import Value
from autograd_mini.errors import TracingError
from autograd_mini.viz.plot.axes import (
    INK,
    MARKS,
    ON_PAPER,
    axes,
    edge,
    pyplot,
    tidy,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from matplotlib.axes import Axes  # type: ignore[import-not-found, unused-ignore]


MARGIN = 0.12
"""Free space around the points, as a share of their range."""


def decision_boundary(
    model: Callable[[Any], Any],
    X: Any,
    y: Sequence[Any] | Any,
    ax: Axes | None = None,
    resolution: int = 70,
    *,
    legend: bool = True,
) -> Axes:
    """Plot what a classifier of two inputs decides where, with the points and the line on which it is undecided.

    A model with one output is read as one of two classes: its output is the logit, or, if its last activation is the
    sigmoid, the probability; the line is p = ½. Of several outputs the largest decides.

    Args:
        model: takes a point, two numbers, and returns a Value or number, or a list of them.
        X: the points, rows of two numbers.
        y: the class of each.
        ax: the matplotlib axes to draw on; new ones by default.
        resolution: how many points are tried along each axis.
        legend: whether to say what the marks and colours are; not needed on each of several plots.

    Returns:
        The axes.

    Raises:
        ValueError: if X is empty, its rows are not two numbers, or there is not one target for each.
        ImportError: if matplotlib is missing.

    >>> from autograd_mini import MLP
    >>> X = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    >>> decision_boundary(MLP(2, [3, 1], seed=0), X, [0, 1, 1, 0], resolution=8).get_title(loc="left")
    'Decision boundary'
    >>> pyplot().close()

    """
    points = [[float(number) for number in row] for row in X]
    targets = [_plain(target) for target in y]
    if not points or any(len(row) != 2 for row in points):
        raise ValueError(f"X holds rows of two numbers, at least one; got {len(points)} rows, the first {points[:1]}")
    if len(targets) != len(points):
        raise ValueError(f"y holds one class for each of the {len(points)} rows of X; got {len(targets)}")
    plt, ax = pyplot(), axes(ax, (5.6, 4.6))
    horizontal, vertical = (_range([row[index] for row in points], resolution) for index in (0, 1))
    rows = _everywhere(model, [[x1, x2] for x2 in vertical for x1 in horizontal])
    outputs = [rows[first : first + resolution] for first in range(0, len(rows), resolution)]
    if len(outputs[0][0]) == 1:
        chance = _identity if _ends_in_sigmoid(model) else _logistic
        shown = [[chance(cell[0]) for cell in row] for row in outputs]
        levels = [index / 20 for index in range(21)]
        mesh = ax.contourf(horizontal, vertical, shown, levels=levels, cmap=_pale())
        mesh.set_rasterized(True)  # in a file of lines, a tenth of the bytes
        if min(map(min, shown)) < 0.5 < max(map(max, shown)):
            ax.contour(horizontal, vertical, shown, levels=[0.5], colors=INK, linewidths=2)
        if legend:
            ax.figure.colorbar(mesh, ax=ax, label="p(class 1); line: p = ½", ticks=[0.0, 0.25, 0.5, 0.75, 1.0])
    else:
        count = len(outputs[0][0])
        for k in range(count):
            # Where the lead over the other classes is 0 is the boundary, between the points that were tried too.
            lead = [[cell[k] - max(cell[:k] + cell[k + 1 :]) for cell in row] for row in outputs]
            worst, best = min(map(min, lead)), max(map(max, lead))
            if best > 0.0:
                ax.contourf(horizontal, vertical, lead, levels=[0.0, 2.0 * best], colors=[_pale()(k / (count - 1))])
            if worst < 0.0 < best:
                ax.contour(horizontal, vertical, lead, levels=[0.0], colors=INK, linewidths=1.5)
    kinds = sorted(set(targets))
    colours = plt.get_cmap("cividis")
    for index, kind in enumerate(kinds):
        members = [point for point, target in zip(points, targets, strict=True) if target == kind]
        colour = colours(index / max(1, len(kinds) - 1))
        across, up = zip(*members, strict=True)
        mark = MARKS[index % len(MARKS)]
        style = {"marker": mark, "color": colour, "edgecolor": edge(colour), "linewidth": 0.9, "zorder": 3}
        ax.scatter(across, up, s=36, label=f"class {kind:g}", **style)
    tidy(ax, "Decision boundary", "x₁", "x₂")
    if legend:
        ax.legend(loc="best", fontsize=9, **ON_PAPER)
    return ax


def _pale() -> Any:
    """Return the colours of cividis mixed with white, so that points stand out."""
    from matplotlib.colors import LinearSegmentedColormap  # type: ignore[import-not-found, unused-ignore]

    strong = [pyplot().get_cmap("cividis")(index / 15)[:3] for index in range(16)]
    mixed = [tuple(0.45 + 0.55 * part for part in colour) for colour in strong]
    return LinearSegmentedColormap.from_list("pale", mixed)


def _everywhere(model: Any, points: list[list[float]]) -> list[list[float]]:
    """Return the outputs of a model at many points: compiled where it can be, which is some hundred times faster."""
    if hasattr(model, "jit"):
        with suppress(TracingError):
            return [_outputs(row) for row in model.jit()(points).tolist()]
    with no_grad():
        return [_outputs(model(point)) for point in points]


def _plain(number: Any) -> float:
    return float(number.data if isinstance(number, Value) else number)


def _outputs(result: Any) -> list[float]:
    return [_plain(entry) for entry in result] if isinstance(result, (list, tuple)) else [_plain(result)]


def _identity(p: float) -> float:
    return p


def _logistic(z: float) -> float:
    return 1.0 / (1.0 + exp(-z)) if z >= 0.0 else exp(z) / (1.0 + exp(z))


def _ends_in_sigmoid(model: Any) -> bool:
    layers = getattr(model, "layers", None) or [model]
    neurons = getattr(layers[-1], "neurons", None) or [layers[-1]]
    return getattr(neurons[0], "activation", None) == "sigmoid"


def _range(numbers: list[float], count: int) -> list[float]:
    low, high = min(numbers), max(numbers)
    free = MARGIN * ((high - low) or 1.0)
    low, high = low - free, high + free
    return [low + (high - low) * index / (count - 1) for index in range(count)]
