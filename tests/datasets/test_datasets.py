"""The data sets: the points are the documented ones, the irises are Fisher's, splits are fair, scales are exact."""

# ruff: noqa: N806 - X and X_train are the field's names for the inputs

from __future__ import annotations

import copy
import itertools
import math
import os
import pickle
import statistics
import subprocess
import sys
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_mini import datasets
from autograd_mini.datasets import Standardiser, circles, iris, moons, spirals, split, standardise, xor

SHAPES = {"moons": moons, "circles": circles, "xor": xor, "spirals": spirals}
every_shape = st.sampled_from(list(SHAPES.values()))
seeds = st.integers(0, 2**64)


# Shapes


@given(shape=every_shape, n=st.integers(4, 60), noise=st.floats(0, 2), seed=seeds)
def test_a_shape_is_n_points_in_the_plane_with_balanced_int_classes(shape, n, noise, seed):
    X, y = shape(n, noise=noise, seed=seed)
    assert len(X) == len(y) == n
    assert all(type(point) is list and [type(x) for x in point] == [float, float] for point in X)
    assert all(math.isfinite(x) for point in X for x in point)
    assert all(type(label) is int for label in y)
    sizes = Counter(y)
    assert set(sizes) == {0, 1}
    assert abs(sizes[0] - sizes[1]) <= 1


@given(shape=every_shape, n=st.integers(4, 30), more=st.integers(0, 30), seed=seeds)
def test_fewer_points_are_the_first_rows_of_more(shape, n, more, seed):
    X, y = shape(n, seed=seed)
    longer_X, longer_y = shape(n + more, seed=seed)
    assert (X, y) == (longer_X[:n], longer_y[:n])


@given(shape=every_shape, seed=seeds, noise=st.floats(0.01, 10))
def test_noise_moves_each_point_of_the_same_shape_in_proportion(shape, seed, noise):
    clean, once, scaled = (shape(8, noise=amount, seed=seed)[0] for amount in (0, 1, noise))
    for point, moved, further in zip(clean, once, scaled, strict=True):
        for x, x_once, x_scaled in zip(point, moved, further, strict=True):
            assert x_scaled - x == pytest.approx(noise * (x_once - x), abs=1e-12)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_noise_is_gaussian_with_the_given_standard_deviation_in_each_coordinate(shape):
    clean, noisy = shape(4000, noise=0, seed=5)[0], shape(4000, noise=0.3, seed=5)[0]
    moves = [[b - a for a, b in zip(p, q, strict=True)] for p, q in zip(clean, noisy, strict=True)]
    for coordinate in zip(*moves, strict=True):
        # Five standard errors of each figure for 4,000 draws; the seed is fixed.
        assert statistics.fmean(coordinate) == pytest.approx(0, abs=5 * 0.3 / math.sqrt(4000))
        assert statistics.pstdev(coordinate) == pytest.approx(0.3, abs=5 * 0.3 / math.sqrt(8000))
        assert sum(abs(x) < 0.3 for x in coordinate) / 4000 == pytest.approx(math.erf(math.sqrt(0.5)), abs=0.04)
    assert statistics.correlation(*zip(*moves, strict=True)) == pytest.approx(0, abs=0.08)


@given(seed=seeds)
def test_moons_without_noise_lie_on_their_half_circles(seed):
    for (x0, x1), label in zip(*moons(20, noise=0, seed=seed), strict=True):
        centre_x0, centre_x1 = [(0, 0), (1, 0.5)][label]
        assert math.hypot(x0 - centre_x0, x1 - centre_x1) == pytest.approx(1)
        assert (x1 - centre_x1) * (1, -1)[label] >= -1e-12


@given(seed=seeds, factor=st.floats(0, 0.99))
def test_circles_without_noise_have_radius_one_and_factor(seed, factor):
    for point, label in zip(*circles(20, noise=0, factor=factor, seed=seed), strict=True):
        assert math.hypot(*point) == pytest.approx((1, factor)[label])


@pytest.mark.parametrize("shape", [moons, circles], ids=["moons", "circles"])
def test_points_spread_over_the_whole_of_each_curve(shape):
    X, y = shape(2000, noise=0, seed=0)
    for label in (0, 1):
        points = [point for point, of in zip(X, y, strict=True) if of == label]
        middle = [(min(c) + max(c)) / 2 for c in zip(*points, strict=True)]
        quadrants = Counter((x0 > middle[0], x1 > middle[1]) for x0, x1 in points)
        assert len(quadrants) == 4
        assert min(quadrants.values()) > 100


