"""The backward pass: accumulation, staleness, all or nothing, depth, garbage, order, threads, micrograd's programs."""

from __future__ import annotations

import copy
import gc
import linecache
import math
import os
import random
import signal
import subprocess
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import micrograd.engine as micrograd_engine
import micrograd.nn as micrograd_nn
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import programs, run

import autograd_mini as ag
from autograd_mini import Parameter, StaleValueError, Value, gradient
from autograd_mini.engine import backward as engine

PACKAGE = Path(ag.__file__).parent


# --- accumulation ---


@given(programs(), st.floats(-5, 5))
def test_a_gradient_is_added_to_what_a_leaf_had(program, before):
    leaves, results, _ = run(program)
    results[-1].backward()
    alone = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.grad = before
    results[-1].backward()
    assert [leaf.grad for leaf in leaves] == [before + g for g in alone]


def test_a_cube_gives_27_and_then_54_and_27_again_after_a_reset():
    x = Value(3.0)
    y = x**3
    y.backward()
    assert x.grad == 27.0
    y.backward()
    assert x.grad == 54.0
    x.grad = 0
    y.backward()
    assert x.grad == 27.0


def test_two_roots_over_a_shared_part_give_32():
    x = Value(2.0)
    c = x * x
    a, b = 3 * c, 5 * c
    a.backward()
    b.backward()
    assert x.grad == 32.0
    assert c.grad == 5.0, "a node in between has the gradient of the last root alone"


def test_a_node_used_twice_receives_both_gradients():
    x = Value(3.0)
    (x * x + x).backward()
    assert x.grad == 7.0
    y = x + x
    y.backward(10.0)
    assert x.grad == 27.0


def test_nodes_in_between_are_set_and_the_root_has_the_seed():
    x = Value(2.0)
    y = x * 3
    z = y * y
    y.grad = 1000.0
    z.backward(0.5)
    assert (z.grad, y.grad, x.grad) == (0.5, 6.0, 18.0)


def test_the_root_may_be_a_leaf():
    x = Value(2.0)
    x.backward()
    x.backward(3.0)
    assert x.grad == 4.0


@pytest.mark.parametrize("seed", [Value(1.0), "1", None, 1j, [1.0]])
def test_the_seed_is_a_plain_number(seed):
    x = Value(2.0)
    with pytest.raises(TypeError, match="gradient"):
        (x * x).backward(seed)
    assert x.grad == 0.0


def test_a_subgraph_that_is_no_operand_of_the_root_receives_nothing():
    x, y = Value(2.0), Value(3.0)
    beside = x * y
    (x * x).backward()
    assert y.grad == beside.grad == 0.0
    assert not beside.has_grad


def test_an_infinite_or_nan_gradient_is_written_as_it_is():
    x = Value(0.0)
    x.sqrt().backward()
    assert x.grad == math.inf
    (x * math.nan).backward()
    assert math.isnan(x.grad)


# --- staleness ---


@given(programs(longest=10), st.data())
def test_a_leaf_assigned_after_it_was_used_is_refused_or_has_no_part(program, data):
    leaves, results, _ = run(program)
    chosen = data.draw(st.integers(0, len(leaves) - 1))
    before = [leaf.grad for leaf in leaves]
    leaves[chosen].data = leaves[chosen].data
    if leaves[chosen] in set(ag.order(results[-1])):
        with pytest.raises(StaleValueError):
            results[-1].backward()
        with pytest.raises(StaleValueError):
            gradient(results[-1], leaves)
        assert [leaf.grad for leaf in leaves] == before
    else:
        results[-1].backward()


def test_a_stale_leaf_is_an_error_that_names_both_nodes():
    x, k = Value(4.0, label="speed"), Value(1.0, label="k")
    y = x * x
    y.label = "energy"
    z = y + k
    x.data = 100
    with pytest.raises(StaleValueError, match=r"'speed'.*'energy'") as caught:
        z.backward()
    assert "100.0" in str(caught.value)
    assert "16.0" in str(caught.value)
    assert (x.grad, k.grad, y.has_grad, z.has_grad) == (0.0, 0.0, False, False)


def test_a_leaf_that_is_stale_for_one_result_serves_another():
    x = Value(4.0)
    old = x * x
    x.data = 5.0
    new = x * x
    new.backward()
    assert x.grad == 10.0
    for root in (old, old + new, new * old):
        with pytest.raises(StaleValueError):
            root.backward()
    assert x.grad == 10.0


