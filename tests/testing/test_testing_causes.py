"""The kinds of mistakes that the checker names, on functions of arrays."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("numpy")
sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

from checker_causes import FUNCTIONS, MISTAKES, MUTANTS, mistaken
from mistaken_models import MODELS

from autograd_mini.testing import check_grad


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
