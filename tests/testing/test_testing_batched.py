"""A function that takes batches: the same verdicts as one by one, in a few calls."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_mini.testing import assert_hess, check_grad, check_hess, check_jvp, check_vjp

np = pytest.importorskip("numpy")

PARTS = {
    "sine": (math.sin, math.cos),
    "root": (math.sqrt, lambda x: 0.5 / math.sqrt(x)),
    "logarithm": (math.log, lambda x: 1 / x),
    "steep": (lambda x: math.tanh(40 * x), lambda x: 40 / math.cosh(40 * x) ** 2),
    "kink": (abs, lambda x: math.copysign(1.0, x)),
    "stairs": (lambda x: (x + 1e9) - 1e9, lambda _: 1.0),
}
MISTAKES = {"none": 1.0, "small": 1 + 1e-5, "plain": 1.1, "sign": -1.0}


def one_by_one(function):
    """Return a function that takes the points of a batch, as rows, and computes each for itself."""
    return lambda x: np.array([function(point) for point in x])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(PARTS)), min_size=1, max_size=8),
    st.integers(0, 7),
    st.sampled_from(sorted(MISTAKES)),
    st.booleans(),
    st.sampled_from([True, "f", "df"]),
    st.integers(0, 9),
)
def test_a_report_is_the_same_with_batches_and_without(kinds, which, mistake, over, batched, seed):
    factors = [MISTAKES[mistake] if i == which % len(kinds) else 1.0 for i in range(len(kinds))]
    rng = np.random.default_rng(seed)
    at = rng.uniform(-0.2, 2, len(kinds)).round(3)

    def f(x):
        return math.fsum(PARTS[kind][0](float(v)) for kind, v in zip(kinds, x, strict=True))

    def df(x):
        return [c * PARTS[kind][1](float(v)) for kind, v, c in zip(kinds, x, factors, strict=True)]

    where = {"at": at, "domain": (0.1, 3.0)} if over else {"at": at}
    alone = check_grad(f, df, **where)
    in_batches = check_grad(
        f if batched == "df" else one_by_one(f), df if batched == "f" else one_by_one(df), batched=batched, **where
    )
    for name in ("verdict", "resolution", "coverage", "cause_kind", "wrong", "note", "title"):
        assert getattr(alone, name) == getattr(in_batches, name), name
    if alone.witness is not None:
        assert repr(alone.witness.point) == repr(in_batches.witness.point)
        assert repr(alone.witness.measured) == repr(in_batches.witness.measured)


@pytest.mark.parametrize("size", [2, 8, 300])
def test_all_inputs_are_checked_in_two_calls_of_f_and_of_df(size):
    x = np.linspace(0.3, 1.2, size)
    report = check_grad(lambda x: np.sin(x).sum(-1), np.cos, at=x, batched=True)
    assert report.ok
    assert max(report.calls.f, report.calls.g) <= 2
    apart = check_grad(lambda x: np.sin(x).sum(-1), np.cos, at=x, batched="df")
    assert apart.calls.f > 8
    assert apart.calls.g <= 2


def test_a_wrong_one_is_explained_in_fewer_calls():
    x = np.linspace(0.3, 1.2, 8)
    f, df = lambda x: np.sin(x).sum(-1), lambda x: np.cos(x) * (1 + (np.arange(8) == 3))
    alone, together = check_grad(f, df, at=x), check_grad(f, df, at=x, batched=True)
    assert (alone.cause, alone.wrong) == (together.cause, together.wrong)
    assert 2 * together.calls.f < alone.calls.f


def test_numbers_apart_come_as_arrays_and_whatever_stays_is_given_as_it_is():
    labels = np.array([0, 1, 1])

    def f(x, y, labels, name):
        assert name == "sum"
        assert labels.shape == (3,)
        assert x.shape == y.shape[:1]
        return x * y[:, labels].sum(axis=1)

    def df(x, y, labels, name):
        assert name == "sum"
        return y[:, labels].sum(axis=1), x[:, None] * np.bincount(labels)

    assert check_grad(f, df, at=(0.7, np.array([0.2, 1.1]), labels, "sum"), batched=True).ok


def test_a_domain_of_numbers_and_one_of_arrays_are_covered_in_a_few_calls():
    domain = {"x": (0.1, 1), "y": (1, 2)}
    pair = (lambda x, y: np.sin(x) * y), (lambda x, y: (np.cos(x) * y, np.sin(x)))
    report = check_grad(*pair, domain=domain, batched=True)
    assert report.ok
    assert report.coverage == 1
    assert report.calls.g < 10
    assert check_grad(*pair, domain=domain).calls.g > 300
    assert check_grad(lambda x: np.sin(x).sum(1), np.cos, domain=[(0, 1), (1, 2)], batched=True).ok
    assert check_grad(np.sin, np.cos, batched=True).ok


def test_jacobians_hessians_and_complex_numbers_come_in_batches_too():
    a = np.random.default_rng(0).normal(size=(7, 5))
    f, x = (lambda x: np.tanh(x @ a.T)), np.linspace(-1, 1, 5)
    assert check_grad(f, lambda x: (1 - f(x) ** 2)[..., None] * a, at=x, batched=True).ok
    assert not check_grad(f, lambda x: (1 + f(x) ** 2)[..., None] * a, at=x, batched=True).ok
    cubes = (lambda x: (x**3).sum(-1)), (lambda x: 3 * x**2), (lambda x: 6 * x[..., None] * np.eye(5))
    assert assert_hess(*cubes, at=x, batched=True).ok
    assert check_grad(lambda z: (abs(z) ** 2).sum(-1), lambda z: 2 * z, at=np.array([1 + 2j, 0.3j]), batched=True).ok


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_the_engine_of_a_library_differentiates_a_function_of_batches_at_one_point(library):
    made = {"torch": lambda m: m.tensor([0.3, 0.7]), "jax": lambda m: m.numpy.asarray([0.3, 0.7])}[library](
        pytest.importorskip(library)
    )
    report = check_grad(lambda x: (x**3).sum(-1), at=made, batched=True)
    assert report.ok
    assert 2 * report.calls.f < check_grad(lambda x: (x**3).sum(-1), at=made).calls.f


def test_a_batch_that_raises_is_computed_one_by_one():
    def f(points):
        return np.array([math.log(*point) for point in points])

    report = check_grad(f, lambda x: 1 / x, at=np.array([0.3]), batched=True)
    assert report.ok
    wide = check_grad(f, lambda x: 1 / x, at=np.array([0.3]), domain=(-1, 1), batched=True)
    assert wide.verdict == check_grad(math.log, lambda x: 1 / x, domain=(-1, 1)).verdict


@pytest.mark.parametrize(
    ("f", "df", "title"),
    [
        (np.sum, np.cos, r"f returned an array of shape \(\) for a batch of 1 point, expected 1 as its first"),
        (
            lambda x: np.sin(x).sum(-1),
            lambda x: np.cos(x).T,
            r"df returned an array of shape \(8, 1\) for a batch of 1",
        ),
        (lambda x: np.sin(x).sum(-1) + (x**2).mean(), np.cos, "f returned other numbers for a point in a batch of"),
        (lambda x: np.sin(x).sum(-1), lambda x: np.cos(x) / len(x), "df returned other numbers for a point in a batch"),
    ],
)
def test_what_is_no_batch_of_results_is_said(f, df, title):
    report = check_grad(f, df, at=np.linspace(0.3, 1.2, 8), batched=True)
    assert report.verdict == "wrong"
    assert re.match(title, report.title)


def test_f_that_is_rounding_residue_may_differ_in_a_batch():
    def f(x):
        return np.sin(x[:, 0]) ** 2 + np.cos(x[:, 0]) ** 2 - 1 + 1e-16 * len(x)

    assert check_grad(f, lambda x: 0 * x, at=np.array([0.3]), batched=True).verdict != "wrong"


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="batched is 3, expected True, False, 'f' or 'df'"):
        check_grad(np.sin, np.cos, at=1.0, batched=3)
    with pytest.raises(ValueError, match="batched is given without df, expected the derivative too"):
        check_grad(lambda x: x * x, at=1.0, batched=True)
    with pytest.raises(ValueError, match="batched is given without df, expected the gradient too"):
        check_hess(lambda x: x * x, at=1.0, batched=True)
    for check in (check_jvp, check_vjp):
        with pytest.raises(ValueError, match="batched is True, expected False: a product is taken at one point"):
            check(np.sin, lambda x, v: np.cos(x) * v, at=1.0, batched=True)
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match="batched is given for data of pandas, expected arrays"):
        check_grad(lambda s: (s**2).sum(), lambda s: 2 * s, at=pandas.Series([1.0, 2.0]), batched=True)
