"""How often the doctor is wrong: `python tests/bench/doctor.py --models 3000`.

Healthy networks are drawn at random: one to three hidden layers of 8 to 16 units, all activations, losses and usual
initialisers, inputs of size 1. What the doctor finds in them, before training and after some epochs, is a false alarm;
each is printed with its seed. Then a mistake is planted in each of a tenth as many, and those where it is not found, or
something else is blamed beside it, are counted.
"""

from __future__ import annotations

import math
import random
from typing import NamedTuple

from command import parser

import autograd_mini as ag
from autograd_mini import MLP, Parameter, Value, doctor
from autograd_mini.nn.layers import ACTIVATIONS
from autograd_mini.nn.losses import LOSSES

TARGETS = {
    "cross_entropy": lambda s: (s > 0.5) + (s > -0.5),
    "hinge": lambda s: 1 if s > 0 else -1,
    "binary_cross_entropy": lambda s: int(s > 0),
}
INITIALISERS = (None, "xavier_uniform", "xavier_normal", "he_uniform", "he_normal")


class Problem(NamedTuple):
    """A network, and data for it."""

    model: MLP
    rows: list[list[float]]
    targets: list[float]
    loss: str

    def value(self, times: float = 1.0) -> Value:
        """The mean loss, of inputs that are so many times as large."""
        losses = (
            LOSSES[self.loss](self.model([times * x for x in row]), target)
            for row, target in zip(self.rows, self.targets, strict=True)
        )
        return sum(losses) * (1.0 / len(self.rows))

    def __str__(self) -> str:
        """Show what was drawn."""
        return f"{self.model.layers[0].neurons[0]!r} {[len(layer.neurons) for layer in self.model.layers]} {self.loss}"


def problem(seed: int, activations: tuple[str, ...] = ACTIVATIONS, *, shallow: bool = False) -> Problem:
    """Draw a problem."""
    rng = random.Random(seed)
    name, width = rng.choice(list(LOSSES)), rng.choice((1, 2, 4, 8))
    hidden = [rng.choice((8, 12, 16)) for _ in range(1 if shallow else rng.choice((1, 2, 3)))]
    outputs = 3 if name == "cross_entropy" else 1
    model = MLP(width, [*hidden, outputs], activation=rng.choice(activations), init=rng.choice(INITIALISERS), seed=seed)
    rows = [[rng.gauss(0, 1) for _ in range(width)] for _ in range(32)]
    return Problem(model, rows, [TARGETS.get(name, math.sin)(sum(row)) for row in rows], name)


def forget_zero_grad(seed: int) -> list[str]:
    """Two steps without zero_grad."""
    drawn = problem(seed)
    for _ in range(2):
        loss = drawn.value()
        loss.backward()
        found = doctor(loss, drawn.model).kinds
        for p in drawn.model.parameters():
            p.data -= 0.01 * p.grad
    return found


def carry_total(seed: int) -> list[str]:
    """A total that takes the graph along."""
    drawn = problem(seed, shallow=True)
    first = drawn.value()
    for p in drawn.model.parameters():
        p.data += 0.01
    return doctor(first + drawn.value(), drawn.model).kinds


def share_weights(seed: int) -> list[str]:
    """A neuron whose weights are one."""
    drawn = problem(seed)
    neuron = random.Random(seed).choice(drawn.model.layers[1].neurons)
    neuron.w = [Parameter(0.1)] * len(neuron.w)
    return doctor(drawn.value(), drawn.model).kinds


def sink_biases(seed: int) -> list[str]:
    """Biases far below 0 under ReLUs."""
    drawn = problem(seed, ("relu",))
    for neuron in drawn.model.layers[0].neurons:
        neuron.b.data = -30.0
    return doctor(drawn.value(), drawn.model).kinds


def enlarge_inputs(seed: int) -> list[str]:
    """Inputs of size 1,000 under tanh and sigmoid."""
    drawn = problem(seed, ("tanh", "sigmoid"))
    return doctor(drawn.value(1000.0), drawn.model).kinds


def detach_hidden(seed: int) -> list[str]:
    """A hidden layer whose results are taken as numbers."""
    drawn = problem(seed)
    first = drawn.model.layers[0]
    drawn.model.layers[0] = type("Cut", (), {"parameters": first.parameters, "neurons": first.neurons})()
    type(drawn.model.layers[0]).__call__ = lambda _, row: [h.data for h in first(row)]
    return doctor(drawn.value(), [first, drawn.model.layers[1]]).kinds


MISTAKES = {
    "zero_grad": forget_zero_grad,
    "old graph": carry_total,
    "repeated": share_weights,
    "dead": sink_biases,
    "saturated": enlarge_inputs,
    "unused": detach_hidden,
}


def main() -> None:
    """Print the counts."""
    command = parser(__doc__)
    command.add_argument("--models", type=int, default=300, help="how many healthy networks to draw")
    command.add_argument("--seed", type=int, default=0, help="the first seed")
    settings = command.parse_args()
    seeds = range(settings.seed, settings.seed + settings.models)
    alarms = 0
    for seed in seeds:
        drawn = problem(seed)
        if found := doctor(drawn.value(), drawn.model):
            alarms += 1
            print(f"  seed {seed}, {drawn}: {[finding.message for finding in found]}")
    print(f"false alarms before training: {alarms} of {len(seeds)}")
    few = seeds[: len(seeds) // 10]
    alarms = 0
    for seed in few:
        drawn = problem(seed)
        options = {"lr": 0.02, "clip_norm": 1.0, "epochs": 20, "batch_size": 8, "progress": False}
        ag.fit(drawn.model, drawn.rows, drawn.targets, loss=drawn.loss, **options)
        if found := doctor(drawn.loss, drawn.model, drawn.rows, drawn.targets):
            alarms += 1
            print(f"  seed {seed}, {drawn}: {[finding.message for finding in found]}")
    print(f"false alarms after 20 epochs: {alarms} of {len(few)}")
    for kind, plant in MISTAKES.items():
        found = [plant(seed) for seed in few]
        hits = sum(kind in kinds for kinds in found)
        more = sum(len(kinds) > 1 for kinds in found)
        print(f"{kind:10} found in {hits} of {len(found)}, something else beside it in {more}")


if __name__ == "__main__":
    main()
