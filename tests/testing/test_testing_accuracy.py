"""The checker where f is less accurate than its floats: what cancels, what is approximated, what a solver returns."""

# ruff: noqa: ARG005 - a constant function takes an argument that it does not need

from __future__ import annotations

import math
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autograd_mini.testing import check_grad
from autograd_mini.testing.libraries import PRECISIONS
from autograd_mini.testing.residuals import quantum_of

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

from checker_pairs import EXTREME_BOXES, EXTREMES, PARTS, chained
from checker_programs import program

points = st.floats(-10, 10)


def one_less_one(x):
    return math.sin(x) ** 2 + math.cos(x) ** 2 - 1


def sum_of_softmax_less_one(logits):
    powers = [math.exp(x - max(logits)) for x in logits]
    return sum(p / sum(powers) for p in powers) - 1


@settings(max_examples=60)
@given(points)
def test_what_rounding_leaves_of_terms_that_cancel_raises_no_alarm_at_a_point(x):
    assert check_grad(one_less_one, lambda x: 0.0, at=x, explained=False).verdict != "wrong"


@settings(max_examples=40)
@given(st.lists(st.floats(-4, 4), min_size=2, max_size=6))
def test_the_sum_of_a_softmax_raises_no_alarm(logits):
    report = check_grad(sum_of_softmax_less_one, lambda z: [0.0] * len(z), at=logits, explained=False)
    assert report.verdict != "wrong"


ZERO_BUT_FOR_ROUNDING = {
    "sine and cosine": (one_less_one, lambda x: 2 * math.sin(x) * math.cos(x) - math.sin(2 * x), 1),
    "square of a root": (lambda x: math.sqrt(abs(x)) ** 2 - abs(x), lambda x: 0.0, 1),
    "sum": (lambda x, y: (x + y) - x - y, lambda x, y: (0.0, 0.0), 2),
    "square of a sum": (
        lambda x, y: (x + y) ** 2 - x * x - 2 * x * y - y * y,
        lambda x, y: (2 * (x + y) - 2 * x - 2 * y,) * 2,
        2,
    ),
    "product with itself": (
        lambda *v: sum(v[i] * (v[j] * v[k + 3] - v[k] * v[j + 3]) for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1))),
        lambda *v: [1.1 * (a * b) - a * (1.1 * b) for a, b in zip(v, v[::-1], strict=True)],
        6,
    ),
    "differences from a mean": (
        lambda *v: sum(x - sum(v) / len(v) for x in v),
        lambda *v: [1 - sum(1 / len(v) for _ in v)] * len(v),
        7,
    ),
}  # fmt: skip
"""Functions that are 0 but for rounding, their derivatives, and how many inputs they have."""


@pytest.mark.parametrize("name", ZERO_BUT_FOR_ROUNDING)
@settings(max_examples=12)
@given(st.data())
def test_what_is_zero_but_for_rounding_is_never_wrong(name, data):
    f, df, count = ZERO_BUT_FOR_ROUNDING[name]
    number = st.floats(0.1, 10).flatmap(lambda size: st.sampled_from([-size, size]))
    point = data.draw(st.tuples(*[number] * count))
    report = check_grad(f, df, at=point, explained=False)
    assert report.verdict != "wrong"
    for claim in (1.0, 1e-6):
        assert check_grad(f, lambda *v, c=claim: [c] * count, at=point, explained=False).verdict == "wrong"


@pytest.mark.parametrize("name", ["square of a root", "sum", "product with itself", "differences from a mean"])
def test_what_is_zero_but_for_rounding_costs_little(name):
    f, df, count = ZERO_BUT_FOR_ROUNDING[name]
    report = check_grad(f, df, at=(1.9, 0.3, -0.4, 0.5, 2.3, 0.2, 1.4)[:count], explained=False, seed=1)
    assert report.calls.f <= 400
    assert report.ok or report.note.startswith(("f is constant but for rounding", "f is noise"))


@pytest.mark.parametrize("low", [-9, -3, -0.4])
def test_what_rounding_leaves_raises_no_alarm_over_a_domain(low):
    for high in (1.5, 7, 13):
        report = check_grad(one_less_one, lambda x: 0.0, domain={"x": (low, high)}, explained=False)
        assert report.verdict != "wrong"


@settings(max_examples=60)
@given(points, st.sampled_from([3e-14, 1e-12, 1e-10]), st.sampled_from([5, 20, 100]))
def test_an_approximation_as_good_as_a_librarys_raises_no_alarm(x, accuracy, wave):
    def exp(x):
        return math.exp(x) * (1 + accuracy * math.sin(wave * x))

    def tanh(x):
        return math.tanh(x) * (1 + accuracy * math.sin(wave * x))

    assert check_grad(exp, math.exp, at=x, explained=False).verdict == "correct"
    assert check_grad(tanh, lambda x: 1 / math.cosh(x) ** 2, at=x, explained=False).verdict != "wrong"