def test_xor_without_noise_is_the_truth_table():
    X, y = xor(8, noise=0)
    assert X == [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]] * 2
    assert y == [int(a) ^ int(b) for a, b in X]


@given(
    seed=seeds,
    classes=st.integers(2, 5),
    turns=st.floats(-3, 3).filter(lambda turns: turns == 0 or abs(turns) > 0.01),
)
def test_spirals_without_noise_turn_in_proportion_to_the_radius(seed, classes, turns):
    X, y = spirals(20, noise=0, turns=turns, classes=classes, seed=seed)
    assert y == [row % classes for row in range(20)]
    for (x0, x1), arm in zip(X, y, strict=True):
        radius = math.hypot(x0, x1)
        assert 0.1 - 1e-12 <= radius <= 1 + 1e-12
        angle = math.tau * (turns * (radius - 0.1) / 0.9 + arm / classes)
        assert (x0, x1) == pytest.approx((radius * math.cos(angle), radius * math.sin(angle)), abs=1e-9)


@pytest.mark.parametrize(
    ("shape", "point"),
    [
        ("moons", [0.2140334670069902, -0.15933359975743322]),
        ("circles", [-0.12694076607957985, 0.5665166970691349]),
        ("xor", [-0.0989426213073901, 1.0673012086382214]),
        ("spirals", [-0.030823142113692005, -0.2988519468958758]),
    ],
)
def test_the_points_of_a_seed_are_these_in_every_python_version(shape, point):
    assert SHAPES[shape]()[0][1] == pytest.approx(point, abs=1e-12)


def test_the_same_seed_gives_the_same_bits_in_another_process():
    program = (
        "from autograd_mini.datasets import *;"
        "shapes = [shape(9, seed=7) for shape in (moons, circles, xor, spirals)];"
        "print([shapes, split(list(range(20)), list('ab' * 10), seed=7)])"
    )
    ours = [[shape(9, seed=7) for shape in SHAPES.values()], split(list(range(20)), list("ab" * 10), seed=7)]
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        run = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        assert run.stdout.strip() == repr(ours)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_another_seed_gives_other_points_and_none_new_ones_each_time(shape):
    assert shape(seed=0) == shape(seed=0)
    assert shape(seed=0) != shape(seed=1)
    assert shape(seed=None) != shape(seed=None)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n": 1}, ValueError, r"n is 1, but there are \d .* give n=\d or more"),
        ({"n": -5}, ValueError, r"n is -5"),
        ({"n": 10.5}, TypeError, r"n is 10\.5, expected a whole number"),
        ({"n": True}, TypeError, r"n is True, expected a whole number"),
        ({"noise": -0.1}, ValueError, r"noise is -0\.1, expected a standard deviation of 0 or more"),
        ({"noise": math.nan}, ValueError, r"noise is nan, expected a finite number"),
        ({"noise": math.inf}, ValueError, r"noise is inf, expected a finite number"),
        ({"noise": "0.1"}, TypeError, r"noise is '0\.1', expected a number"),
        ({"noise": None}, TypeError, r"noise is None, expected a number"),
        ({"seed": -1}, ValueError, r"seed is -1, expected a whole number from 0 on, or None"),
        ({"seed": 0.5}, TypeError, r"seed is 0\.5, expected a whole number"),
        ({"seed": "x"}, TypeError, r"seed is 'x', expected a whole number"),
    ],
)
def test_a_wrong_argument_of_a_shape_is_named_with_its_value(shape, arguments, error, message):
    with pytest.raises(error, match=message):
        shape(**arguments)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: circles(factor=1), r"factor is 1\.0, expected a radius of at least 0 and less than 1"),
        (lambda: circles(factor=-0.5), r"factor is -0\.5"),
        (lambda: spirals(classes=1), r"classes is 1, expected at least 2"),
        (lambda: spirals(2, classes=3), r"n is 2, but there are 3 classes and each needs a point: give n=3 or more"),
        (lambda: spirals(turns=math.inf), r"turns is inf"),
        (lambda: xor(3), r"n is 3, but there are 4 corners"),
    ],
)
def test_a_wrong_argument_of_one_shape_alone_is_named_with_its_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Irises


def test_iris_is_150_rows_of_4_floats_with_50_flowers_a_class():
    X, y = iris()
    assert len(X) == len(y) == 150
    assert all(type(row) is list and [type(x) for x in row] == [float] * 4 for row in X)
    assert y == [0] * 50 + [1] * 50 + [2] * 50


