"""What `jit` returns: calls, batches, gradients of closed-over parameters, layouts, pickles, threads, refusals."""

from __future__ import annotations

import gc
import importlib.util
import math
import pickle
import sys
import threading
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import Parameter, TracingError, Value, where
from autograd_mini.compiler import machine
from autograd_mini.transforms import grad, hessian, value_and_grad

np = pytest.importorskip("numpy")

BACKENDS = ["python", "numpy"] + ["llvm", "vm"] * (importlib.util.find_spec("llvmlite") is not None)
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


@every_backend
def test_inputs_of_other_types_strides_and_nesting_are_taken(backend):
    fast = ag.jit(value_and_grad(lambda p: p[0] * p[1] * p[1]), backend=backend)
    expected = (18.0, [9.0, 12.0])
    strided = np.array([2.0, 0.0, 3.0, 0.0])[::2]
    for given_array in (
        np.array([2.0, 3.0]),
        strided,
        np.array([2, 3]),
        np.array([2, 3], dtype="f4"),
        [2.0, 3],
        [2, 3],
    ):
        value, slope = fast(given_array)
        assert (value, list(slope)) == expected
    X = np.asfortranarray(np.arange(12.0).reshape(6, 2))
    rows = ag.jit(lambda x: x[0] - 2.0 * x[1], batched=True, backend=backend)
    for batch in (X, X.tolist(), X.astype("i8"), X.astype("f4"), np.repeat(X, 2, axis=0)[::2]):
        assert rows(batch).tolist() == (X[:, 0] - 2.0 * X[:, 1]).tolist()


@every_backend
def test_arguments_and_results_keep_their_layout(backend):
    fast = ag.jit(lambda p, q: {"sum": p["a"] + q[0], "both": (p["b"][0] * q[1], [q[0]])}, backend=backend)
    assert fast({"a": 1.0, "b": [2.0]}, (3.0, 4.0)) == {"sum": 4.0, "both": (8.0, [3.0])}
    batched = ag.jit(lambda x, k: (x * k, x[:2]), batched=True, in_axes=(0, None), backend=backend)
    products, heads = batched(np.arange(6.0).reshape(2, 3), 10.0)
    assert products.tolist() == [[0.0, 10.0, 20.0], [30.0, 40.0, 50.0]]
    assert heads.tolist() == [[0.0, 1.0], [3.0, 4.0]]
    assert ag.jit(lambda: 3.0, backend=backend)() == 3.0


@every_backend
def test_the_samples_may_lie_along_another_axis(backend):
    X = np.arange(6.0).reshape(2, 3)
    assert ag.jit(lambda x: x[0] + x[1], batched=True, in_axes=1, backend=backend)(X).tolist() == [3.0, 5.0, 7.0]


@every_backend
def test_transforms_and_jit_compose_in_both_orders(backend):
    def f(x):
        return ag.sin(x) * x

    assert ag.jit(grad(f), backend=backend)(1.5) == pytest.approx(grad(f)(1.5), rel=1e-14)
    assert grad(ag.jit(f, backend=backend))(1.5) == grad(f)(1.5)
    assert grad(ag.jit(grad(f), backend=backend))(1.5) == pytest.approx(grad(grad(f))(1.5), rel=1e-14)
    assert ag.jit(ag.jit(f, backend=backend), backend=backend)(1.5) == pytest.approx(f(1.5), rel=1e-14)
    found = ag.jit(hessian(lambda p: p[0] ** 2 * p[1]), backend=backend)(np.array([3.0, 5.0]))
    assert found.tolist() == [[10.0, 6.0], [6.0, 0.0]]


def test_a_jitted_function_inside_a_traced_one_keeps_its_parameters_live():
    w = Parameter(2.0)
    inner = ag.jit(lambda x: w * x, backend="python")
    outer = ag.jit(lambda x: inner(3.0) + x, backend="python")
    assert (inner(1.0), outer(1.0)) == (2.0, 7.0)
    w.data = 10.0
    assert outer(1.0) == 31.0


