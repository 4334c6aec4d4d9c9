"""Nested arguments as flat lists, and back."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_mini import Value
from autograd_mini.engine.pytree import flatten, holds_values, matching, together


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
    numbers, structure = flatten(argument)
    assert structure.build(numbers) == argument
    assert len(numbers) == structure.size


@given(nested)
def test_every_block_has_a_path_of_its_own(argument):
    _, structure = flatten(argument)
    assert len({*structure.paths}) == len(structure.blocks)


@given(nested, nested)
def test_a_product_of_structures_has_an_inner_structure_for_each_number(outer, inner):
    rows, outside = flatten(outer)
    columns, inside = flatten(inner)
    matrix = [[(i, j) for j in range(len(columns))] for i in range(len(rows))]
    made = outside.product(inside, matrix)
    assert made == outside.build([inside.build(row) for row in matrix])


def test_arrays_keep_their_shape_and_become_float64():
    numbers, structure = flatten([np.array([[1, 2]]), np.float32(0.5), Fraction(1, 4), True])
    assert numbers == [1.0, 2.0, 0.5, 0.25, 1.0]
    array, *rest = structure.build(numbers)
    assert (array.dtype, array.shape, rest) == (np.float64, (1, 2), [0.5, 0.25, 1.0])


def test_an_empty_array_is_a_block_of_no_numbers():
    numbers, structure = flatten(np.zeros((0, 3)))
    assert numbers == []
    assert structure.build([]).shape == (0, 3)


def test_a_value_among_the_numbers_makes_an_array_of_objects():
    x = Value(1.0)
    made = flatten(np.zeros(2))[1].build([x, 2.0])
    assert made.dtype == object
    assert made[0] is x


def test_lists_and_dicts_of_other_classes_keep_their_class():
    class Row(list):
        pass

    class Table(dict):
        pass

    numbers, structure = flatten(Table(a=Row([1.0])))
    made = structure.build(numbers)
    assert type(made) is Table
    assert type(made["a"]) is Row


def test_values_are_found_at_any_depth():
    assert holds_values([{"a": (1.0, np.array([Value(1.0)], dtype=object))}])
    assert not holds_values([{"a": (1.0, np.ones(3), "text", None)}])


def test_a_tuple_of_structures_is_a_structure():
    parts = [flatten(1.0)[1], flatten([1.0, 2.0])[1]]
    assert together(parts).build([1.0, 2.0, 3.0]) == (1.0, [2.0, 3.0])


def test_the_same_keys_in_another_order_are_another_structure():
    structure = flatten({"a": 1.0, "b": 2.0})[1]
    assert matching(structure, {"a": 3.0, "b": 4.0}, "v", "x") == [3.0, 4.0]
    with pytest.raises(
        ValueError, match=r"v has the structure of x, \['a'\]: a number, \['b'\]: a number; got \['b'\]"
    ):
        matching(structure, {"b": 4.0, "a": 3.0}, "v", "x")


def test_a_long_structure_is_shown_in_part():
    assert str(flatten([1.0] * 9)[1]).endswith("[5]: a number, …")
    assert str(flatten([])[1]) == "nothing"


@pytest.mark.parametrize("wrong", ["text", None, 1j, {1.0}, object(), b"1", np.array(["a"]), range(3)])
def test_what_is_no_number_is_refused_by_its_place(wrong):
    with pytest.raises(TypeError, match=r"^parameters\['w'\]\[1\]"):
        flatten({"w": [1.0, wrong]}, "parameters")
