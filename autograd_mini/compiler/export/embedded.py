"""A compiled function on the arrays of another library, which differentiates it as a function of rows."""

from __future__ import annotations

from functools import partial
from math import prod
from weakref import WeakKeyDictionary

from autograd_mini.compiler.branching import Paths
from autograd_mini.compiler.export.rows import RowFunction, RowSettings
from autograd_mini.engine.checks import number
from autograd_mini.engine.pytree import TreeDef, flatten_into, nested, unflatten
from autograd_mini.errors import TracingError
from autograd_mini.extras import extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol

    from autograd_mini.compiler.compiled_function import Compiled
    from autograd_mini.compiler.export.rows import Numbers
    from autograd_mini.compiler.program import Program
    from autograd_mini.engine.pytree import Spec
    from autograd_mini.engine.value import Value

    class Library(Protocol):
        """What an array library brings; arrays are of its own kind."""

        def table(self, found: Sequence[Any]) -> Any:
            """Return arrays and numbers as arrays of one dtype, that of the widest among them."""

        def moved(self, array: Any, axis: int) -> Any:
            """Return an array with an axis first."""

        def join(self, parts: Sequence[Any], axis: int) -> Any:
            """Return arrays behind each other along an axis."""

        def apply(self, function: RowFunction, rows: Any, shared: Any) -> Any:
            """Call a function of rows so that the library differentiates it by its pullback; return the table."""

        def numbers(self, array: Any) -> Any:
            """Return the numbers of an array for NumPy; a TracingError if there are none yet."""


UNDECIDED = (
    "the function asks whether a condition holds, for which there are no numbers while {library} {does}: call it with "
    "numbers first, outside of that"
)
"""The message of an error where a function branches and is only given symbols."""


class Embedded:
    """A compiled function on another library's arrays.

    Args:
        compiled: the function.
        library: the library.

    """

    def __init__(self, compiled: Compiled, library: Library) -> None:
        self.compiled, self.library = compiled, library
        self._functions: WeakKeyDictionary[Program | Paths, RowFunction] = WeakKeyDictionary()
        for name in ("__name__", "__qualname__", "__doc__", "__module__"):
            if hasattr(compiled, name):
                setattr(self, name, getattr(compiled, name))

    def __call__(self, *args: Any, parameters: Any = None) -> Any:
        """Return what the function returns, with arrays of the library in place of numbers and arrays.

        Args:
            args: its arguments: arrays of the library, numbers, and where it is not batched lists, tuples and dicts of
                them.
            parameters: a vector with one number for each of the function's `parameters`; the numbers that they have
                now if not given, which are constants to the library.

        """
        extra("numpy", "a compiled function in another program")
        rows: list[Any] = []
        same: list[Any] = []
        program = self._program(args, rows, same)
        function = self._functions.get(program)
        leaves = self.compiled.parameters
        if function is None or len(function.leaves) != len(leaves):
            function = self._functions[program] = self._traced(program, self._examples(args, [], []), leaves)
        if parameters is None:
            parameters = [leaf._data for leaf in leaves]
        elif (shape := tuple(getattr(parameters, "shape", [len(parameters)]))) != (len(leaves),):
            raise ValueError(
                f"parameters is of shape {shape}, expected ({len(leaves)},): one number for each of "
                "the function's parameters, in their order"
            )
        return self._called(function, program.layout, rows, same, parameters)

    def _program(self, args: Sequence[Any], rows: list[Any], same: list[Any]) -> Program | Paths:
        """Return the compiled function's own program, and append the arrays and numbers in its arguments to lists."""
        prepared = partial(self.compiled._prepared, kwargs={}, differentiate=False)
        try:
            found: Program | Paths = prepared(self._examples(args, rows, same), decide=False)[0]
        except TracingError:  # a condition perhaps, which numbers decide
            if not self.compiled._programs._paths:
                raise
            found = prepared(self._examples(args, [], [], self.library.numbers), decide=True)[0]
        return found

    def _examples(
        self,
        args: Sequence[Any],
        rows: list[Any],
        same: list[Any],
        numbers: Callable[[Any], Any] | None = None,
    ) -> tuple[Any, ...]:
        """Return arguments like these, of zeros unless there is a function for the numbers of an array."""
        axes, static = self._axes(len(args)), self.compiled._programs._static
        alone = not self.compiled._batched
        return tuple(
            [
                given
                if at in static
                else _example(
                    given, axes[at], f"argument {at}", rows if alone or axes[at] is not None else same, numbers
                )
                for at, given in enumerate(args)
            ]
        )

    def _called(self, function: RowFunction, layout: Spec, rows: list[Any], same: list[Any], parameters: Any) -> Any:
        library = self.library
        *arrays, own = library.table([*[array for array, _ in (*rows, *same)], parameters])
        tables = []
        for array, (_, axis) in zip(arrays, rows, strict=False):
            moved = array[None] if axis is None else library.moved(array, axis)
            tables.append(moved.reshape(moved.shape[0], prod(moved.shape[1:])))
        shared = [array.reshape(-1) for array in arrays[len(rows) :]]
        if function.alone:
            tables.append(own.reshape(1, -1))
        else:
            shared.append(own)
        lengths = {len(table) for table in tables}
        if len(lengths) != 1:
            raise ValueError(f"the batched arguments have {sorted(lengths)} rows, expected one row a sample in each")
        table = library.apply(function, library.join(tables, 1), library.join(shared, 0) if shared else own[:0])
        at = 0

        def block(shape: tuple[int, ...] | None) -> Any:
            nonlocal at
            start, at = at, at + prod(shape or ())
            if function.alone:
                return table[0, start] if shape is None else table[0, start:at].reshape(shape)
            return table[:, start] if shape is None else table[:, start:at].reshape(len(table), *shape)

        return nested(layout, block)

    def _axes(self, count: int) -> list[int | None]:
        axes = self.compiled._programs.in_axes
        if not self.compiled._batched:
            return [None] * count
        found: list[Any] = [*axes] if isinstance(axes, (list, tuple)) else [axes] * count
        if len(found) != count:
            raise ValueError(f"in_axes is {axes!r}, expected one entry for each of the {count} arguments")
        return found

    def _traced(self, program: Program | Paths, examples: Sequence[Any], leaves: list[Value]) -> RowFunction:
        """Return the function of rows for arguments like these, whose own program is known."""
        compiled, batched = self.compiled, self.compiled._batched
        f, axes = compiled._programs.function, self._axes(len(examples))
        static = compiled._programs._static
        specs: dict[int, Spec] = {}
        for at, given in enumerate(examples):
            if at not in static:
                specs[at] = flatten_into(_row(given, axes[at]), f"argument {at}", [])
        first = [at for at in specs if not batched or axes[at] is not None]
        order = [*first, *[at for at in specs if at not in first]]

        def rule(row: list[Value], shared: list[Value]) -> tuple[Numbers, Numbers]:
            numbers = iter([*row, *shared])
            made = {at: unflatten(specs[at], numbers) for at in order}
            results: list[Any] = []
            result = f(*[made.get(at, given) for at, given in enumerate(examples)])
            flatten_into(result, "the result of the traced function", results)
            return results, []

        width = sum(TreeDef(specs[at]).size for at in first)
        shared = sum(TreeDef(specs[at]).size for at in order) - width
        own = len(leaves)
        programs = compiled._programs
        settings = RowSettings(
            getattr(compiled, "__name__", "the function"),
            alone=not batched,
            backend=programs._backend,
            threads=compiled._threads,
            paths=programs._paths if isinstance(program, Paths) else 0,
        )
        results = TreeDef(program.layout).size
        if batched:
            return RowFunction(rule, width, shared + own, leaves, settings, results, 0)
        return RowFunction(rule, width + own, 0, leaves, settings, results, 0)


