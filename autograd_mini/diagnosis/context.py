"""A context: a loss with its graph, a model with its parameters, and the gradient between them, which nothing shows.

A finding is one mistake that can be seen in it, with its reason and its remedy.
"""

from __future__ import annotations

from math import isfinite

from autograd_mini.diagnosis.units import layers
from autograd_mini.engine.graph import adjoints, operands, order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from autograd_mini.diagnosis.named_parameters import NamedParameters
    from autograd_mini.diagnosis.units import UnitLayer
    from autograd_mini.engine.locations import Place
    from autograd_mini.engine.value import Value

_WIDTH = 100  # characters a line


class Finding:
    """One mistake.

    Attributes:
        kind: a word for it, such as "zero_grad" or "dead"; `doctor` lists them.
        message: what was found, a sentence.
        reason: why that matters.
        remedy: what to change.
        place: the line of code that it belongs to; None if that is not known.
        names: the names of the parameters concerned.

    >>> print(Finding("dead", "2 of 8 neurons are dead.", "Their gradient is 0.", "Lower the learning rate."))
    dead: 2 of 8 neurons are dead.
      why    Their gradient is 0.
      change Lower the learning rate.

    """

    __slots__ = ("kind", "message", "names", "place", "reason", "remedy")

    def __init__(
        self,
        kind: str,
        message: str,
        reason: str,
        remedy: str,
        *,
        place: Place | None = None,
        names: Iterable[str] = (),
    ) -> None:
        self.kind, self.message, self.reason, self.remedy = kind, message, reason, remedy
        self.place, self.names = place, tuple(names)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Pairs of a heading and its text: why, what to change, and where, if that is known."""
        known = [] if self.place is None else [("where", str(self.place))]
        return [("why", self.reason), ("change", self.remedy), *known]

    def __str__(self) -> str:
        """Return the finding as text, wrapped."""
        from textwrap import fill

        lines = [fill(f"{self.kind}: {self.message}", _WIDTH, subsequent_indent="  ", break_long_words=False)]
        for heading, text in self.facts:
            lines.append(
                fill(text, _WIDTH, initial_indent=f"  {heading:7}", subsequent_indent=" " * 9, break_long_words=False)
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Show the kind and the message."""
        return f"<{self.kind}: {self.message}>"


class Context:
    """What the checks look at.

    Attributes:
        named: the parameters by name.
        loss: the loss.
        own: whether the loss was computed here, so that nobody means to call backward on it.
        nodes: the graph of the loss, oldest first.
        uses: the nodes that have a parameter among their operands, each with that parameter.
        stale: those of the uses that are older than the last assignment of the parameter.
        gradients: for each parameter that the loss depends on the derivative of the loss; empty where something is
            stale.
        layers: the hidden layers.
        given: whether these were seen on rows that were given for it, not in the loss.

    """

    def __init__(self, named: NamedParameters, loss: Value, rows: list[Value] | None, *, own: bool) -> None:
        self.named, self.loss, self.own = named, loss, own
        graph = {node: operands(node) for node in order(loss)}
        self.nodes = list(graph)
        known = set(named.parameters)
        self.uses = [(node, operand) for node, found in graph.items() for operand in found if operand in known]
        self.stale = [(node, operand) for node, operand in self.uses if operand._tick > node._tick]
        reached = known.intersection(self.nodes)
        self.used = [parameter for parameter in named.parameters if parameter in reached]
        self.gradients: dict[Value, float] = {}
        if not any(operand._tick > node._tick for node, found in graph.items() for operand in found):
            self.gradients = dict(zip(self.used, adjoints(loss, self.used), strict=True))
        self.given = rows is not None
        if rows is not None:
            graph = {node: operands(node) for node in order(*rows)}
        self.layers: list[UnitLayer] = layers(graph, [loss] if rows is None else rows, named.parameters)

    @property
    def finite(self) -> bool:
        """Whether loss, parameters and gradients are finite."""
        numbers = [self.loss._data, *(p._data for p in self.named.parameters), *self.gradients.values()]
        return all(map(isfinite, numbers))

    @property
    def examined(self) -> str:
        """What was looked at, in words."""
        parts = [
            f"loss {self.loss._data:.4g}",
            counted(len(self.named.parameters), "parameter"),
            counted(len(self.nodes), "node"),
        ]
        if self.layers:
            units = counted(sum(len(layer.units) for layer in self.layers), "hidden unit")
            parts.append(f"{units} on {counted(max(layer.samples for layer in self.layers), 'sample')}")
        return ", ".join(parts)


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: "1 node", "2,000 nodes"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"
