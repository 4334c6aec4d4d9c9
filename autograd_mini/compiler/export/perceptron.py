"""A network in other programs: as an ONNX model, see `onnx`, or as a C header.

The header has the parameters as one table, and loops for the layers, forward and backward. Its code is as short for
a thousand neurons as for ten, so that what a microcontroller's flash holds is parameters.
"""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

from autograd_mini.compiler.export import onnx
from autograd_mini.compiler.export.c import comment, dialect, function, header, identifier, table, titled
from autograd_mini.compiler.specialization import Programs
from autograd_mini.engine.functions import ON_VALUES
from autograd_mini.transforms.gradients import grad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike
    from typing import Any

    from autograd_mini.compiler.export.c import Dialect

    Numbers = tuple[list[list[list[float]]], list[list[float]]]

_LAYER = """\
/* The sums of a layer: of every neuron its bias, and its weights times the inputs. */
{qualifier} void {name}_layer(const {number} *p, const {number} *x, size_t inputs, size_t neurons, {number} *sums)
{{
    for (size_t j = 0; j < neurons; ++j) {{
        {number} sum = p[inputs];
        for (size_t k = 0; k < inputs; ++k) {{
            sum += p[k] * x[k];
        }}
        sums[j] = sum;
        p += inputs + 1;
    }}
}}
"""

_PULLBACK = """\
/* The way back through a layer: sets x_grad, and adds to p_grad, where these are not NULL. */
{qualifier} void {name}_pullback(const {number} *p, const {number} *x, size_t inputs, size_t neurons,
    const {number} *sums_grad, {number} *x_grad, {number} *p_grad)
{{
    for (size_t k = 0; x_grad != NULL && k < inputs; ++k) {{
        x_grad[k] = {zero};
    }}
    for (size_t j = 0; j < neurons; ++j) {{
        for (size_t k = 0; x_grad != NULL && k < inputs; ++k) {{
            x_grad[k] += p[k] * sums_grad[j];
        }}
        if (p_grad != NULL) {{
            for (size_t k = 0; k < inputs; ++k) {{
                p_grad[k] += sums_grad[j] * x[k];
            }}
            p_grad[inputs] += sums_grad[j];
            p_grad += inputs + 1;
        }}
        p += inputs + 1;
    }}
}}
"""

_ABOUT = """\
{name}: a network of {shape} units, {activations}

Written by autograd_mini, for C99 and C++; it needs the C library's math.h, and no memory but the stack.
Numbers are of the type {number}; nan and infinities are kept, so leave -ffast-math off.

  x: {inputs} inputs
  y: {outputs} {what}
  p: {count} parameters, such as {name}_parameters: {size} bytes of flash, or of RAM to train them

Numbers on the stack: {forward} bytes for the outputs, {backward} for the gradients besides p_grad."""


def written(
    path: str | PathLike[str],
    architecture: dict[str, Any],
    numbers: Numbers,
    *,
    name: str = "",
    dtype: str = "float",
    notes: Sequence[str] = (),
) -> bytes:
    """Return what a file is to hold that gives a network to another program; errors are those of `MLP.export`.

    Args:
        path: the file; its ending says for which program.
        architecture: "nin", "nouts", and the names of the "activations", one a layer.
        numbers: the weights and the biases of each layer.
        name: what the function, or the graph, is called; "" for one like the file's.
        dtype: "double" or "float".
        notes: lines of text for its readers.

    """
    file = Path(os.fsdecode(path))
    if file.suffix.lower() not in WRITERS:
        raise ValueError(f"path is {os.fsdecode(path)!r}, expected one that ends in {' or '.join(WRITERS)}")
    dialect(dtype)
    name = titled(name, identifier(file.stem, "model"))
    return WRITERS[file.suffix.lower()](architecture, numbers, name, dtype, notes)