def _example(given: Any, axis: int | None, name: str, found: list[Any], numbers: Callable[[Any], Any] | None) -> Any:
    """Append the arrays and numbers in an argument to a list, each with its axis, and return one like it.

    It is of zeros, unless there is a function for the numbers of an array, and of one sample.
    """
    import numpy as np

    if isinstance(given, dict):
        return {key: _example(part, axis, f"{name}[{key!r}]", found, numbers) for key, part in given.items()}
    if isinstance(given, (list, tuple)) and axis is None:
        parts = [_example(part, axis, f"{name}[{at}]", found, numbers) for at, part in enumerate(given)]
        return parts if isinstance(given, list) else getattr(type(given), "_make", tuple)(parts)
    if not isinstance(given, (list, tuple)) and not hasattr(given, "shape"):
        number(given, name)
    if "complex" in str(getattr(given, "dtype", "")):
        raise TypeError(f"{name} is of dtype {given.dtype}, expected real numbers")
    found.append((given, axis))
    shape = [*np.shape(given)] if isinstance(given, (list, tuple)) else [*getattr(given, "shape", ())]
    inside = axis is not None and -len(shape) <= axis < len(shape)
    if numbers is not None:
        held = np.asarray(numbers(given), dtype=np.float64)
        held = held.take([0], axis) if inside and held.shape[axis] else held  # type: ignore[index]  # it is a number
        return held if held.ndim else float(held)
    if inside:
        shape[axis] = 1  # type: ignore[index]  # as above
    return np.zeros(shape) if shape else 0.0


def _row(given: Any, axis: int | None) -> Any:
    """Return one sample of an example."""
    if axis is None:
        return given
    if isinstance(given, dict):
        return {key: _row(part, axis) for key, part in given.items()}
    row = given.take(0, axis)
    return row if row.ndim else 0.0
