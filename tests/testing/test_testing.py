"""The derivative checker, used as its users use it."""

# ruff: noqa: ARG005 - a constant function takes an argument that it does not need

from __future__ import annotations

import math
import subprocess
import sys
import warnings
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_mini.testing import (
    GradientError,
    UnresolvedGradientWarning,
    assert_grad,
    assert_hess,
    check_grad,
    check_hess,
    gradtest,
    logspan,
)
from autograd_mini.testing.problem import BudgetSpentError, Callee

coefficients = st.floats(-1e3, 1e3).filter(lambda c: abs(c) > 1e-3)
places = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6)
mistakes = st.sampled_from([-1.0, 2.0, 0.5, 1.001, 1.00001, 0.0, 100.0])


@settings(max_examples=60, deadline=None)
@given(coefficients, coefficients, places)
def test_a_right_derivative_is_never_called_wrong(a, b, x):
    report = check_grad(lambda t: a * t**2 + b * t, lambda t: 2 * a * t + b, at=x)
    assert report.verdict != "wrong", str(report)


@settings(max_examples=60, deadline=None)
@given(coefficients, st.floats(-20, 20).filter(lambda x: abs(x) > 1e-2), mistakes)
def test_a_wrong_derivative_is_called_wrong(a, x, mistake):
    report = check_grad(lambda t: a * math.exp(t / 10), lambda t: mistake * a / 10 * math.exp(t / 10), at=x)
    assert report.verdict == "wrong"


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 20), mistakes, st.integers(0, 2**32))
def test_one_wrong_partial_among_many_is_found_and_named(count, mistake, seed):
    rng = Random(seed)
    weights = [rng.uniform(0.5, 2) for _ in range(count)]
    point = [rng.uniform(0.5, 2) for _ in range(count)]
    bad = rng.randrange(count)

    def f(x):
        return sum(w * v * v for w, v in zip(weights, x, strict=True))

    def df(x):
        return [2 * w * v * (mistake if i == bad else 1) for i, (w, v) in enumerate(zip(weights, x, strict=True))]

    report = check_grad(f, df, at=point)
    assert report.verdict == "wrong"
    assert report.witness.wrt == f"x[{bad}]"


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_the_same_seed_gives_the_same_report(seed):
    def once():
        return str(
            check_grad(lambda x, y: math.sin(x * y), lambda x, y: (math.cos(x * y), 0.0), at=(1.2, 3), seed=seed)
        )

    assert once() == once()


@pytest.mark.parametrize("x", [-3.0, -1e-3, 0.0, 1e-3, 7.0])
def test_a_kink_accepts_every_subgradient_and_nothing_else(x):
    for claim, verdict in ((0.0, "correct"), (0.4, "correct"), (1.0, "correct"), (1.5, "wrong"), (-0.5, "wrong")):
        report = check_grad(lambda t: max(t, 0.0), lambda t, c=claim: c if t == 0 else float(t > 0), at=x)
        assert report.verdict == (verdict if x == 0 else "correct")


@pytest.mark.parametrize("claim", [5.0, math.nan, math.inf])
def test_a_claim_wrong_at_one_point_only_is_found_there(claim):
    report = check_grad(math.sin, lambda x: claim if x == 1 else math.cos(x), at=1.0)
    assert report.verdict == "wrong"
    assert report.witness.point == (1.0,)
    assert report.cause_kind in {"point", "not finite"}


@pytest.mark.parametrize("power", [2, 3, 8, 16, 32])
def test_a_high_power_is_resolved_at_its_zero(power):
    assert check_grad(lambda x: x**power, lambda x: power * x ** (power - 1), at=0.0).ok
    for mistake in (1.001, -1, 2):
        assert (
            check_grad(lambda x: x**power, lambda x, m=mistake: m * power * x ** (power - 1), at=0.0).verdict == "wrong"
        )


def test_a_zero_slope_is_missed_by_no_claim_at_that_point_alone():
    assert check_grad(lambda x: x * x, lambda x: 5.0 if x == 0 else 2 * x, at=0.0).verdict == "wrong"


