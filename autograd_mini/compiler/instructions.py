"""Instructions: a graph of nodes as columns of numbers, one row a node, which takes a twentieth of their memory.

A row has an operation, by its place in a table of rules, and the rows of up to three operands. The rows of leaves and
of constants come before their uses. From these columns the operations can be done once more, on symbols of a trace.
"""

from __future__ import annotations

from array import array
from functools import cache, cached_property
from typing import NamedTuple

from autograd_mini.compiler.gathers import picked, tabled
from autograd_mini.compiler.graph_columns import ANY, BOTH, LEFT, MANY, RIGHT, UNARY, GraphColumns
from autograd_mini.compiler.primitives import Primitive
from autograd_mini.compiler.tape import TRUTHS
from autograd_mini.compiler.tracer import condition, stopped
from autograd_mini.engine.functions import function
from autograd_mini.engine.operators import where
from autograd_mini.engine.ops import CHOICE, TABLE
from autograd_mini.engine.rules import RowRule, rule_named
from autograd_mini.engine.value import ABSENT, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from autograd_mini.engine.ops import Op

NOTHING, LEAF, CONSTANT = range(3)
"""The codes of rows that are no operations: that of an operand that is missing, of a leaf, of a number."""

DEPTH = 4
"""How deep the operands of a row are looked at to find out soon whether it is repeated."""

_FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
"""Odd numbers that the hashes of three operands are multiplied by."""


class Unsuited(Exception):  # noqa: N818 - no error: the graph is compiled in another way
    """Raised where a graph has something that columns do not hold."""


class Requirement(NamedTuple):
    """A comparison whose answer has to be the same at each call.

    Attributes:
        name: the relation, such as "lt".
        x: its first operand.
        y: its second.
        held: the answer.
        figure: the number to be named where it is another one.
        error: the function from that number to the exception.

    """

    name: str
    x: Value
    y: Value | float
    held: bool
    figure: Value | float
    error: Callable[[float], Exception]


