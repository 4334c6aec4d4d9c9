"""Functions that branch, over rows in parts: each row takes the path of eager code, and paths are found once."""

from __future__ import annotations

import branches
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini import MLP, Parameter, TracingError, fit, jit, scan
from autograd_mini.compiler import BACKENDS
from autograd_mini.compiler.known_paths import KnownPaths

np = pytest.importorskip("numpy")
SIZES = st.lists(st.integers(0, 12), min_size=1, max_size=5)


def pieces(sizes, *columns):
    """Return batches of these sizes, as tuples of arrays."""
    ends = np.cumsum(sizes)
    return [
        tuple([column[end - size : end] for column in columns]) for size, end in zip(sizes, ends.tolist(), strict=True)
    ]


def collections(sizes, *columns):
    """Return Dask arrays with partitions of these sizes."""
    da = pytest.importorskip("dask.array")
    count = sum(sizes)
    return [da.from_array(column[:count], chunks=(tuple(sizes),)) for column in columns]


def gradient(fast, parameters, *rows):
    """Return the mean loss and its gradient, that `backward` adds to the parameters."""
    for parameter in parameters:
        parameter.grad = None
    return [fast.backward(*rows), *[parameter.grad or 0.0 for parameter in parameters]]


X = np.linspace(-2.0, 2.0, 40)


def signed(x):
    if x > 0:
        return x * x
    return -x


# --- agreement with eager code ---


@given(seed=st.integers(0, 100_000), sizes=SIZES)
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("kind", ["stream", "dask"])
def test_a_random_function_has_the_values_of_eager_code(kind, seed, sizes):
    f, parameters, text = branches.function(seed)
    points = branches.points(seed, sum(sizes))
    expected = [branches.eager(f, parameters, point)[0] for point in points]
    columns = np.array(points).reshape(-1, 2).T
    fast = jit(f, batched=True, backend="numpy")
    if kind == "stream":
        found = [*np.concatenate([*fast(iter(pieces(sizes, *columns)))])]
    else:
        found = fast(*collections(sizes, *columns)).compute(scheduler="synchronous")
    assert branches.close([*found], expected), text


@given(seed=st.integers(0, 100_000), sizes=SIZES.filter(any))
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("kind", ["stream", "dask"])
def test_a_random_function_has_the_mean_and_gradient_of_eager_code(kind, seed, sizes):
    f, parameters, text = branches.function(seed)
    points = branches.points(seed, sum(sizes))
    expected = np.array([branches.eager(f, parameters, point) for point in points])
    finite = np.isfinite(expected).all(axis=1) & np.isfinite(points).all(axis=1)
    columns = np.where(finite[:, None], np.array(points), points[int(finite.argmax())]).T
    if not finite.any():
        return
    wanted = [branches.eager(f, parameters, point) for point in columns.T.tolist()]
    fast = jit(f, batched=True, backend="numpy", threads=1 + seed % 2)
    rows = [iter(pieces(sizes, *columns))] if kind == "stream" else collections(sizes, *columns)
    assert branches.close(gradient(fast, parameters, *rows), np.mean(wanted, axis=0)[[0, 3, 4]]), text


@pytest.mark.parametrize("backend", [name for name, row in BACKENDS.items() if row.available])
def test_every_backend_gives_the_blocks_of_a_stream_the_results_of_an_array(backend):
    fast = jit(signed, batched=True, backend=backend)
    for _ in range(2):  # the second time by an index that is settled
        found = [*fast(iter(pieces([10, 0, 5, 25], X)))]
        assert [len(block) for block in found] == [10, 0, 5, 25]
        assert np.concatenate(found).tolist() == fast(X).tolist()


@given(seed=st.integers(0, 100_000), sizes=SIZES.filter(any))
@settings(max_examples=10, deadline=None)
def test_partitions_have_the_bits_of_a_stream_of_the_same_blocks(seed, sizes):
    f, parameters, text = branches.function(seed)
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(2, sum(sizes)))
    fast, other = (jit(f, batched=True, backend="numpy") for _ in range(2))
    expected = gradient(fast, parameters, iter(pieces(sizes, *columns)))
    found = gradient(other, parameters, *collections(sizes, *columns))
    assert np.array_equal(found, expected, equal_nan=True), text


# --- paths are found once ---


def test_paths_that_a_batch_found_are_kept_for_the_others():
    fast = jit(signed, batched=True, backend="numpy")
    blocks = pieces([10] * 4, X)
    assert np.concatenate([*fast(iter(blocks))]).tolist() == fast(X).tolist()
    assert fast.stats["traces"] == 2
    assert [path["samples"] for path in fast.stats["paths"]] == [40, 40]


