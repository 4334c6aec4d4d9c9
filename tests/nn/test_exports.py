"""Networks written for other programs: run there, they say what they say here."""

from __future__ import annotations

import re
import subprocess
import sys

import c_library
import pytest

import autograd_mini as ag
from autograd_mini import MLP, Value
from autograd_mini.compiler.export.c import DIALECTS
from autograd_mini.engine.ops import TABLE
from autograd_mini.nn import ACTIVATIONS
from autograd_mini.nn.layers import known

np = pytest.importorskip("numpy")

NETWORKS = {
    "one output": lambda: MLP(2, [4, 1], activation="tanh", seed=0),
    "several outputs": lambda: MLP(3, [5, 4, 2], activation="relu", output="sigmoid", seed=1),
    "one layer": lambda: MLP(3, [2], seed=2),
    "linear layers": lambda: MLP(2, [3, 3, 1], activation=None, seed=3),
    "deep": lambda: MLP(1, [2, 3, 2, 3, 2], activation="gelu", seed=4),
}
ROWS = np.random.default_rng(0).normal(size=(9, 3))


def outputs_and_gradients(model, row, seeds):
    """Return the outputs, and the gradients of their sum with these weights, by the inputs and the parameters."""
    inputs = [Value(x) for x in row]
    found = model(inputs)
    found = found if isinstance(found, list) else [found]
    model.zero_grad()
    sum(seed * y for seed, y in zip(seeds, found, strict=True)).backward()
    return [y.data for y in found], [x.grad for x in inputs], [p.grad for p in model.parameters()]


@pytest.mark.parametrize("dtype", DIALECTS)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_header_gives_the_outputs_and_all_gradients_of_a_network(tmp_path, name, dtype):
    model = NETWORKS[name]()
    model.export(tmp_path / "net.h", dtype=dtype)
    library = c_library.compiled([(tmp_path / "net.h").read_text(encoding="utf-8")], tmp_path)
    parameters = [p.data for p in model.parameters()]
    inputs, outputs = len(model.layers[0].neurons[0].w), len(model.layers[-1].neurons)
    near = {"rel": 1e-13, "abs": 1e-15} if dtype == "double" else {"rel": 2e-6, "abs": 2e-6}
    for row in ROWS[:, :inputs].tolist():
        seeds = [1.0, -0.5][:outputs]
        y, x_grad, p_grad = outputs_and_gradients(model, row, seeds)
        if outputs == 1:
            assert library.call("net", row, parameters, dtype=dtype)[0] == pytest.approx(y[0], **near)
            value, [_, _, grad] = library.call("net_value_and_grad", row, parameters, [9.0] * len(p_grad), dtype=dtype)
            assert value == pytest.approx(y[0], **near)
            assert grad == pytest.approx(p_grad, **near)
        else:
            _, [*_, found] = library.call("net", row, parameters, [0.0] * outputs, dtype=dtype, returned=False)
            assert found == pytest.approx(y, **near)
        zeros = [0.0] * outputs, [0.0] * inputs, [1.0] * len(p_grad)
        _, found = library.call("net_backward", row, parameters, seeds, *zeros, dtype=dtype, returned=False)
        assert found[3] == pytest.approx(y, **near)
        assert found[4] == pytest.approx(x_grad, **near)
        assert found[5] == pytest.approx([1.0 + g for g in p_grad], **near)
        _, found = library.call("net_backward", row, parameters, seeds, *zeros[:2], None, dtype=dtype, returned=False)
        assert found[4] == pytest.approx(x_grad, **near)
        library.call("net_backward", row, parameters, seeds, zeros[0], None, None, dtype=dtype, returned=False)


def test_the_header_has_the_parameters_with_their_labels_and_says_what_they_take(tmp_path):
    model = NETWORKS["one output"]()
    model.export(tmp_path / "my-net.h")
    text = (tmp_path / "my-net.h").read_text(encoding="utf-8")
    assert "static const float model_parameters[17] = {\n    0.6888437f, /* 0: w[1][1][1] */" in text
    assert "p: 17 parameters, such as model_parameters: 68 bytes of flash" in text
    assert "a network of 2-4-1 units, tanh, linear" in text
    numbers = [np.float32(n) for n in re.findall(r"^    (-?[\d.e-]+)f, /\*", text, re.MULTILINE)]
    assert numbers == [np.float32(p.data) for p in model.parameters()]