def test_a_bug_on_one_side_of_a_domain_is_found_and_its_border_named():
    report = check_grad(
        lambda x, y: x * y + math.sin(x),
        lambda x, y: (y + (math.cos(x) if x > -1 else 0), x),
        domain={"x": (-3, 3), "y": (-2, 2)},
    )
    assert report.verdict == "wrong"
    assert report.witness.region == "wrong wherever x < -1.0"
    assert "missing the term cos(x)" in report.cause
    assert report.witness.others == {"y": "ok"}


def test_a_domain_may_span_decades_and_reports_its_coverage():
    report = check_grad(math.log, lambda x: 1 / x, domain=[logspan(1e-6, 1e6)])
    assert report.ok
    assert report.coverage == pytest.approx(1.0)
    assert report.resolution < 1e-5


def test_a_domain_may_be_a_strategy():
    assert check_grad(lambda x: x**3, lambda x: 3 * x**2, domain={"x": st.floats(-2, 2)}).ok
    assert check_grad(lambda x: x**3, lambda x: 2 * x**2, domain={"x": st.floats(-2, 2)}).verdict == "wrong"


def test_part_of_a_domain_where_f_raises_is_no_error_and_is_not_counted_as_covered():
    report = check_grad(math.sqrt, lambda x: 0.5 / math.sqrt(x), domain={"x": (-1, 3)})
    assert report.ok
    assert report.coverage < 0.9


def test_a_gradient_that_is_no_number_on_a_part_of_the_domain_is_wrong():
    report = check_grad(math.exp, lambda x: math.exp(x) if x < 1 else math.inf, domain={"x": (-2, 3)})
    assert report.verdict == "wrong"
    assert report.cause_kind == "not finite"


def test_without_a_place_points_of_many_scales_are_searched():
    assert check_grad(math.sin, math.cos).ok
    assert check_grad(lambda x: x**2, lambda x: 2 * x if x < 3 else 2.1 * x).verdict == "wrong"


@pytest.mark.parametrize(
    ("kind", "f", "df"),
    [
        ("sign", lambda x, y: x * y * y, lambda x, y: (-y * y, 2 * x * y)),
        ("factor", lambda x, y: x * x * y, lambda x, y: (x * y, x * x)),
        ("swap", lambda x, y: x * x * y, lambda x, y: (x * x, 2 * x * y)),
        ("exponent", lambda x, y: x**3 * y, lambda x, y: (3 * x * y, x**3)),
        ("missing term", lambda x, y: x * y + math.exp(x), lambda x, y: (y, x)),
        ("zero", lambda x, y: x * y, lambda x, y: (0.0, x)),
    ],
)
def test_the_cause_of_a_usual_mistake_is_named(kind, f, df):
    assert check_grad(f, df, at=(1.3, 0.7)).cause_kind == kind


def test_the_message_has_all_that_is_needed_to_fix_the_derivative():
    with pytest.raises(GradientError) as caught:
        assert_grad(lambda x, y: x * y + math.sin(x), lambda x, y: (y, x), at=(0.91, 1.73))
    lines = str(caught.value).splitlines()
    assert lines[0] == "df/dx is wrong"
    assert lines[1].startswith("  at   x=0.9, y=")
    assert lines[2].startswith("       claimed   df/dx = ")
    assert lines[3].startswith("       measured  df/dx = ")
    assert lines[4] == "  other partials: d/dy ok"
    assert lines[5] == "  likely cause: the claim is missing the term cos(x)"
    assert lines[6].endswith("gradient calls, seed 0")


def test_outputs_may_be_several_and_the_wrong_one_is_named():
    good = check_grad(lambda x, y: (x * y, 1e9 * x + y), lambda x, y: ((y, x), (1e9, 1)), at=(1, 2))
    assert good.ok
    bad = check_grad(lambda x, y: (1e9 * x * y, x + y), lambda x, y: ((1e9 * y, 1e9 * x), (1, 1.001)), at=(1, 2))
    assert str(bad).startswith("df[1]/dy is wrong")


def test_second_derivatives_are_checked_against_first_ones():
    f, df = (lambda x, y: x * x * y), (lambda x, y: (2 * x * y, x * x))
    assert assert_hess(f, df, lambda x, y: ((2 * y, 2 * x), (2 * x, 0)), at=(1.5, 0.3)).ok
    assert check_hess(f, df, lambda x, y: ((2 * y, 2 * x), (x, 0)), at=(1.5, 0.3)).verdict == "wrong"


