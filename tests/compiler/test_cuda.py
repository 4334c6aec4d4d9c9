"""Kernels in CUDA C: accepted by NVRTC where it is installed, and run on the processor against eager code."""

from __future__ import annotations

import branches
import programs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import autograd_mini as ag
from autograd_mini.compiler.cuda import kernel, launch
from autograd_mini.compiler.cuda.kernel import Kernel, planned
from autograd_mini.engine.functions import function as row_function
from autograd_mini.engine.ops import TABLE

np = pytest.importorskip("numpy")
import cuda_host  # noqa: E402 - it needs NumPy

ROWS = [row for row in TABLE.values() if row.builtin]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 2))
Y = np.sin(X[:, 0])


@pytest.fixture
def gpu(monkeypatch, tmp_path):
    """A stand-in for CuPy that computes on the processor."""
    cupy = cuda_host.cupy(tmp_path)
    monkeypatch.setattr(launch, "extra", lambda *_: cupy)
    monkeypatch.setattr(launch, "_CHECKED", [])
    return cupy


def a_network(alpha=0.0):
    model = ag.MLP(2, [8, 8, 1], seed=1)

    def loss(x, y):
        return (model(x) - y) ** 2 + alpha * sum(w * w for w in model.parameters())

    return loss


def the_tape(f, *columns, differentiate=True):
    fast = ag.jit(f, batched=True, backend="numpy")
    program = fast._prepared(columns, {}, differentiate=differentiate)[0]
    return program.tape, [column.shape[1] if column.ndim > 1 else 1 for column in columns], program.kept


def close(found, expected, near=1e-12):
    (value, slopes), (wanted, by) = found, expected
    assert value == pytest.approx(wanted, rel=near, abs=near)
    assert np.asarray(slopes) == pytest.approx(np.asarray(by), rel=near, abs=near)


def numbers(fast):
    return np.array([p.data for p in fast.parameters])


# --- the text ---


@pytest.fixture(scope="module")
def nvrtc():
    module = pytest.importorskip("cupy_backends.cuda.libs.nvrtc", reason="CuPy is not installed")
    try:
        module.getVersion()
    except RuntimeError as error:
        pytest.skip(f"NVRTC cannot be loaded: {error}")
    return module


def accepted(nvrtc, text, architecture="compute_90", *options):
    program = nvrtc.createProgram(text, "program.cu", [], [])
    try:
        nvrtc.compileProgram(program, (f"--gpu-architecture={architecture}", *launch.OPTIONS, *options))
    except nvrtc.NVRTCError:
        pytest.fail(nvrtc.getProgramLog(program)[:3000])
    return nvrtc.getPTX(program)


@pytest.mark.parametrize("size", [8, 4])
def test_nvrtc_takes_every_row_of_the_table_and_its_partials(nvrtc, size):
    for chunk in range(0, len(ROWS), 12):
        rows = ROWS[chunk : chunk + 12]

        def every(x, y, rows=rows):
            found = []
            for row in rows:
                f = ag.value_and_grad(row_function(row), tuple(range(len(row.operands))))
                value, slopes = f(*[x, y, 1.0][: len(row.operands)])
                found += [value, *slopes]
            return found

        tape, widths, kept = the_tape(every, Y, Y, differentiate=False)
        assert accepted(nvrtc, Kernel(planned(tape, 2, kept), widths, kept, size).text)


@pytest.mark.parametrize("architecture", ["compute_52", "compute_90", "compute_120"])
def test_nvrtc_takes_a_network_on_old_and_new_cards(nvrtc, architecture):
    if int(architecture.partition("_")[2]) not in nvrtc.getSupportedArchs():
        pytest.skip(f"NVRTC {nvrtc.getVersion()} does not know {architecture}")
    tape, widths, kept = the_tape(a_network(0.1), X, Y)
    assert b"program" in accepted(nvrtc, Kernel(planned(tape, 3, kept), widths, kept).text, architecture)


