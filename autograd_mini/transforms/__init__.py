"""Transforms turn a function into its derivatives: gradients, Jacobians, Hessians, directions, higher orders."""

from autograd_mini.transforms.custom import custom_gradient, stop_gradient
from autograd_mini.transforms.gradients import grad, hvp, jvp, value_and_grad, vjp
from autograd_mini.transforms.jacobians import hessian, jacobian
from autograd_mini.transforms.rematerialisation import remat
from autograd_mini.transforms.series import derivative, taylor

__all__ = [
    "custom_gradient",
    "derivative",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "remat",
    "stop_gradient",
    "taylor",
    "value_and_grad",
    "vjp",
]
