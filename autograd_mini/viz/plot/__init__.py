"""Plots: training, boundaries and landscapes, with matplotlib. Every function draws on `ax` if given and returns it.

`style()` sets colours for all plots of a notebook that read on white and on dark.
matplotlib is an extra: pip install 'autograd_mini[plot]'.
"""

from __future__ import annotations

from autograd_mini.viz.plot.axes import style
from autograd_mini.viz.plot.landscapes import contour, learning_rates, surface
from autograd_mini.viz.plot.network_plots import decision_boundary, gradient_flow, loss_curve, weights

__all__ = [
    "contour",
    "decision_boundary",
    "gradient_flow",
    "learning_rates",
    "loss_curve",
    "style",
    "surface",
    "weights",
]
