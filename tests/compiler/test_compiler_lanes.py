"""The kernel over the lanes of a batch: layers and sums as loops, wide rows, vectors of every width."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import Parameter, where

np = pytest.importorskip("numpy")
pytest.importorskip("llvmlite")

from autograd_mini.compiler.llvm import backend as llvm  # noqa: E402 - it needs llvmlite


def both(loss, *arrays, p=None, width=None, **settings):
    """Return what LLVM and plain Python give for loss and gradient, and the kernel."""
    with pytest.MonkeyPatch.context() as patch:
        if width:
            patch.setattr(llvm, "lanes", lambda: width)
        fast = ag.jit(loss, batched=True, backend="llvm", **settings)
        slow = ag.jit(loss, batched=True, backend="python", **settings)
        for made in (fast, slow):
            made.prepare(*arrays)
        if p is None:
            p = np.random.default_rng(0).normal(size=len(fast.parameters))
        assert_an_interpreter_gives_the_same_bits(fast, p, *arrays)
        return fast.value_and_grad(p, *arrays), slow.value_and_grad(p, *arrays), fast


def assert_an_interpreter_gives_the_same_bits(fast, p, *arrays):
    """Run the code that is there before LLVM has tried hard, which is an interpreter unless there are lookups."""
    program, n, rows, uniform = fast._prepared(arrays, {}, differentiate=p is not None)
    kernel = program.run(1)
    given = [*uniform, *(p if p is not None else fast._numbers(program))]
    columns, sums = kernel(n, rows, given)
    kernel.code._compile(0)
    again, others = kernel(n, rows, given)
    kernel.code._compile(2)
    for a, b in zip([*columns, sums], [*again, others], strict=True):
        assert np.array_equal(a, b, equal_nan=True)
        assert (np.signbit(a) == np.signbit(b))[~np.isnan(a)].all()


def assert_alike(loss, *arrays, **settings):
    found, expected, fast = both(loss, *arrays, **settings)
    for a, b in zip(found, expected, strict=True):
        assert a == pytest.approx(b, rel=1e-12, abs=1e-13)
    return fast


def network(widths):
    """Return a network of tanh, as a function, whose parameters are named by nothing but their order."""
    layers = [
        [([Parameter(0.1 * i - 0.2 * j) for i in range(nin)], Parameter(0.1 * j)) for j in range(nout)]
        for nin, nout in itertools.pairwise(widths)
    ]

    def run(x):
        for layer in layers:
            x = [ag.tanh(sum((w * v for w, v in zip(ws, x, strict=True)), b)) for ws, b in layer]
        return x

    return run


SIDES = st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 20])


@given(
    widths=st.lists(SIDES, min_size=2, max_size=4),
    n=st.sampled_from([1, 7, 8, 9, 70]),
    lanes=st.sampled_from([2, 4, 8]),
)
@example([9, 17, 5], 9, 8)
@example([8, 16, 16, 4], 64, 4)
@example([20, 20], 7, 2)
@settings(max_examples=10, deadline=None)
def test_a_network_of_any_size_has_the_gradient_of_plain_code(widths, n, lanes):
    run = network(widths)
    X = np.random.default_rng(n).normal(size=(n, widths[0]))
    assert_alike(lambda x: sum(v * v for v in run(x)), X, width=lanes)


@pytest.mark.parametrize("columns", [1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33])
@pytest.mark.parametrize("lanes", [2, 4, 8])
def test_rows_of_any_width_become_columns(columns, lanes):
    w = Parameter(1.0)
    X = np.random.default_rng(0).normal(size=(19, columns))
    fast = assert_alike(lambda x: sum(w * v * (at + 1.0) for at, v in enumerate(x)), X, width=lanes)
    assert fast(X) == pytest.approx(X @ np.arange(1.0, columns + 1.0), rel=1e-12)


def test_a_column_that_is_not_used_does_no_harm():
    w = [Parameter(0.5), Parameter(2.0)]
    X = np.random.default_rng(0).normal(size=(19, 13))
    assert_alike(lambda x: w[0] * x[3] + w[1] * x[11] * x[3], X)


@pytest.mark.parametrize(
    "order", [range(12), range(11, -1, -1), range(0, 12, 2), [3, 1, 4, 1, 5, 9, 2, 6], [0] * 6, [5, 6, 7, 8, 9, 10]]
)
def test_a_layer_may_take_its_inputs_in_any_order(order):
    w = [[Parameter(0.1 * i + k) for i in range(len(order))] for k in range(6)]
    X = np.random.default_rng(0).normal(size=(19, 12))

    def loss(x):
        return sum(ag.tanh(sum(u * x[at] for u, at in zip(ws, order, strict=True))) for ws in w)

    assert_alike(loss, X)


@pytest.mark.parametrize("squash", [lambda v: v, ag.relu])
def test_layers_may_follow_each_other_directly(squash):
    w = [[Parameter(0.01 * i - 0.03 * k) for i in range(20)] for k in range(20)]
    X = np.random.default_rng(0).normal(size=(19, 20))

    def loss(x):
        for _ in range(3):
            x = [squash(sum(u * v for u, v in zip(ws, x, strict=True))) for ws in w]
        return sum(v * v for v in x)

    assert_alike(loss, X)


def test_layers_may_start_from_what_varies_or_from_each_other():
    w = [[Parameter(0.1 * i - 0.3 * k) for i in range(8)] for k in range(8)]
    X = np.random.default_rng(0).normal(size=(19, 8))

    def loss(x):
        h = [sum((u * v for u, v in zip(ws, x, strict=True)), x[k] * x[k]) for k, ws in enumerate(w)]
        h = [sum((u * v for u, v in zip(ws, h, strict=True)), v) for ws, v in zip(w, h, strict=True)]
        return sum(v * v for v in h)

    assert_alike(loss, X)


def test_a_layer_whose_sums_depend_on_each_other_stays_in_order():
    w = [[Parameter(0.1 * i - 0.3 * k) for i in range(6)] for k in range(6)]
    X = np.random.default_rng(0).normal(size=(19, 6))

    def loss(x):
        total = 0.0
        for ws in w:  # each sum starts from the square of the one before
            total = sum((u * v for u, v in zip(ws, x, strict=True)), total * total)
        return total

    assert_alike(loss, X)


def test_parameters_that_are_shared_or_not_in_order_have_their_gradients():
    w = [Parameter(0.1 * i) for i in range(12)]
    X = np.random.default_rng(0).normal(size=(19, 8))

    def loss(x):
        chosen = [[w[(3 * k + 5 * i) % 12] for i in range(8)] for k in range(7)]
        return sum(ag.tanh(sum(u * v for u, v in zip(ws, x, strict=True))) for ws in chosen) + w[0] * w[1]

    assert_alike(loss, X)


def test_long_sums_start_from_anything():
    w = [Parameter(0.1 * i - 0.7) for i in range(31)]
    X = np.random.default_rng(0).normal(size=(19, 31))
    for start in (0.0, 3.0, w[3]):
        assert_alike(lambda x, start=start: sum((u * v for u, v in zip(w, x, strict=True)), start), X)
    assert_alike(lambda x: sum((u * v for u, v in zip(w, x, strict=True)), x[0]) ** 2, X)


@pytest.mark.parametrize("lanes", [2, 4, 8])
def test_products_under_conditions_are_added_where_these_hold(lanes):
    w = [[Parameter(0.1 * i - 0.3 * k) for i in range(7)] for k in range(6)]
    X = np.random.default_rng(0).normal(size=(21, 7))
    X[3, 2] = X[20, 0] = np.nan  # there no condition of a sum holds

    def loss(x):
        sums = [sum(u * v for u, v in zip(ws, x, strict=True)) for ws in w]
        return sum(where(v > 0.2 * k, v * v, 0.0) for k, v in enumerate(sums)) + where(x[1] > 0.0, x[1] * w[0][0], 0.0)

    found, expected, fast = both(loss, X, width=lanes)
    assert found[0] == pytest.approx(expected[0], rel=1e-12)
    assert found[1] == pytest.approx(expected[1], rel=1e-12, abs=1e-13)
    assert np.isfinite(found[1]).all()
    assert any(outer.guards for outer, _, _ in fast._programs.latest.run(1).plan.outer_products)


def test_nan_and_infinity_stay_in_their_lanes():
    run = network([8, 8, 4])
    X = np.random.default_rng(0).normal(size=(19, 8))
    X[3, 2], X[18, 7] = np.nan, np.inf
    fast = ag.jit(lambda x: sum(run(x)), batched=True, backend="llvm")
    slow = ag.jit(lambda x: sum(run(x)), batched=True, backend="python")
    assert fast(X) == pytest.approx(slow(X), rel=1e-12, nan_ok=True)
    assert_an_interpreter_gives_the_same_bits(fast, None, X)
    assert np.isnan(fast(X)).sum() == 1


def test_many_results_are_stored_for_each_sample():
    run = network([5, 40])
    X = np.random.default_rng(0).normal(size=(19, 5))
    fast, slow = (ag.jit(run, batched=True, backend=name) for name in ("llvm", "python"))
    assert np.array(fast(X)) == pytest.approx(np.array(slow(X)), rel=1e-12)
    assert_an_interpreter_gives_the_same_bits(fast, None, X)


def test_a_program_that_needs_much_memory_does_not_take_it_from_the_stack(monkeypatch):
    monkeypatch.setattr(llvm, "STACK", 0)
    run = network([9, 12, 3])
    X = np.random.default_rng(0).normal(size=(30, 9))
    fast = assert_alike(lambda x: sum(run(x)), X)
    assert "@malloc(" in fast.llvm
