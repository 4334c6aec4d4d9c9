"""Dask collections: the same bits for any number of workers, killed ones too, and errors that name the partition."""

import os
import pickle
import signal
import threading
import time
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_mini import MLP, Parameter, fit, jit, scan, tanh
from autograd_mini.rows.dask_bundles import grouped
from autograd_mini.train.data import permuted
from autograd_mini.train.parts import Batch

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of processes that were killed
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:Running on a single-machine scheduler"),  # of Dask 2025.1, beside a cluster
]

P = np.array([0.5, -0.25])
ROWS, PART = 1600, 100


def numbers(rows=ROWS):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 2))
    return X, (X[:, 0] * X[:, 1] > 0).astype(float)


X, Y = numbers()
BATCHES = [(X[at : at + PART], Y[at : at + PART]) for at in range(0, ROWS, PART)]


def collections(X=X, y=Y, rows=PART):
    return da.from_array(X, chunks=(rows, 2)), da.from_array(y, chunks=rows)


@pytest.fixture
def fast():
    v, w = Parameter(0.5), Parameter(-0.25)
    return jit(lambda row, y: (tanh(v * row[0] + w * row[1]) - y) ** 2, batched=True)


@pytest.fixture(scope="module")
def client():
    """Return the client of a cluster of two processes."""
    settings = {"distributed.scheduler.allowed-failures": 1, "distributed.comm.timeouts.connect": "60s"}
    with warnings.catch_warnings(), dask.config.set(settings):
        warnings.simplefilter("ignore")
        cluster = distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            memory_limit="500MB",
            silence_logs=50,
        )
        with cluster, distributed.Client(cluster, set_as_default=False) as client:
            client.wait_for_workers(2)
            yield client


@pytest.fixture
def cluster(client):
    """Return the client as the one that Dask computes with; two workers are there."""
    client.cluster.scale(2)
    client.wait_for_workers(2)
    with client.as_current():
        yield client


def scaled(client, count):
    client.cluster.scale(count)
    deadline = time.monotonic() + 60
    while len(client.nthreads()) != count and time.monotonic() < deadline:
        time.sleep(0.1)


def killed(client):
    """Kill a worker."""
    pids = client.run(os.getpid)
    os.kill(next(iter(pids.values())), signal.SIGKILL)


def same(found, expected):
    return found[0] == expected[0] and found[1].tolist() == expected[1].tolist()


# --- without a cluster ---


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_the_schedulers_of_one_process_give_the_bits_of_the_same_batches(scheduler, fast):
    expected = fast.value_and_grad(P, iter(BATCHES))
    with dask.config.set(scheduler=scheduler):
        assert same(fast.value_and_grad(P, *collections()), expected)


def test_collections_that_are_cut_otherwise_are_cut_alike(fast):
    expected = fast.value_and_grad(P, iter(BATCHES))
    array = da.from_array(X, chunks=(PART, 1)), da.from_array(Y, chunks=700)
    assert same(fast.value_and_grad(P, *array), expected)


def test_results_are_dask_arrays_in_the_nesting_of_the_function(fast):
    found = fast(*collections())
    assert isinstance(found, da.Array)
    assert (found.shape, found.chunks) == ((ROWS,), ((PART,) * 16,))
    assert found.compute().tolist() == fast(X, Y).tolist()
    f = jit(lambda row: {"sum": row[0] + row[1], "both": row}, batched=True)
    found = f(collections()[0])
    assert found["both"].shape == (ROWS, 2)
    assert found["both"].compute().tolist() == X.tolist()
    assert found["sum"].compute().tolist() == f(X)["sum"].tolist()
    predict = MLP(2, [3, 2], seed=0).jit()
    assert predict(collections()[0]).compute().tolist() == predict(X).tolist()


