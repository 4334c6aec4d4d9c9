"""Functions of one variable: derivatives of any order, and Taylor polynomials."""

from __future__ import annotations

from functools import wraps
from math import factorial

from autograd_mini.engine.arguments import check_function
from autograd_mini.engine.graph import gradient
from autograd_mini.engine.ops import CHOICE, TABLE
from autograd_mini.engine.value import Value
from autograd_mini.transforms.forward import depending
from autograd_mini.transforms.series import Algebra, Series, zero
from autograd_mini.transforms.tracing import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Number = Value | float


def derivative(f: Callable[..., Any], order: int = 1) -> Callable[..., Any]:
    """Return the derivative, of any order, of a function of one variable.

    Args:
        f: a function of one number (and of anything else, held fixed) that returns one.
        order: how often to differentiate.

    Returns:
        a function of the same arguments. The cost grows as the cube of the order at most: see `taylor`.

    Raises:
        ValueError: if `order` is no whole number from 0 on.
        TypeError: when called, if the argument or the result is no number.

    >>> derivative(lambda x: x**5, order=3)(2.0)
    240.0

    """
    _check_order(order)

    check_function("f", f)

    @wraps(f)
    def derivative_of_f(*args: Any, **kwargs: Any) -> Any:
        coefficient = _taylor(f, args, kwargs, order)[order]
        for k in range(2, order + 1):
            coefficient = coefficient * float(k)
        return coefficient

    return derivative_of_f


def taylor(f: Callable[[Any], Any], x0: Any, order: int) -> list[Any]:
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
        ValueError: if `order` is no whole number from 0 on.
        TypeError: if x0 or the result is no number.

    >>> from autograd_mini import exp
    >>> taylor(exp, 0.0, 4)
    [1.0, 1.0, 0.5, 0.16666666666666666, 0.041666666666666664]

    """
    _check_order(order)
    return _taylor(f, (x0,), {}, order)


def _taylor(f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], order: int) -> list[Any]:
    with Run(f, args, kwargs, 0) as run:
        if run.structure.blocks != [None] or run.structure.paths != [""]:
            raise TypeError(f"derivative and taylor take one number; got {args[0]!r}: use grad, jacobian or hessian")
        y = run.scalar("derivative")
        return run.finished(coefficients(y, run.variables[0], order, on_values=run.on_values))


def _check_order(order: int) -> None:
    if isinstance(order, bool) or not isinstance(order, int) or order < 0:
        raise ValueError(f"order is a whole number from 0 on; got {order!r}")


def coefficients(y: Value | float, x: Value, order: int, *, on_values: bool) -> list[Any]:
    """Return the Taylor coefficients of y in the displacement of the leaf or node x, those of order 0 to `order`.

    Args:
        y: a result computed from x.
        x: what moves.
        order: the highest power.
        on_values: whether the coefficients are Values, to be differentiated again, or floats.

    """
    if not isinstance(y, Value):
        return [y] + [0.0] * order
    if y.symbolic:  # formulas of power series branch on numbers
        return _by_repetition(y, x, order, on_values=True)
    algebra = Algebra()
    moving: dict[Value, Number | Series] = {x: Series([x if on_values else x.data, 1.0], zero)}
    nodes = depending([y], [x])
    if not all(map(_has_formula, nodes)):
        return _by_repetition(y, x, order, on_values=on_values)
    for node in nodes:
        operands = [
            moving[arg]
            if isinstance(arg, Value) and arg in moving
            else arg
            if on_values or not isinstance(arg, Value)
            else arg.data
            for arg in node.args
        ]
        moving[node] = _result(algebra, node, operands, node if on_values else node.data)
    for k in range(1, order + 1):  # every operand before its results, so that no chain is too deep
        for node in nodes:
            series = moving[node]
            if isinstance(series, Series):
                series[k]
    result = moving.get(y, y if on_values else y.data)
    return [result[k] for k in range(order + 1)] if isinstance(result, Series) else [result] + [0.0] * order


def _has_formula(node: Value) -> bool:
    row = node._pull.rule.op  # type: ignore[union-attr]  # a node between x and y was computed
    return row is CHOICE or TABLE.get(row.name) is row


def _by_repetition(y: Value, x: Value, order: int, *, on_values: bool) -> list[Any]:
    """Differentiate the graph over and over: it grows as the power of the order, but needs no formulas."""
    found: list[Any] = [y]
    slope = y
    for k in range(1, order + 1):
        slope = gradient(slope, x)
        found.append(slope / float(factorial(k)))
    return found if on_values else [coefficient.data for coefficient in found]


def _result(algebra: Algebra, node: Value, operands: list[Any], first: Number) -> Any:
    row = node._pull.rule.op  # type: ignore[union-attr]  # a node between x and y was computed
    if row is CHOICE:
        condition, this, otherwise = operands
        taken = condition[0] if isinstance(condition, Series) else condition
        return this if taken else otherwise
    return algebra.apply(row.name, operands, first)
