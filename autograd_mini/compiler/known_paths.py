"""Known paths: the programs of the paths that were found through a function, and which of them samples take.

A batch is sorted by its paths, so that the program of each runs over samples of its own and nothing else.

Conditions are judged as eager code rounds them, but for functions such as exp, which may be those of a vector library.
A sample of no path that is known is judged once more by plain Python.
"""

from __future__ import annotations

from functools import partial

from autograd_mini.compiler.backends import library_of, on_gpu
from autograd_mini.compiler.path_index import PathIndex
from autograd_mini.engine.forking import holding_own, own_lock
from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.path_index import Conditions, Literals
    from autograd_mini.compiler.program import Program
    from autograd_mini.compiler.tape import Tape
    from autograd_mini.engine.pytree import Spec
    from autograd_mini.engine.value import Value


EXAMPLES = 64
"""Number of samples of paths that are not known, of which each is looked into."""


class TracedPath:
    """One way through the function.

    Args:
        program: what it computes.
        conditions: what it depends on.
        literals: these as steps of the index, each with the answer.

    Attributes:
        samples: how many took it so far.

    """

    def __init__(self, program: Program, conditions: Conditions, literals: Literals) -> None:
        self.program, self.conditions, self.literals = program, conditions, literals
        self.samples = 0


class KnownPaths:
    """The programs of the paths that are known; samples of other paths are refused.

    It can be pickled, and is what is sent to where samples are computed and the function is not.

    Args:
        name: what the function is called.
        first: the program of the first path.
        inputs: how many inputs a program has before those of the parameters.
        parameters: the Values that the function closes over so far.
        differentiate: whether the programs are those of a loss and its gradient.
        summed: of a batch, how many sums over the samples there are besides those of a loss and its gradient.

    Attributes:
        paths: those found so far.
        widths: of a batch, how many columns each array has.

    """

    def __init__(
        self, name: str, first: Program, inputs: int, parameters: list[Value], *, differentiate: bool, summed: int = 0
    ) -> None:
        self._name, self._inputs, self._parameters, self._summed = name, inputs, parameters, summed
        self._differentiate = differentiate
        self.widths = first.widths
        self._alike = inputs - sum(self.widths or ())  # inputs that the samples of a batch share
        self.paths: list[TracedPath] = []
        self._index = PathIndex(inputs, self.widths, first.backend)
        self._lock = own_lock(self)
        self._add(first)

    @property
    def leaves(self) -> list[Value]:
        """The parameters, all that are known."""
        return self._parameters

    @property
    def used(self) -> range:
        """The places of these among the function's parameters."""
        return range(len(self._parameters))

    @property
    def tape(self) -> Tape:
        """The program of the first path."""
        return self.paths[0].program.tape

    @property
    def layout(self) -> Spec:
        """How the results of the first path are nested."""
        return self.paths[0].program.layout

    @property
    def backend(self) -> str:
        """Which backend runs the first path."""
        return self.paths[0].program.backend

    def run(self, threads: int = 1) -> Callable[..., Any]:
        """Return what runs the paths of a batch; see `python.batch`."""
        return partial(self._batch, threads)

    def completed(self, numbers: Any) -> Any:
        """Return what a batch takes besides its rows, given the numbers of the parameters known when it was called."""
        import numpy as np

        given: Any = np.asarray(numbers, dtype=np.float64)
        if len(given) == self._alike + len(self._parameters):
            return given
        return np.concatenate((given[: self._alike], self._completed(given[self._alike :])))

    # --- a batch ---

    def assigned(self, threads: int, n: int, arrays: Sequence[Any], given: Any) -> Any:
        """Return the number of the path that each sample takes, an array.

        It is -1 for samples of no path that is known, and -2 where there are such and that was not looked into.
        """
        np, arrays = together(arrays)
        taken = self._judged(threads, n, arrays, given)
        left = np.flatnonzero(taken < 0).tolist()
        taken[taken < 0] = -2
        step = 1 + len(left) // EXAMPLES
        for rows in [
            left[start::step] for start in range(step)
        ]:  # all, unless they are but a rounding from a condition
            again = [self._exactly(inputs_of(arrays, row, given)) for row in rows]
            taken[np.asarray(rows, dtype=np.int64)] = np.asarray(again, dtype=np.int64)
            if -1 in again:
                break
        return taken

    def counted(self, taken: Any) -> list[int]:
        """Return how many samples take each path, given the numbers of the paths of a batch."""
        np = library_of(taken)
        found: list[int] = np.bincount(taken + 2, minlength=2 + len(self.paths))[2:].tolist()
        return found

    def computed(
        self, threads: int, arrays: Sequence[Any], given: Any, taken: Any, counts: Sequence[int]
    ) -> tuple[list[Any], Any]:
        """Return the columns and the means of a batch, given which path each sample takes, and how many take each."""
        import numpy as np

        n, (there, arrays) = len(taken), together(arrays)
        same, numbers = given[: self._alike], np.array(self._completed(given[self._alike :]))
        sums: Any = np.zeros(1 + len(self._parameters) if self._differentiate else self._summed)
        columns: list[Any] = [] if n else [there.empty(0) for _ in range(self.paths[0].program.kept)]
        # In this order sums do not depend on which path was found first.
        for at in sorted(range(len(counts)), key=lambda at: self.paths[at].conditions.held):
            path, count = self.paths[at], counts[at]
            if not count:
                continue
            rows = None if count == n else there.flatnonzero(taken == at)
            parts = arrays if rows is None else [array[rows] for array in arrays]
            own = np.concatenate((same, numbers[path.program.used]))
            found, means = path.program.run(threads)(count, parts, own)
            if rows is None:
                sums[: len(means)] = means
                return found, sums
            columns = columns or [there.empty(n, dtype=getattr(part, "dtype", float)) for part in found]
            for column, part in zip(columns, found, strict=True):
                column[rows] = part
            if len(sums):
                sums[: len(means)] += np.asarray(means) * (count / n)
        return columns, sums

    def _batch(self, threads: int, n: int, arrays: Sequence[Any], uniform: Any) -> tuple[list[Any], Any]:
        """Return the columns and the means."""
        given = self.completed(uniform)
        taken = self.assigned(threads, n, arrays, given)
        if n and int(taken.min()) < 0:
            raise TracingError(
                f"a sample takes a path of {self._name} that was not known when it was asked for, expected the rows of "
                "then: they have changed since, so call it again"
            )
        return self.computed(threads, arrays, given, taken, self.counted(taken))

    def _judged(self, threads: int, n: int, arrays: Sequence[Any], given: Any) -> Any:
        """Return the number of the known path that each sample takes, -1 for none."""
        there, arrays = together(arrays)
        run, count = self._index.runs.get(threads) or self._made(threads)
        wanted = count - sum(self.widths or ())
        own = given if len(given) == wanted else self.completed(given)[:wanted]
        if not threads:  # by what computes on the processor
            arrays = [array.get() if on_gpu(array) else array for array in arrays]
        columns, _ = run(n, arrays, own)
        return there.asarray(columns[0]).astype("int64")

    def _exactly(self, inputs: Sequence[float]) -> int:
        """Return the number of the known path that eager code takes for one set of inputs, -1 for none."""
        run, count = self._index.runs.get(-1) or self._made(-1)
        return int(run([*inputs][:count])[0])

    @holding_own
    def _made(self, threads: int) -> tuple[Callable[..., Any], int]:
        """Return what runs the index, and how many inputs it has; see `PathIndex.run`."""
        return self._index.run(threads, len(self._parameters))

    # --- what is known ---

    def _completed(self, numbers: Sequence[float]) -> list[float]:
        """Return the numbers of the parameters, given those of the parameters that were known when it was called."""
        return [*numbers, *[leaf._data for leaf in self._parameters[len(numbers) :]]]

    def _add(self, program: Program, literals: Literals | None = None) -> None:
        literals = self._index.literals(program) if literals is None else literals
        self.paths.append(TracedPath(program, program.conditions, literals))
        self._index.add(literals, len(self.paths) - 1)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the index out, which is made anew."""
        kept = {name: value for name, value in vars(self).items() if name not in {"_lock", "_index", "paths"}}
        return {**kept, "programs": [(path.program, path.samples) for path in self.paths]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Join the paths again."""
        programs = state.pop("programs")
        index = PathIndex(state["_inputs"], state["widths"], programs[0][0].backend)
        vars(self).update(state, _lock=own_lock(self), _index=index, paths=[])
        for program, samples in programs:
            self._add(program)
            self.paths[-1].samples = samples


def together(arrays: Sequence[Any]) -> tuple[Any, list[Any]]:
    """Return the library for the arrays of a batch, and all of them as its own."""
    library = library_of(next(filter(on_gpu, arrays), None))
    return library, [library.asarray(array) for array in arrays]


def inputs_of(arrays: Sequence[Any], row: int, given: Any) -> list[float]:
    """Return all inputs of a sample of a batch."""
    return [*[number for array in arrays for number in array[row].tolist()], *given.tolist()]
