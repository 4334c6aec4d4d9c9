"""Path conditions: the condition under which the backward pass comes to a node of a traced graph.

Eager code runs one branch of a `where`, and its backward pass never visits the other. Compiled code computes both. So
that the branch not taken adds nothing at all, not 0 times an infinite derivative, each share that leaves a node is
taken only under the condition that the node is reached. An entry of a table is reached where a lookup picks it.

A condition is kept as alternatives, each a set of literals (condition, whether it holds): reached if all the literals
of one alternative hold. The empty set is always reached.
"""

from __future__ import annotations

from math import isfinite

from autograd_mini.compiler import gathers
from autograd_mini.compiler.tape import GATHERS
from autograd_mini.compiler.tracer import condition as compared
from autograd_mini.engine.operators import where
from autograd_mini.engine.ops import CHOICE
from autograd_mini.engine.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from autograd_mini.compiler.tracer import TracedBool

    Alternative = frozenset[tuple[TracedBool, bool]]
    Reach = frozenset[Alternative]

ALWAYS: Reach = frozenset([frozenset()])
MOST = 8
"""Maximum alternatives of a path condition; more are joined into a condition of their own."""


def adjoints(y: Value, wanted: Any, nodes: Any, leading: Any, seed: Any, operands_of: Any) -> dict[Value, Any]:
    """Return the adjoints of the nodes between y and those that are wanted; see `graph.adjoints_of`."""
    adjoints = _Adjoints(y, seed)
    looks_up = any(isinstance(node, gathers.TracedArray) for node in nodes)
    for node in reversed(nodes):
        if node not in leading or node not in adjoints.found or not (operands := operands_of(node)):
            continue
        adjoint, here, held = adjoints.of(node)
        chooses, places = _chooses(node), gathers.places(node) if looks_up else []
        if looks_up and (looked_up := gathers.looked_up(node)) is not None:
            adjoints.takes.setdefault(looked_up[0], []).append((looked_up[1], here))
        there, after = here, held
        for at, (operand, times_partial) in enumerate(zip(operands, node.times_partials(), strict=True)):
            if operand not in leading:
                continue
            if chooses:
                there = _narrowed(here, (node._k[0], at == 0))
                if not there:  # under contradicting conditions: never
                    continue
                after = held if held is ALWAYS else there
            elif places and operand._pull is not None and (picked := adjoints.picked(node, places[at])) is not None:
                there = _narrowed(here, (picked, True))
            share = adjoint if chooses and held is not ALWAYS else times_partial(node, adjoint)
            adjoints.add(operand, share, there, after)
    for node in wanted:
        if node in adjoints.pending:
            adjoints.settle(node)
    return adjoints.found


class _Adjoints:
    """The adjoints found so far.

    The choice between a share and nothing is put off as long as all of an adjoint hangs on one condition: `pending`
    has the nodes whose adjoint in `found` is what it should be only where that condition holds, and 0 elsewhere.
    """

    def __init__(self, y: Value, seed: Any) -> None:
        self.found: dict[Value, Any] = {y: seed}
        self.reached: dict[Value, Reach] = {y: ALWAYS}
        self.pending: dict[Value, Reach] = {}
        self.takes: dict[Value, list[tuple[Value | float, Reach]]] = {}  # of arrays, by which index, and where
        self._made: dict[Reach, TracedBool] = {}
        self._hits: dict[Value, Value] = {}

    def picked(self, array: Value, at: Value | float) -> TracedBool | None:
        """Return the condition that something takes the number at a place of an array; None if it always does."""
        takes = self.takes[array]
        always = {index for index, reach in takes if reach is ALWAYS and not isinstance(index, Value)}
        if len(always) == gathers.length(array) or (not isinstance(at, Value) and at in always):
            return None
        if array not in self._hits:
            hits = [
                (i, 1.0 if reach is ALWAYS else where(_condition(reach, self._made), 1.0, 0.0)) for i, reach in takes
            ]
            self._hits[array] = gathers.Pairs(hits).scattered(array)
        return compared("ne", gathers.picked(self._hits[array], at), 0.0)

    def of(self, node: Value) -> tuple[Any, Reach, Reach]:
        """Return a node's adjoint, where it is reached, and the condition that its shares are to be put under."""
        here = self.reached[node]
        if here is ALWAYS:
            return self.found[node], here, here
        held = self.pending.get(node, ALWAYS)
        if held is not ALWAYS and held != here:
            self.settle(node)
            held = ALWAYS
        if held is ALWAYS and not _harmless(node):
            held = here
        return self.found[node], here, held

    def add(self, node: Value, share: Any, there: Reach, held: Reach) -> None:
        """Add a share to the adjoint of a node, which is reached there; elsewhere than `held` it counts as 0."""
        if node not in self.found:
            self.found[node], self.reached[node] = share, there
            if held is not ALWAYS:
                self.pending[node] = held
            return
        before = self.pending.get(node, ALWAYS)
        if before is not held and before != held:
            self.settle(node)
            share = self._guarded(share, held)
        self.found[node] = self.found[node] + share
        if there is not ALWAYS or self.reached[node] is not ALWAYS:
            self.reached[node] = _either(self.reached[node], there, self._made)

    def settle(self, node: Value) -> None:
        """Make the adjoint of a node 0 where its condition does not hold."""
        self.found[node] = self._guarded(self.found[node], self.pending.pop(node, ALWAYS))

    def _guarded(self, adjoint: Any, held: Reach) -> Any:
        if held is ALWAYS:
            return adjoint
        holds = _condition(held, self._made)
        return adjoint.under(holds) if isinstance(adjoint, gathers.Pairs) else where(holds, adjoint, 0.0)


def _chooses(node: Value) -> bool:
    """Return whether a node is a `where` whose condition is not known."""
    rule: Any = node._pull.rule  # type: ignore[union-attr]  # only computed nodes are asked
    return rule.op is CHOICE and rule.active == "xy"


def _harmless(node: Value) -> bool:
    """Return whether an adjoint of 0 gives shares of 0, whatever the operands are."""
    rule: Any = node._pull.rule  # type: ignore[union-attr]  # only computed nodes are asked
    if rule.op.name in {"add", "sub", "neg"} or rule.op is CHOICE or rule.op.name in GATHERS:
        return True
    return rule.op.name == "mul" and len(rule.active) == 1 and isfinite(node._k)


def _narrowed(reach: Reach, literal: tuple[TracedBool, bool]) -> Reach:
    condition, holds = literal
    return frozenset([path | {literal} for path in reach if (condition, not holds) not in path])


def _either(this: Reach, other: Reach, made: dict[Reach, TracedBool]) -> Reach:
    """Return the union, with c and not c joined to always, and alternatives left out that another one includes."""
    paths = set(this | other)

    def twins() -> tuple[Alternative, Alternative, Alternative] | None:
        """Return two paths that one condition tells apart, and what they have in common."""
        for path in paths:
            for condition, holds in path:
                common = path - {(condition, holds)}
                if (twin := common | {(condition, not holds)}) in paths:
                    return path, twin, common
        return None

    while found := twins():
        paths = paths.difference(found[:2]) | {found[2]}
    least = frozenset([path for path in paths if not any(other < path for other in paths)])
    if least == ALWAYS:
        return ALWAYS
    return least if len(least) <= MOST else frozenset([frozenset([(_condition(least, made), True)])])


def _condition(reach: Reach, made: dict[Reach, TracedBool]) -> TracedBool:
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