def test_the_shares_of_paths_are_those_of_the_partitions_too():
    fast = jit(signed, batched=True, backend="numpy")
    fast.prepare(*collections([10] * 4, X))
    fast.backward(*collections([10] * 4, X))
    assert sorted(path["share"] for path in fast.stats["paths"]) == [0.5, 0.5]
    assert fast.stats["traces"] == 2


def kinked(v, w):
    """Return a loss whose parameter w is met by rows above 1 alone."""
    return lambda x: (w * x - 1.0) ** 2 if x > 1.0 else (v * x) ** 2


@pytest.mark.parametrize("kind", ["stream", "dask"])
def test_a_parameter_that_a_later_part_brings_counts_from_there_on(kind):
    v, w = Parameter(0.5), Parameter(2.0)
    f = kinked(v, w)
    blocks = pieces([10] * 4, X)
    rows = [iter(blocks)] if kind == "stream" else collections([10] * 4, X)
    found = gradient(jit(f, batched=True, backend="numpy"), [v, w], *rows)
    assert found == pytest.approx(gradient(jit(f, batched=True, backend="numpy"), [v, w], X), rel=1e-14)
    rows = [iter(blocks)] if kind == "stream" else collections([10] * 4, X)
    with pytest.raises(
        TracingError, match=r"p is an array of 1 numbers, expected 2: .* call `prepare` for all samples"
    ):
        jit(f, batched=True, backend="numpy").value_and_grad([0.5], *rows)


@pytest.mark.parametrize("kind", ["stream", "dask"])
def test_preparing_finds_the_paths_of_all_rows(kind):
    v, w = Parameter(0.5), Parameter(2.0)
    fast = jit(kinked(v, w), batched=True, backend="numpy")
    data = scan(lambda: iter(pieces([10] * 4, X)))
    rows = [data[0]] if kind == "stream" else collections([10] * 4, X)
    fast.prepare(*rows)
    assert fast.parameters == [v, w]
    loss, slopes = fast.value_and_grad([0.5, 2.0], *rows)
    assert [loss, *slopes] == pytest.approx(gradient(fast, [v, w], X), rel=1e-14)


def test_a_row_that_only_a_vector_library_sends_elsewhere_takes_the_path_of_eager_code(monkeypatch):
    v, w = Parameter(0.5), Parameter(2.0)
    expected = gradient(jit(kinked(v, w), batched=True, backend="numpy"), [v, w], *collections([20, 20], X))
    judged = KnownPaths._judged

    def unsure(self, *given):
        return np.full_like(judged(self, *given), -1)

    monkeypatch.setattr(KnownPaths, "_judged", unsure)
    assert gradient(jit(kinked(v, w), batched=True, backend="numpy"), [v, w], *collections([20, 20], X)) == expected
    monkeypatch.setattr(KnownPaths, "_exactly", lambda *_: -1)
    with pytest.raises(TracingError, match="expected processors and libraries that round alike"):
        jit(kinked(v, w), batched=True, backend="numpy").backward(*collections([20, 20], X))


def test_loops_until_convergence_run_over_a_file(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    def root(a):
        x = a
        while abs(x * x - a) > 1e-12:
            x = (x + a / x) / 2
        return x

    table = arrow.table({"a": np.linspace(1.0, 50.0, 300)})
    parquet.write_table(table, tmp_path / "rows.parquet", row_group_size=64)
    found = np.concatenate([*jit(root, batched=True)(scan(tmp_path / "rows.parquet", rows=50)["a"])])
    assert found == pytest.approx(np.sqrt(np.linspace(1.0, 50.0, 300)), rel=1e-12)
    reader = arrow.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=70))
    column = jit(lambda row: root(row[0]), batched=True)(reader)
    assert np.concatenate([*column]).tolist() == found.tolist()


# --- training ---


def huber(prediction, target):
    apart = abs(prediction - target)
    return 0.5 * apart * apart if apart < 0.25 else 0.25 * (apart - 0.125)


def trained(X, y, **options):
    model = MLP(2, [4, 1], seed=0)
    settings = {"lr": 0.05, "optimizer": "adam", "epochs": 3, "loss": huber, "compile": True} | options
    history = fit(model, X, y, **settings)
    return history, [p.data for p in model.parameters()]


ROWS = np.random.default_rng(0).normal(size=(400, 2))
GOALS = ROWS[:, 0] * ROWS[:, 1]


