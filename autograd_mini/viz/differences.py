"""A difference: two graphs in one picture, with what was added, removed and changed marked in words and colours."""

from __future__ import annotations

from difflib import SequenceMatcher

from autograd_mini.engine.graph import order
from autograd_mini.engine.value import Value
from autograd_mini.viz.diagram import Diagram, describe, kind_of, shown_args
from autograd_mini.viz.drawing import DIRECTIONS, DRAWABLE, picture
from autograd_mini.viz.text import figure, gradient_text, names, symbol, value_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.viz.diagram import Card
    from autograd_mini.viz.picture import Picture

    Signature = tuple[str, str, int]


def diff(y1: Value, y2: Value, rankdir: str = "LR") -> Picture:
    """Return the picture of two graphs laid over each other.

    Two values are taken for the same if they have the same operation and label and stand at corresponding places. A
    card says "added", "removed" or "changed", and a number that changed is shown as "old → new".

    Args:
        y1: the result before.
        y2: the result after.
        rankdir: which way the arrows run: "LR", "RL", "TB" or "BT".

    Raises:
        TypeError: if y1 or y2 is no Value.
        ValueError: if there are more values than can be drawn.

    >>> x = Value(2.0, label="x")
    >>> print(diff(x * 3, x * 3 + 1).diagram.about)
    Comparison of two graphs: 1 values added, 0 removed, 0 changed, 2 the same.

    """
    for name, given in (("y1", y1), ("y2", y2)):
        if not isinstance(given, Value):
            raise TypeError(f"{name} is a Value; got {given!r} of type {type(given).__name__}")
    if rankdir not in DIRECTIONS:
        raise ValueError(f"rankdir is one of {', '.join(DIRECTIONS)}; got {rankdir!r}")
    old, new = order(y1), order(y2)
    if len(old) + len(new) > DRAWABLE:
        raise ValueError(
            f"the graphs have {len(old)} and {len(new)} values, more than the {DRAWABLE} that can be drawn: compare "
            "parts of them, such as diff(y1.args[0], y2.args[0])"
        )
    return picture()(_compared(old, new, rankdir))


def _compared(old: list[Value], new: list[Value], rankdir: str) -> Diagram:
    before = _matched(old, new)  # for each new node the old one
    gone = [node for node in old if node not in set(before.values())]
    diagram = Diagram(rankdir)
    called, formerly = names(new), names(old)
    keys: dict[tuple[str, Value], str] = {}
    for node in new:
        card = diagram.card(kind_of(node), called[node], symbol(node))
        keys["new", node] = card.key
        describe(card, node)
        card.mark = _mark(card, node, before.get(node))
    for node in gone:
        card = diagram.card(kind_of(node), formerly[node], symbol(node))
        keys["old", node] = card.key
        describe(card, node)
        card.mark = "removed"
        card.rows.append(("change", "removed"))
    for node, former in before.items():
        keys["old", former] = keys["new", node]
    _wires(diagram, keys, new, old)
    diagram.measure()
    counts = [sum(card.mark == mark for card in diagram.cards) for mark in ("added", "removed", "changed", "")]
    diagram.about = "Comparison of two graphs: {} values added, {} removed, {} changed, {} the same.".format(*counts)
    return diagram


def _matched(old: list[Value], new: list[Value]) -> dict[Value, Value]:
    """Return the old node of each new node that has one: shared nodes, then those alike in the same order."""
    before: dict[Value, Value] = {node: node for node in new if node in set(old)}
    first = [node for node in old if node not in before]
    second = [node for node in new if node not in before]
    blocks = SequenceMatcher(None, [*map(_signature, first)], [*map(_signature, second)], autojunk=False)
    for start, other, size in blocks.get_matching_blocks():
        before |= dict(zip(second[other : other + size], first[start : start + size], strict=True))
    return before


def _signature(node: Value) -> Signature:
    return node.op or kind_of(node), node.label, len(node.args)


def _mark(card: Card, node: Value, former: Value | None) -> str:
    """Write what changed on a card and return the mark."""
    if former is None:
        card.rows.append(("change", "added"))
        return "added"
    old_grad = former.grad if former.has_grad else None
    pairs = [
        ("value", value_text(former.data), value_text(node.data)),
        ("grad", gradient_text(old_grad), card.rows[1][1]),
    ]
    card.rows = [(word, new if old == new else f"{old} → {new}") for word, old, new in pairs]
    constants = [
        (figure(a), figure(b))
        for a, b in zip(shown_args(former), shown_args(node), strict=False)
        if not isinstance(a, Value) and not isinstance(b, Value)
    ]
    constants = [pair for pair in constants if pair[0] != pair[1]]
    card.rows += [("constant", f"{a} → {b}") for a, b in constants]
    changed = any(old != new for _, old, new in pairs) or constants
    if changed:
        card.rows.append(("change", "changed"))
    return "changed" if changed else ""


def _wires(diagram: Diagram, keys: dict[tuple[str, Value], str], new: list[Value], old: list[Value]) -> None:
    """Draw every wire of either graph once, marked if only one of them has it."""

    def ends(which: str, nodes: list[Value]) -> list[tuple[str, str]]:
        return [(keys[which, o], keys[which, node]) for node in nodes for o in node.args if isinstance(o, Value)]

    now, then = ends("new", new), ends("old", old)
    left = list(then)
    for pair in now:
        wire = diagram.wire(*pair, "in both graphs")
        if pair in left:
            left.remove(pair)
        else:
            wire.mark, wire.tip = "added", "added"
    for pair in left:
        wire = diagram.wire(*pair, "removed", flowing=False)
        wire.mark = "removed"