def c_text(architecture: dict[str, Any], numbers: Numbers, name: str, dtype: str, notes: Sequence[str]) -> bytes:
    """Return the header of a network."""
    c = dialect(dtype)
    sizes = [architecture["nin"], *architecture["nouts"]]
    activations = architecture["activations"]
    parameters, labels = _labelled(numbers)
    words = {"name": name, "number": c.number, "qualifier": c.qualifier, "zero": c.constant(0.0)}
    count, bytes_each = len(parameters), 4 if c.suffix else 8
    about = _ABOUT.format(
        **words,
        shape="-".join(map(str, sizes)),
        activations=", ".join(activations),
        inputs=sizes[0],
        outputs=sizes[-1],
        what="output" if sizes[-1] == 1 else "outputs",
        count=count,
        size=count * bytes_each,
        forward=bytes_each * sum(_buffers(sizes)),
        backward=bytes_each * (2 * sum(sizes[1:]) - sizes[-1] + sum(_buffers(sizes[:-1]))),
    )
    parts = [
        "/* The parameters: of each neuron its weights, then its bias. */",
        f"enum {{ {name.upper()}_PARAMETERS = {count} }};",
        table(f"{name}_parameters", parameters, labels, c),
        *_activations(activations, name, c),
        _LAYER.format(**words),
        _forward(sizes, activations, name, c),
        _PULLBACK.format(**words),
        _backward(sizes, activations, name, c),
    ]
    if sizes[-1] == 1:
        parts.append(_value_and_grad(sizes, name, c))
    return header(name, "\n".join([about, *([""] if notes else []), *notes]), parts).encode()


WRITERS = {".h": c_text, ".onnx": onnx.model}
"""What writes a network with a name, a dtype and notes, by the ending of the file's name."""


def _labelled(numbers: Numbers) -> tuple[list[float], list[str]]:
    """Return the parameters, those of a neuron behind each other, and their names in textbooks."""
    parameters, labels = [], []
    for at, (rows, biases) in enumerate(zip(*numbers, strict=True), start=1):
        for j, (weights, bias) in enumerate(zip(rows, biases, strict=True), start=1):
            parameters += [*weights, bias]
            labels += [*[f"w[{at}][{j}][{k}]" for k in range(1, len(weights) + 1)], f"b[{at}][{j}]"]
    return parameters, labels


def _activations(activations: list[str], name: str, c: Dialect) -> list[str]:
    """Write each activation of the network, and its derivative."""
    parts = []
    for activation in dict.fromkeys(activations):
        if activation != "linear":
            f = getattr(ON_VALUES, activation)
            for title, rule in ((activation, f), (f"{activation}_slope", grad(f))):
                programs = Programs(rule, batched=False, in_axes=0, static=(), backend="python")
                tape = programs.take((0.0,), {}, differentiate=False)[0].tape
                parts.append(function(tape, f"{name}_{title}", [f"{c.number} x"], ["x"], c))
    return parts


def _buffers(sizes: list[int]) -> list[int]:
    """Return how many numbers the hidden layers hold in turn: those at odd places, and those at even ones."""
    hidden = sizes[1:-1]
    return [max(part) for part in (hidden[::2], hidden[1::2]) if part]


def _signature(sizes: list[int], c: Dialect) -> str:
    inputs, count = sizes[0], sum((a + 1) * b for a, b in pairwise(sizes))
    return f"const {c.number} x[{inputs}], const {c.number} p[{count}]"


def _forward(sizes: list[int], activations: list[str], name: str, c: Dialect) -> str:
    """Write the function of the outputs, on one buffer for the layers at odd places, and one for the others."""
    single, last = sizes[-1] == 1, len(sizes) - 1
    kind, out = (c.number, "") if single else ("void", f", {c.number} y[{sizes[-1]}]")
    lines = [f"{c.qualifier} {kind} {name}({_signature(sizes, c)}{out})", "{"]
    lines += [f"    {c.number} h{at}[{size}];" for at, size in enumerate(_buffers(sizes))]
    lines += [f"    {c.number} y[1];"] if single else []
    before, start = "x", 0
    for index, (inputs, neurons) in enumerate(pairwise(sizes)):
        to = "y" if index == last - 1 else f"h{index % 2}"
        lines.append(f"    {name}_layer({_plus('p', start)}, {before}, {inputs}, {neurons}, {to});")
        if activations[index] != "linear":
            lines += _each(neurons, f"{to}[j] = {name}_{activations[index]}({to}[j]);")
        before, start = to, start + (inputs + 1) * neurons
    lines += ["    return y[0];"] if single else []
    what = f"/* {comment(f'{name}(x, p)')}: {'the output' if single else 'sets the outputs y'}. */"
    return "\n".join([what, *lines, "}", ""])


