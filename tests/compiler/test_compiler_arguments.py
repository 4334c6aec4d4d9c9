"""What a compiled function takes: arrays of every kind, in batches of every size, and nested numbers."""

from __future__ import annotations

from typing import NamedTuple

import pytest

import autograd_mini as ag
from autograd_mini import Parameter, Value
from autograd_mini.compiler import backends
from autograd_mini.transforms import value_and_grad

np = pytest.importorskip("numpy")

BACKENDS = [name for name, row in backends.BACKENDS.items() if row.available]
every_backend = pytest.mark.parametrize("backend", BACKENDS)


def readonly(array):
    twin = array.copy()
    twin.setflags(write=False)
    return twin


KINDS = {
    "plain": lambda a: a,
    "every second entry": lambda a: np.repeat(a, 2, axis=0)[::2],
    "backwards": lambda a: a[::-1].copy()[::-1],
    "Fortran's order": np.asfortranarray,
    "float32": lambda a: a.astype(np.float32),
    "float16": lambda a: a.astype(np.float16),
    "integers": lambda a: a.astype(np.int64),
    "small integers": lambda a: a.astype(np.int8),
    "unsigned integers": lambda a: (a + 0).astype(np.uint8),
    "big-endian": lambda a: a.astype(">f8"),
    "big-endian integers": lambda a: a.astype(">i4"),
    "read-only": readonly,
    "a list": lambda a: a.tolist(),
    "a subclass": lambda a: a.view(np.recarray) if a.ndim == 1 else a.view(np.matrix),
    "not aligned": lambda a: np.frombuffer(b"." + a.tobytes(), dtype="u1")[1:].view(a.dtype).reshape(a.shape),
}


@every_backend
@pytest.mark.parametrize("kind", KINDS)
def test_an_array_of_any_kind_is_taken_as_its_numbers(backend, kind):
    plain = np.array([2.0, 3.0])
    for warm in (False, True):  # the second time there is machine code that is called directly
        fast = ag.jit(value_and_grad(lambda p: p[0] * p[1] * p[1]), backend=backend)
        for _ in range(warm):
            fast(plain)
        value, slope = fast(KINDS[kind](plain))
        assert (value, list(slope)) == (18.0, [9.0, 12.0])


@every_backend
@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_any_kind_is_taken_as_its_numbers(backend, kind):
    w = Parameter(3.0)
    X, y = np.arange(12.0).reshape(6, 2), np.arange(6.0)
    for warm in (False, True):
        fast = ag.jit(lambda x, y: (x[0] - 2.0 * x[1]) * w + y, batched=True, backend=backend)
        for _ in range(2 * warm):
            fast.value_and_grad(np.array([3.0]), X, y)
        loss, slope = fast.value_and_grad(KINDS[kind](np.array([3.0])), KINDS[kind](X), KINDS[kind](y))
        assert (loss, slope.tolist()) == (-18.5, [-7.0])
        assert fast(KINDS[kind](X), KINDS[kind](y)).tolist() == (3.0 * (X[:, 0] - 2.0 * X[:, 1]) + y).tolist()


@every_backend
@pytest.mark.parametrize("n", [0, 1, 7, 8, 9, 15, 16, 17, 1001])
def test_a_batch_of_any_size_has_a_result_for_each_sample(backend, n):
    fast = ag.jit(lambda x, k: (x[0] * x[1], x * k, k), batched=True, in_axes=(0, None), backend=backend)
    X = np.random.default_rng(n).normal(size=(n, 2))
    product, scaled, same = fast(X, 3.0)
    assert product.tolist() == (X[:, 0] * X[:, 1]).tolist()
    assert scaled.tolist() == (3.0 * X).tolist()
    assert same.tolist() == [3.0] * n


