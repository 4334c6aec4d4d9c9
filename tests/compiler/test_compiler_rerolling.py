"""Rerolling: loops found again in straight-line programs, and their results and gradients, against the eager engine."""

from __future__ import annotations

import copy
import math
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loops import gradients, look_for_in_short_programs

import autograd_mini as ag
from autograd_mini import Parameter, Value, replay
from autograd_mini.compiler import BACKENDS, rerolling
from autograd_mini.compiler.graph_columns import below
from autograd_mini.compiler.instructions import Instructions, Unsuited

np = pytest.importorskip("numpy")

AVAILABLE = [name for name, row in BACKENDS.items() if row.available]
every_backend = pytest.mark.parametrize("backend", AVAILABLE)


@pytest.fixture(autouse=True)
def _short_programs_are_looked_at_too(monkeypatch):
    look_for_in_short_programs(monkeypatch)


def agrees(compute, leaves, backend="python", *, loops=True):
    """Check a loss against its replay and its compiled function, for the numbers now and for others."""
    loss = compute()
    found = [replay(loss, backend=backend), ag.jit(compute, backend=backend)]
    for shift in (0.0, 0.125):
        for leaf in leaves:
            leaf.data += shift
        loss = compute()
        loss.backward()
        expected = gradients(leaves)
        for again in found:
            assert np.allclose(again(), loss.data, rtol=1e-9, atol=1e-9, equal_nan=True)
            assert np.allclose(again.backward(), loss.data, rtol=1e-9, atol=1e-9, equal_nan=True)
            assert np.allclose(gradients(leaves), expected, rtol=1e-8, atol=1e-9, equal_nan=True)
    if loops is not None:
        assert ["loops" in again.stats for again in found] == [loops] * len(found)
    return found


OPERATIONS = [
    lambda a, b: a * b,
    lambda a, b: a + b,
    lambda a, b: a - b * 0.5,
    lambda a, b: ag.tanh(a) + b,
    ag.maximum,
    lambda a, _: a**2 * 0.25,
    lambda a, b: ag.where(b, a, b * 2.0),
    lambda a, _: ag.relu(a),
    lambda a, b: ag.sigmoid(a) / (1.0 + b * b),
    lambda a, b: abs(a) - b,
]


def body(steps, x, shared):
    """Return what steps (operation, operand, operand) compute of a sample's numbers and of what is shared."""
    known = [*shared, *x]
    for kind, first, second in steps:
        a, b = known[first % len(known)], known[second % len(known)]
        known.append(OPERATIONS[kind](a if isinstance(a, Value) else a + 0.0 * shared[0], b + 0.0 * shared[1]))
    return known[-1]


GATHERED = {
    "sum": sum,
    "difference": lambda ys: ys[0] - sum(ys[1:3]) * 2.0 - ys[0],
    "subtracted": lambda ys: 3.0 - ys[0] if len(ys) == 1 else GATHERED["subtracted"](ys[:-1]) - ys[-1],
    "of squares": lambda ys: sum(y * y for y in ys) / len(ys) + sum(ys),
    "log": lambda ys: ag.log(1.0 + sum(ys) ** 2),
    "weighed": lambda ys: sum(y * (0.5 + at) for at, y in enumerate(ys)),
    "variance": lambda ys: sum((y - sum(ys) / len(ys)) ** 2 for y in ys),
    "neighbours": lambda ys: sum(a * b for a, b in zip(ys, ys[1:] + ys[:1], strict=True)),
    "greatest": lambda ys: (
        ag.maximum(ys[0], ys[1]) if len(ys) == 2 else ag.maximum(ys[0], GATHERED["greatest"](ys[1:]))
    ),
    "taken twice": lambda ys: sum(ys) * ag.tanh(sum(ys)),
}
"""What the outputs of samples are made to one number by."""

numbers = st.floats(-2.0, 2.0).map(lambda x: round(x, 3))
steps = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 20), st.integers(0, 20)), min_size=4, max_size=8)