def test_noise_is_no_error_and_an_error_above_it_is_found():
    def noisy(x):
        return x * x + 1e-12 * math.sin(1e17 * x)

    assert check_grad(noisy, lambda x: 2 * x, at=3.0).ok
    assert check_grad(noisy, lambda x: 2 * x * (1 + 1e-7), at=3.0).verdict == "wrong"


def test_a_staircase_of_rounding_is_no_error():
    for x in (1e-15, 1e-16, 1e-17, 1e-18):
        assert check_grad(lambda t: (1 + t) - 1, lambda t: 1.0, at=x).verdict != "wrong"


def test_a_jump_of_f_is_no_error():
    for x in (1.9, 2.0, 2.5):
        assert check_grad(lambda t: math.floor(t) + t * t, lambda t: 2 * t, at=x).verdict == "correct"


@pytest.mark.parametrize("x", [1.0, 1.00001, 1.001])
def test_a_steep_sigmoid_is_looked_at_where_it_is_steep(x):
    def f(t):
        return 0.5 * (1 + math.tanh(5e4 * (t - 1)))

    def df(t):
        return 2.5e4 / math.cosh(min(300, abs(5e4 * (t - 1)))) ** 2

    assert check_grad(f, df, at=x).verdict == "correct"
    assert check_grad(f, lambda t: 1.001 * df(t), at=x).verdict == "wrong"


@pytest.mark.parametrize(
    ("returned", "part"),
    [((1.0,), "returned 1 number, expected 2"), (None, "returned None"), ("a", "returned 'a'"), (object(), "object")],
)
def test_a_gradient_of_the_wrong_shape_is_explained(returned, part):
    report = check_grad(lambda x, y: x * y, lambda x, y: returned, at=(1, 2))
    assert report.verdict == "wrong"
    assert part in str(report)


def test_a_gradient_that_raises_is_wrong_and_so_is_one_of_a_function_that_raises():
    def fails(*_):
        raise RuntimeError("no")

    report = check_grad(lambda x: x * x, fails, at=2.0)
    assert report.verdict == "wrong"
    assert str(report).startswith("the derivative cannot be evaluated\n  df raised RuntimeError: no at x=2.0\n")
    assert report.calls.g < 20
    for options in ({"at": 2.0}, {"domain": {"x": (-1, 1)}}, {}):
        report = check_grad(fails, lambda x: x, **options)
        assert report.verdict == "wrong"
        assert "f raised RuntimeError: no" in str(report)
        with pytest.raises(GradientError, match="the function cannot be evaluated"):
            assert_grad(fails, lambda x: x, **options)


def test_a_gradient_that_raises_at_one_point_says_so_first():
    report = check_grad(lambda x: abs(x) * x, lambda x: 2 * abs(x) if x else {}["slope"], at=0.0)
    assert (report.verdict, report.cause_kind) == ("wrong", "raised")
    assert str(report).startswith("df raised KeyError: 'slope'\n  at   x=0.0   (only at x = 0.0)\n")
    assert "is wrong" not in str(report)
    assert "claimed" not in str(report)


@pytest.mark.parametrize("options", [{"at": 1.0}, {"at": (1.0, 2.0, 3.0)}, {"domain": [(0, 1)]}])
def test_an_argument_too_few_or_too_many_is_an_error_of_the_call(options):
    with pytest.raises(TypeError, match=r"f is a function of \(x, y\), expected one of [13] argument"):
        check_grad(lambda x, y: x * y, lambda x, y: (y, x), **options)
    with pytest.raises(TypeError, match=r"df is a function of \(x\), expected one of 2 arguments"):
        check_grad(lambda x, y: x * y, lambda x: x, at=(1.0, 2.0))


def test_a_function_that_fails_at_the_point_to_check_is_not_passed_by_its_neighbours():
    def holed(x):
        if x == 1.0:
            raise ZeroDivisionError("x - 1")
        return x * x

    assert check_grad(holed, lambda x: 2 * x, at=1.5).ok
    assert "f raised ZeroDivisionError: x - 1 at x=1.0" in str(check_grad(holed, lambda x: 2 * x, at=1.0))


