"""Bytecode: a tape as numbers that an interpreter reads, four to an order; see `vm`."""

from __future__ import annotations

from array import array

from autograd_mini.compiler.array_tape import NAMES, ArrayTape
from autograd_mini.compiler.backends import installed
from autograd_mini.compiler.passes import ADDED, WRITTEN_OUT, legalised
from autograd_mini.compiler.tape import ARRAYS, BASIC, GATHERS, TRUTHS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from autograd_mini.compiler.tape import Tape

OPERATIONS = (
    *sorted((BASIC - WRITTEN_OUT) | ADDED | TRUTHS | {"round", "select"}),
    "multiply_add",
    "dot",
    "copy",
    "take",
    "collect",
    "muls",
    "multiply_adds",
    "copies",
)
"""The operations of the interpreter, in the order of their numbers.

`dot` adds products to a number, one after another: its operands are how many there are and the place of the number, and
the places of the factors stand in the orders behind it, two products in each.
`take` copies an entry of an array, given where it begins and the index; `collect` adds a number to such an entry, and
its own result is that number.
`muls`, `multiply_adds` and `copies` are rows of the operations that ROWS names: their operands are those of the first,
and how many there are stands in the order behind it.
"""

ROWS = {"muls": ("mul", (0, 1, 0)), "multiply_adds": ("multiply_add", (0, 1, 1)), "copies": ("copy", (1, 0, 0))}
"""For each kind of row what is done, and how many places further each operand is for each one that follows."""

HALT = len(OPERATIONS)
_NUMBERS = {name: number for number, name in enumerate(OPERATIONS)}

LONG = 5_000
"""Minimum steps of a tape whose bytecode is written by NumPy."""

FEWEST = 4
"""Minimum orders of a row, and of a block whose orders change places."""


