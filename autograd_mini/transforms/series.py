"""Power series: Taylor coefficients of any order, from the table's formulas for first derivatives alone.

If z(t) = op(x(t), y(t)), then z' = (∂op/∂x) x' + (∂op/∂y) y', and the coefficient of t**k in z is 1/k times that of
t**(k-1) on the right. Evaluating the formula of the partial on series needs only coefficients that are known by then,
even where the formula names z itself (exp' = z) or calls a sibling (sin' = cos, cos' = -sin). Sums, products and
quotients are convolutions; everything else is in the table. Coefficients are computed when asked for, and kept.

The coefficients are floats, or Values to be differentiated again: the arithmetic is the same.
Source: Griewank and Walther, Evaluating Derivatives (2008), chapter 13; McIlroy, Squinting at Power Series (1990).
"""

from __future__ import annotations

import ast
import operator

from autograd_mini.engine.formula import COMPARISONS, OPERATORS, parse
from autograd_mini.engine.functions import ON_VALUES
from autograd_mini.engine.ops import TABLE
from autograd_mini.engine.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Number = Value | float

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


class Series:
    """A power series in t, known as far as it was asked for.

    Args:
        known: its first coefficients, at least one.
        next_coefficient: computes the coefficient of t**k when those before it are known.

    """

    __slots__ = ("_next", "known")

    def __init__(self, known: list[Number], next_coefficient: Callable[[int], Number]) -> None:
        self.known = known
        self._next = next_coefficient

    def __getitem__(self, k: int) -> Any:
        """Return the coefficient of t**k."""
        known = self.known
        while len(known) <= k:
            known.append(self._next(len(known)))
        return known[k]


def zero(_: int) -> float:
    """Return the coefficients of a polynomial from its last on."""
    return 0.0


