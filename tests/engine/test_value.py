"""Value: what counts as a number, how it behaves as one, and what it refuses."""

from __future__ import annotations

import copy
import datetime as dt
import decimal
import enum
import fractions
import math
import operator
import pickle
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import Parameter, Value, gradient

floats = st.floats(-1e6, 1e6)


class Grade(enum.IntEnum):
    """An int of another type."""

    GOOD = 2


class Celsius(float):
    """A float of another type."""


class Ratio:
    """Something that is no number but has a value as one."""

    def __float__(self):
        return 2.5


NUMBERS = {
    "int": 3,
    "negative int": -7,
    "bool": True,
    "float": 0.1,
    "negative zero": -0.0,
    "inf": math.inf,
    "subnormal": 5e-324,
    "int enum": Grade.GOOD,
    "float subclass": Celsius(1.5),
    "has __float__": Ratio(),
    "Fraction": fractions.Fraction(1, 3),
    "Decimal": decimal.Decimal("0.1"),
    "np.float64": np.float64(0.1),
    "np.float32": np.float32(0.1),
    "np.float16": np.float16(0.1),
    "np.longdouble": np.longdouble(0.1),
    "np.bool": np.bool_(True),
    **{
        f"np.{kind}": np.dtype(kind).type(3)
        for kind in ("int8", "int16", "int32", "int64", "uint8", "uint32", "uint64")
    },
    "0-d array": np.array(2.5),
    "0-d int array": np.array(2),
}
"""What is a number: it becomes a float."""

ONE_ELEMENT = {"array of one": np.array([2.5]), "array of one by one": np.array([[3]])}
"""What is a number for a constructor, and an array for an operator."""

OTHERS = {
    "complex": 1 + 2j,
    "real complex": 2 + 0j,
    "np.complex128": np.complex128(1 + 2j),
    "np.complex64": np.complex64(1),
    "np.clongdouble": np.clongdouble(1 + 2j),
    "str": "3",
    "empty str": "",
    "np.str": np.str_("3"),
    "bytes": b"3",
    "np.bytes": np.bytes_(b"3"),
    "bytearray": bytearray(b"3"),
    "None": None,
    "list": [1.0],
    "tuple": (1.0,),
    "dict": {},
    "set": {1.0},
    "range": range(1),
    "datetime": dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
    "timedelta": dt.timedelta(1),
    "np.datetime64[D]": np.datetime64("2020-01-01"),
    "np.datetime64[ns]": np.datetime64("2020-01-01", "ns"),
    "np.timedelta64[D]": np.timedelta64(5, "D"),
    "np.timedelta64[ns]": np.timedelta64(5, "ns"),
    "not a time": np.datetime64("NaT", "ns"),
    "np.void": np.void(b"ab"),
    "masked": np.ma.masked,
    "0-d array of str": np.array("3"),
    "object": object(),
    "type": float,
    "function": math.exp,
    "signalling nan": decimal.Decimal("sNaN"),
}
"""What is no number."""

ARRAYS = {
    "array": np.array([1.0, 2.0]),
    "int array": np.array([[1, 2], [3, 4]]),
    "float32 array": np.array([0.5, 1.5], dtype=np.float32),
    "empty array": np.array([]),
    "array of Values": np.array([Value(1.0), Value(2.0)]),
}
"""What is many numbers."""

BINARY = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "%": operator.mod,
    "//": operator.floordiv,
}
FUNCTIONS = {name: getattr(ag, name) for name in ("maximum", "minimum", "atan2", "hypot", "clamp_min", "leaky_relu")}


def is_sound(result):
    """Return whether a result is a Value that holds a float, or an array of nothing but such Values."""
    if isinstance(result, np.ndarray):
        return result.dtype == object and all(is_sound(element) for element in result.flat)
    return isinstance(result, Value) and type(result.data) is float and all(map(is_sound_operand, result.args))


def is_sound_operand(operand):
    return type(operand) is float or (isinstance(operand, Value) and type(operand.data) is float)


def named(mapping):
    return pytest.mark.parametrize("odd", mapping.values(), ids=mapping.keys())


# --- what counts as a number ---


