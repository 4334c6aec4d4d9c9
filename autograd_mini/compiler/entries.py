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
    if program.backend not in {"llvm", "vm"} or program.used or not possible():
        return None
    if len(args) != 1 or not _plain(args[0]) or args[0].ndim != 1:
        return None
    size = len(args[0])
    if not size or program.layout != ("tuple", (None, ("array", (size,)))):
        return None
    if any(step[0] == "round" for step in program.tape.steps):  # may call Python back, which may run another thread
        return None
    from autograd_mini.compiler.entry import function, scalar_entry
    from autograd_mini.compiler.machine import Code

    made: Any = program.run()
    code = Code(scalar_entry(size, made.address, slow), level=1)
    return function(code.address("entry"), "compiled", (code, made, slow))


def of_mean(
    program: Program, args: tuple[Any, ...], in_axes: object, slow: Callable[..., Any]
) -> Callable[..., Any] | None:
    """Return an entry for (p, *arrays) -> (mean loss, gradient) of a batch, else None."""
    if program.backend != "llvm" or not program.used or not possible():
        return None
    if in_axes != 0 or not args or not all(map(_plain, args)):
        return None
    if program.entry is None:
        from autograd_mini.compiler.entry import batch_entry, function
        from autograd_mini.compiler.machine import Code

        made: Any = program.run()
        shapes = [(len(program.used),), *[(None, *array.shape[1:]) for array in args]]
        sizes = (made.summed, made.room)
        code = Code(batch_entry(shapes, made.slots, sizes, made.same, made.width, made.address, slow), level=1)
        program.entry = function(code.address("entry"), "value_and_grad", (code, made, slow))
    return program.entry


def _plain(given: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(given) is numpy.ndarray and given.dtype == float and given.ndim > 0
