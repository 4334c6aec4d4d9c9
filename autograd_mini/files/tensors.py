"""A file of tensors holds the same as a JSON model file, in the format of safetensors, which PyTorch's users exchange.

Layer i, counted from 0, has the tensors "layers.i.weight", one row a neuron and one column an input, and
"layers.i.bias", as PyTorch's `Linear` has them, of float64. The metadata of the file has the entry "autograd_mini": a
JSON document with the members format, version, architecture and metadata of a JSON model file. In PyTorch:

    from safetensors.torch import load_file
    network = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    linear = nn.ModuleList(module for module in network if isinstance(module, nn.Linear))
    nn.ModuleDict({"layers": linear}).load_state_dict(load_file("model.safetensors"))

The way back is `load("theirs.safetensors", into=model)`, for files of float64, float32, float16 or bfloat16 tensors.

Before the package safetensors sees a file, its header is read like any other document and every name, type and shape
in it is checked, so that the memory taken is in proportion to a network that has been described without a mistake.

Source: https://huggingface.co/docs/safetensors/index#format
"""

from __future__ import annotations

import json
from math import prod

from autograd_mini.errors import shown
from autograd_mini.extras import extra
from autograd_mini.files.documents import parse
from autograd_mini.files.json_model import described, member, written
from autograd_mini.files.storage import LARGEST, SMALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from autograd_mini.files.json_model import Numbers

SUFFIXES: tuple[str, ...] = (".safetensors",)
HEAD = SMALL + 8
"""Bytes from the beginning within which the header of any file ends."""
KEY = "autograd_mini"
"""The entry of a file's metadata that describes the network."""
SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
"""The types that the numbers of a file may have, and their bytes."""


def require() -> ModuleType:
    """Return safetensors with its functions for NumPy, or raise an ImportError that says how to get it."""
    extra("safetensors.numpy", "a .safetensors file", "save the model as .json")
    package: ModuleType = extra("safetensors", "a .safetensors file")
    return package


def dumps(description: dict[str, Any], numbers: Numbers, *, nonfinite: bool) -> bytes:
    """Return the content of a file with a network's description and its numbers."""
    import numpy as np

    weights, biases = numbers
    for name, held_here in (("W", weights), ("b", biases)):
        written(held_here, name, nonfinite=nonfinite)  # refuses what is not finite
    held = {}
    for index, (rows, bias) in enumerate(zip(weights, biases, strict=True)):
        held[f"layers.{index}.weight"] = np.array(rows, dtype=np.float64)
        held[f"layers.{index}.bias"] = np.array(bias, dtype=np.float64)
    # One entry alone: safetensors writes several in an order that changes from process to process.
    data: bytes = require().numpy.save(held, {KEY: json.dumps(description, allow_nan=False)})
    if (size := int.from_bytes(data[:8], "little")) > SMALL:
        raise ValueError(f"the header would have {size} bytes, more than {SMALL}: note down less, or save it as .json")
    return data


def allowed(head: bytes, *, alone: bool) -> int:
    """Return how many bytes a file may have that begins like this."""
    header, start = _header(head)
    names, _, _ = _described(header, alone=alone)
    tensors = [header[name] for name in names]
    return min(LARGEST, start + sum(SIZES[tensor["dtype"]] * int(prod(tensor["shape"])) for tensor in tensors))


def loads(data: bytes, *, alone: bool, nonfinite: bool) -> tuple[dict[str, Any], Numbers, dict[str, Any]]:
    """Return the architecture, the numbers (W, b) and the metadata of a file."""
    header, _ = _header(data)
    names, architecture, metadata = _described(header, alone=alone)
    try:
        held = dict(require().deserialize(data))
    except require().SafetensorError as error:
        raise ValueError(f"safetensors cannot read it: {error}") from None
    lists = [_listed(name, held[name], nonfinite=nonfinite) for name in names]
    return architecture, (lists[::2], lists[1::2]), metadata


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or not 2 <= size <= SMALL or len(data) < 8 + size:
        raise ValueError(f"it does not begin with a header of at most {SMALL} bytes, as safetensors files do")
    header = parse(data[8 : 8 + size])
    if not isinstance(header, dict):
        raise ValueError(f"its header is {shown(header)}, expected an object")  # noqa: TRY004 - the file is wrong
    return header, 8 + size


