"""Reading a graph as a formula: in LaTeX, or as an expression of SymPy."""

from autograd_mini.notation.formulas import latex, sympy

__all__ = ["latex", "sympy"]
