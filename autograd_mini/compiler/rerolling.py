"""Rerolling: a straight-line program that does the same thing for many samples becomes a loop over these again.

It works on the columns of `instructions`. Rows get classes: the same operation on operands of the same classes. Rows
of a class that is rare are the outer program. What is left falls into connected components, one a sample; components
with the same operations at the same places are the lanes of a loop, and its body is the program of one of them. All
this is found before anything is differentiated or compiled, so that only the small programs are.

    for x, y in data:                  lane:   relu(1 - y (w x + b))       inputs: x, y columns; w, b alike for all
        loss += relu(1 - y * (w * x + b))      outer:  the sum over the lanes of the loop
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import NamedTuple

from autograd_mini.compiler.instructions import CONSTANT, Instructions
from autograd_mini.engine.ops import CHOICE, TABLE
from autograd_mini.engine.value import Parameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

FEWEST = 8
"""Minimum lanes of a loop."""

SMALLEST = 500
"""Minimum operations that a loop stands for."""

LARGE = 20_000
"""Minimum operations of a program whose loops are more than kernels that return sums."""

SHARE = 0.5
"""Minimum share of a program's operations that its loops stand for."""


class ParallelLoop:
    """A part of a program that is the same for many lanes.

    Attributes:
        members: the rows, one line a lane, one column an operation of the body.
        uniforms: the rows outside that all lanes use alike.
        columns: for each other input of the body the rows that the lanes use.
        operands: for each operation of the body its inputs: ("row", its column in `members`), ("number", a float),
            ("uniform", a place in `uniforms`), ("column", a place in `columns`) or ("table", a place in `tables`).
        tables: the tables that lanes look something up in, as lists of inputs.
        outputs: the columns of `members` that are used outside.
        finals: those of them of which only those of the last turns are used, where turns follow each other, each with
            how many turns these are.

    """

    in_turn = False
    """Whether each lane takes what the one before made."""

    def __init__(self, members: Any) -> None:
        self.members = members
        self.finals: dict[int, int] = {}
        self._uniforms: dict[int, int] = {}
        self._columns: dict[bytes, int] = {}
        self._tables: dict[int, int] = {}
        self.tables: list[list[tuple[str, Any]]] = []
        self.uniforms: list[int] = []
        self.columns: list[Any] = []
        self.operands: list[list[tuple[str, Any]]] = []
        self.outputs: list[int] = []

    @property
    def lanes(self) -> int:
        """How many lanes there are."""
        return len(self.members)

    def input(self, table: Instructions, rows: Any) -> tuple[str, Any]:
        """Return the input that is the given row in each lane."""
        first = int(rows[0])
        if (rows != first).any():
            key = rows.tobytes()
            if key not in self._columns:
                self._columns[key] = len(self._columns)
                self.columns.append(rows)
            return "column", self._columns[key]
        return self.alike(table, first)

    def alike(self, table: Instructions, row: int) -> tuple[str, Any]:
        """Return the input that is one row for all lanes."""
        if table.codes[row] == CONSTANT:
            return "number", table.numbers[row]
        if row in table.entries:
            if row not in self._tables:
                self._tables[row] = len(self._tables)
                self.tables.append([self.alike(table, entry) for entry in table.entries[row]])
            return "table", self._tables[row]
        if row not in self._uniforms:
            self._uniforms[row] = len(self._uniforms)
            self.uniforms.append(row)
        return "uniform", self._uniforms[row]


class Total(NamedTuple):
    """A sum over the lanes of an output, which the outer program would add up one by one.

    Attributes:
        root: the row of the sum that it is a part of.
        sign: 1.0, or -1.0 where it is subtracted.

    """

    root: int
    sign: float


