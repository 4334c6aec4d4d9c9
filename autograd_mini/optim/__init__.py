"""An optimiser turns gradients into new parameters; schedules move its learning rate, clipping bounds its gradients.

Names, defaults and arithmetic are PyTorch's. A parameter is any object with a number `data` and a number `grad`, so
nothing here knows about the engine.
"""

from __future__ import annotations

from autograd_mini.optim import optimizers
from autograd_mini.optim.optimizer import OPTIMIZERS, Optimizer
from autograd_mini.optim.optimizers import *  # noqa: F403 - `optimizers.__all__` lists them
from autograd_mini.optim.parameters import clip_grad_norm_, clip_grad_value_
from autograd_mini.optim.schedules import CosineAnnealingLR, ExponentialLR, LinearLR, LRScheduler, StepLR

__all__ = [
    "OPTIMIZERS",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LinearLR",
    "Optimizer",
    "StepLR",
    "clip_grad_norm_",
    "clip_grad_value_",
]
__all__ += optimizers.__all__
