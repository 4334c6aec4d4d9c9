"""Graphs as LaTeX and as SymPy's expressions."""

from __future__ import annotations

import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from smooth import last, recipes

import autograd_mini as ag
from autograd_mini import Value, gradient
from autograd_mini.engine.ops import TABLE
from autograd_mini.notation import latex, sympy
from autograd_mini.notation.tex import apply, constant, symbol
from autograd_mini.transforms import custom_gradient

BUILTIN = sorted(name for name, row in TABLE.items() if row.builtin)


def labelled(*labels, data=0.5):
    return [Value(data, label=label) for label in labels]


def applied(name):
    """Return an operation inside its domain, and its operands."""
    row = TABLE[name]
    operands = [
        Value(low + 0.4 * (high - low), label=label) for label, (low, high) in zip("xy", row.domain, strict=False)
    ]
    return getattr(ag.functions.ON_VALUES, name)(*operands), operands


# --- LaTeX ----------------------------------------------------------------------------------------------------------


def balanced(text):
    r"""Return whether braces, and \left with \right, match."""
    depth = 0
    for letter in text.replace("\\{", "").replace("\\}", ""):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if depth < 0:
            return False
    return depth == 0 and text.count("\\left") == text.count("\\right") and text.count("(") == text.count(")")


@given(recipes(inputs=2, longest=15))
def test_every_formula_and_its_derivative_are_balanced(steps):
    leaves = labelled("x", "y")
    y = last(steps, leaves)
    for text in (latex(y), latex(y, leaves[0], limit=5000)):
        assert balanced(text)


@pytest.mark.parametrize("name", BUILTIN)
def test_every_row_of_the_table_and_its_derivative_can_be_read(name):
    y, operands = applied(name)
    assert balanced(latex(y))
    for operand in operands:
        assert balanced(latex(y, operand))
    assert "x" in latex(y)


def test_a_neuron_reads_well():
    x1, x2, w1, w2, b = labelled("x1", "x2", "w1", "w2", "b")
    assert latex(ag.tanh(sum(w * x for w, x in ((w1, x1), (w2, x2))) + b)) == r"\tanh(w_{1} x_{1} + w_{2} x_{2} + b)"


def test_a_softmax_reads_well():
    logits = labelled("z1", "z2", data=0.0)
    assert latex(ag.softmax(logits)[0]) == r"\frac{e^{z_{1}}}{e^{z_{1}} + e^{z_{2}}}"


def test_a_logistic_loss_and_its_derivative_read_well():
    t, w, x = labelled("t", "w", "x")
    loss = ag.softplus(-(t * w * x))
    assert latex(loss) == r"\operatorname{softplus}(-t w x)"
    assert latex(loss, w) == r"-\sigma(-t w x) x t"


def test_a_cross_entropy_names_what_it_shares():
    t, w, x = labelled("t", "w", "x")
    p = ag.sigmoid(w * x + 1)
    p.label = "p"
    loss = -(t * ag.log(p) + (1 - t) * ag.log(1 - p))
    assert latex(loss) == (
        "\\begin{aligned}\np &= \\sigma(w x + 1) \\\\\ny &= -(t \\log(p) + (1 - t) \\log(1 - p))\n\\end{aligned}"
    )


def test_shared_nodes_are_written_once_so_the_length_stays_in_proportion():
    (x,) = labelled("x")
    y = x
    for _ in range(60):
        y = y * y
    assert len(latex(y)) < 3000


@pytest.mark.parametrize(("build", "expected"), [
    (lambda x: 0 + 1 * x, "x"),
    (lambda x: x * -1.0, "-x"),
    (lambda x: -(x * -1), "x"),
    (lambda x: x - -x, "x + x"),
    (lambda x: x - (x - 1), "x - (x - 1)"),
    (lambda x: 2 * (3 * x), "6 x"),
    (lambda x: x * 0.5, "0.5 x"),
    (lambda x: x / -2, r"-\frac{x}{2}"),
    (lambda x: x / 2 / 3, r"\frac{x}{6}"),
    (lambda x: x**1, "x"),
    (lambda x: x**-2, r"\frac{1}{x^{2}}"),
    (lambda x: x**0.5, r"\sqrt{x}"),
    (lambda x: (-x) ** 2, "(-x)^{2}"),
    (lambda x: (x + 1) ** 2, "(x + 1)^{2}"),
    (lambda x: (x + 1) * x, "(x + 1) x"),
    (lambda x: x * x, "x^{2}"),
    (lambda x: 1e-12 * x, r"10^{-12} \cdot x"),
    (lambda x: 1.5e9 * x, r"1.5 \cdot 10^{9} \cdot x"),
    (lambda x: ag.exp(x) ** 2, r"\left(e^{x}\right)^{2}"),
    (lambda x: 1 - x, "1 - x"),
    (lambda x: -x + 1, "1 - x"),
    (lambda x: ag.where(x > 0, x**2, 3.0), "x^{2}"),
    (lambda x: ag.where(x < 0, x**2, 3.0) + x, "3 + x"),
    (lambda x: x * Value(2.0), r"x \cdot 2"),
    (lambda x: x * 0.0 + 1, "1"),
    (lambda x: x + float("inf"), r"x + \infty"),
])  # fmt: skip
def test_the_trivial_is_simplified_and_the_rest_keeps_its_brackets(build, expected):
    assert latex(build(*labelled("x"))) == expected


