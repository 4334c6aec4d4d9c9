"""Jacobians times vectors, from both sides."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from smooth import recipes, results

import autograd_mini as ag
from autograd_mini import Parameter, StaleValueError, Value, where
from autograd_mini.transforms import jvp, vjp

points = st.floats(-2, 2).map(lambda x: round(x, 3))
triples = st.lists(points, min_size=3, max_size=3)


@given(recipes(inputs=3), triples, triples, st.randoms(use_true_random=False))
def test_forward_and_reverse_products_are_dual(steps, numbers, tangent, random):
    def f(xs):
        return results(steps, xs)

    out, moved = jvp(f, (numbers,), (tangent,))
    weights = [round(random.uniform(-1, 1), 3) for _ in out]
    same, pull = vjp(f, numbers)
    (pulled,) = pull(weights)
    assume(np.abs(moved).max() < 1e6)
    assert same == out
    scale = sum(abs(a * b) for a, b in zip(moved, weights, strict=True)) + np.abs(pulled).max() * 10 + 1
    assert np.dot(moved, weights) == pytest.approx(np.dot(pulled, tangent), abs=1e-11 * scale)


def test_a_node_used_twice_moves_once_for_each_use():
    assert jvp(lambda x: x * x, (3.0,), (1.0,)) == (9.0, 6.0)
    assert jvp(lambda x: ag.hypot(x, x), (3.0,), (1.0,))[1] == pytest.approx(2**0.5)


def test_a_branch_not_taken_does_not_move_the_result():
    assert jvp(lambda x: where(x > 0, x**0.5, 0.0), (0.0,), (1.0,)) == (0.0, 0.0)


def test_a_direction_of_zero_avoids_an_infinite_slope_elsewhere():
    assert jvp(lambda x, y: ag.sqrt(x) + y, (4.0, 1.0), (0.0, 1.0)) == (3.0, 1.0)
    assert vjp(lambda x: [ag.sqrt(x), x], 0.0)[1]([0.0, 2.0]) == (2.0,)


def test_structures_come_back_as_they_are():
    out, moved = jvp(
        lambda p: {"s": p["a"] * p["b"].sum(), "v": p["b"]},
        ({"a": 2.0, "b": np.ones(2)},),
        ({"a": 1.0, "b": np.array([1.0, 0.0])},),
    )
    assert (out["s"], moved["s"], moved["v"].tolist()) == (4.0, 4.0, [1.0, 0.0])
    _, pull = vjp(lambda x, y: x @ y, np.ones(2), np.array([3.0, 4.0]))
    dx, dy = pull(1.0)
    assert (dx.tolist(), dy.tolist()) == ([3.0, 4.0], [1.0, 1.0])


def test_a_value_as_tangent_or_cotangent_gives_values():
    v = Value(2.0)
    _, moved = jvp(lambda x: x**3, (2.0,), (v,))
    moved.backward()
    assert (moved.data, v.grad) == (24.0, 12.0)
    (slope,) = vjp(lambda x: x**3, 2.0)[1](v)
    assert isinstance(slope, Value)


def test_a_pullback_gives_the_same_each_time_and_touches_no_gradient():
    w = Parameter(2.0)
    _, pull = vjp(lambda x: x * w, 3.0)
    assert [pull(1.0), pull(2.0), pull(1.0)] == [(2.0,), (4.0,), (2.0,)]
    assert not w.has_grad


def test_a_pullback_refuses_what_was_assigned_since():
    w = Parameter(2.0)
    _, pull = vjp(lambda x: x * x * w, 3.0)
    w.data = 5.0
    with pytest.raises(StaleValueError):
        pull(1.0)


def test_keyword_arguments_of_vjp_pass_through():
    assert vjp(lambda x, *, power: x**power, 3.0, power=2)[1](1.0) == (6.0,)


def test_a_dropped_pullback_frees_its_graph_at_once():
    def alive():
        return sum(issubclass(type(thing), Value) and thing.op == "exp" for thing in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = alive()
        pull = vjp(lambda x: ag.exp(x * x), 1.0)[1]
        pull(1.0)
        assert alive() == before + 1
        del pull
        assert alive() == before
    finally:
        gc.enable()


def test_directions_of_another_structure_are_refused():
    with pytest.raises(ValueError, match=r"tangents has the structure .*, expected that of primals"):
        jvp(lambda x: x, ([1.0, 2.0],), ([1.0],))
    with pytest.raises(ValueError, match=r"tangents has the structure .*, expected that of primals"):
        jvp(lambda x: x["a"], ({"a": 1.0, "b": 2.0},), ({"b": 1.0, "a": 2.0},))
    with pytest.raises(ValueError, match=r"the cotangent has the structure .*, expected that of the result"):
        vjp(lambda x: [x, x], 1.0)[1](1.0)
    with pytest.raises(TypeError, match=r"primals is a .*, expected a list or tuple"):
        jvp(lambda x: x, 1.0, 1.0)
