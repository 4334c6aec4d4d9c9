"""A template: the steps that an operation of the table, or its derivative, stands for, over operands not known yet.

It is written once, by evaluating the formula of the table over a builder that folds constants and uses identities, and
put down as often as the operation occurs, for all of these at once. What is known of an operand, that it is a truth
value or which number it is, makes another template.
"""

from __future__ import annotations

from typing import NamedTuple

from autograd_mini.compiler.array_tape import NUMBERS
from autograd_mini.compiler.passes import fold, hoist, simplify
from autograd_mini.compiler.tape import LEAVES, TRUTHS, Builder, shares_over
from autograd_mini.engine.ops import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autograd_mini.compiler.tape import Operand

    Kind = float | str
    """What is known of an operand: its number, or TRUTH, or NUMBER."""

NUMBER, TRUTH = "number", "truth"
"""What an operand is of which no more is known."""


class Template(NamedTuple):
    """The steps of an operation, or of its derivative.

    Attributes:
        codes: the numbers of the operations.
        operands: for each its operands: ("operand", at), ("step", at) of the template, or ("constant", number).
        results: the results, likewise.

    """

    codes: list[int]
    operands: list[list[tuple[str, Any]]]
    results: list[tuple[str, Any]]


class Folding(Builder):
    """Makes a tape; a step that is known, or is another one, is not made."""

    def step(self, name: str, *operands: Operand) -> int:
        """Return the step that applies an operation."""
        known = tuple([at if type(at) is int else self.constant(at) for at in operands])
        found = fold(self, name, known)
        if found is None:
            found = simplify(self, name, known)
        if found is None and name == "select":
            found = hoist(self, name, known)
        return self.placed((name, *known), (name, *known)) if found is None else found


def value(name: str, kinds: Sequence[Kind]) -> Template:
    """Return the template of a row of the table, or of a condition, "where", "stop" or "take"."""
    builder = Folding(len(kinds))
    operands = _operands(builder, kinds)
    truths = [at for at, kind in zip(operands, kinds, strict=True) if kind == TRUTH]

    def truth(at: int) -> int:
        return at if at in truths else builder.truth(at)

    def number(at: int) -> int:
        return builder.step("select", at, 1.0, 0.0) if at in truths else builder.number(at)

    if name == "where":
        condition, this, otherwise = operands
        made = builder.step("select", truth(condition), number(this), number(otherwise))
    elif name == "stop":
        made = operands[0]
    elif name == "take":
        made = builder.placed(lookup := (name, operands[0], number(operands[1])), lookup)
    elif name in TRUTHS:
        made = builder.step(name, *map(truth if name in {"and", "or", "not"} else number, operands))
    else:
        made = builder.apply(name, *map(number, operands))
    return _finished(builder, [made])


def shares(name: str, kinds: Sequence[Kind], wanted: Sequence[int]) -> Template:
    """Return the template of what operands receive of the adjoint of a row: that times the partial derivatives.

    Args:
        name: the row of the table.
        kinds: what is known of its operands.
        wanted: the places of the operands.

    Returns:
        the template, whose operands are those of the row, its result, and the adjoint of that.

    """
    op, builder = TABLE[name], Folding(len(kinds) + 2)
    operands = _operands(builder, [*kinds, NUMBER, NUMBER])
    for at, kind in enumerate(kinds):
        if kind == TRUTH:
            operands[at] = builder.step("select", operands[at], 1.0, 0.0)
    made = [shares_over(op)[at](builder, *operands) for at in wanted]
    return _finished(builder, [at if type(at) is int else builder.constant(at) for at in made])


def _operands(builder: Builder, kinds: Sequence[Kind]) -> list[int]:
    return [builder.input(at) if isinstance(kind, str) else builder.constant(kind) for at, kind in enumerate(kinds)]


def _finished(builder: Builder, results: list[int]) -> Template:
    """Return what was built."""
    tape = builder.finished(results).pruned()
    known: list[tuple[str, Any]] = []
    codes: list[int] = []
    operands: list[list[tuple[str, Any]]] = []
    for step in tape.steps:
        if step[0] in LEAVES:
            known.append(("operand" if step[0] == "input" else "constant", step[1]))
        else:
            known.append(("step", len(codes)))
            codes.append(NUMBERS[step[0]])
            operands.append([known[at] for at in step[1:]])
    return Template(codes, operands, [known[at] for at in tape.results])
