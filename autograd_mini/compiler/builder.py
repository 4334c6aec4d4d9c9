"""The builder of a tape, step by step.

>>> builder = Builder(inputs=2)
>>> x, y = builder.input(0), builder.input(1)
>>> tape = builder.finished([builder.add(builder.mul(x, y), 1.0)])
>>> print(tape)
def program(x0, x1):
    v1 = x0 * x1
    v2 = v1 + 1.0
    return v2,
"""

from __future__ import annotations

from math import copysign

from autograd_mini.compiler import formulas
from autograd_mini.compiler.tape import BASIC, TRUTHS, Tape
from autograd_mini.engine.ops import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from autograd_mini.compiler.tape import Step

    Operand = int | float


class Builder:
    """Makes a tape step by step. A step that is there already is not made again.

    For each operation there is a method that takes operands, step numbers (int) or constants (float), and returns the
    number of the step: it is the algebra that formulas are written out in.
    """

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.steps: list[Step] = []
        self.places: dict[Step, int] = {}

    def input(self, at: int) -> int:
        """Return the step of an input."""
        return self.placed(("input", at), ("input", at))

    def constant(self, number: float) -> int:
        """Return the step of a constant, a float or a bool."""
        # 0.0 == -0.0 == False and nan != nan, so the key says what the number is.
        key = ("constant", type(number), str(number), copysign(1.0, number))
        return self.placed(("constant", number), key)

    def step(self, name: str, *operands: Operand) -> int:
        """Return the step that applies an operation."""
        made = (name, *[at if type(at) is int else self.constant(at) for at in operands])
        return self.placed(made, made)

    def placed(self, step: Step, key: Step) -> int:
        """Return the number of a step, which is put at the end if there is none with this key."""
        at = self.places.get(key)
        if at is None:
            at = self.places[key] = len(self.steps)
            self.steps.append(step)
        return at

    def number(self, at: int) -> int:
        """Return a step as a number: a truth value becomes 1.0 or 0.0."""
        step = self.steps[at]
        if step[0] == "constant":
            return self.constant(float(step[1]))
        return self.step("select", at, 1.0, 0.0) if step[0] in TRUTHS else at

    def truth(self, at: int) -> int:
        """Return a step as a truth value."""
        step = self.steps[at]
        if step[0] == "constant":
            return self.constant(bool(step[1]))
        return at if step[0] in TRUTHS else self.step("ne", at, 0.0)

    def apply(self, name: str, *operands: Operand) -> int:
        """Return the step that a row of the table ends in, written out if machines do not have it."""
        return self.step(name, *operands) if name in BASIC else formulas.value(TABLE[name])(self, *operands)

    def __getattr__(self, name: str) -> Callable[..., int]:
        """Return the method for an operation."""
        renamed = {"where": "select", "all_of": "and", "any_of": "or"}.get(name, name)
        made: Callable[..., int]
        if renamed == "select" or renamed in TRUTHS or renamed in BASIC:
            made = lambda *operands: self.step(renamed, *operands)  # noqa: E731 - one line for each of three kinds
        elif renamed in TABLE:
            made = lambda *operands: self.apply(renamed, *operands)  # noqa: E731 - as above
        else:
            raise AttributeError(name)
        setattr(self, name, made)
        return made

    def finished(self, results: Iterable[int]) -> Tape:
        """Return the tape."""
        return Tape(self.steps, list(results), self.inputs)
