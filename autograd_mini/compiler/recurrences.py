"""Recurrences: a straight-line program that repeats itself, each turn from what the turn before made, becomes a loop.

The operations of a program stand in the order in which they were done, so turns of a loop are a run of operations with
a period: each has the operation of the one a turn before. The period is looked for among the distances at which the
same few operations follow each other again. Where turns begin within the period is chosen such that the least is
carried from one to the next.

    for x in xs:                           turn:   tanh(w x + u h)      inputs: x a column; w, u alike; h carried
        h = tanh(w * x + u * h)            outer:  what is done with the last h, or with all
"""

from __future__ import annotations

from autograd_mini.compiler import rerolling
from autograd_mini.compiler.instructions import CONSTANT
from autograd_mini.compiler.rerolling import ParallelLoop, Rolled, rerolled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from autograd_mini.compiler.instructions import Instructions

BETTER = 0.75
"""Minimum share of the operations of a recurrence that lanes stand for where they are taken instead; they are not even
looked for where fewer could do without what the turn before made."""

WINDOW = 6
"""How many operations in a row are looked for again."""

PERIODS = 16
"""Maximum periods that are tried, those that occur most often."""

FURTHEST = 8
"""Maximum turns back from which something is taken."""


class Recurrence(ParallelLoop):
    """A part of a program that is the same in each turn, and takes what turns before it made: ("carried", a place).

    Attributes:
        handed: what is carried into the next turn: ("row", its column in `members`), or ("carried", a place) for what
            is carried on.
        starts: what is carried into the first turn, an input alike for all turns.

    """

    in_turn = True

    def __init__(self, members: Any) -> None:
        super().__init__(members)
        self.handed: list[tuple[str, int]] = []
        self.starts: list[tuple[str, Any]] = []
        self._carried: dict[tuple[int, tuple[int, ...]], int] = {}

    def carried(self, table: Instructions, column: int, starts: tuple[int, ...]) -> int:
        """Return the place of what a column was some turns before, given the rows that stand for it in the first ones.

        Of several turns back it is what was carried into the turn before, from fewer turns back.
        """
        key = column, starts
        if key not in self._carried:
            handed = ("carried", self.carried(table, column, starts[1:])) if len(starts) > 1 else ("row", column)
            self._carried[key] = len(self.handed)
            self.handed.append(handed)
            self.starts.append(self.alike(table, starts[0]))
        return self._carried[key]

    def following(self) -> float:
        """Return the share of operations that depend on what the turn before made."""
        found: list[bool] = []
        for operands in self.operands:
            found.append(any(kind == "carried" or (kind == "row" and found[at]) for kind, at in operands))
        return sum(found) / len(found)

    def columns_handed(self) -> list[int]:
        """Return of which column it is what is handed on."""

        def column(place: int) -> int:
            """Return the column of a place."""
            kind, at = self.handed[place]
            return at if kind == "row" else column(at)

        return [column(place) for place in range(len(self.handed))]

    def carried_at(self, column: int, lag: int = 0) -> int:
        """Return the place in which a column, of the last turn or of one before it, is carried out of the last turn."""
        wanted = ("carried", self.carried_at(column, lag - 1)) if lag else ("row", column)
        if wanted not in self.handed:
            self.handed.append(wanted)
            self.starts.append(("number", 0.0))
        return self.handed.index(wanted)


def rolled_up(table: Instructions) -> Rolled | None:
    """Return a program as loops, over lanes or turns; None if there are none, or they would be but a small part."""
    import numpy as np

    used = np.frombuffer(table.used(), bool)
    operations = np.flatnonzero(used & (np.frombuffer(table.codes, np.int32) > CONSTANT))
    loop = _Runs(table, operations).recurrence(max(rerolling.SHARE * len(operations), rerolling.SMALLEST))
    if loop is not None and loop.following() > 1.0 - BETTER:
        return Rolled(table, [loop], used)
    lanes = rerolled(table)
    covered = 0 if lanes is None else sum(found.members.size for found in lanes.loops)
    return lanes if loop is None or covered >= BETTER * loop.members.size else Rolled(table, [loop], used)


