"""The table of operations: every row against an oracle in high precision, and at every special point."""

from __future__ import annotations

import itertools
import math
import random
import re

import mpmath as mp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import ORACLE

import autograd_mini as ag
from autograd_mini import Value
from autograd_mini.engine import rules
from autograd_mini.engine.functions import function
from autograd_mini.engine.graph import gradient
from autograd_mini.engine.ops import TABLE, Op

EPS = 2.0**-52
BUILTIN = [row for row in TABLE.values() if row.builtin]

# The operands that are tried: from 1e-12 to this size, where the result is no longer a normal float or loses its digits
# to the size of the operand (trigonometry reduces it exactly, so only the exponential family has to end early).
LARGEST = {
    **dict.fromkeys(("exp", "exp2", "expm1", "sinh", "cosh", "silu", "elu"), 690.0),
    **dict.fromkeys(("sigmoid", "softplus"), 700.0),
    **dict.fromkeys(("gelu", "ndtr"), 37.0),
    **dict.fromkeys(("erfc", "erf", "gaussian"), 18.0),
    "tanh": 300.0,
}


def log_uniform(rng, low, high):
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def operand(row, position, rng):
    """A point at which the row is differentiable: log-uniform sizes, both signs, and the edges of a domain."""
    low, high = row.domain[position]
    if row.name == "acosh":
        return 1.0 + log_uniform(rng, 1e-9, 1e12)
    if row.name == "log1p":
        return rng.choice(
            (log_uniform(rng, 1e-12, 1e12), -log_uniform(rng, 1e-12, 0.9), log_uniform(rng, 1e-9, 0.3) - 1.0)
        )
    if (low, high) == (-0.95, 0.95):
        return rng.choice((-1.0, 1.0)) * rng.choice((log_uniform(rng, 1e-12, 0.9), 1.0 - log_uniform(rng, 1e-9, 0.3)))
    if row.name == "gaussian" and position == 1:
        return rng.choice((0.5, 1.0))  # the widths of the normal density and of erf
    if row.name == "pow":
        sizes = ((1e-30, 1e30), (1e-8, 5.0))
        size = log_uniform(rng, *sizes[position])
        return size if position == 0 else rng.choice((size, -size, float(rng.randrange(-5, 6))))
    if row.name == "round" and position == 1:
        return 0.0
    size = log_uniform(rng, 1e-12, LARGEST.get(row.name, 1e12))
    return (
        size
        if low >= 0 and row.name not in {"abs", "truediv", "sign", "heaviside", "relu"}
        else size * rng.choice((-1.0, 1.0))
    )


def error(found, truth, scale=None):
    """The error in units of eps of the truth (or of the scale, where the truth is at a root)."""
    scale = abs(truth) if scale is None else scale
    if scale == 0:
        return 0.0 if found == 0 else math.inf
    if not 1e-300 < scale < 1e300:
        return 0.0  # subnormal, or overflowed: there the special points speak
    return float(abs(mp.mpf(found) - truth) / scale / EPS)


@pytest.mark.parametrize("row", BUILTIN, ids=lambda row: row.name)
def test_value_and_every_partial_are_within_two_units_of_the_oracle(row):
    rng = random.Random(row.name)
    truth = ORACLE[row.name]
    for _ in range(300):
        floats = [operand(row, position, rng) for position in range(len(row.operands))]
        exact = [mp.mpf(x) for x in floats]
        operands = [Value(x) for x in floats]
        z = rules.compiled(row).forward(*operands)
        assert error(z.data, truth.value(*exact)) <= 2, f"{row.name}{floats}"
        z.backward()
        scale = truth.scale(*exact) if truth.scale else None
        for position, partial in enumerate(truth.partials):
            found = operands[position].grad
            assert error(found, partial(*exact), scale) <= 2, f"d/d{'xy'[position]} {row.name}{floats} = {found}"


@pytest.mark.parametrize("row", BUILTIN, ids=lambda row: row.name)
def test_gradient_as_a_graph_equals_the_backward_pass(row):
    rng = random.Random(row.name)
    for _ in range(50):
        operands = [Value(operand(row, position, rng)) for position in range(len(row.operands))]
        z = rules.compiled(row).forward(*operands)
        z.backward()
        assert [g.data for g in gradient(z, operands)] == pytest.approx([x.grad for x in operands], rel=4 * EPS, abs=0)


