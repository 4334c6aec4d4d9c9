"""Reverse mode on tapes: the gradient of a program of columns, against the eager engine."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import Parameter, Value
from autograd_mini.compiler import BACKENDS, rerolling, reverse, specialization
from autograd_mini.compiler.graph_columns import below
from autograd_mini.compiler.instructions import Instructions
from autograd_mini.compiler.llvm import bytecode, vm
from autograd_mini.compiler.reverse import differentiable, lowered
from autograd_mini.engine.functions import function
from autograd_mini.engine.ops import TABLE

np = pytest.importorskip("numpy")

AVAILABLE = [name for name, row in BACKENDS.items() if row.available]


@pytest.fixture(autouse=True)
def _programs_are_columns_without_loops(monkeypatch):
    monkeypatch.setattr(specialization, "LONG", 1)
    monkeypatch.setattr(rerolling, "FEWEST", 1_000_000)


def same(x, y):
    return math.isclose(x, y, rel_tol=1e-12, abs_tol=0.0) or x == y or (math.isnan(x) and math.isnan(y))


POINTS = [0.5, -0.5, 1.25, 0.0, -0.0, 3.0, -2.0, math.inf, -math.inf, math.nan, 1e300]


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.builtin])
def test_the_gradient_of_each_row_is_that_of_eager_code(name):
    row = function(TABLE[name])
    count = len(TABLE[name].operands)
    for numbers in [(x,) for x in POINTS] if count == 1 else [(x, y) for x in POINTS for y in POINTS[:5]]:
        for kinds in [(True,)] if count == 1 else [(True, True), (True, False), (False, True)]:
            if name == "round" and (not kinds[0] or len(kinds) > 1):
                continue  # by a number of decimals that varies
            operands = [Parameter(x) if varies else x for x, varies in zip(numbers, kinds, strict=True)]
            leaves = [operand for operand in operands if isinstance(operand, Value)]
            loss = row(*operands) * 1.5
            tape = lowered(table := Instructions(below(loss), [loss], leaves), [0, 1], len(leaves), range(len(leaves)))
            found = BACKENDS["python"].load().scalar(tape)([leaf.data for leaf in leaves])
            assert differentiable(table)
            loss.backward()
            for got, expected in zip(found, [loss.data, *[leaf.grad for leaf in leaves]], strict=True):
                assert same(got, expected), (name, numbers, kinds)


def test_many_constants_share_one_text_of_a_formula(monkeypatch):
    monkeypatch.setattr(reverse, "MOST", 3)
    x = Parameter(1.5)
    fast = ag.jit(lambda: sum((x + at) ** (0.5 * at) / (2.0 + at) for at in range(12)), backend="python")
    loss = sum((x + at) ** (0.5 * at) / (2.0 + at) for at in range(12))
    loss.backward()
    expected, x.grad = x.grad, None
    assert (fast.backward(), x.grad) == (loss.data, expected)


STEPS = [
    lambda a, b: a * b,
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * -b,
    lambda a, b: ag.tanh(a) * 0.5 + b,
    ag.maximum,
    lambda a, _: a**2,
    lambda a, b: a / (2.0 + b * b),
    lambda a, _: -a,
    lambda a, _: a * 0.0 + 3.0,
    lambda a, _: ag.relu(a),
    lambda a, b: abs(a) ** (ag.sigmoid(b) + 1.0),
]


@pytest.mark.parametrize("backend", AVAILABLE)
@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 30), st.integers(0, 30)), min_size=2, max_size=25),
    st.lists(st.sampled_from([0.5, -1.5, 0.0, 1.0, 0.75, math.inf, math.nan]), min_size=6, max_size=6),
)
def test_random_programs_agree_with_eager_code(backend, steps, numbers):
    leaves = [Parameter(number) for number in numbers[:3]]

    def compute():
        known = [*leaves, 1.5]
        for kind, first, second in steps:
            a, b = known[first % len(known)], known[second % len(known)]
            known.append(STEPS[kind](a if isinstance(a, Value) else leaves[0], b))
        return known[-1] + known[-2]

    fast = ag.jit(compute, backend=backend)
    for now in (numbers[:3], numbers[3:]):
        for leaf, number in zip(leaves, now, strict=True):
            leaf.data, leaf.grad = number, None
        loss = compute()
        loss.backward()
        expected = [leaf.grad or 0.0 for leaf in leaves]
        for leaf in leaves:
            leaf.grad = None
        assert np.allclose(fast.backward(), loss.data, rtol=1e-12, equal_nan=True)
        assert np.allclose([leaf.grad or 0.0 for leaf in leaves], expected, rtol=1e-9, equal_nan=True)


CHOOSING = [
    lambda a, b: ag.where(a > b, a, b * 2.0),
    lambda a, b: ag.where((a > 0.5) & ~(b <= 1.0), 3.0, b),
    lambda a, b: ag.where(ag.where(a > b, 1.0, 0.0), b, a),
    lambda a, b: (a > b) + ag.stop_gradient(b) * (a >= a * 1.0),
    lambda a, b: ag.take([a, b, 4.0, a > b], ag.where(b > a, 3.0, 1.0)),
    lambda a, b: ag.tanh(a) - b,
]


@pytest.mark.parametrize("backend", AVAILABLE)
@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 30), st.integers(0, 30)), min_size=2, max_size=20),
    st.lists(st.sampled_from([0.5, -1.5, 0.0, 1.0, 0.75, -0.0]), min_size=3, max_size=3),
)
def test_choices_and_truth_values_agree_with_those_of_a_short_program(backend, steps, numbers):
    def compute(x):
        known = [*x, 1.5]
        for kind, first, second in steps:
            a, b = known[first % len(known)], known[second % len(known)]
            known.append(CHOOSING[kind](a if isinstance(a, Value) else x[0], b + 0.0 * x[1]))
        return known[-1] + known[-2]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(specialization, "LONG", 1_000_000)
        expected = ag.jit(compute, backend=backend)(numbers)
    assert same(ag.jit(compute, backend=backend)(numbers), expected)


@pytest.mark.parametrize("backend", AVAILABLE)
@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12),
    st.lists(st.integers(-3, 2), min_size=5, max_size=5),
)
def test_the_gradient_through_lookups_is_that_of_eager_code(backend, taken, indices):
    entries = [Parameter(0.5), Parameter(-1.5), Parameter(2.0)]
    shared = Parameter(0.25)
    at = [Parameter(float(index)) for index in indices]
    tables = [entries, [*entries[1:], 0.75], [shared, *entries[:2]], [shared, shared, 1.0], [entries[0], 2.0, 3.0]]

    def compute():
        total = shared * entries[0]
        for table, place in taken:
            total = total * 0.5 + ag.tanh(ag.take(tables[table], at[place]) * total)
        return total

    fast = ag.jit(compute, backend=backend)
    loss = compute()
    loss.backward()
    expected = [leaf.grad or 0.0 for leaf in (*entries, shared)]
    for leaf in (*entries, shared, *at):
        leaf.grad = None
    assert math.isclose(fast.backward(), loss.data, rel_tol=1e-12)
    assert np.allclose([leaf.grad or 0.0 for leaf in (*entries, shared)], expected, rtol=1e-9)


@pytest.mark.skipif("vm" not in AVAILABLE, reason="llvmlite is not installed")
def test_bytecode_written_at_once_computes_what_bytecode_written_step_by_step_does(monkeypatch):
    leaves = [Parameter(0.1 * at) for at in range(5)]

    def compute():
        parts = [ag.tanh(a * 1.5 + b * a) ** 2 - ag.where(a > b, a, 2.0 * b) for a, b in pairwise(leaves)]
        return sum(parts, 0.5) / 3.0

    fast = ag.jit(compute, backend="vm")
    tapes = []
    for differentiate in (False, True):
        taken = fast._programs.take((), {}, differentiate=differentiate)[0]
        tapes.append(taken.tape)
    for tape in tapes:
        tape.steps += [("mul", 0, 0), ("add", len(tape.steps), 0)]  # what no result needs
        numbers = [leaf.data for leaf in leaves]
        found = vm.InterpretedProgram(tape)(numbers)
        monkeypatch.setattr(bytecode, "LONG", 0)
        quick = vm.InterpretedProgram(tape)
        assert quick(numbers) == found
        assert len(quick.bytecode.orders) < 4 * len(tape.steps)
        monkeypatch.undo()
