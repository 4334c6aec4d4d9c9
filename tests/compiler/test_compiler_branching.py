"""Paths: functions that branch and loop by numbers agree with eager code, one by one, in batches, and in training."""

from __future__ import annotations

import math
import os
import pickle
import re
import threading

import branches
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import MLP, Parameter, TracingError, Value, fit
from autograd_mini.compiler import BACKENDS
from autograd_mini.nn import Module
from autograd_mini.transforms import grad, hessian, value_and_grad

np = pytest.importorskip("numpy")


@pytest.fixture(params=BACKENDS, scope="module")
def backend(request):
    if not BACKENDS[request.param].available:
        pytest.skip(f"{BACKENDS[request.param].package} is not installed")
    return request.param


QUICK = [name for name in ("python", "numpy", "vm") if BACKENDS[name].available]


def signed(x):
    if x > 0:
        return x * x
    return -x


def root(a):
    x = a
    while abs(x * x - a) > 1e-12:
        x = (x + a / x) / 2
    return x


# --- random functions ---


@given(seed=st.integers(0, 100_000))
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("name", QUICK)
def test_a_random_function_and_its_gradient_agree_with_eager_one_by_one(name, seed):
    f, parameters, text = branches.function(seed)
    points = branches.points(seed, 10)
    expected = [branches.eager(f, parameters, point) for point in points]
    fast, loss = ag.jit(value_and_grad(f, (0, 1)), backend=name), ag.jit(f, backend=name)
    for point, truth in zip(points, expected, strict=True):
        value, slopes = fast(*point)
        for parameter in parameters:
            parameter.grad = None
        found = [loss.backward(*point), *slopes, *[parameter.grad for parameter in parameters]]
        assert branches.close([value, *found], [truth[0], *truth]), (point, text)


@given(seed=st.integers(0, 100_000))
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("name", QUICK)
def test_a_random_function_and_its_gradient_agree_with_eager_in_a_batch(name, seed):
    f, parameters, text = branches.function(seed)
    points = branches.points(seed, 20)
    expected = np.array([branches.eager(f, parameters, point) for point in points])
    X = np.array(points).T
    fast = ag.jit(value_and_grad(f, (0, 1)), batched=True, backend=name, threads=1 + seed % 2)
    for _ in range(2):  # the second time by an index that is settled
        values, slopes = fast(*X)
        found = np.stack([values, *slopes], axis=-1)
        assert all(branches.close(*rows) for rows in zip(found, expected[:, :3], strict=True)), text
    finite = np.isfinite(expected).all(axis=1)
    if finite.any():
        loss = ag.jit(f, batched=True, backend=name)
        for parameter in parameters:
            parameter.grad = None
        mean = [loss.backward(*X[:, finite]), *[parameter.grad for parameter in parameters]]
        assert branches.close(mean, expected[finite].mean(axis=0)[[0, 3, 4]]), text


@pytest.mark.parametrize("seed", range(3))
def test_random_functions_agree_with_eager_as_machine_code(seed):
    pytest.importorskip("llvmlite")
    f, parameters, text = branches.function(seed)
    points = branches.points(seed, 40)
    expected = [branches.eager(f, parameters, point)[:3] for point in points]
    fast = ag.jit(value_and_grad(f, (0, 1)), batched=True, threads=2)
    for _ in range(2):
        values, slopes = fast(*np.array(points).T)
        found = np.stack([values, *slopes], axis=-1)
        assert all(branches.close(*rows) for rows in zip(found, expected, strict=True)), text


# --- what Python can ask ---

CASES = {
    "an early return": signed,
    "a loop until it converges": lambda x: root(abs(x) + 1.0),
    "max": lambda x: max(x, 1.0, x * x),
    "sorted": lambda x: sorted([x, 1.0 - x, x * x])[1] * x,
    "a chain": lambda x: x if 0.0 < x < 1.0 else x * x,
    "and, or and not": lambda x: x if (x > 0 and x < 1) or not x else 2.0 * x,
    "membership": lambda x: x * 3.0 if x in (1.0, 2.0) else x,
    "a number as truth": lambda x: 1.0 / x if x else x,
    "a count": lambda x: sum(x * at for at in range(5) if at < x),
    "np.where": lambda x: np.where(x > 0, x, -x)[()],
    "a derivative's sign": lambda x: x if grad(lambda y: y * y * y - y)(x) > 0 else -x,
    "a logarithm behind its condition": lambda x: ag.log(x) if x > 0 else x,
}


