"""A comparison: two graphs in one picture, with what was added, removed and changed marked in words and colours."""

from __future__ import annotations

from collections import Counter
from difflib import SequenceMatcher

from autograd_mini.engine.graph import check_value
from autograd_mini.engine.value import Value
from autograd_mini.viz.diagram import (
    Diagram,
    badge_of,
    constant_card,
    describe,
    kind_of,
)
from autograd_mini.viz.drawing import DRAWABLE, picture
from autograd_mini.viz.long_sums import Shown
from autograd_mini.viz.text import figure, gradient_text, names, value_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.viz.diagram import Card
    from autograd_mini.viz.picture import Picture

    Signature = tuple[str, str, int]
    Keys = dict[tuple[str, Value] | tuple[str, Value, int], str]
    """The key of the card of a value, and of the plain number at a position of an operation, in either graph."""


def compare(y1: Value, y2: Value, rankdir: str = "LR") -> Picture:
    """Return the picture of two graphs in one: what was added, removed and changed.

    Two values are taken for the same if they have the same operation and label and stand at corresponding places. A
    card says "added", "removed" or "changed", and a number that changed is shown as "old → new". A leaf that was
    assigned after y1 was computed, such as a weight after an optimiser's step, says "assigned since": its old number is
    lost.

    Args:
        y1: the result before.
        y2: the result after.
        rankdir: which way the arrows run: "LR", "RL", "TB" or "BT".

    Returns:
        A graphviz.Digraph, as `draw` does.

    Raises:
        TypeError: if y1 or y2 is no Value.
        ValueError: if rankdir is none of these, or there are more values than can be drawn.

    >>> x = Value(2.0, label="x")
    >>> print(compare(x * 3, x * 3 + 1).diagram.about)
    Comparison of two graphs: 1 values added, 0 removed, 0 changed, 2 the same.

    """
    for name, given in (("y1", y1), ("y2", y2)):
        check_value(name, given)
    old, new = Shown([y1]), Shown([y2])
    if old.size + new.size > DRAWABLE:
        raise ValueError(
            f"the graphs have {old.count} and {new.count} values, more than the {DRAWABLE} that can be drawn: compare "
            "parts of them, such as compare(y1.args[0], y2.args[0])"
        )
    return picture()(_compared(old, new, rankdir))


def _compared(old: Shown, new: Shown, rankdir: str) -> Diagram:
    before = _matched(old, new)  # for each new node the old one
    kept = set(before.values())
    assigned = {o for node in old.nodes for o in old.args(node) if isinstance(o, Value) and o._tick > node._tick}
    diagram = Diagram(rankdir)
    keys: Keys = {}
    for which, shown, fresh in (("new", new, "added"), ("old", old, "removed")):
        called = names(shown.nodes)
        for node in shown.nodes:
            if shown is old and node in kept:
                continue
            former = before.get(node) if shown is new else None
            mark = "" if former is not None else fresh
            _constants(diagram, keys, (which, node), shown, mark)
            card = diagram.card(kind_of(node), called[node], badge_of(node, shown))
            keys[which, node] = card.key
            describe(card, node)
            card.mark = mark
            if former is not None:
                card.mark = _changes(card, node, former, old, new)
            else:
                card.rows.append(("change", mark))
            if shown is new and node in assigned:
                card.rows.append(("change", "assigned since"))
                card.mark = "changed"
    for node, former in before.items():
        keys["old", former] = keys["new", node]
    _wires(diagram, keys, new, old)
    diagram.measure()
    values = [card for card in diagram.cards if card.kind != "constant"]
    counts = [sum(card.mark == mark for card in values) for mark in ("added", "removed", "changed", "")]
    diagram.about = "Comparison of two graphs: {} values added, {} removed, {} changed, {} the same.".format(*counts)
    return diagram


def _constants(diagram: Diagram, keys: Keys, owner: tuple[str, Value], shown: Shown, mark: str) -> None:
    which, node = owner
    for position, operand in enumerate(shown.args(node)):
        if not isinstance(operand, Value):
            card = constant_card(diagram, operand)
            card.mark = mark
            keys[which, node, position] = card.key


def _matched(old: Shown, new: Shown) -> dict[Value, Value]:
    """Return the old node of each new node that has one: shared nodes, then those alike in the same order."""
    known = set(old.nodes)
    before: dict[Value, Value] = {node: node for node in new.nodes if node in known}
    first = [node for node in old.nodes if node not in before]
    second = [node for node in new.nodes if node not in before]
    signatures = [_signature(node, old) for node in first], [_signature(node, new) for node in second]
    blocks = SequenceMatcher(None, *signatures, autojunk=False)
    for start, other, size in blocks.get_matching_blocks():
        before |= dict(zip(second[other : other + size], first[start : start + size], strict=True))
    return before


def _signature(node: Value, shown: Shown) -> Signature:
    """Return what two values have in common that are taken for the same; a long sum is one whatever its length."""
    return node.op or kind_of(node), node.label, 0 if node in shown.terms else len(node.args)


def _changes(card: Card, node: Value, former: Value, old: Shown, new: Shown) -> str:
    """Write what changed on a card and return the mark."""
    plain = [
        (figure(a), figure(b))
        for a, b in zip(old.args(former), new.args(node), strict=False)
        if not isinstance(a, Value) and not isinstance(b, Value)
    ]
    pairs = [
        ("value", value_text(former.data), value_text(node.data)),
        ("grad", gradient_text(former.grad if former.has_grad else None), card.rows[1][1]),
        *(("constant", was, now) for was, now in plain if was != now),
    ]
    card.rows = [(word, now if was == now else f"{was} → {now}") for word, was, now in pairs]
    if all(was == now for _, was, now in pairs):
        return ""
    card.rows.append(("change", "changed"))
    return "changed"


def _wires(diagram: Diagram, keys: Keys, new: Shown, old: Shown) -> None:
    """Draw every wire of either graph once, marked if only one of them has it."""

    def ends(which: str, shown: Shown) -> list[tuple[str, str]]:
        found = []
        for node in shown.nodes:
            for position, operand in enumerate(shown.args(node)):
                place = (which, operand) if isinstance(operand, Value) else (which, node, position)
                if place in keys:  # what is the same in both graphs has the numbers of the new one
                    found.append((keys[place], keys[which, node]))
        return found

    now, then = ends("new", new), ends("old", old)
    left = Counter(then)
    fresh = {card.key for card in diagram.cards if card.mark == "added"}
    numbers = {card.key for card in diagram.cards if card.kind == "constant"}
    for pair in now:
        wire = diagram.wire(*pair, "in both graphs", flowing=pair[0] not in numbers)
        if left[pair]:
            left[pair] -= 1
        elif pair[0] not in numbers or pair[1] in fresh:
            wire.mark, wire.tip = "added", "added"
    for pair in left.elements():
        wire = diagram.wire(*pair, "removed", flowing=False)
        wire.mark = "removed"
