"""The learning-rate schedules: their rates against PyTorch's, their state, and what they refuse."""

import json
import math
from types import MappingProxyType, SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_mini import optim
from autograd_mini.optim import SGD, CosineAnnealingLR, ExponentialLR, LinearLR, LRScheduler, StepLR

chosen = {
    "StepLR": st.fixed_dictionaries({"step_size": st.integers(1, 10), "gamma": st.floats(0.05, 1.5)}),
    "ExponentialLR": st.fixed_dictionaries({"gamma": st.floats(0.05, 1.5)}),
    "CosineAnnealingLR": st.fixed_dictionaries({"T_max": st.integers(1, 30), "eta_min": st.floats(0, 0.5)}),
    "LinearLR": st.fixed_dictionaries(
        {"start_factor": st.floats(0.05, 1), "end_factor": st.floats(0, 1), "total_iters": st.integers(1, 20)}
    ),
}
schedules = st.sampled_from(sorted(chosen)).flatmap(lambda name: st.tuples(st.just(name), chosen[name]))
first_rates = st.floats(0.001, 2)


def optimizer_at(lr):
    return SGD([SimpleNamespace(data=0.0, grad=0.0)], lr=lr)


def rates(schedule, epochs):
    """Step through epochs and list the optimiser's rate in each, the present one first."""
    found = [schedule.optimizer.lr]
    for _ in range(epochs):
        schedule.step()
        found.append(schedule.optimizer.lr)
    return found


@settings(deadline=None)
@given(schedules, first_rates)
def test_rates_equal_pytorch_s_to_rounding(named, lr):
    torch = pytest.importorskip("torch")
    name, setting = named
    reference = torch.optim.SGD([torch.zeros((), dtype=torch.float64, requires_grad=True)], lr=lr)
    theirs = getattr(torch.optim.lr_scheduler, name)(reference, **setting)
    ours = getattr(optim, name)(optimizer_at(lr), **setting)
    for epoch, rate in enumerate(rates(ours, 70)):
        if epoch:
            reference.step()
            theirs.step()
        # PyTorch's recursion for the cosine divides by a small number at its lowest point and loses digits there.
        assert rate == pytest.approx(theirs.get_last_lr()[0], rel=1e-12, abs=1e-11 * max(1.0, lr))
        assert reference.param_groups[0]["lr"] == theirs.get_last_lr()[0]


@given(schedules, first_rates, st.integers(0, 12), st.booleans())
def test_saving_and_loading_in_any_order_changes_no_rate(named, lr, pause, schedule_first):
    name, setting = named
    expected = rates(getattr(optim, name)(optimizer_at(lr), **setting), 20)
    saved = getattr(optim, name)(optimizer_at(lr), **setting)
    rates(saved, pause)
    states = json.loads(json.dumps([saved.state_dict(), saved.optimizer.state_dict()]))
    other = {"StepLR": (7,), "ExponentialLR": (0.5,), "CosineAnnealingLR": (9,), "LinearLR": ()}[name]
    fresh = optimizer_at(3.0)
    if not schedule_first:
        fresh.load_state_dict(states[1])
    resumed = getattr(optim, name)(fresh, *other)
    resumed.load_state_dict(states[0])
    if schedule_first:
        fresh.load_state_dict(states[1])
    assert rates(resumed, 20 - pause) == expected[pause:]
    assert resumed.get_last_lr() == [expected[-1]]


def test_a_rate_set_by_hand_is_saved_and_lasts_until_the_next_step():
    saved = ExponentialLR(optimizer_at(1.0), 0.5)
    saved.optimizer.lr = 0.3
    resumed = ExponentialLR(optimizer_at(1.0), 0.5)
    resumed.load_state_dict(saved.state_dict())
    assert rates(resumed, 1) == [0.3, 0.5]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (lambda o: StepLR(o, 2), [1.0, 1.0, 0.1, 0.1, 0.01]),
        (lambda o: ExponentialLR(o, 0.5), [1.0, 0.5, 0.25, 0.125, 0.0625]),
        (lambda o: ExponentialLR(o, 2), [1.0, 2.0, 4.0, 8.0, 16.0]),
        (lambda o: CosineAnnealingLR(o, 2, eta_min=0.5), [1.0, 0.75, 0.5, 0.75, 1.0]),
        (lambda o: LinearLR(o, 0.25, total_iters=3), [0.25, 0.5, 0.75, 1.0, 1.0]),
        (LinearLR, [1 / 3, 7 / 15, 9 / 15, 11 / 15, 13 / 15]),
    ],
)
def test_the_first_five_rates(schedule, expected):
    assert rates(schedule(optimizer_at(1.0)), 4) == pytest.approx(expected, rel=1e-15)


