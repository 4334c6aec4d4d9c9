"""Recurrences: turns that follow each other found again in straight-line programs, against the eager engine."""

from __future__ import annotations

import copy
import math
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loops import gradients, look_for_in_short_programs

import autograd_mini as ag
from autograd_mini import Parameter, Value, replay
from autograd_mini.compiler import BACKENDS, recurrences

np = pytest.importorskip("numpy")

every_backend = pytest.mark.parametrize("backend", [name for name, row in BACKENDS.items() if row.available])


@pytest.fixture(autouse=True)
def _short_programs_are_looked_at_too(monkeypatch):
    look_for_in_short_programs(monkeypatch)


def agrees(compute, leaves, backend, loops, *, chooses=False):
    """Check a loss against its compiled function and, unless it chooses, its replay; return the last of them."""
    found = [ag.jit(compute, backend=backend), *([] if chooses else [replay(compute(), backend=backend)])]
    start = [leaf.data for leaf in leaves]
    for shift in (0.0625, 0.0):
        for leaf, number in zip(leaves, start, strict=True):
            leaf.data = number + shift
        loss = compute()
        loss.backward()
        expected = gradients(leaves)
        for again in found:
            assert np.allclose(again(), loss.data, rtol=1e-9, atol=1e-12, equal_nan=True)
            assert np.allclose(again.backward(), loss.data, rtol=1e-9, atol=1e-12, equal_nan=True)
            assert np.allclose(gradients(leaves), expected, rtol=1e-8, atol=1e-9, equal_nan=True)
    if loops is not None:
        assert [again.stats.get("loops", "").split(" = ")[-1][: len(loops)] for again in found] == [loops] * len(found)
    return found[-1]


W = [[Parameter(0.3 * math.sin(7 * i + j)) for j in range(3)] for i in range(3)]
A, B, C = Parameter(0.5), Parameter(-0.4), Parameter(0.1)
LEAVES = [A, B, C, *[w for row in W for w in row]]
XS = np.sin(np.arange(30.0)).tolist()


def last_state():
    h = 0.0
    for x in XS:
        h = ag.tanh(A * h + B * x + C)
    return h * h


def added_on_the_way():
    h, total = 0.0, 0.0
    for x in XS:
        h = ag.tanh(A * h + B * x + C)
        total = total + (h - x) ** 2
    return total / len(XS)


def added_afterwards():
    h, errors = 0.0, []
    for x in XS:
        h = ag.tanh(A * h + B * x + C)
        errors.append((h - x) ** 2)
    return sum(errors) / len(errors)


def every_state_used():
    h, states = A, []
    for x in XS:
        h = ag.tanh(B * h + x)
        states.append(h)
    return sum(h * math.cos(at) for at, h in enumerate(states)) * ag.log(1.0 + states[3] ** 2)


def three_units():
    h, total = [0.0, 0.0, 0.0], 0.0
    for x in XS:
        h = [ag.tanh(sum(w * number for w, number in zip(row, h, strict=True)) + B * x) for row in W]
        total = total + (h[0] - x) ** 2
    return total + h[1] * h[2]


def two_turns_back():
    a, b = A, B
    for x in XS:
        a, b = b, ag.sin(a * 0.5 + b * C + x)
    return a * b


def leapfrog():
    q, p = A, B
    for _ in range(40):
        p = p - 0.1 * ag.sin(q) * C
        q = q + 0.1 * p
    return q * q + p * p


def leaky():
    h = 0.0
    for x in XS:
        new = A * h + B * x
        h = ag.where(new > 0.0, new, 0.1 * new)
    return h * h


def reset_where_large():
    h, total = C, 0.0
    for x in XS:
        h = ag.tanh(A * h + x)
        h = ag.where(abs(h) > 0.9, B * x, h)
        total = total + h * h
    return total


def chosen_afterwards():
    h = C
    for x in XS:
        h = ag.tanh(A * h + B * x)
    return ag.where(h > 0.0, h, A * h * h)


