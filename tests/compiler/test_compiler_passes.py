"""The tape and its passes: each keeps what the program computes, bit by bit, nan, infinities and -0.0 included."""

from __future__ import annotations

import math
import pickle
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_mini.compiler import python
from autograd_mini.compiler.passes import PASSES, fold, hoist, optimised, rewritten, simplify, split
from autograd_mini.compiler.tape import BASIC, CONDITIONS, Builder, Tape
from autograd_mini.engine.ops import TABLE

NUMBERS = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 1e308, 5e-324, math.inf, -math.inf, math.nan)
NAMES = sorted(BASIC - {"round", "pow"})


@st.composite
def tapes(draw, names=NAMES):
    """Draw a program of 3 inputs: operations of every kind over constants and earlier steps."""
    builder = Builder(3)
    numbers = [builder.input(at) for at in range(3)] + [builder.constant(x) for x in NUMBERS]
    truths = [builder.constant(True), builder.constant(False)]
    for _ in range(draw(st.integers(1, 25))):
        a, b = (draw(st.sampled_from(numbers[-8:] + numbers[:15])) for _ in range(2))
        c, d = (draw(st.sampled_from(truths[-6:])) for _ in range(2))
        kind = draw(st.integers(0, 9))
        if kind == 0:
            truths.append(builder.step(draw(st.sampled_from(["and", "or"])), c, d))
        elif kind == 1:
            truths.append(builder.step("not", c))
        elif kind <= 3:
            truths.append(builder.step(draw(st.sampled_from(sorted(set(CONDITIONS) - {"and", "or"}))), a, b))
        elif kind <= 5:
            numbers.append(builder.step("select", c, a, b))
        elif kind <= 8:
            name = draw(st.sampled_from(["add", "sub", "mul", "truediv", "neg"]))
            numbers.append(builder.step(name, *(a, b)[: len(TABLE[name].operands)]))
        else:
            name = draw(st.sampled_from(names))
            numbers.append(builder.step(name, *(a, b)[: len(TABLE[name].operands)]))
    return builder.finished([numbers[-1], draw(st.sampled_from(numbers)), numbers[-2]])


def bits(numbers):
    return ["nan" if math.isnan(x) else struct.pack("d", x) for x in numbers]


@pytest.mark.parametrize("name", PASSES)
@given(tape=tapes(), inputs=st.tuples(*[st.sampled_from(NUMBERS)] * 3))
@settings(max_examples=150, deadline=None)
def test_a_pass_keeps_every_bit(name, tape, inputs):
    assert bits(python.scalar(PASSES[name](tape))(inputs)) == bits(python.scalar(tape)(inputs))


@given(tape=tapes(), inputs=st.tuples(*[st.sampled_from(NUMBERS)] * 3))
@settings(max_examples=150, deadline=None)
def test_all_passes_together_keep_every_bit(tape, inputs):
    short, counts = optimised(tape)
    assert bits(python.scalar(short)(inputs)) == bits(python.scalar(tape)(inputs))
    assert list(counts) == ["traced", *PASSES]
    assert all(operand < at for at, step in enumerate(short.steps) if step[0] in BASIC for operand in step[1:])


def simplified(make, inputs=1):
    builder = Builder(inputs)
    x = [builder.input(at) for at in range(inputs)]
    return rewritten(builder.finished([make(builder, *x)]), simplify).pruned()


@pytest.mark.parametrize(
    "make",
    [
        lambda b, x: b.mul(x, 1.0),
        lambda b, x: b.mul(1.0, x),
        lambda b, x: b.truediv(x, 1.0),
        lambda b, x: b.add(x, -0.0),
        lambda b, x: b.sub(x, 0.0),
        lambda b, x: b.neg(b.neg(x)),
        lambda b, x: b.mul(-1.0, b.neg(x)),
        lambda b, x: b.pow(x, 1.0),
        lambda b, x: b.where(b.lt(x, 0.0), x, x),
    ],
)
def test_an_identity_is_gone(make):
    assert len(simplified(make)) == 0


@pytest.mark.parametrize("make", [lambda b, x: b.add(x, 0.0), lambda b, x: b.mul(x, 0.0), lambda b, x: b.sub(x, x)])
def test_what_is_no_identity_at_nan_infinity_or_minus_0_stays(make):
    assert len(simplified(make)) == 1


def test_a_square_is_a_product_and_a_constant_is_folded():
    assert simplified(lambda b, x: b.pow(x, 2.0)).steps[-1] == ("mul", 0, 0)
    builder = Builder(0)
    tape = rewritten(builder.finished([builder.exp(builder.add(0.0, builder.neg(0.0)))]), fold)
    assert tape.steps[tape.results[0]] == ("constant", 1.0)