@named(NUMBERS | ONE_ELEMENT)
@pytest.mark.parametrize("kind", [Value, Parameter])
def test_the_constructor_turns_numbers_into_floats(kind, odd):
    v = kind(odd)
    assert type(v.data) is float
    assert math.copysign(1.0, v.data) == math.copysign(1.0, float(np.asarray(odd, dtype=float).reshape(())))
    assert v.data == float(np.asarray(odd, dtype=float).reshape(()))
    assert (v.grad, v.args, v.op, v.label) == (0.0, (), "", "")


@named(
    OTHERS
    | {key: ARRAYS[key] for key in ("array", "int array", "empty array", "array of Values")}
    | {"Value": Value(1.0)}
)
def test_the_constructor_refuses_what_is_no_number_and_names_its_type(odd):
    with pytest.raises(TypeError) as caught:
        Value(odd)
    assert type(odd).__name__ in str(caught.value)
    assert "data" in str(caught.value)


def test_an_array_is_refused_with_its_shape():
    with pytest.raises(TypeError, match=r"ndarray.*\(2, 2\)"):
        Value(ARRAYS["int array"])


@pytest.mark.parametrize("huge", [10**400, -(10**400), fractions.Fraction(10**400)])
def test_an_integer_too_large_for_a_float_is_an_error_that_names_the_argument(huge):
    with pytest.raises(OverflowError, match="data"):
        Value(huge)
    with pytest.raises(OverflowError):
        Value(1.0) * huge


@named(NUMBERS)
@pytest.mark.parametrize("symbol", BINARY)
def test_an_operator_takes_a_number_on_either_side(symbol, odd):
    apply, x, number = BINARY[symbol], Value(1.5), float(odd)
    right, left = apply(x, odd), apply(odd, x)
    assert is_sound(right)
    assert is_sound(left)
    assert right.args[0] is x
    assert left.args[1] is x
    assert (right.args[1], left.args[0]) == (number, number)
    both = apply(x, Value(number)).data, apply(Value(number), x).data
    assert np.array_equal((right.data, left.data), both, equal_nan=True)
    right.backward()
    left.backward()
    assert type(x.grad) is float


@named(NUMBERS | ONE_ELEMENT)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_two_takes_a_number_on_either_side(name, odd):
    x = Value(1.5)
    for operands in ((x, odd), (odd, x)):
        try:
            result = FUNCTIONS[name](*operands)
        except TypeError as error:
            assert type(odd).__name__ in str(error)  # noqa: PT017 - an array may be refused
        else:
            assert is_sound(result)


@named(OTHERS)
@pytest.mark.parametrize("symbol", BINARY)
def test_an_operator_refuses_what_is_no_number_on_either_side(symbol, odd):
    for operands in ((Value(1.5), odd), (odd, Value(1.5)), (Value(1.0) * 2, odd)):
        if operands[0] is np.ma.masked:
            continue  # NumPy's own arithmetic answers `masked`
        if getattr(operands[0], "dtype", None) in (np.dtype("M8[ns]"), np.dtype("m8[ns]")):
            continue  # NumPy turns nanoseconds into an int before the Value is asked
        with pytest.raises(TypeError):
            BINARY[symbol](*operands)


