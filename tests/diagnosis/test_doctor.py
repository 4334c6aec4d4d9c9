"""The doctor: each classic mistake is found where it was made, and a healthy model is left alone."""

from __future__ import annotations

import gc
import itertools
import math
import pickle
import random
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import MLP, DiagnosisWarning, Layer, Module, Neuron, Parameter, Value, doctor
from autograd_mini.diagnosis.context import layers
from autograd_mini.diagnosis.named_parameters import NamedParameters
from autograd_mini.engine.graph import operands
from autograd_mini.engine.hooks import on_result
from autograd_mini.nn.layers import ACTIVATIONS
from autograd_mini.nn.losses import LOSSES, cross_entropy, hinge, mse
from autograd_mini.optim import SGD, Adam, clip_grad_norm_

HERE = Path(__file__)


def line_with(mark):
    """Return the number of the line of this file that ends with a comment."""
    lines = HERE.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.endswith(f"# {mark}"))


def data(count=24, width=2, seed=0):
    """Return rows of standard normal numbers, and the sine of their sum."""
    rng = random.Random(seed)
    rows = [[rng.gauss(0, 1) for _ in range(width)] for _ in range(count)]
    return rows, [math.sin(sum(row)) for row in rows]


X, Y = data()


def loss_of(model, rows=X, targets=Y, loss=mse):
    return sum(loss(model(row), target) for row, target in zip(rows, targets, strict=True)) * (1.0 / len(rows))


def tanh_net(seed=0):
    return MLP(2, [8, 1], activation="tanh", seed=seed)


def stepped(model, rate=0.1):
    for parameter in model.parameters():
        parameter.data -= rate * parameter.grad


TARGETS = {
    "cross_entropy": lambda s: (s > 0.5) + (s > -0.5),
    "hinge": lambda s: 1 if s > 0 else -1,
    "binary_cross_entropy": lambda s: int(s > 0),
}


@st.composite
def healthy_models(draw):
    """Draw a network of usual size, with any activation, initialiser and loss, and data of size 1."""
    seed = draw(st.integers(0, 10**6))
    width, name = draw(st.sampled_from([1, 2, 4])), draw(st.sampled_from(list(LOSSES)))
    hidden = [8] * draw(st.integers(0, 2))
    model = MLP(
        width,
        [*hidden, 3 if name == "cross_entropy" else 1],
        activation=draw(st.sampled_from(ACTIVATIONS)),
        init=draw(st.sampled_from([None, "xavier_uniform", "xavier_normal", "he_uniform"])),
        seed=seed,
    )
    rows, _ = data(16, width, seed)
    targets = [TARGETS.get(name, math.sin)(sum(row)) for row in rows]
    return model, rows, targets, LOSSES[name]


@settings(max_examples=25)
@given(healthy_models(), st.sampled_from([SGD, Adam]))
def test_a_healthy_model_is_found_healthy_before_and_after_backward_and_after_a_step(drawn, optimizer):
    model, rows, targets, loss_function = drawn
    optimizer = optimizer(model.parameters(), lr=0.01)
    for _ in range(2):
        optimizer.zero_grad()
        loss = loss_of(model, rows, targets, loss_function)
        assert not doctor(loss, model), doctor(loss, model)
        loss.backward()
        clip_grad_norm_(model.parameters(), 1.0)
        found = doctor(loss, model)
        assert not found, found
        optimizer.step()


@settings(max_examples=5)
@given(healthy_models())
def test_the_doctor_changes_nothing(drawn):
    model, rows, targets, loss_function = drawn
    loss = loss_of(model, rows, targets, loss_function)
    loss.backward()
    nodes = ag.order(loss)
    before = [(node.data, node.grad, node._tick) for node in nodes]
    state = random.getstate()
    doctor(loss, model)
    doctor(loss, model, rows)
    doctor(loss_function, model, rows, targets)
    assert [(node.data, node.grad, node._tick) for node in nodes] == before
    assert random.getstate() == state
    assert on_result == []
    assert gc.isenabled()


