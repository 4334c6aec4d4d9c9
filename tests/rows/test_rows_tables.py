"""Tables of other libraries are taken as they are: column by column, without a copy where they hold float64."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from autograd_mini import MLP, Parameter, datasets, fit, jit, scan, tanh
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


# --- training ---


class Convertible:
    """What gives an array, and nothing else."""

    def __init__(self, array):
        self._array = array

    def __array__(self, dtype=None, copy=None):
        return self._array


def as_array_giver(columns):
    return Convertible(np.column_stack([*columns.values()]))


RNG = np.random.default_rng(0)
A, B = RNG.normal(size=60), RNG.normal(size=60)
X = np.column_stack([A, B])
GOALS = {
    "hinge": (1, np.where(A * B > 0, 1.0, -1.0)),
    "binary_cross_entropy": (1, (A > B).astype(float)),
    "cross_entropy": (3, np.arange(60) % 3),
    "mse": (2, np.column_stack([A + B, A - B])),
    "mae": (1, (10.0 * A).astype(int)),
}


def trained(X, y, loss, outputs=1, **settings):
    model = MLP(2, [3, outputs], activation="tanh", seed=0)
    history = fit(model, X, y, **{"loss": loss, "epochs": 2, "batch_size": 7, "lr": 0.1, **settings})
    return history, [parameter.data for parameter in model.parameters()]


@pytest.mark.parametrize("made", [*LIBRARIES, as_array_giver])
@pytest.mark.parametrize("loss", GOALS)
@pytest.mark.parametrize("compile", [True, False])
def test_training_on_a_table_has_the_bits_of_training_on_lists(made, loss, compile):  # noqa: A002 - as in `fit`
    outputs, goals = GOALS[loss]
    expected = trained(X.tolist(), goals.tolist(), loss, outputs, compile=compile)
    table = made({"a": A.copy(), "b": B.copy()})
    assert trained(table, goals, loss, outputs, compile=compile, validation=(table, goals))[1] == expected[1]
    assert trained(table, goals.tolist(), loss, outputs, compile=compile) == expected
    assert trained(X.tolist(), goals, loss, outputs, compile=compile) == expected


@pytest.mark.parametrize("goals", [A > 0, (10.0 * A).astype(int), A, np.column_stack([A, B])])
def test_a_loss_of_one_s_own_gets_targets_of_the_kind_that_they_have(goals):
    seen = []

    def loss(prediction, target):
        seen.append(target)
        return (prediction - (sum(target) if isinstance(target, list) else target)) ** 2

    model = MLP(2, [1], seed=0)
    fit(model, X, goals, loss=loss, epochs=1, batch_size=None, shuffle=False, compile=False)
    found, seen[:] = [*seen], []
    fit(model, X.tolist(), goals.tolist(), loss=loss, epochs=1, batch_size=None, shuffle=False, compile=False)
    assert found == seen
    assert [*map(type, found)] == [*map(type, seen)]


def test_the_rows_of_an_array_are_not_made_into_lists():
    tracemalloc.start()
    rows = RNG.normal(size=(100_000, 2))
    trained(rows, np.sign(rows[:, 0]), "hinge", epochs=1, batch_size=1000, compile=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12e6  # of the numbers themselves 2.4 MB, of lists 30


@pytest.mark.parametrize("made", LIBRARIES)
def test_what_is_wrong_in_a_table_to_train_on_is_named(made):
    table = made({"a": [1.0, 2.0], "b": [1.0, float("nan")]})
    with pytest.raises(ValueError, match=r"^row 1, column 'b' of X is nan, expected a finite number"):
        trained(table, [1.0, -1.0], "hinge")
    with pytest.raises(ValueError, match=r"^row 1 of y is 0.0, expected by hinge -1 or 1"):
        trained(X, np.array([1.0, 0.0, *[1.0] * 58]), "hinge")
    with pytest.raises(ValueError, match=r"^X has 60 rows, but y has 59 targets"):
        trained(X, np.ones(59), "hinge")
    with pytest.raises(TypeError, match="row 0, column 'c' of X is 'x'"):
        trained(made({"a": [1.0], "c": ["x"]}), [1.0], "hinge")
    masked = np.ma.array(X, mask=2.0 * X.std() < X)
    with pytest.raises(TypeError, match=r"row \d+, column [01] of X is None"):
        trained(masked, np.ones(60), "hinge")


def test_iterators_of_batches_are_kept_and_trained_on():
    arrow = pytest.importorskip("pyarrow")
    goals = GOALS["hinge"][1]
    data = scan(lambda: ((X[at : at + 25], goals[at : at + 25]) for at in range(0, 60, 25)))
    expected = trained(data[0], data[1], "hinge")
    pieces, aims = ([array[at : at + 25] for at in range(0, 60, 25)] for array in (X, goals))
    assert trained(iter(pieces), goals, "hinge") == expected
    assert trained(iter(pieces), iter(aims), "hinge", validation=(iter(pieces), iter(aims)))[1] == expected[1]
    assert trained(zip(pieces, aims, strict=True), None, "hinge") == expected
    assert trained((piece.tolist() for piece in pieces), goals, "hinge") == expected
    reader = arrow.table({"a": A, "b": B}).to_reader(max_chunksize=25)
    assert trained(reader, goals, "hinge") == expected
    rows = trained(X, goals, "hinge")
    assert trained((row for row in X), goals, "hinge") == trained(iter(X.tolist()), goals, "hinge") == rows
    with pytest.raises(ValueError, match="X has 60 rows, but y has 3 targets"):
        trained(iter(pieces), [1.0, 1.0, -1.0], "hinge")
    with pytest.raises(ValueError, match="X has 3 batches and y 2, expected the targets of each batch"):
        trained(iter(pieces), iter(aims[:2]), "hinge")
    with pytest.raises(ValueError, match="X is empty"):
        trained(iter([]), [], "hinge")


@pytest.mark.parametrize("made", LIBRARIES)
def test_the_rows_of_a_table_are_its_rows_for_preprocessing_too(made):
    table = made({"a": A.copy(), "b": B.copy()})
    assert repr(datasets.Standardiser.fit(table)) == repr(datasets.Standardiser.fit(X))
    assert datasets.split(table, GOALS["hinge"][1]) == datasets.split(X, GOALS["hinge"][1])
