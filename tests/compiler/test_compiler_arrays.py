"""Array tapes and bytecode: what is done to all steps at once, against the same done step by step."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_compiler_passes import NUMBERS, bits, tapes

np = pytest.importorskip("numpy")

import autograd_mini as ag  # noqa: E402 - it needs NumPy here
from autograd_mini import Parameter  # noqa: E402 - as above
from autograd_mini.compiler import BACKENDS, array_tape, python, rerolling, specialization  # noqa: E402 - as above
from autograd_mini.compiler.array_tape import ArrayTape, reached  # noqa: E402 - as above
from autograd_mini.compiler.graph_columns import below  # noqa: E402 - as above
from autograd_mini.compiler.instructions import LEAF, Instructions  # noqa: E402 - as above
from autograd_mini.compiler.tape import Builder, Tape  # noqa: E402 - as above

EXACT = ["abs", "ceil", "floor", "sqrt"]
"""Operations that IEEE 754 rounds rightly, besides arithmetic."""

inputs = st.tuples(*[st.sampled_from(NUMBERS)] * 3)


@given(tape=tapes(), given_inputs=inputs)
@settings(max_examples=60, deadline=None)
def test_a_tape_of_columns_computes_what_the_tape_does(tape, given_inputs):
    made = ArrayTape.of(tape)
    assert len(made) == len(tape)
    assert made.kinds() == tape.kinds()
    for same in (made, made.pruned(), Tape(made.steps, made.results, made.inputs)):
        assert bits(python.scalar(same)(given_inputs)) == bits(python.scalar(tape)(given_inputs))


@given(tape=tapes(names=EXACT), given_inputs=inputs)
@settings(max_examples=60, deadline=None)
def test_a_tape_that_is_shortened_computes_the_same(tape, given_inputs):
    made = ArrayTape.of(tape)
    made.shorten()
    found, expected = (python.scalar(each)(given_inputs) for each in (made, tape))
    assert all(x == y or (math.isnan(x) and math.isnan(y)) for x, y in zip(found, expected, strict=True))


def test_signs_and_factors_of_one_take_no_steps():
    b = Builder(2)
    x, y = b.input(0), b.input(1)
    for made, left in (
        (b.step("add", x, b.step("neg", y)), {"sub"}),
        (b.step("add", b.step("neg", x), y), {"sub"}),
        (b.step("sub", x, b.step("neg", y)), {"add"}),
        (b.step("mul", b.step("neg", x), b.step("neg", y)), {"mul"}),
        (b.step("mul", b.step("mul", x, 1.0), b.step("mul", 1.0, b.step("add", x, y))), {"mul", "add"}),
    ):
        tape = ArrayTape.of(Tape(b.steps, [made], 2))
        tape.shorten()
        assert tape.pruned().kinds() - {"input", "constant"} == left
        assert len(tape.pruned()) == len(left)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=40), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_what_results_need_is_found_by_rounds_as_one_by_one(pairs, rounds):
    operands = np.array([[min(place, at + 2) for place in pair] + [0] for at, pair in enumerate(pairs)], np.int32).T
    results = [len(pairs) + 2]
    expected = [False] * len(pairs)
    for at in range(len(pairs) - 1, -1, -1):
        if expected[at] or at + 3 in results:
            expected[at] = True
            for place in operands[:, at]:
                if place >= 3:
                    expected[place - 3] = True
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(array_tape, "ROUNDS", rounds - 1)
        assert reached(operands, 3, results).tolist() == expected
    assert reached(operands, 3, results).tolist() == expected


def test_a_long_chain_that_nothing_needs_is_left_out():
    count = 1000
    chain = np.array([[*range(count)], [0] * count, [0] * count], np.int32)
    assert reached(chain, 1, [1]).tolist() == [True] + [False] * (count - 1)


def test_columns_hold_each_number_and_leaf_once():
    x, y = Parameter(2.0), Parameter(3.0)
    nan = float("nan")
    loss = x * 0.5 + y * 0.5 + 0.5 * x + (x + 0.0) * (y + -0.0) + x * nan + nan * y
    table = Instructions(below(loss), [loss, x, 0.5], [])
    assert sorted(map(str, table.numbers.values())) == ["-0.0", "0.0", "0.5", "nan"]
    assert set(table.leaves) == {x, y}
    assert len(table.leaves) == 2
    assert table.codes[table.results[1]] == LEAF
    assert table.numbers[table.results[2]] == 0.5
    first, second, third = table.operands
    assert all(max(first[at], second[at], third[at]) < at for at in range(1, len(table)) if table.codes[at] > 2)


def test_a_chain_of_products_is_one_order_of_the_interpreter(monkeypatch):
    pytest.importorskip("llvmlite")
    from autograd_mini.compiler.llvm import bytecode, vm

    for count in (1, 2, 3, 4, 9):
        b = Builder(10)
        steps = [b.input(at) for at in range(10)]
        total = steps[0]
        for at in range(count):
            total = b.step("add", b.step("mul", steps[at % 7], steps[7 + at % 3]), total)
        tape = b.finished([total, b.step("mul", total, total)])
        numbers = [0.1 * at - 0.3 for at in range(10)]
        expected = python.scalar(tape)(numbers)
        monkeypatch.setattr(bytecode, "LONG", 0)
        made = vm.InterpretedProgram(tape)
        assert bits(made(numbers)) == bits(expected)
        assert made.bytecode.room == 10 + 2 + 2  # inputs, the sum and its square, and the results
        batch = vm.InterpretedBatch(tape, [10], 2)
        columns, _ = batch(3, [np.array([numbers] * 3)], np.zeros(0))
        assert bits([column[2] for column in columns]) == bits(expected)
        monkeypatch.undo()


@pytest.mark.parametrize("backend", [name for name, row in BACKENDS.items() if row.available])
def test_a_program_in_which_nothing_repeats_is_searched_by_hashes_alone(backend, monkeypatch):
    monkeypatch.setattr(specialization, "LONG", 20)
    monkeypatch.setattr(rerolling, "SMALLEST", 8)
    monkeypatch.setattr(Instructions, "classes", None)  # which goes through all rows one by one
    weights = [Parameter(0.1 * at - 0.5) for at in range(12)]

    def loss():
        known, functions = [*weights], [ag.tanh, ag.sin, ag.exp, abs, ag.relu, ag.sigmoid, ag.cos]
        for at in range(60):
            kind = at * at * 31 % 97
            known.append(functions[kind % 7](known[kind % len(known)]) * known[kind * 3 % len(known)] - 0.1 * known[at])
        return sum(known[-5:], known[0])

    expected = loss()
    expected.backward()
    slopes = [weight.grad for weight in weights]
    for weight in weights:
        weight.grad = None
    fast = ag.jit(loss, backend=backend)
    assert math.isclose(fast.backward(), expected.data, rel_tol=1e-12)
    assert np.allclose([weight.grad or 0.0 for weight in weights], slopes, rtol=1e-9)
    assert "loops" not in fast.stats
