"""Networks: modules and how their parameters are found, neurons, layers, perceptrons, activations and initialisers."""

import copy
import inspect
import math
import os
import pickle
import random
import subprocess
import sys
from fractions import Fraction

import micrograd.nn
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import autograd_mini
from autograd_mini import Parameter, Value, no_grad
from autograd_mini.engine.ops import TABLE, Op
from autograd_mini.nn import ACTIVATIONS, INITIALISERS, MLP, Layer, Module, Neuron
from autograd_mini.nn.layers import activate

numbers = st.floats(-3, 3)
sizes = st.lists(st.integers(1, 4), min_size=1, max_size=3)
names = st.sampled_from(ACTIVATIONS)


@st.composite
def networks(draw):
    """Draw a network and an input for it."""
    nin, nouts = draw(st.integers(1, 4)), draw(sizes)
    model = MLP(
        nin, nouts, draw(names), draw(names), init=draw(st.sampled_from([None, *INITIALISERS])), seed=draw(seeds)
    )
    for parameter in model.parameters():
        parameter.data += draw(st.sampled_from([0.0, 0.25, -1.0]))
    return model, draw(st.lists(numbers, min_size=nin, max_size=nin))


seeds = st.integers(0, 2**32)


def outputs(model, x):
    y = model(x)
    return [v.data for v in y] if isinstance(y, list) else [y.data]


class Box(Module):
    """A module that holds whatever it is given."""

    def __init__(self, **members):
        vars(self).update(members)


places = st.recursive(
    st.builds(Parameter, numbers) | st.builds(Value, numbers) | numbers | st.none() | st.text(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=2) | st.integers(), inner, max_size=3)
        | st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(lambda members: Box(**members))
    ),
    max_leaves=12,
)


def parameters_in(place):
    """Collect the parameters in a place, by a second and simpler rule: depth first, repeats included."""
    if isinstance(place, Parameter):
        return [place]
    if isinstance(place, Module):
        place = list(vars(place).values())
    if isinstance(place, dict):
        place = list(place.values())
    return [p for member in place for p in parameters_in(member)] if isinstance(place, (list, tuple)) else []


# --- modules ---------------------------------------------------------------------------------------------------------


@given(st.dictionaries(st.sampled_from("pqr"), places))
def test_parameters_are_found_in_the_order_of_definition_each_once(members):
    shared = Parameter(1.0)
    module = Box(**members, shared=shared, again=[shared])
    expected = list(dict.fromkeys(map(id, parameters_in(module))))
    assert [id(p) for p in module.parameters()] == expected


@given(st.dictionaries(st.sampled_from("pqr"), places))
def test_the_name_of_a_parameter_is_the_expression_that_leads_to_it(members):
    module = Box(**members)
    named = module.named_parameters()
    assert [id(p) for p in named.values()] == [id(p) for p in module.parameters()]
    for name, parameter in named.items():
        assert eval(f"module.{name}") is parameter  # noqa: S307 - that is what the name promises


def test_plain_values_are_constants_and_not_parameters():
    assert Box(scale=Value(2.0), w=[Parameter(1.0)]).named_parameters().keys() == {"w[0]"}


def test_a_module_that_overrides_parameters_has_those_that_it_says():
    class Lean(Module):
        def __init__(self):
            self.w = Value(1.0)
            self.frozen = Parameter(2.0)

        def parameters(self):
            return [self.w]

    lean = Lean()
    whole = Box(first=lean, second=Parameter(3.0), third=lean)
    assert whole.parameters() == [lean.w, whole.second]
    assert list(whole.named_parameters()) == ["first.parameters()[0]", "second"]
    assert list(lean.named_parameters()) == ["parameters()[0]"]


def test_an_override_of_parameters_may_add_to_those_that_are_found():
    class More(Module):
        def __init__(self):
            self.w = Parameter(1.0)
            self.scale = Value(2.0)

        def parameters(self):
            return [*super().parameters(), self.scale]

    more = More()
    assert [p.data for p in more.parameters()] == [1.0, 2.0]
    assert list(more.named_parameters()) == ["parameters()[0]", "parameters()[1]"]


def test_a_module_may_hold_itself():
    module = Box(w=Parameter(1.0))
    module.me, module.child = [module], Box(parent=module, w=Parameter(2.0))
    assert list(module.named_parameters()) == ["w", "child.w"]


