"""Data sets to learn with, in plain Python: shapes in the plane, Fisher's irises, and how to prepare them."""

from autograd_mini.datasets.examples import Iris, circles, iris, moons, spirals, xor
from autograd_mini.datasets.preprocessing import Standardiser, split, standardise

__all__ = ["Iris", "Standardiser", "circles", "iris", "moons", "spirals", "split", "standardise", "xor"]
