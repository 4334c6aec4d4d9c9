"""Pytrees: nested arguments as flat lists, and back."""

from __future__ import annotations

import pickle
from collections import defaultdict
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_mini import Value
from autograd_mini.engine.pytree import flatten, holds_values, leaves, matching, together, tree_map
from autograd_mini.engine.pytree import nested as fill


class Point(NamedTuple):
    """Two things."""

    x: object
    y: object


floats = st.floats(allow_nan=False)
nested = st.recursive(
    floats,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.builds(Point, inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=4)
    ),
)


@given(nested)
def test_what_is_taken_apart_is_put_together_again(argument):
    numbers, treedef = flatten(argument)
    assert treedef.unflatten(numbers) == argument
    assert len(numbers) == treedef.size


@given(nested)
def test_every_block_has_a_path_of_its_own(argument):
    _, treedef = flatten(argument)
    assert len({*treedef.paths}) == len(treedef.blocks)


@given(nested, nested)
def test_a_product_of_structures_has_an_inner_structure_for_each_number(outer, inner):
    rows, outside = flatten(outer)
    columns, inside = flatten(inner)
    matrix = [[(i, j) for j in range(len(columns))] for i in range(len(rows))]
    made = outside.product(inside, matrix)
    assert made == outside.unflatten([inside.unflatten(row) for row in matrix])


def test_arrays_keep_their_shape_and_become_float64():
    numbers, treedef = flatten([np.array([[1, 2]]), np.float32(0.5), Fraction(1, 4), True])
    assert numbers == [1.0, 2.0, 0.5, 0.25, 1.0]
    array, *rest = treedef.unflatten(numbers)
    assert (array.dtype, array.shape, rest) == (np.float64, (1, 2), [0.5, 0.25, 1.0])


def test_an_empty_array_is_a_block_of_no_numbers():
    numbers, treedef = flatten(np.zeros((0, 3)))
    assert numbers == []
    assert treedef.unflatten([]).shape == (0, 3)


def test_a_value_among_the_numbers_makes_an_array_of_objects():
    x = Value(1.0)
    made = flatten(np.zeros(2))[1].unflatten([x, 2.0])
    assert made.dtype == object
    assert made[0] is x


def test_lists_and_dicts_of_other_classes_keep_their_class():
    class Row(list):
        pass

    class Table(dict):
        pass

    numbers, treedef = flatten(Table(a=Row([1.0])))
    made = treedef.unflatten(numbers)
    assert type(made) is Table
    assert type(made["a"]) is Row


def test_values_are_found_at_any_depth():
    assert holds_values([{"a": (1.0, np.array([Value(1.0)], dtype=object))}])
    assert not holds_values([{"a": (1.0, np.ones(3), "text", None)}])


def test_a_tuple_of_structures_is_a_structure():
    parts = [flatten(1.0)[1], flatten([1.0, 2.0])[1]]
    assert together(parts).unflatten([1.0, 2.0, 3.0]) == (1.0, [2.0, 3.0])


def test_the_same_keys_in_another_order_are_another_structure():
    treedef = flatten({"a": 1.0, "b": 2.0})[1]
    assert matching(treedef, {"a": 3.0, "b": 4.0}, "v", "x") == [3.0, 4.0]
    with pytest.raises(
        ValueError, match=r"v has the structure \['b'\]: a number, \['a'\]: a number, expected that of x: \['a'\]"
    ):
        matching(treedef, {"b": 4.0, "a": 3.0}, "v", "x")


def test_a_long_structure_is_shown_in_part():
    assert str(flatten([1.0] * 9)[1]).endswith("[5]: a number, …")
    assert str(flatten([])[1]) == "nothing"


@pytest.mark.parametrize("wrong", ["text", None, 1j, {1.0}, object(), b"1", np.array(["a"]), range(3)])
def test_what_is_no_number_is_refused_by_its_place(wrong):
    with pytest.raises(TypeError, match=r"^parameters\['w'\]\[1\]"):
        flatten({"w": [1.0, wrong]}, "parameters")


# --- specs ---


@given(nested)
def test_equal_arrangements_have_equal_specs_that_travel(argument):
    _, treedef = flatten(argument)
    again = flatten(argument)[1]
    assert treedef == again == pickle.loads(pickle.dumps(treedef))  # noqa: S301 - what was just made
    assert hash(treedef) == hash(again)
    assert treedef != flatten([argument])[1]


@given(nested)
def test_a_spec_has_a_block_for_each_path_and_is_filled_by_blocks(argument):
    numbers, treedef = flatten(argument)
    assert len(treedef.blocks) == len(treedef.paths)
    rest = iter(numbers)
    assert fill(treedef.spec, lambda _: next(rest)) == argument


def test_containers_of_classes_of_their_own_are_compared_by_class_and_hold_nothing_of_the_argument():
    given = defaultdict(list, a=[1.0])
    numbers, treedef = flatten(given)
    assert treedef == flatten(defaultdict(int, a=[5.0]))[1] != flatten({"a": [1.0]})[1]
    given["b"] = [2.0]
    made = pickle.loads(pickle.dumps(treedef)).unflatten(numbers)  # noqa: S301 - what was just made
    assert made == {"a": [1.0]}
    assert made["new"] == []


def test_a_matrix_is_an_array_of_its_numbers():
    numbers, treedef = flatten(np.arange(4.0).reshape(2, 2).view(np.matrix))
    assert numbers == [0.0, 1.0, 2.0, 3.0]
    assert treedef.unflatten(numbers).shape == (2, 2)


@pytest.mark.parametrize("wrong", [None, "text", 1j])
def test_the_place_of_what_is_no_number_is_named_in_an_array_too(wrong):
    with pytest.raises(TypeError, match=r"^p\[1\].flat\[2\]"):
        flatten([1.0, np.array([1.0, 2.0, wrong], dtype=object)], "p")
    with pytest.raises(OverflowError, match=r"^p\['a'\]\[0\]"):
        flatten({"a": [10**400]}, "p")


@given(nested)
def test_leaves_are_what_containers_hold_and_are_mapped_in_place(argument):
    assert list(leaves(argument)) == flatten(argument)[0]
    assert list(leaves(tree_map(lambda x: x, argument))) == flatten(argument)[0]
