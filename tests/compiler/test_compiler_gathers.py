"""Lookups: what `take` picks, in eager code and compiled, on every backend, with its derivatives."""

from __future__ import annotations

import math
import pickle
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import Parameter, Value, take
from autograd_mini.compiler import BACKENDS
from autograd_mini.transforms import grad, hessian, hvp

np = pytest.importorskip("numpy")

AVAILABLE = [name for name, row in BACKENDS.items() if row.available]
every_backend = pytest.mark.parametrize("backend", AVAILABLE)
NUMBERS = st.one_of(st.floats(-3.0, 3.0), st.sampled_from([0.0, -0.0, math.inf, -math.inf, math.nan, 1e300]))


def program(rng, size, lookups):
    """A random function of an entry x and indices, which looks up parameters, what it computed from them, and x."""
    picks = [(rng.randrange(3), rng.choice(("add", "mul", "tanh", "where")), rng.randrange(2)) for _ in range(lookups)]

    def f(table, x, indices):
        computed = [ag.tanh(entry) * x for entry in table]
        total = x
        for at, (source, how, constant) in enumerate(picks):
            index = indices[at % len(indices)]
            picked = take(
                (table, computed, [x, 2.0, *table][:size])[source], -1.0 if constant and at % 3 == 0 else index
            )
            if how == "add":
                total = total + picked
            elif how == "mul":
                total = total * picked
            elif how == "tanh":
                total = ag.tanh(total) + picked * 0.5
            else:
                total = ag.where(index > 0.0, total * 0.5, picked - total)
        return total

    return f


def same(found, expected, rounding=1e-12):
    return np.allclose(found, expected, rtol=rounding, atol=rounding, equal_nan=True)


@np.errstate(all="ignore")
def by_hand(f, table, X, places):
    """Return the losses, and the gradient of their mean, by the eager engine."""
    losses, slopes = [], np.zeros(len(table))
    for x, indices in zip(X, places, strict=True):
        leaves = [Value(entry) for entry in table]
        loss = f(leaves, Value(x), indices.tolist())
        loss.backward()
        losses.append(loss.data)
        slopes += [leaf.grad for leaf in leaves]
    return np.array(losses), slopes / len(X)


@every_backend
@settings(deadline=None, max_examples=10)
@given(st.randoms(use_true_random=False), st.integers(1, 5), st.data())
def test_every_backend_agrees_with_eager_code_in_values_and_gradients(backend, rng, size, data):
    rng = random.Random(rng.random())
    numbers = st.lists(NUMBERS, min_size=size, max_size=size)
    table = data.draw(numbers)
    rows = data.draw(st.integers(1, 20))
    X = np.array(data.draw(st.lists(NUMBERS, min_size=rows, max_size=rows)))
    places = np.array([[rng.randrange(-size, size) for _ in range(2)] for _ in range(rows)])
    f = program(rng, size, rng.randrange(1, 5))
    losses, slopes = by_hand(f, table, X, places)
    weights = [Parameter(entry) for entry in table]
    for threads in (1, 2):
        many = ag.jit(lambda x, i: f(weights, x, i), batched=True, backend=backend, threads=threads)
        assert same(many(X, places), losses)
        many.backward(X, places)
        known = dict(zip(weights, slopes, strict=True))
        assert same([weight.grad for weight in many.parameters], [known[weight] for weight in many.parameters])
        assert all(known[weight] == 0.0 for weight in weights if weight not in many.parameters)
        for weight in weights:
            weight.grad = 0.0
    one = ag.jit(lambda x, i: f(weights, x, i), backend=backend)
    assert same([one(float(x), i.astype(float)) for x, i in zip(X, places, strict=True)], losses)
    loss, slope = one.value_and_grad([weight.data for weight in one.parameters], *_first(one, X, places))
    losses, slopes = by_hand(f, table, X[:1], places[:1])
    known = dict(zip(weights, slopes, strict=True))
    assert same(loss, losses[0])
    assert same(slope, [known[weight] for weight in one.parameters])


def _first(one, X, places):
    one.prepare(float(X[0]), places[0].astype(float))
    return float(X[0]), places[0].astype(float)


@every_backend
@pytest.mark.parametrize("threads", [1, 2])
def test_gradients_add_up_where_indices_repeat_and_are_the_same_bits_each_time(backend, threads):
    weights = [Parameter(0.1 * at) for at in range(7)]
    rng = np.random.default_rng(0)
    X, places = rng.normal(size=5000), rng.integers(0, 7, 5000)
    fast = ag.jit(
        lambda x, i: take(weights, i) * x + take(weights, i) ** 2, batched=True, backend=backend, threads=threads
    )
    fast.prepare(X[:1], places[:1])
    p = [weight.data for weight in fast.parameters]
    loss, slopes = fast.value_and_grad(p, X, places)
    expected = np.zeros(7)
    np.add.at(expected, places, X + 2.0 * np.array(p)[places])
    assert same(slopes, expected / 5000, 1e-10)
    for _ in range(5):
        again = fast.value_and_grad(p, X, places)
        assert again[0] == loss
        assert (again[1] == slopes).all()


