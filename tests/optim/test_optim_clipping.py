"""Gradient clipping: its numbers against PyTorch's, extreme gradients, and what it refuses."""

import math
from types import SimpleNamespace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autograd_mini.optim import clip_grad_norm_, clip_grad_value_

numbers = st.floats(-1e3, 1e3).filter(lambda x: x == 0 or abs(x) > 1e-6)
extremes = numbers | st.sampled_from([math.inf, -math.inf, math.nan])


def parameters_with(grads):
    return [SimpleNamespace(data=0.0, grad=g) for g in grads]


def torch_parameters_with(torch, grads):
    params = [torch.zeros((), dtype=torch.float64, requires_grad=True) for _ in grads]
    for p, g in zip(params, grads, strict=True):
        p.grad = None if g is None else torch.tensor(g, dtype=torch.float64)
    return params


def gradients(params):
    return [None if p.grad is None else float(p.grad) for p in params]


def close(found, expected):
    return all(
        (x is y is None) or (x is not None and y is not None and x == pytest.approx(y, rel=1e-13, nan_ok=True))
        for x, y in zip(found, expected, strict=True)
    )


@settings(deadline=None)
@given(
    st.lists(st.none() | extremes, max_size=6),
    st.floats(0, 1e3),
    st.sampled_from([1, 1.5, 2.0, 3, 10, math.inf, "inf"]),
)
def test_norm_clipping_equals_pytorch_s_to_rounding(grads, bound, order):
    torch = pytest.importorskip("torch")
    ours, theirs = parameters_with(grads), torch_parameters_with(torch, grads)
    norm = clip_grad_norm_(ours, bound, order)
    reference = torch.nn.utils.clip_grad_norm_(theirs, bound, order)
    assert norm == pytest.approx(reference.item(), rel=1e-13, nan_ok=True)
    assert close(gradients(ours), gradients(theirs))


@settings(deadline=None)
@given(st.lists(st.none() | extremes, min_size=1, max_size=6), st.floats(0, 1e3))
def test_value_clipping_equals_pytorch_s(grads, bound):
    torch = pytest.importorskip("torch")
    assume(any(g is not None for g in grads))  # PyTorch fails without any gradient
    ours, theirs = parameters_with(grads), torch_parameters_with(torch, grads)
    clip_grad_value_(ours, bound)
    torch.nn.utils.clip_grad_value_(theirs, bound)
    assert close(gradients(ours), gradients(theirs))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.floats(1e-3, 1e3))
def test_after_clipping_the_norm_is_at_most_the_bound(grads, bound):
    params = parameters_with(grads)
    norm = clip_grad_norm_(params, bound)
    after = math.hypot(*gradients(params))
    assert after <= bound * (1 + 1e-11)
    if norm <= bound - 1e-5:
        assert gradients(params) == grads


@pytest.mark.parametrize(
    ("grads", "order", "norm"),
    [
        ([3e200, 4e200], 2.0, 5e200),
        ([3e-200, 4e-200], 2.0, 5e-200),
        ([1e200] * 8, 3.0, 2e200),
        ([1e-200] * 8, 3.0, 2e-200),
        ([1e308] * 2, 1.0, math.inf),
        ([1.0, -1.0], 1e-4, math.inf),
        ([], 2.0, 0.0),
        ([None], 2.0, 0.0),
        ([0.0, 0.0], 3.0, 0.0),
    ],
)
def test_the_norm_overflows_only_where_it_is_too_large_itself(grads, order, norm):
    assert clip_grad_norm_(parameters_with(grads), math.inf, order) == pytest.approx(norm, rel=1e-14, abs=0)


def test_huge_gradients_are_scaled_and_not_lost():
    params = parameters_with([3e200, -4e200])
    clip_grad_norm_(params, 1.0)
    assert gradients(params) == pytest.approx([0.6, -0.8])


def test_a_generator_is_read_once():
    params = parameters_with([3.0, 4.0])
    assert clip_grad_norm_((p for p in params), 1.0) == 5.0
    clip_grad_value_((p for p in params), 0.5)
    assert gradients(params) == [0.5, 0.5]


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_non_finite_norm_is_an_error_on_request_and_changes_nothing(wrong):
    params = parameters_with([1.0, wrong])
    with pytest.raises(RuntimeError, match=rf"norm is {wrong} \(one gradient is {wrong}\)"):
        clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
    assert params[0].grad == 1.0


@pytest.mark.parametrize(
    ("clip", "error", "says"),
    [
        (lambda p: clip_grad_norm_(p, -1.0), ValueError, r"max_norm is -1\.0, expected a number of at least 0"),
        (lambda p: clip_grad_norm_(p, math.nan), ValueError, "max_norm is nan, expected a finite number"),
        (lambda p: clip_grad_norm_(p, 1.0, 0), ValueError, "norm_type is 0, expected a number greater than 0"),
        (lambda p: clip_grad_norm_(p, 1.0, -math.inf), ValueError, "norm_type is -inf, expected a finite number"),
        (lambda p: clip_grad_norm_(p * 2, 1.0), ValueError, r"params\[0\], params\[1\] are one and the same"),
        (lambda p: clip_grad_norm_(p[0], 1.0), TypeError, "is one SimpleNamespace, expected a list"),
        (lambda p: clip_grad_value_(p, -1.0), ValueError, r"clip_value is -1\.0, expected a number of at least 0"),
    ],
)
def test_what_makes_no_sense_is_refused(clip, error, says):
    params = parameters_with([2.0])
    with pytest.raises(error, match=says):
        clip(params)
    assert params[0].grad == 2.0


def test_an_infinite_bound_leaves_infinite_gradients_as_they_are():
    params = [SimpleNamespace(data=0.0, grad=g) for g in (math.inf, 1.0)]
    assert clip_grad_norm_(params, math.inf) == math.inf
    assert [p.grad for p in params] == [math.inf, 1.0]
