"""Reverse mode on a tape: a program of columns becomes a tape, and its gradient more of the same tape.

The partial derivatives are the formulas of the table, evaluated over the builder of the tape, so that no graph of nodes
is made of them; constants are folded and identities used while steps are placed. Where a branch is chosen the adjoint
has to hang on its condition: such programs are differentiated as graphs, see `path_conditions`.
"""

from __future__ import annotations

from functools import cache

from autograd_mini.compiler.instructions import CONSTANT, LEAF, Instructions
from autograd_mini.compiler.passes import SPECIAL, fold, hoist, simplify
from autograd_mini.compiler.tape import BASIC, TRUTHS, Builder
from autograd_mini.engine.codegen import build, over_algebra
from autograd_mini.engine.formula import parse, scaled
from autograd_mini.engine.ops import CHOICE, TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from autograd_mini.compiler.tape import Operand, Tape
    from autograd_mini.engine.ops import Op

    Formula = tuple[Op, tuple[int, ...] | None]


MOST = 200
"""Maximum formulas of a program that are written for the constants in them."""


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


def lowered(table: Instructions, places: Sequence[int], inputs: int, wanted: Sequence[int] | None) -> Tape:
    """Return a program as a tape, with its gradient.

    Args:
        table: the program; to be differentiated it has one result.
        places: for each leaf which input it is.
        inputs: how many inputs there are.
        wanted: the inputs to differentiate by; None for no derivative. The derivatives follow what was asked for.

    """
    builder = _Folding(inputs)
    steps = _forward(table, places, builder)
    results = [builder.number(steps[row]) for row in table.results]
    if wanted is not None:
        adjoints = _backward(table, steps, builder, {*wanted}, places)
        results[table.given : table.given] = [adjoints.get(at, builder.constant(0.0)) for at in wanted]
    return builder.finished(results)


def lowered_checks(table: Instructions, places: Sequence[int], inputs: int) -> Tape:
    """Return the tape that tells of all that has to hold whether it does, 1.0 or 0.0, and its figure."""
    builder = _Folding(inputs)
    steps = _forward(table, places, builder, [row for holds, figure, *_ in table.checks for row in (holds, figure)])
    results = []
    for holds, figure, held, _ in table.checks:
        right = steps[holds] if held else builder.step("not", steps[holds])
        results += [builder.number(right), builder.number(steps[figure])]
    return builder.finished(results)


class _Folding(Builder):
    """Makes a tape; a step that is known, or is another one, is not made."""

    def __init__(self, inputs: int) -> None:
        super().__init__(inputs)
        self._formulas: dict[Any, tuple[Callable[..., list[int]], list[int]]] = {}

    def step(self, name: str, *operands: Operand) -> int:
        """Return the step that applies an operation."""
        known = tuple([at if type(at) is int else self.constant(at) for at in operands])
        found = fold(self, name, known)
        if found is None:
            found = simplify(self, name, known)
        if found is None and name == "select":
            found = hoist(self, name, known)
        return self.placed((name, *known), (name, *known)) if found is None else found

    def applied(self, formula: Formula, operands: Sequence[int]) -> list[int]:
        """Return the steps of the results of a formula, which are written once and put down as often as it occurs."""
        steps = self.steps
        numbers = tuple([steps[at][1] if steps[at][0] == "constant" else None for at in operands])
        key = formula, str(numbers)  # in which -0.0 is not 0.0
        known = self._formulas.get(key)
        if known is None and len(self._formulas) >= MOST:  # constants that differ at every use
            numbers = (None,) * len(operands)
            known = self._formulas.get(key := (formula, str(numbers)))
        if known is None:
            place, constants = _written(formula, numbers)
            known = self._formulas[key] = place, [self.constant(number) for number in constants]
        return known[0](steps, known[1], operands)

    def added(self, x: int, y: int) -> int:
        """Return the step of a sum."""
        if self.steps[x][0] in SPECIAL or self.steps[y][0] in SPECIAL:
            return self.step("add", x, y)
        made = ("add", x, y)
        return self.placed(made, made)

    def multiplied(self, x: int, y: int) -> int:
        """Return the step of a product."""
        if self.steps[x][0] in SPECIAL or self.steps[y][0] in SPECIAL:
            return self.step("mul", x, y)
        made = ("mul", x, y)
        return self.placed(made, made)


