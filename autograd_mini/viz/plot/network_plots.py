"""Plots of a network and its training: loss, decision boundary, weights, and the gradient that reaches each layer."""

from __future__ import annotations

from contextlib import suppress
from math import isfinite

from autograd_mini.engine.functions import sigmoid
from autograd_mini.engine.hooks import no_grad
from autograd_mini.engine.value import Value
from autograd_mini.errors import TracingError
from autograd_mini.viz.diagram import NEGATIVE, POSITIVE
from autograd_mini.viz.network import layers_of
from autograd_mini.viz.plot.axes import (
    BLUE,
    GREEN,
    INK,
    MARKS,
    ON_PAPER,
    ORANGE,
    as_dots,
    axes,
    edge,
    evenly,
    plain_logarithmic,
    pyplot,
    tidy,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from matplotlib.axes import Axes  # type: ignore[import-not-found, unused-ignore]

    from autograd_mini.nn.module import Module

NUMBERED = 80
"""Maximum weights with their numbers in their cells."""

MARGIN = 0.12
"""Free space around the points, as a share of their range."""


def loss_curve(history: Any, ax: Axes | None = None) -> Axes:
    """Plot the loss of every epoch, on a logarithmic axis where all are above 0, and return the axes.

    Args:
        history: what `fit` returned, or a list of losses.
        ax: the matplotlib axes to draw on; new ones by default.

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
        raise ValueError("history holds no loss, expected at least one: train for an epoch first")
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


def decision_boundary(
    model: Callable[[Any], Any],
    X: Any,
    y: Sequence[Any] | Any,
    ax: Axes | None = None,
    resolution: int = 70,
    *,
    legend: bool = True,
) -> Axes:
    """Plot what a classifier of two inputs decides where, and return the axes.

    The points are shown, and the line on which it is undecided. A model with one output is read as one of two classes:
    its output is the logit, or, if its last activation is the sigmoid, the probability; the line is p = ½. Of several
    outputs the largest decides.

    Args:
        model: takes a point, two numbers, and returns a Value or number, or a list of them.
        X: the points, rows of two numbers.
        y: the class of each.
        ax: the matplotlib axes to draw on; new ones by default.
        resolution: how many points are tried along each axis.
        legend: whether to say what the marks and colours are; not needed on each of several plots.

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
        raise ValueError(f"X has {len(points)} rows, the first {points[:1]}, expected one or more rows of two numbers")
    if len(targets) != len(points):
        raise ValueError(f"y holds {len(targets)} classes, expected {len(points)}, one for each row of X")
    plt, ax = pyplot(), axes(ax, (5.6, 4.6))
    horizontal, vertical = (_range([row[index] for row in points], resolution) for index in (0, 1))
    rows = _everywhere(model, [[x1, x2] for x2 in vertical for x1 in horizontal])
    outputs = [rows[first : first + resolution] for first in range(0, len(rows), resolution)]
    if len(outputs[0][0]) == 1:
        known = _ends_in_sigmoid(model)
        shown = [[cell[0] if known else sigmoid(cell[0]) for cell in row] for row in outputs]
        levels = [index / 20 for index in range(21)]
        mesh = ax.contourf(horizontal, vertical, shown, levels=levels, cmap=_pale())
        as_dots(mesh)
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


def _ends_in_sigmoid(model: Any) -> bool:
    layers = getattr(model, "layers", None) or [model]
    neurons = getattr(layers[-1], "neurons", None) or [layers[-1]]
    return getattr(neurons[0], "activation", None) == "sigmoid"


def _range(numbers: list[float], count: int) -> list[float]:
    low, high = min(numbers), max(numbers)
    free = MARGIN * ((high - low) or 1.0)
    return evenly(low - free, high + free, count)


def weights(model: Module, ax: Axes | None = None) -> Axes:
    """Plot the weights and biases of a model, and return the axes.

    A layer is a block, a neuron a row, with its bias in the last column. Blue is positive, orange negative; small
    models have the numbers in the cells.

    Args:
        model: an MLP, Layer or Neuron.
        ax: the matplotlib axes to draw on; new ones by default.

    Raises:
        TypeError: if the model is not made of layers of neurons.
        ImportError: if matplotlib is missing.

    >>> from autograd_mini import MLP
    >>> weights(MLP(2, [3, 1], seed=0)).get_title(loc="left")
    'Weights and biases'
    >>> pyplot().close()

    """
    plt = pyplot()
    from matplotlib.colors import LinearSegmentedColormap  # type: ignore[import-not-found, unused-ignore]

    blocks = [[[w.data for w in n.w] + [n.b.data] for n in layer] for layer in layers_of(model)]
    across = sum(len(block[0]) + 1.2 for block in blocks)
    tallest = max(map(len, blocks))
    ax = axes(ax, (min(12.0, 1.4 + 0.55 * across), min(8.0, 1.5 + 0.42 * tallest)))
    largest = max((abs(c) for block in blocks for row in block for c in row if isfinite(c)), default=0.0) or 1.0
    signed = LinearSegmentedColormap.from_list("signed", [NEGATIVE, "#ffffff", POSITIVE])
    numbered = sum(len(block) * len(block[0]) for block in blocks) <= NUMBERED
    left = 0.0
    for index, block in enumerate(blocks, start=1):
        width = len(block[0])
        xs = [left + k + (0.25 if k >= width - 1 else 0.0) for k in range(width)]
        for row, cells in enumerate(block):
            for x, cell in zip(xs, cells, strict=True):
                shade = signed(0.5 + 0.5 * cell / largest) if isfinite(cell) else "#cccccc"
                ax.add_patch(plt.Rectangle((x, row), 0.96, 0.94, facecolor=shade, edgecolor="#b0b0b0", linewidth=0.5))
                if numbered:
                    ink = "white" if abs(cell) > 0.6 * largest else INK
                    text = f"{cell:.2f}".replace("-", "−")
                    ax.text(x + 0.48, row + 0.48, text, ha="center", va="center", fontsize=7.5, color=ink)
        ax.text(left + width / 2.0, -0.75, f"layer {index}", ha="center", va="bottom", fontsize=10)
        ax.text(xs[-1] + 0.48, -0.12, "b", ha="center", va="bottom", fontsize=9, style="italic")
        ax.text(left + (width - 1) / 2.0, -0.12, "w", ha="center", va="bottom", fontsize=9, style="italic")
        left += width + 1.2
    mesh = plt.cm.ScalarMappable(norm=plt.Normalize(-largest, largest), cmap=signed)
    ax.figure.colorbar(mesh, ax=ax, label="weight", shrink=0.9)
    tidy(ax, "Weights and biases", "", "neuron")
    ax.set_xlim(-0.4, left - 0.6)
    ax.set_ylim(tallest + 0.1, -1.3)
    ax.set_xticks([])
    ax.set_yticks([row + 0.5 for row in range(tallest)], [str(row + 1) for row in range(tallest)])
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.tick_params(length=0)
    return ax


def gradient_flow(model: Module, ax: Axes | None = None) -> Axes:
    """Plot the mean and the largest size of the gradients in each layer, and return the axes.

    Bars that shrink towards the inputs show a gradient that vanishes, bars that grow one that explodes.

    Args:
        model: an MLP, Layer or Neuron whose gradients were computed.
        ax: the matplotlib axes to draw on; new ones by default.

    Raises:
        ValueError: if no gradient was computed.
        TypeError: if the model is not made of layers of neurons.
        ImportError: if matplotlib is missing.

    >>> from autograd_mini import MLP
    >>> model = MLP(2, [3, 1], seed=0)
    >>> model([1.0, 2.0]).backward()
    >>> gradient_flow(model).get_title(loc="left")
    'Gradient flow'
    >>> pyplot().close()

    """
    layers = [[p for n in layer for p in (*n.w, n.b)] for layer in layers_of(model)]
    if not any(p.has_grad for layer in layers for p in layer):
        raise ValueError("model has no gradients, expected those of a loss: call backward() on it first")
    ax = axes(ax)
    sizes = [[abs(p.grad) for p in layer] for layer in layers]
    means, largest = [sum(layer) / len(layer) for layer in sizes], [max(layer) for layer in sizes]
    places = range(1, len(layers) + 1)
    ax.bar([x - 0.2 for x in places], means, width=0.38, color=BLUE, label="mean |gradient|")
    ax.bar([x + 0.2 for x in places], largest, width=0.38, color=ORANGE, hatch="//", edgecolor="white", label="largest")
    if min(means) > 0.0:
        ax.set_yscale("log")
    tidy(ax, "Gradient flow", "layer, from the inputs on", "size of the gradient")
    ax.set_xticks(list(places))
    ax.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1.02, 0.98))
    ax.grid(axis="y", alpha=0.3)
    return ax
