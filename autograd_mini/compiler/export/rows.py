"""A function of rows: what a compiled function is on another program's arrays, and its pullback, which is one too.

It takes a table with one row a sample and a vector of numbers that all samples share, and returns a table of results
and a vector of sums over the samples. Given cotangents of both, the pullback returns those of the two arguments: those
of the rows are rows, and those of what is shared are sums. So the pullback of the pullback is made alike, and
derivatives of any order are tapes.
"""

from __future__ import annotations

from functools import cached_property
from math import prod
from weakref import WeakKeyDictionary

from autograd_mini.compiler.lowering import Below
from autograd_mini.compiler.passes import optimised
from autograd_mini.compiler.program import Checks, Program
from autograd_mini.compiler.tracer import Trace
from autograd_mini.engine.checks import number
from autograd_mini.engine.graph import gradient
from autograd_mini.engine.pytree import TreeDef, flatten_into, nested, unflatten
from autograd_mini.engine.value import Value
from autograd_mini.extras import extra

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol

    from autograd_mini.compiler.api import Compiled
    from autograd_mini.engine.pytree import Spec

    Numbers = list[Value | float]
    Rule = Callable[[list[Value], list[Value]], tuple[Numbers, Numbers]]

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


class RowFunction:
    """A function of rows.

    Args:
        rule: what it computes of one sample: (row, shared) -> (results, terms of the sums), run on symbols.
        width: how many numbers a row has.
        shared: how many numbers the samples share.
        leaves: the Values whose numbers come last: in every row where it is `alone`, else of what is shared.
        alone: whether it is a function of one sample, so that nothing is shared, and several rows are a library's vmap.
        backend: the name of a backend, or "auto".
        threads: how many threads share the rows.

    Attributes:
        results: how many results a sample has.
        sums: how many sums there are.

    """

    def __init__(
        self, rule: Rule, width: int, shared: int, leaves: Sequence[Value], *, alone: bool, backend: str, threads: int
    ) -> None:
        self.rule, self.width, self.shared, self.leaves = rule, width, shared, leaves
        self.alone, self.backend, self.threads = alone, backend, threads
        own = len(leaves)
        with Trace() as trace:
            row = [trace.input() for _ in range(width - own if alone else width)]
            same = [trace.input() for _ in range(0 if alone else shared - own)]
            results, terms = rule([*row, *leaves], same) if alone else rule(row, [*same, *leaves])
            broken = trace.broken()
            tape = Below(trace, [*results, *terms, *broken]).lowered(leaves)
            self.checks = Checks.of(trace, leaves) if broken else None
        self.results, self.sums = len(results), len(terms)
        self.tape, self.counts = optimised(tape)
        self._programs: dict[bool, Program] = {}

    def __call__(self, rows: Any, shared: Any) -> tuple[Any, Any]:
        """Return the table of results and the vector of sums, arrays of float64.

        Args:
            rows: an array of float64 of shape (samples, width).
            shared: an array of float64 of shape (shared,).

        """
        import numpy as np

        n = len(rows)
        if self.alone and n == 1:
            return np.array([self.program(batched=False).run()(rows[0].tolist())]), np.zeros(0)
        if not n:
            return np.zeros((0, self.results)), np.zeros(self.sums)
        run = self.program(batched=True).run(self.threads)
        columns, means = run(n, [np.ascontiguousarray(rows)], shared.tolist())
        table = np.stack(columns, axis=-1) if columns else np.zeros((n, 0))
        return table, np.asarray(means, dtype=np.float64) * n

    def program(self, *, batched: bool) -> Program:
        """Return the program that runs it on many rows, or on a single one."""
        if batched not in self._programs:
            widths = [self.width] if batched else None
            made = Program(self.tape, None, [], {"operations": self.counts, "seconds": {}}, self.backend, widths)
            made.kept, made.checks = self.results, self.checks
            self._programs[batched] = made
        return self._programs[batched]

    @cached_property
    def pullback(self) -> RowFunction:
        """The function of the cotangents, then the arguments, that returns the cotangents of the arguments.

        Its rows are those of the table's cotangents, each followed by the row; it shares the cotangents of the sums,
        followed by what is shared.
        """
        results, sums = self.results, self.sums

        def pulled(row: list[Value], shared: list[Value]) -> tuple[Numbers, Numbers]:
            arguments = [*row[results:], *shared[sums:]]
            found, terms = self.rule(row[results:], shared[sums:])
            total = sum(seed * y for seed, y in zip([*row[:results], *shared[:sums]], [*found, *terms], strict=True))
            slopes: Numbers = [0.0] * len(arguments)
            if isinstance(total, Value):
                slopes = [*gradient(total, arguments)]
            own = len(row) - results
            return slopes[:own], slopes[own:]

        return RowFunction(
            pulled,
            results + self.width,
            sums + self.shared,
            self.leaves,
            alone=self.alone,
            backend=self.backend,
            threads=self.threads,
        )


