"""Reverse mode on columns: a program of columns becomes an array tape, and its gradient more of the same tape.

Rows of one kind, the same operation of which the same is known, are done together. How many steps each row takes is
known beforehand, so that the place of every step is, too: the rows in their order, then their derivatives in the
reverse order. A row's adjoint is the sum of what those that use it give it, the latest first.

    row     y = tanh(x)                    its kind has a template: v = tanh(x)
    adjoint g of y                         and one of derivatives: ..., d = g * w; x has d, or the sum of before and d

Where a branch is chosen the adjoint has to hang on its condition, and where numbers that were computed are looked up,
too: such programs are differentiated as graphs, see `path_conditions`.
"""

from __future__ import annotations

from math import copysign

from autograd_mini.compiler.array_tape import NUMBERS, ROUNDS, ArrayTape, reached
from autograd_mini.compiler.instructions import CONSTANT, LEAF, Instructions
from autograd_mini.compiler.templates import NUMBER, TRUTH, Template, shares, value
from autograd_mini.engine.ops import CHOICE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from autograd_mini.compiler.templates import Kind

MOST = 16
"""Maximum constants for which there are templates of their own, besides special ones."""

SPECIAL = (0.0, 1.0, -1.0, 2.0, 3.0)
"""The constants for which sums, products and quotients have identities."""

PLAIN = frozenset({"add", "sub", "mul", "truediv"})
"""The rows for which only these constants matter."""

MISSING = -(1 << 31)
"""What stands for the adjoint of a row that has none."""


TABLE_STEP, SCATTER_STEP = [Template([NUMBERS[name]], [[]], [("step", 0)]) for name in ("table", "scatter")]
"""What makes arrays, whose operands are kept apart."""

TAKE_STEP = Template([NUMBERS["take"]], [[("operand", 0), ("operand", 1)]], [("step", 0)])
"""What takes an entry of an array."""

TAKE_AND_ADD = Template(
    [*TAKE_STEP.codes, NUMBERS["add"]], [*TAKE_STEP.operands, [("operand", 2), ("step", 0)]], [("step", 1)]
)
"""What adds it to a number."""


def differentiable(table: Instructions) -> bool:
    """Return whether no derivative flows through a choice, or through a table into what was computed."""
    choice, computed = table.code_of(CHOICE), set[int]()
    for at, entries in table.entries.items():
        if any(table.codes[entry] > CONSTANT for entry in entries):
            computed.add(at)
    if choice is None and not computed:
        return True
    return not any(
        reached and (table.codes[at] == choice or at in computed) for at, reached in enumerate(table.reached())
    )


def lowered(table: Instructions, places: Sequence[int], inputs: int, wanted: Sequence[int] | None) -> ArrayTape:
    """Return a program as a tape, with its gradient.

    Args:
        table: the program; to be differentiated it has one result.
        places: for each leaf which input it is.
        inputs: how many inputs there are.
        wanted: the inputs to differentiate by; None for no derivative. The derivatives follow what was asked for.

    """
    made = _Lowering(table, places, inputs, table.used)
    results = [made.number(row) for row in table.results]
    if wanted is not None:
        zero, adjoints = made.constant(0.0), made.adjoints({*wanted})
        results[table.given : table.given] = [adjoints.get(at, zero) for at in wanted]
    return made.tape(results)


def lowered_checks(table: Instructions, places: Sequence[int], inputs: int) -> ArrayTape:
    """Return the tape that tells of all that has to hold whether it does, 1.0 or 0.0, and its figure."""
    used = table.used_by([row for check in table.checks for row in check[:2]])
    made = _Lowering(table, places, inputs, used)
    results = []
    for holds, figure, held, _ in table.checks:
        results += [made.number(holds, held=held), made.number(figure)]
    return made.tape(results)


