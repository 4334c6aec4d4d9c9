"""The index of the paths through a function: a tape that computes, from the inputs, which of them these take.

A path has conditions: the answers to what the function asked on the way. The index is made of the conditions of all
known paths; it gives the number of the path, or -1 where there is none yet.
"""

from __future__ import annotations

from typing import NamedTuple

from autograd_mini.compiler.backends import BACKENDS
from autograd_mini.compiler.lowering import Below
from autograd_mini.compiler.passes import fold, rewritten, simplify
from autograd_mini.compiler.tape import Builder, Tape
from autograd_mini.engine.locations import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from autograd_mini.compiler.program import Program
    from autograd_mini.compiler.tracer import Trace
    from autograd_mini.engine.value import Value

    Literals = tuple[tuple[int, bool], ...]

LONGEST = 2_000
"""Maximum operations of an index that LLVM compiles, without the loops that make programs of networks short."""


class Conditions(NamedTuple):
    """What a path depends on.

    Attributes:
        tape: what computes the conditions, 1.0 where one holds, from the inputs of the path's program.
        held: whether each held.
        places: where each was asked for, as text.
        example: the numbers of these inputs that the path was traced with.

    """

    tape: Tape
    held: tuple[bool, ...]
    places: tuple[str, ...]
    example: tuple[float, ...]

    @classmethod
    def of(cls, trace: Trace, leaves: Sequence[Value]) -> Conditions:
        """Return the decisions of a trace, given the parameters whose inputs follow those of the trace."""
        tape = Below(trace, [*trace.decisions]).lowered(leaves).pruned()
        for rule in (fold, simplify):
            tape = rewritten(tape, rule)
        decisions = trace.decisions.values()
        shown = {place: str(Place(*place)) if place else "an unknown place" for place in {d.place for d in decisions}}
        held, places = tuple([d.held for d in decisions]), tuple([shown[d.place] for d in decisions])
        return cls(tape, held, places, trace.example(leaves))


class PathIndex:
    """The index, which grows with each path that is found.

    Args:
        inputs: how many inputs a program has before those of the parameters.
        widths: of a batch, how many columns each array has; else None.
        backend: which backend runs the programs.

    Attributes:
        runs: what `run` returned so far, by threads.

    """

    def __init__(self, inputs: int, widths: Sequence[int] | None, backend: str) -> None:
        self._inputs, self._widths, self._backend = inputs, widths, backend
        self._builder = Builder(0)
        self._paths: dict[Literals, int] = {}
        self.runs: dict[int, tuple[Callable[..., Any], int]] = {}

    def literals(self, program: Program) -> Literals:
        """Return the conditions of a path as steps of the index, each with the answer."""
        builder, tape, first = self._builder, program.conditions.tape, self._inputs
        places: list[int] = []
        for step in tape.steps:
            if step[0] == "input":
                at = step[1] if step[1] < first else first + program.used[step[1] - first]
                places.append(builder.input(at))
            elif step[0] == "constant":
                places.append(builder.constant(step[1]))
            else:
                places.append(builder.step(step[0], *[places[operand] for operand in step[1:]]))
        conditions = [builder.truth(places[at]) for at in tape.results]
        return tuple(zip(conditions, program.conditions.held, strict=True))

    def number(self, literals: Literals) -> int | None:
        """Return the number of the path with these conditions; None if it is not known."""
        return self._paths.get(literals)

    def add(self, literals: Literals, number: int) -> None:
        """Note the number of a path."""
        self.runs = {}  # an interrupt between the two leaves what is right
        self._paths[literals] = number

    def run(self, threads: int, parameters: int) -> tuple[Callable[..., Any], int]:
        """Return a function that computes the number of the path, and how many inputs it takes.

        Of a batch, 0 threads stand for an index that is new, which is run by what takes no time to compile. -1 stand
        for one that is run for a single set of numbers, as eager code rounds.
        """
        runs = self.runs
        if threads not in runs:
            tape, backend = self.tape(parameters), self._backend
            machine = backend in {"llvm", "vm"}
            if self._widths is None or threads < 0:
                run = BACKENDS["vm" if machine and threads >= 0 else "python"].load().scalar(tape)
            elif threads and (backend == "cuda" or (backend == "llvm" and len(tape) <= LONGEST)):
                run = BACKENDS[backend].load().batch(tape, self._widths, 1, threads, exact=True)
            else:
                run = BACKENDS["python" if backend == "python" else "numpy"].load().batch(tape, self._widths, 1)
            runs[threads] = run, tape.inputs
        return runs[threads]

    def tape(self, parameters: int) -> Tape:
        """Return the tape that computes the number of the path; its last inputs are the parameters."""
        builder = self._builder
        index = builder.constant(-1.0)
        for literals, at in reversed(self._paths.items()):
            holds = builder.constant(True)  # noqa: FBT003 - a constant of the tape
            for step, held in literals:
                literal = step if held else builder.step("not", step)
                holds = literal if builder.steps[holds][0] == "constant" else builder.step("and", holds, literal)
            index = builder.step("select", holds, float(at), index)
        return Tape(builder.steps, [index], self._inputs + parameters).pruned()


def index_of(programs: Sequence[Program], inputs: int, parameters: int) -> Tape:
    """Return what computes which of some programs, each of another path, is the one for its inputs; -1 for none.

    Args:
        programs: those for one set of numbers.
        inputs: how many inputs they have before those of the parameters.
        parameters: how many parameters there are.

    """
    index = PathIndex(inputs, None, "python")
    for at, program in enumerate(programs):
        index.add(index.literals(program), at)
    return index.tape(parameters)
