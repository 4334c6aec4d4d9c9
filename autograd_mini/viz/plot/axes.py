"""Axes to plot on: the user's, or new ones in a style that reads well; and the colours that all plots share."""

from __future__ import annotations

from autograd_mini.extras import extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from matplotlib.axes import Axes  # type: ignore[import-not-found, unused-ignore]

BLUE, ORANGE, GREEN, INK = "#0072b2", "#d55e00", "#00734f", "#1a1a1a"
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""One for each class, so that classes are told apart without colour."""

ON_PAPER: dict[str, Any] = {"frameon": True, "facecolor": "white", "framealpha": 0.9, "labelcolor": INK}
"""A legend that lies on a coloured plane: dark on white of its own, whatever the ground of the figure."""

ON_MAP: dict[str, Any] = {"frameon": True, "facecolor": "#333333", "framealpha": 0.85, "labelcolor": "white"}
"""The same for the colours of paths on a map, which are light."""


def pyplot() -> Any:
    """Return matplotlib.pyplot.

    Raises:
        ImportError: if matplotlib is missing; the message names the extra.

    """
    return extra("matplotlib.pyplot", "plotting")


def axes(ax: Axes | None, size: tuple[float, float] = (6.0, 4.0)) -> Axes:
    """Return the axes given, or new ones of a size in inches."""
    if ax is not None:
        return ax
    new: Axes = pyplot().subplots(figsize=size, layout="constrained")[1]
    return new


def edge(colour: Sequence[float]) -> str:
    """Return the colour of a mark's edge that tells it from any ground: white around dark marks, dark around light."""
    red, green, blue = colour[:3]
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else INK


def tidy(ax: Axes, title: str, xlabel: str, ylabel: str) -> None:
    """Label axes, and take away the lines that say nothing."""
    ax.set_title(title, fontsize=11.5, loc="left")
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.spines[["top", "right"]].set_visible(False)


def plain_logarithmic(ax: Axes) -> None:
    """Make the y axis logarithmic, with its numbers written out: 0.02 and not 2 × 10⁻²."""
    from matplotlib.ticker import LogFormatterSciNotation  # type: ignore[import-not-found, unused-ignore]

    class Plain(LogFormatterSciNotation):  # type: ignore[misc, unused-ignore]  # of no type where matplotlib is missing
        """Numbers where matplotlib would put them."""

        def __call__(self, x: float, pos: int | None = None) -> str:
            return f"{x:g}" if super().__call__(x, pos) else ""

    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(Plain())
    ax.yaxis.set_minor_formatter(Plain())
