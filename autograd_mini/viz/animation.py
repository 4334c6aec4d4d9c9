"""An animation: the backward pass as an SVG that moves by itself, without a script, for README pages and slides."""

from __future__ import annotations

from math import isfinite, sqrt

from autograd_mini.viz.diagram import NEGATIVE, POSITIVE
from autograd_mini.viz.javascript import LivePage, Rows, write
from autograd_mini.viz.stage import Stage
from autograd_mini.viz.stepper import passes, prepared
from autograd_mini.viz.svg import on_dark_pages, style_sheet, svg
from autograd_mini.viz.text import gradient_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike

    from autograd_mini.engine.value import Value

LARGEST = 150
"""Maximum values of a graph that is animated."""


class Animation(LivePage):
    """An animated SVG; it shows itself in notebooks, and `save("backward.svg")` writes it."""

    def __init__(self, stage: Stage, seconds: float) -> None:
        super().__init__(stage.diagram.about, _animated(stage, seconds), [], ("ground", "picture"), {}, Rows())

    def svg(self) -> str:
        """Return the SVG document."""
        return self.still()

    def save(self, path: str | PathLike[str]) -> str:
        """Write the SVG to a path that ends in .svg, and return the path."""
        return write(path, (".svg",), self.svg)

    def _repr_svg_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        return f"<animation of the backward pass: {self.about}>"


def animate(y: Value, *, seconds: float = 1.2, rankdir: str = "LR") -> Animation:
    """Return the backward pass of y as an animated SVG that needs no script and repeats.

    Where the system asks for reduced motion, it shows the end of the pass.

    Args:
        y: the result to differentiate; nothing in its graph is changed.
        seconds: the time of each step.
        rankdir: which way the arrows run: "LR", "RL", "TB" or "BT".

    Returns:
        An Animation; `save("backward.svg")` writes it.

    Raises:
        TypeError: if y is no Value.
        ValueError: if the graph is too large to be followed, or `seconds` is not above 0.
        StaleValueError: if a leaf was assigned after the graph used it.

    >>> from autograd_mini import Value
    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> animate(a * b)
    <animation of the backward pass: Computation graph of v1 = −6: 3 values, 2 of them leaves, gradients not computed.>

    """
    if not seconds > 0.0:
        raise ValueError(f"seconds is {seconds!r}, expected the time of a step, above 0")
    out = "an animation can show: animate a part of it, such as animate(y.args[0]), or use step(y)"
    shown, diagram = prepared(y, rankdir, "auto", LARGEST, out)
    return Animation(Stage(diagram, passes(y, shown, diagram, forward=False)), seconds)


def _animated(stage: Stage, seconds: float) -> str:
    """Return the drawing with keyframes: what a step writes is shown from its time on, until another writes there."""
    diagram, events = stage.diagram, stage.events
    shown = len(events) + 2  # the end is shown longer
    rules: dict[tuple[str, int, int], str] = {}

    def rule(kind: str, start: int, end: int) -> str:
        return rules.setdefault((kind, start, end), f"s{len(rules)}")

    cards = {card.key: card for card in diagram.cards}
    written: dict[str, list[tuple[int, float | None]]] = {
        card.key: [(0, card.before)] for card in diagram.cards if card.rows
    }
    reached = [part.after for event in events for part in event.contributions] + [event.grad for event in events]
    largest = max((abs(grad) for grad in reached if isfinite(grad)), default=0.0)
    lit: dict[str, str] = {}
    for at, event in enumerate(events):
        if event.phase == "seed":
            written[diagram.keys[event.node]].append((at, event.grad))
        for part in event.contributions:
            wire = stage.wires[diagram.keys[event.node], part.position]
            written[wire.tail].append((at, part.after))
            kind = ("wire", "plus", "minus")[(part.share > 0.0) - (part.share < 0.0)]
            lit[wire.key] = rule(kind, at, at + 1)
            lit[f"m{wire.key}"] = rule("show", at, shown)
            slot = len(written[wire.tail]) - 2 + (cards[wire.tail].before is not None)
            lit[f"{wire.tail}.{slot}"] = rule("show", at, shown)
    states = {}
    for key, history in written.items():
        ends = [at for at, _ in history[1:]] + [shown]
        states[key] = [
            (gradient_text(grad), *_shade(grad, largest), rule("show", at, end) + (" h" if end < shown else ""))
            for (at, grad), end in zip(history, ends, strict=True)
            if at < end
        ]
    style = "".join(_keyframes(*which, name, shown, seconds) for which, name in rules.items())
    still = "@media (prefers-reduced-motion:reduce){*{animation:none!important}}"
    style = f"{on_dark_pages(style_sheet())}.h{{opacity:0}}{style}{still}"
    return svg(diagram, stage.layout, states, lit, style) + "\n"


def _shade(grad: float | None, largest: float) -> tuple[int, float]:
    """Return the sign of a gradient and the root of its share of the largest one."""
    if grad is None or not largest > 0.0:
        return 0, 0.0
    return (grad > 0) - (grad < 0), round(sqrt(abs(grad) / largest), 3) if isfinite(grad) else 0.0


_COLOURS = {"wire": "#767676", "plus": POSITIVE, "minus": NEGATIVE}


def _keyframes(kind: str, start: int, end: int, name: str, shown: int, seconds: float) -> str:
    """Return the CSS by which a part is shown, or a wire is lit and then keeps its colour, from one step on."""
    first, last = 100.0 * start / shown, 100.0 * end / shown
    if kind == "show":
        off, on, after, selector = "opacity:0", "opacity:1", "opacity:0", f".{name}"
    else:  # the arrow turns with the gradient
        ahead, back = "marker-end:url(#head);marker-start:none", "marker-end:none;marker-start:url(#tail)"
        off, selector = f"stroke:#767676;stroke-width:1.4;{ahead}", f".{name} .w"
        on, after = (f"stroke:{_COLOURS[kind]};stroke-width:{width};{back}" for width in (4, 2))
    frames = [f"0%{{{off}}}"] * (start > 0) + [f"{first:.2f}%{{{on}}}"] + [f"{last:.2f}%{{{after}}}"] * (end < shown)
    frames += [f"100%{{{after}}}"] * (kind != "show")
    steps = f"animation:{name} {seconds * shown:.1f}s step-end infinite"
    return f"@keyframes {name}{{{''.join(frames)}}}{selector}{{{steps}}}"
