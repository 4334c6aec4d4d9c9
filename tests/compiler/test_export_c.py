"""The C text of compiled functions, against what Python computes."""

from __future__ import annotations

import math
import random
import re
import shutil
import subprocess
from functools import partial
from itertools import product

import branches
import c_library
import programs
import pytest
from hypothesis import HealthCheck, given, settings

import autograd_mini as ag
from autograd_mini import Parameter, where
from autograd_mini.compiler.export.c import DIALECTS, Dialect, comment, function, identifier
from autograd_mini.compiler.tape import Tape
from autograd_mini.engine.functions import function as row_function
from autograd_mini.engine.ops import TABLE
from autograd_mini.transforms import value_and_grad

np = pytest.importorskip("numpy")

ROWS = [row for row in TABLE.values() if row.builtin]
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -3.0, 1e-300, -1e-160, 1e160, -1e300, 709.0, -745.0, 5e-324,
           math.inf, -math.inf, math.nan)  # fmt: skip


def points(row, *, special):
    rng = random.Random(row.name)
    drawn = [[rng.uniform(*interval) for interval in row.domain] for _ in range(40)]
    if not special:
        return drawn
    wide = [[rng.choice((-1, 1)) * 10.0 ** rng.uniform(-20, 20) for _ in row.domain] for _ in range(20)]
    every = [*map(list, product(SPECIAL, repeat=len(row.domain))), *drawn, *wide]
    return [[x, float(at % 5 - 2)] for at, (x, _) in enumerate(every)] if row.name == "round" else every


def compiled_row(row):
    return ag.jit(value_and_grad(row_function(row), tuple(range(len(row.operands)))), backend="python")


