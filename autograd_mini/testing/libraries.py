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
    if hasattr(result, "toarray") or hasattr(result, "to_numpy"):  # a sparse matrix of SciPy, or data of pandas
        return leaves((result.toarray if hasattr(result, "toarray") else result.to_numpy)().tolist(), what, parts)
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
        array: makes, by an example, an array of numbers in a shape; of the example's type if that is real or complex.
        derivative: differentiates a function of some number of arrays; None if the library cannot.
        products: makes, of a function of one argument, the products of its Jacobian and of the transposed one with a
            vector, by forward and by reverse mode; None if the library has none.
        conjugate: whether the gradient by a complex x + iy is df/dx - i df/dy, rather than df/dx + i df/dy.

    """

    array: Callable[[Any, Sequence[Any], tuple[int, ...]], Any]
    derivative: Callable[[Callable[..., Any], int], Callable[..., Any]] | None = None
    products: Callable[[Callable[..., Any]], tuple[Callable[..., Any], Callable[..., Any]]] | None = None
    conjugate: bool = False


def dtype_of(array: Any) -> str:
    """Return the type of an array's numbers as a word; of a DataFrame that of its columns, "mixed" if they differ."""
    if hasattr(array, "dtypes") and not hasattr(array, "dtype"):
        kinds = {*map(str, array.dtypes)}
        return kinds.pop() if len(kinds) == 1 else "mixed"
    return str(array.dtype).removeprefix("torch.")


def kind_of(array: Any) -> str:
    """Return "real", "complex" or "integer", of an array by its type of numbers; "" for anything else."""
    name = dtype_of(array).lower()
    kinds = {"real": ("float", "bfloat", "object"), "complex": ("complex",), "integer": ("int", "uint")}
    return next((kind for kind, starts in kinds.items() if name.startswith(starts)), "")


def labels_of(array: Any) -> tuple[Any, ...]:
    """Return the labels along each axis of a Series or a DataFrame of pandas; nothing for other arrays."""
    axes: list[Any] = [getattr(array, name, None) for name in ("index", "columns")]
    return tuple(axis.tolist() for axis in axes if hasattr(axis, "tolist"))


def _pandas_array(example: Any, numbers: Sequence[Any], shape: tuple[int, ...]) -> Any:
    array = sys.modules["numpy"].array(numbers).reshape(shape)
    made = type(example)(
        array, **{name: getattr(example, name) for name in ("index", "columns") if hasattr(example, name)}
    )
    return made if kind_of(example) == "integer" else made.astype(dtype_of(example))


def _numpy_array(example: Any, numbers: Sequence[Any], shape: tuple[int, ...]) -> Any:
    keeps = kind_of(example) != "integer" and example.dtype != object
    return sys.modules["numpy"].array(numbers, dtype=example.dtype if keeps else float).reshape(shape)


def _torch_array(example: Any, numbers: Sequence[Any], shape: tuple[int, ...]) -> Any:
    torch = sys.modules["torch"]
    dtype = torch.float64 if kind_of(example) == "integer" else example.dtype
    return torch.tensor(numbers, dtype=dtype, device=example.device).reshape(shape)


def _torch_derivative(f: Callable[..., Any], count: int) -> Callable[..., Any]:
    jacobian = sys.modules["torch"].autograd.functional.jacobian
    return lambda *args: jacobian(f, args if count > 1 else args[0], create_graph=True)