class Instructions:
    """The nodes below outputs, oldest first.

    Args:
        nodes: all nodes that may be below, oldest first; leaves among them are passed over.
        outputs: the results, Values or numbers.
        leaves: leaves that come first, in this order, whether they are used or not.
        constants: leaves that are taken for numbers.
        required: what has to hold; then one more result is not 0.0 where something does not.

    Attributes:
        codes: the operation of each row, a place in `rules`.
        operands: three columns, with the rows of the operands; row 0 stands for none.
        entries: of a row that is a table of a lookup the rows of its entries, in place of operands.
        leaves: the leaves; their rows are 1, 2, and so on.
        numbers: the number of each row that is a constant.
        results: the rows of the outputs.
        given: how many of them are outputs that were asked for.
        checks: of what has to hold the rows of the comparison and of its figure, the answer, and the error.
        rules: what is done, by code: the rule of a row of the table, or the name of a condition, "where", "stop",
            "table" or "take".

    Raises:
        Unsuited: if there is an operation of the user's own, or the derivative of a lookup.

    """

    def __init__(
        self,
        nodes: Iterable[Value],
        outputs: Sequence[Value | float],
        leaves: Iterable[Value],
        constants: Iterable[Value] = (),
        required: Iterable[Requirement] = (),
    ) -> None:
        import numpy as np

        self.codes = array("i", [NOTHING])
        self.operands = array("i", [0]), array("i", [0]), array("i", [0])
        self.numbers: dict[int, float] = {}
        self.leaves: list[Value] = []
        self.rules: list[Any] = [None, None, None]
        self._constants = constants if isinstance(constants, (set, dict)) else set(constants)
        self._known: dict[Any, int] = {}
        self._places = _Rows(self)
        for leaf in leaves:
            self._leaf(leaf)
        self._graph = graph = GraphColumns(nodes, self._way, self._head, self.__len__)
        self.entries = graph.entries
        for column, added in zip((self.codes, *self.operands), (graph.codes, *graph.operands), strict=True):
            column.frombytes(added.astype(np.int32).tobytes())
        self.results = [*map(graph.row, outputs)]
        self.given = len(self.results)
        self.checks: list[tuple[int, int, bool, Callable[[float], Exception]]] = []
        self._require(required)
        del self._graph, self._places, self._known, self._constants

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.codes)

    def _way(self, rule: Any) -> tuple[int, int]:
        """Return the code of a rule, and where its nodes keep their operands."""
        if isinstance(rule, RowRule):
            if TABLE.get(rule.op.name) is not rule.op:
                raise Unsuited
            kind = {"x": LEFT, "y": RIGHT, "xy": BOTH}[rule.active] if len(rule.op.operands) > 1 else UNARY
        elif rule.op is CHOICE or (isinstance(rule, Primitive) and rule.op.name in {*TRUTHS, "stop", "take"}):
            kind = ANY
        elif isinstance(rule, Primitive) and rule.op.name == "table":
            kind = MANY
        else:
            raise Unsuited
        code = self.code_of(rule.op)
        return self._rule(rule if kind < ANY else rule.op.name) if code is None else code, kind

    def _rule(self, rule: Any) -> int:
        """Return the code of a rule that has none yet."""
        self.rules.append(rule)
        return len(self.rules) - 1

    def _require(self, required: Iterable[Requirement]) -> None:
        """Compare, and count the answers that are others than before."""
        codes: dict[str, int] = {}

        def compared(name: str, x: int, y: int) -> int:
            """Return the row of a comparison."""
            if name not in codes:
                codes[name] = self.rules.index(name) if name in self.rules else self._rule(name)
            return self._row(codes[name], x, y)

        total = 0
        for name, x, y, held, figure, error in required:
            holds = compared(name, self._graph.row(x), self._graph.row(y))
            self.checks.append((holds, self._graph.row(figure), held, error))
            other = compared("ne", holds, self._number(float(held)))
            if total:
                add = self.code_of(TABLE["add"])
                other = self._row(self._rule(rule_named("add", "xy", ())) if add is None else add, total, other)
            total = other
        if total:
            self.results.append(total)

    def _head(self, value: Value | float) -> int:
        """Return the row of a leaf or a number."""
        return self._places[value] if isinstance(value, Value) else self._number(value)

    def code_of(self, op: Op) -> int | None:
        """Return the code of an operation; None if it does not occur."""
        for code, rule in enumerate(self.rules):
            if rule == op.name if isinstance(rule, str) else rule is not None and rule.op is op:
                return code
        return None

    def _leaf(self, leaf: Value) -> int:
        """Return the row of a leaf that has none yet."""
        if leaf in self._constants:
            at = self._number(leaf._data)
        elif leaf._pull is not None or leaf is ABSENT:
            raise Unsuited
        else:
            at = self._row(LEAF, len(self.leaves))
            self.leaves.append(leaf)
        self._places[leaf] = at
        return at

    def _number(self, number: float) -> int:
        """Return the row of a number."""
        key = number if number == number and number != 0.0 and number.__class__ is float else (str(number),)  # noqa: PLR0124 - nan
        at = self._known.get(key)
        if at is None:
            at = self._known[key] = self._row(CONSTANT)
            self.numbers[at] = number
        return at

    def _row(self, code: int, x: int = 0, y: int = 0) -> int:
        at = len(self.codes)
        self.codes.append(code)
        for operands, operand in zip(self.operands, (x, y, 0), strict=True):
            operands.append(operand)
        return at

    # --- what they are good for ---

    @property
    def truths(self) -> frozenset[int]:
        """The codes of operations whose results are truth values."""
        return frozenset([code for code, rule in enumerate(self.rules) if isinstance(rule, str) and rule in TRUTHS])

    @cached_property
    def used(self) -> bytearray:
        """For each row whether an output depends on it."""
        return self.used_by(self.results)

    def used_by(self, results: Sequence[int]) -> bytearray:
        """Return for each row whether some rows depend on it."""
        import numpy as np

        operands = np.stack([np.frombuffer(column, np.int32) for column in self.operands])
        return self._below(results, np.frombuffer(self.codes, np.int32) > CONSTANT, operands)

    def reached(self) -> bytearray:
        """Return for each row whether a derivative flows to it from the first output."""
        import numpy as np

        codes = np.frombuffer(self.codes, np.int32)
        operands = np.stack([np.frombuffer(column, np.int32) for column in self.operands])
        for name, slot in (("take", 1), ("where", 0)):
            if name in self.rules:
                operands[slot, codes == self.rules.index(name)] = 0
        flows = np.array([rule is not None and (not isinstance(rule, str) or rule in _FLOWING) for rule in self.rules])
        return self._below(self.results[:1], flows[codes], operands)

    def _below(self, results: Sequence[int], doing: Any, operands: Any) -> bytearray:
        """Return for each row whether it is one of some rows, or below them, as an operand of rows that count."""
        from autograd_mini.compiler.array_tape import reached

        above = reached(operands, 0, results, doing, self.entries)
        found = above.copy()
        for column in operands:
            found[column[above]] = True
        found[results] = True
        for at, entries in self.entries.items():
            if found[at]:
                found[entries] = True
        found[0] = False
        return bytearray(found.tobytes())

    def classes(self, shared: Callable[[Value], bool]) -> array[int]:
        """Return a class for each row: equal for the same operation on operands of equal classes.

        All numbers are one class, and all leaves but those that are shared; each of these is a class of its own, as is
        each table.
        """
        known: dict[Any, int] = {}
        found = array("i", [0])
        put, name = found.append, known.setdefault
        rows = zip(self.codes, *self.operands, strict=True)
        next(rows)
        table = self.rules.index("table") if self.entries else -1
        for code, x, y, z in rows:
            if code == table:
                key: Any = (code, -len(found))
            elif code > CONSTANT:
                key = (code, found[x], found[y], found[z]) if z else (code, found[x], found[y])
            else:
                key = x if code == LEAF and shared(self.leaves[x]) else (code,)
            put(name(key, len(known) + 1))
        return found

    def repeated(self, fewest: int) -> int:
        """Return an upper bound for the operations in classes of at least `fewest` rows, whatever leaves are shared.

        It is found out by hashes that go a few operands deep, for all rows at once: they tell apart less than `classes`
        does, so that nothing that is repeated is missed.
        """
        import numpy as np

        codes = np.frombuffer(self.codes, np.int32).astype(np.uint64)
        operands = [np.frombuffer(column, np.int32) for column in self.operands]
        factors, tables = [np.uint64(factor) for factor in _FACTORS], np.array([*self.entries], np.intp)
        hashes = codes * factors[0]
        for _ in range(DEPTH):
            mixed = codes.copy()
            for operand, factor in zip(operands, factors, strict=True):
                mixed += hashes[operand] * factor
            mixed ^= mixed >> np.uint64(29)
            hashes = mixed * factors[0]
            hashes[tables] = tables
        ordered = np.sort(hashes[codes > CONSTANT])
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        counts = np.diff(starts, append=len(ordered))
        return int(counts[counts >= fewest].sum())

    def perform(self, rows: Iterable[int], known: dict[int, Any]) -> None:
        """Do the operations of rows once more, in order, on what is known of their operands, symbols or numbers."""
        first, second, third = self.operands
        for at in rows:
            operands = self.entries.get(at) or (first[at], second[at], third[at])
            args = [known[x] if x in known else self.numbers[x] for x in operands if x]
            known[at] = self.performed(self.codes[at], args)

    def performed(self, code: int, args: Sequence[Any]) -> Any:
        """Return what an operation makes of symbols and numbers."""
        rule = self.rules[code]
        if not isinstance(rule, str):
            return _operation(rule.op)(*args)
        made: Any = _PRIMITIVES.get(rule)
        return condition(rule, *args) if made is None else made(*args)


class _Rows(dict[Value, int]):
    """The rows of nodes; a leaf gets its own when it is asked for first."""

    def __init__(self, table: Instructions) -> None:
        self._table = table

    def __missing__(self, leaf: Value) -> int:
        """Return the row of such a leaf."""
        return self._table._leaf(leaf)


_operation = cache(function)

_FLOWING = {"where", "take", "table"}
"""Those rules that are no rows of the table and pass derivatives on."""

_PRIMITIVES = {"where": where, "stop": stopped, "take": picked, "table": lambda *entries: tabled(entries)}
"""What makes symbols of those rules that are neither rows of the table nor conditions."""
