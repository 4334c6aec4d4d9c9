"""SymPy: a graph as an expression, and the algebra of SymPy's expressions.

A function that SymPy has under the same name is that. Activations are written as their textbook formulas. Everything
else, a user's own operation too, is the formula in its row.
"""

from __future__ import annotations

import operator
from math import isfinite

from autograd_mini.engine.formula import OPERATORS, RELATIONS, evaluate, parse
from autograd_mini.engine.ops import TABLE
from autograd_mini.engine.value import Value
from autograd_mini.extras import extra
from autograd_mini.notation.tex import args_shown, nodes_and_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any


def sympy(y: Value, wrt: Value | None = None, *, names: Mapping[Value, str] | None = None, limit: int = 5000) -> Any:
    """Return a result, or its derivative, as an expression of SymPy, a sympy.Expr.

    Leaves with a label become real symbols, leaves without one numbers, and of a `where` there is the branch that
    was taken.

    Args:
        y: the result.
        wrt: a Value to differentiate by.
        names: symbols for Values, in place of their labels.
        limit: the largest number of operations.

    Raises:
        TypeError: if y is no Value.
        ValueError: if there are more operations, or if two leaves have the same label.
        ModuleNotFoundError: if SymPy is not installed; the message names the extra.

    >>> x = Value(2.0, label="x")
    >>> sympy(x.exp() * x**3, wrt=x)
    x**3*exp(x) + 3*x**2*exp(x)

    """
    nodes, leaf_names = nodes_and_names(y, wrt, names, limit)
    algebra = SympyAlgebra()
    made: dict[Value, Any] = {leaf: algebra.variable(name) for leaf, name in leaf_names.items()}
    for node in nodes:
        if node not in made and not node.op:
            made[node] = algebra.constant(node.data)
        if node not in made:
            operands = [made[o] if isinstance(o, Value) else algebra.constant(o) for o in args_shown(node)]
            made[node] = operands[0] if node.op == "where" else algebra.apply(node.op, operands)
    return made[nodes[-1]]


class SympyAlgebra:
    """The algebra of SymPy's expressions; SymPy is imported when one is made."""

    def __init__(self) -> None:
        self.sympy = extra("sympy", "sympy(y)")
        self._functions = _functions(self.sympy)

    def variable(self, name: str) -> Any:
        """Return a real symbol."""
        return self.sympy.Symbol(name, real=True)

    def constant(self, number: float) -> Any:
        """Return a number: a whole one as an integer, another as the float it is."""
        if isfinite(number) and abs(number) < 2.0**53 and number == int(number):
            return self.sympy.Integer(int(number))
        return self.sympy.Float(number)

    def apply(self, name: str, operands: Sequence[Any]) -> Any:
        """Apply a row of the table: SymPy's own function, a textbook formula, or the formula in the row."""
        if name in self._functions:
            return self._functions[name](*operands)
        row = TABLE.get(name)
        if row is None or row.primitive:
            own = self.sympy.Function(name)
            return (own if row is None else getattr(self.sympy, name, own))(*operands)
        return evaluate(parse(row.value, row.operands), self, dict(zip(row.operands, operands, strict=False)))

    def compare(self, relation: str, x: Any, y: Any) -> Any:
        """Return the relation of two expressions."""
        of_its_own = {"==": self.sympy.Eq, "!=": self.sympy.Ne}
        return (of_its_own.get(relation) or getattr(operator, RELATIONS[relation]))(x, y)

    def join(self, junction: str, conditions: list[Any]) -> Any:
        """Return the conjunction or the disjunction."""
        return (self.sympy.And if junction == "and" else self.sympy.Or)(*conditions)

    def where(self, condition: Any, this: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
        """Return a piecewise expression with both branches."""
        return self.sympy.Piecewise((this(), condition), (otherwise(), True))


def _functions(sympy: Any) -> dict[str, Callable[..., Any]]:
    """Return the rows that SymPy has under another name, or that textbooks write in another way."""
    return {
        **{name: getattr(operator, name) for name in (*OPERATORS.values(), "neg")},
        "abs": sympy.Abs,
        "floordiv": lambda x, y: sympy.floor(x / y),
        "exp2": lambda x: 2**x,
        "expm1": lambda x: sympy.exp(x) - 1,
        "log1p": lambda x: sympy.log(1 + x),
        "log2": lambda x: sympy.log(x, 2),
        "log10": lambda x: sympy.log(x, 10),
        "cbrt": lambda x: sympy.sign(x) * sympy.Abs(x) ** sympy.Rational(1, 3),
        "degrees": lambda x: 180 * x / sympy.pi,
        "radians": lambda x: sympy.pi * x / 180,
        "sinpi": lambda x: sympy.sin(sympy.pi * x),
        "cospi": lambda x: sympy.cos(sympy.pi * x),
        "sinc": lambda x: sympy.sinc(sympy.pi * x),
        "hypot": lambda x, y: sympy.sqrt(x**2 + y**2),
        "gaussian": lambda x, y: sympy.exp(-y * x**2),
        "ndtr": lambda x: (1 + sympy.erf(x / sympy.sqrt(2))) / 2,
        "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)),
        "softplus": lambda x: sympy.log(1 + sympy.exp(x)),
        "relu": lambda x: sympy.Max(0, x),
        "gelu": lambda x: x * (1 + sympy.erf(x / sympy.sqrt(2))) / 2,
        "silu": lambda x: x / (1 + sympy.exp(-x)),
        "maximum": sympy.Max,
        "minimum": sympy.Min,
        "clamp_min": sympy.Max,
        "clamp_max": sympy.Min,
        "sign": sympy.sign,
        "heaviside": lambda x: sympy.Heaviside(x, 0),
        "ceil": sympy.ceiling,
        "round": lambda x, _=0: sympy.Function("round")(x),
    }