def test_every_way_to_use_a_leaf_notices_that_it_is_stale():
    x, other = Value(0.5), Value(0.25)
    uses = [
        x + 1,
        1 - x,
        x * other,
        other * x,
        other / x,
        x**2,
        2**x,
        x.exp(),
        x.tanh(),
        -x,
        abs(x),
        ag.maximum(other, x),
    ]
    uses += [ag.where(True, x, other), ag.where(False, other, x), ag.clip(x, 0, 1), x % 0.3, sum([other, x]), ag.erf(x)]
    x.data = 0.5
    for use in uses:
        with pytest.raises(StaleValueError):
            use.backward()
    assert (x.grad, other.grad) == (0.0, 0.0)


def test_a_condition_that_is_stale_is_noticed():
    condition, x = Value(1.0), Value(3.0)
    y = ag.where(condition, x * x, -x)
    condition.data = 0.0
    with pytest.raises(StaleValueError):
        y.backward()


def test_assigning_grad_or_label_makes_nothing_stale():
    x = Value(2.0)
    y = x * x
    x.grad, x.label = 5.0, "x"
    y.backward()
    assert x.grad == 9.0


def test_a_pass_after_one_that_was_refused_is_right():
    x, w = Value(2.0), Value(3.0)
    product = x * w
    stale = product + w
    x.data = 7.0
    with pytest.raises(StaleValueError):
        stale.backward()
    (w * w + w).backward()
    assert w.grad == 7.0
    y = x * w + w
    y.backward()
    assert (x.grad, w.grad) == (3.0, 15.0)


# --- all or nothing ---


def some_graph():
    """Return leaves and a root whose sweep takes every kind of branch: inlined rules, others, shared nodes, a kink."""
    a, b, c = Value(0.5, label="a"), Value(-1.5, label="b"), Parameter(2.0)
    a.grad, b.grad = 10.0, -20.0
    shared = a * b + 1
    root = (shared.tanh() * shared + c * 3) / (a.exp() + 2) - ag.where(a > 0, c, b) ** 2 + ag.maximum(b, c).relu()
    return [a, b, c], root


def observe(leaves, root):
    return [node.grad for node in leaves], [node.has_grad and node.grad for node in ag.order(root) if node.args]


class Trip:
    """A trace function that raises at the nth line that the backward pass executes, once.

    Two visits do not count, since Python lets no interrupt in there: that of a bare `try:`, and that of the first line
    of a `with` block on the way out, before the lock is free.
    """

    def __init__(self, when, error):
        self.when, self.error, self.seen = when, error, 0
        self.entered = set()

    def __call__(self, frame, event, _):  # noqa: D102 - the protocol of sys.settrace
        file = frame.f_code.co_filename
        if not file.startswith("<autograd_mini") and file != engine.__file__:
            return None
        if event == "line" and not self.sheltered(frame):
            self.seen += 1
            if self.seen == self.when:
                raise self.error
        return self

    def sheltered(self, frame):
        """Return whether no interrupt arrives at this line."""
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
        if line.startswith("with "):
            block = (id(frame), frame.f_lineno)
            again = block in self.entered
            self.entered.add(block)
            return again
        return line == "try:"


def traced(trip, function):
    outer = sys.gettrace()
    sys.settrace(trip)
    try:
        function()
    finally:
        sys.settrace(outer)