def test_equal_steps_are_one_step_and_signed_zeros_are_not_equal():
    builder = Builder(2)
    x, y = builder.input(0), builder.input(1)
    assert builder.mul(x, y) == builder.mul(x, y)
    assert builder.constant(0.0) != builder.constant(-0.0)
    assert builder.constant(1.0) != builder.constant(True)
    assert builder.constant(math.nan) == builder.constant(math.nan)


def test_a_choice_between_two_results_of_one_function_is_one_call():
    builder = Builder(1)
    x = builder.input(0)
    chosen = builder.where(builder.gt(x, 0.0), builder.exp(builder.neg(x)), builder.exp(x))
    tape = rewritten(builder.finished([chosen]), hoist).pruned()
    assert [step[0] for step in tape.steps].count("exp") == 1

    assert str(PASSES["hoist"](builder.finished([chosen])).pruned()) == str(tape)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("name", ["and", "or"])
@pytest.mark.parametrize("first", [True, False])
def test_a_condition_with_an_operand_that_is_known_is_known_or_the_other_one(name, known, first):
    builder = Builder(2)
    holds, constant = builder.lt(builder.input(0), builder.input(1)), builder.constant(known)
    joined = builder.step(name, *((constant, holds) if first else (holds, constant)))
    tape = rewritten(builder.finished([builder.where(joined, 2.0, 3.0)]), fold).pruned()
    kinds = [step[0] for step in tape.steps]
    decided = known == (name == "or")
    assert ("lt" in kinds, "select" in kinds, name in kinds) == (not decided, not decided, False)
    assert python.scalar(tape)([0.0, 1.0]) == [2.0 if name == "or" or known else 3.0]


def test_a_tape_can_be_read_and_pickled():
    builder = Builder(2)
    x, y = builder.input(0), builder.input(1)
    tape = builder.finished([builder.where(builder.lt(x, y), builder.sub(x, -2.0), math.inf)])
    text = "def program(x0, x1):\n    v1 = x0 < x1\n    v2 = x0 - (-2.0)\n    v3 = v2 if v1 else inf\n    return v3,"
    assert str(tape) == text
    twin = pickle.loads(pickle.dumps(tape))  # noqa: S301 - our own
    assert isinstance(twin, Tape)
    assert str(twin) == text


@given(st.lists(st.sampled_from(NUMBERS), min_size=8, max_size=8))
def test_a_choice_for_each_product_becomes_one_for_each_factor(inputs):
    builder = Builder(8)
    x = [builder.input(at) for at in range(8)]
    holds = builder.lt(x[7], 1.0)
    products = [builder.where(holds, builder.mul(x[i], x[j]), 0.0) for i in range(3) for j in range(3, 7)]
    whole = builder.finished(products)
    tape = split(whole).pruned()
    assert [step[0] for step in tape.steps].count("select") == 7
    assert bits(python.scalar(tape)(inputs)) == bits(python.scalar(whole)(inputs))


def test_choices_between_products_stay_where_factors_are_as_many():
    builder = Builder(4)
    x = [builder.input(at) for at in range(4)]
    holds = builder.lt(x[3], 1.0)
    tape = builder.finished([builder.where(holds, builder.mul(x[0], x[1]), 0.0)])
    assert split(tape) is tape


@given(st.sampled_from(NUMBERS))
def test_the_positive_part_stands_for_what_it_was_made_of(x):
    builder = Builder(1)
    given_x = builder.input(0)
    positive = builder.where(builder.le(given_x, 0.0), 0.0, given_x)
    whole = builder.finished([positive, builder.number(builder.gt(given_x, 0.0))])
    tape = rewritten(whole, simplify).pruned()
    assert ("gt", given_x, builder.constant(0.0)) not in tape.steps
    assert bits(python.scalar(tape)([x])) == bits(python.scalar(whole)([x]))


@pytest.mark.parametrize(
    "make",
    [
        lambda b, x: b.add(x, b.mul(2.0, 3.0)),
        lambda b, x: b.add(x, b.exp(b.constant(0.0))),
        lambda b, x: b.add(x, b.where(b.constant(True), x, 1.0)),
        lambda b, x: b.where(b.step("and", b.lt(x, 0.0), b.constant(False)), 1.0, x),
        lambda b, x: b.where(b.step("or", b.constant(True), b.lt(x, 0.0)), 1.0, x),
    ],
)
def test_what_is_known_is_found_and_folded(make):
    builder = Builder(1)
    tape = builder.finished([make(builder, builder.input(0))])
    short = PASSES["fold"](tape).pruned()
    assert len(short) < len(tape)
    assert PASSES["fold"](short) is short