@pytest.mark.parametrize("row", [row for row in BUILTIN if row.name != "round"], ids=lambda row: row.name)
def test_second_derivatives_agree_with_the_oracle_differentiated_numerically(row):
    rng = random.Random(row.name)
    truth = ORACLE[row.name]
    for _ in range(20):
        floats = [rng.uniform(*interval) for interval in row.domain]
        operands = [Value(x) for x in floats]
        slopes = gradient(rules.compiled(row).forward(*operands), operands)
        for first, slope in enumerate(slopes):
            for second, found in enumerate(gradient(slope, operands)):
                orders = [int(second == position) for position in range(len(floats))]
                exact = mp.diff(truth.partials[first], tuple(map(mp.mpf, floats)), tuple(orders))
                assert found.data == pytest.approx(float(exact), rel=1e-11, abs=1e-13), (
                    f"{row.name}{floats} {first}{second}"
                )


@pytest.mark.parametrize("row", BUILTIN, ids=lambda row: row.name)
def test_plain_numbers_on_either_side_give_what_values_give(row):
    rng = random.Random(row.name)
    apply = function(row)
    for _ in range(20):
        floats = [rng.uniform(*interval) for interval in row.domain]
        operands = [Value(x) for x in floats]
        whole = apply(*operands)
        whole.backward()
        assert apply(*floats) == whole.data
        assert type(apply(*floats)) is float
        for position, x in enumerate(operands):
            if len(operands) == 2:
                alone = Value(x.data)
                mixed = apply(*(alone if other == position else floats[other] for other in range(2)))
                mixed.backward()
                assert mixed.data == whole.data
                assert alone.grad == x.grad
                assert mixed.args == tuple(alone if other == position else floats[other] for other in range(2))


INF, NAN = math.inf, math.nan
LINEAR = {
    "add",
    "sub",
    "neg",
    "mul",
    "truediv",
    "degrees",
    "radians",
}  # the derivative of x + y with respect to x is 1, whatever they are


@pytest.mark.parametrize("row", [row for row in BUILTIN if row.name not in LINEAR], ids=lambda row: row.name)
def test_where_the_value_is_nan_so_is_every_partial(row):
    specials = [0.0, -0.0, 1.0, -1.0, 2.5, math.inf, -math.inf, math.nan, 1e-320, 1e200, -1e200, 1e308]
    for x in specials:
        for y in specials if len(row.operands) == 2 else [None]:
            if (row.name == "round" and y != 0.0) or (row.name in {"elu", "leaky_relu"} and not 0.0 < abs(y) < INF):
                continue  # settings rather than operands
            operands = [Value(v) for v in (x, y) if v is not None]
            z = rules.compiled(row).forward(*operands)
            z.backward()
            if math.isnan(z.data):
                assert all(math.isnan(v.grad) for v in operands), f"{row.name}{[v.data for v in operands]}"


def same(found, expected):
    if math.isnan(expected):
        return math.isnan(found)
    return found == expected and math.copysign(1.0, found) == math.copysign(1.0, expected)


