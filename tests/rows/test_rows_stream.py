"""Streams: files, tables and functions of batches are read block by block, and what breaks on the way is named."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_mini import MLP, Parameter, fit, jit, scan, tanh
from autograd_mini.rows.sources import length
from autograd_mini.rows.stream import read_ahead

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

P = np.array([0.5, -0.25])
ROWS = 1000


def numbers(rows=ROWS, seed=0):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=rows), rng.normal(size=rows)
    return {"a": a, "b": b, "y": (a * b > 0).astype(float)}


def write(path, columns, *, rows=100):
    """Write columns to a Parquet or an Arrow file, in groups of so many rows."""
    table = pa.table(columns)
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=rows)
    else:
        with pa.ipc.new_file(str(path), table.schema) as file:
            file.write_table(table, max_chunksize=rows)
    return path


@pytest.fixture
def fast():
    v, w = Parameter(0.5), Parameter(-0.25)
    return jit(lambda row, y: (tanh(v * row[0] + w * row[1]) - y) ** 2, batched=True)


def batches(columns, rows=100):
    X = np.column_stack([columns["a"], columns["b"]])
    return [(X[at : at + rows], columns["y"][at : at + rows]) for at in range(0, len(X), rows)]


def same(found, expected):
    return found[0] == expected[0] and found[1].tolist() == expected[1].tolist()


@pytest.mark.parametrize("name", ["rows.parquet", "rows.arrow"])
def test_the_same_blocks_give_the_same_bits_from_a_file_and_from_memory(name, tmp_path, fast):
    columns = numbers()
    data = scan(write(tmp_path / name, columns), rows=100)
    found = fast.value_and_grad(P, data[["a", "b"]], data["y"])
    assert same(found, fast.value_and_grad(P, iter(batches(columns))))
    whole = fast.value_and_grad(P, np.column_stack([columns["a"], columns["b"]]), columns["y"])
    assert np.allclose(found[1], whole[1], rtol=1e-13)
    assert same(fast.value_and_grad(P, data[["a", "b"]], data["y"]), found)  # it can be read again


def test_a_folder_is_its_files_in_the_order_of_their_names(tmp_path, fast):
    one, two = numbers(300, 1), numbers(200, 2)
    write(tmp_path / "b.arrow", two)
    write(tmp_path / "a.parquet", one)
    (tmp_path / "_notes.parquet").write_text("not read")
    (tmp_path / "readme.txt").write_text("nor this")
    data = scan(tmp_path, rows=100)
    assert (len(data), data.columns) == (500, ["a", "b", "y"])
    found = fast.value_and_grad(P, data[["a", "b"]], data["y"])
    assert same(found, fast.value_and_grad(P, iter(batches(one) + batches(two))))
    again = scan([tmp_path / "a.parquet", tmp_path / "b.arrow"], rows=100)
    assert same(fast.value_and_grad(P, again[["a", "b"]], again["y"]), found)


def test_results_come_block_by_block(tmp_path, fast):
    columns = numbers()
    data = scan(write(tmp_path / "rows.parquet", columns), rows=128)
    blocks = [*fast(data[["a", "b"]], data["y"])]
    assert len(blocks) >= ROWS / 128
    whole = fast(np.column_stack([columns["a"], columns["b"]]), columns["y"])
    assert np.concatenate(blocks).tolist() == whole.tolist()


def test_a_network_predicts_block_by_block(tmp_path):
    columns = numbers()
    predict = MLP(2, [3, 2], seed=0).jit()
    blocks = [*predict(scan(write(tmp_path / "rows.parquet", columns), rows=300)[["a", "b"]])]
    assert np.concatenate(blocks).tolist() == predict(np.column_stack([columns["a"], columns["b"]])).tolist()


def test_a_reader_of_record_batches_is_one_pass(fast):
    table = pa.table(numbers())
    row = jit(lambda row: row[0] * row[1] - row[2], batched=True)
    reader = table.to_reader(max_chunksize=100)
    assert np.concatenate([*row(reader)]).tolist() == row(table).tolist()
    with pytest.raises(ValueError, match="an iterator is used up after one pass"):
        fast.backward(iter([]))
    data = scan(table)
    assert len(data) == ROWS
    assert np.concatenate([*row(data)]).tolist() == row(table).tolist()


def test_batches_may_be_dicts_of_columns(fast):
    columns = numbers()
    data = scan(lambda: iter([columns]))
    found = fast.value_and_grad(P, data[["a", "b"]], data["y"])
    assert same(found, fast.value_and_grad(P, iter(batches(columns, ROWS))))


def test_threads_share_each_block(tmp_path):
    v, w = Parameter(0.5), Parameter(-0.25)
    fast = jit(lambda row, y: (tanh(v * row[0] + w * row[1]) - y) ** 2, batched=True, threads=2)
    columns = numbers(100_000)
    data = scan(write(tmp_path / "rows.parquet", columns, rows=50_000), rows=50_000)
    found = fast.value_and_grad(P, data[["a", "b"]], data["y"])
    assert same(found, fast.value_and_grad(P, iter(batches(columns, 50_000))))


def test_an_empty_batch_changes_no_bit(fast):
    columns = numbers(250)
    full = batches(columns)
    expected = fast.value_and_grad(P, iter(full))
    empty = (np.empty((0, 2)), np.empty(0))
    assert same(fast.value_and_grad(P, iter([*full, empty])), expected)
    assert np.allclose(fast.value_and_grad(P, iter([empty, full[0], empty, *full[1:]]))[1], expected[1], rtol=1e-13)
    with pytest.raises(ValueError, match="the batch is empty"):
        fast.value_and_grad(P, iter([empty]))


@given(st.lists(st.integers(), max_size=30))
def test_reading_ahead_yields_what_is_there(items):
    assert [*read_ahead(iter(items))] == items


def test_reading_ahead_stops_when_nobody_asks_for_more():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    blocks = read_ahead(endless())
    assert next(blocks) == 1
    blocks.close()
    assert closed.wait(5.0)


def test_a_stream_takes_the_memory_of_a_few_blocks(tmp_path):
    path = tmp_path / "rows.arrow"
    schema = pa.schema([(name, pa.float64()) for name in "abc"])
    with pa.ipc.new_file(str(path), schema) as file:
        for seed in range(24):  # 150 MB
            rng = np.random.default_rng(seed)
            file.write_batch(pa.record_batch([rng.normal(size=2**18) for _ in schema], schema=schema))
    program = f"""
