"""A library of arrays: how its arrays are told, made and differentiated, and which numbers stand in a result.

`LIBRARIES` has an entry for each. Nothing is imported for a kind that does not occur.
"""

from __future__ import annotations

import math
import struct
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from autograd_mini.engine.value import Value
from autograd_mini.testing.problem import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PLAIN_NUMBERS = (float, int, Value)
"""What stands for one number, besides other classes with a ``__float__``."""


def leaves(result: Any, what: str, parts: int = 0) -> list[float]:
    """Return the numbers in a result, however nested.

    A complex one becomes nan, or, with 1 for ``parts``, two numbers; with 2 every number becomes two.

    >>> leaves([1, (2.5, {"a": 3})], "f")
    [1.0, 2.5, 3.0]
    """
    if type(result) is float:
        return [result, 0.0] if parts > 1 else [result]
    if isinstance(result, dict):
        result = [*result.values()]
    if isinstance(result, (list, tuple)):
        if parts > 1:
            return [n for item in result for n in leaves(item, what, parts)]
        return [n for item in result for n in ((item,) if type(item) is float else leaves(item, what, parts))]
    if isinstance(result, Value):
        return [result.data]
    if hasattr(result, "tolist"):  # an array or a tensor
        listed = (result.detach() if hasattr(result, "detach") else result).tolist()
        return leaves(listed, what, parts)
    if isinstance(result, complex):
        return [result.real, result.imag] if parts else [math.nan]
    try:
        if not isinstance(result, (str, bytes)):
            return [float(result), 0.0] if parts > 1 else [float(result)]
    except OverflowError:
        return [math.inf]
    except TypeError:
        pass
    shown = repr(result) if result is None or isinstance(result, (str, bytes)) else type(result).__name__
    raise ShapeError(f"{what} returned {shown}, expected a number or a sequence of numbers")


def _packed(kind: str, x: float) -> float:
    """Return the nearest number of a format of `struct`."""
    try:
        return float(struct.unpack(kind, struct.pack(kind, x))[0])
    except OverflowError:
        return math.copysign(math.inf, x)


def to_bfloat16(x: float) -> float:
    """Return the nearest number of eight significant bits and the exponents of single precision.

    >>> to_bfloat16(1.01)
    1.0078125
    """
    mantissa, exponent = math.frexp(x) if math.isfinite(x) else (x, 0)
    return _packed("f", math.ldexp(round(mantissa * 256) / 256, exponent)) if math.isfinite(x) else x


PRECISIONS: dict[str, tuple[float, Callable[[float], float]]] = {
    "bfloat16": (2.0**-7, to_bfloat16),
    "float16": (2.0**-10, partial(_packed, "e")),
    "float32": (2.0**-23, partial(_packed, "f")),
    "complex64": (2.0**-23, partial(_packed, "f")),
}
"""Unit roundoff, and what rounds to a number of that kind, of kinds of numbers below double; coarsest first."""


@dataclass(frozen=True)
class Library:
    """One kind of array.

    Attributes:
        array: makes an array of numbers in the shape, and if it is one of real or complex numbers of the type, of an
            example.
        derivative: differentiates a function of some number of arrays; None if the library cannot.
        conjugate: whether the gradient by a complex x + iy is df/dx - i df/dy, rather than df/dx + i df/dy.

    """

    array: Callable[[Sequence[Any], Any], Any]
    derivative: Callable[[Callable[..., Any], int], Callable[..., Any]] | None = None
    conjugate: bool = False


def kind_of(array: Any) -> str:
    """Return "real", "complex" or "integer", of an array by its type of numbers; "" for anything else."""
    name = str(array.dtype).removeprefix("torch.")
    kinds = {"real": ("float", "bfloat", "object"), "complex": ("complex",), "integer": ("int", "uint")}
    return next((kind for kind, starts in kinds.items() if name.startswith(starts)), "")


def _numpy_array(numbers: Sequence[Any], example: Any) -> Any:
    keeps = kind_of(example) != "integer" and example.dtype != object
    return sys.modules["numpy"].array(numbers, dtype=example.dtype if keeps else float).reshape(example.shape)


def _torch_array(numbers: Sequence[Any], example: Any) -> Any:
    torch = sys.modules["torch"]
    dtype = torch.float64 if kind_of(example) == "integer" else example.dtype
    return torch.tensor(numbers, dtype=dtype, device=example.device).reshape(example.shape)


def _torch_derivative(f: Callable[..., Any], count: int) -> Callable[..., Any]:
    jacobian = sys.modules["torch"].autograd.functional.jacobian
    return lambda *args: jacobian(f, args if count > 1 else args[0], create_graph=True)


def _jax_array(numbers: Sequence[Any], example: Any) -> Any:
    dtype = None if kind_of(example) == "integer" else example.dtype
    return sys.modules["jax"].numpy.asarray(numbers, dtype=dtype).reshape(example.shape)


def _jax_derivative(f: Callable[..., Any], count: int) -> Callable[..., Any]:
    return sys.modules["jax"].jacrev(f, tuple(range(count)) if count > 1 else 0)  # type: ignore[no-any-return]


_JAX = Library(_jax_array, _jax_derivative, conjugate=True)

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
    if not hasattr(thing, "dtype") or (package == "numpy" and not getattr(thing, "ndim", 0)):
        return None
    return LIBRARIES.get(package)


def is_number(thing: Any) -> bool:
    """Return whether something is one real number, of whatever class, or stands for one."""
    if isinstance(thing, (str, bytes, bool)) or type(thing).__name__ in {"bool", "bool_"}:
        return False
    return isinstance(thing, PLAIN_NUMBERS) or hasattr(thing, "__float__")


def is_integer(thing: Any) -> bool:
    """Return whether something is one integer."""
    return hasattr(thing, "__index__") and not library_of(thing)


def is_inexact(thing: Any) -> bool:
    """Return whether something is a real or complex number, or an array of them."""
    if library_of(thing):
        return kind_of(thing) in {"real", "complex"}
    return isinstance(thing, complex) or (is_number(thing) and not is_integer(thing))


def is_container(part: object) -> bool:
    """Return whether something holds numbers, rather than being one."""
    return isinstance(part, (list, tuple, dict)) or library_of(part) is not None
