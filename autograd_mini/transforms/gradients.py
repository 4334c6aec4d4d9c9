"""Transforms: functions that take a function and return a gradient of it, or a derivative in a direction.

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

from copy import copy
from functools import wraps

from autograd_mini.engine.checks import check_function
from autograd_mini.engine.pytree import matching
from autograd_mini.engine.value import Value
from autograd_mini.transforms.tracing import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, Literal, ParamSpec, Protocol, TypeVar, overload

    Taken = ParamSpec("Taken")
    Returned = TypeVar("Returned")

    from autograd_mini.engine.checks import Function

    Argnums = int | tuple[int, ...]
    Tree = TypeVar("Tree")  # a structure of numbers
    Values = TypeVar("Values", bound=Value | Sequence[Value] | Mapping[Any, Value])

    class Gradient(Protocol):
        """A function of the arguments of f whose result has the structure of the first, as `grad` returns."""

        @overload
        def __call__(self, x: float, /, *args: Any, **kwargs: Any) -> float: ...
        @overload
        def __call__(self, x: Tree, /, *args: Any, **kwargs: Any) -> Tree: ...
        def __call__(self, x: Any, /, *args: Any, **kwargs: Any) -> Any:
            """Return the gradient."""

    class ValueAndGradient(Protocol):
        """A function of the arguments of f that returns (value, gradient)."""

        @overload
        def __call__(self, x: Values, /, *args: Any, **kwargs: Any) -> tuple[Value, Values]: ...
        @overload
        def __call__(self, x: float, /, *args: Any, **kwargs: Any) -> tuple[float, float]: ...
        @overload
        def __call__(self, x: Tree, /, *args: Any, **kwargs: Any) -> tuple[float, Tree]: ...
        def __call__(self, x: Any, /, *args: Any, **kwargs: Any) -> Any:
            """Return the value and the gradient."""


def differentiated(
    f: Callable[..., Any], argnums: Argnums, derive: Callable[[Run], Any], *, has_aux: bool = False
) -> Callable[..., Any]:
    """Return the function of f's arguments that returns what is derived from a run of f on them."""

    @wraps(f)
    def derivative_of_f(*args: Any, **kwargs: Any) -> Any:
        with Run(f, args, kwargs, argnums, has_aux=has_aux) as run:
            return derive(run)

    return derivative_of_f


def transform(made: Callable[Taken, Returned]) -> Callable[Taken, Returned]:
    """Return a transform that takes functions alone, and says what `argnum` of HIPS autograd is called here."""

    @wraps(made)
    def checked(*args: Taken.args, **kwargs: Taken.kwargs) -> Returned:
        if "argnum" in kwargs:
            raise TypeError(
                f"{made.__name__}(f, argnums=0) takes no 'argnum': it is argnums, an int or a tuple of ints"
            )
        if args:
            check_function("f", args[0])
        return made(*args, **kwargs)

    return checked


if TYPE_CHECKING:

    @overload
    def grad(f: Function, argnums: Literal[0] = ..., *, has_aux: Literal[False] = ...) -> Gradient: ...
    @overload
    def grad(
        f: Function, argnums: tuple[int, ...], *, has_aux: Literal[False] = ...
    ) -> Callable[..., tuple[Any, ...]]: ...
    @overload
    def grad(f: Function, argnums: Argnums = ..., *, has_aux: Literal[True]) -> Callable[..., tuple[Any, Any]]: ...
    @overload
    def grad(f: Function, argnums: Argnums = ..., *, has_aux: bool = ...) -> Callable[..., Any]: ...


@transform
def grad(f: Function, argnums: Argnums = 0, *, has_aux: bool = False) -> Callable[..., Any]:
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

    @wraps(f)
    def gradient_of_f(*args: Any, **kwargs: Any) -> Any:
        value, slope = both(*args, **kwargs)
        return (slope, value[1]) if has_aux else slope

    return gradient_of_f


if TYPE_CHECKING:

    @overload
    def value_and_grad(
        f: Function, argnums: Literal[0] = ..., *, has_aux: Literal[False] = ...
    ) -> ValueAndGradient: ...
    @overload
    def value_and_grad(
        f: Function, argnums: Argnums = ..., *, has_aux: bool = ...
    ) -> Callable[..., tuple[Any, Any]]: ...


