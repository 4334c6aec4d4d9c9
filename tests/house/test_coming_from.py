"""Code as it is written for micrograd, its lectures, minitorch, HIPS autograd and DeZero, and what it meets here."""

from __future__ import annotations

import math
import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smooth import last, recipes

import autograd_mini as ag
from autograd_mini import Parameter, StaleValueError, Value

np = pytest.importorskip("numpy")

floats = st.floats(-3, 3)


# --- micrograd: the backward pass by hand ---


def sorted_by_hand(root):
    """The topological order that the lecture writes down."""
    ordered, visited = [], set()

    def visit(v):
        if v not in visited:
            visited.add(v)
            for child in v._prev:
                visit(child)
            ordered.append(v)

    visit(root)
    return ordered


def test_one_node_after_the_other_hands_its_gradient_on():
    x1, x2, w1, w2 = Value(2.0, label="x1"), Value(0.0, label="x2"), Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.8813735870195432, label="b")
    x1w1, x2w2 = x1 * w1, x2 * w2
    both = x1w1 + x2w2
    both.label = "x1*w1 + x2*w2"
    n = both + b
    o = n.tanh()
    assert o.grad == 0.0
    o.grad = 1.0
    o._backward()
    assert n.grad == pytest.approx(0.5)
    n._backward()
    assert both.grad == b.grad == n.grad
    b._backward()  # a leaf has nothing to hand on
    both._backward()
    x2w2._backward()
    x1w1._backward()
    assert [v.grad for v in (x1, w1, x2, w2)] == pytest.approx([-1.5, 1.0, 0.5, 0.0])
    assert (both._op, n._op, o._op) == ("+", "+", "tanh")


def test_a_gradient_is_added_to_what_is_there():
    a = Value(3.0)
    b = a + a
    b.grad = 1.0
    b._backward()
    assert a.grad == 2.0
    b._backward()
    assert a.grad == 4.0
    c = Value(2.0)
    product = a * c
    product.grad = 10.0
    product._backward()
    assert (a.grad, c.grad) == (24.0, 30.0)


@given(recipes(inputs=2, longest=10), floats, floats)
def test_the_loop_over_the_sorted_nodes_gives_what_backward_gives(steps, a, b):
    leaves = [Value(a), Value(b)]
    result = last(steps, leaves)
    result.backward()
    expected = [leaf.grad for leaf in leaves]
    ordered = sorted_by_hand(result)
    for node in ordered:
        node.grad = 0.0
    result.grad = 1.0
    for node in reversed(ordered):
        node._backward()
    assert [leaf.grad for leaf in leaves] == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)


def test_by_hand_or_not_the_nodes_of_choices_and_calls_hand_on_the_same():
    double = ag.custom_gradient(lambda a, b, c: 2 * a + b * c, lambda _, b, c: (2.0, c, b))
    for build in (
        lambda x, y: ag.where(x > y, x * y, y),
        lambda x, y: double(x, y, x),
        lambda x, y: ag.where(True, 3.0, x) * y,
        lambda x, y: ag.maximum(x, x) + ag.hypot(x, y),
    ):
        x, y = Value(2.0), Value(0.5)
        build(x, y).backward()
        expected = (x.grad, y.grad)
        x, y = Value(2.0), Value(0.5)
        root = build(x, y)
        root.grad = 1.0
        for node in reversed(ag.order(root)):
            node._backward()
        assert (x.grad, y.grad) == expected


def test_by_hand_too_an_operand_that_was_assigned_since_is_an_error_and_nothing_changes():
    x, y = Value(2.0), Value(3.0)
    z = x * y
    z.grad = 1.0
    x.data = 5.0
    with pytest.raises(StaleValueError):
        z._backward()
    assert not x.has_grad
    assert not y.has_grad


def test_backward_by_hand_leaves_no_trace_in_a_pass_that_follows():
    x = Value(2.0)
    z = x * x * x
    z.grad = 7.0
    z._backward()
    x.grad = 0.0
    z.backward()
    assert x.grad == 12.0


def test_an_operation_made_by_hand_is_an_error_that_says_the_one_line():
    x = Value(0.5)
    out = x * 1
    for attempt in (
        lambda: setattr(out, "_backward", lambda: None),
        lambda: Value(math.sinh(x.data), (x,), "sinh"),
        lambda: Value(1.0, (x,)),
        lambda: Value(1.0, _children=(x,), _op="sinh"),
    ):
        with pytest.raises((AttributeError, TypeError), match=r"one line.*autograd_mini\.operation\("):
            attempt()
    cube = ag.operation("cube", "x ** 3", "3 * x ** 2")  # the line that the message shows
    cube(x).backward()
    assert x.grad == 0.75


