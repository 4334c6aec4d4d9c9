"""Fuzzing is running what reads files and formulas on bytes that a search for new code paths has made up.

    pip install atheris
    python tests/fuzz/fuzz.py json -max_total_time=600
    python tests/fuzz/fuzz.py json crash-0123…            # again what was found

The targets are `json` and `tensors` (model files), `checkpoint` (what `fit` resumes from), `formula` (operations of
one's own) and `expression` (what the command line draws). Every option of libFuzzer may follow; what is found is
written to the current folder, and the corpus to a folder that is given, else to one that is thrown away.

A target fails if anything but the documented error comes out, if a number gets in that is not finite, if what was read
is not read the same again after it was written, or if a file, a process or a connection is opened meanwhile.
"""

import json
import math
import os
import struct
import sys
import tempfile
import warnings
from pathlib import Path
from random import Random

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))
from damage import damaged_document

atheris.enabled_hooks.add("RegEx")
with atheris.instrument_imports(include=["autograd_mini", "json"]):
    import autograd_mini
    from autograd_mini import MLP, FormulaError, ModelFormatError, Value, fit, load
    from autograd_mini.engine.ops import TABLE
    from autograd_mini.files import storage
    from autograd_mini.viz.expressions import assignments, expression

FORBIDDEN = ("os.system", "os.exec", "os.fork", "os.posix_spawn", "subprocess.Popen", "socket.", "ctypes.dlopen")


class Escape(BaseException):
    """Something was opened or started that no file or formula has a right to."""


class Guard:
    """Raises an Escape if, between entering and leaving, a file, a process or a connection is opened."""

    active = False

    def __init__(self):
        sys.addaudithook(self.hear)

    def hear(self, event, arguments):
        """Look at an event of the interpreter."""
        if self.active and (event.startswith(FORBIDDEN) or (event == "open" and not self.is_source(arguments[0]))):
            self.active = False
            raise Escape(f"{event}{arguments}")

    @staticmethod
    def is_source(path):
        """Return whether a file is a module of Python or of the package, which may be imported at any time."""
        return str(path).endswith((".py", ".pyc", ".so", ".pyi")) or os.path.isdir(path)  # noqa: PTH112 - no imports

    def __enter__(self):
        self.active = True

    def __exit__(self, *_):
        self.active = False


GUARD = Guard()
FILE = b""
"""The content of the file that is read next."""


def read(_path, head, allowed):
    """Stand in for `storage.read`: return what the fuzzer made, under the same limits."""
    limit = allowed(FILE[:head])
    if len(FILE) > limit:
        raise ValueError(f"has {len(FILE)} bytes, more than the {limit} that its head accounts for")
    return FILE


def write(_path, data):
    """Stand in for `storage.write`."""
    global FILE  # noqa: PLW0603 - it is the disk
    FILE = data


def bits(model):
    """Return all that a file says of a model, to the bit."""
    numbers = [struct.pack("<d", p.data) for p in model.parameters()]
    return numbers, repr(model), json.dumps(model.metadata, sort_keys=True)


def model_file(data, name):
    """Load a model file; write and load it again; load it into a model that is there."""
    write(name, data)
    there = MLP(2, [2, 1], "tanh", seed=0)
    try:
        with GUARD:
            load(name, into=there)
    except ValueError:
        pass
    if not all(math.isfinite(p.data) for p in there.parameters()):
        raise AssertionError("a number that is not finite")
    try:
        with GUARD:
            model = load(name)
    except ModelFormatError as error:
        if len(str(error)) > 1000:
            raise AssertionError("a long message") from error
        return
    if not all(math.isfinite(p.data) for p in model.parameters()):
        raise AssertionError("a number that is not finite")
    before = bits(model)
    model.save(name)
    if bits(load(name)) != before:
        raise AssertionError("another model")


def json_file(data):
    """Load a JSON model file."""
    model_file(data, "model.json")


def tensor_file(data):
    """Load a file of tensors; its first bytes are the length of the header, which a search would not often guess."""
    end = data.find(b"\0")
    if len(data) > 8 and end > 8:
        data = struct.pack("<Q", end - 8) + data[8:end] + data[end + 1 :]
    model_file(data, "model.safetensors")


X, Y = [[0.0, 1.0], [1.0, 0.5]], [1.0, 0.0]


def run(**more):
    """Train a model, writing a checkpoint or going on from one."""
    model = MLP(2, [2, 1], seed=0)
    fit(model, X, Y, loss="mse", optimizer="adam", progress=False, compile=False, **more)
    return model


def checkpoint_file(data):
    """Go on from a checkpoint."""
    write("", data)
    model = None
    try:
        with GUARD:
            model = run(epochs=2, resume="run.json")
    except (ValueError, autograd_mini.DivergedError):
        return
    if model and not all(math.isfinite(p.data) for p in model.parameters()):
        raise AssertionError("a number that is not finite")


def text_of(data):
    """Return bytes as text, halves of surrogates included."""
    return data.decode("utf-8", "surrogateescape")


def formula(data):
    """Define an operation by formulas, value and partials in lines; compute it and its derivatives."""
    value, *partials = text_of(data).split("\n")
    try:
        with GUARD:
            fuzzed = autograd_mini.operation("fuzzed", value, *(partials or ["1"]))
    except (FormulaError, ValueError):
        return
    try:
        for numbers in ((0.5, -1.5), (0.0, 0.0), (math.inf, -0.0), (math.nan, 1e308)):
            operands = [Value(number) for number in numbers[: len(partials or [0])]]
            with GUARD:
                result = fuzzed(*operands)
                result.backward()
            if type(result.data) is not float:
                raise AssertionError(f"a result of type {type(result.data)}")
    finally:
        del TABLE["fuzzed"]


