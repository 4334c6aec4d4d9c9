"""Checks of saturation: dead, saturated and equal units, vanishing and exploding gradients, numbers not finite.

Three quarters of a layer may be dead, half of its results saturated, and the gradients of two layers a factor of 10,000
apart, before anything is said: healthy networks have some of it.
"""

from __future__ import annotations

from math import hypot, isfinite, sqrt

from autograd_mini.diagnosis.context import Finding
from autograd_mini.engine.graph import operands
from autograd_mini.engine.locations import place_of
from autograd_mini.engine.value import Parameter, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from autograd_mini.diagnosis.context import Context, Unit, UnitLayer

SAMPLES = 16
"""Minimum samples on which a unit has to be silent to count as dead: on 4, chance silences some."""

DEAD = 0.75
"""The share of dead units in a layer above which it is ill. In narrow networks many are born dead (L. Lu et al., Dying
ReLU and initialization, arXiv 1903.06733); a learning rate that is too high kills as much as 40 % (Stanford's course
CS231n, Neural networks 1)."""

SATURATED = 0.5
"""The share of saturated results in a layer above which it is ill."""

FLAT: dict[str, Callable[[float], float]] = {"tanh": lambda z: 1.0 - z * z, "sigmoid": lambda z: 4.0 * z * (1.0 - z)}
"""Of an activation with two flat ends, the slope at a result, relative to the steepest."""

SLOPE = 0.01
"""A result is saturated where the slope is less than this: beyond abs(x) = 3 for tanh, 6 for sigmoid. X. Glorot and
Y. Bengio (Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010) found layers in this
state where training stalls."""

VANISHING = 1e-4
"""Ratio of the slowest layer's learning, relative to its weights, to the fastest's below which gradients count as
vanishing. Sigmoids in six to eight layers reach it: each multiplies the gradient by at most 1/4 times its weights
(S. Hochreiter, thesis, Munich 1991)."""

EXPLODING = 1e4
"""Ratio of gradient to weights above which it explodes: at a learning rate of 0.01, a step would change the weights a
hundred times over."""

SMALL = 0.01
"""Lower bound on the size of weights in these ratios, for layers that start at 0."""


def of_units(context: Context) -> Iterator[Finding]:
    """Look at the results of hidden units."""
    for layer in context.layers:
        if len(layer.units) > 1 and _alike(context, layer):
            yield Finding(
                "symmetric",
                f"the {len(layer.units)} units of {_name(context, layer)} compute the same",
                "Units with equal weights get equal gradients, so that they stay equal for ever: the layer is worth "
                "one unit.",
                'Start from random weights, such as init="xavier_uniform"; only biases may all start at 0.',
                names=map(context.named.name, layer.weights),
            )
        elif layer.op in FLAT:
            yield from _saturated(context, layer)
        else:
            yield from _dead(context, layer)
            if all(map(_silent, layer.units)):
                return  # what follows sees nothing of the inputs, which says nothing about it


def _name(context: Context, layer: UnitLayer) -> str:
    return context.named.together(layer.weights) or f"the hidden layer at depth {layer.depth}"


def _alike(context: Context, layer: UnitLayer) -> bool:
    """Return whether all units have the same weights and the same sums of inputs."""
    positions = {parameter: at for at, parameter in enumerate(context.named.parameters)}
    first, *others = (
        ([w._data for w in sorted(unit.weights, key=positions.__getitem__)], unit.inputs) for unit in layer.units
    )
    return all(unit == first for unit in others)


def _saturated(context: Context, layer: UnitLayer) -> Iterator[Finding]:
    slope = FLAT[layer.op]
    results = [z for unit in layer.units for z in unit.results]
    share = sum(slope(z) < SLOPE for z in results) / len(results)
    if len(results) < SAMPLES or share <= SATURATED:
        return
    mean = sum(abs(x) for unit in layer.units for x in unit.inputs) / len(results)
    yield Finding(
        "saturated",
        f"{share:.0%} of what the {layer.op} units of {_name(context, layer)} return lies at the ends of their range; "
        f"they are applied to numbers of size {mean:.3g}",
        "There the curve is flat, with less than 1 % of its slope, so that next to no gradient comes through.",
        'Bring the inputs to size 1 (datasets.standardise), and start from smaller weights: init="xavier_uniform".',
        names=map(context.named.name, layer.weights),
    )


def _rectifies(unit: Unit) -> bool:
    """Return whether the activation is flat below 0: relu, and maximum or clamp_min with 0."""
    return unit.op == "relu" or (
        unit.op in {"maximum", "clamp_min"} and all(any(map(_zero, n.args)) for n in unit.nodes)
    )


