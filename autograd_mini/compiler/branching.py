"""Branching: the paths that calls take through a function, a program for each of them, and which one is to run.

A path is traced with the numbers of a call, or of one sample of a batch. The index of the paths says which one inputs
take; where that is none of those that are known, the function is traced with these numbers. A batch is sorted by its
paths, so that the program of each runs over samples of its own and nothing else.

Conditions are judged as eager code rounds them, but for functions such as exp, which may be those of a vector library.
A sample so close to a condition that the two disagree takes the path that eager code takes.
"""

from __future__ import annotations

from functools import partial

from autograd_mini.compiler.path_index import PathIndex
from autograd_mini.engine.forking import holding_own, own_lock
from autograd_mini.engine.pytree import unflatten
from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.path_index import Conditions, Literals
    from autograd_mini.compiler.program import Program
    from autograd_mini.compiler.tape import Tape
    from autograd_mini.engine.value import Value

SHOWN = 8
"""Maximum paths whose shares an error names."""


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


class Paths:
    """The programs of a function that branches, for one layout of its arguments; it runs as a `Program` does.

    Args:
        name: what the function is called.
        first: the program of the first path.
        inputs: how many inputs a program has before those of the parameters.
        parameters: the Values that the function closes over so far; others are appended as paths are found.
        differentiate: whether the programs are those of a loss and its gradient.
        most: the maximum number of paths.
        trace: the function from the numbers of inputs and parameters to the program of their path.
        summed: of a batch, how many sums over the samples there are besides those of a loss and its gradient.

    Attributes:
        paths: those found so far.
        state: what the function read when it was traced; None where the function is not.
        widths: of a batch, how many columns each array has.

    """

    entry = None

    def __init__(
        self,
        name: str,
        first: Program,
        inputs: int,
        parameters: list[Value],
        *,
        differentiate: bool,
        most: int,
        trace: Callable[[Sequence[float]], Program],
        summed: int = 0,
    ) -> None:
        self._name, self._inputs, self._parameters, self._summed = name, inputs, parameters, summed
        self._differentiate, self._most, self._trace = differentiate, most, trace
        self.state: Any = first.state
        self.widths = first.widths
        self._alike = inputs - sum(self.widths or ())  # inputs that the samples of a batch share
        self.paths: list[TracedPath] = []
        self._index = PathIndex(inputs, self.widths, first.backend)
        self._lock = own_lock(self)
        self._settled = False  # whether a call has come to its end since the latest path was found
        self._add(first)

    # --- what programs have ---

    @property
    def leaves(self) -> list[Value]:
        """The parameters, all that are known."""
        return self._parameters

    @property
    def used(self) -> range:
        """The places of these among the function's parameters."""
        return range(len(self._parameters))

    @property
    def checks(self) -> Sequence[TracedPath]:
        """What has to hold of the numbers of each call: machine code cannot be called without it."""
        return self.paths

    @property
    def rolled(self) -> None:
        """The loops of a program that has any: paths have none."""

    @property
    def tape(self) -> Tape:
        """The program of the first path."""
        return self.paths[0].program.tape

    @property
    def layout(self) -> Any:
        """How the results of the first path are nested."""
        return self.paths[0].program.layout

    @property
    def backend(self) -> str:
        """Which backend runs the first path."""
        return self.paths[0].program.backend

    @property
    def why(self) -> str:
        """Why that one."""
        return self.paths[0].program.why

    @property
    def source(self) -> str:
        """The programs as readable Python, each under the conditions of its path."""
        return "\n\n".join([f"{self._said(path)}\n{path.program.source}" for path in self.paths])

    @property
    def text(self) -> str:
        """The machine code of all paths in LLVM's language."""
        return "\n".join([path.program.text for path in self.paths])

    @property
    def stats(self) -> dict[str, Any]:
        """What was counted and timed for all paths together, and for each one what it depends on, and its share."""
        stats = [path.program.stats for path in self.paths]
        total = sum(path.samples for path in self.paths) or 1
        return {
            kind: {name: sum(found[kind].get(name, 0) for found in stats) for name in stats[0][kind]}
            for kind in ("operations", "seconds")
        } | {
            "paths": [
                {
                    "conditions": [*zip(path.conditions.places, path.conditions.held, strict=True)],
                    **{name: path.program.stats[name] for name in ("loops",) if name in path.program.stats},
                    "operations": path.program.size,
                    "samples": path.samples,
                    "share": path.samples / total,
                }
                for path in self.paths
            ]
        }

    def covers(self, parameters: int) -> bool:  # noqa: ARG002 - of programs
        """Return whether its gradient covers all of the function's parameters, which it always does."""
        return True

    def prepare(self, threads: int, *given: Any) -> None:
        """Find the paths of arguments, and compile them."""
        if self.widths is None:
            self._of(*given).program.prepare(1)
        else:
            import numpy as np

            n, arrays, uniform = given
            for path in {*self._sorted(threads, n, arrays, np.asarray(uniform, dtype=np.float64)).tolist()}:
                self.paths[path].program.prepare(threads)

    def run(self, threads: int = 1) -> Callable[..., Any]:
        """Return what runs the path of its inputs, or those of a batch; see `python.batch`."""
        return self._one if self.widths is None else partial(self._batch, threads)

    def called(self, inputs: list[float]) -> Any:
        """Return what the function returns for one set of inputs."""
        path, numbers = self._taken(inputs)
        return unflatten(path.program.layout, iter(path.program.run()(numbers)))

    # --- one set of numbers ---

    def _one(self, inputs: list[float]) -> list[float]:
        """Return the loss and its gradient, which is 0 by parameters that the path does not have."""
        path, own = self._taken(inputs)
        found: list[float] = path.program.run()(own)
        return found + [0.0] * (1 + len(self._parameters) - len(found))

    def _taken(self, inputs: list[float]) -> tuple[TracedPath, list[float]]:
        """Return the path that inputs take, and those of them that its program has."""
        path, count = self._of(inputs), self._inputs
        path.samples += 1
        numbers = self._completed(inputs[count:])
        return path, inputs[:count] + [numbers[at] for at in path.program.used]

    def _of(self, inputs: list[float]) -> TracedPath:
        run, count = self._index.runs.get(1) or self._made(1)
        at = int(run(inputs[:count])[0])
        return self.paths[self._found(inputs, lambda: [path.samples for path in self.paths]) if at < 0 else at]

    # --- a batch ---

    def _batch(self, threads: int, n: int, arrays: Sequence[Any], uniform: Any) -> tuple[list[Any], Any]:
        """Return the columns and the means."""
        import numpy as np

        given: Any = np.asarray(uniform, dtype=np.float64)
        taken = self._sorted(threads, n, arrays, given)
        same, numbers = given[: self._alike], np.array(self._completed(given[self._alike :]))
        sums: Any = np.zeros(1 + len(self._parameters) if self._differentiate else self._summed)
        counts = np.bincount(taken, minlength=len(self.paths)).tolist()
        columns = [] if n and n in counts else [np.empty(n) for _ in range(self.paths[0].program.kept)]
        # In this order sums do not depend on which path was found first.
        for at in sorted(range(len(self.paths)), key=lambda at: self.paths[at].conditions.held):
            path, count = self.paths[at], counts[at]
            if not count:
                continue
            path.samples += count
            rows = None if count == n else np.flatnonzero(taken == at)
            parts = arrays if rows is None else [array[rows] for array in arrays]
            own = np.concatenate((same, numbers[path.program.used]))
            found, means = path.program.run(threads)(count, parts, own)
            if rows is None:
                sums[: len(means)] = means
                return found, sums
            for column, part in zip(columns, found, strict=True):
                column[rows] = part
            if len(sums):
                sums[: len(means)] += np.asarray(means) * (count / n)
        return columns, sums

    def _sorted(self, threads: int, n: int, arrays: Sequence[Any], given: Any) -> Any:
        """Return the number of the path that each sample takes, an array."""
        import numpy as np

        taken = self._judged(threads if self._settled else 0, n, arrays, given)
        left = np.flatnonzero(taken < 0)
        while len(left):
            known, row = len(self.paths), left[0]
            inputs = [number for array in arrays for number in array[row].tolist()]
            taken[row] = self._found([*inputs, *given.tolist()], lambda: np.bincount(taken[taken >= 0]).tolist())
            left = left[1:]
            if len(self.paths) > known and len(left):
                taken[left] = self._judged(0, len(left), [array[left] for array in arrays], given)
                left = left[taken[left] < 0]
        self._settled = True
        return taken

    def _judged(self, threads: int, n: int, arrays: Sequence[Any], given: Any) -> Any:
        """Return the number of the known path that each sample takes, -1 for none."""
        import numpy as np

        run, count = self._index.runs.get(threads) or self._made(threads)
        own, wanted = given, count - sum(self.widths or ())
        if len(own) != wanted:
            own = [*given[: self._alike], *self._completed(given[self._alike :])][:wanted]
        columns, _ = run(n, arrays, own)
        return np.asarray(columns[0]).astype(np.intp)

    @holding_own
    def _made(self, threads: int) -> tuple[Callable[..., Any], int]:
        """Return what runs the index, and how many inputs it has; see `PathIndex.run`."""
        return self._index.run(threads, len(self._parameters))

    # --- finding paths ---

    def _completed(self, numbers: Sequence[float]) -> list[float]:
        """Return the numbers of the parameters, given those of the parameters that were known when it was called."""
        return [*numbers, *[leaf._data for leaf in self._parameters[len(numbers) :]]]

    @holding_own
    def _found(self, inputs: Sequence[float], split: Callable[[], list[int]]) -> int:
        """Return the number of the path that eager code takes for inputs, a new one if need be.

        An error says how many samples take each of the known ones: `split`.
        """
        program = self._trace(inputs)
        literals = self._index.literals(program)
        known = self._index.number(literals)
        if known is not None:
            return known
        if len(self.paths) >= self._most:
            raise self._too_many(program.conditions, literals, split())
        layout, first = program.layout, self.layout
        if self.widths is not None and layout != first:
            raise TracingError(
                f"the result of {self._name} is {layout} for some samples and {first} for others, expected the "
                "same structure on every path of a batch"
            )
        self._add(program, literals)
        return len(self.paths) - 1

    def _add(self, program: Program, literals: Literals | None = None) -> None:
        literals = self._index.literals(program) if literals is None else literals
        self._settled = False  # an interrupt after any of these leaves what is right
        self.paths.append(TracedPath(program, program.conditions, literals))
        self._index.add(literals, len(self.paths) - 1)

    def _too_many(self, conditions: Conditions, literals: Literals, split: list[int]) -> TracingError:
        """Return the error for a path more than there may be, which names the condition that tells it from the rest."""

        def common(path: TracedPath) -> int:
            pairs = zip(path.literals, literals, strict=False)
            return next((at for at, (this, other) in enumerate(pairs) if this != other), len(literals) - 1)

        at = max(map(common, self.paths), default=0)
        place, held = (conditions.places[at], conditions.held[at]) if literals else ("an unknown place", False)
        shown = ", ".join(map(str, sorted(split, reverse=True)[:SHOWN])) + (", …" if len(split) > SHOWN else "")
        return TracingError(
            f"paths is {self._most}, expected room for one more path of {self._name}: it leaves the others in {place}, "
            f"which is {held} on it; {sum(split)} samples take the known paths, {shown} of them each: write "
            f"jit(paths={2 * self._most}), or where(condition, a, b) in place of that branch"
        )

    def _said(self, path: TracedPath) -> str:
        """Return the conditions of a path as comments."""
        places = zip(path.conditions.places, path.conditions.held, strict=True)
        return "\n".join([f"# {held} in {place}" for place, held in places])

    def __getstate__(self) -> dict[str, Any]:
        """Leave the index out, which is made anew."""
        left = {"_lock", "_index", "state", "paths"}
        kept = {name: value for name, value in vars(self).items() if name not in left}
        return {**kept, "programs": [(path.program, path.samples) for path in self.paths]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Join the paths again."""
        programs = state.pop("programs")
        index = PathIndex(state["_inputs"], state["widths"], programs[0][0].backend)
        vars(self).update(state, _lock=own_lock(self), _index=index, state=None, paths=[])
        for program, samples in programs:
            self._add(program)
            self.paths[-1].samples = samples