def test_a_trained_model_is_found_healthy():
    for activation in ("tanh", "relu"):
        model = MLP(2, [8, 1], activation=activation, seed=0)
        ag.fit(model, X, Y, loss="mse", lr=0.1, epochs=20, progress=False)
        found = doctor("mse", model, X, Y)
        assert not found, found


# --- zero_grad ---


def test_forgotten_zero_grad_is_seen_after_backward_in_every_step_but_the_first():
    model = tanh_net()
    kinds = []
    for _ in range(4):
        loss = loss_of(model)
        loss.backward()
        kinds.append(doctor(loss, model).kinds)
        stepped(model)
    assert kinds == [[], ["zero_grad"], ["zero_grad"], ["zero_grad"]]


def test_gradients_left_over_are_seen_before_backward():
    model = tanh_net()
    loss_of(model).backward()
    stepped(model)
    (finding,) = doctor(loss_of(model), model)
    assert finding.kind == "zero_grad"
    assert "backward() has not been called on this loss" in finding.message
    assert len(finding.names) == len(model.parameters())


def test_a_second_call_of_backward_is_told_by_its_number():
    model = tanh_net()
    loss = loss_of(model)
    for _ in range(3):
        loss.backward()
    (finding,) = doctor(loss, model)
    assert finding.message == "the gradients are 3 times those of this loss"
    assert "once is enough" in finding.remedy


def test_zero_grad_between_backward_and_the_step_is_seen():
    model = tanh_net()
    loss = loss_of(model)
    loss.backward()
    model.zero_grad()
    (finding,) = doctor(loss, model)
    assert finding.kind == "zero_grad"
    assert "backward(), step()" in finding.remedy


def test_gradients_that_were_clipped_or_seeded_are_those_of_the_loss():
    model = tanh_net()
    loss = loss_of(model)
    loss.backward(0.25)
    assert not doctor(loss, model)
    clip_grad_norm_(model.parameters(), 1e-3)
    assert not doctor(loss, model)
    model.zero_grad()
    loss.backward()
    largest = max(abs(p.grad) for p in model.parameters())
    for p in model.parameters():
        p.grad = max(-largest / 2, min(largest / 2, p.grad))
    assert not doctor(loss, model)
    model.parameters()[0].grad += largest
    assert doctor(loss, model).kinds == ["zero_grad"]


def test_a_loss_whose_gradient_is_zero_explains_no_gradient_but_zero():
    w = [Parameter(1.0), Parameter(2.0)]
    loss = hinge(w[0] * 2.0 + w[1], 1)
    loss.backward()
    assert not doctor(loss, w)
    w[0].grad = 1.0
    assert doctor(loss, w).kinds == ["zero_grad"]


# --- parameters ---


def test_a_list_multiplied_is_one_value_several_times():
    with ag.origin():
        w = [Value(0.1)] * 3  # the list
    loss = sum(a * x for a, x in zip(w, [1.0, 2.0, 3.0], strict=True)) ** 2
    (finding,) = doctor(loss, w)
    assert finding.kind == "repeated"
    assert finding.place.line == line_with("the list")
    assert "[Value(…) for _ in range(3)]" in finding.remedy


class Shared(Module):
    """A model in which things stand several times in lists."""

    def __init__(self):
        self.rows = [[Parameter(0.1), Parameter(0.2)]] * 2
        self.layers = [Layer(2, 2, activation="tanh", seed=0)] * 2
        self.last = [Parameter(0.5)] * 2

    def __call__(self, x):
        """Use all of them."""
        for layer in self.layers:
            x = layer(x)
        return sum(w * h for w, h in zip(self.last, x, strict=True)) + self.rows[0][0] * self.rows[1][1]


def test_rows_layers_and_parameters_that_stand_several_times_are_named():
    model = Shared()
    found = doctor(loss_of(model), model)
    assert set(found.kinds) == {"repeated"}
    assert [finding.message.split()[0] for finding in found] == ["rows", "layers", "last"]
    assert [finding.message.split()[6] for finding in found] == ["list", "Layer", "Value"]


