"""The pytest plugin, run in a pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "autograd_mini" / "testing" / "plugin"
SUITE = """
import math
import warnings
import pytest
from autograd_mini.testing import assert_grad, check_grad

def test_right():
    assert_grad(math.sin, math.cos, at=1.0)

def test_wrong():
    assert_grad(math.sin, math.sin, at=1.0)

def test_undecided():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_grad(abs, lambda x: x / abs(x) if x else math.nan, at=0.0)

def test_seed():
    print("the seed is", check_grad(math.sin, math.cos, at=1.0).seed)
"""

EXPECTED = """
def test_the_mistake_is_noticed():
    with pytest.raises(AssertionError):
        assert_grad(math.cos, math.sin, at=1.0)
"""


@pytest.fixture
def suite(tmp_path):
    (tmp_path / "test_suite.py").write_text(SUITE)

    def run(*options):
        command = [sys.executable, "-m", "pytest", "-p", "autograd_mini_pytest", "-p", "no:cacheprovider", *options]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{PLUGIN}"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    return run


def test_the_summary_lists_what_was_not_proved_and_counts_the_rest(suite):
    shown = suite()
    assert "= derivatives =" in shown
    assert "wrong: sin in test_suite.py::test_wrong" in shown
    assert "unresolved: abs in test_suite.py::test_undecided" in shown
    assert "1 of 3 proved correct, the coarsest to " in shown
    assert "1 failed, 3 passed" in shown


def test_a_run_without_a_failure_has_no_summary_unless_it_is_verbose(suite, tmp_path):
    (tmp_path / "test_suite.py").write_text(
        SUITE.replace("def test_wrong():", "@pytest.mark.xfail\ndef test_wrong():") + EXPECTED
    )
    shown = suite()
    assert "4 passed, 1 xfailed" in shown
    assert "derivatives" not in shown
    assert "wrong" not in shown
    shown = suite("-v")
    assert "wrong: cos in test_suite.py::test_the_mistake_is_noticed" in shown
    assert "1 of 4 proved correct" in shown


def test_strict_fails_what_could_not_be_decided(suite):
    assert "2 failed, 2 passed" in suite("--grad-strict")


def test_a_seed_reaches_every_check(suite):
    shown = suite("--grad-seed=17", "-s")
    assert "the seed is 17" in shown
    assert "; seed 17" in shown


def test_a_traceback_ends_at_the_users_own_line(suite):
    shown = suite()
    assert "assert_grad(math.sin, math.sin, at=1.0)" in shown
    assert "assertions.py" not in shown


def test_a_budget_of_another_name_is_refused(suite):
    assert "invalid choice: 'huge'" in suite("--grad-budget=huge")


def test_starting_pytest_does_not_import_the_package():
    code = "import sys, autograd_mini_pytest; print([m for m in sys.modules if m.startswith('autograd_mini.')])"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{PLUGIN}"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
