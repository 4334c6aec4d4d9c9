"""An adapter: how a function of numbers, sequences, Values, NumPy, PyTorch or JAX arrays becomes a `Problem`.

The table `ADAPTERS` is searched in order, so a new kind of function is one entry more; nothing is imported for a kind
that does not occur.
"""

from __future__ import annotations

import inspect
import math
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from itertools import product
from typing import TYPE_CHECKING, Any

from autograd_mini.engine import pytree
from autograd_mini.engine.pytree import flatten, holds_values
from autograd_mini.engine.value import Value
from autograd_mini.testing.problem import Problem, ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from autograd_mini.testing.problem import Point

SINGLE_EPS = 2.0**-23
"""Unit roundoff of single precision."""


def leaves(result: Any, what: str) -> Iterator[float]:
    """Yield the numbers in a result, however nested; a complex number is outside the reals and becomes nan.

    >>> list(leaves([1, (2.5, {"a": 3})], "f"))
    [1.0, 2.5, 3.0]
    """
    for leaf in pytree.leaves(result):
        if isinstance(leaf, Value):
            yield leaf.data
        elif hasattr(leaf, "tolist"):  # an array or a tensor
            yield from leaves((leaf.detach() if hasattr(leaf, "detach") else leaf).tolist(), what)
        elif isinstance(leaf, complex):
            yield math.nan
        elif leaf is None or isinstance(leaf, (str, bytes)):
            raise ShapeError(f"{what} returned {leaf!r}, expected a number or a sequence of numbers")
        else:
            yield _float(leaf, what)


def _float(number: Any, what: str) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf
    except TypeError:
        raise ShapeError(
            f"{what} returned {type(number).__name__}, expected a number or a sequence of numbers"
        ) from None


def to_single(x: float) -> float:
    """Return the nearest single-precision number, for functions that compute in single precision."""
    try:
        return float(struct.unpack("f", struct.pack("f", x))[0])
    except OverflowError:
        return math.copysign(math.inf, x)


def array_of(point: Sequence[float], example: Any) -> tuple[Any, ...]:
    """Return one argument, an array like the example with these numbers."""
    numpy = sys.modules["numpy"]
    return (numpy.array(point, dtype=example.dtype if example.dtype.kind == "f" else float).reshape(example.shape),)


def is_array(thing: object) -> bool:
    """Return whether a thing is a NumPy array."""
    return type(thing).__module__.partition(".")[0] == "numpy" and getattr(thing, "ndim", 0) > 0


def is_structure(_f: object, example: object) -> bool:
    """Return whether arguments are not all numbers, but arrays or lists of them too."""
    return isinstance(example, tuple) and any(isinstance(part, (list, tuple)) or is_array(part) for part in example)


def structure_of(point: Sequence[float], example: Any) -> tuple[Any, ...]:
    """Return arguments like the example with these numbers."""
    numbers = iter(point)

    def like(part: Any) -> Any:
        if is_array(part):
            return array_of([next(numbers) for _ in range(part.size)], part)[0]
        return type(part)(map(like, part)) if isinstance(part, (list, tuple)) else next(numbers)

    return tuple(map(like, example))


def indices(example: Any) -> list[str]:
    """Return the index of each number in an argument: "" for a number, "[0]", "[0,1]" in an array."""
    if is_array(example):
        return [f"[{','.join(map(str, index))}]" for index in product(*map(range, example.shape))]
    if isinstance(example, (list, tuple)):
        return [f"[{at}]{index}" for at, part in enumerate(example) for index in indices(part)]
    return [""]


def as_values(args: Sequence[Any]) -> tuple[Any, ...]:
    """Return arguments with a fresh Value for every number in them.

    >>> as_values((1.0, [2.0]))
    (Value(data=1.0), [Value(data=2.0)])
    """
    numbers, treedef = flatten(tuple(args), "at")
    built: tuple[Any, ...] = treedef.unflatten([Value(n) if not isinstance(n, Value) else n for n in numbers])
    return built


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


