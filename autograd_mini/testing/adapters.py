"""An adapter: how functions of numbers, lists, Values, NumPy, PyTorch or JAX arrays become a `Problem`.

The checker knows points, tuples of floats. `Arguments` makes of a point what a function takes, and names its numbers;
`LIBRARIES` has an entry for each kind of array. Nothing is imported for a kind that does not occur.
"""

from __future__ import annotations

import inspect
import math
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from autograd_mini.engine import pytree
from autograd_mini.engine.checks import check_function
from autograd_mini.engine.pytree import flatten, holds_values
from autograd_mini.engine.value import Value
from autograd_mini.testing.problem import Problem, ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from autograd_mini.testing.problem import Point

SINGLE_EPS = 2.0**-23
"""Unit roundoff of single precision."""


def leaves(result: Any, what: str) -> list[float]:
    """Return the numbers in a result, however nested; a complex number is outside the reals and becomes nan.

    >>> leaves([1, (2.5, {"a": 3})], "f")
    [1.0, 2.5, 3.0]
    """
    if type(result) is float:
        return [result]
    if isinstance(result, dict):
        result = [*result.values()]
    if isinstance(result, (list, tuple)):
        return [n for item in result for n in ((item,) if type(item) is float else leaves(item, what))]
    if isinstance(result, Value):
        return [result.data]
    if hasattr(result, "tolist"):  # an array or a tensor
        return leaves((result.detach() if hasattr(result, "detach") else result).tolist(), what)
    if isinstance(result, complex):
        return [math.nan]
    try:
        if not isinstance(result, (str, bytes)):
            return [float(result)]
    except OverflowError:
        return [math.inf]
    except TypeError:
        pass
    shown = repr(result) if result is None or isinstance(result, (str, bytes)) else type(result).__name__
    raise ShapeError(f"{what} returned {shown}, expected a number or a sequence of numbers")


def to_single(x: float) -> float:
    """Return the nearest single-precision number, for functions that compute in single precision."""
    try:
        return float(struct.unpack("f", struct.pack("f", x))[0])
    except OverflowError:
        return math.copysign(math.inf, x)


@dataclass(frozen=True)
class Library:
    """One kind of array.

    Attributes:
        array: makes an array of numbers in the shape, and if it is one of floats, of the type of an example.
        derivative: differentiates a function of some number of arguments; None if the library cannot.

    """

    array: Callable[[Sequence[Any], Any], Any]
    derivative: Callable[[Callable[..., Any], int], Callable[..., Any]] | None = None


def _numpy_array(numbers: Sequence[Any], example: Any) -> Any:
    numpy = sys.modules["numpy"]
    return numpy.array(numbers, dtype=example.dtype if example.dtype.kind == "f" else float).reshape(example.shape)


def _torch_array(numbers: Sequence[Any], example: Any) -> Any:
    torch = sys.modules["torch"]
    dtype = example.dtype if example.dtype.is_floating_point else torch.float64
    return torch.tensor(numbers, dtype=dtype).reshape(example.shape)


def _torch_derivative(f: Callable[..., Any], count: int) -> Callable[..., Any]:
    jacobian = sys.modules["torch"].autograd.functional.jacobian
    return lambda *args: jacobian(f, args if count > 1 else args[0])


def _jax_array(numbers: Sequence[Any], example: Any) -> Any:
    jax = sys.modules["jax"].numpy
    dtype = example.dtype if jax.issubdtype(example.dtype, jax.floating) else None
    return jax.asarray(numbers, dtype=dtype).reshape(example.shape)


def _jax_derivative(f: Callable[..., Any], count: int) -> Callable[..., Any]:
    return sys.modules["jax"].jacrev(f, tuple(range(count)) if count > 1 else 0)  # type: ignore[no-any-return]


_JAX = Library(_jax_array, _jax_derivative)

LIBRARIES = {
    "numpy": Library(_numpy_array),
    "torch": Library(_torch_array, _torch_derivative),
    "jax": _JAX,
    "jaxlib": _JAX,
}
"""Kinds of arrays by the package that their class stands in."""


def library_of(thing: object) -> Library | None:
    """Return the kind of an array; None for anything else, a NumPy scalar included."""
    package = type(thing).__module__.partition(".")[0]
    return None if package == "numpy" and not getattr(thing, "ndim", 0) else LIBRARIES.get(package)