def test_what_is_differentiated_inside_by_a_number_still_sees_parameters():
    w = Parameter(2.0)
    fast = ag.jit(lambda x: grad(lambda y: w * y * y)(3.0) * x, backend="python")
    assert fast(1.0) == 12.0
    w.data = 1.0
    assert fast(1.0) == 6.0


@every_backend
def test_a_compiled_function_travels_as_a_tape(backend):
    w = Parameter(2.0)
    fast = ag.jit(lambda x: w * x * x, batched=True, backend=backend)
    x = np.arange(5.0)
    expected = fast(x).tolist()
    loss, slope = fast.value_and_grad([3.0], x)
    twin = pickle.loads(pickle.dumps(fast))  # noqa: S301 - our own
    assert twin(x).tolist() == expected
    again, slopes = twin.value_and_grad([3.0], x)
    assert (again, slopes.tolist()) == (loss, slope.tolist())
    with pytest.raises(TracingError, match="pickle"):
        twin(np.ones((3, 2)))


@every_backend
def test_static_arguments_are_traced_for_each_value_and_few_are_kept(backend):
    fast = ag.jit(lambda x, k: sum(x**i for i in range(k)), static=1, backend=backend)
    assert [fast(2.0, k) for k in (1, 3, 5)] == [1.0, 7.0, 31.0]
    assert (fast(2.0, True), fast(2.0, 1)) == (1.0, 1.0)
    with pytest.raises(TypeError, match="hashable"):
        fast(2.0, [1])


def test_a_thousand_retraces_keep_a_bounded_number_of_programs():
    fast = ag.jit(lambda x, k: x * k, static=1, backend="python")
    for k in range(1000):
        fast(1.0, k)
    assert len(fast._programs) <= 64
    gc.collect()
    assert sum(type(node).__name__ == "Traced" for node in gc.get_objects()) == 0


