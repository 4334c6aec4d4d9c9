"""The programs of a function: kept by the layouts of its arguments, shared by threads, pickled as tapes."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

import autograd_mini as ag
from autograd_mini import Parameter, TracingError
from autograd_mini.compiler import backends, specialization
from autograd_mini.compiler.tracer import Trace
from autograd_mini.transforms import grad, hessian, value_and_grad

np = pytest.importorskip("numpy")

BACKENDS = [name for name, row in backends.BACKENDS.items() if row.available]
COMPILED = [name for name in BACKENDS if backends.BACKENDS[name].package == "llvmlite"]
every_backend = pytest.mark.parametrize("backend", BACKENDS)


class Count:
    """A function that counts how often it is run, which is how often it is traced."""

    def __init__(self, f):
        self.f, self.runs = f, 0

    def __call__(self, *args):
        """Run it."""
        self.runs += 1
        return self.f(*args)


@every_backend
def test_static_arguments_are_traced_for_each_value_and_few_are_kept(backend):
    f = Count(lambda x, k: sum(x**i for i in range(k)))
    fast = ag.jit(f, static=1, backend=backend)
    assert [fast(2.0, k) for k in (1, 3, 5, 1, 3, 5)] == [1.0, 7.0, 31.0] * 2
    assert f.runs == 3
    assert (fast(2.0, True), fast(2.0, 1)) == (1.0, 1.0)
    assert f.runs == 4, "True and 1 are equal, and not the same"
    with pytest.raises(TypeError, match="hashable"):
        fast(2.0, [1])


def test_a_layout_is_traced_once_and_numbers_never_again():
    f = Count(lambda x: x[0] * 2.0)
    fast = ag.jit(f, backend="python")
    for given in ([1.0], [2.0], (1.0,), np.ones(1), [1.0, 2.0], [3.0]):
        fast(given)
    assert f.runs == 4
    fast.backward([1.0])
    fast.backward([5.0])
    assert f.runs == 5


def test_the_programs_kept_are_the_latest_used(monkeypatch):
    monkeypatch.setattr(specialization, "KEPT", 3)
    f = Count(lambda x, k: x * k)
    fast = ag.jit(f, static=1, backend="python")
    for k in (1, 2, 3, 1, 4, 1):
        fast(1.0, k)
    assert f.runs == 4
    fast(1.0, 2)
    assert f.runs == 5


def test_a_thousand_retraces_keep_a_bounded_number_of_programs():
    fast = ag.jit(lambda x, k: x * k, static=1, backend="python")
    gc.collect()
    before = sum(type(node).__name__ == "Tracer" for node in gc.get_objects())  # what other tests keep
    made = [weakref.ref(fast._programs.take((1.0, k), {}, differentiate=False)[0]) for k in range(1000)]
    gc.collect()
    assert sum(program() is not None for program in made) == specialization.KEPT
    assert sum(type(node).__name__ == "Tracer" for node in gc.get_objects()) == before


@pytest.mark.parametrize("backend", COMPILED)
def test_machine_code_that_is_not_kept_is_freed(backend, monkeypatch):
    monkeypatch.setattr(specialization, "KEPT", 2)
    w, x = Parameter(2.0), np.ones(4)
    one = ag.jit(value_and_grad(lambda x: (x * x).sum()), backend=backend)
    many = ag.jit(lambda x, k: w * x * k, static=1, batched=True, backend=backend)
    engines = []
    for k in range(8):
        one(np.ones(k + 1))
        many.value_and_grad([2.0], x, k)
        engines += [weakref.ref(made._programs.latest.run()) for made in (one, many)]
    assert sum(engine() is not None for engine in engines) <= 5  # and the one that is called directly
    del one, many
    gc.collect()
    assert not any(engine() for engine in engines)


@pytest.mark.parametrize("backend", BACKENDS)
def test_concurrent_first_calls_trace_once_and_agree(backend):
    w = Parameter(2.0)
    f = Count(lambda x: ag.tanh(w * x))
    fast = ag.jit(f, batched=True, backend=backend)
    x = np.linspace(-1.0, 1.0, 50)
    together = threading.Barrier(8)

    def call(_):
        together.wait(10)
        return [fast.value_and_grad([2.0], x)[0] for _ in range(20)]

    with ThreadPoolExecutor(8) as pool:
        found = {loss for losses in pool.map(call, range(8)) for loss in losses}
    assert len(found) == 1
    assert f.runs == 1


@every_backend
def test_threads_with_arrays_of_different_widths_get_each_their_own(backend):
    w = Parameter(2.0)
    fast = ag.jit(lambda x: sum(w * v for v in x), batched=True, backend=backend)
    fast.prepare(np.ones((1, 1)))
    together = threading.Barrier(8)

    def call(width):
        X = np.full((5, width), 1.0)
        together.wait(10)
        return [fast.value_and_grad(np.array([2.0]), X) for _ in range(30)]

    with ThreadPoolExecutor(8) as pool:
        for width, found in zip(range(1, 9), pool.map(call, range(1, 9)), strict=True):
            assert {(loss, *slope) for loss, slope in found} == {(2.0 * width, float(width))}


@every_backend
def test_gradients_that_threads_add_are_all_there(backend):
    w = Parameter(2.0)
    fast = ag.jit(lambda x: w * x, backend=backend)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fast.backward, [1.0] * 200))
    assert w.grad == 200.0


def test_a_call_that_meets_a_new_parameter_asks_for_it_from_then_on():
    w, v = Parameter(2.0), Parameter(3.0)
    fast = ag.jit(lambda x: w * x[0] if len(x) == 1 else w * x[0] + v * x[1], batched=True)
    one, two = np.ones((4, 1)), np.ones((4, 2))
    for _ in range(2):
        assert fast.value_and_grad(np.array([2.0]), one)[0] == 2.0
    assert fast.value_and_grad(np.array([2.0, 3.0]), two)[0] == 5.0
    assert fast.parameters == [w, v]
    with pytest.raises(ValueError, match="one number for each of the 2 parameters"):
        fast.value_and_grad(np.array([2.0]), one)
    for _ in range(2):
        loss, slope = fast.value_and_grad(np.array([2.0, 3.0]), one)
        assert (loss, slope.tolist()) == (2.0, [1.0, 0.0])
    fast.backward(one)
    assert (w.grad, v.grad) == (1.0, 0.0)


@every_backend
def test_layouts_may_take_turns(backend):
    w = Parameter(2.0)
    fast = ag.jit(lambda x: sum(w * v for v in x), batched=True, backend=backend)
    for _ in range(3):
        for width in (1, 2, 3):
            loss, slope = fast.value_and_grad(np.array([2.0]), np.ones((5, width)))
            assert (loss, slope.tolist()) == (2.0 * width, [float(width)])
    alone = ag.jit(value_and_grad(lambda x: (x * x).sum()), backend=backend)
    for _ in range(3):
        for width in (1, 2, 3):
            value, slope = alone(np.ones(width))
            assert (value, slope.tolist()) == (float(width), [2.0] * width)


@every_backend
def test_a_compiled_function_travels_as_a_tape(backend):
    w = Parameter(2.0)
    fast = ag.jit(lambda x: w * x * x, batched=True, backend=backend)
    x = np.arange(5.0)
    for _ in range(2):  # the second time it has machine code to be called directly
        expected = fast(x).tolist()
        loss, slope = fast.value_and_grad(np.array([3.0]), x)
        twin = pickle.loads(pickle.dumps(fast))  # noqa: S301 - our own
        assert twin(x).tolist() == expected
        for _ in range(2):
            again, slopes = twin.value_and_grad(np.array([3.0]), x)
            assert (again, slopes.tolist()) == (loss, slope.tolist())
        with pytest.raises(TracingError, match="pickle"):
            twin(np.ones((3, 2)))
    twin.parameters[0].data = 7.0
    assert twin(x).tolist() == (7.0 * x * x).tolist()
    assert fast(x).tolist() == (2.0 * x * x).tolist()
    assert pickle.loads(pickle.dumps(twin))(x).tolist() == (7.0 * x * x).tolist()  # noqa: S301 - our own


CHILD = """
import pickle, sys
import numpy as np
x = np.array([1.0, 2.0, 3.0])
for one, many in pickle.load(sys.stdin.buffer):
    value, slope = one(x)
    loss, slopes = many.value_and_grad(np.array([3.0]), x)
    print(value, slope.tolist(), loss, slopes.tolist(), many.stats["backend"])