def _forward(
    table: Instructions, places: Sequence[int], builder: _Folding, results: Sequence[int] | None = None
) -> list[int]:
    """Return the step of each row that is used, by the table's results or by others; -1 for the rest."""
    first, second, third = table.operands
    kinds = {"add": builder.added, "mul": builder.multiplied}
    names = [rule if rule is None or isinstance(rule, str) else rule.op.name for rule in table.rules]
    done = [kinds.get(name or "") for name in names]
    steps: list[int] = []
    put = steps.append
    for at, (code, used, x, y) in enumerate(zip(table.codes, table.used(results), first, second, strict=True)):
        if not used:
            put(-1)
        elif at in table.entries:
            made = ("table", *[builder.number(steps[row]) for row in table.entries[at]])
            put(builder.placed(made, made))
        elif code > CONSTANT:
            quick = done[code]
            if quick is None:
                put(_step(builder, names[code], [steps[row] for row in (x, y, third[at]) if row]))
            else:
                put(quick(steps[x], steps[y]))
        else:
            put(builder.input(places[x]) if code == LEAF else builder.constant(table.numbers[at]))
    return steps


def _step(builder: _Folding, name: Any, operands: list[int]) -> int:
    """Return the step that a row ends in."""
    if name == "where":
        condition, this, otherwise = operands
        return builder.step("select", builder.truth(condition), builder.number(this), builder.number(otherwise))
    if name == "stop":
        return operands[0]
    if name == "take":
        made = (name, operands[0], builder.number(operands[1]))
        return builder.placed(made, made)
    if name in TRUTHS:
        turned = builder.truth if name in {"and", "or", "not"} else builder.number
        return builder.step(name, *map(turned, operands))
    numbers = [builder.number(at) if builder.steps[at][0] in TRUTHS else at for at in operands]
    if name in BASIC:
        return builder.step(name, *numbers)
    key = (name, *numbers)
    if key not in builder.places:
        builder.places[key] = builder.applied((TABLE[name], None), numbers)[0]
    return builder.places[key]


def _backward(
    table: Instructions, steps: list[int], builder: _Folding, wanted: set[int], places: Sequence[int]
) -> dict[int, int]:
    """Return the adjoints of the wanted inputs."""
    first, second, _ = table.operands
    codes, leading = table.codes, _leading(table, wanted, places)
    add, mul = [table.code_of(TABLE[name]) for name in ("add", "mul")]
    made = builder.steps
    put = made.append
    adjoints: dict[int, int] = {table.results[0]: builder.constant(1.0)}
    take, known = adjoints.pop, adjoints.get
    found: dict[int, int] = {}
    pairs: dict[int, list[int]] = {}  # of tables: indices, each with what the entry there receives
    lookup = table.rules.index("take") if table.entries else -1

    def times(x: int, y: int) -> int:
        """Return the step of a product; no other one is sought that is the same."""
        if made[x][0] in SPECIAL or made[y][0] in SPECIAL:
            return builder.step("mul", x, y)
        put(("mul", x, y))
        return len(made) - 1

    def give(row: int, share: Any) -> None:
        """Add a share to the adjoint of a row."""
        step, before = share if type(share) is int else builder.constant(share), known(row)
        if before is None:
            adjoints[row] = step
        elif made[before][0] in SPECIAL or made[step][0] in SPECIAL:
            adjoints[row] = builder.step("add", before, step)
        else:
            adjoints[row] = len(made)
            put(("add", before, step))

    for at in range(len(table) - 1, 0, -1):
        g = take(at, None) if leading[at] else None
        if g is None:
            continue
        code, x, y = codes[at], first[at], second[at]
        if code == lookup:
            pairs.setdefault(x, []).extend((steps[y], g))
            adjoints[x] = -1  # comes from the pairs
            continue
        if code == LEAF:
            found[places[x]] = builder.added(found[places[x]], g) if places[x] in found else g
            continue
        if code in (add, mul):
            for row, other in ((x, y), (y, x)):
                if leading[row]:
                    give(row, g if code == add else times(g, steps[other]))
            continue
        for row, share in _shares(table, builder, steps, leading, pairs, at, g):
            give(row, share)
    return found


