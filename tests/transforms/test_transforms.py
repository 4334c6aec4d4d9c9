"""Gradients, Jacobians and Hessians of functions."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from smooth import last, recipes, results

import autograd_mini as ag
from autograd_mini import Parameter, Value, no_grad
from autograd_mini.transforms import derivative, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

points = st.floats(-2, 2).map(lambda x: round(x, 3))


class Pair(NamedTuple):
    """Two things."""

    a: object
    b: object


def rosenbrock(x):
    return sum(100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(len(x) - 1))


def moderate(*numbers):
    """Return whether rounding is small beside 1: a recipe may well grow without bound."""
    return all(np.all(np.abs(number) < 1e6) for number in numbers)


# --- properties -----------------------------------------------------------------------------------------------------


@given(recipes(inputs=3), st.lists(points, min_size=3, max_size=3))
def test_the_gradient_is_what_backward_leaves_in_the_leaves(steps, numbers):
    leaves = [Value(number) for number in numbers]
    y = last(steps, leaves)
    y.backward()
    value, slopes = value_and_grad(lambda xs: last(steps, xs))(numbers)
    assert value == y.data
    assert slopes == [leaf.grad for leaf in leaves]


@given(recipes(inputs=3), st.lists(points, min_size=3, max_size=3))
def test_a_hessian_is_symmetric(steps, numbers):
    second = hessian(lambda xs: last(steps, xs))(np.array(numbers))
    assume(moderate(second))
    np.testing.assert_allclose(second, second.T, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(second).max()))


@given(recipes(inputs=3), st.lists(points, min_size=3, max_size=3), st.lists(points, min_size=3, max_size=3))
def test_hvp_is_the_hessian_times_the_vector(steps, numbers, vector):
    def f(xs):
        return last(steps, xs)

    second = hessian(f)(np.array(numbers))
    assume(moderate(second))
    product = hvp(f)(np.array(numbers), np.array(vector))
    np.testing.assert_allclose(product, second @ vector, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(second).max()))


@given(recipes(inputs=3, longest=12), st.lists(points, min_size=3, max_size=3))
def test_forward_and_reverse_mode_give_the_same_jacobian(steps, numbers):
    def wide(xs):  # more results than inputs: forward
        return results(steps, xs) * 3

    rows = jacobian(wide)(numbers)
    assume(moderate(rows))
    reverse = [grad(lambda xs, k=k: wide(xs)[k])(numbers) for k in range(len(rows))]
    np.testing.assert_allclose(rows, reverse, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(rows).max()))


@given(recipes(inputs=2), recipes(inputs=2), st.lists(points, min_size=2, max_size=2))
def test_the_chain_rule_holds_across_a_cut(inner, outer, numbers):
    def g(xs):
        return results(inner, xs)[-2:]

    def f(xs):
        return last(outer, xs)

    whole = grad(lambda xs: f(g(xs)))(numbers)
    middle = [float(x) for x in map(float, (y.data if isinstance(y, Value) else y for y in g(numbers)))]
    parts = np.array(grad(f)(middle)) @ np.array(jacobian(g)(numbers))
    assume(moderate(whole, parts))
    np.testing.assert_allclose(whole, parts, rtol=1e-8, atol=1e-8)


@given(recipes(inputs=2), recipes(inputs=2), points, points, st.lists(points, min_size=2, max_size=2))
def test_the_gradient_is_linear_in_the_function(one, two, a, b, numbers):
    both = grad(lambda xs: a * last(one, xs) + b * last(two, xs))(numbers)
    first, second = (np.array(grad(lambda xs, steps=steps: last(steps, xs))(numbers)) for steps in (one, two))
    assume(moderate(first, second))
    np.testing.assert_allclose(both, a * first + b * second, rtol=1e-9, atol=1e-8)


# --- nesting --------------------------------------------------------------------------------------------------------


def test_transforms_nest_without_confusing_their_variables():
    assert grad(lambda x: x * grad(lambda y: x + y)(x))(5.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(5.0) == 10.0
    assert grad(lambda x: grad(lambda y: grad(lambda z: x * y * z)(1.0))(1.0))(1.0) == 1.0


def test_an_inner_transform_of_plain_numbers_still_depends_on_an_outer_variable():
    assert grad(lambda x: grad(lambda y: x * y * y)(3.0))(5.0) == 6.0
    assert grad(lambda x: value_and_grad(lambda y: x * y * y)(3.0)[0])(5.0) == 9.0
    assert grad(lambda x: jvp(lambda y: x * x * y, (3.0,), (1.0,))[1])(5.0) == 10.0
    assert grad(lambda x: jacobian(lambda y: [x * y, x * x])(3.0)[0])(5.0) == 1.0
    assert grad(lambda x: hvp(lambda y: x * y**3)(2.0, 1.0))(5.0) == 12.0
    assert grad(lambda x: hessian(lambda y: x * y**3)(2.0))(5.0) == 12.0
    assert grad(lambda x: derivative(lambda y: x * y**3, 2)(2.0))(5.0) == 12.0


def test_a_pullback_called_inside_another_transform_keeps_the_dependence():
    _, pull = vjp(lambda y: y**3, 2.0)
    assert grad(lambda x: pull(x * x)[0])(3.0) == 72.0
    assert grad(lambda x: vjp(lambda y: x * y, 2.0)[1](1.0)[0])(3.0) == 1.0


@pytest.mark.parametrize("order", range(1, 6))
def test_nested_gradients_have_the_closed_form(order):
    f = ag.sin
    for _ in range(order):
        f = grad(f)
    expected = [np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x)][order % 4](0.7)
    assert f(0.7) == pytest.approx(expected, rel=1e-14)


def test_a_value_argument_gives_values_that_can_be_differentiated_again():
    x = Value(2.0)
    slope = grad(lambda x: x**3)(x)
    assert isinstance(slope, Value)
    slope.backward()
    assert x.grad == 12.0


def test_a_value_in_another_argument_gives_values_too():
    w = Value(3.0)
    slope = grad(lambda x, w: x * x * w)(2.0, w)
    slope.backward()
    assert w.grad == 4.0


def test_an_array_of_values_comes_back_as_an_array_of_values():
    x = np.array([Value(1.0), Value(2.0)], dtype=object)
    slopes = grad(lambda x: (x * x * x).sum())(x)
    assert slopes.dtype == object
    assert [slope.data for slope in slopes] == [3.0, 12.0]
    slopes[1].backward()
    assert x[1].grad == 12.0


def test_what_a_function_closes_over_receives_nothing():
    w = Parameter(3.0)
    w.grad = 7.0
    assert grad(lambda x: x * x * w)(2.0) == 12.0
    assert type(hessian(lambda x: x * x * w)(2.0)) is float
    assert w.grad == 7.0


def test_a_variable_that_outlives_its_transform_is_an_ordinary_value():
    leaked = []
    assert grad(lambda x: leaked.append(x) or x * x)(3.0) == 6.0
    y = leaked[0] * 2
    y.backward()
    assert (y.data, leaked[0].grad) == (6.0, 2.0)


def test_a_function_made_inside_a_transform_works_after_it():
    kept = []
    grad(lambda x: kept.append(grad(lambda y: x * y * y)) or x)(5.0)
    assert kept[0](3.0) == 30.0


def test_threads_do_not_see_each_others_variables():
    found = []
    inside = threading.Event()
    done = threading.Event()

    def waiting(x):
        inside.set()
        assert done.wait(10)
        return x * x

    thread = threading.Thread(target=lambda: found.append(grad(waiting)(3.0)))
    thread.start()
    assert inside.wait(10)
    other = grad(lambda x: x * x)(2.0)
    done.set()
    thread.join()
    assert (other, type(other), found) == (4.0, float, [6.0])


def test_a_transform_computes_inside_no_grad_and_its_result_has_no_history():
    with no_grad():
        assert grad(lambda x: x**3)(2.0) == 12.0
        slope = grad(lambda x: x**3)(Value(2.0))
    assert (slope.data, slope.args) == (12.0, ())


def test_no_grad_inside_a_function_makes_constants():
    def f(x):
        with no_grad():
            frozen = x * x
        return x * frozen

    assert grad(f)(3.0) == 9.0


def test_a_function_may_run_its_own_backward():
    def f(x):
        w = Value(2.0)
        (w * w).backward()
        return x * w.grad

    assert grad(f)(3.0) == 4.0


# --- arguments and results ------------------------------------------------------------------------------------------


def test_gradients_come_back_in_the_structure_of_the_argument():
    x = {"w": [1.0, np.array([2.0, 3.0])], "p": Pair(4.0, (5.0,)), "o": OrderedDict(k=6), "n": []}
    slopes = grad(lambda x: x["w"][0] * x["w"][1][0] * x["w"][1][1] * x["p"].a * x["p"].b[0] * x["o"]["k"])(x)
    assert slopes["w"][0] == 720.0
    assert slopes["w"][1].tolist() == [360.0, 240.0]
    assert slopes["p"] == Pair(180.0, (144.0,))
    assert slopes["o"] == OrderedDict(k=120.0)
    assert type(slopes["o"]) is OrderedDict
    assert slopes["n"] == []


def test_a_dict_keeps_its_kind():
    x = defaultdict(float, a=2.0)
    slopes = grad(lambda x: x["a"] ** 2)(x)
    assert type(slopes) is defaultdict
    assert slopes["a"] == 4.0
    assert slopes["missing"] == 0.0
    assert x == {
        "a": 2.0,
    }


def test_an_array_gives_a_float_and_an_array():
    value, slopes = value_and_grad(lambda x: (x**2).sum())(np.arange(6, dtype=np.float32).reshape(2, 3))
    assert type(value) is float
    assert slopes.dtype == np.float64
    assert slopes.tolist() == [[0.0, 2.0, 4.0], [6.0, 8.0, 10.0]]


def test_numpy_functions_of_an_array_are_differentiated():
    slopes = grad(lambda x: np.exp(x).sum() + x @ x)(np.array([0.0, 1.0]))
    np.testing.assert_allclose(slopes, [1.0, np.e + 2.0])


def test_zero_dimensional_arrays_and_numpy_scalars_are_numbers():
    assert grad(lambda x: x * x)(np.float32(3.0)) == 6.0
    slope = grad(lambda x: x * x)(np.array(3.0))
    assert slope.shape == ()
    assert slope == 6.0


def test_argnums_chooses_arguments_and_keywords_pass_through():
    def f(x, y, *, power):
        return x * y**power

    assert grad(f, argnums=1)(2.0, 3.0, power=2) == 12.0
    assert grad(f, argnums=-1)(2.0, 3.0, power=2) == 12.0
    assert grad(f, argnums=(1, 0))(2.0, 3.0, power=2) == (12.0, 9.0)
    assert hessian(f, argnums=(0, 1))(2.0, 3.0, power=2) == ((0.0, 6.0), (6.0, 4.0))
    assert hvp(f, argnums=(0, 1))(2.0, 3.0, (1.0, 0.0), power=2) == (0.0, 6.0)


def test_has_aux_hands_on_what_else_the_function_returns():
    assert grad(lambda x: (x * x, "note"), has_aux=True)(3.0) == (6.0, "note")
    assert value_and_grad(lambda x: (x * x, "note"), has_aux=True)(3.0) == ((9.0, "note"), 6.0)
    with pytest.raises(TypeError, match=r"f returned .*, expected .* with has_aux=True"):
        grad(lambda x: x, has_aux=True)(3.0)


def test_an_input_without_influence_has_derivative_zero():
    assert grad(lambda _: 5)(3.0) == 0.0
    assert grad(lambda p: p["a"] * 2)({"a": 1.0, "b": 2.0}) == {"a": 2.0, "b": 0.0}
    assert jacobian(lambda x: [x, 1.0])(3.0) == [1.0, 0.0]
    assert hessian(lambda _: 3.0)(1.0) == 0.0
    assert hvp(lambda _: 3.0)(1.0, 1.0) == 0.0
    assert grad(lambda _: Value(3.0))(1.0) == 0.0
    assert derivative(lambda _: 7.0, 2)(1.0) == 0.0


def test_the_identity_is_a_function_too():
    assert grad(lambda x: x)(3.0) == 1.0
    assert hessian(lambda x: x)(3.0) == 0.0
    assert jvp(lambda x: x, (3.0,), (2.0,)) == (3.0, 2.0)
    assert jacobian(lambda x: x)(np.ones(2)).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_a_jacobian_has_the_shape_of_the_result_then_of_the_argument():
    x = np.arange(6.0).reshape(2, 3)
    assert jacobian(lambda x: x[0] * x[1])(x).shape == (3, 2, 3)
    assert jacobian(lambda x: {"sum": x.sum(), "all": x * 2})(x)["all"].shape == (2, 3, 2, 3)
    assert jacobian(lambda x: [x * np.ones(4), x])(3.0)[0].tolist() == [1.0] * 4
    assert hessian(lambda x: (x * x).sum())(x).shape == (2, 3, 2, 3)


def test_rosenbrock_has_the_derivatives_that_scipy_has():
    optimize = pytest.importorskip("scipy.optimize")
    x = np.linspace(-1.2, 1.3, 10)
    value, slopes = value_and_grad(rosenbrock)(x)
    assert value == pytest.approx(optimize.rosen(x), rel=1e-14)
    np.testing.assert_allclose(slopes, optimize.rosen_der(x), rtol=1e-13, atol=1e-10)
    np.testing.assert_allclose(hessian(rosenbrock)(x), optimize.rosen_hess(x), rtol=1e-13, atol=1e-10)
    np.testing.assert_allclose(hvp(rosenbrock)(x, x[::-1]), optimize.rosen_hess_prod(x, x[::-1]), rtol=1e-12)


def test_scipy_minimises_with_value_and_grad_as_it_is():
    optimize = pytest.importorskip("scipy.optimize")
    found = optimize.minimize(value_and_grad(rosenbrock), np.full(5, -1.0), jac=True, method="BFGS")
    np.testing.assert_allclose(found.x, np.ones(5), atol=1e-4)
    found = optimize.minimize(
        rosenbrock, np.zeros(3), jac=grad(rosenbrock), hess=hessian(rosenbrock), method="Newton-CG"
    )
    np.testing.assert_allclose(found.x, np.ones(3), atol=1e-4)


# --- errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("result", [[1.0, 2.0], np.ones(3), np.ones(1), None, "1", {"a": 1}, 1j])
@pytest.mark.parametrize("transform", [grad, value_and_grad, hessian, derivative])
def test_a_result_that_is_no_number_names_jacobian(transform, result):
    with pytest.raises(TypeError, match=r"f returned .*, expected one number .*use jacobian\(f\)"):
        transform(lambda _: result)(1.0)


def test_an_argument_that_is_no_number_names_its_place_and_type():
    with pytest.raises(TypeError, match=r"argument 1\['w'\]\[0\] is of type str"):
        grad(lambda _, y: y, argnums=1)(1.0, {"w": ["text"]})
    with pytest.raises(TypeError, match="argument 0 is of type NoneType"):
        grad(lambda x: x)(None)
    with pytest.raises(TypeError, match=r"argument 0\.flat\[0\] is 0j of type complex, expected a real number"):
        grad(lambda x: x)(np.array([0, 1j]))


def test_argnums_that_no_argument_has_are_refused():
    with pytest.raises(TypeError, match=r"argnums=2 names a positional argument, but the call has 1"):
        grad(lambda x: x, argnums=2)(1.0)
    with pytest.raises(TypeError, match="cannot be passed by keyword"):
        grad(lambda x: x)(x=1.0)
    with pytest.raises(TypeError, match=r"argnums is .*, expected an int or a tuple of ints"):
        grad(lambda x: x, argnums="x")(1.0)
    with pytest.raises(ValueError, match="each position once"):
        grad(lambda x, _: x, argnums=(0, -2))(1.0, 2.0)


def test_a_vector_of_another_structure_is_refused():
    with pytest.raises(ValueError, match=r"the vector has the structure .*, expected that of the argument"):
        hvp(lambda x: x[0])([1.0, 2.0], [1.0])
    with pytest.raises(TypeError, match="expected the arguments of f and then the vector"):
        hvp(lambda x: x)(1.0)


def test_an_error_in_the_function_leaves_no_transform_open():
    with pytest.raises(ZeroDivisionError):
        grad(lambda _: 1 / 0)(1.0)
    from autograd_mini.transforms.tracing import _live

    assert not _live


@pytest.mark.parametrize(
    "transform",
    [
        *(ag.grad, ag.value_and_grad, ag.jacobian, ag.hessian, ag.hvp, ag.derivative, ag.remat, ag.jit),
        *(lambda f: ag.jvp(f, (1.0,), (1.0,)), lambda f: ag.vjp(f, 1.0), lambda f: ag.taylor(f, 1.0, 2)),
    ],
)
def test_what_is_no_function_is_named_at_once(transform):
    with pytest.raises(TypeError, match="f is 3 of type int, expected a function"):
        transform(3)


@pytest.mark.parametrize("static", [-1, 1.5, (0, None), True])
def test_static_is_a_position(static):
    with pytest.raises((TypeError, ValueError), match=r"a position in static is .*, expected a whole number from 0 on"):
        ag.jit(lambda x: x, static=static)
