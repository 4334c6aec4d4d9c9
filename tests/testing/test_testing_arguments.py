"""The arguments of a checked function, as libraries have them: what varies, what stays, and the shape of the result."""

from __future__ import annotations

import cmath
import math
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_mini.testing import check_grad, check_hess
from autograd_mini.testing.arguments import Arguments
from autograd_mini.testing.libraries import PRECISIONS, to_bfloat16

np = pytest.importorskip("numpy")

TREES = st.recursive(
    st.floats(-5, 5).filter(bool),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, min_size=1),
    max_leaves=8,
)


def flat(tree):
    """Return the numbers of a tree, in order."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    return [n for part in tree for n in flat(part)] if isinstance(tree, list) else [tree]


@settings(max_examples=100, deadline=None)
@given(TREES.filter(lambda tree: isinstance(tree, (list, dict))))
def test_a_point_is_passed_in_the_shape_of_the_example(tree):
    arguments = Arguments(lambda params: params, (tree,))
    assert arguments.of(arguments.numbers) == (tree,)
    assert list(arguments.numbers) == flat(tree)
    assert len(set(arguments.names)) == len(arguments.numbers)
    assert arguments.with_leaves(arguments.leaves_of((tree,))) == (tree,)


def test_what_is_no_real_number_stays_as_it_is():
    data = SimpleNamespace(name="data")
    seen = []

    def loss(w, labels, mask, power, kind, flag, thing):
        seen.append((labels.dtype.kind, mask.dtype.kind, type(power), kind, flag, thing is data))
        return float(np.sum(w[labels] ** power * mask)) if kind == "sum" and flag else math.nan

    def gradient(w, labels, mask, power, *_):
        return np.bincount(labels, power * w[labels] ** (power - 1) * mask, len(w))

    labels, mask = np.array([0, 2, 2]), np.array([True, False, True])
    at = (np.array([0.3, 1.2, 0.7]), labels, mask, 3, "sum", True, data)
    assert check_grad(loss, gradient, at=at).ok
    assert set(seen) == {("i", "b", int, "sum", True, True)}
    assert check_grad(loss, lambda *args: 1.01 * gradient(*args), at=at).witness.wrt == "w[0]"


def test_only_the_named_arguments_vary():
    def f(t, y, rate):
        return rate * y * t

    assert check_grad(f, lambda t, _, rate: rate * t, at=(0.5, 2.0, 3.0), wrt="y").ok
    assert check_grad(f, lambda t, y, rate: (None, rate * t, t * y), at=(0.5, 2.0, 3.0), wrt=["y", "rate"]).ok
    assert check_grad(
        lambda p: p["a"] ** 2 * p["b"], lambda p: {"a": 2 * p["a"] * p["b"]}, at={"a": 1.5, "b": 2.0}, wrt="a"
    ).ok
    assert check_grad(lambda x, n: x**n, at=(1.5, 3)).ok


@pytest.mark.parametrize("df", [lambda x, n: n * x ** (n - 1), lambda x, n: (n * x ** (n - 1), x**n * math.log(x))])
def test_an_integer_beside_a_real_number_varies_if_the_derivative_has_a_number_for_it(df):
    assert check_grad(lambda x, n: x**n, df, at=(0.5, 3)).ok


def test_a_function_of_one_dict_has_a_gradient_of_one_dict_in_any_order():
    def loss(params):
        return float(np.sum(np.tanh(params["W"] @ params["b"])))

    def gradient(params):
        inner = 1 - np.tanh(params["W"] @ params["b"]) ** 2
        return {"b": params["W"].T @ inner, "W": np.outer(inner, params["b"])}

    at = {"W": np.array([[0.2, -0.4, 0.1], [0.3, 0.5, 0.7]]), "b": np.array([0.6, 0.1, -0.2])}
    assert check_grad(loss, gradient, at=at).ok
    report = check_grad(loss, lambda p: gradient(p) | {"b": 2 * gradient(p)["b"]}, at=at)
    assert report.witness.wrt.startswith("params['b'][")


W = np.arange(6.0).reshape(2, 3) / 5 + 0.1


@pytest.mark.parametrize(
    ("df", "title"),
    [
        (lambda w: (2 * w).T, "shape (3, 2), expected (2, 3): it is transposed"),
        (lambda w: 2 * w[:-1], "shape (1, 3), expected (2, 3): it is a row short"),
        (lambda w: np.hstack([w, w[:, :1]]), "shape (2, 4), expected (2, 3): it is a column long"),
        (lambda w: w.sum(), "df returned 1 number, expected 6 partial derivatives"),
    ],
)
def test_the_shape_of_a_result_is_compared_with_the_arguments(df, title):
    report = check_grad(lambda w: float(np.sum(w**2)), df, at=W)
    assert report.verdict == "wrong"
    assert title in report.title


def test_a_gradient_that_is_flat_is_said_to_be():
    report = check_grad(lambda w: float(np.sum(w**2)), lambda w: (2 * w).ravel(), at=W)
    assert report.ok
    assert "flat, (6,), where (2, 3) fits" in str(report)


def test_a_jacobian_is_compared_with_the_outputs_and_the_inputs():
    a = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]])
    assert check_grad(lambda x: a @ x, lambda _: a, at=np.ones(3)).ok
    assert "transposed" in check_grad(lambda x: a @ x, lambda _: a.T, at=np.ones(3)).title


def test_the_blocks_of_a_jacobian_by_several_arrays_are_put_side_by_side():
    a, b = np.array([[1.0, 2.0], [4.0, 5.0]]), np.array([[2.0, 0.5, 1.0], [0.3, 0.1, 0.7]])
    f = lambda x, y: a @ x + b @ y  # noqa: E731
    assert check_grad(f, lambda *_: (a, b), at=(np.ones(2), np.ones(3))).ok
    assert not check_grad(f, lambda *_: (a, 1.5 * b), at=(np.ones(2), np.ones(3))).ok


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_numbers_of_few_digits_are_passed_as_such_and_judged_as_such(dtype):
    x = np.array([0.5, 1.25, -0.75], dtype=dtype)
    f = lambda x: np.sum(x * x * x)  # noqa: E731
    assert check_grad(f, lambda x: 3 * x * x, at=x).verdict == "correct"
    assert check_grad(f, lambda x: 2 * x * x, at=x).verdict == "wrong"


@given(st.floats(-1e30, 1e30))
def test_rounding_to_bfloat16_is_to_its_nearest_number(x):
    once = to_bfloat16(x)
    assert to_bfloat16(once) == once
    assert abs(once - x) <= PRECISIONS["bfloat16"][0] / 2 * abs(x) + 1e-44


def test_complex_numbers_are_two_real_ones():
    assert check_grad(lambda z: abs(z) ** 2, lambda z: 2 * z, at=1.2 - 0.7j).ok
    assert check_grad(lambda z: abs(z) ** 2, lambda z: 2 * z.conjugate(), at=1.2 - 0.7j).witness.wrt == "z.imag"
    assert check_grad(cmath.exp, cmath.exp, at=0.3 + 0.2j).ok
    assert not check_grad(cmath.exp, lambda z: cmath.exp(z).conjugate(), at=0.3 + 0.2j).ok
    z = np.array([1 + 2j, 0.5 - 1j])
    assert check_grad(lambda z: float(np.sum(np.abs(z) ** 2)), lambda z: 2 * z, at=z).ok
    assert check_grad(lambda z, x: abs(z) * x, lambda z, x: (x * z / abs(z), abs(z)), at=(1 + 1j, 2.0)).ok


def test_a_domain_may_be_given_in_the_shape_of_the_arguments():
    seen = set()

    def f(w, b):
        seen.add((type(w), w.shape, type(b)))
        return float(np.sum(np.sin(w))) * b

    df = lambda w, b: (np.cos(w) * b, float(np.sum(np.sin(w))))  # noqa: E731
    for domain in ((-1, 1), [(-1, 1), (0, 2)], {"w": [[(-1, 1)] * 3] * 2, "b": (0.5, 1)}):
        assert check_grad(f, df, at=(W, 0.3), domain=domain, budget="quick").ok
    assert seen == {(np.ndarray, (2, 3), float)}
    late = lambda w, b: (np.cos(w) * b * np.where(w > 0.8, 1.1, 1.0), df(w, b)[1])  # noqa: E731
    assert check_grad(f, late, at=(W, 0.3), domain=(-1, 1)).verdict == "wrong"


def test_a_function_of_a_list_or_an_array_is_handed_one_over_a_domain_of_one_input():
    assert check_grad(lambda x: x[0] ** 2, lambda x: [2 * x[0]], domain=[(0, 1)]).ok
    assert check_grad(lambda x: x @ x, lambda x: 2 * x, domain=[(0, 1)]).ok
    assert check_grad(lambda x: x @ x, lambda x: 2 * x, domain=[(0, 1)] * 2).ok


def test_functions_of_pytorch_arrays_in_dicts_and_tuples_with_labels():
    torch = pytest.importorskip("torch")

    def loss(params, labels, scale):
        logits = torch.tanh(params["W"]) @ params["b"]
        return (logits[labels] ** 2).sum() * scale

    w, b = torch.tensor(W), torch.tensor([0.3, -0.2, 0.5], dtype=torch.float64)
    assert check_grad(loss, at=({"W": w, "b": b}, torch.tensor([0, 1, 1]), 2), wrt="params").ok
    assert check_grad(lambda w, b: (w @ b).sum(), at=(w, b)).ok
    assert check_hess(lambda w, b: ((w @ b) ** 2).sum(), at=(w[:, :1], b[:1])).ok
    assert check_hess(lambda w, b: ((w @ b) ** 2).sum(), at=(w, b)).ok
    half = torch.tensor([0.5, 1.5], dtype=torch.bfloat16)
    assert check_grad(lambda x: (x * x).sum(), at=half).verdict != "wrong"
    z = torch.tensor([1 + 2j, 0.5 - 1j], dtype=torch.complex128)
    assert check_grad(lambda z: (z.abs() ** 2).sum(), lambda z: 2 * z, at=z).ok


def test_an_object_with_a_loss_and_its_gradient_is_checked_as_it_is():
    class Model:
        def __init__(self, factor):
            self.factor = factor

        def loss(self, w):
            return float(np.sum(w**2))

        def gradient(self, w):
            return self.factor * w

    assert check_grad(Model(2), at=W).ok
    assert check_grad(Model(3), at=W).verdict == "wrong"
    with pytest.raises(TypeError, match="f is"):
        check_grad(object(), at=W)


@pytest.mark.parametrize("factor", [2, 3])
def test_a_function_of_pytorch_with_its_own_backward_pass_is_checked_directly(factor):
    torch = pytest.importorskip("torch")

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            return factor * ctx.saved_tensors[0] * g

    assert check_grad(Square, at=torch.tensor([0.3, 0.7, -1.2], dtype=torch.float64)).ok is (factor == 2)