@every_backend
@pytest.mark.parametrize("n", [1, 7, 8, 9, 15, 16, 17, 1001])
def test_lanes_beyond_the_last_sample_add_nothing(backend, n):
    w, v = Parameter(0.5), Parameter(2.0)
    fast = ag.jit(lambda x: ag.exp(w * x) * v + v * v, batched=True, backend=backend)
    x = np.random.default_rng(n).normal(size=n)
    expected = (np.exp(0.5 * x) * 2.0 + 4.0).mean()
    slopes = [(2.0 * x * np.exp(0.5 * x)).mean(), (np.exp(0.5 * x) + 4.0).mean()]
    for _ in range(3):
        loss, found = fast.value_and_grad(np.array([0.5, 2.0]), x)
        assert loss == pytest.approx(expected, rel=1e-12)
        assert found == pytest.approx(slopes, rel=1e-12, abs=1e-14)


@every_backend
def test_a_direct_call_takes_over_nothing_that_is_no_plain_array(backend):
    fast = ag.jit(value_and_grad(lambda p: p[0] * p[1]), backend=backend)
    fast(np.array([2.0, 3.0]))
    assert fast(np.array([2.0, 3.0, 9.0]))[1].tolist() == [3.0, 2.0, 0.0]
    x = [Value(2.0), Value(3.0)]
    value, _ = fast(np.array(x))
    value.backward()
    assert (value.data, x[0].grad) == (6.0, 3.0)
    for wrong in (None, "ab", np.array(["a", "b"]), np.array([1j, 2.0])):
        with pytest.raises(TypeError, match="number"):
            fast(wrong)
    with pytest.raises(TypeError):
        fast()
    with pytest.raises(TypeError):
        fast(np.ones(2), np.ones(2))


@every_backend
def test_a_direct_call_of_a_batch_refuses_what_does_not_fit(backend):
    w = Parameter(2.0)
    fast = ag.jit(lambda x, y: w * x * y, batched=True, backend=backend)
    p, x = np.array([2.0]), np.ones(4)
    for _ in range(2):
        fast.value_and_grad(p, x, x)
    for given, message in (
        ((p, x, x[:3]), r"\[3, 4\]"),
        ((p, x[:0], x[:0]), "at least one sample"),
        ((np.ones(2), x, x), r"shape \(2,\), expected one number for each of the 1"),
        ((np.ones((1, 1)), x, x), r"shape \(1, 1\)"),
        ((2.0, x, x), r"shape \(\)"),
        ((p, x, 1.0), "argument 1 .* in_axes=None"),
    ):
        with pytest.raises(ValueError, match=message):
            fast.value_and_grad(*given)
    with pytest.raises(TypeError, match=r"argument 1 .*complex"):
        fast.value_and_grad(p, x, x * 1j)
    with pytest.raises(TypeError, match=r"y is given by name, expected .* by position"):
        fast.value_and_grad(p, x, y=x)
    assert fast.value_and_grad(p, x, x)[0] == 2.0


