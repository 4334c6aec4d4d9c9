"""Reach: the condition under which the backward pass comes to a node of a traced graph.

Eager code runs one branch of a `where`, and its backward pass never visits the other. Compiled code computes both. So
that the branch not taken adds nothing at all, not 0 times an infinite derivative, each share that leaves a node is
taken only under the condition that the node is reached.

A condition is kept as alternatives, each a set of literals (condition, whether it holds): reached if all the literals
of one alternative hold. The empty set is always reached.
"""

from __future__ import annotations

from math import isfinite

from autograd_mini.choice import where
from autograd_mini.ops import CHOICE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from autograd_mini.compiler.symbols import Condition
    from autograd_mini.value import Value

    Alternative = frozenset[tuple[Condition, bool]]
    Reach = frozenset[Alternative]

ALWAYS: Reach = frozenset([frozenset()])
MOST = 8
"""So many alternatives are kept apart; more are joined into a condition of their own."""


def adjoints(y: Value, nodes: Any, leading: Any, seed: Any, operands_of: Any) -> dict[Value, Any]:
    """Return the adjoints of the nodes between y and those that are wanted; see `graph.adjoints_of`."""
    found: dict[Value, Any] = {y: seed}
    reached: dict[Value, Reach] = {y: ALWAYS}
    made: dict[Reach, Condition] = {}
    for node in reversed(nodes):
        if node not in leading or node not in found or not (operands := operands_of(node)):
            continue
        here = reached[node]
        guard = None if here == ALWAYS or _harmless(node) else _condition(here, made)
        for at, (operand, times_partial) in enumerate(zip(operands, node.partials(), strict=True)):
            if operand not in leading:
                continue
            share = times_partial(node, found[node])
            if guard is not None:
                share = where(guard, share, 0.0)
            there = _narrowed(here, (node._k[0], at == 0)) if _chooses(node) else here
            if not there:  # under contradicting conditions: never
                continue
            if operand in found:
                found[operand] = found[operand] + share
                reached[operand] = _either(reached[operand], there, made)
            else:
                found[operand], reached[operand] = share, there
    return found


def _chooses(node: Value) -> bool:
    """Return whether a node is a `where` whose condition is not known."""
    rule: Any = node._pull.rule  # type: ignore[union-attr]  # only computed nodes are asked
    return rule.op is CHOICE and rule.variant == "xy"


def _harmless(node: Value) -> bool:
    """Return whether an adjoint of 0 gives shares of 0, whatever the operands are."""
    rule: Any = node._pull.rule  # type: ignore[union-attr]  # only computed nodes are asked
    if rule.op.name in {"add", "sub", "neg"} or rule.op is CHOICE:
        return True
    return rule.op.name == "mul" and len(rule.variant) == 1 and isfinite(node._k)


def _narrowed(reach: Reach, literal: tuple[Condition, bool]) -> Reach:
    condition, holds = literal
    return frozenset([path | {literal} for path in reach if (condition, not holds) not in path])


def _either(this: Reach, other: Reach, made: dict[Reach, Condition]) -> Reach:
    """Return the union, with c and not c joined to always, and alternatives left out that another one includes."""
    paths = set(this | other)
    again = True
    while again:
        again = False
        for path in list(paths):
            for condition, holds in path:
                twin = (path - {(condition, holds)}) | {(condition, not holds)}
                if twin in paths:
                    paths -= {path, twin}
                    paths.add(path - {(condition, holds)})
                    again = True
                    break
            if again:
                break
    least = frozenset([path for path in paths if not any(other < path for other in paths)])
    return least if len(least) <= MOST else frozenset([frozenset([(_condition(least, made), True)])])


def _condition(reach: Reach, made: dict[Reach, Condition]) -> Condition:
    """Return the condition as a symbol."""
    if reach not in made:
        whole: Any = None
        for path in sorted(reach, key=lambda path: sorted((c._tick, holds) for c, holds in path)):
            part: Any = None
            for condition, holds in sorted(path, key=lambda literal: literal[0]._tick):
                literal = condition if holds else ~condition
                part = literal if part is None else part & literal
            whole = part if whole is None else whole | part
        made[reach] = whole
    return made[reach]
