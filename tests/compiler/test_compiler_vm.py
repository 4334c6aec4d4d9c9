"""The interpreter of bytecode: what runs long programs, with nothing to compile for each."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_compiler_passes import NUMBERS, bits, tapes

import autograd_mini as ag
from autograd_mini import Parameter
from autograd_mini.compiler import BACKENDS, python
from autograd_mini.compiler.tape import Builder
from autograd_mini.transforms import value_and_grad

np = pytest.importorskip("numpy")
pytest.importorskip("llvmlite")

from autograd_mini.compiler.llvm import bytecode, vm  # noqa: E402 - it needs llvmlite
from autograd_mini.compiler.llvm.bytecode import HALT, OPERATIONS, Bytecode  # noqa: E402 - as above

EXACT = ["abs", "ceil", "floor", "sqrt"]
"""Operations that IEEE 754 rounds rightly, besides arithmetic."""


@given(tape=tapes(names=EXACT), inputs=st.tuples(*[st.sampled_from(NUMBERS)] * 3))
@settings(max_examples=60, deadline=None)
def test_the_interpreter_gives_every_bit_of_the_straight_line_program(tape, inputs):
    assert bits(vm.scalar(tape)(inputs)) == bits(python.scalar(tape)(inputs))


@given(tape=tapes(), lanes=st.sampled_from([1, 2, 4, 8]))
@settings(max_examples=50, deadline=None)
def test_bytecode_names_only_places_that_come_before(tape, lanes):
    made = Bytecode(tape, lanes)
    orders = [made.orders[at : at + 4] for at in range(0, len(made.orders), 4)]
    assert [order[0] for order in orders].index(HALT) == len(orders) - 1
    for at, (_, *places) in enumerate(orders[:-1]):
        assert all(0 <= place < 8 * lanes * (made.first + at) and place % (8 * lanes) == 0 for place in places)
    assert {order[0] for order in orders[-1 - len(tape.results) : -1]} == {OPERATIONS.index("copy")}


def chain(length):
    """Return a function whose turns are no loop, since nothing says which number each takes."""
    taken = [int(at * at * 0.37) % 3 for at in range(length)]

    def f(x):
        y = x[0]
        for at in taken:
            y = ag.sin(y) * x[at] + 0.1
        return y

    return f


def pick_llvm_up_to(longest, monkeypatch):
    monkeypatch.setitem(BACKENDS, "llvm", BACKENDS["llvm"]._replace(longest=longest))


def test_a_long_program_is_interpreted_and_a_short_one_compiled(monkeypatch):
    pick_llvm_up_to(300, monkeypatch)
    x = np.array([0.5, 1.5, -0.5])
    short, long = (ag.jit(value_and_grad(chain(length))) for length in (10, 200))
    for fast in (short, long):
        fast(x)
    assert (short.stats["backend"], long.stats["backend"]) == ("llvm", "vm")
    assert str(long.stats["operations"]["prune"]) in long.stats["why"]
    expected, slopes = value_and_grad(chain(200))(x)
    for _ in range(2):  # the second call is machine code called directly
        value, found = long(x)
        assert value == pytest.approx(expected, rel=1e-13)
        assert found == pytest.approx(slopes, rel=1e-12)
    assert long(x.tolist())[1] == pytest.approx(slopes, rel=1e-12)


def test_a_long_program_of_a_batch_is_interpreted(monkeypatch):
    pick_llvm_up_to(100, monkeypatch)
    p = [Parameter(0.5), Parameter(1.5), Parameter(-0.5)]
    f = chain(50)
    fast = ag.jit(lambda t: f([p[0] * t, p[1], p[2]]), batched=True)
    slow = ag.jit(lambda t: f([p[0] * t, p[1], p[2]]), batched=True, backend="python")
    t = np.linspace(-1.0, 1.0, 21)
    loss, slopes = fast.value_and_grad([0.5, 1.5, -0.5], t)
    expected, wanted = slow.value_and_grad([0.5, 1.5, -0.5], t)
    assert fast.stats["backend"] == "vm"
    assert loss == pytest.approx(expected, rel=1e-13)
    assert slopes == pytest.approx(wanted, rel=1e-12)
    assert fast(t) == pytest.approx(slow(t), rel=1e-13)


def test_threads_share_an_interpreted_batch():
    w = Parameter(0.5)
    t = np.linspace(-1.0, 1.0, 1001)
    one, two = (ag.jit(lambda t: ag.tanh(w * t) * t, batched=True, backend="vm", threads=n) for n in (1, 2))
    for a, b in zip(one.value_and_grad([0.5], t), two.value_and_grad([0.5], t), strict=True):
        assert b == pytest.approx(a, rel=1e-12)
    assert two(t).tolist() == one(t).tolist()


def test_calls_from_several_threads_do_not_share_their_numbers():
    fast = ag.jit(chain(300), backend="vm")
    points = [[float(at), 1.0, -0.5] for at in range(40)]
    expected = [fast(point) for point in points]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(fast, points * 5)) == expected * 5


def test_a_result_alike_for_all_samples_is_not_summed():
    w = Parameter(0.1)
    loss, (slope,) = ag.jit(lambda t: w * w + 0.0 * t, batched=True, backend="vm").value_and_grad([0.1], np.ones(11))
    assert loss == pytest.approx(0.1 * 0.1)
    assert slope == 0.2


def test_inputs_and_constants_may_be_the_results():
    assert ag.jit(lambda x: (x, 3.0, x * x), backend="vm")(2.0) == (2.0, 3.0, 4.0)
    assert ag.jit(lambda: 3.0, backend="vm")() == 3.0


def test_an_interpreted_function_travels_as_a_tape():
    fast = ag.jit(value_and_grad(chain(20)), backend="vm")
    x = np.array([0.5, 1.5, -0.5])
    value, slope = fast(x)
    again, slopes = pickle.loads(pickle.dumps(fast))(x)  # noqa: S301 - our own
    assert (again, slopes.tolist()) == (value, slope.tolist())


@st.composite
def layers(draw):
    """Draw the gradient of a network, whose products are those of weights and of what these multiply, in turn."""
    widths = draw(st.lists(st.integers(1, 19), min_size=2, max_size=4))
    numbers = st.lists(st.floats(-2.0, 2.0), min_size=widths[0], max_size=widths[0])
    samples = [draw(numbers) for _ in range(draw(st.integers(1, 3)))]
    weights = sum(x * y for x, y in pairwise(widths))

    def f(p):
        total = 0.0
        for sample in samples:
            at, x = 0, sample
            for wide, narrow in pairwise(widths):
                x = [sum(p[at + j * wide + i] * x[i] for i in range(wide)) for j in range(narrow)]
                x, at = [ag.relu(number) for number in x], at + wide * narrow
            total = total + sum(number * number for number in x)
        return total

    fast = ag.jit(value_and_grad(f), backend="python")
    p = [0.3 * ((7 * at) % 11 - 5) for at in range(weights)]
    fast(p)
    return fast._programs.latest.tape, p


@given(made=layers())
@settings(max_examples=60, deadline=None)
def test_rows_of_products_have_every_bit_of_the_straight_line_program(made):
    tape, p = made
    expected = bits(python.scalar(tape)(p))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bytecode, "LONG", -1)
        assert bits(vm.scalar(tape)(p)) == expected
        columns, _ = vm.batch(tape, [len(p)], len(tape.results))(3, [np.array([p] * 3)], np.zeros(0))
    for row in range(3):
        assert bits([column[row] for column in columns]) == expected


@given(tape=tapes(names=EXACT), inputs=st.tuples(*[st.sampled_from(NUMBERS)] * 3))
@settings(max_examples=60, deadline=None)
def test_bytecode_written_at_once_gives_every_bit(tape, inputs):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bytecode, "LONG", -1)
        assert bits(vm.scalar(tape)(inputs)) == bits(python.scalar(tape)(inputs))


def test_an_outer_product_is_a_row_an_output(monkeypatch):
    monkeypatch.setattr(bytecode, "LONG", 0)
    wide, narrow = 12, 5
    b = Builder(wide + narrow)
    x, slopes = [b.input(at) for at in range(wide)], [b.input(wide + at) for at in range(narrow)]
    made = Bytecode(b.finished([b.mul(slope, number) for slope in slopes for number in x]), 1)
    operations = [OPERATIONS.index(name) for name in ("muls", "copies")]
    assert [made.orders[at] for at in range(0, len(made.orders), 8)] == [operations[0]] * narrow + [operations[1], HALT]
    assert made.orders[4 : 8 * narrow : 8].tolist() == [wide] * narrow


@pytest.mark.parametrize("outputs", [5, 9])
def test_sums_of_products_side_by_side_are_no_row(outputs, monkeypatch):
    b = Builder(3 + 4 * outputs)
    x, w = [b.input(at) for at in range(3)], [b.input(3 + at) for at in range(4 * outputs)]
    z = w[3 * outputs :]
    for j in range(outputs):
        for i in range(3):
            z[j] = b.add(b.mul(x[i], w[i * outputs + j]), z[j])
    products = [b.mul(w[at], z[0]) for at in range(4 * outputs)]  # so many that rows are looked for
    tape, p = b.finished([*z, *products]), [0.1 * at - 0.7 for at in range(3 + 4 * outputs)]
    monkeypatch.setattr(bytecode, "LONG", 0)
    assert bits(vm.scalar(tape)(p)) == bits(python.scalar(tape)(p))