def test_a_weight_shared_between_two_layers_is_no_repetition():
    class Tied(Module):
        def __init__(self):
            self.encode = [Parameter(0.5), Parameter(-0.5)]
            self.decode = [self.encode[0], Parameter(0.1)]
            self.kept = [1.0, 1.0, "a", "a", None, None]

        def __call__(self, x):
            return sum(w * v * u for w, v, u in zip(self.encode, x, self.decode, strict=True))

    model = Tied()
    assert not doctor(loss_of(model), model)


def test_a_parameter_replaced_by_a_result_is_found_in_a_list_and_in_a_model():
    w = [Value(0.1, label="w"), Value(0.2, label="b")]
    loss = mse(w[0] * 2.0 + w[1], 1.0)
    loss.backward()
    with ag.origin():
        w = [p - 0.1 * p.grad for p in w]  # the update
    loss = mse(w[0] * 2.0 + w[1], 1.0)
    (finding,) = doctor(loss, w)
    assert finding.kind == "computed"
    assert finding.place.line == line_with("the update")
    assert "w.data -= lr * w.grad" in finding.remedy

    class Line(Module):
        def __init__(self):
            self.w, self.b = Parameter(0.3), Parameter(0.0)

        def __call__(self, x):
            return self.w * x[0] + self.b

    model = Line()
    loss_of(model).backward()
    model.w = model.w - 0.1 * model.w.grad
    model.zero_grad()
    (finding,) = doctor(loss_of(model), model)
    assert (finding.kind, finding.names) == ("computed", ("w",))


def test_results_that_a_model_keeps_in_its_attributes_are_no_replaced_parameters():
    class Keeping(Module):
        def __init__(self):
            self.w, self.out, self.scaled = Parameter(0.3), None, None

        def __call__(self, x):
            self.scaled = Value(x[0]) - 1.0
            self.out = self.scaled * self.w - 1.0
            return self.out

    model = Keeping()
    assert not doctor(loss_of(model), model)


def test_a_model_without_parameters_is_told_about_plain_values():
    class Plain(Module):
        def __init__(self):
            self.w = Value(0.3)

        def __call__(self, x):
            return self.w * x[0]

    model = Plain()
    (finding,) = doctor(loss_of(model), model)
    assert finding.message == "the model has no parameters; among its attributes are plain Values: w"
    (finding,) = doctor(Value(1.0) * 2, [])
    assert finding.message == "the model has no parameters"


def test_a_layer_cut_off_by_data_is_named_as_unused():
    class Cut(Module):
        def __init__(self):
            self.first, self.second = Layer(2, 3, seed=1), Neuron(3, nonlin=False, seed=2)

        def __call__(self, x):
            return self.second([hidden.data for hidden in self.first(x)])

    with ag.origin():
        model = Cut()  # the model
    loss = loss_of(model)
    loss.backward()
    (finding,) = doctor(loss, model)
    assert finding.kind == "unused"
    assert finding.message == "the loss does not depend on 9 of 13 parameters: first (9 parameters)"
    assert ".data" in finding.remedy
    assert finding.place.callers[0].line == line_with("the model")


def test_a_weight_that_zip_leaves_out_is_named():
    w = [Parameter(0.1, label=f"w{k}") for k in range(3)]
    loss = mse(sum(a * x for a, x in zip(w, [1.0, 2.0], strict=False)), 1.0)
    (finding,) = doctor(loss, w)
    assert (finding.kind, finding.names) == ("unused", ("w2",))


def test_rows_of_a_table_that_are_not_looked_up_are_not_unused_but_a_whole_table_is():
    class Bigram(Module):
        def __init__(self):
            self.logits = [[Parameter(0.1 * i - 0.2 * j) for j in range(3)] for i in range(4)]
            self.forgotten = [[Parameter(0.0) for _ in range(2)] for _ in range(2)]

        def __call__(self, index):
            return self.logits[int(index[0])]

    model = Bigram()
    loss = cross_entropy(model([1]), 2) + cross_entropy(model([3]), 0)
    (finding,) = doctor(loss, model)
    assert (finding.kind, len(finding.names)) == ("unused", 4)
    assert finding.message.endswith(": forgotten (4 parameters)")