class Algebra:
    """Operations on numbers and series; the same operation on the same operands is one series."""

    def __init__(self) -> None:
        self._made: dict[tuple[Any, ...], Number | Series] = {}
        self._kept: list[Any] = []  # operands are known by their id, so they have to live

    def apply(self, name: str, operands: list[Any], first: Number | None = None) -> Any:
        """Apply a row of the table; `first` is the coefficient of order 0, if it is known."""
        row = TABLE[name]
        if len(operands) < len(row.operands):
            operands = [*operands, row.default]
        if not any(isinstance(operand, Series) for operand in operands):
            return first if first is not None else getattr(ON_VALUES, name)(*operands)
        key = (name, *(operand if isinstance(operand, float) else id(operand) for operand in operands))
        if key not in self._made:
            self._kept.append(operands)
            if first is None:
                first = getattr(ON_VALUES, name)(*(o[0] if isinstance(o, Series) else o for o in operands))
            self._made[key] = self._series(name, operands, first)
        return self._made[key]

    def _series(self, name: str, operands: list[Any], first: Number) -> Series:
        x, y = operands if len(operands) == 2 else (operands[0], 0.0)
        made = Series([first], zero)
        if name in {"add", "sub", "neg"}:
            made._next = lambda k: _linear(name, x, y, k)
        elif name == "mul":
            made._next = _product(x, y)
        elif name == "truediv":
            made._next = _quotient(x, y, made)
        else:
            slopes: list[
                Callable[[int], Any]
            ] = []  # (∂op/∂operand) operand', made when first needed: sin asks for cos asks for sin

            def next_coefficient(k: int) -> Any:
                if not slopes:
                    slopes.extend(self._slopes(name, operands, made))
                total = slopes[0](k - 1)
                for slope in slopes[1:]:
                    total = total + slope(k - 1)
                return total / float(k)

            made._next = next_coefficient
        return made

    def _slopes(self, name: str, operands: list[Any], made: Series) -> list[Callable[[int], Any]]:
        row = TABLE[name]
        names = dict(zip(row.operands, operands, strict=True)) | {"z": made}
        slopes = []
        for operand, formula in zip(operands, row.partials, strict=True):
            if isinstance(operand, Series):
                partial = self.evaluate(parse(formula, (*row.operands, "z")), names)
                slopes.append(_product(partial, _Slope(operand)))
        return slopes

    def evaluate(self, tree: ast.expr, names: dict[str, Any]) -> Any:
        """Evaluate a formula on numbers and series."""
        match tree:
            case ast.Constant(value=constant):
                return float(constant)  # type: ignore[arg-type]  # int or float by `parse`
            case ast.Name(id=name):
                return names[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.apply("neg", [self.evaluate(operand, names)])
            case ast.UnaryOp(operand=operand):
                return self.evaluate(operand, names)
            case ast.BinOp(op=symbol, left=left, right=right):
                return self.apply(OPERATORS[type(symbol)], [self.evaluate(left, names), self.evaluate(right, names)])
            case ast.Call(func=ast.Name(id="where"), args=[test, this, otherwise]):
                return self.evaluate(this if self.holds(test, names) else otherwise, names)
            case ast.Call(func=ast.Name(id=name), args=args):
                return self.apply(name, [self.evaluate(arg, names) for arg in args])
        raise AssertionError(tree)  # unreachable after `parse`

    def holds(self, tree: ast.expr, names: dict[str, Any]) -> bool:
        """Decide a condition at t = 0."""
        match tree:
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                sides = [self.evaluate(side, names) for side in (left, *comparators)]
                numbers = [side[0] if isinstance(side, Series) else side for side in sides]
                return all(
                    _COMPARE[COMPARISONS[type(symbol)]](a, b)
                    for symbol, a, b in zip(ops, numbers, numbers[1:], strict=False)
                )
            case ast.BoolOp(op=joint, values=values):
                return (all if isinstance(joint, ast.And) else any)(self.holds(value, names) for value in values)
        raise AssertionError(tree)  # unreachable after `parse`


class _Slope:
    """The derivative of a series: coefficient k is (k + 1) times its coefficient k + 1."""

    __slots__ = ("series",)

    def __init__(self, series: Series) -> None:
        self.series = series

    def __getitem__(self, k: int) -> Any:
        return self.series[k + 1] * float(k + 1) if k else self.series[1]


def _linear(name: str, x: Any, y: Any, k: int) -> Any:
    if name == "neg":
        return -x[k]
    if not isinstance(x, Series):
        return -y[k] if name == "sub" else y[k]
    if not isinstance(y, Series):
        return x[k]
    return x[k] - y[k] if name == "sub" else x[k] + y[k]


def _is_number(operand: object) -> bool:
    return isinstance(operand, (float, Value))


def _product(x: Any, y: Any) -> Callable[[int], Any]:
    """Return the function that computes a coefficient of the product of two series, or of a number and a series."""
    if _is_number(x):
        return lambda k: _times(x, y[k])
    if _is_number(y):
        return lambda k: _times(x[k], y)

    def convolution(k: int) -> Any:
        total = _times(x[0], y[k])
        for i in range(1, k + 1):
            total = total + _times(x[i], y[k - i])
        return total

    return convolution


def _times(a: Any, b: Any) -> Any:
    """Multiply, where a zero float stands for what is not there: times inf, too, it is 0."""
    if (type(a) is float and a == 0.0) or (type(b) is float and b == 0.0):
        return 0.0
    return a * b


def _quotient(x: Any, y: Any, made: Series) -> Callable[[int], Any]:
    """Return the function that computes a coefficient of x / y from those before."""
    divide = ON_VALUES.truediv
    if _is_number(y):
        return lambda k: divide(x[k], y)

    def next_coefficient(k: int) -> Any:
        total = _times(made[0], y[k])
        for i in range(1, k):
            total = total + _times(made[i], y[k - i])
        return divide(-total if _is_number(x) else x[k] - total, y[0])

    return next_coefficient
