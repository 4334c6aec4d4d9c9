"""Callables: how functions of numbers, of a sequence, of Values, of NumPy, PyTorch or JAX arrays become a `Problem`.

An `Adapter` knows one kind of function. The table `ADAPTERS` is searched in order, so a new kind is one entry more;
nothing is imported for a kind that does not occur.
"""

from __future__ import annotations

import inspect
import math
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograd_mini.engine.value import Value
from autograd_mini.testing.engine import Call, engine_derivative, has_values
from autograd_mini.testing.problem import Problem, ShapeError
from autograd_mini.testing.structures import array_of, indices, is_array, is_structure, structure_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from autograd_mini.testing.problem import Point

SINGLE_EPS = 2.0**-23


def leaves(result: Any, what: str) -> Iterator[float]:
    """Yield the numbers in a result, however nested; a complex number is outside the reals and becomes nan.

    >>> list(leaves([1, (2.5, {"a": 3})], "f"))
    [1.0, 2.5, 3.0]
    """
    if isinstance(result, Value):
        yield result.data
        return
    if hasattr(result, "detach"):
        result = result.detach()
    if hasattr(result, "tolist"):
        result = result.tolist()
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (list, tuple)):
        for item in result:
            yield from leaves(item, what)
    elif isinstance(result, complex):
        yield math.nan
    elif result is None or isinstance(result, (str, bytes)):
        raise ShapeError(f"{what} returned {result!r}, expected a number or a sequence of numbers")
    else:
        try:
            yield float(result)
        except OverflowError:
            yield math.inf
        except TypeError:
            raise ShapeError(
                f"{what} returned {type(result).__name__}, expected a number or a sequence of numbers"
            ) from None


def to_single(x: float) -> float:
    """Return the nearest single-precision number, for functions that compute in single precision."""
    try:
        return float(struct.unpack("f", struct.pack("f", x))[0])
    except OverflowError:
        return math.copysign(math.inf, x)


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


def constants_in(*functions: object) -> set[float]:
    """Return the numbers that stand in the code of functions, in those nested in them, and in what they close over."""
    found: set[float] = set()
    waiting = [f for f in functions if f is not None]
    seen = 0
    while waiting and seen < 200:
        seen += 1
        thing = waiting.pop()
        if isinstance(thing, (int, float)) and not isinstance(thing, bool):
            if math.isfinite(thing) and abs(thing) < 1e300:
                found.add(float(thing))
        elif inspect.iscode(thing):
            waiting += thing.co_consts
        elif inspect.isfunction(thing):
            waiting += [
                thing.__code__,
                *(c.cell_contents for c in thing.__closure__ or () if _is_number_or_function(c)),
            ]
    return found


def _is_number_or_function(cell: Any) -> bool:
    try:
        return isinstance(cell.cell_contents, (int, float)) or inspect.isfunction(cell.cell_contents)
    except ValueError:  # an empty cell
        return False


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
    single = adapter.single(example)
    problem = Problem(lambda _point: [], lambda _point: [], names)
    if single:
        problem.eps, problem.grid = SINGLE_EPS, to_single

    def enter(at: Point) -> tuple[Any, ...]:
        return adapter.enter(at, example)

    value = Call(f, enter, on_values=by_engine or has_values(example))
    derivative = Call(df, enter, on_values=False)

    def function(at: Point) -> Sequence[float]:
        values = list(leaves(value(at), "f"))
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
