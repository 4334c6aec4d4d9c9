"""Functions that are run again when their derivative is asked for."""

from __future__ import annotations

import copy
import gc

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from smooth import last, recipes, results

from autograd_mini import Parameter, StaleValueError, Value, exp, no_grad, tanh
from autograd_mini.engine.graph import order
from autograd_mini.transforms import grad, hessian, hvp, jvp, value_and_grad
from autograd_mini.transforms.rematerialisation import remat

triples = st.lists(st.floats(-2, 2).map(lambda x: round(x, 3)), min_size=3, max_size=3)


@given(recipes(inputs=3), recipes(inputs=2), triples)
def test_rematerialisation_changes_no_derivative(inner, outer, numbers):
    def layer(xs):
        return results(inner, xs)[-2:]

    def plain(xs):
        return last(outer, layer(xs))

    def rematerialised(xs):
        return last(outer, remat(layer)(xs))

    second = np.array(hessian(plain)(numbers))
    assume(np.abs(second).max() < 1e6)
    scale = max(1.0, np.abs(second).max())
    value, slopes = value_and_grad(rematerialised)(numbers)
    expected, expected_slopes = value_and_grad(plain)(numbers)
    assert value == expected
    np.testing.assert_allclose(slopes, expected_slopes, atol=1e-10 * scale)
    np.testing.assert_allclose(hessian(rematerialised)(numbers), second, atol=1e-10 * scale)
    np.testing.assert_allclose(hvp(rematerialised)(numbers, numbers), second @ numbers, atol=1e-9 * scale)
    np.testing.assert_allclose(
        jvp(rematerialised, (numbers,), (numbers,))[1], jvp(plain, (numbers,), (numbers,))[1], atol=1e-9 * scale
    )


def test_parameters_that_the_function_closes_over_receive_their_gradients():
    w, b = Parameter(0.5), Parameter(0.1)
    squared = w * w  # computed outside, above another thing that is closed over
    layer = remat(lambda x: tanh(squared * x + w * b))
    x = Value(2.0)
    layer(layer(x)).backward()
    found = [v.grad for v in (x, w, b)]
    for v in (x, w, b):
        v.grad = 0
    plain = tanh(squared * tanh(squared * x + w * b) + w * b)
    plain.backward()
    assert found == pytest.approx([v.grad for v in (x, w, b)], rel=1e-14)


def test_the_graph_inside_is_not_kept():
    calls = []

    def chain(x):
        calls.append(1)
        for _ in range(100):
            x = tanh(x)
        return x

    def inside():
        gc.collect()
        return sum(
            issubclass(type(thing), Value) and thing.op == "tanh" for thing in gc.get_objects()
        )  # no proxy is asked

    x = Value(1.0)
    before = inside()
    y = remat(chain)(x)
    assert len(order(y)) == 2
    assert inside() == before
    y.backward()
    assert len(calls) == 2
    assert x.grad == pytest.approx(grad(chain)(1.0))


def test_several_results_are_recomputed_once():
    calls = []

    def layer(x):
        calls.append(1)
        return {"a": x * x, "b": [exp(x), 3.0]}

    out = remat(layer)(x := Value(1.0))
    (out["a"] * out["b"][0] * out["b"][1]).backward()
    assert x.grad == pytest.approx(9 * np.e)
    assert len(calls) == 2


def test_a_result_that_nobody_uses_does_no_harm():
    x = Value(2.0)
    remat(lambda x: [x * x, x / 0.0])(x)[0].backward()
    assert x.grad == 4.0


def test_an_argument_that_is_returned_as_it_is_passes_its_gradient():
    x = Value(2.0)
    remat(lambda x: x)(x).backward()
    assert x.grad == 1.0


def test_a_transform_inside_a_rematerialised_function_depends_on_its_argument():
    assert grad(remat(lambda x: grad(lambda y: x * y * y)(2.0)))(5.0) == 4.0


def test_other_arguments_pass_through():
    layer = remat(lambda x, _, *, power: x**power)
    assert grad(lambda x: layer(x, "name", power=3))(2.0) == 12.0


def test_without_values_there_is_nothing_to_recompute():
    assert remat(lambda x: x * x)(3.0) == 9.0
    with no_grad():
        assert remat(lambda x: x * x)(Value(3.0)).args == ()
    assert remat(lambda x: Value(2 * x))(3.0).args == ()


def test_a_parameter_assigned_since_is_noticed():
    w = Parameter(2.0)
    y = remat(lambda x: x * w)(Value(3.0))
    w.data = 5.0
    with pytest.raises(StaleValueError):
        y.backward()


def test_an_error_on_the_second_run_leaves_every_gradient_as_it_was():
    calls = []

    def once(x):
        calls.append(1)
        if len(calls) > 1:
            raise RuntimeError("not again")
        return x * x

    x = Value(2.0)
    y = remat(once)(x) * x
    with pytest.raises(RuntimeError, match="not again"):
        y.backward()
    assert not x.has_grad


def test_a_copy_that_would_use_the_original_of_what_it_closes_over_is_refused():
    w = Parameter(2.0)
    call = remat(lambda x: x * w)(Value(3.0))._x._k
    with pytest.raises(TypeError, match="cannot be copied: it closes over Value"):
        copy.deepcopy(call)
    alone = remat(lambda x: x * 2)(Value(3.0))._x._k
    assert copy.deepcopy(alone).operands[0] is not alone.operands[0]


def test_a_result_that_is_no_number_is_refused():
    with pytest.raises(TypeError, match="the result of a rematerialised function is of type str"):
        remat(lambda _: "text")(Value(1.0))
