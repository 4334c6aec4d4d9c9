"""Symbols: the operations of the table as expressions of SymPy, which this module imports.

A function that SymPy has under the same name is that. Activations are written as their textbook formulas. Everything
else, a user's own operation too, is the formula in its row.
"""

from __future__ import annotations

import operator
from math import isfinite

from autograd_mini.engine.formula import RELATIONS, evaluate, parse
from autograd_mini.engine.ops import TABLE
from autograd_mini.extras import extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

sympy: Any = extra("sympy", "sympy(y)")


def variable(name: str) -> Any:
    """Return a real symbol."""
    return sympy.Symbol(name, real=True)


def exact(number: float) -> Any:
    """Return a number: a whole one as an integer, another as the float it is."""
    if isfinite(number) and abs(number) < 2.0**53 and number == int(number):
        return sympy.Integer(int(number))
    return sympy.Float(number)


def expression(name: str, operands: Sequence[Any]) -> Any:
    """Return an operation of the table on expressions."""
    if name in _WRITTEN:
        return _WRITTEN[name](*operands)
    row = TABLE.get(name)
    if row is None:
        return sympy.Function(name)(*operands)
    if row.primitive:
        return getattr(sympy, name, sympy.Function(name))(*operands)
    return evaluate(parse(row.value, row.operands), _Expressions(), dict(zip(row.operands, operands, strict=False)))


class _Expressions:
    """The algebra of SymPy's expressions."""

    constant = staticmethod(exact)
    apply = staticmethod(expression)

    def compare(self, relation: str, x: Any, y: Any) -> Any:
        of_its_own = {"==": sympy.Eq, "!=": sympy.Ne}
        return (of_its_own.get(relation) or getattr(operator, RELATIONS[relation]))(x, y)

    def join(self, junction: str, conditions: list[Any]) -> Any:
        return (sympy.And if junction == "and" else sympy.Or)(*conditions)

    def where(self, condition: Any, this: Callable[[], Any], otherwise: Callable[[], Any]) -> Any:
        return sympy.Piecewise((this(), condition), (otherwise(), True))


_WRITTEN: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "pow": operator.pow,
    "neg": operator.neg,
    "abs": sympy.Abs,
    "mod": operator.mod,
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