SPECIAL_POINTS = [
    # operation, operands, value, partials
    ("abs", (0.0,), 0.0, (0.0,)),
    ("relu", (0.0,), 0.0, (0.0,)),
    ("relu", (-0.0,), 0.0, (0.0,)),
    ("relu", (NAN,), NAN, (NAN,)),
    ("maximum", (1.0, 1.0), 1.0, (0.5, 0.5)),
    ("minimum", (1.0, 1.0), 1.0, (0.5, 0.5)),
    ("maximum", (NAN, 1.0), NAN, (NAN, NAN)),
    ("minimum", (1.0, NAN), NAN, (NAN, NAN)),
    ("pow", (0.0, 0.0), 1.0, (0.0, 0.0)),
    ("pow", (0.0, -1.0), INF, (-INF, -INF)),
    ("pow", (-2.0, 3.0), -8.0, (12.0, NAN)),
    ("pow", (-8.0, 1 / 3), NAN, (NAN, NAN)),
    ("pow", (0.0, 2.0), 0.0, (0.0, 0.0)),
    ("pow", (0.0, 1.0), 0.0, (1.0, 0.0)),
    ("pow", (1e200, 2.0), INF, (2e200, INF)),
    ("sqrt", (0.0,), 0.0, (INF,)),
    ("sqrt", (-1.0,), NAN, (NAN,)),
    ("log", (0.0,), -INF, (INF,)),
    ("log", (-1.0,), NAN, (NAN,)),
    ("log2", (0.0,), -INF, (INF,)),
    ("log10", (0.0,), -INF, (INF,)),
    ("log1p", (-1.0,), -INF, (INF,)),
    ("cbrt", (0.0,), 0.0, (INF,)),
    ("atan2", (0.0, 0.0), 0.0, (0.0, 0.0)),
    ("hypot", (0.0, 0.0), 0.0, (0.0, 0.0)),
    ("truediv", (1.0, 0.0), INF, (INF, -INF)),
    ("truediv", (0.0, 0.0), NAN, (INF, NAN)),
    ("truediv", (1e-200, 1e-200), 1.0, (1e200, -1e200)),
    ("exp", (1000.0,), INF, (INF,)),
    ("exp", (-1000.0,), 0.0, (0.0,)),
    ("exp", (-745.0,), 5e-324, (5e-324,)),
    ("gelu", (-INF,), -0.0, (0.0,)),
    ("gelu", (INF,), INF, (1.0,)),
    ("silu", (-INF,), -0.0, (0.0,)),
    ("silu", (INF,), INF, (1.0,)),
    ("tanh", (INF,), 1.0, (0.0,)),
    ("tanh", (-INF,), -1.0, (0.0,)),
    ("sigmoid", (-INF,), 0.0, (0.0,)),
    ("sigmoid", (INF,), 1.0, (0.0,)),
    ("softplus", (1000.0,), 1000.0, (1.0,)),
    ("softplus", (-1000.0,), 0.0, (0.0,)),
    ("atan", (1e155,), math.pi / 2, (1e-310,)),
    ("atanh", (1.0,), INF, (INF,)),
    ("acosh", (1.0,), 0.0, (INF,)),
    ("asin", (2.0,), NAN, (NAN,)),
    ("clamp_min", (2.0, 2.0), 2.0, (1.0, 0.0)),
    ("clamp_max", (2.0, 2.0), 2.0, (1.0, 0.0)),
    ("sin", (INF,), NAN, (NAN,)),
    ("mod", (1.0, 0.0), NAN, (NAN, NAN)),
    ("floordiv", (1.0, 0.0), INF, (0.0, 0.0)),
    ("floor", (-0.0,), -0.0, (0.0,)),
    ("ceil", (-0.5,), -0.0, (0.0,)),
    ("gaussian", (INF, 0.5), 0.0, (-0.0, -0.0)),
]


@pytest.mark.parametrize(("name", "operands", "value", "partials"), SPECIAL_POINTS)
def test_special_points_keep_their_conventions(name, operands, value, partials):
    leaves = [Value(x) for x in operands]
    z = rules.compiled(TABLE[name]).forward(*leaves)
    z.backward()
    assert same(z.data, value), f"value {z.data}"
    for leaf, partial in zip(leaves, partials, strict=True):
        assert same(leaf.grad, partial) or leaf.grad == partial == 0.0, [x.grad for x in leaves]
    for g, partial in zip(gradient(z, leaves), partials, strict=True):
        assert same(g.data, partial) or g.data == partial == 0.0, "as a graph"


def test_a_maximum_of_a_value_with_itself_has_derivative_one():
    x = Value(1.0)
    ag.maximum(x, x).backward()
    assert x.grad == 1.0


def test_hypot_of_large_numbers_does_not_overflow():
    x, y = Value(1e200), Value(1e200)
    z = x.hypot(y)
    z.backward()
    assert z.data == pytest.approx(math.sqrt(2) * 1e200, rel=EPS)
    assert x.grad == pytest.approx(math.sqrt(0.5), rel=EPS)


def test_a_constant_exponent_never_takes_the_logarithm_of_the_base():
    x = Value(-2.0)
    z = x**3
    z.backward()
    assert (z.data, x.grad) == (-8.0, 12.0)


def test_every_quotient_of_small_integers_is_correctly_rounded():
    for a in range(1, 50):
        for b in range(1, 50):
            assert (Value(a) / Value(b)).data == a / b


def test_the_branch_not_taken_by_where_adds_nothing():
    x = Value(0.0)
    ag.where(x > 0, x.sqrt(), 0.0).backward()
    assert x.grad == 0.0
    assert gradient(ag.where(x > 0, x.sqrt(), 0.0), x).data == 0.0
    ag.where(x >= 0, x + 1, x.log()).backward()
    assert x.grad == 1.0


def test_clip_at_its_edges_passes_the_derivative_to_x():
    for edge in (-1.0, 1.0):
        x = Value(edge)
        ag.clip(x, -1, 1).backward()
        assert x.grad == 1.0
    x = Value(3.0)
    ag.clip(x, -1, 1).backward()
    assert x.grad == 0.0
    with pytest.raises(ValueError, match="low=2 is above high=1"):
        ag.clip(x, 2, 1)


def mutants(row):
    """The row with one partial wrong: another sign, a factor, a part left out, a small relative error."""
    for position, partial in enumerate(row.partials):
        for wrong in (f"-({partial})", f"2.0 * ({partial})", f"({partial}) + 0.001", f"({partial}) * 1.00001", "0.0"):
            partials = list(row.partials)
            partials[position] = wrong
            yield Op(row.name, row.value, partials, domain=row.domain, default=row.default)


