"""A long sum is one card and one step, and nothing of its graph is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_mini import Parameter, Value, order
from autograd_mini.viz import explain, steps, trace
from autograd_mini.viz.long_sums import LEAST, Shown


def terms(count):
    return [Value(0.5 * index, label=f"x{index}") for index in range(count)]


@st.composite
def graphs(draw):
    """Give leaves and a result in which sums are nested, shared, labelled, and used in between."""
    leaves = [Value(draw(st.floats(-2.0, 2.0)), label=f"x{index}") for index in range(4)]
    nodes = list(leaves)
    for _ in range(draw(st.integers(1, 6))):
        total = draw(st.sampled_from(nodes))
        for _ in range(draw(st.integers(1, 12))):
            term = draw(st.sampled_from(nodes))
            total = total + (term * draw(st.sampled_from([1.0, 0.5])) if draw(st.booleans()) else term)
            if draw(st.integers(0, 9)) == 0:
                total.label = f"t{len(nodes)}"
            nodes += [total * 0.3] * (draw(st.integers(0, 3)) == 0)
        nodes.append(total.tanh() if draw(st.booleans()) else total)
    return leaves, nodes[-1]


@given(graphs())
@settings(max_examples=150, deadline=None)
def test_every_gradient_is_the_one_of_backward_to_the_last_bit(graph):
    leaves, y = graph
    gradients = {y: 1.0}
    for event in steps(y):
        assert event.grad == gradients[event.node]
        for part in event.contributions:
            assert part.before == gradients.get(part.operand, 0.0)
            gradients[part.operand] = part.after
    y.backward()
    assert {node: node.grad for node in gradients} == gradients
    assert [gradients.get(leaf, 0.0) for leaf in leaves] == [leaf.grad for leaf in leaves]


@given(graphs())
@settings(max_examples=100, deadline=None)
def test_what_is_left_out_are_partial_sums_whose_gradient_is_that_of_their_sum(graph):
    _, y = graph
    y.backward()
    shown = Shown([y])
    left_out = set(order(y)) - set(shown.nodes)
    users = {node: [user for user in order(y) for o in user.args if o is node] for node in left_out}
    for node in left_out:
        assert node.op == "add"
        assert not node.label
        (user,) = users[node]
        assert user.op == "add"
        assert node.grad == user.grad
    for total, operands in shown.terms.items():
        assert len(operands) >= LEAST
        assert sum(o.data if isinstance(o, Value) else o for o in operands) == pytest.approx(total.data, abs=1e-9)


def test_a_sum_of_300_terms_is_one_step_that_gives_its_gradient_to_all_of_them():
    xs = terms(300)
    y = sum(xs) * 2.0
    (_, product, total) = steps(y)
    assert product.node is y
    assert [part.operand for part in total.contributions] == xs
    assert {(part.partial, part.share) for part in total.contributions} == {(1.0, 2.0)}
    assert total.lines() == [
        "x0, x1, x2, x3, x4, x5, …, x299: each .grad += 1 · v1.grad = 1 × 2 = 2   (0 → 2)",
    ]
    assert len(steps(y, level="full")) == 302
    assert len(trace(y).splitlines()) == 303
    assert repr(explain(xs[0], y)).splitlines()[1] == "  v2 → v1 → x0:  2 × 1 = 2"


def test_a_sum_of_a_few_terms_is_stepped_through_addition_by_addition():
    assert len(Shown([sum(terms(LEAST - 2))]).terms) == 0  # sum() starts with 0, a term
    assert len(Shown([sum(terms(LEAST - 1))]).terms) == 1


@pytest.mark.parametrize("reason", ["label", "use", "gradient", "result", "infinite"])
def test_a_partial_sum_that_says_something_of_its_own_is_shown(reason):
    xs = terms(20)
    part = sum(xs[:10], Value(0.0))
    total = sum(xs[10:], part)
    roots = [total]
    if reason == "label":
        part.label = "first half"
    elif reason == "use":
        roots = [total * part]
    elif reason == "result":
        roots = [total, part]
    elif reason == "infinite":
        xs[0].data = float("inf")
        part = sum(xs[:10], Value(0.0))
        roots = [sum(xs[10:], part)]
    else:
        total.backward()
        part.grad = 5.0
    assert part in Shown(roots).nodes


def test_a_level_of_steps_is_auto_or_full():
    with pytest.raises(ValueError, match=r"level is 'neuron', expected one of auto, full"):
        steps(Value(1.0), level="neuron")


def test_a_sum_of_300_terms_is_drawn_as_one_card_with_a_wire_from_each_term():
    pytest.importorskip("graphviz")
    from autograd_mini.viz import compare, draw

    xs = [Parameter(0.5, label=f"x{index}") for index in range(300)]
    y = sum(xs)
    y.backward()
    picture = draw(y)
    assert len(picture.diagram.cards) == 302  # with the 0 that sum() starts from
    (card,) = (card for card in picture.diagram.cards if card.kind == "operation")
    assert card.badge == "Σ 301 terms"
    assert [wire.head for wire in picture.diagram.wires] == [card.key] * 301
    assert picture.diagram.wires[-1].tip == "∂v1/∂x299 = 1\ncontributes +1"
    assert "Σ 301 terms" in picture.source
    assert picture.mermaid().count("-->") == 300
    assert "and 299 partial sums that are not shown" in picture.diagram.about
    assert len(draw(y, level="full").diagram.cards) == 601
    longer = compare(y, sum([*xs, Value(1.0)]))
    assert "1 values added, 0 removed, 1 changed, 300 the same" in longer.diagram.about


def test_partial_sums_that_all_have_to_be_shown_take_no_time_by_the_square():
    total = product = Value(1.0)
    for _ in range(20_000):
        x = Value(1.0)
        total, product = total + x, product * x  # x is used between the partial sum and the whole one
    assert len(Shown([total * product]).nodes) == 60_002