def test_sums_of_products_are_few_factors():
    tape, *_ = the_tape(a_network(), X, Y)
    plan = planned(tape, 3, 0)
    assert (plan.means, len(plan.rounds), len(plan.rounds[0].factors)) == (106, 1, 2 + 8 + 8 + 8 + 8 + 3)


# --- what it computes ---


@given(programs.programs(longest=12))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("gpu")
def test_a_random_program_and_its_gradient_are_those_of_plain_python(program):
    def f(*xs):
        results = programs.run(program, list(xs)).results
        return [
            results[-1],
            *ag.grad(lambda *xs: programs.run(program, list(xs)).results[-1], tuple(range(len(xs))))(*xs),
        ]

    columns = [np.array([x, 0.5 * x, -x]) for x in program.numbers]
    expected = ag.jit(f, batched=True, backend="python")(*columns)
    found = ag.jit(f, batched=True, backend="cuda")(*columns)
    size = 1.0 + max(programs.run(program).truth[-1].sizes)
    for one, other in zip(found, expected, strict=True):
        assert np.allclose(one, other, rtol=1e-9, atol=1e-9 * size, equal_nan=True)


@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("n", [1, 64, 300])
@pytest.mark.usefixtures("gpu")
def test_the_gradient_of_a_network_is_that_of_every_backend(monkeypatch, n, alpha):
    monkeypatch.setattr(launch, "BLOCKS", 3)
    loss = a_network(alpha)
    fast, plain = (ag.jit(loss, batched=True, backend=backend) for backend in ("cuda", "numpy"))
    plain.prepare(X, Y)
    p = numbers(plain)
    close(fast.value_and_grad(p, X[:n], Y[:n]), plain.value_and_grad(p, X[:n], Y[:n]))


@pytest.mark.usefixtures("gpu")
def test_factors_without_room_are_summed_in_rounds(monkeypatch):
    loss = a_network()
    plain = ag.jit(loss, batched=True, backend="numpy")
    plain.prepare(X, Y)
    monkeypatch.setattr(kernel, "SHARED", 8 * 33 * 12)
    tape, *_ = the_tape(loss, X, Y)
    assert len(planned(tape, 3, 0).rounds) > 3
    close(
        ag.jit(loss, batched=True, backend="cuda").value_and_grad(numbers(plain), X, Y),
        plain.value_and_grad(numbers(plain), X, Y),
    )


@pytest.mark.usefixtures("gpu")
def test_parameters_without_room_in_constant_memory_lie_in_global_memory(monkeypatch):
    monkeypatch.setattr(kernel, "CONSTANT", 64)
    loss = a_network()
    fast, plain = (ag.jit(loss, batched=True, backend=backend) for backend in ("cuda", "numpy"))
    plain.prepare(X, Y)
    close(fast.value_and_grad(numbers(plain), X, Y), plain.value_and_grad(numbers(plain), X, Y))


@pytest.mark.usefixtures("gpu")
def test_lookups_and_their_gradient_are_those_of_every_backend():
    table = [ag.Parameter(0.1 * at) for at in range(20)]

    def loss(at, y):
        return (ag.take(table, at) - y) ** 2

    at = RNG.integers(0, 20, size=100).astype(float)
    fast, plain = (ag.jit(loss, batched=True, backend=backend) for backend in ("cuda", "numpy"))
    plain.prepare(at, Y[:100])
    close(fast.value_and_grad(numbers(plain), at, Y[:100]), plain.value_and_grad(numbers(plain), at, Y[:100]))
    with pytest.raises(IndexError, match="index is 20"):
        fast(np.array([1.0, 20.0]), Y[:2])


# --- paths ---


def kinked(x, y):
    if x > 0:
        return x * y + 0.1 if x * y + 0.1 > 0 else ag.tanh(y)
    return -x


