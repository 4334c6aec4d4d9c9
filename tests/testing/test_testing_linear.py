"""Products with Jacobians, their transposes and Hessians, and operators with their adjoints."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import autograd_mini as ag
from autograd_mini.testing import (
    GradientError,
    assert_adjoint,
    check_adjoint,
    check_hvp,
    check_jvp,
    check_modes,
    check_vjp,
)

A = np.array([[1.0, 2.0, -0.5], [0.3, -1.0, 0.8]])
X = np.array([0.3, -0.7, 1.1])


def f(x):
    return np.tanh(A @ x)


def slope(x):
    return 1 - np.tanh(A @ x) ** 2


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "correct"), (-1.0, "wrong"), (1.001, "wrong")])
def test_products_with_a_jacobian_and_its_transpose_are_compared_with_the_function(factor, verdict):
    assert check_jvp(f, lambda x, v: factor * slope(x) * (A @ v), at=X).verdict == verdict
    assert check_vjp(f, lambda x, u: factor * A.T @ (slope(x) * u), at=X).verdict == verdict


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "correct"), (2.0, "wrong")])
def test_a_product_with_a_hessian_is_compared_with_the_gradient(factor, verdict):
    assert (
        check_hvp(lambda x: 4 * x * (x @ x), lambda x, v: factor * 4 * (v * (x @ x) + 2 * x * (x @ v)), at=X).verdict
        == verdict
    )


@settings(max_examples=40, deadline=None)
@given(arrays(float, (3, 4), elements=st.floats(-9, 9)), st.integers(0, 2), st.integers(0, 3))
def test_a_matrix_and_its_transpose_are_adjoint_and_with_one_entry_changed_are_not(matrix, i, j):
    at = np.zeros(4)
    assert check_adjoint(lambda x: matrix @ x, lambda y: matrix.T @ y, at=at).ok
    other = matrix.copy()
    other[i, j] += 0.1
    assert check_adjoint(lambda x: matrix @ x, lambda y: other.T @ y, at=at).verdict == "wrong"


def test_what_is_not_linear_or_of_the_wrong_size_is_said():
    with pytest.raises(GradientError, match="the operator is not linear"):
        assert_adjoint(lambda x: x * x, lambda y: y, at=X)
    with pytest.raises(GradientError, match="the adjoint returned 2 numbers, expected 3"):
        assert_adjoint(lambda x: A @ x, lambda y: y, at=X)
    with pytest.raises(GradientError, match="the adjoint is wrong"):
        assert_adjoint(np.cumsum, np.cumsum, at=X)
    assert assert_adjoint(np.cumsum, lambda y: np.cumsum(y[::-1])[::-1], at=X).ok
    with pytest.raises(TypeError, match="at is missing"):
        check_adjoint(lambda x: x, lambda y: y)
    with pytest.raises(TypeError, match="adjoint is missing"):
        check_adjoint(lambda x: x, at=X)


def test_a_linear_operator_of_scipy_brings_its_own_adjoint():
    linalg = pytest.importorskip("scipy.sparse.linalg")
    right = linalg.LinearOperator((2, 3), matvec=lambda x: A @ x, rmatvec=lambda y: A.T @ y)
    wrong = linalg.LinearOperator((2, 3), matvec=lambda x: A @ x, rmatvec=lambda y: -A.T @ y)
    assert assert_adjoint(right).ok
    with pytest.raises(GradientError):
        assert_adjoint(wrong)


def test_the_engines_own_products_are_right():
    g = lambda x: [x[0].sin() * x[1], x[1].exp() / x[0]]  # noqa: E731
    at = [0.3, 1.2]
    plain = lambda x: [value.data for value in g([ag.Value(n) for n in x])]  # noqa: E731
    assert check_jvp(plain, lambda x, v: ag.jvp(g, (x,), (v,))[1], at=at).ok
    assert check_vjp(plain, lambda x, u: ag.vjp(g, x)[1](u), at=at).ok


@pytest.mark.parametrize(("forward", "backward", "title"), [
    (1, 1, ""), (1.01, 1.01, "forward mode does not agree with f"),
    (1, -1, "reverse mode does not agree with forward mode"),
])  # fmt: skip
def test_both_modes_are_compared_with_the_function_and_with_each_other(forward, backward, title):
    jvp, vjp = lambda x, v: forward * slope(x) * (A @ v), lambda x, u: backward * A.T @ (slope(x) * u)
    report = check_modes(f, jvp, vjp, at=X)
    assert (report.verdict, report.title) == ("wrong" if title else "correct", title)
    assert check_modes(f, jvp if forward == 1 else None, at=X).ok  # the engine's, of arrays of Values


def test_the_modes_of_pytorch_and_jax_are_compared_with_rules_of_ones_own():
    torch = pytest.importorskip("torch")
    jax = pytest.importorskip("jax")
    weights = torch.tensor(A)
    assert check_modes(lambda x: torch.tanh(weights @ x), at=torch.tensor(X)).ok

    class Cube(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x):
            return x**3

        @staticmethod
        def setup_context(ctx, inputs, output):  # noqa: ARG004 - names that PyTorch gives
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, g):
            return 3 * ctx.saved_tensors[0] ** 2 * g

        @staticmethod
        def jvp(ctx, v):
            return 2 * ctx.saved_tensors[0] ** 2 * v

    assert check_modes(Cube.apply, at=torch.tensor(X)).title == "forward mode does not agree with f"
    single = jax.numpy.asarray(X, dtype="float32")
    assert check_modes(lambda x: jax.numpy.sin(x) * x, at=single).ok
    assert check_modes(lambda p: jax.numpy.sin(p["a"]) * p["b"], at={"a": single, "b": single + 1}).ok


def test_matrices_and_solvers_are_operators_too():
    sparse = pytest.importorskip("scipy.sparse")
    assert check_adjoint(A, A.T).ok
    assert check_adjoint(sparse.csr_array(A), lambda y: A.T @ y).ok
    assert not check_adjoint(A, A.T * 1.001).ok
    close = lambda y: A.T @ y * (1 + 1e-8 * np.sin(y[0]))  # noqa: E731
    assert not check_adjoint(A, close).ok
    assert check_adjoint(A, close, to=1e-7).ok


C = np.array([[1j, 2.0], [3.0, 4j], [1.0, 1 + 1j]])


@pytest.mark.parametrize(
    ("operator", "adjoint", "at", "verdict"),
    [
        (C, C.conj().T, None, "correct"),
        (C, C.T, None, "wrong"),
        (np.fft.fft, lambda y: 4 * np.fft.ifft(y), np.zeros(4, complex), "correct"),
        (np.fft.fft, lambda y: 4 * np.fft.ifft(y), np.zeros(4), "correct"),
        (np.fft.fft, np.fft.ifft, np.zeros(4, complex), "wrong"),
        (np.fft.rfft, lambda y: 4 * np.fft.irfft(y, 4), np.zeros(4), "wrong"),  # the inverse, not the adjoint
        (np.fft.rfft, lambda y: np.fft.fft(np.pad(y, (0, 1)).conj()).real, np.zeros(4), "correct"),
        (lambda z: (1 + 2j) * z, lambda z: (1 - 2j) * z, 0j, "correct"),
        (lambda z: (1 + 2j) * z, lambda z: (1 + 2j) * z, 0j, "wrong"),
    ],
)
def test_of_complex_numbers_the_adjoint_is_conjugate(operator, adjoint, at, verdict):
    assert check_adjoint(operator, adjoint, at=at).verdict == verdict


@pytest.mark.parametrize(
    ("operator", "adjoint", "said"),
    [
        (A, A, "the adjoint raised ValueError: matmul"),
        (lambda x: x / 0, lambda y: y, "the operator raised ZeroDivisionError: "),
        (lambda _: None, lambda y: y, "the operator returned None, expected a number"),
        (lambda _: math.nan, lambda y: y, "the operator returned nan, expected finite numbers"),
    ],
)
def test_an_operator_that_cannot_be_evaluated_is_wrong_and_the_message_says_why(operator, adjoint, said):
    report = check_adjoint(operator, adjoint, at=None if operator is A else 1.0)
    assert report.verdict == "wrong"
    assert said in str(report)


def test_an_object_whose_rmatvec_is_missing_is_said_to_lack_it():
    linalg = pytest.importorskip("scipy.sparse.linalg")
    with pytest.raises(GradientError, match="the adjoint raised NotImplementedError: rmatvec is not defined"):
        assert_adjoint(linalg.LinearOperator((2, 3), matvec=lambda x: x[:2], dtype=float))
