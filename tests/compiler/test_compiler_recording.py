"""Recordings: a graph that exists, computed again for other numbers, with its gradient, and the checks of its path."""

from __future__ import annotations

import copy
import math
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import Parameter, TracingError, Value, replay
from autograd_mini.compiler import BACKENDS

np = pytest.importorskip("numpy")

AVAILABLE = [name for name, row in BACKENDS.items() if row.available]
every_backend = pytest.mark.parametrize("backend", AVAILABLE)


def gradients(leaves):
    found = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.grad = None
    return found


def branching(leaves, steps):
    """A computation with every kind of node, that branches by no number."""
    a, b, c = leaves
    for kind in steps:
        a, b, c = [
            lambda a, b, c: (a * b + c, c, 2.0 - a),
            lambda a, b, c: (ag.tanh(a), ag.maximum(b, c), a / 3.0),
            lambda a, b, c: (ag.where(c, a, b * 2.0), b**2, ag.relu(c)),
            lambda a, b, c: (3.0 - b, ag.hypot(a, b), -c),
            lambda a, b, c: (a + a, ag.sigmoid(c), abs(b)),
        ][kind](a, b, c)
    return a + b * c


@every_backend
@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.lists(st.floats(-2.0, 2.0), min_size=6, max_size=6))
def test_a_replayed_graph_is_what_the_code_would_compute_now(backend, steps, numbers):
    leaves = [Parameter(number) for number in numbers[:3]]
    again = replay(branching(leaves, steps), backend=backend)
    for now in (numbers[3:], numbers[:3]):
        for leaf, number in zip(leaves, now, strict=True):
            leaf.data = number
        loss = branching(leaves, steps)
        loss.backward()
        expected = gradients(leaves)
        assert math.isclose(again(), loss.data, rel_tol=1e-9, abs_tol=1e-9)
        assert math.isclose(again.backward(), loss.data, rel_tol=1e-9, abs_tol=1e-9)
        assert np.allclose(gradients(leaves), expected, rtol=1e-9, atol=1e-9)
        value, slope = again.value_and_grad([leaf.data for leaf in again.parameters])
        places = {id(leaf): at for at, leaf in enumerate(leaves)}
        assert math.isclose(value, loss.data, rel_tol=1e-9, abs_tol=1e-9)
        assert np.allclose(slope, [expected[places[id(leaf)]] for leaf in again.parameters], rtol=1e-9, atol=1e-9)


@every_backend
def test_training_by_hand_takes_the_same_steps_replayed(backend):
    def trained(once):
        model = ag.MLP(2, [4, 1], seed=0)
        X, y = [[0.1, 0.5], [-0.3, 0.2], [0.7, -0.9]], [1.0, -1.0, 1.0]

        def compute():
            return sum((model(x) - t) ** 2 for x, t in zip(X, y, strict=True)) / len(X)

        loss, losses = compute(), []
        again = replay(loss, backend=backend) if once else None
        for _ in range(20):
            model.zero_grad()
            if again is None:
                loss = compute()
                loss.backward()
                losses.append(loss.data)
            else:
                losses.append(again.backward())
            for p in model.parameters():
                p.data -= 0.1 * p.grad
        return losses

    assert np.allclose(trained(once=True), trained(once=False), rtol=1e-10)


def test_what_is_no_result_is_refused():
    for loss in (3.0, None, [Value(1.0) * 2.0]):
        with pytest.raises(TypeError, match="expected a Value, or a function that returns one"):
            ag.replay(loss)


def test_the_python_code_runs_once():
    runs, x = [], Value(2.0)

    def loss():
        runs.append(1)
        return x * x

    again = replay(loss, backend="python")
    x.data = 5.0
    assert (again(), again.backward(), x.grad, len(runs)) == (25.0, 25.0, 10.0, 1)
    assert again.stats["operations"]["prune"] == 2
    assert "x0 * x0" in again.source


@every_backend
@pytest.mark.parametrize("ask", [
    lambda x: x if x > 1.0 else -x,
    lambda x: x if 1.0 < x else -x,  # noqa: SIM300 - as people write it
    lambda x: max(x, Value(1.0)) * x,
    lambda x: x * sorted([x, 1.0 + 0.0 * x])[-1],  # noqa: FURB192 - as people write it
    lambda x: ag.where(x >= 1.0, x * x, -x),
    lambda x: x if (x - 1.0 > 0.0) == True else -x,  # noqa: E712 - as people write it
    lambda x: x if ag.relu(x - 1.0) else -x,
])  # fmt: skip
def test_a_comparison_that_flips_is_an_error_or_the_fallback(backend, ask):
    x = Parameter(2.0)
    again = replay(lambda: ask(x), backend=backend)
    x.data = 3.0
    assert again() == ask(x).data
    x.data = 0.5
    with pytest.raises(TracingError, match=r"a comparison was .* in .*test_compiler_recording\.py"):
        again()
    with pytest.raises(TracingError, match="record the graph again, or give replay a fallback"):
        again.backward()
    assert not x.has_grad
    with pytest.raises(TracingError):
        again.value_and_grad([0.5, *[leaf.data for leaf in again.parameters[1:]]])
    x.data = 2.0
    kept = replay(lambda: ask(x), fallback=lambda: ask(x), backend=backend)
    x.data = 0.5
    loss = ask(x)
    loss.backward()
    expected = gradients([x])
    assert (kept(), kept.backward(), gradients([x])) == (loss.data, loss.data, expected)
    x.data = 2.5
    assert kept() == ask(x).data


