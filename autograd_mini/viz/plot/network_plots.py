"""Plots of a network: its weights, and how much of the gradient reaches each layer."""

from __future__ import annotations

from math import isfinite

from autograd_mini.viz.diagram import NEGATIVE, POSITIVE
from autograd_mini.viz.network import layers_of
from autograd_mini.viz.plot.axes import BLUE, INK, ORANGE, axes, pyplot, tidy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from matplotlib.axes import Axes  # type: ignore[import-not-found, unused-ignore]

    from autograd_mini.nn.module import Module

NUMBERED = 80
"""Maximum weights with their numbers in their cells."""


def weights(model: Module, ax: Axes | None = None) -> Axes:
    """Plot the weights and biases of a model: one block a layer, one row a neuron, the bias in the last column.

    Blue is positive, orange negative; small models have the numbers in the cells.

    Args:
        model: an MLP, Layer or Neuron.
        ax: the matplotlib axes to draw on; new ones by default.

    Returns:
        The axes.

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
    """Plot the mean and the largest size of the gradients in each layer, on a logarithmic axis.

    Bars that shrink towards the inputs show a gradient that vanishes, bars that grow one that explodes.

    Args:
        model: an MLP, Layer or Neuron whose gradients were computed.
        ax: the matplotlib axes to draw on; new ones by default.

    Returns:
        The axes.

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
        raise ValueError("model has no gradients: call backward() on a loss first")
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
