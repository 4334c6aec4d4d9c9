"""Taylor polynomials, and derivatives of any order, from the table's formulas for first derivatives alone.

If z(t) = op(x(t), y(t)) are power series, then z' = (∂op/∂x) x' + (∂op/∂y) y', and the coefficient of t**k in z is 1/k
times that of t**(k-1) on the right. Evaluating the formula of the partial on series needs only coefficients that are
known by then, even where the formula names z itself (exp' = z) or calls a sibling (sin' = cos, cos' = -sin). Sums,
products and quotients are convolutions; everything else is in the table. Coefficients are computed when asked for, and
kept; they are floats, or Values to be differentiated again: the arithmetic is the same.

Source: Griewank and Walther, Evaluating Derivatives (2008), chapter 13; McIlroy, Squinting at Power Series (1990).
"""

from __future__ import annotations

from functools import wraps
from math import factorial

from autograd_mini.engine.checks import check_function, whole_number
from autograd_mini.engine.formula import Decided, evaluate, parse
from autograd_mini.engine.functions import ON_VALUES
from autograd_mini.engine.graph import depending, gradient
from autograd_mini.engine.ops import CHOICE, TABLE
from autograd_mini.engine.value import Value
from autograd_mini.transforms.tracing import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol

    from autograd_mini.engine.checks import Function
    from autograd_mini.engine.methods import Scalar

    Number = Value | float

    class Derivative(Protocol):
        """A function of the arguments of f, as `derivative` returns."""

        def __call__(self, x: Scalar, /, *args: Any, **kwargs: Any) -> Scalar:
            """Return the derivative by x."""


def derivative(f: Function, order: int = 1) -> Derivative:
    """Return the derivative, of any order, of a function of one variable.

    Args:
        f: a function of one number (and of anything else, held fixed) that returns one.
        order: how often to differentiate.

    Returns:
        a function of the same arguments. The cost grows as the cube of the order at most: see `taylor`.

    Raises:
        TypeError: if `order` is no whole number; when called, if the argument or the result is no number.
        ValueError: if `order` is below 0.

    >>> derivative(lambda x: x**5, order=3)(2.0)
    240.0

    """
    order = whole_number("order", order, least=0)
    check_function("f", f)

    @wraps(f)
    def derivative_of_f(*args: Any, **kwargs: Any) -> Any:
        coefficient = _taylor(f, args, kwargs, order)[order]
        for k in range(2, order + 1):
            coefficient = coefficient * float(k)
        return coefficient

    return derivative_of_f


def taylor(f: Callable[[Any], Any], x0: Scalar, order: int) -> list[Scalar]:
    """Return the coefficients of the Taylor polynomial of f: the k-th is the k-th derivative at x0 over k!.

    They are propagated through the graph as truncated power series, so the cost is polynomial in the order, and there
    are no differences of large numbers (Griewank and Walther, Evaluating Derivatives, chapter 13).

    Args:
        f: a function of one number that returns one.
        x0: where to expand.
        order: the highest power.

    Returns:
        order + 1 coefficients, beginning with f(x0).

    Raises:
        TypeError: if `order` is no whole number, or x0 or the result no number.
        ValueError: if `order` is below 0.

    >>> from autograd_mini import exp
    >>> taylor(exp, 0.0, 4)
    [1.0, 1.0, 0.5, 0.16666666666666666, 0.041666666666666664]

    """
    order = whole_number("order", order, least=0)
    return _taylor(f, (x0,), {}, order)


def _taylor(f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], order: int) -> list[Any]:
    with Run(f, args, kwargs, 0) as run:
        if run.treedef.spec is not None:
            raise TypeError(
                f"x0 is {args[0]!r}, expected one number for derivative and taylor: use grad, jacobian or hessian"
            )
        y = run.scalar("derivative")
        return run.finished(coefficients(y, run.variables[0], order, on_values=run.on_values))


def coefficients(y: Value | float, x: Value, order: int, *, on_values: bool) -> list[Any]:
    """Return the Taylor coefficients of y, order 0 to `order`, in the displacement of x, as Values or floats."""
    if not isinstance(y, Value):
        return [y] + [0.0] * order
    if y.symbolic:  # formulas of power series branch on numbers
        return _by_repetition(y, x, order, on_values=True)
    algebra = SeriesAlgebra()
    moving: dict[Value, Number | Series] = {x: Series([x if on_values else x.data, 1.0])}
    nodes = depending([y], [x])
    rows = [node._pull.rule.op for node in nodes]  # type: ignore[union-attr]  # what lies between was computed
    if not all(row is CHOICE or TABLE.get(row.name) is row for row in rows):
        return _by_repetition(y, x, order, on_values=on_values)
    for node, row in zip(nodes, rows, strict=True):
        operands = [
            moving[arg]
            if isinstance(arg, Value) and arg in moving
            else arg
            if on_values or not isinstance(arg, Value)
            else arg.data
            for arg in node.args
        ]
        if row is CHOICE:
            condition, this, otherwise = operands
            moving[node] = this if (condition[0] if isinstance(condition, Series) else condition) else otherwise
        else:
            moving[node] = algebra.apply(row.name, operands, node if on_values else node.data)
    for k in range(1, order + 1):  # every operand before its results, so that no chain is too deep
        for node in nodes:
            series = moving[node]
            if isinstance(series, Series):
                series[k]
    result = moving.get(y, y if on_values else y.data)
    return [result[k] for k in range(order + 1)] if isinstance(result, Series) else [result] + [0.0] * order


def _by_repetition(y: Value, x: Value, order: int, *, on_values: bool) -> list[Any]:
    """Differentiate the graph over and over: it grows as the power of the order, but needs no formulas."""
    found: list[Any] = [y]
    slope = y
    for k in range(1, order + 1):
        slope = gradient(slope, x)
        found.append(slope / float(factorial(k)))
    return found if on_values else [coefficient.data for coefficient in found]


class Series:
    """A power series in t, from its first coefficients and a function of k that computes the next ones."""

    __slots__ = ("_next", "known")

    def __init__(self, known: list[Number], next_coefficient: Callable[[int], Number] = lambda _: 0.0) -> None:
        self.known = known
        self._next = next_coefficient

    def __getitem__(self, k: int) -> Any:
        """Return the coefficient of t**k."""
        known = self.known
        while len(known) <= k:
            known.append(self._next(len(known)))
        return known[k]


class SeriesAlgebra(Decided):
    """The algebra of numbers and series; the same operation on the same operands is one series."""

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
        made = Series([first])
        if name in {"add", "sub", "neg"}:
            made._next = lambda k: _linear(name, x, y, k)
        elif name == "mul":
            made._next = _product(x, y)
        elif name == "truediv":
            made._next = _quotient(x, y, made)
        else:
            # (∂op/∂operand) operand', made when first needed: sin asks for cos asks for sin.
            slopes: list[Callable[[int], Any]] = []

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
                partial = evaluate(parse(formula, (*row.operands, "z")), self, names)
                slopes.append(_product(partial, _Slope(operand)))
        return slopes

    def constant(self, number: float) -> float:
        """Return a number as it is."""
        return number

    def figure(self, x: Any) -> Any:
        """Return the coefficient of order 0: a condition is decided where the series is expanded."""
        return x[0] if isinstance(x, Series) else x


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
