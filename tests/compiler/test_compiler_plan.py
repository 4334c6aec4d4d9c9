"""The plan of a kernel, without LLVM: what is uniform, which sums become loops, where vectors lie, how sums are cut."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import Parameter, where
from autograd_mini.compiler.llvm.dot_products import dot_products_of
from autograd_mini.compiler.llvm.outer_products import Scratch, cut, outer_products_of, runs_of, shape, tiles
from autograd_mini.compiler.llvm.plan import KernelPlan
from autograd_mini.compiler.tape import Builder

np = pytest.importorskip("numpy")


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


def plan_of(loss, *widths, lanes=8, registers=32):
    """Return the plan of the kernel of a loss and its gradient."""
    fast = ag.jit(loss, batched=True, backend="python")
    fast.prepare(*[np.ones((3, width)) for width in widths])
    return KernelPlan(fast._programs.latest.tape, widths, 0, lanes, registers)


def test_the_plan_of_a_network_can_be_read():
    run = network([8, 16, 6])
    text = str(plan_of(lambda x: sum(v * v for v in run(x)), 8))
    assert text.splitlines() == READ


READ = """\
kernel of 8 lanes: arrays of 8 columns, 0 results a sample, 247 sums
uniform: 246 numbers, 0 of them computed once
loop over 6 vectors from 8 on by 1: 16 dot products, weights -17 apart
loop over 16 vectors from 14 on by 1: 6 dot products, weights 1 apart
loop over 8 vectors from 0 on by 1: 16 dot products, weights 1 apart
scratch: 47 vectors
columns of array 0 transposed into vectors from 0 on
sums 1 to 143 of 247: 16 x 8 products, in tiles of 2 x 8
sums 145 to 245 of 247: 6 x 16 products, in tiles of 2 x 8
sum 0 of 247: lanes of vector 46
sums 9 to 144 of 247: 16 vectors, in tiles of 16 x 1
sums 161 to 246 of 247: 6 vectors, in tiles of 6 x 1
""".splitlines()


def test_the_plan_follows_the_machine():
    run = network([8, 16, 6])
    narrow = plan_of(lambda x: sum(v * v for v in run(x)), 8, lanes=2, registers=16)
    assert [part for matvec in narrow.matvecs for part in matvec.parts] == [
        *(range(8), range(8, 16)),
        range(6),
        *(range(8), range(8, 16)),
    ]
    assert all(top[2] * left[2] <= 8 for _, down, across in narrow.outer_products for top in down for left in across)
    assert narrow.room % 2 == 0


def test_the_layers_of_a_network_become_loops():
    run = network([8, 16, 6])
    plan = plan_of(lambda x: sum(v * v for v in run(x)), 8)
    assert sorted((len(loop.products), len(loop.inputs)) for loop in plan.matvecs) == [(6, 16), (16, 6), (16, 8)]
    assert [(outer.high, outer.wide) for outer, _, _ in plan.outer_products if outer.columns] == [(16, 8), (6, 16)]
    assert not plan.tiles


def test_what_is_computed_once_is_what_no_sample_changes():
    w = Parameter(0.5)
    plan = plan_of(lambda x: ag.exp(w) * x[0] + ag.sin(ag.exp(w)), 1)
    names = [plan.tape.steps[at][0] for at in plan.once]
    assert {"exp", "sin"} <= set(names)
    assert not any(plan.varies[at] for at in plan.once)
    assert sorted(plan.slot.values()) == sorted(set(plan.slot.values()))
    assert all(slot < plan.slots for slot in plan.slot.values())


def test_products_under_a_condition_are_guarded():
    w = [[Parameter(0.1 * i - 0.3 * k) for i in range(7)] for k in range(6)]

    def loss(x):
        sums = [sum(u * v for u, v in zip(ws, x, strict=True)) for ws in w]
        return sum(where(v > 0.2 * k, v * v, 0.0) for k, v in enumerate(sums))

    plan = plan_of(loss, 7)
    assert any(outer.guards for outer, _, _ in plan.outer_products)
    assert "products where a condition holds, in tiles of" in str(plan)


def test_a_plan_is_made_without_llvmlite():
    program = (
        "import sys; from autograd_mini.compiler.tape import Builder; "
        "from autograd_mini.compiler.llvm.plan import KernelPlan; b = Builder(2); "
        "print(KernelPlan(b.finished([b.mul(b.input(0), b.input(1))]), [1], 1, 4, 16)); "
        "assert not [name for name in sys.modules if name.startswith('llvmlite')]"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("kernel of 4 lanes: arrays of 1 column, 1 result a sample, 0 sums")


@given(st.integers(1, 50), st.integers(1, 9))
def test_a_cut_covers_a_side_once(count, size):
    covered = [at for first, end, step in cut(count, size) for start in range(first, end, step)
               for at in range(start, start + step)]  # fmt: skip
    assert covered == [*range(count)]


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(7, 12)), max_size=60),
    st.sampled_from([2, 4, 8]),
    st.sampled_from([16, 32]),
)
def test_tiles_hold_every_product_once_and_fit_into_registers(pairs, width, registers):
    products = [(at, *pair) for at, pair in enumerate(pairs)]
    side, size = shape(width, registers)
    made = tiles(products, side, size)
    held = [(at, *pair) for _, _, sums in made for pair, ats in sums.items() for at in ats]
    assert sorted(held) == products
    assert all(len(sums) <= size for _, _, sums in made)
    assert size <= registers // 2  # so that registers are left for the factors


def test_a_dot_product_is_a_sum_of_products_with_uniform_weights():
    b = Builder(6)  # x0, x1, x2 vary
    x, w = [b.input(at) for at in range(3)], [b.input(at) for at in range(3, 6)]
    total = b.add(b.add(b.mul(w[0], x[0]), b.mul(x[1], w[1])), b.mul(w[2], x[2]))
    tape = b.finished([b.mul(total, total)])
    uses = [
        sum(step[1:].count(at) for step in tape.steps if step[0] in {"add", "mul"}) for at in range(len(tape.steps))
    ]
    slot = {at: tape.steps[at][1] - 3 for at in w}
    (found,) = dot_products_of(tape, uses, tape.varying(3), slot)
    assert (found.end, found.start, found.weights, found.inputs) == (total, None, w, tuple(x))


def lying(scratch, place):
    """Return the step that lies at a place."""
    return next(step for step, places in scratch.places.items() if place in places)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(6, 11)), max_size=80, unique=True), st.integers(0, 3))
def test_outer_products_hold_every_product_once(pairs, gap):
    products = [(at * (gap + 1), *pair, 12 + pair[0] % 3 if pair[0] < 4 else None) for at, pair in enumerate(pairs)]
    scratch = Scratch()
    found, others = outer_products_of(products, scratch)
    held = [*others]
    for outer in found:
        for i, j in itertools.product(range(outer.high), range(outer.wide)):
            factors = [
                next(step for step, places in scratch.places.items() if where[0] + at * where[1] in places)
                if where
                else None
                for at, where in ((i, outer.rows), (j, outer.columns), (i, outer.guards))
            ]
            held.append((outer.first + i * outer.down + j * outer.across, *factors))
    assert sorted(held, key=lambda product: product[0]) == products


@given(st.lists(st.integers(0, 9), max_size=40))
def test_runs_hold_every_sum_once(steps):
    scratch = Scratch()
    scratch.region([7, 8, 9])
    summands = [(2 * at, step) for at, step in enumerate(steps)]
    held = [
        (run.first + at * run.down, lying(scratch, run.rows[0] + at * run.rows[1]))
        for run in runs_of(summands, scratch)
        for at in range(run.high)
    ]
    assert held == summands