def drawn_expression(data):
    """Evaluate an expression of the command line, its numbers in the lines after it."""
    text, *numbers = text_of(data).split("\n")
    try:
        with GUARD:
            result = expression(text, assignments(numbers))
    except ValueError:
        return
    with GUARD:
        result.backward()


EXPRESSIONS = ["tanh(w*x + b)\nw=1\nx=2\nb=-0.5", "where(x < 0 or x >= y > 1, -x, x ** 2) % 3 // y\nx=1\ny=2"]
FORMULAS = [
    "x * x * x\n3 * x * x",
    "where(x < y, exp(x), y ** 2)\nwhere(x < y, z, 0)\nwhere(x < y, 0, 2 * y)",
    "-x % 1e9\n1",
]
WORDS = [
    "where(",
    "x",
    "y",
    "z",
    " < ",
    " and ",
    " or ",
    " not ",
    " if ",
    "**",
    "//",
    "lambda",
    "1e999",
    "0x1",
    "1_0",
    "1j",
]
WORDS += [
    "__import__",
    "__class__",
    "True",
    "None",
    "nan",
    '"',
    "'",
    "\\",
    "[",
    "{",
    "(",
    ":=",
    "#",
    "\\u0660",
    "f'{x}'",
]


def seeds(target, folder):
    """Return valid inputs for a target."""
    if target in {"formula", "expression"}:
        return [text.encode() for text in (FORMULAS if target == "formula" else EXPRESSIONS)]
    path = folder / ("seed.safetensors" if target == "tensors" else "seed.json")
    made = []
    for nouts, metadata in [([1], {}), ([2, 1], {"note": "é", "losses": [1.0, 0.5, None, True]})]:
        if target == "checkpoint":
            run(epochs=1, checkpoint=path)
        else:
            MLP(2, nouts, "tanh", seed=0).save(path, metadata)
        data = path.read_bytes()
        path.unlink()
        if target == "tensors":
            end = 8 + int.from_bytes(data[:8], "little")
            data = data[:end] + b"\0" + data[end:]
        made.append(data)
    return made


def dictionary(target, made):
    """Return the words that a target knows, in libFuzzer's notation."""
    if target in {"formula", "expression"}:
        words = [*WORDS, *(f"{name}(" for name in TABLE)]
    else:
        words = {word for data in made for word in data.decode("latin-1").split('"')[1::2] if word.isidentifier()}
        words |= {
            "layers.0.weight",
            "F32",
            "BF16",
            "F16",
            "1e999",
            "NaN",
            "-Infinity",
            "nan",
            "\\ud800",
            "null",
            "true",
        }
        words |= {"[]", "{}", "[[", '""', ":", ",", "-0.0", "1e-400", "99999999999999999999", '"version": 2'}
    return "\n".join(f'"{quoted(word)}"' for word in sorted(words))


def quoted(word):
    """Return the bytes of a word as escapes."""
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


def mutated(data, max_size, seed):
    """Return data with bytes changed as libFuzzer does, or with a place in a document changed."""
    rng = Random(seed)
    if rng.random() < 0.5:
        return atheris.Mutate(data, max_size)
    start, end = (8, data.find(b"\0", 8)) if data[8:9] == b"{" else (0, len(data))
    try:
        document = json.loads(data[start:end])
        described = document.get("__metadata__", {}).get("autograd_mini") if rng.random() < 0.3 else None
        if described:
            changed = damaged_document(json.loads(described), rng)
            document["__metadata__"]["autograd_mini"] = json.dumps(changed)
        else:
            document = damaged_document(document, rng)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return atheris.Mutate(data, max_size)
    data = data[:start] + json.dumps(document).encode() + data[end:]
    return data if len(data) <= max_size else atheris.Mutate(data[:max_size], max_size)


TARGETS = {
    "json": json_file,
    "tensors": tensor_file,
    "checkpoint": checkpoint_file,
    "formula": formula,
    "expression": drawn_expression,
}


def main():
    """Fuzz the target that the command line names."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(__doc__)
    target, options = sys.argv[1], sys.argv[2:]
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    (folder / "seeds").mkdir()
    made = seeds(target, folder)
    for index, data in enumerate(made):
        (folder / "seeds" / f"seed{index}").write_bytes(data)
    (folder / "words").write_text(dictionary(target, made))
    if not any(Path(option).is_file() for option in options):
        (folder / "corpus").mkdir()
        options = [f"-dict={folder / 'words'}", "-max_len=4096", "-timeout=20", "-rss_limit_mb=2000", *options]
        options += [] if any(Path(option).is_dir() for option in options) else [str(folder / "corpus")]
        options += [str(folder / "seeds")]
    storage.read, storage.write = read, write
    for one in made:
        TARGETS[target](one)  # so that all is imported before the guard listens
    documents = {} if target in {"formula", "expression"} else {"custom_mutator": mutated}
    warnings.simplefilter("ignore")  # Python warns of literals like 1or
    atheris.Setup([sys.argv[0], *options], TARGETS[target], **documents)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