def test_a_loop_until_convergence_is_checked_for_its_number_of_turns():
    a = Parameter(2.0)

    def root():
        x = a
        while abs(x * x - a) > 1e-9:
            x = 0.5 * (x + a / x)
        return x

    again = replay(root, fallback=root, backend="python")
    for number in (2.0, 2.01, 900.0, 1e-3):
        a.data = number
        assert math.isclose(again(), math.sqrt(number), rel_tol=1e-6)


def test_nan_counts_as_not_less_nor_greater():
    x = Parameter(1.0)
    again = replay(lambda: x * 2.0 if x < 3.0 else x, backend="python")
    x.data = math.nan
    with pytest.raises(TracingError, match="was True"):
        again()
    other = replay(lambda: x * 2.0 if x < 3.0 else x * 1.0, backend="python")
    assert math.isnan(other())


def test_the_condition_of_a_where_that_is_a_value_is_computed_again():
    x = Parameter(0.0)
    again = replay(ag.where(x, 2.0 * x, 5.0), backend="python")
    assert again() == 5.0
    x.data = 3.0
    assert (again(), again.backward(), x.grad) == (6.0, 6.0, 2.0)


def test_every_leaf_receives_its_gradient_as_in_eager_code():
    w, x, unused = Parameter(2.0), Value(3.0), Parameter(1.0)
    again = replay(w * x + x, backend="python")
    again.backward()
    again.backward()
    assert (w.grad, x.grad, unused.has_grad) == (6.0, 6.0, False)
    assert again.parameters == [w, x]


def test_what_cannot_be_replayed_is_refused():
    x = Parameter(2.0)
    with pytest.raises(TypeError, match=r"loss is 3\.0 of type float, expected a Value"):
        replay(lambda: 3.0)
    with pytest.raises(TypeError, match="expected"):
        replay(3.0)
    with pytest.raises(ValueError, match="no operation computed"):
        replay(x)
    with pytest.raises(ValueError, match="backend"):
        replay(x * x, backend="fortran")
    solve = ag.custom_gradient(lambda a: a**0.5, lambda a: 0.5 / a**0.5)
    with pytest.raises(TracingError, match="leave that call out"):
        replay(solve(x) * 2.0)
    again = replay(lambda: x * 1.0 if x > 0.0 else -x, backend="python", fallback=lambda: 7)
    x.data = -1.0
    with pytest.raises(TypeError, match="fallback returned 7"):
        again()


def test_a_graph_recorded_inside_no_grad_is_recorded_all_the_same():
    x = Parameter(2.0)
    with ag.no_grad():
        again = replay(lambda: x * x, backend="python")
        assert (x * x).args == ()
    assert again.backward() == 4.0
    assert x.grad == 4.0


def test_comparisons_outside_of_a_recording_are_not_noted():
    from autograd_mini.engine import hooks

    x = Parameter(2.0)
    again = replay(lambda: x * x, backend="python")
    assert hooks.on_compare == []
    assert x > 1.0
    x.data = 0.5
    assert again() == 0.25
    with pytest.raises(ZeroDivisionError):
        replay(lambda: 1 // 0)
    assert hooks.on_compare == []


@every_backend
def test_a_recording_can_be_copied_and_pickled(backend):
    x = Parameter(2.0)
    again = replay(lambda: x * x * x if x > 0.0 else x * 1.0, backend=backend)
    for twin in (copy.deepcopy(again), pickle.loads(pickle.dumps(again))):  # noqa: S301 - our own
        assert twin.parameters[0] is not x
        twin.parameters[0].data = 3.0
        assert (twin(), twin.backward(), twin.parameters[0].grad) == (27.0, 27.0, 27.0)
        twin.parameters[0].data = -3.0
        with pytest.raises(TracingError, match="a comparison was True"):
            twin()
    assert again() == 8.0


def test_a_long_graph_is_replayed_without_recursion():
    x = y = Parameter(1.0)
    for _ in range(20_000):
        y = y * 1.0 + 1e-4
    again = replay(y, backend="python")
    x.data = 5.0
    assert math.isclose(again(), 7.0, rel_tol=1e-9)


def test_what_is_detached_on_the_way_stays_as_it_was_and_the_result_is_right():
    x = [Value(0.5), Value(-1.25)]
    again = replay(ag.logsumexp([x[0] * 3.0, x[1], ag.softplus(x[0])]) + ag.mean(x), backend="python")
    x[0].data = 2.0
    expected = ag.logsumexp([x[0] * 3.0, x[1], ag.softplus(x[0])]) + ag.mean(x)
    assert math.isclose(again(), expected.data, rel_tol=1e-12)
