"""The kinds of mistakes that the checker names, on functions of arrays."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numpy")
sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

import numpy as np
from checker_causes import FUNCTIONS, MISTAKES, MUTANTS, mistaken
from mistaken_models import MODELS
from mistakes import NAMES, UNNAMED, gathered

from autograd_mini.testing import check_grad, search
from autograd_mini.testing.curl import beside


@pytest.mark.parametrize(("name", "mistake"), MUTANTS)
def test_a_mistake_is_named(name, mistake):
    f, df, at = mistaken(name, mistake)
    report = check_grad(f, df, at=at)
    assert report.cause_kind == MISTAKES[mistake][0]
    assert report.verdict == {"random": "unresolved", "precision": "correct"}.get(report.cause_kind, "wrong")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_mistake_is_named_where_there_is_none(name):
    f, df, at = FUNCTIONS[name]
    report = check_grad(f, df, at=at)
    assert (report.verdict, report.cause_kind, report.note) == ("correct", "", "")


def test_a_function_that_draws_random_numbers_is_named():
    import random

    rng = random.Random(0)
    report = check_grad(lambda x: x + 0.1 * rng.random(), lambda _: 1.0, at=1.0)
    assert report.note == "f draws random numbers: two calls at one point differ"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_mistakes_in_code_as_engineers_write_it_are_named(model):
    if model.__name__ in {"pytorch", "jax_rule"}:
        pytest.importorskip("torch" if model.__name__ == "pytorch" else "jax")
    f, df, at = model("")
    right = check_grad(f, df, at=at)
    assert (right.verdict, right.cause_kind, right.note) == ("correct", "", "")
    for kind in MODELS[model]:
        f, df, at = model(kind)
        assert check_grad(f, df, at=at).cause_kind == kind


def test_a_mistake_of_one_branch_is_said_to_be_one():
    report = check_grad(lambda x: x if x > 0 else 0.1 * x, lambda x: 1.0 if x > 0 else 0.01, domain={"x": (-5, 5)})
    assert report.cause == "one branch alone is wrong: the claim must be multiplied by 10"
    flat = check_grad(lambda x: max(x, 0.0) ** 2, lambda x: -2 * max(x, 0.0), domain={"x": (-5, 5)})
    assert flat.cause_kind == "sign"  # it is right where f is flat only because both are 0


@pytest.mark.parametrize("kind", NAMES)
def test_the_mistakes_in_programs_are_found_and_named_and_the_right_ones_are_not(kind):
    for made in gathered()[kind]:
        f, df, at = made(False)
        right = check_grad(f, df, at=at)
        assert (right.verdict, right.cause_kind) == ("correct", ""), made.__name__
        f, df, at = made(True)
        budget = "quick" if kind == "randomness" else "normal"
        named = check_grad(f, df, at=at, budget=budget).cause_kind in NAMES[kind]
        assert named or made.__name__ in UNNAMED, made.__name__


def test_a_jacobian_with_a_matrix_transposed_inside_is_said_to_have_one():
    inner = np.array([[0.3, -1.2, 0.7], [1.1, 0.4, -0.5], [-0.2, 0.9, 0.6]])
    report = check_grad(
        lambda x: np.tanh(inner @ x),
        lambda x: inner.T * (1 - np.tanh(inner @ x) ** 2)[:, None],
        at=np.array([0.2, -0.4, 0.5]),
    )
    assert report.cause_kind == "transposed"
    assert report.cause.startswith("a matrix inside the Jacobian is transposed")


def test_a_part_that_is_transposed_is_said_to_be_a_part():
    grid = np.arange(9.0).reshape(3, 3) / 5
    report = check_grad(
        lambda w: np.sum(grid * np.sin(w)) + np.sum(w**2), lambda w: (grid * np.cos(w)).T + 2 * w, at=grid[::-1] + 0.3
    )
    assert report.cause == "a part of the claims is misplaced: the claims for w are transposed"


def test_numbers_that_are_swapped_are_not_taken_for_transposed():
    f = lambda x: x[0] + 2 * x[1] ** 2 + 3 * x[2] ** 2 + x[3]  # noqa: E731 - a formula
    report = check_grad(f, lambda x: [1, 6 * x[2], 4 * x[1], 1], at=[0.3, 0.7, -1.2, 0.4])
    assert report.cause == "the partial derivatives by x[1] and x[2] are swapped"


def test_a_derivative_of_rounded_inputs_moves_in_steps():
    report = check_grad(np.exp, lambda x: np.exp(round(x, 3)), at=0.61803)
    assert report.cause_kind == "precision"
    assert "moves in steps" in report.cause


def test_a_function_of_short_numbers_does_not_count_as_single_precision():
    import random

    rng = random.Random(0)
    report = check_grad(lambda x: x * x, lambda x: 2 * x + rng.choice((-1, 1)), at=0.5)
    assert report.note == "df draws random numbers: two calls at one point differ"


@pytest.mark.parametrize("explained", [True, False])
def test_what_belongs_to_another_point_is_wrong_however_hard_it_is_to_see(explained):
    kept = []

    def slope(x):
        kept.append(x)
        return math.cos(kept[len(kept) // 10 * 10 - 1] if len(kept) > 9 else kept[0])

    report = check_grad(math.sin, slope, at=0.7, explained=explained)
    assert report.verdict == "wrong"


def test_rounding_that_differs_from_call_to_call_is_no_chance():
    import itertools

    jitter = itertools.cycle((1.0, 1 + 2.0**-52, 1 - 2.0**-53))
    report = check_grad(lambda x: abs(x - 0.5), lambda x: (1.0 if x > 0.5 else -1.0) * next(jitter), at=0.5)
    assert (report.verdict, report.cause_kind) == ("correct", "")


@pytest.mark.parametrize(
    ("slopes", "cause"),
    [
        (
            lambda x: [3 * v**2 for v in x[:-1]] + [0.0],
            "the claims do not reach the end of x: a loop is one step short",
        ),
        (
            lambda x: [0.0] + [3 * v**2 for v in x[1:]],
            "the claims do not reach the start of x: a loop is one step short",
        ),
    ],
)
def test_a_loop_that_is_one_step_short_is_said_to_be_one(slopes, cause):
    report = check_grad(lambda x: sum(v**3 for v in x), slopes, at=[0.5, 1.5, -0.7, 0.9, 1.2])
    assert (report.cause_kind, report.cause) == ("shift", cause)


def test_the_last_of_several_arguments_is_no_end_of_a_loop():
    f = lambda a, b, c, d: a * a + b * b + c * c + d * d  # noqa: E731 - a formula
    report = check_grad(f, lambda a, b, c, _: (2 * a, 2 * b, 2 * c, 0.0), at=(0.3, 0.7, 1.1, 1.4))
    assert report.cause == "the claim is zero, and misses 2*d"


def test_the_last_row_of_data_left_out_is_named():
    rows, sums = np.array([[1.0, 2.0, -1.0], [0.5, 0.3, 0.9], [-1.2, 0.4, 2.0], [0.7, -0.6, 0.1]]), np.arange(4.0)
    report = check_grad(
        lambda w: sum((row @ w - s) ** 2 for row, s in zip(rows, sums, strict=True)),
        lambda w: 2 * rows[:-1].T @ (rows[:-1] @ w - sums[:-1]),
        at=np.array([0.2, -0.4, 0.5]),
    )
    assert report.cause == "the claims leave out the last of the 4 rows of data: a loop is one step short"


def test_a_matrix_in_place_of_its_transpose_is_named_in_a_gradient():
    inner = np.array([[0.3, -1.2, 0.7], [1.1, 0.4, -0.5], [-0.2, 0.9, 0.6]])
    at = np.array([0.2, -0.4, 0.5])
    report = check_grad(lambda x: np.sin(inner @ x).sum(), lambda x: inner @ np.cos(inner @ x), at=at)
    assert report.cause == "a matrix of 3 × 3 in the claims stands where its transpose belongs"
    report = check_grad(lambda x: x @ inner @ x, lambda x: 2 * inner @ x, at=at)
    assert report.cause_kind == "transposed"


def test_a_variance_that_is_divided_by_another_number_is_off_by_one():
    report = check_grad(lambda x: np.var(x, ddof=1), lambda x: 2 * (x - x.mean()) / len(x), at=np.arange(7.0) ** 1.5)
    assert report.cause == "the claim is divided by 7 where 6 belongs: it is off by one"


def test_a_neighbours_term_is_an_index_off_by_one():
    def slopes(x):
        return [math.exp(x[max(i - 1, 0)]) + 2 * v for i, v in enumerate(x)]

    at = [0.3, -0.7, 1.1, 0.4, 0.9, -0.2, 0.6]
    report = check_grad(lambda x: sum(math.exp(v) + v * v for v in x), slopes, at=at)
    assert report.cause_kind == "shift"


def test_a_part_that_is_kept_for_another_input_is_found_along_no_axis_alone():
    kept = {}

    def df(x, y):
        kept.setdefault("cos", math.cos(y))
        return -2 * x * math.exp(-x * x) * kept["cos"], -math.exp(-x * x) * math.sin(y)

    report = check_grad(lambda x, y: math.exp(-x * x) * math.cos(y), df, at=(0.4, 0.7))
    assert (report.verdict, report.cause_kind) == ("wrong", "stale")


def test_a_factor_that_is_one_at_the_point_is_missing_and_not_kept():
    report = check_grad(lambda x, y: x**2 * y, lambda x, y: (2 * x, x**2 + 0 * y), at=(0.7, 1.0))
    assert report.verdict == "wrong"
    assert report.cause_kind != "stale"


def test_a_cache_that_goes_by_the_ends_of_an_array_is_found():
    known = {}

    def df(x):
        return known.setdefault((x[0], x[-1]), np.cos(x))

    report = check_grad(lambda x: float(np.sum(np.sin(x))), df, at=np.linspace(0.2, 1.9, 7))
    assert (report.verdict, report.cause_kind) == ("wrong", "stale")


def test_a_running_mean_is_not_taken_for_chance():
    held = []

    def df(x):
        held[:] = [0.9 * held[0] + 0.1 * np.cos(x)] if held else [np.cos(x)]
        return held[0]

    report = check_grad(lambda x: float(np.sum(np.sin(x))), df, at=np.array([0.3, 1.2]))
    assert (report.verdict, report.cause_kind) == ("wrong", "stale")
    assert "random" not in report.cause


@settings(max_examples=50)
@given(st.lists(st.floats(-2, 2), min_size=4, max_size=4), st.integers(0, 2**32))
def test_a_gradient_has_no_curl(numbers, seed):
    a, b, c, d = numbers

    def f(x, y):
        return math.sin(a * x + b * y) + math.exp(c * x * y / 4) + d * x**2 * y

    def df(x, y):
        wave, bump = math.cos(a * x + b * y), math.exp(c * x * y / 4) * c / 4
        return a * wave + bump * y + 2 * d * x * y, b * wave + bump * x + d * x**2

    rng = Random(seed)
    at = rng.uniform(-2, 2), rng.uniform(-2, 2)
    looked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "beside", lambda *given: looked.append(beside(*given)))
        report = check_grad(f, df, at=at, explained=False)
    assert report.verdict != "wrong"  # it is undecided where f does not move
    assert looked == [None]
