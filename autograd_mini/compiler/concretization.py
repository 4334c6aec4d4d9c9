"""Concretization: asking a traced Value for its number, which is refused with the way out.

The answer would be baked into the compiled function without a word.
"""

from __future__ import annotations

from autograd_mini.engine.locations import Place, user_frame
from autograd_mini.errors import TracingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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


def concretization_error(what: str) -> TracingError:
    """Return the error for something that a traced function may not do."""
    return TracingError(
        f"{what} of a traced Value{place()}: its number is not known when the function is compiled, and what depends "
        f"on it would be baked in. Instead: {REMEDIES[what]}"
    )


def refusing(what: str) -> Any:
    """Return a method that raises this error."""

    def refuse(*_: object, **__: object) -> Any:
        raise concretization_error(what)

    return refuse


def place() -> str:
    """Return the file, line and text of the line of the user's that is running; a notebook's cell by its number."""
    frame = user_frame()
    return "" if frame is None else f" in {Place(frame.f_code, frame.f_lasti)}"