def _zero(operand: Value | float) -> bool:
    """Return whether an operand is the constant 0, which a parameter or a result that happens to be 0 is not."""
    if isinstance(operand, Value):
        return operand._pull is None and not isinstance(operand, Parameter) and operand._data == 0.0
    return operand == 0.0


def _silent(unit: Unit) -> bool:
    return _rectifies(unit) and max(unit.results) <= 0.0


def _dead(context: Context, layer: UnitLayer) -> Iterator[Finding]:
    dead = [unit for unit in layer.units if _silent(unit)]
    if len(dead) <= DEAD * len(layer.units) or (layer.samples < SAMPLES and not context.given):
        return
    yield Finding(
        "dead",
        f"{len(dead)} of the {len(layer.units)} {layer.op} units of {_name(context, layer)} return 0 on all "
        f"{layer.samples} samples",
        "Where a ReLU returns 0 its derivative is 0, so that nothing moves its weights, and it stays dead. A step that "
        "was too long does it, or a bias far below 0, or inputs of great size.",
        'Start anew with a lower learning rate and init="he_normal", or use leaky_relu or elu, which have a slope on '
        "both sides.",
        names=[context.named.name(w) for unit in dead for w in unit.weights],
    )


def of_layers(context: Context) -> Iterator[Finding]:
    """Look at the gradients layer by layer, relative to the weights: how fast each layer learns."""
    speeds = [
        (_size(map(context.gradients.__getitem__, group)) / max(_size(p._data for p in group), SMALL), at, name)
        for at, (name, group) in enumerate(_groups(context))
    ]
    speeds = [speed for speed in speeds if speed[0] > 0.0]  # 0 at a minimum, and where all is dead
    if not speeds:
        return
    (low, first, slowest), (high, last, fastest) = min(speeds), max(speeds)
    apart = low < VANISHING * high
    if high > EXPLODING or (apart and last < first):
        yield Finding(
            "exploding",
            f"{fastest} has a gradient {high:.0e} times as large as its weights"
            + (f", and {slowest} one {low:.0e} times" if apart else ""),
            "A step of a usual learning rate throws the weights away, and the loss with them.",
            "Bring inputs and targets to size 1 (datasets.standardise), take the mean over samples, not the sum, start "
            "from smaller weights, and clip: clip_norm=1.0 in fit, or optim.clip_grad_norm_.",
        )
    elif apart:
        yield Finding(
            "vanishing",
            f"{slowest} has a gradient {low:.0e} times as large as its weights, and {fastest} one {high:.0e} times",
            "Each layer multiplies the gradient on its way back by its slopes and weights. With small ones nothing "
            "arrives at the layers next to the inputs, which stay as random as they began.",
            'Use tanh or relu instead of sigmoid, fewer layers, and init="xavier_uniform" or "he_normal".',
        )


def _groups(context: Context) -> list[tuple[str, list[Value]]]:
    """Return the parameters that have a gradient by layer: those of the hidden ones, and the rest, which come last."""
    groups: list[tuple[str, list[Value]]] = []
    taken: set[Value] = set()
    for layer in context.layers:
        group = [p for p in layer.weights if p in context.gradients and p not in taken]
        if group:
            taken.update(group)
            groups.append((_name(context, layer), group))
    rest = [p for p in context.gradients if p not in taken]
    return [*groups, (context.named.together(rest) or "the rest of the model", rest)] if rest else groups


def _size(numbers: Iterable[float]) -> float:
    """Return the root mean square."""
    return hypot(*(found := list(numbers))) / sqrt(len(found))


def not_finite(context: Context) -> Iterator[Finding]:
    """Look for nan and infinite numbers, and for the operation that made the first."""
    if context.finite:
        return
    named = context.named
    parameters = [p for p in named.parameters if not isfinite(p._data)]
    gradients = [p for p, g in context.gradients.items() if not isfinite(g)]
    wrong = (node for node in context.nodes if node._pull is not None and not isfinite(node._data))
    made = next((node for node in wrong if all(isfinite(operand._data) for operand in operands(node))), None)
    if parameters:
        what = f"{named.summary(parameters)} became nan or infinite"
    elif not isfinite(context.loss._data):
        made_by = f": the first such number was made by {made.op}(…)" if made is not None else ""
        what = f"the loss is {context.loss._data!r}{made_by}"
    else:
        what = f"the gradients of {named.summary(gradients)} are nan or infinite"
    yield Finding(
        "not finite",
        what,
        "A step makes every parameter nan that has such a gradient, and soon all of them.",
        "Run the step inside `with ag.anomaly():`, which names the operation that made the first, its operands and its "
        "line. Parameters that are nan already have to start anew.",
        place=place_of(made) if made is not None else None,
        names=map(named.name, parameters or gradients),
    )
