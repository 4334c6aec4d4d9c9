"""A stepper: the forward and backward pass of a graph, one step after the other on a stage."""

from __future__ import annotations

from functools import partial
from math import isfinite

from autograd_mini.engine.graph import check_value, gradient, order, unchanged
from autograd_mini.engine.locations import place_of
from autograd_mini.engine.value import Value
from autograd_mini.errors import AnomalyError
from autograd_mini.nn.module import Module
from autograd_mini.viz.diagram import check_choice
from autograd_mini.viz.drawing import one_by_one
from autograd_mini.viz.events import events_of
from autograd_mini.viz.long_sums import LEVELS, Shown
from autograd_mini.viz.partials import NotReplayableError, replay
from autograd_mini.viz.stage import Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, overload

    from autograd_mini.diagnosis import Finding
    from autograd_mini.viz.diagram import Diagram
    from autograd_mini.viz.events import Event
    from autograd_mini.viz.javascript import LivePage
    from autograd_mini.viz.network import Loss

    Breakpoint = str | Callable[[Event], bool]

LARGEST = 1000
"""Maximum values of a graph that is stepped through."""

CHECKABLE = 600
"""Maximum nodes times leaves for which leaves are checked by default."""


if TYPE_CHECKING:

    @overload
    def step(
        y: Value,
        breakpoints: Breakpoint | Iterable[Breakpoint] = ...,
        *,
        forward: bool = ...,
        rankdir: str = ...,
        check: bool | None = ...,
        level: str = ...,
        quiz: bool = ...,
        findings: Iterable[Finding] | AnomalyError = ...,
    ) -> Stage: ...
    @overload
    def step(y: Module, *, x: Any, target: Any = ..., loss: Loss = ...) -> LivePage: ...


def step(
    y: Value | Module,
    breakpoints: Breakpoint | Iterable[Breakpoint] = (),
    *,
    forward: bool = True,
    rankdir: str = "LR",
    check: bool | None = None,
    level: str = "auto",
    quiz: bool = False,
    findings: Iterable[Finding] | AnomalyError = (),
    x: Any = None,
    target: Any = None,
    loss: Loss = "mse",
) -> Stage | LivePage:
    """Return the passes of y as a stepper: click, press arrow keys, or let it play.

    Nothing is changed: `backward` need not have been called.

    Args:
        y: the result to differentiate; or a network, for the passes of a sample through it, layer by layer.
        breakpoints: where to start and to stop while playing: labels, whose gradients change there, and conditions
            such as `lambda event: abs(event.grad) > 1e3`; see `Event` for what they may ask.
        forward: whether the forward pass is shown before.
        rankdir: which way the arrows run: "LR", "RL", "TB" or "BT".
        check: whether leaves that the derivative checker confirms are marked; by default where that is quick.
        level: "auto" for one step for a sum of six terms or more, "full" for one for every addition in it.
        quiz: whether the reader is asked for each number, or its sign, before the step shows it, and for a score.
        findings: what `doctor` found, or what `anomaly` raised; each is listed, and points at the values it is about.
        x: for a network, the sample.
        target: its target; without it there is no loss and no way back.
        loss: for a network, a name of `nn.losses.LOSSES`, or a function (prediction, target) -> Value.

    Returns:
        A Stage, which notebooks show; `save("step.html")` writes a page.

    Raises:
        TypeError: if y is no Value, or a breakpoint neither a text nor callable.
        ValueError: if a label is not in the graph, or the graph is too large.
        StaleValueError: if a leaf was assigned after the graph used it.

    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> step(a * b, breakpoints="b").events[-1]
    <backward v1: a.grad += ∂v1/∂a · v1.grad = b · v1.grad = (−3) × 1 = −3   (0 → −3);
                  b.grad += ∂v1/∂b · v1.grad = a · v1.grad = 2 × 1 = 2   (0 → 2)>

    """
    if isinstance(y, Module):
        from autograd_mini.viz.network_pages import network_steps  # it trains, too

        return network_steps(y, x, target, loss)
    out = "can be stepped through: step through a part of it, such as step(y.args[0]), or print trace(y)"
    shown, diagram = prepared(y, rankdir, level, LARGEST, out)
    confirmed = {diagram.keys[node] for node in gradcheck_marks(y, order(y), check)}
    for card in diagram.cards:
        card.ticked = card.key in confirmed
    events = passes(y, shown, diagram, forward=forward)
    notes = _notes(findings, diagram)
    return Stage(diagram, events, breaks=_breaks(events, breakpoints), quiz=quiz, notes=notes, shown=shown)


