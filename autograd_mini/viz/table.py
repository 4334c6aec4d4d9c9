"""A trace: the backward pass as a table of text, for terminals and screen readers."""

from __future__ import annotations

from autograd_mini.viz.events import steps
from autograd_mini.viz.text import figure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from autograd_mini.engine.value import Value

_HEAD = ("step", "node", "value", "gradient", "operand", "local derivative", "contributes", "its gradient")


class Text(str):
    """A text of several lines that a notebook or a prompt shows as it is printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Show the lines themselves."""
        return str(self)


def trace(y: Value, forward: bool = False) -> Text:  # noqa: FBT001, FBT002 - a plain switch
    """Return the backward pass of y as a table, one line for every operand that receives a gradient.

    Args:
        y: the result to differentiate.
        forward: whether lines of the forward pass come before.

    Raises:
        TypeError: if y is no Value.
        StaleValueError: if a leaf was assigned after the graph used it.

    >>> from autograd_mini import Value
    >>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    >>> trace(a * b)
    step  node        value  gradient  operand  local derivative  contributes  its gradient
       0  v1             −6         1  (seed)
       1  v1 = a × b     −6         1  a        b = −3                     −3  0 → −3
                                       b        a = 2                       2  0 → 2

    """
    events = steps(y, forward=forward)
    ahead = [line for event in events if event.phase == "forward" for line in event.lines()]
    rows: list[tuple[str, ...]] = [_HEAD]
    number = 0
    for event in events:
        if event.phase == "forward":
            continue
        if event.phase == "seed":
            rows.append((str(number), event.name, figure(event.value), figure(event.grad), "(seed)", "", "", ""))
            continue
        number += 1
        first = (str(number), f"{event.name} = {event.expression}", figure(event.value), figure(event.grad))
        for part in event.contributions:
            partial = figure(part.partial)
            local = f"{part.formula} = {partial}" if part.formula not in {"", partial} else partial
            sums = f"{figure(part.before)} → {figure(part.after)}"
            rows.append((*first, part.name, local, figure(part.share), sums))
            first = ("", "", "", "")
    table = _aligned(rows)
    return Text("\n".join([*ahead, *[""] * bool(ahead), *table]))


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Return rows as lines: words to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = {0, 2, 3, 6}
    return [
        "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