def _described(header: dict[str, Any], *, alone: bool) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
    """Return the names of the tensors in order, weight and bias in turns; the architecture; and the metadata."""
    notes = member(header, "__metadata__", dict) if "__metadata__" in header else {}
    names = _ordered([name for name in header if name != "__metadata__"])
    shapes = [_shape(name, header) for name in names]
    nouts = [bias[0] for bias in shapes[1::2]]
    nin = shapes[0][-1]
    for name, shape, wanted in zip(names[::2], shapes[::2], zip(nouts, [nin, *nouts], strict=False), strict=True):
        if shape != [*wanted]:
            raise ValueError(f"the tensor {shown(name)} has the shape {shape}, expected {[*wanted]}")
    there = {"kind": "MLP", "nin": nin, "nouts": nouts}
    if KEY not in notes:
        if alone:
            raise ValueError("it says nothing of activations: give a model that has them, load(path, into=model)")
        return names, there, {}
    said, metadata = described(parse(member(notes, KEY, str).encode("utf-8", "replace")))
    if said | there != said:
        raise ValueError(f"its tensors are those of {shown(there)}, but it says {shown(said)}")
    return names, said, metadata


def _ordered(names: list[str]) -> list[str]:
    """Return names such as "layers.0.weight" by their numbers, each layer's weight before its bias."""
    places: dict[tuple[int, str], str] = {}
    prefixes = set()
    for name in names:
        stem, _, kind = name.rpartition(".")
        prefix = stem.rstrip("0123456789")
        digits = stem[len(prefix) :]
        if kind not in {"weight", "bias"} or not 1 <= len(digits) <= 9 or (int(digits), kind) in places:
            raise ValueError(f"{_NAMED}, but there is {shown(name)}")
        prefixes.add(prefix)
        places[int(digits), kind] = name
    numbers = sorted({number for number, _ in places})
    lacking = [f"{number}.{kind}" for number in numbers for kind in ("weight", "bias") if (number, kind) not in places]
    if len(prefixes) != 1 or lacking:
        raise ValueError(f"{_NAMED}, but there is {f'no …{lacking[0]}' if lacking else shown(sorted(names))}")
    return [places[number, kind] for number in numbers for kind in ("weight", "bias")]


_NAMED = 'expected tensors like "layers.0.weight" and "layers.0.bias", numbered, with the same text before the number'


def _shape(name: str, header: dict[str, Any]) -> Any:
    """Return the shape of a tensor: rows and columns for a weight, one number for a bias."""
    info = member(header, name, dict)
    kind, shape = member(info, "dtype", str), member(info, "shape", list)
    if kind not in SIZES:
        raise ValueError(f"the tensor {shown(name)} holds {shown(kind)}, expected {', '.join(SIZES)}")
    if len(shape) != (2 if name.endswith("weight") else 1) or not all(type(n) is int and 0 < n < 2**32 for n in shape):
        raise ValueError(
            f"the tensor {shown(name)} has the shape {shown(shape)}, expected (neurons, inputs) "
            "for a weight and (neurons,) for a bias"
        )
    return shape


def _listed(name: str, tensor: dict[str, Any], *, nonfinite: bool) -> Any:
    import numpy as np

    if tensor["dtype"] == "BF16":  # the upper half of a float32
        numbers = (np.frombuffer(tensor["data"], "<u2").astype("<u4") << 16).view("<f4")
    else:
        numbers = np.frombuffer(tensor["data"], f"<f{SIZES[tensor['dtype']]}")
    numbers = numbers.astype(np.float64).reshape(tensor["shape"])
    if not nonfinite and not (finite := np.isfinite(numbers)).all():
        place = np.argwhere(~finite)[0]
        raise ValueError(
            f"{name}{[*map(int, place)]} is {numbers[tuple(place)]}: pass nonfinite=True if that is as it should be"
        )
    return numbers.tolist()