def in_another_thread(function):
    """Call a function in a thread, which a lock that was left behind would stop."""
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive(), "the pass before left the engine locked"


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_exception_at_any_line_of_a_pass_leaves_all_gradients_or_none(error):
    leaves, root = some_graph()
    nothing = observe(leaves, root)
    root.backward()
    everything = observe(leaves, root)
    root.backward()
    outcomes = set()
    for line in range(1, 2000):
        leaves, root = some_graph()
        trip = Trip(line, error)
        try:
            traced(trip, root.backward)
        except error:
            after = observe(leaves, root)
            assert after in (nothing, everything), f"line {line}"
            outcomes.add(after == everything)
        else:
            break
        for leaf, grad in zip(leaves, nothing[0], strict=True):
            leaf.grad = grad
        in_another_thread(root.backward)
        assert observe(leaves, root) == everything, f"the next pass, after line {line}"
    assert 300 < line < 1999
    assert False in outcomes


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timer")
def test_a_signal_at_any_moment_leaves_all_gradients_or_none():
    def interrupt(*_):
        raise KeyboardInterrupt

    x, w = Value(1.5), Value(0.5)
    y = x
    for _ in range(300):
        y = (y * w + x).tanh() + x
    y.backward()
    everything = x.grad, w.grad
    handler = signal.signal(signal.SIGALRM, interrupt)
    outcomes = set()
    try:
        for microseconds in range(1, 1500, 5):
            x.grad, w.grad = 0.0, 0.0
            try:
                signal.setitimer(signal.ITIMER_REAL, microseconds * 1e-6)
                y.backward()
                signal.setitimer(signal.ITIMER_REAL, 0.0)
            except KeyboardInterrupt:
                outcomes.add((x.grad, w.grad))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, handler)
    assert (0.0, 0.0) in outcomes
    assert outcomes <= {(0.0, 0.0), everything}
    x.grad, w.grad = 0.0, 0.0
    in_another_thread(y.backward)
    assert (x.grad, w.grad) == everything


def test_an_interrupt_while_a_refusal_is_made_changes_nothing():
    for line in range(1, 2000):
        leaves, root = some_graph()
        nothing = observe(leaves, root)
        leaves[0].data = 1.0
        trip = Trip(line, KeyboardInterrupt)
        with pytest.raises((KeyboardInterrupt, StaleValueError)):
            traced(trip, root.backward)
        assert observe(leaves, root) == nothing
        if trip.seen < line:
            return
    pytest.fail("the refusal takes more lines than this test tries")


def failing(node, _):
    raise ArithmeticError(f"no derivative of {node.op}")


def test_a_pullback_that_raises_changes_no_gradient():
    x, y = Value(2.0), Value(3.0)
    inner = x.exp()
    outer = inner * y + x
    rule = inner._pull.rule
    failing.rule = rule
    inner._pull = failing
    with pytest.raises(ArithmeticError):
        outer.backward()
    assert (x.grad, y.grad, inner.has_grad, outer.has_grad) == (0.0, 0.0, False, False)
    inner._pull = rule.pullback
    outer.backward()
    assert (x.grad, y.grad) == (3.0 * math.exp(2.0) + 1.0, math.exp(2.0))


@pytest.mark.parametrize("same", [True, False])
def test_a_pass_inside_a_pass_disturbs_neither(same):
    x, w = Value(2.0), Value(5.0)
    square = x * x
    inner = square * w if same else Value(3.0) * w
    middle = x.exp()
    outer = middle * square + w

    plain = middle._pull

    def nested(node, g):
        inner.backward()
        plain(node, g)

    nested.rule = plain.rule
    middle._pull = nested
    outer.backward()
    through = (20.0, 4.0) if same else (0.0, 3.0)
    assert x.grad == pytest.approx(math.exp(2.0) * 4.0 + math.exp(2.0) * 4.0 + through[0])
    assert w.grad == 1.0 + through[1]


# --- depth, garbage, order ---


def test_a_chain_of_a_million_nodes_builds_runs_backward_is_shown_and_deleted():
    x = Value(1.0)
    y = x
    for _ in range(500_000):
        y = y * 0.999999 + 1e-6
    y.backward()
    assert x.grad == pytest.approx(0.999999**500_000, rel=1e-9)
    assert repr(y).startswith("Value(data=")
    assert f"{y:.3f}" == f"{y.data:.3f}"
    del y
    assert computed() == 0


def computed():
    """Return how many nodes there are, apart from those that other tests' failures keep alive."""
    return sum(issubclass(type(thing), Value) and bool(thing.args) for thing in gc.get_objects()) - computed.before


@pytest.fixture(autouse=True)
def _count_nodes():
    gc.collect()
    computed.before = 0
    computed.before = computed()


def step(model):
    total = sum((p * p.data + 1.0).tanh() * p for p in model)
    loss = total.exp() / (1 + ag.where(total > 0, total, -total)) + ag.logsumexp(model)
    loss.backward()
    slopes = gradient(loss, model)
    gradient(slopes[0], model[1])
    copy.deepcopy(loss)
    for p in model:
        p.data -= 0.1 * p.grad
        p.grad = 0


