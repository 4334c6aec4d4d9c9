"""The checker on functions of Values, on operations of one's own, and on the package's whole table."""

from __future__ import annotations

import inspect
import math

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import Parameter, Value
from autograd_mini.engine.functions import function
from autograd_mini.engine.ops import TABLE
from autograd_mini.testing import GradientError, assert_grad, assert_hess, check_grad, check_hess, gradtest
from autograd_mini.testing.strategies import expressions, values

BUILTIN = [row for row in TABLE.values() if row.builtin]


def subject(row):
    """Return a row as a function of those operands whose domain is more than one number, and their intervals."""
    domain = [interval for interval in row.domain if interval[0] < interval[1]]
    apply = function(row)
    if len(domain) == len(row.domain):
        return apply, domain
    return lambda x: apply(x, row.domain[1][0]), domain


@pytest.mark.parametrize("row", BUILTIN, ids=lambda row: row.name)
def test_every_row_of_the_table_has_the_derivatives_that_its_values_say(row):
    f, domain = subject(row)
    assert_hess(f, domain=domain, budget="quick")


@pytest.mark.parametrize("row", [row for row in BUILTIN if "where(z == z, 0.0, z)" not in row.partials])
def test_every_row_of_the_table_is_called_wrong_with_a_wrong_partial(row):
    f, domain = subject(row)
    engine = ag.grad(f, argnums=tuple(range(len(domain))))

    def wrong(*point):
        return [1.001 * partial for partial in engine(*point)]

    assert check_grad(f, wrong, domain=domain, budget="quick", explained=False).verdict == "wrong"


@settings(max_examples=40, deadline=None)
@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(0.5, 2))
def test_a_function_on_values_needs_no_derivative_and_changes_no_grad(x, y, weight):
    w = Parameter(weight)
    w.grad = 7.0

    def neuron(x, y):
        return (w * x + y).tanh()

    assert check_grad(neuron, at=(x, y)).verdict != "wrong"
    assert check_hess(neuron, at=(x, y)).verdict != "wrong"
    assert w.grad == 7.0


@settings(max_examples=100, deadline=None)
@given(expressions())
def test_the_engine_differentiates_any_computation_rightly(f):
    assert check_grad(f, at=f.point).verdict != "wrong"


@pytest.mark.parametrize("derivative", [lambda x: 2 * math.cos(2 * x), lambda x: 2 * (2 * x).cos()])
def test_a_function_on_values_may_have_a_derivative_on_floats_or_on_values(derivative):
    assert assert_grad(lambda x: (2 * x).sin(), derivative, at=0.3).ok
    assert check_grad(lambda x: (2 * x).sin(), lambda x: 1.01 * derivative(x), at=0.3).verdict == "wrong"


def test_a_point_may_be_given_as_values():
    assert check_grad(lambda x, y: x * y.exp(), at=(Value(2.0), Value(0.5))).ok
    assert check_grad(lambda p: p[0] * p[1].exp(), lambda p: (math.exp(p[1]), 0), at=[Value(2.0), Value(0.5)]).witness


def test_a_dropped_derivative_is_found():
    report = check_grad(lambda x: x * x.detach(), at=0.5)
    assert report.verdict == "wrong"
    assert report.cause == "the claim must be multiplied by 2"


def test_lists_and_several_outputs_on_values():
    assert check_grad(lambda x: [x[0] * x[1], x[0].exp()], at=[1.0, 2.0]).ok
    assert check_hess(lambda x: [x[0] ** 2 * x[1], x[1].sin()], at=[1.0, 2.0]).ok


def test_arrays_of_values():
    numpy = pytest.importorskip("numpy")
    assert check_grad(lambda a: numpy.sin(a).sum(), at=numpy.ones((2, 3))).ok
    assert check_hess(lambda a: (a**3).sum(), at=numpy.array([0.1, 0.2])).ok


def test_second_derivatives_may_be_given_for_some_orders_only():
    f, df = (lambda x, y: x * x * y), (lambda x, y: (2 * x * y, x * x))
    assert assert_hess(f, df, at=(1.5, 0.3)).ok
    assert assert_hess(f, None, lambda x, y: ((2 * y, 2 * x), (2 * x, 0)), at=(1.5, 0.3)).ok
    with pytest.raises(GradientError, match=r"df\[1\]/dx is wrong"):
        assert_hess(f, None, lambda x, y: ((2 * y, 2 * x), (x, 0)), at=(1.5, 0.3))


def test_a_function_that_does_not_compute_with_values_needs_a_derivative():
    with pytest.raises(TypeError, match="df is missing, and f does not compute with Values"):
        check_grad(math.sin, at=1.0)


def test_a_parameter_with_a_default_takes_a_number():
    assert check_grad(lambda x, y=2.0: x * y, lambda x, y=2.0: (y, x), domain=[(0, 1), (1, 2)]).ok
    assert inspect.signature(ag.atan2).parameters["y"].default is inspect.Parameter.empty
    assert check_grad(ag.atan2, domain=[(-3, 3), (0.5, 2)]).ok


def test_a_domain_may_be_a_strategy_of_values():
    assert check_grad(lambda x: x**3, domain={"x": values(-2, 2)}).ok


@pytest.fixture
def own():
    made = ag.operation("own_cube", "x * x * x", "3 * x * x")
    yield made
    del TABLE["own_cube"]


def test_gradtest_checks_an_operation_of_ones_own_over_the_domain_it_was_defined_with(own):
    gradtest(oracle=lambda x: mpmath.mpf(x) ** 3)(own).test()


def test_gradtest_finds_a_wrong_partial_and_a_wrong_value(own):
    wrong = gradtest()(ag.operation("own_cube", "x * x * x", "2 * x * x"))
    with pytest.raises(GradientError, match="must be multiplied by 3/2"):
        wrong.test()
    with pytest.raises(AssertionError, match=r"own_cube.* and the oracle says"):
        gradtest(oracle=mpmath.sin)(own).test()


def test_gradtest_checks_a_function_on_values_against_an_oracle_in_high_precision():
    @gradtest(domain={"x": (-4, 4)}, oracle=mpmath.erf)
    def error_function(x):
        return x.erf()

    error_function.test()


def test_gradtest_of_a_custom_gradient_that_has_no_second_derivative():
    solve = ag.custom_gradient(math.exp, math.exp)
    gradtest(domain=[(-1, 1)], order=1)(solve).test()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, TypeError),
        ({"domain": [(0, 1)], "order": 3}, ValueError),
        ({"derivative": math.cos, "order": 2}, ValueError),
    ],
)
def test_gradtest_names_what_is_missing_or_does_not_fit(arguments, error):
    with pytest.raises(error, match=r"domain is missing|order is"):
        gradtest(**arguments)(math.sin)