def test_the_class_means_and_deviations_of_iris_are_those_of_fisher_s_paper():
    # Means and sample standard deviations as R prints them for its own `iris`, to three decimals.
    means = {
        "setosa": [5.006, 3.428, 1.462, 0.246],
        "versicolor": [5.936, 2.770, 4.260, 1.326],
        "virginica": [6.588, 2.974, 5.552, 2.026],
    }
    deviations = {
        "setosa": [0.352, 0.379, 0.174, 0.105],
        "versicolor": [0.516, 0.314, 0.470, 0.198],
        "virginica": [0.636, 0.322, 0.552, 0.275],
    }
    X, y = iris()
    for index, species in enumerate(iris().target_names):
        columns = list(zip(*(row for row, label in zip(X, y, strict=True) if label == index), strict=True))
        assert [statistics.fmean(column) for column in columns] == pytest.approx(means[species], abs=1e-9)
        assert [statistics.stdev(column) for column in columns] == pytest.approx(deviations[species], abs=6e-4)


def test_the_two_flowers_that_the_uci_copy_has_wrong_are_right():
    X, _ = iris()
    assert X[34] == [4.9, 3.1, 1.5, 0.2]
    assert X[37] == [4.9, 3.6, 1.4, 0.1]
    # The one pair of equal flowers is the 102nd and the 143rd; with UCI's errors there are three more.
    assert [(i, j) for i, j in itertools.combinations(range(150), 2) if X[i] == X[j]] == [(101, 142)]


def test_iris_names_its_features_its_classes_and_its_source():
    flowers = iris()
    assert (flowers.X, flowers.y) == tuple(flowers)
    assert flowers.feature_names == ("sepal_length", "sepal_width", "petal_length", "petal_width")
    assert flowers.target_names == ("setosa", "versicolor", "virginica")
    assert all(word in flowers.source for word in ("Fisher", "1936", "Anderson", "1935", "Public domain"))
    assert repr(flowers) == "<Iris: 150 rows of 4 features, 3 classes>"


def test_the_file_of_iris_has_a_header_that_names_the_columns():
    from importlib.resources import files

    first = files(datasets).joinpath("iris.csv").read_text(encoding="utf-8").splitlines()[0]
    assert first == ",".join([*iris().feature_names, "species"])


def test_iris_cannot_be_changed_and_no_caller_sees_another_s_changes():
    flowers = iris()
    for name in ("X", "y", "feature_names", "source", "other"):
        with pytest.raises(AttributeError):
            setattr(flowers, name, None)
    flowers.X[0][0] = -1.0
    assert iris().X[0][0] == 5.1


@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda flowers: pickle.loads(pickle.dumps(flowers))],  # noqa: S301 - our own bytes
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_copy_of_iris_is_iris(again):
    flowers = again(iris())
    assert flowers == iris()
    assert type(flowers) is type(iris())


# Splits


@st.composite
def labelled_rows(draw):
    """Return class labels and a fraction that leaves a row on both sides."""
    labels = draw(st.lists(st.sampled_from("abcd"), min_size=2, max_size=60))
    tests = draw(st.integers(1, len(labels) - 1))
    return labels, tests / len(labels)


@given(data=labelled_rows(), seed=seeds, stratify=st.booleans())
def test_a_split_keeps_every_row_once_and_with_its_target(data, seed, stratify):
    labels, fraction = data
    rows = [[float(row), label] for row, label in enumerate(labels)]
    X_train, X_test, y_train, y_test = split(rows, labels, fraction, seed, stratify=stratify)
    assert sorted(X_train + X_test) == rows
    assert [row[1] for row in X_train] == y_train
    assert [row[1] for row in X_test] == y_test
    assert len(X_test) == round(fraction * len(rows))
    assert split(rows, labels, fraction, seed, stratify=stratify) == (X_train, X_test, y_train, y_test)


@given(data=labelled_rows(), seed=seeds)
def test_a_stratified_split_takes_the_share_of_each_class_rounded_up_or_down(data, seed):
    labels, fraction = data
    _, _, _, y_test = split(labels, labels, fraction, seed)
    share = Fraction(len(y_test), len(labels))
    for label, count in Counter(labels).items():
        assert math.floor(share * count) <= y_test.count(label) <= math.ceil(share * count)


