"""A function of rows: what a compiled function is on another program's arrays, and its pullback, which is one too.

It takes a table with one row a sample and a vector of numbers that all samples share, and returns a table of results
and a vector of sums over the samples. Given cotangents of both, the pullback returns those of the two arguments: those
of the rows are rows, and those of what is shared are sums. So the pullback of the pullback is made alike, and
derivatives of any order are tapes.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import NamedTuple

from autograd_mini.compiler.branching import Paths
from autograd_mini.compiler.lowering import Below
from autograd_mini.compiler.passes import optimised
from autograd_mini.compiler.path_index import Conditions
from autograd_mini.compiler.program import Checks, Program
from autograd_mini.compiler.tracer import Trace
from autograd_mini.engine.graph import gradient
from autograd_mini.engine.value import Value
from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Numbers = list[Value | float]
    Rule = Callable[[list[Value], list[Value]], tuple[Numbers, Numbers]]


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