def parts(kind, size):
    if kind == "array":
        return ROWS, GOALS
    if kind == "dask":
        da = pytest.importorskip("dask.array")
        return da.from_array(ROWS, chunks=(size, 2)), da.from_array(GOALS, chunks=size)
    data = scan(lambda: ((ROWS[at : at + size], GOALS[at : at + size]) for at in range(0, 400, size)))
    return data[0], data[1]


def test_a_loss_that_branches_trains_on_a_stream_as_on_an_array():
    (on_array, ends), (on_stream, found) = (trained(*parts(kind, 80), batch_size=40, shuffle=False)
                                            for kind in ("array", "stream"))  # fmt: skip
    assert (on_stream.loss, found) == (on_array.loss, ends)
    assert on_stream.loss[-1] < on_stream.loss[0]


def test_a_loss_that_branches_trains_on_partitions_with_the_bits_of_a_stream_of_all_rows():
    (on_stream, ends), (on_dask, found) = (trained(*parts(kind, 80), batch_size=400) for kind in ("stream", "dask"))
    assert (on_dask.loss, found) == (on_stream.loss, ends)
    on_array, _ = trained(*parts("array", 80), batch_size=400)
    assert on_dask.loss == pytest.approx(on_array.loss, rel=1e-12)


def test_mini_batches_of_partitions_repeat_themselves_and_learn():
    first, second = (trained(*parts("dask", 100), batch_size=50) for _ in range(2))
    assert (first[0].loss, first[1]) == (second[0].loss, second[1])
    assert first[0].loss[-1] < first[0].loss[0]


@pytest.mark.parametrize("kind", ["stream", "dask"])
@pytest.mark.parametrize("batch_size", [50, 400])
def test_metrics_that_branch_are_those_of_an_array(kind, batch_size):
    metrics = {"error": lambda p, t: abs(p - t), "sign": lambda p, t: 1.0 if (p > 0) == (t > 0) else 0.0}
    options = {"metrics": metrics, "shuffle": False, "batch_size": batch_size, "epochs": 2}
    history, _ = trained(*parts(kind, 80), validation=parts(kind, 80), **options)
    expected, _ = trained(*parts("array", 80), validation=parts("array", 80), **options)
    assert history.metrics.keys() == expected.metrics.keys()
    for name in history.metrics:  # in mini-batches of a cluster other rows come together
        near = 1e-9 if kind == "stream" or batch_size == 400 else 0.1
        assert history.metrics[name] == pytest.approx(expected.metrics[name], rel=near, abs=near), name


# --- faults ---


def counting(x):
    count = 0.0
    while x > count:
        count += 1.0
    return x * count


@pytest.mark.parametrize("kind", ["stream", "dask"])
def test_too_many_paths_name_the_part_the_condition_and_how_the_rows_split(kind):
    w = Parameter(1.0)
    fast = jit(lambda x: w * counting(x), batched=True, backend="numpy", paths=3)
    column = np.array([0.5, 0.5, 1.5, 1.5, 0.5, 1.5, 2.5, 3.5, 4.5])
    sizes = [3, 3, 3]
    rows = [iter(pieces(sizes, column))] if kind == "stream" else collections(sizes, column)
    name = "batch 2" if kind == "stream" else "partition 2"
    with pytest.raises(
        TracingError, match=rf"^{name}: paths is 3, .*while x > count:.* 7 samples .*3, 3, 1 "
    ) as refused:
        fast.backward(*rows)
    assert __file__.rpartition("/")[2] in str(refused.value)
    assert "jit(paths=6)" in str(refused.value)
    assert not w.has_grad
    assert fast.backward(iter(pieces([3, 3], column))) == fast.backward(column[:6])  # those that are known go on


@pytest.mark.parametrize("kind", ["stream", "dask"])
def test_a_row_that_is_nan_is_named_with_its_part(kind):
    w = Parameter(1.0)
    fast = jit(lambda x: w * signed(x), batched=True, backend="numpy")
    column = X.copy()
    column[25] = np.nan
    rows = [iter(pieces([10] * 4, column))] if kind == "stream" else collections([10] * 4, column)
    name = "batch" if kind == "stream" else "partition"
    with pytest.raises(ValueError, match=f"^{name} 2: row 5 of argument 0 is nan, expected finite numbers"):
        fast.backward(*rows)
    assert not w.has_grad