import resource
import autograd_mini as ag
w = ag.Parameter(0.5)
fast = ag.jit(lambda row: (ag.tanh(w * row[0] + row[1]) - row[2]) ** 2, batched=True)
small = ag.scan({str(path)!r}, rows=1000)
fast.prepare(small)
import pyarrow, pyarrow.parquet
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
fast.backward(ag.scan({str(path)!r}))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300)
    assert int(done.stdout) < 60  # of 150


# --- training ---

SETTINGS = {"loss": "binary_cross_entropy", "optimizer": "adam", "epochs": 3, "batch_size": 50}


def trained(X, y, **settings):
    model = MLP(2, [4, 1], activation="tanh", seed=0)
    history = fit(model, X, y, **{**SETTINGS, **settings})
    return history, [parameter.data for parameter in model.parameters()]


def test_training_on_one_block_has_the_bits_of_training_on_an_array(tmp_path):
    columns = numbers()
    ((X, y),) = batches(columns, ROWS)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "Xy"]
    expected = trained(X, y, compile=True)
    assert trained(*mapped) == expected
    data = scan(lambda: iter(batches(columns, 70)))
    assert trained(data[0], data[1]) == expected
    assert trained(data[0], data[1], validation=(data[0], data[1]))[0].validation_loss == pytest.approx(
        trained(X, y, validation=(X, y))[0].validation_loss
    )