@pytest.mark.parametrize(
    ("short", "expected"),
    [
        (lambda x: x.gaussian(), math.exp(-2.0)),
        (lambda x: x.leaky_relu(), -0.02),
        (lambda x: x.elu(), math.expm1(-2.0)),
        (lambda x: (x - 0.5).round(), -2.0),
    ],
)
def test_an_operand_that_is_left_out_is_the_usual_one(short, expected):
    assert short(Value(-2.0)).data == pytest.approx(expected, rel=4 * EPS)


PIECES = {
    **dict.fromkeys(("abs", "relu", "sign", "heaviside"), lambda x: x > 0.0),
    **dict.fromkeys(("leaky_relu", "elu"), lambda x, _: x > 0.0),
    **dict.fromkeys(("maximum", "minimum", "clamp_min", "clamp_max"), lambda x, y: (x > y) - (x < y)),
    **dict.fromkeys(("mod", "floordiv"), lambda x, y: x // y),
    "floor": math.floor,
    "ceil": math.ceil,
    "round": lambda x, _: round(x),
}
"""Which of its smooth pieces a row is on."""


@pytest.mark.parametrize("row", BUILTIN, ids=lambda row: row.name)
def test_the_domain_of_a_row_is_wide_and_lies_on_one_smooth_piece_its_ends_included(row):
    truth = ORACLE[row.name]
    for position, (low, high) in enumerate(row.domain):
        assert high - low > 0.25 or (row.name, position) == ("round", 1)
    corners = list(itertools.product(*row.domain))
    for corner in corners:
        operands = [Value(x) for x in corner]
        z = rules.compiled(row).forward(*operands)
        z.backward()
        assert error(z.data, truth.value(*map(mp.mpf, corner))) <= 2
        assert all(math.isfinite(x.grad) for x in operands)
    if row.name in PIECES:
        assert len({PIECES[row.name](*corner) for corner in corners}) == 1


STAIRCASES = {"floordiv", "sign", "heaviside", "floor", "ceil", "round"}  # a derivative of 0 has no sign


@pytest.mark.parametrize("row", [row for row in BUILTIN if row.name not in STAIRCASES], ids=lambda row: row.name)
def test_a_wrong_partial_in_any_row_is_caught(row):
    rng = random.Random(row.name)
    for mutant in mutants(row):
        compiled = rules.CompiledRow(mutant)
        caught = False
        for _ in range(20):
            floats = [rng.uniform(*interval) for interval in row.domain]
            operands = [Value(x) for x in floats]
            compiled.forward(*operands).backward()
            exact = [partial(*map(mp.mpf, floats)) for partial in ORACLE[row.name].partials]
            caught |= any(error(x.grad, d, max(abs(d), EPS)) > 2 for x, d in zip(operands, exact, strict=True))
        # where a partial is 0 on the whole domain, only an added term shows
        position = next(i for i, (a, b) in enumerate(zip(row.partials, mutant.partials, strict=True)) if a != b)
        middle = [mp.mpf(sum(interval)) / 2 for interval in row.domain]
        flat = ORACLE[row.name].partials[position](*middle) == 0
        assert caught or (flat and "0.001" not in mutant.partials[position]), mutant.partials


def test_the_oracle_covers_every_row():
    assert set(ORACLE) == {row.name for row in BUILTIN}


# --- operations of the user ---


@given(st.floats(-10, 10))
def test_an_operation_of_ones_own_works_like_a_built_in_one(x):
    cube = ag.operation("cube", "x * x * x", "3 * x * x")
    v = Value(x)
    z = cube(v)
    z.backward()
    assert z.op == "cube"
    assert z.data == cube(x) == x * x * x
    assert v.grad == 3.0 * x * x
    (slope,) = gradient(z, [v])
    assert gradient(slope, v).data == pytest.approx(6 * x)
    quartic = ag.operation("quartic", "x * cube(x)", "4 * cube(x)")
    assert gradient(quartic(v), v).data == pytest.approx(4 * x**3)


def test_an_operation_may_have_two_operands_and_a_recursive_derivative():
    scaled = ag.operation("scaled", "exp(x * y)", "y * scaled(x, y)", "x * scaled(x, y)")
    x, y = Value(0.5), Value(2.0)
    z = scaled(x, y)
    z.backward()
    assert (x.grad, y.grad) == pytest.approx((2 * math.e, 0.5 * math.e))
    assert scaled(0.5, y).args == (0.5, y)


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row.default is not None])
def test_a_formula_may_leave_out_what_a_caller_may_leave_out(name):
    short = ag.operation("short", f"{name}(x) + {name}(-x)", f"{name}(-x)")
    long = ag.operation("long", f"{name}(x, y) + {name}(-x, y)", f"{name}(-x, y)", "0")
    for x in (0.3, -1.7, 0.0, math.inf, math.nan):
        here, there = Value(x), Value(x)
        result, expected = short(here), long(there, TABLE[name].default)
        result.backward()
        expected.backward()
        for found, wanted in ((result.data, expected.data), (here.grad, there.grad)):
            assert found == wanted or (math.isnan(found) and math.isnan(wanted))
        assert repr(short(x)) == repr(expected.data)
        assert gradient(result, here).data == pytest.approx(here.grad, nan_ok=True)


