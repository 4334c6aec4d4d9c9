"""Collapsed graphs keep their sums, networks are drawn in textbook notation, and differences are marked."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_mini import MLP, Layer, Neuron, Parameter, Value, order

pytest.importorskip("graphviz")
from autograd_mini.viz import compare, draw
from autograd_mini.viz import renderers as rendering
from autograd_mini.viz.groups import neurons_of

try:
    rendering.render("digraph {}", "json")
except ImportError:
    pytest.skip("no Graphviz is installed", allow_module_level=True)


def loss_of(model, samples):
    loss = sum(((model(x) - 1.0) ** 2 for x in samples), Value(0.0))
    loss.label = "loss"
    return loss


def card(picture, name):
    (found,) = (card for card in picture.diagram.cards if card.name == name)
    return found


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.sampled_from(["tanh", "relu", "sigmoid", "linear"]),
    st.integers(1, 3),
    st.sampled_from(["neuron", "layer"]),
)
@settings(max_examples=30, deadline=None)
def test_what_goes_back_to_a_card_sums_to_the_gradients_of_the_values_that_left_it(widths, activation, count, level):
    model = MLP(2, [*widths, 1], activation=activation, seed=1)
    inputs = [[Value(0.3 * index + 0.1, label=f"x{index}{k}") for k in range(2)] for index in range(count)]
    loss = loss_of(model, inputs)
    loss.backward()
    diagram = draw(loss, level=level).diagram
    sums = {}
    for wire in diagram.wires:
        sums[wire.tail] = sums.get(wire.tail, 0.0) + (wire.share or 0.0)
    expected = {}
    for node in order(loss):
        outside = [o for o in order(loss) if node in set(o.args) and diagram.keys[o] != diagram.keys[node]]
        inside = [o for o in order(loss) if node in set(o.args) and diagram.keys[o] == diagram.keys[node]]
        if outside and not inside:
            expected[diagram.keys[node]] = expected.get(diagram.keys[node], 0.0) + node.grad
    for key, total in expected.items():
        assert sums[key] == pytest.approx(total, rel=1e-9, abs=1e-12)


def test_every_value_of_a_network_belongs_to_its_neuron():
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    out = model([1.0, 2.0])
    found = neurons_of(order(out))
    assert set(found.values()) == {(1, 1), (1, 2), (1, 3), (2, 1)}
    assert len(found) == len(order(out))


def test_a_large_network_is_collapsed_by_itself():
    model = MLP(8, [16, 16, 1], seed=1)
    loss = loss_of(model, [[0.1 * index * k for k in range(8)] for index in range(8)])
    assert len(order(loss)) > 5000
    loss.backward()
    picture = draw(loss)
    assert len(picture.diagram.cards) <= 50
    assert picture.svg().startswith("<svg")
    assert card(picture, "layer 1 neuron 16").rows[1] == ("parameters", "9")


def test_more_wires_than_can_be_told_apart_are_collapsed_further():
    out = MLP(10, [30, 30, 1], activation="tanh", seed=0)([0.1] * 10)
    picture = draw(out)
    assert [card.name for card in picture.diagram.cards] == ["layer 1", "layer 2", "layer 3"]
    assert len(draw(out, level="neuron").diagram.wires) > 400


def test_an_input_of_plain_numbers_has_one_card_with_its_name():
    picture = draw(MLP(2, [3, 1], activation="tanh", seed=0)([0.5, -1.0]))
    inputs = [card for card in picture.diagram.cards if card.name.startswith("x_")]
    assert [(card.name, card.kind, card.rows) for card in inputs] == [
        ("x_1", "input", [("value", "0.5"), ("grad", "–")]),
        ("x_2", "input", [("value", "−1"), ("grad", "–")]),
    ]
    assert sum(wire.tail == inputs[0].key for wire in picture.diagram.wires) == 3
    assert not any(card.kind == "constant" for card in picture.diagram.cards)


def test_levels_go_from_values_to_neurons_to_layers():
    model = MLP(2, [3, 1], seed=0)
    out = model([Value(1.0, label="x1"), Value(2.0, label="x2")])
    counts = [len(draw(out, level=level).diagram.cards) for level in ("full", "neuron", "layer")]
    assert counts == [len(order(out)), 6, 3]
    assert len(draw(out).diagram.cards) == counts[0]


def test_a_level_of_neurons_needs_neurons():
    with pytest.raises(ValueError, match="needs parameters labelled"):
        draw(Value(1.0) * 2, level="neuron")


def test_a_collapsed_card_without_gradients_shows_a_dash():
    model = MLP(2, [2, 1], seed=0)
    picture = draw(model([1.0, 2.0]), level="layer")
    assert ("‖grad‖", "–") in card(picture, "layer 1").rows


def test_a_network_is_drawn_in_the_notation_of_textbooks():
    model = MLP(3, [2, 1], activation="tanh", seed=3)
    picture = draw(model)
    assert [card.name for card in picture.diagram.cards] == ["x_1", "x_2", "x_3", "a_1^[1]", "a_2^[1]", "a_1^[2]"]
    assert len(picture.diagram.wires) == 8
    weight = model.layers[0].neurons[1].w[2].data
    assert f"w_23^[1] = {weight:.4g}".replace("-", "−") in [wire.tip for wire in picture.diagram.wires]
    texts = [element.text for element in ET.fromstring(picture.svg()).iter() if element.tag.endswith("text")]  # noqa: S314
    assert {"layer 1: Tanh", "layer 2: Linear", "[2]", "b 0"} <= set(texts)
    assert "a_1^[2]" in picture.source


def test_a_network_can_carry_the_names_of_its_weights_and_biases():
    svg = draw(MLP(2, [3, 1], seed=3), names=True).svg()
    texts = [element.text for element in ET.fromstring(svg).iter() if element.tag.endswith("text")]  # noqa: S314 - ours
    named = [text + "_" + texts[i + 1] + "^" + texts[i + 2] for i, text in enumerate(texts) if text in {"w", "b"}]
    assert sorted(named) == [
        *("b_1^[1]", "b_1^[2]", "b_2^[1]", "b_3^[1]"),
        *("w_11^[1]", "w_11^[2]", "w_12^[1]", "w_12^[2]", "w_13^[2]"),
        *("w_21^[1]", "w_22^[1]", "w_31^[1]", "w_32^[1]"),
    ]
    assert "b 0" not in texts


@pytest.mark.parametrize("model", [Layer(2, 2, seed=0), Neuron(2, seed=0)], ids=["layer", "neuron"])
def test_a_layer_and_a_neuron_are_networks_too(model):
    assert draw(model).svg().startswith("<svg")


def test_of_a_wide_layer_the_first_and_the_last_neurons_are_drawn():
    svg = draw(MLP(784, [30, 10], seed=3)).svg()
    assert ">773 more<" in svg
    assert len(svg) < 200_000


def test_a_negative_weight_is_dashed_as_well_as_orange():
    model = Neuron(1, seed=0)
    for data, dashed in ((1.0, 0), (-1.0, 1)):
        model.w[0].data = data
        assert len(re.findall("<line[^>]*stroke-dasharray", draw(model).svg())) == dashed


# --- differences ---


def test_a_difference_marks_what_was_added_removed_and_changed():
    def graph(x, k, *, more):
        a, b = Value(x, label="a"), Parameter(3.0, label="b")
        y = a * b * k
        y = y + b if more else y.tanh()
        y.label = "y"
        y.backward()
        return y

    picture = compare(graph(2.0, 2.0, more=False), graph(2.5, 4.0, more=True))
    marks = {(card.name, card.badge): card.mark for card in picture.diagram.cards}
    assert marks["a", ""] == "changed"
    assert marks["y", "+"] == "added"
    assert marks["y", "tanh"] == "removed"
    rows = card(picture, "a").rows
    assert ("value", "2 → 2.5") in rows
    assert ("change", "changed") in rows
    (scaled,) = (c for c in picture.diagram.cards if ("constant", "2 → 4") in c.rows)
    assert scaled.mark == "changed"
    assert picture.svg().count(">removed<") >= 1


def test_a_graph_differs_in_nothing_from_itself():
    y = MLP(2, [2, 1], seed=0)([1.0, 2.0])
    diagram = compare(y, y).diagram
    assert {card.mark for card in diagram.cards} == {""}
    assert {wire.mark for wire in diagram.wires} == {""}


def test_differences_of_large_graphs_are_refused():
    y = Value(1.0)
    for _ in range(1000):
        y = y + 1.0
    with pytest.raises(ValueError, match=r"1001 values.*compare parts"):
        compare(y, y)


def test_the_norm_on_a_card_is_that_of_the_parameters_of_its_layer():
    model = MLP(2, [2, 1], activation="tanh", seed=0)
    loss = loss_of(model, [[1.0, 2.0]])
    loss.backward()
    norm = math.hypot(*(p.grad for p in model.layers[0].parameters()))
    assert ("‖grad‖", f"{norm:.4g}") in card(draw(loss, level="layer"), "layer 1").rows


def test_constants_are_compared_too():
    x = Value(2.0, label="x")
    diagram = compare(x * 3, x * 4 + 1).diagram
    assert [(c.name, c.mark) for c in diagram.cards if c.kind == "constant"] == [("4", ""), ("1", "added")]
    (gone,) = (c for c in compare(x * 3 + 5, x * 3).diagram.cards if c.name == "5")
    assert gone.mark == "removed"
    (scaled,) = (c for c in diagram.cards if ("constant", "3 → 4") in c.rows)
    assert scaled.mark == "changed"


def test_a_sum_of_gradients_of_different_values_is_not_written_on_a_wire():
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    out = model([Value(1.0, label="x1"), Value(2.0, label="x2")])
    out.backward()
    diagram = draw(out, level="layer", partials=True).diagram
    between = [wire for wire in diagram.wires if wire.receivers > 1]
    assert between
    assert not any(wire.marks for wire in between)
    assert all("values together" in wire.tip for wire in between)


def test_a_weight_that_was_updated_in_place_is_marked():
    x, w = Value(2.0, label="x"), Parameter(3.0, label="w")
    before = x * w
    w.data = 2.5
    picture = compare(before, x * w)
    assert card(picture, "w").mark == "changed"
    assert ("change", "assigned since") in card(picture, "w").rows
    assert card(picture, "x").mark == ""
    assert ("value", "6 → 5") in card(picture, "v1").rows
