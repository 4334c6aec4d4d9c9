"""The pages of networks: a sample on its way through the layers and back, and trainings to be watched again."""

from __future__ import annotations

import warnings
from copy import deepcopy

from autograd_mini.engine.value import Value
from autograd_mini.errors import DiagnosisWarning, DivergedError
from autograd_mini.nn.layers import activate
from autograd_mini.train.fitting import fit
from autograd_mini.train.history import History
from autograd_mini.viz.gradient_descent import curve
from autograd_mini.viz.javascript import LivePage, Rows, asset, plain, program
from autograd_mini.viz.long_sums import Shown
from autograd_mini.viz.network import Network, Sample, layers_of
from autograd_mini.viz.partials import NotReplayableError
from autograd_mini.viz.text import figure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from autograd_mini.nn.module import Module
    from autograd_mini.viz.network import Loss

MOST = 5000
"""Maximum values of a network that a page computes."""

FRAMES = 80
"""Maximum epochs of a run whose weights are kept."""

POINTS = 300
"""Maximum samples that are drawn."""

SCALES = {"binary_cross_entropy": "logit", "hinge": "score", "cross_entropy": "classes"}
"""How the outputs of a model are read, by its loss; by other losses they are values."""


class WatchedRun:
    """One training: its learning rate, its history, and the weights after some of its epochs.

    Attributes:
        title: what it is called.
        history: what `fit` returned, up to where it diverged.
        frames: pairs of an epoch and the numbers of all weights and biases after it.
        ended: why it ended.

    """

    def __init__(self, title: str, history: History, ended: str = "") -> None:
        self.title, self.history = title, history
        self.frames: list[tuple[int, list[float]]] = []
        self.ended = ended or str(history.stopped or "")

    def data(self) -> dict[str, Any]:
        """Return what the page is told."""
        last = len(self.frames) - 1
        count = min(FRAMES, last)
        kept = [self.frames[at * last // max(1, count)] for at in range(count + 1)] if self.frames else []
        columns = {name: [*map(_rounded, column)] for name, column in self.history.columns.items()}
        epochs = [epoch for epoch, _ in kept] or [*range(1, self.history.epochs + 1)]
        weights = [[*map(_rounded, row)] for _, row in kept]
        return {"title": self.title, "epochs": epochs, "weights": weights, "columns": columns, "ended": self.ended}

    def line(self) -> str:
        """Return what came of it."""
        parts = [f"{self.title}: {self.history.epochs} epochs"]
        for name in ("loss", "validation_loss"):
            column = self.history.columns.get(name)
            if column:
                parts.append(f"{name.replace('_', ' ')} {figure(column[0])} → {figure(column[-1])}")
        return ", ".join([*parts, *[self.ended] * self.ended.startswith("diverged")])


class Player(LivePage):
    """The page of `runs`, one or several, each with its `history`."""

    def __init__(self, runs: list[WatchedRun], still: str, data: dict[str, Any], rows: Rows, about: str) -> None:
        self.runs = runs
        data |= {"style": asset("page.css") + asset("player.css"), "runs": [run.data() for run in runs]}
        scripts = ("arithmetic", "ground", "text", "dom", "contour", "player")
        super().__init__(about, still, [run.line() for run in runs], scripts, data, rows)


def watch(
    model: Module | History,
    X: Any = None,
    y: Any = None,
    *,
    loss: Any = None,
    lr: float | Sequence[float] | None = None,
    epochs: int = 60,
    validation: tuple[Any, Any] | None = None,
    **settings: Any,
) -> Player:
    """Train a model and return the training as a page with a scrubber: network, decision boundary and loss in step.

    With several learning rates each trains a copy, side by side, and the model stays as it was; one that diverges is
    shown up to there. The page computes what the model decides from the weights of each epoch.

    Args:
        model: an MLP, Layer or Neuron, which is trained; or a History, whose curves are shown alone.
        X: the inputs, rows of numbers; of two numbers for the decision boundary, of one for the curve.
        y: the targets, as for `fit`.
        loss: as for `fit`: a name of `nn.losses.LOSSES` or a function.
        lr: the learning rate, or several.
        epochs: how often to go through the data.
        validation: a pair (X, y), the test data, on which nothing is trained.
        settings: more for `fit`: optimizer="adam", batch_size=16, seed=1.

    Returns:
        A Player, which notebooks show; `save("training.html")` writes a page, `runs` holds the histories.

    Raises:
        TypeError: if the model is not made of layers of neurons, or there are no data or no loss for it.
        ValueError: for data or a setting that does not fit, or a History without epochs.

    >>> from autograd_mini import MLP, datasets
    >>> X, y = datasets.moons(30, seed=0)
    >>> model = MLP(2, [3, 1], activation="tanh", seed=0)
    >>> watch(model, X, y, loss="binary_cross_entropy", lr=[0.01, 0.3], epochs=5)
    <Training of a network 2–3–1, 2 runs: learning rate 0.01, learning rate 0.3.>

    """
    if isinstance(model, History):
        if not model.epochs:
            raise ValueError("model is a History without epochs, expected at least one: train for an epoch first")
        runs = [WatchedRun("training", model)]
        return Player(
            runs,
            curve(model.loss, "The loss of every epoch."),
            {"layers": []},
            Rows(),
            f"Training of {model.epochs} epochs.",
        )
    if X is None or y is None or loss is None:
        raise TypeError(
            "X, y or loss is missing, expected all three to train a model: watch(model, X, y, loss='mse'); a History "
            "is shown alone"
        )
    layers = layers_of(model)
    several = lr is not None and not isinstance(lr, (int, float))
    rates: list[Any] = list(lr) if several else [lr]  # type: ignore[arg-type]  # just seen
    if not rates:
        raise ValueError("lr is an empty list, expected a learning rate or several")
    runs = []
    for rate in rates:
        trained = deepcopy(model) if several else model
        given = {"loss": loss, "epochs": epochs, "validation": validation, "lr": rate} | settings
        runs.append(_run(trained, X, y, given))
    scale, rows = SCALES.get(loss, "value"), Rows()
    if scale == "logit" and layers[-1][0].activation == "sigmoid":
        scale = "probability"
    data: dict[str, Any] = {"layers": [[len(layer), len(layer[0].w)] for layer in layers], "scale": scale}
    data |= _samples(X, y, validation)
    data["activations"] = [_activation(neuron.activation, rows) for layer in layers for neuron in layer]
    drawn = Network(model)
    data |= {"circles": [[*place, key] for place, key in drawn.keys.items()], "wires": drawn.places}
    sizes = "–".join(map(str, [len(layers[0][0].w), *map(len, layers)]))
    titles = ", ".join(run.title for run in runs)
    about = f"Training of a network {sizes}, {len(runs)} run{'s' * (len(runs) > 1)}: {titles}."
    return Player(runs, drawn.diagram.drawn, data, rows, about)


def _run(model: Any, X: Any, y: Any, given: dict[str, Any]) -> WatchedRun:
    parameters = [p for layer in layers_of(model) for neuron in layer for p in (*neuron.w, neuron.b)]
    frames = [(0, [p.data for p in parameters])]
    seen: list[Any] = []

    def note(training: Any) -> None:
        seen[:] = [training]
        frames.append((training.epoch, [p.data for p in parameters]))

    given["callbacks"] = [*given.get("callbacks", ()), note]
    ended = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiagnosisWarning)  # the page shows it
        try:
            history = fit(model, X, y, **given)
        except DivergedError as error:
            history = error.history if isinstance(error.history, History) else History()
            ended = f"diverged in epoch {history.epochs + 1}"
    rate = seen[0].optimizer.lr if seen and given["lr"] is None else given["lr"]
    run = WatchedRun("training" if rate is None else f"learning rate {rate:g}", history, ended)
    run.frames = frames
    return run


def _samples(X: Any, y: Any, validation: Any) -> dict[str, Any]:
    """Return the samples of the training and of the test data that are drawn, `POINTS` at the most."""
    found = {}
    for name, pair in (("train", (X, y)), ("test", validation)):
        rows: list[Any] = []
        if pair is not None:
            targets = [t for t in pair[1] if not hasattr(t, "__len__")]
            rows = [[*map(_rounded, x), _rounded(t)] for x, t in zip(pair[0], targets, strict=False) if len(x) <= 2]
        every = max(1, len(rows) // POINTS)
        found[name] = rows[::every][:POINTS]
    return found


def _activation(activation: Any, rows: Rows) -> Any:
    """Return an activation as a program of one leaf; None where it cannot be computed again."""
    z = Value(0.5)
    made = activate(activation, z)
    try:
        return program(Shown([made]), rows) if isinstance(made, Value) else None
    except NotReplayableError:
        return None


def _rounded(x: Any) -> float | str:
    return plain(float(x.data if isinstance(x, Value) else x), 6)


def network_steps(model: Module, x: Any, target: Any = None, loss: Loss = "mse") -> LivePage:
    """Return a sample's way through a network as a page: layer by layer forward, then δ and ∂L/∂w layer by layer back.

    Every number on it is computed by the page, so inputs, weights and biases can be moved.
    """
    layers = layers_of(model)
    way = Sample(layers, x, target, loss)
    drawn = Network(model, sample=way)
    results = way.outputs[-1] if way.loss is None else [way.loss]
    keep = {*way.nodes(), *results}
    shown = Shown(results, keep=keep)
    if len(shown.nodes) > MOST:
        raise ValueError(
            f"the graph of the network has {len(shown.nodes)} values, more than the {MOST} that a page computes: "
            "draw(model, x=x, target=target) draws it"
        )
    rows, index = Rows(), {node: at for at, node in enumerate(shown.nodes)}
    lines = [card.tip for card in drawn.diagram.cards] + [wire.tip for wire in drawn.diagram.wires]
    data = {
        "style": asset("page.css") + asset("network.css"),
        "program": program(shown, rows),
        "inputs": [index.get(entry, 0) for entry in way.inputs],
        "layers": [
            {
                "title": drawn.columns[at].title,
                "f": activation_name(layer),
                "neurons": [
                    {"w": [index[w] for w in neuron.w], "b": index[neuron.b], "z": index[z], "a": index[a]}
                    for neuron, z, a in zip(layer, way.sums[at - 1], way.outputs[at - 1], strict=True)
                ],
            }
            for at, layer in enumerate(layers, start=1)
        ],
        "circles": [[*place, key] for place, key in drawn.keys.items()],
        "wires": drawn.places,
        "loss": None if way.loss is None else index[way.loss],
        "called": way.called,
    }
    scripts = ("arithmetic", "ground", "text", "dom", "network")
    return LivePage(drawn.diagram.about, drawn.diagram.drawn, lines, scripts, data, rows)


def activation_name(layer: list[Any]) -> str:
    """Return what the activation of a layer is called; f where its neurons have several."""
    kinds = {neuron.activation for neuron in layer}
    kind = kinds.pop()
    return "f" if kinds else kind if isinstance(kind, str) else getattr(kind, "__name__", "f")
