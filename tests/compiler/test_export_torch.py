"""Compiled functions inside of PyTorch, against PyTorch's own arithmetic and its checker of gradients."""

from __future__ import annotations

import pickle

import branches
import pytest

import autograd_mini as ag
from autograd_mini import MLP, Parameter

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 2)), np.array([1.0, -1.0, 1.0, 1.0, -1.0, 1.0])


def double(array, *, grad=True):
    return torch.tensor(array, dtype=torch.float64, requires_grad=grad)


@pytest.fixture(params=["python", "numpy", "auto"])
def loss(request):
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    return ag.jit(lambda x, y: ag.softplus(-y * model(x)), batched=True, backend=request.param)


def numbers(fast):
    fast.prepare(X, Y)
    return double([p.data for p in fast.parameters])


def test_first_and_second_derivatives_pass_pytorch_s_checker(loss):
    f, p, x = loss.torch(), numbers(loss), double(X)
    assert torch.autograd.gradcheck(lambda x, p: f(x, Y, parameters=p), (x, p))
    assert torch.autograd.gradgradcheck(lambda x, p: f(x, Y, parameters=p), (x, p))


def test_a_third_derivative_is_that_of_the_formula():
    x = double(0.7)
    y = ag.jit(lambda x: ag.exp(2.0 * x)).torch()(x)
    for order in range(1, 4):
        (y,) = torch.autograd.grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(2.0**order * np.exp(1.4), rel=1e-14)


def test_the_value_and_the_gradient_are_those_of_the_compiled_function(loss):
    f, p = loss.torch(), numbers(loss)
    mean = f(double(X), double(Y), parameters=p).mean()
    mean.backward()
    assert mean.item() == pytest.approx(loss.backward(X, Y), rel=1e-15)
    assert p.grad.numpy() == pytest.approx([q.grad for q in loss.parameters], rel=1e-13)


def test_parameters_that_are_not_given_are_read_at_every_call():
    w = Parameter(2.0)
    f = ag.jit(lambda x: w * x, batched=True).torch()
    before = f(double([1.0, 3.0])).tolist()
    w.data = 5.0
    assert (before, f(double([1.0, 3.0])).tolist()) == ([2.0, 6.0], [5.0, 15.0])


def test_a_network_and_what_a_function_reads_besides_are_followed():
    model, factor = MLP(2, [3, 1], activation="tanh", seed=0), 2.0
    f = ag.jit(lambda x: factor * model(x), batched=True).torch()
    x = double(X)
    before = f(x)
    factor = 3.0
    assert f(x).tolist() == pytest.approx((1.5 * before).tolist(), rel=1e-15)
    assert model.jit().torch()(x).tolist() == pytest.approx((0.5 * before).tolist(), rel=1e-14)


def test_a_lookup_is_differentiated_and_an_index_out_of_range_is_an_error():
    f = ag.jit(lambda x, i: ag.take(x, i) ** 3, batched=True).torch()
    x, index = double(X), double([0.0, 1.0, 1.0, 0.0, -1.0, 1.0], grad=False)
    assert torch.autograd.gradcheck(f, (x, index))
    assert torch.autograd.gradgradcheck(lambda x: f(x, index), (x,))
    with pytest.raises(IndexError, match=r"index is 2"):
        f(x, index + 1.0)
    with pytest.raises(IndexError, match=r"index is 2"):
        ag.jit(lambda x, i: 2.0 * ag.take(x, i)).torch()(x[0], 2.0)


def test_a_pytorch_optimiser_trains_the_parameters():
    w = Parameter(0.0)
    fast = ag.jit(lambda x, y: (w * x - y) ** 2, batched=True)
    f, x = fast.torch(), torch.linspace(-1.0, 1.0, 20)
    p = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.Adam([p], lr=0.1)
    for _ in range(200):
        optimiser.zero_grad()
        f(x, 3.0 * x, parameters=p).mean().backward()
        optimiser.step()
    assert p.item() == pytest.approx(3.0, abs=1e-2)


