"""Ctrl-C anywhere in an optimiser: parameters and state are as before or as after, never a mixture."""

import gc
import json
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from autograd_mini import optim
from autograd_mini.engine.value import Parameter, Value
from autograd_mini.optim import SGD, Adam, AdamW, CosineAnnealingLR, clip_grad_norm_, clip_grad_value_

PACKAGE = str(Path(optim.__file__).parent.parent)


class Guarded:
    """A parameter whose setters are Python code, which an interrupt can hit between two parameters."""

    def __init__(self, data):
        """Start from a number."""
        self._data, self._grad = data, 0.0

    @property
    def data(self):
        """The number, at most a million."""
        return self._data

    @data.setter
    def data(self, data):
        if data > 1e6:
            raise OverflowError("too far")
        self._data = data

    @property
    def grad(self):
        """The gradient."""
        return self._grad

    @grad.setter
    def grad(self, grad):
        self._grad = grad


def plain(data):
    return SimpleNamespace(data=data, grad=0.0)


def traced(action, happens):
    """Run the action and call `happens` before every bytecode of the package or a setter."""

    def trace(frame, event, _):
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE) and code.co_qualname not in {"Guarded.data", "Guarded.grad"}:
            return None
        frame.f_trace_opcodes = True
        if event in {"line", "opcode"}:
            happens()
        return trace

    outer = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(outer)


def interrupted(action, moment):
    """Run the action with Ctrl-C before the moment-th bytecode; say whether it came."""
    passed = 0

    def interrupt():
        nonlocal passed
        passed += 1
        if passed == moment:
            raise KeyboardInterrupt

    try:
        traced(action, interrupt)
    except KeyboardInterrupt:
        return True
    return False


def outcomes(make, action, look):
    """Count what there is to see after an interrupt at every moment in turn: the old, the new, or a mixture.

    `make` gives a fresh subject, `action` changes it, `look` shows what of it must not be mixed.
    """
    subject = make()
    old = look(subject)
    action(subject)
    new = look(subject)
    assert old != new
    seen = {"old": 0, "new": 0, "mixed": 0}
    moment = 0
    while True:
        moment += 1
        subject = make()
        if not interrupted(lambda: action(subject), moment):  # noqa: B023 - called at once
            assert look(subject) == new
            return seen
        found = look(subject)
        seen["old" if found == old else "new" if found == new else "mixed"] += 1


def sgd(params):
    return SGD(params, lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True)


def adam(params):
    return Adam(params, lr=0.1, amsgrad=True)


def everything(optimizer):
    return [p.data for p in optimizer.param_groups[0]["params"]], json.dumps(optimizer.state_dict())


def ready(kind, parameter):
    """Make an optimiser that has taken one step and has the gradients for another."""
    params = [parameter(1.0), parameter(2.0), parameter(3.0)]
    optimizer = kind(params)
    for gradient in (0.5, -0.25):
        for p in params:
            p.grad = gradient * p.data
        if gradient > 0:
            optimizer.step()
    return optimizer


@pytest.mark.parametrize("parameter", [plain, Guarded, Value])
@pytest.mark.parametrize("kind", [SGD, sgd, adam, AdamW])
def test_a_step_changes_all_parameters_and_the_state_or_nothing(kind, parameter):
    seen = outcomes(lambda: ready(kind, parameter), lambda optimizer: optimizer.step(), everything)
    assert seen["mixed"] == 0
    assert seen["old"] > 100, "so many bytecodes were interrupted"


@pytest.mark.parametrize("parameter", [plain, Value, lambda x: Parameter(x) if x > 1.0 else Value(x)])
@pytest.mark.parametrize("kind", [SGD, sgd, adam, AdamW])
def test_no_bytecode_lies_between_the_writes_of_a_step(kind, parameter):
    """So that any number of interrupts, and other threads, see all of them or none."""
    optimizer = ready(kind, parameter)
    seen = [everything(optimizer)]

    def look():
        if (found := everything(optimizer)) != seen[-1]:
            seen.append(found)

    traced(optimizer.step, look)
    assert seen[1:] == [everything(optimizer)]


