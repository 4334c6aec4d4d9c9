"""Plots: training, boundaries and landscapes, with matplotlib. Every function draws on `ax` if given and returns it.

matplotlib is an extra: pip install 'autograd_mini[plot]'.
"""

from __future__ import annotations

from autograd_mini.viz.plot.landscapes import learning_rates, surface
from autograd_mini.viz.plot.networks import gradient_flow, weights
from autograd_mini.viz.plot.training import decision_boundary, loss_curve

__all__ = ["decision_boundary", "gradient_flow", "learning_rates", "loss_curve", "surface", "weights"]
