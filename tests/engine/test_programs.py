"""Random programs: what the engine computes against dual numbers carried forward through the same program."""

from __future__ import annotations

import math

import duals
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from programs import apply, programs, run

import autograd_mini as ag
from autograd_mini import Value, gradient
from autograd_mini.engine.ops import TABLE

TOLERANCE = 1e-9  # of the sum of the absolute contributions: a lost or doubled path shows, rounding does not


def agree(found, truth, tolerance=TOLERANCE):
    return all(
        abs(g - slope) <= tolerance * (1.0 + size)
        for g, slope, size in zip(found, truth.slopes, truth.sizes, strict=True)
    )


@pytest.mark.parametrize("name", duals.CALCULUS)
@given(data=st.data())
def test_every_operation_agrees_with_its_dual_number(name, data):
    numbers = [data.draw(st.floats(low, high)) for low, high in duals.CALCULUS[name].domain]
    truth = duals.inputs(numbers)
    assume(duals.fits(name, *truth))
    expected = duals.apply(name, *truth)
    leaves = [Value(number) for number in numbers]
    result = apply(name, leaves)
    assert result.data == pytest.approx(expected.value, rel=1e-12, abs=1e-12)
    result.backward()
    assert agree([leaf.grad for leaf in leaves], expected)


def test_the_duals_cover_every_row():
    assert set(duals.CALCULUS) == {row.name for row in TABLE.values() if row.builtin}


@given(programs())
def test_values_and_gradients_of_a_program_equal_those_of_dual_numbers(program):
    leaves, results, truth = run(program)
    assert all(
        result.data == pytest.approx(expected.value, rel=1e-9, abs=1e-9)
        for result, expected in zip(results, truth, strict=True)
    )
    results[-1].backward()
    assert agree([leaf.grad for leaf in leaves], truth[-1])


@given(programs(), st.data())
def test_every_node_of_a_program_is_a_root_with_right_gradients(program, data):
    leaves, results, truth = run(program)
    chosen = data.draw(st.integers(0, len(results) - 1))
    results[chosen].backward()
    assert agree([leaf.grad for leaf in leaves], truth[chosen])


@given(programs(), st.floats(-3, 3))
def test_backward_twice_doubles_the_gradients_of_leaves_and_nothing_else(program, seed):
    leaves, results, _ = run(program)
    results[-1].backward(seed)
    once = [node.grad for node in results]
    results[-1].backward(seed)
    assert [leaf.grad for leaf in leaves] == [2.0 * g for g in once[: len(leaves)]]
    assert [node.grad for node in results[len(leaves) :]] == once[len(leaves) :]


@given(programs())
def test_the_gradient_as_a_graph_equals_the_backward_pass(program):
    leaves, results, truth = run(program)
    slopes = gradient(results[-1], leaves)
    assert all(isinstance(slope, Value) for slope in slopes)
    assert all(leaf.grad == 0.0 for leaf in leaves), "gradient() writes no grad"
    assert agree([slope.data for slope in slopes], truth[-1])


@given(programs(longest=10), st.integers(0, 3))
def test_the_graph_of_a_gradient_has_the_gradient_that_the_backward_pass_gives_it(program, which):
    leaves, results, _ = run(program)
    slope = gradient(results[-1], leaves)[which % len(leaves)]
    slope.backward()
    again = gradient(slope, leaves)
    for leaf, second in zip(leaves, again, strict=True):
        assert second.data == pytest.approx(leaf.grad, rel=1e-8, abs=1e-8)


@given(programs(longest=8))
def test_second_derivatives_are_symmetric(program):
    leaves, results, _ = run(program)
    rows = [[second.data for second in gradient(slope, leaves)] for slope in gradient(results[-1], leaves)]
    for i in range(len(leaves)):
        for j in range(i):
            size = 1.0 + max(abs(x) for row in rows for x in row)
            assert abs(rows[i][j] - rows[j][i]) <= 1e-7 * size


