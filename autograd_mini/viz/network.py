"""A network in the notation of textbooks: columns of neurons a_j^[l] with biases b_j^[l], a line for every weight."""

from __future__ import annotations

from collections import Counter

from autograd_mini.viz.diagram import INK, LINE, NEUTRAL_FILL, Diagram
from autograd_mini.viz.dot import weight_colour
from autograd_mini.viz.svg import number, opening
from autograd_mini.viz.text import figure, width, xml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from autograd_mini.nn.module import Module

TALLEST = 12
"""Maximum neurons drawn in a column; of more, the first and the last, with dots between."""

LABELLED = 12
"""Maximum weights whose numbers stand on their lines."""

LEGEND = "weights: blue +, orange dashed −; the thicker, the larger"
_ITALIC = f'fill="{INK}" font-style="italic"'
RADIUS, ACROSS, DOWN, TOP = 25.0, 210.0, 74.0, 58.0
NAMED = 1.35  # times as far down, where names need the room


class Column:
    """One column of the picture.

    Attributes:
        title: what stands above it.
        letter: "x" for inputs, "a" for neurons.
        layer: the number of the layer; 0 for inputs.
        size: how many there are.
        shown: the numbers, from 1, of those that are drawn; None stands for those left out.
        neurons: the neurons; none for inputs.

    """

    __slots__ = ("layer", "letter", "neurons", "shown", "size", "title")

    def __init__(self, title: str, layer: int, size: int, neurons: list[Any]) -> None:
        self.title, self.layer, self.size, self.neurons = title, layer, size, neurons
        self.letter = "a" if layer else "x"
        self.shown: list[int | None] = [*range(1, size + 1)]
        if size > TALLEST:
            self.shown = [*range(1, TALLEST - 1), None, size]

    def name(self, j: int) -> str:
        """Return the name of a neuron in plain text."""
        return f"{self.letter}_{j}^[{self.layer}]" if self.layer else f"x_{j}"


def layers_of(model: Module) -> list[list[Any]]:
    """Return the neurons of a model, layer by layer.

    Raises:
        TypeError: if it is not made of layers of neurons.

    """
    layers = getattr(model, "layers", None)
    if layers is None:
        layers = [model]
    found = [list(getattr(layer, "neurons", [layer])) for layer in layers]
    if not all(hasattr(neuron, "w") and hasattr(neuron, "b") for layer in found for neuron in layer):
        raise TypeError(
            f"{model!r} is not made of layers of neurons, so it cannot be drawn as a network; draw(model(x)) draws "
            "its graph"
        )
    return found


def network(model: Module, *, names: bool = False) -> Diagram:
    """Return the diagram of a model: MLP, Layer or Neuron; with the names of weights and biases, or their numbers."""
    from autograd_mini.nn.layers import title

    layers = layers_of(model)
    columns = [Column("inputs", 0, len(layers[0][0].w), [])]
    for index, neurons in enumerate(layers, start=1):
        kinds = list(dict.fromkeys(title(neuron.activation) for neuron in neurons))
        columns.append(Column(f"layer {index}: {', '.join(kinds)}", index, len(neurons), neurons))
    count = sum(len(neuron.w) + 1 for layer in layers for neuron in layer)
    sizes = "–".join(str(column.size) for column in columns)
    diagram = Diagram("LR", f"Network {sizes} with {count} parameters.")
    keys: dict[tuple[int, int], str] = {}
    for column in columns:
        for j in filter(None, column.shown):
            card = diagram.card("operation" if column.layer else "input", column.name(j))
            if column.layer:
                bias = column.neurons[j - 1].b.data
                card.rows = [("bias", figure(bias))]
                card.tip = f"neuron {j} of layer {column.layer}: bias b_{j}^[{column.layer}] = {figure(bias)}"
            keys[column.layer, j] = card.key
    for column in columns[1:]:
        for j in filter(None, column.shown):
            for k in filter(None, columns[column.layer - 1].shown):
                weight = column.neurons[j - 1].w[k - 1].data
                tip = f"w_{j}{'' if max(j, k) < 10 else ','}{k}^[{column.layer}] = {figure(weight)}"
                wire = diagram.wire(keys[column.layer - 1, k], keys[column.layer, j], tip)
                wire.weight, wire.marks = weight, [figure(weight, digits=2)]
    if len(diagram.wires) > LABELLED:
        for wire in diagram.wires:
            wire.marks = []
    diagram.drawn = _svg(diagram, columns, keys, names=names)
    return diagram


def _svg(diagram: Diagram, columns: list[Column], keys: dict[tuple[int, int], str], *, names: bool) -> str:
    tallest = max(len(column.shown) for column in columns)
    across = max(ACROSS, *(width(column.title, 12.5) + 44.0 for column in columns))
    down = DOWN * NAMED if names else DOWN
    w, h = max(across * len(columns), width(LEGEND, 11.5) + 16.0), TOP + down * tallest + 46.0
    centres: dict[str, tuple[float, float]] = {}
    dots: list[tuple[float, float, str]] = []
    for index, column in enumerate(columns):
        x, top = across * (index + 0.5), TOP + down * (tallest - len(column.shown)) / 2.0
        for row, j in enumerate(column.shown):
            y = top + down * (row + 0.5)
            if j is None:
                dots.append((x, y, f"{column.size - TALLEST + 1} more"))
            else:
                centres[keys[column.layer, j]] = (x, y)
    parts = [opening(w + 12.0, h + 12.0, diagram.about), f"<title>{xml(diagram.about)}</title>"]
    parts += _lines(diagram, centres, names=names)
    for index, column in enumerate(columns):
        parts.append(_pill(across * (index + 0.5), 20.0, column.title, 12.5))
        shown = filter(None, column.shown)
        parts += [_circle(column, j, keys[column.layer, j], centres, names=names) for j in shown]
    parts += [_pill(x, y, text, 12.0) for x, y, text in dots]
    parts.append(_pill(w / 2.0, h - 14.0, LEGEND, 11.5))
    return "\n".join([*parts, "</svg>", ""])


