"""An explorer: sliders on the leaves of a graph; value, gradients and picture follow. It needs a notebook."""

from __future__ import annotations

from pathlib import Path

from autograd_mini.engine.graph import order
from autograd_mini.engine.value import Parameter, Value
from autograd_mini.extras import extra
from autograd_mini.viz.diagram import check_value
from autograd_mini.viz.drawing import diagram_of, picture
from autograd_mini.viz.replay import replayed
from autograd_mini.viz.text import figure, gradient_text, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 12
"""Maximum leaves with a slider."""


class Exploration:
    """The numbers behind an explorer: a graph, where its leaves started, and where they are.

    Attributes:
        leaves: the leaves that can be moved.
        start: their numbers at the start of the comparison.

    """

    def __init__(self, y: Value, leaves: list[Value], rankdir: str = "LR") -> None:
        self.y, self.leaves, self._rankdir = y, leaves, rankdir
        self.start = [leaf.data for leaf in leaves]
        self._base, self._slopes = self._at(self.start)

    def compare_from(self, numbers: list[float]) -> None:
        """Start the comparison of predicted and actual change at these numbers."""
        self.start = list(numbers)
        self._base, self._slopes = self._at(numbers)

    def state(self, numbers: list[float]) -> dict[str, Any]:
        """Return what to show for these numbers: the picture, the value, the gradients, predicted and actual change."""
        graph = self._graph(numbers)
        result = graph[self.y]
        result.backward()
        predicted = sum(s * (x - x0) for s, x, x0 in zip(self._slopes, numbers, self.start, strict=True))
        actual = result.data - self._base
        return {
            "svg": picture()(diagram_of([result], self._rankdir, "auto")).svg(),
            "value": figure(result.data),
            "gradients": [gradient_text(graph[leaf].grad) for leaf in self.leaves],
            "predicted": figure(predicted, sign=True),
            "actual": figure(actual, sign=True),
        }

    def _graph(self, numbers: list[float]) -> dict[Value, Value]:
        """Return the graph at other numbers, new nodes by the old ones, with their labels."""
        moved = {
            leaf: (Parameter if isinstance(leaf, Parameter) else Value)(number, label=leaf.label)
            for leaf, number in zip(self.leaves, numbers, strict=True)
        }
        graph = replayed(self.y, moved)
        for old, new in graph.items():
            if isinstance(new, Value) and old.label and not new.label:
                new.label = old.label
        return graph

    def _at(self, numbers: list[float]) -> tuple[float, list[float]]:
        graph = self._graph(numbers)
        graph[self.y].backward()
        return graph[self.y].data, [graph[leaf].grad for leaf in self.leaves]


def explore(y: Value, rankdir: str = "LR") -> Any:
    """Return a widget with a slider for every leaf of y's graph.

    While a slider moves, it shows the value, the gradients and the picture, and how the change that the gradient
    predicts (gradient times change, summed) compares with the actual change. y itself is left as it is.

    Args:
        y: a result with at most 12 leaves that are labelled, or at most 12 leaves in all.
        rankdir: which way the arrows run: "LR", "RL", "TB" or "BT".

    Returns:
        An anywidget.AnyWidget; its trait `numbers` holds the numbers of the leaves and may be assigned.

    Raises:
        TypeError: if y is no Value.
        ValueError: if there are too many leaves, none, or an operation that cannot be computed again.
        ImportError: if anywidget is missing; the message names the extra.

    >>> x = Value(2.0, label="x")
    >>> widget = explore(x**2)  # doctest: +SKIP

    """
    check_value("y", y)
    nodes = order(y)
    leaves = [node for node in nodes if not node.op]
    if len(leaves) > MOST:
        leaves = [leaf for leaf in leaves if leaf.label]
    if not 1 <= len(leaves) <= MOST or not y.op:
        raise ValueError(
            f"explore(y) has a slider for each of 1 to {MOST} labelled leaves of a computed result; this graph has "
            f"{len(leaves)}: label the ones to move"
        )
    exploration = Exploration(y, leaves, rankdir)
    called = names(nodes)
    return _widget(exploration, [called[leaf] for leaf in leaves], called[y])


def _widget(exploration: Exploration, labels: list[str], result: str) -> Any:
    anywidget = extra("anywidget", "explore")
    import traitlets  # type: ignore[import-not-found, unused-ignore]  # comes with it

    class Explorer(anywidget.AnyWidget):  # type: ignore[misc, name-defined, unused-ignore]  # not typed
        """The widget."""

        _esm = Path(__file__).with_name("explorer.js").read_text(encoding="utf-8")
        numbers = traitlets.List(traitlets.Float()).tag(sync=True)
        ranges: Any = traitlets.List().tag(sync=True)
        labels: Any = traitlets.List().tag(sync=True)
        result = traitlets.Unicode().tag(sync=True)
        state = traitlets.Dict().tag(sync=True)
        restarts = traitlets.Int(0).tag(sync=True)

    start = exploration.start
    ranges = [[x - 2.0 * max(1.0, abs(x)), x + 2.0 * max(1.0, abs(x))] for x in start]
    widget = Explorer(numbers=start, ranges=ranges, labels=labels, result=result, state=exploration.state(start))

    def moved(_: object) -> None:
        widget.state = exploration.state(widget.numbers)

    def restarted(_: object) -> None:
        exploration.compare_from(widget.numbers)
        widget.state = exploration.state(widget.numbers)

    widget.observe(moved, "numbers")
    widget.observe(restarted, "restarts")
    return widget