def test_a_step_leaves_no_cyclic_garbage_and_no_node():
    model = [Parameter(0.1 * i) for i in range(1, 6)]
    step(model)
    gc.collect()
    gc.disable()
    try:
        step(model)
        assert computed() == 0, "nodes were freed without the collector"
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_failed_pass_leaves_no_cyclic_garbage():
    gc.collect()
    gc.disable()
    try:
        x = Value(1.0)
        y = x.exp() * x
        x.data = 2.0
        try:
            y.backward()
        except StaleValueError:
            pass
        else:
            pytest.fail("stale")
        del y
        assert computed() == 0
        assert gc.collect() == 0
    finally:
        gc.enable()


SAME_BITS = """
import random
from autograd_mini import Value, gradient
rng = random.Random(7)
names = {f"w{i}" for i in range(40)}
leaves = {name: Value(rng.uniform(-1, 1), label=name) for name in sorted(names)}
nodes = list(leaves.values())
for _ in range(400):
    a, b = rng.choice(nodes), rng.choice(nodes)
    nodes.append(rng.choice([lambda: a * b + 0.1, lambda: (a - b).tanh(), lambda: (a * 0.3).exp() / (b * b + 1)])())
loss = sum(nodes[-50:]) * (1 / 3)
loss.backward()
print([leaf.grad.hex() for leaf in leaves.values()], [g.data.hex() for g in gradient(loss, list(leaves.values()))])
"""


def test_twenty_processes_with_random_hashes_compute_the_same_bits():
    def one(_):
        environment = {**os.environ, "PYTHONHASHSEED": "random", "PYTHONPATH": str(PACKAGE.parent)}
        command = [sys.executable, "-c", SAME_BITS]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    with ThreadPoolExecutor(2) as pool:
        outputs = set(pool.map(one, range(20)))
    assert len(outputs) == 1
    assert len(outputs.pop()) > 1000


# --- threads ---


@pytest.fixture
def _quick_switches():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def in_threads(function, count=8):
    """Call function(i) in as many threads at once, and raise what one of them raised."""
    start = threading.Barrier(count)

    def run_one(i):
        start.wait()
        return function(i)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run_one, range(count)))


@pytest.mark.usefixtures("_quick_switches")
def test_eight_threads_with_graphs_of_their_own_do_not_meet():
    def work(i):
        x, y = Value(float(i + 1)), Value(2.0)
        for _ in range(60):
            z = x
            for _ in range(20):
                z = z * y + x
            z.backward()
            assert gradient(z, x).data == 2**21 - 1
        return x.grad, y.grad

    alone = [work(i) for i in range(8)]
    assert in_threads(work) == alone


@pytest.mark.usefixtures("_quick_switches")
def test_eight_threads_that_share_a_leaf_lose_no_gradient():
    shared = Value(3.0)

    def work(i):
        own = Value(float(i))
        for _ in range(200):
            (shared * own + shared * shared).backward()
        return own.grad

    assert in_threads(work) == [600.0] * 8
    assert shared.grad == sum(200 * (i + 6.0) for i in range(8))


@pytest.mark.usefixtures("_quick_switches")
def test_eight_threads_that_share_a_graph_lose_no_gradient():
    x = Value(3.0)
    y = x
    for _ in range(10):
        y = y * 1.0 + x * 0.0
    in_threads(lambda _: [y.backward() for _ in range(50)])
    assert x.grad == 400.0


@pytest.mark.usefixtures("_quick_switches")
def test_the_ticks_of_eight_threads_rise_in_each_and_are_all_different():
    shared = Value(1.0)

    def work(_):
        made = [shared * 2.0]
        for _ in range(2000):
            made.append(made[-1] + shared)
        return [node._tick for node in made]

    ticks = in_threads(work)
    assert all(one == sorted(one) for one in ticks)
    assert len(set().union(*ticks)) == 8 * 2001


def test_the_first_use_of_everything_by_eight_threads_at_once_is_right():
    program = """
import sys, threading
sys.setswitchinterval(1e-6)
import autograd_mini as ag
start, found = threading.Barrier(8), []
def work():
    start.wait()
    x = ag.Value(0.5)
    (x.tanh() * ag.exp(x) + x ** 3).backward()
    found.append((x.grad, ag.hessian(lambda x: x ** 4)(2.0), ag.jit(lambda x: ag.sin(x) * x)(1.0)))
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(found) == 8 and len(set(found)) == 1, found
"""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