@pytest.mark.parametrize("member", [Parameter(1.0), Box()])
def test_parameters_in_a_set_are_refused_because_a_set_has_no_order(member):
    with pytest.raises(TypeError, match=r"layer\.bag is a set"):
        Box(layer=Box(bag={member})).parameters()
    assert Box(tags={"a", "b"}).parameters() == []


def test_zero_grad_sets_every_gradient_to_zero():
    model = MLP(2, [2, 1], seed=0)
    model([1.0, 2.0]).backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert [p.grad for p in model.parameters()] == [0.0] * 9


def test_a_module_calls_forward_and_without_it_says_what_is_missing():
    class Double(Module):
        def forward(self, x):
            return 2 * x

    assert Double()(3.0) == 6.0
    with pytest.raises(NotImplementedError, match="Box does not say what it computes: define"):
        Box()(1.0)


# --- perceptrons -----------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(1, 4), st.lists(st.integers(2, 4), max_size=2), st.integers(1, 3), st.integers(0, 2**32), st.data())
def test_a_seeded_mlp_is_micrograds_with_its_numbers_outputs_gradients_and_repr(nin, hidden, nout, seed, data):
    nouts = [*hidden, nout]
    x = data.draw(st.lists(numbers, min_size=nin, max_size=nin))
    random.seed(seed)
    theirs = micrograd.nn.MLP(nin, nouts)
    random.seed(seed)
    ours = MLP(nin, nouts)
    assert [p.data for p in ours.parameters()] == [p.data for p in theirs.parameters()]
    assert repr(ours) == repr(theirs)
    y, expected = ours(x), theirs(x)
    if nouts[-1] > 1:
        assert [v.data for v in y] == [v.data for v in expected]
        y, expected = sum(y), sum(expected)
    y.backward()
    expected.backward()
    assert [p.grad for p in ours.parameters()] == pytest.approx([p.grad for p in theirs.parameters()], rel=1e-12)


def test_micrograds_neuron_and_layer_are_there_under_their_names():
    random.seed(1)
    neuron, layer = Neuron(3, nonlin=False), Layer(2, 3)
    random.seed(1)
    their_neuron, their_layer = micrograd.nn.Neuron(3, nonlin=False), micrograd.nn.Layer(2, 3)
    assert (repr(neuron), repr(layer)) == (repr(their_neuron), repr(their_layer))
    assert [w.data for w in neuron.w] == [w.data for w in their_neuron.w]
    assert (neuron.b.data, neuron.nonlin, layer.neurons[0].nonlin) == (0.0, False, True)
    assert Neuron(3, False).nonlin is False  # micrograd's second argument
    assert len(layer([1, 2])) == 3
    assert isinstance(Layer(2, 1)([1, 2]), Value)


@settings(deadline=None)
@given(networks())
def test_matrices_compute_what_the_network_computes(drawn):
    model, x = drawn
    expected = outputs(model, x)
    y = np.array(x)
    for w, b, layer in zip(*model.matrices(), model.layers, strict=True):
        z = np.array(w) @ y + np.array(b)
        y = np.array([activate(layer.neurons[0].activation, float(entry)) for entry in z])
    assert list(y) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(networks())
def test_parameters_are_labelled_as_in_textbooks(drawn):
    model, _ = drawn
    weights, biases = model.matrices()
    labelled = {p.label: p.data for p in model.parameters()}
    assert len(labelled) == len(model.parameters())
    for layer, rows in enumerate(weights):
        for j, row in enumerate(rows):
            assert labelled[f"b[{layer + 1}][{j + 1}]"] == biases[layer][j]
            for k, weight in enumerate(row):
                assert labelled[f"w[{layer + 1}][{j + 1}][{k + 1}]"] == weight


def test_a_neuron_or_layer_on_its_own_has_shorter_labels():
    assert [p.label for p in Neuron(2).parameters()] == ["w[1]", "w[2]", "b"]
    assert [p.label for p in Layer(1, 2).parameters()] == ["w[1][1]", "b[1]", "w[2][1]", "b[2]"]