class Call:
    """A function as the checker calls it: with plain numbers, or, where it fails on these alone, with Values.

    Args:
        function: the user's function.
        enter: what makes its arguments of a point.
        on_values: whether it is given Values from the start.

    """

    def __init__(
        self, function: Callable[..., Any], enter: Callable[[Point], tuple[Any, ...]], *, on_values: bool
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


@dataclass(frozen=True)
class Adapter:
    """One kind of callable: how to recognise it, to pass it a point, and, where it can, to differentiate it.

    A kind that cannot is plain: it takes floats, or Values in their place, and then the engine differentiates it.
    """

    name: str
    recognises: Callable[[Any, Any], bool]
    enter: Callable[[Point, Any], tuple[Any, ...]]
    derivative: Callable[[Any, Any], Callable[..., Any]] | None = None
    single: Callable[[Any], bool] = lambda _example: False


def _module_of(thing: object) -> str:
    return type(thing).__module__.partition(".")[0]


def _torch_enter(point: Point, example: Any) -> tuple[Any, ...]:
    torch = sys.modules["torch"]
    dtype = example.dtype if example.dtype.is_floating_point else torch.float64
    return (torch.tensor(point, dtype=dtype).reshape(example.shape),)


def _torch_derivative(f: Callable[..., Any], _example: object) -> Callable[..., Any]:
    def derivative(x: Any) -> Any:
        return sys.modules["torch"].autograd.functional.jacobian(f, x)

    return derivative


def _jax_enter(point: Point, example: Any) -> tuple[Any, ...]:
    return (sys.modules["jax"].numpy.asarray(point).reshape(example.shape),)


def _jax_derivative(f: Callable[..., Any], _example: object) -> Callable[..., Any]:
    return sys.modules["jax"].jacrev(f)  # type: ignore[no-any-return]


def _is_sequence(f: object, example: object) -> bool:
    if isinstance(example, list):
        return arity(f) == 1
    return isinstance(example, tuple) and not takes(f, len(example))


ADAPTERS: list[Adapter] = [
    Adapter(
        "torch",
        lambda _f, example: _module_of(example) == "torch",
        _torch_enter,
        _torch_derivative,
        lambda example: str(example.dtype) in {"torch.float32", "torch.float16", "torch.bfloat16"},
    ),
    Adapter(
        "jax",
        lambda _f, example: _module_of(example) in {"jax", "jaxlib"},
        _jax_enter,
        _jax_derivative,
        lambda example: str(example.dtype) != "float64",
    ),
    Adapter(
        "numpy",
        lambda _f, example: is_array(example),
        array_of,
        single=lambda example: str(example.dtype) in {"float32", "float16"},
    ),
    Adapter("structure", is_structure, structure_of),
    Adapter("sequence", _is_sequence, lambda point, _example: (list(point),)),
    Adapter("numbers", lambda _f, _example: True, lambda point, _example: point),
]


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


def names_of(f: object, count: int, *, one_argument: bool, example: Any = None) -> tuple[str, ...]:
    """Return a name for each input: the parameters' own, or ``x[0]`` in a sequence and ``W[0,1]`` in an array."""
    named = [p.name for p in parameters(f)]
    if is_structure(f, example):
        heads = named if len(named) >= len(example) else [f"x{i}" for i in range(len(example))]
        return tuple(head + index for head, part in zip(heads, example, strict=False) for index in indices(part))
    if one_argument:
        head = named[0] if named else "x"
        return tuple(head + index for index in indices(example if is_array(example) else [0.0] * count))
    if len(named) >= count:
        return tuple(named[:count])
    return ("x",) if count == 1 else tuple(f"x{i}" for i in range(count))


def point_numbers(f: Callable[..., Any], at: Any) -> tuple[Point, Any]:
    """Return the numbers of a point and the example that says how to pass them to ``f``."""
    if isinstance(at, dict):
        order = [p.name for p in parameters(f) if p.name in at]
        if len(order) != len(at):
            raise ValueError(f"at names {', '.join(map(str, at))}, expected names among the parameters of f")
        at = tuple(at[name] for name in order)
    try:
        numbers = tuple(leaves(at, "at"))
    except ShapeError:
        raise TypeError(
            f"at is {at!r}, expected a number, a tuple of numbers, a dict by name, a list or an array"
        ) from None
    if not numbers or not all(map(math.isfinite, numbers)):
        raise ValueError(f"at is {at!r}, expected one or more finite numbers")
    return numbers, at if not isinstance(at, (int, float)) else numbers


def require_arguments(f: Callable[..., Any], df: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Raise TypeError if f or df cannot be called with as many arguments as a point or a domain gives."""
    for name, function in (("f", f), ("df", df)):
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):
            continue
        try:
            signature.bind(*args)
        except TypeError as error:
            raise TypeError(
                f"{name} takes the arguments {signature}, got {len(args)} of them ({error}): give each one a number, a "
                "list or an array, in a tuple or in a dict by name"
            ) from None


def adapt(f: Callable[..., Any], df: Callable[..., Any] | None, example: Any, point: Sequence[float]) -> Problem:
    """Return the problem of ``f`` and ``df`` for inputs like ``example``, whose numbers are ``point``."""
    if not callable(f):
        raise TypeError(f"f is {f!r}, expected a function")
    adapter = next(a for a in ADAPTERS if a.recognises(f, example))
    by_engine = df is None and adapter.derivative is None
    if df is None:
        df = adapter.derivative(f, example) if adapter.derivative else engine_derivative(f)
    if not callable(df):
        raise TypeError(f"df is {df!r}, expected a function")
    count = len(point)
    names = names_of(f, count, one_argument=adapter.name != "numbers", example=example)
    require_arguments(f, df, adapter.enter(tuple(point), example))
    single = adapter.single(example)
    problem = Problem(lambda _point: [], lambda _point: [], names)
    if single:
        problem.eps, problem.grid = SINGLE_EPS, to_single

    def enter(at: Point) -> tuple[Any, ...]:
        return adapter.enter(at, example)

    value = Call(f, enter, on_values=by_engine or holds_values(example))
    derivative = Call(df, enter, on_values=False)

    def function(at: Point) -> Sequence[float]:
        values = list(leaves(value(at), "f"))
        if not values:
            raise ShapeError("f returned no number, expected one or several")
        if problem.known_outputs and len(values) != problem.outputs:
            raise ShapeError(f"f returned {len(values)} numbers at {at}, and {problem.outputs} elsewhere")
        if not problem.known_outputs:
            problem.set_outputs(len(values))
        return values

    def jacobian(at: Point) -> Sequence[Sequence[float]]:
        result = derivative(at)
        if isinstance(result, dict):
            heads = [*dict.fromkeys(name.partition("[")[0] for name in names)]
            order = names if set(result) == set(names) else heads if set(result) == set(heads) else result
            result = [result[name] for name in order]
        flat = list(leaves(result, "df"))
        if len(flat) != count * problem.outputs:
            kind = "partial derivative" if problem.outputs == 1 else f"x {problem.outputs} partial derivative"
            raise ShapeError(
                f"df returned {len(flat)} number{'s' * (len(flat) != 1)}, expected {count} {kind}{'s' * (count != 1)}, "
                f"one for each of {', '.join(names)}"
            )
        return [flat[i * count : (i + 1) * count] for i in range(problem.outputs)]

    problem.function, problem.jacobian = function, jacobian
    if by_engine:
        refuse_without_values(problem, tuple(point))
    return problem


def refuse_without_values(problem: Problem, point: Point) -> None:
    """Raise TypeError if ``f`` does not compute with Values, so that the engine cannot differentiate it."""
    with suppress(ShapeError):  # which is for the check to report
        problem.value(point)
    for fault in problem.faults_f:
        if isinstance(fault.error, (TypeError, AttributeError)):
            raise TypeError(
                f"df is missing, and f does not compute with Values ({fault}): pass the derivative to check, as in "
                "check_grad(f, df), or compute in f with the functions of autograd_mini"
            ) from fault.error
