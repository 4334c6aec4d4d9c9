"""What `jit` returns: calls, batches, gradients of closed-over parameters, settings, threads."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import Parameter
from autograd_mini.compiler import backends
from autograd_mini.compiler.llvm import target
from autograd_mini.transforms import value_and_grad

np = pytest.importorskip("numpy")

BACKENDS = [name for name, row in backends.BACKENDS.items() if row.available]
every_backend = pytest.mark.parametrize("backend", BACKENDS)
SIZES = (1, 2, 7, 8, 9, 63, 64, 65, 129, 1001)


class Net:
    """Two inputs, three hidden units, one output."""

    def __init__(self):
        self.w = [[Parameter(0.3 * i - 0.4 * j + 0.1) for j in range(2)] for i in range(3)]
        self.b = [Parameter(0.1 * i) for i in range(3)]
        self.v = [Parameter(0.5 - 0.3 * i) for i in range(3)]

    def __call__(self, x):
        """Return the output."""
        hidden = [
            ag.tanh(sum((w * v for w, v in zip(ws, x, strict=True)), b)) for ws, b in zip(self.w, self.b, strict=True)
        ]
        return sum(v * h for v, h in zip(self.v, hidden, strict=True))


def data(n):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 2))
    return X, np.sign(X[:, 0] * X[:, 1])


def eager_mean(loss, X, y, parameters):
    for p in parameters:
        p.grad = 0.0
    total = sum((loss(x, t) for x, t in zip(X.tolist(), y.tolist(), strict=True)), 0.0) * (1.0 / len(X))
    total.backward()
    found = [p.grad for p in parameters]
    for p in parameters:
        p.grad = None
    return total.data, found


@every_backend
@pytest.mark.parametrize("n", SIZES)
def test_the_mean_loss_and_gradient_of_a_batch_are_those_of_eager(backend, n):
    net = Net()

    def loss(x, y):
        return ag.relu(1.0 - y * net(x)) + 0.01 * sum(w * w for ws in net.w for w in ws)

    fast = ag.jit(loss, batched=True, backend=backend)
    X, y = data(n)
    mean = fast.backward(X, y)
    found = [p.grad for p in fast.parameters]
    expected, slopes = eager_mean(loss, X, y, fast.parameters)
    assert {type(number) for number in (mean, *found)} == {float}
    assert mean == pytest.approx(expected, rel=1e-12)
    assert found == pytest.approx(slopes, rel=1e-11, abs=1e-13)
    numbers = np.array([p.data for p in fast.parameters])
    for _ in range(2):  # the second call may be machine code called directly
        value, slopes_again = fast.value_and_grad(numbers, X, y)
        assert value == mean
        assert slopes_again.tolist() == found


@every_backend
def test_an_empty_batch_has_losses_of_length_0_and_no_mean(backend):
    w = Parameter(2.0)
    fast = ag.jit(lambda x: w * x, batched=True, backend=backend)
    assert len(fast(np.empty(0))) == 0
    with pytest.raises(ValueError, match="at least one sample"):
        fast.backward(np.empty(0))


@every_backend
def test_nan_and_infinity_in_the_last_sample_reach_the_mean_and_those_beyond_it_do_not_exist(backend):
    w = Parameter(0.0)
    fast = ag.jit(lambda x: w * x, batched=True, backend=backend)
    x = np.ones(9)
    x[8] = np.inf
    loss, (slope,) = fast.value_and_grad([1.0], x)
    assert (loss, slope) == (np.inf, np.inf)


@every_backend
def test_parameters_changed_between_calls_are_seen(backend):
    w = Parameter(2.0)
    one, many = ag.jit(lambda x: w * x, backend=backend), ag.jit(lambda x: w * x, batched=True, backend=backend)
    assert (one(3.0), list(many([3.0]))) == (6.0, [6.0])
    w.data = 5.0
    assert (one(3.0), list(many([3.0]))) == (15.0, [15.0])


@pytest.mark.skipif("llvm" not in BACKENDS, reason="no llvmlite")
def test_threads_share_a_batch():
    w = Parameter(0.5)
    X, y = data(20_000)

    def loss(x, t):
        return (ag.tanh(w * x[0]) - t) ** 2 + 0.1 * w * w

    one, two = (ag.jit(loss, batched=True, threads=count) for count in (1, 2))
    for a, b in zip(one.value_and_grad([0.5], X, y), two.value_and_grad([0.5], X, y), strict=True):
        assert b == pytest.approx(a, rel=1e-12)
    assert two(X, y).tolist() == one(X, y).tolist()


def test_backward_adds_to_what_is_there_and_an_error_leaves_it():
    w = Parameter(2.0)
    fast = ag.jit(lambda x: w * x, backend="python")
    fast.backward(3.0)
    fast.backward(4.0)
    assert w.grad == 7.0
    pair = ag.jit(lambda x: [w * x, x], backend="python")
    with pytest.raises(TypeError, match="one number"):
        pair.backward(1.0)
    assert w.grad == 7.0


@every_backend
@given(st.lists(st.floats(-40, 40), min_size=2, max_size=6))
@settings(max_examples=15, deadline=None)
def test_logsumexp_softmax_and_clip_just_work(backend, logits):
    def f(x):
        x = list(x)
        return ag.logsumexp(x) + ag.softmax(x)[0] * ag.log_softmax(x)[-1] + ag.clip(x[0], -1.0, 1.0) + ag.mean(x)

    value, slope = ag.jit(value_and_grad(f), backend=backend)(logits)
    expected, slopes = value_and_grad(f)(logits)
    assert value == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert slope == pytest.approx(slopes, rel=1e-9, abs=1e-12)


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="backend is 'gpu', expected one of auto, llvm"):
        ag.jit(lambda x: x, backend="gpu")
    with pytest.raises(ValueError, match="threads is 0, expected a whole number from 1 on"):
        ag.jit(lambda x: x, threads=0)
    with pytest.raises(TypeError, match="threads is True, expected a whole number"):
        ag.jit(lambda x: x, threads=True)
    with pytest.raises(ValueError, match="static is -1, expected a whole number from 0 on"):
        ag.jit(lambda x: x, static=(0, -1))
    with pytest.raises(TypeError, match=r"static is 1\.5, expected a whole number"):
        ag.jit(lambda n: n, static=1.5)
    with pytest.raises(ValueError, match="static is 'm', expected a position, or a name among n"):
        ag.jit(lambda n: n, static="m")
    with pytest.raises(TypeError, match="function"):
        ag.jit(3.0)
    with pytest.raises(RuntimeError, match="not been traced"):
        ag.jit(lambda x: x).source  # noqa: B018 - reading it is what is tested
    w = Parameter(1.0)
    with pytest.raises(ValueError, match=r"p is an array of shape \(2,\), expected one number for each of the 1"):
        ag.jit(lambda x: w * x, backend="python").value_and_grad([1.0, 2.0], 1.0)


def test_without_llvmlite_there_is_another_backend(monkeypatch):
    monkeypatch.setattr("autograd_mini.compiler.backends.installed", lambda package: package != "llvmlite")
    one, many = ag.jit(lambda x: x * 2.0), ag.jit(lambda x: x * 2.0, batched=True)
    assert (one(1.0), many([1.0]).tolist()) == (2.0, [2.0])
    assert (one.stats["backend"], many.stats["backend"]) == ("python", "numpy")


def test_the_source_and_the_stats_show_the_program():
    fast = ag.jit(lambda x: x * x + 0.0 * x, backend="python")
    fast(2.0)
    assert fast.source.splitlines()[1] == "    v1 = x0 * x0"
    assert fast.stats["operations"]["prune"] == 3
    assert set(fast.stats["seconds"]) == {"trace", "passes", "compile"}
    assert fast.llvm == ""


@pytest.mark.skipif("llvm" not in BACKENDS, reason="no llvmlite")
@pytest.mark.parametrize("width", [2, 4, 8])
@pytest.mark.parametrize("n", [1, 7, 16, 17])
def test_every_vector_width_gives_the_same(monkeypatch, width, n):
    monkeypatch.setattr("autograd_mini.compiler.llvm.backend.lanes", lambda: width)
    net = Net()
    fast = ag.jit(lambda x, y: (net(x) - y) ** 2, batched=True, backend="llvm")
    slow = ag.jit(lambda x, y: (net(x) - y) ** 2, batched=True, backend="numpy")
    X, y = data(n)
    p = np.linspace(-1.0, 1.0, 12)
    fast.prepare(X, y)
    slow.prepare(X, y)
    assert target.lanes() in {2, 4, 8}
    for a, b in zip(fast.value_and_grad(p, X, y), slow.value_and_grad(p, X, y), strict=True):
        assert a == pytest.approx(b, rel=1e-12, abs=1e-14)


def test_jit_is_a_decorator_with_settings_too():
    @ag.jit(static=1, backend="python")
    def power(x, n):
        return x**n

    assert (power(2.0, 3), power.__name__) == (8.0, "power")
    with pytest.raises(ValueError, match="backend is 'fortran', expected one of"):
        ag.jit(backend="fortran")