def ran(model, folder, X, dtype="float"):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    model.export(folder / "net.onnx", dtype=dtype)
    session = runtime.InferenceSession(str(folder / "net.onnx"), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": X.astype({"float": "float32", "double": "float64"}[dtype])})[0]


@pytest.mark.parametrize("rows", [1, 9])
@pytest.mark.parametrize("name", NETWORKS)
def test_onnxruntime_says_what_a_network_says_for_any_number_of_rows(tmp_path, name, rows):
    model = NETWORKS[name]()
    X = ROWS[:rows, : len(model.layers[0].neurons[0].w)]
    found, expected = ran(model, tmp_path, X), model.jit(backend="python")(X)
    assert found.dtype == np.float32
    assert found == pytest.approx(expected.reshape(rows, -1), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("activation", [name for name in TABLE if known(name)])
def test_onnxruntime_knows_every_activation_or_its_formula(tmp_path, activation):
    model = MLP(2, [3, 1], activation=activation, init="uniform", seed=0)
    for neuron in model.layers[0].neurons:  # so that every operand is in the domain, and away from kinks and stairs
        low, high = TABLE[activation].domain[0]
        neuron.b.data = low + 0.6 * (high - low)
        for w in neuron.w:
            w.data *= 0.05 * (high - low)
    X = np.random.default_rng(0).uniform(-0.5, 0.5, size=(20, 2))
    expected = model.jit(backend="python")(X)
    assert ran(model, tmp_path, X)[:, 0] == pytest.approx(expected, abs=1e-6 * max(1.0, np.abs(expected).max()))


def test_onnxruntime_takes_numbers_of_64_bits(tmp_path):
    model = NETWORKS["one output"]()
    assert ran(model, tmp_path, ROWS[:, :2], "double")[:, 0] == pytest.approx(
        model.jit(backend="python")(ROWS[:, :2]), rel=1e-13
    )


def test_a_formula_of_one_s_own_is_an_activation_everywhere(tmp_path):
    ag.operation("bent", "where(x > 0.0 and x != 2.0 or x < -4.0, x, 0.5 * tanh(x))", "1.0", domain=((0.1, 1.0),))
    try:
        model = MLP(2, [3, 1], activation="bent", seed=0)
        assert ran(model, tmp_path, ROWS[:, :2])[:, 0] == pytest.approx(
            model.jit(backend="python")(ROWS[:, :2]), rel=1e-6, abs=1e-6
        )
        model.export(tmp_path / "net.h", dtype="double")
        library = c_library.compiled([(tmp_path / "net.h").read_text(encoding="utf-8")], tmp_path)
        found = library.call("net", [-3.0, 1.0], [p.data for p in model.parameters()])[0]
        assert found == pytest.approx(model([-3.0, 1.0]).data, rel=1e-13)
    finally:
        del TABLE["bent"]


def test_the_same_network_is_the_same_bytes(tmp_path):
    pytest.importorskip("onnx")
    for name in ("net.h", "net.onnx"):
        NETWORKS["deep"]().export(tmp_path / name)
        first = (tmp_path / name).read_bytes()
        NETWORKS["deep"]().export(tmp_path / name)
        assert (tmp_path / name).read_bytes() == first


class Doubled(ag.nn.Layer):
    """A layer that no file can name."""

    def __call__(self, x):
        """Return twice the outputs."""
        return [2.0 * y for y in super().__call__(x)]


def with_a_layer_of_its_own():
    model = MLP(2, [2, 1], seed=0)
    model.layers[0] = Doubled(2, 2)
    return model


def with_a_function_for_an_activation():
    return MLP(2, [2, 1], activation=lambda x: x * x, seed=0)


@pytest.mark.parametrize("ending", [".h", ".onnx"])
@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        (NETWORKS["deep"], {"dtype": "half"}, "dtype is 'half', expected 'double' or 'float'"),
        (NETWORKS["deep"], {"name": "a b"}, "name is 'a b', expected a name in C that is not taken, such as 'loss'"),
        (with_a_layer_of_its_own, {}, "one Layer is a Doubled"),
        (with_a_function_for_an_activation, {}, "layers.0. have the activation <function"),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_what_cannot_be_written_is_refused_in_one_line_and_nothing_is_written(
    tmp_path, ending, model, settings, message
):
    with pytest.raises(ValueError, match=f"^[^\n]*{message}[^\n]*$"):
        model().export(tmp_path / f"net{ending}", **settings)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("path", ["net.pt", "net", "net.h5"])
def test_a_name_that_ends_otherwise_is_refused(tmp_path, path):
    with pytest.raises(ValueError, match=rf"^path is '.*{path}', expected one that ends in \.h or \.onnx$"):
        NETWORKS["deep"]().export(tmp_path / path)


def test_an_operation_that_onnx_lacks_is_named():
    from autograd_mini.compiler.export.onnx import Graph
    from autograd_mini.engine.ops import Op

    TABLE["lambertw"] = Op("lambertw", "lambertw(x)", ("1.0",))
    try:
        with pytest.raises(ValueError, match=r"^the operation is 'lambertw', expected one that ONNX has"):
            Graph("float32").apply("lambertw", ["x"])
    finally:
        del TABLE["lambertw"]


def test_the_activations_that_users_know_are_all_written_in_c(tmp_path):
    texts = []
    for activation in ACTIVATIONS:
        MLP(1, [1, 1], activation=activation, seed=0).export(tmp_path / "net.h", name=f"net_{activation}")
        texts.append((tmp_path / "net.h").read_text(encoding="utf-8"))
    assert c_library.compiled(texts, tmp_path)


def test_a_header_needs_no_package():
    program = """
import sys
for package in ("numpy", "llvmlite", "onnx"):
    sys.modules[package] = None
import autograd_mini as ag, tempfile, os
folder = tempfile.mkdtemp()
ag.MLP(2, [3, 1], activation="tanh").export(os.path.join(folder, "net.h"))
print(len(ag.jit(lambda x: ag.erf(x)).c(1.0)) > 300)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("True\n", "")
