"""A wrong result: what a derivative written by hand returns, with one of the usual mistakes made in it.

>>> CHANGES["off by one"]((1.0, 2.0, 4.0)), CHANGES["swapped"]((1.0, 2.0, 4.0))
((4.0, 1.0, 2.0), (2.0, 1.0, 4.0))
"""

from __future__ import annotations

import dis
import functools
import inspect
import sys
from contextlib import contextmanager
from types import FunctionType, WrapperDescriptorType
from typing import TYPE_CHECKING, Any

from autograd_mini.testing.libraries import is_number, leaves, library_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INNER = ("bwd", "jvp", "__func__", "__wrapped__", "fget")
"""Attributes under which rules of JAX, methods, wrappers and properties keep their function."""


def function_of(thing: Any) -> FunctionType:
    """Return the Python function that computes what a callable returns: for PyTorch's Function, its ``backward``.

    >>> import functools
    >>> function_of(functools.lru_cache(functools.partial(function_of))).__name__
    'function_of'
    """
    given = thing
    while not isinstance(thing, FunctionType):
        names = (
            ("backward",) if isinstance(thing, type) else ("func",) if isinstance(thing, functools.partial) else INNER
        )
        called = inspect.getattr_static(type(thing), "__call__", None)
        thing = next((inner for name in names if callable(inner := getattr(thing, name, None))), called)
        if thing is None or isinstance(thing, WrapperDescriptorType):
            raise TypeError(f"of is {given!r}, expected a function in Python: one that is compiled cannot be changed")
    return thing


def _stand_in(*args: Any, _called: Any, **kwargs: Any) -> Any:
    return _called(*args, **kwargs)


def _closing_over() -> Callable[..., Any]:
    anything = None

    def stand_in(*args: Any, _called: Any, **kwargs: Any) -> Any:
        nonlocal anything  # which makes it a function that closes over something
        return _called(*args, **kwargs)

    return stand_in


@contextmanager
def replaced(function: FunctionType, stand_in: Callable[..., Any]) -> Iterator[None]:
    """Have a function compute something else in a block, wherever it is referred to.

    Args:
        function: the function, whose code is exchanged.
        stand_in: what is called instead, with the function as it was and with its arguments.

    >>> def double(x):
    ...     return 2 * x
    >>> known = double
    >>> with replaced(double, lambda original, x: -original(x)):
    ...     known(3.0)
    -6.0
    >>> known(3.0)
    6.0

    """
    code, named = function.__code__, function.__kwdefaults__
    original = FunctionType(code, function.__globals__, code.co_name, function.__defaults__, function.__closure__)
    original.__kwdefaults__ = named
    signature = function.__dict__.get("__signature__")
    function.__signature__ = inspect.signature(original)  # type: ignore[attr-defined]
    function.__kwdefaults__ = {"_called": functools.partial(stand_in, original)}
    function.__code__ = _code_with(len(code.co_freevars))
    try:
        yield
    finally:
        function.__code__, function.__kwdefaults__ = code, named
        del function.__signature__  # type: ignore[attr-defined]
        if signature is not None:
            function.__signature__ = signature  # type: ignore[attr-defined]


def _code_with(cells: int) -> Any:
    """Return the code of a stand-in for a function that closes over some number of variables."""
    if not cells:
        return _stand_in.__code__
    code: Any = _closing_over().__code__
    instructions = bytearray(code.co_code)
    at = next(i for i in range(0, len(instructions), 2) if instructions[i] == dis.opmap["COPY_FREE_VARS"])
    instructions[at + 1] = cells
    return code.replace(co_code=bytes(instructions), co_freevars=tuple(f"cell{i}" for i in range(cells)))


def times(factor: float) -> Callable[[Any], Any]:
    """Return what multiplies every number of a result by a factor."""

    def change(result: Any) -> Any:
        if isinstance(result, dict):
            return {key: change(part) for key, part in result.items()}
        if isinstance(result, (list, tuple)):
            return _like(result, [change(part) for part in result])
        return result * factor if is_number(result) or hasattr(result, "dtype") or hasattr(result, "dtypes") else result

    return change


