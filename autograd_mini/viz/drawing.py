"""Drawing: a Value's graph, or a model, as a picture."""

from __future__ import annotations

from autograd_mini.graph import order
from autograd_mini.value import Value
from autograd_mini.viz.diagram import full

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from autograd_mini.viz.picture import Picture

LEVELS = ("auto", "full", "neuron", "layer")
DIRECTIONS = ("LR", "RL", "TB", "BT")
READABLE = 150
"""The values up to which "auto" draws every one of them."""

DRAWABLE = 1000
"""The values up to which "full" draws; Graphviz takes minutes for a few thousand."""


def draw(y: Value | Iterable[Value], rankdir: str = "LR", level: str = "auto") -> Picture:
    """Return the picture of the graph that y was computed with.

    Every value is a card: its name, operation, number and gradient; "–" where no gradient was computed. Inputs have
    square corners, parameters a thick frame, constants a dashed one, results round corners. A positive gradient is
    blue, a negative one orange, both with their sign, and the bar is as long as the root of its share of the largest.

    Args:
        y: the result, or several.
        rankdir: which way the arrows run: "LR", "RL", "TB" or "BT".
        level: "full" for a card a value, "neuron" or "layer" for a card each, "auto" for the finest that can be read.

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
    roots = roots_of(y)
    if rankdir not in DIRECTIONS:
        raise ValueError(f"rankdir is one of {', '.join(DIRECTIONS)}; got {rankdir!r}")
    if level not in LEVELS:
        raise ValueError(f"level is one of {', '.join(LEVELS)}; got {level!r}")
    count = len(order(*roots))
    if count > DRAWABLE:
        raise ValueError(
            f"the graph has {count} values, more than the {DRAWABLE} that can be drawn one by one: draw a part of it, "
            "such as draw(y.args[0])"
        )
    return picture()(full(roots, rankdir))


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