@named(OTHERS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_two_refuses_what_is_no_number_on_either_side(name, odd):
    for operands in ((Value(1.5), odd), (odd, Value(1.5)), (1.5, odd), (odd, 1.5)):
        with pytest.raises(TypeError) as caught:
            FUNCTIONS[name](*operands)
        assert name in str(caught.value) or type(odd).__name__ in str(caught.value)


@named({key: odd for key, odd in OTHERS.items() if key not in {"None", "function"}})
def test_choices_and_functions_of_one_refuse_what_is_no_number(odd):
    x = Value(1.5)
    for call in (
        lambda: ag.exp(odd),
        lambda: ag.where(True, x, odd),
        lambda: ag.where(False, odd, x),
        lambda: ag.clip(x, odd),
    ):
        with pytest.raises(TypeError):
            call()


@named(ARRAYS | ONE_ELEMENT)
@pytest.mark.parametrize("symbol", BINARY)
def test_an_array_on_either_side_gives_an_array_of_values(symbol, odd):
    apply, x = BINARY[symbol], Value(1.5)
    for result, swapped in ((apply(x, odd), False), (apply(odd, x), True)):
        assert isinstance(result, np.ndarray)
        assert result.dtype == object
        assert result.shape == odd.shape
        assert is_sound(result)
        for element, found in zip(odd.flat, result.flat, strict=True):
            number = element.data if isinstance(element, Value) else float(element)
            assert found.data == (apply(Value(number), x) if swapped else apply(x, Value(number))).data


@named(OTHERS | NUMBERS)
def test_equality_with_anything_is_a_truth_value(odd):
    if isinstance(odd, np.datetime64 | np.timedelta64 | np.void | np.ma.core.MaskedConstant | decimal.Decimal):
        return  # these have comparisons of their own, some of which raise
    x = Value(3.0)
    for result in (x == odd, odd == x):
        assert result in (True, False)
    assert (x != odd) != (x == odd)
    if not any(odd is number for number in NUMBERS.values()):
        assert x != odd


@named({key: OTHERS[key] for key in ("str", "None", "complex", "list", "object", "datetime", "bytes")})
def test_order_with_what_is_no_number_is_an_error(odd):
    for compare in (operator.lt, operator.le, operator.gt, operator.ge):
        with pytest.raises(TypeError, match=type(odd).__name__):
            compare(Value(1.0), odd)
        with pytest.raises(TypeError, match=type(odd).__name__):
            compare(odd, Value(1.0))


def test_tensors_become_neither_constants_nor_contents():
    torch = pytest.importorskip("torch")
    x = Value(1.5)
    for wrong in (
        torch.tensor([1.0, 2.0]),
        torch.tensor(2.0, requires_grad=True),
        torch.tensor([2.0], requires_grad=True),
    ):
        with pytest.raises(TypeError, match="Tensor"):
            Value(wrong)
        for apply in BINARY.values():
            for operands in ((x, wrong), (wrong, x)):
                with pytest.raises(TypeError):
                    apply(*operands)
        for apply in FUNCTIONS.values():
            with pytest.raises(TypeError):
                apply(x, wrong)
    plain = torch.tensor(2.0)
    for call in (lambda: Value(plain), lambda: x * plain, lambda: plain * x, lambda: ag.hypot(x, plain)):
        try:
            result = call()
        except TypeError as error:
            assert "Tensor" in str(error)  # noqa: PT017 - a tensor may be refused, but not held
        else:
            assert is_sound(result)


# --- arithmetic ---


@given(floats, floats)
def test_arithmetic_is_that_of_floats_on_every_kind_of_operands(a, b):
    for symbol, apply in BINARY.items():
        if (symbol in {"/", "%", "//"} and b == 0.0) or (symbol == "**" and (a <= 0.0 or abs(b) > 40)):
            continue
        try:
            expected = apply(a, b)
        except OverflowError:
            continue
        for x, y in ((Value(a), Value(b)), (Value(a), b), (a, Value(b)), (Value(a), Parameter(b)), (+Value(a), b)):
            assert apply(x, y).data == expected


@given(floats, floats)
def test_unary_operators_and_rounding_are_those_of_floats(a, b):
    x = Value(a)
    assert ((-x).data, abs(x).data, +x) == (-a, abs(a), x)
    assert +x is x
    for result, expected in (
        (round(x), round(a)),
        (round(x, 2), round(a, 2)),
        (round(x, -2), round(a, -2)),
        (math.floor(x), math.floor(a)),
        (math.ceil(x), math.ceil(a)),
    ):
        assert isinstance(result, Value)
        assert result.data == expected
    if b:
        for found in (divmod(x, Value(b)), divmod(x, b), divmod(a, Value(b))):
            assert tuple(part.data for part in found) == divmod(a, b)


@given(floats, floats)
def test_comparisons_are_those_of_the_numbers(a, b):
    for compare in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne):
        expected = compare(a, b)
        for x, y in (
            (Value(a), Value(b)),
            (Value(a), b),
            (a, Value(b)),
            (Value(a), np.float64(b)),
            (np.float64(a), Value(b)),
        ):
            assert bool(compare(x, y)) is expected


