"""Files of tensors: what PyTorch's users expect to find in them, bit for bit, and no harm from any of them."""

import json
import math
import random
import struct
import sys
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("safetensors")
pytest.importorskip("numpy")

import numpy as np
from damage import damaged_bytes, damaged_json
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from autograd_mini import MLP, ModelFormatError, load
from autograd_mini.files import LARGEST, SMALL, require
from autograd_mini.files.tensors import KEY

finite = st.floats(allow_nan=False, allow_infinity=False)
patient = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def small_model():
    return MLP(2, [3, 1], activation="tanh", seed=0)


def bits(model):
    return [struct.pack("<d", p.data) for p in model.parameters()]


# --- round trips -----------------------------------------------------------------------------------------------------


@patient
@given(st.integers(1, 3), st.lists(st.integers(1, 3), min_size=1, max_size=12), st.text(), st.data())
def test_every_bit_of_every_parameter_survives_and_so_does_the_rest(path, nin, nouts, note, data):
    names = st.sampled_from(["linear", "relu", "tanh", "gelu"])
    model = MLP(nin, nouts, data.draw(names), data.draw(names))
    for parameter in model.parameters():
        parameter.data = data.draw(finite)
    model.metadata = {"note": note, "deep": [[{"é": None}]]}
    model.save(path)
    twin = load(path)
    assert bits(twin) == bits(model)
    assert repr(twin) == repr(model)
    assert twin.metadata == model.metadata
    assert [p.label for p in twin.parameters()] == [p.label for p in model.parameters()]
    first = path.read_bytes()
    twin.save(path)
    assert path.read_bytes() == first


def test_a_file_holds_the_tensors_that_a_user_of_pytorch_expects(path):
    model = small_model()
    model.save(path)
    weights, biases = model.matrices()
    held = load_file(path)
    assert {name: (str(tensor.dtype), tensor.shape) for name, tensor in held.items()} == {
        "layers.0.weight": ("float64", (3, 2)),
        "layers.0.bias": ("float64", (3,)),
        "layers.1.weight": ("float64", (1, 3)),
        "layers.1.bias": ("float64", (1,)),
    }
    for index in (0, 1):
        assert held[f"layers.{index}.weight"].tolist() == weights[index]
        assert held[f"layers.{index}.bias"].tolist() == biases[index]


def test_the_metadata_of_a_file_describe_the_network_as_a_json_file_does(path):
    small_model().save(path, {"note": "é"})
    with safe_open(path, "np") as file:
        metadata = file.metadata()
    assert [*metadata] == [KEY]
    assert json.loads(metadata[KEY]) == {
        "format": "autograd_mini model",
        "version": 1,
        "architecture": {"kind": "MLP", "nin": 2, "nouts": [3, 1], "activations": ["tanh", "linear"]},
        "metadata": {"note": "é"},
    }


def test_numbers_go_into_a_model_that_is_there_and_nothing_else_does(path):
    small_model().save(path, {"note": "of the file"})
    model = MLP(2, [3, 1], activation="tanh", seed=1)
    model.metadata["note"] = "of the model"
    parameters = model.parameters()
    assert load(path, into=model) is model
    assert model.parameters() == parameters
    assert bits(model) == bits(small_model())
    assert model.metadata == {"note": "of the model"}


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_numbers_for_another_network_are_refused_and_change_nothing(path, suffix):
    file = path.with_suffix(suffix)
    small_model().save(file)
    for model, message in [
        (
            MLP(2, [3, 2], "tanh", seed=1),
            r"does not fit the model: it has layers of 2-3-1 units, but the model of 2-3-2",
        ),
        (MLP(2, [3], "tanh", seed=1), "2-3-1 units, but the model of 2-3$"),
        (MLP(1, [3, 1], "tanh", seed=1), "2-3-1 units, but the model of 1-3-1"),
        (MLP(2, [3, 1], "relu", seed=1), r"layers\[0\] has the activation 'tanh', but that of the model is 'relu'"),
        (MLP(2, [3, 1], "tanh", "tanh", seed=1), r"layers\[1\] has the activation 'linear'"),
    ]:
        before = bits(model)
        with pytest.raises(ValueError, match=message) as caught:
            load(file, into=model)
        assert not isinstance(caught.value, ModelFormatError)
        assert bits(model) == before


# --- exchange --------------------------------------------------------------------------------------------------------