class _Runs:
    """The operations of a program, in order, as arrays."""

    def __init__(self, table: Instructions, rows: Any) -> None:
        import numpy as np

        self.table, self.rows = table, rows
        self.codes = np.frombuffer(table.codes, np.int32)
        self.operands = [np.frombuffer(operands, np.int32) for operands in table.operands]
        self.places = np.full(len(table), -1)
        self.places[rows] = np.arange(len(rows))

    def recurrence(self, least: float) -> Recurrence | None:
        """Return the loop that stands for the most operations; None if these are too few."""
        import numpy as np

        found, most = None, 0
        codes = self.codes[self.rows]
        for period in self._periods(codes):
            apart = np.flatnonzero(codes[:-period] != codes[period:])
            edges = np.concatenate([[-1], apart, [len(codes) - period]])
            longest = int(np.diff(edges).argmax())
            first, end = int(edges[longest]) + 1, int(edges[longest + 1]) + period
            size = end - first
            if size >= max(least, rerolling.FEWEST * period) and size > 1.02 * most:
                loop = self._loop(first, end, period)
                if loop is not None:
                    found, most = loop, loop.members.size
        return found if most >= least else None

    def _periods(self, codes: Any) -> list[int]:
        """Return how far apart the same operations follow each other again, most often, the shortest first."""
        import numpy as np

        count = len(codes) - WINDOW + 1
        if count <= rerolling.FEWEST:
            return []
        mixed = np.zeros(count, np.uint64)
        for at in range(WINDOW):
            mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + codes[at : at + count].astype(np.uint64)
        order = np.argsort(mixed, kind="stable")
        gaps = np.diff(order)[np.diff(mixed[order]) == 0]
        counts = np.bincount(gaps[gaps <= len(codes) // rerolling.FEWEST]) if len(gaps) else np.zeros(0, int)
        often = np.argsort(-counts, kind="stable")[:PERIODS]
        return sorted([int(gap) for gap in often if counts[gap]])

    def _loop(self, first: int, end: int, period: int) -> Recurrence | None:
        """Return the loop between two places; its first turns are left out where they are not like the others."""
        start = self._start(first, end, period)
        for begin in (start, start + period):
            turns = (end - begin) // period
            if turns < rerolling.FEWEST:
                break
            loop = self._classified(self.rows[begin : begin + turns * period].reshape(turns, period), begin)
            if loop is not None:
                return loop
        return None

    def _start(self, first: int, end: int, period: int) -> int:
        """Return the place in the first period at which turns begin such that the least is carried between them."""
        import numpy as np

        last = np.zeros(end + 1, np.intp)  # the last place that uses each
        for operand in self.operands:
            given = self.places[operand[self.rows[first:end]]]
            inside = given >= first
            np.maximum.at(last, given[inside], np.arange(first, end)[inside])
        alive = np.zeros(end + 2, np.intp)
        made = np.flatnonzero(last)
        np.add.at(alive, made + 1, 1)
        np.add.at(alive, last[made] + 1, -1)
        middle = first + (end - first) // (2 * period) * period
        return first + int(np.cumsum(alive)[middle : middle + period].argmin())

    def _classified(self, members: Any, begin: int) -> Recurrence | None:
        """Return the loop whose turns have these rows; None if turns differ in more than numbers."""
        import numpy as np

        turns, period = members.shape
        loop, codes = Recurrence(members), self.codes
        if any(int(row) in self.table.entries for row in members[0]):
            return None
        places = [self.places[operand[members]] - begin for operand in self.operands]
        of_turn = np.arange(turns)[:, None]
        lags = [np.where((at >= 0) & (at < turns * period), of_turn - at // period, -1) for at in places]
        for column, row in enumerate(members[0].tolist()):
            operands: list[tuple[str, Any]] = []
            for operand, at, lag in zip(self.operands, places, lags, strict=True):
                if not operand[row]:
                    break
                taken = self._operand(loop, operand[members[:, column]], at[:, column] % period, lag[:, column])
                if taken is None:
                    return None
                operands.append(taken)
            loop.operands.append(operands)
        self._find_outputs(loop)
        truths = self.table.truths
        wrong = [at for kind, at in loop.handed if kind == "row" and codes[members[0, at]] in truths]
        return loop if loop.handed and not wrong else None

    def _operand(self, loop: Recurrence, rows: Any, columns: Any, lags: Any) -> tuple[str, Any] | None:
        """Return an operand of a column, given its rows, and of those inside their columns and how many turns back."""
        import numpy as np

        lag, column = int(lags[-1]), int(columns[-1])
        if lag < 0:  # from outside
            kinds = np.minimum(self.codes[rows], CONSTANT + 1)
            varies = bool((rows != rows[0]).any())
            wrong = (lags >= 0).any() or (kinds != kinds[0]).any()
            tables = varies and any(row in self.table.entries for row in rows.tolist())
            return None if wrong or tables else loop.input(self.table, rows)
        alike = (lags[lag:] == lag).all() and (columns[lag:] == column).all() and (lags[:lag] < 0).all()
        if not alike or lag > FURTHEST:
            return None
        if not lag:
            return "row", column
        return "carried", loop.carried(self.table, column, tuple(rows[:lag].tolist()))

    def _find_outputs(self, loop: Recurrence) -> None:
        """Note which rows are used after the loop, and of which of them only those of the last turns."""
        import numpy as np

        used = np.zeros(len(self.codes), bool)
        used[self.table.results] = True
        used[[row for entries in self.table.entries.values() for row in entries]] = True
        after = np.setdiff1d(self.rows, loop.members, assume_unique=True)
        for operand in self.operands:
            used[operand[after]] = True
        outside = used[loop.members]
        loop.outputs = np.flatnonzero(outside.any(axis=0)).tolist()
        turns = [len(outside) - int(outside[:, column].argmax()) for column in loop.outputs]
        loop.finals = {column: last for column, last in zip(loop.outputs, turns, strict=True) if last <= FURTHEST}
