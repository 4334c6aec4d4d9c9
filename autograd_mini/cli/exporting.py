"""The export of a trained model, or of a function in the user's code, for other programs."""

# ruff: noqa: T201 - a command prints

from __future__ import annotations

from pathlib import Path

from autograd_mini.cli.check import named
from autograd_mini.cli.commands import supported, writable
from autograd_mini.cli.recipe import KEY, Recipe
from autograd_mini.cli.tables import UserError
from autograd_mini.files import storage
from autograd_mini.nn import MLP
from autograd_mini.nn.mlp import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable
    from typing import Any


def export(arguments: Namespace) -> None:
    """Write a model, or a function of numbers, for another program."""
    writable(arguments.out)
    source, notes = arguments.source, []
    try:
        found: Any
        if ":" in source and not Path(source).exists():
            found = named(source)
        else:
            supported(source)
            found = load(source)
        if isinstance(found, MLP):
            if isinstance(found.metadata, dict) and KEY in found.metadata:
                notes = unscaled(found, Recipe.from_metadata(found.metadata, source))
            found.export(arguments.out, name=arguments.name, dtype=arguments.dtype, notes=notes)
        else:
            storage.write(_header(arguments.out), _text(found, arguments).encode())
    except (ValueError, TypeError, ImportError) as error:  # a name, an ending, an activation; a missing extra
        raise UserError(str(error)) from None
    print("\n".join([arguments.out, *notes]))


def _header(path: str) -> str:
    if Path(path).suffix.lower() != ".h":
        raise UserError(f"--out is {path!r}, expected a name that ends in .h: a function is written in C")
    return path


def _text(f: Callable[..., Any], arguments: Namespace) -> str:
    """Return the header of a function of numbers."""
    from inspect import signature

    from autograd_mini.compiler import Compiled, jit

    try:
        count = len(signature(f).parameters)
        fast = f if isinstance(f, Compiled) else jit(f)
        return fast.c(*[0.0] * count, name=arguments.name, dtype=arguments.dtype)
    except (ValueError, ImportError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever the user's function raises
        raise UserError(
            f"cannot compile {arguments.source} as a function of numbers: {type(error).__name__}: {error}"
        ) from None


def unscaled(model: MLP, recipe: Recipe) -> list[str]:
    """Let a network take columns as they stand in a table, and say what its inputs and outputs are.

    The scaling of the columns goes into the first layer, and that of a predicted number into the last.
    """
    for neuron in model.layers[0].neurons:
        for w, mean, scale in zip(neuron.w, recipe.means, recipe.scales, strict=True):
            w.data /= scale
            neuron.b.data -= w.data * mean
    notes = [f"inputs: {', '.join(recipe.columns)}, as they stand in the table"]
    if recipe.classes:
        scores = {"cross_entropy": "the largest is the class", "hinge": "above 0 is the second class"}
        meaning = scores.get(recipe.loss, "log-odds of the second class, so above 0 is that one")
        return [*notes, f"outputs: scores of {recipe.target}, {meaning}: {', '.join(recipe.classes)}"]
    for neuron in model.layers[-1].neurons:
        if neuron.activation == "linear":
            for w in neuron.w:
                w.data *= recipe.target_scale
            neuron.b.data = recipe.target_mean + recipe.target_scale * neuron.b.data
    return [*notes, f"output: {recipe.target}"]