class Bytecode:
    """A tape as an array of numbers, four to an order, for the interpreter.

    A program follows what it was traced or differentiated from: of a sum of products the gradient is a product for each
    weight and one for what it is multiplied by, in turn. Orders that do not need each other change places, so that
    products by one number stand together, and become a row if their other factors lie side by side.

    An order is the number of its operation and the places of up to three operands. Where its result goes is not said:
    each order has the place after that of the order before it, a row several. The places lie in one array: the inputs
    of the program, its constants, the results of the orders. The last orders copy the results of the program, so that
    they lie side by side.

    Attributes:
        orders: the numbers; places are in bytes, and hold as many numbers as there are lanes.
        constants: what lies after the inputs.
        inputs: how many inputs there are.
        first: the place of the first order's result, counted in places.
        results: the place of the first result of the program, likewise.
        room: how many places there are.

    >>> from autograd_mini.compiler.tape import Builder
    >>> b = Builder(2)
    >>> made = Bytecode(b.finished([b.add(b.mul(b.input(0), b.input(1)), 1.0)]), 1)
    >>> [OPERATIONS[number] for number in made.orders[:-4:4]], list(made.orders[1:4])
    (['multiply_add', 'copy'], [0, 8, 16])

    """

    def __init__(self, tape: Tape, lanes: int) -> None:
        size = 8 * lanes
        tape = legalised(tape)
        if len(tape) > LONG and tape.kinds().isdisjoint(GATHERS) and installed("numpy"):
            self._write_at_once(ArrayTape.of(tape).pruned(), size)
        else:
            self._write(tape, size)

    def _write(self, tape: Tape, size: int) -> None:
        """Write the orders one by one."""
        fused, steps = _fused(tape), tape.steps
        within = set(fused.values())
        self.inputs, self.constants = tape.inputs, array("d")
        zero = tape.inputs * size  # with which the sums of a scatter begin
        if any(step[0] == "scatter" for step in steps):
            self.constants.append(0.0)
        places: list[int] = []
        for step in steps:
            if step[0] == "constant":
                places.append((tape.inputs + len(self.constants)) * size)
                self.constants.append(step[1])
            else:
                places.append(step[1] * size if step[0] == "input" else -1)
        self.first = tape.inputs + len(self.constants)
        self.orders = array("i")
        put, following = self.orders.extend, self.first * size
        for at, step in enumerate(steps):
            if places[at] >= 0 or at in within:
                continue
            if step[0] == "take" and steps[step[2]][0] == "constant":
                places[at] = places[step[1]] + int(steps[step[2]][1]) * size
                continue
            if step[0] in ARRAYS:
                entries = [places[x] for x in step[1:]] if step[0] == "table" else [zero] * tape.length(at)
                if step[0] == "table" and entries == [*range(entries[0], entries[0] + len(entries) * size, size)]:
                    places[at] = entries[0]  # they lie so already
                    continue
                places[at] = following
                for place in entries:
                    put((_NUMBERS["copy"], place, 0, 0))
                following += len(entries) * size
                if step[0] == "scatter":
                    for index, number in zip(step[2::2], step[3::2], strict=True):
                        put((_NUMBERS["collect"], places[at], places[index], places[number]))
                        following += size
                continue
            if at in fused:
                product = fused[at]
                other = step[2] if step[1] == product else step[1]
                put((_NUMBERS["multiply_add"], *[places[x] for x in steps[product][1:]], places[other]))
            else:
                put((_NUMBERS[step[0]], *[places[x] for x in step[1:]], 0, 0)[:4])
            places[at] = following
            following += size
        self.results = following // size
        for at in tape.results:
            put((_NUMBERS["copy"], places[at], 0, 0))
        put((HALT, 0, 0, 0))
        self.room = self.results + len(tape.results)

    def _write_at_once(self, tape: ArrayTape, size: int) -> None:
        """Write the orders of a long tape all at once."""
        import numpy as np

        first = tape.first
        self.inputs, self.constants = tape.inputs, array("d", tape.constants)
        self.first = tape.inputs + len(self.constants)
        codes, columns, steps, lengths, block = _scheduled(tape)
        heads = np.cumsum(lengths) - lengths
        self.results = self.first + len(heads) - len(tape.results)
        self.room = self.first + len(heads)
        if self.room * size >= 1 << 31:
            raise OverflowError(f"the program has {self.room} numbers, expected fewer: compile parts of it")
        places = np.zeros(first + len(tape.codes), np.int32)
        places[:first] = [*tape.given, *range(tape.inputs, self.first)]
        made = np.repeat(np.arange(self.first, self.room, dtype=np.int32), lengths)
        places[steps] = made[: len(steps)]
        places *= size
        columns = places[columns]
        kinds, operands = codes[heads], columns[:, heads]
        chains = np.flatnonzero(lengths > 1)
        kinds[chains] = _NUMBERS["dot"]
        counts = _rows(kinds, operands, size, block)
        begun = np.flatnonzero(counts > 1)
        for name, (of, _) in ROWS.items():
            kinds[begun[kinds[begun] == _NUMBERS[of]]] = _NUMBERS[name]
        operands[1, chains], operands[0, chains] = operands[2, chains], lengths[chains]
        operands[2, chains] = 0
        taken = np.minimum(counts, 2)  # orders of each: a row has two
        taken[chains] = 1 + (lengths[chains] + 1) // 2
        begins = np.cumsum(taken) - taken
        orders = np.zeros((int(taken.sum()) + 1, 4), np.int32)
        written = counts > 0
        orders[begins[written], 0] = kinds[written]
        orders[begins[written], 1:] = operands[:, written].T
        orders[begins[begun] + 1, 0] = counts[begun]
        within = np.flatnonzero(np.repeat(lengths > 1, lengths))
        chain = np.repeat(np.arange(len(heads)), lengths)[within]
        at = 4 * (begins[chain] + 1) + 2 * (within - heads[chain])
        orders.ravel()[at], orders.ravel()[at + 1] = columns[:2, within]
        orders[-1, 0] = HALT
        self.orders = array("i")
        self.orders.frombytes(orders.data.cast("B"))


def _fused(tape: Tape) -> dict[int, int]:
    """Return for each sum that takes in a product of no other use the step of that product."""
    steps, uses = tape.steps, tape.uses()
    fused = {}
    for at, step in enumerate(steps):
        if step[0] == "add":
            for operand in (step[2], step[1]):
                if steps[operand][0] == "mul" and uses[operand] == 1:
                    fused[at] = operand
                    break
    return fused


def _orders(tape: ArrayTape) -> tuple[Any, Any, Any, Any]:
    """Return the orders of a tape, with products inside of the sums that take them in and are their only use.

    Returns:
        the numbers of their operations, the steps of their operands, the steps that they do, and whether each goes on
        with the sum of the order before it, which nothing else uses.

    """
    import numpy as np

    first, operands = tape.first, tape.operands.copy()
    codes = np.array([_NUMBERS.get(name, HALT) for name in NAMES], np.int32)[tape.codes]
    uses = np.bincount(operands.ravel(), minlength=first + len(codes))
    uses += np.bincount(tape.results, minlength=len(uses))
    products = np.concatenate([np.zeros(first, bool), codes == _NUMBERS["mul"]]) & (uses == 1)
    sums = np.flatnonzero(codes == _NUMBERS["add"])
    left, right = operands[:2, sums]
    of_right, of_left = products[right], products[left]
    product, other = np.where(of_right, right, left), np.where(of_right, left, right)
    fuses = of_right | of_left
    sums, product, other = sums[fuses], product[fuses] - first, other[fuses]
    codes[sums] = _NUMBERS["multiply_add"]
    operands[:, sums] = np.stack([*operands[:2, product], other])
    needed = np.ones(len(codes), bool)
    needed[product] = False
    codes, operands, steps = codes[needed], operands[:, needed], first + np.flatnonzero(needed)
    fused = codes == _NUMBERS["multiply_add"]
    joins = np.zeros(len(codes), bool)
    joins[1:] = fused[1:] & fused[:-1] & (operands[2, 1:] == steps[:-1]) & (uses[steps[:-1]] == 1)
    return codes, operands, steps, joins