def test_a_split_of_iris_has_its_species_in_equal_parts():
    X, y = iris()
    X_train, X_test, y_train, y_test = split(X, y, test_fraction=0.2)
    assert Counter(y_train) == {0: 40, 1: 40, 2: 40}
    assert Counter(y_test) == {0: 10, 1: 10, 2: 10}
    assert len(X_train) == 120
    assert len(X_test) == 30


def test_both_parts_of_a_split_are_in_a_random_order():
    _, _, y_train, y_test = split(*iris())
    assert y_train != sorted(y_train)
    assert y_test != sorted(y_test)
    # In a random order about a third of all neighbours are equal, in the order of the file nearly all.
    assert sum(a == b for a, b in itertools.pairwise(y_train)) < 60


@pytest.mark.parametrize("stratify", [True, False])
def test_every_row_is_equally_often_in_the_test_part(stratify):
    labels = [0] * 6 + [1] * 3 + [2]
    taken = Counter()
    for seed in range(1000):
        taken.update(split(range(10), labels, 0.3, seed, stratify=stratify)[1])
    # 300 expected, with a standard deviation below 15; the seeds are fixed.
    assert all(225 < taken[row] < 375 for row in range(10))


def test_without_stratify_the_classes_fall_as_they_may():
    shares = {split(range(20), [0, 1] * 10, 0.5, seed, stratify=False)[3].count(0) for seed in range(50)}
    assert len(shares) > 3
    assert {split(range(20), [0, 1] * 10, 0.5, seed)[3].count(0) for seed in range(50)} == {5}


def test_another_seed_splits_otherwise_and_none_anew_each_time():
    rows = list(range(100))
    assert split(rows, rows, seed=0) != split(rows, rows, seed=1)
    assert split(rows, rows, seed=None) != split(rows, rows, seed=None)


def test_a_split_of_real_targets_and_of_lists_of_targets_works():
    assert len(split([[0], [1], [2], [3]], [0.5, 1.5, math.nan, 2.5], 0.5)[0]) == 2
    assert len(split([[0], [1]], [[0.5, 1.0], [1.5, 1.0]], 0.5, stratify=False)[2]) == 1


def test_a_split_of_arrays_gives_lists_of_plain_numbers():
    numpy = pytest.importorskip("numpy")
    X, y = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]], [0, 1, 0, 1]
    parts = split(numpy.array(X), numpy.array(y))
    assert parts == split(X, y) == split(tuple(X), iter(y))
    assert type(parts[0][0]) is list
    assert type(parts[2][0]) is int


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1, 2, 3], [0, 1]), ValueError, r"X has 3 rows, but y has 2 targets: give one target for each row"),
        (([], []), ValueError, r"test_fraction 0\.25 of 0 rows is 0 for the test part and 0 for training"),
        (([1], [0]), ValueError, r"each needs at least one: give more rows or another fraction"),
        (([1, 2], [0, 1], 0.1), ValueError, r"of 2 rows is 0 for the test part and 2 for training"),
        (([1, 2], [0, 1], 0.9), ValueError, r"of 2 rows is 2 for the test part and 0 for training"),
        (([1, 2], [0, 1], 0), ValueError, r"test_fraction is 0, expected a part of 1, such as 0\.25"),
        (([1, 2], [0, 1], 1), ValueError, r"test_fraction is 1"),
        (([1, 2], [0, 1], 25), ValueError, r"test_fraction is 25"),
        (([1, 2], [0, 1], math.nan), ValueError, r"test_fraction is nan"),
        (([1, 2], [0, 1], "0.5"), TypeError, r"test_fraction is '0\.5', expected a number"),
        (([1, 2], [0, 1], 0.5, -1), ValueError, r"seed is -1"),
        (({1, 2}, [0, 1]), TypeError, r"X is \{1, 2\}, expected a list, a tuple or an array"),
        ((5, [0, 1]), TypeError, r"X is 5, expected a list, a tuple or an array"),
        (([1, 2], None), TypeError, r"y is None, expected a list, a tuple or an array"),
        (([1, 2], [[0], [0]], 0.5), TypeError, r"row \d of y is \[0\], which cannot be a class.*stratify=False"),
    ],
)
def test_a_wrong_argument_of_a_split_is_named_with_its_value(arguments, error, message):
    with pytest.raises(error, match=message):
        split(*arguments)


# Standardising

numbers = st.floats(-1e6, 1e6) | st.integers(-(10**6), 10**6)


@st.composite
def tables(draw, elements=numbers):
    """Return rows of equally many numbers."""
    columns = draw(st.integers(1, 4))
    return draw(st.lists(st.lists(elements, min_size=columns, max_size=columns), min_size=1, max_size=20))


