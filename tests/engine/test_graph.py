"""The graph: order, operands, and gradients as graphs of any order."""

from __future__ import annotations

import math

import mpmath as mp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import programs, run

import autograd_mini as ag
from autograd_mini import Parameter, StaleValueError, Value, gradient, no_grad, order
from autograd_mini.engine.graph import operands

# --- order and operands ---


@given(programs())
def test_the_order_has_every_node_once_and_operands_before_results(program):
    leaves, results, _ = run(program)
    nodes = order(results[-1])
    position = {node: i for i, node in enumerate(nodes)}
    assert len(position) == len(nodes)
    assert nodes[-1] is results[-1]
    for node in nodes:
        for operand in operands(node):
            assert position[operand] < position[node]
    reached = [node for node in [*leaves, *results[len(leaves) :]] if node in position]
    assert sorted(reached, key=position.get) == reached, "the order of creation"


@given(programs(), st.data())
def test_the_order_of_several_roots_is_the_union(program, data):
    _, results, _ = run(program)
    roots = data.draw(st.lists(st.sampled_from(results), max_size=5))
    assert set(order(*roots)) == set().union(*(order(root) for root in roots))
    assert order(*roots) == order(*reversed(roots))


def test_the_order_of_a_leaf_is_itself_and_of_nothing_is_empty():
    x = Value(1.0)
    assert order(x) == [x]
    assert order() == []


def test_operands_are_values_in_order_and_stand_twice_where_used_twice():
    x, y = Value(1.0), Value(2.0)
    assert [operand is y for operand in operands(y - x)] == [True, False]
    assert [operand is x for operand in operands(x * x)] == [True, True]
    assert operands(x) == []
    (only,) = operands(3 / x)
    assert only is x


def test_operands_of_a_choice_are_its_condition_and_both_branches():
    c, x, y = Value(1.0), Value(2.0), Value(3.0)
    chosen = ag.where(c, x, y)
    assert all(a is b for a, b in zip(operands(chosen), (c, x, y), strict=True))
    assert set(order(chosen)) == {c, x, y, chosen}


def test_a_chain_of_a_hundred_thousand_nodes_has_an_order_and_a_gradient():
    x = Value(1.0)
    y = x
    for _ in range(50_000):
        y = y * 0.99999 + 1e-5
    assert len(order(y)) == 100_001
    assert gradient(y, x).data == pytest.approx(0.99999**50_000)


# --- gradient ---


def test_a_value_gives_a_value_and_several_give_a_list_in_their_order():
    x, y = Value(2.0), Value(3.0)
    z = x * x * y
    assert gradient(z, x).data == 12.0
    assert [g.data for g in gradient(z, [y, x, y])] == [4.0, 12.0, 4.0]
    assert [g.data for g in gradient(z, (v for v in (x, y)))] == [12.0, 4.0]
    assert gradient(z, []) == []


def test_what_the_result_does_not_depend_on_has_derivative_zero():
    x, y = Value(2.0), Value(3.0)
    zero = gradient(x * x, y)
    assert (isinstance(zero, Value), zero.data, zero.args) == (True, 0.0, ())
    assert gradient(zero, x).data == 0.0
    assert gradient(x, y).data == 0.0
    assert gradient(ag.where(True, x, y), y).data == 0.0
    assert gradient(x * y.detach(), y).data == 0.0


def test_the_gradient_of_a_value_with_respect_to_itself_is_the_seed():
    x = Value(2.0)
    y = x * x
    assert gradient(x, x).data == 1.0
    assert gradient(y, y).data == 1.0
    assert gradient(y, [y, x])[1].data == 4.0
    assert gradient(y, [x, y], seed=3.0)[0].data == 12.0


def test_an_inner_node_takes_its_whole_derivative():
    x = Value(2.0)
    inner = x * 3
    outer = inner * inner + inner.exp() * x
    assert gradient(outer, inner).data == pytest.approx(12.0 + 2.0 * math.exp(6.0))
    by_both = gradient(outer, [inner, x])
    assert by_both[1].data == pytest.approx(3.0 * by_both[0].data + math.exp(6.0))


def test_what_lies_above_the_result_is_not_looked_at():
    x = Value(2.0)
    y = x * x
    above = y * 5
    assert gradient(y, above).data == 0.0
    assert gradient(y, x).data == 4.0