def test_a_sequential_of_pytorch_takes_the_tensors_and_computes_the_same(path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file as load_tensors

    nn = torch.nn
    model = MLP(3, [4, 5, 2], activation="tanh", seed=0)
    model.save(path)
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2)).double()
    linear = nn.ModuleList(module for module in network if isinstance(module, nn.Linear))
    nn.ModuleDict({"layers": linear}).load_state_dict(load_tensors(path))
    rng = random.Random(0)
    for _ in range(10):
        x = [rng.uniform(-2, 2) for _ in range(3)]
        theirs = network(torch.tensor(x, dtype=torch.float64)).tolist()
        assert [y.data for y in model(x)] == pytest.approx(theirs, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("kind", ["float64", "float32", "float16", "bfloat16"])
def test_what_pytorch_saves_is_loaded_into_a_model_of_the_same_shape(path, kind):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save_tensors

    nn = torch.nn
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.1), nn.Linear(4, 2)).to(getattr(torch, kind))
    save_tensors(network.state_dict(), path)
    model = load(path, into=MLP(3, [4, 2], seed=0))
    assert [p.data for p in model.layers[0].neurons[3].w] == network[0].weight[3].tolist()
    assert [neuron.b.data for neuron in model.layers[1].neurons] == network[3].bias.tolist()
    x = [0.5, -1.0, 2.0]
    theirs = network.double().eval()(torch.tensor(x, dtype=torch.float64)).tolist()
    assert [y.data for y in model(x)] == pytest.approx(theirs, rel=1e-14)


def tensors(*names, **more):
    shapes = [(3, 2), (3,), (1, 3), (1,)]
    return {
        name: np.full(shape, index + 0.5) for index, (name, shape) in enumerate(zip(names, shapes, strict=True))
    } | more


@pytest.mark.parametrize(
    "names",
    [
        ("0.weight", "0.bias", "2.weight", "2.bias"),
        ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"),
        ("net.9.weight", "net.9.bias", "net.10.weight", "net.10.bias"),
        ("model.layers.007.weight", "model.layers.007.bias", "model.layers.8.weight", "model.layers.8.bias"),
    ],
)
def test_layers_come_in_the_order_of_their_numbers_whatever_stands_before(path, names):
    save_file(tensors(*names), path)
    model = load(path, into=small_model())
    assert model.matrices() == ([[[0.5] * 2] * 3, [[2.5] * 3]], [[1.5] * 3, [3.5]])


def test_a_file_without_activations_needs_a_model_that_has_them(path):
    save_file(tensors("0.weight", "0.bias", "2.weight", "2.bias"), path)
    with pytest.raises(
        ModelFormatError, match=r"says nothing of activations: give a model .* load\(path, into=model\)"
    ):
        load(path)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_written_and_read_only_on_request(path, wrong):
    model = small_model()
    model.layers[0].neurons[1].w[0].data = wrong
    with pytest.raises(ValueError, match=rf"W\[0\]\[1\]\[0\] is {wrong}, .* or pass nonfinite=True"):
        model.save(path)
    assert not path.exists()
    model.save(path, nonfinite=True)
    with pytest.raises(ModelFormatError, match=rf"layers\.0\.weight\[1, 0\] is {wrong}: pass nonfinite=True"):
        load(path)
    assert bits(load(path, nonfinite=True)) == bits(model)


def test_metadata_beyond_the_size_of_a_header_are_refused(path):
    with pytest.raises(ValueError, match=r"note down less, or save it as \.json"):
        small_model().save(path, {"note": "x" * SMALL})
    assert not path.exists()
    small_model().save(path, {"note": "x" * (SMALL - 2000)})
    assert len(load(path).metadata["note"]) == SMALL - 2000


def test_a_large_model_is_saved_and_loaded(path):
    model = MLP(100, [150, 3], seed=0)
    model.save(path)
    assert bits(load(path)) == bits(model)
    assert 8 * len(bits(model)) < path.stat().st_size < 8 * len(bits(model)) + 2000


def test_a_package_that_is_missing_is_named_with_the_extra_that_brings_it(path, monkeypatch):
    small_model().save(path)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    for needing in (load, require, small_model().save):
        for name in (path, str(path).upper()):
            with pytest.raises(ImportError, match=r"pip install 'autograd_mini\[safetensors\]'"):
                needing(name)
    require(path.with_suffix(".json"))


# --- bad files -------------------------------------------------------------------------------------------------------