def kalman():
    mean, variance, surprise = 0.0, 1.0, 0.0
    noise = ag.exp(B)
    for x in XS:
        variance = variance + ag.exp(A)
        total = variance + noise
        gain = variance / total
        surprise = surprise + 0.5 * ag.log(total) + 0.5 * (x - mean) ** 2 / total
        mean = mean + gain * (x - mean) * C
        variance = (1.0 - gain) * variance
    return surprise


PROGRAMS = {
    last_state: "30 × 5",
    added_on_the_way: "",
    added_afterwards: "30 × 7",
    every_state_used: "30 × 3",
    three_units: "",
    two_turns_back: "30 × 5",
    leapfrog: "40 × 6",
    kalman: "",
}
CHOOSING = {leaky: "30 × 6", reset_where_large: "", chosen_afterwards: "30 × 4"}


@every_backend
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_loop_over_time_is_a_loop_again(backend, program):
    again = agrees(program, LEAVES, backend, PROGRAMS[program])
    assert "×" in again.stats["loops"]


@every_backend
@pytest.mark.parametrize("program", CHOOSING, ids=lambda program: program.__name__)
def test_a_loop_over_time_that_chooses_is_a_loop_again(backend, program):
    again = agrees(program, LEAVES, backend, CHOOSING[program], chooses=True)
    assert "×" in again.stats["loops"]


OPERATIONS = [
    lambda a, b: a * b * 0.5,
    lambda a, b: a + b,
    lambda a, b: a - b * 0.5,
    lambda a, b: ag.tanh(a) + b,
    ag.maximum,
    lambda a, _: ag.relu(a) + 0.1,
    lambda a, b: ag.sigmoid(a) / (1.0 + b * b),
    lambda a, _: ag.sin(a),
    lambda a, b: abs(a) ** 1.5 - b,
    lambda a, b: ag.where(a > b, a * 0.5, b - 0.25),
    lambda a, b: ag.where((a > 0.0) & (b < 1.0), ag.sqrt(abs(a)), 1.0 / (1.0 + b)),
    lambda a, b: ag.clip(a, -0.75, 0.75) + 0.1 * b,
]

numbers = st.floats(-1.5, 1.5).map(lambda x: round(x, 3))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_random_recurrences_agree_with_eager_code(data):
    steps = data.draw(
        st.lists(st.tuples(st.integers(0, 11), st.integers(0, 20), st.integers(0, 20)), min_size=3, max_size=7)
    )
    turns, states, special = data.draw(st.integers(9, 14)), data.draw(st.integers(1, 3)), st.sampled_from([math.inf])
    leaves = [Parameter(data.draw(numbers)) for _ in range(3)]
    xs = [data.draw(numbers | special if data.draw(st.booleans()) else numbers) for _ in range(turns)]
    inputs = [Value(x) for x in xs] if data.draw(st.booleans()) else xs
    start = data.draw(st.sampled_from([0.0, leaves[0]]))
    ending = data.draw(st.sampled_from(["last", "sum", "all", "chosen"]))

    def compute():
        state, total, seen = [start] * states, 0.0, []
        for x in inputs:
            known = [*leaves, x, *state]
            for kind, first, second in steps:
                a, b = known[first % len(known)], known[second % len(known)]
                known.append(OPERATIONS[kind](a if isinstance(a, Value) else a + leaves[1], b + leaves[2]))
            state = [*state[1:], known[-1]]
            total = total + known[-2] * known[-1]
            seen.append(known[-1])
        ends = {
            "last": lambda: state[0] * state[-1],
            "sum": lambda: total,
            "all": lambda: sum(y * y for y in seen),
            "chosen": lambda: ag.where(total > 0.0, total, leaves[0] * state[0]),
        }
        return ends[ending]() + leaves[0] * 0.5

    leaves += inputs if isinstance(inputs[0], Value) else []
    chooses = ending == "chosen" or any(kind > 8 for kind, *_ in steps)
    agrees(
        compute,
        leaves,
        data.draw(st.sampled_from(["python", "llvm"] if "llvm" in AVAILABLE else ["python"])),
        None,
        chooses=chooses,
    )


AVAILABLE = [name for name, row in BACKENDS.items() if row.available]