@pytest.mark.parametrize("huge", [10**400, fractions.Fraction(10**400)])
def test_a_comparison_with_a_number_beyond_the_floats_is_answered(huge):
    x = Value(1.0)
    assert x != huge
    assert not x == huge  # noqa: SIM201 - both operators are tried
    assert x < huge
    assert x > -huge


def test_nan_is_unequal_to_itself():
    x = Value(math.nan)
    assert x != Value(math.nan)
    assert not x == x  # noqa: PLR0124, SIM201 - that is the point
    assert not x < 1
    assert x


@given(floats)
def test_a_value_is_true_unless_it_is_zero(a):
    assert bool(Value(a)) is bool(a)
    assert not Value(0)
    assert not Value(-0.0)


def test_values_hash_by_identity_and_live_in_sets_and_dictionaries():
    a, b = Value(1.0), Value(1.0)
    assert a == b
    assert len({a, b, a}) == 2
    assert {a: "a", b: "b"}[b] == "b"
    before = hash(a)
    a.data = 2.0
    assert hash(a) == before
    assert {a: 1}.get(a * 1) is None


def test_values_sort_and_have_a_sum_and_a_largest():
    values = [Value(x) for x in (3.0, 1.0, 2.0)]
    assert [v.data for v in sorted(values)] == [1.0, 2.0, 3.0]
    assert max(values) is values[0]
    assert sum(values).data == math.prod(values).data == 6.0
    total = sum(values)
    total.backward()
    assert [v.grad for v in values] == [1.0, 1.0, 1.0]
    assert statistics.median(values).data == 2.0


def test_assignment_operators_make_new_values():
    x = start = Value(2.0)
    x += 1
    x *= 3
    x -= 1
    x /= 2
    x **= 2
    assert x.data == 16.0
    assert start.data == 2.0
    x.backward()
    assert start.grad == 12.0


def test_what_has_no_meaning_for_a_number_is_an_error():
    x = Value(2.0)
    for call in (
        lambda: x @ x,
        lambda: ~x,
        lambda: x & 1,
        lambda: x | x,
        lambda: x << 1,
        lambda: x[0],
        x,
        lambda: len(x),
        lambda: iter(x),
        lambda: 1.0 in x,
        lambda: [1, 2][x],
        lambda: range(x),
        lambda: "a" * x,
        lambda: pow(x, 2, 5),
    ):
        with pytest.raises(TypeError):
            call()


def test_none_as_the_number_of_decimals_is_python_s_own_default():
    assert round(Value(2.5), None).data == 2.0


# --- turning into plain numbers ---


@pytest.mark.parametrize(
    "convert",
    [
        *(float, int, complex, np.float64, np.float32),
        *(math.exp, math.sqrt, math.trunc, math.isnan),
        lambda x: math.hypot(x, 1.0),
        lambda x: math.pow(2.0, x),
        lambda x: math.fsum([x]),
        lambda x: "%f" % x,  # noqa: UP031 - an old program's
        lambda x: np.array([x], dtype=float),
    ],
)
@pytest.mark.parametrize("computed", [False, True])
def test_turning_into_a_plain_number_is_refused_with_the_way_out(convert, computed):
    x = Value(0.5, label="x")
    with pytest.raises(TypeError) as caught:
        convert(x * x if computed else x)
    message = str(caught.value)
    assert "x.data" in message
    assert "autograd_mini.exp(x)" in message


def test_the_number_is_there_for_the_asking():
    x = Value(0.5)
    assert x.data == x.item() == (x * 1).item() == 0.5
    assert type((x * 1).item()) is float


# --- text ---


@given(floats)
def test_a_format_is_that_of_the_number(a):
    x = Value(a)
    assert f"{x:.4f}" == f"{a:.4f}"
    assert f"{x:>12.3e}" == f"{a:>12.3e}"
    assert f"{x:+g}" == f"{a:+g}"
    assert f"{x}" == str(x) == repr(x)


def test_a_format_that_a_float_does_not_have_is_an_error():
    with pytest.raises(ValueError, match="format"):
        f"{Value(1.0):d}"


