"""A network in the notation of textbooks: columns of neurons a_j^[l] with biases b_j^[l], a line for every weight.

With a sample, activations stand in the circles; with its target the loss is a column too, and what goes back stands
beside what went forward: δ_j^[l] = ∂L/∂z_j^[l] in the circles, ∂L/∂w_jk^[l] on the lines.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from operator import mul

from autograd_mini.engine.graph import gradient
from autograd_mini.engine.value import Value
from autograd_mini.nn.layers import activate, title
from autograd_mini.nn.module import sample
from autograd_mini.train.objective import Objective
from autograd_mini.viz.diagram import INK, LINE, NEGATIVE, NEUTRAL_FILL, POSITIVE, Diagram
from autograd_mini.viz.svg import number, still_opening
from autograd_mini.viz.text import figure, width, xml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from autograd_mini.nn.module import Module

    Loss = str | Callable[[Any, Any], Any]

TALLEST = 12
"""Maximum neurons drawn in a column; of more, the first and the last, with dots between."""

LABELLED = 12
"""Maximum weights whose numbers stand on their lines."""

LEGEND = "weights: blue +, orange dashed −; the thicker, the larger"
ACROSS, TOP = 210.0, 58.0
COLOURS = {"p": POSITIVE, "n": NEGATIVE, "": LINE}


class Sample:
    """One sample on its way through a network, and back.

    Attributes:
        inputs: the numbers that go in.
        sums: the weighted sums z of each layer.
        outputs: the activations a of each layer.
        loss: the loss; None without a target.
        target: the target as given.
        called: the name of the loss.
        gradients: the derivative of the loss with respect to sums, activations and parameters.

    """

    def __init__(self, layers: list[list[Any]], x: Any, target: Any = None, loss: Loss = "mse") -> None:
        if x is None:
            raise TypeError("x is None, expected a sample, one number for each input: draw(model, x=[0.5, -1.0])")
        self.inputs = [
            Value(entry.data if isinstance(entry, Value) else float(entry), label=f"x{k}")
            for k, entry in enumerate(sample(x), start=1)
        ]
        wanted = len(layers[0][0].w)
        if len(self.inputs) != wanted:
            raise ValueError(f"x is a sample of {len(self.inputs)} numbers, expected {wanted}, one for each input")
        self.sums: list[list[Value]] = []
        self.outputs: list[list[Value]] = []
        arriving = self.inputs
        for layer in layers:
            self.sums.append([sum(map(mul, neuron.w, arriving), neuron.b) for neuron in layer])
            pairs = zip(layer, self.sums[-1], strict=True)
            arriving = [activate(neuron.activation, total) for neuron, total in pairs]
            self.outputs.append(arriving)
        self.target, self.loss, self.called = target, None, ""
        self.gradients: dict[Value, float] = {}
        if target is not None:
            objective = Objective(loss, {})
            self.called = str(objective.name or getattr(loss, "__name__", "loss")).replace("_", " ")
            self.loss = objective.loss(arriving[0] if len(arriving) == 1 else arriving, target)
            parameters = [parameter for layer in layers for neuron in layer for parameter in (*neuron.w, neuron.b)]
            wanted_of = [*dict.fromkeys([*parameters, *self.nodes()])]
            found = gradient(self.loss, wanted_of)
            self.gradients = {node: slope.data for node, slope in zip(wanted_of, found, strict=True)}

    def nodes(self) -> Iterable[Value]:
        """Return the sums, the activations and the inputs."""
        return chain(self.inputs, *self.sums, *self.outputs)


class Column:
    """One column of the picture.

    Attributes:
        title: what stands above it.
        layer: the number of the layer; 0 for inputs.
        size: how many there are.
        shown: the numbers, from 1, of those that are drawn; None stands for those left out.
        neurons: the neurons; none for inputs and for the loss.

    """

    def __init__(self, title: str, layer: int, size: int, neurons: list[Any]) -> None:
        self.title, self.layer, self.size, self.neurons = title, layer, size, neurons
        self.shown: list[int | None] = [*range(1, size + 1)]
        if size > TALLEST:
            self.shown = [*range(1, TALLEST - 1), None, size]

    def name(self, j: int) -> str:
        """Return the name of a neuron in plain text."""
        return f"a_{j}^[{self.layer}]" if self.layer else f"x_{j}"


def layers_of(model: Module) -> list[list[Any]]:
    """Return the neurons of a model, layer by layer; a TypeError if it is not made of layers of neurons."""
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


class Network:
    """The picture of a model: MLP, Layer or Neuron.

    Attributes:
        layers: its neurons, layer by layer.
        columns: what is drawn of them.
        keys: the card of each neuron and input, by (layer, number), inputs being layer 0.
        places: of each wire its key, its layer l, and j and k of its weight w_jk^[l].
        diagram: the cards and wires.
        sample: a sample on its way; None for the network alone.

    """

    def __init__(self, model: Module, *, names: bool = False, sample: Sample | None = None) -> None:
        self.layers, self.names, self.sample = layers_of(model), names, sample
        self.columns = [Column("inputs", 0, len(self.layers[0][0].w), [])]
        for index, neurons in enumerate(self.layers, start=1):
            kinds = list(dict.fromkeys(title(neuron.activation) for neuron in neurons))
            self.columns.append(Column(f"layer {index}: {', '.join(kinds)}", index, len(neurons), neurons))
        count = sum(len(neuron.w) + 1 for layer in self.layers for neuron in layer)
        sizes = "–".join(str(column.size) for column in self.columns)
        self.diagram = Diagram("LR", f"Network {sizes} with {count} parameters{self._results()}.")
        self.keys: dict[tuple[int, int], str] = {}
        self.places: list[tuple[str, int, int, int]] = []
        for column in self.columns:
            for j in filter(None, column.shown):
                self._card(column, j)
        for column in self.columns[1:]:
            for j in filter(None, column.shown):
                for k in filter(None, self.columns[column.layer - 1].shown):
                    self._wire(column, j, k)
        if len(self.diagram.wires) > LABELLED:
            for wire in self.diagram.wires:
                wire.marks = []
        self.radius = 30.0 if sample else 25.0
        self.diagram.drawn = self._svg()

    def _results(self) -> str:
        if self.sample is None:
            return ""
        outputs = ", ".join(figure(node.data) for node in self.sample.outputs[-1][:5])
        said = f", output {outputs}"
        return said if self.sample.loss is None else f"{said}, loss L = {figure(self.sample.loss.data)}"

    def _card(self, column: Column, j: int) -> None:
        card = self.diagram.card("operation" if column.layer else "input", column.name(j))
        self.keys[column.layer, j] = card.key
        facts = [] if column.layer else [f"input {j}"]
        if column.layer:
            bias = column.neurons[j - 1].b
            card.rows = [("bias", figure(bias.data))]
            facts.append(f"neuron {j} of layer {column.layer}: bias b_{j}^[{column.layer}] = {figure(bias.data)}")
        if self.sample is not None:
            card.rows.append(("value", figure(self.activation(column.layer, j).data)))
            if column.layer:
                facts.append(f"z = {figure(self.sample.sums[column.layer - 1][j - 1].data)}")
            facts.append(f"{column.name(j)} = {figure(self.activation(column.layer, j).data)}")
            delta = self.delta(column.layer, j)
            if delta is not None:
                card.grad = delta
                card.rows.append(("δ", figure(delta, sign=True)))
                facts.append(f"δ = ∂L/∂z = {figure(delta, sign=True)}")
                facts.append(f"∂L/∂b = {figure(delta, sign=True)}")
        card.tip = ", ".join(facts)

    def activation(self, layer: int, j: int) -> Value:
        """Return what an input or a neuron passes on."""
        assert self.sample is not None  # noqa: S101 - asked only where there is one
        return (self.sample.outputs[layer - 1] if layer else self.sample.inputs)[j - 1]

    def delta(self, layer: int, j: int) -> float | None:
        """Return ∂L/∂z of a neuron, if there is a loss."""
        if self.sample is None or not layer:
            return None
        return self.sample.gradients.get(self.sample.sums[layer - 1][j - 1])

    def _wire(self, column: Column, j: int, k: int) -> None:
        weight = column.neurons[j - 1].w[k - 1]
        name = f"w_{j}{'' if max(j, k) < 10 else ','}{k}^[{column.layer}]"
        tip = f"{name} = {figure(weight.data)}"
        marks = [figure(weight.data, digits=2)]
        slope = None if self.sample is None else self.sample.gradients.get(weight)
        if slope is not None:
            tip += f", ∂L/∂w = {figure(slope, sign=True)}"
            marks.append(f"∂ {figure(slope, sign=True, digits=2)}")
        wire = self.diagram.wire(self.keys[column.layer - 1, k], self.keys[column.layer, j], tip)
        wire.weight, wire.marks = weight.data, marks
        self.places.append((wire.key, column.layer, j, k))

    def _svg(self) -> str:
        loss = None if self.sample is None else self.sample.loss
        tallest = max(len(column.shown) for column in self.columns)
        across = max(ACROSS, *(width(column.title, 12.5) + 44.0 for column in self.columns))
        down = 74.0 + 26.0 * self.names + 38.0 * (self.sample is not None) + 16.0 * (loss is not None)
        columns = len(self.columns) + (loss is not None)
        w, h = max(across * columns, width(LEGEND, 11.5) + 16.0), TOP + down * tallest + 46.0
        centres: dict[str, tuple[float, float]] = {}
        parts: list[str] = []
        for index, column in enumerate(self.columns):
            x, top = across * (index + 0.5), TOP + down * (tallest - len(column.shown)) / 2.0
            parts.append(_pill(x, 20.0, column.title, 12.5))
            for row, j in enumerate(column.shown):
                y = top + down * (row + 0.5)
                if j is None:
                    parts.append(_pill(x, y, f"{column.size - TALLEST + 1} more", 12.0))
                else:
                    centres[self.keys[column.layer, j]] = (x, y)
                    parts.append(self._circle(column, j, x, y))
        lines, labels = self._lines(centres)
        if loss is not None:
            place = across * (columns - 0.5), TOP + down * tallest / 2.0
            lines += self._to_loss(place, centres)
            parts += self._loss_node(*place, loss)
        drawn = [still_opening(w + 12.0, h + 12.0, self.diagram.about, self._pointed())]
        return "\n".join(
            [*drawn, *lines, *labels, *parts, _pill(w / 2.0, h - 14.0, LEGEND, 11.5, kind="legend"), "</svg>", ""]
        )

    def _pointed(self) -> str:
        """Return the rules by which a neuron that is pointed at fades all wires but its own."""
        if len(self.diagram.cards) > 4 * TALLEST:
            return ""
        pairs = [f".ag-still:has(#{card.key}:hover) :is(.wire,.label):not(.{card.key})" for card in self.diagram.cards]
        return f".ag-still text{{pointer-events:none}}{','.join(pairs)}{{opacity:.12}}"

    def _lines(self, centres: dict[str, tuple[float, float]]) -> tuple[list[str], list[str]]:
        """Return the weights: blue lines for positive, orange and dashed for negative, as thick as they are large."""
        wires = self.diagram.wires
        largest = max((abs(wire.weight or 0.0) for wire in wires), default=0.0) or 1.0
        thickest = 4.0 if len(wires) <= 40 else 2.2 if len(wires) <= 120 else 1.2
        fans_in, fans_out = Counter(w.head for w in wires), Counter(w.tail for w in wires)
        lines, labels = [], []
        for wire in wires:
            weight = wire.weight or 0.0
            (x0, y0), (x1, y1) = centres[wire.tail], centres[wire.head]
            thick = 0.6 + thickest * abs(weight) / largest
            dashes = ' stroke-dasharray="7 4"' if weight < 0.0 else ""
            ends = f'{_line(x0 + self.radius, y0, x1 - self.radius, y1)} stroke="{COLOURS[_sign(weight)]}"'
            of = f'class="wire {wire.tail} {wire.head}"'
            lines.append(
                f'<g id="{wire.key}" {of}><title>{xml(wire.tip)}</title><line class="{_sign(weight)}" {ends} '
                f'stroke-width="{number(thick)}"{dashes}/></g>'
            )
            if wire.marks:
                into, out = fans_in[wire.head], fans_out[wire.tail]
                along = into / (into + 1.0) if into < out else 1.0 / (out + 1.0)  # where the lines lie apart
                place = x0 + self.radius + (x1 - x0 - 2.0 * self.radius) * along, y0 + (y1 - y0) * along
                name = wire.tip.partition(" = ")[0]
                drawn = _name(*place, name) if self.names else _pill(*place, wire.marks[0], 11.0, wire.marks[1:])
                labels.append(f'<g class="label {wire.tail} {wire.head}" data-label="{wire.key}">{drawn}</g>')
        return lines, labels

    def _circle(self, column: Column, j: int, x: float, y: float) -> str:
        key, r = self.keys[column.layer, j], self.radius
        card = next(card for card in self.diagram.cards if card.key == key)
        parts = [f'<circle class="disc" cx="{number(x)}" cy="{number(y)}" r="{number(r)}" fill="{NEUTRAL_FILL}"']
        parts.append(f' stroke="{LINE}" stroke-width="1.6"/>')
        bias = f"b_{j}^[{column.layer}]"
        if self.sample is None:
            start = x - (13.0 if column.layer else 9.0)
            parts.append(_indexed(start, y + 5.0, column.name(j), 17.0))
        else:
            delta = self.delta(column.layer, j)
            shown = figure(self.activation(column.layer, j).data, digits=3)
            lift = 0.0 if delta is None else 8.0
            parts.append(_text(x, y + 4.5 - lift, shown, 13.0, "value"))
            if delta is not None:
                parts.append(
                    _text(x, y + 15.0, f"δ {figure(delta, sign=True, digits=2)}", 11.0, f"delta {_sign(delta)}")
                )
            output = column.layer == len(self.layers)
            hat = "ŷ" if column.size == 1 else f"ŷ_{j}"
            parts.append(_name(x, y - r - 11.0, hat if output else column.name(j)))
        if column.layer:
            below = y + r + (12.0 if self.names else 10.0)
            written = f"b {figure(column.neurons[j - 1].b.data, digits=3)}"
            parts.append(_name(x, below, bias) if self.names else _pill(x, below, written, 10.5))
        return f'<g id="{key}" class="neuron"><title>{xml(card.tip)}</title>{"".join(parts)}</g>'

    def _to_loss(self, place: tuple[float, float], centres: dict[str, tuple[float, float]]) -> list[str]:
        outputs = [self.keys[self.columns[-1].layer, j] for j in self.columns[-1].shown if j is not None]
        ends = [(*centres[key], place[0] - 30.0, place[1]) for key in outputs]
        look = f'stroke="{LINE}" stroke-width="1.4"'
        return [
            f'<g class="wire {key}"><line {_line(x0 + self.radius, y0, x1, y1)} {look}/></g>'
            for key, (x0, y0, x1, y1) in zip(outputs, ends, strict=True)
        ]

    def _loss_node(self, x: float, y: float, loss: Value) -> list[str]:
        assert self.sample is not None  # noqa: S101 - it has the loss
        box = f'x="{number(x - 34)}" y="{number(y - 26)}" width="68" height="52" rx="10"'
        written = self.sample.target if isinstance(self.sample.target, (int, float)) else None
        target = f"y = {figure(written)}" if written is not None else "y given"
        frame = f'<rect class="disc" {box} fill="{NEUTRAL_FILL}" stroke="{LINE}" stroke-width="1.6"/>'
        return [
            _pill(x, 20.0, f"loss: {self.sample.called}", 12.5),
            f'<g id="loss"><title>{xml(f"L = {figure(loss.data)}")}</title>{frame}',
            _text(x, y - 6.0, "L", 15.0, "", ' font-style="italic"'),
            _text(x, y + 14.0, figure(loss.data), 13.0, "value"),
            f"{_pill(x, y + 42.0, target, 11.0)}</g>",
        ]


def _sign(number: float) -> str:
    """Return the class of what is positive, negative, or neither."""
    return "p" if number > 0.0 else "n" if number < 0.0 else ""


def _line(x0: float, y0: float, x1: float, y1: float) -> str:
    return f'x1="{number(x0)}" y1="{number(y0)}" x2="{number(x1)}" y2="{number(y1)}"'


def _text(x: float, y: float, text: str, size: float, kind: str, more: str = ' font-weight="bold"') -> str:
    toned = kind.rpartition(" ")[2]
    ink = COLOURS[toned] if toned in {"p", "n"} else INK
    return (
        f'<text class="{kind}{" ink" * (ink == INK)}" x="{number(x)}" y="{number(y)}" fill="{ink}" '
        f'font-size="{number(size)}" text-anchor="middle"{more}>{xml(text)}</text>'
    )


def _indexed(x: float, y: float, name: str, size: float) -> str:
    """Return a name such as "w_12^[1]" from its left end on, its layer above its indices as in print."""
    letter, _, rest = name.partition("_")
    indices, _, layer = rest.partition("^")
    look = f'class="ink" fill="{INK}"'
    small, beside = number(0.6 * size if size > 15.0 else 9.5), x + width(letter, size) + 0.4
    italic = ' font-style="italic"'
    parts = [f'<text {look} x="{number(x)}" y="{number(y)}" font-size="{number(size)}"{italic}>{letter}</text>']
    for text, lift, slant in ((indices, 0.33 * size, italic), (layer, -0.5 * size, "")):
        place = f'x="{number(beside)}" y="{number(y + lift)}"'
        parts += [f'<text {look} {place} font-size="{small}"{slant}>{text}</text>'] * bool(text)
    return "".join(parts)


def _name(x: float, y: float, name: str) -> str:
    letter, _, rest = name.partition("_")
    indices, _, layer = rest.partition("^")
    wide = width(letter, 14.0) + max(width(indices, 9.5), width(layer, 9.5)) + 8.5
    return _ground(x, y, wide, 23.0, 6.0) + _indexed(x - wide / 2.0 + 4.0, y + 4.5, name, 14.0)


def _pill(x: float, y: float, text: str, size: float, below: Sequence[str] = (), *, kind: str = "mark") -> str:
    """Return a text on ground of its own, which reads on white and on dark; a second line has its sign's colour."""
    wide = max(width(line, size) for line in (text, *below)) + 12.0
    tall, top = size * (1.5 + 1.2 * len(below)), y - 0.6 * size * len(below)
    parts = [_ground(x, y, wide, tall, size * 0.6), _text(x, top + size * 0.36, text, size, kind, "")]
    parts += [_text(x, top + 1.56 * size, line, size, {"+": "p", "−": "n"}.get(line[2:3], "")) for line in below]
    return "".join(parts)


def _ground(x: float, y: float, wide: float, tall: float, round_: float) -> str:
    return (
        f'<rect class="ground" x="{number(x - wide / 2.0)}" y="{number(y - tall / 2.0)}" width="{number(wide)}" '
        f'height="{number(tall)}" rx="{number(round_)}" fill="#ffffff" stroke="#b0b0b0" stroke-width="0.8"/>'
    )