@transform
def value_and_grad(f: Function, argnums: Argnums = 0, *, has_aux: bool = False) -> Callable[..., Any]:
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

    def value_and_slopes(run: Run) -> Any:
        y = run.scalar("grad")
        slopes = run.treedef.unflatten(run.finished(run.reverse(y)))
        value = run.finished([y])[0]
        return ((value, run.aux) if has_aux else value), slopes

    return differentiated(f, argnums, value_and_slopes, has_aux=has_aux)


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return f and its derivative in one direction: the Jacobian times a vector, by one forward pass.

    Args:
        f: a function that returns a number or a structure of numbers.
        primals: the arguments, as a list or tuple.
        tangents: how fast each of them moves, in the same structure.

    Returns:
        the result of f and the tangent of the result, in the structure of the result.

    Raises:
        TypeError: if an argument, a tangent or the result has something in it that is no number.
        ValueError: if the tangents have another structure than the arguments.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (6.0, 3.0)

    """
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, (list, tuple)):
            raise TypeError(f"{name} is a {type(given).__name__}, expected a list or tuple with one item an argument")
    with Run(f, primals, {}, tuple(range(len(primals)))) as run:
        seed = run.seed(matching(run.treedef, tuple(tangents), "tangents", "primals"))
        outputs, treedef = run.outputs()
        return treedef.unflatten(run.finished(outputs)), treedef.unflatten(run.finished(run.forward(outputs, seed)[0]))


def vjp(f: Function, *primals: Any, **kwargs: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Return f and its pullback: a vector times the Jacobian, one reverse pass for each vector.

    Args:
        f: a function that returns a number or a structure of numbers.
        primals: its arguments.
        kwargs: its keyword arguments, which are not differentiated.

    Returns:
        the result of f, and a function `pull(cotangent)`. That takes the gradient of some scalar with respect to the
        result, in the structure of the result, and returns the gradients with respect to the arguments, as a tuple.

    Raises:
        TypeError: if an argument or the result has something in it that is no number.
        ValueError: from `pull`, if the cotangent has another structure than the result.

    >>> out, pull = vjp(lambda x, y: [x * y, x + y], 2.0, 3.0)
    >>> out, pull([1.0, 10.0])
    ([6.0, 5.0], (13.0, 12.0))

    """
    with Run(f, primals, kwargs, tuple(range(len(primals)))) as run:
        outputs, treedef = run.outputs()
        result = treedef.unflatten(run.finished(outputs))

    def pull(cotangent: Any) -> tuple[Any, ...]:
        weights = matching(treedef, cotangent, "the cotangent", "the result")
        with copy(run) as again:  # a later question, which brings numbers of its own
            again.joined_by(weights)
            total: Value | float = 0.0
            for y, weight in zip(outputs, weights, strict=True):
                if isinstance(y, Value) and (isinstance(weight, Value) or weight != 0.0):
                    total = y * weight + total
            slopes: tuple[Any, ...] = again.treedef.unflatten(again.finished(again.reverse(total)))
        return slopes

    return result, pull


if TYPE_CHECKING:

    @overload
    def hvp(f: Function, argnums: Literal[0] = ...) -> Gradient: ...
    @overload
    def hvp(f: Function, argnums: Argnums) -> Callable[..., Any]: ...


@transform
def hvp(f: Function, argnums: Argnums = 0) -> Callable[..., Any]:
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

    @wraps(f)
    def product_of_f(*args: Any, **kwargs: Any) -> Any:
        if len(args) < 2:
            raise TypeError(
                f"hvp(f) is given {len(args)} positional argument(s), expected the arguments of f and then the vector"
            )
        *args_of_f, vector = args
        with Run(f, args_of_f, kwargs, argnums) as run:
            seed = run.seed(matching(run.treedef, vector, "the vector", "the argument"))
            return run.treedef.unflatten(run.finished(run.forward(run.slopes("hvp"), seed)[0]))

    return product_of_f