def test_a_repr_shows_the_number_and_the_gradient_and_label_if_there_are():
    x = Value(2, label="x")
    assert repr(x) == "Value(data=2.0, label='x')"
    y = x * x
    y.backward()
    assert repr(x) == "Value(data=2.0, grad=4.0, label='x')"
    assert repr(y) == "Value(data=4.0, grad=1.0)"
    assert repr(Value(1.0, label='it\'s "odd"\n')) == f'Value(data=1.0, label={chr(39)}it\\\'s "odd"\\n{chr(39)})'


# --- NumPy ---


NUMPY_UNARY = [
    "exp",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "sqrt",
    "cbrt",
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arccos",
    "arctan",
]
NUMPY_UNARY += ["sinh", "cosh", "tanh", "arcsinh", "arctanh", "floor", "ceil", "rint", "absolute", "negative", "square"]


@pytest.mark.parametrize("name", NUMPY_UNARY)
def test_numpy_functions_work_on_values_element_by_element(name):
    function = getattr(np, name)
    numbers = [0.25, 0.5]
    values = [Value(x) for x in numbers]
    result = function(np.array(values))
    assert is_sound(result)
    assert [v.data for v in result] == pytest.approx(list(function(np.array(numbers))), rel=1e-15)
    assert is_sound(function(values[0]))
    sum(result).backward()
    assert all(v.has_grad for v in values)


def test_numpy_functions_of_two_work_on_either_side():
    x, y = Value(0.25), Value(0.5)
    for name in ("arctan2", "hypot", "maximum", "minimum", "power", "true_divide", "remainder", "floor_divide"):
        function = getattr(np, name)
        expected = function(0.25, 0.5)
        (result,) = function(np.array([x]), np.array([y]))
        assert result.data == pytest.approx(expected), name
        (result,) = function(np.array([x]), 0.5)
        if name != "maximum":  # NumPy returns the larger of the two itself, here the plain number
            assert result.data == pytest.approx(expected), name
    assert np.arctan2(x, y).data == math.atan2(0.25, 0.5)


def test_numpy_arrays_of_values_add_multiply_and_differentiate():
    w = np.array([Value(0.5), Value(-1.0)])
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    y = (x @ w).sum() + np.dot(w, w) + np.mean(w) + w.prod()
    assert y.data == pytest.approx(-1.5 - 2.5 + 1.25 - 0.25 - 0.5)
    y.backward()
    assert [v.grad for v in w] == pytest.approx([4.0 + 1.0 + 0.5 - 1.0, 6.0 - 2.0 + 0.5 + 0.5])


def test_numpy_s_spread_of_an_array_of_values_has_its_derivative():
    w = np.array([Value(1.0), Value(2.0), Value(4.0)])
    assert np.var(w).data == pytest.approx(np.var([1.0, 2.0, 4.0]))
    assert np.std(w).data == pytest.approx(np.std([1.0, 2.0, 4.0]))


def test_assigning_into_an_array_of_floats_is_refused_and_of_objects_works():
    numbers, objects = np.zeros(2), np.zeros(2, dtype=object)
    x = Value(1.0)
    with pytest.raises((TypeError, ValueError)) as caught:
        numbers[0] = x
    assert "x.data" in f"{caught.value} {caught.value.__cause__}"
    with pytest.raises((TypeError, ValueError)):
        numbers[:] = [x, x]
    with pytest.raises(TypeError):
        numbers += x
    assert list(numbers) == [0.0, 0.0]
    objects[0] = x
    assert objects[0] is x


def test_numpy_scalars_on_the_left_give_one_value():
    for scalar in (np.float64(2), np.float32(2), np.int64(2), np.uint8(2), np.longdouble(2), np.array(2.0)):
        x = Value(3.0)
        result = scalar * x + scalar**x - scalar / x
        assert type(result.data) is float
        assert isinstance(result, Value)
        result.backward()
        assert x.grad == pytest.approx(2 + 8 * math.log(2) + 2 / 9)


# --- attributes ---