"""


def test_another_process_runs_the_tapes():
    w, x = Parameter(2.0), np.array([1.0, 2.0, 3.0])
    made = []
    for backend in BACKENDS:
        one = ag.jit(value_and_grad(lambda x: (x * x).sum()), backend=backend)
        many = ag.jit(lambda x: w * x, batched=True, backend=backend)
        one(x)
        many.value_and_grad(np.array([2.0]), x)
        made.append((one, many))
    ran = subprocess.run([sys.executable, "-c", CHILD], input=pickle.dumps(made), capture_output=True, check=True)
    assert ran.stdout.decode().splitlines() == [f"14.0 [2.0, 4.0, 6.0] 6.0 [2.0] {backend}" for backend in BACKENDS]


def test_a_copy_is_the_same_function_and_a_deep_copy_has_its_own_parameters():
    model = ag.MLP(1, [1], seed=0)
    fast = ag.jit(lambda x: model([x]), batched=True, backend="python")
    fast.value_and_grad([p.data for p in model.parameters()], [1.0])
    before = fast([1.0]).tolist()
    assert copy.copy(fast) is fast
    twin, apart = copy.deepcopy((fast, model))
    for parameter in apart.parameters():
        parameter.data = 0.0
    assert (twin([1.0]).tolist(), fast([1.0]).tolist()) == ([0.0], before)


@every_backend
def test_transforms_and_jit_compose_in_every_order(backend):
    def f(x):
        return ag.sin(x) * x

    def g(p):
        return p[0] ** 2 * ag.exp(p[1])

    p = np.array([3.0, 0.5])
    assert ag.jit(grad(f), backend=backend)(1.5) == pytest.approx(grad(f)(1.5), rel=1e-14)
    assert grad(ag.jit(f, backend=backend))(1.5) == grad(f)(1.5)
    assert grad(ag.jit(grad(f), backend=backend))(1.5) == pytest.approx(grad(grad(f))(1.5), rel=1e-14)
    assert ag.jit(grad(ag.jit(f, backend=backend)), backend=backend)(1.5) == pytest.approx(grad(f)(1.5), rel=1e-14)
    assert ag.jit(ag.jit(f, backend=backend), backend=backend)(1.5) == pytest.approx(f(1.5), rel=1e-14)
    assert ag.jit(hessian(g), backend=backend)(p) == pytest.approx(hessian(g)(p), rel=1e-14)
    assert hessian(ag.jit(g, backend=backend))(p) == pytest.approx(hessian(g)(p), rel=1e-14)
    value, slope = ag.jit(value_and_grad(g), backend=backend)(p)
    expected, slopes = value_and_grad(ag.jit(g, backend=backend))(p)
    assert value == pytest.approx(expected, rel=1e-14)
    assert slope == pytest.approx(slopes, rel=1e-14)
    assert ag.jit(ag.jvp, static=0, backend=backend)(f, (1.5,), (2.0,)) == pytest.approx(ag.jvp(f, (1.5,), (2.0,)))
    assert ag.jit(ag.derivative(f, 3), backend=backend)(1.5) == pytest.approx(ag.derivative(f, 3)(1.5), rel=1e-13)
    assert ag.jit(lambda x: ag.taylor(f, x, 3), backend=backend)(1.5) == pytest.approx(ag.taylor(f, 1.5, 3), rel=1e-13)
    for branching in (lambda x: x**5, lambda x: ag.maximum(x, 1.0) ** 3 / x, ag.tanh):
        found = ag.jit(ag.derivative(branching, 2), backend=backend)(1.5)
        assert found == pytest.approx(ag.derivative(branching, 2)(1.5), rel=1e-12)
    many = ag.jit(grad(f), batched=True, backend=backend)([1.5, 2.5])
    assert many == pytest.approx([grad(f)(1.5), grad(f)(2.5)], rel=1e-14)


def test_a_batch_inside_of_a_trace_is_refused_with_the_way_out():
    many = ag.jit(lambda x: x * x, batched=True, backend="python")
    with pytest.raises(TypeError, match="batched=True"):
        ag.jit(lambda x: many(x), backend="python")(1.0)  # noqa: PLW0108 - the inner call is what is tried
    with Trace(), pytest.raises(TypeError, match="batched=True"):
        many(1.0)


@pytest.mark.parametrize("nested", [False, True])
def test_static_arguments_that_are_equal_but_not_the_same_have_programs_of_their_own(nested):
    fast = ag.jit(
        lambda x, c: (x / c[0] if nested else x / c, ag.Value(1.0) * (c == (True,))), static=1, backend="python"
    )
    for c in (0.0, -0.0, 2, 2.0, 1, True):
        given = (c,) if nested else c
        assert fast(3.0, given)[0] == (3.0 / c if c else math.copysign(math.inf, c))
    assert len(fast._programs.state.kept) == 6