def exact_mean_and_variance(column):
    """Return the mean and the population variance of the column as fractions."""
    exact = [Fraction(x) for x in column]
    mean = sum(exact) / len(exact)
    return mean, sum((x - mean) ** 2 for x in exact) / len(exact)


@given(table=tables(), offset=st.sampled_from([0.0, 1.0, -1e6, 1e12, 1e16]))
def test_means_and_scales_are_those_of_exact_arithmetic_at_any_offset(table, offset):
    table = [[x + offset for x in row] for row in table]
    standardiser = Standardiser.fit(table)
    for column, mean, scale in zip(zip(*table, strict=True), standardiser.means, standardiser.scales, strict=True):
        exact_mean, exact_variance = exact_mean_and_variance(column)
        assert abs(Fraction(mean) - exact_mean) <= abs(exact_mean) * Fraction(1, 2**52)
        if exact_variance == 0:
            assert (mean, scale) == (column[0], 1.0)
        elif exact_variance > Fraction(1, 10**600):
            assert abs(Fraction(scale) ** 2 / exact_variance - 1) < Fraction(1, 10**14)


@given(table=tables(st.floats(-1e300, 1e300)))
def test_the_standardised_training_set_is_finite_whatever_its_size(table):
    (rows,) = standardise(table)
    # No number is more than sqrt(n) deviations from the mean; where the numbers are neighbouring floats, the mean is
    # rounded by up to as much again.
    assert all(abs(x) <= 2 * math.sqrt(len(table)) + 1 for row in rows for x in row)


@given(table=tables(st.integers(-1000, 1000)))
def test_a_standardised_training_set_has_mean_0_and_deviation_1_or_0(table):
    (rows,) = standardise(table)
    for before, after in zip(zip(*table, strict=True), zip(*rows, strict=True), strict=True):
        assert statistics.fmean(after) == pytest.approx(0, abs=1e-12)
        assert statistics.pstdev(after) == pytest.approx(0 if len(set(before)) == 1 else 1, abs=1e-12)


@given(value=st.floats(-1e300, 1e300), rows=st.integers(1, 50))
def test_a_constant_column_has_itself_as_mean_and_scale_1(value, rows):
    standardiser = Standardiser.fit([[value]] * rows)
    assert (standardiser.means, standardiser.scales) == ((value,), (1.0,))
    assert standardiser.transform([[value]]) == [[0.0]]


def test_a_deviation_too_small_for_a_float_gets_scale_1():
    assert Standardiser.fit([[5e-324], *[[0.0]] * 99]).scales == (1.0,)


@given(table=tables())
def test_inverse_undoes_transform(table):
    standardiser = Standardiser.fit(table)
    for row, again in zip(table, standardiser.inverse(standardiser.transform(table)), strict=True):
        for x, x_again, mean in zip(row, again, standardiser.means, strict=True):
            assert x_again == pytest.approx(x, rel=1e-12, abs=1e-12 * max(abs(x), abs(mean), 1e-300))


@given(table=tables())
def test_means_and_scales_kept_elsewhere_make_the_same_standardiser(table):
    standardiser = Standardiser.fit(table)
    kept = Standardiser(list(standardiser.means), list(standardiser.scales))
    assert kept.transform(table) == standardiser.transform(table)
    assert repr(eval(repr(standardiser))) == repr(standardiser)  # noqa: S307 - the repr is the call that makes it


def test_only_the_first_table_sets_the_means_and_scales():
    train, test, later = standardise([[1, 10], [3, 30]], [[5, 20]], [[1, 10], [3, 50]])
    assert train == [[-1.0, -1.0], [1.0, 1.0]]
    assert test == [[3.0, 0.0]]
    assert later == [[-1.0, -1.0], [1.0, 3.0]]


def test_standardise_leaves_its_arguments_as_they_are():
    train, test = [[1.0], [3.0]], [[5.0]]
    standardise(train, test)
    assert (train, test) == ([[1.0], [3.0]], [[5.0]])