def test_labels_are_text():
    x = Value(1.0, label="x")
    assert Value(1.0, "y").label == "y"
    x.label = "x'"
    assert x.label == "x'"
    y = x * 2
    assert y.label == ""
    y.label = "y"
    assert y.label == "y"
    x.label = ""
    assert repr(x) == "Value(data=1.0)"


@pytest.mark.parametrize("wrong", [3, b"x", ("a",), 0, [], Value(1.0)])
def test_a_label_that_is_no_text_is_refused(wrong):
    with pytest.raises(TypeError, match=f"label.*{type(wrong).__name__}"):
        Value(1.0, label=wrong)
    x = Value(1.0)
    with pytest.raises(TypeError, match=f"label.*{type(wrong).__name__}"):
        x.label = wrong


def test_args_are_the_operands_in_order_constants_included():
    x, y = Value(2.0), Value(3.0)
    for result, expected in (
        (x - y, (x, y)),
        (y - x, (y, x)),
        (x - 1, (x, 1.0)),
        (1 - x, (1.0, x)),
        (x * x, (x, x)),
        (-x, (x,)),
        (x.exp(), (x,)),
        (ag.hypot(1, x), (1.0, x)),
        (ag.where(True, x, 1), (True, x, 1)),
        (ag.where(False, x, y), (False, x, y)),
    ):
        assert len(result.args) == len(expected)
        for found, operand in zip(result.args, expected, strict=True):
            assert found is operand if isinstance(operand, Value) else found == operand
            assert isinstance(found, (float, bool, int, Value))
    assert (type((2 * x).args[0]), type(ag.maximum(x, True).args[1])) == (float, float)


def test_micrograd_s_names_say_what_micrograd_says():
    x, y = Value(2.0), Value(3.0)
    assert (x._prev, x._op) == (set(), "")
    assert (x * y)._prev == {x, y}
    assert (x * x)._prev == {x}
    assert (x + 1)._prev == {x}
    assert [v._op for v in (x + y, x * y, x**2, x**-1, x**0.5, x.relu())] == ["+", "*", "**2", "**-1", "**0.5", "ReLU"]
    assert [v._op for v in (x**y, 2**x, x * 2, x + 1)] == ["**", "**", "*", "+"]


MAKERS = [lambda: Value(1.0), lambda: Parameter(1.0), lambda: Value(1.0) * 2, lambda: Value(1.0).exp()]


@pytest.mark.parametrize("make", MAKERS)
def test_a_typing_error_in_an_attribute_is_an_error_that_says_what_is_meant(make):
    v = make()
    slips = {
        "grda": "grad",
        "gard": "grad",
        "gradd": "grad",
        "grsd": "grad",
        "dta": "data",
        "dtaa": "data",
        "lable": "label",
    }
    slips |= {"Data": "data", "GRAD": "grad", "labl": "label"}
    for name, meant in slips.items():
        for use in (lambda name=name: setattr(v, name, 1), lambda name=name: getattr(v, name)):
            with pytest.raises(AttributeError, match=f"{name}.*'{meant}' is meant"):
                use()
        assert not hasattr(v, name)
        assert name not in dir(v)
    with pytest.raises(AttributeError, match=r"requires_grad.*detach"):
        v.requires_grad = False
    for name in ("op", "args", "has_grad"):
        with pytest.raises(AttributeError):
            setattr(v, name, 1)
    assert {"data", "grad", "label", "exp"} <= set(dir(v))
    assert "grda" not in dir(Value)


@pytest.mark.parametrize("make", MAKERS[:2])
def test_a_leaf_takes_attributes_of_ones_own_and_copies_have_them(make):
    p = make()
    p.m, p.v, p._vis_color, p.momentum = 0.0, [1.0], "lightgreen", 0.9
    p.m += 2.0
    assert vars(p) == {"m": 2.0, "v": [1.0], "_vis_color": "lightgreen", "momentum": 0.9}
    assert "momentum" in dir(p)
    for twin in (copy.copy(p), copy.deepcopy(p), pickle.loads(pickle.dumps(p))):  # noqa: S301 - made here
        assert vars(twin) == vars(p)
        assert type(twin) is type(p)
    assert isinstance(p, Value)
    assert (p * p).args == (p, p)