@pytest.mark.parametrize("name", GATHERED)
@settings(deadline=None, max_examples=5)
@given(st.data())
def test_random_programs_over_samples_agree_with_eager_code(name, data):
    lanes, taken = data.draw(st.integers(8, 13)), data.draw(steps)
    leaves = [Parameter(data.draw(numbers)) for _ in range(4)]
    samples = [[data.draw(numbers) for _ in range(3)] for _ in range(lanes)]
    if data.draw(st.booleans()):
        samples = [[Value(x) for x in sample] for sample in samples]
    extra = [sample[0] for sample in samples if isinstance(sample[0], Value)]
    computed = data.draw(st.booleans())

    def compute():
        shared = [ag.exp(leaf * 0.25) for leaf in leaves[:2]] if computed else leaves[:2]
        outputs = [body(taken, sample, [*shared, *leaves[2:]]) for sample in samples]
        return GATHERED[name](outputs) + 0.01 * sum(leaf * leaf for leaf in leaves)

    agrees(compute, [*leaves, *extra], data.draw(st.sampled_from(["python", "numpy"])), loops=None)


def network_loss(samples, *, leaves=False, seed=0):
    """Return the parameters, and the loss of a small network over samples as a function."""
    model = ag.MLP(2, [3, 1], activation="tanh", seed=seed)
    X = [[math.sin(at), math.cos(3 * at)] for at in range(samples)]
    y = [(-1.0) ** at for at in range(samples)]
    if leaves:
        X = [[*map(Value, x)] for x in X]

    def compute():
        losses = [ag.relu(1.0 - t * model(x)) for x, t in zip(X, y, strict=True)]
        return sum(losses) / len(losses) + 1e-3 * sum(p * p for p in model.parameters())

    return [*model.parameters(), *[number for x in X for number in x if leaves]], compute


@every_backend
@pytest.mark.parametrize("leaves", [False, True], ids=["data", "leaves"])
@pytest.mark.parametrize("samples", [8, 17])
def test_a_loss_written_as_a_loop_over_samples_is_rolled_up(backend, leaves, samples):
    parameters, compute = network_loss(samples, leaves=leaves)
    for again in agrees(compute, parameters, backend):
        assert again.stats["loops"].startswith(
            f"{again.stats['operations']['traced']:,} operations = {samples} × 24 + "
        )


@every_backend
def test_samples_of_two_kinds_become_two_loops(backend):
    w = Parameter(0.3)

    def compute():
        inside = sum((ag.exp(w * x) - x) ** 2 for x in np.linspace(0.0, 1.0, 9).tolist())
        edge = sum(ag.tanh(w + x) * ag.sin(x * w) for x in np.linspace(0.0, 1.0, 12).tolist())
        return ag.sqrt(1.0 + inside * edge)

    for again in agrees(compute, [w], backend):
        assert again.stats["loops"].count("×") == 2


@every_backend
def test_a_recurrent_network_over_samples_is_a_loop_over_samples(backend):
    w, u, b = leaves = [Parameter(0.5), Parameter(-0.4), Parameter(0.1)]
    sequences = np.sin(np.arange(80.0).reshape(10, 8)).tolist()

    def compute():
        total = 0.0
        for sequence in sequences:
            h = 0.0
            for x in sequence:
                h = ag.tanh(w * x + u * h + b)
            total = total + (h - 0.5) ** 2
        return total

    for again in agrees(compute, leaves, backend):
        assert "= 10 × " in again.stats["loops"]


def test_short_programs_whose_loops_python_would_hold_together_have_none(monkeypatch):
    monkeypatch.setattr(rerolling, "LARGE", 20_000)
    w = Parameter(0.5)
    sums = lambda: sum(ag.tanh(w * x) * x for x in range(12))  # noqa: E731 - short
    agrees(sums, [w], loops=True)
    agrees(lambda: ag.log(1.0 + sums() * ag.maximum(w, 0.25)), [w], loops=True)
    squares = lambda: [ag.exp(w) * x + ag.sin(w * x) for x in range(12)]  # noqa: E731 - short
    agrees(lambda: sum(squares()) * squares()[0], [w], loops=False)


def test_pairs_of_samples_are_lanes():
    w = Parameter(0.7)
    xs = np.sin(np.arange(9.0)).tolist()

    def compute():
        places = [ag.tanh(w * x) for x in xs]
        return sum(ag.exp(-((a - b) ** 2)) for a in places for b in places)

    for again in agrees(compute, [w]):
        assert "= 81 × " in again.stats["loops"]


def test_a_mean_over_the_samples_that_they_use_is_outside():
    w = Parameter(0.7)
    xs = np.sin(np.arange(12.0)).tolist()

    def compute():
        scores = [ag.tanh(ag.exp(w * x) * x + w) * w for x in xs]
        mean = sum(scores) / len(scores)
        return sum((score - mean) ** 2 for score in scores)

    agrees(compute, [w], loops=True)