@pytest.fixture(scope="module", params=DIALECTS)
def rows(request, tmp_path_factory):
    """Every row of the table and its partials in one library, in numbers of 64 and of 32 bits."""
    texts = [
        compiled_row(row).c(*[0.5 for _ in row.operands], name=f"row_{row.name}", dtype=request.param) for row in ROWS
    ]
    return request.param, c_library.compiled(texts, tmp_path_factory.mktemp("rows"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_of_the_table_and_its_partials_are_those_of_python(rows, row):
    dtype, library = rows
    fast, ulps = compiled_row(row), 16 if dtype == "double" else 600
    eps = 2.0**-52 if dtype == "double" else 2.0**-23
    for point in points(row, special=dtype == "double"):
        given_numbers = point if dtype == "double" else [float(np.float32(x)) for x in point]
        value, slopes = fast(*given_numbers)
        expected = [value, *slopes]
        _, [found] = library.call(f"row_{row.name}", *given_numbers, [0.0] * len(expected), dtype=dtype, returned=False)
        for one, other in zip(found, expected, strict=True):
            if math.isfinite(other):
                assert abs(one - other) <= ulps * eps * max(abs(other), 1.0 if dtype == "float" else 0.0) + 5e-323, (
                    point
                )
            else:
                assert one == other or (math.isnan(one) and math.isnan(other)), point


@given(programs.programs(longest=12))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_random_program_and_its_gradient_are_those_of_python(tmp_path_factory, program):
    def f(*xs):
        return programs.run(program, list(xs)).results[-1]

    fast = ag.jit(f, backend="python")
    value = fast(*program.numbers)
    slopes = ag.grad(f, tuple(range(len(program.numbers))))(*program.numbers)
    library = c_library.compiled([fast.c(name="program")], tmp_path_factory.mktemp("program"))
    assert library.call("program", *program.numbers)[0] == pytest.approx(value, rel=1e-12, abs=1e-12)
    found, [grad] = library.call("program_value_and_grad", *program.numbers, [0.0] * len(slopes))
    size = max(programs.run(program).truth[-1].sizes)
    assert found == pytest.approx(value, rel=1e-12, abs=1e-12)
    assert grad == pytest.approx([*slopes], rel=1e-10, abs=1e-10 * (1.0 + size))


def a_loss():
    w, b = [Parameter(0.5, label="w[0]"), Parameter(-1.0, label="w[1]")], Parameter(0.25, label="b */ /* ??/")

    def loss(x, y, settings):
        """The softplus loss of a neuron.

        With */ in its text.
        """
        return ag.softplus(-y * (w[0] * x[0] + w[1] * x[1] + b)) * settings["scale"]

    return loss, [*w, b]


ARGUMENTS = (np.array([0.3, 2.0]), 1.0, {"scale": 2.0, "unused": [1.0, 2.0]})


@pytest.mark.parametrize("dtype", DIALECTS)
@pytest.mark.parametrize("compiler", c_library.COMPILERS)
def test_a_loss_of_parameters_has_its_gradient_by_them(tmp_path, compiler, dtype):
    loss, parameters = a_loss()
    fast = ag.jit(loss, backend="python")
    text = fast.c(*ARGUMENTS, dtype=dtype)
    library = c_library.compiled([text], tmp_path, compiler=compiler)
    numbers = [p.data for p in parameters]
    value = fast.backward(*ARGUMENTS)
    call = ("loss_value_and_grad", [0.3, 2.0], 1.0, [2.0, 1.0, 2.0], numbers, [0.0] * 3)
    found, [*_, grad] = library.call(*call, dtype=dtype)
    near = {"rel": 1e-14} if dtype == "double" else {"rel": 1e-6}
    assert found == pytest.approx(value, **near)
    assert grad == pytest.approx([p.grad for p in fast.parameters], **near)
    assert library.call("loss", *call[1:-1], dtype=dtype)[0] == pytest.approx(value, **near)


def test_the_header_says_what_the_arguments_and_the_parameters_are():
    loss, _ = a_loss()
    text = ag.jit(loss).c(*ARGUMENTS)
    assert " * The softplus loss of a neuron." in text
    assert " * With * / in its text." in text
    assert "    -1.0, /* 1: w[1] */" in text
    assert "    0.25, /* 2: b * / / * ? ?/ */" in text
    assert "x: an array of shape (2,), 2 numbers row by row" in text
    assert "settings: ['scale'] a number; ['unused'] 2 numbers" in text
    assert "(void)" not in text


def test_an_argument_that_is_not_read_is_said_to_be_so(tmp_path):
    text = ag.jit(lambda x, y: [x, 2.0 * y][1]).c(1.0, 2.0)
    assert "(void)x;" in text
    assert c_library.compiled([text], tmp_path).call("f", 5.0, 3.0)[0] == 6.0


def test_static_arguments_are_written_in_and_parameters_that_others_read_are_taken_all_the_same(tmp_path):
    w = Parameter(2.0)
    fast = ag.jit(lambda kind, x: w * x if kind == "scaled" else 3.0 * x, static=0)
    fast("scaled", 1.0)
    text = fast.c("plain", 1.0)
    assert "(void)p;" in text
    library = c_library.compiled([text], tmp_path)
    assert library.call("f", 5.0, [2.0])[0] == 15.0
    assert library.call("f_value_and_grad", 5.0, [2.0], [7.0]) == (15.0, [[2.0], [0.0]])


def test_a_function_without_arguments_has_its_value(tmp_path):
    w = Parameter(2.0)
    fast = ag.jit(lambda: w * w)
    fast()
    library = c_library.compiled([fast.c(), ag.jit(lambda x: [3.0, *x]).c([], name="g")], tmp_path)
    assert library.call("f_value_and_grad", [3.0], [0.0]) == (9.0, [[3.0], [6.0]])
    assert library.call("g", [0.0], returned=False)[1] == [[3.0]]


def test_a_batched_function_is_written_for_one_sample(tmp_path):
    w = Parameter(2.0)
    fast = ag.jit(lambda x, y: (w * x[0] - y) ** 2 + x[1], batched=True)
    X = np.array([[1.0, 2.0], [3.0, 4.0]])
    expected = fast(X, np.array([1.0, 1.0]))
    library = c_library.compiled([fast.c(name="residual")], tmp_path)
    assert [library.call("residual", [*row], 1.0, [2.0])[0] for row in X] == pytest.approx([*expected])


def test_several_results_are_written_to_an_array(tmp_path):
    fast = ag.jit(lambda x: {"square": x * x, "pair": [x, 3.0]})
    library = c_library.compiled([fast.c(4.0)], tmp_path)
    assert library.call("f", 4.0, [0.0] * 3, returned=False)[1] == [[16.0, 4.0, 3.0]]


def test_a_function_that_was_changed_since_is_written_as_it_is_now():
    factor = 2.0

    def scaled(x):
        return factor * x

    fast = ag.jit(scaled)
    fast(1.0)
    factor = 3.0
    assert "x * 3.0" in fast.c(1.0) or "3.0 * x" in fast.c(1.0)


@pytest.mark.parametrize("digits", [-2, -1, 0, 1, 2, 5, 15, 22])
def test_rounding_to_decimals_is_python_s(tmp_path, digits):
    fast = ag.jit(lambda x: round(x, digits), backend="python")
    library = c_library.compiled([fast.c(1.0)], tmp_path)
    rng = random.Random(digits)
    tried = [rng.uniform(-1, 1) * 10.0 ** rng.randint(-6, 20) for _ in range(500)]
    tried += [(k + 0.5) / 10.0**digits for k in range(-50, 50)]  # ties, or nearly so
    assert [library.call("f", x)[0] for x in tried] == [float(round(x, digits)) for x in tried]


def test_the_text_is_c_plus_plus_too(tmp_path):
    if not shutil.which("g++"):
        pytest.skip("there is no C++ compiler")
    loss, _ = a_loss()
    (tmp_path / "loss.h").write_text(ag.jit(loss).c(*ARGUMENTS), encoding="utf-8")
    (tmp_path / "main.cpp").write_text('#include "loss.h"\nint main() { return LOSS_PARAMETERS - 3; }\n')
    words = ["g++", "-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused-function", "main.cpp"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_another_dialect_is_another_qualifier():
    tape = Tape([("input", 0), ("exp", 0)], [1], 1)
    cuda = Dialect("float", "f", "static __device__ __forceinline__")
    assert function(tape, "f", ["float x"], ["x"], cuda).startswith(
        "static __device__ __forceinline__ float f(float x)"
    )


@pytest.mark.parametrize("entries", ["parameters", "numbers", "both", "arguments"])
def test_a_lookup_is_an_array_and_an_index_out_of_range_gives_nan(tmp_path, entries):
    weights = [Parameter(float(k)) for k in range(4)]

    def looked_up(x, i):
        tables = {"parameters": weights, "numbers": [1.0, 2.0, 3.0, -4.0], "both": [2.0, *weights[1:]], "arguments": x}
        return ag.take(tables[entries], i) ** 2 * weights[0] + ag.take(tables[entries], 1.0 + i * 0.0) * weights[1]

    fast = ag.jit(looked_up, backend="python")
    x = np.array([0.5, 1.5, 2.5, 3.5])
    library = c_library.compiled([fast.c(x, 2.0)], tmp_path)
    used = fast.parameters
    for index in (0.0, 2.0, 3.0, -1.0):
        value = fast.backward(x, index)
        numbers = [p.data for p in used]
        found, [*_, grad] = library.call("looked_up_value_and_grad", [*x], index, numbers, [0.0] * len(numbers))
        assert found == pytest.approx(value, rel=1e-14)
        assert grad == pytest.approx([p.grad for p in used], rel=1e-14)
        assert library.call("looked_up", [*x], index, numbers)[0] == found
        for p in used:
            p.grad = 0.0
    for index in (4.0, -5.0, 0.5, math.nan, math.inf, 1e300):
        found, [*_, grad] = library.call("looked_up_value_and_grad", [*x], index, numbers, [0.0] * len(numbers))
        assert all(map(math.isnan, [found, *grad]))


def test_names_that_mean_something_in_c_get_an_underscore(tmp_path):
    def double(int, p, exp, v1, y1, grad):  # noqa: A002 - names of C
        return where(exp > 0, exp + v1 * p, int) + y1 * grad

    library = c_library.compiled([ag.jit(double).c(*[1.0] * 6)], tmp_path)
    assert library.call("double_", 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)[0] == 41.0
    assert identifier("ünbekannt", "f") == "f"
    assert comment("a\x00\u202e\n*/") == "a   * /"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ag.jit(lambda x: x).c(1.0, dtype="half"), "dtype is 'half', expected 'double' or 'float'"),
        (
            lambda: ag.jit(lambda x: x).c(1.0, name="a b"),
            "name is 'a b', expected a name in C that is not taken, such as",
        ),
        (lambda: ag.jit(lambda x: x).c(1.0, name="while"), "name is 'while', expected a name in C that is not taken"),
        (lambda: ag.jit(lambda x: x).c(1.0, name=3), "name is 3, expected a name in C that is not taken"),
        (
            lambda: ag.jit(lambda _: []).c(1.0),
            "f(…) is a function that returns nothing, expected one number or several",
        ),
        (
            lambda: function(Tape([("input", 0), ("lambertw", 0)], [1], 1), "f", ["double x"], ["x"], Dialect()),
            "the operation is 'lambertw', expected one that the C library has",
        ),
    ],
)
def test_a_wrong_argument_is_said_in_one_line(call, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}[^\n]*$"):
        call()


