"""Every backend against the eager engine: every operation, at every special point and at random ones."""

from __future__ import annotations

import math
import random
from itertools import product

import programs
import pytest
from hypothesis import given, settings

import autograd_mini as ag
from autograd_mini import Value, transforms, where
from autograd_mini.compiler import BACKENDS
from autograd_mini.engine.functions import function
from autograd_mini.engine.graph import gradient
from autograd_mini.engine.ops import TABLE
from autograd_mini.transforms import value_and_grad

np = pytest.importorskip("numpy")

EPS = 2.0**-52
ROWS = [row for row in TABLE.values() if row.builtin]
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, 1e-300, -1e-300, 1e-160, 1e160, 1e300, -1e300, 709.0,
           -745.0, 5e-324, math.inf, -math.inf, math.nan)  # fmt: skip
ULPS = {name: 0.0 if name == "python" else 8.0 for name in BACKENDS}
"""How far an operation may be from eager, in units of the last place: vector libraries promise 4."""


@pytest.fixture(params=BACKENDS, scope="module")
def backend(request):
    if not BACKENDS[request.param].available:
        pytest.skip(f"{BACKENDS[request.param].package} is not installed")
    return request.param


def apart(found, expected, ulps):
    """Whether two numbers differ by more than so many units of the last place; nan is nan, and zeros are alike."""
    if math.isnan(expected) or math.isinf(expected):
        return not (found == expected or (math.isnan(expected) and math.isnan(found)))
    return not abs(found - expected) <= ulps * EPS * abs(expected) + (0.0 if ulps == 0 else 5e-324 * 8)


def points(row):
    rng = random.Random(row.name)
    drawn = [[rng.uniform(*interval) for interval in row.domain] for _ in range(50)]
    wide = [[rng.choice((-1, 1)) * 10.0 ** rng.uniform(-20, 20) for _ in row.domain] for _ in range(50)]
    special = [list(point) for point in product(SPECIAL, repeat=len(row.domain))]
    if row.name == "round":
        special = [point for point in special if point[1] in {0.0, 1.0, 2.0, -1.0}]
        wide = [[x, 0.0] for x, _ in wide]
    return [*special, *drawn, *wide]


def eager(row, point):
    leaves = [Value(x) for x in point]
    z = function(row)(*leaves)
    return [z.data, *[g.data for g in gradient(z, leaves)]]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_an_operation_and_its_partials_agree_with_eager_one_by_one(row, backend):
    fast = ag.jit(value_and_grad(function(row), tuple(range(len(row.operands)))), backend=backend)
    for point in points(row):
        value, slopes = fast(*point)
        for found, expected in zip([value, *slopes], eager(row, point), strict=True):
            assert not apart(found, expected, ULPS[backend]), f"{row.name}{point}: {found!r}, eager {expected!r}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_an_operation_and_its_partials_agree_with_eager_in_a_batch(row, backend):
    fast = ag.jit(value_and_grad(function(row), tuple(range(len(row.operands)))), batched=True, backend=backend)
    where_tried = points(row)
    values, slopes = fast(*np.array(where_tried).T)
    for at, point in enumerate(where_tried):
        for found, expected in zip([values[at], *[s[at] for s in slopes]], eager(row, point), strict=True):
            assert not apart(found, expected, ULPS[backend]), f"{row.name}{point}: {found!r}, eager {expected!r}"


@given(programs.programs(longest=12))
@settings(max_examples=15, deadline=None)
@pytest.mark.parametrize("batched", [False, True])
def test_a_random_program_and_its_gradient_agree_with_eager(backend, batched, program):
    leaves, results, truth = programs.run(program)
    count = len(leaves)
    results[-1].backward()

    def f(*xs):
        return programs.run(program, list(xs)).results[-1]

    every = tuple(range(count))
    fast = ag.jit(value_and_grad(f, every), batched=batched, backend=backend)
    given_numbers = [[x] * 3 for x in program.numbers] if batched else program.numbers
    value, slopes = fast(*given_numbers)
    value, slopes = (value[1], [s[1] for s in slopes]) if batched else (value, slopes)
    assert value == pytest.approx(results[-1].data, rel=1e-11, abs=1e-11)
    for found, leaf, size in zip(slopes, leaves, truth[-1].sizes, strict=True):
        assert abs(found - leaf.grad) <= 1e-10 * (1.0 + size)


@given(programs.programs(longest=6))
@settings(max_examples=8, deadline=None)
def test_second_derivatives_of_a_random_program_agree_with_eager(backend, program):
    from autograd_mini.transforms import hessian

    def f(xs):
        return programs.run(program, list(xs)).results[-1]

    expected = np.array(hessian(f)(program.numbers))
    found = np.array(ag.jit(hessian(f), backend=backend)(program.numbers))
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9 * (1.0 + np.abs(expected).max()))


def shared(x, root):
    return where(x > 2, root * x, root)


# What is chosen between has an infinite or nan derivative where it is not chosen.
CHOICES = {
    "a root": (lambda x: where(x > 0, ag.sqrt(x), 0.0), [0.0, 4.0, -1.0]),
    "a root of a difference": (lambda x: where(x >= 1, ag.sqrt(x - 1.0) * x, x * x), [1.0, 0.0, 5.0, -2.0]),
    "a quotient": (lambda x: where(x == 0, 1.0, ag.sin(x) / x), [0.0, 1.0, -2.0]),
    "one in the other": (
        lambda x: where(x > 0, where(x > 1, ag.log(x - 1.0), ag.log(x)), ag.log(-x)),
        [1.5, 0.5, -0.5, 0.0, 1.0],
    ),
    "both sides share": (lambda x: shared(x, ag.sqrt(x)), [4.0, 1.0, 0.0]),
    "joined conditions": (lambda x: where((x > 0) & (x < 1) | (x > 2), ag.log(x), 0.0), [-1.0, 0.0, 0.5, 1.5, 3.0]),
    "many": (
        lambda x: sum(where(x > k, ag.sqrt(x - float(k)), 0.0) for k in range(12)),
        [-1.0, 0.0, 3.0, 3.5, 20.0],
    ),
    "chosen by a constant": (lambda x: where(True, x * x, ag.log(x)), [-1.0, 0.0]),
    "a number as the condition": (lambda x: where(x, 1.0 / x, 7.0), [0.0, 2.0]),
}


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("batched", [False, True])
def test_a_branch_that_is_not_taken_adds_nothing(backend, name, batched):
    f, xs = CHOICES[name]
    first = ag.jit(value_and_grad(f), batched=batched, backend=backend)
    second = ag.jit(value_and_grad(transforms.grad(f)), batched=batched, backend=backend)
    for fast, plain in ((first, value_and_grad(f)), (second, value_and_grad(transforms.grad(f)))):
        expected = [plain(x) for x in xs]
        found = list(zip(*fast(xs), strict=True)) if batched else [fast(x) for x in xs]
        assert np.array(found) == pytest.approx(np.array(expected), rel=1e-13, abs=1e-300, nan_ok=True)


@pytest.mark.parametrize("name", ["step", "number", "truth", "placed", "lt", "all_of", "select", "input", "constant"])
def test_an_operation_may_have_the_name_of_anything_that_the_compiler_uses_itself(name):
    ag.operation(name, "x * x", "2 * x")
    around = ag.operation(f"around_{name}", f"{name}(x) + 1", "2 * x")
    try:
        assert ag.jit(around, backend="python")(3.0) == 10.0
        assert ag.jit(ag.grad(around), backend="python")(3.0) == 6.0
    finally:
        for made in (name, f"around_{name}"):
            del TABLE[made]
