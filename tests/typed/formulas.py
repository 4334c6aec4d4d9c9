"""Results read as formulas, sums and dot products."""

from autograd_mini import Value, latex, logsumexp, sympy, tanh

w, x, b = (Value(0.5, label=name) for name in "wxb")
y = tanh(w * x + b)
tex: str = latex(y, wrt=x)
print(tex, sympy(y))
dot: Value = sum((u * v for u, v in zip([w, x], [1.0, 2.0], strict=True)), b)
total: Value = logsumexp([w, x, dot])
print(total)
