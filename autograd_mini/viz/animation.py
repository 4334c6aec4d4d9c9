"""An animation: the backward pass as an SVG that moves by itself, without a script, for README pages and slides."""

from __future__ import annotations

from pathlib import Path

from autograd_mini.engine.value import Value
from autograd_mini.viz.live import Live
from autograd_mini.viz.text import NOT_COMPUTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike

LARGEST = 150
"""The values up to which an animation can be followed."""


class Animation:
    """An animated SVG; it shows itself in notebooks, and `save("backward.svg")` writes it."""

    def __init__(self, live: Live, seconds: float) -> None:
        self._live, self._seconds = live, seconds

    def svg(self) -> str:
        """Return the SVG document."""
        return _animated(self._live, self._seconds)

    def save(self, path: str | PathLike[str]) -> str:
        """Write the SVG and return its path.

        Raises:
            ValueError: if the path does not end in .svg.

        """
        target = Path(path)
        if target.suffix.lower() != ".svg":
            raise ValueError(f"path ends in .svg; got {str(path)!r}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(self.svg(), encoding="utf-8")
        return str(target)

    def _repr_svg_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        """Say what it shows, where pictures are not."""
        return f"<animation of the backward pass: {self._live.diagram.about}>"


def animate(y: Value, *, seconds: float = 1.2, rankdir: str = "LR") -> Animation:
    """Return the backward pass of y as an animated SVG that needs no script and repeats for ever.

    Readers who asked their system for less motion see its end.

    Args:
        y: the result to differentiate; nothing in its graph is changed.
        seconds: how long each step is shown.
        rankdir: which way the arrows run: "LR", "RL", "TB" or "BT".

    Raises:
        TypeError: if y is no Value.
        ValueError: if the graph is too large to be followed, or `seconds` is not above 0.
        StaleValueError: if a leaf was assigned after the graph used it.

    """
    from autograd_mini.engine.graph import order

    if not isinstance(y, Value):
        raise TypeError(f"y is a Value; got {y!r} of type {type(y).__name__}")
    if not seconds > 0.0:
        raise ValueError(f"seconds is how long a step is shown, above 0; got {seconds!r}")
    count = len(order(y))
    if count > LARGEST:
        raise ValueError(
            f"the graph has {count} values, more than the {LARGEST} that an animation can show: animate a part of it, "
            "such as animate(y.args[0]), or use step(y)"
        )
    return Animation(Live(y, rankdir, forward=False), seconds)


def _animated(live: Live, seconds: float) -> str:
    """Return the drawing with keyframes: what a step writes is shown from its time on, until another writes there."""
    shown = len(live.events) + 2  # the end is shown longer
    rules: dict[tuple[str, int, int], str] = {}

    def rule(kind: str, start: int, end: int) -> str:
        return rules.setdefault((kind, start, end), f"s{len(rules)}")

    written: dict[str, list[tuple[int, str, int, float]]] = {}
    lit: dict[str, str] = {}
    for at, (event, changes) in enumerate(zip(live.events, live.gradients, strict=True)):
        for key, text, tone, strength in changes:
            written.setdefault(key, [(0, NOT_COMPUTED, 0, 0.0)]).append((at, text, tone, strength))
        for part in event.contributions:
            lit[live.wires[live.diagram.keys[event.node], part.position]] = rule("wire", at, at + 1)
    states = {}
    for key, history in written.items():
        ends = [at for at, *_ in history[1:]] + [shown]
        states[key] = [
            (text, tone, strength, rule("show", at, end) + (" h" if end < shown else ""))
            for (at, text, tone, strength), end in zip(history, ends, strict=True)
            if at < end
        ]
    style = "".join(_keyframes(*which, name, shown, seconds) for which, name in rules.items())
    still = "@media (prefers-reduced-motion:reduce){*{animation:none!important}}"
    return live.moving(states, lit, f".h{{opacity:0}}{style}{still}") + "\n"


def _keyframes(kind: str, start: int, end: int, name: str, shown: int, seconds: float) -> str:
    """Return the CSS by which a part is shown, or a wire is lit, from one step until another."""
    on, off = (
        ("opacity:1", "opacity:0")
        if kind == "show"
        else ("stroke:#8a56c2;stroke-width:3.4", "stroke:#767676;stroke-width:1.4")
    )
    first, last = 100.0 * start / shown, 100.0 * end / shown
    frames = [f"0%{{{off}}}"] * (start > 0) + [f"{first:.2f}%{{{on}}}"] + [f"{last:.2f}%{{{off}}}"] * (end < shown)
    selector = f".{name}" if kind == "show" else f".{name} .w"
    steps = f"animation:{name} {seconds * shown:.1f}s step-end infinite"
    return f"@keyframes {name}{{{''.join(frames)}}}{selector}{{{steps}}}"