def test_arguments_of_other_engines_are_errors_that_say_what_is_meant_here():
    with pytest.raises(TypeError, match=r"'name'.*label='x'"):
        Value(10, name="x")
    with pytest.raises(TypeError, match=r"requires_grad.*optimiser's list"):
        Value(10, requires_grad=True)
    with pytest.raises(TypeError, match=r"'colour'.*x\.colour = "):
        Value(10, colour="red")
    with pytest.raises(AttributeError, match=r"name.*label"):
        (Value(10.0) * 2).name = "y"
    for setting, hint in {
        "create_graph": r"autograd_mini\.gradient\(y, x\)",
        "retain_graph": "leave it out",
        "d_output": "called gradient",
        "colour": "",
    }.items():
        with pytest.raises(TypeError, match=f"{setting}.*{hint}"):
            (Value(10.0) * 2).backward(**{setting: True})
    for transform in (ag.grad, ag.value_and_grad, ag.jacobian, ag.hessian, ag.hvp):
        with pytest.raises(TypeError, match=rf"^{transform.__name__}\(.*'argnum': it is argnums"):
            transform(lambda x, y: x * y, argnum=1)


@pytest.mark.parametrize("make", [lambda: Value(2.0), lambda: Parameter(2.0), lambda: Value(1.0) * 2])
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("cleargrad", "x.grad = None"),
        ("zero_grad", "x.grad = None"),
        ("derivative", "x.grad"),
        ("is_leaf", "not x.args"),
        ("_children", "x.args"),
        ("creator", "x.op"),
        ("grad_fn", "x.op"),
        ("name", "label"),
    ],
)
def test_a_name_of_another_engine_is_an_error_with_the_line_to_write_and_free_for_leaves(make, name, hint):
    x = make()
    with pytest.raises(AttributeError, match=rf"no attribute '{name}'.*{hint}") as caught:
        getattr(x, name)
    assert (caught.value.name, caught.value.obj) == (name, x)
    assert not hasattr(x, name)
    assert name not in dir(x)
    if not x.args:
        setattr(x, name, "mine")
        assert getattr(x, name) == "mine"
        assert name in dir(x)


def test_second_derivatives_where_others_pass_create_graph():
    x = Value(2.0)
    for _ in range(10):  # Newton's method
        y = x**4 - 2 * x**2
        gx = ag.gradient(y, x)
        gx2 = ag.gradient(gx, x)
        x.data -= gx.data / gx2.data
    assert x.data == 1.0
    x = Value(2.0)
    y = x**2
    (ag.gradient(y, x) ** 3 + y).backward()
    assert x.grad == 100.0


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Adam", r"autograd_mini\.optim\.Adam"),
        ("Variable", r"autograd_mini\.Value"),
        ("Tensor", "a list or an array"),
        ("Function", r"autograd_mini\.operation or autograd_mini\.custom_gradient"),
        ("valeu", "'Value'.* is near"),
    ],
)
def test_an_import_of_a_name_that_is_elsewhere_says_where(name, hint):
    with pytest.raises(ImportError, match=f"cannot import name '{name}' from 'autograd_mini': .*{hint}"):
        exec(f"from autograd_mini import {name}")  # noqa: S102 - written here
    with pytest.raises(AttributeError, match=hint):
        getattr(ag, name)


# --- an optimiser that keeps its state on the parameters, a picture that colours its leaves ---


class Neuron:
    """A neuron as the lectures write it, with a colour for its parameters."""

    def __init__(self, nin, rng):
        self.w = [Value(rng.uniform(-1, 1) * nin**-0.5) for _ in range(nin)]
        self.b = Value(0)
        for p in self.parameters():
            p._vis_color = "lightgreen"

    def __call__(self, x):
        """Return the activation."""
        return sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b).tanh()

    def parameters(self):
        """Return the weights and the bias."""
        return [*self.w, self.b]


