"""The index in the source of a derivative that makes it right when it is moved by one."""

from __future__ import annotations

import ast
import math
from types import FunctionType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_mini.testing import check_grad
from autograd_mini.testing.corrections import stores_nothing
from autograd_mini.testing.indices import moves

WEIGHTS = [0.5, -1.2, 0.3, 0.8, 0.25]
POINT = [0.4, 1.3, -0.7, 0.9, 0.6]


def chain(x):
    return sum(w * math.sin(u * v) for w, u, v in zip(WEIGHTS, x, x[1:], strict=False))


def gradient_of_the_chain(x):
    g = [0.0] * len(x)
    for i in range(len(x) - 1):
        slope = WEIGHTS[i] * math.cos(x[i] * x[i + 1])
        g[i] += slope * x[i + 1]
        g[i + 1] += slope * x[i + 1]
    return g


def series(x):
    return sum(w * x**k for k, w in enumerate(WEIGHTS, 1))


def power(k, x):
    return WEIGHTS[k] * x ** (k + 1)


def slope_by_a_helper(x):
    return sum(power(k, x) for k in range(5))


class Series:
    """A power series with a derivative that is one term short."""

    def value(self, x):
        """Return the value."""
        return series(x)

    def slope(self, x):
        """Return the derivative but for its last term."""
        return sum(k * WEIGHTS[k - 1] * x ** (k - 1) for k in range(1, 5))


def line_of(function, text):
    import inspect

    lines, first = inspect.getsourcelines(function)
    return first + next(i for i, line in enumerate(lines) if text in line)


def test_the_line_and_the_index_are_named():
    report = check_grad(chain, gradient_of_the_chain, at=POINT)
    line = line_of(gradient_of_the_chain, "g[i + 1] +=")
    assert report.cause_kind == "shift"
    assert report.cause == f"an index is off by one: df is right with x[i] for x[i + 1] in line {line}"


def test_the_index_of_a_helper_is_named():
    f = lambda x: sum(w * x ** (k + 1) / (k + 1) for k, w in enumerate(WEIGHTS))  # noqa: E731 - a formula
    report = check_grad(f, slope_by_a_helper, at=0.8)
    line = line_of(power, "return")
    assert report.cause == f"an index is off by one: df is right with x ** k for x ** (k + 1) in line {line}, in power"


def test_the_index_of_a_method_is_named():
    thing = Series()
    report = check_grad(thing.value, thing.slope, at=0.8)
    line = line_of(Series.slope, "range")
    assert report.cause == f"an index is off by one: df is right with range(1, 6) for range(1, 5) in line {line}"


def test_the_functions_stay_as_they_are():
    code, known = gradient_of_the_chain.__code__, dict(globals())
    check_grad(chain, gradient_of_the_chain, at=POINT)
    assert gradient_of_the_chain.__code__ is code
    assert {k: v for k, v in globals().items() if isinstance(v, FunctionType)} == {
        k: v for k, v in known.items() if isinstance(v, FunctionType)
    }


def test_a_function_that_stores_something_is_not_copied():
    seen = []

    def df(x):
        seen.append(len(seen))
        return sum(0.5 * k * x ** (k - 1) for k in range(1, 4))

    report = check_grad(lambda x: sum(0.5 * x**k for k in range(1, 6)), df, at=0.8)
    assert report.verdict == "wrong"
    assert report.cause_kind != "shift"
    assert len(seen) == report.calls.g


def test_a_derivative_without_a_source_is_explained_without_it():
    made = {"WEIGHTS": WEIGHTS}
    exec("def df(x): return sum(k * WEIGHTS[k - 1] * x ** (k - 1) for k in range(1, 5))", made)  # noqa: S102 - it has none
    assert check_grad(series, made["df"], at=0.8).verdict == "wrong"


@pytest.mark.parametrize(
    "text",
    [
        "known.append(x)", "store[0] + open(x)", "[store.update(a=x), x]", "next(counter)", "print(x)",
        "[y for y in count()]", "np.add(x, 1, out=buffer)",
    ],
)  # fmt: skip
def test_what_changes_something_elsewhere_is_not_copied(text):
    assert not stores_nothing(ast.parse(f"lambda x: {text}", mode="eval").body)


@pytest.mark.parametrize(
    "text",
    [
        "store[0] = x", "store.last = x", "x[0] = 1", "x += 1", "global a", "g = store\n    g[0] = x", "del store[0]",
        "while x:\n        x = x - 1", "yield x", "g = x.reshape(-1)\n    g[0] = 1", "g, h = store, 1\n    g[0] = 1",
    ],
)  # fmt: skip
def test_statements_that_change_something_elsewhere_are_not_copied(text):
    assert not stores_nothing(ast.parse(f"def df(x):\n    {text}\n    return x").body[0])


@pytest.mark.parametrize(
    "text", ["g = [0.0] * 3\n    g[0] += x", "g = np.zeros_like(x)\n    g.fill(1)", "g, d = 1.0, []\n    d.append(x)"]
)
def test_what_changes_its_own_lists_alone_is_copied(text):
    assert stores_nothing(ast.parse(f"def df(x):\n    {text}\n    return x").body[0])


SOURCES = st.sampled_from(
    [
        "def f(x, n): return [x[i - 1:n] for i in range(1, n)]",
        "def f(x): return sum(k * v ** (k - 1) for k, v in enumerate(x[1:-1], 1))",
        "def f(x): return np.roll(x, -1)[::2] + x[0, i + 1, ...] + x['name']",
        "def f(x):\n    n = len(x) - 1\n    for v in x:\n        n = n + 1 if v > n - 1 else 2\n    return n",
    ]
)


@given(SOURCES)
def test_every_move_is_a_program_of_its_own_and_is_taken_back(text):
    code = ast.parse(text).body[0]
    before, seen = ast.unparse(code), []
    for move in moves(code):
        old = move.shown()
        with move.made():
            compile(ast.fix_missing_locations(ast.Module([code], [])), "moved", "exec")
            seen.append(ast.unparse(code))
            assert move.shown() != old or "iter" in str(move.changes[0][1])
        assert ast.unparse(code) == before
    assert len({*seen}) == len(seen) > 1
    assert before not in seen


def test_sums_in_the_place_of_means_are_named():
    np = pytest.importorskip("numpy")

    def df(x):
        u, s = (x - x.mean()) / x.std(), x.std()
        g = np.cos(u)
        return (g - g.sum() - u * (g * u).sum()) / s

    report = check_grad(lambda x: float(np.sin((x - x.mean()) / x.std()).sum()), df, at=np.array(POINT))
    assert report.cause_kind == "mean"
    assert "df is right with g.mean() for g.sum()" in report.cause
