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
)
"""The operations of the interpreter, in the order of their numbers.

`dot` adds products to a number, one after another: its operands are how many there are and the place of the number, and
the places of the factors stand in the orders behind it, two products in each.
`take` copies an entry of an array, given where it begins and the index; `collect` adds a number to such an entry, and
its own result is that number.
"""

HALT = len(OPERATIONS)
_NUMBERS = {name: number for number, name in enumerate(OPERATIONS)}

LONG = 5_000
"""Minimum steps of a tape whose bytecode is written by NumPy."""


class Bytecode:
    """A tape as an array of numbers, four to an order, for the interpreter.

    An order is the number of its operation and the places of up to three operands. Where its result goes is not said:
    each order has the place after that of the order before it. The places lie in one array: the inputs of the program,
    its constants, the results of the orders. The last orders copy the results of the program, so that they lie side by
    side.

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
        codes, columns, steps, joins = _orders(tape)
        heads = np.flatnonzero(~joins)
        lengths = np.diff(heads, append=len(codes))
        ends = np.cumsum(np.where(lengths > 1, 1 + (lengths + 1) // 2, 1))
        begins = ends - np.diff(ends, prepend=0)
        self.results = self.first + len(heads)
        self.room = self.results + len(tape.results)
        if self.room * size >= 1 << 31:
            raise OverflowError(f"the program has {self.room} numbers, expected fewer: compile parts of it")
        places = np.zeros(first + len(tape.codes), np.int32)
        places[:first] = [*tape.given, *range(tape.inputs, self.first)]
        places[steps] = self.first - 1 + np.cumsum(~joins)
        places *= size
        orders = np.zeros((int(ends[-1:].sum()) + len(tape.results) + 1, 4), np.int32)
        orders[begins, 0] = codes[heads]
        for slot, column in enumerate(columns, start=1):
            orders[begins, slot] = places[column[heads]]
        chains = np.flatnonzero(lengths > 1)
        orders[begins[chains], 0] = _NUMBERS["dot"]
        orders[begins[chains], 1] = lengths[chains]
        orders[begins[chains], 2] = places[columns[2, heads[chains]]]
        within = np.flatnonzero(np.repeat(lengths > 1, lengths))
        chain = np.repeat(np.arange(len(heads)), lengths)[within]
        at = 4 * (begins[chain] + 1) + 2 * (within - heads[chain])
        orders.ravel()[at], orders.ravel()[at + 1] = places[columns[:2, within]]
        end = len(orders) - 1 - len(tape.results)
        orders[end:-1, 0] = _NUMBERS["copy"]
        orders[end:-1, 1] = places[tape.results]
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
