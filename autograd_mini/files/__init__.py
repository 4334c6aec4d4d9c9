"""Model files: what describes a network, written to disk and read back, bit for bit, and trusted with nothing.

A model file is a JSON document:

    {
    "format": "autograd_mini model",
    "version": 1,
    "architecture": {"kind": "MLP", "nin": 2, "nouts": [3, 1], "activations": ["relu", "linear"]},
    "parameters": {"W": [[[0.5, -1.25], [0.1, 0.0], [1.0, 2.0]], [[0.25, -0.5, 1.5]]], "b": [[0.0, 0.5, 0.0], [-1.0]]},
    "metadata": {"note": "anything"}
    }

- `format`, `version`: what it is. A version that readers of version 1 would misunderstand has a higher number, and they
  refuse it by that number.
- `architecture`: `nouts` and `activations` have one entry a layer. An activation is an operation of the table, or
  "linear".
- `parameters`: W has for each layer one row a neuron with one number an input, b for each layer one number a neuron. A
  number is the shortest decimal that gives the same float back. Parameters that are not finite are the texts "nan",
  "inf" and "-inf", written and read only on request.
- `metadata`: whatever its writer wants to note, such as a JSON object holds. It may be left out.
- Other members are for later versions; a reader leaves out what it does not know.

A file whose name ends in ".safetensors" has the same in the format of that name, for exchange with PyTorch and the
libraries around it: `tensors` describes it. It needs the extra: pip install 'autograd_mini[safetensors]'.

A format is a module with the functions of `models.Format`, and an entry of `models.FORMATS`.

A file is read without trust. Nothing in it is run. Its bytes, its depth, its names and its shapes are checked before a
network is built, and every fault is a ModelFormatError. Memory and time stay in proportion to the size that its
architecture justifies: a JSON file of more than `SMALL` bytes begins with format, version and architecture, in this
order, so that the reader knows from the head how long the rest may be.
"""

from autograd_mini.files.json_model import HEAD, PER_PARAMETER
from autograd_mini.files.models import FORMATS, read, require, write
from autograd_mini.files.storage import LARGEST, SMALL

__all__ = ["FORMATS", "HEAD", "LARGEST", "PER_PARAMETER", "SMALL", "read", "require", "write"]
