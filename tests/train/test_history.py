"""The history: a table of epochs that can be read, compared, kept as JSON, and shown in a few lines."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_mini.train import History

figure = st.floats(-1e6, 1e6)
columns = st.sampled_from(
    [["loss"], ["loss", "lr"], ["loss", "accuracy", "validation_loss", "validation_accuracy", "lr"]]
)
tables = columns.flatmap(lambda names: st.lists(st.fixed_dictionaries(dict.fromkeys(names, figure)), max_size=30))


def history_of(rows):
    history = History()
    for row in rows:
        history.append(row)
    return history


@given(rows=tables)
def test_the_rows_come_out_as_they_went_in_with_their_epochs_from_1(rows):
    history = history_of(rows)
    assert list(history) == [{"epoch": epoch, **row} for epoch, row in enumerate(rows, 1)]
    assert len(history) == history.epochs == len(rows)
    if rows:
        assert history[-1] == {"epoch": len(rows), **rows[-1]}
        assert history["loss"] == history.loss == [row["loss"] for row in rows]


@given(rows=tables)
def test_json_keeps_a_history_to_the_bit(rows):
    history = history_of(rows)
    history.stopped, history.seconds = "converged", 1.5
    again = History.from_dict(json.loads(json.dumps(history.to_dict())))
    assert again == history
    assert again.to_dict() == history.to_dict()


@given(rows=tables)
def test_repr_is_a_short_table_that_marks_the_best_epoch(rows):
    history = history_of(rows)
    heading, *lines = repr(history).splitlines()
    assert f"{len(rows)} epoch" in heading
    assert len(lines) <= 12
    assert len(set(map(len, lines))) <= 1
    if rows:
        assert [line.split()[1] for line in lines if line.lstrip().startswith("*")] == [str(history.best_epoch)]


def test_repr_leaves_out_the_middle_of_a_long_history():
    history = history_of({"loss": abs(50 - epoch) + 0.5} for epoch in range(100))
    epochs = [line.split()[-2] for line in repr(history).splitlines()[2:]]
    assert epochs == ["1", "2", "3", "...", "51", "...", "96", "97", "98", "99", "100"]


def test_the_best_epoch_is_the_first_of_the_lowest_validation_loss():
    rows = zip([5, 4, 3, 2], [3, 1, 1, 2], strict=True)
    history = history_of({"loss": loss, "validation_loss": held_out} for loss, held_out in rows)
    assert history.best_epoch == 2
    assert history_of({"loss": loss} for loss in [5, 4, 3, 3]).best_epoch == 3


def test_an_empty_history_has_no_best_epoch_and_no_rows():
    history = History()
    assert (history.best_epoch, history.loss, history.validation_loss, list(history)) == (None, [], [], [])
    assert repr(history) == "History of 0 epochs, 0.0 s"


def test_the_metrics_are_the_columns_that_are_neither_a_loss_nor_the_rate():
    history = history_of([{"loss": 1, "accuracy": 0.5, "validation_loss": 2, "validation_accuracy": 0.25, "lr": 0.1}])
    assert history.metrics == {"accuracy": [0.5], "validation_accuracy": [0.25]}


def test_histories_that_differ_in_the_seconds_alone_are_equal():
    first, second, other = (history_of([{"loss": loss}]) for loss in (1, 1, 2))
    second.seconds = 9
    assert first == second
    assert first != other
    assert first != [{"loss": 1}]


def test_an_unknown_column_is_named_with_those_there_are():
    with pytest.raises(KeyError, match=r"'acuracy'.*loss, accuracy"):
        history_of([{"loss": 1, "accuracy": 1}])["acuracy"]


def test_an_epoch_with_other_names_is_refused():
    history = history_of([{"loss": 1}])
    with pytest.raises(ValueError, match="'lr'"):
        history.append({"loss": 1, "lr": 2})
    assert history.loss == [1]
