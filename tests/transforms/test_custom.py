"""Functions with a derivative of the user's, or none."""

from __future__ import annotations

import copy
import gc
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import Value, gradient
from autograd_mini.engine.graph import order
from autograd_mini.transforms import (
    custom_gradient,
    derivative,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    stop_gradient,
    taylor,
)
from autograd_mini.transforms.rematerialisation import remat


def product(*factors):
    return math.prod(factors)


def partials(*factors):
    return tuple(math.prod(factors[:at] + factors[at + 1 :]) for at in range(len(factors)))


multiply = custom_gradient(product, partials)
numbers = st.floats(-3, 3).map(lambda x: round(x, 3))


@given(st.lists(numbers, min_size=1, max_size=9))
def test_a_custom_product_of_any_number_of_factors_has_the_gradient_of_a_product(factors):
    leaves = [Value(factor) for factor in factors]
    y = multiply(*leaves) * 2
    y.backward()
    assert y.data == product(*factors) * 2
    assert [leaf.grad for leaf in leaves] == pytest.approx([2 * d for d in partials(*factors)])
    assert [slope.data for slope in gradient(y, leaves)] == [leaf.grad for leaf in leaves]


@given(st.lists(numbers, min_size=2, max_size=6))
def test_a_custom_product_has_second_derivatives(factors):
    def plain(xs):
        return product(*xs)

    def custom(xs):
        return multiply(*xs)

    np.testing.assert_allclose(hessian(custom)(factors), hessian(plain)(factors), atol=1e-12)
    np.testing.assert_allclose(hvp(custom)(factors, factors), hvp(plain)(factors, factors), atol=1e-11)
    np.testing.assert_allclose(jvp(custom, (factors,), (factors,)), jvp(plain, (factors,), (factors,)), atol=1e-12)


def test_the_operands_of_a_call_are_the_arguments_whatever_their_number():
    leaves = [Value(float(at)) for at in range(1, 6)]
    y = multiply(*leaves, 2.0)
    assert y.args == tuple(leaves)
    assert y.op == "product"
    assert order(y) == [*leaves, y]


def test_plain_numbers_give_a_float_and_need_no_derivative():
    assert custom_gradient(lambda x: x * x, None)(3) == 9.0


def test_one_argument_used_twice_receives_both_partials():
    x = Value(3.0)
    multiply(x, x).backward()
    assert x.grad == 6.0


def test_the_function_and_its_derivative_see_floats_and_the_derivative_is_called_once():
    seen = []

    def df(x, y):
        seen.append((type(x), type(y)))
        return y, x

    x = Value(3.0)
    y = custom_gradient(lambda x, y: x * y, df)(x, 2.0)
    y.backward()
    y.backward()
    assert (x.grad, seen) == (4.0, [(float, float)])


def test_arrays_and_structures_are_arguments_too():
    norm = custom_gradient(lambda v: float(np.linalg.norm(v)), lambda v: v / np.linalg.norm(v))
    np.testing.assert_allclose(grad(norm)(np.array([3.0, 4.0])), [0.6, 0.8])
    weigh = custom_gradient(lambda p: p["a"] * p["b"][0], lambda p: {"a": p["b"][0], "b": [p["a"]]})
    assert grad(weigh)({"a": 2.0, "b": [3.0]}) == {"a": 3.0, "b": [2.0]}


def test_an_iterative_solver_is_differentiated_to_any_order_through_its_equation():
    def root(a):  # of x**3 + x = a
        x = 0.0
        for _ in range(60):
            x -= (x**3 + x - a) / (3 * x**2 + 1)
        return x

    solve = custom_gradient(root, lambda a: 1 / (3 * solve(a) ** 2 + 1))
    assert derivative(solve, 1)(10.0) == pytest.approx(1 / 13)
    assert derivative(solve, 2)(10.0) == pytest.approx(-12 / 13**3)
    assert grad(grad(grad(solve)))(10.0) == pytest.approx(3 * 12**2 / 13**5 - 6 / 13**4)
    assert taylor(solve, 10.0, 2)[2] == pytest.approx(-6 / 13**3)


def test_a_derivative_that_takes_floats_alone_is_refused_at_the_second_order_only():
    power = custom_gradient(math.exp, math.exp)
    x = Value(1.0)
    slope = gradient(power(x) * x, x)
    assert slope.data == pytest.approx(2 * math.e)
    for second in (lambda: gradient(slope, x), lambda: hessian(power)(1.0), lambda: hvp(power)(1.0, 1.0)):
        with pytest.raises(TypeError, match="a second derivative needs the derivative of df"):
            second()