def weights_and_bias(np):
    X, t = np.random.default_rng(0).normal(size=(4, 2)), np.ones(4)

    def loss(w, b):
        return ((X @ w + b - t) ** 2).mean()

    def gradient(w, b):
        r = (X @ w + b - t) / 2
        return X.T @ r, r.sum()

    return loss, gradient


def test_several_arguments_may_be_arrays_and_lists():
    np = pytest.importorskip("numpy")
    loss, gradient = weights_and_bias(np)
    w, b = np.array([0.1, 0.2]), 0.3
    assert assert_grad(loss, gradient, at=(w, b)).ok
    assert assert_grad(loss, gradient, at={"b": b, "w": w}).ok
    assert assert_grad(loss, lambda w, b: dict(zip("wb", gradient(w, b), strict=True)), at=(w, b)).ok
    report = check_grad(loss, lambda w, b: (0 * w, 0.0), at=(w, b))
    assert (report.verdict, report.cause_kind) == ("wrong", "zero")
    assert "w[0]=0.1, w[1]=0.2, b=0.3" in str(report)
    assert check_grad(lambda p, q: p[0] * q[1][0], lambda p, q: ([q[1][0]], [0.0, [p[0]]]), at=([2.0], [5.0, [3.0]])).ok


def test_the_numbers_of_a_matrix_are_named_by_row_and_column():
    np = pytest.importorskip("numpy")
    report = check_grad(lambda w: (w**2).sum(), lambda w: 2 * w + np.array([[0, 0, 0], [0, 0, 1]]), at=np.ones((2, 3)))
    assert report.verdict == "wrong"
    assert "df/dw[1,2] is wrong" in str(report)


def test_results_may_be_integers_booleans_or_complex_outside_the_domain():
    assert check_grad(lambda x: 3, lambda x: 0, at=2).ok
    assert check_grad(lambda x: x**1.5, lambda x: 1.5 * x**0.5, domain={"x": (-1, 2)}).verdict == "correct"


def test_numpy_arrays_go_in_and_come_out():
    numpy = pytest.importorskip("numpy")
    assert check_grad(lambda a: (a**2).sum(), lambda a: 2 * a, at=numpy.ones(20)).ok
    assert check_grad(lambda a: (a**3).sum(), lambda a: 3 * a**2, at=numpy.ones((2, 3), dtype=numpy.float32)).ok
    report = check_grad(lambda a: (a**2).sum(), lambda a: a, at=numpy.ones(20))
    assert report.verdict == "wrong"
    assert report.calls.f < 1200  # with all twenty wrong partials listed
    assert report.wrong == "all of a"
    assert check_grad(lambda x: numpy.float64(x) ** 2, lambda x: numpy.array(2 * x), at=1.5).ok


def test_torch_functions_are_differentiated_by_torch():
    torch = pytest.importorskip("torch")
    assert check_grad(lambda x: (x**2).sum(), at=torch.ones(3, dtype=torch.float64)).ok
    assert check_grad(lambda x: (x**2).sum(), lambda x: x, at=torch.ones(3, dtype=torch.float64)).verdict == "wrong"
    assert check_grad(lambda x: torch.sin(x).sum(), at=torch.ones(3)).verdict == "correct"


def test_jax_functions_are_differentiated_by_jax_in_single_precision_too():
    jax = pytest.importorskip("jax")
    assert check_grad(lambda x: jax.numpy.sin(x).sum(), at=jax.numpy.ones(3)).ok
    assert check_grad(lambda x: (x**2).sum(), lambda x: 2.01 * x, at=jax.numpy.ones(3)).verdict == "wrong"


@pytest.mark.parametrize("kind", ["torch", "jax", "numpy"])
def test_several_arrays_in_a_tuple_or_by_name_are_passed_as_they_are(kind):
    library = pytest.importorskip(kind)
    np = {"jax": lambda: library.numpy}.get(kind, lambda: library)()
    w, b = np.asarray([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]]), np.asarray([0.3, 0.7])

    def loss(w, b):
        return (w.sum(1) * b).sum() + (w**2).sum()

    def gradient(w, b):
        return b[:, None] + 2 * w, w.sum(1)

    for at in ((w, b), {"w": w, "b": b}):
        assert check_grad(loss, gradient, at=at).ok
    report = check_grad(loss, lambda w, b: (gradient(w, b)[0], 2 * w.sum(1)), at=(w, b))
    assert (report.verdict, report.witness.wrt[:2]) == ("wrong", "b[")
    if kind != "numpy":
        assert check_grad(loss, at=(w, b)).ok, "by the library itself"