def test_every_kind_of_table_gives_lists_of_floats():
    numpy = pytest.importorskip("numpy")
    table = [[1, 2], [3, 5], [5, 11]]
    expected = standardise(table, table)
    kinds = [
        tuple(map(tuple, table)),
        numpy.array(table),
        numpy.array(table, dtype="float32"),
        [numpy.array(row) for row in table],
        [[Fraction(x) for x in row] for row in table],
        [map(int, row) for row in table],
        (row for row in table),
    ]
    for kind in kinds:
        (result,) = standardise(kind)
        assert result == expected[0]
        assert all(type(row) is list and all(type(x) is float for x in row) for row in result)


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ([], ValueError, r"X is empty, expected at least one row"),
        ([[]], ValueError, r"row 0 of X is empty, expected at least one number"),
        ([[1, 2], [3]], ValueError, r"row 1 of X has 1 numbers, but row 0 has 2"),
        ([[1, 2], [3, math.nan]], ValueError, r"row 1, column 1 of X is nan, expected a finite number"),
        ([[1, 2], [-math.inf, 4]], ValueError, r"row 1, column 0 of X is -inf, expected a finite number"),
        ([[10**400]], ValueError, r"row 0, column 0 of X is greater than any float"),
        ([[1.7e308], [0]], ValueError, r"column 0 of the training set holds numbers near the greatest float"),
        ([[1, "2"]], TypeError, r"row 0, column 1 of X is '2', expected a number"),
        ([[1, None]], TypeError, r"row 0, column 1 of X is None, expected a number"),
        ([[1j]], TypeError, r"row 0, column 0 of X is 1j, expected a number"),
        ([[[1.0]]], TypeError, r"row 0, column 0 of X is \[1\.0\], expected a number"),
        ([1.0, 2.0], TypeError, r"row 0 of X is 1\.0, expected a row of numbers, such as \[5\.1, 3\.5\]"),
        (["abc"], TypeError, r"row 0 of X is 'abc', expected a row of numbers"),
        ("abc", TypeError, r"X is 'abc', expected a table"),
        (7, TypeError, r"X is 7, expected a table"),
    ],
)
def test_a_wrong_table_is_named_with_its_row_and_column(table, error, message):
    with pytest.raises(error, match=message):
        Standardiser.fit(table)
    with pytest.raises(error, match=message.replace("of X", "of X_train").replace("X is", "X_train is")):
        standardise(table)


def test_an_array_of_three_axes_is_refused():
    numpy = pytest.importorskip("numpy")
    with pytest.raises(TypeError, match=r"row 0, column 0 of X is .*, expected a number"):
        Standardiser.fit(numpy.ones((2, 2, 1)))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda fitted: fitted.transform([[1, 2], [1]]), ValueError, r"row 1 of X has 1 numbers, but row 0 has 2"),
        (lambda fitted: fitted.transform([[1]]), ValueError, r"row 0 of X has 1 numbers, but the training set has 2"),
        (lambda fitted: fitted.inverse([[1, 2, 3]]), ValueError, r"has 3 numbers, but the training set has 2"),
        (lambda fitted: fitted.inverse([[1, math.nan]]), ValueError, r"row 0, column 1 of X is nan"),
        (lambda fitted: fitted.transform([]), ValueError, r"X is empty"),
        (lambda _: standardise([[1]], [[1]], [[1, 2]]), ValueError, r"row 0 of others\[1\] has 2 numbers"),
        (lambda _: Standardiser([1, 2], [1]), ValueError, r"means has 2 numbers, but scales has 1"),
        (lambda _: Standardiser([1, 2], [1, 0]), ValueError, r"scales\[1\] is 0\.0, expected a number greater"),
        (lambda _: Standardiser([1], [math.nan]), ValueError, r"scales\[0\] is nan"),
        (lambda _: Standardiser(["1"], [1]), TypeError, r"means\[0\] is '1', expected a number"),
        (lambda _: Standardiser(1, [1]), TypeError, r"means is 1, expected a number for each column"),
    ],
)
def test_a_wrong_use_of_means_and_scales_is_named(call, error, message):
    fitted = Standardiser.fit([[1, 2], [3, 4]])
    with pytest.raises(error, match=message):
        call(fitted)


class Frame:
    """What matters of a data frame of pandas: its items are the names of its columns."""

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns

    def __iter__(self):
        return iter(self.columns)

    def to_numpy(self):
        """Return the rows."""
        return self.rows


def test_a_data_frame_is_split_and_standardised_by_its_rows():
    X, y = iris()
    frame, series = Frame(X, iris().feature_names), Frame(y, ())
    assert split(frame, series) == split(X, y)
    assert standardise(frame) == standardise(X)


def test_a_dict_of_columns_is_refused_rather_than_counted():
    with pytest.raises(TypeError, match=r"X is {'a'.*, expected a list, a tuple or an array of rows"):
        split({"a": [1, 2, 3], "b": [4, 5, 6]}, [0, 1])
