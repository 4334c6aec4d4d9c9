"""Transforms: functions that take a function and return a derivative of it.

Every call runs the function on fresh variables, so nothing outside receives a gradient, and transforms nest to any
depth:

    >>> def f(x):
    ...     return x**3
    >>> grad(f)(2.0), grad(grad(f))(2.0)
    (12.0, 12.0)
    >>> grad(lambda x: x * grad(lambda y: x + y)(x))(5.0)
    1.0

An argument is a number, a NumPy array, or lists, tuples and dicts of these, nested to any depth. The function gets
arrays as arrays of Values (of NumPy's object type), and a derivative comes back in the structure of the argument, with
arrays of float64 for arrays. Floats come back for plain numbers; where an argument was a Value, or the function uses a
variable of a transform around this one, Values come back, which can be differentiated again. Keyword arguments are
handed to the function as they are. An input that the result does not depend on has derivative 0.
"""

from __future__ import annotations

from functools import wraps

from autograd_mini.engine.arguments import check_function
from autograd_mini.engine.graph import gradient
from autograd_mini.engine.value import Value
from autograd_mini.transforms.forward import depending, push
from autograd_mini.transforms.structure import matching
from autograd_mini.transforms.tracing import Run, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Argnums = int | tuple[int, ...]

FORWARD_COST = 2.0
"""What a forward pass for one input costs, in reverse passes for one output; measured on random programs."""


