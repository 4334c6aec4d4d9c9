"""Sparse Hessians."""

from __future__ import annotations

import sys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from smooth import last, recipes

from autograd_mini import Value
from autograd_mini.transforms import custom_gradient, hessian
from autograd_mini.transforms.jacobians import star_colouring

edges = st.integers(1, 12).flatmap(
    lambda n: st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=30).map(lambda e: (n, e))
)


def neighbours(n, pairs):
    rows = [set() for _ in range(n)]
    for i, j in pairs:
        rows[i].add(j)
        rows[j].add(i)
    return rows


@given(edges)
def test_a_star_colouring_separates_neighbours_and_needs_three_colours_on_paths_of_four(graph):
    n, pairs = graph
    rows = neighbours(n, pairs)
    colours = star_colouring(rows)
    for b, c in combinations(range(n), 2):
        if c not in rows[b]:
            continue
        assert colours[b] != colours[c]
        for a in rows[b] - {b, c}:
            for d in rows[c] - {a, b, c}:
                assert len({colours[at] for at in (a, b, c, d)}) >= 3


def test_an_arrow_takes_two_colours_and_a_band_three():
    arrow = neighbours(50, [(0, i) for i in range(50)] + [(i, i) for i in range(50)])
    assert len({*star_colouring(arrow)}) == 2
    band = neighbours(50, [(i, j) for i in range(50) for j in range(50) if abs(i - j) <= 1])
    assert len({*star_colouring(band)}) == 3


@given(recipes(inputs=5, longest=12), st.lists(st.floats(-2, 2).map(lambda x: round(x, 2)), min_size=5, max_size=5))
def test_a_sparse_hessian_is_the_dense_one(steps, numbers):
    pytest.importorskip("scipy.sparse")

    def f(xs):
        return last(steps, xs) + xs[0] ** 2 * xs[4]

    dense = hessian(f)(np.array(numbers))
    assume(np.abs(dense).max() < 1e6)
    sparse = hessian(f, sparse=True)(np.array(numbers))
    np.testing.assert_allclose(sparse.toarray(), dense, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(dense).max()))


def test_a_sum_over_neighbours_has_a_hessian_of_that_many_entries():
    pytest.importorskip("scipy.sparse")
    n = 200
    found = hessian(lambda x: sum((x[i] * x[i + 1]) ** 2 for i in range(n - 1)), sparse=True)(np.ones(n))
    assert found.shape == (n, n)
    assert found.nnz == 3 * n - 2
    assert found[1, 1] == 4.0
    assert found[1, 2] == 4.0


def test_a_call_with_its_own_derivative_has_its_structure_too():
    pytest.importorskip("scipy.sparse")
    multiply = custom_gradient(lambda x, y: x * y, lambda x, y: (y, x))
    found = hessian(lambda x: multiply(x[0], x[1]) + x[2] ** 2, sparse=True)([1.0, 2.0, 3.0])
    assert found.toarray().tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 2.0]]


def test_a_function_without_second_derivatives_has_an_empty_hessian():
    pytest.importorskip("scipy.sparse")
    assert hessian(lambda x: x.sum(), sparse=True)(np.ones(3)).nnz == 0
    assert hessian(lambda _: 1.0, sparse=True)(np.ones(3)).shape == (3, 3)


def test_values_are_refused():
    with pytest.raises(
        TypeError, match=r"an argument of hessian\(f, sparse=True\) holds Values, expected plain numbers"
    ):
        hessian(lambda x: x * x, sparse=True)(Value(1.0))


def test_without_scipy_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(ModuleNotFoundError, match=r"autograd_mini\[sparse\]"):
        hessian(lambda x: x * x, sparse=True)(1.0)