def test_a_step_with_parameters_left_out_changes_all_the_others_or_nothing():
    def make():
        params = [Value(1.0), plain(2.0), Guarded(3.0), plain(4.0)]
        optimizer = adam(params)
        for p in params[:-1]:
            p.grad = 0.5
        params[-1].grad = None
        return optimizer

    assert outcomes(make, lambda optimizer: optimizer.step(), everything)["mixed"] == 0


@pytest.mark.parametrize("parameter", [plain, Guarded, Value])
@pytest.mark.parametrize(
    "clip",
    [
        lambda o: o.zero_grad(),
        lambda o: clip_grad_norm_(o.param_groups[0]["params"], 1.0),
        lambda o: clip_grad_value_(o.param_groups[0]["params"], 1.0),
    ],
)
def test_clipping_and_zeroing_change_all_gradients_or_none(clip, parameter):
    def make():
        params = [parameter(1.0) for _ in range(3)]
        for p in params:
            p.grad = 3.0
        return SGD(params)

    assert outcomes(make, clip, lambda o: [p.grad for p in o.param_groups[0]["params"]])["mixed"] == 0


def test_loading_changes_settings_and_state_or_nothing():
    source = adam([plain(1.0)])
    source.step()
    saved = source.state_dict()
    seen = outcomes(
        lambda: Adam([plain(1.0)]), lambda o: o.load_state_dict(saved), lambda o: json.dumps(o.state_dict())
    )
    assert seen["mixed"] == 0


def test_a_schedule_changes_its_epoch_and_the_rate_or_nothing():
    def look(schedule):
        return schedule.last_epoch, schedule.optimizer.lr

    def make():
        return CosineAnnealingLR(SGD([plain(1.0)], lr=0.5), 10)

    ahead = make()
    ahead.step()
    saved = ahead.state_dict()
    assert outcomes(make, lambda schedule: schedule.step(), look)["mixed"] == 0
    assert outcomes(make, lambda schedule: schedule.load_state_dict(saved), look)["mixed"] == 0


def test_a_setter_that_raises_leaves_everything_as_it_was():
    params = [Guarded(1.0), Guarded(2.0), Guarded(3.0)]
    optimizer = SGD(params, lr=1.0, momentum=0.9)
    params[0].grad, params[1].grad, params[2].grad = 1.0, -1e7, 1.0
    before = everything(optimizer)
    with pytest.raises(OverflowError, match="too far"):
        optimizer.step()
    assert everything(optimizer) == before


def test_a_value_moved_by_a_step_makes_results_of_its_old_number_stale():
    x = Value(3.0)
    loss = x * x
    loss.backward()
    SGD([x], lr=0.5).step()
    assert x.data == 0.0
    with pytest.raises(RuntimeError, match="assigned after"):
        loss.backward()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that sends signals")
def test_signals_that_arrive_at_any_time_never_leave_a_mixture():
    def stop(*_):
        raise KeyboardInterrupt

    params = [Value(1.0) for _ in range(3000)]
    optimizer = SGD(params, lr=0.1, momentum=0.9)
    for p in params:
        p.grad = 1.0
    outer = signal.signal(signal.SIGALRM, stop)
    gc.disable()  # Hypothesis times collections in a callback, in which a signal would be lost
    try:
        for attempt in range(150):
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-5 * (attempt + 1))
                optimizer.step()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                pass
            buffer = optimizer.state_dict()["state"].get("momentum_buffer", [None])
            assert len({p.data for p in params}) == 1
            assert len(set(buffer)) == 1
            # From 1.0 and a gradient of 1.0, k steps lead to one pair of numbers; a mixture would break the pair.
            reference = [SimpleNamespace(data=1.0, grad=1.0)]
            alone = SGD(reference, lr=0.1, momentum=0.9)
            while reference[0].data > params[0].data:
                alone.step()
            assert [reference[0].data, alone.state_dict()["state"].get("momentum_buffer", [None])[0]] == [
                params[0].data,
                buffer[0],
            ]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, outer)
        gc.enable()
