"""A gallery: one page with every picture of a trained model, and the files it shows beside it."""

from __future__ import annotations

from copy import deepcopy
from itertools import islice
from math import hypot
from pathlib import Path

from autograd_mini.engine.graph import order
from autograd_mini.engine.value import Value
from autograd_mini.viz import plot
from autograd_mini.viz.drawing import draw
from autograd_mini.viz.gradient_descent import descend
from autograd_mini.viz.javascript import LivePage, page
from autograd_mini.viz.network import layers_of
from autograd_mini.viz.plot.axes import SETTINGS, pyplot
from autograd_mini.viz.stepper import step
from autograd_mini.viz.text import xml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from os import PathLike
    from typing import Any

    from autograd_mini.nn.module import Module

_POINTS = 20
"""Maximum points at which neurons are evaluated to choose one."""


def gallery(folder: str | PathLike[str], model: Module, history: Any, X: Any, y: Any) -> str:
    """Write index.html with a neuron's graph, the stepper, the network, the loss curve, the boundary and a descent.

    What an extra is missing for is left out, and the page says which extra.

    Args:
        folder: where; it is made if it is not there.
        model: an MLP of two inputs and one output.
        history: what `fit` returned, or a list of losses.
        X: the points it was trained on, rows of two numbers.
        y: their classes.

    Returns:
        The path of index.html.

    Raises:
        TypeError: if the model is not made of layers of neurons.

    >>> from autograd_mini.datasets import moons
    >>> from autograd_mini.nn import MLP
    >>> from tempfile import TemporaryDirectory
    >>> X, y = moons(20)
    >>> with TemporaryDirectory() as folder:
    ...     gallery(folder, MLP(2, [4, 1], seed=0), [0.7, 0.5], X, y)
    '...index.html'

    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    neuron = _neuron(model, X)

    def valley(x: Any, y: Any) -> Any:  # Rosenbrock's, made a little less steep
        return (1.0 - x) ** 2 + 5.0 * (y - x * x) ** 2

    shown = [
        _made("A neuron, with its gradients", place / "neuron.svg", lambda: draw(neuron)),
        _made("The same, step by step", place / "step.html", lambda: step(neuron)),
        _made("The network", place / "network.svg", lambda: draw(model)),
        _made("The loss while it was trained", place / "loss.svg", lambda: plot.loss_curve(history)),
        _made("What it decides", place / "boundary.svg", lambda: plot.decision_boundary(model, X, y)),
        _made(
            "Gradient descent on a valley",
            place / "descent.html",
            lambda: descend(valley, (-1.5, 1.5), 0.015, 300).page(),
        ),
    ]
    index = place / "index.html"
    body = "\n".join(["<h1>autograd_mini gallery</h1>", *shown])
    index.write_text(page("autograd_mini gallery", body), encoding="utf-8")
    return str(index)


def _made(title: str, path: Path, make: Callable[[], Any]) -> str:
    """Make a picture, a live page or a plot, write it, and return the section that shows it."""
    try:
        if path.name in {"loss.svg", "boundary.svg"}:
            with pyplot().rc_context(SETTINGS):  # the same bytes every time, and inks for light and dark pages
                ax = make()
                ax.figure.savefig(path, metadata={"Date": None})
            pyplot().close(ax.figure)
        else:
            made = make()
            made.save(path)
    except ImportError as error:
        shown = f"<p>Not drawn: {xml(str(error))}</p>"
    else:
        shown = f'<figure><img src="{path.name}" alt="{xml(title)}" style="max-width: 100%"></figure>'
        if path.suffix == ".html" and isinstance(made, LivePage):
            shown = f'{made.html()}\n<p><a href="{path.name}">This on a page of its own</a></p>'
    return f"<h2>{xml(title)}</h2>\n{shown}"


def _neuron(model: Any, X: Any) -> Value:
    """Return a neuron's output at a point, differentiated; the model's gradients stay as they are.

    Of the first layer's neurons and the first points it is the pair with the largest slope: one that is saturated has
    gradients of 0 to show.
    """
    results = [_output(neuron, point) for neuron in layers_of(model)[0] for point in islice(X, _POINTS)]
    return max(results, key=lambda result: hypot(*(node.grad for node in order(result) if not node.op)))


def _output(neuron: Any, point: Iterable[float]) -> Value:
    copied = deepcopy(neuron)
    for parameter in (*copied.w, copied.b):
        parameter.grad = None
    result: Value = copied([Value(float(x), label=f"x{index}") for index, x in enumerate(point, start=1)])
    result.label = "a"
    result.backward()
    return result