def test_an_approximation_raises_no_alarm_over_a_domain_and_mistakes_are_still_found():
    def f(x):
        return math.exp(x) * (1 + 3e-14 * math.sin(20 * x))

    assert check_grad(f, math.exp, domain={"x": (-3, 10)}).ok
    for mistake in (1 + 1e-6, 1.001, -1):
        report = check_grad(f, lambda x, m=mistake: m * math.exp(x), domain={"x": (-3, 10)}, explained=False)
        assert report.verdict == "wrong"


@pytest.mark.parametrize("error", [1e-14, 1e-13, 5e-13])
def test_a_relative_error_smaller_than_any_mistake_raises_no_alarm_where_f_is_less_accurate_far_away(error):
    def f(x):
        return x**7 * (1 if abs(x) < 8 else 1 + 1e-8)

    for x in (1.0, 3.0, 5.6):
        assert check_grad(f, lambda x: 7 * x**6 * (1 + error), at=x, explained=False).verdict == "correct"
        assert check_grad(f, lambda x: 7 * x**6 * (1 + 1e-6), at=x, explained=False).verdict == "wrong"


@pytest.mark.parametrize("power", [1.02, 1.05, 1.1, 1.3, 1.7])
def test_a_claim_that_the_gradients_beside_it_tend_to_slowly_is_right_and_another_is_not(power):
    def f(x):
        return math.copysign(abs(x) ** power, x)

    def df(x, there=0.0):
        return power * abs(x) ** (power - 1) if x else there

    assert check_grad(f, df, at=0.0).verdict == check_grad(f, df, domain=(-3.4, 3.5)).verdict == "correct"
    assert check_grad(f, lambda x: df(x, there=2.0), at=0.0, explained=False).verdict != "correct"


def test_a_function_with_more_kinks_than_a_line_can_be_split_for_is_right_and_a_mistake_in_it_is_found():
    rng = Random(1)
    units = [[rng.gauss(0, 1) for _ in range(6)] for _ in range(30)]

    def active(x):
        return [u for u in units if sum(w * v for w, v in zip(u, [*x, 1.0], strict=True)) > 0]

    def f(x):
        return sum(w * v for u in active(x) for w, v in zip(u, [*x, 1.0], strict=True))

    def df(x):
        return [sum(u[i] for u in active(x)) for i in range(5)]

    box = [(-2, 2)] * 5
    assert check_grad(f, df, domain=box).verdict == "correct"
    assert check_grad(f, lambda x: [1.01 * d for d in df(x)], domain=box, explained=False).verdict == "wrong"


SIXTH, LOG_TWO = 0.1666666716337204, 0.6931471824645996
"""1/6 and log 2 in single precision: 3e-8 and 3e-9 off."""


@settings(max_examples=40)
@given(st.floats(0.1, 2.8), st.sampled_from([-1, 1]))
def test_a_constant_in_single_precision_is_wrong_for_its_error_grows_with_the_length(x, sign):
    def clipped(x):
        return min(max(x + 3, 0), 6) / 6

    report = check_grad(clipped, lambda x: SIXTH * (abs(x) < 3), at=sign * x)
    assert (report.verdict, report.cause_kind) == ("wrong", "precision")
    report = check_grad(math.sin, lambda x: math.cos(x) * (1 + 3e-8), at=sign * x, explained=False)
    assert report.verdict == "wrong" or report.resolution > 2e-8


@pytest.mark.parametrize("domain", [(-6, 6), (-2.9, 2.9), (-6, -1), (0.01, 4)])
def test_a_constant_in_single_precision_is_wrong_over_a_domain(domain):
    report = check_grad(lambda x: min(max(x + 3, 0), 6) / 6, lambda x: SIXTH * (abs(x) < 3), domain=[domain])
    assert report.cause == "the claim agrees to 7 digits: it is computed in single precision"
    report = check_grad(lambda x: 2.0**x, lambda x: 2.0**x * LOG_TWO, domain=[domain])
    assert report.cause == "the claim agrees to 8 digits: it is computed with a constant in single precision"


@pytest.mark.parametrize("concentration", [0.7, 10.0, 28.0])
def test_the_distribution_functions_of_scipy_raise_no_alarm(concentration):
    stats = pytest.importorskip("scipy.stats")
    frozen = stats.vonmises(concentration)
    for x in (-2.3, -0.4, 0.9):
        assert check_grad(frozen.cdf, frozen.pdf, at=x, explained=False).verdict != "wrong"


@pytest.mark.parametrize("seed", [1000351, 12001949])
def test_a_term_that_f_rounds_away_raises_no_alarm(seed):
    made = program(seed)
    report = check_grad(lambda *at: made.run(at)[0], lambda *at: made.run(at)[1], at=made.point, explained=False)
    assert report.verdict != "wrong"