class AdamW:
    """AdamW with its moments on the parameters."""

    def __init__(self, parameters, lr, betas=(0.9, 0.95), weight_decay=0.0):
        self.parameters, self.lr, self.betas, self.weight_decay, self.t = parameters, lr, betas, weight_decay, 0
        for p in parameters:
            p.m = 0
            p.v = 0

    def step(self):
        """Move every parameter."""
        self.t += 1
        for p in self.parameters:
            p.m = self.betas[0] * p.m + (1 - self.betas[0]) * p.grad
            p.v = self.betas[1] * p.v + (1 - self.betas[1]) * p.grad**2
            m, v = p.m / (1 - self.betas[0] ** self.t), p.v / (1 - self.betas[1] ** self.t)
            p.data -= self.lr * (m / (v**0.5 + 1e-8) + self.weight_decay * p.data)
            p.grad = 0


def test_a_network_whose_parameters_carry_moments_and_colours_trains():
    rng = random.Random(42)
    neurons = [Neuron(2, rng) for _ in range(4)]
    out = Neuron(4, rng)
    parameters = [p for n in [*neurons, out] for p in n.parameters()]
    optimizer = AdamW(parameters, lr=0.05, weight_decay=1e-4)
    points = [(rng.uniform(-1, 1), rng.uniform(-1, 1)) for _ in range(20)]
    losses = []
    for _ in range(30):
        scores = [out([n(point) for n in neurons]) for point in points]
        loss = sum((s - (1.0 if a * b > 0 else -1.0)) ** 2 for s, (a, b) in zip(scores, points, strict=True))
        loss = loss * (1.0 / len(points))
        loss.backward()
        optimizer.step()
        losses.append(loss.data)
    assert losses[-1] < 0.8 * losses[0]
    assert {p._vis_color for p in parameters} == {"lightgreen"}


# --- minitorch ---


MINITORCH = {
    "neg": (lambda a: -a, lambda a: -a),
    "add a constant": (lambda a: 5 + a, lambda a: 5 + a),
    "cube": (lambda a: a * a * a, lambda a: a**3),
    "divide": (lambda a: a / 5, lambda a: a / 5),
    "inverse": (lambda a: 1.0 / (a + 3.5), lambda a: 1.0 / (a + 3.5)),
    "sigmoid": (lambda a: a.sigmoid(), lambda a: 1 / (1 + math.exp(-a))),
    "log": (lambda a: (a + 100000).log(), lambda a: math.log(a + 100000)),
    "relu": (lambda a: (a + 5.5).relu(), lambda a: max(a + 5.5, 0)),
    "exp": (lambda a: (a - 200).exp(), lambda a: math.exp(a - 200)),
    "all": (
        lambda a: (((a * 10 + 37).relu() * 6 + 5).relu() * 10).sigmoid().log() / 50,
        lambda a: -math.log1p(math.exp(-10 * (6 * max(10 * a + 37, 0) + 5))) / 50,
    ),
}


@pytest.mark.parametrize("name", MINITORCH)
@given(a=floats)
def test_the_functions_that_minitorch_tests_have_their_values_and_derivatives(name, a):
    ours, plain = MINITORCH[name]
    x = Value(a)
    y = ours(x)
    y.backward()
    assert y.data == pytest.approx(plain(a), rel=1e-12, abs=1e-15)
    h = 1e-6
    assert x.grad == pytest.approx((plain(a + h) - plain(a - h)) / (2 * h), rel=1e-3, abs=1e-6)


def test_a_comparison_is_true_or_false_and_where_makes_a_number_of_it():
    a, b = Value(1.0), Value(2.0)
    assert (a < b) is True
    less = ag.where(a < b, 1.0, 0.0) * a
    less.backward()
    assert (less.data, a.grad) == (1.0, 1.0)


# --- HIPS autograd: NumPy's functions of scalars and arrays ---


SCALAR = ["abs", "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sqrt", "square", "sin", "cos", "tan"]
SCALAR += ["arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arctanh", "arccosh", "deg2rad", "rad2deg"]
SCALAR += ["degrees", "radians", "sinc", "reciprocal", "negative", "fabs", "cbrt", "sign", "floor", "ceil", "rint"]
SCALAR += ["trunc", "positive"]
OF_TWO = ("add", "subtract", "multiply", "divide", "power", "arctan2", "hypot", "maximum", "minimum", "fmax", "fmin",
          "logaddexp", "logaddexp2", "float_power", "remainder", "fmod", "heaviside", "floor_divide")  # fmt: skip


def slope(f, x):
    return (f(x + 1e-6) - f(x - 1e-6)) / 2e-6


