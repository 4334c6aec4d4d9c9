"""Events, traces and explanations say what `backward` does, number by number."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import Parameter, Value
from autograd_mini.engine.ops import TABLE
from autograd_mini.viz import explain, steps, trace
from autograd_mini.viz.expressions import Numbers
from autograd_mini.viz.partials import TEXTBOOK, flows


def neuron():
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Parameter(-3.0, label="w1"), Parameter(1.0, label="w2")
    o = (x1 * w1 + x2 * w2 + Parameter(6.8813735870195432, label="b")).tanh()
    o.label = "o"
    return o


@st.composite
def graphs(draw):
    leaves = [Value(draw(st.floats(0.1, 2.0)), label=f"x{index}") for index in range(3)]
    nodes = list(leaves)
    for _ in range(draw(st.integers(1, 8))):
        op = draw(st.sampled_from(["add", "mul", "sub", "tanh", "exp", "maximum", "sin"]))
        x, y = draw(st.sampled_from(nodes)), draw(st.sampled_from(nodes))
        row = {"add": x + y, "mul": x * y, "sub": x - y, "maximum": ag.maximum(x, y)}
        nodes.append(row[op] if op in row else getattr((x * 0.1), op)())
    return leaves, nodes[-1]


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_the_events_end_at_the_gradients_of_backward(graph):
    leaves, y = graph
    gradients = {y: 1.0}
    for event in steps(y):
        assert event.grad == gradients[event.node]
        for part in event.contributions:
            assert part.before == gradients.get(part.operand, 0.0)
            gradients[part.operand] = part.after
    assert not any(leaf.has_grad for leaf in leaves)
    y.backward()
    assert [gradients.get(leaf, 0.0) for leaf in leaves] == [leaf.grad for leaf in leaves]


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_the_products_along_all_paths_sum_to_the_gradient(graph):
    leaves, y = graph
    found = [explain(leaf, y, limit=100_000) for leaf in leaves]
    y.backward()
    for leaf, explanation in zip(leaves, found, strict=True):
        assert len(explanation) == explanation.count
        total = math.fsum(path.product for path in explanation)
        expected = leaf.grad if leaf is not y else 1.0
        assert total == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert explanation.gradient == pytest.approx(expected, rel=1e-9, abs=1e-12)
        for path in explanation:
            assert (path.nodes[0], path.nodes[-1]) == (y, leaf)
            assert len(path.factors) == len(path.nodes) - 1


@pytest.mark.parametrize("name", sorted(TABLE))
def test_the_local_derivative_of_every_operation_is_written_and_has_the_value_that_backward_uses(name):
    row = TABLE[name]
    operands = [
        Value(low * 0.4 + high * 0.6, label=letter) for letter, (low, high) in zip("xy", row.domain, strict=False)
    ]
    y = getattr(operands[0], f"__{row.method}__" if row.method else name)(*operands[1:])
    called = {**{operand: operand.label for operand in operands}, y: "z"}
    y.backward()
    for flow in flows(y, 1.0):
        assert flow.share == flow.operand.grad
        text = flow.formula(called)
        assert text
        assert "where" not in text


SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def evaluated(formula, **known):
    """Return the value of a formula as a reader computes it."""
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda found: f"**({found[0].translate(SUPERSCRIPTS)})", formula)
    for written, python in (("^", "**"), ("·", "*"), ("×", "*"), ("−", "-")):
        text = text.replace(written, python)
    functions = {TABLE[name].symbol: getattr(ag, name) for name in ag.__all__ if name in TABLE}
    return float(eval(text, functions, known))  # noqa: S307 - a formula of ours


@pytest.mark.parametrize("name", sorted(TABLE))
def test_the_product_in_a_step_of_every_operation_has_the_value_that_is_written_after_it(name):
    row = TABLE[name]
    operands = [
        Value(low * 0.4 + high * 0.6, label=letter) for letter, (low, high) in zip("xy", row.domain, strict=False)
    ]
    z = getattr(operands[0], f"__{row.method}__" if row.method else name)(*operands[1:])
    z.label = "z"
    known = {each.label: each.data for each in (*operands, z)}
    (_, event) = steps(z, seed=0.7)
    for part, line in zip(event.contributions, event.lines(), strict=True):
        product = line.split(" = ")[1].replace("z.grad", "0.7")
        assert evaluated(product, **known) == pytest.approx(part.share, rel=1e-3, abs=1e-12), line


@pytest.mark.parametrize("name", sorted(TEXTBOOK))
def test_a_textbook_form_has_the_value_of_the_tables(name):
    from autograd_mini.engine.formula import evaluate, parse

    row = TABLE[name]
    for x in (-3.0, -0.5, 0.0, 0.7, 2.0):
        numbers = {"x": x, "z": getattr(ag, name)(x)}
        ours = evaluate(parse(TEXTBOOK[name], ("x", "z")), Numbers(), numbers)
        assert ours == pytest.approx(evaluate(parse(row.partials[0], ("x", "z")), Numbers(), numbers), rel=1e-9)


def test_formulas_are_written_as_textbooks_write_them():
    x, w = Value(2.0, label="x"), Value(3.0, label="w")
    shown = {}
    for y in (x * w, x**3, x / w, x.tanh(), x.exp(), x.sin(), x**w, 2.0**x, x.sqrt()):
        called = {x: "x", w: "w", y: "y"}
        shown[y.op + str(len(shown))] = [flow.formula(called) for flow in flows(y, 1.0)]
    assert list(shown.values()) == [
        ["w", "x"],
        ["3·x²"],
        ["1 / w", "−y / w"],
        ["1 − y²"],
        ["y"],
        ["cos(x)"],
        ["w·x^(w − 1)", "y·log(x)"],
        ["y·log(2)"],
        ["0.5 / y"],
    ]


def test_forward_events_come_first_and_show_symbols_and_numbers():
    events = steps(neuron(), forward=True)
    phases = [event.phase for event in events]
    assert phases == ["forward"] * 10 + ["seed"] + ["backward"] * 5
    assert events[4].lines() == ["v1 = x1 × w1 = 2 × (−3) = −6"]


def test_an_accumulating_step_shows_before_and_after():
    a = Value(3.0, label="a")
    (_, event) = steps(a * a)
    assert [(part.before, part.share, part.after) for part in event.contributions] == [(0.0, 3.0, 3.0), (3.0, 3.0, 6.0)]
    assert event.lines()[1] == "a.grad += ∂v1/∂a · v1.grad = a · v1.grad = 3 × 1 = 3   (3 → 6)"


def test_the_operand_that_where_did_not_take_has_no_event():
    x = Value(0.0, label="x")
    y = ag.where(x > 0, x**0.5, x * 2)
    assert [event.node.op for event in steps(y)] == ["where", "where", "mul"]
    assert explain(x, y).gradient == 2.0
    assert explain(x, y).count == 1


def test_a_stale_graph_is_refused():
    x = Value(1.0, label="x")
    y = x * 2
    x.data = 5.0
    with pytest.raises(ag.StaleValueError, match="x"):
        steps(y)


def test_paths_are_counted_without_being_walked():
    x = Value(1.0, label="x")
    y = x
    for _ in range(100):
        y = y + y
    found = explain(x, y, limit=3)
    assert (len(found), found.count, found.gradient) == (3, 2**100, 2.0**100)
    assert f"{2**100 - 3} more" in repr(found)


def test_where_no_path_leads_the_explanation_says_so():
    x, y = Value(1.0, label="x"), Value(2.0, label="y")
    assert repr(explain(x, y * 2)) == "∂v1/∂x = 0: no path leads from v1 back to x"
    assert explain(x, x).gradient == 1.0


def test_a_trace_is_a_table_that_prints_itself():
    text = trace(neuron())
    assert repr(text) == str(text)
    assert "v4" in text
    line = " ".join(text.splitlines()[2].split())
    assert line == "1 o = tanh(v4) 0.7071 1 v4 1 − o² = 0.5 0.5 0 → 0.5"


def test_a_long_chain_needs_no_recursion():
    x = y = Value(1.0)
    for _ in range(3000):
        y = y + 0.0
    assert len(steps(y, level="full")) == 3001
    assert explain(x, y).gradient == 1.0


@pytest.mark.parametrize("call", [lambda: steps(1.0), lambda: trace("x"), lambda: explain(1.0, Value(1.0))])
def test_what_is_no_value_is_refused(call):
    with pytest.raises(TypeError, match="expected a Value"):
        call()


def test_a_function_with_a_derivative_of_its_own_is_one_node():
    transforms = pytest.importorskip("autograd_mini.transforms")
    a, b = Value(3.0, label="a"), Value(4.0, label="b")

    def area(x, y):
        return x * y

    y = transforms.custom_gradient(area, lambda x, y: (y, x))(a, b) * 2
    y.backward()
    gradients = {part.name: part.after for event in steps(y) for part in event.contributions}
    assert (gradients["a"], gradients["b"]) == (a.grad, b.grad) == (8.0, 6.0)
    assert explain(a, y).gradient == 8.0
    assert "area" in trace(y)