def _shares(
    table: Instructions,
    builder: _Folding,
    steps: Sequence[int],
    leading: bytearray,
    pairs: dict[int, list[int]],
    at: int,
    g: int,
) -> Iterable[tuple[int, int]]:
    """Return the rows of the operands that lead on, each with the step of what it receives; g is the row's adjoint."""
    if at in pairs:
        scattered = builder.step("scatter", steps[at], *pairs[at])
        entries = [*enumerate(table.entries[at])]
        return [(row, builder.step("take", scattered, float(place))) for place, row in entries if leading[row]]
    rows = [row for row in (table.operands[0][at], table.operands[1][at]) if row]
    given = [*[builder.number(steps[row]) for row in rows], steps[at], g]
    wanted = tuple([place for place, row in enumerate(rows) if leading[row]])
    shares = builder.applied((table.rules[table.codes[at]].op, wanted), given)
    return zip([rows[place] for place in wanted], shares, strict=True)


def _leading(table: Instructions, wanted: set[int], places: Sequence[int]) -> bytearray:
    """Return for each row whether its adjoint matters: whether a derivative flows from it to a wanted input."""
    first, second, _ = table.operands
    found = bytearray(len(table))
    flows = [rule is not None and not isinstance(rule, str) for rule in table.rules]
    for at, code in enumerate(table.codes):
        if flows[code]:
            found[at] = found[first[at]] | found[second[at]]
        elif at in table.entries:
            found[at] = any(found[row] for row in table.entries[at])
        elif table.rules[code] == "take":
            found[at] = found[first[at]]
        elif code == LEAF and places[first[at]] in wanted:
            found[at] = 1
    return found


# --- formulas as steps that are known beforehand ---


def _written(formula: Formula, numbers: tuple[float | None, ...]) -> tuple[Callable[..., list[int]], list[float]]:
    """Return a function that puts down the steps of a formula, and the constants that it is to be given.

    Args:
        formula: a row of the table and None, for its value; or the places of operands, for g times the partials by
            these, of operands, result and g.
        numbers: what is known of the operands.

    Returns:
        the function (steps, constants, operands) -> results, and the constants.

    """
    op, wanted = formula
    builder = _Folding(len(numbers))
    operands = [builder.input(at) if known is None else known for at, known in enumerate(numbers)]
    if wanted is None:
        made = [builder.apply(op.name, *operands)]
    else:
        made = [_partials(op)[at](builder, *operands) for at in wanted]
    tape = builder.finished([at if type(at) is int else builder.constant(at) for at in made]).pruned()
    names, constants, lines = list[str](), list[float](), list[str]()
    for step in tape.steps:
        if step[0] == "input":
            names.append(f"x[{step[1]}]")
        elif step[0] == "constant":
            names.append(f"k[{len(constants)}]")
            constants.append(step[1])
        else:
            names.append(f"n + {len(lines)}")
            lines.append(f"    put(({step[0]!r}, {', '.join([names[at] for at in step[1:]])}))\n")
    results = ", ".join([names[at] for at in tape.results])
    text = f"def place(steps, k, x):\n    n, put = len(steps), steps.append\n{''.join(lines)}    return [{results}]\n"
    return build(f"{op.name} on a tape", text, {})["place"], constants


@cache
def _partials(op: Op) -> tuple[Callable[..., Any], ...]:
    """Return for each operand the function (builder, operands, result, g) -> the step of g times the partial."""
    made: list[Callable[..., Any]] = []
    for wanted, partial in zip(op.operands, op.partials, strict=True):
        formula = over_algebra(scaled(parse(partial, (*op.operands, "z"), own=op), "g"))
        text = f"def share(a, {', '.join(op.operands)}, z, g):\n    return {formula}\n"
        made.append(build(f"{op.name} times d{wanted} on a tape", text, {})["share"])
    return tuple(made)
