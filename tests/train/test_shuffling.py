"""Shuffling: every row once, in an order that looks like chance and is the same everywhere."""

from __future__ import annotations

import sys
from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_mini.train.data import shuffled

SEEDS, EPOCHS = st.integers(0, 2**70), st.integers(0, 2**20)


@given(count=st.integers(0, 300), seed=SEEDS, epoch=EPOCHS)
def test_every_row_comes_once_and_in_the_same_order_without_numpy(count, seed, epoch):
    numpy = pytest.importorskip("numpy")
    fast = shuffled(count, seed, epoch)
    assert isinstance(fast, numpy.ndarray)
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(sys.modules, "numpy")
        plain = shuffled(count, seed, epoch)
    assert type(plain) is list
    assert plain == fast.tolist()
    assert sorted(plain) == [*range(count)]


@given(seed=SEEDS, epoch=EPOCHS)
def test_another_epoch_and_another_seed_give_another_order(seed, epoch):
    orders = [[*shuffled(30, *at)] for at in ((seed, epoch), (seed, epoch + 1), (seed + 1, epoch))]
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_every_order_of_four_rows_comes_about_equally_often():
    counts = Counter(tuple(map(int, shuffled(4, 0, epoch))) for epoch in range(24 * 200))
    assert counts.keys() == {*permutations(range(4))}
    # Pearson's chi squared with 23 degrees of freedom is beyond 50 once in a thousand times; the seed is fixed.
    assert sum((count - 200) ** 2 / 200 for count in counts.values()) < 50


def test_the_order_is_the_one_it_has_always_been():
    assert [*map(int, shuffled(10, 0, 0))] == [9, 5, 2, 6, 7, 8, 3, 0, 4, 1]