@settings(deadline=None)
@given(networks())
def test_inputs_of_every_kind_give_the_same_outputs(drawn):
    model, x = drawn
    expected = outputs(model, x)
    kinds = [tuple(x), iter(x), np.array(x), map(Value, x), np.array([Value(v) for v in x]), map(Fraction, x)]
    for kind in kinds:
        assert outputs(model, kind) == expected
    if len(x) == 1:
        for single in (x[0], Value(x[0]), np.float64(x[0]), np.array(x[0]), Fraction(x[0])):
            assert outputs(model, single) == expected


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(0, 7))
def test_a_wrong_input_width_is_an_error_that_names_both_numbers(nin, given_width):
    assume(nin != given_width)
    x = [1.0] * given_width
    for model in (Neuron(nin), Layer(nin, 2), MLP(nin, [2, 1])):
        for inputs in (x, tuple(x), iter(x), np.array(x)):
            with pytest.raises(
                ValueError, match=rf"x has {given_width} numbers, expected the {nin} inputs of ReLUNeuron\({nin}\)"
            ):
                model(inputs)


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([[1.0, 2.0], [3.0, 4.0]], TypeError, r"x\[0\] is a list, .* one sample at a time"),
        (np.ones((2, 2)), ValueError, r"array of shape \(2, 2\), expected one sample: pass one sample at a time"),
        (np.ones((2, 1)), ValueError, "one sample"),
        ("12", TypeError, "x is '12' of type str, expected a list of numbers"),
        ({0: 1.0, 1: 2.0}, TypeError, "of type dict"),
        ({1.0, 2.0}, TypeError, "of type set"),
        ([1.0, "2"], TypeError, r"x\[1\] is '2' of type str, expected a real number"),
        ([1.0, None], TypeError, r"x\[1\]"),
        (None, TypeError, "None"),
        ([1.0, 2j], TypeError, r"x\[1\]"),
    ],
)
def test_inputs_that_are_no_sample_are_refused(x, error, message):
    with pytest.raises(error, match=message):
        MLP(2, [2])(x)


def test_plain_numbers_do_not_become_values():
    neuron = Neuron(1, nonlin=False, init="zeros")
    product = neuron([3]).args[1]
    assert product.args == (neuron.w[0], 3.0)
    assert type(product.args[1]) is float


def test_gradients_reach_inputs_that_are_values():
    x = [Value(1.0), Value(-2.0)]
    model = MLP(2, [1], seed=0)
    model(x).backward()
    assert [v.grad for v in x] == [w.data for w in model.layers[0].neurons[0].w]


@given(networks())
def test_without_recording_the_outputs_are_the_same(drawn):
    model, x = drawn
    expected = outputs(model, x)
    with no_grad():
        assert outputs(model, x) == expected


@settings(deadline=None)
@given(networks())
def test_a_network_can_be_copied_and_pickled(drawn):
    model, x = drawn
    expected = outputs(model, x)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):  # noqa: S301 - our own bytes
        assert outputs(twin, x) == expected
        assert [p.label for p in twin.parameters()] == [p.label for p in model.parameters()]
        twin.layers[0].neurons[0].b.data += 1.0
    assert outputs(model, x) == expected


def test_the_readme_way_of_training_learns_xor():
    points = [([0, 0], -1), ([0, 1], 1), ([1, 0], 1), ([1, 1], -1)]
    model = MLP(2, [4, 1], activation="tanh", seed=0)
    for _ in range(200):
        loss = sum((1 + -y * model(x)).relu() for x, y in points)
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= 0.1 * p.grad
    assert [model(x) > 0 for x, _ in points] == [False, True, True, False]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: MLP(0, [1]), ValueError, "nin is 0"),
        (lambda: MLP(2, [3, 0]), ValueError, "nouts is 0"),
        (lambda: MLP(2, []), ValueError, "nouts is empty"),
        (lambda: MLP(2, 3), TypeError, r"nouts is 3, expected the widths of the layers: write \[3\]"),
        (lambda: MLP(2, [1.5]), TypeError, "1.5"),
        (lambda: MLP(2, ["3"]), TypeError, "'3'"),
        (lambda: MLP("2", [3]), TypeError, "nin is '2'"),
        (lambda: MLP(2, [True]), TypeError, "True"),
        (lambda: Layer(2, -1), ValueError, "nout is -1"),
        (lambda: Neuron(-1), ValueError, "nin is -1"),
        (lambda: Neuron(1, "tanh"), TypeError, "nonlin is 'tanh', expected True or False.*activation='tanh'"),
        (lambda: MLP(2, [1], "rleu"), ValueError, "activation is 'rleu', expected one of linear, .*relu"),
        (lambda: MLP(2, [1], output="soft"), ValueError, "output is 'soft'"),
        (lambda: MLP(2, [1], activation=3), TypeError, "activation is 3, expected a name"),
        (lambda: MLP(2, [1], activation="atan2"), ValueError, "activation is 'atan2', expected one of"),
        (
            lambda: Neuron(2, init="xavier"),
            ValueError,
            "init is 'xavier', expected one of uniform, xavier_uniform",
        ),
        (lambda: Neuron(2, init=0.5), TypeError, "init is 0.5, expected one of .* or a function"),
        (
            lambda: Neuron(2, init=lambda *_: "big"),
            TypeError,
            "what init returned is 'big' of type str, expected a real number",
        ),
        (lambda: Neuron(2, seed=-1), ValueError, "seed"),
        (lambda: Neuron(2, seed="a"), TypeError, "seed is 'a'"),
        (lambda: Neuron(2, seed=0.5), TypeError, "seed is 0.5"),
    ],
)
def test_a_wrong_argument_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_widths_may_be_numpy_integers_and_any_iterable():
    assert repr(MLP(np.int64(1), iter(np.array([1])))) == "MLP of [Layer of [LinearNeuron(1)]]"


