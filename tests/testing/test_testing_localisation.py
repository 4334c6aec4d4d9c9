"""Which of many partial derivatives are wrong, and what a check of many, or of slow ones, costs."""

from __future__ import annotations

import math
import time
from functools import wraps

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_mini.testing import check_grad

np = pytest.importorskip("numpy")


def sine(size, seed=0):
    """Return a sum of sines of many inputs, its gradient, and a point."""
    rng = np.random.default_rng(seed)
    c, x = rng.normal(size=size), rng.normal(size=size)
    return (lambda x: float(np.sum(np.sin(x) * c))), (lambda x: np.cos(x) * c), x


@settings(max_examples=5, deadline=None)
@given(st.sets(st.integers(0, 149), min_size=1, max_size=5), st.floats(1.01, 2))
def test_all_the_wrong_components_are_listed_and_no_other(wrong, factor):
    f, df, x = sine(150)
    factors = np.ones(150)
    factors[list(wrong)] = factor
    report = check_grad(f, lambda x: factors * df(x), at=x)
    assert report.verdict == "wrong"
    assert report.witness.axis in wrong
    assert report.wrong == ", ".join(f"x[{i}]" for i in sorted(wrong))


def test_arrays_and_rows_are_named_where_all_of_them_is_wrong():
    def f(w, b):
        return float(np.sum(np.sin(w)) + np.sum(np.cos(b)))

    def df(w, b):
        return np.cos(w) * np.where(np.arange(5) == 3, 1.5, 1)[:, None], -2 * np.sin(b)

    at = np.linspace(0.1, 1, 20).reshape(5, 4), np.linspace(0.2, 1, 7)
    assert check_grad(f, df, at=at).wrong == "row 3 of w, all of b"
    assert "  wrong: row 3 of w, all of b" in str(check_grad(f, df, at=at))


@pytest.mark.parametrize("as_list", [False, True])
def test_a_thousand_inputs_cost_hardly_more_than_one(as_list):
    f, df, x = sine(1000)
    if as_list:
        x = x.tolist()
    right = check_grad(f, lambda x: df(np.array(x)), at=x)
    assert right.ok
    assert right.calls.g < 300
    wrong = check_grad(f, lambda x: df(np.array(x)) * (1 + 0.01 * (np.arange(1000) == 337)), at=x)
    assert wrong.witness.axis == 337
    assert wrong.calls.f < 2000
    assert wrong.calls.g < 1000
    assert "np.float64" not in str(wrong)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 29), st.integers(0, 19), st.integers(0, 100))
def test_a_wrong_entry_of_a_jacobian_is_found_at_the_price_of_a_gradient(row, column, seed):
    rng = np.random.default_rng(seed)
    a, x = rng.normal(size=(30, 20)), rng.normal(size=20)
    f = lambda x: np.tanh(a @ x / 4)  # noqa: E731
    df = lambda x: (1 - f(x) ** 2)[:, None] * a / 4  # noqa: E731

    def wrong(x):
        rows = df(x)
        rows[row, column] *= 1.1
        return rows

    right = check_grad(f, df, at=x)
    assert right.verdict == "correct"
    assert right.calls.g < 1000
    report = check_grad(f, wrong, at=x)
    assert report.verdict == "wrong"
    assert (report.witness.output, report.witness.wrt) == (f"f[{row}]", f"x[{column}]")
    assert report.wrong == f"row {row}; of row {row}: x[{column}]"


def test_a_jacobian_as_lists_is_checked_by_projections_too():
    f = lambda x: [math.sin(x[0] * k) * x[1] for k in range(1, 9)]  # noqa: E731
    df = lambda x: [[k * math.cos(x[0] * k) * x[1], math.sin(x[0] * k)] for k in range(1, 9)]  # noqa: E731
    assert check_grad(f, df, at=[0.3, 0.7]).ok
    assert check_grad(f, df, at=[0.3, 0.7], domain=(0.1, 1)).ok
    wrong = check_grad(f, lambda x: [[u, v + (k == 4)] for k, (u, v) in enumerate(df(x))], at=[0.3, 0.7])
    assert (wrong.witness.output, wrong.witness.wrt) == ("f[4]", "x[1]")


