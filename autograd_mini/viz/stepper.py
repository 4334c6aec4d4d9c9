"""A stepper: the forward and backward pass of a graph to click through, one piece of HTML that needs nothing else."""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import blake2s
from pathlib import Path

from autograd_mini.engine.value import Value
from autograd_mini.viz.confirm import confirmed_leaves
from autograd_mini.viz.live import CONFIRMED, LARGEST, Live
from autograd_mini.viz.page import page
from autograd_mini.viz.text import figure, xml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from os import PathLike
    from typing import Any

    from autograd_mini.viz.events import Event

    Breakpoint = str | Callable[[Event], bool]

PAUSE = 1100
"""Milliseconds between the steps while it plays."""

PHASES = {
    "forward": "forward: computing values",
    "seed": "backward: start",
    "backward": "backward: handing on gradients",
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
        target = Path(path)
        if target.suffix.lower() not in {".html", ".htm"}:
            raise ValueError(f"path ends in .html; got {str(path)!r}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page(self._live.diagram.about, self.html()), encoding="utf-8")
        return str(target)

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        """Say what it shows, where HTML is not."""
        return f"<stepper of {len(self.events)} steps: {self._live.diagram.about}>"


def step(
    y: Value,
    breakpoints: Breakpoint | Iterable[Breakpoint] = (),
    *,
    forward: bool = True,
    rankdir: str = "LR",
    check: bool | None = None,
) -> Stepper:
    """Return the passes of y as a stepper: click, press arrow keys, or let it play.

    Nothing is changed: `backward` need not have been called.

    Args:
        y: the result to differentiate.
        breakpoints: where to start and to stop while playing: labels, whose gradients change there, and conditions
            such as `lambda event: abs(event.grad) > 1e3`; see `Event` for what they may ask.
        forward: whether the forward pass is shown before.
        rankdir: which way the arrows run: "LR", "RL", "TB" or "BT".
        check: whether leaves that the derivative checker confirms are marked; by default where that is quick.

    Raises:
        TypeError: if y is no Value, or a breakpoint neither a text nor callable.
        ValueError: if a label is not in the graph, or the graph is too large.
        StaleValueError: if a leaf was assigned after the graph used it.

    """
    from autograd_mini.engine.graph import order

    if not isinstance(y, Value):
        raise TypeError(f"y is a Value; got {y!r} of type {type(y).__name__}")
    nodes = order(y)
    if len(nodes) > LARGEST:
        raise ValueError(
            f"the graph has {len(nodes)} values, more than the {LARGEST} that can be stepped through: step through a "
            "part of it, such as step(y.args[0]), or print trace(y)"
        )
    confirmed = confirmed_leaves(y, nodes, check)
    live = Live(y, rankdir, forward=forward, confirmed=confirmed)
    return Stepper(live, _breaks(live.events, breakpoints), len(confirmed))


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
