"""A stepper: the forward and backward pass of a graph to click through, one piece of HTML that needs nothing else."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import blake2s
from math import isfinite
from pathlib import Path

from autograd_mini.engine.graph import gradient, order, unchanged
from autograd_mini.engine.value import Value
from autograd_mini.nn.module import Module
from autograd_mini.viz.diagram import check_value
from autograd_mini.viz.live import LARGEST, Live
from autograd_mini.viz.long_sums import Shown, checked
from autograd_mini.viz.network import network_steps
from autograd_mini.viz.replay import NotReplayableError, replay
from autograd_mini.viz.svg import CONFIRMED, page, write
from autograd_mini.viz.text import figure, xml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from os import PathLike
    from typing import Any, overload

    from autograd_mini.viz.events import Event
    from autograd_mini.viz.javascript import LivePage
    from autograd_mini.viz.network import Loss

    Breakpoint = str | Callable[[Event], bool]

PAUSE = 1100
"""Milliseconds between two steps while it plays."""

CHECKABLE = 600
"""Maximum nodes times leaves for which leaves are checked by default."""

PHASES = {
    "forward": "forward: computing values",
    "seed": "backward: start",
    "backward": "backward: propagating gradients",
}


class Stepper:
    """A stepper; it shows itself in notebooks, and `save("step.html")` writes a page.

    Attributes:
        events: the steps.
        start: the step it opens at.

    """

    def __init__(self, live: Live, breaks: list[int], confirmed: int) -> None:
        self.events = live.events
        self.start = breaks[0] if breaks else 0
        self._live, self._breaks, self._confirmed = live, breaks, confirmed

    def html(self) -> str:
        """Return it as a piece of HTML."""
        about = self._live.diagram.about
        picture = b64encode(self._live.still().encode()).decode()
        items = "\n".join(f"<li>{xml(chr(10).join(event.lines()))}</li>" for event in self.events)
        data = _script_text(self._data())
        key = blake2s((picture + data + items).encode(), digest_size=8).hexdigest()
        script = _asset("stepper.js").strip()
        marks = f"<p>A green tick: {CONFIRMED}.</p>\n" if self._confirmed else ""
        return (
            f'<div data-autograd-mini="{key}">\n<div data-place="">'
            f'<img alt="{xml(about)} The steps follow as text." style="max-width: 100%" '
            f'src="data:image/svg+xml;base64,{picture}"></div>\n{marks}'
            f"<details><summary>All {len(self.events)} steps as text</summary>\n"
            f'<ol style="white-space: pre-line">\n{items}\n</ol></details>\n'
            f'<script>{script}("{key}", {data});</script>\n</div>'
        )

    def _data(self) -> dict[str, Any]:
        events = []
        keys = self._live.diagram.keys
        for event, written in zip(self.events, self._live.gradients, strict=True):
            key = keys[event.node]
            wires = [
                (self._live.wires[key, part.position], figure(part.share, sign=True)) for part in event.contributions
            ]
            events.append({"p": event.phase, "n": key, "g": written, "w": wires})
        return {
            "cards": [card.key for card in self._live.diagram.cards],
            "events": events,
            "breaks": self._breaks,
            "start": self.start,
            "pause": PAUSE,
            "phases": PHASES,
            "style": _asset("stepper.css"),
        }

    def save(self, path: str | PathLike[str]) -> str:
        """Write a page that works offline, and return its path.

        Raises:
            ValueError: if the path does not end in .html.

        """
        return write(path, (".html", ".htm"), lambda: page(self._live.diagram.about, self.html()))

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        """Say what it shows, where HTML is not."""
        return f"<stepper of {len(self.events)} steps: {self._live.diagram.about}>"


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
    ) -> Stepper: ...
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
    x: Any = None,
    target: Any = None,
    loss: Loss = "mse",
) -> Stepper | LivePage:
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
        x: for a network, the sample.
        target: its target; without it there is no loss and no way back.
        loss: for a network, a name of `nn.losses.LOSSES`, or a function (prediction, target) -> Value.

    Returns:
        A Stepper, which notebooks show; `save("step.html")` writes a page.

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
        return network_steps(y, x, target, loss)
    check_value("y", y)
    nodes = unchanged(order(y))
    shown = Shown([y], checked(level))
    if shown.size > LARGEST:
        raise ValueError(
            f"the graph has {len(nodes)} values, more than the {LARGEST} that can be stepped through: step through a "
            "part of it, such as step(y.args[0]), or print trace(y)"
        )
    confirmed = gradcheck_marks(y, nodes, check)
    live = Live(y, rankdir, shown, forward=forward, confirmed=confirmed)
    return Stepper(live, _breaks(live.events, breakpoints), len(confirmed))


def gradcheck_marks(y: Value, nodes: Sequence[Value], check: bool | None) -> frozenset[Value]:  # noqa: FBT001 - as in `step`
    """Return the leaves below y whose derivative is confirmed; none where there is no checker.

    Args:
        y: the result.
        nodes: the graph below it.
        check: True to check, False not to, None to check where that is quick.

    Raises:
        ImportError: if `check` is True and there is no checker.

    """
    leaves = [node for node in nodes if not node.op]
    if check is False or (check is None and len(nodes) * len(leaves) > CHECKABLE):
        return frozenset()
    try:
        from autograd_mini.testing import check_grad  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        if check:
            raise
        return frozenset()
    return frozenset(leaf for leaf in leaves if _confirmed(y, leaf, check_grad))


def _confirmed(y: Value, leaf: Value, check_grad: Callable[..., Any]) -> bool:
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
        if isinstance(point, str):
            at = {index for index, event in enumerate(events) if _concerns(event, point)}
            if not at:
                known = ", ".join(dict.fromkeys(event.name for event in events[:20]))
                raise ValueError(f"breakpoints names {point!r}, which no step changes; the first are about {known}")
            found |= at
        elif callable(point):
            found |= {index for index, event in enumerate(events) if point(event)}
        else:
            raise TypeError(f"a breakpoint is a label or a condition on an event; got {point!r}")
    return sorted(found)


def _concerns(event: Event, label: str) -> bool:
    if event.phase == "forward":
        return False
    return event.name == label or any(part.name == label for part in event.contributions)


def _asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _script_text(data: Any) -> str:
    """Return data as it may stand in a script: nothing in it ends the script or starts a comment."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