def test_a_loss_of_another_model_depends_on_none_of_the_parameters():
    (finding,) = doctor(loss_of(tanh_net()), tanh_net(1))
    assert finding.message == "the loss depends on none of the parameters"


# --- the loss and its graph ---


@pytest.mark.parametrize("lost", [lambda v: v.data, lambda v: np.float64(v.data), lambda v: v.detach(), lambda _: 3])
def test_a_loss_that_lost_its_history_is_found(lost):
    model = tanh_net()
    (finding,) = doctor(lost(loss_of(model)), model)
    assert finding.kind == "detached"


def test_a_loss_computed_inside_no_grad_is_found():
    model = tanh_net()
    with ag.no_grad():
        loss = loss_of(model)
    assert doctor(loss, model).kinds == ["detached"]


def test_a_total_that_is_carried_from_step_to_step_reaches_back():
    model, total = MLP(2, [1], seed=0), 0.0
    kinds = []
    for _ in range(3):
        with ag.origin():
            loss = loss_of(model)  # the step
        total = total + loss
        model.zero_grad()
        diagnosis = doctor(total, model)
        kinds.append(diagnosis.kinds)
        loss.backward()
        stepped(model)
    assert kinds == [[], ["old graph"], ["old graph"]]
    assert "loss.data" in diagnosis[0].remedy
    assert diagnosis[0].place.callers[-1].line == line_with("the step")


def test_a_state_that_is_carried_on_reaches_back_and_a_detached_one_does_not():
    w = Parameter(0.5)
    for cut in (True, False):
        h = Value(1.0)
        for _ in range(2):
            h = (w * h).tanh()
            loss = h * h
            w.grad = 0.0
            diagnosis = doctor(loss, [w])
            w.data = w.data - 0.01
            h = h.detach() if cut else h
        assert diagnosis.kinds == ([] if cut else ["old graph"])


def test_losses_collected_in_a_list_keep_old_graphs_in_memory_and_their_numbers_do_not():
    for collect, expected in ((lambda loss: loss, ["old graphs"]), (lambda loss: loss.data, [])):
        model, losses = MLP(2, [1], seed=0), []
        for _ in range(6):
            loss = loss_of(model)
            losses.append(collect(loss))
            model.zero_grad()
            loss.backward()
            diagnosis = doctor(loss, model)
            stepped(model)
        assert diagnosis.kinds == expected


def test_a_call_after_the_step_says_so_and_judges_no_gradient():
    model = tanh_net()
    loss = loss_of(model)
    loss.backward()
    stepped(model)
    (finding,) = doctor(loss, model)
    assert finding.kind == "stale"
    assert "before the step" in finding.remedy


@pytest.mark.parametrize("where", ["parameter", "loss", "gradient"])
def test_numbers_that_are_not_finite_are_found_with_the_operation_that_made_the_first(where):
    w = [Parameter(math.nan if where == "parameter" else 0.0, label="w"), Parameter(1.0, label="b")]
    with ag.origin():
        loss = {
            "parameter": lambda: w[0] + w[1],
            "loss": lambda: w[0].log() * w[1],
            "gradient": lambda: w[0].sqrt() + w[1],
        }[where]()
    (finding,) = doctor(loss, w)
    assert finding.kind == "not finite"
    assert ("made by log" in finding.message) == (where == "loss") == (finding.place is not None)
    assert ("w" in finding.names) == (where != "loss") or where == "loss"
    assert "ag.anomaly()" in finding.remedy
    with ag.anomaly():
        doctor(Parameter(1.0) * 2, w)


# --- units and layers ---


def test_a_layer_of_dead_units_is_found_and_what_follows_is_not_blamed():
    model = MLP(2, [8, 8, 1], seed=0)
    for neuron in model.layers[0].neurons:
        neuron.b.data = -20.0
    (finding,) = doctor(loss_of(model), model)
    assert finding.kind == "dead"
    assert finding.message == "8 of the 8 relu units of layers[0] return 0 on all 24 samples"
    assert set(finding.names) == {name for name in model.named_parameters() if name.startswith("layers[0]")}