@pytest.mark.parametrize("name", CASES)
def test_what_python_decides_by_a_number_is_decided_by_it(name, backend):
    f = CASES[name]
    numbers = [0.5, -0.5, 1.0, 2.0, 0.0, -0.0, 3.25, -3.25, math.inf, math.nan]
    numbers = numbers[:-2] if "loop" in name else numbers
    expected = []
    for number in numbers:
        leaf = Value(number)
        y = Value(0.0) + f(leaf)
        y.backward()
        expected.append([y.data, leaf.grad])
    one, many = (ag.jit(value_and_grad(f), backend=backend, batched=batched) for batched in (False, True))
    for _ in range(2):
        assert all(branches.close(one(number), truth) for number, truth in zip(numbers, expected, strict=True))
        found = np.stack(many(numbers), axis=-1)
        assert all(branches.close(*rows) for rows in zip(found, expected, strict=True))


def test_second_derivatives_are_those_of_the_path():
    fast = ag.jit(hessian(lambda xs: xs[0] ** 3 if xs[0] > xs[1] else xs[0] * xs[1]), backend="python")
    assert np.array(fast([2.0, 1.0])).tolist() == [[12.0, 0.0], [0.0, 0.0]]
    assert np.array(fast([1.0, 2.0])).tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_paths_may_return_what_they_like_for_single_numbers_and_the_same_structure_in_a_batch():
    def f(x):
        return (x, 2.0 * x) if x > 0 else {"less": x}

    fast = ag.jit(f, backend="python")
    assert (fast(1.0), fast(-1.0)) == ((1.0, 2.0), {"less": -1.0})
    with pytest.raises(TracingError, match="the same structure on every path"):
        ag.jit(f, backend="numpy", batched=True)([1.0, -1.0])


def test_conditions_on_parameters_are_decided_anew_when_these_move(backend):
    w = Parameter(2.0)
    fast = ag.jit(lambda x: w * x if w > x else w * w, backend=backend, batched=True)
    assert fast([1.0, 3.0]).tolist() == [2.0, 4.0]
    w.data = 5.0
    assert fast([1.0, 3.0]).tolist() == [5.0, 15.0]
    assert fast.value_and_grad([2.0], [1.0, 3.0])[0] == 3.0
    assert fast.value_and_grad([2.0], [1.0, 3.0])[1].tolist() == [2.5]


def test_a_parameter_of_one_path_has_no_gradient_from_the_others(backend):
    v, w = Parameter(2.0), Parameter(3.0)
    fast = ag.jit(lambda x: v * x if x > 0 else w * x, backend=backend)
    assert (fast.backward(1.0), v.grad, w.grad) == (2.0, 1.0, 0.0)
    assert (fast.backward(-1.0), v.grad, w.grad) == (-3.0, 1.0, -1.0)
    assert [fast.value_and_grad([2.0, 3.0], x)[1].tolist() for x in (1.0, -1.0)] == [[1.0, 0.0], [0.0, -1.0]]
    many = ag.jit(lambda x: v * x if x > 0 else w * x, backend=backend, batched=True)
    many.prepare([1.0, -1.0, 2.0])
    assert many.parameters == [v, w]
    assert many.value_and_grad([2.0, 3.0], [1.0, -1.0])[1].tolist() == [0.5, -0.5]


def test_numbers_for_too_few_parameters_are_refused_when_a_path_brings_more():
    v, w = Parameter(2.0), Parameter(3.0)
    fast = ag.jit(lambda x: v * x if x > 0 else w * x, backend="python")
    assert fast.value_and_grad([2.0], 1.0)[0] == 2.0
    with pytest.raises(TracingError, match=r"array of 1 numbers, expected 2: .* `prepare`"):
        fast.value_and_grad([2.0], -1.0)
    assert fast.value_and_grad([2.0, 4.0], -1.0)[0] == -4.0


def test_a_lookup_out_of_range_is_an_error_of_its_own_path_alone(backend):
    table = [10.0, 20.0]

    def f(i):
        return ag.take(table, i) if i < 2 else i

    fast = ag.jit(f, backend=backend, batched=True)
    assert fast([0.0, 1.0, 7.0]).tolist() == [10.0, 20.0, 7.0]
    with pytest.raises(IndexError, match="-5"):
        fast([0.0, -5.0, 7.0])


def test_an_error_raised_on_a_path_comes_from_the_numbers_that_take_it():
    def f(x):
        if x < 0:
            raise ValueError("negative")
        return x * 2.0

    fast = ag.jit(f, backend="numpy", batched=True)
    assert fast([1.0, 2.0]).tolist() == [2.0, 4.0]
    with pytest.raises(ValueError, match="negative"):
        fast([1.0, -2.0])
    assert fast([3.0]).tolist() == [6.0]