@pytest.mark.parametrize("name", SCALAR)
def test_numpy_s_functions_of_one_number_have_their_derivative(name):
    function, at = getattr(np, name), 1.3 if name == "arccosh" else 0.3
    x = Value(at)
    y = function(x)
    assert isinstance(y, Value)
    assert y.data == pytest.approx(function(at), rel=1e-15)
    y.backward()
    assert x.grad == pytest.approx(slope(function, at), rel=1e-6, abs=1e-9)
    assert ag.grad(lambda v: np.sum(function(v)))(np.array([at, at])) == pytest.approx([x.grad] * 2)


@pytest.mark.parametrize("name", OF_TWO)
def test_numpy_s_functions_of_two_take_values_numbers_and_arrays_on_either_side(name):
    function = getattr(np, name)
    a, b = 1.7, 0.6
    expected = float(function(a, b))
    dx, dy = slope(lambda x: float(function(x, b)), a), slope(lambda y: float(function(a, y)), b)
    for x, y in (
        (Value(a), Value(b)),
        (a, Value(b)),
        (Value(a), b),
        (np.float64(a), Value(b)),
        (Value(a), np.float64(b)),
    ):
        z = function(x, y)
        assert isinstance(z, Value)
        assert z.data == pytest.approx(expected, rel=1e-14)
        z.backward()
        for operand, partial in ((x, dx), (y, dy)):
            if isinstance(operand, Value):
                assert operand.grad == pytest.approx(partial, rel=1e-5, abs=1e-8)
    array = np.array([a, 2 * a])
    for argnum, whole in ((1, function(array, Value(b))), (0, function(Value(a), np.array([b, b / 2])))):
        assert whole.shape == (2,)
        assert all(isinstance(v, Value) for v in whole), argnum
    gradients = ag.grad(lambda x, y: np.sum(function(x, y)), (0, 1))(array, np.array([b, b]))
    assert [gradients[0][0], gradients[1][0]] == pytest.approx([dx, dy], rel=1e-5, abs=1e-8)
    assert ag.grad(lambda y: np.sum(function(array, y)))(np.array([b, b]))[0] == pytest.approx(dy, rel=1e-5, abs=1e-8)


def test_numpy_s_questions_outputs_and_selections_work_on_values():
    x, numbers = Value(2.0), np.array([1.0, 2.0])
    assert (np.isnan(x), np.isfinite(x), np.isinf(Value(math.inf)), np.signbit(-x)) == (False, True, True, True)
    assert list(np.less(numbers, x)) == [True, False]
    assert np.isfinite(numbers * x).dtype == bool
    assert [part.data for part in np.divmod(Value(7.0), 2.0)] == [3.0, 1.0]
    assert (np.copysign(x, -1.0).data, np.copysign(3.0, -x)) == (-2.0, -3.0)
    room = np.zeros(2, dtype=object)
    assert np.hypot(numbers, x, out=room) is room
    assert room[0].data == pytest.approx(math.sqrt(5))
    chosen = np.arctan2(numbers, x, where=np.array([True, False]), out=np.zeros(2, dtype=object))
    assert (chosen[0].data, chosen[1]) == (math.atan2(1.0, 2.0), 0)
    total = (
        np.sum(np.maximum(numbers, x))
        + np.dot(numbers, numbers * x)
        + np.mean([x, x])
        + np.einsum("i,i->", numbers, numbers * x)
    )
    total.backward()
    assert total.data == pytest.approx(4.0 + 10.0 + 2.0 + 10.0)
    assert np.clip(x, 0.0, 1.5).data == 1.5
    assert np.where(True, x, 0.0)[()] is x
    assert repr(numbers * Value(1.0)).startswith("array(")


def test_an_array_without_dimensions_takes_part_as_its_value():
    assert ag.grad(lambda x: x * x + np.arctan2(1.0, x))(np.array(2.0)) == pytest.approx(4.0 - 0.2)


def test_numpy_itself_is_not_imported_by_the_core():
    code = "import sys, autograd_mini as ag; x = ag.Value(1.0); (x * 2).exp().backward(); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_value_in_an_array_of_floats_is_an_error_that_names_dtype_object():
    numbers, x = np.zeros(2), Value(1.0)
    with pytest.raises(TypeError, match="dtype=object"):
        numbers[0] = x
    with pytest.raises(TypeError, match="dtype=object"):
        numbers += x
    with pytest.raises(TypeError, match="dtype=object"):
        np.exp(x, out=numbers)
    assert list(numbers) == [0.0, 0.0]