def compare_batched(f: Callable[..., Any], parts: Sequence[Any]) -> str:
    """Compare what PyTorch's backward pass of ``f`` makes of a batch of cotangents with what it makes of each.

    Args:
        f: a function of arrays.
        parts: the arrays.

    Returns:
        Why it takes no batch; "" if it does.

    Raises:
        ShapeError: if it returns other numbers.

    """
    jacobian = sys.modules["torch"].autograd.functional.jacobian
    one_by_one = leaves(jacobian(f, tuple(parts)), "backward", 1)
    try:
        together = leaves(jacobian(f, tuple(parts), vectorize=True), "backward", 1)
    except Exception as error:  # noqa: BLE001 - whatever code raises that is not made for batches
        return f"backward takes no batch of incoming gradients ({type(error).__name__})"
    eps = max(PRECISIONS.get(dtype_of(part), (2.0**-52, float))[0] for part in parts)
    scale = 64 * eps * max(map(abs, one_by_one), default=0.0)
    if not all(abs(u - v) <= scale for u, v in zip(one_by_one, together, strict=True)):
        raise ShapeError("backward returns other numbers for a batch of incoming gradients than for each of them alone")
    return ""


def _torch_products(f: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    transforms = sys.modules["torch"].func
    return lambda x, v: transforms.jvp(f, (x,), (v,))[1], lambda x, u: transforms.vjp(f, x)[1](u)[0]


def _jax_products(f: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    jax = sys.modules["jax"]
    return lambda x, v: jax.jvp(f, (x,), (v,))[1], lambda x, u: jax.vjp(f, x)[1](u)[0]


def _jax_array(example: Any, numbers: Sequence[Any], shape: tuple[int, ...]) -> Any:
    dtype = None if kind_of(example) == "integer" else example.dtype
    return sys.modules["jax"].numpy.asarray(numbers, dtype=dtype).reshape(shape)


def _jax_derivative(f: Callable[..., Any], count: int) -> Callable[..., Any]:
    """Return the Jacobian: compiled, or as it is, or row by row, where a rule takes no batch of cotangents."""
    jax = sys.modules["jax"]
    jacobian = jax.jacrev(f, tuple(range(count)) if count > 1 else 0)
    forms: list[Callable[..., Any]] = [jax.jit(jacobian), jacobian, partial(_jax_rows, f)]

    def derivative(*args: Any) -> Any:
        first: Exception | None = None
        for form in forms:
            try:
                result = form(*args)
            except Exception as error:  # noqa: BLE001 - of code that takes no tracers, or is wrong
                first = error if form is not forms[0] or len(forms) == 1 else None
            else:
                forms[:] = [form]
                return result
        raise first  # type: ignore[misc]

    return derivative


def _jax_rows(f: Callable[..., Any], *args: Any) -> Any:
    """Return the Jacobian of a function of arrays that returns one array, by a pull of a cotangent for each number."""
    jax = sys.modules["jax"]
    value, pull = jax.vjp(f, *args)
    numpy, size, shape = jax.numpy, value.size, value.shape
    rows = [pull(numpy.zeros(size, value.dtype).at[i].set(1).reshape(shape)) for i in range(size)]
    columns = zip(*rows, strict=True)
    blocks = [numpy.stack(column).reshape(shape + arg.shape) for column, arg in zip(columns, args, strict=True)]
    return tuple(blocks) if len(blocks) > 1 else blocks[0]


_JAX = Library(_jax_array, _jax_derivative, _jax_products, conjugate=True)

LIBRARIES = {
    "numpy": Library(_numpy_array),
    "torch": Library(_torch_array, _torch_derivative, _torch_products),
    "jax": _JAX,
    "jaxlib": _JAX,
    "pandas": Library(_pandas_array),
}
"""Kinds of arrays by the package that their class stands in."""


def library_of(thing: object) -> Library | None:
    """Return the kind of an array; None for anything else, a NumPy scalar included."""
    package = type(thing).__module__.partition(".")[0]
    if not (hasattr(thing, "dtype") or hasattr(thing, "dtypes")) or (
        package == "numpy" and not getattr(thing, "ndim", 0)
    ):
        return None
    return LIBRARIES.get(package)


def is_number(thing: Any) -> bool:
    """Return whether something is one real number, of whatever class, or stands for one."""
    if isinstance(thing, (str, bytes, bool)) or type(thing).__name__ in {"bool", "bool_"}:
        return False
    return isinstance(thing, PLAIN_NUMBERS) or (hasattr(thing, "__float__") and library_of(thing) is None)


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