def grad(f: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    """Return the function that computes the gradient of f.

    Args:
        f: a function that returns one number.
        argnums: the position of the argument to differentiate by, or a tuple of positions.
        has_aux: whether f returns (result, anything else), and the gradient shall come as (gradient, anything else).

    Returns:
        a function of the same arguments. It returns the gradient in the structure of the argument, or a tuple of
        these for a tuple of positions.

    Raises:
        TypeError: when called, if f returns no number, or an argument has something in it that is none.

    >>> grad(lambda w, b: w["left"] * 3 + w["right"] * b)({"left": 1.0, "right": 2.0}, 5.0)
    {'left': 3.0, 'right': 5.0}
    >>> grad(lambda x, y: x * y, argnums=(0, 1))(2.0, 3.0)
    (3.0, 2.0)

    """
    both = value_and_grad(f, argnums, has_aux=has_aux)

    check_function("f", f)

    @wraps(f)
    def gradient_of_f(*args: Any, **kwargs: Any) -> Any:
        value, slope = both(*args, **kwargs)
        return (slope, value[1]) if has_aux else slope

    return gradient_of_f


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    """Return the function that computes f and its gradient in one go, as optimisers want it.

    `scipy.optimize.minimize(value_and_grad(f), x0, jac=True)` works as it is.

    Args:
        f: a function that returns one number.
        argnums: the position of the argument to differentiate by, or a tuple of positions.
        has_aux: whether f returns (result, anything else), and this ((result, anything else), gradient).

    Returns:
        a function of the same arguments that returns (value, gradient); see `grad`.

    Raises:
        TypeError: when called, if f returns no number, or an argument has something in it that is none.

    >>> value_and_grad(lambda x: x * x)(3.0)
    (9.0, 6.0)

    """
    check_function("f", f)

    @wraps(f)
    def value_and_gradient_of_f(*args: Any, **kwargs: Any) -> Any:
        with Run(f, args, kwargs, argnums, has_aux=has_aux) as run:
            y = run.scalar("grad")
            slopes = run.structure.build(run.finished(run.reverse(y)))
            value = run.finished([y if run.on_values else plain(y)])[0]
        return ((value, run.aux) if has_aux else value), slopes

    return value_and_gradient_of_f


def jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return the function that computes all the partial derivatives of a function of several results.

    Reverse mode has one pass for each result, forward mode one for each input; the cheaper is taken.

    Args:
        f: a function that returns a number or a structure of numbers.
        argnums: the position of the argument to differentiate by, or a tuple of positions.

    Returns:
        a function of the same arguments. It returns the structure of the result with the structure of the argument in
        the place of each number; a result of shape `a` and an argument of shape `b` give an array of shape `a + b`.

    Raises:
        TypeError: when called, if an argument or the result has something in it that is no number.

    >>> jacobian(lambda p: [p[0] * p[1], p[0] + p[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]

    """
    check_function("f", f)

    @wraps(f)
    def jacobian_of_f(*args: Any, **kwargs: Any) -> Any:
        with Run(f, args, kwargs, argnums) as run:
            outputs, structure = run.outputs()
            if run.structure.size * FORWARD_COST < len(outputs):
                rows = _columns_forward(run, outputs)
            else:
                rows = [run.reverse(y) for y in outputs]
            return structure.product(run.structure, [run.finished(row) for row in rows])

    return jacobian_of_f


def hessian(f: Callable[..., Any], argnums: Argnums = 0, *, sparse: bool = False) -> Callable[..., Any]:
    """Return the function that computes the second derivatives of f.

    Args:
        f: a function that returns one number.
        argnums: the position of the argument to differentiate by, or a tuple of positions.
        sparse: whether to return a scipy.sparse.csr_array with a row and a column for each number of the argument.
            Which entries are not zero is read off the graph, and a colouring makes a few passes do for all rows.

    Returns:
        a function of the same arguments. It returns the structure of the argument with that structure in the place of
        each number; for an array of shape (n,), an array of shape (n, n).

    Raises:
        TypeError: when called, if f returns no number, an argument has something in it that is none, or a sparse
            Hessian is asked of Values.
        ModuleNotFoundError: when called, if a sparse Hessian is asked for and there is no scipy.

    >>> hessian(lambda p: p[0] ** 2 * p[1])([3.0, 5.0])
    [[10.0, 6.0], [6.0, 0.0]]

    """
    check_function("f", f)

    @wraps(f)
    def hessian_of_f(*args: Any, **kwargs: Any) -> Any:
        with Run(f, args, kwargs, argnums) as run:
            y = run.scalar("hessian")
            slopes = gradient(y, run.variables) if isinstance(y, Value) else [0.0] * run.structure.size
            if sparse:
                from autograd_mini.transforms.sparse import sparse_hessian

                run.needs_floats("hessian(f, sparse=True)")
                return sparse_hessian(slopes, run.variables)
            rows = [run.finished(run.reverse(slope)) for slope in slopes]
            return run.structure.product(run.structure, rows)

    return hessian_of_f


def hvp(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Return the function that computes the Hessian of f times a vector, without forming the Hessian.

    Forward over reverse: the gradient as a graph, and one forward pass through it (Pearlmutter 1994).

    Args:
        f: a function that returns one number.
        argnums: the position of the argument to differentiate by, or a tuple of positions.

    Returns:
        a function of f's arguments and, last, the vector, in the structure of the argument. It returns the product in
        the same structure.

    Raises:
        TypeError: when called, if f returns no number, or an argument has something in it that is none.
        ValueError: when called, if the vector has another structure than the argument.

    >>> hvp(lambda p: p[0] ** 2 * p[1])([3.0, 5.0], [1.0, 0.0])
    [10.0, 6.0]

    """
    check_function("f", f)

    @wraps(f)
    def product_of_f(*args: Any, **kwargs: Any) -> Any:
        if len(args) < 2:
            raise TypeError(
                f"hvp(f) takes the arguments of f and then the vector; got {len(args)} positional argument(s)"
            )
        *args_of_f, vector = args
        with Run(f, args_of_f, kwargs, argnums) as run:
            directions = matching(run.structure, vector, "the vector", "the argument")
            run.joined_by(directions)
            y = run.scalar("hvp")
            slopes = gradient(y, run.variables) if isinstance(y, Value) else [0.0] * run.structure.size
            return run.structure.build(run.finished(run.forward(slopes, directions)))

    return product_of_f


def _columns_forward(run: Run, outputs: Sequence[Value | float]) -> list[list[Any]]:
    """Return the rows of the Jacobian, found column by column."""
    nodes = depending([y for y in outputs if isinstance(y, Value)], run.variables)
    rows: list[list[Any]] = [[] for _ in outputs]
    for variable in run.variables:
        tangents = push(nodes, {variable: 1.0}, on_values=run.on_values)
        for row, y in zip(rows, outputs, strict=True):
            row.append(tangents.get(y, 0.0) if isinstance(y, Value) else 0.0)
    return rows