@given(programs(), st.floats(-3, 3), st.floats(-3, 3))
def test_the_gradient_of_a_weighted_sum_is_the_weighted_sum_of_gradients(program, a, b):
    leaves, results, truth = run(program)
    first, second = results[-1], results[len(results) // 2]
    (a * first + second * b).backward()
    expected = duals.combine(0.0, [(a, truth[-1]), (b, truth[len(results) // 2])])
    assert agree([leaf.grad for leaf in leaves], expected)


@given(programs(), st.floats(-3, 3), st.floats(-3, 3))
def test_backward_of_two_roots_over_a_shared_part_adds_up(program, a, b):
    leaves, results, truth = run(program)
    shared = len(results) // 2
    first, second = results[-1] * a, results[shared] * b
    second.backward()
    first.backward()
    expected = duals.combine(0.0, [(a, truth[-1]), (b, truth[shared])])
    assert agree([leaf.grad for leaf in leaves], expected)


@given(programs(), st.data())
def test_the_gradient_with_respect_to_inner_nodes_splits_the_chain_rule(program, data):
    leaves, results, truth = run(program)
    through = data.draw(st.integers(len(leaves), len(results) - 1))
    outer = results[through] * results[through] + 3.0 * results[through]
    slope = gradient(outer, results[through])
    assert slope.data == pytest.approx(2.0 * results[through].data + 3.0)
    shares = [slope.data * g.data for g in gradient(results[through], leaves)]
    whole = [g.data for g in gradient(outer, leaves)]
    assert agree(whole, duals.combine(0.0, [(slope.data, truth[through])]))
    assert whole == pytest.approx(shares, rel=1e-9, abs=1e-9)


@given(programs(longest=6), st.integers(1, 300))
def test_a_deep_chain_of_a_repeated_program_is_right(program, repeats):
    leaves, results, truth = run(program)
    value, known = results[-1], truth[-1]
    for _ in range(repeats):
        value = (value * 0.5).sin() + 0.3
        half = duals.combine(known.value * 0.5, [(0.5, known)])
        sine = duals.apply("sin", half)
        known = sine._replace(value=sine.value + 0.3)
    value.backward()
    assert agree([leaf.grad for leaf in leaves], known)


@given(st.integers(1, 60))
def test_a_ladder_of_diamonds_counts_every_path(rungs):
    x = Value(1.0)
    y = x
    for _ in range(rungs):
        y = y + y
    y.backward()
    assert x.grad == 2.0**rungs
    assert gradient(y, x).data == 2.0**rungs


@given(st.lists(st.floats(-30, 30), min_size=1, max_size=8), st.data())
def test_softmax_and_its_fellows_have_the_textbook_derivatives(logits, data):
    chosen = data.draw(st.integers(0, len(logits) - 1))
    largest = max(logits)
    weights = [math.exp(z - largest) for z in logits]
    p = [w / sum(weights) for w in weights]

    leaves = [Value(z) for z in logits]
    total = ag.logsumexp(leaves)
    total.backward()
    assert total.data == pytest.approx(largest + math.log(sum(weights)), rel=1e-12, abs=1e-12)
    assert [z.grad for z in leaves] == pytest.approx(p, rel=1e-9, abs=1e-15)

    leaves = [Value(z) for z in logits]
    share = ag.softmax(leaves)[chosen]
    share.backward()
    assert share.data == pytest.approx(p[chosen], rel=1e-9)
    expected = [p[chosen] * ((j == chosen) - p[j]) for j in range(len(p))]
    assert [z.grad for z in leaves] == pytest.approx(expected, rel=1e-6, abs=1e-12)

    leaves = [Value(z) for z in logits]
    ag.log_softmax(leaves)[chosen].backward()
    assert [z.grad for z in leaves] == pytest.approx([(j == chosen) - p[j] for j in range(len(p))], rel=1e-6, abs=1e-12)

    leaves = [Value(z) for z in logits]
    average = ag.mean(leaves)
    average.backward()
    assert average.data == pytest.approx(sum(logits) / len(logits), rel=1e-12, abs=1e-12)
    assert [z.grad for z in leaves] == pytest.approx([1 / len(logits)] * len(logits))


@given(programs(longest=6), st.booleans())
def test_where_takes_the_derivative_of_the_branch_it_took(program, condition):
    leaves, results, truth = run(program)
    one, other = results[-1], results[0]
    ag.where(condition, one, other).backward()
    assert agree([leaf.grad for leaf in leaves], truth[-1] if condition else truth[0])


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3))
def test_clip_passes_the_derivative_to_what_it_returns(x, low, high):
    assume(low < high)
    v = Value(x)
    result = ag.clip(v, low, high)
    result.backward()
    assert result.data == min(max(x, low), high)
    assert v.grad == float(low <= x <= high)