def test_an_error_in_the_derivative_leaves_every_gradient_as_it_was():
    def df(*_):
        raise RuntimeError("diverged")

    x, y = Value(2.0), Value(3.0)
    (x * y).backward()
    z = custom_gradient(product, df)(x, y) * x + y
    with pytest.raises(RuntimeError, match="diverged"):
        z.backward()
    assert (x.grad, y.grad, z.has_grad) == (3.0, 2.0, False)
    (x * y).backward()  # and the engine goes on
    assert x.grad == 6.0


def test_the_derivative_may_differentiate_by_itself():
    def df(x):
        w = Value(5.0)
        (w * w).backward()
        return grad(lambda t: t**3)(x) * (w.grad / 10.0)

    x = Value(2.0)
    (custom_gradient(lambda x: x**3, df)(x) * x).backward()
    assert x.grad == 8.0 + 12.0 * 2.0


def test_a_derivative_of_the_wrong_structure_is_named():
    x, y = Value(1.0), Value(2.0)
    with pytest.raises(
        TypeError, match=r"the derivative of product is 1\.0, expected a tuple with one partial .* 2 arguments"
    ):
        custom_gradient(product, lambda *_: 1.0)(x, y).backward()
    with pytest.raises(TypeError, match="the derivative of product, argument 1 is of type str"):
        custom_gradient(product, lambda *_: (1.0, "x"))(x, y).backward()
    with pytest.raises(
        ValueError, match=r"the derivative of sum, argument 0, has the structure .*, expected that of the argument"
    ):
        custom_gradient(sum, lambda _: [1.0])([x, y]).backward()


def test_a_function_that_returns_no_number_is_refused():
    with pytest.raises(TypeError, match="the result of <lambda> is"):
        custom_gradient(lambda x: [x], lambda x: x)(Value(1.0))


def test_an_argument_assigned_since_is_noticed():
    x = Value(2.0)
    y = multiply(x, 3.0)
    x.data = 5.0
    with pytest.raises(ag.StaleValueError):
        y.backward()


def test_a_graph_with_a_call_is_freed_without_the_collector():
    gc.collect()
    gc.disable()
    try:
        x = Value(2.0)
        y = multiply(x, x, x) * 2
        y.backward()
        del y
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_jacobian_of_a_call_in_either_mode():
    assert jacobian(lambda x: [multiply(x, x), multiply(x, 2.0), x])(3.0) == [6.0, 2.0, 1.0]
    assert jacobian(lambda xs: multiply(*xs))([1.0, 2.0, 3.0]) == [6.0, 3.0, 2.0]


def test_a_shallow_copy_of_a_call_keeps_its_derivative():
    x = Value(2.0)
    twin = copy.copy(multiply(x, x))
    twin.backward()
    assert x.grad == 4.0


def test_a_graph_with_a_call_refuses_to_be_pickled():
    with pytest.raises(TypeError, match="a graph with a custom or recomputed derivative cannot be pickled"):
        pickle.dumps(multiply(Value(2.0), 3.0))


def test_stop_gradient_makes_constants_of_any_structure():
    assert grad(lambda x: x * stop_gradient(x))(3.0) == 3.0
    slopes = grad(lambda p: p["a"] * stop_gradient(p)["a"] + stop_gradient(p["v"]).sum())({"a": 2.0, "v": np.ones(2)})
    assert slopes["a"] == 2.0
    assert slopes["v"].tolist() == [0.0, 0.0]
    assert stop_gradient(3) == 3.0
    with pytest.raises(TypeError, match="x is of type str"):
        stop_gradient("x")


def test_graphs_with_custom_and_recomputed_nodes_are_copied_whole():
    def square(x):
        return x * x

    solve = custom_gradient(lambda a, b: a * b + b, lambda a, b: (b, a + 1))
    a, b = Value(2.0), Value(3.0)
    y = solve(a, b) * remat(square)(a)
    y.backward()
    twin, a2, b2 = copy.deepcopy((y, a, b))
    a2.grad = b2.grad = 0
    twin.backward()
    assert (twin.data, a2.grad, b2.grad) == (y.data, a.grad, b.grad)
