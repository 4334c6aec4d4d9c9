"""Which programs get an entry of machine code, to be called with arrays directly; see `entry`."""

from __future__ import annotations

import sys

from autograd_mini.compiler.entry import possible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from autograd_mini.compiler.program import Program


def of_gradient(program: Program, args: tuple[Any, ...], slow: Callable[..., Any]) -> Callable[..., Any] | None:
    """Return an entry for a program that takes one array and returns (value, gradient of its shape), else None."""
    if len(args) != 1 or not _plain(args[0]) or args[0].ndim != 1:
        return None
    size = len(args[0])
    if program.layout != ("tuple", (None, ("array", (size,)))) or program.used or not _possible(program) or not size:
        return None
    from autograd_mini.compiler.llvm import entry_of_scalar

    made: Callable[..., Any] = entry_of_scalar(program.run(), size, slow)  # type: ignore[arg-type]  # LLVM's
    return made


def of_mean(
    program: Program, args: tuple[Any, ...], in_axes: object, slow: Callable[..., Any]
) -> Callable[..., Any] | None:
    """Return an entry for (p, *arrays) -> (mean loss, gradient) of a batch, else None."""
    if in_axes != 0 or not args or not all(map(_plain, args)) or not _possible(program) or not program.used:
        return None
    if program.entry is None:
        from autograd_mini.compiler.llvm import entry_of_batch

        shapes = [(len(program.used),), *[(None, *array.shape[1:]) for array in args]]
        program.entry = entry_of_batch(program.run(), shapes, slow)  # type: ignore[arg-type]  # LLVM's
    return program.entry


def _plain(given: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(given) is numpy.ndarray and given.dtype == float and given.ndim > 0


def _possible(program: Program) -> bool:
    return program.backend == "llvm" and possible()