class Arguments:
    """The arguments of a call, by an example: how a point is passed to a function, and what its numbers are called.

    Args:
        f: the function.
        at: the example: a number, list or array, or a tuple or dict of several arguments.

    Attributes:
        numbers: the numbers of the example.
        names: a name for each: the parameter's own, with an index in a list or an array, as in ``W[0,1]``.
        library: what differentiates the function by such arguments; None if that is the engine.
        single: whether numbers are passed in single precision.

    Raises:
        TypeError: if something in the example is no number.
        ValueError: if a number is not finite, or a dict names what is no parameter.

    """

    def __init__(self, f: Callable[..., Any], at: Any) -> None:
        if isinstance(at, dict):
            named = [p.name for p in parameters(f)]
            if not {*at} <= {*named}:
                raise ValueError(f"at names {', '.join(map(str, at))}, expected names among the parameters of f")
            at = tuple(at[name] for name in named if name in at)
        try:
            self.numbers = (*leaves(at, "at"),)
        except ShapeError:
            expected = "a number, a tuple of numbers, a dict by name, a list or an array"
            raise TypeError(f"at is {at!r}, expected {expected}") from None
        if not self.numbers or not all(map(math.isfinite, self.numbers)):
            raise ValueError(f"at is {at!r}, expected one or more finite numbers")
        if isinstance(at, tuple) and (takes(f, len(at)) or any(map(_is_container, at))):
            self.example = at
        elif isinstance(at, list) and arity(f) != 1:
            self.example = tuple(at)
        else:
            self.example = ([*at] if isinstance(at, tuple) else at,)
        count = len(self.example)
        pairs = zip(names_of(f, count), self.example, strict=True)
        self.names = tuple(name + index for name, part in pairs for index in _indices(part))
        self._apart = not any(map(_is_container, self.example))
        arrays = [part for part in pytree.leaves(self.of(self.numbers)) if library_of(part)]
        self.library = next(
            (library for array in arrays if (library := library_of(array)) and library.derivative), None
        )
        self.single = any(bits in str(array.dtype) for array in arrays for bits in ("16", "32"))

    def of(self, point: Point) -> tuple[Any, ...]:
        """Return arguments like the example with the numbers of a point."""
        return point if self._apart else _filled(self.example, iter(point))


def _filled(example: Any, numbers: Iterator[float]) -> Any:
    """Return nested lists and arrays like an example with other numbers."""
    if type(example) is float:
        return next(numbers)
    if isinstance(example, (list, tuple)):
        return type(example)([_filled(part, numbers) for part in example])
    library = library_of(example)
    return library.array([*islice(numbers, math.prod(example.shape))], example) if library else next(numbers)


def _is_container(part: object) -> bool:
    return isinstance(part, (list, tuple)) or library_of(part) is not None


def _indices(part: Any) -> list[str]:
    """Return the index of each number in an argument: "" for a number, "[0]" in a list, "[0,1]" in an array."""
    if library_of(part) and part.shape:
        return [f"[{','.join(map(str, index))}]" for index in product(*map(range, part.shape))]
    if isinstance(part, (list, tuple)):
        return [f"[{at}]{index}" for at, inner in enumerate(part) for index in _indices(inner)]
    return [""]


def parameters(f: object) -> list[inspect.Parameter]:
    """Return the parameters of ``f`` that can be given by position; none for a builtin without a signature."""
    try:
        signature = inspect.signature(f)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p for p in signature.parameters.values() if p.kind in kinds]


def arity(f: object) -> int:
    """Return how many numbers ``f`` must be given by position; 0 if it does not say."""
    return sum(p.default is inspect.Parameter.empty for p in parameters(f))


def takes(f: object, count: int) -> bool:
    """Return whether ``f`` takes ``count`` numbers apart, rather than one sequence of them."""
    return count == 1 or arity(f) != 1 or len(parameters(f)) >= count


def names_of(f: object, count: int) -> list[str]:
    """Return a name for each of some arguments: the parameters' own, or ``x``, or ``x0``, ``x1``, ..."""
    named = [p.name for p in parameters(f)]
    return named[:count] if len(named) >= count else ["x"] if count == 1 else [f"x{i}" for i in range(count)]


