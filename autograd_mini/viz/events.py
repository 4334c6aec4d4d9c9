"""An event: one step of a forward or a backward pass with every number in it; traces and steppers show them."""

from __future__ import annotations

from autograd_mini.engine.graph import order, unchanged
from autograd_mini.engine.value import Value
from autograd_mini.viz.formulas import named
from autograd_mini.viz.partials import flows
from autograd_mini.viz.text import figure, names, symbol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.viz.partials import Flow

_INFIX = {"+", "×", "/", "−", "^", "%"}


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

    __slots__ = ("after", "before", "formula", "name", "operand", "partial", "position", "share")

    def __init__(self, flow: Flow, called: dict[Value, str], before: float) -> None:
        self.operand, self.name, self.position = flow.operand, called[flow.operand], flow.position
        self.formula, self.partial = flow.formula(called), flow.partial
        self.share = 0.0 if flow.share is None else flow.share
        self.before, self.after = before, before + self.share

    def __repr__(self) -> str:
        """Show the sum in numbers."""
        return f"{self.name}.grad: {figure(self.before)} + {figure(self.share)} = {figure(self.after)}"


class Event:
    """One step: a node computed (forward), the result's gradient set (seed), or a gradient handed on (backward).

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

    __slots__ = ("contributions", "expression", "grad", "name", "node", "numbers", "phase", "value")

    def __init__(self, phase: str, node: Value, called: dict[Value, str], grad: float = 0.0) -> None:
        self.phase, self.node, self.name = phase, node, called[node]
        self.value, self.grad = node.data, grad
        self.expression, self.numbers = expressions(node, called)
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
        result = named(self.name)
        lines = []
        for part in self.contributions:
            operand = named(part.name)
            symbols = f" = {part.formula} · {result}.grad" if part.formula else ""
            lines.append(
                f"{operand}.grad += ∂{result}/∂{operand} · {result}.grad{symbols} = {_factor(part.partial)} × "
                f"{_factor(self.grad)} = {figure(part.share)}   ({figure(part.before)} → {figure(part.after)})"
            )
        return lines

    def __repr__(self) -> str:
        """Show the step as its lines."""
        return f"<{self.phase} {self.name}: {'; '.join(self.lines())}>"


def steps(y: Value, forward: bool = False, seed: float = 1.0) -> list[Event]:  # noqa: FBT001, FBT002 - a plain switch
    """Return the backward pass of y as a list of events, in the order in which `backward` takes them.

    Nothing is changed: `backward` need not have been called, and no `grad` is read or written. An operand that a
    `where` did not take receives nothing and has no event.

    Args:
        y: the result to differentiate.
        forward: whether the events of the forward pass come before.
        seed: the gradient of y itself.

    Raises:
        TypeError: if y is no Value.
        StaleValueError: if a leaf was assigned after the graph used it.

    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> steps(a * b)
    [<seed v1: v1.grad = 1>,
     <backward v1: a.grad += ∂v1/∂a · v1.grad = b · v1.grad = (−3) × 1 = −3   (0 → −3);
                   b.grad += ∂v1/∂b · v1.grad = a · v1.grad = 2 × 1 = 2   (0 → 2)>]

    """
    if not isinstance(y, Value):
        raise TypeError(f"y is a Value; got {y!r} of type {type(y).__name__}")
    nodes = unchanged(order(y))
    called = names(nodes)
    events = [Event("forward", node, called) for node in nodes] if forward else []
    events.append(Event("seed", y, called, float(seed)))
    gradients = {y: float(seed)}
    for node in reversed(nodes):
        if node not in gradients or not node.op:
            continue
        event = Event("backward", node, called, gradients[node])
        for flow in flows(node, gradients[node]):
            part = Contribution(flow, called, gradients.get(flow.operand, 0.0))
            gradients[flow.operand] = part.after
            event.contributions.append(part)
        events.append(event)
    return events


def expressions(node: Value, called: dict[Value, str]) -> tuple[str, str]:
    """Return how a node was computed, in names and in numbers; two empty texts for a leaf."""
    if not node.op:
        return "", ""
    operands = [operand for operand in node.args if not isinstance(operand, bool)]
    symbols = [named(called[o]) if isinstance(o, Value) else _factor(o) for o in operands]
    numbers = [_factor(o.data if isinstance(o, Value) else o) for o in operands]
    return _applied(node, symbols), _applied(node, numbers)


def _applied(node: Value, operands: list[str]) -> str:
    sign = symbol(node)
    if len(operands) == 2 and sign in _INFIX:
        return f"{operands[0]} {sign} {operands[1]}"
    if node.op == "neg":
        return f"−{operands[0]}"
    if node.op == "where":
        operands = [str(node.args[0]).lower(), *operands] if isinstance(node.args[0], bool) else operands
    return f"{sign}({', '.join(operands)})"


def _factor(number: float) -> str:
    """Return a number as it stands in a product: a negative one in brackets."""
    text = figure(number)
    return f"({text})" if text.startswith("−") else text