class Rolled:
    """A program as loops, and what is outside of them.

    Attributes:
        table: the instructions.
        loops: the loops.
        outer: the rows of operations outside, in order.
        after: those of them that depend on a loop.
        totals: the outputs of loops, as (loop, column of its members), that only a sum over all lanes uses.
        summed: the rows of lanes' outputs that are added up there.

    """

    def __init__(self, table: Instructions, loops: list[ParallelLoop], used: Any) -> None:
        import numpy as np

        self.table, self.loops = table, loops
        codes = np.frombuffer(table.codes, np.int32)
        of_loop = np.zeros(len(codes), bool)
        for loop in loops:
            of_loop[loop.members] = True
        self.outer: list[int] = np.flatnonzero(used & ~of_loop & (codes > CONSTANT)).tolist()
        first, second, third = table.operands
        later = bytearray(of_loop.tobytes())
        self.after = []
        for at in self.outer:
            entries = table.entries.get(at, ())
            if later[first[at]] or later[second[at]] or later[third[at]] or any(later[entry] for entry in entries):
                later[at] = 1
                self.after.append(at)
        self.totals: dict[tuple[int, int], Total] = {}
        self.summed: set[int] = set()
        self._find_totals(np.array([*self.outer, 0], np.intp), codes)

    def _find_totals(self, outer: Any, codes: Any) -> None:
        """Find the outputs of loops that are added up."""
        import numpy as np

        table = self.table
        add, sub = [table.code_of(TABLE[name]) for name in ("add", "sub")]
        uses = Counter([*table.results, *[entry for entries in table.entries.values() for entry in entries]])
        for operands in table.operands:
            uses.update(np.frombuffer(operands, np.int32)[outer].tolist())
        terms: dict[int, Total] = {}
        within: dict[int, Total] = {}
        first, second, _ = table.operands
        for at in reversed(self.outer):
            code = codes[at]
            if code in {add, sub}:
                total = within.get(at, Total(at, 1.0))
                for operand, sign in ((first[at], 1.0), (second[at], 1.0 if code == add else -1.0)):
                    if uses[operand] == 1:
                        within[operand] = terms[operand] = Total(total.root, total.sign * sign)
        for number, loop in enumerate(self.loops):
            for column in loop.outputs:
                rows = loop.members[:, column].tolist()
                found = {terms.get(row) for row in rows}
                if len(found) == 1 and None not in found:
                    self.totals[number, column] = terms[rows[0]]
                    self.summed.update(rows)

    @property
    def chooses(self) -> bool:
        """Whether a choice, after the loops or between turns, may keep a derivative from what it is not to reach."""
        codes, choice = self.table.codes, self.table.code_of(CHOICE)
        turns = [loop.members[0].tolist() for loop in self.loops if loop.in_turn]
        return any(codes[at] == choice for rows in (self.after, *turns) for at in rows)

    @cached_property
    def reached(self) -> bytearray:
        """For each row whether a derivative flows to it."""
        return self.table.reached()

    @property
    def size(self) -> int:
        """How many operations there are."""
        return sum([loop.lanes * len(loop.operands) for loop in self.loops]) + len(self.outer)

    def suits(self, *, differentiate: bool) -> bool:
        """Return whether it can be run as loops, and is faster so.

        A lane whose rows a derivative does not reach, unlike those of other lanes, would have to keep it from them.
        Outputs of single lanes are handed on by Python, which has to be worth while.
        """
        import numpy as np

        if differentiate:
            reached = np.frombuffer(self.reached, bool)
            if any((reached[loop.members] != reached[loop.members[0]]).any() for loop in self.loops):
                return False
        added = all(
            (at, column) in self.totals or column in loop.finals
            for at, loop in enumerate(self.loops)
            for column in loop.outputs
        )
        return added or self.size >= LARGE

    def __str__(self) -> str:
        """Return how many operations there are, and how many loops stand for how many of them."""
        loops = [f"{loop.lanes:,} × {len(loop.operands):,}" for loop in self.loops]
        return f"{self.size:,} operations = {' + '.join([*loops, f'{len(self.outer):,}'])}"


