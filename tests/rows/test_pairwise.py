"""A pairwise sum has the same bits in whatever order its parts arrive, and however they are grouped before."""

import random
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from autograd_mini.rows.pairwise import PairwiseSum

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=70)


def by_pairs(numbers):
    """Return the sum by its definition: neighbours are added, level by level; one that is left over moves up."""
    while len(numbers) > 1:
        pairs = [a + b for a, b in zip(numbers[::2], numbers[1::2], strict=False)]
        numbers = pairs + numbers[len(pairs) * 2 :]
    return numbers[0]


@given(NUMBERS, st.randoms())
def test_the_order_of_arrival_changes_no_bit(numbers, rng):
    total, parts = PairwiseSum(), [*enumerate(numbers)]
    rng.shuffle(parts)
    for part, number in parts:
        total.add(part, number)
    assert total.result() == by_pairs(numbers)


@given(NUMBERS, st.integers(1, 9), st.integers())
def test_groups_that_were_added_up_elsewhere_change_no_bit(numbers, groups, seed):
    rng, made = random.Random(seed), [PairwiseSum() for _ in range(groups)]
    for part, number in enumerate(numbers):
        rng.choice(made).add(part, number)
    rng.shuffle(made)
    assert PairwiseSum().merge(one.nodes for one in made).result() == by_pairs(numbers)


@given(NUMBERS)
def test_the_sum_is_right(numbers):
    total = PairwiseSum().merge({(0, at): number} for at, number in enumerate(numbers)).result()
    exact = sum(map(Fraction, numbers))
    assert abs(Fraction(total) - exact) <= sum(abs(Fraction(n)) for n in numbers) * 10 * Fraction(2.0**-52)


def test_there_is_no_sum_of_nothing():
    assert PairwiseSum().result() is None