def test_a_derivative_that_always_raises_is_said_after_a_few_calls():
    for options in ({"at": 1.0}, {"domain": [(-3, 3)]}):
        report = check_grad(math.sin, lambda x: 1 / 0 * x, **options)
        assert report.cause == f"df raised ZeroDivisionError: division by zero at x={report.cause.rpartition('=')[2]}"
        assert report.calls.g <= 16


def test_a_budget_of_seconds_ends_a_check():
    def slow(x):
        time.sleep(0.01)
        return math.sin(x)

    start = time.perf_counter()
    report = check_grad(slow, lambda x: -math.cos(x), at=1.0, seconds=0.2)
    assert time.perf_counter() - start < 2
    assert report.verdict in {"wrong", "unresolved"}
    assert check_grad(slow, math.cos, at=1.0, seconds=0.02).note == "the budget of seconds is spent"
    with pytest.raises(ValueError, match="seconds is 0, expected a number above 0"):
        check_grad(slow, math.cos, at=1.0, seconds=0)


SLOW = {
    "sign": (math.sin, lambda x: -math.cos(x), 1.0, "sign"),
    "small factor": (math.tanh, lambda x: 1.00001 / math.cosh(x) ** 2, 0.5, "factor"),
    "power": (math.log, lambda x: 1 / x**2, 2.5, "exponent"),
    "swap": (
        lambda x, y: math.sin(x) * y * y,
        lambda x, y: (2 * math.sin(x) * y, math.cos(x) * y * y),
        (0.7, 1.2),
        "swap",
    ),
    "one of 8": (
        lambda v: sum(math.sin(x) for x in v),
        lambda v: [math.cos(x) * (1 + (i == 5)) for i, x in enumerate(v)],
        [0.3, 0.5, -1.2, 0.8, 2.2, 1.1, 0.4, -0.6],
        "factor",
    ),
}
"""Wrong derivatives with their points and causes."""


@pytest.mark.parametrize("name", SLOW)
def test_where_a_call_takes_long_a_verdict_takes_60_and_its_explanation_60_more(name, monkeypatch):
    f, df, at, cause = SLOW[name]
    now = 0.0

    def timed(function):
        @wraps(function)
        def later(*args):
            nonlocal now
            now += 0.2
            return function(*args)

        return later

    monkeypatch.setattr("autograd_mini.testing.problem.perf_counter", lambda: now)
    verdict = check_grad(timed(f), timed(df), at=at, explained=False)
    report = check_grad(timed(f), timed(df), at=at)
    assert verdict.verdict == report.verdict == "wrong"
    assert verdict.calls.f <= 60
    assert report.calls.f - verdict.calls.f <= 60
    assert report.cause_kind == cause
    assert report.witness is not None


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 12), st.sampled_from([1.0, -1.0]), st.booleans())
def test_no_budget_of_seconds_makes_a_check_raise_or_run_on(calls, inputs, factor, over):
    now = 0.0

    def wait(result):
        nonlocal now
        now += 0.1
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autograd_mini.testing.problem.perf_counter", lambda: now)
        patch.setattr("autograd_mini.testing.gradcheck.perf_counter", lambda: now)
        report = check_grad(
            lambda v: wait(sum(map(math.sin, v))),
            lambda v: wait([factor * math.cos(x) for x in v]),
            at=[0.3 + i / 10 for i in range(inputs)],
            domain=(0.1, 2.0) if over else None,
            seconds=calls / 10 - 0.05,
        )
    assert report.calls.f + report.calls.g <= calls + 1
    assert report.verdict != ("correct" if factor < 0 else "wrong")


def test_one_wrong_component_of_many_whose_terms_cancel_is_the_only_one_that_is_named():
    x = np.linspace(-1, 1, 20_000)  # the sum is nearly 0, so its own rounding says nothing about that of its terms
    factors = np.ones(x.size)
    factors[777] = 1.01
    assert check_grad(lambda x: np.sin(x).sum(), lambda x: factors * np.cos(x), at=x).wrong == "x[777]"
