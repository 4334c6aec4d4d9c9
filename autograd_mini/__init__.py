"""A scalar reverse-mode automatic differentiation engine with a tiny neural-network layer."""