def _each(result: Any, change: Callable[[Any], Any]) -> Any:
    """Return a result with every array and list of numbers changed that can be; None where there is none."""
    if isinstance(result, (list, tuple)) and not _is_vector(result) and not _is_matrix(result):
        parts = [_each(part, change) for part in result]
        if all(part is None for part in parts):
            return None
        return _like(result, [old if new is None else new for old, new in zip(result, parts, strict=True)])
    if isinstance(result, dict):
        parts = [_each(part, change) for part in result.values()]
        pairs = zip(result.items(), parts, strict=True)
        return None if all(p is None for p in parts) else {k: old if new is None else new for (k, old), new in pairs}
    return change(result)


def _shifted(part: Any) -> Any:
    if _is_vector(part):
        return _like(part, [part[-1], *part[:-1]]) if len(part) > 1 else None
    library = _functions_of(part)
    return library.roll(part, 1) if library is not None and _size(part) > 1 else None


def _turned(part: Any) -> Any:
    if _is_matrix(part):
        square = len(part) == len(part[0]) > 1
        return _like(part, [_like(part[0], list(row)) for row in zip(*part, strict=True)]) if square else None
    sides = {*part.shape} if _functions_of(part) is not None and len(part.shape) == 2 else set()
    return part.T if len(sides) == 1 and sides != {1} else None


def _swapped(result: Any) -> Any:
    """Return a result with its first two parts, rows or numbers exchanged."""
    if isinstance(result, (list, tuple)) and result:
        if len(result) > 1 and _shape(result[0]) == _shape(result[1]) is not None:
            return _like(result, [result[1], result[0], *result[2:]])
        first = _swapped(result[0])
        return None if first is None else _like(result, [first, *result[1:]])
    library = _functions_of(result)
    if library is None or result.shape[0] < 2:
        return None
    return library.concatenate([result[1:2], result[:1], result[2:]])


def _cut(result: Any) -> Any:
    """Return a result with its last number 0."""
    if isinstance(result, (list, tuple)) and result:
        last = next((i for i in reversed(range(len(result))) if result[i] is not None), None)
        inner = None if last is None else _cut(result[last])
        return None if inner is None else _like(result, [*result[:last], inner, *result[last + 1 :]])  # type: ignore[operator]
    if isinstance(result, dict) and result:
        key = [*result][-1]
        inner = _cut(result[key])
        return None if inner is None else result | {key: inner}
    library = _functions_of(result)
    if library is None:
        return result * 0 if is_number(result) else None
    size = _size(result)
    return result * (library.arange(size) < size - 1).reshape(tuple(result.shape))


CHANGES: dict[str, Callable[[Any], Any]] = {
    "off by one": lambda result: _each(result, _shifted),
    "transposed": lambda result: _each(result, _turned),
    "swapped": _swapped,
    "without its last number": _cut,
}
"""What makes a result wrong, by what it is then; None where it makes nothing of it."""


def differs(result: Any, other: Any) -> bool:
    """Return whether two results hold other numbers; True while nobody knows them, as in what JAX traces."""
    try:
        return leaves(result, "df") != leaves(other, "df")
    except Exception:  # noqa: BLE001 - of numbers that are not known yet, or of no numbers
        return True


def is_traced(result: Any) -> bool:
    """Return whether a result is of JAX, which keeps what it has compiled."""
    if isinstance(result, (list, tuple)):
        return any(map(is_traced, result))
    return type(result).__module__.partition(".")[0] in {"jax", "jaxlib"}


def _functions_of(part: Any) -> Any:
    """Return the functions of the library of an array; None for anything else."""
    package = type(part).__module__.partition(".")[0]
    if library_of(part) is None or package == "pandas":
        return None
    return sys.modules["jax.numpy" if package in {"jax", "jaxlib"} else package]


def _is_vector(part: Any) -> bool:
    return isinstance(part, (list, tuple)) and bool(part) and all(map(is_number, part))


def _is_matrix(part: Any) -> bool:
    """Return whether something is rows of numbers, all of one class and length."""
    if not isinstance(part, (list, tuple)) or not part or not all(map(_is_vector, part)):
        return False
    return len({(type(row), len(row)) for row in part}) == 1


def _shape(part: Any) -> tuple[int, ...] | None:
    if is_number(part):
        return ()
    return tuple(part.shape) if hasattr(part, "shape") else (len(part),) if _is_vector(part) else None


def _size(part: Any) -> int:
    return functools.reduce(lambda u, v: u * v, tuple(part.shape), 1)


def _like(container: Any, items: list[Any]) -> Any:
    return type(container)(*items) if hasattr(container, "_fields") else type(container)(items)