def test_frames_are_taken_as_they_are(fast):
    pandas = pytest.importorskip("pandas")
    dd = pytest.importorskip("dask.dataframe")
    table = pandas.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": Y})
    frame = dd.from_pandas(table, npartitions=16)
    with dask.config.set(scheduler="synchronous"):
        assert same(fast.value_and_grad(P, frame[["a", "b"]], frame["y"]), fast.value_and_grad(P, iter(BATCHES)))
        found = fast(frame[["a", "b"]], frame["y"])
        assert found.compute().tolist() == fast(X, Y).tolist()
        model = MLP(2, [2, 1], seed=0)
        history = fit(model, frame[["a", "b"]], frame["y"], loss="mse", epochs=2, batch_size=400)
        other = fit(MLP(2, [2, 1], seed=0), *collections(), loss="mse", epochs=2, batch_size=400)
    assert history == other


def test_an_argument_alike_for_all_rows_is_no_collection():
    f = jit(lambda row, k: k * row[0], batched=True, in_axes=(0, None))
    assert f(collections()[0], 3.0).compute().tolist() == (3.0 * X[:, 0]).tolist()


def test_partitions_without_rows_change_nothing(fast):
    expected = fast.value_and_grad(P, iter(BATCHES))
    chunks = (*[PART] * 16, 0, 0)
    array = da.from_array(X, chunks=(chunks, (2,))), da.from_array(Y, chunks=(chunks,))
    with dask.config.set(scheduler="synchronous"):
        assert same(fast.value_and_grad(P, *array), expected)
        assert fit(MLP(2, [1]), *array, loss="mse", epochs=1, batch_size=500).epochs == 1
        none = da.from_array(X[:0], chunks=(1, 2)), da.from_array(Y[:0], chunks=1)
        with pytest.raises(ValueError, match="the batch is empty"):
            fast.backward(*none)


@pytest.mark.parametrize("seed", [None, 0, 12345])
@pytest.mark.parametrize(("rows", "count"), [(0, 3), (1, 2), (7, 3), (100, 7), (1000, 1), (5, 9)])
def test_the_batches_of_an_epoch_have_every_row_once(rows, count, seed):
    found = [np.arange(rows)[Batch(at, count, seed).of(2, rows)] for at in range(count)]
    assert sorted(np.concatenate(found).tolist()) == [*range(rows)]
    assert max(map(len, found)) - min(map(len, found)) <= 1


def test_a_seed_shuffles_and_another_one_otherwise():
    orders = [permuted(np.arange(1000), 1000, seed) for seed in range(20)]
    assert len({tuple(order) for order in orders}) == 20
    moved = np.array([np.corrcoef(order, np.arange(1000))[0, 1] for order in orders])
    assert np.abs(moved).max() < 0.2
    assert np.abs(np.corrcoef(orders) - np.eye(20)).max() < 0.2


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=3), min_size=1, max_size=40), st.integers(1, 5))
def test_each_partition_is_in_one_group_and_groups_are_of_one_size_but_for_one(places, threads):
    known = dict.fromkeys("ab", threads)  # the third is not known any more
    groups = grouped(places, known)
    assert sorted(at for group in groups for at in group) == [*range(len(places))]
    nowhere = sum(not workers for workers in places)  # one by one, first
    sizes = [*map(len, groups)]
    assert sizes[:nowhere] == [1] * nowhere
    assert len(sizes[nowhere:]) <= 2 * threads + 1
    assert max(sizes[nowhere:], default=0) - min(sizes[nowhere:], default=0) <= 1


def test_partitions_stay_where_they_are_but_for_the_few_that_make_groups_even():
    places = [["a"]] * 9 + [["b"]] * 7
    assert grouped(places, {"a": 1, "b": 1}) == [[*range(8)], [*range(8, 16)]]


# --- in a cluster ---


def test_any_number_of_workers_gives_the_bits_of_one_process(client, fast):
    expected = fast.value_and_grad(P, iter(BATCHES))
    with client.as_current():
        for workers in (1, 2, 4):
            scaled(client, workers)
            assert same(fast.value_and_grad(P, *collections()), expected)
            persisted = [array.persist() for array in collections()]
            assert same(fast.value_and_grad(P, *persisted), expected)
    scaled(client, 2)


