"""Bytecode: a tape as an array of numbers, four to an order, for the interpreter.

An order is the number of its operation and the places of up to three operands. Where its result goes is not said: each
order has the place after that of the order before it. The places lie in one array: the inputs of the program, its
constants, the results of the orders. The last orders copy the results of the program, so that they lie side by side.
"""

from __future__ import annotations

from array import array

from autograd_mini.compiler.expansion import ADDED, WRITTEN_OUT, expanded
from autograd_mini.compiler.tape import BASIC, CONDITIONS, TRUTHS
from autograd_mini.engine.ops import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.compiler.tape import Tape

OPERATIONS = (*sorted((BASIC - WRITTEN_OUT) | ADDED | TRUTHS | {"round", "select"}), "multiply_add", "copy")
"""The operations of the interpreter, in the order of their numbers."""

HALT = len(OPERATIONS)
_NUMBERS = {name: number for number, name in enumerate(OPERATIONS)}


def arity(name: str) -> int:
    """Return how many operands an operation takes."""
    if name in {"select", "multiply_add"}:
        return 3
    if name in CONDITIONS or name in {"fmod", "copysign"}:
        return 2
    return len(TABLE[name].operands) if name in TABLE else 1


class Bytecode:
    """A program for the interpreter.

    Args:
        tape: the program.
        lanes: how many numbers lie at each place.

    Attributes:
        orders: the numbers; places are in bytes.
        constants: what lies after the inputs.
        inputs: how many inputs there are.
        first: the place of the first order's result, counted in places.
        results: the place of the first result of the program, likewise.
        room: how many places there are.

    >>> from autograd_mini.compiler.builder import Builder
    >>> b = Builder(2)
    >>> made = Bytecode(b.finished([b.add(b.mul(b.input(0), b.input(1)), 1.0)]), 1)
    >>> [OPERATIONS[number] for number in made.orders[:-4:4]], list(made.orders[1:4])
    (['multiply_add', 'copy'], [0, 8, 16])

    """

    def __init__(self, tape: Tape, lanes: int) -> None:
        tape = expanded(tape)
        size, steps = 8 * lanes, tape.steps
        fused = _fused(tape)
        within = set(fused.values())
        self.inputs, self.constants = tape.inputs, array("d")
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
            if at in fused:
                product = fused[at]
                other = step[2] if step[1] == product else step[1]
                put((_MULTIPLY_ADD, *[places[x] for x in steps[product][1:]], places[other]))
            else:
                put((_NUMBERS[step[0]], *[places[x] for x in step[1:]], 0, 0)[:4])
            places[at] = following
            following += size
        self.results = following // size
        for at in tape.results:
            put((_COPY, places[at], 0, 0))
        put((HALT, 0, 0, 0))
        self.room = self.results + len(tape.results)


_MULTIPLY_ADD, _COPY = _NUMBERS["multiply_add"], _NUMBERS["copy"]


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