def file_of(header, data=bytes(104), size=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + data


def header(**changes):
    """Return the header of a valid file of the small model, with members changed or (None) left out."""
    starts = {"layers.0.weight": [3, 2], "layers.0.bias": [3], "layers.1.weight": [1, 3], "layers.1.bias": [1]}
    made, start = {"__metadata__": {KEY: json.dumps(description())}}, 0
    for name, shape in starts.items():
        end = start + 8 * math.prod(shape)
        made[name] = {"dtype": "F64", "shape": shape, "data_offsets": [start, end]}
        start = end
    return {name: member for name, member in (made | changes).items() if member is not None}


def description(**changes):
    return {
        "format": "autograd_mini model",
        "version": 1,
        "architecture": {"kind": "MLP", "nin": 2, "nouts": [3, 1], "activations": ["tanh", "linear"]},
        "metadata": {},
    } | changes


def described(text=None, **changes):
    return header(__metadata__={KEY: json.dumps(description(**changes)) if text is None else text})


def first(**changes):
    return header(**{"layers.0.weight": header()["layers.0.weight"] | changes})


def architecture(**changes):
    return described(architecture=description()["architecture"] | changes)


BAD = {
    "nothing": (b"", "does not begin with a header"),
    "seven bytes": (bytes(7), "does not begin with a header"),
    "no header": (bytes(8), "does not begin with a header"),
    "a header longer than the file": (file_of(header(), size=10**5), "does not begin with a header"),
    "a header of 2**64 - 1 bytes": (file_of(header(), size=2**64 - 1), "does not begin with a header"),
    "JSON": (json.dumps(description()).encode(), "does not begin with a header"),
    "a header that is no JSON": (file_of(b"hello"), "not JSON"),
    "a header that is a list": (file_of(b"[]"), "expected an object"),
    "a header that is empty": (file_of(b"{}"), "expected tensors like"),
    "a header in UTF-16": (file_of(json.dumps(header()).encode("utf-16")), "not JSON"),
    "a header with a BOM": (file_of(b"\xef\xbb\xbf" + json.dumps(header()).encode()), "BOM"),
    "a deep header": (file_of(b'{"a":' * 40_000), "nested more than 64 deep"),
    "a tensor twice": (
        file_of(json.dumps(header()).replace('"layers.0.bias"', '"layers.0.weight"').encode()),
        "comes twice",
    ),
    "a tensor twice under two numbers": (
        file_of(header(**{"layers.00.bias": header()["layers.0.bias"]})),
        "there is 'layers.00.bias'",
    ),
    "a tensor too many": (file_of(header(extra=header()["layers.0.bias"])), "there is 'extra'"),
    "a tensor too few": (file_of(header(**{"layers.1.bias": None})), r"there is no …1\.bias"),
    "another name": (file_of(header(**{"fc.1.bias": header()["layers.1.bias"], "layers.1.bias": None})), "there is"),
    "a number of many digits": (file_of(header(**{"1" * 200_000 + ".bias": {}})), "there is '1111"),
    "no shape": (file_of(header(**{"layers.0.weight": {"dtype": "F64"}})), "shape is missing"),
    "a shape of text": (file_of(first(shape="32")), "shape is '32'"),
    "a shape of one number": (file_of(first(shape=[6])), r"has the shape \[6\], expected"),
    "a shape of many numbers": (file_of(first(shape=[1] * 50_000)), "has the shape"),
    "a shape with 0": (file_of(first(shape=[0, 2])), "has the shape"),
    "a shape with a huge number": (file_of(first(shape=[2**63, 2])), "has the shape"),
    "a shape with a negative number": (file_of(first(shape=[-3, 2])), "has the shape"),
    "a shape with a fraction": (file_of(first(shape=[3.0, 2])), "has the shape"),
    "a shape with truth": (file_of(first(shape=[3, True])), "has the shape"),
    "the transposed shape": (file_of(first(shape=[2, 3])), r"has the shape \[2, 3\], expected \[3, 3\]"),
    "whole numbers": (file_of(first(dtype="I64")), "holds 'I64', expected F64, F32, F16, BF16"),
    "no type": (file_of(first(dtype=None)), "dtype is None"),
    "no offsets": (
        file_of(header(**{"layers.0.weight": {"dtype": "F64", "shape": [3, 2]}})),
        "safetensors cannot read",
    ),
    "offsets beyond the file": (file_of(first(data_offsets=[0, 10**9])), "safetensors cannot read"),
    "offsets backwards": (file_of(first(data_offsets=[48, 0])), "safetensors cannot read"),
    "offsets that overlap": (
        file_of(header(**{"layers.1.bias": {"dtype": "F64", "shape": [1], "data_offsets": [88, 96]}})),
        "safetensors cannot read",
    ),
    "offsets negative": (file_of(first(data_offsets=[-48, 0])), "safetensors cannot read"),
    "data cut off": (file_of(header(), bytes(103)), "safetensors cannot read"),
    "data too long": (file_of(header(), bytes(105)), "bytes, more than"),
    "nan in the data": (file_of(header(), struct.pack("<d", math.nan) + bytes(96)), r"weight\[0, 0\] is nan"),
    "metadata a list": (file_of(header(__metadata__=[])), "__metadata__ is"),
    "a description that is no text": (file_of(header(__metadata__={KEY: 1})), "autograd_mini is 1"),
    "a description that is no JSON": (file_of(described("{")), "not JSON"),
    "a description that is no object": (file_of(described("[]")), "does not hold"),
    "a deep description": (file_of(described("[" * 100_000)), "nested more than 64 deep"),
    "a description with half a surrogate": (file_of(described("\ud800")), "not JSON"),
    "a newer version": (file_of(described(version=2)), "it is of version 2, and this one reads up to 1"),
    "no version": (file_of(described(version=None)), "version is None"),
    "another format": (file_of(described(format="x")), "its format is 'x'"),
    "no architecture": (file_of(described(architecture=None)), "architecture is None"),
    "another architecture": (file_of(architecture(nouts=[4, 1])), "its tensors are those of"),
    "a huge architecture": (file_of(architecture(nouts=[10**9, 1])), "its tensors are those of"),
    "an unknown activation": (file_of(architecture(activations=["eval", "linear"])), "activation 'eval' is unknown"),
    "an unknown kind": (file_of(architecture(kind="RNN")), "kind is 'RNN'"),
    "notes that are a list": (file_of(described(metadata=[])), r"metadata is \[\]"),
    "many names": (file_of({f"layers.{i}.bias": {} for i in range(9000)}), r"there is no …0\.weight"),
    "much too large": (file_of(header(), bytes(3 * SMALL)), "bytes, more than"),
}


def test_the_file_that_is_made_bad_is_good(path):
    path.write_bytes(file_of(header()))
    assert {p.data for p in load(path).parameters()} == {0.0}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_kind_of_error_that_says_what_is_wrong_and_takes_little_memory(path, name):
    data, message = BAD[name]
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFormatError, match=message) as caught:
            load(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 400
    assert peak < 10e6


def test_a_file_beyond_all_limits_is_not_read(path):
    shape = [2**20, 2**20]
    huge = {
        "0.weight": {"dtype": "F64", "shape": shape, "data_offsets": [0, 2**43]},
        "0.bias": {"dtype": "F64", "shape": shape[:1], "data_offsets": [2**43, 2**43 + 2**23]},
    }
    with path.open("wb") as file:
        file.write(file_of(huge, b""))
        file.truncate(2**36)
    with pytest.raises(ModelFormatError, match=f"has {2**36} bytes, more than the {LARGEST}"):
        load(path, into=small_model())


def mutant(rng):
    """Return a file that is damaged in its header, its description or some bytes."""
    match rng.randrange(4):
        case 0:
            return damaged_bytes(file_of(header()), rng)
        case 1:
            return file_of(header(__metadata__={KEY: damaged_json(description(), rng).decode(errors="ignore")}))
        case _:
            return file_of(damaged_json(header(), rng))


def test_thousands_of_damaged_files_load_or_are_refused_in_one_way(path, monkeypatch):
    rng, loaded, refused = random.Random(0), 0, 0
    for _ in range(5000):
        data = mutant(rng)
        monkeypatch.setattr("autograd_mini.files.storage.read", lambda *_, data=data: data)  # spares 5000 files
        try:
            model = load(path)
        except ModelFormatError:
            refused += 1
        else:
            loaded += 1
            assert all(math.isfinite(p.data) for p in model.parameters())
            assert len(model.parameters()) <= 40
    assert loaded > 50
    assert refused > 500


@patient
@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_be_refused(path, data):
    for content in (data, file_of(data, b"")):
        path.write_bytes(content)
        with pytest.raises(ModelFormatError):
            load(path)