def rooted(a):
    x = a
    while abs(x * x - a) > 1e-6:
        x = (x + a / x) / 2
    return x


def test_samples_on_a_gpu_take_the_paths_of_eager_code_and_results_stay_there(gpu):
    fast = ag.jit(ag.value_and_grad(kinked, (0, 1)), batched=True)
    expected = ag.jit(ag.value_and_grad(kinked, (0, 1)), batched=True, backend="numpy")(X[:, 0], X[:, 1])
    x, y = (gpu.asarray(column) for column in X.T)
    for _ in range(2):  # the second time by a kernel that finds out which path it is
        value, slopes = fast(x, y)
        for one, other in zip([value, *slopes], [expected[0], *expected[1]], strict=True):
            assert isinstance(one, cuda_host.Array)
            assert one.get() == pytest.approx(other, rel=1e-14, abs=1e-14)
    assert [path["samples"] for path in fast.stats["paths"]] == [2 * count for count in shares(kinked)]
    assert fast.stats["backend"] == "cuda"


def shares(f):
    fast = ag.jit(f, batched=True, backend="numpy")
    fast(X[:, 0], X[:, 1])
    return [path["samples"] for path in fast.stats["paths"]]


@given(seed=st.integers(0, 100_000))
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("gpu")
def test_a_random_function_that_branches_is_that_of_eager_code(seed):
    f, parameters, text = branches.function(seed)
    points = branches.points(seed, 12)
    expected = [branches.eager(f, parameters, point)[:3] for point in points]
    fast = ag.jit(ag.value_and_grad(f, (0, 1)), batched=True, backend="cuda")
    for _ in range(2):
        values, slopes = fast(*np.array(points).T)
        found = np.stack([values, *slopes], axis=-1)
        assert all(branches.close(*rows) for rows in zip(found, expected, strict=True)), text


def test_the_gradient_of_each_path_adds_to_its_parameters_on_a_gpu(gpu):
    v, w = ag.Parameter(0.5), ag.Parameter(2.0)
    fast = ag.jit(lambda x: (v * x - 1.0) ** 2 if x > w else ag.sin(w * x), batched=True)
    plain = ag.jit(lambda x: (v * x - 1.0) ** 2 if x > w else ag.sin(w * x), batched=True, backend="numpy")
    rows = np.linspace(-1.0, 4.0, 100)
    plain.prepare(rows)
    fast.prepare(gpu.asarray(rows))
    p = numbers(plain)
    for _ in range(2):
        close(fast.value_and_grad(p, gpu.asarray(rows)), plain.value_and_grad(p, rows))


def test_conditions_on_arrays_of_32_bits_are_those_of_eager_code(gpu):
    rows = np.linspace(1.0, 9.0, 50, dtype=np.float32)
    fast = ag.jit(lambda a: rooted(a) if a > 0.1 else a, batched=True)
    tenth = np.float32(0.1)  # which is more than 0.1, but not in 32 bits
    for _ in range(2):
        found = fast(gpu.asarray(np.append(rows, tenth)))
        assert found.dtype == np.float32
        assert found.get() == pytest.approx(np.sqrt(np.append(rows, tenth)), rel=1e-6)


def test_an_array_of_numpy_beside_one_on_the_gpu_goes_there(gpu):
    fast = ag.jit(kinked, batched=True)
    expected = ag.jit(kinked, batched=True, backend="numpy")(X[:, 0], X[:, 1])
    for _ in range(2):
        assert fast(X[:, 0], gpu.asarray(X[:, 1])).get() == pytest.approx(expected, rel=1e-14)


def test_an_empty_batch_on_a_gpu_has_no_results(gpu):
    found = ag.jit(lambda x: x if x > 0 else -x, batched=True)(gpu.asarray(np.empty(0)))
    assert isinstance(found, cuda_host.Array)
    assert found.shape == (0,)