def test_the_seed_may_be_a_value_and_is_differentiated_too():
    x, s = Value(3.0), Value(2.0)
    slope = gradient(x * x, x, seed=s)
    assert slope.data == 12.0
    assert gradient(slope, s).data == 6.0
    assert gradient(slope, x).data == 4.0
    assert gradient(x * x, x, -1).data == -6.0


def test_no_gradient_is_read_or_written():
    x = Value(3.0)
    y = x.exp() * x
    x.grad = 7.0
    gradient(gradient(y, x), x)
    assert x.grad == 7.0
    assert not y.has_grad


@pytest.mark.parametrize("wrong", [3.0, "y", None, [1.0]])
def test_a_result_that_is_no_value_is_an_error_that_names_it(wrong):
    with pytest.raises(TypeError, match=f"y .*{type(wrong).__name__}"):
        gradient(wrong, Value(1.0))


@pytest.mark.parametrize("wrong", [3.0, "x", None])
def test_a_variable_that_is_no_value_is_an_error_that_names_it(wrong):
    x = Value(1.0)
    with pytest.raises(TypeError, match=rf"wrt\[1\] .*{type(wrong).__name__}"):
        gradient(x * x, [x, wrong])
    with pytest.raises(TypeError, match="wrt"):
        gradient(x * x, wrong)


@pytest.mark.parametrize("wrong", ["1", None, 1j, [1.0]])
def test_a_seed_that_is_no_number_is_an_error_that_names_it(wrong):
    x = Value(1.0)
    with pytest.raises(TypeError, match=f"seed.*{type(wrong).__name__}"):
        gradient(x * x, x, seed=wrong)


def test_a_stale_graph_is_refused_at_every_order():
    x = Value(2.0, label="x")
    y = x**3
    slope = gradient(y, x)
    x.data = 3.0
    for root in (y, slope, y * slope):
        with pytest.raises(StaleValueError, match="'x'"):
            gradient(root, x)
    assert gradient(x**3, x).data == 27.0


# --- higher orders ---


def derivative(function, at, times):
    """Return the derivatives of order 0 to `times`, each the gradient of the one before."""
    x = Value(at)
    found = [function(x)]
    for _ in range(times):
        found.append(gradient(found[-1], x))
    return [value.data for value in found]


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=7), st.integers(-3, 3))
def test_every_derivative_of_a_polynomial_is_exact(coefficients, at):
    def value(c, x):
        total = 0.0 * x
        for k in reversed(c):
            total = total * x + k
        return total

    def slope(c):
        return [k * c[k] for k in range(1, len(c))]

    expected, c = [], coefficients
    for _ in range(6):
        expected.append(float(value(c, at)) if c else 0.0)
        c = slope(c)
    assert derivative(lambda x: value(coefficients, x), float(at), 5) == expected
    powers = derivative(lambda x: sum(k * x**n for n, k in enumerate(coefficients)) + 0 * x, float(at), 5)
    assert powers == pytest.approx(expected)


CLOSED = {
    "exp": (lambda x: x.exp(), mp.exp, 0.4),
    "reciprocal": (lambda x: 1 / x, lambda x: 1 / x, 0.7),
    "power": (lambda x: x**2.5, lambda x: x ** mp.mpf(2.5), 1.3),
    "exponential": (lambda x: 2**x, lambda x: 2**x, 1.3),
    "self power": (lambda x: x**x, lambda x: x**x, 1.3),
    "log": (ag.log, mp.log, 0.7),
    "sqrt": (ag.sqrt, mp.sqrt, 0.7),
    "cbrt": (ag.cbrt, mp.cbrt, 0.7),
    "sin": (ag.sin, mp.sin, 0.7),
    "tan": (ag.tan, mp.tan, 0.3),
    "asin": (ag.asin, mp.asin, 0.3),
    "atan": (ag.atan, mp.atan, 0.3),
    "sinh": (ag.sinh, mp.sinh, 0.3),
    "tanh": (ag.tanh, mp.tanh, -0.3),
    "tanh at 0": (ag.tanh, mp.tanh, 0.0),
    "acosh": (ag.acosh, mp.acosh, 1.7),
    "atanh": (ag.atanh, mp.atanh, 0.3),
    "erf": (ag.erf, mp.erf, 0.3),
    "sigmoid": (ag.sigmoid, lambda x: 1 / (1 + mp.exp(-x)), 0.3),
    "sigmoid at 0": (ag.sigmoid, lambda x: 1 / (1 + mp.exp(-x)), 0.0),
    "softplus": (ag.softplus, lambda x: mp.log(1 + mp.exp(x)), -0.3),
    "gelu": (ag.gelu, lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2, 0.3),
    "silu": (ag.silu, lambda x: x / (1 + mp.exp(-x)), 0.3),
    "hypot": (lambda x: ag.hypot(x, 2.0), lambda x: mp.sqrt(x * x + 4), 0.3),
    "atan2": (lambda x: ag.atan2(x, x * x + 1), lambda x: mp.atan(x / (x * x + 1)), 0.3),
    "product": (lambda x: x.sin() * x.exp() / (1 + x * x), lambda x: mp.sin(x) * mp.exp(x) / (1 + x * x), 0.3),
    "composition": (lambda x: (x.sin() * 2).tanh(), lambda x: mp.tanh(2 * mp.sin(x)), 0.3),
    "softmax": (
        lambda x: ag.softmax([x, 2 * x, 0.5])[0],
        lambda x: mp.exp(x) / (mp.exp(x) + mp.exp(2 * x) + mp.exp(0.5)),
        0.3,
    ),
    "logsumexp": (lambda x: ag.logsumexp([x, x * x]), lambda x: mp.log(mp.exp(x) + mp.exp(x * x)), 0.3),
}


