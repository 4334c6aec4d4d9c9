"""Tables of other libraries are taken as they are: column by column, without a copy where they hold float64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autograd_mini import Parameter, jit, tanh
from autograd_mini.rows.columns import APART, table_arrays

BACKENDS = ["llvm", "numpy", "python", "vm"]


def as_pandas(columns):
    return pytest.importorskip("pandas").DataFrame(columns)


def as_polars(columns):
    return pytest.importorskip("polars").DataFrame(columns)


def as_arrow(columns):
    return pytest.importorskip("pyarrow").table(columns)


class OnlyArrow:
    """A table that speaks nothing but Arrow's C interface."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


def as_capsule(columns):
    return OnlyArrow(as_arrow(columns))


LIBRARIES = [as_pandas, as_polars, as_arrow, as_capsule]


@pytest.fixture
def loss():
    v, w = Parameter(0.5), Parameter(-0.25)
    return lambda row, y: (tanh(v * row[0] + w * row[1]) - y) ** 2


@pytest.mark.parametrize("made", LIBRARIES)
def test_columns_of_float64_are_not_copied(made):
    pytest.importorskip("pyarrow")
    table = made({"a": np.arange(5.0), "b": np.arange(5.0) + 1.0})
    first, second = table_arrays(table, "X")
    again, _ = table_arrays(table, "X")
    assert first.tolist() == [[0.0], [1.0], [2.0], [3.0], [4.0]]
    assert second.tolist() == [[1.0], [2.0], [3.0], [4.0], [5.0]]
    assert np.shares_memory(first, again)


@pytest.mark.parametrize("made", LIBRARIES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_table_gives_the_bits_that_an_array_gives(made, backend, loss):
    pytest.importorskip("llvmlite")
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(37, 2)), rng.normal(size=37)
    table = made({"a": X[:, 0].copy(), "b": X[:, 1].copy()})
    fast = jit(loss, batched=True, backend=backend)
    p = np.array([0.5, -0.25])
    expected, slopes = fast.value_and_grad(p, X, y)
    for _ in range(3):  # the first call, and those of machine code that is called directly
        found, gradient = fast.value_and_grad(p, table, y)
        assert (found, gradient.tolist()) == (expected, slopes.tolist())
    assert fast(table, y).tolist() == fast(X, y).tolist()
    assert fast.value_and_grad(p, X, y)[0] == expected


@given(arrays(np.float64, st.tuples(st.integers(1, 20), st.integers(1, 5)), elements=st.floats(-3, 3)))
def test_rows_of_any_shape_are_the_rows_of_the_array(X):
    pandas = pytest.importorskip("pandas")
    f = jit(lambda row: sum(x * x for x in row), batched=True, backend="numpy")
    assert f(pandas.DataFrame(X)).tolist() == f(X).tolist()


def test_a_table_of_many_columns_becomes_one_array():
    pandas = pytest.importorskip("pandas")
    X = np.arange(2.0 * (APART + 1)).reshape(2, -1)
    (made,) = table_arrays(pandas.DataFrame(X), "X")
    assert made.tolist() == X.tolist()


def test_whole_numbers_truth_values_and_float32_are_converted():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"i": [1, 2], "b": [True, False], "f": np.array([0.5, 1.5], dtype=np.float32)})
    f = jit(lambda row: row[0] + 10.0 * row[1] + 100.0 * row[2], batched=True)
    assert f(table).tolist() == [61.0, 152.0]


def test_a_series_is_a_number_a_row(loss):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    X, y = np.ones((3, 2)), np.arange(3.0)
    fast = jit(loss, batched=True)
    assert fast(X, pandas.Series(y)).tolist() == fast(X, polars.Series(y)).tolist() == fast(X, y).tolist()


@pytest.mark.parametrize("made", LIBRARIES)
def test_a_column_of_text_is_named(made):
    pytest.importorskip("pyarrow")
    table = made({"a": [1.0, 2.0], "city": ["Ulm", "Bonn"]})
    with pytest.raises(TypeError, match=r"column 'city' of argument 0 is of type .*, expected real numbers"):
        jit(lambda row: row[0], batched=True)(table)


def test_missing_values_are_nan():
    arrow = pytest.importorskip("pyarrow")
    found = jit(lambda row: row[0] + row[1], batched=True)(arrow.table({"a": [1, None, 3], "b": [1.0, 2.0, None]}))
    assert found[0] == 2.0
    assert np.isnan(found[1:]).all()


def test_a_memory_mapped_array_is_taken_as_it_is(tmp_path, loss):
    X, y = np.random.default_rng(1).normal(size=(50, 2)), np.arange(50.0)
    mapped = np.memmap(tmp_path / "rows", dtype=float, mode="w+", shape=X.shape)
    mapped[:] = X
    fast = jit(loss, batched=True)
    p = np.array([0.5, -0.25])
    assert fast.value_and_grad(p, mapped, y)[0] == fast.value_and_grad(p, X, y)[0]