def test_nested_arguments_and_results_keep_their_form():
    f = ag.jit(lambda d, k: {"sum": d["u"] + d["v"][1] * k[0], "pair": (d["v"] * 2.0, k[1])}).torch()
    found = f({"u": torch.tensor(1.0), "v": torch.tensor([2.0, 3.0])}, (4.0, torch.tensor(5.0)))
    assert found["sum"].item() == 13.0
    assert found["pair"][0].tolist() == [4.0, 6.0]
    assert found["pair"][1].item() == 5.0


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_results_have_the_dtype_of_the_tensors(dtype):
    x = torch.tensor([0.5, 1.0], dtype=dtype, requires_grad=True)
    y = ag.jit(lambda x: ag.sin(x), batched=True).torch()(x)  # noqa: PLW0108 - a function of Values
    y.sum().backward()
    assert (y.dtype, x.grad.dtype) == (dtype, dtype)
    assert y.detach().double().numpy() == pytest.approx(np.sin([0.5, 1.0]), rel=1e-3)


def test_an_axis_of_samples_other_than_the_first_and_arguments_that_all_share():
    fast = ag.jit(lambda x, k: x[0] * k["a"] + x[1] * k["b"], batched=True, in_axes=(1, None))
    x, a = double(X[:3].T.copy()), double(2.0)
    y = fast.torch()(x, {"a": a, "b": 3.0})
    assert y.detach().numpy() == pytest.approx(2.0 * X[:3, 0] + 3.0 * X[:3, 1])
    y.sum().backward()
    assert a.grad.item() == pytest.approx(X[:3, 0].sum())
    assert x.grad.tolist() == [[2.0] * 3, [3.0] * 3]


def test_the_transforms_of_pytorch_work():
    f = ag.jit(lambda u, v: v * ag.sin(u)).torch()
    u, v = double([0.1, 0.2, 0.3], grad=False), double([1.0, 2.0], grad=False)
    slopes = torch.func.vmap(torch.func.grad(lambda u: f(u, v).sum()))(u)
    assert slopes.numpy() == pytest.approx(3.0 * np.cos(u.numpy()), rel=1e-14)
    shared = ag.jit(lambda x: x * x, batched=True).torch()
    assert torch.func.vmap(shared)(double(X, grad=False)).numpy() == pytest.approx(X * X)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
def test_forward_mode_is_refused_with_the_way_to_a_hessian():
    f, x = ag.jit(lambda u: u**3, batched=True).torch(), double([0.5, 2.0], grad=False)
    for derivative in (torch.func.hessian, torch.func.jacfwd):
        with pytest.raises(TypeError, match=r"expected reverse mode: torch\.func\.jacrev"):
            derivative(lambda u: f(u).sum())(x)
    slopes = torch.func.jacrev(torch.func.grad(lambda u: f(u).sum()))(x)
    assert slopes.diagonal().tolist() == pytest.approx([3.0, 12.0])


def test_parameters_may_be_a_list():
    w = Parameter(2.0)
    f = ag.jit(lambda u: w * u, batched=True).torch()
    assert f([1.0, 2.0], parameters=[3.0]).tolist() == [3.0, 6.0]
    with pytest.raises(ValueError, match=r"parameters is of shape \(2,\), expected \(1,\)"):
        f([1.0, 2.0], parameters=[3.0, 4.0])


def test_tensors_that_pytorch_differentiates_are_refused_with_the_way_to_do_so():
    with pytest.raises(TypeError, match=r"argument 0 is a Tensor that NumPy cannot read, .*fast\.torch\(\)"):
        ag.jit(lambda u: u * u, batched=True)(double([1.0]))


def test_rows_may_be_lists_of_numbers(loss):
    f = loss.torch()
    assert f(X.tolist(), Y.tolist()).tolist() == pytest.approx(f(double(X), double(Y)).tolist(), rel=1e-6)


