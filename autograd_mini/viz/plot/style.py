"""A style for plots in notebooks: colours that read on white and on dark, and pictures that stay sharp."""

from __future__ import annotations

from autograd_mini.viz.plot.axes import BLUE, ORANGE, pyplot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MIDDLE = "#7a7a7a"
"""A grey that is 4.3 times as dark as white and 4.4 times as light as JupyterLab's dark ground, #111111."""

GREEN, PURPLE, SKY = "#008f63", "#b5588f", "#3f93c9"

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
"""What is set; all else stays matplotlib's."""


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
    plt.rcParams["axes.prop_cycle"] = cycler(color=[BLUE, ORANGE, GREEN, PURPLE, SKY])
    _draw_as_svg()


def _draw_as_svg() -> None:
    """Let a notebook show plots as SVG, without the date of drawing; elsewhere do nothing."""
    try:
        from IPython import get_ipython  # type: ignore[import-not-found, unused-ignore]
        from matplotlib_inline.backend_inline import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
            set_matplotlib_formats,
        )
    except ImportError:
        return
    if hasattr(get_ipython(), "kernel"):
        set_matplotlib_formats("svg", metadata={"Date": None})  # type: ignore[no-untyped-call, unused-ignore]