def test_a_list_of_lists_goes_in_as_one():
    def f(rows):
        return rows[0][0] * rows[1][1] + rows[0][1]

    assert check_grad(f, lambda rows: [[rows[1][1], 1], [0, rows[0][0]]], at=[[2.0, 3.0], [5.0, 7.0]]).ok
    report = check_grad(f, lambda rows: [[rows[1][1], 1], [1, rows[0][0]]], at=[[2.0, 3.0], [5.0, 7.0]])
    assert report.witness.wrt == "rows[1][0]"


def test_an_array_of_single_precision_is_checked_as_finely_as_it_computes():
    numpy = pytest.importorskip("numpy")
    point = numpy.ones(3, dtype=numpy.float32)
    report = check_grad(lambda x: numpy.sin(x).sum(), numpy.cos, at=point)
    assert report.ok
    assert 1e-8 < report.resolution < 1e-2
    report = check_grad(lambda x: numpy.sin(x).sum(), lambda x: 1.01 * numpy.cos(x), at=point)
    assert report.verdict == "wrong"


def test_many_inputs_cost_no_more_than_a_few():
    def calls(count):
        return check_grad(lambda x: sum(v * v for v in x), lambda x: [2 * v for v in x], at=[0.5] * count).calls

    assert calls(200).g == calls(20).g
    assert calls(200).f == calls(20).f


def test_a_function_is_called_once_a_point_and_its_faults_are_kept():
    def odd(point):
        if point == (1.0,):
            raise RuntimeError("no")
        return [2.0]

    f = Callee(odd, budget=2)
    assert [f((0.0,)), f((0.0,)), f((1.0,)), f((1.0,))] == [[2.0], [2.0], None, None]
    assert (f.calls, [fault.where for fault in f.faults]) == (2, [(1.0,)])
    with pytest.raises(BudgetSpentError):
        f((2.0,))


def test_a_budget_is_kept_and_never_passes_silently():
    def chaotic(x):
        return math.sin(1e9 * x * x) * math.exp(math.cos(1e7 * x))

    report = check_grad(chaotic, lambda x: 1.0, domain={"x": (-5, 5)}, budget="quick", explained=False)
    assert report.calls.f <= 600
    assert report.calls.g <= 2000
    assert not report.ok


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"at": "here"}, TypeError),
        ({"at": math.nan}, ValueError),
        ({"at": {"z": 1}}, ValueError),
        ({"at": {"z": 1}, "wrt": "y"}, ValueError),
        ({"at": 1, "wrt": "y"}, ValueError),
        ({"at": 1, "domain": {"z": (0, 1)}}, ValueError),
        ({"at": [1.0, 2.0], "domain": [(0, 1), (0, 1), (0, 1)]}, ValueError),
        ({"domain": {"x": (1, 1)}}, ValueError),
        ({"domain": {"y": (0, 1)}}, ValueError),
        ({"domain": {"x": 3}}, TypeError),
        ({"at": 1, "budget": "huge"}, ValueError),
    ],
)
def test_a_wrong_argument_is_named(arguments, error):
    with pytest.raises(error, match=r"at|domain|budget|wrt"):
        check_grad(lambda x: 1 * x, lambda x: 1, **arguments)


def test_a_logspan_across_zero_is_refused():
    with pytest.raises(ValueError, match="same sign"):
        logspan(-1, 1)


def test_an_undecided_derivative_warns():
    with pytest.warns(UnresolvedGradientWarning, match="could not be decided"):
        assert_grad(abs, lambda x: x / abs(x) if x else math.nan, at=0.0)


@pytest.mark.parametrize("value", [math.nan, math.inf, 1 + 2j])
def test_a_function_that_is_no_finite_real_number_fails(value):
    for options in ({"at": 1.0}, {"domain": {"x": (1, 2)}}, {}):
        with pytest.raises(GradientError, match=r"f is not a finite real number at x="):
            assert_grad(lambda x: value, lambda x: 1.0, **options)
    assert check_grad(lambda x: value if x == 1 else x, lambda x: 1.0, at=1.0).verdict == "wrong"
    assert check_grad(lambda x: value if x == 1 else x, lambda x: 1.0, at=1.5).ok


