"""Recurrences: a straight-line program that repeats itself, each turn from what the turn before made, becomes a loop.

The operations of a program stand in the order in which they were done, so turns of a loop are a run of operations with
a period: each has the operation of the one a turn before. The period is looked for among the distances at which the
same few operations follow each other again. Where turns begin within the period is chosen such that the least is
carried from one to the next.

    for x in xs:                           turn:   tanh(w x + u h)      inputs: x a column; w, u alike; h carried
        h = tanh(w * x + u * h)            outer:  what is done with the last h, or with all
"""

from __future__ import annotations

from functools import cached_property

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

WHOLE = 0.95
"""Minimum share of a program's operations that are turns, of which the lanes are taken without looking for others."""

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

    @cached_property
    def follows(self) -> list[bool]:
        """For each operation whether it depends on what the turn before made."""
        found: list[bool] = []
        for operands in self.operands:
            found.append(any(kind == "carried" or (kind == "row" and found[at]) for kind, at in operands))
        return found

    def beside(self) -> ParallelLoop | None:
        """Return the other operations as lanes of a loop; None if that would take inputs which it does not use."""
        places = {column: at for at, column in enumerate([at for at, one in enumerate(self.follows) if not one])}
        made = ParallelLoop(self.members[:, [*places]])
        for column in places:
            made.operands.append([(kind, places[at] if kind == "row" else at) for kind, at in self.operands[column]])
        made.uniforms, made.columns, made.tables = self.uniforms, self.columns, self.tables
        taken = {operand for operands in made.operands for operand in operands if operand[0] in {"uniform", "column"}}
        outside = [operands for operands, follows in zip(self.operands, self.follows, strict=True) if follows]
        used = {at for operands in (*outside, self.handed) for kind, at in operands if kind == "row"} | {*self.outputs}
        made.outputs = [places[at] for at in sorted(used & places.keys())]
        return made if made.columns and len(taken) == len(made.uniforms) + len(made.columns) else None

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

    used = np.frombuffer(table.used, bool)
    operations = np.flatnonzero(used & (np.frombuffer(table.codes, np.int32) > CONSTANT))
    loop = _Runs(table, operations).recurrence(max(rerolling.SHARE * len(operations), rerolling.SMALLEST))
    if loop is not None:
        if sum(loop.follows) > (1.0 - BETTER) * len(loop.follows):
            return Rolled(table, [loop], used)
        if loop.members.size > WHOLE * len(operations) and (beside := loop.beside()) is not None:
            made = Rolled(table, [beside], used)
            if len(made.totals) == len(beside.outputs):
                return made
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
        codes = self.codes[self.rows].astype(np.min_scalar_type(len(self.table.rules)))
        for period in self._periods(codes):
            differs = codes[:-period] != codes[period:]
            if len(codes) - np.count_nonzero(differs) < least:
                continue
            edges = np.concatenate([[-1], np.flatnonzero(differs), [len(codes) - period]])
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
        mixed, wide = np.zeros(count, np.uint64), codes.astype(np.uint64)
        for at in range(WINDOW):
            mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + wide[at : at + count]
        order = np.argsort((mixed >> np.uint64(48)).astype(np.uint16), kind="stable")  # soon, and nearly by all bits
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

        middle = first + (end - first) // (2 * period) * period
        low, high = max(first, middle - FURTHEST * period), min(end, middle + (FURTHEST + 1) * period)
        last = np.zeros(high - low, np.intp)  # the last place that uses each, counted from the lowest
        for operand in self.operands:
            given = self.places[operand[self.rows[low:high]]]
            inside = given >= low
            np.maximum.at(last, given[inside] - low, np.flatnonzero(inside))
        made = np.flatnonzero(last)
        ends = np.bincount(last[made], minlength=high - low)
        alive = np.cumsum((last > 0) - ends)  # after each place
        before = np.concatenate([[0], alive])[middle - low : middle - low + period]
        return first + int(before.argmin())

    def _classified(self, members: Any, begin: int) -> Recurrence | None:
        """Return the loop whose turns have these rows; None if turns differ in more than numbers."""
        import numpy as np

        turns, period = members.shape
        loop, codes = Recurrence(members), self.codes
        if any(int(row) in self.table.entries for row in members[0]):
            return None
        of_turn = begin + period * np.arange(turns)[:, None]
        slots = []
        for operand in self.operands:
            rows = operand[members]
            places = self.places[rows] - of_turn  # counted from where the turn begins
            of_turns = np.where((places == places[0]).all(axis=0), places[0], -1).tolist()
            alike = ((rows == rows[0]).all(axis=0) & (places[0] < 0)).tolist()
            slots.append((rows, places, of_turns, alike))
        for column in range(period):
            operands: list[tuple[str, Any]] = []
            for rows, places, of_turns, alike in slots:
                first = int(rows[0, column])
                if not first:
                    break
                if of_turns[column] >= 0:
                    operands.append(("row", of_turns[column]))
                elif alike[column]:
                    operands.append(loop.alike(self.table, first))
                else:
                    taken = self._operand(loop, rows[:, column], places[:, column])
                    if taken is None:
                        return None
                    operands.append(taken)
            loop.operands.append(operands)
        self._find_outputs(loop)
        truths = self.table.truths
        wrong = [at for kind, at in loop.handed if kind == "row" and codes[members[0, at]] in truths]
        return loop if loop.handed and not wrong else None

    def _operand(self, loop: Recurrence, rows: Any, places: Any) -> tuple[str, Any] | None:
        """Return an operand of a column, given its rows, and their places counted from where each turn begins."""
        import numpy as np

        turns, period = loop.members.shape
        lags = np.where(places + period * np.arange(turns) >= 0, -(places // period), -1)
        lag, column = int(lags[-1]), int(places[-1]) % period
        if lag < 0:  # from outside
            kinds = np.minimum(self.codes[rows], CONSTANT + 1)
            varies = bool((rows != rows[0]).any())
            wrong = (lags >= 0).any() or (kinds != kinds[0]).any()
            tables = self.table.entries and varies and any(row in self.table.entries for row in rows.tolist())
            return None if wrong or tables else loop.input(self.table, rows)
        alike = (places[lag:] == places[-1]).all() and (lags[:lag] < 0).all()
        if not alike or lag > FURTHEST:
            return None
        return "carried", loop.carried(self.table, column, tuple(rows[:lag].tolist()))

    def _find_outputs(self, loop: Recurrence) -> None:
        """Note which rows are used after the loop, and of which of them only those of the last turns."""
        import numpy as np

        used, after = np.zeros(len(self.codes), bool), self.places >= 0
        used[self.table.results] = True
        used[[row for entries in self.table.entries.values() for row in entries]] = True
        after[loop.members] = False
        for operand in self.operands:
            used[operand[after]] = True
        outside = used[loop.members]
        loop.outputs = np.flatnonzero(outside.any(axis=0)).tolist()
        turns = [len(outside) - int(outside[:, column].argmax()) for column in loop.outputs]
        loop.finals = {column: last for column, last in zip(loop.outputs, turns, strict=True) if last <= FURTHEST}
