"""Mutation mode: which mistakes in local derivatives a set of tests would notice."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

import autograd_mini as ag
from autograd_mini import Value, gradient, no_grad
from autograd_mini.engine.hooks import on_result
from autograd_mini.testing import mutants
from autograd_mini.testing.strategies import expressions

ROOT = Path(__file__).parents[2]
SUITE = """
import pytest
from autograd_mini import Value

@pytest.fixture
def x():
    return Value(2.0)

def test_backward(x):
    y = x * x + x.sin()
    y.backward()
    assert 3.5 < x.grad < 3.6

def test_value(x):
    assert (x.exp() - 1).data > 6
"""


def living(*tests, **options):
    return [(m.operation, m.operand) for m in mutants(*tests, **options) if m.lives]


@settings(max_examples=30, deadline=None)
@given(expressions(["tanh", "sin", "exp"], max_inputs=1, max_operations=4))
def test_a_mutant_in_a_chain_is_noticed_by_whoever_knows_the_gradient(f):
    known = ag.grad(f)(*f.point)

    def test():
        x = Value(*f.point)
        f(x).backward()
        assert x.grad == pytest.approx(known, rel=1e-12)

    assert living(test, factors=[1.5]) == []


def test_a_test_of_a_gradient_kills_and_a_test_of_a_value_does_not():
    def test_of_value():
        assert (Value(2.0) * Value(3.0)).data == 6.0

    def test_of_gradient():
        x = Value(2.0)
        (x * 3.0).backward()
        assert x.grad == 3.0

    assert living(test_of_value) == [("mul", "x")] * 2 + [("mul", "y")] * 2
    assert living(test_of_gradient) == []


def test_the_operands_of_one_node_are_mutants_apart():
    def test():
        x, y = Value(2.0), Value(5.0)
        (x * y).backward()
        assert y.grad == 2.0

    assert living(test, factors=[2.0]) == [("mul", "x")]


def test_a_loose_comparison_lets_the_small_error_live():
    def test():
        x = Value(2.0)
        (x * x).backward()
        assert 3.5 < x.grad < 4.5

    assert [(m.factor, m.lives) for m in mutants(test)] == [(-1.0, False), (1.01, True)] * 2


def test_what_nothing_flows_through_is_told_apart_from_what_nobody_looks_at():
    def test():
        x, w = Value(2.0), Value(0.0)
        (w * x.sin()).backward()

    found = {(m.operation, m.operand): m.reached for m in mutants(test, factors=[2.0])}
    assert found == {("sin", "x"): False, ("mul", "x"): True, ("mul", "y"): False}


def test_choices_calls_and_higher_derivatives_are_mutated_too():
    solve = ag.custom_gradient(lambda a: a**2, lambda a: 2 * a)

    def test():
        x = Value(3.0)
        assert gradient(gradient(solve(x), x), x).data == 2.0
        y = ag.where(x > 0, x, 0.0)
        y.backward()
        assert x.grad == 1.0
        assert ag.jvp(lambda x: x.sin() * x, (0.5,), (1.0,))[1] == pytest.approx(0.918, abs=1e-3)

    assert living(test) == []


def test_a_test_that_fails_as_it_is_proves_nothing():
    def test():
        assert Value(1.0).exp().data == 0.0

    with pytest.raises(ValueError, match="test fails as it is"):
        mutants(test)


def test_a_mutant_says_where_it_is_and_who_noticed():
    def test_slope():
        x = Value(2.0)
        x.exp().backward()
        assert x.grad > 0

    noticed, lives = mutants(test_slope)
    assert str(noticed).endswith("d exp/dx times -1 noticed by test_slope")
    assert str(lives).endswith("d exp/dx times 1.01 lives: no test noticed")
    assert str(lives).startswith(f"{__file__}:")


def test_nothing_is_left_behind():
    def test():
        with no_grad():
            Value(1.0).exp()
        (Value(1.0) + 1).backward()

    mutants(test)
    assert on_result == []


def test_pytest_lists_the_mutants_that_live(tmp_path):
    (tmp_path / "test_suite.py").write_text(SUITE)
    plugin = ROOT / "autograd_mini" / "testing" / "plugin"
    command = [sys.executable, "-m", "pytest", "-p", "autograd_mini_pytest", "-p", "no:cacheprovider", "--grad-mutants"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{plugin}"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "2 passed" in done.stdout
    # Python says where in the line; in an assertion that pytest 8.2 has rewritten, where that begins.
    assert re.search(r"test_suite.py:15:\d+: d exp/dx times -1 lives: its derivative is used by no test", done.stdout)
    assert "d mul" not in done.stdout
    assert " mutants live" in done.stdout