@pytest.mark.parametrize(
    "settings", [{"shuffle": False}, {"batch_size": 64}, {"batch_size": None}, {"optimizer": "sgd"}]
)
def test_training_on_files_repeats_itself_and_learns(settings, tmp_path, monkeypatch):
    monkeypatch.setattr("autograd_mini.train.parts.LOADED", 900)  # several blocks, the last one shorter
    data = scan(write(tmp_path / "rows.parquet", numbers()))
    first = trained(data[["a", "b"]], data["y"], **settings)
    assert trained(data[["a", "b"]], data["y"], **settings) == first
    assert first[0].loss[-1] < first[0].loss[0]


def test_an_interrupted_run_on_files_goes_on_to_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setattr("autograd_mini.train.parts.LOADED", 900)
    data = scan(write(tmp_path / "rows.parquet", numbers()))
    X, y, path = data[["a", "b"]], data["y"], tmp_path / "run.json"

    def interrupt(training):
        training.interrupted = training.epoch == 2

    stopped, _ = trained(X, y, checkpoint=path, callbacks=[interrupt])
    assert (stopped.stopped, stopped.epochs) == ("interrupted", 2)
    assert trained(X, y, resume=path) == trained(X, y)


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to oneself")
def test_ctrl_c_within_an_epoch_loses_no_step(tmp_path, monkeypatch):
    monkeypatch.setattr("autograd_mini.train.parts.LOADED", 600)
    columns, path, reads = numbers(), tmp_path / "run.json", []

    def made():
        reads.append(0)
        for at, batch in enumerate(batches(columns)):
            if len(reads) == 3 and at == 5:  # the first was to count
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.05)
            yield batch

    data = scan(made)
    stopped, _ = trained(data[0], data[1], checkpoint=path)
    assert stopped.stopped == "interrupted"
    reads[:] = [0] * 10
    assert trained(data[0], data[1], resume=path) == trained(data[0], data[1])


def test_the_progress_within_a_step_and_its_rate_are_shown(capsys, monkeypatch):
    monkeypatch.setattr("autograd_mini.train.progress._PAUSE", 0.0)
    data = scan(pa.table(numbers()).to_reader(max_chunksize=100).read_all())
    trained(data[["a", "b"]], data["y"], progress=True, batch_size=None, epochs=1)
    shown = capsys.readouterr().err
    assert all(f"epoch 1/1  {share}%" in shown for share in (10, 50, 90))
    assert "rows/s" in shown


# --- what breaks ---


def test_a_file_that_was_cut_short_is_named(tmp_path):
    for name in ("rows.parquet", "rows.arrow"):
        path = write(tmp_path / name, numbers(100_000), rows=10_000)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(ValueError, match=rf"^\S+{name} cannot be read, so it is damaged or cut short: [^\n]+$"):
            scan(path)


def test_a_file_that_is_damaged_inside_is_named_with_the_row(tmp_path, fast):
    path = write(tmp_path / "rows.parquet", numbers(100_000), rows=10_000)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 100_000] = b"\xff" * 100_000
    path.write_bytes(data)
    parts = scan(path, rows=10_000)
    with pytest.raises(ValueError, match=r"rows.parquet cannot be read from row [1-9]\d*0000 on, so it is damaged"):
        fast.backward(parts[["a", "b"]], parts["y"])


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "rows.parquet").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"rows.parquet begins with b'a,b.*', expected a Parquet or an Arrow file"):
        scan(tmp_path / "rows.parquet")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        scan(tmp_path / "none.parquet")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="has no file that ends in"):
        scan(tmp_path / "empty")
    with pytest.raises(TypeError, match="source is an iterator, which can be read once"):
        scan(iter([]))
    with pytest.raises(TypeError, match="source is a int, expected a file"):
        scan(3)


def test_a_row_that_is_nan_is_named_with_its_file_and_column(tmp_path, fast):
    columns = numbers()
    columns["b"][777] = np.nan
    data = scan(write(tmp_path / "rows.parquet", columns), rows=100)
    message = r"rows.parquet: row 777, column 'b' of argument 0 is nan, expected finite numbers"
    before = [parameter.grad for parameter in fast.parameters]
    with pytest.raises(ValueError, match=message):
        fast.backward(data[["a", "b"]], data["y"])
    assert [parameter.grad for parameter in fast.parameters] == before or not any(p.grad for p in fast.parameters)
    with pytest.raises(ValueError, match=r"rows.parquet: row 777, column 'b' of X is nan, expected a finite number"):
        trained(data[["a", "b"]], data["y"])


