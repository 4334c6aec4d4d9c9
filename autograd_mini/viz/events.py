"""An event: one step of a forward or a backward pass with every number in it; traces and steppers show them."""

from __future__ import annotations

from types import MappingProxyType

from autograd_mini.engine.formula import written
from autograd_mini.engine.graph import check_value, order, unchanged
from autograd_mini.engine.value import Value
from autograd_mini.errors import aligned
from autograd_mini.viz.diagram import check_choice
from autograd_mini.viz.long_sums import LEVELS, Shown
from autograd_mini.viz.text import factor, figure, named, names, symbol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from autograd_mini.viz.partials import Flow

LISTED = 8
"""Maximum operands of a sum that are all named in its expression."""


class Contribution:
    """What one operand receives in a step of the backward pass.

    Attributes:
        operand: the operand.
        name: its name.
        formula: the local derivative in symbols: "w1"; "" if the rule has no formula.
        partial: the local derivative, a number.
        share: what it contributes: the node's gradient times the local derivative.
        before: the operand's gradient before it is added.
        after: the operand's gradient afterwards.

    """

    def __init__(self, flow: Flow, called: dict[Value, str], before: float) -> None:
        self.operand, self.name, self.position = flow.operand, called[flow.operand], flow.position
        self.formula, self.partial = flow.formula(called), flow.partial
        self.share = 0.0 if flow.share is None else flow.share
        self.before, self.after = before, before + self.share

    def __repr__(self) -> str:
        return f"{self.name}.grad: {figure(self.before)} + {figure(self.share)} = {figure(self.after)}"


class Event:
    """One step: a node computed (forward), the result's gradient set (seed), or a gradient propagated (backward).

    Attributes:
        phase: "forward", "seed" or "backward".
        node: the node.
        name: its name.
        label: its label, "" if it has none.
        value: its number.
        grad: its gradient, complete by now; 0.0 in the forward phase.
        expression: how it was computed, in symbols: "x1 × w1"; "" for a leaf.
        numbers: the same in numbers: "2 × −3".
        contributions: what each operand receives, in order.

    """

    def __init__(self, phase: str, node: Value, called: dict[Value, str], shown: Shown, grad: float = 0.0) -> None:
        self.phase, self.node, self.name = phase, node, called[node]
        self.value, self.grad = node.data, grad
        self.expression, self.numbers = expressions(node, called, shown)
        self.contributions: list[Contribution] = []

    @property
    def label(self) -> str:
        """The node's label."""
        return self.node.label

    def lines(self) -> list[str]:
        """Return the step in words and numbers, one line a fact."""
        if self.phase == "forward":
            if not self.expression:
                return [f"{self.name} = {figure(self.value)}"]
            same = "" if self.numbers == self.expression else f" = {self.numbers}"
            return [f"{self.name} = {self.expression}{same} = {figure(self.value)}"]
        if self.phase == "seed":
            return [f"{self.name}.grad = {figure(self.grad)}"]
        alike: dict[object, list[Contribution]] = {}  # in a long sum those with the same numbers are said together
        for part in self.contributions:
            numbers = (part.formula, *map(repr, (part.partial, part.share, part.before, part.after)))
            alike.setdefault(numbers if len(self.contributions) > 2 else part, []).append(part)
        return [*map(self._line, alike.values())]

    def _line(self, parts: list[Contribution]) -> str:
        """Return the line of operands that receive the same, most often of one."""
        part, result, operands = parts[0], named(self.name), [named(each.name) for each in parts]
        each = f"{operands[0]}.grad += ∂{result}/∂{operands[0]} · {result}.grad = "
        head = each if len(parts) == 1 else f"{_listed(operands, ', ')}: each .grad += "
        symbols = f"{as_factor(part.formula)} · {result}.grad = " if part.formula else ""
        return (
            f"{head}{symbols}{factor(part.partial)} × {factor(self.grad)} = "
            f"{figure(part.share)}   ({figure(part.before)} → {figure(part.after)})"
        )

    def __repr__(self) -> str:
        return f"<{self.phase} {self.name}: {'; '.join(self.lines())}>"


def steps(y: Value, forward: bool = False, seed: float = 1.0, level: str = "auto") -> list[Event]:  # noqa: FBT001, FBT002 - a plain switch
    """Return the backward pass of y as a list of events, in the order in which `backward` takes them.

    Nothing is changed: `backward` need not have been called, and no `grad` is read or written. An operand that a
    `where` did not take receives nothing and has no event.

    Args:
        y: the result to differentiate.
        forward: whether the events of the forward pass come before.
        seed: the gradient of y itself.
        level: "auto" for one event for a sum of six terms or more, "full" for one for every addition in it.

    Raises:
        TypeError: if y is no Value.
        ValueError: if `level` is neither of the two.
        StaleValueError: if a leaf was assigned after the graph used it.

    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> steps(a * b)
    [<seed v1: v1.grad = 1>,
     <backward v1: a.grad += ∂v1/∂a · v1.grad = b · v1.grad = (−3) × 1 = −3   (0 → −3);
                   b.grad += ∂v1/∂b · v1.grad = a · v1.grad = 2 × 1 = 2   (0 → 2)>]

    """
    check_value("y", y)
    unchanged(order(y))
    check_choice("level", level, LEVELS)
    return events_of(y, Shown([y], level), forward=forward, seed=float(seed))