def rerolled(table: Instructions) -> Rolled | None:
    """Return a program as loops; None if there are none, or they would be but a small part of it."""
    import numpy as np

    codes = np.frombuffer(table.codes, np.int32)
    used = np.frombuffer(table.used, bool)
    operations = used & (codes > CONSTANT)
    least = SHARE * np.count_nonzero(operations)
    if table.repeated(FEWEST) < least:
        return None
    kinds = {type(leaf) for leaf in table.leaves}
    ways = [lambda leaf: isinstance(leaf, Parameter) or leaf.symbolic, lambda _: False]
    for shared in ways if any(issubclass(kind, Parameter) for kind in kinds) else ways[:1]:
        classes = np.frombuffer(table.classes(shared), np.int32)
        often = np.bincount(classes[operations], minlength=1 + classes.max()) >= FEWEST
        repeated = operations & often[classes]
        if np.count_nonzero(repeated) < least:
            continue
        graph = _Edges(table, codes, classes)
        for fan_out in (False, True):
            loops = graph.loops(repeated, operations, cut_fan_out=fan_out)
            if loops and sum(loop.members.size for loop in loops) >= least:
                return Rolled(table, loops, used)
    return None


class _Edges:
    """The edges of a program, from the rows of operands to those that use them, as arrays."""

    def __init__(self, table: Instructions, codes: Any, classes: Any) -> None:
        import numpy as np

        self.table, self.codes, self.classes = table, codes, classes
        self.operands = [np.frombuffer(operands, np.int32) for operands in table.operands]

    def loops(self, repeated: Any, used: Any, *, cut_fan_out: bool) -> list[ParallelLoop]:
        """Return the loops among the rows that are repeated.

        Args:
            repeated: whether each row is.
            used: whether each row is an operation that an output depends on.
            cut_fan_out: whether an operand of many rows of one class is taken to lie outside of their lanes.

        """
        import numpy as np

        inside = [repeated & repeated[operand] for operand in self.operands]
        if cut_fan_out:
            inside = [mask & ~self._fans_out(mask, slot) for slot, mask in enumerate(inside)]
        repeated = self._of_one_stage(repeated, inside)
        inside = [mask & repeated & repeated[operand] for mask, operand in zip(inside, self.operands, strict=True)]
        sources = np.concatenate([operand[mask] for mask, operand in zip(inside, self.operands, strict=True)])
        roots = _components(len(repeated), sources, np.concatenate([np.flatnonzero(mask) for mask in inside]))
        rows = np.flatnonzero(repeated)
        rows = rows[np.argsort(roots[rows], kind="stable")]
        starts = np.flatnonzero(np.diff(roots[rows], prepend=-1))
        sizes = np.diff(starts, append=len(rows))
        places = np.zeros(len(repeated), np.int32)
        places[rows] = np.arange(len(rows)) - np.repeat(starts, sizes)
        found = []
        for size in np.flatnonzero(np.bincount(sizes) >= FEWEST).tolist() if len(sizes) else ():
            members = rows[starts[sizes == size][:, None] + np.arange(size)]
            found += self._alike(members, inside, places)
        if found:
            self._find_outputs(found, places, used, inside)
        return found

    def _fans_out(self, mask: Any, slot: int) -> Any:
        """Return whether the operand in a slot of each row is that of many rows of the same class."""
        import numpy as np

        operand = self.operands[slot].astype(np.int64)
        key = (operand << 32) + self.classes
        _, inverse, counts = np.unique(key[mask], return_inverse=True, return_counts=True)
        found = np.zeros(len(mask), bool)
        found[mask] = counts[inverse] >= FEWEST
        return found

    def _of_one_stage(self, repeated: Any, inside: Sequence[Any]) -> Any:
        """Return those of the repeated rows that can be in loops side by side.

        A row that depends on a loop by way of the outer program, as on a mean over all samples, is of a later stage. Of
        the stages the one with the most rows is taken.
        """
        import numpy as np

        outside = [
            repeated & ~mask & (self.codes[operand] > CONSTANT)
            for mask, operand in zip(inside, self.operands, strict=True)
        ]
        if not any(mask.any() for mask in outside):
            return repeated
        stages, lanes = [0] * len(repeated), repeated.tolist()
        slots = [*zip(self.table.operands, [mask.tolist() for mask in inside], strict=True)]
        for at, code in enumerate(self.table.codes):
            if code > CONSTANT:
                stage = 0
                for operands, within in slots:
                    operand = operands[at]
                    stage = max(stage, stages[operand] + (lanes[operand] and not within[at]))
                stages[at] = max([stage, *[stages[row] + lanes[row] for row in self.table.entries.get(at, ())]])
        counted = np.array(stages)
        return repeated & (counted == np.bincount(counted[repeated]).argmax())

    def _alike(self, members: Any, inside: Sequence[Any], places: Any) -> list[ParallelLoop]:
        """Return the loops among components of one size."""
        import numpy as np

        known = np.minimum(self.codes, CONSTANT + 1)  # what an operand outside is: nothing, a leaf, a number, a row
        for row in self.table.entries:
            known[row] = -row  # this table and no other one
        columns = [self.codes[members]]
        for mask, operand in zip(inside, self.operands, strict=True):
            given = operand[members]
            columns.append(np.where(mask[members], CONSTANT + 2 + places[given], known[given]))
        keys = np.concatenate(columns, axis=1)
        found = []
        left = np.arange(len(members))
        while len(left) >= FEWEST:
            same = (keys[left] == keys[left[0]]).all(axis=1)
            if np.count_nonzero(same) >= max(FEWEST, SMALLEST / members.shape[1]):
                loop = self._loop(members[left[same]], inside, places)
                found += [loop] if loop.columns else []  # without them all lanes are the same
            left = left[~same]
        return found

    def _loop(self, members: Any, inside: Sequence[Any], places: Any) -> ParallelLoop:
        """Return the loop whose lanes are components that are alike."""
        loop = ParallelLoop(members)
        for at, row in enumerate(members[0].tolist()):
            operands: list[tuple[str, Any]] = []
            for mask, operand in zip(inside, self.operands, strict=True):
                if not operand[row]:
                    break
                within = mask[row]
                operands.append(
                    ("row", int(places[operand[row]])) if within else loop.input(self.table, operand[members[:, at]])
                )
            loop.operands.append(operands)
        return loop

    def _find_outputs(self, loops: Iterable[ParallelLoop], places: Any, used: Any, inside: Sequence[Any]) -> None:
        """Note which rows of the loops are used outside of their lanes."""
        import numpy as np

        of_loop = np.zeros(len(places), bool)
        for loop in loops:
            of_loop[loop.members] = True
        outside = np.zeros(len(places), bool)
        outside[self.table.results] = True
        outside[[row for entries in self.table.entries.values() for row in entries]] = True
        for mask, operand in zip(inside, self.operands, strict=True):
            outside[operand[used & ~(mask & of_loop)]] = True
        for loop in loops:
            loop.outputs = np.flatnonzero(outside[loop.members].any(axis=0)).tolist()


def _components(count: int, sources: Any, targets: Any) -> Any:
    """Return for each of `count` nodes the first one of its connected component, given edges.

    Each round hooks the root of the larger number of an edge to the smallest root beside it, and then lets every node
    point to its root (Shiloach and Vishkin 1982).
    """
    import numpy as np

    roots = np.arange(count)
    while True:
        low, high = roots[sources], roots[targets]
        apart = low != high
        if not apart.any():
            return roots
        low, high = low[apart], high[apart]
        sources, targets = np.minimum(low, high), np.maximum(low, high)
        np.minimum.at(roots, targets, sources)
        while True:
            shorter = roots[roots]
            if (shorter == roots).all():
                break
            roots = shorter
