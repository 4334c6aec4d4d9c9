"""An array tape: a tape as columns of numbers, for long programs, where making a tuple for each step takes seconds.

Its first steps are the inputs that are used, then come the constants, then the operations, of which there is the number
of each and a column for each of three operands; those of steps that make arrays are kept apart. Whatever is done to it
is done to all steps at once, by NumPy. Where a step is asked for by itself, as the backends for short programs do, the
tuples of `tape` are made.
"""

from __future__ import annotations

from autograd_mini.compiler.passes import ADDED
from autograd_mini.compiler.tape import ARRAYS, BASIC, TRUTHS, Tape
from autograd_mini.engine.ops import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from autograd_mini.compiler.tape import Step

NAMES = (*sorted(BASIC | TRUTHS | ADDED), "select", "take", *sorted(ARRAYS))
"""The operations, in the order of their numbers."""

NUMBERS = {name: number for number, name in enumerate(NAMES)}
"""The numbers of the operations."""

_UNARY = {"not", "cbrt_rough", "roundeven"} | {name for name, row in TABLE.items() if len(row.operands) == 1}
_ARITY = [3 if name == "select" else 1 if name in _UNARY else 2 for name in NAMES]

ROUNDS = 100
"""Maximum times that all rows are gone through at once before they are gone through one by one."""


class ArrayTape(Tape):
    """A program as columns.

    Args:
        inputs: how many inputs it has, used or not.
        given: for each of the first steps which input it is.
        constants: the constants, numbers or truth values.
        codes: the number of each operation.
        operands: three columns with the steps of its operands; 0, which is no operation, where there are fewer.
        results: the steps of the results.
        entries: for each step that makes an array its operands, which are not in the columns.

    >>> tape = ArrayTape(2, [0, 1], [3.0], [NUMBERS["mul"], NUMBERS["add"]], [[0, 3], [1, 2], [0, 0]], [4])
    >>> print(tape)
    def program(x0, x1):
        v1 = x0 * x1
        v2 = v1 + 3.0
        return v2,

    """

    __slots__ = ("_steps", "codes", "constants", "entries", "given", "operands")

    def __init__(
        self,
        inputs: int,
        given: Sequence[int],
        constants: Sequence[float],
        codes: Any,
        operands: Any,
        results: Iterable[int],
        entries: Mapping[int, Sequence[int]] | None = None,
    ) -> None:
        import numpy as np

        self.inputs, self.given, self.constants, self.results = inputs, given, constants, [*results]
        self.codes, self.operands = np.asarray(codes, np.uint8), np.asarray(operands, np.int32)
        self.entries = entries or {}
        self._steps: list[Step] | None = None

    @classmethod
    def of(cls, tape: Tape) -> ArrayTape:
        """Return a tape as columns."""
        import numpy as np

        if isinstance(tape, ArrayTape):
            return tape
        steps = tape.steps
        numbers = {**NUMBERS, "input": 254, "constant": 255}
        codes = np.array([numbers[step[0]] for step in steps], np.uint8)
        leading = [np.flatnonzero(codes == 254), np.flatnonzero(codes == 255), np.flatnonzero(codes < 254)]
        places = np.zeros(len(steps), np.int32)
        places[np.concatenate(leading)] = np.arange(len(steps))
        given, constants = [[steps[at][1] for at in rows.tolist()] for rows in leading[:2]]
        done = [("",) if steps[at][0] in ARRAYS else steps[at] for at in leading[2].tolist()]
        operands = np.zeros((3, len(done)), np.int32)
        for slot in range(1, 4):
            held = [at for at, step in enumerate(done) if len(step) > slot]
            operands[slot - 1, held] = places[[done[at][slot] for at in held]]
        arrays = {at: step for at, step in enumerate(steps) if step[0] in ARRAYS}
        entries = {int(places[at]): places[[*step[1:]]].tolist() for at, step in arrays.items()}
        return cls(tape.inputs, given, constants, codes[leading[2]], operands, places[tape.results].tolist(), entries)

    @property
    def first(self) -> int:
        """The step of the first operation."""
        return len(self.given) + len(self.constants)

    def __len__(self) -> int:
        """Return how many operations there are."""
        return len(self.codes)

    def kinds(self) -> set[str]:
        """Return the names of the steps that occur."""
        import numpy as np

        found = {NAMES[code] for code in np.flatnonzero(np.bincount(self.codes, minlength=1)).tolist()}
        return found | ({"input"} if len(self.given) else set()) | ({"constant"} if len(self.constants) else set())

    @property
    def steps(self) -> list[Step]:  # type: ignore[override]  # it is made when it is asked for
        """The steps as tuples."""
        if self._steps is None:
            steps: list[Step] = [("input", at) for at in self.given]
            steps += [("constant", number) for number in self.constants]
            for code, *operands in zip(self.codes.tolist(), *self.operands.tolist(), strict=True):
                steps.append((NAMES[code], *(self.entries.get(len(steps)) or operands[: _ARITY[code]])))
            self._steps = steps
        return self._steps

    def shorten(self) -> None:
        """Do what `passes.simplify` does about signs and factors of 1, as far as one look at all steps shows it."""
        import numpy as np

        first, codes, (x, y, _) = self.first, self.codes, self.operands
        add, sub, mul, neg = [NUMBERS[name] for name in ("add", "sub", "mul", "neg")]
        signs = np.concatenate([np.zeros(first, bool), codes == neg])
        left, right = signs[x], signs[y]

        def positive(steps: Any) -> Any:
            """Return x for the steps of -x."""
            return x[steps - first]

        sums, differences = (codes == add) & right, (codes == sub) & right
        reverse = np.flatnonzero((codes == add) & left & ~right)
        both = np.flatnonzero((codes == mul) & left & right)
        of_reverse, of_both = positive(x[reverse]), (positive(x[both]), positive(y[both]))
        for places, other in ((np.flatnonzero(sums), sub), (np.flatnonzero(differences), add)):  # a + -b is a - b
            codes[places], y[places] = other, positive(y[places])
        codes[reverse], x[reverse], y[reverse] = sub, y[reverse], of_reverse  # -a + b is b - a
        x[both], y[both] = of_both
        for number in [len(self.given) + at for at, number in enumerate(self.constants) if number == 1.0]:
            ones = [np.flatnonzero((codes == mul) & (factor == number)) for factor in (y, x)]
            if len(ones[0]) + len(ones[1]):
                same = np.arange(first + len(codes), dtype=np.int32)  # what a step is, where it is another one
                same[first + ones[1]], same[first + ones[0]] = y[ones[1]], x[ones[0]]
                while ((shorter := same[same]) != same).any():
                    same = shorter
                self._move(same)

    def _move(self, places: Any) -> None:
        """Put other steps in the place of those that are used."""
        for column in self.operands:
            column[:] = places[column]
        self.results = places[self.results].tolist()
        self.entries = {at: places[held].tolist() for at, held in self.entries.items()}

    def pruned(self) -> ArrayTape:
        """Return the tape without the operations that no result needs; inputs and constants stay."""
        import numpy as np

        first = self.first
        needed = reached(self.operands, first, self.results, None, self.entries)
        if needed.all():
            return self
        kept = np.empty((3, np.count_nonzero(needed)), np.int32)
        for column, operands in zip(kept, self.operands, strict=True):
            column[:] = operands[needed]
        made = ArrayTape(self.inputs, self.given, self.constants, self.codes[needed], kept, self.results)
        places = np.concatenate([np.arange(first, dtype=np.int32), first - 1 + np.cumsum(needed, dtype=np.int32)])
        made.entries = {int(places[at]): held for at, held in self.entries.items() if needed[at - first]}
        made._move(places)
        return made


