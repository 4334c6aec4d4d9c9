"""Drawing: a Value's graph, or a model, as a picture."""

from __future__ import annotations

from autograd_mini.engine.graph import order
from autograd_mini.engine.value import Value
from autograd_mini.nn.module import Module
from autograd_mini.viz.diagram import full
from autograd_mini.viz.groups import collapsed
from autograd_mini.viz.network import network
from autograd_mini.viz.text import figure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from autograd_mini.viz.diagram import Diagram
    from autograd_mini.viz.picture import Picture

LEVELS = ("auto", "full", "neuron", "layer")
DIRECTIONS = ("LR", "RL", "TB", "BT")
READABLE = 150
"""The values up to which "auto" draws every one of them."""

DRAWABLE = 1000
"""The values up to which "full" draws; Graphviz takes minutes for a few thousand."""


def draw(
    y: Value | Iterable[Value] | Module,
    rankdir: str = "LR",
    level: str = "auto",
    *,
    partials: bool = False,
    names: bool = False,
) -> Picture:
    """Return the picture of the graph that y was computed with, or of a network.

    Every value is a card: its name, operation, number and gradient; "–" where no gradient was computed. Inputs have
    square corners, parameters a thick frame, constants a dashed one, results round corners. A positive gradient is
    blue, a negative one orange, both with their sign, and the bar is as long as the root of its share of the largest.

    Args:
        y: the result, or several; or a model, whose neurons and weights are drawn in the notation of textbooks.
        rankdir: which way the arrows run: "LR", "RL", "TB" or "BT".
        level: "full" for a card a value, "neuron" or "layer" for a card each, "auto" for the finest that can be read.
            What goes back along a wire between such cards is the exact sum of all contributions.
        partials: whether every wire carries the local derivative as a factor, "× −3", and, where gradients were
            computed, what goes back along it, "+1.5"; between neurons or layers the sum alone.
        names: for a model, whether weights and biases carry their names, w_jk^[l] and b_j^[l], in place of numbers.

    Returns:
        A graphviz.Digraph; `save("graph.svg")` writes it, also as .png, .pdf, .dot, .html and .mmd.

    Raises:
        TypeError: if y is no Value.
        ValueError: if there are more values than can be drawn; the message says what to do.
        ImportError: if the package `graphviz` is missing.

    >>> x = Value(3.0, label="x")
    >>> print(draw(x * x).diagram.about)
    Computation graph of v1 = 9: 2 values, 1 of them leaves, gradients not computed.

    """
    if rankdir not in DIRECTIONS:
        raise ValueError(f"rankdir is one of {', '.join(DIRECTIONS)}; got {rankdir!r}")
    if level not in LEVELS:
        raise ValueError(f"level is one of {', '.join(LEVELS)}; got {level!r}")
    if isinstance(y, Module):
        return picture()(network(y, names=names))
    roots = roots_of(y)
    return picture()(diagram_of(roots, rankdir, level, partials=partials))


def diagram_of(roots: list[Value], rankdir: str, level: str, *, partials: bool = False) -> Diagram:
    """Return the diagram at a level; "auto" takes the finest that can be read."""
    count = len(order(*roots))
    if level == "full" or (level == "auto" and count <= READABLE):
        return _one_by_one(roots, rankdir, count, partials=partials)
    for wanted in ("neuron", "layer") if level == "auto" else (level,):
        diagram = collapsed(roots, rankdir, wanted)
        if diagram is None:
            break
        if partials:
            for wire in diagram.wires:
                wire.marks = [] if wire.share is None else [figure(wire.share, sign=True)]
        if len(diagram.cards) <= READABLE or wanted == level:
            if len(diagram.cards) > DRAWABLE or len(diagram.wires) > 10 * DRAWABLE:
                raise ValueError(
                    f"the graph has {len(diagram.cards)} neurons, more than can be drawn: use level='layer'"
                )
            return diagram
        if wanted == "layer":
            return diagram
    if level != "auto":
        raise ValueError(
            f"level {level!r} needs parameters labelled as those of a neuron, 'w[l][j][k]' and 'b[l][j]', as MLP "
            "labels them; use level='full'"
        )
    return _one_by_one(roots, rankdir, count, partials=partials)


def _one_by_one(roots: list[Value], rankdir: str, count: int, *, partials: bool) -> Diagram:
    if count > DRAWABLE:
        raise ValueError(
            f"the graph has {count} values, more than the {DRAWABLE} that can be drawn one by one: draw a part of it, "
            "such as draw(y.args[0]), or, for a network, collapse it with level='neuron' or level='layer'"
        )
    return full(roots, rankdir, partials=partials)


def roots_of(y: Value | Iterable[Value], name: str = "y") -> list[Value]:
    """Return the result or results to draw, checked."""
    roots: list[Any] = list(y) if hasattr(y, "__iter__") else [y]
    for root in roots:
        if not isinstance(root, Value):
            raise TypeError(f"{name} is a Value or several; got {root!r} of type {type(root).__name__}")
    if not roots:
        raise ValueError(f"{name} is empty; give at least one Value")
    return roots


def picture() -> type[Picture]:
    """Return the class of pictures; it is a subclass of one of the package `graphviz`, which is imported only now."""
    try:
        from autograd_mini.viz.picture import Picture  # see the docstring
    except ImportError as error:
        raise ImportError(f"drawing needs the package graphviz: pip install 'autograd_mini[draw]' ({error})") from error
    return Picture