@every_backend
def test_second_derivatives_and_directions_go_through_lookups(backend):
    def f(v, i):
        return take(v, i) ** 3 * take(v, i - 1.0) + ag.exp(take([x * v[0] for x in v], i))

    v = np.array([0.3, -0.7, 1.1])
    for i in (2.0, 0.0, -1.0):
        assert same(ag.jit(hessian(f), backend=backend)(v, i), hessian(f)(v, i))
        direction = np.array([1.0, -2.0, 0.5])
        assert same(ag.jit(hvp(f), backend=backend)(v, i, direction), hvp(f)(v, i, direction))
        third = grad(lambda v, i: grad(lambda v: take(v, i) ** 4)(v)[2])
        assert same(ag.jit(third, backend=backend)(v, i), third(v, i))
    many = ag.jit(grad(f), batched=True, in_axes=(None, 0), backend=backend)
    assert same(many(v, np.array([2, 0, -1])), [grad(f)(v, i) for i in (2, 0, -1)])


@every_backend
@pytest.mark.parametrize("bad", [4.0, -5.0, 1.5, math.nan, math.inf, -math.inf, 1e300])
def test_an_index_out_of_range_is_an_error_before_anything_is_written(backend, bad):
    weights = [Parameter(float(at)) for at in range(4)]
    kind = IndexError if math.isfinite(bad) and bad == int(bad) else TypeError
    with pytest.raises(kind, match=r"index is .*, expected a whole number from -4 to 3"):
        take(weights, bad)
    one = ag.jit(lambda i: take(weights, i) ** 2, backend=backend)
    many = ag.jit(lambda i: take(weights, i) ** 2, batched=True, backend=backend, threads=2)
    indices = np.array([1.0] * 40 + [bad] + [2.0] * 10)
    for call, numbers in ((one, bad), (one.backward, bad), (many, indices), (many.backward, indices)):
        with pytest.raises(kind, match=r"index is .* in .*test_compiler_gathers.py.*, expected a whole number from -4"):
            call(numbers)
    with pytest.raises(kind):
        many.value_and_grad([weight.data for weight in many.parameters], indices)
    assert not any(weight.has_grad for weight in weights)
    assert one(2.0) == 4.0
    assert many(np.array([3, -4])).tolist() == [9.0, 0.0]


@every_backend
def test_an_embedding_and_the_target_of_a_cross_entropy_compile(backend):
    rng = np.random.default_rng(1)
    embedding = [[Parameter(number, label=f"e{at}{k}") for k, number in enumerate(row)] for at, row in
                 enumerate(rng.normal(size=(5, 3)))]  # fmt: skip
    readout = [[Parameter(number) for number in row] for row in rng.normal(size=(5, 3))]
    parameters = [parameter for row in embedding + readout for parameter in row]

    def loss(token, target):
        vector = take(embedding, token)
        logits = [sum(w * x for w, x in zip(row, vector, strict=True)) for row in readout]
        return -take(ag.log_softmax(logits), target)

    tokens, targets = rng.integers(0, 5, 33), rng.integers(0, 5, 33)
    total = sum(loss(int(a), int(b)) for a, b in zip(tokens, targets, strict=True)) / 33
    total.backward()
    expected = [parameter.grad for parameter in parameters]
    for parameter in parameters:
        parameter.grad = 0.0
    fast = ag.jit(loss, batched=True, backend=backend)
    assert math.isclose(fast.backward(tokens, targets), total.data, rel_tol=1e-13)
    assert same([parameter.grad for parameter in parameters], expected)
    assert {*fast.parameters} == {*parameters}


@every_backend
def test_interpolation_in_a_table_has_the_slope_between_its_entries(backend):
    heights = [0.0, 10.0, 40.0, 30.0]

    def height(x):
        at = ag.floor(x)
        return take(heights, at) + (x - at) * (take(heights, at + 1.0) - take(heights, at))

    x = np.array([0.0, 0.25, 1.5, 2.75])
    assert same(ag.jit(height, batched=True, backend=backend)(x), np.interp(x, range(4), heights))
    assert same(ag.jit(grad(height), batched=True, backend=backend)(x), [10.0, 10.0, 30.0, -10.0])
    assert grad(height)(1.5) == 30.0


