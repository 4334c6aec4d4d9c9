"""Passes: each makes a tape smaller without changing what it computes, nan, infinities and -0.0 included.

Only a power that becomes products may round differently. A rule looks at one step and returns the number of a step to
use in its place, or None. `rewritten` applies a rule to every step in order; `Tape.pruned` leaves out what no result
needs.
"""

from __future__ import annotations

import operator

from autograd_mini.compiler.builder import Builder
from autograd_mini.compiler.choices import hoist, split
from autograd_mini.compiler.identities import simplify
from autograd_mini.compiler.tape import Tape
from autograd_mini.engine import rules
from autograd_mini.engine.ops import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Rewriting = Callable[[Builder, str, tuple[int, ...]], int | None]

_LOGIC: dict[str, Callable[..., Any]] = {
    **{name: getattr(operator, name) for name in ("lt", "le", "gt", "ge", "eq", "ne")},
    "not": lambda x: not x,
}
"""The conditions on numbers, and `not`; a choice and the other conditions need only one operand to be known."""


_CHOOSING = frozenset({"select", "and", "or"})


def rewritten(tape: Tape, rule: Rewriting) -> Tape:
    """Return the tape with a rule applied to every step; steps that become equal become one."""
    builder = Builder(tape.inputs)
    steps, known = builder.steps, builder.places
    places: list[int] = []
    for step in tape.steps:
        name = step[0]
        if name == "input":
            places.append(builder.input(step[1]))
        elif name == "constant":
            places.append(builder.constant(step[1]))
        else:
            # Most steps have two operands, and this loop is what compiling a long program waits for.
            operands = (places[step[1]], places[step[2]]) if len(step) == 3 else tuple([places[at] for at in step[1:]])
            found = rule(builder, name, operands)
            if found is None:
                made = (name, *operands)  # what follows is `builder.placed(made, made)`
                found = known.get(made)
                if found is None:
                    found = known[made] = len(steps)
                    steps.append(made)
            places.append(found)
    return builder.finished([places[at] for at in tape.results])


def fold(builder: Builder, name: str, operands: tuple[int, ...]) -> int | None:
    """Compute what has only constants as operands, and take the branch of a condition that is known."""
    steps = builder.steps
    if name in _CHOOSING:
        if name == "select" and steps[operands[0]][0] == "constant":
            return operands[1] if steps[operands[0]][1] else operands[2]
        if name != "select":
            for this, other in (operands, operands[::-1]):
                if steps[this][0] == "constant":
                    return other if steps[this][1] == (name == "and") else this
    for at in operands:
        if steps[at][0] != "constant":
            return None
    known = _LOGIC.get(name) or rules.compiled(TABLE[name]).floats
    return builder.constant(known(*[steps[at][1] for at in operands]))


def _has_known(tape: Tape) -> bool:
    """Return whether there is anything to fold, which is found out sooner than done."""
    known = {at for at, step in enumerate(tape.steps) if step[0] == "constant"}
    for step in tape.steps:
        name = step[0]
        if name in {"input", "constant"}:
            continue
        if step[1] in known and (name in _CHOOSING or known.issuperset(step[1:])):
            return True
        if name in {"and", "or"} and step[2] in known:
            return True
    return False


PASSES: dict[str, Callable[[Tape], Tape]] = {
    "fold": lambda tape: rewritten(tape, fold) if _has_known(tape) else tape,
    "simplify": lambda tape: rewritten(tape, simplify),
    "hoist": lambda tape: rewritten(tape, hoist) if any(step[0] == "select" for step in tape.steps) else tape,
    "split": split,
    "prune": Tape.pruned,
}
"""The passes in their order, by name."""


def optimised(tape: Tape) -> tuple[Tape, dict[str, int]]:
    """Return the tape after all passes, and the number of operations before and after each."""
    counts = {"traced": len(tape)}
    for name, apply in PASSES.items():
        tape = apply(tape)
        counts[name] = len(tape)
    return tape, counts