def test_dask_arrays_on_a_gpu_find_their_paths_there(gpu):
    array = pytest.importorskip("dask.array")
    x, y = (array.from_array(gpu.asarray(part), chunks=100, asarray=False) for part in X.T)
    fast = ag.jit(kinked, batched=True)
    plain = ag.jit(kinked, batched=True, backend="numpy")(X[:, 0], X[:, 1])
    found = fast(x, y).blocks[1].compute(scheduler="synchronous")
    assert isinstance(found, cuda_host.Array)
    assert found.get() == pytest.approx(plain[100:200], rel=1e-14)


def test_nvrtc_joins_no_product_with_a_sum_where_paths_are_found(nvrtc, gpu):
    fast = ag.jit(kinked, batched=True)
    fast(gpu.asarray(X[:, 0]), gpu.asarray(X[:, 1]))
    tape = fast._programs.latest._index.tape(0)
    text = Kernel(planned(tape, 2, 1), [1, 1], 1).text
    for architecture in ("compute_75", "compute_90"):
        assert b"fma.rn.f64" in accepted(nvrtc, text, architecture)
        assert b"fma.rn.f64" not in accepted(nvrtc, text, architecture, *launch.EXACT)


# --- arrays ---


def test_arrays_on_a_gpu_choose_the_backend_and_stay_there(gpu):
    fast = ag.jit(lambda x, y: {"sum": x[0] + y, "both": [x[0] * y, x[1]]}, batched=True)
    found = fast(gpu.asarray(X), gpu.asarray(Y))
    assert fast.stats["backend"] == "cuda"
    assert fast.stats["why"] == "asked for, or the batch lies on a GPU"
    for one, other in ((found["sum"], X[:, 0] + Y), (found["both"][0], X[:, 0] * Y)):
        assert isinstance(one, cuda_host.Array)
        assert np.array_equal(one.get(), other)
    assert np.array_equal(fast(X, Y)["sum"], X[:, 0] + Y)
    assert fast.stats["backend"] != "cuda"


@pytest.mark.usefixtures("gpu")
def test_arrays_of_the_processor_come_back_to_it():
    fast = ag.jit(lambda x: x[0] * x[1], batched=True, backend="cuda")
    found = fast(X)
    assert type(found) is np.ndarray
    assert found == pytest.approx(X[:, 0] * X[:, 1], rel=1e-15)


def test_arrays_of_32_bits_on_the_gpu_are_computed_with_in_32_bits(gpu):
    loss = a_network()
    fast = ag.jit(loss, batched=True)
    plain = ag.jit(loss, batched=True, backend="numpy")
    plain.prepare(X, Y)
    x, y = gpu.asarray(X, dtype=np.float32), gpu.asarray(Y, dtype=np.float32)
    assert fast(x, y).dtype == np.float32
    found = fast.value_and_grad(numbers(plain), x, y)
    close(found, plain.value_and_grad(numbers(plain), X, Y), near=1e-5)
    assert found[0] != plain.value_and_grad(numbers(plain), X, Y)[0]
    assert fast(x, gpu.asarray(Y)).dtype == np.float64


def test_the_backward_pass_adds_to_the_parameters(gpu):
    w = ag.Parameter(0.5)
    fast = ag.jit(lambda x: (w * x - 1.0) ** 2, batched=True)
    assert fast.backward(gpu.asarray(Y)) == pytest.approx(np.mean((0.5 * Y - 1.0) ** 2))
    assert w.grad == pytest.approx(np.mean(2.0 * (0.5 * Y - 1.0) * Y))


def test_equal_batches_give_equal_bits(gpu):
    fast = ag.jit(a_network(), batched=True)
    x, y = gpu.asarray(X), gpu.asarray(Y)
    fast.prepare(x, y)
    first, second = (fast.value_and_grad(numbers(fast), x, y) for _ in range(2))
    assert first[0] == second[0]
    assert np.array_equal(first[1], second[1])