def _scheduled(tape: ArrayTape) -> tuple[Any, Any, Any, Any, Any]:
    """Return the orders of a tape, in the order in which they are done, the copies of its results at the end.

    Returns:
        the numbers of their operations, the steps of their operands, the steps that they do (the copies do none), how
        many of them each sum of products has, 1 for other orders, and of each of these the number of its block.

    """
    import numpy as np

    codes, columns, steps, joins = _orders(tape)
    heads = np.flatnonzero(~joins)
    lengths = np.diff(heads, append=len(codes))
    block = np.arange(len(heads), dtype=np.int32)
    alone = heads[(lengths == 1) & ((codes[heads] == _NUMBERS["mul"]) | (codes[heads] == _NUMBERS["multiply_add"]))]
    shared, other = np.maximum(*columns[:2, alone]), np.minimum(*columns[:2, alone])  # one was computed last for all
    if 2 * np.count_nonzero(shared[2:] == shared[:-2]) > len(alone):
        columns[0, alone], columns[1, alone] = shared, other
        block = _blocks(tape, columns, steps, joins, heads)
        moved = np.flatnonzero(np.bincount(block)[block] >= FEWEST)
        firsts = heads[moved]
        kinds = np.where(lengths[moved] == 1, codes[firsts], _NUMBERS["dot"])
        products = (kinds == _NUMBERS["mul"]) | (kinds == _NUMBERS["multiply_add"])
        shared, other = products * columns[:2, firsts]
        order = np.arange(len(heads))
        order[moved] = moved[np.lexsort([other, shared, kinds, block[moved]])]
        lengths = lengths[order]
        members = np.repeat(heads[order] - np.cumsum(lengths) + lengths, lengths) + np.arange(len(codes))
        codes, columns, steps = codes[members], columns[:, members], steps[members]
    results = np.zeros((3, len(tape.results)), np.int32)
    results[0] = tape.results
    return (
        np.concatenate([codes, np.full(len(tape.results), _NUMBERS["copy"], np.int32)]),
        np.concatenate([columns, results], axis=1),
        steps,
        np.concatenate([lengths, np.ones(len(tape.results), lengths.dtype)]),
        np.concatenate([block, np.full(len(tape.results), len(block), np.int32)]),
    )


def _blocks(tape: ArrayTape, columns: Any, steps: Any, joins: Any, heads: Any) -> Any:
    """Return the number of each order's block: of a run of orders of which none takes a result of another."""
    import numpy as np

    makers = np.full(tape.first + len(tape.codes), -1, np.int32)  # which order makes a step
    makers[steps] = np.cumsum(~joins) - 1
    latest = makers[columns[2]]
    latest[joins] = -1
    for column in columns[:2]:
        np.maximum(latest, makers[column], out=latest)
    begins, begin = [], 0
    for at, needed in enumerate(np.maximum.reduceat(latest, heads).tolist() if len(heads) else ()):
        if needed >= begin:
            begin = at
            begins.append(at)
    block = np.zeros(len(heads), np.int32)
    block[begins] = 1
    return np.cumsum(block, dtype=np.int32)


def _rows(kinds: Any, operands: Any, size: int, block: Any) -> Any:
    """Return how many orders each does, given the places of operands: 1, those of the row it begins, 0 within a row."""
    import numpy as np

    at = 1 + np.flatnonzero((block[1:] == block[:-1]) & (kinds[1:] == kinds[:-1]))
    further = (operands[:, at] - operands[:, at - 1]).T
    strides = np.full((len(OPERATIONS), 3), -1)
    for name, apart in ROWS.values():
        strides[_NUMBERS[name]] = apart
    joins = np.zeros(len(kinds), bool)
    joins[at] = (further == strides[kinds[at]] * size).all(axis=1) & (strides[kinds[at], 0] >= 0)
    heads = np.flatnonzero(~joins)
    lengths = np.diff(heads, append=len(kinds))
    counts = np.repeat((lengths < FEWEST).astype(np.int32), lengths)
    long = lengths >= FEWEST
    counts[heads[long]] = lengths[long]
    return counts