@settings(max_examples=40)
@given(st.floats(-3, 3), st.sampled_from([1e-3, 1e-5, 1e-7]), st.floats(1, 40))
@example(1.2e-08, 1e-5, 1.0)
@example(1e-300, 1e-5, 1.0)
def test_an_accuracy_is_accepted_and_a_hundred_times_it_is_not(x, to, wave):
    def f(x):
        return (math.exp(x) + 2) * (1 + to / 3 * math.sin(wave * x))

    for factor, verdict in ((1, "correct"), (1 + to, "correct"), (1 + 100 * to, "wrong"), (-1, "wrong")):
        assert check_grad(f, lambda x, m=factor: m * math.exp(x), at=x, to=to, explained=False).verdict == verdict


@pytest.mark.parametrize("to", [0, -1e-3, 0.5, math.nan])
def test_an_accuracy_that_is_none_is_refused(to):
    with pytest.raises(ValueError, match=r"to is .*, expected a relative accuracy"):
        check_grad(math.sin, math.cos, at=1.0, to=to)


@pytest.mark.parametrize(
    ("f", "df", "place", "verdict"),
    [
        (math.sqrt, lambda x: 0.5 * x**0.5, {"at": 1e-300}, "wrong"),
        (math.cosh, math.sinh, {"domain": {"x": (-710, 710)}}, "unresolved"),
        (math.cosh, lambda x: -math.sinh(x), {"domain": {"x": (-710, 710)}}, "wrong"),
        (lambda x: x**3, lambda x: 2 * x**2, {"at": 1e100}, "wrong"),
        (lambda x: 1 / x, lambda x: 1 / x**2, {"at": 1e-150}, "wrong"),
        (lambda x: [], lambda x: 1.0, {"at": 1.0}, "wrong"),
        (lambda x: 10**400, lambda x: 0.0, {"at": 1.0}, "wrong"),
    ],
)
def test_numbers_beyond_floats_raise_nothing(f, df, place, verdict):
    assert check_grad(f, df, **place).verdict == verdict


def test_a_witness_does_not_stand_on_a_kink_where_any_claim_is_right():
    for f, df, at in ((abs, lambda x: 1.0, 0.0), (lambda x, y: abs(x - y), lambda x, y: (1.0, -1.0), (1.0, 1.0))):
        witness = check_grad(f, df, at=at).witness
        assert witness.measured == pytest.approx(-witness.claimed)


def test_a_function_in_single_precision_is_said_to_be_one():
    single = PRECISIONS["float32"][1]
    for f in (lambda x: single(math.exp(x)), lambda x: math.exp(single(x))):
        report = check_grad(f, math.exp, at=-1.4)
        assert report.verdict != "wrong"
        assert report.cause_kind == "precision"
        assert report.note.startswith("f computes in single precision")
    for f in (math.exp, math.floor, lambda x: round(x, 2)):
        assert "single precision" not in check_grad(f, lambda x, f=f: 0.0 if f != math.exp else f(x), at=-1.4).note


@pytest.mark.parametrize("mistake", [-1, 0.5, 1.1, 1.001])
def test_a_derivative_that_is_wrong_by_far_is_found_in_few_calls(mistake):
    for f, df, x in ((math.sin, math.cos, 1.0), (math.exp, math.exp, 0.5), (lambda x: x**3, lambda x: 3 * x * x, -1.7)):
        report = check_grad(f, lambda x, df=df: mistake * df(x), at=x, explained=False)
        assert report.verdict == "wrong"
        assert report.calls.f + report.calls.g <= 60


def test_a_derivative_that_always_raises_is_said_to_after_few_calls_wherever_it_is_checked():
    for place in ({}, {"at": 1.0}, {"domain": [(0, 1)]}):
        report = check_grad(math.sin, lambda x: {}["x"], **place)
        assert report.cause_kind == "raised"
        assert report.calls.f + report.calls.g <= 40


chains = st.lists(st.sampled_from(PARTS), min_size=1, max_size=3)
extremes, boxes = st.sampled_from(EXTREMES), st.sampled_from(EXTREME_BOXES)


@settings(max_examples=120)
@given(chains, chains, st.one_of(extremes, st.floats(-1e6, 1e6), boxes))
def test_no_pair_of_functions_makes_a_check_raise(parts_of_f, parts_of_df, place):
    f, df = chained(parts_of_f), chained(parts_of_df)
    where = {"domain": {"x": place}} if isinstance(place, tuple) else {"at": place}
    assert check_grad(f, df, budget="quick", **where).verdict in {"correct", "wrong", "unresolved"}


def test_terms_beyond_the_largest_number_are_not_what_a_claim_lacks():
    assert check_grad(math.sin, math.sin, domain={"x": (-710, 710)}, budget="quick").verdict == "wrong"


@given(st.lists(st.integers(0, 3), min_size=12, max_size=40), st.floats(1e-300, 1e300), st.floats(-1, 1))
def test_a_quantum_is_the_smallest_step_of_values_that_repeat(levels, quantum, base):
    values = [base * quantum + level * quantum for level in levels]
    found = quantum_of(values)
    assert not found or round(found / quantum) in {1, 2, 3}


def test_smooth_values_have_no_quantum():
    assert quantum_of([math.sin(k) for k in range(20)]) == 0
    assert quantum_of([1.0] * 20) == 0
    assert quantum_of([float(k // 5) for k in range(20)]) == 0