@pytest.mark.parametrize("name", CLOSED)
def test_derivatives_up_to_the_fifth_are_those_of_the_closed_form(name):
    function, truth, at = CLOSED[name]
    with mp.workdps(40):
        expected = [float(mp.diff(truth, mp.mpf(at), n)) for n in range(6)]
    assert derivative(function, at, 5) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_mixed_derivatives_of_a_product_of_powers_are_right(a, b):
    x, y = Value(a), Value(b)
    f = x**3 * y**2
    fxy = gradient(gradient(f, x), y)
    fyx = gradient(gradient(f, y), x)
    fxxy = gradient(gradient(gradient(f, x), x), y)
    assert fxy.data == pytest.approx(6 * a * a * b, abs=1e-12)
    assert fyx.data == pytest.approx(6 * a * a * b, abs=1e-12)
    assert fxxy.data == pytest.approx(12 * a * b, abs=1e-12)


def test_a_gradient_takes_part_in_a_loss_that_runs_backward():
    w, x = Parameter(0.5), Value(2.0)
    y = (w * x).tanh()
    penalty = gradient(y, x) ** 2
    penalty.backward()
    h = 1e-6
    slopes = []
    for at in (0.5 - h, 0.5 + h):
        v, u = Value(at), Value(2.0)
        slopes.append(gradient((v * u).tanh(), u).data ** 2)
    assert w.grad == pytest.approx((slopes[1] - slopes[0]) / (2 * h), rel=1e-6)


def test_a_gradient_made_without_recording_is_a_constant():
    x = Value(2.0)
    y = x**3
    with no_grad():
        slope = gradient(y, x)
    assert slope.data == 12.0
    assert gradient(slope, x).data == 0.0


def test_an_operation_keeps_the_operations_it_was_defined_with():
    ag.operation("inner_part", "x * x", "2 * x")
    outer = ag.operation("outer_part", "inner_part(x) * inner_part(x)", "2 * inner_part(x) * 2 * x")
    assert outer(2.0) == 16.0
    ag.operation("inner_part", "x", "1")
    x = Value(2.0)
    y = outer(x)
    y.backward()
    assert (y.data, x.grad) == (16.0, 32.0)
    assert gradient(y, x).data == x.grad


def test_the_gradient_of_a_shared_graph_grows_with_its_nodes_and_not_with_its_paths():
    x = Value(1.0)
    y = x
    for _ in range(40):
        y = y * y.sin() + y
    slope = gradient(y, x)
    assert len(order(slope)) < 40 * 25


def test_a_leaf_assigned_after_its_use_still_stands_before_its_results():
    x = Value(2.0, label="x")
    y = (x + 1.0) ** 2 * x
    before = ag.order(y)
    x.data = 1.0
    assert ag.order(y) == before
    assert ag.latex(y) == "(x + 1)^{2} x"
    pytest.importorskip("graphviz")
    assert "9" in ag.draw(y).mermaid(), "the numbers are those that were computed"
    for mixed in (ag.trace, lambda y: ag.explain(x, y), lambda y: ag.gradient(y, x)):
        with pytest.raises(ag.StaleValueError, match="was assigned after"):
            mixed(y)