def test_maximum_with_zero_is_a_relu_and_maximum_of_two_results_is_none():
    model = MLP(1, [8, 1], activation=lambda z: ag.maximum(z, 0.0), seed=0)
    other = MLP(1, [8, 1], activation=lambda z: ag.maximum(z, 0.01 * z), seed=0)
    for net in (model, other):
        for neuron in net.layers[0].neurons:
            neuron.b.data = -20.0
    rows = [[row[0]] for row in X]
    assert doctor(loss_of(model, rows), model).kinds == ["dead"]
    assert not doctor(loss_of(other, rows), other)


def test_few_samples_prove_no_unit_dead_unless_they_are_given_as_the_data():
    model = MLP(2, [8, 1], seed=0)
    for neuron in model.layers[0].neurons:
        neuron.b.data = -20.0
    loss = loss_of(model, X[:4], Y[:4])
    assert not doctor(loss, model)
    assert doctor(loss, model, X[:4]).kinds == ["dead"]


def test_the_relu_of_a_hinge_loss_is_no_unit():
    model = MLP(2, [1], seed=0)
    targets = [1 if model(row).data > 0 else -1 for row in X]
    for p in model.parameters():
        p.data *= 1e6
    loss = loss_of(model, X, targets, hinge) + sum(p * p for p in model.parameters()) * 1e-16
    assert loss.data > 0.0
    assert "dead" not in doctor(loss, model).kinds


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_saturated_units_are_found(activation):
    model = MLP(2, [8, 1], activation=activation, seed=0)
    big = [[200.0 * x for x in row] for row in X]
    diagnosis = doctor(loss_of(model, big), model)
    assert diagnosis.kinds[0] == "saturated"
    assert f"{activation} units of layers[0]" in diagnosis[0].message
    assert "standardise" in diagnosis[0].remedy


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_units_that_start_with_equal_weights_are_found(activation):
    model = MLP(2, [4, 1], activation=activation, init=lambda *_: 0.3, seed=0)
    assert doctor(loss_of(model), model).kinds == ["symmetric"]


def test_a_linear_model_may_start_at_zero():
    model = MLP(2, [3], init="zeros")
    targets = [int(y > 0) + int(y > 0.5) for y in Y]
    assert not doctor(loss_of(model, X, targets, cross_entropy), model)


def test_ten_layers_of_sigmoids_make_gradients_vanish_and_of_tanh_do_not():
    deep = [8] * 9 + [1]
    model = MLP(2, deep, activation="sigmoid", seed=0)
    (finding,) = doctor(loss_of(model, X[:2], Y[:2]), model)
    assert finding.kind == "vanishing"
    assert finding.message.startswith("layers[0] has a gradient")
    assert "layers[9]" in finding.message
    model = MLP(2, deep, activation="tanh", seed=0)
    assert not doctor(loss_of(model, X[:2], Y[:2]), model)


def test_targets_of_great_size_and_great_weights_make_gradients_explode():
    model = tanh_net()
    assert doctor("mse", model, X, [1e6 * y for y in Y]).kinds == ["exploding"]
    deep = MLP(2, [8] * 6 + [1], activation="linear", init=lambda rng, *_: 60.0 * rng.random() - 30.0, seed=0)
    assert doctor(loss_of(deep) * 1e-18, deep).kinds == []
    grown = MLP(2, [8, 8, 1], activation="tanh", seed=0)
    for layer, factor in zip(grown.layers, (1e-4, 1.0, 200.0), strict=True):
        for p in layer.parameters():
            p.data *= factor
    (finding,) = doctor(loss_of(grown), grown)
    assert finding.kind == "exploding"
    assert finding.message.startswith("layers[0] has a gradient")