def events_of(
    y: Value,
    shown: Shown,
    *,
    forward: bool = False,
    seed: float = 1.0,
    before: Mapping[Value, float] = MappingProxyType({}),
) -> list[Event]:
    """Return the events of what is shown of y's graph, whose nodes may have gradients before."""
    called = names(shown.nodes)
    events = [Event("forward", node, called, shown) for node in shown.nodes] if forward else []
    events.append(Event("seed", y, called, shown, seed))
    gradients = {**before, y: seed}
    for node in reversed(shown.nodes):
        if not node.op or node not in gradients:
            continue
        event = Event("backward", node, called, shown, gradients[node])
        for flow in shown.flows(node, gradients[node]):
            part = Contribution(flow, called, gradients.get(flow.operand, 0.0))
            gradients[flow.operand] = part.after
            event.contributions.append(part)
        events.append(event)
    return events


def expressions(node: Value, called: dict[Value, str], shown: Shown) -> tuple[str, str]:
    """Return how a node was computed, in names and in numbers; two empty texts for a leaf."""
    if not node.op:
        return "", ""
    operands = shown.args(node)
    symbols = [named(called[o]) if isinstance(o, Value) else factor(o) for o in operands]
    numbers = [factor(o.data if isinstance(o, Value) else o) for o in operands]
    if node in shown.terms:
        return _listed(symbols, " + "), _listed(numbers, " + ")
    if isinstance(node.args[0], bool):  # the condition of a `where`, which no picture shows
        symbols, numbers = ([str(node.args[0]).lower(), *texts] for texts in (symbols, numbers))
    return written(node.op, symbols, symbol(node)), written(node.op, numbers, symbol(node))


def _listed(texts: list[str], between: str) -> str:
    """Return texts one after the other, those in the middle of a long list as an ellipsis."""
    if len(texts) > LISTED:
        texts = [*texts[: LISTED - 2], "…", texts[-1]]
    return between.join(texts)


def as_factor(formula: str) -> str:
    """Return a formula as it stands in a product: in brackets if it is a sum, a difference or a remainder.

    >>> as_factor("1 − y²"), as_factor("exp(a + b)"), as_factor("−y / w")
    ('(1 − y²)', 'exp(a + b)', '−y / w')

    """
    depth = 0
    for at, letter in enumerate(formula):
        depth += (letter in "([") - (letter in ")]")
        if depth == 0 and (formula[at : at + 3] in {" + ", " − ", " % "} or formula[at : at + 4] == " // "):
            return f"({formula})"
    return formula


_TRACE_HEAD = ("step", "node", "value", "gradient", "operand", "local derivative", "contributes", "its gradient")


class Text(str):
    """A text of several lines that a notebook or a prompt shows as it is printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def trace(y: Value, forward: bool = False, level: str = "auto") -> Text:  # noqa: FBT001, FBT002 - a plain switch
    """Return the backward pass of y as a table, one line for every operand that receives a gradient.

    Args:
        y: the result to differentiate.
        forward: whether lines of the forward pass come before.
        level: "auto" for one step for a sum of six terms or more, "full" for one for every addition in it.

    Raises:
        TypeError: if y is no Value.
        ValueError: if `level` is neither of the two.
        StaleValueError: if a leaf was assigned after the graph used it.

    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> trace(a * b)
    step  node        value  gradient  operand  local derivative  contributes  its gradient
       0  v1             −6         1  (seed)
       1  v1 = a × b     −6         1  a        b = −3                     −3  0 → −3
                                       b        a = 2                       2  0 → 2

    """
    events = steps(y, forward=forward, level=level)
    ahead = [line for event in events if event.phase == "forward" for line in event.lines()]
    rows: list[tuple[str, ...]] = [_TRACE_HEAD]
    number = 0
    for event in events:
        if event.phase == "forward":
            continue
        if event.phase == "seed":
            rows.append((str(number), event.name, figure(event.value), figure(event.grad), "(seed)", "", "", ""))
            continue
        number += 1
        first = (str(number), f"{event.name} = {event.expression}", figure(event.value), figure(event.grad))
        for part in event.contributions:
            partial = figure(part.partial)
            local = f"{part.formula} = {partial}" if part.formula not in {"", partial} else partial
            sums = f"{figure(part.before)} → {figure(part.after)}"
            rows.append((*first, part.name, local, figure(part.share), sums))
            first = ("", "", "", "")
    table = aligned(rows, left={1, 4, 5, 7})
    return Text("\n".join([*ahead, *[""] * bool(ahead), *table]))
