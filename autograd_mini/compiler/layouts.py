"""The layouts of arguments: how their numbers are nested, and where those of a batch have their samples."""

from __future__ import annotations

from math import copysign, prod
from typing import NamedTuple

from autograd_mini.compiler.backends import library_of, on_gpu
from autograd_mini.engine.pytree import flatten_into
from autograd_mini.rows.columns import table_arrays

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    from autograd_mini.engine.pytree import Spec


class Layouts(NamedTuple):
    """How the arguments of a call are arranged.

    Attributes:
        taken: for each argument whether it is static, and then itself, else how its numbers are nested.
        named: how those of arguments by name are.
        widths: of a batch, how many columns each array has.
        first: the positions of the arguments whose numbers come first among the inputs.
        on_gpu: whether a batch lies on a GPU.

    """

    taken: list[tuple[bool, Any]]
    named: dict[str, Any]
    widths: list[int] | None
    first: Sequence[int]
    on_gpu: bool = False

    def key(self) -> tuple[Any, ...]:
        """Return what a program is kept by."""
        kinds = tuple([_kind(given) for static, given in self.taken if static])
        return tuple(self.taken), tuple(self.named.items()), kinds, tuple(self.widths or ()), self.on_gpu


def arranged(
    args: Sequence[Any], kwargs: Mapping[str, Any], axes: Sequence[int | None] | None, static: Collection[int]
) -> tuple[Layouts, list[float], list[Any]]:
    """Return how arguments are arranged, their numbers, and of a batch the arrays, one row a sample.

    Args:
        args: the arguments by position.
        kwargs: those by name.
        axes: of a batch, the axis of the samples in each argument, None where it is alike for all; else None.
        static: the positions of arguments that are no numbers.

    Raises:
        TypeError: if an argument is of no kind that can be taken.
        ValueError: if the arrays of a batch do not fit each other.

    """
    arrays: list[Any] = []
    inputs: list[float] = []
    taken: list[tuple[bool, Any]] = []
    for at, given in enumerate(args):
        if at in static:
            taken.append((True, given))
        elif axes is None or (axis := axes[at]) is None:
            taken.append((False, _numbers_of(given, f"argument {at}", at, inputs)))
        else:
            taken.append((False, batch_columns(given, axis, f"argument {at}", arrays)))
    named = {name: _numbers_of(given, f"argument {name!r}", name, inputs) for name, given in kwargs.items()}
    if axes is None:
        return Layouts(taken, named, None, ()), inputs, arrays
    lengths = sorted({len(array) for array in arrays})
    if len(lengths) != 1:
        counts = f"arrays of {lengths} rows" if lengths else "alike for all samples"
        raise ValueError(f"the batched arguments are {counts}, expected arrays of equally many rows, one a sample")
    first = [at for at, axis in enumerate(axes) if axis is not None and at not in static]
    widths = [array.shape[1] for array in arrays]
    return Layouts(taken, named, widths, first, on_gpu=any(map(on_gpu, arrays))), inputs, arrays


def _numbers_of(given: Any, name: str, static: int | str, inputs: list[float]) -> Spec:
    """Append the numbers of an argument to a list, and return how they are nested.

    Raises:
        TypeError: if there is something else in it.

    """
    try:
        return flatten_into(given, name, inputs)
    except TypeError as error:
        raise TypeError(f"{error}, or leave it as it is, jit(f, static={static!r})") from None


def _kind(given: Any) -> Any:
    """Return what tells apart static arguments that are equal: 1, 1.0 and True, or 0.0 and -0.0."""
    if isinstance(given, tuple):
        return tuple(map(_kind, given))
    return (float, copysign(1.0, given)) if type(given) is float else type(given)


def batch_columns(given: Any, axis: int, name: str, arrays: list[Any]) -> Spec:
    """Append the arrays in an argument to a list, one row a sample, and return the spec of one sample.

    Raises:
        TypeError: if something in it is no array of real numbers.
        ValueError: if an array has no such axis.

    """
    if isinstance(given, dict):
        parts = tuple([batch_columns(item, axis, f"{name}[{key!r}]", arrays) for key, item in given.items()])
        return "dict", tuple(given), parts
    if hasattr(given, "filled") and given.mask.any():
        raise TypeError(f"{name} has masked entries, expected numbers: leave these rows out, or fill them, filled(0.0)")
    if axis == 0 and (table := table_arrays(given, name)) is not None:
        arrays += table
        return "array", (sum(array.shape[1] for array in table),)
    np = library_of(given)
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise ValueError(f"{name} has rows that differ, expected an array with a sample in each: {error}") from None
    except (RuntimeError, TypeError) as error:  # of PyTorch and JAX, which differentiate or trace it
        raise TypeError(
            f"{name} is a {type(given).__name__} that NumPy cannot read, expected an array of real numbers: "
            f"fast.torch() and fast.jax() are differentiated by PyTorch and JAX"
        ) from error
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise TypeError(f"{name} is a {type(given).__name__} of dtype {array.dtype}, expected an array of real numbers")
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(
            f"{name} is an array of shape {array.shape}, expected the samples along axis {axis}: for an argument that "
            "is the same for every sample say so with in_axes=None"
        )
    if axis:
        array = np.moveaxis(array, axis, 0)
    shape = array.shape[1:]
    single = on_gpu(given) and array.dtype == "float32"
    kind = "float32" if single else "float64"
    arrays.append(np.ascontiguousarray(array.reshape(len(array), prod(shape)), dtype=kind))
    return ("array", shape) if shape else None
