"""Recording: blocks without it, nested, left by an exception, as a decorator, and in threads."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import programs, run

import autograd_mini as ag
from autograd_mini import Parameter, Value, gradient, is_recording, no_grad
from autograd_mini.engine import hooks
from autograd_mini.engine.hooks import Hook, on_result
from autograd_mini.engine.value import ABSENT

INHERITED = bool(getattr(sys.flags, "thread_inherit_context", False))
"""Whether a thread starts in the context of the one that starts it, as on free-threaded Python from 3.14 on."""


@given(programs())
def test_without_recording_the_values_are_the_same_and_every_result_is_a_leaf(program):
    _, results, _ = run(program)
    with no_grad():
        leaves, silent, _ = run(program)
    assert [node.data.hex() for node in silent] == [node.data.hex() for node in results]
    for node in silent[len(leaves) :]:
        assert type(node) is Value
        assert (node.args, node.op) == ((), "")
    silent[-1].backward()
    assert all(leaf.grad == 0.0 for leaf in leaves if leaf is not silent[-1])


@given(st.lists(st.booleans(), max_size=12))
def test_blocks_nest_and_recording_resumes_when_the_last_is_left(leave_by_exception):
    x = Value(3.0)
    with contextlib.ExitStack() as stack:
        for raises in leave_by_exception:
            if raises:
                with pytest.raises(ZeroDivisionError), no_grad():
                    _ = 1 // is_recording()
            else:
                stack.enter_context(no_grad())
            assert is_recording() == bool((x * x).args)
        assert is_recording() == all(leave_by_exception)
    assert is_recording()
    assert (x * x).args == (x, x)


def test_one_block_object_may_be_entered_again_inside_itself():
    block = no_grad()
    with block:
        with block:
            assert not is_recording()
        assert not is_recording()
    assert is_recording()
    with block:
        assert not is_recording()
    assert is_recording()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_recording_resumes_after_any_exception(error):
    with pytest.raises(error), no_grad():
        raise error
    assert is_recording()
    assert (Value(1.0) + 1).args


def test_an_error_of_an_operation_in_a_block_leaves_recording_on():
    with pytest.raises(TypeError), no_grad():
        Value(1.0) + "a"
    assert is_recording()


def test_every_kind_of_result_forgets_its_operands():
    x, p = Value(0.5), Parameter(0.25)
    with no_grad():
        results = [
            x + p,
            1 - x,
            x**p,
            -p,
            abs(x),
            x.exp(),
            ag.erf(p),
            ag.maximum(x, p),
            ag.where(x > 0, x, p),
            round(x, 1),
        ]
        results += [
            *divmod(x, p),
            *ag.softmax([x, p]),
            ag.mean([x, p]),
            sum([x, p]),
            ag.clip(x, 0, 1),
            ag.where(True, x, 1),
        ]
        results += [ag.operation("silent", "x * 2", "2")(x)]
        x += 1
    for result in [*results, x]:
        assert (result.args, type(result).__name__) == ((), "Value")


def test_a_choice_in_a_block_is_a_new_leaf_and_not_its_operand():
    x = Value(2.0)
    with no_grad():
        y = ag.where(True, x, 0.0)
    y.data = 5.0
    assert x.data == 2.0


def test_leaves_made_and_assigned_in_a_block_are_ordinary():
    with no_grad():
        p = Parameter(2.0, label="p")
        p.data -= 0.5
        p.note = 1
    assert (type(p), p.label, p.data, p.note) == (Parameter, "p", 1.5, 1)
    (p * p).backward()
    assert p.grad == 3.0


def test_a_graph_made_before_a_block_runs_backward_in_it():
    x = Value(3.0)
    y = x * x
    with no_grad():
        y.backward()
        slope = gradient(y, x)
    assert x.grad == 6.0
    assert (slope.data, slope.args) == (6.0, ())


def test_results_of_a_block_are_constants_of_what_follows():
    x = Value(3.0)
    with no_grad():
        scale = x * 2
    (x * scale).backward()
    assert (x.grad, scale.grad) == (6.0, 3.0)


def test_a_decorated_function_keeps_its_name_arguments_and_result():
    @no_grad()
    def scaled(x, *, by=2):
        """Scale."""
        return [x * by], is_recording()

    x = Value(3.0)
    (result,), recording = scaled(x, by=5)
    assert (result.data, result.args, recording) == (15.0, (), False)
    assert (scaled.__name__, scaled.__doc__) == ("scaled", "Scale.")
    assert is_recording()


def test_a_decorated_function_may_call_itself_and_raise():
    @no_grad()
    def down(n):
        if n == 0:
            raise LookupError
        down(n - 1)

    with pytest.raises(LookupError):
        down(5)
    assert is_recording()


def test_a_decorated_method_gets_its_object():
    class Model:
        @no_grad()
        def predict(self, x):
            return self, x * x

    model = Model()
    found, y = model.predict(Value(2.0))
    assert found is model
    assert y.args == ()


def test_a_decorated_generator_records_in_no_step_and_its_caller_does():
    @no_grad()
    def squares(xs):
        for x in xs:
            yield x * x

    x = Value(2.0)
    for square in squares([x, x]):
        assert square.args == (), "in the generator"
        assert (x * x).args, "between its steps"
    assert is_recording()


def test_a_decorated_coroutine_does_not_record_and_its_caller_does():
    @no_grad()
    async def square(x):
        await asyncio.sleep(0)
        return x * x

    assert asyncio.run(square(Value(2.0))).args == ()
    assert is_recording()


def test_a_block_pauses_its_own_thread_alone():
    x = Value(2.0)
    inside, release = threading.Event(), threading.Event()

    def pause():
        with no_grad():
            inside.set()
            release.wait(10)
            return is_recording(), (x * x).args

    with ThreadPoolExecutor(1) as pool:
        paused = pool.submit(pause)
        inside.wait(10)
        assert is_recording()
        assert (x * x).args == (x, x)
        release.set()
        assert paused.result() == (False, ())
    with no_grad(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(is_recording).result() != INHERITED
    assert is_recording()


def test_a_context_that_is_handed_on_holds_a_block_until_it_ends():
    x = Value(2.0)
    tried, ended = threading.Event(), threading.Event()

    def work():
        seen = [is_recording(), bool((x * x).args)]
        with ag.origin():
            seen.append(is_recording())
            tried.set()
            ended.wait(10)
        with ag.anomaly():  # which is a hook, so that results are shown to those that are on
            return [*seen, is_recording(), bool((x * x).args)]

    with ThreadPoolExecutor(1) as pool:
        with no_grad():
            worked = pool.submit(contextvars.copy_context().run, work)
            tried.wait(10)
        ended.set()
        assert worked.result() == [False, False, False, True, True]


def test_a_task_that_outlives_the_block_it_was_started_in_records_again():
    x = Value(2.0)

    async def started():
        before = is_recording()
        await asyncio.sleep(0)
        with ag.origin():
            return before, is_recording(), bool((x * x).args)

    async def main():
        with no_grad():
            task = asyncio.create_task(started())
            await asyncio.sleep(0)
        return await task

    assert asyncio.run(main()) == (False, True, True)


def test_eight_threads_that_pause_and_resume_never_meet():
    x = Value(3.0)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    start = threading.Barrier(8)

    def work(i):
        start.wait()
        for _ in range(300):
            if (x * i).args != (x, float(i)):
                return False
            with no_grad():
                if (x + i).args != ():
                    return False
                with no_grad():
                    pass
                if (x - i).args != () or is_recording():
                    return False
        return is_recording()

    try:
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(work, range(8)))
    finally:
        sys.setswitchinterval(interval)
    assert (x * x).args


def test_a_detached_value_is_a_new_leaf_with_the_number_and_label():
    x = Value(3.0, label="x")
    y = x * x
    y.label = "y"
    y.backward()
    d = y.detach()
    assert (d.symbolic, d.data, d.label, d.args, d.has_grad) == (False, 9.0, "y", (), False)
    d.data = 1.0
    assert y.data == 9.0
    z = x * y.detach()
    x.grad = 0
    z.backward()
    assert x.grad == 9.0
    assert x.detach() is not x


def test_a_block_keeps_no_node_alive():
    def count():
        return sum(issubclass(type(thing), Value) for thing in gc.get_objects())

    gc.collect()
    before = count()
    with no_grad():
        y = Value(1.0)
        for _ in range(100):
            y = y * 1.5
        y = None
        assert count() == before
    assert y is None


def test_a_choice_in_a_block_keeps_nothing_of_its_operands():
    with no_grad():
        largest = Value(0.0)
        for step in range(10):
            x = Value(float(step))
            largest = ag.where(x > largest, x, largest)
    below, seen = [largest], 0
    while below:
        seen += 1
        below += [held for held in gc.get_referents(below.pop()) if isinstance(held, (Value, tuple)) and held != ABSENT]
    assert seen == 1


def test_a_hook_that_leaves_while_a_node_is_shown_hides_it_from_no_other():
    class Leaving(Hook):
        def result(self, node):
            self.leave()
            return node

    class Shown(Hook):
        def result(self, node):
            shown.append(node)
            return node

    shown = []
    kept = Shown()
    Leaving().enter()
    kept.enter()
    try:
        result = Value(1.0) + Value(2.0)
        Value(1.0) + Value(2.0)
    finally:
        kept.leave()
    assert shown[0] is result
    assert len(shown) == 2
    assert on_result == []


@pytest.mark.parametrize("kind", [no_grad, ag.origin])
@pytest.mark.parametrize("wrong", [False, 3, len])
def test_a_block_without_settings_refuses_them(kind, wrong):
    with pytest.raises(TypeError, match=r"\(\) is given .*, expected nothing, or a function to decorate"):
        kind(wrong)
    with pytest.raises(TypeError, match="is given enabled=False"):
        kind(enabled=False)


@pytest.mark.parametrize("block", [no_grad, no_grad()])
def test_a_decorator_may_be_written_without_parentheses(block):
    @block
    def square(x):
        return x * x

    assert square.__name__ == "square"
    assert square(Value(3.0)).args == ()
    assert is_recording()


@pytest.mark.parametrize("questions", range(4))
def test_a_hook_that_another_thread_leaves_at_any_moment_is_called_or_not(monkeypatch, questions):
    class Leaving(list):
        asked = 0

        def __len__(self):
            length = super().__len__()
            if self.asked == questions:
                self.clear()
            self.asked += 1
            return length

    hook = Hook()
    monkeypatch.setattr(hooks, "everywhere", Leaving([hook]))
    assert hooks.current() in {(), (hook,)}
