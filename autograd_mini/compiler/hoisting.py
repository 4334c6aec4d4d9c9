"""Choices moved to where fewer operations are done: from results to operands, and from products to factors."""

from __future__ import annotations

from autograd_mini.compiler.builder import Builder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.compiler.tape import Tape

DEEPEST = 8
"""Maximum depth to which choices are moved."""


def hoist(builder: Builder, name: str, operands: tuple[int, ...]) -> int | None:
    """Move a choice between two results of one operation to its operands, so that the operation is done once.

    The two branches of tanh's derivative, functions of exp(2x) and of exp(-2x), become one.
    """
    if name != "select":
        return None
    condition, x, y = operands
    return _hoisted(builder, condition, x, y, depth=0)


def _hoisted(b: Builder, condition: int, x: int, y: int, depth: int) -> int | None:
    this, other = b.steps[x], b.steps[y]
    if depth < DEEPEST:
        for whole, part in ((x, y), (y, x)):  # where(c, g, g * a) is g * where(c, 1, a)
            step = b.steps[part]
            if step[0] == "mul" and whole in step[1:]:
                factor = step[2] if step[1] == whole else step[1]
                one = b.constant(1.0)
                return b.step(
                    "mul", whole, b.step("select", condition, *((one, factor) if whole == x else (factor, one)))
                )
    if this[0] != other[0] or this[0] in {"input", "constant", "select"} or depth >= DEEPEST:
        return None
    pairs = list(zip(this[1:], other[1:], strict=True))
    if this[0] in {"add", "mul"} and len({*this[1:], *other[1:]}) == 3 and this[1] != other[1] and this[2] != other[2]:
        pairs = [(this[1], other[2]), (this[2], other[1])]  # the shared operand stands on different sides
    if sum(a != c for a, c in pairs) > 1 and this[0] in {"add", "sub", "mul", "and", "or"} and depth == 0:
        return None  # two choices for one cheap operation do not pay
    chosen = [a if a == c else _chosen(b, condition, a, c, depth + 1) for a, c in pairs]
    return b.step(this[0], *chosen)


def _chosen(b: Builder, condition: int, x: int, y: int, depth: int) -> int:
    found = _hoisted(b, condition, x, y, depth)
    return b.step("select", condition, x, y) if found is None else found


def split(tape: Tape) -> Tape:
    """Choose between factors and 0 where that takes fewer choices than between products and 0.

    The gradient by a matrix of weights has a product for each weight, of few factors. If all hang on one condition it
    is asked once for each factor, and the sums of the products over samples are done as for any other matrix.
    """
    steps = tape.steps
    zero = next((at for at, step in enumerate(steps) if step[0] == "constant" and str(step[1]) == "0.0"), None)
    guarded = {
        at: (step[1], *steps[step[2]][1:])
        for at, step in enumerate(steps)
        if step[0] == "select" and step[3] == zero and steps[step[2]][0] == "mul"
    }
    factors: dict[int, set[int]] = {}
    products: dict[int, int] = {}
    for condition, x, y in guarded.values():
        factors.setdefault(condition, set()).update((x, y))
        products[condition] = products.get(condition, 0) + 1
    fewer = {condition for condition, count in products.items() if len(factors[condition]) < count}
    if not fewer:
        return tape
    builder = Builder(tape.inputs)
    places: list[int] = []
    for at, step in enumerate(steps):
        if step[0] == "input":
            places.append(builder.input(step[1]))
        elif step[0] == "constant":
            places.append(builder.constant(step[1]))
        elif at in guarded and step[1] in fewer:
            condition, *pair = [places[operand] for operand in guarded[at]]
            places.append(builder.step("mul", *[builder.step("select", condition, x, 0.0) for x in pair]))
        else:
            places.append(builder.step(step[0], *[places[operand] for operand in step[1:]]))
    return builder.finished([places[at] for at in tape.results])
