"""Drawing: a Value's graph, or a model, as a picture."""

from __future__ import annotations

from autograd_mini.engine.graph import check_value
from autograd_mini.extras import extra
from autograd_mini.nn.module import Module
from autograd_mini.viz.diagram import DIRECTIONS, check_choice, full
from autograd_mini.viz.groups import collapsed, frame
from autograd_mini.viz.long_sums import Shown
from autograd_mini.viz.text import figure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from autograd_mini.engine.value import Value
    from autograd_mini.viz.diagram import Diagram
    from autograd_mini.viz.network import Loss
    from autograd_mini.viz.picture import Picture

LEVELS = ("auto", "full", "neuron", "layer")
READABLE = 150
"""Maximum values that "auto" draws one by one."""

DISTINCT = 400
"""Maximum wires between neurons that "auto" draws."""

DRAWABLE = 1000
"""Maximum values drawn one by one."""

WIRES = 4000
"""Maximum wires between neurons."""


def draw(
    y: Value | Iterable[Value] | Module,
    rankdir: str = "LR",
    level: str = "auto",
    *,
    partials: bool | str = False,
    names: bool = False,
    x: Any = None,
    target: Any = None,
    loss: Loss = "mse",
) -> Picture:
    """Return the picture of the graph that y was computed with, or of a network.

    Every value is a card: its name, operation, number and gradient; "–" where no gradient was computed. Inputs have
    square corners, parameters a thick frame, constants a dashed one, results round corners. A positive gradient is
    blue, a negative one orange, both with their sign, and the bar is as long as the root of its share of the largest.

    Args:
        y: the result, or several; or a model, whose neurons and weights are drawn in the notation of textbooks.
        rankdir: which way the arrows run: "LR", "RL", "TB" or "BT".
        level: "full" for a card a value, "neuron" or "layer" for a card each, "auto" for the finest that can be read,
            with a sum of six terms or more as one card. What goes back along a wire between neurons or layers is the
            exact sum of all contributions.
        partials: whether every wire carries the local derivative as a factor, "× −3", and, where gradients were
            computed, what goes back along it, "+1.5"; between neurons or layers the sum alone, where one value
            receives it. "symbols" writes ∂v1/∂w and ∂y/∂w in their place, as textbooks do.
        names: for a model, whether weights and biases carry their names, w_jk^[l] and b_j^[l], in place of numbers.
        x: for a model, a sample: the activations stand in the circles.
        target: its target: the loss is drawn too, with δ = ∂L/∂z in the circles and ∂L/∂w on the lines.
        loss: a name of `nn.losses.LOSSES`, or a function (prediction, target) -> Value.

    Returns:
        A graphviz.Digraph; `save("graph.svg")` writes it; .html, .png and .pdf show the same, .dot and .mmd are text.

    Raises:
        TypeError: if y is no Value.
        ValueError: if there are more values than can be drawn; the message says what to do.
        ImportError: if the package `graphviz` is missing.

    >>> from autograd_mini import Value
    >>> x = Value(3.0, label="x")
    >>> print(draw(x * x).diagram.about)
    Computation graph of v1 = 9: 2 values, 1 of them leaves, gradients not computed.

    """
    check_choice("rankdir", rankdir, DIRECTIONS)
    check_choice("level", level, LEVELS)
    if partials not in {True, False, "symbols"}:
        raise ValueError(f"partials is {partials!r}, expected True, False or 'symbols'")
    if isinstance(y, Module):
        from autograd_mini.viz.network import Network, Sample, layers_of  # its losses bring training and compiler

        passing = None if x is None else Sample(layers_of(y), x, target, loss)
        return picture()(Network(y, names=names, sample=passing).diagram)
    roots = roots_of(y)
    return picture()(diagram_of(roots, rankdir, level, partials=partials))


def diagram_of(roots: list[Value], rankdir: str, level: str, *, partials: bool | str = False) -> Diagram:
    """Return the diagram at a level; "auto" takes the finest that can be read."""
    shown = Shown(roots, level)
    if level == "full" or (level == "auto" and len(shown.nodes) <= READABLE):
        return one_by_one(roots, rankdir, shown, partials=partials)
    for wanted in ("neuron", "layer") if level == "auto" else (level,):
        diagram = collapsed(roots, rankdir, wanted)
        if diagram is None:
            break
        if partials:
            for wire in diagram.wires:
                known = wire.share is not None and wire.receivers == 1
                wire.marks = [figure(wire.share, sign=True)] if known else []  # type: ignore[arg-type]  # known
        if (len(diagram.cards) <= READABLE and len(diagram.wires) <= DISTINCT) or wanted == level:
            if len(diagram.cards) > DRAWABLE or len(diagram.wires) > WIRES:
                raise ValueError(
                    f"the graph has {len(diagram.cards)} neurons and {len(diagram.wires)} wires between them, more "
                    f"than the {DRAWABLE} and {WIRES} that can be drawn: use level='layer'"
                )
            return diagram
        if wanted == "layer":
            return diagram
    if level != "auto":
        raise ValueError(
            f"level {level!r} needs parameters labelled as those of a neuron, 'w[l][j][k]' and 'b[l][j]', as MLP "
            "labels them; use level='full'"
        )
    return one_by_one(roots, rankdir, shown, partials=partials)


def one_by_one(roots: list[Value], rankdir: str, shown: Shown, *, partials: bool | str = False) -> Diagram:
    """Return the diagram with a card for every value shown, those of a neuron in a frame."""
    if shown.size > DRAWABLE:
        raise ValueError(
            f"the graph has {shown.count} values, more than the {DRAWABLE} that can be drawn one by one: draw a part "
            "of it, such as draw(y.args[0]), or, for a network, collapse it with level='neuron' or level='layer'"
        )
    diagram = full(roots, rankdir, shown, partials=partials)
    frame(diagram, shown.nodes)
    return diagram


def roots_of(y: Value | Iterable[Value], name: str = "y") -> list[Value]:
    """Return the result or results to draw, checked."""
    roots: list[Any] = list(y) if hasattr(y, "__iter__") else [y]
    if not roots:
        raise ValueError(f"{name} is empty, expected a Value or several")
    for root in roots:
        check_value(name, root)
    return roots


def picture() -> type[Picture]:
    """Return the class of pictures; it is a subclass of one of the package `graphviz`, which is imported only now."""
    extra("graphviz", "drawing")
    from autograd_mini.viz.picture import Picture  # see the docstring

    return Picture
