"""The data that `fit` takes: whatever holds rows and targets, and errors that name the row and the column."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_mini import Parameter, Value
from autograd_mini.datasets.preprocessing import table
from autograd_mini.train import evaluate, fit
from autograd_mini.train.data import targets

rows = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(st.floats(-1e9, 1e9) | st.integers(-9, 9), min_size=width, max_size=width), min_size=1
    )
)


class Sum:
    """A model of any number of inputs: a weight times their sum, for each output."""

    def __init__(self, outputs=None):
        self.weights = [Parameter(0.5) for _ in range(outputs or 1)]
        self.several = outputs is not None

    def parameters(self):
        """List what is trained."""
        return self.weights

    def __call__(self, row):
        """Return one output, or a list of them."""
        outputs = [weight * sum(row) for weight in self.weights]
        return outputs if self.several else outputs[0]


class Frame:
    """What a data frame is to us: names of columns, and an array."""

    def __init__(self, array, columns):
        self.array, self.columns = array, columns

    def to_numpy(self):
        """Return the array."""
        return self.array

    def __iter__(self):
        return iter(self.columns)


@given(X=rows)
def test_lists_tuples_generators_and_arrays_are_the_same_table_of_floats(X):
    numpy = pytest.importorskip("numpy")
    expected = [[float(cell) for cell in row] for row in X]
    holders = [
        X,
        tuple(map(tuple, X)),
        (iter(row) for row in X),
        numpy.array(X),
        [*numpy.array(X)],
        Frame(numpy.array(X), "ab"),
    ]
    for holder in holders:
        found = table("X", holder)
        assert found == expected
        assert all(type(cell) is float for row in found for cell in row)


@given(
    X=rows,
    data=st.data(),
    wrong=st.sampled_from([math.nan, math.inf, -math.inf, None, "1.0", 1j, 10**400, Value(1.0), [1.0]]),
)
def test_a_cell_that_is_no_finite_number_is_named(X, data, wrong):
    row = data.draw(st.integers(0, len(X) - 1))
    column = data.draw(st.integers(0, len(X[0]) - 1))
    X[row][column] = wrong
    with pytest.raises((ValueError, TypeError), match=rf"row {row}, column {column} of X"):
        table("X", X)


def test_a_cell_of_a_frame_is_named_by_its_column():
    numpy = pytest.importorskip("numpy")
    frame = Frame(numpy.array([[1.0, 2.0], [3.0, math.nan]]), ["age", "weight"])
    with pytest.raises(ValueError, match=r"row 1, column 'weight' of X is nan"):
        fit(Sum(), frame, [1, 2], loss="mse")


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([], ValueError, "X is empty"),
        ([[], []], ValueError, "row 0 of X is empty"),
        ([[1, 2], [1]], ValueError, "row 1 of X has 1 numbers, but row 0 has 2"),
        ([1, 2], TypeError, r"row 0 of X is 1, .*\[\[x\] for x in X\]"),
        ("12", TypeError, "X is '12'"),
        (["12"], TypeError, "row 0 of X is '12'"),
        ({"a": [1]}, TypeError, "X is {'a'"),
        ({(1, 2)}, TypeError, "X is {"),
        (None, TypeError, "X is None"),
        (3.0, TypeError, "X is 3.0"),
    ],
)
def test_what_is_no_table_is_refused(X, error, message):
    with pytest.raises(error, match=message):
        fit(Sum(), X, [1, 2], loss="mse")


def test_an_array_of_one_or_three_axes_is_no_table():
    numpy = pytest.importorskip("numpy")
    with pytest.raises(TypeError, match=r"row 0 of X is 0\.0"):
        table("X", numpy.zeros(3))
    with pytest.raises(TypeError, match="row 0, column 0 of X"):
        table("X", numpy.zeros((2, 2, 2)))


def test_rows_and_targets_of_different_number_are_refused():
    with pytest.raises(ValueError, match="X has 2 rows, but y has 3 targets"):
        fit(Sum(), [[1], [2]], [1, 2, 3], loss="mse")


def test_errors_in_validation_say_so():
    with pytest.raises(ValueError, match="row 0, column 0 of X of validation is nan"):
        fit(Sum(), [[1]], [1], loss="mse", validation=([[math.nan]], [1]))
    with pytest.raises(ValueError, match="X of validation has 1 rows, but y of validation has 2"):
        fit(Sum(), [[1]], [1], loss="mse", validation=([[1]], [1, 2]))
    with pytest.raises(TypeError, match="pair"):
        fit(Sum(), [[1]], [1], loss="mse", validation=[[1]])


def test_a_model_of_another_width_is_named_with_the_row():
    from autograd_mini import MLP

    with pytest.raises(ValueError, match=r"row 0 of X, of 2 numbers: .*3 inputs"):
        fit(MLP(3, [1]), [[1, 2]], [1], loss="mse")


@pytest.mark.parametrize("y", [[0, 2, 1], (0.0, 2.0, 1.0), [[0], [2], [1]], [False, 2, True]])
def test_whole_numbers_of_any_kind_are_class_indices(y):
    found = targets("y", y, "cross_entropy", 3)
    assert found == [0, 2, 1]
    assert {type(index) for index in found} == {int}


def test_targets_come_from_arrays_and_columns_of_arrays():
    numpy = pytest.importorskip("numpy")
    for y in (
        numpy.array([0, 2]),
        numpy.array([[0], [2]]),
        numpy.array([0, 2], dtype=numpy.float32),
        Frame(numpy.array([0, 2]), []),
    ):
        assert targets("y", y, "cross_entropy", 3) == [0, 2]
        assert targets("y", y, "mse", None) == [0.0, 2.0]


@pytest.mark.parametrize(
    ("loss", "outputs", "y", "error", "message"),
    [
        ("cross_entropy", 3, [0, 3], ValueError, "row 1 of y is 3.*0 to 2"),
        ("cross_entropy", 3, [0, -1], ValueError, "row 1 of y is -1.*0 to 2"),
        ("cross_entropy", 3, [0.5], ValueError, "row 0 of y is 0.5.*whole number"),
        ("cross_entropy", 3, [math.nan], ValueError, "row 0 of y is nan"),
        ("cross_entropy", 3, ["setosa"], TypeError, "row 0 of y is 'setosa'.*index of a class"),
        ("cross_entropy", 3, [[0, 1, 0]], TypeError, r"row 0 of y is \[0, 1, 0\]"),
        ("cross_entropy", None, [0], ValueError, "binary_cross_entropy"),
        ("binary_cross_entropy", None, [0, 2], ValueError, "row 1 of y is 2.*0 or 1"),
        ("binary_cross_entropy", None, [-1], ValueError, "row 0 of y is -1"),
        ("hinge", None, [1, 0], ValueError, r"row 1 of y is 0.*-1 or 1.*2 \* target - 1"),
        ("mse", None, [1, None], TypeError, "row 1 of y is None.*a number"),
        ("mse", None, [1, math.inf], ValueError, "row 1 of y is inf"),
        ("mse", None, [[1, 2]], TypeError, r"row 0 of y is \[1, 2\]"),
        ("mse", 2, [[1, 2], [1]], ValueError, r"row 1 of y is \[1\].*2 outputs"),
        ("mse", 2, [1], ValueError, "row 0 of y is 1.*2 outputs"),
        ("mse", 2, [[1, math.nan]], ValueError, "row 0 of y, column 1 is nan"),
        (None, None, [1.0, math.nan], ValueError, "row 1 of y is nan"),
        (None, None, [[1.0, math.nan]], ValueError, "row 0 of y, column 1 is nan"),
        ("mse", None, "12", TypeError, "y is '12'"),
        ("mse", None, None, TypeError, "y is None"),
    ],
)
def test_a_target_that_the_loss_cannot_read_is_named(loss, outputs, y, error, message):
    with pytest.raises(error, match=message):
        targets("y", y, loss, outputs)


def test_a_loss_of_ones_own_is_given_its_targets_as_they_are():
    seen = []

    def loss(prediction, target):
        seen.append(target)
        return prediction

    evaluate(Sum(), [[1]] * 3, [{"mean": 1}, "low", 3], loss=loss)
    assert seen == [{"mean": 1}, "low", 3]


def test_several_outputs_are_trained_on_rows_of_targets():
    model = Sum(2)
    history = fit(model, [[1.0], [2.0]], [[1, -1], [2, -2]], loss="mse", lr=0.1, epochs=200)
    assert [weight.data for weight in model.weights] == pytest.approx([1, -1], abs=1e-3)
    assert history.loss[-1] < 1e-5