@pytest.mark.parametrize(
    ("value", "partials", "message"),
    [
        ("x * w", ("w",), "'x * w' names 'w'"),
        ("x * (", ("1",), "'x * (' does not parse"),
        ("frob(x)", ("1",), "'frob(x)' calls 'frob'"),
        ("x * y", ("y",), "uses the operands ['x', 'y'], but 1 partial"),
        ("x + 1", ("1", "1"), "uses the operands ['x'], but 2 partial"),
        ("x", (), "0 partials"),
        ("__import__('os').system('true')", ("1",), "__import__"),
        ("x.__class__", ("1",), "x.__class__"),
        ("x if x > 0 else 1", ("1",), "x if x > 0 else 1"),
        ("where(x, x, 1)", ("1",), "as a condition"),
        ("[x][0]", ("1",), "[x][0]"),
        ("x + 'a'", ("1",), "'a'"),
        ("x + 1j", ("1",), "1j"),
        ("exp(x, x)", ("1",), "exp with 2 operands"),
        ("x + True", ("1",), "True"),
        ("x", ("z.q",), "'z.q'"),
        ("lambda: x", ("1",), "lambda: x"),
    ],
)
def test_a_formula_that_cannot_be_read_is_an_error_that_shows_it(value, partials, message):
    with pytest.raises(ag.FormulaError, match=re.escape(message)):
        ag.operation("wrong", value, *partials)
    assert "wrong" not in TABLE


DEEP = {
    "sum": lambda n: "+".join(["x"] * n),
    "power": lambda n: "**".join(["x"] * n),
    "signs": lambda n: "-" * n + "x",
    "calls": lambda n: "sin(" * n + "x" + ")" * n,
    "choices": lambda n: "where(x < 1, x, " * n + "x" + ")" * n,
    "choice in a condition": lambda n: "where(1 < " * n + "x" + ", x, x)" * n,
    "or": lambda n: "where(" + " or ".join(["x < 1"] * min(n, 200)) + ", x, x)",
    "not": lambda n: "where(" + "not " * n + "x < 1, x, x)",
    "attributes": lambda n: "x" + ".a" * n,
    "functions": lambda n: "lambda: " * n + "x",
}


@pytest.mark.parametrize("count", [10, 70, 145, 150, 200, 1000, 50_000])
@pytest.mark.parametrize("kind", DEEP)
def test_a_deep_formula_works_or_is_an_error_of_few_words(kind, count):
    text, x = DEEP[kind](count), Value(0.5)
    for formulas in ((text, "1"), ("x", text)):
        try:
            deep = ag.operation("deep", *formulas)
        except ag.FormulaError as refusal:
            words = str(refusal)
        else:
            words = ""
            result = deep(x)
            result.backward()
            assert isinstance(gradient(result, x).data, float)
        assert len(words) < 700
        if count <= 70 and kind not in {"not", "attributes", "functions"}:
            assert not words
        if count >= 150 and kind != "or":
            assert words


@pytest.mark.parametrize("name", ["g", "k", "p", "node", "self", "other", "clock", "float", "type", "next", "ABSENT"])
def test_an_operation_may_be_called_what_generated_code_calls_something_else(name):
    own = ag.operation(name, "2.0 * x", "2.0")
    user = ag.operation("user", f"{name}(x) * y", f"y * {name}(1.0)", f"{name}(x)")
    x = Value(3.0)
    y = own(x) + user(x, 2.0) + user(2.0, x)
    y.backward()
    assert (y.data, x.grad, gradient(user(x, x), x).data) == (30.0, 10.0, 12.0)


@pytest.mark.parametrize("name", ["exp", "where", "two words", "x", 3])
def test_an_operation_cannot_take_a_name_that_is_none_or_taken(name):
    with pytest.raises(ValueError, match="name"):
        ag.operation(name, "x", "1")
