"""The parts under the checker: quadrature, differences, noise."""

# ruff: noqa: ARG005 - a constant function takes an argument that it does not need

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_mini.testing.counterexample import short_numbers
from autograd_mini.testing.finite_differences import measure
from autograd_mini.testing.libraries import leaves
from autograd_mini.testing.line import Line
from autograd_mini.testing.problem import BudgetSpentError, Problem, ShapeError
from autograd_mini.testing.residuals import classify, roughness
from autograd_mini.testing.search import constants_in
from autograd_mini.testing.segment import NODES, WEIGHTS, Integral, coefficients, compare, integral_to


def line_of(f, g, **more):
    return Line(Problem(lambda p: [f(*p)], lambda p: [[g(*p)]], ("x",), **more), (0.0,), axis=0)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=15), st.floats(-1, 1))
def test_fifteen_samples_integrate_any_polynomial_of_degree_fourteen_up_to_any_place(powers, x):
    samples = [sum(c * t**k for k, c in enumerate(powers)) for t in NODES]
    exact = sum(c * (x ** (k + 1) - (-1) ** (k + 1)) / (k + 1) for k, c in enumerate(powers))
    assert integral_to(x, coefficients(samples)) == pytest.approx(exact, abs=1e-11)


def test_the_weights_are_those_of_the_rule():
    assert sum(WEIGHTS) == pytest.approx(2, abs=1e-15)
    assert sum(w * x**22 for w, x in zip(WEIGHTS, NODES, strict=True)) == pytest.approx(2 / 23, abs=1e-15)


@given(st.floats(-5, 5), st.floats(0.01, 2))
def test_a_segment_of_a_right_derivative_matches_and_of_a_wrong_one_does_not(a, width):
    right, wrong = line_of(math.exp, math.exp), line_of(math.exp, lambda x: 1.0001 * math.exp(x))
    assert compare(right, a, a + width).state == "match"
    assert compare(wrong, a, a + width).state == "mismatch"


def test_an_integral_splits_where_g_jumps():
    line = line_of(abs, lambda x: math.copysign(1, x))
    integral = Integral(line, -1.0, 1.7, goal=1e-9)
    assert integral.error < 1e-6
    assert max(map(abs, integral.residuals([-1.0, -0.3, 0.2, 1.7]))) < 1e-6


@given(st.floats(1e-12, 1e3), st.integers(0, 100))
def test_the_roughness_of_a_curve_is_the_size_of_its_noise(size, seed):
    rng = Random(seed)
    positions = [i + rng.uniform(-0.3, 0.3) for i in range(200)]
    curve = [5e3 * size * math.sin(t / 100) + rng.gauss(0, size) for t in positions]
    assert size / 2 < roughness(positions, curve) < 2 * size


@pytest.mark.parametrize(
    ("kind", "f", "g"),
    [
        ("wrong", math.sin, lambda x: 1.01 * math.cos(x)),
        ("jump", lambda x: math.sin(x) + (x > 0.4), math.cos),
        ("noise", lambda x: math.sin(x) + 1e-9 * math.sin(1e17 * x), math.cos),
        ("clear", math.sin, math.cos),
        ("broken", lambda x: math.sin(x) if not 0.3 < x < 0.5 else math.nan, math.cos),
    ],
)
def test_a_residual_tells_what_a_mismatch_is(kind, f, g):
    line = line_of(f, g)
    mismatch = f(0.9) - f(-0.7) - (math.sin(0.9) - math.sin(-0.7))
    assert classify(line, -0.7, 0.9, mismatch or 1e-9).kind == kind


@given(st.floats(-3, 3))
def test_a_measured_derivative_is_within_its_error(x):
    found = measure(line_of(math.exp, math.exp), x, 0.25)
    assert abs(found.value - math.exp(x)) <= 3 * found.error
    assert found.error < 1e-8 * math.exp(x)


def test_a_budget_stops_the_next_call_and_not_what_is_remembered():
    problem = Problem(lambda p: [p[0]], lambda p: [[1.0]], ("x",), budget=(1, 1))
    assert problem.value((1.0,)) == 1.0
    assert problem.value((1.0,)) == 1.0
    with pytest.raises(BudgetSpentError):
        problem.value((2.0,))


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e3))
def test_a_short_number_lies_inside(low, width):
    high = low + width
    assert low < next(short_numbers(low, high)) < high


def test_constants_are_found_in_code_and_closures_and_nested_functions():
    border = 0.125

    def f(x):
        return [v for v in (x,) if v < border or v > 7.5 or v == 3]

    assert {0.125, 7.5, 3.0} <= constants_in(f)


def test_leaves_are_the_numbers_however_nested():
    assert list(leaves([1, (2.5, [True])], "f")) == [1.0, 2.5, 1.0]
    with pytest.raises(ShapeError, match="f returned 'x'"):
        list(leaves("x", "f"))