def _lines(diagram: Diagram, centres: dict[str, tuple[float, float]], *, names: bool) -> list[str]:
    """Return the weights: blue lines for positive, orange and dashed for negative, as thick as they are large."""
    largest = max((abs(wire.weight or 0.0) for wire in diagram.wires), default=0.0) or 1.0
    labelled = len(diagram.wires) <= LABELLED
    thickest = 4.0 if len(diagram.wires) <= 40 else 2.2 if len(diagram.wires) <= 120 else 1.2
    fans_in, fans_out = Counter(w.head for w in diagram.wires), Counter(w.tail for w in diagram.wires)
    lines, labels = [], []
    for wire in diagram.wires:
        weight = wire.weight or 0.0
        (x0, y0), (x1, y1) = centres[wire.tail], centres[wire.head]
        thick = 0.6 + thickest * abs(weight) / largest
        dashes = ' stroke-dasharray="7 4"' if weight < 0.0 else ""
        ends = f'x1="{number(x0 + RADIUS)}" y1="{number(y0)}" x2="{number(x1 - RADIUS)}" y2="{number(y1)}"'
        lines.append(
            f'<g id="{wire.key}"><title>{xml(wire.tip)}</title><line {ends} stroke="{weight_colour(weight)}" '
            f'stroke-width="{number(thick)}"{dashes}/></g>'
        )
        if labelled:
            along = 0.25 if fans_in[wire.head] >= fans_out[wire.tail] else 0.75  # where the lines lie apart
            place = x0 + (x1 - x0) * along, y0 + (y1 - y0) * along
            name = wire.tip.partition(" = ")[0]
            labels.append(_name(*place, name) if names else _pill(*place, figure(weight, digits=2), 11.0))
    return lines + labels


def _circle(column: Column, j: int, key: str, centres: dict[str, tuple[float, float]], *, names: bool) -> str:
    x, y = centres[key]
    round_ = f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(RADIUS)}" fill="{NEUTRAL_FILL}" stroke="{LINE}"'
    tip = f"input {j}"
    parts = []
    if column.layer:
        bias = column.neurons[j - 1].b.data
        tip = f"neuron {j} of layer {column.layer}: bias b_{j}^[{column.layer}] = {figure(bias)}"
        below = y + RADIUS + (12.0 if names else 9.0)
        named = f"b_{j}^[{column.layer}]"
        parts.append(_name(x, below, named) if names else _pill(x, below, f"b {figure(bias, digits=3)}", 10.5))
    start = x - (13.0 if column.layer else 9.0)
    text = f'<text x="{number(start)}" y="{number(y + 5)}" {_ITALIC} font-size="17">{column.letter}</text>'
    text += f'<text x="{number(start + 10.5)}" y="{number(y + 11)}" {_ITALIC} font-size="10">{j}</text>'
    if column.layer:
        text += (
            f'<text x="{number(start + 11.5)}" y="{number(y - 4)}" fill="{INK}" font-size="10">[{column.layer}]</text>'
        )
    return f'<g id="{key}"><title>{xml(tip)}</title>{round_} stroke-width="1.6"/>{text}{"".join(parts)}</g>'


def _name(x: float, y: float, name: str) -> str:
    """Return a name such as "w_12^[1]" on ground of its own, its layer above its indices as in print."""
    letter, _, rest = name.partition("_")
    indices, _, layer = rest.partition("^")
    beside = width(letter, 14.0) + 0.5
    wide = beside + max(width(indices, 9.5), width(layer, 9.5)) + 8.0
    start = x - wide / 2.0 + 4.0
    return (
        f'<rect x="{number(x - wide / 2.0)}" y="{number(y - 11.5)}" width="{number(wide)}" height="23" rx="6" '
        f'fill="#ffffff" stroke="#b0b0b0" stroke-width="0.8"/>'
        f'<text x="{number(start)}" y="{number(y + 4.5)}" {_ITALIC} font-size="14">{letter}</text>'
        f'<text x="{number(start + beside)}" y="{number(y + 9)}" {_ITALIC} font-size="9.5">{indices}</text>'
        f'<text x="{number(start + beside)}" y="{number(y - 1.5)}" fill="{INK}" font-size="9.5">{layer}</text>'
    )


def _pill(x: float, y: float, text: str, size: float) -> str:
    """Return a text on light ground of its own, which reads on white and on dark."""
    wide = width(text, size) + 12.0
    return (
        f'<rect x="{number(x - wide / 2)}" y="{number(y - size * 0.75)}" width="{number(wide)}" '
        f'height="{number(size * 1.5)}" rx="{number(size * 0.6)}" fill="#ffffff" stroke="#b0b0b0" stroke-width="0.8"/>'
        f'<text x="{number(x)}" y="{number(y + size * 0.36)}" fill="{INK}" font-size="{number(size)}" '
        f'text-anchor="middle">{xml(text)}</text>'
    )
