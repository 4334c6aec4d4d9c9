"""Notation: a graph as a formula, in LaTeX or as an expression of SymPy."""

from autograd_mini.notation.sympy_expressions import sympy
from autograd_mini.notation.tex import latex

__all__ = ["latex", "sympy"]
