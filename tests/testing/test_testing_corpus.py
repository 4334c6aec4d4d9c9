"""The corpus: its derivatives are right, and the checker says so; its mutants are wrong, and the checker says so."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import pytest

from autograd_mini.testing import check_grad, logspan

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

from checker_corpus import TUNED, verify
from checker_mutants import mutants, regional, shows_at, shows_in_region
from checker_programs import BUGS, program, shows
from checker_unseen import UNSEEN

CASES = (*TUNED, *UNSEEN)

BY_NAME = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def test_the_corpus_is_as_large_as_promised():
    assert len(CASES) >= 120
    assert sum(len(mutants(case)) for case in CASES) >= 1000


@BY_NAME
def test_a_derivative_of_the_corpus_is_right_in_many_digits(case):
    pytest.importorskip("mpmath")
    assert verify(case) < 1e-8


@BY_NAME
def test_a_right_derivative_of_the_corpus_raises_no_alarm_at_a_point(case):
    for point in (*case.points, *case.special):
        assert check_grad(case.function(), case.gradient(), at=point).verdict != "wrong"


@BY_NAME
def test_a_right_derivative_of_the_corpus_raises_no_alarm_over_its_domain(case):
    domain = [logspan(*sorted(e[1:])) if e[0] == "log" else e for e in case.domain]
    assert check_grad(case.function(), case.gradient(), domain=domain).verdict != "wrong"


@BY_NAME
def test_a_wrong_derivative_of_the_corpus_is_found(case):
    for mutant in mutants(case)[:3]:
        point = next((p for p in case.points if shows_at(mutant, p)), None)
        if point is not None:
            report = check_grad(case.function(), case.gradient(mutant.partials), at=point, explained=False)
            assert report.verdict == "wrong", (mutant.kind, mutant.partials)


def test_random_programs_raise_no_alarm_and_their_bugs_are_found():
    missed = bugs = 0
    for seed in range(300):
        made = program(seed)
        report = check_grad(lambda *at, p=made: p.run(at)[0], lambda *at, p=made: p.run(at)[1], at=made.point)
        assert report.verdict != "wrong", seed
        bug = (Random(seed).randrange(len(made.steps)), Random(seed).choice(sorted(BUGS.values())))
        if shows(made, bug):
            bugs += 1
            report = check_grad(
                lambda *at, p=made: p.run(at)[0],
                lambda *at, p=made, b=bug: p.run(at, b)[1],
                at=made.point,
                explained=False,
            )
            missed += report.verdict != "wrong"
    assert bugs > 100
    assert missed == 0


@pytest.mark.parametrize("name", ["product and sine", "triple product", "neuron", "chain of 5"])
def test_a_derivative_that_is_wrong_in_a_part_of_a_box_is_found(name):
    case = next(case for case in CASES if case.name == name)
    chosen = [mutant for mutant in regional(case) if shows_in_region(mutant)]
    assert len(chosen) >= 4
    for mutant in chosen:
        report = check_grad(case.function(), case.gradient(mutant.partials), domain=[*case.domain], explained=False)
        assert report.verdict == "wrong", mutant.kind
