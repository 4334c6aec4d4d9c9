"""The command `autograd-mini check`: verdicts as exit statuses, and one line for every mistake."""

from __future__ import annotations

import sys

import pytest

from autograd_mini.cli import main

MODULE = """
import math

def f(x, y):
    return x * y + math.sin(x)

def df(x, y):
    return y + math.cos(x), x

def wrong(x, y):
    return y, x

def loss(p):
    return sum(v * v for v in p)

def grad_of_loss(p):
    return [2 * v for v in p]

def ramp(x):
    return max(x, 0.0)

def step(x):
    return float(x > 0) if x else math.nan

def one(x):
    return x

def raises(x, y):
    raise KeyError("w")

def pair(p):
    return p[0] * p[1]

def unpacked(p):
    first, second = p
    return first * second

def keyword(x, *, scale):
    return x * scale

constant = 3
"""


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """Return a function that runs the command beside a module of the user's and returns status, output and errors."""
    (tmp_path / "users_own.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "users_own", raising=False)

    def run(*words):
        status = main(["check", *words])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.mark.parametrize(
    "words",
    [
        ("math:sin", "--derivative", "math:cos"),
        ("math:log", "--derivative", "users_own:reciprocal", "--domain", "log:1e-6:1e6"),
        ("users_own:f", "--derivative", "users_own:df", "--at", "0.91", "-1.73"),
        ("users_own:f", "--derivative", "users_own:df", "--at", "y=-1e-3", "x=2"),
        ("users_own:f", "--derivative", "users_own:df", "--domain", "y=1:2", "x=log:1e-3:3", "--budget", "quick"),
        ("users_own:loss", "--derivative", "users_own:grad_of_loss", "--at", "1", "-2", "3"),
        ("users_own:loss", "--derivative", "users_own:grad_of_loss", "--domain", "0:1", "1:2"),
        ("users_own:loss", "--at", "1", "2"),
        ("users_own:loss", "--derivative", "users_own:grad_of_loss", "--at", "3"),
        ("autograd_mini:tanh", "--seed", "7"),
        ("math:sin", "--derivative", "math:cos", "--at", "1", "--to", "1e-5"),
    ],
)
def test_a_right_derivative_is_status_0(check, tmp_path, words):
    (tmp_path / "users_own.py").write_text(MODULE + "\ndef reciprocal(x):\n    return 1 / x\n")
    status, out, err = check(*words)
    assert (status, err) == (0, "")
    assert out.startswith("the derivative is correct to ")


def test_a_wrong_derivative_is_status_1_with_the_whole_message(check):
    status, out, err = check("users_own:f", "--derivative", "users_own:wrong", "--at", "0.91", "1.73")
    assert (status, err) == (1, "")
    assert out.startswith("df/dx is wrong\n")
    assert "likely cause: the claim is missing the term cos(x)" in out


def test_a_derivative_that_raises_is_status_1_and_is_not_called_wrong(check):
    status, out, err = check("users_own:f", "--derivative", "users_own:raises", "--at", "0.91", "1.73")
    assert (status, err) == (1, "")
    assert out.startswith("the derivative cannot be evaluated\n  df raised KeyError: 'w' at x=0.91, y=1.73\n")
    assert "wrong" not in out


def test_what_cannot_be_decided_is_status_3(check):
    status, out, _ = check("users_own:ramp", "--derivative", "users_own:step", "--at", "0")
    assert status == 3
    assert "could not be decided" in out


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("users_own",), "expected MODULE:FUNCTION"),
        (("users_own.py:f",), "write the name of the module, such as users_own:f"),
        (("not_there:f",), "cannot import 'not_there': ModuleNotFoundError"),
        (("users_own:ff",), "users_own has no 'ff': did you mean 'f'"),
        (("users_own:constant",), "is 3, expected a function"),
        (
            ("users_own:f", "--derivative", "users_own:df", "--at", "1"),
            "1 number, but users_own:f takes 2: x, y",
        ),
        (
            ("users_own:pair", "--derivative", "users_own:grad_of_loss", "--at", "1"),
            "another number of them: list index",
        ),
        (("users_own:unpacked", "--derivative", "users_own:grad_of_loss", "--at", "1"), "not enough values to unpack"),
        (("users_own:unpacked", "--derivative", "users_own:grad_of_loss", "--at", "1", "2", "3"), "too many values"),
        (
            ("users_own:keyword", "--derivative", "users_own:one", "--at", "1"),
            "but users_own:keyword takes 2: x, scale",
        ),
        (("users_own:f", "--derivative", "users_own:df", "--at", "1", "2", "3"), "--at gives 3 numbers"),
        (("users_own:f", "--derivative", "users_own:df", "--at", "y=1"), "--at gives nothing for x, which users_own:f"),
        (("users_own:f", "--derivative", "users_own:df", "--at", "x=1"), "--at gives nothing for y, which users_own:f"),
        (
            ("users_own:f", "--derivative", "users_own:df", "--domain", "0:1"),
            "--domain gives 1 interval, but",
        ),
        (("users_own:f", "--derivative", "math:cos", "--at", "1", "2"), "math:cos takes one, and no list of them"),
        (("math:sin", "--derivative", "math:cos", "--at", "1", "2"), "math:sin takes one, and no list of them"),
        (("users_own:f", "--at", "1", "2"), "df is missing, and f does not compute with Values"),
        (
            ("users_own:f", "--derivative", "users_own:one", "--at", "1", "2"),
            "df is a function of (x), expected one of 2 arguments",
        ),
        (("math:sin", "--derivative", "math:cos", "--to", "2"), "to is 2.0, expected a relative accuracy"),
        (("users_own:f", "--derivative", "users_own:df", "--at", "x=1", "2"), "expected NAME=... for every input"),
        (("users_own:f", "--derivative", "users_own:df", "--at", "a", "2"), "expected a number"),
        (("users_own:f", "--derivative", "users_own:df", "--domain", "1", "2"), "expected LOW:HIGH"),
        (("users_own:f", "--derivative", "users_own:df", "--domain", "x=2:1", "y=0:1"), "expected finite low < high"),
        (("users_own:f", "--derivative", "users_own:df", "--domain", "log:-1:1", "0:1"), "the same sign"),
        (("users_own:f", "--derivative", "users_own:df", "--at", "1", "--domain", "0:1"), "not allowed with"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(check, words, part):
    status, out, err = check(*words)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert part in err