def test_functions_take_arrays_element_by_element():
    numbers, x = np.array([[0.5, 2.0], [1.0, 3.0]]), Value(2.0)
    assert ag.exp(numbers).dtype == np.float64
    assert ag.exp(numbers).tolist() == [[ag.exp(v) for v in row] for row in numbers.tolist()]
    assert ag.log(np.array([1, 2])).tolist() == [0.0, math.log(2)]
    assert ag.exp(np.array([0.5])).shape == (1,)
    assert type(ag.exp(np.array(0.5))) is float
    mixed = ag.tanh(np.array([x, 0.5]))
    assert isinstance(mixed[0], Value)
    assert type(mixed[1]) is float
    angles = ag.atan2(numbers, x)
    assert (angles.shape, angles[1, 1].data) == ((2, 2), math.atan2(3.0, 2.0))
    assert ag.maximum(x, numbers)[0, 0].data == 2.0
    sum(ag.exp(np.array([x, x]))).backward()
    assert x.grad == pytest.approx(2 * math.exp(2))
    for wrong, message in ((np.array(["a"]), "U1"), (np.array([1j]), "complex128"), ([1.0], r"np\.array\(x\)")):
        with pytest.raises(TypeError, match=message):
            ag.exp(wrong)


# --- DeZero: functions of two numbers from optimisation ---


def goldstein(x, y):
    return (1 + (x + y + 1) ** 2 * (19 - 14 * x + 3 * x**2 - 14 * y + 6 * x * y + 3 * y**2)) * (
        30 + (2 * x - 3 * y) ** 2 * (18 - 32 * x + 12 * x**2 + 48 * y - 36 * x * y + 27 * y**2)
    )


@pytest.mark.parametrize("number", [1.0, np.float64(1.0), np.array(1.0)])
def test_the_goldstein_price_function_has_its_gradient(number):
    x, y = Value(number), Value(number)
    goldstein(x, y).backward()
    assert (x.grad, y.grad) == (-5376.0, 8064.0)


# --- mistakes that were silent, or had no hint ---


def test_a_result_that_lost_its_variable_by_data_is_a_warning_on_the_line_that_called():
    def helper(x):
        return x.item() * 2

    for f in (lambda x: x.data * 2, helper):
        with pytest.warns(ag.DiagnosisWarning, match=r"grad\(f\) is 0.*stop_gradient") as caught:
            assert ag.grad(f)(3.0) == 0.0
        assert caught[0].filename == __file__
    with pytest.warns(ag.DiagnosisWarning, match="hessian"):
        ag.hessian(lambda p: p[0].data)([1.0])


def test_reading_data_along_the_way_and_constants_are_no_mistake():
    seen = []
    assert ag.grad(lambda x: (seen.append(x.data), x * 2)[1])(3.0) == 2.0
    assert ag.grad(lambda x: 3.0)(3.0) == 0.0  # noqa: ARG005
    assert ag.grad(lambda x: ag.stop_gradient(x) * 2)(3.0) == 0.0
    assert ag.grad(lambda x: x if x.data > 0 else 0.0)(3.0) == 1.0
    assert seen == [3.0]


def test_a_power_written_as_in_mathematics_gets_a_hint():
    with pytest.raises(TypeError, match=r"x \*\* 2"):
        Value(2.0) ^ 2
    with pytest.raises(TypeError, match=r"x \*\* 2"):
        2 ^ Value(2.0)
    with pytest.raises(ag.FormulaError, match=r"a power is written 'x \*\* 2'"):
        ag.operation("squared", "x ^ 2", "2 * x")


def test_a_formula_without_names_is_refused_in_whole_sentences():
    from autograd_mini.engine.formula import parse

    with pytest.raises(ag.FormulaError, match=r"it may use numbers, \+ - \* /"):
        parse("q(1)", ())


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Adam", "it is autograd_mini.optim.Adam"),
        ("arcsin", "it is autograd_mini.asin"),
        ("Valeu", "'Value'"),
        ("tanhh", "'tanh'"),
        ("adam", "'optim.Adam'"),
        ("check_grad", "it is autograd_mini.testing.check_grad"),
    ],
)
def test_a_name_that_is_not_here_is_an_error_that_says_where_it_is(name, hint):
    with pytest.raises(AttributeError, match=f"no attribute '{name}'.*{hint}"):
        getattr(ag, name)
    assert not hasattr(ag, "__wrapped__")


def test_a_parameter_carries_what_an_optimiser_of_ones_own_keeps():
    p = Parameter(1.0)
    p.velocity = 0.0
    p.velocity = 0.9 * p.velocity - 0.1
    assert p.velocity == -0.1