@settings(max_examples=20)
@given(
    st.lists(st.integers(2, 5), min_size=1, max_size=3), st.sampled_from(["relu", "tanh", "gelu"]), st.integers(1, 4)
)
def test_the_hidden_units_are_those_of_the_network_whatever_it_is_written_in(hidden, activation, samples):
    rows, targets = data(samples, 3)
    model = MLP(3, [*hidden, 2, 1], activation=activation, output="tanh", seed=1)

    def by_hand(row):
        for layer in model.layers:
            sums = [sum((w * x for w, x in zip(n.w, row, strict=True)), n.b) for n in layer.neurons]
            row = [getattr(s, "tanh" if layer is model.layers[-1] else activation)() for s in sums]
        return row[0]

    for function in (model, by_hand):
        loss = loss_of(function, rows, targets)
        graph = {node: operands(node) for node in ag.order(loss)}
        found = layers(graph, [loss], model.parameters())
        assert [len(layer.units) for layer in found] == [*hidden, 2]
        for layer, made in zip(model.layers, found, strict=False):
            assert made.samples == samples
            assert {unit.weights for unit in made.units} == {frozenset([*n.w, n.b]) for n in layer.neurons}


def test_the_steps_of_a_recurrent_cell_are_samples_of_its_units():
    inputs, back, out = ([Parameter(0.1 * (k + at)) for k in range(3)] for at in (1, 2, 3))
    h = [0.0, 0.0, 0.0]
    for x in (0.3, -0.2, 0.5):
        h = [(inputs[k] * x + back[k] * h[k] + back[k] * h[k - 1]).tanh() for k in range(3)]
    loss = sum(a * b for a, b in zip(out, h, strict=True)) ** 2
    (layer,) = layers({node: operands(node) for node in ag.order(loss)}, [loss], [*inputs, *back, *out])
    assert [len(unit.nodes) for unit in layer.units] == [3, 3, 3]
    assert not doctor(loss, [inputs, back, out])


def test_a_sum_that_keeps_growing_is_given_up_in_time():
    w, s = Parameter(0.5), Value(0.0)
    terms = []
    for k in range(600):
        s = s + w * (0.001 * k)
        terms.append(s.tanh())
    loss = sum(terms) * w
    assert layers({node: operands(node) for node in ag.order(loss)}, [loss], [w]) == []
    assert not doctor(loss, [w])


# --- arguments and the report ---


def test_a_loss_by_name_or_as_a_function_is_the_mean_over_the_rows():
    model = tanh_net()
    loss = loss_of(model)
    for given_loss in ("mse", mse, lambda p, t: (p - t) ** 2):
        assert f"loss {loss.data:.4g}," in doctor(given_loss, model, X, Y).examined
    model.parameters()[0].grad = 3.0
    assert not doctor("mse", model, X, Y), "left over by fit, and no matter"
    with ag.no_grad():
        assert "33 parameters" in doctor("mse", model, np.array(X), np.array(Y)).examined
    many = list(itertools.islice(itertools.cycle(X), 300))
    assert "256 samples" in doctor("mse", model, many, [0.0] * 300).examined


def test_the_doctor_can_be_called_back_by_fit():
    seen = []
    model = tanh_net()
    ag.fit(
        model, X, Y, loss="mse", epochs=2, progress=False,
        callbacks=[lambda training: seen.append(doctor("mse", training.model, X, Y))],
    )  # fmt: skip
    assert [found.kinds for found in seen] == [[], []]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mse", [Parameter(1.0)]), "expected rows"),
        (("mse", tanh_net(), X), "expected rows"),
        ((Value(1.0) * 2, tanh_net(), X, Y), "y is given for a loss that is computed already"),
        ((Value(1.0) * 2, [Parameter(1.0)], X), "model is a list, expected one that can be called"),
        (([Value(1.0)], tanh_net()), "loss"),
        ((Value(1.0) * 2, 3), "model is 3 of type int, expected an object with parameters"),
        ((Value(1.0) * 2, "weights"), "model is 'weights' of type str, expected"),
        ((Value(1.0) * 2, type("Odd", (), {"parameters": lambda _: [1.0]})()), "parameter 0 of the model"),
    ],
)
def test_what_cannot_be_examined_is_refused_by_name(arguments, message):
    with pytest.raises(TypeError, match=message):
        doctor(*arguments)