@pytest.mark.usefixtures("cluster")
def test_more_workers_than_partitions_are_no_trouble(fast):
    persisted = [array.persist() for array in collections(rows=ROWS)]
    assert same(fast.value_and_grad(P, *persisted), fast.value_and_grad(P, iter([(X, Y)])))
    small = collections(X[:150], Y[:150], rows=1)  # and more than are summed in one place
    ones = [(X[at : at + 1], Y[at : at + 1]) for at in range(150)]
    assert same(fast.value_and_grad(P, *small), fast.value_and_grad(P, iter(ones)))


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_worker_killed_between_steps_and_within_one_changes_no_bit(cluster, fast):
    expected = fast.value_and_grad(P, iter(BATCHES))
    persisted = [array.persist() for array in collections()]
    assert same(fast.value_and_grad(P, *persisted), expected)
    killed(cluster)
    assert same(fast.value_and_grad(P, *persisted), expected)

    slow = collections()[0].map_blocks(lambda block: (time.sleep(0.1), block)[1], dtype=float)
    timer = threading.Timer(0.5, killed, [cluster])
    timer.start()
    assert same(fast.value_and_grad(P, slow, collections()[1]), expected)
    timer.join()


SETTINGS = {"loss": "binary_cross_entropy", "optimizer": "adam", "epochs": 3, "batch_size": 400}


def trained(X, y, **settings):
    model = MLP(2, [4, 1], activation="tanh", seed=0)
    history = fit(model, X, y, **{**SETTINGS, **settings})
    return history, [parameter.data for parameter in model.parameters()]


@pytest.fixture
def kinked():
    v, w = Parameter(0.5), Parameter(-0.25)

    def loss(row, y):
        if row[0] > 1.0:
            return (w * row[0] - y) ** 2 if tanh(row[1]) > v else abs(w * row[1] - y)
        return (tanh(v * row[0] + w * row[1]) - y) ** 2

    return jit(loss, batched=True)


def test_paths_are_found_where_rows_lie_and_any_number_of_workers_gives_the_bits_of_one_process(client, kinked):
    kinked.prepare(X, Y)
    expected, values = kinked.value_and_grad(P, iter(BATCHES)), kinked(X, Y).tolist()
    kept = pickle.dumps(kinked)
    for workers in (1, 3):
        scaled(client, workers)
        with client.as_current():
            array = tuple([part.persist() for part in collections()])
            fresh = jit(kinked._programs.function, batched=True)
            fresh.prepare(*array)
            assert (fresh.stats["traces"], len(fresh.stats["paths"])) == (3, 3)
            assert same(fresh.value_and_grad(P, *array), expected)
            assert fresh(*array).compute().tolist() == values
            assert same(pickle.loads(kept).value_and_grad(P, *array), expected)  # noqa: S301 - ours
    scaled(client, 2)


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_worker_killed_while_paths_are_found_changes_no_bit(cluster, kinked):
    kinked.prepare(X, Y)
    expected = kinked.value_and_grad(P, iter(BATCHES))
    fresh = jit(kinked._programs.function, batched=True)
    array = tuple([part.persist() for part in collections()])
    killer = threading.Timer(0.1, killed, (cluster,))
    killer.start()
    fresh.prepare(*array)
    killer.join()
    assert same(fresh.value_and_grad(P, *array), expected)


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_training_has_the_same_bits_with_any_workers_and_without_one(client):
    with dask.config.set(scheduler="synchronous"):
        expected = trained(*collections())
    with client.as_current():
        for workers in (1, 3):
            scaled(client, workers)
            assert trained(*collections()) == expected
        assert trained(*collections(), callbacks=[lambda training: training.epoch == 2 and killed(client)]) == expected
    scaled(client, 2)


@pytest.mark.usefixtures("cluster")
def test_all_rows_in_one_batch_train_like_a_stream_of_the_same_blocks():
    data = scan(lambda: iter(BATCHES))
    settings = {"batch_size": None, "lr": 0.1}
    assert trained(*collections(), **settings) == trained(data[0], data[1], **settings)