def test_a_branch_outside_that_is_not_taken_adds_nothing():
    w = Parameter(0.0)

    def compute():
        total = sum(ag.sqrt(w * w) * x for x in range(1, 20))  # whose derivative at 0 is nan
        return ag.where(w > 1.0, total, w * 2.0)

    fast = ag.jit(compute, backend="python")
    assert (fast.backward(), gradients([w])) == (0.0, [2.0])


def test_numbers_that_are_no_numbers_come_through():
    w = Parameter(2.0)
    xs = [1.0, math.inf, 2.0, math.nan, *range(8)]
    agrees(lambda: sum(ag.tanh(w * x) + w * x * x for x in xs), [w])


def test_what_is_detached_has_no_derivative():
    w = Parameter(0.5)

    def compute():
        return sum((ag.tanh(w * x).detach() * w + x) ** 2 for x in range(12))

    fast, loss = ag.jit(compute, backend="python"), compute()
    loss.backward()
    expected = gradients([w])
    assert math.isclose(fast.backward(), loss.data)
    assert np.allclose(gradients([w]), expected)
    assert "loops" in fast.stats


def test_an_output_that_is_a_truth_value_is_one_outside():
    w = Parameter(0.5)

    def f(xs):
        high = [ag.exp(w * x) * x > 1.0 for x in xs]
        return sum(ag.where(here, 1.0, 2.0 * w) for here in high) + sum(
            ag.where(here, x, 0.0) for here, x in zip(high, xs, strict=True)
        )

    fast, xs = ag.jit(f, backend="python"), np.linspace(0.0, 3.0, 16)
    assert math.isclose(fast(xs), f(xs.tolist()).data)
    assert "loops" in fast.stats


def test_a_truth_value_that_each_lane_hands_on_does_not_hide_its_derivative():
    w = Parameter(0.5)

    def f(xs):
        ys = [ag.exp(w * x) * x for x in xs]
        low = ag.where(ys[0] > 1.0, 1.0, 2.0)
        for y in ys[1:]:
            low = low * ag.where(y > 1.0, 1.5, 0.5)
        return sum(ys) * (low + 0.0 * w).detach()

    fast, xs = ag.jit(f, backend="python"), np.linspace(0.0, 3.0, 16)
    loss = f(xs.tolist())
    loss.backward()
    expected = gradients([w])
    assert math.isclose(fast.backward(xs), loss.data)
    assert np.allclose(gradients([w]), expected)


def test_arguments_are_columns():
    w = Parameter(0.5)

    def f(xs, scale):
        return scale * sum(ag.tanh(w * x) * x + ag.exp(x * scale) for x in xs)

    fast, xs = ag.jit(f, backend="python"), np.linspace(0.0, 1.0, 16)
    for scale in (1.0, 2.0):
        loss = f(xs.tolist(), scale)
        loss.backward()
        expected = gradients([w])
        assert math.isclose(fast.backward(xs, scale), loss.data)
        assert np.allclose(gradients([w]), expected)
    assert "loops" in fast.stats


@every_backend
def test_a_gradient_inside_of_the_compiled_function_is_rolled_up(backend):
    X = np.sin(np.arange(24.0)).reshape(12, 2)

    def loss(p):
        return sum((ag.tanh(p[0] * x + p[1] * y) - x) ** 2 for x, y in X.tolist()) / 12

    fast, p = ag.jit(ag.value_and_grad(loss), backend=backend), np.array([0.3, -0.2])
    for _ in range(2):
        value, slope = fast(p)
        expected, slopes = ag.value_and_grad(loss)(p)
        assert math.isclose(value, expected)
        assert np.allclose(slope, slopes)
    assert "loops" in fast.stats


def test_a_rolled_program_is_pickled_and_copied_with_its_loops():
    parameters, compute = network_loss(9)
    again = replay(compute(), backend="python")
    for other in (pickle.loads(pickle.dumps(again)), copy.deepcopy(again)):  # noqa: S301 - our own
        assert math.isclose(other.backward(), compute().data)
        assert "loops" in other.stats
        assert np.allclose(gradients(other.parameters), (again.backward(), gradients(parameters))[1])


def test_the_source_and_the_c_text_of_a_rolled_program_are_those_without_loops():
    _, compute = network_loss(8)
    fast = ag.jit(compute, backend="python")
    fast()
    assert fast.source.count("tanh") == 8 * 3
    assert fast.c(name="loss").count("tanh(") >= 8 * 3