class Embedded:
    """A compiled function on another library's arrays.

    Args:
        compiled: the function.
        library: the library.

    """

    def __init__(self, compiled: Compiled, library: Library) -> None:
        self.compiled, self.library = compiled, library
        self._functions: WeakKeyDictionary[Program, RowFunction] = WeakKeyDictionary()
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
        batched, axes = self.compiled._batched, self._axes(len(args))
        static = self.compiled._programs._static
        rows: list[Any] = []
        same: list[Any] = []
        examples = [
            given
            if at in static
            else _example(given, axes[at], f"argument {at}", rows if not batched or axes[at] is not None else same)
            for at, given in enumerate(args)
        ]
        program = self.compiled._prepared(tuple(examples), {}, differentiate=False, decide=False)[0]
        function = self._functions.get(program)
        leaves = self.compiled.parameters
        if function is None or len(function.leaves) != len(leaves):
            function = self._functions[program] = self._traced(examples, leaves)
        if parameters is None:
            parameters = [leaf._data for leaf in leaves]
        elif tuple(parameters.shape) != (len(leaves),):
            raise ValueError(
                f"parameters is of shape {tuple(parameters.shape)}, expected ({len(leaves)},): one number for each of "
                "the function's parameters, in their order"
            )
        return self._called(function, program.layout, rows, same, parameters)

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

    def _traced(self, examples: Sequence[Any], leaves: list[Value]) -> RowFunction:
        """Return the function of rows for arguments like these."""
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
        return RowFunction(
            rule,
            width if batched else width + own,
            shared + own if batched else 0,
            leaves,
            alone=not batched,
            backend=compiled._programs._backend,
            threads=compiled._threads,
        )


def _example(given: Any, axis: int | None, name: str, found: list[Any]) -> Any:
    """Append the arrays and numbers in an argument to a list, each with its axis, and return one like it, of zeros."""
    import numpy as np

    if isinstance(given, dict):
        return {key: _example(part, axis, f"{name}[{key!r}]", found) for key, part in given.items()}
    if isinstance(given, (list, tuple)) and axis is None:
        parts = [_example(part, axis, f"{name}[{at}]", found) for at, part in enumerate(given)]
        return parts if isinstance(given, list) else getattr(type(given), "_make", tuple)(parts)
    if not isinstance(given, (list, tuple)) and not hasattr(given, "shape"):
        number(given, name)
    if "complex" in str(getattr(given, "dtype", "")):
        raise TypeError(f"{name} is of dtype {given.dtype}, expected real numbers")
    found.append((given, axis))
    shape = [*np.shape(given)] if isinstance(given, (list, tuple)) else [*getattr(given, "shape", ())]
    if axis is not None and -len(shape) <= axis < len(shape):
        shape[axis] = 1
    return np.zeros(shape) if shape else 0.0


def _row(given: Any, axis: int | None) -> Any:
    """Return one sample of an example."""
    if axis is None:
        return given
    if isinstance(given, dict):
        return {key: _row(part, axis) for key, part in given.items()}
    row = given.take(0, axis)
    return row if row.ndim else 0.0
