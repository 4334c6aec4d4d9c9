"""The commands that draw an expression typed on the command line: as a graph, or as a page to step through."""

# ruff: noqa: T201 - a command prints

from __future__ import annotations

from autograd_mini.cli.commands import writable
from autograd_mini.cli.failure import UserError
from autograd_mini.viz import draw as drawn
from autograd_mini.viz import expression
from autograd_mini.viz import step as stepper
from autograd_mini.viz.expressions import assignments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from autograd_mini.engine.value import Value


def draw(arguments: Namespace) -> None:
    """Draw the graph of an expression with its gradients."""
    _save(arguments, lambda result: drawn(result).save(arguments.out))


def step(arguments: Namespace) -> None:
    """Write a page that steps through the forward and backward pass of an expression."""
    _save(arguments, lambda result: stepper(result).save(arguments.out))


def _save(arguments: Namespace, save: Callable[[Value], object]) -> None:
    writable(arguments.out)
    try:
        result = expression(arguments.expression, assignments(arguments.numbers))
        result.backward()
        save(result)
    except (ValueError, ImportError) as error:  # a formula, a number, the ending of the file; a missing extra
        raise UserError(str(error)) from None
    print(arguments.out)
