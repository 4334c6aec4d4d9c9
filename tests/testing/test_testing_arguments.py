"""The arguments of a checked function, as libraries have them: what varies, what stays, and the shape of the result."""

from __future__ import annotations

import cmath
import math
from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings
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


X = np.array([0.3, -0.7, 1.1])


@pytest.mark.parametrize(("gradient", "verdict"), [(lambda x: 3 * x**2, "correct"), (lambda x: 2 * x**2, "wrong")])
def test_a_function_that_returns_its_gradient_too_is_checked_as_one(gradient, verdict):
    assert check_grad(lambda x: (float(np.sum(x**3)), gradient(x)), True, at=X).verdict == verdict
    assert check_grad(lambda x: [x**3, gradient(x)], True, domain=(0.1, 2)).verdict == verdict


def test_a_function_that_should_return_its_gradient_too_and_does_not_is_said_to():
    assert "f returned float, expected a value and its gradient" in check_grad(lambda x: x**2, True, at=1.0).title
    with pytest.raises(TypeError, match="f is 3 of type int, expected a function"):
        check_grad(3, True, at=1.0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-2, 2).filter(lambda v: abs(v) > 1e-3), min_size=2, max_size=9), st.integers(0, 8))
@example([1.0, 1.9980545341968536], 0)  # rounded to single precision, the second leaves the first result as it is
def test_a_derivative_of_the_shape_of_the_result_is_elementwise(numbers, index):
    x = np.array(numbers)
    report = check_grad(np.sinh, np.cosh, at=x)
    assert report.ok
    assert "elementwise" in report.note
    wrong = lambda x: np.cosh(x) * np.where(np.arange(len(x)) == index % len(x), 1.1, 1.0)  # noqa: E731
    assert check_grad(np.sinh, wrong, at=x).witness.axis == index % len(x)
    slopes = check_grad(lambda x: [math.sinh(v) for v in x], lambda x: [math.cosh(v) for v in x], at=numbers)
    assert slopes.ok


def test_a_derivative_of_several_arrays_is_elementwise_for_those_in_the_shape_of_the_result():
    df = lambda x, y, c: (c * y, c * x, x * y)  # noqa: E731
    assert check_grad(lambda x, y, c: c * x * y, df, at=(X, X + 1, 0.7)).ok
    wrong = check_grad(lambda x, y, c: c * x * y, lambda x, y, c: (c * x, c * x, x * y), at=(X, X + 1, 0.7))
    assert wrong.witness.wrt == "x[0]"


def test_a_whole_jacobian_is_missed_where_the_function_takes_entries_together():
    report = check_grad(lambda x: np.cumsum(np.tanh(x)), lambda x: 1 - np.tanh(x) ** 2, at=X)
    assert report.cause_kind == "shape"
    assert "one number for each of f" in report.cause


