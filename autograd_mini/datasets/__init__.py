"""Data sets to learn with, in plain Python: shapes in the plane, Fisher's irises, and how to prepare them."""

from autograd_mini.datasets.flowers import Iris, iris
from autograd_mini.datasets.scaling import Standardiser, standardise
from autograd_mini.datasets.shapes import circles, moons, spirals, xor
from autograd_mini.datasets.splitting import split

__all__ = ["Iris", "Standardiser", "circles", "iris", "moons", "spirals", "split", "standardise", "xor"]