def test_concurrent_first_calls_from_threads_agree():
    w = Parameter(2.0)
    fast = ag.jit(lambda x: ag.tanh(w * x), batched=True)
    x = np.linspace(-1.0, 1.0, 50)
    found = []
    threads = [threading.Thread(target=lambda: found.append(fast.value_and_grad([2.0], x)[0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 8


def test_another_thread_computes_on_while_one_traces():
    entered, done = threading.Event(), threading.Event()

    def slow(x):
        entered.set()
        done.wait(10)
        return x * 2.0

    thread = threading.Thread(target=lambda: ag.jit(slow, backend="python")(1.0))
    thread.start()
    entered.wait(10)
    x = Value(3.0)
    y = x * x
    y.backward()
    done.set()
    thread.join()
    assert (y.data, x.grad, x > 2) == (9.0, 6.0, True)


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
def test_numbers_that_are_stopped_are_constants(backend):
    w = Parameter(3.0)
    f = ag.jit(grad(lambda x: x * x.detach() + w.detach() * x), backend=backend)
    assert f(2.0) == 5.0
    w.data = 4.0
    assert f(2.0) == 6.0


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


def branches(x):
    if x > 0:
        return x
    return -x


outside = Parameter(1.5)
computed = outside * 2.0
kept = []


def keeps(x):
    kept.append(x)
    return x


REFUSED = {
    "a branch": (branches, "where"),
    "a branch on a parameter": (lambda x: x if outside > 0 else -x, "where"),
    "truth of a parameter": (lambda x: x if outside else -x, "where"),
    "data": (lambda x: x.data * 2, "stop_gradient"),
    "data of a parameter": (lambda x: x * outside.data, "stop_gradient"),
    "item": (lambda x: x * outside.item(), "stop_gradient"),
    "a format": (lambda x: f"{x:.2f}", "stop_gradient"),
    "float": (lambda x: 2.0 * float(x), "Value itself"),
    "math": (lambda x: 2.0 * math.exp(x), "Value itself"),
    "int": (lambda x: 2 * int(x), "static"),
    "an index": (lambda x: [1.0, 2.0][x], "static"),
    "max": (lambda x: max(x, 0.0), "maximum"),
    "backward": (lambda x: x.backward(), "grad"),
    "assigning data": (lambda x: setattr(outside, "data", x), "outside"),
    "assigning grad": (lambda x: setattr(outside, "grad", x), "backward"),
    "a result computed outside": (lambda x: x * computed, "inside"),
    "membership": (lambda x: x if x in (1.0, 2.0) else 0.0, "where"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("batched", [False, True])
def test_what_would_be_baked_in_is_refused_with_the_way_out(name, batched):
    f, remedy = REFUSED[name]
    with pytest.raises(TracingError, match=remedy):
        ag.jit(f, batched=batched, backend="python")(np.ones(2) if batched else 1.0)
    assert (outside.data, outside.grad) == (1.5, 0.0)
    assert (outside > 0) is True, "comparisons are ordinary again"


def test_a_refusal_names_the_file_and_the_line():
    with pytest.raises(TracingError, match=r"test_compiler\.py, line \d+: \"if x > 0:\""):
        ag.jit(branches)(1.0)


def test_a_refusal_names_the_cell_of_a_notebook_by_its_number(monkeypatch):
    names = {}
    exec(compile("def f(x):\n    return float(x)\n", "ipykernel_1/2.py", "exec"), names)  # noqa: S102 - as a kernel does
    shell = SimpleNamespace(compile=SimpleNamespace(_filename_map={"ipykernel_1/2.py": 7}))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    with pytest.raises(TracingError, match=r"in Cell In\[7\], line 2: its number"):
        ag.jit(names["f"])(1.0)


def test_a_symbol_used_after_its_trace_is_refused():
    ag.jit(keeps, backend="python")(1.0)
    with pytest.raises(TracingError, match="after its trace"):
        kept[0] * 2.0


@pytest.mark.parametrize(
    ("given_arguments", "message"),
    [
        ((np.ones(3), np.ones(4)), r"\[3, 4\]"),
        ((1.0, np.ones(4)), "in_axes=None"),
        ((np.array(["a"]), np.ones(1)), "argument 0"),
        (([[1.0], [1.0, 2.0]], np.ones(2)), "argument 0"),
    ],
)
def test_wrong_shapes_and_types_are_named(given_arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        ag.jit(lambda x, y: x * y, batched=True, backend="numpy")(*given_arguments)


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="backend is one of"):
        ag.jit(lambda x: x, backend="gpu")
    with pytest.raises(ValueError, match="threads"):
        ag.jit(lambda x: x, threads=0)
    with pytest.raises(TypeError, match="function"):
        ag.jit(3.0)
    with pytest.raises(RuntimeError, match="not been traced"):
        ag.jit(lambda x: x).source  # noqa: B018 - reading it is what is tested
    w = Parameter(1.0)
    with pytest.raises(ValueError, match="p has one number for each of the 1"):
        ag.jit(lambda x: w * x, backend="python").value_and_grad([1.0, 2.0], 1.0)


def test_without_llvmlite_there_is_another_backend(monkeypatch):
    monkeypatch.setattr("autograd_mini.compiler.llvm.available", lambda: False)
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
    monkeypatch.setattr("autograd_mini.compiler.llvm.lanes", lambda: width)
    net = Net()
    fast = ag.jit(lambda x, y: (net(x) - y) ** 2, batched=True, backend="llvm")
    slow = ag.jit(lambda x, y: (net(x) - y) ** 2, batched=True, backend="numpy")
    X, y = data(n)
    p = np.linspace(-1.0, 1.0, 12)
    fast.prepare(X, y)
    slow.prepare(X, y)
    assert machine.lanes() in {2, 4, 8}
    for a, b in zip(fast.value_and_grad(p, X, y), slow.value_and_grad(p, X, y), strict=True):
        assert a == pytest.approx(b, rel=1e-12, abs=1e-14)


def test_where_chooses_by_symbols_and_numbers_alike():
    f = ag.jit(lambda x, y: where((x > y) | (x == 0.0), x, y), backend="python")
    assert [f(2.0, 1.0), f(0.0, 5.0), f(1.0, 3.0)] == [2.0, 0.0, 3.0]