def _backward(sizes: list[int], activations: list[str], name: str, c: Dialect) -> str:
    """Write the function of the gradients: forward with everything kept, then back, layer by layer."""
    number, last = c.number, len(sizes) - 1
    lines = [
        "/* Sets the outputs y, and with y_grad, how a loss depends on them, the gradient x_grad with respect to the",
        " * inputs, and adds that of the parameters to p_grad; either may be NULL. Zero p_grad before a batch. */",
        f"{c.qualifier} void {name}_backward({_signature(sizes, c)}, const {number} y_grad[{sizes[-1]}],",
        f"    {number} y[{sizes[-1]}], {number} *x_grad, {number} *p_grad)",
        "{",
    ]
    places = list(enumerate(pairwise(sizes), start=1))
    starts = [sum((a + 1) * b for _, (a, b) in places[:at]) for at in range(last)]
    outputs = ["x"]
    for index, (inputs, neurons) in places:
        curved = activations[index - 1] != "linear"
        to = "y" if index == last else f"h{index}"
        sums = f"a{index}" if curved else to
        lines += [f"    {number} a{index}[{neurons}];"] if curved else []
        lines += [f"    {number} h{index}[{neurons}];"] if index < last else []
        weights = _plus("p", starts[index - 1])
        lines.append(f"    {name}_layer({weights}, {outputs[-1]}, {inputs}, {neurons}, {sums});")
        if curved:
            lines += _each(neurons, f"{to}[j] = {name}_{activations[index - 1]}({sums}[j]);")
        outputs.append(to)
    for index, (inputs, neurons) in reversed(places):
        seeds = "y_grad" if index == last else f"g{index}"
        if activations[index - 1] != "linear":  # the sums are not needed any more: their gradient takes their place
            slope = f"{name}_{activations[index - 1]}_slope(a{index}[j])"
            lines += _each(neurons, f"a{index}[j] = {seeds}[j] * {slope};")
            seeds = f"a{index}"
        to = "x_grad" if index == 1 else f"g{index - 1}"
        lines += [f"    {number} g{index - 1}[{inputs}];"] if index > 1 else []
        own = f"p_grad == NULL ? NULL : {_plus('p_grad', starts[index - 1])}" if starts[index - 1] else "p_grad"
        lines.append(
            f"    {name}_pullback({_plus('p', starts[index - 1])}, {outputs[index - 1]}, {inputs}, {neurons}, "
            f"{seeds}, {to}, {own});"
        )
    return "\n".join([*lines, "}", ""])


def _value_and_grad(sizes: list[int], name: str, c: Dialect) -> str:
    """Write the function of the single output and its gradient."""
    zero, one = c.constant(0.0), c.constant(1.0)
    lines = [
        f"/* {name}(x, p), and its gradient with respect to the parameters. */",
        f"{c.qualifier} {c.number} {name}_value_and_grad({_signature(sizes, c)}, {c.number} *grad)",
        "{",
        f"    const {c.number} y_grad[1] = {{{one}}};",
        f"    {c.number} y[1];",
        *_each(sum((a + 1) * b for a, b in pairwise(sizes)), f"grad[j] = {zero};"),
        f"    {name}_backward(x, p, y_grad, y, NULL, grad);",
        "    return y[0];",
    ]
    return "\n".join([*lines, "}", ""])


def _each(count: int, statement: str) -> list[str]:
    """Write a loop over neurons."""
    return [f"    for (size_t j = 0; j < {count}; ++j) {{", f"        {statement}", "    }"]


def _plus(pointer: str, start: int) -> str:
    return f"{pointer} + {start}" if start else pointer
