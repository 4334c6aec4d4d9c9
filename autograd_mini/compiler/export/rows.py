"""A function of rows: what a compiled function is on another program's arrays, and its pullback, which is one too.

It takes a table with one row a sample and a vector of numbers that all samples share, and returns a table of results
and a vector of sums over the samples. Given cotangents of both, the pullback returns those of the two arguments: those
of the rows are rows, and those of what is shared are sums. So the pullback of the pullback is made alike, and
derivatives of any order are tapes.
"""

from __future__ import annotations

from functools import cached_property, partial
from math import prod
from typing import NamedTuple
from weakref import WeakKeyDictionary

from autograd_mini.compiler.branching import Conditions, Paths
from autograd_mini.compiler.lowering import Below
from autograd_mini.compiler.passes import optimised
from autograd_mini.compiler.program import Checks, Program
from autograd_mini.compiler.tracer import Trace
from autograd_mini.engine.checks import number
from autograd_mini.engine.graph import gradient
from autograd_mini.engine.pytree import TreeDef, flatten_into, nested, unflatten
from autograd_mini.engine.value import Value
from autograd_mini.errors import TracingError
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

        def numbers(self, array: Any) -> Any:
            """Return the numbers of an array for NumPy; a TracingError if there are none yet."""


UNDECIDED = (
    "the function asks whether a condition holds, for which there are no numbers while {library} {does}: call it with "
    "numbers first, outside of that"
)
"""The message of an error where a function branches and is only given symbols."""


class RowSettings(NamedTuple):
    """How functions of rows are run.

    Attributes:
        name: what the function is called.
        alone: whether it is a function of one sample, so that nothing is shared, and several rows are a library's vmap.
        backend: the name of a backend, or "auto".
        threads: how many threads share the rows.
        paths: the maximum number of paths, where it branches; 0 where it does not.

    """

    name: str
    alone: bool
    backend: str
    threads: int
    paths: int


class RowFunction:
    """A function of rows.

    Args:
        rule: what it computes of one sample: (row, shared) -> (results, terms of the sums), run on symbols.
        width: how many numbers a row has.
        shared: how many numbers the samples share.
        leaves: the Values whose numbers come last: in every row where it is `alone`, else of what is shared.
        settings: how it is run.
        results: how many results a sample has.
        sums: how many sums there are.

    """

    def __init__(
        self,
        rule: Rule,
        width: int,
        shared: int,
        leaves: Sequence[Value],
        settings: RowSettings,
        results: int,
        sums: int,
    ) -> None:
        self.rule, self.width, self.shared, self.leaves = rule, width, shared, leaves
        self.settings, self.alone, self.results, self.sums = settings, settings.alone, results, sums
        self._programs: dict[bool, Program | Paths] = {}
        if not settings.paths:
            self.program([], batched=not self.alone)  # what cannot be compiled is refused here

    def _traced(self, numbers: Sequence[float] | None, *, batched: bool) -> Program:
        """Return the program, of the path that numbers take if they are given."""
        leaves, own = self.leaves, len(self.leaves)

        def numbers_of(trace: Trace) -> dict[Value, float]:
            return dict(zip([*trace.inputs, *leaves], numbers or (), strict=False))

        with Trace(None if numbers is None else numbers_of) as trace:
            row = [trace.input() for _ in range(self.width - own if self.alone else self.width)]
            same = [trace.input() for _ in range(0 if self.alone else self.shared - own)]
            results, terms = self.rule([*row, *leaves], same) if self.alone else self.rule(row, [*same, *leaves])
            if len(results) != self.results:
                raise TracingError(
                    f"the function returns {len(results)} numbers on one path and {self.results} on another, expected "
                    "the same structure on every path"
                )
            found = [*results, *terms, *trace.broken()]
            below = Below(trace, [*found, *trace.decisions])
            if not set(leaves).issuperset(below.outside):
                raise TracingError(
                    "the function took a path that it had not taken before, on which it closes over more Values, "
                    "expected the parameters that it had: call `prepare` for all samples"
                )
            below.outputs = found
            tape = below.lowered(leaves)
            checks = Checks.of(trace, leaves) if trace.checks else None
            conditions = Conditions.of(trace, leaves) if trace.decisions else None
        tape, counts = optimised(tape)
        widths = [self.width] if batched else None
        made = Program(tape, None, [], {"operations": counts, "seconds": {}}, self.settings.backend, widths)
        made.kept, made.checks, made.conditions = self.results, checks, conditions
        return made

    def __call__(self, rows: Any, shared: Any) -> tuple[Any, Any]:
        """Return the table of results and the vector of sums, arrays of float64.

        Args:
            rows: an array of float64 of shape (samples, width).
            shared: an array of float64 of shape (shared,).

        """
        import numpy as np

        n = len(rows)
        if not n:
            return np.zeros((0, self.results)), np.zeros(self.sums)
        numbers = rows[0].tolist()
        if self.alone and n == 1:
            return np.array([self.program(numbers, batched=False).run()(numbers)]), np.zeros(0)
        same = shared.tolist()
        run = self.program([*numbers, *same], batched=True).run(self.settings.threads)
        columns, means = run(n, [np.ascontiguousarray(rows)], same)
        table = np.stack(columns, axis=-1) if columns else np.zeros((n, 0))
        return table, np.asarray(means, dtype=np.float64) * n

    def program(self, numbers: Sequence[float], *, batched: bool) -> Program | Paths:
        """Return what runs it on many rows, or on a single one; numbers of one say which path is traced first."""
        if batched not in self._programs:
            paths, trace = self.settings.paths, partial(self._traced, batched=batched)
            made: Any = trace(numbers if paths else None)
            if made.conditions is not None:
                inputs, name = made.tape.inputs, self.settings.name
                made = Paths(name, made, inputs, [], differentiate=False, most=paths, trace=trace, summed=self.sums)
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
            self.settings,
            self.width,
            0 if self.alone else self.shared,
        )


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
        elif tuple(parameters.shape) != (len(leaves),):
            raise ValueError(
                f"parameters is of shape {tuple(parameters.shape)}, expected ({len(leaves)},): one number for each of "
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