class _Lowering:
    """The making of a tape.

    While it is made constants have negative numbers, of which -1 is the first. An adjoint that is that of another row,
    as an operand of a sum has it, is the number of that row beyond all steps.
    """

    def __init__(self, table: Instructions, places: Sequence[int], inputs: int, used: bytearray) -> None:
        import numpy as np

        self._table, self._places, self._inputs = table, np.array(places, np.int32), inputs
        self._codes = np.frombuffer(table.codes, np.int32)
        self._operands = np.stack([np.frombuffer(operands, np.int32) for operands in table.operands])
        self._used = np.frombuffer(used, bool)
        self._constants: dict[Any, tuple[int, float]] = {}
        self._given: Any = np.flatnonzero(self._used & (self._codes == LEAF))
        self._values: Any = np.zeros(len(self._codes), np.int32)  # of each row its step
        self._values[self._given] = np.arange(len(self._given))
        for row in np.flatnonzero(self._used & (self._codes == CONSTANT)).tolist():
            self._values[row] = self.constant(table.numbers[row])
        self._known, self._kinds = self._kinds_of_rows()
        self._made: list[tuple[Any, Any]] = []  # codes and operands, one block after another
        self._entries: dict[int, list[int]] = {}  # of steps that make arrays
        self._end = len(self._given)
        self._forward()

    def tape(self, results: Sequence[int]) -> ArrayTape:
        """Return the tape, given the steps of its results."""
        import numpy as np

        count, given = len(self._constants), len(self._given)

        def placed(steps: Any) -> Any:
            """Number steps with the constants after the inputs, in place, and return them."""
            low = steps < 0
            np.add(steps, count, out=steps, where=steps >= given)
            steps[low] = given - 1 - steps[low]
            return steps

        for _, operands in self._made:
            placed(operands)
        made = ArrayTape(
            self._inputs,
            self._places[self._operands[0, self._given]].tolist(),
            [number for _, number in self._constants.values()],
            np.concatenate([codes for codes, _ in self._made]),
            np.concatenate([operands for _, operands in self._made], axis=1),
            placed(np.array(results)).tolist(),
            {at + count: placed(np.array(held)).tolist() for at, held in self._entries.items()},
        )
        self._made.clear()
        made.shorten()
        return made.pruned()

    # --- what is known ---

    def constant(self, number: float) -> int:
        """Return the step of a constant."""
        key = type(number), str(number), copysign(1.0, number)
        return self._constants.setdefault(key, (-1 - len(self._constants), number))[0]

    def _kinds_of_rows(self) -> tuple[list[Kind], Any]:
        """Return what there is to know of operands, and for each row which of that is known of it."""
        import numpy as np

        table, found = self._table, np.zeros(len(self._codes), np.int64)
        kinds: list[Kind] = [NUMBER, TRUTH]
        names = [rule if rule is None or isinstance(rule, str) else rule.op.name for rule in table.rules]
        self._names: list[Any] = names
        found[np.isin(self._codes, [*table.truths])] = 1
        for row in np.flatnonzero(self._codes == self._code("stop")).tolist():
            found[row] = found[self._operands[0, row]]
        other = np.isin(self._codes, [at for at, name in enumerate(names) if name and name not in PLAIN])
        uses = np.bincount(self._operands[:, other & self._used].ravel(), minlength=len(found)).tolist()
        often = sorted([row for row in table.numbers if uses[row]], key=lambda row: -uses[row])[:MOST]
        special = [row for row, number in table.numbers.items() if isinstance(number, bool) or number in SPECIAL]
        for row in {*often, *special}:
            found[row] = len(kinds)
            kinds.append(table.numbers[row])
        return kinds, found

    def _code(self, name: str) -> int:
        """Return the code of a row by name; -1 if it does not occur."""
        return self._names.index(name) if name in self._names else -1

    def _alike(self, rows: Any, leading: Sequence[Any] = ()) -> Iterator[tuple[str, Any, Any, Any]]:
        """Return the rows by what they do: its name, what is known of operands, which lead, and the places of rows."""
        import numpy as np

        x, y, z = self._operands[:, rows]
        key = self._codes[rows].astype(np.int64)
        for operand in (x, y, z):
            key = key * (len(self._known) + 1) + np.where(operand > 0, 1 + self._kinds[operand], 0)
        for part in leading:
            key = 2 * key + part
        present = np.unique(key)
        groups = np.searchsorted(present, key).astype(np.uint16)
        order = np.argsort(groups, kind="stable")
        for places in np.split(order, np.cumsum(np.bincount(groups, minlength=len(present)))[:-1]):
            if not len(places):
                continue
            one = rows[places[0]]
            kinds = [self._known[self._kinds[operand]] for operand in self._operands[:, one].tolist() if operand]
            leads = [at for at, part in enumerate(leading) if part[places[0]]]
            yield self._names[self._codes[one]], kinds, leads, places

    # --- steps ---

    def _block(self, lengths: Any) -> Any:
        """Allocate a run of steps for each row, of the given lengths; return where each run begins."""
        import numpy as np

        ends = np.cumsum(lengths, dtype=np.int32)
        size = int(ends[-1]) if len(ends) else 0
        self._made.append((np.empty(size, np.uint8), np.zeros((3, size), np.int32)))
        starts = (self._end + ends - lengths).astype(np.int32)
        self._end += size
        return starts

    def _put(self, template: Template, starts: Any, operands: Sequence[Any]) -> list[Any]:
        """Put a template down in the last block, for many rows at once; return its results."""
        codes, columns = self._made[-1]
        at = starts - (self._end - len(codes))

        def step(reference: tuple[str, Any]) -> Any:
            kind, which = reference
            if kind == "constant":
                return self.constant(which)
            return operands[which] if kind == "operand" else starts + which

        for number, (code, references) in enumerate(zip(template.codes, template.operands, strict=True)):
            codes[at + number] = code
            for column, reference in zip(columns, references, strict=False):
                column[at + number] = step(reference)
        return [step(reference) for reference in template.results]

    def _forward(self) -> None:
        """Put down the rows."""
        import numpy as np

        rows = np.flatnonzero(self._used & (self._codes > CONSTANT))
        lengths = np.zeros(len(rows), np.int32)
        groups = [(value(name, kinds), at) for name, kinds, _, at in self._alike(rows) if name != "table"]
        for template, at in groups:
            lengths[at] = len(template.codes)
        tables = {at: self._table.entries[row] for at, row in enumerate(rows.tolist()) if row in self._table.entries}
        for at, held in tables.items():
            lengths[at] = 1 + np.count_nonzero(self._kinds[held] == 1)  # truth values, which become numbers
        starts, source = self._block(lengths), np.arange(len(self._codes), dtype=np.int32)
        values = self._values
        values[rows] = starts + lengths - 1
        for template, at in groups:  # first the places of all results, then the steps that use them
            kind, which = template.results[0]
            done = rows[at]
            if kind == "step":
                values[done] = starts[at] + which
            elif kind == "constant":
                values[done] = self.constant(which)
            else:
                source[done] = self._operands[which, done]
        while ((shorter := source[source]) != source).any():
            source = shorter
        self._values = values = values[source]
        for template, at in groups:
            self._put(template, starts[at], values[self._operands[:, rows[at]]])
        for at, held in tables.items():
            self._put_table(int(starts[at]), held)

    def _put_table(self, start: int, held: Sequence[int]) -> None:
        """Put a table down in the last block."""
        import numpy as np

        entries, template = self._values[held], value("where", [TRUTH, 1.0, 0.0])
        truths = np.flatnonzero(self._kinds[held] == 1)
        steps = start + np.arange(len(truths), dtype=np.int32)
        self._put(template, steps, [entries[truths]])
        entries[truths] = steps
        self._put(TABLE_STEP, np.array([start + len(truths)]), [])
        self._entries[start + len(truths)] = entries.tolist()

    def number(self, row: int, *, held: bool = True) -> int:
        """Return the step of a row as a number, of a truth value 1.0 if it is as `held` says."""
        import numpy as np

        step, kind = int(self._values[row]), self._known[self._kinds[row]]
        if kind == TRUTH:
            template = value("where", [TRUTH, float(held), float(not held)])
            starts = self._block(np.array([len(template.codes)]))
            return int(np.ravel(self._put(template, starts, [np.array([step])])[0])[0])
        return step if isinstance(kind, str) else self.constant(float(kind if held else not kind))

    # --- derivatives ---

    def adjoints(self, wanted: set[int]) -> dict[int, int]:
        """Put down the derivatives; return the adjoints of the wanted inputs."""
        import numpy as np

        operands, values, result = self._operands, self._values, self._table.results[0]
        leading, flows = self._leading(wanted)
        rows = np.flatnonzero(reached(operands, 0, [result], flows & leading & self._used))[::-1]
        x, y = operands[:2, rows]
        lookups = self._codes[rows] == self._code("take")  # what these give goes to their tables, last of all
        leads = leading[x] & ~lookups, leading[y] & ~lookups
        groups = [(shares(*kind), kind, at) for *kind, at in self._alike(rows, leads) if kind[0] != "take"]
        lengths = np.zeros(len(rows), np.int32)
        for template, _, places in groups:
            lengths[places] = len(template.codes)

        # The shares in their order: of which row, to which row, and whether that has one already.
        pairs = np.stack(leads, axis=1).ravel()
        by = np.repeat(np.arange(len(rows), dtype=np.int32), 2)[pairs]
        to = np.stack([x, y], axis=1).ravel()[pairs]
        order = _ordered(to)
        repeats = to[order[1:]] == to[order[:-1]]
        added = np.zeros(len(to), bool)
        added[order[1:]] = repeats
        starts = self._block(lengths + np.bincount(by[added], minlength=len(rows)))
        sums = np.concatenate([np.zeros(1, np.int32), np.cumsum(added, dtype=np.int32)])
        within = sums[:-1] - sums[np.searchsorted(by, np.arange(len(rows)))][by]  # sums of the same row before it
        beyond = self._end

        # The step of each share, and of each share with all those before it.
        share = np.zeros(len(to), np.int32)
        numbers = (np.cumsum(pairs, dtype=np.int32) - 1).reshape(len(rows), 2)
        for template, (_, kinds, wanted_operands), places in groups:
            done = rows[places]
            given = [*values[operands[: len(kinds), done]], values[done], beyond + done]
            for at, steps in zip(wanted_operands, self._put(template, starts[places], given), strict=True):
                share[numbers[places, at]] = steps
        whole = np.where(added, (starts + lengths)[by] + within, share)
        adjoints = np.full(len(values), MISSING, np.int32)
        adjoints[to[order]] = whole[order]  # that of the last share stays
        adjoints[result] = self.constant(1.0)
        while (deferred := np.flatnonzero(adjoints >= beyond)).size:
            adjoints[deferred] = adjoints[adjoints[deferred] - beyond]

        codes, columns = self._made[-1]
        into, last = order[1:][repeats], order[:-1][repeats]
        at = whole[into] - (self._end - len(codes))
        codes[at] = NUMBERS["add"]
        columns[0, at], columns[1, at] = whole[last], share[into]
        deferred = columns >= beyond
        columns[deferred] = adjoints[columns[deferred] - beyond]
        if lookups.any():
            self._look_up(rows[lookups], leading, adjoints)
        leaves = self._given[leading[self._given] & (adjoints[self._given] != MISSING)]
        return dict(zip(self._places[operands[0, leaves]].tolist(), adjoints[leaves].tolist(), strict=True))

    def _look_up(self, lookups: Any, leading: Any, adjoints: Any) -> None:
        """Put down what the entries of tables receive, and add it to their adjoints."""
        import numpy as np

        for row, entries in self._table.entries.items():
            takes = lookups[self._operands[0, lookups] == row]
            if not len(takes):
                continue
            scattered = int(self._block(np.array([1]))[0])
            self._put(SCATTER_STEP, np.array([scattered]), [])
            pairs = np.stack([self._values[self._operands[1, takes]], adjoints[takes]], axis=1)
            self._entries[scattered] = [int(self._values[row]), *pairs.ravel().tolist()]
            for place, entry in enumerate(entries):
                if leading[entry]:
                    before = adjoints[entry]
                    template = TAKE_STEP if before == MISSING else TAKE_AND_ADD
                    starts = self._block(np.array([len(template.codes)]))
                    given = [np.array([at]) for at in (scattered, self.constant(float(place)), before)]
                    adjoints[entry] = self._put(template, starts, given)[0][0]

    def _leading(self, wanted: set[int]) -> tuple[Any, Any]:
        """Return for each row whether a derivative flows from it to a wanted input, and whether one flows through."""
        import numpy as np

        x, y = self._operands[:2]
        rules = self._table.rules
        flows = np.array([rule == "take" or not (rule is None or isinstance(rule, str)) for rule in rules])[self._codes]
        y = np.where(self._codes == self._code("take"), 0, y)
        ends = np.zeros(len(flows), bool)
        leaves = np.flatnonzero(self._codes == LEAF)
        ends[leaves] = np.isin(self._places[x[leaves]], [*wanted])
        for row, entries in self._table.entries.items():
            ends[row] = ends[entries].any()
        found = flows | ends
        for _ in range(ROUNDS):
            before, found = found, (flows & (found[x] | found[y])) | ends
            if (before == found).all():
                return found, flows
        kept = bytearray(ends.tobytes())
        for at, (flowing, first, second) in enumerate(zip(flows.tolist(), x.tolist(), y.tolist(), strict=True)):
            if flowing:
                kept[at] = kept[first] | kept[second]
        return np.frombuffer(kept, bool), flows


def _ordered(keys: Any) -> Any:
    """Return the places of numbers in their order, those of equal ones as they stand, by two passes over 16 bits."""
    import numpy as np

    order = np.argsort((keys & 0xFFFF).astype(np.uint16), kind="stable").astype(np.int32)
    return order[np.argsort((keys[order] >> 16).astype(np.uint16), kind="stable")]