# --- comparisons that were made, and lookups ---


def branching_loss(w, xs):
    """Return a loss whose samples take two branches, by comparisons of Values."""
    total = 0.0
    for x in xs:
        y = ag.tanh(w[0] * x + w[1])
        total = total + (max(y, w[2] * x) * x if y < 0.5 else y * y * w[2])
    return total


@every_backend
def test_the_comparisons_of_all_lanes_are_checked_in_a_replay(backend):
    w, xs = [Parameter(number) for number in (0.9, -0.1, 0.3)], np.linspace(-2.0, 2.0, 40).tolist()
    again = replay(lambda: branching_loss(w, xs), backend=backend)
    loss = branching_loss(w, xs)
    loss.backward()
    expected = gradients(w)
    assert math.isclose(again.backward(), loss.data)
    assert np.allclose(gradients(w), expected)
    assert "loops" in again.stats
    for place in (-1, 0, 17):  # one lane alone flips, whichever it is
        other = [*xs]
        leaves = [Value(x) for x in other]
        recorded = replay(lambda: branching_loss(w, leaves), backend=backend)  # noqa: B023 - it is called at once
        assert math.isclose(recorded(), loss.data)
        leaves[place].data = -leaves[place].data
        with pytest.raises(ag.TracingError, match=r"a comparison was (True|False) when"):
            recorded()
        fallback = lambda: branching_loss(w, leaves)  # noqa: B023, E731 - it is called at once
        guarded = replay(fallback, fallback=fallback, backend=backend)
        leaves[place].data = -leaves[place].data
        assert math.isclose(guarded(), loss.data)


@every_backend
def test_the_path_of_a_long_compiled_function_is_rolled_up(backend):
    w, xs = [Parameter(number) for number in (0.9, -0.1, 0.3)], np.linspace(-2.0, 2.0, 40)
    fast = ag.jit(lambda xs: branching_loss(w, xs), backend=backend)
    for numbers_now in (xs, xs[::-1].copy(), xs):
        loss = branching_loss(w, numbers_now.tolist())
        loss.backward()
        expected = gradients(w)
        assert math.isclose(fast.backward(numbers_now), loss.data)
        assert np.allclose(gradients(w), expected)
    assert ["loops" in path for path in fast.stats["paths"]] == [True, True]


BRANCHES = [
    *OPERATIONS,
    max,
    min,
    lambda a, b: a * 0.5 if a > b else b,
]


@pytest.mark.parametrize("name", ["sum", "of squares", "variance", "taken twice"])
@settings(deadline=None, max_examples=10)
@given(st.data())
def test_random_programs_that_compare_agree_with_eager_code(name, data):
    kinds = st.tuples(st.integers(0, len(BRANCHES) - 1), st.integers(0, 20), st.integers(0, 20))
    lanes, taken = data.draw(st.integers(8, 13)), data.draw(st.lists(kinds, min_size=4, max_size=8))
    special = st.sampled_from([math.inf, math.nan, 0.0, -0.0])
    leaves = [Parameter(data.draw(numbers)) for _ in range(3)]
    samples = [[Value(data.draw(numbers | special)) for _ in range(2)] for _ in range(lanes)]
    backend = data.draw(st.sampled_from(["python", "numpy"]))

    def compute():
        outputs = []
        for sample in samples:
            known = [*leaves, *sample]
            for kind, first, second in taken:
                known.append(BRANCHES[kind](known[first % len(known)], known[second % len(known)]))
            outputs.append(known[-1] + leaves[0] * 0.0)
        return GATHERED[name](outputs)

    loss, again = compute(), replay(compute, backend=backend)
    loss.backward()
    every = [*leaves, *[x for sample in samples for x in sample]]
    expected = gradients(every)
    assert np.allclose(again(), loss.data, rtol=1e-9, atol=1e-9, equal_nan=True)
    assert np.allclose(again.backward(), loss.data, rtol=1e-9, atol=1e-9, equal_nan=True)
    assert np.allclose(gradients(every), expected, rtol=1e-8, atol=1e-9, equal_nan=True)


def letters_loss(table, w, text):
    """Return the loss of a model that reads a letter and guesses the next one."""
    total = 0.0
    for at in range(len(text) - 1):
        e = ag.take(table, text[at])
        scores = [sum((a * b for a, b in zip(row, e, strict=True)), 0.0) for row in w]
        total = total + ag.log(sum(map(ag.exp, scores), 0.0)) - ag.take(scores, text[at + 1])
    return total / (len(text) - 1)


