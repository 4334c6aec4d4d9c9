"""A gallery: one page with every picture of a trained model, and the files it shows beside it."""

from __future__ import annotations

from copy import deepcopy
from itertools import islice
from math import hypot
from pathlib import Path

from autograd_mini.engine.graph import order
from autograd_mini.engine.value import Value
from autograd_mini.viz.drawing import draw
from autograd_mini.viz.gradient_descent import descend
from autograd_mini.viz.network import layers_of
from autograd_mini.viz.stepper import step
from autograd_mini.viz.svg import page
from autograd_mini.viz.text import xml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from os import PathLike
    from typing import Any

    from autograd_mini.nn.module import Module
    from autograd_mini.viz.stage import Stage

    Section = tuple[str, str, str]
    """A title, the name of a file, and the HTML that shows it; no file where it could not be made."""

_POINTS = 20
"""Maximum points at which neurons are evaluated to choose one."""

_START, _RATE, _STEPS = (-1.5, 1.5), 0.015, 300


def gallery(folder: str | PathLike[str], model: Module, history: Any, X: Any, y: Any) -> str:
    """Write index.html with a neuron's graph, the stepper, the network, the loss curve, the boundary and a surface.

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
    shown = [
        _made("A neuron, with its gradients", "neuron.svg", place, lambda path: draw(neuron).save(path)),
        _made("The same, step by step", "step.html", place, lambda path: _stepper(neuron, path)),
        _made("The network", "network.svg", place, lambda path: draw(model).save(path)),
        _made("The loss while it was trained", "loss.svg", place, lambda path: _loss(history, path)),
        _made("What it decides", "boundary.svg", place, lambda path: _boundary(model, X, y, path)),
        _made("Gradient descent on a valley", "surface.svg", place, _surface),
    ]
    body = "\n".join(f"<h2>{xml(title)}</h2>\n{html}" for title, _, html in shown)
    index = place / "index.html"
    index.write_text(page("autograd_mini gallery", f"<h1>autograd_mini gallery</h1>\n{body}"), encoding="utf-8")
    return str(index)


def _made(title: str, name: str, place: Path, save: Callable[[Path], Any]) -> Section:
    """Write one file and return how the page shows it."""
    try:
        made = save(place / name)
    except ImportError as error:
        return title, "", f"<p>Not drawn: {xml(str(error))}</p>"
    if name.endswith(".html"):
        alone = f'<p><a href="{name}">The stepper on a page of its own</a></p>'
        return title, name, f"{made.html()}\n{alone}"
    plot = name in {"loss.svg", "boundary.svg", "surface.svg"}
    paper = ' style="background: #ffffff; border-radius: 6px; max-width: 100%"' if plot else ' style="max-width: 100%"'
    return title, name, f'<figure><img src="{name}" alt="{xml(title)}"{paper}></figure>'


def _neuron(model: Any, X: Any) -> Value:
    """Return a neuron's output at a point, differentiated; the model's gradients stay as they are.

    Of the first layer's neurons and the first points it is the pair with the largest slope: one that is saturated has
    gradients of 0 to show.
    """
    results = [_output(neuron, point) for neuron in layers_of(model)[0] for point in islice(X, _POINTS)]
    return max(results, key=lambda result: hypot(*(node.grad for node in order(result) if not node.op)))


def _output(neuron: Any, point: Iterable[float]) -> Value:
    """Return the output of a copy of a neuron, differentiated."""
    copied = deepcopy(neuron)
    for parameter in (*copied.w, copied.b):
        parameter.grad = None
    result: Value = copied([Value(float(x), label=f"x{index}") for index, x in enumerate(point, start=1)])
    result.label = "a"
    result.backward()
    return result


def _stepper(y: Value, path: Path) -> Stage:
    """Write the stepper and return it, to be shown on the page too."""
    stepper = step(y)
    stepper.save(path)
    return stepper


def _loss(history: Any, path: Path) -> None:
    from autograd_mini.viz import plot

    _written(plot.loss_curve(history), path)


def _boundary(model: Any, X: Any, y: Any, path: Path) -> None:
    from autograd_mini.viz import plot

    _written(plot.decision_boundary(model, X, y), path)


def _surface(path: Path) -> None:
    from autograd_mini.viz import plot

    def valley(x: Any, y: Any) -> Any:  # Rosenbrock's, made a little less steep
        return (1.0 - x) ** 2 + 5.0 * (y - x * x) ** 2

    _written(plot.surface(valley, descend(valley, _START, _RATE, _STEPS), title="A curved valley")[0], path)


def _written(ax: Any, path: Path) -> None:
    """Save a plot as the same bytes every time, and close it."""
    from autograd_mini.viz.plot.axes import pyplot

    plt = pyplot()
    with plt.rc_context({"svg.hashsalt": "autograd_mini"}):
        ax.figure.savefig(path, metadata={"Date": None})
    plt.close(ax.figure)