@every_backend
def test_a_parameter_may_be_an_index_whose_number_is_read_at_every_call(backend):
    which, table = Parameter(1.0), [Parameter(10.0), Parameter(20.0), Parameter(30.0)]
    fast = ag.jit(lambda x: take(table, which) * x, backend=backend)
    assert fast(2.0) == 40.0
    which.data = -1.0
    assert fast.backward(2.0) == 60.0
    assert (which.grad, table[2].grad, table[1].grad) == (0.0, 2.0, 0.0)
    assert take(table, which) is table[2]


@every_backend
def test_a_compiled_lookup_travels_in_a_pickle_with_its_checks(backend):
    fast = ag.jit(lambda v, i: take(v, i) * 2.0, batched=True, in_axes=(None, 0), backend=backend)
    v, i = [1.0, 2.0, 3.0], np.array([0, 2, 1])
    expected = fast(v, i)
    copied = pickle.loads(pickle.dumps(fast))  # noqa: S301 - our own
    assert (copied(v, i) == expected).all()
    with pytest.raises(IndexError, match="index is 3"):
        copied(v, i + 1)


def test_an_array_without_axes_is_nothing_to_pick_from():
    with pytest.raises(TypeError, match=r"values is array\(3.\) of type ndarray, expected a list, tuple or array"):
        ag.take(np.array(3.0), 0)


def test_the_program_does_not_grow_with_what_a_table_is_looked_up_for():
    counts = []
    for size in (10, 1000):
        weights = [Parameter(1.0) for _ in range(size)]
        fast = ag.jit(lambda i, weights=weights: sum(take(weights, i + k) ** 2 for k in range(5)), backend="python")
        fast(0.0)
        counts.append(len(fast._latest().tape))
    assert counts[0] == counts[1]


def test_a_branch_that_is_not_taken_adds_nothing_to_a_table():
    weights = [Parameter(0.0), Parameter(4.0)]
    fast = ag.jit(lambda x, i: ag.where(x > 0.0, ag.sqrt(take(weights, i)), x), backend="python")
    fast.backward(-1.0, 0.0)
    assert [weight.grad for weight in weights] == [0.0, 0.0]
    fast.backward(1.0, 1.0)
    assert [weight.grad for weight in weights] == [0.0, 0.25]


def test_nothing_is_recorded_for_a_lookup_inside_no_grad():
    weights = [Parameter(2.0), Parameter(4.0)]

    def f(i):
        with ag.no_grad():
            constant = take(weights, i) * 1.0
        return constant * take(weights, i)

    fast = ag.jit(f, backend="python")
    assert fast.backward(1.0) == 16.0
    assert [weight.grad for weight in weights] == [0.0, 4.0]


def test_several_indices_pick_several_entries_and_rows():
    table = np.arange(12.0).reshape(4, 3)
    assert take([1.0, 2.0, 3.0], [2, 0]) == [3.0, 1.0]
    assert (take(table, np.array([[0, -1]])) == table[np.array([[0, -1]])]).all()
    assert take(table.tolist(), 1) == [3.0, 4.0, 5.0]
    fast = ag.jit(lambda i: take(table, i), backend="python")
    assert (fast(np.array([1.0, 3.0])) == table[[1, 3]]).all()
    with pytest.raises(IndexError, match="index is 9"):
        fast(np.array([1.0, 9.0]))
    leaf = Value(5.0)
    assert take([1.0, leaf], np.array([1, 0])).tolist()[0] is leaf
    assert take((7, 8), 1) == 8.0


@pytest.mark.parametrize(
    ("values", "index"),
    [
        ("text", 0),
        (3.0, 0),
        ({0: 1.0}, 0),
        ([None], 0),
        *[([1.0], wrong) for wrong in (True, "0", None, 0.5, Value(0.5))],
    ],
)
def test_what_is_no_table_or_no_index_is_refused(values, index):
    with pytest.raises(TypeError, match="expected"):
        take(values, index)


def test_no_values_and_rows_of_different_structure_are_refused():
    with pytest.raises(IndexError, match="no values"):
        take([], 0)
    with pytest.raises(IndexError, match="no values"):
        ag.jit(lambda i: take([], i), backend="python")(0.0)
    with pytest.raises(ValueError, match=r"values\[1\] is .*, expected the structure"):
        ag.jit(lambda i: take([[1.0], [1.0, 2.0]], i), backend="python")(0.0)
    with pytest.raises(TypeError, match="expected a whole number"):
        ag.jit(lambda x: take([1.0, 2.0], x > 0.0), backend="python")(0.0)