def test_a_target_that_is_none_is_named(tmp_path):
    columns = numbers()
    columns["y"][421] = 2.0
    data = scan(write(tmp_path / "rows.parquet", columns), rows=100)
    with pytest.raises(ValueError, match=r"rows.parquet: row 421 of y is 2.0, expected by binary_cross_entropy 0 or 1"):
        trained(data[["a", "b"]], data["y"])


def test_a_column_of_another_type_or_name_in_one_file_is_named(tmp_path, fast):
    write(tmp_path / "a.parquet", numbers())
    write(tmp_path / "b.parquet", {**numbers(), "b": [str(at) for at in range(ROWS)]})
    data = scan(tmp_path)
    with pytest.raises(TypeError, match=r"b.parquet has the column 'b' of type string, expected numbers"):
        fast.backward(data[["a", "b"]], data["y"])
    write(tmp_path / "b.parquet", {"a": [1.0], "y": [1.0]})
    data = scan(tmp_path)
    with pytest.raises(ValueError, match=r"b.parquet has no column 'b', expected those of .*a.parquet"):
        fast.backward(data[["a", "b"]], data["y"])
    with pytest.raises(KeyError, match="has no column 'c': there are 'a', 'b', 'y'"):
        data["c"]


def test_batches_that_do_not_fit_the_first_are_named(fast):
    first, second = batches(numbers(200))
    with pytest.raises(ValueError, match=r"batch 1: the rows have \[3, 1\] columns, expected \[2, 1\] as in the first"):
        fast.backward(iter([first, (np.zeros((5, 3)), np.zeros(5))]))
    with pytest.raises(ValueError, match=r"batch 1: the arguments have \[4, 5\] rows"):
        fast.backward(iter([first, (np.zeros((5, 2)), np.zeros(4))]))
    with pytest.raises(ValueError, match="columns of one"):
        fast.backward(scan(lambda: iter([first]))[0], scan(lambda: iter([second]))[1])
    with pytest.raises(TypeError, match="expected one iterator alone"):
        fast.backward(iter([first[0]]), first[1])


def test_an_error_of_a_users_iterator_comes_through(fast):
    def broken():
        yield batches(numbers(200))[0]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        fast.backward(broken())


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to oneself")
def test_ctrl_c_during_a_pass_changes_no_gradient(fast):
    def slow():
        for at, batch in enumerate(batches(numbers())):
            if at == 6:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.2)
            yield batch

    expected = fast.value_and_grad(P, iter(batches(numbers())))
    before = [parameter.grad for parameter in fast.parameters]
    with pytest.raises(KeyboardInterrupt):
        fast.backward(slow())
    assert [parameter.grad for parameter in fast.parameters] == before
    assert same(fast.value_and_grad(P, iter(batches(numbers()))), expected)


def test_rows_of_one_number_and_eager_steps_are_refused_with_the_way_out():
    data = scan(lambda: iter(batches(numbers())))
    with pytest.raises(ValueError, match=r"for a single column write data\[\['x'\]\]"):
        trained(data[1], data[1])
    with pytest.raises(ValueError, match="compile is False"):
        trained(data[0], data[1], compile=False)


def test_what_is_no_batch_or_returns_none_is_refused(fast):
    with pytest.raises(TypeError, match="a batch of the stream is 1, expected a table, or a tuple or dict of arrays"):
        fast(iter([1, 2]))
    with pytest.raises(TypeError, match="source returned 3, expected an iterable of batches"):
        fast.backward(scan(lambda: 3))


def test_the_length_of_a_block_is_that_of_its_columns():
    assert length(({"a": [1, 2]}["a"],)) == length({"a": [1, 2]}) == length(pa.table({"a": [1, 2]})) == 2