@pytest.mark.usefixtures("cluster")
def test_validation_and_checkpoints_are_as_everywhere(tmp_path):
    arrays, path = collections(), tmp_path / "run.json"
    whole = trained(*arrays, validation=arrays)
    assert whole[0].validation_loss[-1] < whole[0].validation_loss[0]
    memory = trained(*arrays, validation=(X, Y))[0].validation_loss
    assert whole[0].validation_loss == pytest.approx(memory, rel=1e-12)
    trained(*arrays, validation=arrays, epochs=2, checkpoint=path)
    assert trained(*arrays, validation=arrays, resume=path) == whole


@pytest.mark.usefixtures("cluster")
def test_scipy_minimises_with_the_sums_in_the_cluster(fast):
    minimize = pytest.importorskip("scipy.optimize").minimize
    persisted = [array.persist() for array in collections()]
    fast.prepare(*persisted)
    found = minimize(fast.value_and_grad, P, args=tuple(persisted), jac=True, method="L-BFGS-B")
    other = minimize(lambda p: fast.value_and_grad(p, iter(BATCHES)), P, jac=True, method="L-BFGS-B")
    assert (found.fun, found.x.tolist(), found.nfev) == (other.fun, other.x.tolist(), other.nfev)


@pytest.mark.usefixtures("cluster")
def test_the_rate_of_training_is_shown(capsys):
    trained(*collections(), progress=True, batch_size=None)
    assert "rows/s" in capsys.readouterr().err


# --- what breaks ---


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to oneself")
@pytest.mark.usefixtures("cluster")
def test_ctrl_c_during_a_step_changes_no_gradient(fast):
    expected = fast.value_and_grad(P, iter(BATCHES))
    slow = collections()[0].map_blocks(lambda block: (time.sleep(0.2), block)[1], dtype=float)
    before = [parameter.grad for parameter in fast.parameters]
    timer = threading.Timer(0.7, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        fast.backward(slow, collections()[1])
    timer.join()
    assert [parameter.grad for parameter in fast.parameters] == before
    assert same(fast.value_and_grad(P, *collections()), expected)


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT to oneself")
@pytest.mark.usefixtures("cluster")
def test_ctrl_c_during_training_ends_it_after_the_step_and_it_goes_on_to_the_same_bits(tmp_path):
    path = tmp_path / "run.json"
    arrays = [array.persist() for array in collections()]

    def interrupt(training):
        if training.epoch == 1:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)

    stopped, _ = trained(*arrays, checkpoint=path, callbacks=[interrupt])
    assert stopped.stopped == "interrupted"
    assert trained(*arrays, resume=path) == trained(*arrays)


def spoiled(at, number):
    y = Y.copy()
    y[at] = number
    return collections(X, y)


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("where", ["synchronous", "cluster"])
def test_a_row_that_is_nan_is_named_with_its_partition(where, fast):
    wrong = spoiled(7 * PART + 13, np.nan)
    with dask.config.set(scheduler=None if where == "cluster" else where):
        for arrays in (wrong, [array.persist() for array in wrong]):
            with pytest.raises(ValueError, match=r"^partition 7: row 13 of argument 1 is nan, expected finite numbers"):
                fast.value_and_grad(P, *arrays)
            with pytest.raises(ValueError, match=r"^partition 7: row 13 of y is nan, expected a finite number"):
                trained(*arrays)
        with pytest.raises(ValueError, match=r"^partition 3: row 5 of y is 2.0, expected by binary_cross_entropy"):
            trained(*spoiled(3 * PART + 5, 2.0))


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("where", ["synchronous", "cluster"])
def test_a_partition_of_another_type_is_named(where, fast):
    wrong = collections()[1].map_blocks(_odd, dtype=float)
    with (
        dask.config.set(scheduler=None if where == "cluster" else where),
        pytest.raises(TypeError, match=r"^partition 5: argument 1 is a ndarray of dtype <U"),
    ):
        fast.backward(collections()[0], wrong)