@pytest.mark.parametrize("kind", ["stream", "dask"])
def test_a_row_that_is_nan_is_fine_on_a_path_that_does_not_use_it(kind):
    def f(x):
        return x if x > 0 else w

    w = Parameter(3.0)
    column = np.array([1.0, np.nan, -1.0, 2.0])
    rows = [iter(pieces([2, 2], column))] if kind == "stream" else collections([2, 2], column)
    assert gradient(jit(f, batched=True, backend="numpy"), [w], *rows) == [2.25, 0.5]


@pytest.mark.parametrize("kind", ["stream", "dask"])
def test_parts_without_rows_change_no_bit(kind):
    w = Parameter(0.5)
    fast = jit(lambda x: w * signed(x), batched=True, backend="numpy")
    expected = gradient(fast, [w], iter(pieces([20, 20], X)))
    sizes = [0, 20, 20] if kind == "stream" else [0, 20, 20, 0]
    rows = [iter(pieces(sizes, X))] if kind == "stream" else collections(sizes, X)
    assert gradient(jit(lambda x: w * signed(x), batched=True, backend="numpy"), [w], *rows) == pytest.approx(expected)
    empty = [iter(pieces([0, 0], X))] if kind == "stream" else collections([0, 0], X)
    with pytest.raises(ValueError, match="the batch is empty, expected at least one sample"):
        fast.backward(*empty)
    empty = [iter(pieces([0, 0], X))] if kind == "stream" else collections([0, 0], X)
    found = fast(*empty)
    assert len(np.concatenate([*found]) if kind == "stream" else found.compute()) == 0


def test_rows_that_changed_since_their_paths_were_found_are_refused():
    da, dask = pytest.importorskip("dask.array"), pytest.importorskip("dask")
    column = np.array([1.0, 2.0])
    changing = da.from_delayed(dask.delayed(column.copy, pure=False)(), shape=(2,), dtype=float)
    found = jit(signed, batched=True, backend="numpy")(changing)
    assert found.compute(scheduler="synchronous").tolist() == [1.0, 4.0]
    column[1] = -2.0
    with pytest.raises(TracingError, match=r"a path of signed that was not known .* they have changed since, so call"):
        found.compute(scheduler="synchronous")


@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_the_file_of_a_partition_with_a_path_too_many_is_named(tmp_path):
    arrow, frame = pytest.importorskip("pyarrow"), pytest.importorskip("dask.dataframe")
    parquet = pytest.importorskip("pyarrow.parquet")
    for at, column in enumerate([[0.5, 0.5], [1.5, 0.5], [0.5, 2.5]]):
        parquet.write_table(arrow.table({"x": column}), tmp_path / f"{at}.parquet")
    rows = frame.read_parquet(tmp_path)["x"]
    with pytest.raises(TracingError, match=r"^partition 2 \(.*2\.parquet\): paths is 2, .* 5 samples .* 4, 1 of them"):
        jit(counting, batched=True, backend="numpy", paths=2)(rows)


THRESHOLD = 1.0


def test_what_the_function_reads_stays_the_same_until_all_results_are_there(monkeypatch):
    fast = jit(lambda x: x if x > THRESHOLD else -x, batched=True, backend="numpy")
    results = fast(iter(pieces([10, 30], X)))
    next(results)
    monkeypatch.setitem(globals(), "THRESHOLD", 1.5)
    with pytest.raises(TracingError, match="batch 1: what <lambda> reads has changed while it computes"):
        next(results)
    assert fast(np.array([1.2, 1.7])).tolist() == [-1.2, 1.7]


def test_an_error_of_a_path_comes_from_the_rows_that_take_it():
    def f(x):
        if x > 1.9:
            raise OverflowError("too much")
        return x

    with pytest.raises(OverflowError, match="too much"):
        [*jit(f, batched=True, backend="numpy")(iter(pieces([10] * 4, X)))]
    with pytest.raises(OverflowError, match="too much"):
        jit(f, batched=True, backend="numpy")(*collections([10] * 4, X))


def test_asking_a_symbol_for_its_number_is_the_same_error_as_ever():
    with pytest.raises(TracingError, match=r"float\(\) of a traced Value"):
        jit(lambda x: x * float(x), batched=True)(*collections([10] * 4, X))
    with pytest.raises(TracingError, match=r"bool\(\) of a traced Value .* where"):
        jit(signed, batched=True, paths=0)(iter(pieces([10] * 4, X)))
    assert ag.jit(lambda x: ag.where(x > 0, x, -x), batched=True, paths=0)(*collections([40], X)).shape == (40,)
