"""A network is made of neurons: modules with parameters, layers of them, how they start, and what they train on."""

from __future__ import annotations

from autograd_mini.engine.functions import log_softmax, softmax
from autograd_mini.nn.initialisers import INITIALISERS
from autograd_mini.nn.layers import ACTIVATIONS, Layer, Neuron
from autograd_mini.nn.losses import (
    LOSSES,
    binary_cross_entropy,
    cross_entropy,
    hinge,
    huber,
    mae,
    mse,
    rss,
)
from autograd_mini.nn.mlp import MLP, load
from autograd_mini.nn.module import Module

__all__ = [
    "ACTIVATIONS",
    "INITIALISERS",
    "LOSSES",
    "MLP",
    "Layer",
    "Module",
    "Neuron",
    "binary_cross_entropy",
    "cross_entropy",
    "hinge",
    "huber",
    "load",
    "log_softmax",
    "mae",
    "mse",
    "rss",
    "softmax",
]