def test_a_function_that_was_not_called_or_may_have_no_paths_is_refused():
    with pytest.raises(RuntimeError, match="has not been traced yet: call it"):
        ag.jit(lambda x: x).c()
    with pytest.raises(ag.errors.TracingError, match=r"where\(condition, a, b\)"):
        ag.jit(lambda x: x if x > 0 else -x, paths=0).c(1.0)


# --- functions that branch ---


def test_random_functions_that_branch_agree_with_eager_code_on_the_paths_that_were_taken(tmp_path):
    texts, cases, places = [], [], {}
    for seed in range(40):
        f, parameters, _ = branches.function(seed)
        fast, points = ag.jit(f, backend="python"), branches.points(seed, 10)
        for point in points:
            fast(*point)
        texts.append(fast.c(name=f"f{seed}"))
        cases += [(seed, point, branches.eager(f, parameters, point)) for point in points]
        places[seed] = [parameters.index(leaf) for leaf in fast.parameters]
    library = c_library.compiled(texts, tmp_path)
    for seed, point, (value, *slopes) in cases:
        numbers = [[1.5, -0.25][at] for at in places[seed]]
        by = [slopes[2 + at] for at in places[seed]] if numbers else slopes[:2]
        given = [*point, numbers] if numbers else point
        assert branches.close([library.call(f"f{seed}", *given)[0]], [value]), (seed, point)
        found, [*_, grad] = library.call(f"f{seed}_value_and_grad", *given, [0.0] * len(by))
        assert branches.close([found, *grad], [value, *by]), (seed, point)