def test_a_result_takes_no_attributes_and_says_where_to_put_them():
    y = Value(1.0) * 2
    with pytest.raises(AttributeError, match=r"'_vis_color'.*result of an operation.*vis_color_of\[node\]"):
        y._vis_color = "red"
    with pytest.raises(AttributeError, match="anything"):
        y.anything = 1


def test_a_leaf_takes_a_new_number_and_a_result_does_not():
    for leaf in (Value(1.0), Parameter(1.0), (Value(1.0) * 2).detach()):
        leaf.data = np.float32(0.5)
        assert leaf.data == 0.5
        assert type(leaf.data) is float
        leaf.data += 1
        assert leaf.data == 1.5
        for wrong in ("1", None, 1j, Value(1.0), np.zeros(2)):
            with pytest.raises(TypeError, match="data"):
                leaf.data = wrong
        assert leaf.data == 1.5
    x = Value(2.0)
    for result in (x * x, -x, ag.where(True, x, 1), x + 0):
        before = result.data
        with pytest.raises(AttributeError, match=r"data .*detach"):
            result.data = 1.0
        assert result.data == before


def test_a_gradient_may_be_assigned_and_none_or_zero_reset_it():
    x = Value(3.0)
    assert (x.grad, x.has_grad) == (0.0, False)
    x.grad = np.float32(0.5)
    assert (x.grad, type(x.grad)) == (0.5, float)
    x.grad += 1
    (x * 2).backward()
    assert x.grad == 3.5
    for nothing in (0, 0.0, None):
        x.grad = nothing
        assert x.grad == 0.0
        (x * x).backward()
        assert x.grad == 6.0
    for wrong in ("1", 1j, Value(1.0), [0.0]):
        with pytest.raises(TypeError, match="grad"):
            x.grad = wrong
    assert x.grad == 6.0
    y = x * x
    y.grad = 5
    assert y.grad == 5.0


def test_an_update_by_hand_needs_plain_numbers():
    p, loss = Parameter(1.0), Value(2.0) * 3
    with pytest.raises(TypeError, match="data"):
        p.data -= 0.1 * loss
    p.data -= 0.1 * loss.data
    assert p.data == pytest.approx(0.4)


# --- subclasses ---


class Weight(Value):
    """A Value of another type."""


@given(floats, floats)
def test_a_subclass_computes_like_a_value_on_either_side(a, b):
    for apply in (operator.add, operator.sub, operator.mul):
        for x, y in (
            (Weight(a), Weight(b)),
            (Value(a), Weight(b)),
            (Weight(a), b),
            (a, Weight(b)),
            (Weight(a), Value(b) * 1),
        ):
            result = apply(x, y)
            assert result.data == apply(a, b)
            result.backward()
            plain = Value(a), Value(b)
            apply(*plain).backward()
            for operand, expected in zip((x, y), plain, strict=True):
                if isinstance(operand, Value):
                    assert operand.grad == expected.grad


def test_a_subclass_that_reflects_an_operator_is_asked_first():
    class Special(Value):
        def __radd__(self, other):
            return "special"

    assert Value(1.0) + Special(1.0) == "special"
    assert 1.0 + Special(1.0) == "special"


def test_a_foreign_type_may_take_the_operator_over():
    class Interval:
        def __radd__(self, other):
            return "interval"

        def __rpow__(self, other):
            return "interval"

        def __eq__(self, other):
            return "equal"

        __hash__ = None

    x = Value(1.0)
    assert (x + Interval(), x ** Interval(), x == Interval()) == ("interval", "interval", "equal")


def test_methods_functions_and_operators_are_the_same_operation():
    for name in ("exp", "tanh", "log", "sqrt", "relu", "gelu", "sigmoid", "atan", "erf", "cbrt", "expm1"):
        x = Value(0.75)
        by_method, by_function, plain = getattr(x, name)(), getattr(ag, name)(x), getattr(ag, name)(0.75)
        assert by_method.data == by_function.data == plain
        assert by_method.op == by_function.op == name
        assert type(plain) is float
        assert gradient(by_method, x).data == gradient(by_function, x).data