def _odd(block, block_info=None):
    return block.astype(str) if block_info and block_info[0]["chunk-location"][0] == 5 else block


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("where", ["synchronous", "cluster"])
def test_a_truncated_file_is_named_with_its_partition(where, fast, tmp_path):
    dd, pandas = pytest.importorskip("dask.dataframe"), pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    for at in range(4):
        part = slice(400 * at, 400 * at + 400)
        table = pandas.DataFrame({"a": X[part, 0], "b": X[part, 1], "y": Y[part]})
        table.to_parquet(tmp_path / f"part{at}.parquet")
    frame = dd.read_parquet(tmp_path)
    path = tmp_path / "part2.parquet"
    path.write_bytes(path.read_bytes()[:2000])
    with (
        dask.config.set(scheduler=None if where == "cluster" else where),
        pytest.raises(ValueError, match=r"^partition 2 \(\S+part2.parquet\) cannot be computed: \w+: [^\n]+$"),
    ):
        fast.backward(frame[["a", "b"]], frame["y"])


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("where", ["synchronous", "cluster"])
@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (np.nan, r"row 17, column 'b' of (argument 0|X) is nan, expected (a )?finite number"),
        ("x", r"column 'b' of (argument 0|X) is of type \w+, expected real numbers"),
    ],
)
def test_a_cell_that_is_wrong_is_named_with_its_file_and_partition(where, cell, said, fast, tmp_path):
    dd, pandas = pytest.importorskip("dask.dataframe"), pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    for at in range(4):
        part = slice(400 * at, 400 * at + 400)
        table = pandas.DataFrame({"a": X[part, 0], "b": X[part, 1], "y": Y[part]})
        table.to_parquet(tmp_path / f"part{at}.parquet")
    frame = dd.read_parquet(tmp_path)
    table = pandas.read_parquet(tmp_path / "part2.parquet")
    table["b"] = [cell if at == 17 or cell == "x" else number for at, number in enumerate(table["b"])]
    table.to_parquet(tmp_path / "part2.parquet")
    for call in (lambda X, y: fast.value_and_grad(P, X, y), trained):
        with (
            dask.config.set(scheduler=None if where == "cluster" else where),
            pytest.raises((TypeError, ValueError), match=rf"^partition 2 \(\S+part2.parquet\): {said}[^\n]+$"),
        ):
            call(frame[["a", "b"]], frame["y"])


def _hungry(block, block_info=None):
    if block_info and block_info[0]["chunk-location"][0] == 2:
        held = [np.ones(2**22) for _ in range(30)]  # 1 GB, where there is half of that
        time.sleep(5.0)
        return block + 0 * len(held)
    return block


def test_a_partition_beyond_the_memory_of_the_workers_is_an_error_that_says_so(cluster, fast):
    big = collections(rows=400)[0].map_blocks(_hungry, dtype=float)
    with pytest.raises(RuntimeError, match=r"partition.* was computed when worker after worker ended, for want of mem"):
        fast.backward(big, collections(rows=400)[1])
    cluster.wait_for_workers(2)
    assert same(fast.value_and_grad(P, *collections()), fast.value_and_grad(P, iter(BATCHES)))


def test_collections_that_do_not_fit_each_other_are_refused(fast):
    with pytest.raises(ValueError, match="Dask arrays of 1600 and 1500 rows"):
        fast.backward(collections()[0], da.from_array(Y[:1500], chunks=PART))
    with pytest.raises(TypeError, match="no axis"):
        fast.backward(collections()[0], da.from_array(np.array(3.0)))
    with pytest.raises(TypeError, match="no axis"):
        fast.backward(da.from_array(np.array(3.0)), da.from_array(np.array(3.0)))
    with pytest.raises(TypeError, match=r"DelayedLeaf of Dask, expected an array or a DataFrame"):
        fast.backward(dask.delayed(X), dask.delayed(Y))
    unknown = collections()[0][collections()[1] > 0]  # of unknown lengths
    with pytest.raises(ValueError, match=r"partition 0: the arguments have \[\d+, 100\] rows, expected equally many"):
        fast.backward(unknown, collections()[1])