def test_comparisons_in_a_loop_over_time_are_checked():
    xs = [Value(x) for x in XS]

    def compute():
        h = 0.0
        for x in xs:
            h = ag.tanh(A * h + B * x + C)
            h = h if h < 0.9 else h * 0.5
        return h * h

    again, loss = replay(compute, backend="python"), compute()
    loss.backward()
    expected = gradients([A, B, C])
    assert math.isclose(again.backward(), loss.data)
    assert np.allclose(gradients([A, B, C]), expected)
    xs[7].data = -1e3
    with pytest.raises(ag.TracingError, match=r"a comparison was (True|False) when"):
        again()


def test_samples_are_lanes_and_time_runs_within_them():
    def compute():
        total = 0.0
        for first in range(10):
            h = 0.0
            for x in XS[:9]:
                h = ag.tanh(A * h + B * x * first + C)
            total = total + h
        return total

    agrees(compute, [A, B, C], "python", "10 × ")


def test_turns_that_only_add_up_are_lanes_without_a_search_for_others(monkeypatch):
    def compute():
        total = 0.0
        for at, x in enumerate(XS):
            total = total + (ag.tanh(A * x + B) - C * at) ** 2
        return total / len(XS)

    monkeypatch.setattr(recurrences, "rerolled", None)
    again = agrees(compute, [A, B, C], "python", "30 × ")
    assert again.stats["loops"] == "211 operations = 30 × 6 + 31"


@every_backend
def test_a_branch_not_taken_keeps_its_derivative_out_of_the_turns_before(backend):
    w = Parameter(0.0)

    def compute():
        h = w
        for at in range(12):
            h = ag.where(w + 1.0 > at, ag.sqrt(h * h), w + 0.5)
        return h

    def afterwards():
        h = w
        for at in range(12):
            h = ag.sqrt(h * h) + 0.5 * at
        return ag.where(w > 0.5, h, w * 3.0)

    for program, numbers in ((compute, (0.0, 1.5, 0.0, 20.0)), (afterwards, (0.0, 1.0, 0.0))):
        fast = ag.jit(program, backend=backend)
        for number in numbers:  # the slope of the square root is infinite where w is 0
            w.data = number
            loss = program()
            loss.backward()
            expected = gradients([w])
            assert math.isclose(fast.backward(), loss.data, rel_tol=1e-12)
            assert np.allclose(gradients([w]), expected, rtol=1e-12)
            assert np.isfinite(expected).all()
        assert "×" in fast.stats["loops"]
        w.data = 0.0
        again = pickle.loads(pickle.dumps(fast))  # noqa: S301 - our own
        assert again.backward() == fast.backward()
        assert gradients(again.parameters) == gradients([w])


@every_backend
def test_a_gradient_that_is_nan_is_that_of_eager_code(backend):
    def compute():
        h = A
        for x in XS:
            h = ag.where(x > 0.0, h * h - 1e200 * h, h * math.inf)
        return h

    agrees(compute, [A], backend, "", chooses=True)


def test_a_recurrence_is_pickled_and_copied():
    again = replay(three_units(), backend="python")
    expected = again()
    for other in (pickle.loads(pickle.dumps(again)), copy.deepcopy(again)):  # noqa: S301 - our own
        assert other() == expected
        assert "×" in other.stats["loops"]


def test_the_source_and_the_c_text_of_a_recurrence_are_those_without_loops():
    fast = ag.jit(last_state, backend="python")
    fast()
    assert fast.source.count("tanh") == 30
    assert fast.c(name="loss").count("tanh(") >= 30


@pytest.mark.skipif("llvm" not in AVAILABLE, reason="llvmlite is not installed")
def test_a_long_turn_is_called_and_not_written_into_the_loop():
    def compute():
        h = [A, B, C]
        for x in XS[:12]:
            for _ in range(40):
                h = [ag.tanh(sum(w * number for w, number in zip(row, h, strict=True)) + x) for row in W]
            h = [h[0] * x, h[1] - h[2], h[2]]
        return h[0] * h[1] * h[2]

    agrees(compute, LEAVES, "llvm", None)