def test_a_batch_without_samples_has_no_results():
    f = ag.jit(lambda x: x[0] * x[1], batched=True).torch()
    x = torch.zeros(0, 2, requires_grad=True)
    y = f(x)
    y.sum().backward()
    assert (tuple(y.shape), tuple(x.grad.shape)) == ((0,), (0, 2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda f: f(double(X), double(Y), parameters=double([1.0])),
            ValueError,
            r"parameters is of shape \(1,\), exp",
        ),
        (lambda f: f(double(X), double(Y[:2])), ValueError, r"the batched arguments have \[2, 6\] rows, expected"),
        (lambda f: f(double(1.0), double(Y)), ValueError, "axis 0"),
        (lambda f: f("a", double(Y)), TypeError, "argument 0 is 'a' of type str, expected a real number"),
        (
            lambda f: f(torch.tensor([[1j, 2.0]]), Y),
            TypeError,
            r"argument 0 is of dtype torch.complex64, expected real",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_refused(loss, call, error, message):
    with pytest.raises(error, match=message):
        call(loss.torch())


def test_what_came_out_of_a_pickle_has_no_function_to_differentiate():
    fast = ag.jit(ag.sin)
    fast(1.0)
    with pytest.raises(ag.errors.TracingError, match="came out of a pickle"):
        pickle.loads(pickle.dumps(fast)).torch()(torch.tensor(1.0))  # noqa: S301 - our own bytes


# --- functions that branch ---


def newton(w):
    def root(a):
        x = a = a * w
        while abs(x * x - a) > 1e-12:
            x = (x + a / x) / 2
        return x if a > 2 else 3 * x

    return root


@pytest.mark.parametrize("backend", ["python", "numpy", "auto"])
def test_each_sample_takes_its_own_path_and_its_derivatives_are_those_of_the_path(backend):
    f = ag.jit(newton(Parameter(0.7)), batched=True, backend=backend).torch()
    a, w = double([4.0, 9.0, 2.0, 4.1]), double([0.7])
    factor = torch.tensor([1.0, 1.0, 3.0, 1.0], dtype=torch.float64)
    found, expected = f(a, parameters=w), factor * (a * w).sqrt()
    torch.testing.assert_close(found, expected)
    slopes, truth = (torch.autograd.grad(y.sum(), (a, w), create_graph=True) for y in (found, expected))
    torch.testing.assert_close(slopes, truth)
    second, known = (torch.autograd.grad(part[1].sum(), (a, w)) for part in (slopes, truth))
    torch.testing.assert_close(second, known)


@pytest.mark.parametrize("seed", range(12))
def test_random_functions_that_branch_agree_with_eager_code(seed):
    f, parameters, _ = branches.function(seed)
    for point in branches.points(seed, 6):
        x, y, p = double(point[0]), double(point[1]), double([1.5, -0.25])
        fast = ag.jit(f, backend="python")
        fast.prepare(*point)
        places = [parameters.index(leaf) for leaf in fast.parameters]
        value = fast.torch()(x, y, parameters=p[places])
        slopes = torch.autograd.grad(value, (x, y, p), allow_unused=True)
        flat = [value, *[torch.zeros(1) if slope is None else slope for slope in slopes]]
        found = torch.cat([one.detach().reshape(-1) for one in flat]).tolist()
        expected = branches.eager(f, parameters, point)
        assert branches.close(found[: len(expected)], expected[: len(found)])


def test_vmap_takes_the_path_of_each_example_once_the_function_was_called_with_numbers():
    square = ag.jit(lambda x: x * x if x > 0 else -x)
    f, x = square.torch(), torch.tensor([1.0, -2.0, 3.0])
    with pytest.raises(ag.errors.TracingError, match=r"while torch\.func transforms it: call it with numbers first"):
        torch.func.vmap(f)(x)
    assert f(torch.tensor(-5.0)) == 5.0
    assert torch.func.vmap(f)(x).tolist() == [1.0, 2.0, 9.0]


def test_a_path_on_which_a_function_closes_over_more_parameters_is_an_error():
    v, w = Parameter(2.0), Parameter(3.0)
    fast = ag.jit(lambda x: v * x if x > 0 else w * x)
    f = fast.torch()
    assert f(double(1.0)) == 2.0
    with pytest.raises(ag.errors.TracingError, match="closes over more Values, expected the parameters that it had"):
        f(double(-1.0))
    fast.prepare(1.0)
    fast.prepare(-1.0)
    assert f(double(-1.0)) == -3.0


def test_more_paths_than_there_may_be_are_an_error():
    f = ag.jit(newton(1.0), batched=True, paths=2).torch()
    with pytest.raises(ag.errors.TracingError, match="paths is 2, expected room for one more path of root"):
        f(double([1.0, 4.0, 100.0, 1e6]))
    with pytest.raises(ag.errors.TracingError, match=r"bool\(\) of a traced Value"):
        ag.jit(newton(1.0), batched=True, paths=0).torch()(double([1.0]))