@every_backend
def test_lookups_by_arguments_are_lanes_and_their_slopes_add_up(backend):
    table = [[Parameter(math.sin(3 * i + j)) for j in range(2)] for i in range(4)]
    w = [[Parameter(math.cos(5 * i - j)) for j in range(2)] for i in range(4)]
    leaves = [p for row in (*table, *w) for p in row]
    letters = np.array([0, 1, 3, 1, -1, 0, 0, 2, 1, 3, 3, 0, 1], float)  # as a list counts them, -1 the last
    embed = ag.jit(lambda t: sum(ag.tanh(sum(ag.take(table, i))) * ag.take(table, i)[0] for i in t), backend=backend)
    model = ag.jit(lambda t: letters_loss(table, w, t), backend=backend)
    for text in (letters, letters[::-1].copy()):
        plain = [int(i) for i in text]
        for fast, loss in (
            (embed, sum(ag.tanh(sum(ag.take(table, i))) * ag.take(table, i)[0] for i in plain)),
            (model, letters_loss(table, w, plain)),
        ):
            loss.backward()
            expected = gradients(leaves)
            assert math.isclose(fast.backward(text), loss.data)
            assert np.allclose([p.grad or 0.0 for p in leaves], expected)
            gradients(leaves)
    assert "= 13 × " in embed.stats["loops"]
    for wrong, error in ((4.0, IndexError), (0.5, TypeError)):
        with pytest.raises(error, match="expected a whole number from -4 to 3"):
            embed(np.array([*letters[:-1], wrong]))


@every_backend
@settings(deadline=None, max_examples=15)
@given(st.data())
def test_random_lookups_agree_with_eager_code_rolled_up_or_not(backend, data):
    count, length = data.draw(st.integers(1, 5)), data.draw(st.integers(8, 12))
    entries = [Parameter(data.draw(numbers)) for _ in range(count)]
    computed, loops = data.draw(st.booleans()), data.draw(st.booleans())
    indices = data.draw(st.lists(st.integers(-count, count - 1), min_size=length, max_size=length))

    def f(indices):
        table = [ag.exp(entry) if computed else entry for entry in entries]
        picked = [ag.take(table, i) for i in indices]
        if loops:
            return sum(ag.tanh(y * x) * y for x, y in enumerate(picked))
        chain = picked[0]
        for y in picked[1:]:
            chain = ag.tanh(chain * y) + ag.sin(y)
        return chain

    fast, loss = ag.jit(f, backend=backend), f(indices)
    loss.backward()
    expected = gradients(entries)
    given = np.array(indices, float)
    assert math.isclose(fast(given), loss.data, rel_tol=1e-9, abs_tol=1e-12)
    assert math.isclose(fast.backward(given), loss.data, rel_tol=1e-9, abs_tol=1e-12)
    assert np.allclose(gradients(entries), expected)


def test_checks_travel_with_a_pickle():
    w, xs = [Parameter(number) for number in (0.9, -0.1, 0.3)], np.linspace(-2.0, 2.0, 40).tolist()
    again = pickle.loads(pickle.dumps(replay(lambda: branching_loss(w, xs), backend="python")))  # noqa: S301 - ours
    assert math.isclose(again(), branching_loss(w, xs).data)
    again.parameters[0].data = -0.9
    with pytest.raises(ag.TracingError, match="record the graph again"):
        again()


def test_a_graph_with_an_operation_of_the_users_own_is_no_table():
    y = ag.custom_gradient(lambda x: 2.0 * x, lambda _: 2.0)(Value(1.0)) + 1.0
    with pytest.raises(Unsuited):
        Instructions(below(y), [y], [])


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 30), st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=60))
def test_components_are_what_a_search_finds(count, edges):
    edges = [(a % count, b % count) for a, b in edges]
    beside = {at: {at} for at in range(count)}
    for a, b in edges:
        beside[a].add(b)
        beside[b].add(a)
    expected = []
    for at in range(count):
        seen, waiting = {at}, [at]
        while waiting:
            new = beside[waiting.pop()] - seen
            seen |= new
            waiting += new
        expected.append(min(seen))
    sources, targets = [np.array([edge[side] for edge in edges], int) for side in (0, 1)]
    assert rerolling._components(count, sources, targets).tolist() == expected
