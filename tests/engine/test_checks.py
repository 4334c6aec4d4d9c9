"""Arguments, checked where they come in."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_mini.engine.checks import random_numbers, whole_number


@given(st.integers(-(2**53), 2**53))
def test_what_is_whole_is_taken_in_every_type_of_number(n):
    for given_number in (n, float(n), Fraction(n), Decimal(n), np.int64(n), np.float64(n), np.array(n)):
        found = whole_number("n", given_number)
        assert (type(found), found) == (int, n)


@pytest.mark.parametrize("wrong", [0.5, "2", b"2", None, 2j, [2], True, np.bool_(1), math.nan, math.inf, np.array([2])])
def test_what_is_not_whole_is_refused_by_name_and_value(wrong):
    with pytest.raises(TypeError) as raised:
        whole_number("n", wrong, least=1)
    assert str(raised.value) == f"n is {wrong!r}, expected a whole number from 1 on"


def test_a_whole_number_below_the_least_is_out_of_range():
    assert whole_number("n", 1.0, least=1) == 1
    with pytest.raises(ValueError, match="n is 0, expected a whole number from 1 on"):
        whole_number("n", 0, least=1)


def test_a_seed_is_the_same_in_every_type_of_number():
    assert random_numbers(3)() == random_numbers(3.0)() == random_numbers(np.int64(3))()