@pytest.mark.parametrize(
    ("given_arguments", "message"),
    [
        ((np.ones(3), np.ones(4)), r"\[3, 4\]"),
        ((1.0, np.ones(4)), "in_axes=None"),
        ((np.array(["a"]), np.ones(1)), "argument 0"),
        (([[1.0], [1.0, 2.0]], np.ones(2)), "argument 0"),
        (({"a": np.ones(3), "b": "c"}, np.ones(3)), r"argument 0\['b'\]"),
    ],
)
def test_wrong_shapes_and_types_are_named(given_arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        ag.jit(lambda x, y: x * y, batched=True, backend="numpy")(*given_arguments)


def test_the_axes_of_the_samples_are_checked():
    with pytest.raises(ValueError, match="one entry for each of the 1 arguments"):
        ag.jit(lambda x: x, batched=True, in_axes=(0, 0), backend="numpy")(np.ones(3))
    with pytest.raises(ValueError, match="along axis 2"):
        ag.jit(lambda x: x, batched=True, in_axes=2, backend="numpy")(np.ones((3, 2)))
    with pytest.raises(ValueError, match="are alike for all samples, expected arrays"):
        ag.jit(lambda x: x, batched=True, in_axes=None, backend="numpy")(1.0)


class Point(NamedTuple):
    """A point."""

    x: float
    y: float


@every_backend
def test_arguments_and_results_keep_their_layout(backend):
    fast = ag.jit(lambda p, q: {"sum": p["a"] + q[0], "both": (p["b"][0] * q[1], [q[0]])}, backend=backend)
    assert fast({"a": 1.0, "b": [2.0]}, (3.0, 4.0)) == {"sum": 4.0, "both": (8.0, [3.0])}
    assert fast(q=(3.0, 4.0), p={"a": 1.0, "b": [2.0]}) == {"sum": 4.0, "both": (8.0, [3.0])}
    turned = ag.jit(lambda p: Point(-p.y, p.x), backend=backend)(Point(1.0, 2.0))
    assert isinstance(turned, Point)
    assert turned == (-2.0, 1.0)
    batched = ag.jit(lambda x, k: (x * k, x[:2]), batched=True, in_axes=(0, None), backend=backend)
    products, heads = batched(np.arange(6.0).reshape(2, 3), 10.0)
    assert products.tolist() == [[0.0, 10.0, 20.0], [30.0, 40.0, 50.0]]
    assert heads.tolist() == [[0.0, 1.0], [3.0, 4.0]]
    assert ag.jit(lambda: 3.0, backend=backend)() == 3.0


@every_backend
def test_a_batch_may_be_nested_in_a_dict(backend):
    fast = ag.jit(lambda row: row["x"][0] * row["y"], batched=True, backend=backend)
    assert fast({"x": np.arange(6.0).reshape(3, 2), "y": [1, 2, 3]}).tolist() == [0.0, 4.0, 12.0]


@every_backend
def test_the_samples_may_lie_along_another_axis(backend):
    X = np.arange(6.0).reshape(2, 3)
    assert ag.jit(lambda x: x[0] + x[1], batched=True, in_axes=1, backend=backend)(X).tolist() == [3.0, 5.0, 7.0]
    both = ag.jit(lambda x, y: x[0] * y, batched=True, in_axes=(-1, 0), backend=backend)
    assert both(X, [1.0, 2.0, 3.0]).tolist() == [0.0, 2.0, 6.0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_array_without_columns_is_taken(backend):
    w = ag.Parameter(2.0)
    fast = ag.jit(lambda x, y: w * y + len(x), batched=True, backend=backend)
    assert fast(np.empty((5, 0)), np.arange(5.0)).tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]


def test_masked_entries_are_refused_where_their_numbers_would_be_taken():
    fast = ag.jit(lambda x: 2.0 * x, batched=True)
    with pytest.raises(TypeError, match="argument 0 has masked entries, expected numbers: leave these rows out"):
        fast(np.ma.array([1.0, 2.0], mask=[False, True]))
    assert fast(np.ma.array([1.0, 2.0])).tolist() == [2.0, 4.0]


def test_a_direct_call_is_not_made_from_a_call_with_arguments_by_name():
    fast = ag.jit(value_and_grad(lambda x, k=2.0: k * (x * x).sum()))
    x = np.array([1.0, 2.0, 3.0])
    assert [fast(x, k=3.0)[0], fast(x)[0], fast(x, k=5.0)[0], fast(x, 5.0)[0], fast(x)[0]] == [42, 28, 70, 70, 28]


@pytest.mark.parametrize("static", [2, "mode", ["mode"]])
def test_static_arguments_are_given_by_position_or_by_name(static):
    def f(x, y=3.0, mode="product"):
        return x * y if mode == "product" else x + y

    fast = ag.jit(f, static=static, backend="python")
    assert (fast(2.0), fast(2.0, mode="sum"), fast(2.0, 4.0, "sum"), fast(y=4.0, x=2.0, mode="product")) == (6, 5, 6, 8)
    pairs = ag.jit(f, static=static, batched=True, backend="python")
    assert pairs([1.0, 2.0], [3.0, 4.0], mode="sum").tolist() == [4.0, 6.0]


def test_an_argument_that_is_no_number_is_refused_with_the_option_that_leaves_it_alone():
    with pytest.raises(TypeError, match=r"argument 1 is of type str, expected numbers, .*jit\(f, static=1\)$"):
        ag.jit(lambda x, mode: x)(1.0, "sum")  # noqa: ARG005 - it is not reached
    with pytest.raises(TypeError, match=r"argument 'mode' is of type str, expected numbers, .*static='mode'\)$"):
        ag.jit(lambda x, mode: x)(1.0, mode="sum")  # noqa: ARG005 - as above