def test_a_batch_of_no_samples_has_no_results(gpu):
    fast = ag.jit(lambda x: x * x, batched=True)
    assert fast(gpu.asarray(np.empty(0))).shape == (0,)


@pytest.mark.usefixtures("gpu")
def test_a_device_is_named_as_in_pytorch():
    fast = ag.jit(lambda x: x[0] * x[1], batched=True, device="cuda")
    assert np.array_equal(fast(X), X[:, 0] * X[:, 1])
    assert fast.stats["backend"] == "cuda"
    model = ag.MLP(2, [1], seed=0)
    assert model.jit(device="cuda")(X) == pytest.approx(model.jit(device="cpu")(X), rel=1e-12)
    assert ag.jit(lambda x: x, backend="numpy", device="cpu", batched=True)(Y).shape == Y.shape


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": "cuda:1"}, r"device is 'cuda:1', expected 'cpu' or 'cuda', the GPU that CuPy computes on"),
        ({"device": "cuda", "backend": "llvm"}, "device is 'cuda' and backend 'llvm', expected one of the two"),
        ({"device": "cpu", "backend": "cuda"}, "device is 'cpu' and backend 'cuda', expected one of the two"),
    ],
)
def test_a_device_that_is_none_or_contradicts_the_backend_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ag.jit(lambda x: x, **settings)


def test_fit_says_how_it_is_told_where_to_compute():
    with pytest.raises(TypeError, match="compile"):
        ag.fit(ag.MLP(2, [1]), X, Y, loss="mse", device="cuda")


# --- what is said ---


def test_another_backend_says_that_the_array_lies_on_a_gpu(gpu):
    fast = ag.jit(lambda x: x * x, batched=True, backend="numpy")
    with pytest.raises(TypeError, match="the batch lies on a GPU, expected NumPy's arrays for the backend 'numpy'"):
        fast(gpu.asarray(Y))


def test_a_missing_driver_an_old_card_and_too_little_memory_are_said(monkeypatch, tmp_path, gpu):
    fast = ag.jit(lambda x: x * x, batched=True, backend="cuda")

    def broken(*_, **__):
        raise gpu.cuda.memory.OutOfMemoryError("Out of memory allocating 8 bytes")

    with monkeypatch.context() as patch:
        patch.setattr(gpu, "empty", broken)
        with pytest.raises(MemoryError, match=r"the batch has 300 samples, expected as many as .* Out of memory"):
            fast(Y)
    old = cuda_host.cupy(tmp_path, capability="35")
    monkeypatch.setattr(launch, "extra", lambda *_: old)
    with pytest.raises(RuntimeError, match=r"expected another one on a GPU of compute capability 3\.5"):
        fast(Y)

    def none():
        raise old.cuda.runtime.CUDARuntimeError("cudaErrorInsufficientDriver")

    old.cuda.Device = none
    with pytest.raises(RuntimeError, match="expected another one where no NVIDIA GPU can be used: cudaErrorInsuff"):
        fast(Y)


def test_dask_arrays_of_arrays_on_a_gpu_are_computed_there(gpu):
    array = pytest.importorskip("dask.array")
    x, y = (array.from_array(gpu.asarray(part), chunks=100, asarray=False) for part in (X[:, 0], Y))
    w = ag.Parameter(0.5)
    fast = ag.jit(lambda x, y: (w * x - y) ** 2, batched=True)
    plain = ag.jit(lambda x, y: (w * x - y) ** 2, batched=True, backend="numpy")
    assert fast.backward(x, y) == pytest.approx(plain.backward(X[:, 0], Y), rel=1e-12)
    assert fast.stats["backend"] == "cuda"
    found = fast(x, y).blocks[1].compute()
    assert isinstance(found, cuda_host.Array)
    assert found.get() == pytest.approx(plain(X[100:200, 0], Y[100:200]), rel=1e-12)