@given(st.floats(0.001, 2), st.floats(0, 0.5), st.integers(1, 1000))
def test_a_cosine_starts_and_ends_exactly_at_its_two_rates(lr, eta_min, epochs):
    schedule = CosineAnnealingLR(optimizer_at(lr), epochs, eta_min)
    assert [schedule.lr_at(0), schedule.lr_at(epochs)] == [lr, eta_min]


def test_a_second_schedule_starts_where_the_first_one_ended():
    optimizer = optimizer_at(1.0)
    rates(LinearLR(optimizer, 0.5, 0.8, total_iters=2), 2)
    assert CosineAnnealingLR(optimizer, 10).base_lrs == [0.8]


def test_a_growth_without_bound_ends_at_infinity_and_not_in_an_overflow_error():
    assert ExponentialLR(optimizer_at(1.0), 10.0).lr_at(1000) == math.inf


def test_repr_names_the_settings_and_the_epoch():
    schedule = StepLR(optimizer_at(1.0), 3)
    schedule.step()
    assert repr(schedule) == "StepLR(step_size=3, gamma=0.1, last_epoch=1)"


@pytest.mark.parametrize(
    ("schedule", "error", "says"),
    [
        (lambda o: StepLR(o, 0), ValueError, "step_size is 0, expected a whole number from 1 on"),
        (lambda o: StepLR(o, 1.5), TypeError, r"step_size is 1\.5, expected a whole number from 1 on"),
        (lambda o: StepLR(o, 1, gamma=0), ValueError, "gamma is 0, expected a number greater than 0"),
        (lambda o: ExponentialLR(o, math.nan), ValueError, "gamma is nan, expected a finite number"),
        (lambda o: CosineAnnealingLR(o, -1), ValueError, "T_max is -1, expected a whole number from 1 on"),
        (lambda o: CosineAnnealingLR(o, 1, -1), ValueError, "eta_min is -1, expected a number of at least 0"),
        (lambda o: LinearLR(o, 0), ValueError, "start_factor is 0, expected a number greater than 0 and at most 1"),
        (lambda o: LinearLR(o, 2), ValueError, "start_factor is 2, expected a number greater than 0 and at most 1"),
        (lambda o: LinearLR(o, end_factor=-1), ValueError, "end_factor is -1, expected a number from 0 to 1"),
        (lambda o: LinearLR(o.param_groups), TypeError, "optimizer is of type list, expected an Optimizer such as SGD"),
    ],
)
def test_settings_out_of_range_are_refused_by_name_and_value(schedule, error, says):
    optimizer = optimizer_at(0.5)
    with pytest.raises(error, match=says):
        schedule(optimizer)
    assert optimizer.lr == 0.5


def test_a_schedule_of_one_s_own_needs_its_rate_alone():
    class Halving(LRScheduler):
        _checks = MappingProxyType({})

        def lr_at(self, epoch):
            return self.base_lrs[0] / 2**epoch

    assert rates(Halving(optimizer_at(1.0)), 2) == [1.0, 0.5, 0.25]


good = StepLR(optimizer_at(0.5), 3).state_dict()


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ([], "one of 'list', expected one of StepLR"),
        (good | {"schedule": "LinearLR"}, "one of 'LinearLR', expected one of StepLR"),
        ({"schedule": "StepLR"}, "the setting 'step_size' is missing"),
        (good | {"gamma": -1}, "gamma is -1, expected a number greater than 0"),
        (good | {"last_epoch": -1}, "last_epoch is -1, expected a whole number from 0 on"),
        (good | {"last_epoch": "3"}, "last_epoch is '3', expected a whole number"),
        (good | {"base_lrs": []}, "no state of StepLR"),
        (good | {"base_lrs": None}, "no state of StepLR"),
        (good | {"lr": None}, "lr is None, expected a number"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(state, says):
    schedule = StepLR(optimizer_at(0.25), 7)
    before = schedule.state_dict()
    with pytest.raises(ValueError, match=says):
        schedule.load_state_dict(state)
    assert schedule.state_dict() == before
