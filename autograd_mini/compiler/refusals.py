"""Refusals: the errors for what a traced function may not do, with the place in the user's code and the way out."""

from __future__ import annotations

import sys

from autograd_mini.engine.locations import Place
from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

PACKAGE = __file__.rpartition("compiler")[0]
"""The folder of the package, whose lines are not the user's."""

REMEDIES = {
    "bool()": "where(condition, a, b), maximum, minimum, clip or abs choose without branching; join conditions with & "
    "and |",
    "assigning .data": "return the new number, and assign it outside",
    "assigning .grad": "call backward on the compiled function, which adds to .grad",
    ".grad": "read it outside; gradients inside are those of grad(f) and gradient(y, x)",
    ".data": "compute with the Value itself; stop_gradient(x) makes it a constant",
    "float()": "compute with the Value itself, and use autograd_mini.exp(x) in place of math.exp(x)",
    "int()": "declare the argument static: jit(f, static=...) compiles once for each of its values",
    "copying": "compute with the Value itself, which does not change",
    "custom_gradient": "leave that call out of the compiled function: custom_gradient calls its functions with numbers",
    "backward()": "use jit(grad(f)), or backward on the compiled function",
}


def refusal(what: str) -> TracingError:
    """Return the error for something that a traced function may not do."""
    return TracingError(
        f"{what} of a traced Value{place()}: its number is not known when the function is compiled, and what depends "
        f"on it would be baked in. Instead: {REMEDIES[what]}"
    )


def place() -> str:
    """Return the file, line and text of the line of the user's that is running; a notebook's cell by its number."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _passed(frame):
        frame = frame.f_back
    return f" in {Place(frame.f_code, frame.f_lasti)}"


def _passed(frame: FrameType) -> bool:
    """Return whether a frame is not the user's: of the package, or of NumPy or `copy`, which the user called."""
    if frame.f_code.co_filename.startswith((PACKAGE, "<autograd_mini")):
        return True
    return frame.f_globals.get("__name__", "").partition(".")[0] in {"numpy", "copy"}