# --- programs that other engines get wrong, and programs written for micrograd ---


def test_a_fractional_power_of_a_negative_number_is_nan_and_never_complex():
    y = Value(-8.0) ** (1 / 3)
    assert type(y.data) is float
    assert math.isnan(y.data)
    assert math.isnan(((-8.0) ** Value(1 / 3)).data)


def test_one_value_three_times_in_a_list_is_one_weight():
    weights = [Value(0.5)] * 3
    sum(w * x for w, x in zip(weights, (1.0, 2.0, 3.0), strict=True)).backward()
    assert weights[0].grad == 6.0


def test_derivatives_nest_without_confusing_their_variables():
    x = Value(5.0)
    inner = Value(x.data)
    slope = gradient(x + inner, inner)
    assert gradient(x * slope, x).data == 1.0


def test_a_copy_runs_backward_on_leaves_of_its_own():
    x = Value(3.0, label="x")
    y = copy.deepcopy(x * x)
    y.backward()
    assert y.args[0].grad == 6.0
    assert x.grad == 0.0


def sanity(scalar):
    x = scalar(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    return h + q + q * x, [x]


def many_operations(scalar):
    a, b = scalar(-4.0), scalar(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return g, [a, b]


def neuron(scalar):
    x, w = [scalar(2.0), scalar(0.0)], [scalar(-3.0), scalar(1.0)]
    n = x[0] * w[0] + x[1] * w[1] + 6.8813735870195432
    return (n - 0.5).relu() * (1 - n) / 3, [*x, *w]


@pytest.mark.parametrize("program", [sanity, many_operations, neuron])
def test_a_program_written_for_micrograd_gives_the_same_numbers(program):
    expected, expected_leaves = program(micrograd_engine.Value)
    result, leaves = program(Value)
    expected.backward()
    result.backward()
    assert result.data == pytest.approx(expected.data, rel=1e-14)
    assert [leaf.grad for leaf in leaves] == pytest.approx([leaf.grad for leaf in expected_leaves], rel=1e-13)


def micrograd_network(scalar):
    """Return micrograd's own network module with only its import changed."""
    text = Path(micrograd_nn.__file__).read_text(encoding="utf-8")
    old = "from micrograd.engine import Value"
    assert old in text
    module = types.ModuleType("network")
    module.Value = scalar
    exec(compile(text.replace(old, ""), "network", "exec"), module.__dict__)  # noqa: S102 - the installed package
    return module


def train(scalar):
    """Train micrograd's network with micrograd's demo loop, and return everything it computes."""
    random.seed(1337)
    model = micrograd_network(scalar).MLP(2, [5, 4, 1])
    points = [[random.uniform(-1, 1), random.uniform(-1, 1)] for _ in range(12)]
    labels = [1 if math.hypot(*point) > 0.6 else -1 for point in points]
    history = []
    for k in range(8):
        inputs = [list(map(scalar, point)) for point in points]
        scores = list(map(model, inputs))
        losses = [(1 + -label * score).relu() for label, score in zip(labels, scores, strict=True)]
        loss = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())
        accuracy = sum((label > 0) == (score.data > 0) for label, score in zip(labels, scores, strict=True))
        model.zero_grad()
        loss.backward()
        history += [loss.data, float(accuracy)]
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * k / 100) * p.grad
    return repr(model), history + [p.data for p in model.parameters()] + [p.grad for p in model.parameters()]


def test_a_network_written_for_micrograd_trains_to_the_same_numbers():
    shown, numbers = train(Value)
    expected_shown, expected = train(micrograd_engine.Value)
    assert shown == expected_shown
    assert numbers == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_picture_in_the_manner_of_micrograd_finds_its_names():
    def trace(root):
        nodes, edges = set(), set()

        def build(v):
            if v not in nodes:
                nodes.add(v)
                for child in v._prev:
                    edges.add((child, v))
                    build(child)

        build(root)
        return nodes, edges

    a, b = Value(2.0), Value(-3.0)
    root = (a * b + a) ** 2
    nodes, edges = trace(root)
    assert sorted(n._op for n in nodes) == ["", "", "*", "**2", "+"]
    assert len(edges) == 5
    assert all(f"{n.data:.4f} {n.grad:.4f}" for n in nodes)
