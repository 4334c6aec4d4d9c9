"""The losses: their values and gradients against high precision, PyTorch and each other, and what they refuse."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_mini
from autograd_mini import Value, nn
from autograd_mini.nn.losses import LOSSES, binary_cross_entropy, cross_entropy, hinge, huber, mae, mse, rss

numbers = st.floats(-1e3, 1e3)
logits = st.floats(-1e4, 1e4) | st.floats(-1, 1) | st.sampled_from([0.0, 1e300, -1e300])
pairs = st.lists(st.tuples(numbers, numbers), min_size=1, max_size=5).map(
    lambda rows: [*map(list, zip(*rows, strict=True))]
)
MEAN = ("mse", "mae", "huber", "hinge", "binary_cross_entropy")


def with_gradient(loss, prediction, *target):
    """Return the loss and its gradient by the prediction."""
    values = [*map(Value, prediction)]
    result = loss(values, *target)
    result.backward()
    return result.data, [value.grad for value in values]


def targets_of(name, drawn):
    """Turn numbers into targets that a loss accepts."""
    if name == "hinge":
        return [1 if t > 0 else -1 for t in drawn]
    return [1 / (1 + math.exp(-t / 100)) for t in drawn] if name == "binary_cross_entropy" else drawn


def close(number, rel=1e-12, absolute=1e-300):
    return pytest.approx(number, rel=rel, abs=absolute)


# --- all of them -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*MEAN, "rss"])
@given(drawn=pairs)
def test_among_plain_numbers_a_loss_is_the_same_float(name, drawn):
    prediction, target = drawn
    target = targets_of(name, target)
    plain = LOSSES[name](prediction, target)
    assert type(plain) is float
    assert plain == with_gradient(LOSSES[name], prediction, target)[0]


@pytest.mark.parametrize("name", [*MEAN, "rss"])
@given(drawn=pairs)
def test_a_list_gives_the_mean_of_its_entries_and_rss_their_sum(name, drawn):
    prediction, target = drawn
    target = targets_of(name, target)
    terms = [LOSSES[name](p, t) for p, t in zip(prediction, target, strict=True)]
    expected = math.fsum(terms) / (1 if name == "rss" else len(terms))
    assert LOSSES[name](prediction, target) == close(expected)


@pytest.mark.parametrize("name", [*MEAN, "rss"])
@given(drawn=pairs)
def test_predictions_and_targets_may_be_of_any_kind(name, drawn):
    prediction, target = drawn
    target = targets_of(name, target)
    expected = LOSSES[name](prediction, target)
    assert LOSSES[name](tuple(prediction), iter(target)) == expected
    assert LOSSES[name](np.array(prediction), np.array(target)) == expected
    assert LOSSES[name]([*map(Value, prediction)], np.array(target)).data == expected
    assert LOSSES[name](prediction, [*map(Value, target)]).data == close(expected)


@pytest.mark.parametrize("name", [*MEAN, "rss"])
@given(data=st.data())
def test_gradients_are_finite_differences_away_from_kinks(name, data):
    prediction = data.draw(st.lists(st.integers(-30, 30).map(lambda n: n / 10 + 0.037), min_size=1, max_size=3))
    target = data.draw(st.lists(st.integers(-3, 3), min_size=len(prediction), max_size=len(prediction)))
    target = targets_of(name, target)
    _, gradient = with_gradient(LOSSES[name], prediction, target)
    for index in range(len(prediction)):
        above, below = ([p + h * (i == index) for i, p in enumerate(prediction)] for h in (1e-5, -1e-5))
        slope = (LOSSES[name](above, target) - LOSSES[name](below, target)) / 2e-5
        assert gradient[index] == pytest.approx(slope, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("name", [*MEAN, "rss"])
def test_lists_of_different_lengths_are_refused(name):
    with pytest.raises(ValueError, match="prediction has 2 entries and target 3"):
        LOSSES[name]([1.0, 2.0], [1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="prediction has 1 entries and target 2"):
        LOSSES[name](Value(1.0), [1.0, 1.0])
    with pytest.raises(ValueError, match="prediction is empty"):
        LOSSES[name]([], [])
    with pytest.raises(TypeError, match=r"target\[0\] is 'a' of type str, expected a real number"):
        LOSSES[name]([1.0], ["a"])
    with pytest.raises(TypeError, match=r"prediction\[1\] is a list"):
        LOSSES[name]([1.0, [2.0]], [1.0, 2.0])
    with pytest.raises(TypeError, match="of type str"):
        LOSSES[name](1.0, "1")


@pytest.mark.parametrize("name", [*MEAN, "rss"])
def test_nan_is_passed_on(name):
    value, gradient = with_gradient(LOSSES[name], [math.nan], [1.0])
    assert math.isnan(value)
    assert math.isnan(gradient[0])


def test_the_room_offers_softmax_too():
    assert nn.softmax is autograd_mini.softmax
    assert nn.log_softmax is autograd_mini.log_softmax


# --- distances -------------------------------------------------------------------------------------------------------


@given(numbers, numbers)
def test_squares_and_absolute_errors_have_their_closed_forms(p, t):
    error = p - t
    assert with_gradient(mse, [p], [t]) == (error * error, [2 * error])
    assert with_gradient(rss, [p], [t]) == (error * error, [2 * error])
    assert with_gradient(mae, [p], [t]) == (abs(error), [math.copysign(1.0, error) if error else 0.0])


@given(numbers, numbers, st.floats(1e-3, 1e3))
def test_huber_has_its_closed_form(p, t, delta):
    error = p - t
    value, (gradient,) = with_gradient(huber, [p], [t], delta)
    if abs(error) <= delta:
        assert (value, gradient) == (close(error * error / 2), close(error))
    else:
        assert (value, gradient) == (close(delta * (abs(error) - delta / 2), 1e-11), close(math.copysign(delta, error)))


@pytest.mark.parametrize(
    ("error", "value", "slope"), [(1.0, 0.5, 1.0), (-1.0, 0.5, -1.0), (0.0, 0.0, 0.0), (1e300, 1e300, 1.0)]
)
def test_huber_joins_smoothly_and_does_not_overflow(error, value, slope):
    assert with_gradient(huber, [error], [0.0]) == (value, [slope])


@pytest.mark.parametrize("delta", [0.0, -1.0, math.inf, math.nan])
def test_huber_refuses_a_delta_that_is_no_threshold(delta):
    with pytest.raises(ValueError, match="expected a finite number greater than 0"):
        huber(1.0, 0.0, delta=delta)


# --- margins ---------------------------------------------------------------------------------------------------------


@given(numbers, st.sampled_from([1, -1]))
def test_hinge_has_its_closed_form(p, t):
    margin = 1 - t * p
    assert with_gradient(hinge, [p], [t]) == (max(0.0, margin), [-t if margin > 0 else 0.0])


def test_hinge_is_flat_at_its_kink():
    assert with_gradient(hinge, [1.0], [1]) == (0.0, [0.0])


@pytest.mark.parametrize("target", [0, 2, 0.5, math.nan])
def test_hinge_refuses_targets_that_are_no_signs(target):
    with pytest.raises(
        ValueError, match=r"target is .*, expected by hinge -1 or 1: of classes 0 and 1 make 2 \* target - 1"
    ):
        hinge([0.5, 0.5], [1, target])


# --- cross-entropy ---------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.floats(-700, 700), st.sampled_from([0, 1]) | st.floats(0, 1))
def test_binary_cross_entropy_is_accurate_however_sure_the_logit(x, t):
    with mpmath.workdps(400):
        p, q = 1 / (1 + mpmath.exp(-mpmath.mpf(x))), 1 / (1 + mpmath.exp(mpmath.mpf(x)))
        expected = float(-t * mpmath.log(p) - (1 - mpmath.mpf(t)) * mpmath.log(q))
        slope = float((1 - mpmath.mpf(t)) * p - t * q)
    value, (gradient,) = with_gradient(binary_cross_entropy, [x], [t])
    assert value == close(expected, 1e-14)
    assert gradient == close(slope, 1e-13, 1e-15 * min(t, 1 - t))


@pytest.mark.parametrize(
    ("logit", "target", "value", "slope"),
    [
        (1e308, 1, 0.0, 0.0),
        (1e308, 0, 1e308, 1.0),
        (-1e308, 1, 1e308, -1.0),
        (math.inf, 1, 0.0, 0.0),
        (-math.inf, 0, 0.0, 0.0),
        (math.inf, 0, math.inf, 1.0),
        (0.0, 0.5, math.log(2), 0.0),
    ],
)
def test_binary_cross_entropy_at_special_points(logit, target, value, slope):
    assert with_gradient(binary_cross_entropy, [logit], [target]) == (value, [slope])


@pytest.mark.parametrize("target", [-1, 1.1, -1e-9, math.nan])
def test_binary_cross_entropy_refuses_targets_that_are_no_probabilities(target):
    with pytest.raises(
        ValueError, match=r"target is .*, expected by binary_cross_entropy 0 or 1, .* make \(target \+ 1\) / 2"
    ):
        binary_cross_entropy(0.5, target)


@settings(deadline=None)
@given(st.lists(st.floats(-350, 350), min_size=2, max_size=5), st.data())
def test_cross_entropy_is_accurate_however_sure_the_logits(drawn, data):
    target = data.draw(st.integers(0, len(drawn) - 1))
    with mpmath.workdps(400):
        powers = [mpmath.exp(mpmath.mpf(x)) for x in drawn]
        total = mpmath.fsum(powers)
        expected = float(-mpmath.log(powers[target] / total))
        others = float(-(total - powers[target]) / total)
        slopes = [others if i == target else float(power / total) for i, power in enumerate(powers)]
    value, gradient = with_gradient(cross_entropy, drawn, target)
    assert value == close(expected)
    assert gradient == [close(slope, 1e-12, 1e-15 if abs(slope) > 1e-15 else 1e-300) for slope in slopes]


@given(st.lists(logits, min_size=2, max_size=5), st.data())
def test_cross_entropy_and_its_gradient_stay_finite(drawn, data):
    target = data.draw(st.integers(0, len(drawn) - 1))
    value, gradient = with_gradient(cross_entropy, drawn, target)
    assert math.isfinite(value)
    assert value >= 0
    assert math.fsum(gradient) == pytest.approx(0.0, abs=1e-15)
    assert cross_entropy(drawn, target) == value


@given(st.floats(-700, 700))
def test_two_logits_are_one_logit_and_zero(x):
    assert cross_entropy([0.0, x], 1) == close(binary_cross_entropy(x, 1))


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=5))
def test_cross_entropy_is_minus_log_softmax(drawn):
    for index, expected in enumerate(autograd_mini.log_softmax(drawn)):
        assert cross_entropy(drawn, index) == pytest.approx(-expected, abs=1e-13)


@pytest.mark.parametrize(
    ("drawn", "target", "value", "gradient"),
    [
        ([0.0, 0.0], 0, math.log(2), [-0.5, 0.5]),
        ([math.inf, 0.0], 0, 0.0, [0.0, 0.0]),
        ([math.inf, 0.0], 1, math.inf, [1.0, -1.0]),
        ([-math.inf, 0.0, 0.0], 1, math.log(2), [0.0, -0.5, 0.5]),
    ],
)
def test_cross_entropy_at_special_points(drawn, target, value, gradient):
    found, slopes = with_gradient(cross_entropy, drawn, target)
    assert (found, slopes) == (close(value), [close(slope) for slope in gradient])


@pytest.mark.parametrize("target", [1, 1.0, np.int64(1), True])
def test_cross_entropy_takes_whole_numbers_of_any_type(target):
    assert cross_entropy([0.0, 0.0], target) == close(math.log(2))


@pytest.mark.parametrize("target", [-1, 3, 1.5, math.nan, math.inf])
def test_cross_entropy_refuses_an_index_that_no_class_has(target):
    with pytest.raises(ValueError, match="expected the index of a class, from 0 to 2"):
        cross_entropy([0.0, 0.0, 0.0], target)


@pytest.mark.parametrize("prediction", [Value(1.0), 1.0, [1.0], []])
def test_cross_entropy_refuses_fewer_than_two_logits(prediction):
    with pytest.raises(ValueError, match=r"expected a list of logits, one a class: .* binary_cross_entropy"):
        cross_entropy(prediction, 0)


def test_cross_entropy_refuses_a_target_that_is_no_number():
    with pytest.raises(TypeError, match="target is 'setosa' of type str, expected a real number"):
        cross_entropy([0.0, 0.0], "setosa")


# --- PyTorch ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("mse", "mse_loss"),
        ("mae", "l1_loss"),
        ("huber", "huber_loss"),
        ("binary_cross_entropy", "binary_cross_entropy_with_logits"),
    ],
)
@settings(deadline=None)
@given(drawn=pairs)
def test_values_and_gradients_are_pytorchs(name, theirs, drawn):
    torch = pytest.importorskip("torch")
    prediction, target = drawn
    target = targets_of(name, target)
    x = torch.tensor(prediction, dtype=torch.float64, requires_grad=True)
    expected = getattr(torch.nn.functional, theirs)(x, torch.tensor(target, dtype=torch.float64))
    expected.backward()
    value, gradient = with_gradient(LOSSES[name], prediction, target)
    assert value == close(expected.item(), 1e-10, 1e-14)
    assert gradient == pytest.approx(x.grad.tolist(), rel=1e-10, abs=1e-14)


@settings(deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=5), st.data())
def test_cross_entropy_is_pytorchs(drawn, data):
    torch = pytest.importorskip("torch")
    target = data.draw(st.integers(0, len(drawn) - 1))
    x = torch.tensor(drawn, dtype=torch.float64, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(x, torch.tensor(target))
    expected.backward()
    value, gradient = with_gradient(cross_entropy, drawn, target)
    assert value == close(expected.item(), 1e-10, 1e-12)
    assert gradient == pytest.approx(x.grad.tolist(), rel=1e-10, abs=1e-12)