def power(x, n):
    y = 1.0
    for _ in range(n):
        y = y * x
    return y


@given(x=st.floats(-2, 2), counts=st.lists(st.integers(-2, 6), min_size=1, max_size=5))
@settings(max_examples=20, deadline=None)
@pytest.mark.parametrize("name", QUICK)
def test_a_loop_may_run_as_often_as_a_number_says(name, x, counts):
    fast, slope = ag.jit(power, backend=name), ag.jit(value_and_grad(power), backend=name)
    for n in counts:
        assert fast(x, n) == power(x, n)
        assert slope(x, n) == pytest.approx(value_and_grad(power)(x, n))
    if name != "python":
        xs = np.full(len(counts), x)
        assert ag.jit(power, batched=True, backend=name)(xs, counts).tolist() == [power(x, n) for n in counts]


def test_an_entry_is_picked_by_a_number_which_is_a_condition_of_the_path():
    fast = ag.jit(lambda table, at: table[at] * 2.0)
    assert [fast([1.0, 5.0], at) for at in (0, 1, -1, 1)] == [2.0, 10.0, 10.0, 10.0]
    assert len(fast.stats["paths"]) == 3


@pytest.mark.parametrize("n", [2.5, math.nan, math.inf])
def test_a_loop_cannot_run_a_part_of_a_time(n):
    with pytest.raises(
        TypeError, match=r"the number of a traced Value is .* in .*range\(n\).*, expected a whole number"
    ):
        ag.jit(power)(2.0, n)


def test_an_empty_batch_has_no_results():
    fast = ag.jit(signed, backend="numpy", batched=True)
    assert fast(np.empty(0)).shape == (0,)
    with pytest.raises(ValueError, match="the batch is empty"):
        fast.backward(np.empty(0))


# --- paths ---


def test_the_stats_list_the_paths_with_their_conditions_and_shares():
    fast = ag.jit(signed, backend="numpy", batched=True)
    fast([1.0, -2.0, 3.0, 4.0])
    taken, other = fast.stats["paths"]
    assert (taken["samples"], taken["share"], other["share"], fast.stats["traces"]) == (3, 0.75, 0.25, 2)
    ((place, held),) = taken["conditions"]
    assert held is True
    assert re.search(r"test_compiler_branching\.py, line \d+: \"if x > 0:\"$", place)
    assert "# True in " in fast.source
    assert "# False in " in fast.source


def test_a_function_without_conditions_has_no_paths():
    fast = ag.jit(lambda x: ag.maximum(x, 0.0), backend="python")
    fast(1.0)
    assert "paths" not in fast.stats
    assert type(fast._latest()).__name__ == "Program"


def test_too_many_paths_are_refused_with_the_condition_and_how_the_samples_split():
    def f(x):
        count = 0.0
        while x > count:
            count += 1.0
        return x * count

    fast = ag.jit(f, backend="numpy", batched=True, paths=3)
    numbers = np.array([0.5] * 5 + [1.5] * 3 + [2.5, 3.5])
    with pytest.raises(TracingError, match=r"paths is 3, .*while x > count:.* 9 .* 5, 3, 1 of them") as refused:
        fast(numbers)
    assert "jit(paths=6)" in str(refused.value)
    assert fast(numbers[:-1]).tolist() == [0.5] * 5 + [3.0] * 3 + [7.5]
    assert ag.jit(f, backend="numpy", batched=True)(numbers)[-1] == 14.0


def test_no_path_is_kept_but_refused_where_there_are_to_be_none():
    with pytest.raises(TracingError, match="where"):
        ag.jit(signed, paths=0)(1.0)
    with pytest.raises(ValueError, match="paths is -1"):
        ag.jit(signed, paths=-1)


def test_samples_take_the_path_of_eager_code_even_where_sums_are_fused():
    pytest.importorskip("llvmlite")

    def f(x, y):
        return x if x * y - 0.01 > 0.0 else -x  # rounded once it is another number than rounded twice

    x = np.linspace(0.05, 0.2, 4001)
    y = 0.01 / x
    expected = np.where(x * y - 0.01 > 0.0, x, -x)
    fast = ag.jit(f, batched=True)
    for _ in range(3):
        assert (fast(x, y) == expected).all()


