"""Values of equal numbers are equal, and yet each is itself: in models, optimisers, training and pictures."""

from __future__ import annotations

import importlib.util
import operator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import MLP, Module, Parameter, Value, doctor, gradient
from autograd_mini.optim import SGD, Adam, AdamW, clip_grad_norm_
from autograd_mini.viz import draw, steps, trace

BACKENDS = [False, "python"] + ["numpy"] * (importlib.util.find_spec("numpy") is not None)

# Of each operation the positions of its operands among the Values so far, counted from the latest one.
plans = st.lists(
    st.tuples(
        st.sampled_from([operator.add, operator.sub, operator.mul, ag.maximum]), st.integers(0, 9), st.integers(0, 9)
    ),
    min_size=1,
    max_size=12,
)


def built(plan, numbers):
    """Return leaves with the numbers, and the result of a plan."""
    leaves = [Value(number) for number in numbers]
    nodes = [*leaves]
    for operation, first, second in plan:
        nodes.append(operation(nodes[-1 - first % len(nodes)], nodes[-1 - second % len(nodes)]))
    return leaves, nodes[-1]


@given(plans)
def test_a_graph_of_equal_numbers_has_the_picture_and_the_steps_of_one_of_different_numbers(plan):
    _, same = built(plan, [0.0] * 4)
    _, apart = built(plan, [1.5, 2.25, -3.0, 0.125])
    assert len(steps(same)) == len(steps(apart))
    assert len(trace(same).splitlines()) == len(trace(apart).splitlines())
    drawn, other = draw(same).diagram, draw(apart).diagram
    assert [card.name for card in drawn.cards] == [card.name for card in other.cards]
    assert [{wire.tail, wire.head} for wire in drawn.wires] == [{wire.tail, wire.head} for wire in other.wires]


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=6))
def test_each_of_many_equal_leaves_gets_its_own_gradient(factors):
    leaves = [Value(0.0) for _ in factors]
    y = sum((factor * leaf for factor, leaf in zip(factors, leaves, strict=True)), Value(0.0))
    assert gradient(y, leaves) == factors
    y.backward()
    assert [leaf.grad for leaf in leaves] == factors


def test_parameters_of_equal_numbers_are_all_found_and_one_that_is_shared_is_found_once():
    class Shared(Module):
        def __init__(self):
            self.a, self.b = Parameter(0.0), Parameter(0.0)
            self.again, self.rest = self.a, [Parameter(0.0), self.b]

    model = Shared()
    assert list(map(id, model.parameters())) == [*map(id, (model.a, model.b, model.rest[0]))]
    assert [*model.named_parameters()] == ["a", "b", "rest[0]"]
    network = MLP(2, [3, 2], init="zeros")
    assert len({*map(id, network.parameters())}) == len(network.named_parameters()) == 17


@pytest.mark.parametrize("optimizer", [SGD, Adam, AdamW])
def test_an_optimiser_moves_each_parameter_by_its_own_gradient(optimizer):
    slopes = [1.0, -2.0, 0.0, 3.0]
    together = [Parameter(0.0) for _ in slopes]
    alone = [Parameter(0.0) for _ in slopes]
    whole, parts = optimizer(together, lr=0.1), [optimizer([p], lr=0.1) for p in alone]
    for _ in range(3):
        for one, other, slope in zip(together, alone, slopes, strict=True):
            one.grad = other.grad = slope
        for step in (whole, *parts):
            step.step()
    assert [p.data for p in together] == [p.data for p in alone]
    assert together[0].data < together[2].data == 0.0 < together[1].data


def test_one_parameter_given_twice_is_refused_and_two_of_equal_numbers_are_not():
    a, b = Parameter(0.0), Parameter(0.0)
    SGD([a, b], lr=0.1)
    with pytest.raises(ValueError, match="one and the same Parameter"):
        SGD([a, b, a], lr=0.1)


def test_the_norm_of_equal_gradients_counts_all_of_them():
    parameters = [Parameter(0.0) for _ in range(4)]
    for p in parameters:
        p.grad = 3.0
    assert clip_grad_norm_(parameters, 1.0) == 6.0
    assert [p.grad for p in parameters] == pytest.approx([0.5] * 4)


@pytest.mark.parametrize("compiled", BACKENDS)
def test_training_from_zeros_is_gradient_descent(compiled):
    X, y = [[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]], [1.0, 0.0, 2.0]
    model = MLP(2, [1], init="zeros")
    ag.fit(
        model, X, y, loss="mse", lr=0.05, epochs=20, batch_size=None, shuffle=False, compile=compiled, progress=False
    )
    w, b = [0.0, 0.0], 0.0
    for _ in range(20):
        wrong = [2.0 / len(X) * (w[0] * r[0] + w[1] * r[1] + b - t) for r, t in zip(X, y, strict=True)]
        w = [w[j] - 0.05 * sum(d * r[j] for d, r in zip(wrong, X, strict=True)) for j in range(2)]
        b -= 0.05 * sum(wrong)
    assert [p.data for p in model.parameters()] == pytest.approx([*w, b])


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(["tanh", "relu"]), st.integers(2, 4))
def test_the_doctor_blames_equal_weights_for_being_equal_and_for_nothing_else(activation, width):
    model = MLP(2, [width, 1], activation=activation, init="zeros")
    for p in model.layers[1].parameters():
        p.data = 0.0
    for neuron in model.layers[0].neurons:
        neuron.b.data = 1.0
    X = [[0.5, 1.0], [1.0, -1.0], [2.0, 0.25]]
    loss = sum((model(row) - 1.0) ** 2 for row in X) * (1 / 3)
    findings = [*doctor(loss, model)]
    assert [finding.kind for finding in findings] == ["symmetric"]
    assert {*findings[0].names} == {name for name in model.named_parameters() if name.startswith("layers[0]")}


FLOORS = {
    "a plain 0": (lambda: 0.0, True),
    "a Value that is 0": (lambda: Value(0.0), True),
    "a parameter that is 0": (lambda: Parameter(0.0), False),
    "a result that is 0": (lambda: Parameter(0.0) * 2.0, False),
    "a Value that is not 0": (lambda: Value(-0.5), False),
}


@pytest.mark.parametrize("floor", FLOORS)
def test_only_maximum_with_a_constant_0_is_a_rectifier_to_the_doctor(floor):
    made, is_dead = FLOORS[floor]
    below = made()
    model = MLP(1, [8, 1], activation=lambda z: ag.maximum(z, below), seed=0)
    for neuron in model.layers[0].neurons:
        neuron.b.data = -20.0
    rows = [[at / 10 - 1.2] for at in range(24)]
    loss = sum((model(row) - row[0]) ** 2 for row in rows) * (1 / 24)
    assert ("dead" in doctor(loss, model).kinds) == is_dead
