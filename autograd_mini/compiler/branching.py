"""Branching: the paths that calls take through a function, a program for each of them, and which one is to run.

A path is traced with the numbers of a call, or of one sample of a batch. The index of the paths says which one inputs
take; where that is none of those that are known, the function is traced with these numbers. So a sample that is but a
rounding away from a condition takes the path that eager code takes.
"""

from __future__ import annotations

from autograd_mini.compiler.known_paths import KnownPaths, inputs_of, together
from autograd_mini.engine.forking import holding_own
from autograd_mini.engine.pytree import unflatten
from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from autograd_mini.compiler.known_paths import TracedPath
    from autograd_mini.compiler.path_index import Conditions, Literals
    from autograd_mini.compiler.program import Program
    from autograd_mini.engine.value import Value

SHOWN = 8
"""Maximum paths whose shares an error names."""


class Paths(KnownPaths):
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
        state: what the function read when it was traced; None where the function is not.

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
        self._most, self._trace = most, trace
        self.state: Any = first.state
        self._settled = False  # whether a call has come to its end since the latest path was found
        self._sent: KnownPaths | None = None
        super().__init__(name, first, inputs, parameters, differentiate=differentiate, summed=summed)

    # --- what programs have ---

    @property
    def known(self) -> KnownPaths:
        """The paths that are known by now, to be sent elsewhere: the same object until there are more."""
        sent = self._sent
        if sent is None or (len(sent.paths), len(sent.leaves)) != (len(self.paths), len(self._parameters)):
            sent = KnownPaths(
                self._name,
                self.paths[0].program,
                self._inputs,
                [*self._parameters],
                differentiate=self._differentiate,
                summed=self._summed,
            )
            for path in self.paths[1:]:
                sent._add(path.program)
            self._sent = sent
        return sent

    @property
    def checks(self) -> Sequence[TracedPath]:
        """What has to hold of the numbers of each call: machine code cannot be called without it."""
        return self.paths

    @property
    def rolled(self) -> None:
        """The loops of a program that has any: paths have none."""

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
            n, arrays, uniform = given
            taken = self.assigned(threads, n, arrays, self.completed(uniform))
            for path, count in zip(self.paths, self.counted(taken), strict=False):
                if count:
                    path.program.prepare(threads)

    def run(self, threads: int = 1) -> Callable[..., Any]:
        """Return what runs the path of its inputs, or those of a batch; see `python.batch`."""
        return self._one if self.widths is None else super().run(threads)

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
        given = self.completed(uniform)
        taken = self.assigned(threads, n, arrays, given)
        counts = self.counted(taken)
        self.count(counts)
        return self.computed(threads, arrays, given, taken, counts)

    def count(self, samples: Iterable[int]) -> None:
        """Note how many samples took each of the paths."""
        for path, more in zip(self.paths, samples, strict=False):
            path.samples += more

    def assigned(self, threads: int, n: int, arrays: Sequence[Any], given: Any) -> Any:
        """Return the number of the path that each sample takes, an array; those that are not known are traced."""
        np, arrays = together(arrays)
        taken = self._judged(threads if self._settled else 0, n, arrays, given)
        left = np.flatnonzero(taken < 0)
        while len(left):
            known, row = len(self.paths), int(left[0])
            taken[row] = self._found(inputs_of(arrays, row, given), lambda: self._split(self.counted(taken)))
            left = left[1:]
            if len(self.paths) > known and len(left):
                taken[left] = self._judged(0, len(left), [array[left] for array in arrays], given)
                left = left[taken[left] < 0]
        self._settled = True
        return taken

    # --- finding paths ---

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

    def find(self, samples: Iterable[tuple[str, Sequence[float]]], counts: Sequence[int]) -> None:
        """Find the paths of samples that were not known where they lie.

        Args:
            samples: the inputs of each, with the name of where it comes from.
            counts: how many samples take each of the paths that are known.

        Raises:
            TracingError: if there are no paths to be found, or too many.

        """
        before = len(self.paths)
        for place, given in samples:
            if before < len(self.paths) == self._most:
                return  # the error for one path more is to count the samples of all others
            inputs = [*given[: self._inputs], *self._completed(given[self._inputs :])]
            if self._exactly(inputs) < 0:
                try:
                    self._found(inputs, lambda: self._split(counts))
                except TracingError as error:
                    raise TracingError(f"{place}: {error}") from error
        if len(self.paths) == before:
            raise TracingError(
                f"a sample takes a path of {self._name} here that it does not take where it lies, expected processors "
                "and libraries that round alike"
            )

    def _split(self, counts: Sequence[int]) -> list[int]:
        """Return how many samples took each path, those of a batch that is not counted yet included."""
        return [path.samples + more for path, more in zip(self.paths, [*counts, *[0] * len(self.paths)], strict=False)]

    def _add(self, program: Program, literals: Literals | None = None) -> None:
        self._settled = False  # an interrupt after this leaves what is right
        super()._add(program, literals)

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
        """Travel without what the function reads."""
        return {**super().__getstate__(), "state": None, "_sent": None}