# --- activations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "linear"])
@given(x=numbers)
def test_a_neuron_applies_the_named_operation_to_its_sum(name, x):
    neuron = Neuron(1, activation=name, init=lambda *_: 1.0)
    assert neuron.activation == name
    assert neuron(x).data == getattr(Value(x), name)().data


@pytest.mark.parametrize(
    ("activation", "shown"),
    [
        ("relu", "ReLU"),
        ("linear", "Linear"),
        (None, "Linear"),
        ("tanh", "Tanh"),
        ("leaky_relu", "LeakyReLU"),
        ("gelu", "GELU"),
        (autograd_mini.sigmoid, "Sigmoid"),
        (abs, "abs"),
    ],
)
def test_a_neurons_repr_names_its_activation(activation, shown):
    assert repr(Neuron(2, activation=activation)) == f"{shown}Neuron(2)"


def test_a_function_may_be_an_activation():
    def swish(x):
        return x * x.sigmoid()

    neuron = Neuron(1, activation=swish, init=lambda *_: 1.0)
    assert neuron(0.75).data == Value(0.75).silu().data
    assert neuron.activation is swish


def test_a_function_of_the_table_is_known_by_its_name():
    assert Neuron(1, activation=autograd_mini.tanh).activation == "tanh"
    assert Neuron(1, activation=autograd_mini.mean).activation is autograd_mini.mean


def test_an_operation_of_ones_own_is_an_activation_by_its_name():
    bent = autograd_mini.operation("bent", "(sqrt(x * x + 1) - 1) / 2 + x", "x / (2 * sqrt(x * x + 1)) + 1")
    try:
        for activation in ("bent", bent):
            neuron = pickle.loads(pickle.dumps(Neuron(1, activation=activation, init=lambda *_: 1.0)))  # noqa: S301
            assert (neuron.activation, repr(neuron)) == ("bent", "BentNeuron(1)")
            assert neuron(2.0).data == bent(2.0)
    finally:
        del TABLE["bent"]


def test_the_activation_of_a_neuron_may_be_assigned():
    neuron = Neuron(1, init=lambda *_: 1.0)
    neuron.activation = None
    assert (neuron(-2.0).data, neuron.nonlin) == (-2.0, False)
    with pytest.raises(ValueError, match="expected one of linear"):
        neuron.activation = "no"


def test_a_subclass_with_a_constructor_of_its_own_works_as_in_micrograd():
    class Line(Neuron):
        def __init__(self, slope, nonlin):
            self.w, self.b = [Parameter(slope)], Parameter(1.0)
            self.nonlin = nonlin

    assert (repr(Line(2.0, nonlin=True)), Line(2.0, nonlin=True)(-3).data) == ("ReLUNeuron(1)", 0.0)
    assert (repr(Line(2.0, nonlin=False)), Line(2.0, nonlin=False)(-3).data) == ("LinearNeuron(1)", -5.0)
    neuron = Neuron(1, activation="tanh")
    neuron.nonlin = True
    assert neuron.activation == "tanh"
    neuron.nonlin = False
    neuron.nonlin = True
    assert neuron.activation == "relu"


def test_hidden_layers_take_the_activation_and_the_last_one_the_output():
    model = MLP(1, [1, 1, 1], activation="tanh", output="sigmoid")
    assert [layer.neurons[0].activation for layer in model.layers] == ["tanh", "tanh", "sigmoid"]