def require_arguments(name: str, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Raise TypeError if a function cannot be called with as many arguments as a point or a domain gives."""
    with suppress(ValueError):  # a builtin without a signature
        signature = inspect.signature(function)
        try:
            signature.bind(*args)
        except TypeError as error:
            raise TypeError(
                f"{name} is a function of {signature}, expected one of {len(args)} argument{'s' * (len(args) != 1)} "
                f"({error}): give each one a number, a list or an array, in a tuple or in a dict by name"
            ) from None


def engine_derivative(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return the derivative of ``f`` by the engine, by all numbers that are passed to it, apart or in a list or array.

    No ``grad`` changes, not that of a Parameter that ``f`` uses either. Applied twice, it gives second derivatives.

    >>> engine_derivative(lambda x, y: x * y)(2.0, 3.0)
    (3.0, 2.0)
    """

    @wraps(f)
    def derivative(*args: Any) -> Any:
        from autograd_mini.transforms import jacobian

        return jacobian(f, 0 if len(args) == 1 else tuple(range(len(args))))(*args)

    return derivative


def as_values(args: Sequence[Any]) -> tuple[Any, ...]:
    """Return arguments with a fresh Value for every number in them.

    >>> as_values((1.0, [2.0]))
    (Value(data=1.0), [Value(data=2.0)])
    """
    numbers, treedef = flatten(tuple(args), "at")
    built: tuple[Any, ...] = treedef.unflatten([Value(n) if not isinstance(n, Value) else n for n in numbers])
    return built


class Call:
    """A function as the checker calls it: with plain numbers, or, where it fails on these alone, with Values.

    Args:
        function: the user's function.
        enter: what makes its arguments of a point.
        on_values: whether it is given Values from the start.

    """

    def __init__(
        self, function: Callable[..., Any], enter: Callable[[Point], tuple[Any, ...]], *, on_values: bool = False
    ) -> None:
        self.function, self.enter, self.on_values = function, enter, on_values
        self.settled = on_values

    def __call__(self, point: Point) -> Any:
        """Return what the function returns at a point."""
        args = self.enter(point)
        if self.on_values:
            return self.function(*as_values(args))
        try:
            result = self.function(*args)
        except (TypeError, AttributeError) as error:
            if self.settled:
                raise
            try:
                result = self.function(*as_values(args))
            except Exception:  # noqa: BLE001 - whatever Values bring, what numbers brought is what to report
                raise error from None
            self.on_values = True
        self.settled = True
        return result


def adapt(f: Callable[..., Any], df: Callable[..., Any] | None, arguments: Arguments) -> Problem:
    """Return the problem of ``f`` and ``df`` for such arguments."""
    by_engine = df is None and arguments.library is None
    if df is None:
        differentiate = arguments.library and arguments.library.derivative
        df = differentiate(f, len(arguments.example)) if differentiate else engine_derivative(f)
    for name, given in (("f", f), ("df", df)):
        check_function(name, given)
        require_arguments(name, given, arguments.example)
    names = arguments.names
    value = Call(f, arguments.of, on_values=by_engine or holds_values(arguments.example))
    derivative = Call(df, arguments.of)

    def function(at: Point) -> Sequence[float]:
        values = leaves(value(at), "f")
        if not values:
            raise ShapeError("f returned no number, expected one or several")
        if len(values) != (problem.outputs or len(values)):
            raise ShapeError(f"f returned {len(values)} numbers at {at}, expected {problem.outputs} as elsewhere")
        problem.outputs = len(values)
        return values

    def jacobian(at: Point) -> Sequence[Sequence[float]]:
        result, count, rows = derivative(at), len(names), problem.outputs or 1
        if isinstance(result, dict):
            heads = [*dict.fromkeys(name.partition("[")[0] for name in names)]
            order = names if set(result) == set(names) else heads if set(result) == set(heads) else result
            result = [result[name] for name in order]
        flat = leaves(result, "df")
        if len(flat) != count * rows:
            kind = "partial derivative" if rows == 1 else f"x {rows} partial derivative"
            raise ShapeError(
                f"df returned {len(flat)} number{'s' * (len(flat) != 1)}, expected {count} {kind}{'s' * (count != 1)}, "
                f"one for each of {', '.join(names)}"
            )
        return [flat[i * count : (i + 1) * count] for i in range(rows)]

    problem = Problem(function, jacobian, names)
    if arguments.single:
        problem.eps, problem.grid = SINGLE_EPS, to_single
    if by_engine:
        refuse_without_values(problem, arguments.numbers)
    return problem


def refuse_without_values(problem: Problem, point: Point) -> None:
    """Raise TypeError if ``f`` does not compute with Values, so that the engine cannot differentiate it."""
    with suppress(ShapeError):  # which is for the check to report
        problem.value(point)
    for fault in problem.f.faults:
        if isinstance(fault.error, (TypeError, AttributeError)):
            raise TypeError(
                f"df is missing, and f does not compute with Values ({fault}), expected one or the other: pass the "
                "derivative to check, check_grad(f, df), or compute in f with the functions of autograd_mini"
            ) from fault.error
