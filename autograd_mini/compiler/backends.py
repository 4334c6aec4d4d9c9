"""The backends: what can run a tape, by name, and which one is taken where none is asked for.

A backend is a module with two functions. `scalar(tape)` returns the program as a function of the list of its inputs,
and `batch(tape, widths, kept, threads)` as a function of a whole batch, see `python.batch`. To add one, write the
module and put its row into `BACKENDS`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from autograd_mini.compiler.tape import Tape

LONGEST = 20_000
"""Maximum operations of a program that LLVM compiles by itself; it would take long for more."""


class Backend(NamedTuple):
    """A row of the registry.

    Attributes:
        name: what users call it.
        module: the module, by its dotted name inside of this folder.
        package: the optional package that it needs; "" for none.
        for_batches: whether it is picked for batches alone.
        longest: the most operations of a program that it is picked for; None for any number.

    """

    name: str
    module: str
    package: str = ""
    for_batches: bool = False
    longest: int | None = None

    def load(self) -> ModuleType:
        """Return the module."""
        return import_module(f"{__package__}.{self.module}")

    @property
    def available(self) -> bool:
        """Whether the package that it needs is installed."""
        return not self.package or installed(self.package)

    def unfit(self, tape: Tape, *, batched: bool) -> str:
        """Return why it is not picked for a program; "" if it is."""
        if not self.available:
            return f"{self.package} is not installed"
        if self.for_batches and not batched:
            return f"{self.name} is slow for a single set of numbers"
        if self.longest is not None and len(tape) > self.longest:
            return f"{self.name} takes long for more than {self.longest} operations; there are {len(tape)}"
        return ""


BACKENDS = {
    row.name: row
    for row in (
        Backend("llvm", "llvm.backend", package="llvmlite", longest=LONGEST),
        Backend("vm", "vm", package="llvmlite"),
        Backend("numpy", "numpy", package="numpy", for_batches=True),
        Backend("python", "python"),
    )
}
"""The backends by name; "auto" picks the first one that fits."""

CHOICES = ("auto", *BACKENDS)
"""The names that users can give."""


def installed(package: str) -> bool:
    """Return whether an optional package is there."""
    return find_spec(package) is not None


def picked(wanted: str, tape: Tape, *, batched: bool) -> tuple[str, str]:
    """Return the name of the backend for a tape, and why that one.

    Args:
        wanted: a name of `CHOICES`.
        tape: the program.
        batched: whether it is to run on batches.

    """
    if wanted != "auto":
        return wanted, "asked for"
    why = ""
    for row in BACKENDS.values():
        unfit = row.unfit(tape, batched=batched)
        if not unfit:
            return row.name, why or f"{row.package} is installed"
        why = why or unfit
    raise AssertionError("the last backend fits every program")