# --- initialisers ----------------------------------------------------------------------------------------------------


class Sequence:
    """Random numbers that are not random."""

    def __init__(self, *given):
        self.random = iter(given).__next__


@given(st.integers(1, 100), st.integers(1, 100), st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_initialisers_are_the_published_formulas(fan_in, fan_out, u, v):
    normal = math.sqrt(-2 * math.log(1 - u)) * math.cos(2 * math.pi * v)
    expected = {
        "uniform": 2 * u - 1,
        "xavier_uniform": math.sqrt(6 / (fan_in + fan_out)) * (2 * u - 1),
        "xavier_normal": math.sqrt(2 / (fan_in + fan_out)) * normal,
        "he_uniform": math.sqrt(6 / fan_in) * (2 * u - 1),
        "he_normal": math.sqrt(2 / fan_in) * normal,
        "zeros": 0.0,
    }
    assert INITIALISERS.keys() == expected.keys()
    for name, weight in expected.items():
        assert INITIALISERS[name](Sequence(u, v), fan_in, fan_out) == pytest.approx(weight, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("uniform", 1 / 3),
        ("xavier_uniform", 2 / (50 + 150)),
        ("xavier_normal", 2 / (50 + 150)),
        ("he_uniform", 2 / 50),
        ("he_normal", 2 / 50),
    ],
)
def test_weights_have_the_variance_of_their_initialiser(name, variance):
    weights = [w.data for neuron in Layer(50, 150, init=name, seed=0).neurons for w in neuron.w]
    assert np.mean(weights) == pytest.approx(0.0, abs=4 * math.sqrt(variance / len(weights)))
    assert np.var(weights) == pytest.approx(variance, rel=0.05)


def test_a_function_may_be_an_initialiser_and_is_told_the_fans():
    asked = []

    def init(rng, fan_in, fan_out):
        asked.append((fan_in, fan_out))
        return rng.random()

    model = MLP(3, [2, 1], init=init, seed=0)
    assert asked == [(3, 2)] * 6 + [(2, 1)] * 2
    rng = random.Random(0)
    assert [p.data for p in model.parameters() if p.label.startswith("w")] == [rng.random() for _ in range(8)]


def test_biases_start_at_zero():
    assert {b for layer in MLP(2, [3, 2], seed=0).matrices()[1] for b in layer} == {0.0}


@given(seeds, st.sampled_from(list(INITIALISERS)))
def test_a_seed_gives_the_same_weights_and_leaves_the_module_random_alone(seed, init):
    before = random.getstate()
    first, second = (MLP(2, [3, 1], init=init, seed=seed).matrices() for _ in range(2))
    assert first == second
    assert random.getstate() == before
    assert MLP(2, [3, 1], init=init, seed=random.Random(seed)).matrices() == first


def test_a_seed_gives_the_same_weights_in_every_process():
    code = "from autograd_mini import MLP; print(MLP(3, [4, 2], init='he_normal', seed=7).matrices())"
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
        ).stdout
        for hash_seed in ("0", "1", "2")
    }
    assert printed == {f"{MLP(3, [4, 2], init='he_normal', seed=7).matrices()}\n"}


def test_an_activation_is_listed_everywhere_by_its_row_alone():
    row = "Op('softsign', 'x / (1.0 + abs(x))', ('1.0 / (1.0 + abs(x)) ** 2.0',), activation='bounded'),"
    program = f"""
import importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location({Op.__module__!r}, {inspect.getsourcefile(Op)!r})
module = importlib.util.module_from_spec(spec)
source = pathlib.Path(spec.origin).read_text(encoding="utf-8")
assert source.count("    # Activations.") == 1
exec(compile(source.replace("    # Activations.", "    " + {row!r}), spec.origin, "exec"), vars(module))
sys.modules[spec.name] = module
from autograd_mini.nn import ACTIVATIONS, MLP
from autograd_mini.diagnosis import context
from autograd_mini.viz import groups
from autograd_mini.cli import learning
assert "softsign" in ACTIVATIONS and "softsign" in context.ACTIVATIONS and "softsign" in groups.ACTIVATING
assert "softsign" not in learning.RECTIFYING and "relu" in learning.RECTIFYING
network = MLP(1, [1, 1], "softsign", seed=0)
print(network, network([1.0]).data)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "SoftsignNeuron" in done.stdout