def reached(
    operands: Any,
    first: int,
    results: Sequence[int],
    doing: Any = None,
    entries: Mapping[int, Sequence[int]] | None = None,
) -> Any:
    """Return for each operation whether a result depends on it.

    Args:
        operands: the places of their operands, three columns.
        first: the place of the first operation.
        results: the places of the results.
        doing: which operations count at all; None for all of them.
        entries: further operands of some, by place.

    """
    import numpy as np

    count, entries = operands.shape[1], entries or {}
    found = np.ones(count, bool) if doing is None else doing.copy()
    uses: Any = np.bincount(results, minlength=first + count)
    for column in operands:
        uses += np.bincount(column if doing is None else column[doing], minlength=first + count)
    for held in entries.values():
        np.add.at(uses, np.asarray(held, np.intp), 1)
    idle = np.flatnonzero((uses[first:] == 0) & found)
    for _ in range(ROUNDS):
        if not len(idle):
            return found
        found[idle] = False
        more = [entries[at] for at in entries.keys() & (first + idle).tolist()] if entries else []
        beside = np.concatenate([operands[:, idle].ravel(), *more]).astype(np.intp)
        np.subtract.at(uses, beside, 1)
        beside = np.unique(beside[beside >= first]) - first
        idle = beside[(uses[first + beside] == 0) & found[beside]]
    counts, columns, waiting = memoryview(uses), [memoryview(column) for column in operands], idle.tolist()
    while waiting:  # a long chain of which nothing is needed
        at = waiting.pop()
        found[at] = False
        for operand in (*[column[at] for column in columns], *entries.get(first + at, ())):
            counts[operand] -= 1
            if operand >= first and not counts[operand] and found[operand - first]:
                waiting.append(operand - first)
    return found