@pytest.mark.parametrize("dtype", DIALECTS)
@pytest.mark.parametrize("compiler", c_library.COMPILERS)
def test_a_path_that_no_call_has_taken_is_nan(tmp_path, compiler, dtype):
    w, v = Parameter(3.0), Parameter(2.0)
    signed = ag.jit(lambda path: w * path if path > 0 else [v, path][0] * path)
    pair = ag.jit(lambda x: [x[0], -x[1]] if x[0] > x[1] else [x[1], x[0]])
    texts = [signed.c(2.0, name="one", dtype=dtype), pair.c([2.0, 1.0], name="pair", dtype=dtype)]
    assert "It has one path through the function; where numbers take another, every result is nan." in texts[0]
    signed(-1.0)
    texts.append(signed.c(name="both", dtype=dtype))
    assert "It has the 2 paths through the function" in texts[-1]
    call = partial(c_library.compiled(texts, tmp_path, compiler=compiler).call, dtype=dtype)
    assert call("one", 2.0, [3.0])[0] == 6.0
    value, [*_, grad] = call("one_value_and_grad", -2.0, [3.0], [0.0])
    assert math.isnan(value)
    assert math.isnan(grad[0])
    assert call("pair", [2.0, 1.0], [0.0, 0.0], returned=False)[1][-1] == [2.0, -1.0]
    assert all(map(math.isnan, call("pair", [1.0, 2.0], [0.0, 0.0], returned=False)[1][-1]))
    assert call("both_value_and_grad", -2.0, [3.0, 2.0], [0.0, 0.0]) == (-4.0, [[3.0, 2.0], [0.0, -2.0]])
    assert call("both_value_and_grad", 2.0, [3.0, 2.0], [0.0, 0.0]) == (6.0, [[3.0, 2.0], [2.0, 0.0]])


def test_a_batched_function_is_written_with_the_paths_of_its_samples(tmp_path):
    w = Parameter(0.7)

    def root(a, scale):
        x = a = a * w * scale
        while abs(x * x - a) > 1e-9:
            x = (x + a / x) / 2
        return x

    fast, samples = ag.jit(root, batched=True, in_axes=(0, None)), np.array([4.0, 9.0, 100.0, 4.1])
    found = fast(samples, 2.0)
    library = c_library.compiled([fast.c()], tmp_path)
    for sample, expected in zip(samples, found, strict=True):
        assert library.call("root", sample, 2.0, [0.7])[0] == pytest.approx(expected, rel=1e-12)
        value, [*_, grad] = library.call("root_value_and_grad", sample, 2.0, [0.7], [0.0])
        assert (value, grad[0]) == pytest.approx((expected, expected / 1.4), rel=1e-9)
    w.data = 1.0  # the text has the paths of the numbers that were, not of these
    assert "root_path2" in fast.c()
