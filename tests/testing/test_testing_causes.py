"""The kinds of mistakes that the checker names, on functions of arrays."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("numpy")
sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

from checker_causes import FUNCTIONS, MISTAKES, MUTANTS, mistaken

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
