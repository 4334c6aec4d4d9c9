"""Training fits a model's parameters to data: mini-batches, epochs, a history of what happened."""

from __future__ import annotations

from autograd_mini.train.fitting import fit
from autograd_mini.train.history import History
from autograd_mini.train.objective import evaluate
from autograd_mini.train.run import Training

__all__ = ["History", "Training", "evaluate", "fit"]
