"""Derivatives of any order and Taylor polynomials, against closed forms and mpmath."""

from __future__ import annotations

from math import factorial, inf

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from smooth import MPMATH, last, recipes

import autograd_mini as ag
from autograd_mini import Value, gradient
from autograd_mini.engine.ops import TABLE
from autograd_mini.transforms import derivative, grad, taylor

CLOSED_FORMS = {
    "exp": (ag.exp, lambda x, _: mp.exp(x)),
    "sin": (ag.sin, lambda x, n: mp.sin(x + n * mp.pi / 2)),
    "reciprocal": (lambda x: 1 / x, lambda x, n: (-1) ** n * mp.factorial(n) / x ** (n + 1)),
    "log": (ag.log, lambda x, n: mp.log(x) if n == 0 else -((-1) ** n) * mp.factorial(n - 1) / x**n),
    "power": (lambda x: x**2.5, lambda x, n: mp.ff(mp.mpf(2.5), n) * x ** (mp.mpf(2.5) - n)),
    "fifth power": (lambda x: x * x * x * x * x, lambda x, n: mp.ff(5, n) * x ** (5 - n)),
    "exponential": (lambda x: 2**x, lambda x, n: mp.log(2) ** n * mp.mpf(2) ** x),
    "product": (lambda x: x * ag.exp(x), lambda x, n: (x + n) * mp.exp(x)),
}


@given(recipes(inputs=1, longest=5), st.floats(-1.5, 1.5).map(lambda x: round(x, 2)), st.integers(1, 3))
def test_derivatives_of_random_programs_agree_with_mpmath(steps, x, order):
    with mp.workdps(60):
        expected = [mp.diff(lambda t: last(steps, [t], MPMATH), mp.mpf(x), n) for n in range(order + 1)]
    scale = max(abs(float(d)) for d in expected)
    assume(scale < 1e8)
    found = derivative(lambda x: last(steps, [x]), order)(x)
    assert found == pytest.approx(float(expected[order]), rel=1e-9, abs=1e-9 * max(1.0, scale))


@given(recipes(inputs=1, longest=5), st.floats(-1.5, 1.5).map(lambda x: round(x, 2)))
def test_series_and_repeated_gradients_give_the_same(steps, x):
    def f(x):
        return last(steps, [x])

    repeated = grad(grad(grad(f)))(x)
    assume(abs(repeated) < 1e8)
    scale = max(abs(c) for c in taylor(f, x, 3))
    assert derivative(f, 3)(x) == pytest.approx(repeated, rel=1e-9, abs=1e-9 * max(1.0, scale))


@pytest.mark.parametrize("name", CLOSED_FORMS)
@pytest.mark.parametrize("order", range(6))
def test_derivatives_have_the_closed_form(name, order):
    f, expected = CLOSED_FORMS[name]
    assert derivative(f, order)(0.7) == pytest.approx(float(expected(mp.mpf(0.7), order)), rel=5e-15)


@pytest.mark.parametrize("name", sorted(name for name, row in TABLE.items() if row.builtin))
def test_every_row_of_the_table_has_a_third_derivative_by_series(name):
    row = TABLE[name]
    middle = [low + 0.4 * (high - low) for low, high in row.domain]
    operation = getattr(ag.functions.ON_VALUES, name)
    for at in range(len(middle)):

        def f(x, at=at):
            return operation(*middle[:at], x, *middle[at + 1 :])

        x = Value(middle[at])
        y = f(x)
        for _ in range(3):
            y = gradient(y, x)
        assert derivative(f, 3)(middle[at]) == pytest.approx(y.data, rel=1e-11, abs=1e-13)


@pytest.mark.parametrize(("f", "oracle", "x"), [
    (ag.tanh, mp.tanh, 0.7),
    (ag.erf, mp.erf, -0.4),
    (ag.sigmoid, MPMATH["sigmoid"], 1.3),
    (lambda x: ag.sin(ag.sin(ag.sin(x))), lambda x: mp.sin(mp.sin(mp.sin(x))), 0.7),
    (lambda x: x**x, lambda x: x**x, 1.2),
])  # fmt: skip
def test_a_taylor_polynomial_of_high_order_is_accurate(f, oracle, x):
    with mp.workdps(90):
        expected = [float(c) for c in mp.taylor(oracle, mp.mpf(x), 15)]
    np.testing.assert_allclose(taylor(f, x, 15), expected, rtol=1e-11)


def test_a_power_at_zero_has_its_one_coefficient():
    assert taylor(lambda x: x**3, 0.0, 5) == [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]
    assert taylor(lambda x: x**2.5, 0.0, 3) == [0.0, 0.0, 0.0, inf]


def test_coefficients_come_as_values_for_a_value():
    x = Value(0.7)
    second = derivative(ag.tanh, 2)(x)
    assert gradient(second, x).data == pytest.approx(derivative(ag.tanh, 3)(0.7), rel=1e-14)


def test_the_branch_that_was_taken_is_expanded():
    assert taylor(lambda x: ag.where(x > 1, x * x, x), 2.0, 2) == [4.0, 4.0, 1.0]
    assert taylor(lambda x: ag.maximum(x, 1.0) * x, 2.0, 2) == [4.0, 4.0, 1.0]


def test_an_own_operation_that_was_replaced_is_differentiated_by_its_old_formula():
    square = ag.operation("square_for_series", "x * x", "2 * x")

    def f(x):
        y = square(x)
        ag.operation("square_for_series", "x * x * x", "3 * x * x")
        return y

    assert taylor(f, 3.0, 2) == [9.0, 6.0, 1.0]


def test_high_orders_cost_polynomial_time():
    coefficients = taylor(lambda x: ag.exp(ag.sin(x)) * ag.tanh(x), 0.5, 60)
    assert len(coefficients) == 61  # by repeated gradients the graph would have 3**60 nodes


def test_a_deep_chain_needs_no_recursion():
    def f(x):
        for _ in range(3000):
            x = ag.sin(x)
        return x

    assert taylor(f, 1.0, 2)[1] == pytest.approx(grad(f)(1.0), rel=1e-10)


def test_factorials_scale_coefficients_to_derivatives():
    for n, coefficient in enumerate(taylor(ag.exp, 0.0, 8)):
        assert coefficient * factorial(n) == pytest.approx(1.0, rel=1e-15)


@pytest.mark.parametrize(("order", "error"), [(-1, ValueError), (1.5, TypeError), (True, TypeError), ("2", TypeError)])
def test_an_order_that_is_no_whole_number_is_refused(order, error):
    with pytest.raises(error, match=f"order is {order!r}, expected a whole number from 0 on"):
        derivative(ag.sin, order)
    with pytest.raises(error, match=f"order is {order!r}, expected a whole number from 0 on"):
        taylor(ag.sin, 1.0, order)


def test_an_argument_of_several_numbers_is_refused():
    with pytest.raises(TypeError, match=r"x0 is \[1\.0, 2\.0\], expected one number"):
        derivative(lambda x: x[0])([1.0, 2.0])