def test_sums_do_not_depend_on_which_path_was_found_first(backend):
    w = Parameter(0.3)

    def f(x):
        return ag.sin(w * x) if x > 0 else ag.exp(w * x) if x > -1 else w * x

    X = np.linspace(-2.0, 1.7, 301)
    slopes = set()
    for first in (X, X[::-1], X[100:200]):
        fast = ag.jit(f, backend=backend, batched=True)
        fast.prepare(first)
        slopes.add(fast.value_and_grad([0.3], X)[1].tobytes())
    assert len(slopes) == 1


def test_globals_that_branches_read_are_watched():
    limits = [0.0]
    fast = ag.jit(lambda x: x if x > limits[0] else -x, backend="numpy", batched=True)
    assert fast([1.0, -1.0]).tolist() == [1.0, 1.0]
    limits[0] = 2.0
    assert fast([1.0, 3.0]).tolist() == [-1.0, 3.0]


def test_a_function_that_branches_travels_with_the_paths_it_has(backend):
    w = Parameter(2.0)
    fast = ag.jit(lambda x: w * x if x > 0 else x * x, backend=backend, batched=True)
    expected = fast([1.0, -3.0]).tolist()
    copied = pickle.loads(pickle.dumps(fast))  # noqa: S301 - ours
    assert copied([1.0, -3.0]).tolist() == expected == [2.0, 9.0]
    assert copied.stats["paths"][1]["share"] == 0.5
    one = ag.jit(lambda x: x if x > 0 else -x, backend=backend)
    one(1.0)
    copied = pickle.loads(pickle.dumps(one))  # noqa: S301 - ours
    assert copied(2.0) == 2.0
    with pytest.raises(TracingError, match="came out of a pickle"):
        copied(-2.0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_goes_on_with_the_paths_and_finds_others():
    fast = ag.jit(signed, backend="numpy", batched=True)
    fast([1.0])
    child = os.fork()
    if not child:
        os._exit(0 if fast([2.0, -3.0]).tolist() == [4.0, 3.0] else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_threads_find_paths_side_by_side():
    fast = ag.jit(root, backend="numpy", batched=True)
    found = []
    X = np.linspace(0.5, 9.0, 400)
    threads = [threading.Thread(target=lambda: found.append(fast(X))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((found[0] == other).all() for other in found)
    assert len({tuple(path["conditions"]) for path in fast.stats["paths"]}) == len(fast.stats["paths"])


# --- around it ---


def test_a_network_with_a_branch_and_a_loss_with_max_train_compiled_as_eager():
    class Clipped(MLP):
        def __call__(self, x):
            y = super().__call__(x)
            return y if y < 1.0 else 0.5 * y + 0.5

    def hinge(prediction, target):
        return max(1.0 - prediction * target, 0.0)

    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = np.where(X[:, 0] > X[:, 1], 1.0, -1.0)
    losses = []
    for way in ("numpy", False):
        model = Clipped(2, [4, 1], seed=3)
        history = fit(model, X, y, loss=hinge, epochs=5, compile=way, seed=0)
        losses.append(history.loss)
        assert history.backend == (way or "eager")
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)
    expected = [model(list(row)).data for row in X]
    assert model.jit(backend="numpy")(X) == pytest.approx(expected, rel=1e-12)


class Bent(Module):
    """A line with another slope above a number that it reaches in the course of training."""

    def __init__(self):
        self.net, self.slope = MLP(2, [3, 1], seed=1), Parameter(1.0)

    def __call__(self, x):
        """Return the prediction."""
        y = self.net(x)
        return y if y < 1.5 else y * self.slope


@pytest.mark.parametrize("accuracy", [False, True])
def test_a_path_that_is_met_in_training_alone_moves_the_parameters_that_it_has(accuracy):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = 3.0 * X[:, 0] + 2.0
    metrics = {"near": lambda p, t: 1.0 if abs(p - t) < 1.0 else 0.0} if accuracy else {}
    found = []
    for way in ("numpy", False):
        model = Bent()
        history = fit(model, X, y, loss="mse", epochs=20, compile=way, seed=0, lr=0.02, batch_size=20, metrics=metrics)
        found.append([history.loss[-1], model.slope.data, *(history.metrics["near"] if accuracy else ())])
        assert history.backend == (way or "eager")
    assert found[0] == pytest.approx(found[1], rel=1e-9)
    assert found[0][1] != 1.0


def test_inside_of_another_compiled_function_conditions_are_those_of_the_outer_one():
    inner = ag.jit(signed, backend="python")
    outer = ag.jit(lambda x: inner(x - 1.0) + inner(x), backend="python")
    assert [outer(x) for x in (2.0, 0.5, -1.0)] == [5.0, 0.75, 3.0]
