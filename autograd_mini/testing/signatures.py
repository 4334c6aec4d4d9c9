"""A signature: which arguments a function takes, as far as it says, and what of an object is a function.

>>> arity(lambda x, y, n=2: x * y**n)
2
"""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any

from autograd_mini.testing.problem import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    Functions = tuple[Callable[..., Any] | None, ...]

METHODS = (
    ("loss", "gradient", "hessian"),
    ("value", "gradient", "hessian"),
    ("fun", "jac", "hess"),
    ("fun", "grad", "hess"),
    ("loglike", "score", "hessian"),
    ("func", "deriv", "deriv2"),
    ("func", "grad", "hess"),
    ("rho", "psi", "psi_deriv"),
    ("cdf", "pdf"),
    ("__call__", "deriv", "deriv2"),
    ("__call__", "derivative"),
    ("__call__", "gradient", "hessian"),
)
"""Methods of an object that are a function, its derivative and its second derivative."""


def parameters(f: object) -> list[inspect.Parameter]:
    """Return the parameters of ``f`` that can be given by position; none for a builtin without a signature."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p for p in _all_parameters(f) if p.kind in kinds]


def _all_parameters(f: object) -> list[inspect.Parameter]:
    try:
        return [*inspect.signature(f).parameters.values()]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return []


def _collected(f: object) -> str:
    """Return the name of the parameter that collects all further arguments; "" where there is none."""
    return next((p.name for p in _all_parameters(f) if p.kind is inspect.Parameter.VAR_POSITIONAL), "")


def arity(f: object) -> int:
    """Return how many numbers ``f`` must be given by position; 0 if it does not say."""
    return sum(p.default is inspect.Parameter.empty for p in parameters(f))


def takes(f: object, count: int) -> bool:
    """Return whether ``f`` takes ``count`` numbers apart, rather than one sequence of them."""
    return count == 1 or arity(f) != 1 or len(parameters(f)) >= count or bool(_collected(f))


def names_of(f: object, count: int) -> list[str]:
    """Return a name for each of some arguments: the parameters' own, or ``x``, or ``x0``, ``x1``, ...

    >>> names_of(lambda x, *ys: x * ys[0] * ys[1], 3)
    ['x', 'ys[0]', 'ys[1]']
    """
    named, collected = [p.name for p in parameters(f)], _collected(f)
    if named and collected:
        named += [f"{collected}[{i}]" for i in range(count - len(named))]
    return named[:count] if len(named) >= count else ["x"] if count == 1 else [f"x{i}" for i in range(count)]


def works(f: Callable[..., Any], argument: Any) -> bool:
    """Return whether ``f`` takes an argument of such a kind, whatever else it raises."""
    try:
        f(argument)
    except (TypeError, AttributeError, LookupError):
        return False
    except Exception:  # noqa: BLE001 - of the numbers in it, which is for the check to report
        return True
    return True


def by_position(functions: Functions, given: Collection[str] | None) -> Functions:
    """Return functions as ones that are given everything by position: what they take by keyword alone, too.

    Args:
        functions: a function and its derivatives.
        given: the names of the arguments, where they are given by name, so that others keep their defaults.

    >>> (f,) = by_position((lambda x, *, rate, n=2: x**n * rate,), None)
    >>> f(3.0, 0.5)
    4.5

    """
    known = [p for p in _all_parameters(functions[0]) if p.kind not in _COLLECTING]
    keyword = inspect.Parameter.KEYWORD_ONLY
    if given and {*given} <= {p.name for p in known}:
        chosen = [p for p in known if p.name in given]
    else:
        chosen = [p for p in known if p.kind is not keyword or p.default is p.empty]
        if not any(p.kind is keyword for p in chosen):
            return functions
    names = [p.name for p in chosen]
    return tuple(f and _by_name(f, names) for f in functions)


_COLLECTING = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _by_name(f: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
    """Return a function that hands its arguments on to ``f`` by name; ``f`` itself where position says the same."""
    known = _all_parameters(f)
    if [p.name for p in parameters(f)][: len(names)] == [*names]:
        return f
    usable = {p.name for p in known if p.kind not in (*_COLLECTING, inspect.Parameter.POSITIONAL_ONLY)}
    collects = [p.kind for p in known if p.kind in _COLLECTING]
    if not {*names} <= usable and collects != [inspect.Parameter.VAR_KEYWORD]:
        return f

    @wraps(f)
    def handed(*args: Any) -> Any:
        return f(**dict(zip(names, args, strict=True)))

    either = inspect.Parameter.POSITIONAL_OR_KEYWORD
    handed.__signature__ = inspect.Signature([inspect.Parameter(name, either) for name in names])  # type: ignore[attr-defined]
    return handed


def taken_together(f: Callable[..., Any]) -> Functions:
    """Return the function and the gradient of one that returns both, as with ``jac=True`` in SciPy.

    >>> value, gradient = taken_together(lambda x: (x**2, 2 * x))
    >>> value(3.0), gradient(3.0)
    (9.0, 6.0)
    """

    def part(index: int) -> Callable[..., Any]:
        @wraps(f)
        def of_both(*args: Any, **kwargs: Any) -> Any:
            result = f(*args, **kwargs)
            if not isinstance(result, (tuple, list)) or len(result) != 2:
                raise ShapeError(
                    f"f returned {type(result).__name__}, expected a value and its gradient, as df is True"
                )
            return result[index]

        return of_both

    return part(0), part(1)


def methods_of(thing: Any) -> Functions:
    """Return an object's function and its derivatives, those that it has; nothing for what has no such methods.

    A method without arguments, such as ``Polynomial.deriv``, makes the derivative.

    >>> class Square:
    ...     def __call__(self, x):
    ...         return x * x
    ...     def derivative(self):
    ...         return lambda x: 2 * x
    >>> f, df = methods_of(Square())
    >>> f(3.0), df(3.0)
    (9.0, 6.0)
    """
    if inspect.isroutine(thing) or inspect.isclass(thing):
        return ()
    for names in METHODS:
        found = [getattr(thing, name, None) for name in names]
        if not all(map(callable, found[:2])):
            continue
        if names[0] != "__call__":
            return tuple(method for method in found if callable(method))
        if not arity(found[1]):  # it makes a function, which has the same method
            first = found[1]()  # type: ignore[misc]
            second = getattr(first, names[1], None)
            return (thing, first, second()) if callable(second) else (thing, first)
        return thing, *(method for method in found[1:] if callable(method))
    return ()