@pytest.mark.parametrize("n", [5, 100, 5000])
@pytest.mark.parametrize("factor", [1.0, 1.1])
def test_a_sparse_jacobian_is_taken_as_it_is(n, factor):
    sparse = pytest.importorskip("scipy.sparse")

    def jacobian(x):
        upper = x[:-1] * np.where(np.arange(n - 1) == n // 2, factor, 1.0)
        return sparse.diags_array([x[1:], upper], offsets=[0, 1], shape=(n - 1, n))

    report = check_grad(lambda x: x[1:] * x[:-1], jacobian, at=np.linspace(0.5, 2, n))
    assert report.verdict == ("correct" if factor == 1.0 else "wrong")
    if factor != 1.0:
        assert (report.witness.output, report.witness.axis) == (f"f[{n // 2}]", n // 2 + 1)


def test_arguments_that_one_parameter_collects_are_inputs_each():
    f = lambda x, *ys: x * ys[0] * ys[1] ** 2  # noqa: E731
    df = lambda x, *ys: (ys[0] * ys[1] ** 2, x * ys[1] ** 2, 2 * x * ys[0] * ys[1])  # noqa: E731
    assert check_grad(f, df, at=(0.3, 0.7, 1.2)).ok
    assert check_grad(f, lambda *at: (*df(*at)[:2], df(*at)[2] * 2), at=(0.3, 0.7, 1.2)).witness.wrt == "ys[1]"


def test_arguments_that_are_taken_by_keyword_alone_are_inputs_too():
    def f(x, n=2, *, rate=1.0, shift):
        return x**n * rate + shift**2

    def df(x, n=2, *, rate=1.0, shift):
        return n * x ** (n - 1) * rate, 2 * shift

    assert check_grad(f, df, at={"x": 0.3, "shift": 0.7}).ok
    assert check_grad(f, df, at=(0.3, 3, 0.7)).ok
    assert check_grad(f, df, domain={"shift": (0, 1), "x": (1, 2)}).ok
    assert check_grad(f, lambda **at: (*df(**at), at["x"] ** 2), at={"x": 0.3, "shift": 0.7, "rate": 0.4}).ok is False
    assert check_grad(lambda x, n=2, m=1: x**n * m, lambda x, m: (2 * x * m, x**2), at={"x": 0.3, "m": 0.5}).ok
    assert check_grad(lambda x, *, y: x * y.sin(), at={"x": 0.3, "y": 0.7}).ok
    assert check_hess(lambda x, *, y: x * y.sin(), at={"x": 0.3, "y": 0.7}).ok


def test_series_and_frames_of_pandas_keep_their_labels():
    pd = pytest.importorskip("pandas")
    at = pd.Series([0.3, -0.4, 1.2], index=["const", "age", "income"])

    def loss(p):
        return p["const"] * np.exp(p["age"]) + p["income"] ** 2

    def gradient(p):
        one = {"income": 2 * p["income"], "age": p["const"] * np.exp(p["age"]), "const": np.exp(p["age"])}
        return pd.Series(one)

    assert check_grad(loss, gradient, at=at).ok
    assert check_grad(loss, lambda p: gradient(p) * [1, 2, 1], at=at).witness.wrt == "p['age']"
    frame = pd.DataFrame(W, columns=list("uvw"))
    assert check_grad(lambda q: float((q["u"] * q["v"] ** 2 + q["w"]).sum()), lambda q: pd.DataFrame(
        {"v": 2 * q["u"] * q["v"], "u": q["v"] ** 2, "w": 1.0}), at=frame).ok  # fmt: skip
    assert check_grad(lambda p, data: float(p @ data["y"]), lambda _, data: data["y"], at=(at.to_numpy(), pd.DataFrame(
        {"y": [1.0, 2.0, 3.0], "name": ["a", "b", "c"]}))).ok  # fmt: skip


def test_the_half_of_a_hessian_that_is_missing_is_said():
    df = lambda x: np.array([2 * x[0] * x[1] * x[2], x[0] ** 2 * x[2], x[0] ** 2 * x[1]])  # noqa: E731

    def ddf(x):
        a, b, c = x
        return np.array([[2 * b * c, 2 * a * c, 2 * a * b], [2 * a * c, 0, a**2], [2 * a * b, a**2, 0]])

    f = lambda x: x[0] ** 2 * x[1] * x[2]  # noqa: E731
    assert check_hess(f, df, ddf, at=X).ok
    lower, upper = (check_hess(f, df, lambda x, half=half: half(ddf(x)), at=X) for half in (np.triu, np.tril))
    assert "the lower half is missing" in lower.cause
    assert "the upper half is missing" in upper.cause
    assert lower.cause_kind == upper.cause_kind == "triangle"


def test_a_result_by_one_of_the_arguments_alone_is_said_to_want_its_name():
    rhs = lambda t, y: np.array([y[1], np.sin(t) - y[0]])  # noqa: E731
    report = check_grad(rhs, lambda *_: np.array([[0, 1], [-1, 0]]), at=(0.5, np.array([0.3, 1.2])))
    assert report.title.endswith("or say wrt='y' if it is by that alone")


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


@pytest.mark.parametrize("kind", ["right", "wrong with None", "wrong in batches", "no batches"])
def test_a_backward_pass_of_pytorch_gets_undefined_and_batched_gradients(kind):
    torch = pytest.importorskip("torch")

    class Both(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            ctx.set_materialize_grads(False)  # the gradient of an output that is not used is None
            return x * y, x + y

        @staticmethod
        def backward(ctx, product, total):
            x, y = ctx.saved_tensors
            if kind == "no batches" and product is not None:
                product.sum().item()
            by_x, by_y = (0 if product is None else product * other for other in (y, x))
            if kind == "wrong with None" and product is None:
                return None, None
            if kind == "wrong in batches":
                try:
                    (total if product is None else product).sum().item()
                except RuntimeError:  # of a batch
                    return by_x, by_y
            return by_x + (0 if total is None else total), by_y + (0 if total is None else total)

    at = (torch.tensor([0.3, 0.7], dtype=torch.float64), torch.tensor([1.2, -0.4], dtype=torch.float64))
    report = check_grad(Both, at=at)
    assert report.verdict == ("wrong" if "wrong" in kind else "correct")
    assert ("other numbers for a batch" in report.title) is (kind == "wrong in batches")
    assert ("takes no batch" in report.note) is (kind == "no batches")


@pytest.mark.parametrize("rule", ["right", "twice", "right, of one at a time"])
def test_a_function_of_jax_with_its_own_rule_is_checked_directly(rule):
    jax = pytest.importorskip("jax")
    jnp = jax.numpy

    @jax.custom_vjp
    def sine(x):
        return jnp.sin(x)

    def backward(x, g):
        if "one" in rule:  # NumPy takes no batch, whose numbers nobody knows yet
            return (jnp.asarray(np.asarray(g) * np.cos(np.asarray(x))),)
        return (jnp.cos(x) * g * (2 if rule == "twice" else 1),)

    sine.defvjp(lambda x: (jnp.sin(x), x), backward)
    at = jnp.asarray(X, dtype="float32")
    assert check_grad(sine, at=at).verdict == ("wrong" if rule == "twice" else "correct")
    assert check_grad(lambda x: (sine(x) * x).sum(), at=at).verdict == ("wrong" if rule == "twice" else "correct")


@pytest.mark.parametrize("factor", [1, 2])
def test_objects_that_know_their_derivatives_are_checked_as_they_are(factor):
    class Norm:
        def func(self, w):
            return float(np.sum(np.cosh(w)))

        def deriv(self, w):
            return np.sinh(w)

        def deriv2(self, w):
            return factor * np.diag(np.cosh(w))

    class Cube:
        def __call__(self, x):
            return x**3

        def derivative(self, x):
            return 3 * factor * x**2

    assert check_grad(Norm(), at=X).ok
    assert check_hess(Norm(), at=X).ok is (factor == 1)
    assert check_grad(Cube(), at=0.7).ok is (factor == 1)
    line = np.polynomial.Polynomial([1.0, 2.0, 3.0, 4.0])
    assert check_grad(line, at=0.3).ok
    assert check_hess(line, at=0.3).ok
    stats = pytest.importorskip("scipy.stats")
    assert check_grad(stats.gamma(2.3), domain=[(0.1, 5)]).ok  # its cdf and its pdf


def test_a_root_and_a_minimum_are_checked_against_their_solver():
    optimize = pytest.importorskip("scipy.optimize")
    root = lambda a: optimize.brentq(lambda y: y**3 + y - a, -9, 9)  # noqa: E731
    assert check_grad(root, lambda a: 1 / (3 * root(a) ** 2 + 1), at=1.3, to=1e-9).ok
    assert not check_grad(root, lambda a: 1 / (3 * root(a) ** 2), at=1.3, to=1e-9).ok
    data, target = np.sin(np.arange(24.0)).reshape(8, 3), np.cos(np.arange(8.0))

    def ridge(strength):
        def loss(w):
            return np.sum((data @ w - target) ** 2) + strength * (w @ w), 2 * data.T @ (
                data @ w - target
            ) + 2 * strength * w

        return optimize.minimize(loss, np.zeros(3), jac=True, method="BFGS", options={"gtol": 1e-8}).x

    def by_strength(strength, sign=-1):
        return sign * np.linalg.solve(data.T @ data + strength * np.eye(3), ridge(strength))

    assert check_grad(ridge, by_strength, at=0.8, to=1e-5).ok
    assert check_grad(ridge, lambda s: by_strength(s, sign=1), at=0.8, to=1e-5).cause == "the sign is wrong"


@pytest.mark.parametrize(
    "wrap", [np.array, lambda rows: rows, lambda rows: pytest.importorskip("scipy.sparse").csc_array(rows)]
)
def test_the_jacobian_of_a_differential_equation_is_by_its_state(wrap):
    rhs = lambda t, y: [y[1], (1 - y[0] ** 2) * y[1] - y[0] + math.sin(t)]  # noqa: E731
    jac = lambda t, y: wrap([[0.0, 1.0], [-2 * y[0] * y[1] - 1, 1 - y[0] ** 2]])  # noqa: ARG005, E731
    assert check_grad(rhs, jac, at=(0.5, np.array([0.3, 1.2])), wrt="y").ok
    wrong = check_grad(rhs, lambda t, y: jac(t, 2 * y), at=(0.5, np.array([0.3, 1.2])), wrt="y")
    assert wrong.verdict == "wrong"


@pytest.mark.parametrize("wrt", [1, -1, [1], "y"])
def test_the_argument_that_varies_is_named_or_counted(wrt):
    assert check_grad(lambda x, y: x * y**2, lambda x, y: 2 * x * y, at=(0.5, 2.0), wrt=wrt).ok


@pytest.mark.parametrize("wrt", [2, -3, 1.5, "z", ["x", "z"]])
def test_an_argument_that_is_none_is_refused(wrt):
    with pytest.raises(ValueError, match=r"wrt is .*, expected names among x, y"):
        check_grad(lambda x, y: x * y, lambda x, y: (y, x), at=(0.5, 2.0), wrt=wrt)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (np.ma.array([1.0, 2.0], mask=[False, True]), "x has masked entries, expected numbers"),
        (np.zeros(0), "at is array.*, which has no number that varies"),
    ],
)
def test_an_array_with_no_numbers_to_vary_or_with_masked_ones_is_refused(at, said):
    with pytest.raises(TypeError, match=said):
        check_grad(lambda x: (x**2).sum(), lambda x: 2 * x, at=at)
    assert check_grad(lambda x: (x**2).sum(), lambda x: 2 * x, at=np.ma.array([1.0, 2.0])).ok


@pytest.mark.parametrize("options", [{"to": "1e-5"}, {"seconds": "1"}])
def test_an_accuracy_or_a_time_that_is_no_number_is_refused(options):
    with pytest.raises(TypeError, match=f"{next(iter(options))} is '.*', expected a number"):
        check_grad(math.sin, math.cos, at=1.0, **options)