def test_derivatives_are_formulas_too():
    (x,) = labelled("x")
    slope = gradient(x**3, x)
    assert (latex(slope), latex(gradient(slope, x)), latex(x**3, wrt=x)) == ("3 x^{2}", "6 x", "3 x^{2}")


@pytest.mark.parametrize(("label", "expected"), [
    ("x", "x"), ("x1", "x_{1}"), ("w_12", "w_{12}"), ("w_ij", "w_{ij}"),
    ("alpha", r"\alpha"), ("theta1", r"\theta_{1}"),
    ("loss", r"\mathrm{loss}"), ("layer0/w[1]", r"\text{layer0/w[1]}"), ("50%", r"\text{50\%}"), ("é", r"\text{é}"),
    ("a_b_c", r"\text{a\_b\_c}"), ("\\x{}", r"\text{\textbackslash{}x\{\}}"), ("x_", "x"),
])  # fmt: skip
def test_labels_become_symbols(label, expected):
    assert str(symbol(label)) == expected


def test_names_stand_in_for_labels_and_leaves_without_one_are_numbers():
    x, w = Value(2.0), Value(0.5)
    assert latex(x * w) == r"2 \cdot 0.5"
    assert latex(x * w, names={x: "x"}) == r"x \cdot 0.5"
    inner = ag.exp(x)
    assert latex(inner * inner, names={inner: "u"}) == "u^{2}"


def test_an_own_operation_and_an_own_derivative_are_called_by_name():
    (x,) = labelled("x")
    cube = ag.operation("cube_for_reading", "x * x * x", "3 * x * x")
    assert latex(cube(x)) == r"\operatorname{cube\_for\_reading}(x)"

    def solve(a, b, c):
        return a + b + c

    assert latex(custom_gradient(solve, solve)(x, *labelled("b", "c"))) == r"\operatorname{solve}(x, b, c)"


def test_what_cannot_be_read_is_refused():
    x, twin = labelled("x", "x")
    with pytest.raises(ValueError, match="both called 'x'"):
        latex(x + twin)
    y = x
    for _ in range(300):
        y = y + 1
    with pytest.raises(ValueError, match=r"has 300 operations, expected at most limit=200"):
        latex(y)
    with pytest.raises(TypeError, match=r"y is 3\.0 of type float, expected a Value"):
        latex(3.0)


def test_products_of_numbers_are_multiplied_out():
    assert str(apply("mul", [constant(2.0), constant(-3.0)])) == "-6"
    assert str(apply("mul", [constant(0.5), apply("mul", [constant(2.0), symbol("x")])])) == "x"


# --- SymPy ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted({*BUILTIN} - {"round"}))
def test_every_row_of_the_table_has_its_value_in_sympy(name):
    pytest.importorskip("sympy")
    y, operands = applied(name)
    formula = sympy(y)
    numbers = {s: next(o.data for o in operands if o.label == s.name) for s in formula.free_symbols}
    assert float(formula.subs(numbers)) == pytest.approx(y.data, rel=1e-12)


@given(recipes(inputs=2, longest=6), st.tuples(*[st.floats(-2, 2).map(lambda x: round(x, 2))] * 2))
def test_random_programs_and_their_derivatives_have_their_values_in_sympy(steps, numbers):
    pytest.importorskip("sympy")
    leaves = [Value(number, label=label) for number, label in zip(numbers, "xy", strict=True)]
    y = last(steps, leaves)
    slope = gradient(y, leaves[0])
    assume(abs(slope.data) < 1e6)
    for node in (y, slope):
        formula = sympy(node)
        found = formula.subs({s: {"x": numbers[0], "y": numbers[1]}[s.name] for s in formula.free_symbols})
        assert float(found) == pytest.approx(node.data, rel=1e-7, abs=1e-9)


def test_sympy_differentiates_to_the_same_derivative():
    algebra = pytest.importorskip("sympy")
    x, w = labelled("x", "w")
    y = ag.tanh(w * x**2)
    symbol_x = algebra.Symbol("x", real=True)
    difference = sympy(y).diff(symbol_x) - sympy(y, wrt=x)
    assert float(difference.subs({symbol_x: 0.3, algebra.Symbol("w", real=True): 0.7})) == pytest.approx(0.0, abs=1e-15)


def test_without_sympy_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(ModuleNotFoundError, match=r"autograd_mini\[sympy\]"):
        sympy(Value(1.0))


def test_a_notebook_shows_a_formula_as_mathematics():
    x = Value(2.0, label="x")
    assert latex(x**2)._repr_latex_() == r"$\displaystyle x^{2}$"
    assert isinstance(latex(x**2), str)


def test_the_weights_of_a_network_are_written_as_textbooks_have_them():
    w, b = Value(2.0, label="w[1][2][3]"), Value(1.0, label="b[1][2]")
    assert latex(w * w + b) == "{w_{23}^{[1]}}^{2} + {b_{2}^{[1]}}"
    assert latex(Value(1.0, label="w[1][2][10]") * 2) == "2 {w_{2,10}^{[1]}}"