def test_a_function_that_is_being_compiled_cannot_be_examined():
    w = Parameter(1.0)

    def f(x):
        doctor(w * x, [w])
        return w * x

    with pytest.raises(TypeError, match="compiled"):
        ag.jit(f)(1.0)


def test_models_are_lists_dicts_generators_optimisable_objects_and_compiled_functions():
    w, b = Parameter(1.0, label="w"), Parameter(2.0, label="b")
    loss = (w * 2 + b) ** 2
    fast = ag.jit(lambda x: (w * x + b) ** 2)
    fast.backward(2.0)
    w.grad = b.grad = 0.0
    for model in ([w, b], (w, [b]), {"w": w, "b": [b]}, (p for p in [w, b]), w, fast):
        found = doctor(loss, model)
        assert not found, found
    assert NamedParameters([w, b]).name(w) == "w"
    assert NamedParameters({"weights": [Parameter(0.0)]}).summary(NamedParameters([b]).parameters[:0]) == ""


def test_parameters_are_named_together_where_something_holds_them_alone():
    model = MLP(2, [2, 2, 1], seed=0)
    members = NamedParameters(model)
    first, second, _ = model.layers
    assert members.summary(first.parameters()) == "layers[0] (6 parameters)"
    assert members.summary([first.neurons[1].w[0]]) == "layers[0].neurons[1].w[0]"
    assert members.together(second.parameters()) == "layers[1]"
    assert members.together([first.neurons[0].b, second.neurons[0].b]) == ""
    assert members.summary([n.b for layer in model.layers for n in layer.neurons]).endswith(" and 1 more")


def test_a_diagnosis_is_a_sequence_that_shows_itself_as_text_and_html():
    model = tanh_net()
    nothing = doctor(loss_of(model), model)
    assert (bool(nothing), len(nothing), list(nothing), nothing.kinds) == (False, 0, [], [])
    assert str(nothing).startswith("nothing found; examined: loss ")
    assert "<ol>" not in nothing._repr_html_()
    with ag.origin():
        w = [Value(0.1)] * 2  # <b>&
        found = doctor(w[0] + w[1].detach(), w)
    assert (bool(found), len(found), found.kinds) == (True, 1, ["repeated"])
    assert found[0] in found
    assert found[:1] == tuple(found)
    text = str(found)
    assert text == repr(found)
    assert all(len(line) <= 100 for line in text.splitlines() if str(HERE) not in line)
    assert "why" in text
    assert "where" in text
    html = found._repr_html_()
    assert "<b>" not in html
    assert "&lt;b&gt;&amp;" in html
    assert "1 finding;" in html
    assert repr(found[0]).startswith("<repeated: ")


def test_findings_become_warnings_of_a_category_of_their_own_at_the_line_that_asks():
    w = [Value(0.1)] * 2
    found = doctor(w[0] * w[1], w)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found.warn()  # warned
    (warning,) = caught
    assert warning.category is DiagnosisWarning
    assert (warning.filename, warning.lineno) == (str(HERE), line_with("warned"))
    assert str(warning.message).startswith("repeated: the list holds")
    with pytest.raises(DiagnosisWarning):  # warnings are errors in these tests
        found.warn()


def test_the_doctor_too_says_how_a_loss_is_called():
    with pytest.raises(TypeError, match=r"the loss failed.*for one row at a time"):
        doctor(lambda preds, ys: sum(p - t for p, t in zip(preds, ys, strict=True)), MLP(1, [1]), [[1.0]], [2.0])


def test_a_diagnosis_is_a_tuple_of_findings_and_survives_a_pickle():
    found = doctor(3.0, [Parameter(1.0)])
    assert found.kinds == ["detached"]
    assert found.findings == tuple(found) == (*found,)
    assert str(pickle.loads(pickle.dumps(found))) == str(found)  # noqa: S301 - its own