def test_a_claim_that_is_no_number_is_wrong_where_f_is_flat():
    for f in (lambda x: 3.0, lambda x: 0.0, lambda x: max(x, 5.0)):
        for options in ({"at": 1.0}, {"domain": {"x": (1, 2)}}):
            assert check_grad(f, lambda x: math.nan, **options).verdict == "wrong"


@pytest.mark.parametrize("x", [36.0, 38.0, 40.0, 60.0, 300.0])
def test_a_claim_below_the_rounding_of_f_is_judged_where_f_moves(x):
    def slope(x):
        return math.exp(-x) / (1 + math.exp(-x)) ** 2

    def sigmoid(x):
        return 1 / (1 + math.exp(-x))

    assert check_grad(sigmoid, slope, at=x).ok
    for factor in (-1, 2):
        report = check_grad(sigmoid, lambda x, m=factor: m * slope(x), at=x, explained=False)
        assert report.verdict == "wrong" or (x == 36 and report.verdict == "unresolved")


def test_a_kink_shows_all_slopes_that_are_right():
    report = check_grad(lambda x: 3 * abs(x) - x, lambda x: 5.0 if x == 0 else math.copysign(3, x) - 1, at=0.0)
    assert "measured  df/dx = any of [-4, 2]" in str(report)
    assert "measured  df/dx = any of [-1, 1]" in str(check_grad(abs, lambda _: 2.0, at=0.0))  # wrong beside it, too


def test_a_number_in_a_message_is_written_out_as_far_as_it_is_known():
    report = check_grad(lambda x: 10.0 * x, lambda x: 11.0, at=0.3)
    assert "measured  df/dx = 10 ± " in str(report)


def test_gradtest_compares_values_with_an_oracle_and_derivatives_with_integrals():
    @gradtest(lambda x: 2 / math.sqrt(math.pi) * math.exp(-x * x), domain={"x": (-4, 4)}, oracle=math.erf)
    def erf(x):
        return 1 - math.erfc(x)

    erf.test()

    @gradtest(lambda x: 1.0, domain={"x": (-4, 4)}, oracle=math.erf)
    def identity(x):
        return x

    with pytest.raises(AssertionError, match="oracle"):
        identity.test()


def test_the_checker_needs_the_standard_library_alone():
    heavy = ("numpy", "torch", "jax", "hypothesis", "mpmath", "pytest")
    code = "import sys, autograd_mini.testing; print([m for m in sys.argv[1:] if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_warning_escapes_a_check():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_grad(math.log, lambda x: 1 / x, domain={"x": (-1, 1)})


def test_warnings_of_the_function_do_not_change_the_verdict():
    def f(x):
        warnings.warn("far out", RuntimeWarning, stacklevel=1)
        return x * x

    assert check_grad(f, lambda x: 2 * x, at=1.0).ok  # under pytest a warning would be an error


def test_a_factor_of_almost_one_is_written_out():
    report = check_grad(lambda x: x**2, lambda x: 2 * x * 1.0000001, at=1.5)
    assert report.verdict == "wrong"
    assert "multiplied by 0.9999999" in report.cause


def test_a_hessian_in_the_place_of_the_gradient_is_wrong_and_says_where_it_belongs():
    for wrong in (lambda x: 6 * x, lambda x: 3 * x):
        report = check_hess(lambda x: x**3, wrong, at=1.5)
        assert report.verdict == "wrong"
        assert "df is the Hessian, expected as ddf" in str(report)
    assert check_hess(lambda x: x**3, ddf=lambda x: 6 * x, at=2.0).ok
    assert not check_hess(lambda x: x**3, ddf=lambda x: 3 * x, at=2.0).ok


def test_a_matrix_in_the_place_of_the_gradient_is_wrong():
    np = pytest.importorskip("numpy")
    matrix = np.array([[2.0, 1.0], [1.0, 3.0]])
    report = check_hess(lambda x: x @ matrix @ x / 2, lambda x: matrix + 0 * x, at=np.array([1.0, 2.0]))
    assert report.verdict == "wrong"
    assert "df is the Hessian, expected as ddf" in str(report)