def _notes(findings: Iterable[Finding] | AnomalyError, diagram: Diagram) -> list[tuple[list[str], str]]:
    """Return what findings say, each with the keys of the cards that it is about: by name, by line, or as raised."""
    if isinstance(findings, AnomalyError):
        about = [key for node, key in diagram.keys.items() if node is findings.node]
        return [(about, str(findings).partition("\n")[0])]
    notes = []
    for finding in findings:
        about = [key for node, key in diagram.keys.items() if node.label and node.label in finding.names]
        if not about and finding.place is not None:
            about = [key for node, key in diagram.keys.items() if place_of(node) == finding.place]
        notes.append((about, f"{finding.kind}: {finding.message}"))
    return notes


def explore(y: Value, rankdir: str = "LR") -> Stage:
    """Return the stage of y with its leaves unlocked: drag one, and all values and gradients are computed again.

    The page computes them itself, so that it works saved and offline. Beside it stand the curve of y against the leaf,
    with its tangent, and the change that the gradient predicts and the actual one.

    Args:
        y: the result.
        rankdir: which way the arrows run: "LR", "RL", "TB" or "BT".

    Returns:
        A Stage, which notebooks show; `save("explore.html")` writes a page.

    Raises:
        TypeError: if y is no Value.
        ValueError: if y is a leaf, or its graph is too large or holds what cannot be computed again.

    >>> x = Value(3.0, label="x")
    >>> explore(x * x)
    <stage of 3 steps: Computation graph of v1 = 9: 2 values, 1 of them leaves, gradients not computed.>

    """
    stage = step(y, rankdir=rankdir, check=False)
    if not stage.live or not y.op:
        raise ValueError(
            f"y is {y!r}, expected a result of operations of the table, so that it can be computed again: step(y) "
            "shows others"
        )
    stage.unlocked, stage.start = True, len(stage.events) - 1
    return stage


def prepared(y: Value, rankdir: str, level: str, most: int, remedy: str) -> tuple[Shown, Diagram]:
    """Return what is shown of y's graph, and the diagram of it, for pictures of its passes."""
    check_value("y", y)
    unchanged(order(y))
    check_choice("level", level, LEVELS)
    shown = Shown([y], level)
    if shown.size > most:
        raise ValueError(f"the graph has {shown.count} values, more than the {most} that {remedy}")
    return shown, one_by_one([y], rankdir, shown)


def passes(y: Value, shown: Shown, diagram: Diagram, *, forward: bool) -> list[Event]:
    """Return the steps of y: those of the leaves left out, and gradients added to what earlier passes left there."""
    cards = {card.key: card for card in diagram.cards}
    left = {node: cards[key].before for node, key in diagram.keys.items()}
    before = {node: grad for node, grad in left.items() if grad is not None}
    events = events_of(y, shown, forward=forward, before=before)
    return [event for event in events if event.phase != "forward" or event.node.op]


def gradcheck_marks(y: Value, nodes: Sequence[Value], check: bool | None) -> frozenset[Value]:  # noqa: FBT001 - as in `step`
    """Return the leaves below y whose derivative the checker confirms; with `check` None where that is quick."""
    leaves = [node for node in nodes if not node.op]
    if check is False or (check is None and len(nodes) * len(leaves) > CHECKABLE):
        return frozenset()
    return frozenset(leaf for leaf in leaves if _confirmed(y, leaf))


def _confirmed(y: Value, leaf: Value) -> bool:
    from autograd_mini.testing import check_grad  # few pictures are checked

    def value(x: float) -> float:
        return float(replay(y, {leaf: x}))  # type: ignore[arg-type, unused-ignore]  # of floats comes a float

    def derivative(x: float) -> float:
        moved = Value(x)
        result = replay(y, {leaf: moved})
        return gradient(result, moved).data if isinstance(result, Value) else 0.0

    if not (isfinite(leaf.data) and isfinite(y.data)):
        return False
    try:
        report = check_grad(value, derivative, at=leaf.data, budget="quick", explained=False)
    except NotReplayableError:
        return False
    return bool(report.verdict == "correct")


def _breaks(events: list[Event], breakpoints: Breakpoint | Iterable[Breakpoint]) -> list[int]:
    """Return the steps at which a breakpoint holds."""
    single = isinstance(breakpoints, str) or callable(breakpoints)
    wanted: list[Any] = [breakpoints] if single else list(breakpoints)  # type: ignore[arg-type]  # just seen
    found: set[int] = set()
    for point in wanted:
        if not isinstance(point, str) and not callable(point):
            raise TypeError(f"a breakpoint is {point!r}, expected a label or a condition on an event")
        holds = partial(_concerns, label=point) if isinstance(point, str) else point
        at = {index for index, event in enumerate(events) if holds(event)}
        if isinstance(point, str) and not at:
            known = ", ".join(dict.fromkeys(event.name for event in events[:20]))
            raise ValueError(f"breakpoints names {point!r}, which no step changes; the first are about {known}")
        found |= at
    return sorted(found)


def _concerns(event: Event, label: str) -> bool:
    changed = {event.name, *(part.name for part in event.contributions)}
    return event.phase != "forward" and label in changed
