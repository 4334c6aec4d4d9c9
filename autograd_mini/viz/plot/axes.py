"""The look of plots: axes, the user's or new ones, colours that all plots share, and `style` for a whole notebook."""

from __future__ import annotations

from autograd_mini.extras import extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from matplotlib.axes import Axes  # type: ignore[import-not-found, unused-ignore]

BLUE, ORANGE, GREEN, INK = "#0072b2", "#d55e00", "#00734f", "#1a1a1a"
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""Markers of classes, which tell them apart without colour."""

ON_PAPER: dict[str, Any] = {"frameon": True, "facecolor": "white", "framealpha": 0.9, "labelcolor": INK}
"""Settings of a legend on a coloured plane: dark on white, whatever the ground of the figure."""

ON_MAP: dict[str, Any] = {"frameon": True, "facecolor": "#333333", "framealpha": 0.85, "labelcolor": "white"}
"""Settings of a legend of light paths on a map."""


MIDDLE = "#7a7a7a"
"""A grey that is 4.3 times as dark as white and 4.4 times as light as JupyterLab's dark ground, #111111."""

CYCLE = (BLUE, ORANGE, "#008f63", "#b5588f", "#3f93c9")
"""Colours of lines, in order."""

SETTINGS: dict[str, Any] = {
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), "none"),
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), MIDDLE),
    "axes.edgecolor": MIDDLE,
    "grid.color": f"{MIDDLE}55",  # the last two digits are its opacity, which axes in three dimensions take from here
    **{f"axes3d.{axis}axis.panecolor": (0.5, 0.5, 0.5, 0.08) for axis in "xyz"},
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "svg.fonttype": "none",  # text stays text: to select, to search, and in fewer bytes
    "svg.hashsalt": "autograd_mini",
    "figure.dpi": 120,  # of what is drawn as dots inside of an SVG: surfaces
}
"""Overrides of matplotlib's rcParams."""


def pyplot() -> Any:
    """Return matplotlib.pyplot; an ImportError names the extra if it is missing."""
    return extra("matplotlib.pyplot", "plotting")


def axes(ax: Axes | None, size: tuple[float, float] = (6.0, 4.0)) -> Axes:
    """Return the axes given, or new ones of a size in inches."""
    if ax is not None:
        return ax
    new: Axes = pyplot().subplots(figsize=size, layout="constrained")[1]
    return new


def evenly(low: float, high: float, count: int) -> list[float]:
    """Return as many numbers from low to high, at even distances."""
    return [low + (high - low) * index / (count - 1) for index in range(count)]


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


def as_dots(filled: Any) -> None:
    """Let areas be dots in a file of lines, a tenth of the bytes, where this matplotlib can do so to contours."""
    if getattr(filled.draw, "_supports_rasterization", False):  # else it would warn
        filled.set_rasterized(True)


def style() -> None:
    """Set matplotlib's defaults: no ground, ink that reads on white and on dark, and SVG in notebooks.

    It holds for the whole process, until `matplotlib.rcdefaults()`. In a notebook the pictures become SVG, the same
    bytes for the same picture.

    Raises:
        ImportError: if matplotlib is missing.

    >>> style()
    >>> pyplot().rcParams["figure.facecolor"]
    'none'
    >>> pyplot().rcdefaults()

    """
    plt = pyplot()
    from cycler import cycler  # type: ignore[import-not-found, import-untyped, unused-ignore]  # matplotlib brings it

    plt.rcParams.update(SETTINGS)
    plt.rcParams["axes.prop_cycle"] = cycler(color=CYCLE)
    _draw_as_svg()


def _draw_as_svg() -> None:
    """Let a notebook show plots as SVG without the date of drawing, no wider than its page; elsewhere do nothing."""
    try:
        from IPython import get_ipython  # type: ignore[import-not-found, unused-ignore]
        from IPython.display import display  # type: ignore[import-not-found, unused-ignore]
        from matplotlib.figure import Figure  # type: ignore[import-not-found, unused-ignore]
        from matplotlib_inline.backend_inline import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
            set_matplotlib_formats,
        )
    except ImportError:
        return
    shell: Any = get_ipython()
    if hasattr(shell, "kernel"):
        set_matplotlib_formats("svg", metadata={"Date": None})  # type: ignore[no-untyped-call, unused-ignore]
        formatter = shell.display_formatter.formatters["image/svg+xml"]
        draw = formatter.lookup_by_type(Figure)
        formatter.for_type(Figure, lambda figure: fluid(draw(figure)))
        display({"text/html": FIT, "text/plain": ""}, raw=True)  # type: ignore[no-untyped-call, unused-ignore]


FIT = "<style>.jp-RenderedSVG img { max-width: 100%; height: auto }</style>"
"""The rule by which a page that was made from a notebook shrinks its pictures, which stand there as images."""


def fluid(svg: str) -> str:
    """Return an SVG that a page narrower than it shrinks.

    >>> fluid('<?xml version="1.0"?><svg width="480pt" height="300pt">')
    '<?xml version="1.0"?><svg style="max-width: 100%; height: auto" width="480pt" height="300pt">'

    """
    return svg.replace("<svg ", '<svg style="max-width: 100%; height: auto" ', 1)
